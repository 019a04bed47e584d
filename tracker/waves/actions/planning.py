"""Changing waves, asking for agreement and giving it. Each function is one transaction with its audit event inside."""

import json
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from migrator.lifecycle import State
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.inventory import actions as inventory
from tracker.inventory.models import Unit
from tracker.quota import actions as quota
from tracker.waves import destinations, order, queries, seals
from tracker.waves.actions import shared
from tracker.waves.actions.shared import (
    NameTaken,
    NotOpen,
    NotPlaceable,
    NotReady,
    NotRemovable,
    OwnRequest,
    PlanChanged,
    WaveError,
)
from tracker.waves.models import Approval, Decision, Placement, Wave


def create(*, name: str, purpose: str = "", owner: str = "", by: User, now: datetime) -> Wave:
    """A new, empty wave. Raises NameTaken, WaveError for a text that cannot be used."""
    check(by, Permission.PLAN, ("wave", "new"), now)
    name, purpose, owner = shared.words(name, purpose, owner)
    try:
        with transaction.atomic():
            if Wave.objects.filter(name__iexact=name).exists():
                raise NameTaken(f"There is already a wave named “{name}”; choose another name.")
            wave = Wave.objects.create(
                name=name, purpose=purpose, owner=owner, created_by=by, created_at=now, edited_by=by, edited_at=now
            )
            record("wave.created", by=by.actor, object=("wave", str(wave.pk)), now=now, detail={"name": name})
    except IntegrityError as error:  # two people at once
        raise NameTaken(f"There is already a wave named “{name}”; choose another name.") from error
    return wave


def change(wave: Wave, *, name: str, purpose: str, owner: str, by: User, now: datetime) -> Wave:
    """New name, purpose or owner. A waiting or given approval is voided; the same words again change nothing."""
    check(by, Permission.PLAN, ("wave", str(wave.pk)), now)
    words = shared.words(name, purpose, owner)
    try:
        with transaction.atomic():
            wave = shared.lock(wave)
            before = {"name": wave.name, "purpose": wave.purpose, "owner": wave.owner}
            fields = [field for field, word in zip(before, words, strict=True) if before[field] != word]
            if not fields:
                return wave
            if Wave.objects.filter(name__iexact=words[0]).exclude(pk=wave.pk).exists():
                raise NameTaken(f"There is already a wave named “{words[0]}”; choose another name.")
            wave.name, wave.purpose, wave.owner = words
            shared.edited(wave, by, now, f"its {' and '.join(fields)} was changed", fields=fields)
            record(
                "wave.changed",
                by=by.actor,
                object=("wave", str(wave.pk)),
                now=now,
                detail={"name": wave.name, "fields": fields},
            )
    except IntegrityError as error:
        raise NameTaken(f"There is already a wave named “{words[0]}”; choose another name.") from error
    return wave


def place(wave: Wave, unit: Unit, *, by: User, now: datetime) -> Placement:
    """Put a unit, with everything the platform moves along, into a wave and reserve its quota.

    Raises NotPlaceable, or quota.actions.QuotaShort with the numbers. Voids approvals of the wave.
    """
    check(by, Permission.PLAN, ("wave", str(wave.pk)), now)
    with transaction.atomic():
        wave = shared.lock(wave)
        unit = Unit.objects.select_for_update().get(pk=unit.pk)
        _refuse_unplaceable(unit, wave)
        quota.reserve(unit, by=by.actor, now=now)
        placement = Placement.objects.create(wave=wave, unit=unit, placed_by=by, placed_at=now)
        inventory.move(unit, to=State.PLANNED, by=by.actor, now=now)
        shared.edited(wave, by, now, f"{unit.name} was placed")
        record(
            "wave.unit_placed",
            by=by.actor,
            object=("wave", str(wave.pk)),
            now=now,
            detail={"unit": unit.name, "key": unit.key, "name": wave.name, "members": unit.member_count},
        )
    return placement


def _refuse_unplaceable(unit: Unit, wave: Wave) -> None:
    for sentence in [*queries.objections(unit), *order.violations(unit, wave.pk)]:
        raise NotPlaceable(sentence)


def remove(placement: Placement, *, by: User, now: datetime) -> None:
    """Take a unit out of its wave. Raises NotRemovable once something was started. Voids approvals of the wave."""
    check(by, Permission.PLAN, ("wave", str(placement.wave_id)), now)
    with transaction.atomic():
        wave = shared.lock(placement.wave)
        unit = Unit.objects.select_for_update().get(pk=placement.unit_id)
        if unit.progress != State.PLANNED or unit.runs.filter(ended_at__isnull=True).exists():
            raise NotRemovable(f"{unit.name} is {unit.progress} and has a live run; end the run first.")
        Placement.objects.filter(pk=placement.pk).delete()
        quota.release(unit, by=by.actor, now=now)
        inventory.move(unit, to=State.ASSESSED, by=by.actor, now=now)
        shared.edited(wave, by, now, f"{unit.name} was removed")
        record(
            "wave.unit_removed",
            by=by.actor,
            object=("wave", str(wave.pk)),
            now=now,
            detail={"unit": unit.name, "key": unit.key, "name": wave.name},
        )


def submit(wave: Wave, *, by: User, now: datetime) -> Approval:
    """Ask for agreement to the wave as it is now. Raises NotReady naming everything that is missing."""
    check(by, Permission.PLAN, ("wave", str(wave.pk)), now)
    with transaction.atomic():
        wave = shared.lock(wave)
        earlier = queries.open_wave_approval(wave)
        useless = queries.replaceable(earlier, now) if earlier is not None else ""
        if earlier is not None and not useless:
            raise NotReady(f"Wave “{wave.name}” has already been submitted; change it or wait for the decision.")
        missing = _missing(wave, now)
        if missing:
            raise NotReady(f"Wave “{wave.name}” cannot be submitted: {'; '.join(missing)}.")
        if earlier is not None:
            shared.void(earlier, f"submitted again, because {useless}", by=by, now=now)
        approval = _ask_for_approval(Approval.Kind.WAVE, wave, queries.wave_body(wave), by=by, now=now)
        record(
            "wave.submitted",
            by=by.actor,
            object=("wave", str(wave.pk)),
            now=now,
            detail={
                "name": wave.name,
                "approval": approval.pk,
                "seal": approval.digest,
                "units": wave.placements.count(),
            },
        )
    return approval


def _missing(wave: Wave, now: datetime) -> list[str]:
    found = []
    units = list(Unit.objects.filter(placement__wave=wave))
    if not units:
        found.append("it has no units")
    if not wave.owner:
        found.append("it has no owner")
    if not wave.windows.filter(closes_at__gt=now).exists():
        found.append("it has no window in the future")
    found += [
        f"{unit.name} is blocked"
        for unit in units
        if unit.verdict == "blocked" and not order.blocked_by_order_alone(unit)
    ]
    found += [sentence.rstrip(".") for sentence in order.wave_violations(wave.pk)]
    found += destinations.missing(wave.pk)
    found += [f"{unit.name} is no longer on the classic side" for unit in units if unit.gone_at is not None]
    return found


def ask_commit_approval(
    wave: Wave, unit: Unit, run_id: object, body: dict[str, object], *, by: User, now: datetime
) -> Approval:
    """Ask for agreement to one commit. `body` is everything the approver will see (runs.seals.commit_body). Replaces an
    open one.
    """
    check(by, Permission.OPERATE, ("run", str(run_id)), now)
    with transaction.atomic():
        earlier = queries.open_commit_approval(run_id)
        if earlier is not None:
            shared.void(earlier, "asked for anew", by=by, now=now)
        return _ask_for_approval(Approval.Kind.COMMIT, wave, body, by=by, now=now, unit=unit, run_id=run_id)


def _ask_for_approval(
    kind: Approval.Kind,
    wave: Wave,
    body: dict[str, object],
    *,
    by: User,
    now: datetime,
    unit: Unit | None = None,
    run_id: object = None,
) -> Approval:
    text = seals.canonical(body)
    approval = Approval.objects.create(
        kind=kind,
        wave=wave,
        unit=unit,
        run_id=run_id,
        body=text,
        digest=seals.seal(text),
        requester=by,
        editor=wave.edited_by,  # of the window, too, in which a commit is sent
        needed=settings.APPROVALS_NEEDED,
        requested_at=now,
        expires_at=now + queries.APPROVAL_LASTS,
    )
    record(
        "approval.requested",
        by=by.actor,
        object=("approval", str(approval.pk)),
        now=now,
        detail={"kind": str(kind), "name": f"{unit.name if unit else wave.name} ({kind})", "seal": approval.digest},
    )
    return approval


def approve(approval: Approval, *, digest: str, reason: str = "", by: User, now: datetime) -> Decision:
    """Agree to exactly what `digest` seals. Raises OwnRequest, NotOpen, PlanChanged."""
    return _decide(approval, approved=True, digest=digest, reason=reason, by=by, now=now)


def reject(approval: Approval, *, digest: str, reason: str, by: User, now: datetime) -> Decision:
    """Refuse, with a reason. Raises OwnRequest, NotOpen, WaveError without a reason."""
    if not reason.strip():
        raise WaveError("A rejection needs a reason, so that the requester knows what to change.")
    return _decide(approval, approved=False, digest=digest, reason=reason, by=by, now=now)


def _decide(approval: Approval, *, approved: bool, digest: str, reason: str, by: User, now: datetime) -> Decision:
    check(by, Permission.APPROVE, ("approval", str(approval.pk)), now)
    reason = shared.paragraph(reason, "reason")
    with transaction.atomic():
        approval = Approval.objects.select_for_update(of=("self",)).select_related("wave", "unit").get(pk=approval.pk)
        if by.pk in (approval.requester_id, approval.editor_id):
            raise OwnRequest("You asked for this or edited it last; another person has to decide.")
        state = queries.approval_state(approval, now)
        if state is not queries.ApprovalState.PENDING:
            raise NotOpen(f"This approval is {state}; there is nothing to decide.")
        if digest != approval.digest:
            raise PlanChanged("The page you decided on shows another version; reload it and read again.", ["digest"])
        if approved and approval.kind == Approval.Kind.WAVE:
            drift = queries.wave_drift(approval)
            if drift:
                raise PlanChanged(
                    "Something moved since this approval was asked for; it has to be submitted again.", drift
                )
        try:
            with transaction.atomic():
                decision = Decision.objects.create(
                    approval=approval,
                    approver=by,
                    approved=approved,
                    digest=digest,
                    reason=reason,
                    decided_at=now,
                )
        except IntegrityError as error:
            raise NotOpen("You have already decided this approval.") from error
        record(
            "approval.approved" if approved else "approval.rejected",
            by=by.actor,
            object=("approval", str(approval.pk)),
            now=now,
            detail={
                "kind": approval.kind,
                "name": f"{approval.unit.name if approval.unit else approval.wave.name} ({approval.kind})",
                "seal": approval.digest,
            },
            private={"reason": reason} if reason else {},
        )
    return decision


def revoke(decision: Decision, *, reason: str, by: User, now: datetime) -> None:
    """Take one's own agreement back. Before the first send it blocks; afterwards the run page says "too late"."""
    check(by, Permission.APPROVE, ("approval", str(decision.approval_id)), now)
    if decision.approver_id != by.pk:
        raise OwnRequest("Only the person who approved can take the approval back.")
    with transaction.atomic():
        Approval.objects.select_for_update().get(pk=decision.approval_id)  # arming a commit holds this row FOR SHARE
        now = shared.once_held(now)
        changed = Decision.objects.filter(pk=decision.pk, revoked_at__isnull=True, approved=True).update(revoked_at=now)
        if not changed:
            raise NotOpen("This approval was already taken back.")
        record(
            "approval.revoked",
            by=by.actor,
            object=("approval", str(decision.approval_id)),
            now=now,
            private={"reason": reason},
        )


def void(approval: Approval, *, reason: str, by: User, now: datetime) -> None:
    """Withdraw an approval that is no longer wanted; the wave can be changed and submitted again."""
    permission = Permission.PLAN if approval.kind == Approval.Kind.WAVE else Permission.OPERATE
    check(by, permission, ("approval", str(approval.pk)), now)
    with transaction.atomic():
        shared.void(Approval.objects.select_for_update().get(pk=approval.pk), reason, by=by, now=now)


def viewed(approval: Approval, *, by: User, now: datetime) -> bool:
    """A person opened the review page: told in the history, once for each person and approval. Whether it was new."""
    with transaction.atomic():
        if queries.seen_by(approval, by):
            return False
        name = approval.unit.name if approval.unit else approval.wave.name
        record(
            "evidence.viewed",
            by=by.actor,
            object=("approval", str(approval.pk)),
            now=now,
            detail={"what": "the review page", "name": f"{name} ({approval.kind})", "seal": approval.digest},
        )
    return True


def shown(approval: Approval) -> dict[str, object]:
    """The body an approver is shown, exactly as sealed."""
    return json.loads(approval.body)
