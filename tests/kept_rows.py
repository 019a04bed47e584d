"""What one test stored, put back for the next tests of the same process.

An estate that is read and assessed takes a third of a second, and hundreds of tests begin with the same one. The first
of each process reads it with the real parts; the others get the very rows it stored: tallies, events and all.
"""

from collections.abc import Callable, Hashable

from django.db import connection, transaction

_COLUMNS = """
SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
 WHERE n.nspname = 'public' AND c.relkind = 'r' GROUP BY c.relname ORDER BY c.relname
"""
# Materialized: the planner may otherwise ask for the sequences of tables outside `public` first, which is an error.
_SERIALS = """
WITH ours AS MATERIALIZED (
  SELECT c.relname, a.attname, format('%I.%I', n.nspname, c.relname) AS whole
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
   WHERE n.nspname = 'public' AND c.relkind = 'r')
SELECT relname, attname, pg_get_serial_sequence(whole, attname) FROM ours
 WHERE pg_get_serial_sequence(whole, attname) IS NOT NULL
"""
_kept: dict[Hashable, tuple[list[tuple[str, bytes, bool]], str]] = {}


def once(key: Hashable, make: Callable[[], None]) -> None:
    """Call `make`, or put back the rows it stored when it was called first. Both begin with an equal database. Where
    the tests' role may not switch triggers off, `make` is called each time."""
    with transaction.atomic():
        if key in _kept:
            _put_back(*_kept[key])
            return
        if not may_switch_triggers_off():
            make()
            return
        before = rows()
        make()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            changed = [(t, r, bool(before.get(t))) for t, r in rows().items() if before.get(t) != r]
            cursor.execute(_SERIALS)
            names = {table.partition(" ")[0] for table, _, _ in changed}
            serials = [row for row in cursor.fetchall() if row[0] in names]
        behind = "SELECT setval('{0}', greatest(max({1}), (SELECT last_value FROM {0}))) FROM {2}"
        _kept[key] = changed, "; ".join(behind.format(serial, column, table) for table, column, serial in serials)


def may_switch_triggers_off() -> bool:
    """Whether the tests' role may write rows without their triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_parameter_privilege('session_replication_role', 'SET')")
        return bool(cursor.fetchone()[0])


def rows() -> dict[str, bytes]:
    """`table (columns)` → its rows as COPY writes them."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        for table, columns in cursor.fetchall():
            with cursor.copy(f"COPY {table} ({columns}) TO STDOUT") as copy:
                found[f"{table} ({columns})"] = b"".join(bytes(part) for part in copy)
    return found


def _put_back(changed: list[tuple[str, bytes, bool]], sequences: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # rows are whole already: no triggers, no checks
        for table, rows, replaced in changed:
            if replaced:
                cursor.execute(f"DELETE FROM {table.partition(' ')[0]}")
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(rows)
        cursor.execute("SET LOCAL session_replication_role = origin")
        if sequences:
            cursor.execute(sequences)
