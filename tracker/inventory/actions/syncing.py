"""One sync: claim, read in short steps, each stored with its place, apply everything in one transaction.

Reading opens no transaction while HTTP is spoken. A reader that dies leaves what its steps stored; whoever claims the
sync next goes on from there. The inventory itself is touched by the last step alone, so nothing is half-applied.
"""

import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from migrator.gateway.protocol import AzureGateway, GatewayError, ServerFailed, Throttled, Unreachable
from tracker.audit.actions import record
from tracker.audit.values import Actor
from tracker.inventory import reading as reading_
from tracker.inventory.actions import leases, staging
from tracker.inventory.actions.applying import Changes, apply, redraw
from tracker.inventory.actions.staging import SyncLost
from tracker.inventory.models import Subscription, Sync
from tracker.inventory.reading import Reading

LEASE = timedelta(minutes=3)  # a reader that says nothing for so long is taken for dead
APPLY_LEASE = timedelta(minutes=15)  # the last step: one transaction over everything that was read
OLDEST = timedelta(days=1)  # a reading older than this is begun anew: its first pages no longer say what is
PART = 2_000  # documents stored at once
PART_SECONDS = 5.0  # so long at most between two stored places, where the listing has places
LOOK = 5.0  # seconds between two looks whether the lease is to be renewed
BUDGET = 20.0  # seconds of reading in one call; then the next call goes on
FIRST_PAUSE, LONGEST_PAUSE, MOST_ATTEMPTS = 5, 300, 5  # seconds between tries after an answer that failed
NO_HINT = 30.0  # seconds, when Azure throttles and does not say for how long
Clock = Callable[[], datetime]


class SyncRunning(Exception):
    """The subscription is being read already, or the reading waits for Azure; a second one at once is refused."""


def sync(
    subscription: Subscription,
    gateway: AzureGateway,
    clock: Clock,
    by: Actor,
    *,
    patience: float = 0.0,
    budget: float | None = None,
) -> Sync:
    """Read one subscription, or go on reading it, and bring the stored inventory to what was read.

    `clock`: because reading takes long. `patience`: seconds to sit through when Azure asks to wait. `budget`: seconds
    after which to stop at the next place; None: read to the end.

    Returns the row: complete, partial (some parts could not be read; their facts are unknown, and nothing behind them
    is called gone), failed with one sentence when the gateway could not list the subscription; or still running, when
    the budget is used or Azure asks to wait longer than `patience` (`resume_at`). Raises SyncRunning, SyncLost; after
    an error of ours the row is failed and the error goes on.
    """
    reader = _Reader(_claim(subscription, by, clock()), subscription, gateway, clock, by, patience, budget)
    try:
        return reader.run()
    except SyncLost:
        raise
    except Exception as error:
        sentence = f"The sync stopped before anything was written ({type(error).__name__}); the log has the details."
        _fail(reader.row, sentence, type(error).__name__, by, clock())
        raise
    except BaseException:  # this process is told to stop: another goes on at once
        _release(reader.row, clock())
        raise


@dataclass(slots=True)
class _Reader:
    """The holder of one sync, in one process."""

    row: Sync
    subscription: Subscription
    gateway: AzureGateway
    clock: Clock
    by: Actor
    patience: float
    budget: float | None

    def run(self) -> Sync:
        until = time.monotonic() + self.budget if self.budget is not None else None
        while True:
            try:
                if not self.row.parts:
                    self._begin()
                if not self._read(until):
                    return _release(self.row, self.clock())
                break
            except GatewayError as error:
                pause = self._pause(error)
                if pause is None:
                    sentence = reading_.failure(error, self.clock())
                    return _fail(self.row, sentence, type(error).__name__, self.by, self.clock())
                if not self._wait(pause, until):
                    return _release(self.row, self.clock(), wait=pause, why=reading_.failure(error, self.clock()))
        self._renew(APPLY_LEASE)
        return _apply(self.row, self.subscription, self.by, self.clock())

    def _begin(self) -> None:
        """The first part: what the subscription is registered for."""
        reading = Reading()
        reading_.read_registrations(self.gateway, self.subscription.pk, reading)
        self._store(reading, "")

    def _read(self, until: float | None) -> bool:
        """Read on, storing part after part. False: the time is used up before the end."""
        reading, began = Reading(), time.monotonic()
        place, looked = self.row.cursor, began
        try:
            for reached in reading_.follow(self.gateway, self.subscription.pk, place, reading):
                if time.monotonic() - looked >= LOOK:  # the clock may be the database's
                    self._keep()
                    looked = time.monotonic()
                if reached is None:
                    continue
                place, now = reached, time.monotonic()
                late = until is not None and now >= until
                if late or len(reading.rows) >= PART or now - began >= PART_SECONDS:
                    self._store(reading, place)
                    reading.clear()
                    began = now
                if late:
                    return False
        except GatewayError:
            if place != self.row.cursor:  # what was reached is kept, or the same would be asked for ever
                self._store(reading, place)
            raise
        self._store(reading, place)
        return True

    def _store(self, reading: Reading, place: str) -> None:
        staging.store(self.row, self.subscription, reading, place, self.clock(), LEASE)

    def _keep(self) -> None:
        """Renews the lease when a third has passed."""
        if self.row.lease_until - self.clock() < LEASE * 2 / 3:
            self._renew(LEASE)

    def _renew(self, lease: timedelta) -> None:
        until = self.clock() + lease
        if not staging.mine(self.row).update(lease_until=until):
            raise staging.lost(self.subscription)
        self.row.lease_until = until

    def _pause(self, error: GatewayError) -> float | None:
        """Seconds until the next try; None: there is none."""
        if isinstance(error, Throttled):
            return max(error.retry_after if error.retry_after is not None else NO_HINT, 0.0)
        if not isinstance(error, Unreachable | ServerFailed) or self.row.parts < 2:
            return None  # nothing was listed yet: the person who asked hears of it at once
        self.row.attempts += 1
        if self.row.attempts >= MOST_ATTEMPTS:
            return None
        return max(error.retry_after or 0.0, float(min(FIRST_PAUSE * 2 ** (self.row.attempts - 1), LONGEST_PAUSE)))

    def _wait(self, pause: float, until: float | None) -> bool:
        """Sit through a pause when it is short enough, keeping the lease. False: it is not."""
        left = self.patience if until is None else max(0.0, until - time.monotonic())
        if pause > left:
            return False
        if until is None:
            self.patience -= pause
        end = time.monotonic() + pause
        while (rest := end - time.monotonic()) > 0:
            time.sleep(min(rest, LEASE.total_seconds() / 3))
            self._keep()
        return True


def claim_follow(sync_id: int, now: datetime) -> Sync | None:
    """The sync, when nobody has read what follows it (usages, assessment) or is about to; then it is the caller's, who
    keeps it with `following`. None otherwise."""
    free = Sync.objects.filter(pk=sync_id, followed_at__isnull=True, ended_at__isnull=False, lease_until__lte=now)
    if not free.exclude(outcome=Sync.Outcome.FAILED).update(lease_until=now + leases.LEASE):
        return None
    return Sync.objects.select_related("subscription").get(pk=sync_id)


def following(row: Sync, clock: Clock) -> AbstractContextManager[None]:
    """Around the work after a sync: it stays the caller's while the caller lives, and is another's soon after."""
    return leases.kept(Sync.objects.filter(pk=row.pk), clock)


def followed(row: Sync, now: datetime) -> None:
    """Usages were read and units assessed after this sync; their events tell it."""
    Sync.objects.filter(pk=row.pk).update(followed_at=now)


def redraw_units(subscription: Subscription, now: datetime, by: Actor) -> Changes:
    """Draw the units again from what is stored, without reading: after an upgrade that draws them differently."""
    with transaction.atomic():
        Subscription.objects.select_for_update(no_key=True).get(pk=subscription.pk)
        changes = Changes()
        redraw(subscription, (), changes, by, now)
        if changes:
            record(
                "inventory.synced",
                by=by,
                object=("subscription", subscription.pk),
                now=now,
                detail={"name": subscription.name, "kind": "redrawn without reading", **changes.detail()},
            )
    return changes


def _claim(subscription: Subscription, by: Actor, now: datetime) -> Sync:
    """The one live row of the subscription: a new one, or one whose reader is dead or has made room."""
    with transaction.atomic():
        Subscription.objects.select_for_update(no_key=True).get(pk=subscription.pk)  # one claims at a time
        row = Sync.objects.filter(subscription=subscription, ended_at__isnull=True).first()
        if row is not None and row.holder and row.lease_until > now:
            raise SyncRunning(
                f"{subscription.name} is being read already since {row.started_at:%H:%M:%S} UTC; wait for it to end, "
                "then ask again."
            )
        if row is not None and row.resume_at and row.resume_at > now:
            raise SyncRunning(
                f"{subscription.name} is being read; Azure asked to wait until {row.resume_at:%H:%M:%S} UTC, then it "
                "goes on by itself."
            )
        if row is not None and now - row.started_at > OLDEST:
            sentence = "It could not be ended within a day, in which what was read first grew old; it begins anew."
            _close(row, sentence, "Outdated", by, now)
            row = None
        if row is None:
            row = Sync(subscription=subscription, started_at=now, started_by=by.key)
        taken_over = bool(row.holder)
        going_on, row.holder = row.pk is not None, uuid.uuid4().hex
        row.lease_until, row.resume_at, row.error = now + LEASE, None, ""
        row.save()
        if going_on and not taken_over:
            return row
        Subscription.objects.filter(pk=subscription.pk, sync_wanted_at__isnull=False).update(
            sync_wanted_at=None, sync_wanted_by=""
        )
        detail: dict[str, object] = {"name": subscription.name, "sync": row.pk}
        if taken_over:  # its reader died without a word
            detail |= {"kind": "resumed after an interruption", "listed": row.listed}
        record("inventory.sync_started", by=by, object=("subscription", subscription.pk), now=now, detail=detail)
    return row


def _release(row: Sync, now: datetime, *, wait: float = 0.0, why: str = "") -> Sync:
    """Make room for the next call. `wait`: seconds before which nothing may be asked, and why."""
    resume = now + timedelta(seconds=min(wait, 86_400)) if wait else None
    changed = {"holder": "", "resume_at": resume, "error": why, "attempts": row.attempts}
    staging.mine(row).update(**changed)
    return Sync.objects.get(pk=row.pk)


@transaction.atomic
def _apply(row: Sync, subscription: Subscription, by: Actor, now: datetime) -> Sync:
    mine = staging.mine(row).select_for_update().first()
    if mine is None:
        raise staging.lost(subscription)
    reading = staging.told(mine)
    changes = apply(subscription, mine, reading, by, now)
    _end(mine, reading, changes, now)
    _describe(subscription, reading, now)
    detail = {"name": subscription.name, "sync": mine.pk, "outcome": mine.outcome, **changes.detail()}
    if reading.unreadable:
        detail["unreadable"] = len(reading.unreadable)
        detail["missing_actions"] = reading.actions()[:50]
    record(
        "inventory.synced" if changes else "inventory.sync_finished",
        by=by,
        object=("subscription", subscription.pk),
        now=now,
        detail=detail,
    )
    return mine


def _end(row: Sync, reading: Reading, changes: Changes, now: datetime) -> None:
    staging.clear(row)
    row.ended_at, row.lease_until = now, min(row.lease_until, now)
    row.holder, row.resume_at, row.error = "", None, ""
    row.unreadable = reading.entries() + [
        {"resource": "", "action": "", "sentence": sentence} for sentence in changes.undrawn[:50]
    ]
    row.outcome = Sync.Outcome.PARTIAL if reading.misses() or changes.undrawn else Sync.Outcome.COMPLETE
    row.added, row.changed = len(changes.added), len(changes.changed)
    row.gone, row.unchanged = len(changes.gone), changes.unchanged
    row.save()


def _describe(subscription: Subscription, reading: Reading, now: datetime) -> None:
    """Registrations and time of reading. What could not be read this time is unknown, not what it was."""
    subscription.registrations = (
        reading.registrations if reading.registrations is not None else dict.fromkeys(subscription.registrations)
    )
    subscription.registrations_read_at = now
    subscription.synced_at = now
    subscription.save(update_fields=["registrations", "registrations_read_at", "synced_at"])


@transaction.atomic
def _fail(row: Sync, sentence: str, cause: str, by: Actor, now: datetime) -> Sync:
    mine = staging.mine(row).select_for_update().first()
    if mine is None:
        return Sync.objects.get(pk=row.pk)
    _close(mine, sentence, cause, by, now)
    return mine


def _close(row: Sync, sentence: str, cause: str, by: Actor, now: datetime) -> None:
    staging.clear(row)
    row.ended_at, row.outcome, row.error = now, Sync.Outcome.FAILED, sentence
    row.holder, row.resume_at = "", None
    row.save(update_fields=["ended_at", "outcome", "error", "holder", "resume_at"])
    record(
        "inventory.sync_failed",
        by=by,
        object=("subscription", row.subscription_id),
        now=now,
        detail={"name": row.subscription.name, "sync": row.pk, "kind": cause, "cause": sentence},
        result="failed",
    )
