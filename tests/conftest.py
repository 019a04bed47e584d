"""What every test relies on: the servers `manage.py test` started, no network beyond this machine, and the browser.

`.venv/bin/python manage.py test [paths and options of pytest]` is the way in. Plain pytest works too, for tests which
need neither database nor settings (tests/migrator).
"""

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

STARTED_BY_MANAGE = os.environ.get("TRACKER_TEST_SERVERS") == "yes"
WITHOUT_BROWSER = os.environ.get("TRACKER_TEST_WITHOUT_BROWSER") == "1"
# The same examples on every machine, and no limit in time: what the suite says of a commit depends on the commit alone.
# `TRACKER_TEST_EXAMPLES=5000` looks for new ones, that many for each test, at random.
EXAMPLES = os.environ.get("TRACKER_TEST_EXAMPLES", "")
settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None, print_blob=True, max_examples=int(EXAMPLES) if EXAMPLES else 100)
settings.load_profile("search" if EXAMPLES else "suite")
collect_ignore = ["benchmarks"]
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
]


class NetworkRefused(RuntimeError):
    """A test reached beyond this machine. (No OSError: code that retries those would hide it.)"""


def pytest_report_header() -> list[str]:
    if STARTED_BY_MANAGE:
        return [f"browser: {os.environ.get('TRACKER_TEST_BROWSER', 'none')}"]
    return ["no servers: tests with a database or settings need `python3 manage.py test`"]


def pytest_terminal_summary(terminalreporter) -> None:
    skipped = [
        r for r in terminalreporter.stats.get("skipped", []) if "TRACKER_TEST_WITHOUT_BROWSER" in str(r.longrepr)
    ]
    if skipped:
        terminalreporter.section("BROWSER TESTS DID NOT RUN", red=True, bold=True)
        terminalreporter.line(
            f"{len(skipped)} browser tests were skipped because TRACKER_TEST_WITHOUT_BROWSER=1 is set."
        )


def is_here(host: object) -> bool:
    """Whether a host is this machine."""
    if host in ("localhost", "", None, b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return host == socket.gethostname()


@pytest.fixture(autouse=True, scope="session")
def no_network_beyond_loopback() -> Iterator[None]:
    """Refuse every connection and name look-up that leaves the machine."""

    def guard(name: str):
        original = getattr(socket.socket, name)

        def guarded(self, address, *rest):
            if self.family in (socket.AF_INET, socket.AF_INET6) and not is_here(address[0]):
                raise NetworkRefused(f"A test tried to reach {address[0]}:{address[1]}; tests stay on this machine.")
            return original(self, address, *rest)

        return guarded

    resolve = socket.getaddrinfo

    def guarded_resolve(host, *rest, **named):
        if not is_here(host):
            raise NetworkRefused(f"A test tried to look up {host!r}; tests stay on this machine.")
        return resolve(host, *rest, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guard("connect"))
        patch.setattr(socket.socket, "connect_ex", guard("connect_ex"))
        patch.setattr(socket, "getaddrinfo", guarded_resolve)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, django_db_blocker) -> None:
    """The tests' databases are copies of one that was migrated once."""
    from django.conf import settings

    from tests import template_database

    with django_db_blocker.unblock():
        if name := template_database.made():
            settings.DATABASES["default"].setdefault("TEST", {})["TEMPLATE"] = name


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The suite's Redis. The suite may empty it at any time."""
    url = os.environ.get("TRACKER_REDIS_URL")
    if not url:
        pytest.fail("This test needs Redis; run it through `python3 manage.py test`.")
    return url


@pytest.fixture
def empty_redis(redis_url: str) -> Iterator[object]:
    """A client of the suite's Redis, emptied before the test."""
    import redis

    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        yield client


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The executable for playwright's `chromium.launch(executable_path=…)`; as root add `args=["--no-sandbox"]`."""
    path = os.environ.get("TRACKER_TEST_BROWSER")
    if path:
        return path
    if WITHOUT_BROWSER:
        pytest.skip("TRACKER_TEST_WITHOUT_BROWSER=1")
    pytest.fail("No browser; run the tests through `python3 manage.py test`, which finds or installs one.")


@pytest.fixture(scope="session")
def playwright() -> Iterator["Playwright"]:
    from playwright.sync_api import sync_playwright

    # Playwright runs a loop in this thread, which Django takes for a mistake; the database is ours.
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: "Playwright", browser_path: str) -> Iterator["Browser"]:
    with playwright.chromium.launch(executable_path=browser_path, args=BROWSER_ARGUMENTS) as launched:
        yield launched


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: playwright keeps an event loop in this thread, beside which no other test can run one. Of
    them the long ones first, so that no process is left alone with them at the end. Of the others the files with long
    tests, which mostly wait for servers of theirs, are spread among the rest, which needs the cores meanwhile."""
    browsers = [item for item in items if "playwright" in getattr(item, "fixturenames", ())]
    browsers.sort(key=lambda item: item.get_closest_marker("long") is None)
    driven = set(browsers)
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        if item not in driven:
            files.setdefault(item.path, []).append(item)
    long = [path for path, own in files.items() if any(item.get_closest_marker("long") for item in own)]
    rest = [path for path in files if path not in long]
    for number, path in enumerate(long):  # over the first half
        rest.insert(number * (len(files) // 2) // len(long), path)
    items[:] = [item for path in rest for item in files[path]] + browsers
