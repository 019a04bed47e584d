"""History for the outside: JSON Lines (the record), CSV (a view), a bundle that proves itself (audit.md 6).

An export is made in constant memory by `export_parts`; here is how it begins and how it ends.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from tracker.audit import csv_cells
from tracker.audit import export_parts as parts
from tracker.audit.actions import ENGINE, record, sign_checkpoint
from tracker.audit.models import Checkpoint
from tracker.audit.queries import Filters
from tracker.audit.values import Actor, uuid7, uuid7_floor
from tracker.crash import crashpoint

PER_PERSON, PER_SITE = 1, 3  # reliability-notes 3.3
GIVEN_UP_AFTER = timedelta(minutes=10)
EXPORT_LOCK = 0x7AC_0002

FORMATS = {
    "jsonl": ("application/jsonl; charset=utf-8", "jsonl"),
    "csv": ("text/csv; charset=utf-8; header=present", "csv"),
    "bundle": ("application/zip", "zip"),
}


class ExportBusy(RuntimeError):
    """One export per person and three per site at a time; the message says which is full."""


class BadExport(ValueError):
    """The format or a column is not one."""


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


@dataclass
class Export:
    """An export under way: iterate it for its bytes, close it to break it off. Its end is an event either way."""

    id: str
    filters: Filters
    columns: tuple[str, ...]
    format: str
    by: Actor
    checkpoint: Checkpoint
    started_at: datetime
    restricted: bool
    clock: Callable[[], datetime]
    count: int = 0
    over: bool = False
    _running: Iterator[bytes] | None = field(default=None, repr=False)

    @property
    def content_type(self) -> str:
        return FORMATS[self.format][0]

    @property
    def filename(self) -> str:
        return f"events-{self.started_at:%Y%m%d-%H%M%S}.{FORMATS[self.format][1]}"

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._running is None:
            self._running = self._run()
        return next(self._running)

    def close(self) -> None:
        if self._running is not None:
            self._running.close()
        elif not self.over:
            self._end("export.aborted", {"count": 0, "cause": "it was never read"}, result="failed")

    def _run(self) -> Iterator[bytes]:
        makers = {"jsonl": parts.jsonl, "csv": parts.csv, "bundle": parts.bundle}
        try:
            for part in makers[self.format](self):
                yield part
                crashpoint("C28")
        except GeneratorExit:
            self._end("export.aborted", {"count": self.count, "cause": "the reader went away"}, result="failed")
            raise
        except Exception as error:
            self._end("export.aborted", {"count": self.count, "cause": type(error).__name__}, result="failed")
            raise
        crashpoint("C29")
        size, root = self.checkpoint.size, bytes(self.checkpoint.root).hex()
        self._end("export.finished", {"count": self.count, "size": size, "root": root})

    def _end(self, type: str, detail: dict[str, Any], result: str = "done") -> None:
        if not self.over:
            self.over = True
            with transaction.atomic():
                record(type, by=self.by, object=("export", self.id), now=self.clock(), detail=detail, result=result)


def stream(
    filters: Filters,
    columns: Iterable[str] = (),
    format: str = "jsonl",
    *,
    by: Actor,
    now: datetime,
    restricted: bool = False,
    clock: Callable[[], datetime] = database_now,
) -> Export:
    """Begin an export: its `export.started` is committed and a checkpoint over it signed before the first byte.

    `columns`: for CSV, from `csv_cells.COLUMNS`; empty for the usual ones. `restricted`: the reader may see addresses
    and the like. `clock` tells the time of the end. Raises BadExport, ExportBusy, LogDamaged.
    """
    if format not in FORMATS:
        raise BadExport(f"There is no export format {format!r}; there are {', '.join(FORMATS)}.")
    columns = tuple(columns) or csv_cells.USUAL
    if unknown := [name for name in columns if name not in csv_cells.COLUMNS]:
        raise BadExport(f"There is no column {unknown[0]!r}; there are {', '.join(csv_cells.COLUMNS)}.")
    identifier = str(uuid7(now))
    detail = {"format": format, "filters": filters.detail()}
    with transaction.atomic():
        _reserve(by, now)
        record("export.started", by=by, object=("export", identifier), now=now, detail=detail)
    crashpoint("C27")
    checkpoint = sign_checkpoint(now, "export")
    return Export(identifier, filters, columns, format, by, checkpoint, now, restricted, clock)


def sweep(now: datetime) -> int:
    """Write the end of exports whose process died: started over ten minutes ago, no end since. Returns how many."""
    dead = [identifier for identifier, _ in _live(now - timedelta(days=7), now - GIVEN_UP_AFTER)]
    with transaction.atomic():
        for identifier in dead:
            detail = {"cause": "its process ended"}
            record("export.aborted", by=ENGINE, object=("export", identifier), now=now, detail=detail, result="failed")
    return len(dead)


def _reserve(by: Actor, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [EXPORT_LOCK])
    live = _live(now - GIVEN_UP_AFTER, now + timedelta(minutes=1))
    if sum(actor == by.key for _, actor in live) >= PER_PERSON:
        raise ExportBusy("Your last export is still running. Wait for its end, or close it; nothing was exported.")
    if len(live) >= PER_SITE:
        raise ExportBusy(f"{PER_SITE} exports are running, which is the most at a time. Try again in some minutes.")


def _live(since: datetime, until: datetime) -> list[tuple[str, str]]:
    """(export id, actor) of those begun in the time given and without an end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.object_id, s.actor FROM tracker_event s"
            " WHERE s.type = 'export.started' AND s.id >= %s AND s.at < %s AND NOT EXISTS"
            " (SELECT 1 FROM tracker_event e WHERE e.object_kind = 'export' AND e.object_id = s.object_id"
            " AND e.type IN ('export.finished', 'export.aborted'))",
            [uuid7_floor(since), until],
        )
        return cursor.fetchall()
