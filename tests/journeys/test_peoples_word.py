"""What people do about findings with real workers: a waiver runs out by itself, an answer for a subscription reaches
its units; a re-check and a fix survive the death of their worker and the loss of every message."""

import subprocess
import sys
from datetime import timedelta

import pytest
import redis

from tests.journeys.stack import ROOT, Stack, wait_for
from tests.journeys.test_readings import stack  # noqa: F401 - the fixture
from tracker.accounts.models import RoleGrant, User
from tracker.accounts.permissions import Role
from tracker.audit.models import Event
from tracker.fixes import actions as fixes
from tracker.fixes.models import Fix
from tracker.inventory.models import Sync, Unit
from tracker.readiness import actions, people
from tracker.readiness.models import Finding, Recheck, Waiver
from tracker.runs.queries import database_now


def engineer(name: str) -> User:
    user = User.objects.create(username=name, display_name=name.capitalize(), pseudonym=f"p-{name}")
    RoleGrant.objects.create(user=user, role=Role.ENGINEER, granted_at=database_now())
    return user


@pytest.mark.long
def test_it_ends_reaches_and_survives_by_itself(stack: Stack) -> None:  # noqa: F811
    stack.start("worker", "reader", "beat")
    call = [sys.executable, "-m", "celery", "-A", "tracker", "call", "tracker.tasks.sync_all"]
    subprocess.run(call, env=stack.environment, cwd=ROOT, check=True, capture_output=True, timeout=60)
    wait_for(
        "all subscriptions were read and scored",
        lambda: Sync.objects.filter(followed_at__isnull=False).count() == 3,
        120,
        lambda: stack.said("reader"),
    )
    tomas, aiko = engineer("tomas"), engineer("aiko")

    # Set aside for some seconds: the worker reopens it.
    finding = Finding.objects.filter(rule="VNET-PEERING", outcome="yes").order_by("pk")[0]
    unit = finding.unit
    now = database_now()
    waiver = actions.ask_waiver(
        unit, rule=finding.rule, resource_key=finding.resource_key, reason="For a moment.",
        until=now + timedelta(seconds=6), by=tomas, now=now,
    )  # fmt: skip
    actions.approve_waiver(waiver, shown=waiver.shown, by=aiko, now=database_now())
    assert Finding.objects.get(unit=unit, rule="VNET-PEERING").waived
    wait_for("it ended", lambda: Waiver.objects.get().state == "ended", 30, lambda: stack.said("worker"))
    assert Waiver.objects.get().end == "expired"
    assert not Finding.objects.get(unit=unit, rule="VNET-PEERING").waived
    assert Unit.objects.get(pk=unit.pk).verdict == "blocked"
    assert Event.objects.filter(type="readiness.waiver_ended").count() == 1

    # An answer for a whole subscription.
    told = Finding.objects.filter(rule="SUB-TOOLING", outcome="unknown", unit__subscription=unit.subscription)[0]
    actions.attest(
        told.unit, rule=told.rule, resource_key=told.resource_key, reach="subscription", applies=False,
        why="Nothing of ours speaks it.", by=tomas, now=database_now(),
    )  # fmt: skip
    here = Finding.objects.filter(rule="SUB-TOOLING", unit__subscription=unit.subscription)
    wait_for("every unit has it", lambda: not here.filter(outcome="unknown").exists(), 60, lambda: stack.said("reader"))
    assert Recheck.objects.get(rule="SUB-TOOLING").state == "done"

    # A re-check whose reader dies, with every message lost.
    stack.simulator.control("faults", {"kind": "slow", "method": "GET", "unit": "usages", "seconds": 30, "times": None})
    wish, _ = actions.recheck_unit(unit, by=tomas, now=database_now())
    reading = wait_for(
        "its subscription is being read",
        lambda: Sync.objects.filter(subscription=unit.subscription, started_at__gte=wish.asked_at).first(),
        60,
        lambda: stack.said("reader"),
    )
    stack.kill("reader")
    with redis.Redis.from_url(stack.redis_url) as client:
        client.flushdb()
    stack.simulator.control("faults", method="DELETE")
    assert people.newest_recheck(unit=unit).state == "wanted"  # type: ignore[union-attr] # the page says so
    Sync.objects.filter(pk=reading.pk).update(lease_until=database_now() - timedelta(seconds=1))  # its lease ran out
    stack.start("reader")
    wait_for("it is done", lambda: Recheck.objects.get(pk=wish.pk).ended_at, 120, lambda: stack.said("reader"))
    assert Recheck.objects.get(pk=wish.pk).state == "done"
    assert Event.objects.filter(type="readiness.rechecked", object_kind="unit").count() == 1

    # A fix whose worker dies between the request and its answer.
    fix = fixes.ask(unit, rule=finding.rule, resource_key=finding.resource_key, reason="It blocks.", by=tomas,
                    now=database_now())  # fmt: skip
    stack.simulator.control("faults", {"kind": "slow", "method": "DELETE", "unit": "", "seconds": 20, "times": 1})
    fixes.approve(fix, seal=fix.seal, by=aiko, now=database_now())
    wait_for("its request is on its way", lambda: Fix.objects.get().sent_at, 30, lambda: stack.said("worker"))
    stack.kill("worker")
    with redis.Redis.from_url(stack.redis_url) as client:
        client.flushdb()
    stack.simulator.control("faults", method="DELETE")
    Fix.objects.update(lease_until=database_now() - timedelta(seconds=1), due_at=database_now())
    stack.start("worker")
    wait_for("it was seen to be done", lambda: Fix.objects.get().state == "done", 120, lambda: stack.said("worker"))
    wait_for(
        "its finding closed by a reading",
        lambda: Finding.objects.get(unit=unit, rule="VNET-PEERING").outcome == "no",
        120,
        lambda: stack.said("reader"),
    )
    rows = stack.simulator.control("log")["value"]
    deleted = [row["path"] for row in rows if row["method"] == "DELETE" and "peerings" in row["path"].lower()]
    assert deleted and len(deleted) <= 2 * len(set(deleted))  # what was under way may be asked for once more
    assert Event.objects.filter(type="fix.done").count() == 1
