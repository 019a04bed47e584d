"""Everything that happened in one run, and what stands around it, for its page and its download. Reads only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, models
from django.db.models import DateTimeField, Func

from migrator.lifecycle import LIVE_OPERATION
from tracker.audit.values import stamp
from tracker.followups.models import AcceptedGap, CapturedSetting
from tracker.runs.models import Ask, AskVerb, Attempt, Difference, Operation, Run, Transition

LOOKS = 200
Row = TypeVar("Row", bound=models.Model)
SENT = (AskVerb.VALIDATE, AskVerb.PREPARE, AskVerb.COMMIT, AskVerb.ABORT, AskVerb.RETRY)  # answered by an operation


@dataclass(frozen=True, slots=True)
class Captured:
    pk: int
    kind: str
    name: str
    source_key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Effect:
    """One finding that says what a move does beside moving: downtime, a change."""

    rule: str
    effect: str
    resource: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Look:
    """One reading of both sides that showed something new, out of the history."""

    at: datetime
    verb: str
    seen: dict[str, str]
    concluded: str


@dataclass(slots=True)
class Story:
    asks: list[Ask] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    attempts: dict[UUID, list[Attempt]] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)  # the newest `LOOKS`
    captured: list[Captured] = field(default_factory=list)
    captured_at: datetime | None = None
    capture_missing: list[dict[str, str]] = field(default_factory=list)
    gaps: list[AcceptedGap] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    follow_ups: dict[str, int] = field(default_factory=dict)  # by state
    people: dict[str, str] = field(default_factory=dict)  # actor key -> name

    @property
    def live(self) -> Operation | None:
        return next((each for each in self.operations if each.state in LIVE_OPERATION), None)

    @property
    def waiting(self) -> Ask | None:
        """The oldest wish that no operation answers yet."""
        answered = {each.ask_id for each in self.operations}
        return next((ask for ask in self.asks if ask.verb in SENT and ask.pk not in answered), None)

    @property
    def last(self) -> Operation | None:
        return self.operations[-1] if self.operations else None


class _Clock(Func):
    function = "clock_timestamp"
    output_field = DateTimeField()


def run(identity: UUID) -> Run | None:
    """The run with unit, subscription, wave, comparison (without its documents) and `.now`, the database's clock."""
    return (
        Run.objects.select_related("unit__subscription", "wave", "comparison")
        .defer("comparison__arm_documents")
        .annotate(now=_Clock())
        .filter(pk=identity)
        .first()
    )


_STORY = """
SELECT 'ask', to_jsonb(a) FROM tracker_ask a WHERE a.run_id = %(run)s
UNION ALL SELECT 'operation', to_jsonb(o) FROM tracker_operation o WHERE o.run_id = %(run)s
UNION ALL SELECT 'attempt', to_jsonb(t) FROM tracker_attempt t
  JOIN tracker_operation o ON o.id = t.operation_id WHERE o.run_id = %(run)s
UNION ALL SELECT 'transition', to_jsonb(m) FROM tracker_transition m WHERE m.run_id = %(run)s
UNION ALL SELECT 'captured', jsonb_build_object('pk', id, 'kind', kind, 'name', name, 'source_key', source_key,
  'at', captured_at) FROM tracker_capturedsetting WHERE unit_id = %(unit)s
UNION ALL (SELECT 'capture', jsonb_build_object('at', at, 'missing', missing) FROM tracker_capture
  WHERE unit_id = %(unit)s ORDER BY at DESC LIMIT 1)
UNION ALL SELECT 'gap', to_jsonb(g) FROM tracker_acceptedgap g WHERE g.run = %(run)s
UNION ALL SELECT 'follow-up', jsonb_build_object('state', state, 'n', count(*)) FROM tracker_followup
  WHERE unit_id = %(unit)s GROUP BY state
UNION ALL SELECT 'effect', jsonb_build_object('rule', rule, 'effect', effect, 'resource', resource_name,
  'sentence', sentence) FROM tracker_finding
  WHERE unit_id = %(unit)s AND outcome = 'yes' AND effect IN ('downtime', 'changes')
UNION ALL (SELECT 'look', jsonb_build_object('at', e.at, 'detail', e.body::jsonb -> 'detail') FROM tracker_event e
  WHERE e.object_kind = 'operation' AND e.type = 'operation.looked'
    AND e.object_id IN (SELECT id::text FROM tracker_operation WHERE run_id = %(run)s)
  ORDER BY e.id DESC LIMIT %(looks)s)
UNION ALL SELECT 'person', jsonb_build_object('key', 'user:' || pseudonym, 'name',
  coalesce(nullif(display_name, ''), username)) FROM tracker_user WHERE 'user:' || pseudonym IN (
    SELECT by FROM tracker_ask WHERE run_id = %(run)s UNION SELECT started_by FROM tracker_run WHERE id = %(run)s
    UNION SELECT by FROM tracker_acceptedgap WHERE run = %(run)s
    UNION SELECT disposed_by FROM tracker_difference WHERE run_id = %(run)s)
"""


def read(run: Run) -> Story:
    """One query."""
    story = Story()
    with connection.cursor() as cursor:
        cursor.execute(_STORY, {"run": run.pk, "unit": run.unit_id, "looks": LOOKS})
        for kind, row in cursor.fetchall():
            _take(story, kind, _json(row))
    story.asks.sort(key=lambda ask: ask.pk)
    story.operations.sort(key=lambda each: each.created_at)
    story.transitions.sort(key=lambda each: each.pk)
    story.gaps.sort(key=lambda each: each.pk)
    story.captured.sort(key=lambda each: (each.kind, each.name))
    story.effects.sort(key=lambda each: (each.rule, each.resource))
    for attempts in story.attempts.values():
        attempts.sort(key=lambda each: each.number)
    return story


def _json(row: Any) -> dict[str, Any]:
    return json.loads(row) if isinstance(row, str) else row


def _take(story: Story, kind: str, row: dict[str, Any]) -> None:
    match kind:
        case "ask":
            story.asks.append(_made(Ask, row))
        case "operation":
            story.operations.append(_made(Operation, row))
        case "attempt":
            attempt = _made(Attempt, row)
            story.attempts.setdefault(attempt.operation_id, []).append(attempt)
        case "transition":
            story.transitions.append(_made(Transition, row))
        case "look":
            said = row["detail"]
            at = datetime.fromisoformat(row["at"])
            story.looks.append(Look(at, said.get("verb", ""), said.get("seen", {}), said.get("concluded", "")))
        case "captured":
            story.captured.append(Captured(**row | {"at": datetime.fromisoformat(row["at"])}))
        case "capture":
            story.captured_at, story.capture_missing = datetime.fromisoformat(row["at"]), row["missing"]
        case "gap":
            story.gaps.append(_made(AcceptedGap, row))
        case "follow-up":
            story.follow_ups[row["state"]] = row["n"]
        case "effect":
            story.effects.append(Effect(**row))
        case "person":
            story.people[row["key"]] = row["name"]


def _made(model: type[Row], row: Mapping[str, Any]) -> Row:
    """A row that came as JSON, as the model's own instance."""
    values = []
    for each in model._meta.concrete_fields:
        value = row[each.column]
        if value is not None and isinstance(each, models.DateTimeField):
            value = datetime.fromisoformat(value)
        elif value is not None and not isinstance(each, models.JSONField):
            value = each.to_python(value)
        values.append(value)
    return model.from_db("default", [each.attname for each in model._meta.concrete_fields], values)


def differences(run: Run) -> list[Difference]:
    """Rows of the comparison, what a person has to look at first. Those that are the same on both sides are counted in
    `run.comparison`, not listed."""
    order = {"unexpected": 0, "unread": 1, "dropped": 2, "renamed": 3}
    rows = run.differences.exclude(kind="same")
    return sorted(rows, key=lambda row: (order.get(row.kind, 9), row.disposed_at is not None, row.pk))


_VERSION = """
SELECT md5(concat_ws('|',
  (SELECT to_jsonb(r) - 'fence' - 'lease_until' - 'enqueued_at' FROM tracker_run r WHERE r.id = %(run)s)::text,
  (SELECT string_agg((to_jsonb(o) - 'fence')::text, ',' ORDER BY o.id) FROM tracker_operation o
    WHERE o.run_id = %(run)s),
  (SELECT concat(count(*), ' ', count(t.resolved_at), ' ', max(t.id::text)) FROM tracker_attempt t
    JOIN tracker_operation o ON o.id = t.operation_id WHERE o.run_id = %(run)s),
  (SELECT max(id) FROM tracker_ask WHERE run_id = %(run)s),
  (SELECT concat(count(*), ' ', count(disposed_at), ' ', max(id)) FROM tracker_difference WHERE run_id = %(run)s),
  (SELECT concat(u.health, u.locked_since, u.progress, u.gone_at) FROM tracker_unit u WHERE u.id = r.unit_id),
  (SELECT concat(w.name, w.stopped_at, w.stop_reason) FROM tracker_wave w WHERE w.id = r.wave_id),
  (SELECT string_agg(concat(opens_at, closes_at, opens_at <= clock_timestamp(), closes_at > clock_timestamp()), ','
    ORDER BY id) FROM tracker_window WHERE wave_id = r.wave_id),
  (SELECT string_agg(concat(scope, reason), ',' ORDER BY scope) FROM tracker_freeze WHERE frozen),
  (SELECT string_agg(concat(id, begins_at <= clock_timestamp()), ',' ORDER BY id) FROM tracker_plannedfreeze
    WHERE withdrawn_at IS NULL AND ends_at > clock_timestamp()),
  (SELECT string_agg(verb, ',' ORDER BY verb) FROM tracker_overrun WHERE run_id = r.id),
  (SELECT count(*) FROM tracker_acceptedgap WHERE run = r.id),
  (SELECT string_agg(concat(a.id, a.voided_at, a.expires_at > clock_timestamp(), (
      SELECT concat(count(*), count(*) FILTER (WHERE approved), count(revoked_at)) FROM tracker_decision d
       WHERE d.approval_id = a.id)), ',' ORDER BY a.id) FROM tracker_approval a
    WHERE a.wave_id = r.wave_id AND (a.run_id = r.id OR a.kind = 'wave')),
  (SELECT string_agg(concat(state, n), ',' ORDER BY state) FROM (
      SELECT state, count(*) AS n FROM tracker_followup WHERE unit_id = r.unit_id GROUP BY state) f)
)) FROM tracker_run r WHERE r.id = %(run)s
"""


def version(identity: UUID) -> str:
    """A digest that changes when anything on the run's page does; empty when there is no such run. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_VERSION, {"run": identity})
        row = cursor.fetchone()
    return row[0] if row else ""


def document(run: Run) -> dict[str, Any]:
    """The whole run as plain JSON: for the download, a ticket with the platform, a script. Times are UTC."""
    story = read(run)
    comparison = getattr(run, "comparison", None)
    settings = CapturedSetting.objects.filter(unit=run.unit_id).order_by("source_key")
    return {
        "run": _plain(run, leave_out=("lease_until", "enqueued_at", "fence")),
        "unit": {"key": run.unit.key, "name": run.unit.name, "kind": run.unit.kind, "region": run.unit.region},
        "subscription": {"id": run.unit.subscription_id, "name": run.unit.subscription.name},
        "wave": {"id": run.wave_id, "name": run.wave.name},
        "people": story.people,
        "asks": [_plain(ask, leave_out=("by_id",)) for ask in story.asks],
        "operations": [
            _plain(each) | {"attempts": [_plain(attempt) for attempt in story.attempts.get(each.pk, [])]}
            for each in story.operations
        ],
        "transitions": [_plain(each) for each in story.transitions],
        "comparison": _plain(comparison) if comparison else None,
        "differences": [_plain(row) for row in run.differences.order_by("pk")],
        "captured_settings": [_plain(row) for row in settings],
        "follow_ups": story.follow_ups,
    }


def _plain(row: models.Model, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    answer = {}
    for each in row._meta.concrete_fields:
        if each.attname not in leave_out:
            value = getattr(row, each.attname)
            if isinstance(value, datetime):
                value = stamp(value)
            answer[each.attname] = str(value) if isinstance(value, UUID) else value
    return answer
