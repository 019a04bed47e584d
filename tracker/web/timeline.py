"""Windows and freezes on one axis of time, as percentages. Pure: rows in, geometry out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from tracker.times import short

NARROWEST = 1.0  # per cent: a window of an hour in a year is still seen
STEPS = [timedelta(hours=h) for h in (1, 2, 3, 6, 12)] + [timedelta(days=d) for d in (1, 2, 7, 14, 28, 91, 182, 364)]
TICKS = 8  # at most
HUES = {"open": "good", "upcoming": "progress"}  # of a window's bar; past ones are neutral


@dataclass(frozen=True, slots=True)
class Bar:
    """One window."""

    hue: str
    sentence: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Lane:
    """The windows of one wave. `sentence` tells of the first of them and how many there are."""

    name: str
    url: str
    sentence: str
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Band:
    """A freeze that holds now, from when it was engaged on, its end not known; or a planned one with both ends."""

    sentence: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Timeline:
    lanes: list[Lane]
    bands: list[Band]
    ticks: list[tuple[str, str]]  # x, label
    now_x: str


def draw(
    windows: Iterable[tuple[str, str, datetime, datetime]],
    freezes: Iterable[tuple[str, datetime, datetime | None]],
    *,
    now: datetime,
    zone: tzinfo,
) -> Timeline | None:
    """`windows`: (name, url, opens, closes), a lane for each url; `freezes`: (sentence, since, until or None). None
    when no wave has a window."""
    given = sorted(windows, key=lambda window: (window[2], window[3], window[0]))
    if not given:
        return None
    first = min(now, *(window[2] for window in given))
    last = max(now, *(window[3] for window in given))
    pad = max((last - first) * 0.04, timedelta(minutes=30))
    first, last = first - pad, last + pad

    def x(at: datetime) -> float:
        return 100 * ((at - first) / (last - first))

    lanes: dict[str, Lane] = {}
    for name, url, opens, closes in given:
        width = max(x(closes) - x(opens), NARROWEST)
        span = f"{name}: {short(opens, zone, now)} to {short(closes, zone, now)}"
        state = "open" if opens <= now < closes else "upcoming" if opens > now else "past"
        lane = lanes.setdefault(url, Lane(name, url, span, []))
        lane.bars.append(Bar(HUES.get(state, "neutral"), span, f"{x(opens):.3f}", f"{width:.3f}"))
    bands = []
    for sentence, since, until in freezes:
        begin, end = max(0.0, x(since)), min(100.0, x(until)) if until is not None else 100.0
        if begin < 100 and end > 0:
            bands.append(Band(sentence, f"{begin:.3f}", f"{max(end - begin, 0.3):.3f}"))
    return Timeline(list(lanes.values()), bands, _ticks(first, last, x, zone), f"{x(now):.3f}")


def _ticks(first: datetime, last: datetime, x: Callable[[datetime], float], zone: tzinfo) -> list[tuple[str, str]]:
    step = next((step for step in STEPS if (last - first) / step <= TICKS), STEPS[-1])
    at = first.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    if step >= timedelta(days=1):
        at = at.replace(hour=0)
    else:
        hours = int(step.total_seconds() // 3600)
        at = at.replace(hour=at.hour - at.hour % hours)
    found: list[tuple[str, str]] = []
    while at < last:
        place = x(at)
        if 0 <= place <= 90:
            label = f"{at.day} {at:%b}" if step >= timedelta(days=1) or at.hour == 0 else f"{at:%H:%M}"
            found.append((f"{place:.3f}", label))
        at += step
    return found
