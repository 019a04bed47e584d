"""Every crash point once, in one world. `manage.py chaos` does the same by dice, for as long as wanted."""

import random
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.plan import EVERY, Plan
from tests.chaos.rounds import Round, every
from tests.chaos.table import Tally
from tests.chaos.world import world
from tracker.crash import POINTS

SEED = 20261123


@pytest.mark.long
def test_every_point_once(django_db_blocker: Any) -> None:
    folders = tempfile.TemporaryDirectory(prefix="tracker-chaos-")
    with folders as folder, django_db_blocker.unblock(), world(Path(folder), 9) as made:
        units = made.sql("SELECT id, name FROM tracker_unit ORDER BY id")
        said: list[str] = []
        dice = random.Random(SEED)
        report = Round(made, dice, said.append).run(
            every(), [row["id"] for row in units], aborts=[units[3]["name"], units[5]["name"]]
        )
        logs = "\n".join(made.said(name) for name in ("worker", "web"))
    told = "\n".join([*said, *report.violations, logs])
    assert report.violations == [], told
    assert report.unhit() == [], told
    assert report.doubled == 0
    assert report.sends >= 27, "each of nine units is validated, prepared, and committed or aborted"
    assert all(wound.healed is not None for wound in report.wounds), told
    tally = Tally()
    tally.add(report, [])
    assert tally.table(EVERY).count("\n| ") == len(EVERY)


def test_the_plan_of_every_point_names_every_point() -> None:
    assert {name.partition(".")[0] for name in every()} == set(EVERY)
    assert len(POINTS) == 28


def test_a_plan_knows_its_points(tmp_path: Path) -> None:
    plan = Plan(tmp_path / "plan")
    with pytest.raises(ValueError, match="no crash point C99"):
        plan.arm("C99", "kill")
    plan.arm("C13.commit", "kill@2")
    assert plan.armed() == ["C13.commit"]
    plan.clear()
    assert plan.armed() == plan.hits() == []
