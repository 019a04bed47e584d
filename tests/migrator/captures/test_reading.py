"""What the three kinds of file say, as the values the rules work on."""

import json
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from migrator import units
from migrator.captures import estate_json, reading, writing
from migrator.captures.values import Hints
from migrator.gateway import wire
from migrator.gateway.protocol import SubscriptionInfo, Unreadable
from migrator.resources import UNKNOWN, Deployment, Network, ResourceType, Role, Usage, VirtualMachine
from tests.migrator.captures.test_hostile_files import HEADER, NS, SUB, line

HINTS = Hints(subscription_id=SUB, network="net1", region="westeurope")
AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
INFO = SubscriptionInfo(subscription_id=SUB, display_name="One", state="Enabled", tenant_id="")


def values(content: str, hints: Hints = HINTS) -> list[object]:
    contents = reading.read(content.encode(), "file", hints=hints)
    assert not [entry.refused for entry in contents.entries if entry.refused]
    return list(wire.resources(entry.document for entry in contents.entries))


def one(found: list[object], kind: type) -> object:
    (value,) = [value for value in found if isinstance(value, kind)]
    return value


# CSV

FULL = line(
    size="Standard_DS2",
    availset="set1",
    agent="Ready",
    running="Started",
    status="ReadyRole",
    reservedip="40.0.0.9",
    osdisktype="Provisioned",
    os="Windows",
    ip="10.0.0.4",
    subnet="front",
    secondarynics="10.0.1.4|10.0.1.5",
    secondarysubnet="back",
    extensions="IaaSAntimalware|DSC",
    osdiskname="vm1-os",
    osdiskvhd="https://acc.blob.core.windows.net/vhds/vm1.vhd",
    osdiskstorageaccount="acc",
    datadisks="2",
    datadisknames="d1|d2",
    datadiskstype="Standard",
    datadiskvhds="https://acc.blob.core.windows.net/v/d1.vhd|https://two.blob.core.windows.net/v/d2.vhd",
    endpoints="web|80|8080|http|tcp|40.0.0.9|false||external;|3389|50123|rdp|tcp||true||external",
)


def test_a_line_of_the_toolset_becomes_a_machine_with_everything_it_says() -> None:
    found = values(HEADER + FULL)
    machine, slot = one(found, VirtualMachine), one(found, Deployment)
    assert isinstance(machine, VirtualMachine)
    assert isinstance(slot, Deployment)
    assert (machine.size, machine.power_state, machine.status) == ("Standard_DS2", "Started", "ReadyRole")
    assert (machine.availability_set, machine.guest_agent, machine.private_address) == ("set1", "Ready", "10.0.0.4")
    assert (machine.subnets, machine.network_interface_count) == (("front", "back"), 3)
    assert [d.io_type for d in machine.disks] == ["Provisioned", "Standard", UNKNOWN]  # type: ignore[union-attr]
    assert [e.name for e in machine.extensions] == ["IaaSAntimalware", "DSC"]  # type: ignore[union-attr]
    web, rdp = machine.input_endpoints  # type: ignore[misc]
    assert (web.name, web.public_port, web.private_port, web.load_balanced_set) == ("http", 8080, 80, "web")
    assert (rdp.name, rdp.load_balanced_set) == ("rdp", None)
    assert machine.virtual_network_id == slot.virtual_network_id
    assert slot.virtual_ips[0].reserved is True  # type: ignore[index]
    assert machine.location == "westeurope"


def test_an_empty_cell_is_unknown_and_never_no() -> None:
    machine = one(values(HEADER + line(status="StoppedDeallocated")), VirtualMachine)
    assert isinstance(machine, VirtualMachine)
    assert machine.guest_agent is UNKNOWN
    assert machine.network_interface_count is UNKNOWN, "a deallocated machine shows no interfaces"
    assert machine.public_addresses is UNKNOWN
    assert machine.availability_set is None, "the toolset leaves the cell empty for a machine in no set"
    unnamed = one(values(HEADER + line(), Hints(subscription_id=SUB)), VirtualMachine)
    assert isinstance(unnamed, VirtualMachine)
    assert unnamed.virtual_network_id is UNKNOWN, "nobody named the network"


def test_names_the_inventory_knows_keep_their_ids() -> None:
    service = f"/subscriptions/{SUB}/resourceGroups/Shops/providers/{ResourceType.CLOUD_SERVICE}/CS1"
    network = f"/subscriptions/{SUB}/resourceGroups/Net/providers/{ResourceType.NETWORK}/net1"
    known = {(ResourceType.CLOUD_SERVICE.lower(), "cs1"): service, (ResourceType.NETWORK.lower(), "net1"): network}
    hints = Hints(subscription_id=SUB, network="NET1", known=known)
    found = values(HEADER + line(), hints)
    machine = one(found, VirtualMachine)
    assert isinstance(machine, VirtualMachine)
    assert machine.cloud_service_id == service
    assert machine.virtual_network_id == network
    assert machine.resource_group == "Shops"
    (unit,) = units.resolve(found)  # type: ignore[arg-type]
    assert unit.key == network.lower()


# XML

ROLE = """<Deployment{ns}><Name>d</Name><DeploymentSlot>Production</DeploymentSlot><Status>Running</Status>{more}
<RoleInstanceList><RoleInstance><RoleName>Web</RoleName><InstanceName>Web_0</InstanceName><InstanceSize>Small
</InstanceSize></RoleInstance><RoleInstance><RoleName>Web</RoleName><InstanceName>Web_1</InstanceName><InstanceSize>Small
</InstanceSize></RoleInstance></RoleInstanceList><RoleList><Role><RoleName>Web</RoleName></Role></RoleList>
<VirtualNetworkName>net1</VirtualNetworkName></Deployment>"""
SITE = """<VirtualNetworkSite><Name>net1</Name><Location>West Europe</Location><State>Created</State><AddressSpace>
<AddressPrefixes><AddressPrefix>10.0.0.0/16</AddressPrefix></AddressPrefixes></AddressSpace><Subnets><Subnet>
<Name>front</Name><AddressPrefix>10.0.0.0/24</AddressPrefix></Subnet></Subnets></VirtualNetworkSite>"""


def test_hosted_services_and_networks_of_service_management_draw_their_units() -> None:
    text = f"<All {NS}><HostedServices><HostedService><ServiceName>shop</ServiceName><Deployments>"
    text += ROLE.format(ns="", more="") + "</Deployments></HostedService></HostedServices>"
    text += f"<VirtualNetworkSites>{SITE}</VirtualNetworkSites></All>"
    found = values(text)
    role, network = one(found, Role), one(found, Network)
    assert isinstance(role, Role)
    assert isinstance(network, Network)
    assert (role.size, role.instance_count) == ("Small", 2)
    assert [subnet.name for subnet in network.subnets] == ["front"]  # type: ignore[union-attr]
    (unit,) = units.resolve(found)  # type: ignore[arg-type]
    assert (unit.kind, len(unit.members)) == (units.UnitKind.NETWORK, 4)


def test_the_deployments_of_metadata_extract_are_read() -> None:
    """MetadataExtract.ps1 puts the answers under a root without a namespace, in UTF-16."""
    inner = ROLE.format(ns=f" {NS}", more="<Url>http://shop.cloudapp.net/</Url>")
    contents = reading.read(f"<deployments>{inner}</deployments>".encode("utf-16"), "m.xml", hints=HINTS)
    assert [(entry.name, entry.refused) for entry in contents.entries] == [
        ("shop", ""),
        ("Production", ""),
        ("Web", ""),
    ]
    assert all(entry.partial and entry.document and entry.document["source"] == "file" for entry in contents.entries)


def test_the_other_lists_of_service_management_are_read() -> None:
    text = f"""<All {NS}><StorageServices><StorageService><ServiceName>acc</ServiceName><StorageServiceProperties>
    <Location>West Europe</Location><AccountType>Standard_LRS</AccountType></StorageServiceProperties></StorageService>
    </StorageServices><ReservedIPs><ReservedIP><Name>rip</Name><Address>40.0.0.1</Address><InUse>false</InUse>
    </ReservedIP></ReservedIPs><NetworkSecurityGroups><NetworkSecurityGroup><Name>nsg</Name></NetworkSecurityGroup>
    </NetworkSecurityGroups><RouteTables><RouteTable><Name>rt</Name></RouteTable></RouteTables><Disks><Disk>
    <Name>d</Name><MediaLink>https://acc.blob.core.windows.net/v/d.vhd</MediaLink></Disk></Disks></All>"""
    kinds = {getattr(value, "type", "") for value in values(text)}
    assert kinds == {
        ResourceType.STORAGE_ACCOUNT,
        ResourceType.RESERVED_ADDRESS,
        ResourceType.NETWORK_SECURITY_GROUP,
        ResourceType.ROUTE_TABLE,
        ResourceType.DISK,
    }


# JSON, there and back

NAMES = st.text("abcdefghij-0123456789", min_size=1, max_size=8).filter(lambda name: not name.startswith("-"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
LEAVES = TEXTS | st.integers(-(10**18), 10**18) | st.booleans() | st.none() | st.floats(-1e6, 1e6)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))


@st.composite
def documents(draw: st.DrawFn) -> list[dict[str, object]]:
    made = []
    for name in sorted(draw(st.sets(NAMES, max_size=4))):
        account = f"/subscriptions/{SUB}/resourceGroups/rg/providers/{ResourceType.STORAGE_ACCOUNT}/{name}"
        body = {"id": account, "name": name, "type": ResourceType.STORAGE_ACCOUNT.value, "location": "westeurope"}
        body |= {"tags": draw(st.dictionaries(TEXTS, TEXTS, max_size=2))}
        properties = draw(st.dictionaries(TEXTS, JSON, max_size=3))
        read = draw(st.sets(st.sampled_from(["disks", "osImages", "vmImages"])))
        made.append(wire.clean({**body, "properties": properties}) | {"read": sorted(read)})
        for disk in sorted(draw(st.sets(NAMES, max_size=2))):
            inner = {"id": f"{account}/disks/{disk}", "name": disk, "type": ResourceType.DISK.value, "properties": {}}
            made.append(inner)
    return made


def written(made: list[dict[str, object]]) -> str:
    captured = {"at": AT.isoformat(), "from": "https://azure.example", "whole": [SUB]}
    usage = Usage(
        subscription=SUB, location="westeurope", provider="Microsoft.Compute", name="cores", current=1, limit=-1
    )
    gap = Unreadable(resource_id="/x", action="a/read", sentence="Not permitted.")
    rows = [{"subscriptionId": SUB, "name": "Microsoft.Compute", "state": "Registered"}]
    return writing.text(writing.estate([INFO], made, rows, [usage], [gap], origin="captured", captured=captured))


@settings(max_examples=100, deadline=None)
@given(documents())
def test_what_is_written_is_read_again(made: list[dict[str, object]]) -> None:
    contents = reading.read(written(made).encode(), "file")
    assert [entry.refused for entry in contents.entries] == [""] * len(made)
    found = {entry.document["id"]: dict(entry.document) for entry in contents.entries if entry.document}
    assert found == {str(d["id"]): {**d, "source": "file"} for d in made}
    assert (contents.as_of, contents.whole) == (AT, frozenset({SUB}))
    assert contents.registrations == {SUB: {"Microsoft.Compute": "Registered"}}
    assert [usage.limit for usage in contents.usages] == [-1]
    assert [part.action for part in contents.unreadable] == ["a/read"]


@settings(max_examples=50, deadline=None)
@given(documents(), st.randoms(use_true_random=False))
def test_the_order_of_reading_does_not_show_in_the_file(made: list[dict[str, object]], chance: object) -> None:
    shuffled = list(made)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    text = written(made)
    assert written(shuffled) == text
    body = json.loads(text)
    assert list(body)[-1] == "digest"
    assert body["digest"] == estate_json.digest(body)


@settings(max_examples=50, deadline=None)
@given(documents().filter(bool), st.data())
def test_any_changed_value_breaks_the_digest(made: list[dict[str, object]], data: st.DataObject) -> None:
    body = json.loads(written(made))
    row = data.draw(st.sampled_from(body["resources"]))
    row["name"] = row["name"] + "x"
    assert body["digest"] != estate_json.digest(body)


def test_a_column_that_is_not_there_says_nothing() -> None:
    machine = one(values("vmname,csname,size\nvm1,cs1,Small\n"), VirtualMachine)
    assert isinstance(machine, VirtualMachine)
    assert (machine.disks, machine.extensions, machine.input_endpoints) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert machine.availability_set is UNKNOWN
