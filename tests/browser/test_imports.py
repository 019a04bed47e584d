"""Importing a file in a real browser: by key, without JavaScript, at both sizes and themes, with axe."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import person
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.inventory.models import Import, Unit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SUB = "11111111-2222-3333-4444-555555555555"
LINE = "vm{n},shop{n},Standard_D2,Started,Windows,10.0.0.{n},{n},vm{n}-data\n"
HEAD = "vmname,csname,size,running,os,ip,colour,datadisknames\n"
ROWS = HEAD + "".join(LINE.format(n=n) for n in range(1, 30))


@pytest.fixture
def ada(transactional_db: None) -> User:
    return person("ada", Role.ENGINEER, name="Ada Brandt")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "shop-net-vmresults.csv"
    made.write_text(ROWS, encoding="utf-8")
    return made


def give(page: Page, file: Path) -> None:
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_label("Subscription of an XML or CSV").fill(SUB)
    page.get_by_label("Made at (UTC)").fill("2026-01-05T10:00")
    page.get_by_label("Virtual network of a CSV").fill("shop-net")


@pytest.mark.parametrize("script", [True, False])
def test_a_file_is_previewed_and_imported_by_key(
    open_page: Callable[..., Page], ada: User, file: Path, script: bool
) -> None:
    page = open_page("/inventory/import/", user=ada, script=script)
    give(page, file)
    page.get_by_label("Region of a CSV").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("shop-net-vmresults.csv")
    page.locator(".figure", has_text="Added").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Only these rows")).to_be_visible()
    page.get_by_role("button", name="Import").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("is imported: 87 resources in 1 unit")).to_be_visible()
    assert Unit.objects.get().name == "shop-net"
    assert page.complaints == []  # type: ignore[attr-defined]


def test_the_pages_of_an_import_are_accessible_and_fit(
    open_page: Callable[..., Page], in_every_look: Callable[..., list[str]], ada: User, file: Path
) -> None:
    page = open_page("/inventory/import/", user=ada)
    look(page, in_every_look, "import-form")
    give(page, file)
    page.get_by_role("button", name="Show preview").click()
    look(page, in_every_look, "import-preview")
    file.write_text(ROWS + "=HYPERLINK(1),shop,,,,,,\n" + "vm40,shop\n", encoding="utf-8")
    page.goto("/inventory/import/")
    give(page, file)
    page.get_by_role("button", name="Show preview").click()
    expect(page.get_by_role("alert")).to_contain_text("rows in it are refused")
    page.locator(".figure", has_text="Refused").click()
    look(page, in_every_look, "import-refused")
    file.write_bytes(b"PK\x03\x04")
    page.goto("/inventory/import/")
    give(page, file)
    page.get_by_role("button", name="Show preview").click()
    expect(page.get_by_role("alert")).to_contain_text("ZIP archive")
    look(page, in_every_look, "import-zip")
    first = Import.objects.order_by("uploaded_at")[0]
    page.goto(f"/inventory/import/{first.pk}/")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("is imported")).to_be_visible()
    look(page, in_every_look, "import-done")


def look(page: Page, in_every_look: Callable[..., list[str]], name: str) -> None:
    page.wait_for_timeout(200)
    assert in_every_look(page, name) == [], name
