"""The estate as rules look at it: `Index`, built once per estate, and `View`, built once per unit.

Whether a thing is a web/worker thing or a virtual machine decides most rules (azure.md 3; rules.md 4), so the view
keeps the three answers apart: it is, it is not, nobody said.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from migrator.readiness.three import Tri, any_of
from migrator.resources import (
    UNKNOWN,
    CloudService,
    Dependent,
    Deployment,
    Disk,
    Estate,
    Gateway,
    Image,
    Network,
    NetworkSecurityGroup,
    Peering,
    ReservedAddress,
    Resource,
    ResourceType,
    Role,
    RouteTable,
    Setting,
    Slot,
    SlotType,
    StorageAccount,
    Unknown,
    VirtualMachine,
    known,
)
from migrator.units import Unit, UnitKind, flatten, service_of

R = TypeVar("R", bound=Resource)
DEPENDENTS: Final = "dependents"  # in Context.unread: the Resource Manager resources which name a classic network


@dataclass(slots=True)
class Index:
    """Lookups over a whole estate, so that no rule searches it. Build with `Index.of(estate)`."""

    by_key: Mapping[str, Resource]
    settings: Mapping[str, Mapping[str, list[Setting]]]  # type -> key of what it is set on -> settings
    untargeted: Mapping[tuple[str, str], list[Setting]]  # (subscription, type) -> settings which say not what they name
    dependents: Mapping[str, list[Dependent]]  # network key -> Resource Manager resources which name it
    peered: Mapping[str, list[Peering]]  # network key -> classic peerings of other networks with it
    machines_by_account: Mapping[str, list[VirtualMachine]]  # storage account name -> machines with disks in it
    machines_without_disks: Mapping[str, list[VirtualMachine]]  # subscription -> machines whose disks are not known
    registrations: Mapping[tuple[str, str], str | Unknown]
    stray_deployments: Mapping[str, list[Deployment]]  # subscription -> deployments of which no network is known
    stray_machines: Mapping[str, list[VirtualMachine]]  # subscription -> machines of which no network is known

    @classmethod
    def of(cls, estate: Estate) -> "Index":
        by_key = flatten(estate.resources)
        settings: dict[str, dict[str, list[Setting]]] = {}
        untargeted: dict[tuple[str, str], list[Setting]] = {}
        dependents: dict[str, list[Dependent]] = {}
        peered: dict[str, list[Peering]] = {}
        machines: dict[str, list[VirtualMachine]] = {}
        diskless: dict[str, list[VirtualMachine]] = {}
        for key in sorted(by_key):
            resource = by_key[key]
            if isinstance(resource, Setting):
                if resource.targets is UNKNOWN:
                    untargeted.setdefault((resource.subscription, resource.type), []).append(resource)
                    continue
                on = settings.setdefault(resource.type, {})
                for target in dict.fromkeys(_nearest(t.lower(), by_key) for t in resource.targets):
                    on.setdefault(target, []).append(resource)
            elif isinstance(resource, Dependent):
                for network in resource.network_ids:
                    dependents.setdefault(network.lower(), []).append(resource)
            elif isinstance(resource, Peering) and isinstance(resource.remote_network_id, str):
                peered.setdefault(resource.remote_network_id.lower(), []).append(resource)
            elif isinstance(resource, VirtualMachine):
                accounts = {""} if resource.disks is UNKNOWN else {account_of(disk) for disk in resource.disks}
                if "" in accounts:
                    diskless.setdefault(resource.subscription, []).append(resource)
                for account in sorted(accounts - {""}):
                    machines.setdefault(account, []).append(resource)
        deployments = [r for r in by_key.values() if isinstance(r, Deployment) and r.virtual_network_id is UNKNOWN]
        lost = [r for r in by_key.values() if isinstance(r, VirtualMachine) and r.virtual_network_id is UNKNOWN]
        registrations = {(r.subscription.lower(), r.name.lower()): r.state for r in estate.registrations}
        return cls(
            by_key,
            settings,
            untargeted,
            dependents,
            peered,
            machines,
            diskless,
            registrations,
            _by_subscription(deployments),
            _by_subscription(lost),
        )

    def registration(self, subscription: str, name: str) -> str | Unknown:
        return self.registrations.get((subscription, name.lower()), UNKNOWN)


def _by_subscription(things: Iterable[R]) -> dict[str, list[R]]:
    sorted_out: dict[str, list[R]] = {}
    for thing in sorted(things, key=lambda r: r.key):
        sorted_out.setdefault(thing.subscription, []).append(thing)
    return sorted_out


def account_of(disk: object) -> str:
    """Name of the storage account a machine's disk lies in, by account id or VHD address; empty when unsaid."""
    account = getattr(disk, "storage_account_id", UNKNOWN)
    if isinstance(account, str):
        return account.rsplit("/", 1)[-1].lower()
    uri = getattr(disk, "vhd_uri", UNKNOWN)
    if isinstance(uri, str) and "://" in uri:
        return uri.split("://", 1)[1].split("/", 1)[0].split(".", 1)[0].lower()
    return ""


def group_of(key: str) -> str:
    """The key of the resource group in a resource's key; empty when there is none."""
    parts = key.split("/", 5)
    if len(parts) < 5 or parts[3] != "resourcegroups" or not parts[4]:
        return ""
    return key[: -len(parts[5]) - 1] if len(parts) == 6 else key


def _nearest(key: str, by_key: Mapping[str, Resource]) -> str:
    """The listed resource a target is or lies in; the target itself when it is a group, a subscription or unlisted."""
    found = key
    while "/providers/" in found:
        if found in by_key:
            return found
        found = found.rsplit("/", 1)[0]
    return key


@dataclass(slots=True)
class Service:
    """A cloud service of a unit with what is in it. One which is not listed has a `resource` full of UNKNOWN."""

    resource: CloudService
    deployments: list[Deployment] = field(default_factory=list)
    machines: list[VirtualMachine] = field(default_factory=list)
    web_worker: Tri = UNKNOWN  # told by `settle`, once everything in it is here

    @property
    def whole(self) -> bool:
        """Whether the platform listed its slots completely."""
        return self.resource.deployments is not UNKNOWN

    def slot(self, slot: Slot) -> Deployment | None:
        return next((d for d in self.deployments if d.slot is slot), None)

    def settle(self) -> None:
        """Whether it holds web/worker deployments. A service holds one kind [K], so what is seen speaks for it."""
        told = any_of(map(web_worker, self.deployments))
        if told is False and not (self.whole or self.deployments or self.machines):
            told = UNKNOWN
        self.web_worker = told


def web_worker(deployment: Deployment) -> Tri:
    """Whether a deployment runs web/worker roles (slotType Role, azure.md 1.1)."""
    return UNKNOWN if deployment.slot_type is UNKNOWN else deployment.slot_type is SlotType.ROLE


@dataclass(slots=True)
class View:
    """The resources of one unit, sorted out by kind, each list sorted by key."""

    unit: Unit
    index: Index
    networks: list[Network] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    roles: list[tuple[Role, Deployment]] = field(default_factory=list)
    machines: list[VirtualMachine] = field(default_factory=list)
    accounts: list[StorageAccount] = field(default_factory=list)
    disks: list[Disk] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    addresses: list[ReservedAddress] = field(default_factory=list)
    groups: list[NetworkSecurityGroup] = field(default_factory=list)
    tables: list[RouteTable] = field(default_factory=list)
    gateways: list[Gateway] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # of everything that moves: members without settings
    web_worker: Tri = False
    resource_groups: list[str] = field(default_factory=list)
    # Deployments and roles which are, or may be, of web/worker, with which of the two it is; and cloud services and
    # deployments whose web/worker roles, if any, could not be listed. Dozens of rules ask for them.
    web_deployments: list[tuple[Deployment, Tri]] = field(default_factory=list)
    web_roles: list[tuple[Role, Tri]] = field(default_factory=list)
    untold: list[Resource] = field(default_factory=list)
    _strays: tuple[list[Deployment], list[VirtualMachine]] | None = None

    @classmethod
    def of(cls, unit: Unit, index: Index) -> "View":
        view = cls(unit, index)
        services: dict[str, Service] = {}
        groups: set[str] = set()
        by_key = index.by_key
        for member in unit.members:
            resource = by_key.get(member.resource_key)
            if resource is None or isinstance(resource, Setting):
                continue
            view.keys.append(resource.key)
            if group := group_of(member.resource_key):
                groups.add(group)
            view._sort(resource, services)
        view.resource_groups = sorted(groups)
        view.services = [services[key] for key in sorted(services)]
        if unit.kind is UnitKind.NETWORK and not any(n.key == unit.key for n in view.networks):
            view.networks.append(Network(id=unit.id, name=unit.name, type=ResourceType.NETWORK))
        view._tell()
        return view

    def _tell(self) -> None:
        """What is of web/worker; once everything is sorted."""
        for service in self.services:
            service.settle()
            if not service.whole and service.web_worker is not False:
                self.untold.append(service.resource)
            for deployment in service.deployments:
                if (kind := web_worker(deployment)) is not False:
                    self.web_deployments.append((deployment, kind))
                    if deployment.roles is UNKNOWN:
                        self.untold.append(deployment)
        self.web_roles = [(r, kind) for r, deployment in self.roles if (kind := web_worker(deployment)) is not False]
        self.web_worker = any_of([service.web_worker for service in self.services])

    def _sort(self, resource: Resource, services: dict[str, Service]) -> None:
        if isinstance(resource, Deployment):
            service = self._service(resource.cloud_service_id.lower(), services)
            service.deployments.append(resource)
        elif isinstance(resource, Role):
            deployment = self.index.by_key.get(resource.deployment_id.lower())
            if isinstance(deployment, Deployment):
                self.roles.append((resource, deployment))
        elif isinstance(resource, VirtualMachine):
            self.machines.append(resource)
            if isinstance(resource.cloud_service_id, str):
                self._service(resource.cloud_service_id.lower(), services).machines.append(resource)
        elif isinstance(resource, CloudService):
            self._service(resource.key, services)
        elif (place := _LISTS.get(type(resource))) is not None:
            getattr(self, place).append(resource)

    def _service(self, key: str, services: dict[str, Service]) -> Service:
        if key not in services:
            listed = self.index.by_key.get(key)
            if not isinstance(listed, CloudService):
                listed = CloudService(id=key, name=key.rsplit("/", 1)[-1], type=ResourceType.CLOUD_SERVICE)
            services[key] = Service(listed)
        return services[key]

    # What rules ask

    @property
    def network(self) -> Network | None:
        return self.networks[0] if self.networks else None

    def settings_on(self, kinds: Iterable[str], keys: Iterable[str]) -> Iterator[tuple[Setting, str]]:
        """Settings of some types set on, or inside, some keys; each setting once, with the key it was found on."""
        for kind in kinds:
            on = self.index.settings.get(kind)
            if not on:
                continue
            seen: set[str] = set()
            for key in keys:
                for setting in on.get(key, ()):
                    if setting.key not in seen:
                        seen.add(setting.key)
                        yield setting, key

    def untargeted(self, kinds: Iterable[str]) -> Iterator[Setting]:
        """Settings of this subscription which do not say what they are set on."""
        for kind in kinds:
            yield from self.index.untargeted.get((self.unit.subscription, kind), ())

    def depending(self, *types: str) -> Iterator[tuple[Dependent, Network]]:
        """Resource Manager resources of some types (lower case) which name a network of this unit."""
        for network in self.networks:
            for dependent in self.index.dependents.get(network.key, ()):
                if dependent.type.lower() in types:
                    yield dependent, network

    def strays(self) -> tuple[list[Deployment], list[VirtualMachine]]:
        """Deployments and machines which may lie in the network of this unit: of which no network is known, in the same
        region of the same subscription as far as that is told (a classic network is of one region)."""
        if self._strays is None:
            self._strays = self._find_strays()
        return self._strays

    def _find_strays(self) -> tuple[list[Deployment], list[VirtualMachine]]:
        here, place = self.unit.subscription, self.unit.location
        if here not in self.index.stray_deployments and here not in self.index.stray_machines:
            return [], []
        mine = set(self.keys)

        def near(resource: Resource) -> bool:
            return resource.key not in mine and (UNKNOWN in (place, resource.location) or resource.location == place)

        deployments = [d for d in self.index.stray_deployments.get(here, ()) if near(d)]
        return deployments, [m for m in self.index.stray_machines.get(here, ()) if near(m)]

    def named(self, key: str) -> str:
        resource = self.index.by_key.get(key)
        return resource.name if resource else key.rsplit("/", 1)[-1]

    def location_of_service(self, deployment: Deployment) -> str | Unknown:
        service = self.index.by_key.get(service_of(deployment.key))
        return service.location if service and known(service.location) else deployment.location


_LISTS: Final = {
    Network: "networks",
    StorageAccount: "accounts",
    Disk: "disks",
    Image: "images",
    ReservedAddress: "addresses",
    NetworkSecurityGroup: "groups",
    RouteTable: "tables",
    Gateway: "gateways",
}
