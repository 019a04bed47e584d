"""A few units, looked at without their whole subscription: the evaluation says what it says over the whole."""

import random
from typing import Any

import pytest

from migrator import readiness, units
from migrator.readiness import Context
from migrator.simulator.estates import generated
from tests.tracker.inventory.azure import NOON, Azure, Clock
from tracker.inventory import queries as inventory
from tracker.inventory.models import Subscription, Unit
from tracker.readiness import around, loading

pytestmark = pytest.mark.django_db
SPOILED = ("virtualmachines", "slots", "domainnames", "virtualnetworks")


def full_of_holes(estate: dict[str, Any], seed: int) -> dict[str, Any]:
    """What the platform did not say: of every third resource some properties; some resources are not there at all."""
    dice = random.Random(seed)
    kept = []
    for document in estate["resources"]:
        if document["type"].rsplit("/", 1)[-1].lower() in SPOILED and dice.random() < 0.35:
            said = document.get("properties", {})
            document["properties"] = {name: value for name, value in said.items() if dice.random() < 0.7}
        kept.append(document)
    return {**estate, "resources": kept}


def read(azure: Azure, clock: Clock, estate: dict[str, Any]) -> Subscription:
    azure.begin(estate)
    azure.process.control("settings", {"throttle": 0, "page_size": 1_000})
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    return subscription


@pytest.mark.parametrize("holes", [False, True])
def test_every_unit_alone_is_evaluated_as_over_its_whole_subscription(azure: Azure, clock: Clock, holes: bool) -> None:
    made = generated.build(5, resources=350, subscriptions=1)
    subscription = read(azure, clock, full_of_holes(made, 3) if holes else made)
    estate = inventory.estate_of([subscription.pk])
    whole = {unit.key: unit for unit in units.resolve(estate.resources)}
    over_all = Context(estate=estate, now=NOON, unread=loading.unread(subscription.pk))
    listed = list(Unit.objects.all())
    assert len({unit.kind for unit in listed}) >= 3
    assert len(listed) > 20
    for unit in listed:
        here = loading.ground(subscription.pk, NOON, [unit])
        assert len(here.context.index.by_key) < len(over_all.index.by_key), "it was not read alone"
        expected = readiness.evaluate(whole[unit.key], over_all)
        assert readiness.evaluate(here.drawn[unit.key], here.context) == expected, unit.key


def test_a_unit_that_is_drawn_otherwise_than_it_is_stored_is_looked_at_over_the_whole(
    azure: Azure, clock: Clock
) -> None:
    subscription = read(azure, clock, generated.build(5, resources=300, subscriptions=1))
    unit = Unit.objects.filter(kind="network").order_by("-member_count").first()
    assert unit is not None
    unit.members.exclude(key=unit.key).filter(type__iendswith="/slots").update(unit=None)
    unit.members.exclude(key=unit.key).filter(type__iendswith="/virtualMachines").update(unit=None)
    assert around.estate_around(subscription.pk, [unit]) is None
    here = loading.ground(subscription.pk, NOON, [unit])
    assert len(here.context.estate.resources) == len(inventory.estate_of([subscription.pk]).resources)


@pytest.mark.parametrize(("limit", "most"), [("MOST_MEMBERS", 0), ("MOST_NAMED", -1)])  # what it names may be a member
def test_what_is_large_is_looked_at_over_the_whole(
    azure: Azure, clock: Clock, limit: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = read(azure, clock, generated.build(5, resources=300, subscriptions=1))
    unit = Unit.objects.filter(kind="network").order_by("-member_count").first()
    assert unit is not None
    assert around.estate_around(subscription.pk, [unit]) is not None
    monkeypatch.setattr(around, limit, most)
    assert around.estate_around(subscription.pk, [unit]) is None
