"""`small`: one subscription, three units, all ready; and `empty`."""

from migrator.simulator.estate import Estate
from migrator.simulator.estates.builder import EstateBuilder, role, rule

REGION = "westeurope"


def empty(seed: int = 1) -> Estate:
    """A subscription with nothing in it."""
    builder = EstateBuilder("empty", seed)
    builder.area("Nothing here", [REGION])
    return builder.estate()


def build(seed: int = 1) -> Estate:
    """A network with two cloud services (autoscale, alert, grant), a default-network service, a storage account."""
    builder = EstateBuilder("small", seed)
    area = builder.area("Small", [REGION])
    tags = {"owner": "team-web@bramble.example", "cost-centre": "4711", "environment": "production"}
    subnets = {"front": "10.1.0.0/24", "back": "10.1.1.0/24"}
    network = area.network("web", "small-net", REGION, space="10.1.0.0/16", subnets=subnets, tags=tags)
    front = area.service("web", "small-web", REGION, tags=tags, certificates=1)
    web = [role("Web", "Standard_D2_v2", 2, subnets=["front"], endpoints={"https": 443})]
    slot = area.slot(front, web, network=network)
    back = area.service("web", "small-worker", REGION, tags=tags)
    area.slot(back, [role("Worker", "Standard_D1_v2", 2, subnets=["back"], endpoints={"api": 8443})], network=network)
    target = f"{slot['id']}/roles/Web"
    rules = [
        rule(target, "Percentage CPU", "GreaterThan", 75, 1),
        rule(target, "Percentage CPU", "LessThan", 25, -1),
    ]
    area.autoscale("web", "small-web-scale", target, REGION, rules, emails=["web@bramble.example"])
    area.alert("web", "small-web-cpu", target, REGION, emails=["web@bramble.example"])
    area.grant(front["id"], "Contributor", "web-operators")
    alone = area.service("tools", "small-tool", REGION, tags=tags)
    area.slot(alone, [role("Tool", "Standard_D1_v2", 2, endpoints={"http": 80})])
    area.storage("web", "smallstore", REGION, tags=tags)
    return builder.estate()
