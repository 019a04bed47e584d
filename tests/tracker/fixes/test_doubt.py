"""What must never happen: a fix nobody else agreed to, one that is no longer what it was, a POST sent twice."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from migrator.gateway.arm import StaticToken
from migrator.gateway.azure import Azure
from migrator.gateway.protocol import Applied, Unreachable
from migrator.resources import ArmRequest
from tests.tracker.fixes.conftest import Company, Wrapped
from tracker.accounts.actions import Denied
from tracker.audit.models import Event
from tracker.fixes import actions as fixes
from tracker.fixes import queries
from tracker.fixes.models import Fix
from tracker.inventory.models import Resource, Unit
from tracker.runs import actions as runs
from tracker.runs.queries import database_now
from tracker.waves import actions as waves

SLOTS = ("campaign-site", "CS-TWO-SLOTS-DYN")
SWAP = ("preview-site", "CS-STAGING-ONLY")


class Killed(BaseException):
    """The worker is gone: nothing behind this line runs."""


def killed(company: Company, fix: Fix, *, after: bool) -> None:
    """The worker dies right before, or right after, the request leaves."""

    def send(request: Any) -> Any:
        if request.method == "GET":
            return company.gateway.send(request)
        if after:
            company.gateway.send(request)
        raise Killed

    company.wrapped = Wrapped(company.gateway, send=send)  # type: ignore[arg-type]
    with pytest.raises(Killed):
        company.step(fix)
    company.wrapped = None
    fix.refresh_from_db()
    assert fix.state == "sent" and fix.sent_at is not None and not fix.accepted


def later(fix: Fix, seconds: float) -> None:
    """As if so much time had passed since it was sent; the dead worker's lease is over."""
    moved = fix.sent_at - timedelta(seconds=seconds) if fix.sent_at else None
    Fix.objects.filter(pk=fix.pk).update(lease_until=None, sent_at=moved)
    fix.refresh_from_db()


# --- who agrees to what ---
def test_nobody_agrees_to_what_they_asked_for_and_the_database_says_so_too(company: Company) -> None:
    fix = company.asked(*SLOTS)
    with pytest.raises(fixes.OwnRequest):
        fixes.approve(fix, seal=fix.seal, by=company.tomas, now=database_now())
    with pytest.raises(DatabaseError, match="self-approval"), transaction.atomic():
        Fix.objects.filter(pk=fix.pk).update(
            state="approved", decided_by=company.tomas, decided_at=database_now(), due_at=database_now()
        )
    with pytest.raises(DatabaseError, match="fix_is_decided"), transaction.atomic():
        Fix.objects.filter(pk=fix.pk).update(state="approved")
    fix.refresh_from_db()
    assert fix.state == "asked"


@pytest.mark.parametrize("change", [{"plan": {}}, {"seal": "x"}, {"reason": "another"}, {"touched": []}])
def test_what_was_asked_for_never_changes(company: Company, change: dict[str, Any]) -> None:
    fix = company.asked(*SLOTS)
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Fix.objects.filter(pk=fix.pk).update(**change)


def test_a_decision_stays_and_so_does_the_row(company: Company) -> None:
    fix = company.approved_fix(*SLOTS)
    with pytest.raises(DatabaseError, match="decision never changes"), transaction.atomic():
        Fix.objects.filter(pk=fix.pk).update(decision_reason="other words")
    with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic():
        Fix.objects.filter(pk=fix.pk).delete()
    with pytest.raises(DatabaseError, match="Invalid transition"), transaction.atomic():
        Fix.objects.filter(pk=fix.pk).update(state="asked")


def test_roles_decide_who_asks_and_who_agrees(company: Company) -> None:
    key = company.finding(*SLOTS).resource_key
    unit, rule = company.unit(SLOTS[0]), SLOTS[1]
    for nobody in (company.maya, company.noor):
        with pytest.raises(Denied, match="ask for fixes"):
            fixes.ask(unit, rule=rule, resource_key=key, reason="x", by=nobody, now=database_now())
        with pytest.raises(Denied):
            fixes.rehearse(unit, rule=rule, resource_key=key, by=nobody, now=database_now())
    fix = company.asked(*SLOTS)
    for act in (fixes.approve, fixes.decline):
        with pytest.raises(Denied):
            seen = {"seal": fix.seal} if act is fixes.approve else {}
            act(fix, reason="x", by=company.maya, now=database_now(), **seen)
    assert not Fix.objects.exclude(state="asked").exists()


def test_one_live_fix_of_a_finding(company: Company) -> None:
    fix = company.asked(*SLOTS)
    with pytest.raises(fixes.NotNow, match="already"):
        company.asked(*SLOTS)
    fixes.withdraw(fix, by=company.tomas, now=database_now())
    assert company.asked(*SLOTS).pk != fix.pk


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1001, "a\x00b"])
def test_a_reason_is_needed_and_can_be_kept(company: Company, reason: str) -> None:
    key = company.finding(*SLOTS).resource_key
    with pytest.raises(fixes.BadReason):
        fixes.ask(
            company.unit(SLOTS[0]), rule=SLOTS[1], resource_key=key, reason=reason, by=company.tomas, now=database_now()
        )
    assert not Fix.objects.exists()


def test_it_is_declined_with_a_reason_and_then_over(company: Company) -> None:
    fix = company.asked(*SLOTS)
    with pytest.raises(fixes.BadReason):
        fixes.decline(fix, reason=" ", by=company.aiko, now=database_now())
    fixes.decline(fix, reason="Staging is needed this week.", by=company.aiko, now=database_now())
    with pytest.raises(fixes.NotOpen):
        fixes.approve(fix, seal=fix.seal, by=company.aiko, now=database_now())
    assert company.step(fix) == "not due"


# --- what it was made from moves ---
def test_another_page_is_not_agreed_to(company: Company) -> None:
    fix = company.asked(*SLOTS)
    with pytest.raises(fixes.NotOpen, match="another version"):
        fixes.approve(fix, seal="0" * 64, by=company.aiko, now=database_now())


def test_what_moved_before_it_was_agreed_to_is_outdated(company: Company) -> None:
    fix = company.asked(*SLOTS)
    Resource.objects.filter(key__endswith="/campaign-site/slots/staging").update(digest="f" * 64)
    with pytest.raises(fixes.Outdated) as caught:
        fixes.approve(fix, seal=fix.seal, by=company.aiko, now=database_now())
    assert any("staging" in line for line in caught.value.moved)
    fix.refresh_from_db()
    assert fix.state == "outdated"
    assert Event.objects.filter(type="fix.outdated", object_id=str(fix.pk)).count() == 1
    assert company.requests("DELETE", "") == []


def test_what_is_gone_between_agreement_and_sending_is_outdated_and_nothing_is_sent(company: Company) -> None:
    fix = company.approved_fix(*SLOTS)
    staging = queries.plan_of(fix).steps[0].request
    assert staging is not None
    company.gateway.send(staging)  # somebody else did it
    before = len(company.requests("DELETE", ""))
    assert "outdated" in company.step(fix)
    assert fix.state == "outdated" and "not there any more" in fix.last_error
    assert len(company.requests("DELETE", "")) == before


def test_another_deployment_in_its_place_is_not_deleted(company: Company) -> None:
    fix = company.approved_fix(*SLOTS)
    fresh = company.gateway.read

    def read(resource_id: str) -> Any:
        document = fresh(resource_id)
        if document and resource_id.lower().endswith("/slots/staging"):
            return {**document, "properties": {**document["properties"], "createdTime": "2026-11-23T00:00:00Z"}}
        return document

    company.wrapped = Wrapped(company.gateway, read=read)  # type: ignore[arg-type]
    assert "outdated" in company.step(fix)
    assert company.requests("DELETE", "") == []


def test_a_unit_that_is_under_way_meanwhile_is_left_alone(company: Company) -> None:
    fix = company.approved_fix(*SLOTS)
    Unit.objects.filter(pk=fix.unit_id).update(progress="preparing")
    assert "outdated" in company.step(fix)
    assert company.requests("DELETE", "") == []
    for refused in ("asked", "rehearse"):
        with pytest.raises(fixes.NotNow, match="preparing"):
            if refused == "asked":
                company.asked(*SLOTS)
            else:
                fixes.rehearse(
                    company.unit(SLOTS[0]), rule=SLOTS[1], resource_key=fix.resource_key, by=company.tomas,
                    now=database_now(),
                )  # fmt: skip


def test_no_run_starts_beside_a_fix_and_no_fix_is_agreed_to_beside_a_run(company: Company) -> None:
    waiting = company.asked("store-locator", "CS-SINGLE-INSTANCE")
    company.approved("store-locator")
    run = runs.start(company.unit("store-locator"), by=company.tomas, now=database_now())
    with pytest.raises(fixes.NotNow, match="live run"):
        fixes.approve(waiting, seal=waiting.seal, by=company.aiko, now=database_now())
    runs.ask(run, "cancel", by=company.tomas, now=database_now())
    Unit.objects.filter(name="store-locator").update(progress="planned")
    fix = fixes.approve(waiting, seal=waiting.seal, by=company.aiko, now=database_now())
    with pytest.raises(runs.Illegal, match="A fix goes to store-locator"):
        runs.start(company.unit("store-locator"), by=company.tomas, now=database_now())
    company.until_over(fix)
    assert fix.state == "done"


# --- sending ---
def test_a_worker_killed_before_a_delete_left_is_followed_by_another_that_sends_it(company: Company) -> None:
    fix = company.approved_fix(*SLOTS)
    killed(company, fix, after=False)
    assert company.step(fix) == "not due"  # the dead one's lease
    later(fix, 5)
    assert "not seen yet" in company.step(fix)
    assert company.requests("DELETE", "") == []  # not so soon: the first may still arrive
    later(fix, 120)
    company.until_over(fix)
    assert fix.state == "done"
    assert len(company.requests("DELETE", "/slots/Staging")) == 1


@pytest.mark.parametrize("which", [SLOTS, SWAP])
def test_a_worker_killed_after_sending_is_followed_by_another_that_only_looks(
    company: Company, which: tuple[str, str]
) -> None:
    fix = company.approved_fix(*which)
    killed(company, fix, after=True)
    later(fix, 1)
    company.until_over(fix)
    assert fix.state == "done"
    assert len(company.requests("DELETE", "") + company.requests("POST", "/swap")) == 1


def test_a_swap_that_was_never_answered_is_not_sent_again(company: Company) -> None:
    fix = company.approved_fix(*SWAP)
    killed(company, fix, after=False)
    for seconds in (120, 900):
        later(fix, seconds)
        assert "not seen yet" in company.step(fix)
    later(fix, 2000)
    company.step(fix)
    assert fix.state == "failed"
    assert "sent once and never answered" in fix.last_error
    assert company.requests("POST", "/swap") == []


def test_an_answer_that_is_lost_is_found_by_looking(company: Company) -> None:
    fix = company.approved_fix(*SWAP)

    def send(request: Any) -> Any:
        company.gateway.send(request)
        raise Unreachable("Azure gave no answer.", applied=Applied.UNKNOWN)

    company.wrapped = Wrapped(company.gateway, send=send)  # type: ignore[arg-type]
    assert "no clear answer" in company.step(fix)
    company.wrapped = None
    company.until_over(fix)
    assert fix.state == "done"
    assert len(company.requests("POST", "/swap")) == 1


def test_two_workers_with_one_message_send_once(company: Company) -> None:
    fix = company.approved_fix(*SLOTS)
    inner: list[str] = []

    def read(resource_id: str) -> Any:
        if not inner:
            inner.append(fixes.advance(fix.pk, gateway=lambda _: company.gateway, clock=database_now))
        return company.gateway.read(resource_id)

    company.wrapped = Wrapped(company.gateway, read=read)  # type: ignore[arg-type]
    company.step(fix)
    assert inner == ["not due"]
    assert len(company.requests("DELETE", "")) == 1


def test_a_worker_that_lost_its_lease_writes_and_sends_nothing(company: Company) -> None:
    fix = company.approved_fix(*SLOTS)

    def read(resource_id: str) -> Any:
        Fix.objects.filter(pk=fix.pk).update(fence=1000)
        return company.gateway.read(resource_id)

    company.wrapped = Wrapped(company.gateway, read=read)  # type: ignore[arg-type]
    assert company.step(fix) == "lost the lease"
    assert company.requests("DELETE", "") == []
    assert fix.state == "approved"


def test_throttled_is_waited_for_and_then_sent(company: Company) -> None:
    fix = company.approved_fix(*SLOTS)
    company.fault("throttle", method="DELETE", retry_after=1)
    assert "again later" in company.step(fix)
    assert fix.sent_at is None and fix.due_at is not None
    company.until_over(fix)
    assert fix.state == "done" and fix.tries == 0


@pytest.mark.parametrize("which", [("store-locator", "CS-SINGLE-INSTANCE")])
def test_a_post_azure_did_not_take_is_sent_again(company: Company, which: tuple[str, str]) -> None:
    fix = company.approved_fix(*which)
    company.fault("throttle", method="POST", retry_after=1)
    assert "again later" in company.step(fix)
    company.until_over(fix)
    assert fix.state == "done"


def test_a_refusal_ends_it_with_azure_s_words(company: Company) -> None:
    fix = company.approved_fix(*SLOTS)
    group = company.unit("campaign-site").azure_id.partition("/providers/")[0]
    lock = ArmRequest(
        method="PUT",
        path=f"{group}/providers/Microsoft.Authorization/locks/keep",
        api_version="2020-05-01",
        body={"properties": {"level": "CanNotDelete"}},
    )
    company.gateway.send(lock)
    company.step(fix)
    assert fix.state == "failed" and "ScopeLocked" in fix.last_error
    assert fix.ended_at is not None


def test_a_missing_right_is_named(company: Company) -> None:
    fix = company.approved_fix(*SLOTS)
    simulator = company.simulator.base_url
    company.wrapped = Azure(simulator, f"{simulator}/service-management", StaticToken("reader-token"), deadline=5)
    company.step(fix)
    company.wrapped.close()
    assert fix.state == "failed"
    assert "Microsoft.ClassicCompute/domainNames/slots/delete" in fix.last_error
    assert "Give the credential this right" in fix.last_error


def test_what_cannot_be_read_decides_nothing(company: Company) -> None:
    fix = company.approved_fix(*SLOTS)
    company.fault("malformed", method="GET", unit="campaign-site", times=20, body="html")
    assert "again later" in company.step(fix)
    assert fix.state == "approved"
    assert company.requests("DELETE", "") == []
    company.simulator.control("faults", method="DELETE")
    assert company.until_over(fix).state == "done"


def test_a_freeze_holds_it(company: Company) -> None:
    fix = company.approved_fix(*SLOTS)
    waves.freeze("all", reason="Black Friday", by=company.tomas, now=database_now())
    assert "Frozen" in company.step(fix)
    assert company.requests("DELETE", "") == []
    waves.lift("all", by=company.tomas, now=database_now())
    waves.lift("all", by=company.aiko, now=database_now())
    assert company.until_over(fix).state == "done"


def test_two_fixes_of_one_unit_follow_each_other(company: Company) -> None:
    first = company.approved_fix("vouchers", "CS-SINGLE-INSTANCE")
    second = company.approved_fix("vouchers", "CS-TWO-SLOTS-RIP")
    company.step(first)
    assert first.state == "sent"
    assert "comes to its end first" in company.step(second)
    company.until_over(first)
    assert first.state == "done"
    company.step(second)
    assert second.state in ("sent", "outdated", "approved")
    company.until_over(second)
    assert second.state == "done", second.last_error


def test_what_was_sent_is_not_taken_back(company: Company) -> None:
    fix = company.approved_fix(*SWAP)
    company.step(fix)
    with pytest.raises(fixes.NotOpen, match="already sent"):
        fixes.withdraw(fix, by=company.tomas, now=database_now())


# --- rehearsing ---
def rehearsed(company: Company, unit: str, rule: str) -> Fix:
    key = company.finding(unit, rule).resource_key
    fix = fixes.rehearse(company.unit(unit), rule=rule, resource_key=key, by=company.tomas, now=database_now())
    assert "rehearsed" in company.step(fix)
    return fix


def states(fix: Fix) -> dict[str, str]:
    return {check["text"]: check["state"] for step in fix.rehearsal["steps"] for check in step["checks"]}


def test_a_rehearsal_reads_everything_and_sends_nothing(company: Company) -> None:
    fix = rehearsed(company, *SLOTS)
    assert fix.state == "draft" and fix.rehearsal["problems"] == 0
    assert set(states(fix).values()) == {"met"}
    assert any("slots/delete" in text for text in states(fix))
    assert company.requests("DELETE", "") == company.requests("POST", "campaign") == []
    assert company.step(fix) == "not due"
    asked = company.asked(*SLOTS)  # the draft becomes what was asked for
    assert (asked.pk, asked.state) == (fix.pk, "asked")


def test_a_rehearsal_names_what_is_not_so(company: Company) -> None:
    fix = company.asked(*SLOTS)
    staging = queries.plan_of(fix).steps[0].request
    assert staging is not None
    company.gateway.send(staging)
    assert "rehearsed" in company.step(fix)
    said = [check["says"] for step in fix.rehearsal["steps"] for check in step["checks"] if check["state"] == "unmet"]
    assert any("not there any more" in line for line in said)
    assert any("already done" in line for line in said)


def test_a_rehearsal_names_a_missing_right(company: Company) -> None:
    fix = company.asked(*SLOTS)
    simulator = company.simulator.base_url
    company.wrapped = Azure(simulator, f"{simulator}/service-management", StaticToken("reader-token"), deadline=5)
    company.step(fix)
    company.wrapped.close()
    company.wrapped = None
    said = [check["says"] for check in fix.rehearsal["steps"][0]["checks"]]
    assert any("lacks Microsoft.ClassicCompute/domainNames/slots/delete" in line for line in said)


def test_a_rehearsal_names_a_lock(company: Company) -> None:
    fix = company.asked(*SLOTS)
    group = fix.unit.azure_id.partition("/providers/")[0]
    place, body = f"{group}/providers/Microsoft.Authorization/locks/keep", {"properties": {"level": "CanNotDelete"}}
    company.gateway.send(ArmRequest(method="PUT", path=place, api_version="2020-05-01", body=body))
    company.step(fix)
    assert any("keep (CanNotDelete)" in check["says"] for check in fix.rehearsal["steps"][0]["checks"])


def test_a_rehearsal_of_what_the_older_api_does_says_what_it_cannot_tell(company: Company) -> None:
    fix = rehearsed(company, "store-locator", "CS-SINGLE-INSTANCE")
    assert "untold" in states(fix).values()
    assert fix.rehearsal["problems"] == 0


def test_a_rehearsal_of_very_many_requests_says_which_it_did_not_look_at(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.fixes.actions.rehearsing.MOST_STEPS", 1)
    fix = rehearsed(company, "brambleimages", "STG-DISK-ARTIFACTS")
    first, *rest = fix.rehearsal["steps"]
    assert {check["state"] for check in first["checks"]} == {"met"}
    assert rest and all("right before it is sent" in step["checks"][0]["says"] for step in rest)
