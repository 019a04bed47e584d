"""What can never be so, looked at all the time (reliability-notes 6.6). The database's own guards refuse most of it;
these notice what came past them: a superuser's hand, a restore of some tables, an error of ours. Reads only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection

LONGEST_PENDING = 60  # seconds an event may wait for the tree
MOST_SKEW = 2.0  # seconds between the clocks of the database and of this host


@dataclass(frozen=True, slots=True)
class Broken:
    name: str
    subject: str
    run: str | None
    said: str


# name → what has to hold, and the rows for which it does not: (subject, run id)
OF_RUNS: dict[str, tuple[str, str]] = {
    "fence": (
        "No step carries a higher fence than its run.",
        "SELECT t.id::text, o.run_id FROM tracker_attempt t JOIN tracker_operation o ON o.id = t.operation_id"
        " JOIN tracker_run r ON r.id = o.run_id WHERE t.fence > r.fence",
    ),
    "one live operation": (
        "A run has one live operation at most.",
        "SELECT o.run_id::text, o.run_id FROM tracker_operation o JOIN tracker_run r ON r.id = o.run_id"
        " WHERE o.state IN ('ready', 'sending', 'polling', 'unknown', 'held') GROUP BY o.run_id HAVING count(*) > 1",
    ),
    "sending has an attempt": (
        "What is being sent has an open attempt.",
        "SELECT o.id::text, o.run_id FROM tracker_operation o JOIN tracker_run r ON r.id = o.run_id"
        " WHERE o.state = 'sending' AND NOT EXISTS"
        " (SELECT 1 FROM tracker_attempt t WHERE t.operation_id = o.id AND t.resolved_at IS NULL)",
    ),
    "success has evidence": (
        "What succeeded was seen, or answered so.",
        "SELECT o.id::text, o.run_id FROM tracker_operation o JOIN tracker_run r ON r.id = o.run_id"
        " WHERE o.state = 'succeeded' AND o.seen = '{}'::jsonb AND NOT EXISTS"
        " (SELECT 1 FROM tracker_attempt t WHERE t.operation_id = o.id AND t.outcome = 'accepted')",
    ),
    "commit stays armed": (
        "A run whose commit was sent is marked so for ever.",
        "SELECT r.id::text, r.id FROM tracker_run r WHERE r.commit_armed_at IS NULL AND EXISTS (SELECT 1"
        " FROM tracker_operation o JOIN tracker_attempt t ON t.operation_id = o.id"
        " WHERE o.run_id = r.id AND o.verb = 'commit')",
    ),
    "ended stays ended": (
        "What has ended does not go on.",
        "SELECT r.id::text, r.id FROM tracker_run r WHERE r.ended_at IS NOT NULL AND EXISTS (SELECT 1"
        " FROM tracker_operation o WHERE o.run_id = r.id"
        " AND o.state IN ('ready', 'sending', 'polling', 'unknown', 'held'))"
        " OR r.state <> 'closed' AND EXISTS"
        " (SELECT 1 FROM tracker_transition t WHERE t.run_id = r.id AND t.after = 'closed')",
    ),
}
OF_ALL: dict[str, str] = {
    "events reach the tree": f"No event waits longer than {LONGEST_PENDING} s for the signed history.",
    "every event is a leaf": "Every event is in the signed history or waits for it.",
    "clocks agree": f"The clocks of database and host differ by {MOST_SKEW:.0f} s at most.",
}
SENTENCES = {name: said for name, (said, _) in OF_RUNS.items()} | OF_ALL


def of_run(run_id: object) -> str:
    """The first assertion about one run that does not hold, as a sentence; empty when all do. One query."""
    parts = [
        f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM ({query}) AS found(subject, run) WHERE run = %s)"  # noqa: S608
        for name, (_, query) in ((n, (s, _narrowed(q))) for n, (s, q) in OF_RUNS.items())
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), [run_id] * 2 * len(parts))
        row = cursor.fetchone()
    return SENTENCES[row[0]] if row else ""


def _narrowed(query: str) -> str:
    """The same query for one run, so that its indexes serve."""
    return query.replace("WHERE", "WHERE r.id = %s AND (", 1).replace(" GROUP BY", ") GROUP BY") + (
        "" if " GROUP BY" in query else ")"
    )


def broken(host: Callable[[], float]) -> list[Broken]:
    """Everything that does not hold now. `host`: the clock of this host, in seconds since 1970."""
    found = []
    with connection.cursor() as cursor:
        for name, (said, query) in OF_RUNS.items():
            cursor.execute(query)
            found += [Broken(name, subject, str(run), said) for subject, run in cursor.fetchall()]
        cursor.execute(
            "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float FROM tracker_pending"
        )
        if (waits := cursor.fetchone()[0]) > LONGEST_PENDING:
            found.append(Broken("events reach the tree", "database", None, f"An event has waited for {waits:.0f} s."))
        cursor.execute(
            "SELECT (SELECT count(*) FROM tracker_event), (SELECT count(*) FROM tracker_leaf),"
            " (SELECT count(*) FROM tracker_pending)"
        )
        events, leaves, pending = cursor.fetchone()
        if events != leaves + pending:
            said = f"{events} events, and {leaves} in the signed history, {pending} waiting for it."
            found.append(Broken("every event is a leaf", "database", None, said))
        if (skew := _skew(cursor, host)) > MOST_SKEW:
            found.append(Broken("clocks agree", "database", None, f"The clocks differ by {skew:.1f} s."))
    return found


def _skew(cursor: Any, host: Callable[[], float]) -> float:
    """Seconds between the database's clock and this host's, less what the question itself took."""
    before = host()
    cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float")
    said = cursor.fetchone()[0]
    after = host()
    return max(0.0, before - said, said - after)
