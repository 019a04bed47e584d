"""Sums on locks."""

from datetime import UTC, datetime, timedelta

import pytest

from migrator import locks

T0 = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("after", "used", "step", "coming"),
    [(0, 0, 0, 50), (1.49, 49, 0, 50), (1.5, 50, 50, 80), (2.4, 80, 80, 100), (4, 133, 100, None)],
)
def test_steps_of_a_limit_of_three_days(after: float, used: int, step: int, coming: int | None) -> None:
    now = T0 + after * DAY
    assert locks.share(T0, now, 3 * DAY) == used
    assert locks.step(T0, now, 3 * DAY) == step
    following = locks.next_step(T0, now, 3 * DAY)
    assert (following[0] if following else None) == coming
    if following:
        assert locks.step(T0, following[1], 3 * DAY) == coming, "it is reached when it was said"


def test_storage_is_told_of_before_microsoft_may_commit_it() -> None:
    assert locks.limit_of(90 * DAY, storage=True) == 25 * DAY < locks.STORAGE_END
    assert locks.limit_of(3 * DAY, storage=True) == 3 * DAY
    assert locks.limit_of(90 * DAY, storage=False) == 90 * DAY


def test_hours_of_several() -> None:
    assert locks.hours([(T0, T0 + timedelta(hours=2)), (T0 + DAY, None)], T0 + 2 * DAY) == 26
