"""One look at both sides of a unit. Doubt stays doubt: what could not be read makes its side UNREADABLE, never
ABSENT."""

from collections.abc import Iterable, Mapping
from typing import Any

from migrator.gateway import versions
from migrator.gateway.calls import Calls
from migrator.gateway.endpoint import resource_path, segment, short_name
from migrator.gateway.inventory import document, unreadable
from migrator.gateway.protocol import (
    ArmSide,
    ClassicSide,
    Document,
    GatewayError,
    NotFound,
    Observed,
    Unreadable,
)
from migrator.gateway.wire import sides, type_in
from migrator.resources import subscription_of

Reading = tuple[list[Document], list[Unreadable]]


def observe(calls: Calls, unit_id: str, members: tuple[str, ...]) -> Observed:
    """`AzureGateway.observe`. Reads the unit; its members only when the unit itself is gone, to see whether all of it
    is; then everything in the unit's `-migrated` resource groups."""
    classic, classic_doubts = _classic(calls, unit_id, members)
    arm, arm_doubts = _arm(calls, unit_id, members)
    # A part which was read and is there settles the question even when another part could not be read.
    classic_side = sides.classic_side(classic)
    if classic_side is ClassicSide.ABSENT and classic_doubts:
        classic_side = ClassicSide.UNREADABLE
    arm_side = sides.arm_side(unit_id, arm)
    if arm_side is ArmSide.ABSENT and arm_doubts:
        arm_side = ArmSide.UNREADABLE
    return Observed(
        classic=classic_side,
        arm=arm_side,
        classic_documents=tuple(classic),
        arm_documents=tuple(arm),
        unreadable=(*classic_doubts, *arm_doubts),
        parts_only=bool(classic) and str(classic[0].get("id", "")).lower() != unit_id.rstrip("/").lower(),
    )


def read(calls: Calls, resource_id: str) -> Document | None:
    """`AzureGateway.read`."""
    try:
        return document(calls.resource(resource_path(resource_id), doing=f"read {short_name(resource_id)}"))
    except NotFound:
        return None


def _look(calls: Calls, resource_id: str, doubts: list[Unreadable]) -> Document | None:
    try:
        return read(calls, resource_id)
    except GatewayError as error:
        doubts.append(unreadable(error, resource_id, f"{type_in(resource_id)}/read"))
    return None


def _classic(calls: Calls, unit_id: str, members: tuple[str, ...]) -> Reading:
    doubts: list[Unreadable] = []
    unit = _look(calls, unit_id, doubts)
    if unit is not None or doubts:
        return ([unit] if unit is not None else []), doubts
    for member in members:
        if not sides.is_vanishing(member) or member.lower() == unit_id.lower():
            continue
        found = _look(calls, member, doubts)
        if found is not None:  # the unit is gone and a part of it is not: one part settles it
            return [found], doubts
    return [], doubts


def _arm(calls: Calls, unit_id: str, members: tuple[str, ...]) -> Reading:
    subscription = subscription_of(unit_id)
    doubts: list[Unreadable] = []
    wanted = sides.migrated_groups(unit_id, members)
    base = f"/subscriptions/{subscription}"
    groups = _list(calls, f"{base}/resourcegroups", "list resource groups", base, doubts)
    names = [str(group.get("name", "")) for group in groups]
    found: dict[str, Document] = {}
    for name in (name for name in names if name.lower() in wanted):
        path = f"{base}/resourceGroups/{segment(name)}/resources"
        for item in _list(calls, path, f"list what is in {name}", f"{base}/resourceGroups/{name}", doubts):
            resource_id = item.get("id")
            if not isinstance(resource_id, str) or resource_id.lower() in found:
                continue
            if str(item.get("type", "")).lower().startswith("microsoft.classic"):
                continue  # a classic resource may have been moved into such a group
            before = len(doubts)
            body = _look(calls, resource_id, doubts)
            if body is None and len(doubts) == before:
                continue  # listed a moment ago and gone now
            found[resource_id.lower()] = body if body is not None else document(item)
            if type_in(resource_id).lower() == "microsoft.compute/cloudservices" and body is not None:
                found |= _roles_of(calls, resource_id, doubts)
    return list(found.values()), doubts


def _roles_of(calls: Calls, cloud_service_id: str, doubts: list[Unreadable]) -> dict[str, Document]:
    version = calls.version_for(cloud_service_id)
    try:
        doing = f"list roles of {short_name(cloud_service_id)}"
        roles = [document(item) for item in calls.items(f"{cloud_service_id}/roles", version, doing=doing)]
    except GatewayError as error:
        doubts.append(unreadable(error, cloud_service_id, "Microsoft.Compute/cloudServices/roles/read"))
        return {}
    return {role["id"].lower(): role for role in roles if isinstance(role.get("id"), str)}


def _list(
    calls: Calls, path: str, doing: str, resource_id: str, doubts: list[Unreadable]
) -> Iterable[Mapping[str, Any]]:
    try:
        return list(calls.items(path, versions.RESOURCES, doing=doing))
    except GatewayError as error:
        doubts.append(unreadable(error, resource_id, "Microsoft.Resources/subscriptions/resourceGroups/read"))
        return []
