"""The windows of a wave: when Prepare and Commit may start."""

from datetime import datetime

from django.db import transaction

from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.audit.values import stamp
from tracker.waves.actions import shared
from tracker.waves.actions.shared import BadWindow
from tracker.waves.models import Wave, Window


def set_window(wave: Wave, *, opens_at: datetime, closes_at: datetime, by: User, now: datetime) -> Window:
    """Give the wave its window (replacing earlier ones). Raises BadWindow. Voids approvals."""
    check(by, Permission.PLAN, ("wave", str(wave.pk)), now)
    if closes_at <= opens_at:
        raise BadWindow("The window closes before it opens; give a closing time after the opening time.")
    if closes_at <= now:
        raise BadWindow("The window is already over; give a closing time in the future.")
    with transaction.atomic():
        wave = shared.lock(wave)
        wave.windows.all().delete()
        window = Window.objects.create(wave=wave, opens_at=opens_at, closes_at=closes_at)
        shared.edited(wave, by, now, "the window was changed")
        record(
            "wave.window_set",
            by=by.actor,
            object=("wave", str(wave.pk)),
            now=now,
            detail={"opens": stamp(opens_at), "closes": stamp(closes_at), "name": wave.name},
        )
    return window
