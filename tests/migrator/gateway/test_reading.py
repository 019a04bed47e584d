"""Inventory, observation, settings, usages and quota over real HTTP against a stub."""

from typing import Any

import pytest

from migrator.gateway import inventory, wire
from migrator.gateway.arm import ArmGateway
from migrator.gateway.protocol import (
    ArmSide,
    ClassicSide,
    CredentialRefused,
    Malformed,
    NotFound,
    NotPermitted,
    Refused,
    Throttled,
    Unreadable,
)
from migrator.resources import UNKNOWN, CloudService, Deployment, Network, Role

S = "11111111-2222-3333-4444-555555555555"
SUB = f"/subscriptions/{S}"
BASE = f"{SUB}/resourceGroups/rg/providers"
SERVICE = f"{BASE}/Microsoft.ClassicCompute/domainNames/shop"
SLOT = f"{SERVICE}/slots/Production"
ROLE = f"{SLOT}/roles/Web"
MACHINES = f"{SERVICE}/slots/Staging"
MACHINE = f"{BASE}/Microsoft.ClassicCompute/virtualMachines/vm1"
NETWORK = f"{BASE}/Microsoft.ClassicNetwork/virtualNetworks/vnet1"
ACCOUNT = f"{BASE}/Microsoft.ClassicStorage/storageAccounts/acc"
ENVIRONMENT = f"{BASE}/Microsoft.Web/hostingEnvironments/ase"
GRAPH = "/providers/Microsoft.ResourceGraph/resources"
AUTOSCALE = f"{BASE}/microsoft.insights/autoscalesettings/a"
MAY_NOT = (
    "x does not have authorization to perform action 'Microsoft.ClassicCompute/domainNames/slots/read' over scope 'y'"
)
FORBIDDEN = {"error": {"code": "AuthorizationFailed", "message": MAY_NOT}}


def row(resource_id: str, **more: Any) -> dict[str, Any]:
    kind = wire.type_in(resource_id).lower()
    graph = {"resourceGroup": "rg", "subscriptionId": S, "location": "westus", "tags": None}
    return {"id": resource_id, "name": resource_id.rsplit("/", 1)[1], "type": kind, "properties": {}, **graph, **more}


def rows(*data: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "totalRecords": len(data),
        "count": len(data),
        "data": list(data),
        "facets": [],
        "resultTruncated": "false",
        **more,
    }


def a_small_estate(stub: Any) -> None:
    """One service with two slots, one network, one account; one autoscale rule, one grant, one lock elsewhere; one
    dependent."""
    stub.on("POST", GRAPH, 200, rows(row(SERVICE), row(NETWORK), row(ACCOUNT)))
    stub.on("POST", GRAPH, 200, rows(row(AUTOSCALE, properties={"targetResourceUri": ROLE})))
    named = {"subnet": {"id": f"{NETWORK}/subnets/a"}}
    stub.on("POST", GRAPH, 200, rows(row(ENVIRONMENT, properties=named), row(AUTOSCALE, properties=named)))
    slots = [row(SLOT, properties={"slotType": "Role"}), row(MACHINES, properties={"slotType": "VirtualMachine"})]
    stub.on("GET", f"{SERVICE}/slots", 200, {"value": slots})
    stub.on("GET", f"{SERVICE}/serviceCertificates", 200, {"value": []})
    stub.on("GET", f"{SLOT}/roles", 200, {"value": [row(ROLE)]})
    stub.on("GET", f"{ROLE}/extensionReferences", 200, {"value": []})
    for collection in ("gateways", "virtualNetworkPeerings", "remoteVirtualNetworkPeeringProxies"):
        stub.on("GET", f"{NETWORK}/{collection}", 200, {"value": []})
    for collection in ("disks", "osImages", "vmImages"):
        stub.on("GET", f"{ACCOUNT}/{collection}", 200, {"value": []})
    grants = [
        {"id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{n}", "properties": {"scope": scope}}
        for n, scope in enumerate((SERVICE, f"{SUB}/resourceGroups/RG", SUB, f"{SUB}/resourceGroups/other"))
    ]
    stub.on("GET", f"{SUB}/providers/Microsoft.Authorization/roleAssignments", 200, {"value": grants})
    lock = {"id": f"{NETWORK}/providers/Microsoft.Authorization/locks/keep", "properties": {"level": "CanNotDelete"}}
    stub.on("GET", f"{SUB}/providers/Microsoft.Authorization/locks", 200, {"value": [lock]})
    stub.on("GET", f"{SUB}/providers/Microsoft.Security/jitNetworkAccessPolicies", 200, {"value": []})
    stub.on("GET", f"{SUB}/providers/Microsoft.Network/trafficManagerProfiles", 200, {"value": []})


def test_an_inventory_is_flat_parents_first_each_once(stub: Any, gateway: ArmGateway) -> None:
    a_small_estate(stub)
    found = list(gateway.inventory(S))
    assert not [item for item in found if isinstance(item, Unreadable)]
    ids = [item["id"] for item in found]
    assert ids[:4] == [SERVICE, SLOT, ROLE, MACHINES]
    assert ids[4:7] == [NETWORK, ACCOUNT, AUTOSCALE]
    assert [i.rsplit("/", 2)[1] for i in ids[7:10]] == ["roleAssignments", "roleAssignments", "locks"]
    assert ids[10:] == [ENVIRONMENT] and len(ids) == len(set(ids))
    assert found[0]["read"] == ["slots", "serviceCertificates"] and found[3]["read"] == []
    assert found[0]["type"] == "Microsoft.ClassicCompute/domainNames" and "subscriptionId" not in found[0]
    estate = wire.estate(found)
    assert [d.slot for d in estate.all(CloudService)[0].deployments] == ["Production", "Staging"]
    assert estate.all(Deployment)[0].roles == estate.all(Role)


def test_what_may_not_be_read_is_named_and_the_rest_goes_on(stub: Any, gateway: ArmGateway) -> None:
    stub.on("POST", GRAPH, 200, rows(row(SERVICE), row(NETWORK)))
    stub.on("POST", GRAPH, 403, FORBIDDEN)
    stub.on("GET", f"{SERVICE}/slots", 403, FORBIDDEN)
    stub.on("GET", f"{SERVICE}/serviceCertificates", 500)
    stub.on("GET", f"{NETWORK}/gateways", 200, b"<html>")
    stub.on("GET", f"{NETWORK}/virtualNetworkPeerings", 200, {"value": []})
    found = list(gateway.inventory(S))
    unreadable = [item for item in found if isinstance(item, Unreadable)]
    assert {(item.resource_id, item.action) for item in unreadable} >= {
        (SERVICE, "Microsoft.ClassicCompute/domainNames/slots/read"),
        (SERVICE, "Microsoft.ClassicCompute/domainNames/serviceCertificates/read"),
        (NETWORK, "Microsoft.ClassicNetwork/virtualNetworks/gateways/read"),
        (SUB, "Microsoft.Authorization/roleAssignments/read"),
    }
    assert all(item.sentence.endswith(".") for item in unreadable)
    estate = wire.estate(item for item in found if not isinstance(item, Unreadable))
    assert estate.all(CloudService)[0].deployments is UNKNOWN
    network = estate.all(Network)[0]
    assert network.gateways is UNKNOWN and network.peerings == ()


def test_a_graph_of_many_pages_is_read_to_its_end(stub: Any, gateway: ArmGateway) -> None:
    for number in range(3):
        more = {"$skipToken": f"t{number}"} if number < 2 else {}
        address = f"{BASE}/Microsoft.ClassicNetwork/reservedIps/ip{number}"
        stub.on("POST", GRAPH, 200, rows(row(address), row(address), **more), x_ms_user_quota_remaining="5")
    stub.on("POST", GRAPH, 200, rows())
    names = [item["name"] for item in gateway.inventory(S) if not isinstance(item, Unreadable)]
    assert names == ["ip0", "ip1", "ip2"]
    options = [seen.body["options"] for seen in stub.asked("POST", GRAPH)[:3]]
    assert [option.get("$skipToken") for option in options] == [None, "t0", "t1"]
    assert options[0]["resultFormat"] == "objectArray" and options[0]["$top"] == 1000


def test_a_graph_whose_quota_is_used_up_is_not_asked_again(stub: Any, gateway: ArmGateway) -> None:
    headers = {"x_ms_user_quota_remaining": "0", "x_ms_user_quota_resets_after": "00:00:04"}
    stub.on("POST", GRAPH, 200, rows(row(NETWORK), **{"$skipToken": "t"}), **headers)
    with pytest.raises(Throttled) as raised:
        list(gateway.inventory(S))
    assert 3.0 < (raised.value.retry_after or 0) <= 4.0 and len(stub.asked("POST", GRAPH)) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (rows(resultTruncated="true"), "left rows out"),
        ({"data": {"columns": [], "rows": []}}, "array of objects"),
        ({"data": [1]}, "array of objects"),
        ({}, "array of objects"),
    ],
)
def test_a_list_that_is_not_complete_is_no_list(stub: Any, gateway: ArmGateway, body: Any, words: str) -> None:
    stub.on("POST", GRAPH, 200, body)
    with pytest.raises(Malformed, match=words):
        list(gateway.inventory(S))


def test_a_graph_that_goes_in_circles_is_seen(stub: Any, gateway: ArmGateway) -> None:
    stub.on("POST", GRAPH, 200, rows(row(SERVICE), **{"$skipToken": "t"}))
    stub.on("GET", f"{SERVICE}/slots", 200, {"value": []})
    with pytest.raises(Malformed, match="circle"):
        list(gateway.inventory(S))
    assert len(stub.asked("POST", GRAPH)) == 2


@pytest.mark.parametrize(
    ("status", "kind"), [(401, CredentialRefused), (403, NotPermitted), (429, Throttled), (404, NotFound)]
)
def test_a_subscription_that_cannot_be_listed_raises(
    stub: Any, gateway: ArmGateway, status: int, kind: type[Exception]
) -> None:
    stub.on("POST", GRAPH, status)
    with pytest.raises(kind):
        list(gateway.inventory(S))


def test_a_throttle_in_the_middle_ends_the_inventory(stub: Any, gateway: ArmGateway) -> None:
    stub.on("POST", GRAPH, 200, rows(row(SERVICE)))
    stub.on("GET", f"{SERVICE}/slots", 429, Retry_After="9")
    with pytest.raises(Throttled) as raised:
        list(gateway.inventory(S))
    assert raised.value.retry_after == 9.0


def test_children_of_another_parent_are_not_believed(stub: Any, gateway: ArmGateway) -> None:
    stub.on("POST", GRAPH, 200, rows(row(SERVICE)))
    stub.on("POST", GRAPH, 200, rows())
    stub.on("GET", f"{SERVICE}/slots", 200, {"value": [row(f"{SERVICE}x/slots/Production")]})
    unreadable = [item for item in gateway.inventory(S) if isinstance(item, Unreadable)]
    assert "not below it" in unreadable[0].sentence


def test_a_row_without_properties_is_read_from_resource_manager(stub: Any, gateway: ArmGateway) -> None:
    other = f"{BASE}/Microsoft.ClassicNetwork/reservedIps/ip"
    stub.on("POST", GRAPH, 200, rows(row(other, properties=None)))
    stub.on("POST", GRAPH, 200, rows())
    stub.on("GET", other, 200, {"id": other, "properties": {"inUse": True}})
    (found, *_) = gateway.inventory(S)
    assert found["properties"] == {"inUse": True}


def test_secrets_do_not_leave_with_the_documents(stub: Any, gateway: ArmGateway) -> None:
    a_small_estate(stub)
    settings = "<ConfigurationSettings><Setting name='a' value='hunter2'/></ConfigurationSettings>"
    text = f"<ServiceConfiguration serviceName='s'><Role name='Web'>{settings}</Role></ServiceConfiguration>"
    stub._answers.pop(("GET", f"{SERVICE}/slots".lower()))
    stub.on(
        "GET", f"{SERVICE}/slots", 200, {"value": [row(SLOT, properties={"configuration": text, "slotType": "Role"})]}
    )
    found = list(gateway.inventory(S))
    assert "hunter2" not in repr(found) and wire.estate(found).all(Role)[0].plugins == ()


def test_a_read_gives_the_document_or_nothing(stub: Any, gateway: ArmGateway) -> None:
    stub.on("GET", NETWORK, 200, row(NETWORK))
    found = gateway.read(NETWORK)
    assert found is not None and found["type"] == "Microsoft.ClassicNetwork/virtualNetworks" and "read" not in found
    assert gateway.read(ACCOUNT) is None
    stub.on("GET", MACHINE, 200, {"value": []})
    with pytest.raises(Malformed):
        gateway.read(MACHINE)


# Both sides of a unit

GROUPS = f"{SUB}/resourcegroups"
MIGRATED = f"{SUB}/resourceGroups/VNET1-Migrated"
COPY = f"{MIGRATED}/providers/Microsoft.Network/virtualNetworks/vnet1"
CLOUD = f"{SUB}/resourceGroups/shop-migrated/providers/Microsoft.Compute/cloudServices/shop"


def groups(*names: str) -> dict[str, Any]:
    return {"value": [{"id": f"{GROUPS}/{name}", "name": name} for name in names]}


def prepared(stub: Any) -> None:
    stub.on("GET", NETWORK, 200, row(NETWORK, properties={"migrationState": "Prepared"}))
    stub.on("GET", GROUPS, 200, groups("rg", "VNET1-Migrated", "shop-migrated", "other-migrated"))
    stub.on("GET", f"{MIGRATED}/resources", 200, {"value": [{"id": COPY, "type": "Microsoft.Network/virtualNetworks"}]})
    stub.on("GET", COPY, 200, {"id": COPY, "type": "Microsoft.Network/virtualNetworks", "properties": {"subnets": []}})
    cloud = {"id": CLOUD, "type": "Microsoft.Compute/cloudServices"}
    stub.on("GET", f"{SUB}/resourceGroups/shop-migrated/resources", 200, {"value": [cloud]})
    stub.on("GET", CLOUD, 200, {**cloud, "properties": {}})
    stub.on("GET", f"{CLOUD}/roles", 200, {"value": [{"id": f"{CLOUD}/roles/Web", "sku": {"capacity": 2}}]})


def test_a_prepared_unit_is_seen_on_both_sides(stub: Any, gateway: ArmGateway) -> None:
    prepared(stub)
    seen = gateway.observe(NETWORK, (SERVICE, SLOT))
    assert (seen.classic, seen.arm, seen.unreadable) == (ClassicSide.PREPARED, ArmSide.PRESENT, ())
    assert [d["id"] for d in seen.classic_documents] == [NETWORK]
    assert [d["id"] for d in seen.arm_documents] == [COPY, CLOUD, f"{CLOUD}/roles/Web"]
    assert not [s for s in stub.requests if "other-migrated" in s.path]


def test_a_unit_nobody_touched_has_no_other_side(stub: Any, gateway: ArmGateway) -> None:
    stub.on("GET", NETWORK, 200, row(NETWORK))
    stub.on("GET", GROUPS, 200, groups("rg"))
    seen = gateway.observe(NETWORK, ())
    assert (seen.classic, seen.arm) == (ClassicSide.PRESENT, ArmSide.ABSENT)


def test_an_empty_group_left_by_abort_is_no_counterpart(stub: Any, gateway: ArmGateway) -> None:
    stub.on("GET", NETWORK, 200, row(NETWORK))
    stub.on("GET", GROUPS, 200, groups("vnet1-migrated"))
    stub.on("GET", f"{SUB}/resourceGroups/vnet1-migrated/resources", 200, {"value": []})
    assert gateway.observe(NETWORK, ()).arm is ArmSide.ABSENT


def test_a_unit_is_gone_only_when_all_that_moves_is(stub: Any, gateway: ArmGateway) -> None:
    stub.on("GET", GROUPS, 200, groups())
    assert gateway.observe(NETWORK, (SERVICE, SLOT, MACHINE)).classic is ClassicSide.ABSENT
    stub.on("GET", SERVICE, 200, row(SERVICE))  # the name alone is no deployment
    assert gateway.observe(NETWORK, (SERVICE, SLOT, MACHINE)).classic is ClassicSide.ABSENT
    stub.on("GET", MACHINE, 200, row(MACHINE))
    seen = gateway.observe(NETWORK, (SERVICE, SLOT, MACHINE))
    assert seen.classic is ClassicSide.PRESENT and [d["id"] for d in seen.classic_documents] == [MACHINE]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 302])
def test_a_side_that_cannot_be_read_is_doubt_and_never_absence(stub: Any, gateway: ArmGateway, status: int) -> None:
    stub.on("GET", NETWORK, status, FORBIDDEN)
    stub.on("GET", GROUPS, status, FORBIDDEN)
    seen = gateway.observe(NETWORK, (SLOT,))
    assert (seen.classic, seen.arm) == (ClassicSide.UNREADABLE, ArmSide.UNREADABLE)
    assert {item.resource_id for item in seen.unreadable} == {NETWORK, SUB}


def test_a_member_that_cannot_be_read_keeps_the_doubt(stub: Any, gateway: ArmGateway) -> None:
    stub.on("GET", GROUPS, 200, groups())
    stub.on("GET", SLOT, 403, FORBIDDEN)
    assert gateway.observe(NETWORK, (SLOT, MACHINE)).classic is ClassicSide.UNREADABLE


def test_a_counterpart_that_was_listed_counts_though_its_body_may_not_be_read(stub: Any, gateway: ArmGateway) -> None:
    prepared(stub)
    stub._answers.pop(("GET", COPY.lower()))
    stub.on("GET", COPY, 403, FORBIDDEN)
    seen = gateway.observe(NETWORK, ())
    assert seen.arm is ArmSide.PRESENT and [item.resource_id for item in seen.unreadable] == [COPY]


def test_a_counterpart_that_vanishes_while_being_read_does_not_count(stub: Any, gateway: ArmGateway) -> None:
    prepared(stub)
    stub._answers.pop(("GET", COPY.lower()))
    assert gateway.observe(NETWORK, ()).arm is ArmSide.ABSENT


def test_nothing_raises_when_nobody_answers(gateway: ArmGateway, stub: Any) -> None:
    seen = gateway.observe("not an id", ("neither this",))
    assert seen.classic is ClassicSide.UNREADABLE


# Settings, registrations, usages, quota


def test_the_settings_on_a_unit_are_read_fresh(stub: Any, gateway: ArmGateway) -> None:
    insights = f"{SUB}/providers/Microsoft.Insights"
    on_role = {"id": AUTOSCALE, "properties": {"targetResourceUri": ROLE}}
    on_other = {"id": f"{AUTOSCALE}2", "properties": {"targetResourceUri": f"{SERVICE}2/slots/Production/roles/Web"}}
    stub.on("GET", f"{insights}/autoscaleSettings", 200, {"value": [on_role, on_other]})
    stub.on("GET", f"{insights}/alertRules", 403, FORBIDDEN)
    for kind in ("metricAlerts", "activityLogAlerts"):
        stub.on("GET", f"{insights}/{kind}", 200, {"value": []})
    grant = f"{SERVICE}/providers/Microsoft.Authorization/roleAssignments/1"
    stub.on(
        "GET",
        f"{SUB}/providers/Microsoft.Authorization/roleAssignments",
        200,
        {"value": [{"id": grant, "properties": {}}]},
    )
    stub.on("GET", f"{SUB}/providers/Microsoft.Authorization/locks", 200, {"value": []})
    stub.on("GET", f"{SUB}/providers/Microsoft.Security/jitNetworkAccessPolicies", 200, {"value": []})
    stub.on("GET", f"{SUB}/providers/Microsoft.Network/trafficManagerProfiles", 200, {"value": []})
    found = gateway.settings_on(SLOT, ())
    assert [item if isinstance(item, Unreadable) else item["id"] for item in found] == [AUTOSCALE, found[1], grant]
    assert isinstance(found[1], Unreadable) and found[1].resource_id == SUB
    assert not stub.asked("POST", GRAPH)


def test_registrations_tell_each_state_and_doubt_what_was_not_said(stub: Any, gateway: ArmGateway) -> None:
    feature = f"{SUB}/providers/Microsoft.Features/providers/Microsoft.Compute/features/CloudServices"
    providers = [
        {"namespace": "microsoft.classicinfrastructuremigrate", "registrationState": "Registering"},
        {"namespace": "Microsoft.Compute"},
    ]
    stub.on("GET", f"{SUB}/providers", 200, {"value": providers})
    stub.on("GET", feature, 200, {"properties": {"state": "Registered"}})
    states = {found.name: found.state for found in gateway.registrations(S)}
    assert states["Microsoft.ClassicInfrastructureMigrate"] == "Registering"
    assert states["Microsoft.Compute/CloudServices"] == "Registered"
    assert states["Microsoft.Compute"] is UNKNOWN and states["Microsoft.Quota"] is UNKNOWN


def test_registering_asks_once_and_returns_at_once(stub: Any, gateway: ArmGateway) -> None:
    stub.on("POST", f"{SUB}/providers/Microsoft.Quota/register", 200, {"registrationState": "Registering"})
    feature = f"{SUB}/providers/Microsoft.Features/providers/Microsoft.Compute/features/CloudServices/register"
    stub.on("POST", feature, 200, {"properties": {"state": "Pending"}})
    assert gateway.register(S, "Microsoft.Quota").state == "Registering"
    assert gateway.register(S, "Microsoft.Compute/CloudServices").state == "Pending"
    assert len(stub.requests) == 2


@pytest.mark.parametrize("storage", [200, 403])
def test_usages_of_three_providers_are_one_list(stub: Any, gateway: ArmGateway, storage: int) -> None:
    compute = [
        {"currentValue": 4, "limit": 10, "name": {"value": "cores"}},
        {"currentValue": "x", "limit": 10, "name": {"value": "bad"}},
        {"limit": 10, "name": {"value": "bad"}},
        {"currentValue": 1, "limit": 1, "name": None},
    ]
    stub.on("GET", f"{SUB}/providers/Microsoft.Compute/locations/westeurope/usages", 200, {"value": compute})
    network = [{"currentValue": 0.0, "limit": "20", "name": {"value": "StaticPublicIPAddresses"}}]
    stub.on("GET", f"{SUB}/providers/Microsoft.Network/locations/westeurope/usages", 200, {"value": network})
    path = f"{SUB}/providers/Microsoft.Storage/locations/westeurope/usages"
    accounts = [{"currentValue": 7, "limit": 250, "name": {"value": "StorageAccounts"}}]
    stub.on("GET", path, storage, {"value": accounts} if storage == 200 else FORBIDDEN)
    found = [(usage.provider, usage.name, usage.current, usage.limit) for usage in gateway.usages(S, "West Europe")]
    known = [("Microsoft.Compute", "cores", 4, 10), ("Microsoft.Network", "StaticPublicIPAddresses", 0, 20)]
    assert found == known + ([("Microsoft.Storage", "StorageAccounts", 7, 250)] if storage == 200 else [])
    assert stub.asked("GET", path)[0].query == "api-version=2023-05-01"


def test_usages_of_compute_that_may_not_be_read_are_said(stub: Any, gateway: ArmGateway) -> None:
    stub.on("GET", f"{SUB}/providers/Microsoft.Compute/locations/westeurope/usages", 403, FORBIDDEN)
    with pytest.raises(NotPermitted):
        gateway.usages(S, "westeurope")


def test_a_quota_request_is_sent_and_followed(stub: Any, gateway: ArmGateway) -> None:
    scope = f"{SUB}/providers/Microsoft.Compute/locations/westus/providers/Microsoft.Quota"
    stub.on("PUT", f"{scope}/quotas/cores", 202, Location=f"{stub.url}{scope}/quotaRequests/q-1?api-version=2025-09-01")
    asked = gateway.request_quota(S, "Microsoft.Compute", "westus", "cores", 20)
    assert (asked.request_id, asked.state, asked.limit) == ("q-1", "Accepted", 20)
    assert stub.asked("PUT", f"{scope}/quotas/cores")[0].body["properties"] == {
        "limit": {"limitObjectType": "LimitValue", "value": 20, "limitType": "Independent"},
        "name": {"value": "cores"},
        "resourceType": "dedicated",
    }
    told = {"provisioningState": "Failed", "message": "ask support", "value": [{"limit": {"value": 20}}]}
    stub.on("GET", f"{scope}/quotaRequests/q-1", 200, {"properties": told})
    answer = gateway.quota_request(S, "Microsoft.Compute", "westus", "q-1")
    assert (answer.state, answer.message, answer.limit) == ("Failed", "ask support", 20)
    with pytest.raises(NotFound):
        gateway.quota_request(S, "Microsoft.Compute", "westus", "")


@pytest.mark.parametrize("hostile", ["..", "s?x=1", "a|b", "", "s#", "s%2f"])
def test_a_hostile_subscription_or_region_asks_nothing(stub: Any, gateway: ArmGateway, hostile: str) -> None:
    for call in (
        lambda: list(gateway.inventory(hostile)),
        lambda: gateway.registrations(hostile),
        lambda: gateway.usages(S, hostile),
        lambda: gateway.register(S, f"{hostile}/feature"),
    ):
        with pytest.raises(Refused):
            call()
    assert stub.requests == []


def test_what_hangs_on_a_resource_is_decided_at_the_slashes() -> None:
    reach = inventory.Reach.of([SERVICE])
    assert reach.covers(SERVICE.lower()) and reach.covers(ROLE.lower()) and reach.covers(f"{SUB}/resourcegroups/rg")
    assert not reach.covers(f"{SERVICE}2".lower()) and not reach.covers(SUB.lower())
