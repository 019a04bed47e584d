"""Evaluate units with the catalogue and store what changed. An evaluation that says the same writes nothing."""

import json
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from migrator import readiness
from migrator.readiness import Effect, Evaluation, Finding, Outcome
from migrator.resources import PlatformMessage, ResourceType, Verb
from tracker.audit.actions import Fact, record, record_many
from tracker.audit.values import Actor
from tracker.inventory import actions as inventory
from tracker.inventory.models import Subscription, Unit
from tracker.readiness import loading, models
from tracker.readiness.loading import Last, Told

logger = logging.getLogger(__name__)
BATCH = 500  # units whose findings are compared and written at a time
LISTED = 20  # units named in one event; the counts are complete
LONGEST_KEY, LONGEST_NAME = 600, 260


@dataclass(slots=True)
class Assessed:
    """What an assessment did: units evaluated, units whose findings changed, and the verdicts of all evaluated."""

    units: int = 0
    changed: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _News:
    """An evaluation that says something else than the last one."""

    unit: Unit
    evaluation: Evaluation
    digest: str
    shortfalls: list[dict[str, Any]] | None
    movable: bool | None
    before: Last | None


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
    for subscription_id, here in sorted(by_subscription.items()):
        news = _evaluate(subscription_id, sorted(here, key=lambda unit: unit.pk), now, shortfalls, movable, result)
        if news:
            result.changed += _store(subscription_id, news, result, by, now)
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


def _evaluate(
    subscription_id: str,
    units: list[Unit],
    now: datetime,
    told: Told | None,
    movable: Collection[ResourceType] | None,
    result: Assessed,
) -> list[_News]:
    here = loading.ground(subscription_id, now)
    news: list[_News] = []
    for start in range(0, len(units), BATCH):
        batch = units[start : start + BATCH]
        answers, last = loading.answers(batch), loading.last(batch)
        for unit in batch:
            drawn = here.drawn.get(unit.key)
            if drawn is None:
                logger.warning("unit %s is stored and no longer drawn; it waits for the next sync", unit.key)
                continue
            before = last.get(unit.pk)
            shortfalls = loading.told_shortfalls(told, unit, before)
            can_move = loading.told_movable(movable, drawn, before)
            context = loading.context_of(here, answers.get(unit.pk, {}), shortfalls, can_move)
            evaluation = readiness.evaluate(drawn, context)
            for error in evaluation.errors:
                logger.error("rule %s failed on %s", error.rule_id, error.unit_key, exc_info=error.error)
            result.units += 1
            result.verdicts[evaluation.verdict.value] += 1
            digest = digest_of(evaluation)
            if before is None or (before.digest, before.catalogue_version, before.verdict, before.score) != (
                digest,
                readiness.catalogue_version,
                evaluation.verdict,
                evaluation.score,
            ):
                news.append(_News(unit, evaluation, digest, shortfalls, can_move, before))
    return news


def row_of(finding: Finding) -> dict[str, Any]:
    """A finding as stored, and as the digest and `assess --json` spell it."""
    return {
        "rule": finding.rule_id,
        "resource_key": finding.resource_key[:LONGEST_KEY],
        "resource_name": finding.resource_name[:LONGEST_NAME],
        "effect": finding.effect.value,
        "outcome": finding.outcome.value,
        "source": finding.source,
        "sentence": finding.sentence,
        "evidence": [{"field": one.field, "value": one.value} for one in finding.evidence],
        "settles": finding.settles,
    }


def digest_of(evaluation: Evaluation) -> str:
    """sha256 over the findings, in one order."""
    rows = sorted(
        (row_of(finding) for finding in evaluation.findings), key=lambda row: (row["rule"], row["resource_key"])
    )
    return inventory.digest_of(rows)


@transaction.atomic
def _store(subscription_id: str, news: list[_News], result: Assessed, by: Actor, now: datetime) -> int:
    """Write what changed, under the locks of the units; returns how many. What was overtaken meanwhile is left."""
    locked = {
        unit.pk: unit
        for unit in Unit.objects.select_for_update(no_key=True)
        .filter(pk__in=[one.unit.pk for one in news])
        .order_by("pk")
    }
    current = loading.last([one.unit for one in news])
    fresh = [one for one in news if _still(one, locked.get(one.unit.pk), current.get(one.unit.pk))]
    for start in range(0, len(fresh), BATCH):
        batch = fresh[start : start + BATCH]
        _store_findings(batch, now)
        _store_assessments(batch, now)
        inventory.record_verdicts([_judgement(one) for one in batch], now)
    if fresh:
        _tell(subscription_id, fresh, result, by, now)
    return len(fresh)


def _still(one: _News, unit: Unit | None, last: Last | None) -> bool:
    """Whether nobody changed the unit's members or its assessment since this evaluation read them."""
    return (
        unit is not None
        and unit.gone_at is None
        and unit.changed_at == one.unit.changed_at
        and (last.pk if last else None) == (one.before.pk if one.before else None)
    )


def _judgement(one: _News) -> inventory.Judgement:
    findings = [finding for finding in one.evaluation.findings if not finding.waived]
    yes = [finding for finding in findings if finding.outcome is Outcome.YES]
    blocking = [finding for finding in yes if finding.effect is Effect.BLOCKS]
    changing = (Effect.DOWNTIME, Effect.DROPPED, Effect.CHANGES)
    return inventory.Judgement(
        unit_id=one.unit.pk,
        verdict=one.evaluation.verdict.value,
        score=one.evaluation.score,
        blockers=len(blocking),
        changes=sum(finding.effect in changing for finding in yes),
        unknowns=sum(f.outcome is Outcome.UNKNOWN and f.effect is not Effect.INFO for f in findings),
        blocking_rules=tuple(finding.rule_id for finding in blocking),
        open_rules=open_rules((f.rule_id, f.effect, f.outcome) for f in one.evaluation.findings),
    )


def open_rules(findings: Iterable[tuple[str, str, str]]) -> tuple[str, ...]:
    """What `Unit.open_rules` holds, of (rule, effect, outcome): every rule that applies (yes) or is unknown, the ones
    that block, and the only one that does. What pages count units by without reading findings."""
    listed = list(findings)
    said = {f"{outcome} {rule}" for rule, _, outcome in listed if outcome != Outcome.NO}
    blocking = {rule for rule, effect, outcome in listed if (effect, outcome) == (Effect.BLOCKS, Outcome.YES)}
    said |= {f"blocks {rule}" for rule in blocking}
    return tuple(sorted(said | ({f"only {rule}" for rule in blocking} if len(blocking) == 1 else set())))


# Rows travel as one JSON text, which costs a tenth of as many parameters.
_WRITE = """
INSERT INTO tracker_finding
    (unit_id, rule, resource_key, resource_name, effect, outcome, source, sentence, evidence, settles, since)
SELECT unit_id, rule, resource_key, resource_name, effect, outcome, source, sentence, evidence, settles, %s
  FROM jsonb_to_recordset(%s::jsonb)
       AS said(unit_id bigint, rule text, resource_key text, resource_name text, effect text, outcome text, source text,
               sentence text, evidence jsonb, settles text)
ON CONFLICT (unit_id, rule, resource_key) DO UPDATE SET resource_name = excluded.resource_name,
    effect = excluded.effect, outcome = excluded.outcome, source = excluded.source, sentence = excluded.sentence,
    evidence = excluded.evidence, settles = excluded.settles,
    since = CASE WHEN (tracker_finding.effect, tracker_finding.outcome) = (excluded.effect, excluded.outcome)
                 THEN tracker_finding.since ELSE excluded.since END
"""
_COLUMNS = ("rule", "resource_key", "resource_name", "effect", "outcome", "source", "sentence", "evidence", "settles")


def _store_findings(batch: Sequence[_News], now: datetime) -> None:
    """Write findings that are new or say something else, delete those nobody says any more."""
    stored: dict[tuple[int, str, str], tuple[int, dict[str, Any]]] = {}
    for row in models.Finding.objects.filter(unit__in=[one.unit for one in batch]).values("pk", "unit_id", *_COLUMNS):
        pk, unit_id = row.pop("pk"), row.pop("unit_id")
        stored[(unit_id, row["rule"], row["resource_key"])] = (pk, row)
    said: list[dict[str, Any]] = []
    for one in batch:
        for row in {(r["rule"], r["resource_key"]): r for r in map(row_of, one.evaluation.findings)}.values():
            _, old = stored.pop((one.unit.pk, row["rule"], row["resource_key"]), (0, None))
            if old != row:
                said.append({"unit_id": one.unit.pk, **row})
    if stored:
        models.Finding.objects.filter(pk__in=[pk for pk, _ in stored.values()]).delete()
    with connection.cursor() as cursor:
        for start in range(0, len(said), 5_000):
            cursor.execute(_WRITE, [now, json.dumps(said[start : start + 5_000])])


_KEEP = """
INSERT INTO tracker_assessment
    (unit_id, at, catalogue_version, verdict, score, deductions, digest, errors, shortfalls, movable)
SELECT unit_id, %s, %s, verdict, score, deductions, digest, errors, nullif(shortfalls, 'null'::jsonb), movable
  FROM jsonb_to_recordset(%s::jsonb)
       AS said(unit_id bigint, verdict text, score int, deductions jsonb, digest text, errors jsonb, shortfalls jsonb,
               movable boolean)
"""


def _store_assessments(batch: Sequence[_News], now: datetime) -> None:
    rows = [
        {
            "unit_id": one.unit.pk,
            "verdict": one.evaluation.verdict.value,
            "score": one.evaluation.score,
            "deductions": [
                {"points": d.points, "rule": d.rule_id, "resource": d.resource_key, "reason": d.reason}
                for d in one.evaluation.deductions
            ],
            "digest": one.digest,
            "errors": [{"rule": e.rule_id, "error": repr(e.error)[:500]} for e in one.evaluation.errors],
            "shortfalls": one.shortfalls,
            "movable": one.movable,
        }
        for one in batch
    ]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [now, readiness.catalogue_version, json.dumps(inventory.storable(rows))])


def _tell(subscription_id: str, fresh: Sequence[_News], result: Assessed, by: Actor, now: datetime) -> None:
    """One event for all first assessments of a subscription, and one for each unit that is now seen otherwise."""
    facts = []
    first = [one for one in fresh if one.before is None]
    if first:
        verdicts = Counter(one.evaluation.verdict.value for one in first)
        detail: dict[str, Any] = {
            "name": Subscription.objects.values_list("name", flat=True).get(pk=subscription_id),
            "units": len(first),
            "verdicts": dict(sorted(verdicts.items())),
            "catalogue": readiness.catalogue_version,
            "first": [one.unit.key for one in first[:LISTED]],
        }
        facts.append(Fact("readiness.assessed", ("subscription", subscription_id), detail))
    for one in fresh:
        if one.before is not None:
            changed = {
                "name": one.unit.name,
                "verdict": one.evaluation.verdict.value,
                "score": one.evaluation.score,
                "before": one.before.verdict,
                "score_before": one.before.score,
                "findings": one.digest,
                "catalogue": readiness.catalogue_version,
            }
            facts.append(Fact("readiness.assessed", ("unit", one.unit.key), changed))
    for start in range(0, len(facts), 1_000):
        record_many(facts[start : start + 1_000], by=by, now=now)
