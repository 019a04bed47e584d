"""What may not happen: refused by the action with a sentence, and by the database itself whatever the way in."""

from datetime import UTC, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tests.tracker.runs.programme import Programme
from tracker.accounts.actions import Denied
from tracker.accounts.permissions import Role
from tracker.audit.models import Event
from tracker.audit.values import uuid7
from tracker.runs import actions as runs
from tracker.runs import wave_facts
from tracker.runs.models import Attempt, Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves import queries as waves_queries
from tracker.waves.models import Approval


def refused(code: str, sql: str, values: list[Any] | None = None) -> None:
    """The statement is refused by the database with this SQLSTATE; what was before stays."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values or [])
    state = getattr(caught.value.__cause__, "sqlstate", "")
    assert state == code, f"{state}: {caught.value}"


def test_a_run_needs_an_approved_wave(programme: Programme) -> None:
    programme.wave("shop-net")
    with pytest.raises(runs.NotApproved, match="not approved"):
        runs.start(programme.unit("shop-net"), by=programme.tomas, now=database_now())
    assert Run.objects.count() == 0


def test_a_programme_manager_may_not_operate_and_the_attempt_is_on_record(programme: Programme) -> None:
    programme.approved("shop-net")
    with pytest.raises(Denied, match="operate runs"):
        runs.start(programme.unit("shop-net"), by=programme.maya, now=database_now())
    assert Event.objects.filter(type="access.denied", actor=programme.maya.actor.key).count() == 1


def test_one_live_run_per_unit(programme: Programme) -> None:
    run = programme.started()
    with pytest.raises(runs.Illegal, match="already has a live run"):
        runs.start(programme.unit("shop-net"), by=programme.tomas, now=database_now())
    refused(
        "23505",
        "INSERT INTO tracker_run (id, unit_id, wave_id, state, started_by, started_at, outcome, members, fence,"
        " attention, waiting_code, waiting_for, checks)"
        " SELECT %s, unit_id, wave_id, 'planned', 'x', now(), '', '[]', 0, '', '', '', 0"
        " FROM tracker_run WHERE id = %s",
        [uuid7(database_now()), run.pk],
    )


@pytest.mark.parametrize("target", ["committed", "prepared", "aborting", "closed", "nonsense"])
def test_the_database_refuses_a_move_that_is_not_in_the_table(programme: Programme, target: str) -> None:
    run = programme.started()
    with pytest.raises(DatabaseError), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(state=target)
    run.refresh_from_db()
    assert run.state == "planned"


def test_the_point_of_no_return_is_for_ever(programme: Programme) -> None:
    run = programme.committing()
    programme.until(run, lambda: run.commit_armed_at is not None)
    refused("P0F11", "UPDATE tracker_run SET commit_armed_at = NULL WHERE id = %s", [run.pk])
    refused("P0F11", "UPDATE tracker_run SET commit_armed_at = now() + interval '1 day' WHERE id = %s", [run.pk])
    refused("P0F12", "UPDATE tracker_run SET fence = fence - 1 WHERE id = %s", [run.pk])


UNSAID = {
    "tracker_ask": "verb = 'abort'",
    "tracker_transition": "because = ''",
    "tracker_event": "actor = 'user:p-nobody'",
    "tracker_leaf": "seq = seq + 1",
}


@pytest.mark.parametrize("table", list(UNSAID))
def test_what_was_said_cannot_be_unsaid(programme: Programme, table: str) -> None:
    programme.validated()
    if table == "tracker_leaf":
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO tracker_leaf (seq, event_id, hash) SELECT 0, id, '\\x00' FROM tracker_event LIMIT 1"
            )
    refused("P0F06", f"DELETE FROM {table}")
    refused("P0F06", f"UPDATE {table} SET {UNSAID[table]}")


def test_nothing_append_only_can_be_truncated(programme: Programme) -> None:
    """Asked of the catalogue: inside a test's transaction PostgreSQL refuses TRUNCATE for another reason."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgname LIKE 'pgtrigger_no_truncate%%' AND t.tgenabled = 'O'"
        )
        guarded = {row[0] for row in cursor.fetchall()}
    assert {"tracker_event", "tracker_leaf", "tracker_ask", "tracker_transition", "tracker_snapshot"} <= guarded


def arm(run: Run, **change: Any) -> tuple[str, list[Any]]:
    """The hostile insert: an attempt of the run's ready operation, by hand."""
    operation = run.operations.get(state="ready")
    values = {"fence": run.fence, "digest": operation.approval_digest, **change}
    return (
        "INSERT INTO tracker_attempt (id, operation_id, number, fence, approval_digest, event_id, armed_at, outcome,"
        " request_id, correlation_id, excerpt) VALUES (%s, %s, 1, %s, %s, %s, now(), '', '', '', '')",
        [uuid7(database_now()), operation.pk, values["fence"], values["digest"], uuid7(database_now())],
    )


def ready_commit(programme: Programme) -> Run:
    """A commit operation created but not armed, under a lease that this test holds."""
    run = programme.committing()
    from tracker.runs.actions import steps

    claim = steps._claim(str(run.pk), programme.timings)
    assert claim is not None
    claimed = claim.run()
    assert steps._next_operation(claimed, database_now()) is not None
    return claimed


def test_the_database_arms_no_commit_without_the_approval(programme: Programme) -> None:
    run = ready_commit(programme)
    refused("P0F02", *arm(run, fence=run.fence - 1))
    refused("P0F05", *arm(run, digest="0" * 64))
    Run.objects.filter(pk=run.pk).update(held_at=database_now())
    refused("P0F01", *arm(run))
    Run.objects.filter(pk=run.pk).update(held_at=None)
    approval = Approval.objects.get(kind="commit")
    for spoil in (
        "UPDATE tracker_user SET is_active = false WHERE username = 'aiko'",
        "UPDATE tracker_rolegrant SET role = 'auditor'",
        "UPDATE tracker_approval SET expires_at = now() - interval '1 s'",
    ):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(spoil)
            refused("P0F05", *arm(run))
            transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tracker_decision SET revoked_at = now() WHERE approval_id = %s", [approval.pk])
    refused("P0F05", *arm(run))
    run.refresh_from_db()
    assert run.commit_armed_at is None


def test_the_database_arms_the_commit_that_was_approved_once(programme: Programme) -> None:
    run = ready_commit(programme)
    with connection.cursor() as cursor:
        cursor.execute(*arm(run))
    run.refresh_from_db()
    assert run.commit_armed_at is not None
    assert run.operations.get(verb="commit").state == "sending"
    operation = run.operations.get(verb="commit")
    refused(
        "P0F02",
        "INSERT INTO tracker_attempt (id, operation_id, number, fence, approval_digest, event_id, armed_at, outcome,"
        " request_id, correlation_id, excerpt) VALUES (%s, %s, 2, %s, %s, %s, now(), '', '', '', '')",
        [uuid7(database_now()), operation.pk, run.fence, operation.approval_digest, uuid7(database_now())],
    )


def test_a_frozen_programme_arms_nothing_and_two_people_lift_it(programme: Programme) -> None:
    run = programme.committing()
    waves.freeze("all", reason="payment incident", by=programme.maya, now=database_now())
    for _ in range(5):
        programme.tick()
    run.refresh_from_db()
    assert run.waiting_code == "frozen"
    assert "payment incident" in run.waiting_for
    assert programme.posts("commit") == []
    assert waves.lift("all", by=programme.tomas, now=database_now()) is False
    with pytest.raises(waves.NotFrozen, match="another person"):
        waves.lift("all", by=programme.tomas, now=database_now())
    assert waves.lift("all", by=programme.aiko, now=database_now()) is True
    programme.until(run, lambda: run.state in ("committed", "verified"))


def test_outside_the_window_nothing_starts_and_the_page_says_when(programme: Programme) -> None:
    programme.approved("shop-net", opens=1, closes=3)
    run = runs.start(programme.unit("shop-net"), by=programme.tomas, now=database_now())
    programme.until(run, lambda: run.state == "validated")
    with pytest.raises(runs.NotYet, match="next one opens"):
        programme.ask(run, "prepare")
    assert programme.posts("prepare") == []


def test_an_approval_that_no_longer_matches_holds_the_commit_and_names_what_moved(programme: Programme) -> None:
    run = programme.committing()
    wave = run.wave
    waves.set_window(
        wave,
        opens_at=database_now() - timedelta(hours=1),
        closes_at=database_now() + timedelta(hours=9),
        by=programme.maya,
        now=database_now(),
    )
    for _ in range(4):
        programme.tick()
    run.refresh_from_db()
    assert run.waiting_code == "approval-stale"
    assert "windows" in run.waiting_for
    assert programme.posts("commit") == []


def test_hold_and_cancel_mean_what_they_say(programme: Programme) -> None:
    run = programme.validated()
    programme.ask(run, "hold", reason="wait for the other team")
    with pytest.raises(runs.NotYet, match="on hold"):
        programme.ask(run, "prepare")
    programme.ask(run, "resume")
    programme.ask(run, "prepare")
    programme.until(run, lambda: run.state == "prepared")
    with pytest.raises(runs.TooLate, match="Abort is the way back"):
        programme.ask(run, "cancel")


def test_a_run_that_only_validated_can_be_cancelled_and_started_anew(programme: Programme) -> None:
    run = programme.validated()
    programme.ask(run, "cancel", reason="not this week")
    run.refresh_from_db()
    assert (run.outcome, programme.unit("shop-net").progress) == ("cancelled", "planned")
    again = runs.start(programme.unit("shop-net"), by=programme.tomas, now=database_now())
    programme.until(again, lambda: again.state == "validated")


@pytest.mark.parametrize("verb", ["prepare", "commit", "abort", "retry"])
def test_what_does_not_follow_from_planned_is_refused_with_the_reason(programme: Programme, verb: str) -> None:
    run = programme.started()
    with pytest.raises(runs.RunError) as caught:
        programme.ask(run, verb)
    assert len(str(caught.value)) > 10
    assert run.asks.count() == 1


def test_a_stale_page_cannot_press_commit(programme: Programme) -> None:
    run = programme.prepared()
    programme.sealed(run)
    with pytest.raises(runs.NotYet, match="reload"):
        programme.ask(run, "commit", seal="0" * 64)


def test_once_a_commit_was_sent_nobody_is_asked_about_it_any_more(programme: Programme) -> None:
    run = programme.committing()
    programme.fault("fail", verb="commit", code="E03", status=500)
    programme.tick()
    now = database_now()
    opens, closes = now - timedelta(hours=1), now + timedelta(hours=5)
    waves.set_window(run.wave, opens_at=opens, closes_at=closes, by=programme.maya, now=now)
    with pytest.raises(runs.Illegal, match="Commit was sent"):
        runs.request_commit(run, by=programme.tomas, now=database_now())
    assert Approval.objects.filter(kind="commit").count() == 1


def test_the_agreement_of_somebody_who_left_does_not_count(programme: Programme) -> None:
    run = programme.prepared()
    approval = programme.sealed(run)
    assert waves_queries.approval_state(approval, database_now()) == "approved"
    programme.aiko.grants.all().delete()  # she plans now, and engineers no more
    listed = waves_queries.approvals(database_now()).get(pk=approval.pk)
    for row in (waves_queries.open_commit_approval(run.pk), listed):
        assert waves_queries.approval_state(row, database_now()) == "pending"
    assert listed.state == "pending"
    assert wave_facts.standing(wave_facts.listed().get(), now=database_now(), zone=UTC).facts.commits_asked == 1
    with pytest.raises(runs.NotYet, match="pending"):
        programme.ask(run, "commit", seal=approval.digest)
    assert not Attempt.objects.filter(operation__verb="commit").exists()

    ines = programme.person("ines", Role.ENGINEER)
    waves.approve(approval, digest=approval.digest, by=ines, now=database_now())
    programme.ask(run, "commit", seal=approval.digest)
    programme.until(run, lambda: run.state in ("committed", "verified"))


def test_a_run_that_is_cancelled_under_a_worker_stays_cancelled(programme: Programme) -> None:
    run = programme.validated()
    programme.ask(run, "prepare")

    class Slow:
        """The real gateway; somebody cancels the run while the unit is looked at."""

        def observe(self, *args: Any, **named: Any) -> Any:
            seen = programme.gateway.observe(*args, **named)
            if Run.objects.filter(pk=run.pk, ended_at__isnull=True).exists():
                programme.ask(run, "cancel")
            return seen

        def __getattr__(self, name: str) -> Any:
            return getattr(programme.gateway, name)

    said = runs.advance(str(run.pk), gateway=lambda _: Slow(), clock=database_now, timings=programme.timings)
    assert said == "lost the lease"
    run.refresh_from_db()
    assert (run.outcome, run.waiting_code) == ("cancelled", "")
    assert programme.posts("prepare") == []
