"""What is done to a unit outside a sync: progress, health, lock, verdict, owner, exclusion."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from migrator import locks
from migrator.lifecycle import ALLOWED, Health, State
from migrator.units import UnitKind
from tracker.audit.actions import Fact, record, record_many
from tracker.audit.values import ENGINE, Actor
from tracker.inventory.actions.applying import batches
from tracker.inventory.lock_models import Lock
from tracker.inventory.models import Unit

LONGEST_OWNER = 120
LONGEST_REASON = 300


class IllegalMove(Exception):
    """The table of legal moves has no such move from where the unit is."""


class Overtaken(IllegalMove):
    """Somebody else moved the unit between the read and the write; read it again."""


class InvalidText(ValueError):
    """A text a person gave cannot be used; the sentence says why."""


class StillPlaced(Exception):
    """The unit is in a wave; it has to be taken out first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What readiness found of a unit, as the row keeps it."""

    unit_id: int
    verdict: str
    score: int
    blockers: int
    changes: int
    unknowns: int
    blocking_rules: tuple[str, ...] = ()
    open_rules: tuple[str, ...] = ()  # Unit.open_rules


def line(text: str, what: str, longest: int, *, empty: bool = False) -> str:
    """A text of a person as one clean line. Raises InvalidText when it is empty (unless it may be), too long, or holds
    control characters."""
    clean = text.strip()
    if not clean and not empty:
        raise InvalidText(f"{what} is empty; write a few words.")
    if len(clean) > longest:
        raise InvalidText(f"{what} has {len(clean)} characters; {longest} fit.")
    if not clean.isprintable():
        raise InvalidText(f"{what} holds a line break or a control character; write it as one line.")
    return clean


@transaction.atomic
def move(unit: Unit, *, to: State, by: Actor, now: datetime) -> None:
    """Move the progress of a unit, compare-and-set on what the caller read. Raises IllegalMove, Overtaken."""
    start = _step(unit, to)
    record(
        "inventory.unit_moved",
        by=by,
        object=("unit", unit.key),
        now=now,
        detail={"name": unit.name, "from": start.value, "to": to.value},
    )


def _step(unit: Unit, to: State) -> State:
    start = State(unit.progress)
    if to not in ALLOWED[start]:
        allowed = ", ".join(sorted(ALLOWED[start])) or "nothing"
        raise IllegalMove(f"{unit.name} is {start}; from there it goes to {allowed}, not to {to}.")
    if not Unit.objects.filter(pk=unit.pk, progress=start).update(progress=to):
        found = Unit.objects.filter(pk=unit.pk).values_list("progress", flat=True).first() or "gone"
        raise Overtaken(f"{unit.name} was {start} when it was read and is {found} now; read it again.")
    unit.progress = to
    return start


def set_health(unit: Unit, health: Health | str, reason: str, *, now: datetime) -> None:
    """Health and its reason; written only when one differs. What it is computed from has events; it has none."""
    health, reason = Health(health), " ".join(reason.split())[:LONGEST_REASON]
    if (unit.health, unit.health_reason) != (health, reason):
        Unit.objects.filter(pk=unit.pk).update(health=health, health_reason=reason)
        unit.health, unit.health_reason = health, reason


@dataclass(frozen=True, slots=True, kw_only=True)
class For:
    """What a lock is for. `by`: Actor.key of who asked for the Prepare; nothing at all: of somebody outside."""

    run: object = None
    wave_id: int | None = None
    wave: str = ""
    by: str = ""


@transaction.atomic
def set_lock(
    unit: Unit, since: datetime | None, *, now: datetime, held: For | None = None, end: str = Lock.End.SEEN
) -> None:
    """Since when the unit's management plane is locked (Prepare … Commit or Abort); None: it is not. The ledger is
    written with it: `held`: what for, when it begins; `end`: a Lock.End."""
    if unit.locked_since == since:
        return
    Unit.objects.filter(pk=unit.pk).update(locked_since=since)
    unit.locked_since = since
    if since is None:
        for lock in Lock.objects.filter(unit=unit, closed_at__isnull=True):
            Lock.objects.filter(pk=lock.pk).update(closed_at=max(now, lock.opened_at), end=end)
            record(
                "lock.closed", by=ENGINE, object=("unit", unit.key), now=now,
                detail={"name": unit.name, "end": str(Lock.End(end).label), "minutes": _minutes(lock, now)},
            )  # fmt: skip
        return
    held = held or For()
    limit = locks.limit_of(settings.LOCK_LIMIT, storage=unit.kind == UnitKind.STORAGE_ACCOUNT)
    _, new = Lock.objects.get_or_create(
        unit=unit,
        closed_at=None,
        defaults={
            "run_id": held.run,
            "wave_id": held.wave_id,
            "wave": held.wave,
            "opened_by": held.by,
            "opened_at": since,
            "limit_hours": max(1, int(limit.total_seconds() // 3600)),
        },
    )
    if new:
        record(
            "lock.opened", by=ENGINE, object=("unit", unit.key), now=now,
            detail={"name": unit.name, "wave": held.wave, "run": str(held.run or ""), "asked": held.by},
        )  # fmt: skip


def _minutes(lock: Lock, now: datetime) -> int:
    return max(0, int((now - lock.opened_at).total_seconds() // 60))


@transaction.atomic
def assign_owner(units: Iterable[Unit], owner: str, by: Actor, now: datetime) -> int:
    """Give units an owner; an empty one takes it away. Returns how many changed. Raises InvalidText."""
    owner = line(owner, "The owner", LONGEST_OWNER, empty=True)
    wanted = [unit.pk for unit in units]
    found = Unit.objects.select_for_update(no_key=True).filter(pk__in=wanted).exclude(owner=owner)
    changed = list(found.order_by("pk"))
    Unit.objects.filter(pk__in=[unit.pk for unit in changed]).update(owner=owner)
    facts = [
        Fact("inventory.unit_owner_assigned", ("unit", unit.key), {"name": unit.name}, {"owner": owner or "nobody"})
        for unit in changed
    ]
    for batch in batches(facts):
        record_many(batch, by=by, now=now)
    return len(changed)


@transaction.atomic
def exclude(unit: Unit, reason: str, by: Actor, now: datetime) -> None:
    """Take a unit out of the programme. Raises InvalidText, StillPlaced, IllegalMove (from Prepare on)."""
    reason = line(reason, "The reason", LONGEST_REASON)
    if (wave := Unit.objects.filter(pk=unit.pk).values_list("placement__wave__name", flat=True).first()) is not None:
        raise StillPlaced(f"{unit.name} is in the wave {wave}; take it out of the wave first.")
    start = unit.progress
    _step(unit, State.EXCLUDED)
    set_health(unit, Health.ON_TRACK, "", now=now)
    record(
        "inventory.unit_excluded",
        by=by,
        object=("unit", unit.key),
        now=now,
        detail={"name": unit.name, "from": start},
        private={"reason": reason},
    )


@transaction.atomic
def include(unit: Unit, by: Actor, now: datetime, reason: str = "") -> None:
    """Take an excluded unit back in: to assessed when it was assessed before, else to discovered."""
    reason = line(reason, "The reason", LONGEST_REASON, empty=True)
    if unit.progress != State.EXCLUDED:
        raise IllegalMove(f"{unit.name} is {unit.progress}; only an excluded unit can be taken back in.")
    _step(unit, State.ASSESSED if unit.assessed_at else State.DISCOVERED)
    record(
        "inventory.unit_included",
        by=by,
        object=("unit", unit.key),
        now=now,
        detail={"name": unit.name},
        private={"reason": reason},
    )


# Health follows the verdict only as long as nothing graver (a failure, a run at risk) has been said of the unit.
_JUDGE = """
UPDATE tracker_unit AS unit SET verdict = said.verdict, score = said.score, blockers = said.blockers,
       changes = said.changes, unknowns = said.unknowns, assessed_at = %s,
       open_rules = string_to_array(said.open_rules, E'\\n'),
       progress = CASE WHEN unit.progress = 'discovered' THEN 'assessed' ELSE unit.progress END,
       health = CASE WHEN unit.health IN ('on track', 'blocked') AND unit.progress <> 'excluded'
                     THEN CASE WHEN said.verdict = 'blocked' THEN 'blocked' ELSE 'on track' END ELSE unit.health END,
       health_reason = CASE WHEN unit.health IN ('on track', 'blocked') AND unit.progress <> 'excluded'
                            THEN CASE WHEN said.verdict = 'blocked' THEN said.reason
                                      WHEN unit.health = 'blocked' THEN '' ELSE unit.health_reason END
                            ELSE unit.health_reason END
  FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::int[], %s::int[], %s::int[], %s::text[], %s::text[])
       AS said(id, verdict, score, blockers, changes, unknowns, reason, open_rules)
 WHERE unit.id = said.id
"""


def record_verdicts(judgements: Iterable[Judgement], now: datetime) -> int:
    """Write what readiness found onto the rows of the list, and move discovered units to assessed. Called by
    `readiness.actions.assess` inside its transaction, whose event tells it. Returns how many were written."""
    written = 0
    with transaction.atomic(), connection.cursor() as cursor:
        for batch in batches(sorted(judgements, key=lambda one: one.unit_id)):
            columns = [
                (
                    *(j.unit_id, j.verdict, j.score, j.blockers, j.changes, j.unknowns),
                    _blocked_by(j.blocking_rules),
                    "\n".join(j.open_rules),
                )
                for j in batch
            ]
            cursor.execute(_JUDGE, [now, *(list(column) for column in zip(*columns, strict=True))])
            written += cursor.rowcount
    return written


def _blocked_by(rules: tuple[str, ...]) -> str:
    listed = ", ".join(dict.fromkeys(rules))
    return f"Blocked by {listed}"[:LONGEST_REASON] if listed else ""
