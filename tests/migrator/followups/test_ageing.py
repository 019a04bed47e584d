from collections import Counter
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from migrator.followups.ageing import BANDS, LONGEST, band_of, burn_down

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_bands_meet_without_gap_or_overlap() -> None:
    assert BANDS[0].least == timedelta(0)
    assert [one.below for one in BANDS] == [*(one.least for one in BANDS[1:]), None]
    edges = {"day": (0, 0.999), "week": (1, 6.999), "month": (7, 29.999), "older": (30, 900)}
    for name, ages in edges.items():
        assert {band_of(NOW - age * DAY, NOW).id for age in ages} == {name}
    assert band_of(NOW + DAY, NOW).id == "day", "a clock that is ahead makes nothing old"


@given(st.floats(0, 100))
def test_the_bounds_of_a_band_are_those_by_which_an_age_is_sorted(days: float) -> None:
    opened = NOW - days * DAY
    for band in BANDS:
        after, until = band.opened(NOW)
        assert ((after is None or opened > after) and opened <= until) == (band is band_of(opened, NOW))


days = st.integers(0, 300).map(lambda n: date(2026, 1, 1) + timedelta(days=n))


@given(st.lists(st.tuples(days, st.none() | st.integers(0, 200))), st.integers(0, 300))
def test_each_day_counts_what_was_open_and_closed_at_its_end(pairs: list[tuple[date, int | None]], past: int) -> None:
    rows = [(opened, None if after is None else opened + timedelta(days=after)) for opened, after in pairs]
    today = max((day for row in rows for day in row if day), default=date(2026, 1, 1)) + timedelta(days=past)
    series = burn_down(Counter(o for o, _ in rows), Counter(c for _, c in rows if c), today)
    assert [one.day for one in series] == sorted({one.day for one in series})
    assert len(series) <= LONGEST
    assert bool(series) == bool(rows)
    for one in series:
        assert one.closed == sum(1 for _, closed in rows if closed and closed <= one.day)
        assert one.open == sum(1 for opened, closed in rows if opened <= one.day and not (closed and closed <= one.day))
    if series:
        assert series[-1].day == today
