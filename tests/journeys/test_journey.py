"""The whole journey, as the people who make it: programme manager, engineer, second engineer, auditor.

Real pages in a real browser, real web, worker and beat, real PostgreSQL and Redis, the real Azure client over HTTP. At every step
the simulator is asked whether the world agrees with what the page says.
"""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser.conftest import ARGUMENTS, Complaints
from tests.journeys.conftest import PASSWORD
from tests.journeys.stack import ROOT, Stack, wait_for

pytestmark = pytest.mark.browser
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # playwright runs a loop in this thread
PATIENCE = 60_000  # milliseconds: for what the worker does behind a page that is not reloaded by us
PICTURES = os.environ.get("TRACKER_TEST_PICTURES", "")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright, browser_path: str) -> Iterator[Browser]:
    with playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS) as launched:
        yield launched


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, context: BrowserContext, complaints: Complaints) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(20_000)
        self.complaints = complaints
        complaints.watch(self.page)

    def sign_in(self, username: str) -> None:
        self.page.goto("/sign-in/")
        self.page.get_by_label("User name").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/")

    def sees(self, text: str | re.Pattern[str], patience: int = 20_000) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=patience)

    def press(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name).first.click()

    def picture(self, name: str) -> None:
        if PICTURES:
            self.page.screenshot(path=f"{PICTURES}/journey-{name}.png", full_page=True)


@pytest.fixture
def people(browser: Browser, stack: Stack) -> Iterator[Callable[[str], Person]]:
    contexts: list[BrowserContext] = []
    complaints = Complaints()

    def arrive(username: str) -> Person:
        context = browser.new_context(
            base_url=stack.url, viewport={"width": 1440, "height": 900}, accept_downloads=True
        )
        contexts.append(context)
        person = Person(context, complaints)
        person.sign_in(username)
        return person

    yield arrive
    for number, context in enumerate(contexts):
        for page in context.pages if PICTURES else ():
            page.screenshot(path=f"{PICTURES}/journey-end-{number}.png", full_page=True)
    for context in contexts:
        context.close()
    assert complaints == [], stack.said("web")


def command(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words],
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_three_people_move_a_network_and_an_auditor_proves_it(
    stack: Stack, people: Callable[[str], Person], tmp_path: Path
) -> None:
    shop = "/virtualnetworks/shop-net"
    read = command(stack, "sync")
    assert read.returncode == 0, read.stdout + read.stderr

    # The programme manager looks, and plans a wave.
    maya = people("maya")
    maya.sees("Shop")
    maya.page.goto("/inventory/")
    maya.page.get_by_role("link", name="legacy-net").first.click()
    maya.sees("VNET-PEERING")
    maya.picture("blocked-unit")
    maya.page.goto("/waves/new/")
    maya.page.get_by_label("Name").fill("Night one")
    maya.page.get_by_label("Owner").fill("Maya Lindqvist")
    maya.press("Create wave")
    maya.page.get_by_label(re.compile("open", re.I)).first.fill("2026-01-01T00:00")
    maya.page.get_by_label(re.compile("close", re.I)).first.fill("2099-01-01T00:00")
    maya.press("Set window")
    maya.page.get_by_role("link", name="shop-net").first.click()
    maya.sees(re.compile("brings .* along"))
    maya.sees("shop-web")
    maya.picture("forced-set")
    maya.press(re.compile("^Place shop-net"))
    wave_url = re.search(r"/waves/\d+/", maya.page.url).group()
    maya.page.goto(wave_url)
    maya.press(re.compile("^Submit"))
    maya.sees(re.compile("Waiting|waits", re.I))
    maya.picture("submitted")

    # She may not approve her own wave; the engineer can.
    maya.page.goto("/approvals/")
    tomas = people("tomas")
    tomas.page.goto("/approvals/")
    tomas.page.get_by_role("link", name=re.compile("Night one")).first.click()
    tomas.sees("shop-net")
    maya.page.goto(tomas.page.url)
    expect(maya.page.get_by_role("button", name="Approve")).to_have_attribute("aria-disabled", "true")
    tomas.picture("review")
    tomas.press("Approve")
    tomas.sees(re.compile("Approved"))

    # He starts it; Validate, then Prepare, seen without a reload.
    tomas.page.goto(wave_url)
    tomas.press(re.compile("^Start"))
    tomas.sees(re.compile("Validated"), PATIENCE)
    assert stack.azure()["locks"] == {}
    assert len(stack.posts("validate")) == 1
