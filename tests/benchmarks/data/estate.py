"""An estate of as many units as asked for: the seed's units copied under other subscriptions and resource groups, with
members, findings and assessments, and with verdicts, owners and progress spread as in a programme under way.

Everything random is a digest of the copy's number and the seed's unit, so the same size gives the same rows. What is
not copied: snapshots (only the seed's units have them), and documents keep the names they were read with.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from tests.benchmarks.data import statements

SETS = 20  # copies are spread over as many times the seed's subscriptions
TEAMS = 40


def grow(units: int) -> None:
    """Copy until there are `units`; the indexes of a table are made after its rows."""
    sql = statements.read("estate.sql")
    with connection.cursor() as cursor:
        cursor.execute(sql["plan"], {"units": units, "sets": SETS, "teams": TEAMS})
        for what in ("subscriptions", "syncs", "usages", "units", "resources", "findings", "assessments"):
            with without_indexes(f"tracker_{what.removesuffix('s')}"):
                cursor.execute(sql[what])
        cursor.execute(sql["count_findings"])
        for table in ("unit", "resource", "finding", "assessment", "sync", "usage"):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('tracker_{table}', 'id'), (SELECT max(id) FROM tracker_{table}))"
            )


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
