"""What would unblock most, in a real browser: narrowed by a filter, a number followed to its list, the same number."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.web.estate import Estate, recorded
from tests.web.test_unblock import HELD
from tracker.inventory.models import Unit
from tracker.readiness.actions import open_rules
from tracker.readiness.models import Assessment
from tracker.runs.queries import database_now

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def recording() -> object:
    return recorded()


@pytest.fixture
def held(transactional_db: None, recording: object) -> Estate:
    made = Estate(recording)  # type: ignore[arg-type]
    for name, rules in HELD.items():
        said = open_rules((rule, "blocks", "yes") for rule in rules)
        Unit.objects.filter(name=name).update(open_rules=list(said), owner="Ana" if name == "pricing" else "")
    return made


def test_a_planner_narrows_the_page_and_finds_the_same_number_behind_it(
    open_page: Callable[..., Page], held: Estate
) -> None:
    page = open_page("/", user=held.maya)
    page.get_by_role("link", name="All of them, and in which order").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What would unblock most")
    expect(page.get_by_text("3 blocked units", exact=True)).to_be_visible()
    page.get_by_role("link", name="Nobody").click()
    expect(page).to_have_url(re.compile(r"owner=none"))
    expect(page.get_by_text("2 blocked units", exact=True)).to_be_visible()
    number = page.locator("#rule-VNET-CIDR").get_by_role("link", name=re.compile(r"^\d+ unit"))
    expect(number).to_have_text("1 unit")
    number.click()
    expect(page).to_have_url(re.compile(r"/inventory/\?owner=none&blocks=VNET-CIDR"))
    expect(page.locator(".count-line")).to_have_text("1 unit")
    expect(page.locator("tbody .row-link")).to_have_text(["legacy-net"])
    page.go_back()
    page.locator("#step-1").get_by_role("link", name=re.compile(r"^\d+ unit")).first.click()
    expect(page.locator(".count-line")).to_have_text("1 unit")
    expect(page.locator("tbody .row-link")).to_have_text(["shopfiles"])
    assert page.complaints == []  # type: ignore[attr-defined]


def test_the_page_and_the_line_of_verdicts_are_accessible_and_fit(
    open_page: Callable[..., Page], in_every_look: Callable[..., list[str]], held: Estate
) -> None:
    unit = held.unit("legacy-net")
    listed = [{"rule": "VNET-PEERING", "resource": f"{unit.key}/peering"}]
    Assessment.objects.create(
        unit=unit, at=database_now(), catalogue_version="v", verdict="ready", score=95, deductions=[], digest="0" * 64,
        turned={"opened": {"count": 0, "listed": []}, "closed": {"count": 1, "listed": listed}},
    )  # fmt: skip
    page = open_page("/readiness/unblock/", user=held.maya)
    assert in_every_look(page, "unblock") == []
    page.goto(f"/units/{unit.pk}/history/")
    expect(page.locator("#verdict-line circle")).to_have_count(2)
    page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = !d.matches('.menu'))")
    page.wait_for_timeout(150)
    assert in_every_look(page, "verdicts") == []
    assert page.complaints == []  # type: ignore[attr-defined]
