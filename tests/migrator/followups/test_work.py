"""The work only people can do: owed where a fact asks for it, each piece with rule, source and day."""

from dataclasses import replace
from datetime import date

import pytest

from migrator.followups import Kind, Removed, due, left_to_people, rebuilt
from migrator.followups.work import EXTENDED_SUPPORT_ENDS, WORK
from migrator.readiness import CATALOGUE
from migrator.resources import (
    UNKNOWN,
    Certificate,
    CloudService,
    Deployment,
    Extension,
    Resource,
    Role,
    Slot,
    SlotType,
    StorageAccount,
    VirtualMachine,
)

COMMITTED = date(2026, 11, 23)
GROUP = "/subscriptions/1/resourceGroups/shop/providers"
NET = f"{GROUP}/Microsoft.ClassicNetwork/virtualNetworks/shop-net"


def service(name: str, certificates: object = ()) -> CloudService:
    identity = f"{GROUP}/Microsoft.ClassicCompute/domainNames/{name}"
    return CloudService(id=identity, name=name, type="Microsoft.ClassicCompute/domainNames", certificates=certificates)


def slot(name: str, kind: SlotType = SlotType.ROLE) -> Deployment:
    above = f"{GROUP}/Microsoft.ClassicCompute/domainNames/{name}"
    return Deployment(
        id=f"{above}/slots/Production", name="Production", type="Microsoft.ClassicCompute/domainNames/slots",
        cloud_service_id=above, slot=Slot.PRODUCTION, slot_type=kind,
    )  # fmt: skip


def with_plugins(name: str, plugins: object) -> Deployment:
    above = slot(name)
    role = Role(id=f"{above.id}/roles/Web", name="Web", type="t", deployment_id=above.id, plugins=plugins)
    return replace(above, roles=(role,))


def machine(name: str, **facts: object) -> VirtualMachine:
    identity = f"{GROUP}/Microsoft.ClassicCompute/virtualMachines/{name}"
    return VirtualMachine(id=identity, name=name, type="Microsoft.ClassicCompute/virtualMachines", **facts)


def codes(*before: Resource, unit: str = NET) -> list[str]:
    return [each.basis["work"] for each in left_to_people(unit, before)]


CERT = (Certificate(thumbprint="AB"),)
ROLES = ["tooling", "repackage", "publish", "exit"]
CASES = [
    ("a service with roles", [service("shop"), slot("shop")], ROLES),
    ("with certificates", [service("shop", CERT), slot("shop")], [*ROLES[:3], "certificates", "exit"]),
    ("with certificates nobody could read", [service("shop", UNKNOWN), slot("shop")],
     [*ROLES[:3], "certificates", "exit"]),
    ("two of them", [service("a"), slot("a"), service("b"), slot("b")],
     ["tooling", "repackage", "repackage", "publish", "publish", "exit", "exit"]),
    ("machines", [service("host"), slot("host", SlotType.VIRTUAL_MACHINE), machine("m1")], ["tooling"]),
    ("machines whose service has certificates",
     [service("host", CERT), slot("host", SlotType.VIRTUAL_MACHINE),
      machine("m1", cloud_service_id=service("host").id)], ["tooling", "certificates-of-machines"]),
    ("a machine that is replicated",
     [machine("m1", extensions=(Extension(name="x", publisher="Microsoft.SiteRecovery"),))], ["tooling", "recovery"]),
    ("remote desktop as a plug-in", [service("shop"), with_plugins("shop", ("RemoteAccess", "Diagnostics"))],
     [*ROLES, "remote-desktop"]),
    ("plug-ins nobody could read", [service("shop"), with_plugins("shop", UNKNOWN)], ROLES),
    ("a licence of one's own", [machine("m1", license_type="Windows_Server")], ["tooling", "licence"]),
    ("a storage account",
     [StorageAccount(id=f"{GROUP}/Microsoft.ClassicStorage/storageAccounts/s", name="s", type="t")],
     ["tooling", "gpv2"]),
    ("nothing else", [], ["tooling"]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_it_is_owed_where_a_fact_asks_for_it(before: list[Resource], expected: list[str]) -> None:
    assert sorted(codes(*before), key=list(WORK).index) == expected == codes(*before)


def test_nothing_is_sent_and_nothing_read_and_it_can_be_built_again() -> None:
    owed = left_to_people(NET, [service("shop", CERT), slot("shop")])
    assert len({each.key for each in owed}) == len(owed)
    for each in owed:
        assert each.kind is Kind.WORK and each.by_hand and each.needs_person
        assert (each.stages, each.questions, each.probe) == ((), (), None)
        assert rebuilt(each.basis, {}) == each
        assert "Done when" in each.notes[-1] and "{" not in each.title + "".join(each.notes)


@pytest.mark.parametrize("code", WORK)
def test_each_piece_names_rules_of_the_catalogue_sources_and_a_day(code: str) -> None:
    work = WORK[code]
    assert set(work.rules) <= {rule.id for rule in CATALOGUE} and work.rules
    assert work.sources and work.do and work.done
    assert bool(work.days) != bool(work.until), "some days after Commit, or a day that Microsoft fixed"
    assert due(code, COMMITTED) > COMMITTED


def test_the_exit_is_due_before_extended_support_ends() -> None:
    assert due("exit", COMMITTED) == EXTENDED_SUPPORT_ENDS == date(2027, 3, 31)
    assert due("recovery", COMMITTED) == date(2026, 11, 26)


def test_what_a_fix_removed_is_owed_again_the_next_day() -> None:
    removed = Removed(
        key="fix:7",
        title="Remove the peering hub",
        rule="VNET-PEERING",
        lines=("Make the peering anew.",),
        kept=("/x",),
    )
    first = left_to_people(NET, [], [removed])[0]
    assert first.title == "Make again what “Remove the peering hub” removed"
    assert (first.reason_rules, first.what_was, first.by_hand) == (("VNET-PEERING",), ("Kept: /x",), True)
    assert rebuilt(first.basis, {}) == first and "Make the peering anew." in first.notes
    assert due(first.basis["work"], COMMITTED) == date(2026, 11, 24)


def test_remote_desktop_that_was_taken_off_by_hand_is_owed_once_for_a_service() -> None:
    at = slot("shop").id
    gone = [f"{at}/roles/{role}/extensionReferences/RDP-{role}-2017" for role in ("Web", "Worker")]
    owed = left_to_people(NET, [service("shop"), slot("shop")], remote_desktop=gone)
    assert [each.basis["work"] for each in owed] == [*ROLES, "remote-desktop"]
    assert owed[-1].title == "Give people remote desktop to the roles of shop again, if they still need it"
    assert (
        len(left_to_people(NET, [service("shop"), with_plugins("shop", ("RemoteAccess",))], remote_desktop=gone)) == 5
    )
