"""`every-setting`: one of each setting that a move drops, changes or needs taken away first (azure.md 6).

shop-net: web roles, peered with a hub, behind a VPN gateway, in a Traffic Manager profile · erp-net: machines with
backup, replication and a just-in-time policy. Both are blocked until the peering and the gateway are deleted.
"""

from migrator.simulator.estate import Estate
from migrator.simulator.estates.builder import Area, EstateBuilder, role, rule
from migrator.simulator.estates.parts import Document

REGION = "westeurope"
RDP = "RDP-WebFront-20190611"
TAGS = {"owner": "ana.lima@bramble.example", "environment": "production"}


def build(seed: int = 1) -> Estate:
    builder = EstateBuilder("every-setting", seed)
    area = builder.area("Bramble", [REGION])
    _shop(area)
    _erp(area)
    area.administrator("ana.lima@bramble.example")
    return builder.estate()


def _shop(area: Area) -> None:
    subnets = {"web": "10.20.0.0/24", "GatewaySubnet": "10.20.255.0/27"}
    network = area.network("shop", "shop-net", REGION, space="10.20.0.0/16", subnets=subnets, tags=TAGS)
    service = area.service("shop", "shop-web", REGION, tags=TAGS, certificates=1)
    front = role("WebFront", "Standard_D2_v2", 3, subnets=["web"], endpoints={"https": 443}, extensions={RDP: "Enable"})
    slot = area.slot(service, [front], network=network, label="release 214")
    target = f"{slot['id']}/roles/WebFront"
    rules = [rule(target, "Percentage CPU", "GreaterThan", 70, 1), rule(target, "Percentage CPU", "LessThan", 30, -1)]
    area.autoscale("shop", "shop-web-scale", target, REGION, rules, emails=["shop@bramble.example"])
    area.alert("shop", "shop-web-cpu-high", target, REGION, emails=["shop@bramble.example"])
    area.activity_log_alert("shop", "shop-web-deleted", service["id"], "Microsoft.ClassicCompute/domainNames/delete")
    area.grant(service["id"], "Contributor", "shop-operators")
    area.grant(f"/subscriptions/{area.subscription}/resourceGroups/shop", "Reader", "shop-readers")
    area.traffic("dns", "shop", service)
    _peered(area, network)
    gateway = area.gateway(network, "Vpn", connections={"Branch office": "Connected"})
    area.client_certificate(gateway, "laptops", expires="2027-05-01T00:00:00Z")


def _peered(area: Area, network: Document) -> None:
    """A hub on the Resource Manager side, which keeps the peering in its own document."""
    hub = area.arm(
        "hub",
        "Microsoft.Network/virtualNetworks",
        "hub-net",
        REGION,
        {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "subnets": [],
            "virtualNetworkPeerings": [
                {
                    "name": "to-shop-net",
                    "properties": {
                        "remoteVirtualNetwork": {"id": network["id"]},
                        "allowVirtualNetworkAccess": True,
                        "allowForwardedTraffic": True,
                        "allowGatewayTransit": False,
                        "useRemoteGateways": False,
                        "peeringState": "Connected",
                    },
                }
            ],
        },
    )
    area.peering_proxy(network, hub)


def _erp(area: Area) -> None:
    subnets = {"apps": "10.40.0.0/24"}
    network = area.network("erp", "erp-net", REGION, space="10.40.0.0/16", subnets=subnets, tags=TAGS)
    service = area.service("erp", "erp", REGION, tags=TAGS)
    area.slot(service, network=network, slot_type="VirtualMachine")
    account = area.storage("erp", "erpdisks", REGION, tags=TAGS)
    database = area.machine(
        service, "erp-db", "Standard_D2_v2", account=account, network=network, subnets=["apps"], endpoints={"rdp": 3389}
    )
    area.jit("erp", database, 3389)
    area.alert("erp", "erp-db-cpu-high", database["id"], REGION, emails=["erp@bramble.example"])
    area.key_vault("keys", "bramble-keys", REGION, {"branch-office": "an0ther-hedge!row-17"})
    vault = area.vault("backup", "erp-vault", REGION)
    area.backup(vault, database, "nightly")
    area.replication(vault, database)
