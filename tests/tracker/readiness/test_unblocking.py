"""What would unblock most, over what is stored: each number is what counting the units says."""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from migrator.readiness import PLATFORM
from tests.tracker.inventory.test_lists import fill, wave
from tracker.inventory import queries as inventory
from tracker.inventory.models import Unit
from tracker.inventory.queries import Filters
from tracker.readiness.actions import open_rules
from tracker.readiness.unblocking import Blocker, unblocking

RULES = ("VNET-PEERING", "VNET-CIDR", "CS-BUSY", "SUB-QUOTA-CORES", PLATFORM.id, "GONE-RULE")


def blocked(seed: int, number: int = 60) -> list[Unit]:
    """Units, each blocked by some rules or none; some excluded, some gone, some in a wave."""
    dice = random.Random(seed)
    units = fill(number, seed)
    for unit in units:
        rules = dice.sample(RULES, dice.choice((0, 1, 1, 2, 2, 3)))
        said = open_rules([*((rule, "blocks", "yes") for rule in rules), ("CS-ALERTS", "dropped", "yes")])
        Unit.objects.filter(pk=unit.pk).update(open_rules=list(said))
    free = list(Unit.objects.filter(placement__isnull=True, gone_at__isnull=True)[:9])
    wave(free, "Wave of some")
    return units


def sets(units: Any) -> list[set[str]]:
    said = (words for words in units.values_list("open_rules", flat=True))
    return [{one.removeprefix("blocks ") for one in words if one.startswith("blocks ")} for words in said]


NARROWED: tuple[Mapping[str, tuple[str, ...]], ...] = (
    {},
    {"owner": ("none",)},
    {"kind": ("network",)},
    {"wave": ("none",)},
)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("narrowed", NARROWED)
def test_every_number_is_the_length_of_its_list(seed: int, narrowed: Mapping[str, tuple[str, ...]]) -> None:
    blocked(seed)
    found = unblocking(Filters(**narrowed))
    scope = inventory.selection(Filters(**narrowed)).filter(gone_at__isnull=True).exclude(progress="excluded")
    held = [one for one in sets(scope) if one]
    assert found.blocked == len(held) > 0
    assert {one.rule_id for one in found.blockers} == {rule for one in held for rule in one}
    for one in found.blockers:
        assert one.frees == sum(each == {one.rule_id} for each in held)
        assert one.blocks == sum(one.rule_id in each for each in held)
        rules = (one.rule_id,)
        assert one.frees == inventory.numbers(Filters(**narrowed, frees=rules)).total
        assert one.blocks == inventory.selection(Filters(**narrowed, blocks=rules)).count()
    for step in found.steps:
        lifted = Filters(**narrowed, frees=step.lifted)
        assert step.freed == inventory.numbers(lifted).total == inventory.selection(lifted).count()
        now = Filters(**narrowed, frees=step.lifted, blocks=step.rules)
        assert step.frees == inventory.numbers(now).total == inventory.selection(now).count()
    assert found.left == 0 and found.steps[-1].freed == found.blocked


@pytest.mark.django_db
def test_a_facet_counts_what_the_others_leave() -> None:
    blocked(1)
    everything = unblocking(Filters())
    for name, counted in everything.facets.items():
        for one in counted:
            assert one.count == unblocking(Filters(**{name: (one.value,)})).blocked, (name, one.value)


@pytest.mark.django_db
def test_what_the_steps_leave_is_said() -> None:
    blocked(2)
    found = unblocking(Filters(), steps=1)
    assert len(found.steps) == 1
    assert found.left == found.blocked - found.steps[0].freed > 0


@pytest.mark.django_db
def test_nothing_blocked_is_no_rule_and_no_step() -> None:
    fill(5)
    found = unblocking(Filters())
    assert (found.blocked, found.blockers, found.steps, found.left) == (0, [], [], 0)


@pytest.mark.django_db
def test_it_asks_once_whatever_is_chosen(django_assert_num_queries: Any) -> None:
    blocked(1)
    for filters in (
        Filters(),
        Filters(owner=("none",), kind=("network",), wave=("none", "1"), region=("x",), subscription=("y",)),
    ):
        with django_assert_num_queries(1):
            unblocking(filters)


def test_what_can_be_done_about_a_rule() -> None:
    """A peering can be deleted by a fix and waived; quota neither; what Azure says itself is not waived."""
    from migrator.readiness import rule

    peering, quota, said, gone = (
        Blocker(name, None if name == "GONE-RULE" else rule(name), 1, 1)
        for name in ("VNET-PEERING", "SUB-QUOTA-CORES", PLATFORM.id, "GONE-RULE")
    )
    assert (peering.fixable, peering.waivable) == (True, True)
    assert peering.remedy == "Delete the peering, move the network, make the peering anew."
    assert (quota.fixable, quota.waivable) == (False, False)
    assert not said.waivable
    assert (gone.remedy, gone.fixable, gone.waivable) == ("", False, False)
