"""A captured estate (migrator/simulator/FORMAT.md) → entries. What is wrong with one resource refuses that resource;
what is wrong with the file refuses the file."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from migrator.captures.text import depth_of, unstorable
from migrator.captures.values import LONGEST_DIGITS, LONGEST_ID, SOURCE, Contents, Entry, FileRefused, Kind, Limits
from migrator.gateway.protocol import SubscriptionInfo, Unreadable
from migrator.gateway.wire import canonical, clean, normal_location, type_in
from migrator.gateway.wire.others import networks_named, without_person
from migrator.resources import ResourceType, Usage, subscription_of

FORMAT = "classic-estate/1"
SECTIONS = ("subscriptions", "resources", "registrations", "usages")
KEYS = ("format", "origin", "captured", *SECTIONS, "read", "unreadable", "digest")
ENVELOPE = ("id", "name", "type", "location", "tags", "properties", "kind", "sku", "identity", "zones", "plan")
KEPT = frozenset(ResourceType)  # beside what is classic and what names something classic
_IGNORED = ("etag",)  # differs at every reading
_SUBSCRIPTION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def digest(estate: Mapping[str, Any]) -> str:
    """`sha256:` over the canonical JSON of everything but the digest itself."""
    rest = {key: value for key, value in estate.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def read(text: str, name: str, limits: Limits) -> Contents:
    """The contents of an estate file. Raises FileRefused."""
    data = _parse(text, name, limits)
    _check(data, name)
    _check_digest(data, name)
    infos = _subscriptions(data, name)
    owners = {info.subscription_id for info in infos}
    resources = data.get("resources", [])
    if len(resources) > limits.rows:
        raise FileRefused(f"{name}: {len(resources):,} resources; at most {limits.rows:,} are read. Split the file.")
    marks = _marks(data, name)
    seen: dict[str, str] = {}
    entries = tuple(_entry(row, index, owners, marks, seen, limits) for index, row in enumerate(resources))
    captured = _captured(data, name, owners)
    return Contents(
        kind=Kind.JSON,
        entries=entries,
        subscriptions=infos,
        as_of=captured[0],
        whole=captured[1],
        registrations=_registrations(data, name, owners),
        usages=_usages(data, name, owners),
        unreadable=_unreadable(data, name),
        notes=() if data.get("digest") else ("The file has no digest: nobody can tell whether it was changed.",),
    )


# The text


class _Twice(Exception):
    pass


def _parse(text: str, name: str, limits: Limits) -> dict[str, Any]:
    tokens = sum(text.count(mark) for mark in "{[,")
    if tokens > limits.tokens:
        raise FileRefused(f"{name}: more than {limits.tokens:,} values; split the file.")
    try:
        data = json.loads(
            text,
            object_pairs_hook=_once,
            parse_int=_whole,
            parse_float=_fraction,
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        more = ""
        if error.msg == "Extra data":
            more = " An estate is one JSON object, not one a line."
        raise FileRefused(f"{name}, line {error.lineno}, column {error.colno}: not JSON ({error.msg}).{more}") from None
    except _Twice as error:
        raise FileRefused(f"{name}: the key {error.args[0]!r} stands twice in one object; keep one of them.") from None
    except RecursionError:
        raise FileRefused(f"{name}: nested too deeply to be an estate.") from None
    except ValueError as error:
        raise FileRefused(f"{name}: {error}") from None
    if not isinstance(data, dict):
        raise FileRefused(f"{name}: expected one JSON object with format {FORMAT!r}, found {what(data)}.")
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        names = [key for key, _ in pairs]
        raise _Twice(next(key for key in names if names.count(key) > 1)[:80])
    return built


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > LONGEST_DIGITS:
        raise ValueError(f"the number {text[:24]}… has more than {LONGEST_DIGITS} digits; nothing of Azure's has.")
    return int(text)


def _fraction(text: str) -> float:
    value = float(text)
    if len(text) > 40 or value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:24]} is out of range; leave the key out instead.")
    return value


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number; leave the key out instead.")


def what(value: Any) -> str:
    """A JSON value's type, for a sentence."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


# The file as a whole


def _check(data: dict[str, Any], name: str) -> None:
    if data.get("format") != FORMAT:
        said = data.get("format")
        found = f"{said[:60]!r}" if isinstance(said, str) else what(said) if "format" in data else "none"
        raise FileRefused(f"{name}: format is {found}; this reads {FORMAT!r}, as manage.py capture writes it.")
    if strange := sorted(set(data) - set(KEYS)):
        raise FileRefused(f"{name}: unknown key {strange[0][:60]!r}; an estate has {', '.join(KEYS)}.")
    for section in (*SECTIONS, "unreadable"):
        if not isinstance(data.get(section, []), list):
            raise FileRefused(f"{name}: {section} must be a list, found {what(data[section])}.")
    for section in ("captured", "read"):
        if not isinstance(data.get(section, {}), dict):
            raise FileRefused(f"{name}: {section} must be an object, found {what(data[section])}.")


def _check_digest(data: dict[str, Any], name: str) -> None:
    said = data.get("digest")
    if said is None:
        return
    try:
        found = digest(data)
    except (ValueError, UnicodeEncodeError):
        found = ""
    if said != found:
        raise FileRefused(
            f"{name}: the digest at its end does not fit its contents. It was changed or cut after it was written; "
            "capture it again, or take the key digest out if you changed it on purpose."
        )


def _captured(data: dict[str, Any], name: str, owners: set[str]) -> tuple[datetime | None, frozenset[str]]:
    captured = data.get("captured", {})
    at = captured.get("at")
    try:
        moment = None if at is None else datetime.fromisoformat(at)
    except (TypeError, ValueError):
        raise FileRefused(f"{name}: captured.at must be a time like 2026-11-22T10:00:00+00:00.") from None
    if moment is not None and moment.tzinfo is None:
        raise FileRefused(f"{name}: captured.at names no time zone; write +00:00 behind it.")
    whole = captured.get("whole", [])
    if not isinstance(whole, list) or not all(isinstance(one, str) for one in whole):
        raise FileRefused(f"{name}: captured.whole must be a list of subscription ids.")
    if strange := sorted({one.lower() for one in whole} - owners):
        raise FileRefused(f"{name}: captured.whole names {strange[0][:60]}, which is not among subscriptions.")
    return moment.astimezone(UTC) if moment else None, frozenset(one.lower() for one in whole)


def _subscriptions(data: dict[str, Any], name: str) -> tuple[SubscriptionInfo, ...]:
    found: dict[str, SubscriptionInfo] = {}
    for index, row in enumerate(data.get("subscriptions", [])):
        where = f"{name}: subscriptions[{index}]"
        texts = _texts(row, where, "subscriptionId", "displayName", optional=("state", "tenantId"))
        key = texts["subscriptionId"].lower()
        if not _SUBSCRIPTION.fullmatch(key):
            raise FileRefused(f"{where}: {key[:60]!r} is no subscription id.")
        if key in found:
            raise FileRefused(f"{where} repeats the subscription {key}.")
        found[key] = SubscriptionInfo(
            subscription_id=key,
            display_name=texts["displayName"][:200],
            state=texts["state"][:40],
            tenant_id=texts["tenantId"][:36],
        )
    if not found:
        raise FileRefused(f"{name}: it names no subscription; an estate has at least one.")
    return tuple(found[key] for key in sorted(found))


def _texts(row: Any, where: str, *keys: str, optional: tuple[str, ...] = ()) -> dict[str, str]:
    if not isinstance(row, dict):
        raise FileRefused(f"{where} must be an object, found {what(row)}.")
    for key in (*keys, *optional):
        value = row.get(key, "" if key in optional else None)
        if not isinstance(value, str) or (key in keys and not value.strip()) or unstorable(value):
            raise FileRefused(f"{where}: key {key!r} must be text, found {what(row.get(key))}.")
    return {key: row.get(key, "") for key in (*keys, *optional)}


def _owner(row: Any, where: str, owners: set[str]) -> str:
    owner = _texts(row, where, "subscriptionId")["subscriptionId"].lower()
    if owner not in owners:
        raise FileRefused(f"{where} names subscription {owner[:60]}, which is not among subscriptions.")
    return owner


def _registrations(data: dict[str, Any], name: str, owners: set[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for index, row in enumerate(data.get("registrations", [])):
        where = f"{name}: registrations[{index}]"
        texts = _texts(row, where, "name", "state")
        found.setdefault(_owner(row, where, owners), {})[texts["name"][:120]] = texts["state"][:40]
    return found


def _usages(data: dict[str, Any], name: str, owners: set[str]) -> tuple[Usage, ...]:
    found = []
    for index, row in enumerate(data.get("usages", [])):
        where = f"{name}: usages[{index}]"
        texts, owner = _texts(row, where, "location", "provider", "name"), _owner(row, where, owners)
        counts = [row.get(key) for key in ("currentValue", "limit")]
        if not all(isinstance(n, int) and not isinstance(n, bool) and -1 <= n < 2**53 for n in counts):
            raise FileRefused(f"{where}: currentValue and limit must be whole numbers.")
        location = normal_location(texts["location"])
        current, most = counts
        found.append(
            Usage(
                subscription=owner,
                location=location,
                provider=texts["provider"],
                name=texts["name"],
                current=current,
                limit=most,
            )
        )
    return tuple(found)


def _unreadable(data: dict[str, Any], name: str) -> tuple[Unreadable, ...]:
    found = []
    for index, row in enumerate(data.get("unreadable", [])):
        texts = _texts(row, f"{name}: unreadable[{index}]", optional=("resource", "action", "sentence"))
        found.append(Unreadable(resource_id=texts["resource"], action=texts["action"], sentence=texts["sentence"]))
    return tuple(found)


def _marks(data: dict[str, Any], name: str) -> dict[str, list[str]]:
    marks = data.get("read", {})
    for key, listed in marks.items():
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise FileRefused(f"{name}: read[{key[:80]!r}] must be a list of collection names.")
    return {key.lower(): sorted(set(listed)) for key, listed in marks.items()}


# One resource


def _entry(
    row: Any, index: int, owners: set[str], marks: Mapping[str, list[str]], seen: dict[str, str], limits: Limits
) -> Entry:
    place = f"resources[{index}]"
    name = str(row.get("name", ""))[:260] if isinstance(row, dict) else ""
    if bad := unstorable(name):
        return Entry(place=place, refused=f"{bad.replace('  ', ' name ').strip()}; correct the name.")
    if refused := _wrong(row, owners, limits):
        return Entry(place=place, name=name, refused=refused)
    resource_id = row["id"]
    if (before := seen.setdefault(resource_id.lower(), place)) is not place:
        refused = f"It has the id of {before}; ids are compared without regard to case. Keep one of them."
        return Entry(place=place, name=name, refused=refused)
    document = {key: row[key] for key in ENVELOPE if key in row}
    document["type"] = kind = type_in(resource_id)
    if not kind.lower().startswith("microsoft.classic") and kind not in KEPT and not networks_named(document):
        left_out = "It neither is classic nor names anything classic; the inventory does not keep it."
        return Entry(place=place, name=name, left_out=left_out)
    cleaned = clean(document)
    notes = ("Secrets in it were taken out.",) if cleaned != document else ()
    if kind == ResourceType.CLASSIC_ADMINISTRATOR:
        cleaned = without_person(cleaned)
    if (listed := marks.get(resource_id.lower())) is not None:
        cleaned["read"] = listed
    return Entry(place=place, document={**cleaned, "source": SOURCE}, name=name, notes=notes)


def _wrong(row: Any, owners: set[str], limits: Limits) -> str:
    """What is wrong with a resource, as a sentence; empty when nothing is."""
    if not isinstance(row, dict):
        return f"It must be an object, but is {what(row)}."
    if depth_of(row, limits.depth) > limits.depth:
        return f"It is nested deeper than {limits.depth} levels; nothing of Azure's is."
    if bad := unstorable(row):
        return f"{bad}; correct it."
    if refused := wrong_id(row.get("id"), owners):
        return refused
    if strange := sorted(set(row) - {*ENVELOPE, *_IGNORED}):
        return f"The key {strange[0][:60]!r} is none of a resource's; it has {', '.join(ENVELOPE)}."
    kind, spelled = row.get("type"), type_in(row["id"])
    if not isinstance(kind, str) or canonical(kind).lower() != spelled.lower():
        return f"Its type is {str(kind)[:80]!r}, but its id spells {spelled[:80]!r}."
    if not isinstance(row.get("name"), str) or not row["name"]:
        return f"Its name must be text, found {what(row.get('name'))}."
    if not isinstance(row.get("properties", {}), dict):
        return f"Its properties must be an object, found {what(row['properties'])}."
    if not isinstance(row.get("location", ""), str):
        return f"Its location must be text, found {what(row['location'])}."
    tags = row.get("tags") or {}
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        return "Its tags must be an object of texts."
    return ""


def wrong_id(resource_id: Any, owners: set[str]) -> str:
    """What is wrong with an id, as a sentence; empty when nothing is."""
    if not isinstance(resource_id, str) or not resource_id.startswith("/"):
        return f"Its id must be text that begins with /subscriptions/, found {what(resource_id)}."
    if not resource_id.isprintable() or resource_id != resource_id.strip():
        return "Its id holds control characters or blanks at an end; write it as Azure does."
    if len(resource_id) > LONGEST_ID:
        return f"Its id has {len(resource_id)} characters; Azure's have at most {LONGEST_ID}."
    owner = subscription_of(resource_id)
    if (
        not _SUBSCRIPTION.fullmatch(owner)
        or resource_id.endswith("/")
        or "//" in resource_id
        or not type_in(resource_id)
    ):
        return f"{resource_id[:120]!r} is no id of a resource in a subscription."
    if owner not in owners:
        return f"It belongs to subscription {owner}, which this file is not about. Import it with that subscription."
    return ""
