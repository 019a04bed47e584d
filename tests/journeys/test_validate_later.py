"""Validate as a long-running operation with a real worker of one process: it is followed, and nobody waits for it."""

from datetime import datetime, timedelta

import pytest

from migrator.gateway.arm import ArmGateway, StaticToken
from tests.journeys.stack import Stack, wait_for
from tracker.accounts.models import User
from tracker.audit.values import Actor
from tracker.inventory import actions as inventory
from tracker.inventory.models import Subscription, Unit
from tracker.readiness.models import PlatformAnswer
from tracker.runs import actions as runs
from tracker.runs.models import Attempt, Heartbeat, Run
from tracker.runs.queries import database_now
from tracker.runs.validations import Scope, counts
from tracker.waves import actions as waves


def looks(stack: Stack) -> int:
    return sum("operationstatuses" in row["path"].lower() for row in stack.simulator.control("log")["value"])


def started(stack: Stack) -> Run:
    """shop-net read, in an approved wave with an open window, and started."""
    tomas, maya = (User.objects.get(username=name) for name in ("tomas", "maya"))
    with ArmGateway(stack.simulator.base_url, StaticToken("a-token"), deadline=5) as gateway:
        inventory.discover_subscriptions(gateway, now=database_now(), by=Actor("command", "test", "A test"))
    inventory.want_sync(Subscription.objects.get(), by=maya.actor, now=database_now())
    wait_for("the estate is read", lambda: Unit.objects.filter(name="shop-net", progress="assessed").exists(), 60)
    unit, now = Unit.objects.get(name="shop-net"), database_now()
    wave = waves.create(name="Night one", owner="Maya", by=maya, now=now)
    opens, closes = now - timedelta(hours=1), now + timedelta(hours=4)
    waves.set_window(wave, opens_at=opens, closes_at=closes, by=maya, now=now)
    waves.place(wave, unit, by=maya, now=database_now())
    approval = waves.submit(wave, by=maya, now=database_now())
    waves.approve(approval, digest=approval.digest, by=tomas, now=database_now())
    return runs.start(unit, by=tomas, now=database_now())


@pytest.mark.long
def test_a_validate_that_takes_its_time_holds_no_worker_and_survives_one(stack: Stack) -> None:
    stack.kill("worker")
    stack.commands["worker"] += ["--concurrency", "1"]  # whoever waits would let nobody else work
    stack.start("worker")
    stack.simulator.control("settings", {"validate_later": 1})
    stack.simulator.control("clock", {"speed": 0})  # it is under way until the test says so
    run = started(stack)

    def state() -> str:
        run.refresh_from_db()
        return f"{run.state}, {run.waiting_code}, {run.waiting_for}; worker: {stack.said('worker')[-600:]}"

    def alive() -> datetime:
        return Heartbeat.objects.get(name="worker").at

    wait_for("it is looked at again and again", lambda: looks(stack) >= 2, 60, state)
    beat = alive()
    wait_for("the one worker does other things meanwhile", lambda: alive() > beat + timedelta(seconds=3), 30, state)
    run.refresh_from_db()
    assert (run.state, run.waiting_code) == ("planned", "polling")

    stack.kill("worker")
    stack.start("worker")
    seen = looks(stack)
    wait_for("another worker goes on looking", lambda: looks(stack) > seen, 90, state)
    stack.simulator.control("clock", {"advance": 3600})
    wait_for("it is validated", lambda: Run.objects.get(pk=run.pk).state == "validated", 60, state)
    assert [row["status"] for row in stack.posts("validate")] == [202]
    assert list(Attempt.objects.filter(operation__run=run).values_list("outcome", flat=True)) == ["accepted"]
    assert PlatformAnswer.objects.get(unit=run.unit).passed
    azure = stack.azure()
    assert (azure["locks"], azure["violations"]) == ({}, 0)

    # the whole estate, with the worker killed on the way: every unit has its answer once
    row = runs.validate_many(Scope(), by=User.objects.get(username="tomas"), now=database_now(), old_only=False)
    wait_for("something is under way", lambda: row.items.filter(sends__gt=0).exists(), 60)
    stack.kill("worker")
    stack.start("worker")

    def over() -> bool:
        stack.simulator.control("clock", {"advance": 600})
        row.refresh_from_db()
        return row.ended_at is not None

    wait_for("it is over", over, 120, lambda: f"{counts([row])}; worker: {stack.said('worker')[-600:]}")
    assert set(counts([row])[row.pk]) <= {"passed", "found", "left-out", "handed"}, counts([row])
    answered = row.items.filter(state__in=["passed", "found"])
    assert answered.exists()
    for item in answered:
        assert PlatformAnswer.objects.filter(unit=item.unit, at__gte=row.asked_at).count() == 1
    assert stack.azure()["locks"] == {}
