"""Rules about virtual networks: addresses, peerings, what is in them (azure.md 3.3)."""

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_network
from itertools import pairwise
from operator import itemgetter
from typing import Final, NamedTuple

from migrator.readiness.asking import (
    ask,
    asks_a_person,
    could_not_list,
    fact,
    holds_web_worker,
    only_prepare_tells,
    reading,
    some,
    unsaid,
    until_validated,
)
from migrator.readiness.context import Context
from migrator.readiness.facts import DEPENDENTS, View, web_worker
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
from migrator.resources import UNKNOWN, Network, Resource, VirtualMachine, known

rules: Final = Rules(Scope.NETWORKS)


class Prefix(NamedTuple):
    """An address range as numbers. Sorted, the wider of two that begin alike comes first."""

    version: int
    first: int
    length: int
    last: int


@lru_cache(maxsize=4096)  # private ranges repeat all over an estate
def parsed(text: str) -> tuple[Prefix | None, str]:
    """A prefix, read leniently, and what is wrong with it when it is read strictly ("" when nothing is)."""
    try:
        read = ip_network(text, strict=False)
    except ValueError:
        return None, f"{text} is not an address prefix"
    try:
        ip_network(text, strict=True)
        fault = ""
    except ValueError:
        fault = f"{text} has host bits set"
    return Prefix(read.version, int(read.network_address), read.prefixlen, int(read.broadcast_address)), fault


def _overlaps(prefixes: list[tuple[str, Prefix]]) -> Iterator[str]:
    for (one, a), (two, b) in pairwise(sorted(prefixes, key=itemgetter(1))):
        if a.version == b.version and b.first <= a.last:
            yield f"{one} overlaps {two}"


def address_faults(network: Network) -> list[str] | None:
    """Faults in the known prefixes of a network; None when there is none and something was not said."""
    spaces = () if network.address_prefixes is UNKNOWN else network.address_prefixes
    subnets = () if network.subnets is UNKNOWN else network.subnets
    told = [("address space", text, *parsed(text)) for text in spaces]
    inside = [(s.name, s.address_prefix, *parsed(s.address_prefix)) for s in subnets if s.address_prefix is not UNKNOWN]
    faults = [f"{name}: {fault}" for name, _, _, fault in (*told, *inside) if fault]
    faults += _overlaps([(text, prefix) for _, text, prefix, _ in told if prefix])
    faults += _overlaps([(f"{name} {text}", prefix) for name, text, prefix, _ in inside if prefix])
    if told and all(prefix for _, _, prefix, _ in told):
        faults += [
            f"{name}: {text} lies outside the address space"
            for name, text, prefix, _ in inside
            if prefix and not any(_within(prefix, space) for _, _, space, _ in told)
        ]
    if faults:
        return faults
    silent = UNKNOWN in (network.address_prefixes, network.subnets) or len(inside) < len(subnets)
    return None if silent else []


def _within(inner: Prefix, outer: Prefix) -> bool:
    return inner.version == outer.version and outer.first <= inner.first and inner.last <= outer.last


@rules.add(
    id="VNET-CIDR",
    title="Address ranges which Resource Manager refuses",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement=(
        "Resource Manager reads address ranges more strictly than classic did. Host bits, overlaps and subnets outside "
        "the address space leave the migrated network in a failed state. Local network sites count too."
    ),
    remedy="Correct the address ranges of the network, its subnets and its local network sites before the move.",
    automatable=Automatable.PART,
    sources=sources("vpn-mig"),
)
def _address_ranges(view: View, _context: Context) -> Iterator[Answer]:
    for network in view.networks:
        faults = address_faults(network)
        if faults is None:
            seen = fact("addressSpace", network.address_prefixes)
            yield unknown(network, unsaid(network, "whether all address ranges are sound"), reading(network), seen)
        elif faults:
            sentence = f"{label(network)} has address ranges which Resource Manager refuses: {'; '.join(faults)}."
            yield yes(network, sentence, *(fact("addressPrefix", fault) for fault in faults))


ARM_NETWORK: Final = "microsoft.network/virtualnetworks"


@rules.add(
    id="VNET-PEERING",
    title="Peered network",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement="A peered network cannot be moved. The peering is deleted before and made anew after, on both sides.",
    remedy="Delete the peering, move the network, make the peering anew. What uses it is cut off in between.",
    follow_up="Make the peering anew on both sides, and see it Connected.",
    automatable=Automatable.YES,
    sources=sources("seed0 S0-C8", "cs-td", "vm-ov"),
)
def _peering(view: View, context: Context) -> Iterator[Answer]:
    for network in view.networks:
        peerings = network.peerings
        own = () if peerings is UNKNOWN else peerings
        far = view.index.peered.get(network.key, ())
        arm = [d for d in view.index.dependents.get(network.key, ()) if d.type.lower() == ARM_NETWORK]
        seen = [fact(f"virtualNetworkPeerings/{p.name}", p.remote_network_id) for p in own]
        seen += [fact("peered by", other.id) for other in (*far, *arm)]
        if seen:  # one peering may be seen from both sides
            named = {str(p.remote_network_id).rsplit("/", 1)[-1] for p in own if known(p.remote_network_id)}
            named |= {other.name for other in (*far, *arm)}
            whom = ", ".join(sorted(named)) if named else "a network that Azure does not name"
            yield yes(network, f"{label(network)} is peered with {whom}.", *seen)
        elif peerings is UNKNOWN or not context.could_list(network.subscription, DEPENDENTS):
            silent = fact("virtualNetworkPeerings", UNKNOWN)
            yield unknown(network, unsaid(network, "whether it is peered"), reading(network), silent)


def holds(view: View, context: Context, noun: str, *types: str) -> Iterator[Answer]:
    """YES for Resource Manager resources of some types which name the network."""
    found = list(view.depending(*types))
    for dependent, network in found:
        sentence = f"{noun} {dependent.name} uses virtual network {label(network)}."
        yield yes(network, sentence, Evidence("used by", dependent.id))
    if not found and not context.could_list(view.unit.subscription, DEPENDENTS):
        yield could_not_list(view, "Resources which use virtual networks")


@rules.add(
    id="VNET-ASE",
    title="App Service environment in the network",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement="A network which holds an App Service environment cannot be moved.",
    remedy="Build a new environment in a Resource Manager network, move the apps there, and delete the old one.",
    sources=sources("seed0 S0-C9", "seed1 S1-V9", "cs-td", "vm-ov"),
)
def _app_service_environment(view: View, context: Context) -> Iterator[Answer]:
    return holds(view, context, "App Service environment", "microsoft.web/hostingenvironments")


@rules.add(
    id="VNET-HDI",
    title="HDInsight in the network",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement="A network which holds HDInsight clusters cannot be moved.",
    remedy="Make the cluster anew in a Resource Manager network and delete the old one.",
    sources=sources("seed0 S0-C10", "seed1 S1-V10", "cs-td", "vm-ov"),
)
def _hdinsight(view: View, context: Context) -> Iterator[Answer]:
    return holds(view, context, "HDInsight cluster", "microsoft.hdinsight/clusters")


@rules.add(
    id="VNET-BATCH",
    title="Batch pools in the network",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    also=(Detection.VALIDATE,),
    statement=(
        "A network which holds Batch pools cannot be moved; later pages added this. Pools are not in the inventory, so "
        "silence about them means little until Validate passed."
    ),
    remedy="Delete the pools, or make them anew in a Resource Manager network.",
    sources=sources("cs-ov", "cs-td"),
)
def _batch(view: View, context: Context) -> Iterator[Answer]:
    found = list(
        holds(view, context, "Batch account", "microsoft.batch/batchaccounts", "microsoft.batch/batchaccounts/pools")
    )
    yield from found
    if not found and not context.validated():
        yield until_validated(view, context, "It is not known whether Batch pools run in {unit}.")


@rules.add(
    id="VNET-APIM",
    title="API Management in the network",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement="A network which holds API Management cannot be moved.",
    remedy="Give API Management another virtual network first; this is described as free of downtime.",
    follow_up="Put API Management back into the migrated network where it is needed.",
    automatable=Automatable.PART,
    sources=sources("seed0 S0-C11", "cs-td", "vm-ov"),
)
def _api_management(view: View, context: Context) -> Iterator[Answer]:
    return holds(view, context, "API Management", "microsoft.apimanagement/service")


@rules.add(
    id="VNET-APPGW",
    title="Application Gateway in the network",
    effect=Effect.BLOCKS,
    detection=Detection.VALIDATE,
    also=(Detection.API,),
    statement=(
        "A network which holds an Application Gateway cannot be moved. The classic gateway is seen by Validate only."
    ),
    remedy="Remove the Application Gateway before the move and make it anew afterwards.",
    follow_up="Make the Application Gateway anew.",
    automatable=Automatable.PART,
    sources=sources("seed0 S0-C14", "cs-td", "vm-ov", "vm-err E47"),
    fragments=(("non-gateway paas deployments",),),
)
def _application_gateway(view: View, context: Context) -> Iterator[Answer]:
    found = list(holds(view, context, "Application Gateway", "microsoft.network/applicationgateways"))
    yield from found
    if not found and not context.validated():
        yield until_validated(view, context, "It is not known whether an Application Gateway is in {unit}.")


rules.add(
    id="VNET-DYNLCS",
    title="Machines of Dynamics Lifecycle Services",
    effect=Effect.BLOCKS,
    detection=Detection.ATTEST,
    applies=lambda view: bool(view.machines),
    statement=(
        "A network with virtual machines which Dynamics Lifecycle Services manages cannot be moved. No API tells "
        "them apart."
    ),
    remedy="Ask the Dynamics administrators; such environments are deployed anew by Lifecycle Services.",
    sources=sources("seed1 S1-V11", "vm-ov"),
)(asks_a_person("does Dynamics Lifecycle Services manage virtual machines in {unit}?"))


@rules.add(
    id="VNET-MIXED",
    title="Web/worker roles beside virtual machines",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement="A network with both web/worker roles and virtual machines cannot be moved.",
    remedy="Move one kind into another virtual network first. What is moved is interrupted.",
    sources=sources("seed0 S0-D7", "seed1 S1-V7", "cs-td", "vm-ov"),
)
def _mixed(view: View, _context: Context) -> Iterator[Answer]:
    told = both(view.web_worker, bool(view.machines))
    strays: list[Resource] = []
    if told is False:  # what may lie in the network unseen could be of the other kind
        deployments, machines = view.strays()
        strays = [*(d for d in deployments if view.machines and web_worker(d) is not False)]
        strays += machines if view.web_worker is not False else []
    return ask(
        view.networks,
        lambda _: UNKNOWN if strays else told,
        lambda n: f"{label(n)} holds web/worker roles and {some(len(view.machines), 'virtual machine')}.",
        lambda n: [
            fact("cloudServices", tuple(s.resource.name for s in view.services if s.web_worker is not False)),
            fact("virtualMachines", tuple(m.name for m in view.machines[:20])),
            *(fact("network not known", label(stray)) for stray in strays[:20]),
        ],
        "whether it holds web/worker roles beside virtual machines",
    )


@rules.add(
    id="VNET-SUBNET-SPACES",
    title="Subnet name with a space",
    effect=Effect.BLOCKS,
    detection=Detection.VALIDATE,
    also=(Detection.API,),
    statement=(
        "In 2016 subnets with a space in their name blocked the move. Later pages are silent, so Validate decides."
    ),
    remedy="Run Validate; rename the subnet only if it complains.",
    sources=sources("seed1 S1-V8", "vm-ov"),
    superseded=(
        Superseded(
            "seed1",
            2016,
            "Subnets whose name contains a space are not supported.",
            "The statement is gone from the published list.",
        ),
    ),
)
def _spaces(view: View, context: Context) -> Iterator[Answer]:
    for network in view.networks:
        spaced = () if network.subnets is UNKNOWN else tuple(s.name for s in network.subnets if " " in s.name)
        if (network.subnets is UNKNOWN or spaced) and not context.validated():
            what = f"whether the space in {', '.join(spaced)} matters" if spaced else "how the subnets are named"
            seen = fact("subnets", spaced or UNKNOWN)
            yield unknown(network, unsaid(network, what), until_validated(view, context, "").settles, seen)


rules.add(
    id="VNET-LB-RULES",
    title="Load-balancer rules",
    effect=Effect.BLOCKS,
    detection=Detection.PREPARE,
    statement=(
        "Prepare checks whether the load-balancer rules hold across the deployment and the network. Validate does not."
    ),
    remedy="When Prepare refuses them: Abort, put the endpoints right, and Prepare again.",
    sources=sources("vm-dd"),
    applies=lambda view: bool(view.services or view.machines),
)(only_prepare_tells("It is not known whether the load-balancer rules of {unit} hold."))


@rules.add(
    id="VNET-PRIVATE-IP-CLASH",
    title="Private address used twice",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    also=(Detection.PREPARE,),
    applies=lambda view: bool(view.machines),
    statement=(
        "Machines of one network with the same static private address, of which one is stopped, make Prepare fail."
    ),
    remedy="Give one of the machines another static address.",
    automatable=Automatable.PART,
    sources=sources("vm-dd"),
)
def _address_clash(view: View, _context: Context) -> Iterator[Answer]:
    users: dict[str, list[str]] = {}
    silent = bool(view.strays()[1])
    for machine in view.machines:
        silent = silent or machine.static_address is UNKNOWN
        if isinstance(machine.static_address, str):
            users.setdefault(machine.static_address, []).append(machine.name)

    def test(machine: VirtualMachine) -> Tri:
        if machine.static_address is UNKNOWN:
            return UNKNOWN
        if len(users.get(machine.static_address or "", [])) > 1:
            return True
        return UNKNOWN if machine.static_address and silent else False

    return ask(
        view.machines,
        test,
        lambda m: f"{m.name} shares the static address {m.static_address} with another machine of the network.",
        lambda m: [fact("staticIpAddress", m.static_address), fact("powerState", m.power_state)],
        "whether another machine has the same static address",
    )


def _guarded(view: View) -> Tri:
    return any_of(
        within(n.subnets, lambda s: either(when(s.network_security_group, bool), when(s.route_table, bool)))
        for n in view.networks
    )


@rules.add(
    id="VNET-NSG-LOCK",
    title="Security groups and route tables are cloned",
    effect=Effect.INFO,
    detection=Detection.API,
    statement=(
        "Security groups and route tables are cloned. The classic ones stay, and are locked while the move lasts."
    ),
    remedy="Delete the classic ones when nothing classic uses them any longer.",
    sources=sources("seed1 S1-U6", "vm-dd"),
)
def _cloned(view: View, _context: Context) -> Iterator[Answer]:
    for network in view.networks:
        guarded = _guarded(view)
        if guarded is UNKNOWN:
            yield unknown(network, unsaid(network, "what guards its subnets"), reading(network))
        elif guarded:
            groups = tuple(s.network_security_group or s.route_table for s in network.subnets)
            sentence = f"Security groups or route tables of {label(network)} are cloned, and locked meanwhile."
            yield yes(network, sentence, fact("subnets", groups))


@rules.add(
    id="VNET-OK-AADDS",
    title="Entra Domain Services in the network",
    effect=Effect.INFO,
    detection=Detection.API,
    statement=(
        "A network with Entra Domain Services can be moved after the domain service itself was migrated by its own way."
    ),
    remedy="Migrate Entra Domain Services first; move the network when only cloud services are left in it.",
    sources=sources("seed0 S0-B1", "cs-ov", "vm-ov", "vnet-ps"),
    superseded=(
        Superseded(
            "seed0",
            2020,
            "Networks with Azure AD Domain Services are supported.",
            "The domain service has to be migrated separately, first.",
        ),
    ),
)
def _domain_services(view: View, context: Context) -> Iterator[Answer]:
    return holds(view, context, "Entra Domain Services", "microsoft.aad/domainservices")


@rules.add(
    id="VNET-OK-MULTI-CS",
    title="Several cloud services in the network",
    effect=Effect.INFO,
    detection=Detection.API,
    statement="Several cloud services in one network are supported. They move together, one after the other.",
    remedy="Tell the owners of all of them; the window has to fit the whole network.",
    sources=sources("seed0 S0-B5", "cs-ov", "cs-td"),
)
def _several_services(view: View, _context: Context) -> Iterator[Answer]:
    for stray in [thing for things in view.strays() for thing in things][:20]:
        sentence = f"It is not known whether {label(stray)} is in {view.unit.name} and would move with it."
        yield unknown(stray, sentence, reading(stray), fact("virtualNetwork", UNKNOWN))
    if len(view.services) > 1:
        names = tuple(s.resource.name for s in view.services)
        yield yes(view.unit, f"{len(names)} cloud services move with {view.unit.name}.", fact("cloudServices", names))


def _portal_made(network: Network) -> Tri:
    if network.name.startswith("Group "):
        return True
    return when(network.site_name, lambda name: name.startswith("Group "))


@rules.add(
    id="VNET-OK-PORTAL",
    title="Portal-made network changes its name",
    effect=Effect.CHANGES,
    detection=Detection.API,
    statement=(
        "A network made in the portal is called Group, group and name in service management. It becomes group-, group "
        "and name in Resource Manager, and the configuration files have to name it by its id."
    ),
    remedy="Nothing before the move; take the rewritten configuration file afterwards.",
    follow_up="Name the network by its id in the configuration files.",
    automatable=Automatable.YES,
    sources=sources("seed0 S0-B6", "cs-ov", "cs-td"),
)
def _portal(view: View, _context: Context) -> Iterator[Answer]:
    return ask(
        view.networks,
        _portal_made,
        lambda n: f"{label(n)} was made in the portal and becomes group-{n.resource_group}-{label(n)}.",
        lambda n: [fact("siteName", n.site_name)],
        "whether it was made in the portal",
    )


@rules.add(
    id="VNET-OK-MULTI-SUBNET",
    title="Roles in different subnets",
    effect=Effect.INFO,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="Roles of one deployment in different subnets are supported.",
    remedy="Nothing.",
    sources=sources("seed0 S0-B7", "cs-ov"),
)
def _several_subnets(view: View, _context: Context) -> Iterator[Answer]:
    used = {name for role, _ in view.web_roles if role.subnets is not UNKNOWN for name in role.subnets}
    if len(used) > 1:
        yield yes(
            view.unit, f"Roles of {view.unit.name} use {len(used)} subnets.", fact("subnets", tuple(sorted(used)))
        )
    elif any(role.subnets is UNKNOWN for role, _ in view.web_roles) or view.untold:
        settles = "Nothing has to be settled: supported either way."
        yield unknown(view.unit, f"It is not known which subnets the roles of {view.unit.name} use.", settles)


@rules.add(
    id="VNET-PORTAL-NAME-404",
    title="Commands need the long name",
    effect=Effect.INFO,
    detection=Detection.API,
    statement=(
        "Service management knows a portal-made network only by its long name; the short one is answered with not "
        "found."
    ),
    remedy="This product uses the network's id. In PowerShell give the long name, in quotes.",
    automatable=Automatable.YES,
    sources=sources("vm-err E33"),
    fragments=(("the virtual network", "does not exist"),),
)
def _long_name(view: View, _context: Context) -> Iterator[Answer]:
    return ask(
        view.networks,
        _portal_made,
        lambda n: f"In service management {label(n)} is called “Group {n.resource_group} {label(n)}”.",
        lambda n: [fact("siteName", n.site_name)],
        "whether it was made in the portal",
    )
