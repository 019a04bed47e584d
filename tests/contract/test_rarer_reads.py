"""The rarer types of azure.md 1.1, read over HTTP from the simulator: believable content, and each where it belongs."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from migrator.gateway.arm import ArmGateway, credential
from migrator.gateway.protocol import Document, Unreadable
from migrator.gateway.wire import estate
from migrator.resources import Network, ResourceType, Role, Verb, VirtualMachine
from migrator.simulator.running import Running

DEMO = ("Retail", "Logistics", "IT")


@pytest.fixture
def demo(azure: Running) -> Iterator[ArmGateway]:
    azure.control("reset", {"scenario": "demo", "seed": 1})
    azure.control("settings", {"throttle": 0})
    with ArmGateway(azure.base_url, credential("static", azure.base_url)) as gateway:
        yield gateway


def inventory(gateway: ArmGateway, ending: str) -> list[Document]:
    owner = next(s.subscription_id for s in gateway.subscriptions() if s.display_name.endswith(ending))
    found = list(gateway.inventory(owner))
    assert not [one for one in found if isinstance(one, Unreadable)]
    return [one for one in found if isinstance(one, dict)]


def of(documents: list[Document], kind: ResourceType) -> dict[str, Document]:
    return {one["name"]: one for one in documents if one["type"] == kind}


def test_classic_administrators_of_every_subscription(demo: ArmGateway) -> None:
    listed = {ending: of(inventory(demo, ending), ResourceType.CLASSIC_ADMINISTRATOR) for ending in DEMO}
    assert [len(found) for found in listed.values()] == [3, 1, 1]
    told = sorted((one["properties"]["role"], one["properties"]["emailAddress"]) for one in listed["Retail"].values())
    assert told == [
        ("CoAdministrator", "***@bramble.example"),
        ("CoAdministrator", "***@shopfitters.example"),
        ("ServiceAdministrator;AccountAdministrator", "***@bramble.example"),
    ]


def test_security_rules_below_their_group(demo: ArmGateway) -> None:
    documents = inventory(demo, "Retail")
    rules, groups = (of(documents, k) for k in (ResourceType.SECURITY_RULE, ResourceType.NETWORK_SECURITY_GROUP))
    assert rules["allow-sql-from-apps"]["id"].startswith(groups["nsg-erp"]["id"] + "/securityRules/")
    facts = rules["allow-sql-from-apps"]["properties"]
    assert (facts["type"], facts["action"], facts["destinationPortRange"]) == ("Inbound", "Allow", "1433")
    assert all(group["read"] == ["securityRules"] for group in groups.values())


def test_certificates_of_vpn_clients_and_peerings_made_elsewhere(demo: ArmGateway) -> None:
    documents = inventory(demo, "Retail")
    (root,) = of(documents, ResourceType.CLIENT_ROOT_CERTIFICATE).values()
    (revoked,) = of(documents, ResourceType.CLIENT_REVOKED_CERTIFICATE).values()
    assert "Root" in root["properties"]["subject"] and len(revoked["properties"]["thumbprint"]) == 40
    (proxy,) = of(documents, ResourceType.PEERING_PROXY).values()
    network = next(one for one in estate(documents).all(Network) if one.name == "partner-net")
    assert isinstance(network.peerings, tuple) and proxy["id"].lower() in {peering.key for peering in network.peerings}


def test_an_extension_that_only_its_definition_tells(demo: ArmGateway) -> None:
    documents = inventory(demo, "Retail")
    (definition,) = of(documents, ResourceType.EXTENSION_DEFINITION).values()
    reference = of(documents, ResourceType.EXTENSION_REFERENCE)[definition["name"]]
    assert "type" not in reference["properties"]
    role = next(one for one in estate(documents).all(Role) if reference["id"].lower().startswith(one.key))
    assert isinstance(role.extensions, tuple)
    (extension,) = role.extensions
    assert (extension.type, extension.publisher, extension.version) == (
        "PaaSAntimalware",
        "Microsoft.Azure.Security",
        "1.*",
    )


def test_a_cross_connection_with_its_peering(demo: ArmGateway) -> None:
    documents = inventory(demo, "Logistics")
    (circuit,) = of(documents, ResourceType.CROSS_CONNECTION).values()
    (peering,) = of(documents, ResourceType.CROSS_CONNECTION_PEERING).values()
    assert peering["id"].startswith(circuit["id"]) and peering["properties"]["peeringType"] == "AzurePrivatePeering"


def test_connections_of_a_gateway_are_a_list_of_their_own_too(azure: Running, demo: ArmGateway) -> None:
    gateways = of(inventory(demo, "Retail"), ResourceType.GATEWAY)
    files = next(one for one in gateways.values() if "files-net" in one["id"])
    listed = list(
        demo._calls.items(f"{files['id']}/connections", demo._calls.version_for(files["id"]), doing="list connections")
    )
    told = [{"name": one["name"], **one["properties"]} for one in listed]
    assert told == files["properties"]["connections"] == [{"name": "to-head-office", "connectivityState": "Connected"}]


def test_machines_of_one_set_share_its_balancer(demo: ArmGateway) -> None:
    documents = inventory(demo, "Retail")
    machines = [one for one in estate(documents).all(VirtualMachine) if one.name.startswith("erp-app")]
    sets = [point.load_balanced_set for one in machines for point in one.input_endpoints]  # type: ignore[union-attr]
    assert sets == ["erp-https", "erp-https"]
    hosted = of(documents, ResourceType.VIRTUAL_MACHINE)["erp-sql"]["properties"]
    assert hosted["networkProfile"]["networkSecurityGroup"]["name"] == "nsg-erp"


def test_usages_of_storage_follow_a_move(azure: Running, demo: ArmGateway) -> None:
    owner = next(s.subscription_id for s in demo.subscriptions() if s.display_name.endswith("Retail"))

    def usage() -> list[tuple[str, int, int]]:
        rows = demo.usages(owner, "northeurope")
        return [(row.name, row.current, row.limit) for row in rows if row.provider == "Microsoft.Storage"]

    assert usage() == [("StorageAccounts", 0, 250)]
    account = of(inventory(demo, "Retail"), ResourceType.STORAGE_ACCOUNT)["bramblelogs"]["id"]
    demo.submit(Verb.PREPARE, account, client_request_id="one")
    azure.control("clock", {"advance": 24 * 3600 - 60})
    assert usage() == [("StorageAccounts", 1, 250)]


def test_an_inventory_asks_as_often_as_the_table_says(demo: ArmGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new read which costs a request per parent shows here before it shows in Azure's buckets."""
    asked: Counter[str] = Counter()
    ask = demo._calls.ask

    def counting(method: str, url: str, **more: Any) -> Any:
        asked[urlsplit(url).path.rsplit("/", 1)[-1]] += 1
        return ask(method, url, **more)

    monkeypatch.setattr(demo._calls, "ask", counting)
    documents = inventory(demo, "Logistics")
    there = Counter(one["type"] for one in documents)
    services, networks = there[ResourceType.CLOUD_SERVICE], there[ResourceType.NETWORK]
    said = [one["properties"] for one in documents if one["type"] == ResourceType.DEPLOYMENT]
    doors = [one["properties"] for one in documents if one["type"] == ResourceType.GATEWAY]
    vpn = sum(1 for door in doors if door.get("gatewayType") != "ExpressRoute")
    below = {
        "slots": services,
        "serviceCertificates": services,
        "roles": sum(1 for one in said if one.get("slotType") != "VirtualMachine"),
        "extensionReferences": there[ResourceType.ROLE],
        "gateways": networks,
        "virtualNetworkPeerings": networks,
        "remoteVirtualNetworkPeeringProxies": networks,
        "clientRootCertificates": vpn,
        "clientRevokedCertificates": vpn,
        "connections": 1,  # of the one gateway that does not hold them
        "securityRules": there[ResourceType.NETWORK_SECURITY_GROUP],
        "peerings": there[ResourceType.CROSS_CONNECTION],
        **dict.fromkeys(("disks", "osImages", "vmImages"), there[ResourceType.STORAGE_ACCOUNT]),
    }
    assert {name: asked[name] for name in below} == below
    whole = sum(asked.values()) - sum(below.values()) - asked["subscriptions"]
    assert whole <= 15, asked  # lists of the subscription, pages of Resource Graph, metadata of providers
    assert services > 20 and networks > 10
