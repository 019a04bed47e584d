"""Secrets of a Key Vault over real HTTP: only vaults that were named, only with their own token, nothing kept."""

from collections.abc import Iterator
from typing import Any

import pytest

from migrator.gateway.arm import CONNECT_TIMEOUT, AzureWire, StaticToken
from migrator.gateway.endpoint import Endpoint
from migrator.gateway.protocol import CredentialRefused, GatewayError, NotFound, NotPermitted, Refused, Unreachable
from migrator.gateway.vaults import KeyVaults, audience
from migrator.simulator import running
from migrator.vaults import Reference

SECRET = "an0ther-hedge!row-17"
GROUP = "/subscriptions/{}/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/bramble-keys"


@pytest.fixture(scope="module")
def azure() -> Iterator[running.Running]:
    with running.simulator(scenario="every-setting") as simulator:
        yield simulator


def vaults(*allowed: str, token: str = "a-token", asked: list[tuple[str, str]] | None = None) -> KeyVaults:
    def wire(endpoint: Endpoint, scope: str) -> AzureWire:
        if asked is not None:
            asked.append((endpoint.url, scope))
        return AzureWire(endpoint, StaticToken(token), CONNECT_TIMEOUT, scope)

    return KeyVaults(allowed, wire, deadline=5)


def test_a_secret_is_read_newest_or_by_version(azure: running.Running) -> None:
    place, asked = f"{azure.base_url}/vaults/bramble-keys", list[tuple[str, str]]()
    found = vaults(place, asked=asked)
    assert found.secret(Reference(place, "branch-office")) == SECRET
    assert found.secret(Reference(place, "branch-office", "1" * 32)) == SECRET
    assert asked == [(azure.base_url, f"{azure.base_url}/.default")], "one wire to a vault, with a token of its own"
    found.close()


def test_a_vault_nobody_named_is_not_asked(azure: running.Running) -> None:
    place, asked = f"{azure.base_url}/vaults/bramble-keys", list[tuple[str, str]]()
    with pytest.raises(Refused, match="TRACKER_KEY_VAULTS"):
        vaults("https://contoso-keys.vault.azure.net", asked=asked).secret(Reference(place, "branch-office"))
    assert asked == []


@pytest.mark.parametrize(
    ("vault", "name", "version", "error", "says"),
    [
        ("bramble-keys", "nobody", "", NotFound, "Make it, or give another address"),
        ("bramble-keys", "branch-office", "2" * 32, NotFound, "There is no secret"),
        ("elsewhere", "branch-office", "", NotFound, "There is no secret"),
    ],
)
def test_what_is_not_there_is_said_with_its_address(
    azure: running.Running, vault: str, name: str, version: str, error: type[Exception], says: str
) -> None:
    place = f"{azure.base_url}/vaults/{vault}"
    wanted = Reference(place, name, version)
    with pytest.raises(error, match=says) as caught:
        vaults(place).secret(wanted)
    assert wanted.url in str(caught.value)


def test_who_may_not_read_it_is_told_which_role_is_missing(azure: running.Running) -> None:
    place = f"{azure.base_url}/vaults/bramble-keys"
    with pytest.raises(NotPermitted, match="Key Vault Secrets User"):
        vaults(place, token="reader-token").secret(Reference(place, "branch-office"))
    with pytest.raises(CredentialRefused):
        vaults(place, token="expired-token").secret(Reference(place, "branch-office"))


def test_a_vault_that_does_not_answer_is_silence(free_tcp_port: int) -> None:
    place = f"http://127.0.0.1:{free_tcp_port}"
    with pytest.raises(Unreachable):
        vaults(place).secret(Reference(place, "x"))


@pytest.mark.parametrize("body", [{}, {"value": ""}, {"value": 5}, ["value"], {"value": "x" * 30_000}, {"value": None}])
def test_what_is_no_text_is_not_sent(stub: Any, body: Any) -> None:
    stub.on("GET", "/secrets/x", 200, body)
    with pytest.raises(Refused, match="no text that could be sent"):
        vaults(stub.url).secret(Reference(stub.url, "x"))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (302, {"value": "top-secret"}),
        (500, {"value": "top-secret"}),
        (200, b'"top-secret" and no JSON'),
        (200, b"top-s"),
    ],
)
def test_no_error_repeats_what_was_answered_and_no_redirect_is_followed(stub: Any, status: int, body: Any) -> None:
    stub.on("GET", "/secrets/x", status, body, Location="http://127.0.0.1:9/secrets/x")
    with pytest.raises(GatewayError) as caught:
        vaults(stub.url).secret(Reference(stub.url, "x"))
    assert "top-s" not in f"{caught.value} {vars(caught.value)}"


@pytest.mark.parametrize(
    ("host", "scope"),
    [
        ("https://a.vault.azure.net", "https://vault.azure.net/.default"),
        ("https://a.vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net/.default"),
        ("https://a.vault.azure.cn", "https://vault.azure.cn/.default"),
    ],
)
def test_each_cloud_has_its_own_audience(host: str, scope: str) -> None:
    assert audience(Endpoint.of(host)) == scope


def test_resource_manager_never_tells_the_value(azure: running.Running) -> None:
    from migrator.gateway.arm import ArmGateway
    from migrator.resources import ArmRequest

    with ArmGateway(azure.base_url, StaticToken("a-token")) as gateway:
        subscription = gateway.subscriptions()[0].subscription_id
        for path in (f"{GROUP.format(subscription)}/secrets/branch-office", f"{GROUP.format(subscription)}/secrets"):
            answer = gateway.send(ArmRequest(method="GET", path=path, api_version="2024-11-01"))
            assert "branch-office" in str(answer.body) and SECRET not in str(answer.body)
