"""Celery as a doorbell: PostgreSQL holds the truth; a message says "look at this row soon" (engine.md)."""

import os

from celery import Celery
from celery.signals import task_prerun, worker_init
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracker.settings")

app = Celery("tracker")
app.config_from_object("django.conf:settings", namespace="CELERY")
# A worker takes both queues, or with -Q only its own: readings take minutes, and no step of a run waits behind one.
app.conf.task_queues = (Queue("celery"), Queue("syncs"))
# By name, so that whoever sends one (beat, the ticker, a person with `celery call`) sends it to its queue.
READINGS = (
    "sync",
    "follow_sync",
    "follow_import",
    "sync_all",
    "look",
    "discover",
    "recheck",
    "walk_catalogue",
    "validate_unit",
)
app.conf.task_routes = {f"tracker.tasks.{name}": {"queue": "syncs"} for name in READINGS}


@app.on_after_finalize.connect
def _beat_table(sender: Celery, **_: object) -> None:
    from tracker.tasks import BEAT

    sender.conf.beat_schedule = BEAT


@task_prerun.connect
def _a_connection_that_works(**_: object) -> None:
    """PostgreSQL may have been restarted since the last task."""
    from django.db import close_old_connections

    close_old_connections()


@worker_init.connect
def _credential_is_there(**_: object) -> None:
    """A worker without its credential does not start; Celery would only log any other exception."""
    from tracker import gateways
    from tracker.environment import SettingError

    try:
        gateways.check_credential()
    except SettingError as error:
        raise SystemExit(f"The worker cannot start: {error}") from None
