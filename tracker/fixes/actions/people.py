"""What people do with fixes: rehearse, ask, agree, decline, take back. Nothing here speaks to Azure."""

from datetime import datetime

from django.db import IntegrityError, transaction

from migrator.fixes import NoFix
from tracker.accounts import reasons
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.audit.values import ENGINE, Actor
from tracker.fixes import queries
from tracker.fixes.models import Fix
from tracker.inventory.models import Unit

LONGEST = reasons.LONGEST


class FixError(Exception):
    """Base: `str(error)` is one sentence for a person. Nothing was changed, but where the class says so."""


class NotFixable(FixError):
    """There is no fix for this finding now; the sentence says why."""


class NotNow(FixError):
    """The unit is being migrated, or another fix of the same finding is on its way."""


class NotOpen(FixError):
    """It is decided, taken back or at its end."""


class OwnRequest(FixError):
    """Whoever asked cannot agree."""


class BadReason(FixError):
    """No reason, or one that cannot be kept."""


class Outdated(FixError):
    """What was shown is not what is there now. The fix was marked so, nothing was sent; `moved` lists the fields."""

    def __init__(self, sentence: str, moved: list[str]) -> None:
        super().__init__(sentence)
        self.moved = moved


def _reason(text: str, wanted: str = "") -> str:
    try:
        return reasons.clean(text, wanted)
    except reasons.BadReason as error:
        raise BadReason(str(error)) from None


def tell(
    kind: str, fix: Fix, by: Actor, now: datetime, *, cause: str = "", result: str = "done", **detail: str
) -> None:
    """One event about a fix, in the caller's transaction."""
    given = {"unit": fix.unit.name, "key": fix.unit.key, "name": fix.title, "rule": fix.rule, **detail}
    private = {"cause": cause[:LONGEST]} if cause else {}
    record(kind, by=by, object=("fix", str(fix.pk)), now=now, detail=given, private=private, result=result)


def lock_units(pks: list[int] | tuple[int, ...]) -> list[Unit]:
    """The rows of the units, in one order: whoever starts a run holds the same row."""
    return list(Unit.objects.select_for_update(of=("self",)).filter(pk__in=list(pks)).order_by("pk"))


def _lock(fix: Fix) -> Fix:
    """The fix with the units it touches: units first, as everywhere."""
    lock_units(Fix.objects.values_list("touched", flat=True).get(pk=fix.pk))
    rows = Fix.objects.select_for_update(of=("self",)).select_related("unit", "asked_by")
    return rows.get(pk=fix.pk)


def _made(unit: Unit, rule: str, resource_key: str, now: datetime) -> queries.Made:
    found = queries.made(unit, rule, resource_key, now)
    if isinstance(found, NoFix):
        raise NotFixable(found.why)
    if refusal := queries.refusal(lock_units(found.touched)):
        raise NotNow(refusal)
    return found


def _written(found: queries.Made, fix: Fix | None, by: User, now: datetime, **given: object) -> Fix:
    """The plan as a new row, or over a draft."""
    row = fix or Fix(unit=found.unit, rule=found.plan.rule_id, resource_key=found.finding.resource_key)
    values = {
        "resource_name": found.finding.resource_name,
        "title": found.plan.title[:300],
        "touched": list(found.touched),
        "plan": found.plan.as_json(),
        "body": found.body,
        "seal": found.seal,
        "asked_by": by,
        "asked_at": now,
        "rehearsal_wanted_at": now,
        **given,
    }
    for name, value in values.items():
        setattr(row, name, value)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise NotNow("Somebody else began a fix of the same finding a moment ago; open that one.") from error
    return row


def rehearse(unit: Unit, *, rule: str, resource_key: str, by: User, now: datetime) -> Fix:
    """Ask for a rehearsal: what would be sent, each thing that must be so, and the rights, read fresh; nothing is sent.
    Of a finding without a live fix this makes a draft, which asks nobody. Raises NotFixable, NotNow."""
    check(by, Permission.FIX, ("unit", unit.key), now)
    with transaction.atomic():
        fix = queries.live(unit, rule, resource_key)
        if fix is not None and fix.state != Fix.State.DRAFT:
            return again(fix, by=by, now=now)
        fix = _written(_made(unit, rule, resource_key, now), fix, by, now)
        tell("fix.rehearsal_wanted", fix, by.actor, now)
    return fix


def again(fix: Fix, *, by: User, now: datetime) -> Fix:
    """Rehearse an open fix once more, as it was asked for. Raises NotOpen."""
    check(by, Permission.READ, ("fix", str(fix.pk)), now)
    if not (by.may(Permission.FIX) or by.may(Permission.APPROVE)):
        check(by, Permission.FIX, ("fix", str(fix.pk)), now)
    with transaction.atomic():
        fix = _lock(fix)
        if fix.state not in (Fix.State.DRAFT, Fix.State.ASKED):
            raise NotOpen(f"This fix is {fix.state}; there is nothing to rehearse any more.")
        fix.rehearsal_wanted_at = now
        fix.save(update_fields=["rehearsal_wanted_at"])
        tell("fix.rehearsal_wanted", fix, by.actor, now)
    return fix


def ask(unit: Unit, *, rule: str, resource_key: str, reason: str, seal: str = "", by: User, now: datetime) -> Fix:
    """Ask for a fix; a second person has to agree. `seal`: of what the person saw, empty where nothing was shown.
    Raises NotFixable, NotNow, BadReason, Outdated (nothing is written then)."""
    check(by, Permission.FIX, ("unit", unit.key), now)
    reason = _reason(reason, "Say why it is to be done; whoever agrees will read it.")
    with transaction.atomic():
        fix = queries.live(unit, rule, resource_key)
        if fix is not None and fix.state != Fix.State.DRAFT:
            raise NotNow(f"A fix of this finding is {fix.state} already; open that one.")
        found = _made(unit, rule, resource_key, now)
        if seal and seal != found.seal:
            raise Outdated("What the page showed is not what is there now; reload it and read again.", ["the page"])
        fix = _written(found, fix, by, now, reason=reason, state=Fix.State.ASKED)
        tell("fix.asked", fix, by.actor, now, cause=reason, seal=fix.seal)
    return fix


def approve(fix: Fix, *, seal: str, reason: str = "", by: User, now: datetime) -> Fix:
    """Agree to exactly what `seal` seals; the engine then looks once more and sends. Raises OwnRequest, NotOpen,
    NotNow, BadReason; Outdated when the inventory moved since: then the fix is marked so and nothing is sent."""
    check(by, Permission.APPROVE, ("fix", str(fix.pk)), now)
    reason = _reason(reason)
    with transaction.atomic():
        fix = _open(fix, by)
        if seal != fix.seal:
            raise NotOpen("The page you decided on shows another version; reload it and read again.")
        if refusal := queries.refusal(lock_units(fix.touched)):
            raise NotNow(refusal)
        moved = queries.drift(fix, now)
        if moved:
            outdate(fix, f"Before anybody agreed, it moved: {'; '.join(moved[:3])}", ENGINE, now)
        else:
            fix.state, fix.decided_by, fix.decided_at, fix.decision_reason = Fix.State.APPROVED, by, now, reason
            fix.due_at, fix.rehearsal_wanted_at = now, None
            fix.save(
                update_fields=[
                    *("state", "decided_by", "decided_at", "decision_reason", "due_at", "rehearsal_wanted_at"),
                ]
            )
            tell("fix.approved", fix, by.actor, now, cause=reason, seal=fix.seal)
    if moved:
        raise Outdated("Something moved since this was asked for; nothing was sent. Ask for it again.", moved)
    return fix


def _open(fix: Fix, by: User) -> Fix:
    """The locked fix, waiting for somebody else. Raises OwnRequest, NotOpen."""
    fix = _lock(fix)
    if fix.state != Fix.State.ASKED:
        raise NotOpen(f"This fix is {fix.state}; there is nothing to decide.")
    if fix.asked_by_id == by.pk:
        raise OwnRequest("You asked for this; another person has to decide.")
    return fix


def decline(fix: Fix, *, reason: str, by: User, now: datetime) -> Fix:
    """Refuse, with a reason. Raises OwnRequest, NotOpen, BadReason."""
    check(by, Permission.APPROVE, ("fix", str(fix.pk)), now)
    reason = _reason(reason, "Say why not, so that whoever asked knows what to change.")
    with transaction.atomic():
        fix = _open(fix, by)
        fix.state, fix.decided_by, fix.decided_at, fix.decision_reason = Fix.State.DECLINED, by, now, reason
        fix.ended_at, fix.rehearsal_wanted_at = now, None
        fix.save(
            update_fields=["state", "decided_by", "decided_at", "decision_reason", "ended_at", "rehearsal_wanted_at"]
        )
        tell("fix.declined", fix, by.actor, now, cause=reason)
    return fix


def withdraw(fix: Fix, *, reason: str = "", by: User, now: datetime) -> Fix:
    """Take it back before anything was sent. Whoever may ask may take back. Raises NotOpen."""
    check(by, Permission.FIX, ("fix", str(fix.pk)), now)
    reason = _reason(reason)
    with transaction.atomic():
        fix = _lock(fix)
        if fix.state not in (Fix.State.DRAFT, Fix.State.ASKED, Fix.State.APPROVED):
            late = "was already sent; it cannot be taken back" if fix.state == Fix.State.SENT else f"is {fix.state}"
            raise NotOpen(f"This fix {late}.")
        fix.state, fix.ended_at, fix.due_at, fix.rehearsal_wanted_at = Fix.State.WITHDRAWN, now, None, None
        fix.save(update_fields=["state", "ended_at", "due_at", "rehearsal_wanted_at"])
        tell("fix.withdrawn", fix, by.actor, now, cause=reason)
    return fix


def outdate(fix: Fix, cause: str, by: Actor, now: datetime) -> None:
    """It is no longer what was asked for. In the caller's transaction."""
    fix.state, fix.ended_at, fix.due_at, fix.lease_until = Fix.State.OUTDATED, now, None, None
    fix.last_error, fix.rehearsal_wanted_at = cause[:LONGEST], None
    fix.save(update_fields=["state", "ended_at", "due_at", "lease_until", "last_error", "rehearsal_wanted_at"])
    tell("fix.outdated", fix, by, now, cause=cause)
