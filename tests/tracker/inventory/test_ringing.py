"""The ticker rings for readings through the real broker, and stops when nobody takes what it rang for."""

import pytest

from tests.tracker.inventory.azure import Azure, Clock
from tracker import tasks
from tracker.runs.queries import database_now

pytestmark = pytest.mark.django_db


def test_nobody_is_rung_for_without_end(
    azure: Azure, clock: Clock, empty_redis: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    azure.subscribe(clock)
    type(azure.subscribe(clock)).objects.update(sync_wanted_at=database_now())
    monkeypatch.setattr(tasks, "LOUD", 6)
    assert tasks.waiting(tasks.READINGS) == 0
    tasks.tick()
    first = tasks.waiting(tasks.READINGS)
    assert first >= 1
    for _ in range(12):
        tasks.tick()
    assert 6 <= tasks.waiting(tasks.READINGS) < 6 + first
