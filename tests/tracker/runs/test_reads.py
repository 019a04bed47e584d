"""What looking costs: one read while the platform is at work, and never more than the subscription's budget."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from migrator.simulator import running
from tests.tracker.runs.programme import Programme
from tracker.runs import actions as runs
from tracker.runs.actions import budget, reading
from tracker.runs.models import Budget, Run
from tracker.runs.queries import database_now


@pytest.fixture(scope="module")
def simulator() -> Iterator[running.Running]:
    """A platform that takes its usual time."""
    with running.simulator(scenario="journey", speed=1) as process:
        yield process


@pytest.fixture
def preparing(programme: Programme) -> Run:
    run = programme.validated()
    programme.ask(run, "prepare")
    run = programme.until(run, lambda: run.state == "preparing")
    step(programme, run)  # the first look at it
    return run


def step(programme: Programme, run: Run) -> str:
    Run.objects.filter(pk=run.pk).update(due_at=database_now())
    said = runs.advance(str(run.pk), gateway=lambda _: programme.gateway, clock=database_now, timings=programme.timings)
    run.refresh_from_db()
    return said


def reads(programme: Programme) -> int:
    rows = programme.simulator.control(f"log?after={programme.mark}")["value"]
    return len([row for row in rows if row["method"] == "GET"])


def test_while_the_platform_is_at_work_only_that_is_asked(programme: Programme, preparing: Run) -> None:
    before, history = reads(programme), preparing.operations.get(verb="prepare").why
    for _ in range(5):
        assert step(programme, preparing) == "prepare: Prepare is under way on the platform."
    assert reads(programme) - before == 5
    operation = preparing.operations.get(verb="prepare")
    assert (operation.seen["status"], operation.seen["classic"]) == ("in progress", "not read")
    assert operation.why == history
    assert preparing.lease_until is None and preparing.due_at is not None
    assert preparing.waiting_code == "polling"


def test_a_look_is_kept_though_nothing_moved(programme: Programme, preparing: Run) -> None:
    then = preparing.operations.get(verb="prepare").seen["at"]
    step(programme, preparing)
    assert preparing.operations.get(verb="prepare").seen["at"] > then


def test_a_worker_that_lost_the_run_keeps_nothing(programme: Programme, preparing: Run) -> None:
    class Stolen:
        def poll(self, url: str):
            found = programme.gateway.poll(url)
            Run.objects.filter(pk=preparing.pk).update(fence=preparing.fence + 7)
            return found

        def __getattr__(self, name: str):
            return getattr(programme.gateway, name)

    kept = preparing.operations.get(verb="prepare").seen
    Run.objects.filter(pk=preparing.pk).update(due_at=database_now())
    said = runs.advance(str(preparing.pk), gateway=lambda _: Stolen(), clock=database_now, timings=programme.timings)
    assert said == "lost the lease"
    assert preparing.operations.get(verb="prepare").seen == kept


def test_nothing_is_read_when_the_budget_is_used_up(programme: Programme, preparing: Run) -> None:
    Budget.objects.update_or_create(
        subscription_id=preparing.unit.subscription_id,
        kind="read",
        defaults={"tokens": -50.0, "updated_at": database_now()},
    )
    reading.forget()  # as another process would
    before = reads(programme)
    assert "read budget of the subscription is used up" in step(programme, preparing)
    assert reads(programme) == before
    assert preparing.waiting_code == "budget" and preparing.waiting_for
    wait = (preparing.due_at - database_now()).total_seconds()
    assert 1.5 < wait < 4, "fifty reads come back in two seconds"

    Budget.objects.filter(kind="read").update(updated_at=database_now() - timedelta(seconds=10))
    reading.forget()
    assert "under way" in step(programme, preparing)


def test_a_throttled_read_stops_the_reading_of_the_subscription_for_everybody(
    programme: Programme, preparing: Run
) -> None:
    programme.fault("throttle", method="GET", status=429, retry_after=30)
    assert "cannot be read" in step(programme, preparing)
    programme.simulator.control("faults", method="DELETE")
    reading.forget()  # another process knows it from the database
    before = reads(programme)
    assert "used up" in step(programme, preparing)
    assert reads(programme) == before
    assert (preparing.due_at - database_now()).total_seconds() > 25


def test_what_was_read_is_paid_for(programme: Programme, preparing: Run) -> None:
    subscription = preparing.unit.subscription_id
    now = database_now()
    left, shut = budget.pay(subscription, "read", 100, now)
    again, _ = budget.pay(subscription, "read", 100, now)
    assert left - again == pytest.approx(100) and shut == 0
    later, _ = budget.pay(subscription, "read", 0, now + timedelta(seconds=2))
    assert later - again == pytest.approx(50), "25 a second come back"
    told, _ = budget.pay(subscription, "read", 0, now + timedelta(seconds=2), left=3)
    assert told == 3, "the platform knows better when it says less"
    full, _ = budget.pay(subscription, "read", 0, now + timedelta(hours=1))
    assert full == budget.SIZE["read"]
