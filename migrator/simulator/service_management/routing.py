"""Paths of this API, and the unit one of them names."""

import re
from urllib.parse import unquote

from migrator.simulator import scope as scopes
from migrator.simulator.arm.routing import Call
from migrator.simulator.errors import ArmError
from migrator.simulator.service_management import names
from migrator.simulator.store import Document, Store

PREFIX = "/service-management"
BASE = PREFIX + r"/(?P<subscription>[^/]+)"

_DEPLOYMENT = re.compile(
    BASE + r"/services/hostedservices/(?P<service>[^/]+)/deployments/(?P<deployment>[^/]+)(/.*)?", re.IGNORECASE
)
_SLOT = re.compile(
    BASE + r"/services/hostedservices/(?P<service>[^/]+)/deploymentslots/(?P<slot>[^/]+)(/.*)?", re.IGNORECASE
)
_NETWORK = re.compile(BASE + r"/services/networking/virtualnetwork/(?P<network>[^/]+)(/.*)?", re.IGNORECASE)
_OTHERS = {
    scopes.SECURITY_GROUP: "networking/networksecuritygroups",
    scopes.RESERVED: "networking/reservedips",
    scopes.ROUTE_TABLE: "networking/routetables",
    names.STORAGE: "storageservices",
}
_OTHER = {
    kind: re.compile(BASE + rf"/services/{path}/(?P<name>[^/]+)(/.*)?", re.IGNORECASE) for kind, path in _OTHERS.items()
}


def is_deployment(path: str) -> bool:
    return _DEPLOYMENT.fullmatch(path) is not None


def version_of(call: Call) -> str:
    """The `x-ms-version` of a call; `face` puts it there."""
    return call.query["x-ms-version"]


def unit_of(store: Store, path: str) -> Document | None:
    """The document a path names when it is one the platform moves, or lies below one; None when there is none."""
    try:
        return _unit(store, path)
    except ArmError:
        return None


def _unit(store: Store, path: str) -> Document | None:
    if found := _DEPLOYMENT.fullmatch(path):
        home = names.service(store, found["subscription"], found["service"])
        return names.named_deployment(store, home, found["deployment"])
    if found := _SLOT.fullmatch(path):
        home = names.service(store, found["subscription"], found["service"])
        return names.slot(store, home, found["slot"])
    if found := _NETWORK.fullmatch(path):
        return names.network(store, found["subscription"], unquote(found["network"]))
    for kind, pattern in _OTHER.items():
        if found := pattern.fullmatch(path):
            return names.other(store, found["subscription"], kind, found["name"])
    return None
