"""Keeping the state: one SQLite file for everything that is, one file of JSON Lines for everything that was asked.

Each answered request is one transaction, so a SIGKILL at any instant leaves the state between two requests.
Without a directory both live in memory only.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from migrator.simulator.clock import Clock
from migrator.simulator.platform import Platform, Settings
from migrator.simulator.quotas import Quotas
from migrator.simulator.records import Table

TABLES = ("operations", "migrations", "finished", "breaches", "late", "registrations")
VERSION = "1"


class StateError(Exception):
    """A state directory that cannot be used; the text says why and what to do."""


class Keeper:
    """Writes what changed after each request, and reads it back at the start."""

    def __init__(self, directory: str | os.PathLike[str] | None) -> None:
        self.directory = Path(directory) if directory is not None else None
        self._db: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        if self.directory is None:
            return
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.directory / "state.sqlite3", check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS item (kind TEXT, key TEXT, body TEXT, PRIMARY KEY (kind, key))"
            )
        except (OSError, sqlite3.Error) as error:
            raise StateError(f"The state directory {self.directory} cannot be used: {error}.") from error

    def restore(self, scenario: str) -> Platform | None:
        """The platform as it was kept; None when nothing was. Raises StateError, also for another scenario."""
        if self._db is None:
            return None
        try:
            rows = self._db.execute("SELECT kind, key, body FROM item ORDER BY rowid").fetchall()
            kept: dict[str, dict[str, Any]] = {}
            for kind, key, body in rows:
                kept.setdefault(kind, {})[key] = json.loads(body)
            if not kept:
                return None
            meta = kept["meta"]["platform"]
            if meta["version"] != VERSION:
                raise StateError(f"{self.directory} was kept by another version; start with an empty directory.")
            if meta["scenario"] != scenario:
                raise StateError(
                    f"{self.directory} holds the scenario {meta['scenario']}, not {scenario}; "
                    "give another directory, or remove this one to begin anew."
                )
            return _rebuild(kept, meta)
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"{self.directory} cannot be read back ({error!r}); move it away to start anew."
            ) from error

    def keep(self, platform: Platform, scenario: str) -> None:
        """Write what changed since the last call, in one transaction."""
        if self._db is None:
            platform.store.mark_clean()
            return
        changes: list[tuple[str, str, Any]] = [("document", k, v) for k, v in platform.store.take_dirty().items()]
        for name in TABLES:
            table: Table[Any] = getattr(platform, name)
            changes += [(name, key, row) for key, row in table.take_dirty().items()]
        changes += [("faults", key, row) for key, row in platform.faults.table.take_dirty().items()]
        if platform.quotas.changed:
            changes.append(("meta", "quotas", platform.quotas.state()))
            platform.quotas.changed = False
        if not changes and not platform.touched:
            return
        changes.append(("meta", "platform", _meta(platform, scenario)))
        platform.touched = False
        with self._lock:
            self._write(changes)

    def _write(self, changes: list[tuple[str, str, Any]]) -> None:
        assert self._db is not None  # noqa: S101 - checked by the caller
        self._db.execute("BEGIN IMMEDIATE")
        for kind, key, body in changes:
            if body is None:
                self._db.execute("DELETE FROM item WHERE kind = ? AND key = ?", (kind, key))
            else:
                text = json.dumps(body, ensure_ascii=False)
                self._db.execute("INSERT OR REPLACE INTO item VALUES (?, ?, ?)", (kind, key, text))
        self._db.execute("COMMIT")

    def clear(self) -> None:
        """Forget everything that was kept; the request log stays."""
        if self._db is not None:
            with self._lock:
                self._db.execute("DELETE FROM item")

    def close(self) -> None:
        if self._db is not None:
            self._db.close()


def _meta(platform: Platform, scenario: str) -> dict[str, Any]:
    return {
        "scenario": scenario,
        "version": VERSION,
        "seed": platform.seed,
        "origin": platform.origin,
        "clock": platform.clock.state(),
        "settings": vars(platform.settings),
        "subscriptions": list(platform.subscriptions.values()),
    }


def _rebuild(kept: Mapping[str, Mapping[str, Any]], meta: Mapping[str, Any]) -> Platform:
    estate = {"origin": meta["origin"], "subscriptions": meta["subscriptions"]}
    platform = Platform(estate, seed=int(meta["seed"]), clock=Clock.restore(meta["clock"]))
    platform.settings = Settings(**meta["settings"])
    for document in kept.get("document", {}).values():
        platform.store.put(document)
    platform.store.mark_clean()
    for name in TABLES:
        getattr(platform, name).fill(dict(kept.get(name, {})))
    platform.faults.table.fill(dict(kept.get("faults", {})))
    if "quotas" in kept["meta"]:
        platform.quotas = Quotas.restore(kept["meta"]["quotas"])
    return platform


class Journal:
    """The append-only request log. In a directory: `requests.jsonl`, one line for each request, written before it
    is answered."""

    def __init__(self, directory: Path | None) -> None:
        self._file: int | None = None
        self._lines: list[dict[str, Any]] = []
        if directory is None:
            return
        path = directory / "requests.jsonl"
        self._lines = _read_lines(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, line: Mapping[str, Any]) -> None:
        row = {"number": len(self._lines) + 1, **line}
        self._lines.append(row)
        if self._file is not None:
            os.write(self._file, json.dumps(row, ensure_ascii=False).encode() + b"\n")

    def lines(self, after: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """Lines with a number above `after`."""
        found = self._lines[max(0, after) :]
        return found if limit is None else found[:limit]


def _read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of an earlier life. A last line that was cut by a kill is closed off, so that the next one stands
    alone."""
    if not path.exists():
        return []
    raw = path.read_bytes()
    if raw and not raw.endswith(b"\n"):
        whole = raw[: raw.rfind(b"\n") + 1]
        with path.open("r+b") as file:
            file.truncate(len(whole))
        raw = whole
    return [json.loads(line) for line in raw.splitlines() if line.strip()]
