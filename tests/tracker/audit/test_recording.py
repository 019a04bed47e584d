"""Writing events, and what the database refuses."""

import itertools
import json

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.tracker.audit.conftest import NOON, PRIYA, wave
from tracker.audit.actions import ENGINE, Fact, InvalidDetail, NotInTransaction, UnknownEventType, record, record_many
from tracker.audit.models import Checkpoint, Event, Leaf, Pending, PrivateValue
from tracker.audit.values import commitment

TABLES = ("event", "privatevalue", "pending", "leaf", "checkpoint")


def test_an_event_outside_a_transaction_is_refused(committed: None) -> None:
    with pytest.raises(NotInTransaction, match=r"transaction\.atomic"):
        record("wave.created", by=ENGINE, object=("wave", 1), now=NOON)
    assert not Event.objects.exists()


def test_an_event_and_its_change_happen_together_or_not_at_all(committed: None) -> None:
    users = get_user_model().objects
    with pytest.raises(UnknownEventType), transaction.atomic():
        users.create(username="a", pseudonym="p-a")
        record("account.made_up", by=ENGINE, object=("account", "p-a"), now=NOON)
    assert not users.exists()
    with pytest.raises(RuntimeError, match="change failed"), transaction.atomic():
        record("wave.created", by=ENGINE, object=("wave", 1), now=NOON, private={"reason": "x"})
        raise RuntimeError("the change failed")
    assert not Event.objects.exists() and not Pending.objects.exists() and not PrivateValue.objects.exists()


def test_the_body_says_everything_and_names_nobody(db: None) -> None:
    event = wave(7, reason="Ärger mit Müller\x00")
    body = json.loads(Event.objects.get().body)
    value = PrivateValue.objects.get()
    assert body == {
        "v": 1,
        "id": str(event.id),
        "at": "2026-03-04T12:00:00.123456Z",
        "type": "wave.created",
        "actor": "user:p-priya",
        "object": {"kind": "wave", "id": "7"},
        "result": "done",
        "detail": {"name": "W7"},
        "private": {"reason": commitment(bytes(value.salt), "reason", "Ärger mit Müller\u2400")},
    }
    assert "Priya" not in event.body and "Müller" not in event.body and len(value.salt) == 16
    assert Pending.objects.get().event_id == event.id


def test_many_events_cost_as_many_statements_as_one(db: None) -> None:
    facts = [Fact("wave.created", ("wave", number), {}, {"reason": "x"}) for number in range(500)]
    with CaptureQueriesContext(connection) as queries:
        events = record_many(facts, by=ENGINE, now=NOON)
    assert len(queries) == 2
    assert [event.object_id for event in Event.objects.order_by("id")] == [str(number) for number in range(500)]
    assert Pending.objects.count() == PrivateValue.objects.count() == len(events) == 500
    assert record_many([], by=ENGINE, now=NOON) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"detail": {"name": 3}}, "detail.name is a int, not a text"),
        ({"detail": {"a": 0.1}}, "detail.a is a float"),
        ({"object": ("wave", "")}, "needs a kind"),
        ({"object": ("wave", "x" * 401)}, "needs a kind"),
        ({"object": ("", "x")}, "needs a kind"),
        ({"object": ("wave", "\x00")}, "NUL"),
        ({"result": "maybe"}, "result"),
        ({"private": {"two words": "x"}}, "named like"),
        ({"detail": {"many": ["x" * 1000] * 70}}, "64|65536"),
    ],
)
def test_an_event_that_says_nonsense_is_refused(db: None, arguments: dict, why: str) -> None:
    with pytest.raises(InvalidDetail, match=why):
        record("wave.created", **({"by": ENGINE, "object": ("wave", 1), "now": NOON} | arguments))
    assert not Event.objects.exists()


@pytest.mark.parametrize("length", [400, 399])
def test_long_ids_and_wild_texts_are_held(db: None, length: int) -> None:
    wild = 'a\n"\\\u202e<script>=1+1;\u2028'
    event = record(
        "wave.created",
        by=PRIYA,
        object=("wave", "é" * length),
        now=NOON,
        detail={"name": wild},
        private={"reason": wild},
    )
    stored = Event.objects.get()
    assert json.loads(stored.body)["detail"]["name"] == wild and stored.body == event.body
    assert PrivateValue.objects.get().value == wild


def test_a_text_of_any_length_is_cut_visibly_among_private_values(db: None) -> None:
    wave(reason="x" * 100_000)
    assert len(PrivateValue.objects.get().value) == 32_768 and PrivateValue.objects.get().value.endswith("…")


STATEMENTS = ("UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}")
ERASING = ("privatevalue", "DELETE FROM {}")  # is allowed: the proof does not need the value


@pytest.mark.parametrize(
    ("table", "statement"), [pair for pair in itertools.product(TABLES, STATEMENTS) if pair != ERASING]
)
def test_nobody_edits_the_history(db: None, table: str, statement: str) -> None:
    from tracker.audit.actions import sequence, sign_checkpoint

    wave(reason="x")
    sequence(NOON)
    sign_checkpoint(NOON, "test")  # its own event stays pending
    statement = statement.format(f"tracker_{table}")
    if table in ("pending", "leaf"):
        statement = statement.replace("id = id", "event_id = event_id")
    with pytest.raises(DatabaseError, match=r"append-only|not in the tree"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("type", "wave.changed"),
        ("actor", "user:p-mallory"),
        ("object_kind", "unit"),
        ("object_id", "2"),
        ("result", "denied"),
        ("at", "2026-03-04T12:00:00.123457Z"),
        ("body", "{}"),
        ("body", "not json"),
    ],
)
def test_a_row_whose_columns_contradict_its_body_is_refused(db: None, column: str, value: str) -> None:
    event = wave()
    row = {name: getattr(event, name) for name in ("at", "type", "actor", "object_kind", "object_id", "result", "body")}
    with pytest.raises(DatabaseError, match=r"event_columns_are_the_body|json"), transaction.atomic():
        Event.objects.create(id="01a204ad-54b3-7876-8000-aa36248ffee0", **row | {column: value})


def test_a_body_is_one_line(db: None) -> None:
    event = wave()
    row = {name: getattr(event, name) for name in ("at", "type", "actor", "object_kind", "object_id", "result")}
    other = "01a204ad-54b3-7876-8000-aa36248ffee0"
    with pytest.raises(IntegrityError, match="one_line"), transaction.atomic():
        Event.objects.create(id=other, body=event.body.replace(str(event.id), other).replace(",", ",\n", 1), **row)


def test_a_checkpoint_never_shrinks_and_a_signed_one_never_changes(db: None) -> None:
    Checkpoint.objects.create(size=10, root=b"x" * 32, frontier=[], reason="a", at=NOON)
    for attempt in (
        lambda: Checkpoint.objects.create(size=9, root=b"x" * 32, frontier=[], reason="a", at=NOON),
        lambda: Checkpoint.objects.create(size=10, root=b"y" * 32, frontier=[], reason="a", at=NOON),
        lambda: Checkpoint.objects.update(size=5),
    ):
        with pytest.raises(DatabaseError, match="not the largest"), transaction.atomic():
            attempt()
    Checkpoint.objects.update(size=12, note="signed")
    with pytest.raises(DatabaseError, match="a checkpoint stays"), transaction.atomic():
        Checkpoint.objects.update(size=13)


def test_an_event_leaves_the_queue_only_as_a_leaf(db: None) -> None:
    event = wave()
    with pytest.raises(DatabaseError, match="not in the tree yet"), transaction.atomic():
        Pending.objects.all().delete()
    Leaf.objects.create(seq=0, event_id=event.id, hash=b"x" * 32)
    assert Pending.objects.all().delete()[0] == 1
