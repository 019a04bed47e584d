"""What pages and waves ask about quota. Reads only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Q, QuerySet, Sum

from migrator import quota
from migrator.quota import Need, Needed, Shortfall, UnknownNeed
from migrator.resources import UNKNOWN
from migrator.resources import Usage as UsageValue
from tracker.inventory import queries as inventory
from tracker.inventory.models import Subscription, Unit
from tracker.quota.models import QuotaRequest, Reservation, Usage


def needs_of(unit: Unit) -> Needed:
    """What the unit will use on the Resource Manager side, from its members as last read."""
    return quota.need(inventory.members_of(unit))


def usages(subscription: str | Subscription | None = None) -> list[UsageValue]:
    """Usages as last read, as values."""
    rows = Usage.objects.all() if subscription is None else Usage.objects.filter(subscription=subscription)
    return [
        UsageValue(
            subscription=row.subscription_id,
            location=row.region,
            provider=row.provider,
            name=row.name,
            current=row.current,
            limit=row.limit,
        )
        for row in rows
    ]


def reserved(subscription: str | Subscription | None = None, *, but: Unit | None = None) -> list[Need]:
    """What placed units have spoken for, summed."""
    rows = Reservation.objects.all() if subscription is None else Reservation.objects.filter(subscription=subscription)
    if but is not None:
        rows = rows.exclude(unit=but)
    grouped = rows.values("subscription_id", "region", "provider", "name").annotate(total=Sum("amount"))
    return [
        Need(
            subscription=row["subscription_id"],
            location=row["region"],
            provider=row["provider"],
            name=row["name"],
            amount=row["total"],
        )
        for row in grouped
    ]


def balance_of(unit: Unit) -> list[Shortfall]:
    """Every need of a unit beside its usages row and what others have reserved."""
    needs, _ = needs_of(unit)
    return quota.balance(needs, usages(unit.subscription_id), reserved(unit.subscription_id, but=unit))


def shortfalls_of(units: Iterable[Unit]) -> Mapping[str, tuple[Shortfall, ...]]:
    """Needs that are short, or that nobody can judge, by unit key; for the readiness catalogue's quota rules."""
    listed = list(units)
    all_usages = usages()
    taken = {need.key: need for need in reserved()}
    own: dict[str, dict[quota.Key, int]] = {}
    for row in Reservation.objects.filter(unit__in=listed).select_related("unit"):
        key = (row.subscription_id.lower(), row.region.lower(), row.provider.lower(), row.name.lower())
        own.setdefault(row.unit.key, {})[key] = row.amount
    answer = {}
    for unit, members in inventory.members_of_many(listed):
        mine = own.get(unit.key, {})
        others = [replace(need, amount=need.amount - mine.get(key, 0)) for key, need in taken.items()]
        needed = quota.need(members)
        short = quota.shortfall(needed.needs, all_usages, others)
        answer[unit.key] = (*short, *(_uncountable(row) for row in needed.unknowns))
    return answer


def _uncountable(row: UnknownNeed) -> Shortfall:
    """A need that nobody can count: never taken for enough."""
    need = Need(subscription=row.subscription, location=row.location, provider=row.provider, name=row.name, amount=0)
    return Shortfall(need=need, limit=UNKNOWN, current=UNKNOWN, reserved=0, available=UNKNOWN, short_by=UNKNOWN)


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One region and family of the quota page."""

    subscription: Subscription
    region: str
    provider: str
    name: str
    limit: int | None
    in_use: int | None
    read_at: datetime | None
    reserved: int
    planned: int  # needed by units that are in no wave yet and not gone
    request: QuotaRequest | None

    @property
    def free(self) -> int | None:
        return None if self.limit is None or self.in_use is None else self.limit - self.in_use - self.reserved

    @property
    def short(self) -> int | None:
        """How much is missing for everything known; None when it cannot be told."""
        return None if self.free is None else max(0, self.planned - self.free)

    @property
    def wanted_total(self) -> int | None:
        return None if self.limit is None or self.short is None else self.limit + self.short


def matrix(*, subscription: str = "", short_only: bool = False) -> list[MatrixRow]:
    """Region × family: have, in use, reserved by waves, planned, requested, short. Only rows that matter: needed,
    reserved or requested.
    """
    planned: dict[tuple[str, str, str, str], int] = {}
    units = Unit.objects.filter(gone_at__isnull=True, placement__isnull=True, progress__in=["discovered", "assessed"])
    for _, members in inventory.members_of_many(units.filter(subscription_id=subscription) if subscription else units):
        for need in quota.need(members).needs:
            key = (need.subscription, need.location, need.provider, need.name)
            planned[key] = planned.get(key, 0) + need.amount
    taken = {(n.subscription, n.location, n.provider, n.name): n.amount for n in reserved(subscription or None)}
    known = {
        (u.subscription_id, u.region, u.provider, u.name): u
        for u in (Usage.objects.filter(subscription_id=subscription) if subscription else Usage.objects.all())
    }
    asked: dict[tuple[str, str, str, str], QuotaRequest] = {}
    for request in QuotaRequest.objects.order_by("requested_at"):
        asked[(request.subscription_id, request.region, request.provider, request.name)] = request
    names = {s.pk: s for s in Subscription.objects.all()}
    rows = []
    for key in sorted(planned.keys() | taken.keys() | asked.keys()):
        if key[0] not in names or (subscription and key[0] != subscription):
            continue
        usage = known.get(key)
        rows.append(
            MatrixRow(
                subscription=names[key[0]],
                region=key[1],
                provider=key[2],
                name=key[3],
                limit=usage.limit if usage else None,
                in_use=usage.current if usage else None,
                read_at=usage.read_at if usage else None,
                reserved=taken.get(key, 0),
                planned=planned.get(key, 0),
                request=asked.get(key),
            )
        )
    return [row for row in rows if row.short or row.short is None] if short_only else rows


def requests() -> QuerySet[QuotaRequest]:
    return QuotaRequest.objects.select_related("subscription").order_by("-requested_at")


def due_requests(now: datetime) -> list[int]:
    return list(
        QuotaRequest.objects.filter(due_at__lte=now)
        .filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
        .order_by("due_at")
        .values_list("pk", flat=True)[:50]
    )


def regions(subscription: Subscription) -> list[str]:
    """Regions in which the subscription has classic units."""
    return sorted(
        set(
            Unit.objects.filter(subscription=subscription, gone_at__isnull=True)
            .exclude(region="")
            .values_list("region", flat=True)
        )
    )
