"""Reading one subscription into documents: Resource Graph for the list, Resource Manager for what hangs below and
beside."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Protocol

from migrator.gateway import beside, errors, protection, versions
from migrator.gateway.calls import Calls, Reply
from migrator.gateway.endpoint import segment, short_name
from migrator.gateway.listing import FROM_ARM, FROM_GRAPH, STOPPING, children, document, listed, unreadable
from migrator.gateway.protocol import (
    Document,
    ErrorClass,
    Exchange,
    GatewayError,
    Malformed,
    Reached,
    Throttled,
    Unreadable,
)
from migrator.gateway.retry_after import user_quota_reset
from migrator.gateway.wire import type_in
from migrator.gateway.wire.others import SETTING_TYPES, networks_named, targets_of
from migrator.resources import ResourceType, SlotType, resource_group_of, subscription_of

PAGE = 1000  # rows of one Resource Graph page, its maximum (azure.md 1.5)
_PROJECT = "| project id, name, type, location, resourceGroup, subscriptionId, tags, properties | order by id asc"
CLASSIC = f"resources | where type startswith 'microsoft.classic' {_PROJECT}"
DEPENDENTS = (
    "resources | where type !startswith 'microsoft.classic' "
    f"| where tostring(properties) contains '/providers/microsoft.classicnetwork/virtualnetworks/' {_PROJECT}"
)
SETTINGS = (
    "resources | where type in~ ('microsoft.insights/autoscalesettings', 'microsoft.insights/alertrules', "
    "'microsoft.insights/metricalerts', 'microsoft.insights/activitylogalerts', "
    f"'microsoft.network/trafficmanagerprofiles') {_PROJECT}"
)
# Collections read below each type, in this order. Slots are followed by their roles, roles by their extension
# references. Each costs a request per parent; `_wanted` leaves out what a document makes needless. `types_read` says
# of every type of azure.md 1.1 whether it is read.
COLLECTIONS: Mapping[str, tuple[str, ...]] = {
    ResourceType.CLOUD_SERVICE: ("slots", "serviceCertificates", "extensions"),
    ResourceType.DEPLOYMENT: ("roles",),
    ResourceType.ROLE: ("extensionReferences",),
    ResourceType.NETWORK: ("gateways", "virtualNetworkPeerings", "remoteVirtualNetworkPeeringProxies"),
    ResourceType.GATEWAY: ("clientRootCertificates", "clientRevokedCertificates"),
    ResourceType.NETWORK_SECURITY_GROUP: ("securityRules",),
    ResourceType.CROSS_CONNECTION: ("peerings",),
    ResourceType.STORAGE_ACCOUNT: ("disks", "osImages", "vmImages"),
}
_HERE = Reached(cursor="")  # between the parts of the walk: this is a place; `walk` writes its cursor


def graph(calls: Calls, subscription: str, query: str, *, doing: str) -> Iterator[dict[str, Any]]:
    """Rows of a Resource Graph query, page after page; see `pages`."""
    for page in pages(calls, subscription, query, doing=doing):
        yield from page.rows


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the token it was asked with, that of the next one ("": none), its rows as documents."""

    token: str
    following: str
    rows: list[dict[str, Any]]


def pages(calls: Calls, subscription: str, query: str, *, doing: str, token: str = "") -> Iterator[Page]:
    """Pages of a Resource Graph query, from a token on (azure.md 1.5, 8.2). Raises Throttled when another page is
    needed and the quota of queries is used up, and Malformed when the answer says that it is not complete."""
    url = calls.endpoint.at("/providers/Microsoft.ResourceGraph/resources", versions.RESOURCE_GRAPH)
    seen = {token}
    while True:
        options = {"resultFormat": "objectArray", "$top": PAGE, **({"$skipToken": token} if token else {})}
        body = {"subscriptions": [subscription], "query": query, "options": options}
        reply = _ask_graph(calls, url, body, doing)
        answer = reply.body if isinstance(reply.body, Mapping) else {}
        rows, following = answer.get("data"), answer.get("$skipToken") or ""
        if (
            not isinstance(rows, list)
            or not all(isinstance(r, Mapping) for r in rows)
            or not isinstance(following, str)
        ):
            raise errors.malformed(doing, "GET", "it is not an array of objects", reply.exchange)
        if not following and str(answer.get("resultTruncated", "false")).lower() == "true":
            raise errors.malformed(
                doing, "GET", "Resource Graph left rows out and offers no further page", reply.exchange
            )
        if following and following in seen:
            raise errors.malformed(doing, "GET", "its pages go round in a circle", reply.exchange)
        seen.add(following)
        yield Page(token, following, [{**document(row), "sources": FROM_GRAPH} for row in rows])
        if not following:
            return
        token = following


def _ask_graph(calls: Calls, url: str, body: Mapping[str, Any], doing: str) -> Reply:
    """One query. What an answer says of the quota holds for the next query too, whichever list that is for: while
    there is none left, Throttled is raised and nothing is asked."""
    if (rest := calls.graph_opens_at - time.monotonic()) > 0:
        raise Throttled(
            f"Resource Graph takes no more queries for now and could not {doing} to the end. Ask again later.",
            retry_after=rest,
            error_class=ErrorClass.RETRY,
            exchange=Exchange(method="POST", url=url.partition("?")[0], attempts=0),
        )
    try:
        reply = calls.ask("POST", url, doing=doing, body=body)
    except Throttled as error:
        calls.graph_opens_at = time.monotonic() + (error.retry_after or 0.0)
        raise
    if reply.headers.get("x-ms-user-quota-remaining") == "0":
        reset = user_quota_reset(reply.headers.get("x-ms-user-quota-resets-after", ""))
        calls.graph_opens_at = time.monotonic() + (reset or 0.0)
    return reply


@dataclass(slots=True)
class Reach:
    """What counts as "hanging on" a set of resources: the resources, everything below them, and their resource
    groups."""

    keys: set[str]
    groups: set[str]

    @classmethod
    def of(cls, ids: Iterable[str]) -> "Reach":
        keys = {resource_id.rstrip("/").lower() for resource_id in ids}
        groups = {f"/subscriptions/{subscription_of(key)}/resourcegroups/{resource_group_of(key)}" for key in keys}
        return cls(keys, groups)

    def covers(self, target: str) -> bool:
        """Whether a lower-case id is one of the resources, is below one, or is the group of one."""
        if target in self.groups:
            return True
        parts = target.split("/")
        return any("/".join(parts[:length]) in self.keys for length in range(len(parts), 8, -1))

    def held_by(self, setting: Mapping[str, Any]) -> bool:
        """Whether a setting names something covered."""
        return hangs_on(self, setting)


class Covering(Protocol):
    def covers(self, target: str) -> bool: ...


def hangs_on(reach: Covering, setting: Mapping[str, Any]) -> bool:
    """Whether a setting names something covered."""
    properties = setting.get("properties")
    if not isinstance(properties, Mapping):
        return False
    kind, resource_id = str(setting.get("type", "")), str(setting.get("id", ""))
    if kind not in SETTING_TYPES:
        return False
    return any(reach.covers(target) for target in targets_of(kind, resource_id, properties))


@dataclass(slots=True)
class Nearby:
    """What counts as hanging on classic things while a subscription is listed: whatever names a classic resource, and
    whatever is set on a resource group that holds one. It fits into a cursor, which every key would not."""

    groups: set[str]

    def note(self, resource_id: str) -> None:
        self.groups.add(
            f"/subscriptions/{subscription_of(resource_id)}/resourcegroups/{resource_group_of(resource_id)}"
        )

    def covers(self, target: str) -> bool:
        return target in self.groups or "/providers/microsoft.classic" in target


@dataclass(slots=True)
class Place:
    """A place in the walk: the part, in the first one also the page and the last resource of it that was done."""

    part: int = 0
    token: str = ""
    last: str = ""

    @classmethod
    def of(cls, cursor: str) -> "tuple[Place, Nearby]":
        """Raises Malformed for a cursor which this gateway did not write."""
        if not cursor:
            return cls(), Nearby(set())
        try:
            part, token, last, groups = json.loads(cursor)
            return cls(int(part), str(token), str(last)), Nearby({str(group) for group in groups})
        except (ValueError, TypeError) as error:
            raise Malformed("The place where the listing stopped cannot be read; begin it again.") from error

    def cursor(self, near: Nearby) -> str:
        return json.dumps([self.part, self.token, self.last, sorted(near.groups)], separators=(",", ":"))


def walk(calls: Calls, subscription: str, after: str | None = None) -> Iterator[Document | Unreadable | Reached]:
    """`AzureGateway.inventory`. Besides the list itself, also Throttled, CredentialRefused and Unreachable end it
    half-way: what was yielded so far is true, what was not is unknown, and the caller goes on from the last place."""
    segment(subscription)
    place, near = Place.of(after or "")
    seen: set[str] = set()
    parts = (
        lambda: _classic(calls, subscription, place, near, seen),
        lambda: _hanging(_graph_settings(calls, subscription), near, seen),
        *(partial(_hanging_listed, calls, subscription, kind, near, seen) for kind in _BESIDE_THE_GRAPH),
        lambda: _hanging(protection.items(calls, subscription), near, seen),
        lambda: _dependents(calls, subscription, seen),
        lambda: beside.cross_connections(calls, subscription, with_children),
        lambda: beside.administrators(calls, subscription),
    )
    calls.not_offered.clear()
    while place.part < len(parts):
        for found in parts[place.part]():
            if not isinstance(found, Reached):
                yield found
            elif after is not None:
                yield Reached(cursor=place.cursor(near))
        place.part, place.token, place.last = place.part + 1, "", ""
        if after is not None:
            yield Reached(cursor=place.cursor(near))


def _must_be_seen(calls: Calls, subscription: str) -> None:
    """Resource Graph answers with no rows, and no error, where the caller has no right [K]: nothing may be taken for
    gone because of that. Raises what Resource Manager says of a subscription that cannot be seen."""
    calls.get(f"/subscriptions/{segment(subscription)}", versions.SUBSCRIPTIONS, doing="list the subscription")


def _classic(
    calls: Calls, subscription: str, place: Place, near: Nearby, seen: set[str]
) -> Iterator[Document | Unreadable | Reached]:
    """The classic resources with what lies below them. `place` is moved along; Reached is yielded where it holds."""
    doing = "list classic resources"
    for page in pages(calls, subscription, CLASSIC, doing=doing, token=place.token):
        rows = [row for row in page.rows if isinstance(row.get("id"), str)]
        if not rows and not place.token:
            _must_be_seen(calls, subscription)
        done = [row["id"] for row in rows].index(place.last) + 1 if place.last in (r["id"] for r in rows) else 0
        for row in rows[done:]:
            if row["id"].lower() not in seen:
                near.note(row["id"])
                for found in with_children(calls, _complete(calls, row)):
                    if not isinstance(found, Unreadable):
                        seen.add(found["id"].lower())
                    yield found
            if row["type"] in COLLECTIONS:  # asked more than the page; a row alone is not worth a place of its own
                place.token, place.last = page.token, row["id"]
                yield _HERE
        place.token, place.last = page.following, ""
        if page.following:
            yield _HERE


def _hanging(
    found: Iterable[dict[str, Any] | Unreadable], near: Nearby, seen: set[str]
) -> Iterator[Document | Unreadable]:
    for one in found:
        if isinstance(one, Unreadable):
            yield one
        elif one["id"].lower() not in seen and hangs_on(near, one):
            seen.add(one["id"].lower())
            yield one


def _hanging_listed(
    calls: Calls, subscription: str, kind: str, near: Nearby, seen: set[str]
) -> Iterator[Document | Unreadable]:
    for found in _hanging(_listed_settings(calls, subscription, (kind,)), near, seen):
        yield found if isinstance(found, Unreadable) else {**found, "sources": FROM_ARM}


def _complete(calls: Calls, row: dict[str, Any]) -> dict[str, Any]:
    """The row, read from Resource Manager when the graph came without properties; as it is when that fails (its facts
    stay unknown)."""
    if isinstance(row.get("properties"), Mapping):
        return row
    try:
        read = document(calls.resource(row["id"], doing=f"read {short_name(row['id'])}"))
        return {**read, "sources": FROM_ARM}
    except STOPPING:
        raise
    except GatewayError:
        return row


def with_children(calls: Calls, parent: dict[str, Any]) -> Iterator[Document | Unreadable]:
    """The document with its `read` marks, then everything below it, then what of it could not be read."""
    below: list[Document | Unreadable] = []
    read: list[str] = []
    if parent["type"] == ResourceType.GATEWAY:
        parent = beside.with_connections(parent, lambda: children(calls, parent["id"], "connections"), below)
    for collection in COLLECTIONS.get(parent["type"], ()):
        if not _wanted(parent, collection, below):
            continue
        found = children(calls, parent["id"], collection)
        if isinstance(found, Unreadable):
            below.append(found)
            continue
        if found is None:
            continue
        read.append(collection)
        for child in found:
            below.extend(with_children(calls, child))
    yield {**parent, "read": read} if parent["type"] in COLLECTIONS else parent
    yield from below


def _wanted(parent: Mapping[str, Any], collection: str, below: Iterable[Document | Unreadable]) -> bool:
    """Whether a collection has to be asked for: not what the document tells already, or cannot have."""
    said = parent.get("properties")
    properties = said if isinstance(said, Mapping) else {}
    match collection:
        case "roles":
            return not _is_machines(parent)  # virtual machines are listed as themselves
        case "extensions":  # they tell what a reference is of, where it does not say that itself
            return any(beside.untold(one) for one in below if not isinstance(one, Unreadable))
        case "clientRootCertificates" | "clientRevokedCertificates":
            return str(properties.get("gatewayType", "")).lower() != "expressroute"  # which has no clients
        case "securityRules":
            return "securityRules" not in properties
    return True


def _is_machines(slot: Mapping[str, Any]) -> bool:
    properties = slot.get("properties")
    kind = properties.get("slotType") if isinstance(properties, Mapping) else None
    return isinstance(kind, str) and kind.lower() == SlotType.VIRTUAL_MACHINE.value.lower()


# Settings beside the resources (azure.md 6), and dependents


def _graph_settings(calls: Calls, subscription: str) -> Iterator[dict[str, Any] | Unreadable]:
    try:
        yield from graph(calls, subscription, SETTINGS, doing="list autoscale settings and alert rules")
    except STOPPING:
        raise
    except GatewayError as error:
        yield unreadable(error, f"/subscriptions/{subscription}", "Microsoft.Insights/*/read")


# Lists of a whole subscription, by type: path below the subscription.
LISTED: Mapping[str, str] = {
    ResourceType.AUTOSCALE_SETTING: "providers/Microsoft.Insights/autoscaleSettings",
    ResourceType.ALERT_RULE: "providers/Microsoft.Insights/alertRules",
    ResourceType.METRIC_ALERT: "providers/Microsoft.Insights/metricAlerts",
    ResourceType.ACTIVITY_LOG_ALERT: "providers/Microsoft.Insights/activityLogAlerts",
    ResourceType.ROLE_ASSIGNMENT: "providers/Microsoft.Authorization/roleAssignments",
    ResourceType.MANAGEMENT_LOCK: "providers/Microsoft.Authorization/locks",
    ResourceType.JIT_POLICY: "providers/Microsoft.Security/jitNetworkAccessPolicies",
    ResourceType.TRAFFIC_MANAGER_PROFILE: "providers/Microsoft.Network/trafficManagerProfiles",
}
_BESIDE_THE_GRAPH = (ResourceType.ROLE_ASSIGNMENT, ResourceType.MANAGEMENT_LOCK, ResourceType.JIT_POLICY)


def _listed_settings(
    calls: Calls, subscription: str, kinds: Iterable[str] = _BESIDE_THE_GRAPH
) -> Iterator[dict[str, Any] | Unreadable]:
    for kind in kinds:
        path = f"/subscriptions/{segment(subscription)}/{LISTED[kind]}"
        name = kind.rsplit("/", 1)[-1]
        version = calls.version(kind, subscription)
        items = listed(calls, path, version, f"list {name}", f"/subscriptions/{subscription}", f"{kind}/read")
        if isinstance(items, Unreadable):
            yield items
        else:
            yield from (document(item) for item in items if isinstance(item.get("id"), str))


def security_groups(calls: Calls, subscription: str) -> Iterator[list[Document]]:
    """The security groups of a subscription which do not say who uses them, each with its rules."""
    kind = ResourceType.NETWORK_SECURITY_GROUP
    path, place = f"/subscriptions/{segment(subscription)}/providers/{kind}", f"/subscriptions/{subscription}"
    version = calls.version(kind, subscription)
    found = listed(calls, path, version, "list network security groups", place, f"{kind}/read")
    for item in [] if isinstance(found, Unreadable) else found:
        properties = item.get("properties")
        if isinstance(item.get("id"), str) and isinstance(properties, Mapping) and "associations" not in properties:
            below = with_children(calls, {**document(item), "sources": FROM_ARM})
            yield [one for one in below if not isinstance(one, Unreadable)]


def settings_on(calls: Calls, unit_id: str, members: tuple[str, ...]) -> list[Document | Unreadable]:
    """`AzureGateway.settings_on`: read from Resource Manager itself, because the graph may be minutes old [I]."""
    ids = [unit_id, *members]
    if type_in(unit_id) == ResourceType.DEPLOYMENT:
        ids.append(unit_id.rsplit("/", 2)[0])
    reach, found = Reach.of(ids), list[Document | Unreadable]()
    seen: set[str] = set()
    subscription = subscription_of(unit_id)
    for setting in chain(_listed_settings(calls, subscription, LISTED), protection.items(calls, subscription)):
        if isinstance(setting, Unreadable):
            found.append(setting)
        elif reach.held_by(setting) and setting["id"].lower() not in seen:
            seen.add(setting["id"].lower())
            found.append(setting)
    found += beside.administrators(calls, subscription)
    return found


def _dependents(calls: Calls, subscription: str, seen: set[str]) -> Iterator[Document | Unreadable]:
    doing = "list resources that name a classic network"
    try:
        for row in graph(calls, subscription, DEPENDENTS, doing=doing):
            known = str(row.get("id", "")).lower()
            if known and known not in seen and row["type"] not in SETTING_TYPES and networks_named(row):
                seen.add(known)
                yield row
    except STOPPING:
        raise
    except GatewayError as error:
        yield unreadable(error, f"/subscriptions/{subscription}", "Microsoft.Resources/subscriptions/resources/read")
