"""A moment of the database, kept and put back as often as wished: each round of a race begins with the same rows."""

from django.db import connection, transaction

from tests import kept_rows

# What a race may change. Histories only grow, and nothing in a race depends on how long they are.
_CHANGING = {
    "tracker_" + name
    for name in (
        "approval", "ask", "attempt", "budget", "decision", "freeze", "operation", "overrun", "placement",
        "reservation", "rolegrant", "run", "tally", "transition", "unit", "usage", "user", "wave", "window",
    )
}  # fmt: skip
_GROWING = {"tracker_" + name for name in ("event", "pending", "privatevalue", "leaf", "checkpoint")}


class Moment:
    """The rows as they are now."""

    def __init__(self) -> None:
        rows = _rows()
        self.changing = {table: rows[table] for table in rows if table.partition(" ")[0] in _CHANGING}
        self.others = {table: rows[table] for table in rows if table not in self.changing}

    def begin(self) -> None:
        """Everything as it was, after other moments."""
        _put_back(self.changing | self.others)

    def back(self) -> None:
        """Once more, after a round."""
        _put_back(self.changing)

    def check(self) -> None:
        """Nothing changed that `back` does not put back. Raises AssertionError with the tables."""
        now = _rows()
        changed = [table.partition(" ")[0] for table, rows in self.others.items() if _set(now[table]) != _set(rows)]
        assert changed == [], f"a race changes tables that are not put back: {changed}"


def _rows() -> dict[str, bytes]:
    with transaction.atomic():
        found = kept_rows.rows()
    return {t: r for t, r in found.items() if t.startswith("tracker_") and t.partition(" ")[0] not in _GROWING}


def _set(rows: bytes) -> list[bytes]:
    """The rows without their order."""
    return sorted(rows.splitlines())


def _put_back(found: dict[str, bytes]) -> None:
    """Triggers off: the rows are whole as they are."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, rows in found.items():
            cursor.execute(f"DELETE FROM {table.partition(' ')[0]}")
            if rows:
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    copy.write(rows)
