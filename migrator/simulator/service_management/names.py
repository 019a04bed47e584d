"""How service management calls things: by name in a subscription, where Resource Manager has ids.

A virtual network made in the portal is `Group {group} {name}` here, and only that (azure.md 2.6, E33). Regions are
written as people read them (`West Europe`) [K].
"""

from migrator.simulator import providers
from migrator.simulator import scope as scopes
from migrator.simulator.errors import ArmError, bad_request
from migrator.simulator.scope import properties
from migrator.simulator.store import Document, Store, group_in, parent_key

STORAGE = "Microsoft.ClassicStorage/storageAccounts"
NETWORK = "Microsoft.ClassicNetwork/virtualNetworks"


def not_found(text: str = "The specified resource does not exist.") -> ArmError:
    """404 ResourceNotFound [K]."""
    return ArmError(404, "ResourceNotFound", text)


def region(document: Document | None) -> str | None:
    """The region of a document as this API spells it; None when it has none."""
    text = str((document or {}).get("location") or "")
    return providers.region_name(text) or None


def group(document: Document) -> str:
    return group_in(document["id"])


def site(network: Document) -> str:
    """The name of a virtual network in this API."""
    return str(properties(network).get("siteName") or network["name"])


def _site_key(network: Document) -> str:
    return site(network).lower()


def deployment(service: Document, slot: Document) -> str:
    """The name of a deployment; where an estate leaves it out its id, or the names of service and slot [I]."""
    facts = properties(slot)
    return str(facts.get("deploymentName") or facts.get("name") or f"{service['name']}-{slot['name']}")


def _by_name(store: Store, subscription: str, kind: str, name: str) -> Document | None:
    return next(iter(store.named(subscription, kind, name)), None)


def service(store: Store, subscription: str, name: str) -> Document:
    """A hosted service. Raises ArmError 404."""
    found = _by_name(store, subscription, scopes.SERVICE, name)
    if found is None:
        raise not_found("The hosted service does not exist.")
    return found


def slot(store: Store, hosted: Document, name: str) -> Document:
    """The deployment in a slot (`Production` or `Staging`). Raises ArmError 404, 400 for another slot."""
    if name.lower() not in ("production", "staging"):
        raise bad_request(f"The deployment slot {name} is not Production or Staging.")
    for document in store.children(hosted["id"], scopes.SLOT):
        if str(document["name"]).lower() == name.lower():
            return document
    raise not_found("No deployments were found.")


def named_deployment(store: Store, hosted: Document, name: str) -> Document:
    """The deployment of a name. Raises ArmError 404."""
    for document in store.children(hosted["id"], scopes.SLOT):
        if deployment(hosted, document).lower() == name.lower():
            return document
    raise not_found(f"The deployment name '{name}' does not exist.")


def network(store: Store, subscription: str, name: str) -> Document:
    """A virtual network by its site name. Raises ArmError 404 (E33)."""
    found = store.grouped(subscription, NETWORK, _site_key).get(name.lower())
    if found:
        return found[0]
    raise not_found(f"The virtual network {name} doesn't exist.")


def other(store: Store, subscription: str, kind: str, name: str) -> Document:
    """A security group, reserved address, route table or storage account. Raises ArmError 404."""
    found = _by_name(store, subscription, kind, name)
    if found is None:
        what = kind.rpartition("/")[2]
        raise not_found(f"The {what.removesuffix('s')} {name} was not found.")
    return found


def service_of_slot(store: Store, document: Document) -> Document:
    """The hosted service a slot belongs to."""
    return store.get(parent_key(document["id"])) or {"name": "", "id": parent_key(document["id"]), "properties": {}}


def holder(store: Store, machine: Document) -> tuple[str, str]:
    """Names of the hosted service and the deployment a virtual machine is in."""
    home = store.get(scopes.service_of(machine))
    stated = (properties(machine).get("hardwareProfile") or {}).get("deploymentName")
    if home is None:
        return str((properties(machine).get("domainName") or {}).get("name") or ""), str(stated or "")
    slots = [s for s in store.children(home["id"], scopes.SLOT) if not scopes.is_web(s)]
    return str(home["name"]), str(deployment(home, slots[0]) if slots else stated or "")
