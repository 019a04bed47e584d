"""Whether a read shows what a probe expects."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrator.followups.draft import REMOVED
from migrator.followups.metrics import seconds
from migrator.followups.values import Probe

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_LISTS_WITHOUT_ORDER = frozenset({"scopes", "emailreceivers", "webhookreceivers", "armrolereceivers", "customemails"})


def matches(probe: Probe, document: Mapping[str, Any] | None) -> list[str]:
    """What is wrong with the document, a sentence each; empty: the result is seen. `document` is None when the read
    found nothing. Ids and regions are compared without regard to case, durations by length, numbers by value, texts of
    numbers (capacities) as texts; what the platform added on its own is not looked at."""
    if document is None:
        return [f"{probe.request.path} does not exist."]
    wrong: list[str] = []
    for path, expected in probe.expect.items():
        found, value = _at(document, path)
        wrong += (
            list(_differences(path, expected, value)) if found else [f"{path} is missing; expected {_shown(expected)}."]
        )
    return wrong


def _at(document: Any, path: str) -> tuple[bool, Any]:
    """A key may hold dots (a tag's name): the longest key that fits wins."""
    if not path:
        return True, document
    if isinstance(document, Mapping) and path in document:
        return True, document[path]
    for step in _STEP.finditer(path):
        name, index = step.groups()
        if index is not None:
            if not isinstance(document, list | tuple) or int(index) >= len(document):
                return False, None
            document = document[int(index)]
        elif isinstance(document, Mapping):
            rest = path[step.start() :]
            if rest in document:
                return True, document[rest]
            key = next((k for k in document if str(k).lower() == name.lower()), None)
            if key is None:
                return False, None
            document = document[key]
        else:
            return False, None
    return True, document


def _differences(path: str, expected: Any, value: Any) -> Iterator[str]:
    if isinstance(expected, Mapping) and isinstance(value, Mapping):
        for key, item in expected.items():
            inner = f"{path}.{key}"
            match = next((k for k in value if str(k).lower() == str(key).lower()), None)
            if match is None:
                if item not in (None, [], {}):
                    yield f"{inner} is missing; expected {_shown(item)}."
            else:
                yield from _differences(inner, item, value[match])
    elif isinstance(expected, list | tuple) and isinstance(value, list | tuple):
        if len(expected) != len(value):
            yield f"{path} has {len(value)} entries; expected {len(expected)}."
            return
        if path.rsplit(".", 1)[-1].lower() in _LISTS_WITHOUT_ORDER:
            expected, value = sorted(expected, key=_order), sorted(value, key=_order)
        for index, (one, other) in enumerate(zip(expected, value, strict=True)):
            yield from _differences(f"{path}[{index}]", one, other)
    elif not _same(path, expected, value):
        yield f"{path} is {_shown(value)}; expected {_shown(expected)}."


def _order(item: Any) -> str:
    if isinstance(item, Mapping):
        return str(item.get("name") or sorted((str(k), str(v)) for k, v in item.items())).lower()
    return str(item).lower()


def _same(path: str, expected: Any, value: Any) -> bool:
    if isinstance(expected, bool) or isinstance(value, bool):
        return expected is value
    if isinstance(expected, int | float) and isinstance(value, int | float):
        return float(expected) == float(value)
    if not isinstance(expected, str) or not isinstance(value, str):
        return bool(expected == value) or (expected in (None, "") and value in (None, ""))
    if expected == value or REMOVED in value:  # a secret the gateway took out cannot be compared
        return True
    if path.lower().endswith("location"):
        return "".join(expected.split()).lower() == "".join(value.split()).lower()
    if expected.startswith("/") or "/" in expected or _is_guid(expected):
        return expected.rstrip("/").lower() == value.rstrip("/").lower()
    long = seconds(expected)
    return long is not None and long == seconds(value)


def _is_guid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) is not None


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 120 else text[:117] + "..."
