"""Lists whose whole state is the URL: facets, applied filters, order, and keyset pages (never OFFSET: figures.md
F2)."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from django.db.models import F, Model, Q, QuerySet
from django.http import HttpRequest, QueryDict


# --- facets ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Option:
    label: str
    url: str
    count: int | None = None
    chosen: bool = False
    chip: str = ""  # chip kind, when the value is a state
    value: str = ""


@dataclass(frozen=True, slots=True)
class Facet:
    """One filter of `parts/facets.html`. A chosen option's URL takes it off again."""

    title: str
    options: list[Option]
    all_url: str = ""  # where every option is shown, when these are only the most frequent
    hidden: int = 0  # how many are not shown

    @property
    def chosen(self) -> list[Option]:
        return [option for option in self.options if option.chosen]


def address(query: QueryDict, **changes: str | list[str] | None) -> str:
    """`?…` of the same list with some parameters changed (None: removed) and the page cursor dropped."""
    copy = query.copy()
    copy.pop("cursor", None)
    for name, value in changes.items():
        copy.pop(name, None)
        if value is not None:
            copy.setlist(name, value if isinstance(value, list) else [value])
    return f"?{copy.urlencode()}"


SHOWN, MOST = 8, 12  # options of a facet; up to twelve are shown, of more the eight most frequent
MOST_UNCOUNTED = 32


def facet(
    request: HttpRequest, name: str, title: str, choices: Iterable[tuple[str, str, int | None]], *, chip: str = ""
) -> Facet:
    """A filter with several choices, `?name=a&name=b`. `choices`: (value, label, count or None). `chip`: kind of
    state. Of many, the most frequent and the chosen ones; `?all=name` shows every one."""
    now = request.GET.getlist(name)
    listed = list(choices)
    shown = listed if request.GET.get("all") == name else _frequent(listed, now)
    others = request.GET.copy()
    others.pop("cursor", None)
    others.pop(name, None)
    kept = f"{others.urlencode()}&" if others else ""
    written = {value: f"{name}={quote_plus(value)}" for value in {*now, *(value for value, _, _ in shown)}}
    everything = "&".join(written[value] for value in now)
    options = []
    for value, label, count in shown:
        chosen = value in now
        mine = "&".join(written[item] for item in now if item != value) if chosen else written[value]
        before = f"{everything}&" if everything and not chosen else ""
        options.append(Option(label, f"?{kept}{before}{mine}".rstrip("&"), count, chosen, chip, value))
    hidden = len(listed) - len(shown)
    return Facet(title, options, address(request.GET, all=name) if hidden else "", hidden)


def _frequent(listed: list[tuple[str, str, int | None]], now: Sequence[str]) -> list[tuple[str, str, int | None]]:
    """Those with the largest numbers and those chosen, in the order given; all of them when there are few. Where
    nothing is counted, nothing says which of them matter: then more count as few."""
    counted = any(count is not None for _, _, count in listed)
    if len(listed) <= (MOST if counted else MOST_UNCOUNTED):
        return listed
    most = {value for value, _, _ in sorted(listed, key=lambda one: -(one[2] or 0))[:SHOWN]} | set(now)
    return [one for one in listed if one[0] in most]


# --- keyset pages ----------------------------------------------------------------------------------------------------
class BadCursor(Exception):
    """The page address was cut or belongs to another order. The list answers with its first page and says so."""


@dataclass(frozen=True, slots=True)
class Sort:
    """An order a list offers: the field of the row and whether it can be empty (empty rows come last, both ways)."""

    field: str
    nullable: bool = False
    decode: Callable[[Any], Any] = field(default=lambda value: value)  # from JSON: e.g. datetime.fromisoformat


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Any]
    next_url: str  # empty on the last page
    first_url: str  # empty on the first page
    sort: str
    lost: bool = False  # the cursor was not readable; these are the first rows
    previous_url: str = ""  # where a list can walk backwards

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def page(
    request: HttpRequest,
    rows: QuerySet[Any],
    sorts: Mapping[str, Sort],
    *,
    default: str,
    size: int = 50,
    key: str = "pk",
) -> Page:
    """One page of `rows` in the order of `?sort=`, after `?cursor=`; one query, of `size` + 1 rows. `key` makes the
    order total.

    `sorts` maps the URL's words to fields; an unknown word falls back to `default` (`-name` means descending).
    """
    wanted = request.GET.get("sort") or default
    sort = wanted if wanted.removeprefix("-") in sorts else default
    by, down = sorts[sort.removeprefix("-")], sort.startswith("-")
    order = F(by.field).desc(nulls_last=True) if down else F(by.field).asc(nulls_last=True)
    if not by.nullable:  # plain order, so that a plain index serves it
        order = F(by.field).desc() if down else F(by.field).asc()
    tie = F(key).desc() if down else F(key).asc()
    rows = rows.order_by(order, tie)
    cursor, lost = request.GET.get("cursor", ""), False
    if cursor:
        try:
            rows = rows.filter(_after(_read(cursor, sort), by, down, key))
        except BadCursor:
            lost, cursor = True, ""
    found = list(rows[: size + 1])
    more = found[:size] if len(found) > size else []
    following = address(request.GET)
    next_url = f"{following}{'&' if len(following) > 1 else ''}cursor={_write(more[-1], sort, by, key)}" if more else ""
    return Page(found[:size], next_url, address(request.GET) if cursor else "", sort, lost)


def _value(row: Model | Mapping[str, Any], path: str) -> Any:
    for part in path.split("__"):
        row = row[part] if isinstance(row, Mapping) else getattr(row, part)  # type: ignore[assignment]
    return row


def _write(row: Any, sort: str, by: Sort, key: str) -> str:
    value = _value(row, by.field)
    value = value.isoformat() if hasattr(value, "isoformat") else value
    text = json.dumps([sort, value, str(_value(row, key))], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str, sort: str, limit: int = 2000) -> tuple[Any, str]:
    if len(cursor) > limit:
        raise BadCursor
    try:
        made_for, value, identity = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise BadCursor from error
    if made_for != sort or not isinstance(identity, str) or isinstance(value, (list, dict)):
        raise BadCursor
    return value, identity


def _after(place: tuple[Any, str], by: Sort, down: bool, key: str) -> Q:
    value, identity = place
    side = "lt" if down else "gt"
    beyond_key = Q(**{f"{key}__{side}": identity})
    if value is None:
        if not by.nullable:
            raise BadCursor
        return Q(**{f"{by.field}__isnull": True}) & beyond_key
    try:
        value = by.decode(value)
    except (ValueError, TypeError) as error:
        raise BadCursor from error
    beyond = Q(**{f"{by.field}__{side}": value}) | (Q(**{by.field: value}) & beyond_key)
    return beyond | Q(**{f"{by.field}__isnull": True}) if by.nullable else beyond


def applied(facets: Sequence[Facet]) -> list[tuple[str, Option]]:
    """(facet title, option) of everything chosen, for the line of filters above a list and for its empty state."""
    return [(each.title, option) for each in facets for option in each.chosen]
