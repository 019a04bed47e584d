"""Findings as rows: the digest is that of the plain dictionaries, and a stored row reads back as it was."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from migrator import readiness, units
from migrator.gateway import wire
from migrator.readiness import Context, Effect, Evidence, Finding, Outcome
from migrator.simulator import scenarios
from migrator.simulator.estates import generated
from tests.tracker.inventory.azure import Azure, Clock
from tracker.inventory import actions as inventory
from tracker.inventory.models import Unit
from tracker.readiness.actions import storing
from tracker.readiness.rows import LONGEST_KEY, LONGEST_NAME, Row, rows_of

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ODD = '"quoted" \\ back\\u0041slash \t\n\r\b\f\x01\x1f\x7f \u2028 Zürich 東京 🙂 </script> %s {} \\N'


def plainly(findings: tuple[Finding, ...]) -> str:
    """The digest as it is promised: sha256 of canonical JSON over the findings by rule and resource."""
    rows: list[dict[str, Any]] = [
        {
            "rule": one.rule_id,
            "resource_key": one.resource_key[:LONGEST_KEY],
            "resource_name": one.resource_name[:LONGEST_NAME],
            "effect": one.effect.value,
            "outcome": one.outcome.value,
            "source": one.source,
            "sentence": one.sentence,
            "evidence": [{"field": seen.field, "value": seen.value} for seen in one.evidence],
            "settles": one.settles,
        }
        | ({"waived": True} if one.waived else {})
        for one in findings
    ]
    return inventory.digest_of(sorted(rows, key=lambda row: (row["rule"], row["resource_key"])))


def odd(number: int) -> Finding:
    dice = random.Random(number)

    def text() -> str:
        return "".join(dice.choices(ODD, k=dice.randrange(60)))

    seen = tuple(Evidence(text(), text()) for _ in range(dice.randrange(3)))
    key = f"/{number}/{text()}" + "k" * dice.choice((0, 0, 700))
    waived = dice.random() < 0.3
    return Finding("R-1", dice.choice(list(Effect)), Outcome.YES, key, text(), seen, text(), text(), "platform", waived)


@pytest.mark.parametrize("estate", ["demo", "generated"])
def test_the_digest_of_every_unit_is_that_of_its_plain_findings(estate: str) -> None:
    made = scenarios.estate("demo") if estate == "demo" else generated.build(7, resources=1_500)
    known = wire.estate(made["resources"])
    context = Context(estate=known, now=NOW)
    drawn = units.resolve(known.resources)
    assert drawn
    for unit in drawn:
        findings = readiness.evaluate(unit, context).findings
        rows, digest = rows_of(findings)
        assert digest == plainly(findings)
        assert len(rows) == len(findings)


def test_the_digest_of_odd_texts_is_that_of_the_plain_findings() -> None:
    findings = tuple(odd(number) for number in range(300))
    assert rows_of(findings)[1] == plainly(findings)


@pytest.mark.django_db
def test_odd_texts_are_stored_as_they_are_and_read_back_equal(azure: Azure, clock: Clock) -> None:
    azure.sync(azure.subscribe(clock), clock)
    unit = Unit.objects.order_by("pk")[0]
    rows, _ = rows_of([odd(number) for number in range(300)])
    with connection.cursor() as cursor:
        storing._copy(cursor, storing._COPY, [(unit.pk, NOW, *row) for row in rows])
        cursor.execute(storing._STORED, [[unit.pk]])
        stored = [Row(*values) for _, _, _, *values in cursor.fetchall()]
    assert sorted(stored) == sorted(rows)


def test_what_does_not_fit_into_memory_comes_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "IN_MEMORY", 5)
    rows, digest = rows_of([odd(number) for number in range(3)])
    judgement = inventory.Judgement(unit_id=1, verdict="ready", score=1, blockers=0, changes=0, unknowns=0)
    batches = [
        [storing.News(number, "k", "n", NOW, judgement, [], [], rows, digest, None, None, None, [])]
        for number in range(6)
    ]
    pile = storing.Pile()
    for batch in batches:
        pile.add(batch)
    assert pile
    assert list(pile.batches()) == batches
