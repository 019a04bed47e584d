"""Going on without what could not be read before Prepare: one person, by name, with a reason."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.followups import gaps, queries
from tracker.followups.actions.carrying import NotApplicable
from tracker.followups.actions.people import words
from tracker.followups.models import AcceptedGap
from tracker.inventory.models import Unit


def accept_gap(unit: Unit, run: UUID, *, told: Iterable[str], reason: str, by: User, now: datetime) -> AcceptedGap:
    """Accept that the parts missing from the newest capture are not known when Prepare starts. `told`: the resources
    the person was told of, so that nobody accepts what was found missing meanwhile. Raises NotApplicable: nothing is
    missing, or something else than told; BadWords: no reason."""
    check(by, Permission.OPERATE, ("run", str(run)), now)
    reason = words(reason, "Say why it may start without them")
    with transaction.atomic():
        Unit.objects.select_for_update().get(pk=unit.pk)
        capture = queries.last_capture(unit)
        missing = gaps.told(gaps.unaccepted(capture, run)) if capture else []
        if not missing:
            raise NotApplicable("Nothing is missing any more that nobody accepted; there is nothing to go on without.")
        listed = {each.lower() for each in told}
        new = [each["resource"] for each in missing if each["resource"].lower() not in listed]
        if new:
            raise NotApplicable(f"Meanwhile more could not be read: {new[0]}. Look at the list again first.")
        row = AcceptedGap.objects.create(unit=unit, run=run, missing=missing, by=by.actor.key, at=now, reason=reason)
        record(
            "settings.gap_accepted",
            by=by.actor,
            object=("unit", unit.key),
            now=now,
            detail={
                "name": unit.name,
                "run": str(run),
                "missing": len(missing),
                "parts": [f"{each['action']} on {each['resource']}" for each in missing[:20]],
            },
            private={"reason": reason},
        )
    return row
