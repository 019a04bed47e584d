"""Checks of networks, what hangs on them, storage accounts, and the settings that are lost (azure.md 4.1, 4.2, 6)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from migrator.counterparts import NETWORK_GATEWAYS, group_names
from migrator.resources import (
    UNKNOWN,
    Disk,
    Network,
    NetworkSecurityGroup,
    ReservedAddress,
    ResourceType,
    RouteTable,
    Setting,
    StorageAccount,
    Subnet,
    Unknown,
    known,
    resource_group_of,
)
from migrator.translation import sources
from migrator.translation.checks import (
    Check,
    Document,
    Sides,
    at,
    called,
    changed,
    dropped,
    free,
    items,
    name_of,
    place,
    same,
    subject,
    surprise,
    texts,
)

_SETTINGS = {
    ResourceType.AUTOSCALE_SETTING: ("autoscale setting", sources.AUTOSCALE),
    ResourceType.ALERT_RULE: ("alert rule", sources.ALERTS),
    ResourceType.METRIC_ALERT: ("metric alert", sources.ALERTS),
    ResourceType.ACTIVITY_LOG_ALERT: ("activity log alert", sources.ALERTS),
    ResourceType.JIT_POLICY: ("just-in-time policy", sources.JIT),
    ResourceType.ROLE_ASSIGNMENT: ("role assignment", sources.GRANT),
    ResourceType.MANAGEMENT_LOCK: ("lock", sources.LOCK),
    ResourceType.TRAFFIC_MANAGER_PROFILE: ("endpoint of a Traffic Manager profile", sources.TRAFFIC),
    ResourceType.BACKUP_ITEM: ("backup", sources.PROTECTION),
    ResourceType.REPLICATION_ITEM: ("replication", sources.PROTECTION),
}


def network(item: Network, sides: Sides) -> Iterator[Check]:
    arm_id, arm = sides.found(item)
    yield from subject(item, arm_id, sources.NETWORK, group_names(item.id))
    yield free(item, arm_id, "name", item.name, name_of(arm_id) or None, sources.NETWORK)
    yield same(item, arm_id, "region", item.location, place(at(arm, "location")), sources.LOCATION)
    prefixes = texts(at(arm, "properties.addressSpace.addressPrefixes"))
    yield same(item, arm_id, "address space", item.address_prefixes, prefixes, sources.ADDRESS_SPACE)
    servers = texts(at(arm, "properties.dhcpOptions.dnsServers", None))
    yield same(item, arm_id, "DNS servers", _in_order(item.dns_servers), _in_order(servers), sources.ADDRESS_SPACE)
    yield from _subnets(item, arm_id, arm)
    yield from _gateways(item, arm_id, sides)


def _in_order(values: tuple[str, ...] | Unknown) -> list[str] | Unknown:
    """The order of DNS servers counts: the first is asked first."""
    return list(values) if known(values) else UNKNOWN


def _subnets(item: Network, arm_id: str, arm: Document) -> Iterator[Check]:
    listed = items(at(arm, "properties.subnets"))
    if item.subnets is UNKNOWN:
        seen = tuple(called(subnet) for subnet in listed) if known(listed) else UNKNOWN
        yield same(item, arm_id, "subnets", UNKNOWN, seen, sources.ADDRESS_SPACE)
        return
    found = {called(subnet).lower(): subnet for subnet in listed} if known(listed) else {}
    for subnet in item.subnets:
        there = found.pop(subnet.name.lower(), None)
        yield from _subnet(item, subnet, there, UNKNOWN if listed is UNKNOWN else None, arm_id)
    for extra in found.values():
        yield surprise(item.key, arm_id, f"subnet {called(extra)}".rstrip(), called(extra))


def _subnet(
    item: Network, subnet: Subnet, there: Document | None, absent: Unknown | None, arm_id: str
) -> Iterator[Check]:
    """`absent`: what is seen when `there` is None: nothing, or not read."""
    field = f"subnet {subnet.name}"
    prefix = absent if there is None else _prefix(there)
    yield same(item, arm_id, field, subnet.address_prefix, prefix, sources.ADDRESS_SPACE)
    for what, before, path, why in (
        ("network security group", subnet.network_security_group, "networkSecurityGroup", sources.SUBNET_GROUP),
        ("route table", subnet.route_table, "routeTable", sources.SUBNET_ROUTES),
    ):
        used = UNKNOWN if there is None else at(there, f"properties.{path}.id", None)
        row = same(item, arm_id, f"{field} {what}", before, name_of(used) if isinstance(used, str) else used, why)
        yield replace(row, claims=(used.lower(),) if isinstance(used, str) else (), of=field)


def _prefix(subnet: Document) -> Any:
    prefix = at(subnet, "properties.addressPrefix", None)
    if prefix is None:
        several = texts(at(subnet, "properties.addressPrefixes"))  # newer documents list them [K]
        prefix = several[0] if known(several) and len(several) == 1 else UNKNOWN
    return prefix


def _gateways(item: Network, arm_id: str, sides: Sides) -> Iterator[Check]:
    """Gateways by kind: their names are documented nowhere. The public IP a gateway uses is explained by it."""
    there = [d for d in sides.in_group(arm_id, NETWORK_GATEWAYS) if _inside(d, arm_id)]
    seen = texts([at(d, "properties.gatewayType") for d in there])
    claims = [d["id"].lower() for d in there]
    for document in there:
        configurations = items(at(document, "properties.ipConfigurations", None))
        for configuration in configurations if known(configurations) else ():
            claims.append(str(at(configuration, "properties.publicIPAddress.id", "")).lower())
    before: Any = UNKNOWN
    if known(item.gateways) and not any(gateway.gateway_type is UNKNOWN for gateway in item.gateways):
        before = tuple(str(gateway.gateway_type) for gateway in item.gateways)
    yield replace(same(item, arm_id, "gateways", before, seen, sources.GATEWAYS), claims=tuple(claims))


def _inside(gateway: Document, network_id: str) -> bool:
    configurations = items(at(gateway, "properties.ipConfigurations", None))
    subnets = [str(at(c, "properties.subnet.id", "")) for c in configurations] if known(configurations) else []
    return any(subnet.lower().startswith(f"{network_id}/subnets/".lower()) for subnet in subnets)


def cloned(item: NetworkSecurityGroup | RouteTable, sides: Sides) -> Iterator[Check]:
    arm_id, arm = sides.found(item)
    yield from subject(item, arm_id, sources.CLONED)
    yield same(item, arm_id, "region", item.location, place(at(arm, "location")), sources.LOCATION)


def reserved_address(item: ReservedAddress, sides: Sides) -> Iterator[Check]:
    arm_id, arm = sides.found(item)
    yield from subject(item, arm_id, sources.RESERVED)
    yield same(item, arm_id, "region", item.location, place(at(arm, "location")), sources.LOCATION)
    yield same(item, arm_id, "address", item.address, at(arm, "properties.ipAddress", None), sources.ADDRESS)
    told = at(arm, "properties.publicIPAllocationMethod")
    yield same(item, arm_id, "allocation", "Static", told, sources.ALLOCATION)
    yield free(item, arm_id, "name", item.name, name_of(arm_id) or None, sources.ADDRESS_NAME)


def storage_account(item: StorageAccount, sides: Sides) -> Iterator[Check]:
    arm_id, arm = sides.found(item)
    yield from subject(item, arm_id, sources.STORAGE, group_names(item.id))
    yield same(item, arm_id, "name", item.name, name_of(arm_id) or None, sources.STORAGE)
    yield same(item, arm_id, "region", item.location, place(at(arm, "location")), sources.LOCATION)
    yield same(item, arm_id, "account type", _redundancy(item.account_type), at(arm, "sku.name"), sources.STORAGE_SKU)
    yield changed(item, arm_id, "kind", None, "Storage", at(arm, "kind"), sources.STORAGE_KIND)


def _redundancy(text: str | Unknown) -> str | Unknown:
    """`Standard-GRS` and `Standard_GRS` are the same: the older API writes a dash [K]."""
    return text.replace("-", "_") if isinstance(text, str) else UNKNOWN


def disk(item: Disk, sides: Sides) -> Iterator[Check]:
    if item.attached_to is None:
        yield dropped(item, "unattached disk", item.name, sources.DISK_LEFT)


def setting(item: Setting, sides: Sides) -> Iterator[Check]:
    """What is captured before Prepare and made again as a follow-up. Grants on a storage account are kept (rule
    STG-RBAC) and those of a whole subscription persist: no row."""
    what, why = _SETTINGS.get(ResourceType(item.type), ("", ""))
    if item.type in (ResourceType.ROLE_ASSIGNMENT, ResourceType.MANAGEMENT_LOCK) and known(item.targets):
        targets = [t for t in item.targets if resource_group_of(t)]
        if item.type == ResourceType.ROLE_ASSIGNMENT:
            targets = [t for t in targets if "/microsoft.classicstorage/" not in t]
        if not targets:
            return
    yield dropped(item, what, item.name, why)
