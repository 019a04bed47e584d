"""Classic id → Resource Manager id, discovered in what was found, never by a guessed name (azure.md 2.8, 4.1, 6).

Names of azure.md 4 only say which of the *found* documents may be the counterpart; an id is returned only when a
document carries it. Two candidates and nothing to tell them apart: none is returned. Ids and names are compared without
regard to case, because the platform changes it (azure.md 4.1, known naming bugs).

Below `units` in the order of imports: translation and followups both read it and do not know one another.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from migrator.resources import (
    Deployment,
    Network,
    ReservedAddress,
    Resource,
    ResourceType,
    SlotType,
    VirtualMachine,
    known,
    resource_group_of,
    resource_type,
    subscription_of,
)

Document = Mapping[str, Any]

MIGRATED: Final = "-migrated"
CLOUD_SERVICES: Final = "microsoft.compute/cloudservices"
CLOUD_SERVICE_ROLES: Final = "microsoft.compute/cloudservices/roles"
VIRTUAL_MACHINES: Final = "microsoft.compute/virtualmachines"
NETWORKS: Final = "microsoft.network/virtualnetworks"
PUBLIC_ADDRESSES: Final = "microsoft.network/publicipaddresses"
NETWORK_GATEWAYS: Final = "microsoft.network/virtualnetworkgateways"

# Classic types whose counterpart is simply of another provider and carries the same name (azure.md 4.2, 6).
_SAME_NAME: Final[Mapping[str, str]] = {
    ResourceType.VIRTUAL_MACHINE: VIRTUAL_MACHINES,
    ResourceType.NETWORK: NETWORKS,
    ResourceType.NETWORK_SECURITY_GROUP: "microsoft.network/networksecuritygroups",
    ResourceType.ROUTE_TABLE: "microsoft.network/routetables",
    ResourceType.RESERVED_ADDRESS: PUBLIC_ADDRESSES,
    ResourceType.STORAGE_ACCOUNT: "microsoft.storage/storageaccounts",
    "Microsoft.ClassicCompute/domainNames/availabilitySets": "microsoft.compute/availabilitysets",
}
_ALIASES: Final = {"Microsoft.ClassicCompute/domainNames/deploymentSlots": ResourceType.DEPLOYMENT}  # azure.md 1.1


@dataclass(frozen=True, slots=True)
class Id:
    """An ARM id taken apart. `names[0]` is the name of the top resource, `names[-1]` the resource's own."""

    subscription: str  # lower case
    group: str  # as written
    type: str  # documented spelling for types of ours
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Id | None":
        """None when the text is not the id of a resource in a resource group."""
        head, found, rest = text.strip("/").partition("/providers/")
        if not found:
            low = text.lower().find("/providers/")
            if low < 0:
                return None
            head, rest = text[:low].strip("/"), text[low + len("/providers/") :]
        group, parts = resource_group_of("/" + head), rest.strip("/").split("/")
        if not group or len(parts) < 3 or len(parts) % 2 == 0:
            return None
        kind = resource_type("/".join([parts[0], *parts[1::2]]))
        for alias, meant in _ALIASES.items():
            if kind.lower() == alias.lower() or kind.lower().startswith(alias.lower() + "/"):
                kind = resource_type(meant + kind[len(alias) :])
        return cls(subscription_of("/" + head), group, kind, tuple(parts[2::2]))


def migrated_group(resource_id: str) -> bool:
    """Whether the id lies in a group the platform made for a migration."""
    return resource_group_of(resource_id).lower().endswith(MIGRATED)


def portal_name(text: str, group: str = "") -> str:
    """The name Resource Manager gives to something the portal made: `Group rg v` → `group-rg-v` (azure.md 4.1 [D]).
    With `group`, the name such a thing has when its classic id shows only `v`."""
    return f"group-{group}-{text}".replace(" ", "-").lower() if group else text.replace(" ", "-").lower()


def group_names(classic_id: str) -> tuple[str, ...]:
    """Names, lower case, which the group of this classic resource's counterpart may carry (azure.md 2.8 [D])."""
    parsed = Id.parse(classic_id)
    if parsed is None:
        return ()
    name = parsed.names[0]
    names = [name]
    if parsed.type.startswith("Microsoft.ClassicNetwork/"):
        names += [portal_name(name), portal_name(name, parsed.group)]
    return tuple(dict.fromkeys(f"{text}{MIGRATED}".lower() for text in names))


class Counterparts:
    """The table old id → new id of azure.md 6, over what was read before Prepare and what was found after it."""

    def __init__(self, before: Iterable[Resource], arm_documents: Iterable[Document]) -> None:
        self.before = {resource.key: resource for resource in before}
        self.documents: dict[str, Document] = {}
        self.by_type: dict[tuple[str, str], list[Document]] = {}
        self._by_name: dict[tuple[str, str, str], list[Document]] = {}
        self._by_address: dict[tuple[str, str], list[Document]] = {}
        self._known: dict[str, str | None] = {}
        self._groups: dict[tuple[str, str], dict[str, str]] | None = None
        self._names = Counter((resource.type, resource.name.lower()) for resource in self.before.values())
        self._machine_services = {
            str(resource.cloud_service_id).lower() for resource in self.before.values() if _holds_machines(resource)
        }
        for document in arm_documents:
            resource_id = document.get("id") if isinstance(document, Mapping) else None
            parsed = Id.parse(resource_id) if isinstance(resource_id, str) else None
            if parsed is None or not migrated_group(resource_id):
                continue
            key = resource_id.rstrip("/").lower()
            if key in self.documents:
                continue
            kind = parsed.type.lower()
            self.by_type.setdefault((parsed.subscription, kind), []).append(document)
            self._by_name.setdefault((parsed.subscription, kind, parsed.names[-1].lower()), []).append(document)
            address = _text(document, "properties", "ipAddress")
            if kind == PUBLIC_ADDRESSES and address:
                self._by_address.setdefault((parsed.subscription, address), []).append(document)
            self.documents[key] = document

    def document(self, resource_id: str) -> Document:
        """The found document with this id; empty when there is none (a role known only from its cloud service)."""
        return self.documents.get(resource_id.rstrip("/").lower(), {})

    def of_type(self, subscription: str, kind: str) -> list[Document]:
        return self.by_type.get((subscription.lower(), kind.lower()), [])

    def new_id(self, classic_id: str) -> str | None:
        """The counterpart's id as the platform wrote it, or None: nothing found, or nothing that tells two apart."""
        key = classic_id.rstrip("/").lower()
        if key not in self._known:
            self._known[key] = self._find(classic_id)
        return self._known[key]

    def _find(self, classic_id: str) -> str | None:
        parsed = Id.parse(classic_id.rstrip("/"))
        if parsed is None:
            return None
        if parsed.type == ResourceType.CLOUD_SERVICE:
            return self._cloud_service(parsed, "") or self._of_machines(parsed)
        if parsed.type == ResourceType.DEPLOYMENT:
            return self._cloud_service(parsed, parsed.names[1]) or self._of_machines(parsed)
        if parsed.type == ResourceType.ROLE:
            return self._role(parsed)
        if parsed.type == ResourceType.GATEWAY:
            return self._gateway(classic_id)
        if parsed.type == ResourceType.RESERVED_ADDRESS:
            return self._reserved(parsed, classic_id) or self._same_name(parsed, classic_id)
        return self._same_name(parsed, classic_id)

    def new_groups(self, subscription: str, classic_group: str) -> tuple[str, ...]:
        """Ids of the `-migrated` groups to which what was in the classic group has gone, as far as it was found."""
        if self._groups is None:
            self._groups = {}
            for resource in self.before.values():
                found = self.new_id(resource.id) if resource.type.startswith("Microsoft.Classic") else None
                if found:
                    place = (resource.subscription, resource.resource_group.lower())
                    group_id = group_of(found)
                    self._groups.setdefault(place, {}).setdefault(group_id.lower(), group_id)
        groups = self._groups.get((subscription.lower(), classic_group.lower()), {})
        return tuple(groups[key] for key in sorted(groups))

    # One kind after the other

    def _cloud_service(self, parsed: Id, slot: str) -> str | None:
        """`cloudServices/{cs}`: carries the name of the cloud service, not of the deployment (azure.md 4.1 [D]). One
        that says it is in the other slot is not the counterpart."""
        fits = []
        for document in self._called(parsed.subscription, CLOUD_SERVICES, {parsed.names[0].lower()}):
            told = _text(document, "properties", "networkProfile", "slotType")
            if not slot or not told or told.lower() == slot.lower():
                fits.append(document["id"])
        return self._only(fits, group_names_of(parsed))

    def _role(self, parsed: Id) -> str | None:
        service = self._cloud_service(parsed, parsed.names[1])
        if service is None:
            # The "role" of a classic virtual machine is the machine.
            machines = [d["id"] for d in self._called(parsed.subscription, VIRTUAL_MACHINES, self._names_of(parsed))]
            inside = [found for found in machines if resource_group_of(found).lower() in group_names_of(parsed)]
            return inside[0] if len(inside) == 1 else None
        wanted = f"{service}/roles/{parsed.names[2]}".lower()
        if wanted in self.documents:
            return str(self.documents[wanted]["id"])
        roles = _value(self.document(service), "properties", "roleProfile", "roles")
        for role in roles if isinstance(roles, list) else []:
            if isinstance(role, Mapping) and str(role.get("name", "")).lower() == parsed.names[2].lower():
                return f"{service}/roles/{role['name']}"
        return None

    def _of_machines(self, parsed: Id) -> str | None:
        """A cloud service of virtual machines has no resource of its own (azure.md 4.1): its name lives on the public
        IP, and `{cs}-migrated` holds everything. Only for a service known to hold machines."""
        group = f"/subscriptions/{parsed.subscription}/resourcegroups/{parsed.group}"
        service = f"{group}/providers/{ResourceType.CLOUD_SERVICE}/{parsed.names[0]}".lower()
        if service not in self._machine_services:
            return None
        labels = []
        for document in self.of_type(parsed.subscription, PUBLIC_ADDRESSES):
            if (_text(document, "properties", "dnsSettings", "domainNameLabel") or "").lower() == parsed.names[
                0
            ].lower():
                labels.append(document["id"])
        if len(labels) == 1:
            return str(labels[0])
        wanted = group_names_of(parsed)
        groups = {
            group_of(document["id"]).lower(): group_of(document["id"])
            for key, document in self.documents.items()
            if subscription_of(key) == parsed.subscription and resource_group_of(key) in wanted
        }
        return next(iter(groups.values())) if len(groups) == 1 else None

    def _same_name(self, parsed: Id, classic_id: str) -> str | None:
        kind = _SAME_NAME.get(parsed.type)
        if kind is None:
            return None
        resource = self.before.get(classic_id.rstrip("/").lower())
        fits = [d["id"] for d in self._called(parsed.subscription, kind, self._names_of(parsed, resource))]
        if isinstance(resource, VirtualMachine) and known(resource.cloud_service_id):
            groups = group_names(str(resource.cloud_service_id))
            if self._namesakes(resource):
                fits = [found for found in fits if resource_group_of(found).lower() in groups]
            return self._only(fits, groups)
        if isinstance(resource, Network) and known(resource.site_name):
            exact = portal_name(str(resource.site_name))
            named = [found for found in fits if found.rsplit("/", 1)[-1].lower() == exact]
            fits = named or fits
        return self._only(fits, group_names_of(parsed))

    def _namesakes(self, resource: Resource) -> bool:
        return self._names[(resource.type, resource.name.lower())] > 1

    def _called(self, subscription: str, kind: str, names: set[str]) -> list[Document]:
        return [found for name in sorted(names) for found in self._by_name.get((subscription, kind, name), ())]

    def _names_of(self, parsed: Id, resource: Resource | None = None) -> set[str]:
        """The names, lower case, which a document may give for the counterpart."""
        own = parsed.names[-1]
        names = {own.lower()}
        if parsed.type.startswith("Microsoft.ClassicNetwork/"):
            names |= {portal_name(own), portal_name(own, parsed.group)}
        if isinstance(resource, Network) and known(resource.site_name):
            names.add(portal_name(str(resource.site_name)))
        return names

    def _reserved(self, parsed: Id, classic_id: str) -> str | None:
        """A reserved address is found by the address: the name shown for a public IP may be wrong (azure.md 4.1)."""
        resource = self.before.get(classic_id.rstrip("/").lower())
        if not isinstance(resource, ReservedAddress) or not known(resource.address):
            return None
        found = self.with_address(parsed.subscription, str(resource.address))
        return found["id"] if found else None

    def with_address(self, subscription: str, address: str) -> Document | None:
        """The one public IP with this address."""
        fits = self._by_address.get((subscription.lower(), address), [])
        return fits[0] if len(fits) == 1 else None

    def _gateway(self, classic_id: str) -> str | None:
        """The gateway whose address lies in a subnet of the new network; its name is documented nowhere."""
        network_id = self.new_id(classic_id.rstrip("/").rsplit("/", 2)[0])
        if network_id is None:
            return None
        fits = []
        for document in self.of_type(subscription_of(classic_id), NETWORK_GATEWAYS):
            configurations = _value(document, "properties", "ipConfigurations")
            subnets = [_text(c, "properties", "subnet", "id") or "" for c in configurations or [] if c]
            if any(subnet.lower().startswith(network_id.lower() + "/subnets/") for subnet in subnets):
                fits.append(document["id"])
        return fits[0] if len(fits) == 1 else None

    def _only(self, fits: list[str], groups: tuple[str, ...]) -> str | None:
        if len(fits) > 1:
            fits = [found for found in fits if resource_group_of(found).lower() in groups]
        return fits[0] if len(fits) == 1 else None


def group_names_of(parsed: Id) -> tuple[str, ...]:
    """`group_names` for an id already taken apart."""
    provider = parsed.type.partition("/")[0]
    head = f"/subscriptions/{parsed.subscription}/resourceGroups/{parsed.group}/providers/{provider}"
    return group_names(f"{head}/{parsed.type.split('/')[1]}/{parsed.names[0]}")


def group_of(resource_id: str) -> str:
    """The id of the resource group a resource id lies in, as written."""
    return "/".join(resource_id.split("/")[:5])


def _holds_machines(resource: Resource) -> bool:
    if isinstance(resource, VirtualMachine):
        return known(resource.cloud_service_id)
    return isinstance(resource, Deployment) and resource.slot_type is SlotType.VIRTUAL_MACHINE


def _value(document: Any, *path: str) -> Any:
    for step in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(step)
    return document


def _text(document: Any, *path: str) -> str | None:
    value = _value(document, *path)
    return value if isinstance(value, str) else None


# Ids inside texts

_SEGMENT = r"[^/%\s\"'<>|,;?&#\\]+"
_CLASSIC = re.compile(
    rf"(?:/|%2f)subscriptions(?:/|%2f){_SEGMENT}(?:/|%2f)resourcegroups(?:/|%2f){_SEGMENT}(?:/|%2f)providers(?:/|%2f)"
    rf"microsoft\.classic(?:compute|network|storage)(?:(?:/|%2f){_SEGMENT})+",
    re.IGNORECASE,
)
# A text that is nothing but an id may have blanks in its names.
_NAME = r"[^/%\n\"'<>|,;?&#\\]+"
_WHOLE = re.compile(
    rf"/subscriptions/{_NAME}/resourcegroups/{_NAME}/providers/microsoft\.classic(?:compute|network|storage)(?:/{_NAME})+/?",
    re.IGNORECASE,
)


def classic_ids(text: str) -> list[str]:
    """The classic ids written in a text, plain or percent-encoded, as they stand there."""
    return [text] if _WHOLE.fullmatch(text) else [match.group(0) for match in _CLASSIC.finditer(text)]


def with_ids_replaced(text: str, replace: Callable[[str], str]) -> str:
    """The text with every classic id in it replaced by what `replace` makes of it, as it stands there."""
    return replace(text) if _WHOLE.fullmatch(text) else _CLASSIC.sub(lambda match: replace(match.group(0)), text)
