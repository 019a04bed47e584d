"""An estate for the tests of pages: the simulator's journey estate, read once over HTTP and replayed from memory.

What is stored is what the real actions stored of real answers: sync, usages, assessment.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from migrator.gateway.arm import ArmGateway, StaticToken
from migrator.simulator import running
from tests.kept_rows import once
from tests.web.conftest import person
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.audit.values import Actor
from tracker.inventory import actions as inventory
from tracker.inventory.models import Subscription, Sync, Unit
from tracker.quota import actions as quota
from tracker.quota import queries as quota_queries
from tracker.readiness import actions as readiness
from tracker.runs.models import Comparison, Difference, Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves.models import Approval, Wave

TEST = Actor("command", "test", "A test")
HOSTILE = "<script>alert(1)</script>"


class Replayed:
    """Answers of a real gateway, asked once and remembered; an answer that is a list can be walked again."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, tuple[Any, ...]], Any] = {}
        self.gateway: ArmGateway | None = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*given: Any, after: str | None = None) -> Any:  # what is remembered begins at the beginning
            if (name, given) not in self.answers:
                assert self.gateway is not None, f"{name}{given} was not recorded"
                answer = getattr(self.gateway, name)(*given)
                self.answers[(name, given)] = list(answer) if isinstance(answer, Iterator) else answer
            return self.answers[(name, given)]

        return call


def recorded(scenario: str = "journey") -> Replayed:
    """Everything a sync with its usages asks of the scenario."""
    replay = Replayed()
    with running.simulator(scenario=scenario) as process:
        process.control("settings", {"throttle": 0})
        replay.gateway = ArmGateway(process.base_url, StaticToken("a-token"), deadline=10)
        try:
            replay.movable()
            for info in replay.subscriptions():
                key = info.subscription_id.lower()
                replay.registrations(key)
                replay.inventory(key)
                for region in ("westeurope", "northeurope"):
                    replay.usages(key, region)
        finally:
            replay.gateway.close()
            replay.gateway = None
    return replay


class Estate:
    """Four people and what was read: shop-net, legacy-net (blocked), pricing, shopfiles."""

    def __init__(self, gateway: Replayed) -> None:
        self.gateway = gateway
        once(("estate", gateway), self._store)
        self.maya, self.tomas, self.noor = (User.objects.get(username=name) for name in ("maya", "tomas", "noor"))
        self.subscription = Subscription.objects.get()

    def _store(self) -> None:
        person("maya", Role.PROGRAMME_MANAGER, name="Maya Lindqvist")
        person("tomas", Role.ENGINEER, name="Tomás Ferreira")
        person("noor", Role.AUDITOR, name="Noor Haddad")
        inventory.discover_subscriptions(self.gateway, now=database_now(), by=TEST)
        self.subscription = Subscription.objects.get()
        self.read()

    def read(self) -> Sync:
        """What the task `sync` does."""
        done = inventory.sync(self.subscription, self.gateway, database_now, TEST)
        for region in quota_queries.regions(self.subscription):
            quota.read_usages(self.subscription, region, gateway=self.gateway, by=TEST, now=database_now())
        units = list(Unit.objects.filter(gone_at__isnull=True))
        shortfalls, movable = quota_queries.shortfalls_of(units), self.gateway.movable()
        readiness.assess(units, shortfalls=shortfalls, movable=movable, now=database_now(), by=TEST)
        return done

    def unit(self, name: str) -> Unit:
        return Unit.objects.get(name=name)

    def wave(self, name: str, *names: str, opens: float = -1, closes: float = 3) -> Wave:
        wave = waves.create(name=name, owner="Maya", by=self.maya, now=database_now())
        now = database_now()
        day = timedelta(hours=1)
        waves.set_window(wave, opens_at=now + opens * day, closes_at=now + closes * day, by=self.maya, now=now)
        for each in names:
            waves.place(wave, self.unit(each), by=self.maya, now=database_now())
        return wave

    def submitted(self, wave: Wave) -> Approval:
        return waves.submit(wave, by=self.maya, now=database_now())

    def run(self, name: str, state: str = "prepared", **more: Any) -> Run:
        """A run as the engine would have left it; the unit follows. Rows made by hand: the engine has its own tests."""
        unit = self.unit(name)
        now = database_now()
        made = Run.objects.create(
            id=uuid4(),
            unit=unit,
            wave=unit.placement.wave,
            state=state,
            started_by="user:p-tomas",
            started_at=now,
            **more,
        )
        Unit.objects.filter(pk=unit.pk).update(progress=state, locked_since=now - timedelta(hours=2))
        return made

    def compared(self, run: Run) -> None:
        kinds = ("same", "renamed", "dropped", "unexpected")
        Comparison.objects.create(
            run=run, at=database_now(), same=1, renamed=1, dropped=1, unexpected=1, digest="d" * 64
        )
        for kind in kinds:
            Difference.objects.create(
                run=run,
                classic_key=run.unit.key,
                field=f"{kind} field",
                before="a",
                after=HOSTILE,
                kind=kind,
                why="because",
            )


def hours_ago(number: float) -> datetime:
    return database_now() - timedelta(hours=number)
