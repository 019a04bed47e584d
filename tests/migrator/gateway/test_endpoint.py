import pytest

from migrator.gateway.arm import ArmGateway, StaticToken, credential, scope_of
from migrator.gateway.endpoint import (
    BadResourceId,
    Endpoint,
    EndpointRefused,
    resource_path,
    short_name,
    shown,
)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://management.azure.com", "https://management.azure.com"),
        ("https://management.azure.com/", "https://management.azure.com"),
        ("https://MANAGEMENT.azure.com:443", "https://management.azure.com"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123"),
        ("http://localhost:8123/", "http://localhost:8123"),
        ("http://[::1]:8123", "http://[::1]:8123"),
        ("https://arm.example.internal:8443", "https://arm.example.internal:8443"),
    ],
)
def test_an_endpoint_is_https_or_loopback(text: str, url: str) -> None:
    assert Endpoint.of(text).url == url


@pytest.mark.parametrize(
    "text",
    [
        "http://management.azure.com",
        "http://10.0.0.4",
        "http://0:8123",
        "http://2130706433:8123",
        "http://0x7f.1:8123",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "https://management.azure.com@evil.example",
        "https://user:secret@management.azure.com",
        "https://@management.azure.com",
        "https://management.azure.com/path",
        "https://management.azure.com?x=1",
        "https://management.azure.com#x",
        "https://management.azure.com:99999",
        "https://mаnagement.azure.com",  # a Cyrillic letter
        "ftp://management.azure.com",
        "file:///etc/passwd",
        "gopher://127.0.0.1",
        "management.azure.com",
        "https://",
        "https://[",
        "",
    ],
)
def test_every_other_endpoint_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(EndpointRefused) as refused:
        Endpoint.of(text)
    assert str(refused.value).endswith(".")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://management.azure.com.evil.example/subscriptions",
        "https://management.azure.com@evil.example/subscriptions",
        "https://x@management.azure.com/subscriptions",
        "https://management.azure.com:444/subscriptions",
        "http://management.azure.com/subscriptions",
        "http://169.254.169.254/metadata",
        "//management.azure.com/subscriptions",
        "/subscriptions",
        "https://evil.example\\@management.azure.com/",
        "https://management.azure.com/a b",
        "https://management.azure.com\n.evil.example/",
        "file:///etc/passwd",
        "https://[management.azure.com/",
        "",
    ],
)
def test_only_the_very_endpoint_owns_a_url(url: str) -> None:
    endpoint = Endpoint.of("https://management.azure.com")
    assert not endpoint.owns(url)
    assert endpoint.owns("https://MANAGEMENT.azure.com:443/subscriptions?x=1")


def test_a_url_escapes_what_an_id_may_hold() -> None:
    endpoint = Endpoint.of("https://management.azure.com")
    path = "/subscriptions/s/resourceGroups/r (old)/providers/N/virtualNetworks/Group rg v"
    assert endpoint.at(path, "2016-11-01") == (
        "https://management.azure.com/subscriptions/s/resourceGroups/r%20(old)/providers/N/virtualNetworks/"
        "Group%20rg%20v?api-version=2016-11-01"
    )


@pytest.mark.parametrize(
    "resource_id",
    [
        "/providers/Microsoft.Authorization/roleAssignments/x",
        "subscriptions/s",
        "/subscriptions",
        "/subscriptions/",
        "/subscriptions/s/../t",
        "/subscriptions/s//x",
        "/subscriptions/s/x?api-version=1",
        "/subscriptions/s/x#y",
        "/subscriptions/s/%2e%2e",
        "/subscriptions/s/\nx",
        "//evil.example/subscriptions/s",
        "/subscriptions/s/" + "x" * 3000,
    ],
)
def test_a_path_outside_subscriptions_is_refused(resource_id: str) -> None:
    with pytest.raises(BadResourceId):
        resource_path(resource_id)


def test_the_record_of_a_url_hides_query_values() -> None:
    assert shown("https://u:p@h/x?api-version=1&t=secret&$filter=a") == "https://h/x?api-version=1&t=…&$filter=a"


def test_a_short_name_is_what_people_say() -> None:
    slot = "/subscriptions/s/resourceGroups/r/providers/Microsoft.ClassicCompute/domainNames/cs1/slots/Production"
    assert short_name(slot) == "cs1/Production"


def test_a_static_credential_is_for_loopback_only() -> None:
    with pytest.raises(EndpointRefused, match="loopback"):
        credential("static", "https://management.azure.com")
    with pytest.raises(EndpointRefused, match="loopback"):
        ArmGateway("https://management.azure.com", StaticToken("x"))
    with pytest.raises(ValueError, match="not known"):
        credential("dynamic", "http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("endpoint", "scope"),
    [
        ("https://management.azure.com", "https://management.azure.com/.default"),
        ("https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net/.default"),
        ("https://management.chinacloudapi.cn", "https://management.chinacloudapi.cn/.default"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123/.default"),
    ],
)
def test_the_audience_follows_the_cloud(endpoint: str, scope: str) -> None:
    assert scope_of(Endpoint.of(endpoint)) == scope
