"""How long a larger limit usually takes: from the narrowest group that has seen enough."""

from datetime import UTC, date, datetime

import pytest

from migrator.leads import Granted, expected, table, usual

DAY = 86400.0


def rows(*took: float, region: str = "westeurope", name: str = "cores") -> list[Granted]:
    return [Granted(region, name, one) for one in took]


def test_the_narrowest_group_that_has_seen_enough_speaks_and_says_which_it_is() -> None:
    cores, family = rows(1 * DAY, 2 * DAY, 3 * DAY), rows(10 * DAY, name="standardDv2Family")
    other = rows(30 * DAY, region="northeurope")
    seen = [*cores, *family, *other]
    said = usual(seen, "West Europe", "CORES")
    assert said is not None and (said.median, said.late, said.requests) == (2 * DAY, 3 * DAY, 3)
    assert said.sentence == "usually 2 days, nine of ten within 3 days (3 requests for CORES in West Europe)"
    here = usual(seen, "westeurope", "standardDv2Family")
    assert here is not None and (here.requests, here.of) == (4, "in westeurope")
    everywhere = usual(seen, "northeurope", "cores")
    assert everywhere is not None and (everywhere.requests, everywhere.of) == (5, "in all regions")


def test_nothing_is_made_up() -> None:
    assert usual([], "westeurope", "cores") is None
    only = usual(rows(90), "northeurope", "cores")
    assert only is not None and (only.median, only.late, only.requests) == (90, 90, 1)
    assert "(1 request in all regions)" in only.sentence


def test_only_the_newest_count_and_nine_of_ten_is_one_of_them() -> None:
    said = usual(rows(*([DAY] * 50), *([99 * DAY] * 50)), "westeurope", "cores")
    assert said is not None and (said.late, said.requests) == (DAY, 50)
    ten = usual(rows(*(float(n) for n in range(1, 11))), "westeurope", "cores")
    assert ten is not None and (ten.median, ten.late) == (6.0, 10.0)


@pytest.mark.parametrize(
    ("seconds", "words"), [(40, "40 s"), (1500, "25 min"), (3 * 3600, "3 h"), (DAY, "1 day"), (5 * DAY, "5 days")]
)
def test_times_are_said_as_people_say_them(seconds: float, words: str) -> None:
    said = usual(rows(seconds), "westeurope", "cores")
    assert said is not None and said.sentence.startswith(f"usually {words}, nine of ten within {words} ")


def test_the_table_has_a_row_for_each_limit_whatever_azures_spelling() -> None:
    seen = [
        Granted("West Europe", "cores", 10), Granted("westeurope", "Cores", 20), Granted("westeurope", "cores", 30),
        Granted("northeurope", "cores", 40), Granted("northeurope", "PublicIPAddresses", 50),
    ]  # fmt: skip
    told = [(row.region, row.name, row.usual.requests, row.usual.of) for row in table(seen)]
    assert told == [
        ("northeurope", "cores", 5, "in all regions"),
        ("northeurope", "PublicIPAddresses", 5, "in all regions"),
        ("West Europe", "cores", 3, "for cores in West Europe"),
    ]
    assert table([]) == []


def test_the_day_it_can_be_expected() -> None:
    said = usual(rows(DAY, DAY, 3 * DAY), "westeurope", "cores")
    assert said is not None and expected(said, datetime(2026, 11, 23, 20, tzinfo=UTC)) == date(2026, 11, 26)
