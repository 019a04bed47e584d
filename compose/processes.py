"""Starting, knowing again and ending single processes.

A process is known by its number *and* the moment it began, so a number given to somebody else is never touched. Each
one leads its own group and is told to end when its starter dies (where the system offers that: Linux).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

MARK = "TRACKER_SUPERVISED_BY"  # in each child's environment: the state folder it belongs to
PR_SET_PDEATHSIG = 1
MAX_LOG = 5_000_000


@dataclass(frozen=True)
class Service:
    """One process to keep running. `ready` is asked until it says yes; without it, to be started is to be ready."""

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    ready_within: float = 30.0
    stop_with: signal.Signals = signal.SIGTERM
    stop_within: float = 10.0
    user: str | None = None  # only root can start a process as somebody else
    folder: Path | None = None


@dataclass(frozen=True)
class Known:
    """A started process, as written down for the next start."""

    name: str
    number: int
    began: str

    def lives(self) -> bool:
        return began(self.number) == self.began


def spawn(service: Service) -> subprocess.Popen[bytes]:
    """Start one process; its words go to its log. Raises OSError.

    Call from the main thread only: Linux ends the child when the *thread* that started it ends.
    """
    turn(service.log)
    options: dict[str, object] = {}
    if service.user is not None:
        options = {"user": service.user, "group": group_of(service.user), "extra_groups": []}
    with open(service.log, "ab") as log:
        return subprocess.Popen(
            service.command,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            env=dict(service.environment), cwd=service.folder, start_new_session=True, umask=0o077,
            preexec_fn=die_with_parent(service.stop_with), **options,
        )  # fmt: skip


def group_of(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


def die_with_parent(with_signal: signal.Signals) -> Callable[[], None] | None:
    """What a child runs before it becomes its program, so that it ends with its parent; None where impossible."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return ask


def turn(log: Path) -> None:
    """Keep one older log, so that a long-lived demo does not fill the disk."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > MAX_LOG:
            log.replace(log.with_suffix(".log.1"))


def began(number: int) -> str | None:
    """When process `number` began, in words of this machine and boot only; None when it does not run."""
    try:
        # The name in parentheses may hold anything, blanks too; what follows the last parenthesis is regular.
        rest = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        if rest[0] in "ZX":
            return None
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}:{rest[19]}"
    except (OSError, IndexError):
        if Path("/proc/self/stat").exists():
            return None
    said = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(number)], capture_output=True, text=True)
    words = said.stdout.split(None, 1)
    return None if said.returncode or len(words) < 2 or words[0].startswith("Z") else words[1].strip()


def members(group: int) -> list[int]:
    """Numbers of the living processes of a group (Linux; elsewhere the leader at most)."""
    if not Path("/proc/self/stat").exists():
        return [group] if began(group) else []
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            rest = path.read_text().rpartition(")")[2].split()
            if rest[0] not in "ZX" and int(rest[2]) == group:
                found.append(int(path.parent.name))
    return found


def is_marked(number: int, owner: str) -> bool:
    """Whether the process carries our mark for this state folder."""
    with contextlib.suppress(OSError):
        return f"{MARK}={owner}".encode() in Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
    return False


def signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def wait_gone(alive: Callable[[], bool], within: float, patient: Callable[[], bool] = lambda: True) -> bool:
    """Whether it was gone before the time, or the patience, was up."""
    end = time.monotonic() + within
    while alive():
        if time.monotonic() > end or not patient():
            return False
        time.sleep(0.03)
    return True


def end_group(
    group: int,
    alive: Callable[[], bool],
    first: signal.Signals,
    within: float,
    patient: Callable[[], bool] = lambda: True,
) -> None:
    """Ask the leader to end; insist after a while; then see that nobody of its group is left."""
    if alive():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(group, first)
        ended = wait_gone(alive, within, patient)
    else:
        ended = True
    if members(group) and ended:  # its children may need a moment to notice
        wait_gone(lambda: bool(members(group)), 1.0, patient)
    if members(group):
        signal_group(group, signal.SIGKILL)
        wait_gone(lambda: bool(members(group)), 5.0)


def end_leftover(known: Known, owner: str, first: signal.Signals, within: float) -> bool:
    """End a process an earlier, killed supervisor left behind, and its group; True when there was one."""
    if known.lives():
        end_group(known.number, known.lives, first, within)
        return True
    # The leader is gone; a group outlives it under the same number, which is not given out again while the group lives.
    if began(known.number) is None and any(is_marked(number, owner) for number in members(known.number)):
        end_group(known.number, lambda: False, first, 0)
        return True
    return False


def tail(log: Path, lines: int = 20) -> list[str]:
    """The last lines of a log, without blank ones at the end."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, log.stat().st_size - 20_000))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return text.rstrip().splitlines()[-lines:]
