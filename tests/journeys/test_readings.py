"""Readings with real workers: each task on its queue, registrations watched, a reader killed before it scored."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from migrator.simulator import running
from tests.journeys.stack import ROOT, Stack, database_of_its_own, url_of, wait_for
from tracker.audit.models import Event
from tracker.inventory.models import Subscription, Sync, Unit
from tracker.readiness.models import Assessment, Finding
from tracker.runs.queries import database_now

MIGRATE = "Microsoft.ClassicInfrastructureMigrate"


@pytest.fixture
def stack(django_db_blocker, redis_url: str, tmp_path: Path) -> Iterator[Stack]:
    """The demo company, nothing of it read; a worker for the engine, one for readings, and beat."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    with running.simulator(scenario="demo", speed=600) as simulator, database_of_its_own(django_db_blocker) as name:
        simulator.control("settings", {"throttle": 0})
        made = Stack(simulator, url_of(name), redis_url, tmp_path)
        worker = [*made.commands["worker"], "--concurrency", "1"]
        made.commands["worker"] = [*worker, "-n", "engine@%h", "-Q", "celery"]
        made.commands["reader"] = [*worker, "-n", "reader@%h", "-Q", "syncs"]
        try:
            yield made
        finally:
            made.stop()


def manage(stack: Stack, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", *words],
        env={**stack.environment, **more}, capture_output=True, text=True, timeout=60, cwd=ROOT,
    )  # fmt: skip


def log_of(stack: Stack, name: str) -> str:
    return (stack.folder / f"{name}.log").read_text(errors="replace")


@pytest.mark.long
def test_readings_keep_to_their_queue_register_and_survive_their_worker(stack: Stack) -> None:
    # Nobody knows a subscription yet, and Azure cannot be reached: each has its sentence.
    nothing = manage(stack, "register")
    assert nothing.returncode == 1 and "No such subscription is known" in nothing.stderr
    nowhere = manage(stack, "sync", TRACKER_ARM_ENDPOINT="http://127.0.0.1:9")
    assert nowhere.returncode == 1 and "127.0.0.1:9" in nowhere.stderr and "Traceback" not in nowhere.stderr

    # The doors are looked at, subscriptions found and read, by the worker for readings alone.
    stack.start("worker", "reader", "beat")
    call = [sys.executable, "-m", "celery", "-A", "tracker", "call", "tracker.tasks.sync_all"]
    subprocess.run(call, env=stack.environment, cwd=ROOT, check=True, capture_output=True, timeout=60)
    wait_for(
        "all subscriptions were read and scored",
        lambda: Sync.objects.filter(followed_at__isnull=False).count() == 3,
        120,
        lambda: stack.said("reader"),
    )
    engine, reader = log_of(stack, "worker"), log_of(stack, "reader")
    for name in ("sync_all", "look", "sync", "follow_sync"):
        assert f"tracker.tasks.{name}[" in reader and f"tracker.tasks.{name}[" not in engine
    assert "tracker.tasks.tick[" in engine and "tracker.tasks.tick[" not in reader

    # What is not registered is asked for, sent by the engine's worker and watched until Azure says so.
    corporate = Subscription.objects.get(name="Bramble Corporate IT")
    assert corporate.registrations[MIGRATE] == "NotRegistered"
    refused = manage(stack, "register", "Nonsense", "--subscription", corporate.pk)
    assert refused.returncode == 1 and "Nonsense" in refused.stderr
    asked = manage(stack, "register", "--subscription", corporate.pk)
    assert asked.returncode == 0 and f"{MIGRATE} is asked for" in asked.stdout, asked.stderr
    wait_for(
        "Azure says Registered",
        lambda: Subscription.objects.get(pk=corporate.pk).registrations[MIGRATE] == "Registered",
        90,
        lambda: stack.said("worker"),
    )
    assert (
        len([row for row in stack.simulator.control("log")["value"] if row["path"].lower().endswith("/register")]) >= 1
    )

    # A reader killed after its reading was stored and before it was scored.
    scored = Assessment.objects.count()
    Unit.objects.filter(subscription=corporate).update(verdict="unknown", score=0)
    Finding.objects.filter(unit__subscription=corporate).delete()  # as if it had never been scored
    Assessment.objects.filter(unit__subscription=corporate).delete()
    stack.simulator.control("faults", {"kind": "slow", "method": "GET", "unit": "usages", "seconds": 30, "times": None})
    before = Sync.objects.filter(subscription=corporate).latest("started_at").pk
    Subscription.objects.filter(pk=corporate.pk).update(sync_wanted_at=database_now())
    fresh = wait_for(
        "it was read again",
        lambda: Sync.objects.filter(subscription=corporate, pk__gt=before, ended_at__isnull=False).first(),
        60,
        lambda: stack.said("reader"),
    )
    wait_for("the rest is begun", lambda: Sync.objects.get(pk=fresh.pk).lease_until > database_now(), 30)
    stack.kill("reader")
    assert Sync.objects.get(pk=fresh.pk).followed_at is None
    assert not Assessment.objects.filter(unit__subscription=corporate).exists()
    with redis.Redis.from_url(stack.redis_url) as client:
        client.flushdb()  # not even its message is left
    stack.simulator.control("faults", method="DELETE")
    stack.start("reader")
    wait_for(
        "another worker scored it within two minutes",
        lambda: Sync.objects.get(pk=fresh.pk).followed_at is not None,
        120,
        lambda: stack.said("reader"),
    )
    assert Assessment.objects.count() >= scored
    assert not Unit.objects.filter(subscription=corporate, gone_at=None, score=0, verdict="unknown").exists()
    assert Event.objects.filter(type="inventory.synced").count() >= 3
