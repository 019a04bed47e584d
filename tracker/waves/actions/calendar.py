"""Planned freezes: dated times in which no Prepare and no Commit may start, planned ahead, with a reason."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from migrator import windows
from migrator.resources import Verb
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.audit.values import stamp
from tracker.waves.actions import shared
from tracker.waves.actions.shared import BadScope, BadWindow, NotFrozen
from tracker.waves.actions.stopping import known_scope
from tracker.waves.calendar_models import PlannedFreeze
from tracker.waves.models import Freeze

LONGEST = timedelta(days=366)
FURTHEST = timedelta(days=3 * 366)
STOPPED = (Verb.PREPARE, Verb.COMMIT)


def plan_freeze(
    scope: str, *, begins_at: datetime, ends_at: datetime, zone: ZoneInfo, reason: str, by: User, now: datetime
) -> PlannedFreeze:
    """Between two instants no Prepare and no Commit in `scope` starts. Raises BadScope, BadWindow, WaveError.

    To stop something now there is the stop switch; what is planned begins later."""
    check(by, Permission.FREEZE, ("freeze", scope), now)
    reason = shared.reason(reason, "A planned freeze needs a reason; people will read it when something waits.")
    scope, verb = known_scope(scope), scope.removeprefix("verb:")
    if scope.startswith("verb:") and verb not in list(STOPPED):
        raise BadScope("Only Prepare and Commit can be planned away: Validate changes nothing, Abort is the way back.")
    if ends_at <= begins_at:
        raise BadWindow("It ends before it begins; give an end after the begin.")
    if begins_at <= now:
        raise BadWindow("It would begin in the past. To stop something now, use the stop switch.")
    if ends_at - begins_at > LONGEST or begins_at - now > FURTHEST:
        raise BadWindow("A planned freeze lasts at most a year and begins within three; check the dates.")
    with transaction.atomic():
        Freeze.objects.select_for_update().get(scope="all")  # every arming holds it FOR SHARE
        row = PlannedFreeze.objects.create(
            scope=scope,
            begins_at=begins_at,
            ends_at=ends_at,
            zone=str(zone),
            begins_said=windows.said(begins_at, zone),
            ends_said=windows.said(ends_at, zone),
            reason=reason,
            planned_by=by.actor.key,
            planned_at=now,
        )
        record(
            "freeze.planned",
            by=by.actor,
            object=("freeze", scope),
            now=now,
            detail=_told(row),
            private={"reason": reason},
        )
    return row


def withdraw_freeze(planned: PlannedFreeze, *, reason: str, by: User, now: datetime) -> bool:
    """Take a planned freeze back, with a reason. Once it has begun, two people do: the first asks, another confirms.
    True when it is withdrawn. Raises NotFrozen, WaveError."""
    check(by, Permission.FREEZE, ("freeze", planned.scope), now)
    reason = shared.reason(reason, "Say why the freeze is not needed; whoever planned it will read it.")
    with transaction.atomic():
        Freeze.objects.select_for_update().get(scope="all")
        row = PlannedFreeze.objects.select_for_update().get(pk=planned.pk)
        if row.withdrawn_at is not None:
            raise NotFrozen("This planned freeze was withdrawn already.")
        if row.ends_at <= now:
            raise NotFrozen("This planned freeze is over; there is nothing to withdraw.")
        begun = row.begins_at <= now
        if begun and row.withdrawal_asked_by == by.actor.key:
            raise NotFrozen("You already asked to end it; another person has to confirm.")
        if begun and not row.withdrawal_asked_by:
            row.withdrawal_asked_by = by.actor.key
            kind = "freeze.plan_end_requested"
        else:
            row.withdrawn_by, row.withdrawn_at, row.withdrawal_reason = by.actor.key, now, reason
            kind = "freeze.plan_withdrawn"
        row.save(update_fields=["withdrawal_asked_by", "withdrawn_by", "withdrawn_at", "withdrawal_reason"])
        record(
            kind,
            by=by.actor,
            object=("freeze", row.scope),
            now=now,
            detail=_told(row),
            private={"reason": reason},
        )
    return row.withdrawn_at is not None


def _told(row: PlannedFreeze) -> dict[str, str | int]:
    return {
        "scope": row.scope,
        "planned": row.pk,
        "begins": stamp(row.begins_at),
        "ends": stamp(row.ends_at),
        "zone": row.zone,
        "begins said": row.begins_said,
        "ends said": row.ends_said,
    }
