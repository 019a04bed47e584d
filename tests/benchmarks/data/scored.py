"""An inventory to score: believable subscriptions of the generated estate, stored as a sync leaves them."""

import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection
from django.utils import timezone

from migrator import units
from migrator.gateway import wire
from migrator.resources import subscription_of
from migrator.simulator.estates import generated
from migrator.units import Unit
from tests.benchmarks.data import history
from tracker.inventory import actions as inventory
from tracker.inventory.models import Subscription

LARGE = 50_000  # resources of one subscription
_COLLECTIONS = {  # what a complete reading lists below each type
    "domainnames": ["slots", "serviceCertificates"],
    "slots": ["roles"],
    "roles": ["extensionReferences"],
    "virtualnetworks": ["gateways", "virtualNetworkPeerings"],
    "storageaccounts": ["disks", "osImages", "vmImages"],
}


def fill(wanted: int) -> None:
    """One large subscription, and as many of the usual size as it takes to have so many units."""
    held, seed = _subscription(0, LARGE), 0
    while held < wanted:
        seed += 1
        held += _subscription(seed, generated.PER_SUBSCRIPTION)
    history.settle()


def _subscription(seed: int, resources: int) -> int:
    """Store one subscription; returns how many units it has."""
    made = generated.build(seed, resources=resources, subscriptions=1)
    pk = str(uuid.uuid5(uuid.NAMESPACE_URL, f"scored {seed}"))  # every generated one is called alike
    estate = json.loads(json.dumps(made).replace(subscription_of(made["resources"][0]["id"]), pk))
    documents = [read(document) for document in estate["resources"]]
    registrations = {one["name"]: one["state"] for one in estate["registrations"]}
    now = timezone.now()
    Subscription.objects.create(
        pk=pk, name=f"Scored {seed:03}", registrations=registrations, registrations_read_at=now, synced_at=now
    )
    drawn = units.resolve(wire.resources(documents))
    _copy(
        "unit",
        "key azure_id kind name subscription_id region owner progress health health_reason verdict score blockers"
        " changes unknowns open_rules member_count first_seen_at changed_at",
        (
            (
                *(unit.key, unit.id, unit.kind.value, unit.name[:120], pk),
                *(unit.location if isinstance(unit.location, str) else "", "", "discovered", "on track", ""),
                *("unknown", 0, 0, 0, 0, "{}", len(unit.members), now, now),
            )
            for unit in drawn
        ),
    )
    _copy(
        "resource",
        "key azure_id type name subscription_id region unit_id membership document digest first_seen_at changed_at"
        " seen_at",
        list(_rows(documents, pk, drawn, now)),
    )
    return len(drawn)


def read(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "read": _COLLECTIONS.get(document["type"].rsplit("/", 1)[-1].lower(), [])}


def _rows(documents: list[dict[str, Any]], pk: str, drawn: list[Unit], now: Any) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key, id FROM tracker_unit WHERE subscription_id = %s", [pk])
        numbers = dict(cursor.fetchall())
    home = {member.resource_key: (numbers[unit.key], member.reason) for unit in drawn for member in unit.members}
    for document in sorted(documents, key=lambda one: one["id"].lower()):
        azure_id = document["id"]
        above = azure_id.lower()  # what is no resource of its own, an extension, is where the one above it is
        while above not in home and above.count("/") > 10:
            above = above.rsplit("/", 2)[0]
        unit, reason = home.get(above, (None, ""))
        kind, region = document["type"], document.get("location", "")
        digest = inventory.digest_of(document)
        yield (
            *(azure_id.lower(), azure_id, kind, azure_id.rsplit("/", 1)[-1], pk, region, unit, reason[:300]),
            *(json.dumps(document), digest, now, now, now),
        )


def _copy(table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY tracker_{table} ({', '.join(columns.split())}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
