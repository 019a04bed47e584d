"""One simulator process for all contract tests, reset before each; a gateway on it over real HTTP."""

from collections.abc import Iterator

import pytest

from migrator.gateway.arm import ArmGateway, credential
from migrator.simulator import running


@pytest.fixture(scope="session")
def process() -> Iterator[running.Running]:
    with running.simulator(scenario="journey") as azure:
        yield azure


@pytest.fixture
def azure(process: running.Running) -> running.Running:
    """The journey estate, untouched. Time runs at its own pace; tests advance it by hand."""
    process.control("reset", {"scenario": "journey", "seed": 1})
    process.control("settings", {"throttle": 0, "page_size": 100, "operation_header": "both"})
    return process


@pytest.fixture
def gateway(azure: running.Running) -> Iterator[ArmGateway]:
    with ArmGateway(azure.base_url, credential("static", azure.base_url)) as gateway:
        yield gateway


@pytest.fixture
def subscription(gateway: ArmGateway) -> str:
    (found,) = gateway.subscriptions()
    return found.subscription_id
