"""Configuration files in a real browser: read, looked at in both themes and widths with axe, rewritten, withdrawn."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.tracker.readiness.files import CANARY, cscfg, csdef
from tests.web.estate import Estate, Replayed, recorded
from tracker.readiness.models import ConfigurationFile

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def recording() -> Replayed:
    return recorded()


@pytest.fixture
def estate(transactional_db: None, recording: Replayed) -> Estate:
    return Estate(recording)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    configuration, definition = tmp_path / "ServiceConfiguration.Cloud.cscfg", tmp_path / "ServiceDefinition.csdef"
    configuration.write_bytes(cscfg("shop-web", "WebFront", count=1, plugin="RemoteAccess", site="shop-net"))
    definition.write_bytes(csdef("shop-web", "WebFront"))
    return configuration, definition


def address(estate: Estate) -> str:
    return f"/units/{estate.unit('shop-net').pk}/configuration/"


def give(page: Page, files: tuple[Path, Path]) -> None:
    page.get_by_label("Deployment", exact=True).select_option(label="shop-web, production")
    page.get_by_label("Service configuration (.cscfg)").set_input_files(files[0])
    page.get_by_label("Service definition (.csdef)").set_input_files(files[1])
    page.get_by_role("button", name="Read", exact=True).focus()
    page.keyboard.press("Enter")


@pytest.mark.parametrize("script", [True, False])
def test_files_are_read_rewritten_and_withdrawn_by_key(
    open_page: Callable[..., Page], estate: Estate, files: tuple[Path, Path], script: bool
) -> None:
    page = open_page(address(estate), user=estate.tomas, script=script)
    expect(page.get_by_role("heading", name="What a file would settle")).to_be_visible()
    give(page, files)
    expect(page.get_by_role("heading", name="Settled by files")).to_be_visible()
    card = page.get_by_role("region", name="ServiceConfiguration.Cloud.cscfg", exact=True)
    expect(card.get_by_text("Named the virtual network")).to_be_visible()
    expect(card.locator(".line-diff .removed").first).to_contain_text("RemoteAccess")
    assert CANARY not in page.content()
    card.get_by_label("Your ServiceConfiguration.Cloud.cscfg again").set_input_files(files[1])
    card.get_by_role("button", name="Download rewritten").click()
    expect(page.get_by_text("This is a service definition (.csdef)")).to_be_visible()
    card.get_by_label("Your ServiceConfiguration.Cloud.cscfg again").set_input_files(files[0])
    with page.expect_download() as download:
        card.get_by_role("button", name="Download rewritten").click()
    assert download.value.suggested_filename == "ServiceConfiguration.Cloud.cscfg"
    taken = Path(download.value.path()).read_text()
    assert f"AccountKey={CANARY}-key==" in taken and "RemoteAccess" not in taken
    card.get_by_role("button", name="Withdraw").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("ServiceConfiguration.Cloud.cscfg is withdrawn")).to_be_visible()
    assert ConfigurationFile.objects.filter(ended_at__isnull=True).count() == 1


def test_the_tab_is_accessible_and_fits(
    open_page: Callable[..., Page],
    in_every_look: Callable[..., list[str]],
    estate: Estate,
    files: tuple[Path, Path],
) -> None:
    page = open_page(address(estate), user=estate.tomas)
    assert in_every_look(page, "configuration-empty") == []
    files[1].write_bytes(files[1].read_bytes()[:300])
    give(page, files)
    expect(page.get_by_text("not well-formed XML")).to_be_visible()
    assert in_every_look(page, "configuration-wrong") == []
    files[1].write_bytes(csdef("shop", "WebFront"))
    give(page, files)
    expect(page.get_by_role("heading", name="Does not fit together")).to_be_visible()
    assert in_every_look(page, "configuration") == []
    complaints = [said for said in page.complaints if "400" not in said]  # type: ignore[attr-defined]
    assert complaints == []
