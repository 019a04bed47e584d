"""Every minute: look whether what can never be so is so; tell it, and hold the run it is about."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from tracker.audit.actions import record
from tracker.audit.values import ENGINE
from tracker.runs import assertions
from tracker.runs.actions import settle
from tracker.runs.actions.steps import beat
from tracker.runs.models import Run
from tracker.runs.watch_models import Violation

HEARTBEAT = "assertions"


def assert_all(now: datetime, *, host: Callable[[], float]) -> int:
    """Look at every assertion; the same one is told once. Returns how many are broken. `host`: this host's clock."""
    found = assertions.broken(host)
    open_ = {(row.name, row.subject): row for row in Violation.objects.filter(ended_at__isnull=True)}
    for each in found:
        known = open_.pop((each.name, each.subject), None)
        if known is not None:
            Violation.objects.filter(pk=known.pk).update(seen_at=now, said=each.said[:300])
            continue
        with transaction.atomic():
            _tell(each, now)
    for row in open_.values():
        Violation.objects.filter(pk=row.pk).update(ended_at=now)
    beat(HEARTBEAT, now)
    return len(found)


def _tell(each: assertions.Broken, now: datetime) -> None:
    run = Run.objects.select_for_update(of=("self",)).select_related("unit").filter(pk=each.run).first()
    Violation.objects.create(
        name=each.name, subject=each.subject, run=run, said=each.said[:300], found_at=now, seen_at=now
    )
    record(
        "invariant.violated",
        by=ENGINE,
        object=("run", str(run.pk)) if run else ("history", each.subject),
        now=now,
        detail={"assertion": each.name, "subject": each.subject, "cause": each.said}
        | ({"name": run.unit.name} if run else {}),
        result="failed",
    )
    if run is not None and run.ended_at is None:
        if run.held_at is None:  # nothing more is sent for it until a person resumes it
            Run.objects.filter(pk=run.pk).update(held_at=now)
        settle.raise_attention(run, f"Something is so that can never be: {each.said} It is held.", now)
