"""Sums on locks: how much of its limit a locked management plane has used, when to tell it, and hours together.

Azure sets no limit for compute and networks [D azure.md 2.1, seed 1]; the limit is the programme's own. A storage
account left prepared for more than 30 days may be committed by Microsoft [D stg-mig].
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

STEPS = (50, 80, 100)  # per cent of the limit at which people are told, once each
STORAGE_WARNING = timedelta(days=25)
STORAGE_END = timedelta(days=30)


def limit_of(policy: timedelta, *, storage: bool) -> timedelta:
    """The limit of one lock: the programme's, and for a storage account never later than five days before the end
    Microsoft names."""
    return min(policy, STORAGE_WARNING) if storage else policy


def share(opened: datetime, now: datetime, limit: timedelta) -> int:
    """Whole per cent of the limit that are used; a hundred and more when it is over."""
    return int(max(0.0, (now - opened) / limit) * 100)


def step(opened: datetime, now: datetime, limit: timedelta) -> int:
    """The highest of STEPS that is reached; 0: none."""
    used = share(opened, now, limit)
    return max((at for at in STEPS if used >= at), default=0)


def next_step(opened: datetime, now: datetime, limit: timedelta) -> tuple[int, datetime] | None:
    """The next of STEPS and when it comes; None when all have."""
    for at in STEPS:
        when = opened + limit * at / 100
        if when > now:
            return at, when
    return None


def hours(locks: Iterable[tuple[datetime, datetime | None]], now: datetime) -> float:
    """Lock-hours: of each (opened, closed or still open)."""
    return sum(((closed or now) - opened).total_seconds() for opened, closed in locks) / 3600
