"""What is made anew after a migration beside the resources themselves (azure.md 6.6, 6.8): peerings inside a network,
gateways with their connections, endpoints of Traffic Manager.

A resource is refused unless what it names exists, so that a follow-up with an old id cannot look applied. Field names
and codes are general knowledge [K]. A gateway takes a real platform half an hour; here it is ready at once.
"""

from collections.abc import Callable, Mapping
from typing import Any

from migrator.simulator.arm.changing import PEERING, read_peering
from migrator.simulator.arm.routing import GROUP, Answer, Call, Router
from migrator.simulator.errors import ArmError, resource_not_found
from migrator.simulator.scope import properties
from migrator.simulator.store import Document, type_in_id

routes = Router()
NETWORK = "Microsoft.Network"
PROFILE = "Microsoft.Network/trafficManagerProfiles"
_PLACE = GROUP + r"/providers/microsoft\.network/"
_PEERING = r"(?P<network>" + _PLACE + r"virtualnetworks/[^/]+)/virtualnetworkpeerings/(?P<name>[^/]+)"
_ENDPOINT = r"(?P<profile>" + _PLACE + r"trafficmanagerprofiles/[^/]+)/azureendpoints/(?P<name>[^/]+)"
_SWITCHES = ("allowVirtualNetworkAccess", "allowForwardedTraffic", "allowGatewayTransit", "useRemoteGateways")


def _refuse(code: str, text: str) -> ArmError:
    return ArmError(400, code, text)


def _named(call: Call, value: object, what: str) -> Document:
    """What a reference `{"id": …}` names; 400 when there is none, as networking answers [K]."""
    wanted = value.get("id") if isinstance(value, Mapping) else None
    if not isinstance(wanted, str) or not wanted.startswith("/"):
        raise _refuse("InvalidRequestFormat", f"{what} must name a resource by its id.")
    found = call.platform.store.get(wanted)
    if found is None:
        raise _refuse("InvalidResourceReference", f"Resource {wanted} referenced by {call.path} was not found.")
    return found


# Peerings


@routes.route("PUT", _PEERING)
def put_peering(call: Call) -> Answer:
    """Connected once both sides name each other; with a classic network, which has no side of its own, at once."""
    call.check_version(PEERING)
    platform, facts = call.platform, call.properties()
    platform.tick()
    network = platform.store.get(call.parts["network"])
    if network is None:
        raise ArmError(404, "ParentResourceNotFound", f"Can not perform requested operation: '{call.path}' has none.")
    platform.check_write(str(network["id"]))
    platform.check_management_lock(str(network["id"]), "ReadOnly", "write")
    remote = _named(call, facts.get("remoteVirtualNetwork"), "remoteVirtualNetwork")
    if not str(remote["type"]).lower().endswith("/virtualnetworks") or remote["id"].lower() == network["id"].lower():
        raise _refuse("InvalidRequestFormat", f"{remote['id']} is not another virtual network.")
    rows = [dict(row) for row in properties(network).get("virtualNetworkPeerings") or ()]
    known = next((row for row in rows if str(row.get("name", "")).lower() == call.parts["name"].lower()), None)
    for row in rows:
        far = _remote(row)
        if row is known and far != remote["id"].lower():
            text = f"The remote network of peering {row['name']} cannot be changed; delete the peering first."
            raise _refuse("ChangingRemoteVirtualNetworkNotAllowed", text)
        if row is not known and far == remote["id"].lower():
            raise ArmError(409, "AnotherPeeringExists", f"Peering {row['name']} names {remote['id']} already.")
    classic = str(remote["type"]).lower().startswith("microsoft.classicnetwork/")
    far_rows = [dict(row) for row in properties(remote).get("virtualNetworkPeerings") or ()]
    back = next((row for row in far_rows if _remote(row) == network["id"].lower()), None)
    state = "Connected" if classic or back is not None else "Initiated"
    written = {
        "name": known["name"] if known else call.parts["name"],
        "id": f"{network['id']}/virtualNetworkPeerings/{known['name'] if known else call.parts['name']}",
        "properties": {
            **{name: bool(facts.get(name, name == _SWITCHES[0])) for name in _SWITCHES},
            "remoteVirtualNetwork": {"id": remote["id"]},
            "peeringState": state,
            "provisioningState": "Succeeded",
        },
    }
    platform.store.change(
        network["id"],
        platform.moment,
        virtualNetworkPeerings=[written if row is known else row for row in rows] + ([] if known else [written]),
    )
    if back is not None:
        back["properties"] = {**properties(back), "peeringState": "Connected"}
        platform.store.change(remote["id"], platform.moment, virtualNetworkPeerings=far_rows)
    return Answer(status=200 if known else 201, body=read_peering(call).body)


def _remote(row: Mapping[str, Any]) -> str:
    return str((properties(dict(row)).get("remoteVirtualNetwork") or {}).get("id", "")).lower()


# Gateways


@routes.route("PUT", _PLACE + r"(?P<kind>virtualnetworkgateways|localnetworkgateways|connections)/(?P<name>[^/]+)")
def put(call: Call) -> Answer:
    """A gateway in a GatewaySubnet, a site elsewhere, or what joins them."""
    checks: dict[str, tuple[str, Callable[[Call, Mapping[str, Any]], None]]] = {
        "virtualnetworkgateways": ("virtualNetworkGateways", _check_gateway),
        "localnetworkgateways": ("localNetworkGateways", _check_site),
        "connections": ("connections", _check_connection),
    }
    kind, check = checks[call.parts["kind"].lower()]
    call.check_version(f"{NETWORK}/{kind}")
    platform = call.platform
    platform.tick()
    group = call.check_group()
    facts = call.properties()
    if not call.object().get("location"):
        raise _refuse("LocationRequired", "The location property is required for this definition.")
    check(call, facts)
    document_id = f"{group['id']}/providers/{NETWORK}/{kind}/{call.parts['name']}"
    platform.check_write(document_id)
    platform.check_management_lock(document_id, "ReadOnly", "write")
    known = platform.store.get(document_id)
    secret = ("sharedKey", "authorizationKey")  # told to nobody
    told = {key: value for key, value in facts.items() if key not in secret}
    document: Document = {
        "id": known["id"] if known else document_id,
        "name": call.parts["name"],
        "type": f"{NETWORK}/{kind}",
        "location": call.object()["location"],
        "tags": dict(call.object().get("tags") or {}),
        "properties": {**told, "provisioningState": "Succeeded"},
    }
    platform.put(document)
    return Answer(status=200 if known else 201, body=platform.store.get(document_id))


def _check_gateway(call: Call, facts: Mapping[str, Any]) -> None:
    if facts.get("gatewayType") not in ("Vpn", "ExpressRoute"):
        raise _refuse("InvalidRequestFormat", "gatewayType is Vpn or ExpressRoute.")
    if facts["gatewayType"] == "Vpn" and facts.get("vpnType") not in ("RouteBased", "PolicyBased"):
        raise _refuse("InvalidRequestFormat", "vpnType is RouteBased or PolicyBased.")
    if not (facts.get("sku") or {}).get("name"):
        raise _refuse("InvalidRequestFormat", "A gateway needs sku.name.")
    configurations = facts.get("ipConfigurations")
    if not isinstance(configurations, list) or not configurations:
        raise _refuse("InvalidRequestFormat", "A gateway needs one ipConfiguration.")
    for one in configurations:
        inner = properties(one)
        subnet = str((inner.get("subnet") or {}).get("id", ""))
        network, _, name = subnet.rpartition("/subnets/")
        found = call.platform.store.get(network) if network else None
        subnets = [str(row.get("name", "")).lower() for row in properties(found).get("subnets") or ()]
        if found is None or name.lower() not in subnets:
            raise _refuse("InvalidResourceReference", f"Resource {subnet} referenced by {call.path} was not found.")
        if name.lower() != "gatewaysubnet":
            raise _refuse("InvalidRequestFormat", "A gateway lives in a subnet named GatewaySubnet.")
        _named(call, inner.get("publicIPAddress"), "publicIPAddress")


def _check_site(call: Call, facts: Mapping[str, Any]) -> None:
    if not facts.get("gatewayIpAddress") or not (facts.get("localNetworkAddressSpace") or {}).get("addressPrefixes"):
        raise _refuse("InvalidRequestFormat", "A site needs gatewayIpAddress and localNetworkAddressSpace.")


def _check_connection(call: Call, facts: Mapping[str, Any]) -> None:
    _named(call, facts.get("virtualNetworkGateway1"), "virtualNetworkGateway1")
    match facts.get("connectionType"):
        case "IPsec":
            _named(call, facts.get("localNetworkGateway2"), "localNetworkGateway2")
            if not facts.get("sharedKey"):
                raise _refuse("VpnSharedKeyMissing", "A connection of type IPsec needs a shared key.")
        case "ExpressRoute":
            if not str((facts.get("peer") or {}).get("id", "")).startswith("/subscriptions/"):
                raise _refuse("InvalidRequestFormat", "peer must name a circuit by its id.")
        case kind:
            raise _refuse("InvalidRequestFormat", f"The connectionType {kind!r} is not simulated.")


# Traffic Manager


def _endpoint(profile: Document | None, name: str) -> Document | None:
    rows = properties(profile).get("endpoints") or ()
    return next((dict(row) for row in rows if str(row.get("name", "")).lower() == name.lower()), None)


@routes.route("GET", _ENDPOINT)
def read_endpoint(call: Call) -> Answer:
    call.check_version(f"{PROFILE}/azureEndpoints")
    found = _endpoint(call.view().get(call.parts["profile"]), call.parts["name"])
    if found is None:
        raise resource_not_found(call.path)
    return Answer(body=found)


@routes.route("PUT", _ENDPOINT)
def put_endpoint(call: Call) -> Answer:
    """Its target is a public IP with a DNS label, an app, or a classic cloud service, and exists [K]."""
    kind = f"{PROFILE}/azureEndpoints"
    call.check_version(kind)
    platform, facts = call.platform, call.properties()
    platform.tick()
    profile = platform.store.get(call.parts["profile"])
    if profile is None:
        raise ArmError(404, "ParentResourceNotFound", f"The Traffic Manager profile of '{call.path}' was not found.")
    platform.check_management_lock(str(profile["id"]), "ReadOnly", "write")
    target = _named(call, {"id": facts.get("targetResourceId")}, "targetResourceId")
    target_type = type_in_id(target["id"]).lower()
    if target_type not in ("microsoft.network/publicipaddresses", "microsoft.classiccompute/domainnames"):
        raise _refuse("BadRequest", f"A resource of type {target['type']} cannot be an Azure endpoint.")
    label = (properties(target).get("dnsSettings") or {}).get("domainNameLabel")
    if target_type == "microsoft.network/publicipaddresses" and not label:
        raise _refuse("BadRequest", f"The public IP address {target['id']} has no DNS name.")
    known = _endpoint(profile, call.parts["name"])
    written = {
        "id": f"{profile['id']}/azureEndpoints/{call.parts['name']}",
        "name": known["name"] if known else call.parts["name"],
        "type": kind,
        "properties": {**facts, "targetResourceId": target["id"], "endpointMonitorStatus": "CheckingEndpoint"},
    }
    rows = [dict(row) for row in properties(profile).get("endpoints") or ()]
    others = [row for row in rows if str(row.get("name", "")).lower() != call.parts["name"].lower()]
    platform.store.change(profile["id"], platform.moment, endpoints=[*others, written])
    return Answer(status=200 if known else 201, body=written)
