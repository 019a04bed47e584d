"""What a commit approval is bound to: everything the approver saw, recomputed from current rows at the second of the
call.
"""

import json
from typing import Any

from django.conf import settings

from tracker.followups.models import Capture
from tracker.readiness.models import Assessment
from tracker.runs.models import Run
from tracker.waves import seals
from tracker.waves.models import Approval


def commit_body(run: Run) -> dict[str, Any]:
    """Body of a commit approval: strings and whole numbers only, in the words the review page shows."""
    comparison = getattr(run, "comparison", None)
    capture = Capture.objects.filter(unit=run.unit_id).order_by("-at").first()
    assessment = Assessment.objects.filter(unit=run.unit_id).order_by("-at").first()
    dispositions = run.differences.filter(kind__in=["unexpected", "unread"]).order_by("classic_key", "arm_key", "field")
    return {
        "version": 1,
        "kind": "commit",
        "mode": "simulated" if settings.ENDPOINT_IS_SIMULATOR else "real",
        "run": str(run.pk),
        "unit": {"key": run.unit.key, "kind": run.unit.kind, "name": run.unit.name, "region": run.unit.region},
        "subscription": run.unit.subscription_id,
        "wave": {"id": run.wave_id, "name": run.wave.name},
        "windows": [
            [w.opens_at.isoformat(), w.closes_at.isoformat()]
            for w in run.wave.windows.order_by("opens_at", "closes_at")
        ],
        "members": sorted(member.lower() for member in run.members),
        "findings": assessment.digest if assessment else "",
        "verdict": run.unit.verdict,
        "captured settings": {
            "digest": capture.digest if capture else "",
            "count": run.unit.captured_settings.count(),
            "complete": "yes" if capture and capture.complete else "no",
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
                "resource": d.classic_key or d.arm_key,
                "field": d.field,
                "kind": d.kind,
                "disposition": d.disposition or "open",
                "by": d.disposed_by,
            }
            for d in dispositions
        ],
        "prepared": run.state,
    }


def commit_drift(approval: Approval, run: Run) -> list[str]:
    """Fields that moved since the approval was asked for; empty when the seal still matches."""
    then = json.loads(approval.body)
    now = json.loads(seals.canonical(commit_body(run)))
    if run.commit_armed_at is not None:  # after the point of no return the state itself has moved on
        then.pop("prepared", None)
        now.pop("prepared", None)
    return seals.moved(then, now)
