"""Waivers: a finding set aside by two people, for a time, and reopened by itself (decisions/peoples-word.md)."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from tracker.accounts import reasons
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.values import ENGINE
from tracker.inventory.models import Unit
from tracker.readiness import people
from tracker.readiness.actions.assessing import assess
from tracker.readiness.actions.ending import end, lock, tell, write
from tracker.readiness.models import Finding, Waiver

LONGEST = timedelta(days=366)


class WaiverRefused(Exception):
    """Nothing was set aside; `str(error)` says why. `field`: which part of the form is wrong, empty for none."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


class OwnWaiver(WaiverRefused):
    """Whoever asked cannot agree."""


class WaiverOutdated(WaiverRefused):
    """The finding rests on something else than was asked for. The request was closed; nothing was set aside."""


def ask_waiver(
    unit: Unit,
    *,
    rule: str,
    resource_key: str,
    reason: str,
    until: datetime | None,
    shown: str = "",
    by: User,
    now: datetime,
) -> Waiver:
    """Ask that a finding be set aside until a day; it counts until a second person agrees.

    `shown`: digest of the finding the person saw (people.shown), empty where none was. Raises Denied, WaiverRefused.
    """
    check(by, Permission.WAIVE, ("unit", unit.key), now)
    reason = _reason(reason, "Say why it can be set aside; whoever agrees relies on it.", "reason")
    if until is None:
        raise WaiverRefused("Choose a day: a waiver always ends.", "until")
    if until <= now:
        raise WaiverRefused("The day has passed already; choose a later one.", "until")
    if until > now + LONGEST:
        raise WaiverRefused("A waiver lasts a year at most; it can be asked for again.", "until")
    with transaction.atomic():
        lock(unit)
        finding = Finding.objects.filter(unit=unit, rule=rule, resource_key=resource_key).first()
        if finding is None:
            raise WaiverRefused("There is no such finding any more; reload the page.")
        if why := people.why_not_waive(finding):
            raise WaiverRefused(f"This finding cannot be waived: {why}.")
        if shown and shown != people.shown(finding):
            raise WaiverRefused("What the page showed is not what is there now; reload it and read again.")
        row = Waiver(
            unit=unit,
            rule=rule,
            effect=finding.effect,
            resource_key=resource_key,
            resource_name=finding.resource_name,
            sentence=finding.sentence,
            evidence=finding.evidence,
            shown=people.shown(finding),
            reason=reason,
            until=until,
            asked_by=by,
            asked_at=now,
        )
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError as error:
            raise WaiverRefused("A waiver of this finding was asked for already; open that one.") from error
        tell("readiness.waiver_asked", row, by.actor, now, reason, until=until.isoformat())
    return row


def approve_waiver(waiver: Waiver, *, shown: str, reason: str = "", by: User, now: datetime) -> Waiver:
    """Agree to what `shown` says; the unit is assessed without the finding at once. Raises Denied, OwnWaiver,
    WaiverRefused; WaiverOutdated when the finding rests on something else by now: then the request is closed."""
    check(by, Permission.APPROVE, ("waiver", str(waiver.pk)), now)
    reason = _reason(reason, "", "reason")
    with transaction.atomic():
        row = _open(waiver, by)
        if shown != row.shown:
            raise WaiverRefused("The page you decided on shows another version; reload it and read again.")
        moved = _moved(row, now)
        if moved:
            write(row, now, ENGINE, state=Waiver.State.WITHDRAWN, end_reason=moved)
            tell("readiness.waiver_ended", row, ENGINE, now, moved, end="outdated")
        else:
            write(row, None, None, state=Waiver.State.APPROVED, decided_by=by, decided_at=now, decision_reason=reason)
            tell("readiness.waived", row, by.actor, now, reason, until=row.until.isoformat(), shown=row.shown)
            assess([row.unit], now=now, by=by.actor)
    if moved:
        raise WaiverOutdated(f"{moved} Nothing was set aside; ask for it again if it still should be.")
    return row


def decline_waiver(waiver: Waiver, *, reason: str, by: User, now: datetime) -> Waiver:
    """Refuse, with a reason; the finding goes on to count. Raises Denied, OwnWaiver, WaiverRefused."""
    check(by, Permission.APPROVE, ("waiver", str(waiver.pk)), now)
    reason = _reason(reason, "Say why not, so that whoever asked knows what to do.", "reason")
    with transaction.atomic():
        row = _open(waiver, by)
        write(row, now, by.actor, state=Waiver.State.DECLINED, decided_by=by, decided_at=now, decision_reason=reason)
        tell("readiness.waiver_declined", row, by.actor, now, reason)
    return row


def withdraw_waiver(waiver: Waiver, *, reason: str = "", by: User, now: datetime) -> Waiver:
    """Take a request back before anybody decided. Raises Denied, WaiverRefused."""
    check(by, Permission.WAIVE, ("waiver", str(waiver.pk)), now)
    reason = _reason(reason, "", "reason")
    with transaction.atomic():
        row = _locked(waiver)
        if row.state != Waiver.State.ASKED:
            raise WaiverRefused(f"This waiver is {row.state}; there is nothing to take back.")
        write(row, now, by.actor, state=Waiver.State.WITHDRAWN, end_reason=reason)
        tell("readiness.waiver_withdrawn", row, by.actor, now, reason)
    return row


def revoke_waiver(waiver: Waiver, *, reason: str, by: User, now: datetime) -> Waiver:
    """End a waiver that counts; the finding counts again at once. Whoever may ask or agree may end it: that is always
    on the safe side. Raises Denied, WaiverRefused."""
    wanted = Permission.APPROVE if by.may(Permission.APPROVE) else Permission.WAIVE
    check(by, wanted, ("waiver", str(waiver.pk)), now)
    reason = _reason(reason, "Say why it counts again; the history keeps it.", "reason")
    with transaction.atomic():
        row = _locked(waiver)
        if row.state != Waiver.State.APPROVED:
            raise WaiverRefused(f"This waiver is {row.state}; it sets nothing aside.")
        end(row, Waiver.End.REVOKED, by.actor, now, reason)
        assess([row.unit], now=now, by=by.actor)
    return row


def _locked(waiver: Waiver) -> Waiver:
    lock(waiver.unit)
    return people.waivers().select_for_update(of=("self",)).get(pk=waiver.pk)


def _open(waiver: Waiver, by: User) -> Waiver:
    row = _locked(waiver)
    if row.state != Waiver.State.ASKED:
        raise WaiverRefused(f"This waiver is {row.state}; there is nothing to decide.")
    if row.asked_by_id == by.pk:
        raise OwnWaiver("You asked for this; another person has to decide.")
    return row


def _moved(row: Waiver, now: datetime) -> str:
    """What speaks against agreeing by now, as a sentence; empty: nothing."""
    if row.until <= now:
        return "Its end has come before anybody decided."
    finding = Finding.objects.filter(unit=row.unit, rule=row.rule, resource_key=row.resource_key).first()
    if finding is None or finding.outcome == "no":
        return "The rule no longer applies."
    if why := people.why_not_waive(finding):
        return f"This finding cannot be waived any more: {why}."
    return "" if people.shown(finding) == row.shown else f"The finding changed; it says now: {finding.sentence}"


def _reason(text: str, wanted: str, field: str) -> str:
    try:
        return reasons.clean(text, wanted)
    except reasons.BadReason as error:
        raise WaiverRefused(str(error), field) from None
