"""Cells of the CSV view. A spreadsheet must not take a cell for a formula, wherever it believes cells begin (3.2.D).

Most columns are made by PostgreSQL, in COPY; the same cleaning is written in SQL and in Python, and tests compare both.
"""

import re

from tracker.audit.queries import Entry
from tracker.audit.values import stamp

MAX_CELL = 32_000  # spreadsheets end a cell at 32,767 characters
CUT = "… (cut here; whole in events.jsonl)"
# An apostrophe goes before a formula's first character (full-width forms too) at the beginning of the cell and after
# whatever a spreadsheet of another locale takes for the end of one, and before one that begins with a tab or line end.
FORMULA = r'(^|[;\t\r\n])([ "]*[=+@＝＋－＠\-])'
BLANK = r"^[\t\r\n]"

_PLAIN = {
    "place": "l.seq + 1",
    "at": "to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    "type": "e.type",
    "actor": "e.actor",
    "object_kind": "e.object_kind",
    "result": "e.result",
    "id": "e.id",
}
_WILD = {
    "actor_name": "COALESCE(person.name, '')",
    "object_id": "e.object_id",
    "detail": "(e.body::json -> 'detail')::text",
}
COLUMNS = (
    "place",
    "at",
    "type",
    "actor",
    "actor_name",
    "object_kind",
    "object_id",
    "result",
    "sentence",
    "detail",
    "id",
)
USUAL = tuple(name for name in COLUMNS if name != "sentence")
_PEOPLE = (
    "LEFT JOIN (SELECT DISTINCT ON (a.object_id) 'user:' || a.object_id AS key, v.value AS name FROM tracker_event a"
    " JOIN tracker_privatevalue v ON v.event_id = a.id AND v.field = 'display_name'"
    " WHERE a.object_kind = 'account' AND a.type IN ('account.created', 'account.renamed')"
    " ORDER BY a.object_id, a.id DESC) person ON person.key = e.actor"
)


def needs_sentences(columns: tuple[str, ...]) -> bool:
    return "sentence" in columns


def header(columns: tuple[str, ...]) -> bytes:
    """The first line, after the mark by which spreadsheets know UTF-8."""
    return b"\xef\xbb\xbf" + _line(columns)


def select(columns: tuple[str, ...]) -> tuple[str, str]:
    """(select list, join) for COPY."""
    cells = [_PLAIN[name] if name in _PLAIN else _cleaned(_WILD[name]) for name in columns]
    return ", ".join(cells), _PEOPLE if "actor_name" in columns else ""


def row(columns: tuple[str, ...], seq: int, entry: Entry) -> bytes:
    """One line made in Python, for columns that PostgreSQL cannot make."""
    known = {
        "place": str(seq + 1),
        "at": stamp(entry.at),
        "type": entry.type,
        "actor": entry.actor,
        "actor_name": entry.actor_name if entry.actor.startswith("user:") else "",
        "object_kind": entry.object_kind,
        "object_id": entry.object_id,
        "result": entry.result,
        "sentence": entry.sentence,
        "detail": entry.detail_text,
        "id": str(entry.id),
    }
    return _line(tuple(cell(known[name]) for name in columns))


def cell(value: str) -> str:
    """A value that is safe to open."""
    value = value if len(value) <= MAX_CELL else value[:MAX_CELL] + CUT
    value = re.sub(FORMULA, r"\1'\2", value)
    return "'" + value if re.search(BLANK, value) else value


def _cleaned(expression: str) -> str:
    """`cell` in SQL."""
    long, whole = f"length({expression}) > {MAX_CELL}", expression
    cut = f"CASE WHEN {long} THEN left({whole}, {MAX_CELL}) || '{CUT}' ELSE {whole} END"
    safe = f"regexp_replace({cut}, '{FORMULA}', '\\1''\\2', 'g')"
    return f"regexp_replace({safe}, '{BLANK}', '''\\&')"


def _line(cells: tuple[str, ...]) -> bytes:
    return (",".join('"' + text.replace('"', '""') + '"' for text in cells) + "\r\n").encode()
