"""The generated estate's flaws, read as the product reads them: over HTTP, with registrations and usages."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from migrator import units
from migrator.gateway import wire
from migrator.gateway.arm import ArmGateway, credential
from migrator.gateway.protocol import Unreadable
from migrator.readiness import Context, Outcome, evaluate
from migrator.simulator import running
from migrator.simulator.estates import generated


@pytest.fixture(scope="module")
def flawed() -> Iterator[running.Running]:
    more = [
        "--scenario",
        "generated",
        "--seed",
        "7",
        "--resources",
        "6000",
        "--subscriptions",
        "1",
        "--set",
        "throttle=0",
    ]
    azure = running.Running(more)
    try:
        azure.start()
        yield azure
    finally:
        azure.close()


@pytest.mark.long
def test_every_rule_a_flaw_is_there_for_says_yes_somewhere(flawed: running.Running) -> None:
    found: set[str] = set()
    with ArmGateway(flawed.base_url, credential("static", flawed.base_url)) as gateway:
        (subscription,) = (row.subscription_id for row in gateway.subscriptions())
        known = wire.estate(
            [item for item in gateway.inventory(subscription) if not isinstance(item, Unreadable)],
            gateway.registrations(subscription),
            gateway.usages(subscription, "westeurope"),
        )
        context = Context(estate=known, now=datetime(2026, 11, 22, tzinfo=UTC))
        for unit in units.resolve(known.resources):
            found |= {f.rule_id for f in evaluate(unit, context).findings if f.outcome is Outcome.YES}
    named = {rule for _, text in generated.FLAWS.values() for rule in re.findall(r"\b[A-Z]+(?:-[A-Z]+)+\b", text)}
    assert len(named) >= 35
    assert not named - found
    assert len(found) >= 80
