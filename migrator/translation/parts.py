"""Checks that deployments and machines share: sizes, extensions, public addresses."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from migrator import sizes
from migrator.counterparts import PUBLIC_ADDRESSES
from migrator.resources import (
    UNKNOWN,
    Deployment,
    Extension,
    Resource,
    Role,
    Slot,
    Unknown,
    VirtualIp,
    VirtualMachine,
    known,
)
from migrator.translation import sources
from migrator.translation.checks import (
    Check,
    Sides,
    at,
    called,
    changed,
    dropped,
    free,
    name_of,
    same,
    surprise,
    texts,
    under,
)

# XML extensions, not migrated for machines (rule VM-EXT-XML); without case; BGInfo only in its 1.* versions.
XML_EXTENSIONS = ("bginfo", "vsdebug", "visualstudio", "webdeploy", "remotedebug")


def size(resource: Role | VirtualMachine, arm_id: str, field: str, seen: Any) -> Check:
    listed = sizes.size(resource.size) if isinstance(resource.size, str) else None
    after = listed.arm_name if listed else resource.size
    why = sources.SIZE if listed else sources.SIZE_UNLISTED
    return changed(resource, arm_id, field, resource.size, after, seen, why)


def extensions(
    resource: Resource,
    prefix: str,
    classic: tuple[Extension, ...] | Unknown,
    found: list[Mapping[str, Any]] | Unknown,
    arm_id: str,
    *,
    machine: bool = False,
) -> Iterator[Check]:
    if classic is UNKNOWN:
        seen = UNKNOWN if found is UNKNOWN else tuple(called(e) for e in found)
        yield same(resource, arm_id, f"{prefix}extensions", UNKNOWN, seen, sources.EXTENSION)
        return
    left = list(found) if known(found) else []
    for extension in classic:
        match = next((e for e in left if _is(extension, e)), None)
        if match is not None:
            left.remove(match)
        seen = UNKNOWN if found is UNKNOWN else (None if match is None else "enabled")
        field = f"{prefix}extension {extension.name}"
        if extension.enabled is UNKNOWN:
            yield same(resource, arm_id, field, UNKNOWN, seen, sources.EXTENSION)
        elif not extension.enabled:
            yield dropped(resource, field, "disabled", sources.EXTENSION_DISABLED, seen, arm_id)
        elif machine and is_xml(extension):
            yield dropped(resource, field, "enabled", sources.EXTENSION_XML, seen, arm_id)
        else:
            yield same(resource, arm_id, field, "enabled", seen, sources.EXTENSION)
    for extra in left:
        kind = at(extra, "properties.type", None)
        name = called(extra) or (kind if isinstance(kind, str) else "")
        yield surprise(resource.key, arm_id, f"{prefix}extension {name}".rstrip(), "enabled")


def is_xml(extension: Extension) -> bool:
    """Whether the extension of a machine is one of the XML ones (rule VM-EXT-XML)."""
    name = str(extension.type if known(extension.type) else extension.name).lower()
    if name.startswith("bginfo"):
        return not known(extension.version) or str(extension.version).startswith("1")
    return any(name.startswith(start) for start in XML_EXTENSIONS[1:])


def _is(classic: Extension, found: Mapping[str, Any]) -> bool:
    """By publisher and type where both sides tell; else by name."""
    properties = found.get("properties") if isinstance(found.get("properties"), Mapping) else {}
    told = (properties.get("publisher"), properties.get("type"))
    if known(classic.publisher) and known(classic.type) and all(isinstance(text, str) for text in told):
        return (str(classic.publisher).lower(), str(classic.type).lower()) == (told[0].lower(), told[1].lower())
    names = {classic.name.lower()} | ({str(classic.type).lower()} if known(classic.type) else set())
    return called(found).lower() in names


def addresses(item: Deployment, sides: Sides, *, endpoint: bool | Unknown) -> Iterator[Check]:
    """The VIPs of a deployment. `endpoint`: whether it has an input endpoint, without which a VIP of machines stays."""
    listed = item.virtual_ips if known(item.virtual_ips) else ()
    told = [vip for vip in listed if vip.address is not UNKNOWN]
    if item.virtual_ips is UNKNOWN or len(told) < len(listed):
        yield _untold(item, [str(vip.address) for vip in told], sides)
    for vip in told:
        yield from _address(item, vip, sides, endpoint)
    yield from _dns(item, sides)


def _untold(item: Deployment, told: list[str], sides: Sides) -> Check:
    """Addresses nobody read before Prepare, beside those found in the group that are none of the others."""
    there = sides.in_group(sides.found(item)[0], PUBLIC_ADDRESSES)
    there = [document for document in there if at(document, "properties.ipAddress") not in told]
    seen = texts([at(document, "properties.ipAddress") for document in there])
    row = same(item, "", "public addresses", UNKNOWN, seen, sources.ADDRESS)
    return replace(row, claims=tuple(document["id"].lower() for document in there))


def _dns(item: Deployment, sides: Sides) -> Iterator[Check]:
    """The name clients use: the cloud service's, on one of its public addresses. Only Production carries it [K]."""
    if item.slot is not Slot.PRODUCTION or item.virtual_ips is UNKNOWN or not item.virtual_ips:
        return
    service = name_of(item.cloud_service_id)
    labels: dict[str, str] = {}
    for vip in item.virtual_ips:
        public = sides.counterparts.with_address(item.subscription, str(vip.address))
        label = at(public or {}, "properties.dnsSettings.domainNameLabel")
        if public and isinstance(label, str):
            labels[label.lower()] = public["id"]
    seen: Any = service if service.lower() in labels else (next(iter(labels)) if labels else UNKNOWN)
    found = labels.get(service.lower()) or next(iter(labels.values()), "")
    row = same(item, found, "DNS label", service, seen, sources.DNS)
    yield under(f"public address {item.virtual_ips[0].address}", row)


def _address(item: Deployment, vip: VirtualIp, sides: Sides, endpoint: bool | Unknown) -> Iterator[Check]:
    text = str(vip.address)
    field = f"public address {text}"
    public = sides.counterparts.with_address(item.subscription, text)
    if public is None and endpoint is False:
        yield dropped(item, field, text, sources.VIP_WITHOUT_ENDPOINT)
        return
    if public is None and endpoint is UNKNOWN:
        yield same(item, "", field, UNKNOWN, None, sources.VIP_WITHOUT_ENDPOINT)
        return
    found, document = (public["id"], public) if public else ("", {})
    yield same(item, found, field, text, text if public else None, sources.ADDRESS)
    allocation = UNKNOWN if vip.reserved is UNKNOWN else ("Static" if vip.reserved else "Dynamic")
    told = at(document, "properties.publicIPAllocationMethod")
    yield under(field, same(item, found, f"{field} allocation", allocation, told, sources.ALLOCATION))
    sku = at(document, "sku.name")
    yield under(field, changed(item, found, f"{field} SKU", None, "Basic", sku, sources.SKU))
    name = vip.reserved_ip_name if isinstance(vip.reserved_ip_name, str) else vip.name
    # The address is what counts; any other name than the documented one is the known fault.
    seen = name_of(found) or None
    yield under(field, free(item, found, f"{field} name", name if known(name) else None, seen, sources.ADDRESS_NAME))
