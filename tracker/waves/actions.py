"""Changing waves, asking for agreement and giving it. Each function is one transaction with its audit event inside."""

import json
from datetime import datetime
from unicodedata import normalize

from django.conf import settings
from django.db import IntegrityError, transaction

from migrator.lifecycle import State
from migrator.resources import Verb
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.audit.values import stamp
from tracker.inventory import actions as inventory
from tracker.inventory.models import Subscription, Unit
from tracker.quota import actions as quota
from tracker.waves import queries, seals
from tracker.waves.models import Approval, Decision, Freeze, Placement, Wave, Window


class WaveError(Exception):
    """Base: `str(error)` is one sentence for a person. Nothing was changed."""


class NameTaken(WaveError):
    """A wave of this name exists."""


class BadWindow(WaveError):
    """The window ends before it opens, or lies in the past."""


class NotPlaceable(WaveError):
    """The unit cannot go into a wave now: blocked, excluded, under way, gone, or already in another wave."""


class NotRemovable(WaveError):
    """The unit is under way."""


class NotReady(WaveError):
    """The wave cannot be submitted: the sentence names what is missing."""


class NotOpen(WaveError):
    """The approval is decided, voided or expired."""


class OwnRequest(WaveError):
    """The approver asked for it or edited it last."""


class PlanChanged(WaveError):
    """What was shown is not what is there now; `moved` lists the fields."""

    def __init__(self, sentence: str, moved: list[str]) -> None:
        super().__init__(sentence)
        self.moved = moved


class NotStopped(WaveError):
    """The line is stopped already, or is not stopped."""


class BadScope(WaveError):
    """A freeze is of everything, of a known subscription or of one of the four verbs."""


class NotFrozen(WaveError):
    """There is nothing to lift, or the same person asked for the lifting."""


LONGEST_NAME, LONGEST_REASON, LONGEST_TEXT = 120, 300, 2_000


def create(*, name: str, purpose: str = "", owner: str = "", by: User, now: datetime) -> Wave:
    """A new, empty wave. Raises NameTaken, WaveError for a text that cannot be used."""
    check(by, Permission.PLAN, ("wave", "new"), now)
    name, purpose, owner = _words(name, purpose, owner)
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
    words = _words(name, purpose, owner)
    try:
        with transaction.atomic():
            wave = _lock(wave)
            before = {"name": wave.name, "purpose": wave.purpose, "owner": wave.owner}
            fields = [field for field, word in zip(before, words, strict=True) if before[field] != word]
            if not fields:
                return wave
            if Wave.objects.filter(name__iexact=words[0]).exclude(pk=wave.pk).exists():
                raise NameTaken(f"There is already a wave named “{words[0]}”; choose another name.")
            wave.name, wave.purpose, wave.owner = words
            _edited(wave, by, now, f"its {' and '.join(fields)} was changed", fields=fields)
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


def _words(name: str, purpose: str, owner: str) -> tuple[str, str, str]:
    """Name, purpose and owner as they are kept: composed letters, no control characters, not too long."""
    clean = _line(name, "name", LONGEST_NAME)
    if not clean:
        raise WaveError("A wave needs a name.")
    return clean, _paragraph(purpose, "purpose"), _line(owner, "owner", LONGEST_NAME)


def _paragraph(text: str, what: str) -> str:
    clean = normalize("NFC", text.replace("\r\n", "\n")).strip()
    if len(clean) > LONGEST_TEXT:
        raise WaveError(f"The {what} has {len(clean)} characters; {LONGEST_TEXT} fit.")
    if not clean.replace("\n", " ").replace("\t", " ").isprintable():
        raise WaveError(f"The {what} holds an invisible or control character; write it again.")
    return clean


def _line(text: str, what: str, longest: int) -> str:
    clean = normalize("NFC", text).strip()
    if len(clean) > longest:
        raise WaveError(f"The {what} has {len(clean)} characters; {longest} fit.")
    if not clean.isprintable():
        raise WaveError(f"The {what} holds a line break or an invisible character; write it as one line.")
    return clean


def _reason(text: str, wanted: str) -> str:
    """A reason as one line. Raises WaveError with `wanted` when it is empty, or when it cannot be kept."""
    clean = _line(" ".join(text.split()), "reason", LONGEST_REASON)
    if not clean:
        raise WaveError(wanted)
    return clean


def set_window(wave: Wave, *, opens_at: datetime, closes_at: datetime, by: User, now: datetime) -> Window:
    """Give the wave its window (replacing earlier ones). Raises BadWindow. Voids approvals."""
    check(by, Permission.PLAN, ("wave", str(wave.pk)), now)
    if closes_at <= opens_at:
        raise BadWindow("The window closes before it opens; give a closing time after the opening time.")
    if closes_at <= now:
        raise BadWindow("The window is already over; give a closing time in the future.")
    with transaction.atomic():
        wave = _lock(wave)
        wave.windows.all().delete()
        window = Window.objects.create(wave=wave, opens_at=opens_at, closes_at=closes_at)
        _edited(wave, by, now, "the window was changed")
        record(
            "wave.window_set",
            by=by.actor,
            object=("wave", str(wave.pk)),
            now=now,
            detail={"opens": stamp(opens_at), "closes": stamp(closes_at), "name": wave.name},
        )
    return window


def place(wave: Wave, unit: Unit, *, by: User, now: datetime) -> Placement:
    """Put a unit, with everything the platform moves along, into a wave and reserve its quota.

    Raises NotPlaceable, or quota.actions.QuotaShort with the numbers. Voids approvals of the wave.
    """
    check(by, Permission.PLAN, ("wave", str(wave.pk)), now)
    with transaction.atomic():
        wave = _lock(wave)
        unit = Unit.objects.select_for_update().get(pk=unit.pk)
        _refuse_unplaceable(unit)
        quota.reserve(unit, by=by.actor, now=now)
        placement = Placement.objects.create(wave=wave, unit=unit, placed_by=by, placed_at=now)
        inventory.move(unit, to=State.PLANNED, by=by.actor, now=now)
        _edited(wave, by, now, f"{unit.name} was placed")
        record(
            "wave.unit_placed",
            by=by.actor,
            object=("wave", str(wave.pk)),
            now=now,
            detail={"unit": unit.name, "key": unit.key, "name": wave.name, "members": unit.member_count},
        )
    return placement


def _refuse_unplaceable(unit: Unit) -> None:
    for sentence in queries.objections(unit):
        raise NotPlaceable(sentence)


def remove(placement: Placement, *, by: User, now: datetime) -> None:
    """Take a unit out of its wave. Raises NotRemovable once something was started. Voids approvals of the wave."""
    check(by, Permission.PLAN, ("wave", str(placement.wave_id)), now)
    with transaction.atomic():
        wave = _lock(placement.wave)
        unit = Unit.objects.select_for_update().get(pk=placement.unit_id)
        if unit.progress != State.PLANNED or unit.runs.filter(ended_at__isnull=True).exists():
            raise NotRemovable(f"{unit.name} is {unit.progress} and has a live run; end the run first.")
        Placement.objects.filter(pk=placement.pk).delete()
        quota.release(unit, by=by.actor, now=now)
        inventory.move(unit, to=State.ASSESSED, by=by.actor, now=now)
        _edited(wave, by, now, f"{unit.name} was removed")
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
        wave = _lock(wave)
        earlier = queries.open_wave_approval(wave)
        useless = queries.replaceable(earlier, now) if earlier is not None else ""
        if earlier is not None and not useless:
            raise NotReady(f"Wave “{wave.name}” has already been submitted; change it or wait for the decision.")
        missing = _missing(wave, now)
        if missing:
            raise NotReady(f"Wave “{wave.name}” cannot be submitted: {'; '.join(missing)}.")
        if earlier is not None:
            _void(earlier, f"submitted again, because {useless}", by=by, now=now)
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
    found += [f"{unit.name} is blocked" for unit in units if unit.verdict == "blocked"]
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
            _void(earlier, "asked for anew", by=by, now=now)
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
    reason = _paragraph(reason, "reason")
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
        _void(Approval.objects.select_for_update().get(pk=approval.pk), reason, by=by, now=now)


def _void(approval: Approval, reason: str, *, by: User, now: datetime) -> None:
    if approval.voided_at is not None:
        return
    Approval.objects.filter(pk=approval.pk).update(voided_at=now, void_reason=reason[:300] or "withdrawn")
    record(
        "approval.voided",
        by=by.actor,
        object=("approval", str(approval.pk)),
        now=now,
        detail={"cause": reason[:300] or "withdrawn", "seal": approval.digest},
    )


def _lock(wave: Wave) -> Wave:
    """Against other edits and armings; rows that only refer to the wave, such as a run that starts, need not wait."""
    return Wave.objects.select_for_update(no_key=True).get(pk=wave.pk)


def _edited(wave: Wave, by: User, now: datetime, what: str, *, fields: list[str] | None = None) -> None:
    """A change of content: remember the editor, and void what was agreed about the earlier content."""
    wave.edited_by, wave.edited_at = by, now
    wave.save(update_fields=["edited_by", "edited_at", *(fields or [])])
    approval = queries.open_wave_approval(wave)
    if approval is not None:
        _void(approval, what, by=by, now=now)


def stop_line(wave: Wave, *, reason: str, by: User, now: datetime) -> None:
    """Nothing new of this wave is armed; what is in flight is read to its end. Raises NotStopped, WaveError without a
    reason."""
    check(by, Permission.FREEZE, ("wave", str(wave.pk)), now)
    reason = _reason(reason, "Say why the line stops; people will read it at 2 a.m.")
    with transaction.atomic():
        if not Wave.objects.filter(pk=wave.pk, stopped_at__isnull=True).update(stopped_at=now, stop_reason=reason):
            raise NotStopped(f"The line of wave “{wave.name}” is already stopped.")
        record(
            "wave.stopped",
            by=by.actor,
            object=("wave", str(wave.pk)),
            now=now,
            detail={"name": wave.name},
            private={"reason": reason},
        )


def resume_line(wave: Wave, *, reason: str = "", by: User, now: datetime) -> None:
    """Go on after a stop. Raises NotStopped."""
    check(by, Permission.OPERATE, ("wave", str(wave.pk)), now)
    reason = _line(" ".join(reason.split()), "reason", LONGEST_REASON)
    with transaction.atomic():
        if not Wave.objects.filter(pk=wave.pk, stopped_at__isnull=False).update(stopped_at=None, stop_reason=""):
            raise NotStopped(f"The line of wave “{wave.name}” is not stopped.")
        record(
            "wave.resumed",
            by=by.actor,
            object=("wave", str(wave.pk)),
            now=now,
            detail={"name": wave.name},
            private={"reason": reason} if reason else {},
        )


def freeze(scope: str, *, reason: str, by: User, now: datetime) -> Freeze:
    """Stop every new arming in `scope` ("all", "subscription:<id>", "verb:<verb>") at once. One person, one reason."""
    check(by, Permission.FREEZE, ("freeze", scope), now)
    reason = _reason(reason, "A freeze needs a reason; people will read it at 2 a.m.")
    kind, _, what = scope.partition(":")
    known = (
        scope == "all"
        or (kind == "verb" and what in list(Verb))
        or (kind == "subscription" and "\x00" not in what and Subscription.objects.filter(pk=what).exists())
    )
    if not known:
        raise BadScope(
            "Choose what to freeze: everything, one subscription, or one of Validate, Prepare, Abort, Commit."
        )
    with transaction.atomic():
        Freeze.objects.select_for_update().get(scope="all")  # arming holds this row FOR SHARE
        row, _ = Freeze.objects.update_or_create(
            scope=scope,
            defaults={
                "frozen": True,
                "reason": reason,
                "changed_by": by.actor.key,
                "changed_at": now,
                "lift_asked_by": "",
            },
        )
        record(
            "freeze.engaged",
            by=by.actor,
            object=("freeze", scope),
            now=now,
            detail={"scope": scope},
            private={"reason": reason},
        )
    return row


def lift(scope: str, *, by: User, now: datetime) -> bool:
    """Ask to lift a freeze, or confirm what another person asked. True when it is lifted; needs two people."""
    check(by, Permission.FREEZE, ("freeze", scope), now)
    with transaction.atomic():
        Freeze.objects.select_for_update().get(scope="all")
        row = Freeze.objects.select_for_update().filter(scope=scope, frozen=True).first()
        if row is None:
            raise NotFrozen("This freeze is already lifted.")
        if row.lift_asked_by == by.actor.key:
            raise NotFrozen("You already asked to lift it; another person has to confirm.")
        done = bool(row.lift_asked_by)
        row.lift_asked_by = "" if done else by.actor.key
        row.frozen = not done
        if done:  # until then the row says who froze, and when
            row.changed_at, row.changed_by = now, by.actor.key
        row.save()
        kind = "freeze.lifted" if done else "freeze.lift_requested"
        record(kind, by=by.actor, object=("freeze", scope), now=now, detail={"scope": scope})
    return done


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
