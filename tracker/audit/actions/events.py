"""Writing history: an event in the transaction of the change it tells of (audit.md 1)."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection

from tracker.audit import registry
from tracker.audit.models import Event
from tracker.audit.values import Actor, Detail, InvalidDetail, commitment, plain, stamp, uuid7, written

RESULTS = ("done", "denied", "failed")
MAX_PRIVATE_CHARACTERS = 32_768


class NotInTransaction(RuntimeError):
    """An event was to be written outside the transaction of the change it tells of."""


@dataclass(frozen=True)
class Fact:
    """One event to be written. `object` is (kind, id); see `record` for the rest."""

    type: str
    object: tuple[str, object]
    detail: Mapping[str, Detail] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)
    result: str = "done"


def record(
    type: str,
    *,
    by: Actor,
    object: tuple[str, object],
    now: datetime,
    detail: Mapping[str, Detail] | None = None,
    private: Mapping[str, str] | None = None,
    result: str = "done",
) -> Event:
    """Write one event, in the caller's transaction: both happen or neither (audit.md 1).

    `object`: (kind, id), such as ("unit", unit.key). `detail`: text, integers, lists and maps, as the registry says.
    `private`: names, addresses, free text; the body holds only commitments to them. `result`: done, denied or failed.
    Raises NotInTransaction, UnknownEventType, InvalidDetail.
    """
    return record_many([Fact(type, object, detail or {}, private or {}, result)], by=by, now=now)[0]


def record_many(facts: Iterable[Fact], *, by: Actor, now: datetime) -> list[Event]:
    """Write several events of one actor and time, in their order, with two statements whatever their number."""
    if not connection.in_atomic_block:
        raise NotInTransaction(
            "An event is written inside the transaction of its change; open it with transaction.atomic()."
        )
    composed = [_compose(fact, by, now) for fact in facts]
    if composed:
        _insert([event for event, _ in composed])
        _insert_private([row for _, rows in composed for row in rows])
    return [event for event, _ in composed]


def _compose(fact: Fact, by: Actor, now: datetime) -> tuple[Event, list[tuple[UUID, str, bytes, str]]]:
    kind = registry.get(fact.type)
    detail: dict = plain(dict(fact.detail))  # type: ignore[assignment]
    if problems := kind.problems(detail):
        raise InvalidDetail(f"The event {fact.type} cannot be written: {'; '.join(problems)}.")
    if fact.result not in RESULTS:
        raise InvalidDetail(f"The result of {fact.type} is {fact.result!r}; it is one of {', '.join(RESULTS)}.")
    object_kind, object_id = fact.object[0], str(plain(str(fact.object[1]), "object id"))
    if not object_kind or not object_id or len(object_kind) > 40 or len(object_id) > 400:
        raise InvalidDetail(
            f"The object of {fact.type} needs a kind (1–40 characters) and an id (1–400): {fact.object!r}."
        )
    identifier = uuid7(now)
    private = [
        (identifier, name, os.urandom(16), _private(name, value)) for name, value in fact.private.items() if value
    ]
    body = {
        "v": 1,
        "id": str(identifier),
        "at": stamp(now),
        "type": fact.type,
        "actor": by.key,
        "object": {"kind": object_kind, "id": object_id},
        "result": fact.result,
        "detail": detail,
        "private": {name: commitment(salt, name, value) for _, name, salt, value in private},
    }
    event = Event(
        id=identifier,
        at=now.astimezone(UTC),
        type=fact.type,
        actor=by.key,
        object_kind=object_kind,
        object_id=object_id,
        result=fact.result,
        body=written(body),
    )
    return event, private


def _private(name: str, value: str) -> str:
    """Free text may come from anywhere; what PostgreSQL cannot hold is replaced visibly, the change goes on."""
    if not (name.isidentifier() and name.isascii()) or len(name) > 60:
        raise InvalidDetail(f"A private value is named like a Python variable, up to 60 characters; it is {name!r}.")
    text = value.replace("\x00", "\u2400").encode("utf-8", "replace").decode()
    return text if len(text) <= MAX_PRIVATE_CHARACTERS else text[: MAX_PRIVATE_CHARACTERS - 1] + "…"


def _insert(events: list[Event]) -> None:
    """Event and pending row in one statement: no event can miss the tree. (For one row, VALUES is thrice as fast as
    unnest of arrays; for thousands it costs the same.)"""
    columns = ("id", "at", "type", "actor", "object_kind", "object_id", "result", "body")
    rows = [tuple(getattr(event, column) for column in columns) for event in events]
    _execute(
        f"WITH written AS (INSERT INTO tracker_event ({', '.join(columns)}) VALUES {{}} RETURNING id, at)"  # noqa: S608
        " INSERT INTO tracker_pending (event_id, at) SELECT id, at FROM written",
        rows,
    )


def _insert_private(rows: list[tuple[UUID, str, bytes, str]]) -> None:
    if rows:
        _execute("INSERT INTO tracker_privatevalue (event_id, field, salt, value) VALUES {}", rows)


def _execute(statement: str, rows: Sequence[Sequence[object]]) -> None:
    one = f"({', '.join(['%s'] * len(rows[0]))})"
    with connection.cursor() as cursor:
        cursor.execute(statement.format(", ".join([one] * len(rows))), [value for row in rows for value in row])
