"""When the platform wants to be asked again: a total reading of its headers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 3600.0  # seconds; more than an hour is read as an hour: asking once an hour harms nobody
_HEADERS = (("retry-after-ms", 1000.0), ("x-ms-retry-after-ms", 1000.0), ("retry-after", 1.0))


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait, 0 to `LONGEST`; None when the platform did not say or said nonsense. `headers` with lower-case
    names.

    An HTTP date counts from the answer's own `Date`, so that two clocks which differ do no harm, and from `now` when
    it has none.
    """
    for name, divisor in _HEADERS:
        text = headers.get(name, "").strip()
        if not text:
            continue
        seconds = _number(text)
        if seconds is None and divisor == 1.0:
            seconds = _until(text, headers.get("date", ""), now)
        if seconds is not None:
            return min(seconds / divisor, LONGEST)
    return None


def _number(text: str) -> float | None:
    if not text.isascii() or len(text) > 32 or not text.replace(".", "", 1).isdigit():
        return None
    return float(text)


def _until(text: str, date: str, now: datetime) -> float | None:
    wanted = _date(text)
    if wanted is None:
        return None
    return max(0.0, (wanted - (_date(date) or now)).total_seconds())


def _date(text: str) -> datetime | None:
    if len(text) > 64:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def user_quota_reset(text: str) -> float | None:
    """`hh:mm:ss` of Resource Graph's `x-ms-user-quota-resets-after` in seconds (azure.md 8.2), bounded; None for
    nonsense."""
    parts = text.strip().split(":")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts):
        return None
    hours, minutes, seconds = (int(part) for part in parts)
    return min(float(hours * 3600 + minutes * 60 + seconds), LONGEST)
