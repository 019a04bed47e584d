"""A tiny real HTTP server which answers what a test tells it to, and a gateway pointed at it."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from migrator.gateway.arm import ArmGateway, credential

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"


class Seen:
    """One request as it arrived."""

    def __init__(self, handler: BaseHTTPRequestHandler, content: bytes) -> None:
        self.method = handler.command
        self.path, _, self.query = handler.path.partition("?")
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.content = content

    @property
    def body(self) -> Any:
        return json.loads(self.content) if self.content else None


class Stub:
    """`stub.on(method, path, …)` says what to answer; the last answer for a path is repeated. What nobody spoke of is
    404."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        self.requests: list[Seen] = []
        self._answers: dict[tuple[str, str], list[Callable[[BaseHTTPRequestHandler], None]]] = {}

    def on(self, method: str, path: str, status: int = 200, body: Any = None, **headers: str) -> None:
        """Headers with underscores for hyphens; `body` as JSON, or bytes as they are."""
        raw = body if isinstance(body, bytes) else (b"" if body is None else json.dumps(body).encode())

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            sent = {"Content-Type": "application/json", "Content-Length": str(len(raw))}
            for name, value in {**sent, **{k.replace("_", "-"): v for k, v in headers.items()}}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(raw)

        self.does(method, path, answer)

    def does(self, method: str, path: str, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self._answers.setdefault((method, path.lower()), []).append(answer)

    def answer(self, handler: BaseHTTPRequestHandler, content: bytes) -> None:
        seen = Seen(handler, content)
        self.requests.append(seen)
        planned = self._answers.get((seen.method, seen.path.lower()))
        if planned:
            (planned.pop(0) if len(planned) > 1 else planned[0])(handler)
            return
        error = {"error": {"code": "ResourceNotFound", "message": f"nothing at {seen.path}"}}
        raw = json.dumps(error).encode()
        handler.send_response(404)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def asked(self, method: str, path: str) -> list[Seen]:
        return [seen for seen in self.requests if seen.method == method and seen.path.lower() == path.lower()]


@pytest.fixture
def stub() -> Iterator[Stub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else every answer on a kept connection waits 40 ms for an acknowledgement

        def handle_any(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                stub.answer(self, content)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any

        def log_message(self, *arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *arguments: Any) -> None:
            """Connections which a test breaks on purpose are no news."""

    server = Server(("127.0.0.1", 0), Handler)
    stub = Stub(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield stub
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def gateway(stub: Stub) -> Iterator[ArmGateway]:
    with ArmGateway(stub.url, credential("static", stub.url, token="the-token"), deadline=3.0) as gateway:
        yield gateway
