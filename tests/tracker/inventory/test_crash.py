"""A reader that is killed, and two that begin at once: separate processes and connections, committed for real."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from migrator.lifecycle import State
from tests.tracker.inventory.azure import BY, Azure, Clock, Wrapped
from tracker.inventory import actions
from tracker.inventory.models import Resource, Snapshot, Sync, Unit
from tracker.readiness.actions import assess

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]


def database_url() -> str:
    """The test database, as a process of its own is told it."""
    told = connection.settings_dict
    options = {"host": told["HOST"], "user": told["USER"], "password": told["PASSWORD"], "port": told["PORT"]}
    if str(told["HOST"]).startswith("/"):
        return f"postgresql:///{told['NAME']}?" + urlencode({key: value for key, value in options.items() if value})
    who = quote(told["USER"], safe="") + (":" + quote(told["PASSWORD"], safe="") if told["PASSWORD"] else "")
    return f"postgresql://{who}@{told['HOST']}:{told['PORT'] or 5432}/{told['NAME']}"


def wait_for(condition, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def test_a_reader_killed_between_reading_and_writing_leaves_nothing_and_the_next_one_carries_on(azure: Azure) -> None:
    clock = timezone.now
    subscription = azure.subscribe(clock)  # type: ignore[arg-type]
    azure.fault("slow", unit="jitNetworkAccessPolicies", seconds=60, times=None)  # the last part of the listing but one
    code = (
        "import django; django.setup()\n"
        "from django.utils import timezone\n"
        "from tests.tracker.inventory.azure import BY\n"
        "from migrator.gateway.arm import ArmGateway, StaticToken\n"
        "from tracker.inventory import actions\n"
        "from tracker.inventory.models import Subscription\n"
        f"gateway = ArmGateway({azure.process.base_url!r}, StaticToken('a-token'), deadline=90)\n"
        f"actions.sync(Subscription.objects.get(pk={subscription.pk!r}), gateway, timezone.now, BY)\n"
    )
    environment = {**os.environ, "TRACKER_DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "tracker.settings"}
    reader = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment)
    try:
        wait_for(
            lambda: any("roleassignments" in r["path"].lower() for r in azure.process.control("log?after=0")["value"])
        )
        assert reader.poll() is None
    finally:
        reader.send_signal(signal.SIGKILL)
        reader.wait(10)
    azure.clear()
    row = Sync.objects.get()
    assert (row.ended_at, row.outcome) == (None, "running")
    assert (Resource.objects.count(), Snapshot.objects.count(), Unit.objects.count()) == (0, 0, 0)
    with pytest.raises(actions.SyncRunning):
        azure.sync(subscription, clock)  # type: ignore[arg-type]
    later = timedelta(minutes=10)
    assert azure.sync(subscription, lambda: timezone.now() + later).outcome == "complete"  # type: ignore[arg-type]
    row.refresh_from_db()
    assert row.outcome == "failed"
    assert Unit.objects.count() == 3


def test_of_two_that_begin_at_once_one_reads_and_one_is_refused(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    begin, outcomes = threading.Barrier(2), []

    def one() -> None:
        gateway = azure.gateway()
        begin.wait(10)
        try:
            outcomes.append(actions.sync(subscription, gateway, timezone.now, BY).outcome.value)
        except actions.SyncRunning:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["complete", "refused"]
    assert Sync.objects.count() == 1


def test_syncs_assessments_and_moves_at_once_never_deadlock(azure: Azure, clock: Clock) -> None:
    """All of them take the locks of units in one order."""
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    assess(None, now=clock(), by=BY)
    errors: list[BaseException] = []
    until = time.monotonic() + 4

    def work(turn) -> None:
        try:
            while time.monotonic() < until:
                turn()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    count = 2

    def sync() -> None:
        nonlocal count
        count += 1
        for name in ("Web", "Worker"):
            azure.document(f"/roles/{name}")["properties"]["instanceCount"] = count
        azure.edit(lambda listed: None)
        actions.sync(subscription, azure.gateway(), timezone.now, BY)

    def move() -> None:
        for unit in Unit.objects.order_by("-pk"):
            try:
                to = State.PLANNED if unit.progress == State.ASSESSED else State.ASSESSED
                actions.move(unit, to=to, by=BY, now=timezone.now())
            except actions.IllegalMove:
                continue
        actions.assign_owner(Unit.objects.order_by("-pk"), f"owner {time.monotonic()}", BY, timezone.now())

    jobs = [sync, lambda: assess(None, now=timezone.now(), by=BY), move]
    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert Snapshot.objects.filter(resource_key__endswith="/roles/web").count() > 1


def test_the_inventory_is_read_without_a_transaction_open(azure: Azure, clock: Clock) -> None:
    """HTTP takes seconds; a transaction meanwhile would hold back every other writer and the clean-up of old rows."""
    subscription = azure.subscribe(clock)
    seen = []

    def through(items):
        for item in items:
            seen.append(connection.in_atomic_block)
            yield item

    actions.sync(subscription, Wrapped(azure.gateway(), through), clock, BY)
    assert seen
    assert not any(seen)
    assert settings.DATABASES["default"]["ATOMIC_REQUESTS"] is False
