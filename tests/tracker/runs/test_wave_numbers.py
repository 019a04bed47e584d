"""Whatever happens to units, placements, runs, follow-ups and quota: a wave's numbers are what counting would say."""

import json
import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from migrator.readiness import catalogue_version
from tests.live_database import emptied_for_real  # noqa: F401
from tests.tracker.inventory.azure import NOON
from tests.tracker.inventory.test_lists import SUBS, VERDICTS, fill, wave
from tracker.accounts.models import RoleGrant, User
from tracker.followups.models import FollowUp
from tracker.inventory import actions as inventory
from tracker.inventory.models import Unit
from tracker.quota.models import Reservation, Usage
from tracker.readiness.models import Assessment, Finding
from tracker.runs import wave_facts
from tracker.runs.models import Comparison, Difference, Run
from tracker.runs.queries import database_now
from tracker.waves import queries as waves
from tracker.waves.models import Approval, Decision, Placement, Wave

PROGRESS = ("assessed", "planned", "validated", "preparing", "prepared", "committing", "committed", "verified")
HEALTHS = ("on track", "on track", "stale", "at risk", "blocked", "failed")
WAITING = ("planned", "validated")
H = timedelta(hours=1)
SEEDS, STEPS = 4, 120


class World:
    """Units, waves and everything their numbers come from, and what may happen to them next."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.now = database_now()
        fill(24, seed)
        for n, name in enumerate(("North", "South", "East")):
            wave(list(Unit.objects.order_by("pk")[n * 6 : n * 6 + 6]), name)
        Unit.objects.filter(placement__isnull=False).update(progress="planned")
        self.maya = User.objects.get(username="maya")
        self.tomas = User.objects.create(username="tomas", pseudonym="p-2")
        RoleGrant.objects.create(user=self.tomas, role="engineer", granted_at=self.now)
        self.n = 0

    def number(self) -> int:
        self.n += 1
        return self.n

    def some(self, most: int = 4) -> list[Unit]:
        known = list(Unit.objects.order_by("pk"))
        return self.dice.sample(known, self.dice.randrange(1, most + 1))

    def pick(self, rows: Iterable[Any]) -> list[Any]:
        listed = sorted(rows, key=lambda row: str(row.pk))
        return self.dice.sample(listed, min(len(listed), self.dice.randrange(1, 4)))

    def at(self) -> Any:
        return self.now + self.dice.randrange(-30, 30) * H

    def update(self, **columns: object) -> None:
        Unit.objects.filter(pk__in=[unit.pk for unit in self.some()]).update(**columns)

    # --- units and waves ----------------------------------------------------------------------------------------------
    def change(self) -> None:
        dice = self.dice
        dice.choice([
            lambda: self.update(progress=dice.choice(PROGRESS)),
            lambda: self.update(progress="excluded"),
            lambda: self.update(verdict=dice.choice(VERDICTS)),
            lambda: self.update(health=dice.choice(HEALTHS), health_reason=f"because {dice.randrange(4)}"),
            lambda: self.update(health_reason=f"because {dice.randrange(4)}"),
            lambda: self.update(gone_at=dice.choice((None, self.now))),
            lambda: self.update(subscription_id=dice.choice(SUBS)),
            lambda: self.update(changed_at=self.at()),
            lambda: self.update(progress="prepared", locked_since=self.at()),
            lambda: self.update(locked_since=None),
        ])()  # fmt: skip

    def place(self) -> None:
        target = self.dice.choice(list(Wave.objects.order_by("pk")))
        free = [unit for unit in self.some() if not Placement.objects.filter(unit=unit).exists()]
        Placement.objects.bulk_create(
            Placement(wave=target, unit=unit, placed_by=self.maya, placed_at=self.now) for unit in free
        )

    def take_out(self) -> None:
        Placement.objects.filter(unit__in=self.some()).delete()

    def replace(self) -> None:
        Placement.objects.filter(unit__in=self.some()).update(wave=self.dice.choice(list(Wave.objects.order_by("pk"))))

    # --- runs ---------------------------------------------------------------------------------------------------------
    def start(self) -> None:
        for unit in self.some():
            placed = Placement.objects.filter(unit=unit).first()
            if placed is None or Run.objects.filter(unit=unit, ended_at=None).exists():
                continue
            run = Run.objects.create(
                id=uuid.UUID(int=self.dice.getrandbits(128)), unit=unit, wave=placed.wave, started_by="user:maya",
                started_at=self.now,
                state=self.dice.choice(("planned", "validated", "prepared", "prepared", "verified")),
                attention=self.dice.choice(("", "", "look")), held_at=self.dice.choice((None, None, self.now)),
            )  # fmt: skip
            if run.state == "prepared" and self.dice.random() < 0.7:
                Comparison.objects.create(run=run, at=self.now, digest="d")
                for kind in self.dice.sample(("same", "unexpected", "unread", "dropped"), 2):
                    Difference.objects.create(run=run, field="f", kind=kind)
                self._ask(Approval.Kind.COMMIT, run.wave, run, "{}")

    def end(self) -> None:
        for run in self.pick(Run.objects.filter(ended_at=None)):
            Run.objects.filter(pk=run.pk).update(ended_at=self.now, outcome="cancelled")

    def trouble(self) -> None:
        for run in self.pick(Run.objects.all()):
            Run.objects.filter(pk=run.pk).update(
                attention=self.dice.choice(("", "look")), held_at=self.dice.choice((None, self.now))
            )

    def dispose(self) -> None:
        for row in self.pick(Difference.objects.filter(disposed_at=None)):
            Difference.objects.filter(pk=row.pk).update(disposed_at=self.now, disposed_by="maya", disposition="fine")

    # --- approvals ----------------------------------------------------------------------------------------------------
    def _ask(self, kind: str, of: Wave, run: Run | None, body: str) -> Approval:
        made = Approval.objects.create(
            kind=kind, wave=of, unit=run.unit if run else None, run_id=run.pk if run else None, body=body, digest="d",
            requester=self.maya, editor=self.maya, needed=1, requested_at=self.at(), expires_at=self.now + 90 * H,
        )  # fmt: skip
        if self.dice.random() < 0.7:
            agreed = self.dice.random() < 0.8
            Decision.objects.create(
                approval=made, approver=self.tomas, approved=agreed, reason="" if agreed else "no", digest="d",
                decided_at=self.now,
            )  # fmt: skip
        return made

    def submit(self) -> None:
        of = self.dice.choice(list(Wave.objects.order_by("pk")))
        Approval.objects.filter(kind="wave", wave=of, voided_at=None).update(voided_at=self.now, void_reason="again")
        version = self.dice.choice((catalogue_version, catalogue_version, "another"))
        body = json.dumps({"a": {"catalogue": "x"}, "catalogue": version}, separators=(",", ":"))
        self._ask(Approval.Kind.WAVE, of, None, body)

    def assess(self) -> None:
        for unit in self.some():
            at = self.at()
            Assessment.objects.create(
                unit=unit, at=at, catalogue_version="1", verdict="ready", score=1, deductions=[], digest=""
            )
            Finding.objects.create(
                unit=unit, rule=f"R-{self.number()}", effect=self.dice.choice(("blocks", "dropped", "changes", "info")),
                outcome=self.dice.choice(("yes", "no", "unknown")), resource_key="k", resource_name="k", sentence="",
                waived=self.dice.random() < 0.2, since=at,
            )  # fmt: skip

    # --- what units owe and have reserved -----------------------------------------------------------------------------
    def owe(self) -> None:
        for unit in self.some():
            FollowUp.objects.create(
                unit=unit, identity=f"{self.number()}", kind="role-assignment", title="t", opened_at=self.now,
                **self.standing(),
            )  # fmt: skip

    def standing(self) -> dict[str, object]:
        state = self.dice.choice(FollowUp.State.values)
        closed = state == "closed"
        return {"state": state, "closed_at": self.now if closed else None, "closed_how": "seen" if closed else ""}

    def settle(self) -> None:
        picked = [row.pk for row in self.pick(FollowUp.objects.all())]
        FollowUp.objects.filter(pk__in=picked).update(**self.standing(), tries=3)
        if self.dice.random() < 0.3:
            FollowUp.objects.filter(pk__in=picked[:1]).delete()

    def reserve(self) -> None:
        Reservation.objects.bulk_create(
            [
                Reservation(
                    unit=unit, subscription_id=unit.subscription_id, region=self.dice.choice(("westeurope", "eastus")),
                    provider="compute", name=name, amount=self.dice.randrange(1, 9), reserved_at=self.now,
                )
                for unit in self.some()
                for name in ("cores", "standardDv2Family")
            ],
            ignore_conflicts=True,
        )  # fmt: skip

    def release(self) -> None:
        picked = [row.pk for row in self.pick(Reservation.objects.all())]
        if self.dice.random() < 0.5:
            Reservation.objects.filter(pk__in=picked).update(amount=self.dice.randrange(1, 99))
        else:
            Reservation.objects.filter(pk__in=picked).delete()

    def read(self) -> None:
        Usage.objects.update_or_create(
            subscription_id=self.dice.choice(SUBS), region=self.dice.choice(("WestEurope", "eastus")),
            provider="Compute", name="Cores", defaults={"current": 3, "limit": 40, "read_at": self.at()},
        )  # fmt: skip

    def happenings(self) -> list[Callable[[], object]]:
        return [
            self.change, self.change, self.change, self.place, self.place, self.take_out, self.replace, self.start,
            self.start, self.end, self.trouble, self.dispose, self.submit, self.submit, self.assess, self.owe,
            self.owe, self.settle, self.reserve, self.reserve, self.release, self.read, inventory.fold_tallies,
        ]  # fmt: skip

    # --- counted one by one -------------------------------------------------------------------------------------------
    def counted(self, of: Wave) -> dict[str, Any]:
        """What Facts says of a wave, counted in Python from its rows."""
        units = list(Unit.objects.filter(placement__wave=of))
        begun_not = [unit for unit in units if unit.progress in WAITING]
        runs = list(Run.objects.filter(wave=of, ended_at=None).select_related("unit"))
        troubled = [run for run in runs if run.attention]
        order = wave_facts.HEALTHS
        worst = min((unit.health for unit in units), key=order.index, default="on track")
        reasons = [unit.health_reason for unit in units if unit.health == worst and worst != "on track"]
        prepared = [run.pk for run in runs if run.state == "prepared"]
        commits = Counter(
            waves.approval_state(row, self.now).value
            for row in Approval.objects.filter(kind="commit", run_id__in=prepared, voided_at=None)
        )
        follow_ups = list(FollowUp.objects.filter(unit__in=units))
        return {
            "progress": dict(Counter(unit.progress for unit in units)),
            "ready": sum(unit.verdict.startswith("ready") for unit in units),
            "blocked": sum(unit.verdict == "blocked" for unit in begun_not),
            "unknown": sum(unit.verdict == "unknown" for unit in begun_not),
            "gone": sum(unit.gone_at is not None for unit in begun_not),
            "worst_health": worst,
            "health_reason": min(reasons, default=""),
            "started": sum(run.state == "planned" for run in runs),
            "troubled": dict(Counter(run.state for run in troubled)),
            "attention_name": min((run.unit.name for run in troubled), default=""),
            "held": sum(run.held_at is not None for run in runs),
            "compared": Comparison.objects.filter(run__in=prepared).count(),
            "differences": Difference.objects.filter(
                run__in=runs, kind__in=("unexpected", "unread"), disposed_at=None
            ).count(),
            "commits_asked": commits["pending"],
            "commits_approved": commits["approved"],
            "commits_rejected": commits["rejected"],
            "follow_ups": sum(row.state != "to-do" for row in follow_ups),
            "follow_ups_open": sum(row.state not in ("closed", "to-do") for row in follow_ups),
            "follow_ups_people": sum(row.state == "to-do" for row in follow_ups),
            "follow_ups_failed": sum(row.state == "failed" for row in follow_ups),
            "quota": self.quota(of),
            "drift": self.drift(of, begun_not),
        }

    def quota(self, of: Wave) -> set[tuple[Any, ...]]:
        """(subscription, region, name, by this wave, by all, limit, in use); a usages list read since a unit was
        locked counts its copy already."""
        by_all: Counter[tuple[str, str, str]] = Counter()
        by_wave: Counter[tuple[str, str, str]] = Counter()
        usages = {(u.subscription_id, u.region.lower(), u.name.lower()): u for u in Usage.objects.all()}
        for row in Reservation.objects.select_related("unit__placement"):
            unit, key = row.unit, (row.subscription_id, row.region, row.name)
            read = usages.get((row.subscription_id, row.region, row.name.lower()))
            locked = unit.locked_since if unit.progress in ("prepared", "committing") else None
            if locked and read and read.read_at > locked:
                continue
            by_all[key] += row.amount
            if Placement.objects.filter(unit=unit, wave=of).exists():
                by_wave[key] += row.amount
        found = set()
        for key, amount in by_wave.items():
            read = usages.get((key[0], key[1], key[2].lower()))
            limits = (read.limit, read.current) if read else (None, None)
            found.add((*key, amount, by_all[key], *limits))
        return found

    def drift(self, of: Wave, units: list[Unit]) -> tuple[str, ...]:
        asked = Approval.objects.filter(kind="wave", wave=of, voided_at=None).first()
        state = waves.approval_state(asked, self.now) if asked else None
        if asked is None or state not in ("pending", "approved") or not units:
            return ()
        moved = 0
        for unit in units:
            worse = Finding.objects.filter(
                unit=unit, since__gt=asked.requested_at, outcome="yes", waived=False,
                effect__in=("blocks", "downtime", "dropped"),
            )  # fmt: skip
            judged = Assessment.objects.filter(unit=unit, at__gt=asked.requested_at)
            moved += unit.changed_at > asked.requested_at or (judged if state == "pending" else worse).exists()
        if moved:
            return (f"{moved} unit{'s' if moved > 1 else ''} changed",)
        other = json.loads(asked.body)["catalogue"] != catalogue_version
        return ("the catalogue of rules changed",) if other else ()


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(SEEDS))
def test_they_are_what_counting_would_say(seed: int) -> None:
    world = World(seed)
    for step in range(STEPS):
        world.dice.choice(world.happenings())()
        if step % 20 == 19:
            listed = list(wave_facts.listed().order_by("pk"))
            for found in wave_facts.standings(listed, now=world.now, zone=UTC):
                said = asdict(found.facts)
                said["quota"] = {
                    (line.subscription_id, line.region, line.name, line.amount, line.reserved, line.limit, line.current)
                    for line in found.facts.quota
                }
                expected = world.counted(found.wave)
                assert {name: said[name] for name in expected} == expected, f"seed {seed}, step {step}"
    assert not inventory.recount_tallies(), f"seed {seed}"


@pytest.mark.django_db
def test_the_happenings_reach_every_number() -> None:
    """Or the test above would compare nothing with nothing."""
    reached: set[str] = set()
    for seed in range(SEEDS):
        with transaction.atomic():
            world = World(seed)
            for step in range(STEPS):
                world.dice.choice(world.happenings())()
                if step % 20 == 19:
                    for one in Wave.objects.all():
                        reached |= {name for name, value in world.counted(one).items() if value}
            everything = set(world.counted(one))
            transaction.set_rollback(True)
    assert reached == everything


@pytest.mark.django_db(transaction=True)
def test_what_a_unit_owes_is_counted_right_when_it_is_placed_at_the_same_time() -> None:
    units, made = fill(12), wave([])
    person, at_once = made.created_by, threading.Barrier(3)

    def each(do: Callable[[Unit], object]) -> Callable[[], None]:
        def all_of_them() -> None:
            for unit in units:
                at_once.wait(20)
                with transaction.atomic():
                    do(unit)
            connection.close()

        return all_of_them

    def owe(unit: Unit) -> None:
        FollowUp.objects.create(unit=unit, identity="1", kind="k", title="t", opened_at=NOON)

    def reserve(unit: Unit) -> None:
        Reservation.objects.create(
            unit=unit, subscription_id=unit.subscription_id, region="westeurope", provider="compute", name="cores",
            amount=4, reserved_at=NOON,
        )  # fmt: skip

    def place(unit: Unit) -> None:
        Placement.objects.create(wave=made, unit=unit, placed_by=person, placed_at=NOON)

    threads = [threading.Thread(target=each(do)) for do in (owe, reserve, place)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not inventory.recount_tallies()
    [found] = wave_facts.standings(list(wave_facts.listed()), now=NOON, zone=UTC)
    assert found.facts.follow_ups == 12
    assert sum(line.amount for line in found.facts.quota) == 48
