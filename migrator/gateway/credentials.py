"""Which credential a setting names, built with azure-identity. Nothing is asked here: a token is fetched when the
first request needs one. Values are never logged or repeated in a sentence.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from azure.core.credentials import AccessToken, TokenCredential
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from migrator.gateway import clouds
from migrator.gateway.endpoint import Endpoint, EndpointRefused
from migrator.gateway.kinds import KINDS, CredentialIncomplete, Kind

__all__ = ["KINDS", "CredentialIncomplete", "Kind", "StaticToken", "credential"]

LOCAL_TOKEN = "local-simulator"  # noqa: S105 - no secret: says to a reader of a log where it is meant to go


class StaticToken:
    """A fixed token, for an endpoint on loopback."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(self._token, int(time.time()) + 3600)


@dataclass(frozen=True, slots=True)
class _Given:
    """The values a person set, by variable, and the host that issues tokens."""

    values: Mapping[str, str]
    authority: str

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def common(self) -> dict[str, Any]:
        return {"authority": self.authority} if self.authority else {}


def _certificate(given: _Given) -> TokenCredential:
    password = given["AZURE_CLIENT_CERTIFICATE_PASSWORD"]
    try:
        return CertificateCredential(
            given["AZURE_TENANT_ID"],
            given["AZURE_CLIENT_ID"],
            given["AZURE_CLIENT_CERTIFICATE_PATH"],
            **({"password": password} if password else {}),
            **given.common,
        )
    except (ValueError, OSError, TypeError) as error:
        raise CredentialIncomplete(
            "AZURE_CLIENT_CERTIFICATE_PATH does not hold a certificate with its private key that can be read (PEM or "
            f"PKCS12; {type(error).__name__}). Correct the path, the file or AZURE_CLIENT_CERTIFICATE_PASSWORD."
        ) from None  # the cause may quote the file


def _environment(given: _Given) -> TokenCredential:
    if not given["AZURE_CLIENT_SECRET"]:
        return _certificate(given)
    return ClientSecretCredential(
        given["AZURE_TENANT_ID"], given["AZURE_CLIENT_ID"], given["AZURE_CLIENT_SECRET"], **given.common
    )


def _workload(given: _Given) -> TokenCredential:
    return WorkloadIdentityCredential(
        tenant_id=given["AZURE_TENANT_ID"],
        client_id=given["AZURE_CLIENT_ID"],
        token_file_path=given["AZURE_FEDERATED_TOKEN_FILE"],
        **given.common,
    )


def _managed(given: _Given) -> TokenCredential:
    """The machine's own identity, or the user-assigned one that AZURE_CLIENT_ID names; asked without an authority."""
    return ManagedIdentityCredential(**({"client_id": given["AZURE_CLIENT_ID"]} if given["AZURE_CLIENT_ID"] else {}))


def _default(given: _Given) -> TokenCredential:
    return DefaultAzureCredential(**given.common)


_BUILDERS: Mapping[Kind, Callable[[_Given], TokenCredential]] = MappingProxyType(
    {
        Kind.DEFAULT: _default,
        Kind.ENVIRONMENT: _environment,
        Kind.WORKLOAD_IDENTITY: _workload,
        Kind.MANAGED_IDENTITY: _managed,
        Kind.CERTIFICATE: _certificate,
    }
)


def credential(
    kind: str, endpoint: str, token: str = "", *, values: Mapping[str, str] | None = None, authority: str = ""
) -> TokenCredential:
    """The credential a setting names. `values`: what the kind needs, by variable (`kinds.KINDS`); `authority`: the host
    that issues tokens, else that of the endpoint's cloud.

    Raises EndpointRefused when `static` is asked for an endpoint which is not loopback, CredentialIncomplete (one
    sentence that names the variable) when something is missing, ValueError for another kind.
    """
    place = Endpoint.of(endpoint)
    try:
        wanted = Kind(kind)
    except ValueError as error:
        raise ValueError(f"The credential {kind!r} is not known. Use one of: {', '.join(Kind)}.") from error
    if wanted is Kind.STATIC:
        if not place.loopback:
            raise EndpointRefused(
                f"The credential `static` is for loopback only, and {place.url} is not. Use `default`."
            )
        return StaticToken(token or LOCAL_TOKEN)
    KINDS[wanted].check(values or {})
    cloud = clouds.of_host(place.host)
    return _BUILDERS[wanted](_Given(values or {}, authority or (cloud.authority if cloud else "")))
