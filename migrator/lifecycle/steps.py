"""One step of a run as decisions on values: who may take it, what it is, what has to be open before a verb is armed,
whether it is still time to send, what an answer means and what is kept in mind until the next look.

The engine (tracker/runs) and the deterministic simulation (tests/proof/simulation) both go by these functions.
Rules: engine.md, Protocol of one step; reliability-notes 4.1, 4.4 and 4.6.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from migrator.lifecycle.looks import Doubt, Seen, Status, Submit, Wait
from migrator.lifecycle.states import ALLOWED, ASKABLE, PATH, OperationState, State
from migrator.lifecycle.timings import Timings
from migrator.resources import Verb


class Step(StrEnum):
    """What a worker that claimed a run does with its live operation."""

    SEND = "send"  # ask the gates, look, arm, send, record
    VANISHED = "vanished"  # somebody armed and never recorded an answer
    LOOK = "look"  # read and decide


def claimable(*, ended: bool, due_at: datetime | None, lease_until: datetime | None, now: datetime) -> bool:
    """Whether a run may be claimed. The engine asks the same in SQL, in one conditional update."""
    return not ended and due_at is not None and due_at <= now and (lease_until is None or lease_until < now)


def step(state: OperationState) -> Step:
    """The step of a live operation."""
    match state:
        case OperationState.READY | OperationState.HELD:
            return Step.SEND
        case OperationState.SENDING:
            return Step.VANISHED
        case _:
            return Step.LOOK


class GateName(StrEnum):
    """What has to be open at the second a verb is armed."""

    STOPPING = "stopping"  # no freeze, no hold, the line of the wave not stopped
    WINDOW = "window"
    OBSERVED = "observed"  # seen to be prepared
    DIFFERENCES = "differences"  # nothing unexpected without a disposition
    QUOTA = "quota"
    WAVE_APPROVAL = "wave approval"
    COMMIT_APPROVAL = "commit approval"
    ORDER = "order"  # what goes before it is through: machines before the storage of their disks
    FITS = "fits"  # can be expected to end before the window closes, and before a planned freeze begins


GATES: Mapping[Verb, tuple[GateName, ...]] = {
    Verb.VALIDATE: (GateName.STOPPING, GateName.ORDER),
    Verb.PREPARE: (
        GateName.STOPPING,
        GateName.ORDER,
        GateName.WINDOW,
        GateName.QUOTA,
        GateName.WAVE_APPROVAL,
        GateName.FITS,
    ),
    Verb.ABORT: (GateName.STOPPING,),  # the way back is never closed by a window
    Verb.COMMIT: (
        GateName.STOPPING,
        GateName.WINDOW,
        GateName.OBSERVED,
        GateName.DIFFERENCES,
        GateName.QUOTA,
        GateName.COMMIT_APPROVAL,
        GateName.FITS,
    ),
}


def gates_of(verb: Verb, *, commit_armed: bool) -> tuple[GateName, ...]:
    """The gates of an arming, in the order they are told. Once a Commit was armed the irreversible decision is taken:
    sending it again needs no approval, but obeys freeze and window (reliability-notes 4.1, rule 9)."""
    if verb is Verb.COMMIT and commit_armed:
        return GATES[verb][:2]
    return GATES[verb]


def asked_verbs(state: State, *, commit_armed: bool) -> frozenset[Verb]:
    """What may be asked of a run in this state; Abort never again once a Commit was armed."""
    verbs = ASKABLE.get(state, frozenset())
    return verbs - {Verb.ABORT} if commit_armed else verbs


def cancellable(run: State, verb: Verb | None, state: OperationState | None, *, sends: int) -> bool:
    """Only what was never sent can be cancelled (reliability-notes P09). `verb`, `state`: of the live operation."""
    if run not in (State.PLANNED, State.VALIDATED):
        return False
    if verb is None:
        return True
    return state in (OperationState.READY, OperationState.HELD) and not (verb is Verb.PREPARE and sends > 0)


def too_late(armed: float, now: float, timings: Timings) -> bool:
    """Whether this process slept since it armed: then nothing is sent. Seconds of a clock that runs while the machine
    is suspended (reliability-notes 4.6)."""
    return now - armed > timings.self_fence


class Heard(StrEnum):
    """How the platform answered one send."""

    ACCEPTED = "accepted"
    DONE = "done"  # 200 with the result in it: Validate
    THROTTLED = "throttled"  # 429: not processed
    REFUSED = "refused"  # a definite 4xx, and the look after it shows no move
    REFUSED_FOR_NOW = "refused for now"  # the same, and the error catalogue says: later
    SILENCE = "silence"  # time-out, reset, 5xx, a conflict, or a refusal that the look after it contradicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What an answer makes of the operation. `after`: seconds to the next step; None: when a person asks."""

    state: OperationState
    after: float | None
    tries: int


def settle(heard: Heard, *, tries: int, asked: float | None, timings: Timings) -> Settled:
    """What one answer means. `asked`: the platform's Retry-After in seconds; `tries`: looks and sends so far that
    settled nothing."""
    match heard:
        case Heard.ACCEPTED:
            return Settled(state=OperationState.POLLING, after=asked or float(timings.poll), tries=tries)
        case Heard.DONE:
            return Settled(state=OperationState.SUCCEEDED, after=None, tries=tries)
        case Heard.THROTTLED:
            return Settled(state=OperationState.READY, after=asked or float(timings.poll), tries=tries)
        case Heard.REFUSED_FOR_NOW if tries + 1 < timings.tries:
            wait = asked or float(timings.confirm * (1 + min(tries, 5)))
            return Settled(state=OperationState.READY, after=wait, tries=tries + 1)
        case Heard.REFUSED | Heard.REFUSED_FOR_NOW:
            return Settled(state=OperationState.FAILED, after=None, tries=tries)
        case Heard.SILENCE:
            return Settled(state=OperationState.UNKNOWN, after=asked or float(timings.look_again), tries=tries + 1)
        case _:
            assert_never(heard)


def after_vanishing(armed_at: datetime, now: datetime, timings: Timings) -> float:
    """Seconds until the first look at what a vanished process sent: its request may still be on the wire."""
    on_the_wire = (armed_at + timedelta(seconds=timings.http_deadline) - now).total_seconds()
    return max(0.0, min(on_the_wire, float(timings.confirm)))


def ended_on_paper(seen: Seen, state: OperationState) -> bool:
    """The status says it succeeded, and what is there does not show it yet."""
    return state is OperationState.POLLING and seen.status is Status.SUCCEEDED


def carried(doubt: Doubt, seen: Seen, decision: Wait | Submit) -> Doubt:
    """What is kept in mind after a look that did not end the operation."""
    if isinstance(decision, Submit):
        return replace(doubt, state=OperationState.READY, tries=doubt.tries + 1, candidate="", candidate_at=None)
    at_work = decision.state is OperationState.POLLING and seen.status is Status.IN_PROGRESS
    blind = ended_on_paper(seen, decision.state) and not seen.readable  # nobody is called for what cannot be read
    since = doubt.candidate_at if decision.candidate == doubt.candidate else seen.at
    return replace(
        doubt,
        state=decision.state,
        tries=doubt.tries if at_work or blind or decision.candidate else doubt.tries + 1,
        candidate=decision.candidate,
        candidate_at=since if decision.candidate else None,
    )


def walk(state: State, verb: Verb, *, whole: bool) -> tuple[State, ...]:
    """The states a run moves through: only the first of the verb's path when the platform took it, all of them when it
    was seen done."""
    found: list[State] = []
    for after in PATH[verb] if whole else PATH[verb][:-1]:
        if after != state and after in ALLOWED[state]:
            found.append(after)
            state = after
    return tuple(found)
