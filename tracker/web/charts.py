"""Geometry of the server-drawn figures. Pure: values in, percentages and paths out; parts/*.html draw them without a
`style`.

Coordinates are percentages of the plot or points in a box which SVG stretches, while text keeps its size
(dependencies.md 3: never let a viewBox scale text).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from migrator.lifecycle import State
from tracker.web.status import chip

BOX = 1000  # width and height of the stretched box of a line chart


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a stacked bar. `tone` 1–4 sets neighbours of one hue apart; `url` opens the list behind the
    number."""

    label: str
    count: int
    hue: str
    url: str = ""
    tone: int = 4


@dataclass(frozen=True, slots=True)
class Placed:
    label: str
    count: int
    hue: str
    url: str
    tone: int
    x: str  # per cent
    width: str
    share: int  # per cent, rounded, for people


@dataclass(frozen=True, slots=True)
class Bar:
    total: int
    parts: list[Placed]


def stacked(segments: Iterable[Segment | Mapping[str, Any]]) -> Bar:
    """Places segments side by side; empty ones vanish. A sliver keeps 0.6 % so that one unit of 60,000 is still
    seen."""
    given = [item if isinstance(item, Segment) else Segment(**item) for item in segments]
    shown = [item for item in given if item.count > 0]
    total = sum(item.count for item in shown)
    weights = [max(item.count / total, 0.006) for item in shown]
    scale = 100 / sum(weights) if weights else 0
    parts: list[Placed] = []
    at = 0.0
    for item, weight in zip(shown, weights, strict=True):
        width = weight * scale
        parts.append(
            Placed(
                item.label,
                item.count,
                item.hue,
                item.url,
                item.tone,
                f"{at:.3f}",
                f"{width:.3f}",
                round(100 * item.count / total),
            )
        )
        at += width
    return Bar(total, parts)


# Within a hue, later states are stronger.
_TONES = {
    State.EXCLUDED: 1,
    State.DISCOVERED: 2,
    State.ASSESSED: 3,
    State.PLANNED: 4,
    State.VALIDATED: 1,
    State.PREPARING: 2,
    State.PREPARED: 3,
    State.COMMITTING: 4,
    State.ABORTING: 4,
    State.COMMITTED: 2,
    State.VERIFIED: 3,
    State.CLOSED: 4,
}
# Furthest first: what is done stands at the left end of the bar, as in a progress bar.
ORDER = (
    State.CLOSED,
    State.VERIFIED,
    State.COMMITTED,
    State.COMMITTING,
    State.PREPARED,
    State.PREPARING,
    State.ABORTING,
    State.VALIDATED,
    State.PLANNED,
    State.ASSESSED,
    State.DISCOVERED,
    State.EXCLUDED,
)


def by_progress(counts: Mapping[str, int], url: str = "") -> list[Segment]:
    """Segments of the progress bar by state. `url` is a list's address; `progress=<state>` is appended to it."""
    segments = []
    for state in ORDER:
        row = chip("progress", state)
        target = f"{url}{'&' if '?' in url else '?'}progress={state.value}" if url else ""
        segments.append(Segment(row.word, counts.get(state.value, 0), row.hue, target, _TONES[state]))
    return segments


# --- line charts -----------------------------------------------------------------------------------------------------
Point = tuple[float, float]


def line_path(
    points: Sequence[Point],
    across: tuple[float, float],
    up: tuple[float, float],
    width: float = BOX,
    height: float = BOX,
) -> str:
    """SVG path through `points`; `across` and `up` are the ranges of the axes."""
    span_x, span_y = (across[1] - across[0]) or 1, (up[1] - up[0]) or 1
    steps = (f"{(x - across[0]) / span_x * width:.1f} {height - (y - up[0]) / span_y * height:.1f}" for x, y in points)
    joined = "L".join(steps)
    return f"M{joined}" if joined else ""


def nice_top(largest: float, ticks: int = 4) -> int:
    """The smallest pleasant axis end at or above `largest` which divides into `ticks` whole steps."""
    if largest <= ticks:
        return ticks
    rough = largest / ticks
    magnitude = 10 ** math.floor(math.log10(rough))
    step = next(
        factor * magnitude
        for factor in (1, 2, 2.5, 5, 10)
        if factor * magnitude >= rough and factor * magnitude % 1 == 0
    )
    return int(step * ticks)


@dataclass(frozen=True, slots=True)
class Series:
    """One line: `name` in the legend, `look` a class of parts.css (scope, done, plan), values by day."""

    name: str
    look: str
    values: Sequence[tuple[date, float]]


@dataclass(frozen=True, slots=True)
class Drawn:
    name: str
    look: str
    path: str
    last: int
    label_y: str  # per cent from the top, where the line ends


@dataclass(frozen=True, slots=True)
class Column:
    """Invisible strip over one day; hovering it tells the day's values."""

    x: str
    width: str
    sentence: str


@dataclass(frozen=True, slots=True)
class LineChart:
    lines: list[Drawn]
    band: str  # path of the forecast, or empty
    y_labels: list[int]  # from the top
    x_labels: list[str]
    grid: list[str]  # per cent from the top
    today_x: str  # per cent, or empty
    columns: list[Column]
    header: list[str]
    rows: list[tuple[str, list[str]]]  # the same as a table


def burn_up(
    series: Sequence[Series],
    *,
    today: date,
    forecast: Sequence[tuple[date, float, float]] = (),
) -> LineChart | None:
    """A line chart over days; None when no series has two days (the page then says so instead of drawing a dot).

    `forecast`: (day, low, high) from today on.
    """
    if not any(len(line.values) > 1 for line in series):
        return None
    days = sorted({day for line in series for day, _ in line.values} | {day for day, _, _ in forecast})
    first, last = days[0], days[-1]
    span = max(1, (last - first).days)
    top = nice_top(max([value for line in series for _, value in line.values] + [high for _, _, high in forecast]))

    def x(day: date) -> float:
        return (day - first).days

    across, up = (0.0, float(span)), (0.0, float(top))
    lines = []
    for line in series:
        if not line.values:
            continue
        end = line.values[-1][1]
        path = line_path([(x(day), value) for day, value in line.values], across, up)
        lines.append(Drawn(line.name, line.look, path, round(end), f"{100 - 100 * end / top:.2f}"))
    band = ""
    if forecast:
        edge = [(x(day), low) for day, low, _ in forecast] + [(x(day), high) for day, _, high in reversed(forecast)]
        band = line_path(edge, across, up) + "Z"
    tables = [dict(line.values) for line in series]
    rows = [(_day(day), [_figure(values.get(day)) for values in tables]) for day in days]
    columns = [
        Column(
            f"{100 * (x(day) - 0.5) / span:.3f}",
            f"{100 / span:.3f}",
            f"{label}: "
            + ", ".join(f"{line.name.lower()} {cell}" for line, cell in zip(series, cells, strict=True) if cell != "–"),
        )
        for day, (label, cells) in zip(days, rows, strict=True)
    ]
    ticks = min(5, span)
    return LineChart(
        lines=lines,
        band=band,
        y_labels=[round(top * step / 4) for step in range(4, -1, -1)],
        x_labels=[_day(first + timedelta(days=round(span * step / ticks))) for step in range(ticks + 1)],
        grid=[f"{25 * step}" for step in range(5)],
        today_x=f"{100 * x(today) / span:.2f}" if first <= today <= last else "",
        columns=columns,
        header=[line.name for line in series],
        rows=rows,
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


# --- a value that stays until it changes ------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Piece:
    """The level between one change and the next; per cent from the left and from the top. `look`: a class."""

    x1: str
    x2: str
    y: str
    look: str
    sentence: str
    y_before: str  # where the line came from; empty at its beginning


@dataclass(frozen=True, slots=True)
class StepChart:
    pieces: list[Piece]
    looks: list[str]  # those that occur, the newest first
    x_labels: list[str]
    y_labels: list[int]  # from the top
    grid: list[str]


def steps(changes: Sequence[tuple[datetime, float, str]], *, until: datetime, top: int = 100) -> StepChart | None:
    """A line of levels over time; None for fewer than two changes. `changes`: (when, level from 0 to `top`, look), the
    oldest first; the last level holds until then."""
    if len(changes) < 2:
        return None
    first = changes[0][0]
    end = max(until, changes[-1][0], first + timedelta(seconds=1))
    span = (end - first).total_seconds()

    def x(at: datetime) -> str:
        return f"{100 * (at - first).total_seconds() / span:.3f}"

    def y(level: float) -> str:
        return f"{100 - 100 * level / top:.2f}"

    ends = [*(at for at, _, _ in changes[1:]), end]
    pieces = []
    for place, ((at, level, look), to) in enumerate(zip(changes, ends, strict=True)):
        before = y(changes[place - 1][1]) if place else ""
        pieces.append(Piece(x(at), x(to), y(level), look, f"{_moment(at, span)}: {level:.0f}, {look}", before))
    return StepChart(
        pieces=pieces,
        looks=list(dict.fromkeys(look for _, _, look in reversed(changes))),
        x_labels=[_moment(first, span), _moment(end, span)],
        y_labels=[round(top * step / 4) for step in range(4, -1, -1)],
        grid=[f"{25 * step}" for step in range(5)],
    )


def _moment(at: datetime, span: float) -> str:
    """A day; with its hour while the whole line is short (seconds)."""
    return f"{_day(at)}, {at:%H:%M}" if span < 3 * 86_400 else f"{_day(at)} {at:%Y}"
