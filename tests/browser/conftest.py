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


Rules = tuple[str, ...]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BY_COLOUR_AND_ROOM = ("color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable")
# → violations. Contrast takes most of axe's time. Texts of the same colour, size and weight on the same grounds have
# the same contrast: of each such kind it is measured on the first two that are seen, wherever on the page they stand.
MEASURE = """async ([within, runOnly, rules]) => {
  const behind = new Map([[null, '']]), kinds = new Map();
  const ground = (e) => {
    if (!behind.has(e)) {
      const s = getComputedStyle(e), own = [];
      if (s.backgroundColor !== 'rgba(0, 0, 0, 0)' || s.backgroundImage !== 'none')
        own.push(s.backgroundColor, s.backgroundImage);
      if (s.opacity !== '1' || s.filter !== 'none' || s.mixBlendMode !== 'normal')
        own.push(s.opacity, s.filter, s.mixBlendMode);
      if (!['static', 'relative'].includes(s.position)) own.push(s.position, s.zIndex);
      if (s.overflow !== 'visible' || s.clipPath !== 'none') own.push(s.overflow, s.clipPath, s.width, s.height);
      behind.set(e, own.length ? `${ground(e.parentElement)} / ${own}` : ground(e.parentElement));
    }
    return behind.get(e);
  };
  const off = (e) => !!e.closest(':disabled, [aria-disabled="true"]') || !!e.closest('label')?.control?.disabled;
  const says = (node) => node.nodeType === Node.TEXT_NODE && /[\\p{L}\\p{N}]/u.test(node.data);
  for (const e of document.body.querySelectorAll('*')) {
    const field = e.matches('input, select, textarea');
    if (!field && ![...e.childNodes].some(says)) continue;
    if (!e.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    const s = getComputedStyle(e);
    const kind = [s.color, s.fontSize, s.fontWeight, s.textShadow, field, off(e), ground(e)].join();
    if (!kinds.has(kind)) kinds.set(kind, []);
    if (kinds.get(kind).length < 2) kinds.get(kind).push(e);
  }
  const texts = [...kinds.values()].flat();
  for (const e of texts) e.setAttribute('data-contrast', '');
  axe.configure({rules: [{id: 'color-contrast', selector: '[data-contrast]'}]});
  try {
    const found = await axe.run(within, {runOnly, rules, resultTypes: ['violations']});
    const said = (node) => node.failureSummary.replace(/\\s+/g, ' ').slice(0, 300);
    return found.violations.flatMap(v => v.nodes.map(node => `${v.id} ${node.target}: ${said(node)}`));
  } finally {
    for (const e of texts) e.removeAttribute('data-contrast');
  }
}"""
HIDDEN = "() => new Set([...document.body.querySelectorAll('*')].filter(e => !e.checkVisibility()))"
# Marks what is seen now and was not, and the controls that lost a part; → the kinds of what is marked.
SHOWN = """(hidden) => {
  document.querySelectorAll('[data-shown]').forEach(e => e.removeAttribute('data-shown'));
  for (const e of document.body.querySelectorAll('*')) {
    const now = e.checkVisibility(), before = !hidden.has(e);
    if (now && !before) e.setAttribute('data-shown', '');
    if (before && !now) e.closest('a, button, summary, label, th, td, [role]')?.setAttribute('data-shown', '');
  }
  const name = (e) => `${e.tagName}.${e.className.baseVal ?? e.className}`;
  const path = (e) => e === document.body ? '' : `${path(e.parentElement)} ${name(e)}`;
  return [...document.querySelectorAll('[data-shown]')].filter(e => e.checkVisibility()).map(path);
}"""


@pytest.fixture
def axe() -> Callable[..., list[str]]:
    """`axe(page)` → violations of WCAG 2.2 AA and good practice, one line each. `within`: a selector. `only`, `but`:
    the rules to measure instead of all, or to leave out."""
    source = Path(AXE_FILE_PATH).read_text(encoding="utf-8")

    def run(page: Page, within: str = "html", only: Rules = (), but: Rules = ()) -> list[str]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(source)
        return page.evaluate(MEASURE, [within, only or TAGS, {rule: {"enabled": False} for rule in but}])

    return run


@pytest.fixture(scope="session")
def known() -> set[str]:
    """Kinds of elements that one width alone shows and that were measured already, as the bar below on every page."""
    return set()


@pytest.fixture
def in_every_look(
    axe: Callable[..., list[str]], picture: Callable[..., None], known: set[str]
) -> Callable[..., list[str]]:
    """`in_every_look(page, "quota")` → what axe says and what is too wide, in each of LOOKS, one line each.

    Theme and width are the style sheets' alone (media queries; no script and no view knows them), so that the page is
    loaded once. After the first look only what colour and room decide is measured again, and whatever kind of thing
    the other width alone shows. The page stays in the last look. `name`: of the picture. `within`: a selector.
    """

    def run(page: Page, name: str = "", within: str = "html") -> list[str]:
        found = []
        for number, (theme, width) in enumerate(LOOKS):
            across, down = WIDTHS[width]
            hidden = page.evaluate_handle(HIDDEN) if number else None
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({"width": across, "height": down})
            picture(page, f"{name}-{width}-{theme}" if name else "")
            said = axe(page, within) if hidden is None else axe(page, within, only=BY_COLOUR_AND_ROOM)
            if hidden is not None and (kinds := set(page.evaluate(SHOWN, hidden)) - known):
                said += axe(page, within="[data-shown]", but=BY_COLOUR_AND_ROOM)
                known.update(kinds)
            found += [f"{theme} {width}: {line}" for line in [*said, *sideways(page)]]
        return found

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
