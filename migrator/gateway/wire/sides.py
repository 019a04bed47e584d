"""What a reading says about both sides of a unit: pure functions from documents."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from migrator.gateway.protocol import ArmSide, ClassicSide
from migrator.gateway.wire.assembly import canonical, type_in
from migrator.resources import ResourceType, resource_group_of

# Where a Resource Manager body shows migrationState is inferred [I]; the values are seen in public tooling [S]
# (azure.md 2.7).
_STATES = {
    "preparing": ClassicSide.PREPARING,
    "prepared": ClassicSide.PREPARED,
    "aborting": ClassicSide.ABORTING,
    "committing": ClassicSide.COMMITTING,
}

# What each kind of unit turns into (azure.md 4.1, 4.2); lower case. One of them in a `-migrated` group means that the
# copy exists.
COUNTERPARTS: Mapping[str, tuple[str, ...]] = {
    ResourceType.NETWORK: ("microsoft.network/virtualnetworks",),
    ResourceType.DEPLOYMENT: ("microsoft.compute/cloudservices", "microsoft.compute/virtualmachines"),
    ResourceType.STORAGE_ACCOUNT: ("microsoft.storage/storageaccounts",),
    ResourceType.RESERVED_ADDRESS: ("microsoft.network/publicipaddresses",),
    ResourceType.NETWORK_SECURITY_GROUP: ("microsoft.network/networksecuritygroups",),
    ResourceType.ROUTE_TABLE: ("microsoft.network/routetables",),
}

# Members whose classic record goes at Commit; NSGs and route tables are cloned and stay (azure.md 4.2).
VANISHING = frozenset({ResourceType.DEPLOYMENT, ResourceType.VIRTUAL_MACHINE, ResourceType.NETWORK})


def classic_side(documents: Iterable[Mapping[str, Any]]) -> ClassicSide:
    """The side as the documents of a unit show it, the unit's own first; ABSENT when there are none. The first
    document that carries a migrationState decides; none means PRESENT."""
    side = ClassicSide.ABSENT
    for document in documents:
        side = ClassicSide.PRESENT if side is ClassicSide.ABSENT else side
        properties = document.get("properties")
        state = properties.get("migrationState") if isinstance(properties, Mapping) else None
        if isinstance(state, str) and state.lower() in _STATES:
            return _STATES[state.lower()]
    return side


def arm_side(unit_id: str, documents: Iterable[Mapping[str, Any]]) -> ArmSide:
    """PRESENT when the documents found in the unit's `-migrated` groups hold a counterpart of the unit; an empty
    group left by Abort does not count [I]."""
    wanted = COUNTERPARTS.get(type_in(unit_id), ())
    kinds = {str(document.get("type", "")).lower() for document in documents}
    return ArmSide.PRESENT if any(kind in kinds for kind in wanted) else ArmSide.ABSENT


def migrated_groups(unit_id: str, members: Iterable[str], sites: Mapping[str, str] | None = None) -> frozenset[str]:
    """Names (lower case) of the groups the platform makes for a unit (azure.md 2.8): `{name}-migrated` for the unit
    and for every cloud service, network and storage account in it; for a network also
    `group-{group}-{name}-migrated`, the form for a portal-made one. `sites`: names networks carry in service
    management, by lower-case id."""
    names: set[str] = set()
    for resource_id in (unit_id, *members):
        names |= set(_own_groups(resource_id))
        site = (sites or {}).get(resource_id.lower(), "")
        if site:
            names.add(re.sub(r"\s+", "-", site.strip()))
    return frozenset(f"{name}-migrated".lower() for name in names)


def _own_groups(resource_id: str) -> list[str]:
    kind, parts = type_in(resource_id), resource_id.strip("/").split("/")
    if kind == ResourceType.NETWORK:
        return [parts[-1], f"group-{resource_group_of(resource_id)}-{parts[-1]}"]
    if kind in (ResourceType.DEPLOYMENT, ResourceType.CLOUD_SERVICE):
        return [_cloud_service_name(resource_id)]
    if kind in COUNTERPARTS:
        return [parts[-1]]
    return []


def _cloud_service_name(resource_id: str) -> str:
    parts = resource_id.strip("/").split("/")
    places = [index for index, part in enumerate(parts) if part.lower() == "domainnames"]
    return parts[places[0] + 1] if places and len(parts) > places[0] + 1 else parts[-1]


def is_vanishing(resource_id: str) -> bool:
    return canonical(type_in(resource_id)) in VANISHING
