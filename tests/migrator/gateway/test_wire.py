"""Documents → values: for every kind of field what it says, what null says, and what its absence says."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrator.gateway import wire
from migrator.resources import (
    UNKNOWN,
    CloudService,
    Dependent,
    Deployment,
    Disk,
    Gateway,
    Image,
    Network,
    NetworkSecurityGroup,
    Peering,
    Registration,
    ReservedAddress,
    Resource,
    ResourceType,
    Role,
    Setting,
    Slot,
    SlotType,
    StorageAccount,
    Usage,
    VirtualMachine,
)

BASE = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/Web-RG/providers"
SERVICE = f"{BASE}/Microsoft.ClassicCompute/domainNames/shop"
SLOT = f"{SERVICE}/slots/Production"
ROLE = f"{SLOT}/roles/Web"
MACHINE = f"{BASE}/Microsoft.ClassicCompute/virtualMachines/vm1"
NETWORK = f"{BASE}/Microsoft.ClassicNetwork/virtualNetworks/vnet1"
ACCOUNT = f"{BASE}/Microsoft.ClassicStorage/storageAccounts/acc"
CSCFG = """<?xml version="1.0" encoding="utf-16"?>
<ServiceConfiguration serviceName="Shop" osFamily="5" osVersion="*"
    xmlns="http://schemas.microsoft.com/ServiceHosting/2008/10/ServiceConfiguration">
  <Role name="Web"><Instances count="3" />
    <ConfigurationSettings>
      <Setting name="Microsoft.WindowsAzure.Plugins.RemoteAccess.Enabled" value="true" />
      <Setting name="Storage" value="DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=c2VjcmV0" />
    </ConfigurationSettings>
  </Role>
  <NetworkConfiguration>
    <VirtualNetworkSite name="Group Web-RG vnet1" />
    <AddressAssignments>
      <InstanceAddress roleName="Web"><Subnets><Subnet name="front" /></Subnets></InstanceAddress>
    </AddressAssignments>
  </NetworkConfiguration>
</ServiceConfiguration>"""


def one(kind: type[Any], *documents: Any) -> Any:
    """The first value of a kind in the documents."""
    return wire.estate(documents).all(kind)[0]


def slot(**properties: Any) -> dict[str, Any]:
    return {"id": SLOT, "name": "Production", "properties": properties}


def test_an_empty_document_of_each_type_is_unknown_in_every_field() -> None:
    ids = {
        CloudService: SERVICE,
        Deployment: SLOT,
        Role: ROLE,
        VirtualMachine: MACHINE,
        Network: NETWORK,
        Gateway: f"{NETWORK}/gateways/primary",
        Peering: f"{NETWORK}/virtualNetworkPeerings/hub",
        StorageAccount: ACCOUNT,
        Disk: f"{ACCOUNT}/disks/d1",
        ReservedAddress: f"{BASE}/Microsoft.ClassicNetwork/reservedIps/ip1",
        NetworkSecurityGroup: f"{BASE}/Microsoft.ClassicNetwork/networkSecurityGroups/nsg1",
    }
    named = {
        "id",
        "name",
        "type",
        "tags",
        "slot",
        "cloud_service_id",
        "deployment_id",
        "network_id",
        "storage_account_id",
    }
    for kind, resource_id in ids.items():
        for document in (
            {"id": resource_id},
            {"id": resource_id, "properties": {}},
            {"id": resource_id, "properties": None},
        ):
            value = one(kind, document)
            told = {name: getattr(value, name) for name in kind.__dataclass_fields__ if name not in named}
            assert all(field is UNKNOWN for field in told.values()), (kind, told)
            assert wire.problems([document]) == ()


def test_the_envelope_is_normalised_and_survives_wrong_types() -> None:
    document = {
        "id": SERVICE,
        "name": "shop",
        "type": "microsoft.classiccompute/domainnames",
        "location": "West Europe",
        "tags": {"owner": "ann", "cost": 7},
    }
    service = one(CloudService, document)
    assert (service.type, service.location, service.tags) == (
        ResourceType.CLOUD_SERVICE,
        "westeurope",
        {"owner": "ann"},
    )
    assert [problem.field for problem in wire.problems([document])] == ["tags.cost"]
    assert one(CloudService, {"id": SERVICE, "name": 5, "tags": None, "location": None}).name == "shop"


def test_a_cloud_service_holds_its_children_only_when_they_were_read_completely() -> None:
    children = [slot(slotType="Role"), {"id": f"{SERVICE}/serviceCertificates/sha1-ABCD", "properties": {}}]
    partial = one(CloudService, {"id": SERVICE, "properties": {}}, *children)
    assert partial.deployments is UNKNOWN and partial.certificates is UNKNOWN
    whole = one(CloudService, {"id": SERVICE, "properties": {}, "read": ["slots", "serviceCertificates"]}, *children)
    assert [deployment.slot for deployment in whole.deployments] == [Slot.PRODUCTION]
    assert [certificate.thumbprint for certificate in whole.certificates] == ["ABCD"]
    empty = one(CloudService, {"id": SERVICE, "properties": {}, "read": ["slots", "serviceCertificates"]})
    assert empty.deployments == () and empty.certificates == ()


def test_children_are_found_by_key_whatever_the_case_and_the_order() -> None:
    documents = [
        {"id": ROLE.upper().replace("/SUBSCRIPTIONS", "/subscriptions")},
        slot(slotType="Role"),
        {"id": SERVICE},
    ]
    estate = wire.estate(documents)
    assert isinstance(estate.get(ROLE), Role) and isinstance(estate.get(SLOT), Deployment)
    assert estate.get(SERVICE.upper()).name == "shop"


def test_null_is_known_to_be_absent() -> None:
    service = one(CloudService, {"id": SERVICE, "properties": {"label": None, "affinityGroup": None}})
    assert service.label is None and service.affinity_group is None
    deployment = one(Deployment, slot(deploymentLabel=None, virtualNetwork=None, upgradeStatus=None, virtualIps=None))
    assert deployment.label is None and deployment.virtual_network_id is None
    assert deployment.upgrade_in_progress is False and deployment.virtual_ips == ()
    machine = one(
        VirtualMachine,
        {
            "id": MACHINE,
            "properties": {
                "hardwareProfile": {"availabilitySetName": None, "licenseType": None},
                "instanceView": {"guestAgentStatus": None, "privateIpAddress": None, "publicIpAddresses": None},
                "networkProfile": {"virtualNetwork": None, "inputEndpoints": None, "networkInterfaces": None},
                "storageProfile": {"licenseType": None, "operatingSystemDisk": None, "dataDisks": None},
                "extensions": None,
            },
        },
    )
    assert (machine.availability_set, machine.guest_agent, machine.private_address) == (None, None, None)
    assert (machine.virtual_network_id, machine.subnets, machine.static_address) == (None, (), None)
    assert (machine.disks, machine.extensions, machine.input_endpoints) == ((), (), ())
    assert machine.license_type is None and machine.network_interface_count == 1


def test_a_deployment_says_everything_its_document_says() -> None:
    deployment = one(
        Deployment,
        slot(
            slotType="role",
            deploymentName="d1",
            deploymentLabel="spring",
            state="Running",
            locked=False,
            upgradeStatus={"currentUpgradeDomain": 1},
            createdTime="2016-03-04T05:06:07Z",
            virtualNetwork={"id": NETWORK, "name": "vnet1"},
            virtualIps=[
                {"address": "40.0.0.2", "name": "shopContractContract", "isReserved": False, "reservedIpName": None},
                {"address": "40.0.0.3", "reservedIpName": "rip"},
                {"address": "40.0.0.4", "isReserved": True, "reservedIpName": ""},
            ],
        ),
    )
    assert deployment.slot_type is SlotType.ROLE and deployment.status == "Running"
    assert deployment.created_at == datetime(2016, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert deployment.upgrade_in_progress is True and deployment.locked is False
    assert deployment.virtual_network_id == NETWORK and deployment.cloud_service_id == SERVICE
    assert [(vip.reserved, vip.reserved_ip_name) for vip in deployment.virtual_ips] == [
        (False, None),
        (True, "rip"),
        (True, None),
    ]


def test_a_role_takes_from_the_configuration_what_its_own_document_does_not_say() -> None:
    documents = [
        {**slot(slotType="Role", configuration=CSCFG), "read": ["roles"]},
        {"id": ROLE, "properties": {}, "read": ["extensionReferences"]},
        {
            "id": f"{ROLE}/extensionReferences/PaaSAntimalware-1",
            "properties": {"name": "PaaSAntimalware-1", "publisher": "P", "type": "T", "state": "Enable"},
        },
        {"id": f"{ROLE}/extensionReferences/RDP", "properties": {"state": "Disable"}},
        {"id": f"{ROLE}/extensionReferences/odd", "properties": {"state": "Sometimes"}},
    ]
    role = one(Deployment, *documents).roles[0]
    assert role == one(Role, *documents)
    assert (role.instance_count, role.os_version, role.subnets) == (3, "*", ("front",))
    assert role.plugins == ("RemoteAccess",)
    assert [(extension.name, extension.enabled) for extension in role.extensions] == [
        ("odd", UNKNOWN),
        ("PaaSAntimalware-1", True),
        ("RDP", False),
    ]
    said = one(Role, documents[0], {"id": ROLE, "properties": {"instanceCount": 5, "osVersion": "WA-GUEST-OS-5.1"}})
    assert (said.instance_count, said.os_version) == (5, "WA-GUEST-OS-5.1")


def test_without_a_readable_configuration_subnets_and_plugins_are_unknown() -> None:
    bad = [slot(slotType="Role", configuration="<ServiceConfiguration><Role>"), {"id": ROLE, "properties": {}}]
    role = one(Role, *bad)
    assert role.subnets is UNKNOWN and role.plugins is UNKNOWN and role.instance_count is UNKNOWN
    (problem,) = wire.problems(bad)
    assert problem.field == "properties.configuration" and "well-formed" in problem.sentence


def test_a_role_the_configuration_does_not_name_keeps_its_doubts() -> None:
    role = one(Role, slot(slotType="Role", configuration=CSCFG), {"id": f"{SLOT}/roles/Other", "properties": {}})
    assert role.subnets is UNKNOWN and role.plugins is UNKNOWN


@pytest.mark.parametrize(
    ("said", "networks", "found"),
    [
        ({}, [{"id": NETWORK, "properties": {}}], NETWORK),
        ({}, [{"id": NETWORK, "properties": {"siteName": "Group Web-RG vnet1"}}], NETWORK),
        ({}, [], UNKNOWN),
        ({}, [{"id": NETWORK.replace("11111111", "99999999"), "properties": {}}], UNKNOWN),
        ({"virtualNetwork": {"id": "/other"}}, [{"id": NETWORK, "properties": {}}], "/other"),
        ({"virtualNetwork": None}, [{"id": NETWORK, "properties": {}}], UNKNOWN),  # the two sources disagree
        ({"virtualNetwork": 5}, [{"id": NETWORK, "properties": {}}], NETWORK),
    ],
)
def test_the_network_of_a_deployment_is_read_from_both_sources(
    said: dict[str, Any], networks: list[dict[str, Any]], found: object
) -> None:
    deployment = one(Deployment, slot(slotType="Role", configuration=CSCFG, **said), *networks)
    assert deployment.virtual_network_id == found


def test_a_configuration_without_a_network_means_none() -> None:
    plain = "<ServiceConfiguration serviceName='s'><Role name='Web'/></ServiceConfiguration>"
    assert one(Deployment, slot(configuration=plain)).virtual_network_id is None
    assert one(Deployment, slot()).virtual_network_id is UNKNOWN


def test_a_deployment_of_virtual_machines_has_no_roles_of_its_own() -> None:
    documents = [slot(slotType="VirtualMachine"), {"id": f"{SLOT}/roles/vm1", "properties": {}}]
    assert one(Deployment, *documents).roles == ()
    assert wire.estate(documents).all(Role) == ()


def test_a_virtual_machine_says_everything_its_document_says() -> None:
    machine = one(
        VirtualMachine,
        {
            "id": MACHINE,
            "location": "westus",
            "properties": {
                "debugProfile": {"bootDiagnosticsEnabled": True},
                "domainName": {"id": SERVICE, "name": "shop"},
                "hardwareProfile": {"deploymentName": "d1", "size": "Basic_A2", "platformGuestAgent": True},
                "instanceView": {
                    "powerState": "Started",
                    "status": "ReadyRole",
                    "privateIpAddress": "10.1.0.4",
                    "publicIpAddresses": ["40.0.0.1"],
                    "guestAgentStatus": {"status": "Ready"},
                },
                "networkProfile": {
                    "inputEndpoints": [
                        {
                            "endpointName": "SSH",
                            "privatePort": 22,
                            "publicPort": "22",
                            "protocol": "tcp",
                            "loadBalancedEndpointSetName": None,
                            "endpointAcl": {"rules": [{"order": 1, "action": "permit", "remoteSubnet": "10.0.0.0/8"}]},
                        },
                        {"endpointName": "odd", "publicPort": 65536, "privatePort": 0, "endpointAcl": None},
                    ],
                    "networkInterfaces": [{"name": "nic2", "subnetName": "back"}],
                    "virtualNetwork": {"id": NETWORK, "subnetNames": ["front"], "staticIpAddress": "10.1.0.4"},
                },
                "storageProfile": {
                    "operatingSystemDisk": {
                        "diskName": "os",
                        "ioType": "Standard",
                        "vhdUri": "https://acc.blob.core.windows.net/vhds/a.vhd",
                        "storageAccount": {"id": ACCOUNT},
                    },
                    "dataDisks": [{"diskName": "data", "diskSize": 10}],
                },
                "extensions": [
                    {"extension": "BGInfo", "publisher": "Microsoft.Compute", "version": "1.*", "state": "Enable"}
                ],
            },
        },
    )
    assert (machine.cloud_service_id, machine.size, machine.power_state) == (SERVICE, "Basic_A2", "Started")
    assert (machine.guest_agent, machine.static_address, machine.boot_diagnostics) == ("Ready", "10.1.0.4", True)
    assert machine.subnets == ("front", "back") and machine.network_interface_count == 2
    ssh, odd = machine.input_endpoints
    assert (ssh.public_port, ssh.load_balanced_set, ssh.acl[0].remote_subnet) == (22, None, "10.0.0.0/8")
    assert (odd.public_port, odd.private_port, odd.acl) == (UNKNOWN, UNKNOWN, ())
    assert [(disk.name, disk.size_gb, disk.storage_account_id) for disk in machine.disks] == [
        ("os", UNKNOWN, ACCOUNT),
        ("data", 10, UNKNOWN),
    ]
    assert (machine.extensions[0].name, machine.extensions[0].type) == ("BGInfo", "BGInfo")


def test_a_network_profile_without_a_network_means_in_no_network() -> None:
    outside = one(VirtualMachine, {"id": MACHINE, "properties": {"networkProfile": {}}})
    assert (outside.virtual_network_id, outside.subnets) == (None, ())
    inside = one(VirtualMachine, {"id": MACHINE, "properties": {"networkProfile": {"virtualNetwork": {"id": NETWORK}}}})
    assert (inside.virtual_network_id, inside.subnets) == (NETWORK, UNKNOWN)


def test_an_agent_is_absent_only_when_the_platform_says_so() -> None:
    def agent(hardware: Any, view: Any) -> Any:
        properties = {"hardwareProfile": hardware, "instanceView": view}
        return one(VirtualMachine, {"id": MACHINE, "properties": properties}).guest_agent

    assert agent({"platformGuestAgent": False}, {}) is None
    assert agent({"platformGuestAgent": True}, {}) is UNKNOWN
    assert agent({}, {"guestAgentStatus": {"status": "NotReady"}}) == "NotReady"


def test_a_network_says_everything_its_documents_say() -> None:
    documents = [
        {
            "id": NETWORK,
            "properties": {
                "siteName": "Group Web-RG vnet1",
                "affinityGroup": None,
                "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
                "subnets": [
                    {
                        "name": "front",
                        "addressPrefix": "10.1.0.0/24",
                        "networkSecurityGroup": {"id": "x", "name": "nsg"},
                    },
                    {"name": "back", "networkSecurityGroup": None, "routeTable": {"name": "rt"}},
                ],
                "dhcpOptions": {"dnsServers": ["10.1.0.4"]},
            },
            "read": ["gateways", "virtualNetworkPeerings"],
        },
        {
            "id": f"{NETWORK}/gateways/primary",
            "properties": {
                "gatewayType": "Vpn",
                "connections": [{"name": "hq", "connectivityState": "Connected"}, {"name": "lab"}],
                "circuitSubscriptionId": None,
            },
        },
        {
            "id": f"{NETWORK}/virtualNetworkPeerings/hub",
            "properties": {"remoteVirtualNetwork": {"id": "/r"}, "peeringState": "Connected"},
        },
    ]
    network = one(Network, *documents)
    assert network.site_name == "Group Web-RG vnet1" and network.dns_servers == ("10.1.0.4",)
    front, back = network.subnets
    assert (front.network_security_group, front.route_table) == ("nsg", UNKNOWN)
    assert (back.network_security_group, back.route_table, back.address_prefix) == (None, "rt", UNKNOWN)
    assert network.gateways[0].connections == (("hq", "Connected"), ("lab", "unknown"))
    assert network.gateways[0].circuit_subscription is None and network.gateways[0].network_id == NETWORK
    assert network.peerings[0].remote_network_id == "/r"


def test_a_storage_account_needs_both_image_lists() -> None:
    children = [
        {"id": f"{ACCOUNT}/disks/d1", "properties": {"attachedTo": None, "vhdUri": "u"}},
        {"id": f"{ACCOUNT}/disks/d2", "properties": {"attachedTo": {"virtualMachine": {"id": MACHINE, "name": "vm1"}}}},
        {"id": f"{ACCOUNT}/disks/d3", "properties": {"attachedTo": {"roleName": "vm9"}}},
        {"id": f"{ACCOUNT}/osImages/i1", "properties": {}},
        {"id": f"{ACCOUNT}/vmImages/i2", "properties": {}},
    ]
    half = one(StorageAccount, {"id": ACCOUNT, "properties": {}, "read": ["disks", "osImages"]}, *children)
    assert [disk.attached_to for disk in half.disks] == [None, "vm1", "vm9"] and half.images is UNKNOWN
    whole = one(StorageAccount, {"id": ACCOUNT, "properties": {}, "read": ["disks", "osImages", "vmImages"]}, *children)
    assert [image.name for image in whole.images] == ["i1", "i2"]
    assert len(wire.estate(children).all(Image)) == 2


def test_addresses_and_groups_tell_who_uses_them() -> None:
    address_id = f"{BASE}/Microsoft.ClassicNetwork/reservedIps/ip1"
    free = one(ReservedAddress, {"id": address_id, "properties": {"inUse": False, "attachedTo": None}})
    assert free.in_use is False and free.attached_to is None
    held = one(ReservedAddress, {"id": address_id, "properties": {"inUse": True, "attachedTo": {"id": SERVICE}}})
    assert held.attached_to == SERVICE
    group_id = f"{BASE}/Microsoft.ClassicNetwork/networkSecurityGroups/nsg1"
    assert one(NetworkSecurityGroup, {"id": group_id, "properties": {"associations": []}}).used_by == ()
    assert one(NetworkSecurityGroup, {"id": group_id, "properties": {"associations": ["front"]}}).used_by == ("front",)
    assert one(NetworkSecurityGroup, {"id": group_id, "properties": {"associations": [1]}}).used_by is UNKNOWN


INSIGHTS = f"{BASE}/microsoft.insights"
AUTHORIZATION = "providers/Microsoft.Authorization"


@pytest.mark.parametrize(
    ("resource_id", "properties", "targets"),
    [
        (
            f"{INSIGHTS}/autoscalesettings/a",
            {
                "targetResourceUri": ROLE,
                "profiles": [{"rules": [{"metricTrigger": {"metricResourceUri": ACCOUNT, "metricName": "/x"}}]}],
            },
            (ROLE.lower(), ACCOUNT.lower()),
        ),
        (f"{INSIGHTS}/alertrules/a", {"condition": {"dataSource": {"resourceUri": MACHINE}}}, (MACHINE.lower(),)),
        (
            f"{INSIGHTS}/metricalerts/a",
            {"scopes": [MACHINE], "actions": [{"actionGroupId": "/subscriptions/s/x"}]},
            (MACHINE.lower(),),
        ),
        (
            f"{INSIGHTS}/activitylogalerts/a",
            {"scopes": ["/subscriptions/s"], "condition": {"allOf": [{"field": "resourceId", "equals": SERVICE}]}},
            ("/subscriptions/s", SERVICE.lower()),
        ),
        (
            f"{SERVICE}/{AUTHORIZATION}/roleAssignments/g",
            {"scope": SERVICE, "roleDefinitionId": "/subscriptions/s/y"},
            (SERVICE.lower(),),
        ),
        (f"{SERVICE}/{AUTHORIZATION}/locks/keep", {"level": "CanNotDelete"}, (SERVICE.lower(),)),
        (
            f"{BASE}/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default",
            {"virtualMachines": [{"id": MACHINE, "ports": []}]},
            (MACHINE.lower(),),
        ),
    ],
)
def test_a_setting_names_its_targets(resource_id: str, properties: Any, targets: tuple[str, ...]) -> None:
    setting = one(Setting, {"id": resource_id, "properties": properties})
    assert setting.targets == targets
    assert setting.body["properties"] == properties
    assert one(Setting, {"id": resource_id}).targets is UNKNOWN


def test_a_dependent_is_what_names_a_classic_network_anywhere() -> None:
    environment = f"{BASE}/Microsoft.Web/hostingEnvironments/ase"
    as_object = {
        "id": environment,
        "type": "microsoft.web/hostingenvironments",
        "properties": {"vnet": {"id": NETWORK}},
    }
    as_text = {"id": environment, "props": '{"subnet":"' + NETWORK + '/subnets/s","x":1}'}
    for document in (as_object, as_text):
        assert one(Dependent, document).network_ids == (NETWORK.lower(),)
    assert type(one(Resource, {"id": environment, "properties": {"vnet": "/other"}})) is Resource


def test_the_estate_carries_registrations_and_usages() -> None:
    registration = Registration(subscription="S", name="Microsoft.Compute", state="Registered")
    usage = Usage(subscription="s", location="westus", provider="Microsoft.Compute", name="cores", current=1, limit=10)
    estate = wire.estate([], [registration], [usage])
    assert estate.registration("s", "microsoft.compute") == "Registered" and estate.usages == (usage,)


def test_what_is_no_document_is_listed_and_the_rest_goes_on() -> None:
    documents = [None, 5, [], {}, {"id": 7}, {"id": "x"}, {"id": SERVICE}, {"id": f"{SERVICE}/slots/Blue"}]
    assembled = wire.assemble(documents)
    assert [type(value) for value in assembled.resources] == [CloudService, Resource]
    assert len(assembled.problems) == 5  # what is no object at all is said once


def test_the_same_id_twice_is_one_resource_and_a_problem() -> None:
    twice = [{"id": SERVICE, "properties": {"label": "a"}}, {"id": SERVICE.lower(), "properties": {"label": "b"}}]
    assert [service.label for service in wire.estate(twice).all(CloudService)] == ["b"]
    assert len(wire.problems(twice)) == 1 and wire.problems([twice[0], twice[0]]) == ()


# fmt: off
KEYS = st.sampled_from((
    "slotType", "configuration", "virtualIps", "virtualNetwork", "inputEndpoints", "endpointAcl", "rules", "size",
    "hardwareProfile", "instanceView", "networkProfile", "storageProfile", "dataDisks", "extensions", "subnets", "id",
    "name", "addressSpace", "attachedTo", "locked", "state",
))
# fmt: on
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70000) | st.sampled_from(["", "Role", "Running", CSCFG, NETWORK, "<a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
IDS = st.sampled_from(
    [SERVICE, SLOT, ROLE, f"{ROLE}/extensionReferences/x", MACHINE, NETWORK, ACCOUNT, f"{ACCOUNT}/disks/d"]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries({"id": IDS, "properties": JSON, "read": JSON, "tags": JSON, "type": JSON}), max_size=6
    )
)
def test_no_document_whatever_it_holds_stops_the_reading(documents: list[dict[str, Any]]) -> None:
    assembled = wire.assemble(documents)
    assert {value.key for value in assembled.resources} <= {document["id"].lower() for document in documents}
    cleaned = [wire.clean(document) for document in documents]
    assert [wire.clean(document) for document in cleaned] == cleaned
    wire.assemble(cleaned)


def test_a_document_that_was_cleaned_says_the_same() -> None:
    documents = [
        {**slot(slotType="Role", configuration=CSCFG), "read": ["roles"]},
        {"id": ROLE, "properties": {}},
        {"id": NETWORK, "properties": {}},
    ]
    assert wire.resources(wire.clean(document) for document in documents) == wire.resources(documents)
