"""ArmGateway over real HTTP against a stub: one exchange at a time, whatever the other side does."""

import gzip
import logging
import socket
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from migrator.gateway.arm import ArmGateway, StaticToken
from migrator.gateway.calls import LARGEST
from migrator.gateway.protocol import (
    Applied,
    Busy,
    CredentialRefused,
    ErrorClass,
    GatewayError,
    Malformed,
    NotFound,
    NotPermitted,
    NotRegistered,
    Refused,
    ServerFailed,
    Throttled,
    Unreachable,
)
from migrator.resources import ArmRequest, Verb

SUB = "/subscriptions/11111111-2222-3333-4444-555555555555"
NETWORK = f"{SUB}/resourceGroups/rg/providers/Microsoft.ClassicNetwork/virtualNetworks/vnet1"
PREPARE = f"{NETWORK}/prepareMigration"
LIST = "/subscriptions"


def prepare(gateway: ArmGateway) -> Any:
    return gateway.submit(Verb.PREPARE, NETWORK, client_request_id="attempt-1")


def failing(status: int, code: str = "", message: str = "") -> dict[str, Any]:
    return {"status": status, "body": {"error": {"code": code, "message": message}}}


def test_a_request_carries_the_token_and_the_callers_id(stub: Any, gateway: ArmGateway) -> None:
    stub.on("POST", PREPARE, 202, Location=f"{stub.url}/subscriptions/s/operationStatuses/1", x_ms_request_id="r1")
    submitted = prepare(gateway)
    (seen,) = stub.asked("POST", PREPARE)
    assert seen.headers["authorization"] == "Bearer the-token"
    assert seen.headers["x-ms-client-request-id"] == "attempt-1"
    assert seen.query == "api-version=2016-11-01" and seen.content == b""
    exchange = submitted.exchange
    assert (exchange.client_request_id, exchange.request_id, exchange.status) == ("attempt-1", "r1", 202)
    assert "the-token" not in repr(submitted)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_post_goes_out_once_and_a_server_error_leaves_doubt(stub: Any, gateway: ArmGateway, status: int) -> None:
    stub.on("POST", PREPARE, **failing(status, "InternalServerError", "Internal server error"))
    with pytest.raises(ServerFailed) as raised:
        prepare(gateway)
    assert raised.value.applied is Applied.UNKNOWN and raised.value.error_class is ErrorClass.RETRY
    assert raised.value.catalogue_id == "E03" and raised.value.exchange.attempts == 1
    assert len(stub.asked("POST", PREPARE)) == 1


def test_a_put_goes_out_once_too(stub: Any, gateway: ArmGateway) -> None:
    path = f"{SUB}/resourceGroups/rg/providers/Microsoft.Insights/autoscaleSettings/a"
    stub.on("PUT", path, 503)
    with pytest.raises(ServerFailed):
        gateway.send(ArmRequest(method="PUT", path=path, api_version="2022-10-01", body={"a": 1}))
    assert len(stub.requests) == 1


def test_a_read_is_tried_three_times_and_every_attempt_is_counted(stub: Any, gateway: ArmGateway) -> None:
    stub.on("GET", LIST, 502)
    with pytest.raises(ServerFailed) as raised:
        gateway.subscriptions()
    assert raised.value.exchange.attempts == 3 and raised.value.applied is Applied.NO
    assert len(stub.requests) == 3


def test_a_read_that_recovers_is_an_answer(stub: Any, gateway: ArmGateway) -> None:
    stub.on("GET", LIST, 500)
    stub.on("GET", LIST, 200, {"value": [{"subscriptionId": "S-1", "displayName": "Shop", "state": "Enabled"}]})
    (found,) = gateway.subscriptions()
    assert (found.subscription_id, found.display_name, found.state) == ("s-1", "Shop", "Enabled")


def test_a_server_that_names_a_time_is_not_asked_before(stub: Any, gateway: ArmGateway) -> None:
    stub.on("GET", LIST, 503, Retry_After="30")
    with pytest.raises(ServerFailed) as raised:
        gateway.subscriptions()
    assert raised.value.retry_after == 30.0 and len(stub.requests) == 1


def drop(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def test_a_reset_after_a_post_leaves_doubt(stub: Any, gateway: ArmGateway) -> None:
    stub.does("POST", PREPARE, drop)
    with pytest.raises(Unreachable) as raised:
        prepare(gateway)
    assert raised.value.applied is Applied.UNKNOWN and raised.value.exchange.status == 0
    assert len(stub.asked("POST", PREPARE)) == 1


def test_a_closed_port_means_that_nothing_was_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with ArmGateway(url, StaticToken("t"), deadline=2.0) as gateway, pytest.raises(Unreachable) as raised:
        prepare(gateway)
    assert raised.value.applied is Applied.NO
    assert "refused" in str(raised.value) and "0x" not in str(raised.value)


def test_the_deadline_holds_for_a_server_that_says_nothing(stub: Any) -> None:
    stub.does("POST", PREPARE, lambda handler: time.sleep(3))
    started = time.monotonic()
    with ArmGateway(stub.url, StaticToken("t"), deadline=0.5) as gateway, pytest.raises(Unreachable) as raised:
        prepare(gateway)
    assert raised.value.applied is Applied.UNKNOWN and time.monotonic() - started < 2.0


def test_the_deadline_holds_for_a_body_that_drips(stub: Any) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        for _ in range(200):
            handler.wfile.write(b" " * 4096)
            time.sleep(0.05)

    stub.does("GET", LIST, drip)
    started = time.monotonic()
    with ArmGateway(stub.url, StaticToken("t"), deadline=0.6) as gateway, pytest.raises(Unreachable):
        gateway.subscriptions()
    assert time.monotonic() - started < 2.0


def test_a_redirect_is_not_followed(stub: Any, gateway: ArmGateway) -> None:
    for status in (301, 302, 307, 308):
        stub.on("POST", PREPARE, status, Location=f"{stub.url}/elsewhere")
    for _ in range(4):
        with pytest.raises(Malformed) as raised:
            prepare(gateway)
        assert raised.value.applied is Applied.UNKNOWN
    stub.on("GET", LIST, 302, Location=f"{stub.url}{LIST}")
    with pytest.raises(Malformed):
        gateway.subscriptions()
    assert not stub.asked("POST", "/elsewhere") and len(stub.asked("GET", LIST)) == 1


@pytest.mark.parametrize("name", ["Location", "Azure_AsyncOperation"])
@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/x", "https://127.0.0.1/x", "http://localhost.evil.example/", "/relative"]
)
def test_a_status_url_at_another_host_is_refused(stub: Any, gateway: ArmGateway, name: str, url: str) -> None:
    stub.on("POST", PREPARE, 202, **{name: url})
    with pytest.raises(Malformed) as raised:
        prepare(gateway)
    assert raised.value.applied is Applied.UNKNOWN and "not the configured endpoint" in str(raised.value)


def test_a_next_page_at_another_host_is_not_asked(stub: Any, gateway: ArmGateway) -> None:
    stub.on("GET", LIST, 200, {"value": [], "nextLink": stub.url.replace("127.0.0.1", "localhost") + LIST})
    with pytest.raises(Malformed):
        gateway.subscriptions()
    assert len(stub.requests) == 1


def test_pages_are_followed_and_a_circle_is_seen(stub: Any, gateway: ArmGateway) -> None:
    one, two = {"subscriptionId": "a"}, {"subscriptionId": "b"}
    stub.on("GET", LIST, 200, {"value": [one], "nextLink": f"{stub.url}/subscriptions?page=2"})
    stub.on("GET", LIST, 200, {"value": [two]})
    assert [found.subscription_id for found in gateway.subscriptions()] == ["a", "b"]
    stub.on("GET", LIST, 200, {"value": [], "nextLink": f"{stub.url}/subscriptions?page=2"})
    stub.on("GET", LIST, 200, {"value": [], "nextLink": f"{stub.url}/subscriptions?page=2"})
    with pytest.raises(Malformed, match="circle"):
        gateway.subscriptions()
        gateway.subscriptions()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"<html><body>Sign in</body></html>", "not JSON"),
        (b'{"value": [', "not JSON"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
        (b'{"value": NaN}', "NaN"),
        (b'{"value": ' + b"9" * 21 + b"}", "digits"),
        (b"[" * 200_000, "deep"),
        (b'"text"', "not a list"),
        (b"", "not a list"),
        (b'{"value": {}}', "not a list"),
        (b'{"value": [1]}', "not a list"),
        (b'{"value": [], "nextLink": 5}', "not a list"),
    ],
)
def test_an_answer_that_cannot_be_read_says_why(stub: Any, gateway: ArmGateway, content: bytes, word: str) -> None:
    stub.on("GET", LIST, 200, content)
    with pytest.raises(Malformed) as raised:
        gateway.subscriptions()
    assert word in str(raised.value) and raised.value.applied is Applied.NO


@pytest.mark.parametrize("content", [b"<html>", b'{"status": '])
def test_an_unreadable_answer_to_a_post_leaves_doubt(stub: Any, gateway: ArmGateway, content: bytes) -> None:
    stub.on("POST", PREPARE, 200, content)
    with pytest.raises(Malformed) as raised:
        prepare(gateway)
    assert raised.value.applied is Applied.UNKNOWN
    assert raised.value.exchange.excerpt.startswith(content.decode())


def test_an_accepted_verb_without_a_status_url_leaves_doubt(stub: Any, gateway: ArmGateway) -> None:
    stub.on("POST", PREPARE, 202)
    with pytest.raises(Malformed, match="nothing says where to follow it") as raised:
        prepare(gateway)
    assert raised.value.applied is Applied.UNKNOWN


def test_an_announced_gigabyte_is_not_read(stub: Any, gateway: ArmGateway) -> None:
    def huge(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(2**30))
        handler.end_headers()
        drop(handler)

    stub.does("GET", LIST, huge)
    with pytest.raises(Malformed, match="larger than 8 MiB"):
        gateway.subscriptions()


def test_an_endless_body_is_read_no_further_than_the_limit(stub: Any, gateway: ArmGateway) -> None:
    sent = [0]

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        try:
            for _ in range(2**14):  # 1 GiB
                handler.wfile.write(chunk)
                sent[0] += 65536
        except OSError:
            pass
        handler.close_connection = True

    stub.does("GET", LIST, endless)
    with pytest.raises(Malformed, match="larger than 8 MiB"):
        gateway.subscriptions()
    gateway.close()
    assert sent[0] < 4 * LARGEST


def test_a_compressed_bomb_is_stopped_at_the_limit(stub: Any, gateway: ArmGateway) -> None:
    bomb = gzip.compress(b" " * (40 * 1024 * 1024))
    stub.on("GET", LIST, 200, bomb, Content_Encoding="gzip")
    with pytest.raises(Malformed, match="larger than 8 MiB"):
        gateway.subscriptions()


def test_a_cut_compressed_body_is_no_answer(stub: Any, gateway: ArmGateway) -> None:
    cut = gzip.compress(b'{"value": []}')[:-12]
    stub.on("GET", LIST, 200, cut, Content_Encoding="gzip")
    with pytest.raises((Unreachable, Malformed)):
        gateway.subscriptions()


def test_a_body_shorter_than_announced_is_no_answer(stub: Any, gateway: ArmGateway) -> None:
    def short(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b'{"status": "Succeeded"}')
        drop(handler)

    stub.does("POST", PREPARE, short)
    with pytest.raises(Unreachable) as raised:
        prepare(gateway)
    assert raised.value.applied is Applied.UNKNOWN


ABORTING = "The deployment is in the process of being aborted and cannot be changed until it completes."
PREPARED = "The deployment is in the process of being migrated and hence cannot be changed."


@pytest.mark.parametrize(
    "raw", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n"]
)
def test_an_answer_that_is_no_http_is_no_answer(stub: Any, gateway: ArmGateway, raw: bytes) -> None:
    def speak(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(raw)
        drop(handler)

    stub.does("POST", PREPARE, speak)
    with pytest.raises(Unreachable) as raised:
        prepare(gateway)
    assert raised.value.applied is Applied.UNKNOWN and len(stub.asked("POST", PREPARE)) == 1


AUTHORIZATION = (
    "The client 'x' with object id 'y' does not have authorization to perform action "
    "'Microsoft.ClassicNetwork/virtualNetworks/prepareMigration/action' over scope '/subscriptions/s'."
)


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "applied", "words"),
    [
        (400, "BadRequest", "Subscription is not registered for migration.", NotRegistered, Applied.NO, "Register it"),
        (400, "BadRequest", "It must be within a virtual network to be migrated.", Refused, Applied.NO, "redeploy"),
        (400, "Odd", "Something odd.", Refused, Applied.NO, "saying Odd: Something odd. Correct what"),
        (401, "ExpiredAuthenticationToken", "", CredentialRefused, Applied.NO, "credential"),
        (403, "AuthorizationFailed", AUTHORIZATION, NotPermitted, Applied.NO, "lacks Microsoft.ClassicNetwork/"),
        (403, "Forbidden", "", NotPermitted, Applied.NO, "Grant it a role"),
        (404, "ResourceNotFound", "", NotFound, Applied.NO, "sync again"),
        (409, "MissingSubscriptionRegistration", "namespace 'Microsoft.X'.", NotRegistered, Applied.NO, "Microsoft.X"),
        (409, "Conflict", ABORTING, Busy, Applied.UNKNOWN, "Read its state"),
        (409, "Conflict", PREPARED, Refused, Applied.NO, "commit or abort"),
        (409, "ScopeLocked", "a lock", Refused, Applied.NO, "saying ScopeLocked"),
        (412, "PreconditionFailed", "", Refused, Applied.NO, "(412)"),
        (429, "SubscriptionRequestsThrottled", "", Throttled, Applied.NO, "too many requests"),
        (429, "RetryableErrorDueToAnotherOperation", "", Busy, Applied.NO, "Read its state"),
    ],
)  # fmt: skip
def test_each_refusal_has_its_kind_and_one_sentence(
    stub: Any,
    gateway: ArmGateway,
    status: int,
    code: str,
    message: str,
    kind: type[GatewayError],
    applied: Applied,
    words: str,
) -> None:
    stub.on("POST", PREPARE, **failing(status, code, message))
    with pytest.raises(GatewayError) as raised:
        prepare(gateway)
    error = raised.value
    assert type(error) is kind and error.applied is applied and words in str(error)
    assert "prepare the migration of vnet1" in str(error) and "\n" not in str(error)
    assert (error.code, error.message) == (code, message)
    assert (
        len([seen for seen in stub.requests if seen.method == "POST"]) == 1
    )  # and nothing was registered behind our back


def test_a_refusal_names_the_missing_action(stub: Any, gateway: ArmGateway) -> None:
    stub.on("POST", PREPARE, **failing(403, "AuthorizationFailed", AUTHORIZATION))
    with pytest.raises(NotPermitted) as raised:
        prepare(gateway)
    assert raised.value.action == "Microsoft.ClassicNetwork/virtualNetworks/prepareMigration/action"
    assert raised.value.scope == "/subscriptions/s"


def test_a_throttle_says_when(stub: Any, gateway: ArmGateway) -> None:
    remaining = {"x_ms_ratelimit_remaining_subscription_reads": "0"}
    stub.on("GET", LIST, **failing(429), Retry_After="17", **remaining)
    with pytest.raises(Throttled, match="after 17 seconds") as raised:
        gateway.subscriptions()
    assert raised.value.retry_after == 17.0 and raised.value.exchange.remaining_reads == 0
    assert len(stub.requests) == 1


def test_after_a_401_the_next_request_asks_for_a_new_token(stub: Any) -> None:
    class Changing(StaticToken):
        count = 0

        def get_token(self, *scopes: str, **options: Any) -> Any:
            self.count += 1
            self._token = f"token-{self.count}"
            return super().get_token(*scopes, **options)

    stub.on("GET", LIST, 401)
    stub.on("GET", LIST, 200, {"value": []})
    with ArmGateway(stub.url, Changing("")) as gateway:
        with pytest.raises(CredentialRefused):
            gateway.subscriptions()
        gateway.subscriptions()
        gateway.subscriptions()
    assert [seen.headers["authorization"] for seen in stub.requests] == [
        "Bearer token-1",
        "Bearer token-2",
        "Bearer token-2",
    ]


def test_without_a_token_nothing_is_sent(stub: Any) -> None:
    from azure.identity import CredentialUnavailableError

    class Empty(StaticToken):
        def get_token(self, *scopes: str, **options: Any) -> Any:
            raise CredentialUnavailableError("no managed identity here")

    with (
        ArmGateway(stub.url, Empty("")) as gateway,
        pytest.raises(CredentialRefused, match="no managed identity") as raised,
    ):
        prepare(gateway)
    assert raised.value.applied is Applied.NO and stub.requests == []


def test_a_proxy_of_the_environment_never_sees_what_is_for_loopback(stub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    stub.on("GET", LIST, 200, {"value": []})
    with ArmGateway(stub.url, StaticToken("t"), deadline=2.0) as gateway:
        assert gateway.subscriptions() == []


def test_neither_token_nor_secret_reaches_the_log_or_the_record(
    stub: Any, gateway: ArmGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stub.on("POST", PREPARE, **failing(400, "Bad", "Password=hunter2 Bearer hunter2hunter2"))
    with pytest.raises(Refused) as raised:
        prepare(gateway)
    assert "the-token" not in caplog.text
    assert "hunter2" not in raised.value.message + str(raised.value) + raised.value.exchange.excerpt


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("GET", "/providers/Microsoft.Support/services", None, "/subscriptions/"),
        ("GET", f"{SUB}/../other", None, "empty part"),
        ("GET", "//evil.example/subscriptions/s", None, "/subscriptions/"),
        ("GET", f"{SUB}?x=1", None, "character"),
        ("TRACE", f"{SUB}/x", None, "not a method"),
        ("PUT", f"{SUB}/x", {"a": {"password": "***removed***"}}, "secret was taken out"),
    ],
)
def test_a_request_that_must_not_go_out_does_not(
    stub: Any, gateway: ArmGateway, method: str, path: str, body: Any, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        gateway.send(ArmRequest(method=method, path=path, api_version="1", body=body))
    assert stub.requests == []


def test_a_ready_request_is_sent_as_it_is(stub: Any, gateway: ArmGateway) -> None:
    path = f"{SUB}/resourceGroups/rg/providers/Microsoft.Insights/autoscaleSettings/a b"
    stub.on("PUT", path.replace(" ", "%20"), 201, {"id": path, "properties": {"sharedKey": "k"}})
    stub.on("DELETE", path.replace(" ", "%20"), 204)
    answer = gateway.send(ArmRequest(method="put", path=path, api_version="2022-10-01", body={"location": "x"}))
    assert answer.status == 201 and answer.body["properties"] == {"sharedKey": "***removed***"}
    assert stub.requests[0].body == {"location": "x"} and stub.requests[0].query == "api-version=2022-10-01"
    assert gateway.send(ArmRequest(method="DELETE", path=path, api_version="1")).body is None
    with pytest.raises(NotFound):
        gateway.send(ArmRequest(method="GET", path=f"{SUB}/nothing", api_version="1"))
