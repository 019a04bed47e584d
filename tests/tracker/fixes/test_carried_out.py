"""Every kind of fix from the finding to the finding that says no, over HTTP, by both of Azure's APIs."""

import pytest

from tests.tracker.fixes.conftest import Company
from tracker.audit.models import Event
from tracker.fixes import queries
from tracker.fixes.models import Fix
from tracker.inventory.models import Subscription, Unit
from tracker.readiness.models import Finding


@pytest.mark.parametrize(
    ("unit", "rule", "method", "part"),
    [
        ("campaign-site", "CS-TWO-SLOTS-DYN", "DELETE", "campaign-site/slots/Staging"),
        ("partner-net", "VNET-PEERING", "DELETE", "/virtualNetworkPeerings/"),
        ("brambleimages", "VM-DISK-UNATTACHED", "DELETE", "/disks/till-master-copy"),
        ("brambleimages", "STG-DISK-ARTIFACTS", "DELETE", "/brambleimages/"),
        ("store-locator", "CS-SINGLE-INSTANCE", "POST", "/deploymentslots/Production/"),
        ("timesheets", "SUB-REG-FEATURE", "POST", "/register"),
        ("timesheets", "SUB-ARM-LOCK", "DELETE", "/locks/"),
        ("yard-net", "VM-EXT-XML", "DELETE", "/extensions/"),
        ("rip-spring-sale", "NET-RIP-UNATTACHED", "DELETE", "/reservedIps/"),
    ],
)
def test_from_a_finding_to_the_finding_that_says_no(
    company: Company, unit: str, rule: str, method: str, part: str
) -> None:
    finding, row = company.finding(unit, rule), company.unit(unit)
    fix = company.until_over(company.approved_fix(unit, rule))
    assert (fix.state, fix.last_error) == ("done", "")
    assert len(company.requests(method, part)) == len(fix.plan["steps"])  # each once
    assert Subscription.objects.get(pk=row.subscription_id).sync_wanted_at is not None
    assert Finding.objects.get(pk=finding.pk).outcome == "yes"  # until somebody looked: a fix closes nothing by itself
    company.resync(row)
    row.refresh_from_db()
    if row.gone_at is None:
        key = {"rule": rule, "resource_key": finding.resource_key}
        assert not Finding.objects.filter(unit=row, outcome="yes", **key).exists()
    told = list(
        Event.objects.filter(object_kind="fix", object_id=str(fix.pk)).order_by("id").values_list("type", flat=True)
    )
    assert told[0] == "fix.asked" and told[1] == "fix.approved" and told[-1] == "fix.done"
    assert told.index("fix.sent") < told.index("fix.answered")
    if method == "DELETE":
        removed = {one.lower() for step in queries.plan_of(fix).steps for one in step.removes}
        assert removed <= {str(document["id"]).lower() for document in fix.kept}


def test_what_lies_beneath_is_kept_too(company: Company) -> None:
    fix = company.until_over(company.approved_fix("campaign-site", "CS-TWO-SLOTS-DYN"))
    kinds = {document["type"].rsplit("/", 1)[-1] for document in fix.kept}
    assert {"slots", "roles"} <= kinds
    assert queries.again(company.unit("campaign-site")) == [fix]


def test_the_secrets_of_a_configuration_are_in_no_row_and_no_event(company: Company) -> None:
    fix = company.until_over(company.approved_fix("store-locator", "CS-SINGLE-INSTANCE"))
    events = "".join(Event.objects.filter(object_id=str(fix.pk)).values_list("body", flat=True))
    for text in (str(fix.plan), str(fix.kept), str(fix.rehearsal), fix.last_error, events):
        assert "<ServiceConfiguration" not in text


def test_an_empty_service_is_deleted_and_its_unit_is_gone(company: Company) -> None:
    row = company.unit("old-blog")
    fix = company.until_over(company.approved_fix("old-blog", "CS-EMPTY"))
    assert fix.state == "done", fix.last_error
    company.resync(row)
    assert Unit.objects.get(pk=row.pk).gone_at is not None


def test_a_swap_is_one_post_and_moves_the_deployment(company: Company) -> None:
    fix = company.until_over(company.approved_fix("preview-site", "CS-STAGING-ONLY"))
    assert fix.state == "done", fix.last_error
    assert len(company.requests("POST", "/swap")) == 1
    slots = [key for key in company.state()["classic"] if "/domainnames/preview-site/slots/" in key.lower()]
    assert all("/production" in key.lower() for key in slots) and slots


def test_nothing_that_was_registered_is_registered_again(company: Company) -> None:
    """The state is looked at first: what is so already is not sent."""
    first = company.approved_fix("timesheets", "SUB-REG-MIGRATE")
    company.until_over(first)
    second = company.approved_fix("hr-net", "SUB-REG-MIGRATE")
    before = len(company.requests("POST", "/register"))
    company.until_over(second)
    assert second.state == Fix.State.DONE
    assert len(company.requests("POST", "/register")) == before
