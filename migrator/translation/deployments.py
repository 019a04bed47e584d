"""Checks of cloud services and their deployments: web and worker roles, and the shell around virtual machines
(azure.md 4.1–4.3, 4.6)."""

from collections.abc import Iterator, Mapping
from typing import Any

from migrator.counterparts import group_names, group_of
from migrator.resources import UNKNOWN, CloudService, Deployment, Role, SlotType, Unknown, known
from migrator.translation import parts, sources
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
    under,
)

BALANCERS = "microsoft.network/loadbalancers"
VAULTS = "microsoft.keyvault/vaults"
NETWORKS = "microsoft.network/virtualnetworks"


def cloud_service(service: CloudService, sides: Sides) -> Iterator[Check]:
    yield dropped(service, "resource", service.id, sources.CLOUD_SERVICE_GONE)
    if service.label is not None and known(service.label):
        yield dropped(service, "label", service.label, sources.LABEL)


def deployment(item: Deployment, sides: Sides) -> Iterator[Check]:
    if item.slot_type is SlotType.VIRTUAL_MACHINE:
        yield from _machine_service(item, sides)
        return
    service = name_of(item.cloud_service_id)
    arm_id, arm = sides.found(item)
    yield from subject(item, arm_id, sources.DEPLOYMENT, group_names(item.cloud_service_id))
    yield same(item, arm_id, "region", item.location, place(at(arm, "location")), sources.LOCATION)
    yield same(item, arm_id, "slot", item.slot.value, at(arm, "properties.networkProfile.slotType"), sources.SLOT)
    yield from _roles(item, arm_id, arm, sides)
    yield from parts.addresses(item, sides, endpoint=True)
    if known(item.virtual_ips) and item.virtual_ips:
        found = _companion(f"LB-{service}", arm_id, BALANCERS, sides)
        yield changed(item, found, "load balancer", None, f"LB-{service}", name_of(found) or None, sources.BALANCER)
    yield from _certificates(item, service, arm_id, arm, sides)
    yield from _network(item, arm_id, sides)
    if item.label is not None:
        yield dropped(item, "label", item.label, sources.LABEL)


def _network(item: Deployment, arm_id: str, sides: Sides) -> Iterator[Check]:
    if item.virtual_network_id is UNKNOWN:
        yield same(item, arm_id, "virtual network", UNKNOWN, None, sources.DEFAULT_NETWORK)
    elif item.virtual_network_id is None:
        networks = sides.in_group(arm_id, NETWORKS)
        found = networks[0]["id"] if len(networks) == 1 else ""
        yield free(item, found, "virtual network", None, found or None, sources.DEFAULT_NETWORK)


# Roles


def _roles(item: Deployment, arm_id: str, arm: Document, sides: Sides) -> Iterator[Check]:
    found = arm_roles(arm_id, arm, sides)
    if item.roles is UNKNOWN:
        seen = tuple(role["name"] for role in found.values()) if known(found) else UNKNOWN
        yield same(item, arm_id, "roles", UNKNOWN, seen, sources.ROLE)
        return
    for role in item.roles:
        there: Any = found.get(role.name.lower()) if known(found) else UNKNOWN
        yield from _role(role, there, arm_id)
        yield from (under(f"role {role.name}", row) for row in _role_extensions(role, arm_id, arm))
    names = {role.name.lower() for role in item.roles}
    for name, role in found.items() if known(found) else ():
        if name not in names:
            yield surprise(item.key, arm_id, f"role {role['name']}", role["name"])


def arm_roles(arm_id: str, arm: Document, sides: Sides) -> dict[str, Mapping[str, Any]] | Unknown:
    """Roles of a cloud service (extended support) by lower-case name: of its roleProfile, else of role documents."""
    listed = items(at(arm, "properties.roleProfile.roles"))
    if listed is UNKNOWN:
        prefix = f"{arm_id}/roles/".lower()
        listed = tuple(
            {**document, "name": name_of(document["id"])}
            for key, document in sides.counterparts.documents.items()
            if arm_id and key.startswith(prefix) and "/" not in key[len(prefix) :]
        )
        if not listed:
            return UNKNOWN
    return {name.lower(): {**role, "name": name} for role in listed if (name := called(role))}


def _role(role: Role, there: Any, arm_id: str) -> Iterator[Check]:
    """Rows of a role stand under the role's own key, beside the deployment's."""
    role_id = f"{arm_id}/roles/{role.name}" if arm_id else ""
    name = there if there is None or there is UNKNOWN else there["name"]
    field, document = f"role {role.name}", there if isinstance(there, Mapping) else {}
    yield same(role, role_id, field, role.name, name, sources.ROLE)
    yield under(field, parts.size(role, role_id, f"{field} size", at(document, "sku.name")))
    capacity = same(
        role, role_id, f"{field} instances", role.instance_count, at(document, "sku.capacity"), sources.CAPACITY
    )
    yield under(field, capacity)


def _role_extensions(role: Role, arm_id: str, arm: Document) -> Iterator[Check]:
    listed = items(at(arm, "properties.extensionProfile.extensions", None))
    mine = UNKNOWN if listed is UNKNOWN else [e for e in listed if _applies(e, role.name)]
    yield from parts.extensions(role, f"role {role.name} ", role.extensions, mine, arm_id)


def _applies(extension: Mapping[str, Any], role: str) -> bool:
    """Whether an extension of a cloud service (extended support) is on for the role; no list means all roles [K]."""
    roles = at(extension, "properties.rolesAppliedTo", None)
    if not isinstance(roles, list | tuple) or not roles:
        return True
    return any(str(name).lower() in ("*", role.lower()) for name in roles)


# Certificates and what the platform makes beside the deployment


def _certificates(item: Deployment, service: str, arm_id: str, arm: Document, sides: Sides) -> Iterator[Check]:
    owner = sides.cloud_service(item.cloud_service_id)
    certificates = owner.certificates if owner else UNKNOWN
    count = len(certificates) if known(certificates) else UNKNOWN
    yield same(item, arm_id, "service certificates", count, _secrets(arm), sources.CERTIFICATES)
    if known(count) and count:
        vault = _companion(f"KV-{service}", arm_id, VAULTS, sides)
        yield changed(item, vault, "key vault", None, f"KV-{service}", name_of(vault) or None, sources.VAULT)


def _secrets(arm: Document) -> int | Unknown:
    """Certificates in the cloud service's osProfile; a profile that is not there holds none."""
    total = 0
    listed = items(at(arm, "properties.osProfile.secrets", None))
    if listed is UNKNOWN:
        return UNKNOWN
    for secret in listed:
        certificates = items(at(secret, "vaultCertificates", None))
        if certificates is UNKNOWN:
            return UNKNOWN
        total += len(certificates)
    return total


def _companion(name: str, arm_id: str, kind: str, sides: Sides) -> str:
    """What the platform makes beside a deployment, in its group: the one of the documented name, else the only one."""
    found = {name_of(document["id"]).lower(): document["id"] for document in sides.in_group(arm_id, kind)}
    return found.get(name.lower()) or (next(iter(found.values())) if len(found) == 1 else "")


# Cloud services of virtual machines


def _machine_service(item: Deployment, sides: Sides) -> Iterator[Check]:
    machines = sides.machines(item.cloud_service_id)
    found = [new for machine in machines if (new := sides.counterparts.new_id(machine.id))]
    group = group_of(found[0]) if found else ""
    yield free(item, group, "resource", item.id, group or None, sources.MACHINE_SERVICE)
    endpoint: bool | Unknown = any(known(m.input_endpoints) and bool(m.input_endpoints) for m in machines)
    if not endpoint and (not machines or any(m.input_endpoints is UNKNOWN for m in machines)):
        endpoint = UNKNOWN
    yield from parts.addresses(item, sides, endpoint=endpoint)
    if item.label is not None and known(item.label):
        yield dropped(item, "label", item.label, sources.LABEL)
