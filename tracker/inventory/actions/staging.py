"""What the steps of a running sync store: documents that differ, ids of those that do not, and the place reached."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet

from migrator.gateway.protocol import Unreadable
from tracker.inventory.documents import Row, canonical_json, storable
from tracker.inventory.models import StagedResource, Subscription, Sync, SyncPart
from tracker.inventory.reading import Reading


class SyncLost(Exception):
    """This reading was taken for dead and goes on elsewhere; what this reader had not stored is forgotten."""


# Keys and digests of one part, each as lines of one text: no key holds a line break (documents.row). Each is looked up
# by the index (LATERAL … LIMIT): joined, the whole table is read for each part, as the planner knows nothing of a text.
_LISTED = """
unnest(string_to_array(%(keys)s, E'\\n'), string_to_array(%(digests)s, E'\\n')) AS listed(key, digest)
"""
_AGAIN = f"""
DELETE FROM tracker_stagedresource WHERE id IN (
    SELECT staged.id FROM {_LISTED} CROSS JOIN LATERAL (
        SELECT id FROM tracker_stagedresource WHERE sync_id = %(sync)s AND key = listed.key LIMIT 1) AS staged)
"""  # noqa: S608 - constants of this module
_UNCHANGED = f"""
SELECT stored.key, stored.id FROM {_LISTED} CROSS JOIN LATERAL (
    SELECT id, key, digest, subscription_id, gone_at FROM tracker_resource WHERE key = listed.key LIMIT 1) AS stored
 WHERE stored.digest = listed.digest AND stored.subscription_id = %(subscription)s AND stored.gone_at IS NULL
"""  # noqa: S608
_PART = """
INSERT INTO tracker_syncpart (sync_id, number, seen, unreadable) VALUES (%s, %s, %s::bigint[], %s)
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
    rows = reading.rows
    fresh, seen = dict(rows), list[int]()
    with connection.cursor() as cursor:
        if rows:
            listed = {"keys": "\n".join(rows), "digests": "\n".join(r.digest for r in rows.values())}
            which = {**listed, "sync": row.pk, "subscription": subscription.pk}
            if row.parts > 1 and StagedResource.objects.filter(sync=row).exists():
                cursor.execute(_AGAIN, which)  # listed twice, after an interruption: the later reading counts
            cursor.execute(_UNCHANGED, which)
            for key, pk in cursor.fetchall():
                seen.append(pk)
                del fresh[key]
        if fresh:
            _copy(cursor, row.pk, fresh.values())
        unreadable = storable(
            [{"resource": p.resource_id, "action": p.action, "sentence": p.sentence} for p in reading.unreadable]
        )
        if seen or unreadable:
            ids = f"{{{','.join(map(str, seen))}}}"
            cursor.execute(_PART, [row.pk, parts, ids, canonical_json(unreadable)])
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
