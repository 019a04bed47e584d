"""Fixes: remedies that are requests to Azure. `plan(…)` says what would be done, or why nothing can; `unmet(…)` holds
a fresh read against a condition. Nothing here speaks to anybody."""

from migrator.fixes.looking import unmet
from migrator.fixes.no_fix import BY_HAND, ELSEWHERE
from migrator.fixes.plans import PLANNED, fixable, instead, offers, plan
from migrator.fixes.rights import OLDER_API, action, allowed
from migrator.fixes.values import Condition, NoFix, Place, Plan, Scale, Step, Wants

__all__ = [
    "BY_HAND",
    "ELSEWHERE",
    "OLDER_API",
    "PLANNED",
    "Condition",
    "NoFix",
    "Place",
    "Plan",
    "Scale",
    "Step",
    "Wants",
    "action",
    "allowed",
    "fixable",
    "instead",
    "offers",
    "plan",
    "unmet",
]
