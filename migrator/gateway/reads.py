"""Reads beside the inventory (azure.md 5, 6, 12). Each asks when it is called; nothing is remembered. Nobody calls them
yet: they are what quota and follow-ups are built on (issue 6), each says for what.

Documents come as Azure sent them, secrets taken out: a connection's shared key never leaves this module.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from migrator.gateway.calls import Calls
from migrator.gateway.endpoint import resource_path, segment, short_name
from migrator.gateway.inventory import document
from migrator.gateway.protocol import Document
from migrator.gateway.wire.fields import normal_location
from migrator.resources import OfferedSize, subscription_of

# What hangs on a migrated or rebuilt gateway (azure.md 6.6): collections of Microsoft.Network in a resource group.
TARGET_COLLECTIONS = ("virtualNetworkGateways", "localNetworkGateways", "connections")


def sizes(calls: Calls, subscription: str, location: str) -> list[OfferedSize]:
    """Sizes of a region (azure.md 12 [V] for the address; the row's shape [K]). Rows of other things are left out. For
    the need of quota by size and family (issue 6.1)."""
    place = normal_location(location)
    path = f"/subscriptions/{segment(subscription)}/providers/Microsoft.Compute/skus"
    version = calls.version("Microsoft.Compute/skus", subscription)
    chosen = {"$filter": f"location eq '{segment(place)}'"}
    found = []
    for item in calls.items(path, version, doing=f"list the sizes of {place}", **chosen):
        name = item.get("name")
        if str(item.get("resourceType", "")).lower() != "virtualmachines" or not isinstance(name, str):
            continue
        found.append(
            OfferedSize(
                name=name,
                family=str(item.get("family") or ""),
                vcpus=_capability(item, "vCPUs"),
                restrictions=tuple(_restrictions(item, place)),
            )
        )
    return found


def _rows(item: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = item.get(name)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _capability(item: Mapping[str, Any], wanted: str) -> int | None:
    for row in _rows(item, "capabilities"):
        if str(row.get("name", "")).lower() == wanted.lower():
            text = row.get("value")
            return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 6 else None
    return None


def _restrictions(item: Mapping[str, Any], place: str) -> Iterator[str]:
    """Restrictions of the whole region; one of some zones only does not stop a migration, which names no zone [I]."""
    for row in _rows(item, "restrictions"):
        if str(row.get("type", "")).lower() == "location":
            yield str(row.get("reasonCode") or "restricted")[:100]


def metric_definitions(calls: Calls, resource_id: str) -> list[Document]:
    """The metrics a resource offers now (azure.md 6.1 [V] for the address): before a rebuilt rule names one
    (issue 6.3)."""
    path = f"{resource_path(resource_id)}/providers/Microsoft.Insights/metricDefinitions"
    version = calls.version("Microsoft.Insights/metricDefinitions", subscription_of(resource_id))
    doing = f"list the metrics of {short_name(resource_id)}"
    return [document(item) for item in calls.items(path, version, doing=doing)]


def classic_administrators(calls: Calls, subscription: str) -> list[Document]:
    """Administrators of the classic kind, who must become owners (azure.md 6.5), with their addresses: for the capture
    before Prepare (issue 6.2). The addresses are personal data, which the inventory leaves out (`beside`)."""
    path = f"/subscriptions/{segment(subscription)}/providers/Microsoft.Authorization/classicAdministrators"
    version = calls.version("Microsoft.Authorization/classicAdministrators", subscription)
    return [document(item) for item in calls.items(path, version, doing="list classic administrators")]


def gateways_in(calls: Calls, group_id: str) -> list[Document]:
    """Gateways, local gateways and connections in a resource group (azure.md 6.6): the proof that one was rebuilt
    (issue 6.3)."""
    base, found = resource_path(group_id), list[Document]()
    for collection in TARGET_COLLECTIONS:
        version = calls.version(f"Microsoft.Network/{collection}", subscription_of(group_id))
        doing = f"list {collection} in {group_id.rsplit('/', 1)[-1]}"
        path = f"{base}/providers/Microsoft.Network/{collection}"
        found += [document(item) for item in calls.items(path, version, doing=doing)]
    return found


def peerings_of(calls: Calls, network_id: str) -> list[Document]:
    """Peerings of a Resource Manager network, with `properties.peeringState` (azure.md 6.6): the proof that both sides
    are made again (issue 6.3)."""
    version = calls.version("Microsoft.Network/virtualNetworks", subscription_of(network_id))
    path = f"{resource_path(network_id)}/virtualNetworkPeerings"
    return [document(item) for item in calls.items(path, version, doing=f"list peerings of {short_name(network_id)}")]


# Support (azure.md 5.3), for quota that is refused (issue 6.1). The lists of services and of problems belong to no
# subscription.


def support_services(calls: Calls, subscription: str) -> list[Document]:
    """What a ticket can be about. `subscription`: whose metadata says the version."""
    version = calls.version("Microsoft.Support/services", subscription)
    found = calls.items("/providers/Microsoft.Support/services", version, doing="list what a ticket can be about")
    return [document(item) for item in found]


def support_problems(calls: Calls, subscription: str, service: str) -> list[Document]:
    """The problems of one service (its name, a GUID)."""
    version = calls.version("Microsoft.Support/services", subscription)
    path = f"/providers/Microsoft.Support/services/{segment(service)}/problemClassifications"
    return [document(item) for item in calls.items(path, version, doing="list the kinds of problem")]


def support_tickets(calls: Calls, subscription: str) -> list[Document]:
    """Tickets of a subscription."""
    version = calls.version("Microsoft.Support/supportTickets", subscription)
    path = f"/subscriptions/{segment(subscription)}/providers/Microsoft.Support/supportTickets"
    return [document(item) for item in calls.items(path, version, doing="list support tickets")]
