"""Every row of the two source documents is answered by a rule, or says why not; prints the coverage."""

import pytest

from migrator.readiness import CATALOGUE
from migrator.readiness.rows import DOCUMENTED, ROWS, SEED0, SEED1, WRITTEN_LATER


def test_every_rule_a_row_names_is_documented() -> None:
    assert {rule for row in ROWS for rule in row.rules} <= DOCUMENTED


def test_every_row_names_a_rule_or_says_where_it_is_answered() -> None:
    assert [row.id for row in ROWS if not row.rules and not row.note] == []


def test_rows_are_listed_once_and_completely() -> None:
    ids = [row.id for row in ROWS]
    assert len(ids) == len(set(ids))
    wanted = {"A": 23, "B": 7, "C": 14, "D": 10}
    assert {f"S0-{letter}{n}" for letter, last in wanted.items() for n in range(1, last + 1)} <= {r.id for r in SEED0}
    wanted = {"U": 9, "V": 11, "E": 7, "F": 14}
    assert {f"S1-{letter}{n}" for letter, last in wanted.items() for n in range(1, last + 1)} <= {r.id for r in SEED1}


def test_the_catalogue_holds_every_documented_rule_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    written = {rule.id for rule in CATALOGUE}
    missing = DOCUMENTED - written
    answered = [row for row in ROWS if set(row.rules) <= written]
    with capsys.disabled():
        print(f"\nreadiness: {len(written)} of {len(DOCUMENTED)} documented rules; {len(answered)} of {len(ROWS)} rows")
        print(f"readiness: written later: {', '.join(sorted(missing)) or 'none'}")
    assert written <= DOCUMENTED
    assert missing == set(WRITTEN_LATER)


def test_a_row_named_as_a_source_of_a_rule_leads_to_that_rule() -> None:
    rows = {row.id: set(row.rules) for row in ROWS}
    for rule in CATALOGUE:
        for source in rule.sources:
            if rows.get(source.row):
                assert rule.id in rows[source.row], (rule.id, source.row)


def test_a_rule_a_row_leads_to_names_the_row_as_its_source() -> None:
    cited = {rule.id: {source.row for source in rule.sources} for rule in CATALOGUE}
    for row in ROWS:
        if row.rules and not row.note and row.id[3:4].isupper() and row.id[4:5].isdigit():
            assert any(row.id in cited[rule] for rule in row.rules), row.id
