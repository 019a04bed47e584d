"""Re-checks as pages show them, of a unit or of a rule."""

from typing import Any

from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.inventory.models import Unit
from tracker.readiness import people
from tracker.readiness.models import Recheck
from tracker.web import live, readings


def shown(user: User, *, unit: Unit | None = None, rule: str = "", known: int | None = 0) -> dict[str, Any]:
    """The newest wish, and who may ask: the context of units/_recheck.html and rules/_recheck.html; one query. `known`:
    the number of the newest wish where the caller has it, None where there is none: then there is nothing to ask."""
    row = None if known is None else people.newest_recheck(unit=unit, rule=rule)
    return {
        "recheck": row,
        "recheck_etag": live.etag(*((row.pk, row.state, row.units, row.changed, row.error) if row else ())),
        "recheck_why_not": readings.why_not(user, Permission.SYNC),
        "recheck_over": row is None or row.state != Recheck.State.WANTED,
    }
