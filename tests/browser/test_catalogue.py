"""A catalogue that waits, in a real browser: seen from the banner, previewed live, switched on by clicks, followed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.tracker.readiness.catalogues import made, release, without
from tests.tracker.runs.programme import Programme
from tracker.inventory.models import Unit
from tracker.readiness.actions import advance_catalogue, know_catalogue, preview_catalogue
from tracker.readiness.catalogue_models import CatalogueWork
from tracker.runs.queries import database_now
from tracker.waves import actions as waves

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def waiting(programme: Programme, monkeypatch: pytest.MonkeyPatch) -> str:
    version = release(monkeypatch, [*without("VNET-PEERING"), made("NEW-ONE")])
    know_catalogue(database_now())
    return version


def walk() -> None:
    """What the worker does with a message."""
    advance_catalogue(CatalogueWork.objects.get(state="running").pk, clock=database_now)


def test_from_the_banner_to_in_force_by_clicks_and_without_reloading(
    open_page: Callable[..., Page], programme: Programme, waiting: str
) -> None:
    wave = programme.wave("shop-net")
    waves.submit(wave, by=programme.maya, now=database_now())
    page = open_page("/", user=programme.maya)
    page.get_by_role("link", name="What it would change").click()
    expect(page.get_by_role("heading", name="Catalogue of rules")).to_be_visible()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#catalogue")).to_contain_text("0 of 4 units looked at")
    walk()
    expect(page.locator("#catalogue")).to_contain_text("Approvals that no longer match", timeout=6000)
    expect(page.get_by_role("link", name=f"Wave “{wave.name}”")).to_be_visible()
    matrix = page.get_by_role("table", name="Units by verdict now and then")
    number = matrix.get_by_role("link").first
    n = int(number.inner_text())
    number.click()
    expect(page.locator("tbody tr")).to_have_count(n)
    page.go_back()
    page.get_by_role("link", name="Switch on…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("approval no longer matches")
    dialog.get_by_label("Reason").fill("Azure published it last week.")
    dialog.get_by_role("button", name="Switch on").click()
    expect(page.locator("#catalogue")).to_contain_text("Units are being assessed with the catalogue switched on")
    walk()
    expect(page.locator("#catalogue")).not_to_contain_text("Units are being assessed", timeout=6000)
    expect(page.locator("#catalogue")).to_contain_text("Nothing waits")
    assert Unit.objects.get(name="shop-net").verdict == "blocked"
    assert page.complaints == []


def test_the_pages_fit_and_read(
    open_page: Callable[..., Page], in_every_look: Callable[..., list[str]], programme: Programme, waiting: str
) -> None:
    waves.submit(programme.wave("shop-net"), by=programme.maya, now=database_now())
    preview_catalogue(by=programme.maya, now=database_now())
    walk()
    paths = {
        "catalogue": "/rules/catalogue/",
        "catalogue-units": "/rules/catalogue/units/",
        "catalogue-confirm": "/rules/catalogue/?confirm=switch-on",
        "catalogue-held": f"/units/{programme.unit('legacy-net').pk}/",
        "catalogue-rules": "/rules/?q=region",
    }
    page = open_page("/rules/catalogue/", user=programme.maya)
    for name, path in paths.items():
        page.goto(path)
        expect(page.locator("h1")).to_be_visible()
        assert in_every_look(page, name) == [], name
    assert page.complaints == []
