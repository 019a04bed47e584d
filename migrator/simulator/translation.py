"""What Prepare builds on the Resource Manager side (azure.md 4.1, 4.2, 4.3, 4.6): new groups, names and documents.

Written apart from `migrator.translation` on purpose. Names tagged [D] in azure.md are used as documented; the rest
is marked [I] here.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from migrator.simulator import scope as scopes
from migrator.simulator import sizes
from migrator.simulator.cscfg import instances
from migrator.simulator.scope import Scope, properties
from migrator.simulator.store import Document, Store, group_in, subscription_in

GROUP_TYPE = "Microsoft.Resources/resourceGroups"
SPACE = uuid.UUID("6b1f2a52-6a63-4f0c-9a57-0d5a4f2f3c11")  # for ids that must be the same in every run


def in_capitals(seed: int, service: str) -> bool:
    """Whether the platform answers this service's group name in capitals: a known oddity (azure.md 4.1), about one
    in nine."""
    return sha256(f"{seed}:capitals:{service.lower()}".encode()).digest()[0] < 28


@dataclass(frozen=True, slots=True)
class Place:
    """A new resource group."""

    subscription: str
    group: str
    location: str

    @property
    def id(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    def resource(self, kind: str, name: str) -> str:
        return f"{self.id}/providers/{kind}/{name}"

    def document(self, kind: str, name: str, body: Mapping[str, Any], /, **more: Any) -> Document:
        facts = {"provisioningState": "Succeeded", **body}
        return {
            "id": self.resource(kind, name),
            "name": name,
            "type": kind,
            "location": self.location,
            "tags": {},
            **more,
            "properties": facts,
        }

    def itself(self) -> Document:
        return {
            "id": self.id,
            "name": self.group,
            "type": GROUP_TYPE,
            "location": self.location,
            "tags": {},
            "properties": {"provisioningState": "Succeeded"},
        }


def network_name(network: Document) -> str:
    """Resource Manager name of a classic network: portal-made ones (`Group rg v`) become `group-rg-v` [D]."""
    site = str(properties(network).get("siteName") or network["name"])
    return site.lower().replace(" ", "-") if site.startswith("Group ") else str(network["name"])


def reserved_name(name: str) -> str:
    return name.lower().replace(" ", "-") if name.startswith("Group ") else name


class Builder:
    """Builds the Resource Manager documents of one unit. `parameters` is the body a slot was prepared with
    (azure.md 2.3 [I])."""

    def __init__(self, store: Store, scope: Scope, *, seed: int, parameters: Mapping[str, str] | None = None) -> None:
        self._store, self._scope, self._seed = store, scope, seed
        self._parameters = parameters or {}
        self._subscription = subscription_in(scope.unit["id"])
        self._subnets: dict[str, str] = {}  # classic subnet name (lower case) to new subnet id

    def documents(self) -> list[Document]:
        """All new documents: groups first, then what is in them."""
        found: dict[str, Document] = {}
        for document in self._all():
            found.setdefault(str(document["id"]).lower(), document)
        return sorted(found.values(), key=lambda d: d["type"] != GROUP_TYPE)

    def groups(self) -> list[Document]:
        """Only the new resource groups: what a Prepare that failed half-way leaves behind."""
        return [document for document in self.documents() if document["type"] == GROUP_TYPE]

    def _all(self) -> Iterator[Document]:
        scope = self._scope
        if scope.account is not None:
            yield from self._account(scope.account)
            return
        if scopes.kind_of(scope.unit["id"]) in scopes.LEFTOVERS:
            yield from self._leftover(scope.unit)
            return
        if scope.network is not None:
            yield from self._network(scope.network)
        for service in scope.services:
            place = self._service_place(service)
            yield place.itself()
            slots = [s for s in scope.slots if str(s["id"]).lower().startswith(str(service["id"]).lower() + "/")]
            if scope.network is None:
                yield from self._own_network(service, place)
            yield from self._vault(service, place)
            for slot in slots:
                if scopes.is_web(slot):
                    yield from self._deployment(service, slot, place)
                else:
                    yield from self._machines(service, slot, place)

    def _service_place(self, service: Document) -> Place:
        group = f"{service['name']}-migrated"
        group = group.upper() if in_capitals(self._seed, service["name"]) else group
        return Place(self._subscription, group, str(service.get("location", "")))

    def _account(self, account: Document) -> Iterator[Document]:
        place = Place(self._subscription, f"{account['name']}-Migrated", str(account.get("location", "")))
        facts = properties(account)
        yield place.itself()
        kind = str(facts.get("accountType") or "Standard-LRS").replace("-", "_")
        endpoints = [str(url) for url in facts.get("endpoints") or ()]
        yield place.document(
            "Microsoft.Storage/storageAccounts",
            account["name"],
            {"primaryLocation": place.location, "primaryEndpoints": {"blob": endpoints[0] if endpoints else ""}},
            kind="Storage",
            sku={"name": kind, "tier": kind.partition("_")[0]},
            tags=dict(account.get("tags") or {}),
        )

    def _leftover(self, unit: Document) -> Iterator[Document]:
        """Something which nothing uses, moved alone. Its group `{name}-migrated` is inferred from the others' [I]."""
        name = reserved_name(str(unit["name"]))
        place = Place(self._subscription, f"{name}-migrated", str(unit.get("location", "")))
        yield place.itself()
        kind = scopes.kind_of(unit["id"])
        if kind == scopes.RESERVED.lower():
            yield self._address(place, name, str(properties(unit).get("ipAddress") or ""), static=True)
        elif kind == scopes.ROUTE_TABLE.lower():
            yield place.document("Microsoft.Network/routeTables", name, {"routes": _routes(unit)})
        else:
            rules = {"securityRules": scopes.rules_of(self._store, unit)}
            yield place.document("Microsoft.Network/networkSecurityGroups", name, rules)

    # Networks

    def _network(self, network: Document) -> Iterator[Document]:
        name, facts = network_name(network), properties(network)
        place = Place(self._subscription, f"{name}-migrated", str(network.get("location", "")))
        yield place.itself()
        groups = {
            str(group["id"]).lower(): place.resource("Microsoft.Network/networkSecurityGroups", group["name"])
            for group in self._scope.security_groups
        }
        for group in self._scope.security_groups:
            rules = {"securityRules": scopes.rules_of(self._store, group)}
            yield place.document("Microsoft.Network/networkSecurityGroups", group["name"], rules)
        subnets = []
        for subnet in facts.get("subnets") or ():
            body: dict[str, Any] = {"addressPrefix": subnet.get("addressPrefix"), "provisioningState": "Succeeded"}
            group_key = str((subnet.get("networkSecurityGroup") or {}).get("id", "")).lower()
            if group_key in groups:
                body["networkSecurityGroup"] = {"id": groups[group_key]}
            if table := (subnet.get("routeTable") or {}).get("name"):
                known = [t for t in self._scope.route_tables if t["name"].lower() == table.lower()]
                routes = _routes(known[0]) if known else []
                yield place.document("Microsoft.Network/routeTables", table, {"routes": routes})
                body["routeTable"] = {"id": place.resource("Microsoft.Network/routeTables", table)}
            subnet_id = f"{place.resource('Microsoft.Network/virtualNetworks', name)}/subnets/{subnet['name']}"
            self._subnets[str(subnet["name"]).lower()] = subnet_id
            subnets.append({"id": subnet_id, "name": subnet["name"], "properties": body})
        space = {"addressPrefixes": list((facts.get("addressSpace") or {}).get("addressPrefixes") or ())}
        servers = {"dnsServers": list((facts.get("dhcpOptions") or {}).get("dnsServers") or ())}
        body = {"addressSpace": space, "dhcpOptions": servers, "subnets": subnets, "virtualNetworkPeerings": []}
        tags = dict(network.get("tags") or {})
        yield place.document("Microsoft.Network/virtualNetworks", name, body, tags=tags)
        for gateway in self._store.children(network["id"], scopes.GATEWAY):
            yield from self._gateway(gateway, place)

    def _gateway(self, gateway: Document, place: Place) -> Iterator[Document]:
        facts, address = properties(gateway), f"{gateway['name']}-ip"  # the address keeps its value; its name is [I]
        yield self._address(place, address, str(facts.get("vipAddress") or ""), static=False)
        gateway_id = place.resource("Microsoft.Network/virtualNetworkGateways", gateway["name"])
        yield place.document(
            "Microsoft.Network/virtualNetworkGateways",
            gateway["name"],
            {
                "gatewayType": scopes.gateway_type(gateway),
                "vpnType": facts.get("vpnType"),
                "sku": {"name": facts.get("sku"), "tier": facts.get("sku")},
                "ipConfigurations": [
                    {
                        "name": "default",
                        "properties": {
                            "publicIPAddress": {"id": place.resource("Microsoft.Network/publicIPAddresses", address)},
                            "subnet": {"id": self._subnets.get("gatewaysubnet")},
                        },
                    }
                ],
            },
        )
        for connection in facts.get("connections") or ():
            kind = "ExpressRoute" if scopes.gateway_type(gateway) == "ExpressRoute" else "IPsec"
            body = {"connectionType": kind, "virtualNetworkGateway1": {"id": gateway_id}}
            yield place.document("Microsoft.Network/connections", connection["name"], body)

    def _own_network(self, service: Document, place: Place) -> Iterator[Document]:
        """The hidden default network becomes `VNet-{cs}` [D]; a service in no network gets one of that name too [I]."""
        wish = self._parameters
        if wish.get("destinationVirtualNetwork") == "Existing":
            network = f"/subscriptions/{self._subscription}/resourceGroups/{wish.get('resourceGroupName')}"
            network += f"/providers/Microsoft.Network/virtualNetworks/{wish.get('virtualNetworkName')}"
            self._subnets[""] = f"{network}/subnets/{wish.get('subnetName')}"
            return
        name = f"VNet-{service['name']}"
        subnet_id = f"{place.resource('Microsoft.Network/virtualNetworks', name)}/subnets/Subnet-1"
        self._subnets[""] = subnet_id
        subnet = {"id": subnet_id, "name": "Subnet-1", "properties": {"addressPrefix": "10.0.0.0/24"}}
        body = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [subnet], "virtualNetworkPeerings": []}
        yield place.document("Microsoft.Network/virtualNetworks", name, body)

    # Web and worker roles

    def _vault(self, service: Document, place: Place) -> Iterator[Document]:
        if self._store.children(service["id"], scopes.CERTIFICATE):
            body = {"sku": {"family": "A", "name": "standard"}, "accessPolicies": [], "enabledForDeployment": True}
            yield place.document("Microsoft.KeyVault/vaults", f"KV-{service['name']}", body)

    def _deployment(self, service: Document, slot: Document, place: Place) -> Iterator[Document]:
        name, store = service["name"], self._store
        roles = store.children(slot["id"], scopes.ROLE)
        addresses = list(self._slot_addresses(slot, place, f"{name}ContractContract"))
        yield from addresses
        balancer = f"LB-{name}"
        yield self._balancer(place, balancer, addresses, list(_role_rules(roles)))
        service_id = place.resource("Microsoft.Compute/cloudServices", name)
        entries = []
        for role in roles:
            facts = properties(role)
            size = sizes.migrated(str(facts.get("instanceSize") or "Small"))
            sku = {"name": size, "tier": size.partition("_")[0], "capacity": instances(slot, role)}
            entries.append({"name": role["name"], "sku": sku})
        body = {
            "allowModelOverride": False,
            "configuration": self._configuration(slot),
            "extensionProfile": {"extensions": _extensions(store, roles)},
            "networkProfile": {
                "slotType": slot["name"],
                "loadBalancerConfigurations": [
                    {
                        "id": place.resource("Microsoft.Network/loadBalancers", balancer),
                        "name": balancer,
                        "properties": {"frontendIpConfigurations": _frontends(addresses)},
                    }
                ],
            },
            "osProfile": {"secrets": self._secrets(service, place)},
            "roleProfile": {"roles": entries},
            "startCloudService": True,
            "uniqueId": str(uuid.uuid5(SPACE, service_id.lower())),
            "upgradeMode": "Auto",
        }
        tags = dict(service.get("tags") or {})  # labels are not turned into tags (CS-LABEL-TAGS)
        yield place.document("Microsoft.Compute/cloudServices", name, body, tags=tags)
        for entry in entries:
            unique = str(uuid.uuid5(SPACE, f"{service_id}/roles/{entry['name']}".lower()))
            yield {
                "id": f"{service_id}/roles/{entry['name']}",
                "name": entry["name"],
                "type": "Microsoft.Compute/cloudServices/roles",
                "location": place.location,
                "sku": dict(entry["sku"]),
                "properties": {"uniqueId": unique},
            }

    def _configuration(self, slot: Document) -> str:
        text = str(properties(slot).get("configuration") or "")
        if self._scope.network is None or not self._subnets:
            return text
        network = next(iter(self._subnets.values())).rpartition("/subnets/")[0]
        return re.sub(r'(<VirtualNetworkSite\s+name=")[^"]*(")', rf"\g<1>{network}\g<2>", text)

    def _secrets(self, service: Document, place: Place) -> list[dict[str, Any]]:
        found = self._store.children(service["id"], scopes.CERTIFICATE)
        if not found:
            return []
        vault = f"KV-{service['name']}"
        links = [
            f"https://{vault.lower()}.vault.azure.net/secrets/{properties(c).get('thumbprint') or c['name']}"
            for c in found
        ]
        return [
            {
                "sourceVault": {"id": place.resource("Microsoft.KeyVault/vaults", vault)},
                "vaultCertificates": [{"certificateUrl": link} for link in links],
            }
        ]

    def _slot_addresses(self, slot: Document, place: Place, dynamic_name: str) -> Iterator[Document]:
        """Public addresses keep their value: reserved ones become static, others dynamic, all Basic [D]."""
        for index, vip in enumerate(scopes.virtual_addresses(self._store, slot)):
            reserved = vip.get("reservedIpName")
            name = reserved_name(reserved) if reserved else dynamic_name + (str(index) if index else "")
            host = properties(slot).get("uri")
            yield self._address(place, name, str(vip.get("address")), static=bool(reserved), host=host)

    def _address(self, place: Place, name: str, value: str, *, static: bool, host: object = None) -> Document:
        body: dict[str, Any] = {
            "ipAddress": value,
            "publicIPAllocationMethod": "Static" if static else "Dynamic",
            "publicIPAddressVersion": "IPv4",
        }
        if host:
            full = str(host).split("//")[-1].strip("/")
            body["dnsSettings"] = {"domainNameLabel": full.partition(".")[0], "fqdn": full}
        return place.document(
            "Microsoft.Network/publicIPAddresses", name, body, sku={"name": "Basic", "tier": "Regional"}
        )

    def _balancer(
        self,
        place: Place,
        name: str,
        addresses: list[Document],
        rules: list[dict[str, Any]],
        kind: str = "loadBalancingRules",
    ) -> Document:
        body = {"frontendIPConfigurations": _frontends(addresses), "loadBalancingRules": [], "inboundNatRules": []}
        return place.document(
            "Microsoft.Network/loadBalancers", name, {**body, kind: rules}, sku={"name": "Basic", "tier": "Regional"}
        )

    # Virtual machines

    def _machines(self, service: Document, slot: Document, place: Place) -> Iterator[Document]:
        machines = [m for m in self._scope.machines if scopes.service_of(m) == str(service["id"]).lower()]
        endpoints = [
            (machine, endpoint)
            for machine in machines
            for endpoint in (properties(machine).get("networkProfile") or {}).get("inputEndpoints") or ()
        ]
        if endpoints:  # a public address moves only with an endpoint (azure.md 4.2 [D]); the names are [I]
            addresses = list(self._slot_addresses(slot, place, f"{service['name']}-PublicIP"))
            yield from addresses
            rules = [_nat_rule(machine, endpoint) for machine, endpoint in endpoints]
            yield self._balancer(place, f"LB-{service['name']}", addresses, rules, "inboundNatRules")
        sets = sorted(
            {s for m in machines if (s := (properties(m).get("hardwareProfile") or {}).get("availabilitySetName"))}
        )
        for name in sets:
            body = {"platformFaultDomainCount": 2, "platformUpdateDomainCount": 5}
            yield place.document("Microsoft.Compute/availabilitySets", name, body, sku={"name": "Classic"})
        for machine in machines:
            yield from self._machine(machine, place)

    def _machine(self, machine: Document, place: Place) -> Iterator[Document]:
        facts, name = properties(machine), machine["name"]
        profile, hardware = facts.get("networkProfile") or {}, facts.get("hardwareProfile") or {}
        network = profile.get("virtualNetwork") or {}
        wanted = [next(iter(network.get("subnetNames") or ()), "")]
        wanted += [nic.get("subnetName") or "" for nic in profile.get("networkInterfaces") or ()]
        nics = []
        for index, subnet in enumerate(wanted):
            nic = f"{name}-PrimaryNic" if index == 0 else f"{name}-Nic{index}"  # [I]
            address: dict[str, Any] = {"subnet": {"id": self._subnets.get(str(subnet).lower())}}
            static = network.get("staticIpAddress") if index == 0 else None
            address["privateIPAllocationMethod"] = "Static" if static else "Dynamic"
            shown = static or (facts.get("instanceView") or {}).get("privateIpAddress")
            if index == 0 and shown and self._scope.network is not None:  # a machine in no network gets a new address
                address["privateIPAddress"] = shown
            configuration = {"name": "ipconfig1", "properties": address}
            body = {"ipConfigurations": [configuration], "primary": index == 0}
            yield place.document("Microsoft.Network/networkInterfaces", nic, body)
            nics.append(
                {
                    "id": place.resource("Microsoft.Network/networkInterfaces", nic),
                    "properties": {"primary": index == 0},
                }
            )
        body = {
            "vmId": str(uuid.uuid5(SPACE, str(machine["id"]).lower())),
            "hardwareProfile": {"vmSize": sizes.migrated(str(hardware.get("size") or "Small"))},
            "storageProfile": _storage_profile(facts.get("storageProfile") or {}),
            "networkProfile": {"networkInterfaces": nics},
        }
        if facts.get("licenseType"):
            body["licenseType"] = facts["licenseType"]
        if hardware.get("availabilitySetName"):
            set_id = place.resource("Microsoft.Compute/availabilitySets", hardware["availabilitySetName"])
            body["availabilitySet"] = {"id": set_id}
        tags = dict(machine.get("tags") or {})
        yield place.document("Microsoft.Compute/virtualMachines", name, body, tags=tags)


def _routes(table: Document) -> list[dict[str, Any]]:
    """The routes of a classic table; the kinds of next hop keep their names [I]."""
    return [
        {
            "name": route.get("name"),
            "properties": {
                "addressPrefix": route.get("addressPrefix"),
                "nextHopType": route.get("nextHopType"),
                "nextHopIpAddress": route.get("nextHopIpAddress"),
                "provisioningState": "Succeeded",
            },
        }
        for route in properties(table).get("routes") or ()
    ]


def _frontends(addresses: list[Document]) -> list[dict[str, Any]]:
    return [
        {"name": f"{address['name']}Frontend", "properties": {"publicIPAddress": {"id": address["id"]}}}
        for address in addresses
    ]


def _role_rules(roles: list[Document]) -> Iterator[dict[str, Any]]:
    for role in roles:
        for endpoint in properties(role).get("inputEndpoints") or ():
            name = f"{role['name']}-{endpoint.get('endpointName')}"
            ports = {"frontendPort": endpoint.get("publicPort"), "backendPort": endpoint.get("privatePort")}
            yield {"name": name, "properties": {"protocol": str(endpoint.get("protocol", "tcp")).capitalize(), **ports}}


def _nat_rule(machine: Document, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    ports = {"frontendPort": endpoint.get("publicPort"), "backendPort": endpoint.get("privatePort")}
    protocol = str(endpoint.get("protocol", "tcp")).capitalize()
    return {"name": f"{machine['name']}-{endpoint.get('endpointName')}", "properties": {"protocol": protocol, **ports}}


def _extensions(store: Store, roles: list[Document]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for role in roles:
        for reference in store.children(role["id"], scopes.EXTENSION):
            facts = properties(reference)
            if str(facts.get("state", "")).lower() != "enable":
                continue
            name = str(facts.get("name") or reference["name"])
            entry = found.setdefault(
                name,
                {
                    "name": name,
                    "properties": {
                        "publisher": facts.get("publisher"),
                        "type": facts.get("type"),
                        "typeHandlerVersion": facts.get("version"),
                        "autoUpgradeMinorVersion": True,
                        "rolesAppliedTo": [],
                        "provisioningState": "Succeeded",
                    },
                },
            )
            entry["properties"]["rolesAppliedTo"].append(role["name"])
    return list(found.values())


def _storage_profile(classic: Mapping[str, Any]) -> dict[str, Any]:
    """Attached disks become implicit disks of the machine; the blobs stay where they are."""
    system = classic.get("operatingSystemDisk") or {}
    return {
        "osDisk": {
            "name": system.get("diskName"),
            "osType": system.get("operatingSystem"),
            "caching": system.get("caching"),
            "createOption": "Attach",
            "vhd": {"uri": system.get("vhdUri")},
        },
        "dataDisks": [
            {
                "name": disk.get("diskName"),
                "lun": disk.get("lun"),
                "diskSizeGB": disk.get("diskSize"),
                "createOption": "Attach",
                "vhd": {"uri": disk.get("vhdUri")},
            }
            for disk in classic.get("dataDisks") or ()
        ],
    }


def group_document(resource_id: str, location: str) -> Document:
    """The resource group an id lies in, as a document (estate files list resources only)."""
    return Place(subscription_in(resource_id), group_in(resource_id), location).itself()
