"""A list as a file: CSV that no spreadsheet runs, or JSON lines. Streamed, in constant memory."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from tracker.audit import csv_cells

CHUNK: Final = 500  # rows read and written at a time
FORMATS: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


def time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def stream(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], kind: str) -> Iterator[bytes]:
    """`kind`: one of `FORMATS`. Each row has all the `columns`: texts, whole numbers, None, or lists and mappings of
    them."""
    return _csv(columns, rows) if kind == "csv" else _jsonl(rows)


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf"  # by which spreadsheets know UTF-8
    held = io.StringIO()
    write = csv.writer(held, quoting=csv.QUOTE_ALL).writerow
    write(columns)
    for number, row in enumerate(rows, 1):
        write([_cell(row[name]) for name in columns])
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


def _jsonl(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    held: list[str] = []
    for row in rows:
        held.append(json.dumps(row, ensure_ascii=False) + "\n")
        if len(held) >= CHUNK:
            yield "".join(held).encode()
            held = []
    yield "".join(held).encode()
