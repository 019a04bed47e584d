"""Doubt stays doubt, and what does not concern a unit does not touch it."""

import copy
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from migrator import units
from migrator.readiness import CATALOGUE, Context, Effect, Evaluation, evaluate
from tests.migrator.readiness.cases import CASES, LONE, MIXED, NOW, PASSED, SPREAD, STORE, TWO_GATEWAYS, VMS, WEB, Case
from tests.migrator.readiness.documents import (
    Document,
    account,
    alert,
    assignment,
    autoscale,
    dependent,
    disk,
    estate,
    gateway,
    group,
    image,
    jit,
    lock,
    machine_id,
    network_id,
    peering,
    reserved,
    role_id,
    service_id,
    slot_id,
    table,
)
from tests.migrator.readiness.test_rules import evaluations, strongest

BLOCKING = {rule.id for rule in CATALOGUE if rule.effect is Effect.BLOCKS}
SAID_BY_THE_INVENTORY = [
    case
    for case in CASES
    if case.outcome == "yes" and case.rule in BLOCKING and not {"validation", "attestations"} & set(case.context)
]
# By agreement with the wire reader the absence of these keys does say something: a machine whose network profile names
# no virtual network is in none; and a Resource Manager resource which does not name a network does not use it.
MEANS_ABSENCE = ("networkProfile.virtualNetwork",)


def paths(value: Any, so_far: str = "") -> Iterator[str]:
    """Every key below `properties`, as dotted paths; items of lists by number, and only keys inside them."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        path = f"{so_far}.{key}" if so_far else str(key)
        if isinstance(value, dict):
            yield path
        yield from paths(inner, path)


def droppable(case: Case) -> Iterator[tuple[int, str]]:
    for index, one in enumerate(case.documents):
        if "/providers/Microsoft.Classic" in one["id"] or "Microsoft.Authorization" in one["id"]:
            yield index, "properties"
            for path in paths(one["properties"]):
                if path not in MEANS_ABSENCE:
                    yield index, f"properties.{path}"
            for collection in one.get("read", []):
                yield index, f"read.{collection}"


def without(documents: list[Document], index: int, path: str) -> list[Document]:
    changed = copy.deepcopy(documents)
    holder: Any = changed[index]
    *steps, last = path.split(".")
    if steps == ["read"]:
        holder["read"].remove(last)
        return changed
    for step in steps:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]
    del holder[last]
    return changed


DROPS = [(case, index, path) for case in SAID_BY_THE_INVENTORY for index, path in droppable(case)]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(DROPS))
def test_a_field_which_is_missing_never_turns_a_blocker_into_a_silent_no(drop: tuple[Case, int, str]) -> None:
    case, index, path = drop
    found = evaluations(Case(case.rule, case.outcome, without(case.documents, index, path), case.context))
    assert strongest(case.rule, found) in ("yes", "unknown"), (case.rule, case.documents[index]["id"], path)
    assert [error for evaluation in found for error in evaluation.errors] == []


RELATED = [WEB, VMS, LONE, MIXED, SPREAD, TWO_GATEWAYS, STORE, [*WEB, peering()]]


NAMES = re.compile(
    r"((?:domainNames|virtualNetworks|virtualMachines|storageAccounts|networkSecurityGroups|reservedIps|routeTables"
    r"|autoscaleSettings|alertRules)/)([^/]+)"
)


def renamed(documents: list[Document]) -> list[Document]:
    """The same things under other names in another resource group: nothing of them concerns the originals."""

    def away(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: away(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [away(inner) for inner in value]
        if not isinstance(value, str):
            return value
        return NAMES.sub(r"\1x-\2", value.replace("shop-rg", "other-rg").replace("vmdisks", "xvmdisks"))

    moved = away(copy.deepcopy(documents))
    return [{**one, "name": one["id"].rsplit("/", 1)[-1]} for one in moved]


EXTRAS = st.lists(
    st.sampled_from(
        [
            WEB,
            VMS,
            MIXED,
            [account(), disk(), image()],
            [reserved()],
            [group(), table()],
            [*WEB, autoscale(role_id("shop")), alert(role_id("shop")), assignment(service_id("shop"))],
            [*VMS, alert(machine_id())],
            [*WEB, gateway(), peering(), lock(network_id()), jit(slot_id("shop"))],
            [*WEB, dependent("Microsoft.Web/hostingEnvironments"), dependent("Microsoft.HDInsight/clusters")],
            [*WEB, dependent("Microsoft.ApiManagement/service"), dependent("Microsoft.AAD/domainServices")],
        ]
    ),
    max_size=2,
)


def by_key(documents: list[Document]) -> dict[str, Evaluation]:
    known = estate(documents)
    context = Context(estate=known, now=NOW, validation=PASSED, shortfalls=())
    return {unit.key: evaluate(unit, context) for unit in units.resolve(known.resources)}


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*RELATED, *(case.documents for case in CASES)]), EXTRAS, st.booleans())
def test_an_unrelated_resource_never_changes_what_is_found(
    documents: list[Document], extras: list[list[Document]], before: bool
) -> None:
    more = [one for extra in extras for one in renamed(extra)]
    alone, together = by_key(documents), by_key([*more, *documents] if before else [*documents, *more])
    assert {key: together[key] for key in alone} == alone


def test_the_renamed_documents_are_a_different_estate() -> None:
    assert not set(by_key(WEB)) & set(by_key(renamed(WEB)))
    assert len(by_key(renamed(WEB))) == 1


def test_no_case_depends_on_what_was_read_first() -> None:
    turned = [Case(case.rule, case.outcome, case.documents[::-1], case.context) for case in CASES]
    moved = [f"{a.rule} {a.outcome}" for a, b in zip(CASES, turned, strict=True) if evaluations(a) != evaluations(b)]
    assert not moved


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(CASES), st.randoms(use_true_random=False))
def test_the_order_of_the_documents_does_not_matter(case: Case, random: Any) -> None:
    shuffled = list(case.documents)
    random.shuffle(shuffled)
    one = evaluations(case)
    two = evaluations(Case(case.rule, case.outcome, shuffled, case.context))
    assert one == two
