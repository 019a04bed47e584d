"""XML as service management writes and reads it: one namespace, absent elements instead of empty ones.

Element names are those which the last public client of this API reads (azure.md, asm-js [S]).
"""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, tostring

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as Defused

NAMESPACE: Final = "http://schemas.microsoft.com/windowsazure"
INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"
LARGEST: Final = 256 * 1024  # bytes of a request's XML; the real ones have a few hundred

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Part = tuple[str, Any] | Element | None


class Unreadable(ValueError):
    """A request body that is no XML of this API."""


def node(tag: str, *parts: Part) -> Element:
    """An element. A part is a (name, value) pair, an element, or None; a pair whose value is None is left out."""
    made = Element(tag)
    for part in parts:
        if part is None:
            continue
        if not isinstance(part, tuple):
            made.append(part)
        elif part[1] is not None:
            made.append(text(*part))
    return made


def text(tag: str, value: Any) -> Element:
    """An element with a text only."""
    made = Element(tag)
    made.text = plain(value)
    return made


def listed(tag: str, items: Iterable[Element | None]) -> Element:
    """A sequence element, empty when there is nothing in it."""
    return node(tag, *items)


def some(tag: str, items: Iterable[Element | None]) -> Element | None:
    """A sequence element, None when there is nothing in it."""
    found = [item for item in items if item is not None]
    return node(tag, *found) if found else None


def plain(value: Any) -> str:
    """A value as text: true and false in lower case, characters XML cannot carry left out."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _NOT_XML.sub("", str(value))


def packed(text: Any) -> str | None:
    """A label or configuration as this API carries it: base64 of UTF-8; None stays None."""
    return None if text is None else base64.b64encode(str(text).encode()).decode()


def extended(pairs: Mapping[str, str | None]) -> Element | None:
    """`ExtendedProperties`."""
    return some(
        "ExtendedProperties",
        (
            node("ExtendedProperty", ("Name", name), ("Value", value))
            for name, value in pairs.items()
            if value is not None
        ),
    )


def error(code: str, message: str) -> Element:
    """`Error` with Code and Message [K]."""
    return node("Error", ("Code", code), ("Message", message))


def write(root: Element) -> bytes:
    """The document. The namespace stands on the root only, so every element is in it."""
    root.set("xmlns", NAMESPACE)
    root.set("xmlns:i", INSTANCE)
    return b'<?xml version="1.0" encoding="utf-8"?>' + tostring(root, encoding="utf-8")


def read(raw: bytes, root: str) -> dict[str, str]:
    """The texts below a root element, by name. Raises Unreadable for another root, another namespace, or no XML."""
    if len(raw) > LARGEST:
        raise Unreadable(f"The body is larger than {LARGEST} bytes.")
    try:
        found = Defused.fromstring(raw, forbid_dtd=True)
    except (Defused.ParseError, DefusedXmlException, ValueError, LookupError):
        raise Unreadable("The body is not XML.") from None
    if found.tag != f"{{{NAMESPACE}}}{root}":
        raise Unreadable(f"The body is not a {root} of {NAMESPACE}.")
    texts: dict[str, str] = {}
    for child in found:
        space, _, name = str(child.tag).rpartition("}")
        if space != "{" + NAMESPACE:
            raise Unreadable(f"The element {name} is not of {NAMESPACE}.")
        texts[name] = (child.text or "").strip()
    return texts
