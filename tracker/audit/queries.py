"""Reading history: pages of events with their sentences, one event with its place, the state of the proof."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet

from tracker.audit import log, registry
from tracker.audit.models import Checkpoint, Event, Leaf, PrivateValue
from tracker.audit.values import canonical, stamp, uuid7_floor

PAGE = 50
MAX_PAGE = 200
# A person's name is a private value of the event that made or renamed the account; the newest one counts.
NAMING = ("account.created", "account.renamed")


class BadFilter(ValueError):
    """A filter holds something that cannot be looked for; the message names it."""


@dataclass(frozen=True)
class Filters:
    """What to show. Empty means everything. Times are aware; `since` is included, `until` is not."""

    types: tuple[str, ...] = ()  # "wave.created", or a whole slice: "wave"
    actor: str = ""  # "user:p-…", or a kind: "system"
    object_kind: str = ""
    object_id: str = ""
    result: str = ""
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""  # anywhere in the object's id, whatever its case

    def __post_init__(self) -> None:
        for name in self.types:
            if name not in registry.TYPES and not any(known.startswith(f"{name}.") for known in registry.TYPES):
                raise BadFilter(f"There is no event type {name!r}.")
        if self.result not in ("", "done", "denied", "failed"):
            raise BadFilter(f"The result is {self.result!r}; it is done, denied or failed.")
        for at in (self.since, self.until):
            if at is not None and at.tzinfo is None:
                raise BadFilter(f"The time {at.isoformat()} has no zone.")
        if len(self.text) > 200 or any(
            "\x00" in word for word in (self.text, self.actor, self.object_kind, self.object_id)
        ):
            raise BadFilter("A search has at most 200 characters, and no NUL.")

    @property
    def everything(self) -> bool:
        return self == Filters()

    def detail(self) -> dict[str, Any]:
        """As written into the event of an export."""
        said = {key: value for key, value in vars(self).items() if value}
        times = {key: stamp(value) for key, value in said.items() if isinstance(value, datetime)}
        return said | times | ({"types": list(self.types)} if self.types else {})

    def where(self) -> tuple[str, list[Any]]:
        """SQL over `e` (tracker_event), for those who cannot use a queryset (COPY)."""
        sql, parameters = matching(self).query.get_compiler(connection=connection).as_sql()
        condition = sql.partition(" WHERE ")[2]
        return condition.replace('"tracker_event"', "e") or "TRUE", list(parameters)


@dataclass(frozen=True)
class Entry:
    """One event as people read it."""

    id: UUID
    at: datetime
    type: str
    label: str
    sentence: str
    actor: str
    actor_name: str
    object_kind: str
    object_id: str
    result: str
    detail: Mapping[str, Any]
    private: Mapping[str, str]
    body: str

    @property
    def detail_text(self) -> str:
        """The detail as it stands in the body."""
        return canonical(self.detail)


@dataclass(frozen=True)
class Page:
    """`before` is the id to ask the next, older page with; None on the last."""

    entries: list[Entry]
    before: UUID | None


@dataclass(frozen=True)
class Place:
    """Where an event stands: its number (from 0) in the tree and the first signed checkpoint over it, if any yet."""

    entry: Entry
    seq: int | None
    leaf: str
    checkpoint: Checkpoint | None
    missing: tuple[str, ...] = field(default=())  # private values committed to, but erased or not for this reader


@dataclass(frozen=True)
class Integrity:
    """The panel of the audit page."""

    origin: str
    verifier_key: str
    sequenced: int
    pending: int
    oldest_pending: timedelta | None
    signed: Checkpoint | None
    checkpoints: int
    verified_at: datetime | None
    verified: Mapping[str, Any]
    problem: str  # of the last full check, or damage found since; empty when all is well


def matching(filters: Filters) -> QuerySet[Event]:
    """The events of a filter, in no order."""
    found = Event.objects.all()
    if filters.types:
        slices = [name for name in filters.types if name not in registry.TYPES]
        exact = [name for name in filters.types if name in registry.TYPES]
        exact += [known for known in registry.TYPES if known.split(".")[0] in slices]
        found = found.filter(type__in=exact)
    if filters.actor:
        kind_only = filters.actor in ("user", "system", "command")
        found = found.filter(actor__startswith=f"{filters.actor}:") if kind_only else found.filter(actor=filters.actor)
    if filters.object_kind:
        found = found.filter(object_kind=filters.object_kind)
    if filters.object_id:
        found = found.filter(object_id=filters.object_id)
    if filters.result:
        found = found.filter(result=filters.result)
    if filters.since:
        found = found.filter(at__gte=filters.since, id__gte=uuid7_floor(filters.since))
    if filters.until:
        found = found.filter(at__lt=filters.until, id__lt=uuid7_floor(filters.until))
    if filters.text:
        found = found.filter(object_id__icontains=filters.text)
    return found


def events(
    filters: Filters | None = None, *, before: UUID | None = None, limit: int = PAGE, restricted: bool = False
) -> Page:
    """The newest events, then older ones with `before`. `restricted`: the reader may see addresses and the like too.

    Three queries whatever the page holds.
    """
    found = matching(filters or Filters())
    if before:
        found = found.filter(id__lt=before)
    limit = max(1, min(limit, MAX_PAGE))
    rows = list(found.order_by("-id")[: limit + 1])
    shown = _entries(rows[:limit], restricted=restricted)
    return Page(shown, shown[-1].id if len(rows) > limit else None)


def event(identifier: UUID, *, restricted: bool = False) -> Place:
    """One event and its place in the chain. Raises Event.DoesNotExist."""
    row = Event.objects.get(pk=identifier)
    entry = _entries([row], restricted=restricted)[0]
    leaf = Leaf.objects.filter(event_id=identifier).first()
    over = Checkpoint.objects.exclude(note="").filter(size__gt=leaf.seq).order_by("size").first() if leaf else None
    committed = json.loads(row.body)["private"]
    return Place(
        entry=entry,
        seq=leaf.seq if leaf else None,
        leaf=log.leaf_hash(row.body).hex(),
        checkpoint=over,
        missing=tuple(name for name in committed if name not in entry.private),
    )


def history_of(kind: str, identifier: object, *, limit: int = 20, restricted: bool = False) -> list[Entry]:
    """The newest events of one object."""
    return events(Filters(object_kind=kind, object_id=str(identifier)), limit=limit, restricted=restricted).entries


def integrity(now: datetime) -> Integrity:
    """The state of the proof, from two small reads; `actions.verify` is what re-reads everything."""
    with connection.cursor() as cursor:
        cursor.execute(_STATE)
        sequenced, checkpoints, pending, oldest, *newest = cursor.fetchone()
    told = Event.objects.filter(type__in=("audit.verified", "audit.damage_found")).order_by("type", "-id")
    last = {row.type: row for row in told.distinct("type")}
    check, damage = last.get("audit.verified"), last.get("audit.damage_found")
    verified = json.loads(check.body)["detail"] if check else {}
    problem = str(verified.get("cause", ""))
    if damage and (check is None or damage.id > check.id):
        problem = json.loads(damage.body)["detail"]["cause"]
    return Integrity(
        origin=settings.AUDIT_ORIGIN,
        verifier_key=log.verifier_key(settings.AUDIT_ORIGIN, settings.AUDIT_KEY),
        sequenced=sequenced,
        pending=pending,
        oldest_pending=now - oldest if oldest else None,
        signed=Checkpoint(**dict(zip(_SIGNED, newest, strict=True))) if newest[0] else None,
        checkpoints=checkpoints,
        verified_at=check.at if check else None,
        verified=verified,
        problem=problem,
    )


_SIGNED = ("id", "size", "root", "note", "reason", "at")
_STATE = f"""
    SELECT coalesce((SELECT max(size) FROM tracker_checkpoint), 0),
           (SELECT count(*) FROM tracker_checkpoint WHERE note <> ''),
           (SELECT count(*) FROM tracker_pending),
           (SELECT at FROM tracker_pending ORDER BY event_id LIMIT 1),
           {", ".join(f"signed.{name}" for name in _SIGNED)}
      FROM (SELECT 1) one
      LEFT JOIN LATERAL (SELECT * FROM tracker_checkpoint WHERE note <> '' ORDER BY size DESC LIMIT 1) signed ON TRUE
"""  # noqa: S608 - names of columns, from the line above


def names(pseudonyms: Iterable[str] | None = None) -> dict[str, str]:
    """What people (all, or those behind these pseudonyms) are called, as the history itself knows it."""
    wanted = None if pseudonyms is None else list(set(pseudonyms))
    if wanted == []:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.object_id, v.value FROM tracker_event e"
            " JOIN tracker_privatevalue v ON v.event_id = e.id AND v.field = 'display_name'"
            " WHERE e.object_kind = 'account' AND e.type = ANY(%s)"
            " AND (%s::text[] IS NULL OR e.object_id = ANY(%s)) ORDER BY e.id",
            [list(NAMING), wanted, wanted],
        )
        return dict(cursor.fetchall())


def entries(identifiers: Iterable[UUID], *, restricted: bool = False) -> dict[UUID, Entry]:
    """Events by id."""
    rows = list(Event.objects.filter(pk__in=list(identifiers)))
    return {entry.id: entry for entry in _entries(rows, restricted=restricted)}


def _entries(rows: list[Event], *, restricted: bool) -> list[Entry]:
    values: dict[UUID, dict[str, str]] = {row.id: {} for row in rows}
    shown = Q() if restricted else ~Q(field__in=registry.RESTRICTED_FIELDS)
    for value in PrivateValue.objects.filter(shown, event_id__in=list(values)).only("event_id", "field", "value"):
        values[value.event_id][value.field] = value.value
    people = names({name for row in rows for name in _pseudonyms(row)})
    return [_entry(row, values[row.id], people) for row in rows]


def _pseudonyms(row: Event) -> list[str]:
    kind, _, ref = row.actor.partition(":")
    return [ref] * (kind == "user") + [row.object_id] * (row.object_kind == "account")


def _entry(row: Event, private: dict[str, str], people: Mapping[str, str]) -> Entry:
    kind, _, ref = row.actor.partition(":")
    told = _Told(row.type, row.actor, row.object_kind, row.object_id, json.loads(row.body)["detail"], row.result)
    known = dict(private)
    if kind == "user" and ref in people:
        known["actor_name"] = people[ref]
    if row.object_kind == "account" and row.object_id in people:
        known["object_name"] = people[row.object_id]
    return Entry(
        id=row.id,
        at=row.at,
        type=row.type,
        label=registry.shown(row.type).label,
        sentence=registry.sentence(told, known),
        actor=row.actor,
        actor_name=known.get("actor_name", "") or registry.actor_words(row.actor),
        object_kind=row.object_kind,
        object_id=row.object_id,
        result=row.result,
        detail=told.detail,
        private=private,
        body=row.body,
    )


@dataclass(frozen=True)
class _Told:
    type: str
    actor: str
    object_kind: str
    object_id: str
    detail: Mapping[str, Any]
    result: str
