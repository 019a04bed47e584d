"""A database that was restored beside a platform that has moved on: nothing is sent twice, nothing unapproved is sent,
and what the database has forgotten is found and taken over (reliability-notes 4.9)."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from migrator.simulator.running import Running
from tests import kept_rows
from tests.tracker.runs.programme import QUICK, Programme
from tracker.audit import actions as audit
from tracker.audit.models import Event
from tracker.inventory.models import Unit
from tracker.runs import actions as runs
from tracker.runs import watching
from tracker.runs.actions import epoch
from tracker.runs.models import Run
from tracker.runs.queries import database_now
from tracker.runs.watch_models import ClusterEpoch
from tracker.waves import actions as waves
from tracker.waves.models import Approval, Freeze

NET = "shop-net"


@pytest.fixture
def witness(tmp_path: Path, settings: Any) -> Path:
    path = tmp_path / "witness.json"
    settings.EPOCH_WITNESS = [str(path)]
    epoch._looked.clear()
    return path


@pytest.fixture
def rewindable(programme: Programme, witness: Path) -> Programme:
    if not kept_rows.may_switch_triggers_off():
        pytest.skip("only on a server of our own may a test put old rows back")
    epoch.look(database_now, QUICK)
    return programme


def advanced(programme: Programme, run: Run) -> str:
    return runs.advance(str(run.pk), gateway=lambda _: programme.gateway, clock=database_now, timings=QUICK)


def beat() -> None:
    audit.tick(database_now())
    epoch.beat(database_now, QUICK)


def kept() -> dict[str, bytes]:
    with transaction.atomic():
        return kept_rows.rows()


def rewind(before: dict[str, bytes]) -> None:
    """Every table as it was: what a restore leaves."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, rows in kept_rows.rows().items():
            if rows != before[table]:
                cursor.execute(f"DELETE FROM {table.partition(' ')[0]}")
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    copy.write(before[table])
        cursor.execute("SET LOCAL session_replication_role = origin")


def read_back(programme: Programme) -> ClusterEpoch:
    """Ticker and worker go on until everything was read back."""

    def turned() -> bool:
        runs.read_back(gateway=lambda _: programme.gateway, clock=database_now, timings=QUICK)
        return ClusterEpoch.objects.latest("pk").state == "waiting"

    programme.until(Run.objects.latest("started_at"), turned, seconds=25)
    return ClusterEpoch.objects.latest("pk")


def released(programme: Programme) -> None:
    assert not waves.lift("all", by=programme.maya, now=database_now())
    assert waves.lift("all", by=programme.aiko, now=database_now())
    beat()


def restored_and_read_back(programme: Programme) -> ClusterEpoch:
    """What holds after every change of the database, whatever had happened."""
    row = ClusterEpoch.objects.latest("pk")
    assert (row.state, Freeze.objects.get(scope="all").frozen) == ("quarantine", True)
    assert Event.objects.filter(type="epoch.changed").count() == 1
    assert not Approval.objects.filter(voided_at__isnull=True).exists(), "every agreement is void"
    run = Run.objects.latest("started_at")
    for verb in ("hold", "abort", "retry"):
        if verb != "hold":
            with pytest.raises(runs.RunError):
                programme.ask(run, verb)
    with pytest.raises(runs.RunError, match="database changed"):
        programme.ask(run, "cancel")
    with pytest.raises(waves.NotFrozen, match="read back"):
        waves.lift("all", by=programme.maya, now=database_now())
    return read_back(programme)


def test_a_commit_the_database_has_forgotten_is_found_and_not_sent_again(rewindable: Programme) -> None:
    programme = rewindable
    run = programme.committing()
    beat()
    before = kept()
    programme.until(run, lambda: run.state in ("committed", "verified"))
    beat()
    rewind(before)
    run.refresh_from_db()
    assert (run.state, run.operations.filter(verb="commit").count()) == ("prepared", 0)
    epoch._looked.clear()
    assert advanced(programme, run) == "not due"
    row = restored_and_read_back(programme)
    run.refresh_from_db()
    assert run.state in ("committed", "verified", "closed")
    assert len(programme.posts("commit")) == 1
    assert (row.lost > 0, "older than it was" in row.cause) == (True, True)
    assert programme.state()["violations"] == 0
    released(programme)
    assert ClusterEpoch.objects.latest("pk").state == "open"
    assert watching.refusal() == ""
    for _ in range(3):
        programme.tick()
    assert len(programme.posts("commit")) == 1


def test_a_prepare_and_a_commit_forgotten_together_are_taken_over(rewindable: Programme) -> None:
    programme = rewindable
    run = programme.validated()
    beat()
    before = kept()
    programme.ask(run, "prepare")
    programme.until(run, lambda: run.state == "prepared")
    approval = programme.sealed(run)
    programme.ask(run, "commit", seal=approval.digest)
    programme.until(run, lambda: run.state in ("committed", "verified"))
    beat()
    rewind(before)
    epoch.look(database_now, QUICK)
    restored_and_read_back(programme)
    run.refresh_from_db()
    assert run.state in ("committed", "verified", "closed")
    operation = run.operations.get(verb="commit")
    assert (operation.recovered, operation.sends, operation.state) == (True, 0, "succeeded")
    assert (len(programme.posts("prepare")), len(programme.posts("commit"))) == (1, 1)
    released(programme)
    programme.tick()
    assert (len(programme.posts("prepare")), len(programme.posts("commit"))) == (1, 1)


def test_a_commit_that_was_agreed_and_then_aborted_is_never_sent_by_the_restored_database(
    rewindable: Programme,
) -> None:
    programme = rewindable
    run = programme.prepared()
    beat()
    approval = programme.sealed(run)
    before = kept()
    beat()
    programme.ask(run, "abort")
    programme.until(run, lambda: run.ended_at is not None)
    beat()
    rewind(before)
    run.refresh_from_db()
    assert (run.state, run.ended_at) == ("prepared", None)
    epoch.look(database_now, QUICK)
    approval.refresh_from_db()
    assert approval.voided_at is not None
    restored_and_read_back(programme)
    released(programme)
    for _ in range(5):
        programme.tick()
    run.refresh_from_db()
    assert (run.outcome, programme.posts("commit")) == ("aborted", [])
    assert Unit.objects.get(name=NET).locked_since is None


DIFFERENT: dict[str, tuple[Callable[[Path], object], str]] = {
    "cluster": (lambda _: ClusterEpoch.objects.update(system="1"), "another cluster"),
    "timeline": (lambda _: ClusterEpoch.objects.update(timeline=99), "timeline"),
    "copy": (lambda _: ClusterEpoch.objects.update(database=1), "a copy"),
    "nonce": (lambda _: ClusterEpoch.objects.update(nonce="x"), "another history"),
    "older": (lambda path: path.write_text(json.dumps(json.loads(path.read_text()) | {"mark": 9})), "older"),
    "lost": (lambda path: path.unlink(), "nothing that was kept outside"),
    "half": (lambda path: path.write_text('{"nonce"'), "another history"),
}


@pytest.mark.parametrize("which", sorted(DIFFERENT))
def test_another_database_is_noticed(db: None, witness: Path, which: str) -> None:
    epoch.look(database_now, QUICK)
    beat()
    beat()
    assert ClusterEpoch.objects.get().mark == 3
    change, said = DIFFERENT[which]
    change(witness)
    row = epoch.look(database_now, QUICK)
    assert row is not None
    assert said in row.cause
    assert (row.state, Freeze.objects.get(scope="all").frozen) == ("quarantine", True)
    assert "database changed" in watching.refusal()
    assert epoch.look(database_now, QUICK) == row, "told once"
    assert json.loads(witness.read_text())["nonce"] == row.nonce


def test_an_emptied_redis_beside_no_file_is_not_taken_for_a_restore(db: None, settings: Any, empty_redis: Any) -> None:
    settings.EPOCH_WITNESS = ["redis"]
    first = epoch.look(database_now, QUICK)
    empty_redis.flushdb()
    assert epoch.look(database_now, QUICK) == first
    assert empty_redis.get("tracker:epoch"), "told anew"
    assert not Freeze.objects.get(scope="all").frozen


# --- for real: a database restored from an earlier copy ---------------------------------------------------------------


Copies = tuple[Programme, Callable[[], None], Callable[[], None]]


@pytest.fixture
def copies(simulator: Running, django_db_setup: None, django_db_blocker: Any) -> Iterator[Copies]:
    """(programme in a database of its own, make a copy of it, go on in the copy)."""
    usual = connection.settings_dict["NAME"]
    ours, restored = f"{usual}_ours", f"{usual}_restored"

    def order(text: str) -> None:
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(text)

    def go_on(name: str) -> None:
        connection.close()
        connection.settings_dict["NAME"] = name

    with django_db_blocker.unblock():
        order(f'CREATE DATABASE "{ours}" TEMPLATE "{usual}"')
        programme = Programme(simulator)
        try:
            go_on(ours)
            programme.begin()
            yield (
                programme,
                lambda: order(f'CREATE DATABASE "{restored}" TEMPLATE "{ours}"'),
                lambda: go_on(restored),
            )
        finally:
            programme.close()
            go_on(usual)
            for name in (ours, restored):
                order(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def test_a_database_restored_from_a_copy_takes_over_what_it_has_forgotten(copies: Copies, witness: Path) -> None:
    programme, copied, restored = copies
    epoch.look(database_now, QUICK)
    run = programme.committing()
    beat()
    copied()
    programme.until(run, lambda: run.state in ("committed", "verified"))
    beat()
    restored()
    run = Run.objects.get(pk=run.pk)
    assert (run.state, run.commit_armed_at) == ("prepared", None)
    assert advanced(programme, run) == "not due"
    row = restored_and_read_back(programme)
    assert "copy" in row.cause
    assert row.lost > 0
    released(programme)
    for _ in range(3):
        programme.tick()
    run.refresh_from_db()
    assert run.state in ("committed", "verified", "closed")
    assert len(programme.posts("commit")) == 1
    assert programme.state()["violations"] == 0
