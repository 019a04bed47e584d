"""A case: a rule, an outcome, an estate. And the estates most cases are made of."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from migrator.readiness import Attestation, ValidationAnswer
from migrator.readiness.files import FileRole, GivenFile
from migrator.resources import Category, PlatformMessage
from tests.migrator.readiness.documents import (
    Document,
    S,
    account,
    lone_service,
    machine,
    machine_network,
    machine_slot,
    network,
    role,
    service,
    slot,
    slot_id,
    web_network,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EARLY = datetime(2020, 1, 1, tzinfo=UTC)
PASSED = ValidationAnswer(NOW - timedelta(hours=1), True)
VALIDATED: dict[str, Any] = {"validation": PASSED}
PREPARED: dict[str, Any] = {"preparation": PASSED}
QUOTA: dict[str, Any] = {"shortfalls": ()}


def refused(text: str, *, category: Category = Category.ERROR, code: str = "", vm: str = "") -> dict[str, Any]:
    said = PlatformMessage(category=category, message=text, code=code, virtual_machine=vm)
    return {"validation": ValidationAnswer(NOW - timedelta(hours=1), False, (said,))}


def unlisted(*kinds: str) -> dict[str, Any]:
    return {"unread": frozenset((S, kind) for kind in kinds)}


def attested(rule: str, key: str, applies: bool) -> dict[str, Any]:
    return {"attestations": {(rule, key): Attestation(applies, "ann", NOW - timedelta(days=1), "looked")}}


def cscfg(*roles: FileRole, **told: Any) -> GivenFile:
    """A configuration of the slot of `web_network`, given yesterday."""
    listed = roles or (FileRole(name="web", instance_count=2, subnets=("front",), plugins=()),)
    return _given("cscfg", "shop.cscfg", listed, told)


def csdef(*roles: FileRole, **told: Any) -> GivenFile:
    return _given("csdef", "shop.csdef", roles or (FileRole(name="web", size="Standard_D2", plugins=()),), told)


def _given(kind: str, name: str, roles: tuple[FileRole, ...], told: dict[str, Any]) -> GivenFile:
    made = {"seen": {}, "digest": "d" * 64, "by": "Ann", "at": NOW - timedelta(days=1)} | told
    return GivenFile(kind=kind, name=name, roles=roles, **made)


def given(*files: GivenFile, key: str = "") -> dict[str, Any]:
    return {"files": {key or slot_id("shop").lower(): files}}


@dataclass(frozen=True)
class Case:
    rule: str
    outcome: str  # yes, no, unknown; silent: the rule does not speak of such a unit
    documents: list[Document] = field(repr=False)
    context: dict[str, Any] = field(default_factory=dict, repr=False)


CASES: list[Case] = []


def of(rule: str, **outcomes: Any) -> None:
    """`of("X", yes=documents, no=(documents, context), unknown=…)`; a list of such for several estates."""
    for outcome, given in outcomes.items():
        several = given if isinstance(given, list) and given and isinstance(given[0], list | tuple) else [given]
        for one in several:
            documents, context = one if isinstance(one, tuple) else (one, {})
            CASES.append(Case(rule, outcome, documents, context))


WEB, VMS, LONE = web_network(), machine_network(), lone_service()
EMPTY = [service()]
STORE = [account()]


def two_slots(production: dict[str, Any], staging: dict[str, Any]) -> list[Document]:
    return [network(), service(), slot(**production), slot(slot="Staging", **staging), role(), role(slot="Staging")]


def with_machine(**changes: Any) -> list[Document]:
    return [network(), service("iaas"), machine_slot(), machine("vm1", **changes)]


def with_role(**changes: Any) -> list[Document]:
    return [network(), service(), slot(), role(**changes)]
