"""Machines before the storage of their disks, what nothing uses last."""

import pytest

from tests.tracker.runs.programme import Programme
from tracker.runs import actions as runs
from tracker.runs.models import Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves import order


def approved(kinds: Programme, *names: str) -> list[Run]:
    wave = kinds.approved(*names)
    return runs.start_all(wave, by=kinds.tomas, now=database_now()).runs


def commit(kinds: Programme, run: Run) -> None:
    kinds.ask(run, "prepare")
    kinds.until(run, lambda: run.state == "prepared")
    kinds.ask(run, "commit", seal=kinds.sealed(run).digest)
    kinds.until(run, lambda: run.state in ("committed", "verified", "closed"))


def test_a_storage_account_waits_for_its_machines_and_goes_on_by_itself(kinds: Programme) -> None:
    machines = ("farm-net", "loose-new", "loose-existing")
    started = approved(kinds, *machines, "kindvhds")
    *first, storage = started
    assert storage.unit.name == "kindvhds"  # last, whatever its name
    assert [words for words, _ in order.steps(storage.wave_id)] == ["networks and deployments", "storage accounts"]
    kinds.until(storage, lambda: storage.waiting_code == "order" and all(r.state == "validated" for r in _again(first)))
    assert all(name in storage.waiting_for for name in machines)
    assert not [row for row in kinds.posts("validate") if "kindvhds" in row["path"].lower()]
    for run in first:
        assert storage.state == "planned"
        commit(kinds, run)
        storage.refresh_from_db()
    kinds.until(storage, lambda: storage.state == "validated")
    commit(kinds, storage)
    assert kinds.state()["violations"] == 0


def _again(found: list[Run]) -> list[Run]:
    for run in found:
        run.refresh_from_db()
    return found


def test_a_storage_account_is_not_placed_before_its_machines(kinds: Programme) -> None:
    with pytest.raises(waves.NotPlaceable, match="farm-net has machines with disks in kindvhds and is in no wave"):
        kinds.wave("kindvhds")
    kinds.wave("farm-net", "loose-new", "loose-existing", opens=5, closes=9)
    with pytest.raises(waves.NotPlaceable, match="moves later, in wave"):
        waves.place(kinds.wave("kindstore"), kinds.unit("kindvhds"), by=kinds.maya, now=database_now())
    late = kinds.wave("kind-tool", opens=20, closes=24)
    waves.place(late, kinds.unit("kindvhds"), by=kinds.maya, now=database_now())
    assert order.wave_violations(late.pk) == []
    for name in ("farm-net", "loose-new"):
        waves.remove(kinds.unit(name).placement, by=kinds.maya, now=database_now())
    assert len(order.wave_violations(late.pk)) == 2
    with pytest.raises(waves.NotReady, match="place it first"):
        waves.submit(late, by=kinds.maya, now=database_now())


def test_what_nothing_uses_waits_for_what_is_planned_until_somebody_sets_it_aside(kinds: Programme) -> None:
    kinds.wave("web-net", opens=20, closes=24)
    (run,) = approved(kinds, "nsg-spare")
    kinds.until(run, lambda: run.state == "validated")
    kinds.ask(run, "prepare")
    kinds.until(run, lambda: run.waiting_code == "order")
    assert "web-net (planned" in run.waiting_for and not kinds.posts("prepare")
    with pytest.raises(waves.WaveError, match="Say why"):
        waves.set_order_aside(run.unit.placement, reason=" ", by=kinds.tomas, now=database_now())
    waves.set_order_aside(run.unit.placement, reason="Nobody needs it", by=kinds.tomas, now=database_now())
    kinds.until(run, lambda: run.state == "prepared")
    with pytest.raises(waves.WaveError, match="already"):
        waves.set_order_aside(run.unit.placement, reason="Again", by=kinds.tomas, now=database_now())


def test_the_order_of_a_storage_account_cannot_be_set_aside(kinds: Programme) -> None:
    placement = kinds.wave("kindstore").placements.get()
    with pytest.raises(waves.WaveError, match="only what nothing uses"):
        waves.set_order_aside(placement, reason="Hurry", by=kinds.tomas, now=database_now())
