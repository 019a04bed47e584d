"""The upkeep of the numbers pages show (inventory/tallies.py). It tells nothing, so it has no event."""

from django.db import connection, transaction

from tracker.inventory import tallies

LOCK = 0x7AC_0003  # pg_advisory_xact_lock: one at a time


def fold_tallies() -> int:
    """Make one row of the rows of each number; how many rows there are now of those. Readers and writers go on
    meanwhile: what is deleted and what replaces it change places at once."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(tallies.FOLD)
        return cursor.rowcount


def recount_tallies() -> bool:
    """Count everything anew; whether any number was wrong before. Writers wait meanwhile (seconds)."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(
            "LOCK TABLE tracker_unit, tracker_placement, tracker_followup, tracker_reservation"
            " IN SHARE ROW EXCLUSIVE MODE"
        )
        cursor.execute(tallies.FOLD)
        cursor.execute("CREATE TEMP TABLE counted (name text, key text[], units bigint)")
        cursor.execute(tallies.RECOUNT.replace("INTO tracker_tally", "INTO counted"))
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM counted c FULL JOIN tracker_tally t"
            " ON (t.name, t.key) = (c.name, c.key) WHERE t.units IS DISTINCT FROM c.units)"
        )
        wrong = bool(cursor.fetchone()[0])
        if wrong:
            cursor.execute("DELETE FROM tracker_tally")
            cursor.execute("INSERT INTO tracker_tally (name, key, units) SELECT name, key, units FROM counted")
        cursor.execute("DROP TABLE counted")
        return wrong
