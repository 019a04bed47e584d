"""What belongs to a subscription as a whole: its state, registrations, usages, quota requests."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from migrator.gateway import errors, versions
from migrator.gateway.calls import Calls, Reply
from migrator.gateway.endpoint import segment
from migrator.gateway.protocol import (
    ApiVersion,
    GatewayError,
    Malformed,
    NotFound,
    NotPermitted,
    NotRegistered,
    QuotaAnswer,
    SubscriptionInfo,
)
from migrator.gateway.wire import canonical, clean_text
from migrator.gateway.wire.fields import normal_location, whole_number
from migrator.resources import UNKNOWN, Registration, ResourceType, Unknown, Usage, Verb

# What has to be registered before a migration and for its follow-ups (azure.md 7; the second line [I]).
PROVIDERS = (
    "Microsoft.ClassicInfrastructureMigrate",
    "Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage", "Microsoft.KeyVault",
    "Microsoft.Quota", "Microsoft.Insights", "Microsoft.Security", "Microsoft.Support",
)  # fmt: skip
FEATURES = ("Microsoft.Compute/CloudServices",)
_USAGES = ("Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage")  # the last [K]


def subscriptions(calls: Calls) -> list[SubscriptionInfo]:
    """`AzureGateway.subscriptions`."""
    found = []
    for item in calls.items("/subscriptions", versions.SUBSCRIPTIONS, doing="list subscriptions"):
        subscription_id = item.get("subscriptionId")
        if not isinstance(subscription_id, str):
            continue
        key = subscription_id.lower()
        name = str(item.get("displayName") or key)
        state, tenant = str(item.get("state") or ""), str(item.get("tenantId") or "")
        found.append(SubscriptionInfo(subscription_id=key, display_name=name, state=state, tenant_id=tenant))
    return found


def registrations(calls: Calls, subscription: str) -> list[Registration]:
    """`AzureGateway.registrations`. Raises when the providers cannot be listed at all; a single state that was not
    said is UNKNOWN."""
    states: dict[str, str | Unknown] = {}
    for provider in calls.providers(subscription):
        state = provider.get("registrationState")
        states[str(provider.get("namespace", "")).lower()] = state if isinstance(state, str) else UNKNOWN
    key = subscription.lower()
    found = [Registration(subscription=key, name=n, state=states.get(n.lower(), UNKNOWN)) for n in PROVIDERS]
    return found + [_feature(calls, subscription, name) for name in FEATURES]


def _feature(calls: Calls, subscription: str, name: str) -> Registration:
    try:
        reply = calls.get(_feature_path(subscription, name), versions.FEATURES, doing=f"read the feature {name}")
    except GatewayError:
        return Registration(subscription=subscription.lower(), name=name)
    return Registration(subscription=subscription.lower(), name=name, state=_feature_state(reply.body))


def _feature_path(subscription: str, name: str) -> str:
    namespace, _, feature = name.partition("/")
    return (
        f"/subscriptions/{segment(subscription)}/providers/Microsoft.Features/providers/{segment(namespace)}"
        f"/features/{segment(feature)}"
    )


def _feature_state(body: Any) -> str | Unknown:
    properties = body.get("properties") if isinstance(body, Mapping) else None
    state = properties.get("state") if isinstance(properties, Mapping) else None
    return state if isinstance(state, str) else UNKNOWN


def register(calls: Calls, subscription: str, name: str) -> Registration:
    """`AzureGateway.register`."""
    if "/" in name:
        path, version = _feature_path(subscription, name), versions.FEATURES
    else:
        path, version = f"/subscriptions/{segment(subscription)}/providers/{segment(name)}", versions.RESOURCES
    reply = calls.ask("POST", calls.endpoint.at(path + "/register", version), doing=f"register {name}")
    body = reply.body if isinstance(reply.body, Mapping) else {}
    state = _feature_state(body) if "/" in name else body.get("registrationState")
    return Registration(
        subscription=subscription.lower(), name=name, state=state if isinstance(state, str) else UNKNOWN
    )


def usages(calls: Calls, subscription: str, location: str) -> list[Usage]:
    """`AzureGateway.usages`. A row without name, current value or limit is left out: its quota is unknown. So are those
    of storage where they may not be read, which keeps nobody from moving anything but an account."""
    place, found = normal_location(location), list[Usage]()
    for provider in _USAGES:
        try:
            found += _usages(calls, subscription, provider, place)
        except (NotPermitted, NotRegistered, NotFound):
            if provider != "Microsoft.Storage":
                raise
    return found


def _usages(calls: Calls, subscription: str, provider: str, place: str) -> Iterator[Usage]:
    path = f"/subscriptions/{segment(subscription)}/providers/{provider}/locations/{segment(place)}/usages"
    version = calls.version(f"{provider}/locations/usages", subscription)
    for item in calls.items(path, version, doing=f"read the {provider} usages of {place}"):
        name = item.get("name")
        label = name.get("value") if isinstance(name, Mapping) else None
        current, limit = whole_number(item.get("currentValue")), whole_number(item.get("limit"))
        if isinstance(label, str) and isinstance(current, int) and isinstance(limit, int):
            yield Usage(
                subscription=subscription.lower(),
                location=place,
                provider=provider,
                name=label,
                current=current,
                limit=limit,
            )


# Versions (azure.md 1.2, 12)

_ACTED_ON = (ResourceType.DEPLOYMENT, ResourceType.NETWORK, ResourceType.STORAGE_ACCOUNT)


def _kinds() -> list[str]:
    """Every type a request is made for, in the documented spelling where there is one."""
    names = {
        kind.lower(): versions.SPELLED.get(kind) or canonical(kind)
        for kind in (*versions.FALLBACK, *versions.WRITTEN_FOR)
    }
    return sorted(names.values(), key=str.lower) + [
        f"{kind}/{verb.value}Migration" for kind in _ACTED_ON for verb in Verb
    ]


def api_versions(calls: Calls, subscription: str) -> list[ApiVersion]:
    """`AzureGateway.api_versions`. One request for all providers when any was not read lately."""
    kinds = _kinds()
    if not calls.knows({kind.partition("/")[0] for kind in kinds}, subscription):
        with contextlib.suppress(NotPermitted, Malformed):  # then each provider is asked by itself below
            calls.providers(subscription)
    found = []
    for kind in kinds:
        choice = calls.choice(kind, subscription)
        held = calls.metadata(kind.partition("/")[0], subscription)
        typed = kind.rpartition("/")[0] if kind.endswith("Migration") else kind
        listed = tuple(sorted(held.listed.get(typed.lower(), ()), reverse=True))
        found.append(
            ApiVersion(
                kind=kind,
                version=choice.version,
                source=choice.source.value,
                listed=listed,
                read_at=held.read_at,
                doubt=choice.doubt,
            )
        )
    return found


# Quota requests (azure.md 5.2)


def _quota_path(subscription: str, provider: str, location: str) -> str:
    place = segment(normal_location(location))
    scope = f"/subscriptions/{segment(subscription)}/providers/{segment(provider)}/locations/{place}"
    return f"{scope}/providers/Microsoft.Quota"


def request_quota(calls: Calls, subscription: str, provider: str, location: str, name: str, limit: int) -> QuotaAnswer:
    """`AzureGateway.request_quota`. `limit` is the new total."""
    properties: dict[str, Any] = {
        "limit": {"limitObjectType": "LimitValue", "value": limit, "limitType": "Independent"},
        "name": {"value": name},
    }
    if provider.lower() == "microsoft.compute":
        properties["resourceType"] = "dedicated"
    path = f"{_quota_path(subscription, provider, location)}/quotas/{segment(name)}"
    doing = f"ask for {name} = {limit} in {normal_location(location)}"
    url = calls.endpoint.at(path, calls.version("Microsoft.Quota/quotas", subscription))
    reply = calls.ask("PUT", url, doing=doing, body={"properties": properties})
    return _quota_answer(reply, _request_id(reply), limit, "Accepted" if reply.status == 202 else "Succeeded")


def _request_id(reply: Reply) -> str:
    """The name of the quotaRequest: the end of the status URL, else the id of the body when that is one."""
    body = reply.body if isinstance(reply.body, Mapping) else {}
    for place in (reply.headers.get("azure-asyncoperation"), reply.headers.get("location"), body.get("id")):
        _, found, rest = str(place or "").partition("/quotaRequests/")
        if found:
            return rest.split("?")[0].split("/")[0][:200]
    return ""


def quota_request(calls: Calls, subscription: str, provider: str, location: str, request_id: str) -> QuotaAnswer:
    """`AzureGateway.quota_request`."""
    if not request_id:
        raise NotFound(
            "The quota request has no id, because Azure gave none when it was sent. Read the usages instead."
        )
    path = f"{_quota_path(subscription, provider, location)}/quotaRequests/{segment(request_id)}"
    version = calls.version("Microsoft.Quota/quotaRequests", subscription)
    reply = calls.get(path, version, doing=f"read the quota request {request_id}")
    return _quota_answer(reply, request_id, None, "")


def _quota_answer(reply: Reply, request_id: str, limit: int | None, otherwise: str) -> QuotaAnswer:
    body = reply.body if isinstance(reply.body, Mapping) else {}
    properties = body.get("properties")
    told: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
    state = told.get("provisioningState") or otherwise
    if not isinstance(state, str) or not state:
        raise errors.malformed("read the quota request", "GET", "it has no state", reply.exchange)
    error = told.get("error")
    words = told.get("message") or (error.get("message") if isinstance(error, Mapping) else "") or ""
    return QuotaAnswer(
        request_id=request_id,
        state=state,
        message=clean_text(str(words))[: errors.LONGEST_MESSAGE],
        limit=_limit(told) if limit is None else limit,
        exchange=reply.exchange,
    )


def _limit(properties: Mapping[str, Any]) -> int | None:
    """The limit in a quotaRequest's first sub-request: a number, or `{"value": number}`."""
    listed = properties.get("value")
    first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], Mapping) else properties
    limit = first.get("limit")
    value = whole_number(limit.get("value") if isinstance(limit, Mapping) else limit)
    return value if isinstance(value, int) else None
