"""The ledger of locks as a file."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from migrator import locks as sums
from tracker.audit import tables
from tracker.inventory.lock_models import Lock

COLUMNS: Final[Mapping[str, Callable[[Lock, datetime], Any]]] = {
    "id": lambda row, now: row.pk,
    "unit": lambda row, now: row.unit.key,
    "unit_name": lambda row, now: row.unit.name,
    "subscription": lambda row, now: row.unit.subscription_id,
    "wave": lambda row, now: row.wave or None,
    "run": lambda row, now: str(row.run_id) if row.run_id else None,
    "asked_by": lambda row, now: row.opened_by or None,
    "opened_at": lambda row, now: tables.time(row.opened_at),
    "closed_at": lambda row, now: tables.time(row.closed_at),
    "end": lambda row, now: row.end or None,
    "locked_seconds": lambda row, now: round(((row.closed_at or now) - row.opened_at).total_seconds()),
    "limit_hours": lambda row, now: row.limit_hours,
    "percent_of_limit": lambda row, now: sums.share(
        row.opened_at, row.closed_at or now, timedelta(hours=row.limit_hours)
    ),
}


def stream(rows: QuerySet[Lock], kind: str, now: datetime) -> Iterator[bytes]:
    """`kind`: one of `tables.FORMATS`. The queryset says which rows and in which order, and brings the unit with it. A
    lock still held counts until `now`."""
    found = rows.iterator(chunk_size=tables.CHUNK)
    told = ({name: read(row, now) for name, read in COLUMNS.items()} for row in found)
    return tables.stream(tuple(COLUMNS), told, kind)
