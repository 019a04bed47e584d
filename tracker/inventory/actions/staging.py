"""What the steps of a running sync store: documents that differ, ids of those that do not, and the place reached."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet

from migrator.gateway.protocol import Unreadable
from tracker.inventory.documents import Row, storable
from tracker.inventory.models import StagedResource, Subscription, Sync, SyncPart
from tracker.inventory.reading import Reading


class SyncLost(Exception):
    """This reading was taken for dead and goes on elsewhere; what this reader had not stored is forgotten."""


_STORED = """
SELECT key, id, digest FROM tracker_resource
 WHERE key = ANY(%s) AND subscription_id = %s AND gone_at IS NULL
"""
_COPY = """
COPY tracker_stagedresource (sync_id, key, azure_id, type, name, region, document, digest, sources) FROM STDIN
"""


def mine(row: Sync) -> QuerySet[Sync]:
    """The row, as long as this reader holds it."""
    return Sync.objects.filter(pk=row.pk, holder=row.holder, ended_at__isnull=True)


def lost(subscription: Subscription) -> SyncLost:
    return SyncLost(f"The sync of {subscription.name} went on elsewhere while it read; this reader wrote nothing.")


@transaction.atomic
def store(row: Sync, subscription: Subscription, reading: Reading, place: str, now: datetime, lease: timedelta) -> None:
    """Keep one part with the place where the next one begins, and renew the lease. Raises SyncLost."""
    parts, listed = row.parts + 1, row.listed + len(reading.rows)
    told = {"cursor": place, "parts": parts, "listed": listed, "attempts": 0, "lease_until": now + lease}
    if reading.registrations is not None:
        told["registrations"] = reading.registrations
    if not mine(row).update(**told):
        raise lost(subscription)
    keys = list(reading.rows)
    seen: list[int] = []
    with connection.cursor() as cursor:
        fresh = dict(reading.rows)
        if keys:
            if row.parts > 1:  # listed twice, after an interruption: the later reading counts
                cursor.execute(
                    "DELETE FROM tracker_stagedresource WHERE sync_id = %s AND key = ANY(%s)", [row.pk, keys]
                )
            cursor.execute(_STORED, [keys, subscription.pk])
            for key, pk, digest in cursor.fetchall():
                if fresh[key].digest == digest:
                    seen.append(pk)
                    del fresh[key]
        if fresh:
            _copy(cursor, row.pk, fresh.values())
    unreadable = storable(
        [{"resource": p.resource_id, "action": p.action, "sentence": p.sentence} for p in reading.unreadable]
    )
    if seen or unreadable:
        SyncPart.objects.create(sync=row, number=parts, seen=seen, unreadable=unreadable)
    for name, value in told.items():
        setattr(row, name, value)


def _copy(cursor, sync: int, rows: Iterable[Row]) -> None:
    with cursor.copy(_COPY) as copy:
        for r in rows:
            copy.write_row((sync, r.key, r.azure_id, r.type, r.name, r.region, r.text, r.digest, r.sources))


def told(row: Sync) -> Reading:
    """What all parts say besides the documents."""
    entries = [entry for part in SyncPart.objects.filter(sync=row).order_by("number") for entry in part.unreadable]
    unreadable = [
        Unreadable(resource_id=entry["resource"], action=entry["action"], sentence=entry["sentence"])
        for entry in entries
    ]
    return Reading(registrations=row.registrations, unreadable=list(dict.fromkeys(unreadable)))


def clear(row: Sync) -> None:
    """A sync that has ended needs its parts no more."""
    StagedResource.objects.filter(sync=row).delete()
    SyncPart.objects.filter(sync=row).delete()
