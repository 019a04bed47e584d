"""Attestations: what no API can tell, answered by a person, with an end; the database and the estate are real."""

import json
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, transaction

from migrator.simulator import running
from tests.tracker.readiness.people import Company, in_days
from tracker.accounts.actions import Denied
from tracker.audit.models import Event
from tracker.inventory.models import Unit
from tracker.readiness import actions
from tracker.readiness.models import Attestation, Finding, Recheck
from tracker.runs.queries import database_now

pytestmark = pytest.mark.django_db
RULE = "VNET-BATCH"  # blocks; the estate does not tell, a person may


@pytest.fixture
def company(simulator: running.Running) -> Iterator[Company]:
    made = Company(simulator)
    made.begin()
    yield made
    made.close()


def events(kind: str) -> list[dict]:
    return [json.loads(event.body) for event in Event.objects.filter(type=kind).order_by("id")]


def outcome(unit: str, rule: str) -> list[str]:
    return sorted(set(Finding.objects.filter(unit__name=unit, rule=rule).values_list("outcome", flat=True)))


def test_an_answer_settles_the_unknown_with_name_reason_and_event(company: Company) -> None:
    before = company.unit("shop-net")
    row = company.attest(company.finding("shop-net", RULE), until=in_days(90))
    finding = company.finding("shop-net", RULE)
    assert finding.outcome == "no"
    [said] = [one["value"] for one in finding.evidence if one["field"] == "attestation"]
    assert company.tomas.actor.key in said and "I asked the team that runs it." in said and "until" in said
    assert company.unit("shop-net").score > before.score
    [event] = events("readiness.attested")
    assert event["detail"]["rule"] == RULE
    assert event["detail"]["answer"] == "it does not apply"
    assert event["actor"] == company.tomas.actor.key
    assert row.subject == before.key


def test_it_applies_makes_it_block(company: Company) -> None:
    company.attest(company.finding("shop-net", RULE), applies=True)
    assert outcome("shop-net", RULE) == ["yes"]
    assert company.unit("shop-net").verdict == "blocked"


def test_a_later_answer_takes_the_place_of_the_first_which_stays_in_the_books(company: Company) -> None:
    first = company.attest(company.finding("shop-net", RULE), applies=True)
    second = company.attest(company.finding("shop-net", RULE), applies=False, by=company.aiko)
    first.refresh_from_db()
    assert (first.end, first.ended_by) == ("replaced", company.aiko.actor.key)
    assert second.ended_at is None
    assert outcome("shop-net", RULE) == ["no"]


def test_an_answer_for_the_subscription_reaches_the_other_units_by_the_worker(company: Company) -> None:
    company.attest(company.finding("shop-net", "SUB-TOOLING"), reach="subscription")
    assert outcome("shop-net", "SUB-TOOLING") == ["no"]
    others = Finding.objects.filter(rule="SUB-TOOLING", unit__subscription=company.unit("shop-net").subscription)
    assert "unknown" in others.values_list("outcome", flat=True)
    wish = Recheck.objects.get()
    assert actions.advance_recheck(wish.pk, clock=database_now) == "done"
    assert set(others.values_list("outcome", flat=True)) == {"no"}
    elsewhere = Finding.objects.filter(rule="SUB-TOOLING").exclude(
        unit__subscription=company.unit("shop-net").subscription
    )
    assert set(elsewhere.values_list("outcome", flat=True)) <= {"unknown"}


def test_when_its_time_comes_it_is_open_again_even_before_the_books_say_so(company: Company) -> None:
    row = company.attest(company.finding("shop-net", RULE), until=in_days(1))
    later = in_days(2)
    actions.assess([company.unit("shop-net")], now=later, by=company.tomas.actor)
    assert outcome("shop-net", RULE) == ["unknown"]
    assert actions.close_what_ran_out(later) == 1
    row.refresh_from_db()
    assert (row.end, row.ended_by) == ("expired", "system:engine")
    assert [event["detail"]["end"] for event in events("readiness.attestation_ended")] == ["expired"]
    assert actions.close_what_ran_out(later) == 0


def test_withdrawn_it_is_open_again(company: Company) -> None:
    row = company.attest(company.finding("shop-net", RULE))
    with pytest.raises(actions.AttestationRefused, match="Say why"):
        actions.withdraw_attestation(row.pk, reason=" ", by=company.aiko, now=database_now())
    actions.withdraw_attestation(row.pk, reason="The team was wrong.", by=company.aiko, now=database_now())
    assert outcome("shop-net", RULE) == ["unknown"]
    with pytest.raises(actions.AttestationRefused, match="withdrawn already"):
        actions.withdraw_attestation(row.pk, reason="Again.", by=company.aiko, now=database_now())


@pytest.mark.parametrize(
    ("given", "says", "field"),
    [
        ({"why": "  "}, "how you know", "why"),
        ({"why": "a\x07b"}, "invisible", "why"),
        ({"why": "x" * 1001}, "1,001 characters", "why"),
        ({"until": in_days}, "passed already", "until"),
        ({"until": 800}, "two years", "until"),
        ({"reach": "world"}, "what the answer holds for", "reach"),
        ({"resource_key": "/gone"}, "no such finding", ""),
        ({"rule": "NO-SUCH"}, "no such finding", ""),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(company: Company, given: dict, says: str, field: str) -> None:
    if "until" in given:
        given = {"until": in_days(-1) if given["until"] is in_days else in_days(given["until"])}
    with pytest.raises(actions.AttestationRefused, match=says) as refused:
        company.attest(company.finding("shop-net", RULE), **given)
    assert refused.value.field == field
    assert not Attestation.objects.exists()


def test_nobody_overrules_the_inventory_or_azure(company: Company) -> None:
    with pytest.raises(actions.AttestationRefused, match="inventory already tells"):
        company.attest(company.finding("legacy-net", "VNET-PEERING"))
    with pytest.raises(actions.AttestationRefused, match="only Azure itself"):
        company.attest(company.finding("shop-net", "SUB-REGION"))


def test_an_auditor_may_not(company: Company) -> None:
    with pytest.raises(Denied):
        company.attest(company.finding("shop-net", RULE), by=company.noor)
    assert [event["result"] for event in events("access.denied")] == ["denied"]


def test_the_database_keeps_what_was_said(company: Company) -> None:
    row = company.attest(company.finding("shop-net", RULE))
    for change in ({"applies": True}, {"why": "Other."}, {"until": in_days(5)}, {"by": company.aiko}):
        with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
            Attestation.objects.filter(pk=row.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Attestation.objects.filter(pk=row.pk).delete()
    actions.withdraw_attestation(row.pk, reason="Wrong.", by=company.tomas, now=database_now())
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Attestation.objects.filter(pk=row.pk).update(end_reason="Right.")


def test_a_wish_only_a_person_can_state_is_stated(company: Company) -> None:
    """CS-OTHER-VNET applies when somebody says so; until then it finds nothing."""
    unit = Unit.objects.get(name="shop-net")
    company.attest(company.finding("shop-net", "CS-OTHER-VNET"), applies=True, reach="unit")
    assert outcome("shop-net", "CS-OTHER-VNET") == ["yes"]
    unit.refresh_from_db()
    assert unit.verdict == "blocked"
