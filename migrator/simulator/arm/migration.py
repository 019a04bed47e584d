"""The four verbs and their operation statuses (azure.md 2.3, 2.4)."""

from typing import Any

from migrator.simulator.arm.routing import GROUP, Answer, Call, Router
from migrator.simulator.errors import ArmError, resource_not_found
from migrator.simulator.records import Operation, when
from migrator.simulator.store import type_in_id

routes = Router()
UNIT = (
    r"(?P<unit>"
    + GROUP
    + r"/providers/(?:microsoft\.classiccompute/domainnames/[^/]+/(?:slots|deploymentSlots)/[^/]+"
    + r"|microsoft\.classicnetwork/virtualnetworks/[^/]+|microsoft\.classicstorage/storageaccounts/[^/]+))"
)


def unit_of(path: str) -> str:
    """The unit in a path; `deploymentSlots` is an older name of `slots`."""
    marker = path.lower().find("/deploymentslots/")
    return path if marker < 0 else path[:marker] + "/slots/" + path[marker + len("/deploymentslots/") :]


@routes.route("POST", UNIT + r"/(?P<verb>validate|prepare|commit|abort)migration")
def verb(call: Call) -> Answer:
    """Validate answers 200 with its messages, or 202 like the others, with its messages at the status URL [I]."""
    unit, name = unit_of(call.parts["unit"]), call.parts["verb"].lower()
    if not call.subscription:
        raise resource_not_found(unit)
    document = call.platform.store.get(unit)
    call.check_version(type_in_id(unit), str((document or {}).get("location", "")))
    body = call.body if isinstance(call.body, dict) else {}
    result = call.platform.submit(name, unit, body, call.client_request_id)
    if isinstance(result, list):
        failed = any(message["category"] == "Error" for message in result)
        answer = {"validationMessages": result, "status": "Failed" if failed else "Succeeded"}
        return Answer(body=answer, verb=name, unit=unit)
    url = call.url(
        f"{result.unit}/operationStatuses/{result.operation_id}", **{"api-version": call.query["api-version"]}
    )
    headers = {"Retry-After": str(call.platform.retry_after(result))}
    shown = call.platform.settings.operation_header
    if shown in ("both", "location"):
        headers["Location"] = url
    if shown in ("both", "azure-asyncoperation"):
        headers["Azure-AsyncOperation"] = url
    return Answer(status=202, headers=headers, verb=name, unit=unit, operation_id=result.operation_id)


@routes.route("GET", UNIT + r"/operationstatuses/(?P<operation>[^/]+)")
def operation_status(call: Call) -> Answer:
    """The status resource. It outlives the unit it belongs to, so Commit can be followed to its end."""
    unit = unit_of(call.parts["unit"])
    call.check_version(type_in_id(unit))  # the status URL carries the api-version of the verb
    operation = call.platform.operation(call.parts["operation"])
    gone = call.platform.faults.take("poll-gone", verb=operation.verb, path=unit, method="GET")
    if gone or operation.unit.lower() != unit.lower():
        raise ArmError(404, "NotFound", f"The operation '{operation.operation_id}' was not found.")
    headers = {"Retry-After": str(call.platform.retry_after(operation))} if operation.live else {}
    body = operation_body(call, operation)
    status = 202 if operation.live and call.platform.settings.operation_header == "location" else 200
    return Answer(status=status, body=body, headers=headers, unit=unit, operation_id=operation.operation_id)


def operation_body(call: Call, operation: Operation) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": f"{operation.unit}/operationStatuses/{operation.operation_id}",
        "name": operation.operation_id,
        "status": operation.status,
        "startTime": when(operation.started_at),
    }
    if operation.ended_at is not None:
        body["endTime"] = when(operation.ended_at)
    if operation.messages is not None:
        body["validationMessages"] = operation.messages
    elif operation.status == "Failed":
        body["error"] = {"code": operation.code, "message": operation.message}
    return body
