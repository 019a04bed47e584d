"""Every kind of credential and every cloud, built with azure-identity itself; nothing is asked."""

import datetime
from pathlib import Path
from typing import Any

import azure.identity
import pytest
from azure.core import AzureClouds
from azure.core.exceptions import ClientAuthenticationError
from azure.mgmt.core.tools import get_arm_endpoints
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from migrator.gateway import clouds
from migrator.gateway.arm import ArmGateway, StaticToken, scope_of
from migrator.gateway.credentials import credential
from migrator.gateway.endpoint import Endpoint
from migrator.gateway.kinds import KINDS, MEANINGS, CredentialIncomplete, Kind
from migrator.gateway.protocol import Applied, CredentialRefused
from migrator.resources import Verb

HERE = "https://management.azure.com"
APPLICATION = {"AZURE_TENANT_ID": "11111111-1111-1111-1111-111111111111", "AZURE_CLIENT_ID": "an-application"}


def certificate(folder: Path, password: bytes = b"") -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tracker")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    path = folder / "application.pem"
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("kind", "values", "made"),
    [
        ("default", {}, "DefaultAzureCredential"),
        ("environment", {**APPLICATION, "AZURE_CLIENT_SECRET": "hunter2"}, "ClientSecretCredential"),
        (
            "workload-identity",
            {**APPLICATION, "AZURE_FEDERATED_TOKEN_FILE": "/run/token"},
            "WorkloadIdentityCredential",
        ),
        ("managed-identity", {}, "ManagedIdentityCredential"),
        ("managed-identity", {"AZURE_CLIENT_ID": "mine"}, "ManagedIdentityCredential"),
    ],
)
def test_each_kind_is_azure_identitys_own_class(
    kind: str, values: dict[str, str], made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in MEANINGS:
        monkeypatch.delenv(name, raising=False)
    found = credential(kind, HERE, values=values)
    assert type(found) is getattr(azure.identity, made)
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize("password", ["", "hunter2"])
def test_a_certificate_signs_in_with_and_without_password(tmp_path: Path, password: str) -> None:
    path = certificate(tmp_path, password.encode())
    values = {**APPLICATION, "AZURE_CLIENT_CERTIFICATE_PATH": str(path), "AZURE_CLIENT_CERTIFICATE_PASSWORD": password}
    for kind in ("certificate", "environment"):
        assert type(credential(kind, HERE, values=values)) is azure.identity.CertificateCredential


@pytest.mark.parametrize(
    "content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----"]
)
def test_a_file_that_is_no_certificate_is_named_and_not_quoted(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.pem"
    path.write_bytes(content)
    values = {**APPLICATION, "AZURE_CLIENT_CERTIFICATE_PATH": str(path), "AZURE_CLIENT_CERTIFICATE_PASSWORD": "hunter2"}
    with pytest.raises(CredentialIncomplete, match="AZURE_CLIENT_CERTIFICATE_PATH") as raised:
        credential("certificate", HERE, values=values)
    assert "hunter2" not in str(raised.value) and raised.value.__suppress_context__


def test_a_wrong_password_is_a_sentence_too(tmp_path: Path) -> None:
    path = certificate(tmp_path, b"right")
    values = {**APPLICATION, "AZURE_CLIENT_CERTIFICATE_PATH": str(path), "AZURE_CLIENT_CERTIFICATE_PASSWORD": "wrong"}
    with pytest.raises(CredentialIncomplete, match="AZURE_CLIENT_CERTIFICATE_PASSWORD"):
        credential("certificate", HERE, values=values)


@pytest.mark.parametrize(("kind", "missing"), [(needs.kind, name) for needs in KINDS.values() for name in needs.needed])
def test_what_is_missing_is_named(kind: Kind, missing: str) -> None:
    values = dict.fromkeys(KINDS[kind].names, "x") | {missing: ""}
    with pytest.raises(CredentialIncomplete, match=f"{missing} is not set, and TRACKER_AZURE_CREDENTIAL={kind}"):
        credential(kind, HERE, values=values)


def test_one_of_secret_and_certificate_is_needed() -> None:
    with pytest.raises(CredentialIncomplete, match="Neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH"):
        credential("environment", HERE, values=APPLICATION)


@pytest.mark.parametrize("cloud", clouds.CLOUDS.values(), ids=lambda cloud: cloud.name)
def test_each_cloud_agrees_with_the_sdks_own_tables(cloud: clouds.Cloud) -> None:
    theirs, authority = {
        "public": (AzureClouds.AZURE_PUBLIC_CLOUD, azure.identity.AzureAuthorityHosts.AZURE_PUBLIC_CLOUD),
        "us-government": (AzureClouds.AZURE_US_GOVERNMENT, azure.identity.AzureAuthorityHosts.AZURE_GOVERNMENT),
        "china": (AzureClouds.AZURE_CHINA_CLOUD, azure.identity.AzureAuthorityHosts.AZURE_CHINA),
    }[cloud.name]
    known = get_arm_endpoints(theirs)
    assert f"{cloud.resource_manager}/" == known["resource_manager"]
    assert [cloud.resource_manager_audience] == known["credential_scopes"]
    assert cloud.authority == authority
    assert scope_of(Endpoint.of(cloud.resource_manager)) == cloud.resource_manager_audience
    assert scope_of(Endpoint.of(cloud.service_management)) == cloud.service_management_audience


def test_a_host_nobody_knows_is_its_own_audience() -> None:
    assert scope_of(Endpoint.of("https://azure.example.org")) == "https://azure.example.org/.default"
    assert scope_of(Endpoint.of("https://management.azure.com.evil.example")).startswith(
        "https://management.azure.com.e"
    )


@pytest.mark.parametrize("cloud", clouds.CLOUDS.values(), ids=lambda cloud: cloud.name)
def test_the_issuer_of_tokens_is_that_of_the_cloud(cloud: clouds.Cloud) -> None:
    values = {**APPLICATION, "AZURE_CLIENT_SECRET": "hunter2"}
    found: Any = credential("environment", cloud.resource_manager, values=values)
    assert found._authority == f"https://{cloud.authority}"
    found = credential("environment", "https://arm.example.org", values=values, authority=cloud.authority)
    assert found._authority == f"https://{cloud.authority}"


def test_a_token_file_that_is_gone_is_a_refusal_and_nothing_is_sent(stub: Any, tmp_path: Path) -> None:
    values = {**APPLICATION, "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "gone")}
    found = credential("workload-identity", stub.url, values=values)
    with ArmGateway(stub.url, found) as gateway, pytest.raises(CredentialRefused, match="No token") as raised:
        gateway.subscriptions()
    assert raised.value.applied is Applied.NO and stub.requests == []


class Counting(StaticToken):
    """A credential that says how often and how it was asked."""

    def __init__(self) -> None:
        super().__init__("")
        self.asked: list[dict[str, Any]] = []

    def get_token(self, *scopes: str, **options: Any) -> Any:
        self.asked.append(options)
        self._token = f"token-{len(self.asked)}"
        return super().get_token(*scopes)


LIST = "/subscriptions"
CLAIMS = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ"  # {"access_token":{"nbf":{"essential":true}}}


def test_a_challenge_is_answered_once_with_a_fresh_token(stub: Any) -> None:
    stub.on(
        "GET", LIST, 401, WWW_Authenticate='Bearer authorization_uri="https://evil.example/t", error="invalid_token"'
    )
    stub.on("GET", LIST, 200, {"value": []})
    counting = Counting()
    with ArmGateway(stub.url, counting) as gateway:
        assert gateway.subscriptions() == []
    assert [seen.headers["authorization"] for seen in stub.requests] == ["Bearer token-1", "Bearer token-2"]
    assert counting.asked == [{}, {}]


def test_the_claims_of_a_challenge_reach_the_credential(stub: Any) -> None:
    stub.on("GET", LIST, 401, WWW_Authenticate=f'Bearer realm="", error="insufficient_claims", claims="{CLAIMS}"')
    stub.on("GET", LIST, 200, {"value": []})
    counting = Counting()
    with ArmGateway(stub.url, counting) as gateway:
        gateway.subscriptions()
        gateway.subscriptions()
    assert counting.asked == [{}, {"claims": '{"access_token":{"nbf":{"essential":true}}}', "enable_cae": True}]


@pytest.mark.parametrize("claims", ["%%%", "bm90IGpzb24", "WzFd", "A" * 5000])
def test_claims_that_cannot_be_read_are_not_passed_on(stub: Any, claims: str) -> None:
    stub.on("GET", LIST, 401, WWW_Authenticate=f'Bearer claims="{claims}"')
    counting = Counting()
    with ArmGateway(stub.url, counting) as gateway, pytest.raises(CredentialRefused):
        gateway.subscriptions()
    assert counting.asked == [{}, {}] and len(stub.requests) == 2


def test_a_challenge_that_stays_is_a_refusal_after_two_attempts(stub: Any) -> None:
    path = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ClassicNetwork/virtualNetworks/v/prepareMigration"
    stub.on("POST", path, 401, WWW_Authenticate="Bearer")
    with ArmGateway(stub.url, Counting()) as gateway, pytest.raises(CredentialRefused) as raised:
        gateway.submit(Verb.PREPARE, path.rpartition("/")[0], client_request_id="one")
    assert raised.value.applied is Applied.NO and raised.value.exchange.attempts == 2
    assert [seen.headers["x-ms-client-request-id"] for seen in stub.asked("POST", path)] == ["one", "one"]


def test_a_verb_that_was_stopped_at_the_door_is_sent_once_more_and_both_are_counted(stub: Any) -> None:
    network = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ClassicNetwork/virtualNetworks/v"
    path = f"{network}/prepareMigration"
    stub.on("POST", path, 401, WWW_Authenticate='Bearer error="invalid_token"')
    stub.on("POST", path, 202, Location=f"{stub.url}{network}/operationStatuses/1")
    with ArmGateway(stub.url, Counting()) as gateway:
        taken = gateway.submit(Verb.PREPARE, network, client_request_id="one")
    sent = stub.asked("POST", path)
    assert taken.status_url and taken.exchange.attempts == len(sent) == 2
    assert {seen.headers["x-ms-client-request-id"] for seen in sent} == {"one"}
    assert len({seen.headers["authorization"] for seen in sent}) == 2


def test_a_verb_refused_without_a_challenge_is_not_sent_again(stub: Any) -> None:
    network = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ClassicNetwork/virtualNetworks/v"
    stub.on("POST", f"{network}/prepareMigration", 401)
    with ArmGateway(stub.url, Counting()) as gateway, pytest.raises(CredentialRefused) as raised:
        gateway.submit(Verb.PREPARE, network, client_request_id="one")
    assert raised.value.exchange.attempts == 1 == len(stub.asked("POST", f"{network}/prepareMigration"))


def test_a_credential_that_fails_says_so_without_its_secrets(stub: Any) -> None:
    class Failing(StaticToken):
        def get_token(self, *scopes: str, **options: Any) -> Any:
            raise ClientAuthenticationError("AADSTS7000215: client_secret=hunter2hunter2 is invalid")

    with ArmGateway(stub.url, Failing("")) as gateway, pytest.raises(CredentialRefused) as raised:
        gateway.subscriptions()
    assert "hunter2" not in str(raised.value) and "AADSTS7000215" in str(raised.value) and stub.requests == []
