"""The parts in a real browser: both themes, two widths, axe, live updates, keys, dialogs, and without JavaScript."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sideways
from tests.web.conftest import PASSWORD, person
from tracker.accounts.models import User
from tracker.accounts.permissions import Role

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ada(transactional_db: None) -> User:
    return person("ada", Role.ENGINEER, name="Ada Brandt")


def test_every_part_is_accessible_and_fits(
    open_page: Callable[..., Page], in_every_look: Callable[..., list[str]], ada: User
) -> None:
    page = open_page("/style/", user=ada)
    assert in_every_look(page, "style") == []
    assert page.complaints == []


def test_what_is_wrong_is_found_in_the_look_that_shows_it(
    open_page: Callable[..., Page], in_every_look: Callable[..., list[str]], ada: User
) -> None:
    page = open_page("/style/", user=ada)
    page.evaluate(
        """() => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(`.wrong { color: #bbb; } @media (prefers-color-scheme: dark) { .wrong { color: #444; } }
            @media (min-width: 721px) { .small { display: none; } }`);
          document.adoptedStyleSheets = [sheet];
          const rows = document.querySelector('.to-cards tbody').rows, last = rows[rows.length - 1];
          last.querySelector('td:last-child').innerHTML = '<p class="wrong">in the last of many rows</p>';
          const nameless = document.createElement('button');
          nameless.className = 'small button';
          document.querySelector('main').append(nameless);
        }"""
    )
    found = [" ".join(line.split()[:3]) for line in in_every_look(page)]
    assert found == ["light wide: color-contrast", "dark narrow: color-contrast", "dark narrow: button-name"]


def test_open_menus_and_dialogs_are_accessible_too(
    open_page: Callable[..., Page], axe: Callable, in_every_look: Callable[..., list[str]], ada: User
) -> None:
    page = open_page("/style/?say=error", user=ada)
    page.click(".menu > summary")
    assert in_every_look(page, within=".menu") == []
    page.keyboard.press("Escape")
    page.click("[data-dialog=confirm-commit]")
    assert in_every_look(page) == []


@pytest.mark.parametrize("path", ["/sign-in/", "/nowhere/"])
def test_pages_before_sign_in_are_accessible(
    open_page: Callable[..., Page], in_every_look: Callable[..., list[str]], ada: User, path: str
) -> None:
    page = open_page(path)
    assert in_every_look(page, path.strip("/")) == []


def test_at_360_pixels_nothing_is_cut_off(open_page: Callable[..., Page], ada: User) -> None:
    page = open_page("/style/", user=ada)
    for across in (360, 720, 800, 1100):  # 720: a 1440 screen at 200 % zoom
        page.set_viewport_size({"width": across, "height": 800})
        assert sideways(page) == [], across


def test_signing_in_and_out_with_the_keyboard(open_page: Callable[..., Page], ada: User) -> None:
    page = open_page("/style/")
    expect(page).to_have_url(re.compile("/sign-in/"))
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/style/$"))
    page.click(".menu > summary")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in/"))
    page.goto("/style/")
    expect(page).to_have_url(re.compile("/sign-in/"))


def test_the_theme_changes_at_once_and_stays(open_page: Callable[..., Page], ada: User) -> None:
    page = open_page("/style/", user=ada, theme="light")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    bright = page.evaluate(ground)
    page.click(".menu > summary")
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate(ground) != bright
    page.reload()
    assert page.evaluate(ground) != bright
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_without_javascript_the_theme_menu_and_the_dialog_still_work(open_page: Callable[..., Page], ada: User) -> None:
    page = open_page("/style/", user=ada, script=False)
    page.click(".menu > summary")
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator("a[data-dialog=confirm-commit]").click()
    expect(page.locator("#confirm-commit")).to_be_visible()
    expect(page.get_by_label("Type vnet-shop-eu to go on")).to_be_visible()


def test_a_live_part_changes_by_itself_and_leaves_focus_and_scroll_alone(
    open_page: Callable[..., Page], ada: User
) -> None:
    page = open_page("/style/", user=ada)
    beat = page.locator("#style-live b")
    page.locator("#filter").focus()
    scrolled = page.evaluate("scrollY")
    shown = beat.inner_text()
    expect(beat).not_to_have_text(shown, timeout=10_000)
    assert page.evaluate("document.activeElement.id") == "filter"
    assert page.evaluate("scrollY") == scrolled
    expect(page.locator("#dot")).to_have_attribute("data-state", "live")
    assert page.complaints == []


def test_polls_in_between_are_304_and_a_finished_part_stops(open_page: Callable[..., Page], ada: User) -> None:
    page = open_page("/style/", user=ada)
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status) if "/style/live/" in answer.url else None)
    until = time.monotonic() + 20
    while not {200, 304} <= set(answers) and time.monotonic() < until:
        page.wait_for_timeout(250)
    assert {200, 304} <= set(answers)
    page.goto("/style/?left=1")
    answers.clear()
    expect(page.locator("#style-live .chip.good")).to_be_visible(timeout=12_000)
    assert answers[-1] == 286
    told = len(answers)
    page.wait_for_timeout(3_000)
    assert len(answers) == told


def test_a_dead_server_shows_reconnecting_and_then_live_again(open_page: Callable[..., Page], ada: User) -> None:
    page = open_page("/style/", user=ada)
    dot, dead = page.locator("#dot"), [True]
    # One handler throughout: a poll caught while it is taken away is never answered, and holds the next ones back
    # until htmx gives it up after its 10 seconds.
    page.route("**/style/live/**", lambda route: route.abort() if dead[0] else route.continue_())
    expect(dot).to_have_attribute("data-state", "reconnecting", timeout=12_000)
    expect(dot).to_contain_text("Reconnecting")
    dead[0] = False
    expect(dot).to_have_attribute("data-state", "live", timeout=12_000)


def test_the_keys_walk_the_rows_and_tick_them(open_page: Callable[..., Page], ada: User) -> None:
    page = open_page("/style/", user=ada)
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "vnet-shop-eu"
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_label("Select vnet-billing")).to_be_checked()
    expect(page.locator(".bulk")).to_be_visible()
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.textContent") == "vnet-shop-eu"


def test_a_typed_name_arms_the_dangerous_button(open_page: Callable[..., Page], ada: User) -> None:
    page = open_page("/style/", user=ada)
    page.click("[data-dialog=confirm-commit]")
    dialog = page.get_by_role("dialog")
    commit = dialog.get_by_role("button", name="Commit")
    expect(commit).to_have_attribute("aria-disabled", "true")
    dialog.get_by_label("Type vnet-shop-eu").fill("vnet-shop")
    expect(commit).to_have_attribute("aria-disabled", "true")
    dialog.get_by_label("Type vnet-shop-eu").fill("vnet-shop-eu")
    expect(commit).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()


def test_a_disabled_action_says_why_and_does_nothing(open_page: Callable[..., Page], ada: User) -> None:
    page = open_page("/style/", user=ada)
    button = page.get_by_role("button", name="Re-check. Not possible now: A sync of this subscription is running")
    button.focus()
    address = page.url
    page.keyboard.press("Enter")
    assert page.url == address


def test_a_message_is_said_without_moving_focus_and_can_be_dismissed(open_page: Callable[..., Page], ada: User) -> None:
    page = open_page("/style/?say=success", user=ada)
    toast = page.get_by_text("Wave 3 was submitted.")
    expect(toast).to_be_visible()
    assert page.evaluate("document.activeElement === document.body")
    page.get_by_role("button", name="Dismiss").click()
    expect(toast).to_have_count(0)


def test_an_id_is_copied_whole(open_page: Callable[..., Page], ada: User) -> None:
    page = open_page("/style/", user=ada)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".id .copy").first.click()
    assert page.evaluate("navigator.clipboard.readText()").endswith("/virtualNetworks/vnet-shop-eu")
    expect(page.locator("#said")).to_have_text("Copied")


def test_a_printed_page_has_no_rail_and_opens_its_details(open_page: Callable[..., Page], ada: User) -> None:
    page = open_page("/style/", user=ada)
    page.emulate_media(media="print")
    expect(page.locator(".rail")).to_be_hidden()
    expect(page.locator(".top")).to_be_hidden()
    expect(page.locator("#object h1, #object .head").first).to_be_visible()


def test_a_cold_page_is_light(open_page: Callable[..., Page], ada: User) -> None:
    """F6: at most 60 KB in at most 5 requests; this page is the heaviest there is, so its own HTML is left out."""
    page = open_page("/sign-in/")
    sizes = page.evaluate("performance.getEntriesByType('resource').map(e => [e.name, e.encodedBodySize])")
    assert len(sizes) == 4, sizes
    assert sum(size for _, size in sizes) <= 50_000, sizes
