"""The commands people know for what the product does to a unit: PowerShell (service management) and classic CLI.

To be read and compared, never run by the product. Source: azure.md 2.6 [S] ps-move MoveAzureService.cs, [D] cs-ps; the
classic CLI knows deployments, networks and storage accounts only.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from migrator.destination import Destination
from migrator.resources import UNKNOWN, Deployment, Network, Resource, Verb
from migrator.units import UnitKind


@dataclass(frozen=True, slots=True)
class Command:
    """`cli`: empty where the classic CLI has none."""

    verb: Verb
    powershell: str
    cli: str


UNREAD: Final = "<deployment name>"  # Azure did not say it; the command needs it

_POWERSHELL: Final[Mapping[UnitKind, tuple[str, str]]] = {
    UnitKind.NETWORK: ("Move-AzureVirtualNetwork", "-VirtualNetworkName"),
    UnitKind.STORAGE_ACCOUNT: ("Move-AzureStorageAccount", "-StorageAccountName"),
    UnitKind.RESERVED_ADDRESS: ("Move-AzureReservedIP", "-ReservedIPName"),
    UnitKind.NETWORK_SECURITY_GROUP: ("Move-AzureNetworkSecurityGroup", "-NetworkSecurityGroupName"),
    UnitKind.ROUTE_TABLE: ("Move-AzureRouteTable", "-RouteTableName"),
}
_CLI: Final[Mapping[UnitKind, str]] = {UnitKind.NETWORK: "network vnet", UnitKind.STORAGE_ACCOUNT: "storage account"}
VERBS: Final = (Verb.VALIDATE, Verb.PREPARE, Verb.COMMIT, Verb.ABORT)


def commands(
    kind: str, unit_id: str, members: Iterable[Resource], destination: Destination | None = None
) -> list[Command]:
    """The four commands of a unit, in the order of the verbs. `destination`: the existing network that was chosen."""
    if kind == UnitKind.DEPLOYMENT:
        service, deployment = _deployment(unit_id, members)
        return [_of_deployment(verb, service, deployment, destination) for verb in VERBS]
    name = _name(unit_id, members)
    command, argument = _POWERSHELL[UnitKind(kind)]
    words = _CLI.get(UnitKind(kind), "")
    return [
        Command(
            verb,
            f"{command} -{verb.value.capitalize()} {argument} {_powershell(name)}",
            f"azure {words} {verb.value}-migration {_shell(name)}" if words else "",
        )
        for verb in VERBS
    ]


def _name(unit_id: str, members: Iterable[Resource]) -> str:
    """The name service management knows: that of a portal-made network is `Group {rg} {vnet}` [D] cs-ps."""
    for member in members:
        if isinstance(member, Network) and member.key == unit_id.lower() and isinstance(member.site_name, str):
            return member.site_name
    return unit_id.rstrip("/").rsplit("/", 1)[-1]


def _deployment(unit_id: str, members: Iterable[Resource]) -> tuple[str, str]:
    parts = unit_id.strip("/").split("/")
    lower = [part.lower() for part in parts]
    service = parts[lower.index("domainnames") + 1] if "domainnames" in lower[:-1] else parts[-1]
    for member in members:
        if isinstance(member, Deployment) and member.key == unit_id.lower():
            told = member.deployment_name
            return service, UNREAD if told is UNKNOWN else str(told)
    return service, UNREAD


def _of_deployment(verb: Verb, service: str, deployment: str, destination: Destination | None) -> Command:
    named = f"-ServiceName {_powershell(service)} -DeploymentName {_powershell(deployment)}"
    powershell = f"Move-AzureService -{verb.value.capitalize()} {named}"
    cli = f"azure service deployment {verb.value}-migration {_shell(service)} {_shell(deployment)}"
    if verb not in (Verb.VALIDATE, Verb.PREPARE):
        return Command(verb, powershell, cli)
    if destination is None:
        return Command(verb, f"{powershell} -CreateNewVirtualNetwork", f'{cli} new "" "" ""')
    group, network, subnet = destination.group, destination.network, destination.subnet
    return Command(
        verb,
        f"{powershell} -UseExistingVirtualNetwork -VirtualNetworkResourceGroupName {_powershell(group)} "
        f"-VirtualNetworkName {_powershell(network)} -SubnetName {_powershell(subnet)}",
        f"{cli} existing {_shell(group)} {_shell(subnet)} {_shell(network)}",  # the CLI takes the subnet first [S]
    )


def _powershell(text: str) -> str:
    return _plain_or(text, lambda: "'" + text.replace("'", "''") + "'")


def _shell(text: str) -> str:
    return _plain_or(text, lambda: "'" + text.replace("'", "'\\''") + "'")


def _plain_or(text: str, quoted: Callable[[], str]) -> str:
    return text if text and all(sign.isalnum() or sign in "-_." for sign in text) else quoted()
