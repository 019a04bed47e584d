"""The units of a wave with their runs: what each waits for, how long each verb took, and the pulse that tells whether
anything of it changed. Two queries, and one for the pulse."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.urls import reverse

from migrator.lifecycle import State
from tracker.inventory.models import Unit
from tracker.runs.models import Difference, Operation, Run, Transition
from tracker.runs.wave_gates import Facts
from tracker.waves import queries
from tracker.waves.models import Placement, Wave
from tracker.web.wave_board import Summary


@dataclass(slots=True)
class Row:
    """One unit of a wave with its newest run in this wave."""

    placement: Placement
    unit: Unit
    run: Any  # Run, annotated by `_runs`, or None
    next_sentence: str = ""
    url: str = ""
    hue: str = "neutral"
    took: list[tuple[str, float]] = field(default_factory=list)  # (verb, seconds)
    since: datetime | None = None  # in the present state

    @property
    def removable(self) -> bool:
        return self.unit.progress == State.PLANNED and (self.run is None or self.run.ended_at is not None)


def rows(summary: Summary) -> list[Row]:
    """The units of a wave: those that need a person first, then the longest locked, then by name; two queries."""
    placed = Placement.objects.filter(wave=summary.wave).select_related("unit__subscription").order_by("unit__name")
    runs = {run.unit_id: run for run in _runs(summary.wave, summary.facts.now)}
    found = []
    for placement in placed:
        row = Row(placement, placement.unit, runs.get(placement.unit_id))
        _describe(row, summary)
        found.append(row)
    late = summary.facts.now
    found.sort(
        key=lambda row: (
            not (row.run is not None and row.run.attention and row.run.ended_at is None),
            row.unit.locked_since or late,
            row.unit.name.lower(),
            row.unit.pk,
        )
    )
    return found


def _runs(wave: Wave, now: datetime) -> QuerySet[Run]:
    """The newest run of each unit in the wave, with its moves, its live operation and its open differences."""
    moves = Transition.objects.filter(run=OuterRef("pk")).order_by("id")
    operation = Operation.objects.filter(run=OuterRef("pk")).order_by("-created_at")
    differences = (
        Difference.objects.filter(run=OuterRef("pk"), kind__in=["unexpected", "unread"], disposed_at__isnull=True)
        .order_by()
        .values("run")
        .annotate(n=Count("pk"))
    )
    commit = queries.approvals(now).filter(run_id=OuterRef("pk"), voided_at__isnull=True)
    return (
        Run.objects.filter(wave=wave)
        .defer("members")
        .order_by("unit_id", "-started_at")
        .distinct("unit_id")
        .annotate(
            moves=ArraySubquery(moves.values(json=JSONObject(before="before", after="after", at="at"))),
            verb=Subquery(operation.values("verb")[:1]),
            operation_state=Subquery(operation.values("state")[:1]),
            open_differences=Subquery(differences.values("n")),
            commit_approval=Subquery(commit.values("state")[:1]),
        )
    )


def _describe(row: Row, summary: Summary) -> None:
    """What the unit waits for, where to go for it, and how long each verb took."""
    run, unit = row.run, row.unit
    live = run is not None and run.ended_at is None
    if run is not None:
        row.url = reverse("run", args=[run.pk])
        row.took, row.since = _times(run)
    else:
        row.url = reverse("unit", args=[unit.pk])
    row.since = row.since or row.placement.placed_at
    if live and run.attention:
        row.next_sentence, row.hue = run.attention, "stop"
    elif live and run.held_at:
        row.next_sentence, row.hue = "On hold; resume it to go on.", "attention"
    else:
        row.next_sentence, row.hue = _next(row, summary, live)


def _next(row: Row, summary: Summary, live: bool) -> tuple[str, str]:
    run, facts = row.run, summary.facts
    match State(row.unit.progress):
        case State.PLANNED | State.VALIDATED if row.unit.pk in summary.moved and row.unit.verdict != "blocked":
            return f"Not what was approved: {summary.moved[row.unit.pk][0]}. Submit the wave again.", "stop"
        case State.PLANNED if live:
            return (run.waiting_for if run.operation_state == "held" else "Validate is running."), "progress"
        case State.PLANNED if row.unit.verdict == "blocked":
            return "Clear the blockers, or remove it.", "stop"
        case State.PLANNED if facts.approval == "approved":
            return "Start it: Validate changes nothing.", "neutral"
        case State.PLANNED:
            return "Waits for the approval of the wave.", "neutral"
        case State.VALIDATED:
            return _after_validate(run, facts)
        case State.PREPARED:
            return _after_prepare(run)
        case State.PREPARING | State.ABORTING | State.COMMITTING:
            said = run.waiting_for if run is not None else ""
            return said or f"{row.unit.progress.capitalize()}: the platform is at work.", "progress"
        case State.COMMITTED | State.VERIFIED:
            return (run.waiting_for if run is not None and run.waiting_for else "Being read again."), "progress"
        case State.CLOSED:
            return "Nothing more to do.", "good"
    return "Being taken back to planned.", "neutral"


def _after_validate(run: Any, facts: Facts) -> tuple[str, str]:
    if run is not None and run.operation_state == "held":
        return run.waiting_for, "attention"
    if run is not None and run.verb == "prepare" and run.operation_state == "ready":
        return "Prepare was asked for.", "progress"
    if facts.window == "open":
        return "Prepare it: from then on it is locked.", "neutral"
    return "Prepare when the window opens." if facts.window == "upcoming" else "Needs a window.", "neutral"


def _after_prepare(run: Any) -> tuple[str, str]:
    if run is None:
        return "Prepared without a run; look at the unit.", "stop"
    if run.verb in ("commit", "abort") and run.operation_state in ("ready", "held"):
        said = run.waiting_for if run.operation_state == "held" else ""
        return said or f"{run.verb.capitalize()} was asked for.", "progress"
    if run.open_differences:
        n = run.open_differences
        return f"Decide {n} unexpected difference{'s' if n > 1 else ''}.", "stop"
    match run.commit_approval:
        case "approved":
            return "Commit is approved: commit it.", "attention"
        case "pending":
            return "A second person has to approve the commit.", "attention"
        case "rejected":
            return "The commit was rejected; read why.", "stop"
        case "expired":
            return "The approval of the commit expired; ask again.", "attention"
    return "Read the comparison and ask for the commit.", "attention"


def _times(run: Any) -> tuple[list[tuple[str, float]], datetime | None]:
    """How long Validate, Prepare and Commit took, and since when the run is in its state."""
    at = {"planned": run.started_at}
    last = run.started_at
    for move in run.moves:
        last = at[move["after"]] = datetime.fromisoformat(move["at"])
    spans = (
        ("Validate", "planned", "validated"),
        ("Prepare", "preparing", "prepared"),
        ("Commit", "committing", "committed"),
    )
    took = [
        (verb, (at[end] - at[begin]).total_seconds())
        for verb, begin, end in spans
        if begin in at and end in at and at[end] >= at[begin]
    ]
    return took, last


def pulse(wave: Wave, now: datetime) -> str:
    """Everything the live part of a wave page shows, as one short text that changes when something of it does; one
    query."""
    with connection.cursor() as cursor:
        cursor.execute(_PULSE, {"wave": wave.pk, "now": now})
        return cursor.fetchone()[0]


_PULSE = """
    SELECT md5(concat_ws('|',
        (SELECT concat_ws(',', edited_at, stopped_at, name, owner) FROM tracker_wave WHERE id = %(wave)s),
        (SELECT string_agg(concat_ws(',', u.id, u.progress, u.verdict, u.score, u.health, u.locked_since, u.changed_at,
                u.gone_at, u.assessed_at, r.id, r.state, r.attention, r.waiting_for, r.held_at, r.ended_at, o.verb,
                o.state, c.digest), ';' ORDER BY u.id)
           FROM tracker_placement p JOIN tracker_unit u ON u.id = p.unit_id
           LEFT JOIN LATERAL (SELECT * FROM tracker_run WHERE unit_id = u.id AND wave_id = p.wave_id
                               ORDER BY started_at DESC LIMIT 1) r ON TRUE
           LEFT JOIN LATERAL (SELECT verb, state FROM tracker_operation WHERE run_id = r.id
                               ORDER BY created_at DESC LIMIT 1) o ON TRUE
           LEFT JOIN tracker_comparison c ON c.run_id = r.id
          WHERE p.wave_id = %(wave)s),
        (SELECT string_agg(concat_ws(',', id, voided_at, expires_at < %(now)s), ';' ORDER BY id)
           FROM tracker_approval WHERE wave_id = %(wave)s),
        (SELECT string_agg(concat_ws(',', d.id, d.revoked_at), ';' ORDER BY d.id) FROM tracker_decision d
           JOIN tracker_approval a ON a.id = d.approval_id WHERE a.wave_id = %(wave)s),
        (SELECT string_agg(concat_ws(',', opens_at, closes_at, opens_at <= %(now)s, closes_at <= %(now)s), ';'
                ORDER BY id) FROM tracker_window WHERE wave_id = %(wave)s),
        (SELECT count(*) FROM tracker_difference d JOIN tracker_run r ON r.id = d.run_id
          WHERE r.wave_id = %(wave)s AND d.disposed_at IS NOT NULL),
        (SELECT string_agg(concat_ws(',', f.state, f.n), ';' ORDER BY f.state) FROM (
            SELECT f.state, count(*) AS n FROM tracker_followup f JOIN tracker_placement p ON p.unit_id = f.unit_id
             WHERE p.wave_id = %(wave)s GROUP BY f.state) f),
        (SELECT string_agg(concat_ws(',', scope, reason), ';' ORDER BY scope) FROM tracker_freeze WHERE frozen),
        (SELECT string_agg(concat_ws(',', id, begins_at <= %(now)s), ';' ORDER BY id) FROM tracker_plannedfreeze
          WHERE withdrawn_at IS NULL AND ends_at > %(now)s),
        (SELECT concat_ws(',', sum(amount), count(*)) FROM tracker_reservation),
        (SELECT concat_ws(',', sum("limit"), sum(current)) FROM tracker_usage)))
"""
