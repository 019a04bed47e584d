"""The commands people know for what the product does (azure.md 2.6)."""

from typing import Any

import pytest

from migrator import runbook
from migrator.destination import Destination
from migrator.gateway.wire import resources
from migrator.resources import Verb
from migrator.units import UnitKind

BASE = "/subscriptions/s/resourceGroups/rg/providers"
SLOT = f"{BASE}/Microsoft.ClassicCompute/domainNames/erp/slots/Production"
EXISTING = "-UseExistingVirtualNetwork -VirtualNetworkResourceGroupName hub -VirtualNetworkName hub-net -SubnetName a"


def members(*documents: dict[str, Any]) -> list[Any]:
    return list(resources(documents))


def deployment(name: str = "erp-1") -> list[Any]:
    kind = "Microsoft.ClassicCompute/domainNames/slots"
    facts = {"deploymentName": name}
    return members({"id": SLOT, "name": "Production", "type": kind, "location": "westeurope", "properties": facts})


def of(verb: Verb, found: list[runbook.Command]) -> tuple[str, str]:
    return next((one.powershell, one.cli) for one in found if one.verb is verb)


def test_a_deployment_asks_for_a_new_network() -> None:
    found = runbook.commands(UnitKind.DEPLOYMENT, SLOT, deployment())
    service = "-ServiceName erp -DeploymentName erp-1"
    assert of(Verb.PREPARE, found) == (
        f"Move-AzureService -Prepare {service} -CreateNewVirtualNetwork",
        'azure service deployment prepare-migration erp erp-1 new "" "" ""',
    )
    assert of(Verb.COMMIT, found) == (
        f"Move-AzureService -Commit {service}",
        "azure service deployment commit-migration erp erp-1",
    )


def test_machines_may_ask_for_an_existing_one() -> None:
    found = runbook.commands(UnitKind.DEPLOYMENT, SLOT, deployment(), Destination("hub", "hub-net", "a"))
    powershell, cli = of(Verb.VALIDATE, found)
    assert powershell == f"Move-AzureService -Validate -ServiceName erp -DeploymentName erp-1 {EXISTING}"
    assert cli == "azure service deployment validate-migration erp erp-1 existing hub a hub-net"
    assert "Existing" not in of(Verb.ABORT, found)[0] and "existing" not in of(Verb.ABORT, found)[1]


def test_an_unread_name_is_not_made_up() -> None:
    assert runbook.UNREAD in of(Verb.PREPARE, runbook.commands(UnitKind.DEPLOYMENT, SLOT, []))[0]


@pytest.mark.parametrize(
    ("kind", "tail", "powershell", "cli"),
    [
        (UnitKind.NETWORK, "virtualNetworks/v", "Move-AzureVirtualNetwork -Abort -VirtualNetworkName v", True),
        (UnitKind.STORAGE_ACCOUNT, "storageAccounts/v", "Move-AzureStorageAccount -Abort -StorageAccountName v", True),
        (UnitKind.RESERVED_ADDRESS, "reservedIps/v", "Move-AzureReservedIP -Abort -ReservedIPName v", False),
        (
            UnitKind.NETWORK_SECURITY_GROUP,
            "networkSecurityGroups/v",
            "Move-AzureNetworkSecurityGroup -Abort -NetworkSecurityGroupName v",
            False,
        ),
        (UnitKind.ROUTE_TABLE, "routeTables/v", "Move-AzureRouteTable -Abort -RouteTableName v", False),
    ],
)
def test_every_other_kind(kind: UnitKind, tail: str, powershell: str, cli: bool) -> None:
    found = runbook.commands(kind, f"{BASE}/Microsoft.ClassicNetwork/{tail}", [])
    assert [one.verb for one in found] == list(runbook.VERBS)
    assert of(Verb.ABORT, found)[0] == powershell
    assert all(one.cli.startswith("azure ") and one.cli.endswith(" v") for one in found) is cli


def test_a_network_of_the_portal_is_named_as_service_management_names_it() -> None:
    network = f"{BASE}/Microsoft.ClassicNetwork/virtualNetworks/shop it's"
    kind, facts = "Microsoft.ClassicNetwork/virtualNetworks", {"siteName": "Group rg shop it's"}
    document = {"id": network, "name": "shop it's", "type": kind, "location": "westeurope", "properties": facts}
    powershell, cli = of(Verb.PREPARE, runbook.commands(UnitKind.NETWORK, network, members(document)))
    assert powershell.endswith("-VirtualNetworkName 'Group rg shop it''s'")
    assert cli == "azure network vnet prepare-migration 'Group rg shop it'\\''s'"
