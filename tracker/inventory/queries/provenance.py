"""Who said what is stored, when it was last seen and last changed, and what nobody could say. Reads only.

A fact is as old as the last reading that saw it, not as the last one that changed it: a reading writes nothing for what
it finds unchanged. Of a reading that took hours the begin counts, so that no age is told shorter than it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import OuterRef, Q, Subquery

from migrator.gateway import wire
from migrator.resources import known
from migrator.units import flatten
from tracker.inventory.models import Import, ImportRow, Resource, Snapshot, Subscription, Sync, Unit
from tracker.inventory.reading import hidden_types

FILE = "file"  # the source of what came from an imported file (`migrator.captures.values.SOURCE`)
COMPARED = 20  # snapshots looked through for the last change of a group of facts
GOOD = (Sync.Outcome.COMPLETE, Sync.Outcome.PARTIAL)
_OURS = frozenset({"source", "fromFile", "read"})  # keys of ours in a document


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts of one source. `fields`: paths in the document, empty for everything no other group names. `seen_at`: the
    oldest, of several members. `file`: the name of the imported file."""

    source: str  # graph, arm, service-management, file; empty: not recorded
    seen_at: datetime
    changed_at: datetime
    old: bool
    fields: tuple[str, ...] = ()
    members: int = 1
    old_members: int = 0
    file: str = ""
    import_id: object = None


@dataclass(frozen=True, slots=True)
class Gap:
    """What nobody could say. `action`: what the credential may not do, or what failed; empty when Azure left it out."""

    sentence: str
    action: str = ""
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Readings:
    """The last reading of a subscription that told something, and the newest one when that failed."""

    good: Sync | None
    failed: Sync | None

    @property
    def at(self) -> datetime | None:
        return self.good.started_at if self.good is not None else None


@dataclass(frozen=True, slots=True)
class Provenance:
    facts: tuple[Facts, ...]
    gaps: tuple[Gap, ...]
    readings: Readings

    @property
    def old(self) -> bool:
        return any(one.old for one in self.facts)


def old_after() -> timedelta:
    """How long facts count as they were seen."""
    return timedelta(hours=settings.OLD_AFTER_HOURS)


def readings_of(subscription_id: str) -> Readings:
    """One query."""
    mine = Sync.objects.filter(subscription=subscription_id).order_by("-started_at", "-pk")
    good, ended = mine.filter(outcome__in=GOOD), mine.exclude(outcome=Sync.Outcome.RUNNING)
    rows = list(mine.filter(Q(pk=Subquery(good.values("pk")[:1])) | Q(pk=Subquery(ended.values("pk")[:1]))))
    newest = rows[0] if rows else None
    failed = newest if newest is not None and newest.outcome == Sync.Outcome.FAILED else None
    return Readings(next((row for row in rows if row.outcome in GOOD), None), failed)


def read_at_of(subscription_ids: Iterable[str]) -> dict[str, datetime | None]:
    """When each subscription was last read; one query."""
    good = Sync.objects.filter(subscription=OuterRef("pk"), outcome__in=GOOD).order_by("-started_at")
    rows = Subscription.objects.filter(pk__in=set(subscription_ids)).annotate(
        read=Subquery(good.values("started_at")[:1])
    )
    return dict(rows.values_list("pk", "read"))


def source_of(resource: Resource) -> str:
    """Who said the resource as a whole."""
    return _sources(resource).get("", "")


def _sources(resource: Resource) -> Mapping[str, str]:
    return resource.sources or {"": ""}


def seen_at(resource: Resource, read_at: datetime | None, source: str | None = None) -> datetime:
    """When the facts of a source were last seen. `read_at`: of the subscription."""
    if (source_of(resource) if source is None else source) == FILE:
        return resource.seen_at
    if resource.gone_at is not None:
        return resource.seen_at
    return resource.unseen_since or read_at or resource.seen_at


def of_resource(resource: Resource, now: datetime) -> Provenance:
    """Where the facts of one resource come from; four queries at most."""
    readings = readings_of(resource.subscription_id)
    grouped: dict[str, list[str]] = {}
    for path, source in sorted(_sources(resource).items()):
        grouped.setdefault(source, []).append(path)
    listed = Snapshot.objects.filter(resource_key=resource.key).order_by("-taken_at", "-pk")
    taken = list(listed.only("document", "taken_at")[:COMPARED])
    files = _files([resource.key]) if FILE in grouped else {}
    made = []
    for source, paths in grouped.items():
        whole = "" in paths
        own = tuple(path for path in paths if path)
        others = tuple(p for name, listed in grouped.items() if name != source for p in listed if p)
        seen = seen_at(resource, readings.at, source)
        told = files.get(resource.key) if source == FILE else None
        made.append(
            Facts(
                source=source,
                seen_at=seen,
                changed_at=_changed_at(resource, taken, () if whole else own, others if whole else ()),
                old=now - seen > old_after(),
                fields=() if whole else own,
                file=told.imported.file_name if told else "",
                import_id=told.imported_id if told else None,
            )
        )
    made.sort(key=lambda one: bool(one.fields))
    gaps = _gaps_of(resource, readings.good)
    return Provenance(tuple(made), (*gaps, *_unsaid(resource, bool(gaps))), readings)


def _changed_at(
    resource: Resource, taken: Sequence[Snapshot], own: tuple[str, ...], others: tuple[str, ...]
) -> datetime:
    """When a part of the document last changed, as the snapshots show it."""
    for newer, older in pairwise(taken):
        if _part(newer.document, own, others) != _part(older.document, own, others):
            return newer.taken_at
    return taken[-1].taken_at if taken else resource.changed_at


def _part(document: Mapping[str, Any], own: tuple[str, ...], others: tuple[str, ...]) -> Any:
    """The named fields; without names, everything but the others'."""
    if own:
        return [_at(document, path.split(".")) for path in own]
    return _without(document, [path.split(".") for path in others])


def _at(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def _without(document: Mapping[str, Any], paths: list[list[str]], top: bool = True) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in document.items():
        if (top and name in _OURS) or [name] in paths:
            continue
        deeper = [path[1:] for path in paths if path[0] == name and len(path) > 1]
        kept[name] = _without(value, deeper, top=False) if deeper and isinstance(value, Mapping) else value
    return kept


def _files(keys: Sequence[str]) -> dict[str, ImportRow]:
    """The applied row of an imported file that last wrote each resource."""
    rows = ImportRow.objects.filter(
        key__in=keys,
        status__in=(ImportRow.Status.ADDED, ImportRow.Status.CHANGED),
        imported__state=Import.State.APPLIED,
    )
    newest = rows.select_related("imported").order_by("key", "-imported__closed_at").distinct("key").defer("text")
    return {row.key: row for row in newest}


def _entries(sync: Sync | None) -> list[tuple[str, Gap]]:
    """(lower-case id, gap) of what a reading could not read."""
    listed = sync.unreadable if sync is not None else []
    return [
        (
            str(part.get("resource", "")).rstrip("/").lower(),
            Gap(part.get("sentence", ""), part.get("action", ""), part.get("resource", "")),
        )
        for part in listed
    ]


def _gaps_of(resource: Resource, sync: Sync | None) -> list[Gap]:
    """What hides the resource itself, a part of it, or what lies below it."""
    found = []
    for root, gap in _entries(sync):
        below = root == resource.key or root.startswith(f"{resource.key}/")
        if below or (root and resource.key.startswith(f"{root}/") and hidden_types(gap.action)(resource.type)):
            found.append(gap)
    return found


def _unsaid(resource: Resource, explained: bool) -> list[Gap]:
    """Facts of the resource that Azure's answer, or the file, leaves open. A value is read with what lies above it:
    a role's networks stand in the configuration of its slot."""
    above, key = [resource.key], resource.key
    while "/providers/" in (key := key.rpartition("/")[0]):
        above.append(key)
    papers = Resource.objects.filter(key__in=above[1:], gone_at__isnull=True).values_list("document", flat=True)
    value = flatten(wire.resources([*papers, resource.document])).get(resource.key)
    if value is None:
        return []
    names = [one.name for one in fields(value) if one.name != "location" and not known(getattr(value, one.name))]
    if not names:
        return []
    who = "The file does" if source_of(resource) == FILE else "Azure’s answer does"
    why = "could not be read" if explained else f"{who} not say"
    return [Gap(f"{name.replace('_', ' ').capitalize()}: {why}.", resource=resource.azure_id) for name in names]


# The members of a unit by source, with the readings they are held against, in one statement. A member counts with every
# source that said something of it.
_BY_SOURCE = """
WITH good AS (SELECT started_at, ended_at, outcome, unreadable FROM tracker_sync
     WHERE subscription_id = %(subscription)s AND outcome IN ('complete', 'partial')
     ORDER BY started_at DESC, id DESC LIMIT 1
), newest AS (SELECT started_at, ended_at, outcome, error FROM tracker_sync
     WHERE subscription_id = %(subscription)s AND outcome <> 'running' ORDER BY started_at DESC, id DESC LIMIT 1
), told AS (
    SELECT source.value AS source, one.changed_at,
           CASE WHEN source.value = 'file' THEN one.seen_at
                ELSE coalesce(one.unseen_since, (SELECT started_at FROM good), one.seen_at) END AS seen_at
      FROM tracker_resource AS one
     CROSS JOIN LATERAL (SELECT DISTINCT value FROM jsonb_each_text(
           CASE WHEN one.sources = '{}' THEN '{"": ""}'::jsonb ELSE one.sources END)) AS source
     WHERE one.unit_id = %(unit)s AND one.gone_at IS NULL
), summed AS (
    SELECT source, count(*) AS members, min(seen_at) AS seen_at, max(changed_at) AS changed_at,
           count(*) FILTER (WHERE seen_at < %(before)s) AS old FROM told GROUP BY source
)
SELECT (SELECT to_json(good) FROM good), (SELECT to_json(newest) FROM newest WHERE outcome = 'failed'),
       (SELECT json_agg(summed ORDER BY members DESC, source) FROM summed)
"""


def of_unit(unit: Unit, now: datetime) -> Provenance:
    """Where the facts of a unit's members come from; one query, and one more each where a file or a gap is told of."""
    with connection.cursor() as cursor:
        asked = {"unit": unit.pk, "subscription": unit.subscription_id, "before": now - old_after()}
        cursor.execute(_BY_SOURCE, asked)
        good, failed, rows = cursor.fetchone()
    readings = Readings(_sync(good), _sync(failed))
    files = _files_of(unit) if any(row["source"] == FILE for row in rows or ()) else []
    made = [
        Facts(
            source=row["source"],
            seen_at=datetime.fromisoformat(row["seen_at"]),
            changed_at=datetime.fromisoformat(row["changed_at"]),
            old=row["old"] > 0,
            members=row["members"],
            old_members=row["old"],
            file=", ".join(name for _, name in files[:3]) if row["source"] == FILE else "",
            import_id=files[0][0] if row["source"] == FILE and len(files) == 1 else None,
        )
        for row in rows or ()
    ]
    return Provenance(tuple(made), tuple(_gaps_of_unit(unit, readings.good)), readings)


def _sync(told: Mapping[str, Any] | None) -> Sync | None:
    """A reading out of the JSON of its row."""
    if told is None:
        return None
    times = {name: datetime.fromisoformat(told[name]) for name in ("started_at", "ended_at") if told[name]}
    return Sync(**{**told, **times})


def _files_of(unit: Unit) -> list[tuple[object, str]]:
    """(id, name) of the imported files that last wrote members of the unit."""
    keys = list(unit.members.filter(gone_at__isnull=True).values_list("key", flat=True))
    found = {row.imported_id: row.imported.file_name for row in _files(keys).values()}
    return sorted(found.items(), key=lambda one: one[1])


def _gaps_of_unit(unit: Unit, sync: Sync | None) -> list[Gap]:
    """What hides a member, a part of one, or what could be one."""
    entries = _entries(sync)
    if not entries:
        return []
    keys = set(unit.members.values_list("key", flat=True)) | {unit.key}
    above = {place for key in keys for place in _places(key)}
    return [
        gap for root, gap in entries if root in above or any(place in keys for place in _places(root)) or root == ""
    ]


def _places(key: str) -> list[str]:
    """A key and everything it lies under."""
    parts = key.split("/")
    return ["/".join(parts[:end]) for end in range(3, len(parts) + 1)]
