"""Cells of the CSV view. A spreadsheet must not take a cell for a formula, wherever it believes cells begin (3.2.D).

Most columns are made by PostgreSQL; the same cleaning is written in SQL and in Python, and tests compare both.
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
    "place": "(l.seq + 1)",
    "at": "to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    "type": "e.type",
    "actor": "e.actor",
    "object_kind": "e.object_kind",
    "result": "e.result",
    "id": "e.id::text",
}
_WILD = {"actor_name": "person.name", "object_id": "e.object_id", "detail": "said.detail"}
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
# Two parameters: actors and their names. OFFSET 0 keeps PostgreSQL from reading the JSON once for each mention.
JOIN = (
    "LEFT JOIN unnest(%s::text[], %s::text[]) AS person(key, name) ON person.key = e.actor"
    " CROSS JOIN LATERAL (SELECT (e.body::json -> 'detail')::text AS detail OFFSET 0) said"
)


def needs_sentences(columns: tuple[str, ...]) -> bool:
    return "sentence" in columns


def header(columns: tuple[str, ...]) -> bytes:
    """The first line, after the mark by which spreadsheets know UTF-8."""
    return b"\xef\xbb\xbf" + _line(columns)


def line(columns: tuple[str, ...]) -> str:
    """SQL of one line over `l`, `e` and JOIN."""
    cells = [_PLAIN[name] if name in _PLAIN else _cleaned(_WILD[name]) for name in columns]
    return "'\"' || " + " || '\",\"' || ".join(cells) + " || E'\"\\r\\n'"


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


def _cleaned(value: str) -> str:
    """`cell` in SQL, ready to stand between quotes. Most values are harmless; a look is cheaper than cleaning."""
    cut = f"CASE WHEN length({value}) > {MAX_CELL} THEN left({value}, {MAX_CELL}) || '{CUT}' ELSE {value} END"
    safe = f"regexp_replace(regexp_replace({cut}, '{FORMULA}', '\\1''\\2', 'g'), '{BLANK}', '''\\&')"
    wild = f"{value} ~ '{FORMULA}|{BLANK}' OR length({value}) > {MAX_CELL}"
    return f"replace(COALESCE(CASE WHEN {wild} THEN {safe} ELSE {value} END, ''), '\"', '\"\"')"


def _line(cells: tuple[str, ...]) -> bytes:
    return (",".join('"' + text.replace('"', '""') + '"' for text in cells) + "\r\n").encode()
