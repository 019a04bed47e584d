"""Every request of every follow-up is taken by the simulator, twice, and seen by its own probe."""

import copy
import json
import uuid
from typing import Any

from migrator.followups import Kind, RequiredFollowUp, answered, matches
from migrator.resources import ArmRequest
from migrator.simulator.arm import authorization, changing, insights, networking, protection, resources, security, tags
from migrator.simulator.arm.routing import Call, Router
from migrator.simulator.platform import Platform

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shopjobs-Migrated"
CIRCUIT = "/subscriptions/9/resourceGroups/er/providers/Microsoft.Network/expressRouteCircuits/c"
HUB = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/hub-rg/providers/Microsoft.Network/virtualNetworks/hub-net"
PLACES = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
BESIDE = [  # what is there before and after the move
    {"id": HUB, "type": "Microsoft.Network/virtualNetworks"},
    {"id": f"{PLACES}/old-rg/providers/Microsoft.ClassicNetwork/virtualNetworks/old-net",
     "type": "Microsoft.ClassicNetwork/virtualNetworks"},
    {"id": f"{PLACES}/dns-rg/providers/Microsoft.Network/trafficManagerProfiles/shop",
     "type": "Microsoft.Network/trafficManagerProfiles"},
    {"id": f"{PLACES}/backup-rg/providers/Microsoft.RecoveryServices/vaults/erp-vault",
     "type": "Microsoft.RecoveryServices/vaults"},
]  # fmt: skip
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/shopjobs"


class Simulated:
    """A simulator that holds what Prepare made of the two units."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.router = Router()
        for part in (insights, authorization, security, tags, networking, protection, changing, resources):
            self.router.include(part.routes)
        subscription = {"subscriptionId": SUBSCRIPTION, "displayName": "shop", "state": "Enabled", "tenantId": "t"}
        self.platform = Platform({"subscriptions": [subscription], "resources": [], "registrations": [], "usages": []})
        common = {"location": "westeurope", "properties": {}}
        beside = [{**common, "name": document["id"].rsplit("/", 1)[-1], **document} for document in BESIDE]
        for document in [*documents, *beside]:
            self.platform.ensure_group(document["id"], document.get("location", "westeurope"))
            self.platform.put(copy.deepcopy(document))

    def send(self, request: ArmRequest) -> Any:
        body = None if request.body is None else json.loads(json.dumps(request.body))
        version = {"api-version": request.api_version}
        return self.router.dispatch(
            Call(self.platform, request.method, request.path, version, body, "http://127.0.0.1")
        ).body


def complete(item: RequiredFollowUp) -> RequiredFollowUp:
    usual = {"mail": "nobody", "owners": "owner-role", "secret": "https://hooks.bramble.example/x", "id": STORAGE}
    usual |= {"address": "203.0.113.7", "ranges": "10.9.0.0/16, 10.10.0.0/24", "key": "not-so-secret"}
    usual |= {"circuit": CIRCUIT, "authorization": "of-the-circuit", "principal": str(uuid.UUID(int=10))}
    while item.open_questions:
        question = item.open_questions[0]
        answer = usual.get(question.id.split(":")[0]) or question.choices[0].value
        if question.id.endswith("/old-net"):
            answer = "keep"  # it moves later
        if question.id.endswith("/orders"):
            answer = f"{STORAGE}/services/queue/queues/orders"
        item = answered(item, {question.id: answer})
    return item


def test_every_request_is_taken_twice_and_seen(shop, every_setting) -> None:
    storage = {"id": STORAGE, "name": "shopjobs", "type": "Microsoft.Storage/storageAccounts", "properties": {}}
    taken = set()
    for name, document in every_setting.items():
        if name in ("alert rule on events", "replication of a machine", "client certificate of the VPN"):
            continue  # nothing to send: a person decides, or does it
        found = shop.sides[shop.unit_of(document)]["found"]
        simulated = Simulated([*found, {**storage, "location": "westeurope"}])
        for item in shop.required(document, tags=True):
            if item.kind is Kind.WORK:
                continue
            done = complete(item)
            assert done.stages, name
            for stage in done.stages:
                simulated.send(stage.request)
                simulated.send(stage.request)
                assert matches(stage.probe, simulated.send(stage.probe.request)) == [], name
            taken.add(item.kind)
    assert taken == set(Kind) - {Kind.WORK}, "people do that"


def test_locks_come_last_so_that_they_refuse_nothing(shop, every_setting) -> None:
    ours = [d for d in every_setting.values() if shop.unit_of(d).startswith("machines")]
    items = shop.required(*ours, tags=True)
    kinds = [item.kind for item in items]
    assert kinds.index(Kind.LOCK) == len(kinds) - kinds.count(Kind.LOCK)
    simulated = Simulated(shop.sides[shop.unit_of(ours[0])]["found"])
    for item in items:
        for stage in complete(item).stages:
            simulated.send(stage.request)
            assert matches(stage.probe, simulated.send(stage.probe.request)) == []
