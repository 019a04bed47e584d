"""Looking at the doors of Azure. Asks, writes nothing; `doctor` shows the result, the worker stores it."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from migrator.gateway.clouds import Cloud
from migrator.gateway.endpoint import EndpointRefused
from migrator.gateway.protocol import AzureGateway, GatewayError
from tracker.connections.models import Check
from tracker.environment import SettingError

CONNECT_TIMEOUT = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at one door: whether it is well, and a sentence for a person."""

    door: Check.Door
    good: bool
    sentence: str


def reach(url: str, *, door: Check.Door, what: str, setting: str) -> Seen:
    """Whether something listens at an endpoint."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=CONNECT_TIMEOUT).close()
    except OSError as error:
        return Seen(door, False, f"{url} ({what}) cannot be reached: {error}. Check {setting} and the network.")
    return Seen(door, True, f"{url} ({what}) can be reached.")


def probe(
    gateway: Callable[[], AzureGateway],
    *,
    cloud: Cloud,
    resource_manager: str,
    service_management: str,
    simulator: bool,
) -> list[Seen]:
    """A look at each door. `gateway` builds one: what its credential lacks is a finding too."""
    where = "the simulator" if simulator else cloud.label
    doors = Check.Door
    found = [reach(resource_manager, door=doors.RESOURCE_MANAGER, what=where, setting="TRACKER_ARM_ENDPOINT")]
    if service_management:
        setting = "TRACKER_SERVICE_MANAGEMENT_ENDPOINT"
        seen = reach(service_management, door=doors.SERVICE_MANAGEMENT, what=where, setting=setting)
        after = " Without it, what only it can read stays unknown." if not seen.good else ""
        found.append(Seen(seen.door, seen.good, seen.sentence + after))
    else:
        found.append(Seen(doors.SERVICE_MANAGEMENT, True, "Not used: what only it can read stays unknown."))
    found.append(_credential(gateway))
    return found


def _credential(gateway: Callable[[], AzureGateway]) -> Seen:
    try:
        subscriptions = gateway().subscriptions()
    except (GatewayError, SettingError, EndpointRefused) as error:
        return Seen(Check.Door.CREDENTIAL, False, str(error))
    if not subscriptions:
        sentence = "Accepted, but it sees no subscription; give it the reader role of the README."
        return Seen(Check.Door.CREDENTIAL, False, sentence)
    several = "subscription" if len(subscriptions) == 1 else "subscriptions"
    return Seen(Check.Door.CREDENTIAL, True, f"Accepted; sees {len(subscriptions)} {several}.")
