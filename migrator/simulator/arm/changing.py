"""Actions and deletions whose path is no document of its own: a swap, a peering inside a Resource Manager network, an
extension of a classic machine. That the last can be deleted so is inferred [I]."""

from migrator.simulator import changes
from migrator.simulator.arm.routing import GROUP, Answer, Call, Router
from migrator.simulator.errors import resource_not_found
from migrator.simulator.scope import properties
from migrator.simulator.store import Document

routes = Router()
_SERVICE = GROUP + r"/providers/microsoft\.classiccompute/domainnames/[^/]+"
_PEERING = (
    r"(?P<network>" + GROUP + r"/providers/microsoft\.network/virtualnetworks/[^/]+)"
    r"/virtualnetworkpeerings/(?P<name>[^/]+)"
)
_EXTENSION = (
    r"(?P<machine>" + GROUP + r"/providers/microsoft\.classiccompute/virtualmachines/[^/]+)/extensions/(?P<name>[^/]+)"
)
PEERING = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings"
EXTENSION = "Microsoft.ClassicCompute/virtualMachines/extensions"


def _check(call: Call, resource_id: str, verb: str) -> None:
    call.platform.check_write(resource_id)
    if verb == "delete":
        call.platform.check_management_lock(resource_id, "CanNotDelete", verb)
    call.platform.check_management_lock(resource_id, "ReadOnly", verb)


@routes.route("POST", _SERVICE + "/swap")
def swap(call: Call) -> Answer:
    """Exchange production and staging (azure.md 1.1: an action of the type). Without a body [I]."""
    call.check_version("Microsoft.ClassicCompute/domainNames")
    path = call.path.rstrip("/").rpartition("/")[0]
    service = call.platform.store.get(path)
    if service is None:
        raise resource_not_found(path)
    _check(call, path, "write")
    for slot in call.platform.store.children(path):
        call.platform.check_write(slot["id"])
    changes.swap(call.platform, service)
    return Answer(status=200, unit=str(service["id"]))


def _peering(network: Document | None, name: str) -> Document | None:
    rows = properties(network or {}).get("virtualNetworkPeerings") or ()
    found = next((row for row in rows if str(row.get("name", "")).lower() == name.lower()), None)
    if network is None or found is None:
        return None
    return {**found, "id": f"{network['id']}/virtualNetworkPeerings/{found['name']}", "type": PEERING}


@routes.route("GET", _PEERING)
def read_peering(call: Call) -> Answer:
    call.check_version(PEERING)
    found = call.view().get(call.path) or _peering(call.view().get(call.parts["network"]), call.parts["name"])
    if found is None:
        raise resource_not_found(call.path)
    return Answer(body=found)


@routes.route("DELETE", _PEERING)
def delete_peering(call: Call) -> Answer:
    """204 when there is none."""
    call.check_version(PEERING)
    platform = call.platform
    network = platform.store.get(call.parts["network"])
    _check(call, call.path, "delete")
    known = call.path in platform.store
    if known:
        platform.remove(call.path)
    nested = network is not None and changes.remove_nested_peering(platform, network, call.parts["name"])
    return Answer(status=200 if known or nested else 204)


def _rows(machine: Document | None) -> list[Document]:
    return list(properties(machine or {}).get("extensions") or ())


def _named(row: Document, name: str) -> bool:
    return name.lower() in (str(row.get("referenceName") or "").lower(), str(row.get("extension") or "").lower())


@routes.route("GET", _EXTENSION)
def read_extension(call: Call) -> Answer:
    call.check_version(EXTENSION)
    found = next((r for r in _rows(call.view().get(call.parts["machine"])) if _named(r, call.parts["name"])), None)
    if found is None:
        raise resource_not_found(call.path)
    return Answer(body={"id": call.path, "name": call.parts["name"], "type": EXTENSION, "properties": found})


@routes.route("DELETE", _EXTENSION)
def delete_extension(call: Call) -> Answer:
    """Uninstall; 204 when it is not there."""
    call.check_version(EXTENSION)
    platform, name = call.platform, call.parts["name"]
    machine = platform.store.get(call.parts["machine"])
    _check(call, call.parts["machine"], "delete")
    kept = [row for row in _rows(machine) if not _named(row, name)]
    if machine is None or len(kept) == len(_rows(machine)):
        return Answer(status=204)
    platform.store.change(machine["id"], platform.moment, extensions=kept)
    return Answer(status=200, unit=str(machine["id"]))
