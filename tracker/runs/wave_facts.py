"""The facts behind the gates of waves, for one wave or for a list of them, in as many queries for many as for one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from migrator.readiness import catalogue_version
from tracker.inventory.models import Unit
from tracker.runs import wave_gates as gating
from tracker.runs.wave_gates import WAITING, Facts, Gate
from tracker.waves import queries
from tracker.waves.models import Approval, Wave, Window

HEALTHS = ("failed", "blocked", "at risk", "stale", "on track")  # the worst first


@dataclass(slots=True)
class Standing:
    """One wave, where it stands, and why."""

    wave: Wave
    facts: Facts
    approval: Approval | None
    moved: dict[int, list[str]] = field(default_factory=dict)  # unit -> what of it no longer matches its approval

    @property
    def gates(self) -> list[Gate]:
        return gating.gates(self.facts)

    @property
    def state(self) -> str:
        return gating.state(self.facts)

    @property
    def health(self) -> str:
        return gating.health(self.facts)[0]

    @property
    def health_reason(self) -> str:
        return gating.health(self.facts)[1]

    @property
    def next_sentence(self) -> str:
        return gating.next_step(self.facts)[1]


# One statement for all counts: every row is (what, wave, a, b, c, d, n, m, k, words).
_COUNTS = """
    SELECT 'unit', p.wave_id, u.progress, u.verdict, u.health, u.subscription_id, count(*), count(u.gone_at), 0::bigint,
           min(u.health_reason)
      FROM tracker_placement p JOIN tracker_unit u ON u.id = p.unit_id
     WHERE p.wave_id = ANY(%(waves)s)
     GROUP BY p.wave_id, u.progress, u.verdict, u.health, u.subscription_id
    UNION ALL
    SELECT 'run', r.wave_id, r.state, '', '', '', count(*), count(*) FILTER (WHERE r.attention <> ''),
           count(c.id), min(u.name) FILTER (WHERE r.attention <> '')
      FROM tracker_run r JOIN tracker_unit u ON u.id = r.unit_id LEFT JOIN tracker_comparison c ON c.run_id = r.id
     WHERE r.wave_id = ANY(%(waves)s) AND r.ended_at IS NULL
     GROUP BY r.wave_id, r.state
    UNION ALL
    SELECT 'held', wave_id, '', '', '', '', count(*), 0, 0, NULL FROM tracker_run
     WHERE wave_id = ANY(%(waves)s) AND ended_at IS NULL AND held_at IS NOT NULL GROUP BY wave_id
    UNION ALL
    SELECT 'difference', r.wave_id, '', '', '', '', count(*), 0, 0, NULL
      FROM tracker_difference d JOIN tracker_run r ON r.id = d.run_id
     WHERE r.wave_id = ANY(%(waves)s) AND r.ended_at IS NULL AND d.kind IN ('unexpected', 'unread')
       AND d.disposed_at IS NULL
     GROUP BY r.wave_id
    UNION ALL
    SELECT 'follow-up', p.wave_id, f.state, '', '', '', count(*), 0, 0, NULL
      FROM tracker_followup f JOIN tracker_placement p ON p.unit_id = f.unit_id
     WHERE p.wave_id = ANY(%(waves)s)
     GROUP BY p.wave_id, f.state
    UNION ALL
    SELECT 'commit', wave_id, state, '', '', '', count(*), 0, 0, NULL
      FROM (SELECT r.wave_id, CASE
                WHEN EXISTS (SELECT 1 FROM tracker_decision d WHERE d.approval_id = a.id AND NOT d.approved)
                THEN 'rejected' WHEN a.expires_at <= %(now)s THEN 'expired'
                WHEN (SELECT count(*) FROM tracker_decision d
                       WHERE d.approval_id = a.id AND d.approved AND d.revoked_at IS NULL) >= a.needed
                THEN 'approved' ELSE 'pending' END AS state
              FROM tracker_run r
              JOIN tracker_approval a ON a.run_id = r.id AND a.kind = 'commit' AND a.voided_at IS NULL
             WHERE r.wave_id = ANY(%(waves)s) AND r.ended_at IS NULL AND r.state = 'prepared') commits
     GROUP BY wave_id, state
    UNION ALL
    SELECT 'quota', wave, region, name, provider, subscription, amount, reserved, allowed, used::text
      FROM (QUOTA_LINES)
        AS lines (wave, subscription, region, provider, name, amount, reserved, allowed, used)
    UNION ALL
    SELECT 'decision', a.wave_id, coalesce(nullif(u.display_name, ''), u.username), d.reason,
           CASE WHEN d.approved THEN 'yes' ELSE 'no' END, d.decided_at::text, 1, 0, 0, NULL
      FROM tracker_decision d
      JOIN tracker_approval a ON a.id = d.approval_id
      JOIN tracker_user u ON u.id = d.approver_id
     WHERE a.kind = 'wave' AND a.voided_at IS NULL AND a.wave_id = ANY(%(waves)s) AND d.revoked_at IS NULL
    UNION ALL
    SELECT 'freeze', NULL, scope, '', '', '', 1, 0, 0, reason FROM tracker_freeze WHERE frozen
    UNION ALL
    SELECT 'moved', a.wave_id, '', '', '', '',
           count(*) FILTER (WHERE newer.assessed OR u.changed_at > a.requested_at),
           count(*) FILTER (WHERE u.changed_at > a.requested_at OR (newer.assessed AND EXISTS (
               SELECT 1 FROM tracker_finding f WHERE f.unit_id = u.id AND f.since > a.requested_at
                  AND f.outcome = 'yes' AND f.effect <> 'info'))),
           count(*) FILTER (WHERE a.other), NULL
      FROM (SELECT wave_id, requested_at, position(%(catalogue)s IN body) = 0 AS other FROM tracker_approval
             WHERE kind = 'wave' AND voided_at IS NULL AND wave_id = ANY(%(waves)s) OFFSET 0) a  -- a body is read once
      JOIN tracker_placement p ON p.wave_id = a.wave_id
      JOIN tracker_unit u ON u.id = p.unit_id AND u.progress IN ('planned', 'validated')
     CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM tracker_assessment s
                          WHERE s.unit_id = u.id AND s.at > a.requested_at) AS assessed) newer
     GROUP BY a.wave_id
""".replace("QUOTA_LINES", queries.QUOTA_LINES)


def listed() -> QuerySet[Wave]:
    """Waves with the ends of their windows, for lists that sort by them; narrow it before use."""
    window = Window.objects.filter(wave=OuterRef("pk"))
    return Wave.objects.annotate(
        opens=Subquery(window.order_by("opens_at").values("opens_at")[:1]),
        closes=Subquery(window.order_by("-closes_at").values("closes_at")[:1]),
    )


def standings(
    waves: Sequence[Wave], *, now: datetime, zone: tzinfo, approvals: Iterable[Approval] | None = None
) -> list[Standing]:
    """The waves (from `listed()`) with their facts, in their order; two queries, one when the open `approvals` are
    given."""
    by_wave = _counts(waves, now)
    frozen = by_wave.get(None, {}).get("freeze", [])
    if approvals is None:
        approvals = queries.approvals(now).prefetch_related(None)
        approvals = approvals.filter(kind=Approval.Kind.WAVE, wave__in=waves, voided_at__isnull=True)
    found = {row.wave_id: row for row in approvals if row.kind == Approval.Kind.WAVE and row.voided_at is None}
    return [
        Standing(
            wave,
            _facts(wave, by_wave.get(wave.pk, {}), frozen, found.get(wave.pk), now, zone),
            found.get(wave.pk),
        )
        for wave in waves
    ]


def standing(wave: Wave, *, now: datetime, zone: tzinfo) -> Standing:
    """One wave, and what exactly moved since its approval was asked for (asked only when something did)."""
    [found] = standings([wave], now=now, zone=zone)
    if found.facts.drift and found.approval is not None:
        lines = _exactly(found, wave)
        found.facts = replace(found.facts, drift=tuple(dict.fromkeys(lines)))
    return found


def _exactly(found: Standing, wave: Wave) -> list[str]:
    """What moved since the approval was asked for: everything while it waits, what is not begun once it was given."""
    approval = found.approval
    if approval is None or found.facts.approval == "pending":
        return queries.wave_drift(approval) if approval is not None else []
    units = list(Unit.objects.filter(placement__wave=wave, progress__in=WAITING))
    found.moved = {pk: lines for pk, lines in queries.unit_drifts(approval, units).items() if lines}
    return [line for lines in found.moved.values() for line in lines]


def _counts(waves: Sequence[Wave], now: datetime) -> dict[int | None, dict[str, list[tuple[Any, ...]]]]:
    """wave (None: of no wave) -> what -> rows (a, b, c, d, n, m, k, words)."""
    found: dict[int | None, dict[str, list[tuple[Any, ...]]]] = {}
    catalogue = f'"catalogue":"{catalogue_version}"'
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"waves": [wave.pk for wave in waves], "catalogue": catalogue, "now": now})
        for what, wave, *rest in cursor.fetchall():
            found.setdefault(wave, {}).setdefault(what, []).append(tuple(rest))
    return found


def _facts(
    wave: Any,
    counted: dict[str, list[tuple[Any, ...]]],
    frozen: list[tuple[Any, ...]],
    approval: Approval | None,
    now: datetime,
    zone: tzinfo,
) -> Facts:
    progress: dict[str, int] = {}
    verdicts = {"ready": 0, "blocked": 0, "unknown": 0}
    gone, worst, reason = 0, "on track", ""
    subscriptions = set()
    for state, verdict, health, subscription, n, lost, _, words in counted.get("unit", []):
        progress[state] = progress.get(state, 0) + n
        subscriptions.add(subscription)
        if verdict.startswith("ready"):
            verdicts["ready"] += n
        elif state in WAITING:
            verdicts[verdict] = verdicts.get(verdict, 0) + n
        if state in WAITING:
            gone += lost
        if HEALTHS.index(health) < HEALTHS.index(worst):
            worst, reason = health, words
    runs = {row[0]: row for row in counted.get("run", [])}
    follow_ups = {row[0]: row[4] for row in counted.get("follow-up", [])}
    commits = {row[0]: row[4] for row in counted.get("commit", [])}
    return Facts(
        now=now,
        zone=zone,
        owner=wave.owner,
        progress=progress,
        ready=verdicts["ready"],
        blocked=verdicts["blocked"],
        unknown=verdicts["unknown"],
        gone=gone,
        worst_health=worst,
        health_reason=reason,
        started=runs["planned"][4] if "planned" in runs else 0,
        troubled={state: row[5] for state, row in runs.items() if row[5]},
        attention_name=min((row[7] for row in runs.values() if row[7]), default=""),
        held=sum(row[4] for row in counted.get("held", [])),
        compared=runs["prepared"][6] if "prepared" in runs else 0,
        differences=sum(row[4] for row in counted.get("difference", [])),
        quota=_quota(wave, counted.get("quota", [])),
        opens_at=wave.opens,
        closes_at=wave.closes,
        **_approval_facts(approval, counted.get("decision", []), counted.get("moved", [])),
        commits_asked=commits.get("pending", 0),
        commits_approved=commits.get("approved", 0),
        commits_rejected=commits.get("rejected", 0),
        follow_ups=sum(follow_ups.values()),
        follow_ups_open=sum(n for state, n in follow_ups.items() if state != "closed"),
        follow_ups_failed=follow_ups.get("failed", 0),
        frozen=_frozen(frozen, subscriptions),
        stopped=wave.stop_reason if wave.stopped_at else "",
    )


def _approval_facts(
    approval: Approval | None, decisions: list[tuple[Any, ...]], moved: list[tuple[Any, ...]]
) -> dict[str, Any]:
    """`decisions`: (approver, reason, yes or no, when, ...) as they stand."""
    if approval is None:
        return {}
    state = approval.state  # type: ignore[attr-defined]
    said = sorted(decisions, key=lambda row: row[3])
    refusals = [row for row in said if row[2] == "no"]
    by = str(approval.requester) if state == "pending" else " and ".join(row[0] for row in refusals or said)
    drifted: tuple[str, ...] = ()
    if moved and state in ("pending", "approved"):
        [(*_, any_change, worse, other_catalogue, _)] = moved
        n = any_change if state == "pending" else worse
        if n:
            drifted = (f"{n} unit{'s' if n > 1 else ''} changed",)
        elif other_catalogue:
            drifted = ("the catalogue of rules changed",)
    return {
        "approval": state,
        "approval_by": by,
        "approval_reason": refusals[0][1] if refusals else "",
        "drift": drifted,
    }


def _quota(wave: Wave, rows: list[tuple[Any, ...]]) -> tuple[queries.QuotaLine, ...]:
    told = [
        (wave.pk, subscription, region, provider, name, amount, reserved, allowed, None if used is None else int(used))
        for region, name, provider, subscription, amount, reserved, allowed, used in rows
    ]
    return tuple(queries.quota_lines_of([wave.pk], told)[wave.pk])


def _frozen(rows: list[tuple[Any, ...]], subscriptions: set[str]) -> str:
    """The reason of the widest freeze that stops Prepare or Commit of this wave."""
    stopping = {"all", "verb:prepare", "verb:commit", *(f"subscription:{pk}" for pk in subscriptions)}
    hit = sorted((row[0] != "all", row[7]) for row in rows if row[0] in stopping)
    return hit[0][1] if hit else ""
