"""What deleting, swapping and configuring mean on the simulated platform, and when they are refused."""

import copy
from typing import Any

import pytest

from migrator.simulator.arm import authorization, changing, resources
from migrator.simulator.arm.routing import Call, Router
from migrator.simulator.changes import configure
from migrator.simulator.errors import ArmError
from migrator.simulator.platform import Platform
from tests.migrator.readiness.documents import (
    RG,
    Document,
    S,
    account,
    cscfg,
    disk,
    lock,
    machine,
    machine_extension,
    machine_id,
    network,
    network_id,
    peering,
    reserved,
    role,
    role_id,
    service,
    service_id,
    slot,
    slot_id,
    vip,
)

VERSION = {"locks": "2020-05-01", "virtualNetworkPeerings/to-net": "2026-03-01"}
HUB = f"{RG}/providers/Microsoft.Network/virtualNetworks/hub"


class Simulated:
    def __init__(self, *documents: Document) -> None:
        self.router = Router()
        for part in (authorization, changing, resources):
            self.router.include(part.routes)
        subscription = {"subscriptionId": S, "displayName": "shop", "state": "Enabled", "tenantId": "t"}
        listed = [{**copy.deepcopy(d), "type": d.get("type") or _type(d["id"])} for d in documents]
        self.platform = Platform({"subscriptions": [subscription], "resources": listed})

    def __call__(self, method: str, path: str) -> int:
        version = next((v for part, v in VERSION.items() if part in path), "2016-11-01")
        call = Call(self.platform, method, path, {"api-version": version}, None, "http://127.0.0.1")
        return self.router.dispatch(call).status

    def refused(self, method: str, path: str) -> ArmError:
        with pytest.raises(ArmError) as caught:
            self(method, path)
        return caught.value

    def facts(self, resource_id: str) -> dict[str, Any]:
        found = self.platform.store.get(resource_id)
        assert found is not None, resource_id
        return found["properties"]


def _type(resource_id: str) -> str:
    parts = resource_id.rpartition("/providers/")[2].split("/")
    return "/".join([parts[0], *parts[1::2]])


def test_a_deleted_slot_goes_with_its_roles_and_frees_its_reserved_address() -> None:
    held = reserved("rip", in_use=True, attached=slot_id("shop", "Staging"))
    azure = Simulated(
        service(), slot(), slot(slot="Staging", virtualIps=vip()), role(), role(slot="Staging"), held, network()
    )
    assert azure.refused("DELETE", service_id("shop")).status == 409  # it has deployments
    assert azure("DELETE", slot_id("shop", "Staging")) == 200
    assert role_id("shop", slot="Staging") not in azure.platform.store
    assert role_id("shop") in azure.platform.store
    assert azure.facts(held["id"])["inUse"] is False
    assert azure("DELETE", slot_id("shop", "Staging")) == 204
    assert azure("DELETE", slot_id("shop")) == 200
    assert azure("DELETE", service_id("shop")) == 200


def test_a_swap_exchanges_the_slots_with_all_that_is_in_them() -> None:
    azure = Simulated(service(), slot(slot="Staging", deploymentName="new"), role(slot="Staging"), network())
    assert azure("POST", f"{service_id('shop')}/swap") == 200
    assert slot_id("shop", "Staging") not in azure.platform.store
    assert azure.facts(slot_id("shop"))["deploymentName"] == "new"
    assert azure.platform.store.get(slot_id("shop"))["name"] == "Production"  # type: ignore[index]
    assert role_id("shop") in azure.platform.store
    assert azure("POST", f"{service_id('shop')}/swap") == 200  # sent twice it swaps back
    assert slot_id("shop", "Staging") in azure.platform.store
    assert Simulated(service()).refused("POST", f"{service_id('shop')}/swap").status == 404


def test_a_disk_that_is_attached_is_not_deleted() -> None:
    azure = Simulated(account(), disk("used", attached="vm1"), disk("loose"))
    azure.platform.store.change(disk("used")["id"], azure.platform.moment, attachedTo={"virtualMachine": {"name": "v"}})
    assert azure.refused("DELETE", disk("used")["id"]).status == 409
    assert azure("DELETE", disk("loose")["id"]) == 200


def test_a_peering_is_deleted_on_its_side_and_the_other_says_disconnected() -> None:
    link = {"name": "to-net", "properties": {"remoteVirtualNetwork": {"id": network_id()}, "peeringState": "Connected"}}
    hub = {"id": HUB, "name": "hub", "location": "westeurope", "properties": {"virtualNetworkPeerings": [link]}}
    own = peering()
    own["properties"]["remoteVirtualNetwork"] = {"id": HUB}
    proxy = {
        "id": f"{network_id()}/remoteVirtualNetworkPeeringProxies/hub",
        "name": "hub",
        "properties": {"remoteVirtualNetwork": {"id": HUB}},
    }
    azure = Simulated(network(), own, proxy, hub)
    assert azure("GET", f"{HUB}/virtualNetworkPeerings/to-net") == 200
    assert azure("DELETE", own["id"]) == 200
    assert azure.facts(HUB)["virtualNetworkPeerings"][0]["properties"]["peeringState"] == "Disconnected"
    assert proxy["id"] in azure.platform.store  # the hub still has its own
    assert azure("DELETE", f"{HUB}/virtualNetworkPeerings/to-net") == 200
    assert azure.facts(HUB)["virtualNetworkPeerings"] == []
    assert proxy["id"] not in azure.platform.store
    assert azure("DELETE", f"{HUB}/virtualNetworkPeerings/to-net") == 204


def test_an_extension_of_a_machine_is_uninstalled() -> None:
    azure = Simulated(network(), service("iaas"), machine(extensions=[machine_extension("BGInfo")]))
    place = f"{machine_id()}/extensions/BGInfo"
    assert azure("GET", place) == 200
    assert azure("DELETE", place) == 200
    assert azure.refused("GET", place).status == 404
    assert azure("DELETE", place) == 204


def test_a_management_lock_forbids_and_its_deletion_allows() -> None:
    held = lock(slot_id("shop", "Staging"), "CanNotDelete")
    readonly = lock(service_id("other"), "ReadOnly", "stay")
    azure = Simulated(service(), slot(slot="Staging"), held, service("other"), slot("other"), readonly, network())
    assert azure.refused("DELETE", slot_id("shop", "Staging")).code == "ScopeLocked"
    assert azure.refused("POST", f"{service_id('other')}/swap").code == "ScopeLocked"
    assert azure("DELETE", held["id"]) == 200
    assert azure("DELETE", slot_id("shop", "Staging")) == 200


def test_another_configuration_gives_the_roles_another_number_of_instances() -> None:
    azure = Simulated(service(), slot(), role(instanceCount=1), network())
    text = cscfg(["web"], {}, {}, None)
    configure(azure.platform, azure.platform.store.get(slot_id("shop")), text)  # type: ignore[arg-type]
    assert azure.facts(role_id("shop"))["instanceCount"] == 2
    assert azure.facts(slot_id("shop"))["configuration"] == text
