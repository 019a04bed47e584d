"""Units which only service management moves, through the real engine over both APIs of the simulator."""

from collections.abc import Iterator

import pytest

from migrator.gateway.arm import StaticToken
from migrator.gateway.azure import Azure
from migrator.simulator import running
from tests.tracker.runs.programme import Programme


@pytest.fixture(scope="module")
def simulator() -> Iterator[running.Running]:
    with running.simulator(scenario="demo", speed=6000) as process:
        yield process


@pytest.fixture
def demo(simulator: running.Running, db: None) -> Iterator[Programme]:
    made = Programme(simulator)
    made.gateway.close()
    made.gateway = Azure(
        simulator.base_url, f"{simulator.base_url}/service-management", StaticToken("a-token"), deadline=5
    )
    made.begin("demo")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("name", "copy"),
    [
        ("rip-spring-sale", "publicipaddresses/rip-spring-sale"),
        ("nsg-old-dmz", "networksecuritygroups/nsg-old-dmz"),
        ("rt-proxy-2015", "routetables/rt-proxy-2015"),
    ],
)
def test_what_only_the_older_api_moves_is_committed(demo: Programme, name: str, copy: str) -> None:
    run = demo.prepared(name)
    assert run.comparison.unexpected == 0, list(run.differences.values("field", "kind", "why"))
    demo.ask(run, "commit", seal=demo.sealed(run).digest)
    demo.until(run, lambda: run.state in ("committed", "verified", "closed"))
    state = demo.state()
    assert [key for key in state["arm"] if key.endswith(f"/providers/microsoft.network/{copy}")]
    assert not [key for key in state["classic"] if key.endswith(f"/{name}")]
    assert state["violations"] == 0
    assert [len(demo.posts(verb)) for verb in ("validate", "prepare", "commit")] == [1, 1, 1]
