"""Answers of service management → documents in the same wire shape as Resource Manager's, so that one reader serves
both. Each document says where it comes from: `"sources": {"": "service-management"}`.

Elements: azure.md 1.4 [S]. Inferred [I]: ids (this API knows names only; see `Ids`), that a gateway is ExpressRoute
when a connection of its site is Dedicated, `RouteTable` below a subnet, and which of the flat names of the Resource
Manager shape an element becomes. What an answer does not say is not in the document; `MigrationState` alone is null
then, because it is documented to be absent while nothing goes on.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from migrator.gateway.wire.cleaning import clean
from migrator.gateway.wire.service_management_xml import MISSING, NOTHING, Xml
from migrator.resources import ResourceType, SlotType

SOURCE = "service-management"
_LONGEST_CONFIGURATION = 4 * 1024 * 1024  # characters of base64
_MACHINE = "persistentvmrole"
Document = dict[str, Any]


@dataclass(slots=True)
class Ids:
    """Names of service management → ids. `known`: ids which Resource Manager listed, by (type, name in service
    management, lower case); for the rest the group is inferred [I]: a hosted service and a storage account say theirs,
    a portal-made network is `Group {group} {name}`, other things live in the group the portal shows them in."""

    subscription: str
    known: dict[tuple[str, str], str] = field(default_factory=dict)

    def remember(self, document: Mapping[str, Any]) -> None:
        """Take the id of a document of Resource Manager."""
        kind, resource_id, properties = document.get("type"), document.get("id"), document.get("properties")
        if kind not in _NAMED or not isinstance(resource_id, str):
            return
        said = properties.get("siteName") if isinstance(properties, Mapping) else None
        parts = resource_id.strip("/").split("/")
        self.known[kind, parts[-1].lower()] = resource_id
        if kind == ResourceType.NETWORK:
            self.known[kind, f"group {parts[3]} {parts[-1]}".lower()] = resource_id
            if isinstance(said, str):
                self.known[kind, said.lower()] = resource_id

    def of(self, kind: str, name: str, group: str = "") -> str:
        known = self.known.get((kind, name.lower()))
        if known:
            return known
        parts = name.split(" ")
        if kind == ResourceType.NETWORK and len(parts) == 3 and parts[0].lower() == "group":
            group, name = parts[1], parts[2]
        where = group or ("Default-Storage" if kind == ResourceType.STORAGE_ACCOUNT else "Default-Networking")
        return f"/subscriptions/{self.subscription}/resourceGroups/{where}/providers/{kind}/{name}"


_NAMED = frozenset(
    {
        ResourceType.CLOUD_SERVICE,
        ResourceType.NETWORK,
        ResourceType.NETWORK_SECURITY_GROUP,
        ResourceType.RESERVED_ADDRESS,
        ResourceType.STORAGE_ACCOUNT,
    }
)


def spoken(**values: Any) -> Document:
    """Only what was said: nil stays as null, what is missing goes."""
    return {name: value for name, value in values.items() if value is not MISSING}


def document_of(resource_id: str, kind: str, location: Any, properties: Document, **more: Any) -> Document:
    body: Document = {"id": resource_id, "name": resource_id.rsplit("/", 1)[-1], "type": kind}
    if isinstance(location, str) and location:
        body["location"] = location
    return clean({**body, "properties": properties, **more, "sources": {"": SOURCE}})


def plain(text: Any, longest: int = 4096) -> Any:
    """Base64 of UTF-8, as labels and configurations come; MISSING for what is neither."""
    if not isinstance(text, str):
        return text
    if len(text) > longest:
        return MISSING
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8-sig")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return MISSING


def _extended(item: Xml | None, name: str) -> str:
    pairs = (item.items("ExtendedProperties", "ExtendedProperty") or []) if item is not None else []
    return next((pair.word("Value") for pair in pairs if pair.word("Name").lower() == name.lower()), "")


def named(root: Xml, item: str) -> list[Xml]:
    """The items of a list answer."""
    return list(root.children(item))


# Hosted services, deployments, roles, virtual machines


def hosted_service(item: Xml, ids: Ids) -> Document:
    """`HostedService`."""
    name, facts = item.word("ServiceName"), item.child("HostedServiceProperties")
    group = _extended(facts, "ResourceGroup") or name
    said = facts or NOTHING
    properties = spoken(
        label=plain(said.text("Label")),
        status=said.text("Status"),
        affinityGroup=said.text("AffinityGroup"),
        dateCreated=said.text("DateCreated"),
    )
    location = said.text("Location") or _extended(facts, "ResourceLocation")
    return document_of(
        ids.of(ResourceType.CLOUD_SERVICE, name, group), ResourceType.CLOUD_SERVICE, location, properties
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentFacts:
    """What an enrichment needs of a deployment: sizes and counts by lower-case role name, and the machines' states and
    facts."""

    name: str
    sizes: Mapping[str, str]
    counts: Mapping[str, int]
    states: Mapping[str, str | None]
    machines: Mapping[str, "MachineFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """`security_group`, `of_interfaces`: names, "" and nothing for none; None where the network of the machine is not
    told."""

    availability_set: str
    security_group: str | None
    of_interfaces: tuple[str, ...]
    endpoints: tuple[Document, ...]


def deployment_facts(item: Xml) -> DeploymentFacts:
    """Sizes are left out where the instances of a role differ or do not say; no `RoleInstanceList`, no counts."""
    instances = item.items("RoleInstanceList", "RoleInstance")
    sizes: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    for instance in instances or []:
        role = instance.word("RoleName").lower()
        counts[role] = counts.get(role, 0) + 1
        sizes.setdefault(role, set()).add(instance.word("InstanceSize"))
    states: dict[str, str | None] = {}
    machines: dict[str, MachineFacts] = {}
    for role in item.items("RoleList", "Role") or []:
        name, kind = role.word("RoleName").lower(), role.word("RoleType").lower()
        if kind == _MACHINE:
            states[name] = role.word("MigrationState") or None
            machines[name] = _machine_facts(role)
        if role.word("RoleSize"):
            sizes.setdefault(name, {role.word("RoleSize")})
    same = {role: next(iter(found)) for role, found in sizes.items() if len(found) == 1 and found != {""}}
    return DeploymentFacts(name=item.word("Name"), sizes=same, counts=counts, states=states, machines=machines)


def _machine_facts(role: Xml) -> MachineFacts:
    network = _network_of_role(role)
    cards = (network.items("NetworkInterfaces", "NetworkInterface") or []) if network is not None else []
    points = network.items("InputEndpoints", "InputEndpoint") if network is not None else None
    return MachineFacts(
        availability_set=role.word("AvailabilitySetName"),
        security_group=network.word("NetworkSecurityGroup") if network is not None else None,
        of_interfaces=tuple(name for card in cards if (name := card.word("NetworkSecurityGroup"))),
        endpoints=tuple(_input_endpoint(point) for point in points or []),
    )


def _network_of_role(role: Xml) -> Xml | None:
    """The network part of a machine's role."""
    sets = role.items("ConfigurationSets", "ConfigurationSet") or []
    return next(
        (one for one in sets if one.word("ConfigurationSetType") == "NetworkConfiguration" or one.has("SubnetNames")),
        None,
    )


def slot_type(item: Xml) -> Any:
    """IaaS when a role is a PersistentVMRole; MISSING when no roles were listed."""
    roles = item.items("RoleList", "Role")
    if not roles:
        return MISSING
    machines = any(role.word("RoleType").lower() == _MACHINE for role in roles)
    return SlotType.VIRTUAL_MACHINE.value if machines else SlotType.ROLE.value


def deployment(item: Xml, service: Mapping[str, Any], ids: Ids, extensions: Iterable[Xml] = ()) -> list[Document]:
    """`Deployment` with its roles and their extension references, or its virtual machines. `service`: the document of
    the hosted service; `extensions`: what its extensions list holds."""
    slot, facts = item.word("DeploymentSlot"), deployment_facts(item)
    kind = slot_type(item)
    location = service.get("location")
    slot_id = f"{service['id']}/slots/{slot.capitalize()}"
    network = item.text("VirtualNetworkName")
    upgrade = item.child("UpgradeStatus")
    states = {state for state in facts.states.values() if state}
    properties = spoken(
        slotType=kind,
        deploymentName=item.text("Name"),
        deploymentId=item.text("PrivateID"),
        deploymentLabel=plain(item.text("Label")),
        status=item.text("Status"),
        uri=item.text("Url"),
        sdkVersion=item.text("SdkVersion"),
        locked=item.flag("Locked"),
        rollbackAllowed=item.flag("RollbackAllowed"),
        upgradeDomainCount=item.number("UpgradeDomainCount"),
        upgradeStatus=spoken(currentUpgradeDomainState=upgrade.text("CurrentUpgradeDomainState"))
        if upgrade
        else (None if item.has("UpgradeStatus") else MISSING),
        createdTime=item.text("CreatedTime"),
        configuration=plain(item.text("Configuration"), _LONGEST_CONFIGURATION),
        virtualNetwork={"id": ids.of(ResourceType.NETWORK, network), "name": network} if network else (
            None if network is None else MISSING
        ),
        virtualIps=each_of(item.items("VirtualIPs", "VirtualIP"), _virtual_ip),
    )  # fmt: skip
    if len(states) == 1:
        properties["migrationState"] = states.pop()
    machines = kind == SlotType.VIRTUAL_MACHINE.value
    read = ["roles"] if kind == SlotType.ROLE.value else []
    found = [document_of(slot_id, ResourceType.DEPLOYMENT, location, properties, read=read)]
    for role in item.items("RoleList", "Role") or []:
        if machines:
            found.append(_machine(role, item, service, ids))
        else:
            found += _role(role, item, slot_id, location, facts, extensions)
    return found


def each_of(items: list[Xml] | None, build: Any) -> Any:
    return MISSING if items is None else [build(item) for item in items]


def _virtual_ip(item: Xml) -> Document:
    return spoken(
        address=item.text("Address"),
        name=item.text("Name"),
        isDnsProgrammed=item.flag("IsDnsProgrammed"),
        reservedIpName=item.text("ReservedIPName"),
    )


def _role(
    role: Xml, item: Xml, slot_id: str, location: Any, facts: DeploymentFacts, extensions: Iterable[Xml]
) -> list[Document]:
    name = role.word("RoleName")
    role_id, key = f"{slot_id}/roles/{name}", name.lower()
    references = _references(item, name)
    properties = spoken(
        name=name,
        osVersion=role.text("OsVersion"),
        instanceSize=facts.sizes.get(key, MISSING),
        instanceCount=facts.counts.get(key, MISSING),
        inputEndpoints=_instance_endpoints(item, key),
    )
    read = ["extensionReferences"] if references is not None else []
    definitions = {one.word("Id").lower(): one for one in extensions}
    return [
        document_of(role_id, ResourceType.ROLE, location, properties, read=read),
        *(
            _reference(reference, role_id, location, definitions.get(reference.word("Id").lower()))
            for reference in references or []
        ),
    ]


def _instance_endpoints(item: Xml, role: str) -> Any:
    """The public endpoints of a role's instances, each once; MISSING when an instance does not list them."""
    found: dict[str, Document] = {}
    instances = [i for i in item.items("RoleInstanceList", "RoleInstance") or [] if i.word("RoleName").lower() == role]
    if not instances or any(not instance.has("InstanceEndpoints") for instance in instances):
        return MISSING
    for instance in instances:
        for one in instance.items("InstanceEndpoints", "InstanceEndpoint") or []:
            if one.word("PublicPort"):
                found[one.word("Name")] = spoken(
                    endpointName=one.text("Name"),
                    protocol=one.text("Protocol"),
                    publicPort=one.number("PublicPort"),
                    privatePort=one.number("LocalPort"),
                    publicIpAddress=one.text("Vip"),
                )
    return list(found.values())


def _references(item: Xml, role: str) -> list[Xml] | None:
    """The extensions of a role: those for all roles and those for it; None when the deployment does not say."""
    configuration = item.child("ExtensionConfiguration")
    if configuration is None:
        return None
    found = list(configuration.items("AllRoles", "Extension") or [])
    for named_role in configuration.items("NamedRoles", "Role") or []:
        if named_role.word("RoleName").lower() == role.lower():
            found += named_role.items("Extensions", "Extension") or []
    return found


def _reference(item: Xml, role_id: str, location: Any, definition: Xml | None) -> Document:
    name = item.word("Id")
    properties = spoken(name=name, state=item.text("State"))
    if definition is not None:
        properties |= spoken(
            publisher=definition.text("ProviderNameSpace"),
            type=definition.text("Type"),
            version=definition.text("Version"),
        )
    reference_id = f"{role_id}/extensionReferences/{name}"
    return document_of(reference_id, ResourceType.EXTENSION_REFERENCE, location, properties)


def _machine(role: Xml, item: Xml, service: Mapping[str, Any], ids: Ids) -> Document:
    """A PersistentVMRole as a virtual machine."""
    name = role.word("RoleName")
    instances = item.items("RoleInstanceList", "RoleInstance") or []
    instance = next((one for one in instances if one.word("RoleName").lower() == name.lower()), None)
    network = _network_of_role(role)
    site = item.text("VirtualNetworkName")
    size = role.text("RoleSize")
    properties = spoken(
        domainName={"id": service["id"], "name": service["name"], "type": ResourceType.CLOUD_SERVICE.value},
        hardwareProfile=spoken(
            deploymentName=item.text("Name"),
            deploymentLabel=plain(item.text("Label")),
            size=size if size or instance is None else instance.text("InstanceSize"),
            availabilitySetName=role.text("AvailabilitySetName"),
        ),
        instanceView=_view(instance) if instance is not None else MISSING,
        networkProfile=_network_profile(network, site, ids) if network is not None else MISSING,
        storageProfile=_storage_profile(role, ids),
        debugProfile=_debug(role),
        licenseType=role.text("LicenseType"),
        extensions=each_of(role.items("ResourceExtensionReferences", "ResourceExtensionReference"), _vm_extension),
        migrationState=role.word("MigrationState") or None,
    )
    place = f"{service['id'].rpartition('/providers/')[0]}/providers/{ResourceType.VIRTUAL_MACHINE}/{name}"
    return document_of(place, ResourceType.VIRTUAL_MACHINE, service.get("location"), properties)


def _view(instance: Xml) -> Document:
    agent = instance.child("GuestAgentStatus")
    return spoken(
        computerName=instance.text("HostName"),
        status=instance.text("InstanceStatus"),
        powerState=instance.text("PowerState"),
        updateDomain=instance.number("InstanceUpgradeDomain"),
        faultDomain=instance.number("InstanceFaultDomain"),
        privateIpAddress=instance.text("IpAddress"),
        guestAgentStatus=spoken(status=agent.text("Status")) if agent is not None else MISSING,
    )


def _network_profile(network: Xml, site: Any, ids: Ids) -> Document:
    names = network.items("SubnetNames", "SubnetName")
    member: Any = None if site in (None, "") else MISSING
    if isinstance(site, str) and site:
        member = spoken(
            id=ids.of(ResourceType.NETWORK, site),
            name=site,
            subnetNames=MISSING if names is None else [(one.element.text or "").strip() for one in names],
            staticIpAddress=network.text("StaticVirtualNetworkIPAddress"),
        )
    return spoken(
        inputEndpoints=each_of(network.items("InputEndpoints", "InputEndpoint"), _input_endpoint),
        # without a site name the deployment is in no network [K]; Resource Manager's shape says null
        virtualNetwork=None if member is MISSING else member,
        networkInterfaces=each_of(network.items("NetworkInterfaces", "NetworkInterface"), _interface),
    )


def _interface(item: Xml) -> Document:
    addresses = item.items("IPConfigurations", "IPConfiguration") or []
    return spoken(name=item.text("Name"), subnetName=addresses[0].text("SubnetName") if addresses else MISSING)


def _input_endpoint(item: Xml) -> Document:
    acl = item.child("EndpointAcl") or item.child("EndpointACL")
    rules = each_of(acl.items("Rules", "Rule"), _acl_rule) if acl is not None else MISSING
    return spoken(
        endpointName=item.text("Name"),
        protocol=item.text("Protocol"),
        publicPort=item.number("Port"),
        privatePort=item.number("LocalPort"),
        publicIpAddress=item.text("Vip"),
        enableDirectServerReturn=item.flag("EnableDirectServerReturn"),
        loadBalancedEndpointSetName=item.text("LoadBalancedEndpointSetName"),
        loadBalancerName=item.text("LoadBalancerName"),
        endpointAcl={"rules": rules} if rules is not MISSING else MISSING,
    )


def _acl_rule(item: Xml) -> Document:
    return spoken(order=item.number("Order"), action=item.text("Action"), remoteSubnet=item.text("RemoteSubnet"))


def _storage_profile(role: Xml, ids: Ids) -> Any:
    system, data = role.child("OSVirtualHardDisk"), role.items("DataVirtualHardDisks", "DataVirtualHardDisk")
    if system is None and data is None:
        return MISSING
    return spoken(
        operatingSystemDisk=_vhd(system, ids) if system is not None else MISSING,
        dataDisks=each_of(data, lambda one: _vhd(one, ids)),
    )


def _vhd(item: Xml, ids: Ids) -> Document:
    account = account_of(item.text("MediaLink"))
    return spoken(
        diskName=item.text("DiskName"),
        lun=item.number("Lun"),
        diskSize=item.number("LogicalDiskSizeInGB"),
        vhdUri=item.text("MediaLink"),
        ioType=item.text("IOType"),
        operatingSystem=item.text("OS"),
        storageAccount={"id": ids.of(ResourceType.STORAGE_ACCOUNT, account), "name": account} if account else MISSING,
    )


def _debug(role: Xml) -> Any:
    settings = role.child("DebugSettings")
    return spoken(bootDiagnosticsEnabled=settings.flag("BootDiagnosticsEnabled")) if settings is not None else MISSING


def _vm_extension(item: Xml) -> Document:
    return spoken(
        extension=item.text("Name"),
        referenceName=item.text("ReferenceName"),
        publisher=item.text("Publisher"),
        version=item.text("Version"),
        state=item.text("State"),
    )


def certificate(item: Xml, service: Mapping[str, Any]) -> Document:
    """`Certificate`, without its data."""
    algorithm, thumbprint = item.word("ThumbprintAlgorithm"), item.word("Thumbprint")
    place = f"{service['id']}/serviceCertificates/{algorithm}-{thumbprint}"
    properties = spoken(thumbprint=item.text("Thumbprint"), thumbprintAlgorithm=item.text("ThumbprintAlgorithm"))
    return document_of(place, ResourceType.SERVICE_CERTIFICATE, service.get("location"), properties)


# Storage


def storage_account(item: Xml, ids: Ids) -> Document:
    """`StorageService`."""
    name, facts = item.word("ServiceName"), item.child("StorageServiceProperties")
    said = facts or NOTHING
    group = _extended(item, "ResourceGroup") or _extended(facts, "ResourceGroup")
    location = said.word("Location") or said.word("GeoPrimaryRegion")
    properties = spoken(
        status=said.text("Status"),
        label=plain(said.text("Label")),
        accountType=said.text("AccountType"),
        affinityGroup=said.text("AffinityGroup"),
        geoPrimaryRegion=said.text("GeoPrimaryRegion"),
        statusOfPrimaryRegion=said.text("StatusOfPrimary"),
        creationTime=said.text("CreationTime"),
        migrationState=item.word("MigrationState") or None,
    )
    account_id = ids.of(ResourceType.STORAGE_ACCOUNT, name, group)
    return document_of(account_id, ResourceType.STORAGE_ACCOUNT, location, properties)


def account_of(media_link: Any) -> str:
    """The storage account a blob is in: the first label of its host; empty when it is no such address."""
    try:
        host = urlsplit(media_link).hostname or "" if isinstance(media_link, str) else ""
    except ValueError:
        return ""
    name, _, rest = host.partition(".")
    return name if rest.startswith("blob.") else ""


def disk(item: Xml, ids: Ids) -> Document | None:
    """`Disk`; None for one whose storage account cannot be told, which is where a disk lives."""
    account, user = account_of(item.text("MediaLink")), item.child("AttachedTo")
    if not account:
        return None
    attached = spoken(
        roleName=user.text("RoleName"),
        hostedServiceName=user.text("HostedServiceName"),
        deploymentName=user.text("DeploymentName"),
    ) if user is not None else (None if item.has("AttachedTo") else MISSING)  # fmt: skip
    properties = spoken(
        diskName=item.text("Name"),
        vhdUri=item.text("MediaLink"),
        diskSizeInGB=item.number("LogicalDiskSizeInGB"),
        ioType=item.text("IOType"),
        operatingSystem=item.text("OS"),
        attachedTo=attached,
    )
    place = f"{ids.of(ResourceType.STORAGE_ACCOUNT, account)}/disks/{item.word('Name')}"
    return document_of(place, ResourceType.DISK, item.text("Location"), properties)


def image(item: Xml, ids: Ids, kind: ResourceType = ResourceType.OS_IMAGE) -> Document | None:
    """`OSImage` or `VMImage` of the subscription's own; None for the platform's, which live in no account of it."""
    link = item.text("MediaLink")
    if kind is ResourceType.VM_IMAGE:
        system = item.child("OSDiskConfiguration")
        link = system.text("MediaLink") if system is not None else MISSING
    account = account_of(link)
    if not account:
        return None
    place = f"{ids.of(ResourceType.STORAGE_ACCOUNT, account)}/{kind.rsplit('/', 1)[-1]}/{item.word('Name')}"
    properties = spoken(mediaLink=link, operatingSystem=item.text("OS"), label=item.text("Label"))
    return document_of(place, kind, item.text("Location"), properties)
