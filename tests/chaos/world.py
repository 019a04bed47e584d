"""One whole product for a while: its own PostgreSQL and Redis, a simulated Azure, web, worker and beat, kept running by
a supervisor which starts again what died."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from migrator.gateway.arm import ArmGateway, StaticToken
from migrator.simulator import running
from migrator.simulator.running import Running
from tests import template_database
from tests.chaos import estate
from tests.chaos.plan import Hit, Plan
from tests.chaos.servers import Servers
from tests.journeys.stack import Stack, url_of, wait_for

PASSWORD = "correct horse battery staple"
PEOPLE = {
    "maya": "programme-manager",
    "tomas": "engineer",
    "aiko": "engineer",
    "noor": "auditor",
    "ines": "auditor",
    "kofi": "auditor",
}
SPEED = 600  # simulated seconds in a real one: Prepare takes a quarter of a second, Commit less


class World(Stack):
    """What a plan is carried out in. `sql` reads the database past Django and past every query of the product."""

    def __init__(self, servers: Servers, simulator: Running, folder: Path) -> None:
        super().__init__(simulator, servers.postgres.url, servers.valkey.url, folder)
        self.servers = servers
        self.plan = Plan(folder / "plan")
        self.environment["TRACKER_CRASH_PLAN"] = str(self.plan.folder)
        self.commands["web"] += ["--preload", "--timeout", "60", "--graceful-timeout", "1", "--no-control-socket"]
        self.restarts: dict[str, int] = {}
        self._asleep: dict[int, float] = {}  # process number → when it is continued
        self._connection: psycopg.Connection[dict[str, Any]] | None = None

    # --- the supervisor ----------------------------------------------------------------------------------------------

    def supervise(self) -> list[Hit]:
        """Start again whom the plan ended, continue whom it suspended; gives what happened since the last call."""
        hits = self.plan.hits()
        for hit in hits:
            action, _, seconds = hit.action.partition(":")
            if action == "stop":
                self._asleep[hit.pid] = time.monotonic() + float(seconds or 5)
        for pid, until in list(self._asleep.items()):
            if time.monotonic() >= until:
                del self._asleep[pid]
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        for name, process in list(self.processes.items()):
            if process.poll() is not None:
                self.restarts[name] = self.restarts.get(name, 0) + 1
                with contextlib.suppress(ProcessLookupError):  # nobody of its group goes on without it
                    os.killpg(process.pid, signal.SIGKILL)
                del self.processes[name]
                (self.folder / "beat").unlink(missing_ok=True)
                self.start(name, patient=False)
        return hits

    def start(self, *names: str, patient: bool = True) -> None:
        if patient:
            super().start(*names)
        else:
            answers, self._answers = self._answers, lambda: True  # type: ignore[method-assign]
            try:
                super().start(*names)
            finally:
                self._answers = answers  # type: ignore[method-assign]

    def wake_everybody(self) -> None:
        for pid in list(self._asleep):
            del self._asleep[pid]
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    # --- reading -----------------------------------------------------------------------------------------------------

    def sql(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """Rows of the database itself. Waits for a server that is being started again."""
        deadline = time.monotonic() + 30
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(
                        self.servers.postgres.url, autocommit=True, row_factory=psycopg.rows.dict_row
                    )
                return self._connection.execute(query, parameters).fetchall()  # type: ignore[arg-type]
            except psycopg.OperationalError:
                self._connection = None
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def close(self) -> None:
        self.wake_everybody()
        self.stop()
        if self._connection is not None:
            self._connection.close()


@contextlib.contextmanager
def speaking_to(servers: Servers) -> Iterator[None]:
    """Django in this process works on this PostgreSQL meanwhile."""
    from django.db import connection

    connection.close()
    usual = dict(connection.settings_dict)
    named = {"NAME": "tracker", "USER": "tracker", "HOST": str(servers.postgres.sockets), "PORT": "", "PASSWORD": ""}
    connection.settings_dict.update(named)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(usual)


@contextlib.contextmanager
def world(folder: Path, units: int) -> Iterator[World]:
    """A world of so many units, read and assessed, with its people; everything ended at the end."""
    template_database.made()
    servers = Servers(folder)
    try:
        servers.start()
        file = estate.write(folder / "estate.json", units)
        with running.simulator(scenario=file, speed=SPEED) as simulator, speaking_to(servers):
            simulator.control("settings", {"throttle": 0})
            _settle(servers, simulator)
            made = World(servers, simulator, folder)
            try:
                made.start("worker", "beat", "web")
                wait_for(
                    "the worker ticks",
                    lambda: made.sql("SELECT 1 FROM tracker_heartbeat WHERE name = 'worker'"),
                    60,
                    lambda: made.said("worker"),
                )
                yield made
            finally:
                made.close()
    finally:
        servers.stop()


def _settle(servers: Servers, simulator: Running) -> None:
    """Tables, people, and the estate as a worker would have read it."""
    from django.core.management import call_command

    from tracker.accounts.actions import create_user
    from tracker.accounts.permissions import Role
    from tracker.audit.values import Actor
    from tracker.inventory import actions as inventory
    from tracker.inventory.models import Subscription, Unit
    from tracker.quota import actions as quota
    from tracker.quota import queries as quota_queries
    from tracker.readiness import actions as readiness
    from tracker.runs.queries import database_now

    if not _copied(servers):
        call_command("migrate", interactive=False, verbosity=0)
    command = Actor("command", "chaos", "The crash matrix")
    for name, role in PEOPLE.items():
        create_user(
            username=name, display_name=name.title(), email=f"{name}@example.com", password=PASSWORD,
            roles=[Role(role)], by=command, now=database_now(),
        )  # fmt: skip
    gateway = ArmGateway(simulator.base_url, StaticToken("a-token"), deadline=20)
    try:
        inventory.discover_subscriptions(gateway, now=database_now(), by=command)
        subscription = Subscription.objects.get()
        inventory.sync(subscription, gateway, database_now, command)
        for region in quota_queries.regions(subscription):
            quota.read_usages(subscription, region, gateway=gateway, by=command, now=database_now())
        units = list(Unit.objects.filter(gone_at__isnull=True))
        shortfalls = quota_queries.shortfalls_of(units)
        readiness.assess(units, shortfalls=shortfalls, movable=gateway.movable(), now=database_now(), by=command)
    finally:
        gateway.close()


def _copied(servers: Servers) -> bool:
    """Take the tables from the suite's template where there is one: making them takes thrice as long."""
    if not template_database.NAME:
        return False
    source = url_of(template_database.NAME)
    binaries = servers.postgres.seat.binaries
    dump = subprocess.run([binaries / "pg_dump", "--no-owner", source], capture_output=True, check=True, timeout=120)
    psql = [binaries / "psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, servers.postgres.url]
    subprocess.run(psql, input=dump.stdout, capture_output=True, check=True, timeout=120)
    return True
