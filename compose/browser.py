"""The browser of the browser tests: found, or installed the way this machine allows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
PACKAGES = ("chromium", "fonts-dejavu-core")


class NoBrowser(Exception):
    """None can be had; the message says what was tried and what to do."""


def find() -> Path | None:
    """A browser that is here and really starts, or None. Raises NoBrowser for a wrong TRACKER_TEST_BROWSER."""
    if named := os.environ.get("TRACKER_TEST_BROWSER"):
        if why := why_not(Path(named)):
            raise NoBrowser(f"TRACKER_TEST_BROWSER is {named}, which does not work: {why}.")
        return Path(named)
    candidates = [Path(found) for name in NAMES if (found := shutil.which(name))]
    candidates += [Path(place) for place in PLACES]
    if bundled := playwrights_own():
        candidates.append(bundled)
    return next((path for path in candidates if path.exists() and why_not(path) is None), None)


def have(say: Callable[[str], None]) -> Path:
    """A browser, installed if need be. Raises NoBrowser."""
    if found := find():
        return found
    tried = []
    for title, install in ways():
        say(f"No browser was found for the browser tests; trying {title}. This takes a moment, once.")
        if why := install():
            tried.append(f"  {title}: {why}")
        elif found := find():
            return found
        else:
            tried.append(f"  {title}: installed, but the browser does not start")
    raise NoBrowser(
        "No browser could be had for the browser tests. Install Chromium or Chrome (Debian: apt-get install chromium), "
        "or name one with TRACKER_TEST_BROWSER, or run without those tests: "
        "TRACKER_TEST_WITHOUT_BROWSER=1 python3 manage.py test\n" + "\n".join(["Tried:", *tried])
    )


def ways() -> list[tuple[str, Callable[[], str | None]]]:
    """Each installs and returns None, or returns why it could not."""
    found: list[tuple[str, Callable[[], str | None]]] = []
    if os.geteuid() == 0 and shutil.which("apt-get"):
        found.append(("the distribution's Chromium (apt-get)", with_apt))
    found.append(("playwright's own Chromium", with_playwright))
    return found


def with_apt() -> str | None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    failed = attempt(["apt-get", "update"], quiet, 300)
    return attempt(["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES], quiet, 900) or (
        failed if not shutil.which("chromium") else None
    )


def with_playwright() -> str | None:
    failed = attempt([sys.executable, "-m", "playwright", "install", "chromium"], dict(os.environ), 900)
    if failed is None and (path := playwrights_own()) and (why := why_not(path)):
        return f"it does not start here: {why} (its libraries: sudo playwright install-deps chromium)"
    return failed


def attempt(command: list[str], environment: dict[str, str], within: float) -> str | None:
    """Run one installer quietly; None when it succeeded, else its last words."""
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=within,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    return next(
        (line.strip() for line in reversed(done.stdout.splitlines()) if line.strip()), f"code {done.returncode}"
    )


def playwrights_own() -> Path | None:
    """Where playwright keeps its Chromium, whether or not it is there."""
    program = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: print(p.chromium.executable_path)"
    )
    try:
        said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(said.stdout.strip()) if said.returncode == 0 and said.stdout.strip() else None


def why_not(path: Path) -> str | None:
    """Why this browser cannot be used, or None when it shows a page (a snap's stub on the PATH does not)."""
    with tempfile.TemporaryDirectory(prefix="tracker-browser-", ignore_cleanup_errors=True) as profile:
        command = [
            str(path), "--headless=new", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
            f"--user-data-dir={profile}", "--dump-dom", "data:text/html,<p>it-works</p>",
        ]  # fmt: skip
        if os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # Chromium refuses to run as root with it
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
    if "it-works" in done.stdout:
        return None
    return next(
        (line for line in reversed(done.stderr.splitlines()) if line.strip()), f"it ended with code {done.returncode}"
    )
