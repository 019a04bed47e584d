"""Classic Azure things as frozen values, and the few values that travel with them.

Every value is read defensively: what the platform did not say is `UNKNOWN`, never "not used". `None` and the empty
tuple mean
*known to be absent*. `UNKNOWN` refuses to be used as a truth value, so a careless `if role.subnets:` raises instead of
deciding.

Shapes follow `azure.md` 1.1, 1.3 and 1.4; names of properties are Azure's own, in snake case. Values are built by
`migrator.gateway.wire` from wire documents and nowhere else (tests included).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, Final, TypeVar


class Unknown(Enum):
    """The one value of "the platform did not say"."""

    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        raise TypeError("UNKNOWN has no truth value: ask known(x) first")

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN

T = TypeVar("T")


def known(value: object) -> bool:
    """Whether the platform said anything at all about `value`."""
    return value is not UNKNOWN


class ResourceType(StrEnum):
    """Resource types in the spelling Azure documents (azure.md 1.1); compare ids and types case-insensitively."""

    CLOUD_SERVICE = "Microsoft.ClassicCompute/domainNames"
    DEPLOYMENT = "Microsoft.ClassicCompute/domainNames/slots"
    ROLE = "Microsoft.ClassicCompute/domainNames/slots/roles"
    EXTENSION_REFERENCE = "Microsoft.ClassicCompute/domainNames/slots/roles/extensionReferences"
    EXTENSION_DEFINITION = "Microsoft.ClassicCompute/domainNames/extensions"
    SERVICE_CERTIFICATE = "Microsoft.ClassicCompute/domainNames/serviceCertificates"
    VIRTUAL_MACHINE = "Microsoft.ClassicCompute/virtualMachines"
    NETWORK = "Microsoft.ClassicNetwork/virtualNetworks"
    GATEWAY = "Microsoft.ClassicNetwork/virtualNetworks/gateways"
    CLIENT_ROOT_CERTIFICATE = "Microsoft.ClassicNetwork/virtualNetworks/gateways/clientRootCertificates"
    CLIENT_REVOKED_CERTIFICATE = "Microsoft.ClassicNetwork/virtualNetworks/gateways/clientRevokedCertificates"
    PEERING = "Microsoft.ClassicNetwork/virtualNetworks/virtualNetworkPeerings"
    PEERING_PROXY = "Microsoft.ClassicNetwork/virtualNetworks/remoteVirtualNetworkPeeringProxies"
    NETWORK_SECURITY_GROUP = "Microsoft.ClassicNetwork/networkSecurityGroups"
    SECURITY_RULE = "Microsoft.ClassicNetwork/networkSecurityGroups/securityRules"
    CROSS_CONNECTION = "Microsoft.ClassicNetwork/expressRouteCrossConnections"
    CROSS_CONNECTION_PEERING = "Microsoft.ClassicNetwork/expressRouteCrossConnections/peerings"
    RESERVED_ADDRESS = "Microsoft.ClassicNetwork/reservedIps"
    ROUTE_TABLE = (
        "Microsoft.ClassicNetwork/routeTables"  # not an ARM type; ours, for what only service management lists
    )
    STORAGE_ACCOUNT = "Microsoft.ClassicStorage/storageAccounts"
    DISK = "Microsoft.ClassicStorage/storageAccounts/disks"
    OS_IMAGE = "Microsoft.ClassicStorage/storageAccounts/osImages"
    VM_IMAGE = "Microsoft.ClassicStorage/storageAccounts/vmImages"
    # Settings that hang on classic things and are dropped or left behind by the migration (azure.md 6):
    AUTOSCALE_SETTING = "Microsoft.Insights/autoscaleSettings"
    ALERT_RULE = "Microsoft.Insights/alertRules"
    METRIC_ALERT = "Microsoft.Insights/metricAlerts"
    ACTIVITY_LOG_ALERT = "Microsoft.Insights/activityLogAlerts"
    ROLE_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
    MANAGEMENT_LOCK = "Microsoft.Authorization/locks"
    JIT_POLICY = "Microsoft.Security/locations/jitNetworkAccessPolicies"
    TRAFFIC_MANAGER_PROFILE = "Microsoft.Network/trafficManagerProfiles"
    BACKUP_ITEM = "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems"
    REPLICATION_ITEM = (
        "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems"
    )
    CLASSIC_ADMINISTRATOR = "Microsoft.Authorization/classicAdministrators"


_CANONICAL = {member.value.lower(): member for member in ResourceType}


def resource_type(text: str) -> str:
    """The documented spelling of a resource type, or the text as it came when the type is not one of ours."""
    return _CANONICAL.get(text.lower(), text)


def subscription_of(resource_id: str) -> str:
    """The subscription id in an ARM id, lower case; empty when the id has none."""
    parts = resource_id.strip("/").split("/")
    return parts[1].lower() if len(parts) > 1 and parts[0].lower() == "subscriptions" else ""


def resource_group_of(resource_id: str) -> str:
    """The resource group in an ARM id, as written; empty when the id has none."""
    parts = resource_id.strip("/").split("/")
    return parts[3] if len(parts) > 3 and parts[2].lower() == "resourcegroups" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What every listed thing has. `id` as the platform wrote it; compare by `key`."""

    id: str
    name: str
    type: str
    location: str | Unknown = UNKNOWN  # lower case, no spaces: "westeurope"
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> str:
        return self.id.lower()

    @property
    def subscription(self) -> str:
        return subscription_of(self.id)

    @property
    def resource_group(self) -> str:
        return resource_group_of(self.id)


class Slot(StrEnum):
    PRODUCTION = "Production"
    STAGING = "Staging"


class SlotType(StrEnum):
    """Tells web/worker deployments from classic IaaS deployments (azure.md 1.1, seen in azsk)."""

    ROLE = "Role"
    VIRTUAL_MACHINE = "VirtualMachine"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointAclRule:
    order: int | Unknown
    action: str | Unknown
    remote_subnet: str | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class InputEndpoint:
    name: str
    protocol: str | Unknown = UNKNOWN
    public_port: int | Unknown | None = UNKNOWN
    private_port: int | Unknown | None = UNKNOWN
    load_balanced_set: str | Unknown | None = UNKNOWN
    acl: tuple[EndpointAclRule, ...] | Unknown = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualIp:
    address: str | Unknown
    name: str | Unknown = UNKNOWN
    reserved: bool | Unknown = UNKNOWN  # the platform says the address is reserved
    reserved_ip_name: str | Unknown | None = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """An extension of a role (extensionReferences) or of a virtual machine (properties.extensions)."""

    name: str
    publisher: str | Unknown = UNKNOWN
    type: str | Unknown = UNKNOWN
    version: str | Unknown = UNKNOWN
    enabled: bool | Unknown = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    thumbprint: str
    algorithm: str | Unknown = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Role(Resource):
    """A web or worker role of a deployment."""

    deployment_id: str
    size: str | Unknown = UNKNOWN  # "Small", "Standard_D2_v2", …
    instance_count: int | Unknown = UNKNOWN
    os_version: str | Unknown = UNKNOWN
    input_endpoints: tuple[InputEndpoint, ...] | Unknown = UNKNOWN
    subnets: tuple[str, ...] | Unknown = UNKNOWN  # subnet names from the configuration's AddressAssignments
    extensions: tuple[Extension, ...] | Unknown = UNKNOWN
    plugins: tuple[str, ...] | Unknown = UNKNOWN  # plugin modules switched on in the configuration: "RemoteAccess", …


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment(Resource):
    """What runs in a slot of a cloud service. For IaaS (`slot_type` VirtualMachine) `roles` is empty and the VMs are
    listed apart.
    """

    cloud_service_id: str
    slot: Slot
    slot_type: SlotType | Unknown = UNKNOWN
    deployment_name: str | Unknown = UNKNOWN
    label: str | Unknown | None = UNKNOWN
    status: str | Unknown = UNKNOWN  # Running, Suspended, Deploying, Updating, …
    locked: bool | Unknown = UNKNOWN
    upgrade_in_progress: bool | Unknown = UNKNOWN
    created_at: datetime | Unknown = UNKNOWN
    virtual_network_id: str | Unknown | None = UNKNOWN  # None: in no network, or in the hidden default network
    virtual_ips: tuple[VirtualIp, ...] | Unknown = UNKNOWN
    roles: tuple[Role, ...] | Unknown = UNKNOWN
    configuration_service_name: str | Unknown = UNKNOWN  # ServiceConfiguration/@serviceName


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudService(Resource):
    """A hosted service (domainNames): the name, with up to two deployments in it."""

    label: str | Unknown | None = UNKNOWN
    status: str | Unknown = UNKNOWN
    affinity_group: str | Unknown | None = UNKNOWN
    deployments: tuple[Deployment, ...] | Unknown = UNKNOWN
    certificates: tuple[Certificate, ...] | Unknown = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualDisk:
    """A disk attached to a virtual machine."""

    name: str
    vhd_uri: str | Unknown = UNKNOWN
    io_type: str | Unknown = UNKNOWN  # "Standard" or "Provisioned" (premium)
    size_gb: int | Unknown = UNKNOWN
    storage_account_id: str | Unknown = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualMachine(Resource):
    cloud_service_id: str | Unknown = UNKNOWN
    deployment_name: str | Unknown = UNKNOWN
    size: str | Unknown = UNKNOWN
    power_state: str | Unknown = UNKNOWN  # Started, Stopped, StoppedDeallocated, Starting, …
    status: str | Unknown = UNKNOWN  # ReadyRole, RoleStateUnknown, ProvisioningTimeout, …
    guest_agent: str | Unknown | None = UNKNOWN  # "Ready", "NotReady"; None: no agent
    virtual_network_id: str | Unknown | None = UNKNOWN
    subnets: tuple[str, ...] | Unknown = UNKNOWN
    static_address: str | Unknown | None = UNKNOWN
    private_address: str | Unknown | None = UNKNOWN
    network_interface_count: int | Unknown = UNKNOWN
    input_endpoints: tuple[InputEndpoint, ...] | Unknown = UNKNOWN
    public_addresses: tuple[str, ...] | Unknown = UNKNOWN
    availability_set: str | Unknown | None = UNKNOWN
    boot_diagnostics: bool | Unknown = UNKNOWN
    license_type: str | Unknown | None = UNKNOWN
    disks: tuple[VirtualDisk, ...] | Unknown = UNKNOWN  # the operating-system disk first
    extensions: tuple[Extension, ...] | Unknown = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    name: str
    address_prefix: str | Unknown = UNKNOWN
    network_security_group: str | Unknown | None = UNKNOWN  # name
    route_table: str | Unknown | None = UNKNOWN  # name


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway(Resource):
    network_id: str
    gateway_type: str | Unknown = UNKNOWN  # "Vpn" or "ExpressRoute"
    connections: tuple[tuple[str, str], ...] | Unknown = UNKNOWN  # (name, state)
    circuit_subscription: str | Unknown | None = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Peering(Resource):
    network_id: str
    remote_network_id: str | Unknown = UNKNOWN
    state: str | Unknown = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Network(Resource):
    """A classic virtual network. A portal-made one carries a name of the form `Group rg name` in service management."""

    site_name: str | Unknown = UNKNOWN  # the service-management name; `Group rg name` when the portal made it
    affinity_group: str | Unknown | None = UNKNOWN
    address_prefixes: tuple[str, ...] | Unknown = UNKNOWN
    subnets: tuple[Subnet, ...] | Unknown = UNKNOWN
    dns_servers: tuple[str, ...] | Unknown = UNKNOWN
    gateways: tuple[Gateway, ...] | Unknown = UNKNOWN
    peerings: tuple[Peering, ...] | Unknown = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk(Resource):
    """A disk object in a storage account. `attached_to` is the role or VM name, None when nothing uses it."""

    storage_account_id: str
    attached_to: str | Unknown | None = UNKNOWN
    vhd_uri: str | Unknown = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Resource):
    storage_account_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageAccount(Resource):
    account_type: str | Unknown = UNKNOWN
    affinity_group: str | Unknown | None = UNKNOWN
    status: str | Unknown = UNKNOWN
    disks: tuple[Disk, ...] | Unknown = UNKNOWN
    images: tuple[Image, ...] | Unknown = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedAddress(Resource):
    address: str | Unknown = UNKNOWN
    in_use: bool | Unknown = UNKNOWN
    attached_to: str | Unknown | None = UNKNOWN  # id or name of the service that holds it


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSecurityGroup(Resource):
    """`used_by`: names of subnets or VMs it is associated with; empty when unattached."""

    used_by: tuple[str, ...] | Unknown = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTable(Resource):
    used_by: tuple[str, ...] | Unknown = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Resource):
    """Something outside the classic providers that hangs on classic things: autoscale setting, alert rule, role
    assignment, lock, …

    `targets`: keys (lower-case ids) of the resources it names; `body`: the whole wire document.
    """

    targets: tuple[str, ...] | Unknown = UNKNOWN
    body: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependent(Resource):
    """A Resource Manager resource whose properties name a classic network (App Service environment, HDInsight, API
    Management, …).
    """

    network_ids: tuple[str, ...] = ()  # keys of the classic networks it names


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Registration of one provider or feature of one subscription (azure.md 7)."""

    subscription: str
    name: str  # "Microsoft.ClassicInfrastructureMigrate" or "Microsoft.Compute/CloudServices" for a feature
    state: str | Unknown = UNKNOWN  # NotRegistered, Registering, Registered, Unregistering, Pending, …


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One row of a usages list: quota of one family in one region (azure.md 5.1)."""

    subscription: str
    location: str
    provider: str  # "Microsoft.Compute" or "Microsoft.Network"
    name: str  # "cores", "standardDv2Family", "StaticPublicIPAddresses", …
    current: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedSize:
    """A size of virtual machine as a region offers it. `vcpus` None: not said. `family` is the name of its quota.
    `restrictions`: why this subscription cannot have it, in Azure's words; empty when it can."""

    name: str
    family: str
    vcpus: int | None
    restrictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything known, indexed. Build with `Estate.of(resources, registrations, usages)`."""

    resources: tuple[Resource, ...] = ()
    registrations: tuple[Registration, ...] = ()
    usages: tuple[Usage, ...] = ()
    by_key: Mapping[str, Resource] = field(default_factory=dict, hash=False, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        resources: Iterable[Resource],
        registrations: Iterable[Registration] = (),
        usages: Iterable[Usage] = (),
    ) -> "Estate":
        listed = tuple(resources)
        return cls(listed, tuple(registrations), tuple(usages), {r.key: r for r in listed})

    def get(self, resource_id: str) -> Resource | None:
        return self.by_key.get(resource_id.lower())

    def all(self, kind: type[T]) -> tuple[T, ...]:
        return tuple(r for r in self.resources if isinstance(r, kind))

    def registration(self, subscription: str, name: str) -> str | Unknown:
        for row in self.registrations:
            if row.subscription.lower() == subscription.lower() and row.name.lower() == name.lower():
                return row.state
        return UNKNOWN


class Verb(StrEnum):
    """The platform's four verbs (azure.md 2.1)."""

    VALIDATE = "validate"
    PREPARE = "prepare"
    ABORT = "abort"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRequest:
    """A Resource Manager call as data: what a follow-up will send, and how it is proved. `path` starts with `/`, no
    query.
    """

    method: str  # GET, PUT, POST, PATCH, DELETE
    path: str
    api_version: str
    body: Mapping[str, Any] | None = field(default=None, hash=False)


class Category(StrEnum):
    """Category of a validation message. An unknown category is read as Error (azure.md 2.5)."""

    INFORMATION = "Information"
    WARNING = "Warning"
    ERROR = "Error"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformMessage:
    """One message of Validate or Prepare, in the platform's words (azure.md 2.3, 2.5). `code` is the error code where
    there was one.
    """

    category: Category
    message: str
    resource_type: str = ""
    resource_name: str = ""
    virtual_machine: str = ""
    code: str = ""
