"""Two documents, field by field, for a person to read. Pure."""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_IDENTITIES = ("name", "endpointName", "diskName", "referenceName", "id", "order")  # what tells items of a list apart
_MISSING = object()
_LONG = 200  # characters from which a text is compared line by line


class ChangeKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field. `path`: "properties.networkProfile.inputEndpoints[SSH].publicPort"; `before` and `after` as text,
    empty where there was nothing; `lines`: for a long text, its difference line by line (`-` before, `+` after)."""

    path: str
    kind: ChangeKind
    before: str
    after: str
    lines: tuple[str, ...] = ()


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldChange]:
    """What changed from one document to the other, in the order of the paths. Equal documents have none."""
    then, now = dict(_leaves(before, "")), dict(_leaves(after, ""))
    found = []
    for path in sorted({*then, *now}):
        old, new = then.get(path, _MISSING), now.get(path, _MISSING)
        if old is _MISSING:
            found.append(FieldChange(path, ChangeKind.ADDED, "", _shown(new)))
        elif new is _MISSING:
            found.append(FieldChange(path, ChangeKind.REMOVED, _shown(old), ""))
        elif type(old) is not type(new) or old != new:
            found.append(FieldChange(path, ChangeKind.CHANGED, _shown(old), _shown(new), _lines(old, new)))
    return found


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every path with its value. An empty object or list is a value of its own, so that emptying one is seen."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        names = _names(value)
        for name, item in zip(names, value, strict=True):
            yield from _leaves(item, f"{path}[{name}]")
    else:
        yield path, value


def _names(items: list[Any]) -> list[str]:
    """What to call the items of a list: by what identifies them when that is unique, else plain values by themselves,
    else by number."""
    if all(isinstance(item, Mapping) for item in items):
        for key in _IDENTITIES:
            names = [str(item.get(key, "")) for item in items]
            if all(names) and len(set(names)) == len(names):
                return names
    elif all(isinstance(item, str) for item in items) and len(set(items)) == len(items):
        return [str(item) for item in items]
    return [str(number) for number in range(1, len(items) + 1)]


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _lines(old: Any, new: Any) -> tuple[str, ...]:
    if not (isinstance(old, str) and isinstance(new, str)) or max(len(old), len(new)) < _LONG:
        return ()
    apart = [text.replace("><", ">\n<").splitlines() for text in (old, new)]
    return tuple(line for line in difflib.unified_diff(*apart, lineterm="", n=1) if line[:3] not in ("---", "+++"))
