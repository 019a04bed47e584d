"""Limits were read: what Azure refused for want of quota counts no more where there is enough now."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from migrator.messages import quota_numbers
from migrator.quota_way import named, wanted
from migrator.resources import Category
from tracker.audit.values import Actor
from tracker.inventory.models import Unit
from tracker.quota import queries as quota
from tracker.quota.models import Usage
from tracker.readiness import actions as readiness
from tracker.readiness.models import PlatformAnswer

COUNTS = timedelta(days=7)  # an answer speaks that long (rules.md 6)


def quota_read(subscription_id: str, *, by: Actor, now: datetime) -> list[Unit]:
    """Settle what the newest readings of limits answer, and assess those units again. An answer is settled when every
    error in it is one of quota, and each limit was read after it as large as it said is needed. Returns the units."""
    rows = PlatformAnswer.objects.filter(
        unit__subscription_id=subscription_id, passed=False, at__gt=now - COUNTS, settled__isnull=True
    ).select_related("unit")
    if not rows:
        return []
    limits = {
        (row.region.replace(" ", "").lower(), row.name.lower()): row
        for row in Usage.objects.filter(subscription_id=subscription_id)
    }
    settled: dict[int, Unit] = {}
    for row in rows:
        if why := _enough(row, limits):
            readiness.settle_answer(row, why, by=by, now=now)
            settled[row.unit_id] = row.unit
    units = list(settled.values())
    if units:
        readiness.assess(units, shortfalls=quota.shortfalls_of(units), now=now, by=by)
    return units


def _enough(answer: PlatformAnswer, limits: Mapping[tuple[str, str], Usage]) -> str:
    """Why the answer counts no more; "" when it does."""
    said = []
    for message in answer.messages:
        if message.get("category") != Category.ERROR:
            continue
        numbers = quota_numbers(str(message.get("message", "")))
        if numbers is None:
            return ""
        numbers = named(numbers, answer.unit.region)
        row = limits.get((answer.unit.region.replace(" ", "").lower(), numbers.name.lower()))
        if row is None or row.read_at <= answer.at or row.limit < wanted(numbers):
            return ""
        said.append(f"the limit of {row.name} in {row.region} was read as {row.limit:,} since")
    return "; ".join(said)
