"""A programme under way over the estate: sixty waves, a fifth of the units in them, runs, follow-ups, approvals."""

from datetime import timedelta

from django.db import connection

from tests.benchmarks.data import statements
from tests.benchmarks.data.seed import person
from tracker.runs.queries import database_now
from tracker.waves import queries as waves
from tracker.waves import seals
from tracker.waves.models import Approval, Decision, Wave, Window

WAVES, OVER, RUNNING = 60, 20, 5  # the first are over, then come those whose window is open


def plan() -> None:
    """Rows as the engine and people would have left them; approvals are sealed over the real bodies of their waves."""
    listed, sql = _waves(), statements.read("programme.sql")
    with connection.cursor() as cursor:
        values = {"first": listed[0].pk, "waves": WAVES, "over": OVER, "running": OVER + RUNNING}
        by = {"planner": person("maya").pk, "engineer": person("tomas").actor.key}
        cursor.execute(sql.pop("placed"), values)
        for statement in sql.values():
            cursor.execute(statement, values | by)
    for wave in listed[OVER : OVER + RUNNING + 5]:
        _approved(wave)


def _waves() -> list[Wave]:
    now, maya = database_now(), person("maya")
    day = timedelta(days=1)
    made = []
    for number in range(WAVES):
        opens = now + (number - OVER) * 4 * day - 6 * day * (number < OVER) + 2 * day * (number >= OVER + RUNNING)
        if OVER <= number < OVER + RUNNING:
            opens = now - timedelta(hours=2 + number)
        wave = Wave.objects.create(
            name=f"Wave {number + 1:02}", purpose="A part of the estate", owner="Maya Lindqvist",
            created_by=maya, created_at=now - 140 * day, edited_by=maya, edited_at=now - 30 * day,
        )  # fmt: skip
        Window.objects.create(wave=wave, opens_at=opens, closes_at=opens + 2 * day)
        made.append(wave)
    return made


def _approved(wave: Wave) -> None:
    now = database_now()
    body = seals.canonical(waves.wave_body(wave))
    approval = Approval.objects.create(
        kind=Approval.Kind.WAVE, wave=wave, body=body, digest=seals.seal(body), requester=person("maya"),
        editor=person("maya"), needed=1, requested_at=now - timedelta(days=2), expires_at=now + timedelta(days=28),
    )  # fmt: skip
    Decision.objects.create(
        approval=approval, approver=person("aiko"), approved=True, digest=approval.digest, decided_at=now
    )
