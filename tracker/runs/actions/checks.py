"""Every end state is read again after 5 minutes, 1 hour and 24 hours (engine.md; reliability-notes 4.7)."""

from datetime import datetime, timedelta

from migrator.lifecycle import Timings
from tracker.runs.models import Run
from tracker.runs.watch_models import EndCheck

COMMITTED, ABORTED, FAILED = "committed", "aborted", "failed prepare"


def plan(run: Run, ended: str, now: datetime, timings: Timings) -> None:
    """Plan the three readings of an end state, in the transaction that reaches it. What an earlier end of the same run
    still had to come is dropped: it is another state now."""
    drop(run, now)
    waits = (timings.first_check, timings.second_check, timings.third_check)
    EndCheck.objects.bulk_create(
        EndCheck(run=run, ended=ended, number=number, due_at=now + timedelta(seconds=wait))
        for number, wait in enumerate(waits, 1)
    )


def drop(run: Run, now: datetime) -> None:
    EndCheck.objects.filter(run=run, at__isnull=True).update(at=now, skipped=True)


def done(run: Run, number: int, world: str, now: datetime) -> None:
    """The reading that verifies a commit is the first of its checks."""
    EndCheck.objects.filter(run=run, ended=COMMITTED, number=number, at__isnull=True).update(at=now, world=world)
