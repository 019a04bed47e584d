"""A gateway that was removed before the move, made again with its connections (azure.md 6.6, rules VNET-VPN-GW and
VNET-ER-GW).

One that migrates with its network needs none of this: it keeps its address. Field names of the requests are general
knowledge [K]. What nobody but a person knows is asked: the size, the device at the other end, its ranges, the key.
"""

import ipaddress
from collections.abc import Mapping
from typing import Any, Final

from migrator.counterparts import Id, group_of
from migrator.followups.draft import Draft
from migrator.followups.values import AnswerRefused, Choice, Kind, Probe, Question, RequiredFollowUp, Stage
from migrator.resources import ArmRequest, subscription_of

VERSION: Final = "2026-03-01"  # azure.md 6.6 [V]
LEAVE: Final = "leave"
_MINUTES: Final = 60  # a gateway takes half an hour and more [K]
_LEFT_OUT: Final = (Choice(LEAVE, "Leave this connection out; it is not needed any more"),)
# Sizes on sale in 2026 [K]; the classic ones (Basic, Standard, High performance) have no counterpart of the same name.
_SIZES: Final = {"Vpn": ("VpnGw1AZ", "VpnGw2AZ", "VpnGw3AZ"), "ExpressRoute": ("ErGw1AZ", "ErGw2AZ", "ErGw3AZ")}
_VPN_TYPES: Final = {"routebased": "RouteBased", "dynamicrouting": "RouteBased",
                     "policybased": "PolicyBased", "staticrouting": "PolicyBased"}  # fmt: skip


def build(draft: Draft) -> RequiredFollowUp:
    """An address, the gateway, then of each connection the site and the connection itself. `basis["network"]`: the
    classic network."""
    network = draft.new_id(str(draft.basis["network"]))
    kind = _kind(draft)
    size = _size(draft, kind)
    stages: list[Stage] = []
    gateway = ""
    if network and kind:
        group, location = group_of(network), draft.location(network, draft.document.get("location"))
        called = f"{network.rsplit('/', 1)[-1]}-{'vpn' if kind == 'Vpn' else 'er'}"
        address = f"{group}/providers/Microsoft.Network/publicIPAddresses/{called}-ip"
        gateway = f"{group}/providers/Microsoft.Network/virtualNetworkGateways/{called}"
        if size:
            stages.append(
                _stage(address, location, {"publicIPAllocationMethod": "Static"}, {}, sku={"name": "Standard"})
            )
            stages.append(_gateway(draft, gateway, location, kind, size, address, f"{network}/subnets/GatewaySubnet"))
        for name in _connections(draft):
            stages += _connection(draft, name, kind, group, location, gateway)
    if _clients(draft):
        draft.note(
            "Computers dialled in through the old gateway: the certificates by which they are known are not kept here; "
            "set point-to-site up on the new gateway and give its profile to everybody."
        )
    if kind == "Vpn":
        draft.note(
            "The new gateway has a new public address: the device at each other end has to be told of it, and until "
            "then the connection exists but carries nothing."
        )
    if draft.basis.get("doubt"):
        draft.note(str(draft.basis["doubt"]))
    return draft.finished(
        kind=Kind.GATEWAY,
        title=f"Make the {'ExpressRoute' if kind == 'ExpressRoute' else 'VPN'} gateway of {_last(draft)} again",
        new_target=gateway,
        rules=("VNET-ER-GW",) if kind == "ExpressRoute" else ("VNET-VPN-GW",),
        sources=("azure.md 6.6", "seed0 rows C3 and C4 (2020)", "cs-td"),
        what_was=_facts(draft),
        stages=stages,
    )


def _last(draft: Draft) -> str:
    return str(draft.basis["network"]).rsplit("/", 1)[-1]


def _kind(draft: Draft) -> str | None:
    told = str(draft.properties.get("gatewayType") or "").lower()
    known = {"vpn": "Vpn", "expressroute": "ExpressRoute"}.get(told)
    if known:
        return known
    choices = (Choice("Vpn", "A VPN gateway"), Choice("ExpressRoute", "An ExpressRoute gateway"))
    return draft.ask(Question(id="kind", text="Which kind of gateway was it? It was not told.", choices=choices))


def _size(draft: Draft, kind: str | None) -> str | None:
    was = str(draft.properties.get("sku") or "not told")
    choices = tuple(Choice(size, size) for size in _SIZES.get(kind or "", ()))
    question = Question(
        id="size",
        text=f"Which size should it have? The classic one was {was}; sizes of that name are no longer sold [K]. "
        "It decides what it costs and how much it carries.",
        choices=choices,
        free=True,
        hint="The name of a gateway SKU, such as VpnGw2AZ.",
    )
    return draft.ask(question, _sku)


def _sku(text: str) -> str:
    if not text.isalnum() or len(text) > 40:
        raise AnswerRefused(f"{text[:60]!r} is not the name of a gateway SKU, such as VpnGw2AZ.")
    return text


def _vpn_type(draft: Draft) -> str | None:
    told = _VPN_TYPES.get(str(draft.properties.get("vpnType") or "").lower())
    if told:
        return told
    choices = (Choice("RouteBased", "Route-based (dynamic)"), Choice("PolicyBased", "Policy-based (static)"))
    return draft.ask(Question(id="vpn-type", text="How did it route? It was not told.", choices=choices))


def _gateway(
    draft: Draft, gateway: str, location: Any, kind: str, size: str, address: str, subnet: str
) -> Stage:  # fmt: skip
    place = {"publicIPAddress": {"id": address}, "subnet": {"id": subnet}, "privateIPAllocationMethod": "Dynamic"}
    properties: dict[str, Any] = {
        "gatewayType": kind,
        "sku": {"name": size, "tier": size},
        "ipConfigurations": [{"name": "default", "properties": place}],
    }
    expect: dict[str, Any] = {"properties.gatewayType": kind, "properties.sku.name": size}
    if kind == "Vpn":
        properties |= {"vpnType": _vpn_type(draft), "enableBgp": False}
        expect["properties.vpnType"] = properties["vpnType"]
    return _stage(gateway, location, properties, expect, minutes=_MINUTES)


def _connections(draft: Draft) -> list[str]:
    rows = draft.properties.get("connections")
    names = [str(row.get("name") or "") for row in rows or () if isinstance(row, Mapping)]
    if not names and draft.properties.get("circuitSubscriptionId"):
        return ["circuit"]
    return [name for name in dict.fromkeys(names) if name]


def _connection(draft: Draft, name: str, kind: str, group: str, location: Any, gateway: str) -> list[Stage]:
    path = f"{group}/providers/Microsoft.Network/connections/{gateway.rsplit('/', 1)[-1]}-{_plain(name)}"
    if kind == "ExpressRoute":
        return _to_circuit(draft, name, path, location, gateway)
    site = f"{group}/providers/Microsoft.Network/localNetworkGateways/{_plain(name)}"
    return _to_site(draft, name, path, location, gateway, site)


def _to_circuit(draft: Draft, name: str, path: str, location: Any, gateway: str) -> list[Stage]:
    question = Question(
        id=f"circuit:{name.lower()}",
        text=f"Which ExpressRoute circuit does the connection {name} go to?",
        choices=_LEFT_OUT,
        free=True,
        hint="The full id of a circuit: /subscriptions/…/Microsoft.Network/expressRouteCircuits/{name}.",
    )
    circuit = draft.ask(question, _circuit)
    if circuit is None or circuit == LEAVE:
        return []
    properties = {"connectionType": "ExpressRoute", "virtualNetworkGateway1": {"id": gateway}}
    properties["peer"] = {"id": circuit}
    if subscription_of(circuit) != subscription_of(gateway):
        key = Question(
            id=f"authorization:{name.lower()}",
            text="The circuit is in another subscription. With which authorization key?",
            free=True,
            hint="The key which the owner of the circuit made for this network.",
            secret=True,
        )
        properties["authorizationKey"] = draft.ask(key)  # type: ignore[assignment]
    expect = {"properties.connectionType": "ExpressRoute", "properties.virtualNetworkGateway1.id": gateway}
    return [_stage(path, location, properties, expect | {"properties.peer.id": circuit}, minutes=_MINUTES)]


def _to_site(draft: Draft, name: str, path: str, location: Any, gateway: str, site: str) -> list[Stage]:
    question = Question(
        id=f"address:{name.lower()}",
        text=f"Which public address has the device at the other end of the connection {name}?",
        choices=_LEFT_OUT,
        free=True,
        hint="An IPv4 address, such as 203.0.113.7.",
    )
    address = draft.ask(question, _address)
    if address == LEAVE:
        return []
    question = Question(
        id=f"ranges:{name.lower()}",
        text=f"Which address ranges lie behind the connection {name}?",
        free=True,
        hint="Ranges with commas between, such as 192.168.0.0/16, 172.16.4.0/24.",
    )
    ranges = draft.ask(question, _ranges)
    question = Question(
        id=f"key:{name.lower()}",
        text=f"What is the shared key of the connection {name}? It was never read and is not kept here in the open.",
        free=True,
        hint="The same key as on the device at the other end.",
        secret=True,
    )
    key = draft.ask(question)
    if not address or not ranges or not key:
        return []
    prefixes = ranges.split(",")
    facts = {"gatewayIpAddress": address, "localNetworkAddressSpace": {"addressPrefixes": prefixes}}
    seen = {f"properties.{key}": value for key, value in facts.items()}
    joined = {
        "connectionType": "IPsec",
        "virtualNetworkGateway1": {"id": gateway},
        "localNetworkGateway2": {"id": site},
        "sharedKey": key,
    }
    expect = {
        "properties.connectionType": "IPsec",
        "properties.virtualNetworkGateway1.id": gateway,
        "properties.localNetworkGateway2.id": site,
    }
    return [_stage(site, location, facts, seen), _stage(path, location, joined, expect, minutes=_MINUTES)]


def _stage(
    path: str,
    location: Any,
    properties: Mapping[str, Any],
    expect: Mapping[str, Any],
    *,
    sku: Mapping[str, str] | None = None,
    minutes: int = 0,
) -> Stage:
    body: dict[str, Any] = {"location": location, "properties": dict(properties)} | ({"sku": sku} if sku else {})
    return Stage(
        request=ArmRequest(method="PUT", path=path, api_version=VERSION, body=body),
        probe=Probe(
            request=ArmRequest(method="GET", path=path, api_version=VERSION),
            expect={"properties.provisioningState": "Succeeded", **expect},
        ),
        minutes=minutes,
    )


def _plain(name: str) -> str:
    """A name of a resource: what classic names may have and new ones may not becomes a hyphen [K]."""
    kept = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name).strip(".-")
    return kept[:70] or "connection"


def _clients(draft: Draft) -> bool:
    return bool(draft.basis.get("clients"))


def _facts(draft: Draft) -> list[str]:
    told = draft.properties
    lines = [f"Kind: {told.get('gatewayType') or 'not told'}, size {told.get('sku') or 'not told'}"]
    if told.get("vipAddress"):
        lines.append(f"Address: {told['vipAddress']} (is not kept)")
    for row in told.get("connections") or ():
        if isinstance(row, Mapping):
            lines.append(f"Connection {row.get('name')}: {row.get('connectivityState') or 'state not told'}")
    if told.get("circuitSubscriptionId"):
        lines.append(f"Circuit of subscription {told['circuitSubscriptionId']}")
    return lines


def _circuit(text: str) -> str:
    parsed = Id.parse(text)
    if parsed is None or parsed.type.lower() != "microsoft.network/expressroutecircuits":
        raise AnswerRefused(
            f"{text[:120]!r} is not the id of a circuit: it ends in /Microsoft.Network/expressRouteCircuits/{{name}}. "
            "A classic circuit has to be moved to Resource Manager first (rule VNET-ER-CIRCUIT)."
        )
    return text.rstrip("/")


def _address(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise AnswerRefused(f"{text[:60]!r} is not an IPv4 address, such as 203.0.113.7.") from None


def _ranges(text: str) -> str:
    found = [part.strip() for part in text.split(",") if part.strip()]
    for part in found:
        try:
            ipaddress.IPv4Network(part)
        except ValueError as error:
            raise AnswerRefused(f"{part[:60]!r} is not an address range: {error}.") from None
    if not found:
        raise AnswerRefused("Name one address range or more, with commas between.")
    return ",".join(found)
