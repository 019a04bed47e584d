"""The estate in a real browser: overview, inventory, unit, rules; real clicks, axe at both sizes and themes."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.web.estate import Estate, recorded
from tracker.inventory.models import Resource, Unit

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def recording() -> object:
    return recorded()


@pytest.fixture
def estate(transactional_db: None, recording: object) -> Estate:
    made = Estate(recording)  # type: ignore[arg-type]
    wave = made.wave("Wave 1: the shop", "shop-net")
    made.submitted(wave)
    made.compared(made.run("shop-net", "prepared"))
    return made


def test_a_planner_goes_from_the_overview_to_a_unit_and_back_through_the_list(
    open_page: Callable[..., Page], estate: Estate
) -> None:
    page = open_page("/", user=estate.maya)
    page.locator("#flow-blocked").click()
    expect(page).to_have_url(re.compile(r"/inventory/\?verdict=blocked"))
    expect(page.locator("tbody .row-link")).to_have_text(["legacy-net", "pricing"])
    page.locator("tbody tr", has_text="legacy-net").locator("summary").click()
    expect(page.get_by_role("link", name="Members of legacy-net, as a picture and a table")).to_be_visible()
    page.get_by_role("link", name="legacy-net", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("legacy-net")
    page.locator(".blockers a").first.click()
    expect(page.locator(".finding:target")).to_be_in_viewport()
    page.get_by_role("navigation", name="Views of legacy-net").get_by_role("link", name="Members").click()
    expect(page.get_by_role("heading", name="What moves together")).to_be_visible()
    assert page.complaints == []  # type: ignore[attr-defined]


def test_units_are_ticked_by_key_and_given_an_owner(open_page: Callable[..., Page], estate: Estate) -> None:
    page = open_page("/inventory/", user=estate.maya)
    expect(page.locator(".bulk")).to_be_hidden()
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator(".bulk")).to_be_visible()
    page.get_by_text("Assign owner", exact=True).first.click()
    page.get_by_label("Owner").fill("Ana Lima")
    page.get_by_role("button", name="Assign owner").click()
    expect(page.get_by_text("2 units now belong to Ana Lima.")).to_be_visible()
    assert set(Unit.objects.filter(owner="Ana Lima").values_list("name", flat=True)) == {"legacy-net", "pricing"}


def test_sync_now_is_seen_in_the_live_panel_without_a_reload(open_page: Callable[..., Page], estate: Estate) -> None:
    page = open_page("/", user=estate.tomas)
    panel = page.locator("#readings")
    expect(panel).to_contain_text("Complete")
    type(estate.subscription).objects.update(sync_wanted_at="2026-11-22T10:00Z")
    expect(panel).to_contain_text("Asked for", timeout=6_000)


def test_a_live_part_keeps_the_focus_where_it_was(open_page: Callable[..., Page], estate: Estate) -> None:
    page = open_page("/", user=estate.tomas)
    page.locator("#overview-now .row-link").first.focus()
    before = page.evaluate("document.activeElement.id")
    assert before
    with page.expect_response(lambda answer: "/overview/now/" in answer.url and answer.status == 200, timeout=8_000):
        estate.wave("Wave 2: later")
    page.wait_for_timeout(200)
    assert page.evaluate("document.activeElement.id") == before


def test_it_all_works_without_javascript(open_page: Callable[..., Page], estate: Estate) -> None:
    page = open_page("/inventory/?q=shopfiles", user=estate.maya, script=False)
    page.get_by_label("Select shopfiles").check()
    page.get_by_text("Exclude…").click()
    page.get_by_label("Why they stay out of the programme").fill("Empty since May")
    page.get_by_role("button", name="Exclude", exact=True).click()
    expect(page.get_by_text("1 unit is excluded from the programme.")).to_be_visible()
    page.locator("tbody summary").first.click()
    page.get_by_role("link", name="Members of shopfiles").click()
    expect(page).to_have_url(re.compile("/members/$"))


PATHS = ("/", "/inventory/", "/rules/?scope=subscription", "/rules/VNET-PEERING/", "/search/?q=shop")
TABS = ("", "members/", "snapshots/", "compare/", "runs/", "history/")


def test_every_page_of_the_estate_is_accessible_and_fits(
    open_page: Callable[..., Page], in_every_look: Callable[..., list[str]], estate: Estate
) -> None:
    units = [f"/units/{estate.unit('shop-net').pk}/{tab}" for tab in TABS]
    role = Resource.objects.filter(unit=estate.unit("shop-net"), type__endswith="/roles").first()
    paths = [*PATHS, *units, f"/units/{estate.unit('legacy-net').pk}/", f"/resources/{role.pk}/"]  # type: ignore[union-attr]
    page = open_page(paths[0], user=estate.maya)
    for number, path in enumerate(paths):
        if number:
            page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = !d.matches('.menu'))")
        page.wait_for_timeout(150)
        assert in_every_look(page, f"estate-{number:02}") == [], path
    assert page.complaints == []  # type: ignore[attr-defined]
