"""Local times and what they mean, across every kind of change of the clocks."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrator import windows
from migrator.windows import BadRule, ComesTwice, NoSuchTime, NoZone, Span, Unreadable, Weekly

ZONES = (
    "UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/St_Johns",
    "America/Sao_Paulo", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Apia",
    "Africa/Casablanca", "Asia/Gaza", "Pacific/Chatham",
)  # fmt: skip
zones = st.sampled_from(ZONES).map(ZoneInfo)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001 - made aware in the next line
    lambda at: at.replace(second=0, microsecond=0, tzinfo=UTC)
)


def local(text: str) -> datetime:
    return windows.read(text)[0]


# --- zones and typed times ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["", "Berlin", "Europe/Berlín", " UTC", "../etc/passwd", "Europe/", "x" * 300, "a\0b"])
def test_what_is_no_zone_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(NoZone, match="write it like Europe/Berlin"):
        windows.zone(name)


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2026-13-01 10:00", "2026-02-30 10:00", "10:00", "2026-12-01", "２０２６-12-01 10:00",
     "26-1-1 1:1", "2026-12-01 10:00+25", "2026-12-01 10:00+1:0", "1999-12-01 10:00", "2101-01-01 00:00",
     "2026-12-01 10:00+01:75"],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(Unreadable, match=r"[.]$"):
        windows.read(text)


def test_a_typed_offset_is_read_apart_from_the_time() -> None:
    at = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001 - a local time
    assert windows.read("2026-10-25T02:30") == (at, None)
    assert windows.read("2026-10-25 02:30+01:00") == (at, timedelta(hours=1))
    assert windows.read("2026-10-25 02:30 -02:30") == (at, -timedelta(hours=2, minutes=30))
    assert windows.read("2026-10-25T02:30Z") == (at, timedelta(0))


# --- one time -------------------------------------------------------------------------------------------------------
@given(instants, zones)
def test_every_instant_is_said_and_read_back_in_every_zone(at: datetime, where: ZoneInfo) -> None:
    text, offset = windows.read(windows.said(at, where))
    assert windows.instant(text, where, offset) == at


@given(instants, zones)
def test_a_local_time_is_one_instant_or_is_refused_by_the_right_name(at: datetime, where: ZoneInfo) -> None:
    said = at.astimezone(where).replace(tzinfo=None)
    readings = {at + timedelta(minutes=m) for m in range(-1530, 1531, 30)}
    meant = {each for each in readings if each.astimezone(where).replace(tzinfo=None) == said}
    if len(meant) == 1:
        assert windows.instant(said, where) == at
    else:
        with pytest.raises(ComesTwice) as asked:
            windows.instant(said, where)
        assert {asked.value.first, asked.value.second} == meant and asked.value.first < asked.value.second


@pytest.mark.parametrize(
    ("where", "missing", "before", "after"),
    [
        ("Europe/Berlin", "2026-03-29 02:30", "01:30", "03:30"),
        ("Europe/London", "2026-03-29 01:00", "00:00", "02:00"),
        ("America/New_York", "2026-03-08 02:59", "01:59", "03:59"),
        ("Australia/Lord_Howe", "2026-10-04 02:15", "01:45", "02:45"),  # half an hour
        ("Pacific/Apia", "2011-12-30 12:00", "12:00", "12:00"),  # a whole day
    ],
)
def test_a_time_in_a_gap_is_refused_with_times_beside_it(where: str, missing: str, before: str, after: str) -> None:
    with pytest.raises(NoSuchTime, match="the clocks go forward over it") as refused:
        windows.instant(local(missing), ZoneInfo(where))
    assert (f"{refused.value.before:%H:%M}", f"{refused.value.after:%H:%M}") == (before, after)
    for beside in (refused.value.before, refused.value.after):
        windows.instant(beside, ZoneInfo(where))


@pytest.mark.parametrize(
    ("where", "twice", "one", "two"),
    [
        ("Europe/Berlin", "2026-10-25 02:00", "+02:00", "+01:00"),
        ("Europe/London", "2026-10-25 01:59", "+01:00", "+00:00"),
        ("America/New_York", "2026-11-01 01:30", "-04:00", "-05:00"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "+11:00", "+10:30"),
    ],
)
def test_a_time_that_comes_twice_is_asked_for_and_its_offset_answers(
    where: str, twice: str, one: str, two: str
) -> None:
    with pytest.raises(ComesTwice) as asked:
        windows.instant(local(twice), ZoneInfo(where))
    assert one in str(asked.value) and two in str(asked.value)
    for offset, at in ((one, asked.value.first), (two, asked.value.second)):
        assert windows.instant(*_with(twice, where, offset)) == at
        assert offset in windows.words(at, ZoneInfo(where))


def _with(text: str, where: str, offset: str) -> tuple[datetime, ZoneInfo, timedelta | None]:
    at, read = windows.read(text + offset)
    return at, ZoneInfo(where), read


def test_an_offset_the_zone_does_not_have_then_is_refused() -> None:
    with pytest.raises(NoSuchTime, match=r"is \+01:00 from UTC, not what was written"):
        windows.instant(*_with("2026-12-05 22:00", "Europe/Berlin", "+02:00"))


# --- every week -----------------------------------------------------------------------------------------------------
def weekly(where: str, weekday: int, opens: str, closes: str, first: str, last: str) -> Weekly:
    return Weekly(
        weekday, time.fromisoformat(opens), time.fromisoformat(closes), ZoneInfo(where), date.fromisoformat(first),
        date.fromisoformat(last),
    )  # fmt: skip


def test_saturdays_keep_their_local_times_across_both_changes_of_the_clocks() -> None:
    found = windows.occurrences(weekly("Europe/Berlin", 5, "22:00", "04:00", "2026-03-15", "2026-11-01"))
    assert len(found) == 33
    for each in found:
        assert each.span is not None
        opens, closes = (at.astimezone(ZoneInfo("Europe/Berlin")) for at in (each.span.opens, each.span.closes))
        assert (opens.weekday(), f"{opens:%H:%M}", f"{closes:%H:%M}") == (5, "22:00", "04:00")
    lengths = {each.day.isoformat(): each for each in found if each.span and each.span.length != timedelta(hours=6)}
    assert {day: each.span.length for day, each in lengths.items() if each.span} == {
        "2026-03-28": timedelta(hours=5),
        "2026-10-24": timedelta(hours=7),
    }
    assert lengths["2026-03-28"].note == "60 min shorter than usual: the clocks change in it"
    assert lengths["2026-10-24"].note == "60 min longer than usual: the clocks change in it"


def test_a_rule_takes_the_shorter_window_where_it_cannot_ask() -> None:
    def span(opens: str, closes: str, day: str) -> tuple[str, str] | None:
        [found] = windows.occurrences(weekly("Europe/Berlin", 6, opens, closes, day, day))
        return found.span and (f"{found.span.opens:%H:%M}", f"{found.span.closes:%H:%M}")

    spring, autumn = "2026-03-29", "2026-10-25"  # both change at 01:00 UTC
    assert span("02:30", "05:00", spring) == ("01:00", "03:00")  # no 02:30: from the moment of the change
    assert span("01:00", "02:30", spring) == ("00:00", "01:00")
    assert span("02:10", "02:50", spring) is None  # nothing is left of it
    assert span("02:30", "05:00", autumn) == ("01:30", "04:00")  # the second 02:30
    assert span("01:00", "02:30", autumn) == ("23:00", "00:30")  # the first
    assert span("02:10", "02:50", autumn) == ("00:10", "00:50")  # both the first


def test_a_window_left_out_says_why() -> None:
    [found] = windows.occurrences(weekly("Europe/Berlin", 6, "02:10", "02:50", "2026-03-29", "2026-03-29"))
    assert found.span is None and "there is no 02:10 that day, the clocks go forward" in found.note


@given(
    zones, st.integers(0, 6), st.times(), st.times(), st.dates(date(2024, 1, 1), date(2029, 1, 1)), st.integers(0, 400)
)
def test_every_occurrence_is_in_order_within_a_day_and_never_longer_than_its_words(
    where: ZoneInfo, weekday: int, opens: time, closes: time, first: date, days: int
) -> None:
    opens, closes = (each.replace(second=0, microsecond=0) for each in (opens, closes))
    rule = Weekly(weekday, opens, closes, where, first, first + timedelta(days=days))
    try:
        found = windows.occurrences(rule)
    except BadRule:
        assert days < 6
        return
    spans = [each.span for each in found if each.span is not None]
    assert all(a.closes <= b.opens or a.opens < b.opens for a, b in pairwise(spans))
    for each in found:
        assert each.day.weekday() == weekday and first <= each.day <= rule.last
        if each.span is None:
            assert each.note.startswith("left out: ")
            continue
        assert timedelta(0) < each.span.length <= timedelta(hours=25, minutes=30)
        for at, wanted in ((each.span.opens, rule.opens), (each.span.closes, rule.closes)):
            there = at.astimezone(where).time()
            assert there == wanted or f"there is no {wanted:%H:%M}" in each.note


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2026-05-10", "2026-05-01", "before the first"),
        ("2026-05-10", "2026-05-14", "no Saturday"),
        ("2026-01-01", "2029-01-01", "104 at a time"),
    ],
)
def test_a_rule_without_a_week_or_with_too_many_is_refused(first: str, last: str, words: str) -> None:
    with pytest.raises(BadRule, match=words):
        windows.occurrences(weekly("UTC", 5, "22:00", "04:00", first, last))


# --- what is left ---------------------------------------------------------------------------------------------------
minutes = st.integers(0, 200)
spans = st.lists(st.tuples(minutes, st.integers(1, 60)), max_size=4)
BEGIN = datetime(2026, 6, 1, tzinfo=UTC)


def _spans(given_: list[tuple[int, int]]) -> list[Span]:
    return [Span(BEGIN + timedelta(minutes=a), BEGIN + timedelta(minutes=a + n)) for a, n in given_]


@settings(max_examples=40)
@given(spans, spans, minutes)
def test_what_is_left_is_what_is_open_and_not_blocked(
    open_: list[tuple[int, int]], shut: list[tuple[int, int]], since: int
) -> None:
    left = list(windows.remaining(_spans(open_), _spans(shut), BEGIN + timedelta(minutes=since)))
    for minute in range(261):
        at = BEGIN + timedelta(minutes=minute)
        wanted = minute >= since and any(s.holds(at) for s in _spans(open_)) and not any(
            s.holds(at) for s in _spans(shut)
        )  # fmt: skip
        assert any(s.holds(at) for s in left) == wanted
