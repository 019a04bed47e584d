"""Token buckets in PostgreSQL: one per subscription and kind, obeyed by all workers (azure.md 8.1: writes 200 + 10/s,
reads 250 + 25/s).
"""

from datetime import datetime

from tracker.runs.models import Budget

SIZE = {"read": 250.0, "write": 200.0}
REFILL = {"read": 25.0, "write": 10.0}  # per second


def take(subscription_id: str, kind: str, now: datetime) -> float:
    """Take one token; 0.0 when it was had, else the seconds until one is there. Inside the arming transaction, last
    lock of the order.
    """
    budget, _ = Budget.objects.select_for_update().get_or_create(
        subscription_id=subscription_id, kind=kind, defaults={"tokens": SIZE[kind], "updated_at": now}
    )
    if budget.not_before and budget.not_before > now:
        return (budget.not_before - now).total_seconds()
    elapsed = max(0.0, (now - budget.updated_at).total_seconds())
    tokens = min(SIZE[kind], budget.tokens + elapsed * REFILL[kind])
    if tokens < 1:
        return (1 - tokens) / REFILL[kind]
    Budget.objects.filter(pk=budget.pk).update(tokens=tokens - 1, updated_at=now)
    return 0.0


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
