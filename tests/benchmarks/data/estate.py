"""An estate of as many units as asked for: the seed's units copied under other subscriptions and resource groups, with
members, findings and assessments, and with verdicts, owners and progress spread as in a programme under way.

Everything random is a digest of the copy's number and the seed's unit, so the same size gives the same rows. What is
not copied: snapshots (only the seed's units have them), and documents keep the names they were read with.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection

from tests.benchmarks.data import statements

SETS = 20  # copies are spread over as many times the seed's subscriptions
TEAMS = 40


@dataclass(frozen=True, slots=True)
class Copies:
    """How rows of a table are copied: `source` gives them as `s`; a column without a word of its own stays as it is."""

    table: str
    source: str
    columns: Mapping[str, str]


def _id(column: str) -> str:
    return f"pg_temp.as_copy({column}, w.old_subscription, w.subscription, w.mark)"


_EACH_NEW = "(SELECT DISTINCT subscription, old_subscription, set FROM wanted WHERE subscription <> old_subscription) w"
_DIGEST = "md5(w.copy || s.digest) || md5(s.digest || w.copy)"
_GONE = "CASE WHEN w.fate BETWEEN 0.03 AND 0.04 THEN s.changed_at - w.fate * interval '300 days' END"
_BLOCKED = "w.verdict = 'blocked' AND w.fate >= 0.03"
_OUTCOME = """CASE WHEN s.effect = 'info' OR s.outcome = 'no' OR w.verdict = 'blocked' THEN s.outcome
                   WHEN w.verdict = 'ready' THEN 'no'
                   WHEN w.verdict = 'ready with change' AND (s.effect = 'blocks' OR s.outcome = 'unknown') THEN 'no'
                   WHEN w.verdict = 'unknown' AND s.effect = 'blocks' THEN 'unknown' ELSE s.outcome END"""
COPIED = (
    Copies(
        "subscription",
        f"{_EACH_NEW} JOIN tracker_subscription s ON s.id = w.old_subscription",
        {"id": "w.subscription", "name": "s.name || ' ' || w.set"},
    ),
    Copies(
        "sync",
        f"{_EACH_NEW} JOIN tracker_sync s ON s.subscription_id = w.old_subscription"
        " CROSS JOIN generate_series(0, 400) ago",
        {
            "subscription_id": "w.subscription",
            "started_at": "s.started_at - ago * interval '15 minutes'",
            "ended_at": "s.ended_at - ago * interval '15 minutes'",
        },
    ),
    Copies(
        "usage",
        f"{_EACH_NEW} JOIN tracker_usage s ON s.subscription_id = w.old_subscription",
        {"subscription_id": "w.subscription"},
    ),
    Copies(
        "unit",
        "wanted w JOIN seeds s ON s.id = w.seed ORDER BY w.id",
        {
            "id": "w.id",
            "key": _id("s.key"),
            "azure_id": _id("s.azure_id"),
            "subscription_id": "w.subscription",
            "owner": "w.owner",
            "progress": "CASE WHEN w.fate < 0.03 THEN 'excluded' ELSE 'assessed' END",
            "health": f"CASE WHEN {_BLOCKED} THEN 'blocked' ELSE 'on track' END",
            "health_reason": f"CASE WHEN {_BLOCKED} THEN 'Blocked by a rule' ELSE '' END",
            "verdict": "w.verdict",
            "score": "CASE w.verdict WHEN 'ready' THEN 100 WHEN 'ready with change' THEN 60 + (w.fate * 30)::int"
            " WHEN 'unknown' THEN 20 + (w.fate * 30)::int ELSE (w.fate * 20)::int END",
            "open_rules": "'{}'::text[]",
            "first_seen_at": "w.first_seen",
            "changed_at": "greatest(w.first_seen, s.changed_at - w.fate * interval '60 days')",
            "gone_at": _GONE,
        },
    ),
    Copies(
        "resource",
        "wanted w JOIN tracker_resource s ON s.unit_id = w.seed ORDER BY w.id, s.id",
        {
            "key": _id("s.key"),
            "azure_id": _id("s.azure_id"),
            "subscription_id": "w.subscription",
            "unit_id": "w.id",
            "digest": _DIGEST,
            **dict.fromkeys(("first_seen_at", "changed_at", "seen_at"), "w.first_seen"),
            "gone_at": _GONE,
        },
    ),
    # A unit that is ready has nothing that blocks and nothing open; what is only not known was settled otherwise.
    Copies(
        "finding",
        "wanted w JOIN tracker_finding s ON s.unit_id = w.seed ORDER BY w.id, s.rule",
        {
            "unit_id": "w.id",
            "resource_key": _id("s.resource_key"),
            "outcome": _OUTCOME,
            "settles": f"CASE {_OUTCOME} WHEN 'unknown' THEN coalesce(nullif(s.settles, ''), 'Ask.') ELSE '' END",
            "since": "w.first_seen",
        },
    ),
    Copies(
        "assessment",
        "wanted w JOIN tracker_unit u ON u.id = w.id JOIN tracker_assessment s ON s.unit_id = w.seed ORDER BY w.id",
        {"unit_id": "w.id", "verdict": "u.verdict", "score": "u.score", "digest": _DIGEST},
    ),
)


def grow(units: int) -> None:
    """Copy until there are `units`; the indexes of a table are made after its rows."""
    sql = statements.read("estate.sql")
    with connection.cursor() as cursor:
        cursor.execute(sql["plan"], {"units": units, "sets": SETS, "teams": TEAMS})
        for copies in COPIED:
            table = f"tracker_{copies.table}"
            with without_indexes(table):
                columns = [name for name in _columns(table) if name != "id" or "id" in copies.columns]
                values = ", ".join(copies.columns.get(name, f's."{name}"') for name in columns)
                listed = ", ".join(f'"{name}"' for name in columns)
                cursor.execute(f"INSERT INTO {table} ({listed}) SELECT {values} FROM {copies.source}")
        cursor.execute(sql["count_findings"])
        for table in ("unit", "resource", "finding", "assessment", "sync", "usage"):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('tracker_{table}', 'id'), (SELECT max(id) FROM tracker_{table}))"
            )


def _columns(table: str) -> list[str]:
    """Those that can be written, whatever migrations added."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
            " AND attgenerated = '' ORDER BY attnum",
            [table],
        )
        return [name for (name,) in cursor.fetchall()]


@contextmanager
def without_indexes(table: str) -> Iterator[None]:
    """A big insert beside indexes takes thrice as long as the insert and the indexes one after the other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index i"
            " WHERE indrelid = %s::regclass"
            " AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
            [table],
        )
        found = cursor.fetchall()
        for name, _ in found:
            cursor.execute(f"DROP INDEX {name}")
        yield
        cursor.execute("SET maintenance_work_mem = '1GB'")
        for _, definition in found:
            cursor.execute(definition)
