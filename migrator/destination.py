"""Where a deployment outside any network goes: into a new network, or, for machines only, into an existing one.

`refusals` needs nothing but the plan, `objections` also the network as Resource Manager shows it. Sources: azure.md
2.2, 2.3 [I], 2.5 [S], 2.6 [D] cs-ps, rule CS-OTHER-VNET [D] cs-td; five reserved addresses of a subnet [K].
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from typing import Any, Final

from migrator.resources import UNKNOWN, Deployment, Resource, SlotType, Unknown, Verb, VirtualMachine, known
from migrator.units import UnitKind

Document = Mapping[str, Any]
RESERVED: Final = 5  # addresses of every subnet that Azure keeps for itself [K]
# CS-OTHER-VNET with its source
WEB: Final = (
    "holds web or worker roles; the migration cannot put them into another network (rule CS-OTHER-VNET, cs-td). "
    "They get a new network."
)


@dataclass(frozen=True, slots=True)
class Destination:
    """An existing Resource Manager network of the unit's own subscription."""

    group: str
    network: str
    subnet: str

    @property
    def words(self) -> str:
        return f"subnet {self.subnet} of {self.network} ({self.group})"

    def network_id(self, subscription: str) -> str:
        return (
            f"/subscriptions/{subscription}/resourceGroups/{self.group}"
            f"/providers/Microsoft.Network/virtualNetworks/{self.network}"
        )

    def subnet_id(self, subscription: str) -> str:
        return f"{self.network_id(subscription)}/subnets/{self.subnet}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """What would go there. `web`: holds web or worker roles. `inside`: is in a classic network already. `addresses`:
    how many it takes in the subnet, one for each network interface."""

    name: str
    kind: str
    subscription: str
    region: str
    web: bool | Unknown
    inside: bool | Unknown
    addresses: int | Unknown


def moving(resources: Iterable[Resource], *, name: str, kind: str, subscription: str, region: str) -> Moving:
    """The unit as a traveller. `resources`: its members as read."""
    members = list(resources)
    slots = [each for each in members if isinstance(each, Deployment)]
    machines = [each for each in members if isinstance(each, VirtualMachine)]
    kinds = [slot.slot_type for slot in slots]
    networks = [each.virtual_network_id for each in (*slots, *machines)]
    interfaces = [machine.network_interface_count for machine in machines]
    return Moving(
        name=name,
        kind=kind,
        subscription=subscription,
        region=region,
        web=_any([UNKNOWN if one is UNKNOWN else one is SlotType.ROLE for one in kinds], nothing=not machines),
        inside=_any([UNKNOWN if one is UNKNOWN else one is not None for one in networks], nothing=False),
        addresses=UNKNOWN if not all(map(known, interfaces)) else sum(interfaces),  # type: ignore[arg-type]
    )


def _any(told: list[bool | Unknown], *, nothing: bool) -> bool | Unknown:
    """True when one says so, unknown when none does and one is silent. `nothing`: there is nobody to ask."""
    if any(one is True for one in told):
        return True
    return UNKNOWN if any(one is UNKNOWN for one in told) or (nothing and not told) else False


def clean(group: str, network: str, subnet: str) -> Destination | str:
    """The three names without blanks around them, or the sentence that says which are missing."""
    given = {"the resource group": group.strip(), "the network": network.strip(), "the subnet": subnet.strip()}
    missing = [what for what, text in given.items() if not text]
    if missing:
        return f"An existing network needs all three names; {' and '.join(missing)} {_is(missing)} missing."
    odd = [what for what, text in given.items() if len(text) > 90 or set(text) & set("/\\?#%&<>\"'") or " " in text]
    if odd or not all(text.isprintable() for text in given.values()):
        return (
            f"The name of {(odd or ['the network'])[0]} holds a sign that no such name in Azure holds; write it again."
        )
    return Destination(*given.values())


def _is(things: list[str]) -> str:
    return "is" if len(things) == 1 else "are"


def refusals(unit: Moving) -> list[str]:
    """Why this unit cannot go into any existing network; empty: it may, if the network is fit."""
    if unit.kind != UnitKind.DEPLOYMENT:
        return [f"{unit.name} is not a deployment; only a deployment outside any network can be put into one."]
    if unit.web is True:
        return [f"{unit.name} {WEB}"]
    if unit.web is UNKNOWN:
        return [f"It is not known whether {unit.name} holds web or worker roles; sync the subscription first."]
    if unit.inside is True:
        return [f"{unit.name} runs in a classic network and moves with it."]
    if unit.inside is UNKNOWN:
        return [f"It is not known whether {unit.name} runs in a classic network; sync the subscription first."]
    return []


def objections(unit: Moving, wish: Destination, network: Document | Unknown | None) -> list[str]:
    """Why it cannot go into this network now. `network`: the document Resource Manager answers, None where it has none
    of that name, UNKNOWN where it could not be read."""
    if found := refusals(unit):
        return found
    if network is UNKNOWN:
        return [f"Network {wish.network} in {wish.group} could not be read, so nobody knows whether it fits."]
    if not isinstance(network, Mapping):
        return [f"Resource Manager has no network {wish.network} in resource group {wish.group}."]
    region = str(network.get("location") or "")
    if not region:
        return [f"Azure does not say in which region network {wish.network} is."]
    if _plain(region) != _plain(unit.region):
        return [f"Network {wish.network} is in {region} and {unit.name} in {unit.region}; both have to be the same."]
    properties = network.get("properties")
    listed = properties.get("subnets") if isinstance(properties, Mapping) else None
    if not isinstance(listed, list | tuple):
        return [f"Azure does not say which subnets network {wish.network} has."]
    names = [str(each.get("name", "")) for each in listed if isinstance(each, Mapping)]
    subnet = next((each for each in listed if _called(each) == wish.subnet.lower()), None)
    if subnet is None:
        have = f"it has {', '.join(names[:6])}" if names else "it has none"
        return [f"Network {wish.network} has no subnet {wish.subnet}; {have}."]
    if wish.subnet.lower() == "gatewaysubnet":
        return ["GatewaySubnet is kept for gateways; choose another subnet."]
    left = free(subnet)
    if known(left) and known(unit.addresses) and left < unit.addresses:
        return [f"Subnet {wish.subnet} has {left} free addresses and {unit.name} needs {unit.addresses}."]
    return []


def _called(subnet: Any) -> str:
    return str(subnet.get("name", "")).lower() if isinstance(subnet, Mapping) else ""


def _plain(region: str) -> str:
    return region.lower().replace(" ", "")


def free(subnet: Document) -> int | Unknown:
    """Addresses left in a subnet: those of its IPv4 prefixes without Azure's five, less what Azure lists as taken. What
    is not listed is taken to be free, so it is an upper bound [K]."""
    facts = subnet.get("properties")
    if not isinstance(facts, Mapping):
        return UNKNOWN
    prefixes = [facts.get("addressPrefix"), *(facts.get("addressPrefixes") or ())]
    try:
        spaces = {ip_network(str(one), strict=False) for one in prefixes if one}
    except ValueError:
        return UNKNOWN
    sizes = [space.num_addresses for space in spaces if isinstance(space, IPv4Network)]
    if not sizes:
        return UNKNOWN
    taken = facts.get("ipConfigurations")
    return max(0, sum(sizes) - RESERVED * len(sizes) - (len(taken) if isinstance(taken, list | tuple) else 0))


def parameters(verb: Verb, wish: Destination | None, shape: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The body for a chosen network: `shape` (`gateway.shapes.Shapes.deployment_body`) with the four values in it.
    None: nothing is chosen, or the verb takes no body (Commit and Abort)."""
    if wish is None or verb not in (Verb.VALIDATE, Verb.PREPARE):
        return None
    given = {
        "destinationvirtualnetwork": "Existing",
        "resourcegroupname": wish.group,
        "virtualnetworkname": wish.network,
        "subnetname": wish.subnet,
    }
    names = {name.lower(): name for name in shape}  # an operator may have corrected the spelling
    return {**shape, **{names.get(name, _CAMEL[name]): value for name, value in given.items()}}


_CAMEL: Final = {
    "destinationvirtualnetwork": "destinationVirtualNetwork",
    "resourcegroupname": "resourceGroupName",
    "virtualnetworkname": "virtualNetworkName",
    "subnetname": "subnetName",
}
