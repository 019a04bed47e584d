"""Both sides of a unit, as wire documents; each case is then spoilt in one place."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from migrator.gateway.wire import resources
from migrator.resources import UNKNOWN
from migrator.translation import Difference, Kind, compare, expected

FOLDER = Path(__file__).parent / "documents"
CASES = sorted(path.stem for path in FOLDER.glob("*.json"))
ROLES, MACHINES = "web_roles_in_a_network", "machines_in_a_portal_network"
DEFAULT, STORAGE = "roles_in_the_default_network", "storage_account"


def load(case: str) -> dict[str, list[dict[str, Any]]]:
    return json.loads((FOLDER / f"{case}.json").read_text())


def rows(case: str | dict[str, Any]) -> list[Difference]:
    sides = load(case) if isinstance(case, str) else case
    return compare(resources(sides["before"]), sides["found"])


def row(found: list[Difference], name: str, field: str) -> Difference:
    """The one row of a field of the resource with this name; for what nobody expected, of the found one."""
    fits = [r for r in found if r.field == field and (r.classic_key or r.arm_key).endswith("/" + name.lower())]
    assert len(fits) == 1, [(r.classic_key, r.field) for r in found]
    return fits[0]


def document(sides: dict[str, Any], side: str, name: str, kind: str = "") -> dict[str, Any]:
    fits = [d for d in sides[side] if d["name"] == name and kind in d["type"]]
    assert len(fits) == 1
    return fits[0]


@pytest.mark.parametrize("case", CASES)
def test_a_faithful_migration_holds_nothing(case: str) -> None:
    found = rows(case)
    assert [(r.field, r.before, r.after, r.why) for r in found if r.holds] == []
    assert len(found) >= 7


@pytest.mark.parametrize("case", CASES)
def test_every_row_says_why_and_names_its_source(case: str) -> None:
    for r in rows(case):
        assert "azure.md" in r.why or "rule " in r.why or "[I]" in r.why, r


@pytest.mark.parametrize("case", CASES)
def test_what_is_expected_beforehand_is_what_is_compared_afterwards(case: str) -> None:
    sides = load(case)
    before = resources(sides["before"])
    promised = {(e.classic_key, e.field) for e in expected(before)}
    compared = {(r.classic_key, r.field) for r in compare(before, sides["found"])}
    beside = {pair for pair in compared - promised if pair[1].startswith("microsoft.network/")}
    groups = {pair for pair in compared - promised if pair[1] == "resource group"}  # only known once found
    assert compared - promised == beside | groups
    assert promised <= compared


def test_a_web_deployment_is_compared_in_every_respect() -> None:
    found = rows(ROLES)
    size = row(found, "WebRole", "role WebRole size")
    assert (size.before, size.after, size.kind) == ("Small", "Standard_A1", Kind.RENAMED)
    assert row(found, "WebRole", "role WebRole instances").kind is Kind.SAME
    assert row(found, "WorkerRole", "role WorkerRole size").kind is Kind.SAME
    assert row(found, "Production", "public address 40.0.0.2").kind is Kind.SAME
    assert row(found, "Production", "public address 40.0.0.2 allocation").after == "Static"
    assert row(found, "Production", "service certificates").after == 2
    assert row(found, "Production", "DNS label").after == "shop-web"
    assert row(found, "Production", "label").kind is Kind.DROPPED
    assert row(found, "WebRole", "role WebRole extension RDP-Web").kind is Kind.DROPPED
    assert row(found, "WebRole", "role WebRole extension PaaSAntimalware-Web").kind is Kind.SAME
    group = row(found, "Production", "resource group")
    assert (group.after, group.kind) == ("SHOP-WEB-MIGRATED", Kind.RENAMED)  # capitals: the known harmless fault


def test_machines_are_compared_in_every_respect() -> None:
    found = rows(MACHINES)
    assert row(found, "erp-db", "size").after == "Standard_A5"
    assert row(found, "erp-app", "size").kind is Kind.SAME
    assert row(found, "erp-db", "private address").kind is Kind.SAME
    assert row(found, "erp-db", "availability set").kind is Kind.SAME
    assert row(found, "erp-db", "extension BGInfo").kind is Kind.DROPPED
    assert row(found, "erp-db", "boot diagnostics").kind is Kind.DROPPED
    assert row(found, "erp-app", "licence type").kind is Kind.DROPPED
    name = row(found, "erp-net", "name")
    assert (name.after, name.kind) == ("group-erp-rg-erp-net", Kind.RENAMED)
    assert row(found, "erp-net", "gateways").kind is Kind.SAME


def test_the_hidden_default_network_is_found_whatever_it_is_called() -> None:
    found = row(rows(DEFAULT), "Production", "virtual network")
    assert found.kind is Kind.RENAMED
    assert found.after.endswith("/DefaultRdfeVnet_intranet")
    assert row(rows(DEFAULT), "WebRole", "role WebRole instances").before == 2  # read from the configuration


def test_a_network_without_gateways_has_none_on_both_sides() -> None:
    found = row(rows(ROLES), "shop-net", "gateways")
    assert (found.before, found.after, found.kind) == ((), (), Kind.SAME)
    assert found.as_json()["after"] == []


def test_addresses_nobody_read_before_are_shown_as_found_and_surprise_nobody() -> None:
    sides = load(ROLES)
    del document(sides, "before", "Production")["properties"]["virtualIps"]
    sides["before"] = [d for d in sides["before"] if "/reservedIps" not in d["type"]]
    held = [r for r in rows(sides) if r.holds]
    assert [(r.field, r.before, r.after, r.kind) for r in held] == [
        ("public addresses", UNKNOWN, ("40.0.0.2",), Kind.UNREAD)
    ]


Spoil = Callable[[dict[str, Any]], Any]


def arm(name: str, kind: str, *path: Any, value: Any) -> Spoil:
    """Set a value in a found document; `...` as value removes it."""

    def spoil(sides: dict[str, Any]) -> None:
        _set(document(sides, "found", name, kind), path, value)

    return spoil


def classic(name: str, *path: Any, value: Any) -> Spoil:
    def spoil(sides: dict[str, Any]) -> None:
        _set(document(sides, "before", name), path, value)

    return spoil


def without(name: str, kind: str) -> Spoil:
    return lambda sides: sides["found"].remove(document(sides, "found", name, kind))


def _set(target: Any, path: tuple[Any, ...], value: Any) -> None:
    for step in path[:-1]:
        target = target[step]
    if value is ...:
        del target[path[-1]]
    else:
        target[path[-1]] = value


CS, NET, PIP, VM = "/cloudServices", "/virtualNetworks", "/publicIPAddresses", "/virtualMachines"
WEB = ("properties", "roleProfile", "roles", 0)
EXTENSIONS = ("properties", "extensionProfile", "extensions")
CONFIGURATION = ("properties", "ipConfigurations", 0, "properties")
GATEWAY = "/virtualNetworkGateways"
ELSEWHERE = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/other-migrated"
    "/providers/Microsoft.Compute/virtualMachines/erp-db"
)
WRONG, UNREAD = Kind.UNEXPECTED, Kind.UNREAD
SPOILT = [
    (ROLES, arm("shop-web", CS, *WEB, "sku", "capacity", value=1), "WebRole", "role WebRole instances", WRONG),
    (ROLES, arm("shop-web", CS, *WEB, "sku", "name", value="Standard_A2"), "WebRole", "role WebRole size", WRONG),
    (ROLES, arm("shop-web", CS, *WEB, "sku", "name", value=...), "WebRole", "role WebRole size", UNREAD),
    (ROLES, arm("shop-web", CS, *WEB, "name", value="Other"), "WebRole", "role WebRole", WRONG),
    (ROLES, arm("shop-web", CS, *WEB, "name", value="Other"), "Production", "role Other", WRONG),
    (
        ROLES,
        arm("shop-web", CS, "properties", "networkProfile", "slotType", value="Staging"),
        "Production",
        "resource",
        WRONG,
    ),
    (
        ROLES,
        arm("shop-web", CS, "properties", "osProfile", "secrets", value=[]),
        "Production",
        "service certificates",
        WRONG,
    ),
    (ROLES, arm("shop-web", CS, *EXTENSIONS, value=[]), "WebRole", "role WebRole extension PaaSAntimalware-Web", WRONG),
    (
        ROLES,
        arm("shop-web", CS, *EXTENSIONS, 0, "properties", "rolesAppliedTo", value=["*"]),
        "WorkerRole",
        "role WorkerRole extension PaaSAntimalware-Web",
        WRONG,
    ),
    (ROLES, arm("shop-web", CS, "location", value="northeurope"), "Production", "region", WRONG),
    (
        ROLES,
        arm("shop-ip", PIP, "properties", "ipAddress", value="40.9.9.9"),
        "Production",
        "public address 40.0.0.2",
        WRONG,
    ),
    (ROLES, arm("shop-ip", PIP, "properties", "ipAddress", value="40.9.9.9"), "shop-ip", "address", WRONG),
    (
        ROLES,
        arm("shop-ip", PIP, "properties", "publicIPAllocationMethod", value="Dynamic"),
        "Production",
        "public address 40.0.0.2 allocation",
        WRONG,
    ),
    (
        ROLES,
        arm("shop-ip", PIP, "properties", "dnsSettings", "domainNameLabel", value="shop"),
        "Production",
        "DNS label",
        WRONG,
    ),
    (ROLES, arm("shop-ip", PIP, "properties", "dnsSettings", value=...), "Production", "DNS label", UNREAD),
    (ROLES, arm("shop-ip", PIP, "sku", "name", value="Standard"), "Production", "public address 40.0.0.2 SKU", WRONG),
    (
        ROLES,
        arm("shop-net", NET, "properties", "addressSpace", "addressPrefixes", value=["10.0.0.0/16"]),
        "shop-net",
        "address space",
        WRONG,
    ),
    (
        ROLES,
        arm("shop-net", NET, "properties", "subnets", 0, "properties", "addressPrefix", value="10.1.9.0/24"),
        "shop-net",
        "subnet front",
        WRONG,
    ),
    (
        ROLES,
        arm("shop-net", NET, "properties", "subnets", 0, "properties", "networkSecurityGroup", value=...),
        "shop-net",
        "subnet front network security group",
        WRONG,
    ),
    (ROLES, arm("shop-net", NET, "properties", "subnets", 0, "name", value="dmz"), "shop-net", "subnet dmz", WRONG),
    (
        ROLES,
        arm("shop-net", NET, "properties", "dhcpOptions", "dnsServers", value=["10.1.0.5", "10.1.0.4"]),
        "shop-net",
        "DNS servers",
        WRONG,
    ),
    (ROLES, without("shop-net", NET), "shop-net", "resource", WRONG),
    (ROLES, without("front-nsg", "/networkSecurityGroups"), "front-nsg", "resource", WRONG),
    (ROLES, without("shop-ip", PIP), "Production", "public address 40.0.0.2", WRONG),
    (ROLES, without("LB-shop-web", "/loadBalancers"), "Production", "load balancer", WRONG),
    (ROLES, without("KV-shop-web", "/vaults"), "Production", "key vault", WRONG),
    (ROLES, classic("Production", "properties", "virtualIps", value=...), "Production", "public addresses", UNREAD),
    (ROLES, classic("Production", "read", value=[]), "Production", "roles", UNREAD),
    (ROLES, classic("WebRole", "properties", "instanceSize", value=...), "WebRole", "role WebRole size", UNREAD),
    (ROLES, classic("WebRole", "read", value=[]), "WebRole", "role WebRole extensions", UNREAD),
    (ROLES, classic("shop-web", "read", value=["slots"]), "Production", "service certificates", UNREAD),
    (
        ROLES,
        classic("shop-net", "properties", "subnets", 1, "networkSecurityGroup", value=...),
        "shop-net",
        "subnet back network security group",
        UNREAD,
    ),
    (
        MACHINES,
        arm("erp-db", VM, "properties", "hardwareProfile", "vmSize", value="Standard_A6"),
        "erp-db",
        "size",
        WRONG,
    ),
    (
        MACHINES,
        arm("erp-db-nic", "/networkInterfaces", *CONFIGURATION, "privateIPAddress", value="10.2.0.99"),
        "erp-db",
        "private address",
        WRONG,
    ),
    (
        MACHINES,
        arm("erp-db-nic", "/networkInterfaces", *CONFIGURATION, "privateIPAllocationMethod", value="Dynamic"),
        "erp-db",
        "private address allocation",
        WRONG,
    ),
    (MACHINES, without("erp-db-nic", "/networkInterfaces"), "erp-db", "private address", UNREAD),
    (MACHINES, arm("erp-db", VM, "properties", "availabilitySet", value=...), "erp-db", "availability set", WRONG),
    (MACHINES, arm("erp-db", VM, "properties", "storageProfile", "dataDisks", value=[]), "erp-db", "disks", WRONG),
    (
        MACHINES,
        arm("erp-app", VM, "properties", "storageProfile", "osDisk", "vhd", "uri", value="https://x/y.vhd"),
        "erp-app",
        "disk blobs",
        WRONG,
    ),
    (MACHINES, without("erp-app", VM), "erp-app", "resource", WRONG),
    (MACHINES, without("IaaSAntimalware", "/extensions"), "erp-db", "extension IaaSAntimalware", WRONG),
    (MACHINES, without("erp-gw", "/virtualNetworkGateways"), "erp-net", "gateways", WRONG),
    (MACHINES, arm("erp-gw", GATEWAY, "properties", "gatewayType", value=None), "erp-net", "gateways", UNREAD),
    (MACHINES, arm("erp-gw", GATEWAY, "properties", "gatewayType", value=...), "erp-net", "gateways", UNREAD),
    (MACHINES, arm("erp-gw", GATEWAY, "properties", "gatewayType", value="ExpressRoute"), "erp-net", "gateways", WRONG),
    (MACHINES, arm("erp-db", VM, "id", value=ELSEWHERE), "erp-db", "resource group", WRONG),
    (
        STORAGE,
        arm("orders2014", "/storageAccounts", "sku", "name", value="Standard_LRS"),
        "orders2014",
        "account type",
        WRONG,
    ),
    (STORAGE, arm("orders2014", "/storageAccounts", "kind", value="StorageV2"), "orders2014", "kind", WRONG),
    (STORAGE, lambda sides: sides["found"].clear(), "orders2014", "resource", WRONG),
    (DEFAULT, without("DefaultRdfeVnet_intranet", NET), "Production", "virtual network", WRONG),
]


@pytest.mark.parametrize(("case", "spoil", "name", "field", "kind"), SPOILT, ids=[f"{c[2]}: {c[3]}" for c in SPOILT])
def test_what_is_wrong_in_one_place_is_told_there(case: str, spoil: Spoil, name: str, field: str, kind: Kind) -> None:
    sides = load(case)
    spoil(sides)
    found = row(rows(sides), name, field)
    assert found.kind is kind
    assert found.holds


def test_something_nobody_expected_is_told() -> None:
    sides = load(ROLES)
    intruder = copy.deepcopy(document(sides, "found", "shop-ip", PIP))
    intruder |= {"id": intruder["id"].replace("shop-ip", "stray"), "name": "stray"}
    intruder["properties"]["ipAddress"] = "40.7.7.7"
    sides["found"].append(intruder)
    stray = row(rows(sides), "stray", "resource")
    assert (stray.kind, stray.classic_key, stray.before) == (Kind.UNEXPECTED, "", None)


def test_any_found_document_taken_away_is_noticed() -> None:
    """Only what the platform makes on the side, and no document promises, may go unnoticed."""
    on_the_side = {"hq", "LB-erp", "erp-gw-ip", "WebRole", "WorkerRole", "back-routes", "erp-set"}
    for case in CASES:
        for index, taken in enumerate(load(case)["found"]):
            sides = load(case)
            del sides["found"][index]
            noticed = any(r.holds for r in rows(sides))
            assert noticed or taken["name"] in on_the_side, taken["id"]


def test_a_resource_without_counterpart_is_one_row_and_not_thirty() -> None:
    sides = load(ROLES)
    spoil = arm("shop-web", CS, "name", value="shop-web")
    spoil(sides)
    sides["found"] = [d for d in sides["found"] if "/cloudServices" not in d["id"]]
    mine = [r for r in rows(sides) if "/slots/production" in r.classic_key and r.holds]
    assert [r.field for r in mine] == ["resource"]


def test_a_machine_in_no_network_may_change_its_address() -> None:
    sides = load(MACHINES)
    document(sides, "before", "erp-app")["properties"]["networkProfile"]["virtualNetwork"] = None
    nic = document(sides, "found", "erp-app-nic")["properties"]["ipConfigurations"][0]["properties"]
    nic["privateIPAddress"] = "10.0.0.77"
    found = row(rows(sides), "erp-app", "private address")
    assert (found.before, found.after, found.kind) == ("10.2.0.5", "10.0.0.77", Kind.RENAMED)


def test_a_vip_without_endpoint_is_dropped_as_documented() -> None:
    sides = load(MACHINES)
    document(sides, "before", "erp-app")["properties"]["networkProfile"]["inputEndpoints"] = []
    sides["found"] = [d for d in sides["found"] if d["name"] not in ("erp-PublicIP", "LB-erp")]
    found = row(rows(sides), "Production", "public address 40.0.0.9")
    assert found.kind is Kind.DROPPED
    assert not any(r.holds for r in rows(sides))


def test_autoscale_settings_are_dropped_as_documented() -> None:
    sides = load(ROLES)
    slot = document(sides, "before", "Production")["id"]
    sides["before"].append(
        {
            "id": slot.split("/providers/")[0] + "/providers/Microsoft.Insights/autoscaleSettings/web-scale",
            "name": "web-scale",
            "type": "microsoft.insights/autoscalesettings",
            "properties": {"targetResourceUri": f"{slot}/roles/WebRole"},
        }
    )
    assert row(rows(sides), "web-scale", "autoscale setting").kind is Kind.DROPPED


def test_documents_instead_of_values_are_refused_with_the_remedy() -> None:
    with pytest.raises(TypeError, match=r"migrator\.gateway\.wire\.resources"):
        compare(load(ROLES)["before"], [])  # type: ignore[arg-type]


def test_unknown_is_stored_so_that_it_cannot_be_taken_for_a_value() -> None:
    sides = load(ROLES)
    del document(sides, "before", "WebRole")["properties"]["instanceSize"]
    found = row(rows(sides), "WebRole", "role WebRole size")
    assert found.before is UNKNOWN
    stored = json.loads(json.dumps(found.as_json()))
    assert stored["before"] == {"unknown": True}
    assert stored["kind"] == "unread"


@pytest.mark.parametrize("case", CASES)
def test_nothing_that_is_missing_or_of_a_wrong_type_raises_or_is_shown_as_a_word_of_ours(case: str) -> None:
    """Every value of the Resource Manager side in turn removed, made null, replaced by text and by a list: never an
    exception, and never a row that shows "None" or our own name for what is not known."""
    sides = load(case)
    before = resources(sides["before"])
    for path in _paths(sides["found"]):
        for value in (..., None, "what is this", [None]):
            found = copy.deepcopy(sides["found"])
            _set(found, path, value)
            for one in compare(before, found):
                shown = json.dumps(one.as_json())
                assert not re.search("None|UNKNOWN", shown), (path, value, shown)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        inner = [p for key, item in value.items() for p in _paths(item, (*path, key))]
    elif isinstance(value, list):
        inner = [p for index, item in enumerate(value) for p in _paths(item, (*path, index))]
    else:
        inner = []
    return ([path] if path else []) + inner
