"""A simulator in a process of its own, for tests and for the demo's supervisor.

with running.simulator(scenario="journey", speed=60) as azure:
    azure.base_url            # http://127.0.0.1:PORT
    azure.control("state")    # the control surface
    azure.kill(); azure.start()   # SIGKILL, and again on the same port and state
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from migrator.simulator.server import LOOPBACK

READY_WITHIN: Final = 120.0  # seconds; making a large estate takes some, and one that ended is seen at once
ROOT: Final = Path(__file__).resolve().parents[2]


class NotStarted(RuntimeError):
    """The simulator did not come up; the text carries what it said."""


class Running:
    """One simulator process (with its server's parent process) on a free loopback port, held by a socket that
    outlives restarts."""

    def __init__(self, arguments: list[str]) -> None:
        self._arguments = arguments
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.bind((LOOPBACK, 0))
        self._socket.listen(128)
        self.port: int = self._socket.getsockname()[1]
        self.base_url = f"http://{LOOPBACK}:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers. Raises NotStarted."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "migrator.simulator", "--listen-fd", str(self._socket.fileno()), *self._arguments],
            cwd=ROOT,
            pass_fds=[self._socket.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                said = self._process.stderr.read().decode(errors="replace") if self._process.stderr else ""
                raise NotStarted(said.strip() or f"the simulator ended with {self._process.returncode}")
            with contextlib.suppress(OSError, urllib.error.URLError):
                self.get("/healthz", timeout=2)
                return
            time.sleep(0.02)
        self.kill()
        raise NotStarted(f"the simulator did not answer within {READY_WITHIN:.0f} s")

    def kill(self) -> None:
        """SIGKILL the server and its worker: nothing is written any more."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def close(self) -> None:
        self.stop()
        self._socket.close()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)
        if process.stderr:
            process.stderr.close()

    def get(self, path: str, *, timeout: float = 10) -> Any:
        return self._ask("GET", path, None, timeout)

    def control(self, name: str, body: Any = None, *, method: str = "") -> Any:
        """One call of the control surface: GET without a body, POST with one. Raises urllib.error.HTTPError."""
        return self._ask(method or ("GET" if body is None else "POST"), f"/_simulator/{name}", body, 10)

    def _ask(self, method: str, path: str, body: Any, timeout: float) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base_url + path, data=data, method=method)  # noqa: S310 - loopback
        request.add_header("Content-Type", "application/json")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback never goes through a proxy
        with opener.open(request, timeout=timeout) as answer:
            raw = answer.read()
        return json.loads(raw) if raw else None


@contextlib.contextmanager
def simulator(
    *,
    scenario: str | os.PathLike[str] = "journey",
    seed: int = 1,
    speed: float = 1.0,
    state: str | os.PathLike[str] | None = None,
) -> Iterator[Running]:
    """A running simulator; stopped at the end. Raises NotStarted."""
    arguments = ["--scenario", os.fspath(scenario), "--seed", str(seed), "--speed", str(speed)]
    if state is not None:
        arguments += ["--state", os.fspath(state)]
    running = Running(arguments)
    try:
        running.start()
        yield running
    finally:
        running.close()
