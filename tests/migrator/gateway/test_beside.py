"""What an inventory reads beside the resources, and what of it is asked for only where it is needed."""

from typing import Any

import pytest

from migrator.gateway import wire
from migrator.gateway.arm import ArmGateway
from migrator.gateway.protocol import Document, Unreadable
from migrator.resources import Network, ResourceType, Role
from tests.migrator.gateway.test_reading import (
    GRAPH,
    MAY_NOT,
    NETWORK,
    ROLE,
    SERVICE,
    SLOT,
    SUB,
    S,
    a_small_estate,
    row,
    rows,
)

GROUP = f"{SUB}/resourceGroups/rg/providers/{ResourceType.NETWORK_SECURITY_GROUP}/nsg"
GATEWAY = f"{NETWORK}/gateways/primary"
ADMINISTRATORS = f"{SUB}/providers/{ResourceType.CLASSIC_ADMINISTRATOR}"
CROSS = f"{SUB}/providers/{ResourceType.CROSS_CONNECTION}"


def inventory(gateway: ArmGateway) -> tuple[dict[str, Document], list[Unreadable]]:
    found = list(gateway.inventory(S))
    refused = [one for one in found if isinstance(one, Unreadable)]
    return {one["id"]: one for one in found if not isinstance(one, Unreadable)}, refused


def asked(stub: Any, ending: str) -> int:
    return len([seen for seen in stub.requests if seen.path.lower().endswith("/" + ending.lower())])


@pytest.mark.parametrize("told", [True, False])
def test_a_definition_is_read_where_a_reference_does_not_say_of_what(
    stub: Any, gateway: ArmGateway, told: bool
) -> None:
    name = "custom-20190101"
    said = {"name": name, "state": "Enable", **({"type": "RDP"} if told else {})}
    reference = row(f"{ROLE}/extensionReferences/{name}", properties=said)
    stub.on("GET", f"{ROLE}/extensionReferences", 200, {"value": [reference]})
    facts = {"publisher": "Microsoft.Windows.Azure.Extensions", "type": "RDP", "version": "1.2"}
    stub.on("GET", f"{SERVICE}/extensions", 200, {"value": [row(f"{SERVICE}/extensions/{name}", properties=facts)]})
    a_small_estate(stub)
    found, refused = inventory(gateway)
    assert asked(stub, "extensions") == (0 if told else 1) and refused == []
    (extension,) = wire.estate(found.values()).all(Role)[0].extensions  # type: ignore[misc]
    assert (extension.type, extension.enabled) == ("RDP", True)
    assert extension.version == ("1.2" if not told else extension.version)
    assert ("extensions" in found[SERVICE]["read"]) is not told


@pytest.mark.parametrize("held", [True, False])
def test_rules_of_a_group_are_read_where_it_does_not_hold_them(stub: Any, gateway: ArmGateway, held: bool) -> None:
    rule = {"name": "allow", "priority": 100}
    properties = {"securityRules": [rule]} if held else {}
    stub.on("POST", GRAPH, 200, rows(row(GROUP, properties=properties)))
    stub.on("POST", GRAPH, 200, rows())
    stub.on("GET", f"{GROUP}/securityRules", 200, {"value": [row(f"{GROUP}/securityRules/allow", properties=rule)]})
    found, _ = inventory(gateway)
    assert asked(stub, "securityRules") == (0 if held else 1)
    assert (f"{GROUP}/securityRules/allow" in found) is not held


@pytest.mark.parametrize(("kind", "clients"), [("Vpn", 1), (None, 1), ("ExpressRoute", 0)])
def test_a_gateway_comes_with_its_connections_and_the_certificates_of_its_clients(
    stub: Any, gateway: ArmGateway, kind: str | None, clients: int
) -> None:
    said = {"state": "Provisioned", **({"gatewayType": kind} if kind else {})}
    stub.on("GET", f"{NETWORK}/gateways", 200, {"value": [row(GATEWAY, properties=said)]})
    link = row(f"{GATEWAY}/connections/office", properties={"connectivityState": "Connected", "sharedKey": "hunter2"})
    stub.on("GET", f"{GATEWAY}/connections", 200, {"value": [link]})
    for collection in ("clientRootCertificates", "clientRevokedCertificates"):
        one = row(f"{GATEWAY}/{collection}/AB", properties={"thumbprint": "AB"})
        stub.on("GET", f"{GATEWAY}/{collection}", 200, {"value": [one]})
    a_small_estate(stub)
    found, refused = inventory(gateway)
    assert refused == [] and "hunter2" not in str(found)
    assert wire.estate(found.values()).all(Network)[0].gateways[0].connections == (("office", "Connected"),)  # type: ignore[union-attr,index]
    assert found[GATEWAY]["sources"]["properties.connections"] == "arm"
    assert len([one for one in found if "/client" in one]) == 2 * clients == asked(stub, "clientRootCertificates") * 2


def test_a_peering_made_from_elsewhere_is_a_peering(stub: Any, gateway: ArmGateway) -> None:
    elsewhere = "/subscriptions/99999999-0000-0000-0000-000000000000/resourceGroups/x/providers"
    remote = f"{elsewhere}/Microsoft.Network/virtualNetworks/hub"
    place = f"{NETWORK}/remoteVirtualNetworkPeeringProxies"
    one = row(f"{place}/hub", properties={"remoteVirtualNetwork": {"id": remote}, "peeringState": "Connected"})
    stub.on("GET", place, 200, {"value": [one]})
    a_small_estate(stub)
    found, _ = inventory(gateway)
    (peering,) = wire.estate(found.values()).all(Network)[0].peerings  # type: ignore[misc]
    assert (peering.remote_network_id, peering.state) == (remote, "Connected")


def test_a_type_azure_does_not_know_is_asked_for_once(stub: Any, gateway: ArmGateway) -> None:
    other = NETWORK.replace("vnet1", "vnet2")
    stub.on("POST", GRAPH, 200, rows(row(NETWORK), row(other)))
    stub.on("POST", GRAPH, 200, rows())
    unknown = {"error": {"code": "InvalidResourceType", "message": "The resource type could not be found."}}
    for network in (NETWORK, other):
        stub.on("GET", f"{network}/remoteVirtualNetworkPeeringProxies", 404, unknown)
        for collection in ("gateways", "virtualNetworkPeerings"):
            stub.on("GET", f"{network}/{collection}", 200, {"value": []})
    found, refused = inventory(gateway)
    (one,) = [part for part in refused if "PeeringProxies" in part.action]
    assert (one.resource_id, one.action) == (SUB, f"{ResourceType.PEERING_PROXY}/read")
    assert one.sentence.startswith(f"Azure does not offer {ResourceType.PEERING_PROXY} any more")
    assert asked(stub, "remoteVirtualNetworkPeeringProxies") == 1
    assert found[NETWORK]["read"] == found[other]["read"] == ["gateways", "virtualNetworkPeerings"]
    del stub._answers["POST", GRAPH.lower()]
    stub.on("POST", GRAPH, 200, rows(row(NETWORK)))
    stub.on("POST", GRAPH, 200, rows())
    inventory(gateway)
    assert asked(stub, "remoteVirtualNetworkPeeringProxies") == 2  # the next reading asks again


def test_classic_administrators_come_without_their_names(stub: Any, gateway: ArmGateway) -> None:
    a_small_estate(stub)
    people = ("priya.raman@bramble.example", "nobody", 5, None)
    listed = [
        {"id": f"{ADMINISTRATORS}/{n}", "name": str(n), "properties": {"emailAddress": who, "role": "CoAdministrator"}}
        for n, who in enumerate(people)
    ]
    stub.on("GET", ADMINISTRATORS, 200, {"value": listed})
    found, refused = inventory(gateway)
    kept = [found[f"{ADMINISTRATORS}/{n}"]["properties"] for n in range(4)]
    assert [one["emailAddress"] for one in kept] == ["***@bramble.example", "***", "***", None] and refused == []
    assert all(one["role"] == "CoAdministrator" for one in kept) and "priya" not in str(found)
    assert gateway.classic_administrators(S)[0]["properties"]["emailAddress"] == people[0]  # for who needs to know


@pytest.mark.parametrize("path", [ADMINISTRATORS, CROSS])
def test_lists_of_the_subscription_name_the_missing_right(stub: Any, gateway: ArmGateway, path: str) -> None:
    a_small_estate(stub)
    kind = path.partition("/providers/")[2]
    message = MAY_NOT.replace("Microsoft.ClassicCompute/domainNames/slots/read", f"{kind}/read")
    stub.on("GET", path, 403, {"error": {"code": "AuthorizationFailed", "message": message}})
    _, refused = inventory(gateway)
    assert [(one.resource_id, one.action) for one in refused] == [(SUB, f"{kind}/read")]


def test_cross_connections_come_with_their_peerings(stub: Any, gateway: ArmGateway) -> None:
    a_small_estate(stub)
    one = f"{SUB}/resourceGroups/rg/providers/{ResourceType.CROSS_CONNECTION}/circuit"
    stub.on("GET", CROSS, 200, {"value": [row(one)]})
    stub.on("GET", f"{one}/peerings", 200, {"value": [row(f"{one}/peerings/AzurePrivatePeering")]})
    found, refused = inventory(gateway)
    assert refused == [] and found[one]["read"] == ["peerings"]
    assert found[f"{one}/peerings/AzurePrivatePeering"]["type"] == ResourceType.CROSS_CONNECTION_PEERING


def test_web_deployments_alone_are_asked_for_roles(stub: Any, gateway: ArmGateway) -> None:
    a_small_estate(stub)
    inventory(gateway)
    assert [seen.path for seen in stub.requests if seen.path.endswith("/roles")] == [f"{SLOT}/roles"]
