"""The list of units as a file: CSV that no spreadsheet runs, or JSON. Streamed, in constant memory."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from tracker.audit import csv_cells
from tracker.inventory.models import Unit

CHUNK = 500  # rows read and written at a time


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


COLUMNS: Final[dict[str, Callable[[Unit], Any]]] = {
    "key": lambda unit: unit.key,
    "azure_id": lambda unit: unit.azure_id,
    "kind": lambda unit: unit.kind,
    "name": lambda unit: unit.name,
    "subscription": lambda unit: unit.subscription_id,
    "subscription_name": lambda unit: unit.subscription.name,
    "region": lambda unit: unit.region,
    "verdict": lambda unit: unit.verdict,
    "score": lambda unit: unit.score,
    "blockers": lambda unit: unit.blockers,
    "changes": lambda unit: unit.changes,
    "unknowns": lambda unit: unit.unknowns,
    "progress": lambda unit: unit.progress,
    "health": lambda unit: unit.health,
    "health_reason": lambda unit: unit.health_reason,
    "wave": lambda unit: unit.placement.wave.name if hasattr(unit, "placement") else "",
    "owner": lambda unit: unit.owner,
    "members": lambda unit: unit.member_count,
    "assessed_at": lambda unit: _time(unit.assessed_at),
    "first_seen_at": lambda unit: _time(unit.first_seen_at),
    "changed_at": lambda unit: _time(unit.changed_at),
    "gone_at": lambda unit: _time(unit.gone_at),
}


def stream(units: QuerySet[Unit], kind: str) -> StreamingHttpResponse:
    """`kind`: json, else CSV. The queryset says which rows and in which order."""
    if kind == "json":
        answer = StreamingHttpResponse(_json(units), content_type="application/json")
    else:
        answer = StreamingHttpResponse(_csv(units), content_type="text/csv; charset=utf-8")
        kind = "csv"
    answer["Content-Disposition"] = f'attachment; filename="units.{kind}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _csv(units: QuerySet[Unit]) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf"  # by which spreadsheets know UTF-8
    held = io.StringIO()
    write = csv.writer(held, quoting=csv.QUOTE_ALL).writerow
    write(COLUMNS)
    for number, unit in enumerate(units.iterator(chunk_size=CHUNK), 1):
        write([_cell(read(unit)) for read in COLUMNS.values()])
        if number % CHUNK == 0:
            yield held.getvalue().encode()
            held.seek(0)
            held.truncate()
    yield held.getvalue().encode()


def _cell(value: Any) -> str:
    """Numbers as they are; a text is made safe to open."""
    return str(value) if isinstance(value, int) else csv_cells.cell(value or "")


def _json(units: QuerySet[Unit]) -> Iterator[bytes]:
    held = ["["]
    for number, unit in enumerate(units.iterator(chunk_size=CHUNK)):
        row = {name: read(unit) for name, read in COLUMNS.items()}
        held.append(f"{',' if number else ''}\n{json.dumps(row, ensure_ascii=False)}")
        if len(held) >= CHUNK:
            yield "".join(held).encode()
            held = []
    yield ("".join(held) + "\n]\n").encode()
