"""Building an estate in wire format: one method for each kind of thing, with believable defaults.

Shapes: azure.md 1.3 and 6; what is tagged [I] there is inferred here too. Ids, addresses and times follow from the
names, so that the same estate comes out every time.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from xml.sax.saxutils import quoteattr

from migrator.simulator.estate import FORMAT, Estate

Document = dict[str, Any]
SPACE = uuid.UUID("3a0f3c1c-7d0b-4c55-9b52-0d1e7a6d2f10")
ROLES = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "Classic Virtual Machine Contributor": "d73bb868-a0df-4d4d-bd69-98a00b01fccb",
    "Classic Network Contributor": "b34d265f-36f7-4a0d-a4d4-e158ca92e90f",
    "Classic Storage Account Contributor": "86e8f5dc-a6e9-4c67-9d15-de283e8eac25",
}
COMPUTE_ROWS = {
    "cores": 350,
    "virtualMachines": 25000,
    "availabilitySets": 2500,
    "standardA0_A7Family": 200,
    "standardA8_A11Family": 16,
    "standardAv2Family": 100,
    "basicAFamily": 40,
    "standardDFamily": 100,
    "standardDSFamily": 60,
    "standardDv2Family": 150,
    "standardDSv2Family": 100,
    "standardDv3Family": 100,
    "standardDSv3Family": 100,
    "standardEv3Family": 50,
    "standardFFamily": 50,
    "standardFSFamily": 50,
    "standardGFamily": 32,
    "standardHFamily": 16,
}
NETWORK_ROWS = {
    "VirtualNetworks": 1000,
    "StaticPublicIPAddresses": 200,
    "PublicIPAddresses": 1000,
    "NetworkSecurityGroups": 5000,
    "NetworkInterfaces": 65536,
    "LoadBalancers": 1000,
    "RouteTables": 200,
}


def guid(*parts: str) -> str:
    return str(uuid.uuid5(SPACE, "/".join(parts).lower()))


def address(*parts: str) -> str:
    """A public address that follows from a name, from the ranges kept for documentation and tests."""
    digest = sha256("/".join(parts).lower().encode()).digest()
    return f"{('198.18', '198.19')[digest[0] % 2]}.{digest[1]}.{digest[2] % 254 + 1}"


class EstateBuilder:
    """Collects documents; `estate()` gives the file."""

    def __init__(self, origin: str, seed: int = 1) -> None:
        self.origin, self.seed = origin, seed
        self.subscriptions: list[dict[str, Any]] = []
        self.resources: list[Document] = []
        self.registrations: list[dict[str, Any]] = []
        self.usages: list[dict[str, Any]] = []

    def estate(self) -> Estate:
        return {
            "format": FORMAT,
            "origin": self.origin,
            "subscriptions": self.subscriptions,
            "resources": self.resources,
            "registrations": self.registrations,
            "usages": self.usages,
        }

    def subscription(
        self,
        name: str,
        regions: Sequence[str],
        *,
        registered: bool = True,
        limits: Mapping[tuple[str, str], int] | None = None,
        used: Mapping[tuple[str, str], int] | None = None,
    ) -> "Area":
        """A subscription with its registrations and usage rows. `limits` and `used` by (region, row name)."""
        key = guid("subscription", name)
        self.subscriptions.append(
            {"subscriptionId": key, "displayName": name, "state": "Enabled", "tenantId": guid("tenant", self.origin)}
        )
        state = "Registered" if registered else "NotRegistered"
        for provider in ("Microsoft.ClassicInfrastructureMigrate", "Microsoft.Compute/CloudServices"):
            self.registrations.append({"subscriptionId": key, "name": provider, "state": state})
        for provider in ("Compute", "Network", "Storage", "KeyVault", "Insights", "Quota"):
            row = {"subscriptionId": key, "name": f"Microsoft.{provider}", "state": "Registered"}
            self.registrations.append(row)
        for region in regions:
            for provider, rows in (("Microsoft.Compute", COMPUTE_ROWS), ("Microsoft.Network", NETWORK_ROWS)):
                for row_name, limit in rows.items():
                    self.usages.append(
                        {
                            "subscriptionId": key,
                            "location": region,
                            "provider": provider,
                            "name": row_name,
                            "currentValue": (used or {}).get((region, row_name), 0),
                            "limit": (limits or {}).get((region, row_name), limit),
                        }
                    )
        return Area(self, key)

    def add(self, resource_id: str, resource_type: str, properties: Mapping[str, Any], **more: Any) -> Document:
        document = {
            "id": resource_id,
            "name": resource_id.rpartition("/")[2],
            "type": resource_type,
            **{name: value for name, value in more.items() if value is not None},
            "properties": dict(properties),
        }
        self.resources.append(document)
        return document


class Area:
    """One subscription of an estate: where things are put."""

    def __init__(self, builder: EstateBuilder, subscription: str) -> None:
        self.builder, self.subscription = builder, subscription

    def id(self, group: str, kind: str, name: str) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{group}/providers/{kind}/{name}"

    def network(
        self,
        group: str,
        name: str,
        region: str,
        *,
        space: str,
        subnets: Mapping[str, str],
        tags: Mapping[str, str] | None = None,
        site_name: str | None = None,
        affinity_group: str | None = None,
        dns: Sequence[str] = (),
        security_groups: Mapping[str, Document] | None = None,
        route_tables: Mapping[str, str] | None = None,
    ) -> Document:
        """A classic network. `security_groups` and `route_tables` by subnet name."""
        rows = []
        for subnet, prefix in subnets.items():
            group_document = (security_groups or {}).get(subnet)
            table = (route_tables or {}).get(subnet)
            rows.append(
                {
                    "name": subnet,
                    "addressPrefix": prefix,
                    "networkSecurityGroup": group_document
                    and {"id": group_document["id"], "name": group_document["name"]},
                    "routeTable": table and {"name": table},
                }
            )
        return self.builder.add(
            self.id(group, "Microsoft.ClassicNetwork/virtualNetworks", name),
            "Microsoft.ClassicNetwork/virtualNetworks",
            {
                "provisioningState": "Succeeded",
                "status": "Created",
                "siteId": guid(self.subscription, "site", name),
                "siteName": site_name or name,
                "inUse": True,
                "affinityGroup": affinity_group,
                "addressSpace": {"addressPrefixes": [space]},
                "subnets": rows,
                "dhcpOptions": {"dnsServers": list(dns)},
            },
            location=region,
            tags=dict(tags or {}),
        )

    def gateway(
        self,
        network: Document,
        kind: str,
        *,
        sku: str = "Standard",
        connections: Mapping[str, str] | None = None,
        circuit: str | None = None,
    ) -> Document:
        """A gateway of kind Vpn or ExpressRoute; `connections` by name to state."""
        return self.builder.add(
            f"{network['id']}/gateways/primary" if kind == "Vpn" else f"{network['id']}/gateways/expressroute",
            "Microsoft.ClassicNetwork/virtualNetworks/gateways",
            {
                "gatewayType": kind,
                "vpnType": "RouteBased" if kind == "Vpn" else None,
                "sku": sku,
                "state": "Provisioned",
                "vipAddress": address(network["id"], kind),
                "connections": [{"name": n, "connectivityState": s} for n, s in (connections or {}).items()],
                "circuitSubscriptionId": circuit,
            },
            location=network["location"],
        )

    def peering(self, network: Document, remote: Document) -> Document:
        return self.builder.add(
            f"{network['id']}/virtualNetworkPeerings/to-{remote['name']}",
            "Microsoft.ClassicNetwork/virtualNetworks/virtualNetworkPeerings",
            {
                "remoteVirtualNetwork": {"id": remote["id"]},
                "peeringState": "Connected",
                "allowVirtualNetworkAccess": True,
                "allowForwardedTraffic": False,
                "allowGatewayTransit": False,
                "useRemoteGateways": False,
            },
            location=network["location"],
        )

    def security_group(self, group: str, name: str, region: str, used_by: Sequence[str] = ()) -> Document:
        rule = {
            "name": "allow-https",
            "type": "Inbound",
            "priority": 200,
            "action": "Allow",
            "sourceAddressPrefix": "INTERNET",
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": "443",
            "protocol": "TCP",
        }
        return self.builder.add(
            self.id(group, "Microsoft.ClassicNetwork/networkSecurityGroups", name),
            "Microsoft.ClassicNetwork/networkSecurityGroups",
            {
                "networkSecurityGroupId": guid(self.subscription, "nsg", name),
                "state": "Created",
                "provisioningState": "Succeeded",
                "associations": list(used_by),
                "securityRules": [rule],
            },
            location=region,
        )

    def reserved(self, group: str, name: str, region: str, attached_to: str | None = None) -> Document:
        return self.builder.add(
            self.id(group, "Microsoft.ClassicNetwork/reservedIps", name),
            "Microsoft.ClassicNetwork/reservedIps",
            {
                "ipAddress": address(self.subscription, "reserved", name),
                "status": "Created",
                "provisioningState": "Succeeded",
                "inUse": attached_to is not None,
                "attachedTo": attached_to and {"id": attached_to},
            },
            location=region,
        )

    def service(
        self,
        group: str,
        name: str,
        region: str,
        *,
        label: str | None = None,
        tags: Mapping[str, str] | None = None,
        affinity_group: str | None = None,
        certificates: int = 0,
    ) -> Document:
        made = self.builder.add(
            self.id(group, "Microsoft.ClassicCompute/domainNames", name),
            "Microsoft.ClassicCompute/domainNames",
            {
                "provisioningState": "Succeeded",
                "status": "Created",
                "label": label,
                "hostName": f"{name}.cloudapp.net",
                "affinityGroup": affinity_group,
            },
            location=region,
            tags=dict(tags or {}),
        )
        for number in range(certificates):
            print_ = sha256(f"{name}:{number}".encode()).hexdigest()[:40].upper()
            self.builder.add(
                f"{made['id']}/serviceCertificates/sha1-{print_}",
                "Microsoft.ClassicCompute/domainNames/serviceCertificates",
                {"thumbprint": print_, "thumbprintAlgorithm": "sha1"},
            )
        return made

    def slot(
        self,
        service: Document,
        roles: Sequence[Mapping[str, Any]] = (),
        *,
        slot: str = "Production",
        network: Document | None = None,
        slot_type: str = "Role",
        label: str | None = None,
        state: str = "Running",
        upgrade: Mapping[str, Any] | None = None,
        created: str = "2021-03-09T08:12:44Z",
        reserved: Document | None = None,
        nameless_reserved: bool = False,
        plugins: Sequence[str] = (),
        acl: Mapping[str, str] | None = None,
    ) -> Document:
        """A deployment with its roles. A role: name, size, count, subnets, endpoints, extensions (see `role`)."""
        name = service["name"]
        public = reserved["properties"]["ipAddress"] if reserved else address(service["id"], slot)
        facts = {
            "slotType": slot_type,
            "name": guid(service["id"], slot).replace("-", ""),
            "deploymentId": guid(service["id"], slot).replace("-", ""),
            "deploymentName": f"{name}-{slot.lower()}",
            "deploymentLabel": label,
            "state": state,
            "status": state,
            "sdkVersion": "2.9.8699.20" if slot_type == "Role" else "",
            "locked": False,
            "rollbackAllowed": False,
            "upgradeDomainCount": 5,
            "upgradeStatus": upgrade,
            "createdTime": created,
            "uri": f"http://{name}.cloudapp.net/",
            "configuration": "",
            "virtualNetwork": network and {"id": network["id"], "name": network["name"]},
            "virtualIps": [
                {
                    "address": public,
                    "isDnsProgrammed": True,
                    "name": f"{name}ContractContract",
                    "reservedIpName": reserved["name"] if reserved else None,
                    "isReserved": reserved is not None or nameless_reserved,
                }
            ],
            "provisioningState": "Succeeded",
        }
        if slot_type == "Role":
            reserved_name = reserved["name"] if reserved else None
            facts["configuration"] = configuration(name, roles, network, reserved_name, plugins, acl)
        made = self.builder.add(
            f"{service['id']}/slots/{slot}",
            "Microsoft.ClassicCompute/domainNames/slots",
            facts,
            location=service["location"],
        )
        for role in roles:
            self._role(made, role, public, facts["virtualIps"][0]["name"])
        return made

    def _role(self, slot: Document, role: Mapping[str, Any], public: str, vip: str) -> None:
        made = self.builder.add(
            f"{slot['id']}/roles/{role['name']}",
            "Microsoft.ClassicCompute/domainNames/slots/roles",
            {
                "name": role["name"],
                "osVersion": "WA-GUEST-OS-6.58_202409-01",
                "instanceSize": role["size"],
                "instanceCount": role["count"],
                "inputEndpoints": [
                    {
                        "endpointName": endpoint,
                        "protocol": "tcp",
                        "privatePort": port,
                        "publicPort": port,
                        "publicIpAddress": public,
                        "virtualIpName": vip,
                        "loadBalancedEndpointSetName": None,
                        "endpointAcl": {"rules": [dict(rule) for rule in role.get("acl", ())]},
                    }
                    for endpoint, port in role["endpoints"].items()
                ],
            },
            location=slot["location"],
        )
        for name, state in role["extensions"].items():
            kind = "RDP" if "RDP" in name else name.partition("-")[0]
            self.builder.add(
                f"{made['id']}/extensionReferences/{name}",
                "Microsoft.ClassicCompute/domainNames/slots/roles/extensionReferences",
                {
                    "name": name,
                    "publisher": "Microsoft.Windows.Azure.Extensions" if kind == "RDP" else "Microsoft.Azure.Security",
                    "type": kind,
                    "version": "1.*",
                    "state": state,
                },
            )

    def machine(
        self,
        service: Document,
        name: str,
        size: str,
        *,
        account: Document,
        network: Document | None = None,
        subnets: Sequence[str] = (),
        private: str | None = None,
        static: bool = False,
        endpoints: Mapping[str, int] | None = None,
        endpoint_acl: Sequence[Mapping[str, Any]] = (),
        availability_set: str | None = None,
        extra_nics: Sequence[str] = (),
        extensions: Mapping[str, str] | None = None,
        agent: str | None = "Ready",
        power: str = "Started",
        status: str = "ReadyRole",
        boot_diagnostics: bool = False,
        premium: bool = False,
        license_type: str | None = None,
        blob: str | None = None,
        data_disks: int = 1,
        system: str = "Windows",
        tags: Mapping[str, str] | None = None,
    ) -> Document:
        """A classic VM in a cloud service. `extensions` by name to version. Its disks come into the account as
        documents."""
        public, io = address(service["id"], "Production"), "Provisioned" if premium else "Standard"
        root = f"https://{account['name']}.blob.core.windows.net/vhds"
        account_ref = {"id": account["id"], "name": account["name"], "type": account["type"]}
        system_disk = {
            "diskName": f"{service['name']}-{name}-os",
            "caching": "ReadWrite",
            "operatingSystem": system,
            "ioType": io,
            "sourceImageName": "a699494373c04fc0bc8f2bb1389d6106__Windows-Server-2012-R2",
            "vhdUri": f"{root}/{blob or name + '-os.vhd'}",
            "storageAccount": account_ref,
        }
        data = [
            {
                "diskName": f"{service['name']}-{name}-data{lun}",
                "lun": lun,
                "diskSize": 128 * (lun + 1),
                "ioType": io,
                "vhdUri": f"{root}/{name}-data{lun}.vhd",
                "storageAccount": account_ref,
            }
            for lun in range(data_disks)
        ]
        made = self.builder.add(
            self.id(service["id"].split("/")[4], "Microsoft.ClassicCompute/virtualMachines", name),
            "Microsoft.ClassicCompute/virtualMachines",
            {
                "provisioningState": "Succeeded",
                "debugProfile": {"bootDiagnosticsEnabled": boot_diagnostics},
                "domainName": {"id": service["id"], "name": service["name"], "type": service["type"]},
                "hardwareProfile": {
                    "deploymentId": guid(service["id"], "Production").replace("-", ""),
                    "deploymentLabel": service["name"],
                    "deploymentLocked": False,
                    "deploymentName": f"{service['name']}-production",
                    "platformGuestAgent": agent is not None,
                    "size": size,
                    "availabilitySetName": availability_set,
                },
                "instanceView": {
                    "computerName": name,
                    "faultDomain": 0,
                    "updateDomain": 0,
                    "fullyQualifiedDomainName": f"{service['name']}.cloudapp.net",
                    "powerState": power,
                    "status": status,
                    "statusMessage": "",
                    "privateIpAddress": private,
                    "publicIpAddresses": [public],
                    "guestAgentStatus": agent
                    and {
                        "status": agent,
                        "guestAgentVersion": "2.7.41491.1010",
                        "protocolVersion": "1.0",
                        "timestamp": "2026-11-20T04:11:09Z",
                        "formattedMessage": {"language": "en-US", "message": "GuestAgent is running."},
                    },
                },
                "networkProfile": {
                    "inputEndpoints": [
                        {
                            "endpointName": endpoint,
                            "privatePort": port,
                            "publicPort": port,
                            "protocol": "tcp",
                            "publicIpAddress": public,
                            "enableDirectServerReturn": False,
                            "endpointAcl": {"rules": [dict(rule) for rule in endpoint_acl]},
                        }
                        for endpoint, port in (endpoints or {}).items()
                    ],
                    "virtualNetwork": network
                    and {
                        "id": network["id"],
                        "name": network["name"],
                        "type": network["type"],
                        "subnetNames": list(subnets),
                        "staticIpAddress": private if static else None,
                    },
                    "networkInterfaces": [
                        {"name": f"{name}-nic{number + 1}", "subnetName": subnet}
                        for number, subnet in enumerate(extra_nics)
                    ],
                },
                "storageProfile": {"operatingSystemDisk": system_disk, "dataDisks": data},
                "licenseType": license_type,
                "extensions": [
                    {
                        "extension": title,
                        "publisher": "Microsoft.Compute" if title == "BGInfo" else "Microsoft.Azure.Extensions",
                        "version": version,
                        "state": "Enable",
                        "referenceName": title,
                    }
                    for title, version in (extensions or {}).items()
                ],
            },
            location=service["location"],
            tags=dict(tags or {}),
        )
        for disk in (system_disk, *data):
            self.disk(account, disk["diskName"], disk["vhdUri"], machine=made, io=io)
        return made

    def storage(
        self, group: str, name: str, region: str, *, kind: str = "Standard-LRS", tags: Mapping[str, str] | None = None
    ) -> Document:
        return self.builder.add(
            self.id(group, "Microsoft.ClassicStorage/storageAccounts", name),
            "Microsoft.ClassicStorage/storageAccounts",
            {
                "provisioningState": "Succeeded",
                "status": "Created",
                "endpoints": [f"https://{name}.{part}.core.windows.net/" for part in ("blob", "queue", "table")],
                "accountType": kind,
                "affinityGroup": None,
                "geoPrimaryRegion": region,
                "statusOfPrimaryRegion": "Available",
                "creationTime": "2016-05-17T09:30:00Z",
            },
            location=region,
            tags=dict(tags or {}),
        )

    def disk(
        self, account: Document, name: str, uri: str = "", *, machine: Document | None = None, io: str = "Standard"
    ) -> Document:
        return self.builder.add(
            f"{account['id']}/disks/{name}",
            "Microsoft.ClassicStorage/storageAccounts/disks",
            {
                "diskName": name,
                "attachedTo": machine and {"virtualMachine": {"id": machine["id"], "name": machine["name"]}},
                "vhdUri": uri or f"https://{account['name']}.blob.core.windows.net/vhds/{name}.vhd",
                "diskSizeInGB": 128,
                "ioType": io,
            },
            location=account["location"],
        )

    def image(self, account: Document, name: str, kind: str = "osImages") -> Document:
        return self.builder.add(
            f"{account['id']}/{kind}/{name}",
            f"Microsoft.ClassicStorage/storageAccounts/{kind}",
            {
                "operatingSystem": "Windows",
                "mediaLink": f"https://{account['name']}.blob.core.windows.net/images/{name}.vhd",
            },
            location=account["location"],
        )

    # Settings that hang on classic things

    def autoscale(
        self,
        group: str,
        name: str,
        target: str,
        region: str,
        rules: Sequence[Mapping[str, Any]],
        *,
        capacity: tuple[int, int, int] = (2, 3, 8),
        more_profiles: Sequence[Mapping[str, Any]] = (),
        emails: Sequence[str] = (),
        webhook: str | None = None,
        enabled: bool = True,
    ) -> Document:
        """An autoscale setting. `capacity`: minimum, default, maximum."""
        low, usual, high = (str(value) for value in capacity)
        limits = {"minimum": low, "default": usual, "maximum": high}
        profiles = [{"name": "Usual load", "capacity": limits, "rules": [dict(rule) for rule in rules]}]
        notifications = []
        if emails or webhook:
            notifications.append(
                {
                    "operation": "Scale",
                    "email": {
                        "sendToSubscriptionAdministrator": True,
                        "sendToSubscriptionCoAdministrators": False,
                        "customEmails": list(emails),
                    },
                    "webhooks": [{"serviceUri": webhook, "properties": {}}] if webhook else [],
                }
            )
        return self.builder.add(
            self.id(group, "Microsoft.Insights/autoscaleSettings", name),
            "Microsoft.Insights/autoscaleSettings",
            {
                "name": name,
                "enabled": enabled,
                "targetResourceUri": target,
                "profiles": [*profiles, *(dict(profile) for profile in more_profiles)],
                "notifications": notifications,
            },
            location=region,
            tags={},
        )

    def alert(
        self,
        group: str,
        name: str,
        target: str,
        region: str,
        *,
        metric: str = "Percentage CPU",
        operator: str = "GreaterThan",
        threshold: float = 85,
        window: str = "PT15M",
        aggregation: str = "Average",
        emails: Sequence[str] = (),
        webhook: str | None = None,
        enabled: bool = True,
    ) -> Document:
        """A classic alert rule (azure.md 6.3 [K])."""
        models = "Microsoft.Azure.Management.Insights.Models."
        actions: list[dict[str, Any]] = []
        if emails:
            actions.append(
                {"odata.type": models + "RuleEmailAction", "sendToServiceOwners": True, "customEmails": list(emails)}
            )
        if webhook:
            actions.append(
                {"odata.type": models + "RuleWebhookAction", "serviceUri": webhook, "properties": {"team": "web"}}
            )
        return self.builder.add(
            self.id(group, "Microsoft.Insights/alertRules", name),
            "Microsoft.Insights/alertRules",
            {
                "name": name,
                "description": f"{metric} of {target.rpartition('/')[2]}",
                "isEnabled": enabled,
                "condition": {
                    "odata.type": models + "ThresholdRuleCondition",
                    "dataSource": {
                        "odata.type": models + "RuleMetricDataSource",
                        "resourceUri": target,
                        "metricName": metric,
                    },
                    "operator": operator,
                    "threshold": threshold,
                    "windowSize": window,
                    "timeAggregation": aggregation,
                },
                "actions": actions,
            },
            location=region,
            tags={},
        )

    def activity_log_alert(self, group: str, name: str, scope: str, operation: str) -> Document:
        clauses = [
            {"field": "category", "equals": "Administrative"},
            {"field": "resourceId", "equals": scope},
            {"field": "operationName", "equals": operation},
        ]
        return self.builder.add(
            self.id(group, "Microsoft.Insights/activityLogAlerts", name),
            "Microsoft.Insights/activityLogAlerts",
            {"scopes": [scope], "condition": {"allOf": clauses}, "actions": {"actionGroups": []}, "enabled": True},
            location="global",
            tags={},
        )

    def grant(self, scope: str, role: str, principal: str, kind: str = "Group") -> Document:
        """A role assignment at any scope."""
        definition = (
            f"/subscriptions/{self.subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLES[role]}"
        )
        return self.builder.add(
            f"{scope}/providers/Microsoft.Authorization/roleAssignments/{guid(scope, role, principal)}",
            "Microsoft.Authorization/roleAssignments",
            {
                "roleDefinitionId": definition,
                "principalId": guid("principal", principal),
                "principalType": kind,
                "scope": scope,
            },
        )

    def lock(self, scope: str, name: str, level: str, notes: str) -> Document:
        kind = "Microsoft.Authorization/locks"
        return self.builder.add(f"{scope}/providers/{kind}/{name}", kind, {"level": level, "notes": notes})

    def arm(
        self, group: str, resource_type: str, name: str, region: str, properties: Mapping[str, Any], **more: Any
    ) -> Document:
        """A Resource Manager resource that matters to a rule."""
        body = {"provisioningState": "Succeeded", **properties}
        return self.builder.add(
            self.id(group, resource_type, name), resource_type, body, location=region, tags={}, **more
        )


def role(
    name: str,
    size: str,
    count: int,
    *,
    subnets: Sequence[str] = (),
    endpoints: Mapping[str, int] | None = None,
    extensions: Mapping[str, str] | None = None,
    acl: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """A web or worker role. `extensions` by reference name to Enable or Disable."""
    return {
        "name": name,
        "size": size,
        "count": count,
        "subnets": list(subnets),
        "endpoints": dict(endpoints or {}),
        "extensions": dict(extensions or {}),
        "acl": list(acl),
    }


def rule(
    target: str,
    metric: str,
    operator: str,
    threshold: float,
    change: int,
    *,
    window: str = "PT10M",
    aggregation: str = "Average",
    cooldown: str = "PT10M",
) -> dict[str, Any]:
    """One autoscale rule; a negative `change` scales in."""
    return {
        "metricTrigger": {
            "metricName": metric,
            "metricNamespace": "",
            "metricResourceUri": target,
            "timeGrain": "PT5M",
            "statistic": "Average",
            "timeWindow": window,
            "timeAggregation": aggregation,
            "operator": operator,
            "threshold": threshold,
        },
        "scaleAction": {
            "direction": "Increase" if change > 0 else "Decrease",
            "type": "ChangeCount",
            "value": str(abs(change)),
            "cooldown": cooldown,
        },
    }


def configuration(
    service: str,
    roles: Iterable[Mapping[str, Any]],
    network: Document | None,
    reserved: str | None = None,
    plugins: Sequence[str] = (),
    acl: Mapping[str, str] | None = None,
) -> str:
    """A .cscfg as the platform hands it out. The setting `Storage.ConnectionString` looks like a secret, as in real
    ones.

    `acl`: endpoint name to allowed range, for all roles.
    """
    roles = list(roles)
    lines = ['<?xml version="1.0" encoding="utf-8"?>']
    lines.append(
        f'<ServiceConfiguration serviceName={quoteattr(service)} osFamily="6" osVersion="*" '
        'schemaVersion="2015-04.2.6" xmlns="http://schemas.microsoft.com/ServiceHosting/2008/10/ServiceConfiguration">'
    )
    for entry in roles:
        lines += [f"  <Role name={quoteattr(entry['name'])}>", f'    <Instances count="{entry["count"]}" />']
        lines.append("    <ConfigurationSettings>")
        key = sha256(f"not a key: {service}".encode()).hexdigest()
        value = f"DefaultEndpointsProtocol=https;AccountName={service.replace('-', '')};AccountKey={key}=="
        lines.append(f'      <Setting name="Storage.ConnectionString" value={quoteattr(value)} />')
        lines.append('      <Setting name="Environment" value="production" />')
        for plugin in plugins:
            lines.append(f'      <Setting name="Microsoft.WindowsAzure.Plugins.{plugin}.Enabled" value="true" />')
        lines += ["    </ConfigurationSettings>", "  </Role>"]
    lines += _network_configuration(roles, network, reserved, acl)
    return "\n".join([*lines, "</ServiceConfiguration>"])


def _network_configuration(
    roles: list[Mapping[str, Any]], network: Document | None, reserved: str | None, acl: Mapping[str, str] | None
) -> list[str]:
    if network is None and not reserved and not acl:
        return []
    lines = ["  <NetworkConfiguration>"]
    if acl:
        lines.append("    <AccessControls>")
        for endpoint, allowed in acl.items():
            lines.append(f"      <AccessControl name={quoteattr('acl-' + endpoint)}>")
            lines.append(
                f'        <Rule action="permit" description="office" order="100" remoteSubnet={quoteattr(allowed)} />'
            )
            lines.append("      </AccessControl>")
        lines += ["    </AccessControls>", "    <EndpointAcls>"]
        for entry in roles:
            for endpoint in set(entry["endpoints"]) & set(acl):
                names = f"role={quoteattr(entry['name'])} endPoint={quoteattr(endpoint)}"
                lines.append(f"      <EndpointAcl {names} accessControl={quoteattr('acl-' + endpoint)} />")
        lines.append("    </EndpointAcls>")
    if network is not None:
        lines.append(f"    <VirtualNetworkSite name={quoteattr(network['properties']['siteName'])} />")
    homes = [entry for entry in roles if entry["subnets"]] if network is not None else []
    if homes or reserved:
        lines.append("    <AddressAssignments>")
        for entry in homes:
            lines.append(f"      <InstanceAddress roleName={quoteattr(entry['name'])}>")
            lines.append("        <Subnets>")
            lines += [f"          <Subnet name={quoteattr(subnet)} />" for subnet in entry["subnets"]]
            lines += ["        </Subnets>", "      </InstanceAddress>"]
        if reserved:
            lines += [
                "      <ReservedIPs>",
                f"        <ReservedIP name={quoteattr(reserved)} />",
                "      </ReservedIPs>",
            ]
        lines.append("    </AddressAssignments>")
    return [*lines, "  </NetworkConfiguration>"]
