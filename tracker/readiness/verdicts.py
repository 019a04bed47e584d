"""History of the verdicts of a unit: each assessment that changed something, beside the one before. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracker.inventory.models import Unit
from tracker.readiness.models import Assessment

PAGE = 20
DRAWN = 60  # assessments of the picture; the list has all of them


@dataclass(frozen=True, slots=True)
class Points:
    """How many points of the score a rule took more (positive) or less (negative) than the assessment before."""

    rule: str
    points: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Findings that began, or ceased, to ask something of somebody. `count` may be more than are listed."""

    count: int
    listed: list[tuple[str, str]]  # rule, key of the resource

    @property
    def by_rule(self) -> list[tuple[str, list[str]]]:
        """(rule, names of the resources), in the order listed."""
        found: dict[str, list[str]] = {}
        for rule, key in self.listed:
            found.setdefault(rule, []).append(key.rpartition("/")[2])
        return list(found.items())

    @property
    def more(self) -> int:
        return self.count - len(self.listed)


@dataclass(frozen=True, slots=True)
class Turn:
    """One assessment and what it changed. `before` is None at the first of the unit; `taken` and `given_back` are then
    empty. Together they are the change of the score, since 100 less all points taken is the score. `opened` and
    `closed` are None at the first, and where they were not recorded yet."""

    assessment: Assessment
    before: Assessment | None
    taken: list[Points]
    given_back: list[Points]
    opened: Moved | None
    closed: Moved | None

    @property
    def other_catalogue(self) -> bool:
        return self.before is not None and self.before.catalogue_version != self.assessment.catalogue_version


def turns(unit: Unit, before: int | None = None, limit: int = PAGE) -> tuple[list[Turn], int | None]:
    """Newest first, and the number to ask for older ones with (None at the end); one query. The assessments of a unit
    are stored one after the other under its lock, so their numbers are their order."""
    wanted = Assessment.objects.filter(unit=unit).order_by("-pk")
    wanted = wanted.only("unit_id", "at", "catalogue_version", "verdict", "score", "deductions", "turned")
    if before is not None:
        wanted = wanted.filter(pk__lt=before)
    rows = list(wanted[: limit + 1])
    listed = [_turn(one, rows[place + 1] if place + 1 < len(rows) else None) for place, one in enumerate(rows[:limit])]
    return listed, rows[limit - 1].pk if len(rows) > limit else None


def line(unit: Unit) -> tuple[list[Assessment], bool]:
    """The newest assessments, the oldest of them first, and whether there are older ones; one query."""
    wanted = Assessment.objects.filter(unit=unit).order_by("-pk").only("unit_id", "at", "verdict", "score")
    rows = list(wanted[: DRAWN + 1])
    return rows[:DRAWN][::-1], len(rows) > DRAWN


def _turn(one: Assessment, before: Assessment | None) -> Turn:
    if before is None:
        return Turn(one, None, [], [], None, None)
    now, then = _by_rule(one), _by_rule(before)
    changed = [Points(rule, now.get(rule, 0) - then.get(rule, 0)) for rule in sorted(now.keys() | then.keys())]
    taken = sorted((each for each in changed if each.points > 0), key=lambda each: -each.points)
    given = sorted((each for each in changed if each.points < 0), key=lambda each: each.points)
    turned = one.turned or {}
    return Turn(one, before, taken, given, _moved(turned.get("opened")), _moved(turned.get("closed")))


def _moved(stored: Mapping[str, Any] | None) -> Moved | None:
    return stored and Moved(stored["count"], [(each["rule"], each["resource"]) for each in stored["listed"]])


def _by_rule(one: Assessment) -> dict[str, int]:
    told: dict[str, int] = {}
    for entry in one.deductions:
        told[entry["rule"]] = told.get(entry["rule"], 0) + entry["points"]
    return told
