"""Lists of Resource Manager as documents: what a list and the children of a resource hold, and what of it could not be
read."""

from collections.abc import Mapping
from typing import Any

from migrator.gateway import errors
from migrator.gateway.calls import Calls
from migrator.gateway.endpoint import short_name
from migrator.gateway.protocol import CredentialRefused, GatewayError, Throttled, Unreachable, Unreadable
from migrator.gateway.wire import canonical, clean, type_in
from migrator.resources import ResourceType, subscription_of

# What stops an inventory: everything else would fail the same way, or must not be asked now.
STOPPING = (Throttled, CredentialRefused, Unreachable)
# Codes of "there is no such type", in lower case: the same for every parent, so that one is asked [K].
NO_SUCH_TYPE = frozenset({"invalidresourcetype", "noregisteredproviderfound", "invalidresourcenamespace"})
FROM_GRAPH, FROM_ARM = {"": "graph"}, {"": "arm"}
_OURS = frozenset(ResourceType)
_ENVELOPE_OF_GRAPH = frozenset({"resourceGroup", "subscriptionId", "tenantId"})


def document(item: Mapping[str, Any]) -> dict[str, Any]:
    """A resource as a document: the type in its documented spelling, nothing secret, nothing of the graph's own
    columns. The graph says null of a resource without tags, of which Resource Manager says nothing: so does this."""
    kept = {key: value for key, value in item.items() if key not in _ENVELOPE_OF_GRAPH}
    if kept.get("tags", "") is None:
        del kept["tags"]
    said, resource_id = item.get("type"), str(item.get("id", ""))
    kind = type_in(resource_id)
    kept["type"] = kind if kind in _OURS or not isinstance(said, str) else canonical(said)
    return clean(kept)


def children(calls: Calls, parent_id: str, collection: str) -> list[dict[str, Any]] | Unreadable | None:
    """The children of one kind; None when Azure said before that it has no such kind at all."""
    kind, subscription = f"{type_in(parent_id)}/{collection}", subscription_of(parent_id)
    if kind in calls.not_offered:
        return None
    doing = f"list {collection} of {short_name(parent_id)}"
    try:
        items = list(calls.items(f"{parent_id}/{collection}", calls.version(kind, subscription), doing=doing))
    except STOPPING:
        raise
    except GatewayError as error:
        if error.code.lower() not in NO_SUCH_TYPE:
            return unreadable(error, parent_id, f"{kind}/read")
        calls.not_offered.add(kind)
        sentence = f"Azure does not offer {kind} any more: {error}"
        return Unreadable(resource_id=f"/subscriptions/{subscription}", action=f"{kind}/read", sentence=sentence)
    prefix = f"{parent_id}/{collection}/".lower()
    if not all(str(item.get("id", "")).lower().startswith(prefix) for item in items):
        sentence = f"Azure's answer to the request to {doing} names resources which are not below it."
        return Unreadable(resource_id=parent_id, action=f"{kind}/read", sentence=sentence)
    return [{**document(item), "sources": FROM_ARM} for item in items]


def listed(
    calls: Calls, path: str, version: str, doing: str, resource_id: str, action: str
) -> list[Mapping[str, Any]] | Unreadable:
    """The items of a list, or that they could not be read. Raises what stops an inventory."""
    try:
        return list(calls.items(path, version, doing=doing))
    except STOPPING:
        raise
    except GatewayError as error:
        return unreadable(error, resource_id, action)


def unreadable(error: GatewayError, resource_id: str, action: str) -> Unreadable:
    missing = errors.unreadable_action(error, action)
    return Unreadable(resource_id=resource_id, action=missing, sentence=str(error), retry_after=error.retry_after)
