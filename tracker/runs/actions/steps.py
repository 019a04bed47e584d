"""One step of a run: claim, look, decide, apply one answer. Safe to call twice, late, or from many processes
(engine.md).

Calls to the platform happen outside transactions; what they mean is written in one transaction, only if the fence is
still ours.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from migrator.gateway.protocol import (
    Applied,
    ArmSide,
    AzureGateway,
    Busy,
    ClassicSide,
    CredentialRefused,
    ErrorClass,
    GatewayError,
    Observed,
    OperationStatus,
    Polled,
    Submitted,
    Throttled,
    Unreadable,
)
from migrator.lifecycle import (
    EXPECTED_AFTER,
    Decision,
    Doubt,
    Health,
    Heard,
    Move,
    Need,
    OperationState,
    Seen,
    Side,
    State,
    Status,
    Step,
    Submit,
    Timings,
    Wait,
    World,
    after_vanishing,
    decide,
    may_send,
    step,
    too_late,
    walk,
)
from migrator.resources import Verb
from tracker.audit.actions import record
from tracker.audit.values import ENGINE, uuid7
from tracker.crash import crashpoint
from tracker.fixes import queries as fixes
from tracker.followups import actions as followups
from tracker.followups import gaps, severed
from tracker.inventory import queries as inventory
from tracker.runs import assertions, fitting, queries, waiting
from tracker.runs.actions import epoch, going, reading, settle
from tracker.runs.actions.budget import spent, take
from tracker.runs.actions.settle import Lost, fence
from tracker.runs.models import Ask, AskVerb, Attempt, Heartbeat, Operation, Run
from tracker.waves import destinations
from tracker.waves import queries as waves

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]
# Both sides were not asked for.
UNREAD = Observed(classic=ClassicSide.UNREADABLE, arm=ArmSide.UNREADABLE)

BROKEN_AGAIN = 60  # seconds before a step that raised is tried again
RING_AGAIN = 15  # seconds before a run that was rung for and not claimed is rung for again


def beat(name: str, now: datetime) -> None:
    """A process says that it is alive."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


def ring_due(limit: int = 500) -> list[str]:
    """Ids of due runs, each marked as rung for. Any number of tickers may call it (SKIP LOCKED)."""
    with connection.cursor() as cursor:
        # what waits for nothing but its follow-ups, and has none left: one probe of an index each
        cursor.execute(
            """
            UPDATE tracker_run r SET due_at = clock_timestamp()
             WHERE r.state = 'verified' AND r.ended_at IS NULL AND r.due_at IS NULL
               AND NOT EXISTS (SELECT 1 FROM tracker_followup f
                               WHERE f.unit_id = r.unit_id AND f.holds AND f.state <> 'closed')
            """
        )
        cursor.execute(
            """
            WITH due AS (
                SELECT id FROM tracker_run
                 WHERE due_at IS NOT NULL AND ended_at IS NULL AND due_at <= clock_timestamp()
                   AND (lease_until IS NULL OR lease_until < clock_timestamp())
                   AND (enqueued_at IS NULL OR enqueued_at < clock_timestamp() - make_interval(secs => %s))
                 ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
            UPDATE tracker_run SET enqueued_at = clock_timestamp() FROM due WHERE tracker_run.id = due.id
            RETURNING tracker_run.id::text
            """,
            [RING_AGAIN, limit],
        )
        return [row[0] for row in cursor.fetchall()]


def advance(run_id: str, *, gateway: Callable[[str], AzureGateway], clock: Clock, timings: Timings) -> str:
    """Take one step of a run. `gateway`: subscription id → gateway. Returns what was done, for logs and tests.

    Losing, doubling or delaying this call is harmless. Raises nothing that the platform or another worker can cause.
    """
    epoch.guard(clock, timings)
    claimed = _claim(run_id, timings)
    if claimed is None:
        return "not due"
    try:
        crashpoint("C10")
        platform = gateway(claimed.subscription_id)
        polled = _glance(claimed, platform, clock, timings) if claimed.steady else None
        if isinstance(polled, str):
            return polled
        return _step(claimed.run(), platform, clock, timings, polled)
    except Lost:
        return "lost the lease"
    except GatewayError as error:  # a read failed: nothing was sent, nothing is concluded
        wait = error.retry_after or timings.look_again
        _release(claimed, after=wait, code="cannot-see", sentence=f"Cannot read the platform: {error}")
        return f"cannot see: {error}"
    except Exception:  # ours: one bad row must not become a crash loop, and must not look healthy
        _release(
            claimed,
            after=BROKEN_AGAIN,
            code="internal-error",
            sentence="An error of the product; it is logged. Trying again.",
        )
        raise


def here() -> float:
    """Seconds of this machine's clock, which runs on while it is suspended (reliability-notes 4.6)."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A run that is ours now, and of its live operation what tells whether there is more to it than to ask again."""

    pk: UUID
    fence: int
    subscription_id: str
    state: str
    operation: UUID | None
    operation_state: str
    verb: str
    status_url: str
    status: str  # at the last look
    in_doubt: bool
    armed_at: datetime | None
    tries: int

    def run(self) -> Run:
        """The whole of it, with our fence: whoever claimed it since has another."""
        run = Run.objects.select_related("unit", "wave").get(pk=self.pk)
        run.fence = self.fence
        return run

    @property
    def steady(self) -> bool:
        """The platform was at work when it was looked at last, and nothing is open about it: most steps of thousands
        find it so again."""
        return (
            self.operation_state == OperationState.POLLING
            and self.status == Status.IN_PROGRESS
            and bool(self.status_url)
            and not self.in_doubt
            and not walk(State(self.state), Verb(self.verb), whole=False)
        )


def _claim(run_id: str, timings: Timings) -> _Claimed | None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH ours AS (
                UPDATE tracker_run SET fence = fence + 1, lease_until = clock_timestamp() + make_interval(secs => %s)
                 WHERE id = %s AND ended_at IS NULL AND due_at IS NOT NULL AND due_at <= clock_timestamp()
                   AND (lease_until IS NULL OR lease_until < clock_timestamp())
                RETURNING id, fence, unit_id, state, unknown_since)
            SELECT r.id, r.fence, u.subscription_id, r.state, o.id, coalesce(o.state, ''), coalesce(o.verb, ''),
                   coalesce(o.status_url, ''), coalesce(o.seen ->> 'status', ''),
                   r.unknown_since IS NOT NULL OR coalesce(o.candidate, '') <> '', o.armed_at, coalesce(o.tries, 0)
              FROM ours r JOIN tracker_unit u ON u.id = r.unit_id
              LEFT JOIN tracker_operation o ON o.run_id = r.id
               AND o.state IN ('ready', 'sending', 'polling', 'unknown', 'held')
            """,
            [timings.lease + timings.http_deadline, run_id],
        )
        row = cursor.fetchone()
    return _Claimed(*row) if row else None


def _glance(claimed: _Claimed, gateway: AzureGateway, clock: Clock, timings: Timings) -> str | Polled:
    """Ask the platform whether it is still at work. What was done; or what it said instead, for a whole look."""
    subscription, flying = claimed.subscription_id, in_flight(claimed.subscription_id)
    if after := reading.wait(subscription, clock, others=flying):
        sentence = f"The read budget of the subscription is used up; looking in {after:.0f} s."
        _release(claimed, after=after, code="budget", sentence=sentence)
        return sentence
    with reading.counted(gateway, subscription, clock):
        polled = gateway.poll(claimed.status_url)
    if polled.status is not OperationStatus.IN_PROGRESS:
        return polled
    seen = Seen(
        at=clock(),
        status=Status.IN_PROGRESS,
        classic=Side.UNREADABLE,
        arm=Side.UNREADABLE,
        retry_after=polled.retry_after,
    )
    crashpoint("C20", claimed.verb)
    doubt = Doubt(state=OperationState.POLLING, verb=Verb(claimed.verb), armed_at=claimed.armed_at, tries=claimed.tries)
    decision = decide(doubt, seen, timings, in_flight=flying)
    if not isinstance(decision, Wait) or decision.state is not OperationState.POLLING:
        return polled
    return settle.still(claimed.pk, claimed.fence, claimed.operation, claimed.verb, seen, decision)


_busy: dict[str, tuple[float, int]] = {}


def in_flight(subscription_id: str) -> int:
    """How many operations of a subscription are polled, as of two seconds ago: it stretches intervals, no more."""
    at, count = _busy.get(subscription_id, (0.0, 0))
    if time.monotonic() - at > 2:
        count = queries.in_flight(subscription_id)
        _busy[subscription_id] = time.monotonic(), count
    return count


def _release(run: Run | _Claimed, *, after: float | None, code: str = "", sentence: str = "") -> None:
    """Give the lease back; the next step is due in `after` seconds (None: when a person asks)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE tracker_run
               SET lease_until = NULL, enqueued_at = NULL, waiting_code = %s, waiting_for = %s,
                   waiting_since = CASE WHEN %s = '' THEN NULL WHEN waiting_code = %s AND waiting_since IS NOT NULL
                                        THEN waiting_since ELSE clock_timestamp() END,
                   due_at = CASE WHEN EXISTS (
                                SELECT 1 FROM tracker_ask a WHERE a.run_id = tracker_run.id
                                   AND a.verb IN ('validate', 'prepare', 'commit', 'abort', 'retry')
                                   AND NOT EXISTS (SELECT 1 FROM tracker_operation o WHERE o.ask_id = a.id))
                                 AND %s::float IS NULL
                            THEN clock_timestamp()
                            ELSE clock_timestamp() + make_interval(secs => %s::float) END
             WHERE id = %s AND fence = %s
            """,
            [code[:40], sentence[:400], code[:40], code[:40], after, after, run.pk, run.fence],
        )


def _step(run: Run, gateway: AzureGateway, clock: Clock, timings: Timings, polled: Polled | None = None) -> str:
    """`polled`: what the status address of the live operation has just said."""
    operation = queries.live_operation(run) or _next_operation(run, clock())
    if operation is None:
        return settle.rest(run, gateway, clock, timings, release=_release)
    match step(OperationState(operation.state)):
        case Step.SEND:
            return _first(run, operation, gateway, clock, timings)
        case Step.VANISHED:
            return _vanished(run, operation, clock, timings)
        case Step.LOOK:
            return _look_and_decide(run, operation, gateway, clock, timings, polled)


def _next_operation(run: Run, now: datetime) -> Operation | None:
    """The operation that answers the oldest unanswered wish."""
    wish = queries.pending_ask(run)
    if wish is None:
        return None
    verb = _verb_of(run, wish)
    if verb is None:
        return None
    approval = waves.open_commit_approval(run.pk) if verb is Verb.COMMIT else None
    with transaction.atomic():
        fence(run)
        operation = Operation.objects.create(
            id=uuid7(now),
            run=run,
            ask=wish,
            verb=verb,
            created_at=now,
            approval=approval,
            approval_digest=approval.digest if approval else "",
            instances=fitting.sizes([run.unit_id])[run.unit_id],
            sends=0,
        )
        settle.clear_attention(run, now)
        record(
            "operation.created",
            by=ENGINE,
            object=("operation", str(operation.pk)),
            now=now,
            detail={"verb": verb.value, "run": str(run.pk), "unit": run.unit.name, "key": run.unit.key},
        )
    return operation


def _verb_of(run: Run, wish: Ask) -> Verb | None:
    if wish.verb != AskVerb.RETRY:
        return Verb(wish.verb)
    last = queries.last_operation(run)
    return Verb(last.verb) if last else None


def _first(run: Run, operation: Operation, gateway: AzureGateway, clock: Clock, timings: Timings) -> str:
    """READY: ask whether it may be sent, look, capture, arm, send, record."""
    verb = Verb(operation.verb)
    reason = queries.why_not(run, verb, clock())
    if reason is not None:
        return _hold(run, operation, reason, clock(), timings)
    if wait := _no_reads(run, clock):
        return wait
    seen, observed = _look(run, operation, gateway, clock)
    if seen.world is World.UNSEEN:
        return _cannot_see(run, operation, seen, observed, clock(), timings)
    earlier = run.operations.filter(verb=verb, sends__gt=0).exists()
    if not may_send(verb, seen.world, sends=1 if earlier else 0):
        with transaction.atomic():
            fence(run)
            why = f"before sending {verb.value} the unit was seen as {seen.world.value}; nothing is sent"
            settle.remember(run, operation, seen, OperationState.UNKNOWN, why)
        _release(run, after=0, code="world-changed", sentence=why)
        return why
    chosen = destinations.of(run.unit) if verb in (Verb.VALIDATE, Verb.PREPARE) else None
    with reading.counted(gateway, run.unit.subscription_id, clock):
        unfit = going.unfit(run.unit, chosen, gateway)
    if unfit is not None:
        return _hold(run, operation, unfit, clock(), timings, wait=timings.look_again)
    if verb is Verb.PREPARE and (missing := _capture(run, observed, gateway, clock)):
        reason = "capture-incomplete", f"Not everything that will be dropped could be read: {missing.sentence}"
        return _hold(run, operation, reason, clock(), timings, wait=missing.retry_after)
    crashpoint("C11", verb)
    armed = _arm(run, operation, clock)
    if not isinstance(armed, Attempt):
        return _hold(run, operation, armed, clock(), timings)
    crashpoint("C13", verb)
    if too_late(armed.armed_here, here(), timings):
        return _not_sent(run, operation, armed, clock())
    crashpoint("C14", verb)
    return _send(run, operation, armed, gateway, clock, timings)


def _no_reads(run: Run, clock: Clock) -> str:
    """What is done where the read budget of the subscription is used up; empty: it is not."""
    subscription = run.unit.subscription_id
    if not (after := reading.wait(subscription, clock, others=in_flight(subscription))):
        return ""
    sentence = f"The read budget of the subscription is used up; looking in {after:.0f} s."
    _release(run, after=after, code="budget", sentence=sentence)
    return sentence


def _look(
    run: Run, operation: Operation | None, gateway: AzureGateway, clock: Clock, polled: Polled | None = None
) -> tuple[Seen, Observed]:
    """Read the status URL (unless `polled` is what it said), then both sides; those not while the platform says it is
    at work, when they decide nothing and cost dozens of reads. Evidence, no judgement."""
    with reading.counted(gateway, run.unit.subscription_id, clock):
        if polled is None and operation is not None and operation.status_url:
            polled = gateway.poll(operation.status_url)
        if polled is not None and polled.status is OperationStatus.IN_PROGRESS:
            observed = UNREAD
        else:
            observed = gateway.observe(run.unit.azure_id, tuple(run.members))
    seen = Seen(
        at=clock(),
        status=Status(polled.status.value) if polled else Status.NONE,
        classic=Side(observed.classic.value),
        arm=Side(observed.arm.value),
        code=polled.code if polled else "",
        message=polled.message if polled else "",
        retry_after=_longest(polled.retry_after if polled else None, _asked(observed.unreadable)),
        parts_only=observed.parts_only,
    )
    if operation is not None and polled is not None:
        operation.messages = [settle.message_dict(m) for m in polled.messages] or operation.messages
        if polled.status is OperationStatus.FAILED:
            operation.error = {
                "code": polled.code,
                "message": polled.message,
                "class": polled.error_class.value,
                "catalogue": polled.catalogue_id,
            }
    return seen, observed


def _cannot_see(run: Run, operation: Operation, seen: Seen, observed: Observed, now: datetime, timings: Timings) -> str:
    what = "; ".join(u.sentence for u in observed.unreadable[:2]) or "a side of the unit cannot be read"
    with transaction.atomic():
        fence(run)
        settle.remember(run, operation, seen, None, what, tries=operation.tries + 1)
        if operation.tries + 1 >= 3:
            settle.raise_attention(run, f"Cannot see the unit: {what}", now)
    wait = _longest(timings.look_again * (1 + min(operation.tries, 5)), seen.retry_after)
    _release(run, after=wait, code="cannot-see", sentence=what)
    return f"cannot see: {what}"


def _longest(*waits: float | None) -> float:
    return max((wait for wait in waits if wait is not None), default=0.0)


def _asked(parts: Iterable[object]) -> float:
    """Seconds to wait before reading again, as the platform said where it refused a part for now."""
    return _longest(*(part.retry_after for part in parts if isinstance(part, Unreadable)))


@dataclass(frozen=True, slots=True)
class _Missing:
    """What of the settings could not be read, and how long to wait before reading again."""

    sentence: str
    retry_after: float


def _capture(run: Run, observed: Observed, gateway: AzureGateway, clock: Clock) -> _Missing | None:
    """Read and keep everything the platform will drop; Prepare does not start while something is missing that nobody
    accepted."""
    with reading.counted(gateway, run.unit.subscription_id, clock):
        found = gateway.settings_on(run.unit.azure_id, tuple(run.members))
    now = clock()
    kept = [document for each in fixes.again(run.unit) for document in each.kept]
    with transaction.atomic():
        fence(run)
        capture = followups.capture(
            run.unit,
            settings=found,
            cut_off=severed.of(run.unit, kept),
            before=inventory.documents_of(run.unit),
            unreadable=observed.unreadable,
            by=ENGINE,
            now=now,
        )
    missing = gaps.unaccepted(capture, run.pk)
    if not missing:
        return None
    rights = list(dict.fromkeys(row["action"] for row in missing))  # the sentences stand beside what was captured
    said = ", ".join(rights[:3]) + (f" and {len(rights) - 3} more" if len(rights) > 3 else "")
    return _Missing(f"{said}.", _asked((*found, *observed.unreadable)))


def _hold(
    run: Run, operation: Operation, reason: tuple[str, str], now: datetime, timings: Timings, *, wait: float = 0.0
) -> str:
    """The operation waits, visibly, and is asked about again; it starts by itself when the reason is gone."""
    code, sentence = reason
    with transaction.atomic():
        fence(run)
        if waiting.calls(code) and (code != run.waiting_code or not run.attention):
            settle.raise_attention(run, sentence, now, health=Health.BLOCKED)
        elif run.attention and waiting.calls(run.waiting_code) and not waiting.calls(code):
            settle.clear_attention(run, now)
        moved = code != run.waiting_code if waiting.counts(code) else operation.why != sentence
        if moved or operation.state != OperationState.HELD:
            to_held = operation.state == OperationState.READY
            settle.note(run, operation, OperationState.HELD if to_held else None, sentence)
            record(
                "operation.held",
                by=ENGINE,
                object=("operation", str(operation.pk)),
                now=now,
                detail={"verb": operation.verb, "run": str(run.pk), "unit": run.unit.name, "code": code},
                private={"cause": sentence},
            )
    _release(run, after=max(timings.held, wait), code=code, sentence=sentence)
    return f"held: {sentence}"


def _arm(run: Run, operation: Operation, clock: Clock) -> Attempt | tuple[str, str]:
    """One transaction: every check again under locks (the database's guard repeats them), a token, the attempt, its
    audit event.

    Returns the Attempt, or (code, sentence) of what stands against it. Lock order: freeze, operation, run, approvals,
    budget.
    """
    try:
        with transaction.atomic():
            found = _armed(run, operation, clock)
            queries.armed()
    except DatabaseError as error:
        refusal = settle.guard_refusal(error)
        if refusal is None:
            raise
        return refusal
    if isinstance(found, Attempt):
        operation.refresh_from_db()
        run.refresh_from_db()
    return found


def _armed(run: Run, operation: Operation, clock: Clock) -> Attempt | tuple[str, str]:
    """Inside the transaction. What it is judged by, and dated with, is the time at which it held its locks."""
    queries.lock_for_arming(run, operation)
    fence(run)
    now = clock()
    if operation.state == OperationState.HELD:
        settle.note(run, operation, OperationState.READY, "what it waited for has come")
    reason = queries.why_not(run, Verb(operation.verb), now)
    if reason is not None:
        return reason
    if impossible := assertions.of_run(run.pk):
        return "invariant", f"Something is so that can never be: {impossible}"
    if run.attention and waiting.calls(run.waiting_code):
        settle.clear_attention(run, now)
    lifted = queries.lifted_at(run, Verb(operation.verb), now)
    wait = take(run.unit.subscription_id, "write", now, lifted_at=lifted)
    if wait:
        return "budget", spent(wait, lifted, now)
    event = record(
        "operation.armed",
        by=ENGINE,
        object=("operation", str(operation.pk)),
        now=now,
        detail={
            "verb": operation.verb,
            "run": str(run.pk),
            "unit": run.unit.name,
            "key": run.unit.key,
            "attempt": operation.sends + 1,
            "fence": run.fence,
            "seal": operation.approval_digest,
        },
    )
    armed_here = here()
    attempt = Attempt.objects.create(
        id=uuid7(now),
        operation=operation,
        number=operation.sends + 1,
        fence=run.fence,
        approval_digest=operation.approval_digest,
        event_id=event.pk,
        armed_at=now,
    )
    attempt.armed_here = armed_here
    crashpoint("C12", operation.verb)
    return attempt


def _not_sent(run: Run, operation: Operation, attempt: Attempt, now: datetime) -> str:
    """This process slept between arming and sending: whatever was true then may not be true now."""
    with transaction.atomic():
        fence(run)
        settle.resolve(attempt, "not-sent", now)
        settle.note(run, operation, OperationState.READY, "not sent: more than two seconds passed after arming")
        record(
            "operation.not_sent",
            by=ENGINE,
            object=("operation", str(operation.pk)),
            now=now,
            detail={"verb": operation.verb, "run": str(run.pk), "unit": run.unit.name, "attempt": attempt.number},
        )
    _release(run, after=1)
    return "not sent"


def _send(
    run: Run, operation: Operation, attempt: Attempt, gateway: AzureGateway, clock: Clock, timings: Timings
) -> str:
    verb = Verb(operation.verb)
    try:
        answer: Submitted | GatewayError = gateway.submit(
            verb, run.unit.azure_id, client_request_id=str(attempt.pk), parameters=going.parameters(run.unit, verb)
        )
    except GatewayError as error:
        answer = error
    crashpoint("C17", verb)
    heard = _heard(run, verb, answer, gateway, clock)
    now = clock()
    with transaction.atomic():
        fence(run)
        if isinstance(answer, Submitted):
            outcome = settle.accepted(run, operation, attempt, answer, heard, now, timings)
        else:
            outcome = settle.answered(run, operation, attempt, answer, heard, now, timings)
        crashpoint("C18", verb)
    crashpoint("C19", verb)
    _release(run, after=outcome.after, code=outcome.code, sentence=outcome.sentence)
    return f"{verb.value} sent: {outcome.sentence}"


def _heard(run: Run, verb: Verb, answer: Submitted | GatewayError, gateway: AzureGateway, clock: Clock) -> Heard:
    """What kind of answer it is. A definite refusal is believed after one read; a conflict, or a world that moved all
    the same, is a doubt."""
    if isinstance(answer, Submitted):
        return Heard.DONE if verb is Verb.VALIDATE and answer.status_url is None else Heard.ACCEPTED
    if isinstance(answer, Throttled):
        return Heard.THROTTLED
    seen, _ = _look(run, None, gateway, clock)
    moved = seen.world is EXPECTED_AFTER[verb] and verb is not Verb.VALIDATE
    if answer.applied is not Applied.NO or isinstance(answer, Busy) or moved:
        return Heard.SILENCE
    passing = isinstance(answer, CredentialRefused) or answer.error_class in (ErrorClass.RETRY, ErrorClass.WAIT)
    return Heard.REFUSED_FOR_NOW if passing else Heard.REFUSED


def _vanished(run: Run, operation: Operation, clock: Clock, timings: Timings) -> str:
    """SENDING without an owner: somebody armed and vanished. The request may still arrive; wait out the quarantine,
    then read.
    """
    now = clock()
    armed_at = operation.armed_at or now
    with transaction.atomic():
        fence(run)
        for attempt in operation.attempts.filter(resolved_at__isnull=True):
            settle.resolve(attempt, "unknown", now)
        settle.note(run, operation, OperationState.UNKNOWN, "the process that sent this vanished; reading decides")
        settle.in_doubt(run, operation, now, "the process that sent it vanished before recording an answer")
        record(
            "operation.decided",
            by=ENGINE,
            object=("operation", str(operation.pk)),
            now=now,
            detail={
                "verb": operation.verb,
                "run": str(run.pk),
                "unit": run.unit.name,
                "key": run.unit.key,
                "state": "unknown",
                "cause": "the process that sent it vanished before recording an answer",
            },
        )
    _release(
        run,
        after=after_vanishing(armed_at, now, timings),
        code="unknown",
        sentence=f"Unknown since {now:%H:%M:%S} UTC whether {operation.verb} arrived; reading both sides.",
    )
    return "somebody vanished; unknown"


def _look_and_decide(
    run: Run, operation: Operation, gateway: AzureGateway, clock: Clock, timings: Timings, polled: Polled | None
) -> str:
    if polled is None and (wait := _no_reads(run, clock)):
        return wait
    seen, observed = _look(run, operation, gateway, clock, polled)
    crashpoint("C20", operation.verb)
    doubt = settle.doubt_of(operation)
    decision: Decision = decide(doubt, seen, timings, in_flight=in_flight(run.unit.subscription_id))
    if isinstance(decision, Wait) and settle.nothing_new(run, operation, seen, decision):
        return settle.still(run.pk, run.fence, operation.pk, operation.verb, seen, decision)
    with transaction.atomic():
        fence(run)
        match decision:
            case Wait():
                outcome = settle.wait(run, operation, doubt, seen, decision)
            case Submit():
                outcome = settle.submit_again(run, operation, doubt, seen, decision)
            case Need():
                outcome = settle.need(run, operation, seen, decision)
            case Move(to=OperationState.SUCCEEDED):
                outcome = settle.succeeded(run, operation, seen, observed, decision, timings)
            case Move():
                outcome = settle.failed(run, operation, seen, decision, timings)
        crashpoint("C21", operation.verb)
    crashpoint("C22", operation.verb)
    _release(run, after=outcome.after, code=outcome.code, sentence=outcome.sentence)
    return f"{operation.verb}: {outcome.sentence}"
