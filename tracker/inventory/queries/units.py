"""The list of units for the page and the API: filters, order, keyset pages; and one unit's page."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from migrator.lifecycle import State
from tracker.inventory import tallies
from tracker.inventory.models import Resource, Subscription, Unit

PAGE, LARGEST_PAGE = 50, 500
LONGEST_TEXT = 200
NOBODY = "none"  # in a filter: no owner, no wave, no region


class BadCursor(ValueError):
    """The place in the list cannot be read, or belongs to another order; begin again at the first page."""


class Gone(StrEnum):
    HIDE = "hide"  # except units that were planned or moved
    SHOW = "show"
    ONLY = "only"


class Sort(StrEnum):
    NAME = "name"
    SCORE = "score"
    VERDICT = "verdict"
    REGION = "region"
    KIND = "kind"
    PROGRESS = "progress"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list is narrowed to. Values of one field are alternatives; fields narrow each other.

    `wave`: ids as text; `owner`, `wave` and `region` take `none` for "has none". `rule` with `outcome` (default yes):
    units in scope (listed, not excluded) with that finding. `blocks`: units in scope that one of these rules blocks;
    `frees`: those that some of these rules block and no other one.
    """

    subscription: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    progress: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    wave: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    frees: tuple[str, ...] = ()
    text: str = ""
    rule: str = ""
    outcome: str = ""
    gone: Gone = Gone.HIDE

    @classmethod
    def read(cls, given: Mapping[str, Sequence[str]]) -> "Filters":
        """From the lists of a query string (`request.GET.lists()` as a dict). What is not known is left out; the text
        comes as `q`."""
        chosen: dict[str, Any] = {}
        for name in (*FACETS, *HELD):
            values = (_plain(value) for value in given.get(name, ()))
            chosen[name] = tuple(dict.fromkeys(value for value in values if value))
        for name, parameter in (("text", "q"), ("rule", "rule"), ("outcome", "outcome")):
            chosen[name] = _plain((list(given.get(parameter, ())) or [""])[-1])
        gone = (list(given.get("gone", ())) or [""])[-1]
        return cls(**chosen, gone=Gone(gone) if gone in list(Gone) else Gone.HIDE)

    def pairs(self) -> list[tuple[str, str]]:
        """The same as pairs for a query string: `read` of them gives equal filters."""
        listed = [(name, value) for name in (*FACETS, *HELD) for value in getattr(self, name)]
        for name, parameter in (("text", "q"), ("rule", "rule"), ("outcome", "outcome")):
            if getattr(self, name):
                listed.append((parameter, getattr(self, name)))
        return listed + ([("gone", self.gone.value)] if self.gone is not Gone.HIDE else [])

    @property
    def narrow(self) -> bool:
        """Whether anything is filtered at all: tells the empty list of nothing from the list filtered to nothing."""
        return any(getattr(self, f.name) not in ((), "", Gone.HIDE) for f in fields(self))


# facet -> (column of the rows it counts, column of its label)
FACETS: dict[str, tuple[str, str]] = {
    "subscription": ("subscription_id", "subscription__name"),
    "region": ("region", "region"),
    "kind": ("kind", "kind"),
    "verdict": ("verdict", "verdict"),
    "progress": ("progress", "progress"),
    "health": ("health", "health"),
    "owner": ("owner", "owner"),
    "wave": ("placement__wave_id", "placement__wave__name"),
}
HELD = ("blocks", "frees")  # filters by rules that block; several values, and no facet


def _plain(text: str) -> str:
    """A text out of a URL without what no column can hold."""
    return "".join(c for c in text[:LONGEST_TEXT] if c.isprintable()).strip()


_ORDERS: dict[Sort, tuple[str, ...]] = {
    Sort.NAME: ("name", "id"),
    Sort.SCORE: ("score", "name", "id"),
    Sort.VERDICT: ("verdict_rank", "score", "name", "id"),
    Sort.REGION: ("region", "name", "id"),
    Sort.KIND: ("kind", "name", "id"),
    Sort.PROGRESS: ("progress_rank", "name", "id"),
    Sort.CHANGED: ("changed_at", "id"),
}
_KINDS: dict[str, type] = {"name": str, "region": str, "kind": str, "changed_at": datetime}  # the others are numbers


class UnitRow(NamedTuple):
    """One unit of a list: the columns of `Unit`, with the names a list shows. Times are texts, as the API writes them.
    Read with a statement of its own; fifty models and two hundred times take longer than everything else of a page."""

    id: int
    key: str
    azure_id: str
    kind: str
    name: str
    subscription_id: str
    subscription_name: str
    region: str
    owner: str
    progress: str
    health: str
    health_reason: str
    locked_since: str | None
    verdict: str
    score: int
    blockers: int
    changes: int
    unknowns: int
    member_count: int
    assessed_at: str | None
    first_seen_at: str
    changed_at: str
    gone_at: str | None
    wave_id: int | None
    wave_name: str | None
    member_keys: Sequence[str] = ()  # only where somebody asked for them: `with_members`

    @property
    def pk(self) -> int:
        return self.id


_UTC = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
_ELSEWHERE = {
    "subscription_name": "tracker_subscription.name",
    "wave_id": "tracker_placement.wave_id",
    "wave_name": "tracker_wave.name",
}
_WIDTH = len(UnitRow._fields) - 1  # without the members
_SELECT = ", ".join(
    _UTC.format(f"tracker_unit.{name}")
    if name.endswith("_at") or name == "locked_since"
    else _ELSEWHERE.get(name, f"tracker_unit.{name}")
    for name in UnitRow._fields[:_WIDTH]
)
_FROM = """
  FROM tracker_unit JOIN tracker_subscription ON tracker_subscription.id = tracker_unit.subscription_id
  LEFT JOIN tracker_placement ON tracker_placement.unit_id = tracker_unit.id
  LEFT JOIN tracker_wave ON tracker_wave.id = tracker_placement.wave_id
"""


@dataclass(frozen=True, slots=True)
class UnitPage:
    """One page. `before`/`after`: cursors of the pages beside it, None at the ends."""

    units: list[UnitRow]
    before: str | None
    after: str | None


def page(
    filters: Filters, sort: Sort = Sort.NAME, *, descending: bool = False, cursor: str = "", size: int = PAGE
) -> UnitPage:
    """One page of units with the names of subscription and wave, in one query whatever it holds. Raises BadCursor."""
    return UnitPage(*_window(filters, sort, descending, cursor, max(1, min(size, LARGEST_PAGE))))


def selection(filters: Filters) -> QuerySet[Unit]:
    """All units the filters leave, in no order: for bulk actions and exports of exactly what is filtered."""
    narrowed = sought(filters)
    for name, (column, _) in FACETS.items():
        if chosen := getattr(filters, name):
            narrowed = narrowed.filter(_one_of(column, chosen))
    return narrowed


def _one_of(column: str, chosen: tuple[str, ...]) -> Q:
    wanted = [value for value in chosen if value != NOBODY]
    if column == "placement__wave_id":
        numbers = [int(value) for value in wanted if value.isascii() and value.isdigit() and len(value) < 18]
        return Q(placement__wave_id__in=numbers) | (Q(placement__isnull=True) if NOBODY in chosen else Q(pk__in=[]))
    return Q(**{f"{column}__in": wanted + ([""] if NOBODY in chosen else [])})


def sought(filters: Filters) -> QuerySet[Unit]:
    """Everything but the facets' own choices: what is searched for, and what is listed at all."""
    units = Unit.objects.all()
    match filters.gone:
        case Gone.HIDE:
            units = units.exclude(Q(gone_at__isnull=False, progress__in=tallies.FORGOTTEN))
        case Gone.ONLY:
            units = units.filter(gone_at__isnull=False)
    if filters.text:
        units = units.filter(_named(filters.text))
    if filters.rule:  # a finding is read by its relation's name: the slice of readiness lies above this one
        outcome = filters.outcome or "yes"
        found = Unit.objects.filter(findings__rule=filters.rule, findings__outcome=outcome)
        units = _in_scope(units).filter(pk__in=found.values("pk"))
        if outcome in ("yes", "unknown"):  # and not set aside
            units = units.filter(open_rules__contains=[f"{outcome} {filters.rule}"])
    if filters.blocks:
        units = _in_scope(units).filter(open_rules__overlap=[f"blocks {rule}" for rule in filters.blocks])
    if filters.frees:
        held = [f"blocks {rule}" for rule in filters.frees]
        units = _in_scope(units).filter(open_rules__overlap=held).exclude(open_rules__overlap=RawSQL(_OTHERS, [held]))  # noqa: S611 - constant
    return units


def _in_scope(units: QuerySet[Unit]) -> QuerySet[Unit]:
    """As readiness counts: so that a number on the pages of rules and the list behind it agree."""
    return units.filter(gone_at__isnull=True).exclude(progress=State.EXCLUDED)


# The words of every rule that blocks some unit in scope, but these. Asked once for a list, not for each unit of it.
_OTHERS = """
(SELECT coalesce(array_agg(key[1]), '{}') FROM tracker_tally
  WHERE name = 'rule' AND starts_with(key[1], 'blocks ') AND key[1] <> ALL(%s))
"""


def with_members(units: Sequence[UnitRow]) -> list[UnitRow]:
    """The same with the keys of their members, in one query."""
    with connection.cursor() as cursor:  # no key holds a line end, and one text is read faster than an array
        cursor.execute(
            "SELECT unit_id, string_agg(key, E'\\n' ORDER BY key) FROM tracker_resource"
            " WHERE unit_id = ANY(%s) AND gone_at IS NULL GROUP BY unit_id",
            [[unit.id for unit in units]],
        )
        keys = {unit_id: joined.split("\n") for unit_id, joined in cursor.fetchall()}
    return [unit._replace(member_keys=keys.get(unit.id, ())) for unit in units]


# Those with the text in their name or resource group, or in the name of a member. With the grams PostgreSQL finds the
# few that can have it by an index; shorter texts have none and are looked for everywhere.
_SOUGHT = """
SELECT id FROM tracker_unit
 WHERE tracker_grams(name, split_part(key, '/', 5), split_part(key, '/', 9)) @> tracker_grams(%(text)s)
   AND (lower(name) LIKE %(like)s OR split_part(key, '/', 5) LIKE %(like)s OR split_part(key, '/', 9) LIKE %(like)s)
 UNION
SELECT unit_id FROM tracker_resource
 WHERE unit_id IS NOT NULL AND tracker_grams(name) @> tracker_grams(%(text)s) AND lower(name) LIKE %(like)s
"""


def _named(text: str) -> Q:
    """Units with the text in their name, their resource group or the name of a member; a text with a slash is a part of
    an id, one that begins with it a whole id, which finds the unit it lies in."""
    key = text.rstrip("/").lower()
    if text.startswith("/"):
        return Q(key=key) | Q(pk__in=Resource.objects.filter(key=key, unit__isnull=False).values("unit_id"))
    if "/" in text:
        return Q(key__contains=text.lower())
    return Q(pk__in=found_by_text(text))


def found_by_text(text: str) -> RawSQL:
    """The ids of units of `_SOUGHT`, as a subquery."""
    lowered = text.lower()
    like = f"%{lowered.translate({ord(c): chr(92) + c for c in '%_' + chr(92)})}%"
    statement, given = _SOUGHT, {"text": lowered, "like": like}
    order = re.findall(r"%\((\w+)\)s", statement)
    return RawSQL(re.sub(r"%\(\w+\)s", "%s", statement), [given[name] for name in order])  # noqa: S611 - constant


@lru_cache(maxsize=256)
def _where(filters: Filters) -> tuple[str, tuple[Any, ...]]:
    """The condition of `selection` over the tables of `_FROM`. Composed once: that takes longer than asking."""
    try:
        statement, parameters = selection(filters).values("id").order_by().query.sql_with_params()
    except EmptyResultSet:  # no unit can be meant: an id of a wave that is none
        return "FALSE", ()
    return statement.partition(" WHERE ")[2] or "TRUE", parameters


def _window(
    filters: Filters, sort: Sort, descending: bool, cursor: str, size: int
) -> tuple[list[UnitRow], str | None, str | None]:
    """The rows of a page and the cursors beside it."""
    columns = _ORDERS[sort]
    backwards, place = _decoded(cursor, columns)
    falling = descending != backwards
    condition, parameters = _where(filters)
    ordered = [f"tracker_unit.{column}" for column in columns]
    if place:  # one comparison of rows, which an index of these columns answers
        condition += f" AND ({', '.join(ordered)}) {'<' if falling else '>'} ({', '.join(['%s'] * len(place))})"
    order = ", ".join(f"{column} {'DESC' if falling else 'ASC'}" for column in ordered)
    # Every name in the statement is a constant of this module; what a person chose is among the parameters.
    statement = f"SELECT {_SELECT}, {', '.join(ordered)} {_FROM} WHERE {condition} ORDER BY {order} LIMIT {size + 1}"
    with connection.cursor() as database:
        database.execute(statement, [*parameters, *place])
        found = database.fetchall()
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    rows = [UnitRow(*row[:_WIDTH]) for row in found]
    places = [row[_WIDTH:] for row in found]
    has_before, has_after = (more, bool(rows)) if backwards else (bool(place) and bool(rows), more)
    return (
        rows,
        _encoded("b", places[0]) if has_before else None,
        _encoded("a", places[-1]) if has_after else None,
    )


def _encoded(direction: str, place: Sequence[Any]) -> str:
    text = json.dumps([direction, *(v.isoformat() if isinstance(v, datetime) else v for v in place)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(cursor: str, columns: Sequence[str]) -> tuple[bool, list[Any]]:
    """(whether the page lies before the place, the place). Raises BadCursor."""
    if not cursor:
        return False, []
    try:
        if len(cursor) > 2_000:
            raise ValueError("too long")
        direction, *place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if direction not in ("a", "b") or len(place) != len(columns):
            raise ValueError("of another order")
        return direction == "b", [_typed(column, value) for column, value in zip(columns, place, strict=True)]
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise BadCursor("This place in the list cannot be read; begin again at the first page.") from error


def _typed(column: str, value: Any) -> Any:
    kind = _KINDS.get(column, int)
    if kind is datetime:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("a time without a zone")
        return at
    if type(value) is not kind or (kind is int and abs(value) >= 2**63) or (kind is str and not value.isprintable()):
        raise ValueError("not a value of this column")
    return value


@dataclass(slots=True)
class Node:
    """A member with what lies below it. The document is not loaded; `documents_of` reads those of a unit."""

    resource: Resource
    children: list["Node"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class UnitDetail:
    unit: Unit
    members: list[Node]  # the tree of what is listed now
    gone: list[Resource]  # members that are no longer listed


def unit_page(unit_id: int) -> UnitDetail | None:
    """One unit with subscription, wave and the tree of its members, in two queries; None when there is no such unit."""
    unit = Unit.objects.select_related("subscription", "placement__wave").filter(pk=unit_id).first()
    if unit is None:
        return None
    members = list(Resource.objects.filter(unit=unit).defer("document").order_by("key"))
    return UnitDetail(unit, tree([m for m in members if m.gone_at is None]), [m for m in members if m.gone_at])


def live_units(subscription: Subscription | str | None = None) -> QuerySet[Unit]:
    """Units whose resources are listed now, of one subscription or of all."""
    units = Unit.objects.filter(gone_at__isnull=True).order_by("pk")
    return units if subscription is None else units.filter(subscription=subscription)


def unit_by_key(key: str) -> Unit | None:
    """The unit of an ARM id, however it is written."""
    return Unit.objects.select_related("subscription").filter(key=key.rstrip("/").lower()).first()


def tree(members: Sequence[Resource]) -> list[Node]:
    """Members under the nearest member their id lies below. `members` sorted by key."""
    nodes: dict[str, Node] = {}
    roots: list[Node] = []
    for member in members:
        node = nodes[member.key] = Node(member)
        above = member.key
        while "/providers/" in (above := above.rpartition("/")[0]):
            if above in nodes:
                nodes[above].children.append(node)
                break
        else:
            roots.append(node)
    return roots
