"""Resource Manager completed by service management: what is filled, what is left alone, what a refusal costs."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from migrator.gateway.arm import StaticToken
from migrator.gateway.azure import Azure
from migrator.gateway.protocol import (
    OLDER_API_GONE,
    OLDER_API_RIGHT,
    ClassicSide,
    Document,
    NotFound,
    Reached,
    Unreadable,
)
from migrator.gateway.service_management import ServiceManagement
from migrator.gateway.service_management_inventory import TABLES_READ, Supplement, filled
from migrator.gateway.wire import assemble
from migrator.resources import UNKNOWN, Network, NetworkSecurityGroup, ResourceType, Role, RouteTable, VirtualMachine
from tests.migrator.gateway.service_management import answers

SUB = "11111111-2222-3333-4444-555555555555"
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg1/providers"
NETWORK = f"{GROUP}/{ResourceType.NETWORK}/vnet1"
SERVICE = f"{GROUP}/{ResourceType.CLOUD_SERVICE}/cs1"
SLOT = f"{SERVICE}/slots/Production"
STORAGE = f"{GROUP}/{ResourceType.STORAGE_ACCOUNT}/acc"
MACHINE = f"{GROUP}/{ResourceType.VIRTUAL_MACHINE}/vm1"
TABLE = f"{GROUP}/{ResourceType.ROUTE_TABLE}/rt1"
NETWORKING = f"/{SUB}/services/networking"
NO_TABLE = "<Error><Code>ResourceNotFound</Code><Message>none</Message></Error>"
Wrap = Callable[[str], bytes]


def doc(resource_id: str, kind: str, read: tuple[str, ...] = (), **properties: Any) -> Document:
    return {
        "id": resource_id,
        "name": resource_id.rsplit("/", 1)[-1],
        "type": kind,
        "location": "westeurope",
        "properties": properties,
        "read": list(read),
        "sources": {"": "arm"},
    }


def network(read: tuple[str, ...] = ("gateways",), **properties: Any) -> Document:
    subnets = [{"name": "front", "routeTable": None}, {"name": "back", "routeTable": None}]
    return doc(NETWORK, ResourceType.NETWORK, read, **{"subnets": subnets, **properties})


def role(**properties: Any) -> Document:
    return doc(f"{SLOT}/roles/Web", ResourceType.ROLE, (), **properties)


@pytest.fixture
def answering(stub: Any, wrap: Wrap) -> None:
    """A subscription in which service management answers everything."""
    path = NETWORKING
    stub.on("GET", f"{path}/virtualnetwork", 200, wrap(f"<VirtualNetworkSites>{answers.site()}</VirtualNetworkSites>"))
    stub.on("GET", f"{path}/Group%20rg1%20vnet1/gateway", 200, wrap(answers.GATEWAY))
    stub.on("GET", f"{path}/Group%20rg1%20vnet1/gateway/connections", 200, wrap(answers.CONNECTIONS))
    stub.on("GET", f"{path}/routetables", 200, wrap(answers.TABLES))
    stub.on("GET", f"{path}/routetables/rt1", 200, wrap(answers.TABLE))
    stub.on("GET", f"/{SUB}/services/hostedservices/cs1/deploymentslots/Production", 200, wrap(answers.WEB))
    accounts = f"<StorageServices>{answers.account('Prepared')}</StorageServices>"
    stub.on("GET", f"/{SUB}/services/storageservices", 200, wrap(accounts))


def walk(service: ServiceManagement, *documents: Any) -> list[Any]:
    return list(Supplement(service, SUB).walk(iter(documents)))


def kinds(found: list[Any]) -> list[str]:
    return [one["type"].rsplit("/", 1)[-1] for one in found if not isinstance(one, Unreadable | Reached)]


@pytest.mark.usefixtures("answering")
def test_sizes_and_counts_are_filled_and_say_who_told_them(service: ServiceManagement) -> None:
    found, *_ = walk(service, role(name="Web"))
    assert found["properties"] == {"name": "Web", "instanceSize": "Small", "instanceCount": 2}
    assert found["sources"] == {
        "": "arm",
        "properties.instanceSize": "service-management",
        "properties.instanceCount": "service-management",
    }
    (value,) = assemble([found]).resources
    assert isinstance(value, Role) and (value.size, value.instance_count) == ("Small", 2)


@pytest.mark.usefixtures("answering")
def test_what_resource_manager_says_is_left_alone_and_not_asked_for(stub: Any, service: ServiceManagement) -> None:
    whole = role(instanceSize="Large", instanceCount=7)
    assert walk(service, whole)[0] == whole
    assert not [request for request in stub.requests if "hostedservices" in request.path]
    assert filled(role(instanceSize="Large"), instanceSize="Small") == role(instanceSize="Large")


@pytest.mark.usefixtures("answering")
def test_a_deployment_is_asked_for_once_for_all_its_roles(stub: Any, service: ServiceManagement) -> None:
    walk(service, role(), doc(f"{SLOT}/roles/Other", ResourceType.ROLE), role())
    assert len([request for request in stub.requests if "deploymentslots" in request.path]) == 1


@pytest.mark.usefixtures("answering")
def test_gateways_that_resource_manager_did_not_list_are_read_here(service: ServiceManagement) -> None:
    refused = Unreadable(resource_id=NETWORK, action=f"{ResourceType.GATEWAY}/read", sentence="no")
    other = Unreadable(resource_id=NETWORK, action=f"{ResourceType.PEERING}/read", sentence="no")
    found = walk(service, network(read=()), refused, other)
    assert kinds(found) == ["virtualNetworks", "gateways", "routeTables"]
    assert refused not in found and other in found
    value = assemble([one for one in found if not isinstance(one, Unreadable)]).resources[0]
    assert isinstance(value, Network) and isinstance(value.gateways, tuple)
    assert value.gateways[0].connections == (("office", "Connected"),)
    assert value.site_name == "Group rg1 vnet1"


@pytest.mark.usefixtures("answering")
def test_a_listed_gateway_gets_its_connections(service: ServiceManagement) -> None:
    bare = doc(f"{NETWORK}/gateways/primary", ResourceType.GATEWAY, (), state="Provisioned")
    _, found, *_ = walk(service, network(), bare)
    assert found["properties"]["gatewayType"] == "Vpn" and found["properties"]["connections"][0]["name"] == "office"
    express = doc(f"{NETWORK}/gateways/er", ResourceType.GATEWAY, (), gatewayType="ExpressRoute")
    assert walk(service, network(), express)[1] == express  # this API tells of the other one


@pytest.mark.usefixtures("answering")
def test_migration_states_of_networks_accounts_and_machines(stub: Any, wrap: Wrap, service: ServiceManagement) -> None:
    stub.on(
        "GET", f"/{SUB}/services/hostedservices/cs2/deploymentslots/Production", 200, wrap(answers.machines("Prepared"))
    )
    alone = doc(MACHINE, ResourceType.VIRTUAL_MACHINE, (), domainName={"name": "cs2"}, networkProfile={})
    inside = doc(
        MACHINE,
        ResourceType.VIRTUAL_MACHINE,
        (),
        domainName={"name": "cs2"},
        networkProfile={"virtualNetwork": {"id": NETWORK}, "networkSecurityGroup": None},
    )
    account, machine, member, *_ = walk(service, doc(STORAGE, ResourceType.STORAGE_ACCOUNT), alone, inside)
    assert account["properties"]["migrationState"] == machine["properties"]["migrationState"] == "Prepared"
    assert member == inside  # its network tells


@pytest.mark.usefixtures("answering")
def test_an_unused_route_table_is_known_to_be_unused(stub: Any, service: ServiceManagement) -> None:
    found = walk(service, network())[-1]
    (value,) = assemble([found]).resources
    assert isinstance(value, RouteTable) and value.used_by == () and found["properties"]["routes"]
    assert not [request for request in stub.requests if "/subnets/" in request.path]


@pytest.mark.usefixtures("answering")
def test_a_used_route_table_names_its_subnets(stub: Any, wrap: Wrap, service: ServiceManagement) -> None:
    silent = network(subnets=[{"name": "front"}, {"name": "back", "routeTable": {"name": "RT1"}}])
    table = "<RouteTableAssociation><RouteTableName>rt1</RouteTableName></RouteTableAssociation>"
    stub.on("GET", f"{NETWORKING}/virtualnetwork/Group%20rg1%20vnet1/subnets/front/routetables", 200, wrap(table))
    assert walk(service, silent)[-1]["properties"]["associations"] == ["vnet1/front", "vnet1/back"]


@pytest.mark.usefixtures("answering")
def test_when_one_subnet_does_not_tell_no_table_is_called_unused(
    stub: Any, wrap: Wrap, service: ServiceManagement
) -> None:
    path = f"{NETWORKING}/virtualnetwork/Group%20rg1%20vnet1/subnets"
    stub.on("GET", f"{path}/front/routetables", 404, wrap(NO_TABLE))  # back: the stub's own 404, which is no answer
    (value,) = assemble([walk(service, network(subnets=None))[-1]]).resources
    assert isinstance(value, RouteTable) and value.used_by is UNKNOWN


@pytest.mark.usefixtures("answering")
def test_a_listing_that_goes_on_elsewhere_calls_nothing_unused_by_mistake(service: ServiceManagement) -> None:
    """After an interruption no network comes by: the subnets are asked for, and here they do not answer."""
    place = Reached(cursor="x")
    found = walk(service, place)
    assert found[0] is place and "associations" not in found[1]["properties"]


REFUSES = "refuses this credential: it answers to an Owner or co-administrator only"
GONE = "does not answer for this subscription any more"


@pytest.mark.parametrize(
    ("status", "body", "action", "words"),
    [
        (401, "AuthenticationFailed", OLDER_API_RIGHT, REFUSES),
        (403, "ForbiddenError", OLDER_API_RIGHT, REFUSES),
        (404, "", OLDER_API_GONE, GONE),
        (410, "Gone", OLDER_API_GONE, GONE),
        (429, "TooManyRequests", TABLES_READ, "list virtual network sites"),
        (500, "X", TABLES_READ, "list virtual network sites"),
    ],
)
def test_a_refusal_costs_one_line_that_names_what_is_missing(
    stub: Any, wrap: Wrap, service: ServiceManagement, status: int, body: str, action: str, words: str
) -> None:
    error = wrap(f"<Error><Code>{body}</Code><Message>no</Message></Error>") if body else b"<html>gone</html>"
    stub.on("GET", f"{NETWORKING}/virtualnetwork", status, error)
    bare = [network(read=()), role(), doc(STORAGE, ResourceType.STORAGE_ACCOUNT)]
    *documents, refused = walk(service, *bare)
    assert documents == bare
    assert isinstance(refused, Unreadable) and refused.action == action
    assert refused.resource_id == f"/subscriptions/{SUB}"
    assert words in refused.sentence and "sizes and counts of roles" in refused.sentence
    assert "TRACKER_SERVICE_MANAGEMENT_ENDPOINT=off" in refused.sentence
    assert len({request.path for request in stub.requests}) == 1  # after the first refusal nothing more is asked


@pytest.mark.usefixtures("answering")
def test_a_refusal_half_way_is_no_refusal_for_good(stub: Any, wrap: Wrap, service: ServiceManagement) -> None:
    error = wrap("<Error><Code>ForbiddenError</Code><Message>no</Message></Error>")
    stub.on("GET", f"/{SUB}/services/hostedservices/other/deploymentslots/Production", 403, error)
    other = doc(f"{GROUP}/{ResourceType.CLOUD_SERVICE}/other/slots/Production/roles/R", ResourceType.ROLE)
    *_, refused = walk(service, role(), other)
    assert isinstance(refused, Unreadable) and refused.action == TABLES_READ and "(403)" in refused.sentence


# Who uses a security group

NSG = f"{GROUP}/{ResourceType.NETWORK_SECURITY_GROUP}"
DISKS = "<Disks><Disk><AttachedTo><HostedServiceName>cs2</HostedServiceName></AttachedTo></Disk><Disk/></Disks>"


def machine(**properties: Any) -> Document:
    home = {"domainName": {"name": "cs2"}, "migrationState": "Prepared", "hardwareProfile": {}, **properties}
    return doc(MACHINE, ResourceType.VIRTUAL_MACHINE, (), **home)


def with_group(text: str, name: str) -> str:
    """The answer for a deployment of machines, whose machine is in a security group."""
    return text.replace(
        "</ConfigurationSet>", f"<NetworkSecurityGroup>{name}</NetworkSecurityGroup></ConfigurationSet>"
    )


def groups(*names: str) -> Callable[[], Iterator[list[Document]]]:
    """Security groups as Resource Manager lists them, each with a rule."""
    made = [doc(f"{NSG}/{name}", ResourceType.NETWORK_SECURITY_GROUP, ("securityRules",)) for name in names]
    rules = [doc(f"{NSG}/{name}/securityRules/a", ResourceType.SECURITY_RULE) for name in names]
    return lambda: iter([[one, rule] for one, rule in zip(made, rules, strict=True)])


def used_by(found: list[Any]) -> dict[str, Any]:
    """What is known in the end: the later reading counts."""
    last = {one["id"]: one for one in found if not isinstance(one, Unreadable | Reached)}
    values = assemble(last.values()).resources
    return {one.name: one.used_by for one in values if isinstance(one, NetworkSecurityGroup)}


@pytest.fixture
def users_answering(stub: Any, wrap: Wrap, answering: None) -> None:
    stub.on("GET", f"/{SUB}/services/disks", 200, wrap(DISKS))
    told = with_group(answers.machines(), "hosts")
    stub.on("GET", f"/{SUB}/services/hostedservices/cs2/deploymentslots/Production", 200, wrap(told))


@pytest.mark.usefixtures("users_answering")
@pytest.mark.parametrize("begun", [False, True])
def test_groups_name_the_subnets_and_machines_that_use_them(stub: Any, service: ServiceManagement, begun: bool) -> None:
    """Also where the listing goes on from a place, so that no network, machine or group comes by."""
    listed = groups("nsg1", "hosts", "loose")
    bare = [doc(f"{NSG}/{name}", ResourceType.NETWORK_SECURITY_GROUP) for name in ("nsg1", "hosts", "loose")]
    documents = [] if begun else [*bare, network(subnets=[{"name": "front"}, {"name": "back"}])]
    supplement = Supplement(service, SUB, groups=listed, begun=begun)
    found = list(supplement.walk(iter(documents)))
    assert used_by(found) == {"nsg1": ("vnet1/front",), "hosts": ("vm1",), "loose": ()}
    completed = next(one for one in reversed(found) if not isinstance(one, Unreadable) and one["name"] == "hosts")
    assert completed["sources"]["properties.associations"] == "service-management"
    assert len([seen for seen in stub.requests if "deploymentslots" in seen.path]) == 1


@pytest.mark.usefixtures("users_answering")
def test_where_a_service_cannot_be_read_no_group_is_called_unused(
    stub: Any, wrap: Wrap, service: ServiceManagement
) -> None:
    more = DISKS.replace("<Disk/>", "<Disk><AttachedTo><HostedServiceName>x</HostedServiceName></AttachedTo></Disk>")
    stub._answers.pop(("GET", f"/{SUB}/services/disks"))
    stub.on("GET", f"/{SUB}/services/disks", 200, wrap(more))
    stub.on("GET", f"/{SUB}/services/hostedservices/x/deploymentslots/Production", 200, b"<html>")
    bare = doc(f"{NSG}/loose", ResourceType.NETWORK_SECURITY_GROUP)
    supplement = Supplement(service, SUB, groups=groups("nsg1", "loose"))
    found = list(supplement.walk(iter([bare])))
    assert used_by(found) == {"nsg1": ("vnet1/front",), "loose": UNKNOWN}
    assert [one for one in found if isinstance(one, Unreadable)]


@pytest.mark.usefixtures("users_answering")
def test_groups_that_say_who_uses_them_cost_nothing(stub: Any, service: ServiceManagement) -> None:
    told = doc(f"{NSG}/nsg1", ResourceType.NETWORK_SECURITY_GROUP, (), associations=["a"])
    supplement = Supplement(service, SUB, groups=groups("never asked"))
    found = list(supplement.walk(iter([told])))
    assert found[0] == told and used_by(found) == {"nsg1": ("a",)}
    assert not [seen for seen in stub.requests if seen.path.endswith("/disks")]


@pytest.mark.usefixtures("users_answering")
def test_subnets_and_machines_name_their_groups(service: ServiceManagement) -> None:
    silent = network(subnets=[{"name": "front"}, {"name": "back", "networkSecurityGroup": None}, {"name": "other"}])
    made, vm, *_ = walk(service, silent, machine(networkProfile={"inputEndpoints": [{"endpointName": "SSH"}]}))
    front, back, other = made["properties"]["subnets"]
    assert front["networkSecurityGroup"]["name"] == "nsg1" and back["networkSecurityGroup"] is None
    assert "networkSecurityGroup" not in other  # no subnet of the site is called so
    assert made["sources"]["properties.subnets.networkSecurityGroup"] == "service-management"
    profile = vm["properties"]["networkProfile"]
    assert profile["networkSecurityGroup"]["name"] == "hosts"
    assert vm["sources"]["properties.networkProfile.networkSecurityGroup"] == "service-management"
    (value,) = assemble([vm]).resources
    assert isinstance(value, VirtualMachine) and value.availability_set == "as1"
    (point,) = value.input_endpoints  # type: ignore[misc]
    assert point.load_balanced_set == "lb" and [rule.action for rule in point.acl] == ["permit"]


@pytest.mark.usefixtures("answering")
def test_one_service_in_error_is_named_and_the_rest_goes_on(stub: Any, wrap: Wrap, service: ServiceManagement) -> None:
    path = f"/{SUB}/services/hostedservices/broken/deploymentslots/Production"
    stub.on("GET", path, 200, b"<html>")
    broken = doc(f"{GROUP}/{ResourceType.CLOUD_SERVICE}/broken/slots/Production/roles/R", ResourceType.ROLE)
    first, doubt, second, *_ = walk(service, broken, role())
    assert first == broken and isinstance(doubt, Unreadable) and "broken/Production" in doubt.sentence
    assert second["properties"]["instanceSize"] == "Small"


# Observing


@pytest.fixture
def azure(stub: Any) -> Iterator[Azure]:
    with Azure(stub.url, f"{stub.url}/sm", StaticToken("t"), deadline=3.0) as gateway:
        stub.on("GET", f"/subscriptions/{SUB}/resourcegroups", 200, {"value": []})
        yield gateway


@pytest.mark.parametrize(
    ("state", "side"),
    [("Prepared", ClassicSide.PREPARED), ("Aborting", ClassicSide.ABORTING), ("", ClassicSide.PRESENT)],
)
def test_a_network_is_prepared_when_service_management_says_so(
    stub: Any, wrap: Wrap, azure: Azure, state: str, side: ClassicSide
) -> None:
    stub.on("GET", NETWORK, 200, network())
    sites = f"<VirtualNetworkSites>{answers.site(state=state)}</VirtualNetworkSites>"
    stub.on("GET", f"/sm{NETWORKING}/virtualnetwork", 200, wrap(sites))
    seen = azure.observe(NETWORK, ())
    assert seen.classic is side and seen.unreadable == ()
    assert seen.classic_documents[0]["properties"].get("migrationState") == (state or None)


@pytest.mark.parametrize(
    ("states", "side"),
    [(("Prepared", "Preparing"), ClassicSide.PREPARING), (("Prepared", "Prepared"), ClassicSide.PREPARED)],
)
def test_machines_in_different_states_are_still_on_their_way(
    stub: Any, wrap: Wrap, azure: Azure, states: tuple[str, str], side: ClassicSide
) -> None:
    roles = "".join(
        f"<Role><RoleName>vm{n}</RoleName><RoleType>PersistentVMRole</RoleType><MigrationState>{s}</MigrationState></Role>"
        for n, s in enumerate(states)
    )
    stub.on("GET", SLOT, 200, doc(SLOT, ResourceType.DEPLOYMENT, (), slotType="VirtualMachine"))
    body = wrap(f"<Deployment><Name>d</Name><RoleList>{roles}</RoleList></Deployment>")
    stub.on("GET", f"/sm/{SUB}/services/hostedservices/cs1/deploymentslots/Production", 200, body)
    assert azure.observe(SLOT, ()).classic is side


def test_a_web_deployment_has_no_state_to_ask_for(stub: Any, azure: Azure) -> None:
    stub.on("GET", SLOT, 200, doc(SLOT, ResourceType.DEPLOYMENT, (), slotType="Role"))
    assert azure.observe(SLOT, ()).classic is ClassicSide.PRESENT
    assert not [request for request in stub.requests if request.path.startswith("/sm/")]


def test_a_refusal_leaves_the_observation_as_it_was_and_is_remembered(stub: Any, wrap: Wrap, azure: Azure) -> None:
    stub.on("GET", NETWORK, 200, network())
    path = f"/sm{NETWORKING}/virtualnetwork"
    stub.on("GET", path, 403, wrap("<Error><Code>ForbiddenError</Code><Message>no</Message></Error>"))
    first, second = azure.observe(NETWORK, ()), azure.observe(NETWORK, ())
    assert first.classic is second.classic is ClassicSide.PRESENT
    assert len(first.unreadable) == 1 and second.unreadable == ()
    assert len(stub.asked("GET", path)) == 1


@pytest.mark.parametrize(
    ("status", "body", "side"),
    [
        (200, answers.TABLE, ClassicSide.PRESENT),
        (404, NO_TABLE, ClassicSide.ABSENT),
        (404, "", ClassicSide.UNREADABLE),  # no answer of this API: it may not be there any more
        (410, "", ClassicSide.UNREADABLE),
        (403, "<Error><Code>ForbiddenError</Code></Error>", ClassicSide.UNREADABLE),
        (200, "<html>", ClassicSide.UNREADABLE),
    ],
)
def test_a_route_table_is_gone_only_when_service_management_says_so(
    stub: Any, wrap: Wrap, azure: Azure, status: int, body: str, side: ClassicSide
) -> None:
    content = body.encode() if body in ("", "<html>") else wrap(body)
    stub.on("GET", f"/sm{NETWORKING}/routetables/rt1", status, content)
    seen = azure.observe(TABLE, ())
    assert seen.classic is side
    assert bool(seen.unreadable) is (side is ClassicSide.UNREADABLE)
    if side is ClassicSide.PRESENT:
        assert azure.read(TABLE)["id"] == TABLE  # type: ignore[index]
    elif side is ClassicSide.ABSENT:
        assert azure.read(TABLE) is None
    elif status in (404, 410):
        with pytest.raises(NotFound):
            azure.read(TABLE)
