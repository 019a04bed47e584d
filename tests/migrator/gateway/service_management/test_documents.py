"""Answers of service management over real HTTP → documents, read by the one reader both APIs share."""

import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.gateway.protocol import Malformed, NotFound
from migrator.gateway.service_management import ServiceManagement
from migrator.gateway.wire import assemble
from migrator.gateway.wire import service_management as wire
from migrator.gateway.wire import service_management_network as network_wire
from migrator.gateway.wire.service_management import Ids
from migrator.gateway.wire.service_management_xml import Xml, parse
from migrator.resources import (
    UNKNOWN,
    CloudService,
    Deployment,
    Disk,
    Gateway,
    Network,
    NetworkSecurityGroup,
    ReservedAddress,
    ResourceType,
    Role,
    RouteTable,
    Slot,
    SlotType,
    StorageAccount,
    VirtualMachine,
)
from tests.migrator.gateway.service_management import answers

SUB = "11111111-2222-3333-4444-555555555555"
SERVICES = f"/{SUB}/services"
Wrap = Callable[[str], bytes]


def one(documents: Any, kind: type) -> Any:
    (found,) = [value for value in assemble(documents).resources if isinstance(value, kind)]
    return found


def whole_service(stub: Any, wrap: Wrap, deployment: str) -> None:
    body = answers.HOSTED.replace("</HostedService>", f"<Deployments>{deployment}</Deployments></HostedService>")
    stub.on("GET", f"{SERVICES}/hostedservices/cs1", 200, wrap(body))
    stub.on("GET", f"{SERVICES}/hostedservices/cs1/extensions", 200, wrap(answers.EXTENSIONS))
    stub.on("GET", f"{SERVICES}/hostedservices/cs1/certificates", 200, wrap(answers.CERTIFICATES))


def test_a_web_deployment_is_read_whole(stub: Any, wrap: Wrap, service: ServiceManagement) -> None:
    whole_service(stub, wrap, answers.WEB)
    documents = service.hosted_service(Ids(SUB), "cs1")
    assert {one_["sources"][""] for one_ in documents} == {"service-management"}
    assert stub.requests[0].query == "embed-detail=true"
    found = one(documents, CloudService)
    assert found.id.endswith("/resourceGroups/rg1/providers/Microsoft.ClassicCompute/domainNames/cs1")
    assert (found.label, found.location, found.status) == ("Shop", "westeurope", "Created")
    (certificate,) = found.certificates
    assert (certificate.thumbprint, certificate.algorithm) == ("AB12", "sha1")
    deployment = one(documents, Deployment)
    assert (deployment.slot, deployment.slot_type, deployment.deployment_name) == (
        Slot.PRODUCTION,
        SlotType.ROLE,
        "cs1-prod",
    )
    assert (deployment.label, deployment.locked, deployment.status) == ("v7", False, "Running")
    assert deployment.upgrade_in_progress is UNKNOWN
    assert deployment.virtual_network_id.endswith(
        "/resourceGroups/rg1/providers/Microsoft.ClassicNetwork/virtualNetworks/vnet1"
    )
    assert deployment.virtual_ips[0].reserved_ip_name == "rip1" and deployment.configuration_service_name == "cs1"
    role = one(documents, Role)
    assert (role.size, role.instance_count, role.subnets) == ("Small", 2, ("front",))
    assert [(e.name, e.public_port, e.private_port) for e in role.input_endpoints] == [("Http", 80, 8080)]
    (extension,) = role.extensions
    assert (extension.name, extension.type, extension.enabled) == ("Web-RDP", "RDP", True)
    assert assemble(documents).problems == ()


def test_no_secret_leaves_with_the_documents(stub: Any, wrap: Wrap, service: ServiceManagement) -> None:
    whole_service(stub, wrap, answers.WEB)
    kept = json.dumps([dict(document) for document in service.hosted_service(Ids(SUB), "cs1")])
    assert (
        "topsecret" not in kept
        and "MIIBsecret" not in kept
        and "c2VjcmV0" not in kept
        and "ServiceConfiguration" in kept
    )


def test_instances_which_differ_in_size_give_no_size() -> None:
    mixed = answers.WEB.replace("<InstanceSize>Small", "<InstanceSize>Large", 1)
    facts = wire.deployment_facts(read(mixed))
    assert facts.sizes == {} and facts.counts == {"web": 2}


def test_a_deployment_without_instances_says_nothing_of_sizes() -> None:
    bare = "<Deployment><Name>d</Name><RoleList><Role><RoleName>Web</RoleName></Role></RoleList></Deployment>"
    facts = wire.deployment_facts(read(bare))
    assert (facts.sizes, facts.counts, facts.states) == ({}, {}, {})


def read(text: str) -> Xml:
    head, _, rest = text.partition(">")
    found = parse(
        f'{head} xmlns="{answers.NAMESPACE}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">{rest}'.encode()
    )
    assert found is not None
    return found


def test_a_virtual_machine_is_read_whole(stub: Any, wrap: Wrap, service: ServiceManagement) -> None:
    stub.on("GET", f"{SERVICES}/hostedservices/cs2/deploymentslots/Production", 200, wrap(answers.machines("Prepared")))
    home = {"id": f"/subscriptions/{SUB}/resourceGroups/rg1/providers/{ResourceType.CLOUD_SERVICE}/cs2", "name": "cs2"}
    documents = service.deployment(Ids(SUB), home, Slot.PRODUCTION)
    slot, machine_document = documents
    assert slot["properties"]["migrationState"] == machine_document["properties"]["migrationState"] == "Prepared"
    machine = one(documents, VirtualMachine)
    assert (machine.size, machine.power_state, machine.guest_agent) == ("Standard_D2_v2", "Started", "Ready")
    assert machine.virtual_network_id.endswith("/virtualNetworks/vnet1")
    assert (machine.subnets, machine.static_address) == (("back", "front"), "10.0.0.4")
    assert (machine.network_interface_count, machine.availability_set, machine.boot_diagnostics) == (2, "as1", True)
    (endpoint,) = machine.input_endpoints
    assert (endpoint.name, endpoint.public_port, endpoint.load_balanced_set) == ("SSH", 2222, "lb")
    assert endpoint.acl[0].remote_subnet == "1.2.3.0/24"
    assert [(d.name, d.io_type) for d in machine.disks] == [("d1", "Provisioned"), ("d2", "Standard")]
    assert machine.disks[1].size_gb == 10 and machine.disks[0].storage_account_id.endswith("/storageAccounts/acc")
    assert [(e.name, e.version, e.enabled) for e in machine.extensions] == [("BGInfo", "1.*", True)]
    assert "c2VjcmV0" not in json.dumps(documents)


def test_nothing_going_on_is_null_and_not_unknown(wrap: Wrap) -> None:
    facts = wire.deployment_facts(read(answers.machines().replace('i:type="PersistentVMRole"', "")))
    assert facts.states == {"vm1": None}


def test_networks_gateways_and_connections(stub: Any, wrap: Wrap, service: ServiceManagement) -> None:
    path = f"{SERVICES}/networking"
    sites = f"<VirtualNetworkSites>{answers.site(state='Preparing')}</VirtualNetworkSites>"
    stub.on("GET", f"{path}/virtualnetwork", 200, wrap(sites))
    stub.on("GET", f"{path}/Group%20rg1%20vnet1/gateway", 200, wrap(answers.GATEWAY))
    stub.on("GET", f"{path}/Group%20rg1%20vnet1/gateway/connections", 200, wrap(answers.CONNECTIONS))
    ((document, site),) = service.networks(Ids(SUB))
    gateway = service.gateway(Ids(SUB), document, site)
    assert document["properties"]["migrationState"] == "Preparing" and gateway is not None
    found = one([{**document, "read": ["gateways"]}, gateway], Network)
    assert found.id.endswith("/resourceGroups/rg1/providers/Microsoft.ClassicNetwork/virtualNetworks/vnet1")
    assert (found.site_name, found.dns_servers, found.address_prefixes) == (
        "Group rg1 vnet1",
        ("10.0.0.9",),
        ("10.0.0.0/16",),
    )
    front, back = found.subnets
    assert front.network_security_group == "nsg1" and back.network_security_group is UNKNOWN
    (made,) = found.gateways
    assert (made.gateway_type, made.connections) == ("Vpn", (("office", "Connected"),))


def test_a_dedicated_connection_is_expressroute_and_an_unknown_one_is_not_guessed() -> None:
    assert network_wire.gateway_type(read(answers.site(connection="Dedicated"))) == "ExpressRoute"
    assert not network_wire.gateway_type(read(answers.site(connection="Carrier pigeon")))


def test_a_network_without_a_gateway(stub: Any, wrap: Wrap, service: ServiceManagement) -> None:
    stub.on("GET", f"{SERVICES}/networking/v/gateway", 200, wrap("<Gateway><State>NotProvisioned</State></Gateway>"))
    home = {"id": f"/subscriptions/{SUB}/resourceGroups/g/providers/{ResourceType.NETWORK}/v"}
    assert service.gateway(Ids(SUB), home, read("<VirtualNetworkSite><Name>v</Name></VirtualNetworkSite>")) is None


def test_security_groups_reserved_addresses_and_route_tables(stub: Any, wrap: Wrap, service: ServiceManagement) -> None:
    path = f"{SERVICES}/networking"
    stub.on("GET", f"{path}/networksecuritygroups", 200, wrap(answers.GROUPS))
    stub.on("GET", f"{path}/reservedips", 200, wrap(answers.RESERVED))
    stub.on("GET", f"{path}/routetables", 200, wrap(answers.TABLES))
    stub.on("GET", f"{path}/routetables/rt1", 200, wrap(answers.TABLE))
    ids = Ids(SUB)
    known = f"/subscriptions/{SUB}/resourceGroups/Mine/providers/{ResourceType.NETWORK_SECURITY_GROUP}/NSG1"
    ids.remember({"id": known, "type": ResourceType.NETWORK_SECURITY_GROUP, "properties": {}})
    group = one(service.security_groups(ids), NetworkSecurityGroup)
    assert group.id == known and group.used_by is UNKNOWN  # the id which Resource Manager wrote
    used, free, silent = (
        r for r in assemble(service.reserved_addresses(ids)).resources if isinstance(r, ReservedAddress)
    )
    assert (used.in_use, used.attached_to.rsplit("/", 1)[-1], used.address) == (True, "cs1", "40.0.0.1")
    assert (free.in_use, free.attached_to) == (False, None)
    assert (silent.in_use, silent.attached_to) == (UNKNOWN, UNKNOWN)
    assert one(service.route_tables(ids), RouteTable).used_by is UNKNOWN
    full = service.route_table(ids, "rt1")
    assert stub.requests[-1].query == "detailLevel=full"
    assert full["properties"]["routes"][0]["nextHopIpAddress"] == "10.0.0.200"


def test_storage_accounts_disks_and_images(stub: Any, wrap: Wrap, service: ServiceManagement) -> None:
    stub.on("GET", f"{SERVICES}/storageservices", 200, wrap(f"<StorageServices>{answers.account()}</StorageServices>"))
    stub.on("GET", f"{SERVICES}/storageservices/acc", 200, wrap(answers.account("Prepared")))
    stub.on("GET", f"{SERVICES}/disks", 200, wrap(answers.DISKS))
    stub.on("GET", f"{SERVICES}/images", 200, wrap(answers.IMAGES))
    stub.on("GET", f"{SERVICES}/vmimages", 200, wrap(answers.VM_IMAGES))
    ids = Ids(SUB)
    (account,) = service.storage_accounts(ids)
    assert account["properties"]["migrationState"] is None
    assert service.storage_account(ids, "acc")["properties"]["migrationState"] == "Prepared"
    ids.remember(account)
    documents = [{**account, "read": ["disks", "osImages", "vmImages"]}, *service.disks(ids), *service.images(ids)]
    found = one(documents, StorageAccount)
    assert found.id.endswith("/resourceGroups/rg2/providers/Microsoft.ClassicStorage/storageAccounts/acc")
    assert found.account_type == "Standard_LRS" and {image.name for image in found.images} == {"mine", "whole"}
    disks = {disk.name: disk for disk in found.disks}
    assert all(isinstance(disk, Disk) for disk in found.disks) and set(disks) == {"d1", "d9", "d8"}
    assert [disks[name].attached_to for name in ("d1", "d9", "d8")] == ["vm1", None, UNKNOWN]


def test_every_family_carries_its_version_and_every_read_the_token(
    stub: Any, wrap: Wrap, service: ServiceManagement
) -> None:
    stub.on("GET", f"{SERVICES}/hostedservices", 200, wrap(f"<HostedServices>{answers.HOSTED}</HostedServices>"))
    stub.on("GET", f"{SERVICES}/networking/reservedips", 200, wrap("<ReservedIPs/>"))
    stub.on("GET", f"{SERVICES}/storageservices", 200, wrap("<StorageServices/>"))
    ids = Ids(SUB)
    assert [d["name"] for d in service.hosted_services(ids)] == ["cs1"]
    assert service.reserved_addresses(ids) == [] and service.storage_accounts(ids) == []
    seen = [(r.headers["x-ms-version"], r.headers["authorization"], r.headers["accept"]) for r in stub.requests]
    assert [version for version, _, _ in seen] == ["2017-01-01", "2016-07-01", "2016-03-01"]
    assert {(token, accept) for _, token, accept in seen} == {("Bearer the-token", "application/xml")}


@pytest.mark.parametrize(
    "body",
    [b"", b"<html/>", b'{"value": []}', f'<Other xmlns="{answers.NAMESPACE}"/>'.encode(), b"<!DOCTYPE x><x/>"],
    ids=["empty", "html", "json", "another root", "dtd"],
)
def test_an_answer_that_is_none_is_malformed_and_not_an_empty_list(
    stub: Any, service: ServiceManagement, body: bytes
) -> None:
    stub.on("GET", f"{SERVICES}/networking/routetables", 200, body)
    with pytest.raises(Malformed, match="list route tables"):
        service.route_tables(Ids(SUB))


def test_a_subnet_without_a_table_is_told_from_an_api_that_is_not_there(
    stub: Any, wrap: Wrap, service: ServiceManagement
) -> None:
    path = f"{SERVICES}/networking/virtualnetwork/v/subnets"
    error = "<Error><Code>ResourceNotFound</Code><Message>none</Message></Error>"
    stub.on("GET", f"{path}/a/routetables", 404, wrap(error))
    table = "<RouteTableAssociation><RouteTableName>rt1</RouteTableName></RouteTableAssociation>"
    stub.on("GET", f"{path}/b/routetables", 200, wrap(table))
    assert service.table_of_subnet(Ids(SUB), "v", "a") is None
    assert service.table_of_subnet(Ids(SUB), "v", "b") == "rt1"
    with pytest.raises(NotFound):
        service.table_of_subnet(Ids(SUB), "v", "c")  # the stub's 404 is not of this API


# Whatever an answer leaves out or writes wrongly, the readers do not raise and make nothing up


def builds(root: Xml) -> list[dict[str, Any]]:
    ids = Ids(SUB)
    home = {"id": f"/subscriptions/{SUB}/resourceGroups/g/providers/{ResourceType.CLOUD_SERVICE}/cs", "name": "cs"}
    found: list[Any] = [wire.hosted_service(root, ids), *wire.deployment(root, home, ids, [root])]
    found += [
        wire.storage_account(root, ids),
        wire.disk(root, ids),
        wire.image(root, ids),
        wire.certificate(root, home),
    ]
    found += [network_wire.network(root, ids), network_wire.gateway(root, home, "Vpn", network_wire.connections(root))]
    found += [
        f(root, ids) for f in (network_wire.security_group, network_wire.reserved_address, network_wire.route_table)
    ]
    return [document for document in found if document is not None]


SHAPES = [answers.WEB, answers.machines("Prepared"), answers.HOSTED, answers.site(), answers.account(), answers.TABLE]


@given(st.sampled_from(SHAPES), st.data())
def test_damaged_answers_are_read_without_a_fall(shape: str, data: st.DataObject) -> None:
    root = read(shape)
    elements = list(root.element.iter())
    for _ in range(data.draw(st.integers(1, 4))):
        victim = data.draw(st.sampled_from(elements))
        match data.draw(st.sampled_from(["empty", "text", "grow", "rename"])):
            case "empty":
                victim.clear()
            case "text":
                victim.text = data.draw(st.text(max_size=20))
            case "grow":
                victim.append(ElementTree.Element(f"{{{answers.NAMESPACE}}}Name"))
            case "rename":
                victim.tag = f"{{{answers.NAMESPACE}}}Renamed"
    documents = builds(root)
    json.dumps(documents)
    assemble(documents)


@given(st.sampled_from([answers.WEB, answers.machines()]), st.data())
def test_what_is_taken_out_of_an_answer_is_unknown_or_as_it_was(shape: str, data: st.DataObject) -> None:
    """Taking one leaf away never makes a fact of a deployment up."""
    home = {"id": f"/subscriptions/{SUB}/resourceGroups/g/providers/{ResourceType.CLOUD_SERVICE}/cs", "name": "cs"}
    whole = wire.deployment(read(shape), home, Ids(SUB))[0]["properties"]
    damaged = read(shape)
    parents = [e for e in damaged.element if e.tag.rpartition("}")[2] not in ("DeploymentSlot", "RoleList")]
    damaged.element.remove(data.draw(st.sampled_from(parents)))
    left = wire.deployment(damaged, home, Ids(SUB))[0]["properties"]
    assert all(whole[name] == value for name, value in left.items())


def test_a_gateway_of_the_reader_is_a_gateway() -> None:
    home = {"id": f"/subscriptions/{SUB}/resourceGroups/g/providers/{ResourceType.NETWORK}/v"}
    made = network_wire.gateway(read(answers.GATEWAY), home, "ExpressRoute", None)
    assert made is not None and one([made], Gateway).connections is UNKNOWN
