"""The four verbs over service management and the status of what they start (azure.md 2.5): one POST, and one look at
a time. Validate answers at once with its messages; the others are accepted with a request id."""

import re
from collections.abc import Mapping
from typing import Any, Final

from migrator.gateway import errors
from migrator.gateway.calls import Reply
from migrator.gateway.endpoint import resource_path, short_name
from migrator.gateway.operations import WORDS, polled_from
from migrator.gateway.protocol import (
    ErrorClass,
    GatewayError,
    NotFound,
    OperationStatus,
    Polled,
    Refused,
    Submitted,
)
from migrator.gateway.service_management_calls import XmlCalls, name
from migrator.gateway.wire import clean_text, messages, type_in
from migrator.gateway.wire.service_management_xml import NOTHING, Xml, network_resource, validation_messages
from migrator.resources import ResourceType, Slot, Verb, resource_group_of, subscription_of

# (family of x-ms-version, path before the name) by type; a deployment's has its service in it.
_PATHS: Final = {
    ResourceType.DEPLOYMENT: ("compute", "services/hostedservices"),
    ResourceType.NETWORK: ("network", "services/networking/virtualnetwork"),
    ResourceType.NETWORK_SECURITY_GROUP: ("network", "services/networking/networksecuritygroups"),
    ResourceType.RESERVED_ADDRESS: ("network", "services/networking/reservedips"),
    ResourceType.ROUTE_TABLE: ("network", "services/networking/routetables"),
    ResourceType.STORAGE_ACCOUNT: ("storage", "services/storageservices"),
}
MOVABLE: Final = frozenset(_PATHS)
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,100}")
_STATES: Final = {
    "inprogress": OperationStatus.IN_PROGRESS,
    "succeeded": OperationStatus.SUCCEEDED,
    "failed": OperationStatus.FAILED,
}


def submit(
    calls: XmlCalls, verb: Verb, unit_id: str, *, client_request_id: str, parameters: Mapping[str, Any] | None
) -> Submitted:
    """`ServiceManagement.submit`. Raises Refused without asking for a type that nothing moves."""
    doing = f"{WORDS[verb]} {short_name(unit_id)}"
    resource_path(unit_id)
    kind, subscription = type_in(unit_id), subscription_of(unit_id)
    if kind not in MOVABLE:
        raise Refused(
            f"Cannot {doing}: the platform does not migrate {kind or 'this'}.", error_class=ErrorClass.PROGRAMMER
        )
    family, path = _PATHS[ResourceType(kind)]
    url = calls.at_path(subscription, f"{path}/{_named(calls, unit_id)}/migration", comp=verb.value)
    headers, body = {"x-ms-version": calls.versions[family]}, None
    if kind == ResourceType.DEPLOYMENT and verb in (Verb.VALIDATE, Verb.PREPARE):
        body = network_resource(parameters)
        headers["Content-Type"] = "application/xml; charset=utf-8"
    reply = calls.ask("POST", url, doing=doing, body=body, client_request_id=client_request_id, headers=headers)
    return _validated(reply, doing) if verb is Verb.VALIDATE else accepted(calls, subscription, reply, doing)


def _validated(reply: Reply, doing: str) -> Submitted:
    try:
        found = validation_messages(reply.body if isinstance(reply.body, Xml) else None)
    except messages.NoAnswer as error:
        raise errors.malformed(doing, "POST", str(error), reply.exchange) from error
    return Submitted(status_url=None, retry_after=reply.retry_after, messages=found, exchange=reply.exchange)


def accepted(calls: XmlCalls, subscription: str, reply: Reply, doing: str) -> Submitted:
    """Accepted: where to follow it is the request id of the answer."""
    request_id = reply.headers.get("x-ms-request-id", "").strip()
    if reply.status == 200:  # done at once [I]
        return Submitted(status_url=None, retry_after=reply.retry_after, exchange=reply.exchange)
    if not _REQUEST_ID.fullmatch(request_id):
        raise errors.malformed(doing, "POST", "it was accepted, but nothing says where to follow it", reply.exchange)
    url = calls.at_path(subscription, f"operations/{request_id}")
    return Submitted(status_url=url, retry_after=reply.retry_after, exchange=reply.exchange)


def _named(calls: XmlCalls, unit_id: str) -> str:
    """How this API addresses a unit, ready for a path. Reads for a deployment and a network; raises NotFound."""
    kind, parts = type_in(unit_id), unit_id.strip("/").split("/")
    if kind == ResourceType.DEPLOYMENT:
        service, slot = parts[-3], parts[-1]
        wanted = next((one.value for one in Slot if one.value.lower() == slot.lower()), slot)
        path = f"services/hostedservices/{name(service)}/deploymentslots/{name(wanted)}"
        doing = f"read the deployment of {service}/{wanted}"
        found = calls.root(subscription_of(unit_id), "compute", path, "Deployment", doing=doing).word("Name")
        return f"{name(service)}/deployments/{name(found)}"
    return name(site_name(calls, unit_id) if kind == ResourceType.NETWORK else parts[-1])


def site_name(calls: XmlCalls, network_id: str) -> str:
    """The name of a network in this API: `Group {group} {name}` when the portal made it (azure.md 2.6 [D]). Raises
    NotFound when neither it nor the plain name is listed."""
    doing = "list virtual network sites"
    path, subscription = "services/networking/virtualnetwork", subscription_of(network_id)
    root = calls.root(subscription, "network", path, "VirtualNetworkSites", doing=doing)
    listed = {site.word("Name").lower(): site.word("Name") for site in root.children("VirtualNetworkSite")}
    plain = network_id.rstrip("/").rsplit("/", 1)[-1]
    for wanted in (f"Group {resource_group_of(network_id)} {plain}", plain):
        if wanted.lower() in listed:
            return listed[wanted.lower()]
    raise NotFound(
        f"Service management lists no virtual network {plain}. It may have been deleted or migrated: sync again."
    )


def owns(calls: XmlCalls, status_url: str) -> bool:
    """Whether a URL is at this API and names an operation."""
    beginning = f"{calls.endpoint.url}{calls.prefix}/"
    if not calls.endpoint.owns(status_url) or not status_url.startswith(beginning):
        return False
    return re.fullmatch(r"[A-Za-z0-9-]+/operations/[A-Za-z0-9-]+", status_url[len(beginning) :]) is not None


def poll(calls: XmlCalls, status_url: str) -> Polled:
    """`ServiceManagement.poll`."""
    doing = "follow the operation"
    try:
        reply = calls.ask("GET", status_url, doing=doing, headers={"x-ms-version": calls.versions["management"]})
        root = calls.expect(reply, "Operation", doing, "GET")
    except NotFound as error:
        return polled_from(OperationStatus.GONE, error)
    except GatewayError as error:
        return polled_from(OperationStatus.UNREADABLE, error)
    state = _STATES.get(root.word("Status").lower(), OperationStatus.UNREADABLE)
    if state is OperationStatus.UNREADABLE:
        sentence = f"The answer to the request to {doing} says neither that it is running nor how it ended."
        return Polled(status=state, retry_after=reply.retry_after, message=sentence, exchange=reply.exchange)
    if state is not OperationStatus.FAILED:
        return Polled(status=state, retry_after=reply.retry_after, exchange=reply.exchange)
    error = root.child("Error") or NOTHING
    code, words = error.word("Code"), clean_text(error.word("Message"))
    status = root.number("HttpStatusCode")
    error_class, catalogue_id = errors.classify(status if isinstance(status, int) else 0, code, words)
    return Polled(
        status=state,
        retry_after=reply.retry_after,
        code=code[:200],
        message=words[: errors.LONGEST_MESSAGE],
        error_class=error_class,
        catalogue_id=catalogue_id,
        exchange=reply.exchange,
    )
