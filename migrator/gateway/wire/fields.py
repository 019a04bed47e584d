"""Reading one wire document defensively: present, null, missing and wrong-typed are four different things.

Every reader returns the value, `None` where the platform said null (only the `…_or_none` readers), or `UNKNOWN` where
the key is missing. A value of the wrong type is `UNKNOWN` too and is put on the list of problems; nothing here raises
for what a document holds.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from migrator.resources import UNKNOWN, Unknown

T = TypeVar("T")
MISSING = object()
LONGEST_NUMBER = 20  # digits; reliability-notes 3.3, JSON row


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A field that could not be read as what it should be. `field` is a dotted path under `properties`, or a key of
    the envelope."""

    resource_id: str
    field: str
    sentence: str


def normal_location(text: str) -> str:
    """`"West Europe"` → `"westeurope"`: the platform writes both."""
    return "".join(text.split()).lower()


@dataclass(slots=True, eq=False)  # not frozen: there are twenty of them to a document, and that doubles their price
class Fields:
    """A mapping of a document, where it stands (`resource_id`, `path`), and the list its problems go to."""

    resource_id: str
    path: str
    values: Mapping[str, Any]
    problems: list[Problem]

    def has(self, name: str) -> bool:
        return name in self.values

    def is_null(self, name: str) -> bool:
        return self.values.get(name, MISSING) is None

    def complain(self, name: str, sentence: str) -> None:
        field = ".".join(part for part in (self.path, name) if part)
        self.problems.append(Problem(resource_id=self.resource_id, field=field, sentence=sentence))

    def _read(self, name: str, wanted: str, convert: Callable[[Any], Any]) -> Any:
        """UNKNOWN when missing or not convertible (`convert` gives MISSING), None when null."""
        value = self.values.get(name, MISSING)
        if value is MISSING:
            return UNKNOWN
        if value is None:
            return None
        converted = convert(value)
        if converted is MISSING:
            self.complain(name, f"{name} should be {wanted}, not {type(value).__name__}.")
            return UNKNOWN
        return converted

    def text(self, name: str) -> str | Unknown:
        """Null counts as not said: for fields which always have a value."""
        value = self.text_or_none(name)
        return UNKNOWN if value is None else value

    def text_or_none(self, name: str) -> str | Unknown | None:
        value = self.values.get(name, UNKNOWN)
        if value is UNKNOWN or value is None or type(value) is str:  # the common cases, without detours
            return value  # type: ignore[no-any-return]
        return self._read(name, "text", lambda v: v if isinstance(v, str) else MISSING)

    def flag(self, name: str) -> bool | Unknown:
        value = self._read(name, "true or false", lambda v: v if isinstance(v, bool) else MISSING)
        return UNKNOWN if value is None else value

    def number(self, name: str, *, low: int = 0, high: int = 2**31 - 1) -> int | Unknown:
        value = self.number_or_none(name, low=low, high=high)
        return UNKNOWN if value is None else value

    def number_or_none(self, name: str, *, low: int = 0, high: int = 2**31 - 1) -> int | Unknown | None:
        """Whole numbers, also as text ("80"): the older API writes numbers as text [K]."""
        value = self._read(name, "a whole number", whole_number)
        if isinstance(value, int) and not low <= value <= high:
            self.complain(name, f"{name} should be between {low} and {high}.")
            return UNKNOWN
        return value

    def port(self, name: str) -> int | Unknown | None:
        return self.number_or_none(name, low=1, high=65535)

    def moment(self, name: str) -> datetime | Unknown:
        value = self._read(name, "a date and time", _moment)
        return UNKNOWN if value is None else value

    def texts(self, name: str) -> tuple[str, ...] | Unknown:
        """A list of texts; null counts as the empty list."""

        def convert(value: Any) -> Any:
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                return tuple(value)
            return MISSING

        value = self._read(name, "a list of texts", convert)
        return () if value is None else value

    def child(self, name: str) -> "Fields | Unknown | None":
        """A nested object."""
        value = self.values.get(name, UNKNOWN)
        if type(value) is dict:
            return self._inside(name, value)
        if value is UNKNOWN or value is None:
            return value
        return self._read(name, "an object", lambda v: self._inside(name, v) if isinstance(v, Mapping) else MISSING)

    def inside(self, name: str) -> "Fields":
        """A nested object, or an empty one: for chains in which every missing step means the same, UNKNOWN at the
        end."""
        child = self.child(name)
        return child if isinstance(child, Fields) else self._inside(name, {})

    def each(self, name: str, build: Callable[["Fields"], T]) -> tuple[T, ...] | Unknown:
        """A list of objects, each read by `build`; null counts as the empty list; one item of a wrong type spoils the
        whole list."""
        value = self._read(name, "a list", lambda v: v if isinstance(v, list) else MISSING)
        if value is None:
            return ()
        if value is UNKNOWN:
            return UNKNOWN
        if not all(isinstance(item, Mapping) for item in value):
            self.complain(name, f"{name} should be a list of objects.")
            return UNKNOWN
        return tuple(build(self._inside(f"{name}[{index}]", item)) for index, item in enumerate(value))

    def _inside(self, name: str, values: Mapping[str, Any]) -> "Fields":
        path = f"{self.path}.{name}" if self.path else name
        return Fields(self.resource_id, path, values, self.problems)


def whole_number(value: Any) -> Any:
    """An int for 4 and "4", `MISSING` for everything else (true, 4.5, "4 ", a number of more than 20 digits)."""
    if isinstance(value, bool):
        return MISSING
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= LONGEST_NUMBER:
        return int(value)
    return MISSING


def _moment(value: Any) -> Any:
    if not isinstance(value, str):
        return MISSING
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return MISSING
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def strings_in(value: Any) -> Iterator[str]:
    """Every text inside a JSON value, without recursion limits biting."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            waiting.extend(reversed(list(item.values())))
        elif isinstance(item, list | tuple):
            waiting.extend(reversed(item))
