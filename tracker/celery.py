"""Celery as a doorbell: PostgreSQL holds the truth; a message says "look at this row soon" (engine.md)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracker.settings")

app = Celery("tracker")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.on_after_finalize.connect
def _beat_table(sender: Celery, **_: object) -> None:
    from tracker.tasks import BEAT

    sender.conf.beat_schedule = BEAT
