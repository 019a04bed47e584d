"""Old id → new id, discovered in documents and never guessed; names of groups; sizes."""

import pytest

from migrator.gateway.wire import resources
from migrator.resources import UNKNOWN
from migrator.translation import SIZES, new_id, resource_group_candidates, size

SUBSCRIPTION = "/subscriptions/aaaa1111-0000-0000-0000-000000000000"
RG = f"{SUBSCRIPTION}/resourceGroups/Shop-RG"
CS = f"{RG}/providers/Microsoft.ClassicCompute/domainNames/shop"
SLOT = f"{CS}/slots/Production"
VM = f"{RG}/providers/Microsoft.ClassicCompute/virtualMachines/web1"
NET = f"{RG}/providers/Microsoft.ClassicNetwork/virtualNetworks/net"


def found(group: str, kind: str, name: str, **properties: object) -> dict[str, object]:
    return {
        "id": f"{SUBSCRIPTION}/resourceGroups/{group}/providers/{kind}/{name}",
        "name": name,
        "type": kind,
        "properties": properties,
    }


CLOUD_SERVICE = found(
    "SHOP-MIGRATED", "Microsoft.Compute/cloudServices", "Shop", roleProfile={"roles": [{"name": "Web"}]}
)


def test_a_deployment_and_its_cloud_service_become_the_cloud_service_of_that_name() -> None:
    for classic in (SLOT, SLOT.upper(), CS, f"{CS}/deploymentSlots/production", SLOT + "/"):
        assert new_id(classic, [CLOUD_SERVICE]) == CLOUD_SERVICE["id"]


def test_nothing_is_returned_that_no_document_carries() -> None:
    for classic in (SLOT, CS, VM, NET, f"{SLOT}/roles/Web"):
        assert new_id(classic, []) is None
    assert new_id(f"{SLOT}/roles/Batch", [CLOUD_SERVICE]) is None
    assert new_id("not an id", [CLOUD_SERVICE]) is None


def test_a_role_is_found_in_the_role_profile_or_as_a_document_in_the_spelling_found() -> None:
    assert new_id(f"{SLOT}/roles/WEB", [CLOUD_SERVICE]) == f"{CLOUD_SERVICE['id']}/roles/Web"
    role = {**CLOUD_SERVICE, "id": f"{CLOUD_SERVICE['id']}/roles/wEb", "name": "wEb", "type": "x"}
    assert new_id(f"{SLOT}/roles/Web", [CLOUD_SERVICE, role]) == role["id"]


def test_a_cloud_service_of_the_other_slot_is_not_the_counterpart() -> None:
    staging = found("shop-migrated", "Microsoft.Compute/cloudServices", "shop", networkProfile={"slotType": "Staging"})
    assert new_id(SLOT, [staging]) is None
    assert new_id(f"{CS}/slots/Staging", [staging]) == staging["id"]


def test_only_groups_of_migrations_and_the_same_subscription_count() -> None:
    machine = found("web-rg", "Microsoft.Compute/virtualMachines", "web1")
    assert new_id(VM, [machine]) is None
    other = found("shop-migrated", "Microsoft.Compute/virtualMachines", "web1")
    other["id"] = str(other["id"]).replace("aaaa1111", "bbbb2222")
    assert new_id(VM, [other]) is None


def test_two_namesakes_are_told_apart_by_their_cloud_service_or_not_at_all() -> None:
    one = found("shop-migrated", "Microsoft.Compute/virtualMachines", "web1")
    two = found("blog-migrated", "Microsoft.Compute/virtualMachines", "web1")
    assert new_id(VM, [one, two]) is None
    machine = {"id": VM, "type": "Microsoft.ClassicCompute/virtualMachines", "properties": {"domainName": {"id": CS}}}
    assert new_id(VM, [one, two], resources([machine])) == one["id"]


def test_a_namesake_is_not_taken_for_a_machine_that_is_missing() -> None:
    two = found("blog-migrated", "Microsoft.Compute/virtualMachines", "web1")
    blog = CS.replace("/shop", "/blog")
    machines = [
        {"id": VM, "type": "Microsoft.ClassicCompute/virtualMachines", "properties": {"domainName": {"id": CS}}},
        {
            "id": VM.replace("Shop-RG", "Blog-RG"),
            "type": "Microsoft.ClassicCompute/virtualMachines",
            "properties": {"domainName": {"id": blog}},
        },
    ]
    assert new_id(VM, [two], resources(machines)) is None
    assert new_id(machines[1]["id"], [two], resources(machines)) == two["id"]


@pytest.mark.parametrize("name", ["net", "NET", "group-shop-rg-net"])
def test_a_network_keeps_its_name_or_gets_the_portal_form(name: str) -> None:
    network = found("x-migrated", "Microsoft.Network/virtualNetworks", name)
    assert new_id(NET, [network]) == network["id"]


def test_a_portal_made_network_is_told_from_one_that_is_called_the_same() -> None:
    plain = found("net-migrated", "Microsoft.Network/virtualNetworks", "net")
    portal = found("group-shop-rg-net-migrated", "Microsoft.Network/virtualNetworks", "group-shop-rg-net")
    document = {
        "id": NET,
        "type": "Microsoft.ClassicNetwork/virtualNetworks",
        "properties": {"siteName": "Group Shop-RG net"},
    }
    assert new_id(NET, [plain, portal], resources([document])) == portal["id"]


def test_a_reserved_address_is_found_by_its_address_when_the_name_is_wrong() -> None:
    classic = f"{RG}/providers/Microsoft.ClassicNetwork/reservedIps/shop-ip"
    public = found("shop-migrated", "Microsoft.Network/publicIPAddresses", "wrong", ipAddress="40.1.1.1")
    assert new_id(classic, [public]) is None
    document = {
        "id": classic,
        "type": "Microsoft.ClassicNetwork/reservedIps",
        "properties": {"ipAddress": "40.1.1.1", "inUse": True},
    }
    assert new_id(classic, [public], resources([document])) == public["id"]


def test_a_cloud_service_of_machines_becomes_its_public_address_or_its_group() -> None:
    machine = found("SHOP-migrated", "Microsoft.Compute/virtualMachines", "web1")
    classic = {"id": VM, "type": "Microsoft.ClassicCompute/virtualMachines", "properties": {"domainName": {"id": CS}}}
    before = resources([classic])
    assert new_id(CS, [machine]) is None  # not known to hold machines: its own counterpart may be missing
    assert new_id(CS, [machine], before) == f"{SUBSCRIPTION}/resourceGroups/SHOP-migrated"
    public = found("SHOP-migrated", "Microsoft.Network/publicIPAddresses", "p", dnsSettings={"domainNameLabel": "shop"})
    assert new_id(CS, [machine, public], before) == public["id"]
    assert new_id(f"{SLOT}/roles/web1", [machine], before) == machine["id"]


def test_storage_accounts_security_groups_and_sets_keep_their_names() -> None:
    for classic, kind, name in (
        ("Microsoft.ClassicStorage/storageAccounts/acc", "Microsoft.Storage/storageAccounts", "acc"),
        ("Microsoft.ClassicNetwork/networkSecurityGroups/n", "Microsoft.Network/networkSecurityGroups", "N"),
        ("Microsoft.ClassicCompute/domainNames/shop/availabilitySets/s", "Microsoft.Compute/availabilitySets", "S"),
    ):
        document = found("shop-migrated", kind, name)
        assert new_id(f"{RG}/providers/{classic}", [document]) == document["id"]


def test_groups_are_named_as_documented() -> None:
    account = f"{RG}/providers/Microsoft.ClassicStorage/storageAccounts/Acc"
    names = resource_group_candidates(NET, [SLOT, CS, account])
    assert names == ("net-migrated", "group-shop-rg-net-migrated", "shop-migrated", "acc-migrated")
    assert resource_group_candidates("nonsense") == ()


@pytest.mark.parametrize(
    ("name", "cores", "arm_name", "recommended", "family"),
    [
        ("ExtraSmall", 1, "Standard_A0", "Standard_A1_v2", "standardA0_A7Family"),
        ("A0", 1, "Standard_A0", "Standard_A1_v2", "standardA0_A7Family"),
        ("medium", 2, "Standard_A2", "Standard_A2_v2", "standardA0_A7Family"),
        ("ExtraLarge", 8, "Standard_A4", "Standard_A8_v2", "standardA0_A7Family"),
        ("A7", 8, "Standard_A7", "Standard_A8m_v2", "standardA0_A7Family"),
        ("A9", 16, "Standard_A9", None, "standardA8_A11Family"),
        ("Standard_D2_v2", 2, "Standard_D2_v2", None, "standardDv2Family"),
        ("Standard_D14", 16, "Standard_D14", None, "standardDFamily"),
        ("Standard_D4_v3", 4, "Standard_D4_v3", None, "standardDv3Family"),
        ("Standard_A4m_v2", 4, "Standard_A4m_v2", None, "standardAv2Family"),
        ("Basic_A2", 2, "Basic_A2", None, "basicAFamily"),
        ("Standard_GS5", 32, "Standard_GS5", None, "standardGSFamily"),
    ],
)
def test_sizes_are_those_of_the_table(
    name: str, cores: int, arm_name: str, recommended: str | None, family: str
) -> None:
    known = size(name)
    assert known is not None
    assert (known.cores, known.arm_name, known.recommended, known.family) == (cores, arm_name, recommended, family)


def test_the_table_holds_what_was_recorded_and_knows_what_it_does_not_know() -> None:
    sizes = {id(entry): entry for entry in SIZES.values()}.values()
    assert len(sizes) == 125  # 124 recorded ones and MSODSG5
    assert sum(entry.cores for entry in sizes if entry.cores is not UNKNOWN) == 1005  # the sum over the recorded list
    special = size("MSODSG5")
    assert special is not None
    assert special.cores is UNKNOWN
    assert special.deprecated
    assert size("SQLG7") is None
    assert {entry.name for entry in sizes if entry.deprecated} == {"A8", "A9", "A10", "A11", "MSODSG5"}
    assert [entry.name for entry in sizes if entry.family is UNKNOWN] == ["MSODSG5"]
