"""The suite's own ways: when a browser is wanted, that nothing leaves the machine, that settings are written down."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from compose import browser, testing

ROOT = Path(testing.__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], True),
        (["-q", "-x"], True),
        (["tests"], True),
        (["tests/browser"], True),
        (["tests/browser/test_journey.py::test_it"], True),
        (["tests/compose"], False),
        (["tests/compose/test_suite.py", "-k", "browser"], False),
    ],
)
def test_a_browser_is_fetched_only_for_tests_that_may_drive_one(arguments, wanted, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(testing, "is_path", lambda word: word.startswith("tests"))
    assert testing.wants_browser(arguments) is wanted


@pytest.mark.parametrize(
    ("arguments", "shared"),
    [
        ([], True),
        (["-q", "--durations=20"], True),
        (["tests/migrator"], False),
        (["tests/compose/test_suite.py::test_x"], False),
        (["--pdb"], False),
        (["-n", "4"], False),
    ],
)
def test_only_the_whole_suite_is_shared_by_processes(arguments, shared):
    assert bool(testing.shared_out(arguments)) is shared


def test_a_browser_that_does_not_start_is_not_taken(tmp_path, monkeypatch):
    stub = tmp_path / "chromium"
    stub.write_text("#!/bin/sh\necho 'please install the snap' >&2; exit 1\n")
    stub.chmod(0o755)
    assert browser.why_not(stub) == "please install the snap"
    monkeypatch.setenv("TRACKER_TEST_BROWSER", str(stub))
    with pytest.raises(browser.NoBrowser, match=r"TRACKER_TEST_BROWSER is .* please install the snap"):
        browser.find()


def test_without_any_way_to_a_browser_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(browser, "find", lambda: None)
    monkeypatch.setattr(browser, "ways", lambda: [("a way", lambda: "the disk is full")])
    with pytest.raises(browser.NoBrowser, match=r"TRACKER_TEST_WITHOUT_BROWSER=1.*\n.*\n  a way: the disk is full"):
        browser.have(lambda line: None)


def test_tests_stay_on_this_machine():
    with pytest.raises(RuntimeError, match="stay on this machine"):
        socket.create_connection(("192.0.2.1", 80), 1)


def test_names_are_not_looked_up_elsewhere():
    with pytest.raises(RuntimeError, match="tried to look up"):
        socket.getaddrinfo("management.example.org", 443)


def test_every_setting_the_code_reads_is_in_the_sample_with_its_meaning():
    sample = (ROOT / "compose" / "env.sample").read_text(encoding="utf-8")
    listed = set(re.findall(r"^(TRACKER_[A-Z_]+)=", sample, re.MULTILINE))
    read = set()
    for folder in ("tracker", "migrator"):
        for path in (ROOT / folder).rglob("*.py"):
            read |= set(re.findall(r"[\"'](TRACKER_[A-Z_]+)[\"']", path.read_text(encoding="utf-8")))
    assert read - listed == set()
    for paragraph in sample.split("\n\n"):
        if "TRACKER_" in paragraph and "=" in paragraph:
            assert paragraph.startswith("#"), f"no meaning above {paragraph!r}"


def test_no_lock_and_no_command_names_a_registry():
    for path in [*(ROOT / "compose" / "locks").glob("*.txt"), ROOT / "manage.py", *(ROOT / "compose").glob("*.py")]:
        found = re.findall(r"https?://(?!127\.0\.0\.1)[^\s\"'{]+", path.read_text(encoding="utf-8"))
        assert found == [], path


def test_ruff_has_nothing_to_say():
    said = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--output-format", "concise", "--no-cache", str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stdout + said.stderr
