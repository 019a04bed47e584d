"""One step of a run, in the order of tracker/runs/actions/steps.py, judged by the same functions."""

from datetime import timedelta

from migrator.lifecycle import (
    EXPECTED_AFTER,
    Doubt,
    Heard,
    Move,
    Need,
    OperationState,
    Seen,
    Status,
    Step,
    Submit,
    Wait,
    after_vanishing,
    step,
    walk,
)
from migrator.lifecycle import World as Shown
from migrator.resources import Verb
from tests.proof.simulation.azure import Answer
from tests.proof.simulation.world import Attempt, Operation, Process, Rows, Run, Unit, World


class Lost(Exception):
    """The fence moved on, or the database is another one."""


class Here:
    """A worker's hold on one run: which rows, and with which fence."""

    def __init__(self, world: World, rows: Rows, unit: Unit, run: Run) -> None:
        self.world, self.rows, self.unit, self.run, self.fence = world, rows, unit, run, run.fence

    def check(self) -> None:
        if self.world.rows is not self.rows:
            raise Lost
        if "no fence" not in self.world.broken and (self.run.fence != self.fence or self.run.ended):
            raise Lost

    def release(self, after: float | None) -> None:
        run = self.run
        if self.world.rows is not self.rows or run.fence != self.fence:
            return
        run.lease_until = None
        if after is None:
            run.due_at = self.world.now() if run.waiting is not None else None
        else:
            run.due_at = self.world.now() + timedelta(seconds=after)


def advance(world: World, number: int) -> Process:
    rows, rules = world.rows, world.rules
    unit = rows.units[number]
    run = unit.run
    if run is None:
        return
    lease = None if "no lease" in world.broken else run.lease_until
    if not rules.claimable(ended=run.ended, due_at=run.due_at, lease_until=lease, now=world.now()):
        return
    run.fence += 1
    run.lease_until = world.now() + timedelta(seconds=rules.timings.lease + rules.timings.http_deadline)
    here = Here(world, rows, unit, run)
    yield "after claim"
    operation = run.live or _next(here)
    if operation is None:
        here.release(None)
        return
    match step(operation.state):
        case Step.SEND:
            yield from _send(here, operation)
        case Step.VANISHED:
            _vanished(here, operation)
            yield "after vanished"
        case Step.LOOK:
            yield from _look_and_decide(here, operation)


def _next(here: Here) -> Operation | None:
    here.check()
    ask = here.run.waiting
    if ask is None:
        return None
    ask.answered = True
    seal = here.run.question.digest if ask.verb is Verb.COMMIT and here.run.question else ""
    operation = Operation(ask.verb, seal=seal)
    here.run.operations.append(operation)
    return operation


def _look(here: Here, operation: Operation | None):
    """A Seen, or None where nothing could be read."""
    run, world = here.run, here.world
    if operation is not None and operation.url and run.fence == here.fence and world.t < run.not_before - 0.001:
        world.wrong.append("looked before Retry-After was over")
    url = operation.url if operation is not None else ""
    answer = yield ("look", here.unit.id, url)
    if answer is None:
        return None
    (classic, arm), status = answer
    shown = (status or Status.GONE) if url else Status.NONE
    asked = world.dice.choice([None, None, 10.0, 45.0]) if shown is Status.IN_PROGRESS else None
    return Seen(at=world.now(), status=shown, classic=classic, arm=arm, retry_after=asked)


def _send(here: Here, operation: Operation) -> Process:
    world, run, unit, rules = here.world, here.run, here.unit, here.world.rules
    if "freeze asked outside the transaction" not in world.broken or not world.rows.frozen:
        closed = world.closed(operation.verb, unit, run)
        if closed is not None and not _ignored(world, closed):
            _hold(here, operation)
            return
    if "no look before arming" not in world.broken:
        seen = yield from _look(here, operation)
        yield "before arming"
        if seen is None:
            here.check()
            operation.tries += 1
            here.release(rules.timings.look_again * (1 + min(operation.tries, 5)))
            return
        earlier = any(o.verb is operation.verb and o.sends for o in run.operations)
        if not rules.may_send(operation.verb, seen.world, sends=1 if earlier else 0):
            here.check()
            operation.state = OperationState.UNKNOWN
            here.release(0)
            return
    if "freeze asked outside the transaction" in world.broken and world.rows.frozen:
        _hold(here, operation)
        return
    if "freeze asked outside the transaction" in world.broken:
        yield "before arming"
    attempt = _arm(here, operation)
    if attempt is None:
        return
    armed = world.t
    yield "after arming"
    if "no self-fence" not in world.broken and rules.too_late(armed, world.t, rules.timings):
        here.check()
        attempt.outcome, operation.state = "not sent", OperationState.READY
        here.release(1)
        return
    if world.rows is not here.rows:  # the connection is dead; so is this process
        return
    yield "gap"
    answer = yield from _post(here, operation, attempt)
    while "HTTP client retries by itself" in world.broken and answer.kind in ("silence", "error"):
        if world.dice.random() < 0.3:
            break
        answer = yield from _post(here, operation, attempt)
    yield "after answer"
    heard, seen = Heard.SILENCE, None
    if answer.kind == "accepted":
        heard = Heard.ACCEPTED
    elif answer.kind == "throttled":
        heard = Heard.THROTTLED
    else:
        seen = yield from _look(here, None)
        moved = seen is not None and seen.world is EXPECTED_AFTER[operation.verb]
        if answer.kind == "refused" and seen is not None and not moved:
            heard = Heard.REFUSED
    yield "before recording"
    _record(here, operation, attempt, answer, heard)
    yield "after recording"


def _ignored(world: World, closed: object) -> bool:
    return ("no freeze" in world.broken and closed == "stopping") or (
        "approval asked only with the wish" in world.broken and closed == "commit approval"
    )


def _hold(here: Here, operation: Operation) -> None:
    here.check()
    if operation.state is OperationState.READY:
        operation.state = OperationState.HELD
    here.release(here.world.rules.timings.held)


def _arm(here: Here, operation: Operation) -> Attempt | None:
    """One transaction: everything asked again under locks, then the attempt."""
    world, run, unit = here.world, here.run, here.unit
    here.check()
    if operation.state is OperationState.HELD:
        operation.state = OperationState.READY
    closed = world.closed(operation.verb, unit, run)
    if closed == "stopping" and "freeze asked outside the transaction" in world.broken:
        closed = None
    if closed is not None and not _ignored(world, closed):
        _hold(here, operation)
        return None
    if world.rows.writes_after > world.t:
        operation.state = OperationState.HELD
        here.release(max(world.rules.timings.held, world.rows.writes_after - world.t))
        return None
    if operation.state is not OperationState.READY and "no fence" not in world.broken:  # the database's guard
        return None
    if operation.verb in (Verb.COMMIT, Verb.PREPARE):
        world.maybe_save()
    first = operation.verb is Verb.COMMIT and not run.commit_armed
    attempt = Attempt(
        operation.sends + 1,
        world.t,
        entitled=world.entitled(unit, run) if first else True,
        frozen=world.rows.frozen or run.held,
        open_window=world.window_open(unit.id) or operation.verb is Verb.ABORT,
    )
    if "sent before it is written down" in world.broken:
        return attempt
    _write_down(here, operation, attempt)
    return attempt


def _write_down(here: Here, operation: Operation, attempt: Attempt) -> None:
    world = here.world
    if any(not earlier.outcome for earlier in operation.attempts):
        world.wrong.append("an attempt was armed while an earlier one is open")
    operation.attempts.append(attempt)
    world.armed.append((world.t, attempt))
    operation.state, operation.armed_at = OperationState.SENDING, world.now()
    operation.sends += 1
    if operation.verb is Verb.COMMIT:
        here.run.commit_armed = True


def _post(here: Here, operation: Operation, attempt: Attempt):
    world = here.world
    world.sends.append((world.t, here.unit.id, operation.verb, attempt, operation))
    answer: Answer = yield ("post", here.unit.id, operation.verb, id(attempt))
    return answer


def _record(here: Here, operation: Operation, attempt: Attempt, answer: Answer, heard: Heard) -> None:
    world, run = here.world, here.run
    here.check()
    if "sent before it is written down" in world.broken:
        _write_down(here, operation, attempt)
    if "sent again when in doubt" in world.broken and heard is Heard.SILENCE:
        attempt.outcome, operation.state = "unknown", OperationState.READY
        here.release(5)
        return
    attempt.outcome = heard.value
    settled = world.rules.settle(heard, tries=operation.tries, asked=answer.retry_after, timings=world.rules.timings)
    operation.state, operation.tries = settled.state, settled.tries
    if heard is Heard.ACCEPTED:
        operation.url = answer.url
        _walk(run, operation.verb, whole=False)
    if heard is Heard.THROTTLED:
        world.rows.writes_after = world.t + (settled.after or 0)
    _remember_wait(here, answer.retry_after)
    here.release(settled.after)


def _remember_wait(here: Here, asked: float | None) -> None:
    here.run.not_before = here.world.t + (asked or 0.0)


def _walk(run: Run, verb: Verb, *, whole: bool) -> None:
    for state in walk(run.state, verb, whole=whole):
        run.state = state


def _vanished(here: Here, operation: Operation) -> None:
    here.check()
    for attempt in operation.attempts:
        attempt.outcome = attempt.outcome or "unknown"
    operation.state = OperationState.UNKNOWN
    now = here.world.now()
    here.release(after_vanishing(operation.armed_at or now, now, here.world.rules.timings))


def _look_and_decide(here: Here, operation: Operation) -> Process:
    world, run, rules = here.world, here.run, here.world.rules
    seen = yield from _look(here, operation)
    yield "after look"
    if seen is None:
        here.release(rules.timings.look_again)
        return
    doubt = Doubt(
        state=operation.state,
        verb=operation.verb,
        armed_at=operation.armed_at,
        tries=operation.tries,
        candidate=operation.candidate,
        candidate_at=operation.candidate_at,
    )
    decision = rules.decide(doubt, seen, rules.timings)
    here.check()
    _remember_wait(here, seen.retry_after)
    match decision:
        case Wait() | Submit():
            kept = rules.carried(doubt, seen, decision)
            operation.state, operation.tries = kept.state, kept.tries
            operation.candidate, operation.candidate_at = kept.candidate, kept.candidate_at
            if isinstance(decision, Submit):
                operation.url = ""
                here.release(decision.after)
            else:
                if decision.state is OperationState.POLLING:
                    _walk(run, operation.verb, whole=False)
                here.release(decision.seconds)
        case Need():
            operation.state = OperationState.OPERATOR
            world.seen["before a person"] += 1
            if operation.verb is Verb.PREPARE and seen.world is Shown.HALF:
                _walk(run, operation.verb, whole=False)
            here.release(None)
        case Move(to=OperationState.SUCCEEDED):
            _succeeded(here, operation)
        case Move():
            operation.state = OperationState.FAILED
            here.release(None)
    yield "after verdict"


def _succeeded(here: Here, operation: Operation) -> None:
    world, run, unit = here.world, here.run, here.unit
    really = world.azure.now(unit.id)
    wanted = {Verb.PREPARE: "prepared", Verb.ABORT: "classic", Verb.COMMIT: "committed"}[operation.verb]
    if really != wanted:
        world.wrong.append(f"{operation.verb.value} was written down as done, and the unit is {really}")
    operation.state = OperationState.SUCCEEDED
    _walk(run, operation.verb, whole=True)
    world.seen[f"{operation.verb.value} done"] += 1
    if operation.verb is Verb.PREPARE:
        run.differences = 1 if world.faults and world.dice.random() < 0.2 else 0
        run.question, run.votes = None, []
    if operation.verb is Verb.ABORT:
        run.ended = True
    here.release(None)
