"""What an evaluation would say if a finding were set aside, without writing anything."""

from dataclasses import dataclass
from datetime import datetime

from migrator import readiness
from tracker.inventory.models import Unit
from tracker.readiness import loading
from tracker.readiness.actions.assessing import without_collector


@dataclass(frozen=True, slots=True)
class Outlook:
    """Verdict and score as they would be, and how many findings would still block."""

    verdict: str
    score: int
    blockers: int


def waived(unit: Unit, rule: str, resource_key: str, shown: str, now: datetime) -> Outlook | None:
    """As of now, with this finding set aside; None when the unit is stored and no longer drawn."""
    with without_collector():
        here = loading.ground(unit.subscription_id, now, [unit])
        if unit.key not in here.drawn:
            return None
        before = loading.last([unit.pk]).get(unit.pk)
        context = loading.context_of(
            here,
            unit,
            loading.answers([unit]).get(unit.pk, {}),
            before.shortfalls if before else None,
            before.movable if before else None,
        )
        context = context.about(waived={**context.waived, (rule, resource_key): shown})
        told = readiness.evaluate(here.drawn[unit.key], context)
    blocking = [f for f in told.findings if (f.effect, f.outcome) == ("blocks", "yes") and not f.waived]
    return Outlook(told.verdict.value, told.score, len(blocking))
