"""Rewriting: what changes and why, and that nothing else does."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.configuration import Kind, NewName, Rewritten, Target, open_file, read, rewrite
from migrator.configuration.document import MOST_ELEMENTS
from migrator.configuration.reading import MOST_ROLES
from migrator.configuration.rewriting import Change
from migrator.readiness import DOCUMENTS
from tests.migrator.configuration.files import (
    DEFAULT,
    DEFAULT_NET,
    PLAIN,
    SHOP,
    SHOP_DEFINITION,
    SHOP_NET,
    TARGET,
    configuration,
)

NOTHING_KNOWN = Target(service="s")


def of(data: bytes, target: Target = TARGET) -> Rewritten:
    kind = Kind.DEFINITION if b"<ServiceDefinition" in data.replace(b"\0", b"") else Kind.CONFIGURATION
    return rewrite(open_file(data, kind), target)


def words(changes: list[Change]) -> list[tuple[int, str]]:
    return [(one.line, one.what) for one in changes]


def test_a_configuration_in_a_portal_made_network() -> None:
    done = of(SHOP)
    plugin = "Removed the setting Microsoft.WindowsAzure.Plugins"
    assert words(done.changes) == [
        (8, f"{plugin}.Diagnostics.ConnectionString of role web"),
        (13, f"{plugin}.RemoteAccess.Enabled of role web"),
        (14, f"{plugin}.RemoteAccess.AccountUsername of role web"),
        (15, f"{plugin}.RemoteAccess.AccountEncryptedPassword of role web"),
        (16, f"{plugin}.RemoteAccess.AccountExpiration of role web"),
        (17, f"{plugin}.RemoteForwarder.Enabled of role web"),
        (21, "Removed the certificate Microsoft.WindowsAzure.Plugins.RemoteAccess.PasswordEncryption of role web"),
        (24, "Gave role worker the subnet front"),
        (45, f"Named the virtual network {SHOP_NET} instead of Group shop-rg shop-net"),
        (53, "Named the public IP group-shop-rg-shop-ip instead of Group shop-rg shop-ip"),
    ]
    assert [one.inferred for one in done.changes].count(True) == 1
    assert all(set(one.documents) <= set(DOCUMENTS) and one.documents for one in done.changes)
    after = read(open_file(done.data, Kind.CONFIGURATION))
    assert [role.subnets for role in after.roles] == [("front",), ("front",)]
    assert after.roles[0].plugins == ()
    assert after.network.site == SHOP_NET
    assert after.network.reserved_ips == ("group-shop-rg-shop-ip",)


def test_what_is_not_changed_stays_byte_for_byte() -> None:
    before, after = SHOP.decode().splitlines(), of(SHOP).data.decode().splitlines()
    gone = [line for line in before if line not in after]
    new = [line for line in after if line not in before]
    assert [line.strip()[:14] for line in gone] == ["<Setting name="] * 6 + [
        "<Certificate n",
        "<VirtualNetwor",
        "<ReservedIP na",
    ]
    assert new == [
        f'    <VirtualNetworkSite name="{SHOP_NET}" />',
        '      <InstanceAddress roleName="worker">',
        '        <ReservedIP name="group-shop-rg-shop-ip" />',
    ]
    assert b"CANARY-in-a-comment" in of(SHOP).data  # comments, and settings of one's own, are the owner's
    assert b"value='Endpoint=sb://shop/;SharedAccessKey=\"CANARY-queue\"'" in of(SHOP).data


def test_a_definition() -> None:
    done = of(SHOP_DEFINITION)
    assert words(done.changes) == [
        (3, "Gave role web the size Standard_A2_v2 instead of Medium"),
        (19, "Removed the setting Microsoft.WindowsAzure.Plugins.Diagnostics.ConnectionString of role web"),
        (24, "Removed the import RemoteAccess of role web"),
        (25, "Removed the import RemoteForwarder of role web"),
        (40, "Gave role worker the size Standard_A1_v2; none was written, which means Small"),
    ]
    assert b'<WorkerRole name="worker" vmsize="Standard_A1_v2">' in done.data
    assert b"RemoteAccess" not in done.data
    assert done.data.count(b"<Imports>") == 1  # the emptied one went, with its lines
    assert b"    </ConfigurationSettings>\n    <Endpoints>\n" in done.data
    assert [(one.line, one.sentence[:44]) for one in done.notes] == [
        (45, "Role worker imports the module Diagnostics, ")
    ]


def test_an_emptied_imports_with_a_comment_stays() -> None:
    kept = SHOP_DEFINITION.replace(
        b'<Imports>\n      <Import moduleName="RemoteA', b'<Imports><!-- mine -->\n      <Import moduleName="RemoteA'
    )
    assert kept != SHOP_DEFINITION
    assert b"<Imports><!-- mine -->\n    </Imports>" in of(kept).data


def test_a_deployment_of_the_default_network_gets_the_whole_block() -> None:
    done = of(PLAIN, DEFAULT)
    assert done.data.endswith(
        f"""\t<Role name="jobs"><Instances count="3" /></Role>
\t<NetworkConfiguration>
\t\t<VirtualNetworkSite name="{DEFAULT_NET}" />
\t\t<AddressAssignments>
\t\t\t<InstanceAddress roleName="web">
\t\t\t\t<Subnets>
\t\t\t\t\t<Subnet name="WebTier" />
\t\t\t\t</Subnets>
\t\t\t</InstanceAddress>
\t\t\t<InstanceAddress roleName="jobs">
\t\t\t\t<Subnets>
\t\t\t\t\t<Subnet name="WebTier" />
\t\t\t\t</Subnets>
\t\t\t</InstanceAddress>
\t\t</AddressAssignments>
\t</NetworkConfiguration>
</ServiceConfiguration>
""".encode()
    )
    assert done.data.startswith(PLAIN[:-25])


def test_before_prepare_the_default_network_is_left_to_later() -> None:
    done = of(PLAIN, replace(DEFAULT, network=None, subnets=()))
    assert done.data == PLAIN
    assert done.changes == []
    assert "is seen after Prepare" in done.notes[0].sentence


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("", '<NetworkConfiguration>\n    <VirtualNetworkSite name="N" />\n    <AddressAssignments>'),
        (
            "<NetworkConfiguration />",
            '<NetworkConfiguration>\n    <VirtualNetworkSite name="N" />\n    <AddressAssignments>',
        ),
        (
            "<NetworkConfiguration>\n    <Dns />\n  </NetworkConfiguration>",
            '<Dns />\n    <VirtualNetworkSite name="N" />\n    <AddressAssignments>',
        ),
        (
            "<NetworkConfiguration>\n    <LoadBalancers />\n  </NetworkConfiguration>",
            "</AddressAssignments>\n    <LoadBalancers />",
        ),
        (
            "<NetworkConfiguration>\n    <AddressAssignments><ReservedIPs/></AddressAssignments>\n"
            "  </NetworkConfiguration>",
            '<VirtualNetworkSite name="N" />\n    <AddressAssignments><InstanceAddress roleName="r">',
        ),
        (
            '<NetworkConfiguration><VirtualNetworkSite name="N"/></NetworkConfiguration>',
            '<VirtualNetworkSite name="N"/>\n',
        ),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("prefix", ["", "sc:"])
def test_what_is_missing_is_written_where_the_schema_has_its_place(
    network: str, expected: str, ends: str, prefix: str
) -> None:
    text = configuration(f'\n  <Role name="r" />\n  {network}\n').decode().replace("\n", ends)
    if prefix:
        text = re.sub(r"<(/?)(?=[A-Z])", rf"<\1{prefix}", text).replace("xmlns=", "xmlns:sc=")
        expected = re.sub(r"<(/?)(?=[A-Z])", rf"<\1{prefix}", expected)
    target = Target(service="s", in_network=True, network=NewName("N", True), subnets=("front",))
    done = of(text.encode(), target)
    assert expected.replace("\n", ends) in done.data.decode()
    after = read(open_file(done.data, Kind.CONFIGURATION))
    assert (after.network.site, after.roles[0].subnets) == ("N", ("front",))
    assert of(done.data, target).data == done.data


def test_several_subnets_are_a_choice_and_left_to_a_person() -> None:
    done = of(SHOP, replace(TARGET, subnets=("front", "back")))
    assert [one.sentence for one in done.notes] == [
        "Role worker has no subnet: give it an InstanceAddress. The network has the subnets front, back."
    ]


def test_a_subnet_the_network_does_not_have_is_told() -> None:
    done = of(SHOP, replace(TARGET, subnets=("other", "back")))
    assert done.notes[1].sentence == "The network has no subnet front: it has other, back."


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (replace(TARGET, called=frozenset({"other"})), "which the deployment does not lie in"),
        (Target(service="s"), "It is not known which network"),
        (Target(service="s", in_network=False), "It is not known which network"),
    ],
)
def test_a_network_that_does_not_fit_is_left_and_told(target: Target, said: str) -> None:
    done = of(SHOP, target)
    assert b'VirtualNetworkSite name="Group shop-rg shop-net"' in done.data
    assert any(said in one.sentence for one in done.notes)


def test_an_id_in_the_file_gives_way_only_to_one_that_was_found() -> None:
    mine = SHOP.replace(b"Group shop-rg shop-net", b"/subscriptions/1/resourceGroups/g/providers/x/virtualNetworks/v")
    assert b'virtualNetworks/v"' in of(mine).data
    found = replace(TARGET, network=NewName(SHOP_NET, True))
    assert f'VirtualNetworkSite name="{SHOP_NET}"'.encode() in of(mine, found).data


@pytest.mark.parametrize(
    ("size", "new"),
    [
        ("Small", "Standard_A1_v2"), ("EXTRASMALL", "Standard_A1_v2"), ("A2", "Standard_A2_v2"),
        ("a7", "Standard_A8m_v2"),
        ("Standard_A3", "Standard_A4_v2"), ("ExtraLarge", "Standard_A8_v2"), ("Standard_D2_v2", "Standard_D2_v2"),
        ("A9", "A9"), ("Standard_Odd", "Standard_Odd"),
    ],
)  # fmt: skip
def test_sizes_follow_the_table(size: str, new: str) -> None:
    data = SHOP_DEFINITION.replace(b'vmsize="Medium"', f"vmsize = '{size}'".encode())
    done = of(data)
    assert f"vmsize = '{new}'".encode() in done.data
    notes = [one.sentence for one in done.notes if size in one.sentence]
    assert notes == {
        "A9": ["The size A9 of role web is deprecated and has no successor; choose one."],
        "Standard_Odd": ["The size Standard_Odd of role web is not in the size table; see whether it is offered."],
    }.get(size, [])


def test_quotes_in_a_new_value_are_written_as_references() -> None:
    odd = replace(TARGET, network=NewName("a\"b&c<d'e", True))
    assert b'name="a&quot;b&amp;c&lt;d\'e"' in of(SHOP, odd).data
    single = SHOP.replace(b'"Group shop-rg shop-net"', b"'Group shop-rg shop-net'")
    assert b"name='a\"b&amp;c&lt;d&apos;e'" in of(single, odd).data


@pytest.mark.parametrize("data", [SHOP, SHOP_DEFINITION])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_rewriting_twice_changes_nothing_more_in_any_encoding(data: bytes, codec: str, ends: str) -> None:
    text = data.decode().replace("\n", ends)
    text = text.replace('encoding="utf-8"', 'encoding="utf-16"') if codec == "utf-16" else text
    given_file = text.encode(codec)
    once = of(given_file)
    assert once.changes
    again = of(once.data)
    assert (again.changes, again.data, again.difference()) == ([], once.data, [])
    assert once.data.decode(codec).count(ends) == once.data.decode(codec).count(ends[-1])
    reference = (
        of(data).data.decode().replace("\n", ends).replace('"utf-8"', '"utf-16"' if codec == "utf-16" else '"utf-8"')
    )
    assert once.data == reference.encode(codec)


def test_the_difference_shows_both_sides_without_secrets() -> None:
    shown = of(SHOP).difference()
    assert shown[:3] == ["--- yours", "+++ rewritten", "@@ -5,20 +5,13 @@"]
    assert not any("CANARY" in line for line in shown)
    assert f'+    <VirtualNetworkSite name="{SHOP_NET}" />' in shown
    removed = [line for line in shown if line.startswith("-      ") and "Setting" in line]
    assert len(removed) == 6


def patched(left: list[str], shown: list[str]) -> list[str]:
    """What a unified difference makes of the lines on its left, read by the rules of the format."""
    found, place = [], 0
    for line in shown[2:]:
        if match := re.match(r"@@ -(\d+),(\d+) \+(\d+),(\d+) @@$", line):
            start = int(match[1]) - 1
            found += left[place:start]
            assert len(found) == int(match[3]) - 1
            place = start
        elif line[0] == "+":
            found.append(line[1:])
        else:
            assert left[place] == line[1:]
            place += 1
            found += [line[1:]] if line[0] == " " else []
    return found + left[place:]


def test_the_difference_leads_from_the_one_to_the_other() -> None:
    for data, target in ((SHOP, TARGET), (SHOP_DEFINITION, TARGET), (PLAIN, DEFAULT), (PLAIN, TARGET)):
        done = of(data, target)
        yours, rewritten = (side.decode().splitlines() for side in done.sides())
        assert patched(yours, done.difference()) == rewritten


BLANKS = st.sampled_from([" ", "  ", "\n", "\t", "\n\t "])
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="<&\"'\r", exclude_categories=["C"]), max_size=12)
BLANK = st.sampled_from(["", " "])
QUOTES = st.sampled_from(["'", '"'])


@st.composite
def harmless(draw: st.DrawFn) -> bytes:
    """A configuration nothing has to be changed in, written in odd ways."""

    def attribute(name: str, value: str) -> str:
        quote = draw(QUOTES)
        return f"{draw(BLANKS)}{name}{draw(BLANK)}={draw(BLANK)}{quote}{value}{quote}"

    aside = st.sampled_from(["", "<!-- a --><!---->", "<?do it?>", "\n\n", "<![CDATA[<x/>]]>", "&#x41;"])
    roles = []
    for number in range(draw(st.integers(0, 4))):
        settings = [
            f"<Setting{attribute('name', f'n{place}')}{attribute('value', draw(VALUES))}{draw(BLANK)}/>" + draw(aside)
            for place in range(draw(st.integers(0, 3)))
        ]
        inside = f"<ConfigurationSettings>{''.join(settings)}</ConfigurationSettings>" if settings else draw(aside)
        roles.append(f"<Role{attribute('name', f'r{number}')}>{draw(aside)}{inside}</Role{draw(BLANK)}>")
    text = configuration(draw(aside).join(roles) + draw(aside), attribute("osVersion", "*")).decode()
    text = (
        draw(st.sampled_from(["", "<!-- first -->\n", '<?xml version="1.0"?>\n']))
        + text
        + draw(st.sampled_from(["", "\n\n"]))
    )
    text = text.replace("\n", draw(st.sampled_from(["\n", "\r\n", "\r"])))
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])))


@given(harmless())
def test_a_file_that_needs_nothing_comes_back_byte_for_byte(data: bytes) -> None:
    done = of(data, NOTHING_KNOWN)
    assert (done.data, done.changes, done.difference()) == (data, [], [])


@given(harmless())
def test_what_is_written_into_an_odd_file_is_written_once(data: bytes) -> None:
    target = replace(DEFAULT, subnets=("only",))
    once = of(data, target)
    after = read(open_file(once.data, Kind.CONFIGURATION))
    assert after.network.site == DEFAULT_NET
    assert all(role.subnets == ("only",) for role in after.roles)
    assert of(once.data, target).data == once.data
    assert [(r.name, r.settings) for r in after.roles] == [
        (r.name, r.settings) for r in read(open_file(data, Kind.CONFIGURATION)).roles
    ]


def test_a_file_at_the_limits_that_grows_by_rewriting_is_still_shown() -> None:
    roles = "".join(f'<Role name="r{number}"/>' for number in range(MOST_ROLES))
    data = configuration(roles + "<a/>" * (MOST_ELEMENTS - MOST_ROLES - 1))
    done = of(data, replace(DEFAULT, subnets=("only",)))
    assert len(done.changes) == MOST_ROLES + 1
    assert sum(line.startswith("+") for line in done.difference()) > MOST_ROLES
