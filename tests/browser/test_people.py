"""What people say of findings, in a real browser: waived by two, attested by one, looked at again without reloading."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from migrator.simulator import running
from tests.tracker.readiness.people import Company, in_days
from tracker.inventory import actions as inventory
from tracker.readiness import actions
from tracker.readiness.models import Attestation, Recheck, Waiver
from tracker.runs.queries import database_now

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def simulator() -> Iterator[running.Running]:
    with running.simulator(scenario="journey") as process:
        yield process


@pytest.fixture
def company(simulator: running.Running, transactional_db: None) -> Iterator[Company]:
    made = Company(simulator)
    made.begin()
    yield made
    made.close()


def complaints(page: Page) -> list[str]:
    """Of the browser, but that a form was refused, which was meant."""
    return [one for one in page.complaints if "409 (Conflict)" not in one]  # type: ignore[attr-defined]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_finding_is_set_aside_by_two_people_and_counts_again(
    open_page: Callable[..., Page], company: Company, script: bool
) -> None:
    finding = company.finding()
    page = open_page(f"/units/{finding.unit_id}/", user=company.tomas, script=script)
    page.locator("#rule-VNET-PEERING").get_by_role("link", name="Waive…").click()
    expect(page.get_by_text("would be")).to_contain_text("Unknown")
    page.get_by_role("button", name="Ask for approval").click()
    expect(page.locator("#reason-wrong")).to_contain_text("Say why")
    page.get_by_label("Reason").fill("The peering goes away next week.")
    page.get_by_label("Until the end of").fill(in_days(20).date().isoformat())
    page.get_by_role("button", name="Ask for approval").click()
    expect(page.locator("#decide")).to_contain_text("You asked for this.")
    waiver = Waiver.objects.get()
    second = open_page("/waivers/?state=asked", user=company.aiko, script=script)
    second.locator(f"#waiver-{waiver.pk}").click()
    second.get_by_role("button", name="Agree").click()
    expect(second.locator("#waiver")).to_contain_text("Set aside until")
    if script:  # the first page follows by itself
        expect(page.locator("#waiver")).to_contain_text("Set aside until", timeout=8000)
    page.goto(f"/units/{finding.unit_id}/")
    expect(page.locator("#verdict")).to_contain_text("Nothing known blocks it")
    expect(page.locator("#rule-VNET-PEERING")).to_contain_text("Tomas and Aiko, until")
    second.get_by_label("Reason").fill("The partner stays.")
    second.get_by_role("button", name="End it now").click()
    expect(second.locator("#waiver")).to_contain_text("The finding counts again.")
    page.reload()
    expect(page.locator("#verdict")).to_contain_text("1 finding blocks it")
    assert complaints(page) == complaints(second) == []


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_an_unknown_is_attested_and_withdrawn(open_page: Callable[..., Page], company: Company, script: bool) -> None:
    finding = company.finding("shop-net", "VNET-BATCH")
    page = open_page(f"/units/{finding.unit_id}/", user=company.maya, script=script)
    page.locator("#rule-VNET-BATCH > summary").click()
    page.locator("#rule-VNET-BATCH").get_by_role("link", name="Attest…").click()
    page.get_by_role("button", name="Attest").click()
    expect(page.locator("#answer-wrong")).to_contain_text("Choose one")
    page.get_by_label("It does not apply").check()
    page.get_by_label("Until the end of").fill("2020-01-01")
    page.get_by_label("How you know").fill("I asked the team that runs it.")
    page.get_by_role("button", name="Attest").click()
    expect(page.locator("#until-wrong")).to_contain_text("passed already")
    expect(page.get_by_label("How you know")).to_have_value("I asked the team that runs it.")  # nothing typed is lost
    page.get_by_label("Until the end of").fill("")
    page.get_by_role("button", name="Attest").click()
    expect(page).to_have_url(re.compile(r"/units/\d+/#rule-VNET-BATCH"))
    expect(page.get_by_text("Your answer counts.")).to_be_visible()
    page.goto("/attestations/?state=counts")
    page.locator(f"#attestation-{Attestation.objects.get().pk}").click()
    page.get_by_label("Reason").fill("The team was wrong.")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.locator("#decide")).to_contain_text("It counts no more.")
    assert company.finding("shop-net", "VNET-BATCH").outcome == "unknown"
    assert complaints(page) == []


def test_a_unit_is_looked_at_again_and_the_page_follows(open_page: Callable[..., Page], company: Company) -> None:
    unit = company.unit("legacy-net")
    page = open_page(f"/units/{unit.pk}/", user=company.tomas)
    page.get_by_role("button", name="Re-check").click()
    expect(page.locator("#recheck")).to_contain_text("Being looked at again")
    company.delete("virtualNetworkPeerings/to-hub-net", "virtualNetworks/hub-net")
    row = inventory.sync(unit.subscription, company.gateway, database_now, company.tomas.actor)
    actions.assess([unit], now=database_now(), by=company.tomas.actor)
    inventory.followed(row, database_now())
    Recheck.objects.update(due_at=database_now())
    actions.advance_recheck(Recheck.objects.get().pk, clock=database_now)
    expect(page.locator("#recheck")).to_contain_text("blocked → unknown", timeout=8000)
    page.locator("#recheck").get_by_role("link", name="Show the newest").click()
    expect(page.locator("#verdict")).to_contain_text("Nothing known blocks it")
    page.goto("/rules/SUB-TOOLING/")
    page.get_by_role("button", name="Re-check its units").click()
    expect(page.locator("#recheck")).to_contain_text("being looked at again")
    actions.advance_recheck(Recheck.objects.get(state="wanted").pk, clock=database_now)
    expect(page.locator("#recheck")).to_contain_text("nothing changed", timeout=8000)
    assert page.complaints == []


def test_every_page_in_every_look(
    open_page: Callable[..., Page], in_every_look: Callable[..., list[str]], company: Company
) -> None:
    finding, open_ = company.finding(), company.finding("shop-net", "VNET-BATCH")
    waiver, said = company.want(), company.attest(company.finding("shop-net", "VNET-BATCH"))
    quota = company.finding("pricing", "SUB-QUOTA-CORES")
    paths = {
        "waivers": "/waivers/",
        "waivers-none": "/waivers/?state=ended",
        "waiver": f"/waivers/{waiver.pk}/",
        "waiver-none": f"/waivers/new/?unit={quota.unit_id}&rule={quota.rule}&resource={quota.resource_key}",
        "attestations": "/attestations/",
        "attestation": f"/attestations/{said.pk}/",
        "attestation-new": f"/attestations/new/?unit={open_.unit_id}&rule={open_.rule}&resource={open_.resource_key}",
    }
    page = open_page("/waivers/", user=company.aiko)
    for name, path in paths.items():
        page.goto(path)
        assert in_every_look(page, name) == [], name
    assert page.complaints == []
    company.agree(waiver)
    page.goto(f"/units/{finding.unit_id}/")
    assert in_every_look(page, "unit-waived") == []
