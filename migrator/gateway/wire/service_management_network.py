"""Networks, gateways, security groups, reserved addresses and route tables of service management → documents. What
`service_management` says of ids and of inferred shapes holds here too."""

from typing import Any

from migrator.gateway.wire.service_management import Document, Ids, document_of, each_of, spoken
from migrator.gateway.wire.service_management_xml import MISSING, Xml
from migrator.resources import ResourceType

_NO_GATEWAY = "notprovisioned"  # the State of a network without a gateway [K]


def network(item: Xml, ids: Ids) -> Document:
    """`VirtualNetworkSite`. Its gateway is read apart, see `gateway`."""
    name, space = item.word("Name"), item.child("AddressSpace")
    prefixes = space.items("AddressPrefixes", "AddressPrefix") if space is not None else None
    dns = item.child("Dns")
    servers = dns.items("DnsServers", "DnsServer") if dns is not None else None
    properties = spoken(
        siteName=name,
        siteId=item.text("Id"),
        status=item.text("State"),
        affinityGroup=item.text("AffinityGroup"),
        addressSpace={"addressPrefixes": _texts(prefixes)} if prefixes is not None else MISSING,
        subnets=each_of(item.items("Subnets", "Subnet"), lambda one: _subnet(one, ids)),
        dhcpOptions={"dnsServers": [one.word("Address") for one in servers]} if servers is not None else MISSING,
        migrationState=item.word("MigrationState") or None,
    )
    network_id = ids.of(ResourceType.NETWORK, name)
    return document_of(network_id, ResourceType.NETWORK, item.text("Location"), properties)


def _texts(items: list[Xml]) -> list[str]:
    return [(one.element.text or "").strip() for one in items]


def _subnet(item: Xml, ids: Ids) -> Document:
    group, table = item.text("NetworkSecurityGroup"), item.text("RouteTable")
    return spoken(
        name=item.text("Name"),
        addressPrefix=item.text("AddressPrefix"),
        networkSecurityGroup=_named(ResourceType.NETWORK_SECURITY_GROUP, group, ids),
        routeTable=_named(ResourceType.ROUTE_TABLE, table, ids),
    )


def _named(kind: ResourceType, name: Any, ids: Ids) -> Any:
    return {"id": ids.of(kind, name), "name": name} if name else (MISSING if name is MISSING else None)


def gateway_type(site: Xml | None) -> Any:
    """ExpressRoute when a connection of the site is Dedicated, Vpn when all are IPsec [I]; MISSING otherwise."""
    declared = site.child("Gateway") if site is not None else None
    sites = (declared.items("Sites", "LocalNetworkSite") or []) if declared is not None else []
    kinds = {
        connection.word("Type").lower() for one in sites for connection in one.items("Connections", "Connection") or []
    }
    if "dedicated" in kinds:
        return "ExpressRoute"
    return "Vpn" if kinds == {"ipsec"} else MISSING


def connections(root: Xml) -> list[Document]:
    """`Connections`: each with the name of its local network site."""
    return [
        spoken(name=one.text("LocalNetworkSiteName"), connectivityState=one.text("ConnectivityState"))
        for one in root.children("Connection")
    ]


def gateway(root: Xml, network: Document, kind: Any, listed: list[Document] | None) -> Document | None:
    """`Gateway` of a network; None when it says that there is none. `kind`: see `gateway_type`; `listed`: its
    connections, None when they were not read."""
    if root.word("State").lower() == _NO_GATEWAY:
        return None
    if kind is MISSING and root.word("GatewayType").lower() == "dedicated":
        kind = "ExpressRoute"
    properties = spoken(
        gatewayType=kind,
        state=root.text("State"),
        vpnType=root.text("GatewayType"),
        sku=root.text("GatewaySKU") if root.has("GatewaySKU") else root.text("GatewaySize"),
        vipAddress=root.text("VIPAddress"),
        connections=MISSING if listed is None else listed,
    )
    place = f"{network['id']}/gateways/{'expressroute' if kind == 'ExpressRoute' else 'primary'}"
    return document_of(place, ResourceType.GATEWAY, network.get("location"), properties)


def security_group(item: Xml, ids: Ids) -> Document:
    """`NetworkSecurityGroup`. What it is associated with, this API does not say."""
    rules = item.items("Rules", "Rule")
    properties = spoken(
        label=item.text("Label"),
        state=item.text("State"),
        securityRules=each_of(rules, _rule),
    )
    group_id = ids.of(ResourceType.NETWORK_SECURITY_GROUP, item.word("Name"))
    return document_of(group_id, ResourceType.NETWORK_SECURITY_GROUP, item.text("Location"), properties)


def _rule(item: Xml) -> Document:
    return spoken(
        name=item.text("Name"),
        type=item.text("Type"),
        priority=item.number("Priority"),
        action=item.text("Action"),
        sourceAddressPrefix=item.text("SourceAddressPrefix"),
        sourcePortRange=item.text("SourcePortRange"),
        destinationAddressPrefix=item.text("DestinationAddressPrefix"),
        destinationPortRange=item.text("DestinationPortRange"),
        protocol=item.text("Protocol"),
        isDefault=item.flag("IsDefault"),
    )


def reserved_address(item: Xml, ids: Ids) -> Document:
    """`ReservedIP`. It is attached to nothing only where it says that it is not in use."""
    used, service = item.flag("InUse"), item.word("ServiceName")
    attached: Any = MISSING if used is not False else None
    if service:
        attached = {"id": ids.of(ResourceType.CLOUD_SERVICE, service, service)}
    properties = spoken(
        ipAddress=item.text("Address"),
        status=item.text("State"),
        label=item.text("Label"),
        inUse=used,
        attachedTo=attached,
        deploymentName=item.text("DeploymentName"),
        virtualIpName=item.text("VirtualIPName"),
    )
    address_id = ids.of(ResourceType.RESERVED_ADDRESS, item.word("Name"))
    return document_of(address_id, ResourceType.RESERVED_ADDRESS, item.text("Location"), properties)


def route_table(item: Xml, ids: Ids) -> Document:
    """`RouteTable`, with its routes when it was read in full."""
    properties = spoken(
        label=item.text("Label"),
        state=item.text("RouteTableState") if item.has("RouteTableState") else item.text("State"),
        routes=each_of(item.items("RouteList", "Route"), _route),
    )
    table_id = ids.of(ResourceType.ROUTE_TABLE, item.word("Name"))
    return document_of(table_id, ResourceType.ROUTE_TABLE, item.text("Location"), properties)


def _route(item: Xml) -> Document:
    hop = item.child("NextHopType") or item.child("NextHop")  # both spellings are in public clients [K]
    return spoken(
        name=item.text("Name"),
        addressPrefix=item.text("AddressPrefix"),
        nextHopType=hop.text("Type") if hop is not None else MISSING,
        nextHopIpAddress=hop.text("IpAddress") if hop is not None else MISSING,
    )


def table_of_subnet(root: Xml) -> str:
    """The name of the route table of a subnet; empty when the answer does not say."""
    return root.word("RouteTableName") or root.word("Name")
