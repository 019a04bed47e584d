"""What people may ask of runs. A wish is an appended row; the engine does the rest."""

from datetime import datetime

from django.db import IntegrityError, transaction

from migrator.lifecycle import LIVE_OPERATION, OperationState, State
from migrator.resources import Verb
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.audit.values import uuid7
from tracker.crash import crashpoint
from tracker.fixes import queries as fixes
from tracker.inventory import actions as inventory
from tracker.inventory.models import Unit
from tracker.runs import gates, queries, seals, watching
from tracker.runs.models import Ask, AskVerb, Difference, Operation, Purpose, Run
from tracker.waves import actions as waves
from tracker.waves import queries as wave_queries
from tracker.waves.models import Approval


class RunError(Exception):
    """Base: `str(error)` is one sentence for a person. Nothing was changed."""


class NotApproved(RunError):
    """The wave is not approved, or the approval no longer matches."""


class NotYet(RunError):
    """Asked too early; the sentence says what has to happen first."""


class Illegal(RunError):
    """This does not follow from the state the run is in."""


class TooLate(RunError):
    """It was already sent, or cannot be undone any more; the sentence says when."""


class BadWords(RunError):
    """A reason that cannot be kept: too long, or with a character no text holds."""


LONGEST_REASON = 1000


def words(text: str) -> str:
    """A reason as it is kept. Raises BadWords."""
    text = text.strip()
    if "\x00" in text:
        raise BadWords("The reason holds a NUL character; type it again instead of pasting it.")
    if len(text) > LONGEST_REASON:
        raise BadWords(f"The reason has {len(text):,} characters; {LONGEST_REASON:,} is the most. Shorten it.")
    return text


def start(unit: Unit, *, by: User, now: datetime, purpose: Purpose = Purpose.MIGRATION) -> Run:
    """Begin to migrate or to rehearse a placed unit: a run, and the wish to validate. A rehearsal goes on by itself to
    Prepare, comparison and Abort. Raises NotApproved, Illegal."""
    check(by, Permission.OPERATE, ("unit", unit.key), now)
    _same_database()
    with transaction.atomic():
        unit = Unit.objects.select_for_update(of=("self",)).select_related("subscription").get(pk=unit.pk)
        placement = getattr(unit, "placement", None)
        if placement is None:
            raise Illegal(f"{unit.name} is in no wave; place it first.")
        if unit.progress != State.PLANNED:
            raise Illegal(f"{unit.name} is {unit.progress}; a run starts from planned.")
        # before the insert: waiting there for a run that is about to end, which waits for this unit, is a deadlock
        if queries.live_run(unit) is not None:
            raise Illegal(f"{unit.name} already has a live run.")
        if (fix := fixes.in_hand(unit)) is not None:
            raise Illegal(f"A fix goes to {unit.name} at this moment ({fix.title}); start the run when it is done.")
        approval = wave_queries.open_wave_approval(placement.wave)
        if approval is None or wave_queries.approval_state(approval, now) is not wave_queries.ApprovalState.APPROVED:
            raise NotApproved(
                f"Wave “{placement.wave.name}” is not approved; submit it and let another person approve."
            )
        drift = wave_queries.wave_drift(approval, unit)
        if drift:
            raise NotApproved(f"The approval of wave “{placement.wave.name}” no longer matches: {'; '.join(drift[:3])}")
        members = unit.members.filter(gone_at__isnull=True).order_by("key").values_list("azure_id", flat=True)
        try:
            with transaction.atomic():
                run = Run.objects.create(
                    id=uuid7(now),
                    unit=unit,
                    wave=placement.wave,
                    purpose=purpose,
                    started_by=by.actor.key,
                    started_at=now,
                    members=list(members),
                    due_at=now,
                )
        except IntegrityError as error:
            raise Illegal(f"{unit.name} already has a live run.") from error
        record(
            "run.started",
            by=by.actor,
            object=("run", str(run.pk)),
            now=now,
            detail={"unit": unit.name, "key": unit.key, "wave": placement.wave.name, "seal": approval.digest}
            | ({"purpose": str(purpose)} if purpose != Purpose.MIGRATION else {}),
        )
        _append(run, AskVerb.VALIDATE, by=by, now=now)
    return run


def _same_database() -> None:
    """Nothing is asked of a database that is not known to be the newest. Raises NotYet."""
    if refusal := watching.refusal():
        raise NotYet(refusal)


def ask(run: Run, verb: AskVerb, *, by: User, now: datetime, reason: str = "", seal: str = "") -> Ask:
    """Say what is wanted of a run. Raises Illegal, NotYet, TooLate with the sentence the page shows."""
    check(by, Permission.OPERATE, ("run", str(run.pk)), now)
    reason = words(reason)
    if verb != AskVerb.HOLD:
        _same_database()
    wish = _asked(run, verb, by=by, now=now, reason=reason, seal=seal)
    crashpoint("C03", verb)
    return wish


def _asked(run: Run, verb: AskVerb, *, by: User, now: datetime, reason: str, seal: str) -> Ask:
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).select_related("unit", "wave").get(pk=run.pk)
        if run.ended_at is not None:
            raise Illegal(f"The run ended {run.ended_at:%Y-%m-%d %H:%M} UTC ({run.outcome}).")
        match verb:
            case AskVerb.HOLD | AskVerb.RESUME:
                return _hold(run, verb, by=by, now=now, reason=reason)
            case AskVerb.CANCEL:
                return _cancel(run, by=by, now=now, reason=reason)
            case _:
                refusal = queries.askable(run, now)[verb]
                if refusal:
                    raise (TooLate if run.commit_armed_at and verb == AskVerb.ABORT else NotYet)(refusal)
                if verb == AskVerb.COMMIT and run.commit_armed_at is None:
                    approval = wave_queries.open_commit_approval(run.pk)
                    if approval is None or approval.digest != seal:
                        raise NotYet("The page shows another version of the approval; reload it and read again.")
                if verb == AskVerb.RETRY:
                    last = queries.last_operation(run)
                    if last is not None and last.state == OperationState.OPERATOR:
                        _close_open_question(last, now)
                return _append(run, verb, by=by, now=now, reason=reason, seal=seal)


def _append(run: Run, verb: AskVerb, *, by: User, now: datetime, reason: str = "", seal: str = "") -> Ask:
    crashpoint("C01", verb, of=run.pk)
    wish = Ask.objects.create(
        run=run, verb=verb, by=by.actor.key, by_id=by.pk, at=now, reason=reason.strip(), seal=seal
    )
    looking = run.operations.filter(state__in=(OperationState.POLLING, OperationState.UNKNOWN))
    if verb not in (AskVerb.HOLD, AskVerb.RESUME) or not looking.exists():  # else Azure may have asked to wait
        Run.objects.filter(pk=run.pk).update(due_at=now, enqueued_at=None)
    record(
        "run.asked",
        by=by.actor,
        object=("run", str(run.pk)),
        now=now,
        detail={"verb": str(verb), "seal": seal, "unit": run.unit.name, "key": run.unit.key},
        private={"reason": reason.strip()} if reason.strip() else {},
    )
    crashpoint("C02", verb)
    return wish


def _hold(run: Run, verb: AskVerb, *, by: User, now: datetime, reason: str) -> Ask:
    held = verb == AskVerb.HOLD
    if held == (run.held_at is not None):
        raise Illegal("The run is already on hold." if held else "The run is not on hold.")
    if held:  # the run is locked by now: what was armed while this waited came before it
        now = waves.once_held(now)
    Run.objects.filter(pk=run.pk).update(held_at=now if held else None)
    return _append(run, verb, by=by, now=now, reason=reason)


def _cancel(run: Run, *, by: User, now: datetime, reason: str) -> Ask:
    """Only what was never sent can be cancelled (reliability-notes P09)."""
    if run.state not in (State.PLANNED, State.VALIDATED):
        raise TooLate(f"The unit is {run.state}; a run can be cancelled only before Prepare. Abort is the way back.")
    operation = Operation.objects.select_for_update().filter(run=run, state__in=LIVE_OPERATION).first()
    if operation is not None and operation.verb == Verb.PREPARE and operation.sends > 0:
        raise TooLate(f"Prepare was sent {operation.armed_at:%Y-%m-%d %H:%M:%S} UTC; it cannot be cancelled any more.")
    if operation is not None and operation.state not in (OperationState.READY, OperationState.HELD):
        raise TooLate(f"{operation.verb.capitalize()} is under way; wait for its end.")
    if operation is None and (unsettled := queries.prepare_unsettled(queries.last_operation(run))):
        raise TooLate(unsettled)
    wish = _append(run, AskVerb.CANCEL, by=by, now=now, reason=reason)
    if operation is not None:
        Operation.objects.filter(pk=operation.pk).update(state=OperationState.CANCELLED, ended_at=now, why="cancelled")
        record(
            "operation.cancelled",
            by=by.actor,
            object=("operation", str(operation.pk)),
            now=now,
            detail={"verb": operation.verb, "run": str(run.pk), "unit": run.unit.name},
        )
    if run.state == State.VALIDATED:
        inventory.move(run.unit, to=State.PLANNED, by=by.actor, now=now)
    Run.objects.filter(pk=run.pk).update(
        ended_at=now, outcome="cancelled", due_at=None, attention="", waiting_code="", waiting_for=""
    )
    inventory.set_health(run.unit, "on track", "", now=now)
    record(
        "run.ended",
        by=by.actor,
        object=("run", str(run.pk)),
        now=now,
        detail={"state": "cancelled", "unit": run.unit.name, "key": run.unit.key},
    )
    return wish


def _close_open_question(operation: Operation, now: datetime) -> None:
    """A person looked at a contradiction and says: try again. The operation ends as failed; a new one begins with a new
    look.
    """
    Operation.objects.filter(pk=operation.pk, state=OperationState.OPERATOR).update(
        state=OperationState.FAILED, ended_at=now
    )


def request_commit(run: Run, *, by: User, now: datetime) -> Approval:
    """Ask another person to agree to the commit. Raises NotYet while something unexpected is open, Illegal while an
    approval stands that still serves: asking anew would throw an agreement away.
    """
    check(by, Permission.OPERATE, ("run", str(run.pk)), now)
    _same_database()
    with transaction.atomic():
        Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
        run = Run.objects.select_related("unit", "wave").get(pk=run.pk)
        if run.purpose == Purpose.REHEARSAL:
            raise Illegal(gates.REHEARSAL)
        if run.state != State.PREPARED:
            raise NotYet(f"The unit is {run.state}; a commit can be approved once it is prepared and compared.")
        if not hasattr(run, "comparison"):
            raise NotYet("The comparison of both sides is not there yet.")
        open_ends = run.differences.filter(kind__in=["unexpected", "unread"], disposed_at__isnull=True).count()
        if open_ends:
            said = "1 unexpected difference waits" if open_ends == 1 else f"{open_ends} unexpected differences wait"
            raise NotYet(f"{said} for a disposition; decide first.")
        if refusal := queries.commit_request_refused(run, now):
            raise Illegal(refusal)
        return waves.ask_commit_approval(run.wave, run.unit, run.pk, seals.commit_body(run), by=by, now=now)


def dispose(difference: Difference, *, disposition: str, by: User, now: datetime) -> None:
    """A named person says why an unexpected difference is acceptable. Raises Illegal without words."""
    check(by, Permission.OPERATE, ("run", str(difference.run_id)), now)
    disposition = words(disposition)
    if not disposition:
        raise Illegal("Say why this difference is acceptable; the approver will read it.")
    run = difference.run
    if run.ended_at is not None and run.purpose != Purpose.REHEARSAL:  # of a rehearsal it serves the real run
        raise Illegal(
            f"The run ended {run.ended_at:%Y-%m-%d %H:%M} UTC ({run.outcome}); nobody decides by it any more."
        )
    with transaction.atomic():
        changed = Difference.objects.filter(
            pk=difference.pk, kind__in=["unexpected", "unread"], disposed_at__isnull=True
        ).update(disposed_by=by.actor.key, disposed_at=now, disposition=disposition)
        if not changed:
            raise Illegal("This difference needs no disposition, or has one.")
        record(
            "difference.disposed",
            by=by.actor,
            object=("run", str(difference.run_id)),
            now=now,
            detail={
                "field": difference.field,
                "resource": difference.classic_key or difference.arm_key,
                "unit": difference.run.unit.name,
            },
            private={"disposition": disposition},
        )
