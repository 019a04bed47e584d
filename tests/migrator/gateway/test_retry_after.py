from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.gateway.retry_after import LONGEST, retry_after, user_quota_reset

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "17"}, 17.0),
        ({"retry-after": " 17 "}, 17.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after": "1000000000"}, LONGEST),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Tue, 22 Nov 2050 12:00:00 GMT"}, LONGEST),
        # the platform's clock is an hour ahead of ours: its own Date decides
        ({"retry-after": "Sun, 22 Nov 2026 13:00:30 GMT", "date": "Sun, 22 Nov 2026 13:00:00 GMT"}, 30.0),
        ({"retry-after": "Sun, 99 Nov 2026 12:00:30 GMT"}, None),
    ],
)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


TEXTS = st.text(st.sampled_from("0123456789.-+eE: ,;JanSunGMT\t\x00٣é"), max_size=40)


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "x-ms-retry-after-ms", "date"]),
        st.one_of(TEXTS, st.datetimes().map(format_datetime)),
        max_size=4,
    )
)
def test_retry_after_is_total_and_bounded(headers: dict[str, str]) -> None:
    seconds = retry_after(headers, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST


@given(TEXTS)
def test_the_reset_of_the_graph_is_total_and_bounded(text: str) -> None:
    seconds = user_quota_reset(text)
    assert seconds is None or 0 <= seconds <= LONGEST
    assert user_quota_reset("00:00:05") == 5.0
