"""Evaluate units with the catalogue and store what changed. An evaluation that says the same writes nothing."""

import gc
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from migrator import readiness
from migrator.readiness import Effect, Evaluation, Outcome
from migrator.resources import PlatformMessage, ResourceType, Verb
from tracker.audit.actions import record
from tracker.audit.values import Actor
from tracker.inventory import actions as inventory
from tracker.inventory.models import Unit
from tracker.readiness import catalogue, loading, models
from tracker.readiness.actions.knowing import know_catalogue
from tracker.readiness.actions.storing import LISTED, News, Pile, store
from tracker.readiness.catalogue import Judged, Standing
from tracker.readiness.loading import Ground, Last, Told
from tracker.readiness.rows import Row, rows_of

logger = logging.getLogger(__name__)
BATCH = 500  # units which are read, compared and written at a time
MOST_FINDINGS = 20_000  # compared and written at a time


@dataclass(slots=True)
class Assessed:
    """What an assessment did: units evaluated, units whose findings changed, and the verdicts of all evaluated."""

    units: int = 0
    changed: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)


def assess(
    units: Iterable[Unit] | None,
    *,
    now: datetime,
    by: Actor,
    shortfalls: Told | None = None,
    movable: Collection[ResourceType] | None = None,
) -> Assessed:
    """Evaluate units (None: all that are listed now), one transaction for each subscription.

    `shortfalls`: what the sums of quota found, by unit key; for a unit that is not in it the sums of its last
    assessment hold, and when there are none its quota is unknown. `movable`: the types whose verbs the gateway can send
    (`AzureGateway.movable`); None: as at the last assessment. A unit whose inventory or assessment was changed by
    somebody else meanwhile is left to the evaluation that follows that change.
    """
    listed = Unit.objects.filter(gone_at__isnull=True) if units is None else units
    by_subscription: dict[str, list[Unit]] = {}
    for unit in listed:
        if unit.gone_at is None:
            by_subscription.setdefault(unit.subscription_id, []).append(unit)
    result = Assessed()
    standing = know_catalogue(now) if by_subscription else None
    for subscription_id, here in sorted(by_subscription.items()):
        assert standing is not None  # noqa: S101 - there are units
        with without_collector():
            listed = sorted(here, key=lambda unit: unit.pk)
            pile = _evaluate(subscription_id, listed, now, shortfalls, movable, standing, result)
            if pile:
                result.changed += store(subscription_id, pile, standing, by, now)
    return result


def record_platform_answer(
    unit: Unit, *, verb: Verb, messages: Sequence[PlatformMessage], passed: bool, by: Actor, now: datetime
) -> Assessed:
    """Keep what the platform answered to Validate or Prepare, and assess the unit with it (rules.md 6)."""
    # A NUL or half a surrogate pair in Azure's words must not stop a run.
    stored: list[dict[str, str]] = inventory.storable(
        [{**asdict(one), "category": str(one.category)} for one in messages]
    )
    with transaction.atomic():
        models.PlatformAnswer.objects.create(unit=unit, verb=str(verb), at=now, passed=passed, messages=stored)
        record(
            "readiness.platform_answered",
            by=by,
            object=("unit", unit.key),
            now=now,
            detail={
                "name": unit.name,
                "verb": str(verb),
                "outcome": "passed" if passed else "not passed",
                "messages": [f"{one['category']}: {one['message']}"[:400] for one in stored[:LISTED]],
            },
        )
        return assess([unit], now=now, by=by)


def settle_answer(answer: models.PlatformAnswer, why: str, *, by: Actor, now: datetime) -> models.SettledAnswer:
    """What the answer named is so no longer. The caller assesses the unit."""
    with transaction.atomic():
        row, created = models.SettledAnswer.objects.get_or_create(answer=answer, defaults={"at": now, "why": why[:400]})
        if created:
            record(
                "readiness.answer_settled",
                by=by,
                object=("unit", answer.unit.key),
                now=now,
                detail={"name": answer.unit.name, "verb": answer.verb, "why": row.why},
            )
    return row


@contextmanager
def without_collector() -> Iterator[None]:
    """An estate and its findings are millions of values that live on and make no rings; the collector of rings would
    look through them again and again, which takes a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _evaluate(
    subscription_id: str,
    units: Sequence[Unit],
    now: datetime,
    told: Told | None,
    movable: Collection[ResourceType] | None,
    standing: Standing,
    result: Assessed,
) -> Pile:
    here = loading.ground(subscription_id, now, units)
    pile, news, findings = Pile(), [], 0
    for start in range(0, len(units), BATCH):
        batch = units[start : start + BATCH]
        for one in _judged(batch, here, told, movable, standing):
            for error in one.evaluation.errors:
                logger.error("rule %s failed on %s", error.rule_id, error.unit_key, exc_info=error.error)
            result.units += 1
            result.verdicts[one.evaluation.verdict.value] += 1
            rows, digest = rows_of(one.evaluation.findings)
            said = (digest, standing.version, one.evaluation.verdict, one.evaluation.score)
            before = one.before
            if before is None or (before.digest, before.catalogue_version, before.verdict, before.score) != said:
                news.append(_news(one, rows, digest))
                findings += len(rows)
                if len(news) >= BATCH or findings >= MOST_FINDINGS:
                    pile.add(news)
                    news, findings = [], 0
    pile.add(news)
    return pile


@dataclass(slots=True)
class One:
    """A unit and what is said of it."""

    unit: Unit
    evaluation: Evaluation
    shortfalls: list[dict[str, Any]] | None
    movable: bool | None
    before: Last | None
    ahead: list[list[str]]  # AnsweredAhead.rows


def _judged(
    batch: Sequence[Unit],
    here: Ground,
    told: Told | None,
    movable: Collection[ResourceType] | None,
    standing: Standing,
) -> Iterator[One]:
    """What the catalogue in force says of the units. Where none waits, each is evaluated when it is asked for."""
    found = looked_at(batch, here, told, movable)
    if not standing.waits:
        for _, one in found:
            yield one
        return
    pairs = list(found)
    for (_, one), held in zip(pairs, catalogue.held(standing, [judged for judged, _ in pairs]), strict=True):
        one.evaluation, one.ahead = held.evaluation, sorted([rule, key] for rule, key in held.ahead)
        yield one


def looked_at(
    batch: Sequence[Unit], here: Ground, told: Told | None = None, movable: Collection[ResourceType] | None = None
) -> Iterator[tuple[Judged, One]]:
    """What the code's own catalogue says of the units."""
    answers, last = loading.answers(batch), loading.last([unit.pk for unit in batch])
    for unit in batch:
        drawn = here.drawn.get(unit.key)
        if drawn is None:
            logger.warning("unit %s is stored and no longer drawn; it waits for the next sync", unit.key)
            continue
        before = last.get(unit.pk)
        shortfalls = loading.told_shortfalls(told, unit, before)
        can_move = loading.told_movable(movable, drawn, before)
        context = loading.context_of(here, unit, answers.get(unit.pk, {}), shortfalls, can_move)
        evaluation = readiness.evaluate(drawn, context)
        one = One(unit, evaluation, shortfalls, can_move, before, [])
        yield Judged(unit, drawn, context, evaluation, before is not None), one


def _news(one: One, rows: list[Row], digest: str) -> News:
    unit, evaluation = one.unit, one.evaluation
    return News(
        unit_id=unit.pk,
        key=unit.key,
        name=unit.name,
        changed_at=unit.changed_at,
        judgement=_judgement(unit, evaluation),
        deductions=[
            {"points": d.points, "rule": d.rule_id, "resource": d.resource_key, "reason": d.reason}
            for d in evaluation.deductions
        ],
        errors=[{"rule": e.rule_id, "error": repr(e.error)[:500]} for e in evaluation.errors],
        rows=rows,
        digest=digest,
        shortfalls=one.shortfalls,
        movable=one.movable,
        before=one.before,
        ahead=one.ahead,
    )


def _judgement(unit: Unit, evaluation: Evaluation) -> inventory.Judgement:
    asking = [finding for finding in evaluation.findings if finding.outcome is not Outcome.NO]
    findings = [finding for finding in asking if not finding.waived]
    yes = [finding for finding in findings if finding.outcome is Outcome.YES]
    blocking = [finding for finding in yes if finding.effect is Effect.BLOCKS]
    changing = (Effect.DOWNTIME, Effect.DROPPED, Effect.CHANGES)
    return inventory.Judgement(
        unit_id=unit.pk,
        verdict=evaluation.verdict.value,
        score=evaluation.score,
        blockers=len(blocking),
        changes=sum(finding.effect in changing for finding in yes),
        unknowns=sum(f.outcome is Outcome.UNKNOWN and f.effect is not Effect.INFO for f in findings),
        blocking_rules=tuple(finding.rule_id for finding in blocking),
        open_rules=open_rules((f.rule_id, f.effect, f.outcome) for f in findings),
    )


def open_rules(findings: Iterable[tuple[str, str, str]]) -> tuple[str, ...]:
    """What `Unit.open_rules` holds, of (rule, effect, outcome) of findings nobody set aside: every rule that applies
    (yes) or is unknown, the ones that block, and the only one that does. What pages count units by without reading
    findings."""
    listed = list(findings)
    said = {f"{outcome} {rule}" for rule, _, outcome in listed if outcome != Outcome.NO}
    blocking = {rule for rule, effect, outcome in listed if (effect, outcome) == (Effect.BLOCKS, Outcome.YES)}
    said |= {f"blocks {rule}" for rule in blocking}
    return tuple(sorted(said | ({f"only {rule}" for rule in blocking} if len(blocking) == 1 else set())))
