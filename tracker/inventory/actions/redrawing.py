"""Drawing the units of a subscription anew and writing the difference. Always inside the caller's transaction.

Of the many (virtual machines, and what lies below something else) only what drawing reads is fetched, as values of
`wire.outlines`: documents are not parsed, and no row becomes an object of the ORM.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar

from django.db import connection

from migrator import units as drawing
from migrator.gateway import wire
from migrator.gateway.wire import outlines
from migrator.resources import UNKNOWN, ResourceType, known
from migrator.resources import Resource as Value
from tracker.audit.actions import Fact, record_many
from tracker.audit.values import Actor
from tracker.inventory import documents
from tracker.inventory.models import Resource, Subscription, Unit

T = TypeVar("T")
BATCH = 1_000
LISTED = 20  # keys of a kind named in one event; the counts are complete
LONGEST_NAME, LONGEST_REASON = 120, 300

# Of a document `d`: the service and the network of a machine, and the document of everything else. What a machine says
# is read as `wire.classic` reads it: a network profile without a network means in none, none at all means not known.
_MACHINE = f"'{ResourceType.VIRTUAL_MACHINE}'"
_BARE = ", ".join(f"'{kind}'" for kind in sorted(outlines.BARE))
_PROFILE = "d -> 'properties' -> 'networkProfile'"
_NETWORK = f"{_PROFILE} -> 'virtualNetwork'"
_TEXT = "CASE WHEN jsonb_typeof({0} -> 'id') = 'string' THEN {0} ->> 'id' END"
_OUTLINE = f"""
    CASE type WHEN {_MACHINE} THEN {_TEXT.format("(d -> 'properties' -> 'domainName')")} END,
    CASE type WHEN {_MACHINE} THEN {_TEXT.format(f"({_NETWORK})")} END,
    type = {_MACHINE} AND jsonb_typeof({_PROFILE}) = 'object'
        AND coalesce(jsonb_typeof({_NETWORK}), 'null') = 'null',
    CASE WHEN type = {_MACHINE} THEN NULL
         WHEN type IN ({_BARE}) THEN (d - 'properties')::text ELSE d::text END
"""
_LIVE = f"""
SELECT id, key, azure_id, type, name, region, unit_id, membership, {_OUTLINE}
  FROM (SELECT id, key, azure_id, type, name, region, unit_id, membership, document AS d FROM tracker_resource
         WHERE subscription_id = %(subscription)s AND gone_at IS NULL
           AND NOT EXISTS (SELECT FROM tracker_stagedresource AS staged
                            WHERE staged.sync_id = %(sync)s AND staged.key = tracker_resource.key)
        UNION ALL
        SELECT NULL, staged.key, staged.azure_id, staged.type, staged.name, staged.region, stored.unit_id,
               coalesce(stored.membership, ''), staged.document
          FROM tracker_stagedresource AS staged LEFT JOIN tracker_resource AS stored ON stored.key = staged.key
         WHERE staged.sync_id = %(sync)s) AS listed
"""  # noqa: S608 - constants of this module
_HOMES = """
CREATE TEMP TABLE IF NOT EXISTS tracker_home (key text, unit_id bigint, membership text) ON COMMIT DROP;
TRUNCATE tracker_home
"""
_JOIN = """
UPDATE tracker_resource AS stored SET unit_id = home.unit_id, membership = home.membership
  FROM tracker_home AS home WHERE stored.key = home.key
   AND (stored.unit_id, stored.membership) IS DISTINCT FROM (home.unit_id, home.membership)
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


@dataclass(frozen=True, slots=True)
class _Live:
    """A resource as far as drawing needs it. `staged`: whoever stores it puts it where it belongs."""

    staged: bool
    key: str
    type: str
    unit_id: int | None
    membership: str


def redraw(
    subscription: Subscription,
    touched: Collection[str],
    changes: Changes,
    by: Actor,
    now: datetime,
    *,
    sync: int | None = None,
) -> None:
    """Draw the units of the subscription from what is stored, and write the difference. `touched`: keys of resources
    that were added, changed or removed; their units changed with them. `sync`: what this sync has staged counts for
    what is stored, and is put where it belongs by whoever stores it (`tracker_home`, a table of this transaction)."""
    live, values = _listed(subscription, sync)
    drawn = _drawable(drawing.resolve(values), subscription, changes)
    del values
    homes = _homes(drawn.values(), live)
    before = {
        unit.key: unit
        for unit in Unit.objects.select_for_update(no_key=True).filter(subscription=subscription).order_by("pk")
    }
    restless = _restless(live, homes, before, touched, changes.gone)
    _write_units(subscription, drawn, homes, before, restless, changes, now)
    _close_units(drawn, before, changes, now)
    by_key = dict(Unit.objects.filter(subscription=subscription).values_list("key", "pk"))
    joined = _join(live, homes, by_key)
    _tell(before, joined, changes, by, now)


def _listed(subscription: Subscription, sync: int | None) -> tuple[list[_Live], list[Value]]:
    """Every live resource, and the values units are drawn from."""
    live: list[_Live] = []
    machines: list[Value] = []
    papers: list[object] = []
    with connection.chunked_cursor() as cursor:
        cursor.execute(_LIVE, {"subscription": subscription.pk, "sync": sync})
        while rows := cursor.fetchmany(BATCH):
            for pk, key, azure_id, kind, name, region, unit_id, membership, service, network, alone, document in rows:
                live.append(_Live(pk is None, key, kind, unit_id, membership))
                if document is None:
                    home = network if network is not None else None if alone else UNKNOWN
                    machines.append(outlines.machine(azure_id, name, region, service, home))
                else:
                    papers.append(json.loads(document))
    live.sort(key=lambda row: row.key)
    return live, [*machines, *wire.resources(papers)]


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


def _homes(units: Iterable[drawing.Unit], live: Iterable[_Live]) -> dict[str, tuple[str, str]]:
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
    live: Iterable[_Live],
    homes: dict[str, tuple[str, str]],
    before: dict[str, Unit],
    touched: Collection[str],
    gone: Iterable[str],
) -> set[str]:
    """Keys of units with a member that was added, changed, removed, or moved between units."""
    key_of = {unit.pk: unit.key for unit in before.values()}
    restless: set[str] = set()
    for row in live:
        old = key_of.get(row.unit_id, "") if row.unit_id else ""
        new = homes.get(row.key, ("", ""))[0]
        if old != new or row.key in touched:
            restless.update((old, new))
    for batch in batches(gone):
        left = Resource.objects.filter(key__in=batch, unit__isnull=False)
        restless.update(key_of.get(unit_id, "") for unit_id in left.values_list("unit_id", flat=True))
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
    live: Iterable[_Live], homes: dict[str, tuple[str, str]], by_key: dict[str, int]
) -> dict[int, tuple[list[str], list[str]]]:
    """Write who belongs where, as far as it changed; a gone resource keeps the unit it was in. Returns unit pk → (keys
    that joined, keys that left)."""
    moved: dict[int, tuple[list[str], list[str]]] = {}
    stored = 0
    with connection.cursor() as cursor:
        cursor.execute(_HOMES)
        with cursor.copy("COPY tracker_home FROM STDIN") as copy:
            for row in live:
                unit_key, reason = homes.get(row.key, ("", ""))
                unit_id, reason = by_key.get(unit_key), reason[:LONGEST_REASON]
                if not row.staged and (row.unit_id, row.membership) == (unit_id, reason):
                    continue
                copy.write_row((row.key, unit_id, reason))
                stored += not row.staged
                if row.unit_id != unit_id:
                    if unit_id:
                        moved.setdefault(unit_id, ([], []))[0].append(row.key)
                    if row.unit_id:
                        moved.setdefault(row.unit_id, ([], []))[1].append(row.key)
        if stored:
            cursor.execute(_JOIN)
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
