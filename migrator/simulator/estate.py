"""Estate files (FORMAT.md): read with precise errors, written back unchanged.

An estate file is checked as a whole before anything of it is used: the first thing that is wrong is named with its
entry, its key and what is expected there.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from migrator.simulator.providers import canonical_type
from migrator.simulator.store import parent_key, subscription_in, type_in_id

FORMAT: Final = "classic-estate/1"
LARGEST: Final = 64 * 1024 * 1024  # bytes
_SECTIONS: Final = ("subscriptions", "resources", "registrations", "usages")
_OF_CAPTURES: Final = ("captured", "read", "unreadable", "digest")  # written by `manage.py capture`; not used here
_CONTROL: Final = re.compile("[\\x00-\\x1f]")
_DEEPEST: Final = 60  # nesting of one resource

# Types that may hang on any scope or have no parent document of their own.
_FREE: Final = frozenset({"microsoft.authorization/roleassignments", "microsoft.authorization/locks"})
_LOCATIONLESS: Final = frozenset(
    {
        "microsoft.classiccompute/domainnames/slots",
        "microsoft.classiccompute/domainnames/slots/roles",
        "microsoft.classiccompute/domainnames/slots/roles/extensionreferences",
        "microsoft.classiccompute/domainnames/servicecertificates",
    }
)

Estate = dict[str, Any]


class EstateError(ValueError):
    """An estate file that cannot be used. The text says which entry, which key, and what is expected there."""


def load(path: str | os.PathLike[str]) -> Estate:
    """Read and check an estate file. Raises EstateError."""
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > LARGEST:
            raise EstateError(
                f"{file}: the file has {size / 1048576:.1f} MiB; at most {LARGEST // 1048576} MiB are read. "
                "Split the estate by subscription."
            )
        raw = file.read_bytes()
    except IsADirectoryError:
        raise EstateError(f"{file}: this is a directory; give the estate file inside it.") from None
    except OSError as error:
        raise EstateError(f"{file}: cannot be read ({error.strerror or error}).") from error
    return parse(raw, source=str(file))


def parse(raw: bytes | str, *, source: str = "estate") -> Estate:
    """An estate from JSON text. Raises EstateError."""
    if len(raw) > LARGEST:
        raise EstateError(
            f"{source}: more than {LARGEST // 1048576} MiB are not read. Split the estate by subscription."
        )
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
    except UnicodeDecodeError as error:
        raise EstateError(f"{source}: not UTF-8 text (byte {error.start}). Save the file as UTF-8.") from None
    if not text.strip():
        raise EstateError(f"{source}: the file is empty; expected one JSON object with format {FORMAT!r}.")
    try:
        data = json.loads(text, object_pairs_hook=_no_twice, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise EstateError(
            f"{source}: not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except _Twice as error:
        raise EstateError(
            f"{source}: the key {error.args[0]!r} stands twice in one object; keep one of them."
        ) from None
    except RecursionError:
        raise EstateError(f"{source}: nested too deeply to be an estate.") from None
    except ValueError as error:
        raise EstateError(f"{source}: {error}") from None
    return check(data, source=source)


def check(data: Any, *, source: str = "estate") -> Estate:
    """The same estate when it is well formed; raises EstateError naming the first thing that is not."""
    if not isinstance(data, dict):
        raise EstateError(f"{source}: expected one JSON object, found {_what(data)}.")
    found = data.get("format")
    if found != FORMAT:
        raise EstateError(f"{source}: format is {found!r}; this reads {FORMAT!r}.")
    strange = sorted(set(data) - {"format", "origin", *_SECTIONS, *_OF_CAPTURES})
    if strange:
        raise EstateError(
            f"{source}: unknown key {strange[0]!r}; an estate has format, origin, {', '.join(_SECTIONS)}."
        )
    if not isinstance(data.get("origin", ""), str):
        raise EstateError(f"{source}: origin must be text, found {_what(data['origin'])}.")
    for section in _SECTIONS:
        if not isinstance(data.get(section, []), list):
            raise EstateError(f"{source}: {section} must be a list, found {_what(data[section])}.")
    subscriptions = _check_subscriptions(data.get("subscriptions", []), source)
    _check_resources(data.get("resources", []), subscriptions, source)
    _check_registrations(data.get("registrations", []), subscriptions, source)
    _check_usages(data.get("usages", []), subscriptions, source)
    return {"format": FORMAT, "origin": data.get("origin", ""), **{name: data.get(name, []) for name in _SECTIONS}}


def dump(estate: Mapping[str, Any]) -> str:
    """An estate as the text of an estate file."""
    return json.dumps(check(dict(estate)), indent=1, ensure_ascii=False) + "\n"


class _Entry:
    """One entry of a section, with errors that name it."""

    def __init__(self, source: str, section: str, index: int, value: Any) -> None:
        self.where = f"{source}: {section}[{index}]"
        if not isinstance(value, dict):
            self.fail(f"must be an object, found {_what(value)}")
        self.value: dict[str, Any] = value

    def fail(self, text: str) -> NoReturn:
        raise EstateError(f"{self.where} {text}.")

    def text(self, key: str, *, optional: bool = False) -> str:
        value = self.value.get(key)
        if optional and key not in self.value:
            return ""
        if not isinstance(value, str) or (not value.strip() and not optional):
            found = "nothing" if key not in self.value else repr(value) if value == "" else _what(value)
            self.fail(f"key {key!r} must be text, found {found}")
        return value

    def count(self, key: str) -> int:
        value = self.value.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            found = "nothing" if key not in self.value else json.dumps(value)
            self.fail(f"key {key!r} must be a whole number of 0 or more, found {found}")
        return value

    def only(self, *keys: str) -> None:
        strange = sorted(set(self.value) - set(keys))
        if strange:
            self.fail(f"has the unknown key {strange[0]!r}; expected {', '.join(keys)}")


def _check_subscriptions(rows: list[Any], source: str) -> set[str]:
    seen: set[str] = set()
    for index, row in enumerate(rows):
        entry = _Entry(source, "subscriptions", index, row)
        key = entry.text("subscriptionId").lower()
        entry.text("displayName")
        entry.text("state", optional=True)
        entry.text("tenantId", optional=True)
        if "/" in key:
            entry.fail("key 'subscriptionId' must be the bare id, without '/subscriptions/'")
        if key in seen:
            entry.fail(f"repeats the subscription {key}")
        seen.add(key)
    return seen


def _check_resources(rows: list[Any], subscriptions: set[str], source: str) -> None:
    seen: dict[str, int] = {}
    for index, row in enumerate(rows):
        entry = _Entry(source, "resources", index, row)
        resource_id = entry.text("id")
        entry.where = f"{entry.where} ({resource_id})"
        _check_envelope(entry, resource_id, subscriptions)
        key = resource_id.lower()
        if key in seen:
            entry.fail(f"repeats the id of resources[{seen[key]}]; ids are compared without regard to case")
        kind = entry.text("type")
        if kind.count("/") >= 2 and kind.lower() not in _FREE and _is_classic(kind):
            above = parent_key(key)
            if above not in seen:
                later = any(isinstance(r, dict) and str(r.get("id", "")).lower() == above for r in rows)
                entry.fail(
                    f"comes before its parent {above}; parents stand before children"
                    if later
                    else f"has no parent: {above} is not in the file"
                )
        seen[key] = index


def _check_envelope(entry: _Entry, resource_id: str, subscriptions: set[str]) -> None:
    if not resource_id.startswith("/") or resource_id.endswith("/") or "//" in resource_id:
        entry.fail("key 'id' must be a Resource Manager id that starts with '/subscriptions/'")
    if _CONTROL.search(resource_id):
        entry.fail("key 'id' holds a control character")
    owner = subscription_in(resource_id)
    if not owner:
        entry.fail("key 'id' must be a Resource Manager id that starts with '/subscriptions/'")
    if owner not in subscriptions:
        entry.fail(f"belongs to subscription {owner}, which is not among 'subscriptions'")
    kind, spelled = entry.text("type"), type_in_id(resource_id)
    if kind.lower() != spelled.lower():
        entry.fail(f"key 'type' is {kind!r}, but the id spells {spelled!r}")
    name = entry.text("name")
    last = resource_id.rpartition("/")[2]
    if name.rpartition("/")[2].lower() != last.lower():
        entry.fail(f"key 'name' is {name!r}, but the id ends in {last!r}")
    entry.only(
        "id", "name", "type", "location", "tags", "properties", "kind", "sku", "identity", "etag", "zones", "plan"
    )
    if "location" in entry.value and not isinstance(entry.value["location"], str):
        entry.fail(f"key 'location' must be text, found {_what(entry.value['location'])}")
    if _is_classic(kind) and kind.lower() not in _LOCATIONLESS and kind.count("/") == 1:
        entry.text("location")
    tags = entry.value.get("tags", {})
    if tags is not None and (not isinstance(tags, dict) or not all(isinstance(v, str) for v in tags.values())):
        entry.fail("key 'tags' must be an object of texts")
    properties = entry.value.get("properties")
    if not isinstance(properties, dict):
        found = "nothing" if "properties" not in entry.value else _what(properties)
        entry.fail(f"key 'properties' must be an object, found {found}")
    if _depth(properties) > _DEEPEST:
        entry.fail(f"key 'properties' is nested deeper than {_DEEPEST} levels")


def _check_registrations(rows: list[Any], subscriptions: set[str], source: str) -> None:
    seen: set[tuple[str, str]] = set()
    for index, row in enumerate(rows):
        entry = _Entry(source, "registrations", index, row)
        owner, name = _owner(entry, subscriptions), entry.text("name")
        entry.text("state")
        entry.only("subscriptionId", "name", "state")
        if (owner, name.lower()) in seen:
            entry.fail(f"repeats {name} of subscription {owner}")
        seen.add((owner, name.lower()))


def _check_usages(rows: list[Any], subscriptions: set[str], source: str) -> None:
    seen: set[tuple[str, ...]] = set()
    for index, row in enumerate(rows):
        entry = _Entry(source, "usages", index, row)
        key = (_owner(entry, subscriptions), *(entry.text(k).lower() for k in ("location", "provider", "name")))
        entry.count("currentValue")
        entry.count("limit")
        entry.only("subscriptionId", "location", "provider", "name", "currentValue", "limit")
        if key in seen:
            entry.fail(f"repeats {entry.value['name']} in {entry.value['location']}")
        seen.add(key)


def _owner(entry: _Entry, subscriptions: set[str]) -> str:
    owner = entry.text("subscriptionId").lower()
    if owner not in subscriptions:
        entry.fail(f"names subscription {owner}, which is not among 'subscriptions'")
    return owner


def _is_classic(kind: str) -> bool:
    return canonical_type(kind).lower().startswith("microsoft.classic")


def _depth(value: Any) -> int:
    """How deep a value is nested; stops counting just above _DEEPEST."""
    level, row = 0, [value]
    while row and level <= _DEEPEST:
        level += 1
        row = [
            child
            for one in row
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
    return level


def _what(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


class _Twice(Exception):
    pass


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return built


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number; leave the key out instead.")
