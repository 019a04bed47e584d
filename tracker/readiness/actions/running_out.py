"""What people said ends by itself when its time comes: closed in the books, and the units assessed without it."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from tracker.audit.values import ENGINE
from tracker.inventory.models import Unit
from tracker.readiness import people
from tracker.readiness.actions import attesting, ending
from tracker.readiness.actions.assessing import assess
from tracker.readiness.actions.rechecking import want_rule
from tracker.readiness.models import Attestation, Waiver

MOST = 200  # units at a time; the next message takes the rest


def close_what_ran_out(now: datetime) -> int:
    """Close attestations and waivers whose end has come, and waivers of units that are gone; one transaction for each
    unit. Returns how many units that were."""
    ended = Q(attestations__ended_at__isnull=True, attestations__until__lte=now)
    over = Q(waivers__state__in=Waiver.LIVE) & (Q(waivers__until__lte=now) | Q(gone_at__isnull=False))
    units = list(Unit.objects.filter(ended | over).order_by("pk").distinct().values_list("pk", flat=True)[:MOST])
    for pk in units:
        _close(pk, now)
    return len(units)


@transaction.atomic
def _close(pk: int, now: datetime) -> None:
    unit = Unit.objects.select_related("subscription").get(pk=pk)
    ending.lock(unit)
    rules = set()
    said = people.attestations().select_for_update(of=("self",))
    for row in said.filter(unit=unit, ended_at__isnull=True, until__lte=now):
        attesting.end(row, Attestation.End.EXPIRED, ENGINE, now)
        if row.reach == Attestation.Reach.SUBSCRIPTION:
            rules.add(row.rule)
    waived = people.waivers().select_for_update(of=("self",)).filter(unit=unit, state__in=Waiver.LIVE)
    for row in waived if unit.gone_at else waived.filter(until__lte=now):
        if row.until <= now:
            ending.run_out(row, now)
        elif row.state == Waiver.State.APPROVED:
            ending.end(row, Waiver.End.SETTLED, ENGINE, now, "The unit is no longer listed.")
        else:
            ending.write(row, now, ENGINE, state=Waiver.State.WITHDRAWN, end_reason="The unit is no longer listed.")
            ending.tell("readiness.waiver_withdrawn", row, ENGINE, now, row.end_reason)
    assess([unit], now=now, by=ENGINE)
    for rule in sorted(rules):
        want_rule(rule, by=ENGINE, now=now)
