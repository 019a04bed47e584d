"""What every request to service management has in common: token, version, throttle, switches, log, headers.

The same order of checks as the Resource Manager face; the answers are XML.
"""

import asyncio
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from starlette.requests import Request
from starlette.responses import Response

from migrator.simulator import access
from migrator.simulator.arm.routing import Answer, Call, Router
from migrator.simulator.errors import ArmError
from migrator.simulator.faults import Unanswered
from migrator.simulator.records import Fault
from migrator.simulator.service_management import migration, networking, services, storage, versions, writes, xml
from migrator.simulator.service_management.routing import PREFIX, unit_of
from migrator.simulator.transport import Dropped, read_body

if TYPE_CHECKING:
    from migrator.simulator.http import Simulator

# What Resource Manager says (status and code), in the words of this API [K].
_CODES = {
    (401, "ExpiredAuthenticationToken"): "AuthenticationFailed",
    (404, "InvalidResourceType"): "ResourceNotFound",
    (405, "MethodNotAllowed"): "InvalidHttpVerb",
    (413, "RequestContentTooLarge"): "RequestBodyTooLarge",
    (400, "InvalidRequestContent"): "InvalidXmlRequest",
}
_MEDIA = "application/xml; charset=utf-8"


def _router() -> Router:
    router = Router()
    for part in (migration, services, networking, storage, writes):
        router.include(part.routes)
    return router


_ROUTES = _router()


def answers(path: str) -> bool:
    """Whether a path belongs to this face."""
    return path == PREFIX or path.startswith(PREFIX + "/")


async def respond(
    simulator: "Simulator", request: Request, path: str, query: Mapping[str, str], started: float
) -> Response:
    """One request, from the first byte to the answer. `started`: `time.monotonic()` at its beginning."""
    platform = simulator.platform
    ids = {"x-ms-request-id": uuid.uuid4().hex}
    client_request_id = request.headers.get("x-ms-client-request-id", "")
    if client_request_id:
        ids["x-ms-client-request-id"] = client_request_id
    subscription = path.removeprefix(PREFIX).strip("/").partition("/")[0].lower()
    unit = unit_of(platform.store, path)
    aim = f"{path} {unit['id'] if unit else ''}"  # a switch may name the unit by either face's name
    slow = platform.faults.take("slow", path=aim, method=request.method)
    if slow:
        await asyncio.sleep(float(slow.settings["seconds"]))
    call = Call(
        platform,
        request.method,
        path,
        {**query, "x-ms-version": request.headers.get("x-ms-version", "")},
        None,
        f"{request.url.scheme}://{request.headers.get('host') or '127.0.0.1'}",
        client_request_id=client_request_id,
        parts={"subscription": subscription},
    )
    dropped, code = False, ""
    try:
        call.body = await read_body(request)
        _admit(simulator, request, call, aim)
        answer = _ROUTES.dispatch(call)
    except Unanswered as lost:
        dropped = lost.answer == "drop"
        status, code = 500 if dropped else int(lost.answer), "InternalError"
        text = "The server encountered an internal error. Please retry the request."
        answer = Answer(status=status, body=xml.error(code, text))
    except ArmError as error:
        code = _CODES.get((error.status, error.code), error.code)
        answer = Answer(status=error.status, body=xml.error(code, error.message), headers=error.headers)
    answer.verb = answer.verb or (query.get("comp", "").lower() if path.lower().endswith("/migration") else "")
    answer.unit = answer.unit or (str(unit["id"]) if unit else "")
    answer.headers = {**ids, **answer.headers}
    malformed = platform.faults.take("malformed", path=aim, method=request.method)
    simulator.keeper.keep(platform, simulator.scenario)
    shown = {**ids, "x-ms-request-id": answer.headers["x-ms-request-id"]}
    call.query = dict(query)
    simulator.log(call, answer, shown, code=code, dropped=dropped, took=time.monotonic() - started)
    if dropped:
        return Dropped()
    return _response(answer, malformed)


def _admit(simulator: "Simulator", request: Request, call: Call, aim: str) -> None:
    """Token, subscription, switches, throttle, version, in this order. Raises ArmError."""
    platform, authorization = call.platform, request.headers.get("authorization", "")
    tenant = next((str(row.get("tenantId") or "") for row in platform.subscriptions.values()), "")
    if platform.faults.take("unauthorized", path=aim, method=call.method):
        raise access.unauthorized("AuthenticationFailed", "The JWT token is expired.", tenant)
    call.principal = access.principal(authorization, tenant)
    fault = platform.faults.take("throttle", path=aim, method=call.method)
    if fault:
        wait = fault.settings["retry_after"]
        raise _busy(None if wait is None else int(wait), int(fault.settings.get("status", 429)))
    subscription, stranger = call.parts["subscription"], access.is_stranger(authorization)
    if subscription not in platform.subscriptions or access.is_reader(authorization) or stranger:
        # Only an owner or co-administrator may call this API, also to read (azure.md 1.4 [D] cs-ov); the answer is [K].
        text = "The server failed to authenticate the request. "
        text += "Verify that the caller is an owner or co-administrator of this subscription."
        raise ArmError(403, "ForbiddenError", text)
    kind = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}.get(call.method, "writes")
    _, seconds = simulator.throttle.take(subscription, f"{call.principal} service management", kind)
    if seconds is not None:
        raise _busy(seconds, 429)
    versions.check(call.query["x-ms-version"])


def _busy(wait: int | None, status: int) -> ArmError:
    """The answer to too many requests [K]."""
    headers = {} if wait is None else {"Retry-After": str(wait)}
    if status == 503:
        return ArmError(503, "ServerBusy", "The server is currently unable to receive requests.", headers=headers)
    text = "Cannot process request as quota exceeded for this operation. Retry after some time."
    return ArmError(429, "TooManyRequests", text, headers=headers)


def _response(answer: Answer, malformed: Fault | None) -> Response:
    headers = {"Cache-Control": "no-cache", **answer.headers}
    whole = xml.write(answer.body) if isinstance(answer.body, Element) else b""
    if malformed is None:
        return Response(whole, status_code=answer.status, headers=headers, media_type=_MEDIA if whole else None)
    chosen = str(malformed.settings["body"])
    bodies = {
        "html": b"<!DOCTYPE html><html><body><h1>Bad Gateway</h1></body></html>",
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "list": b"<ArrayOfstring><string>1</string></ArrayOfstring>",
    }
    kind = "text/html" if chosen == "html" else _MEDIA
    return Response(bodies.get(chosen, b""), status_code=answer.status, headers=headers, media_type=kind)
