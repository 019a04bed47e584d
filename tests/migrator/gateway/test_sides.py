import pytest

from migrator.gateway.protocol import ArmSide, ClassicSide
from migrator.gateway.wire import sides

BASE = "/subscriptions/s/resourceGroups/RG/providers"
NETWORK = f"{BASE}/Microsoft.ClassicNetwork/virtualNetworks/vnet1"
SLOT = f"{BASE}/Microsoft.ClassicCompute/domainNames/cs1/slots/Production"
ACCOUNT = f"{BASE}/Microsoft.ClassicStorage/storageAccounts/acc"


@pytest.mark.parametrize(
    ("properties", "side"),
    [
        ({}, ClassicSide.PRESENT),
        ({"migrationState": None}, ClassicSide.PRESENT),
        ({"migrationState": "Prepared"}, ClassicSide.PREPARED),
        ({"migrationState": "PREPARING"}, ClassicSide.PREPARING),
        ({"migrationState": "Aborting"}, ClassicSide.ABORTING),
        ({"migrationState": "Committing"}, ClassicSide.COMMITTING),
        ({"migrationState": "Aborted"}, ClassicSide.PRESENT),
        ({"migrationState": "Sleeping"}, ClassicSide.PRESENT),
        (None, ClassicSide.PRESENT),
    ],
)
def test_the_classic_side_is_what_the_document_says(properties: object, side: ClassicSide) -> None:
    assert sides.classic_side([{"id": NETWORK, "properties": properties}]) is side
    assert sides.classic_side([]) is ClassicSide.ABSENT


@pytest.mark.parametrize(
    ("unit", "kind", "side"),
    [
        (NETWORK, "Microsoft.Network/virtualNetworks", ArmSide.PRESENT),
        (NETWORK, "microsoft.network/virtualnetworks", ArmSide.PRESENT),
        (NETWORK, "Microsoft.Network/publicIPAddresses", ArmSide.ABSENT),
        (SLOT, "Microsoft.Compute/cloudServices", ArmSide.PRESENT),
        (SLOT, "Microsoft.Compute/virtualMachines", ArmSide.PRESENT),
        (SLOT, "Microsoft.KeyVault/vaults", ArmSide.ABSENT),
        (ACCOUNT, "Microsoft.Storage/storageAccounts", ArmSide.PRESENT),
    ],
)
def test_only_a_counterpart_counts(unit: str, kind: str, side: ArmSide) -> None:
    assert sides.arm_side(unit, [{"id": "/x", "type": kind}]) is side
    assert sides.arm_side(unit, []) is ArmSide.ABSENT


def test_the_groups_follow_the_names_of_what_moves() -> None:
    members = (
        f"{BASE}/Microsoft.ClassicCompute/domainNames/CS1",
        ACCOUNT,
        f"{BASE}/Microsoft.ClassicCompute/virtualMachines/vm1",
    )
    assert sides.migrated_groups(NETWORK, members) == {
        "vnet1-migrated",
        "group-rg-vnet1-migrated",
        "cs1-migrated",
        "acc-migrated",
    }
    assert sides.migrated_groups(SLOT, ()) == {"cs1-migrated"}
    assert sides.migrated_groups(NETWORK, (), {NETWORK.lower(): "Group Old vnet1"}) >= {"group-old-vnet1-migrated"}
