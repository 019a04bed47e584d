"""What a unit becomes, as far as its files have to say it: ids and names expected, or found after Prepare."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from migrator.counterparts import MIGRATED, NETWORKS, Counterparts, Document, Id, portal_name
from migrator.resources import Deployment, Network, ReservedAddress, known

GATEWAY_SUBNET = "gatewaysubnet"


@dataclass(frozen=True, slots=True)
class NewName:
    """An id or a name in Resource Manager. `found`: seen there; otherwise as the documents say it will be."""

    text: str
    found: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`in_network`: whether the deployment lies in a network of its own choice (True), in the hidden default network
    (False), or nobody said (None). `network`: None where its id is not known. `called`: the names, lower case, by which
    a file of today may call that network. `subnets`: its subnets without the gateway's, empty where not known.
    `addresses`: name of a reserved address, lower case → its public IP."""

    service: str
    in_network: bool | None = None
    network: NewName | None = None
    called: frozenset[str] = frozenset()
    subnets: tuple[str, ...] = ()
    addresses: Mapping[str, NewName] = field(default_factory=dict, hash=False)


def target_of(
    service: str,
    deployment: Deployment | None,
    network: Network | None,
    reserved: Iterable[ReservedAddress] = (),
    arm_documents: Iterable[Document] = (),
) -> Target:
    """What a deployment of the cloud service `service` becomes. `network` is the one it lies in; `arm_documents` what
    was found in Resource Manager after Prepare, empty before."""
    listed, documents = list(reserved), list(arm_documents)
    before = [one for one in (deployment, network, *listed) if one is not None]
    found = Counterparts(before, documents)
    addresses = {}
    for one in listed:
        new_id = found.new_id(one.id)
        for name in (one.name, f"Group {one.resource_group} {one.name}"):
            expected = portal_name(name) if name.startswith("Group ") else name
            addresses[name.lower()] = NewName(new_id.rsplit("/", 1)[-1], True) if new_id else NewName(expected, False)
    if network is not None:
        new_id = found.new_id(network.id)
        return Target(
            service=service,
            in_network=True,
            network=NewName(new_id, True) if new_id else NewName(_expected_id(network), False),
            called=_names_of(network),
            subnets=_subnets_of(network),
            addresses=addresses,
        )
    in_network = None if deployment is None or not known(deployment.virtual_network_id) else False
    if deployment is not None and isinstance(deployment.virtual_network_id, str):
        in_network = None  # it names a network that is not listed
    default = _default_network(service, documents) if in_network is False else None
    return Target(
        service=service,
        in_network=in_network,
        network=NewName(str(default["id"]), True) if default else None,
        subnets=_subnets_in(default) if default else (),
        addresses=addresses,
    )


def _names_of(network: Network) -> frozenset[str]:
    names = {network.name, f"Group {network.resource_group} {network.name}"}
    if isinstance(network.site_name, str):
        names.add(network.site_name)
    return frozenset(name.lower() for name in names)


def _expected_id(network: Network) -> str:
    """azure.md 4.1 (cs-td) [D]: `v` in the group `v-migrated`, a portal-made one as `group-rg-v`."""
    site = network.site_name if isinstance(network.site_name, str) else ""
    name = portal_name(site) if site.lower().startswith("group ") else network.name
    group = f"/subscriptions/{network.subscription}/resourceGroups/{name}{MIGRATED}"
    return f"{group}/providers/Microsoft.Network/virtualNetworks/{name}"


def _subnets_of(network: Network) -> tuple[str, ...]:
    listed = network.subnets
    return tuple(one.name for one in listed if one.name.lower() != GATEWAY_SUBNET) if known(listed) else ()  # type: ignore[union-attr]


def _default_network(service: str, documents: Iterable[Document]) -> Document | None:
    """The one network in the group of the cloud service: the default network shares it (azure.md 4.1 [D])."""
    fits = []
    for document in documents:
        parsed = Id.parse(str(document.get("id", "")))
        if parsed and parsed.type.lower() == NETWORKS and parsed.group.lower() == f"{service}{MIGRATED}".lower():
            fits.append(document)
    return fits[0] if len(fits) == 1 else None


def _subnets_in(document: Document) -> tuple[str, ...]:
    properties = document.get("properties")
    listed = properties.get("subnets") if isinstance(properties, Mapping) else None
    names = [one.get("name") for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return tuple(name for name in names if isinstance(name, str) and name.lower() != GATEWAY_SUBNET)
