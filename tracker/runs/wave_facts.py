"""The facts behind the gates of waves, for one wave or for a list of them, in as many queries for many as for one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from migrator.leads import Granted, Usual, usual
from migrator.readiness import catalogue_version
from tracker.inventory.models import Unit
from tracker.inventory.tallies import CELL
from tracker.quota import lead_times
from tracker.readiness.catalogue import IN_FORCE
from tracker.runs import wave_gates as gating
from tracker.runs.wave_gates import WAITING, Facts, Gate
from tracker.times import short
from tracker.waves import queries
from tracker.waves.models import APPROVERS, Approval, Wave, Window

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


# One statement for all counts: every row is (what, wave, a, b, c, d, n, m, words). Units, follow-ups and quota come
# from the kept numbers (inventory/tallies.py); the rest lies in small indexes: runs in flight, what is still open.
_COUNTS = """
    SELECT 'unit', (CELL[wave])::bigint, CELL[progress], CELL[verdict], CELL[health], CELL[subscription],
           sum(units)::bigint, (coalesce(sum(units) FILTER (WHERE CELL[gone] = 'gone'), 0))::bigint, CELL[region]
      FROM tracker_tally WHERE name = 'cell' AND CELL[wave] = ANY(%(keys)s)
     GROUP BY CELL[wave], CELL[progress], CELL[verdict], CELL[health], CELL[subscription], CELL[region]
    HAVING sum(units) > 0
    UNION ALL
    SELECT name, key[1]::bigint, key[2], '', '', '', sum(units)::bigint, 0, key[3]
      FROM tracker_tally WHERE name IN ('ill', 'owed') AND key[1] = ANY(%(keys)s)
     GROUP BY name, key HAVING sum(units) > 0
    UNION ALL
    SELECT 'run', r.wave_id, r.state, '', '', '', count(*), count(c.id), NULL
      FROM tracker_run r LEFT JOIN tracker_comparison c ON c.run_id = r.id
     WHERE r.wave_id = ANY(%(waves)s) AND r.ended_at IS NULL AND r.state IN ('planned', 'prepared')
     GROUP BY r.wave_id, r.state
    UNION ALL
    SELECT 'trouble', r.wave_id, r.state, '', '', '', count(*), 0, min(u.name)
      FROM tracker_run r JOIN tracker_unit u ON u.id = r.unit_id
     WHERE r.wave_id = ANY(%(waves)s) AND r.ended_at IS NULL AND r.attention <> ''
     GROUP BY r.wave_id, r.state
    UNION ALL
    SELECT 'ordered', p.wave_id, '', '', '', '', count(*), 0, NULL
      FROM tracker_placement p JOIN tracker_unit u ON u.id = p.unit_id
     WHERE p.wave_id = ANY(%(waves)s) AND u.kind = 'storage-account' AND u.verdict = 'blocked'
       AND u.progress IN ('planned', 'validated') AND u.open_rules @> ARRAY['only STG-ORDER']
     GROUP BY p.wave_id
    UNION ALL
    SELECT 'held', wave_id, '', '', '', '', count(*), 0, NULL FROM tracker_run
     WHERE wave_id = ANY(%(waves)s) AND ended_at IS NULL AND held_at IS NOT NULL GROUP BY wave_id
    UNION ALL
    SELECT 'difference', r.wave_id, '', '', '', '', count(*), 0, NULL
      FROM tracker_difference d JOIN tracker_run r ON r.id = d.run_id
     WHERE r.wave_id = ANY(%(waves)s) AND r.ended_at IS NULL AND d.kind IN ('unexpected', 'unread')
       AND d.disposed_at IS NULL
     GROUP BY r.wave_id
    UNION ALL
    SELECT 'commit', wave_id, state, '', '', '', count(*), 0, NULL
      FROM (SELECT r.wave_id, CASE
                WHEN EXISTS (SELECT 1 FROM tracker_decision d WHERE d.approval_id = a.id AND NOT d.approved)
                THEN 'rejected' WHEN a.expires_at <= %(now)s THEN 'expired'
                WHEN (SELECT count(*) FROM tracker_decision d
                       WHERE d.approval_id = a.id AND d.approved AND d.revoked_at IS NULL
                         AND EXISTS (SELECT 1 FROM tracker_user p JOIN tracker_rolegrant g ON g.user_id = p.id
                                      WHERE p.id = d.approver_id AND p.is_active
                                        AND g.role = ANY(%(approvers)s))) >= a.needed
                THEN 'approved' ELSE 'pending' END AS state
              FROM tracker_run r
              JOIN tracker_approval a ON a.run_id = r.id AND a.kind = 'commit' AND a.voided_at IS NULL
             WHERE r.wave_id = ANY(%(waves)s) AND r.ended_at IS NULL AND r.state = 'prepared') commits
     GROUP BY wave_id, state
    UNION ALL
    SELECT 'quota', wave, region, name, provider, subscription, amount, reserved, concat_ws(' ', allowed, used)
      FROM (QUOTA_LINES)
        AS lines (wave, subscription, region, provider, name, amount, reserved, allowed, used)
    UNION ALL
    SELECT 'decision', a.wave_id, coalesce(nullif(u.display_name, ''), u.username), d.reason,
           CASE WHEN d.approved THEN 'yes' ELSE 'no' END, d.decided_at::text, 1, 0, NULL
      FROM tracker_decision d
      JOIN tracker_approval a ON a.id = d.approval_id
      JOIN tracker_user u ON u.id = d.approver_id
     WHERE a.kind = 'wave' AND a.voided_at IS NULL AND a.wave_id = ANY(%(waves)s) AND d.revoked_at IS NULL
    UNION ALL
    SELECT 'freeze', NULL, scope, '', '', '', 1, 0, reason FROM tracker_freeze WHERE frozen
    UNION ALL
    SELECT 'planned', NULL, scope, begins_at::text, ends_at::text, zone, id, 0, reason FROM tracker_plannedfreeze
     WHERE withdrawn_at IS NULL AND ends_at > %(now)s
    UNION ALL
    SELECT 'window', wave_id, opens_at::text, closes_at::text, zone, '', 1, 0, NULL FROM tracker_window
     WHERE wave_id = ANY(%(waves)s)
    UNION ALL
    SELECT 'moved', a.wave_id, '', '', '', '', count(*), 0, NULL
      FROM tracker_approval a JOIN tracker_placement p ON p.wave_id = a.wave_id
      JOIN tracker_unit u ON u.id = p.unit_id AND u.progress IN ('planned', 'validated')
     WHERE a.id = ANY(%(pending)s) AND (u.changed_at > a.requested_at OR EXISTS (
           SELECT 1 FROM tracker_assessment s WHERE s.unit_id = u.id AND s.at > a.requested_at))
     GROUP BY a.wave_id
    UNION ALL
    SELECT 'moved', a.wave_id, '', '', '', '', count(DISTINCT u.id), 0, NULL
      FROM (SELECT id AS unit_id, changed_at AS at FROM tracker_unit WHERE changed_at > %(approved_since)s
            UNION ALL
            SELECT unit_id, since FROM tracker_finding
             WHERE since > %(approved_since)s AND outcome = 'yes' AND effect IN ('blocks', 'downtime', 'dropped')
               AND NOT waived) fresh
      JOIN tracker_placement p ON p.unit_id = fresh.unit_id
      JOIN tracker_approval a ON a.wave_id = p.wave_id AND a.id = ANY(%(approved)s) AND fresh.at > a.requested_at
      JOIN tracker_unit u ON u.id = fresh.unit_id AND u.progress IN ('planned', 'validated')
     GROUP BY a.wave_id
    UNION ALL
    SELECT 'catalogue', NULL, version, '', '', '', 1, 0, NULL FROM (IN_FORCE) AS in_force
""".replace("QUOTA_LINES", queries.QUOTA_LINES).replace("IN_FORCE", IN_FORCE)
for _place, _name in enumerate(CELL, 1):
    _COUNTS = _COUNTS.replace(f"CELL[{_name}]", f"key[{_place}]")


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
    given; one more where a limit is short."""
    if approvals is None:
        approvals = queries.approvals(now).prefetch_related(None)
        approvals = approvals.filter(kind=Approval.Kind.WAVE, wave__in=waves, voided_at__isnull=True)
    asked = {row.wave_id: row for row in approvals if row.kind == Approval.Kind.WAVE and row.voided_at is None}
    found = {wave.pk: asked[wave.pk] for wave in waves if wave.pk in asked}
    by_wave = _counts(waves, found.values(), now)
    shared = by_wave.get(None, {})
    frozen = (shared.get("freeze", []), shared.get("planned", []))
    in_force = next((row[0] for row in shared.get("catalogue", [])), catalogue_version)
    return _with_usual(
        [
            Standing(
                wave,
                _facts(wave, by_wave.get(wave.pk, {}), frozen, found.get(wave.pk), in_force, now, zone),
                found.get(wave.pk),
            )
            for wave in waves
        ]
    )


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


def _counts(
    waves: Sequence[Wave], approvals: Iterable[Approval], now: datetime
) -> dict[int | None, dict[str, list[tuple[Any, ...]]]]:
    """wave (None: of no wave) -> what -> rows (a, b, c, d, n, m, words). `approvals`: the open ones of these waves."""
    found: dict[int | None, dict[str, list[tuple[Any, ...]]]] = {}
    by_state: dict[str, list[Approval]] = {"pending": [], "approved": []}
    for approval in approvals:
        by_state.setdefault(approval.state, []).append(approval)  # type: ignore[attr-defined]
    given = {
        "approvers": APPROVERS,
        "waves": [wave.pk for wave in waves],
        "keys": [str(wave.pk) for wave in waves],
        "now": now,
        "pending": [approval.pk for approval in by_state["pending"]],
        "approved": [approval.pk for approval in by_state["approved"]],
        "approved_since": min((approval.requested_at for approval in by_state["approved"]), default=now),
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, given)
        for what, wave, *rest in cursor.fetchall():
            found.setdefault(wave, {}).setdefault(what, []).append(tuple(rest))
    return found


def _facts(
    wave: Any,
    counted: dict[str, list[tuple[Any, ...]]],
    frozen: tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]],
    approval: Approval | None,
    in_force: str,
    now: datetime,
    zone: tzinfo,
) -> Facts:
    progress: dict[str, int] = {}
    verdicts = {"ready": 0, "blocked": 0, "unknown": 0}
    gone, worst = 0, "on track"
    subscriptions, regions = set(), set()
    for state, verdict, health, subscription, n, lost, region in counted.get("unit", []):
        progress[state] = progress.get(state, 0) + n
        subscriptions.add(subscription)
        regions.add(queries.region_key(region or ""))
        if verdict.startswith("ready"):
            verdicts["ready"] += n
        elif state in WAITING:
            verdicts[verdict] = verdicts.get(verdict, 0) + n
        if state in WAITING:
            gone += lost
        worst = min(worst, health, key=HEALTHS.index)
    reasons = [row[6] for row in counted.get("ill", []) if row[0] == worst]
    runs = {row[0]: row for row in counted.get("run", [])}
    trouble = counted.get("trouble", [])
    follow_ups = {row[0]: row[4] for row in counted.get("owed", [])}
    commits = {row[0]: row[4] for row in counted.get("commit", [])}
    scopes = {
        "all", "verb:prepare", "verb:commit", f"wave:{wave.pk}", *(f"subscription:{pk}" for pk in subscriptions),
        *(f"region:{name}" for name in regions),
    }  # fmt: skip
    planned = _planned(frozen[1], scopes, zone, now)
    spans = _windows(wave, counted.get("window", []))
    opens, closes = _current(spans, now)
    return Facts(
        now=now,
        zone=zone,
        owner=wave.owner,
        progress=progress,
        ready=verdicts["ready"],
        # a storage account that only waits for its machines is in its place
        blocked=verdicts["blocked"] - sum(row[4] for row in counted.get("ordered", [])),
        unknown=verdicts["unknown"],
        gone=gone,
        worst_health=worst,
        health_reason=min(reasons, default=""),
        started=runs["planned"][4] if "planned" in runs else 0,
        troubled={row[0]: row[4] for row in trouble},
        attention_name=min((row[6] for row in trouble), default=""),
        held=sum(row[4] for row in counted.get("held", [])),
        compared=runs["prepared"][5] if "prepared" in runs else 0,
        differences=sum(row[4] for row in counted.get("difference", [])),
        quota=_quota(wave, counted.get("quota", [])),
        opens_at=opens,
        closes_at=closes,
        windows=spans,
        **_approval_facts(
            approval,
            counted.get("decision", []),
            moved=sum(row[4] for row in counted.get("moved", [])),
            waiting=sum(progress.get(state, 0) for state in WAITING),
            in_force=in_force,
        ),
        commits_asked=commits.get("pending", 0),
        commits_approved=commits.get("approved", 0),
        commits_rejected=commits.get("rejected", 0),
        follow_ups=sum(n for state, n in follow_ups.items() if state != "to-do"),
        follow_ups_open=sum(n for state, n in follow_ups.items() if state not in ("closed", "to-do")),
        follow_ups_people=follow_ups.get("to-do", 0),
        follow_ups_failed=follow_ups.get("failed", 0),
        frozen=_frozen(frozen[0], scopes) or next((each.sentence for each in planned if each.begins_at <= now), ""),
        planned=planned,
        stopped=wave.stop_reason if wave.stopped_at else "",
    )


def _approval_facts(
    approval: Approval | None, decisions: list[tuple[Any, ...]], *, moved: int, waiting: int, in_force: str
) -> dict[str, Any]:
    """`decisions`: (approver, reason, yes or no, when, ...) as they stand; `moved`: units that changed since the
    approval was asked for, of the `waiting` ones; `in_force`: the catalogue of rules."""
    if approval is None:
        return {}
    state = approval.state  # type: ignore[attr-defined]
    said = sorted(decisions, key=lambda row: row[3])
    refusals = [row for row in said if row[2] == "no"]
    by = str(approval.requester) if state == "pending" else " and ".join(row[0] for row in refusals or said)
    drifted: tuple[str, ...] = ()
    if moved:
        drifted = (f"{moved} unit{'s' if moved > 1 else ''} changed",)
    elif waiting and state in ("pending", "approved") and approval.catalogue != in_force:
        drifted = ("the catalogue of rules changed",)
    return {
        "approval": state,
        "approval_by": by,
        "approval_reason": refusals[0][1] if refusals else "",
        "drift": drifted,
    }


def _with_usual(found: list[Standing]) -> list[Standing]:
    """With how long a larger limit usually takes, where something is short: one query more, and only then."""
    if any(line.short for one in found for line in one.facts.quota):
        seen = lead_times.granted()
        for one in found:
            one.facts = replace(one.facts, quota_usual=_usual(one.facts.quota, seen))
    return found


def _usual(lines: Sequence[queries.QuotaLine], seen: Sequence[Granted]) -> Usual | None:
    """What is usual for the limit that is short and takes longest."""
    known = [found for line in lines if line.short and (found := usual(seen, line.region, line.name)) is not None]
    return max(known, key=lambda found: found.late) if known else None


def _quota(wave: Wave, rows: list[tuple[Any, ...]]) -> tuple[queries.QuotaLine, ...]:
    told = []
    for region, name, provider, subscription, amount, reserved, limits in rows:
        allowed, used = map(int, limits.split()) if limits else (None, None)
        told.append((wave.pk, subscription, region, provider, name, amount, reserved, allowed, used))
    return tuple(queries.quota_lines_of([wave.pk], told)[wave.pk])


def _frozen(rows: list[tuple[Any, ...]], scopes: set[str]) -> str:
    """The reason of the widest freeze that stops Prepare or Commit of this wave."""
    hit = sorted((row[0] != "all", row[6]) for row in rows if row[0] in scopes)
    return hit[0][1] if hit else ""


def _planned(rows: list[tuple[Any, ...]], scopes: set[str], zone: tzinfo, now: datetime) -> tuple[gating.Planned, ...]:
    """Planned freezes that stop Prepare or Commit of something in this wave, by their begin."""
    found = []
    for scope, begins, ends, said_in, pk, _, reason in rows:
        if scope in scopes:
            begins_at, ends_at = datetime.fromisoformat(begins), datetime.fromisoformat(ends)
            sentence = f"planned until {short(ends_at, zone, now)}: {reason}"
            found.append(gating.Planned(pk, scope, begins_at, ends_at, said_in, reason, sentence))
    return tuple(sorted(found, key=lambda each: (each.begins_at, each.pk)))


def _windows(wave: Any, rows: list[tuple[Any, ...]]) -> tuple[gating.Window, ...]:
    """The windows of a wave by their opening; of an approval that is over, those it was about."""
    then = getattr(wave, "windows_then", None)
    if then is not None:
        return tuple(gating.Window(opens, closes, "UTC") for opens, closes in then)
    parse = datetime.fromisoformat
    return tuple(sorted(gating.Window(parse(row[0]), parse(row[1]), row[2]) for row in rows))


def _current(spans: Sequence[gating.Window], now: datetime) -> tuple[datetime | None, datetime | None]:
    """The window that counts: the open one that closes last, else the next, else the last that was."""
    here = [each for each in spans if each.opens_at <= now < each.closes_at]
    coming = [each for each in spans if each.opens_at > now]
    if here:
        found = max(here, key=lambda each: each.closes_at)
    elif coming:
        found = min(coming)
    elif spans:
        found = max(spans, key=lambda each: each.closes_at)
    else:
        return None, None
    return found.opens_at, found.closes_at
