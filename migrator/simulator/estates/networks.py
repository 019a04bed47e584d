"""Classic networks, gateways, peerings, security groups and reserved addresses (azure.md 1.3)."""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from migrator.simulator.estates.parts import Document, Place, address, guid


class Networks(Place):
    """What a subscription holds of Microsoft.ClassicNetwork."""

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

    def client_certificate(self, gateway: Document, name: str, *, expires: str, revoked: bool = False) -> Document:
        """A certificate by which VPN clients are known, without the certificate itself. Names of facts: those of the
        older API [K]."""
        kind = "clientRevokedCertificates" if revoked else "clientRootCertificates"
        print_ = sha256(f"{gateway['id']}:{name}".lower().encode()).hexdigest()[:40].upper()
        return self.builder.add(
            f"{gateway['id']}/{kind}/{print_}",
            f"Microsoft.ClassicNetwork/virtualNetworks/gateways/{kind}",
            {"thumbprint": print_, "subject": f"CN={name}", "expirationTime": expires},
        )

    def peering_proxy(self, network: Document, remote: Document) -> Document:
        """What a classic network knows of a peering that somebody made on another network [I]."""
        kind = "Microsoft.ClassicNetwork/virtualNetworks/remoteVirtualNetworkPeeringProxies"
        facts = {"remoteVirtualNetwork": {"id": remote["id"]}, "peeringState": "Connected"}
        return self.builder.add(f"{network['id']}/{kind.rpartition('/')[2]}/{remote['name']}", kind, facts)

    def cross_connection(self, group: str, name: str, region: str, *, bandwidth: int) -> Document:
        """The provider's side of a classic ExpressRoute circuit, with its private peering [I]."""
        kind = "Microsoft.ClassicNetwork/expressRouteCrossConnections"
        facts = {
            "serviceKey": guid(self.subscription, "circuit", name),
            "provisioningState": "Succeeded",
            "status": "Enabled",
            "provisionedBandwidth": bandwidth,
        }
        made = self.builder.add(self.id(group, kind, name), kind, facts, location=region)
        link = {"peeringType": "AzurePrivatePeering", "state": "Enabled", "azureAsn": 12076, "vlanId": 100}
        self.builder.add(f"{made['id']}/peerings/AzurePrivatePeering", f"{kind}/peerings", link)
        return made

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

    def security_group(
        self, group: str, name: str, region: str, used_by: Sequence[str] = (), rules: Sequence[Document] = ()
    ) -> Document:
        """A security group with its rules, see `security_rule`; one that lets HTTPS in when none are given."""
        made = self.builder.add(
            self.id(group, "Microsoft.ClassicNetwork/networkSecurityGroups", name),
            "Microsoft.ClassicNetwork/networkSecurityGroups",
            {
                "networkSecurityGroupId": guid(self.subscription, "nsg", name),
                "state": "Created",
                "provisioningState": "Succeeded",
                "associations": list(used_by),
            },
            location=region,
        )
        for rule in rules or (security_rule("allow-https", 200, source="INTERNET", port="443"),):
            self.builder.add(
                f"{made['id']}/securityRules/{rule['name']}",
                "Microsoft.ClassicNetwork/networkSecurityGroups/securityRules",
                {key: value for key, value in rule.items() if key != "name"},
            )
        return made

    def route_table(
        self, name: str, region: str, routes: Mapping[str, tuple[str, str]], used_by: Sequence[str] = ()
    ) -> Document:
        """A route table, which only service management lists. `routes` by name to (prefix, next hop: an address of an
        appliance, or a kind of hop). The group in the id is inferred: such tables have none of their own [I]."""
        rows = []
        for title, (prefix, hop) in routes.items():
            appliance = hop[:1].isdigit()
            kind = "VirtualAppliance" if appliance else hop
            rows.append(
                {
                    "name": title,
                    "addressPrefix": prefix,
                    "nextHopType": kind,
                    "nextHopIpAddress": hop if appliance else None,
                }
            )
        return self.builder.add(
            self.id("Default-Networking", "Microsoft.ClassicNetwork/routeTables", name),
            "Microsoft.ClassicNetwork/routeTables",
            {"label": name, "state": "Created", "associations": list(used_by), "routes": rows},
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


def security_rule(
    name: str,
    priority: int,
    *,
    source: str = "*",
    port: str = "*",
    action: str = "Allow",
    direction: str = "Inbound",
    protocol: str = "TCP",
) -> Document:
    """A rule of a security group, by the older API's names (azure.md 1.3)."""
    return {
        "name": name,
        "type": direction,
        "priority": priority,
        "action": action,
        "sourceAddressPrefix": source,
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": port,
        "protocol": protocol,
        "state": "Active",
        "isDefault": False,
    }
