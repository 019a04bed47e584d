"""Every Celery task and the beat table. Doors, not rooms: each loads the clock and the gateway and calls one action.

A message carries an id and means "look at this row soon". Losing it, doubling it or delaying it is harmless; the ticker
finds due rows
again each second. No eta, no retries, no results (engine.md, Why not plain Celery).
"""

import logging

from celery import shared_task
from celery.schedules import crontab

from migrator.gateway.protocol import GatewayError
from tracker import gateways
from tracker.audit import actions as audit
from tracker.audit import export
from tracker.audit.values import Actor
from tracker.followups import actions as followups
from tracker.followups import queries as followup_queries
from tracker.inventory import actions as inventory
from tracker.inventory import queries as inventory_queries
from tracker.inventory.models import Subscription
from tracker.quota import actions as quota
from tracker.quota import queries as quota_queries
from tracker.readiness import actions as readiness
from tracker.runs import actions as runs
from tracker.runs.queries import database_now as clock

logger = logging.getLogger(__name__)
SYNC = Actor("system", "sync", "Sync")


@shared_task
def tick(**_: object) -> None:
    """Find everything that is due and ring for it."""
    runs.beat("worker", clock())
    for run_id in runs.ring_due():
        advance.delay(run_id=run_id)
    now = clock()
    for pk in followup_queries.due(now):
        follow_up.delay(follow_up_id=pk)
    for pk in quota_queries.due_requests(now):
        quota_request.delay(request_id=pk)
    for pk in inventory_queries.wanted_syncs(now):
        sync.delay(subscription_id=pk, wanted=True)


@shared_task
def advance(*, run_id: str, **_: object) -> str:
    done = runs.advance(run_id, gateway=gateways.gateway_for, clock=clock, timings=gateways.timings())
    logger.info("run %s: %s", run_id, done)
    return done


@shared_task
def follow_up(*, follow_up_id: int, **_: object) -> str:
    return followups.advance(follow_up_id, gateway=gateways.gateway_for, clock=clock)


@shared_task
def quota_request(*, request_id: int, **_: object) -> str:
    return quota.follow(request_id, gateway=gateways.gateway_for, clock=clock)


@shared_task(soft_time_limit=1500, time_limit=1800)
def sync(*, subscription_id: str, wanted: bool = False, **_: object) -> str:
    """Read one subscription, its usages, and assess what was read. `wanted`: somebody asked."""
    if wanted and Subscription.objects.get(pk=subscription_id).sync_wanted_at is None:
        return "already read"
    try:
        return read_subscription(subscription_id)
    except inventory.SyncRunning as running:
        return str(running)


@shared_task
def sync_all(**_: object) -> None:
    """Find new subscriptions and ask for a sync of each; the ticker starts them."""
    inventory.discover_subscriptions(gateways.gateway_for(""), now=clock(), by=SYNC)
    for subscription in Subscription.objects.all():
        sync.delay(subscription_id=subscription.pk)


@shared_task
def sequence(**_: object) -> None:
    """Put new events into the tree; sign once a minute when something changed."""
    audit.tick(clock())


@shared_task
def sweep(**_: object) -> None:
    """Write the end of exports whose process died."""
    export.sweep(clock())


@shared_task(soft_time_limit=1500, time_limit=1800)
def verify(**_: object) -> None:
    """Each night: hash the whole stored history again."""
    audit.verify(clock())


def read_subscription(subscription_id: str, *, by: Actor = SYNC) -> str:
    """Inventory, then usages of its regions, then readiness. Also the body of `manage.py sync`."""
    subscription = Subscription.objects.get(pk=subscription_id)
    gateway = gateways.gateway_for(subscription_id)
    result = inventory.sync(subscription, gateway, clock, by)
    if result.outcome == result.Outcome.FAILED:
        return f"failed: {result.error}"
    for region in quota_queries.regions(subscription):
        try:
            quota.read_usages(subscription, region, gateway=gateway, by=by, now=clock())
        except (
            GatewayError
        ) as error:  # the numbers stay as old as they say they are; placement refuses what nobody knows
            logger.warning("usages of %s in %s: %s", subscription_id, region, error)
    units = list(inventory_queries.live_units(subscription))
    shortfalls, movable = quota_queries.shortfalls_of(units), gateway.movable()
    readiness.assess(units, shortfalls=shortfalls, movable=movable, now=clock(), by=by)
    return str(result.outcome)


BEAT = {
    "tick": {"task": "tracker.tasks.tick", "schedule": 1.0, "options": {"expires": 5}},
    "sequence": {"task": "tracker.tasks.sequence", "schedule": 2.0, "options": {"expires": 10}},
    "sweep": {"task": "tracker.tasks.sweep", "schedule": 60.0, "options": {"expires": 60}},
    "verify": {"task": "tracker.tasks.verify", "schedule": crontab(hour=3, minute=0), "options": {"expires": 3600}},
    "sync": {"task": "tracker.tasks.sync_all", "schedule": 900.0, "options": {"expires": 600}},
}
