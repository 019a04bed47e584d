"""In which order to lift blocking rules so that units come free soonest: arithmetic on sets of rules."""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

WEIGHED = 1_000  # sets looked at for a step, when there are more: those that hold most units


@dataclass(frozen=True, slots=True)
class Step:
    """Rules to lift next, all of them together, and what that gives. `rules` and `lifted` (those of every step until
    now) are sorted; `frees` and `freed` count units likewise."""

    rules: tuple[str, ...]
    frees: int
    lifted: tuple[str, ...]
    freed: int


def greedy(held: Mapping[frozenset[str], int], most: int | None = None) -> list[Step]:
    """The order, of `held`: a set of rules → how many units exactly these block. At most `most` steps.

    Each step takes, of the sets that still hold units, the one whose rules free most units for each rule; then the one
    of fewer rules, then by name. It looks one step ahead, not at every order there is: with n rules there are
    2ⁿ choices. A set without rules or without units holds nothing. After the last step without `most`, all are free.
    """
    names = sorted({rule for rules in held for rule in rules})
    bit = {rule: 1 << place for place, rule in enumerate(names)}
    left: dict[int, int] = {}
    for rules, units in held.items():
        if rules and units > 0:
            left[_union(bit[rule] for rule in rules)] = units
    steps: list[Step] = []
    lifted, freed = 0, 0
    while left and (most is None or len(steps) < most):
        weighed = (
            left if len(left) <= WEIGHED else heapq.nlargest(WEIGHED, left, key=lambda rules: (left[rules], rules))
        )
        gain = {rules: _freed(rules, left) for rules in weighed}
        chosen = min(
            gain, key=lambda rules: (-gain[rules] / rules.bit_count(), rules.bit_count(), _names(rules, names))
        )
        lifted, freed = lifted | chosen, freed + gain[chosen]
        steps.append(Step(_names(chosen, names), gain[chosen], _names(lifted, names), freed))
        shrunk: dict[int, int] = {}
        for rules, units in left.items():
            if rest := rules & ~chosen:
                shrunk[rest] = shrunk.get(rest, 0) + units
        left = shrunk
    return steps


def _union(bits: Iterator[int]) -> int:
    found = 0
    for one in bits:
        found |= one
    return found


def _names(rules: int, names: list[str]) -> tuple[str, ...]:
    return tuple(name for place, name in enumerate(names) if rules >> place & 1)


def _freed(rules: int, left: Mapping[int, int]) -> int:
    """Units that only rules of this set hold. Few rules have fewer subsets than there are sets to look at."""
    if 1 << rules.bit_count() > len(left):
        return sum(units for held, units in left.items() if not held & ~rules)
    found, subset = 0, rules
    while subset:
        found += left.get(subset, 0)
        subset = (subset - 1) & rules
    return found
