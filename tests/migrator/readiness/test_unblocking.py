"""The order in which blocking rules are lifted: what each step frees is what counting says."""

import random
from itertools import combinations

import pytest

from migrator.readiness import unblocking
from migrator.readiness.unblocking import Step, greedy


def held(**sets: int) -> dict[frozenset[str], int]:
    """`AB=3`: three units which the rules A and B hold together."""
    return {frozenset(rules): units for rules, units in sets.items()}


def test_nothing_held_has_no_step() -> None:
    assert greedy({}) == []
    assert greedy({frozenset(): 7, frozenset("A"): 0}) == []


def test_the_rule_that_alone_frees_most_comes_first() -> None:
    assert greedy(held(A=2, B=5)) == [Step(("B",), 5, ("B",), 5), Step(("A",), 2, ("A", "B"), 7)]


def test_rules_that_free_only_together_are_lifted_together() -> None:
    """A alone frees 3, B alone nothing; A and B free 3 + 40."""
    first, *rest = greedy(held(A=3, AB=40))
    assert first == Step(("A", "B"), 43, ("A", "B"), 43)
    assert rest == []


def test_three_rules_that_free_nothing_singly() -> None:
    assert greedy(held(ABC=41, D=2)) == [
        Step(("A", "B", "C"), 41, ("A", "B", "C"), 41),
        Step(("D",), 2, tuple("ABCD"), 43),
    ]


def test_a_rule_already_lifted_makes_the_next_step_smaller() -> None:
    steps = greedy(held(A=9, AB=4, BC=3))
    assert [step.rules for step in steps] == [("A",), ("B",), ("C",)]
    assert [step.frees for step in steps] == [9, 4, 3]


def test_of_equal_worth_fewer_rules_then_the_first_by_name() -> None:
    assert greedy(held(AB=8, C=4))[0].rules == ("C",)
    assert [step.rules for step in greedy(held(A=2, AB=1, ABC=1))] == [("A",), ("B",), ("C",)]
    assert greedy(held(B=4, A=4))[0].rules == ("A",)


def test_no_more_steps_than_wanted() -> None:
    assert len(greedy(held(A=1, B=2, C=3), most=2)) == 2


@pytest.mark.parametrize("seed", range(30))
def test_every_step_frees_what_counting_says_and_at_last_all_are_free(seed: int) -> None:
    dice = random.Random(seed)
    rules = "ABCDEFGHIJKLMNOP"
    made = {frozenset(dice.sample(rules, dice.randrange(1, 9))): dice.randrange(1, 50) for _ in range(40)}
    steps = greedy(made)
    lifted: set[str] = set()
    for step in steps:
        assert not lifted & set(step.rules)
        before = sum(units for one, units in made.items() if one <= lifted)
        lifted |= set(step.rules)
        assert step.lifted == tuple(sorted(lifted))
        assert step.freed == sum(units for one, units in made.items() if one <= lifted)
        assert step.frees == step.freed - before > 0
    assert steps[-1].freed == sum(made.values())


def test_of_very_many_sets_those_that_hold_most_are_weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unblocking, "WEIGHED", 2)
    dice = random.Random(3)
    made = {frozenset(dice.sample("ABCDEFGHIJ", dice.randrange(1, 5))): dice.randrange(1, 50) for _ in range(60)}
    steps = greedy(made)
    first = max(made.values())
    assert steps[0].freed >= min(first, sorted(made.values())[-2])
    assert steps[-1].freed == sum(made.values())
    for step in steps:
        assert step.freed == sum(units for one, units in made.items() if one <= set(step.lifted))


@pytest.mark.parametrize("seed", range(20))
def test_no_set_that_holds_units_was_worth_more_than_the_first_step(seed: int) -> None:
    dice = random.Random(seed)
    made = {frozenset(dice.sample("ABCDEF", dice.randrange(1, 5))): dice.randrange(1, 9) for _ in range(12)}
    first = greedy(made, most=1)[0]
    for size in range(1, 7):
        for rules in combinations("ABCDEF", size):
            if frozenset(rules) in made:
                freed = sum(units for one, units in made.items() if one <= frozenset(rules))
                assert first.frees * size >= freed * len(first.rules)
