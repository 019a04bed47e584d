"""Tests of the history. Most roll back; those about commits, crashes and several connections use `committed`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from tracker.audit.actions import Actor, record
from tracker.audit.models import Event

NOON = datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC)
PRIYA = Actor("user", "p-priya", "Priya")


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker) -> Iterator[None]:
    """The real database without a surrounding transaction; emptied afterwards with the triggers off (which takes a
    superuser: the history refuses a plain TRUNCATE, and so Django's flush)."""
    with django_db_blocker.unblock():
        yield
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(
                "TRUNCATE tracker_event, tracker_privatevalue, tracker_pending, tracker_leaf, tracker_checkpoint,"
                " tracker_signinattempt, tracker_rolegrant, tracker_user, django_session CASCADE"
            )
        connection.close()


def wave(number: int = 1, at: datetime = NOON, by: Actor = PRIYA, **private: str) -> Event:
    """One event, in its own transaction."""
    with transaction.atomic():
        return record(
            "wave.created", by=by, object=("wave", number), now=at, detail={"name": f"W{number}"}, private=private
        )


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)
