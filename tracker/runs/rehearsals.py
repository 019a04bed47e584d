"""What pages and the API ask about rehearsals: the last one of a unit, what of its differences is there again, which
units of a wave were rehearsed, and how long one is expected to lock. Reads only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from migrator.translation.rehearsed import beside
from tracker.inventory.lock_models import Lock
from tracker.inventory.models import Unit
from tracker.runs import fitting
from tracker.runs.fitting import durations
from tracker.runs.models import Difference, Purpose, Run

LISTED = ("unexpected", "unread", "dropped", "renamed")


def last(unit: int, before: datetime | None = None) -> Run | None:
    """The newest rehearsal of a unit that was compared and taken back; `before`: that ended before then."""
    rows = Run.objects.filter(unit_id=unit, purpose=Purpose.REHEARSAL, outcome="rehearsed")
    if before is not None:
        rows = rows.filter(ended_at__lte=before)
    return rows.select_related("comparison", "wave").order_by("-ended_at").first()


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The last rehearsal as a page tells it. Seconds; None where it was not measured."""

    run: Run
    prepare: float | None
    abort: float | None
    locked: float | None
    unexpected: int


def told(unit: int) -> Rehearsed | None:
    """Three queries."""
    run = last(unit)
    if run is None:
        return None
    took = {
        each.verb: (each.ended_at - each.armed_at).total_seconds()
        for each in run.operations.filter(verb__in=("prepare", "abort"), state="succeeded")
        if each.ended_at and each.armed_at
    }
    lock = Lock.objects.filter(unit_id=unit, run_id=run.pk).first()
    locked = (lock.closed_at - lock.opened_at).total_seconds() if lock and lock.closed_at else None
    return Rehearsed(run, took.get("prepare"), took.get("abort"), locked, run.comparison.unexpected)


@dataclass(frozen=True, slots=True)
class Against:
    """A comparison held against that of the last rehearsal. `like`: by the id of a row now, its like then; `new`: ids
    of rows that were not there; `gone`: rows that were."""

    run: Run
    like: Mapping[int, Difference]
    new: frozenset[int]
    gone: Sequence[Difference]

    def mark(self, row: int) -> str | None:
        """`same` or `new`; None of what is the same on both sides, which is not held against anything."""
        return "same" if row in self.like else "new" if row in self.new else None


def against(run: Run, rows: Sequence[Difference] | None = None) -> Against | None:
    """None where the unit was not rehearsed before this run. Rows that are the same on both sides are left out."""
    earlier = last(run.unit_id, before=run.started_at)
    if earlier is None:
        return None
    now = [row for row in (run.differences.all() if rows is None else rows) if row.kind in LISTED]
    then = list(earlier.differences.filter(kind__in=LISTED))
    found = beside([_plain(row) for row in now], [_plain(row) for row in then])
    like = {row.pk: then[place] for row, place in zip(now, found.same, strict=True) if place is not None}
    return Against(
        earlier, like, frozenset(row.pk for row in now if row.pk not in like), [then[place] for place in found.gone]
    )


def _plain(row: Difference) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("classic_key", "arm_key", "field", "before", "after", "kind")}


def of_wave(wave: int) -> list[Run]:
    """The newest finished rehearsal of each unit that is placed in a wave, by the unit's name. One query."""
    rows = Run.objects.filter(unit__placement__wave_id=wave, purpose=Purpose.REHEARSAL, outcome="rehearsed")
    newest = {run.unit_id: run for run in rows.select_related("unit").order_by("ended_at")}
    return sorted(newest.values(), key=lambda run: run.unit.name)


def expected_lock(units: Iterable[Unit]) -> str:
    """How long a rehearsal is expected to lock each of these units, as a sentence: Prepare and Abort as they took here.
    Two queries."""
    chosen = list(units)
    sizes = fitting.sizes([unit.pk for unit in chosen])
    samples = fitting.measured([(verb, unit.kind) for unit in chosen for verb in ("prepare", "abort")])
    longest, unmeasured, basis = timedelta(0), 0, ""
    for unit in chosen:
        found = [
            durations.estimate(samples, verb=verb, kind=unit.kind, size=sizes[unit.pk]) for verb in ("prepare", "abort")
        ]
        if None in found:
            unmeasured += 1
            continue
        needs = found[0].p90 + found[1].p90  # type: ignore[union-attr]
        if needs > longest:
            longest, basis = needs, found[0].basis("prepare")  # type: ignore[union-attr]
    if unmeasured == len(chosen):
        return "How long Prepare and Abort take was not measured here yet; no document says it."
    each = "It is" if len(chosen) == 1 else "The longest of them is"
    said = f"{each} expected to be locked for about {durations.words(longest)} ({basis}, and Abort)."
    if unmeasured:
        said += f" For {unmeasured} of them nothing was measured yet."
    return said
