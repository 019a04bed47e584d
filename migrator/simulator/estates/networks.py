"""Classic networks, gateways, peerings, security groups and reserved addresses (azure.md 1.3)."""

from collections.abc import Mapping, Sequence

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
