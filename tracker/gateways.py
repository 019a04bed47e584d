"""Builds the gateway for a subscription; the only place that touches credentials. Imported by `tasks` and `management`
alone, and the concrete gateway only inside a function, so that the web process never holds an Azure credential."""

import os
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from migrator.gateway.protocol import AzureGateway
from migrator.lifecycle import LIVE, REHEARSAL, Timings
from migrator.vaults import Reference
from tracker import azure_environment, crash
from tracker.connections.probing import Seen, probe
from tracker.environment import SettingError

if TYPE_CHECKING:
    from migrator.gateway.endpoint import Endpoint
    from migrator.gateway.vaults import KeyVaults


def timings() -> Timings:
    """The engine's waits: the measured ones, or the short ones for a simulator on loopback."""
    return REHEARSAL if settings.ENGINE_TIMINGS == "rehearsal" else LIVE


def gateway_for(subscription_id: str) -> AzureGateway:
    """The gateway that speaks for a subscription: one for each process and thread, because two must not share one.

    Today one credential sees every subscription; the argument is what a credential per tenant will be chosen by.
    """
    who = (os.getpid(), threading.get_ident())
    endpoints = (settings.ARM_ENDPOINT, settings.SERVICE_MANAGEMENT_ENDPOINT)
    return _gateway(endpoints, settings.AZURE_CREDENTIAL, float(timings().http_deadline), who)


def read_secret(reference: Reference) -> str:
    """A secret of a Key Vault, read now. Raises GatewayError."""
    who = (os.getpid(), threading.get_ident())
    found = _key_vaults(settings.KEY_VAULTS, settings.AZURE_CREDENTIAL, float(timings().http_deadline), who)
    return found.secret(reference)


@lru_cache(maxsize=16)
def _key_vaults(allowed: tuple[str, ...], kind: str, deadline: float, who: tuple[int, int]) -> "KeyVaults":
    from migrator.gateway.arm import CONNECT_TIMEOUT, AzureWire
    from migrator.gateway.vaults import KeyVaults

    identity = _credential(kind, settings.ARM_ENDPOINT)

    def wire(endpoint: "Endpoint", audience: str) -> AzureWire:
        return AzureWire(endpoint, identity, CONNECT_TIMEOUT, audience)

    return KeyVaults(allowed, wire, deadline=deadline)


def any_gateway() -> AzureGateway:
    """A gateway before any subscription is known: to discover them."""
    return gateway_for("")


@lru_cache(maxsize=16)
def _gateway(endpoints: tuple[str, str], kind: str, deadline: float, who: tuple[int, int]) -> AzureGateway:
    """Over both APIs, or over Resource Manager alone where service management is switched off."""
    from migrator.gateway.arm import ArmGateway
    from migrator.gateway.azure import Azure

    crash.watch_the_wire()
    arm, service_management = endpoints
    identity = _credential(kind, arm)
    given: dict[str, Any] = {
        "deadline": deadline,
        "api_versions": settings.API_VERSIONS,
        "shapes": settings.AZURE_SHAPES,
    }
    if not service_management:
        return ArmGateway(arm, identity, **given)
    return Azure(arm, service_management, identity, versions=settings.SERVICE_MANAGEMENT_VERSIONS, **given)


def _credential(kind: str, endpoint: str) -> Any:
    """Raises SettingError with one sentence that names what is missing."""
    from migrator.gateway.credentials import CredentialIncomplete, credential

    values = azure_environment.credential_values(kind)
    try:
        return credential(kind, endpoint, values=values, authority=settings.AZURE_CLOUD.authority)
    except CredentialIncomplete as error:
        raise SettingError(str(error)) from None


def look() -> list[Seen]:
    """A look at every door of Azure, as the settings have them; for `doctor`, and for the worker to store."""
    return probe(
        any_gateway,
        cloud=settings.AZURE_CLOUD,
        resource_manager=settings.ARM_ENDPOINT,
        service_management=settings.SERVICE_MANAGEMENT_ENDPOINT,
        simulator=settings.ENDPOINT_IS_SIMULATOR,
    )


def check_credential() -> None:
    """Raises SettingError when what the credential needs is missing. Asks nobody: a worker calls it as it starts."""
    _credential(settings.AZURE_CREDENTIAL, settings.ARM_ENDPOINT)
