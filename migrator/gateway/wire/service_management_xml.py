"""The XML of service management, read as hostile input and written for its one request body.

One namespace; `i:nil="true"` says "nothing" where a missing element says nothing at all. No DTD, no entities, at most
`DEEPEST` deep and `MOST_ELEMENTS` elements; the size is bounded where the answer is received.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from migrator.gateway.wire.cleaning import REMOVED, clean_text
from migrator.gateway.wire.messages import MOST_DETAILS, NoAnswer, category_of
from migrator.resources import Category, PlatformMessage

NAMESPACE = "http://schemas.microsoft.com/windowsazure"
DEEPEST = 32  # the deepest documented answer, a deployment, has 9
MOST_ELEMENTS = 250_000  # a subscription's 5,000 storage accounts have some 150,000
MOST_ATTRIBUTES = 20
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_BASE64 = re.compile(r"[A-Za-z0-9+/]{48,}={0,2}")  # a configuration, a certificate: may hold secrets
_SECRET = re.compile(
    r"(?is)<((?:[\w.-]+:)?\w*(?:password|primary|secondary|sharedkey|connectionstring|data)\w*)[^<>]*>[^<]+"
)
_NETWORK_RESOURCE = ("ResourceGroupName", "VirtualNetworkName", "SubNetName", "DestinationVirtualNetwork")


class _Missing:
    """What an answer does not say. False, as nil is."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()


class UnreadableXml(ValueError):
    """The answer is no XML of this API; the text says what is wrong, for a person ("it is not XML …")."""


@dataclass(frozen=True, slots=True)
class Xml:
    """One element. Readers give `MISSING` where the element is not there, None where it says nil."""

    element: ElementTree.Element

    @property
    def name(self) -> str:
        return _local(self.element)

    def children(self, name: str) -> Iterator["Xml"]:
        """The direct children of a name, those of another namespace left out."""
        wanted = f"{{{NAMESPACE}}}{name}"
        return (Xml(child) for child in self.element if child.tag == wanted)

    def child(self, name: str) -> "Xml | None":
        """The first child of a name; None when it is missing or nil."""
        found = next(self.children(name), None)
        return None if found is None or _is_nil(found.element) else found

    def has(self, name: str) -> bool:
        return next(self.children(name), None) is not None

    def inside(self, *names: str) -> "Xml | None":
        """Down a chain of children."""
        found: Xml | None = self
        for name in names:
            found = found.child(name) if found is not None else None
        return found

    def text(self, name: str) -> Any:
        """The text of a child, stripped: str, None (nil), or MISSING; an element with elements in it is MISSING."""
        found = next(self.children(name), None)
        if found is None or len(found.element):
            return MISSING
        return None if _is_nil(found.element) else (found.element.text or "").strip()

    def word(self, name: str) -> str:
        """The text of a child, or the empty text: for what only has a meaning when it is said."""
        value = self.text(name)
        return value if isinstance(value, str) else ""

    def flag(self, name: str) -> Any:
        """true, false, None or MISSING; another word is MISSING."""
        value = self.text(name)
        if not isinstance(value, str):
            return value
        return {"true": True, "false": False, "1": True, "0": False}.get(value.lower(), MISSING)

    def number(self, name: str) -> Any:
        """A whole number, None or MISSING; an empty element and another word are MISSING."""
        value = self.text(name)
        if not isinstance(value, str):
            return value
        return int(value) if value.isascii() and value.isdigit() and len(value) <= 18 else MISSING

    def items(self, name: str, item: str) -> "list[Xml] | None":
        """The items of a list element; None when the list element is missing or nil."""
        found = self.child(name)
        return None if found is None else list(found.children(item))


NOTHING = Xml(ElementTree.Element("nothing"))  # says nothing of anything


class _Bounded(ElementTree.TreeBuilder):
    """A tree builder that stops at the limits, while reading."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.elements = 0

    def start(self, tag: str, attrs: dict[str, str]) -> ElementTree.Element:
        self.depth += 1
        self.elements += 1
        if self.depth > DEEPEST:
            raise UnreadableXml(f"its XML is nested deeper than {DEEPEST} elements")
        if self.elements > MOST_ELEMENTS:
            raise UnreadableXml(f"its XML has more than {MOST_ELEMENTS} elements")
        if len(attrs) > MOST_ATTRIBUTES:
            raise UnreadableXml(f"an element of its XML has more than {MOST_ATTRIBUTES} attributes")
        return super().start(tag, attrs)

    def end(self, tag: str) -> ElementTree.Element:
        self.depth -= 1
        return super().end(tag)


def parse(content: bytes) -> Xml | None:
    """The root element, None when there is no content. Raises UnreadableXml for whatever is wrong."""
    if not content.strip():
        return None
    parser = DefusedXMLParser(target=_Bounded(), forbid_dtd=True)
    try:
        for start in range(0, len(content), 65536):
            parser.feed(content[start : start + 65536])
        root = parser.close()
    except DefusedXmlException as error:
        raise UnreadableXml("its XML has a DTD or entities, which are refused") from error
    except UnreadableXml:
        raise
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        beginning = shorten(content[:60]).replace("\n", " ")
        raise UnreadableXml(f"it is not XML (it begins with {beginning!r})") from error
    if not str(root.tag).startswith(f"{{{NAMESPACE}}}"):
        raise UnreadableXml(f"its XML begins with {_local(root)[:80]} and is not of service management")
    return Xml(root)


def shorten(content: bytes, length: int = 2000) -> str:
    """The beginning of an answer as evidence, without what is or may hold a secret."""
    text = content[: 4 * length].decode("utf-8", errors="replace")
    text = _SECRET.sub(lambda match: f"<{match.group(1)}>{REMOVED}", text)
    return clean_text(_BASE64.sub(REMOVED, text))[:length]


def error_of(root: Xml | None) -> dict[str, Any] | None:
    """`<Error><Code/><Message/></Error>` [K] as the error object of Resource Manager; None when it is no error."""
    if root is None or root.name != "Error":
        return None
    return {"error": {"code": root.word("Code"), "message": root.word("Message")}}


def validation_messages(root: Xml | None) -> tuple[PlatformMessage, ...]:
    """The messages of Validate (azure.md 2.5 [S]); the empty list means that it passed. Raises NoAnswer for another
    root: silence is not a pass."""
    if root is None or root.name != "ValidationMessages":
        raise NoAnswer("it is not a list of validation messages")
    if any(_local(child) != "ValidationMessage" for child in root.element):
        raise NoAnswer("its list holds something else than validation messages")
    found = [_message(item) for item in root.children("ValidationMessage")]
    if len(found) > MOST_DETAILS:  # what blocks is kept before what does not
        found.sort(key=lambda message: message.category is not Category.ERROR)
    return tuple(found[:MOST_DETAILS])


def _message(item: Xml) -> PlatformMessage:
    return PlatformMessage(
        category=category_of(item.text("Category")),
        message=clean_text(item.word("Message")),
        resource_type=item.word("ResourceType"),
        resource_name=item.word("ResourceName"),
        # the element is VirtualMachine, the property of the public clients VirtualMachineName [S]
        virtual_machine=item.word("VirtualMachine") or item.word("VirtualMachineName"),
    )


def network_resource(parameters: Mapping[str, Any] | None) -> bytes:
    """`DeploymentNetworkResource`: all four elements, empty ones too (azure.md 2.5 [S]). `parameters` by the names
    Resource Manager uses (`destinationVirtualNetwork`, …); without them a new network is asked for."""
    given = {str(name).lower(): value for name, value in (parameters or {}).items()}
    root = ElementTree.Element("DeploymentNetworkResource", {"xmlns": NAMESPACE})
    for name in _NETWORK_RESOURCE:
        value = given.get(name.lower())
        default = "New" if name == "DestinationVirtualNetwork" else ""
        ElementTree.SubElement(root, name).text = default if value in (None, "") else str(value)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True, short_empty_elements=False)


def _local(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _is_nil(element: ElementTree.Element) -> bool:
    return element.get(_NIL, "").strip() in ("true", "1")
