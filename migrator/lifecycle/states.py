"""Progress, health and the states of an operation, with the tables of legal moves: one source for the engine, the
database's guards, the pages and the manual."""

from collections.abc import Mapping
from enum import StrEnum

from migrator.resources import Verb


class State(StrEnum):
    """Progress of a unit, and of the run that moves it."""

    DISCOVERED = "discovered"
    ASSESSED = "assessed"
    PLANNED = "planned"
    VALIDATED = "validated"
    PREPARING = "preparing"
    PREPARED = "prepared"
    COMMITTING = "committing"
    COMMITTED = "committed"
    VERIFIED = "verified"
    CLOSED = "closed"
    ABORTING = "aborting"
    EXCLUDED = "excluded"


ALLOWED: Mapping[State, frozenset[State]] = {
    State.DISCOVERED: frozenset({State.ASSESSED, State.EXCLUDED}),
    State.ASSESSED: frozenset({State.PLANNED, State.EXCLUDED}),
    State.PLANNED: frozenset({State.ASSESSED, State.VALIDATED, State.PREPARING, State.EXCLUDED}),
    State.VALIDATED: frozenset({State.ASSESSED, State.PLANNED, State.PREPARING, State.EXCLUDED}),
    State.PREPARING: frozenset({State.PREPARED, State.ABORTING, State.ASSESSED}),
    State.PREPARED: frozenset({State.COMMITTING, State.ABORTING}),
    State.ABORTING: frozenset({State.ASSESSED}),
    State.COMMITTING: frozenset({State.COMMITTED}),
    State.COMMITTED: frozenset({State.VERIFIED}),
    State.VERIFIED: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
    State.EXCLUDED: frozenset({State.DISCOVERED, State.ASSESSED}),
}

# A run lives while it is in one of these and has no end time.
LOCKED = frozenset({State.PREPARING, State.PREPARED, State.ABORTING, State.COMMITTING})


class Health(StrEnum):
    ON_TRACK = "on track"
    AT_RISK = "at risk"
    BLOCKED = "blocked"
    FAILED = "failed"
    STALE = "stale"


class OperationState(StrEnum):
    """One verb of one run (engine.md, Tables)."""

    READY = "ready"
    SENDING = "sending"
    POLLING = "polling"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    HELD = "held"
    OPERATOR = "operator"
    CANCELLED = "cancelled"


LIVE_OPERATION = frozenset(
    {
        OperationState.READY,
        OperationState.SENDING,
        OperationState.POLLING,
        OperationState.UNKNOWN,
        OperationState.HELD,
    }
)
OPERATION_ALLOWED: Mapping[OperationState, frozenset[OperationState]] = {
    OperationState.READY: frozenset(
        {
            OperationState.SENDING,
            OperationState.UNKNOWN,
            OperationState.HELD,
            OperationState.CANCELLED,
            OperationState.SUCCEEDED,
            OperationState.FAILED,
            OperationState.OPERATOR,
        }
    ),
    OperationState.SENDING: frozenset(
        {
            OperationState.READY,
            OperationState.POLLING,
            OperationState.UNKNOWN,
            OperationState.SUCCEEDED,
            OperationState.FAILED,
        }
    ),
    OperationState.POLLING: frozenset(
        {
            OperationState.UNKNOWN,
            OperationState.SUCCEEDED,
            OperationState.FAILED,
            OperationState.OPERATOR,
        }
    ),
    OperationState.UNKNOWN: frozenset(
        {
            OperationState.READY,
            OperationState.POLLING,
            OperationState.SUCCEEDED,
            OperationState.FAILED,
            OperationState.OPERATOR,
        }
    ),
    OperationState.HELD: frozenset({OperationState.READY, OperationState.CANCELLED}),
    OperationState.OPERATOR: frozenset({OperationState.UNKNOWN, OperationState.FAILED}),
    OperationState.SUCCEEDED: frozenset(),
    OperationState.FAILED: frozenset(),
    OperationState.CANCELLED: frozenset(),
}


# What a person may ask of a run in each state; the page, the API and `runs.actions.ask` read it (retry, hold and cancel
# apart).
ASKABLE: Mapping[State, frozenset[Verb]] = {
    State.PLANNED: frozenset({Verb.VALIDATE}),
    State.VALIDATED: frozenset({Verb.VALIDATE, Verb.PREPARE}),
    State.PREPARING: frozenset({Verb.PREPARE, Verb.ABORT}),  # only after the live Prepare has ended in failure
    State.PREPARED: frozenset({Verb.ABORT, Verb.COMMIT}),
    State.COMMITTING: frozenset({Verb.COMMIT}),  # forward only
    State.ABORTING: frozenset({Verb.ABORT}),
}

# States a run passes on the way to the success of a verb, in order.
PATH: Mapping[Verb, tuple[State, ...]] = {
    Verb.VALIDATE: (State.VALIDATED,),
    Verb.PREPARE: (State.PREPARING, State.PREPARED),
    Verb.ABORT: (State.ABORTING, State.ASSESSED),
    Verb.COMMIT: (State.COMMITTING, State.COMMITTED),
}


def reachable(start: State) -> frozenset[State]:
    """Every state that some path of legal moves leads to from `start`."""
    found: set[State] = set()
    todo = [start]
    while todo:
        for nxt in ALLOWED[todo.pop()]:
            if nxt not in found:
                found.add(nxt)
                todo.append(nxt)
    return frozenset(found)
