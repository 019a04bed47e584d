"""Machines that go into an existing network, through the real engine and both APIs of the simulator."""

import pytest

from tests.tracker.runs.programme import Programme
from tracker.accounts.actions import Denied
from tracker.quota import queries as quota
from tracker.quota.models import Usage
from tracker.runs import actions as runs
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves import queries
from tracker.waves.models import Approval, Wave
from tracker.waves.plan_models import Destination

GROUP, NETWORK, SUBNET = "hub", "hub-net", "apps"


def choose(kinds: Programme, wave: Wave, network: str = NETWORK, subnet: str = SUBNET) -> Destination:
    return waves.choose_network(
        wave.placements.get(), group=GROUP, network=network, subnet=subnet, by=kinds.maya, now=database_now()
    )


def read(kinds: Programme, row: Destination) -> str:
    said = waves.read_network(row.pk, gateway=lambda _: kinds.gateway, clock=database_now)
    row.refresh_from_db()
    return said


def agree(kinds: Programme, wave: Wave) -> Approval:
    approval = waves.submit(wave, by=kinds.maya, now=database_now())
    waves.approve(approval, digest=approval.digest, by=kinds.tomas, now=database_now())
    return approval


def networks(reservations: object) -> list[str]:
    return [row.name for row in reservations if row.name.lower() == "virtualnetworks"]  # type: ignore[attr-defined]


def test_the_copy_is_put_into_the_chosen_network(kinds: Programme) -> None:
    wave = kinds.wave("loose-existing")
    unit = kinds.unit("loose-existing")
    assert networks(unit.reservations.all())
    Usage.objects.filter(name__iexact="VirtualNetworks").update(limit=0)
    short = {one.need.name.lower() for one in quota.shortfalls_of([unit])[unit.key]}
    assert "virtualnetworks" in short
    row = choose(kinds, wave)
    assert not networks(unit.reservations.all())  # no new network, so none is reserved
    short = {one.need.name.lower() for one in quota.shortfalls_of([unit])[unit.key]}
    assert "virtualnetworks" not in short, "and none is missing"
    with pytest.raises(waves.NotReady, match="still being read"):
        waves.submit(wave, by=kinds.maya, now=database_now())
    assert read(kinds, row) == "it fits" and read(kinds, row) == "not due"
    approval = agree(kinds, wave)
    assert waves.shown(approval)["units"][unit.key]["destination"] == f"{GROUP} / {NETWORK} / {SUBNET}"
    run = runs.start(unit, by=kinds.tomas, now=database_now())
    kinds.until(run, lambda: run.state == "validated")
    with pytest.raises(waves.NotThere, match="live run"):
        choose(kinds, wave, subnet="other")
    kinds.ask(run, "prepare")
    kinds.until(run, lambda: run.state == "prepared")
    assert run.comparison.unexpected == 0, list(run.differences.values("field", "kind", "why"))
    chosen = run.differences.get(field="subnet")
    assert chosen.kind == "same" and chosen.after.endswith(f"/{NETWORK}/subnets/{SUBNET}")
    made = [key for key in kinds.state()["arm"] if "/loose-existing-migrated/" in key]
    assert made and not [key for key in made if "/virtualnetworks/" in key]


def test_what_does_not_fit_is_not_submitted(kinds: Programme) -> None:
    wave = kinds.wave("loose-existing")
    row = choose(kinds, wave, network="no-such-net")
    assert "has no network no-such-net" in read(kinds, row)
    with pytest.raises(waves.NotReady, match="has no network no-such-net"):
        waves.submit(wave, by=kinds.maya, now=database_now())
    row = choose(kinds, wave, subnet="none")
    assert "it has apps" in read(kinds, row)
    kinds.fault("malformed", unit=NETWORK, method="GET", times=9)
    row = choose(kinds, wave)
    assert "could not be read" in read(kinds, row) and row.due_at is not None
    with pytest.raises(waves.NotReady, match="could not be read"):
        waves.submit(wave, by=kinds.maya, now=database_now())


def test_another_network_needs_another_approval(kinds: Programme) -> None:
    wave = kinds.wave("loose-existing")
    approval = agree(kinds, wave)
    row = choose(kinds, wave)
    approval.refresh_from_db()
    assert approval.voided_at is not None
    assert "destination" in " ".join(queries.wave_drift(approval))
    read(kinds, row)
    agree(kinds, wave)
    waves.new_network(wave.placements.get(), by=kinds.maya, now=database_now())
    assert queries.open_wave_approval(wave) is None and networks(kinds.unit("loose-existing").reservations.all())
    with pytest.raises(waves.NotThere, match="already"):
        waves.new_network(wave.placements.get(), by=kinds.maya, now=database_now())


def test_a_network_that_goes_away_holds_the_run_and_it_goes_on_when_it_is_back(kinds: Programme) -> None:
    wave = kinds.wave("loose-existing")
    read(kinds, choose(kinds, wave))
    agree(kinds, wave)
    kinds.fault("malformed", unit=NETWORK, method="GET", times=3)
    run = runs.start(kinds.unit("loose-existing"), by=kinds.tomas, now=database_now())
    kinds.until(run, lambda: run.waiting_code == "destination-unread")
    assert not kinds.posts("validate")
    kinds.until(run, lambda: run.state == "validated")


def test_only_who_plans_chooses(kinds: Programme) -> None:
    wave = kinds.wave("loose-existing")
    with pytest.raises(Denied):
        waves.choose_network(
            wave.placements.get(), group=GROUP, network=NETWORK, subnet=SUBNET, by=kinds.noor, now=database_now()
        )
