"""What follows a sync is one worker's while that worker lives, and soon another's when it is killed."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests.tracker.inventory.azure import Azure
from tests.tracker.inventory.test_crash import ROOT, database_url, kill, wait_for
from tracker.inventory import actions, queries
from tracker.inventory.actions import leases
from tracker.inventory.models import Sync, Unit

pytestmark = pytest.mark.django_db(transaction=True)

CODE = """
import sys
from datetime import timedelta
import django
django.setup()
from tracker import tasks
from tracker.inventory.actions import leases
leases.LEASE, leases.RENEW = timedelta(seconds=4), 0.3
print(tasks.follow_sync(sync_id=int(sys.argv[1])))
"""


def scorer(azure: Azure, row: Sync) -> subprocess.Popen:
    """A worker with a lease of four seconds, in a process of its own."""
    environment = {
        **os.environ,
        "TRACKER_DATABASE_URL": database_url(),
        "TRACKER_ARM_ENDPOINT": azure.process.base_url,
        "TRACKER_SERVICE_MANAGEMENT_ENDPOINT": f"{azure.process.base_url}/service-management",
        "DJANGO_SETTINGS_MODULE": "tracker.settings",
    }
    return subprocess.Popen(
        [sys.executable, "-c", CODE, str(row.pk)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )


def waits_for_us() -> bool:
    with connection.cursor() as cursor:
        # for this transaction: the cluster is shared with the other processes of the suite
        cursor.execute(
            "SELECT count(*) FROM pg_locks theirs JOIN pg_locks ours USING (transactionid)"
            " WHERE NOT theirs.granted AND ours.granted AND ours.pid = pg_backend_pid()"
        )
        return cursor.fetchone()[0] > 0


@pytest.fixture
def read(azure: Azure) -> Sync:
    """A sync that was read, and not scored."""
    subscription = azure.subscribe(timezone.now)  # type: ignore[arg-type]
    row = azure.sync(subscription, timezone.now)  # type: ignore[arg-type]
    assert queries.unfollowed_syncs(timezone.now()) == [row.pk]
    return row


def test_another_takes_over_within_two_minutes() -> None:
    assert leases.LEASE + timedelta(seconds=5) < timedelta(minutes=2)
    assert leases.LEASE.total_seconds() > leases.RENEW * 3, "a renewal or two may fail"


def test_a_worker_killed_while_it_scores_is_followed_by_another(azure: Azure, read: Sync) -> None:
    with transaction.atomic(), scorer(azure, read) as process:  # it cannot end: somebody holds the units
        list(Unit.objects.select_for_update())
        try:
            wait_for(waits_for_us)
            until = timezone.now() + timedelta(seconds=6)  # more than one lease
            while timezone.now() < until:
                assert actions.claim_follow(read.pk, timezone.now()) is None, "it lives, and it is at work"
                assert queries.unfollowed_syncs(timezone.now()) == []
            assert process.poll() is None
        finally:
            kill(process)
        killed = timezone.now()
    wait_for(lambda: queries.unfollowed_syncs(timezone.now()) == [read.pk], 10)
    assert timezone.now() - killed < timedelta(seconds=6)
    again = scorer(azure, read)
    said, _ = again.communicate(timeout=60)
    assert (again.returncode, said.strip()) == (0, "complete")
    read.refresh_from_db()
    assert read.followed_at is not None
    assert not Unit.objects.filter(verdict="unknown", score=0).exclude(findings__isnull=False).exists()


def test_work_that_ends_in_an_error_is_left_alone_for_a_while(read: Sync) -> None:
    row = actions.claim_follow(read.pk, timezone.now())
    assert row is not None
    with pytest.raises(ZeroDivisionError), actions.following(row, timezone.now):
        1 / 0  # noqa: B018
    assert actions.claim_follow(read.pk, timezone.now() + timedelta(minutes=29)) is None
    assert actions.claim_follow(read.pk, timezone.now() + timedelta(minutes=31)) is not None
