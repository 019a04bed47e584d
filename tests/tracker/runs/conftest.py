"""The engine against the real simulator over HTTP and the real database, with short waits."""

from collections.abc import Iterator

import pytest

from migrator.simulator import running
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
