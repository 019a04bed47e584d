"""Rules about the gateways of virtual networks and what they connect (azure.md 3.3)."""

from collections.abc import Iterator
from typing import Final

from migrator.readiness.asking import (
    ask,
    fact,
    nobody_tells,
    reading,
    unsaid,
)
from migrator.readiness.context import Context
from migrator.readiness.facts import View
from migrator.readiness.rule import (
    Answer,
    Automatable,
    Detection,
    Effect,
    Evidence,
    Rules,
    Scope,
    Superseded,
    label,
    unknown,
    yes,
)
from migrator.readiness.sources import sources
from migrator.readiness.three import Tri, any_of, both, either, when, within
from migrator.resources import UNKNOWN, Gateway, Network

rules: Final = Rules(Scope.NETWORKS)


def kind_is(kind: str, gateway: Gateway) -> Tri:
    return when(gateway.gateway_type, lambda text: text.lower() == kind)


def has_gateway(view: View, kind: str) -> Tri:
    """Whether the network has a gateway of a kind ("vpn", "expressroute")."""
    return any_of(within(n.gateways, lambda g: kind_is(kind, g)) for n in view.networks)


def gateway_evidence(gateway: Gateway) -> list[Evidence]:
    return [fact(f"gateways/{gateway.name}.gatewayType", gateway.gateway_type)]


def unread_gateways(view: View, wonders: str, effect: Effect | None = None) -> Iterator[Answer]:
    for network in view.networks:
        if network.gateways is UNKNOWN:
            seen = fact("gateways", UNKNOWN)
            yield unknown(network, unsaid(network, wonders), reading(network), seen, effect=effect)


def gateway_decided_by_content(view: View, kind: str, noun: str) -> Iterator[Answer]:
    """Web/worker roles: the gateway has to go first. Machines only: it moves along (vm-ov, vpn-mig)."""
    for gateway in (g for n in view.networks if n.gateways is not UNKNOWN for g in n.gateways):
        told, seen = kind_is(kind, gateway), gateway_evidence(gateway)
        if told is False:
            continue
        if view.web_worker is False:
            sentence = f"{noun} {label(gateway)} moves with the network, which holds no web/worker roles."
            if told is UNKNOWN:
                yield unknown(
                    gateway, unsaid(gateway, "of which kind it is"), reading(gateway), *seen, effect=Effect.INFO
                )
            else:
                yield yes(gateway, sentence, *seen, effect=Effect.INFO)
        elif both(told, view.web_worker) is True:
            sentence = f"{noun} {label(gateway)} has to be removed first: the network holds web/worker roles."
            yield yes(gateway, sentence, *seen)
        else:
            wonders = "whether it is in the way: its kind, or what the network holds, was not said"
            yield unknown(gateway, unsaid(gateway, wonders), reading(gateway), *seen)
    effect = Effect.INFO if view.web_worker is False else None
    yield from unread_gateways(view, "which gateways the network has", effect)


@rules.add(
    id="VNET-VPN-GW",
    title="VPN gateway",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement=(
        "A network with web/worker roles moves only without its VPN gateway. A network with virtual machines "
        "alone takes "
        "the gateway along, which keeps its address."
    ),
    remedy=(
        "With web/worker roles: keep the gateway's settings and keys, remove it, move, and make it anew; its address "
        "changes, so the devices at the other end have to be told."
    ),
    follow_up="Make the VPN gateway and its connections anew, and give the new address to the other end.",
    automatable=Automatable.PART,
    sources=sources("seed0 S0-C3", "seed1 S1-U8", "cs-td", "vm-ov", "vpn-mig"),
    superseded=(
        Superseded(
            "seed1",
            2016,
            "Virtual network gateways are not supported.",
            "Gateways of networks with virtual machines alone move along, without interruption of the data path.",
        ),
    ),
)
def _vpn_gateway(view: View, _context: Context) -> Iterator[Answer]:
    return gateway_decided_by_content(view, "vpn", "VPN gateway")


@rules.add(
    id="VNET-ER-GW",
    title="ExpressRoute gateway",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement=(
        "A network with web/worker roles moves only without its ExpressRoute gateway. A network with virtual machines "
        "alone takes it along when the circuit is in the same subscription."
    ),
    remedy="With web/worker roles: remove the gateway, move, and make it anew and link the circuit.",
    follow_up="Make the ExpressRoute gateway anew and link the circuit.",
    automatable=Automatable.PART,
    sources=sources("seed0 S0-C4", "seed1 S1-U8", "cs-td", "vm-ov"),
    superseded=(
        Superseded(
            "seed1",
            2016,
            "Virtual network gateways are not supported.",
            "With virtual machines alone the gateway moves along when its circuit is in the same subscription.",
        ),
    ),
)
def _expressroute_gateway(view: View, _context: Context) -> Iterator[Answer]:
    return gateway_decided_by_content(view, "expressroute", "ExpressRoute gateway")


def gateways_of(view: View) -> list[Gateway]:
    return [g for n in view.networks if n.gateways is not UNKNOWN for g in n.gateways]


@rules.add(
    id="VNET-ER-GW-XSUB",
    title="ExpressRoute circuit of another subscription",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    also=(Detection.ATTEST,),
    statement="A gateway linked by authorization to a circuit in another subscription cannot be moved.",
    remedy="Remove the gateway, move the network, and make the gateway anew; the connection is interrupted meanwhile.",
    follow_up="Make the gateway anew and link the other subscription's circuit.",
    automatable=Automatable.PART,
    sources=sources("seed0 S0-C4", "vm-ps", "vm-plan", "vm-faq"),
)
def _foreign_circuit(view: View, _context: Context) -> Iterator[Answer]:
    def test(gateway: Gateway) -> Tri:
        def foreign(owner: str | None) -> bool:
            return bool(owner) and str(owner).lower() != gateway.subscription

        return both(kind_is("expressroute", gateway), when(gateway.circuit_subscription, foreign))

    yield from ask(
        gateways_of(view),
        test,
        lambda g: f"{label(g)} is linked to a circuit of subscription {g.circuit_subscription}.",
        lambda g: [*gateway_evidence(g), fact(f"gateways/{g.name}.circuitSubscriptionId", g.circuit_subscription)],
        "whether its circuit is in another subscription",
    )
    yield from unread_gateways(view, "whether a gateway uses another subscription's circuit")


@rules.add(
    id="VNET-ER-CIRCUIT",
    title="Classic ExpressRoute circuit",
    effect=Effect.BLOCKS,
    detection=Detection.ATTEST,
    statement="Classic ExpressRoute circuits have to be moved to Resource Manager before any network which uses them.",
    remedy="Move the circuit to Resource Manager first, with access from both models while the programme lasts.",
    sources=sources("seed0 S0-C12", "cs-td", "vm-ov"),
)
def _classic_circuit(view: View, _context: Context) -> Iterator[Answer]:
    if has_gateway(view, "expressroute") is not False:
        yield nobody_tells(view, "is the ExpressRoute circuit of {unit}, if it has one, still a classic one?")


@rules.add(
    id="VNET-ER-COEXIST",
    title="One circuit serves both models",
    effect=Effect.INFO,
    detection=Detection.API,
    statement="A circuit in Resource Manager can serve classic networks too: no second circuit has to be bought.",
    remedy="Allow classic access on the circuit while the programme lasts.",
    sources=sources("seed1 S1-F6", "vm-faq"),
)
def _coexistence(view: View, _context: Context) -> Iterator[Answer]:
    if has_gateway(view, "expressroute") is True:
        yield yes(view.unit, f"The circuit of {view.unit.name} can serve classic and migrated networks together.")


@rules.add(
    id="VNET-ER-AND-VPN",
    title="ExpressRoute and VPN gateway together",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    also=(Detection.PREPARE,),
    statement=(
        "A network with both an ExpressRoute and a VPN gateway is not supported. Validate does not notice; Prepare "
        "fails."
    ),
    remedy="Remove one of the gateways, move, and make it anew.",
    follow_up="Make the removed gateway anew.",
    automatable=Automatable.PART,
    sources=sources("vm-dd", "vpn-mig", "vnet-ps"),
)
def _both_gateways(view: View, _context: Context) -> Iterator[Answer]:
    def test(network: Network) -> Tri:
        vpn = within(network.gateways, lambda g: kind_is("vpn", g))
        return both(vpn, within(network.gateways, lambda g: kind_is("expressroute", g)))

    return ask(
        view.networks,
        test,
        lambda n: f"{label(n)} has an ExpressRoute gateway and a VPN gateway.",
        _gateway_list,
        "whether it has both kinds of gateway",
    )


def _gateway_list(network: Network) -> list[Evidence]:
    if network.gateways is UNKNOWN:
        return [fact("gateways", UNKNOWN)]
    return [seen for gateway in network.gateways for seen in gateway_evidence(gateway)]


@rules.add(
    id="VNET-GW-DISCONNECTED",
    title="Gateway connection is down",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    also=(Detection.PREPARE,),
    statement="A gateway with a connection which is not connected makes Prepare fail. Validate does not notice.",
    remedy="Bring the connection up, or delete it, before Prepare.",
    sources=sources("vm-dd"),
)
def _disconnected(view: View, _context: Context) -> Iterator[Answer]:
    def down(state: str) -> Tri:
        return UNKNOWN if state.lower() == "unknown" else state.lower() != "connected"

    yield from ask(
        gateways_of(view),
        lambda g: within(g.connections, lambda connection: down(connection[1])),
        lambda g: f"A connection of {label(g)} is not connected.",
        lambda g: [fact(f"gateways/{g.name}.connections", _states(g))],
        "whether its connections are up",
    )
    yield from unread_gateways(view, "whether a gateway connection is down")


def _states(gateway: Gateway) -> object:
    if gateway.connections is UNKNOWN:
        return UNKNOWN
    return tuple(f"{name or 'connection'}: {state}" for name, state in gateway.connections)


@rules.add(
    id="VNET-TRANSIT-VPN",
    title="Transit between sites is lost",
    effect=Effect.CHANGES,
    detection=Detection.ATTEST,
    statement="Sites which reach each other through the classic gateway no longer do so after the move.",
    remedy="Enable BGP on a gateway of the Standard SKU or better, or add a direct connection between the sites.",
    follow_up="Connect the sites directly, or through BGP.",
    sources=sources("vpn-mig"),
)
def _transit(view: View, _context: Context) -> Iterator[Answer]:
    several = any_of(
        both(kind_is("vpn", g), when(g.connections, lambda connections: len(connections) > 1))
        for g in gateways_of(view)
    )
    if either(several, UNKNOWN if any(n.gateways is UNKNOWN for n in view.networks) else False) is not False:
        yield nobody_tells(view, "do sites reach each other through the gateway of {unit}?")
