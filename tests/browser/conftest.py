"""A real browser in front of the real pages (pytest-django's `live_server`, the collected static files, PostgreSQL).

Axe runs inside the page. The pages' policy refuses inline script, so axe is evaluated through the browser's protocol.
"""

import itertools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from tests.live_database import emptied_for_real  # noqa: F401 - the append-only tables need it
from tests.tracker.runs.conftest import programme, simulator  # noqa: F401 - pages over a real estate
from tracker.accounts.models import User

WIDTHS = {"wide": (1440, 900), "narrow": (390, 844)}
PICTURES = os.environ.get("TRACKER_TEST_PICTURES", "")  # a folder: every looked-at page is kept there as PNG
# Each width and each theme once (axe takes seconds a page); all four when pictures are wanted.
TWO, FOUR = [("light", "wide"), ("dark", "narrow")], list(itertools.product(("light", "dark"), WIDTHS))
LOOKS = FOUR if PICTURES else TWO


@pytest.fixture(scope="session")
def live_server() -> Iterator[LiveServer]:
    """pytest-django's, without Django's handler of static files: it knows no hashed names, WhiteNoise does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.contrib.staticfiles.handlers.StaticFilesHandler", lambda application: application)
        server = LiveServer("localhost")
        yield server
        server.stop()


# Contrast takes two thirds of axe's time: of what is repeated it is measured on the first eight. What colours they can
# have besides is on the page of all parts (test_style.py) and in the tokens (tests/web/test_contrast.py).
ALIKE = "tbody > tr:nth-child(n + 9), li:nth-child(n + 9), article:nth-of-type(n + 9), details:nth-of-type(n + 9)"


class Complaints(list):
    """What the browser said against the page: console errors and warnings, uncaught exceptions, refused resources."""

    def watch(self, page: Page) -> None:
        page.on("console", lambda said: self.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.append(str(error)))


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer) -> Iterator[Callable[..., Page]]:
    """`open_page("/style/", user=ada, theme="dark", width="narrow")` → a Page with `.complaints`.

    `script=False`: without JavaScript. The person is signed in through a session; a test of the form opens /sign-in/
    without `user`.
    """
    contexts: list[BrowserContext] = []

    def opened(
        path: str, *, user: User | None = None, theme: str = "light", width: str = "wide", script: bool = True
    ) -> Page:
        across, down = WIDTHS[width]
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": across, "height": down},
            color_scheme=theme,
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user)
            value = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": value, "url": live_server.url}])
        page = context.new_page()
        page.complaints = Complaints()  # type: ignore[attr-defined]
        page.complaints.watch(page)  # type: ignore[attr-defined]
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def axe() -> Callable[[Page], list[str]]:
    """`axe(page)` → violations of WCAG 2.2 AA and good practice, one line each. `within`: a selector."""
    source = Path(AXE_FILE_PATH).read_text(encoding="utf-8")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

    def run(page: Page, within: str = "html") -> list[str]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(source)
        found = page.evaluate(
            """async ([within, tags, rows]) => {
              const ask = (context, options) => axe.run(context, {resultTypes: ['violations'], ...options});
              const all = await ask(within, {runOnly: tags, rules: {'color-contrast': {enabled: false}}});
              const alike = [...document.querySelectorAll(rows)];
              const contrast = await ask({include: within, exclude: alike}, {runOnly: ['color-contrast']});
              return [...all.violations, ...contrast.violations];
            }""",
            [within, tags, ALIKE],
        )
        return [
            f"{violation['id']} {node['target']}: {' '.join(node['failureSummary'].split())[:300]}"
            for violation in found
            for node in violation["nodes"]
        ]

    return run


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`picture(page)` keeps a screenshot of the whole page when TRACKER_TEST_PICTURES names a folder."""

    def take(page: Page, name: str = "") -> None:
        if PICTURES:
            folder = Path(PICTURES)
            folder.mkdir(parents=True, exist_ok=True)
            title = re.sub(r"[^\w-]+", "-", name or request.node.name).strip("-")
            page.screenshot(path=folder / f"{title}.png", full_page=True)

    return take


def sideways(page: Page) -> list[str]:
    """What makes the page wider than the screen; empty is right."""
    return page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
          .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
          .filter(e => !e.closest('.hush, .tabs, .table, .scroll, pre'))
          .map(e => `${e.tagName}.${e.className.baseVal ?? e.className}`).slice(0, 8)"""
    )
