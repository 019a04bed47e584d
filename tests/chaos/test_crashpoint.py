"""A crash point: inert without a plan, and with one exactly as planned."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.plan import Plan
from tests.journeys.stack import ROOT
from tracker import crash

WALK = (
    "from tracker.crash import crashpoint\n"
    "for turn in range(3):\n"
    "    crashpoint('C09', of=f'run-{turn}')\n"
    "    crashpoint('C13', 'prepare')\n"
    "    crashpoint('C13', 'commit')\n"
    "    print(turn, flush=True)\n"
)


def walk(plan: Plan | None, **more: str) -> subprocess.CompletedProcess[str]:
    """A process of its own passes three times, and says each time."""
    environment = {**os.environ, **more}
    if plan is not None:
        environment["TRACKER_CRASH_PLAN"] = str(plan.folder)
    return subprocess.run(
        [sys.executable, "-c", WALK], env=environment, capture_output=True, text=True, cwd=ROOT, start_new_session=True
    )


def test_without_a_plan_nothing_happens() -> None:
    assert crash._plan is None
    done = walk(None)
    assert (done.returncode, done.stdout) == (0, "0\n1\n2\n"), done.stderr


@pytest.mark.parametrize(
    ("point", "action", "said"), [("C13", "kill", ""), ("C13.commit", "kill@2", "0\n"), ("C09", "lost@3", "0\n1\n")]
)
def test_it_ends_where_it_was_planned(tmp_path: Path, point: str, action: str, said: str) -> None:
    plan = Plan(tmp_path / "plan")
    plan.arm(point, action)
    done = walk(plan)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, said), done.stderr
    [hit] = plan.hits()
    assert (hit.point, hit.action, hit.of) == (point, action.partition("@")[0], f"run-{said.count(chr(10))}")
    assert plan.armed() == plan.hits() == []


def test_one_process_alone_is_hit(tmp_path: Path) -> None:
    plan = Plan(tmp_path / "plan")
    plan.arm("C13", "kill")
    assert sorted([walk(plan).returncode, walk(plan).returncode]) == [-signal.SIGKILL, 0]


def test_here_and_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(tmp_path / "plan")
    monkeypatch.setattr(crash, "_plan", plan.folder)
    plan.arm("C13.commit", "raise")
    crash.crashpoint("C13", "prepare")
    with pytest.raises(OSError, match=r"planned at C13\.commit"):
        crash.crashpoint("C13", "commit")
    crash.crashpoint("C13", "commit")
    plan.arm("C13", "explode")
    with pytest.raises(ValueError, match="'explode'; expected one of kill, lost, stop, raise"):
        crash.crashpoint("C13")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"TRACKER_CRASH_PLAN": "/nowhere/at/all"}, "it must be a folder that exists"),
        (
            {
                "TRACKER_CRASH_PLAN": "/tmp",
                "TRACKER_ARM_ENDPOINT": "https://management.azure.com",
                "TRACKER_SERVICE_MANAGEMENT_ENDPOINT": "off",
                "TRACKER_AZURE_CREDENTIAL": "default",
                "TRACKER_ENGINE_TIMINGS": "live",
            },
            "TRACKER_CRASH_PLAN is set, which is accepted only with a loopback TRACKER_ARM_ENDPOINT",
        ),
    ],
)
def test_a_real_azure_is_never_driven_by_processes_that_die_on_purpose(more: dict[str, str], sentence: str) -> None:
    done = walk(None, **more)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_every_point_is_somewhere_in_the_product() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tracker").rglob("*.py"))
    missing = [name for name in crash.POINTS if f'crashpoint("{name}"' not in text]
    assert missing == []
