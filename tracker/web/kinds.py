"""Azure's own words for types of resources, and what an ARM id says by itself. Pure."""

from migrator.resources import ResourceType, resource_type

# Azure's nouns, as people say them (architecture.md 4).
TYPES: dict[str, str] = {
    ResourceType.CLOUD_SERVICE: "Cloud service",
    ResourceType.DEPLOYMENT: "Deployment",
    ResourceType.ROLE: "Role",
    ResourceType.EXTENSION_REFERENCE: "Extension",
    ResourceType.EXTENSION_DEFINITION: "Extension definition",
    ResourceType.SERVICE_CERTIFICATE: "Service certificate",
    ResourceType.VIRTUAL_MACHINE: "Virtual machine",
    ResourceType.NETWORK: "Virtual network",
    ResourceType.GATEWAY: "Gateway",
    ResourceType.CLIENT_ROOT_CERTIFICATE: "VPN client root certificate",
    ResourceType.CLIENT_REVOKED_CERTIFICATE: "Revoked VPN client certificate",
    ResourceType.PEERING: "Peering",
    ResourceType.PEERING_PROXY: "Peering from elsewhere",
    ResourceType.NETWORK_SECURITY_GROUP: "Network security group",
    ResourceType.SECURITY_RULE: "Security rule",
    ResourceType.CROSS_CONNECTION: "ExpressRoute cross connection",
    ResourceType.CROSS_CONNECTION_PEERING: "Peering of a cross connection",
    ResourceType.RESERVED_ADDRESS: "Reserved IP",
    ResourceType.ROUTE_TABLE: "Route table",
    ResourceType.STORAGE_ACCOUNT: "Storage account",
    ResourceType.DISK: "Disk",
    ResourceType.OS_IMAGE: "OS image",
    ResourceType.VM_IMAGE: "VM image",
    ResourceType.AUTOSCALE_SETTING: "Autoscale setting",
    ResourceType.ALERT_RULE: "Alert rule",
    ResourceType.METRIC_ALERT: "Metric alert",
    ResourceType.ACTIVITY_LOG_ALERT: "Activity log alert",
    ResourceType.ROLE_ASSIGNMENT: "Role assignment",
    ResourceType.MANAGEMENT_LOCK: "Management lock",
    ResourceType.JIT_POLICY: "Just-in-time policy",
    ResourceType.TRAFFIC_MANAGER_PROFILE: "Traffic Manager profile",
    ResourceType.BACKUP_ITEM: "Backup of a machine",
    ResourceType.REPLICATION_ITEM: "Replication of a machine",
    ResourceType.CLASSIC_ADMINISTRATOR: "Classic administrator",
}


def type_word(kind: str) -> str:
    """`Cloud service` for `Microsoft.ClassicCompute/domainNames`; a type that is not ours by its own name."""
    return TYPES.get(resource_type(kind), kind)


def type_of(resource_id: str) -> str:
    """The type in an ARM id: `…/providers/A.B/c/name/d/name` → `A.B/c/d`; empty when it has none."""
    _, found, rest = resource_id.rpartition("/providers/")
    if not found:
        return ""
    provider, *parts = rest.strip("/").split("/")
    return "/".join([provider, *parts[::2]])


def name_of(resource_id: str) -> str:
    """What people call the thing: the last part of its id; of a slot or role, with its cloud service."""
    parts = resource_id.strip("/").split("/")
    if len(parts) > 5 and parts[-2].lower() == "roles":
        return f"{parts[-1]} ({parts[-5]})"
    if len(parts) > 3 and parts[-2].lower() == "slots":
        return f"{parts[-3]} ({parts[-1]})"
    return parts[-1]
