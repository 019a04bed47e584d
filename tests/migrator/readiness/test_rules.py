"""Every rule, on wire-format estates: once yes, once no (or silent where the rule does not speak of such a unit), and
once unknown where it can be."""

import re
from collections import Counter

import pytest

from migrator import units
from migrator.readiness import (
    CATALOGUE,
    DOCUMENTS,
    PLATFORM_SOURCE,
    Context,
    Detection,
    Effect,
    Evaluation,
    Finding,
    Outcome,
    evaluate,
)
from tests.migrator.readiness.cases import CASES, NOW, Case
from tests.migrator.readiness.documents import REGISTERED, estate

# Statements about the platform, or about what is plainly there: nothing the inventory could leave unsaid changes them.
NEVER_UNKNOWN = {
    "SUB-THROTTLE", "SUB-LOCK-WINDOW", "SUB-NO-TIME-LIMIT", "SUB-COMMIT-FINAL", "SUB-BACKUP-CONFIG", "SUB-RG-NAMES",
    "SUB-RETIRED", "CS-OTHER-VNET", "CS-STAGING-SUBNET-MIX", "CS-DNS", "CS-CSCFG-VNET", "CS-SWAP-PREPARED",
    "CS-ES-RETIRING", "CS-OK-STORAGE", "CS-OK-DNS", "VNET-ER-COEXIST", "VM-OSPROFILE",
    "VM-PAAS-ROLE", "STG-2016", "STG-GPV1", "STG-KEYS", "STG-30DAYS", "STG-OWNER",
}  # fmt: skip
NEVER_YES = {"VNET-SUBNET-SPACES", "VNET-LB-RULES", "STG-READONLY-2024"}  # they ask, or wait for the platform


def evaluations(case: Case) -> list[Evaluation]:
    given = dict(case.context)
    known = estate(case.documents, given.pop("registrations", REGISTERED))
    context = Context(estate=known, now=given.pop("now", NOW)).about(**given)
    return [evaluate(unit, context) for unit in units.resolve(known.resources)]


def strongest(rule: str, found: list[Evaluation]) -> str:
    said = {f.outcome for evaluation in found for f in evaluation.findings if f.rule_id == rule}
    order = (Outcome.YES, Outcome.UNKNOWN, Outcome.NO)
    return next((outcome.value for outcome in order if outcome in said), "silent")


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.rule}-{case.outcome}-{number}" for number, case in enumerate(CASES)]
)
def test_a_rule_says_what_the_estate_shows(case: Case) -> None:
    found = evaluations(case)
    assert [error for evaluation in found for error in evaluation.errors] == []
    assert strongest(case.rule, found) == case.outcome
    for evaluation in found:
        assert max(Counter((f.rule_id, f.resource_key) for f in evaluation.findings).values(), default=1) == 1
        for finding in evaluation.findings:
            assert_complete(finding)


def assert_complete(finding: Finding) -> None:
    """A sentence and a name; with a yes that matters its evidence, with an unknown what would settle it."""
    assert finding.resource_name
    assert finding.sentence.endswith((".", "?")) or finding.source == PLATFORM_SOURCE
    assert bool(finding.settles) == (finding.outcome is Outcome.UNKNOWN)
    if finding.outcome is Outcome.YES and finding.effect in (Effect.BLOCKS, Effect.DOWNTIME, Effect.DROPPED):
        assert finding.evidence


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.id)
def test_every_rule_was_seen_to_say_yes_and_no_and_unknown(rule) -> None:
    seen = {case.outcome for case in CASES if case.rule == rule.id}
    assert "yes" in seen or rule.id in NEVER_YES
    assert seen & {"no", "silent"}
    assert ("unknown" in seen) != (rule.id in NEVER_UNKNOWN)


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.id)
def test_no_rule_is_shorter_on_its_metadata_than_another(rule) -> None:
    assert re.fullmatch(r"(SUB|CS|VNET|VM|STG|NET)-[A-Z0-9-]+", rule.id)
    assert 5 < len(rule.title) < 60
    assert not rule.title.endswith(".")
    assert rule.statement.endswith(".")
    assert len(rule.statement) > 40
    assert rule.remedy.endswith(".")
    assert rule.sources
    assert {source.document for source in rule.sources} <= set(DOCUMENTS)
    assert all(s.then and s.now and s.year in (2016, 2020) for s in rule.superseded)
    if rule.effect is Effect.DROPPED:
        assert rule.follow_up
    if rule.detection is Detection.VALIDATE and rule.effect is Effect.BLOCKS and rule.id not in NEVER_YES:
        assert rule.fragments or rule.id == "SUB-COADMIN"


def test_ids_and_titles_are_unique_in_their_scope() -> None:
    assert max(Counter(rule.id for rule in CATALOGUE).values()) == 1
    assert max(Counter((rule.scope, rule.kinds, rule.title) for rule in CATALOGUE).values()) == 1
