"""Writing what a reading showed: resources and snapshots, in the units they belong to. Always inside the caller's
transaction."""

import json
from datetime import datetime

from django.db import connection

from tracker.audit.values import Actor
from tracker.inventory import documents
from tracker.inventory.actions.redrawing import Changes, batches, redraw
from tracker.inventory.models import Resource, Subscription, Sync
from tracker.inventory.reading import Reading

__all__ = ["Changes", "apply", "batches", "redraw"]

# The rows of one sync, or of one import, as a table that is read once. A content already stored is left alone.
_LISTED = """
    SELECT key, azure_id, type, name, region, document, digest, sources FROM tracker_stagedresource
     WHERE sync_id = %(sync)s
"""
_GIVEN = """
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb)
        AS row(key text, azure_id text, type text, name text, region text, document jsonb, digest text, sources jsonb)
"""
# One statement: the snapshot of every new content, and the newest reading of the resource. `home`: the unit it is in
# and why, when that was drawn before, so that no row is written twice; else it stays where it was.
_STORE = """
WITH listed AS MATERIALIZED ({listed}), kept AS (
    INSERT INTO tracker_snapshot (resource_key, digest, document, taken_at)
    SELECT key, digest, document, %(now)s FROM listed ON CONFLICT DO NOTHING
)
INSERT INTO tracker_resource
    (key, azure_id, type, name, subscription_id, region, unit_id, membership, document, digest, sources, first_seen_at,
     changed_at, seen_at)
SELECT key, azure_id, type, name, %(subscription)s, region, {home}, document, digest, sources, %(now)s, %(now)s, %(now)s
  FROM listed {homes}
ON CONFLICT (key) DO UPDATE SET azure_id = excluded.azure_id, type = excluded.type, name = excluded.name,
    region = excluded.region, document = excluded.document, digest = excluded.digest, sources = excluded.sources,
    changed_at = excluded.changed_at, seen_at = excluded.seen_at, gone_at = NULL, unseen_since = NULL {moved}
"""
_STORE_STAGED = _STORE.format(
    listed=_LISTED,
    home="unit_id, coalesce(membership, '')",
    homes="LEFT JOIN tracker_home USING (key)",
    moved=", unit_id = excluded.unit_id, membership = excluded.membership",
)
_STORE_GIVEN = _STORE.format(listed=_GIVEN, home="NULL, ''", homes="", moved="")
_NEW_OR_CHANGED = """
SELECT staged.key, stored.id IS NULL OR stored.gone_at IS NOT NULL
  FROM tracker_stagedresource AS staged LEFT JOIN tracker_resource AS stored ON stored.key = staged.key
 WHERE staged.sync_id = %s
"""
_UNSEEN = """
SELECT stored.key, stored.type, stored.unseen_since IS NOT NULL FROM tracker_resource AS stored
 WHERE stored.subscription_id = %(subscription)s AND stored.gone_at IS NULL
   AND NOT EXISTS (SELECT FROM tracker_stagedresource AS staged
                    WHERE staged.sync_id = %(sync)s AND staged.key = stored.key)
   AND NOT EXISTS (SELECT FROM (SELECT unnest(seen) AS id FROM tracker_syncpart WHERE sync_id = %(sync)s) AS listed
                    WHERE listed.id = stored.id)
"""
_SEEN_AGAIN = """
UPDATE tracker_resource SET unseen_since = NULL
 WHERE subscription_id = %(subscription)s AND unseen_since IS NOT NULL
   AND id IN (SELECT unnest(seen) FROM tracker_syncpart WHERE sync_id = %(sync)s)
"""


def apply(subscription: Subscription, sync: Sync, unreadable: Reading, by: Actor, now: datetime) -> Changes:
    """Bring the stored inventory of the subscription to what the steps of a sync have stored. Nothing is written for
    what did not change. `unreadable`: what could not be read; nothing behind it is called gone."""
    changes = Changes()
    which = {"subscription": subscription.pk, "sync": sync.pk, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_NEW_OR_CHANGED, [sync.pk])
        for key, new in cursor:
            (changes.added if new else changes.changed).append(key)
        cursor.execute(_UNSEEN, which)
        unseen = cursor.fetchall()
        cursor.execute(
            "SELECT count(DISTINCT one) FROM tracker_syncpart, unnest(seen) AS one WHERE sync_id = %s", [sync.pk]
        )
        changes.unchanged = cursor.fetchone()[0]
        cursor.execute(_SEEN_AGAIN, which)
    hidden = unreadable.hidden() if unreadable.unreadable else None
    changes.gone = [key for key, kind, _ in unseen if hidden is None or not hidden(key, kind)]
    gone = set(changes.gone)
    for batch in batches(changes.gone):
        Resource.objects.filter(key__in=batch).update(gone_at=now, changed_at=now)
    for batch in batches(key for key, _, marked in unseen if key not in gone and not marked):
        Resource.objects.filter(key__in=batch).update(unseen_since=subscription.synced_at or now)
    if changes:
        redraw(subscription, {*changes.added, *changes.changed, *gone}, changes, by, now, sync=sync.pk)
    if changes.added or changes.changed:
        with connection.cursor() as cursor:
            cursor.execute(_STORE_STAGED, which)
    return changes


def _store(subscription: Subscription, reading: Reading, now: datetime) -> None:
    with connection.cursor() as cursor:
        for batch in batches(reading.rows.values()):
            rows = f"[{','.join(map(_as_json, batch))}]"
            cursor.execute(_STORE_GIVEN, {"rows": rows, "subscription": subscription.pk, "now": now})


def _as_json(row: documents.Row) -> str:
    names = {"key": row.key, "azure_id": row.azure_id, "type": row.type, "name": row.name, "region": row.region}
    return f'{json.dumps({**names, "digest": row.digest})[:-1]},"document":{row.text},"sources":{row.sources}}}'
