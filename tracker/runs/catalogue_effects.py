"""Everything about the catalogue in force and the one that waits, for the page and the API: rules, units, waves,
approvals and runs that switching it on would touch. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q

from migrator import readiness
from migrator.readiness.manifest import DECIDING, Changes
from tracker.readiness import catalogue, previews
from tracker.readiness import queries as readiness_queries
from tracker.readiness.catalogue_models import CatalogueEffect, CatalogueVersion, CatalogueWork
from tracker.readiness.previews import Summary
from tracker.runs.models import Run
from tracker.waves import queries as waves
from tracker.waves.models import Approval
from tracker.waves.queries import ApprovalState

LISTED = 200  # waves, approvals, runs that are named; the numbers are complete
OPEN = (ApprovalState.PENDING, ApprovalState.APPROVED)
FIELDS = {
    "title": "title",
    "effect": "effect",
    "detection": "what tells it",
    "also": "what can tell besides",
    "kinds": "kinds of unit",
    "revision": "how it decides",
}


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What becomes of one rule. `kind`: new, changed, removed or reworded; `differs`: in what, in words."""

    rule: str
    kind: str
    title: str
    before: str  # effect in force; empty for a new rule
    after: str  # effect of the waiting catalogue; empty for a removed one
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WaveTouched:
    pk: int
    name: str
    units: int  # of which anything would change
    moved: int  # whose verdict would
    blocked: int  # that would be blocked and are not now


@dataclass(frozen=True, slots=True)
class ApprovalBroken:
    """An approval, open or given, that would no longer match."""

    approval: Approval
    why: str

    @property
    def name(self) -> str:
        one = self.approval
        return f"Commit of {one.unit.name}" if one.unit is not None else f"Wave “{one.wave.name}”"


@dataclass(frozen=True, slots=True)
class RunTouched:
    run: Run
    effect: CatalogueEffect


@dataclass(frozen=True, slots=True)
class Touched:
    waves: list[WaveTouched] = field(default_factory=list)
    waves_count: int = 0
    approvals: list[ApprovalBroken] = field(default_factory=list)
    approvals_count: int = 0
    runs: list[RunTouched] = field(default_factory=list)
    runs_count: int = 0
    locked: int = 0  # of all units, whose management plane is locked


@dataclass(frozen=True, slots=True)
class Picture:
    """`waiting` None: the catalogue of the code is in force. `preview`: newest, under way or finished; `stale`: units
    that changed since. `assessing`: the walk over all units after the last switch, while it lasts."""

    in_force: CatalogueVersion | None
    waiting: CatalogueVersion | None
    rules: list[RuleChange]
    preview: CatalogueWork | None
    stale: int
    summary: Summary | None
    touched: Touched
    assessing: CatalogueWork | None

    @property
    def done(self) -> bool:
        return self.preview is not None and self.preview.state == CatalogueWork.State.DONE

    @property
    def running(self) -> bool:
        return self.preview is not None and not self.done


def picture(now: datetime) -> Picture:
    in_force, waiting = catalogue.in_force(), catalogue.waiting()
    assessing = previews.assessing()
    if in_force is None or waiting is None:
        return Picture(in_force, None, [], None, 0, None, Touched(), assessing)
    preview = previews.newest(in_force, waiting)
    rules = rule_changes(in_force.manifest, readiness.catalogue_manifest, catalogue.changes(in_force))
    if preview is None or preview.state != CatalogueWork.State.DONE:
        return Picture(in_force, waiting, rules, preview, 0, None, Touched(), assessing)
    stale, summary = previews.moved_since(preview), previews.summary(preview)
    return Picture(in_force, waiting, rules, preview, stale, summary, touched(preview, now), assessing)


def rule_changes(
    old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]], changes: Changes
) -> list[RuleChange]:
    """New, changed, removed, then reworded; by id."""
    listed = [
        (kind, rule)
        for kind, rules in (
            ("new", changes.new),
            ("changed", changes.changed),
            ("removed", changes.removed),
            ("reworded", changes.reworded),
        )
        for rule in sorted(rules)
    ]
    found = []
    for kind, rule in listed:
        was, now = old.get(rule, {}), new.get(rule, {})
        differs = [FIELDS[name] for name in DECIDING if was and now and was.get(name) != now.get(name)]
        title = (now or was).get("title", rule)
        found.append(RuleChange(rule, kind, title, was.get("effect", ""), now.get("effect", ""), tuple(differs)))
    return found


def touched(work: CatalogueWork, now: datetime) -> Touched:
    """Waves, approvals and runs which the changes of a finished preview reach."""
    effects = previews.effects(work)
    listed = _waves(effects)
    broken = [*_wave_approvals(work, now), *_commit_approvals(work, now)]
    runs = Run.objects.filter(ended_at__isnull=True, unit__in=effects.values("unit")).select_related("unit", "wave")
    shown = list(runs.order_by("unit__name", "pk")[:LISTED])
    by_unit = previews.of_units(work, [run.unit_id for run in shown])
    return Touched(
        waves=listed[:LISTED],
        waves_count=len(listed),
        approvals=broken[:LISTED],
        approvals_count=len(broken),
        runs=[RunTouched(run, by_unit[run.unit_id]) for run in shown if run.unit_id in by_unit],
        runs_count=runs.count(),
        locked=catalogue.locked().count(),
    )


def _waves(effects: Any) -> list[WaveTouched]:
    rows = (
        effects.filter(unit__placement__isnull=False)
        .order_by("unit__placement__wave__name")
        .values_list("unit__placement__wave_id", "unit__placement__wave__name")
        .annotate(
            units=Count("pk"),
            moved=Count("pk", filter=~Q(verdict_before=F("verdict_after"))),
            blocked=Count("pk", filter=Q(verdict_after="blocked") & ~Q(verdict_before="blocked")),
        )
    )
    return [WaveTouched(*row) for row in rows]


def _wave_approvals(work: CatalogueWork, now: datetime) -> list[ApprovalBroken]:
    """Every approval of a wave names the catalogue it was given under: those break of which anything is still to do."""
    found = waves.approvals(now).filter(kind=Approval.Kind.WAVE, state__in=OPEN, catalogue=work.base.version)
    begun = Q(wave__placements__unit__progress__in=waves.NOT_BEGUN)
    found = found.filter(Q(state=ApprovalState.PENDING) | begun).distinct()
    changed = dict(
        previews.effects(work)
        .filter(unit__placement__isnull=False)
        .order_by()
        .values_list("unit__placement__wave_id")
        .annotate(n=Count("pk"))
    )
    broken = []
    for one in found:
        n = changed.get(one.wave_id, 0)
        units = "no finding of its units changes" if not n else f"{n} of its units change{'s' if n == 1 else ''}"
        broken.append(ApprovalBroken(one, f"It names the catalogue that was in force; {units}."))
    return broken


def _commit_approvals(work: CatalogueWork, now: datetime) -> list[ApprovalBroken]:
    """Those of which the findings of the unit change, before anything was sent."""
    armable = Run.objects.filter(ended_at__isnull=True, commit_armed_at__isnull=True).values("pk")
    found = waves.approvals(now).filter(kind=Approval.Kind.COMMIT, state__in=OPEN, run_id__in=armable)
    listed = list(found.filter(unit__in=previews.effects(work).values("unit")))
    units = [one.unit for one in listed if one.unit is not None]
    by_unit, digests = previews.of_units(work, [unit.pk for unit in units]), readiness_queries.digests(units)
    broken = []
    for one in listed:
        effect = by_unit.get(one.unit_id or 0)
        if effect is not None and effect.digest != digests.get(effect.unit_id):
            verdict = f"{effect.verdict_before}, then {effect.verdict_after}"
            same = effect.verdict_before == effect.verdict_after
            broken.append(
                ApprovalBroken(one, f"Findings of the unit change; it is {effect.verdict_after if same else verdict}.")
            )
    return broken
