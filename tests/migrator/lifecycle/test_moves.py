"""The table of legal moves, walked (architecture.md 5)."""

import pytest

from migrator.lifecycle import (
    ALLOWED,
    ASKABLE,
    LIVE,
    LIVE_OPERATION,
    LOCKED,
    OPERATION_ALLOWED,
    PATH,
    REHEARSAL,
    OperationState,
    State,
    Timings,
    reachable,
)
from migrator.resources import Verb


def test_every_state_is_in_the_table() -> None:
    assert set(ALLOWED) == set(State)
    assert set(OPERATION_ALLOWED) == set(OperationState)


def test_no_path_leads_from_committing_to_aborting() -> None:
    assert State.ABORTING not in reachable(State.COMMITTING)
    assert reachable(State.COMMITTING) == {State.COMMITTED, State.VERIFIED, State.CLOSED}


def test_a_locked_unit_cannot_be_excluded_or_forgotten() -> None:
    for state in LOCKED:
        assert State.EXCLUDED not in ALLOWED[state]


def test_everything_is_reached_from_the_beginning_and_nothing_leaves_the_end() -> None:
    assert reachable(State.DISCOVERED) == set(State)  # a unit taken back in is discovered again
    assert ALLOWED[State.CLOSED] == frozenset()


def test_the_path_of_each_verb_is_made_of_legal_moves() -> None:
    starts = {verb: [state for state, verbs in ASKABLE.items() if verb in verbs] for verb in Verb}
    for verb, path in PATH.items():
        for start in starts[verb]:
            here = start
            for state in path:
                assert state is here or state in ALLOWED[here], (verb, here, state)
                here = state


def test_abort_is_never_offered_from_committing_on() -> None:
    for state in (State.COMMITTING, State.COMMITTED, State.VERIFIED, State.CLOSED):
        assert Verb.ABORT not in ASKABLE.get(state, frozenset())


def test_ended_operations_stay_ended() -> None:
    for state in (OperationState.SUCCEEDED, OperationState.FAILED, OperationState.CANCELLED):
        assert OPERATION_ALLOWED[state] == frozenset()
        assert state not in LIVE_OPERATION


def test_the_quarantine_outlasts_the_latest_arrival() -> None:
    for timings in (LIVE, REHEARSAL):
        assert timings.quarantine >= timings.http_deadline + timings.late_arrival + timings.margin
    with pytest.raises(ValueError, match="quarantine"):
        Timings(quarantine=120)
