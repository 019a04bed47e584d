"""In which order units go: networks and deployments, then storage accounts, then what nothing uses.

A storage account waits for the machines with disks in it: Azure refuses it before (STG-ORDER [D] vm-ps, vm-faq). That
unattached objects go last is how the documents go about it (vm-ov, vm-ps, stg-mig [D]), not something Azure enforces,
so a person may set it aside. templates/docs/decisions/order-of-units.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from migrator.readiness.facts import account_of
from migrator.resources import VirtualMachine, known
from migrator.units import UnitKind

RANK: Final = {
    UnitKind.NETWORK: 0,
    UnitKind.DEPLOYMENT: 0,
    UnitKind.STORAGE_ACCOUNT: 1,
    UnitKind.RESERVED_ADDRESS: 2,
    UnitKind.NETWORK_SECURITY_GROUP: 2,
    UnitKind.ROUTE_TABLE: 2,
}
FIRST: Final = tuple(kind for kind, rank in RANK.items() if rank == 0)
UNATTACHED: Final = tuple(kind for kind, rank in RANK.items() if rank == 2)
THROUGH: Final = ("committed", "verified", "closed")  # lifecycle.State: the classic side is gone
WORDS: Final = ("networks and deployments", "storage accounts", "what nothing uses")
RULE: Final = "STG-ORDER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A unit that goes before another. `wave`: where it is placed, empty when nowhere."""

    pk: int
    name: str
    progress: str
    wave: str = ""
    wave_pk: int | None = None


def rank(kind: str) -> int:
    return RANK.get(UnitKind(kind), 0)


def users(account: str, machines: Iterable[VirtualMachine]) -> list[VirtualMachine]:
    """Machines with a disk in a storage account of this name, by name."""
    found = [
        machine
        for machine in machines
        if known(machine.disks) and any(account_of(disk) == account.lower() for disk in machine.disks)  # type: ignore[union-attr]
    ]
    return sorted(found, key=lambda machine: machine.name)


def waits(name: str, kind: str, before: Iterable[Before]) -> str:
    """The sentence that says what a unit waits for; empty: its turn has come."""
    left = list(before)
    if not left:
        return ""
    names = ", ".join(f"{each.name} ({_where(each)})" for each in left[:4])
    more = f" and {len(left) - 4} more" if len(left) > 4 else ""
    if kind == UnitKind.STORAGE_ACCOUNT:
        return f"Machines with disks in {name} go first, and are not committed yet: {names}{more}."
    return f"What might still use {name} goes first, and is not committed yet: {names}{more}."


def _where(each: Before) -> str:
    return f"{each.progress}, wave “{each.wave}”" if each.wave else f"{each.progress}, in no wave"
