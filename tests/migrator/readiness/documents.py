"""Wire documents to test with: each function gives one document, healthy unless told otherwise.

They go through JSON text and `migrator.gateway.wire`, like what a real gateway hands over; no value is built by hand.
"""

import copy
import json
from typing import Any

from migrator.gateway import wire
from migrator.resources import Estate, Registration

S = "11111111-1111-1111-1111-111111111111"
OTHER = "22222222-2222-2222-2222-222222222222"
RG = f"/subscriptions/{S}/resourceGroups/shop-rg"
CLASSIC = f"{RG}/providers/Microsoft.Classic"
READ_SERVICE = ["slots", "serviceCertificates"]
Document = dict[str, Any]


def service_id(name: str) -> str:
    return f"{CLASSIC}Compute/domainNames/{name}"


def slot_id(name: str, slot: str = "Production") -> str:
    return f"{service_id(name)}/slots/{slot}"


def role_id(name: str, role: str = "web", slot: str = "Production") -> str:
    return f"{slot_id(name, slot)}/roles/{role}"


def network_id(name: str = "net") -> str:
    return f"{CLASSIC}Network/virtualNetworks/{name}"


def machine_id(name: str = "vm1") -> str:
    return f"{CLASSIC}Compute/virtualMachines/{name}"


def account_id(name: str = "acc") -> str:
    return f"{CLASSIC}Storage/storageAccounts/{name}"


def document(id_: str, properties: Document, read: list[str] | None = None, **top: Any) -> Document:
    made = {"id": id_, "name": id_.rsplit("/", 1)[-1], "properties": properties, **top}
    return made if read is None else {**made, "read": read}


def service(name: str = "shop", **properties: Any) -> Document:
    healthy = {"status": "Created", "label": None, "affinityGroup": None, "hostName": f"{name}.cloudapp.net"}
    return document(service_id(name), {**healthy, **properties}, READ_SERVICE, location="West Europe")


def certificate(name: str = "shop") -> Document:
    return document(
        f"{service_id(name)}/serviceCertificates/sha1-AB12", {"thumbprint": "AB12", "thumbprintAlgorithm": "sha1"}
    )


def cscfg(roles: list[str], subnets: dict[str, str], settings: dict[str, str], site: str | None) -> str:
    listed = "".join(
        f'<Role name="{role}"><Instances count="2" /><ConfigurationSettings>'
        + "".join(f'<Setting name="{k}" value="{v}" />' for k, v in settings.items())
        + "</ConfigurationSettings></Role>"
        for role in roles
    )
    assigned = "".join(
        f'<InstanceAddress roleName="{r}"><Subnets><Subnet name="{s}" /></Subnets></InstanceAddress>'
        for r, s in subnets.items()
    )
    network = f'<VirtualNetworkSite name="{site}" />' if site else ""
    return (
        '<ServiceConfiguration serviceName="Shop" osFamily="6" osVersion="*">'
        f"{listed}<NetworkConfiguration>{network}<AddressAssignments>{assigned}</AddressAssignments>"
        "</NetworkConfiguration></ServiceConfiguration>"
    )


def slot(
    name: str = "shop",
    slot: str = "Production",
    *,
    network: str | None = "net",
    roles: tuple[str, ...] = ("web",),
    subnets: dict[str, str] | None = None,
    settings: dict[str, str] | None = None,
    **properties: Any,
) -> Document:
    """A web/worker deployment, Running, in `network` (None: in none), every role in subnet `front` unless told."""
    placed = dict.fromkeys(roles, "front") if subnets is None and network else subnets or {}
    healthy = {
        "slotType": "Role",
        "deploymentName": "d1",
        "deploymentLabel": None,
        "status": "Running",
        "locked": False,
        "upgradeStatus": None,
        "createdTime": "2021-05-01T00:00:00Z",
        "virtualNetwork": {"id": network_id(network), "name": network} if network else None,
        "virtualIps": [{"address": "40.0.0.1", "name": "vip", "reservedIpName": None, "isReserved": False}],
        "configuration": cscfg(list(roles), placed, settings or {}, network),
    }
    return document(slot_id(name, slot), {**healthy, **properties}, ["roles"])


def vip(reserved: str | None = "rip", **changes: Any) -> list[Document]:
    named = {"address": "40.0.0.1", "name": "vip", "reservedIpName": reserved, "isReserved": reserved is not None}
    return [{**named, **changes}]


def endpoint(name: str = "http", *rules: str) -> Document:
    acl = [{"order": i, "action": "permit", "remoteSubnet": rule} for i, rule in enumerate(rules)]
    return {
        "endpointName": name, "protocol": "tcp", "privatePort": 80, "publicPort": 80,
        "loadBalancedEndpointSetName": None, "endpointAcl": {"rules": acl},
    }  # fmt: skip


def role(name: str = "shop", role: str = "web", slot: str = "Production", **properties: Any) -> Document:
    healthy = {"osVersion": "*", "instanceSize": "Standard_D2_v2", "instanceCount": 2, "inputEndpoints": [endpoint()]}
    return document(role_id(name, role, slot), {**healthy, **properties}, ["extensionReferences"])


def role_extension(extension: str, state: str = "Enable", name: str = "shop", role: str = "web") -> Document:
    properties = {"name": extension, "publisher": "Microsoft", "type": extension, "version": "1.0", "state": state}
    return document(f"{role_id(name, role)}/extensionReferences/{extension}", properties)


def machine_slot(name: str = "iaas", *, network: str | None = "net", **properties: Any) -> Document:
    return slot(name, network=network, roles=(), **{"slotType": "VirtualMachine", **properties})


def machine(name: str = "vm1", *, of: str = "iaas", network: str | None = "net", **properties: Any) -> Document:
    """A started, healthy machine in subnet `back`. `power`, `status`, `agent` go into the instance view."""
    view = {
        "powerState": properties.pop("power", "Started"),
        "status": properties.pop("status", "ReadyRole"),
        "privateIpAddress": "10.0.1.4",
        "publicIpAddresses": [],
        "guestAgentStatus": {"status": properties.pop("agent", "Ready")},
    }
    place = {"id": network_id(network), "name": network, "subnetNames": ["back"], "staticIpAddress": None}
    disk = {
        "diskName": f"{name}-os", "ioType": "Standard", "diskSize": 30,
        "vhdUri": f"https://vmdisks.blob.core.windows.net/vhds/{name}.vhd",
        "storageAccount": {"id": account_id("vmdisks"), "name": "vmdisks"},
    }  # fmt: skip
    hardware = {"deploymentName": of, "size": "Standard_D2_v2", "availabilitySetName": properties.pop("avset", None)}
    healthy = {
        "domainName": {"id": service_id(of), "name": of},
        "debugProfile": {"bootDiagnosticsEnabled": False},
        "hardwareProfile": hardware,
        "instanceView": view,
        "licenseType": None,
        "networkProfile": {
            "inputEndpoints": [endpoint("ssh")],
            "networkInterfaces": [],
            **({"virtualNetwork": place} if network else {}),
        },
        "storageProfile": {"operatingSystemDisk": disk, "dataDisks": []},
        "extensions": [],
    }
    return document(machine_id(name), {**healthy, **properties}, location="West Europe")


def machine_extension(name: str, publisher: str = "Microsoft.Compute", version: str = "1.*") -> Document:
    return {"extension": name, "publisher": publisher, "version": version, "state": "Enable", "referenceName": name}


def network(name: str = "net", **properties: Any) -> Document:
    subnets = [
        {"name": "front", "addressPrefix": "10.0.0.0/24", "networkSecurityGroup": None, "routeTable": None},
        {"name": "back", "addressPrefix": "10.0.1.0/24", "networkSecurityGroup": None, "routeTable": None},
    ]
    healthy = {
        "siteName": name, "affinityGroup": None, "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        "subnets": subnets, "dhcpOptions": {"dnsServers": []},
    }  # fmt: skip
    read = ["gateways", "virtualNetworkPeerings"]
    return document(network_id(name), {**healthy, **properties}, read, location="westeurope")


def gateway(kind: str = "Vpn", name: str = "gw", of: str = "net", **properties: Any) -> Document:
    healthy = {
        "gatewayType": kind, "state": "Provisioned", "circuitSubscriptionId": None,
        "connections": [{"name": "c1", "connectivityState": "Connected"}],
    }  # fmt: skip
    return document(f"{network_id(of)}/gateways/{name}", {**healthy, **properties})


def peering(of: str = "net", to: str = "hub") -> Document:
    properties = {"remoteVirtualNetwork": {"id": network_id(to)}, "peeringState": "Connected"}
    return document(f"{network_id(of)}/virtualNetworkPeerings/to-{to}", properties)


def account(name: str = "acc", **properties: Any) -> Document:
    healthy = {"accountType": "Standard-GRS", "affinityGroup": None, "status": "Created"}
    return document(
        account_id(name), {**healthy, **properties}, ["disks", "osImages", "vmImages"], location="westeurope"
    )


def disk(name: str = "old", of: str = "acc", attached: str | None = None) -> Document:
    user = {"virtualMachine": {"id": machine_id(attached), "name": attached}} if attached else None
    properties = {"diskName": name, "attachedTo": user, "vhdUri": f"https://{of}.blob.core.windows.net/vhds/{name}.vhd"}
    return document(f"{account_id(of)}/disks/{name}", properties)


def image(name: str = "golden", of: str = "acc") -> Document:
    return document(f"{account_id(of)}/osImages/{name}", {})


def reserved(name: str = "rip", in_use: bool = False, attached: str | None = None) -> Document:
    properties = {"ipAddress": "40.0.0.1", "inUse": in_use, "attachedTo": {"id": attached} if attached else None}
    return document(f"{CLASSIC}Network/reservedIps/{name}", properties, location="westeurope")


def group(name: str = "nsg", *associations: str) -> Document:
    return document(f"{CLASSIC}Network/networkSecurityGroups/{name}", {"associations": list(associations)})


def table(name: str = "rt", *associations: str) -> Document:
    return document(f"{CLASSIC}Network/routeTables/{name}", {"associations": list(associations)})


def autoscale(target: str, name: str = "scale-web") -> Document:
    id_ = f"{RG}/providers/Microsoft.Insights/autoscaleSettings/{name}"
    return document(id_, {"targetResourceUri": target, "profiles": []}, location="westeurope")


def alert(target: str, name: str = "cpu-high") -> Document:
    source = {"odata.type": "RuleMetricDataSource", "resourceUri": target, "metricName": "Percentage CPU"}
    return document(f"{RG}/providers/Microsoft.Insights/alertRules/{name}", {"condition": {"dataSource": source}})


def assignment(scope: str, guid: str = "33333333-3333-3333-3333-333333333333") -> Document:
    properties = {
        "roleDefinitionId": "/x/roleDefinitions/reader",
        "principalId": "p1",
        "principalType": "User",
        "scope": scope,
    }
    return document(f"{scope}/providers/Microsoft.Authorization/roleAssignments/{guid}", properties)


def lock(scope: str, level: str = "ReadOnly", name: str = "keep") -> Document:
    return document(f"{scope}/providers/Microsoft.Authorization/locks/{name}", {"level": level})


def jit(target: str) -> Document:
    id_ = f"{RG}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default"
    return document(id_, {"virtualMachines": [{"id": target, "ports": []}]})


def dependent(type_: str, of: str = "net", name: str = "dep") -> Document:
    return document(
        f"{RG}/providers/{type_}/{name}", {"virtualNetwork": {"id": f"{network_id(of)}/subnets/front"}}, type=type_
    )


# Whole estates


def web_network(**changes: Any) -> list[Document]:
    """A network with one healthy cloud service in it."""
    return [network(), service(), slot(), role()]


def machine_network() -> list[Document]:
    """A network with a cloud service of two healthy machines in it."""
    return [network(), service("iaas"), machine_slot(), machine("vm1"), machine("vm2")]


def lone_service() -> list[Document]:
    """A cloud service in no network, or the hidden default one."""
    return [service(), slot(network=None), role()]


# Changing documents


def put(documents: list[Document], index: int, path: str, value: Any) -> list[Document]:
    """The documents with `properties.<path>` of one of them set."""
    changed = copy.deepcopy(documents)
    holder, key = _at(changed[index]["properties"], path)
    holder[key] = value
    return changed


def drop(documents: list[Document], index: int, path: str) -> list[Document]:
    """The documents without `properties.<path>` of one of them; `read:x` takes x off its list of what was read."""
    changed = copy.deepcopy(documents)
    if path.startswith("read:"):
        changed[index]["read"] = [name for name in changed[index]["read"] if name != path[5:]]
        return changed
    if path.startswith("top:"):
        del changed[index][path[4:]]
        return changed
    holder, key = _at(changed[index]["properties"], path)
    del holder[key]
    return changed


def _at(holder: Any, path: str) -> tuple[Any, Any]:
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        holder = holder[step]
    return holder, last


REGISTERED = (
    Registration(subscription=S, name="Microsoft.ClassicInfrastructureMigrate", state="Registered"),
    Registration(subscription=S, name="Microsoft.Compute/CloudServices", state="Registered"),
)


def estate(documents: list[Document], registrations: tuple[Registration, ...] = REGISTERED) -> Estate:
    """The documents as they come from a gateway: JSON text, read by the wire reader."""
    return wire.estate(json.loads(json.dumps(documents)), registrations)
