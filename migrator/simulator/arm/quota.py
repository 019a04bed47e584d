"""Usages of compute, network and storage, and Microsoft.Quota (azure.md 5.1, 5.2)."""

import random
import uuid
from datetime import timedelta
from typing import Any

from migrator.simulator import providers, quotas
from migrator.simulator.arm.routing import SUBSCRIPTION, Answer, Call, Router, page
from migrator.simulator.errors import ArmError, bad_request
from migrator.simulator.quotas import QuotaRequest
from migrator.simulator.store import Document

routes = Router()
_SCOPE = SUBSCRIPTION + r"/providers/(?P<provider>microsoft\.compute|microsoft\.network)/locations/(?P<location>[^/]+)"
_QUOTA = _SCOPE + r"/providers/microsoft\.quota"
_USAGES = _SCOPE.replace(r"|microsoft\.network", r"|microsoft\.network|microsoft\.storage")  # Quota has no storage [K]
_SPELLED = {
    "microsoft.compute": "Microsoft.Compute",
    "microsoft.network": "Microsoft.Network",
    "microsoft.storage": "Microsoft.Storage",
}


@routes.route("GET", _USAGES + "/usages")
def list_usages(call: Call) -> Answer:
    call.check_version(f"{_provider(call)}/locations/usages", call.parts["location"])
    call.platform.tick()
    found = _rows(call)
    if not found and not providers.knows_region(call.parts["location"]):
        raise providers.no_such_location(call.parts["location"], call.query["api-version"], "locations/usages")
    rows = [
        {
            "id": f"{call.path}/{row['name']}",
            "unit": "Count",
            "currentValue": row["currentValue"],
            "limit": row["limit"],
            "name": {"value": row["name"], "localizedValue": quotas.localized(row["name"])},
        }
        for row in found
    ]
    return page(call, rows)


def _provider(call: Call) -> str:
    return _SPELLED[call.parts["provider"].lower()]


def _rows(call: Call) -> list[dict[str, Any]]:
    return call.platform.quotas.rows(call.subscription, call.parts["location"], _provider(call))


def _row(call: Call) -> dict[str, Any]:
    found = call.platform.quotas.row(call.subscription, call.parts["location"], _provider(call), call.parts["name"])
    if found is None:
        raise ArmError(404, "ResourceNotFound", f"There is no quota '{call.parts['name']}' at this scope.")
    return found


def _begin(call: Call, kind: str) -> None:
    call.check_version(f"Microsoft.Quota/{kind}")
    call.platform.tick()
    call.platform.require_provider(call.subscription, "Microsoft.Quota")


def _scope_id(call: Call) -> str:
    return f"/subscriptions/{call.subscription}/providers/{_provider(call)}/locations/{call.parts['location']}"


def _quota(call: Call, row: dict[str, Any]) -> Document:
    return {
        "id": f"{_scope_id(call)}/providers/Microsoft.Quota/quotas/{row['name']}",
        "name": row["name"],
        "type": "Microsoft.Quota/quotas",
        "properties": {
            "limit": {"limitObjectType": "LimitValue", "limitType": "Independent", "value": row["limit"]},
            "name": {"value": row["name"], "localizedValue": quotas.localized(row["name"])},
            "unit": "Count",
            "isQuotaApplicable": True,
            "properties": {},
        },
    }


@routes.route("GET", _QUOTA + "/quotas")
def list_quotas(call: Call) -> Answer:
    _begin(call, "quotas")
    return page(call, [_quota(call, row) for row in _rows(call)])


@routes.route("GET", _QUOTA + r"/quotas/(?P<name>[^/]+)")
def get_quota(call: Call) -> Answer:
    _begin(call, "quotas")
    return Answer(body=_quota(call, _row(call)))


@routes.route("GET", _QUOTA + r"/usages(?:/(?P<name>[^/]+))?")
def quota_usages(call: Call) -> Answer:
    _begin(call, "usages")

    def usage(row: dict[str, Any]) -> Document:
        return {
            "id": f"{_scope_id(call)}/providers/Microsoft.Quota/usages/{row['name']}",
            "name": row["name"],
            "type": "Microsoft.Quota/usages",
            "properties": {
                "usages": {"value": row["currentValue"]},
                "name": {"value": row["name"], "localizedValue": quotas.localized(row["name"])},
                "unit": "Count",
                "isQuotaApplicable": True,
            },
        }

    return Answer(body=usage(_row(call))) if call.parts["name"] else page(call, [usage(row) for row in _rows(call)])


@routes.route("PUT PATCH", _QUOTA + r"/quotas/(?P<name>[^/]+)")
def put_quota(call: Call) -> Answer:
    """Ask for a new total. 202 with the request resource; the limit changes when the clock says so."""
    _begin(call, "quotas")
    row, limit = _row(call), (call.properties().get("limit") or {}).get("value")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise bad_request("properties.limit.value must be a whole number: the new total limit.")
    if limit < row["currentValue"]:
        raise bad_request(f"The limit {limit} is below the current usage {row['currentValue']}.")
    platform = call.platform
    running = next(
        (r for r in platform.quotas.requests.values() if r.state in ("Accepted", "InProgress") and _same(r, call)), None
    )
    if running is not None:
        text = f"A request for {row['name']} in {row['location']} is in progress: {running.request_id}."
        raise ArmError(409, "Conflict", text)
    count = len(platform.quotas.requests)
    dice = random.Random(f"{platform.seed}:quota:{count}")  # noqa: S311 - a game of chance that must repeat
    request_id = str(uuid.UUID(int=dice.getrandbits(128), version=4))
    takes = timedelta(seconds=dice.uniform(180, 600))
    request = platform.quotas.ask(request_id, row, limit, platform.moment, takes)
    place = f"{_scope_id(call)}/providers/Microsoft.Quota/quotaRequests/{request_id}"
    url = call.url(place, **{"api-version": call.query["api-version"]})
    wait = str(max(1, min(15, int(platform.clock.real_seconds(takes.total_seconds()) / 4))))
    headers = {"Location": url, "Azure-AsyncOperation": url, "Retry-After": wait}
    return Answer(status=202, body=_request(call, request), headers=headers)


def _same(request: QuotaRequest, call: Call) -> bool:
    here = (call.subscription, _provider(call), call.parts["location"].lower(), call.parts["name"].lower())
    return (request.subscription, request.provider, request.location.lower(), request.name.lower()) == here


@routes.route("GET", _QUOTA + r"/quotarequests(?:/(?P<request>[^/]+))?")
def quota_requests(call: Call) -> Answer:
    _begin(call, "quotaRequests")
    here = (call.subscription, _provider(call).lower(), call.parts["location"].lower())
    mine = [
        request
        for request in call.platform.quotas.requests.values()
        if (request.subscription, request.provider.lower(), request.location.lower()) == here
    ]
    if not call.parts["request"]:
        return page(call, [_request(call, request) for request in mine])
    for request in mine:
        if request.request_id == call.parts["request"].lower():
            return Answer(body=_request(call, request))
    raise ArmError(404, "ResourceNotFound", f"There is no quota request '{call.parts['request']}' at this scope.")


def _request(call: Call, request: QuotaRequest) -> Document:
    failed = request.state == "Failed"
    message = request.message if request.state in ("Succeeded", "Failed") else "Request submitted."
    row: dict[str, Any] = {
        "name": {"value": request.name, "localizedValue": quotas.localized(request.name)},
        "unit": "Count",
        "provisioningState": request.state,
        "message": message,
        "subRequestId": str(uuid.uuid5(uuid.NAMESPACE_OID, request.request_id)),
        "limit": {"limitObjectType": "LimitValue", "limitType": "Independent", "value": request.limit},
    }
    properties: dict[str, Any] = {
        "provisioningState": request.state,
        "message": message,
        "requestSubmitTime": request.asked_at.isoformat(),
        "value": [row],
    }
    if failed:
        properties["error"] = {"code": "ContactSupport", "message": message}
    return {
        "id": f"{_scope_id(call)}/providers/Microsoft.Quota/quotaRequests/{request.request_id}",
        "name": request.request_id,
        "type": "Microsoft.Quota/quotaRequests",
        "properties": properties,
        "status": request.state,  # so that a poll of the status URL reads it too
    }
