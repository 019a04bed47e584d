"""A programme with thousands of operations in flight: a generated estate on the simulator, one worker with two
processes, beat, and the doors to look at what they do. What the rows of the engine share."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import redis
from django.db import connection
from django.utils import timezone

from migrator.gateway.arm import ArmGateway, StaticToken
from migrator.lifecycle import State
from migrator.simulator import running
from migrator.simulator.estates import generated
from tests.benchmarks.data.databases import ROOT, Databases, named
from tests.benchmarks.data.seed import BY, PASSWORD, PEOPLE, person, read
from tracker.accounts import actions as accounts
from tracker.inventory import actions as inventory
from tracker.inventory.models import Subscription, Unit
from tracker.runs import actions as runs
from tracker.runs.models import AskVerb, Operation, Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves.models import Wave

SUBSCRIPTIONS = 8
RESOURCES_EACH = 1.45  # of a storage account with what hangs on it, in the generated mix
SLOW = 0.05  # the platform takes twenty times as long, so that all are in flight at once


@dataclass
class Flight:
    """`folder` keeps the logs of the processes."""

    units: int
    databases: Databases
    folder: Path
    say: Callable[[str], None]
    _open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def begin(self) -> None:
        """Everything up to the second before the runs start."""
        estate = generated.build(
            1, resources=int(self.units * RESOURCES_EACH), mix={"storage": 100}, subscriptions=SUBSCRIPTIONS
        )
        self.azure = self._open.enter_context(running.simulator(scenario="small", speed=1.0))
        self.azure.control("settings", {"throttle": 0})
        self.azure.control("reset", {"estate": estate})
        self.database = self.databases.have(f"flight_{self.units}_{os.getpid()}", self._fill)
        self.environment = {
            **os.environ,
            "TRACKER_DATABASE_URL": named(os.environ["TRACKER_DATABASE_URL"], self.database),
            "TRACKER_ARM_ENDPOINT": self.azure.base_url,
            "TRACKER_SERVICE_MANAGEMENT_ENDPOINT": f"{self.azure.base_url}/service-management",
            "TRACKER_ENGINE_TIMINGS": "live",
            "DJANGO_SETTINGS_MODULE": "tracker.settings",
        }
        with redis.Redis.from_url(os.environ["TRACKER_REDIS_URL"]) as client:
            client.flushdb()
        self.azure.control("settings", {"throttle": 1})

    def _fill(self) -> None:
        for username, name, roles in PEOPLE:
            accounts.create_user(username, name, f"{username}@example.com", PASSWORD, roles, by=BY, now=timezone.now())
        gateway = ArmGateway(self.azure.base_url, StaticToken("a-token"), deadline=30)
        try:
            inventory.discover_subscriptions(gateway, now=database_now(), by=BY)
            for subscription in Subscription.objects.all():
                read(subscription, gateway)
        finally:
            gateway.close()
        self._plan()

    def _plan(self) -> None:
        maya, tomas, now = person("maya"), person("tomas"), database_now()
        wave = waves.create(name="Everything at once", owner="Maya Lindqvist", by=maya, now=now)
        hours = timedelta(hours=1)
        waves.set_window(wave, opens_at=now - hours, closes_at=now + 200 * hours, by=maya, now=now)
        placed, refused = 0, Counter[str]()
        for unit in Unit.objects.filter(progress="assessed").exclude(verdict="blocked").order_by("pk")[: self.units]:
            try:
                waves.place(wave, unit, by=maya, now=now)
                placed += 1
            except waves.WaveError as error:
                refused[str(error)[:120]] += 1
        self.say(f"{placed:,} units are placed; refused: {refused.most_common(2)}; {_verdicts()}")
        approval = waves.submit(wave, by=maya, now=database_now())
        waves.approve(approval, digest=approval.digest, by=tomas, now=database_now())

    # --- processes ----------------------------------------------------------------------------------------------------

    def start(self, *names: str) -> None:
        celery = [sys.executable, "-m", "celery", "-A", "tracker"]
        commands = {
            "worker": [*celery, "worker", "--concurrency", "2", "-Q", "celery", "-l", "INFO", "-n", "engine@%h"],
            "beat": [*celery, "beat", "--schedule", str(self.folder / "beat"), "-l", "WARNING"],
        }
        for name in names:
            log = (self.folder / f"{name}.log").open("ab")
            self._processes[name] = subprocess.Popen(
                commands[name], cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def memory(self, name: str) -> int:
        """Bytes of a process and its children together."""
        pids = subprocess.run(
            ["ps", "-o", "rss=", "--ppid", str(self._processes[name].pid), "-p", str(self._processes[name].pid)],
            capture_output=True, text=True, check=False,
        ).stdout.split()  # fmt: skip
        return sum(map(int, pids)) * 1024

    def stop(self, *names: str) -> None:
        for name in names or tuple(self._processes):
            process = self._processes.pop(name, None)
            if process is None:
                continue
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)

    def close(self) -> None:
        self.stop()
        self._open.close()

    # --- what is so ---------------------------------------------------------------------------------------------------

    def until(self, what: str, reached: Callable[[], bool], seconds: float = 600) -> float:
        """Seconds it took. Raises RuntimeError with what the worker said."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if reached():
                return time.monotonic() - began
            time.sleep(0.25)
        said = (self.folder / "worker.log").read_text(errors="replace")[-1500:]
        raise RuntimeError(f"not within {seconds:.0f} s: {what}; {self.states()}\n{said}")

    def states(self) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT verb || ' ' || state, count(*) FROM tracker_operation GROUP BY 1 ORDER BY 1")
            return dict(cursor.fetchall())

    def all_in_flight(self) -> None:
        """Validate for every unit, then Prepare; returns when all of them are polled."""
        tomas, wave = person("tomas"), Wave.objects.get()
        began = runs.start_all(wave, by=tomas, now=database_now())
        self.say(f"{len(began.runs):,} runs are started; Validate goes out at the platform's pace …")
        self.start("worker", "beat")
        validated = Run.objects.filter(state=State.VALIDATED)
        self.until("validated", lambda: validated.count() + self._troubled() >= len(began.runs))
        self.azure.control("clock", {"speed": SLOW})
        asked = runs.ask_all(wave, AskVerb.PREPARE, by=tomas, now=database_now())
        self.say(f"Prepare is asked for {len(asked.runs):,} …")
        polled = Operation.objects.filter(verb="prepare", state="polling")
        self.until("all in flight", lambda: polled.count() + self._troubled() >= len(asked.runs), 900)
        self.flying = polled.count()

    def _troubled(self) -> int:
        return Run.objects.filter(ended_at=None).exclude(attention="").count()

    def azure_state(self) -> dict[str, Any]:
        return self.azure.control("state")

    def lags(self, seconds: float) -> list[float]:
        """Twice a second: how long each due run that nobody has taken yet waits beyond its time, seconds."""
        found: list[float] = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT extract(epoch FROM clock_timestamp() - due_at)::float FROM tracker_run"
                    " WHERE ended_at IS NULL AND due_at <= clock_timestamp()"
                    " AND (lease_until IS NULL OR lease_until < clock_timestamp())"
                )
                late = [row[0] for row in cursor.fetchall()]
            found += late
            found += [0.0] * (self.flying - len(late))
            time.sleep(0.5)
        return found


def _verdicts() -> dict[str, int]:
    return dict(Counter(Unit.objects.values_list("verdict", flat=True)))


@contextlib.contextmanager
def flight(units: int, databases: Databases, folder: Path, say: Callable[[str], None]) -> Iterator[Flight]:
    made = Flight(units, databases, folder, say)
    try:
        made.begin()
        yield made
    finally:
        made.close()
