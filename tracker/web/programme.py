"""The programme as the overview shows it: the flow of units, waves, locks, decisions.

Everything here reads; the numbers agree with the lists they link to because both come from the same filters.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.urls import NoReverseMatch, reverse

from migrator.lifecycle import LOCKED, State
from migrator.readiness import Verdict
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.inventory import queries as inventory
from tracker.runs import wave_facts
from tracker.waves import queries as waves
from tracker.waves.models import Approval, Wave
from tracker.web import charts

NOT_BEGUN = (State.DISCOVERED, State.ASSESSED, State.PLANNED, State.VALIDATED)
UNDER_WAY = tuple(state for state in State if state in LOCKED)
READY = (Verdict.READY, Verdict.READY_WITH_CHANGE)
DONE = (State.COMMITTED, State.VERIFIED, State.CLOSED)


def address(name: str, *parts: object, **query: object) -> str:
    """The address of a page, or empty while it does not exist. Lists in `query` are repeated parameters."""
    try:
        url = reverse(name, args=parts)
    except NoReverseMatch:
        return ""
    return f"{url}?{urlencode(query, doseq=True)}" if query else url


def values(states: Iterable[Any]) -> list[str]:
    return [state.value for state in states]


# --- units ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Cell:
    """Units that share progress, verdict, health and wave."""

    progress: str
    verdict: str
    health: str
    wave: int | None
    units: int


@dataclass(frozen=True, slots=True)
class Counted:
    """All units of the programme, counted: the same as the unfiltered inventory list. `rules`: units in scope by what
    rules say of them."""

    cells: list[Cell]
    rules: Counter[str]


def counted() -> Counted:
    """One query."""
    found = inventory.standing()
    return Counted([Cell(*one) for one in found.stands], found.rules)


def count(found: Iterable[Cell], progress: Iterable[str], verdict: Iterable[str] = ()) -> int:
    wanted, said = set(progress), set(verdict)
    return sum(cell.units for cell in found if cell.progress in wanted and (not said or cell.verdict in said))


@dataclass(frozen=True, slots=True)
class Flow:
    """The numbers of the strip; unknown + blocked + ready + under way + committed + verified = scope."""

    scope: int
    excluded: int
    unknown: int
    blocked: int
    ready: int
    with_change: int
    under_way: int
    committed: int
    verified: int
    closed: int
    unplaced_ready: int

    @property
    def done(self) -> int:
        return self.committed + self.verified


def flow(found: Sequence[Cell]) -> Flow:
    everything = sum(cell.units for cell in found)
    excluded = count(found, [State.EXCLUDED])
    return Flow(
        scope=everything - excluded,
        excluded=excluded,
        unknown=count(found, NOT_BEGUN, [Verdict.UNKNOWN]),
        blocked=count(found, NOT_BEGUN, [Verdict.BLOCKED]),
        ready=count(found, NOT_BEGUN, READY),
        with_change=count(found, NOT_BEGUN, [Verdict.READY_WITH_CHANGE]),
        under_way=count(found, UNDER_WAY),
        committed=count(found, [State.COMMITTED]),
        verified=count(found, [State.VERIFIED, State.CLOSED]),
        closed=count(found, [State.CLOSED]),
        unplaced_ready=sum(
            cell.units
            for cell in found
            if cell.wave is None and cell.progress == State.ASSESSED and cell.verdict in READY
        ),
    )


def strip(numbers: Flow, kinds_of_blockers: int) -> list[dict[str, Any]]:
    """The steps of `parts/flow.html`, from left to right; each leads to the list with exactly that many units."""

    def step(name: str, label: str, value: int, hue: str, icon: str, note: str, **filters: Any) -> dict[str, Any]:
        share = round(100 * value / numbers.scope) if numbers.scope and name != "scope" else None
        url = address("inventory", **filters)
        return {
            "id": f"flow-{name}",
            "label": label,
            "value": f"{value:,}",
            "url": url,
            "hue": hue,
            "icon": icon,
            "note": note,
            "share": share,
        }

    begun = values(NOT_BEGUN)
    everything = values(state for state in State if state is not State.EXCLUDED)
    rules = f"by {kinds_of_blockers} rule{'' if kinds_of_blockers == 1 else 's'}" if numbers.blocked else "none"
    scope = f"{numbers.excluded} excluded" if numbers.excluded else "units"
    change = f"{numbers.with_change} with change"
    n, open_ = numbers, "to be settled"
    all_in = {"progress": everything} if numbers.excluded else {}
    unknown, blocked, ready = [Verdict.UNKNOWN.value], [Verdict.BLOCKED.value], values(READY)
    committed, verified = values([State.COMMITTED]), values((State.VERIFIED, State.CLOSED))
    return [
        step("scope", "Scope", n.scope, "neutral", "boxes", scope, **all_in),
        step(
            "unknown", "Unknown", n.unknown, "neutral", "circle-question-mark", open_, verdict=unknown, progress=begun
        ),
        step("blocked", "Blocked", n.blocked, "stop", "ban", rules, verdict=blocked, progress=begun),
        step("ready", "Ready", n.ready, "good", "check", change, verdict=ready, progress=begun),
        step("under-way", "In flight", n.under_way, "progress", "lock", "locked now", progress=values(UNDER_WAY)),
        step("committed", "Committed", n.committed, "good", "circle-check", "to be verified", progress=committed),
        step("verified", "Verified", n.verified, "good", "badge-check", f"{n.closed} closed", progress=verified),
    ]


# --- waves ------------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class WaveRow:
    wave: Wave
    window: str  # chip kind window: open, upcoming, past, none
    opens: datetime | None  # of the open or the next window, else of the first
    closes: datetime | None
    units: int
    done: int
    ready: int  # per cent of the units that are ready or beyond
    approval: str  # chip kind approval
    progress: Mapping[str, int]
    health: str = "on track"
    health_reason: str = ""

    @property
    def segments(self) -> list[charts.Segment]:
        return charts.by_progress(self.progress)

    @property
    def over(self) -> bool:
        return bool(self.units) and self.done == self.units


# Written out, as what is held below: making these two out of objects took the page longer than asking them.
_WAVES = """
SELECT w.*, own.opens, own.closes, coalesce(own.open_now, FALSE) AS open_now,
       coming.opens_at AS next_opens, coming.closes_at AS next_closes
  FROM tracker_wave w
  LEFT JOIN (SELECT wave_id, min(opens_at) AS opens, max(closes_at) AS closes,
                    bool_or(opens_at <= %(now)s AND closes_at > %(now)s) AS open_now
               FROM tracker_window GROUP BY wave_id) own ON own.wave_id = w.id
  LEFT JOIN LATERAL (SELECT opens_at, closes_at FROM tracker_window WHERE wave_id = w.id AND closes_at > %(now)s
                      ORDER BY opens_at, closes_at LIMIT 1) coming ON TRUE
"""


def wave_rows(
    found: Sequence[Cell], approvals: Sequence[Approval], now: datetime, zone: tzinfo, *, full: int
) -> list[WaveRow]:
    """Waves for the table: open windows first, then by date, finished and past ones last; two queries. The health of
    the first `full` ones is worked out; of those beyond, nobody looks."""
    rows = list(Wave.objects.raw(_WAVES, {"now": now}))
    state = {row.wave_id: row.state for row in approvals if row.kind == Approval.Kind.WAVE}  # type: ignore[attr-defined]
    inside: dict[int, list[Cell]] = defaultdict(list)
    for cell in found:
        if cell.wave is not None:
            inside[cell.wave].append(cell)
    order = {"open": 0, "upcoming": 1, "none": 2, "past": 3}
    late = datetime.max.replace(tzinfo=now.tzinfo)
    listed = [_wave_row(wave, inside[wave.pk], state.get(wave.pk, "none")) for wave in rows]
    listed.sort(key=lambda row: (row.over, order[row.window], row.opens or late, row.wave.name))
    near = [row.wave for row in listed[:full]]
    for row, stands in zip(
        listed, wave_facts.standings(near, now=now, zone=zone, approvals=approvals), strict=False
    ):  # fmt: skip
        row.health, row.health_reason = stands.health, stands.health_reason
    return listed


def _wave_row(wave: Any, found: Sequence[Cell], approval: str) -> WaveRow:
    units = sum(cell.units for cell in found)
    progress: Counter[str] = Counter()
    for cell in found:
        progress[cell.progress] += cell.units
    ready = sum(cell.units for cell in found if cell.verdict in READY or cell.progress not in NOT_BEGUN)
    window = "open" if wave.open_now else "upcoming" if wave.next_opens else "past" if wave.closes else "none"
    return WaveRow(
        wave=wave,
        window=window,
        opens=wave.next_opens or wave.opens,
        closes=wave.next_closes or wave.closes,
        units=units,
        done=count(found, DONE),
        ready=round(100 * ready / units) if units else 0,
        approval=approval,
        progress=progress,
    )


# --- what moves now ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class HeldUnit:
    """A unit with its management plane locked, or whose live run needs a person. `wave`: its name; `run_id` and what
    follows: of that run, when it is listed because of it."""

    pk: int
    name: str
    progress: str
    locked_since: datetime | None
    wave: str | None
    run_id: UUID | None
    attention: str
    attention_since: datetime | None


@dataclass(frozen=True, slots=True)
class Held:
    """The first of each kind, the oldest first, and how many there are."""

    locked: list[HeldUnit]
    locked_count: int
    standing: list[HeldUnit]
    standing_count: int


_HELD = """
SELECT f.what, f.units, f.id, f.name, f.progress, f.locked_since, w.name, f.run_id, f.attention, f.attention_since
  FROM ((SELECT 'locked' AS what, count(*) OVER () AS units, id, name, progress, locked_since, NULL::uuid AS run_id,
                '' AS attention, NULL::timestamptz AS attention_since
           FROM tracker_unit WHERE locked_since IS NOT NULL ORDER BY locked_since, name, id LIMIT %(shown)s)
        UNION ALL
        (SELECT 'standing', count(*) OVER (), u.id, u.name, u.progress, u.locked_since, r.id, r.attention,
                r.attention_since
           FROM tracker_run r JOIN tracker_unit u ON u.id = r.unit_id
          WHERE r.ended_at IS NULL AND r.attention <> '' ORDER BY u.locked_since, u.name, u.id LIMIT %(shown)s)) f
  LEFT JOIN tracker_placement p ON p.unit_id = f.id
  LEFT JOIN tracker_wave w ON w.id = p.wave_id
 ORDER BY f.locked_since, f.name, f.id
"""


def held(shown: int) -> Held:
    """Up to `shown` of each; one query."""
    units: dict[str, list[HeldUnit]] = {"locked": [], "standing": []}
    counts = {"locked": 0, "standing": 0}
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"shown": shown})
        for what, number, *unit in cursor.fetchall():
            units[what].append(HeldUnit(*unit))
            counts[what] = number
    return Held(units["locked"], counts["locked"], units["standing"], counts["standing"])


def open_approvals(now: datetime) -> list[Approval]:
    """The open approval of every wave, and every question nobody has decided; oldest first; one query."""
    pending = Q(state=waves.ApprovalState.PENDING.value)
    of_wave = Q(kind=Approval.Kind.WAVE, voided_at__isnull=True)
    rows = waves.approvals(now).prefetch_related(None).filter(pending | of_wave)
    return list(rows.order_by("requested_at"))


def waiting(approvals: Iterable[Approval]) -> list[Approval]:
    return [row for row in approvals if row.state == waves.ApprovalState.PENDING.value]  # type: ignore[attr-defined]


def is_for(approval: Approval, user: User) -> bool:
    """Whether this person could decide it; the page asks again, with the decisions given so far."""
    return user.may(Permission.APPROVE) and user.pk not in (approval.requester_id, approval.editor_id)
