"""The sentence of a wave's forecast, without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from migrator.durations import Estimate
from migrator.windows import Span
from tracker.runs.forecast import Expected, Forecast, _expected

NOW = datetime(2026, 6, 1, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = Span(NOW - HOUR, NOW + 4 * HOUR)


def took(hours: float) -> Estimate:
    return Estimate(p50=hours * HOUR / 2, p90=hours * HOUR, count=9, smallest=4, largest=7)


def unit(name: str, hours: float | None, *, armed: float | None = None, allowed: bool = False) -> Expected:
    armed_at = None if armed is None else NOW - armed * HOUR
    estimate = None if hours is None else took(hours)
    return _expected(1, name, "prepare", armed_at, estimate, [WINDOW], [], allowed, NOW)


def forecast(*units: Expected, window: Span | None = WINDOW) -> Forecast:
    return Forecast(window, window is not None, 4 * HOUR, units)


def test_the_sentence_counts_names_and_says_what_nobody_knows() -> None:
    found = forecast(*[unit(f"u{n}", 1) for n in range(7)], unit("shop-net", 5), unit("erp-net", 6), unit("new", None))
    assert found.sentence == (
        "7 of 10 units fit; 2 would overrun: shop-net, erp-net; of 1 nobody can say, it was never measured here."
    )
    assert found.ends_at == NOW + HOUR  # of those that fit the last


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (forecast(), "Nothing of this wave waits"),
        (forecast(unit("a", None)), "Nobody can say yet: what this unit will take"),
        (forecast(unit("a", None), unit("b", None)), "what these units will take"),
        (forecast(unit("a", 1), window=None), "No window is planned"),
        (forecast(unit("a", 1)), "1 of 1 unit fits."),
        (forecast(*[unit(f"u{n}", 9) for n in range(8)]), "8 would overrun: u0, u1, u2, u3, u4 and 3 more."),
    ],
)
def test_every_wave_has_a_sentence(found: Forecast, words: str) -> None:
    assert words in found.sentence


def test_what_is_under_way_is_reckoned_from_when_it_was_sent_and_without_a_margin() -> None:
    assert unit("a", 4, armed=1).ends_at == NOW + 3 * HOUR and unit("a", 4, armed=1).fits
    assert unit("late", 2, armed=3).ends_at == NOW  # later than nine of ten: any moment, not in the past
    assert unit("long", 6, armed=1).fits is False


def test_the_margin_decides_and_a_person_may_overrule_it() -> None:
    assert unit("a", 3.6).fits  # 3 h 36 min and 22 of margin
    assert not unit("a", 3.7).fits
    assert unit("a", 3.7, allowed=True).fits
