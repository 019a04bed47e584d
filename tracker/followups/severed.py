"""What of a unit was cut off before its Prepare, out of the inventory and out of what fixes kept: peerings on both
sides, gateways that were removed. A peering that is not gone yet counts too: with one no network is migrated, so by
the time of a Prepare that succeeds it was deleted. Reads only.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q

from migrator.followups.severed import LAST_SEEN, NEW_PEERING, TYPES
from migrator.gateway.protocol import Document
from migrator.resources import ResourceType
from tracker.inventory.models import Resource, Unit

_BELOW_GATEWAYS = (
    ResourceType.GATEWAY, ResourceType.CLIENT_ROOT_CERTIFICATE, ResourceType.CLIENT_REVOKED_CERTIFICATE,
)  # fmt: skip
_NETWORK = "Microsoft.Network/virtualNetworks"


def of(unit: Unit, fixed: Iterable[Document] = ()) -> list[Document]:
    """Documents of what was cut off from a unit, each once, by id. `fixed`: what fixes kept of what they removed; of
    such a one no doubt is told."""
    found = {str(each["id"]).lower(): dict(each) for each in fixed if _known(each)}
    for document in _of_inventory(unit):
        found.setdefault(str(document["id"]).lower(), document)
    return [found[key] for key in sorted(found)]


def remote_desktop(unit: Unit, before: datetime) -> list[str]:
    """Ids of the remote desktop extensions that were taken off roles of the unit, seen gone `before` that time (after
    its Commit all are gone)."""
    deployments = unit.members.filter(type=ResourceType.DEPLOYMENT).values_list("key", flat=True)
    below = Q(pk__in=())
    for key in deployments:
        below |= Q(key__startswith=f"{key}/roles/")
    rows = Resource.objects.filter(
        below, type=ResourceType.EXTENSION_REFERENCE, gone_at__lt=before, name__icontains="rdp"
    )
    return list(rows.order_by("key").values_list("azure_id", flat=True))


def _known(document: Document) -> bool:
    return any(str(document.get("type") or "").lower() == kind.lower() for kind in TYPES)


def _of_inventory(unit: Unit) -> Iterator[Document]:
    if unit.kind != "network":
        return
    peerings = Q(type__in=[ResourceType.PEERING, ResourceType.PEERING_PROXY])
    here = Q(key__startswith=f"{unit.key}/")
    there = Q(document__properties__remoteVirtualNetwork__id__iexact=unit.azure_id)
    rows = Resource.objects.filter(
        peerings & (here | there) | Q(type__in=_BELOW_GATEWAYS, gone_at__isnull=False) & here
    )
    for row in rows.order_by("key"):
        yield {**row.document, **_doubt(row)}
    # A Resource Manager network keeps its peerings inside; it is in the inventory because it names a classic network.
    for row in Resource.objects.filter(type__iexact=_NETWORK).order_by("key"):
        for peering in _inside(row.document):
            if _remote(peering).lower() == unit.key:
                place = str(peering.get("id") or f"{row.azure_id}/virtualNetworkPeerings/{peering['name']}")
                yield {**peering, "id": place, "type": NEW_PEERING, **_doubt(row)}


def _doubt(row: Resource) -> dict[str, str]:
    return {LAST_SEEN: row.gone_at.date().isoformat()} if row.gone_at else {}


def _inside(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = (document.get("properties") or {}).get("virtualNetworkPeerings")
    return [each for each in listed or () if isinstance(each, Mapping) and each.get("name")]


def _remote(peering: Mapping[str, Any]) -> str:
    remote = (peering.get("properties") or {}).get("remoteVirtualNetwork")
    return str(remote.get("id") or "").rstrip("/") if isinstance(remote, Mapping) else ""
