"""One simulator process for the module; every test begins with the estate `small`."""

from collections.abc import Iterator

import pytest

from migrator.simulator import running
from tests.live_database import emptied_for_real  # noqa: F401 - the tests of crashes commit
from tests.tracker.inventory.azure import Azure, Clock


@pytest.fixture(scope="module")
def simulator() -> Iterator[running.Running]:
    with running.simulator(scenario="small") as process:
        yield process


@pytest.fixture
def azure(simulator: running.Running) -> Iterator[Azure]:
    made = Azure(simulator)
    made.begin()
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()
