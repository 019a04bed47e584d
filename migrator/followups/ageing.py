"""How old what is owed is, and how it goes down: age bands and the burn-down."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

LONGEST: Final = 120  # days of a burn-down; what was before is in its first level


@dataclass(frozen=True, slots=True)
class Band:
    """Ages from `least` to under `below` (None: without end). `id`: in addresses."""

    id: str
    label: str
    least: timedelta
    below: timedelta | None

    def opened(self, now: datetime) -> tuple[datetime | None, datetime]:
        """Opened after the first (None: ever) and not after the second."""
        return (None if self.below is None else now - self.below, now - self.least)


_DAY: Final = timedelta(days=1)
BANDS: Final = (
    Band("day", "Under 1 day", timedelta(0), _DAY),
    Band("week", "1–7 days", _DAY, 7 * _DAY),
    Band("month", "7–30 days", 7 * _DAY, 30 * _DAY),
    Band("older", "Over 30 days", 30 * _DAY, None),
)


def band_of(opened_at: datetime, now: datetime) -> Band:
    """The band of something opened then; what a clock puts into the future is new."""
    age = now - opened_at
    return next((band for band in reversed(BANDS) if age >= band.least), BANDS[0])


@dataclass(frozen=True, slots=True)
class Day:
    """The end of a day; the last one of a series is as of now."""

    day: date
    open: int  # opened so far and not closed
    closed: int  # closed so far


def burn_down(opened: Mapping[date, int], closed: Mapping[date, int], today: date) -> list[Day]:
    """A level for each day from the first opening to today, at most the last `LONGEST` ones. `opened`, `closed`: how
    many on which day. One that was closed and opened again counts as open since its first day: of its first closing
    nothing is kept. Empty when nothing was ever opened."""
    if not opened:
        return []
    end = max(today, *opened, *closed)
    first = max(min(opened), end - timedelta(days=LONGEST - 1))
    done = sum(n for day, n in closed.items() if day < first)
    still = sum(n for day, n in opened.items() if day < first) - done
    series = []
    for number in range((end - first).days + 1):
        day = first + timedelta(days=number)
        done += closed.get(day, 0)
        still += opened.get(day, 0) - closed.get(day, 0)
        series.append(Day(day, still, done))
    return series
