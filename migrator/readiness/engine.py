"""`evaluate(unit, context) -> Evaluation`: the one engine. The list, the unit page, the wave gate and the commit seal
all read what it says (rules.md 1)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Final

from migrator.readiness import platform
from migrator.readiness.context import Attestation, Context, ValidationAnswer
from migrator.readiness.facts import View
from migrator.readiness.files import settled, told_of
from migrator.readiness.rule import (
    CATALOGUE_SOURCE,
    PLATFORM_SOURCE,
    STRONGEST,
    Answer,
    Effect,
    Evidence,
    Finding,
    Outcome,
    Rule,
    unknown,
)
from migrator.readiness.waiving import shown, why_not
from migrator.units import Unit, UnitKind


class Verdict(StrEnum):
    """Of a unit (rules.md 7)."""

    READY = "ready"
    READY_WITH_CHANGE = "ready with change"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Deduction:
    """Points of the score which one finding took, and why. `score` is 100 less the sum of all points."""

    points: int
    rule_id: str
    resource_key: str
    reason: str


@dataclass(frozen=True, slots=True)
class RuleError:
    """A rule which raised: for us to log. Its finding is UNKNOWN."""

    rule_id: str
    unit_key: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the catalogue and the platform say about one unit. Findings in catalogue order, the platform's own last."""

    findings: tuple[Finding, ...]
    verdict: Verdict
    score: int
    deductions: tuple[Deduction, ...]
    errors: tuple[RuleError, ...] = ()


# Points per finding: (first of a rule, each further resource of the same rule, at most this many per rule). Chosen so
# that a blocker weighs more than several follow-ups, and an unknown, which a question can settle, less than a blocker.
POINTS: Final[Mapping[tuple[Effect, Outcome], tuple[int, int, int]]] = {
    (Effect.BLOCKS, Outcome.YES): (30, 5, 45),
    (Effect.BLOCKS, Outcome.UNKNOWN): (6, 1, 10),
    (Effect.DOWNTIME, Outcome.YES): (8, 2, 14),
    (Effect.DOWNTIME, Outcome.UNKNOWN): (2, 0, 2),
    (Effect.DROPPED, Outcome.YES): (4, 1, 8),
    (Effect.DROPPED, Outcome.UNKNOWN): (1, 0, 1),
    (Effect.CHANGES, Outcome.YES): (1, 0, 1),
}


class Engine:
    """A catalogue ready to evaluate with. The product has one, `readiness.evaluate`; tests build smaller ones."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._by_kind = {kind: tuple(rule for rule in rules if kind in rule.kinds) for kind in UnitKind}
        self._spoken = tuple(rule for rule in rules if rule.fragments)
        self._only_prepare = frozenset(rule.id for rule in rules if rule.only_prepare)
        self._conditions = tuple(dict.fromkeys(rule.applies for rule in rules))
        self._plans: dict[tuple[UnitKind, tuple[bool, ...]], tuple[Rule, ...]] = {}

    def evaluate(self, unit: Unit, context: Context) -> Evaluation:
        """Findings, verdict and score of one unit. Never raises for what a rule does: see `Evaluation.errors`."""
        view = View.of(unit, context.index)
        errors: list[RuleError] = []
        checked: dict[Rule, list[Answer]] = {}
        given_files = told_of(unit, context) if context.files else None
        alone = context.about(files={}) if context.files else context
        for rule in self._plan(unit.kind, view):
            try:
                answers = list(rule.check(view, alone))
                checked[rule] = settled(rule, answers, unit, context, given_files) if given_files else answers
            except Exception as error:  # rules.md 3: unknown for the unit, an error for us
                errors.append(RuleError(rule.id, unit.key, error))
                sentence = f"The rule failed while looking at {unit.name}."
                checked[rule] = [unknown(unit, sentence, "A correction of this product: tell its makers.")]
        findings: list[Finding] = []
        given = [one for one in _given(context) if (one[1].messages or not one[1].passed) and one[1].fresh(context.now)]
        spoken = (
            platform.answers(given, view, self._candidates(checked), passed=context.validate_passed())
            if given
            else self._stale(view, context, checked)
        )
        plain, key, name = not (spoken or context.attestations or context.waived), unit.key, unit.name
        for rule, answers in checked.items():
            if not plain or len(answers) > 1:
                _gather(rule, unit, context, answers, spoken.get(rule), findings)
            elif answers:  # one, or none, of the catalogue alone: by far the most
                (outcome, about, called, sentence, evidence, settles, effect) = answers[0]
                effect = effect or rule.effect
                findings.append(Finding(rule.id, effect, outcome, about, called, evidence, sentence, settles))
            else:
                sentence = f"{rule.title}: looked at, does not apply to {name}."
                findings.append(Finding(rule.id, rule.effect, Outcome.NO, key, name, (), sentence))
        for rule, said in spoken.items():  # a rule which speaks of other kinds of unit, or of none: the platform's word
            if rule not in checked:
                _gather(rule, unit, context, [], said, findings)
        return concluded(findings, context, self._only_prepare, errors)

    def _stale(self, view: View, context: Context, checked: Mapping[Rule, list[Answer]]) -> Mapping[Rule, list[Answer]]:
        """What the newest answer of the platform said, when none still counts: shown as stale, and as a question. Not
        where the inventory has answered meanwhile: a rule which looked again and found nothing is settled."""
        if context.answers() or (context.validation is None and context.preparation is None):
            return {}
        verb, newest = max(_given(context), key=lambda one: one[1].at)
        said = platform.stale(verb, newest, view, self._candidates(checked))
        return {rule: answers for rule, answers in said.items() if rule not in checked or _open(checked[rule])}

    def _plan(self, kind: UnitKind, view: View) -> tuple[Rule, ...]:
        """The rules which speak about a unit. A hundred rules share a handful of conditions: each is asked once."""
        met = tuple([bool(applies(view)) for applies in self._conditions])
        plan = self._plans.get((kind, met))
        if plan is None:
            holds = {applies for applies, is_met in zip(self._conditions, met, strict=True) if is_met}
            plan = tuple(rule for rule in self._by_kind[kind] if rule.applies in holds)
            self._plans[kind, met] = plan
        return plan

    def _candidates(self, checked: Mapping[Rule, list[Answer]]) -> list[Rule]:
        """Rules a message may confirm. Several share a text (E09): those which see the fault themselves come first."""

        def weight(rule: Rule) -> int:
            seen = [WEIGHT[answer.outcome] for answer in checked.get(rule, ())]
            return min(seen, default=WEIGHT[Outcome.NO] if rule in checked else len(WEIGHT))

        return sorted(self._spoken, key=weight)


def concluded(
    findings: Sequence[Finding], context: Context, only_prepare: frozenset[str], errors: Iterable[RuleError] = ()
) -> Evaluation:
    """Verdict and score of findings (rules.md 7). `only_prepare`: ids of the rules which only Prepare can tell."""
    asking = [f for f in findings if f.outcome is not Outcome.NO]
    if context.waived or context.acknowledged:
        asking = [f for f in asking if _counts(f, context)]
    verdict = verdict_of(asking, only_prepare)
    deductions = deductions_of(asking)
    return Evaluation(tuple(findings), verdict, 100 - sum(d.points for d in deductions), deductions, tuple(errors))


def _open(answers: list[Answer]) -> bool:
    return any(answer.outcome is Outcome.UNKNOWN for answer in answers)


def _given(context: Context) -> Iterable[tuple[str, ValidationAnswer]]:
    if context.validation is not None:
        yield "Validate", context.validation
    if context.preparation is not None:
        yield "Prepare", context.preparation


def _gather(
    rule: Rule,
    unit: Unit,
    context: Context,
    answers: list[Answer],
    said: list[Answer] | None,
    findings: list[Finding],
) -> None:
    """Append the findings of one rule, one per resource: the check's answers, people's answers, the platform's."""
    if not answers and not said:
        sentence = f"{rule.title}: looked at, does not apply to {unit.name}."
        findings.append(Finding(rule.id, rule.effect, Outcome.NO, unit.key, unit.name, (), sentence))
        return
    if not said and not context.attestations and len({answer.key for answer in answers}) == len(answers):
        findings.extend([_finding(rule, answer, context, CATALOGUE_SOURCE) for answer in answers])
        return
    merged: dict[str, Finding] = {}
    told = any(answer.outcome is not Outcome.UNKNOWN for answer in said or ())
    settled = told and rule.by_validate  # the platform has told: the question is no longer open
    for answer in answers:
        if answer.outcome is Outcome.UNKNOWN:
            if settled:
                continue
            answer = _attested(rule, unit, context, answer)
        _merge(merged, _finding(rule, answer, context, CATALOGUE_SOURCE))
    for answer in said or ():
        _merge(merged, _finding(rule, answer, context, PLATFORM_SOURCE))
    findings.extend(merged.values())


def _finding(rule: Rule, answer: Answer, context: Context, source: str) -> Finding:
    outcome, key, name, sentence, evidence, settles, effect = answer
    found = Finding(rule.id, effect or rule.effect, outcome, key, name, evidence, sentence, settles, source)
    return set_aside(found, context) if context.waived else found


def set_aside(found: Finding, context: Context) -> Finding:
    """The finding, waived where a waiver stands for exactly what it shows."""
    key = (found.rule_id, found.resource_key)
    if key not in context.waived or why_not(found):
        return found
    return found._replace(waived=context.waived[key] == shown(found))


WEIGHT: Final = {Outcome.YES: 0, Outcome.UNKNOWN: 1, Outcome.NO: 2}
_RANK: Final = {
    said: rank
    for rank, said in enumerate(
        sorted(product(Effect, Outcome), key=lambda said: (WEIGHT[said[1]], STRONGEST[said[0]]))
    )
}


def _merge(merged: dict[str, Finding], finding: Finding) -> None:
    """Keep one finding per resource: the graver one, with the evidence of both."""
    before = merged.get(finding.resource_key)
    if before is None:
        merged[finding.resource_key] = finding
        return
    pair = sorted(
        (before, finding), key=lambda f: (WEIGHT[f.outcome], STRONGEST[f.effect], f.source != CATALOGUE_SOURCE)
    )
    evidence = tuple(dict.fromkeys(before.evidence + finding.evidence))
    # What is set aside stays so only if nobody else says it: Azure's own word cannot be waived.
    waived = pair[0].waived and (pair[1].waived or pair[1].outcome is not Outcome.YES)
    merged[finding.resource_key] = pair[0]._replace(evidence=evidence, waived=waived)


def _attested(rule: Rule, unit: Unit, context: Context, answer: Answer) -> Answer:
    """A person's answer settles an unknown, except where only the platform can tell."""
    if not rule.attestable:
        return answer
    attested = context.attestation(rule.id, unit, answer.key)
    if attested is None:
        return answer
    outcome = Outcome.YES if attested.applies else Outcome.NO
    return answer._replace(
        outcome=outcome,
        sentence=f"{rule.title}: {attested.by} answered {outcome} for {answer.name}, {attested.at.date().isoformat()}.",
        evidence=(*answer.evidence, attestation_evidence(attested)),
        settles="",
    )


def attestation_evidence(attested: Attestation) -> Evidence:
    until = f", until {attested.until.date().isoformat()}" if attested.until else ""
    why = f": {attested.why}" if attested.why else ""
    return Evidence("attestation", f"{attested.by}, {attested.at.date().isoformat()}{until}{why}")


def _counts(finding: Finding, context: Context) -> bool:
    """Whether a finding still asks something of anybody."""
    if finding.waived:
        return False
    accepted = finding.outcome is Outcome.YES and finding.effect is not Effect.BLOCKS
    return not (accepted and finding.rule_id in context.acknowledged)


def verdict_of(asking: Iterable[Finding], only_prepare: frozenset[str]) -> Verdict:
    """rules.md 7, over the findings which still ask something. What only Prepare can tell does not hold the verdict at
    *unknown* (templates/docs/decisions/readiness-verdict.md)."""
    unsure = changed = False
    for finding in asking:
        if finding.effect is Effect.BLOCKS:
            if finding.outcome is Outcome.YES:
                return Verdict.BLOCKED
            unsure = unsure or (finding.outcome is Outcome.UNKNOWN and finding.rule_id not in only_prepare)
        elif finding.effect is not Effect.INFO and finding.outcome is Outcome.YES:
            changed = True
    if unsure:
        return Verdict.UNKNOWN
    return Verdict.READY_WITH_CHANGE if changed else Verdict.READY


def deductions_of(asking: Iterable[Finding]) -> tuple[Deduction, ...]:
    """Who took how many points, the gravest first, until nothing is left to take: the score is never below 0."""
    costly = [f for f in asking if f.effect is not Effect.INFO and (f.effect, f.outcome) in POINTS]
    costly.sort(key=lambda f: (_RANK[f.effect, f.outcome], f.rule_id, f.resource_key))
    left = 100
    taken: dict[tuple[str, tuple[Effect, Outcome]], int] = {}
    deductions: list[Deduction] = []
    for finding in costly:
        if not left:
            break
        said = (finding.effect, finding.outcome)
        first, further, most = POINTS[said]
        slot = (finding.rule_id, said)
        before = taken.get(slot, 0)
        points = min(left, most - before, further if before else first)
        if points <= 0:
            continue
        taken[slot] = before + points
        left -= points
        reason = f"{finding.effect}, {finding.outcome}: {finding.sentence}"
        deductions.append(Deduction(points, finding.rule_id, finding.resource_key, reason))
    return tuple(deductions)
