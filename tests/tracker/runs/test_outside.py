"""What somebody else does in Azure is seen after a sync, told once, and can be taken over; nothing is sent for it."""

import time
import uuid

import pytest

from migrator.resources import Verb
from tests.tracker.runs.programme import QUICK, Programme
from tracker.audit.models import Event
from tracker.followups.models import FollowUp
from tracker.runs import actions as runs
from tracker.runs.models import Attempt, Run
from tracker.runs.queries import database_now
from tracker.runs.watch_models import Drift, EndCheck

NET = "shop-net"


def elsewhere(programme: Programme, verb: Verb, name: str = NET) -> None:
    """Somebody sends a verb with another tool, and it ends."""
    unit = programme.unit(name)
    answer = programme.gateway.submit(verb, unit.azure_id, client_request_id=str(uuid.uuid4()))
    deadline = time.monotonic() + 10
    while answer.status_url and time.monotonic() < deadline:
        if programme.gateway.poll(answer.status_url).status.value == "succeeded":
            return
        time.sleep(0.02)


def reconciled(programme: Programme) -> list[Drift]:
    programme.read()
    for subscription in programme.subscriptions:
        runs.reconcile(subscription, programme.gateway, database_now, QUICK)
    return list(Drift.objects.filter(ended_at__isnull=True))


def told(kind: str) -> int:
    return Event.objects.filter(type=kind).count()


def sent(programme: Programme) -> int:
    """Requests that change something, whoever sent them."""
    return sum(len(programme.posts(verb.value)) for verb in (Verb.PREPARE, Verb.ABORT, Verb.COMMIT))


def test_a_unit_somebody_prepared_is_told_once_and_taken_over_into_a_run(programme: Programme) -> None:
    programme.approved(NET)
    assert reconciled(programme) == [], "an estate as it was read is as it should be"
    elsewhere(programme, Verb.PREPARE)
    before = sent(programme)
    (drift,) = [row for row in reconciled(programme) if row.kind == "locked outside"]
    unit = programme.unit(NET)
    assert (unit.locked_since is not None, unit.health) == (True, "at risk")
    assert "no run here prepared it" in drift.said
    events = told("drift.seen")
    reconciled(programme)
    assert told("drift.seen") == events, "unchanged: no new event"

    with pytest.raises(runs.NotYet, match="Say why"):
        runs.adopt(drift, reason=" ", by=programme.tomas, now=database_now())
    run = runs.adopt(drift, reason="the pilot of March", by=programme.tomas, now=database_now())
    programme.until(run, lambda: run.state == "prepared")
    assert hasattr(Run.objects.get(pk=run.pk), "comparison"), "what was taken over is compared like our own"
    assert sent(programme) == before
    assert Attempt.objects.filter(operation__run=run).count() == 0
    assert not Drift.objects.filter(kind="locked outside", ended_at__isnull=True).exists()

    programme.ask(run, "abort")
    programme.until(run, lambda: run.ended_at is not None)
    assert run.outcome == "aborted"


def test_the_lock_of_somebody_else_that_is_gone_again_ends_by_itself(programme: Programme) -> None:
    elsewhere(programme, Verb.PREPARE)
    assert [row.kind for row in reconciled(programme)] == ["locked outside"]
    elsewhere(programme, Verb.ABORT)
    assert reconciled(programme) == []
    assert told("drift.ended") == 1
    unit = programme.unit(NET)
    assert (unit.health, unit.locked_since) == ("on track", None)


def test_a_prepared_run_somebody_aborted_is_told_and_ends_when_taken_over(programme: Programme) -> None:
    run = programme.prepared()
    elsewhere(programme, Verb.ABORT)
    before = sent(programme)
    (drift,) = [row for row in reconciled(programme) if row.run_id == run.pk and row.kind != "changed after approval"]
    assert drift.kind == "unlocked outside"
    run.refresh_from_db()
    assert "somebody aborted it" in run.attention
    assert run.state == "prepared", "nothing moves by itself"
    runs.adopt(drift, reason="it was me", by=programme.tomas, now=database_now())
    programme.until(run, lambda: run.ended_at is not None)
    assert (run.outcome, sent(programme)) == ("aborted", before)


def test_a_prepared_run_somebody_committed_is_told_and_counts_as_committed_when_taken_over(
    programme: Programme,
) -> None:
    run = programme.prepared()
    elsewhere(programme, Verb.COMMIT)
    (drift,) = [row for row in reconciled(programme) if row.kind == "migrated outside"]
    runs.adopt(drift, reason="Microsoft did", by=programme.tomas, now=database_now())
    programme.until(run, lambda: run.state in ("committed", "verified", "closed"))
    assert len(programme.posts("commit")) == 1, "the one that came from elsewhere"
    assert run.commit_armed_at is None, "nothing was armed here"
    assert run.unit.drifts.filter(ended_at__isnull=True).count() == 0


def test_a_taken_over_verb_that_is_gone_before_it_was_read_is_not_sent(programme: Programme) -> None:
    programme.approved(NET)
    elsewhere(programme, Verb.PREPARE)
    (drift,) = [row for row in reconciled(programme) if row.kind == "locked outside"]
    run = runs.adopt(drift, reason="ours now", by=programme.tomas, now=database_now())
    elsewhere(programme, Verb.ABORT)
    before = sent(programme)
    programme.until(run, lambda: bool(run.attention) and run.due_at is None)
    assert "Nothing was sent" in run.attention
    assert sent(programme) == before
    assert run.operations.get().state == "failed"


def test_a_unit_that_changed_after_its_wave_was_approved_is_told(programme: Programme) -> None:
    wave = programme.approved(NET)
    unit = programme.unit(NET)
    member = unit.members.exclude(key=unit.key).first()
    assert member is not None
    type(member).objects.filter(pk=member.pk).update(digest="0" * 64)
    runs.reconcile(programme.subscriptions[0], programme.gateway, database_now, QUICK)
    (drift,) = Drift.objects.filter(ended_at__isnull=True)
    assert (drift.kind, drift.unit_id) == ("changed after approval", unit.pk)
    assert wave.name in drift.said
    type(member).objects.filter(pk=member.pk).update(digest=member.digest)
    runs.reconcile(programme.subscriptions[0], programme.gateway, database_now, QUICK)
    assert not Drift.objects.filter(ended_at__isnull=True).exists()


def test_a_noted_difference_stays_listed_and_a_reader_may_do_nothing(programme: Programme) -> None:
    elsewhere(programme, Verb.PREPARE)
    (drift,) = reconciled(programme)
    with pytest.raises(Exception, match="may not"):
        runs.note(drift, reason="seen", by=programme.noor, now=database_now())
    runs.note(drift, reason="the pilot; they abort it on Friday", by=programme.tomas, now=database_now())
    (drift,) = reconciled(programme)
    assert drift.note.startswith("the pilot")
    with pytest.raises(runs.Illegal, match="in no wave"):
        runs.adopt(drift, reason="ours", by=programme.tomas, now=database_now())


def test_an_end_is_read_three_times_and_a_changed_world_is_told(programme: Programme) -> None:
    run = programme.prepared()
    programme.ask(run, "abort")
    programme.until(run, lambda: run.ended_at is not None)
    rows = list(EndCheck.objects.filter(run=run))
    assert [(row.number, row.ended) for row in rows] == [(1, "aborted"), (2, "aborted"), (3, "aborted")]
    waits = [round((row.due_at - rows[0].due_at).total_seconds()) for row in rows]
    assert waits == [0, QUICK.second_check, QUICK.third_check]

    def checked(row: EndCheck) -> str:
        EndCheck.objects.filter(pk=row.pk).update(due_at=database_now())
        assert row.pk in runs.due_checks(database_now())
        return runs.check(row.pk, gateway=lambda _: programme.gateway, clock=database_now, timings=QUICK)

    assert checked(rows[0]) == "checked: classic"
    assert runs.check(rows[0].pk, gateway=lambda _: programme.gateway, clock=database_now, timings=QUICK) == "not due"
    elsewhere(programme, Verb.PREPARE)
    assert checked(rows[1]) == "checked: prepared"
    rows[1].refresh_from_db()
    assert "no run here prepared it" in rows[1].said
    assert Drift.objects.get(ended_at__isnull=True).source == "check"


def test_what_waits_for_its_follow_ups_is_not_looked_at_until_the_last_is_closed(programme: Programme) -> None:
    run = programme.committing()
    programme.until(run, lambda: run.state == "verified" and run.due_at is None)
    assert EndCheck.objects.get(run=run, number=1).world == "migrated", "the reading that verified it"
    assert str(run.pk) not in runs.ring_due()
    assert FollowUp.objects.filter(unit=run.unit, holds=False, state="to-do").exists(), (
        "the work of people holds nobody"
    )
    FollowUp.objects.filter(unit=run.unit, holds=True).update(
        state="closed", closed_how="seen", closed_at=database_now(), due_at=None
    )
    programme.until(run, lambda: run.ended_at is not None)
    assert run.outcome == "closed"
