"""Azure Resource Manager over azure-core's pipeline. Only it and `credentials` import `azure`.

The pipeline is azure-mgmt-resource's client with policies of our own: no automatic provider registration (it polls
without limit, azure.md 9.4), no retries below us, no redirects, and a bearer policy which writes the token only into
requests to the configured endpoint (the SDK's own refuses plain http even on loopback, azure.md 9.3).
"""

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError, ServiceRequestTimeoutError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.resource.resources import ResourceManagementClient
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from migrator.gateway import inventory, observing, operations, reads, subscription
from migrator.gateway.calls import LARGEST, Calls, NoAnswer, RawAnswer, TooLarge
from migrator.gateway.clouds import audience_of
from migrator.gateway.credentials import StaticToken, credential
from migrator.gateway.endpoint import Endpoint, EndpointRefused, resource_path, short_name
from migrator.gateway.protocol import (
    HTTP_DEADLINE,
    Answer,
    ApiVersion,
    CredentialRefused,
    Document,
    ErrorClass,
    Observed,
    Polled,
    QuotaAnswer,
    Reached,
    Refused,
    Submitted,
    SubscriptionInfo,
    Traffic,
    Unreadable,
)
from migrator.gateway.shapes import INFERRED_AS_DOCUMENTED, Shapes
from migrator.gateway.wire import clean_text, clean_value, holds_removed
from migrator.resources import ArmRequest, OfferedSize, Registration, ResourceType, Usage, Verb

__all__ = ["ArmGateway", "AzureWire", "Bearer", "StaticToken", "credential", "scope_of"]

CONNECT_TIMEOUT = 5.0  # seconds
TOKEN_MARGIN = 300  # seconds before its end at which a token is renewed
METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"})


def scope_of(endpoint: Endpoint) -> str:
    """The audience a token is asked for."""
    return audience_of(endpoint.host) or f"{endpoint.url}/.default"


class Bearer(SansIOHTTPPolicy[HttpRequest, HttpResponse]):
    """Writes the token into requests to the one endpoint, and into no other."""

    def __init__(self, credential: TokenCredential, endpoint: Endpoint, scope: str) -> None:
        self._credential = credential
        self._endpoint = endpoint
        self._scope = scope
        self._token: AccessToken | None = None
        self._claims = ""

    def forget(self, claims: str = "") -> None:
        """After a 401: the next request asks for a new token, with the claims it demands."""
        self._token, self._claims = None, claims or self._claims

    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        if not self._endpoint.owns(request.http_request.url):
            raise EndpointRefused("A request to another host than the configured endpoint carries no token.")
        if self._token is None or self._token.expires_on - time.time() < TOKEN_MARGIN:
            self._token = self._obtain()
        request.http_request.headers["Authorization"] = f"Bearer {self._token.token}"

    def _obtain(self) -> AccessToken:
        options = {"claims": self._claims, "enable_cae": True} if self._claims else {}
        try:
            token = self._credential.get_token(self._scope, **options)
        except (AzureError, OSError, ValueError) as error:
            words = " ".join(clean_text(str(error)).split())[:500]
            raise CredentialRefused(
                f"No token for {self._endpoint.url} could be had: {words} Renew or correct the credential.",
                error_class=ErrorClass.FIX,
            ) from error
        self._claims = ""
        return token


class AzureWire:
    """`calls.Wire` over azure-mgmt-resource's client. `scope`: the audience of the token, when it is not Resource
    Manager's."""

    def __init__(
        self, endpoint: Endpoint, credential: TokenCredential, connect_timeout: float, scope: str = ""
    ) -> None:
        scope = scope or scope_of(endpoint)
        self._bearer = Bearer(credential, endpoint, scope)
        self._connect_timeout = connect_timeout
        self._client = ResourceManagementClient(
            credential,
            "",  # every URL is written by us; none of the client's own operations is used
            base_url=endpoint.url,
            credential_scopes=[scope],
            policies=[UserAgentPolicy(base_user_agent="classic-migration-tracker"), self._bearer],
            use_env_settings=not endpoint.loopback,  # a proxy has no business between us and loopback
        )

    def close(self) -> None:
        self._client.close()

    def forget_token(self, claims: str = "") -> None:
        self._bearer.forget(claims)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: Any, timeout: float) -> RawAnswer:
        until = time.monotonic() + timeout
        given = {"content": body} if isinstance(body, bytes) else {"json": body}
        request = HttpRequest(method, url, headers=dict(headers), **given)
        try:
            response = self._client.send_request(
                request,
                stream=True,
                connection_timeout=min(self._connect_timeout, timeout),
                read_timeout=timeout,
            )
        except (AzureError, HTTPError, OSError, ValueError) as error:
            raise NoAnswer(_why(error), sent=not _never_sent(error)) from error
        try:
            content = _content(response, until)
        except (AzureError, HTTPError, OSError, ValueError) as error:
            raise NoAnswer(f"the answer broke off ({_why(error)})") from error
        finally:
            response.close()
        return RawAnswer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, content)


def _content(response: HttpResponse, until: float) -> bytes:
    """The body, decompressed, read no further than the limit and the deadline. One which says nowhere how long it is
    cannot be told from one that broke off, and is not believed."""
    announced = response.headers.get("Content-Length", "")
    if not announced and "Transfer-Encoding" not in response.headers and response.status_code not in (204, 304):
        raise OSError("it does not say where it ends")
    if announced.isdigit() and int(announced[:20]) > LARGEST:
        raise TooLarge
    held, size = [], 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > LARGEST:
            raise TooLarge
        if time.monotonic() > until:
            raise OSError("the deadline passed while it was being read")
        held.append(chunk)
    return b"".join(held)


def _never_sent(error: BaseException) -> bool:
    """Only what proves that no connection was made: the name did not resolve, the port was closed, connecting took
    too long."""
    inner = getattr(error, "inner_exception", None)
    if isinstance(error, ServiceRequestTimeoutError):
        return True
    chain = (error, inner, getattr(inner, "args", (None,))[:1])
    flat = [item for part in chain for item in (part if isinstance(part, tuple) else (part,))]
    return any(isinstance(item, NewConnectionError | ConnectTimeoutError) for item in flat)


def _why(error: BaseException) -> str:
    """Why there was no answer, in a few words and without addresses of objects."""
    text = " ".join(str(error).split()).rpartition(": ")[2] or type(error).__name__
    return text.rstrip(".") if len(text) <= 200 else text[:199] + "…"


class ArmGateway:
    """`AzureGateway` over Resource Manager. Not for use by two threads at once; `close()` it, or use it in a `with`
    block.

    `endpoint`: https, or http on loopback (EndpointRefused otherwise). `api_versions`: versions set by hand, by type
    ("Microsoft.ClassicCompute/domainNames/slots") or by type and action ("…/slots/prepareMigration"). `shapes`: what
    nobody has published and was inferred.
    """

    def __init__(
        self,
        endpoint: str,
        credential: TokenCredential,
        *,
        deadline: float = HTTP_DEADLINE,
        connect_timeout: float = CONNECT_TIMEOUT,
        api_versions: Mapping[str, str] | None = None,
        shapes: Shapes = INFERRED_AS_DOCUMENTED,
    ) -> None:
        place = Endpoint.of(endpoint)
        if isinstance(credential, StaticToken) and not place.loopback:
            raise EndpointRefused(f"A fixed token is for loopback only, and {place.url} is not.")
        self._wire = AzureWire(place, credential, connect_timeout)
        self._calls = Calls(place, self._wire, deadline=deadline, api_versions=api_versions, shapes=shapes)

    def close(self) -> None:
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def movable(self) -> frozenset[ResourceType]:
        return operations.MOVABLE

    def subscriptions(self) -> list[SubscriptionInfo]:
        return subscription.subscriptions(self._calls)

    def registrations(self, subscription_id: str) -> list[Registration]:
        return subscription.registrations(self._calls, subscription_id)

    def register(self, subscription_id: str, name: str) -> Registration:
        return subscription.register(self._calls, subscription_id, name)

    def api_versions(self, subscription_id: str) -> list[ApiVersion]:
        return subscription.api_versions(self._calls, subscription_id)

    def inventory(self, subscription_id: str, *, after: str | None = None) -> Iterator[Document | Unreadable | Reached]:
        return inventory.walk(self._calls, subscription_id, after)

    def read(self, resource_id: str) -> Document | None:
        return observing.read(self._calls, resource_id)

    @property
    def traffic(self) -> Traffic:
        return self._calls.traffic

    def observe(self, unit_id: str, members: tuple[str, ...]) -> Observed:
        return observing.observe(self._calls, unit_id, members)

    def submit(
        self, verb: Verb, unit_id: str, *, client_request_id: str, parameters: Mapping[str, Any] | None = None
    ) -> Submitted:
        return operations.submit(self._calls, verb, unit_id, client_request_id=client_request_id, parameters=parameters)

    def poll(self, status_url: str) -> Polled:
        return operations.poll(self._calls, status_url)

    def usages(self, subscription_id: str, location: str) -> list[Usage]:
        return subscription.usages(self._calls, subscription_id, location)

    def request_quota(self, subscription_id: str, provider: str, location: str, name: str, limit: int) -> QuotaAnswer:
        return subscription.request_quota(self._calls, subscription_id, provider, location, name, limit)

    def quota_request(self, subscription_id: str, provider: str, location: str, request_id: str) -> QuotaAnswer:
        return subscription.quota_request(self._calls, subscription_id, provider, location, request_id)

    def settings_on(self, unit_id: str, members: tuple[str, ...]) -> list[Document | Unreadable]:
        return inventory.settings_on(self._calls, unit_id, members)

    def scale(
        self, deployment_id: str, role: str, instances: int, *, expected: int, client_request_id: str
    ) -> Submitted:
        raise Refused(
            f"Cannot change the number of instances of {role}: only the older API can, and this product has no "
            "connection to it (TRACKER_SERVICE_MANAGEMENT_ENDPOINT).",
            error_class=ErrorClass.FIX,
        )

    # Beside the contract: reads for follow-ups, quota and support (azure.md 5, 6, 12)

    def sizes(self, subscription_id: str, location: str) -> list[OfferedSize]:
        return reads.sizes(self._calls, subscription_id, location)

    def metric_definitions(self, resource_id: str) -> list[Document]:
        return reads.metric_definitions(self._calls, resource_id)

    def classic_administrators(self, subscription_id: str) -> list[Document]:
        return reads.classic_administrators(self._calls, subscription_id)

    def gateways_in(self, group_id: str) -> list[Document]:
        return reads.gateways_in(self._calls, group_id)

    def peerings_of(self, network_id: str) -> list[Document]:
        return reads.peerings_of(self._calls, network_id)

    def support_services(self, subscription_id: str) -> list[Document]:
        return reads.support_services(self._calls, subscription_id)

    def support_problems(self, subscription_id: str, service: str) -> list[Document]:
        return reads.support_problems(self._calls, subscription_id, service)

    def support_tickets(self, subscription_id: str) -> list[Document]:
        return reads.support_tickets(self._calls, subscription_id)

    def send(self, request: ArmRequest) -> Answer:
        """Refused, without asking: another method than GET, HEAD, PUT, POST, PATCH, DELETE; a path that is not under
        /subscriptions/; a body in which a secret was taken out before."""
        method, doing = request.method.upper(), f"{request.method.upper()} {short_name(request.path)}"
        path = resource_path(request.path)
        if method not in METHODS:
            raise Refused(
                f"{request.method[:20]!r} is not a method of Resource Manager.", error_class=ErrorClass.PROGRAMMER
            )
        if holds_removed(request.body):
            raise Refused(
                f"Cannot {doing}: a secret was taken out of what is to be sent. A person has to fill it in.",
                error_class=ErrorClass.FIX,
            )
        of = path.rpartition("/")[0] if method == "POST" else path  # an action takes the version of its type
        url = self._calls.endpoint.at(path, request.api_version or self._calls.version_for(of))
        reply = self._calls.ask(method, url, doing=doing, body=request.body)
        return Answer(status=reply.status, body=clean_value(reply.body), exchange=reply.exchange)
