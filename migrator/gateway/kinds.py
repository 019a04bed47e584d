"""The kinds of credential and what each needs, by azure-identity's own variables (azure.md 9.1 [V]). No SDK here: the
Settings page shows the kind without holding a credential.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class CredentialIncomplete(ValueError):
    """Something the credential needs is missing or cannot be used; the text is one sentence that names it."""


class Kind(StrEnum):
    DEFAULT = "default"
    ENVIRONMENT = "environment"
    WORKLOAD_IDENTITY = "workload-identity"
    MANAGED_IDENTITY = "managed-identity"
    CERTIFICATE = "certificate"
    STATIC = "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """`needed` must all be set; of each group in `one_of` at least one; `may` can be. What is in
    `SECRETS` is also read from the file that `<name>_FILE` names, and never shown."""

    kind: Kind
    about: str
    needed: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    may: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.needed, *(name for group in self.one_of for name in group), *self.may)

    def check(self, values: Mapping[str, str]) -> None:
        """Raises CredentialIncomplete with the first thing that is missing."""
        for name in self.needed:
            if not values.get(name):
                raise CredentialIncomplete(
                    f"{name} is not set, and TRACKER_AZURE_CREDENTIAL={self.kind} needs it: {MEANINGS[name]}."
                )
        for group in self.one_of:
            if not any(values.get(name) for name in group):
                raise CredentialIncomplete(
                    f"Neither {' nor '.join(group)} is set, and TRACKER_AZURE_CREDENTIAL={self.kind} needs one of them."
                )


MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "AZURE_TENANT_ID": "the tenant (directory) of the application",
        "AZURE_CLIENT_ID": "the application (client) id",
        "AZURE_CLIENT_SECRET": "the application's secret",
        "AZURE_CLIENT_CERTIFICATE_PATH": "the file with certificate and private key, PEM or PKCS12",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD": "the password of that file",
        "AZURE_FEDERATED_TOKEN_FILE": "the file in which the cluster keeps the workload's own token",
    }
)
SECRETS = frozenset({"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD"})
_APPLICATION = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID")

KINDS: Mapping[Kind, Needs] = MappingProxyType(
    {
        needs.kind: needs
        for needs in (
            Needs(
                kind=Kind.DEFAULT,
                about="azure-identity's chain; set AZURE_TOKEN_CREDENTIALS=prod, so that a developer's login is never "
                "used by accident",
            ),
            Needs(
                kind=Kind.ENVIRONMENT,
                about="an application with a secret or a certificate",
                needed=_APPLICATION,
                one_of=(("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"),),
                may=("AZURE_CLIENT_CERTIFICATE_PASSWORD",),
            ),
            Needs(
                kind=Kind.WORKLOAD_IDENTITY,
                about="the identity a Kubernetes cluster gives the workload",
                needed=(*_APPLICATION, "AZURE_FEDERATED_TOKEN_FILE"),
            ),
            Needs(
                kind=Kind.MANAGED_IDENTITY,
                about="the identity of the machine; AZURE_CLIENT_ID chooses one that is user-assigned",
                may=("AZURE_CLIENT_ID",),
            ),
            Needs(
                kind=Kind.CERTIFICATE,
                about="an application with a certificate",
                needed=(*_APPLICATION, "AZURE_CLIENT_CERTIFICATE_PATH"),
                may=("AZURE_CLIENT_CERTIFICATE_PASSWORD",),
            ),
            Needs(kind=Kind.STATIC, about="a fixed token, for the simulator on loopback only"),
        )
    }
)
