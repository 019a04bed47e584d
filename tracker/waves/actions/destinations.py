"""Choosing where the machines of a deployment go, and looking whether that network is there."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from migrator import destination
from migrator.gateway.protocol import AzureGateway, GatewayError
from migrator.resources import UNKNOWN
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.audit.values import ENGINE
from tracker.inventory.models import Unit
from tracker.quota import actions as quota
from tracker.waves import destinations
from tracker.waves.actions import shared
from tracker.waves.actions.shared import WaveError
from tracker.waves.models import Placement
from tracker.waves.plan_models import Destination

LOOK_AGAIN = timedelta(seconds=30)  # after a network could not be read
LEASE = timedelta(minutes=2)


class NotThere(WaveError):
    """The unit cannot go into that network: the sentence says why."""


def choose_network(
    placement: Placement, *, group: str, network: str, subnet: str, by: User, now: datetime
) -> Destination:
    """An existing network for the machines of a placed deployment. It is read in Azure next; a wave is not submitted
    before. Voids approvals of the wave. Raises NotThere, quota.actions.QuotaError."""
    check(by, Permission.PLAN, ("wave", str(placement.wave_id)), now)
    wish = destination.clean(group, network, subnet)
    if isinstance(wish, str):
        raise NotThere(wish)
    with transaction.atomic():
        wave = shared.lock(placement.wave)
        unit = _unstarted(placement)
        refused = destination.refusals(destinations.moving(unit))
        if refused:
            raise NotThere(refused[0])
        row, _ = Destination.objects.update_or_create(
            placement_id=placement.pk,
            defaults={
                "group": wish.group,
                "network": wish.network,
                "subnet": wish.subnet,
                "chosen_by": by,
                "chosen_at": now,
                "read_at": None,
                "problem": "",
                "due_at": now,
            },
        )
        _reserve_again(unit, by, now, own_network=False)
        shared.edited(wave, by, now, f"an existing network was chosen for {unit.name}")
        _record(wave.pk, wave.name, unit, wish.words, by, now)
    return row


def new_network(placement: Placement, *, by: User, now: datetime) -> None:
    """Back to a new network, which is what happens when nothing is chosen. Raises NotThere."""
    check(by, Permission.PLAN, ("wave", str(placement.wave_id)), now)
    with transaction.atomic():
        wave = shared.lock(placement.wave)
        unit = _unstarted(placement)
        if not Destination.objects.filter(placement=placement).delete()[0]:
            raise NotThere(f"{unit.name} goes into a new network already.")
        _reserve_again(unit, by, now, own_network=True)
        shared.edited(wave, by, now, f"a new network was chosen for {unit.name}")
        _record(wave.pk, wave.name, unit, "a new network", by, now)


def _unstarted(placement: Placement) -> Unit:
    unit = Unit.objects.select_for_update(of=("self",)).get(pk=placement.unit_id)
    if not Placement.objects.filter(pk=placement.pk).exists():
        raise NotThere(f"{unit.name} is no longer in this wave.")
    if unit.progress != "planned" or unit.runs.filter(ended_at__isnull=True).exists():
        raise NotThere(f"{unit.name} is {unit.progress} and has a live run; end the run before its network changes.")
    return unit


def _reserve_again(unit: Unit, by: User, now: datetime, *, own_network: bool) -> None:
    quota.release(unit, by=by.actor, now=now)
    quota.reserve(unit, by=by.actor, now=now, own_network=own_network)


def _record(wave: int, name: str, unit: Unit, words: str, by: User, now: datetime) -> None:
    record(
        "wave.network_chosen",
        by=by.actor,
        object=("wave", str(wave)),
        now=now,
        detail={"name": name, "unit": unit.name, "key": unit.key, "network": words},
    )


def read_network(pk: int, *, gateway: Callable[[str], AzureGateway], clock: Callable[[], datetime]) -> str:
    """Ask Azure for a chosen network and keep whether it fits. Safe to repeat; what cannot be read is asked again."""
    now = clock()
    if not Destination.objects.filter(pk=pk, due_at__lte=now).update(due_at=now + LEASE):
        return "not due"
    row = Destination.objects.select_related("placement__unit", "placement__wave").get(pk=pk)
    unit, wish = row.placement.unit, row.wish
    again = None
    try:
        found = gateway(unit.subscription_id).read(wish.network_id(unit.subscription_id))
    except GatewayError as error:
        found, again = UNKNOWN, clock() + max(LOOK_AGAIN, timedelta(seconds=error.retry_after or 0))
    problem = next(iter(destination.objections(destinations.moving(unit), wish, found)), "")
    now = clock()
    with transaction.atomic():
        unchanged = Destination.objects.filter(
            pk=pk, group=wish.group, network=wish.network, subnet=wish.subnet, chosen_at=row.chosen_at
        )
        if not unchanged.update(read_at=now, problem=problem[:400], due_at=again):
            return "chosen anew meanwhile"
        if row.read_at is None or row.problem != problem[:400]:
            record(
                "wave.network_read",
                by=ENGINE,
                object=("wave", str(row.placement.wave_id)),
                now=now,
                detail={
                    "name": row.placement.wave.name,
                    "unit": unit.name,
                    "key": unit.key,
                    "network": wish.words,
                    "finding": problem or "it fits",
                },
            )
    return problem or "it fits"
