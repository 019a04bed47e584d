"""A person lets one verb of one run start although it may end after its window."""

from datetime import datetime

from django.db import IntegrityError, transaction

from migrator.resources import Verb
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.runs.actions.people import Illegal, NotYet, words
from tracker.runs.models import Overrun, Run

LONGEST = 300


def allow_overrun(run: Run, verb: Verb, *, reason: str, by: User, now: datetime) -> Overrun:
    """From now on the measured durations do not hold this Prepare or Commit back; every other gate does, the open
    window too. Raises Illegal, NotYet without a reason."""
    check(by, Permission.OPERATE, ("run", str(run.pk)), now)
    reason = " ".join(words(reason).split())
    if verb not in (Verb.PREPARE, Verb.COMMIT):
        raise Illegal("Only Prepare and Commit wait for a window; there is nothing to let through.")
    if not reason:
        raise NotYet("Say why it may end after the window; people will read it when it does.")
    if len(reason) > LONGEST:
        raise Illegal(f"The reason has {len(reason)} characters; {LONGEST} fit.")
    try:
        with transaction.atomic():
            run = Run.objects.select_for_update(of=("self",)).select_related("unit").get(pk=run.pk)
            if run.ended_at is not None:
                raise Illegal(f"The run ended {run.ended_at:%Y-%m-%d %H:%M} UTC ({run.outcome}).")
            row = Overrun.objects.create(run=run, verb=verb.value, by=by.actor.key, at=now, reason=reason)
            # looked at now, not at the next turn; not while something else sets the pace
            Run.objects.filter(pk=run.pk, waiting_code__in=("would-overrun", "fits-no-window")).update(
                due_at=now, enqueued_at=None
            )
            record(
                "run.overrun_allowed",
                by=by.actor,
                object=("run", str(run.pk)),
                now=now,
                detail={"verb": verb.value, "unit": run.unit.name, "key": run.unit.key},
                private={"reason": reason},
            )
    except IntegrityError as error:
        raise Illegal(f"{verb.value.capitalize()} of this run may start though it may overrun already.") from error
    return row
