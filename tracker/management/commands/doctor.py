"""`manage.py doctor`: is everything there that the product needs? One line each, with what to do."""

import socket
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from migrator.gateway.protocol import GatewayError
from tracker import gateways
from tracker.audit.queries import integrity
from tracker.runs.models import Heartbeat
from tracker.runs.queries import database_now, overdue

Finding = tuple[bool, str]


class Command(BaseCommand):
    help = "Check database, Redis, worker, credential, endpoints and history; say what is wrong and what to do."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        checks: list[tuple[str, Callable[[], Finding]]] = [
            ("Database", database),
            ("Migrations", migrations),
            ("Redis", redis_answers),
            ("Worker", worker),
            ("Due work", due_work),
            ("Azure endpoint", endpoint),
            ("Credential", credential),
            ("Audit history", history),
        ]
        bad = 0
        for name, check in checks:
            try:
                good, sentence = check()
            except DatabaseError as error:
                good, sentence = False, f"Cannot be checked without the database: {str(error).splitlines()[0]}"
            bad += not good
            self.stdout.write(f"{'ok  ' if good else 'BAD '} {name:<15} {sentence}")
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


def endpoint() -> Finding:
    from urllib.parse import urlsplit

    parts = urlsplit(settings.ARM_ENDPOINT)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    kind = "the simulator" if settings.ENDPOINT_IS_SIMULATOR else "Azure"
    try:
        socket.create_connection((parts.hostname or "", port), timeout=5).close()
    except OSError as error:
        return False, f"{settings.ARM_ENDPOINT} ({kind}) cannot be reached: {error}. Check TRACKER_ARM_ENDPOINT."
    return True, f"{settings.ARM_ENDPOINT} ({kind}) can be reached."


def credential() -> Finding:
    try:
        found = gateways.gateway_for("").subscriptions()
    except GatewayError as error:
        return False, str(error)
    if not found:
        return False, "The credential is accepted but sees no subscription; give it the reader role of the README."
    return True, f"Accepted; sees {len(found)} subscriptions."


def history() -> Finding:
    state = integrity()
    return True, f"{state}"
