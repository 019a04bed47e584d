"""The ledger of locks: opened and closed with the unit, told of when they last, never changed afterwards."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.test import Client

from tests.tracker.runs.programme import Programme
from tests.tracker.runs.test_refusals import refused
from tracker.audit.models import Event
from tracker.inventory import actions as inventory
from tracker.inventory.lock_models import Lock
from tracker.inventory.queries import ledger
from tracker.runs import actions as runs
from tracker.runs.queries import database_now

HOUR = timedelta(hours=1)


def signed_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def test_from_prepare_to_abort(programme: Programme) -> None:
    run = programme.prepared()
    lock = Lock.objects.get()
    run.unit.refresh_from_db()
    assert lock.opened_at == run.unit.locked_since
    assert (lock.unit, lock.run_id, lock.wave, lock.opened_by) == (
        run.unit, run.pk, run.wave.name, programme.tomas.actor.key,
    )  # fmt: skip
    assert (lock.limit_hours, lock.told, lock.closed_at) == (72, 0, None)
    programme.ask(run, "abort")
    programme.until(run, lambda: run.ended_at is not None)
    lock.refresh_from_db()
    assert lock.end == Lock.End.ABORT and lock.closed_at > lock.opened_at
    assert [e.type for e in Event.objects.filter(type__startswith="lock.").order_by("at")] == [
        "lock.opened", "lock.closed",
    ]  # fmt: skip
    assert ledger.hours_of_waves([run.wave_id], database_now())[run.wave_id] > 0


def test_a_commit_ends_it(programme: Programme) -> None:
    run = programme.committing()
    programme.until(run, lambda: run.state in ("committed", "verified"))
    assert Lock.objects.get().end == Lock.End.COMMIT


def test_people_are_told_once_at_each_step(programme: Programme) -> None:
    run = programme.prepared()
    begun = Lock.objects.get().opened_at
    assert runs.tell_long_locks(begun + 35 * HOUR) == 0
    assert runs.tell_long_locks(begun + 36 * HOUR) == 1
    assert runs.tell_long_locks(begun + 37 * HOUR) == 0, "once"
    run.refresh_from_db()
    assert run.attention == ""
    assert runs.tell_long_locks(begun + 58 * HOUR) == 1
    run.refresh_from_db()
    assert "80 % of the limit of 72 hours are used" in run.attention
    assert runs.tell_long_locks(begun + 100 * HOUR) == 1
    assert [json.loads(e.body)["detail"]["share"] for e in Event.objects.filter(type="lock.told").order_by("at")] == [
        50,
        80,
        100,
    ]
    run.refresh_from_db()
    assert "Abort is the way back" in run.attention
    assert run.operations.filter(verb="abort").count() == 0, "proposed, never done"

    page = signed_in(programme.maya).get("/locks/?state=over").content.decode()
    assert "shop-net" in page and "Over the limit" in page


def test_a_worker_that_slept_tells_only_of_the_last_step(programme: Programme) -> None:
    programme.prepared()
    lock = Lock.objects.get()
    assert runs.tell_long_locks(lock.opened_at + 500 * HOUR) == 1
    assert json.loads(Event.objects.get(type="lock.told").body)["detail"]["share"] == 100


def test_a_lock_nobody_here_asked_for(programme: Programme) -> None:
    unit = programme.unit("shop-net")
    now = database_now()
    inventory.set_lock(unit, now, now=now)
    inventory.set_lock(unit, now, now=now)
    lock = Lock.objects.get()
    assert (lock.opened_by, lock.run_id, lock.wave) == ("", None, "")
    assert runs.tell_long_locks(now + 60 * HOUR) == 1
    unit.refresh_from_db()
    assert unit.health == "at risk" and "80 %" in unit.health_reason
    inventory.set_lock(unit, None, now=now + HOUR)
    assert Lock.objects.get().end == Lock.End.SEEN
    assert "by nobody here" in signed_in(programme.noor).get("/locks/").content.decode()


def test_the_database_keeps_it_as_it_was(programme: Programme) -> None:
    unit = programme.unit("shop-net")
    now = database_now()
    inventory.set_lock(unit, now, now=now)
    refused("P0F27", "UPDATE tracker_lock SET opened_at = opened_at - interval '1 hour'")
    refused("P0F27", "UPDATE tracker_lock SET limit_hours = 500")
    refused("23505", "INSERT INTO tracker_lock (unit_id, wave, opened_by, opened_at, limit_hours, told, \"end\")"
            " SELECT unit_id, '', '', now(), 72, 0, '' FROM tracker_lock")  # fmt: skip
    inventory.set_lock(unit, None, now=now + HOUR)
    refused("P0F27", "UPDATE tracker_lock SET closed_at = NULL, \"end\" = ''")
    with pytest.raises(Exception, match="Cannot delete"):
        Lock.objects.get().delete()


def test_the_page_and_its_numbers(programme: Programme) -> None:
    maya = signed_in(programme.maya)
    assert "Nothing was ever locked" in maya.get("/locks/").content.decode()
    run = programme.prepared()
    page = maya.get("/locks/").content.decode()
    assert "shop-net" in page and "asked for by Tomas" in page and "of 72 h" in page
    assert "lock-hours in this wave" in maya.get(f"/locks/?wave={run.wave_id}").content.decode()
    assert "shop-net" not in maya.get("/locks/?state=ended").content.decode().partition("<tbody>")[2]
    assert "/locks/?state=held" in maya.get("/").content.decode()
    assert maya.get("/locks/?wave=x&state=nonsense&q=%00").status_code == 200


def test_the_ledger_goes_along_as_a_file_exactly_as_filtered(programme: Programme) -> None:
    maya = signed_in(programme.maya)
    empty = csv.DictReader(io.StringIO(told(maya, "/locks/export/?format=csv").lstrip("\ufeff")))
    assert list(empty) == [] and "percent_of_limit" in (empty.fieldnames or ())
    run = programme.prepared()
    page = maya.get("/locks/?state=held&q=shop").content.decode()
    assert "1 lock, as filtered" in page
    assert "/locks/export/?state=held&amp;q=shop&amp;format=csv" in page
    (row,) = csv.DictReader(io.StringIO(told(maya, "/locks/export/?state=held&q=shop&format=csv").lstrip("\ufeff")))
    assert (row["unit_name"], row["run"], row["wave"]) == (run.unit.name, str(run.pk), run.wave.name)
    assert (row["closed_at"], row["end"], row["limit_hours"], row["percent_of_limit"]) == ("", "", "72", "0")
    (line,) = told(maya, f"/locks/export/?format=jsonl&wave={run.wave_id}").splitlines()
    assert json.loads(line)["unit"] == run.unit.key and json.loads(line)["locked_seconds"] >= 0
    assert told(maya, "/locks/export/?format=jsonl&state=ended") == ""
    assert "as filtered" not in maya.get("/locks/?state=ended").content.decode()
    odd = maya.get("/locks/export/?format=exe&wave=x&q=%00")
    assert odd.status_code == 200 and odd["Content-Type"].startswith("text/csv")
    assert Client().get("/locks/export/").status_code == 302


def told(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer["Cache-Control"] == "no-store"
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
