"""Which resources the platform moves together: `resolve(resources) -> list[Unit]`.

The platform's scopes are those of `azure.md` 2.2 (cs-td, vm-ov, vm-dd, stg-mig): a virtual network moves with all that
is in it; a deployment in no network, or in the hidden default one, moves alone; a storage account, and every unattached
reserved address, network security group and route table move alone.

Two promises, both held by property tests: the answer does not depend on the order of the input, and every classic
resource is in exactly one unit. What only hangs on classic things (autoscale settings, alerts, role assignments, locks)
is a member of the first unit it names; what is set on a whole resource group or subscription is a member of none.
Resource Manager dependents (`resources.Dependent`) do not move and are members of none; neither are classic things
which none of the platform's verbs moves (an ExpressRoute cross connection).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from migrator.resources import (
    UNKNOWN,
    CloudService,
    Dependent,
    Deployment,
    Disk,
    Image,
    Network,
    NetworkSecurityGroup,
    ReservedAddress,
    Resource,
    ResourceType,
    RouteTable,
    Setting,
    Slot,
    StorageAccount,
    Unknown,
    VirtualMachine,
    known,
    subscription_of,
)

T = TypeVar("T")


class UnitKind(StrEnum):
    """What a unit is, by what the verb goes to."""

    NETWORK = "network"
    DEPLOYMENT = "deployment"
    STORAGE_ACCOUNT = "storage-account"
    RESERVED_ADDRESS = "reserved-ip"
    NETWORK_SECURITY_GROUP = "network-security-group"
    ROUTE_TABLE = "route-table"


SENT_TO: Final[Mapping[UnitKind, ResourceType]] = {
    UnitKind.NETWORK: ResourceType.NETWORK,
    UnitKind.DEPLOYMENT: ResourceType.DEPLOYMENT,
    UnitKind.STORAGE_ACCOUNT: ResourceType.STORAGE_ACCOUNT,
    UnitKind.RESERVED_ADDRESS: ResourceType.RESERVED_ADDRESS,
    UnitKind.NETWORK_SECURITY_GROUP: ResourceType.NETWORK_SECURITY_GROUP,
    UnitKind.ROUTE_TABLE: ResourceType.ROUTE_TABLE,
}
"""The type of resource the verbs for a unit of a kind are sent to (azure.md 2.2)."""


@dataclass(frozen=True, slots=True)
class Member:
    """One resource of a unit and, in plain words, why it belongs to it."""

    resource_key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unit:
    """What the platform moves as one. `key`: lower-case ARM id; `id`: the same as Azure wrote it, where the verb goes.

    A cloud service in no network has the id of its Production slot (of Staging when only that is occupied, its own id
    when neither is known). `members` are sorted by key; the first reason found is the one kept.
    """

    key: str
    id: str
    kind: UnitKind
    name: str
    subscription: str
    location: str | Unknown
    members: tuple[Member, ...]


@dataclass(slots=True)
class _Draft:
    id: str
    kind: UnitKind
    name: str
    location: str | Unknown
    members: dict[str, str] = field(default_factory=dict)


def display_name(name: str) -> str:
    """The name people know: `Group rg name`, as service management calls what the portal made, becomes `name`.

    Source: cs-td; seed0 row S0-B6, 2020. Names of resource groups hold no spaces.
    """
    parts = name.split(" ", 2)
    return parts[2] if len(parts) == 3 and parts[0] == "Group" else name


def flatten(resources: Iterable[Resource]) -> dict[str, Resource]:
    """Every resource by key, with what is nested (slots, roles, gateways, peerings, disks, images), each once."""
    flat: dict[str, Resource] = {}
    pending = list(resources)
    for resource in pending:
        flat.setdefault(resource.key, resource)
    while pending:
        resource = pending.pop()
        for child in _children(resource):
            if child.key not in flat:
                flat[child.key] = child
            pending.append(child)
    return flat


def _children(resource: Resource) -> tuple[Resource, ...]:
    if isinstance(resource, CloudService):
        groups: tuple[object, ...] = (resource.deployments,)
    elif isinstance(resource, Deployment):
        groups = (resource.roles,)
    elif isinstance(resource, Network):
        groups = (resource.gateways, resource.peerings)
    elif isinstance(resource, StorageAccount):
        groups = (resource.disks, resource.images)
    else:
        return ()
    return tuple(child for group in groups if known(group) for child in group)  # type: ignore[union-attr]


def resolve(resources: Iterable[Resource]) -> list[Unit]:
    """The units of an estate, sorted by key. `resources` may come from several subscriptions and in any order."""
    return _Drawing(resources).units()


def service_of(resource_id: str) -> str:
    """The key of the cloud service an id lies in or is; empty when it lies in none."""
    parts = resource_id.lower().split("/")
    if "domainnames" not in parts[:-1]:
        return ""
    return "/".join(parts[: parts.index("domainnames") + 2])


class _Drawing:
    """One pass over an estate. Each step places what is left; the first reason wins."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        flat = flatten(resources)
        self.flat: dict[str, Resource] = {key: flat[key] for key in sorted(flat)}
        self.drafts: dict[str, _Draft] = {}
        self.home: dict[str, str] = {}  # resource key -> unit key
        self.deployments: dict[str, list[Deployment]] = {}  # by cloud service key
        self.machines: dict[str, list[VirtualMachine]] = {}
        self.named: dict[tuple[str, str], list[Resource]] = {}  # networks and machines by subscription and name
        for resource in self.flat.values():
            if isinstance(resource, VirtualMachine | Network):
                self.named.setdefault((resource.subscription, display_name(resource.name).lower()), []).append(resource)
            if isinstance(resource, Deployment):
                self.deployments.setdefault(resource.cloud_service_id.lower(), []).append(resource)
            elif isinstance(resource, VirtualMachine) and known(resource.cloud_service_id):
                self.machines.setdefault(str(resource.cloud_service_id).lower(), []).append(resource)

    def units(self) -> list[Unit]:
        self._networks()
        self._cloud_services()
        self._machines()
        self._storage()
        self._reserved_addresses()
        self._subnet_objects(NetworkSecurityGroup, UnitKind.NETWORK_SECURITY_GROUP, "network security group")
        self._subnet_objects(RouteTable, UnitKind.ROUTE_TABLE, "route table")
        self._inside_others()
        self._settings()
        return [
            Unit(
                key,
                draft.id,
                draft.kind,
                draft.name,
                subscription_of(draft.id),
                draft.location,
                tuple(Member(member, draft.members[member]) for member in sorted(draft.members)),
            )
            for key, draft in sorted(self.drafts.items())
        ]

    def _draft(self, id_: str, kind: UnitKind, name: str, location: str | Unknown) -> str:
        key = id_.lower()
        draft = self.drafts.setdefault(key, _Draft(id_, kind, name, location))
        if not known(draft.location):
            draft.location = location
        return key

    def _place(self, resource: Resource, unit: str, reason: str) -> None:
        if resource.key not in self.home:
            self.home[resource.key] = unit
            self.drafts[unit].members[resource.key] = reason

    def _all(self, kind: type[T]) -> list[T]:
        return [r for r in self.flat.values() if isinstance(r, kind)]

    def _networks(self) -> None:
        for network in self._all(Network):
            name = display_name(network.name)
            unit = self._draft(network.id, UnitKind.NETWORK, name, network.location)
            self._place(network, unit, "is the virtual network itself")
            for child in _children(network):
                self._place(child, unit, f"belongs to virtual network {name}")

    def _network_unit(self, network_id: str, location: str | Unknown) -> tuple[str, str]:
        """Unit and name of a network. One which is named but not listed is the scope of the move all the same (E27)."""
        unit = self._draft(network_id, UnitKind.NETWORK, display_name(network_id.rsplit("/", 1)[-1]), location)
        return unit, self.drafts[unit].name

    def _cloud_services(self) -> None:
        services = {r.key for r in self._all(CloudService)} | set(self.deployments) | set(self.machines)
        for key in sorted(services):
            service = self.flat.get(key)
            slots = sorted(self.deployments.get(key, []), key=lambda d: (d.slot is not Slot.PRODUCTION, d.key))
            name = service.name if service else key.rsplit("/", 1)[-1]
            location = service.location if service else UNKNOWN
            network_id = self._network_of(slots, self.machines.get(key, []))
            if isinstance(network_id, str):
                unit, network = self._network_unit(network_id, location)
                own = f"runs in virtual network {network}"
            else:
                holder = slots[0] if slots else service
                id_ = holder.id if holder else self._written_service_id(key)
                unit = self._draft(id_, UnitKind.DEPLOYMENT, name, location)
                own = self._own_reason(slots, key, network_id)
            if service:
                self._place(
                    service, unit, own if isinstance(network_id, str) or not slots else f"holds deployment {name}"
                )
            for slot in slots:
                apart = slot is not slots[0] and slot.virtual_network_id != slots[0].virtual_network_id
                self._place(slot, unit, f"is the other slot of cloud service {name}" if apart else own)
                for role in _children(slot):
                    self._place(role, unit, f"is a role of the {slot.slot} deployment of {name}")

    def _own_reason(self, slots: list[Deployment], key: str, network_id: Unknown | None) -> str:
        if network_id is UNKNOWN and (slots or key in self.machines):
            return "is moved alone as long as its virtual network is not known"
        if slots or key in self.machines:
            return "runs in no virtual network, or in the hidden default one, and moves alone"
        service = self.flat.get(key)
        empty = isinstance(service, CloudService) and service.deployments == ()
        return (
            "is a cloud service with nothing in it" if empty else "is a cloud service whose deployments are not known"
        )

    @staticmethod
    def _network_of(slots: list[Deployment], machines: list[VirtualMachine]) -> str | Unknown | None:
        """The network of a cloud service: its production deployment's, else staging's, else what its machines say.

        A machine which names a network is believed over a slot which says nothing; no deployment has two networks.
        """
        stated = slots[0].virtual_network_id if slots else UNKNOWN
        if isinstance(stated, str):
            return stated
        told = [m.virtual_network_id for m in machines]
        named = [network for network in told if isinstance(network, str)]
        if named:
            return named[0]
        if stated is None or (told and all(network is None for network in told)):
            return None
        return UNKNOWN

    def _written_service_id(self, key: str) -> str:
        """The id of an unlisted cloud service as its virtual machines wrote it."""
        for machine in self.machines.get(key, []):
            return str(machine.cloud_service_id)
        return key

    def _machines(self) -> None:
        for machine in self._all(VirtualMachine):
            network_id = machine.virtual_network_id
            service = str(machine.cloud_service_id).lower() if known(machine.cloud_service_id) else ""
            if known(network_id) and network_id is not None:
                unit, name = self._network_unit(str(network_id), machine.location)
                self._place(machine, unit, f"runs in virtual network {name}")
            elif service:
                unit = self._unit_of_service(service)
                self._place(machine, unit, f"runs in cloud service {service.rsplit('/', 1)[-1]}")
            else:
                unit = self._draft(machine.id, UnitKind.DEPLOYMENT, machine.name, machine.location)
                self._place(machine, unit, "is a virtual machine whose cloud service and network are not known")

    def _unit_of_service(self, service: str) -> str:
        """Where a cloud service went. Every service a machine names was drawn in `_cloud_services`, listed or not."""
        if service in self.home:
            return self.home[service]
        for deployment in self.deployments.get(service, []):
            return self.home[deployment.key]
        network_id = self._network_of([], self.machines[service])
        return network_id.lower() if isinstance(network_id, str) else service

    def _storage(self) -> None:
        for account in self._all(StorageAccount):
            unit = self._draft(account.id, UnitKind.STORAGE_ACCOUNT, account.name, account.location)
            self._place(account, unit, "is the storage account itself")
        for artefact in [*self._all(Disk), *self._all(Image)]:
            account = artefact.storage_account_id
            what = "a disk" if isinstance(artefact, Disk) else "an image"
            unit = self._draft(account, UnitKind.STORAGE_ACCOUNT, account.rsplit("/", 1)[-1], artefact.location)
            self._place(artefact, unit, f"is {what} in storage account {self.drafts[unit].name}")

    def _reserved_addresses(self) -> None:
        by_vip: dict[tuple[str, str], str] = {}
        by_name: dict[tuple[str, str], str] = {}
        for slots in self.deployments.values():
            for deployment in slots:
                for vip in deployment.virtual_ips if known(deployment.virtual_ips) else ():
                    if known(vip.reserved_ip_name) and vip.reserved_ip_name:
                        name = display_name(vip.reserved_ip_name).lower()
                        by_vip.setdefault((deployment.subscription, name), deployment.key)
        for service in self._all(CloudService):
            by_name.setdefault((service.subscription, service.name.lower()), service.key)
        for address in self._all(ReservedAddress):
            holder = self._holder(address, by_vip, by_name)
            if holder and (unit := self.home.get(holder)):
                self._place(address, unit, f"is the reserved address of {self._service_name(holder)}")
                continue
            unit = self._draft(address.id, UnitKind.RESERVED_ADDRESS, display_name(address.name), address.location)
            in_use = known(address.in_use) and address.in_use
            reason = "is in use, but by what is not known" if in_use else "is a reserved address nothing listed uses"
            self._place(address, unit, reason)

    def _holder(
        self,
        address: ReservedAddress,
        by_vip: Mapping[tuple[str, str], str],
        by_name: Mapping[tuple[str, str], str],
    ) -> str:
        """Key of what holds a reserved address, by its own word, else by the virtual IPs which name it; else empty."""
        if known(address.attached_to) and address.attached_to:
            key = self._nearest(str(address.attached_to).lower())
            return key or by_name.get((address.subscription, str(address.attached_to).lower()), "")
        return by_vip.get((address.subscription, display_name(address.name).lower()), "")

    def _service_name(self, key: str) -> str:
        service = service_of(key)
        if not service:
            return f"virtual machine {self.flat[key].name}"
        return f"cloud service {self.flat[service].name if service in self.flat else service.rsplit('/', 1)[-1]}"

    def _subnet_objects(
        self, kind: type[NetworkSecurityGroup] | type[RouteTable], unit_kind: UnitKind, noun: str
    ) -> None:
        """A security group or route table goes with the (first) network whose subnet names it, or with its machine."""
        uses = self._uses(kind)
        for thing in self._all(kind):
            places = uses.get((thing.subscription, display_name(thing.name).lower()), [])
            if not places and known(thing.used_by):
                places = [place for name in thing.used_by for place in self._places_named(thing, name)]
            if places:
                unit, what = places[0]
                others = sorted({self.drafts[u].name for u, _ in places[1:] if u != unit})
                also = f" (also used in {', '.join(others)})" if others else ""
                self._place(thing, unit, f"is associated with {what}{also}")
                continue
            unit = self._draft(thing.id, unit_kind, display_name(thing.name), thing.location)
            nothing = known(thing.used_by) and not thing.used_by
            reason = f"is a {noun} nothing uses" if nothing else f"is a {noun} which nothing listed is known to use"
            self._place(thing, unit, reason)

    def _uses(self, kind: type) -> dict[tuple[str, str], list[tuple[str, str]]]:
        """(subscription, object name) -> [(unit, "subnet web of shop-net")], as the subnets say."""
        uses: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for network in self._all(Network):
            for subnet in network.subnets if known(network.subnets) else ():
                name = subnet.network_security_group if kind is NetworkSecurityGroup else subnet.route_table
                if known(name) and name:
                    place = (network.key, f"subnet {subnet.name} of virtual network {display_name(network.name)}")
                    uses.setdefault((network.subscription, display_name(str(name)).lower()), []).append(place)
        return uses

    def _places_named(self, thing: Resource, name: str) -> list[tuple[str, str]]:
        """Where an association by name leads: an id, `network/subnet`, a machine. Bare subnet names are not unique."""
        key = self._nearest(name.lower())
        if key and key in self.home:
            return [(self.home[key], f"{self.flat[key].name}")]
        first = name.split("/", 1)[0].lower()
        return [
            (self.home[r.key], f"{'virtual machine' if isinstance(r, VirtualMachine) else 'virtual network'} {r.name}")
            for r in self.named.get((thing.subscription, first), [])
            if isinstance(r, Network) or "/" not in name
        ]

    def _nearest(self, key: str) -> str:
        """The listed resource an id names, or the nearest listed one above it; empty when there is none."""
        while "/providers/" in key:
            if key in self.flat:
                return key
            key = key.rsplit("/", 1)[0]
        return ""

    def _inside_others(self) -> None:
        """Classic resources of types without a class here (a security rule, an extension) go with what they lie in."""
        for resource in self.flat.values():
            if resource.key not in self.home and not isinstance(resource, Setting | Dependent):
                parent = self._nearest(resource.key.rsplit("/", 1)[0])
                if parent in self.home:
                    self._place(resource, self.home[parent], f"is part of {self.flat[parent].name}")

    def _settings(self) -> None:
        for setting in self._all(Setting):
            if not known(setting.targets):
                continue
            nearest = [self._nearest(target.lower()) for target in sorted(setting.targets)]
            hits = [key for key in nearest if key in self.home]
            if hits:
                unit = self.home[hits[0]]
                others = sorted({self.drafts[self.home[key]].name for key in hits if self.home[key] != unit})
                also = f" (and names things in {', '.join(others)})" if others else ""
                self._place(setting, unit, f"is set on {self.flat[hits[0]].name}{also}")
