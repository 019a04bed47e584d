"""Wire documents of classic resources → values, one function per type.

Shapes: azure.md 1.3 [S] where marked there; everything else is inferred [I] from the older API's names (azure.md 1.4)
and agreed with the simulator: migrationState, instanceSize, instanceCount, endpointAcl, isReserved, upgradeStatus,
createdTime, affinityGroup, siteName, subnets' networkSecurityGroup and routeTable, networkInterfaces,
staticIpAddress, availabilitySetName, licenseType, all of gateways, peerings and disks. A live platform which does not
send them gives UNKNOWN, which is the truth then.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from migrator.gateway.wire import cscfg
from migrator.gateway.wire.fields import Fields
from migrator.resources import (
    UNKNOWN,
    Certificate,
    CloudService,
    Deployment,
    Disk,
    EndpointAclRule,
    Extension,
    Gateway,
    Image,
    InputEndpoint,
    Network,
    NetworkSecurityGroup,
    Peering,
    ReservedAddress,
    ResourceType,
    Role,
    RouteTable,
    Slot,
    SlotType,
    StorageAccount,
    Subnet,
    Unknown,
    VirtualDisk,
    VirtualIp,
    VirtualMachine,
)

NetworkFinder = Callable[[str, str], str | Unknown]  # (subscription, site name) -> id of the network


@dataclass(slots=True)
class Node:
    """One document on its way to a value: its envelope, its properties, and its children by collection name."""

    id: str
    type: str
    envelope: Mapping[str, Any]  # id, name, type, location, tags: ready for the value
    fields: Fields
    read: frozenset[str]  # child collections listed completely, lower case
    document: Mapping[str, Any]
    children: list["Node"] = field(default_factory=list)
    parent: "Node | None" = None

    def of(self, *types: ResourceType) -> list["Node"]:
        """The children of these types by id, so that no finding depends on the order in which they were read."""
        return sorted((child for child in self.children if child.type in types), key=lambda child: child.id.lower())

    def whole(self, collection: str) -> bool:
        return collection.lower() in self.read


def _parent_id(node: Node) -> str:
    return node.parent.id if node.parent else node.id.rsplit("/", 2)[0]


def _reference(fields: Fields, name: str, key: str) -> str | Unknown | None:
    """`{"id":…, "name":…}` | null → its `key`."""
    child = fields.child(name)
    return child.text(key) if isinstance(child, Fields) else child


# Cloud services, deployments, roles


def cloud_service(node: Node, deployments: tuple[Deployment, ...]) -> CloudService:
    certificates = tuple(_certificate(child) for child in node.of(ResourceType.SERVICE_CERTIFICATE))
    return CloudService(
        **node.envelope,
        label=node.fields.text_or_none("label"),
        status=node.fields.text("status"),
        affinity_group=node.fields.text_or_none("affinityGroup"),
        deployments=deployments if node.whole("slots") else UNKNOWN,
        certificates=certificates if node.whole("serviceCertificates") else UNKNOWN,
    )


def _certificate(node: Node) -> Certificate:
    algorithm, _, thumbprint = node.id.rsplit("/", 1)[-1].partition("-")
    said = node.fields.text("thumbprint")
    return Certificate(
        thumbprint=said if isinstance(said, str) else thumbprint or algorithm,
        algorithm=node.fields.text("thumbprintAlgorithm"),
    )


def slot_of(node: Node) -> Slot | None:
    """The slot, from the last part of the id; None when it is neither Production nor Staging."""
    text = node.id.rsplit("/", 1)[-1].lower()
    return next((slot for slot in Slot if slot.value.lower() == text), None)


def slot_type(node: Node) -> SlotType | Unknown:
    text = node.fields.text("slotType")
    if text is UNKNOWN:
        return UNKNOWN
    for kind in SlotType:
        if kind.value.lower() == text.lower():
            return kind
    node.fields.complain("slotType", f"slotType should be Role or VirtualMachine, not {text[:80]}.")
    return UNKNOWN


def configuration(node: Node) -> cscfg.Configuration | None:
    """The service configuration of a deployment; None when it was not sent or cannot be read (then it is on the list
    of problems)."""
    held = node.fields.values.get("configuration")
    if isinstance(held, Mapping) and isinstance(held.get("removed"), str):
        node.fields.complain("configuration", held["removed"])
        return None
    text = node.fields.text("configuration")
    if text is UNKNOWN or not text.strip():
        return None
    try:
        return cscfg.read(text)
    except cscfg.UnreadableConfiguration as error:
        node.fields.complain("configuration", str(error))
        return None


def deployment(
    node: Node, slot: Slot, settings: cscfg.Configuration | None, roles: tuple[Role, ...], find: NetworkFinder
) -> Deployment:
    fields = node.fields
    kind = slot_type(node)
    status = fields.text("status")
    upgrade = fields.child("upgradeStatus")
    if kind is SlotType.VIRTUAL_MACHINE:
        held: tuple[Role, ...] | Unknown = ()
    else:
        held = roles if node.whole("roles") else UNKNOWN
    return Deployment(
        **node.envelope,
        cloud_service_id=_parent_id(node),
        slot=slot,
        slot_type=kind,
        deployment_name=fields.text("deploymentName"),
        label=fields.text_or_none("deploymentLabel"),
        status=status if isinstance(status, str) else fields.text("state"),
        locked=fields.flag("locked"),
        upgrade_in_progress=UNKNOWN if upgrade is UNKNOWN else upgrade is not None,
        created_at=fields.moment("createdTime"),
        virtual_network_id=_network_of(node, settings, find),
        virtual_ips=fields.each("virtualIps", _virtual_ip),
        roles=held,
        configuration_service_name=settings.service_name if settings else UNKNOWN,
    )


def _network_of(node: Node, settings: cscfg.Configuration | None, find: NetworkFinder) -> str | Unknown | None:
    """The network a deployment is in. Where the document is silent the service configuration tells [I]: no
    VirtualNetworkSite means no network or the hidden default one; a named site is looked up among the networks of the
    subscription."""
    said = _reference(node.fields, "virtualNetwork", "id")
    site = settings.network_site if settings else None
    if isinstance(said, str):
        return said
    if said is None and site:
        node.fields.complain(
            "virtualNetwork", f"virtualNetwork is null, but the service configuration names {site[:80]}."
        )
        return UNKNOWN
    if said is None or settings is None:
        return said
    if site is None:
        return None
    return site if site.startswith("/subscriptions/") else find(node.id, site)


def _virtual_ip(fields: Fields) -> VirtualIp:
    name = fields.text_or_none("reservedIpName")
    reserved = fields.flag("isReserved")
    if reserved is UNKNOWN and isinstance(name, str) and name:
        reserved = True
    return VirtualIp(
        address=fields.text("address"),
        name=fields.text("name"),
        reserved=reserved,
        reserved_ip_name=None if name == "" else name,
    )


def role(node: Node, settings: cscfg.Configuration | None) -> Role:
    fields = node.fields
    written = settings.role(node.envelope["name"]) if settings else None
    count = fields.number("instanceCount", high=100_000)
    if count is UNKNOWN and written:
        count = written.instance_count
    version = fields.text("osVersion")
    if version is UNKNOWN and settings:
        version = settings.os_version
    extensions = tuple(_role_extension(child) for child in node.of(ResourceType.EXTENSION_REFERENCE))
    return Role(
        **node.envelope,
        deployment_id=_parent_id(node),
        size=fields.text("instanceSize"),
        instance_count=count,
        os_version=version,
        input_endpoints=fields.each("inputEndpoints", _input_endpoint),
        subnets=written.subnets if written else UNKNOWN,
        extensions=extensions if node.whole("extensionReferences") else UNKNOWN,
        plugins=written.plugins if written else UNKNOWN,
    )


def _input_endpoint(fields: Fields) -> InputEndpoint:
    name = fields.text("endpointName")
    acl = fields.child("endpointAcl")
    return InputEndpoint(
        name=name if isinstance(name, str) else "",
        protocol=fields.text("protocol"),
        public_port=fields.port("publicPort"),
        private_port=fields.port("privatePort"),
        load_balanced_set=fields.text_or_none("loadBalancedEndpointSetName"),
        acl=acl.each("rules", _acl_rule) if isinstance(acl, Fields) else (() if acl is None else UNKNOWN),
    )


def _acl_rule(fields: Fields) -> EndpointAclRule:
    return EndpointAclRule(
        order=fields.number("order"), action=fields.text("action"), remote_subnet=fields.text("remoteSubnet")
    )


def _role_extension(node: Node) -> Extension:
    """What the reference does not say of its kind, the definition of the same name does [I]."""
    fields, said = node.fields, node.fields.text("name")
    name = said if isinstance(said, str) else node.envelope["name"]
    found = _extension(fields, name, fields.text("type"))
    definition = _definition(node, name)
    if definition is None or found.type is not UNKNOWN:
        return found
    told = definition.fields
    return replace(found, publisher=told.text("publisher"), type=told.text("type"), version=told.text("version"))


def _definition(reference: Node, name: str) -> Node | None:
    """Among the extension definitions of the cloud service the reference lies in."""
    service: Node | None = reference
    for _ in range(3):  # role, slot, service
        service = service.parent if service is not None else None
    listed = service.of(ResourceType.EXTENSION_DEFINITION) if service is not None else []
    return next((one for one in listed if one.envelope["name"].lower() == name.lower()), None)


def _machine_extension(fields: Fields) -> Extension:
    handler, reference = fields.text("extension"), fields.text("referenceName")
    name = handler if isinstance(handler, str) else reference
    return _extension(fields, name if isinstance(name, str) else "", handler)


def _extension(fields: Fields, name: str, kind: str | Unknown) -> Extension:
    state = fields.text("state")
    enabled: bool | Unknown = UNKNOWN
    if isinstance(state, str):
        enabled = {"enable": True, "enabled": True, "disable": False, "disabled": False, "uninstall": False}.get(
            state.lower(), UNKNOWN
        )
        if enabled is UNKNOWN:
            fields.complain("state", f"state should be Enable or Disable, not {state[:80]}.")
    return Extension(
        name=name, publisher=fields.text("publisher"), type=kind, version=fields.text("version"), enabled=enabled
    )


# Virtual machines


def virtual_machine(node: Node) -> VirtualMachine:
    fields = node.fields
    hardware, view = fields.inside("hardwareProfile"), fields.inside("instanceView")
    network = fields.child("networkProfile")
    inside = network if isinstance(network, Fields) else fields.inside("networkProfile")
    network_id, subnets, static = _machine_network(network)
    interfaces = inside.each("networkInterfaces", lambda f: f.text("subnetName"))
    if isinstance(subnets, tuple) and isinstance(interfaces, tuple):
        told = all(isinstance(name, str) for name in interfaces)  # one interface which does not say spoils the whole
        subnets = tuple(dict.fromkeys([*subnets, *interfaces])) if told else UNKNOWN
    return VirtualMachine(
        **node.envelope,
        cloud_service_id=fields.inside("domainName").text("id"),
        deployment_name=hardware.text("deploymentName"),
        size=hardware.text("size"),
        power_state=view.text("powerState"),
        status=view.text("status"),
        guest_agent=_guest_agent(view, hardware),
        virtual_network_id=network_id,
        subnets=subnets,
        static_address=static,
        private_address=view.text_or_none("privateIpAddress"),
        network_interface_count=len(interfaces) + 1 if isinstance(interfaces, tuple) else UNKNOWN,
        input_endpoints=inside.each("inputEndpoints", _input_endpoint),
        public_addresses=view.texts("publicIpAddresses"),
        availability_set=_first_said(hardware, "availabilitySetName", fields, "availabilitySetName"),
        boot_diagnostics=fields.inside("debugProfile").flag("bootDiagnosticsEnabled"),
        license_type=_license(fields),
        disks=_machine_disks(fields.child("storageProfile")),
        extensions=fields.each("extensions", _machine_extension),
    )


def _machine_network(
    profile: Fields | Unknown | None,
) -> tuple[str | Unknown | None, tuple[str, ...] | Unknown, str | Unknown | None]:
    """(network id, subnets, static address). A network profile without a virtual network means: in no network
    (azure.md 3.4, VM-NOT-IN-VNET)."""
    if not isinstance(profile, Fields):
        return UNKNOWN, UNKNOWN, UNKNOWN
    network = profile.child("virtualNetwork") if profile.has("virtualNetwork") else None
    if network is None:
        return None, (), None
    if not isinstance(network, Fields):
        return UNKNOWN, UNKNOWN, UNKNOWN
    return network.text("id"), network.texts("subnetNames"), network.text_or_none("staticIpAddress")


def _guest_agent(view: Fields, hardware: Fields) -> str | Unknown | None:
    agent = view.child("guestAgentStatus")
    if isinstance(agent, Fields):
        return agent.text("status")
    if agent is None or hardware.flag("platformGuestAgent") is False:
        return None
    return UNKNOWN


def _license(fields: Fields) -> str | Unknown | None:
    storage = fields.inside("storageProfile")
    found = _first_said(fields, "licenseType", storage, "licenseType")
    return found if found is not UNKNOWN else storage.inside("operatingSystemDisk").text_or_none("licenseType")


def _first_said(one: Fields, name: str, other: Fields, second: str) -> str | Unknown | None:
    found = one.text_or_none(name)
    return found if found is not UNKNOWN else other.text_or_none(second)


def _machine_disks(storage: Fields | Unknown | None) -> tuple[VirtualDisk, ...] | Unknown:
    if not isinstance(storage, Fields):
        return UNKNOWN
    system, data = storage.child("operatingSystemDisk"), storage.each("dataDisks", _virtual_disk)
    if system is UNKNOWN or data is UNKNOWN:
        return UNKNOWN
    return (*((_virtual_disk(system),) if isinstance(system, Fields) else ()), *data)


def _virtual_disk(fields: Fields) -> VirtualDisk:
    name = fields.text("diskName")
    size = fields.number("diskSize")
    return VirtualDisk(
        name=name if isinstance(name, str) else "",
        vhd_uri=fields.text("vhdUri"),
        io_type=fields.text("ioType"),
        size_gb=size if size is not UNKNOWN else fields.number("diskSizeInGB"),
        storage_account_id=fields.inside("storageAccount").text("id"),
    )


# Networks


def network(node: Node, gateways: tuple[Gateway, ...], peerings: tuple[Peering, ...]) -> Network:
    fields = node.fields
    options = fields.child("dhcpOptions")
    servers = options.texts("dnsServers") if isinstance(options, Fields) else (() if options is None else UNKNOWN)
    return Network(
        **node.envelope,
        site_name=fields.text("siteName"),
        affinity_group=fields.text_or_none("affinityGroup"),
        address_prefixes=fields.inside("addressSpace").texts("addressPrefixes"),
        subnets=fields.each("subnets", _subnet),
        dns_servers=servers,
        gateways=gateways if node.whole("gateways") else UNKNOWN,
        peerings=peerings if node.whole("virtualNetworkPeerings") else UNKNOWN,
    )


def _subnet(fields: Fields) -> Subnet:
    name = fields.text("name")
    return Subnet(
        name=name if isinstance(name, str) else "",
        address_prefix=fields.text("addressPrefix"),
        network_security_group=_reference(fields, "networkSecurityGroup", "name"),
        route_table=_reference(fields, "routeTable", "name"),
    )


def gateway(node: Node) -> Gateway:
    fields = node.fields

    def connection(item: Fields) -> tuple[str, str]:
        name, state = item.text("name"), item.text("connectivityState")
        return (name if isinstance(name, str) else "", state if isinstance(state, str) else "unknown")

    return Gateway(
        **node.envelope,
        network_id=_parent_id(node),
        gateway_type=fields.text("gatewayType"),
        connections=fields.each("connections", connection),
        circuit_subscription=fields.text_or_none("circuitSubscriptionId"),
    )


def peering(node: Node) -> Peering:
    return Peering(
        **node.envelope,
        network_id=_parent_id(node),
        remote_network_id=node.fields.inside("remoteVirtualNetwork").text("id"),
        state=node.fields.text("peeringState"),
    )


def reserved_address(node: Node) -> ReservedAddress:
    return ReservedAddress(
        **node.envelope,
        address=node.fields.text("ipAddress"),
        in_use=node.fields.flag("inUse"),
        attached_to=_reference(node.fields, "attachedTo", "id"),
    )


def network_security_group(node: Node) -> NetworkSecurityGroup:
    return NetworkSecurityGroup(**node.envelope, used_by=node.fields.texts("associations"))


def route_table(node: Node) -> RouteTable:
    return RouteTable(**node.envelope, used_by=node.fields.texts("associations"))


# Storage


def storage_account(node: Node, disks: tuple[Disk, ...], images: tuple[Image, ...]) -> StorageAccount:
    fields = node.fields
    every_image = node.whole("osImages") and node.whole("vmImages")
    return StorageAccount(
        **node.envelope,
        account_type=fields.text("accountType"),
        affinity_group=fields.text_or_none("affinityGroup"),
        status=fields.text("status"),
        disks=disks if node.whole("disks") else UNKNOWN,
        images=images if every_image else UNKNOWN,
    )


def disk(node: Node) -> Disk:
    attached = node.fields.child("attachedTo")
    user: str | Unknown | None = attached if not isinstance(attached, Fields) else attached.text("roleName")
    if isinstance(attached, Fields) and attached.has("virtualMachine"):
        user = attached.inside("virtualMachine").text("name")
    return Disk(
        **node.envelope, storage_account_id=_parent_id(node), attached_to=user, vhd_uri=node.fields.text("vhdUri")
    )


def image(node: Node) -> Image:
    return Image(**node.envelope, storage_account_id=_parent_id(node))
