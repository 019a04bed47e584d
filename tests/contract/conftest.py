"""The places where the contract is kept, reset before each test, and a gateway on them.

`azure` is a simulator's process over real HTTP unless a module asks for more with SIMULATED or EVERYWHERE.
"""

from collections.abc import Iterator

import pytest

from migrator.gateway.arm import ArmGateway
from migrator.simulator import running
from tests.contract.places import REAL_SUBSCRIPTION, InProcess, OverHttp, Place, RealAzure


@pytest.fixture(scope="session")
def process() -> Iterator[running.Running]:
    with running.simulator(scenario="journey") as azure:
        yield azure


@pytest.fixture
def azure(request: pytest.FixtureRequest) -> Place:
    """The journey estate, untouched. Time runs at its own pace; tests advance it by hand."""
    where = getattr(request, "param", "over HTTP")
    if where == "real subscription":
        return RealAzure()
    if where == "in process":
        place: OverHttp = InProcess()
    else:
        place = OverHttp(request.getfixturevalue("process"))
        place.control("reset", {"scenario": "journey", "seed": 1})
        place.control("faults", method="DELETE")
    place.control("settings", {"throttle": 0, "page_size": 100, "operation_header": "both", "validate_later": 0})
    return place


@pytest.fixture
def gateway(azure: Place) -> Iterator[ArmGateway]:
    with azure.gateway() as gateway:
        yield gateway


@pytest.fixture
def subscription(azure: Place, gateway: ArmGateway) -> str:
    if not azure.simulated:
        return REAL_SUBSCRIPTION
    (found,) = gateway.subscriptions()
    return found.subscription_id
