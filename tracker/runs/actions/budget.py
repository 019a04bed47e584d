"""Token buckets in PostgreSQL: one per subscription and kind, obeyed by all workers (azure.md 8.1: writes 200 + 10/s,
reads 250 + 25/s).
"""

from datetime import datetime, timedelta

from django.db import transaction

from tracker.runs.models import Budget

RAMP = 600.0  # seconds after a freeze is lifted until writes go at full pace again
FIRST_SHARE = 0.1  # the pace they begin at
SIZE = {"read": 250.0, "write": 200.0}
REFILL = {"read": 25.0, "write": 10.0}  # per second


def share(now: datetime, lifted_at: datetime | None) -> float:
    """Of the usual pace, after a freeze was lifted: a tenth at once, all of it ten minutes later (reliability-notes
    4.8). What waited for hours does not start in one second."""
    if lifted_at is None:
        return 1.0
    elapsed = max(0.0, (now - lifted_at).total_seconds())
    return min(1.0, FIRST_SHARE + (1 - FIRST_SHARE) * elapsed / RAMP)


def take(subscription_id: str, kind: str, now: datetime, *, lifted_at: datetime | None = None) -> float:
    """Take one token; 0.0 when it was had, else the seconds until one is there. Inside the arming transaction, last
    lock of the order. `lifted_at`: when the last freeze of what is to be sent was lifted.
    """
    budget, _ = Budget.objects.select_for_update().get_or_create(
        subscription_id=subscription_id, kind=kind, defaults={"tokens": SIZE[kind], "updated_at": now}
    )
    if budget.not_before and budget.not_before > now:
        return (budget.not_before - now).total_seconds()
    part = share(now, lifted_at)
    since = budget.updated_at if lifted_at is None else max(budget.updated_at, lifted_at)
    elapsed = max(0.0, (now - since).total_seconds())
    rate = REFILL[kind] * (share(since, lifted_at) + part) / 2  # the mean of both ends: the pace rises evenly
    tokens = min(SIZE[kind] * part, budget.tokens + elapsed * rate)
    if tokens < 1:
        return (1 - tokens) / (REFILL[kind] * part)
    Budget.objects.filter(pk=budget.pk).update(tokens=tokens - 1, updated_at=now)
    return 0.0


def spent(wait: float, lifted_at: datetime | None, now: datetime) -> str:
    """Why nothing is sent for now."""
    part = share(now, lifted_at)
    if part < 1:
        return (
            f"A freeze was lifted {lifted_at:%H:%M} UTC and sending picks up slowly: {part:.0%} of the usual pace now, "
            f"all of it after 10 minutes; {wait:.0f} s until the next write."
        )
    return f"The request budget of the subscription is used up; {wait:.0f} s until the next write."


def stop_until(subscription_id: str, kind: str, until: datetime, now: datetime) -> None:
    """The platform said 429: nothing of this kind before `until`."""
    Budget.objects.update_or_create(
        subscription_id=subscription_id, kind=kind, defaults={"tokens": 0.0, "updated_at": now, "not_before": until}
    )


def heard(subscription_id: str, kind: str, remaining: int | None, now: datetime) -> None:
    """The platform said how many calls are left; believe it when it is less than we thought."""
    if remaining is not None:
        Budget.objects.filter(subscription_id=subscription_id, kind=kind, tokens__gt=remaining).update(
            tokens=float(remaining), updated_at=now
        )


def pay(
    subscription_id: str, kind: str, count: int, now: datetime, *, left: int | None = None, shut: float = 0.0
) -> tuple[float, float]:
    """Pay for calls that were made: what is left, below zero when more was used than there was, and the seconds for
    which the platform wants none. `left`: what it said itself, believed when it is less; `shut`: for how long it asked
    to wait."""
    with transaction.atomic():
        row, _ = Budget.objects.select_for_update().get_or_create(
            subscription_id=subscription_id, kind=kind, defaults={"tokens": SIZE[kind], "updated_at": now}
        )
        elapsed = max(0.0, (now - row.updated_at).total_seconds())
        tokens = min(SIZE[kind], row.tokens + elapsed * REFILL[kind]) - count
        if left is not None:
            tokens = min(tokens, float(left))
        row.tokens, row.updated_at = max(tokens, -SIZE[kind]), max(now, row.updated_at)
        if shut:
            row.not_before = max(row.not_before or now, now + timedelta(seconds=shut))
        row.save()
    return row.tokens, max(0.0, (row.not_before - now).total_seconds()) if row.not_before else 0.0
