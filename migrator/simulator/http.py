"""The HTTP face: what every request has in common (token, throttle, faults, log, headers), around the routes of `arm/`.

`create_app(platform)` gives an ASGI application; `Simulator` is the same with its log, its throttle and its state
directory.
"""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from migrator.simulator import access, control, page
from migrator.simulator.arm import (
    around,
    authorization,
    changing,
    graph,
    insights,
    metadata,
    migration,
    networking,
    others,
    protection,
    quota,
    resources,
    security,
    subscriptions,
    tags,
    vaults,
)
from migrator.simulator.arm.routing import Answer, Call, Router
from migrator.simulator.errors import ArmError
from migrator.simulator.faults import Unanswered
from migrator.simulator.persistence import Journal, Keeper
from migrator.simulator.platform import Platform
from migrator.simulator.records import Fault
from migrator.simulator.service_management import face as service_management
from migrator.simulator.store import subscription_in
from migrator.simulator.throttle import Throttle
from migrator.simulator.transport import Dropped, read_body

CONTROL = "/_simulator"
_GROUP = re.compile(r'("/subscriptions/[^/"]+/resourceGroups/)([^/"\\]+)', re.IGNORECASE)  # ids, not links
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def _router() -> Router:
    router = Router()
    for part in (
        around,
        subscriptions,
        graph,
        migration,
        quota,
        others,
        authorization,
        insights,
        security,
        tags,
        networking,
        protection,
        vaults,
        changing,
        resources,
    ):
        router.include(part.routes)
    return router


class Simulator:
    """One simulated Azure with everything around it. `estate` is what a reset goes back to."""

    def __init__(
        self,
        platform: Platform,
        *,
        scenario: str = "given",
        estate: Mapping[str, Any] | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self.platform = platform
        self.scenario = scenario
        self.estate = estate or {}
        self.keeper = keeper or Keeper(None)
        self.continued = False  # whether it goes on from a kept state
        self.journal = Journal(self.keeper.directory)
        self.throttle = Throttle()
        self.throttle.factor = platform.settings.throttle
        self._router = _router()
        self.keeper.keep(platform, scenario)

    def restart(self, scenario: str, estate: Mapping[str, Any], seed: int) -> None:
        """Begin again with another estate; the clock's speed, the settings and the request log stay."""
        platform = Platform(estate, seed=seed, clock=self.platform.clock)
        platform.settings = self.platform.settings
        self.scenario, self.estate, self.platform = scenario, estate, platform
        self.keeper.clear()

    async def __call__(self, request: Request) -> Response:
        """One request, from the first byte to the answer."""
        started = time.monotonic()
        path = "/" + request.scope["path"].lstrip("/")  # an SDK puts an encoded scope, slash and all, behind a slash
        query = {name.lower(): value for name, value in request.query_params.multi_items()}
        if path == "/healthz":
            return _json(Answer(body={"status": "ok", "scenario": self.scenario}))
        if path.lower() == "/metadata/endpoints":  # asked before anybody signs in
            return _json(metadata.endpoints(_base(request), query.get("api-version", "")))
        if service_management.answers(path):
            return await service_management.respond(self, request, path, query, started)
        try:
            body = await _body(request)
            if path == CONTROL or path.startswith(CONTROL + "/"):
                if request.method == "GET" and path in (CONTROL, CONTROL + "/"):
                    return HTMLResponse(page.html(self), headers={"Content-Security-Policy": page.POLICY})
                answer = control.handle(self, request.method, path, query, body)
                self.keeper.keep(self.platform, self.scenario)
                return _json(answer)
        except ArmError as error:
            return _json(Answer(status=error.status, body=error.body()))
        return await self._arm(request, path, query, body, started)

    async def _arm(self, request: Request, path: str, query: dict[str, str], body: Any, started: float) -> Response:
        ids = {"x-ms-request-id": str(uuid.uuid4()), "x-ms-correlation-request-id": str(uuid.uuid4())}
        ids["x-ms-routing-request-id"] = f"SIMULATOR:{datetime.now(UTC):%Y%m%dT%H%M%SZ}:{ids['x-ms-request-id']}"
        client_request_id = request.headers.get("x-ms-client-request-id", "")
        if client_request_id:
            ids["x-ms-client-request-id"] = client_request_id
        slow = self.platform.faults.take("slow", path=path, method=request.method)
        if slow:
            await asyncio.sleep(float(slow.settings["seconds"]))
        dropped, headers = False, dict[str, str]()
        call = Call(
            self.platform, request.method, path, query, body, _base(request), client_request_id=client_request_id
        )
        try:
            headers = self._admit(request, call)
            answer = self._router.dispatch(call)
        except Unanswered as lost:
            dropped = lost.answer == "drop"
            status = 500 if dropped else int(lost.answer)
            text = "The server encountered an internal error. Please retry the request."
            answer = Answer(status=status, body=ArmError(status, "InternalServerError", text).body())
        except ArmError as error:
            answer = Answer(status=error.status, body=error.body(), headers=error.headers)
        if self.platform.settings.upper_case_groups and answer.body is not None:
            answer.body = json.loads(_GROUP.sub(lambda found: found[1] + found[2].upper(), json.dumps(answer.body)))
        answer.headers = {**headers, **ids, **answer.headers}
        if waits := self.platform.faults.take("retry-after", verb=_verb_in(path), path=path, method=request.method):
            value = waits.settings["value"]
            own = {name: text for name, text in answer.headers.items() if name.lower() != "retry-after"}
            answer.headers = own if value is None else {**own, "Retry-After": value}
        malformed = self.platform.faults.take("malformed", path=path, method=request.method)
        self.keeper.keep(self.platform, self.scenario)
        error = answer.body.get("error") if isinstance(answer.body, dict) else None
        code = error.get("code", "") if isinstance(error, dict) else ""
        self.log(call, answer, ids, code=code, dropped=dropped, took=time.monotonic() - started)
        if dropped:
            return Dropped()
        return _spoiled(answer, malformed) if malformed else _json(answer)

    def _admit(self, request: Request, call: Call) -> dict[str, str]:
        """Token, switches and throttle, in this order. Gives the headers that tell what remains. Raises ArmError."""
        platform, authorization_header = self.platform, request.headers.get("authorization", "")
        tenant = next((str(row.get("tenantId") or "") for row in platform.subscriptions.values()), "")
        if platform.faults.take("unauthorized", path=call.path, method=call.method):
            text = "The access token expiry UTC time is earlier than current UTC time."
            raise access.unauthorized("ExpiredAuthenticationToken", text, tenant)
        call.principal = access.principal(authorization_header, tenant)
        call.reads_only = access.is_reader(authorization_header)
        call.sees = () if access.is_stranger(authorization_header) else tuple(platform.subscriptions)
        fault = platform.faults.take("throttle", path=call.path, method=call.method)
        if fault:
            wait = fault.settings["retry_after"]
            raise _throttled(None if wait is None else int(wait), int(fault.settings.get("status", 429)))
        headers = self._throttle(call)
        access.check_rights(authorization_header, call.principal, call.method, call.path)
        return headers

    def _throttle(self, call: Call) -> dict[str, str]:
        if call.path.lower().startswith("/providers/microsoft.resourcegraph/"):
            left, resets = self.throttle.take_query(call.principal)
            clock = f"00:00:{int(resets) + (resets > int(resets)):02d}"
            headers = {"x-ms-user-quota-remaining": str(max(0, left)), "x-ms-user-quota-resets-after": clock}
            if left < 0:
                raise ArmError(429, "RateLimiting", "Client application has been throttled.", headers=headers)
            return headers
        kind = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}.get(call.method, "writes")
        subscription = subscription_in(call.path)
        remains, wait = self.throttle.take(subscription, call.principal, kind)
        if wait is not None:
            raise _throttled(wait)
        return {f"x-ms-ratelimit-remaining-{'subscription' if subscription else 'tenant'}-{kind}": str(remains)}

    def log(self, call: Call, answer: Answer, ids: Mapping[str, str], *, code: str, dropped: bool, took: float) -> None:
        """One line of the request log. `took`: real seconds."""
        self.journal.append(
            {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "simulated": self.platform.moment.isoformat(timespec="milliseconds"),
                "method": call.method,
                "path": call.path,
                "query": dict(call.query),
                "status": answer.status,
                "code": code,
                "dropped": dropped,
                "verb": answer.verb or _verb_in(call.path),
                "unit": answer.unit,
                "operation_id": answer.operation_id,
                "client_request_id": call.client_request_id,
                "request_id": ids["x-ms-request-id"],
                "correlation_id": ids.get("x-ms-correlation-request-id", ""),
                "principal": call.principal,
                "milliseconds": round(took * 1000, 2),
            }
        )


def _verb_in(path: str) -> str:
    last = path.rpartition("/")[2].lower()
    return last.removesuffix("migration") if last.endswith("migration") else ""


def _throttled(wait: int | None, status: int = 429) -> ArmError:
    headers = {} if wait is None else {"Retry-After": str(wait)}
    if status == 503:
        return ArmError(503, "ServerBusy", "The server is busy. Please retry the request later.", headers=headers)
    text = "Number of requests for the subscription and operation exceeded the limit. Please try again later."
    return ArmError(429, "SubscriptionRequestsThrottled", text, headers=headers)


def _base(request: Request) -> str:
    host = request.headers.get("host") or "127.0.0.1"
    return f"{request.url.scheme}://{host}"


async def _body(request: Request) -> Any:
    """The JSON body, None when empty. Raises ArmError."""
    raw = await read_body(request)
    if not raw.strip():
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise ArmError(400, "InvalidRequestContent", "The request content was invalid and could not be read.") from None


def _json(answer: Answer) -> Response:
    content = b"" if answer.body is None else json.dumps(answer.body, ensure_ascii=False).encode()
    headers = {"Cache-Control": "no-cache", **answer.headers}
    return Response(content, status_code=answer.status, headers=headers, media_type="application/json; charset=utf-8")


def _spoiled(answer: Answer, fault: Fault) -> Response:
    """An answer nobody can read."""
    whole = json.dumps(answer.body).encode()
    bodies = {
        "html": b"<!DOCTYPE html><html><body><h1>Bad Gateway</h1></body></html>",
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "list": b"[1, 2, 3]",
    }
    chosen = str(fault.settings["body"])
    kind = "text/html" if chosen == "html" else "application/json"
    return Response(bodies.get(chosen, b""), status_code=answer.status, headers=answer.headers, media_type=kind)


def create_app(platform: Platform | Simulator) -> Starlette:
    """The ASGI application of a platform (or of a whole Simulator)."""
    simulator = platform if isinstance(platform, Simulator) else Simulator(platform)
    app = Starlette(routes=[Route("/{path:path}", simulator.__call__, methods=_METHODS)])
    app.state.simulator = simulator
    return app
