"""Every Celery task and the beat table. Doors, not rooms: each loads the clock and the gateway and calls one action.

A message carries an id and means "look at this row soon". Losing it, doubling it or delaying it is harmless; the ticker
finds due rows
again each second. No eta, no retries, no results (engine.md, Why not plain Celery).
"""

import logging
import time
from datetime import datetime

from celery import current_app, shared_task
from celery.schedules import crontab

from migrator.gateway.protocol import GatewayError
from tracker import gateways, imports
from tracker.audit import actions as audit
from tracker.audit import export
from tracker.audit.values import Actor
from tracker.connections import actions as connections
from tracker.connections import queries as connection_queries
from tracker.crash import crashpoint
from tracker.fixes import actions as fixes
from tracker.fixes import queries as fix_queries
from tracker.followups import actions as followups
from tracker.followups import queries as followup_queries
from tracker.inventory import actions as inventory
from tracker.inventory import queries as inventory_queries
from tracker.inventory.models import Subscription
from tracker.quota import actions as quota
from tracker.quota import queries as quota_queries
from tracker.quota.models import QuotaRequest
from tracker.readiness import actions as readiness
from tracker.readiness import catalogue, people
from tracker.runs import actions as runs
from tracker.runs.queries import database_now as clock
from tracker.waves import actions as waves
from tracker.waves import destinations

logger = logging.getLogger(__name__)
SYNC, IMPORT = Actor("system", "sync", "Sync"), Actor("system", "import", "Import")
READINGS, LOUD = "syncs", 200  # a queue, and how many messages in it are enough: more would say the same again


@shared_task
def tick(**_: object) -> None:
    """Find everything that is due and ring for it."""
    runs.beat("worker", clock())
    for place, run_id in enumerate(runs.ring_due()):
        if not place:
            crashpoint("C07")
        advance.delay(run_id=run_id)
        if not place:
            crashpoint("C08")
    now = clock()
    for pk in followup_queries.due(now):
        follow_up.delay(follow_up_id=pk)
    for pk in fix_queries.due(now):
        fix.delay(fix_id=pk)
    for pk in people.due_rechecks(now):
        recheck.delay(recheck_id=pk)
    if people.run_out(now):
        run_out.delay()
    for pk in catalogue.due(now):
        walk_catalogue.delay(work_id=pk)
    for pk in destinations.due(now):
        read_network.delay(destination_id=pk)
    for pk in quota_queries.due_requests(now):
        quota_request.delay(request_id=pk)
    for request_id in inventory_queries.due_registrations(now):
        registration.delay(request_id=request_id)
    if runs.read_back_wanted(now):
        read_back.delay()
    for pk in runs.due_checks(now):
        check_end.delay(check_id=pk)
    if waiting(READINGS) < LOUD:  # its worker may be away for hours
        _ring_for_readings(now)


def _ring_for_readings(now: datetime) -> None:
    for pk in inventory_queries.wanted_syncs(now):
        sync.delay(subscription_id=pk, wanted=True)
    for pk in inventory_queries.due_syncs(now):
        sync.delay(subscription_id=pk)
    for sync_id in inventory_queries.unfollowed_syncs(now):
        follow_sync.delay(sync_id=sync_id)
    for import_id in inventory_queries.unfollowed_imports(now):
        follow_import.delay(import_id=str(import_id))
    for pk in runs.ring_validations():
        validate_unit.delay(item_id=pk)
    runs.close_validations(now)
    if inventory_queries.discovery_wanted():
        discover.delay()
    if not connection_queries.checks():  # nobody has looked yet: the settings page would say so for minutes
        look.apply_async(expires=5)


def waiting(queue: str) -> int:
    """How many messages a queue holds which no worker has taken."""
    with current_app.connection_or_acquire() as connection:
        return int(connection.default_channel.client.llen(queue))


@shared_task
def advance(*, run_id: str, **_: object) -> str:
    crashpoint("C09", of=run_id)
    done = runs.advance(run_id, gateway=gateways.gateway_for, clock=clock, timings=gateways.timings())
    logger.info("run %s: %s", run_id, done)
    return done


@shared_task(soft_time_limit=300, time_limit=360)
def assert_all(**_: object) -> str:
    """Look whether something is so that can never be."""
    return f"{runs.assert_all(clock(), host=time.time)} broken"


@shared_task
def read_back(**_: object) -> str:
    """After the database changed: read every unit twice."""
    return runs.read_back(gateway=gateways.gateway_for, clock=clock, timings=gateways.timings())


@shared_task
def epoch(**_: object) -> None:
    """Whether this is still the database that is known outside."""
    runs.epoch_beat(clock, gateways.timings())


@shared_task
def check_end(*, check_id: int, **_: object) -> str:
    """Read an end state again."""
    return runs.check(check_id, gateway=gateways.gateway_for, clock=clock, timings=gateways.timings())


@shared_task
def validate_unit(*, item_id: int, **_: object) -> str:
    """One step of one unit of a wish to validate many."""
    done = runs.advance_validation(item_id, gateway=gateways.gateway_for, clock=clock, timings=gateways.timings())
    logger.info("validate %s: %s", item_id, done)
    return done


@shared_task
def follow_up(*, follow_up_id: int, **_: object) -> str:
    return followups.advance(
        follow_up_id, gateway=gateways.gateway_for, clock=clock, pace=runs.PACE, secret=gateways.read_secret
    )


@shared_task
def fix(*, fix_id: int, **_: object) -> str:
    done = fixes.advance(fix_id, gateway=gateways.gateway_for, clock=clock)
    logger.info("fix %s: %s", fix_id, done)
    return done


@shared_task
def recheck(*, recheck_id: int, **_: object) -> str:
    return readiness.advance_recheck(recheck_id, clock=clock)


@shared_task(soft_time_limit=300, time_limit=360)
def walk_catalogue(*, work_id: int, **_: object) -> str:
    """Some steps of a preview of a catalogue of rules, or of the assessment after it was switched on."""
    return readiness.advance_catalogue(work_id, clock=clock)


@shared_task
def run_out(**_: object) -> str:
    """Close attestations and waivers whose end has come."""
    return f"{readiness.close_what_ran_out(clock())} units"


@shared_task
def read_network(*, destination_id: int, **_: object) -> str:
    """Whether a network chosen for machines is there, and fits."""
    return waves.read_network(destination_id, gateway=gateways.gateway_for, clock=clock)


@shared_task
def quota_request(*, request_id: int, **_: object) -> str:
    said = quota.follow(request_id, gateway=gateways.gateway_for, clock=clock)
    if said == QuotaRequest.State.GRANTED:
        row = QuotaRequest.objects.get(pk=request_id)
        runs.quota_read(row.subscription_id, by=SYNC, now=clock())
    return said


@shared_task
def sync(*, subscription_id: str, wanted: bool = False, **_: object) -> str:
    """Read one subscription for a while; what is left is the next message's. `wanted`: somebody asked."""
    subscription = Subscription.objects.get(pk=subscription_id)
    if wanted and subscription.sync_wanted_at is None:
        return "already read"
    try:
        row = inventory.sync(subscription, gateways.gateway_for(subscription_id), clock, SYNC, budget=inventory.BUDGET)
    except inventory.SyncRunning as running:
        return str(running)
    if row.outcome == row.Outcome.RUNNING:
        if row.resume_at is None:
            sync.delay(subscription_id=subscription_id)
        return f"{row.listed} read; goes on"
    follow_sync.delay(sync_id=row.pk)
    return f"failed: {row.error}" if row.error else str(row.outcome)


@shared_task(soft_time_limit=1500, time_limit=1800)
def follow_sync(*, sync_id: int, by: Actor = SYNC, **_: object) -> str:
    """What follows a sync: api-versions, usages, readiness. When its worker dies, the ticker finds it again within two
    minutes."""
    row = inventory.claim_follow(sync_id, clock())
    if row is None:
        return "already followed"
    with inventory.following(row, clock):
        _read_and_score(row.subscription, by)
    inventory.followed(row, clock())
    return str(row.outcome)


def _read_and_score(subscription: Subscription, by: Actor) -> None:
    gateway = gateways.gateway_for(subscription.pk)
    try:
        connections.read_versions(subscription, gateway=gateway, by=by, now=clock())
    except GatewayError as error:  # what was read before stays, as old as it says
        logger.warning("versions of %s: %s", subscription.pk, error)
    for region in quota_queries.regions(subscription):
        try:
            quota.read_usages(subscription, region, gateway=gateway, by=by, now=clock())
        except (
            GatewayError
        ) as error:  # the numbers stay as old as they say they are; placement refuses what nobody knows
            logger.warning("usages of %s in %s: %s", subscription.pk, region, error)
        try:
            quota.read_sizes(subscription, region, gateway=gateway, by=by, now=clock())
        except GatewayError as error:  # the table of this product goes on speaking
            logger.warning("sizes of %s in %s: %s", subscription.pk, region, error)
    runs.quota_read(subscription.pk, by=by, now=clock())
    units = list(inventory_queries.live_units(subscription))
    shortfalls, movable = quota_queries.shortfalls_of(units), gateway.movable()
    readiness.assess(units, shortfalls=shortfalls, movable=movable, now=clock(), by=by)
    runs.reconcile(subscription, gateway, clock, gateways.timings())


@shared_task(soft_time_limit=1500, time_limit=1800)
def follow_import(*, import_id: str, **_: object) -> str:
    """What follows an import somebody applied on its page."""
    return "followed" if imports.follow(import_id, by=IMPORT, clock=clock) else "already followed"


@shared_task
def sync_all(**_: object) -> None:
    """Find new subscriptions and ask for a sync of each; the ticker starts them."""
    inventory.discover_subscriptions(gateways.gateway_for(""), now=clock(), by=SYNC)
    for subscription in Subscription.objects.all():
        sync.delay(subscription_id=subscription.pk)


@shared_task
def look(**_: object) -> None:
    """Whether each door of Azure opens; told by the settings page."""
    connections.checked(gateways.look(), by=SYNC, now=clock())


@shared_task
def discover(**_: object) -> str:
    return inventory.discover_wanted(gateways.gateway_for(""), clock, SYNC)


@shared_task
def registration(*, request_id: int, **_: object) -> str:
    return inventory.follow_registration(request_id, gateway=gateways.gateway_for, clock=clock)


@shared_task
def sequence(**_: object) -> None:
    """Put new events into the tree; sign once a minute when something changed."""
    audit.tick(clock())


@shared_task
def fold(**_: object) -> None:
    """Keep the numbers of the lists short to read."""
    inventory.fold_tallies()


@shared_task
def sweep(**_: object) -> None:
    """Write the end of exports whose process died; throw away previews of imports nobody applied; notice which
    catalogue of rules the code has; tell of locks that last, and of follow-ups whose day comes."""
    export.sweep(clock())
    inventory.forget_previews(clock())
    readiness.know_catalogue(clock())
    runs.tell_long_locks(clock())
    followups.remind(clock())


@shared_task(soft_time_limit=1500, time_limit=1800)
def verify(**_: object) -> None:
    """Each night: hash the whole stored history again, and count the units again."""
    audit.verify(clock())
    if inventory.recount_tallies():
        logger.error("Numbers of units were wrong and have been counted again; please report this.")


def read_subscription(subscription_id: str, *, by: Actor = SYNC, patience: float = 600.0) -> str:
    """Inventory to its end, and what follows it, in this process: the body of `manage.py sync`. `patience`: seconds to
    sit through where Azure asks to wait."""
    subscription = Subscription.objects.get(pk=subscription_id)
    result = inventory.sync(subscription, gateways.gateway_for(subscription_id), clock, by, patience=patience)
    if result.outcome == result.Outcome.FAILED:
        return f"failed: {result.error}"
    if result.outcome == result.Outcome.RUNNING:
        return f"waiting: {result.error}"
    return follow_sync(sync_id=result.pk, by=by)


BEAT = {
    "tick": {"task": "tracker.tasks.tick", "schedule": 1.0, "options": {"expires": 5}},
    "sequence": {"task": "tracker.tasks.sequence", "schedule": 2.0, "options": {"expires": 10}},
    "fold": {"task": "tracker.tasks.fold", "schedule": 10.0, "options": {"expires": 10}},
    "epoch": {"task": "tracker.tasks.epoch", "schedule": 30.0, "options": {"expires": 30}},
    "assert": {"task": "tracker.tasks.assert_all", "schedule": 60.0, "options": {"expires": 60}},
    "sweep": {"task": "tracker.tasks.sweep", "schedule": 60.0, "options": {"expires": 60}},
    "verify": {"task": "tracker.tasks.verify", "schedule": crontab(hour=3, minute=0), "options": {"expires": 3600}},
    "look": {"task": "tracker.tasks.look", "schedule": 300.0, "options": {"expires": 240}},
    "sync": {"task": "tracker.tasks.sync_all", "schedule": 900.0, "options": {"expires": 600}},
}
