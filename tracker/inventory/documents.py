"""A wire document as a row: its key, its names cut to what the columns hold, its digest. No database, no sockets."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from migrator.gateway.wire import canonical, normal_location, type_in

LONGEST_KEY = 600
LONGEST_UNIT_KEY = 400
LONGEST_NAME = 260
LONGEST_TYPE = 120
LONGEST_REGION = 40

# Fields which differ at every reading without anything having changed (azure.md 1.3: the guest agent reports every few
# minutes). They would age every approval within the hour, so they are not kept. Names under `properties`, lower case.
_VOLATILE: Mapping[str, Any] = {"instanceview": {"guestagentstatus": {"timestamp": None}}}


@dataclass(frozen=True, slots=True)
class Row:
    """One document, ready to be stored. `region` is its own; empty when the document names none. `text`: the document
    as canonical JSON, of which `digest` is the sha256."""

    key: str
    azure_id: str
    type: str
    name: str
    region: str
    text: str
    digest: str
    sources: str = "{}"  # who said what (`migrator.gateway.protocol`), as JSON; no part of the document


class Unusable(ValueError):
    """A document that cannot be stored; the sentence says why."""


def row(document: Mapping[str, Any]) -> Row:
    """The row of a document, whose secrets the gateway has taken out (protocol.py). What PostgreSQL cannot hold is
    replaced visibly, and lists of ours are put in one order, so that equal readings give equal digests.

    Raises Unusable for a document without an id, or with one longer than Azure's or holding control characters.
    """
    azure_id = document.get("id")
    if not isinstance(azure_id, str) or not azure_id.startswith("/"):
        raise Unusable("A listed document has no id that begins with a slash.")
    azure_id = azure_id.rstrip("/")
    if not azure_id.isprintable():
        raise Unusable(f"The id {ascii(azure_id)[:200]} holds control characters; it was left out.")
    if len(azure_id) > LONGEST_KEY:
        raise Unusable(
            f"The id {azure_id[:120]}… has {len(azure_id)} characters; Azure's ids have at most {LONGEST_KEY}."
        )
    body = _settled(dict(document))
    sources = body.pop("sources", None)
    try:
        text = canonical_json(body)
        suspicious = "\\u0000" in text or "\\ud" in text
    except (ValueError, TypeError):
        suspicious = True
    if suspicious:
        body = storable(body)
        text = canonical_json(body)
    location = body.get("location")
    return Row(
        key=azure_id.lower(),
        azure_id=azure_id,
        type=_type(azure_id, body)[:LONGEST_TYPE],
        name=_name(azure_id, body)[:LONGEST_NAME],
        region=normal_location(location)[:LONGEST_REGION] if isinstance(location, str) else "",
        text=text,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        sources=_sources(sources),
    )


def _sources(told: Any) -> str:
    if not isinstance(told, Mapping) or not told:
        return "{}"
    return _sources_text(tuple(told.items()))


@lru_cache(maxsize=1_000)  # most documents say the same
def _sources_text(pairs: tuple[tuple[Any, Any], ...]) -> str:
    return canonical_json({storable(str(path))[:200]: storable(str(who))[:40] for path, who in pairs})


def canonical_json(value: Any) -> str:
    """One spelling of a JSON value: sorted keys, no spaces, ASCII. Raises ValueError for NaN and infinities."""
    return _CANONICAL.encode(value)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest_of(value: Any) -> str:
    """sha256 over the canonical JSON of a value: of a stored document, the digest its row holds."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def parent_key(key: str) -> str:
    """The key a child's key lies under: two segments fewer. Of a resource of its own it is no resource's key."""
    return key.rsplit("/", 2)[0]


def _type(azure_id: str, body: Mapping[str, Any]) -> str:
    said = body.get("type")
    return type_in(azure_id) or (canonical(said) if isinstance(said, str) else "")


def _name(azure_id: str, body: Mapping[str, Any]) -> str:
    said = body.get("name")
    return (said if isinstance(said, str) and said else azure_id).rsplit("/", 1)[-1]


def _settled(body: dict[str, Any]) -> dict[str, Any]:
    """Without volatile fields and entity tags, and with our own `read` list sorted."""
    body.pop("etag", None)
    read = body.get("read")
    if isinstance(read, list | tuple):
        body["read"] = sorted({item for item in read if isinstance(item, str)})
    properties = body.get("properties")
    if isinstance(properties, Mapping):
        body["properties"] = _without(properties, _VOLATILE)
    return body


def _without(values: Mapping[str, Any], names: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values without those under `names`: a tree, whose leaves are taken out."""
    found = [key for key in values if key.lower() in names]
    if not found:
        return values
    kept = dict(values)
    for key in found:
        deeper = names[key.lower()]
        if deeper is None:
            del kept[key]
        elif isinstance(kept[key], Mapping):
            kept[key] = _without(kept[key], deeper)
    return kept


def storable(value: Any) -> Any:
    """Any JSON value, or a text of Azure's, with what PostgreSQL refuses replaced: NUL, half surrogate pairs, NaN and
    infinities."""
    match value:
        case str():
            return value.replace("\x00", "\u2400").encode("utf-8", "replace").decode()
        case float() if not math.isfinite(value):
            return str(value)
        case Mapping():
            return {str(storable(str(key))): storable(item) for key, item in value.items()}
        case list() | tuple():
            return [storable(item) for item in value]
        case None | bool() | int() | float():
            return value
    return str(value)
