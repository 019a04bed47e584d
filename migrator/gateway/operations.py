"""The four verbs and their status URLs: one POST, and one look at a time."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from migrator.gateway import errors
from migrator.gateway.calls import Calls, Reply
from migrator.gateway.endpoint import resource_path, short_name
from migrator.gateway.protocol import (
    ErrorClass,
    GatewayError,
    NotFound,
    OperationStatus,
    Polled,
    Refused,
    Submitted,
)
from migrator.gateway.shapes import DEPLOYMENT_BODY
from migrator.gateway.wire import messages, type_in
from migrator.resources import Category, PlatformMessage, ResourceType, Verb

# The types whose migration Resource Manager offers (azure.md 1.1, 2.3); the rest is moved by the older API only.
MOVABLE: Final = frozenset({ResourceType.DEPLOYMENT, ResourceType.NETWORK, ResourceType.STORAGE_ACCOUNT})
WORDS = {
    Verb.VALIDATE: "validate the migration of",
    Verb.PREPARE: "prepare the migration of",
    Verb.ABORT: "abort the migration of",
    Verb.COMMIT: "commit the migration of",
}


def body_for(
    verb: Verb, unit_id: str, parameters: Mapping[str, Any] | None, template: Mapping[str, Any] = DEPLOYMENT_BODY
) -> Mapping[str, Any] | None:
    """What is sent: for Validate and Prepare of a deployment the parameters, or the template, which asks for a new
    network; nothing otherwise."""
    if verb not in (Verb.VALIDATE, Verb.PREPARE):
        return None
    if parameters is None and type_in(unit_id) == ResourceType.DEPLOYMENT:
        return dict(template)
    return parameters


def submit(
    calls: Calls, verb: Verb, unit_id: str, *, client_request_id: str, parameters: Mapping[str, Any] | None
) -> Submitted:
    """`AzureGateway.submit`. Raises Refused without asking when Resource Manager does not migrate this type."""
    doing = f"{WORDS[verb]} {short_name(unit_id)}"
    path = resource_path(unit_id)
    if type_in(unit_id) not in MOVABLE:
        raise Refused(
            f"Cannot {doing}: Resource Manager does not migrate {type_in(unit_id) or 'this'}; only service "
            "management does.",
            error_class=ErrorClass.PROGRAMMER,
        )
    action = f"{verb.value}Migration"
    url = calls.endpoint.at(f"{path}/{action}", calls.version_for(unit_id, action))
    body = body_for(verb, unit_id, parameters, calls.shapes.deployment_body)
    reply = calls.ask("POST", url, doing=doing, body=body, client_request_id=client_request_id)
    status_url = _status_url(calls, reply, doing)
    if status_url is None and reply.status not in (200, 204):
        raise errors.malformed(doing, "POST", "it was accepted, but nothing says where to follow it", reply.exchange)
    found: tuple[PlatformMessage, ...] = ()
    if verb is Verb.VALIDATE and status_url is None:
        try:
            found = messages.validation_messages(reply.body, calls.shapes.validate_lists)
        except messages.NoAnswer as error:
            raise errors.malformed(doing, "POST", str(error).rstrip("."), reply.exchange) from error
    return Submitted(status_url=status_url, retry_after=reply.retry_after, messages=found, exchange=reply.exchange)


def _status_url(calls: Calls, reply: Reply, doing: str) -> str | None:
    """Azure-AsyncOperation before Location (azure.md 2.4). Raises Malformed for one at another host: accepted, but
    not to be followed."""
    for name in ("azure-asyncoperation", "location"):
        url = reply.headers.get(name, "").strip()
        if url:
            if not calls.endpoint.owns(url):
                why = f"it points to {url[:200]!r}, which is not the configured endpoint and was not asked"
                raise errors.malformed(doing, "POST", why, reply.exchange)
            return url
    return None


def poll(calls: Calls, status_url: str) -> Polled:
    """`AzureGateway.poll`."""
    doing = "follow the operation"
    try:
        reply = calls.ask("GET", status_url, doing=doing)
    except NotFound as error:
        return polled_from(OperationStatus.GONE, error)
    except GatewayError as error:
        return polled_from(OperationStatus.UNREADABLE, error)
    state = _state(reply, status_url, calls.shapes.status_path)
    body = reply.body if isinstance(reply.body, Mapping) else {}
    error = messages.error_body(body) or messages.ErrorBody()
    if state is OperationStatus.UNREADABLE:
        sentence = f"The answer to the request to {doing} says neither that it is running nor how it ended."
        return Polled(status=state, retry_after=reply.retry_after, message=sentence, exchange=reply.exchange)
    if state is not OperationStatus.FAILED:
        return Polled(
            status=state,
            retry_after=reply.retry_after,
            messages=_messages(body, calls.shapes.validate_lists),
            exchange=reply.exchange,
        )
    found = _messages(body, calls.shapes.validate_lists) or error.details
    blocks = next((message.message for message in found if message.category is Category.ERROR), "")
    code, words = error.code, error.message or blocks or str(body.get("status", ""))
    error_class, catalogue_id = errors.classify(0, code, words)
    return Polled(
        status=state,
        retry_after=reply.retry_after,
        code=code[:200],
        message=words[: errors.LONGEST_MESSAGE],
        error_class=error_class,
        catalogue_id=catalogue_id,
        messages=found,
        exchange=reply.exchange,
    )


def _state(reply: Reply, status_url: str, status_path: str) -> OperationStatus:
    """azure.md 2.4. `status` decides where there is one; else the HTTP status, as a Location URL is read. An
    operation-status URL that answers 200 must carry `status`."""
    said = reply.body.get("status") if isinstance(reply.body, Mapping) else None
    if isinstance(said, str) and said.strip():
        known = {
            "succeeded": OperationStatus.SUCCEEDED,
            "failed": OperationStatus.FAILED,
            "canceled": OperationStatus.FAILED,
            "cancelled": OperationStatus.FAILED,
        }
        return known.get(said.strip().lower(), OperationStatus.IN_PROGRESS)
    if reply.status in (201, 202):
        return OperationStatus.IN_PROGRESS
    if f"/{status_path}/".lower() in status_url.lower() or said is not None:
        return OperationStatus.UNREADABLE
    return OperationStatus.SUCCEEDED


def _messages(body: Mapping[str, Any], lists: Sequence[str]) -> tuple[PlatformMessage, ...]:
    """Validate's messages where the final body carries them (azure.md 2.3 [I])."""
    without_error = {key: value for key, value in body.items() if str(key).lower() not in ("error", "status")}
    try:
        return messages.validation_messages(without_error, lists)
    except messages.NoAnswer:
        return ()


def polled_from(status: OperationStatus, error: GatewayError) -> Polled:
    return Polled(
        status=status,
        retry_after=error.retry_after,
        code=error.code,
        message=error.message or str(error),
        error_class=error.error_class,
        catalogue_id=error.catalogue_id,
        exchange=error.exchange,
    )
