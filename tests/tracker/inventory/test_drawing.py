"""Units are drawn from outlines of what is stored; whole documents would give the same."""

import copy
import json
from typing import Any

import pytest

from migrator.gateway import wire
from migrator.resources import subscription_of
from migrator.simulator import scenarios
from migrator.units import resolve
from tests.tracker.inventory.azure import BY, Azure, Clock
from tracker.inventory import actions
from tracker.inventory.models import Resource, Subscription, Unit

pytestmark = pytest.mark.django_db
MISSING = ...
ELSEWHERE = "/subscriptions/{}/resourceGroups/rg/providers/Microsoft.ClassicNetwork/virtualNetworks/elsewhere"


def drawn() -> dict[str, Any]:
    """key → (kind, name, region, members with the reason each belongs), as stored."""
    members: dict[int, dict[str, str]] = {}
    for key, unit, reason in Resource.objects.filter(unit__isnull=False).values_list("key", "unit_id", "membership"):
        members.setdefault(unit, {})[key] = reason
    return {u.key: (u.kind, u.name, u.region, members.get(u.pk, {})) for u in Unit.objects.filter(gone_at=None)}


def resolved() -> dict[str, Any]:
    """The same from whole documents, by the pure function alone."""
    listed = Resource.objects.filter(gone_at__isnull=True).values_list("document", flat=True)
    units = resolve(wire.resources(listed))
    return {
        u.key: (
            u.kind,
            u.name,
            u.location if isinstance(u.location, str) else "",
            {m.resource_key: m.reason for m in u.members},
        )
        for u in units
    }


def same() -> None:
    stored, whole = drawn(), resolved()
    assert set(stored) == set(whole)
    for key, (*about, members) in whole.items():
        assert list(stored[key][:3]) == about, key
        assert members.items() <= stored[key][3].items(), key
        beside = set(stored[key][3]) - set(members)  # what is no value of its own is where its parent is
        assert all(stored[key][3][one].startswith("is part of ") for one in beside), beside


@pytest.mark.parametrize("name", ["small", "demo", "journey"])
def test_the_units_of_an_estate_are_those_of_its_whole_documents(azure: Azure, clock: Clock, name: str) -> None:
    azure.begin(scenarios.estate(name))
    for subscription in actions.discover_subscriptions(azure.gateway(), clock(), BY):
        azure.sync(subscription, clock)
    assert Unit.objects.exists()
    same()


def shapes(subscription: str) -> list[tuple[Any, Any]]:
    """What a machine may say of its service and its network, and what nobody expects it to say."""
    service = {
        "id": f"/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.ClassicCompute/domainNames/s"
    }
    network = {"virtualNetwork": {"id": ELSEWHERE.format(subscription), "subnetNames": ["a"]}}
    odd = (MISSING, None, "text", 5, [], {}, {"id": None}, {"id": 7})
    services = (service, *odd)
    networks = (network, *odd[:6], *({"virtualNetwork": one} for one in odd[1:]))
    return [(a, b) for a in services for b in networks]


def test_a_machine_is_drawn_whatever_it_says_of_its_home(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    wide = f"/subscriptions/{subscription.pk}/resourceGroups/rg/providers/Microsoft.ClassicCompute/virtualMachines"
    documents = []
    for number, (service, network) in enumerate(shapes(subscription.pk)):
        said = {"domainName": copy.deepcopy(service), "networkProfile": copy.deepcopy(network)}
        if isinstance(service, dict) and isinstance(service.get("id"), str):
            said["domainName"]["id"] += str(number)
        properties = {name: value for name, value in said.items() if value is not MISSING}
        documents.append(
            {"id": f"{wide}/vm{number}", "name": f"vm{number}", "location": "West Europe", "properties": properties}
        )
    documents.append({"id": f"{wide}/bare", "name": "bare"})
    documents.append({"id": f"{wide}/null", "name": None, "location": None, "properties": None})

    class Listing:
        def inventory(self, subscription_id: str, **_: object):
            return iter(json.loads(json.dumps(documents)))

        def registrations(self, subscription_id: str) -> list:
            return []

    row = actions.sync(subscription, Listing(), clock, BY)  # type: ignore[arg-type]
    assert (row.outcome, row.added) == ("complete", len(documents))
    same()
    assert {subscription_of(key) for key in drawn()} == {subscription.pk}
    before = drawn()
    assert not actions.redraw_units(Subscription.objects.get(), clock(), BY)
    assert drawn() == before
