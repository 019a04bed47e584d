"""SIGKILL between submit and answer, Redis emptied, everything started again: nothing lost, nothing doubled."""

from datetime import timedelta

import pytest
import redis

from migrator.gateway.arm import ArmGateway, StaticToken
from tests.journeys.stack import Stack, wait_for
from tracker.accounts.models import User
from tracker.audit.values import Actor
from tracker.inventory import actions as inventory
from tracker.inventory.models import Subscription, Unit
from tracker.runs import actions as runs
from tracker.runs.models import Attempt, Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves

TEST = Actor("command", "test", "A test")


def lose_everything(stack: Stack) -> None:
    """The worker and beat die at once; Redis forgets; then both are started again."""
    stack.kill("worker")
    stack.kill("beat")
    with redis.Redis.from_url(stack.redis_url) as client:
        client.flushdb()
    stack.start("worker", "beat")


def arrived(stack: Stack, verb: str) -> bool:
    faults = stack.simulator.control("faults")["value"]
    return any(row["used"] for row in faults if row["unit"] == f"{verb}Migration")


@pytest.mark.long
def test_a_worker_killed_between_submit_and_answer_of_prepare_and_commit(stack: Stack) -> None:
    tomas, aiko, maya = (User.objects.get(username=name) for name in ("tomas", "aiko", "maya"))
    gateway = ArmGateway(stack.simulator.base_url, StaticToken("a-token"), deadline=5)
    inventory.discover_subscriptions(gateway, now=database_now(), by=TEST)
    inventory.want_sync(Subscription.objects.get(), by=maya.actor, now=database_now())
    wait_for(
        "the worker read the estate", lambda: Unit.objects.filter(name="shop-net", progress="assessed").exists(), 60
    )
    unit = Unit.objects.get(name="shop-net")
    now = database_now()
    wave = waves.create(name="Night one", owner="Maya", by=maya, now=now)
    opens, closes = now - timedelta(hours=1), now + timedelta(hours=4)
    waves.set_window(wave, opens_at=opens, closes_at=closes, by=maya, now=now)
    waves.place(wave, unit, by=maya, now=database_now())
    approval = waves.submit(wave, by=maya, now=database_now())
    waves.approve(approval, digest=approval.digest, by=tomas, now=database_now())
    run = runs.start(unit, by=tomas, now=database_now())

    def state() -> str:
        run.refresh_from_db()
        return f"{run.state}, {run.waiting_for}, {run.attention}; worker: {stack.said('worker')[-600:]}"

    def seen(*goals: str) -> bool:
        return Run.objects.get(pk=run.pk).state in goals

    wait_for("validated", lambda: seen("validated"), 40, state)
    for verb, goals in (("prepare", ("prepared",)), ("commit", ("committed", "verified", "closed"))):
        seal = ""
        if verb == "commit":
            asked = runs.request_commit(Run.objects.get(pk=run.pk), by=tomas, now=database_now())
            waves.approve(asked, digest=asked.digest, by=aiko, now=database_now())
            seal = asked.digest
        slow = {"kind": "slow", "method": "POST", "unit": f"{verb}Migration", "seconds": 2.5, "times": 1}
        stack.simulator.control("faults", slow)
        runs.ask(Run.objects.get(pk=run.pk), verb, by=tomas, now=database_now(), seal=seal)
        open_attempt = Attempt.objects.filter(operation__run=run, operation__verb=verb, resolved_at__isnull=True)
        wait_for(f"{verb} is in flight", open_attempt.exists, 30, state)
        # The row is written before the request is sent: only the simulator knows that it arrived.
        wait_for(f"{verb} has arrived", lambda verb=verb: arrived(stack, verb))
        lose_everything(stack)
        assert open_attempt.exists(), "the worker died before it could write anything down"
        wait_for(f"{verb} is seen to be done", lambda goals=goals: seen(*goals), 90, state)

    assert len(stack.posts("prepare")) == 1
    assert len(stack.posts("commit")) == 1
    azure = stack.azure()
    assert azure["violations"] == 0
    assert azure["locks"] == {}
    assert unit.key not in azure["classic"]
    attempts = Attempt.objects.filter(operation__run=run).order_by("armed_at")
    assert list(attempts.values_list("operation__verb", "outcome")) == [
        ("validate", "accepted"),
        ("prepare", "unknown"),
        ("commit", "unknown"),
    ]
