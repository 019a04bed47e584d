"""The verbs over service management: each scope over real HTTP, sent once, followed at the operations of the API."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from migrator.gateway.arm import StaticToken
from migrator.gateway.azure import Azure
from migrator.gateway.endpoint import BadResourceId, EndpointRefused
from migrator.gateway.protocol import (
    Applied,
    AzureGateway,
    Busy,
    CredentialRefused,
    ErrorClass,
    GatewayError,
    Malformed,
    NotFound,
    NotPermitted,
    NotRegistered,
    OperationStatus,
    Refused,
    ServerFailed,
    Throttled,
    Unreachable,
)
from migrator.gateway.service_management import ServiceManagement
from migrator.gateway.service_management_calls import audience_of, place_of
from migrator.gateway.wire.service_management_xml import parse
from migrator.resources import Category, ResourceType, Verb
from tests.migrator.gateway.service_management import answers

SUB = "11111111-2222-3333-4444-555555555555"
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg1/providers"
NETWORKING = f"/{SUB}/services/networking"
Wrap = Callable[[str], bytes]
# scope: (id, path of the verb, x-ms-version), azure.md 2.5 [S]
SCOPES = {
    "deployment": (
        f"{GROUP}/Microsoft.ClassicCompute/domainNames/cs1/slots/Production",
        f"/{SUB}/services/hostedservices/cs1/deployments/cs1-prod/migration",
        "2017-01-01",
    ),
    "network": (
        f"{GROUP}/Microsoft.ClassicNetwork/virtualNetworks/vnet1",
        f"{NETWORKING}/virtualnetwork/Group%20rg1%20vnet1/migration",
        "2016-07-01",
    ),
    "security group": (
        f"{GROUP}/Microsoft.ClassicNetwork/networkSecurityGroups/nsg1",
        f"{NETWORKING}/networksecuritygroups/nsg1/migration",
        "2016-07-01",
    ),
    "reserved address": (
        f"{GROUP}/Microsoft.ClassicNetwork/reservedIps/rip1",
        f"{NETWORKING}/reservedips/rip1/migration",
        "2016-07-01",
    ),
    "route table": (
        f"{GROUP}/Microsoft.ClassicNetwork/routeTables/rt1",
        f"{NETWORKING}/routetables/rt1/migration",
        "2016-07-01",
    ),
    "storage": (
        f"{GROUP}/Microsoft.ClassicStorage/storageAccounts/acc",
        f"/{SUB}/services/storageservices/acc/migration",
        "2016-03-01",
    ),
}
TABLE, PATH, _ = SCOPES["route table"]


@pytest.fixture
def named(stub: Any, wrap: Wrap) -> None:
    """What has to be read before a deployment or a network can be addressed."""
    stub.on("GET", f"/{SUB}/services/hostedservices/cs1/deploymentslots/Production", 200, wrap(answers.WEB))
    sites = f"<VirtualNetworkSites>{answers.site('vnet1')}{answers.site()}</VirtualNetworkSites>"
    stub.on("GET", f"{NETWORKING}/virtualnetwork", 200, wrap(sites))


def prepare(service: ServiceManagement, unit_id: str = TABLE) -> Any:
    return service.submit(Verb.PREPARE, unit_id, client_request_id="attempt-1")


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.usefixtures("named")
def test_every_verb_of_every_scope(stub: Any, wrap: Wrap, service: ServiceManagement, scope: str, verb: Verb) -> None:
    unit_id, path, version = SCOPES[scope]
    if verb is Verb.VALIDATE:
        stub.on("POST", path, 200, wrap("<ValidationMessages/>"))
    else:
        stub.on("POST", path, 202, x_ms_request_id="abc123")
    submitted = service.submit(verb, unit_id, client_request_id="attempt-1")
    (seen,) = [request for request in stub.requests if request.method == "POST"]
    assert (seen.path, seen.query) == (path, f"comp={verb.value}")
    assert (seen.headers["x-ms-version"], seen.headers["authorization"]) == (version, "Bearer the-token")
    assert seen.headers["x-ms-client-request-id"] == "attempt-1"
    if scope == "deployment" and verb in (Verb.VALIDATE, Verb.PREPARE):
        body = parse(seen.content)
        assert body is not None and body.text("DestinationVirtualNetwork") == "New"
        assert seen.headers["content-type"].startswith("application/xml")
    else:
        assert seen.content == b""
    wanted = None if verb is Verb.VALIDATE else f"{stub.url}/{SUB}/operations/abc123"
    assert submitted.status_url == wanted and submitted.messages == ()
    assert submitted.exchange.client_request_id == "attempt-1"


def test_the_messages_of_validate_come_with_their_categories(stub: Any, wrap: Wrap, service: ServiceManagement) -> None:
    items = "".join(
        f"<ValidationMessage><Category>{c}</Category><Message>{m}</Message></ValidationMessage>"
        for c, m in (("Information", "a"), ("Warning", "b"), ("Catastrophe", "c"))
    )
    stub.on("POST", PATH, 200, wrap(f"<ValidationMessages>{items}</ValidationMessages>"))
    found = service.submit(Verb.VALIDATE, TABLE, client_request_id="x").messages
    assert [m.category for m in found] == [Category.INFORMATION, Category.WARNING, Category.ERROR]


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'<ValidationMessages xmlns="urn:x"/>'])
def test_an_unreadable_answer_to_validate_is_no_pass(stub: Any, service: ServiceManagement, body: bytes) -> None:
    stub.on("POST", PATH, 200, body)
    with pytest.raises(Malformed) as raised:
        service.submit(Verb.VALIDATE, TABLE, client_request_id="x")
    assert raised.value.applied is Applied.UNKNOWN


def test_an_accepted_verb_that_cannot_be_followed_leaves_doubt(stub: Any, service: ServiceManagement) -> None:
    for request_id in ("", "../x", "a b"):
        stub.on("POST", PATH, 202, x_ms_request_id=request_id)
    for _ in range(3):
        with pytest.raises(Malformed) as raised:
            prepare(service)
        assert raised.value.applied is Applied.UNKNOWN


E_LOCKED = "The resource is in the process of being migrated and hence cannot be changed."
E_REGISTER = "Subscription is not registered for migration. Please register first."
# (status, code, message) → (error, applied, class, catalogue id); codes [K], texts azure.md 2.10 [D]
REFUSALS: list[tuple[int, str, str, type[GatewayError], Applied, ErrorClass, str]] = [
    (400, "BadRequest", E_REGISTER, NotRegistered, Applied.NO, ErrorClass.FIX, "E02"),
    (400, "BadRequest", "x belongs to Virtual Network v. Please Migrate Virtual Network", Refused, Applied.NO,
     ErrorClass.PROGRAMMER, "E27"),
    (409, "ConflictError", E_LOCKED, Refused, Applied.NO, ErrorClass.ABORT_FIRST, "E41"),
    (409, "ConflictError", "It requires exclusive access.", Busy, Applied.UNKNOWN, ErrorClass.UNKNOWN, ""),
    (401, "AuthenticationFailed", "The token is expired.", CredentialRefused, Applied.NO, ErrorClass.UNKNOWN, ""),
    (403, "ForbiddenError", "The server failed to authenticate the request.", NotPermitted, Applied.NO,
     ErrorClass.UNKNOWN, ""),
    (404, "ResourceNotFound", "The route table was not found.", NotFound, Applied.NO, ErrorClass.UNKNOWN, ""),
    (410, "", "", NotFound, Applied.NO, ErrorClass.UNKNOWN, ""),
    (429, "TooManyRequests", "Slow down.", Throttled, Applied.NO, ErrorClass.RETRY, ""),
    (500, "InternalError", "The server encountered an internal error.", ServerFailed, Applied.UNKNOWN,
     ErrorClass.RETRY, "E03"),
    (503, "ServerBusy", "Busy.", ServerFailed, Applied.UNKNOWN, ErrorClass.RETRY, ""),
]  # fmt: skip


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda one: f"{one[0]}-{one[6] or one[1]}")
def test_a_refused_verb_becomes_the_right_error(
    stub: Any, wrap: Wrap, service: ServiceManagement, refusal: tuple[Any, ...]
) -> None:
    status, code, message, kind, applied, error_class, catalogue_id = refusal
    stub.on("POST", PATH, status, wrap(f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"))
    with pytest.raises(kind) as raised:
        prepare(service)
    error = raised.value
    assert type(error) is kind and error.applied is applied
    assert (error.error_class, error.catalogue_id, error.code) == (error_class, catalogue_id, code)
    assert len(stub.requests) == 1 and "rt1" in str(error)


def test_a_connection_that_breaks_after_a_verb_leaves_doubt_and_nothing_is_sent_again(
    stub: Any, service: ServiceManagement
) -> None:
    stub.does("POST", PATH, lambda handler: handler.connection.close())
    with pytest.raises(Unreachable) as raised:
        prepare(service)
    assert raised.value.applied is Applied.UNKNOWN and len(stub.requests) == 1


def test_a_redirect_is_not_followed(stub: Any, service: ServiceManagement) -> None:
    stub.on("POST", PATH, 307, Location=f"{stub.url}/elsewhere")
    with pytest.raises(GatewayError):
        prepare(service)
    assert len(stub.requests) == 1


@pytest.mark.usefixtures("named")
def test_when_the_name_cannot_be_read_no_verb_is_sent(stub: Any, service: ServiceManagement) -> None:
    for unit_id in (
        f"{GROUP}/Microsoft.ClassicNetwork/virtualNetworks/unknown",
        f"{GROUP}/Microsoft.ClassicCompute/domainNames/unknown/slots/Production",
    ):
        with pytest.raises(NotFound) as raised:
            prepare(service, unit_id)
        assert raised.value.applied is Applied.NO
    assert not [request for request in stub.requests if request.method == "POST"]


@pytest.mark.parametrize(
    "unit_id",
    [
        f"{GROUP}/Microsoft.ClassicCompute/virtualMachines/vm1",
        f"{GROUP}/Microsoft.Network/virtualNetworks/v",
        f"{GROUP}/Microsoft.ClassicNetwork/routeTables/a/../b",
        "not an id",
    ],
)
def test_what_nothing_moves_is_refused_without_asking(stub: Any, service: ServiceManagement, unit_id: str) -> None:
    with pytest.raises((Refused, BadResourceId)):
        prepare(service, unit_id)
    assert stub.requests == []


# Following


def operation(status: str, more: str = "") -> str:
    return f"<Operation><ID>abc</ID><Status>{status}</Status>{more}</Operation>"


FAILED = "<HttpStatusCode>409</HttpStatusCode><Error><Code>X</Code><Message>" + E_LOCKED + "</Message></Error>"


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (200, operation("InProgress"), OperationStatus.IN_PROGRESS),
        (200, operation("Succeeded", "<HttpStatusCode>200</HttpStatusCode>"), OperationStatus.SUCCEEDED),
        (200, operation("Failed", FAILED), OperationStatus.FAILED),
        (200, operation("Failed"), OperationStatus.FAILED),
        (200, operation("Pondering"), OperationStatus.UNREADABLE),
        (200, "<Operation><ID>abc</ID></Operation>", OperationStatus.UNREADABLE),
        (200, "<Something/>", OperationStatus.UNREADABLE),
        (404, "<Error><Code>ResourceNotFound</Code></Error>", OperationStatus.GONE),
        (403, "<Error><Code>ForbiddenError</Code></Error>", OperationStatus.UNREADABLE),
        (500, "<Error><Code>InternalError</Code></Error>", OperationStatus.UNREADABLE),
    ],
)
def test_one_look_at_an_operation(
    stub: Any, wrap: Wrap, service: ServiceManagement, status: int, body: str, wanted: OperationStatus
) -> None:
    stub.on("GET", f"/{SUB}/operations/abc", status, wrap(body), Retry_After="30")
    polled = service.poll(f"{stub.url}/{SUB}/operations/abc")
    assert (polled.status, polled.retry_after) == (wanted, 30.0)
    assert stub.requests[0].headers["x-ms-version"] == "2014-10-01"
    if FAILED in body:
        assert (polled.code, polled.error_class, polled.catalogue_id) == ("X", ErrorClass.ABORT_FIRST, "E41")


def test_a_status_url_elsewhere_is_never_asked(stub: Any, service: ServiceManagement) -> None:
    for url in ("http://127.0.0.1:1/s/operations/abc", f"http://user@{stub.url[7:]}/s/operations/abc"):
        assert not service.owns(url) and service.poll(url).status is OperationStatus.UNREADABLE
    assert stub.requests == []
    assert service.owns(f"{stub.url}/{SUB}/operations/abc")
    assert not service.owns(f"{stub.url}/subscriptions/{SUB}/operationStatuses/1")
    assert not service.owns(f"{stub.url}/{SUB}/operations/../x") and not service.owns(f"{stub.url}/{SUB}/operations/")


# Endpoint, token, contract


@pytest.mark.parametrize(
    "text",
    ["http://management.core.windows.net", "https://management.core.windows.net/path", "https://u:p@h", "ftp://h",
     "http://127.0.0.1:1/a?b=c", "http://127.0.0.1:1/../x", "", "https://[::1"],
)  # fmt: skip
def test_an_endpoint_a_token_must_not_go_to_is_refused(text: str) -> None:
    with pytest.raises(EndpointRefused):
        place_of(text)


def test_a_fixed_token_stays_on_loopback_and_the_audience_ends_in_a_slash() -> None:
    with pytest.raises(EndpointRefused, match="loopback"):
        ServiceManagement("https://management.core.windows.net", StaticToken("t"))
    place, prefix = place_of("https://management.core.windows.net/")
    assert (audience_of(place), prefix) == ("https://management.core.windows.net//.default", "")
    assert place_of("http://127.0.0.1:8010/service-management")[1] == "/service-management"


def test_versions_are_settings(stub: Any, wrap: Wrap) -> None:
    stub.on("POST", PATH, 200, wrap("<ValidationMessages/>"))
    with ServiceManagement(stub.url, StaticToken("t"), versions={"network": "2015-10-01"}) as service:
        service.submit(Verb.VALIDATE, TABLE, client_request_id="x")
    assert stub.requests[0].headers["x-ms-version"] == "2015-10-01"
    with pytest.raises(ValueError, match="no family 'netwrok'"):
        ServiceManagement(stub.url, StaticToken("t"), versions={"netwrok": "2015-10-01"})


def test_the_versions_of_both_apis_are_told_with_their_source(stub: Any) -> None:
    stub.on("GET", "/subscriptions/11111111-2222-3333-4444-555555555555/providers", 200, {"value": []})
    with Azure(stub.url, f"{stub.url}/sm", StaticToken("t"), versions={"network": "2015-10-01"}) as azure:
        told = {one.kind: one for one in azure.api_versions("11111111-2222-3333-4444-555555555555")}
    older = {kind: (one.version, one.source) for kind, one in told.items() if kind.startswith("Service management/")}
    assert older == {
        "Service management/compute": ("2017-01-01", "table"),
        "Service management/network": ("2015-10-01", "setting"),
        "Service management/storage": ("2016-03-01", "table"),
        "Service management/management": ("2014-10-01", "table"),
    }
    assert ResourceType.NETWORK in told


def test_the_gateway_over_both_apis_keeps_the_contract_and_moves_six_kinds(stub: Any) -> None:
    for name, method in vars(AzureGateway).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            assert inspect.signature(getattr(Azure, name)) == inspect.signature(method), name
    with Azure(stub.url, f"{stub.url}/sm", StaticToken("t")) as azure:
        assert azure.movable() == {
            ResourceType.DEPLOYMENT, ResourceType.NETWORK, ResourceType.STORAGE_ACCOUNT,
            ResourceType.NETWORK_SECURITY_GROUP, ResourceType.RESERVED_ADDRESS, ResourceType.ROUTE_TABLE,
        }  # fmt: skip
    assert stub.requests == []
