"""What pages, the API and the engine ask about Validate of many units."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from migrator.lifecycle import State
from tracker.inventory.models import Subscription
from tracker.runs.validation_models import ValidatedUnit, Validation
from tracker.waves.models import Freeze, Wave

FRESH = timedelta(days=7)  # how long a Validate speaks (rules.md 6)
PACE = 5.0  # a second and subscription: half of the writes Azure allows (azure.md 8.1); runs go on beside it
# Where a unit can be validated: it is wholly classic, and no verb of a run has locked it.
CLASSIC = (State.DISCOVERED, State.ASSESSED, State.PLANNED, State.VALIDATED)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a wish reaches: one wave, one subscription, or, with neither, the whole estate."""

    wave: Wave | None = None
    subscription: Subscription | None = None

    @property
    def kind(self) -> Validation.Scope:
        if self.wave is not None:
            return Validation.Scope.WAVE
        return Validation.Scope.ESTATE if self.subscription is None else Validation.Scope.SUBSCRIPTION

    @property
    def name(self) -> str:
        found = self.wave or self.subscription
        return found.name if found is not None else "Whole estate"

    @property
    def words(self) -> str:
        """In a sentence: `the wave “Pilot”`."""
        match self.kind:
            case Validation.Scope.WAVE:
                return f"the wave “{self.name}”"
            case Validation.Scope.SUBSCRIPTION:
                return f"the subscription {self.name}"
            case _:
                return "the whole estate"


@dataclass(frozen=True, slots=True)
class Reach:
    """How many units of a scope there are, and what of them is left alone: not wholly classic, excluded, being
    validated already, or with an answer of the last seven days. `longest`: the most units of one subscription among
    those that would be asked; each subscription has a pace of its own."""

    all: int
    elsewhere: int
    excluded: int
    busy: int
    fresh: int
    longest_all: int
    longest_old: int

    def wanted(self, old_only: bool) -> int:
        """How many would be asked for."""
        return self.all - self.elsewhere - self.excluded - self.busy - (self.fresh if old_only else 0)

    def seconds(self, old_only: bool) -> float:
        """How long sending takes at the pace of this product, answers and waits of Azure apart."""
        return (self.longest_old if old_only else self.longest_all) / PACE


_REACH = """
WITH scope AS (
    SELECT u.subscription_id, u.progress = 'excluded' AS excluded,
           u.gone_at IS NOT NULL OR NOT u.progress = ANY(%(classic)s) AS elsewhere,
           EXISTS (SELECT 1 FROM tracker_validatedunit v WHERE v.unit_id = u.id AND v.state IN ('waiting', 'sent'))
               AS busy,
           EXISTS (SELECT 1 FROM tracker_platformanswer a
                    WHERE a.unit_id = u.id AND a.verb = 'validate' AND a.at > %(since)s) AS fresh
      FROM tracker_unit u {join} WHERE {where}),
said AS (
    SELECT subscription_id, count(*) AS n, count(*) FILTER (WHERE excluded) AS excluded,
           count(*) FILTER (WHERE elsewhere AND NOT excluded) AS elsewhere,
           count(*) FILTER (WHERE busy AND NOT elsewhere) AS busy,
           count(*) FILTER (WHERE fresh AND NOT busy AND NOT elsewhere) AS fresh
      FROM scope GROUP BY subscription_id)
SELECT coalesce(sum(n), 0), coalesce(sum(elsewhere), 0), coalesce(sum(excluded), 0), coalesce(sum(busy), 0),
       coalesce(sum(fresh), 0), coalesce(max(n - elsewhere - excluded - busy), 0),
       coalesce(max(n - elsewhere - excluded - busy - fresh), 0)
  FROM said
"""


def where(scope: Scope) -> tuple[str, str, dict[str, Any]]:
    """(join, condition, values) of a scope in SQL over `tracker_unit u`. A unit that migrated and was seen gone is
    still of its wave; elsewhere only what is there counts."""
    if scope.wave is not None:
        return "JOIN tracker_placement p ON p.unit_id = u.id", "p.wave_id = %(scope)s", {"scope": scope.wave.pk}
    if scope.subscription is not None:
        return "", "u.gone_at IS NULL AND u.subscription_id = %(scope)s", {"scope": scope.subscription.pk}
    return "", "u.gone_at IS NULL", {}


def reach(scope: Scope, now: datetime) -> Reach:
    """One query."""
    join, condition, given = where(scope)
    with connection.cursor() as cursor:
        cursor.execute(
            _REACH.format(join=join, where=condition), {**given, "classic": list(CLASSIC), "since": now - FRESH}
        )
        return Reach(*(int(value) for value in cursor.fetchone()))


def recent(limit: int = 50) -> list[Validation]:
    """The newest wishes, those under way first."""
    return list(Validation.objects.select_related("wave", "subscription").order_by("-ended_at", "-asked_at")[:limit])


def counts(rows: list[Validation]) -> dict[int, dict[str, int]]:
    """Units by state of each wish: {id: {state: how many}}. One query, of an index alone."""
    found: dict[int, dict[str, int]] = {row.pk: {} for row in rows}
    grouped = ValidatedUnit.objects.filter(validation__in=[row.pk for row in rows]).order_by()
    for each in grouped.values("validation_id", "state").annotate(n=Count("pk")):
        found[each["validation_id"]][each["state"]] = each["n"]
    return found


def items(validation: Validation) -> QuerySet[ValidatedUnit]:
    return ValidatedUnit.objects.filter(validation=validation).select_related("unit__subscription", "run")


def last_due(validation: Validation) -> datetime | None:
    """When the last unit that waits is sent, as planned."""
    waiting = ValidatedUnit.objects.filter(validation=validation, state=ValidatedUnit.State.WAITING)
    return waiting.aggregate(at=Max("due_at"))["at"]


def live_of(unit_pk: int) -> ValidatedUnit | None:
    """The unit's place in a wish that is under way."""
    rows = ValidatedUnit.objects.filter(unit_id=unit_pk, state__in=ValidatedUnit.LIVE).select_related("validation")
    return rows.first()


def stopping() -> list[Freeze]:
    """Freezes that stop Validate in the whole estate or in a subscription, a region or a wave."""
    stops = Q(scope__in=["all", "verb:validate"])
    for prefix in ("subscription:", "region:", "wave:"):
        stops |= Q(scope__startswith=prefix)
    return list(Freeze.objects.filter(stops, frozen=True).order_by("scope"))


def ended_unsaid() -> list[int]:
    """Wishes of which no unit is under way any more and which nobody has closed yet."""
    live = ValidatedUnit.objects.filter(validation=OuterRef("pk"), state__in=ValidatedUnit.LIVE)
    return list(Validation.objects.filter(~Exists(live), ended_at__isnull=True).values_list("pk", flat=True))
