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
from tracker.inventory.models import Resource, Snapshot, StagedResource, Subscription, Sync, Unit
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


CODE = """
import sys
import django
django.setup()
from django.utils import timezone
from tests.tracker.inventory.azure import BY
from migrator.gateway.arm import ArmGateway, StaticToken
from tracker.inventory import actions
from tracker.inventory.actions import syncing
from tracker.inventory.models import Subscription
syncing.PART = 2
gateway = ArmGateway(sys.argv[1], StaticToken("a-token"), deadline=90)
actions.sync(Subscription.objects.get(pk=sys.argv[2]), gateway, timezone.now, BY)
"""


def reader(azure: Azure, subscription: Subscription) -> subprocess.Popen:
    """A reader in a process of its own, which stores a part after every other document."""
    environment = {**os.environ, "TRACKER_DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "tracker.settings"}
    command = [sys.executable, "-c", CODE, azure.process.base_url, subscription.pk]
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def requests(azure: Azure) -> list[str]:
    """The paths of everything that was answered, in order."""
    return [entry["path"].lower() for entry in azure.process.control("log?after=0")["value"]]


def kill(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(10)


# Killed in its first part, in the middle of the classic resources, while it lists what hangs on them, in the last part
# but one. A request is in the log when it was answered: what comes before the slow one tells that it was sent.
@pytest.mark.parametrize(
    ("slow", "before"),
    [
        ("small-tool/slots", "resourcegraph"),
        ("small-web/slots", "small-tool"),
        ("locks", "roleassignments"),
        ("jitNetworkAccessPolicies", "/locks"),
    ],
)
def test_a_reader_killed_anywhere_loses_only_its_last_part_and_the_next_one_carries_on(
    azure: Azure, slow: str, before: str
) -> None:
    clock = timezone.now
    subscription = azure.subscribe(clock)  # type: ignore[arg-type]
    azure.fault("slow", unit=slow, method="GET", seconds=60, times=None)
    began = len(requests(azure))
    process = reader(azure, subscription)
    try:
        wait_for(lambda: any(before in path for path in requests(azure)[began:]))
        time.sleep(0.5)  # what was answered is stored meanwhile
        assert process.poll() is None
    finally:
        kill(process)
    azure.clear()
    row = Sync.objects.get()
    assert (row.ended_at, row.outcome) == (None, "running")
    assert (Resource.objects.count(), Snapshot.objects.count(), Unit.objects.count()) == (0, 0, 0)
    stored = StagedResource.objects.count()
    assert stored == row.listed
    if slow in ("jitNetworkAccessPolicies", "locks"):
        assert stored >= 10, requests(azure)[began:]
    with pytest.raises(actions.SyncRunning):
        azure.sync(subscription, clock)  # type: ignore[arg-type]
    asked = len(requests(azure))
    later = timedelta(minutes=10)
    done = azure.sync(subscription, lambda: timezone.now() + later)  # type: ignore[arg-type]
    assert (done.pk, done.outcome) == (row.pk, "complete")
    again = requests(azure)[asked:]
    if slow in ("jitNetworkAccessPolicies", "locks"):
        assert not any("/slots" in path for path in again), "what was stored is not read again"
    assert set(Resource.objects.values_list("key", flat=True)) == {d["id"].lower() for d in azure.estate["resources"]}
    assert Unit.objects.count() == 3
    assert not StagedResource.objects.exists()


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
