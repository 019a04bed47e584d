"""The numbers pages show: whatever happens to units and waves, they say what counting would say."""

import random
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction

from tests.live_database import emptied_for_real  # noqa: F401
from tests.tracker.inventory.azure import NOON
from tests.tracker.inventory.test_lists import KINDS, PROGRESS, VERDICTS, fill, wave
from tracker.inventory import actions, queries
from tracker.inventory.models import Resource, Tally, Unit
from tracker.inventory.queries import Filters
from tracker.waves.models import Placement, Wave

RULES = (
    [],
    ["yes A"],
    ["blocks A", "only A", "yes A"],
    ["unknown B", "yes C"],
    ["blocks A", "blocks C", "yes A", "yes C"],
    ["blocks B", "blocks C", "blocks D", "unknown A", "yes B", "yes C", "yes D"],
)
HELD = (("A",), ("B",), ("A", "C"), ("B", "C", "D"), ("X",))


def happenings(dice: random.Random) -> list[Callable[[], object]]:
    """What may happen next, each to units picked by the dice."""

    def some() -> list[int]:
        known = list(Unit.objects.order_by("pk").values_list("pk", flat=True))
        return dice.sample(known, min(len(known), dice.randrange(1, 6)))

    def free() -> list[Unit]:
        return list(Unit.objects.filter(pk__in=some(), placement__isnull=True))

    def update(**columns: object) -> object:
        return Unit.objects.filter(pk__in=some()).update(**columns)

    def upsert() -> object:
        rows = list(Unit.objects.filter(pk__in=some()))
        fresh = [
            Unit(key=f"/new/{dice.random()}", azure_id="n", kind="network", name="new", region="westeurope",
                 subscription_id=rows[0].subscription_id, first_seen_at=NOON, changed_at=NOON)
        ]  # fmt: skip
        for row in rows:
            row.region = dice.choice(("westeurope", "eastus"))
            row.gone_at = None
        return Unit.objects.bulk_create(
            rows + fresh, update_conflicts=True, unique_fields=["key"], update_fields=["region", "gone_at"]
        )

    def move() -> object:
        return Placement.objects.update(wave=dice.choice(list(Wave.objects.all()))) if Wave.objects.exists() else None

    def forget() -> object:
        placed = Placement.objects.order_by("?").values("unit")[:2]
        Placement.objects.filter(unit__in=list(Unit.objects.filter(pk__in=some()))).delete()
        doomed = Unit.objects.filter(pk__in=some(), placement__isnull=True).exclude(pk__in=placed)
        Resource.objects.filter(unit__in=doomed).update(unit=None)
        return doomed.delete()

    return [
        lambda: update(progress=dice.choice(PROGRESS)),
        lambda: update(verdict=dice.choice(VERDICTS), open_rules=dice.choice(RULES)),
        lambda: update(health=dice.choice(("on track", "blocked")), health_reason="because"),
        lambda: update(owner=dice.choice(("", "maya", "noor"))),
        lambda: update(gone_at=dice.choice((None, NOON, NOON + timedelta(hours=3)))),
        lambda: update(kind=dice.choice(KINDS), first_seen_at=NOON + timedelta(minutes=dice.randrange(90))),
        lambda: wave(free(), f"Wave {dice.random()}"),
        lambda: Placement.objects.filter(unit__in=some()).delete(),
        lambda: Wave.objects.filter(pk__in=list(Wave.objects.values_list("pk", flat=True)[:1])).delete(),
        upsert,
        move,
        forget,
        actions.fold_tallies,
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(6))
def test_they_are_what_counting_would_say(seed: int) -> None:
    dice = random.Random(seed)
    fill(20, seed)
    for _ in range(40):
        dice.choice(happenings(dice))()
    assert not actions.recount_tallies(), f"seed {seed}"
    counted = queries.numbers(Filters())
    assert counted.total == queries.selection(Filters()).count()
    assert sum(one.count or 0 for one in counted.facets["wave"]) == counted.total
    for rules in HELD:
        for narrow in ({}, {"owner": ("maya", "none")}, {"kind": KINDS[:1], "gone": queries.Gone.SHOW}):
            for filters in (Filters(blocks=rules, **narrow), Filters(frees=rules, **narrow)):
                assert queries.numbers(filters).total == queries.selection(filters).count(), (seed, filters)
            both = Filters(frees=rules, blocks=rules[:1], **narrow)
            assert queries.numbers(both).total == queries.selection(both).count(), (seed, both)


@pytest.mark.django_db
@pytest.mark.parametrize("rules", HELD)
def test_units_that_rules_block_are_told_from_those_that_they_alone_block(rules: tuple[str, ...]) -> None:
    units = fill(len(RULES))
    for unit, said in zip(units, RULES, strict=True):
        Unit.objects.filter(pk=unit.pk).update(open_rules=said, progress="assessed", gone_at=None)
    held = {
        unit.pk: {said.removeprefix("blocks ") for said in words if said.startswith("blocks ")}
        for unit, words in zip(units, RULES, strict=True)
    }
    by_any = {pk for pk, blocking in held.items() if blocking & set(rules)}
    alone = {pk for pk in by_any if held[pk] <= set(rules)}
    assert set(queries.selection(Filters(blocks=rules)).values_list("pk", flat=True)) == by_any
    assert set(queries.selection(Filters(frees=rules)).values_list("pk", flat=True)) == alone
    assert queries.numbers(Filters(blocks=rules)).total == len(by_any)
    assert queries.numbers(Filters(frees=rules)).total == len(alone)


@pytest.mark.django_db
def test_folding_leaves_every_number_and_one_row_of_each() -> None:
    units = fill(30)
    Unit.objects.filter(pk__in=[unit.pk for unit in units[:9]]).update(owner="noor")
    wave(units[:5])
    before = queries.numbers(Filters())
    assert actions.fold_tallies() > 0
    assert queries.numbers(Filters()) == before
    keys = list(Tally.objects.values_list("name", "key"))
    assert len(keys) == len({(name, *key) for name, key in keys})
    assert not Tally.objects.filter(units=0).exists()
    assert actions.fold_tallies() == 0


@pytest.mark.django_db
def test_what_is_not_counted_by_writes_nothing() -> None:
    fill(10)
    rows = Tally.objects.count()
    Unit.objects.update(health_reason="because", locked_since=NOON, score=7, name="other", member_count=3)
    Unit.objects.filter(owner="maya").update(owner="maya")
    assert Tally.objects.count() == rows


@pytest.mark.django_db
def test_a_wrong_number_is_found_and_put_right() -> None:
    fill(10)
    right = queries.numbers(Filters())
    Tally.objects.create(name="facet", key=["all", ""], units=3)
    assert queries.numbers(Filters()).total == 13
    assert actions.recount_tallies()
    assert queries.numbers(Filters()) == right
    assert not actions.recount_tallies()


@pytest.mark.django_db(transaction=True)
def test_two_who_change_the_same_unit_at_once_leave_right_numbers() -> None:
    """One judges the unit while another puts it into a wave: each counts what the other one left."""
    units = fill(12)
    made = wave([])
    person = made.created_by
    at_once = threading.Barrier(2)

    def judge() -> None:
        for unit in units:
            at_once.wait(20)
            with transaction.atomic():
                Unit.objects.filter(pk=unit.pk).update(verdict="blocked", open_rules=["blocks A", "only A", "yes A"])
        connection.close()

    def place() -> None:
        for unit in units:
            at_once.wait(20)
            with transaction.atomic():
                Placement.objects.create(wave=made, unit=unit, placed_by=person, placed_at=NOON)
        connection.close()

    threads = [threading.Thread(target=judge), threading.Thread(target=place)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not actions.recount_tallies()
    numbers = queries.numbers(Filters(gone=queries.Gone.SHOW))
    assert [(one.label, one.count) for one in numbers.facets["wave"]] == [("Wave 1", 12)]
    assert [(one.value, one.count) for one in numbers.facets["verdict"]] == [("blocked", 12)]
