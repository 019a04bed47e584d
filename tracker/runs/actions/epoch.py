"""The epoch rule: a database that was restored, failed over or copied is believed nothing until every unit was read
back twice (reliability-notes 4.9; decisions/epoch.md).

Noticed at the start of each process, whenever it gets another connection, and every 30 s. From then on nothing is
armed, nobody may ask for anything, every agreement is void; what the platform shows is taken over; two people release.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q

from migrator.gateway.protocol import AzureGateway
from migrator.lifecycle import LOCKED, OperationState, Seen, Side, State, Status, Timings, World
from migrator.lifecycle import outside as rules
from migrator.resources import Verb
from tracker.audit.actions import record
from tracker.audit.models import Checkpoint
from tracker.audit.values import ENGINE
from tracker.inventory.models import Unit
from tracker.runs import queries, watching, witness
from tracker.runs.actions import outside, settle
from tracker.runs.models import Operation, Run
from tracker.runs.watch_models import ClusterEpoch, ReadBack
from tracker.runs.witness import Told, Witness
from tracker.waves.actions import database as waves
from tracker.waves.models import Freeze

Clock = Callable[[], datetime]
EVERY = 30.0  # seconds between two looks of one process
RECENT = timedelta(days=30)  # a run that ended so long ago is read back too
AT_ONCE = 20  # units read in one call
_LOCK = 7_201_149
_UNSETTLED = (OperationState.UNKNOWN, OperationState.POLLING, OperationState.SENDING)
_looked: dict[int, tuple[int, float]] = {}  # thread → (backend, when): what this process looked at last


def guard(clock: Clock, timings: Timings) -> None:
    """Look, unless this process has within `EVERY` on the very same connection."""
    if not settings.EPOCH_WITNESS:
        return
    connection.ensure_connection()
    backend, now = connection.connection.info.backend_pid, time.monotonic()
    before = _looked.get(threading.get_ident())
    if before is not None and before[0] == backend and now - before[1] < EVERY:
        return
    look(clock, timings)
    _looked[threading.get_ident()] = (backend, now)


def look(clock: Clock, timings: Timings) -> ClusterEpoch | None:
    """Hold this database against what is known outside. None where the setting names no place to know it."""
    if not settings.EPOCH_WITNESS:
        return None
    told = witness.read()
    row = watching.epoch()
    if row is not None and not told.empty and not _difference(row, told):
        return row
    with _alone():  # whoever came first may have told it outside by now
        told, row = witness.read(), watching.epoch()
        cause = _difference(row, told)
        row = _change(row, cause, told, clock(), timings) if cause else row or _first(clock())
        witness.write(_of(row))
    return row


def beat(clock: Clock, timings: Timings) -> None:
    """Every 30 s: look, raise the mark inside and then outside, and notice the release."""
    row = look(clock, timings)
    if row is None:
        return
    with _alone():
        ClusterEpoch.objects.filter(pk=row.pk).update(mark=F("mark") + 1)
        newest = watching.epoch()
        if newest is not None:
            witness.write(_of(newest))
    if row.state == ClusterEpoch.State.WAITING and not Freeze.objects.filter(scope="all", frozen=True).exists():
        with transaction.atomic():
            now = clock()
            if ClusterEpoch.objects.filter(pk=row.pk, opened_at__isnull=True).update(state="open", opened_at=now):
                record("epoch.released", by=ENGINE, object=("epoch", row.pk), now=now, detail={})


def _identity() -> tuple[str, int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (pg_control_system()).system_identifier::text, (pg_control_checkpoint()).timeline_id,"
            " (SELECT oid::bigint FROM pg_database WHERE datname = current_database())"
        )
        return cursor.fetchone()


def _difference(row: ClusterEpoch | None, told: Told) -> str:
    """Why this is not the database that is known outside; empty when it is."""
    if row is None:
        return "it was never told which one it is, and outside one is known" if told.known else ""
    system, timeline, database = _identity()
    if system != row.system:
        return f"it runs in another cluster ({system}, it was {row.system})"
    if timeline != row.timeline:
        return f"its timeline is {timeline}, it was {row.timeline}: restored, or failed over"
    if database != row.database:
        return "it is a copy of the database it was, or restored from a dump"
    if any(each.nonce != row.nonce for each in told.known):
        return "what is known outside is of another history"
    newest = max((each.mark for each in told.known), default=0)
    if newest > row.mark:
        return f"it is older than it was: its mark is {row.mark}, outside {newest} is known"
    if not told.known and not told.silent and any(place != "redis" for place in told.empty):
        return "nothing that was kept outside is there any more, so nobody can tell whether it is the newest"
    return ""


def _first(now: datetime) -> ClusterEpoch:
    system, timeline, database = _identity()
    return ClusterEpoch.objects.create(
        system=system, timeline=timeline, database=database, nonce=secrets.token_hex(16), started_at=now
    )


def _of(row: ClusterEpoch) -> Witness:
    return Witness(row.nonce, row.mark, _tree())


def _tree() -> int:
    return Checkpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time, over the end of its transaction: what is told outside comes after it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


# --- when it changed --------------------------------------------------------------------------------------------------


@transaction.atomic
def _change(before: ClusterEpoch | None, cause: str, told: Told, now: datetime, timings: Timings) -> ClusterEpoch:
    system, timeline, database = _identity()
    lost = max(0, max((each.tree for each in told.known), default=0) - _tree())
    marks = [each.mark for each in told.known] + ([before.mark] if before else [])
    kept = "Every unit is read back first; the page Settings shows how far that is. Then two people can lift it."
    waves.stop_all(f"The database changed: {cause}.", kept=kept, now=now)
    row = ClusterEpoch.objects.create(
        system=system, timeline=timeline, database=database, nonce=secrets.token_hex(16),
        mark=max(marks, default=0) + 1,
        state=ClusterEpoch.State.QUARANTINE, started_at=now, cause=cause[:300], lost=lost,
        quiet_until=now + timedelta(seconds=timings.quarantine),
    )  # fmt: skip
    record(
        "epoch.changed", by=ENGINE, object=("epoch", row.pk), now=now,
        detail={"cause": cause, "lost": lost, "system": system, "timeline": str(timeline)},
    )  # fmt: skip
    live = Run.objects.select_for_update(of=("self",)).filter(ended_at__isnull=True).select_related("unit")
    for run in live:
        Run.objects.filter(pk=run.pk).update(
            fence=F("fence") + 1, lease_until=None, due_at=row.quiet_until, enqueued_at=None
        )
        operation = queries.live_operation(run)
        if operation is not None:
            _doubt(run, operation, now)
    units = Unit.objects.filter(
        Q(runs__ended_at__isnull=True, runs__isnull=False)
        | Q(runs__ended_at__gt=now - RECENT)
        | Q(placement__isnull=False)
        | Q(locked_since__isnull=False)
        | Q(progress__in=LOCKED)
    )
    ReadBack.objects.bulk_create(
        ReadBack(epoch=row, unit_id=pk) for pk in sorted(set(units.values_list("pk", flat=True)))
    )
    return row


def _doubt(run: Run, operation: Operation, now: datetime) -> None:
    """Whatever is held of it, it may have been sent, and may still arrive."""
    for attempt in operation.attempts.filter(resolved_at__isnull=True):
        settle.resolve(attempt, "unknown", now)
    if operation.state == OperationState.HELD:
        settle.note(run, operation, OperationState.READY, "the database changed")
    settle.note(
        run, operation, OperationState.UNKNOWN, "the database changed; reading decides",
        armed_at=now, candidate="", candidate_at=None,
    )  # fmt: skip
    settle.in_doubt(run, operation, now, "the database changed; both sides are read")


# --- reading back -----------------------------------------------------------------------------------------------------


def wanted(now: datetime) -> bool:
    row = watching.epoch()
    return row is not None and row.state in ("quarantine", "reading") and (row.quiet_until or now) <= now


def read_back(*, gateway: Callable[[str], AzureGateway], clock: Clock, timings: Timings) -> str:
    """Read some units that were not read twice yet, and take over what the platform shows. Any number may call it."""
    row = watching.epoch()
    if row is None or not wanted(clock()):
        return "nothing to read back"
    ClusterEpoch.objects.filter(pk=row.pk, state="quarantine").update(state="reading")
    left = row.read_back.filter(at__isnull=True).select_related("unit")
    for one in left.order_by(F("first_at").asc(nulls_first=True), "pk")[:AT_ONCE]:
        _read_one(one, gateway, clock, timings)
    waiting = row.read_back.filter(at__isnull=True).count()
    unsettled = Operation.objects.filter(state__in=_UNSETTLED).exclude(verb=Verb.VALIDATE).count()
    if waiting or unsettled:
        return f"{waiting} units and {unsettled} operations left"
    with transaction.atomic():
        if ClusterEpoch.objects.filter(pk=row.pk, state="reading").update(state="waiting"):
            waves.let_lift()
            record(
                "epoch.read_back", by=ENGINE, object=("epoch", row.pk), now=clock(),
                detail={"units": row.read_back.count(), "differed": row.read_back.exclude(said="").count()},
            )  # fmt: skip
    return "read back; two people can lift the freeze"


def _read_one(one: ReadBack, gateway: Callable[[str], AzureGateway], clock: Clock, timings: Timings) -> None:
    unit, now = one.unit, clock()
    run = queries.live_run(unit)
    operation = queries.live_operation(run) if run is not None else None
    if run is not None and operation is None and queries.pending_ask(run) is not None:
        return  # the engine makes an operation of it first, so that it can be doubted
    if run is not None and operation is not None:
        _read_by_engine(one, run, operation, now)
        return
    observed = gateway(unit.subscription_id).observe(
        unit.azure_id, tuple(run.members) if run else outside.members(unit)
    )
    now = clock()
    seen = Seen(
        at=now, status=Status.NONE, classic=Side(observed.classic.value), arm=Side(observed.arm.value),
        parts_only=observed.parts_only,
    )  # fmt: skip
    mine = ReadBack.objects.filter(pk=one.pk, at__isnull=True)
    if seen.world is World.UNSEEN:
        return
    if one.first_at is None or one.first_world != seen.world.value:
        mine.update(first_world=seen.world.value, first_at=now)
        return
    if (now - one.first_at).total_seconds() < timings.confirm:
        return
    with transaction.atomic():
        unit = Unit.objects.select_for_update(of=("self",)).get(pk=unit.pk)
        run = queries.live_run(unit)
        if run is not None and queries.live_operation(run) is not None:
            return
        said = _take_over(unit, run, seen)
        mine.update(world=seen.world.value, at=now, said=said[:300])


def _read_by_engine(one: ReadBack, run: Run, operation: Operation, now: datetime) -> None:
    mine = ReadBack.objects.filter(pk=one.pk, at__isnull=True)
    if operation.state in _UNSETTLED:
        mine.filter(first_at__isnull=True).update(first_at=now, first_world="in doubt")
    elif one.first_at is None:  # made of a wish after the change: it was never doubted
        with transaction.atomic():
            Run.objects.select_for_update().get(pk=run.pk)
            operation.refresh_from_db()
            if operation.state in (OperationState.READY, OperationState.HELD):
                _doubt(run, operation, now)
                Run.objects.filter(pk=run.pk).update(
                    due_at=now, enqueued_at=None, fence=F("fence") + 1, lease_until=None
                )
            mine.update(first_at=now, first_world="in doubt")
    else:
        mine.update(at=now, world=operation.seen.get("world", ""), said="")


def _take_over(unit: Unit, run: Run | None, seen: Seen) -> str:
    """What the platform shows wins. Returns what differed, empty when nothing did."""
    believed = State(run.state if run else unit.progress)
    kind = rules.drift(believed, seen.world, locked=unit.locked_since is not None)
    if kind is None:
        return ""
    verb = rules.adoption(believed, kind, seen.classic)
    can_begin = run is not None or (
        getattr(unit, "placement", None) is not None and unit.progress in (State.PLANNED, State.VALIDATED)
    )
    if verb is None or not can_begin:
        outside.conclude(unit, run, seen, source="database")
        return f"{kind.value}; a person has to look"
    run = run or outside.begin(unit, ENGINE, seen.at)
    outside.recover(run, verb, by=ENGINE, by_id=None, reason="the database had forgotten it", now=seen.at)
    return f"{kind.value}; taken over as {verb.value}"
