"""Silence, crashes and contradictions: doubt ends only by reading, and nothing is doubled (engine.md, Protocol)."""

import time
from typing import Any

import pytest

from migrator.gateway.arm import ArmGateway, StaticToken
from migrator.lifecycle import OperationState
from migrator.resources import Verb
from tests.tracker.runs.programme import Programme
from tracker.audit.models import Event
from tracker.runs import actions as runs
from tracker.runs.models import Attempt
from tracker.runs.queries import database_now


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it, nothing is written after it."""


class Dying:
    """A real gateway whose process dies at one moment: before a verb reaches the platform, or after it was answered."""

    def __init__(self, gateway: ArmGateway, verb: Verb, *, after: bool) -> None:
        self.gateway, self.verb, self.after, self.alive = gateway, verb, after, True

    def submit(self, verb: Verb, *args: Any, **named: Any) -> Any:
        if verb is self.verb and self.alive:
            self.alive = False
            if self.after:
                self.gateway.submit(verb, *args, **named)
            raise Killed
        return self.gateway.submit(verb, *args, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.gateway, name)


def advance(programme: Programme, run: Any, gateway: Any) -> str:
    return runs.advance(str(run.pk), gateway=lambda _: gateway, clock=database_now, timings=programme.timings)


@pytest.mark.parametrize("after", [False, True], ids=["before-it-arrived", "after-it-was-answered"])
@pytest.mark.parametrize("verb", [Verb.PREPARE, Verb.COMMIT])
def test_a_worker_killed_around_the_send_loses_and_doubles_nothing(
    programme: Programme, verb: Verb, after: bool
) -> None:
    if verb is Verb.PREPARE:
        run = programme.validated()
        programme.ask(run, "prepare")
    else:
        run = programme.committing()
    with pytest.raises(Killed):
        advance(programme, run, Dying(programme.gateway, verb, after=after))
    operation = run.operations.get(verb=verb)
    assert operation.state == OperationState.SENDING
    assert Attempt.objects.filter(operation=operation, resolved_at__isnull=True).count() == 1
    assert advance(programme, run, programme.gateway) == "not due", "the lease of the dead is respected until it ends"

    goal = ("prepared",) if verb is Verb.PREPARE else ("committed", "verified")
    programme.until(run, lambda: run.state in goal, seconds=20)
    assert len(programme.posts(verb.value)) == 1
    assert programme.state()["violations"] == 0
    assert run.operations.filter(verb=verb).count() == 1
    outcomes = list(Attempt.objects.filter(operation__run=run, operation__verb=verb).values_list("outcome", flat=True))
    assert outcomes[0] == "unknown"


def test_a_commit_that_was_applied_but_answered_500_is_seen_and_not_repeated(programme: Programme) -> None:
    run = programme.committing()
    programme.fault("apply-then-fail", verb="commit", answer=500)
    programme.until(run, lambda: run.state in ("committed", "verified"))
    assert len(programme.posts("commit")) == 1
    assert programme.state()["violations"] == 0


def test_a_commit_whose_connection_dropped_after_it_was_applied_is_seen(programme: Programme) -> None:
    run = programme.committing()
    programme.fault("apply-then-fail", verb="commit", answer="drop")
    programme.until(run, lambda: run.state in ("committed", "verified"))
    assert len(programme.posts("commit")) == 1


def test_a_commit_that_never_arrived_is_sent_again_after_two_looks_without_new_approval(programme: Programme) -> None:
    run = programme.committing()
    programme.fault("fail", verb="commit", code="E03", status=500)
    programme.tick()
    run.refresh_from_db()
    assert run.waiting_code == "unknown"
    assert run.unknown_since is not None
    assert "reading again at" in run.waiting_for
    programme.until(run, lambda: run.state in ("committed", "verified"), seconds=20)
    assert [row["status"] for row in programme.posts("commit")] == [500, 202]
    assert run.unknown_since is None
    looked = Event.objects.filter(type="operation.looked", object_id=str(run.operations.get(verb="commit").pk))
    assert any("two equal looks after the quarantine show it not applied" in event.body for event in looked)


def test_a_throttled_send_waits_as_long_as_the_platform_says(programme: Programme) -> None:
    run = programme.committing()
    programme.fault("throttle", method="POST", unit="shop-net", retry_after=1)
    before = time.monotonic()
    programme.tick()
    run.refresh_from_db()
    assert run.waiting_code == "throttled"
    programme.until(run, lambda: run.state in ("committed", "verified"))
    assert time.monotonic() - before >= 1
    assert [row["status"] for row in programme.posts("commit")] == [429, 202]
    assert programme.state()["throttled_early"] == 0


def test_a_refused_credential_is_for_a_person_and_nothing_is_concluded(programme: Programme) -> None:
    run = programme.committing()
    expired = ArmGateway(programme.simulator.base_url, StaticToken("expired-token"), deadline=5)
    programme.wrap = lambda _: expired
    for _ in range(4):
        programme.tick()
        time.sleep(0.05)
    run.refresh_from_db()
    assert run.state == "prepared"
    assert "expired" in (run.attention + run.waiting_for).lower()
    assert programme.posts("commit") == []
    programme.wrap = lambda gateway: gateway
    programme.until(run, lambda: run.state in ("committed", "verified"))
    expired.close()


def test_a_platform_that_cannot_be_reached_leaves_the_run_waiting_and_nothing_half_done(programme: Programme) -> None:
    run = programme.committing()
    nowhere = ArmGateway("http://127.0.0.1:1", StaticToken("a-token"), deadline=1)
    programme.wrap = lambda _: nowhere
    programme.tick()
    run.refresh_from_db()
    assert run.state == "prepared"
    assert run.waiting_code == "cannot-see"
    assert run.lease_until is None
    programme.wrap = lambda gateway: gateway
    programme.until(run, lambda: run.state in ("committed", "verified"))
    assert len(programme.posts("commit")) == 1
    nowhere.close()


def test_a_failed_prepare_says_what_is_locked_and_abort_is_offered_never_done(programme: Programme) -> None:
    run = programme.validated()
    programme.fault("operation-fails", verb="prepare", code="E28", keeps_lock=True)
    programme.ask(run, "prepare")
    programme.until(run, lambda: bool(run.attention))
    assert run.state == "preparing"
    assert "abort before fixing" in run.attention
    assert programme.posts("abort") == []
    programme.ask(run, "abort")
    programme.until(run, lambda: run.ended_at is not None)
    assert programme.state()["locks"] == {}


def test_a_commit_that_fails_goes_forward_only(programme: Programme) -> None:
    run = programme.committing()
    programme.fault("operation-fails", verb="commit", partial=True)
    programme.until(run, lambda: "will be retried" in run.attention)
    with pytest.raises(runs.RunError, match="forward"):
        programme.ask(run, "abort")
    operation = run.operations.get(verb="commit")
    type(run).objects.filter(pk=run.pk).update(due_at=database_now())  # the wait of a minute, skipped
    programme.until(run, lambda: run.state in ("committed", "verified"), seconds=20)
    operation.refresh_from_db()
    assert operation.sends == 2
    assert programme.state()["violations"] == 0


def test_somebody_elses_abort_is_seen_before_a_commit_is_sent(programme: Programme) -> None:
    run = programme.committing()
    programme.gateway.submit(Verb.ABORT, run.unit.azure_id, client_request_id="portal")
    deadline = time.monotonic() + 8
    while programme.state()["locks"] and time.monotonic() < deadline:
        time.sleep(0.05)
    programme.until(run, lambda: bool(run.attention) or run.waiting_code in ("unknown", "operator", "world-changed"))
    for _ in range(30):
        programme.tick()
        time.sleep(0.05)
    assert programme.posts("commit") == []
    run.refresh_from_db()
    assert run.state == "prepared"


@pytest.mark.parametrize("verb", ["prepare", "abort", "commit"])
def test_succeeded_is_not_believed_while_nothing_has_changed(programme: Programme, verb: str) -> None:
    """reliability-notes 3.2, 128."""
    run = {"prepare": programme.validated, "abort": programme.prepared, "commit": programme.committing}[verb]()
    before = run.state
    programme.fault("says-succeeded", verb=verb)
    if verb != "commit":
        programme.ask(run, verb)
    programme.until(run, lambda: "says succeeded, yet" in run.attention, seconds=20)
    assert run.state in (before, "preparing", "aborting", "committing")
    assert run.ended_at is None
    assert len(programme.posts(verb)) == 1, "nothing is sent again by itself"
    programme.ask(run, "retry")  # the person looked; it begins with a new look
    goal = {"prepare": ("prepared",), "abort": ("assessed",), "commit": ("committed", "verified")}[verb]
    programme.until(run, lambda: run.state in goal, seconds=20)
    assert len(programme.posts(verb)) == 2
    assert programme.state()["violations"] == 0


@pytest.mark.parametrize("verb", ["abort", "commit"])
def test_failed_is_not_believed_when_it_was_carried_out(programme: Programme, verb: str) -> None:
    """reliability-notes 3.2, 129."""
    run = {"abort": programme.prepared, "commit": programme.committing}[verb]()
    programme.fault("says-failed", verb=verb)
    if verb == "abort":
        programme.ask(run, verb)
    programme.until(run, lambda: run.state in ("assessed", "committed", "verified"), seconds=20)
    assert len(programme.posts(verb)) == 1
    assert programme.state()["violations"] == 0


def test_a_prepare_that_says_failed_and_left_everything_prepared_is_shown_as_locked(programme: Programme) -> None:
    """reliability-notes 3.2, 129: what is locked is said, and only a person aborts."""
    run = programme.validated()
    programme.fault("says-failed", verb="prepare")
    programme.ask(run, "prepare")
    programme.until(run, lambda: bool(run.attention), seconds=20)
    assert run.unit.health == "blocked" or "abort before fixing" in run.attention
    assert len(programme.posts("prepare")) == 1 and programme.posts("abort") == []
    programme.ask(run, "abort")
    programme.until(run, lambda: run.ended_at is not None, seconds=20)
    assert programme.state()["locks"] == {}


def test_a_prepare_nobody_heard_of_that_failed_half_way_can_be_aborted(programme: Programme) -> None:
    run = programme.validated()
    programme.ask(run, "prepare")
    programme.fault("operation-fails", verb="prepare", code="E16")
    with pytest.raises(Killed):
        advance(programme, run, Dying(programme.gateway, Verb.PREPARE, after=True))
    run = programme.until(run, lambda: bool(run.attention))
    assert "nothing of it is there in Resource Manager" in run.attention
    assert run.state == "preparing"
    run.unit.refresh_from_db()
    assert run.unit.locked_since is not None
    assert len(programme.posts("prepare")) == 1

    programme.ask(run, "abort")
    programme.until(run, lambda: run.ended_at is not None)
    assert run.outcome == "aborted"
    assert programme.state()["locks"] == {}


def test_what_was_deleted_by_hand_while_prepared_is_not_committed(programme: Programme) -> None:
    """reliability-notes 3.2, 136."""
    run = programme.committing()
    programme.simulator.control("vanish", {"id": run.unit.azure_id})
    programme.until(run, lambda: bool(run.attention), seconds=20)
    for _ in range(20):
        programme.tick()
        time.sleep(0.02)
    run.refresh_from_db()
    assert programme.posts("commit") == []
    assert run.state == "prepared" and run.ended_at is None
    assert run.attention


def test_messages_that_come_twice_late_or_for_nothing_do_nothing(programme: Programme) -> None:
    run = programme.prepared()
    for _ in range(3):
        assert advance(programme, run, programme.gateway) == "not due"
    strange = "0190163d-8694-739b-aea5-966c26f8ad91"
    assert runs.advance(
        strange, gateway=lambda _: programme.gateway, clock=database_now, timings=programme.timings
    ) == ("not due")
