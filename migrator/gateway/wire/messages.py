"""Answers of the verbs and of status URLs → platform messages, codes, states.

The shape of Validate's answer in Resource Manager is published nowhere; every shape of azure.md 2.3 and 2.5 is
accepted [I]: a list under `validationMessages` (top level, under `properties`, or under `properties.output`), a bare
list, and an `error` object with `details`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrator.gateway.shapes import VALIDATE_LISTS
from migrator.gateway.wire.cleaning import clean_text
from migrator.resources import Category, PlatformMessage

MOST_DETAILS = 1000  # messages kept of one answer
DEEPEST_DETAILS = 8
_FAILED = frozenset({"failed", "canceled", "cancelled"})


class NoAnswer(ValueError):
    """The body is not an answer to Validate in any accepted shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """Azure's `error` object: code and message of the outermost, with the messages of its details."""

    code: str = ""
    message: str = ""
    details: tuple[PlatformMessage, ...] = ()


def _text(value: Any) -> str:
    return clean_text(value) if isinstance(value, str) else ""


def _by_lower(body: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key).lower(): value for key, value in body.items()}


def error_body(body: Any) -> ErrorBody | None:
    """The error in a body: `{"error": {code, message, details}}`, or the same without the wrapper; None when there is
    none."""
    if not isinstance(body, Mapping):
        return None
    held = _by_lower(body)
    error = held.get("error")
    if isinstance(error, str):  # Azure AD writes {"error": code, "error_description": message}
        return ErrorBody(code=error[:200], message=_text(held.get("error_description")))
    if not isinstance(error, Mapping):
        if "code" not in held or "message" not in held:
            return None
        error = body
    inner = _by_lower(error)
    return ErrorBody(
        code=_text(inner.get("code")),
        message=_text(inner.get("message")),
        details=tuple(_details(inner.get("details"), 0))[:MOST_DETAILS],
    )


def _details(details: Any, depth: int) -> Iterator[PlatformMessage]:
    """Messages of `details[]`, innermost included; an item in the shape of a validation message keeps what it names."""
    if not isinstance(details, list) or depth > DEEPEST_DETAILS:
        return
    for item in details[:MOST_DETAILS]:
        if isinstance(item, Mapping):
            yield _message(item, Category.ERROR)
            yield from _details(_by_lower(item).get("details"), depth + 1)


def category_of(text: Any) -> Category:
    """Unknown categories are errors (azure.md 2.5)."""
    for category in Category:
        if isinstance(text, str) and text.strip().lower() == category.value.lower():
            return category
    return Category.ERROR


def _message(item: Mapping[str, Any], otherwise: Category | None = None) -> PlatformMessage:
    held = _by_lower(item)
    category = otherwise if otherwise is not None and "category" not in held else category_of(held.get("category"))
    return PlatformMessage(
        category=category,
        message=_text(held.get("message")),
        resource_type=_text(held.get("resourcetype")),
        resource_name=_text(held.get("resourcename")),
        virtual_machine=_text(held.get("virtualmachinename")) or _text(held.get("virtualmachine")),
        code=_text(held.get("code")),
    )


def _at(body: Any, dotted: str) -> tuple[bool, Any]:
    """(whether something is there, what) at a dotted name; case of the names does not matter."""
    for name in dotted.lower().split("."):
        held = _by_lower(body) if isinstance(body, Mapping) else {}
        if name not in held:
            return False, None
        body = held[name]
    return True, body


def validation_messages(body: Any, lists: Sequence[str] = VALIDATE_LISTS) -> tuple[PlatformMessage, ...]:
    """The messages of Validate. The empty list means that it passed; an answer that says Failed always gives at least
    one Error. `lists`: the dotted names under which they may stand [I].

    Raises NoAnswer when the body has none of the accepted shapes: silence is not a pass.
    """
    if isinstance(body, list):
        return _listed(body)
    if not isinstance(body, Mapping):
        raise NoAnswer("The answer to Validate is not JSON of a known shape.")
    held = _by_lower(body)
    inner = _by_lower(held["properties"]) if isinstance(held.get("properties"), Mapping) else {}
    status = str(held.get("status") or inner.get("status") or "")
    places = [found for there, found in (_at(body, dotted) for dotted in lists) if there]
    error = error_body(body)
    if not places and error is None and status.lower() not in {"succeeded", *_FAILED}:
        raise NoAnswer("The answer to Validate has neither messages nor a status nor an error.")
    found = [message for place in places for message in _listed(place)]
    if error is not None:
        found += error.details or (PlatformMessage(category=Category.ERROR, message=error.message, code=error.code),)
    if status.lower() in _FAILED and not any(message.category is Category.ERROR for message in found):
        found.append(PlatformMessage(category=Category.ERROR, message=f"status: {status}"))
    return tuple(found)


def _listed(value: Any) -> tuple[PlatformMessage, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise NoAnswer("The validation messages are not a list of objects.")
    return tuple(_message(item) for item in value[:MOST_DETAILS])
