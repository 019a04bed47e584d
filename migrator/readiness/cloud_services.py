"""Rules about cloud services with web and worker roles which stop a move or interrupt the service (azure.md 3.2)."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from migrator.messages import normalise
from migrator.readiness.asking import (
    ask,
    ask_deployments,
    fact,
    holds_web_worker,
    only_validate_tells,
    some,
    until_validated,
)
from migrator.readiness.context import Context
from migrator.readiness.engine import attestation_evidence
from migrator.readiness.facts import Service, View, web_worker
from migrator.readiness.platform import matches
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
from migrator.readiness.three import Tri, any_of, both, either, negate, when, within
from migrator.resources import UNKNOWN, Deployment, Slot, Unknown, VirtualIp
from migrator.units import UnitKind

rules: Final = Rules(Scope.CLOUD_SERVICES)

DEFAULT_NETWORKS_SINCE: Final = datetime(2019, 1, 1, tzinfo=UTC)  # the later of two published dates: end of 2018
STEADY: Final = frozenset({"running", "suspended"})


def reserved(vip: VirtualIp) -> Tri:
    """Whether a virtual IP is a reserved one. A name of a reserved address says so; its absence alone does not."""
    if isinstance(vip.reserved_ip_name, str):
        return True
    return vip.reserved


def holds_reserved(deployment: Deployment) -> Tri:
    return within(deployment.virtual_ips, reserved)


def slots_evidence(service: Service) -> list[Evidence]:
    seen = [fact(f"slots/{d.slot}.slotType", d.slot_type) for d in service.deployments]
    return seen if service.whole else [*seen, fact("slots", UNKNOWN)]


def two_slots(service: Service) -> Tri:
    """Whether both slots hold web/worker deployments."""
    held = [service.slot(Slot.PRODUCTION), service.slot(Slot.STAGING)]
    if all(held):
        return both(*(web_worker(d) for d in held if d))
    return False if service.whole or service.web_worker is False else UNKNOWN


def ask_services(
    view: View,
    test: Callable[[Service], Tri],
    says: Callable[[Service], str],
    shows: Callable[[Service], list[Evidence]],
    wonders: str,
) -> Iterator[Answer]:
    """`asking.ask` over cloud services."""
    by_key = {service.resource.key: service for service in view.services}
    return ask(
        [service.resource for service in view.services],
        lambda r: test(by_key[r.key]),
        lambda r: says(by_key[r.key]),
        lambda r: shows(by_key[r.key]),
        wonders,
    )


def vips_evidence(service: Service) -> list[Evidence]:
    seen = slots_evidence(service)
    for deployment in service.deployments:
        vips = deployment.virtual_ips
        told = UNKNOWN if vips is UNKNOWN else tuple(vip.reserved_ip_name for vip in vips)
        seen.append(fact(f"slots/{deployment.slot}.virtualIps.reservedIpName", told))
    return seen


SWAP_LATER: Final = "Deploy staging again as a second cloud service (extended support), swappable with the first."


@rules.add(
    id="CS-TWO-SLOTS-DYN",
    title="Both slots occupied, dynamic addresses",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_web_worker,
    statement=(
        "A cloud service whose production and staging slots are both occupied cannot be moved. Staging has to go; "
        "production then moves alone, and staging is deployed anew afterwards."
    ),
    remedy="Keep the package and configuration of staging, delete the staging deployment, and move production.",
    follow_up=SWAP_LATER,
    automatable=Automatable.PART,
    sources=sources("seed0 S0-D2", "seed0 S0-B2", "cs-td", "cs-err E09"),
    fragments=(("two occupied slots",),),
)
def _two_slots_dynamic(view: View, _context: Context) -> Iterator[Answer]:
    def test(service: Service) -> Tri:
        return both(two_slots(service), negate(any_of(holds_reserved(d) for d in service.deployments)))

    def says(service: Service) -> str:
        return f"{service.resource.name} has deployments in Production and in Staging, with dynamic addresses."

    return ask_services(view, test, says, vips_evidence, "whether both slots are occupied without reserved addresses")


@rules.add(
    id="CS-TWO-SLOTS-RIP",
    title="Both slots occupied, reserved address",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="A cloud service with both slots occupied and a reserved address cannot be moved as it is.",
    remedy=(
        "Delete the staging deployment after keeping its package and configuration; production then moves with its "
        "reserved address."
    ),
    follow_up=SWAP_LATER,
    automatable=Automatable.PART,
    sources=sources("seed0 S0-D3", "seed0 S0-B2", "cs-td", "cs-err E09"),
    fragments=(("two occupied slots",),),
)
def _two_slots_reserved(view: View, _context: Context) -> Iterator[Answer]:
    def test(service: Service) -> Tri:
        return both(two_slots(service), any_of(holds_reserved(d) for d in service.deployments))

    def says(service: Service) -> str:
        return f"{service.resource.name} has deployments in Production and in Staging, and a reserved address."

    return ask_services(view, test, says, vips_evidence, "whether both slots are occupied with a reserved address")


@rules.add(
    id="CS-TWO-SLOTS-VNETS",
    title="Slots in different virtual networks",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="Production and staging in different virtual networks cannot be moved together.",
    remedy="Delete the staging deployment after keeping its package and configuration, and move production's network.",
    follow_up=SWAP_LATER,
    automatable=Automatable.PART,
    sources=sources("seed0 S0-D4", "seed0 S0-B2", "cs-td", "cs-err E09"),
    fragments=(("two occupied slots",),),
)
def _two_slots_networks(view: View, _context: Context) -> Iterator[Answer]:
    def test(service: Service) -> Tri:
        places = [d.virtual_network_id for d in service.deployments]
        if UNKNOWN in places:
            differ: Tri = UNKNOWN
        else:
            differ = len({place.lower() if place else None for place in places}) > 1
        return both(two_slots(service), differ)

    def says(service: Service) -> str:
        return f"The two slots of {service.resource.name} lie in different virtual networks."

    def shows(service: Service) -> list[Evidence]:
        return [fact(f"slots/{d.slot}.virtualNetwork", d.virtual_network_id) for d in service.deployments]

    return ask_services(view, test, says, shows, "whether the two slots lie in the same virtual network")


@rules.add(
    id="CS-STAGING-ONLY",
    title="Only staging is occupied",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_web_worker,
    statement=(
        "A service with a deployment in one slot only can be moved, but when that slot is Staging its domain "
        "name may be "
        "lost. Microsoft advises to swap it into Production first."
    ),
    remedy="Swap staging into production, then move; or waive this finding when the domain name may change.",
    automatable=Automatable.YES,
    sources=sources("seed0 S0-B2", "cs-ov"),
    superseded=(
        Superseded(
            "seed0",
            2020,
            "A cloud service with a deployment in one slot only is supported.",
            "Moving a lone staging deployment is advised against: the domain name may be lost.",
        ),
    ),
)
def _staging_only(view: View, _context: Context) -> Iterator[Answer]:
    def test(service: Service) -> Tri:
        staging = service.slot(Slot.STAGING)
        if service.slot(Slot.PRODUCTION):
            return False
        if staging is None:
            return False if service.whole or service.web_worker is False else UNKNOWN
        return both(web_worker(staging), True if service.whole else UNKNOWN)

    def says(service: Service) -> str:
        return f"Only the Staging slot of {service.resource.name} is occupied."

    return ask_services(view, test, says, slots_evidence, "whether only the Staging slot is occupied")


@rules.add(
    id="CS-EMPTY",
    title="Empty cloud service",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement="Resource Manager has no cloud service without a deployment, so an empty one cannot be moved.",
    remedy="Delete the empty service, or exclude it from the programme; note that its domain name is freed.",
    automatable=Automatable.YES,
    sources=sources("seed0 S0-D5", "cs-td", "cs-faq"),
)
def _empty(view: View, _context: Context) -> Iterator[Answer]:
    def test(service: Service) -> Tri:
        if service.deployments or service.machines:
            return False
        return True if service.whole else UNKNOWN

    def says(service: Service) -> str:
        return f"{service.resource.name} holds no deployment and no virtual machine."

    def shows(service: Service) -> list[Evidence]:
        return [fact("slots", service.resource.deployments), fact("virtualMachines", ())]

    return ask_services(view, test, says, shows, "whether anything is deployed")


def outside_network(deployment: Deployment) -> Tri:
    return when(deployment.virtual_network_id, lambda network: network is None)


def network_evidence(deployment: Deployment) -> list[Evidence]:
    return [fact("virtualNetwork", deployment.virtual_network_id), fact("createdTime", deployment.created_at)]


IN_NO_NETWORK: Final = (
    ("must be within a virtual network to be migrated",),
    ("features not yet supported for migration", "non-vnet deployment"),
)


@rules.add(
    id="CS-NONVNET-LEGACY",
    title="Old deployment in no virtual network",
    effect=Effect.BLOCKS,
    detection=Detection.VALIDATE,
    kinds=(UnitKind.DEPLOYMENT,),
    applies=holds_web_worker,
    statement=(
        "Deployments made before the platform put every deployment into a hidden default network are in no network at "
        "all and cannot be moved. Only Validate can tell them from those in the default network."
    ),
    remedy=(
        "Deploy the same package to the staging slot, which gives it a default network, swap, delete the old "
        "deployment, and move; or deploy anew in Resource Manager."
    ),
    automatable=Automatable.PART,
    sources=sources("seed0 S0-D1", "cs-td", "cs-nonvnet", "cs-err E05", "cs-err E16"),
    fragments=IN_NO_NETWORK,
)
def _legacy(view: View, context: Context) -> Iterator[Answer]:
    if context.validated():
        return
    for deployment, kind in view.web_deployments:
        if both(kind, outside_network(deployment)) is False:
            continue
        young = when(deployment.created_at, lambda at: at >= DEFAULT_NETWORKS_SINCE) is True
        hint = "; it is young enough to be in the default network" if young else ""
        sentence = f"It is not known whether {label(deployment)} is in the hidden default network or in none{hint}."
        settles = until_validated(view, context, "").settles
        yield unknown(deployment, sentence, settles, *network_evidence(deployment))


@rules.add(
    id="CS-DEFAULT-VNET",
    title="Hidden default network becomes visible",
    effect=Effect.CHANGES,
    detection=Detection.VALIDATE,
    kinds=(UnitKind.DEPLOYMENT,),
    applies=holds_web_worker,
    statement=(
        "A deployment in the hidden default network moves with that network, which appears in Resource Manager. Its "
        "name is published in three forms, so it has to be found by listing the new resource group."
    ),
    remedy="Nothing before the move; afterwards take the network's name and subnet into your configuration file.",
    follow_up="Put the new network and subnet into the local configuration file.",
    sources=sources("seed0 S0-B3", "seed0 S0-D1", "cs-ov", "cs-td"),
    superseded=(
        Superseded(
            "seed0",
            2020,
            "The network's name begins with DefaultNetwork.",
            "It begins with DefaultRdfeVnet in one text; the translation table says VNet- and the service's name.",
        ),
    ),
)
def _default_network(view: View, context: Context) -> Iterator[Answer]:
    told = (normalise(message.message) for answer in context.answers() for message in answer.messages)
    if any(matches(text, IN_NO_NETWORK) for text in told):
        return  # the platform said that it is in none
    for deployment, kind in view.web_deployments:
        told = both(kind, outside_network(deployment))
        if told is False:
            continue
        if told is True and context.validated():
            sentence = f"{label(deployment)} moves with its hidden default network, which becomes visible."
            yield yes(deployment, sentence, *network_evidence(deployment))
        else:
            sentence = f"It is not known whether {label(deployment)} is in the hidden default network."
            settles = until_validated(view, context, "").settles
            yield unknown(deployment, sentence, settles, *network_evidence(deployment))


@rules.add(
    id="CS-OTHER-VNET",
    title="Wanted in another virtual network",
    effect=Effect.BLOCKS,
    detection=Detection.ATTEST,
    applies=holds_web_worker,
    statement="The migration cannot put a service into another virtual network on the way.",
    remedy="Move it to the other network before, while classic, or after, in Resource Manager; both interrupt it.",
    sources=sources("seed0 S0-D9", "cs-td"),
)
def _other_network(view: View, context: Context) -> Iterator[Answer]:
    """A wish: it applies when somebody stated it, and not before."""
    attested = context.attestation("CS-OTHER-VNET", view.unit)
    if attested is not None and attested.applies:
        sentence = f"{attested.by} wants {view.unit.name} in another virtual network, which the move cannot do."
        yield yes(view.unit, sentence, attestation_evidence(attested))


@rules.add(
    id="CS-MIXED-VNET",
    title="Shares its network with virtual machines",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="Web/worker roles and virtual machines in one virtual network cannot be moved.",
    remedy=(
        "Move the cloud service, or the machines, into another virtual network first; this interrupts what is moved."
    ),
    sources=sources("seed0 S0-D7", "seed1 S1-V7", "cs-td", "vm-ov"),
)
def _mixed_network(view: View, _context: Context) -> Iterator[Answer]:
    alone = view.unit.kind is UnitKind.DEPLOYMENT
    strays = [] if view.machines or alone else view.strays()[1]

    def test(service: Service) -> Tri:
        if alone:  # in no network, or in one nobody named: then with whom is not known either
            shared: Tri = UNKNOWN if any(d.virtual_network_id is UNKNOWN for d in service.deployments) else False
        else:
            shared = True if view.machines else UNKNOWN if strays else False
        return both(service.web_worker, shared)

    return ask_services(
        view,
        test,
        lambda s: f"{s.resource.name} shares its network with {some(len(view.machines), 'virtual machine')}.",
        lambda _: [fact("virtualMachines", tuple(m.name for m in (view.machines or strays)[:20]))],
        "whether it shares its network with virtual machines",
    )


@rules.add(
    id="CS-RIP-NONAME",
    title="Reserved address without a name",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="A deployment holds a reserved address of which the platform does not know the name.",
    remedy="Name the reserved address in the configuration and upgrade the deployment; if that fails, ask support.",
    sources=sources("seed0 S0-A4", "cs-err E11"),
    fragments=(("has reserved ip", "no reserved ip name"),),
)
def _unnamed_reserved(view: View, _context: Context) -> Iterator[Answer]:
    def nameless(vip: VirtualIp) -> Tri:
        return both(vip.reserved, when(vip.reserved_ip_name, lambda name: not name))

    return ask_deployments(
        view,
        lambda d: within(d.virtual_ips, nameless),
        lambda d: f"A reserved address of {label(d)} has no name.",
        _vips,
        "whether its addresses are reserved, and under which name",
    )


def _vips(deployment: Deployment) -> list[Evidence]:
    if deployment.virtual_ips is UNKNOWN:
        return [fact("virtualIps", UNKNOWN)]
    seen: list[Evidence] = []
    for vip in deployment.virtual_ips:
        seen += [fact("virtualIps.isReserved", vip.reserved), fact("virtualIps.reservedIpName", vip.reserved_ip_name)]
    return seen


@rules.add(
    id="CS-RIP-NOENDPOINT",
    title="Reserved address without an endpoint",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="A deployment with a reserved address needs at least one input endpoint on it.",
    remedy="Add an input endpoint to a role of the deployment and upgrade it, or take the reserved address away.",
    sources=sources("seed0 S0-A4", "cs-err E12"),
    fragments=(("has reserved ip", "no endpoint on the reserved ip"),),
)
def _reserved_without_endpoint(view: View, _context: Context) -> Iterator[Answer]:
    def test(deployment: Deployment) -> Tri:
        endpoints = within(deployment.roles, lambda r: when(r.input_endpoints, bool))
        return both(holds_reserved(deployment), negate(endpoints))

    return ask_deployments(
        view,
        test,
        lambda d: f"{label(d)} has a reserved address and no input endpoint.",
        _vips,
        "whether it has a reserved address and an input endpoint",
    )


@rules.add(
    id="CS-BUSY",
    title="Deployment in transition",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    statement="While a deployment is created, updated, upgraded or deleted it cannot be moved. This passes.",
    remedy="Wait until the deployment is Running or Suspended and no upgrade is under way, then check again.",
    automatable=Automatable.YES,
    sources=sources("cs-err E10", "cs-err E15"),
    fragments=(("is in intermediate state", "migration not allowed"), ("undergoing an update operation",)),
)
def _busy(view: View, _context: Context) -> Iterator[Answer]:
    def test(deployment: Deployment) -> Tri:
        return either(when(deployment.status, lambda text: text.lower() not in STEADY), deployment.upgrade_in_progress)

    deployments = [d for service in view.services for d in service.deployments]
    yield from ask(
        deployments,
        test,
        lambda d: f"{label(d)} is in transition.",
        lambda d: [fact("status", d.status), fact("upgradeStatus", d.upgrade_in_progress)],
        "whether it is in transition",
    )
    unlisted = [service.resource for service in view.services if not service.whole and not service.deployments]
    yield from ask(unlisted, lambda _: UNKNOWN, str, lambda _: [fact("slots", UNKNOWN)], "whether it is in transition")


rules.add(
    id="CS-NO-CSPKG",
    title="Package not stored",
    effect=Effect.BLOCKS,
    detection=Detection.VALIDATE,
    also=(Detection.PREPARE,),
    applies=holds_web_worker,
    statement="The platform needs the package of the deployment; for some old deployments it no longer has it.",
    remedy="Upgrade the deployment with its package, so that the package is stored, then try again.",
    sources=sources("cs-err E21"),
    fragments=(("cspkg is not available",),),
)(only_validate_tells("It is not known whether the platform still has the package of every deployment of {unit}."))


@rules.add(
    id="CS-SUBNET-REGION",
    title="Network and service in different regions",
    effect=Effect.BLOCKS,
    detection=Detection.API,
    applies=holds_web_worker,
    statement="A deployment and the subnet it uses have to be in the same region.",
    remedy="Deploy the service into a network of its own region.",
    sources=sources("cs-err E22"),
    fragments=(("is in a different location than deployment",),),
)
def _subnet_region(view: View, _context: Context) -> Iterator[Answer]:
    def place(deployment: Deployment) -> str | Unknown | None:
        """Region of its network; None when it is in none."""
        if not isinstance(deployment.virtual_network_id, str):
            return deployment.virtual_network_id
        network = view.index.by_key.get(deployment.virtual_network_id.lower())
        return network.location if network else UNKNOWN

    def test(deployment: Deployment) -> Tri:
        theirs, own = place(deployment), view.location_of_service(deployment)
        if theirs is None:
            return False
        return UNKNOWN if UNKNOWN in (theirs, own) else own != theirs

    return ask_deployments(
        view,
        test,
        lambda d: f"{label(d)} is in another region than its virtual network.",
        lambda d: [fact("location", view.location_of_service(d)), fact("virtualNetwork.location", place(d))],
        "whether it is in the region of its virtual network",
    )


rules.add(
    id="CS-FEATURE-MISSING",
    title="Feature missing on the subscription",
    effect=Effect.BLOCKS,
    detection=Detection.VALIDATE,
    applies=holds_web_worker,
    statement="Some deployments need features which are not registered on the subscription; the message lists them.",
    remedy="Register the features the message names; those which cannot be registered need a support ticket.",
    automatable=Automatable.PART,
    sources=sources("cs-err E08"),
    fragments=(("requires at least one feature that",),),
)(only_validate_tells("It is not known whether a feature is missing for {unit}."))
