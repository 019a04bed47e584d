"""Reads beside the inventory, over real HTTP against a stub: addresses and versions of azure.md 12, rows read
defensively, pages, refusals."""

from collections.abc import Callable
from typing import Any

import pytest

from migrator.gateway.arm import ArmGateway
from migrator.gateway.protocol import Malformed, NotPermitted, Refused
from migrator.resources import OfferedSize

S = "11111111-2222-3333-4444-555555555555"
SUB = f"/subscriptions/{S}"
GROUP = f"{SUB}/resourceGroups/net-migrated"
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/net"
SERVICES = "/providers/Microsoft.Support/services"


def sku(name: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "virtualMachines", "name": name, "family": "standardDv2Family", **more}


def test_sizes_are_read_with_cores_and_restrictions(stub: Any, gateway: ArmGateway) -> None:
    path = f"{SUB}/providers/Microsoft.Compute/skus"
    cores = [{"name": "MaxDataDiskCount", "value": "8"}, {"name": "vCPUs", "value": "2"}]
    closed = [{"type": "Location", "reasonCode": "NotAvailableForSubscription"}, {"type": "Zone", "reasonCode": "Z"}]
    first = [sku("Standard_D2_v2", capabilities=cores), {"resourceType": "disks", "name": "Premium_LRS"}, sku("A1")]
    stub.on("GET", path, 200, {"value": first, "nextLink": f"{stub.url}{path}?page=2"})
    odd = [sku("X", capabilities=[{"name": "vCPUs", "value": "many"}], restrictions=closed), {"name": 5}]
    stub.on("GET", path, 200, {"value": odd})
    family = "standardDv2Family"
    assert gateway.sizes(S, "West US") == [
        OfferedSize(name="Standard_D2_v2", family=family, vcpus=2),
        OfferedSize(name="A1", family=family, vcpus=None),
        OfferedSize(name="X", family=family, vcpus=None, restrictions=("NotAvailableForSubscription",)),
    ]
    asked = stub.asked("GET", path)[0]
    assert "api-version=2021-07-01" in asked.query and "location+eq+%27westus%27" in asked.query


READS: list[tuple[Callable[[ArmGateway], list[Any]], str, str]] = [
    (
        lambda g: g.metric_definitions(NETWORK),
        f"{NETWORK}/providers/Microsoft.Insights/metricDefinitions",
        "2024-02-01",
    ),
    (
        lambda g: g.classic_administrators(S),
        f"{SUB}/providers/Microsoft.Authorization/classicAdministrators",
        "2015-07-01",
    ),
    (lambda g: g.peerings_of(NETWORK), f"{NETWORK}/virtualNetworkPeerings", "2026-03-01"),
    (lambda g: g.support_services(S), SERVICES, "2024-04-01"),
    (lambda g: g.support_problems(S, "06bfd9d3"), f"{SERVICES}/06bfd9d3/problemClassifications", "2024-04-01"),
    (lambda g: g.support_tickets(S), f"{SUB}/providers/Microsoft.Support/supportTickets", "2024-04-01"),
]
IDS = [path.rsplit("/", 1)[-1] for _, path, _ in READS]


@pytest.mark.parametrize(("read", "path", "version"), READS, ids=IDS)
def test_each_list_is_asked_for_in_its_version_and_comes_without_secrets(
    stub: Any, gateway: ArmGateway, read: Callable[[ArmGateway], list[Any]], path: str, version: str
) -> None:
    one = {"id": f"{path}/one", "name": "one", "type": "a/b", "properties": {"password": "hunter2", "role": "x"}}
    stub.on("GET", path, 200, {"value": [one]})
    (found,) = read(gateway)
    assert found["name"] == "one" and found["properties"]["role"] == "x" and "hunter2" not in str(found)
    assert stub.asked("GET", path)[0].query == f"api-version={version}"


@pytest.mark.parametrize(("read", "path", "version"), READS, ids=IDS)
def test_each_refusal_and_each_broken_answer_is_said(
    stub: Any, gateway: ArmGateway, read: Callable[[ArmGateway], list[Any]], path: str, version: str
) -> None:
    stub.on("GET", path, 403, {"error": {"code": "AuthorizationFailed", "message": "no"}})
    stub.on("GET", path, 200, b"<html>")
    with pytest.raises(NotPermitted):
        read(gateway)
    with pytest.raises(Malformed):
        read(gateway)


def test_gateways_of_a_group_come_with_connections_and_without_shared_keys(stub: Any, gateway: ArmGateway) -> None:
    for name in ("virtualNetworkGateways", "localNetworkGateways", "connections"):
        path = f"{GROUP}/providers/Microsoft.Network/{name}"
        stub.on("GET", path, 200, {"value": [{"id": f"{path}/x", "properties": {"sharedKey": "hunter2"}}]})
    found = gateway.gateways_in(GROUP)
    assert [one["id"].split("/")[-2] for one in found] == [
        "virtualNetworkGateways",
        "localNetworkGateways",
        "connections",
    ]
    assert "hunter2" not in str(found)


def test_a_hostile_name_asks_nothing(stub: Any, gateway: ArmGateway) -> None:
    for call in (
        lambda: gateway.support_problems(S, "../x"),
        lambda: gateway.sizes("a/b", "westus"),
        lambda: gateway.metric_definitions("https://evil.example"),
        lambda: gateway.gateways_in(f"{GROUP}?x=1"),
    ):
        with pytest.raises(Refused):
            call()
    assert [seen.path for seen in stub.requests if "/providers/Microsoft." not in seen.path] == []
    assert all(seen.path.rsplit("/", 1)[-1] != "x" for seen in stub.requests)
