"""The membership cases the documents single out, each with the sentences that explain it: networks the portal made, the
hidden default network, both slots, mixed networks, several subscriptions (azure.md 2.2 and 3.2)."""

import copy
import json

from migrator.units import Unit, UnitKind
from tests.migrator.readiness.documents import (
    OTHER,
    Document,
    S,
    dependent,
    gateway,
    lone_service,
    machine,
    machine_network,
    machine_slot,
    network,
    network_id,
    peering,
    role,
    service,
    slot,
    slot_id,
    web_network,
)
from tests.migrator.units.test_units import drawn, only, reasons

PORTAL = "Group shop-rg shop-net"


def elsewhere(documents: list[Document]) -> list[Document]:
    """The very same documents, in another subscription."""
    return json.loads(json.dumps(copy.deepcopy(documents)).replace(S, OTHER))


def keys(unit: Unit) -> set[str]:
    return {member.resource_key for member in unit.members}


def test_a_network_the_portal_made_is_sent_its_whole_name_and_shown_by_its_short_one() -> None:
    unit = only(network(PORTAL), gateway(of=PORTAL), service(), slot(network=PORTAL), role())
    assert (unit.kind, unit.id, unit.name) == (UnitKind.NETWORK, network_id(PORTAL), "shop-net")
    assert reasons(unit) == {
        PORTAL.lower(): "is the virtual network itself",
        "gw": "belongs to virtual network shop-net",
        "shop": "runs in virtual network shop-net",
        "production": "runs in virtual network shop-net",
        "web": "is a role of the Production deployment of shop",
    }


def test_machines_in_a_network_the_portal_made_name_it_shortly_too() -> None:
    unit = only(network(PORTAL), service("iaas"), machine_slot(network=PORTAL), machine(network=PORTAL))
    assert {reasons(unit)[name] for name in ("iaas", "production", "vm1")} == {"runs in virtual network shop-net"}


def test_a_portal_network_and_one_of_its_short_name_are_two_units() -> None:
    units = drawn(network(PORTAL), network("shop-net"), service(), slot(network=PORTAL), role())
    assert [(unit.name, "shop" in reasons(unit)) for unit in units] == [("shop-net", True), ("shop-net", False)]


def test_each_deployment_in_the_hidden_default_network_moves_alone() -> None:
    units = drawn(*lone_service(), service("blog"), slot("blog", network=None), role("blog"))
    assert [(unit.kind, unit.id) for unit in units] == [
        (UnitKind.DEPLOYMENT, slot_id("blog")),
        (UnitKind.DEPLOYMENT, slot_id("shop")),
    ]
    for unit in units:
        assert reasons(unit)["production"] == (
            "runs in no virtual network, or in the hidden default one, and moves alone"
        )


def test_both_slots_of_a_service_in_one_network_are_members_with_their_own_roles() -> None:
    unit = only(*web_network(), slot(slot="Staging"), role(slot="Staging", role="next"))
    told = reasons(unit)
    assert told["production"] == told["staging"] == "runs in virtual network net"
    assert told["web"] == "is a role of the Production deployment of shop"
    assert told["next"] == "is a role of the Staging deployment of shop"


def test_both_slots_in_no_network_are_one_unit_whose_verb_goes_to_production() -> None:
    unit = only(*lone_service(), slot(slot="Staging", network=None), role(slot="Staging", role="next"))
    assert unit.id == slot_id("shop")
    assert {"production", "staging", "shop", "web", "next"} == set(reasons(unit))


def test_staging_in_a_network_while_production_is_in_none_goes_with_production() -> None:
    units = {unit.kind: unit for unit in drawn(network(), *lone_service(), slot(slot="Staging"))}
    assert reasons(units[UnitKind.DEPLOYMENT])["staging"] == "is the other slot of cloud service shop"
    assert set(reasons(units[UnitKind.NETWORK])) == {"net"}


def test_a_mixed_network_is_one_unit_with_web_roles_and_machines() -> None:
    unit = only(*web_network(), *machine_network()[1:])
    told = reasons(unit)
    assert unit.kind is UnitKind.NETWORK
    assert {told[name] for name in ("shop", "iaas", "vm1", "vm2")} == {"runs in virtual network net"}
    assert told["web"] == "is a role of the Production deployment of shop"


def test_the_same_estate_in_two_subscriptions_is_two_units_that_share_nothing() -> None:
    here = [*web_network(), gateway(), peering()]
    first, second = drawn(*here, *elsewhere(here))
    assert {first.subscription, second.subscription} == {S, OTHER}
    assert not keys(first) & keys(second)
    assert reasons(first) == reasons(second)
    assert all(unit.subscription in key for unit in (first, second) for key in keys(unit))


def test_a_peering_into_another_subscription_does_not_pull_that_network_in() -> None:
    away = elsewhere([network("hub")])
    to_there = json.loads(json.dumps(peering()).replace(network_id("hub"), away[0]["id"]))
    units = {unit.subscription: unit for unit in drawn(*web_network(), to_there, *away)}
    assert reasons(units[S])["to-hub"] == "belongs to virtual network net"
    assert set(reasons(units[OTHER])) == {"hub"}


def test_a_resource_manager_dependent_makes_no_unit_and_changes_none() -> None:
    kinds = ("Microsoft.Web/hostingEnvironments", "Microsoft.HDInsight/clusters", "Microsoft.ApiManagement/service")
    alone = drawn(*web_network())
    assert drawn(*web_network(), *[dependent(kind, name=f"d{n}") for n, kind in enumerate(kinds)]) == alone
