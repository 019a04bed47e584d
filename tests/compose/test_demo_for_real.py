"""`manage.py demo`, whole: a first start, a second door-knock, a kill -9, a start on what was left, a clean end."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from compose import demo, places, processes

ROOT = Path(demo.__file__).resolve().parent.parent


@pytest.fixture
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo")
    for parent in (path, path.parent, path.parent.parent):
        parent.chmod(0o711)  # PostgreSQL may have to pass as another user
    return path / "state"


def start(state: Path, *words: str) -> subprocess.Popen[str]:
    """Start the demo with servers of its own, whatever the suite uses."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TRACKER_")}
    command = [sys.executable, str(ROOT / "manage.py"), "demo", *words]
    return subprocess.Popen(
        command,
        env={**environment, "TRACKER_STATE_DIR": str(state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def said(process: subprocess.Popen[str], within: float = 120) -> str:
    """Everything it prints until it ends; ended here when it takes too long."""
    try:
        return process.communicate(timeout=within)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0]


def supervised(state: Path) -> list[int]:
    return [entry["number"] for entry in json.loads((state / "processes.json").read_text())]


@pytest.mark.long
def test_the_demo_starts_survives_a_kill_keeps_its_data_and_leaves_nobody_behind(state):
    port = places.any_port()
    with start(state, "--port", str(port)) as first:
        try:
            end = time.monotonic() + 120
            while not (state / "running.json").exists() and first.poll() is None and time.monotonic() < end:
                time.sleep(0.1)
            assert (state / "running.json").exists(), said(first, 1)
            address = json.loads((state / "running.json").read_text())["address"]
            assert address == f"http://127.0.0.1:{port}/"
            with urllib.request.urlopen(f"{address}sign-in/", timeout=10) as page:
                assert b'type="password"' in page.read()
            second = start(state)
            assert f"already running at {address} (process {first.pid})" in said(second)
            assert second.returncode == 1
            people = json.loads((state / "signins.json").read_text())
            children = supervised(state)
            assert len(children) == 7
        finally:
            first.send_signal(signal.SIGKILL)

    again = start(state, "--until-ready", "--port", str(port))
    words = said(again)
    assert again.returncode == 0, words
    assert "Ready:" in words
    for person in people:
        assert person["password"] in words  # the people of the first start, with their first passwords
    left = [*children, *supervised(state)]
    assert not any(processes.began(number) for number in left)
    assert not (state / "running.json").exists()
