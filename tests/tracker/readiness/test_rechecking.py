"""Re-checks: asked for by a person, found by the ticker, never waited for; the estate is read over HTTP."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from migrator.simulator import running
from tests.tracker.readiness.people import Company
from tracker.accounts.actions import Denied
from tracker.audit.models import Event
from tracker.inventory import actions as inventory
from tracker.inventory.models import Sync, Unit
from tracker.readiness import actions, people
from tracker.readiness.actions import rechecking
from tracker.readiness.models import Finding, Recheck
from tracker.runs.queries import database_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def company(simulator: running.Running) -> Iterator[Company]:
    made = Company(simulator)
    made.begin()
    yield made
    made.close()


def step(wish: Recheck) -> str:
    Recheck.objects.filter(pk=wish.pk, due_at__isnull=False).update(due_at=database_now())
    said = actions.advance_recheck(wish.pk, clock=database_now)
    wish.refresh_from_db()
    return said


def test_a_unit_is_read_again_and_what_was_corrected_in_azure_counts(company: Company) -> None:
    unit = company.unit("legacy-net")
    wish, new = actions.recheck_unit(unit, by=company.tomas, now=database_now())
    assert new
    assert people.due_rechecks(database_now()) == [wish.pk]
    assert step(wish) == "the reading goes on"  # nobody waits in a worker
    company.delete("virtualNetworkPeerings/to-hub-net", "virtualNetworks/hub-net")
    row = inventory.sync(unit.subscription, company.gateway, database_now, company.tomas.actor)
    assert step(wish) == "the reading goes on"  # read, and not yet assessed
    actions.assess([unit], now=database_now(), by=company.tomas.actor)
    inventory.followed(row, database_now())
    assert step(wish) == "done"
    assert (wish.state, wish.before, wish.after, wish.changed) == ("done", "blocked", "unknown", 1)
    told = Event.objects.filter(type__startswith="readiness.recheck").order_by("id")
    kinds = list(told.values_list("type", flat=True))
    assert kinds == ["readiness.recheck_asked", "readiness.rechecked"]
    assert step(wish) == "not due"


def test_who_asks_while_it_waits_gets_the_same_wish(company: Company) -> None:
    unit = company.unit("legacy-net")
    first, _ = actions.recheck_unit(unit, by=company.tomas, now=database_now())
    second, new = actions.recheck_unit(unit, by=company.aiko, now=database_now())
    assert (second.pk, new) == (first.pk, False)


def test_a_reading_that_fails_is_told_and_what_is_known_is_asked_again(company: Company) -> None:
    unit = company.unit("legacy-net")
    wish, _ = actions.recheck_unit(unit, by=company.tomas, now=database_now())
    now = database_now()
    Sync.objects.create(
        subscription=unit.subscription, started_at=now, ended_at=now, lease_until=now, outcome="failed",
        error="The credential has expired.", started_by="system:sync",
    )  # fmt: skip
    assert "could not be read: The credential has expired." in step(wish)
    assert wish.state == "failed"
    [event] = [json.loads(row.body) for row in Event.objects.filter(type="readiness.rechecked")]
    assert event["result"] == "failed"


def test_after_half_an_hour_it_says_so_instead_of_waiting_on(company: Company) -> None:
    unit = company.unit("legacy-net")
    wish, _ = actions.recheck_unit(unit, by=company.tomas, now=database_now() - timedelta(minutes=31))
    assert "not through after half an hour" in step(wish)


def test_a_rule_is_asked_again_of_every_unit_it_touches_in_small_steps(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rechecking, "BATCH", 2)
    touched = set(Finding.objects.filter(rule="SUB-TOOLING", outcome="unknown").values_list("unit", flat=True))
    assert len(touched) > 2
    wish, _ = actions.recheck_rule("SUB-TOOLING", by=company.maya, now=database_now())
    said = []
    while wish.state == "wanted":
        said.append(step(wish))
    assert said[:-1] and all("goes on" in one for one in said[:-1])
    assert wish.units == len(touched)


def test_asked_once_more_half_way_it_begins_again(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rechecking, "BATCH", 1)
    wish, _ = actions.recheck_rule("SUB-TOOLING", by=company.maya, now=database_now())
    step(wish)
    assert wish.seen
    again, new = actions.recheck_rule("SUB-TOOLING", by=company.tomas, now=database_now())
    assert (again.pk, new, again.seen) == (wish.pk, False, 0)


def test_an_auditor_may_not(company: Company) -> None:
    with pytest.raises(Denied):
        actions.recheck_unit(Unit.objects.all()[0], by=company.noor, now=database_now())
