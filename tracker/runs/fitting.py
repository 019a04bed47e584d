"""Will it fit? What verbs took here, how large units are, and who let one start although it may not fit. Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from migrator import durations
from migrator.durations import Estimate, Sample

NEWEST = 200  # samples of one verb and kind that an estimate rests on: the platform and the estate change

# Role instances and machines of units: what Prepare grows with [D] cs-td. NULL where a role does not say how many.
_SIZES = """
SELECT u.id, CASE WHEN bool_or(lower(r.type) = 'microsoft.classiccompute/domainnames/slots/roles'
                               AND jsonb_typeof(r.document->'properties'->'instanceCount') IS DISTINCT FROM 'number')
             THEN NULL
             ELSE coalesce(sum(CASE lower(r.type)
                 WHEN 'microsoft.classiccompute/domainnames/slots/roles'
                 THEN (r.document->'properties'->>'instanceCount')::numeric::integer
                 WHEN 'microsoft.classiccompute/virtualmachines' THEN 1 ELSE 0 END), 0) END
  FROM unnest(%s::bigint[]) AS u (id)
  LEFT JOIN tracker_resource r ON r.unit_id = u.id AND r.gone_at IS NULL
   AND lower(r.type) IN ('microsoft.classiccompute/domainnames/slots/roles',
                         'microsoft.classiccompute/virtualmachines')
 GROUP BY u.id
"""
# Sent once and ended well: a verb that was sent again tells how long it was in doubt, not how long it takes. The end is
# when it was seen, so up to one interval of polling late.
_MEASURED = """
SELECT w.verb, w.kind, m.instances, m.seconds
  FROM unnest(%s::text[], %s::text[]) AS w (verb, kind)
 CROSS JOIN LATERAL (
       SELECT o.instances, extract(epoch FROM o.ended_at - o.armed_at)::float AS seconds
         FROM tracker_operation o
         JOIN tracker_run r ON r.id = o.run_id JOIN tracker_unit u ON u.id = r.unit_id AND u.kind = w.kind
        WHERE o.verb = w.verb AND o.state = 'succeeded' AND o.sends = 1 AND o.armed_at < o.ended_at
        ORDER BY o.ended_at DESC LIMIT %s) m
"""


def sizes(units: Iterable[int]) -> dict[int, int | None]:
    """Role instances and machines of units, by unit; None where it is not known. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_SIZES, [list(units)])
        return dict(cursor.fetchall())


def measured(wanted: Iterable[tuple[str, str]]) -> list[Sample]:
    """What (verb, kind of unit) took here, the newest of each. One query."""
    pairs = sorted(set(wanted))
    if not pairs:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_MEASURED, [[verb for verb, _ in pairs], [kind for _, kind in pairs], NEWEST])
        return [Sample(verb, kind, size, seconds) for verb, kind, size, seconds in cursor.fetchall()]


def estimate(verb: str, kind: str, size: int | None) -> Estimate | None:
    """How long this verb will take for such a unit; None where nothing was measured."""
    return durations.estimate(measured([(verb, kind)]), verb=verb, kind=kind, size=size)


@dataclass(frozen=True, slots=True)
class Allowed:
    """Who let a verb of a run start though it may end after its window, when and why."""

    verb: str
    by: str
    at: datetime
    reason: str
