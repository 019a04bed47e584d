"""What moves together when a verb is sent to a unit: a slot, a virtual network, a storage account, or something left
over which nothing uses (azure.md 2.2).

Reads documents only; the simulator's own view, written apart from `migrator.units` on purpose, so that each can be
wrong alone.
"""

from dataclasses import dataclass, field

from migrator.simulator.store import Document, Store, parent_key, subscription_in, type_in_id

SLOT = "microsoft.classiccompute/domainnames/slots"
NETWORK = "microsoft.classicnetwork/virtualnetworks"
STORAGE = "microsoft.classicstorage/storageaccounts"

SERVICE = "Microsoft.ClassicCompute/domainNames"
ROLE = SERVICE + "/slots/roles"
EXTENSION = ROLE + "/extensionReferences"
CERTIFICATE = SERVICE + "/serviceCertificates"
MACHINE = "Microsoft.ClassicCompute/virtualMachines"
GATEWAY = "Microsoft.ClassicNetwork/virtualNetworks/gateways"
PEERING = "Microsoft.ClassicNetwork/virtualNetworks/virtualNetworkPeerings"
SECURITY_GROUP = "Microsoft.ClassicNetwork/networkSecurityGroups"
SECURITY_RULE = "Microsoft.ClassicNetwork/networkSecurityGroups/securityRules"
RESERVED = "Microsoft.ClassicNetwork/reservedIps"
ROUTE_TABLE = "Microsoft.ClassicNetwork/routeTables"  # in service management only (azure.md 1.1); the name is ours
DISK = "Microsoft.ClassicStorage/storageAccounts/disks"
OS_IMAGE = "Microsoft.ClassicStorage/storageAccounts/osImages"
VM_IMAGE = "Microsoft.ClassicStorage/storageAccounts/vmImages"

# What can be moved alone when nothing uses it, and over service management only (azure.md 1.1, 2.2 [D]).
LEFTOVERS = frozenset({SECURITY_GROUP.lower(), RESERVED.lower(), ROUTE_TABLE.lower()})
MOVABLE = frozenset({SLOT, NETWORK, STORAGE}) | LEFTOVERS
HIDDEN = frozenset({ROUTE_TABLE.lower()})  # types Resource Manager does not know


@dataclass(frozen=True, slots=True)
class Scope:
    """One unit as documents. For a slot outside any network `network` is None; for a storage account only `account`
    is set."""

    unit: Document
    network: Document | None = None
    services: tuple[Document, ...] = ()
    slots: tuple[Document, ...] = ()
    machines: tuple[Document, ...] = ()
    reserved: tuple[Document, ...] = ()
    security_groups: tuple[Document, ...] = ()  # cloned; the classic ones stay (azure.md 4.2)
    route_tables: tuple[Document, ...] = ()  # cloned, too
    account: Document | None = None
    others_slots: tuple[Document, ...] = field(default=())  # occupied slots of the same services outside this unit

    @property
    def key(self) -> str:
        return str(self.unit["id"]).lower()

    @property
    def web_slots(self) -> tuple[Document, ...]:
        return tuple(s for s in self.slots if is_web(s))

    @property
    def machine_slots(self) -> tuple[Document, ...]:
        return tuple(s for s in self.slots if not is_web(s))


def properties(document: Document | None) -> Document:
    found = (document or {}).get("properties")
    return found if isinstance(found, dict) else {}


def is_web(slot: Document) -> bool:
    """Whether a slot holds web and worker roles. The platform knows it, even where an estate leaves the fact out."""
    return properties(slot).get("slotType") != "VirtualMachine"


def gateway_type(gateway: Document) -> str:
    """Vpn or ExpressRoute. The platform knows it; where an estate leaves it out, it is taken to be Vpn [I]."""
    return str(properties(gateway).get("gatewayType") or "Vpn")


def virtual_addresses(store: Store, slot: Document) -> list[Document]:
    """The public addresses of a deployment. The platform knows them: where an estate leaves the list out, they are the
    ones its roles' endpoints listen on."""
    listed = properties(slot).get("virtualIps")
    if listed is not None:
        return list(listed)
    endpoints = [e for role in store.children(slot["id"], ROLE) for e in properties(role).get("inputEndpoints") or ()]
    return [{"address": address} for address in dict.fromkeys(e.get("publicIpAddress") for e in endpoints) if address]


def network_of(document: Document) -> str:
    """Key of the network a slot or machine is in; empty when it is in none (or the hidden default one)."""
    profile = properties(document).get("networkProfile") or properties(document)
    network = profile.get("virtualNetwork") if isinstance(profile, dict) else None
    return str(network["id"]).lower() if isinstance(network, dict) and network.get("id") else ""


def service_of(machine: Document) -> str:
    """Key of the cloud service a machine lives in."""
    return str((properties(machine).get("domainName") or {}).get("id", "")).lower()


def rules_of(store: Store, group: Document) -> list[Document]:
    """The rules of a security group: its children, or those which an estate writes into its document."""
    children = [{"name": rule["name"], **properties(rule)} for rule in store.children(group["id"], SECURITY_RULE)]
    written = properties(group).get("securityRules") or ()
    return [*children, *({**rule, **(rule.get("properties") or {})} for rule in written)]


def kind_of(resource_id: str) -> str:
    return type_in_id(resource_id).lower()


def resolve(store: Store, unit: Document) -> Scope:
    """Everything that moves with a unit (a document of one of the movable types)."""
    match kind_of(unit["id"]):
        case kind if kind == NETWORK:
            return _network_scope(store, unit)
        case kind if kind == SLOT:
            return _slot_scope(store, unit)
        case kind if kind in LEFTOVERS:
            return Scope(unit)
        case _:
            return Scope(unit, account=unit)


def _network_scope(store: Store, network: Document) -> Scope:
    key, subscription = str(network["id"]).lower(), subscription_in(network["id"])
    machines = tuple(m for m in store.of_type(subscription, MACHINE) if network_of(m) == key)
    hosts = {service_of(machine) for machine in machines}
    slots = tuple(
        slot
        for slot in store.of_type(subscription, SLOT)
        if network_of(slot) == key or (not is_web(slot) and parent_key(slot["id"]) in hosts)
    )
    return _filled(store, network, network, slots, machines)


def _slot_scope(store: Store, slot: Document) -> Scope:
    service = parent_key(slot["id"])
    machines: tuple[Document, ...] = ()
    if not is_web(slot):
        machines = tuple(store.grouped(subscription_in(service), MACHINE, service_of).get(service, ()))
    return _filled(store, slot, None, (slot,), machines)


def _filled(
    store: Store,
    unit: Document,
    network: Document | None,
    slots: tuple[Document, ...],
    machines: tuple[Document, ...],
) -> Scope:
    subscription = subscription_in(unit["id"])
    keys = {parent_key(slot["id"]) for slot in slots} | {service_of(m) for m in machines}
    services = tuple(s for key in sorted(keys) if (s := store.get(key)) is not None)
    inside = {str(slot["id"]).lower() for slot in slots}
    others = tuple(
        slot
        for service in services
        for slot in store.children(service["id"], SLOT)
        if str(slot["id"]).lower() not in inside
    )
    wanted = {
        str(vip.get("reservedIpName")).lower()
        for slot in slots
        for vip in properties(slot).get("virtualIps") or ()
        if vip.get("reservedIpName")
    }
    reserved = tuple(r for r in store.of_type(subscription, RESERVED) if r["name"].lower() in wanted)
    groups = {
        str((subnet.get("networkSecurityGroup") or {}).get("id", "")).lower()
        for subnet in properties(network).get("subnets") or ()
    }
    security_groups = tuple(g for key in sorted(groups - {""}) if (g := store.get(key)) is not None)
    tables = {
        str((subnet.get("routeTable") or {}).get("name", "")).lower()
        for subnet in properties(network).get("subnets") or ()
    }
    route_tables = tuple(t for t in store.of_type(subscription, ROUTE_TABLE) if t["name"].lower() in tables)
    return Scope(unit, network, services, slots, machines, reserved, security_groups, route_tables, None, others)


def locked_keys(store: Store, scope: Scope) -> list[str]:
    """Keys of the classic documents which Prepare locks: all that moves, and the network security groups and route
    tables that are cloned."""
    roots = [scope.unit, *scope.services, *scope.slots, *scope.machines, *scope.reserved]
    roots += [*scope.security_groups, *scope.route_tables]
    keys = {str(d["id"]).lower(): None for root in roots for d in store.tree(root["id"]) if is_classic(d)}
    return list(keys)


def doomed_keys(store: Store, scope: Scope) -> list[str]:
    """Keys of the classic documents which Commit removes: children before parents, the unit's own document last.

    Services keep living when a slot outside the unit is still occupied. Disk objects of migrated machines become
    implicit (azure.md 4.2).
    """
    kept = {parent_key(slot["id"]) for slot in scope.others_slots}
    roots = [*scope.slots, *scope.machines, *scope.reserved, *_attached_disks(store, scope)]
    roots += [service for service in scope.services if str(service["id"]).lower() not in kept]
    keys = {str(d["id"]).lower(): None for root in roots for d in reversed(store.tree(root["id"])) if is_classic(d)}
    keys.pop(scope.key, None)
    last = [str(d["id"]).lower() for d in reversed(store.tree(scope.unit["id"])) if is_classic(d)]
    return [key for key in keys if key not in set(last)] + last


def _attached_disks(store: Store, scope: Scope) -> list[Document]:
    machines = {str(m["id"]).lower() for m in scope.machines}
    found = []
    for disk in store.of_type(subscription_in(scope.unit["id"]), DISK) if machines else ():
        holder = (properties(disk).get("attachedTo") or {}).get("virtualMachine") or {}
        if str(holder.get("id", "")).lower() in machines:
            found.append(disk)
    return found


def users(store: Store, leftover: Document) -> list[str]:
    """Names of what uses a security group, a route table or a reserved address; empty when nothing does."""
    kind, subscription = kind_of(leftover["id"]), subscription_in(leftover["id"])
    key, name = str(leftover["id"]).lower(), str(leftover["name"]).lower()
    found: list[str] = []
    if kind == RESERVED.lower():
        for slot in store.of_type(subscription, SLOT):
            vips = properties(slot).get("virtualIps") or ()
            if any(str(vip.get("reservedIpName") or "").lower() == name for vip in vips):
                found.append(str((store.get(parent_key(slot["id"])) or slot)["name"]))
        return found
    for network in store.of_type(subscription, NETWORK):
        for subnet in properties(network).get("subnets") or ():
            group, table = subnet.get("networkSecurityGroup") or {}, subnet.get("routeTable") or {}
            if str(group.get("id", "")).lower() == key and kind == SECURITY_GROUP.lower():
                found.append(f"{network['name']}/{subnet.get('name')}")
            if str(table.get("name", "")).lower() == name and kind == ROUTE_TABLE.lower():
                found.append(f"{network['name']}/{subnet.get('name')}")
    return found


def is_classic(document: Document) -> bool:
    return str(document["type"]).lower().startswith("microsoft.classic")
