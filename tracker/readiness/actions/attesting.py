"""Attestations: a person's dated answer to what no API can tell, and its end."""

from datetime import datetime, timedelta

from django.db import transaction

from migrator.readiness import Rule
from tracker.accounts import reasons
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.audit.values import Actor
from tracker.inventory.models import Resource, Unit
from tracker.readiness import people, queries
from tracker.readiness.actions.assessing import assess
from tracker.readiness.actions.ending import lock
from tracker.readiness.actions.rechecking import want_rule
from tracker.readiness.models import Attestation, Finding

LONGEST = timedelta(days=731)  # two years: what is said for longer is said without end


class AttestationRefused(Exception):
    """Nothing was written; `str(error)` says why. `field`: which part of the form is wrong, empty for none."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


def attest(
    unit: Unit,
    *,
    rule: str,
    resource_key: str,
    reach: str,
    applies: bool,
    why: str,
    until: datetime | None = None,
    by: User,
    now: datetime,
) -> Attestation:
    """Answer for a finding of the unit whether its rule applies, for the resource, the unit or the whole subscription,
    in place of an earlier answer; the unit is assessed with it at once, others of the subscription soon after.

    `until`: when the answer ends by itself; None: when somebody withdraws it. Raises Denied, AttestationRefused.
    """
    check(by, Permission.ATTEST, ("unit", unit.key), now)
    why = _why(why)
    _ends(until, now)
    if reach not in Attestation.Reach.values:
        raise AttestationRefused("Say what the answer holds for: the resource, the unit or the subscription.", "reach")
    with transaction.atomic():
        lock(unit)
        known = queries.rule_or_none(rule)
        finding = _finding(unit, rule, resource_key, known)
        subject, name = _subject(unit, finding, reach)
        before = Attestation.objects.select_for_update().filter(rule=rule, subject=subject, ended_at__isnull=True)
        replaced = before.update(ended_at=now, ended_by=by.actor.key, end=Attestation.End.REPLACED)
        row = Attestation.objects.create(
            rule=rule,
            reach=reach,
            subject=subject,
            subject_name=name,
            unit=unit,
            applies=applies,
            why=why,
            until=until,
            by=by,
            at=now,
        )
        detail = {
            "name": unit.name,
            "rule": rule,
            "answer": answer_words(row),
            "reach": reach,
            "subject": subject,
            "until": until.isoformat() if until else "",
            "replaced": str(replaced),
        }
        record("readiness.attested", by=by.actor, object=("unit", unit.key), now=now, detail=detail,
               private={"cause": why})  # fmt: skip
        _look_again(row, by.actor, now)
    return row


def withdraw_attestation(pk: int, *, reason: str, by: User, now: datetime) -> Attestation:
    """The answer counts no more; what it settled is open again. Raises Denied, AttestationRefused."""
    check(by, Permission.ATTEST, ("attestation", str(pk)), now)
    try:
        reason = reasons.clean(reason, "Say why it no longer holds; the history keeps it.")
    except reasons.BadReason as error:
        raise AttestationRefused(str(error), "reason") from None
    with transaction.atomic():
        found = people.attestations().filter(pk=pk).first()
        if found is None:
            raise AttestationRefused("There is no such attestation.")
        lock(found.unit)
        row = people.attestations().select_for_update(of=("self",)).get(pk=pk)
        if row.ended_at is not None:
            raise AttestationRefused(f"This attestation was {row.end} already; it counts no more.")
        end(row, Attestation.End.WITHDRAWN, by.actor, now, reason)
        _look_again(row, by.actor, now)
    return row


def end(row: Attestation, how: str, by: Actor, now: datetime, reason: str = "") -> None:
    """In the caller's transaction, under the lock of the unit."""
    row.ended_at, row.ended_by, row.end, row.end_reason = now, by.key, how, reason
    row.save(update_fields=["ended_at", "ended_by", "end", "end_reason"])
    detail = {"name": row.unit.name, "rule": row.rule, "reach": row.reach, "subject": row.subject, "end": str(how)}
    record("readiness.attestation_ended", by=by, object=("unit", row.unit.key), now=now, detail=detail,
           private={"cause": reason} if reason else {})  # fmt: skip


def answer_words(row: Attestation) -> str:
    return "it applies" if row.applies else "it does not apply"


def _why(text: str) -> str:
    try:
        return reasons.clean(text, "Say how you know; whoever approves the move relies on it.")
    except reasons.BadReason as error:
        raise AttestationRefused(str(error), "why") from None


def _ends(until: datetime | None, now: datetime) -> None:
    if until is not None and until <= now:
        raise AttestationRefused("The end has passed already; choose a later one, or none.", "until")
    if until is not None and until > now + LONGEST:
        raise AttestationRefused("The end is more than two years away; leave it empty for an answer without end.",
                                 "until")  # fmt: skip


def _finding(unit: Unit, rule: str, resource_key: str, known: Rule | None) -> Finding:
    """The finding the person answers. A rule that asks only people may have found nothing to say yet: then the unit."""
    found = Finding.objects.filter(unit=unit, rule=rule, resource_key=resource_key).first()
    if found is None:
        raise AttestationRefused("There is no such finding any more; reload the page.")
    if reason := people.why_not_attest(found, known):
        raise AttestationRefused(f"This cannot be attested: {reason}.")
    return found


def _subject(unit: Unit, finding: Finding, reach: str) -> tuple[str, str]:
    if reach == Attestation.Reach.SUBSCRIPTION:
        return unit.subscription_id, unit.subscription.name
    if reach == Attestation.Reach.UNIT or finding.resource_key == unit.key:
        return unit.key, unit.name
    if not Resource.objects.filter(key=finding.resource_key, gone_at__isnull=True).exists():
        # The finding speaks of a part which is no resource of its own; the answer then is the unit's.
        return unit.key, unit.name
    return finding.resource_key, finding.resource_name


def _look_again(row: Attestation, by: Actor, now: datetime) -> None:
    assess([row.unit], now=now, by=by)
    if row.reach == Attestation.Reach.SUBSCRIPTION:
        want_rule(row.rule, by=by, now=now)
