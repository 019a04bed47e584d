"""How long a verb will take: honest about what it rests on."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator import durations
from migrator.durations import Sample


def prepares(*seconds: float, size: int | None = 10, kind: str = "deployment") -> list[Sample]:
    return [Sample("prepare", kind, size, each) for each in seconds]


def test_nothing_measured_is_said_and_not_guessed() -> None:
    other = [*prepares(60, kind="network"), Sample("commit", "deployment", 10, 60)]
    assert durations.estimate(other, verb="prepare", kind="deployment", size=10) is None
    assert "No measurement yet" in durations.unmeasured("prepare")
    assert "grows" in durations.unmeasured("prepare") and "grows" not in durations.unmeasured("commit")


def test_nine_of_ten_took_no_longer() -> None:
    found = durations.estimate(prepares(*range(60, 660, 60)), verb="prepare", kind="deployment", size=9)
    assert found is not None
    assert (found.p50, found.p90, found.count, found.weak) == (timedelta(minutes=5), timedelta(minutes=9), 10, False)
    assert found.basis("prepare") == "p90 of 10 prepares of 10 instances"
    assert found.need == timedelta(minutes=14)  # a tenth would be less than the five minutes every estimate gets


def test_only_units_of_about_the_same_size_count_where_there_are_enough() -> None:
    samples = [*prepares(*[600] * 5, size=9), *prepares(*[6000] * 50, size=100), *prepares(*[6] * 50, size=1)]
    found = durations.estimate(samples, verb="prepare", kind="deployment", size=15)
    assert found is not None and (found.p90, found.count) == (timedelta(minutes=10), 5)


def test_few_of_the_size_are_joined_by_larger_ones_never_by_smaller() -> None:
    samples = [*prepares(100, size=9), *prepares(*[900] * 6, size=40), *prepares(*[6] * 50, size=1)]
    found = durations.estimate(samples, verb="prepare", kind="deployment", size=8)
    assert found is not None and (found.p90.total_seconds(), found.count) == (900, 7)
    assert found.basis("prepare") == "p90 of 7 prepares of 9 to 40 instances"


def test_only_smaller_ones_are_stretched_and_marked() -> None:
    found = durations.estimate(prepares(*[60] * 8, size=4), verb="prepare", kind="deployment", size=40)
    assert found is not None and found.scaled == 10 and found.weak
    assert found.p90 == timedelta(minutes=10) and "stretched" in found.basis("prepare")


def test_few_samples_are_weak_and_say_how_few() -> None:
    found = durations.estimate(prepares(60), verb="prepare", kind="deployment", size=10)
    assert found is not None and found.weak and found.basis("prepare") == "p90 of 1 prepare of 10 instances"


def test_a_unit_of_unknown_size_is_judged_by_all() -> None:
    samples = [*prepares(60, size=1), *prepares(600, size=50), *prepares(10, size=None)]
    found = durations.estimate(samples, verb="prepare", kind="deployment", size=None)
    assert found is not None and (found.p90.total_seconds(), found.count) == (600, 3)
    assert found.basis("prepare") == "p90 of 3 prepares"


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 300), st.floats(0.1, 90_000)), min_size=1, max_size=40),
    st.none() | st.integers(0, 300),
)
def test_an_estimate_is_ordered_and_rests_on_what_was_measured(rows: list[tuple[int | None, float]], size: int) -> None:
    samples = [Sample("prepare", "network", each, seconds) for each, seconds in rows]
    found = durations.estimate(samples, verb="prepare", kind="network", size=size)
    assert found is not None
    assert timedelta(0) < found.p50 <= found.p90 < found.need
    assert 1 <= found.count <= len(rows) and found.scaled >= 1
    longest = timedelta(seconds=max(seconds for _, seconds in rows))
    assert found.p90 <= longest * found.scaled + timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (12.2, "13 s"), (60, "1 min"), (61, "2 min"), (3600, "1 h"), (5941, "1 h 40 min")],
)
def test_lengths_are_rounded_up(seconds: float, words: str) -> None:
    assert durations.words(timedelta(seconds=seconds)) == words
