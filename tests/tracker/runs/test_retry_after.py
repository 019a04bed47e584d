"""Nobody looks or sends again before the platform's Retry-After is over: real client, real HTTP, real rows."""

import time
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime

import pytest

from migrator.gateway.retry_after import LONGEST
from tests.tracker.runs.programme import QUICK, Programme
from tracker.runs import actions as runs
from tracker.runs.models import Run
from tracker.runs.queries import database_now

OWN = 3  # seconds the engine waits when the platform says nothing
SLOW = replace(QUICK, poll=OWN, look_again=OWN, held=OWN, max_poll=OWN)


def after(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(time.time() + seconds).astimezone(), usegmt=False)


SAID = [  # what Azure says; seconds, at least nearly and at most
    ("40", 40, 40),
    ("604800", LONGEST, LONGEST),
    ("a date", 60, 61),  # dates know whole seconds only
    ("a date long gone", OWN, OWN),
    ("-40", OWN, OWN),
    ("soon", OWN, OWN),
    ("0", OWN, OWN),
    (None, OWN, OWN),
]


def words(said: str | None) -> str | None:
    return {"a date": after(60), "a date long gone": after(-86_400)}.get(said or "", said)


def step(programme: Programme, run: Run) -> str:
    said = runs.advance(str(run.pk), gateway=lambda _: programme.gateway, clock=database_now, timings=programme.timings)
    run.refresh_from_db()
    return said


def left(run: Run) -> float:
    """Seconds until somebody looks at the run again."""
    assert run.due_at is not None
    return (run.due_at - database_now()).total_seconds()


def ripe(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(due_at=database_now())


@pytest.fixture
def asked(programme: Programme) -> Run:
    """Prepare is asked for, and nothing of it sent."""
    run = programme.validated()
    programme.timings = SLOW
    programme.simulator.control("clock", {"speed": 1})
    programme.ask(run, "prepare")
    run.refresh_from_db()
    yield run
    programme.simulator.control("clock", {"speed": 600})


@pytest.mark.parametrize(("said", "least", "most"), SAID)
def test_after_a_202_and_after_a_look(
    programme: Programme, asked: Run, said: str | None, least: float, most: float
) -> None:
    programme.fault("retry-after", verb="prepare", value=words(said))
    step(programme, asked)
    assert asked.waiting_code == "polling"
    assert least - 5 < left(asked) <= most
    assert str(asked.pk) not in runs.ring_due() and step(programme, asked) == "not due"
    ripe(asked)
    programme.fault("retry-after", unit="operationStatuses", value=words(said))
    step(programme, asked)
    assert asked.waiting_code == "polling"
    assert least - 5 < left(asked) <= most
    assert len(programme.posts("prepare")) == 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("said", "seconds"), [("40", 40), ("604800", LONGEST)])
def test_after_a_look_that_was_refused(
    programme: Programme, asked: Run, status: int, said: str, seconds: float
) -> None:
    step(programme, asked)
    ripe(asked)
    programme.fault("retry-after", unit="operationStatuses", value=words(said))
    programme.fault("throttle", unit="operationStatuses", status=status)
    step(programme, asked)
    assert asked.waiting_code == "unknown"
    assert seconds - 5 < left(asked) <= seconds


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("said", "seconds"), [("40", 40), ("604800", LONGEST)])
def test_after_a_send_that_was_refused(
    programme: Programme, asked: Run, status: int, said: str, seconds: float
) -> None:
    programme.fault("retry-after", verb="prepare", value=words(said))
    programme.fault("throttle", method="POST", unit="prepareMigration", status=status)
    step(programme, asked)
    assert asked.waiting_code == {429: "throttled", 503: "unknown"}[status]
    assert seconds - 5 < left(asked) <= seconds
    if status == 429:  # nor does any other run of the subscription send
        ripe(asked)
        step(programme, asked)
        assert asked.waiting_code == "budget" and len(programme.posts("prepare")) == 1


@pytest.mark.parametrize("part", ["shop-net", "resourcegroups"], ids=["classic side", "Resource Manager side"])
def test_after_a_side_that_could_not_be_read(programme: Programme, asked: Run, part: str) -> None:
    programme.fault("throttle", method="GET", unit=part, retry_after=40)
    step(programme, asked)
    assert asked.waiting_code == "cannot-see"
    assert 35 < left(asked) <= 40
    assert programme.posts("prepare") == []


@pytest.mark.parametrize(("status", "code"), [(429, "cannot-see"), (503, "capture-incomplete")])
def test_after_settings_that_could_not_be_read(programme: Programme, asked: Run, status: int, code: str) -> None:
    programme.fault("throttle", method="GET", unit="autoscaleSettings", retry_after=40, status=status)
    step(programme, asked)
    assert asked.waiting_code == code
    assert 35 < left(asked) <= 40


def test_a_person_who_holds_the_run_does_not_make_it_look_early(programme: Programme, asked: Run) -> None:
    programme.fault("retry-after", verb="prepare", value="40")
    step(programme, asked)
    for verb in ("hold", "resume"):
        programme.ask(asked, verb)
        asked.refresh_from_db()
        assert 30 < left(asked) <= 40


def test_the_wire_shows_the_wait(programme: Programme, asked: Run) -> None:
    """Ticked as often as can be, the first look comes when the platform said, and not before."""
    programme.fault("retry-after", verb="prepare", value="2")
    deadline = time.monotonic() + 10
    looks = []
    while not looks and time.monotonic() < deadline:
        for run_id in runs.ring_due():
            runs.advance(run_id, gateway=lambda _: programme.gateway, clock=database_now, timings=QUICK)
        rows = programme.simulator.control(f"log?after={programme.mark}")["value"]
        looks = [row for row in rows if "operationstatuses" in row["path"].lower()]
        time.sleep(0.02)
    (sent,) = programme.posts("prepare")
    waited = datetime.fromisoformat(looks[0]["time"]) - datetime.fromisoformat(sent["time"])
    assert 2 <= waited.total_seconds() < 6
