"""The ledger of locks, as the pages and the API read it."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce

from tracker.inventory.lock_models import Lock


def locks() -> QuerySet[Lock]:
    """With their units, the newest first."""
    return Lock.objects.select_related("unit__subscription").order_by("-opened_at", "-pk")


def hours_of_waves(waves: Iterable[int], now: datetime) -> dict[int, float]:
    """Lock-hours by wave, those still open until `now`."""
    rows = (
        Lock.objects.filter(wave_id__in=list(waves))
        .values("wave_id")
        .annotate(long=Sum(Coalesce("closed_at", now) - F("opened_at")))
        .values_list("wave_id", "long")
    )
    return {wave: long.total_seconds() / 3600 for wave, long in rows}
