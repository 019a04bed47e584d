"""Writing what a reading showed: resources, snapshots, units drawn anew. Always inside the caller's transaction."""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar

from django.db import connection

from migrator import units as drawing
from migrator.gateway import wire
from migrator.resources import known
from tracker.audit.actions import Fact, record_many
from tracker.audit.values import Actor
from tracker.inventory import documents
from tracker.inventory.models import Resource, Subscription, Sync, Unit
from tracker.inventory.reading import Reading

T = TypeVar("T")
BATCH = 1_000
LISTED = 20  # keys of a kind named in one event; the counts are complete
LONGEST_NAME, LONGEST_REASON = 120, 300

# The rows of one sync, or of one import, as a table that is read once. A content already stored is left alone.
_LISTED = """
    SELECT key, azure_id, type, name, region, document, digest, sources FROM tracker_stagedresource
     WHERE sync_id = %(sync)s
"""
_GIVEN = """
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb)
        AS row(key text, azure_id text, type text, name text, region text, document jsonb, digest text, sources jsonb)
"""
# One statement: the snapshot of every new content, and the newest reading of the resource.
_STORE = """
WITH listed AS MATERIALIZED ({listed}), kept AS (
    INSERT INTO tracker_snapshot (resource_key, digest, document, taken_at)
    SELECT key, digest, document, %(now)s FROM listed ON CONFLICT DO NOTHING
)
INSERT INTO tracker_resource
    (key, azure_id, type, name, subscription_id, region, membership, document, digest, sources, first_seen_at,
     changed_at, seen_at)
SELECT key, azure_id, type, name, %(subscription)s, region, '', document, digest, sources, %(now)s, %(now)s, %(now)s
  FROM listed
ON CONFLICT (key) DO UPDATE SET azure_id = excluded.azure_id, type = excluded.type, name = excluded.name,
    region = excluded.region, document = excluded.document, digest = excluded.digest, sources = excluded.sources,
    changed_at = excluded.changed_at, seen_at = excluded.seen_at, gone_at = NULL, unseen_since = NULL
"""
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
   AND stored.id NOT IN (SELECT unnest(seen) FROM tracker_syncpart WHERE sync_id = %(sync)s)
"""
_SEEN_AGAIN = """
UPDATE tracker_resource SET unseen_since = NULL
 WHERE subscription_id = %(subscription)s AND unseen_since IS NOT NULL
   AND id IN (SELECT unnest(seen) FROM tracker_syncpart WHERE sync_id = %(sync)s)
"""
_JOIN = """
UPDATE tracker_resource AS stored SET unit_id = wanted.unit_id, membership = wanted.membership
  FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS wanted(id, unit_id, membership)
 WHERE stored.id = wanted.id
"""


@dataclass(slots=True)
class Changes:
    """What a sync changed: keys of resources, keys of units. `unchanged`: how many resources stayed as they were."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unchanged: int = 0
    units_added: list[str] = field(default_factory=list)
    units_changed: list[str] = field(default_factory=list)
    units_gone: list[str] = field(default_factory=list)
    undrawn: list[str] = field(default_factory=list)  # sentences about units that could not be stored

    def __bool__(self) -> bool:
        return bool(
            self.added or self.changed or self.gone or self.units_added or self.units_changed or self.units_gone
        )

    def detail(self) -> dict[str, int | list[str]]:
        """For the event: every count, and the first keys of each list."""
        lists = {
            "added": self.added,
            "changed": self.changed,
            "gone": self.gone,
            "units_added": self.units_added,
            "units_changed": self.units_changed,
            "units_gone": self.units_gone,
        }
        counts: dict[str, int | list[str]] = {name: len(keys) for name, keys in lists.items()}
        first = {f"{name}_keys": sorted(keys)[:LISTED] for name, keys in lists.items() if keys}
        return {**counts, "unchanged": self.unchanged, **first}


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


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
        if changes.added or changes.changed:
            cursor.execute(_STORE.format(listed=_LISTED), which)
        cursor.execute(_SEEN_AGAIN, which)
    hidden = unreadable.hidden() if unreadable.unreadable else None
    changes.gone = [key for key, kind, _ in unseen if hidden is None or not hidden(key, kind)]
    gone = set(changes.gone)
    for batch in batches(changes.gone):
        Resource.objects.filter(key__in=batch).update(gone_at=now, changed_at=now)
    for batch in batches(key for key, _, marked in unseen if key not in gone and not marked):
        Resource.objects.filter(key__in=batch).update(unseen_since=subscription.synced_at or now)
    if changes:
        redraw(subscription, {*changes.added, *changes.changed, *changes.gone}, changes, by, now)
    return changes


def _store(subscription: Subscription, reading: Reading, now: datetime) -> None:
    with connection.cursor() as cursor:
        for batch in batches(reading.rows.values()):
            rows = f"[{','.join(map(_as_json, batch))}]"
            given = {"rows": rows, "subscription": subscription.pk, "now": now}
            cursor.execute(_STORE.format(listed=_GIVEN), given)


def _as_json(row: documents.Row) -> str:
    names = {"key": row.key, "azure_id": row.azure_id, "type": row.type, "name": row.name, "region": row.region}
    return f'{json.dumps({**names, "digest": row.digest})[:-1]},"document":{row.text},"sources":{row.sources}}}'


@dataclass(frozen=True, slots=True)
class _Stored:
    """A resource row as far as drawing needs it."""

    pk: int
    key: str
    type: str
    unit_id: int | None
    membership: str


def redraw(subscription: Subscription, touched: Collection[str], changes: Changes, by: Actor, now: datetime) -> None:
    """Draw the units of the subscription from what is stored, and write the difference. `touched`: keys of resources
    that were added, changed or removed; their units changed with them."""
    live, papers = [], []
    listed = Resource.objects.filter(subscription=subscription, gone_at__isnull=True).order_by("key")
    for pk, key, kind, unit_id, membership, document in listed.values_list(
        "pk", "key", "type", "unit_id", "membership", "document"
    ).iterator(chunk_size=2_000):
        live.append(_Stored(pk, key, kind, unit_id, membership))
        papers.append(document)
    drawn = _drawable(drawing.resolve(wire.resources(papers)), subscription, changes)
    homes = _homes(drawn.values(), live)
    before = {
        unit.key: unit
        for unit in Unit.objects.select_for_update(no_key=True).filter(subscription=subscription).order_by("pk")
    }
    restless = _restless(live, homes, before, touched)
    _write_units(subscription, drawn, homes, before, restless, changes, now)
    _close_units(drawn, before, changes, now)
    by_key = dict(Unit.objects.filter(subscription=subscription).values_list("key", "pk"))
    joined = _join(live, homes, by_key)
    _tell(before, joined, changes, by, now)


def _drawable(units: Iterable[drawing.Unit], subscription: Subscription, changes: Changes) -> dict[str, drawing.Unit]:
    """The units that can be stored. Only an id which a document gives for something unlisted can make another kind."""
    drawn = {}
    for unit in units:
        usable = len(unit.key) <= documents.LONGEST_UNIT_KEY and unit.key.isprintable()
        if usable and unit.subscription == subscription.pk:
            drawn[unit.key] = unit
        else:
            where = "outside its subscription " if usable else ""
            changes.undrawn.append(f"A unit {where}is named by {ascii(unit.key)[:160]}; it was not drawn.")
    return drawn


def _homes(units: Iterable[drawing.Unit], live: Iterable[_Stored]) -> dict[str, tuple[str, str]]:
    """resource key → (unit key, reason). What lies in a classic resource without being a value of its own (a service
    certificate, an extension reference) is where its parent is."""
    homes = {member.resource_key: (unit.key, member.reason) for unit in units for member in unit.members}
    names = {row.key: row.key.rsplit("/", 1)[-1] for row in live}
    for row in live:
        if row.key in homes or not row.type.lower().startswith("microsoft.classic"):
            continue
        above = documents.parent_key(row.key)
        while "/providers/" in above and above not in homes:
            above = documents.parent_key(above)
        if above in homes:
            homes[row.key] = (homes[above][0], f"is part of {names.get(above, above.rsplit('/', 1)[-1])}")
    return homes


def _restless(
    live: Iterable[_Stored], homes: dict[str, tuple[str, str]], before: dict[str, Unit], touched: Collection[str]
) -> set[str]:
    """Keys of units with a member that was added, changed, removed, or moved between units."""
    key_of = {unit.pk: unit.key for unit in before.values()}
    restless: set[str] = set()
    for row in live:
        old = key_of.get(row.unit_id, "") if row.unit_id else ""
        new = homes.get(row.key, ("", ""))[0]
        if old != new or row.key in touched:
            restless.update((old, new))
    gone = Resource.objects.filter(key__in=list(touched), gone_at__isnull=False, unit__isnull=False)
    restless.update(key_of.get(unit_id, "") for unit_id in gone.values_list("unit_id", flat=True))
    return restless - {""}


def _write_units(
    subscription: Subscription,
    drawn: dict[str, drawing.Unit],
    homes: dict[str, tuple[str, str]],
    before: dict[str, Unit],
    restless: set[str],
    changes: Changes,
    now: datetime,
) -> None:
    counts: dict[str, int] = {}
    for unit_key, _ in homes.values():
        counts[unit_key] = counts.get(unit_key, 0) + 1
    rows = []
    for unit in drawn.values():
        row = Unit(
            key=unit.key,
            azure_id=unit.id,
            kind=unit.kind,
            name=unit.name[:LONGEST_NAME],
            subscription=subscription,
            region=unit.location[: documents.LONGEST_REGION] if known(unit.location) else "",  # type: ignore[index]
            member_count=counts.get(unit.key, 0),
            first_seen_at=now,
            changed_at=now,
        )
        old = before.get(unit.key)
        if old is None:
            changes.units_added.append(unit.key)
        elif unit.key in restless or old.gone_at is not None or _differs(old, row):
            changes.units_changed.append(unit.key)
        else:
            continue
        rows.append(row)
    Unit.objects.bulk_create(
        rows,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["azure_id", "kind", "name", "region", "member_count", "changed_at", "gone_at"],
    )


def _differs(old: Unit, new: Unit) -> bool:
    return any(
        getattr(old, name) != getattr(new, name) for name in ("azure_id", "kind", "name", "region", "member_count")
    )


def _close_units(drawn: dict[str, drawing.Unit], before: dict[str, Unit], changes: Changes, now: datetime) -> None:
    """A unit whose resources are all gone, or went elsewhere, is gone; it keeps its row, its history and its runs."""
    lost = [unit for unit in before.values() if unit.gone_at is None and unit.key not in drawn]
    changes.units_gone = [unit.key for unit in lost]
    for batch in batches(lost):
        Unit.objects.filter(pk__in=[unit.pk for unit in batch]).update(gone_at=now, changed_at=now)


def _join(
    live: Iterable[_Stored], homes: dict[str, tuple[str, str]], by_key: dict[str, int]
) -> dict[int, tuple[list[str], list[str]]]:
    """Write who belongs where, as far as it changed; a gone resource keeps the unit it was in. Returns unit pk → (keys
    that joined, keys that left)."""
    moved: dict[int, tuple[list[str], list[str]]] = {}
    wanted: list[tuple[int, int | None, str]] = []
    for row in live:
        unit_key, reason = homes.get(row.key, ("", ""))
        unit_id, reason = by_key.get(unit_key), reason[:LONGEST_REASON]
        if (row.unit_id, row.membership) == (unit_id, reason):
            continue
        wanted.append((row.pk, unit_id, reason))
        if row.unit_id != unit_id:
            if unit_id:
                moved.setdefault(unit_id, ([], []))[0].append(row.key)
            if row.unit_id:
                moved.setdefault(row.unit_id, ([], []))[1].append(row.key)
    with connection.cursor() as cursor:
        for batch in batches(wanted, 5 * BATCH):
            cursor.execute(_JOIN, [list(column) for column in zip(*batch, strict=True)])
    return moved


def _tell(
    before: dict[str, Unit],
    joined: dict[int, tuple[list[str], list[str]]],
    changes: Changes,
    by: Actor,
    now: datetime,
) -> None:
    """One event for each known unit whose members changed or which went away; new ones stand in the sync's event."""
    left: dict[int, int] = {}
    for batch in batches(changes.gone):
        for unit_id in Resource.objects.filter(key__in=batch, unit__isnull=False).values_list("unit_id", flat=True):
            left[unit_id] = left.get(unit_id, 0) + 1
    facts = []
    for unit in sorted(before.values(), key=lambda unit: unit.key):
        came, went = joined.get(unit.pk, ([], []))
        detail = {"name": unit.name, "progress": unit.progress}
        if unit.key in changes.units_gone:
            facts.append(Fact("inventory.unit_gone", ("unit", unit.key), detail))
        elif came or went or unit.pk in left:
            numbers = {"added": len(came), "removed": len(went) + left.get(unit.pk, 0)}
            back = {"returned": "yes"} if unit.gone_at is not None else {}
            facts.append(Fact("inventory.unit_redrawn", ("unit", unit.key), {**detail, **numbers, **back}))
    for batch in batches(facts):
        record_many(batch, by=by, now=now)
