"""The platform's own words as findings: every row of the error catalogue by its published text, quota numbers, age."""

from datetime import timedelta
from pathlib import Path

import pytest

from migrator import units
from migrator.messages import BY_ID, ErrorClass, classify, quota_numbers
from migrator.readiness import (
    CATALOGUE,
    Context,
    Effect,
    Evaluation,
    Finding,
    Outcome,
    ValidationAnswer,
    Verdict,
    evaluate,
)
from migrator.readiness.platform import CLASSES
from migrator.resources import Category, PlatformMessage
from tests.migrator.readiness.cases import NOW, PASSED, QUOTA, WEB
from tests.migrator.readiness.documents import Document, estate, role_id

TEXTS = Path(__file__).parents[1] / "gateway" / "error_samples.txt"
SAMPLES = [line.split(" | ") for line in TEXTS.read_text().splitlines()[1:]]


def said(code: str, message: str, category: Category = Category.ERROR) -> PlatformMessage:
    return PlatformMessage(category=category, message=message, code=code)


def evaluated(*messages: PlatformMessage, age: float = 0, verb: str = "validation", **given: object) -> Evaluation:
    answer = ValidationAnswer(NOW - timedelta(days=age), not messages, messages)
    return of(WEB, **{verb: answer}, **QUOTA, **given)


def of(documents: list[Document], **given: object) -> Evaluation:
    known = estate(documents)
    (unit,) = units.resolve(known.resources)
    return evaluate(unit, Context(estate=known, now=NOW, **given))


def platforms(evaluation: Evaluation) -> list[Finding]:
    """The findings that hold words of the platform."""
    return [
        f for f in evaluation.findings if any(e.field.startswith(("Validate at", "Prepare at")) for e in f.evidence)
    ]


def evidence(finding: Finding) -> dict[str, str]:
    return {one.field: one.value for one in finding.evidence}


@pytest.mark.parametrize("verb", ["validation", "preparation"])
@pytest.mark.parametrize(("row", "_status", "code", "message"), SAMPLES)
def test_each_known_message_is_a_finding_with_its_class_and_what_to_do(
    row: str, _status: str, code: str, message: str, verb: str
) -> None:
    entry = BY_ID[row]
    (finding,) = platforms(evaluated(said(code, message), verb=verb))
    assert (finding.outcome, finding.effect) == (Outcome.YES, Effect.BLOCKS)
    assert finding.rule_id in (entry.rules or ("PLATFORM",))
    told = evidence(finding)
    assert told["Class of the message"] == f"{entry.error_class}: {CLASSES[entry.error_class]} ({row})"
    assert told["What to do"] == entry.action


def test_all_53_rows_were_read_and_each_class_has_words() -> None:
    assert {row for row, *_ in SAMPLES} == {f"E{number:02}" for number in range(1, 54)}
    assert set(CLASSES) == set(ErrorClass)


def test_every_rule_the_error_catalogue_confirms_exists() -> None:
    assert {rule for entry in BY_ID.values() for rule in entry.rules} <= {rule.id for rule in CATALOGUE}


def test_a_message_in_no_list_says_so() -> None:
    (finding,) = platforms(evaluated(said("Odd", "The end is nigh")))
    assert finding.rule_id == "PLATFORM"
    assert evidence(finding)["Class of the message"] == "unknown: in no list of known messages"
    assert "What to do" not in evidence(finding)


E28 = (
    "The current quota for Standard_D2_v2 is insufficient to complete migration. Current quota is {}, additional "
    "needed is {}."
)
EXCEEDED = (
    "Operation could not be completed as it results in exceeding approved Total Regional Cores quota. Additional "
    "details - Deployment Model: Resource Manager, Location: westeurope, Current Limit: 10, Current Usage: 8, "
    "Additional Required: 4, (Minimum) New Limit Required: 12."
)


@pytest.mark.parametrize(("limit", "additional"), [(10, 25), (0, 4), (350, 1)])
def test_the_numbers_of_a_quota_message_stand_in_the_evidence(limit: int, additional: int) -> None:
    (finding,) = platforms(evaluated(said("", E28.format(limit, additional))))
    assert finding.rule_id == "SUB-QUOTA-CORES"
    told = evidence(finding)
    assert told["Quota Standard_D2_v2: limit"] == str(limit)
    assert told["Quota Standard_D2_v2: needed besides"] == str(additional)
    assert told["Quota Standard_D2_v2: limit to ask for"] == str(limit + additional)
    assert "Quota Standard_D2_v2: available" not in told  # E28 does not tell what is in use


def test_the_message_of_compute_tells_what_is_available_too() -> None:
    assert classify(409, "OperationNotAllowed", EXCEEDED) == (ErrorClass.QUOTA, "")
    (finding,) = platforms(evaluated(said("OperationNotAllowed", EXCEEDED), verb="preparation"))
    assert finding.rule_id == "SUB-QUOTA-CORES"
    told = evidence(finding)
    named = "Quota Total Regional Cores: "
    numbers = [told[named + what] for what in ("limit", "available", "needed besides", "limit to ask for")]
    assert numbers == ["10", "2", "4", "12"]  # the platform's own "New Limit Required" is 12


def test_a_quota_message_without_its_numbers_has_none() -> None:
    assert quota_numbers("Operation results in exceeding approved Cores quota. Current Limit: many") is None


def test_a_message_of_eight_days_ago_is_stale_and_a_question_again() -> None:
    evaluation = evaluated(said("Odd", "The end is nigh"), age=8)
    (finding,) = platforms(evaluation)
    assert (finding.rule_id, finding.outcome) == ("PLATFORM", Outcome.UNKNOWN)
    assert finding.sentence.startswith("Stale, of 20")
    assert "older than seven days" in finding.settles


def test_a_stale_message_is_shown_at_the_rule_it_confirmed() -> None:
    text = "Migration of deployment d is not supported because it is in region x. Allowed regions: [y]."
    evaluation = evaluated(said("", text), age=8)
    assert {(f.rule_id, f.outcome) for f in platforms(evaluation)} == {("SUB-REGION", Outcome.UNKNOWN)}


def test_a_stale_message_is_gone_when_the_inventory_has_answered_its_rule_since() -> None:
    stale = said("", "The deployment cannot be migrated because the service has two occupied slots.")
    assert {f.rule_id for f in platforms(evaluated(stale, age=8))} == set()  # WEB has one slot


def test_a_stale_message_is_gone_when_the_platform_has_answered_since() -> None:
    assert platforms(evaluated(said("Odd", "The end is nigh"), age=8, preparation=PASSED)) == []


def refused_then_validated(message: PlatformMessage, *, validated: float = 0.5, **given: object) -> Evaluation:
    """Prepare refused two days ago; Validate passed `validated` days ago."""
    passed = ValidationAnswer(NOW - timedelta(days=validated), True)
    return evaluated(message, age=2, verb="preparation", validation=passed, **given)


def test_what_prepare_refused_is_a_question_once_validate_passed_again_and_holds_no_verdict() -> None:
    evaluation = refused_then_validated(said("Odd", "The end is nigh"))
    (finding,) = platforms(evaluation)
    assert (finding.outcome, finding.effect) == (Outcome.UNKNOWN, Effect.INFO)
    assert finding.sentence == (
        "Refused on 2026-11-20 12:00 UTC; Validate passed on 2026-11-22 00:00 UTC. Prepare says of net: Odd: The end "
        "is nigh"
    )
    assert finding.settles == "Only Prepare can tell whether this is over: Validate has passed since."
    assert evaluation.verdict is evaluated(verb="preparation", validation=PASSED).verdict


def test_a_validate_before_the_refusal_puts_nothing_in_question() -> None:
    evaluation = refused_then_validated(said("Odd", "The end is nigh"), validated=3)
    assert [f.outcome for f in platforms(evaluation)] == [Outcome.YES]
    assert evaluation.verdict is Verdict.BLOCKED


@pytest.mark.parametrize(("row", "_status", "code", "message"), SAMPLES)
def test_a_want_of_quota_or_support_stays_a_refusal_whatever_validate_says(
    row: str, _status: str, code: str, message: str
) -> None:
    seen = {f.rule_id for f in of(WEB, validation=PASSED, **QUOTA).findings if f.outcome is Outcome.YES}
    spoken = [f for f in platforms(refused_then_validated(said(code, message))) if f.rule_id not in seen]
    stays = classify(0, code, message)[0] in {ErrorClass.QUOTA, ErrorClass.TICKET}
    assert {f.outcome for f in spoken} <= {Outcome.YES if stays else Outcome.UNKNOWN}, row


def test_some_known_refusals_stay_and_most_do_not() -> None:
    classes = [classify(0, code, message)[0] for _row, _status, code, message in SAMPLES]
    stays = [one for one in classes if one in {ErrorClass.QUOTA, ErrorClass.TICKET}]
    assert 0 < len(stays) < len(classes) / 2


def test_a_refusal_without_a_reason_is_a_question_too() -> None:
    silent = ValidationAnswer(NOW - timedelta(days=2), False)
    (finding,) = platforms(of(WEB, preparation=silent, validation=PASSED, **QUOTA))
    assert (finding.outcome, finding.effect) == (Outcome.UNKNOWN, Effect.INFO)


def test_stale_information_asks_nothing() -> None:
    old = ValidationAnswer(NOW - timedelta(days=8), True, (said("", "For your information", Category.INFORMATION),))
    assert platforms(of(WEB, validation=old, **QUOTA)) == []


def test_a_message_names_its_resource_when_stale_as_when_fresh() -> None:
    told = PlatformMessage(category=Category.ERROR, message="New", resource_name="web", resource_type="roles")
    for age in (0, 8):
        (finding,) = platforms(evaluated(told, age=age))
        assert finding.resource_key == role_id("shop").lower()
