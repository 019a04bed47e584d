"""Locks that last: people are told at 50, 80 and 100 per cent of the limit, once each. Nothing is aborted by itself."""

from datetime import datetime, timedelta

from django.db import transaction

from migrator import locks
from migrator.lifecycle import Health, State
from tracker.audit.actions import record
from tracker.audit.values import ENGINE
from tracker.inventory import actions as inventory
from tracker.inventory.lock_models import Lock
from tracker.inventory.models import Unit
from tracker.runs.actions import settle
from tracker.runs.models import Run

RISKY, OVER = 80, 100
SAID = "Locked since"


def tell_long_locks(now: datetime) -> int:
    """Tell of every open lock that reached a further step of its limit. Returns how many."""
    told = 0
    for lock in Lock.objects.filter(closed_at__isnull=True, told__lt=max(locks.STEPS)).order_by("opened_at"):
        step = locks.step(lock.opened_at, now, timedelta(hours=lock.limit_hours))
        if step > lock.told:
            told += _tell(lock.pk, step, now)
    return told


@transaction.atomic
def _tell(pk: int, step: int, now: datetime) -> bool:
    """Locks are taken as the engine takes them: the run, then what hangs on it."""
    unit = Unit.objects.get(locks=pk)
    run = Run.objects.select_for_update(of=("self",)).filter(unit=unit, ended_at__isnull=True).first()
    if not Lock.objects.filter(pk=pk, closed_at__isnull=True, told__lt=step).update(told=step):
        return False  # somebody else told, or it is unlocked
    lock = Lock.objects.get(pk=pk)
    record(
        "lock.told", by=ENGINE, object=("unit", unit.key), now=now,
        detail={"name": unit.name, "share": step, "limit": lock.limit_hours, "run": str(lock.run_id or "")},
    )  # fmt: skip
    if step < RISKY:
        return True
    sentence = said(lock, unit, step)
    if run is not None and (not run.attention or run.attention.startswith(SAID)):
        settle.raise_attention(run, sentence, now, health=Health.AT_RISK)
    elif run is None:
        inventory.set_health(unit, Health.AT_RISK, sentence, now=now)
    return True


def said(lock: Lock, unit: Unit, step: int) -> str:
    """What a person is told; beyond the limit also what to do."""
    since = f"{SAID} {lock.opened_at:%Y-%m-%d %H:%M} UTC: {step} % of the limit of {lock.limit_hours} hours"
    if step < OVER:
        return f"{since} are used."
    if unit.progress == State.COMMITTING:
        return f"{since} are over. A Commit is under way; it only goes forward."
    return f"{since} are over. Commit it, or abort: Abort is the way back, and nobody does it by himself."
