"""As many units as wanted, each ready to move: networks with a service, services alone, storage accounts."""

import json
from pathlib import Path

from migrator.simulator import scenarios
from migrator.simulator.estates.builder import EstateBuilder, role, rule

REGION = "westeurope"
PLENTY = 1_000_000


def write(path: Path, units: int) -> Path:
    """An estate file of the simulator. Every third unit is of each kind; every second network loses settings when it
    is committed, so that follow-ups are owed."""
    builder = EstateBuilder("chaos", 1)
    rows = ("cores", "standardDv2Family", "PublicIPAddresses", "VirtualNetworks", "LoadBalancers")
    area = builder.area("Chaos", [REGION], limits={(REGION, row): PLENTY for row in rows})
    tags = {"owner": "team-chaos@bramble.example", "cost-centre": "13", "environment": "test"}
    for number in range(units):
        name = f"unit-{number:03d}"
        if number % 3 == 2:
            area.storage("chaos", name.replace("-", ""), REGION, tags=tags)
            continue
        network = None
        if number % 3 == 0:
            space = f"10.{number % 250}.0.0/16"
            subnets = {"front": f"10.{number % 250}.0.0/24"}
            network = area.network("chaos", f"{name}-net", REGION, space=space, subnets=subnets, tags=tags)
        service = area.service("chaos", name, REGION, tags=tags)
        web = role("Web", "Standard_D1_v2", 1, subnets=["front"] if network else [], endpoints={"https": 443})
        slot = area.slot(service, [web], network=network)
        if network is not None and number % 2 == 0:
            target = f"{slot['id']}/roles/Web"
            rules = [rule(target, "Percentage CPU", "GreaterThan", 75, 1)]
            area.autoscale("chaos", f"{name}-scale", target, REGION, rules)
            area.alert("chaos", f"{name}-cpu", target, REGION, emails=["team-chaos@bramble.example"])
            area.grant(service["id"], "Contributor", "chaos-operators")
    path.write_text(json.dumps(scenarios.checked(builder.estate())), encoding="utf-8")
    return path
