"""Every resource type of azure.md 1.1 is read, or it says why not."""

import re
from pathlib import Path

import pytest

from migrator.gateway import inventory
from migrator.gateway.types_read import TYPES, How
from migrator.resources import ResourceType

FACTS = Path("/work/shared/domain/azure.md")
MANUAL = Path(__file__).resolve().parents[3] / "templates" / "docs" / "what-is-read.md"
TOP = ("domainNames", "virtualMachines", "virtualNetworks", "storageAccounts")  # what `.../name` begins with


def named_in(cell: str, namespace: str) -> list[str]:
    """The types a cell of the table names: in full, as `.../x` below the provider or beside the first of them, as `/x`
    beside it, in `(+ /x, /y)` and `(actions x, y)` below it."""
    plain, _, rest = cell.partition("(")
    found: list[str] = []
    for text in [part.strip() for part in plain.split(",")] + re.findall(r"\.\.\./[\w/]+", rest):
        if text.startswith("Microsoft."):
            found.append(text)
        elif text.startswith(".../") and text[4:].split("/")[0] in TOP:
            found.append(f"{namespace}/{text[4:]}")
        else:
            found.append(f"{found[0].rpartition('/')[0]}/{text.lstrip('./')}")
    if rest.startswith(("+", "actions")):
        found += [f"{found[0]}/{name}" for name in re.findall(r"\w+", rest) if name != "actions"]
    return found


@pytest.mark.skipif(not FACTS.exists(), reason="the facts are not on this machine")
def test_every_type_of_the_facts_is_read_or_says_why_not() -> None:
    table = FACTS.read_text().partition("### 1.1")[2].partition("\n\n- ")[0]
    cells = re.findall(r"^\| ((?:Microsoft|\.\.\.)[^|]*?) \|", table, re.M)
    assert len(cells) == 24
    named, namespace = set[str](), ""
    for cell in cells:
        namespace = cell.partition("/")[0] if cell.startswith("Microsoft.") else namespace
        named |= set(named_in(cell.replace(" (deprecated)", ""), namespace))
    assert named == set(TYPES)


def test_what_is_read_below_its_parent_is_what_the_walk_asks_for() -> None:
    asked = {f"{kind}/{one}" for kind, collections in inventory.COLLECTIONS.items() for one in collections}
    below = {kind for kind, decision in TYPES.items() if decision.how is How.BELOW}
    assert below == asked | {f"{ResourceType.GATEWAY}/connections"}
    assert {kind for kind, one in TYPES.items() if one.how is How.LISTED} == {ResourceType.CROSS_CONNECTION}
    classic = {kind.value for kind in ResourceType if "Classic" in kind} - {ResourceType.ROUTE_TABLE.value}
    assert classic <= {kind for kind, one in TYPES.items() if one.how in (How.GRAPH, How.BELOW, How.LISTED)}


def test_what_costs_is_said_and_what_is_left_out_has_its_reason() -> None:
    for kind, decision in TYPES.items():
        if decision.how in (How.NOT, How.ELSEWHERE, How.METADATA):
            assert decision.why.endswith("."), kind
        else:
            assert decision.cost, kind


def test_the_manual_has_the_same_table() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]*) \| ([^|]*) \|$", MANUAL.read_text(encoding="utf-8"), re.M)
    told = {kind: (how.strip(), cost.strip(), why.strip()) for kind, how, cost, why in rows}
    assert told == {kind: (one.how.value, one.cost, one.why) for kind, one in TYPES.items()}
