"""What can be made to happen, and to whom: the crash points of tracker/crash.py and what befalls the servers."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from tracker.crash import POINTS

SERVERS = {
    "C16": "Azure applied a request and answered with an error, or not at all",
    "C30": "PostgreSQL is killed and started again",
    "R1": "Redis is killed, and started again empty",
    "R2": "Redis forgets everything (FLUSHALL)",
    "R3": "Redis is suspended",
}
EVERY = {**POINTS, **SERVERS}
WEB = ("C01", "C02", "C03", "C04", "C05", "C06")
TICKER = ("C07", "C08")
SEQUENCER = ("C23", "C24", "C25", "C26")
EXPORT = ("C27", "C28", "C29")
OF_A_VERB = ("C11", "C12", "C13", "C14", "C15", "C17", "C18", "C19", "C20", "C21", "C22")  # a verb may be named


@dataclass(frozen=True, slots=True)
class Hit:
    """Somebody passed a planned point. `at`: seconds since the epoch; `of`: the run in hand, where there was one."""

    point: str
    action: str
    pid: int
    of: str
    at: float


class Plan:
    """The folder TRACKER_CRASH_PLAN names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._seen: set[str] = set()

    def arm(self, point: str, action: str) -> None:
        """`point`: C13, or C13.commit. `action`: as in tracker/crash.py, such as kill, stop:16, kill@2."""
        if point.partition(".")[0] not in POINTS:
            raise ValueError(f"There is no crash point {point}.")
        waiting = self.folder / f".{point}"
        waiting.write_text(action)
        waiting.rename(self.folder / point)  # whoever finds it finds it whole

    def armed(self) -> list[str]:
        """What nobody has passed yet."""
        return [path.name for path in self.folder.iterdir() if ".hit." not in path.name and path.name[0] != "."]

    def clear(self) -> None:
        for name in self.armed():
            with contextlib.suppress(FileNotFoundError):
                (self.folder / name).unlink()

    def hits(self) -> list[Hit]:
        """What happened since the last call."""
        found = []
        for path in sorted(self.folder.glob("*.hit.*")):
            mark = f"{path.name} {path.stat().st_mtime_ns}"
            if mark in self._seen:
                continue
            self._seen.add(mark)
            action, _, of = path.read_text().partition(" ")
            point, _, pid = path.name.partition(".hit.")
            found.append(Hit(point, action, int(pid), of, path.stat().st_mtime))
        return found
