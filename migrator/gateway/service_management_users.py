"""Who uses a network security group: what service management says of subnets and machines, put into the documents of
Resource Manager where those are silent.

A subnet of a site and a machine of a deployment name their group (azure.md 1.4 [S]). That one which is listed and names
none has none is inferred [I]: both elements are optional in the public clients.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from migrator.gateway.protocol import Document
from migrator.gateway.wire.service_management import SOURCE, Ids, MachineFacts
from migrator.gateway.wire.service_management_xml import Xml
from migrator.resources import ResourceType

_OF_ENDPOINTS = ("loadBalancedEndpointSetName", "loadBalancerName", "endpointAcl")


def reference(name: str, ids: Ids) -> dict[str, str] | None:
    """A group as Resource Manager's documents name it; None for no name."""
    return {"id": ids.of(ResourceType.NETWORK_SECURITY_GROUP, name), "name": name} if name else None


def groups_of_subnets(site: Xml) -> dict[str, str]:
    """The name of the group of each subnet, "" for none, by lower-case name of the subnet."""
    return {
        subnet.word("Name").lower(): subnet.word("NetworkSecurityGroup")
        for subnet in site.items("Subnets", "Subnet") or []
    }


def with_groups(document: Document, site: Xml, ids: Ids) -> Document:
    """A network whose subnets name their groups."""
    properties, told = document["properties"], groups_of_subnets(site)
    subnets, changed = properties.get("subnets"), []
    for subnet in subnets if isinstance(subnets, list) else []:
        name = str(subnet.get("name", "")).lower() if isinstance(subnet, Mapping) else ""
        if name in told and "networkSecurityGroup" not in subnet:
            subnet = {**subnet, "networkSecurityGroup": reference(told[name], ids)}
        changed.append(subnet)
    if not changed or changed == subnets:
        return document
    sources = {**document.get("sources", {}), "properties.subnets.networkSecurityGroup": SOURCE}
    return {**document, "properties": {**properties, "subnets": changed}, "sources": sources}


def is_silent(properties: Mapping[str, Any]) -> bool:
    """Whether a machine's document leaves out what its deployment tells."""
    hardware, profile = properties.get("hardwareProfile"), properties.get("networkProfile")
    return (isinstance(hardware, Mapping) and "availabilitySetName" not in hardware) or (
        isinstance(profile, Mapping) and "networkSecurityGroup" not in profile
    )


def with_machine(document: Document, told: MachineFacts, ids: Ids) -> Document:
    """A machine with the set, the group and the balancers its deployment names."""
    properties, sources = dict(document["properties"]), dict(document.get("sources", {}))

    def fill(part: str, name: str, value: Any) -> None:
        inner = properties.get(part)
        if isinstance(inner, Mapping) and name not in inner:
            properties[part] = {**inner, name: value}
            sources[f"properties.{part}.{name}"] = SOURCE

    if told.availability_set:  # that none is named proves nothing here: see the head of this file
        fill("hardwareProfile", "availabilitySetName", told.availability_set)
    if told.security_group is not None:
        fill("networkProfile", "networkSecurityGroup", reference(told.security_group, ids))
    profile = properties.get("networkProfile")
    points = profile.get("inputEndpoints") if isinstance(profile, Mapping) else None
    if isinstance(points, list) and (completed := _endpoints(points, told.endpoints)) != points:
        properties["networkProfile"] = {**properties["networkProfile"], "inputEndpoints": completed}
        sources["properties.networkProfile.inputEndpoints"] = SOURCE
    return {**document, "properties": properties, "sources": sources}


def _endpoints(points: list[Any], told: Iterable[Document]) -> list[Any]:
    """Endpoints with their sets, balancers and access lists, by name."""
    by_name = {str(one.get("endpointName", "")).lower(): one for one in told}
    found = []
    for point in points:
        said = by_name.get(str(point.get("endpointName", "")).lower(), {}) if isinstance(point, Mapping) else {}
        more = {name: said[name] for name in _OF_ENDPOINTS if said.get(name) is not None and name not in point}
        found.append({**point, **more} if more else point)
    return found


def with_associations(group: Document, users: Iterable[str]) -> Document:
    """A security group with the names of what uses it."""
    sources = {**group.get("sources", {}), "properties.associations": SOURCE}
    return {**group, "properties": {**group["properties"], "associations": sorted(users)}, "sources": sources}
