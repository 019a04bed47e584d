"""What an inventory reads beside the resources themselves (azure.md 1.1, 6.5): classic administrators, cross
connections of ExpressRoute, and what a gateway or an extension reference does not say of itself.

Shapes are inferred [I] from the names of the older API where no public text gives them.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from migrator.gateway.calls import Calls
from migrator.gateway.endpoint import segment
from migrator.gateway.listing import FROM_ARM, NO_SUCH_TYPE, STOPPING, document, unreadable
from migrator.gateway.protocol import Document, GatewayError, NotFound, Unreadable
from migrator.gateway.wire.others import without_person
from migrator.resources import ResourceType

Children = list[dict[str, Any]] | Unreadable | None


def of_subscription(calls: Calls, subscription: str, kind: str, doing: str) -> list[Mapping[str, Any]] | Unreadable:
    """A list of a whole subscription. Where Azure does not know the type, or there is nothing at its address, there is
    none [I]."""
    path = f"/subscriptions/{segment(subscription)}/providers/{kind}"
    try:
        return list(calls.items(path, calls.version(kind, subscription), doing=doing))
    except STOPPING:
        raise
    except GatewayError as error:
        if error.code.lower() in NO_SUCH_TYPE or isinstance(error, NotFound):
            return []
        return unreadable(error, f"/subscriptions/{subscription}", f"{kind}/read")


# Classic administrators


def administrators(calls: Calls, subscription: str) -> Iterator[Document | Unreadable]:
    """Who administers the subscription in the classic way: the role of each, and of the address only the domain. The
    person's name stays out of the inventory, whose snapshots are kept for ever; `reads.classic_administrators` tells
    it when it is needed. There may be none any more: the kind was retired on 2024-08-31 (azure.md 10)."""
    found = of_subscription(calls, subscription, ResourceType.CLASSIC_ADMINISTRATOR, "list classic administrators")
    if isinstance(found, Unreadable):
        yield found
        return
    for item in found:
        if isinstance(item.get("id"), str):
            yield {**without_person(document(item)), "sources": FROM_ARM}


# ExpressRoute


def cross_connections(
    calls: Calls, subscription: str, with_children: Callable[[Calls, dict[str, Any]], Iterator[Document | Unreadable]]
) -> Iterator[Document | Unreadable]:
    """The provider's side of classic circuits with their peerings. Few subscriptions have any."""
    found = of_subscription(calls, subscription, ResourceType.CROSS_CONNECTION, "list ExpressRoute cross connections")
    if isinstance(found, Unreadable):
        yield found
        return
    for item in found:
        if isinstance(item.get("id"), str):
            yield from with_children(calls, {**document(item), "sources": FROM_ARM})


# Gateways and extensions


def with_connections(
    gateway: dict[str, Any], read: Callable[[], Children], below: list[Document | Unreadable]
) -> dict[str, Any]:
    """A gateway with its connections, which are read where its document does not hold them. What cannot be read goes
    to `below`."""
    properties = gateway.get("properties")
    if not isinstance(properties, Mapping) or properties.get("connections") is not None:
        return gateway
    found = read()
    if isinstance(found, Unreadable):
        below.append(found)
    if not isinstance(found, list):
        return gateway
    connections = [{"name": one.get("name"), **_inner(one)} for one in found]
    sources = {**gateway.get("sources", {}), "properties.connections": "arm"}
    return {**gateway, "properties": {**properties, "connections": connections}, "sources": sources}


def _inner(item: Mapping[str, Any]) -> Mapping[str, Any]:
    said = item.get("properties")
    return said if isinstance(said, Mapping) else {}


def untold(found: Mapping[str, Any]) -> bool:
    """Whether this is an extension reference which does not say of what: its name is then all there is (azsk [S])."""
    return found.get("type") == ResourceType.EXTENSION_REFERENCE and _inner(found).get("type") is None
