"""One sync: claim, read without a transaction, apply in one. Whatever happens in between, nothing is half-applied."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from migrator.gateway.protocol import AzureGateway, GatewayError
from tracker.audit.actions import record
from tracker.audit.values import Actor
from tracker.inventory import reading as reading_
from tracker.inventory.actions.applying import Changes, apply, redraw
from tracker.inventory.models import Resource, Subscription, Sync
from tracker.inventory.reading import Reading

LEASE = timedelta(minutes=3)  # a reader that says nothing for so long is taken for dead
Clock = Callable[[], datetime]


class SyncRunning(Exception):
    """The subscription is being read already; a second reading at once is refused."""


class SyncLost(Exception):
    """This reading was taken for dead and closed by another; it wrote nothing."""


def sync(subscription: Subscription, gateway: AzureGateway, clock: Clock, by: Actor) -> Sync:
    """Read one subscription and bring the stored inventory to what was read. `clock`: because reading takes long.

    Returns the ended row: complete, partial (some parts could not be read; their facts are unknown, and nothing behind
    them is called gone), or failed with one sentence when the gateway could not list the subscription at all. Raises
    SyncRunning, SyncLost; after any other error the row is failed and the error goes on.
    """
    row = _claim(subscription, by, clock())
    try:
        known = dict(
            Resource.objects.filter(subscription=subscription, gone_at__isnull=True).values_list("key", "digest")
        )
        reading = reading_.read(gateway, subscription.pk, known, _keeper(row, clock))
        return _apply(row, subscription, reading, by, clock())
    except GatewayError as error:
        return _fail(row, reading_.failure(error, clock()), type(error).__name__, by, clock())
    except SyncLost:
        raise
    except BaseException as error:
        sentence = f"The sync stopped before anything was written ({type(error).__name__}); the log has the details."
        _fail(row, sentence, type(error).__name__, by, clock())
        raise


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
    """The one live row of the subscription. A dead one, whose lease is over, is closed as failed first."""
    with transaction.atomic():
        for dead in Sync.objects.select_for_update().filter(
            subscription=subscription, ended_at__isnull=True, lease_until__lte=now
        ):
            sentence = f"The reader stopped without a word; its lease ended {dead.lease_until:%Y-%m-%d %H:%M:%S} UTC."
            _close(dead, sentence, "Interrupted", by, now)
        try:
            with transaction.atomic():
                row = Sync.objects.create(
                    subscription=subscription, started_at=now, lease_until=now + LEASE, started_by=by.key
                )
        except IntegrityError as error:
            live = Sync.objects.filter(subscription=subscription, ended_at__isnull=True).first()
            since = f" since {live.started_at:%H:%M:%S} UTC" if live else ""
            raise SyncRunning(
                f"{subscription.name} is being read already{since}; wait for it to end, then ask again."
            ) from error
        Subscription.objects.filter(pk=subscription.pk, sync_wanted_at__isnull=False).update(
            sync_wanted_at=None, sync_wanted_by=""
        )
        record(
            "inventory.sync_started",
            by=by,
            object=("subscription", subscription.pk),
            now=now,
            detail={"name": subscription.name, "sync": row.pk},
        )
    return row


def _keeper(row: Sync, clock: Clock) -> Callable[[], None]:
    """Called before each document: renews the lease when a third has passed. Raises SyncLost when it is not ours."""
    renewed = row.started_at

    def keep() -> None:
        nonlocal renewed
        now = clock()
        if now - renewed < LEASE / 3:
            return
        if not Sync.objects.filter(pk=row.pk, ended_at__isnull=True).update(lease_until=now + LEASE):
            raise SyncLost(
                f"The sync of {row.subscription.name} was closed by another while it read; it wrote nothing."
            )
        renewed = now

    return keep


@transaction.atomic
def _apply(row: Sync, subscription: Subscription, reading: Reading, by: Actor, now: datetime) -> Sync:
    mine = Sync.objects.select_for_update().filter(pk=row.pk, ended_at__isnull=True).first()
    if mine is None:
        raise SyncLost(f"The sync of {subscription.name} was closed by another while it read; it wrote nothing.")
    changes = apply(subscription, reading, by, now)
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
    row.ended_at = now
    row.unreadable = reading.entries() + [
        {"resource": "", "action": "", "sentence": sentence} for sentence in changes.undrawn[:50]
    ]
    row.outcome = Sync.Outcome.PARTIAL if row.unreadable else Sync.Outcome.COMPLETE
    row.added, row.changed = len(changes.added), len(changes.changed)
    row.gone, row.unchanged = len(changes.gone), changes.unchanged
    row.save(update_fields=["ended_at", "unreadable", "outcome", "added", "changed", "gone", "unchanged"])


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
    mine = Sync.objects.select_for_update().filter(pk=row.pk, ended_at__isnull=True).first()
    if mine is None:
        return Sync.objects.get(pk=row.pk)
    _close(mine, sentence, cause, by, now)
    return mine


def _close(row: Sync, sentence: str, cause: str, by: Actor, now: datetime) -> None:
    row.ended_at, row.outcome, row.error = now, Sync.Outcome.FAILED, sentence
    row.save(update_fields=["ended_at", "outcome", "error"])
    record(
        "inventory.sync_failed",
        by=by,
        object=("subscription", row.subscription_id),
        now=now,
        detail={"name": row.subscription.name, "sync": row.pk, "kind": cause, "cause": sentence},
        result="failed",
    )
