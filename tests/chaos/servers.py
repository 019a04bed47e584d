"""A PostgreSQL and a Redis of our own, which may be killed, suspended and started again."""

import contextlib
import dataclasses
import os
import secrets
import signal
import subprocess
import time
from pathlib import Path

from compose import places, processes
from compose.processes import Service
from compose.servers import Postgres, Valkey


class Server:
    """One server process as a supervisor runs it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = processes.spawn(self.service)
        deadline = time.monotonic() + self.service.ready_within
        while self.service.ready is not None and not self.service.ready():
            if time.monotonic() > deadline:
                said = "\n".join(processes.tail(self.service.log))
                raise AssertionError(f"{self.service.name} does not answer; it said:\n{said}")
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL it, and what it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(20)
            self.process = None

    def suspend(self, seconds: float) -> None:
        """Nothing answers for a while, and nothing is lost."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, self.service.stop_with)
            try:
                self.process.wait(self.service.stop_within)
                self.process = None
            except subprocess.TimeoutExpired:
                self.kill()


class Servers:
    """Both, in a folder of their own. What PostgreSQL acknowledged survives its SIGKILL, as in production, and it keeps
    the time of every commit, by which the checker knows what was committed before what."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o711)
        self.postgres = Postgres(folder / "pg", folder / "postgres.log", say=lambda _: None)
        self.valkey = Valkey(folder / "valkey", folder / "valkey.log", places.any_port(), secrets.token_urlsafe(9))
        self.postgres.prepare()
        service = self.postgres.service()
        kept = (*service.command, "-c", "track_commit_timestamp=on", "-c", "shared_buffers=64MB")
        self.database = Server(dataclasses.replace(service, command=kept))
        self.redis = Server(self.valkey.service())

    def start(self) -> None:
        self.database.start()
        self.redis.start()
        self.postgres.create_database()

    def kill_database(self) -> None:
        """SIGKILL every process of it, and start it again: it recovers from its log."""
        self.database.kill()
        self.postgres.sweep()
        self.database.start()

    def stop(self) -> None:
        self.redis.stop()
        self.database.stop()
