"""A small programme for tests: people, an estate that was read, and a loop that does what ticker and worker do."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from migrator.gateway.arm import CONNECT_TIMEOUT, ArmGateway, AzureWire, StaticToken
from migrator.gateway.vaults import KeyVaults
from migrator.lifecycle import Timings
from migrator.simulator import scenarios
from migrator.simulator.estate import Estate
from migrator.simulator.running import Running
from tests.kept_rows import once
from tracker.accounts.models import RoleGrant, User
from tracker.accounts.permissions import Role
from tracker.audit.values import Actor
from tracker.followups import actions as followups
from tracker.followups import queries as followup_queries
from tracker.inventory import actions as inventory
from tracker.inventory.models import Subscription, Unit
from tracker.quota import actions as quota
from tracker.quota import queries as quota_queries
from tracker.readiness import actions as readiness
from tracker.runs import actions as runs
from tracker.runs.actions import reading
from tracker.runs.models import Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves.models import Approval, Wave

TEST = Actor("command", "test", "A test")
PEOPLE = {"maya": Role.PROGRAMME_MANAGER, "tomas": Role.ENGINEER, "aiko": Role.ENGINEER, "noor": Role.AUDITOR}
# The relations of the live waits, thousandfold faster; the simulator's lateness is set by each test.
QUICK = Timings(
    lease=2,
    http_deadline=1,
    late_arrival=0,
    margin=0,
    quarantine=1,
    confirm=0,
    poll=0,
    look_again=0,
    held=0,
    first_check=0,
    max_poll=1,
)


class Stuck(AssertionError):
    """The run did not get where the test wanted it."""


class Programme:
    def __init__(self, simulator: Running) -> None:
        self.simulator = simulator
        self.gateway = ArmGateway(simulator.base_url, StaticToken("a-token"), deadline=5)
        self.vaults = KeyVaults(
            [f"{simulator.base_url}/vaults/bramble-keys"],
            lambda endpoint, scope: AzureWire(endpoint, StaticToken("a-token"), CONNECT_TIMEOUT, scope),
        )
        self.wrap: Callable[[ArmGateway], Any] = lambda gateway: gateway
        self.timings = QUICK
        self.said: list[str] = []

    def begin(self, scenario: str = "journey", estate: Estate | None = None) -> None:
        """People, and the scenario's estate read and assessed; or another `estate`, under a name of its own. Its
        subscriptions are `self.subscriptions`."""
        reading.forget()
        self.simulator.control("faults", method="DELETE")
        self.simulator.control("settings", {"throttle": 0})
        self.simulator.control("reset", {"estate": estate or scenarios.estate(scenario)})
        lines = self.simulator.control("log")["value"]  # append-only: it survives a reset
        self.mark = lines[-1]["number"] if lines else 0
        once(("programme", scenario, type(self.gateway), self.gateway.movable()), self._store)
        self.maya, self.tomas, self.aiko, self.noor = (User.objects.get(username=name) for name in PEOPLE)
        self.subscriptions = list(Subscription.objects.order_by("name"))
        self.subscription = self.subscriptions[0]

    def _store(self) -> None:
        for name, role in PEOPLE.items():
            self.person(name, role)
        inventory.discover_subscriptions(self.gateway, now=database_now(), by=TEST)
        self.subscriptions = list(Subscription.objects.order_by("name"))
        self.read()

    def close(self) -> None:
        self.gateway.close()
        self.vaults.close()

    def person(self, username: str, role: Role) -> User:
        user = User.objects.create(username=username, display_name=username.title(), pseudonym=f"p-{username}")
        RoleGrant.objects.create(user=user, role=role, granted_at=database_now())
        return user

    def read(self) -> None:
        """What the task `sync` does, for every subscription."""
        for subscription in self.subscriptions:
            inventory.sync(subscription, self.gateway, database_now, TEST)
            for region in quota_queries.regions(subscription):
                quota.read_usages(subscription, region, gateway=self.gateway, by=TEST, now=database_now())
        units = list(Unit.objects.filter(gone_at__isnull=True))
        shortfalls = quota_queries.shortfalls_of(units)
        readiness.assess(units, shortfalls=shortfalls, movable=self.gateway.movable(), now=database_now(), by=TEST)

    def unit(self, name: str) -> Unit:
        return Unit.objects.get(name=name)

    def wave(self, *names: str, opens: float = -1, closes: float = 3) -> Wave:
        """A wave of units with an open window, submitted by the programme manager and approved by an engineer."""
        now = database_now()
        wave = waves.create(name=f"Wave of {' and '.join(names)}", owner="Maya", by=self.maya, now=now)
        waves.set_window(
            wave,
            opens_at=now + timedelta(hours=opens),
            closes_at=now + timedelta(hours=closes),
            by=self.maya,
            now=now,
        )
        for name in names:
            waves.place(wave, self.unit(name), by=self.maya, now=database_now())
        return wave

    def approved(self, *names: str, **window: float) -> Wave:
        wave = self.wave(*names, **window)
        approval = waves.submit(wave, by=self.maya, now=database_now())
        waves.approve(approval, digest=approval.digest, by=self.tomas, now=database_now())
        return wave

    def started(self, name: str = "shop-net") -> Run:
        self.approved(name)
        return runs.start(self.unit(name), by=self.tomas, now=database_now())

    def validated(self, name: str = "shop-net") -> Run:
        run = self.started(name)
        return self.until(run, lambda: run.state == "validated")

    def ask(self, run: Run, verb: str, by: User | None = None, **more: str) -> None:
        runs.ask(run, verb, by=by or self.tomas, now=database_now(), **more)

    def prepared(self, name: str = "shop-net") -> Run:
        run = self.validated(name)
        self.ask(run, "prepare")
        return self.until(run, lambda: run.state == "prepared")

    def sealed(self, run: Run) -> Approval:
        """Commit asked for by one engineer, approved by the other."""
        approval = runs.request_commit(run, by=self.tomas, now=database_now())
        waves.approve(approval, digest=approval.digest, by=self.aiko, now=database_now())
        return approval

    def committing(self, name: str = "shop-net") -> Run:
        """Prepared, approved, asked to commit; not a step further."""
        run = self.prepared(name)
        approval = self.sealed(run)
        self.ask(run, "commit", seal=approval.digest)
        run.refresh_from_db()
        return run

    def tick(self) -> None:
        """One turn of ticker and worker. Waits for the platform's next poll (its Retry-After of a second) are skipped:
        the simulator is faster than it says."""
        Run.objects.filter(waiting_code="polling", lease_until__isnull=True).update(due_at=database_now())
        for run_id in runs.ring_due():
            said = runs.advance(
                run_id, gateway=lambda _: self.wrap(self.gateway), clock=database_now, timings=self.timings
            )
            self.said.append(said)
        for pk in followup_queries.due(database_now()):
            said = followups.advance(
                pk, gateway=lambda _: self.gateway, clock=database_now, pace=runs.PACE, secret=self.vaults.secret
            )
            self.said.append(said)

    def until(self, run: Run, reached: Callable[[], bool], seconds: float = 12) -> Run:
        """Tick until it is so. Raises Stuck with what the engine said."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.tick()
            run.refresh_from_db()
            if reached():
                return run
            time.sleep(0.02)
        said = "\n".join(list(dict.fromkeys(self.said))[-12:])
        raise Stuck(f"{run.state}, waiting: {run.waiting_for!r}, attention: {run.attention!r}\n{said}")

    # --- what the platform itself says -----------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        answer = self.simulator.control("state")
        answer["locks"] = {key.lower(): value for key, value in answer["locks"].items()}
        return answer

    def posts(self, verb: str) -> list[dict[str, Any]]:
        """Every request of a verb that reached the simulator, in order."""
        rows = self.simulator.control(f"log?after={self.mark}")["value"]
        return [row for row in rows if row["method"] == "POST" and row.get("verb") == verb]

    def fault(self, kind: str, **settings: Any) -> None:
        self.simulator.control("faults", {"kind": kind, **settings})
