"""What a request asks of a list: its parameters, checked one by one; and keyset pages behind opaque cursors."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import QueryDict

from tracker.api.errors import BadCursor, BadParameter

PAGE, LARGEST = 50, 200
LONGEST = 400


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter. `of`: the words it may be; `many`: it may come several times (alternatives)."""

    name: str
    about: str
    kind: str = "text"  # text | number | time | yes-no | uuid
    of: tuple[str, ...] = ()
    many: bool = False

    def schema(self) -> dict[str, Any]:
        one: dict[str, Any] = {
            "text": {"type": "string", "maxLength": LONGEST},
            "number": {"type": "integer", "minimum": 0},
            "time": {"type": "string", "format": "date-time"},
            "yes-no": {"type": "string", "enum": ["yes", "no"]},
            "uuid": {"type": "string", "format": "uuid"},
        }[self.kind]
        if self.of:
            one = {"type": "string", "enum": list(self.of)}
        return {"type": "array", "items": one} if self.many else one

    def read(self, value: str) -> Any:
        """The value as Python has it. Raises BadParameter."""
        if len(value) > LONGEST:
            raise BadParameter(f"`{self.name}` has {len(value)} characters; at most {LONGEST} are read.")
        if not value.isprintable():
            raise BadParameter(f"`{self.name}` holds control characters.")
        if self.of and value not in self.of:
            raise BadParameter(f"`{self.name}` is {value[:60]!r}; it is one of: {', '.join(self.of)}.")
        match self.kind:
            case "number":
                if not (value.isascii() and value.isdigit()) or len(value) > 18:
                    raise BadParameter(f"`{self.name}` is {value[:60]!r}; it is a number from 0, in plain digits.")
                return int(value)
            case "time":
                return _time(self.name, value)
            case "yes-no":
                if value not in ("yes", "no"):
                    raise BadParameter(f"`{self.name}` is {value[:60]!r}; it is yes or no.")
                return value == "yes"
            case "uuid":
                try:
                    return UUID(value)
                except ValueError:
                    raise BadParameter(f"`{self.name}` is {value[:60]!r}, which is no UUID.") from None
        return value


def words(kind: Iterable[object]) -> tuple[str, ...]:
    """The values of an enumeration, for `of`."""
    return tuple(str(getattr(word, "value", word)) for word in kind)


def _time(name: str, value: str) -> datetime:
    try:
        at = datetime.fromisoformat(value.replace(" ", "+"))  # a "+" of a zone that nobody escaped arrives as a blank
        if at.tzinfo is not None and 1970 <= at.astimezone(UTC).year <= 9998:
            return at
    except (ValueError, OverflowError):
        pass
    raise BadParameter(f"`{name}` is {value[:60]!r}; write a time with its zone, like 2026-11-22T19:00:00Z.")


CURSOR = Parameter("cursor", "Where the page begins: as it came in `next`. Opaque.")
LIMIT = Parameter("limit", f"How many at most: 1 to {LARGEST}; {PAGE} when left out.", kind="number")


def read(given: QueryDict, known: Sequence[Parameter]) -> dict[str, Any]:
    """The parameters of a request: those with `many` as tuples, the others as values, left out when not given.
    Raises BadParameter, which names every unknown one."""
    table = {one.name: one for one in known}
    if unknown := [name for name in given if name not in table]:
        shown = ", ".join(f"`{name[:40]}`" for name in unknown[:5])
        there = ", ".join(f"`{name}`" for name in table) or "none"
        raise BadParameter(f"There is no parameter {shown} here.", f"This address knows: {there}.")
    asked: dict[str, Any] = {}
    for name, parameter in table.items():
        values = given.getlist(name)
        if len(values) > 1 and not parameter.many:
            raise BadParameter(f"`{name}` comes {len(values)} times; give it once.")
        if len(values) > 100:
            raise BadParameter(f"`{name}` comes {len(values)} times; at most 100 are read.")
        if values and parameter.many:
            asked[name] = tuple(parameter.read(value) for value in values)
        elif values and values[0] != "":
            asked[name] = parameter.read(values[0])
    if not 1 <= asked.get("limit", PAGE) <= LARGEST:
        raise BadParameter(f"`limit` is {asked['limit']}; it is between 1 and {LARGEST}.")
    return asked


def read_body(data: Any, known: Sequence[Parameter]) -> dict[str, Any]:
    """The fields of a posted object. Raises BadParameter, which names every unknown one."""
    if data in (None, ""):
        data = {}
    if not isinstance(data, Mapping):
        raise BadParameter("The body is no JSON object.")
    table = {one.name: one for one in known}
    if unknown := [str(name) for name in data if name not in table]:
        shown = ", ".join(f"`{name[:40]}`" for name in unknown[:5])
        raise BadParameter(f"There is no field {shown} here.", f"It takes: {', '.join(f'`{name}`' for name in table)}.")
    read: dict[str, Any] = {}
    for name, value in data.items():
        if value is None:
            continue
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not (whole if table[name].kind == "number" else isinstance(value, str)):
            wanted = "a number" if table[name].kind == "number" else "a text"
            raise BadParameter(f"`{name}` is {json.dumps(value)[:60]}; it is {wanted}.")
        read[name] = table[name].read(str(value))
    return read


# --- cursors ----------------------------------------------------------------------------------------------------------
def written(place: Sequence[Any]) -> str:
    """A cursor of a place: a list's name, then the values of the last row."""
    text = json.dumps([_plain(value) for value in place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def opened(cursor: str, name: str, kinds: Sequence[type]) -> list[Any]:
    """The values of a cursor of the list `name`. Raises BadCursor."""
    try:
        listed, *values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if listed != name or len(values) != len(kinds):
            raise ValueError("of another list")
        return [_typed(value, kind) for value, kind in zip(values, kinds, strict=True)]
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise BadCursor from error


def _typed(value: Any, kind: type) -> Any:
    if kind in (datetime, UUID):
        made = datetime.fromisoformat(value) if kind is datetime else UUID(value)
        if kind is datetime and made.tzinfo is None:
            raise ValueError("a time without a zone")
        return made
    if type(value) is not kind or (kind is int and abs(value) >= 2**63) or (kind is str and "\x00" in value):
        raise ValueError("not a value of this column")
    return value


def keyset(
    rows: QuerySet[Any], name: str, order: Mapping[str, type], asked: Mapping[str, Any]
) -> tuple[list[Any], str | None]:
    """(the rows of a page, the cursor of the next or None), in one query and never OFFSET.

    `order`: column → type, the last one unique; "-column" for descending, all columns the same way.
    """
    limit = asked.get("limit", PAGE)
    down = next(iter(order)).startswith("-")
    columns = [column.removeprefix("-") for column in order]
    if "cursor" in asked:
        rows = rows.filter(
            _beyond(columns, opened(asked["cursor"], name, list(order.values())), "lt" if down else "gt")
        )
    found = list(rows.order_by(*order)[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], written([name, *(getattr(last, column) for column in columns)])


def _beyond(columns: Sequence[str], place: Sequence[Any], side: str) -> Q:
    condition = Q(**{f"{columns[-1]}__{side}": place[-1]})
    for column, value in reversed(list(zip(columns[:-1], place[:-1], strict=True))):
        condition = Q(**{f"{column}__{side}": value}) | (Q(**{column: value}) & condition)
    return condition


def sliced(rows: Sequence[Any], name: str, key: Any, asked: Mapping[str, Any]) -> tuple[list[Any], str | None]:
    """The same for a short list in memory, sorted by `key(row)`, a text."""
    limit = asked.get("limit", PAGE)
    start = 0
    if "cursor" in asked:
        (after,) = opened(asked["cursor"], name, [str])
        start = next((place + 1 for place, row in enumerate(rows) if key(row) == after), -1)
        if start < 0:
            raise BadCursor
    shown = list(rows[start : start + limit])
    more = start + limit < len(rows)
    return shown, written([name, key(shown[-1])]) if more and shown else None
