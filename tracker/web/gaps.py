"""What the run page says of what could not be read before Prepare, and the question whether to go on without it."""

from typing import Any

from tracker.accounts.permissions import Permission
from tracker.followups import gaps
from tracker.runs.actions.gaps import CODE
from tracker.runs.models import Run
from tracker.runs.story import Story
from tracker.web.permits import Permits

DIALOG = "accept-gap"
SHOWN = 8  # parts told one by one in the question; the page itself tells them all


def context(run: Run, told: Story, permits: Permits) -> dict[str, Any]:
    """`gaps_accepted`: rows with who, when, why; `gap`: the question's parts, or None: there is nothing to ask."""
    known = {gaps.part(each) for row in told.gaps for each in row.missing}
    missing = [each for each in gaps.told(told.capture_missing) if gaps.part(each) not in known]
    asks = bool(missing) and run.waiting_code == CODE and run.ended_at is None and permits.may(Permission.OPERATE)
    return {
        "gaps_accepted": [
            {"row": row, "by": told.people.get(row.by, row.by), "parts": len(row.missing)} for row in told.gaps
        ],
        "gap": _question(run, missing) if asks else None,
    }


def _question(run: Run, missing: list[gaps.Missing]) -> dict[str, Any]:
    points = [
        {"text": f"Not read: {each['action']}", "icon": "eye-off", "hue": "attention"} for each in missing[:SHOWN]
    ]
    if len(missing) > SHOWN:
        points.append({"text": f"and {len(missing) - SHOWN} more, listed on this page", "icon": "ellipsis"})
    points.append(
        {
            "text": "Whatever of it hangs on this unit is lost at Commit, and no follow-up knows it; to look for it "
            "becomes work for people.",
            "icon": "triangle-alert",
            "hue": "stop",
        }
    )
    return {
        "title": f"Prepare {run.unit.name} without what could not be read?",
        "points": points,
        "hidden": [("told", each["resource"]) for each in missing],
    }
