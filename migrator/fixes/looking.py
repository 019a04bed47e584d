"""Whether a fresh read shows what a condition asks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from migrator.fixes.values import NOTHING, Condition, Wants
from migrator.resources import Resource, known


def unmet(
    condition: Condition,
    documents: Mapping[str, Any],
    values: Mapping[str, Resource],
    registrations: Mapping[str, str],
) -> str:
    """Why the condition is not met, as a sentence; empty when it is. `documents`: what was read, by lower-case id, None
    for what is not there; `values`: the same as values; `registrations`: state by lower-case name."""
    key = condition.resource_id.lower()
    name = condition.resource_id.rstrip("/").rsplit("/", 1)[-1]
    if condition.wants is Wants.REGISTERED:
        state = registrations.get(key, "")
        return "" if state.lower() == "registered" else f"{condition.resource_id} is {state or 'not known to be'} now."
    if key not in documents:
        return f"{name} was not read."
    there = documents[key] is not None
    match condition.wants:
        case Wants.THERE:
            return "" if there else f"{name} is not there any more."
        case Wants.GONE:
            return f"{name} is there." if there else ""
        case _:
            return _said(condition, name, values.get(key) if there else None)


def _said(condition: Condition, name: str, value: Resource | None) -> str:
    if value is None:
        return f"{name} is not there any more."
    found = getattr(value, condition.field)
    words = condition.field.replace("_", " ")
    if not known(found):
        return "" if condition.wants is Wants.IS_OR_SILENT else f"Azure does not say the {words} of {name}."
    told = spelled(found)
    if told.lower() in {one.lower() for one in condition.values}:
        return ""
    return f"The {words} of {name} is {told}, not {' or '.join(condition.values)}."


def spelled(found: object) -> str:
    """A field of a value as conditions write it."""
    match found:
        case None | ():
            return NOTHING
        case bool():
            return "yes" if found else "no"
        case datetime():
            return found.isoformat()
        case tuple():
            return ", ".join(map(str, found))
        case _:
            return str(found)
