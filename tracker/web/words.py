"""Times, durations and ids as people read them. Pure: `now` and `zone` are arguments. static/tracker.js speaks the
same times."""

from datetime import datetime, timedelta, tzinfo

SHOWN = 34  # characters of a shortened id


def relative(at: datetime, now: datetime) -> str:
    """`just now`, `3 min ago`, `in 2 h`, `5 days ago`; beyond two weeks the date."""
    seconds = (now - at).total_seconds()
    size = abs(seconds)
    if size < 45:
        return "just now" if seconds >= 0 else "in a moment"
    if size < 3570:
        text = f"{max(1, round(size / 60))} min"
    elif size < 86_400 * 2:
        text = f"{round(size / 3600)} h"
    elif size < 86_400 * 14:
        text = f"{round(size / 86_400)} days"
    else:
        return f"{at.day} {at:%b %Y}"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def absolute(at: datetime, zone: tzinfo) -> str:
    """`22 Nov 2026, 19:06:12 UTC`: to the second, with the zone."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M:%S %Z}"


def duration(seconds: float | timedelta) -> str:
    """`4 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`: the two largest parts."""
    total = round(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    if total < 0:
        return f"−{duration(-total)}"
    days, rest = divmod(total, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    start = next((index for index, (value, _) in enumerate(parts) if value), 3)
    return " ".join(f"{value} {unit}" for value, unit in parts[start : start + 2] if value) or "0 s"


def clock(seconds: float) -> str:
    """`00:13:05`, `2 d 04:13:05`: a running clock, always the same width."""
    total = max(0, int(seconds))
    days, rest = divmod(total, 86_400)
    text = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days} d {text}" if days else text


def middle_shortened(text: str, shown: int = SHOWN) -> str:
    """`/subscriptions/6d1c…/vnet-shop-eu`: both ends of an id; the end begins at a `/` where that fits."""
    if len(text) <= shown:
        return text
    tail = shown - 1 - shown // 3
    if (cut := text.find("/", len(text) - tail)) >= 0 and len(text) - cut >= shown // 4:
        return f"{text[: shown - 1 - (len(text) - cut)]}…{text[cut:]}"
    return f"{text[: shown - 1 - tail]}…{text[-tail:]}"


def frozen(scope: str, name: str = "") -> str:
    """What a freeze is of: `everything`, `every Commit`, `region westeurope`, `subscription Retail`. `name`: of
    the subscription or the wave; without it its id."""
    kind, _, what = scope.partition(":")
    match kind:
        case "verb":
            return f"every {what.capitalize()}"
        case "subscription":
            return f"subscription {name or what}"
        case "region":
            return f"region {what}"
        case "wave":
            return f"wave “{name}”" if name else f"wave {what}"
    return "everything"
