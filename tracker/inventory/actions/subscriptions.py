"""Subscriptions: which there are, when they are read next, what they are registered for."""

import re
from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from migrator.gateway.protocol import AzureGateway, GatewayError
from tracker.audit.actions import Fact, record, record_many
from tracker.audit.values import Actor
from tracker.inventory.documents import storable
from tracker.inventory.models import Discovery, Subscription
from tracker.inventory.reading import failure

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Whether a text is a subscription id as it is stored: lower case, with hyphens."""
    return _ID.fullmatch(text) is not None


def discover_subscriptions(gateway: AzureGateway, now: datetime, by: Actor) -> list[Subscription]:
    """Add the subscriptions the credential can see, and follow their names and states. One it no longer sees stays as
    it is: its next sync says why. Raises GatewayError; then nothing was changed."""
    listed = {info.subscription_id.lower(): info for info in gateway.subscriptions()}
    listed = {key: info for key, info in listed.items() if _ID.fullmatch(key)}
    with transaction.atomic():
        stored = Subscription.objects.select_for_update(no_key=True).in_bulk(list(listed))
        changed, facts = [], []
        for key, info in sorted(listed.items()):
            row = Subscription(
                id=key,
                name=storable(info.display_name or key)[:200],
                state=storable(info.state)[:40],
                tenant=storable(info.tenant_id)[:36],
            )
            old = stored.get(key)
            if old and (old.name, old.state, old.tenant) == (row.name, row.state, row.tenant):
                continue
            changed.append(row)
            kind = "subscription.changed" if old else "subscription.added"
            facts.append(Fact(kind, ("subscription", key), {"name": row.name, "state": row.state}))
        Subscription.objects.bulk_create(
            changed, update_conflicts=True, unique_fields=["id"], update_fields=["name", "state", "tenant"]
        )
        record_many(facts, by=by, now=now)
    return list(Subscription.objects.filter(pk__in=list(listed)))


@transaction.atomic
def want_sync(subscription: Subscription, by: Actor, now: datetime) -> bool:
    """Note that somebody wants the subscription read soon. False when that was already noted."""
    noted = Subscription.objects.filter(pk=subscription.pk, sync_wanted_at__isnull=True).update(
        sync_wanted_at=now, sync_wanted_by=by.key
    )
    if noted:
        subscription.sync_wanted_at, subscription.sync_wanted_by = now, by.key
        record(
            "inventory.sync_wanted",
            by=by,
            object=("subscription", subscription.pk),
            now=now,
            detail={"name": subscription.name},
        )
    return bool(noted)


@transaction.atomic
def want_discovery(by: Actor, now: datetime) -> bool:
    """Note that somebody wants the worker to look for subscriptions. False when that was already noted."""
    if Discovery.objects.select_for_update().filter(ended_at__isnull=True).exists():
        return False
    row = Discovery.objects.create(asked_at=now, asked_by=by.key)
    detail = {"name": "the list of subscriptions", "discovery": row.pk}
    record("inventory.sync_wanted", by=by, object=("inventory", "subscriptions"), now=now, detail=detail)
    return True


def discover_wanted(gateway: AzureGateway, clock: Callable[[], datetime], by: Actor) -> str:
    """Answer a wish of `want_discovery`; new subscriptions are noted to be read. Returns what was found, for a log."""
    now = clock()
    row = Discovery.objects.filter(ended_at__isnull=True).first()
    if row is None:
        return "nobody asked"
    try:
        found = discover_subscriptions(gateway, now, by)
        for subscription in found:
            if subscription.synced_at is None:
                want_sync(subscription, by, now)
        row.found = len(found)
    except GatewayError as error:
        row.error = failure(error, now)
    row.ended_at = clock()
    row.save(update_fields=["found", "error", "ended_at"])
    return row.error or f"{row.found} subscriptions"
