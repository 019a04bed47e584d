"""What an answer or a look means, written down: every function runs inside the caller's transaction, after the fence
was checked.
"""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from migrator import lifecycle, translation
from migrator.followups import Removed
from migrator.gateway import wire
from migrator.gateway.protocol import (
    AzureGateway,
    Exchange,
    GatewayError,
    Observed,
    Submitted,
)
from migrator.lifecycle import (
    Doubt,
    Health,
    Heard,
    Move,
    Need,
    OperationState,
    Seen,
    Settled,
    Side,
    State,
    Status,
    Submit,
    Timings,
    Wait,
    World,
    carried,
    ended_on_paper,
    walk,
)
from migrator.resources import Category, PlatformMessage, Verb
from tracker.audit.actions import record
from tracker.audit.values import ENGINE, stamp
from tracker.fixes import queries as fixes
from tracker.followups import actions as followups
from tracker.followups import queries as owed
from tracker.followups.models import Capture
from tracker.inventory import actions as inventory
from tracker.quota import actions as quota
from tracker.readiness import actions as readiness
from tracker.runs.actions import checks, rehearsing
from tracker.runs.actions.budget import heard, stop_until
from tracker.runs.models import AskVerb, Attempt, Comparison, Difference, Operation, Run, Transition
from tracker.runs.queries import database_now
from tracker.waves import destinations

Release = Callable[..., None]


class Lost(Exception):
    """The fence moved on: another process owns the run now. Whatever we know is dropped; it will be read again."""


def fence(run: Run) -> None:
    """Inside a transaction: the run is still ours and has not ended meanwhile (somebody cancelled it), or Lost."""
    if not Run.objects.select_for_update().filter(pk=run.pk, fence=run.fence, ended_at__isnull=True).exists():
        raise Lost


@dataclass(frozen=True, slots=True)
class Outcome:
    """When the run is due again (None: when a person asks), and why it waits."""

    after: float | None
    code: str
    sentence: str


def message_dict(message: PlatformMessage) -> dict[str, str]:
    return {key: str(value) for key, value in dataclasses.asdict(message).items()}


def guard_refusal(error: DatabaseError) -> tuple[str, str] | None:
    """(code, sentence) when the database's own guard refused an arming; None for any other error."""
    state = getattr(error.__cause__, "sqlstate", "") or ""
    return {
        "P0F01": ("frozen", "A freeze, a stop or a hold came first."),
        "P0F02": ("lost", "Another process took this step over."),
        "P0F03": ("abort-after-commit", "Commit was attempted; Abort is refused for ever."),
        "P0F04": ("not-prepared", "The run is not prepared; nothing is committed."),
        "P0F05": ("commit-not-approved", "The database finds no valid approval of this commit."),
        "P0F21": ("window-closed", "No window of the wave is open any more."),
        "P0F22": ("planned-freeze", "A planned freeze has begun."),
        "P0F25": ("rehearsal", "This run is a rehearsal; it is never committed."),
        "P0F24": ("recovered", "Somebody else sent it; it is only read here."),
    }.get(state)


def note(run: Run, operation: Operation, to: OperationState | None, why: str, **fields: Any) -> None:
    """Move the operation (compare and set) and remember why."""
    changes = {"why": why, **fields}
    if to is not None and operation.state != to:
        changes["state"] = to
        if to in (OperationState.SUCCEEDED, OperationState.FAILED, OperationState.CANCELLED):
            changes["ended_at"] = database_now()
    Operation.objects.filter(pk=operation.pk).update(**changes)
    for name, value in changes.items():
        setattr(operation, name, value)


def evidence(seen: Seen) -> dict[str, str]:
    """A look as it is kept. While the platform says it is at work, only that is asked."""
    asked = seen.status is not Status.IN_PROGRESS
    return {
        "at": stamp(seen.at),
        "status": seen.status.value,
        "classic": seen.classic.value if asked else "not read",
        "resource manager": seen.arm.value if asked else "not read",
        "world": seen.world.value if asked else "not read",
        "code": seen.code,
        "message": seen.message[:500],
    }


def remember(run: Run, operation: Operation, seen: Seen, to: OperationState | None, why: str, **fields: Any) -> None:
    """Store a look as evidence, with what was concluded from it."""
    shown = evidence(seen)
    changed = any(operation.seen.get(name) != shown[name] for name in ("world", "status"))
    note(run, operation, to, why, seen=shown, error=operation.error, messages=operation.messages, **fields)
    if changed or to is not None:
        record(
            "operation.looked",
            by=ENGINE,
            object=("operation", str(operation.pk)),
            now=seen.at,
            detail={
                "verb": operation.verb,
                "run": str(run.pk),
                "unit": run.unit.name,
                "seen": evidence(seen),
                "concluded": why[:500],
            },
        )


def resolve(attempt: Attempt, outcome: str, now: datetime, exchange: Exchange | None = None) -> None:
    """Close an attempt with what the platform answered."""
    exchange = exchange or Exchange()
    Attempt.objects.filter(pk=attempt.pk, resolved_at__isnull=True).update(
        resolved_at=now,
        outcome=outcome,
        http_status=exchange.status or None,
        request_id=exchange.request_id[:80],
        correlation_id=exchange.correlation_id[:80],
        excerpt=exchange.excerpt[:2000],
    )


def _answered(
    run: Run, operation: Operation, attempt: Attempt, outcome: str, exchange: Exchange, now: datetime
) -> None:
    resolve(attempt, outcome, now, exchange)
    heard(run.unit.subscription_id, "write", exchange.remaining_writes, now)
    record(
        "operation.answered",
        by=ENGINE,
        object=("operation", str(operation.pk)),
        now=now,
        detail={
            "verb": operation.verb,
            "run": str(run.pk),
            "unit": run.unit.name,
            "attempt": attempt.number,
            "outcome": outcome,
            "status": exchange.status,
            "request": exchange.request_id,
            "correlation": exchange.correlation_id,
        },
    )


def move(run: Run, to: State, because: str, now: datetime, operation: Operation | None = None) -> None:
    """One legal move of a run and its unit, with its transition and event; only from where it was believed to be."""
    before = run.state
    event = record(
        "run.moved",
        by=ENGINE,
        object=("run", str(run.pk)),
        now=now,
        detail={
            "unit": run.unit.name,
            "key": run.unit.key,
            "from": str(before),
            "to": str(to),
            "cause": because[:500],
        },
    )
    changed = Run.objects.filter(pk=run.pk, state=before).update(state=to)
    if changed != 1:
        raise inventory.IllegalMove(f"The run is no longer {before}.")
    run.state = to
    Transition.objects.create(
        run=run, before=before, after=to, at=now, because=because, operation=operation, event_id=event.pk
    )
    inventory.move(run.unit, to=to, by=ENGINE, now=now)


def _walk(run: Run, verb: Verb, because: str, now: datetime, operation: Operation, *, whole: bool) -> None:
    """Along the path of a verb: only its first state when it was accepted, all of it when it was seen done."""
    for state in walk(State(run.state), verb, whole=whole):
        move(run, state, because, now, operation)


def doubt_of(operation: Operation) -> Doubt:
    """What the operation remembers between looks."""
    return Doubt(
        state=OperationState(operation.state),
        verb=Verb(operation.verb),
        armed_at=operation.armed_at,
        tries=operation.tries,
        candidate=operation.candidate,
        candidate_at=operation.candidate_at,
    )


def locked_for(run: Run) -> inventory.For:
    """For whom the unit is locked: whoever asked for the newest Prepare of the run, where one of ours was sent."""
    prepare = (
        run.operations.filter(verb=Verb.PREPARE, sends__gt=0).order_by("-created_at").select_related("ask").first()
    )
    return inventory.For(run=run.pk, wave_id=run.wave_id, wave=run.wave.name, by=prepare.ask.by if prepare else "")


def raise_attention(run: Run, sentence: str, now: datetime, *, health: Health = Health.FAILED) -> None:
    """A person should look. The first time of the same sentence is an event."""
    if run.attention == sentence[:400]:
        return
    Run.objects.filter(pk=run.pk).update(attention=sentence[:400], attention_since=now)
    run.attention, run.attention_since = sentence[:400], now
    inventory.set_health(run.unit, health, sentence[:300], now=now)
    record(
        "run.attention_raised",
        by=ENGINE,
        object=("run", str(run.pk)),
        now=now,
        detail={"unit": run.unit.name, "key": run.unit.key},
        private={"cause": sentence[:1000]},
    )


def clear_attention(run: Run, now: datetime) -> None:
    if not run.attention and run.unknown_since is None:
        return
    had = run.attention
    Run.objects.filter(pk=run.pk).update(attention="", attention_since=None, unknown_since=None)
    run.attention, run.attention_since, run.unknown_since = "", None, None
    inventory.set_health(run.unit, Health.ON_TRACK, "", now=now)
    if had:
        record(
            "run.attention_cleared",
            by=ENGINE,
            object=("run", str(run.pk)),
            now=now,
            detail={"unit": run.unit.name, "key": run.unit.key},
        )


def in_doubt(run: Run, operation: Operation, now: datetime, why: str) -> None:
    """From here on nothing is assumed: unknown since now, ended only by reading."""
    if run.unknown_since is None:
        Run.objects.filter(pk=run.pk).update(unknown_since=now)
        run.unknown_since = now
        inventory.set_health(
            run.unit, Health.AT_RISK, f"{operation.verb}: unknown since {now:%H:%M:%S} UTC; {why}"[:300], now=now
        )


# --- answers to a send ------------------------------------------------------------------------------------------------


def accepted(
    run: Run,
    operation: Operation,
    attempt: Attempt,
    answer: Submitted,
    heard: Heard,
    now: datetime,
    timings: Timings,
) -> Outcome:
    """202, or 200 with the answer in it (Validate)."""
    verb = Verb(operation.verb)
    _answered(run, operation, attempt, "accepted", answer.exchange, now)
    next_ = lifecycle.settle(heard, tries=operation.tries, asked=answer.retry_after, timings=timings)
    if heard is Heard.DONE:
        note(run, operation, next_.state, "answered", messages=[message_dict(m) for m in answer.messages])
        return _validated(run, operation, now)
    note(run, operation, next_.state, "the platform took it", status_url=answer.status_url or "", error={})
    if verb in (Verb.PREPARE, Verb.COMMIT, Verb.ABORT):
        _walk(run, verb, "the platform accepted the request", now, operation, whole=False)
    if verb is Verb.PREPARE and run.unit.locked_since is None:
        inventory.set_lock(run.unit, now, now=now, held=locked_for(run))
    return Outcome(next_.after, "polling", f"{verb.value.capitalize()} is under way on the platform.")


def answered(
    run: Run,
    operation: Operation,
    attempt: Attempt,
    error: GatewayError,
    heard: Heard,
    now: datetime,
    timings: Timings,
) -> Outcome:
    """Anything but an acceptance."""
    next_ = lifecycle.settle(heard, tries=operation.tries, asked=error.retry_after, timings=timings)
    tell = {Heard.THROTTLED: _throttled, Heard.SILENCE: _silent}.get(heard, _refused)
    return tell(run, operation, attempt, error, next_, now)


def _throttled(
    run: Run, operation: Operation, attempt: Attempt, error: GatewayError, next_: Settled, now: datetime
) -> Outcome:
    """429: not processed. The whole subscription waits as long as it says."""
    _answered(run, operation, attempt, "throttled", error.exchange or Exchange(), now)
    wait = next_.after or 0.0
    stop_until(run.unit.subscription_id, "write", now + timedelta(seconds=wait), now)
    note(run, operation, next_.state, f"throttled; again in {wait:.0f} s")
    return Outcome(wait, "throttled", f"Azure asks to wait {wait:.0f} s before the next request of this subscription.")


def _refused(
    run: Run, operation: Operation, attempt: Attempt, error: GatewayError, next_: Settled, now: datetime
) -> Outcome:
    """A definite refusal: nothing was changed by this request."""
    _answered(run, operation, attempt, "refused", error.exchange or Exchange(), now)
    words = {
        "code": error.code,
        "message": error.message or str(error),
        "class": error.error_class.value,
        "catalogue": error.catalogue_id,
    }
    note(run, operation, next_.state, str(error), error=words, tries=next_.tries)
    if next_.state is OperationState.READY:
        raise_attention(run, f"{operation.verb.capitalize()} is refused for now: {error}", now, health=Health.AT_RISK)
        return Outcome(next_.after, "refused-for-now", f"{error} Trying again in {next_.after:.0f} s.")
    _store_refusal(run, operation, error, now)
    raise_attention(run, f"{operation.verb.capitalize()} was refused: {error}", now)
    return Outcome(None, "refused", f"{operation.verb.capitalize()} was refused: {error}")


def _silent(
    run: Run, operation: Operation, attempt: Attempt, error: GatewayError, next_: Settled, now: datetime
) -> Outcome:
    """No answer, a 5xx, a conflict: it may or may not have been applied. Only reading tells."""
    _answered(run, operation, attempt, "unknown", error.exchange or Exchange(), now)
    note(run, operation, next_.state, str(error), tries=next_.tries)
    in_doubt(run, operation, now, str(error))
    wait = next_.after or 0.0
    at = now + timedelta(seconds=wait)
    return Outcome(
        wait,
        "unknown",
        f"Unknown since {now:%H:%M:%S} UTC whether {operation.verb} arrived; reading again at {at:%H:%M:%S} UTC.",
    )


def _store_refusal(run: Run, operation: Operation, error: GatewayError, now: datetime) -> None:
    """What Validate or Prepare refused is the platform's word on readiness (rules.md 6)."""
    if operation.verb in (Verb.VALIDATE, Verb.PREPARE) and error.message:
        message = PlatformMessage(category=Category.ERROR, message=error.message, code=error.code)
        readiness.record_platform_answer(
            run.unit, verb=operation.verb, messages=(message,), passed=False, by=ENGINE, now=now
        )


# --- looks ------------------------------------------------------------------------------------------------------------


def wait(run: Run, operation: Operation, doubt: Doubt, seen: Seen, decision: Wait) -> Outcome:
    kept = carried(doubt, seen, decision)
    remember(
        run,
        operation,
        seen,
        kept.state if kept.state != operation.state else None,
        decision.why,
        candidate=kept.candidate,
        candidate_at=kept.candidate_at,
        tries=kept.tries,
    )
    ended = ended_on_paper(seen, decision.state)
    if ended or (decision.state is OperationState.POLLING and seen.status is Status.IN_PROGRESS):
        _walk(run, Verb(operation.verb), "the platform is at work", seen.at, operation, whole=False)
        if run.unknown_since is not None:
            clear_attention(run, seen.at)
        verb = operation.verb.capitalize()
        said = f"{verb}: the platform says {decision.why}." if ended else f"{verb} is under way on the platform."
        return Outcome(decision.seconds, "polling", said)
    in_doubt(run, operation, seen.at, decision.why)
    at = seen.at + timedelta(seconds=decision.seconds)
    since = run.unknown_since or seen.at
    return Outcome(
        decision.seconds,
        "unknown",
        f"Unknown since {since:%H:%M:%S} UTC ({decision.why}); reading again at {at:%H:%M:%S} UTC.",
    )


def nothing_new(run: Run, operation: Operation, seen: Seen, decision: Wait) -> bool:
    """The platform is still at work, as it was at the last look: nothing moves, and there is nothing to tell."""
    return (
        decision.state is OperationState.POLLING
        and operation.state == OperationState.POLLING
        and seen.status is Status.IN_PROGRESS
        and operation.seen.get("status") == Status.IN_PROGRESS.value
        and not operation.candidate
        and run.unknown_since is None
        and not walk(State(run.state), Verb(operation.verb), whole=False)
    )


def still(run: UUID, fence: int, operation: UUID | None, verb: str, seen: Seen, decision: Wait) -> str:
    """Keep the look and give the lease back, in one statement: thousands wait like this at once. Raises Lost."""
    sentence = f"{verb.capitalize()} is under way on the platform."
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH ours AS (
                UPDATE tracker_run
                   SET lease_until = NULL, enqueued_at = NULL, waiting_code = 'polling', waiting_for = %s,
                       waiting_since = CASE WHEN waiting_code = 'polling' AND waiting_since IS NOT NULL
                                            THEN waiting_since ELSE clock_timestamp() END,
                       due_at = clock_timestamp() + make_interval(secs => %s::float)
                 WHERE id = %s AND fence = %s AND ended_at IS NULL RETURNING id)
            UPDATE tracker_operation SET seen = %s, why = %s FROM ours
             WHERE tracker_operation.id = %s AND run_id = ours.id AND state = 'polling' RETURNING tracker_operation.id
            """,
            [sentence, decision.seconds, run, fence, json.dumps(evidence(seen)), decision.why, operation],
        )
        if cursor.fetchone() is None:
            raise Lost
    return f"{verb}: {sentence}"


def submit_again(run: Run, operation: Operation, doubt: Doubt, seen: Seen, decision: Submit) -> Outcome:
    """The same operation may be sent again; it needs no new approval, but a new look, a new arming, and room under
    freeze and window.
    """
    if operation.recovered:  # it was never ours to send
        why = f"{operation.verb.capitalize()} that was taken over is not there any more: seen as {seen.world.value}"
        remember(run, operation, seen, OperationState.FAILED, why)
        raise_attention(run, f"{why}. Nothing was sent.", seen.at)
        return Outcome(None, "failed", f"{why}. Nothing was sent.")
    kept = carried(doubt, seen, decision)
    remember(
        run,
        operation,
        seen,
        OperationState.UNKNOWN if operation.state == OperationState.POLLING else kept.state,
        decision.why,
        tries=kept.tries,
        candidate=kept.candidate,
        candidate_at=kept.candidate_at,
        status_url="",
    )
    note(run, operation, kept.state, decision.why)
    if seen.status is Status.FAILED:
        raise_attention(run, f"{operation.verb.capitalize()} failed and will be retried: {decision.why}", seen.at)
    return Outcome(decision.after, "retry", f"{decision.why}; sending again in {decision.after:.0f} s")


def need(run: Run, operation: Operation, seen: Seen, decision: Need) -> Outcome:
    remember(run, operation, seen, OperationState.OPERATOR, decision.what)
    if operation.verb == Verb.PREPARE and seen.world is World.HALF:  # locked, so that Abort can be asked for
        _walk(run, Verb.PREPARE, "the platform shows it as prepared", seen.at, operation, whole=False)
        if run.unit.locked_since is None:
            inventory.set_lock(run.unit, seen.at, now=seen.at, held=locked_for(run))
    raise_attention(run, f"Needs a person: {decision.what}", seen.at)
    return Outcome(None, "operator", f"Needs a person: {decision.what}")


def failed(run: Run, operation: Operation, seen: Seen, decision: Move, timings: Timings) -> Outcome:
    remember(run, operation, seen, OperationState.FAILED, decision.why)
    verb = Verb(operation.verb)
    if verb is Verb.VALIDATE:
        return _validated(run, operation, seen.at)
    error = operation.error
    message = PlatformMessage(
        category=Category.ERROR, message=error.get("message", decision.why), code=error.get("code", "")
    )
    readiness.record_platform_answer(run.unit, verb=verb, messages=(message,), passed=False, by=ENGINE, now=seen.at)
    locked = seen.world is not World.CLASSIC
    if locked and run.unit.locked_since is None:
        inventory.set_lock(run.unit, seen.at, now=seen.at, held=locked_for(run))
    if not locked and run.unit.locked_since is not None:
        inventory.set_lock(run.unit, None, now=seen.at)
    if verb is Verb.PREPARE:
        checks.plan(run, checks.FAILED, seen.at, timings)
    advice = "The unit may be left locked: abort before fixing it." if locked else "Nothing is locked."
    raise_attention(run, f"{verb.value.capitalize()} failed: {decision.why} {advice}", seen.at)
    return Outcome(None, "failed", f"{verb.value.capitalize()} failed: {decision.why} {advice}")


def succeeded(
    run: Run, operation: Operation, seen: Seen, observed: Observed, decision: Move, timings: Timings
) -> Outcome:
    """The verb is done, and seen to be done; everything that follows from it stands in this one transaction."""
    verb = Verb(operation.verb)
    foreign = operation.sends == 0
    remember(run, operation, seen, OperationState.SUCCEEDED, decision.why)
    if verb is Verb.VALIDATE:
        return _validated(run, operation, seen.at)
    _walk(run, verb, decision.why, seen.at, operation, whole=True)
    clear_attention(run, seen.at)
    if foreign:
        raise_attention(run, f"{verb.value.capitalize()} was done by somebody else: this run never sent it.", seen.at)
    match verb:
        case Verb.PREPARE:
            if run.unit.locked_since is None:
                inventory.set_lock(run.unit, seen.at, now=seen.at, held=locked_for(run))
            unexpected = _compare(run, observed, seen.at)
            # asked for beforehand, by name; not where somebody else prepared it
            if not foreign and rehearsing.go_on(run, AskVerb.ABORT, seen.at):
                return Outcome(None, "retry", "Rehearsed and compared; Abort was asked for beforehand and follows.")
            if unexpected:
                return Outcome(None, "differences-open", f"Prepared. {_several(unexpected)} for a person.")
            return Outcome(
                None, "commit-not-asked", "Prepared and compared. Waiting for a commit approval, or for Abort."
            )
        case Verb.ABORT:
            return _aborted(run, seen.at, timings)
        case _:
            return _committed(run, observed, seen.at, timings)


def _validated(run: Run, operation: Operation, now: datetime) -> Outcome:
    messages = tuple(_message(row) for row in operation.messages)
    errors = [m for m in messages if m.category is Category.ERROR]
    passed = not errors and operation.state == OperationState.SUCCEEDED
    if not passed and not messages and operation.error:
        messages = (
            PlatformMessage(
                category=Category.ERROR,
                message=operation.error.get("message", ""),
                code=operation.error.get("code", ""),
            ),
        )
    readiness.record_platform_answer(run.unit, verb=Verb.VALIDATE, messages=messages, passed=passed, by=ENGINE, now=now)
    if passed:
        if run.state != State.VALIDATED:
            move(run, State.VALIDATED, "Validate found nothing that blocks", now, operation)
        clear_attention(run, now)
        if rehearsing.go_on(run, AskVerb.PREPARE, now):
            return Outcome(None, "retry", "Validated; Prepare was asked for with the rehearsal and follows.")
        return Outcome(
            None, "prepare-not-asked", "Validated. Validate does less than Prepare; waiting for Prepare to be asked."
        )
    if run.state == State.VALIDATED:
        move(run, State.PLANNED, "Validate found something that blocks", now, operation)
    words = errors[0].message if errors else operation.why
    sentence = f"Validate found {max(1, len(errors))} that block: {words}"
    raise_attention(run, sentence, now, health=Health.BLOCKED)
    return Outcome(None, "validate-failed", sentence)


def _message(row: dict[str, str]) -> PlatformMessage:
    return PlatformMessage(
        category=Category(row.get("category", Category.ERROR)),
        **{key: value for key, value in row.items() if key != "category"},
    )


def _compare(run: Run, observed: Observed, now: datetime) -> int:
    """Hold what was captured before Prepare against what is there now; store every row. Returns how many are
    unexpected.
    """
    capture = Capture.objects.filter(unit=run.unit).order_by("-at").first()
    before = capture.before if capture else list(observed.classic_documents)
    chosen = destinations.of(run.unit)
    subnet = chosen.wish.subnet_id(run.unit.subscription_id) if chosen else ""
    found = translation.compare(wire.resources(before), list(observed.arm_documents), subnet=subnet)
    rows = [row.as_json() for row in found]
    counts = {kind: sum(1 for row in rows if row["kind"] == kind) for kind in ("same", "renamed", "dropped")}
    unexpected = len(rows) - sum(counts.values())
    Difference.objects.filter(run=run).delete()
    Comparison.objects.filter(run=run).delete()
    Difference.objects.bulk_create(Difference(run=run, **row) for row in rows)
    digest = inventory.digest_of(rows)
    Comparison.objects.create(
        run=run, at=now, unexpected=unexpected, arm_documents=list(observed.arm_documents), digest=digest, **counts
    )
    record(
        "comparison.stored",
        by=ENGINE,
        object=("run", str(run.pk)),
        now=now,
        detail={"unit": run.unit.name, "key": run.unit.key, "digest": digest, "unexpected": unexpected, **counts},
    )
    if unexpected:
        raise_attention(run, f"{_several(unexpected, '')} between both sides", now, health=Health.AT_RISK)
    return unexpected


def _several(unexpected: int, wait: str = " wait") -> str:
    if unexpected == 1:
        return f"1 unexpected difference{f'{wait}s' if wait else ''}"
    return f"{unexpected} unexpected differences{wait}"


def _aborted(run: Run, now: datetime, timings: Timings) -> Outcome:
    inventory.set_lock(run.unit, None, now=now, end="abort")
    checks.plan(run, checks.ABORTED, now, timings)
    inventory.move(run.unit, to=State.PLANNED, by=ENGINE, now=now)  # still placed in its wave
    _end(run, rehearsing.outcome_of_abort(run), now)
    return Outcome(None, "", "Aborted: the unit is classic and unlocked again.")


def _committed(run: Run, observed: Observed, now: datetime, timings: Timings) -> Outcome:
    inventory.set_lock(run.unit, None, now=now, end="commit")
    removed = [
        Removed(
            key=f"fix:{each.pk}", title=each.title, rule=each.rule, lines=tuple(each.plan["again"]),
            kept=tuple(str(one["id"]) for one in each.kept),
        )
        for each in fixes.again(run.unit)
    ]  # fmt: skip
    opened = followups.open_for(run.unit, arm_documents=observed.arm_documents, removed=removed, by=ENGINE, now=now)
    quota.release(run.unit, by=ENGINE, now=now)
    checks.plan(run, checks.COMMITTED, now, timings)
    owing = "1 follow-up" if len(opened) == 1 else f"{len(opened)} follow-ups"
    said = f"Committed; {owing} opened. Read again before it is verified."
    return Outcome(float(timings.first_check), "verifying", said)


def _end(run: Run, outcome: str, now: datetime) -> None:
    Run.objects.filter(pk=run.pk).update(ended_at=now, outcome=outcome, attention="", waiting_code="", waiting_for="")
    run.ended_at, run.outcome = now, outcome
    record(
        "run.ended",
        by=ENGINE,
        object=("run", str(run.pk)),
        now=now,
        detail={"state": outcome, "unit": run.unit.name, "key": run.unit.key},
    )


# --- nothing to send --------------------------------------------------------------------------------------------------


def rest(run: Run, gateway: AzureGateway, clock: Callable[[], datetime], timings: Timings, *, release: Release) -> str:
    """A run without an operation: verify what was committed, close what is verified, else wait for a person."""
    match State(run.state):
        case State.COMMITTED:
            observed = gateway.observe(run.unit.azure_id, tuple(run.members))
            now = clock()
            seen = Seen(at=now, status=Status.NONE, classic=Side(observed.classic.value), arm=Side(observed.arm.value))
            with transaction.atomic():
                fence(run)
                Run.objects.filter(pk=run.pk).update(checked_at=now, checks=run.checks + 1)
                if seen.world is World.MIGRATED:
                    move(run, State.VERIFIED, "read again: gone from classic, present in Resource Manager", now)
                    checks.done(run, 1, seen.world.value, now)
                elif seen.world is not World.UNSEEN:
                    raise_attention(run, f"Committed, yet seen as {seen.world.value} when read again.", now)
            wait = timings.held if seen.world in (World.MIGRATED, World.UNSEEN) else timings.max_poll
            release(run, after=float(wait), code="verifying", sentence="Reading the committed unit again.")
            return f"checked: {seen.world.value}"
        case State.VERIFIED:
            left = owed.left(run.unit)
            now = clock()
            if left == 0:
                with transaction.atomic():
                    fence(run)
                    move(run, State.CLOSED, "every follow-up that it waits for is closed", now)
                    _end(run, "closed", now)
                return "closed"
            # nobody polls for it: the ticker wakes the run when its last follow-up is closed (steps.ring_due)
            said = f"{left} follow-up{' is' if left == 1 else 's are'} not yet closed."
            release(run, after=None, code="follow-ups", sentence=said)
            return f"{left} follow-ups left"
        case _:
            release(run, after=None, code=run.waiting_code, sentence=run.waiting_for)
            return "waits for a person"
