"""The list of follow-ups as a file: CSV that no spreadsheet runs, or JSON lines. Streamed, in constant memory; what a
person gave as a secret is nowhere in it."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from tracker.audit import csv_cells
from tracker.followups import queries
from tracker.followups.models import FollowUp

CHUNK: Final = 500  # rows read and written at a time
FORMATS: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


COLUMNS: Final[Mapping[str, Callable[[FollowUp], Any]]] = {
    "id": lambda row: row.pk,
    "unit": lambda row: row.unit.key,
    "unit_name": lambda row: row.unit.name,
    "subscription": lambda row: row.unit.subscription_id,
    "wave": lambda row: row.unit.placement.wave.name if hasattr(row.unit, "placement") else None,
    "kind": lambda row: row.kind,
    "title": lambda row: row.title,
    "state": lambda row: row.state,
    "age": lambda row: row.age or None,  # type: ignore[attr-defined]
    "opened_at": lambda row: _time(row.opened_at),
    "owner": lambda row: row.owner or None,
    "due_on": lambda row: row.due_on.isoformat() if row.due_on else None,
    "rules": lambda row: row.rules,
    "was": lambda row: row.was,
    "notes": lambda row: row.notes,
    "new_target": lambda row: row.new_target or None,
    "answers": lambda row: row.answers,
    "applied_at": lambda row: _time(row.applied_at),
    "probed_at": lambda row: _time(row.probed_at),
    "probe_says": lambda row: row.probe_says,
    "last_error": lambda row: row.last_error or None,
    "closed_at": lambda row: _time(row.closed_at),
    "closed_how": lambda row: row.closed_how or None,
    "attested_by": lambda row: row.attested_by or None,
    "attestation": lambda row: row.attestation or None,
    "wont_do_asked_by": lambda row: row.wont_by or None,
    "wont_do_why": lambda row: row.wont_why or None,
    "wont_do_agreed_by": lambda row: row.agreed_by or None,
}


def stream(rows: QuerySet[FollowUp], kind: str, now: datetime) -> Iterator[bytes]:
    """`kind`: one of `FORMATS`. The queryset says which rows and in which order; it brings unit and wave with it."""
    rows = queries.with_age(rows, now)
    return _csv(rows) if kind == "csv" else _jsonl(rows)


def _row(row: FollowUp) -> dict[str, Any]:
    """Where something was answered, nothing that could hold a secret is told as it is: the platform may have said it
    back."""
    found = {name: read(row) for name, read in COLUMNS.items()}
    if not row.answers:
        return found
    value = queries.required(row)
    return {name: queries.shown(value, each) for name, each in found.items()} | {"answers": queries.told(value)}


def _csv(rows: QuerySet[FollowUp]) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf"  # by which spreadsheets know UTF-8
    held = io.StringIO()
    write = csv.writer(held, quoting=csv.QUOTE_ALL).writerow
    write(COLUMNS)
    for number, row in enumerate(rows.iterator(chunk_size=CHUNK), 1):
        write([_cell(value) for value in _row(row).values()])
        if number % CHUNK == 0:
            yield held.getvalue().encode()
            held.seek(0)
            held.truncate()
    yield held.getvalue().encode()


def _cell(value: Any) -> str:
    """Numbers as they are, a list as a line for each; a text is made safe to open."""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        value = "\n".join(map(str, value))
    elif isinstance(value, dict):
        value = "\n".join(f"{key}: {said}" for key, said in value.items())
    return csv_cells.cell(value or "")


def _jsonl(rows: QuerySet[FollowUp]) -> Iterator[bytes]:
    held: list[str] = []
    for row in rows.iterator(chunk_size=CHUNK):
        held.append(json.dumps(_row(row), ensure_ascii=False) + "\n")
        if len(held) >= CHUNK:
            yield "".join(held).encode()
            held = []
    yield "".join(held).encode()
