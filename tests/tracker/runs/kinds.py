"""A small company with one unit of every kind, all ready to go."""

from migrator.simulator.estate import Estate
from migrator.simulator.estates import company
from migrator.simulator.estates.builder import EstateBuilder, role
from migrator.simulator.estates.company import machine_service

REGION = "westeurope"
OWNER = company.WEB


def estate() -> Estate:
    """Networks with roles and with machines, machines in no network, roles in the hidden default network, a storage
    account nobody uses and one with the disk of a machine, and three objects nothing uses."""
    builder = EstateBuilder("kinds", 1)
    area = builder.area("Kinds", [REGION])
    vhds = area.storage("disks", "kindvhds", REGION)
    web = area.network("web", "web-net", REGION, space="10.1.0.0/16", subnets={"front": "10.1.0.0/24"})
    service = area.service("web", "kind-web", REGION)
    area.slot(service, [role("Web", "Standard_D2_v2", 2, subnets=["front"], endpoints={"https": 443})], network=web)
    farm = area.network("farm", "farm-net", REGION, space="10.2.0.0/16", subnets={"apps": "10.2.0.0/24"})
    host = machine_service(area, "farm", "kind-farm", REGION, OWNER, farm)
    area.machine(
        host,
        "farm1",
        "Standard_D2",
        account=vhds,
        network=farm,
        subnets=["apps"],
        private="10.2.0.4",
        endpoints={"a": 80},
    )
    for name in ("loose-new", "loose-existing"):
        alone = machine_service(area, "loose", name, REGION, OWNER)
        area.machine(alone, f"{name}1", "Standard_D2", account=vhds, endpoints={"ftp": 21}, private="10.9.1.4")
    subnet = {"name": "apps", "properties": {"addressPrefix": "10.60.1.0/28", "provisioningState": "Succeeded"}}
    body = {"addressSpace": {"addressPrefixes": ["10.60.0.0/16"]}, "subnets": [subnet], "virtualNetworkPeerings": []}
    area.arm("hub", "Microsoft.Network/virtualNetworks", "hub-net", REGION, body)
    tool = area.service("tools", "kind-tool", REGION)
    area.slot(tool, [role("Tool", "Standard_D1_v2", 2, endpoints={"http": 80})])
    area.storage("disks", "kindstore", REGION)
    area.reserved("spare", "rip-spare", REGION)
    area.security_group("spare", "nsg-spare", REGION)
    area.route_table("rt-spare", REGION, {"out": ("0.0.0.0/0", "10.1.0.9")})
    return builder.estate()
