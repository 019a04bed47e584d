"""How a moment is said in a sentence."""

from datetime import datetime, tzinfo


def short(at: datetime, zone: tzinfo, now: datetime) -> str:
    """`19:06 UTC` today, `22 Nov, 19:06 UTC` this year, else with the year."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M %Z}"
    if local.year == today.year:
        return f"{local.day} {local:%b, %H:%M %Z}"
    return f"{local.day} {local:%b %Y, %H:%M %Z}"
