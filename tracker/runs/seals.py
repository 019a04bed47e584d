"""What a commit approval is bound to: everything the approver saw, recomputed from current rows at the second of the
call.
"""

import json
from typing import Any

from django.conf import settings
from django.db import connection

from tracker.runs.models import Run
from tracker.waves import seals
from tracker.waves.models import Approval

_PARTS = """
SELECT 'window', opens_at, closes_at, '', '', '', '', '', '', 0::bigint FROM tracker_window WHERE wave_id = %(wave)s
UNION ALL
(SELECT 'capture', NULL::timestamptz, NULL::timestamptz, digest, CASE WHEN complete THEN 'yes' ELSE 'no' END,
        '', '', '', '', 0 FROM tracker_capture WHERE unit_id = %(unit)s ORDER BY at DESC LIMIT 1)
UNION ALL
SELECT 'settings', NULL, NULL, '', '', '', '', '', '', count(*) FROM tracker_capturedsetting WHERE unit_id = %(unit)s
UNION ALL
(SELECT 'assessment', NULL, NULL, digest, '', '', '', '', '', 0 FROM tracker_assessment
  WHERE unit_id = %(unit)s ORDER BY at DESC LIMIT 1)
UNION ALL
SELECT 'difference', NULL, NULL, classic_key, arm_key, field, kind, disposition, disposed_by, id
  FROM tracker_difference WHERE run_id = %(run)s AND kind IN ('unexpected', 'unread')
"""


def _parts(run: Run) -> dict[str, list[tuple[Any, ...]]]:
    """Everything a commit body repeats from other rows, in one query."""
    found: dict[str, list[tuple[Any, ...]]] = {
        kind: [] for kind in ("window", "capture", "settings", "assessment", "difference")
    }
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, {"wave": run.wave_id, "unit": run.unit_id, "run": run.pk})
        for kind, *row in cursor.fetchall():
            found[kind].append(tuple(row))
    return found


def commit_body(run: Run) -> dict[str, Any]:
    """Body of a commit approval: strings and whole numbers only, in the words the review page shows. `run` with its
    unit, wave and comparison; one query beside them."""
    comparison = getattr(run, "comparison", None)
    parts = _parts(run)
    capture = parts["capture"][0] if parts["capture"] else None
    assessment = parts["assessment"][0] if parts["assessment"] else None
    dispositions = sorted(parts["difference"], key=lambda row: (row[2], row[3], row[4], row[8]))
    return {
        "version": 1,
        "kind": "commit",
        "mode": "simulated" if settings.ENDPOINT_IS_SIMULATOR else "real",
        "run": str(run.pk),
        "unit": {"key": run.unit.key, "kind": run.unit.kind, "name": run.unit.name, "region": run.unit.region},
        "subscription": run.unit.subscription_id,
        "wave": {"id": run.wave_id, "name": run.wave.name},
        "windows": [[opens.isoformat(), closes.isoformat()] for opens, closes, *_ in sorted(parts["window"])],
        "members": sorted(member.lower() for member in run.members),
        "findings": assessment[2] if assessment else "",
        "verdict": run.unit.verdict,
        "captured settings": {
            "digest": capture[2] if capture else "",
            "count": parts["settings"][0][8],
            "complete": capture[3] if capture else "no",
        },
        "comparison": {
            "digest": comparison.digest if comparison else "",
            "same": comparison.same if comparison else 0,
            "renamed": comparison.renamed if comparison else 0,
            "dropped": comparison.dropped if comparison else 0,
            "unexpected": comparison.unexpected if comparison else 0,
        },
        "dispositions": [
            {
                "resource": classic or arm,
                "field": name,
                "kind": kind,
                "disposition": disposition or "open",
                "by": by,
            }
            for _, _, classic, arm, name, kind, disposition, by, _ in dispositions
        ],
        "prepared": run.state,
    }


def commit_drift(approval: Approval, run: Run, body: dict[str, Any] | None = None) -> list[str]:
    """Fields that moved since the approval was asked for; empty when the seal still matches. `body`: what
    `commit_body(run)` gave, where the caller has it."""
    then = json.loads(approval.body)
    now = json.loads(seals.canonical(commit_body(run) if body is None else body))
    if run.commit_armed_at is not None:  # after the point of no return the state itself has moved on
        then.pop("prepared", None)
        now.pop("prepared", None)
    return seals.moved(then, now)
