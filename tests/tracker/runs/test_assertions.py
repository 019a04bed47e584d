"""What can never be so is noticed when it is: each is made so for real, past the database's own guards."""

import time
from datetime import timedelta

import pytest
from django.db import connection, transaction

from tests import kept_rows
from tests.tracker.runs.programme import Programme
from tracker.audit import actions as audit
from tracker.audit.models import Event, Pending
from tracker.runs import assertions
from tracker.runs.actions.asserting import assert_all
from tracker.runs.models import Run
from tracker.runs.queries import database_now
from tracker.runs.watch_models import Violation


def behind_the_guards(statement: str, *values: object) -> None:
    if not kept_rows.may_switch_triggers_off():
        pytest.skip("only on a server of our own may a test go past the guards")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        assert cursor.rowcount > 0
        cursor.execute("SET LOCAL session_replication_role = origin")


WRONG: dict[str, str] = {
    "fence": "UPDATE tracker_run SET fence = 0 WHERE id = %s",
    "sending has an attempt": "UPDATE tracker_operation SET state = 'sending' WHERE run_id = %s AND verb = 'prepare'",
    "success has evidence": "WITH gone AS (DELETE FROM tracker_attempt t USING tracker_operation o"
    " WHERE o.id = t.operation_id AND o.verb = 'prepare')"
    " UPDATE tracker_operation SET seen = '{}' WHERE run_id = %s AND verb = 'prepare'",
    "commit stays armed": "UPDATE tracker_operation SET verb = 'commit' WHERE run_id = %s AND verb = 'prepare'",
    "ended stays ended": "INSERT INTO tracker_transition (run_id, before, after, at, because, event_id)"
    " VALUES (%s, 'verified', 'closed', now(), 'x', gen_random_uuid())",
}


def test_each_that_is_broken_for_real_is_told_once_and_holds_its_run(programme: Programme) -> None:
    run = programme.prepared()
    audit.tick(database_now())
    assert assertions.broken(time.time) == []
    assert assertions.of_run(run.pk) == ""
    for name, statement in WRONG.items():
        point = transaction.savepoint()
        behind_the_guards(statement, run.pk)
        assert name in {each.name for each in assertions.broken(time.time)}, name
        assert assertions.of_run(run.pk) != "", name
        assert assert_all(database_now(), host=time.time) >= 1
        told = Event.objects.filter(type="invariant.violated").count()
        assert_all(database_now(), host=time.time)
        assert Event.objects.filter(type="invariant.violated").count() == told, "told once"
        run.refresh_from_db()
        assert run.held_at is not None, name
        assert "can never be" in run.attention
        transaction.savepoint_rollback(point)
    assert "one live operation" in assertions.OF_RUNS


def test_nothing_is_armed_for_a_run_of_which_something_impossible_is_so(programme: Programme) -> None:
    run = programme.validated()
    behind_the_guards("UPDATE tracker_operation SET seen = '{}' WHERE run_id = %s AND verb = 'validate'", run.pk)
    behind_the_guards("DELETE FROM tracker_attempt WHERE fence > 0 AND %s::uuid IS NOT NULL", run.pk)
    programme.ask(run, "prepare")
    programme.until(run, lambda: run.waiting_code == "invariant")
    assert programme.posts("prepare") == []
    assert "can never be" in run.waiting_for


def test_two_live_operations_are_seen_where_the_index_is_gone(programme: Programme) -> None:
    run = programme.prepared()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP INDEX one_live_operation")  # the test's transaction is rolled back
    behind_the_guards("UPDATE tracker_operation SET state = 'held' WHERE run_id = %s", run.pk)
    assert [each.name for each in assertions.broken(time.time) if each.name == "one live operation"]


def test_what_is_about_the_whole_database_is_told_and_ends(programme: Programme) -> None:
    audit.tick(database_now())
    assert assert_all(database_now(), host=time.time) == 0
    behind_the_guards("DELETE FROM tracker_leaf WHERE seq = 0")
    now = database_now()
    assert assert_all(now, host=lambda: time.time() + 5) >= 2
    names = set(Violation.objects.filter(ended_at__isnull=True).values_list("name", flat=True))
    assert {"every event is a leaf", "clocks agree"} <= names
    assert_all(now + timedelta(seconds=1), host=time.time)
    assert Violation.objects.get(name="clocks agree").ended_at is not None
    assert Run.objects.filter(held_at__isnull=False).count() == 0


def test_an_event_that_waits_too_long_is_told(programme: Programme) -> None:
    programme.started()
    assert Pending.objects.exists()
    behind_the_guards("UPDATE tracker_pending SET at = now() - interval '2 minutes'")
    assert "events reach the tree" in {each.name for each in assertions.broken(time.time)}
