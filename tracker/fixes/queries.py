"""What pages, runs and the engine ask about fixes. Reads only."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from migrator import fixes, units
from migrator.fixes import NoFix, Plan
from migrator.lifecycle import State
from migrator.resources import Estate
from tracker.accounts.models import User
from tracker.fixes.models import Fix
from tracker.inventory.models import Resource, Unit
from tracker.readiness import loading
from tracker.readiness.models import Finding
from tracker.waves import seals

OPEN = ("yes", "unknown")  # outcomes of a finding that a fix can do something about
# Where a unit has to be: before anything was sent for it.
MAY_BE = (State.DISCOVERED, State.ASSESSED, State.PLANNED, State.EXCLUDED)


@dataclass(frozen=True, slots=True)
class Made:
    """A plan with what it was made from. `body`: everything a person agrees to, as sealed."""

    unit: Unit
    finding: Finding
    plan: Plan
    touched: tuple[int, ...]  # units, this one among them
    body: str

    @property
    def seal(self) -> str:
        return seals.seal(self.body)


def made(unit: Unit, rule: str, resource_key: str, now: datetime) -> Made | NoFix:
    """What the fix of a finding would do now, by the inventory. A NoFix says why there is none."""
    finding = Finding.objects.filter(unit=unit, rule=rule, resource_key=resource_key).first()
    if finding is None or finding.outcome not in OPEN:
        return NoFix(why="The rule says no of this resource now; there is nothing to fix.")
    if not fixes.fixable(rule):
        given = fixes.plan(rule, resource_key, Estate(), {})
        return given if isinstance(given, NoFix) else NoFix(why="There is no fix for this rule.")
    estate = loading.ground(unit.subscription_id, now, [unit]).context.estate
    flat = units.flatten(estate.resources)
    whole = Estate.of(flat.values(), estate.registrations, estate.usages)
    listed = dict(Resource.objects.filter(key__in=list(flat), gone_at__isnull=True).values_list("key", "document"))
    plan = fixes.plan(rule, resource_key, whole, listed)
    if isinstance(plan, NoFix):
        return plan
    keys = {resource_key, *(one.lower() for one in plan.reads)}
    stored = dict(Resource.objects.filter(key__in=keys, gone_at__isnull=True).values_list("key", "digest"))
    touched = _touched(unit, [step.touches for step in plan.steps])
    body = {
        "rule": rule,
        "unit": unit.key,
        "finding": {"resource": resource_key, "outcome": finding.outcome, "sentence": finding.sentence},
        "plan": plan.as_json(),
        "documents": stored,
        "touched": [one.key for one in sorted(touched, key=lambda one: one.key)],
    }
    return Made(unit, finding, plan, tuple(sorted(one.pk for one in touched)), seals.canonical(body))


def _touched(unit: Unit, targets: Sequence[str]) -> list[Unit]:
    """This unit, and those whose resources the requests go to."""
    keys: set[str] = set()
    for target in targets:
        parts = target.lower().rstrip("/").split("/")
        keys |= {"/".join(parts[:end]) for end in range(9, len(parts) + 1)}
    others = Unit.objects.filter(Q(members__key__in=keys) | Q(key__in=keys)).exclude(pk=unit.pk).distinct()
    return [unit, *others]


def drift(fix: Fix, now: datetime) -> list[str]:
    """What moved since the fix was asked for, a line each; empty: the seal still holds."""
    found = made(fix.unit, fix.rule, fix.resource_key, now)
    if isinstance(found, NoFix):
        return [found.why]
    if found.seal == fix.seal:
        return []
    return seals.moved(json.loads(fix.body), json.loads(found.body))[:20] or ["its content"]


def plan_of(fix: Fix) -> Plan:
    return Plan.from_json(fix.plan)


def refusal(listed: Iterable[Unit]) -> str:
    """Why nothing may be changed at these units now; empty: it may. The caller holds their rows."""
    for unit in listed:
        if unit.gone_at is not None:
            return f"{unit.name} is no longer on the classic side; there is nothing to fix."
        if unit.locked_since is not None or unit.progress not in MAY_BE:
            return f"{unit.name} is {unit.progress}; while it is being migrated nothing of it is changed."
        if unit.runs.filter(ended_at__isnull=True).exists():
            return f"{unit.name} has a live run; end it first, then fix, then start again."
    return ""


def in_hand(unit: Unit) -> Fix | None:
    """A fix that was approved and is not at its end, whose requests go to this unit: no run starts beside it."""
    return Fix.objects.filter(state__in=Fix.IN_HAND, touched__contains=[unit.pk]).order_by("pk").first()


def live(unit: Unit, rule: str, resource_key: str) -> Fix | None:
    return Fix.objects.filter(unit=unit, rule=rule, resource_key=resource_key, state__in=Fix.LIVE).first()


def due(now: datetime) -> list[int]:
    """Fixes to look after: those that are approved or sent and due, and those somebody wants rehearsed."""
    return list(
        Fix.objects.filter(Q(due_at__lte=now, state__in=Fix.IN_HAND) | Q(rehearsal_wanted_at__lte=now))
        .filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
        .order_by("due_at", "pk")
        .values_list("pk", flat=True)[:200]
    )


def waiting_on(user: User) -> QuerySet[Fix]:
    """Fixes that wait for somebody like this person, who did not ask for them."""
    return Fix.objects.filter(state=Fix.State.ASKED).exclude(asked_by=user)


def listed() -> QuerySet[Fix]:
    return Fix.objects.select_related("unit__subscription", "asked_by", "decided_by")


def of_unit(unit: Unit) -> list[Fix]:
    return list(listed().filter(unit=unit).order_by("-asked_at")[:200])


def again(unit: Unit) -> list[Fix]:
    """Fixes that were carried out and took something away which has to be made again after the move."""
    done = listed().filter(unit=unit, state__in=[Fix.State.DONE, Fix.State.FAILED]).order_by("ended_at")
    return [one for one in done if one.plan["again"] and (one.kept or one.state == Fix.State.DONE)]


def live_of(unit: Unit) -> dict[tuple[str, str], Fix]:
    """The live fix of each finding of a unit, by rule and resource."""
    return {(one.rule, one.resource_key): one for one in Fix.objects.filter(unit=unit, state__in=Fix.LIVE)}


def finding_of(fix: Fix) -> Finding | None:
    return Finding.objects.filter(unit=fix.unit_id, rule=fix.rule, resource_key=fix.resource_key).first()
