"""What has to go before a unit, from rows. Reads only; the rules are in `migrator.order`."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Min

from migrator import order
from migrator.gateway import wire
from migrator.order import Before
from migrator.resources import ResourceType, VirtualMachine
from migrator.units import UnitKind
from tracker.inventory.models import Resource, Unit
from tracker.waves.models import Placement, Window
from tracker.waves.plan_models import OutOfOrder


def before(unit: Unit) -> list[Before]:
    """Units that have to be through before this one is prepared, and are not; one query, none for what goes first."""
    match order.rank(unit.kind):
        case 1:
            return _holders(unit)
        case 2:
            return _planned_users(unit)
        case _:
            return []


def _holders(account: Unit) -> list[Before]:
    """Units with machines that have disks in a storage account."""
    rows = (
        Resource.objects.filter(
            subscription_id=account.subscription_id,
            type=ResourceType.VIRTUAL_MACHINE.value,
            gone_at=None,
            unit__gone_at=None,
            document__properties__icontains=account.name,
        )
        .exclude(unit__progress__in=order.THROUGH)
        .select_related("unit__placement__wave")
    )
    units = {row.key: row.unit for row in rows if row.unit is not None}
    machines = [each for each in wire.resources([row.document for row in rows]) if isinstance(each, VirtualMachine)]
    found = {units[each.key].pk: units[each.key] for each in order.users(account.name, machines) if each.key in units}
    return sorted(map(_before, found.values()), key=lambda each: each.name)


def _planned_users(unit: Unit) -> list[Before]:
    """Networks and deployments of the same subscription and region which are in a wave: their subnets, machines and
    services are what could use it. What nobody has planned is not waited for."""
    rows = (
        Unit.objects.filter(
            subscription_id=unit.subscription_id,
            region=unit.region,
            kind__in=[kind.value for kind in order.FIRST],
            gone_at=None,
            placement__isnull=False,
        )
        .exclude(progress__in=order.THROUGH)
        .select_related("placement__wave")
    )
    return [_before(each) for each in rows.order_by("name")]


def _before(unit: Unit) -> Before:
    placement = getattr(unit, "placement", None)
    wave = placement.wave if placement else None
    return Before(
        pk=unit.pk,
        name=unit.name,
        progress=unit.progress,
        wave=wave.name if wave else "",
        wave_pk=wave.pk if wave else None,
    )


def waits(unit: Unit) -> tuple[str, list[Before]]:
    """(sentence, what it waits for); empty when its turn has come, or a person set the order aside."""
    if not order.rank(unit.kind):
        return "", []
    left = before(unit)
    if left and unit.kind in order.UNATTACHED and set_aside(unit) is not None:
        return "", []
    return order.waits(unit.name, unit.kind, left), left


def set_aside(unit: Unit) -> OutOfOrder | None:
    return OutOfOrder.objects.filter(placement__unit=unit).select_related("by").first()


def violations(unit: Unit, wave_pk: int) -> list[str]:
    """What is wrong with placing a storage account in this wave: its machines are in no wave, or in one that opens
    later. One sentence each; a wave without a window is no later than another."""
    if unit.kind != UnitKind.STORAGE_ACCOUNT:
        return []
    left = before(unit)
    opens = _opens([wave_pk, *(each.wave_pk for each in left if each.wave_pk)])
    found = []
    for each in left:
        if not each.wave_pk:
            found.append(f"{each.name} has machines with disks in {unit.name} and is in no wave; place it first.")
        elif each.wave_pk != wave_pk and _later(opens.get(each.wave_pk), opens.get(wave_pk)):
            found.append(
                f"{each.name} has machines with disks in {unit.name} and moves later, in wave “{each.wave}”; "
                "a storage account goes after its machines."
            )
    return found


def _opens(waves: Iterable[int]) -> dict[int, datetime]:
    rows = Window.objects.filter(wave__in=list(waves)).values("wave").annotate(at=Min("opens_at"))
    return {row["wave"]: row["at"] for row in rows}


def _later(this: datetime | None, other: datetime | None) -> bool:
    return this is not None and other is not None and this > other


def wave_violations(wave_pk: int) -> list[str]:
    """Of every storage account in a wave, as it is planned now."""
    accounts = Unit.objects.filter(placement__wave=wave_pk, kind=UnitKind.STORAGE_ACCOUNT.value).order_by("name")
    return [sentence for unit in accounts for sentence in violations(unit, wave_pk)]


def steps(wave_pk: int) -> list[tuple[str, list[str]]]:
    """The order inside a wave: (words of the rank, names of its units), ranks without units left out."""
    named: dict[int, list[str]] = defaultdict(list)
    for name, kind in (
        Placement.objects.filter(wave=wave_pk).order_by("unit__name").values_list("unit__name", "unit__kind")
    ):
        named[order.rank(kind)].append(name)
    return [(order.WORDS[rank], names) for rank, names in sorted(named.items())]


def blocked_by_order_alone(unit: Unit) -> bool:
    """Whether the one thing that blocks a storage account is that its machines have not moved."""
    return unit.kind == UnitKind.STORAGE_ACCOUNT and f"only {order.RULE}" in unit.open_rules
