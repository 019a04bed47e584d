"""Re-checks: a unit, or all units a rule touches, looked at again because somebody asks. Nothing here waits: a row says
what is wanted, the ticker finds it, and every step is one bounded evaluation.

Of a unit the subscription is read first, so that what was corrected in Azure a moment ago counts; of a rule, what is
known is asked again (its units may lie in hundreds of subscriptions).
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.audit.values import Actor
from tracker.inventory import actions as inventory
from tracker.inventory.models import Sync, Unit
from tracker.readiness.actions.assessing import assess
from tracker.readiness.models import Assessment, Recheck

logger = logging.getLogger(__name__)
BATCH = 200  # units of a rule in one message
LOOK = timedelta(seconds=2)  # between two looks whether the reading is through
PATIENCE = timedelta(minutes=30)  # a reading that takes longer is told as such
RECHECK = Actor("system", "recheck", "Re-check")


class UnknownRuleAsked(Exception):
    """The catalogue has no such rule."""


def recheck_unit(unit: Unit, *, by: User, now: datetime) -> tuple[Recheck, bool]:
    """Want the unit's subscription read and the unit assessed; returns the wish and whether it is new: one that waits
    already serves everybody. Raises Denied."""
    check(by, Permission.SYNC, ("unit", unit.key), now)
    with transaction.atomic():
        Unit.objects.select_for_update(no_key=True).get(pk=unit.pk)
        waiting = Recheck.objects.filter(unit=unit, state=Recheck.State.WANTED).first()
        if waiting is not None:
            return waiting, False
        inventory.want_sync(unit.subscription, by.actor, now)
        row = Recheck.objects.create(
            unit=unit, asked_by=by.actor.key, asked_at=now, due_at=now, before=unit.verdict or ""
        )
        record("readiness.recheck_asked", by=by.actor, object=("unit", unit.key), now=now, detail={"name": unit.name})
    return row, True


def recheck_rule(rule: str, *, by: User, now: datetime) -> tuple[Recheck, bool]:
    """Want every unit which the rule touches assessed again. Raises Denied."""
    check(by, Permission.SYNC, ("rule", rule), now)
    return want_rule(rule, by=by.actor, now=now)


@transaction.atomic
def want_rule(rule: str, *, by: Actor, now: datetime) -> tuple[Recheck, bool]:
    """As recheck_rule, for a caller who was checked."""
    row, new = Recheck.objects.select_for_update().get_or_create(
        rule=rule,
        unit=None,
        state=Recheck.State.WANTED,
        defaults={"asked_by": by.key, "asked_at": now, "due_at": now},
    )
    if new:
        record("readiness.recheck_asked", by=by, object=("rule", rule), now=now, detail={"name": rule})
    elif row.seen:  # it is half through: what it has passed is looked at once more
        row.seen, row.due_at = 0, now
        row.save(update_fields=["seen", "due_at"])
    return row, new


def advance_recheck(pk: int, *, clock: Callable[[], datetime]) -> str:
    """One step of a wish that is due; says what it did. Doubled or lost messages are harmless."""
    with transaction.atomic():
        now = clock()
        row = Recheck.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=pk, due_at__lte=now).first()
        if row is None:
            return "not due"
        if row.unit_id is not None:
            return _unit_step(row, now)
        return _rule_step(row, now)


def _unit_step(row: Recheck, now: datetime) -> str:
    unit = Unit.objects.select_related("subscription").get(pk=row.unit_id)
    sync = Sync.objects.filter(subscription=unit.subscription, started_at__gte=row.asked_at)
    reading = sync.order_by("-started_at", "-pk").first()
    through = reading is not None and reading.outcome != Sync.Outcome.RUNNING and (reading.error or reading.followed_at)
    if not through and now - row.asked_at < PATIENCE:
        row.due_at = now + LOOK
        row.save(update_fields=["due_at"])
        return "the reading goes on"
    done = assess([unit], now=now, by=RECHECK)
    row.units = done.units
    unit.refresh_from_db()
    row.changed = int(Assessment.objects.filter(unit=unit, at__gte=row.asked_at).exists())
    error = ""
    if not through:
        error = "The reading of the subscription is not through after half an hour; what was known was asked again."
    elif reading is not None and reading.error:
        error = f"The subscription could not be read: {reading.error} What was known was asked again."
    return _ended(row, error, unit.verdict or "", now)


def _rule_step(row: Recheck, now: datetime) -> str:
    touched = Q(open_rules__overlap=[f"{said} {row.rule}" for said in ("yes", "unknown")])
    units = Unit.objects.filter(touched, gone_at__isnull=True, pk__gt=row.seen).order_by("pk")
    batch = list(units.select_related("subscription")[:BATCH])
    done = assess(batch, now=now, by=RECHECK) if batch else None
    row.units += done.units if done else 0
    row.changed += done.changed if done else 0
    if len(batch) < BATCH:
        return _ended(row, "", "", now)
    row.seen, row.due_at = batch[-1].pk, now
    row.save(update_fields=["units", "changed", "seen", "due_at"])
    return f"{row.units} assessed; goes on"


def _ended(row: Recheck, error: str, after: str, now: datetime) -> str:
    row.state = Recheck.State.FAILED if error else Recheck.State.DONE
    row.error, row.after, row.due_at, row.ended_at = error, after, None, now
    row.save(update_fields=["state", "error", "after", "due_at", "ended_at", "units", "changed"])
    what = ("unit", row.unit.key) if row.unit else ("rule", row.rule)
    detail = {
        "name": row.unit.name if row.unit else row.rule,
        "units": row.units,
        "changed": row.changed,
        "before": row.before,
        "after": row.after,
        "error": error,
    }
    record("readiness.rechecked", by=RECHECK, object=what, now=now, detail=detail, result="failed" if error else "done")
    return error or "done"
