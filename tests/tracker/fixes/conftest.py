"""Fixes over both APIs of the real simulator, with the demo company in the database."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from migrator.gateway.arm import StaticToken
from migrator.gateway.azure import Azure
from migrator.simulator import running
from tests.tracker.runs.programme import TEST, Programme
from tracker.fixes import actions as fixes
from tracker.fixes import queries
from tracker.fixes.models import Fix
from tracker.inventory import actions as inventory
from tracker.inventory.models import Unit
from tracker.readiness import actions as readiness
from tracker.readiness.models import Finding
from tracker.runs.queries import database_now


class Company(Programme):
    """The programme of the runs' tests, and what is done with fixes."""

    wrapped: Any = None

    def finding(self, unit: str, rule: str) -> Finding:
        return Finding.objects.get(unit__name=unit, rule=rule, outcome="yes")

    def asked(self, unit: str, rule: str) -> Fix:
        key = self.finding(unit, rule).resource_key
        return fixes.ask(
            self.unit(unit), rule=rule, resource_key=key, reason="It blocks us.", by=self.tomas, now=database_now()
        )

    def approved_fix(self, unit: str, rule: str) -> Fix:
        fix = self.asked(unit, rule)
        return fixes.approve(fix, seal=fix.seal, by=self.aiko, now=database_now())

    def step(self, fix: Fix) -> str:
        """What the worker does with one message, without the waits between two looks."""
        Fix.objects.filter(pk=fix.pk, due_at__isnull=False).update(due_at=database_now())
        said = fixes.advance(fix.pk, gateway=lambda _: self.wrapped or self.gateway, clock=database_now)
        fix.refresh_from_db()
        return said

    def until_over(self, fix: Fix, seconds: float = 20) -> Fix:
        deadline, said = time.monotonic() + seconds, []
        while time.monotonic() < deadline and fix.state in Fix.IN_HAND:
            said.append(self.step(fix))
            time.sleep(0.02)
        assert fix.state not in Fix.IN_HAND, said[-5:]
        return fix

    def resync(self, unit: Unit) -> None:
        """What the tasks do with the wish for a sync."""
        inventory.sync(unit.subscription, self.gateway, database_now, TEST)
        units = list(Unit.objects.filter(subscription=unit.subscription, gone_at__isnull=True))
        readiness.assess(units, movable=self.gateway.movable(), now=database_now(), by=TEST)

    def requests(self, method: str, part: str) -> list[str]:
        """Requests of a method whose path holds `part`, as they reached the simulator."""
        rows = self.simulator.control(f"log?after={self.mark}")["value"]
        return [row["path"] for row in rows if row["method"] == method and part.lower() in row["path"].lower()]


class Wrapped:
    """The real gateway, with one method replaced."""

    def __init__(self, gateway: Azure, **methods: Callable[..., Any]) -> None:
        self._gateway = gateway
        self.__dict__.update(methods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)


@pytest.fixture(scope="module")
def simulator() -> Iterator[running.Running]:
    with running.simulator(scenario="demo", speed=6000) as process:
        yield process


@pytest.fixture
def company(simulator: running.Running, db: None) -> Iterator[Company]:
    made = Company(simulator)
    made.gateway.close()
    made.gateway = Azure(  # type: ignore[assignment]
        simulator.base_url, f"{simulator.base_url}/service-management", StaticToken("a-token"), deadline=5
    )
    made.begin("demo")
    yield made
    made.close()


__all__ = ["Company", "Wrapped", "queries"]
