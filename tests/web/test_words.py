from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tracker.times import short
from tracker.web import words

NOW = datetime(2026, 11, 22, 19, 6, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=-3), "in a moment"),
        (timedelta(seconds=59), "1 min ago"),
        (timedelta(minutes=59, seconds=40), "1 h ago"),
        (timedelta(hours=-5), "in 5 h"),
        (timedelta(hours=30), "30 h ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=40), "13 Oct 2026"),
    ],
)
def test_relative_times(before: timedelta, text: str) -> None:
    assert words.relative(NOW - before, NOW) == text


def test_absolute_times_show_the_zone() -> None:
    assert words.absolute(NOW, ZoneInfo("Europe/Berlin")) == "22 Nov 2026, 20:06:12 CET"
    assert short(NOW, ZoneInfo("UTC"), NOW) == "19:06 UTC"
    assert short(NOW - timedelta(days=2), ZoneInfo("UTC"), NOW) == "20 Nov, 19:06 UTC"
    assert short(NOW - timedelta(days=400), ZoneInfo("UTC"), NOW) == "18 Oct 2025, 19:06 UTC"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (4, "4 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (3600, "1 h"), (-60, "−1 min")],
)
def test_durations_keep_two_parts(seconds: int, text: str) -> None:
    assert words.duration(seconds) == text


def test_a_clock_keeps_its_width() -> None:
    assert words.clock(65) == "00:01:05"
    assert words.clock(90_061) == "1 d 01:01:01"
    assert words.clock(-5) == "00:00:00"


def test_ids_are_shortened_in_the_middle_and_keep_their_last_segment() -> None:
    key = "/subscriptions/6d1c0a52-8f0e/resourceGroups/shop/virtualNetworks/vnet-shop-eu"
    assert words.middle_shortened(key, 34) == "/subscriptions/6d1c0…/vnet-shop-eu"
    assert words.middle_shortened("short", 34) == "short"
    assert words.middle_shortened("a" * 100, 20) == "a" * 6 + "…" + "a" * 13


@pytest.mark.parametrize("shown", [12, 20, 28, 34, 60])
@pytest.mark.parametrize("text", ["x" * 200, "/a/" + "b" * 90, "/a" * 70, "c" * 60 + "/d"])
def test_a_shortened_id_is_never_longer_than_asked(text: str, shown: int) -> None:
    assert len(words.middle_shortened(text, shown)) == shown
