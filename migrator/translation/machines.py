"""Checks of virtual machines (azure.md 4.2)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from migrator.counterparts import group_names
from migrator.resources import UNKNOWN, Unknown, VirtualMachine, known, subscription_of
from migrator.translation import parts, sources
from migrator.translation.checks import Check, Document, Sides, at, dropped, free, items, name_of, place, same, subject

MACHINE_EXTENSIONS = "microsoft.compute/virtualmachines/extensions"


def machine(item: VirtualMachine, sides: Sides) -> Iterator[Check]:
    arm_id, arm = sides.found(item)
    groups = group_names(str(item.cloud_service_id)) if known(item.cloud_service_id) else ()
    yield from subject(item, arm_id, sources.MACHINE, groups)
    yield same(item, arm_id, "region", item.location, place(at(arm, "location")), sources.LOCATION)
    yield parts.size(item, arm_id, "size", at(arm, "properties.hardwareProfile.vmSize"))
    yield from _interfaces(item, arm_id, arm, sides)
    yield from _addresses(item, arm_id, sides)
    set_id = at(arm, "properties.availabilitySet.id", None)
    set_name = name_of(set_id) if isinstance(set_id, str) else set_id
    row = same(item, arm_id, "availability set", item.availability_set, set_name, sources.AVAILABILITY_SET)
    yield replace(row, claims=(set_id.lower(),) if isinstance(set_id, str) else ())
    yield from _disks(item, arm_id, arm)
    if item.boot_diagnostics is True:
        told = at(arm, "properties.diagnosticsProfile.bootDiagnostics.enabled", None)
        if told is True:
            yield same(item, arm_id, "boot diagnostics", True, told, sources.BOOT_DIAGNOSTICS)
        else:
            yield dropped(item, "boot diagnostics", True, sources.BOOT_DIAGNOSTICS)
    if isinstance(item.license_type, str) and item.license_type:
        told = at(arm, "properties.licenseType", None)
        if told is None:
            yield dropped(item, "licence type", item.license_type, sources.LICENSE)
        else:
            yield same(item, arm_id, "licence type", item.license_type, told, sources.LICENSE)
    found = _arm_extensions(arm_id, arm, sides)
    yield from parts.extensions(item, "", item.extensions, found, arm_id, machine=True)


def _interfaces(item: VirtualMachine, arm_id: str, arm: Document, sides: Sides) -> Iterator[Check]:
    listed = items(at(arm, "properties.networkProfile.networkInterfaces"))
    ids = tuple(str(interface.get("id", "")).lower() for interface in listed) if known(listed) else ()
    count = len(ids) if known(listed) else UNKNOWN
    row = same(item, arm_id, "network interfaces", item.network_interface_count, count, sources.INTERFACES)
    yield replace(row, claims=ids)
    seen, method = _private_address(ids, listed, sides)
    if sides.subnet and item.virtual_network_id is None:
        there = _subnet(ids, listed, sides)
        there = there.lower() if isinstance(there, str) else there
        yield same(item, arm_id, "subnet", sides.subnet.lower(), there, sources.SUBNET_CHOSEN)
    static = item.static_address if isinstance(item.static_address, str) else None
    before = static or item.private_address
    if item.virtual_network_id is UNKNOWN:
        yield same(item, arm_id, "private address", UNKNOWN, seen, sources.PRIVATE_ADDRESS)
    elif item.virtual_network_id is None or before is None:
        why = sources.PRIVATE_ADDRESS_FREE if item.virtual_network_id is None else sources.PRIVATE_ADDRESS_NONE
        yield free(item, arm_id, "private address", before, "none yet" if seen is None else seen, why)
    else:
        yield same(item, arm_id, "private address", before, seen, sources.PRIVATE_ADDRESS)
    if static and item.virtual_network_id is not None:
        yield same(item, arm_id, "private address allocation", "Static", method, sources.STATIC_ADDRESS)


def _subnet(ids: tuple[str, ...], listed: tuple[Mapping[str, Any], ...] | Unknown, sides: Sides) -> Any:
    """Id of the subnet of the primary interface."""
    found = _configuration(ids, listed, sides)
    return UNKNOWN if found is UNKNOWN else at(found, "properties.subnet.id", None)


def _private_address(
    ids: tuple[str, ...], listed: tuple[Mapping[str, Any], ...] | Unknown, sides: Sides
) -> tuple[Any, Any]:
    """Address and allocation of the primary interface."""
    first = _configuration(ids, listed, sides)
    if first is UNKNOWN:
        return UNKNOWN, UNKNOWN
    return at(first, "properties.privateIPAddress", None), at(first, "properties.privateIPAllocationMethod")


def _configuration(ids: tuple[str, ...], listed: tuple[Mapping[str, Any], ...] | Unknown, sides: Sides) -> Any:
    """The first address of the primary interface (the one marked so, else the first)."""
    if listed is UNKNOWN or not ids:
        return UNKNOWN
    primary = next((i for i, n in enumerate(listed) if at(n, "properties.primary", False) is True), 0)
    configurations = items(at(sides.counterparts.document(ids[primary]), "properties.ipConfigurations"))
    if configurations is UNKNOWN or not configurations:
        return UNKNOWN
    return next((c for c in configurations if at(c, "properties.primary", False) is True), configurations[0])


def _addresses(item: VirtualMachine, arm_id: str, sides: Sides) -> Iterator[Check]:
    """Addresses of the machine that are not VIPs of its cloud service (those are rows of the deployment)."""
    if item.public_addresses is UNKNOWN:
        yield same(item, arm_id, "public addresses", UNKNOWN, None, sources.ADDRESS)
        return
    virtual: set[str] = set()
    for deployment in sides.deployments(str(item.cloud_service_id)):
        virtual |= {str(vip.address) for vip in deployment.virtual_ips} if known(deployment.virtual_ips) else set()
    for address in item.public_addresses:
        if address not in virtual:
            public = sides.counterparts.with_address(item.subscription, address)
            found = public["id"] if public else ""
            yield same(item, found, f"public address {address}", address, address if public else None, sources.ADDRESS)


def _disks(item: VirtualMachine, arm_id: str, arm: Document) -> Iterator[Check]:
    system = at(arm, "properties.storageProfile.osDisk")
    data = items(at(arm, "properties.storageProfile.dataDisks", None))
    count: Any = UNKNOWN
    blobs: Any = UNKNOWN
    if isinstance(system, Mapping) and known(data):
        uris = [at(disk, "vhd.uri") for disk in (system, *data)]
        count, blobs = len(uris), UNKNOWN if UNKNOWN in uris else tuple(uris)
    if item.disks is UNKNOWN:
        yield same(item, arm_id, "disks", UNKNOWN, count, sources.DISKS)
        return
    yield same(item, arm_id, "disks", len(item.disks), count, sources.DISKS)
    before = [disk.vhd_uri for disk in item.disks]
    yield same(item, arm_id, "disk blobs", UNKNOWN if UNKNOWN in before else tuple(before), blobs, sources.DISKS)


def _arm_extensions(arm_id: str, arm: Document, sides: Sides) -> list[Mapping[str, Any]] | Unknown:
    """Extensions as documents of their own and as children inside the machine's document [K]; each once."""
    if not arm_id or at(arm, "properties") is UNKNOWN:
        return UNKNOWN
    inside = items(at(arm, "resources", None))
    found = {}
    for index, child in enumerate(inside if known(inside) else ()):
        if str(child.get("type", "")).lower() == MACHINE_EXTENSIONS:
            found[str(child.get("id", index)).lower()] = child
    for document in sides.counterparts.of_type(subscription_of(arm_id), MACHINE_EXTENSIONS):
        if document["id"].lower().startswith(arm_id.lower() + "/extensions/"):
            found[document["id"].lower()] = document
    return list(found.values())
