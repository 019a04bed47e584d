"""Virtual networks, gateways with their connections, security groups, reserved addresses and route tables
(azure.md 1.4)."""

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from migrator.simulator import scope as scopes
from migrator.simulator.arm.routing import Answer, Call, Router
from migrator.simulator.scope import properties
from migrator.simulator.service_management import names, xml
from migrator.simulator.service_management.routing import BASE
from migrator.simulator.store import Document, Store, parent_key

User = tuple[str, str, str | None]  # names of a service, its deployment, its virtual address

routes = Router()
NETWORKING = BASE + r"/services/networking"
SUBNET = NETWORKING + r"/virtualnetwork/(?P<network>[^/]+)/subnets/(?P<subnet>[^/]+)"


@routes.route("GET", NETWORKING + r"/virtualnetwork")
def list_networks(call: Call) -> Answer:
    view = call.view()
    found = (_site(view, document) for document in view.of_type(call.subscription, names.NETWORK))
    return Answer(body=xml.listed("VirtualNetworkSites", found))


def _site(store: Store, network: Document) -> Element:
    """`VirtualNetworkSite`. Its route tables are told by subnet only [S]."""
    facts = properties(network)
    prefixes = (facts.get("addressSpace") or {}).get("addressPrefixes")
    servers = (facts.get("dhcpOptions") or {}).get("dnsServers") or ()
    subnets = facts.get("subnets")
    affinity = facts.get("affinityGroup")
    return xml.node(
        "VirtualNetworkSite",
        ("Name", names.site(network)),
        ("Label", facts.get("label")),
        ("Id", facts.get("siteId")),
        ("AffinityGroup", affinity),
        ("Location", None if affinity else names.region(network)),
        ("State", facts.get("status")),
        None if prefixes is None else _space(prefixes),
        None if subnets is None else xml.listed("Subnets", (_subnet(subnet) for subnet in subnets)),
        xml.node("Dns", xml.listed("DnsServers", (_server(n, s) for n, s in enumerate(servers)))) if servers else None,
        _site_gateway(store, network),
        ("MigrationState", facts.get("migrationState")),
    )


def _space(prefixes: object) -> Element:
    listed = (xml.text("AddressPrefix", prefix) for prefix in (prefixes if isinstance(prefixes, list | tuple) else ()))
    return xml.node("AddressSpace", xml.listed("AddressPrefixes", listed))


def _subnet(facts: Mapping[str, Any]) -> Element:
    return xml.node(
        "Subnet",
        ("Name", facts.get("name")),
        ("AddressPrefix", facts.get("addressPrefix")),
        ("NetworkSecurityGroup", (facts.get("networkSecurityGroup") or {}).get("name")),
    )


def _server(number: int, address: object) -> Element:
    return xml.node("DnsServer", ("Name", f"dns-{number + 1}"), ("Address", address))


def _site_gateway(store: Store, network: Document) -> Element | None:
    """The gateway as the site's configuration tells it: its size and the local networks it reaches."""
    gateways = store.children(network["id"], scopes.GATEWAY)
    if not gateways:
        return None
    sites = [
        xml.node(
            "LocalNetworkSite",
            ("Name", connection.get("name")),
            ("VpnGatewayAddress", connection.get("vpnGatewayAddress")),
            xml.listed("Connections", [xml.node("Connection", ("Type", _connection_type(gateway)))]),
        )
        for gateway in gateways
        for connection in properties(gateway).get("connections") or _circuit(network, gateway)
    ]
    return xml.node(
        "Gateway",
        ("Profile", properties(gateways[0]).get("sku")),
        xml.some("Sites", sites),
    )


def _circuit(network: Document, gateway: Document) -> list[dict[str, Any]]:
    """The local network site of an ExpressRoute gateway, which every one has [K]; its name is [I]."""
    return [{"name": f"{network['name']}-local"}] if properties(gateway).get("gatewayType") == "ExpressRoute" else []


def _connection_type(gateway: Document) -> str | None:
    return {"ExpressRoute": "Dedicated", "Vpn": "IPsec"}.get(str(properties(gateway).get("gatewayType")))


# Gateways


@routes.route("GET", NETWORKING + r"/virtualnetworkgateways")
def list_gateways(call: Call) -> Answer:
    """All gateways of the subscription; a network with a VPN and an ExpressRoute gateway shows both here only [S]."""
    view = call.view()
    rows = []
    for gateway in view.of_type(call.subscription, scopes.GATEWAY):
        network = view.get(parent_key(gateway["id"]))
        made = _gateway("VirtualNetworkGateway", gateway)
        made.insert(0, xml.text("GatewayName", gateway["name"]))
        made.append(xml.text("VnetId", properties(network).get("siteId") or ""))
        rows.append(made)
    return Answer(body=xml.listed("VirtualNetworkGateways", rows))


@routes.route("GET", NETWORKING + r"/(?P<network>[^/]+)/gateway")
def get_gateway(call: Call) -> Answer:
    """The gateway of a network; NotProvisioned when it has none [K]. Of two the VPN one is shown [I]."""
    view = call.view()
    gateway = _first_gateway(view, names.network(view, call.subscription, call.parts["network"]))
    if gateway is None:
        return Answer(body=xml.node("Gateway", ("State", "NotProvisioned")))
    return Answer(body=_gateway("Gateway", gateway))


def _first_gateway(store: Store, network: Document) -> Document | None:
    found = store.children(network["id"], scopes.GATEWAY)
    return min(found, key=lambda gateway: scopes.gateway_type(gateway) != "Vpn", default=None)


def _gateway(tag: str, gateway: Document) -> Element:
    facts = properties(gateway)
    routing = {"RouteBased": "DynamicRouting", "PolicyBased": "StaticRouting"}.get(str(facts.get("vpnType")))
    return xml.node(
        tag,
        ("State", facts.get("state")),
        ("VIPAddress", facts.get("vipAddress")),
        ("GatewayType", "Dedicated" if facts.get("gatewayType") == "ExpressRoute" else routing),
        ("GatewaySize", facts.get("sku")),
    )


@routes.route("GET", NETWORKING + r"/(?P<network>[^/]+)/gateway/connections")
def list_connections(call: Call) -> Answer:
    view = call.view()
    gateway = _first_gateway(view, names.network(view, call.subscription, call.parts["network"]))
    rows = properties(gateway).get("connections") or ()
    return Answer(
        body=xml.listed(
            "Connections",
            (
                xml.node(
                    "Connection",
                    ("LocalNetworkSiteName", row.get("name")),
                    ("ConnectivityState", row.get("connectivityState")),
                )
                for row in rows
            ),
        )
    )


# Security groups


@routes.route("GET", NETWORKING + r"/networksecuritygroups")
def list_groups(call: Call) -> Answer:
    """Names and regions; the rules only of one, asked for with `detaillevel=full` [S]."""
    view = call.view()
    found = view.of_type(call.subscription, scopes.SECURITY_GROUP)
    return Answer(body=xml.listed("NetworkSecurityGroups", (_group(view, document, full=False) for document in found)))


@routes.route("GET", NETWORKING + r"/networksecuritygroups/(?P<name>[^/]+)")
def get_group(call: Call) -> Answer:
    view = call.view()
    document = names.other(view, call.subscription, scopes.SECURITY_GROUP, call.parts["name"])
    return Answer(body=_group(view, document, full=_full(call)))


def _full(call: Call) -> bool:
    return call.query.get("detaillevel", "").lower() == "full"


def _group(store: Store, document: Document, *, full: bool) -> Element:
    facts = properties(document)
    return xml.node(
        "NetworkSecurityGroup",
        ("Name", document["name"]),
        ("Label", facts.get("label")),
        ("Location", names.region(document)),
        xml.listed("Rules", (_rule(rule) for rule in scopes.rules_of(store, document))) if full else None,
    )


def _rule(inner: Mapping[str, Any]) -> Element:
    return xml.node(
        "Rule",
        ("Name", inner.get("name")),
        ("Type", inner.get("type")),
        ("Priority", inner.get("priority")),
        ("Action", inner.get("action")),
        ("SourceAddressPrefix", inner.get("sourceAddressPrefix")),
        ("SourcePortRange", inner.get("sourcePortRange")),
        ("DestinationAddressPrefix", inner.get("destinationAddressPrefix")),
        ("DestinationPortRange", inner.get("destinationPortRange")),
        ("Protocol", inner.get("protocol")),
        ("State", inner.get("state") or "Active"),
        ("IsDefault", bool(inner.get("isDefault"))),
    )


@routes.route("GET", SUBNET + r"/networksecuritygroups")
def group_of_subnet(call: Call) -> Answer:
    """The security group of a subnet. 404 when it has none [K]."""
    group = _subnet_of(call).get("networkSecurityGroup") or {}
    if not group.get("name"):
        raise names.not_found("There is no network security group on this subnet.")
    return Answer(body=xml.node("NetworkSecurityGroup", ("Name", group["name"]), ("State", "Created")))


def _subnet_of(call: Call) -> Mapping[str, Any]:
    view = call.view()
    network = names.network(view, call.subscription, call.parts["network"])
    for subnet in properties(network).get("subnets") or ():
        if str(subnet.get("name", "")).lower() == call.parts["subnet"].lower():
            return subnet
    raise names.not_found(f"The subnet {call.parts['subnet']} was not found.")


# Reserved addresses


@routes.route("GET", NETWORKING + r"/reservedips")
def list_reserved(call: Call) -> Answer:
    view = call.view()
    users = _users(view, call.subscription)
    found = (_reserved(document, users) for document in view.of_type(call.subscription, scopes.RESERVED))
    return Answer(body=xml.listed("ReservedIPs", found))


@routes.route("GET", NETWORKING + r"/reservedips/(?P<name>[^/]+)")
def get_reserved(call: Call) -> Answer:
    view = call.view()
    document = names.other(view, call.subscription, scopes.RESERVED, call.parts["name"])
    return Answer(body=_reserved(document, _users(view, call.subscription)))


def _reserved(document: Document, users: Mapping[str, User]) -> Element:
    """`ReservedIP`. What an estate leaves out (who uses it) is told when a deployment names the address."""
    facts = properties(document)
    service, deployment, virtual = users.get(str(document["name"]).lower(), (None, None, None))
    stated = facts.get("inUse")
    return xml.node(
        "ReservedIP",
        ("Name", document["name"]),
        ("Address", facts.get("ipAddress")),
        ("Id", facts.get("reservedIpId")),
        ("Label", facts.get("label")),
        ("State", facts.get("status")),
        ("InUse", True if service else stated),
        ("ServiceName", service),
        ("DeploymentName", deployment),
        ("Location", names.region(document)),
        ("VirtualIPName", virtual),
    )


def _users(store: Store, subscription: str) -> dict[str, User]:
    """Who uses a reserved address, by its name in lower case."""
    found: dict[str, User] = {}
    for slot in store.of_type(subscription, scopes.SLOT):
        for vip in properties(slot).get("virtualIps") or ():
            if vip.get("reservedIpName"):
                home = names.service_of_slot(store, slot)
                user = (str(home["name"]), names.deployment(home, slot), vip.get("name"))
                found.setdefault(str(vip["reservedIpName"]).lower(), user)
    return found


# Route tables


@routes.route("GET", NETWORKING + r"/routetables")
def list_tables(call: Call) -> Answer:
    found = call.view().of_type(call.subscription, scopes.ROUTE_TABLE)
    return Answer(body=xml.listed("RouteTables", (_table(document, full=_full(call)) for document in found)))


@routes.route("GET", NETWORKING + r"/routetables/(?P<name>[^/]+)")
def get_table(call: Call) -> Answer:
    """One table; its routes with `detailLevel=full`."""
    document = names.other(call.view(), call.subscription, scopes.ROUTE_TABLE, call.parts["name"])
    return Answer(body=_table(document, full=_full(call)))


def _table(document: Document, *, full: bool) -> Element:
    facts = properties(document)
    routes_ = facts.get("routes")
    return xml.node(
        "RouteTable",
        ("Name", document["name"]),
        ("Label", facts.get("label")),
        ("Location", names.region(document)),
        ("RouteTableState", facts.get("state")),
        xml.listed("RouteList", (_route(row) for row in routes_)) if full and routes_ is not None else None,
    )


def _route(facts: Mapping[str, Any]) -> Element:
    return xml.node(
        "Route",
        ("Name", facts.get("name")),
        ("AddressPrefix", facts.get("addressPrefix")),
        xml.node("NextHopType", ("Type", facts.get("nextHopType")), ("IpAddress", facts.get("nextHopIpAddress"))),
        ("RouteState", facts.get("state") or "Created"),
    )


@routes.route("GET", SUBNET + r"/routetables")
def table_of_subnet(call: Call) -> Answer:
    """The route table of a subnet. 404 when it has none [K]."""
    table = _subnet_of(call).get("routeTable") or {}
    if not table.get("name"):
        raise names.not_found("There is no route table on this subnet.")
    return Answer(body=xml.node("RouteTableAssociation", ("RouteTableName", table["name"])))
