"""History of the verdicts of a unit: each assessment that changed something, beside the one before. Reads only."""

from dataclasses import dataclass

from tracker.inventory.models import Unit
from tracker.readiness.models import Assessment

PAGE = 20


@dataclass(frozen=True, slots=True)
class Points:
    """How many points of the score a rule took more (positive) or less (negative) than the assessment before."""

    rule: str
    points: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One assessment and what it changed. `before` is None at the first of the unit; `taken` and `given_back` are then
    empty. Together they are the change of the score, since 100 less all points taken is the score."""

    assessment: Assessment
    before: Assessment | None
    taken: list[Points]
    given_back: list[Points]

    @property
    def other_catalogue(self) -> bool:
        return self.before is not None and self.before.catalogue_version != self.assessment.catalogue_version


def turns(unit: Unit, before: int | None = None, limit: int = PAGE) -> tuple[list[Turn], int | None]:
    """Newest first, and the number to ask for older ones with (None at the end); one query. The assessments of a unit
    are stored one after the other under its lock, so their numbers are their order."""
    wanted = Assessment.objects.filter(unit=unit).order_by("-pk")
    wanted = wanted.only("unit_id", "at", "catalogue_version", "verdict", "score", "deductions")
    if before is not None:
        wanted = wanted.filter(pk__lt=before)
    rows = list(wanted[: limit + 1])
    listed = [_turn(one, rows[place + 1] if place + 1 < len(rows) else None) for place, one in enumerate(rows[:limit])]
    return listed, rows[limit - 1].pk if len(rows) > limit else None


def _turn(one: Assessment, before: Assessment | None) -> Turn:
    if before is None:
        return Turn(one, None, [], [])
    now, then = _by_rule(one), _by_rule(before)
    changed = [Points(rule, now.get(rule, 0) - then.get(rule, 0)) for rule in sorted(now.keys() | then.keys())]
    taken = sorted((each for each in changed if each.points > 0), key=lambda each: -each.points)
    given = sorted((each for each in changed if each.points < 0), key=lambda each: each.points)
    return Turn(one, before, taken, given)


def _by_rule(one: Assessment) -> dict[str, int]:
    told: dict[str, int] = {}
    for entry in one.deductions:
        told[entry["rule"]] = told.get(entry["rule"], 0) + entry["points"]
    return told
