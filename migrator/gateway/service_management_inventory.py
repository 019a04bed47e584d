"""What service management adds to an inventory of Resource Manager: sizes and counts of roles, gateways with their
connections, migration states, site names, route tables. It is asked only for what the documents do not say.

A document which was completed says so under `sources`: `"properties.instanceSize": "service-management"`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from migrator.gateway import service_management_users as users
from migrator.gateway.endpoint import short_name
from migrator.gateway.inventory import unreadable
from migrator.gateway.protocol import (
    OLDER_API_GONE,
    OLDER_API_RIGHT,
    CredentialRefused,
    Document,
    GatewayError,
    NotFound,
    NotPermitted,
    Reached,
    Throttled,
    Unreachable,
    Unreadable,
)
from migrator.gateway.service_management import NO_OBJECT, ServiceManagement
from migrator.gateway.wire import normal_location
from migrator.gateway.wire.service_management import SOURCE, DeploymentFacts, Ids
from migrator.gateway.wire.service_management_xml import Xml
from migrator.resources import ResourceType, Slot, resource_group_of

T = TypeVar("T")
MOST_FAILURES = 5  # answers in error before the rest is not asked for
MOST_SERVICES = 2_000  # hosted services with machines that are asked for who uses a group; beyond, it stays unknown
GONE = 410
MOST_SUBNETS = 2_000  # subnets asked for their route table; beyond, what uses a table stays unknown
# After one of these nothing else would be answered either. NotFound: for a list, the API is not there (any more).
CLOSING = (CredentialRefused, NotPermitted, Unreachable, Throttled, NotFound)
TABLES_READ = f"{ResourceType.ROUTE_TABLE}/read"
MISSED = (
    "route tables are not listed, and sizes and counts of roles, connections of gateways, uses of security groups and "
    "migration states are known only as far as Resource Manager tells them"
)


def is_gone(error: GatewayError) -> bool:
    """Whether an error says that this one thing does not exist, rather than that the API does not."""
    return isinstance(error, NotFound) and error.code.lower() == NO_OBJECT


def site_names(network_id: str, said: Any = None) -> tuple[str, ...]:
    """The names a network may have in service management, lower case, the likeliest first."""
    plain = network_id.rstrip("/").rsplit("/", 1)[-1]
    names = [said] if isinstance(said, str) else []
    return tuple(name.lower() for name in (*names, f"Group {resource_group_of(network_id)} {plain}", plain))


@dataclass(slots=True)
class Supplement:
    """One inventory of one subscription. `walk` once. `groups`: the security groups as Resource Manager lists them,
    each with what lies below it."""

    service: ServiceManagement
    subscription: str
    groups: Callable[[], Iterator[list[Document]]] = lambda: iter(())
    begun: bool = False  # the listing goes on from a place, so that not everything comes by
    ids: Ids = field(init=False)
    doubts: list[Unreadable] = field(default_factory=list)
    refusal: GatewayError | None = None  # what closed the API for this inventory
    _failures: int = 0
    _answered: bool = False  # whether this API answered anything
    _sites: dict[str, Xml] | None = None
    _accounts: dict[str, Any] | None = None
    _deployments: dict[tuple[str, Slot], DeploymentFacts | None] = field(default_factory=dict)
    _gateways: dict[str, Document | None] = field(default_factory=dict)
    _read_here: set[str] = field(default_factory=set)  # networks whose gateways were read here
    # names of the tables of subnets as Resource Manager tells them (None: no table), by site and subnet, lower case
    _tables: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _open_groups: bool = False  # a security group came by that does not say who uses it

    def __post_init__(self) -> None:
        self.ids = Ids(self.subscription)

    def walk(self, found: Iterator[Document | Unreadable | Reached]) -> Iterator[Document | Unreadable | Reached]:
        """The documents as they come, completed; then the route tables; what service management did not tell stands
        behind what it is missing from, and a refusal at the end."""
        for item in found:
            if isinstance(item, Reached):
                yield item
            elif isinstance(item, Unreadable):
                if not (item.resource_id.lower() in self._read_here and "/gateways" in item.action.lower()):
                    yield item
            else:
                self.ids.remember(item)
                yield from self._completed(item)
                yield from self._new_doubts()
        yield from self._route_tables()
        yield from self._new_doubts()
        yield from self._security_groups()
        yield from self._new_doubts()
        if self.refusal is not None:
            yield refused(self.refusal, self.subscription, shut=not self._answered)

    def _new_doubts(self) -> list[Unreadable]:
        said, self.doubts = self.doubts, []
        return said

    def _ask(self, read: Callable[[], T], resource_id: str, action: str) -> T | None:
        """What was read, None when it was not to be had."""
        if self.refusal is not None:
            return None
        try:
            found = read()
            self._answered = True
            return found
        except GatewayError as error:
            if is_gone(error) and resource_id:
                return None  # listed a moment ago, gone or moved now: the fact stays unknown
            self._failures += 1
            if isinstance(error, CLOSING) or not resource_id or self._failures >= MOST_FAILURES:
                self.refusal = error
            else:
                self.doubts.append(unreadable(error, resource_id, action))
            return None

    # Documents of Resource Manager, completed

    def _completed(self, document: Document) -> Iterator[Document]:
        kind, properties = document.get("type"), document.get("properties")
        if not isinstance(properties, Mapping):
            yield document
            return
        match kind:
            case ResourceType.NETWORK:
                yield from self._network(document, properties)
            case ResourceType.GATEWAY:
                yield self._gateway(document, properties)
            case ResourceType.ROLE:
                yield self._role(document, properties)
            case ResourceType.VIRTUAL_MACHINE:
                yield self._machine(document, properties)
            case ResourceType.STORAGE_ACCOUNT:
                yield self._storage_account(document, properties)
            case ResourceType.NETWORK_SECURITY_GROUP:
                self._open_groups |= "associations" not in properties
                yield document  # completed at the end, when everybody who may use it has come by
            case _:
                yield document

    def _site(self, network_id: str, said: Any = None) -> Xml | None:
        if self._sites is None:
            listed = self._ask(lambda: self.service.networks(self.ids), "", "")
            self._sites = {site.word("Name").lower(): site for _, site in listed or []}
        return next((self._sites[name] for name in site_names(network_id, said) if name in self._sites), None)

    def _network(self, document: Document, properties: Mapping[str, Any]) -> Iterator[Document]:
        site = self._site(document["id"], properties.get("siteName"))
        if site is None:
            yield document
            return
        self._remember_tables(properties, site)
        state = site.word("MigrationState") or None
        completed = filled(document, siteName=site.word("Name") or None, migrationState=state)
        completed = users.with_groups(completed, site, self.ids)
        read = [item for item in document.get("read", ()) if isinstance(item, str)]
        if "gateways" in read:
            yield completed
            return
        before = len(self.doubts)
        gateway = self._gateway_of(document["id"], document, site)
        if self.refusal is not None or len(self.doubts) > before:
            yield completed
            return
        self._read_here.add(document["id"].lower())
        yield {**completed, "read": [*read, "gateways"]}
        if gateway is not None:
            yield gateway

    def _gateway_of(self, network_id: str, document: Document, site: Xml) -> Document | None:
        key = network_id.lower()
        if key not in self._gateways:
            self._gateways[key] = self._ask(
                lambda: self.service.gateway(self.ids, document, site), network_id, f"{ResourceType.GATEWAY}/read"
            )
        return self._gateways[key]

    def _gateway(self, document: Document, properties: Mapping[str, Any]) -> Document:
        if all(properties.get(name) is not None for name in ("gatewayType", "connections")):
            return document
        network_id = document["id"].rsplit("/", 2)[0]
        site = self._site(network_id)
        if site is None:
            return document
        home = {"id": network_id, "location": document.get("location")}
        told = (self._gateway_of(network_id, home, site) or {}).get("properties", {})
        kind = properties.get("gatewayType")
        if kind is not None and told.get("gatewayType") not in (None, kind):
            return document  # a network may have two gateways; this API tells of one
        return filled(document, gatewayType=told.get("gatewayType"), connections=told.get("connections"))

    def _facts(self, service: str, slot: Slot, resource_id: str) -> DeploymentFacts | None:
        key = (service.lower(), slot)
        if key not in self._deployments:
            self._deployments[key] = self._ask(
                lambda: self.service.deployment_facts(self.subscription, service, slot),
                resource_id,
                f"{ResourceType.ROLE}/read",
            )
        return self._deployments[key]

    def _role(self, document: Document, properties: Mapping[str, Any]) -> Document:
        if all(properties.get(name) is not None for name in ("instanceSize", "instanceCount")):
            return document
        parts = document["id"].strip("/").split("/")
        slot = next((one for one in Slot if one.value.lower() == parts[-3].lower()), None)
        facts = self._facts(parts[-5], slot, document["id"].rsplit("/", 2)[0]) if slot else None
        if facts is None:
            return document
        name = parts[-1].lower()
        return filled(document, instanceSize=facts.sizes.get(name), instanceCount=facts.counts.get(name))

    def _machine(self, document: Document, properties: Mapping[str, Any]) -> Document:
        """What its deployment tells of a machine; its migration state only of one in no network: one in a network moves
        with it, and the network tells."""
        network, home = properties.get("networkProfile"), properties.get("domainName")
        in_network = isinstance(network, Mapping) and network.get("virtualNetwork") is not None
        stateless = in_network or properties.get("migrationState") is not None
        service = home.get("name") if isinstance(home, Mapping) else None
        if not isinstance(service, str) or (stateless and not users.is_silent(properties)):
            return document
        facts = self._facts(service, Slot.PRODUCTION, document["id"])  # machines run in Production only
        name = str(document["name"]).lower()
        if facts is None:
            return document
        told = facts.machines.get(name)
        completed = users.with_machine(document, told, self.ids) if told is not None else document
        return completed if stateless else filled(completed, migrationState=facts.states.get(name))

    def _storage_account(self, document: Document, properties: Mapping[str, Any]) -> Document:
        if self._accounts is None:
            listed = self._ask(lambda: self.service.storage_accounts(self.ids), "", "") or []
            self._accounts = {str(one["name"]).lower(): one["properties"].get("migrationState") for one in listed}
        name = document["id"].rsplit("/", 1)[-1].lower()
        return filled(document, migrationState=self._accounts.get(name))

    # Security groups, whose users are told by subnets and machines

    def _security_groups(self) -> Iterator[Document]:
        """Once more those which do not say who uses them, now with their users. Nothing is said of a group which no
        subnet uses where the machines of a service could not be read: it may be theirs."""
        if self.refusal is not None or not (self._open_groups or self.begun):
            return
        waiting = [found for found in self.groups() if "associations" not in found[0].get("properties", {})]
        if not waiting:
            return
        used, whole = self._users_of_groups()
        for group, *below in waiting:
            by = used.get(str(group["name"]).lower(), set())
            if self.refusal is None and (whole or by):
                yield users.with_associations(group, by)
                yield from below

    def _users_of_groups(self) -> tuple[dict[str, set[str]], bool]:
        """By lower-case name of a group: the subnets and machines that use it; and whether all of them are known."""
        self._site("")
        found: dict[str, set[str]] = {}
        for site in (self._sites or {}).values():
            for subnet in site.items("Subnets", "Subnet") or []:
                group = subnet.word("NetworkSecurityGroup").lower()
                found.setdefault(group, set()).add(f"{self._plain(site)}/{subnet.word('Name')}")
        services = self._ask(lambda: self.service.services_of_machines(self.ids), "", "")
        whole = services is not None and len(services) <= MOST_SERVICES
        for service in services if services is not None and whole else []:
            facts = self._facts(service, Slot.PRODUCTION, f"/subscriptions/{self.subscription}")
            for name, machine in (facts.machines if facts is not None else {}).items():
                for group in (machine.security_group, *machine.of_interfaces):
                    found.setdefault((group or "").lower(), set()).add(name)
            told = facts is not None and all(one.security_group is not None for one in facts.machines.values())
            whole = whole and told
        found.pop("", None)
        return found, whole

    # Route tables, which only service management shows

    def _remember_tables(self, properties: Mapping[str, Any], site: Xml) -> None:
        subnets = properties.get("subnets")
        for subnet in subnets if isinstance(subnets, list) else []:
            if isinstance(subnet, Mapping) and "routeTable" in subnet:
                table = subnet["routeTable"]
                said = table.get("name") if isinstance(table, Mapping) else None
                if table is None or isinstance(said, str):
                    self._tables[site.word("Name").lower(), str(subnet.get("name")).lower()] = said

    def _route_tables(self) -> Iterator[Document]:
        listed = self._ask(lambda: self.service.route_tables(self.ids), "", "") or []
        if not listed:
            return
        users = self._users({normal_location(str(table.get("location") or "")) for table in listed})
        for table in listed:
            full = self._ask(
                lambda name=table["name"]: self.service.route_table(self.ids, name), table["id"], TABLES_READ
            )
            found = full or table
            place = normal_location(str(table.get("location") or ""))
            if place in users:
                used_by = users[place].get(str(table["name"]).lower(), [])
                found = {**found, "properties": {**found["properties"], "associations": used_by}}
            yield found

    def _users(self, places: set[str]) -> dict[str, dict[str, list[str]]]:
        """By region, then by lower-case name of a table: the subnets that use it. A region is left out when the table
        of one of its subnets is not known. Asks for what Resource Manager did not tell."""
        self._site("")  # reads the sites when no network came by
        found: dict[str, dict[str, list[str]]] = {} if self.refusal else {place: {} for place in places}
        asked = 0
        for site in (self._sites or {}).values():
            region = normal_location(site.word("Location"))
            here = [place for place in ([region] if region else places) if place in found]  # no region: may be in any
            subnets = site.items("Subnets", "Subnet")
            for subnet in subnets if subnets is not None and here else []:
                asked += 1
                table = self._table_of(site.word("Name"), subnet.word("Name")) if asked <= MOST_SUBNETS else ...
                for place in here:
                    if table is ...:
                        found.pop(place, None)
                    elif table and place in found:
                        label = f"{self._plain(site)}/{subnet.word('Name')}"
                        found[place].setdefault(table.lower(), []).append(label)
            if subnets is None:
                for place in here:
                    found.pop(place, None)
        return found

    def _plain(self, site: Xml) -> str:
        """The name of a network as people know it."""
        return self.ids.of(ResourceType.NETWORK, site.word("Name")).rsplit("/", 1)[-1]

    def _table_of(self, site: str, subnet: str) -> Any:
        """The name of a subnet's table, None for none, `...` when nobody says."""
        key = (site.lower(), subnet.lower())
        if key in self._tables:
            return self._tables[key]
        if not site or not subnet or self.refusal is not None:
            return ...
        try:
            found = self.service.table_of_subnet(self.ids, site, subnet)
        except GatewayError:
            return ...
        return ... if found == "" else found


def refused(error: GatewayError, subscription: str, *, shut: bool) -> Unreadable:
    """That this API was of no use, once for a whole inventory, and what is missing for it. `shut`: it answered nothing
    at all, so that a refusal is for good and no accident."""
    action, what = TABLES_READ, str(error)
    if shut and isinstance(error, CredentialRefused | NotPermitted):
        action = OLDER_API_RIGHT
        what = "Service management refuses this credential: it answers to an Owner or co-administrator only."
    elif shut and (isinstance(error, NotFound) or error.exchange.status == GONE):
        action, what = OLDER_API_GONE, "Service management does not answer for this subscription any more."
    sentence = f"{what} Without it {MISSED}. TRACKER_SERVICE_MANAGEMENT_ENDPOINT=off does not ask it at all."
    return Unreadable(resource_id=f"/subscriptions/{subscription}", action=action, sentence=sentence)


def filled(document: Document, **values: Any) -> Document:
    """The document with what it did not say. A value of None is nothing said."""
    properties = document["properties"]
    new = {name: value for name, value in values.items() if value is not None and properties.get(name) is None}
    if not new:
        return document
    sources = {**document.get("sources", {}), **{f"properties.{name}": SOURCE for name in new}}
    return {**document, "properties": {**properties, **new}, "sources": sources}


def of_unit(service: ServiceManagement, unit_id: str, kind: str) -> str | None:
    """The MigrationState of a network, a storage account or an IaaS deployment, None when nothing is going on. Raises
    the error family; NotFound when it does not list the unit."""
    ids = Ids(unit_id.strip("/").split("/")[1].lower())
    parts = unit_id.strip("/").split("/")
    match kind:
        case ResourceType.NETWORK:
            sites = {site.word("Name").lower(): site for _, site in service.networks(ids)}
            site = next((sites[name] for name in site_names(unit_id) if name in sites), None)
            if site is None:
                raise NotFound(f"Service management does not list {short_name(unit_id)}.", code=NO_OBJECT)
            return site.word("MigrationState") or None
        case ResourceType.STORAGE_ACCOUNT:
            state = service.storage_account(ids, parts[-1])["properties"].get("migrationState")
            return state if isinstance(state, str) else None
        case ResourceType.DEPLOYMENT:
            slot = next((one for one in Slot if one.value.lower() == parts[-1].lower()), Slot.PRODUCTION)
            return _least_settled(service.deployment_facts(ids.subscription, parts[-3], slot).states.values())
    return None


_UNSETTLED = ("committing", "preparing", "aborting", "prepared")


def _least_settled(states: Any) -> str | None:
    """Of the states of a deployment's machines, the one that says most is still going on."""
    said = {state.lower(): state for state in states if isinstance(state, str)}
    return next((said[name] for name in _UNSETTLED if name in said), next(iter(said.values()), None))
