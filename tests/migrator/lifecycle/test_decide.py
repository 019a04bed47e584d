"""What one look means (reliability-notes 4.7), row by row, and the promises that hold for every look."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.lifecycle import (
    EXPECTED_AFTER,
    LIVE,
    Doubt,
    Move,
    Need,
    OperationState,
    Seen,
    Side,
    Status,
    Submit,
    Wait,
    World,
    decide,
    may_send,
)
from migrator.resources import Verb

T0 = datetime(2026, 11, 22, 2, 14, tzinfo=UTC)

SIDES = {
    World.CLASSIC: (Side.PRESENT, Side.ABSENT),
    World.PREPARED: (Side.PREPARED, Side.PRESENT),
    World.HALF: (Side.PREPARED, Side.ABSENT),
    World.MIGRATED: (Side.ABSENT, Side.PRESENT),
    World.MOVING: (Side.COMMITTING, Side.PRESENT),
    World.NOWHERE: (Side.ABSENT, Side.ABSENT),
    World.UNSEEN: (Side.UNREADABLE, Side.PRESENT),
    World.PARTLY: (Side.PREPARED, Side.PRESENT),
}


def look(status: Status, world: World, *, after: float = 0.0, **more: object) -> Seen:
    classic, arm = SIDES[world]
    parts = {"parts_only": world is World.PARTLY}
    seen = Seen(at=T0 + timedelta(seconds=after), status=status, classic=classic, arm=arm, **parts, **more)
    assert seen.world is world
    return seen


def doubt(verb: Verb, state: OperationState = OperationState.UNKNOWN, **more: object) -> Doubt:
    return Doubt(**{"state": state, "verb": verb, "armed_at": T0, "tries": 0, **more})


def test_a_prepared_unit_is_seen_without_the_platforms_own_mark() -> None:
    """migrationState is only inferred to be shown; both sides present says the same."""
    seen = Seen(at=T0, status=Status.NONE, classic=Side.PRESENT, arm=Side.PRESENT)
    assert seen.world is World.PREPARED


@pytest.mark.parametrize("verb", list(Verb))
def test_succeeded_and_seen_is_success(verb: Verb) -> None:
    decision = decide(doubt(verb, OperationState.POLLING), look(Status.SUCCEEDED, EXPECTED_AFTER[verb]), LIVE)
    assert isinstance(decision, Move)
    assert decision.to is OperationState.SUCCEEDED


def test_succeeded_but_not_seen_is_read_again() -> None:
    decision = decide(doubt(Verb.COMMIT, OperationState.POLLING), look(Status.SUCCEEDED, World.PREPARED), LIVE)
    assert isinstance(decision, Wait)


def test_in_progress_is_polled_at_the_platforms_own_pace() -> None:
    decision = decide(doubt(Verb.PREPARE), look(Status.IN_PROGRESS, World.MOVING, retry_after=27.0), LIVE)
    assert decision == Wait(27.0, OperationState.POLLING, "the platform is at work")


def test_polling_stretches_with_the_number_in_flight() -> None:
    few = decide(doubt(Verb.PREPARE), look(Status.IN_PROGRESS, World.MOVING), LIVE, in_flight=10)
    many = decide(doubt(Verb.PREPARE), look(Status.IN_PROGRESS, World.MOVING), LIVE, in_flight=600)
    assert isinstance(few, Wait)
    assert isinstance(many, Wait)
    assert many.seconds > few.seconds


def test_a_silent_commit_that_was_applied_needs_two_equal_looks() -> None:
    first = decide(doubt(Verb.COMMIT), look(Status.NONE, World.MIGRATED, after=20), LIVE)
    assert isinstance(first, Wait)
    assert first.candidate == "applied"
    remembered = doubt(Verb.COMMIT, candidate="applied", candidate_at=T0 + timedelta(seconds=20))
    early = decide(remembered, look(Status.NONE, World.MIGRATED, after=50), LIVE)
    assert isinstance(early, Wait)
    second = decide(remembered, look(Status.NONE, World.MIGRATED, after=81), LIVE)
    assert isinstance(second, Move)
    assert second.to is OperationState.SUCCEEDED


def test_a_silent_commit_is_not_sent_again_before_the_quarantine() -> None:
    decision = decide(doubt(Verb.COMMIT), look(Status.NONE, World.PREPARED, after=100), LIVE)
    assert isinstance(decision, Wait)
    assert decision.seconds == pytest.approx(200)
    assert decision.candidate == ""


def test_a_silent_commit_is_sent_again_after_two_looks_behind_the_quarantine() -> None:
    first = decide(doubt(Verb.COMMIT), look(Status.GONE, World.PREPARED, after=301), LIVE)
    assert isinstance(first, Wait)
    assert first.candidate == "not applied"
    remembered = doubt(Verb.COMMIT, candidate="not applied", candidate_at=T0 + timedelta(seconds=301))
    second = decide(remembered, look(Status.GONE, World.PREPARED, after=362), LIVE)
    assert isinstance(second, Submit)


def test_looks_that_disagree_start_over() -> None:
    remembered = doubt(Verb.COMMIT, candidate="not applied", candidate_at=T0 + timedelta(seconds=310))
    decision = decide(remembered, look(Status.NONE, World.MIGRATED, after=400), LIVE)
    assert isinstance(decision, Wait)
    assert decision.candidate == "applied"


def test_a_failed_prepare_is_never_aborted_by_itself() -> None:
    decision = decide(doubt(Verb.PREPARE, OperationState.POLLING), look(Status.FAILED, World.PREPARED, code="X"), LIVE)
    assert decision == Move(OperationState.FAILED, "X")


def test_a_failed_commit_goes_forward_only_and_ends_with_a_person() -> None:
    again = decide(doubt(Verb.COMMIT, OperationState.POLLING), look(Status.FAILED, World.PREPARED, code="X"), LIVE)
    assert isinstance(again, Submit)
    assert again.after >= 60
    tired = decide(doubt(Verb.COMMIT, OperationState.POLLING, tries=11), look(Status.FAILED, World.PREPARED), LIVE)
    assert isinstance(tired, Need)


@pytest.mark.parametrize("verb", [Verb.COMMIT, Verb.ABORT])
def test_on_neither_side_is_a_contradiction_for_a_person(verb: Verb) -> None:
    assert isinstance(decide(doubt(verb), look(Status.NONE, World.NOWHERE), LIVE), Need)


def test_not_seeing_never_concludes() -> None:
    for verb in Verb:
        for status in Status:
            decision = decide(doubt(verb), look(status, World.UNSEEN, after=1000), LIVE)
            if verb is Verb.VALIDATE and status in (Status.SUCCEEDED, Status.FAILED):
                continue  # Validate changes nothing: its own answer is the whole truth
            assert isinstance(decision, Wait), (verb, status, decision)


def test_a_success_that_is_never_seen_ends_with_a_person() -> None:
    waiting = decide(doubt(Verb.COMMIT, OperationState.POLLING), look(Status.SUCCEEDED, World.PREPARED), LIVE)
    assert isinstance(waiting, Wait)
    tired = decide(doubt(Verb.COMMIT, OperationState.POLLING, tries=12), look(Status.SUCCEEDED, World.PREPARED), LIVE)
    assert isinstance(tired, Need)


def test_a_unit_gone_in_part_is_no_prepared_one() -> None:
    assert not may_send(Verb.COMMIT, World.PARTLY, sends=0)
    assert may_send(Verb.COMMIT, World.PARTLY, sends=1), "after a commit that failed half-way it only goes forward"
    assert isinstance(decide(doubt(Verb.COMMIT), look(Status.NONE, World.PARTLY, after=1000), LIVE), Wait)
    assert isinstance(decide(doubt(Verb.COMMIT, tries=12), look(Status.NONE, World.PARTLY, after=1000), LIVE), Need)
    assert isinstance(decide(doubt(Verb.COMMIT, armed_at=None), look(Status.NONE, World.PARTLY), LIVE), Need)


@given(
    verb=st.sampled_from(list(Verb)),
    status=st.sampled_from(list(Status)),
    world=st.sampled_from(list(World)),
    after=st.floats(0, 10_000),
    tries=st.integers(0, 20),
    candidate=st.sampled_from(["", "applied", "not applied"]),
    candidate_age=st.floats(0, 1000),
)
def test_the_promises_hold_for_every_look(
    verb: Verb, status: Status, world: World, after: float, tries: int, candidate: str, candidate_age: float
) -> None:
    """Success only when seen; a second send of an irreversible verb never from silence inside the quarantine; waits are
    bounded.
    """
    seen = look(status, world, after=after)
    at = seen.at - timedelta(seconds=candidate_age)
    remembered = doubt(verb, tries=tries, candidate=candidate, candidate_at=at if candidate else None)
    decision = decide(remembered, seen, LIVE)
    match decision:
        case Move(to=OperationState.SUCCEEDED) if verb is not Verb.VALIDATE:
            assert world is EXPECTED_AFTER[verb]
        case Submit() if verb is not Verb.VALIDATE:
            assert world is not EXPECTED_AFTER[verb]
            assert world is not World.UNSEEN
            assert status is Status.FAILED or after >= LIVE.quarantine
            assert status is Status.FAILED or (candidate == "not applied" and candidate_age >= LIVE.confirm - 1e-6)
        case Wait():
            assert 0 <= decision.seconds <= 3600
            assert decision.state in (OperationState.POLLING, OperationState.UNKNOWN)
        case _:
            pass


def test_nothing_is_sent_into_a_world_that_is_not_as_expected() -> None:
    assert may_send(Verb.COMMIT, World.PREPARED, sends=0)
    for world in World:
        if world is not World.PREPARED:
            assert not may_send(Verb.COMMIT, world, sends=0)
        if world is not World.CLASSIC:
            assert not may_send(Verb.PREPARE, world, sends=0)
            assert not may_send(Verb.VALIDATE, world, sends=0)
    assert not any(may_send(verb, World.UNSEEN, sends=3) for verb in Verb)
    assert not any(may_send(verb, World.MIGRATED, sends=3) for verb in Verb)


def test_what_is_marked_prepared_and_is_not_there_is_for_a_person() -> None:
    """As a Prepare that failed half-way may leave it; Abort is the way back, Commit is never sent."""
    first = decide(doubt(Verb.PREPARE), look(Status.NONE, World.HALF, after=1000), LIVE)
    assert isinstance(first, Wait) and first.candidate == "half prepared"
    again = doubt(Verb.PREPARE, candidate=first.candidate, candidate_at=look(Status.NONE, World.HALF, after=1000).at)
    second = decide(again, look(Status.NONE, World.HALF, after=1061), LIVE)
    assert isinstance(second, Need) and "Abort" in second.what
    assert may_send(Verb.ABORT, World.HALF, sends=0)
    assert not may_send(Verb.COMMIT, World.HALF, sends=0)
    assert isinstance(decide(doubt(Verb.COMMIT), look(Status.NONE, World.HALF, after=1000), LIVE), Need)
