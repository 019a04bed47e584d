"""What is stored, as the values the rules, the sums and the comparison work on."""

from collections.abc import Iterable, Iterator
from itertools import islice

from migrator.gateway import wire
from migrator.resources import UNKNOWN, Estate, Registration, Resource, Usage
from tracker.inventory import models


def estate_of(subscription_ids: Iterable[str], usages: Iterable[Usage] = ()) -> Estate:
    """Everything listed in the subscriptions, with their registrations. Usages are the caller's: quota lies above."""
    wanted = sorted(set(subscription_ids))
    documents = (
        models.Resource.objects.filter(subscription__in=wanted, gone_at__isnull=True)
        .order_by("subscription", "key")
        .values_list("document", flat=True)
    )
    return wire.estate(documents.iterator(chunk_size=2_000), registrations_of(wanted), usages)


def estate_around(units: Iterable[models.Unit]) -> Estate:
    """The estate of the units' subscriptions: what a rule or a sum may look at besides the units themselves."""
    return estate_of({unit.subscription_id for unit in units})


def registrations_of(subscription_ids: Iterable[str]) -> tuple[Registration, ...]:
    """Registrations as last read; UNKNOWN where they could not be."""
    rows = models.Subscription.objects.filter(pk__in=list(subscription_ids)).values_list("pk", "registrations")
    return tuple(
        Registration(subscription=pk, name=name, state=UNKNOWN if state is None else state)
        for pk, listed in rows
        for name, state in sorted(listed.items())
    )


def documents_of(unit: models.Unit, *, gone: bool = False) -> list[dict]:
    """The newest reading of every member of a unit, by key; with `gone`, of those no longer listed too."""
    members = models.Resource.objects.filter(unit=unit)
    if not gone:
        members = members.filter(gone_at__isnull=True)
    return list(members.order_by("key").values_list("document", flat=True))


def members_of(unit: models.Unit, *, gone: bool = False) -> tuple[Resource, ...]:
    """The members of a unit as values: for its page and its picture. What decides reads `estate_around`."""
    return wire.resources(documents_of(unit, gone=gone))


def members_of_many(units: Iterable[models.Unit]) -> Iterator[tuple[models.Unit, tuple[Resource, ...]]]:
    """Every unit with its members as values, in one query for each five hundred."""
    listed = iter(units)
    while batch := list(islice(listed, 500)):
        documents: dict[int, list[dict]] = {unit.pk: [] for unit in batch}
        rows = models.Resource.objects.filter(unit__in=list(documents), gone_at__isnull=True).order_by("key")
        for unit_id, document in rows.values_list("unit_id", "document"):
            documents[unit_id].append(document)
        for unit in batch:
            yield unit, wire.resources(documents[unit.pk])
