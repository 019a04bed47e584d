"""Tests of the history. Most roll back; those about commits, crashes and several connections use `committed`."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from tests.live_database import emptied_for_real  # noqa: F401 - the tests of commits need it
from tracker.audit.actions import Actor, record
from tracker.audit.models import Event

NOON = datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC)
PRIYA = Actor("user", "p-priya", "Priya")


@pytest.fixture
def committed(transactional_db: None) -> None:
    """The real database without a surrounding transaction, emptied afterwards."""


def wave(number: int = 1, at: datetime = NOON, by: Actor = PRIYA, **private: str) -> Event:
    """One event, in its own transaction."""
    with transaction.atomic():
        return record(
            "wave.created", by=by, object=("wave", number), now=at, detail={"name": f"W{number}"}, private=private
        )


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)
