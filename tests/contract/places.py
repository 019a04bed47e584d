"""Where the contract is kept: a simulator in this process, one over HTTP on loopback, and a real subscription.

A place gives gateways and, when it is simulated, the control surface. In process nothing of the client is replaced but
the last step of azure-core's own transport: requests hands the bytes to the ASGI application instead of a socket.
"""

import asyncio
import io
import os
from http.client import RemoteDisconnected
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from azure.core.pipeline.policies import HeadersPolicy
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

from migrator.gateway import clouds
from migrator.gateway.arm import ArmGateway, AzureWire, credential
from migrator.gateway.azure import Azure
from migrator.simulator import scenarios
from migrator.simulator.http import create_app
from migrator.simulator.platform import Platform
from migrator.simulator.running import Running

OLDER = "/service-management"
REAL_SUBSCRIPTION = os.environ.get("TRACKER_CONTRACT_SUBSCRIPTION", "").lower()


class OverHttp:
    """A simulator's process on loopback."""

    simulated = True

    def __init__(self, running: Running) -> None:
        self.base_url = running.base_url
        self.control = running.control

    def transport(self, transport: Any) -> None:
        """What has to be done to one of azure-core's transports so that it reaches this place: nothing."""

    def gateway(self, token: str = "", *, both: bool = False) -> ArmGateway:
        """A gateway on Resource Manager, or on both APIs. Close it."""
        trusted = credential("static", self.base_url, token=token)
        if both:
            made: ArmGateway = Azure(self.base_url, self.base_url + OLDER, trusted)
            wires = [made._wire, made._service._calls.wire]  # type: ignore[attr-defined]
        else:
            made = ArmGateway(self.base_url, trusted)
            wires = [made._wire]
        for wire in wires:
            assert isinstance(wire, AzureWire)
            self.transport(wire._client._client._pipeline._transport)
        return made

    def client(self, kind: Any, *arguments: Any, token: str = "anyone", **options: Any) -> Any:
        """One of Microsoft's clients as it comes, with nothing of ours but the token: its own policy refuses plain
        http, also on loopback (azure.md 9.3)."""
        made = kind(
            credential("static", self.base_url),
            *arguments,
            base_url=self.base_url,
            credential_scopes=[f"{self.base_url}/.default"],
            authentication_policy=HeadersPolicy({"Authorization": f"Bearer {token}"}),
            retry_backoff_factor=0.01,
            **options,
        )
        self.transport(made._client._pipeline._transport)
        return made


class InProcess(OverHttp):
    """The same simulator without process and socket; its clock runs as it does there."""

    def __init__(self) -> None:
        self.base_url = "http://127.0.0.1:8"  # nobody listens there
        estate = scenarios.estate("journey")
        platform = Platform(estate, seed=1)
        self._adapter = _Asgi(create_app(platform))
        self._session = requests.Session()
        self._session.mount(self.base_url, self._adapter)

    def transport(self, transport: Any) -> None:
        transport.open()
        transport.session.mount(self.base_url, self._adapter)

    def control(self, name: str, body: Any = None, *, method: str = "") -> Any:
        verb = method or ("GET" if body is None else "POST")
        answer = self._session.request(verb, f"{self.base_url}/_simulator/{name}", json=body)
        answer.raise_for_status()
        return answer.json()


class _Asgi(HTTPAdapter):
    """A transport of requests that ends in an ASGI application. A body shorter than announced is a connection that was
    closed, as it is on a socket."""

    def __init__(self, app: Any) -> None:
        super().__init__()
        self._app = app

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        parts, sent = urlsplit(str(request.url)), list[dict[str, Any]]()
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        headers = {"Host": parts.netloc, **request.headers}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "scheme": parts.scheme,
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(name.lower().encode(), str(value).encode()) for name, value in headers.items()],
            "server": (parts.hostname, parts.port),
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: dict[str, Any]) -> None:
            sent.append(message)

        asyncio.run(self._app(scope, receive, keep))
        content = b"".join(message.get("body", b"") for message in sent[1:])
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        if request.method != "HEAD" and len(content) < int(told.get("content-length", 0)):
            lost = RemoteDisconnected("Remote end closed connection without response")
            raise requests.ConnectionError(ProtocolError("Connection aborted.", lost), request=request)
        raw = HTTPResponse(io.BytesIO(content), headers=told, status=sent[0]["status"], preload_content=False)
        return self.build_response(request, raw)


class RealAzure:
    """The public cloud as DefaultAzureCredential signs in to it. Only ever read."""

    simulated = False
    base_url = clouds.PUBLIC.resource_manager

    def control(self, name: str, body: Any = None, *, method: str = "") -> Any:
        raise AssertionError(f"Azure has no control surface: this test must not run there ({name}).")

    def gateway(self, token: str = "", *, both: bool = False) -> ArmGateway:
        trusted = credential("default", self.base_url)
        if both:
            return Azure(self.base_url, clouds.PUBLIC.service_management, trusted)
        return ArmGateway(self.base_url, trusted)

    def client(self, kind: Any, *arguments: Any, token: str = "", **options: Any) -> Any:
        return kind(credential("default", self.base_url), *arguments, **options)


Place = OverHttp | InProcess | RealAzure
