"""How waivers end, by people or by themselves; in the caller's transaction, under the lock of the unit."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from tracker.audit.actions import record
from tracker.audit.values import ENGINE, Actor
from tracker.inventory.models import Unit
from tracker.readiness.models import Waiver
from tracker.readiness.rows import Row


def lock(unit: Unit) -> None:
    """Whoever stores an evaluation of the unit holds the same row, so none slips between a word and its effect."""
    Unit.objects.select_for_update(no_key=True).get(pk=unit.pk)


def run_out(row: Waiver, now: datetime) -> None:
    """Close a waiver whose end has come, in the caller's transaction and under the lock of its unit."""
    if row.state == Waiver.State.ASKED:
        write(row, now, ENGINE, state=Waiver.State.WITHDRAWN, end_reason="Its end came before anybody decided.")
        tell("readiness.waiver_withdrawn", row, ENGINE, now, row.end_reason)
    elif row.state == Waiver.State.APPROVED:
        end(row, Waiver.End.EXPIRED, ENGINE, now, "")


def end_outdated(rows: Mapping[int, Iterable[Row]], now: datetime) -> None:
    """Reopen what no longer is what was set aside: called with the new findings of units, in the transaction that
    stores them. An unknown ends nothing: whether the rule applies is not known, and it counts as unknown."""
    counting = Waiver.objects.select_for_update(of=("self",)).select_related("unit")
    counting = list(counting.filter(unit__in=list(rows), state=Waiver.State.APPROVED).order_by("pk"))
    if not counting:
        return
    wanted = {(one.unit_id, one.rule, one.resource_key): one for one in counting}
    found = {
        (unit, row.rule, row.resource_key): row
        for unit, listed in rows.items()
        for row in listed
        if (unit, row.rule, row.resource_key) in wanted
    }
    for key, waiver in wanted.items():
        row = found.get(key)
        if row is not None and (row.waived or row.outcome == "unknown"):
            continue
        if waiver.until <= now:
            end(waiver, Waiver.End.EXPIRED, ENGINE, now, "")
        elif row is not None and row.outcome == "yes":
            end(waiver, Waiver.End.CHANGED, ENGINE, now, f"It says now: {row.sentence}")
        else:
            end(waiver, Waiver.End.SETTLED, ENGINE, now, "The rule no longer applies.")


def end(row: Waiver, how: str, by: Actor, now: datetime, reason: str) -> None:
    """It sets nothing aside any more."""
    write(row, now, by, state=Waiver.State.ENDED, end=how, end_reason=reason)
    tell("readiness.waiver_ended", row, by, now, reason, end=str(how))


def write(row: Waiver, ended_at: datetime | None, ended_by: Actor | None, **values: object) -> None:
    """Set columns; with both, also when and by whom it ended."""
    if ended_at is not None and ended_by is not None:
        values |= {"ended_at": ended_at, "ended_by": ended_by.key}
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))


def tell(kind: str, row: Waiver, by: Actor, now: datetime, cause: str, **detail: str) -> None:
    """One event about a waiver."""
    named = {"name": f"{row.rule} on {row.resource_name}", "rule": row.rule, "resource": row.resource_key}
    detail = {**named, "unit": row.unit.name, "key": row.unit.key, **detail}
    private = {"cause": cause} if cause else {}
    record(kind, by=by, object=("waiver", str(row.pk)), now=now, detail=detail, private=private)
