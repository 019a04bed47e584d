"""`journey`: the estate of the end-to-end test. One network that goes all the way, one that is blocked, one short
of quota."""

from migrator.simulator.estate import Estate
from migrator.simulator.estates.builder import Area, EstateBuilder, role, rule

REGION, TIGHT = "westeurope", "northeurope"


def build(seed: int = 1) -> Estate:
    """shop-net (shop-web, shop-jobs) · legacy-net (peered: blocked) · pricing (default network; short of quota) ·
    shopfiles."""
    builder = EstateBuilder("journey", seed)
    area = builder.area("Shop", [REGION, TIGHT], limits={(TIGHT, "cores"): 10, (TIGHT, "standardDv2Family"): 8})
    tags = {"owner": "ana.lima@bramble.example", "cost-centre": "2040", "environment": "production"}
    _shop(area, tags)
    _legacy(area, tags)
    pricing = area.service("pricing", "pricing", TIGHT, tags=tags)
    area.slot(pricing, [role("Quotes", "Standard_D3_v2", 4, endpoints={"https": 443})])
    area.storage("shop", "shopfiles", REGION, tags=tags)
    return builder.estate()


def _shop(area: Area, tags: dict[str, str]) -> None:
    subnets = {"web": "10.20.0.0/24", "jobs": "10.20.1.0/24"}
    network = area.network("shop", "shop-net", REGION, space="10.20.0.0/16", subnets=subnets, tags=tags)
    web = area.service("shop", "shop-web", REGION, tags=tags, certificates=1)
    front = role("WebFront", "Standard_D2_v2", 3, subnets=["web"], endpoints={"http": 80, "https": 443})
    slot = area.slot(web, [front], network=network, label="release 214")
    jobs = area.service("shop", "shop-jobs", REGION, tags=tags)
    area.slot(jobs, [role("Jobs", "Standard_D1_v2", 2, subnets=["jobs"], endpoints={"api": 8080})], network=network)
    target = f"{slot['id']}/roles/WebFront"
    rules = [
        rule(target, "Percentage CPU", "GreaterThan", 70, 1),
        rule(target, "Percentage CPU", "LessThan", 30, -1),
        rule(target, "Network In", "GreaterThan", 500_000_000, 2, aggregation="Total"),
    ]
    hook = "https://hooks.bramble.example/scale"
    area.autoscale("shop", "shop-web-scale", target, REGION, rules, emails=["shop@bramble.example"], webhook=hook)
    area.alert("shop", "shop-web-cpu-high", target, REGION, emails=["shop@bramble.example"], webhook=hook)
    area.grant(web["id"], "Contributor", "shop-operators")


def _legacy(area: Area, tags: dict[str, str]) -> None:
    subnets = {"apps": "10.30.0.0/24"}
    network = area.network("legacy", "legacy-net", REGION, space="10.30.0.0/16", subnets=subnets, tags=tags)
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
                    "name": "to-legacy-net",
                    "properties": {"remoteVirtualNetwork": {"id": network["id"]}, "peeringState": "Connected"},
                }
            ],
        },
    )
    area.peering(network, hub)
    erp = area.service("legacy", "legacy-erp", REGION, tags=tags)
    area.slot(erp, [role("Erp", "Standard_D2_v2", 2, subnets=["apps"], endpoints={"https": 443})], network=network)
