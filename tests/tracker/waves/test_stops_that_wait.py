"""Whoever stops something while an arming is under way waits for it; then rows and history say that the arming came
first. (Found by `manage.py chaos`: the time had been read before the wait.)"""

import json
import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import DatabaseError, connection, transaction

from migrator.simulator import running
from tests.live_database import emptied_for_real  # noqa: F401
from tests.proof.database import own_connection
from tests.tracker.runs.programme import Programme
from tracker.audit.models import Event
from tracker.runs import queries
from tracker.runs.models import Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves.models import Decision, Freeze, Wave


def freeze(programme: Programme, run: Run, now: datetime) -> None:
    waves.freeze("all", reason="A drill.", by=programme.maya, now=now)


def stop(programme: Programme, run: Run, now: datetime) -> None:
    waves.stop_line(run.wave, reason="A drill.", by=programme.maya, now=now)


def revoke(programme: Programme, run: Run, now: datetime) -> None:
    waves.revoke(Decision.objects.get(), reason="A drill.", by=programme.tomas, now=now)


def hold(programme: Programme, run: Run, now: datetime) -> None:
    programme.ask(run, "hold")


# What is done, the row an arming holds meanwhile, the time that is kept, the type of the event.
STOPS = [
    (freeze, "tracker_freeze WHERE scope = 'all' FOR SHARE", lambda: Freeze.objects.get(scope="all").changed_at),
    (stop, "tracker_wave FOR SHARE", lambda: Wave.objects.get().stopped_at),
    (revoke, "tracker_approval FOR SHARE", lambda: Decision.objects.get().revoked_at),
    (hold, "tracker_run FOR UPDATE", lambda: Run.objects.get().held_at),
]
TOLD = {"freeze": "freeze.engaged", "stop": "wave.stopped", "revoke": "approval.revoked"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("act", "row", "kept"), STOPS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_stop_holds_from_the_second_it_got_its_lock(
    act: Callable[[Programme, Run, datetime], None], row: str, kept: Callable[[], datetime]
) -> None:
    with running.simulator(scenario="journey", speed=600) as simulator:
        programme = Programme(simulator)
        programme.begin()
        run = programme.started("shopfiles")
        asked = database_now()

        def somebody() -> None:
            act(programme, run, asked)
            connection.close()

        with own_connection() as arming:
            arming.execute(f"SELECT 1 FROM {row}")
            waiting = threading.Thread(target=somebody)
            waiting.start()
            waiting.join(0.4)
            assert waiting.is_alive(), "it waits for the arming"
            armed = arming.execute("SELECT clock_timestamp()").fetchone()
        waiting.join(10)
        programme.close()
    assert armed is not None and kept() > armed[0] > asked
    if name := TOLD.get(act.__name__):
        [body] = Event.objects.filter(type=name).values_list("body", flat=True)
        assert datetime.fromisoformat(json.loads(body)["at"]) >= armed[0].replace(microsecond=0)


@pytest.mark.django_db(transaction=True)
def test_an_arming_that_falls_asleep_is_ended_and_the_freeze_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "ARMING_IDLE", 1)
    locked, said = threading.Event(), []
    with running.simulator(scenario="journey", speed=600) as simulator:
        programme = Programme(simulator)
        programme.begin()
        run = programme.validated("shopfiles")
        operation = run.operations.get()

        def asleep() -> None:
            try:
                with transaction.atomic():
                    queries.lock_for_arming(run, operation)
                    locked.set()
                    froze.wait(20)
                    queries.armed()
            except DatabaseError as error:
                said.append(str(error))
            connection.close()

        froze, arming = threading.Event(), threading.Thread(target=asleep)
        arming.start()
        assert locked.wait(10)
        freeze(programme, run, database_now())
        assert Freeze.objects.get(scope="all").frozen and arming.is_alive()
        froze.set()
        arming.join(10)
        programme.close()
    assert said, "what it armed did not come to pass"
