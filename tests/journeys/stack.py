"""The whole product as processes of its own: database, simulator, web, worker, beat. What the journeys walk through."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from migrator.simulator.running import Running
from tests import template_database

ROOT = Path(__file__).resolve().parents[2]


class NotReached(AssertionError):
    """Something did not happen in time; the text says what was there instead."""


def wait_for(what: str, reached: Callable[[], Any], seconds: float = 30, seen: Callable[[], object] = str) -> Any:
    """The first true answer of `reached`. Raises NotReached with what `seen` says."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := reached():
            return answer
        time.sleep(0.1)
    raise NotReached(f"not within {seconds:.0f} s: {what}; instead: {seen()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stack:
    """Processes by name. Each leads a process group: a kill takes its children along, as a lost machine would."""

    def __init__(self, simulator: Running, database_url: str, redis_url: str, folder: Path) -> None:
        self.simulator, self.redis_url, self.folder = simulator, redis_url, folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "TRACKER_DATABASE_URL": database_url,
            "TRACKER_REDIS_URL": redis_url,
            "TRACKER_ARM_ENDPOINT": simulator.base_url,
            "TRACKER_SERVICE_MANAGEMENT_ENDPOINT": f"{simulator.base_url}/service-management",
            "PYTHONUNBUFFERED": "1",
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        celery = [sys.executable, "-m", "celery", "-A", "tracker"]
        self.commands = {
            "web": [
                *(sys.executable, "-m", "gunicorn", "tracker.wsgi:application", "--bind", f"127.0.0.1:{self.port}"),
                *("--worker-class", "gthread", "--workers", "1", "--threads", "8"),
            ],
            "worker": [*celery, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle", "-l", "INFO"],
            "beat": [*celery, "beat", "--schedule", str(folder / "beat"), "-l", "WARNING"],
        }

    def start(self, *names: str) -> None:
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    self.commands[name], cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
                )
        if "web" in names:
            wait_for("the sign-in page answers", self._answers, 60, lambda: self.said("web"))

    def _answers(self) -> bool:
        with (
            contextlib.suppress(OSError, urllib.error.URLError),
            urllib.request.urlopen(f"{self.url}/sign-in/") as page,
        ):
            return page.status == 200
        return False

    def said(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-2_000:] if path.exists() else ""

    def kill(self, name: str) -> None:
        """SIGKILL the process and everything it started."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def stop(self) -> None:
        for name in list(self.processes):
            process = self.processes.pop(name)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(6)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)

    # --- what the platform itself says -----------------------------------------------------------------------------

    def azure(self) -> dict[str, Any]:
        answer = self.simulator.control("state")
        answer["locks"] = {key.lower(): value for key, value in answer["locks"].items()}
        return answer

    def posts(self, verb: str) -> list[dict[str, Any]]:
        rows = self.simulator.control("log")["value"]
        return [row for row in rows if row["method"] == "POST" and row.get("verb") == verb]


@contextlib.contextmanager
def database_of_its_own(blocker: Any) -> Iterator[str]:
    """A migrated database which is committed to for real, and dropped. Django here speaks to it meanwhile."""
    from django.core.management import call_command
    from django.db import connection

    with blocker.unblock():
        usual = connection.settings_dict["NAME"]
        name = f"journey_{os.getpid()}"
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            copied = f' TEMPLATE "{template}"' if (template := template_database.made()) else ""
            cursor.execute(f'CREATE DATABASE "{name}"{copied}')
        connection.settings_dict["NAME"] = name
        try:
            if not template:
                call_command("migrate", interactive=False, verbosity=0)
            yield name
        finally:
            connection.close()
            connection.settings_dict["NAME"] = usual
            with connection._nodb_cursor() as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.close()


def url_of(name: str) -> str:
    """The suite's database URL with another database in it."""
    before, slash, after = os.environ["TRACKER_DATABASE_URL"].partition("?")
    return f"{before.rpartition('/')[0]}/{name}{slash}{after}"
