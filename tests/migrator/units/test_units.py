"""What moves together, and why; on wire-format estates."""

import re

import pytest

from migrator import units
from migrator.resources import UNKNOWN
from migrator.units import Unit, UnitKind, display_name
from tests.migrator.readiness.documents import (
    CLASSIC,
    RG,
    Document,
    S,
    account,
    account_id,
    alert,
    assignment,
    autoscale,
    dependent,
    disk,
    document,
    drop,
    estate,
    gateway,
    group,
    image,
    lock,
    lone_service,
    machine,
    machine_id,
    machine_network,
    machine_slot,
    network,
    network_id,
    peering,
    put,
    reserved,
    role,
    role_id,
    service,
    service_id,
    slot,
    slot_id,
    table,
    vip,
    web_network,
)


def drawn(*documents: Document) -> list[Unit]:
    return units.resolve(estate(list(documents)).resources)


def only(*documents: Document) -> Unit:
    (unit,) = drawn(*documents)
    return unit


def reasons(unit: Unit) -> dict[str, str]:
    """Reason by the last name in the id of each member."""
    return {member.resource_key.rsplit("/", 1)[-1]: member.reason for member in unit.members}


def test_a_network_moves_with_everything_in_it() -> None:
    unit = only(*web_network(), gateway(), peering())
    assert (unit.kind, unit.key, unit.id) == (UnitKind.NETWORK, network_id().lower(), network_id())
    assert (unit.name, unit.subscription, unit.location) == ("net", S, "westeurope")
    assert reasons(unit) == {
        "net": "is the virtual network itself",
        "gw": "belongs to virtual network net",
        "to-hub": "belongs to virtual network net",
        "shop": "runs in virtual network net",
        "production": "runs in virtual network net",
        "web": "is a role of the Production deployment of shop",
    }


def test_machines_move_with_their_network_and_so_does_their_cloud_service() -> None:
    unit = only(*machine_network())
    assert unit.kind is UnitKind.NETWORK
    assert {reasons(unit)[name] for name in ("vm1", "vm2", "iaas")} == {"runs in virtual network net"}


def test_several_cloud_services_in_one_network_are_one_unit() -> None:
    unit = only(*web_network(), service("blog"), slot("blog"), role("blog"))
    assert {"shop", "blog"} <= set(reasons(unit))


def test_a_cloud_service_in_no_network_is_a_unit_whose_verb_goes_to_its_production_slot() -> None:
    unit = only(*lone_service())
    assert (unit.kind, unit.id, unit.name) == (UnitKind.DEPLOYMENT, slot_id("shop"), "shop")
    assert unit.location == "westeurope"
    assert reasons(unit)["production"] == "runs in no virtual network, or in the hidden default one, and moves alone"
    assert reasons(unit)["shop"] == "holds deployment shop"


def test_with_staging_alone_the_verb_goes_to_staging() -> None:
    assert only(service(), slot(slot="Staging", network=None)).id == slot_id("shop", "Staging")


def test_an_empty_cloud_service_is_a_unit_by_itself() -> None:
    unit = only(service())
    assert (unit.kind, unit.id) == (UnitKind.DEPLOYMENT, service_id("shop"))
    assert reasons(unit) == {"shop": "is a cloud service with nothing in it"}


def test_a_cloud_service_whose_slots_were_not_read_is_not_called_empty() -> None:
    unit = only(*drop([service()], 0, "read:slots"))
    assert reasons(unit) == {"shop": "is a cloud service whose deployments are not known"}


def test_a_deployment_whose_network_is_not_known_is_its_own_unit_and_says_so() -> None:
    documents = drop(drop(web_network(), 2, "virtualNetwork"), 2, "configuration")
    by_kind = {unit.kind: unit for unit in drawn(*documents)}
    assert by_kind[UnitKind.DEPLOYMENT].id == slot_id("shop")
    assert "not known" in reasons(by_kind[UnitKind.DEPLOYMENT])["production"]
    assert set(reasons(by_kind[UnitKind.NETWORK])) == {"net"}


def test_two_slots_in_different_networks_move_with_the_network_of_production() -> None:
    documents = [network(), network("other"), service(), slot(), slot(slot="Staging", network="other")]
    by_name = {unit.name: unit for unit in drawn(*documents)}
    assert reasons(by_name["net"])["staging"] == "is the other slot of cloud service shop"
    assert set(reasons(by_name["other"])) == {"other"}


def test_a_network_which_is_named_and_not_listed_is_the_unit_all_the_same() -> None:
    unit = only(service(), slot(), role())
    assert (unit.kind, unit.id, unit.name) == (UnitKind.NETWORK, network_id(), "net")
    assert unit.location == "westeurope"
    assert "net" not in reasons(unit)


def test_network_ids_are_compared_without_case() -> None:
    documents = put(
        web_network(), 2, "virtualNetwork", {"id": network_id().upper().replace(S.upper(), S), "name": "NET"}
    )
    assert len(drawn(*documents)) == 1


def test_a_machine_tells_where_its_silent_cloud_service_lies() -> None:
    documents = [network(), service("iaas"), machine()]  # no slot was listed
    unit = only(*documents)
    assert reasons(unit)["iaas"] == "runs in virtual network net"


def test_machines_in_no_network_move_with_their_deployment() -> None:
    unit = only(service("iaas"), machine_slot(network=None), machine(network=None))
    assert (unit.kind, unit.id) == (UnitKind.DEPLOYMENT, slot_id("iaas"))
    assert reasons(unit)["vm1"] == "runs in cloud service iaas"


def test_a_machine_of_an_unlisted_cloud_service_has_a_unit() -> None:
    unit = only(machine(network=None))
    assert (unit.kind, unit.id, unit.name) == (UnitKind.DEPLOYMENT, service_id("iaas"), "iaas")


def test_a_machine_about_which_nothing_is_known_is_its_own_unit() -> None:
    (bare,) = drop([machine()], 0, "top:properties")
    unit = only(bare)
    assert unit.id == machine_id("vm1")
    assert reasons(unit) == {"vm1": "is a virtual machine whose cloud service and network are not known"}


def test_a_storage_account_moves_with_its_disks_and_images() -> None:
    unit = only(account(), disk(), image())
    assert (unit.kind, unit.key) == (UnitKind.STORAGE_ACCOUNT, account_id().lower())
    assert reasons(unit) == {
        "acc": "is the storage account itself",
        "old": "is a disk in storage account acc",
        "golden": "is an image in storage account acc",
    }


def test_an_unattached_reserved_address_is_a_unit() -> None:
    unit = only(reserved())
    assert unit.kind is UnitKind.RESERVED_ADDRESS
    assert reasons(unit) == {"rip": "is a reserved address nothing listed uses"}


def test_a_reserved_address_in_use_by_something_unseen_says_so() -> None:
    assert reasons(only(reserved(in_use=True))) == {"rip": "is in use, but by what is not known"}


@pytest.mark.parametrize(
    "attached", [slot_id("shop"), service_id("shop"), slot_id("shop").upper().replace(S.upper(), S)]
)
def test_a_reserved_address_goes_with_the_service_it_says_it_serves(attached: str) -> None:
    unit = only(*web_network(), reserved(in_use=True, attached=attached))
    assert reasons(unit)["rip"] == "is the reserved address of cloud service shop"


def test_a_reserved_address_goes_with_the_service_whose_virtual_ip_names_it() -> None:
    documents = put(web_network(), 2, "virtualIps", vip("Group shop-rg RIP"))
    assert "rip" in reasons(only(*documents, reserved(in_use=True)))


@pytest.mark.parametrize(("make", "key"), [(group, "networkSecurityGroup"), (table, "routeTable")])
def test_what_guards_a_subnet_goes_with_its_network(make, key: str) -> None:
    thing = make()
    documents = put(web_network(), 0, f"subnets.0.{key}", {"name": thing["name"]})
    unit = only(*documents, thing)
    assert reasons(unit)[thing["name"]] == "is associated with subnet front of virtual network net"


def test_a_security_group_used_in_two_networks_goes_with_the_first_and_names_the_other() -> None:
    guard = {"name": "nsg"}
    first = put([network("alpha")], 0, "subnets.0.networkSecurityGroup", guard)
    second = put([network("beta")], 0, "subnets.1.networkSecurityGroup", guard)
    by_name = {unit.name: unit for unit in drawn(*second, *first, group())}
    assert reasons(by_name["alpha"])["nsg"].endswith("of virtual network alpha (also used in beta)")
    assert "nsg" not in reasons(by_name["beta"])


@pytest.mark.parametrize("name", ["vm1", "net/front", machine_id("vm1")])
def test_a_security_group_goes_where_its_association_leads(name: str) -> None:
    assert "nsg" in reasons(only(*machine_network(), group("nsg", name)))


def test_an_association_which_leads_nowhere_leaves_the_group_alone() -> None:
    by_kind = {unit.kind: unit for unit in drawn(*web_network(), group("nsg", "front"))}
    found = by_kind[UnitKind.NETWORK_SECURITY_GROUP]
    assert reasons(found) == {"nsg": "is a network security group which nothing listed is known to use"}


def test_an_unused_route_table_is_a_unit() -> None:
    assert reasons(only(table())) == {"rt": "is a route table nothing uses"}


@pytest.mark.parametrize(
    "setting",
    [autoscale(role_id("shop")), alert(role_id("shop")), assignment(slot_id("shop")), lock(role_id("shop"))],
    ids=lambda one: one["name"],
)
def test_a_setting_belongs_to_the_unit_of_what_it_is_set_on(setting: Document) -> None:
    unit = only(*web_network(), setting)
    reason = {m.resource_key: m.reason for m in unit.members}[setting["id"].lower()]
    assert reason.startswith("is set on ")


def test_a_setting_on_something_unlisted_belongs_to_what_that_lies_in() -> None:
    assert reasons(only(*web_network(), alert(role_id("shop", "gone"))))["cpu-high"] == "is set on Production"


def test_a_setting_on_two_units_belongs_to_the_first_and_names_the_other() -> None:
    both = alert(role_id("shop"))
    both["properties"]["more"] = {"resourceUri": account_id()}
    by_name = {unit.name: unit for unit in drawn(*web_network(), account(), both)}
    assert reasons(by_name["net"])["cpu-high"] == "is set on web (and names things in acc)"
    assert "cpu-high" not in reasons(by_name["acc"])


@pytest.mark.parametrize("scope", [RG, f"/subscriptions/{S}"])
def test_a_setting_on_a_group_or_subscription_belongs_to_no_unit(scope: str) -> None:
    unit = only(*web_network(), assignment(scope), lock(scope))
    assert not [m for m in unit.members if "authorization" in m.resource_key]


def test_resource_manager_dependents_belong_to_no_unit() -> None:
    unit = only(*web_network(), dependent("Microsoft.Web/hostingEnvironments"))
    assert "dep" not in reasons(unit)


def test_what_lies_inside_something_and_has_no_class_of_its_own_goes_with_it() -> None:
    rule = document(f"{CLASSIC}Network/networkSecurityGroups/nsg/securityRules/allow", {})
    assert reasons(only(group(), rule))["allow"] == "is part of nsg"


def test_the_same_names_in_two_subscriptions_do_not_meet() -> None:
    other = "22222222-2222-2222-2222-222222222222"
    text = {**reserved(), "id": reserved()["id"].replace(S, other)}
    documents = put(web_network(), 2, "virtualIps", vip())
    assert {unit.subscription for unit in drawn(*documents, text)} == {S, other}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Group shop-rg shop-net", "shop-net"),
        ("shop-net", "shop-net"),
        ("Group of", "Group of"),
        ("Group a b c", "b c"),
    ],
)
def test_the_long_name_of_the_portal_is_shown_short(name: str, shown: str) -> None:
    assert display_name(name) == shown


def test_an_empty_estate_has_no_units() -> None:
    assert drawn() == []


def test_every_reason_is_plain_words() -> None:
    everything = [*web_network(), *machine_network()[1:], account(), disk(), reserved(), group(), table()]
    for unit in drawn(*everything):
        assert unit.location is UNKNOWN or re.fullmatch(r"[a-z0-9]+", unit.location)
        assert all(re.match(r"(is|runs|belongs|holds) ", member.reason) for member in unit.members)
