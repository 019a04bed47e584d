"""Findings of a unit as its Readiness tab shows them: by effect, then by rule, with the resources beneath. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from migrator.readiness import Detection, Rule
from tracker.readiness.models import Assessment, Finding
from tracker.readiness.queries import Group, Shown
from tracker.web.status import chip

QUIET = 5  # deductions shown before the rest is folded


@dataclass(frozen=True, slots=True)
class OfRule:
    """One rule with one outcome, and the findings of each resource it spoke about."""

    rule_id: str
    rule: Rule | None
    outcome: str
    findings: list[Finding]
    first: bool  # carries the anchor of the rule

    @property
    def title(self) -> str:
        return self.rule.title if self.rule else self.rule_id

    @property
    def file_tells(self) -> bool:
        """Whether a configuration file could settle it."""
        return self.rule is not None and Detection.FILE in (self.rule.detection, *self.rule.also)


@dataclass(frozen=True, slots=True)
class Section:
    """One effect: what applies and counts, what is unknown, what was looked at and does not apply (`fine`), and what
    applies and is set aside."""

    effect: str
    yes: list[OfRule]
    unknown: list[OfRule]
    fine: list[OfRule]
    waived: list[OfRule]

    @property
    def any(self) -> bool:
        return bool(self.yes or self.unknown or self.fine or self.waived)


def sections(groups: Sequence[Group]) -> list[Section]:
    found = []
    for group in groups:
        seen: set[str] = set()
        counting = [one for one in group.yes if not one.finding.waived]
        waived = [one for one in group.yes if one.finding.waived]
        parts = [_by_rule(listed, seen) for listed in (counting, group.unknown, group.no, waived)]
        section = Section(group.effect, *parts)
        if section.any:
            found.append(section)
    return found


def _by_rule(listed: Sequence[Shown], seen: set[str]) -> list[OfRule]:
    answer = []
    for rule_id, same in groupby(listed, key=lambda shown: shown.finding.rule):
        members = list(same)
        first = rule_id not in seen
        seen.add(rule_id)
        outcome = members[0].finding.outcome
        answer.append(OfRule(rule_id, members[0].rule, outcome, [one.finding for one in members], first))
    return answer


@dataclass(frozen=True, slots=True)
class Deducted:
    """One entry of the score. `reason` without the effect and outcome it begins with, which are `effect`, `outcome`."""

    points: int
    rule_id: str
    effect: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """`parts`: segments of a stacked bar of 100 points; `first` and `rest`: where every lost point went."""

    value: int
    lost: int
    parts: list[dict[str, Any]]
    first: list[Deducted]
    rest: list[Deducted]


def score(assessment: Assessment) -> Score:
    """The score of an assessment with every deducted point."""
    entries = [_deducted(entry) for entry in assessment.deductions]
    lost: dict[tuple[str, str], int] = {}
    for entry in entries:
        lost[(entry.effect, entry.outcome)] = lost.get((entry.effect, entry.outcome), 0) + entry.points
    parts: list[dict[str, Any]] = [{"label": "Left", "count": assessment.score, "hue": "good", "tone": 4}]
    for (effect, outcome), points in lost.items():
        hue = "neutral" if outcome == "unknown" or effect not in _EFFECTS else chip("effect", effect).hue
        word = chip("effect", effect).word if effect in _EFFECTS else "Other"
        label = f"{word}, unknown" if outcome == "unknown" else word
        parts.append({"label": label, "count": points, "hue": hue, "tone": 2 if outcome == "unknown" else 4})
    return Score(assessment.score, sum(e.points for e in entries), parts, entries[:QUIET], entries[QUIET:])


_EFFECTS = ("blocks", "downtime", "dropped", "changes", "info")


def _deducted(entry: dict[str, Any]) -> Deducted:
    told, _, sentence = entry["reason"].partition(": ")
    effect, _, outcome = told.partition(", ")
    if effect not in _EFFECTS or outcome not in ("yes", "unknown", "no"):
        effect, outcome, sentence = "", "", entry["reason"]
    return Deducted(entry["points"], entry["rule"], effect, outcome, sentence)
