"""What pages and waves ask about quota. Reads only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet, Sum

from migrator import quota
from migrator.quota import Need, Needed, Shortfall, UnknownNeed
from migrator.resources import UNKNOWN
from migrator.resources import Usage as UsageValue
from tracker.inventory import queries as inventory
from tracker.inventory.models import Subscription, Unit
from tracker.quota.models import QuotaRequest, Reservation, SizeList, Usage


def needs_of(unit: Unit, *, own_network: bool = True) -> Needed:
    """What the unit will use on the Resource Manager side, from its members as last read. `own_network`: its machines
    outside any network get a new one."""
    return quota.need(inventory.members_of(unit), own_network=own_network, listed=sizes(unit.subscription_id))


def sizes(subscription: str = "") -> quota.Sizes:
    """Sizes as Azure listed them, of one subscription or of all."""
    rows = SizeList.objects.filter(subscription_id=subscription) if subscription else SizeList.objects.all()
    return {
        (row.subscription_id.lower(), "".join(row.region.split()).lower()): {
            name: quota.Listed(cores, family) for name, (cores, family) in row.sizes.items()
        }
        for row in rows
    }


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


def balance_of(unit: Unit, *, own_network: bool = True) -> list[Shortfall]:
    """Every need of a unit beside its usages row and what others have reserved."""
    needs, _ = needs_of(unit, own_network=own_network)
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
    keys = [unit.pk for unit in listed]
    # Machines that go into a network which is there already need none of their own (azure.md 3.4).
    into_existing = set(
        Unit.objects.filter(pk__in=keys, placement__destination__isnull=False).values_list("pk", flat=True)
    )
    answer = {}
    listed_sizes = sizes()
    for unit, members in inventory.members_of_many(listed):
        mine = own.get(unit.key, {})
        others = [replace(need, amount=need.amount - mine.get(key, 0)) for key, need in taken.items()]
        needed = quota.need(members, own_network=unit.pk not in into_existing, listed=listed_sizes)
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
    waves: tuple[tuple[str, int], ...] = ()  # name of a wave, reserved by it; the largest first

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

    @property
    def key(self) -> quota.Key:
        return (self.subscription.pk.lower(), self.region.lower(), self.provider.lower(), self.name.lower())


_VERSION = """
SELECT (SELECT concat_ws(' ', count(*), max(u.changed_at), sum(u.id), sum(u.member_count)) FROM tracker_unit u
         WHERE u.gone_at IS NULL AND u.progress IN ('discovered', 'assessed')
           AND NOT EXISTS (SELECT 1 FROM tracker_placement p WHERE p.unit_id = u.id))
       || (SELECT coalesce(md5(string_agg(digest, ',' ORDER BY id)), '') FROM tracker_sizelist),
       (SELECT concat_ws(' ', count(*), max(read_at), sum("limit"), sum(current)) FROM tracker_usage),
       (SELECT md5(string_agg(concat_ws(' ', id, state, azure_state, azure_message), ',' ORDER BY id))
          FROM tracker_quotarequest),
       (SELECT concat_ws(' ', count(*), sum(r.id), sum(r.amount), max(u.locked_since))
          FROM tracker_reservation r JOIN tracker_unit u ON u.id = r.unit_id)
"""


def version() -> tuple[str, str]:
    """Two digests in one query: one changes when `planned()` may have, the other when anything of the matrix may."""
    with connection.cursor() as cursor:
        cursor.execute(_VERSION)
        units, *rest = cursor.fetchone()
    return units, f"{units}|{'|'.join(part or '' for part in rest)}"


def _unplaced(subscription: str) -> QuerySet[Unit]:
    units = Unit.objects.filter(gone_at__isnull=True, placement__isnull=True, progress__in=["discovered", "assessed"])
    return units.filter(subscription_id=subscription) if subscription else units


def planned(subscription: str = "") -> Needed:
    """What units in no wave will need, each counted by itself and summed, and what of it nobody can count."""
    needs: dict[quota.Key, Need] = {}
    unknowns = []
    listed_sizes = sizes(subscription)
    for _, members in inventory.members_of_many(_unplaced(subscription)):
        found = quota.need(members, listed=listed_sizes)
        unknowns.extend(found.unknowns)
        for need in found.needs:
            known = needs.get(need.key)
            needs[need.key] = replace(need, amount=need.amount + (known.amount if known else 0), because=())
    return Needed(list(needs.values()), unknowns)


def matrix(
    *,
    subscription: str = "",
    short_only: bool = False,
    needed: Needed | None = None,
    asked: Iterable[QuotaRequest] | None = None,
) -> list[MatrixRow]:
    """Region × family: have, in use, reserved by waves, planned, requested, short. Only rows that matter: needed,
    reserved or requested. Names are compared without case, as their spelling is [K]. `needed`, `asked`: `planned()`
    and all requests, where they were read already.

    A prepared unit stands on both sides: usages read since its lock count the copy already [I], so its reservation is
    left out, or it would be counted twice.
    """
    wanted = {need.key: need for need in (needed or planned(subscription)).needs}
    known = {
        _key(row.subscription_id, row.region, row.provider, row.name): row
        for row in (Usage.objects.filter(subscription_id=subscription) if subscription else Usage.objects.all())
    }
    taken: dict[quota.Key, list[Reservation]] = {}
    for held in Reservation.objects.select_related("unit__placement__wave"):
        key = _key(held.subscription_id, held.region, held.provider, held.name)
        usage, locked = known.get(key), held.unit.locked_since
        both = held.unit.progress in ("prepared", "committing") and locked is not None
        if not (both and usage is not None and usage.read_at > locked):
            taken.setdefault(key, []).append(held)
    newest: dict[quota.Key, QuotaRequest] = {}
    for request in sorted(QuotaRequest.objects.all() if asked is None else asked, key=lambda row: row.requested_at):
        newest[_key(request.subscription_id, request.region, request.provider, request.name)] = request
    subscriptions = {row.pk.lower(): row for row in Subscription.objects.all()}
    rows = []
    for key in sorted(wanted.keys() | taken.keys() | newest.keys()):
        if key[0] not in subscriptions or (subscription and key[0] != subscription.lower()):
            continue
        usage, need, holds = known.get(key), wanted.get(key), taken.get(key, [])
        spelled = usage or newest.get(key) or (holds[0] if holds else need)
        rows.append(
            MatrixRow(
                subscription=subscriptions[key[0]],
                region=key[1],
                provider=spelled.provider,
                name=spelled.name,
                limit=usage.limit if usage else None,
                in_use=usage.current if usage else None,
                read_at=usage.read_at if usage else None,
                reserved=sum(row.amount for row in holds),
                planned=need.amount if need else 0,
                request=newest.get(key),
                waves=_by_wave(holds),
            )
        )
    rows.sort(key=lambda row: (row.subscription.name.lower(), row.subscription.pk, row.region, *_order(row)))
    return [row for row in rows if row.short or row.short is None] if short_only else rows


def _key(subscription: str, region: str, provider: str, name: str) -> quota.Key:
    return (subscription.lower(), region.lower(), provider.lower(), name.lower())


def _order(row: MatrixRow) -> tuple[bool, bool, str]:
    """The regional total first, then families, then the network."""
    return (row.provider != quota.COMPUTE, row.name.lower() != quota.CORES, row.name.lower())


def _by_wave(holds: list[Reservation]) -> tuple[tuple[str, int], ...]:
    totals: dict[str, int] = {}
    for held in holds:
        placement = getattr(held.unit, "placement", None)
        name = placement.wave.name if placement else "no wave"
        totals[name] = totals.get(name, 0) + held.amount
    return tuple(sorted(totals.items(), key=lambda item: (-item[1], item[0])))


def waves_that_reserve(row: QuotaRequest) -> list[int]:
    """Ids of the waves whose units have spoken for what a request asks for."""
    held = Reservation.objects.filter(
        subscription_id=row.subscription_id,
        region__iexact=row.region,
        provider__iexact=row.provider,
        name__iexact=row.name,
        unit__placement__isnull=False,
    )
    return sorted(set(held.values_list("unit__placement__wave_id", flat=True)))


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
