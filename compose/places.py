"""Where the demo keeps its things: the state folder, secrets, ports, and what one start notes for the next."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import socket
import stat
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from compose.boot import ROOT

ROLES = ("programme_manager", "engineer", "second_engineer", "auditor", "administrator")


class PlaceError(Exception):
    """The state folder cannot be used; the message says why and what to do."""


class AlreadyRunning(Exception):
    """Another supervisor holds this state folder."""


class Place:
    """One state folder (`.state/` unless TRACKER_STATE_DIR says otherwise).

    Readable by its owner only, except that other users may pass through it: PostgreSQL refuses to run as root, so
    root's demo runs it as `nobody`, whose own folder lies inside. Every file with a secret is 0600.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.simulator = path / "simulator"
        self.signins = path / "signins.json"  # written by `manage.py load_demo`
        self.passwords = path / "demo-passwords.json"  # role -> password, read by `manage.py load_demo`
        self.processes = path / "processes.json"
        self.running = path / "running.json"
        self.environment = path / "environment.json"
        self.beat_schedule = path / "beat-schedule"

    @classmethod
    def configured(cls) -> Place:
        return cls(Path(os.environ.get("TRACKER_STATE_DIR") or ROOT / ".state").absolute())

    def open(self) -> None:
        """Make the folders. Raises PlaceError."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o711)
            for folder in (self.logs, self.simulator):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o700)
        except OSError as error:
            raise PlaceError(
                f"The state folder {self.path} cannot be used ({error.strerror}). It may belong to another user; "
                "run as that user, or set TRACKER_STATE_DIR to a folder of your own."
            ) from error

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder for as long as the process lives. Raises AlreadyRunning."""
        # The handle is not inherited, so the lock ends with this process, however it ends, even when children live on.
        with open(self.path / "demo.lock", "w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunning from None
            yield

    def is_held(self) -> bool:
        """Whether a supervisor is running on this folder now."""
        try:
            with self.alone():
                return False
        except AlreadyRunning:
            return True
        except OSError:
            return False

    def clear(self) -> None:
        """Forget everything, but keep the lock the caller holds."""
        for path in self.path.iterdir():
            if path.name == "demo.lock":
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def note(self, name: str) -> Any:
        """The JSON note `name`, or None when it is missing or was cut short."""
        return read(self.path / name)

    def leave(self, name: str, value: Any) -> None:
        write(self.path / name, value)

    def secret(self, name: str, make: Any) -> str:
        """A secret made once and kept in `secrets.json`."""
        known = self.note("secrets.json") or {}
        if name not in known:
            known[name] = make()
            self.leave("secrets.json", known)
        return known[name]

    def demo_passwords(self) -> dict[str, str]:
        """Role -> password of the demo's people; made once. Easy to type: no letter looks like another."""
        known = read(self.passwords) or {}
        missing = [role for role in ROLES if role not in known]
        if missing:
            known |= {role: "-".join(word(4) for _ in range(3)) for role in missing}
            write(self.passwords, known)
        return known

    def port(self, name: str, wanted: int | None = None, taken: set[int] | None = None) -> int:
        """A free port for `name`: the one it had before, else `wanted`, else any. Ask just before use."""
        ports = self.note("ports.json") or {}
        for candidate in (ports.get(name), wanted):
            if candidate and candidate not in (taken or ()) and is_free(candidate):
                break
        else:
            candidate = any_port()
        ports[name] = candidate
        self.leave("ports.json", ports)
        return candidate


def read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write(path: Path, value: Any) -> None:
    """Whole or not at all, and for the owner's eyes only."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def word(length: int) -> str:
    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(length))


def audit_seed() -> str:
    """A fresh Ed25519 seed as TRACKER_AUDIT_KEY wants it: 32 bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def any_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def next_port(port: int) -> int:
    """The next free port above `port`, within a hundred; else any."""
    return (
        next((candidate for candidate in range(port + 1, min(port + 100, 65_536)) if is_free(candidate)), None)
        or any_port()
    )


def borrow_running_demo(environment: MutableMapping[str, str]) -> str | None:
    """Let an ordinary command (`manage.py doctor`, `shell`, …) talk to the running demo if nothing is configured.

    Fills the TRACKER_ settings from the demo's note and returns the line to show; None when there is nothing to borrow.
    """
    if any(environment.get(key) for key in ("TRACKER_DATABASE_URL", "TRACKER_DATABASE_URL_FILE")):
        return None
    place = Place.configured()
    known = read(place.environment)
    if not isinstance(known, dict) or not place.is_held():
        return None
    for key, value in known.items():
        if f"{key}_FILE" not in environment:
            environment.setdefault(key, value)
    address = (read(place.running) or {}).get("address", "its address")
    return f"(settings of the running demo, {address})"
