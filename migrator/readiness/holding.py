"""What the catalogue in force says of a unit while the code holds another one (decisions/catalogue-in-force.md).

The check of a rule which that other catalogue changed or removed is no longer in the code. What it said last is kept;
rules that are new are left out; everything else is evaluated as always. One pure function, `hold`: the same inputs give
the same findings, so that seals stay as they are while nothing changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from migrator.readiness.context import Context
from migrator.readiness.engine import WEIGHT, Evaluation, attestation_evidence, concluded, set_aside
from migrator.readiness.files import FIELD as FILE
from migrator.readiness.manifest import Changes, Manifest, by_validate, only_prepare
from migrator.readiness.rule import PLATFORM_SOURCE, STRONGEST, Finding, Outcome
from migrator.units import Unit

Key = tuple[str, str]  # rule id, resource key
ATTESTED: Final = "attestation"  # the field of the evidence of an attestation, as the engine writes it
_AZURE: Final = ("Validate at ", "Prepare at ")  # so begins the field which quotes Azure


class Age(IntEnum):
    """Of what a finding speaks of, since the other catalogue came: what the former check can have looked at."""

    GONE = 0  # Azure has it no more
    NEW = 1  # first seen since then
    CHANGED = 2  # read otherwise since then
    SAME = 3


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of a unit for the rules that are held. `ahead`: which of it a check said that was not in force,
    because the one in force had no answer. `seen`: the unit was assessed before. `answered`: Azure answered Validate or
    Prepare of the unit since the other catalogue came."""

    findings: tuple[Finding, ...] = ()
    ahead: frozenset[Key] = frozenset()
    seen: bool = True
    answered: bool = False


class Held(NamedTuple):
    evaluation: Evaluation
    ahead: frozenset[Key]  # as in Stored: to be stored with it


class _Chosen(NamedTuple):
    finding: Finding | None
    ahead: bool = False


_NOTHING: Final = _Chosen(None)


def hold(
    evaluation: Evaluation,
    unit: Unit,
    context: Context,
    *,
    changes: Changes,
    in_force: Manifest,
    stored: Stored,
    ages: Mapping[str, Age],
) -> Held:
    """`evaluation`: what the code's own catalogue says of the unit. `changes`: what that catalogue does to the one in
    force. `ages`: by resource key, for all keys of `stored` and of the evaluation's findings of changed rules (the
    unit's own key among them); what is not in it is gone."""
    findings = [
        f for f in evaluation.findings if f.rule_id not in changes.changed and (f.rule_id not in changes.new or told(f))
    ]
    before: dict[str, dict[str, Finding]] = {}
    for row in stored.findings:
        before.setdefault(row.rule_id, {})[row.resource_key] = row
    after: dict[str, dict[str, Finding]] = {}
    for f in evaluation.findings:
        if f.rule_id in changes.changed:
            after.setdefault(f.rule_id, {})[f.resource_key] = f
    ahead: set[Key] = set()
    for rule in sorted(before.keys() & changes.removed):
        findings += [f for row in before[rule].values() if (f := _orphan(row, unit, context, ages)) is not None]
    for rule in sorted((before.keys() | after.keys()) & changes.changed):
        overtaken = _overtaken(rule, in_force, before.get(rule, {}), after.get(rule, {}), stored, context)
        chosen = {}
        for key in dict.fromkeys([*before.get(rule, ()), *after.get(rule, ())]):
            old, new = before.get(rule, {}).get(key), after.get(rule, {}).get(key)
            stands = old is not None and old.outcome not in overtaken and _stands(old, unit, context)
            one = _choose(old, new, ages.get(key, Age.GONE), stored, stands, bool(overtaken))
            if one.finding is not None:
                chosen[key] = _Chosen(one.finding if one.ahead else _aside(one.finding, context), one.ahead)
        if len(chosen) > 1 and _general(chosen.get(unit.key)):
            del chosen[unit.key]  # "does not apply to the unit" goes where something of it is named
        findings += [one.finding for one in chosen.values() if one.finding is not None]
        ahead |= {(rule, key) for key, one in chosen.items() if one.ahead}
    said = {rule for rule, _ in ahead}
    quiet = {rule for rule in changes.new | changes.changed if rule not in said}
    errors = [error for error in evaluation.errors if error.rule_id not in quiet]
    return Held(concluded(findings, context, only_prepare(in_force, in_force), errors), frozenset(ahead))


def told(finding: Finding) -> bool:
    """Whether Azure, a person or a file has a part in it: that is no catalogue's to hold back."""
    return finding.source == PLATFORM_SOURCE or any(
        one.field in (ATTESTED, FILE) or one.field.startswith(_AZURE) for one in finding.evidence
    )


def _choose(
    old: Finding | None, new: Finding | None, age: Age, stored: Stored, stands: bool, overtaken: bool
) -> _Chosen:
    """One answer for one rule and resource. `old`: as stored; `new`: what the check in the code says. `stands`: what
    the stored answer rests on still holds. `overtaken`: some answers of the rule do not, since Azure spoke."""
    free = not stored.seen or (overtaken and new is not None and new.outcome is not Outcome.YES)
    if old is not None and (not stands or (old.rule_id, old.resource_key) in stored.ahead):
        old, free = None, True  # what the former check would say is not known
    if age is Age.GONE:
        return _NOTHING
    if old is None:
        counts = new is not None and (free or age in (Age.NEW, Age.CHANGED) or told(new))
        return _Chosen(new, ahead=True) if counts else _NOTHING
    if age is Age.NEW:
        return _Chosen(new, ahead=new is not None)
    if new is None or not (age is Age.CHANGED or told(new)):
        return _Chosen(old)
    settled = told(new) and old.outcome is Outcome.UNKNOWN
    return _Chosen(new, ahead=True) if settled or _rank(new) < _rank(old) else _Chosen(old)


def _overtaken(
    rule: str,
    in_force: Manifest,
    before: Mapping[str, Finding],
    after: Mapping[str, Finding],
    stored: Stored,
    context: Context,
) -> frozenset[Outcome]:
    """Which stored outcomes of a rule that Validate settles are no longer true: an unknown once Azure answered, a NO
    when no answer counts any more and the rule is a question again."""
    if not by_validate(in_force[rule]):
        return frozenset()
    said, now = ({f.outcome for f in rows.values()} for rows in (before, after))
    found = set()
    if Outcome.UNKNOWN in said and stored.answered:
        found.add(Outcome.UNKNOWN)
    if Outcome.NO in said and Outcome.UNKNOWN in now and not context.answers():
        found.add(Outcome.NO)
    return frozenset(found)


def _stands(row: Finding, unit: Unit, context: Context) -> bool:
    """Whether a stored answer can still be given: a check's own can, one that Azure, a person or a file settled while
    the same answer, attestation or file counts."""
    fields = {one.field for one in row.evidence}
    if row.source == PLATFORM_SOURCE:
        given = (("Validate", context.validation), ("Prepare", context.preparation))
        return any(
            a is not None and a.fresh(context.now) and f"{verb} at {a.at.isoformat()}" in fields for verb, a in given
        )
    if ATTESTED in fields:
        attested = context.attestation(row.rule_id, unit, row.resource_key)
        return attested is not None and attestation_evidence(attested) in row.evidence
    if FILE in fields and row.outcome is not Outcome.UNKNOWN:
        return any(file.evidence() in row.evidence for files in context.files.values() for file in files)
    return True


def _orphan(row: Finding, unit: Unit, context: Context, ages: Mapping[str, Age]) -> Finding | None:
    """What is left of an answer of a rule that is not in the code at all."""
    if ages.get(row.resource_key, Age.GONE) is Age.GONE or row.source == PLATFORM_SOURCE:
        return None  # Azure's words are read afresh, by the rules there are
    if _stands(row, unit, context):
        return _aside(row, context)
    sentence = f"What settled this for {row.resource_name}, an answer of a person or a file, no longer counts."
    settles = "Switch the waiting catalogue on, or go back to the version of this product which has the rule."
    evidence = tuple(one for one in row.evidence if one.field not in (ATTESTED, FILE))
    return row._replace(outcome=Outcome.UNKNOWN, sentence=sentence, settles=settles, evidence=evidence, waived=False)


def _aside(finding: Finding, context: Context) -> Finding:
    return set_aside(finding._replace(waived=False), context)


def _general(chosen: _Chosen | None) -> bool:
    """The rule's NO for the unit as a whole, which stands where it has nothing to name."""
    found = chosen.finding if chosen is not None else None
    return found is not None and found.outcome is Outcome.NO and not found.evidence


def _rank(finding: Finding) -> tuple[int, int]:
    """The graver, the smaller."""
    return WEIGHT[finding.outcome], STRONGEST[finding.effect]
