"""What the catalogue in force says while the code holds another: every case of what became of a rule and a resource."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from migrator import readiness, units
from migrator.readiness import (
    Attestation,
    Context,
    Detection,
    Effect,
    Engine,
    Finding,
    Outcome,
    Rule,
    Scope,
    ValidationAnswer,
    Verdict,
    metadata,
)
from migrator.readiness.holding import Age, Held, Stored, hold
from migrator.readiness.manifest import Changes, Manifest, compare, entry
from migrator.readiness.rule import Answer, no, unknown, yes
from migrator.readiness.waiving import shown
from migrator.resources import Category, PlatformMessage
from migrator.units import UnitKind
from tests.migrator.readiness.cases import NOW, WEB
from tests.migrator.readiness.documents import estate

KNOWN = estate(WEB)
[UNIT] = units.resolve(KNOWN.resources)
CONTEXT = Context(estate=KNOWN, now=NOW)
ROLE = next(key for key in (m.resource_key for m in UNIT.members) if "/roles/" in key)
SAME = dict.fromkeys((UNIT.key, ROLE), Age.SAME)
AT_ALL = frozenset(UnitKind)
Check = Callable[[Any, Context], Iterable[Answer]]


def rule(name: str, check: Check, revision: int = 1, effect: Effect = Effect.BLOCKS, **more: Any) -> Rule:
    return Rule(
        id=name, title=f"Rule {name}", scope=Scope.SUBSCRIPTION, effect=effect, detection=Detection.API,
        statement="s", remedy="r", sources=(), check=check, kinds=AT_ALL, revision=revision,
    ) if not more else replace(rule(name, check, revision, effect), **more)  # fmt: skip


def role() -> Any:
    return CONTEXT.index.by_key[ROLE]


def applies(_view: Any, _context: Context) -> list[Answer]:
    return [yes(role(), "The old check says yes.")]


def fine(_view: Any, _context: Context) -> list[Answer]:
    return []


def manifest(*rules: Rule) -> Manifest:
    return {one.id: entry(metadata(one)) for one in rules}


class Upgrade:
    """A catalogue in force, what it said, and the code's catalogue."""

    def __init__(self, old: list[Rule], new: list[Rule], context: Context = CONTEXT) -> None:
        self.old, self.new = old, new
        self.in_force = manifest(*old)
        self.changes = compare(self.in_force, manifest(*new))
        said = Engine(old).evaluate(UNIT, context)
        self.before = said
        self.stored = Stored(tuple(f for f in said.findings if f.rule_id in self.changes.held))

    def look(
        self, context: Context = CONTEXT, ages: dict[str, Age] | None = None, stored: Stored | None = None
    ) -> Held:
        evaluation = Engine(self.new).evaluate(UNIT, context)
        return hold(
            evaluation, UNIT, context, changes=self.changes, in_force=self.in_force,
            stored=stored or self.stored, ages=SAME if ages is None else ages,
        )  # fmt: skip

    def again(self, first: Held, context: Context = CONTEXT, ages: dict[str, Age] | None = None) -> Held:
        """A second look, with what the first left stored."""
        rows = tuple(f for f in first.evaluation.findings if f.rule_id in self.changes.held)
        return self.look(context, ages, replace(self.stored, findings=rows, ahead=first.ahead))


def of(held: Held, name: str) -> dict[str, Outcome]:
    return {f.resource_key: f.outcome for f in held.evaluation.findings if f.rule_id == name}


def test_a_manifest_tells_new_changed_removed_and_reworded_rules() -> None:
    old = [rule("A", fine), rule("B", fine), rule("C", fine), rule("D", fine), rule("E", fine)]
    new = [rule("A", fine), rule("B", fine, revision=2), rule("C", fine, effect=Effect.DROPPED),
           rule("D", fine, statement="in other words"), rule("F", fine)]  # fmt: skip
    told = compare(manifest(*old), manifest(*new))
    assert told == Changes(frozenset("F"), frozenset("BC"), frozenset("E"), frozenset("D"))
    assert compare(manifest(*new), manifest(*new)) == Changes()


@pytest.mark.parametrize("field", [{"title": "Another"}, {"detection": Detection.VALIDATE}, {"also": (Detection.FILE,)},
                                   {"kinds": frozenset({UnitKind.NETWORK})}])  # fmt: skip
def test_what_takes_part_in_deciding_makes_another_check(field: dict[str, Any]) -> None:
    old, new = rule("A", fine), rule("A", fine, **field)
    assert compare(manifest(old), manifest(new)).changed == {"A"}


def test_what_did_not_change_is_looked_at_live_even_when_worded_anew() -> None:
    up = Upgrade([rule("A", fine)], [rule("A", applies, statement="in other words")])
    assert of(up.look(), "A") == {ROLE: Outcome.YES}, "the same check, of what the estate is now"


def test_a_new_rule_is_left_out() -> None:
    held = Upgrade([rule("A", fine)], [rule("A", fine), rule("N", applies)]).look()
    assert of(held, "N") == {}
    assert held.evaluation.verdict is Verdict.READY
    assert held.evaluation.score == 100


@pytest.mark.parametrize("new", [[rule("A", fine, revision=2)], []])
def test_what_a_changed_or_removed_rule_said_stands_with_verdict_and_score(new: list[Rule]) -> None:
    up = Upgrade([rule("A", applies)], new)
    held = up.look()
    assert held.evaluation.findings == up.before.findings
    assert (held.evaluation.verdict, held.evaluation.score) == (up.before.verdict, up.before.score)
    assert held.evaluation.deductions == up.before.deductions
    assert held.ahead == frozenset()
    assert up.again(held) == held, "a second look says the same: seals stand"


def test_a_stricter_check_blocks_nobody_before_it_is_in_force() -> None:
    up = Upgrade([rule("A", fine)], [rule("A", applies, revision=2)])
    assert of(up.look(), "A") == {UNIT.key: Outcome.NO}


def test_a_unit_never_assessed_gets_the_answer_of_the_check_there_is() -> None:
    up = Upgrade([rule("A", fine), rule("G", fine)], [rule("A", applies, revision=2), rule("N", applies)])
    held = up.look(stored=Stored(seen=False))
    assert of(held, "A") == {ROLE: Outcome.YES}
    assert of(held, "N") == {}
    assert held.ahead == {("A", ROLE)}
    assert up.again(held) == held


def test_a_new_resource_gets_the_answer_of_the_check_there_is_and_loses_it_when_that_is_gone() -> None:
    up = Upgrade([rule("A", fine)], [rule("A", applies, revision=2)])
    fresh = {UNIT.key: Age.CHANGED, ROLE: Age.NEW}
    held = up.look(ages=fresh)
    assert of(held, "A") == {ROLE: Outcome.YES}, "instead of “does not apply to the unit”"
    assert up.again(held, ages=fresh) == held
    settled = Upgrade([rule("A", fine)], [rule("A", fine, revision=2)])
    rows = tuple(f for f in held.evaluation.findings if f.rule_id == "A")
    after = settled.look(ages=fresh, stored=Stored(rows, held.ahead))
    assert of(after, "A") == {UNIT.key: Outcome.NO}, "the check there is takes back what it said itself"


def test_of_a_resource_that_changed_the_graver_answer_counts() -> None:
    changed = {UNIT.key: Age.SAME, ROLE: Age.CHANGED}
    worse = Upgrade([rule("A", fine)], [rule("A", applies, revision=2)])
    held = worse.look(ages=changed)
    assert of(held, "A") == {ROLE: Outcome.YES}
    assert worse.again(held, ages=changed) == held
    milder = Upgrade([rule("A", applies)], [rule("A", fine, revision=2)])
    assert of(milder.look(ages=changed), "A") == {ROLE: Outcome.YES}


@pytest.mark.parametrize("new", [[rule("A", applies, revision=2)], []])
def test_a_resource_that_is_gone_takes_its_answer_along(new: list[Rule]) -> None:
    up = Upgrade([rule("A", applies)], new)
    assert of(up.look(ages={UNIT.key: Age.CHANGED}), "A") == {}


REFUSED = ValidationAnswer(
    NOW, passed=False, messages=(PlatformMessage(category=Category.ERROR, message="the moon is wrong"),)
)
SPOKEN = (("the moon is wrong",),)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([rule("A", fine)], [rule("A", fine), rule("N", fine, fragments=SPOKEN)]),
        ([rule("A", fine)], [rule("A", fine, revision=2, fragments=SPOKEN)]),
        ([rule("A", fine, fragments=SPOKEN)], []),
    ],
)
def test_azures_refusal_blocks_whatever_becomes_of_the_rule_it_names(old: list[Rule], new: list[Rule]) -> None:
    up = Upgrade(old, new)
    held = up.look(CONTEXT.about(validation=REFUSED))
    assert held.evaluation.verdict is Verdict.BLOCKED
    assert up.again(held, CONTEXT.about(validation=REFUSED)) == held


def test_a_refusal_that_is_overtaken_blocks_no_more() -> None:
    spoken = CONTEXT.about(validation=REFUSED)
    up = Upgrade([rule("A", fine, fragments=SPOKEN)], [rule("A", fine, revision=2, fragments=SPOKEN)], spoken)
    assert up.look(spoken).evaluation.findings == up.before.findings
    passed = CONTEXT.about(validation=ValidationAnswer(NOW + timedelta(hours=1), passed=True))
    assert up.look(passed).evaluation.verdict is Verdict.READY


def unsure(_view: Any, context: Context) -> list[Answer]:
    return [] if context.validated() else [unknown(role(), "Only Validate can tell.", "Validate.")]


def test_what_validate_settles_is_asked_anew_once_azure_answered_and_again_when_that_is_too_old() -> None:
    validate = {"detection": Detection.VALIDATE}
    up = Upgrade([rule("A", unsure, **validate)], [rule("A", unsure, revision=2, **validate)])
    assert of(up.look(), "A") == {ROLE: Outcome.UNKNOWN}
    passed = CONTEXT.about(validation=ValidationAnswer(NOW, passed=True))
    assert of(up.look(passed, stored=replace(up.stored, answered=True)), "A") == {UNIT.key: Outcome.NO}
    told = Upgrade([rule("A", unsure, **validate)], [rule("A", unsure, revision=2, **validate)], passed)
    assert of(told.look(passed), "A") == {UNIT.key: Outcome.NO}
    later = replace(passed, now=NOW.replace(year=NOW.year + 1))
    assert of(told.look(later), "A") == {ROLE: Outcome.UNKNOWN}


def ask(_view: Any, _context: Context) -> list[Answer]:
    return [unknown(role(), "Nobody can tell.", "Ask.")]


@pytest.mark.parametrize("new", [[rule("A", ask, revision=2)], []])
def test_a_persons_answer_counts_as_long_as_it_holds(new: list[Rule]) -> None:
    answer = Attestation(applies=False, by="Noor", at=NOW, why="seen")
    attested = CONTEXT.about(attestations={("A", ROLE): answer})
    up = Upgrade([rule("A", ask)], new, attested)
    held = up.look(attested)
    assert held.evaluation.findings == up.before.findings
    assert of(held, "A") == {ROLE: Outcome.NO}
    assert of(up.look(CONTEXT), "A") == {ROLE: Outcome.UNKNOWN}, "taken back: nobody knows again"


def test_a_person_can_settle_a_question_that_is_held() -> None:
    up = Upgrade([rule("A", ask)], [rule("A", ask, revision=2)])
    answer = Attestation(applies=False, by="Noor", at=NOW, why="seen")
    attested = CONTEXT.about(attestations={("A", ROLE): answer})
    held = up.look(attested)
    assert of(held, "A") == {ROLE: Outcome.NO}
    assert up.again(held, attested) == held


@pytest.mark.parametrize("new", [[rule("A", fine, revision=2)], []])
def test_a_waiver_sets_a_held_finding_aside_and_its_end_brings_it_back(new: list[Rule]) -> None:
    up = Upgrade([rule("A", applies)], new)
    [said] = [f for f in up.before.findings if f.rule_id == "A"]
    waived = CONTEXT.about(waived={("A", ROLE): shown(said)})
    held = up.look(waived)
    assert held.evaluation.verdict is Verdict.READY
    assert up.again(held).evaluation.verdict is Verdict.BLOCKED


def broken(_view: Any, _context: Context) -> list[Answer]:
    raise RuntimeError("a mistake of ours")


def test_a_new_check_that_fails_spoils_nothing_before_it_is_in_force() -> None:
    up = Upgrade([rule("A", fine)], [rule("A", broken, revision=2), rule("N", broken)])
    held = up.look()
    assert held.evaluation.verdict is Verdict.READY
    assert held.evaluation.errors == ()
    failed = up.look(stored=Stored(seen=False))
    assert [error.rule_id for error in failed.evaluation.errors] == ["A"]


def test_only_prepare_can_tell_is_what_it_was_when_it_came_into_force() -> None:
    prepare = {"detection": Detection.PREPARE}
    up = Upgrade([rule("A", ask, **prepare)], [rule("A", ask, revision=2)])
    assert up.before.verdict is Verdict.READY
    assert up.look().evaluation.verdict is Verdict.READY


def test_evidence_of_a_no_is_kept_beside_what_else_the_rule_says() -> None:
    def both(_view: Any, _context: Context) -> list[Answer]:
        return [no(UNIT, "Looked at.", *[]), yes(role(), "Says yes.")]

    up = Upgrade([rule("A", both)], [rule("A", fine, revision=2)])
    assert of(up.look(), "A") == {ROLE: Outcome.YES}
    findings: tuple[Finding, ...] = up.look().evaluation.findings
    assert len(findings) == 1


@pytest.mark.parametrize("gone", [True, False])
def test_of_the_whole_catalogue_nothing_moves_when_every_rule_changed_or_went(gone: bool) -> None:
    context = CONTEXT.about(validation=REFUSED)
    said = readiness.evaluate(UNIT, context)
    in_force = {name: {**one, "revision": 0} for name, one in readiness.catalogue_manifest.items()}
    changes = compare(in_force, {} if gone else readiness.catalogue_manifest)
    ages = dict.fromkeys((f.resource_key for f in said.findings), Age.SAME)
    stored = Stored(tuple(f for f in said.findings if f.rule_id in changes.held))
    now = said if not gone else Engine([]).evaluate(UNIT, context)
    held = hold(now, UNIT, context, changes=changes, in_force=in_force, stored=stored, ages=ages)
    assert len(said.findings) > 50
    assert set(held.evaluation.findings) == set(said.findings)
    assert (held.evaluation.verdict, held.evaluation.score) == (said.verdict, said.score)
    assert held.ahead == frozenset()
