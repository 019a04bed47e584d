"""What follows the import of an estate file: the quota the file tells of, then readiness, as after a sync. For the
worker and the command; asks nobody but the database."""

from collections.abc import Callable
from datetime import datetime

from migrator.resources import Usage
from tracker.audit.values import Actor
from tracker.inventory import actions as inventory
from tracker.inventory import queries
from tracker.inventory.models import Import, Subscription
from tracker.quota import actions as quota
from tracker.quota import queries as quota_queries
from tracker.readiness import actions as readiness


def follow(import_id: object, *, by: Actor, clock: Callable[[], datetime]) -> bool:
    """What follows an applied import: its quota kept, its units assessed. False: somebody did that, or is about to.
    When its worker dies, the ticker finds it again within two minutes."""
    row = inventory.claim_import(import_id, clock())
    if row is None:
        return False
    with inventory.import_following(row, clock):
        told = [one["id"] for one in row.subscriptions]
        for subscription in Subscription.objects.filter(pk__in=told).order_by("pk"):
            _keep_usages(row, subscription, by, clock())
            units = list(queries.live_units(subscription))
            readiness.assess(units, shortfalls=quota_queries.shortfalls_of(units), now=clock(), by=by)
    inventory.import_followed(row, clock())
    return True


def _keep_usages(row: Import, subscription: Subscription, by: Actor, now: datetime) -> None:
    regions: dict[str, list[Usage]] = {}
    for owner, location, provider, name, current, limit in row.usages:
        if owner == subscription.pk:
            usage = Usage(
                subscription=owner, location=location, provider=provider, name=name, current=current, limit=limit
            )
            regions.setdefault(location, []).append(usage)
    for region, listed in sorted(regions.items()):
        quota.keep_usages(subscription, region, listed, as_of=row.as_of or now, by=by, now=now)
