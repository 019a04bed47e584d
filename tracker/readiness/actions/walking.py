"""Walking over all units in short steps: to see what a waiting catalogue would change of each, or to assess each after
it was switched on. A step is stored with the place where the next one goes on; a worker may die at any of them."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.db.models import F, Q

from migrator import readiness
from migrator.readiness import Evaluation, Outcome
from tracker.audit.actions import record
from tracker.audit.values import Actor
from tracker.inventory.models import Unit
from tracker.readiness import catalogue, loading, previews
from tracker.readiness.actions.assessing import assess, looked_at, without_collector
from tracker.readiness.actions.knowing import know_catalogue
from tracker.readiness.catalogue import Standing, named
from tracker.readiness.catalogue_models import CatalogueEffect, CatalogueWork
from tracker.readiness.loading import FEW, Ground
from tracker.readiness.rows import rows_of

logger = logging.getLogger(__name__)
STEP = 1_000  # units of one subscription
BUDGET = timedelta(seconds=20)  # for one message
LEASE = timedelta(minutes=3)  # much longer than a step takes
ELSEWHERE = timedelta(seconds=5)  # until a worker with the right code may have come
CATALOGUE = Actor("system", "catalogue", "Catalogue")
Kind, State = CatalogueWork.Kind, CatalogueWork.State


def advance_catalogue(pk: int, *, clock: Callable[[], datetime]) -> str:
    """Some steps of a walk that is due; says what it did. Doubled or lost messages are harmless."""
    now, holder = clock(), uuid4().hex
    free = CatalogueWork.objects.filter(pk=pk, due_at__lte=now, state=State.RUNNING)
    free = free.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
    if not free.update(holder=holder, lease_until=now + LEASE):
        return "not due"
    work = CatalogueWork.objects.select_related("catalogue", "base").get(pk=pk)
    if work.catalogue.version != readiness.catalogue_version:
        _release(work, holder, now + ELSEWHERE)
        return "of another version of the code"
    standing = know_catalogue(now)
    if standing.in_force_id != (work.base_id if work.kind == Kind.PREVIEW else work.catalogue_id):
        _end(work, holder, State.OUTDATED, now)
        return "outdated"
    ground: tuple[str, Ground] | None = None
    with without_collector():
        while (here := clock()) < now + BUDGET:
            batch = _next(work)
            if not batch:
                _end(work, holder, State.DONE, here)
                return f"done: {work.units} units"
            if work.kind == Kind.PREVIEW:
                ground = _ground(ground, batch, here)
                effects = _effects(work, batch, ground[1], standing)
                kept = _keep(work, holder, batch, effects, clock())
            else:
                done = assess(batch, now=here, by=CATALOGUE)
                kept = _keep(work, holder, batch, None, clock(), changed=done.changed)
            if not kept:
                return "somebody else goes on"
    _release(work, holder, clock())
    return f"{work.units} of {work.total}; goes on"


def _next(work: CatalogueWork) -> list[Unit]:
    """The next units, all of one subscription."""
    left = previews.to_look_at(work).order_by("subscription_id", "pk")
    beyond = Q(subscription_id__gt=work.at_subscription) | Q(subscription_id=work.at_subscription, pk__gt=work.at_unit)
    batch = list(left.filter(beyond)[:STEP])
    return [unit for unit in batch if unit.subscription_id == batch[0].subscription_id]


def _ground(before: tuple[str, Ground] | None, batch: Sequence[Unit], now: datetime) -> tuple[str, Ground]:
    """The estate the units stand in; read once for all steps of a subscription, where they are many."""
    subscription = batch[0].subscription_id
    if before is not None and before[0] == subscription:
        return before
    found = loading.ground(subscription, now, batch)
    return (subscription if len(batch) > FEW else "", found)


def _effects(work: CatalogueWork, batch: Sequence[Unit], here: Ground, standing: Standing) -> list[CatalogueEffect]:
    judged = [one for one, _ in looked_at(batch, here)]
    found = []
    for one, held in zip(judged, catalogue.held(standing, judged), strict=True):
        before, after = held.evaluation, one.evaluation
        (_, then), (_, digest) = rows_of(before.findings), rows_of(after.findings)
        if (before.verdict, before.score, then) == (after.verdict, after.score, digest):
            continue
        open_before, open_after = _open(before), _open(after)
        found.append(
            CatalogueEffect(
                work=work,
                unit=one.unit,
                verdict_before=before.verdict.value,
                verdict_after=after.verdict.value,
                score_before=before.score,
                score_after=after.score,
                came=_listed(open_after - open_before),
                went=_listed(open_before - open_after),
                digest=digest,
            )
        )
    return found


def _open(evaluation: Evaluation) -> set[tuple[str, str, str]]:
    return {
        (f.rule_id, f.effect.value, f.outcome.value)
        for f in evaluation.findings
        if f.outcome is not Outcome.NO and not f.waived
    }


def _listed(said: set[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [{"rule": rule, "effect": effect, "outcome": outcome} for rule, effect, outcome in sorted(said)]


@transaction.atomic
def _keep(
    work: CatalogueWork,
    holder: str,
    batch: Sequence[Unit],
    effects: list[CatalogueEffect] | None,
    now: datetime,
    changed: int = 0,
) -> bool:
    """Store a step and where the next one goes on; False: somebody else took the walk over."""
    if not CatalogueWork.objects.select_for_update().filter(pk=work.pk, holder=holder, state=State.RUNNING).exists():
        return False
    if effects is not None:
        CatalogueEffect.objects.filter(work=work, unit__in=batch).delete()
        CatalogueEffect.objects.bulk_create(effects)
    work.at_subscription, work.at_unit = batch[-1].subscription_id, batch[-1].pk
    work.units += len(batch)
    work.changed += changed
    work.lease_until = now + LEASE
    work.save(update_fields=["at_subscription", "at_unit", "units", "changed", "lease_until"])
    return True


def _release(work: CatalogueWork, holder: str, due: datetime) -> None:
    CatalogueWork.objects.filter(pk=work.pk, holder=holder).update(holder="", lease_until=None, due_at=due)


@transaction.atomic
def _end(work: CatalogueWork, holder: str, state: CatalogueWork.State, now: datetime) -> None:
    mine = CatalogueWork.objects.filter(pk=work.pk, holder=holder, state=State.RUNNING)
    ended = {"state": state, "due_at": None, "lease_until": None, "holder": "", "ended_at": now}
    if not mine.update(**ended, total=F("units")) or state != State.DONE:
        return
    work.effects.filter(unit__gone_at__isnull=False).delete()
    version = work.catalogue.version
    detail: dict[str, object] = {"name": named(version), "version": version, "units": work.units}
    if work.kind == Kind.PREVIEW:
        summary = previews.summary(work)
        detail |= {"changed": summary.touched, "verdicts": summary.moved}
        record("readiness.catalogue_previewed", by=CATALOGUE, object=("catalogue", version), now=now, detail=detail)
    else:
        detail["changed"] = work.changed
        record("readiness.catalogue_followed", by=CATALOGUE, object=("catalogue", version), now=now, detail=detail)
