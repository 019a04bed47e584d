"""Answers of the platform that lie, break off or point elsewhere: reliability-notes 3.2, E and F, line by line.

E. 119 200 with an empty body · 120 202 without a status header · 121 status URL elsewhere · 122 Retry-After that is
none (its grammar: test_retry_after.py) · 123 states unknown or in other capitals · 124 HTML with 200 · 125 cut gzip ·
126 a body without end · 127 redirect loop · 130 404 on the status URL · 131 409 for our own request · 132 401 in
mid-operation · 133 403 on the status only · 134 a Date that is wrong · 137 a new code with markup: all here.
128 Succeeded but unchanged, 129 Failed but changed, 136 deleted by hand while prepared: what was sent and what is there
are two reads, judged by the engine: tests/tracker/runs/test_doubt.py. 135 in both stacks and in neither: test_sides.py.

F. 138 loopback in odd spellings, 140 and 141 look-alike hosts, 142 other schemes, 143 homographs, as endpoint: in
test_endpoint.py; as status URL, page and redirect: here, against a second server which must hear nothing. 144 redirect
from an allowed host: here. 139 a name that re-binds cannot be shown on one machine: no address is kept or compared;
what protects the token is that TLS proves the configured name, and plain http is for loopback alone.
"""

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from migrator.gateway.arm import ArmGateway, StaticToken
from migrator.gateway.protocol import (
    Applied,
    Busy,
    CredentialRefused,
    ErrorClass,
    GatewayError,
    Malformed,
    OperationStatus,
    Refused,
    Unreachable,
)
from migrator.resources import ArmRequest, Verb

SUB = "/subscriptions/11111111-2222-3333-4444-555555555555"
NETWORK = f"{SUB}/resourceGroups/rg/providers/Microsoft.ClassicNetwork/virtualNetworks/vnet1"
PREPARE, VALIDATE = f"{NETWORK}/prepareMigration", f"{NETWORK}/validateMigration"
STATUS = f"{NETWORK}/operationStatuses/1"
LIST = "/subscriptions"


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Another server on this machine, and the headers of every request it heard."""
    heard: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            heard.append(dict(self.headers.items()))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_PUT = do_HEAD = handle_any

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", heard
    server.shutdown()
    server.server_close()
    thread.join()


def submit(gateway: ArmGateway, verb: Verb = Verb.PREPARE) -> Any:
    return gateway.submit(verb, NETWORK, client_request_id="one")


# --- E ----------------------------------------------------------------------------------------------------------------


def test_119_an_empty_200_is_no_pass_of_validate_and_no_list_and_no_status(stub: Any, gateway: ArmGateway) -> None:
    stub.on("POST", VALIDATE, 200)
    stub.on("GET", STATUS, 200)
    stub.on("GET", LIST, 200)
    with pytest.raises(Malformed) as raised:
        submit(gateway, Verb.VALIDATE)
    assert raised.value.applied is Applied.UNKNOWN
    assert gateway.poll(stub.url + STATUS).status is OperationStatus.UNREADABLE
    with pytest.raises(Malformed):
        gateway.subscriptions()


def test_120_a_202_that_says_nowhere_where_to_look_leaves_doubt(stub: Any, gateway: ArmGateway) -> None:
    stub.on("POST", PREPARE, 202)
    with pytest.raises(Malformed, match="nothing says where to follow it") as raised:
        submit(gateway)
    assert raised.value.applied is Applied.UNKNOWN and len(stub.asked("POST", PREPARE)) == 1


def test_121_and_138_a_status_url_elsewhere_is_not_followed_and_hears_no_token(
    stub: Any, gateway: ArmGateway, elsewhere: tuple[str, list[dict[str, str]]]
) -> None:
    other, heard = elsewhere
    port = other.rsplit(":", 1)[1]
    urls = [
        f"{other}/x",
        f"http://localhost:{port}/x",
        f"http://2130706433:{port}/x",
        f"http://0x7f.1:{port}/x",
        f"http://0:{port}/x",
        f"http://[::1]:{port}/x",
        stub.url.replace("127.0.0.1", f"127.0.0.1@127.0.0.1:{port}"),
        stub.url + f"@127.0.0.1:{port}/x",
        stub.url + ".evil.example/x",
        "http://169.254.169.254/metadata",
        "file:///etc/passwd",
        "gopher://127.0.0.1/x",
        "//127.0.0.1/x",
        "http:\\\\127.0.0.1\\x",
        "",
    ]
    for url in filter(None, urls):
        polled = gateway.poll(url)
        assert polled.status is OperationStatus.UNREADABLE, url
        with pytest.raises(Refused):
            gateway.send(ArmRequest(method="GET", path=url, api_version="1"))
    stub.on("POST", PREPARE, 202, Azure_AsyncOperation=f"{other}/x", Location=stub.url + STATUS)
    with pytest.raises(Malformed, match="not the configured endpoint"):
        submit(gateway)
    stub.on("GET", LIST, 200, {"value": [], "nextLink": f"{other}{LIST}"})
    with pytest.raises(Malformed, match="not the configured endpoint"):
        gateway.subscriptions()
    assert heard == []


@pytest.mark.parametrize("text", ["-1", "1e9", "junk", "Sun, 06 Nov 1994 08:49:37 GMT", "", "NaN", "9" * 400])
def test_122_a_retry_after_that_is_none_never_stops_the_poll(stub: Any, gateway: ArmGateway, text: str) -> None:
    stub.on("GET", STATUS, 200, {"status": "InProgress"}, Retry_After=text)
    polled = gateway.poll(stub.url + STATUS)
    assert polled.status is OperationStatus.IN_PROGRESS
    assert polled.retry_after is None or 0 <= polled.retry_after <= 86_400


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("sUCCEEDED", OperationStatus.SUCCEEDED),
        (" Succeeded ", OperationStatus.SUCCEEDED),
        ("FAILED", OperationStatus.FAILED),
        ("cancelled", OperationStatus.FAILED),
        ("Migrating", OperationStatus.IN_PROGRESS),
        ("<b>", OperationStatus.IN_PROGRESS),
        ("", OperationStatus.UNREADABLE),
        (None, OperationStatus.UNREADABLE),
        (7, OperationStatus.UNREADABLE),
        ([], OperationStatus.UNREADABLE),
    ],
)
def test_123_states_in_any_capitals_and_unknown_ones(
    stub: Any, gateway: ArmGateway, said: Any, status: OperationStatus
) -> None:
    stub.on("GET", STATUS, 200, {"status": said})
    assert gateway.poll(stub.url + STATUS).status is status


def test_124_a_page_for_people_is_no_answer(stub: Any, gateway: ArmGateway) -> None:
    page = b"<!doctype html><title>Sign in</title><script>alert(1)</script>"
    stub.on("POST", PREPARE, 200, page, Content_Type="text/html")
    stub.on("GET", STATUS, 200, page)
    with pytest.raises(Malformed, match="not JSON") as raised:
        submit(gateway)
    assert raised.value.applied is Applied.UNKNOWN and raised.value.exchange.excerpt.startswith("<!doctype")
    assert gateway.poll(stub.url + STATUS).status is OperationStatus.UNREADABLE


def test_125_a_cut_gzip_is_no_answer(stub: Any, gateway: ArmGateway) -> None:
    whole = gzip.compress(b'{"value": [' + b'{"subscriptionId": "a"},' * 500 + b"{}]}")
    for method, path in (("POST", PREPARE), ("GET", STATUS)):
        stub.on(method, path, 200, whole[: len(whole) // 2], Content_Encoding="gzip")
    with pytest.raises((Malformed, Unreachable)) as raised:
        submit(gateway)
    assert raised.value.applied is Applied.UNKNOWN
    assert gateway.poll(stub.url + STATUS).status is OperationStatus.UNREADABLE


def test_126_a_body_without_end_is_left_at_the_limit(stub: Any, gateway: ArmGateway) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(1024**3))
        handler.end_headers()
        while True:  # until the client hangs up
            handler.wfile.write(b" " * 65_536)

    stub.does("GET", LIST, endless)
    started = time.monotonic()
    with pytest.raises(Malformed, match="larger than 8 MiB"):
        gateway.subscriptions()
    assert time.monotonic() - started < 2.0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_127_and_144_no_redirect_is_followed_and_no_token_leaves(
    stub: Any, gateway: ArmGateway, elsewhere: tuple[str, list[dict[str, str]]], status: int
) -> None:
    other, heard = elsewhere
    stub.on("POST", PREPARE, status, Location=f"{other}/x")
    stub.on("GET", LIST, status, Location=stub.url + LIST)
    with pytest.raises(Malformed) as raised:
        submit(gateway)
    assert raised.value.applied is Applied.UNKNOWN
    with pytest.raises(Malformed):
        gateway.subscriptions()
    assert heard == [] and len(stub.asked("GET", LIST)) == 1


def test_130_a_status_that_is_gone_is_gone_and_no_failure(stub: Any, gateway: ArmGateway) -> None:
    polled = gateway.poll(stub.url + STATUS)
    assert polled.status is OperationStatus.GONE and polled.exchange.status == 404


def test_131_a_conflict_may_be_our_own_earlier_request(stub: Any, gateway: ArmGateway) -> None:
    stub.on("POST", PREPARE, 409, {"error": {"code": "Conflict", "message": "Another operation is in progress."}})
    with pytest.raises(Busy) as raised:
        submit(gateway)
    assert raised.value.applied is Applied.UNKNOWN and len(stub.asked("POST", PREPARE)) == 1


@pytest.mark.parametrize(("status", "code"), [(401, "ExpiredAuthenticationToken"), (403, "AuthorizationFailed")])
def test_132_and_133_a_refused_look_says_nothing_about_the_operation(
    stub: Any, gateway: ArmGateway, status: int, code: str
) -> None:
    stub.on("GET", STATUS, status, {"error": {"code": code, "message": "no"}}, WWW_Authenticate="Bearer")
    polled = gateway.poll(stub.url + STATUS)
    assert (polled.status, polled.code) == (OperationStatus.UNREADABLE, code)
    stub.on("GET", STATUS, 200, {"status": "Succeeded"})
    gateway.poll(stub.url + STATUS)
    assert gateway.poll(stub.url + STATUS).status is OperationStatus.SUCCEEDED


def test_134_a_wrong_date_changes_no_waiting_time(stub: Any, gateway: ArmGateway) -> None:
    stub.on("GET", STATUS, 200, {"status": "InProgress"}, Date="Mon, 01 Jan 1990 00:00:00 GMT", Retry_After="7")
    assert gateway.poll(stub.url + STATUS).retry_after == 7.0


def test_137_a_new_code_with_markup_is_kept_as_text(stub: Any, gateway: ArmGateway) -> None:
    markup = "<script>alert(1)</script>"
    stub.on("POST", PREPARE, 400, {"error": {"code": markup, "message": markup + "\x00\x1b[2J"}})
    with pytest.raises(Refused) as raised:
        submit(gateway)
    assert raised.value.error_class is ErrorClass.UNKNOWN and raised.value.catalogue_id == ""
    assert raised.value.code == markup and raised.value.applied is Applied.NO


# --- what else an answer can be ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 418, 429, 451, 500, 502, 503, 504, 599])
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"error": {', b"[]", b"null", b'"text"', b'{"error": "a"}', b"\xff"]
)
def test_every_status_with_every_kind_of_body_is_one_of_the_family(stub: Any, status: int, body: bytes) -> None:
    stub.on("POST", PREPARE, status, body)
    with ArmGateway(stub.url, StaticToken("t"), deadline=3.0) as gateway, pytest.raises(GatewayError) as raised:
        submit(gateway)
    error = raised.value
    assert error.exchange.status == status and str(error).endswith(".") and len(stub.asked("POST", PREPARE)) == 1
    definite = status < 500 and status != 409
    assert (error.applied is Applied.NO) is definite
    if status == 401:
        assert isinstance(error, CredentialRefused)
