"""The same moment from several connections at once: a barrier, real transactions, many rounds (reliability-notes 6.5).

Each round puts the rows of one moment back, lets its contestants loose together, some of them a few milliseconds late,
and judges what is there afterwards. Whatever a contestant meets that is not a refusal of the product's own (a deadlock,
a broken constraint) is a violation.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test import override_settings

from migrator.simulator import running
from migrator.simulator.estates.builder import EstateBuilder, role
from tests.proof.moments import Moment
from tests.proof.registry import Line, Wish
from tests.tracker.runs.programme import QUICK, Programme
from tracker.accounts import actions as accounts
from tracker.accounts.models import RoleGrant, User
from tracker.accounts.permissions import Role
from tracker.audit.models import Event
from tracker.audit.values import Actor
from tracker.inventory.models import Unit
from tracker.quota.actions import QuotaError
from tracker.quota.models import Reservation, Usage
from tracker.runs import actions as runs
from tracker.runs import queries
from tracker.runs.actions import steps
from tracker.runs.actions.settle import Lost
from tracker.runs.models import Attempt, Operation, Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves import queries as wave_queries
from tracker.waves.models import Approval, Decision, Freeze, Wave

REFUSALS = (runs.RunError, waves.WaveError, accounts.Denied, QuotaError, Lost)
SIDE = "a reason"
UNITS = ("net-a", "net-b", "net-c", "net-d")
REGION = "westeurope"
COMMAND = Actor("command", "prove", "A proof")


@dataclass(slots=True)
class Said:
    """What became of one contestant: what it returned, or its refusal; `error`: anything else."""

    value: Any = None
    refusal: str = ""
    error: str = ""
    attempts: int = 0  # there were the moment it was done

    @property
    def granted(self) -> bool:
        return not self.refusal and not self.error


Act = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Race:
    name: str
    moment: str
    contestants: Callable[[], Sequence[Act]]  # made anew for each round, from the rows
    judge: Callable[[Sequence[Said]], str]  # what is wrong; empty: nothing


class Track:
    """Threads that keep their connections, and the moments the races begin at."""

    def __init__(self, programme: Programme, seed: int) -> None:
        self.programme, self.dice = programme, random.Random(seed)
        self.pool = ThreadPoolExecutor(8)
        self.moments: dict[str, Moment] = {}

    def close(self) -> None:
        gate = threading.Barrier(8)

        def leave() -> None:
            gate.wait(10)  # so that each thread leaves once
            connection.close()

        for done in [self.pool.submit(leave) for _ in range(8)]:
            done.result()
        self.pool.shutdown()

    def run(self, race: Race, rounds: int, seconds: float = 1e9) -> Line:
        """So many rounds, or as many as `seconds` allow."""
        began, violations, seen = time.monotonic(), [], Counter[str]()
        moment = self.moments[race.moment]
        moment.begin()
        for number in range(rounds):
            if time.monotonic() - began > seconds:
                rounds = number
                break
            moment.back()
            said = self._together(race.contestants(), kind=number % 3)
            wrong = "; ".join(one.error for one in said if one.error) or race.judge(said)
            seen[
                "".join("+" if one.granted and one.value is not False and one.value != -1 else "-" for one in said)
            ] += 1
            if wrong:
                violations.append(f"round {number}: {wrong}")
        moment.back()
        moment.check()
        note = ", ".join(f"{pattern} {times}" for pattern, times in seen.most_common(4))
        return Line(race.name, rounds, "rounds", time.monotonic() - began, violations, note)

    def _together(self, acts: Sequence[Act], kind: int) -> list[Said]:
        """All at the same moment; a little apart; or the first somewhere in the middle of the others."""
        gate = threading.Barrier(len(acts))
        waits = [0.0 if kind == 0 else self.dice.random() * 0.004 for _ in acts]
        if kind == 2:
            waits[0] = self.dice.random() * 0.1
        futures = [self.pool.submit(_one, gate, wait, act) for wait, act in zip(waits, acts, strict=True)]
        return [future.result(60) for future in futures]


def _one(gate: threading.Barrier, wait: float, act: Act) -> Said:
    said = Said()
    gate.wait(20)
    if wait:
        time.sleep(wait)
    try:
        said.value = act()
    except REFUSALS as error:
        said.refusal = f"{type(error).__name__}: {error}"
    except Exception as error:
        said.error = f"{type(error).__name__}: {error}".replace("\n", " ")[:300]
    said.attempts = armed()
    return said


# --- the estate and its moments -----------------------------------------------------------------------------------


def estate() -> dict[str, Any]:
    """Four small networks of two cores each."""
    builder = EstateBuilder("races", 1)
    area = builder.area("Races", [REGION])
    for name in UNITS:
        network = area.network(name, name, REGION, space="10.20.0.0/16", subnets={"web": "10.20.0.0/24"}, tags={})
        service = area.service(name, f"{name}-web", REGION, tags={})
        area.slot(service, [role("Web", "Standard_D1_v2", 2, subnets=["web"])], network=network)
    return builder.estate()


def person(name: str) -> User:
    return User.objects.get(username=name)


def the_run() -> Run:
    """The run of net-a, whole; a contestant of its own each."""
    return Run.objects.select_related("unit", "wave").get(unit__name="net-a", ended_at__isnull=True)


def claimed() -> tuple[Run, Operation]:
    run = the_run()
    return run, Operation.objects.get(run=run, state="ready")


def commit_paper() -> Approval:
    return Approval.objects.get(kind="commit", voided_at__isnull=True)


def lay_out(track: Track) -> None:
    """The programme, walked through by the product itself, and its moments on the way."""
    programme = track.programme
    programme.begin("races", estate())
    vera = programme.person("vera", Role.ENGINEER)
    RoleGrant.objects.create(user=vera, role=Role.PROGRAMME_MANAGER, granted_at=database_now())
    now = database_now()
    other = waves.create(name="Other", owner="Maya", by=programme.maya, now=now)
    waves.set_window(other, opens_at=now, closes_at=now + timedelta(hours=3), by=programme.maya, now=now)
    in_use = Usage.objects.get(name="cores", region=REGION).current
    limit = Usage.objects.filter(region=REGION, name="cores")
    before = limit.get().limit
    limit.update(limit=in_use + 2)  # room for one unit
    Wave.objects.create(name="Third", owner="Maya", created_by=programme.maya, created_at=now,
                        edited_by=programme.maya, edited_at=now)  # fmt: skip
    track.moments["room for one"] = Moment()
    limit.update(limit=before)
    wave = programme.wave(*UNITS)
    approval = waves.submit(wave, by=programme.maya, now=database_now())
    track.moments["a wave waits"] = Moment()
    waves.approve(approval, digest=approval.digest, by=programme.tomas, now=database_now())
    track.moments["approved"] = Moment()
    for name in UNITS:
        runs.start(programme.unit(name), by=programme.tomas, now=database_now())
    track.moments["started"] = Moment()
    run = the_run()
    programme.until(run, lambda: run.state == "validated")
    for other_run in Run.objects.exclude(pk=run.pk):
        programme.until(other_run, lambda one=other_run: one.state == "validated")
    programme.ask(run, "prepare")
    _ready(run)
    track.moments["prepare is ready"] = Moment()
    Run.objects.filter(pk=run.pk).update(lease_until=None, due_at=database_now())
    programme.until(run, lambda: run.state == "prepared")
    with override_settings(APPROVALS_NEEDED=2):
        runs.request_commit(run, by=programme.tomas, now=database_now())
    track.moments["two have to approve"] = Moment()
    waves.void(commit_paper(), reason="once more", by=programme.tomas, now=database_now())
    approval = runs.request_commit(run, by=programme.tomas, now=database_now())
    track.moments["one has to approve"] = Moment()
    runs.approve(approval, digest=approval.digest, by=programme.aiko, now=database_now())
    programme.ask(run, "commit", seal=approval.digest)
    track.moments["commit is due"] = Moment()
    _ready(run)
    track.moments["commit is ready"] = Moment()
    waves.freeze("all", reason=SIDE, by=programme.maya, now=database_now())
    track.moments["frozen"] = Moment()


def _ready(run: Run) -> None:
    """The pending wish becomes an operation that is claimed and ready to be armed, with time to do it."""
    claim = steps._claim(str(run.pk), PATIENT)
    assert claim is not None and steps._next_operation(claim.run(), database_now()) is not None


PATIENT = replace(QUICK, lease=3600)


def armed() -> int:
    """Attempts of what is about to be sent in net-a."""
    newest = Operation.objects.filter(run__unit__name="net-a").order_by("-created_at").values("pk")[:1]
    return Attempt.objects.filter(operation__in=newest).count()


# --- contestants --------------------------------------------------------------------------------------------------


def arm() -> Any:
    """The arming transaction of a worker that has claimed the run and looked; its network may be slow just then."""
    run, operation = claimed()
    slow = random.choice((0.0, 0.004, 0.02))

    def network(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        found = execute(sql, *rest)
        if slow and sql.startswith('INSERT INTO "tracker_attempt"'):
            time.sleep(slow)
        return found

    def act() -> bool:
        with connection.execute_wrapper(network):
            armed = steps._arm(run, operation, database_now)
        return isinstance(armed, Attempt)

    return act


def against_arming(stop: Callable[[], Act], verb: str = "") -> Callable[[], Sequence[Act]]:
    return lambda: [stop(), arm(), arm()]


def nothing_after(said: Sequence[Said]) -> str:
    """Once the stop is acknowledged nothing is armed any more."""
    stop, *armings = said
    attempts = armed()
    if attempts > 1 or sum(one.value is True for one in armings) != attempts:
        return f"{attempts} attempts, {[one.value for one in armings]}"
    if stop.granted and attempts > stop.attempts:
        return "armed after the stop was acknowledged"
    late = Attempt.objects.filter(armed_at__gt=stop.value).count() if stop.granted and stop.value else 0
    return f"{late} armed later than the acknowledgement by the clock" if late else ""


def then_now(action: Callable[[], Any]) -> Act:
    """The action, and the database's time when it was acknowledged."""

    def act() -> Any:
        action()
        return database_now()

    return act


def freeze_everything() -> Act:
    maya = person("maya")
    return then_now(lambda: waves.freeze("all", reason=SIDE, by=maya, now=database_now()))


def freeze_the_verb() -> Act:
    maya = person("maya")
    return then_now(lambda: waves.freeze("verb:commit", reason=SIDE, by=maya, now=database_now()))


def hold() -> Act:
    run, tomas = the_run(), person("tomas")
    return then_now(lambda: runs.ask(run, "hold", by=tomas, now=database_now(), reason=SIDE))


def cancel() -> Act:
    run, tomas = the_run(), person("tomas")
    return then_now(lambda: runs.ask(run, "cancel", by=tomas, now=database_now(), reason=SIDE))


def stop_the_line() -> Act:
    wave, maya = the_run().wave, person("maya")
    return then_now(lambda: waves.stop_line(wave, reason=SIDE, by=maya, now=database_now()))


def change_the_window() -> Act:
    wave, maya, now = the_run().wave, person("maya"), database_now()
    return then_now(
        lambda: waves.set_window(
            wave, opens_at=now - timedelta(hours=1), closes_at=now + timedelta(hours=7), by=maya, now=now
        )
    )


def revoke() -> Act:
    decision = Decision.objects.get(approval=commit_paper())
    aiko = person("aiko")
    return then_now(lambda: waves.revoke(decision, reason=SIDE, by=aiko, now=database_now()))


def void() -> Act:
    paper, tomas = commit_paper(), person("tomas")
    return then_now(lambda: waves.void(paper, reason=SIDE, by=tomas, now=database_now()))


def the_approver_leaves() -> Act:
    aiko = person("aiko")
    return then_now(lambda: accounts.deactivate(aiko, by=COMMAND, now=database_now(), reason=SIDE))


def the_approver_loses_the_role() -> Act:
    aiko = person("aiko")
    return then_now(lambda: accounts.revoke_role(aiko, Role.ENGINEER, by=COMMAND, now=database_now()))


def approve(name: str, paper: Callable[[], Approval] = commit_paper) -> Act:
    approval, by = paper(), person(name)
    return lambda: runs.approve(approval, digest=approval.digest, by=by, now=database_now())


def wave_paper() -> Approval:
    return Approval.objects.get(kind="wave", voided_at__isnull=True)


def start(name: str = "net-a") -> Act:
    unit, tomas = Unit.objects.get(name=name), person("tomas")
    return lambda: runs.start(unit, by=tomas, now=database_now())


def place(unit: str, wave: str, name: str) -> Act:
    row, into, by = Unit.objects.get(name=unit), Wave.objects.get(name=wave), person(name)
    return lambda: waves.place(into, row, by=by, now=database_now())


def remove() -> Act:
    placement, maya = Unit.objects.get(name="net-a").placement, person("maya")
    return lambda: waves.remove(placement, by=maya, now=database_now())


def lift(name: str) -> Act:
    by = person(name)
    return lambda: waves.lift("all", by=by, now=database_now())


def claim() -> Act:
    run = str(the_run().pk)
    return lambda: getattr(steps._claim(run, PATIENT), "fence", -1)


# --- judges -------------------------------------------------------------------------------------------------------


def granted(said: Sequence[Said]) -> int:
    return sum(one.granted for one in said)


def once(said: Sequence[Said]) -> str:
    rows = Decision.objects.filter(approval=commit_paper()).count()
    return "" if granted(said) == rows == 1 else f"{granted(said)} granted, {rows} decisions"


def one_person_is_one(said: Sequence[Said]) -> str:
    """One person pressed three times where two people have to agree."""
    paper = commit_paper()
    state = wave_queries.approval_state(paper, database_now())
    rows = paper.decisions.count()
    return "" if granted(said) == rows == 1 and state == "pending" else f"{granted(said)}, {rows} decisions, {state}"


def both_count(said: Sequence[Said]) -> str:
    """Two honest approvals where two are needed: neither is lost, and it is not stuck."""
    paper = commit_paper()
    state = wave_queries.approval_state(paper, database_now())
    rows = paper.decisions.count()
    return "" if granted(said) == rows == 2 and state == "approved" else f"{granted(said)}, {rows} decisions, {state}"


def no_agreement_to_what_was_edited(said: Sequence[Said]) -> str:
    """Whoever came first: what is approved now, if anything is, is what is there now."""
    wave = Wave.objects.exclude(name__in=("Other", "Third")).get()
    paper = wave_queries.open_wave_approval(wave)
    if paper is None:
        return ""
    return f"an open approval of what was edited: {wave_queries.wave_drift(paper)}"


def nothing_to_send(said: Sequence[Said]) -> str:
    """The commit was approved, the window changed: the gate is closed, whoever came first."""
    run = the_run()
    return "" if queries.why_not(run, "commit", database_now()) else "the commit of an edited wave could be sent"


def who_agrees(said: Sequence[Said]) -> str:
    """One takes the agreement back, another agrees: approved when, and only when, the other's is there."""
    paper = commit_paper()
    state = wave_queries.approval_state(paper, database_now())
    standing = paper.decisions.filter(revoked_at__isnull=True).count()
    return "" if (state == "approved") == (standing == 1) and said[0].granted else f"{state}, {standing} stand"


def one_run(said: Sequence[Said]) -> str:
    live = Run.objects.filter(unit__name="net-a", ended_at__isnull=True).count()
    events = Event.objects.filter(type="run.started", object_id__in=[str(r.pk) for r in Run.objects.all()]).count()
    right = granted(said) == live == 1 and events == Run.objects.count()
    return "" if right else f"{granted(said)} starts were granted, {live} live runs, {events} events"


def started_or_removed(said: Sequence[Said]) -> str:
    placed = Unit.objects.get(name="net-a").progress == "planned" and hasattr(
        Unit.objects.get(name="net-a"), "placement"
    )
    live = Run.objects.filter(unit__name="net-a", ended_at__isnull=True).exists()
    return "" if granted(said) == 1 and live == placed else f"{granted(said)} granted, placed {placed}, live {live}"


def cancelled_or_started(said: Sequence[Said]) -> str:
    live = Run.objects.filter(unit__name="net-a", ended_at__isnull=True).count()
    expected = 1 if said[1].granted else 0
    return "" if said[0].granted and live == expected else f"{[s.refusal for s in said]}, {live} live"


def one_owner(said: Sequence[Said]) -> str:
    owners = [one.value for one in said if one.value != -1]
    return "" if len(owners) == 1 and the_run().fence == owners[0] else f"{len(owners)} claims: {owners}"


def each_rung_once(said: Sequence[Said]) -> str:
    rung = Counter(run for one in said for run in one.value)
    due = {str(pk) for pk in Run.objects.values_list("pk", flat=True)}
    return "" if set(rung) == due and set(rung.values()) == {1} else f"{rung} of {due}"


def lifted_once(said: Sequence[Said]) -> str:
    frozen = Freeze.objects.get(scope="all").frozen
    values = sorted(one.value for one in said if one.granted)
    return "" if values == [False, True] and not frozen else f"{values}, frozen {frozen}"


def not_lifted_alone(said: Sequence[Said]) -> str:
    frozen = Freeze.objects.get(scope="all").frozen
    values = [one.value for one in said if one.granted]
    return "" if values == [False] and frozen else f"{values}, frozen {frozen}"


def one_place(said: Sequence[Said]) -> str:
    row = Usage.objects.get(name="cores", region=REGION)
    reserved = sum(Reservation.objects.filter(name="cores").values_list("amount", flat=True))
    fits = row.current + reserved <= row.limit
    return "" if granted(said) == 1 and fits else f"{granted(said)} placed, {reserved} reserved of {row.limit}"


RACES: tuple[Race, ...] = (
    Race("one person approves three times", "two have to approve", lambda: [approve("aiko")] * 3, one_person_is_one),
    Race("two approve, two are needed", "two have to approve", lambda: [approve("aiko"), approve("vera")], both_count),
    Race("two approve, one is needed", "one has to approve", lambda: [approve("aiko"), approve("vera")], once),
    Race(
        "approve a wave against editing it",
        "a wave waits",
        lambda: [approve("tomas", wave_paper), edit_the_wave()],
        no_agreement_to_what_was_edited,
    ),
    Race(
        "approve a commit against editing its window",
        "one has to approve",
        lambda: [change_the_window(), approve("aiko")],
        nothing_to_send,
    ),
    Race("approve against revoke", "commit is ready", lambda: [revoke(), approve("vera")], who_agrees),
    Race("revoke against arming", "commit is ready", against_arming(revoke), nothing_after),
    Race("void against arming", "commit is ready", against_arming(void), nothing_after),
    Race("freeze everything against arming", "commit is ready", against_arming(freeze_everything), nothing_after),
    Race("freeze the verb against arming", "commit is ready", against_arming(freeze_the_verb), nothing_after),
    Race("hold against arming", "commit is ready", against_arming(hold), nothing_after),
    Race("stop the line against arming", "commit is ready", against_arming(stop_the_line), nothing_after),
    Race("change the window against arming", "commit is ready", against_arming(change_the_window), nothing_after),
    Race("the approver leaves against arming", "commit is ready", against_arming(the_approver_leaves), nothing_after),
    Race(
        "the approver loses the role against arming",
        "commit is ready",
        against_arming(the_approver_loses_the_role),
        nothing_after,
    ),
    Race("cancel against arming", "prepare is ready", against_arming(cancel), nothing_after),
    Race("eight workers claim one run", "commit is due", lambda: [claim() for _ in range(8)], one_owner),
    Race("four tickers ring four runs", "started", lambda: [runs.ring_due] * 4, each_rung_once),
    Race("two starts of one unit", "approved", lambda: [start(), start()], one_run),
    Race("start against removing from the wave", "approved", lambda: [remove(), start()], started_or_removed),
    Race("cancel against starting anew", "started", lambda: [cancel(), start()], cancelled_or_started),
    Race("two people lift a freeze at once", "frozen", lambda: [lift("tomas"), lift("aiko")], lifted_once),
    Race("one person lifts a freeze three times", "frozen", lambda: [lift("tomas")] * 3, not_lifted_alone),
    Race(
        "two waves take the last quota",
        "room for one",
        lambda: [place("net-a", "Other", "maya"), place("net-b", "Third", "vera")],
        one_place,
    ),
)


def edit_the_wave() -> Act:
    wave, maya, now = Wave.objects.exclude(name__in=("Other", "Third")).get(), person("maya"), database_now()
    return lambda: waves.set_window(
        wave, opens_at=now - timedelta(hours=1), closes_at=now + timedelta(hours=8), by=maya, now=now
    )


@contextmanager
def laid_out(seed: int) -> Iterator[Track]:
    """Everything ready to race; the database has to be empty, and is not afterwards."""
    with running.simulator(scenario="empty", speed=600) as simulator:
        programme = Programme(simulator)
        track = Track(programme, seed)
        try:
            lay_out(track)
            yield track
        finally:
            track.close()
            programme.close()


def prove(wish: Wish) -> Iterator[Line]:
    part, parts = wish.part
    chosen = RACES[part - 1 :: parts] if wish.long else RACES
    with laid_out(wish.seed) as track:
        for race in chosen:
            yield track.run(race, 1000 if wish.long else 15, seconds=wish.minutes * 60 / len(chosen))
