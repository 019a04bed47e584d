"""How much Resource Manager quota a set of classic resources needs, and whether it is there. Pure sums, no requests.

Resource Manager and classic quotas are separate, and Resource Manager's is counted per region (azure.md 5.1 [D]
vm-plan, cs-faq). Cores are counted twice: in the regional total and in the family of the size after the migration.
What cannot be counted is an `UnknownNeed`, never zero; a usage row that is missing makes a
shortfall UNKNOWN, never fine.

Not counted: internal load balancers (one more load balancer each, azure.md 5.1), which no inventory lists, and storage
accounts, whose usages are read and shown, but which no document says to be short. Stopped machines count: the platform
counts the cores of deallocated machines too [K].
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from migrator import sizes
from migrator.resources import (
    UNKNOWN,
    CloudService,
    Deployment,
    Network,
    NetworkSecurityGroup,
    ReservedAddress,
    Resource,
    Role,
    RouteTable,
    SlotType,
    Unknown,
    Usage,
    VirtualMachine,
    known,
)

COMPUTE: Final = "Microsoft.Compute"
NETWORK: Final = "Microsoft.Network"

# Names of the usages lists (azure.md 5.1); the spelling of the network ones is [K], so names are compared without case.
CORES: Final = "cores"
NICS: Final = "NetworkInterfaces"
LOAD_BALANCERS: Final = "LoadBalancers"
PUBLIC_ADDRESSES: Final = "PublicIPAddresses"
STATIC_ADDRESSES: Final = "StaticPublicIPAddresses"
SECURITY_GROUPS: Final = "NetworkSecurityGroups"
ROUTE_TABLES: Final = "RouteTables"
NETWORKS: Final = "VirtualNetworks"
ANY_FAMILY: Final = "family cores"  # not a usages name: the family could not be told
NOTHING_LISTED: Final[Mapping[tuple[str, str], Mapping[str, "Listed"]]] = {}

Key = tuple[str, str, str, str]  # subscription, location, provider, name; all lower case


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """`amount` more of one usages row. `because`: which resource needs how much of it, largest first."""

    subscription: str  # lower case
    location: str  # lower case, no spaces
    provider: str  # "Microsoft.Compute" or "Microsoft.Network"
    name: str  # "cores", "standardDv2Family", "NetworkInterfaces", …
    amount: int
    because: tuple[tuple[str, int], ...] = ()

    @property
    def key(self) -> Key:
        return (self.subscription.lower(), self.location.lower(), self.provider.lower(), self.name.lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownNeed:
    """Something that needs quota, nobody can say how much. `location` is empty when even the region is unknown."""

    subscription: str
    location: str
    provider: str
    name: str  # a usages name, or `ANY_FAMILY`
    resource_key: str
    why: str  # a sentence


class Needed(NamedTuple):
    """What `need` found: `needs, unknowns = need(members)`."""

    needs: list[Need]
    unknowns: list[UnknownNeed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """One need beside its usages row. `reserved`: what other waves have spoken for. Everything a missing row
    would have told is UNKNOWN; `short_by` is 0 where there is enough."""

    need: Need
    limit: int | Unknown
    current: int | Unknown
    reserved: int
    available: int | Unknown  # limit - current - reserved; below zero when already overspent
    short_by: int | Unknown

    @property
    def enough(self) -> bool | Unknown:
        return UNKNOWN if self.short_by is UNKNOWN else self.short_by == 0


@dataclass(frozen=True, slots=True)
class Listed:
    """A size as Azure lists it in a region: the authority over `migrator.sizes` (azure.md 4.3)."""

    cores: int
    family: str  # row of the usages list; "" where it was not told


Sizes = Mapping[tuple[str, str], Mapping[str, Listed]]
"""(subscription, region), lower case and without spaces → name of a size, lower case → what Azure lists of it."""


def need(members: Iterable[Resource], *, own_network: bool = True, listed: Sizes = NOTHING_LISTED) -> Needed:
    """What the members of a unit (or of a whole wave) will use on the Resource Manager side, summed per subscription,
    region and usages row. Nested values (a cloud service's deployments, a deployment's roles) are counted once,
    whether or not they are listed on their own too. `own_network`: machines in no network get a new one. `listed`:
    sizes as read from Azure; of those not in it the table of this product speaks."""
    found = _Sum(listed)
    everything = _flat(members)
    for resource in everything:
        if isinstance(resource, Deployment):
            _deployment(resource, found)
        elif isinstance(resource, Role):
            _role(resource, found)
        elif isinstance(resource, VirtualMachine):
            _machine(resource, found)
        elif isinstance(resource, Network):
            found.count(resource, NETWORK, NETWORKS, 1)
    _security_groups_and_route_tables(everything, found)
    _addresses_and_balancers(everything, found, own_network)
    return found.result()


def add(needs: Iterable[Need]) -> list[Need]:
    """The needs of several units as one list: summed by subscription, region, provider and name, sorted."""
    summed: dict[Key, Need] = {}
    reasons: dict[Key, dict[str, int]] = {}
    for item in needs:
        first = summed.setdefault(item.key, item)
        if first is not item:
            summed[item.key] = replace(summed[item.key], amount=summed[item.key].amount + item.amount)
        because = reasons.setdefault(item.key, {})
        for resource_key, amount in item.because:
            because[resource_key] = because.get(resource_key, 0) + amount
    return [replace(summed[key], because=_largest_first(reasons[key])) for key in sorted(summed)]


def _largest_first(reasons: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])))


def balance(needs: Iterable[Need], usages: Iterable[Usage], reserved: Iterable[Need] = ()) -> list[Shortfall]:
    """Every need beside its usages row, those with enough included. `reserved`: needs of other waves, not of these."""
    rows = {_usage_key(row): row for row in usages}
    taken = {item.key: item.amount for item in add(reserved)}
    return [_shortfall(item, rows.get(item.key), taken.get(item.key, 0)) for item in add(needs)]


def shortfall(needs: Iterable[Need], usages: Iterable[Usage], reserved: Iterable[Need] = ()) -> list[Shortfall]:
    """The rows of `balance` that stand in the way: too little, or not known."""
    return [row for row in balance(needs, usages, reserved) if row.short_by is UNKNOWN or row.short_by > 0]


def new_total(row: Shortfall) -> int | Unknown:
    """The new TOTAL limit to ask for (azure.md 5.2 [V]: the request carries the total, not the increment); UNKNOWN
    where today's limit was not read. Never less than today's limit."""
    if row.limit is UNKNOWN or row.short_by is UNKNOWN:
        return UNKNOWN
    return row.limit + row.short_by


def _shortfall(item: Need, usage: Usage | None, reserved: int) -> Shortfall:
    if usage is None:
        return Shortfall(
            need=item, limit=UNKNOWN, current=UNKNOWN, reserved=reserved, available=UNKNOWN, short_by=UNKNOWN
        )
    available = usage.limit - usage.current - reserved
    return Shortfall(
        need=item,
        limit=usage.limit,
        current=usage.current,
        reserved=reserved,
        available=available,
        short_by=max(0, item.amount - available),
    )


def _usage_key(row: Usage) -> Key:
    location = "".join(row.location.split()).lower()
    return (row.subscription.lower(), location, row.provider.lower(), row.name.lower())


class _Sum:
    """Collects needs and unknowns."""

    def __init__(self, listed: Sizes) -> None:
        self.listed = listed
        self.needs: list[Need] = []
        self.unknowns: list[UnknownNeed] = []

    def count(self, resource: Resource, provider: str, name: str, amount: int) -> None:
        if amount <= 0:
            return
        if not known(resource.location):
            self.unknown(resource, provider, name, f"The region of {resource.name} was not read.")
            return
        place = {"subscription": resource.subscription, "location": "".join(str(resource.location).split()).lower()}
        self.needs.append(Need(**place, provider=provider, name=name, amount=amount, because=((resource.key, amount),)))

    def unknown(self, resource: Resource, provider: str, name: str, why: str) -> None:
        self.unknowns.append(
            UnknownNeed(
                subscription=resource.subscription,
                location=str(resource.location) if known(resource.location) else "",
                provider=provider,
                name=name,
                resource_key=resource.key,
                why=why,
            )
        )

    def result(self) -> Needed:
        return Needed(add(self.needs), list(dict.fromkeys(self.unknowns)))


def _flat(members: Iterable[Resource]) -> list[Resource]:
    """Members with what is nested in them, each once; what is listed on its own wins over its nested copy."""
    by_key: dict[str, Resource] = {}
    waiting = list(members)
    for resource in waiting:
        by_key.setdefault(resource.key, resource)
    while waiting:
        resource = waiting.pop(0)
        nested: Sequence[Resource] | Unknown = ()
        if isinstance(resource, CloudService):
            nested = resource.deployments
        elif isinstance(resource, Deployment):
            nested = resource.roles
        if nested is UNKNOWN:
            continue
        for child in nested:
            if child.key not in by_key:
                by_key[child.key] = child
                waiting.append(child)
    return list(by_key.values())


# Compute


def _deployment(deployment: Deployment, found: _Sum) -> None:
    if deployment.slot_type is SlotType.VIRTUAL_MACHINE:
        return
    if deployment.roles is UNKNOWN:
        why = f"The roles of {_called(deployment)} were not read."
        found.unknown(deployment, COMPUTE, CORES, why)
        found.unknown(deployment, COMPUTE, ANY_FAMILY, why)
    if deployment.virtual_network_id is None:
        # The hidden default network becomes a network of its own (azure.md 4.1 [D]).
        found.count(deployment, NETWORK, NETWORKS, 1)
    elif deployment.virtual_network_id is UNKNOWN:
        found.unknown(deployment, NETWORK, NETWORKS, f"The network of {_called(deployment)} was not read.")


def _role(role: Role, found: _Sum) -> None:
    if role.instance_count is UNKNOWN:
        why = f"The number of instances of role {role.name} was not read."
        found.unknown(role, COMPUTE, CORES, why)
        found.unknown(role, COMPUTE, ANY_FAMILY, why)
        return
    _cores(role, role.size, role.instance_count, found)


def _machine(machine: VirtualMachine, found: _Sum) -> None:
    _cores(machine, machine.size, 1, found)
    if machine.network_interface_count is UNKNOWN:
        found.unknown(machine, NETWORK, NICS, f"The network interfaces of {machine.name} were not read.")
    else:
        found.count(machine, NETWORK, NICS, machine.network_interface_count)


def _cores(resource: Resource, size_name: str | Unknown, instances: int, found: _Sum) -> None:
    if size_name is UNKNOWN:
        why = f"The size of {resource.name} was not read."
        found.unknown(resource, COMPUTE, CORES, why)
        found.unknown(resource, COMPUTE, ANY_FAMILY, why)
        return
    size = sizes.size(size_name)
    told = _listed(resource, size.arm_name if size and size.arm_name else size_name, found.listed)
    cores = told.cores if told else size.cores if size else UNKNOWN
    family = (told.family if told else "") or (size.family if size else UNKNOWN)
    if cores is UNKNOWN:
        why = f"No table says how many cores {size_name} has, the size of {resource.name}."
        found.unknown(resource, COMPUTE, CORES, why)
        found.unknown(resource, COMPUTE, ANY_FAMILY, why)
        return
    found.count(resource, COMPUTE, CORES, cores * instances)
    if family is UNKNOWN:
        found.unknown(resource, COMPUTE, ANY_FAMILY, f"No table says which family {size_name} counts against.")
    else:
        found.count(resource, COMPUTE, family, cores * instances)


def _listed(resource: Resource, name: str, listed: Sizes) -> Listed | None:
    """What Azure lists of a size in the resource's region, by its name after the migration."""
    region = "".join(str(resource.location).split()).lower() if known(resource.location) else ""
    return listed.get((resource.subscription.lower(), region), {}).get(name.strip().lower())


def _called(deployment: Deployment) -> str:
    return f"{deployment.cloud_service_id.rsplit('/', 1)[-1]} ({deployment.slot.value})"


# Network


def _security_groups_and_route_tables(everything: Sequence[Resource], found: _Sum) -> None:
    """Both are cloned with each network that uses them (azure.md 4.2 [D]); one that is a member itself is not counted
    twice."""
    for name, kind in ((SECURITY_GROUPS, NetworkSecurityGroup), (ROUTE_TABLES, RouteTable)):
        members = [resource for resource in everything if isinstance(resource, kind)]
        for resource in members:
            found.count(resource, NETWORK, name, 1)
        listed = {(resource.subscription, resource.name.lower()) for resource in members}
        for network in everything:
            if isinstance(network, Network):
                used = {text.lower() for text in _used_by_subnets(network, name, found)}
                found.count(network, NETWORK, name, sum((network.subscription, text) not in listed for text in used))


def _used_by_subnets(network: Network, name: str, found: _Sum) -> Iterator[str]:
    what = "network security group" if name == SECURITY_GROUPS else "route table"
    if network.subnets is UNKNOWN:
        found.unknown(network, NETWORK, name, f"The subnets of {network.name} were not read.")
        return
    for subnet in network.subnets:
        used = subnet.network_security_group if name == SECURITY_GROUPS else subnet.route_table
        if used is UNKNOWN:
            found.unknown(network, NETWORK, name, f"The {what} of subnet {subnet.name} of {network.name} was not read.")
        elif used is not None:
            yield used


def _addresses_and_balancers(everything: Sequence[Resource], found: _Sum, own_network: bool) -> None:
    """Public addresses, each once; those reserved also as static ones; one load balancer per cloud service with a
    public endpoint (azure.md 5.1). A network for machines in none: one is made for them at Prepare (azure.md 3.4)."""
    services: dict[str, list[Deployment | VirtualMachine]] = {}
    seen: set[str] = set()
    for resource in everything:
        if isinstance(resource, ReservedAddress):
            found.count(resource, NETWORK, PUBLIC_ADDRESSES, 1)
            found.count(resource, NETWORK, STATIC_ADDRESSES, 1)
            seen |= {_reserved(resource, resource.name)} | ({resource.address} if known(resource.address) else set())
        elif isinstance(resource, Deployment):
            services.setdefault(resource.cloud_service_id.lower(), []).append(resource)
        elif isinstance(resource, VirtualMachine):
            service = resource.cloud_service_id if known(resource.cloud_service_id) else resource.id
            services.setdefault(str(service).lower(), []).append(resource)
    for tenants in services.values():
        tenants.sort(key=lambda tenant: isinstance(tenant, VirtualMachine))  # deployments first: they know the VIPs
        endpoints = _endpoints(tenants)
        if endpoints is UNKNOWN:
            found.unknown(
                tenants[0], NETWORK, LOAD_BALANCERS, f"The endpoints of {_service(tenants)} were not all read."
            )
        elif endpoints:
            found.count(tenants[0], NETWORK, LOAD_BALANCERS, 1)
        for tenant in tenants:
            _addresses(tenant, endpoints, seen, found)
        if own_network:
            _network_for_loose_machines(tenants, found)


def _reserved(resource: Resource, name: str) -> str:
    return f"{resource.subscription} reserved {name.lower()}"


def _service(tenants: Sequence[Deployment | VirtualMachine]) -> str:
    first = tenants[0]
    service = first.cloud_service_id if known(first.cloud_service_id) else first.id
    return str(service).rsplit("/", 1)[-1]


def _endpoints(tenants: Sequence[Deployment | VirtualMachine]) -> bool | Unknown:
    """Whether anything of the cloud service has a public endpoint."""
    unread = not any(isinstance(tenant, VirtualMachine) or tenant.slot_type is SlotType.ROLE for tenant in tenants)
    for tenant in tenants:
        if isinstance(tenant, VirtualMachine):
            lists = [tenant.input_endpoints]
        elif tenant.slot_type is SlotType.VIRTUAL_MACHINE:
            continue
        elif tenant.roles is UNKNOWN:
            lists = [UNKNOWN]
        else:
            lists = [role.input_endpoints for role in tenant.roles]
        for endpoints in lists:
            if endpoints is UNKNOWN:
                unread = True
            elif endpoints:
                return True
    return UNKNOWN if unread else False


def _addresses(tenant: Deployment | VirtualMachine, endpoints: bool | Unknown, seen: set[str], found: _Sum) -> None:
    if isinstance(tenant, VirtualMachine):
        if tenant.public_addresses is UNKNOWN:
            found.unknown(tenant, NETWORK, PUBLIC_ADDRESSES, f"The public addresses of {tenant.name} were not read.")
            return
        for address in tenant.public_addresses:
            if address not in seen:
                seen.add(address)
                found.count(tenant, NETWORK, PUBLIC_ADDRESSES, 1)
        return
    if tenant.virtual_ips is UNKNOWN:
        for name in (PUBLIC_ADDRESSES, STATIC_ADDRESSES):
            found.unknown(tenant, NETWORK, name, f"The virtual IPs of {_called(tenant)} were not read.")
        return
    for position, address in enumerate(tenant.virtual_ips):
        reserved_as = _reserved(tenant, str(address.reserved_ip_name))
        spelling = str(address.address) if known(address.address) else f"{tenant.key} {position}"
        if spelling in seen or reserved_as in seen:
            continue
        seen.add(spelling)
        if tenant.slot_type is SlotType.VIRTUAL_MACHINE and endpoints is False:
            continue  # a VIP of machines moves only with an input endpoint (VM-VIP-NEEDS-ENDPOINT [D] vm-dd)
        found.count(tenant, NETWORK, PUBLIC_ADDRESSES, 1)
        if address.reserved is UNKNOWN:
            found.unknown(tenant, NETWORK, STATIC_ADDRESSES, f"Whether {spelling} is reserved was not read.")
        elif address.reserved:
            found.count(tenant, NETWORK, STATIC_ADDRESSES, 1)


def _network_for_loose_machines(tenants: Sequence[Deployment | VirtualMachine], found: _Sum) -> None:
    machines = [tenant for tenant in tenants if isinstance(tenant, VirtualMachine)]
    unread = [machine for machine in machines if machine.virtual_network_id is UNKNOWN]
    if unread:
        found.unknown(unread[0], NETWORK, NETWORKS, f"The network of {unread[0].name} was not read.")
    elif any(machine.virtual_network_id is None for machine in machines) and not any(
        isinstance(t, Deployment) and t.slot_type is SlotType.ROLE for t in tenants
    ):
        found.count(machines[0], NETWORK, NETWORKS, 1)


__all__ = [
    "ANY_FAMILY",
    "Listed",
    "Need",
    "Needed",
    "Shortfall",
    "Sizes",
    "UnknownNeed",
    "add",
    "balance",
    "need",
    "new_total",
    "shortfall",
]
