"""What the pages, the API and the seals ask about readiness. Reads only."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from migrator import readiness
from migrator.readiness import CATALOGUE, PLATFORM, Effect, Outcome, Rule, UnknownRule
from tracker.inventory import queries as inventory
from tracker.inventory.models import Unit
from tracker.readiness.models import Assessment, Finding, PlatformAnswer

EFFECTS = tuple(effect.value for effect in Effect)  # the strongest first
_OUTCOMES = {Outcome.YES.value: 0, Outcome.UNKNOWN.value: 1, Outcome.NO.value: 2}
OPEN = (Outcome.YES.value, Outcome.UNKNOWN.value)  # what asks something of somebody


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding with its rule. `rule` is None when the catalogue no longer has it (until the next assessment)."""

    finding: Finding
    rule: Rule | None


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of one effect: those that apply first, then unknown ones, then what was looked at and is fine."""

    effect: str
    yes: list[Shown]
    unknown: list[Shown]
    no: list[Shown]

    @property
    def all(self) -> list[Shown]:
        return [*self.yes, *self.unknown, *self.no]


@dataclass(frozen=True, slots=True)
class RuleCount:
    """A rule of the catalogue and how many units in scope it touches. `frees`: units blocked by nothing else."""

    rule: Rule
    yes: int
    unknown: int
    frees: int


@dataclass(frozen=True, slots=True)
class Unblock:
    """A blocking rule, how many units nothing else blocks, and how many it blocks at all."""

    rule: Rule | None
    rule_id: str
    frees: int
    blocks: int


def rule_or_none(rule_id: str) -> Rule | None:
    try:
        return readiness.rule(rule_id)
    except UnknownRule:
        return None


def findings_of(unit: Unit) -> list[Group]:
    """The findings of a unit by effect, the strongest first, every group even when empty; one query."""
    groups = {effect: Group(effect, [], [], []) for effect in EFFECTS}
    rows = Finding.objects.filter(unit=unit).order_by("rule", "resource_name", "resource_key")
    for finding in rows:
        group = groups.setdefault(finding.effect, Group(finding.effect, [], [], []))
        getattr(group, finding.outcome).append(Shown(finding, rule_or_none(finding.rule)))
    return list(groups.values())


def rules() -> list[RuleCount]:
    """Every rule, in the order of the catalogue, with its number of units in scope by outcome; one query."""
    said = inventory.units_by_rule()
    return [
        RuleCount(rule, *(said[f"{word} {rule.id}"] for word in (*OPEN, "only"))) for rule in (*CATALOGUE, PLATFORM)
    ]


def unblock(limit: int | None = None, said: Counter[str] | None = None) -> list[Unblock]:
    """What would unblock most: per blocking rule, units whose only blocking rule it is; one query, none when
    `inventory.units_by_rule` is given."""
    said = inventory.units_by_rule() if said is None else said
    blocking = [word.removeprefix("blocks ") for word in said if word.startswith("blocks ")]
    rows = [Unblock(rule_or_none(rule), rule, said[f"only {rule}"], said[f"blocks {rule}"]) for rule in blocking]
    rows.sort(key=lambda one: (-one.frees, -one.blocks, one.rule_id))
    return rows[:limit]


def latest_assessment(unit: Unit) -> Assessment | None:
    """The newest assessment: verdict, score and where every lost point went."""
    return Assessment.objects.filter(unit=unit).order_by("-at", "-pk").first()


def assessments(unit: Unit, limit: int = 50) -> list[Assessment]:
    """The assessments that changed something, newest first."""
    return list(Assessment.objects.filter(unit=unit).order_by("-at", "-pk")[:limit])


def digests(units: Iterable[Unit]) -> dict[int, str]:
    """unit pk -> digest over its findings as they are now, for seals; units never assessed are not in it."""
    rows = Assessment.objects.filter(unit__in=[unit.pk for unit in units]).order_by("unit_id", "-at", "-pk")
    return dict(rows.distinct("unit_id").values_list("unit_id", "digest"))


def platform_answers(unit: Unit, limit: int = 20) -> list[PlatformAnswer]:
    """What Validate and Prepare answered, newest first."""
    return list(PlatformAnswer.objects.filter(unit=unit).select_related("settled").order_by("-at", "-pk")[:limit])


def findings_for(units: Iterable[Unit]) -> dict[int, list[Finding]]:
    """unit pk -> its findings, sorted by effect, outcome and rule, for many units in one query."""
    wanted = [unit.pk for unit in units]
    found: dict[int, list[Finding]] = {pk: [] for pk in wanted}
    for finding in Finding.objects.filter(unit__in=wanted):
        found[finding.unit_id].append(finding)
    order = {effect: place for place, effect in enumerate(EFFECTS)}
    for listed in found.values():
        listed.sort(key=lambda f: (order.get(f.effect, 9), _OUTCOMES.get(f.outcome, 9), f.rule, f.resource_key))
    return found


def published(finding: Finding) -> dict[str, Any]:
    """A finding as the outside is promised it (architecture.md 7): `assess --json` and the API say the same."""
    rule = rule_or_none(finding.rule)
    return {
        "rule": finding.rule,
        "effect": finding.effect,
        "outcome": finding.outcome,
        "resource": finding.resource_key,
        "sentence": finding.sentence,
        "evidence": finding.evidence,
        "settles": finding.settles,
        "remedy": rule.remedy if rule else "",
        "sources": readiness.metadata(rule)["sources"] if rule else [],
        "source": finding.source,
        "waived": finding.waived,
    }


def findings_list() -> QuerySet[Finding]:
    """All findings with their units, for lists and exports; narrow it before use."""
    return Finding.objects.select_related("unit")
