"""Documents of a gateway → an estate file (migrator/simulator/FORMAT.md), in one order: equal estates give equal files.
Documents come from a gateway, which has taken the secrets out; they are cleaned again all the same."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from migrator.captures.estate_json import ENVELOPE, FORMAT, digest
from migrator.gateway.protocol import AzureGateway, GatewayError, SubscriptionInfo, Unreadable
from migrator.gateway.wire import clean, clean_text, normal_location
from migrator.resources import ResourceType, Usage, known, subscription_of

USAGES = "Microsoft.Compute/locations/usages/read"
REGISTRATIONS = "Microsoft.Resources/subscriptions/providers/read"


def capture(
    gateway: AzureGateway, subscriptions: Iterable[SubscriptionInfo], *, endpoint: str, at: datetime
) -> dict[str, Any]:
    """The estate of some subscriptions, read now. What could not be read is in it ("unreadable").

    Raises GatewayError when a subscription cannot be listed to the end: then there is no file.
    """
    listed = sorted(subscriptions, key=lambda info: info.subscription_id)
    documents: list[Mapping[str, Any]] = []
    unreadable: list[Unreadable] = []
    registrations: list[dict[str, str]] = []
    usages: list[Usage] = []
    for info in listed:
        own = list(_inventory(gateway, info.subscription_id, unreadable))
        documents += own
        registrations += _registrations(gateway, info.subscription_id, unreadable)
        regions = {normal_location(d["location"]) for d in own if _is_regional(d)}
        for region in sorted(regions):
            usages += _usages(gateway, info.subscription_id, region, unreadable)
    return estate(
        listed, documents, registrations, usages, unreadable, origin=f"captured {_stamp(at)} from {endpoint}",
        captured={"at": _stamp(at), "from": endpoint, "whole": [info.subscription_id for info in listed]},
    )  # fmt: skip


def estate(
    subscriptions: Iterable[SubscriptionInfo],
    documents: Iterable[Mapping[str, Any]],
    registrations: Iterable[Mapping[str, str]],
    usages: Iterable[Usage],
    unreadable: Iterable[Unreadable],
    *,
    origin: str,
    captured: Mapping[str, Any],
) -> dict[str, Any]:
    """The contents of an estate file; the same input in any order gives the same output."""
    by_key = {str(d["id"]).lower(): d for d in documents}
    ordered = [by_key[key] for key in sorted(by_key, key=lambda key: key.split("/"))]  # parents before children
    body: dict[str, Any] = {
        "format": FORMAT,
        "origin": origin,
        "captured": dict(captured),
        "subscriptions": [
            {
                "subscriptionId": info.subscription_id,
                "displayName": info.display_name or info.subscription_id,
                "state": info.state,
                "tenantId": info.tenant_id,
            }
            for info in subscriptions
        ],
        "resources": [_resource(document) for document in ordered],
        "registrations": sorted(map(dict, registrations), key=lambda row: (row["subscriptionId"], row["name"])),
        "usages": [_usage(row) for row in sorted(usages, key=_usage_key)],
        "read": {
            str(document["id"]).lower(): sorted(document["read"])
            for document in ordered
            if isinstance(document.get("read"), list | tuple)
        },
        "unreadable": sorted(map(_unreadable, unreadable), key=lambda row: tuple(row.values())),
    }
    return {**body, "digest": digest(body)}


def text(estate: Mapping[str, Any]) -> str:
    """An estate as the text of its file."""
    return json.dumps(estate, indent=1, ensure_ascii=False) + "\n"


def _resource(document: Mapping[str, Any]) -> dict[str, Any]:
    said = {key: document[key] for key in ENVELOPE if key in document}
    cleaned = clean({key: value for key, value in said.items() if value is not None})
    return {**cleaned, "properties": cleaned.get("properties") or {}}


def _inventory(
    gateway: AzureGateway, subscription_id: str, unreadable: list[Unreadable]
) -> Iterable[Mapping[str, Any]]:
    for item in gateway.inventory(subscription_id):
        if isinstance(item, Unreadable):
            unreadable.append(item)
        elif subscription_of(str(item.get("id", ""))) == subscription_id:  # not what is inherited from above
            yield item


def _registrations(gateway: AzureGateway, subscription_id: str, unreadable: list[Unreadable]) -> list[dict[str, str]]:
    place = f"/subscriptions/{subscription_id}/providers"
    try:
        rows = gateway.registrations(subscription_id)
    except GatewayError as error:
        unreadable.append(Unreadable(resource_id=place, action=REGISTRATIONS, sentence=str(error)))
        return []
    for row in rows:
        if not known(row.state):
            sentence = f"The registration of {row.name} could not be read."
            unreadable.append(Unreadable(resource_id=place, action=REGISTRATIONS, sentence=sentence))
    return [
        {"subscriptionId": subscription_id, "name": row.name, "state": str(row.state)}
        for row in rows
        if known(row.state)
    ]


def _usages(gateway: AzureGateway, subscription_id: str, region: str, unreadable: list[Unreadable]) -> list[Usage]:
    try:
        return list(gateway.usages(subscription_id, region))
    except GatewayError as error:
        place = f"/subscriptions/{subscription_id}/providers/Microsoft.Compute/locations/{region}"
        unreadable.append(Unreadable(resource_id=place, action=USAGES, sentence=str(error)))
        return []


def _is_regional(document: Mapping[str, Any]) -> bool:
    """Whether its location is a region quota is asked in: of what moves, not of what only hangs on it ("global")."""
    location = document.get("location")
    kinds = (
        ResourceType.CLOUD_SERVICE, ResourceType.VIRTUAL_MACHINE, ResourceType.NETWORK, ResourceType.STORAGE_ACCOUNT,
        ResourceType.RESERVED_ADDRESS, ResourceType.NETWORK_SECURITY_GROUP,
    )  # fmt: skip
    return isinstance(location, str) and bool(location.strip()) and document.get("type") in kinds


def _unreadable(part: Unreadable) -> dict[str, str]:
    return {"resource": part.resource_id, "action": part.action, "sentence": clean_text(part.sentence)}


def _usage_key(row: Usage) -> tuple[str, ...]:
    return row.subscription, row.location, row.provider.lower(), row.name.lower()


def _usage(row: Usage) -> dict[str, Any]:
    return {
        "subscriptionId": row.subscription,
        "location": row.location,
        "provider": row.provider,
        "name": row.name,
        "currentValue": row.current,
        "limit": row.limit,
    }


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
