"""What would unblock most: blocking rules, and the order in which lifting them frees units soonest. Reads only.

A unit counts while it is in scope: listed, not excluded. It is freed when no rule blocks it any more; what is unknown
of it stays to be settled. A finding that is set aside blocks nothing.
"""

import re
from dataclasses import dataclass

from migrator import fixes
from migrator.readiness import PLATFORM, Rule, waiving
from migrator.readiness.unblocking import Step, greedy
from tracker.inventory import queries as inventory
from tracker.inventory.queries import Count, Filters
from tracker.readiness.queries import rule_or_none

FACETS = ("subscription", "region", "kind", "wave", "owner")  # what narrows the numbers
STEPS = 12  # of the order; by then most of what can be freed is free


@dataclass(frozen=True, slots=True)
class Blocker:
    """A blocking rule: units that nothing else blocks, units it blocks at all, and what can be done about it. `rule` is
    None when the catalogue no longer has it."""

    rule_id: str
    rule: Rule | None
    frees: int
    blocks: int

    @property
    def remedy(self) -> str:
        """The first sentence of the remedy; empty where the rule has none of its own."""
        return re.split(r"(?<=[.!?])\s+(?=[A-Z])", self.rule.remedy)[0] if self.rule else ""

    @property
    def fixable(self) -> bool:
        """Whether findings of it may be offered a fix."""
        return fixes.fixable(self.rule_id)

    @property
    def waivable(self) -> bool:
        """Whether two people may set findings of it aside."""
        return bool(self.rule) and self.rule_id != PLATFORM.id and self.rule_id not in waiving.UNWAIVABLE


@dataclass(frozen=True, slots=True)
class Unblocking:
    """`blocked`: units that rules block; `blockers`: each rule, what frees most first; `steps`: what to lift in which
    order; `sets`: how many different sets of rules block these units; `facets`: the choices that narrow all of it."""

    blocked: int
    blockers: list[Blocker]
    steps: list[Step]
    sets: int
    facets: dict[str, list[Count]]

    @property
    def left(self) -> int:
        """Units that the last step leaves blocked."""
        return self.blocked - (self.steps[-1].freed if self.steps else 0)


def unblocking(filters: Filters, steps: int = STEPS) -> Unblocking:
    """Of the units that `filters` leave; one query. Every number is the length of a list of the inventory: with the
    same filters and `blocks` or `frees` of the rules."""
    held = inventory.held(filters, FACETS)
    rules = sorted({rule for rules in held.sets for rule in rules})
    blockers = [
        Blocker(
            rule,
            rule_or_none(rule),
            held.sets.get(frozenset([rule]), 0),
            sum(units for rules, units in held.sets.items() if rule in rules),
        )
        for rule in rules
    ]
    blockers.sort(key=lambda one: (-one.frees, -one.blocks, one.rule_id))
    order = greedy(held.sets, steps)
    return Unblocking(held.total, blockers, order, len(held.sets), {name: held.facets[name] for name in FACETS})
