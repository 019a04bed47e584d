"""`manage.py doctor`: is everything there that the product needs? One line each, with what to do."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from migrator import readiness
from migrator.gateway.clouds import of_host
from migrator.gateway.protocol import GatewayError, NotFound
from migrator.vaults import Reference
from tracker import gateways
from tracker.audit.queries import integrity
from tracker.connections import queries as connections
from tracker.environment import SettingError
from tracker.inventory.models import Subscription
from tracker.readiness import catalogue
from tracker.runs import assertions, watching, witness
from tracker.runs.models import Heartbeat
from tracker.runs.queries import database_now, overdue

Finding = tuple[bool, str]
ASKED_FOR = "asked-for-by-the-doctor"  # a name that no secret has


class Command(BaseCommand):
    help = (
        "Check database, Redis, worker, cloud, endpoints, credential, versions, registrations, catalogue of rules and "
        "history; say what is wrong and what to do."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        checks: list[tuple[str, Callable[[], Finding]]] = [
            ("Database", database),
            ("Migrations", migrations),
            ("Which database", which_database),
            ("Never so", never_so),
            ("Redis", redis_answers),
            ("Worker", worker),
            ("Due work", due_work),
            ("Cloud", clouds),
            *((name, lambda found=found: found) for name, found in doors()),
            ("Key Vaults", key_vaults),
            ("Versions", api_versions),
            ("Registrations", registrations),
            ("Catalogue", rules),
            ("Audit history", history),
        ]
        bad = 0
        for name, check in checks:
            try:
                good, sentence = check()
            except DatabaseError as error:
                good, sentence = False, f"Cannot be checked without the database: {str(error).splitlines()[0]}"
            bad += not good
            self.stdout.write(f"{'ok  ' if good else 'BAD '} {name:<16} {sentence}")
        if bad:
            self.stdout.write(f"\n{bad} of {len(checks)} need attention.")
            raise SystemExit(1)
        self.stdout.write("\nEverything is there.")


def database() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_database()")
        version, name = cursor.fetchone()
    if int(version.split(".")[0]) < 15:
        return False, f"PostgreSQL {version} is too old; use 15 or newer."
    return True, f"PostgreSQL {version}, database {name}."


def migrations() -> Finding:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        return False, f"{len(waiting)} migrations are not applied; run `manage.py migrate`."
    return True, "All applied."


def which_database() -> Finding:
    """Whether it is the database that is known outside; looked at, and nothing is changed by it."""
    row = watching.epoch()
    if row is not None and row.state != row.State.OPEN:
        done, every, _ = watching.read_back()
        lost = f" History lost: {row.lost} events." if row.lost else ""
        return False, (
            f"It changed {row.started_at:%Y-%m-%d %H:%M} UTC: {row.cause}. {done} of {every} units are read back; then "
            f"two people lift the freeze.{lost}"
        )
    if not settings.EPOCH_WITNESS:
        return False, "TRACKER_EPOCH_WITNESS is none: a restored database would not be noticed. Name a file, and redis."
    told = witness.read()
    if told.silent:
        return False, f"What is known of it in {_some(list(told.silent))} cannot be read."
    if settings.EPOCH_WITNESS == ["redis"]:
        return True, "Known in Redis alone, which may forget; name a file in TRACKER_EPOCH_WITNESS as well."
    return True, f"Known outside in {_some(settings.EPOCH_WITNESS)}."


def never_so() -> Finding:
    """What the last look of the worker found, and a look now."""
    looked, _ = watching.assertions_looked()
    if broken := assertions.broken(time.time):
        return False, f"{broken[0].said} ({broken[0].name}, {broken[0].subject}); {len(broken)} in all: see Settings."
    if looked is None:
        return True, f"All {len(assertions.SENTENCES)} assertions hold now; the worker has not looked yet."
    return True, f"All {len(assertions.SENTENCES)} assertions hold; the worker looked {looked:%H:%M:%S} UTC."


def redis_answers() -> Finding:
    try:
        info = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=3).info("server")
    except redis.RedisError as error:
        return False, f"No answer at TRACKER_REDIS_URL ({error}). Work is not lost: due rows wait in the database."
    return True, f"Answers, version {info.get('redis_version', '?')}."


def worker() -> Finding:
    beat = Heartbeat.objects.filter(name="worker").first()
    if beat is None:
        return False, "No worker has ever run a tick; start `celery -A tracker worker` and `celery -A tracker beat`."
    age = database_now() - beat.at
    if age > timedelta(seconds=30):
        return False, f"The last tick was {age.total_seconds():.0f} s ago; is the worker, or beat, still running?"
    return True, f"Last tick {age.total_seconds():.0f} s ago."


def due_work() -> Finding:
    late = overdue(database_now() - timedelta(seconds=60)).count()
    if late:
        return False, f"{late} runs have been due for more than a minute; look at the worker's log."
    return True, "Nothing is overdue."


def clouds() -> Finding:
    """Whether every address belongs to one cloud, and tokens come from its issuer."""
    cloud = settings.AZURE_CLOUD
    known = {
        name: of_host((urlsplit(url).hostname or "").lower())
        for name, url in (
            ("TRACKER_ARM_ENDPOINT", settings.ARM_ENDPOINT),
            ("TRACKER_SERVICE_MANAGEMENT_ENDPOINT", settings.SERVICE_MANAGEMENT_ENDPOINT),
        )
    }
    for name, found in known.items():
        if found is not None and found is not cloud:
            return False, f"{name} belongs to {found.label}, but TRACKER_AZURE_CLOUD is {cloud.name}; correct one."
    if settings.ENDPOINT_IS_SIMULATOR and settings.AZURE_CREDENTIAL != "static":
        return False, (
            f"The endpoint is a simulator, but TRACKER_AZURE_CREDENTIAL is {settings.AZURE_CREDENTIAL}: a real token "
            "would go to it. Use static."
        )
    return True, f"{cloud.label}; tokens come from {cloud.authority}."


def doors() -> Iterator[tuple[str, Finding]]:
    """Both endpoints and the credential, looked at now; nothing is stored."""
    names = {"resource-manager": "Resource Manager", "service-management": "Older API", "credential": "Credential"}
    for seen in gateways.look():
        yield names[seen.door], (seen.good, seen.sentence)


def key_vaults() -> Finding:
    """Whether the credential may read secrets: a vault that says there is no secret of a name would have given it."""
    if not settings.KEY_VAULTS:
        return True, "None is named; a secret that somebody gives is kept sealed (TRACKER_KEY_VAULTS)."
    for vault in settings.KEY_VAULTS:
        try:
            gateways.read_secret(Reference(vault, ASKED_FOR))
        except NotFound as error:
            if error.code != "SecretNotFound":
                return False, f"There is no Key Vault at {vault}. Check TRACKER_KEY_VAULTS."
        except GatewayError as error:
            return False, str(error)
        except SettingError as error:
            return False, str(error)
    return True, f"Secrets may be read in {', '.join(settings.KEY_VAULTS)}."


def api_versions() -> Finding:
    """What the last syncs stored."""
    used = connections.versions_used()
    if not used:
        return False, "Nothing was read yet which versions Azure offers; run `manage.py sync`."
    if doubtful := [one for one in used if one.doubt]:
        first = doubtful[0]
        more = f" ({len(doubtful)} types in all: see the page Settings)" if len(doubtful) > 1 else ""
        return False, (
            f"{first.kind}: {first.doubt} Set TRACKER_API_VERSIONS for it, or bring the product up to date{more}."
        )
    with_metadata = [one for one in used if not one.kind.startswith("Service management/")]
    if unread := [one for one in with_metadata if one.read_at is None]:
        return (
            True,
            f"{len(used)} types; for {len(unread)} no provider metadata could be read: the built-in table is used.",
        )
    return True, f"{len(used)} types, each in a version the provider metadata lists or the built-in table has."


def registrations() -> Finding:
    subscriptions = list(Subscription.objects.all())
    if not subscriptions:
        return False, "No subscription is known yet; run `manage.py sync`."
    never = [one.name for one in subscriptions if one.registrations_read_at is None]
    if never:
        return False, f"Never read for {_some(never)}; run `manage.py sync`."
    missing = {name for one in subscriptions for name in connections.missing(one)}
    if missing:
        where = [one.name for one in subscriptions if connections.missing(one)]
        return False, f"{_some(sorted(missing))} not registered in {_some(where)}; register them and wait some minutes."
    return True, f"Nothing is missing in {len(subscriptions)} subscriptions."


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def rules() -> Finding:
    """Which catalogue of rules is in force. That another waits is no fault; it is somebody's decision."""
    row = catalogue.in_force()
    if row is None:
        return True, "Comes into force when the first unit is assessed."
    if row.version == readiness.catalogue_version:
        return True, f"{catalogue.named(row.version)} is in force, the one of this version."
    changes = catalogue.changes(row)
    return True, (
        f"{catalogue.named(readiness.catalogue_version)}, of this version, WAITS; {catalogue.named(row.version)} is in "
        f"force. {len(changes.new)} rules are new, {len(changes.changed)} changed, {len(changes.removed)} removed: "
        "a programme manager or administrator switches it on under Rules, Catalogue."
    )


def history() -> Finding:
    state = integrity(database_now())
    if state.problem:
        return False, f"{state.problem} Keep a copy of the database before anything else."
    if state.oldest_pending is not None and state.oldest_pending > timedelta(seconds=60):
        waits = f"{state.oldest_pending.total_seconds():.0f} s"
        return False, f"{state.pending} events wait to be put in the tree, the oldest {waits}; is the worker running?"
    return True, f"{state.sequenced} events in the tree, {state.checkpoints} checkpoints signed."
