"""How scope and done went over the days, what moved lately, and how far the pace carries: for the overview."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from django.db import connection

from tracker.audit.values import uuid7_floor
from tracker.web import charts
from tracker.web.programme import WaveRow
from tracker.web.sentences import many

RECENT = timedelta(hours=24)
PACE = 28  # days the forecast looks back
LEAST_DAYS, LEAST_COMMITS = 3, 5  # below that, a forecast would be a guess
FARTHEST = 182  # days a forecast is drawn ahead
NO_FORECAST = f"No forecast yet: it takes {LEAST_COMMITS} commits on {LEAST_DAYS} days."
# Events that make the sentence of what changed, beside moves and new units.
TOLD = (
    "approval.approved",
    "approval.rejected",
    "wave.unit_placed",
    "inventory.unit_gone",
    "followup.closed",
)

_HISTORY = """
SELECT name, (key[1]::timestamptz AT TIME ZONE %(zone)s)::date, sum(units)::bigint FROM tracker_tally
 WHERE name IN ('found', 'left') GROUP BY 1, 2 HAVING sum(units) > 0
UNION ALL
SELECT type, (at AT TIME ZONE %(zone)s)::date, count(*) FROM tracker_event
 WHERE type IN ('inventory.unit_excluded', 'inventory.unit_included') AND result = 'done' GROUP BY 1, 2
UNION ALL
SELECT 'committed', (at AT TIME ZONE %(zone)s)::date, count(*) FROM tracker_transition
 WHERE after = 'committed' GROUP BY 2
UNION ALL
SELECT 'recent moved.' || after, NULL, count(*) FROM tracker_transition
 WHERE at > %(since)s AND after IN ('prepared', 'committed', 'aborting') GROUP BY after
UNION ALL
SELECT 'recent unit.found', NULL, sum(units)::bigint FROM tracker_tally
 WHERE name = 'found' AND key > ARRAY[%(since_quarter)s] HAVING sum(units) > 0
UNION ALL
SELECT 'recent ' || type, NULL, count(*) FROM tracker_event
 WHERE type = ANY(%(told)s) AND id >= %(floor)s AND at > %(since)s AND result = 'done' GROUP BY type
"""


@dataclass(frozen=True, slots=True)
class History:
    """`days`: what → day → how many; `recent`: what → how many in the last 24 hours."""

    days: Mapping[str, Mapping[date, int]]
    recent: Mapping[str, int]


def read(now: datetime, zone: tzinfo) -> History:
    """Two tables and a few events, grouped by day; one query."""
    since = now - RECENT
    given = {"zone": str(zone), "since": since, "floor": uuid7_floor(since), "told": list(TOLD)}
    given["since_quarter"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
    days: dict[str, Counter[date]] = {}
    recent: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, given)
        for what, day, number in cursor.fetchall():
            if day is None:
                recent[what.removeprefix("recent ")] = number
            else:
                days.setdefault(what, Counter())[day] += number
    return History(days, recent)


@dataclass(frozen=True, slots=True)
class BurnUp:
    """What `parts/burn_up.html` needs. `chart` is None when fewer than two days are known."""

    finding: str
    chart: charts.LineChart | None
    no_forecast: str


def burn_up(history: History, rows: Sequence[WaveRow], *, scope: int, done: int, today: date) -> BurnUp:
    """Scope and done by day, the plan from the windows of the waves, and the band of the forecast."""
    scope_line = _cumulated(
        [(history.days.get("found", {}), 1), (history.days.get("inventory.unit_included", {}), 1),
         (history.days.get("left", {}), -1), (history.days.get("inventory.unit_excluded", {}), -1)],
        today, scope,
    )  # fmt: skip
    commits = history.days.get("committed", {})
    done_line = _cumulated([(commits, 1)], today, done)
    first = scope_line[0][0] - timedelta(days=1)  # before the first reading nothing was known
    scope_line.insert(0, (first, 0.0))
    if done_line[0][0] > first:
        done_line.insert(0, (first, 0.0))
    band, arrival = _forecast(commits, scope=scope, done=done, today=today)
    plan = _plan(rows, first)
    series = [
        charts.Series("Scope", "scope", scope_line),
        charts.Series("Plan", "plan", plan),
        charts.Series("Done", "done", done_line),
    ]
    drawn = charts.burn_up([line for line in series if line.values], today=today, forecast=band)
    return BurnUp(_finding(scope, done, round(plan[-1][1]) if plan else 0, arrival), drawn, "" if band else NO_FORECAST)


def _finding(scope: int, done: int, planned: int, arrival: str) -> str:
    if scope and done == scope:
        return f"All {many(scope, 'unit')} in scope are committed"
    if arrival:
        return f"{done:,} of {many(scope, 'unit')} are committed; {arrival}"
    said = f"{done:,} of {many(scope, 'unit')} are committed" if done else "No unit is committed yet"
    return f"{said}; {planned:,} of {scope:,} stand in a wave with a window" if planned else said


def _cumulated(parts: Sequence[tuple[Mapping[date, int], int]], today: date, end: int) -> list[tuple[date, float]]:
    """A line over the days on which it changed, which ends today at what is true now."""
    days = sorted({day for counts, _ in parts for day in counts if day < today})
    line, level = [], 0
    for day in days:
        level += sum(sign * counts.get(day, 0) for counts, sign in parts)
        line.append((day, float(level)))
    return [*line, (today, float(end))]


def _plan(rows: Sequence[WaveRow], first: date) -> list[tuple[date, float]]:
    """Units by the day on which the window of their wave closes."""
    planned: Counter[date] = Counter()
    for row in rows:
        if row.closes and row.units:
            planned[row.closes.date()] += row.units
    line, level = [], 0
    for day in sorted(planned):
        level += planned[day]
        line.append((day, float(level)))
    return [(min(first, line[0][0]), 0.0), *line] if line else []


def _forecast(
    commits: Mapping[date, int], *, scope: int, done: int, today: date
) -> tuple[list[tuple[date, float, float]], str]:
    """The band and its sentence: the pace of the last four weeks, give or take the chance in so many commits (the
    square root of their number). Nothing when too little happened to tell."""
    seen = {day: number for day, number in commits.items() if day > today - timedelta(days=PACE)}
    number, left = sum(seen.values()), scope - done
    if len(seen) < LEAST_DAYS or number < LEAST_COMMITS or left <= 0:
        return [], ""
    over = max(7, (today - min(seen)).days + 1)
    fast, slow = (number + math.sqrt(number)) / over, (number - math.sqrt(number)) / over
    soonest, latest = math.ceil(left / fast), math.ceil(left / slow)
    ends = sorted({0, min(soonest, FARTHEST), min(latest, FARTHEST)})
    band = [(today + timedelta(days=day), min(scope, done + slow * day), min(scope, done + fast * day)) for day in ends]
    return band, f"at this pace the last one follows between {_day(today, soonest)} and {_day(today, latest)}"


def _day(today: date, ahead: int) -> str:
    if ahead > 3650:
        return "no day this decade"
    day = today + timedelta(days=ahead)
    return f"{day.day} {day:%b %Y}"
