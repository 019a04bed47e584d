"""Every row of the two source documents is answered by rules or by another part of the product; prints the coverage."""

import re
from collections import defaultdict

import pytest

from migrator.readiness import CATALOGUE
from migrator.readiness.rows import DOCUMENTED, PLACES, ROWS, SEED0, SEED1, coverage

# The last number of each list of the documents, counted in them; and their rows outside any list.
LAST = {
    "S0": {"benefit-": 3, "prerequisite-": 3, "step-": 4, "A": 23, "B": 7, "C": 14, "D": 10},
    "S1": {"P": 2, "U": 9, "V": 11, "E": 7, "flow-": 4, "F": 14},
}
ALONE = {"S0": {"S0-E"}, "S1": {"S1-automation", "S1-P2a", "S1-P2b"}}


@pytest.mark.parametrize(("document", "rows"), [("S0", SEED0), ("S1", SEED1)])
def test_each_list_of_a_document_is_numbered_without_a_gap(document: str, rows: tuple) -> None:
    numbers = defaultdict(list)
    alone = set()
    for row in rows:
        numbered = re.fullmatch(rf"{document}-([A-Z]|[a-z]+-)(\d+)", row.id)
        if numbered:
            numbers[numbered[1]].append(int(numbered[2]))
        else:
            alone.add(row.id)
    assert numbers == {group: list(range(1, last + 1)) for group, last in LAST[document].items()}
    assert alone == ALONE[document]
    assert len({row.id for row in rows}) == len(rows)


def test_every_rule_of_the_table_is_in_the_catalogue() -> None:
    known = {rule.id for rule in CATALOGUE}
    assert {rule for row in ROWS for rule in (*row.rules, *row.also)} - known == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_is_answered_by_exactly_the_rules_that_cite_it(row) -> None:
    cite = {rule.id for rule in CATALOGUE if row.id in {source.row for source in rule.sources}}
    assert set(row.rules) == cite
    assert not cite & set(row.also)
    assert cite or row.place
    assert row.place in ("", *PLACES)
    assert row.text


def test_a_rule_cites_no_row_of_the_two_documents_that_does_not_exist() -> None:
    ids = {"seed0": {row.id for row in SEED0}, "seed1": {row.id for row in SEED1}}
    for rule in CATALOGUE:
        for source in rule.sources:
            assert source.document not in ids or source.row in ids[source.document], (rule.id, source)


def test_every_place_answers_a_row() -> None:
    assert {row.place for row in ROWS if row.place} == set(PLACES)


def test_the_catalogue_holds_every_documented_rule_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    written = {rule.id for rule in CATALOGUE}
    covered = coverage()
    citing = sum(any(source.document in ("seed0", "seed1") for source in rule.sources) for rule in CATALOGUE)
    with capsys.disabled():
        print(f"\nreadiness: {len(written & DOCUMENTED)} of {len(DOCUMENTED)} documented rules")
        print(
            f"readiness: {covered.by_rules + covered.by_place} of {covered.rows} rows of the two documents answered: "
            f"{covered.by_rules} by rules, {covered.by_place} by another part; {citing} rules cite a row"
        )
    assert written == DOCUMENTED
    assert covered == (len(ROWS), len(ROWS) - covered.by_place, sum(not row.rules for row in ROWS))
