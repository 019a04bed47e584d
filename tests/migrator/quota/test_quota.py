"""How much quota a unit needs and whether it is there (azure.md 5.1, 5.2)."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator import quota, sizes
from migrator.gateway.wire import resources
from migrator.quota import Need
from migrator.resources import UNKNOWN, Usage, VirtualMachine

DOCUMENTS = Path(__file__).parent.parent / "translation" / "documents"
SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"


def documents(case: str) -> list[dict[str, Any]]:
    return json.loads((DOCUMENTS / f"{case}.json").read_text())["before"]


def amounts(case: str | list[dict[str, Any]]) -> dict[str, int]:
    needs, unknowns = quota.need(resources(documents(case) if isinstance(case, str) else case))
    assert unknowns == []
    return {need.name: need.amount for need in needs}


def missing(case: list[dict[str, Any]]) -> set[str]:
    return {unknown.name for unknown in quota.need(resources(case)).unknowns}


def test_roles_in_a_network_need_cores_twice_and_what_hangs_on_the_network() -> None:
    assert amounts("web_roles_in_a_network") == {
        "cores": 2 * 1 + 3 * 2,
        "standardA0_A7Family": 2,  # Small becomes Standard_A1
        "standardDv2Family": 6,
        "LoadBalancers": 1,
        "PublicIPAddresses": 1,  # the reserved address and the VIP are one
        "StaticPublicIPAddresses": 1,
        "NetworkSecurityGroups": 1,
        "RouteTables": 1,
        "VirtualNetworks": 1,
    }


def test_machines_need_interfaces_and_one_address_for_their_service() -> None:
    assert amounts("machines_in_a_portal_network") == {
        "cores": 2 + 2,
        "standardA0_A7Family": 2,
        "basicAFamily": 2,
        "NetworkInterfaces": 2,
        "LoadBalancers": 1,
        "PublicIPAddresses": 1,
        "VirtualNetworks": 1,
    }


def test_the_hidden_default_network_needs_a_network() -> None:
    assert amounts("roles_in_the_default_network") == {
        "cores": 2,
        "standardA0_A7Family": 2,
        "LoadBalancers": 1,
        "PublicIPAddresses": 1,
        "VirtualNetworks": 1,
    }


def test_storage_accounts_need_nothing_that_is_counted() -> None:
    assert amounts("storage_account") == {}


def test_regions_and_reasons_are_told() -> None:
    needs, _ = quota.need(resources(documents("web_roles_in_a_network")))
    cores = next(need for need in needs if need.name == "cores")
    assert (cores.subscription, cores.location, cores.provider) == (SUBSCRIPTION, "westeurope", "Microsoft.Compute")
    assert [(key.rsplit("/", 1)[-1], amount) for key, amount in cores.because] == [("workerrole", 6), ("webrole", 2)]


def test_nested_and_listed_values_are_counted_once() -> None:
    everything = resources(documents("web_roles_in_a_network"))
    service = [value for value in everything if value.id.endswith("/domainNames/shop-web")]
    nested = {need.name: need.amount for need in quota.need(service).needs}
    assert nested["cores"] == 8
    assert quota.need([*everything, *everything]) == quota.need(everything)


@pytest.mark.parametrize(
    ("name", "change", "lost"),
    [
        ("WebRole", {"instanceSize": None}, {"cores", quota.ANY_FAMILY}),
        ("WebRole", {"instanceSize": "SQLG7"}, {"cores", quota.ANY_FAMILY}),
        ("WebRole", {"instanceSize": "MSODSG5"}, {"cores", quota.ANY_FAMILY}),
        ("WebRole", {"inputEndpoints": "?"}, {"LoadBalancers"}),
        ("Production", {"virtualIps": "?"}, {"PublicIPAddresses", "StaticPublicIPAddresses"}),
        ("shop-net", {"subnets": "?"}, {"NetworkSecurityGroups", "RouteTables"}),
    ],
)
def test_what_was_not_read_is_an_unknown_need_and_never_zero(name: str, change: dict[str, Any], lost: set[str]) -> None:
    case = documents("web_roles_in_a_network")
    for document in case:
        if document["name"] == name:
            document["properties"] = {**document["properties"], **change}
    assert missing(case) == lost


def test_roles_that_were_not_listed_are_unknown() -> None:
    case = documents("web_roles_in_a_network")
    for document in case:
        if document["name"] == "Production":
            document["read"] = []
            document["properties"]["configuration"] = ""
    lost = missing(case)
    assert {"cores", quota.ANY_FAMILY, "LoadBalancers"} <= lost


@pytest.mark.parametrize(
    ("path", "value", "lost"),
    [
        (("hardwareProfile",), {}, {"cores", quota.ANY_FAMILY}),
        (("networkProfile", "networkInterfaces"), "?", {"NetworkInterfaces"}),
        (("networkProfile", "virtualNetwork"), "?", {"VirtualNetworks"}),
        (("instanceView", "publicIpAddresses"), "?", {"PublicIPAddresses"}),
    ],
)
def test_machines_that_were_not_read_whole_are_unknown(path: tuple[str, ...], value: Any, lost: set[str]) -> None:
    case = documents("machines_in_a_portal_network")
    for document in case:
        if document["name"] == "erp-db":
            target = document["properties"]
            for step in path[:-1]:
                target = target[step]
            target[path[-1]] = value
    assert lost <= missing(case)


def test_an_unknown_region_is_unknown_and_not_nowhere() -> None:
    case = documents("storage_account") + documents("web_roles_in_a_network")
    for document in case:
        document.pop("location", None)
    needs, unknowns = quota.need(resources(case))
    assert needs == []
    assert all("region" in unknown.why for unknown in unknowns)
    assert {"cores", "VirtualNetworks"} <= {unknown.name for unknown in unknowns}


def test_machines_in_no_network_get_one_of_their_own_and_a_vip_without_endpoint_none() -> None:
    case = [d for d in documents("machines_in_a_portal_network") if "/virtualNetworks/" not in d["id"]]
    for document in case:
        profile = document["properties"].get("networkProfile")
        if profile:
            profile |= {"virtualNetwork": None, "inputEndpoints": []}
        elif document["name"] == "Production":
            document["properties"]["virtualNetwork"] = None
    found = amounts(case)
    assert found["VirtualNetworks"] == 1
    assert "PublicIPAddresses" not in found
    assert "LoadBalancers" not in found


def test_needs_of_two_units_are_the_needs_of_both_together() -> None:
    one, two = (resources(documents(case)) for case in ("web_roles_in_a_network", "machines_in_a_portal_network"))
    assert quota.need([*one, *two]).needs == quota.add([*quota.need(one).needs, *quota.need(two).needs])


def test_what_azure_lists_of_a_size_wins_over_our_own_table_in_its_region_only() -> None:
    members = resources(documents("machines_in_a_portal_network"))
    plain = {one.name: one.amount for one in quota.need(members).needs if one.provider == "Microsoft.Compute"}
    machines = [one for one in members if isinstance(one, VirtualMachine)]
    place = (machines[0].subscription, "".join(str(machines[0].location).split()).lower())
    names = {sizes.size(str(one.size)).arm_name.lower() for one in machines}  # type: ignore[union-attr]
    told = {name: quota.Listed(cores=96, family="standardNewFamily") for name in names}
    found = quota.need(members, listed={place: told})
    counted = {one.name: one.amount for one in found.needs if one.provider == "Microsoft.Compute"}
    assert counted == {"cores": 96 * len(machines), "standardNewFamily": 96 * len(machines)} != plain
    elsewhere = quota.need(members, listed={(place[0], "moon"): told})
    assert {one.name: one.amount for one in elsewhere.needs if one.provider == "Microsoft.Compute"} == plain
    family = quota.need(members, listed={place: {name: quota.Listed(96, "") for name in names}})
    told_by_table = {one.name for one in family.needs if one.provider == "Microsoft.Compute"}
    assert told_by_table == set(plain), "the family of our table, where Azure tells none"


def test_a_size_no_table_knows_is_counted_once_azure_lists_it() -> None:
    (machine,) = [one for one in resources(documents("machines_in_a_portal_network"))
                  if isinstance(one, VirtualMachine)][:1]  # fmt: skip
    odd = replace(machine, size="Standard_Z9")
    assert any("No table says" in one.why for one in quota.need([odd]).unknowns)
    place = (odd.subscription, "".join(str(odd.location).split()).lower())
    found = quota.need([odd], listed={place: {"standard_z9": quota.Listed(9, "zFamily")}})
    assert not any("No table says" in one.why for one in found.unknowns)
    assert {(one.name, one.amount) for one in found.needs} >= {("cores", 9), ("zFamily", 9)}


# Shortfall


def need(amount: int, name: str = "cores") -> Need:
    return Need(subscription="s", location="westeurope", provider="Microsoft.Compute", name=name, amount=amount)


def usage(current: int, limit: int, name: str = "cores") -> Usage:
    return Usage(
        subscription="S", location="West Europe", provider="microsoft.compute", name=name, current=current, limit=limit
    )


def test_what_is_there_is_enough() -> None:
    assert quota.shortfall([need(8)], [usage(2, 10)]) == []
    (row,) = quota.balance([need(8)], [usage(2, 10)])
    assert (row.available, row.short_by, row.enough) == (8, 0, True)
    assert quota.new_total(row) == 10


def test_what_is_short_is_told_with_the_new_total_to_ask_for() -> None:
    (row,) = quota.shortfall([need(9)], [usage(2, 10)])
    assert (row.limit, row.current, row.available, row.short_by, row.enough) == (10, 2, 8, 1, False)
    assert quota.new_total(row) == 11  # the total, not the increment


def test_what_other_waves_reserved_is_not_there() -> None:
    (row,) = quota.shortfall([need(8)], [usage(2, 10)], [need(3), need(2)])
    assert (row.reserved, row.available, row.short_by) == (5, 3, 5)
    assert quota.new_total(row) == 15


def test_an_overspent_quota_asks_for_what_is_missing_too() -> None:
    (row,) = quota.shortfall([need(4)], [usage(12, 10)])
    assert (row.available, row.short_by, quota.new_total(row)) == (-2, 6, 16)


def test_a_usages_row_that_is_missing_is_unknown_and_never_fine() -> None:
    (row,) = quota.shortfall([need(1, "standardDv2Family")], [usage(0, 100)])
    assert (row.limit, row.short_by, row.enough) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert quota.new_total(row) is UNKNOWN


def test_names_and_regions_are_compared_without_case_and_blanks() -> None:
    assert quota.shortfall([need(1, "standarddv2family")], [usage(0, 100, "standardDv2Family")]) == []


numbers = st.integers(min_value=0, max_value=10**6)
wishes = st.lists(
    st.builds(need, st.integers(min_value=1, max_value=500), st.sampled_from(["cores", "standardDv2Family", "CORES"])),
    max_size=6,
)


@given(wishes=wishes)
def test_adding_is_summing_whatever_the_order(wishes: list[Need]) -> None:
    total = quota.add(wishes)
    assert sum(item.amount for item in total) == sum(item.amount for item in wishes)
    assert len({item.key for item in total}) == len(total)
    assert [(i.key, i.amount) for i in quota.add(reversed(wishes))] == [(i.key, i.amount) for i in total]
    assert quota.add(total) == total


@given(amount=st.integers(min_value=1, max_value=10**6), current=numbers, limit=numbers, reserved=numbers)
def test_granting_the_new_total_ends_the_shortfall_exactly(
    amount: int, current: int, limit: int, reserved: int
) -> None:
    others = [need(reserved)] if reserved else []
    (row,) = quota.balance([need(amount)], [usage(current, limit)], others)
    total = quota.new_total(row)
    assert isinstance(total, int)
    assert total >= limit
    assert quota.shortfall([need(amount)], [usage(current, total)], others) == []
    if total > limit:
        assert quota.shortfall([need(amount)], [usage(current, total - 1)], others) != []
