"""The engine against the real simulator over HTTP and the real database, with short waits."""

from collections.abc import Iterator

import pytest

from migrator.gateway.arm import StaticToken
from migrator.gateway.azure import Azure
from migrator.simulator import running
from tests.tracker.runs import kinds as run_kinds
from tests.tracker.runs.programme import Programme


@pytest.fixture(scope="module")
def simulator() -> Iterator[running.Running]:
    with running.simulator(scenario="journey", speed=600) as process:
        yield process


@pytest.fixture
def programme(simulator: running.Running, db: None) -> Iterator[Programme]:
    """Three people, the journey estate read and assessed, nothing placed yet."""
    made = Programme(simulator)
    made.begin()
    yield made
    made.close()


@pytest.fixture(scope="package")
def both_apis() -> Iterator[running.Running]:
    with running.simulator(scenario="empty", speed=6000) as process:
        yield process


@pytest.fixture
def kinds(both_apis: running.Running, db: None) -> Iterator[Programme]:
    """One unit of every kind (tests/tracker/runs/kinds.py), over Resource Manager and service management."""
    made = Programme(both_apis)
    made.gateway.close()
    made.gateway = Azure(
        both_apis.base_url, f"{both_apis.base_url}/service-management", StaticToken("a-token"), deadline=5
    )
    made.begin("kinds", run_kinds.estate())
    yield made
    made.close()
