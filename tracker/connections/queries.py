"""What is known of the doors, for the pages and `doctor`."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from tracker.connections.models import ApiVersion, Check
from tracker.inventory.models import Subscription

SHOWN_SUBSCRIPTIONS = 50


def checks() -> dict[str, Check]:
    """The last look at each door that was ever looked at."""
    return {row.door: row for row in Check.objects.all()}


@dataclass(frozen=True, slots=True)
class Used:
    """One type in one version, over all subscriptions where it is so."""

    kind: str
    version: str
    source: str
    doubt: str
    subscriptions: int
    read_at: datetime | None  # the oldest reading of the metadata; None when one could not be read


def versions_used() -> list[Used]:
    """Which version is used for what: one row for each type, more where subscriptions differ."""
    rows = (
        ApiVersion.objects.values("kind", "version", "source", "doubt")
        .annotate(subscriptions=Count("subscription"), read=Count("metadata_read_at"), oldest=Min("metadata_read_at"))
        .order_by("kind", "-subscriptions", "version")
    )
    return [
        Used(
            kind=row["kind"],
            version=row["version"],
            source=row["source"],
            doubt=row["doubt"],
            subscriptions=row["subscriptions"],
            read_at=row["oldest"] if row["read"] == row["subscriptions"] else None,
        )
        for row in rows
    ]


def registered() -> tuple[list[Subscription], int]:
    """Subscriptions with their registrations as last read, those with something missing first; and how many more."""
    every = list(Subscription.objects.order_by("name", "id"))
    every.sort(key=lambda one: not missing(one))
    return every[:SHOWN_SUBSCRIPTIONS], max(0, len(every) - SHOWN_SUBSCRIPTIONS)


def missing(subscription: Subscription) -> list[str]:
    """Names which do not read Registered; unknown ones are not counted as missing."""
    return [
        name
        for name, state in subscription.registrations.items()
        if isinstance(state, str) and state.lower() != "registered"
    ]
