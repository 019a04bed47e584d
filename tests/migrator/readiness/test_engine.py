"""Verdict, score, waivers, attestations, the platform's word, and a rule which fails."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from migrator import readiness, units
from migrator.readiness import (
    CATALOGUE,
    Attestation,
    Context,
    Detection,
    Effect,
    Engine,
    Evaluation,
    Outcome,
    Rule,
    Scope,
    UnknownRule,
    ValidationAnswer,
    Verdict,
)
from migrator.readiness.waiving import shown, why_not
from migrator.resources import UNKNOWN, Category, PlatformMessage
from migrator.units import Unit, UnitKind
from tests.migrator.readiness.cases import NOW, PASSED, QUOTA, VMS, WEB, refused
from tests.migrator.readiness.documents import (
    Document,
    S,
    account,
    estate,
    group,
    machine_id,
    put,
    role_id,
    service,
    slot_id,
)


def evaluated(documents: list[Document], **given: object) -> Evaluation:
    """The evaluation of the only unit of an estate."""
    known = estate(documents)
    (unit,) = units.resolve(known.resources)
    return readiness.evaluate(unit, Context(estate=known, now=NOW, **given))


READY = {**QUOTA, "validation": PASSED}
BLOCKED = put(WEB, 3, "instanceSize", "Small")  # the role


def finding(evaluation: Evaluation, rule: str) -> readiness.Finding:
    (only,) = [f for f in evaluation.findings if f.rule_id == rule]
    return only


def test_a_healthy_network_with_quota_and_a_fresh_validate_is_ready_with_change() -> None:
    evaluation = evaluated(WEB, **READY)
    assert evaluation.verdict is Verdict.READY_WITH_CHANGE
    assert not [f for f in evaluation.findings if f.effect is Effect.BLOCKS and f.outcome is Outcome.YES]


def test_an_open_blocking_question_makes_the_verdict_unknown() -> None:
    assert evaluated(WEB, validation=PASSED).verdict is Verdict.UNKNOWN  # nobody counted the quota
    assert evaluated(WEB, **QUOTA).verdict is Verdict.UNKNOWN  # nobody ran Validate


def test_a_blocking_finding_makes_the_verdict_blocked_whatever_else_is_unknown() -> None:
    assert evaluated(BLOCKED).verdict is Verdict.BLOCKED


def test_what_only_prepare_can_tell_does_not_hold_the_verdict_back() -> None:
    evaluation = evaluated(WEB, **READY)
    told = finding(evaluation, "VNET-LB-RULES")
    assert (told.outcome, told.settles) == (Outcome.UNKNOWN, "Only Prepare can tell.")
    assert evaluation.verdict is Verdict.READY_WITH_CHANGE


def test_changes_which_the_programme_acknowledged_leave_a_unit_ready() -> None:
    first = evaluated(WEB, **READY)
    asking = {f.rule_id for f in first.findings if f.outcome is Outcome.YES and f.effect is not Effect.INFO}
    second = evaluated(WEB, **READY, acknowledged=frozenset(asking))
    assert second.verdict is Verdict.READY
    assert second.score > first.score


def test_acknowledging_a_blocking_rule_changes_nothing() -> None:
    assert evaluated(BLOCKED, **READY, acknowledged=frozenset({"CS-LEGACY-SIZE"})).verdict is Verdict.BLOCKED


def waiving(documents: list[Document], rule: str, **more: Any) -> dict[tuple[str, str], str]:
    """A waiver of what the rule says of the estate."""
    found = finding(evaluated(documents, **READY, **more), rule)
    return {(rule, found.resource_key): shown(found)}


def test_a_waived_blocker_is_shown_and_no_longer_counts() -> None:
    waived = waiving(BLOCKED, "CS-LEGACY-SIZE")
    evaluation = evaluated(BLOCKED, **READY, waived=waived)
    assert finding(evaluation, "CS-LEGACY-SIZE").waived
    assert evaluation.verdict is Verdict.READY_WITH_CHANGE
    assert "CS-LEGACY-SIZE" not in {d.rule_id for d in evaluation.deductions}


def test_a_waiver_of_another_resource_sets_nothing_aside() -> None:
    [said] = waiving(BLOCKED, "CS-LEGACY-SIZE").values()
    waived = {("CS-LEGACY-SIZE", role_id("other").lower()): said}
    assert evaluated(BLOCKED, **READY, waived=waived).verdict is Verdict.BLOCKED


def test_a_finding_that_rests_on_something_else_counts_again() -> None:
    waived = dict.fromkeys(waiving(BLOCKED, "CS-LEGACY-SIZE"), "of another size")
    evaluation = evaluated(BLOCKED, **READY, waived=waived)
    assert not finding(evaluation, "CS-LEGACY-SIZE").waived
    assert evaluation.verdict is Verdict.BLOCKED


def test_what_azure_itself_said_is_not_waived() -> None:
    said = refused("Deployment shop in Cloud Service shop contains a role size that is not supported")
    spoken = [f for f in evaluated(WEB, **said).findings if f.source == "platform"]
    spoken = [f for f in spoken if f.outcome is Outcome.YES]
    assert spoken
    waived = {(f.rule_id, f.resource_key): shown(f) for f in spoken}
    assert evaluated(WEB, **said, waived=waived).verdict is Verdict.BLOCKED
    assert all(why_not(f) for f in spoken)


def test_a_waiver_does_not_settle_an_unknown() -> None:
    open_ = [finding(evaluated(WEB, validation=PASSED), rule) for rule in ("SUB-QUOTA-CORES", "SUB-QUOTA-NET")]
    waived = {(f.rule_id, f.resource_key): shown(f) for f in open_}
    assert evaluated(WEB, validation=PASSED, waived=waived).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("documents", [WEB, VMS, BLOCKED, [account()], [group()], [service()]])
@pytest.mark.parametrize("given", [{}, READY])
def test_the_deductions_explain_the_score_exactly(documents: list[Document], given: dict) -> None:
    evaluation = evaluated(documents, **given)
    assert evaluation.score == 100 - sum(d.points for d in evaluation.deductions)
    assert 0 <= evaluation.score <= 100
    keys = {(f.rule_id, f.resource_key) for f in evaluation.findings}
    for deduction in evaluation.deductions:
        assert deduction.points > 0
        assert (deduction.rule_id, deduction.resource_key) in keys
        assert deduction.reason


def test_a_worse_unit_has_a_lower_score() -> None:
    fine, small = evaluated(WEB, **READY).score, evaluated(BLOCKED, **READY).score
    both = evaluated(put(BLOCKED, 0, "affinityGroup", "ag"), **READY).score
    assert fine > small > both


def test_a_unit_with_more_faults_than_points_has_score_nought() -> None:
    worst = [*put(put(BLOCKED, 0, "affinityGroup", "ag"), 2, "status", "Updating"), *[]]
    worst = put(
        put(worst, 0, "addressSpace.addressPrefixes", ["x"]),
        2,
        "virtualIps",
        [{"isReserved": True, "reservedIpName": None}],
    )
    evaluation = evaluated(worst)
    assert evaluation.score == 0
    assert sum(d.points for d in evaluation.deductions) == 100


def test_an_attestation_settles_an_unknown_with_its_evidence() -> None:
    said = Attestation(False, "ann", NOW - timedelta(days=3), "asked the Dynamics team", NOW + timedelta(days=30))
    evaluation = evaluated(VMS, **READY, attestations={("VNET-DYNLCS", S): said})
    settled = finding(evaluation, "VNET-DYNLCS")
    assert settled.outcome is Outcome.NO
    assert "ann" in settled.evidence[0].value
    assert settled.settles == ""


def test_an_attestation_is_over_at_its_end() -> None:
    said = Attestation(False, "ann", NOW - timedelta(days=3), "", NOW)
    evaluation = evaluated(VMS, **READY, attestations={("VNET-DYNLCS", S): said})
    assert finding(evaluation, "VNET-DYNLCS").outcome is Outcome.UNKNOWN


def test_an_attestation_cannot_overrule_what_the_inventory_shows_or_what_only_the_platform_tells() -> None:
    said = Attestation(False, "ann", NOW)
    told = {("CS-LEGACY-SIZE", role_id("shop").lower()): said, ("SUB-REGION", S): said}
    evaluation = evaluated(BLOCKED, attestations=told)
    assert finding(evaluation, "CS-LEGACY-SIZE").outcome is Outcome.YES
    assert finding(evaluation, "SUB-REGION").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(("age", "outcome"), [(7, Outcome.NO), (7.0001, Outcome.UNKNOWN)])
def test_a_validate_older_than_seven_days_tells_nothing(age: float, outcome: Outcome) -> None:
    answer = ValidationAnswer(NOW - timedelta(days=age), True)
    told = finding(evaluated(WEB, **QUOTA, validation=answer), "SUB-REGION")
    assert told.outcome is outcome
    assert ("seven days" in told.settles) == (outcome is Outcome.UNKNOWN)


def test_a_refusal_older_than_seven_days_no_longer_blocks() -> None:
    (message,) = refused("The end is nigh")["validation"].messages
    stale = ValidationAnswer(NOW - timedelta(days=8), False, (message,))
    assert evaluated(WEB, **QUOTA, validation=stale).verdict is Verdict.UNKNOWN


def test_a_passed_prepare_tells_what_validate_tells_and_more() -> None:
    evaluation = evaluated(WEB, **QUOTA, preparation=PASSED)
    assert finding(evaluation, "SUB-REGION").outcome is Outcome.NO
    assert finding(evaluation, "VNET-LB-RULES").outcome is Outcome.NO


def test_the_newer_answer_of_the_platform_counts() -> None:
    passed = ValidationAnswer(NOW - timedelta(days=2), True)
    failed = ValidationAnswer(NOW - timedelta(days=1), False, refused("no")["validation"].messages)
    assert finding(evaluated(WEB, validation=passed, preparation=failed), "SUB-REGION").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("category", "effect", "verdict"),
    [
        (Category.ERROR, Effect.BLOCKS, Verdict.BLOCKED),
        (Category.WARNING, Effect.CHANGES, Verdict.READY_WITH_CHANGE),
        (Category.INFORMATION, Effect.INFO, Verdict.READY_WITH_CHANGE),
    ],
)
def test_a_message_nobody_knows_becomes_a_finding_of_the_platform(
    category: Category, effect: Effect, verdict: Verdict
) -> None:
    said = PlatformMessage(category=category, message="Something new", resource_name="web", resource_type="roles")
    answer = ValidationAnswer(NOW, category is not Category.ERROR, (said,))
    evaluation = evaluated(WEB, **QUOTA, validation=answer)
    told = finding(evaluation, "PLATFORM")
    assert (told.effect, told.outcome, told.source) == (effect, Outcome.YES, "platform")
    assert told.resource_key == role_id("shop").lower()
    assert "Something new" in told.sentence
    assert evaluation.verdict is verdict


def test_several_messages_about_one_resource_make_one_finding_with_all_of_them() -> None:
    said = tuple(PlatformMessage(category=c, message=f"{c} words") for c in (Category.WARNING, Category.ERROR))
    told = finding(evaluated(WEB, validation=ValidationAnswer(NOW, False, said)), "PLATFORM")
    assert told.effect is Effect.BLOCKS
    assert [e.value for e in told.evidence[:2]] == ["Warning words", "Error words"]


def test_a_failed_validate_without_a_message_blocks_all_the_same() -> None:
    evaluation = evaluated(WEB, **QUOTA, validation=ValidationAnswer(NOW, False))
    assert finding(evaluation, "PLATFORM").effect is Effect.BLOCKS
    assert evaluation.verdict is Verdict.BLOCKED


def test_a_known_message_confirms_its_rule_about_the_machine_it_names() -> None:
    text = "VM vm1 in HostedService iaas contains Extension BGInfo which isn’t supported in Azure Resource Manager"
    evaluation = evaluated(VMS, **refused(text, vm="VM1"))
    told = [f for f in evaluation.findings if f.rule_id == "VM-EXT-XML" and f.outcome is Outcome.YES]
    assert [(f.resource_key, f.source, f.effect) for f in told] == [
        (machine_id("vm1").lower(), "platform", Effect.BLOCKS)
    ]


def test_what_catalogue_and_platform_both_say_is_one_finding_of_the_catalogue() -> None:
    said = PlatformMessage(
        category=Category.ERROR,
        message="is in intermediate state X; Migration not allowed",
        resource_name=slot_id("shop").lower(),
    )
    documents = put(WEB, 2, "status", "Updating")
    told = finding(evaluated(documents, validation=ValidationAnswer(NOW, False, (said,))), "CS-BUSY")
    assert told.source == "catalogue"
    assert any(e.field.startswith("Validate") for e in told.evidence)


def test_of_rules_which_share_a_text_the_one_which_sees_the_fault_is_confirmed() -> None:
    from tests.migrator.readiness.cases import RIP

    evaluation = evaluated(RIP, **refused("Deployment d1 has two occupied slots"))
    assert {f.rule_id for f in evaluation.findings if f.source == "platform"} == {"CS-TWO-SLOTS-RIP"}


def broken(_view: object, _context: object) -> Iterator[readiness.Finding]:
    raise ValueError("no such luck")
    yield


def rule(id_: str, check: object, effect: Effect = Effect.BLOCKS) -> Rule:
    return Rule(
        id=id_, title="A rule", scope=Scope.SUBSCRIPTION, effect=effect, detection=Detection.API, statement="S.",
        remedy="R.", sources=(), check=check, kinds=frozenset(UnitKind),
    )  # fmt: skip


def test_a_rule_which_raises_is_unknown_for_its_unit_and_an_error_for_us() -> None:
    known = estate([group()])
    (unit,) = units.resolve(known.resources)
    engine = Engine((rule("T-BROKEN", broken), rule("T-FINE", lambda _v, _c: ())))
    evaluation = engine.evaluate(unit, Context(estate=known, now=NOW))
    assert [(f.rule_id, f.outcome) for f in evaluation.findings] == [
        ("T-BROKEN", Outcome.UNKNOWN),
        ("T-FINE", Outcome.NO),
    ]
    assert [(e.rule_id, e.unit_key, str(e.error)) for e in evaluation.errors] == [
        ("T-BROKEN", unit.key, "no such luck")
    ]
    assert evaluation.verdict is Verdict.UNKNOWN


def test_a_rule_which_takes_unknown_for_a_truth_value_is_caught() -> None:
    known = estate([group()])
    (unit,) = units.resolve(known.resources)
    engine = Engine((rule("T-CARELESS", lambda _v, _c: [] if UNKNOWN else [broken]),))
    evaluation = engine.evaluate(unit, Context(estate=known, now=NOW))
    assert isinstance(evaluation.errors[0].error, TypeError)


def test_a_unit_which_is_no_longer_in_the_estate_is_evaluated_without_an_error() -> None:
    unit = Unit("/subscriptions/x", "/subscriptions/x", UnitKind.NETWORK, "gone", "x", UNKNOWN, ())
    evaluation = readiness.evaluate(unit, Context(estate=estate([]), now=NOW))
    assert evaluation.errors == ()
    assert evaluation.verdict is Verdict.UNKNOWN


def test_evaluating_twice_says_the_same() -> None:
    assert evaluated(BLOCKED, **READY) == evaluated(BLOCKED, **READY)


def test_rules_are_found_by_their_id_and_an_unknown_id_is_named() -> None:
    assert readiness.rule("CS-EMPTY").id == "CS-EMPTY"
    assert readiness.rule("PLATFORM") is readiness.PLATFORM
    with pytest.raises(UnknownRule, match="CS-NONSENSE"):
        readiness.rule("CS-NONSENSE")


def test_the_version_of_the_catalogue_is_a_digest_of_its_metadata() -> None:
    import hashlib
    import json

    listed = [readiness.metadata(one) for one in CATALOGUE]
    text = json.dumps(listed, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert readiness.catalogue_version == hashlib.sha256(text.encode()).hexdigest()
