"""Units of the demo company of which Azure told only a part, through the real engine. All units, without the engine:
tests/migrator/simulator/test_every_unit.py."""

from collections.abc import Iterator

import pytest

from migrator.simulator import running
from tests.tracker.runs.programme import Programme
from tracker.runs import actions as runs
from tracker.runs.models import Run
from tracker.runs.queries import database_now


@pytest.fixture(scope="module")
def simulator() -> Iterator[running.Running]:
    with running.simulator(scenario="demo", speed=6000) as process:
        yield process


@pytest.fixture
def demo(simulator: running.Running, db: None) -> Iterator[Programme]:
    made = Programme(simulator)
    made.begin("demo")
    yield made
    made.close()


def kinds(run: Run) -> set[str]:
    """What the comparison found on the Resource Manager side."""
    return {document["type"].rpartition("/")[2] for document in run.comparison.arm_documents}


def test_a_service_of_which_not_even_the_kind_was_told_moves_whole(demo: Programme) -> None:
    """toll-roads (no slotType) and pallet-pool (no public addresses, no configuration), side by side in one wave."""
    wave = demo.approved("toll-roads", "pallet-pool")
    tolls, pallets = sorted(
        runs.start_all(wave, by=demo.tomas, now=database_now()).runs, key=lambda run: run.unit.name, reverse=True
    )
    for run in (tolls, pallets):
        demo.until(run, lambda run=run: run.state == "validated")
    runs.ask_all(wave, "prepare", by=demo.tomas, now=database_now())
    for run in (tolls, pallets):
        demo.until(run, lambda run=run: run.state == "prepared")
        assert kinds(run) == {"cloudServices", "roles", "loadBalancers", "publicIPAddresses", "virtualNetworks"}
    assert tolls.comparison.unexpected == 0, list(tolls.differences.filter(kind="unexpected").values("field", "why"))

    [doubt] = pallets.differences.filter(kind__in=["unexpected", "unread"])
    assert (doubt.kind, doubt.field, doubt.before) == ("unread", "public addresses", {"unknown": True})
    assert len(doubt.after) == 1
    runs.dispose(doubt, disposition="The address is the one in DNS.", by=demo.tomas, now=database_now())

    for run in (tolls, pallets):
        demo.ask(run, "commit", seal=demo.sealed(run).digest)
    for run in (tolls, pallets):
        demo.until(run, lambda run=run: run.state in ("committed", "verified", "closed"))
        name = run.unit.name
        state = demo.state()
        assert not [key for key in state["classic"] if f"/domainnames/{name}/" in key]
        assert [key for key in state["arm"] if key.endswith(f"/providers/microsoft.compute/cloudservices/{name}")]
    assert demo.state()["violations"] == 0
