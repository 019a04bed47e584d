"""What somebody else did in Azure: seen after a sync and by later checks, told, and taken over by a person. Nothing
here sends anything (engine.md, reconcile: what the platform shows wins)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from migrator.gateway.protocol import AzureGateway, Observed
from migrator.lifecycle import (
    ALLOWED,
    LIVE_OPERATION,
    Health,
    OperationState,
    Seen,
    Side,
    State,
    Status,
    Timings,
    World,
)
from migrator.lifecycle import outside as rules
from migrator.lifecycle.outside import Drift as Kind
from migrator.resources import Verb
from tracker.accounts.actions import check as permit
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.audit.values import ENGINE, Actor, uuid7
from tracker.inventory import actions as inventory
from tracker.inventory.models import Subscription, Unit
from tracker.runs import fitting, queries
from tracker.runs.actions import checks, settle
from tracker.runs.actions.people import Illegal, NotYet, words
from tracker.runs.models import Ask, Operation, Run
from tracker.runs.watch_models import Drift, EndCheck
from tracker.waves import queries as waves
from tracker.waves.queries import ApprovalState

Clock = Callable[[], datetime]
LONGEST_NOTE = 300
CHECK_LEASE = 60  # seconds one check of an end state may take
UNREAD_AGAIN = 5  # times `look_again` until a check that could not see is tried again

_SAID = {
    Kind.LOCKED: (
        "Azure shows it prepared, and no run here prepared it: its management plane is locked.",
        "Find out who prepared it. Take it over into a run, to compare and commit it or to abort it from here; or let "
        "them abort it where they began.",
    ),
    Kind.UNLOCKED: (
        "It was prepared here, and Azure shows it classic and unlocked: somebody aborted it elsewhere.",
        "Take over what Azure shows: the run ends as aborted, and a new one can be started.",
    ),
    Kind.MIGRATED: (
        "Azure shows it in Resource Manager alone, and it was not committed from here: somebody did elsewhere, "
        "or Microsoft did, as it does with storage accounts left prepared for 30 days.",
        "It cannot be taken back. Take over what Azure shows: it counts as committed, and what the platform dropped is "
        "opened as follow-ups.",
    ),
    Kind.HALF: (
        "It was prepared here, and what Resource Manager should hold of it is not there; classic is marked.",
        "Do not commit. Abort it; if Azure refuses that, ask its support.",
    ),
    Kind.MOVING: (
        "Azure is at work on it, on something that was not sent from here.",
        "Wait until Azure has finished; it is read again at the next sync. Find out who began it.",
    ),
    Kind.RETURNED: (
        "It was committed, and Azure shows it on the classic side again.",
        "Look at both sides in the portal: something of that name was created anew, or Azure answers wrongly. Nothing "
        "is done by itself.",
    ),
    Kind.GONE: (
        "Azure shows it on neither side any more.",
        "Find out who deleted it. If that was meant, take it out of its wave, or end its run.",
    ),
}


@dataclass(frozen=True, slots=True)
class Look:
    """One reading of a unit, with what we held of it when it began."""

    unit: Unit
    run: Run | None  # the live one
    seen: Seen
    observed: Observed


def reconcile(subscription: Subscription, gateway: AzureGateway, clock: Clock, timings: Timings) -> int:
    """After a sync: hold what Azure showed against our rows; read both sides of what does not fit. Returns how many
    units are open as different afterwards. Unchanged: nothing is written but the time of the reading."""
    for unit in Unit.objects.filter(pk__in=_odd(subscription.pk)).order_by("pk"):
        look(unit, gateway, clock, timings, source="sync")
    _changed(subscription, clock())
    return Drift.objects.filter(unit__subscription=subscription, ended_at__isnull=True).count()


# What the listing shows is a hint which units to read, never a conclusion. A unit that is listed as marked prepared and
# has a run that holds it as prepared fits, and costs nothing.
_ODD = """
WITH marked AS (
    SELECT DISTINCT unit_id FROM tracker_resource WHERE subscription_id = %(subscription)s AND gone_at IS NULL
       AND unit_id IS NOT NULL AND coalesce(document #>> '{properties,migrationState}', '') NOT IN ('', 'None'))
SELECT u.id FROM tracker_unit u
  LEFT JOIN tracker_run r ON r.unit_id = u.id AND r.ended_at IS NULL
  LEFT JOIN marked m ON m.unit_id = u.id
 WHERE u.subscription_id = %(subscription)s AND CASE
       WHEN EXISTS (SELECT 1 FROM tracker_drift d
                     WHERE d.unit_id = u.id AND d.ended_at IS NULL AND d.kind <> %(changed)s) THEN TRUE
       WHEN u.progress IN ('committed', 'verified', 'closed') THEN u.gone_at IS NULL
       WHEN u.progress = 'prepared' THEN m.unit_id IS NULL OR u.gone_at IS NOT NULL
       WHEN u.progress IN ('planned', 'validated') THEN m.unit_id IS NOT NULL OR u.gone_at IS NOT NULL
       ELSE m.unit_id IS NOT NULL END
"""


def _odd(subscription_id: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_ODD, {"subscription": subscription_id, "changed": Kind.CHANGED.value})
        return [row[0] for row in cursor.fetchall()]


def look(unit: Unit, gateway: AzureGateway, clock: Clock, timings: Timings, *, source: str) -> Look | None:
    """Read both sides of a unit and write what it means. None: the engine is at it itself, or was a moment ago, and a
    reading may be that old."""
    before = _quiet(unit, clock(), timings)
    if before is None:
        return None
    run = before[0]
    observed = gateway.observe(unit.azure_id, tuple(run.members) if run else members(unit))
    seen = Seen(
        at=clock(),
        status=Status.NONE,
        classic=Side(observed.classic.value),
        arm=Side(observed.arm.value),
        parts_only=observed.parts_only,
    )
    with transaction.atomic():
        unit = Unit.objects.select_for_update(of=("self",)).get(pk=unit.pk)
        if _quiet(unit, seen.at, timings) != before:
            return None
        conclude(unit, run, seen, source=source)
    return Look(unit, run, seen, observed)


def _quiet(unit: Unit, now: datetime, timings: Timings) -> tuple[Run | None, str, int] | None:
    """(live run, state we hold, its fence) when nothing of ours is under way there; else None."""
    newest = Run.objects.filter(unit=unit).select_related("wave").order_by("-started_at").first()
    run = newest if newest is not None and newest.ended_at is None else None
    if run is not None:
        if queries.live_operation(run) is not None or queries.pending_ask(run) is not None:
            return None
        run.unit = unit
    moved = newest.transitions.order_by("-id").values_list("at", flat=True).first() if newest else None
    if moved is not None and (now - moved).total_seconds() < timings.confirm:
        return None
    return (
        run,
        run.state if run else Unit.objects.values_list("progress", flat=True).get(pk=unit.pk),
        (run.fence if run else 0),
    )


def members(unit: Unit) -> tuple[str, ...]:
    """What moves with the unit: as its last run drew it, else as it was last listed."""
    last = Run.objects.filter(unit=unit).order_by("-started_at").values_list("members", flat=True).first()
    return tuple(last or unit.members.order_by("key").values_list("azure_id", flat=True))


def conclude(unit: Unit, run: Run | None, seen: Seen, *, source: str) -> Kind | None:
    """Inside a transaction that holds the unit: open, keep or end what differs."""
    if seen.world is World.UNSEEN:
        return None
    believed = State(run.state if run else unit.progress)
    kind = rules.drift(believed, seen.world, locked=unit.locked_since is not None)
    _lock_as_seen(unit, seen)
    rows = Drift.objects.select_for_update().filter(unit=unit, ended_at__isnull=True).exclude(kind=Kind.CHANGED)
    for row in rows:
        if kind is None or row.kind != kind:
            end(row, "it is as it should be again" if kind is None else "something else is seen now", ENGINE, seen.at)
    if kind is not None:
        said, advice = _SAID[kind]
        tell(unit, run, kind, said, advice, seen.at, source=source, world=seen.world.value, side=seen.classic.value)
    return kind


def _lock_as_seen(unit: Unit, seen: Seen) -> None:
    if seen.world in (World.PREPARED, World.HALF) and unit.locked_since is None:
        inventory.set_lock(unit, seen.at, now=seen.at)  # since when nobody here knows: since it was seen
    elif seen.world in (World.CLASSIC, World.MIGRATED, World.NOWHERE) and unit.locked_since is not None:
        inventory.set_lock(unit, None, now=seen.at)


def tell(
    unit: Unit,
    run: Run | None,
    kind: Kind,
    said: str,
    advice: str,
    now: datetime,
    *,
    source: str,
    world: str = "",
    side: str = "",
) -> Drift:
    """Open a difference, with its event; or note that it is still there."""
    known = Drift.objects.filter(unit=unit, kind=kind, ended_at__isnull=True).first()
    if known is not None:
        changes = {"seen_at": now, "world": world, "side": side}
        if known.noted_at is None:
            changes["said"] = said[:500]
        Drift.objects.filter(pk=known.pk).update(**changes)
        return known
    row = Drift.objects.create(
        unit=unit, run=run, kind=kind, world=world, side=side, said=said[:500], advice=advice[:500], source=source,
        raised_at=now, seen_at=now,
    )  # fmt: skip
    record(
        "drift.seen",
        by=ENGINE,
        object=("unit", unit.key),
        now=now,
        detail={"name": unit.name, "kind": kind.value, "world": world, "source": source},
        private={"cause": said[:1000]},
    )
    if run is not None and run.ended_at is None:
        settle.raise_attention(run, said[:400], now, health=Health.AT_RISK if kind is Kind.CHANGED else Health.FAILED)
    else:
        inventory.set_health(unit, Health.AT_RISK, said[:300], now=now)
    return row


def end(row: Drift, how: str, by: Actor, now: datetime) -> None:
    """Close a difference, and take back the attention it had raised."""
    Drift.objects.filter(pk=row.pk).update(ended_at=now, ended_by=by.key, ended_how=how)
    record(
        "drift.ended",
        by=by,
        object=("unit", row.unit.key),
        now=now,
        detail={"name": row.unit.name, "kind": row.kind, "how": how},
    )
    run = queries.live_run(row.unit)
    if run is not None and run.attention == row.said[:400]:
        settle.clear_attention(run, now)
    elif row.unit.health_reason == " ".join(row.said.split())[:300]:
        inventory.set_health(row.unit, Health.ON_TRACK, "", now=now)


def _changed(subscription: Subscription, now: datetime) -> None:
    """Units of approved waves that are no longer what was approved, and those that are again."""
    placed = Unit.objects.filter(
        subscription=subscription, placement__isnull=False, progress__in=[State.PLANNED, State.VALIDATED]
    ).select_related("placement__wave")
    by_wave: dict[int, list[Unit]] = {}
    for unit in placed:
        by_wave.setdefault(unit.placement.wave_id, []).append(unit)
    still: set[int] = set()
    for units in by_wave.values():
        approval = waves.open_wave_approval(units[0].placement.wave)
        if approval is None or waves.approval_state(approval, now) is not ApprovalState.APPROVED:
            continue
        for pk, fields in waves.unit_drifts(approval, units).items():
            if fields:
                still.add(pk)
                unit = next(one for one in units if one.pk == pk)
                shown = "; ".join(fields[:3])
                with transaction.atomic():
                    tell(
                        unit, queries.live_run(unit), Kind.CHANGED,
                        f"It changed after wave “{unit.placement.wave.name}” was approved: {shown}."[:500],
                        "Read what changed on its page. If it may move as it is now, submit the wave again, so that "
                        "another person approves it as it is; nothing is prepared before.",
                        now, source="sync",
                    )  # fmt: skip
    over = Drift.objects.filter(unit__subscription=subscription, kind=Kind.CHANGED, ended_at__isnull=True)
    for row in over.exclude(unit__in=still).select_related("unit"):
        with transaction.atomic():
            end(row, "it is what was approved, or is to be approved anew", ENGINE, now)


# --- later checks of end states ---------------------------------------------------------------------------------------


def due_checks(now: datetime, limit: int = 100) -> list[int]:
    rows = EndCheck.objects.filter(at__isnull=True, due_at__lte=now).exclude(lease_until__gt=now)
    return list(rows.order_by("due_at").values_list("pk", flat=True)[:limit])


def check(check_id: int, *, gateway: Callable[[str], AzureGateway], clock: Clock, timings: Timings) -> str:
    """Read one end state again. Losing, doubling or delaying this call is harmless."""
    now = clock()
    free = EndCheck.objects.filter(pk=check_id, at__isnull=True, due_at__lte=now).exclude(lease_until__gt=now)
    if not free.update(lease_until=now + timedelta(seconds=CHECK_LEASE)):
        return "not due"
    row = EndCheck.objects.select_related("run__unit").get(pk=check_id)
    if row.ended == checks.COMMITTED and row.number == 1 and row.run.state == State.COMMITTED:
        return _later(row, now, timings, "the run verifies it itself")
    if not _still_ended(row):
        EndCheck.objects.filter(pk=row.pk).update(at=now, skipped=True, lease_until=None)
        return "the run went on"
    found = look(row.run.unit, gateway(row.run.unit.subscription_id), clock, timings, source="check")
    if found is None:
        return _later(row, now, timings, "the engine is at it")
    if found.seen.world is World.UNSEEN:
        return _later(row, now, timings, "cannot see")
    differs = Drift.objects.filter(unit=found.unit, ended_at__isnull=True).exclude(kind=Kind.CHANGED).first()
    EndCheck.objects.filter(pk=row.pk).update(
        at=found.seen.at, world=found.seen.world.value, said=differs.said[:300] if differs else "", lease_until=None
    )
    Run.objects.filter(pk=row.run_id).update(checked_at=found.seen.at, checks=row.run.checks + 1)
    return f"checked: {found.seen.world.value}"


def _still_ended(row: EndCheck) -> bool:
    """Whether what is to be read again is still the last word on its unit."""
    run = row.run
    if Run.objects.filter(unit=run.unit, started_at__gt=run.started_at).exists():
        return False
    if row.ended == checks.FAILED:
        return run.ended_at is None and not run.operations.filter(state__in=LIVE_OPERATION).exists()
    return True


def _later(row: EndCheck, now: datetime, timings: Timings, why: str) -> str:
    wait = timedelta(seconds=timings.look_again * UNREAD_AGAIN)
    EndCheck.objects.filter(pk=row.pk).update(due_at=now + wait, lease_until=None)
    return why


# --- what people do about it ------------------------------------------------------------------------------------------


def note(row: Drift, *, reason: str, by: User, now: datetime) -> None:
    """A person knows of it, and says so; it stays listed as known. Raises Illegal, NotYet without words."""
    permit(by, Permission.OPERATE, ("unit", row.unit.key), now)
    reason = _reason(reason)
    with transaction.atomic():
        row = _open(row)
        Drift.objects.filter(pk=row.pk).update(noted_by=by.actor.key, noted_at=now, note=reason)
        record(
            "drift.noted", by=by.actor, object=("unit", row.unit.key), now=now,
            detail={"name": row.unit.name, "kind": row.kind}, private={"reason": reason},
        )  # fmt: skip


def adopt(row: Drift, *, reason: str, by: User, now: datetime) -> Run:
    """Take over what Azure shows into a run: an operation that is only read, twice, and never sent, moves it to where
    the unit is. Raises Illegal, NotYet without a reason."""
    permit(by, Permission.OPERATE, ("unit", row.unit.key), now)
    reason = _reason(reason)
    with transaction.atomic():
        row = _open(row)
        run = queries.live_run(row.unit)
        believed = State(run.state if run else row.unit.progress)
        verb = rules.adoption(believed, Kind(row.kind), Side(row.side) if row.side else Side.UNREADABLE)
        if verb is None:
            raise Illegal(f"There is nothing to take over: {row.advice}")
        if run is None:
            run = begin(row.unit, by.actor, now)
        record(
            "drift.adopted", by=by.actor, object=("unit", row.unit.key), now=now,
            detail={"name": row.unit.name, "kind": row.kind, "verb": verb.value, "run": str(run.pk)},
            private={"reason": reason},
        )  # fmt: skip
        end(row, "taken over into a run", by.actor, now)
        recover(run, verb, by=by.actor, by_id=by.pk, reason=reason, now=now)
    return run


def _reason(text: str) -> str:
    text = " ".join(words(text).split())
    if not text:
        raise NotYet("Say why; people will read it later.")
    if len(text) > LONGEST_NOTE:
        raise Illegal(f"The reason has {len(text)} characters; {LONGEST_NOTE} fit.")
    return text


def _open(row: Drift) -> Drift:
    unit = Unit.objects.select_for_update(of=("self",)).get(pk=row.unit_id)
    row = Drift.objects.select_for_update().get(pk=row.pk)
    if row.ended_at is not None:
        raise Illegal(f"This is over since {row.ended_at:%Y-%m-%d %H:%M} UTC: {row.ended_how}.")
    row.unit = unit
    return row


def begin(unit: Unit, by: Actor, now: datetime) -> Run:
    """A run for what somebody else began. The unit has to be in a wave: every run belongs to one."""
    placement = getattr(unit, "placement", None)
    if placement is None:
        raise Illegal(f"{unit.name} is in no wave; place it in one first, then take it over.")
    if unit.progress not in (State.PLANNED, State.VALIDATED):
        raise Illegal(f"{unit.name} is {unit.progress}; a run starts from planned.")
    if unit.progress == State.VALIDATED:
        inventory.move(unit, to=State.PLANNED, by=by, now=now)
    run = Run.objects.create(
        id=uuid7(now), unit=unit, wave=placement.wave, started_by=by.key, started_at=now, members=list(members(unit)),
        due_at=now,
    )  # fmt: skip
    record(
        "run.started", by=by, object=("run", str(run.pk)), now=now,
        detail={"unit": unit.name, "key": unit.key, "wave": placement.wave.name, "seal": ""},
    )  # fmt: skip
    return run


def recover(run: Run, verb: Verb, *, by: Actor, by_id: int | None, reason: str, now: datetime) -> Operation:
    """Inside a transaction: an operation for what somebody else sent, in doubt until it was read twice. It is never
    sent: the database refuses its arming."""
    if queries.live_operation(run) is not None:
        raise Illegal(f"{run.unit.name}: an operation is under way; wait for its end.")
    checks.drop(run, now)
    if verb is Verb.COMMIT:
        for state in (State.PREPARING, State.PREPARED):
            if state in ALLOWED[State(run.state)]:
                settle.move(run, state, "Azure is beyond it already; nobody here sent it", now)
    wish = Ask.objects.create(run=run, verb=verb, by=by.key, by_id=by_id, at=now, reason=reason)
    operation = Operation.objects.create(
        id=uuid7(now), run=run, ask=wish, verb=verb, state=OperationState.UNKNOWN, recovered=True, created_at=now,
        armed_at=now, instances=fitting.sizes([run.unit_id])[run.unit_id], why="taken over; both sides are read",
    )  # fmt: skip
    settle.in_doubt(run, operation, now, "somebody else sent it; both sides are read twice")
    Run.objects.filter(pk=run.pk).update(due_at=now, enqueued_at=None)
    record(
        "operation.created", by=by, object=("operation", str(operation.pk)), now=now,
        detail={"verb": verb.value, "run": str(run.pk), "unit": run.unit.name, "key": run.unit.key, "recovered": "yes"},
    )  # fmt: skip
    return operation
