"""Subscriptions: which there are, when they are read next, what they are registered for."""

import re
from datetime import datetime

from django.db import transaction

from migrator.gateway.protocol import AzureGateway, GatewayError
from migrator.resources import known
from tracker.audit.actions import Fact, record, record_many
from tracker.audit.values import Actor
from tracker.inventory.documents import storable
from tracker.inventory.models import Subscription
from tracker.inventory.reading import failure

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PROVIDER = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)+(/[A-Za-z][A-Za-z0-9]*)?")


def is_id(text: str) -> bool:
    """Whether a text is a subscription id as it is stored: lower case, with hyphens."""
    return _ID.fullmatch(text) is not None


class InvalidProvider(ValueError):
    """The name is neither a provider ("Microsoft.X") nor a feature ("Microsoft.X/Y")."""


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


def register(subscription: Subscription, name: str, gateway: AzureGateway, by: Actor, now: datetime) -> Subscription:
    """Register a provider or a feature; it takes the platform minutes (azure.md 7), the next sync shows the end of it.

    Raises InvalidProvider; GatewayError, after recording that it failed.
    """
    if not _PROVIDER.fullmatch(name) or len(name) > 120:
        raise InvalidProvider(
            f"{name[:120]!r} is no provider; write it like Microsoft.Compute or Microsoft.Compute/CloudServices."
        )
    detail = {"name": subscription.name, "provider": name}
    try:
        answer = gateway.register(subscription.pk, name)
    except GatewayError as error:
        with transaction.atomic():
            record(
                "subscription.registration_requested",
                by=by,
                object=("subscription", subscription.pk),
                now=now,
                detail={**detail, "cause": failure(error, now)},
                result="failed",
            )
        raise
    with transaction.atomic():
        row = Subscription.objects.select_for_update(no_key=True).get(pk=subscription.pk)
        row.registrations = {**row.registrations, name: storable(str(answer.state)) if known(answer.state) else None}
        row.save(update_fields=["registrations"])
        record(
            "subscription.registration_requested",
            by=by,
            object=("subscription", subscription.pk),
            now=now,
            detail={**detail, "state": storable(str(answer.state)) if known(answer.state) else "unknown"},
        )
    return row
