"""One supervisor over all processes: starts them in order, starts again what crashed, and leaves nobody behind."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from compose import places, processes
from compose.processes import Known, Service

LONGEST_PAUSE = 30.0  # seconds between attempts to start again what keeps crashing
STEADY = 60.0  # after so many seconds up, earlier crashes are forgotten


class Stopped(Exception):
    """Somebody asked for the end (Ctrl-C, SIGTERM, a closed terminal)."""


class ServiceFailed(Exception):
    """A process ended, or did not get ready; says which, how, and the end of its log."""

    def __init__(self, service: Service, how: str, heard: bool = False) -> None:
        self.service = service
        lines = [f"{service.name} {how}."]
        if heard:
            lines.append(f"What it said is above, and in {service.log}.")
        elif said := processes.tail(service.log):
            lines += [f"The last lines of {service.log}:", "", *(f"    {line}" for line in said)]
        else:
            lines.append(f"It wrote nothing to {service.log}.")
        super().__init__("\n".join(lines))


@dataclass
class Running:
    service: Service
    process: subprocess.Popen[bytes]
    since: float
    crashes: int = 0
    again_at: float | None = None  # when a crashed one is started again; None while it runs


class Supervisor:
    """Holds the processes of one state folder. `owner` marks them; in `record` the next start finds their numbers."""

    def __init__(self, owner: Path, record: Path | None = None, say: Callable[[str], None] = print) -> None:
        self.owner = str(owner)
        self.record = record
        self.say = say
        self.running: dict[str, Running] = {}
        self.asked: signal.Signals | None = None
        self.hurry = False

    # --- being asked to stop ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Within, Ctrl-C, SIGTERM and a closed terminal are requests; a second ends patience. Stops all at its end."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self.ask) for number in numbers}
        try:
            yield
        finally:
            try:
                self.stop()
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

    def ask(self, number: int, _frame: FrameType | None = None) -> None:
        self.hurry = self.asked is not None
        self.asked = signal.Signals(number)

    def pause(self, seconds: float) -> None:
        """Sleep, unless the end was asked for. Raises Stopped."""
        if self.asked is not None:
            raise Stopped
        time.sleep(seconds)
        if self.asked is not None:
            raise Stopped

    # --- starting -----------------------------------------------------------------------------------------------------

    def start(self, *services: Service) -> None:
        """Start these together and return when all are ready. Raises ServiceFailed, Stopped."""
        self.launch(*services)
        self.await_ready(*services)

    def launch(self, *services: Service) -> None:
        """Start without waiting. Raises ServiceFailed, Stopped."""
        for service in services:
            if self.asked is not None:
                raise Stopped
            service = self.marked(service)
            self.running[service.name] = Running(service, self.spawn(service), time.monotonic())
            self.write_down()

    def await_ready(self, *services: Service) -> None:
        for service in services:
            one = self.running[service.name]
            while True:
                if one.process.poll() is not None:
                    raise ServiceFailed(service, f"{ending(one.process.returncode)} before it was ready")
                if service.ready is None or service.ready():
                    break
                if time.monotonic() - one.since > service.ready_within:
                    raise ServiceFailed(service, f"was not ready after {service.ready_within:.0f} s")
                self.pause(0.03)

    def run(self, service: Service, heard: Callable[[str], None] | None = None) -> None:
        """Run one program to its end; `heard` gets each line it says, as it comes. Raises ServiceFailed, Stopped."""
        offset = service.log.stat().st_size if service.log.exists() else 0
        self.launch(service)
        self.finish(service, heard, offset)

    def finish(self, service: Service, heard: Callable[[str], None] | None = None, offset: int = 0) -> None:
        """Wait for a launched program to end. Raises ServiceFailed, Stopped."""
        process = self.running[service.name].process
        while process.poll() is None:
            offset = follow(service.log, offset, heard)
            self.pause(0.05)
        follow(service.log, offset, heard)
        del self.running[service.name]
        self.write_down()
        if process.returncode:
            raise ServiceFailed(service, ending(process.returncode), heard=heard is not None)

    def spawn(self, service: Service) -> subprocess.Popen[bytes]:
        try:
            return processes.spawn(service)
        except (OSError, subprocess.SubprocessError) as error:
            raise ServiceFailed(service, f"could not be started: {error}") from error

    def marked(self, service: Service) -> Service:
        return replace(service, environment={**service.environment, processes.MARK: self.owner})

    # --- watching -----------------------------------------------------------------------------------------------------

    def watch(self, tick: float = 0.3) -> None:
        """Keep everything running until the end is asked for. Raises Stopped, never returns otherwise."""
        while True:
            self.look()
            self.pause(tick)

    def look(self, now: float | None = None) -> None:
        """One round: notice who crashed, start again whose pause is over."""
        now = time.monotonic() if now is None else now
        for one in self.running.values():
            if one.again_at is None:
                if one.process.poll() is not None:
                    self.crashed(one, now)
                elif one.crashes and now - one.since > STEADY:
                    one.crashes = 0
            elif now >= one.again_at:
                self.start_again(one, now)

    def crashed(self, one: Running, now: float) -> None:
        one.crashes += 1
        pause = min(LONGEST_PAUSE, 2.0 ** (one.crashes - 1))
        one.again_at = now + pause
        how = ending(one.process.returncode)
        self.say(f"{clock()}  {one.service.name} {how}; it is started again in {pause:.0f} s. Log: {one.service.log}")
        if one.crashes in (3, 8):  # once is an accident; this is a pattern
            for line in processes.tail(one.service.log):
                self.say(f"    {line}")

    def start_again(self, one: Running, now: float) -> None:
        # What is left of the crashed one's group would go on working beside the new one.
        processes.end_group(one.process.pid, lambda: False, one.service.stop_with, 0)
        try:
            one.process = self.spawn(one.service)
        except ServiceFailed as error:
            one.crashes += 1
            one.again_at = now + LONGEST_PAUSE
            self.say(f"{clock()}  {error}")
            return
        one.since, one.again_at = now, None
        self.write_down()
        self.say(f"{clock()}  {one.service.name} runs again.")

    def restarts(self) -> list[str]:
        """Names of those that crashed lately."""
        return [name for name, one in self.running.items() if one.crashes or one.process.poll() is not None]

    # --- stopping -----------------------------------------------------------------------------------------------------

    def stop(self, *names: str) -> None:
        """End the named processes, or all, the last started first. A second request shortens the patience."""
        for name in names or tuple(reversed(self.running)):
            one = self.running.get(name)
            if one is None:
                continue
            process = one.process
            service, alive = one.service, lambda process=process: process.poll() is None
            patient = lambda: not self.hurry  # noqa: E731
            processes.end_group(process.pid, alive, service.stop_with, service.stop_within, patient)
            if process.poll() is None:
                process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            del self.running[name]
            self.write_down()

    def write_down(self) -> None:
        if self.record is None:
            return
        known = [
            {"name": name, "number": one.process.pid, "began": began, "stop_with": int(one.service.stop_with)}
            for name, one in self.running.items()
            if (began := processes.began(one.process.pid))
        ]
        places.write(self.record, known)

    def end_leftovers(self) -> list[str]:
        """End what an earlier supervisor of this folder left behind when it was killed; their names."""
        noted = places.read(self.record) if self.record else None
        found = []
        for entry in reversed(noted if isinstance(noted, list) else []):
            known = Known(entry["name"], entry["number"], entry["began"])
            if processes.end_leftover(known, self.owner, signal.Signals(entry["stop_with"]), 10.0):
                found.append(known.name)
        return found


def ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with code {code}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


def follow(log: Path, offset: int, heard: Callable[[str], None] | None) -> int:
    """Hand over the whole lines written after `offset`; the new offset."""
    if heard is None:
        return offset
    with contextlib.suppress(OSError), open(log, "rb") as file:
        file.seek(offset)
        whole, newline, _ = file.read().rpartition(b"\n")
        for line in whole.decode("utf-8", "replace").splitlines() if newline else ():
            heard(line)
        return offset + len(whole) + len(newline)
    return offset


def clock() -> str:
    return time.strftime("%H:%M:%S")
