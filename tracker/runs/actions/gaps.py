"""A person lets Prepare of one run start without what could not be read before it."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from tracker.accounts.models import User
from tracker.followups import actions as followups
from tracker.followups.models import AcceptedGap
from tracker.runs.actions.people import Illegal
from tracker.runs.models import Run

CODE = "capture-incomplete"


def accept_gap(run: Run, *, told: Iterable[str], reason: str, by: User, now: datetime) -> AcceptedGap:
    """From now on these parts do not hold its Prepare back; every gate does. `told`: the resources the person was
    shown. Raises Illegal: the run ended, nothing is missing, more is missing than told, no reason."""
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).select_related("unit").get(pk=run.pk)
        if run.ended_at is not None:
            raise Illegal(f"The run ended {run.ended_at:%Y-%m-%d %H:%M} UTC ({run.outcome}).")
        try:
            row = followups.accept_gap(run.unit, run.pk, told=told, reason=reason, by=by, now=now)
        except followups.FollowUpError as error:
            raise Illegal(str(error)) from error
        # looked at now, not at the next turn; not while something else sets the pace
        Run.objects.filter(pk=run.pk, waiting_code=CODE).update(due_at=now, enqueued_at=None)
    return row
