"""What a service configuration (.cscfg) says about the network, the roles and the plugins of a deployment.

Element and attribute names: azure.md 4.4 (cs-net [D], cs-pre [D]; the namespace [K], which is why it is ignored
here). The file is hostile input: no DTD, at most 1 MiB, depth 64, 50,000 elements, 100 attributes on an element
(reliability-notes 1.8; defusedxml alone lets 14 MB of nested tags take 561 MiB).
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass, field

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from migrator.configuration.plugins import switched_on
from migrator.resources import UNKNOWN, Unknown

LARGEST = 1024 * 1024  # bytes
DEEPEST = 64
MOST_ELEMENTS = 50_000
MOST_ATTRIBUTES = 100


class UnreadableConfiguration(ValueError):
    """The service configuration cannot be read; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleConfiguration:
    """One `Role` element. `subnets` from `AddressAssignments`; `plugins` by module name, those switched on."""

    name: str
    instance_count: int | Unknown = UNKNOWN
    subnets: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A service configuration as far as the migration cares. `network_site` is None where no `VirtualNetworkSite` is
    named."""

    service_name: str | Unknown = UNKNOWN
    os_family: str | Unknown = UNKNOWN
    os_version: str | Unknown = UNKNOWN  # "*": automatic
    network_site: str | None = None
    reserved_ips: tuple[str, ...] = ()
    roles: Mapping[str, RoleConfiguration] = field(default_factory=dict, hash=False)  # by lower-case role name

    def role(self, name: str) -> RoleConfiguration | None:
        return self.roles.get(name.lower())


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
            raise UnreadableConfiguration(f"The service configuration is nested deeper than {DEEPEST} elements.")
        if self.elements > MOST_ELEMENTS:
            raise UnreadableConfiguration(f"The service configuration has more than {MOST_ELEMENTS} elements.")
        if len(attrs) > MOST_ATTRIBUTES:
            raise UnreadableConfiguration(
                f"An element of the service configuration has more than {MOST_ATTRIBUTES} attributes."
            )
        return super().start(tag, attrs)

    def end(self, tag: str) -> ElementTree.Element:
        self.depth -= 1
        return super().end(tag)


def tree(text: str) -> ElementTree.Element:
    """The root element. Raises `UnreadableConfiguration`, and nothing else, for whatever is wrong with the text."""
    data = text.removeprefix("\ufeff").lstrip().encode("utf-8", errors="replace")
    if len(data) > LARGEST:
        raise UnreadableConfiguration(f"The service configuration is larger than {LARGEST // 1024} KiB.")
    # The text is decoded already: a declaration of another encoding ("utf-16" in what .NET writes) no longer holds.
    parser = DefusedXMLParser(target=_Bounded(), encoding="utf-8", forbid_dtd=True)
    try:
        for start in range(0, len(data), 65536):
            parser.feed(data[start : start + 65536])
        root = parser.close()
    except DefusedXmlException as error:
        raise UnreadableConfiguration("The service configuration has a DTD or entities, which are refused.") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        if isinstance(error, UnreadableConfiguration):
            raise
        raise UnreadableConfiguration(f"The service configuration is not well-formed XML: {error}.") from error
    if root is None or local(root) != "ServiceConfiguration":
        found = "nothing" if root is None else local(root)[:80]
        raise UnreadableConfiguration(f"The service configuration should begin with ServiceConfiguration, not {found}.")
    return root


def local(element: ElementTree.Element) -> str:
    """The tag without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _children(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [child for child in element if local(child) == name]


def _descend(element: ElementTree.Element, *names: str) -> list[ElementTree.Element]:
    found = [element]
    for name in names:
        found = [child for parent in found for child in _children(parent, name)]
    return found


def read(text: str) -> Configuration:
    """The configuration in `text`. Raises `UnreadableConfiguration`."""
    root = tree(text)
    sites = [site.get("name") or "" for site in _descend(root, "NetworkConfiguration", "VirtualNetworkSite")]
    subnets: dict[str, tuple[str, ...]] = {}
    for address in _descend(root, "NetworkConfiguration", "AddressAssignments", "InstanceAddress"):
        names = tuple(subnet.get("name") or "" for subnet in _descend(address, "Subnets", "Subnet"))
        subnets[(address.get("roleName") or "").lower()] = names
    reserved = _descend(root, "NetworkConfiguration", "AddressAssignments", "ReservedIPs", "ReservedIP")
    roles = (_role(element, subnets) for element in _children(root, "Role"))
    return Configuration(
        service_name=root.get("serviceName") or UNKNOWN,
        os_family=root.get("osFamily") or UNKNOWN,
        os_version=root.get("osVersion") or UNKNOWN,
        network_site=sites[0] if sites and sites[0] else None,
        reserved_ips=tuple(element.get("name") or "" for element in reserved),
        roles={role.name.lower(): role for role in roles},
    )


def _role(element: ElementTree.Element, subnets: Mapping[str, tuple[str, ...]]) -> RoleConfiguration:
    name = element.get("name") or ""
    counts = [instances.get("count") or "" for instances in _children(element, "Instances")]
    count: int | Unknown = UNKNOWN
    if len(counts) == 1 and counts[0].isascii() and counts[0].isdigit() and len(counts[0]) <= 6:
        count = int(counts[0])
    settings = [
        (setting.get("name") or "", setting.get("value") or "")
        for setting in _descend(element, "ConfigurationSettings", "Setting")
    ]
    return RoleConfiguration(
        name=name, instance_count=count, subnets=subnets.get(name.lower(), ()), plugins=switched_on(settings)
    )
