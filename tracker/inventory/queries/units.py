"""The list of units for the page and the API: filters, order, keyset pages, facets, totals; and one unit's page."""

import base64
import binascii
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Case, F, Func, IntegerField, Q, QuerySet, Value, When, aggregates

from migrator.lifecycle import State
from migrator.readiness import Verdict
from tracker.inventory.models import Resource, Subscription, Unit

PAGE, LARGEST_PAGE = 50, 500
LONGEST_TEXT = 200
NOBODY = "none"  # in a filter: no owner, no wave, no region
# A unit that went away before anything was planned is history; one that goes away later is news, or the point of it.
_FORGOTTEN = (State.DISCOVERED, State.ASSESSED, State.EXCLUDED)


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
    units in scope (listed, not excluded) with that finding.
    """

    subscription: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    progress: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    wave: tuple[str, ...] = ()
    text: str = ""
    rule: str = ""
    outcome: str = ""
    gone: Gone = Gone.HIDE

    @classmethod
    def read(cls, given: Mapping[str, Sequence[str]]) -> "Filters":
        """From the lists of a query string (`request.GET.lists()` as a dict). What is not known is left out; the text
        comes as `q`."""
        chosen: dict[str, Any] = {}
        for name in FACETS:
            values = (_plain(value) for value in given.get(name, ()))
            chosen[name] = tuple(dict.fromkeys(value for value in values if value))
        for name, parameter in (("text", "q"), ("rule", "rule"), ("outcome", "outcome")):
            chosen[name] = _plain((list(given.get(parameter, ())) or [""])[-1])
        gone = (list(given.get("gone", ())) or [""])[-1]
        return cls(**chosen, gone=Gone(gone) if gone in list(Gone) else Gone.HIDE)

    def pairs(self) -> list[tuple[str, str]]:
        """The same as pairs for a query string: `read` of them gives equal filters."""
        listed = [(name, value) for name in FACETS for value in getattr(self, name)]
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


def _plain(text: str) -> str:
    """A text out of a URL without what no column can hold."""
    return "".join(c for c in text[:LONGEST_TEXT] if c.isprintable()).strip()


def _rank(column: str, order: Sequence[str]) -> Case:
    """The place of a word in its own order, not the alphabet's; other words last."""
    whens = [When(**{column: word}, then=Value(place)) for place, word in enumerate(order)]
    return Case(*whens, default=Value(len(order)), output_field=IntegerField())


_RANKS = {
    "verdict_rank": _rank("verdict", [Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.READY_WITH_CHANGE, Verdict.READY]),
    "progress_rank": _rank("progress", [state.value for state in State]),
}
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


@dataclass(frozen=True, slots=True)
class Count:
    """One value of a facet: how many units it would leave, were the facet's own choice taken back."""

    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class UnitPage:
    """One page. `before`/`after`: cursors of the pages beside it, None at the ends. `total`: units of all pages."""

    units: list[Unit]
    total: int
    facets: dict[str, list[Count]]
    before: str | None
    after: str | None


def page(
    filters: Filters,
    sort: Sort = Sort.NAME,
    *,
    descending: bool = False,
    cursor: str = "",
    size: int = PAGE,
    with_facets: bool = True,
) -> UnitPage:
    """One page of units with subscription and wave, in two queries whatever it holds. Raises BadCursor."""
    size = max(1, min(size, LARGEST_PAGE))
    rows, before, after = _window(selection(filters), sort, descending, cursor, size)
    total, facets = _facets(filters) if with_facets else (len(rows), {})
    return UnitPage(rows, total, facets, before, after)


def selection(filters: Filters) -> QuerySet[Unit]:
    """All units the filters leave, in no order: for bulk actions and exports of exactly what is filtered."""
    narrowed = _base(filters)
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


def _base(filters: Filters) -> QuerySet[Unit]:
    """Everything but the facets' own choices."""
    units = Unit.objects.all()
    match filters.gone:
        case Gone.HIDE:
            units = units.exclude(Q(gone_at__isnull=False, progress__in=_FORGOTTEN))
        case Gone.ONLY:
            units = units.filter(gone_at__isnull=False)
    if filters.text:
        units = units.filter(_named(filters.text))
    if filters.rule:  # a finding is read by its relation's name: the slice of readiness lies above this one
        found = Unit.objects.filter(findings__rule=filters.rule, findings__outcome=filters.outcome or "yes")
        # in scope, as readiness counts: so the number on the Rules page and the list behind it agree
        in_scope = units.filter(gone_at__isnull=True).exclude(progress=State.EXCLUDED)
        units = in_scope.filter(pk__in=found.values("pk"))
    return units


def _named(text: str) -> Q:
    """Units with the text in their name or id, or in the name of a member; a whole id finds the unit it lies in."""
    if text.startswith("/"):
        key = text.rstrip("/").lower()
        return Q(key=key) | Q(pk__in=Resource.objects.filter(key=key, unit__isnull=False).values("unit_id"))
    members = Resource.objects.filter(name__icontains=text, unit__isnull=False)
    return Q(name__icontains=text) | Q(key__icontains=text) | Q(pk__in=members.values("unit_id"))


class _Beyond(Func):
    """`(a, b, id) > (x, y, z)`: where the next page begins, as one comparison."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, columns: Sequence[str], values: Sequence[Any], operator: str) -> None:
        super().__init__(*[F(column) for column in columns], *[Value(value) for value in values])
        self.operator = operator

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:
        parts, parameters = [], []
        for expression in self.source_expressions:
            sql, given = compiler.compile(expression)
            parts.append(sql)
            parameters.extend(given)
        half = len(parts) // 2
        return f"(({', '.join(parts[:half])}) {self.operator} ({', '.join(parts[half:])}))", parameters


def _window(
    units: QuerySet[Unit], sort: Sort, descending: bool, cursor: str, size: int
) -> tuple[list[Unit], str | None, str | None]:
    """The rows of a page and the cursors beside it."""
    columns = _ORDERS[sort]
    backwards, place = _decoded(cursor, columns)
    falling = descending != backwards
    if ranks := {name: rank for name, rank in _RANKS.items() if name in columns}:
        units = units.annotate(**ranks)
    if place:
        units = units.filter(_Beyond(columns, place, "<" if falling else ">"))
    found = list(
        units.select_related("subscription", "placement__wave").order_by(
            *[("-" if falling else "") + column for column in columns]
        )[: size + 1]
    )
    more, rows = len(found) > size, found[:size]
    if backwards:
        rows.reverse()
    has_before, has_after = (more, bool(rows)) if backwards else (bool(place) and bool(rows), more)
    return (
        rows,
        _encoded("b", rows[0], columns) if has_before else None,
        _encoded("a", rows[-1], columns) if has_after else None,
    )


def _encoded(direction: str, unit: Unit, columns: Sequence[str]) -> str:
    place = [getattr(unit, column) for column in columns]
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


def _facets(filters: Filters) -> tuple[int, dict[str, list[Count]]]:
    """The total and every facet in one query. A facet counts what the other choices leave, so it can be widened."""
    names = list(FACETS)
    flags = {f"in_{name}": _chosen(filters, name) for name in names}
    columns = [column for name in names for column in FACETS[name]]
    rows = _base(filters).annotate(**flags).order_by()
    sql, parameters = rows.values_list(*columns, *flags).query.sql_with_params()
    aliases = ", ".join([*(alias for name in names for alias in (f"v_{name}", f"l_{name}")), *flags])
    # Every name in the statement is a constant of this module; what a person chose is among the parameters.
    parts = [f"SELECT 'total' AS facet, '' AS value, '' AS label, count(*) FROM listed WHERE {_all(flags)}"]  # noqa: S608
    parts += [
        f"SELECT '{name}', coalesce(v_{name}::text, ''), coalesce(min(l_{name}::text), ''), count(*) FROM listed"  # noqa: S608
        f" WHERE {_all([flag for flag in flags if flag != f'in_{name}'])} GROUP BY v_{name}"
        for name in names
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"WITH listed({aliases}) AS ({sql}) {' UNION ALL '.join(parts)}", parameters)
        counted = cursor.fetchall()
    facets: dict[str, list[Count]] = {name: [] for name in names}
    total = 0
    for name, value, label, count in counted:
        if name == "total":
            total = count
            continue
        value = value or NOBODY
        facets[name].append(Count(value, label, count, value in getattr(filters, name)))
    for listed in facets.values():
        listed.sort(key=lambda one: (one.value == NOBODY, one.label.lower(), one.value))
    return total, facets


def _chosen(filters: Filters, name: str) -> Case:
    chosen = getattr(filters, name)
    condition = _one_of(FACETS[name][0], chosen) if chosen else Q(pk__isnull=False)
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def _all(flags: Sequence[str] | Mapping[str, Any]) -> str:
    return " AND ".join(flags)


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of the units that make up the programme; `rows`: the same by (progress, verdict, kind, region)."""

    total: int
    excluded: int
    locked: int
    blocked_by_rule: int  # units with verdict blocked that are still in scope
    progress: dict[str, int]
    verdict: dict[str, int]
    kind: dict[str, int]
    region: dict[str, int]
    rows: list[tuple[str, str, str, str, int]] = field(repr=False)


def totals() -> Totals:
    """The numbers of the overview, in one query. `verdict`, `kind` and `region` leave excluded units out."""
    grouped = (
        _base(Filters())
        .order_by()
        .values_list("progress", "verdict", "kind", "region")
        .annotate(units=aggregates.Count("id"), locked=aggregates.Count("locked_since"))
    )
    axes: dict[str, Counter[str]] = {name: Counter() for name in ("progress", "verdict", "kind", "region")}
    rows: list[tuple[str, str, str, str, int]] = []
    locked = 0
    for progress, verdict, kind, region, units, locks in grouped:
        rows.append((progress, verdict, kind, region, units))
        axes["progress"][progress] += units
        locked += locks
        if progress != State.EXCLUDED:
            axes["verdict"][verdict] += units
            axes["kind"][kind] += units
            axes["region"][region] += units
    excluded = axes["progress"][State.EXCLUDED]
    return Totals(
        total=sum(axes["progress"].values()) - excluded,
        excluded=excluded,
        locked=locked,
        blocked_by_rule=axes["verdict"][Verdict.BLOCKED],
        rows=rows,
        **{name: dict(counts) for name, counts in axes.items()},
    )


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
