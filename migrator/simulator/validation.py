"""What Validate says about a unit, and what only Prepare finds (azure.md 2.1, 2.10, 3).

Texts carry the distinctive fragments of the error catalogue; where the catalogue has none for a fact, the sentence
is ours [I].
Message shape: azure.md 2.3 [I]. Reads documents only, and only what they say: what a document leaves out raises no
message.
"""

import ipaddress
from collections.abc import Iterator
from typing import Any

from migrator.simulator import scope as scopes
from migrator.simulator import sizes
from migrator.simulator.cscfg import configuration
from migrator.simulator.scope import Scope, properties
from migrator.simulator.store import Document, Store, parent_key, subscription_in

Message = dict[str, Any]

STABLE = frozenset({"running", "suspended"})
STABLE_MACHINE = frozenset({"started", "stopped", "stoppeddeallocated"})
XML_EXTENSIONS = ("bginfo", "vsremotedebug", "webdeployforvsdevtest", "remotedebug", "vsdebugger")
DEFAULT_NETWORKS_SINCE = "2017-01-01"  # azure.md 13.9: two years are published; the earlier one
# Resource Manager services that pin a classic network (azure.md 3.3): type and how Validate names them
PINNING = {
    "microsoft.web/hostingenvironments": "App Service environment",
    "microsoft.hdinsight/clusters": "HDInsight cluster",
    "microsoft.apimanagement/service": "API Management service",
    "microsoft.batch/batchaccounts": "Batch account",
    "microsoft.network/applicationgateways": "Application Gateway",
}


def error(kind: str, name: str, text: str, machine: str = "") -> Message:
    return _message("Error", kind, name, text, machine)


def _message(category: str, kind: str, name: str, text: str, machine: str = "") -> Message:
    return {
        "resourceType": kind,
        "resourceName": name,
        "category": category,
        "message": text,
        "virtualMachineName": machine,
    }


def validate(store: Store, scope: Scope) -> list[Message]:
    """All messages of Validate for a unit, errors first."""
    if scope.account is not None:
        found = list(_account(store, scope.account))
    elif scopes.kind_of(scope.unit["id"]) in scopes.LEFTOVERS:
        found = list(_leftover(store, scope.unit))
    else:
        found = [
            *_deployments(store, scope),
            *_machines(store, scope),
            *(_network(store, scope, scope.network) if scope.network else ()),
        ]
    order = {"Error": 0, "Warning": 1, "Information": 2}
    return sorted(found, key=lambda message: order[message["category"]])


def _deployments(store: Store, scope: Scope) -> Iterator[Message]:
    for service in scope.services:
        if properties(service).get("affinityGroup"):
            yield error(
                "HostedService",
                service["name"],
                f"HostedService {service['name']} is in affinity group {properties(service)['affinityGroup']}. "
                "Affinity groups are not supported for migration.",
            )
        occupied = [s for s in store.children(service["id"], scopes.SLOT) if scopes.is_web(s)]
        if len(occupied) > 1:
            yield error(
                "HostedService",
                service["name"],
                f"HostedService {service['name']} has two occupied slots. Migration of a cloud service "
                "with a deployment in Production and in Staging is not supported: delete one of them.",
            )
    for slot in scope.slots:
        yield from _slot(store, scope, slot)


def _slot(store: Store, scope: Scope, slot: Document) -> Iterator[Message]:
    facts, service = properties(slot), store.get(parent_key(slot["id"])) or {"name": "?", "location": ""}
    name = service["name"]
    status = str(facts.get("status") or facts.get("state") or "Running")
    if status.lower() not in STABLE:
        yield error(
            "Deployment",
            name,
            f"Deployment in HostedService {name} is in intermediate state {status}. Migration not allowed.",
        )
    if facts.get("upgradeStatus"):
        yield error(
            "Deployment", name, f"Deployment in HostedService {name} is undergoing an update operation. Try later."
        )
    if not scopes.is_web(slot):
        return
    if scope.network is None:
        if str(facts.get("createdTime") or "9") < DEFAULT_NETWORKS_SINCE:
            yield error(
                "Deployment",
                name,
                f"HostedService {name} uses features not yet supported for migration: Non-vnet deployment. "
                "It must be within a virtual network to be migrated.",
            )
        else:
            text = f"HostedService {name} is in its default virtual network, which becomes visible after the migration."
            yield _message("Information", "Deployment", name, text)
    elif service.get("location") != scope.network.get("location"):
        yield error(
            "Deployment", name, f"Subnet of {scope.network['name']} is in a different location than deployment {name}."
        )
    if str(slot["name"]).lower() == "staging" and not scope.others_slots:
        yield _message(
            "Warning",
            "Deployment",
            name,
            f"HostedService {name} has only a Staging deployment; its DNS name may be lost.",
        )
    yield from _addresses(store, slot, name)
    yield from _roles(store, scope, slot, name)


def _addresses(store: Store, slot: Document, name: str) -> Iterator[Message]:
    ports = any(properties(role).get("inputEndpoints") for role in store.children(slot["id"], scopes.ROLE))
    for vip in properties(slot).get("virtualIps") or ():
        if vip.get("isReserved") and not vip.get("reservedIpName"):
            yield error(
                "Deployment", name, f"Deployment {name} has reserved IP(s) but no reserved IP name. Name the address."
            )
        elif vip.get("reservedIpName") and not ports:
            yield error(
                "Deployment",
                name,
                f"Deployment {name} has reserved IP(s), but there is no endpoint on the reserved IP.",
            )


def _roles(store: Store, scope: Scope, slot: Document, name: str) -> Iterator[Message]:
    read = configuration(slot)
    roles = store.children(slot["id"], scopes.ROLE)
    if scope.network is not None and read is not None:
        homeless = [role["name"] for role in roles if not read.subnets.get(role["name"].lower())]
        if homeless:
            yield error(
                "Deployment",
                name,
                f"HostedService {name} has no subnets associated with the role(s) {', '.join(homeless)}.",
            )
    for role in roles:
        facts, size = properties(role), str(properties(role).get("instanceSize") or "")
        if size.lower() in sizes.DEPRECATED:
            yield error(
                "Role", role["name"], f"Role {role['name']} has size {size}, which is deprecated. Choose another size."
            )
        elif size.lower() in sizes.SPECIAL:
            yield error(
                "Role", role["name"], f"Role {role['name']} has size {size}, which is not supported for migration."
            )
        elif size.lower() in sizes.LEGACY:
            text = f"Role {role['name']} has size {size} and will be {sizes.migrated(size)} after the migration."
            yield _message("Warning", "Role", role["name"], text)
        if facts.get("instanceCount") == 1:
            text = f"Role {role['name']} has one instance and is not available while it restarts after Commit."
            yield _message("Warning", "Role", role["name"], text)
        extensions = store.children(role["id"], scopes.EXTENSION)
        on = [x for x in extensions if str(properties(x).get("state", "")).lower() == "enable"]
        if read and {"RemoteAccess", "RemoteForwarder"} & read.plugins and any("rdp" in x["name"].lower() for x in on):
            yield error(
                "Role",
                role["name"],
                f"Role {role['name']} has both the Remote Desktop plugin and the Remote Desktop extension. "
                "Remove one of them.",
            )
        for extension in extensions:
            if extension not in on:
                text = f"Extension {extension['name']} of role {role['name']} is disabled and will not be migrated."
                yield _message("Information", "Role", role["name"], text)


def _machines(store: Store, scope: Scope) -> Iterator[Message]:
    for machine in scope.machines:
        yield from _machine(machine, in_network=scope.network is not None)
    for service in scope.services:
        mine = [m for m in scope.machines if scopes.service_of(m) == service["id"].lower()]
        sets = {str((properties(m).get("hardwareProfile") or {}).get("availabilitySetName") or "") for m in mine}
        if len(sets - {""}) > 1:
            yield error(
                "HostedService",
                service["name"],
                f"HostedService {service['name']} has multiple Availabilities Sets: {', '.join(sorted(sets - {''}))}.",
            )
        elif len(sets) > 1:
            outside = [
                m["name"] for m in mine if not (properties(m).get("hardwareProfile") or {}).get("availabilitySetName")
            ]
            yield error(
                "HostedService",
                service["name"],
                f"VM {outside[0]} is not part of the Availability Set even though "
                f"HostedService {service['name']} contains one.",
                outside[0],
            )


def _machine(machine: Document, *, in_network: bool) -> Iterator[Message]:
    facts, name = properties(machine), machine["name"]
    view, network = facts.get("instanceView") or {}, facts.get("networkProfile") or {}

    def no(text: str) -> Message:
        return error("VirtualMachine", name, text, name)

    state = str(view.get("powerState") or "Started")
    if str(view.get("status")) == "RoleStateUnknown" or state.lower() not in STABLE_MACHINE:
        yield no(
            f"VM {name} is in State: RoleStateUnknown. Migration is allowed when it is running, stopped or deallocated."
        )
    extensions = [x for x in facts.get("extensions") or () if str(x.get("state", "")).lower() != "disable"]
    agent = view.get("guestAgentStatus") or {}
    if extensions and state.lower() == "started" and agent.get("status") not in (None, "Ready"):
        yield no(f"VM {name} reports its overall agent status as Not Ready. Its extensions cannot be migrated.")
    for extension in extensions:
        title = str(extension.get("extension") or extension.get("referenceName") or "")
        if title.lower().startswith("vmsnapshot"):
            yield no(
                f"VM {name} has the extension {title}, which is not supported for Migration. Stop the backup first."
            )
        elif title.lower() in XML_EXTENSIONS:
            version = extension.get("version", "")
            yield no(
                f"VM {name} contains Extension {title} version {version}, not supported in Azure Resource Manager."
            )
    if any((endpoint.get("endpointAcl") or {}).get("rules") for endpoint in network.get("inputEndpoints") or ()):
        yield no(f"VM {name} has an endpoint with an access control list, which is not supported for migration.")
    subnets = list((network.get("virtualNetwork") or {}).get("subnetNames") or ())
    nics = {nic.get("subnetName") for nic in network.get("networkInterfaces") or ()} | set(subnets)
    if in_network and not subnets:
        yield no(f"VM {name} is in a virtual network but in no subnet.")
    elif len(nics) > 1:
        yield no(f"VM {name} has network interfaces in different subnets, which is not supported for migration.")
    if not in_network:
        text = f"VM {name} is not in a virtual network: it is stopped, deallocated and started during Prepare."
        yield _message("Warning", "VirtualMachine", name, text, name)
    yield from _disks(machine)


def _disks(machine: Document) -> Iterator[Message]:
    facts, name = properties(machine), machine["name"]
    profile = facts.get("storageProfile") or {}
    disks = [profile.get("operatingSystemDisk") or {}, *(profile.get("dataDisks") or ())]
    for disk in disks:
        blob = str(disk.get("vhdUri") or "").split("//", 1)[-1].split("/")[2:]
        if len(blob) > 1:
            text = f"VM {name}: the blob name {'/'.join(blob)} isn't supported in Azure Resource Manager."
            yield error("VirtualMachine", name, text, name)
    premium = any(str(disk.get("ioType", "")).lower() == "provisioned" for disk in disks)
    if premium and (facts.get("debugProfile") or {}).get("bootDiagnosticsEnabled"):
        text = f"VM {name} has boot diagnostics with premium storage, which is not supported for migration."
        yield error("VirtualMachine", name, text, name)


def _network(store: Store, scope: Scope, network: Document) -> Iterator[Message]:
    name = network["name"]

    def no(text: str) -> Message:
        return error("VirtualNetwork", name, text)

    if properties(network).get("affinityGroup"):
        yield no(f"Virtual Network {name} is in an affinity group. Affinity groups are not supported for migration.")
    if scope.web_slots and scope.machine_slots:
        service = store.get(parent_key(scope.web_slots[0]["id"])) or {"name": "?"}
        yield no(
            f"Virtual Network {name} cannot be migrated with HostedService {service['name']} "
            "because it's a PaaS deployment (Web/Worker) beside virtual machines."
        )
    for peering in store.children(network["id"], scopes.PEERING):
        yield no(f"Virtual Network {name} has the peering {peering['name']}. Delete peerings before the migration.")
    for gateway in store.children(network["id"], scopes.GATEWAY):
        facts = properties(gateway)
        circuit = str(facts.get("circuitSubscriptionId") or "").lower()
        if scope.web_slots:
            yield no(
                f"Virtual Network {name} has a {scopes.gateway_type(gateway)} gateway. Remove it before the migration."
            )
        elif circuit and circuit != subscription_in(network["id"]):
            yield no(
                f"Virtual Network {name} is connected to a circuit of another subscription. Remove the gateway first."
            )
    key = str(network["id"]).lower()
    for kind, words in PINNING.items():
        for document in store.of_type(subscription_in(network["id"]), kind):
            if key not in str(properties(document)).lower():
                continue
            if kind.endswith(("applicationgateways", "apimanagement/service")):
                yield no(f"Virtual Network {name} contains non-gateway PaaS deployments: {words} {document['name']}.")
            else:
                yield no(
                    f"Virtual Network {name} contains the {words} {document['name']}, not supported for migration."
                )


def _account(store: Store, account: Document) -> Iterator[Message]:
    name = account["name"]
    if properties(account).get("affinityGroup"):
        yield error(
            "StorageAccount", name, f"Storage account {name} is in an affinity group, not supported for migration."
        )
    for disk in store.children(account["id"], scopes.DISK):
        holder = (properties(disk).get("attachedTo") or {}).get("virtualMachine") or {}
        if holder.get("id") and holder["id"] in store:
            yield error(
                "StorageAccount",
                name,
                f"Storage account {name} holds disk {disk['name']} of VM {holder.get('name')}. Migrate the VM first.",
            )


def _leftover(store: Store, unit: Document) -> Iterator[Message]:
    """What is in use moves with what uses it (azure.md 2.2 [D]); the sentence is ours [I]."""
    kind, used = str(unit["type"]).rpartition("/")[2], scopes.users(store, unit)
    title = {"networkSecurityGroups": "NetworkSecurityGroup", "reservedIps": "ReservedIP", "routeTables": "RouteTable"}
    if used:
        text = f"{unit['name']} is used by {', '.join(used)} and is migrated with it, not alone."
        yield error(title.get(kind, kind), str(unit["name"]), text)


def prepare_only(store: Store, scope: Scope) -> list[Message]:
    """What Validate lets pass and Prepare refuses (azure.md 2.1); quota is apart."""
    found: list[Message] = []
    if scope.account is not None:
        name = scope.account["name"]
        kinds = (scopes.DISK, scopes.OS_IMAGE, scopes.VM_IMAGE)
        left = [d["name"] for kind in kinds for d in store.children(scope.account["id"], kind)]
        if left:
            found.append(
                error("StorageAccount", name, f"Storage account {name} has disks or images: {', '.join(left)}.")
            )
    if scope.network is not None:
        found.extend(_gateways(store, scope.network))
    found.extend(_clashes(scope))
    for slot in scope.web_slots:
        service = store.get(parent_key(slot["id"])) or {"name": "?"}
        if service["name"].lower() in {role["name"].lower() for role in store.children(slot["id"], scopes.ROLE)}:
            text = (
                f"NetworkingInternalOperationError: HostedService {service['name']} has the name of one of its roles."
            )
            found.append(error("HostedService", service["name"], text))
    return found


def _gateways(store: Store, network: Document) -> Iterator[Message]:
    gateways = store.children(network["id"], scopes.GATEWAY)
    if len({scopes.gateway_type(gateway) for gateway in gateways}) > 1:
        yield error(
            "VirtualNetwork", network["name"], f"Virtual Network {network['name']} has ExpressRoute and VPN gateways."
        )
    for gateway in gateways:
        for connection in properties(gateway).get("connections") or ():
            if connection.get("connectivityState") != "Connected":
                yield error(
                    "VirtualNetwork",
                    network["name"],
                    f"Connection {connection.get('name')} of Virtual Network {network['name']} "
                    "is in disconnected state.",
                )
    for prefix in (properties(network).get("addressSpace") or {}).get("addressPrefixes") or ():
        try:
            ipaddress.ip_network(prefix)
        except ValueError:
            text = (
                f"Address prefix {prefix} of Virtual Network {network['name']} is not valid in Azure Resource Manager."
            )
            yield error("VirtualNetwork", network["name"], text)


def _clashes(scope: Scope) -> Iterator[Message]:
    taken: dict[str, str] = {}
    for machine in scope.machines:
        network = (properties(machine).get("networkProfile") or {}).get("virtualNetwork") or {}
        address = network.get("staticIpAddress")
        if address and address in taken:
            text = f"VM {machine['name']} and VM {taken[address]} have the same private IP address {address}."
            yield error("VirtualMachine", machine["name"], text, machine["name"])
        elif address:
            taken[address] = machine["name"]
