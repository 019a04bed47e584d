"""Insert now, sequence later: nothing is lost, doubled or signed unread."""

import re
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import override_settings

from tests.tracker.audit.conftest import NOON, PRIYA, later, wave
from tracker.audit import log
from tracker.audit.actions import (
    ENGINE,
    Fact,
    KeyChanged,
    LogDamaged,
    NothingToSign,
    record,
    record_many,
    sequence,
    sign_checkpoint,
    tick,
    verify,
    vkey,
)
from tracker.audit.actions import checkpoints as module
from tracker.audit.models import Checkpoint, Event, Leaf, Pending


def in_threads(*jobs) -> list[BaseException]:
    """Run each on its own connection; what they raised."""
    raised: list[BaseException] = []

    def run(job) -> None:
        try:
            job()
        except BaseException as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def without_triggers(statement: str, parameters: list) -> None:
    """What somebody who owns the database can do."""
    tables = ("event", "leaf", "pending", "checkpoint")
    with transaction.atomic(), connection.cursor() as cursor:
        for step in ("DISABLE", "ENABLE"):
            if step == "ENABLE":
                cursor.execute(statement, parameters)
            for table in tables:
                cursor.execute(f"ALTER TABLE tracker_{table} {step} TRIGGER USER")


def recomputed() -> log.Tree:
    tree = log.Tree()
    bodies = dict(Event.objects.values_list("id", "body"))
    for identifier in Leaf.objects.order_by("seq").values_list("event_id", flat=True):
        tree.push(log.leaf_hash(bodies[identifier]))
    return tree


def test_eight_writers_and_two_sequencers_lose_and_double_nothing(committed: None) -> None:
    writing = threading.Event()

    def write(number: int) -> None:
        for step in range(40):
            with transaction.atomic():
                record("wave.created", by=ENGINE, object=("wave", f"{number}-{step}"), now=later(step))
                if step % 7 == 3:
                    transaction.set_rollback(True)

    def move() -> None:
        while not writing.is_set():
            sequence(NOON, limit=13)

    movers = [threading.Thread(target=lambda: (move(), connection.close())) for _ in range(2)]
    for mover in movers:
        mover.start()
    assert in_threads(*[lambda number=number: write(number) for number in range(8)]) == []
    writing.set()
    for mover in movers:
        mover.join()
    while sequence(NOON):
        pass
    rolled_back = 8 * len([step for step in range(40) if step % 7 == 3])
    assert Event.objects.count() == Leaf.objects.count() == 320 - rolled_back
    assert not Pending.objects.exists()
    assert list(Leaf.objects.order_by("seq").values_list("seq", flat=True)) == list(range(320 - rolled_back))
    newest = Checkpoint.objects.get()  # unsigned, it advanced in place
    assert (newest.size, bytes(newest.root)) == (320 - rolled_back, recomputed().root())
    assert verify(NOON).problem == ""


def test_events_stand_in_the_order_of_their_times_within_a_batch(db: None) -> None:
    for number in (3, 1, 2):
        wave(number, later(number))
    sequence(NOON)
    by_id = dict(Event.objects.values_list("id", "object_id"))
    assert [by_id[one] for one in Leaf.objects.order_by("seq").values_list("event_id", flat=True)] == ["1", "2", "3"]


DIES = """
import os, signal, sys
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from datetime import UTC, datetime
from tracker.audit.actions import checkpoints
checkpoints.Checkpoint.objects.filter = lambda **_: os.kill(os.getpid(), signal.SIGKILL)
checkpoints.sequence(datetime(2026, 3, 4, 12, tzinfo=UTC))
"""


def test_a_sequencer_that_is_killed_before_its_commit_leaves_everything_as_it_was(committed: None) -> None:
    for number in range(20):
        wave(number, later(number))
    sequence(NOON, limit=5)
    # A process of its own, killed with its leaves written and its pending rows deleted. No fork beside a browser.
    died = subprocess.run([sys.executable, "-c", DIES, connection.settings_dict["NAME"]], timeout=60)
    assert died.returncode == -signal.SIGKILL
    assert (Leaf.objects.count(), Pending.objects.count(), Checkpoint.objects.get().size) == (5, 15, 5)
    assert sequence(NOON) == 15
    assert Checkpoint.objects.get().root == recomputed().root() and verify(NOON).problem == ""


def test_only_one_sequences_at_a_time(committed: None) -> None:
    wave()
    found: list[int] = []
    with transaction.atomic():
        assert module._lock(wait=False)
        assert in_threads(lambda: found.append(sequence(NOON))) == []
    assert found == [0] and sequence(NOON) == 1


def test_a_checkpoint_speaks_for_all_events_before_it(db: None) -> None:
    with pytest.raises(NothingToSign):
        sign_checkpoint(NOON, "test")
    for number in range(5):
        wave(number)
    signed = sign_checkpoint(NOON, "approval")
    assert (signed.size, signed.reason, signed.at) == (5, "approval", NOON)
    assert log.opened(signed.note, vkey()) == (5, recomputed_to(5).root())
    told = Event.objects.get(type="audit.checkpoint_signed")
    assert told.object_id == "5" and bytes(signed.root).hex() in told.body
    again = sign_checkpoint(NOON, "approval")  # over the event that told of the first
    assert again.size == 6
    sizes = list(Checkpoint.objects.order_by("id").values_list("size", flat=True))
    assert sizes == sorted(sizes)


def recomputed_to(size: int) -> log.Tree:
    tree = log.Tree()
    for seq, identifier in Leaf.objects.order_by("seq").values_list("seq", "event_id"):
        if seq < size:
            tree.push(log.leaf_hash(Event.objects.get(pk=identifier).body))
    return tree


def test_a_signature_is_due_a_minute_after_the_last_when_something_happened(db: None) -> None:
    signed = Checkpoint.objects.exclude(note="")
    assert tick(NOON) == 0 and not signed.exists()
    wave()
    assert tick(NOON) == 1 and signed.count() == 1
    wave()
    assert tick(later(30)) == 2 and signed.count() == 1
    assert tick(later(61)) == 0 and signed.count() == 2
    for minute in range(2, 6):  # the event about a signature is no reason for another
        tick(NOON + timedelta(minutes=minute))
    assert signed.count() == 2


def test_a_flipped_bit_is_found_before_signing_and_nothing_is_signed(db: None) -> None:
    events = [wave(number) for number in range(6)]
    sign_checkpoint(NOON, "test")
    more = [wave(number) for number in range(6, 9)]
    sequence(NOON)
    without_triggers("UPDATE tracker_event SET body = replace(body, 'W7', 'W9') WHERE id = %s", [more[1].id])
    with pytest.raises(LogDamaged, match=f"{more[1].id} at place 8 is no longer"):
        sign_checkpoint(later(100), "test")
    for moment in (100, 200):
        with pytest.raises(LogDamaged):
            tick(later(moment))
    assert Checkpoint.objects.exclude(note="").count() == 1
    assert Event.objects.filter(type="audit.damage_found", result="failed").count() == 1
    # What was signed already is not read again each minute; the full check finds it.
    without_triggers("UPDATE tracker_event SET body = replace(body, 'W2', 'W3') WHERE id = %s", [events[2].id])
    assert f"{events[2].id} at place 2" in verify(later(300)).problem
    assert Event.objects.get(type="audit.verified").result == "failed"


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM tracker_event WHERE object_id = '2'", "at place 2 is missing"),
        ("DELETE FROM tracker_leaf WHERE seq = 2", "no event at place 2; the next is at 3"),
        ("DELETE FROM tracker_leaf WHERE seq = 6", "neither in the tree"),
        ("UPDATE tracker_leaf SET hash = sha256('x') WHERE seq = 3", "at place 3 is no longer"),
        ("UPDATE tracker_checkpoint SET note = replace(note, '4', '5') WHERE note <> ''", "not verify|signed"),
        ("DELETE FROM tracker_pending", "neither in the tree"),
    ],
)
def test_a_full_check_names_what_the_owner_of_the_database_did(db: None, statement: str, problem: str) -> None:
    for number in range(4):
        wave(number)
    sign_checkpoint(NOON, "test")
    wave(8), wave(9)
    sequence(NOON)
    wave(10)
    assert verify(NOON).problem == ""
    without_triggers(statement, [])
    found = verify(NOON)
    assert found.problem and re.search(problem, found.problem), found.problem


def test_another_key_does_not_continue_a_history(db: None) -> None:
    wave()
    sign_checkpoint(NOON, "test")
    for change in ({"AUDIT_KEY": bytes(32)}, {"AUDIT_ORIGIN": "somewhere-else"}):
        with override_settings(**change), pytest.raises(KeyChanged, match="Put the former key"):
            sign_checkpoint(NOON, "test")


def test_a_backlog_is_sequenced_and_read_again_in_batches(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 100)
    with transaction.atomic():
        record_many([Fact("wave.created", ("wave", number)) for number in range(450)], by=ENGINE, now=NOON)
    assert sequence(NOON, limit=70) == 70
    assert tick(NOON) == 380
    assert Checkpoint.objects.exclude(note="").get().size == 450 and verify(NOON).problem == ""


def test_a_smaller_checkpoint_is_never_signed(db: None) -> None:
    for number in range(4):
        wave(number)
    sign_checkpoint(NOON, "test")
    with pytest.raises(DatabaseError, match="not the largest"), transaction.atomic():
        Checkpoint.objects.create(size=3, root=b"", frontier=[], reason="x", at=NOON)


def test_an_approval_is_signed_at_once_and_a_note_within_the_minute(committed: None) -> None:
    wave(1)
    tick(later(0))
    signed = Checkpoint.objects.exclude(note="").count()
    wave(2, at=later(1))
    tick(later(2))
    assert Checkpoint.objects.exclude(note="").count() == signed
    with transaction.atomic():
        record("approval.approved", by=PRIYA, object=("approval", 1), now=later(3))
    tick(later(4))
    assert Checkpoint.objects.exclude(note="").order_by("-size").first().reason == "approval"
