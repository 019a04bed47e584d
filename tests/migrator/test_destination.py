"""Where a deployment outside any network may go."""

from typing import Any

import pytest

from migrator import destination
from migrator.destination import Destination, Moving
from migrator.gateway import operations
from migrator.gateway.shapes import DEPLOYMENT_BODY
from migrator.gateway.wire import resources
from migrator.resources import UNKNOWN, Verb
from migrator.simulator import scenarios
from migrator.units import resolve

WISH = Destination("hub", "hub-net", "apps")
SUB = "11111111-0000-0000-0000-000000000001"


def machines(**more: Any) -> Moving:
    facts = {"name": "erp", "kind": "deployment", "subscription": SUB, "region": "West Europe"}
    return Moving(**{**facts, "web": False, "inside": False, "addresses": 2, **more})


def network(prefix: str = "10.0.1.0/24", taken: int = 0, location: str = "westeurope") -> dict[str, Any]:
    facts = {"addressPrefix": prefix, "ipConfigurations": [{"id": f"nic{n}"} for n in range(taken)]}
    return {"location": location, "properties": {"subnets": [{"name": "apps", "properties": facts}]}}


def test_machines_outside_any_network_may_go_into_a_network_that_fits() -> None:
    assert destination.objections(machines(), WISH, network()) == []
    assert destination.objections(machines(), Destination("hub", "hub-net", "APPS"), network()) == []


@pytest.mark.parametrize(
    ("unit", "says"),
    [
        ({"web": True}, "CS-OTHER-VNET"),
        ({"web": UNKNOWN}, "not known whether erp holds web or worker roles"),
        ({"inside": True}, "moves with it"),
        ({"inside": UNKNOWN}, "not known whether erp runs in a classic network"),
        ({"kind": "network"}, "only a deployment"),
    ],
)
def test_some_can_go_into_no_existing_network(unit: dict[str, Any], says: str) -> None:
    assert says in destination.refusals(machines(**unit))[0]
    assert says in destination.objections(machines(**unit), WISH, network())[0]


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (UNKNOWN, "could not be read"),
        (None, "has no network hub-net in resource group hub"),
        (network(location="northeurope"), "is in northeurope and erp in West Europe"),
        ({"location": "westeurope", "properties": {"subnets": []}}, "it has none"),
        ({"location": "westeurope", "properties": {}}, "does not say which subnets"),
        ({"properties": {"subnets": []}}, "does not say in which region"),
        (network("10.0.1.0/29", taken=2), "has 1 free addresses and erp needs 2"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_with_the_reason(seen: Any, says: str) -> None:
    (sentence,) = destination.objections(machines(), WISH, seen)
    assert says in sentence


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        ({"addressPrefix": "10.0.0.0/29"}, 3),
        ({"addressPrefixes": ["10.0.0.0/29", "10.0.1.0/28"]}, 14),
        ({"addressPrefix": "10.0.0.0/29", "addressPrefixes": ["10.0.0.0/29"]}, 3),
        ({"addressPrefix": "10.0.0.0/29", "ipConfigurations": [{}] * 9}, 0),
        ({"addressPrefix": "nonsense"}, UNKNOWN),
        ({}, UNKNOWN),
    ],
)
def test_free_addresses(facts: dict[str, Any], left: Any) -> None:
    assert destination.free({"properties": facts}) == left


def test_all_three_names_are_needed() -> None:
    assert destination.clean(" hub ", "hub-net", "apps") == WISH
    assert "the network and the subnet are missing" in str(destination.clean("hub", " ", ""))
    assert "holds a sign" in str(destination.clean("hub/x", "hub-net", "apps"))


def test_the_body_names_the_network_at_validate_and_prepare_only() -> None:
    wanted = {
        "destinationVirtualNetwork": "Existing",
        "resourceGroupName": "hub",
        "virtualNetworkName": "hub-net",
        "subnetName": "apps",
    }
    slot = f"/subscriptions/{SUB}/resourceGroups/r/providers/Microsoft.ClassicCompute/domainNames/erp/slots/Production"
    for verb in Verb:
        sent = destination.parameters(verb, WISH, DEPLOYMENT_BODY)
        expected = wanted if verb in (Verb.VALIDATE, Verb.PREPARE) else None
        assert (dict(sent) if sent else None) == expected
        assert (dict(body) if (body := operations.body_for(verb, slot, sent)) else None) == expected
    assert destination.parameters(Verb.PREPARE, None, DEPLOYMENT_BODY) is None


def test_a_corrected_spelling_of_the_body_is_kept() -> None:
    shape = {"DestinationVirtualNetwork": "New", "SubNetName": "", "more": 1}
    sent = dict(destination.parameters(Verb.PREPARE, WISH, shape) or {})
    assert (sent["DestinationVirtualNetwork"], sent["SubNetName"], sent["more"]) == ("Existing", "apps", 1)
    assert "subnetName" not in sent and sent["virtualNetworkName"] == "hub-net"


def test_the_units_of_a_company_are_told_apart() -> None:
    read = resources(scenarios.estate("demo")["resources"])
    by_key = {item.key: item for item in read}
    told: dict[str, list[bool]] = {"deployment": [], "network": []}
    for unit in resolve(read):
        if unit.kind in told:
            members = [by_key[m.resource_key] for m in unit.members if m.resource_key in by_key]
            about = destination.moving(
                members, name=unit.name, kind=unit.kind, subscription=unit.subscription, region=str(unit.location)
            )
            told[unit.kind].append(not destination.refusals(about))
    assert any(told["deployment"]) and not all(told["deployment"]) and not any(told["network"])
