"""What is read of a .cscfg and a .csdef, and what refuses a file, in one sentence with its line."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.configuration import FileRefused, Kind, ServiceConfiguration, ServiceDefinition, open_file, read, take
from migrator.configuration.document import DEEPEST, LARGEST, MOST_ALTOGETHER, MOST_ATTRIBUTES, MOST_ELEMENTS
from migrator.configuration.reading import MOST_ROLES
from migrator.configuration.values import FileEndpoint
from migrator.resources import UNKNOWN
from tests.migrator.configuration.files import HEAD, PLAIN, SHOP, SHOP_DEFINITION, configuration

NEWLINE = b"\n"
OLDER = "http://schemas.microsoft.com/ServiceHosting/2007/10/ServiceConfiguration"
AGAIN = "; save it as UTF-8."
DTD = "The file has a DTD, which is refused."
NAMESPACE = "http://schemas.microsoft.com/ServiceHosting/2008/10/ServiceConfiguration"


def cscfg(data: bytes) -> ServiceConfiguration:
    found = read(open_file(data, Kind.CONFIGURATION))
    assert isinstance(found, ServiceConfiguration)
    return found


def test_a_configuration_is_read() -> None:
    shop = cscfg(SHOP)
    assert (shop.service_name, shop.os_family, shop.os_version) == ("Shop", "4", "*")
    web, worker = shop.roles
    assert (web.name, web.line, web.instance_count) == ("web", 5, 2)
    assert web.plugins == ("RemoteAccess", "RemoteForwarder")
    assert web.subnets == ("front",)
    assert "Orders.Queue" in web.settings
    assert [(c.name, c.thumbprint[:4]) for c in web.certificates] == [
        ("shop.example", "2F0A"),
        ("Microsoft.WindowsAzure.Plugins.RemoteAccess.PasswordEncryption", "AAAA"),
    ]
    assert (worker.instance_count, worker.plugins, worker.subnets) == (1, (), ())
    network = shop.network
    assert network is not None
    assert (network.site, network.reserved_ips) == ("Group shop-rg shop-net", ("Group shop-rg shop-ip",))
    assert network.dns_servers == (("dns1", "10.1.0.4"),)
    assert [(rule.order, rule.action) for rule in network.access_controls[0][1]] == [(100, "permit"), (200, "deny")]
    assert [(acl.role, acl.endpoint, acl.access_control) for acl in network.endpoint_acls] == [
        ("web", "Https", "office")
    ]
    assert shop.problems == ()


def test_a_definition_is_read() -> None:
    shop = read(open_file(SHOP_DEFINITION, Kind.DEFINITION))
    assert isinstance(shop, ServiceDefinition)
    web, worker = shop.roles
    assert (shop.name, shop.probes, shop.traffic_rules) == ("Shop", ("alive",), 1)
    assert (web.web, web.size, web.imports) == (True, "Medium", ("RemoteAccess", "RemoteForwarder"))
    assert (web.sites, web.startup_tasks, web.certificates) == (("Web",), 1, ("shop.example",))
    assert web.endpoints == (
        FileEndpoint(kind="InputEndpoint", name="Https", protocol="https", port=443, local_port=443),
        FileEndpoint(kind="InternalEndpoint", name="Health", protocol="tcp", port=8080),
        FileEndpoint(kind="InstanceInputEndpoint", name="Debug", protocol="tcp", local_port=3000),
    )
    assert (worker.web, worker.size, worker.size_written, worker.imports) == (False, "Small", False, ("Diagnostics",))


def test_no_value_of_a_setting_is_in_what_is_read() -> None:
    for data, kind in ((SHOP, Kind.CONFIGURATION), (SHOP_DEFINITION, Kind.DEFINITION)):
        assert b"CANARY" in data
        assert "CANARY" not in repr(read(open_file(data, kind)))


@pytest.mark.parametrize("codec", ["utf-16", "utf-8-sig"])
@pytest.mark.parametrize("ends", ["\r\n", "\n", "\r"])
def test_encodings_and_line_ends_make_no_difference(codec: str, ends: str) -> None:
    text = SHOP.decode().replace("\n", ends)
    text = text.replace('encoding="utf-8"', 'encoding="utf-16"') if codec == "utf-16" else text
    assert cscfg(text.encode(codec)) == cscfg(SHOP)


def test_a_prefix_makes_no_difference() -> None:
    plain = cscfg(PLAIN)
    prefixed = re.sub(rb"<(/?)(?=[A-Z])", rb"<\1sc:", PLAIN).replace(b"xmlns=", b"xmlns:sc=")
    assert cscfg(prefixed) == plain
    assert [(role.name, role.instance_count) for role in plain.roles] == [("web", 2), ("jobs", 3)]


LAUGHS = '<!DOCTYPE l [<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
REFUSED = {
    "empty": (b"", "The file is empty."),
    "blank": (b" \r\n\t", "The file is empty."),
    "archive": (b"PK\x03\x04rest", "The file is an archive, perhaps a package (.cspkg); give the XML file itself."),
    "50 MB": (b"<a>" + b" " * 50_000_000, "The file is larger than 1024 KiB."),
    "one byte too many": (
        configuration(" " * (LARGEST + 1 - len(configuration()))),
        "The file is larger than 1024 KiB.",
    ),
    "billion laughs": ((LAUGHS + "]>" + HEAD + "&a9;</ServiceConfiguration>").encode(), "Line 1: " + DTD),
    "external entity": (b'\n<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/hostname">]><l>&x;</l>', "Line 2: " + DTD),
    "external dtd": (b'<!DOCTYPE l SYSTEM "http://127.0.0.1:9/x.dtd"><l/>', "Line 1: " + DTD),
    "an entity nobody declared": (configuration("&x;"), "Line 1: The file is not well-formed XML (undefined entity)."),
    "deep": (configuration("<a>" * DEEPEST + "</a>" * DEEPEST), "Line 1: The file is nested deeper than 64 elements."),
    "many": (configuration("<a/>" * MOST_ELEMENTS), "Line 1: The file has more than 50,000 elements and comments."),
    "wide": (
        configuration("\n<a " + " ".join(f'a{i}="1"' for i in range(MOST_ATTRIBUTES + 1)) + "/>"),
        "Line 2: An element has more than 100 attributes.",
    ),
    "many lines": (configuration("\n" * MOST_ELEMENTS), "The file has more than 50,000 lines."),
    "many comments": (
        configuration("<!---->" * MOST_ELEMENTS),
        "Line 1: The file has more than 50,000 elements and comments.",
    ),
    "many attributes": (
        configuration(("<a " + " ".join(f'a{i}=""' for i in range(100)) + "/>") * (MOST_ALTOGETHER // 100)),
        "Line 1: The file has more than 100,000 attributes.",
    ),
    "many roles": (
        configuration("".join(f'<Role name="r{i}"/>' for i in range(MOST_ROLES + 1))),
        "Line 1: The file has more than 200 roles.",
    ),
    "wrong root": (
        b"<configuration/>",
        "Line 1: The file begins with 'configuration'; a service configuration begins with 'ServiceConfiguration'.",
    ),
    "the other file": (
        SHOP_DEFINITION,
        "This is a service definition (.csdef); here a service configuration (.cscfg) is asked for.",
    ),
    "wrong namespace": (
        HEAD.replace("2008/10", "2007/10").encode() + b"</ServiceConfiguration>",
        f"Line 1: ServiceConfiguration is in the namespace {OLDER!r}; a service configuration is in {NAMESPACE}.",
    ),
    "no namespace": (
        b'<ServiceConfiguration serviceName="s"/>',
        f"Line 1: ServiceConfiguration is in no namespace; a service configuration is in {NAMESPACE}.",
    ),
    "truncated": (
        SHOP[:900],
        f"Line {SHOP[:900].count(NEWLINE) + 1}: The file is not well-formed XML (unclosed token).",
    ),
    "not closed": (SHOP[:-25], "Line 56: The file is not well-formed XML (no element found)."),
    "nul": (configuration("\x00"), "Line 1: The file is not well-formed XML (not well-formed (invalid token))."),
    "utf-32": (PLAIN.decode().encode("utf-32"), "The file is written in UTF-32" + AGAIN),
    "utf-16 without mark": (
        PLAIN.decode().encode("utf-16-le"),
        "The file is written in UTF-16 without a byte order mark" + AGAIN,
    ),
    "utf-16, cut": (PLAIN.decode().encode("utf-16")[:-1], "The file is not written in UTF-16 throughout" + AGAIN),
    "latin-1": (SHOP.decode().encode("latin-1"), "Line 27: The file is not written in UTF-8 throughout" + AGAIN),
    "ebcdic": (PLAIN.decode().encode("cp500"), "Line 1: The file is not written in UTF-8 throughout" + AGAIN),
    "says utf-16": (
        SHOP.replace(b"utf-8", b"utf-16", 1),
        "Line 1: The file says it is written in 'utf-16' and is UTF-8" + AGAIN,
    ),
    "says utf-8": (
        SHOP.decode().encode("utf-16"),
        "Line 1: The file says it is written in 'utf-8' and is UTF-16" + AGAIN,
    ),
    "a role twice": (configuration('<Role name="a"/>\n<Role name="A"/>'), "Line 2: The role A is there twice."),
    "a role without a name": (configuration("<Role/>"), "Line 1: A role has no name."),
    "an attribute twice": (
        configuration('<Role name="a" name="b"/>'),
        "Line 1: The file is not well-formed XML (duplicate attribute).",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_file_is_refused_in_one_sentence(case: str) -> None:
    data, sentence = REFUSED[case]
    with pytest.raises(FileRefused) as refused:
        cscfg(data)
    assert str(refused.value) == sentence


def test_the_limits_themselves_are_kept() -> None:
    cscfg(configuration(" " * (LARGEST - len(configuration()))))
    cscfg(configuration("<a>" * (DEEPEST - 1) + "</a>" * (DEEPEST - 1)))
    cscfg(configuration("<a/>" * (MOST_ELEMENTS - 1)))
    cscfg(configuration("<a " + " ".join(f'a{i}="1"' for i in range(MOST_ATTRIBUTES)) + "/>"))


@pytest.mark.parametrize("count", ["-1", "1000000000", "2.0", "", "٣", " 2"])
def test_a_count_that_cannot_be_right_is_unknown_and_told(count: str) -> None:
    found = cscfg(configuration(f'\n<Role name="web"><Instances count="{count}"/></Role>'))
    assert found.roles[0].instance_count is UNKNOWN
    told = repr(count) if count else "missing"
    assert [(one.line, one.sentence) for one in found.problems] == [
        (2, f"The instance count of role web is {told}, not a number from 0 to 100000.")
    ]


@pytest.mark.parametrize("thumbprint", ["A" * 39, "A" * 41, "G" * 40])
def test_a_thumbprint_that_cannot_be_right_is_unknown_and_told(thumbprint: str) -> None:
    role = f'<Role name="web"><Certificates><Certificate name="c" thumbprint="{thumbprint}"/></Certificates></Role>'
    found = cscfg(configuration(role))
    assert found.roles[0].certificates[0].thumbprint is UNKNOWN
    assert found.problems[0].sentence == "The thumbprint of certificate c of role web is not 40 hexadecimal digits."


@pytest.mark.parametrize("port", ["0", "65536", "80 ", "http"])
def test_a_port_that_cannot_be_right_is_told(port: str) -> None:
    data = SHOP_DEFINITION.replace(b'port="8080"', f'port="{port}"'.encode())
    found = read(open_file(data, Kind.DEFINITION))
    assert [one.sentence for one in found.problems] == [
        f"The port of endpoint Health of role web is {port!r}, not a number from 1 to 65535."
    ]


def test_xinclude_is_an_element_like_any_other() -> None:
    inside = '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///etc/hostname" parse="text"/>'
    assert cscfg(configuration(inside)).roles == ()


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for kind in Kind:
        try:
            take(data, kind)
        except FileRefused as refused:
            assert str(refused)


@given(st.integers(0, len(SHOP)), st.integers(0, 40), st.binary(max_size=8))
def test_a_damaged_file_is_read_or_refused(place: int, length: int, other: bytes) -> None:
    try:
        take(SHOP[:place] + other + SHOP[place + length :], Kind.CONFIGURATION)
    except FileRefused as refused:
        assert str(refused)
