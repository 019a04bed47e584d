"""Storing what the worker saw of Azure's doors. Each is one transaction; an event is written when something changed."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from migrator.gateway.protocol import ApiVersion as Read
from migrator.gateway.protocol import AzureGateway
from tracker.audit.actions import record
from tracker.audit.values import Actor
from tracker.connections.models import ApiVersion, Check
from tracker.connections.probing import Seen
from tracker.inventory.models import Subscription

LONGEST = 600


def checked(seen: Iterable[Seen], *, by: Actor, now: datetime) -> list[Check]:
    """Keep a look at the doors. The history tells of a door when it is first seen, and when it turns good or bad."""
    rows = []
    with transaction.atomic():
        before = {row.door: row for row in Check.objects.select_for_update()}
        for one in seen:
            was = before.get(one.door)
            turned = was is None or was.good != one.good
            row, _ = Check.objects.update_or_create(
                door=one.door,
                defaults={
                    "good": one.good,
                    "sentence": one.sentence[:LONGEST],
                    "checked_at": now,
                    "since": now if was is None or turned else was.since,
                },
            )
            rows.append(row)
            if turned:
                detail = {
                    "door": str(one.door),
                    "state": "well" if one.good else "not well",
                    "said": one.sentence[:300],
                }
                record("connection.checked", by=by, object=("connection", str(one.door)), now=now, detail=detail)
    return rows


def read_versions(subscription: Subscription, *, gateway: AzureGateway, by: Actor, now: datetime) -> int:
    """Read which versions Azure offers a subscription and keep what will be used. Returns how many changed; unchanged
    rows keep all but their age. Raises GatewayError before anything is written."""
    found = gateway.api_versions(subscription.pk)
    with transaction.atomic():
        known = {row.kind: row for row in ApiVersion.objects.filter(subscription=subscription)}
        changed = sum(1 for one in found if one.kind not in known or _differs(known[one.kind], one))
        ApiVersion.objects.bulk_create(
            (
                ApiVersion(
                    subscription=subscription,
                    kind=one.kind,
                    version=one.version,
                    source=one.source,
                    listed=list(one.listed),
                    doubt=one.doubt[:300],
                    metadata_read_at=one.read_at,
                    stored_at=now,
                )
                for one in found
            ),
            update_conflicts=True,
            unique_fields=["subscription", "kind"],
            update_fields=["version", "source", "listed", "doubt", "metadata_read_at", "stored_at"],
        )
        gone = ApiVersion.objects.filter(subscription=subscription).exclude(kind__in=[one.kind for one in found])
        gone.delete()  # a type this version of the product no longer asks for
        if changed:
            detail = {"name": subscription.name, "kinds": len(found), "changed": changed}
            record("connection.versions_read", by=by, object=("subscription", subscription.pk), now=now, detail=detail)
    return changed


def _differs(row: ApiVersion, one: Read) -> bool:
    return (row.version, row.source, row.listed, row.doubt) != (
        one.version,
        one.source,
        list(one.listed),
        one.doubt[:300],
    )
