"""A rehearsal: Validate, Prepare, compare, Abort, asked for by name and as one thing when the run starts
(decisions/rehearsal.md).

This is the only place where the engine creates an Abort by itself, and it does so only because a person asked for it
beforehand. Each wish stands in the transaction that stores what it follows from, so that a process that dies leaves
both or neither.
"""

from datetime import datetime

from tracker.audit.actions import record
from tracker.audit.values import ENGINE
from tracker.runs import queries
from tracker.runs.models import Ask, AskVerb, Comparison, Purpose, Run

BEFOREHAND = "It was asked for with the rehearsal."


def go_on(run: Run, verb: AskVerb, now: datetime) -> bool:
    """Append the next wish of a rehearsal in the name of the person who asked for all of it. Whether it was done:
    never for a migration, nor beside a wish that waits already. Inside the caller's transaction, with the fence held.
    """
    if run.purpose != Purpose.REHEARSAL or queries.pending_ask(run) is not None:
        return False
    first = run.asks.order_by("id")[0]
    Ask.objects.create(run=run, verb=verb, by=first.by, by_id=first.by_id, at=now, reason=BEFOREHAND)
    record(
        "run.asked",
        by=ENGINE,
        object=("run", str(run.pk)),
        now=now,
        detail={"verb": str(verb), "seal": "", "unit": run.unit.name, "key": run.unit.key},
        private={"reason": BEFOREHAND},
    )
    return True


def outcome_of_abort(run: Run) -> str:
    """How a run ended that was aborted: a rehearsal only where both sides were compared before."""
    compared = run.purpose == Purpose.REHEARSAL and Comparison.objects.filter(run=run).exists()
    return "rehearsed" if compared else "aborted"
