"""What the demo estate's three subscriptions have in common: tags, people, small shapes, and facts left out on
purpose."""

from collections.abc import Sequence
from typing import Any

from migrator.simulator.estates.builder import Area, Document, role

WEB, ORDERS, STORES, DEPOTS, OFFICE = "team-web", "team-orders", "team-stores", "team-depots", "team-office-it"
COST = {WEB: "CC-2040", ORDERS: "CC-2055", STORES: "CC-3110", DEPOTS: "CC-4400", OFFICE: "CC-9001"}
MAIL = "@bramble.example"
HOOK = "https://hooks.bramble.example/azure"
OFFICE_ONLY = ({"order": 100, "action": "permit", "remoteSubnet": "203.0.113.0/24", "description": "office"},)


def tags(owner: str, environment: str = "production", **more: str) -> dict[str, str]:
    return {"owner": owner + MAIL, "cost-centre": COST[owner], "environment": environment, **more}


def without(document: Document, *keys: str) -> Document:
    """Leave facts out, as Azure does for some resources: what is not said is unknown, never "not used"."""
    for key in keys:
        place: Any = document["properties"]
        *path, last = key.split(".")
        for step in path:
            place = place[step]
        del place[last]
    return document


def simple_service(
    area: Area,
    group: str,
    name: str,
    region: str,
    owner: str,
    *,
    size: str = "Standard_D1_v2",
    count: int = 2,
    role_name: str = "Web",
    network: Document | None = None,
    subnets: Sequence[str] = (),
    **more: Any,
) -> Document:
    """A cloud service with one role in Production; gives the deployment."""
    made = area.service(group, name, region, tags=tags(owner), certificates=more.pop("certificates", 0))
    roles = [
        role(role_name, size, count, subnets=subnets, endpoints={"https": 443}, extensions=more.pop("extensions", None))
    ]
    return area.slot(made, roles, network=network, **more)


def machine_service(
    area: Area,
    group: str,
    name: str,
    region: str,
    owner: str,
    network: Document | None = None,
    reserved: Document | None = None,
) -> Document:
    """A cloud service for virtual machines, with its deployment; gives the service."""
    made = area.service(group, name, region, tags=tags(owner))
    area.slot(made, network=network, slot_type="VirtualMachine", reserved=reserved)
    return made
