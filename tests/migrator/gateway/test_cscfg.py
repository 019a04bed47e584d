import pytest

from migrator.gateway.wire import cscfg
from migrator.resources import UNKNOWN

NAMESPACE = "http://schemas.microsoft.com/ServiceHosting/2008/10/ServiceConfiguration"
WHOLE = f"""\ufeff<?xml version="1.0" encoding="utf-8"?>
<!-- kept by hand -->
<ServiceConfiguration xmlns="{NAMESPACE}" serviceName="Shop" osFamily="4" osVersion="WA-GUEST-OS-4.7_201309-01">
  <Role name="Web">
    <Instances count="2" />
    <ConfigurationSettings>
      <Setting name="Microsoft.WindowsAzure.Plugins.Diagnostics.Enabled" value="true" />
      <Setting name="Microsoft.WindowsAzure.Plugins.RemoteAccess.AccountUsername" value="ann" />
    </ConfigurationSettings>
  </Role>
  <Role name="Worker">
    <Instances count="many" />
    <ConfigurationSettings>
      <Setting name="Microsoft.WindowsAzure.Plugins.RemoteAccess.AccountUsername" value="ann" />
      <Setting name="Microsoft.WindowsAzure.Plugins.RemoteAccess.Enabled" value="false" />
      <Setting name="Microsoft.WindowsAzure.Plugins.RemoteForwarder.Enabled" value="True" />
    </ConfigurationSettings>
  </Role>
  <NetworkConfiguration>
    <VirtualNetworkSite name="vnet1" />
    <AddressAssignments>
      <InstanceAddress roleName="web"><Subnets><Subnet name="a" /><Subnet name="b" /></Subnets></InstanceAddress>
      <ReservedIPs><ReservedIP name="rip" /></ReservedIPs>
    </AddressAssignments>
  </NetworkConfiguration>
</ServiceConfiguration>"""


def test_a_configuration_is_read_whole() -> None:
    read = cscfg.read(WHOLE)
    assert (read.service_name, read.os_family, read.os_version) == ("Shop", "4", "WA-GUEST-OS-4.7_201309-01")
    assert (read.network_site, read.reserved_ips) == ("vnet1", ("rip",))
    web, worker = read.role("WEB"), read.role("Worker")
    assert web is not None and worker is not None
    assert (web.instance_count, web.subnets, web.plugins) == (2, ("a", "b"), ("Diagnostics", "RemoteAccess"))
    assert (worker.instance_count, worker.subnets, worker.plugins) == (UNKNOWN, (), ("RemoteForwarder",))


@pytest.mark.parametrize("declared", ["utf-16", "utf-32", "ebcdic-cp-us", "nonsense"])
def test_the_declared_encoding_of_a_text_does_not_matter(declared: str) -> None:
    text = f"<?xml version='1.0' encoding='{declared}'?><ServiceConfiguration serviceName='é'/>"
    try:
        assert cscfg.read(text).service_name == "é"
    except cscfg.UnreadableConfiguration:
        assert declared == "nonsense"


LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a0 "lol">'
    + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    + "]><ServiceConfiguration>&a9;</ServiceConfiguration>"
)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "well-formed"),
        ("   ", "well-formed"),
        ("PK\x03\x04", "well-formed"),
        ("<ServiceConfiguration>", "well-formed"),
        ("<ServiceConfiguration><Role></ServiceConfiguration>", "well-formed"),
        ("<ServiceConfiguration>\x00</ServiceConfiguration>", "well-formed"),
        ("<ServiceConfiguration x='1' x='2'/>", "well-formed"),
        ("<ServiceConfiguration>\ud800</ServiceConfiguration>", ""),
        ("<ServiceDefinition name='s'/>", "ServiceConfiguration, not ServiceDefinition"),
        (LAUGHS, "DTD"),
        (
            '<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/hostname">]><ServiceConfiguration>&x;</ServiceConfiguration>',
            "DTD",
        ),
        ('<!DOCTYPE l SYSTEM "http://127.0.0.1:9/x.dtd"><ServiceConfiguration/>', "DTD"),
        ("<ServiceConfiguration>" + "<a>" * 200_000 + "</a>" * 200_000 + "</ServiceConfiguration>", "larger"),
        ("<ServiceConfiguration>" + "<a>" * 64 + "</a>" * 64 + "</ServiceConfiguration>", "deeper"),
        ("<ServiceConfiguration>" + "<a/>" * 50_000 + "</ServiceConfiguration>", "50000 elements"),
        ("<ServiceConfiguration " + " ".join(f"a{i}='1'" for i in range(101)) + "/>", "100 attributes"),
        ("<ServiceConfiguration>" + " " * cscfg.LARGEST + "</ServiceConfiguration>", "larger"),
    ],
)
def test_bad_xml_is_refused_with_its_reason(text: str, word: str) -> None:
    try:
        cscfg.read(text)
    except cscfg.UnreadableConfiguration as refused:
        assert word in str(refused) and str(refused).endswith(".")
    else:
        assert word == ""


def test_what_is_just_inside_the_limits_is_read() -> None:
    inside = "<ServiceConfiguration>" + "<a>" * 63 + "</a>" * 63 + "<b/>" * 49_936 + "</ServiceConfiguration>"
    assert cscfg.read(inside).roles == {}


def test_nothing_outside_is_fetched() -> None:
    text = (
        '<ServiceConfiguration xmlns:xi="http://www.w3.org/2001/XInclude" serviceName="s">'
        '<xi:include href="file:///etc/hostname" parse="text"/></ServiceConfiguration>'
    )
    assert cscfg.read(text).service_name == "s"
