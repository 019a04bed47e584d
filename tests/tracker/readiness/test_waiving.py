"""Waivers: asked by one, agreed to by another, ended by themselves; the database refuses the rest."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from migrator.resources import Category, PlatformMessage, Verb
from migrator.simulator import running
from tests.tracker.readiness.people import REASON, Company, in_days
from tracker.accounts.actions import Denied
from tracker.audit.models import Event
from tracker.inventory.models import Resource
from tracker.readiness import actions, queries
from tracker.readiness.models import Finding, Waiver
from tracker.runs.queries import database_now
from tracker.waves import queries as wave_queries
from tracker.web import reviews

pytestmark = pytest.mark.django_db


@pytest.fixture
def company(simulator: running.Running) -> Iterator[Company]:
    made = Company(simulator)
    made.begin()
    yield made
    made.close()


def events(kind: str) -> list[dict]:
    return [json.loads(event.body) for event in Event.objects.filter(type=kind).order_by("id")]


def test_two_people_set_a_blocker_aside_and_it_stays_in_sight(company: Company) -> None:
    waiver = company.want()
    assert company.unit("legacy-net").verdict == "blocked"  # one person alone changes nothing
    before = queries.latest_assessment(company.unit("legacy-net"))
    company.agree(waiver)
    unit, finding = company.unit("legacy-net"), company.finding()
    assert (unit.verdict, unit.blockers) == ("unknown", 0)
    assert (finding.outcome, finding.waived) == ("yes", True)
    after = queries.latest_assessment(unit)
    assert before is not None and after is not None
    assert after.digest != before.digest  # what approvals are sealed with
    assert "VNET-PEERING" not in {entry["rule"] for entry in after.deductions}
    assert not any("VNET-PEERING" in said for said in unit.open_rules)
    assert events("readiness.waiver_asked")[0]["actor"] == company.tomas.actor.key
    [agreed] = events("readiness.waived")
    assert agreed["actor"] == company.aiko.actor.key
    assert agreed["detail"]["shown"] == waiver.shown


def test_whoever_asked_does_not_agree_and_the_database_says_so_too(company: Company) -> None:
    waiver = company.want()
    with pytest.raises(actions.OwnWaiver):
        company.agree(waiver, by=company.tomas)
    with pytest.raises(actions.OwnWaiver):
        actions.decline_waiver(waiver, reason="No.", by=company.tomas, now=database_now())
    with pytest.raises(DatabaseError, match="self-approval refused"), transaction.atomic():
        Waiver.objects.filter(pk=waiver.pk).update(
            state="approved", decided_by=company.tomas, decided_at=database_now()
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        Waiver.objects.filter(pk=waiver.pk).update(state="approved")
    assert company.unit("legacy-net").verdict == "blocked"


def test_the_database_keeps_what_was_agreed_to(company: Company) -> None:
    waiver = company.agree(company.want())
    for change in ({"until": in_days(300)}, {"reason": "Other."}, {"shown": "f" * 64}, {"decision_reason": "Other."}):
        with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
            Waiver.objects.filter(pk=waiver.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Waiver.objects.filter(pk=waiver.pk).update(state="asked")
    with pytest.raises(DatabaseError), transaction.atomic():
        Waiver.objects.filter(pk=waiver.pk).delete()
    with pytest.raises(DatabaseError, match="begins by being asked"), transaction.atomic():
        waiver.pk, waiver.state = None, "approved"
        waiver.save(force_insert=True)


def test_it_ends_by_itself_and_counts_again(company: Company) -> None:
    waiver = company.agree(company.want(until=in_days(1)))
    later = in_days(1) + timedelta(minutes=1)
    assert actions.close_what_ran_out(later) == 1
    waiver.refresh_from_db()
    assert (waiver.state, waiver.end, waiver.ended_by) == ("ended", "expired", "system:engine")
    assert company.unit("legacy-net").verdict == "blocked"
    assert not company.finding().waived
    assert [event["detail"]["end"] for event in events("readiness.waiver_ended")] == ["expired"]


def test_a_later_assessment_does_not_wait_for_the_books(company: Company) -> None:
    waiver = company.agree(company.want(until=in_days(1)))
    actions.assess([company.unit("legacy-net")], now=in_days(2), by=company.tomas.actor)
    waiver.refresh_from_db()
    assert company.unit("legacy-net").verdict == "blocked"
    assert (waiver.state, waiver.end) == ("ended", "expired")


def test_other_evidence_reopens_it_and_says_what_changed(company: Company) -> None:
    waiver = company.agree(company.want())
    peering = Resource.objects.get(unit__name="legacy-net", type__icontains="virtualNetworkPeerings")
    peering.document["properties"]["peeringState"] = "Disconnected"
    renamed = peering.document["id"].rsplit("/", 1)[0] + "/another"
    peering.document |= {"id": renamed, "name": "another"}
    Resource.objects.filter(pk=peering.pk).update(document=peering.document, key=renamed.lower())
    actions.assess([company.unit("legacy-net")], now=database_now(), by=company.tomas.actor)
    waiver.refresh_from_db()
    assert (waiver.state, waiver.end) == ("ended", "changed")
    assert "It says now" in waiver.end_reason
    assert company.unit("legacy-net").verdict == "blocked"


def test_when_the_rule_no_longer_applies_the_waiver_is_over(company: Company) -> None:
    waiver = company.agree(company.want())
    Resource.objects.filter(key__regex="peering|hub-net").update(gone_at=database_now())
    actions.assess([company.unit("legacy-net")], now=database_now(), by=company.tomas.actor)
    waiver.refresh_from_db()
    assert (waiver.state, waiver.end) == ("ended", "settled")


def test_what_azure_itself_says_is_not_set_aside(company: Company) -> None:
    waiver = company.agree(company.want())
    text = "Virtual network legacy-net has peerings, which is not supported for migration"
    said = PlatformMessage(category=Category.ERROR, message=text, resource_name="legacy-net")
    actions.record_platform_answer(
        company.unit("legacy-net"), verb=Verb.VALIDATE, messages=[said], passed=False,
        by=company.tomas.actor, now=database_now(),
    )  # fmt: skip
    assert company.unit("legacy-net").verdict == "blocked"
    for finding in Finding.objects.filter(unit__name="legacy-net", outcome="yes", source="platform"):
        with pytest.raises(actions.WaiverRefused, match="Azure itself said so"):
            company.want(rule=finding.rule, resource_key=finding.resource_key)
    waiver.refresh_from_db()
    assert waiver.state in ("approved", "ended")


def test_revoked_it_counts_again_at_once(company: Company) -> None:
    waiver = company.agree(company.want())
    actions.revoke_waiver(waiver, reason="The partner stays.", by=company.maya, now=database_now())
    assert company.unit("legacy-net").verdict == "blocked"
    with pytest.raises(actions.WaiverRefused, match="sets nothing aside"):
        actions.revoke_waiver(waiver, reason="Again.", by=company.maya, now=database_now())


def test_declined_and_taken_back_change_nothing_and_can_be_asked_again(company: Company) -> None:
    actions.decline_waiver(company.want(), reason="Delete it instead.", by=company.aiko, now=database_now())
    actions.withdraw_waiver(company.want(), by=company.tomas, now=database_now())
    assert company.unit("legacy-net").verdict == "blocked"
    third = company.want()
    with pytest.raises(actions.WaiverRefused, match="asked for already"):
        company.want()
    company.agree(third)
    with pytest.raises(actions.WaiverRefused, match="set aside already"):
        company.want()


def test_agreeing_to_what_is_no_longer_there_sets_nothing_aside(company: Company) -> None:
    waiver = company.want()
    Resource.objects.filter(key__regex="peering|hub-net").update(gone_at=database_now())
    actions.assess([company.unit("legacy-net")], now=database_now(), by=company.tomas.actor)
    with pytest.raises(actions.WaiverOutdated, match="no longer applies"):
        company.agree(waiver)
    waiver.refresh_from_db()
    assert waiver.state == "withdrawn"
    with pytest.raises(actions.WaiverRefused):
        company.agree(waiver)


def test_the_page_decided_on_has_to_be_this_one(company: Company) -> None:
    with pytest.raises(actions.WaiverRefused, match="another version"):
        company.agree(company.want(), shown="f" * 64)
    with pytest.raises(actions.WaiverRefused, match="not what is there now"):
        company.want(shown="f" * 64, resource_key=company.finding().resource_key)


@pytest.mark.parametrize(
    ("given", "says", "field"),
    [
        ({"reason": " "}, "Say why", "reason"),
        ({"until": None}, "always ends", "until"),
        ({"until": -1}, "passed already", "until"),
        ({"until": 400}, "a year at most", "until"),
        ({"rule": "SUB-REGION"}, "no such finding|nobody knows yet", ""),
        ({"resource_key": "/gone"}, "no such finding", ""),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(company: Company, given: dict, says: str, field: str) -> None:
    if given.get("until"):
        given = {"until": in_days(given["until"])}
    with pytest.raises(actions.WaiverRefused, match=says) as refused:
        company.want(**given)
    assert refused.value.field == field
    assert not Waiver.objects.exists()


def test_what_is_done_first_and_what_is_only_information_is_not_waived(company: Company) -> None:
    quota = company.finding("pricing", "SUB-QUOTA-CORES")
    with pytest.raises(actions.WaiverRefused, match="ask for more quota"):
        actions.ask_waiver(
            quota.unit, rule=quota.rule, resource_key=quota.resource_key, reason=REASON, until=in_days(1),
            by=company.tomas, now=database_now(),
        )  # fmt: skip


def test_roles(company: Company) -> None:
    with pytest.raises(Denied):
        company.want(by=company.noor)
    waiver = company.want(by=company.maya)
    with pytest.raises(Denied):
        company.agree(waiver, by=company.noor)
    company.agree(waiver, by=company.tomas)


def test_the_approval_of_a_wave_seals_what_is_set_aside_and_falls_with_it(company: Company) -> None:
    assert wave_queries.objections(company.unit("legacy-net"))
    waiver = company.agree(company.want())
    wave = company.approved("legacy-net")
    approval = wave.approvals.get()
    unit = company.unit("legacy-net")
    findings = json.loads(approval.body)["units"][unit.key]["findings"]
    [state] = [said for name, said in findings.items() if name.startswith("VNET-PEERING ")]
    assert state == "blocks yes waived"
    assert wave_queries.wave_drift(approval) == wave_queries.wave_drift(approval, unit) == []
    actions.revoke_waiver(waiver, reason="The partner stays.", by=company.maya, now=database_now())
    assert any("VNET-PEERING" in moved for moved in wave_queries.wave_drift(approval))
    assert wave_queries.wave_drift(approval, company.unit("legacy-net")) == ["VNET-PEERING now says yes"]


def test_whoever_approves_a_wave_sees_what_is_set_aside(company: Company) -> None:
    company.agree(company.want())
    approval = company.approved("legacy-net").approvals.get()
    sealed = reviews.wave(approval)
    [unit] = sealed.units
    assert sealed.waived == 1
    assert [rule for rule, _ in unit.waived] == ["VNET-PEERING"]
    assert "VNET-PEERING" not in {rule for found in unit.yes.values() for rule, _ in found}
