"""What each assessment opened and closed: kept with it, bounded, and told beside the one before."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from migrator.resources import Category, PlatformMessage
from tests.tracker.inventory.azure import BY, Azure, Clock
from tests.tracker.readiness.test_assess import enough, read, validated
from tracker.inventory.models import Unit
from tracker.readiness import verdicts
from tracker.readiness.actions import assess, storing
from tracker.readiness.models import Assessment, Finding
from tracker.readiness.rows import Row

pytestmark = pytest.mark.django_db


def open_now(unit: Unit) -> set[tuple[str, str]]:
    asking = Finding.objects.filter(unit=unit, outcome__in=("yes", "unknown"), waived=False).exclude(effect="info")
    return set(asking.values_list("rule", "resource_key"))


def test_the_turns_of_a_unit_add_up_to_what_is_open(azure: Azure, clock: Clock) -> None:
    """First, a Validate that passes, one that refuses, and one that passes again: each says what it moved."""
    read(azure, clock)
    assess(list(Unit.objects.all()), shortfalls=enough(), now=clock(), by=BY)
    unit = Unit.objects.get(name="small-net")
    held = open_now(unit)
    refusal = PlatformMessage(category=Category.ERROR, message="A problem that nobody has seen before.")
    for messages in ((), (refusal,), ()):
        clock.pass_(hours=1)
        validated(unit, clock, *messages)
        turn = verdicts.turns(unit)[0][0]
        assert turn.opened is not None and turn.closed is not None
        assert turn.opened.more == turn.closed.more == 0
        opened, closed = set(turn.opened.listed), set(turn.closed.listed)
        assert opened or closed
        assert not opened & held and closed <= held
        held = held - closed | opened
        assert held == open_now(unit)
    listed, older = verdicts.turns(unit)
    assert older is None
    assert listed[-1].before is None and listed[-1].opened is None, "the first has nothing before it"


def row(rule: str, outcome: str = "yes", effect: str = "blocks", *, waived: bool = False) -> Row:
    return Row(rule, f"/r/{rule}".lower(), rule, effect, outcome, "catalogue", "s", "[]", "", waived)


def test_what_asks_nothing_of_anybody_is_neither_opened_nor_closed() -> None:
    assert storing.asks(row("A")) and storing.asks(row("A", "unknown", "downtime"))
    assert not any(storing.asks(one) for one in (row("A", "no"), row("A", effect="info"), row("A", waived=True)))


def test_many_are_counted_and_only_some_are_listed() -> None:
    many = [row(f"R-{number:03}") for number in range(storing.TURNED + 7)]
    kept = storing.turned(many[::-1], many[:1])
    assert kept["opened"]["count"] == len(many)
    assert [one["rule"] for one in kept["opened"]["listed"]] == [one.rule for one in many[: storing.TURNED]]
    assert kept["closed"] == {"count": 1, "listed": [{"rule": "R-000", "resource": "/r/r-000"}]}
    moved = verdicts.Moved(3, [("A", "/x/one"), ("A", "/x/two")])
    assert (moved.by_rule, moved.more) == ([("A", ["one", "two"])], 1)


def test_assessments_from_before_it_was_recorded_say_nothing(azure: Azure, clock: Clock) -> None:
    read(azure, clock)
    units = list(Unit.objects.all())
    assess(units, shortfalls=enough(), now=clock(), by=BY)
    validated(units[0], clock)
    Assessment.objects.update(turned=None)
    newest = verdicts.turns(units[0])[0][0]
    assert newest.before is not None and newest.opened is None and newest.closed is None


def test_the_line_is_the_newest_ones_in_order_and_says_if_there_are_more(
    monkeypatch, azure: Azure, clock: Clock
) -> None:
    read(azure, clock)
    unit = Unit.objects.first()
    for score in range(6):
        Assessment.objects.create(
            unit=unit, at=clock(), catalogue_version="v", verdict="ready", score=score, deductions=[], digest="0"
        )
    monkeypatch.setattr(verdicts, "DRAWN", 4)
    with CaptureQueriesContext(connection) as asked:
        drawn, older = verdicts.line(unit)
    assert ([one.score for one in drawn], older, len(asked)) == ([2, 3, 4, 5], True, 1)
    monkeypatch.setattr(verdicts, "DRAWN", 6)
    assert not verdicts.line(unit)[1]
