"""Letting an unattached object go before what might still use it."""

from datetime import datetime

from django.db import IntegrityError, transaction

from migrator import order as ranks
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.waves.actions import shared
from tracker.waves.actions.shared import WaveError
from tracker.waves.models import Placement
from tracker.waves.plan_models import OutOfOrder


class NotOrdered(WaveError):
    """There is no order to set aside, or it is set aside already."""


def set_order_aside(placement: Placement, *, reason: str, by: User, now: datetime) -> OutOfOrder:
    """From now on this unattached unit waits for no other. A storage account waits for its machines whatever anybody
    says: Azure refuses it before. Raises NotOrdered, WaveError without a reason."""
    check(by, Permission.OPERATE, ("wave", str(placement.wave_id)), now)
    reason = shared.reason(reason, "Say why it may go first; people will read it when something is missing afterwards.")
    unit, wave = placement.unit, placement.wave
    if unit.kind not in ranks.UNATTACHED:
        raise NotOrdered(f"{unit.name} cannot go out of turn: only what nothing uses can.")
    try:
        with transaction.atomic():
            row = OutOfOrder.objects.create(placement=placement, by=by, at=now, reason=reason)
            unit.runs.filter(ended_at__isnull=True, waiting_code="order").update(due_at=now, enqueued_at=None)
            record(
                "wave.order_set_aside",
                by=by.actor,
                object=("wave", str(wave.pk)),
                now=now,
                detail={"name": wave.name, "unit": unit.name, "key": unit.key},
                private={"reason": reason},
            )
    except IntegrityError as error:
        raise NotOrdered(f"The order of {unit.name} is set aside already.") from error
    return row
