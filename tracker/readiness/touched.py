"""The units a rule touches, a page of them at a time. Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from migrator.readiness import Outcome
from tracker.inventory import queries as inventory
from tracker.inventory.models import Unit
from tracker.inventory.queries import Filters
from tracker.readiness.models import Finding


@dataclass(frozen=True, slots=True)
class Touched:
    """A unit, what the rule says of it (the first by resource), of how many more resources, and whether another rule
    blocks the unit too."""

    unit: Unit
    finding: Finding
    more: int
    also: bool


@dataclass(frozen=True, slots=True)
class Numbers:
    """Units in scope by what the rule says; `only`: blocked by no other; `blocks`: blocked by it at all."""

    yes: int
    unknown: int
    only: int
    blocks: int


def numbers(rule_id: str) -> Numbers:
    """One query, of kept numbers."""
    said = inventory.units_by_rule()
    return Numbers(*(said[f"{word} {rule_id}"] for word in ("yes", "unknown", "only", "blocks")))


def units(rule_id: str, outcome: str, *, only: bool = False) -> QuerySet[Unit]:
    """The units counted above, without order."""
    found = inventory.selection(Filters(rule=rule_id, outcome=outcome, frees=(rule_id,) if only else ()))
    return found.select_related("subscription")


def shown(listed: Iterable[Unit], rule_id: str, outcome: str) -> list[Touched]:
    """These units with their findings of the rule; one query. A unit assessed otherwise meanwhile is left out."""
    rows = list(listed)
    said: dict[int, list[Finding]] = {unit.pk: [] for unit in rows}
    wanted = Finding.objects.filter(unit__in=list(said), rule=rule_id, outcome=outcome, waived=False)
    for finding in wanted.order_by("resource_name", "resource_key"):
        said[finding.unit_id].append(finding)  # type: ignore[attr-defined]
    return [
        Touched(unit, said[unit.pk][0], len(said[unit.pk]) - 1, outcome == Outcome.YES and _also(unit, rule_id))
        for unit in rows
        if said[unit.pk]
    ]


def _also(unit: Unit, rule_id: str) -> bool:
    return any(word.startswith("blocks ") and word != f"blocks {rule_id}" for word in unit.open_rules)
