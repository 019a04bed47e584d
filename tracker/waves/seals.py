"""The seal: a digest over everything an approver saw, and what exactly moved when it no longer matches
(reliability-notes 4.5).

A body is canonical JSON of strings and integers, written once, shown as written, and compared field by field with the
present.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any


def canonical(body: Mapping[str, Any]) -> str:
    """Sorted keys, no spaces, no floats: the bytes that are sealed."""
    return json.dumps(_plain(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case str() | int() | None:
            return value
        case _:
            raise TypeError(
                f"a sealed body holds strings, whole numbers, lists and objects, not {type(value).__name__}"
            )


def seal(body: str) -> str:
    """Digest of a canonical body, hexadecimal. The prefix keeps it apart from every other digest of the product."""
    return hashlib.sha256(b"approval/1\n" + body.encode()).hexdigest()


def moved(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of the fields that differ, with both values, for people: `unit.findings: 3f2a… → 91bc…`."""
    return [f"{path}: {_short(a)} → {_short(b)}" for path, a, b in _differences("", _plain(then), _plain(now))]


def _differences(path: str, a: Any, b: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            yield from _differences(f"{path}.{key}" if path else key, a.get(key), b.get(key))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (left, right) in enumerate(zip(a, b, strict=True)):
            yield from _differences(f"{path}[{index}]", left, right)
    elif a != b:
        yield path, a, b


def _short(value: Any) -> str:
    text = "nothing" if value in (None, "", [], {}) else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:12]}…{text[-8:]}"
