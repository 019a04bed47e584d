"""A history of as many events as asked for, written by PostgreSQL as `record` writes them, then put into the tree and
signed by the product's own sequencer. Five in a hundred have a private value."""

from django.db import connection

from tests.benchmarks.data import statements
from tests.benchmarks.data.estate import without_indexes
from tracker.audit import actions as audit
from tracker.inventory import actions as inventory
from tracker.runs.queries import database_now

DAYS = 150


def remember(events: int) -> None:
    sql = statements.read("history.sql")
    with connection.cursor() as cursor:
        cursor.execute(sql["said"])
        cursor.execute("SELECT array_agg(pseudonym ORDER BY id) FROM tracker_user")
        people = cursor.fetchone()[0]
        given = {"events": events, "days": DAYS, "people": people}
        with without_indexes("tracker_event"), without_indexes("tracker_privatevalue"):
            cursor.execute(sql["events"], given)
        cursor.execute("DROP TABLE told")
        cursor.execute("INSERT INTO tracker_pending SELECT id, at FROM tracker_event ON CONFLICT DO NOTHING")
    while audit.sequence(database_now()):
        pass
    audit.sign_checkpoint(database_now(), "minute")


def settle() -> None:
    """What the beat and autovacuum would have done by the time anybody looks."""
    inventory.fold_tallies()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
