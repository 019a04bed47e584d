"""One simulator process for all tests here, begun anew for each."""

from collections.abc import Iterator

import pytest

from migrator.simulator import running
from tests.migrator.simulator.service_management.asking import Azure


@pytest.fixture(scope="session")
def service_management_server() -> Iterator[running.Running]:
    with running.simulator(scenario="demo", speed=0) as server:
        server.control("settings", {"throttle": 0})
        yield server


def _begun(server: running.Running, scenario: str) -> Azure:
    server.control("reset", {"scenario": scenario})
    server.control("settings", {"throttle": 0, "after_failure": "Prepared"})
    return Azure(server)


@pytest.fixture
def azure(service_management_server: running.Running) -> Azure:
    """The demo company."""
    return _begun(service_management_server, "demo")


@pytest.fixture
def journey(service_management_server: running.Running) -> Azure:
    """The journey's estate: shop-net goes all the way, pricing is short of quota."""
    return _begun(service_management_server, "journey")
