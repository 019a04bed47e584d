"""Syncs, snapshots, and the difference between two of them."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from tracker.inventory.differences import FieldChange, differences
from tracker.inventory.models import Discovery, Import, RegistrationRequest, Resource, Snapshot, Subscription, Sync

# azure.md 7: the first two must read Registered before Validate [D]; the targets of the move [I].
MIGRATE, FEATURE = "Microsoft.ClassicInfrastructureMigrate", "Microsoft.Compute/CloudServices"
NEEDED = (MIGRATE, FEATURE, "Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage")


def unregistered(subscription: Subscription) -> list[str]:
    """What the subscription is to be registered for and is not known to be."""
    return [name for name in NEEDED if subscription.registrations.get(name) != "Registered"]


def subscriptions() -> QuerySet[Subscription]:
    return Subscription.objects.all()


def wanted_syncs(now: datetime, limit: int = 100) -> list[str]:
    """Ids of subscriptions somebody asked to be read and nobody is reading, the longest waiting first."""
    reading = Sync.objects.filter(subscription=OuterRef("pk"), ended_at__isnull=True)
    asked = Subscription.objects.filter(~Exists(reading), sync_wanted_at__lte=now)
    return list(asked.order_by("sync_wanted_at", "pk").values_list("pk", flat=True)[:limit])


def due_syncs(now: datetime, limit: int = 100) -> list[str]:
    """Ids of subscriptions whose reading is to go on now: its reader made room or died, and Azure asks for no wait."""
    idle = Q(holder="") | Q(lease_until__lte=now)
    ready = Q(resume_at__isnull=True) | Q(resume_at__lte=now)
    rows = Sync.objects.filter(idle, ready, ended_at__isnull=True)
    return list(rows.order_by("started_at", "pk").values_list("subscription_id", flat=True)[:limit])


def unfollowed_syncs(now: datetime, limit: int = 100) -> list[int]:
    """Syncs of the last day which brought the inventory up to date and whose units nobody has assessed since."""
    rows = Sync.objects.filter(
        outcome__in=(Sync.Outcome.COMPLETE, Sync.Outcome.PARTIAL),
        followed_at__isnull=True,
        ended_at__gte=now - timedelta(days=1),
        lease_until__lte=now,
    )
    return list(rows.order_by("ended_at", "pk").values_list("pk", flat=True)[:limit])


def unfollowed_imports(now: datetime, limit: int = 100) -> list[UUID]:
    """Imports of the last day that were applied and whose units nobody has assessed since."""
    rows = Import.objects.filter(
        state=Import.State.APPLIED, followed_at__isnull=True, closed_at__gte=now - timedelta(days=1)
    )
    rows = rows.exclude(lease_until__gt=now)
    return list(rows.order_by("closed_at", "pk").values_list("pk", flat=True)[:limit])


def due_registrations(now: datetime, limit: int = 100) -> list[int]:
    """Requests to register which are to be sent or looked at, and which nobody holds."""
    rows = RegistrationRequest.objects.filter(ended_at__isnull=True, due_at__lte=now).exclude(lease_until__gt=now)
    return list(rows.order_by("due_at", "pk").values_list("pk", flat=True)[:limit])


def discovery_wanted() -> bool:
    """Whether somebody wants the worker to look for subscriptions."""
    return Discovery.objects.filter(ended_at__isnull=True).exists()


def last_discovery() -> Discovery | None:
    return Discovery.objects.order_by("-asked_at", "-pk").first()


def syncs(limit: int = 20, subscription_id: str | None = None) -> list[Sync]:
    """The last syncs, newest first, with their subscriptions."""
    rows = Sync.objects.select_related("subscription").order_by("-started_at", "-pk")
    return list((rows.filter(subscription=subscription_id) if subscription_id else rows)[:limit])


def latest_reading(subscription_id: str) -> Sync | None:
    """The last sync that brought the inventory up to date, wholly or in part: its age is the age of every fact."""
    complete = (Sync.Outcome.COMPLETE, Sync.Outcome.PARTIAL)
    return Sync.objects.filter(subscription=subscription_id, outcome__in=complete).order_by("-started_at").first()


def snapshots(resource: Resource, limit: int = 100) -> list[Snapshot]:
    """What the resource looked like over time, newest first; the content it has now is the one with its digest."""
    return list(Snapshot.objects.filter(resource_key=resource.key).order_by("-taken_at", "-pk")[:limit])


def diff(before: Snapshot, after: Snapshot) -> list[FieldChange]:
    """Field by field, what differs between two snapshots."""
    return differences(before.document, after.document)
