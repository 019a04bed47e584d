"""Follow-ups go by the engine's own freezes and budgets (engine.md, Pace): one pool of tokens for everything sent."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from django.db import connection

from migrator.gateway.protocol import AzureGateway
from tracker.inventory.models import Unit
from tracker.runs.actions import budget, reading
from tracker.runs.queries import lifted_for
from tracker.waves import queries as waves

VERB = "follow-up"  # what a freeze of this kind of sending is called
FROZEN = 20.0  # seconds until it is asked again


class EnginePace:
    """`tracker.followups.pace.Pace`, answered by the engine."""

    def stopped(self, unit: Unit, now: datetime) -> tuple[str, float] | None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM tracker_freeze WHERE scope = 'all' FOR SHARE")
        if (freeze := waves.frozen(unit, VERB)) is not None:
            return f"Frozen ({freeze.scope}): {freeze.reason}", FROZEN
        lifted = lifted_for(waves.scopes(unit.subscription_id, VERB, region=unit.region), now)
        wait = budget.take(unit.subscription_id, "write", now, lifted_at=lifted)
        return (budget.spent(wait, lifted, now), wait) if wait else None

    def reads(self, gateway: AzureGateway, unit: Unit, clock: Callable[[], datetime]) -> AbstractContextManager[object]:
        return reading.counted(gateway, unit.subscription_id, clock)

    def no_reads(self, unit: Unit, clock: Callable[[], datetime]) -> float:
        return reading.wait(unit.subscription_id, clock, others=1)


PACE = EnginePace()
