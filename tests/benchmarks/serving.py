"""The web server as the demo starts it, over one of the databases, and somebody who asks it for pages."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.benchmarks.data.databases import ROOT, named

# As compose/demo.py and the image start it.
OPTIONS = (
    "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--preload", "--no-control-socket",
    "--timeout", "300", "--graceful-timeout", "2", "--keep-alive", "60",
)  # fmt: skip
READY_WITHIN = 60.0


class NotAnswered(RuntimeError):
    """A page did not answer as it should; the message says how."""


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]

    def workers(self) -> list[int]:
        """Process numbers of those who answer."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(number) for number in children.split()]


@contextmanager
def serve(database: str, url: str, scratch: Path) -> Iterator[Server]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    environment = {
        **os.environ,
        "TRACKER_DATABASE_URL": named(url, database),
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
    }
    log = open(scratch / f"web-{database}.log", "ab")  # noqa: SIM115 - the process keeps it
    command = [sys.executable, "-m", "gunicorn", "tracker.wsgi:application", "--bind", f"127.0.0.1:{port}", *OPTIONS]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _await(port, process)
        yield Server(port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            asked = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            asked.request("GET", "/sign-in/")
            asked.getresponse().read()
            asked.close()
            return
        except OSError:
            time.sleep(0.1)
    raise NotAnswered("The web server did not start; its log is in the scratch folder.")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Visitor:
    """One keep-alive connection, which asks as a browser does: compressed pages, cookies."""

    def __init__(self, server: Server, headers: Mapping[str, str]) -> None:
        self.server = server
        self.headers = {"Accept-Encoding": "gzip, deflate, br", "Host": f"127.0.0.1:{server.port}", **headers}
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)

    def get(self, path: str, *, expect: int = 200, **headers: str) -> Answer:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request("GET", path, headers=self.headers | more)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != expect:
            raise NotAnswered(f"{path} answered {answer.status}: {body[:300]!r}")
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.connection.close()
