from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.lifecycle import State
from tracker.web import charts

DAY = date(2026, 11, 1)


@given(st.lists(st.integers(0, 100_000), max_size=12))
def test_segments_fill_the_bar_exactly(counts: list[int]) -> None:
    bar = charts.stacked([charts.Segment(str(n), count, "good") for n, count in enumerate(counts)])
    assert bar.total == sum(counts)
    if bar.total:
        assert sum(float(part.width) for part in bar.parts) == pytest.approx(100, abs=0.02)
        assert all(float(part.width) >= 0.5 for part in bar.parts)
    else:
        assert bar.parts == []


def test_every_state_of_progress_has_its_place_in_the_bar() -> None:
    segments = charts.by_progress({state.value: 1 for state in State}, url="/inventory/?region=x")
    assert len(segments) == len(State)
    assert segments[0].url == "/inventory/?region=x&progress=closed"
    assert len({(segment.hue, segment.tone) for segment in segments}) == len(State), "two states would look the same"


@given(st.integers(0, 10_000_000))
def test_the_axis_ends_at_a_pleasant_number_above_the_data(largest: int) -> None:
    top = charts.nice_top(largest)
    assert top >= largest
    assert top % 4 == 0
    assert top <= max(4, largest * 2.6)


def test_a_burn_up_needs_two_days() -> None:
    assert charts.burn_up([charts.Series("Done", "done", [(DAY, 3)])], today=DAY) is None


def test_a_burn_up_draws_lines_band_and_table_from_the_same_values() -> None:
    days = [DAY + timedelta(days=n) for n in range(5)]
    series = [
        charts.Series("Scope", "scope", [(day, 8) for day in days]),
        charts.Series("Done", "done", [(days[0], 0), (days[2], 4)]),
    ]
    chart = charts.burn_up(series, today=days[2], forecast=[(days[2], 4, 4), (days[4], 6, 8)])
    assert chart is not None
    assert chart.y_labels == [8, 6, 4, 2, 0]
    assert chart.today_x == "50.00"
    assert chart.lines[1].path == "M0.0 1000.0L500.0 500.0"
    assert chart.band.endswith("Z")
    assert chart.rows[2] == ("3 Nov", ["8", "4"])
    assert chart.rows[1] == ("2 Nov", ["8", "–"])
    assert chart.columns[1].sentence == "2 Nov: scope 8"


AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_levels_hold_until_the_next_change_and_the_last_one_until_now() -> None:
    day = timedelta(days=1)
    chart = charts.steps([(AT, 100, "ready"), (AT + day, 40, "blocked")], until=AT + 4 * day)
    assert chart is not None
    first, second = chart.pieces
    assert (first.x1, first.x2, first.y, first.y_before) == ("0.000", "25.000", "0.00", "")
    assert (second.x1, second.x2, second.y, second.y_before) == ("25.000", "100.000", "60.00", "0.00")
    assert [one.look for one in chart.pieces] == ["ready", "blocked"]
    assert chart.looks == ["blocked", "ready"]
    assert chart.y_labels == [100, 75, 50, 25, 0]
    assert chart.x_labels == ["1 Nov 2026", "5 Nov 2026"]
    assert second.sentence == "2 Nov 2026: 40, blocked"


def test_levels_within_one_moment_or_hours_are_drawn_too() -> None:
    chart = charts.steps([(AT, 10, "ready"), (AT, 20, "ready")], until=AT)
    assert chart is not None and [one.x1 for one in chart.pieces] == ["0.000", "0.000"]
    assert chart.x_labels == ["1 Nov, 12:00", "1 Nov, 12:00"]
    assert charts.steps([(AT, 10, "ready")], until=AT) is None


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 100)), min_size=2, max_size=30))
def test_levels_lie_side_by_side_within_the_plot(given_changes: list[tuple[int, int]]) -> None:
    changes = [(AT + timedelta(seconds=after), level, "ready") for after, level in sorted(given_changes)]
    chart = charts.steps(changes, until=AT)
    assert chart is not None
    for one, following in zip(chart.pieces, chart.pieces[1:], strict=False):
        assert one.x2 == following.x1 and following.y_before == one.y
    assert chart.pieces[0].x1 == "0.000" and chart.pieces[-1].x2 == "100.000"
    assert all(0 <= float(one.y) <= 100 for one in chart.pieces)
