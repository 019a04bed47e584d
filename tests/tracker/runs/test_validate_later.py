"""Validate as a long-running operation, followed by the engine: one look a step, no worker waiting in between."""

from typing import Any

import pytest

from migrator.simulator import scenarios
from migrator.simulator.running import Running
from tests.tracker.runs.programme import Programme
from tracker.readiness.models import PlatformAnswer
from tracker.runs.models import Run


@pytest.fixture
def later(programme: Programme, simulator: Running) -> Programme:
    simulator.control("settings", {"validate_later": 1})
    yield programme
    simulator.control("settings", {"validate_later": 0})


def looks(programme: Programme) -> int:
    rows = programme.simulator.control(f"log?after={programme.mark}")["value"]
    return sum("operationstatuses" in row["path"].lower() for row in rows)


def test_it_is_followed_to_its_end_and_leads_on(later: Programme) -> None:
    run = later.started()
    later.tick()
    run.refresh_from_db()
    assert (run.state, run.waiting_code, run.lease_until) == ("planned", "polling", None)
    later.until(run, lambda: run.state == "validated")
    assert looks(later) >= 1 and len(later.posts("validate")) == 1
    assert later.state()["locks"] == {}
    later.ask(run, "prepare")
    later.until(run, lambda: run.state == "prepared")


def peered() -> dict[str, Any]:
    """The journey estate after somebody peered shop-net, which blocks it."""
    estate = scenarios.estate("journey")
    (peering,) = (d for d in estate["resources"] if d["type"].endswith("/virtualNetworkPeerings"))
    network = next(d["id"] for d in estate["resources"] if d["name"] == "shop-net")
    estate["resources"].append({**peering, "id": f"{network}/virtualNetworkPeerings/{peering['name']}"})
    return estate


def blocked(programme: Programme, run: Run) -> tuple[object, ...]:
    """Follow Validate until it blocks; what the run and the unit then say."""
    programme.until(run, lambda: run.waiting_code == "validate-failed" and run.due_at is None)
    answer = PlatformAnswer.objects.filter(unit=run.unit).latest("at")
    Run.objects.filter(pk=run.pk).update(waiting_code="")
    return run.state, run.waiting_for, run.attention, answer.passed, answer.messages


def test_what_it_finds_blocks_as_if_it_had_been_told_at_once(later: Programme) -> None:
    later.simulator.control("settings", {"validate_later": 0})
    run = later.started()
    later.simulator.control("reset", {"estate": peered()})
    at_once = blocked(later, run)
    later.simulator.control("settings", {"validate_later": 1})
    later.ask(run, "validate")
    assert blocked(later, run) == at_once
    assert "peering" in run.attention and at_once[3] is False
    assert looks(later) >= 1 and [row["status"] for row in later.posts("validate")] == [200, 202]


def test_one_that_fails_by_itself_says_why(later: Programme) -> None:
    later.fault("operation-fails", verb="validate", code="E04")
    run = later.started()
    later.until(run, lambda: run.waiting_code == "validate-failed")
    assert run.state == "planned" and "allocate network resources" in run.attention


def test_a_status_url_that_vanished_makes_it_ask_again(later: Programme) -> None:
    later.fault("poll-gone", verb="validate")
    run = later.started()
    later.until(run, lambda: run.state == "validated")
    assert len(later.posts("validate")) == 2
    assert later.state()["violations"] == 0
