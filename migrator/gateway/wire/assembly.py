"""Flat documents → values: children embedded into their parents, and every child that is a resource listed on its own
too."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from migrator.gateway.wire import classic, others
from migrator.gateway.wire.fields import Fields, Problem, normal_location
from migrator.resources import (
    UNKNOWN,
    Dependent,
    Deployment,
    Disk,
    Estate,
    Gateway,
    Image,
    Peering,
    Registration,
    Resource,
    ResourceType,
    Role,
    Setting,
    SlotType,
    Unknown,
    Usage,
    resource_type,
    subscription_of,
)

_ALIASES = {"microsoft.classiccompute/domainnames/deploymentslots": ResourceType.DEPLOYMENT}  # azure.md 1.1
_OURS = frozenset(ResourceType)
_EMBEDDED_ONLY = (ResourceType.EXTENSION_REFERENCE, ResourceType.SERVICE_CERTIFICATE)
_SIMPLE = {
    ResourceType.VIRTUAL_MACHINE: classic.virtual_machine,
    ResourceType.GATEWAY: classic.gateway,
    ResourceType.PEERING: classic.peering,
    ResourceType.PEERING_PROXY: classic.peering,  # of the same shape [I]: a peering that was made on the other side
    ResourceType.NETWORK_SECURITY_GROUP: classic.network_security_group,
    ResourceType.RESERVED_ADDRESS: classic.reserved_address,
    ResourceType.ROUTE_TABLE: classic.route_table,
    ResourceType.DISK: classic.disk,
    ResourceType.OS_IMAGE: classic.image,
    ResourceType.VM_IMAGE: classic.image,
}


@dataclass(frozen=True, slots=True)
class Assembled:
    """The values, parents before children in the order of the documents, and what could not be read."""

    resources: tuple[Resource, ...]
    problems: tuple[Problem, ...]


def type_in(resource_id: str) -> str:
    """The type an ARM id spells out (`…/providers/A/b/x/c/y` → `A/b/c`), documented spelling; empty when there is
    none."""
    _, found, rest = resource_id.lower().rpartition("/providers/")
    parts = resource_id[len(resource_id) - len(rest) :].strip("/").split("/")
    if not found or len(parts) < 2:
        return ""
    return canonical("/".join([parts[0], *parts[1::2]]))


def canonical(text: str) -> str:
    """The documented spelling of a type; an alias of a type of ours becomes that type."""
    return resource_type(_ALIASES.get(text.lower(), text))


def assemble(documents: Iterable[Any]) -> Assembled:
    """Values and problems. Never raises for what a document holds; what is not an object with an id is listed and
    left out."""
    problems: list[Problem] = []
    nodes: dict[str, classic.Node] = {}
    for document in documents:
        node = _node(document, problems)
        if node is None:
            continue
        before = nodes.get(node.id.lower())
        if before is not None and before.document != document:
            node.fields.complain("id", "The same id comes twice with different contents; the later one is used.")
        nodes[node.id.lower()] = node
    for node in nodes.values():
        node.parent = nodes.get(node.id.rsplit("/", 2)[0].lower())
        if node.parent is not None:
            node.parent.children.append(node)
    _inherit_locations(nodes.values())
    values = _Builder(nodes).build()
    return Assembled(values, tuple(dict.fromkeys(problems)))


def _node(document: Any, problems: list[Problem]) -> classic.Node | None:
    if not isinstance(document, Mapping):
        problems.append(Problem(resource_id="", field="", sentence="A document should be an object."))
        return None
    resource_id = document.get("id")
    if not isinstance(resource_id, str) or not resource_id.startswith("/"):
        problems.append(
            Problem(resource_id=str(resource_id)[:200], field="id", sentence="id should be text beginning with /.")
        )
        return None
    resource_id = resource_id.rstrip("/")
    top = Fields(resource_id, "", document, problems)
    said = top.text("type")
    kind = type_in(resource_id)
    if isinstance(said, str) and said and kind not in _OURS:  # the id never lies about a type of ours
        kind = canonical(said)
    name, location, properties = top.text("name"), top.text("location"), top.child("properties")
    envelope = {
        "id": resource_id,
        "name": (name if isinstance(name, str) and name else resource_id).rsplit("/", 1)[-1],
        "type": kind,
        "location": normal_location(location) if isinstance(location, str) and location else UNKNOWN,
        "tags": _tags(top),
    }
    read = document.get("read")
    listed = (
        frozenset(item.lower() for item in read if isinstance(item, str))
        if isinstance(read, list | tuple)
        else frozenset()
    )
    return classic.Node(
        id=resource_id,
        type=kind,
        envelope=envelope,
        fields=properties if isinstance(properties, Fields) else Fields(resource_id, "", {}, problems),
        read=listed,
        document=document,
    )


def _tags(top: Fields) -> dict[str, str]:
    tags = top.child("tags")
    if not isinstance(tags, Fields):
        return {}
    return {str(name): value for name in tags.values if isinstance(value := tags.text(name), str)}


def _inherit_locations(nodes: Iterable[classic.Node]) -> None:
    """A child lives where its parent does [I]: slots and roles carry no location of their own."""
    for node in nodes:
        above, seen = node.parent, 0
        while node.envelope["location"] is UNKNOWN and above is not None and seen < 8:
            node.envelope = {**node.envelope, "location": above.envelope["location"]}
            above, seen = above.parent, seen + 1


class _Builder:
    """Builds each node once, children first, and remembers what it built."""

    def __init__(self, nodes: Mapping[str, classic.Node]) -> None:
        self.nodes = nodes
        self.built: dict[str, Resource | None] = {}

    def build(self) -> tuple[Resource, ...]:
        for node in self.nodes.values():
            self.value(node)
        return tuple(value for key in self.nodes if (value := self.built[key]) is not None)

    def value(self, node: classic.Node) -> Resource | None:
        key = node.id.lower()
        if key not in self.built:
            self.built[key] = self._make(node)
        return self.built[key]

    def children(self, node: classic.Node, kind: type[Any], *types: ResourceType) -> tuple[Any, ...]:
        values = (self.value(child) for child in node.of(*types))
        return tuple(value for value in values if isinstance(value, kind))

    def _make(self, node: classic.Node) -> Resource | None:
        if node.type in _EMBEDDED_ONLY:
            return None
        if node.type in _SIMPLE:
            return _SIMPLE[ResourceType(node.type)](node)
        if node.type == ResourceType.CLOUD_SERVICE:
            return classic.cloud_service(node, self.children(node, Deployment, ResourceType.DEPLOYMENT))
        if node.type == ResourceType.DEPLOYMENT:
            return self._deployment(node)
        if node.type == ResourceType.ROLE:
            return self._role(node)
        if node.type == ResourceType.NETWORK:
            gateways = self.children(node, Gateway, ResourceType.GATEWAY)
            peerings = self.children(node, Peering, ResourceType.PEERING, ResourceType.PEERING_PROXY)
            return classic.network(node, gateways, peerings)
        if node.type == ResourceType.STORAGE_ACCOUNT:
            images = self.children(node, Image, ResourceType.OS_IMAGE, ResourceType.VM_IMAGE)
            return classic.storage_account(node, self.children(node, Disk, ResourceType.DISK), images)
        if node.type in others.SETTING_TYPES:
            return _setting(node)
        return _other(node)

    def _deployment(self, node: classic.Node) -> Resource:
        slot = classic.slot_of(node)
        if slot is None:
            node.fields.complain("name", "A slot should be Production or Staging.")
            return Resource(**node.envelope)
        settings = classic.configuration(node)
        machines = classic.slot_type(node) is SlotType.VIRTUAL_MACHINE  # whose "roles" are listed as themselves
        children = [] if machines else node.of(ResourceType.ROLE)
        roles = tuple(self._remember(child, classic.role(child, settings)) for child in children)
        return classic.deployment(node, slot, settings, roles, self._find_network)

    def _remember(self, node: classic.Node, value: Role) -> Role:
        self.built[node.id.lower()] = value
        return value

    def _role(self, node: classic.Node) -> Resource | None:
        """A role is built with its deployment, whose configuration it needs; alone it knows less."""
        if node.parent is None or classic.slot_of(node.parent) is None:
            return classic.role(node, None)
        if classic.slot_type(node.parent) is SlotType.VIRTUAL_MACHINE:
            return Resource(**node.envelope)
        self.value(node.parent)
        return self.built[node.id.lower()]

    def _find_network(self, resource_id: str, site: str) -> str | Unknown:
        """The one network of the subscription which service management calls `site`; UNKNOWN when none or several
        fit."""
        wanted, subscription = site.lower(), subscription_of(resource_id)
        fits = []
        for node in self.nodes.values():
            if node.type != ResourceType.NETWORK or subscription_of(node.id) != subscription:
                continue
            said = node.fields.values.get("siteName")
            group = node.id.strip("/").split("/")[3]
            names = {said.lower()} if isinstance(said, str) else {node.envelope["name"].lower()}
            names.add(f"group {group} {node.envelope['name']}".lower())
            if wanted in names:
                fits.append(node.id)
        return fits[0] if len(fits) == 1 else UNKNOWN


def _setting(node: classic.Node) -> Setting:
    told = isinstance(node.document.get("properties"), Mapping)
    targets = others.targets_of(node.type, node.id, node.fields.values) if told else UNKNOWN
    return Setting(**node.envelope, targets=targets, body=node.document)


def _other(node: classic.Node) -> Resource:
    """Not one of ours: a Resource Manager resource that names classic networks, or simply a resource."""
    if node.type.lower().startswith("microsoft.classic"):
        return Resource(**node.envelope)
    networks = others.networks_named(node.document)
    return Dependent(**node.envelope, network_ids=networks) if networks else Resource(**node.envelope)


def resources(documents: Iterable[Any]) -> tuple[Resource, ...]:
    """The values in the documents: top-level resources and children, parents before children as the documents stood."""
    return assemble(documents).resources


def problems(documents: Iterable[Any]) -> tuple[Problem, ...]:
    """What could not be read in the documents: field by field, with a sentence."""
    return assemble(documents).problems


def estate(
    documents: Iterable[Any], registrations: Iterable[Registration] = (), usages: Iterable[Usage] = ()
) -> Estate:
    """Everything known, indexed."""
    return Estate.of(resources(documents), registrations, usages)
