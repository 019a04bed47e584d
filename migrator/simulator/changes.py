"""What a deletion, a swap and another number of instances mean beyond the document itself. Shared by both faces.

Whether Azure refuses to delete what is in use, and in which words, is general knowledge [K].
"""

from typing import TYPE_CHECKING, Any, Final

from migrator.simulator import scope as scopes
from migrator.simulator.cscfg import configuration
from migrator.simulator.errors import ArmError
from migrator.simulator.scope import kind_of, parent_key, properties
from migrator.simulator.store import Document, subscription_in

if TYPE_CHECKING:
    from migrator.simulator.platform import Platform

DISK: Final = "Microsoft.ClassicStorage/storageAccounts/disks"
PROXY: Final = "Microsoft.ClassicNetwork/virtualNetworks/remoteVirtualNetworkPeeringProxies"
ARM_NETWORK: Final = "Microsoft.Network/virtualNetworks"


def check_removal(platform: "Platform", document: Document) -> None:
    """Refuse to delete what something uses."""
    store, kind = platform.store, kind_of(document["id"])
    if kind == scopes.SERVICE.lower() and store.children(document["id"], scopes.SLOT):
        raise ArmError(409, "ConflictError", f"The hosted service {document['name']} has deployments.")
    if kind == DISK.lower() and (properties(document).get("attachedTo") or {}):
        name = (properties(document)["attachedTo"].get("virtualMachine") or {}).get("name", "a virtual machine")
        raise ArmError(409, "ConflictError", f"The disk {document['name']} is in use by {name}.")
    used = scopes.users(store, document) if kind in scopes.LEFTOVERS else []
    if used:
        raise ArmError(400, "BadRequest", f"{document['name']} is in use by {', '.join(used)}.")


def remove(platform: "Platform", document: Document) -> None:
    """Remove a document with everything below it, and what hangs on it elsewhere."""
    kind = kind_of(document["id"])
    if kind == scopes.SLOT.lower():
        _release_addresses(platform, document)
    platform.remove(document["id"])
    if kind == scopes.PEERING.lower():
        remote = str((properties(document).get("remoteVirtualNetwork") or {}).get("id", "")).lower()
        _disconnect(platform, remote, parent_key(document["id"]))


def _release_addresses(platform: "Platform", slot: Document) -> None:
    names = {str(vip.get("reservedIpName") or "").lower() for vip in properties(slot).get("virtualIps") or ()} - {""}
    for address in platform.store.of_type(subscription_in(slot["id"]), scopes.RESERVED):
        if str(address["name"]).lower() in names:
            platform.put({**address, "properties": {**properties(address), "inUse": False, "attachedTo": None}})


def _disconnect(platform: "Platform", far: str, near: str) -> None:
    """The other side of a deleted peering stays and says Disconnected; a proxy goes with it."""
    for proxy in platform.store.children(near, PROXY):
        if str((properties(proxy).get("remoteVirtualNetwork") or {}).get("id", "")).lower() == far and not _nested(
            platform, far, near
        ):
            platform.remove(proxy["id"])
    network = platform.store.get(far)
    if network is None:
        return
    rows = []
    for row in properties(network).get("virtualNetworkPeerings") or ():
        if _remote(row) == near:
            row = {**row, "properties": {**row["properties"], "peeringState": "Disconnected"}}
        rows.append(row)
    if rows:
        platform.put({**network, "properties": {**properties(network), "virtualNetworkPeerings": rows}})


def _remote(row: Any) -> str:
    return str(((row.get("properties") or {}).get("remoteVirtualNetwork") or {}).get("id", "")).lower()


def _nested(platform: "Platform", far: str, near: str) -> bool:
    network = platform.store.get(far)
    return any(_remote(row) == near for row in properties(network or {}).get("virtualNetworkPeerings") or ())


def remove_nested_peering(platform: "Platform", network: Document, name: str) -> bool:
    """Take a peering out of a Resource Manager network; the classic side loses what it knew of it, and its own peering
    says Disconnected. Whether there was one."""
    rows = list(properties(network).get("virtualNetworkPeerings") or ())
    kept = [row for row in rows if str(row.get("name", "")).lower() != name.lower()]
    if len(kept) == len(rows):
        return False
    far, gone = str(network["id"]).lower(), [row for row in rows if row not in kept]
    platform.put({**network, "properties": {**properties(network), "virtualNetworkPeerings": kept}})
    for near in {_remote(row) for row in gone}:
        for child in platform.store.children(near):
            if str((properties(child).get("remoteVirtualNetwork") or {}).get("id", "")).lower() != far:
                continue
            if child["type"].lower() == PROXY.lower():
                platform.remove(child["id"])
            elif child["type"].lower() == scopes.PEERING.lower():
                platform.store.change(child["id"], platform.moment, peeringState="Disconnected")
    return True


def swap(platform: "Platform", service: Document) -> None:
    """Exchange the slots of a cloud service: what stood under one id stands under the other. 404 with both empty."""
    store, moment = platform.store, platform.moment
    slots = store.children(service["id"], scopes.SLOT)
    if not slots:
        raise ArmError(404, "ResourceNotFound", f"The hosted service {service['name']} has no deployments.")
    trees = [(slot, store.tree(slot["id"])) for slot in slots]
    moved: dict[str, str] = {}
    for _, tree in trees:
        for document in reversed(tree):
            store.remove(document["id"], moment)
    for slot, tree in trees:
        other = "Staging" if str(slot["name"]).lower() == "production" else "Production"
        before, after = str(slot["id"]), f"{service['id']}/slots/{other}"
        moved[before.lower()] = after
        for document in tree:
            made = {**document, "id": after + str(document["id"])[len(before) :]}
            if document is slot:
                made["name"] = other
                made["properties"] = {**properties(slot), **_slot_facts(slot, other)}
            store.put(made, moment)
    for address in store.of_type(subscription_in(service["id"]), scopes.RESERVED):
        held = str((properties(address).get("attachedTo") or {}).get("id", ""))
        if held.lower() in moved:
            store.change(address["id"], moment, attachedTo={"id": moved[held.lower()]})


def _slot_facts(slot: Document, other: str) -> dict[str, Any]:
    return {"deploymentSlot": other} if "deploymentSlot" in properties(slot) else {}


def configure(platform: "Platform", slot: Document, text: str) -> None:
    """Another configuration: the roles have as many instances as it says."""
    store, moment = platform.store, platform.moment
    changed = store.change(slot["id"], moment, configuration=text)
    read = configuration(changed)
    for role in store.children(slot["id"], scopes.ROLE):
        count = read.instances.get(str(role["name"]).lower()) if read else None
        if count is not None and "instanceCount" in properties(role):
            store.change(role["id"], moment, instanceCount=count)
