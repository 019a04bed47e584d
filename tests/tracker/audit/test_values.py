"""Canonical JSON, ids, actors, commitments: no database."""

import hashlib
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tracker.audit.values import (
    MAX_BODY_BYTES,
    Actor,
    InvalidDetail,
    canonical,
    commitment,
    stamp,
    uuid7,
    uuid7_floor,
)

NOON = datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({}, "{}"),
        ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
        ({"z": {"y": [1, "x", []], "a": {}}}, '{"z":{"a":{},"y":[1,"x",[]]}}'),
        ({"a": "Ä\u20ac\U0001f600"}, '{"a":"Ä\u20ac\U0001f600"}'),
        ({"a": "A\u0308"}, '{"a":"\u00c4"}'),
        ({"a": 'q"\\/\n\r\t\x01\x7f'}, '{"a":"q\\"\\\\/\\n\\r\\t\\u0001\x7f"}'),
        ({"a": "\u2028\u202e"}, '{"a":"\u2028\u202e"}'),
        ({"a": 2**53 - 1, "b": -(2**53) + 1, "c": 0}, '{"a":9007199254740991,"b":-9007199254740991,"c":0}'),
        ({"a": (1, 2), "b": {"y", "x"}}, '{"a":[1,2],"b":["x","y"]}'),
        ({"": 1} | {"k": 1}, None),
    ],
)
def test_the_same_value_always_makes_the_same_line(value: dict, line: str | None) -> None:
    if line is None:
        with pytest.raises(InvalidDetail, match="keys are text"):
            canonical(value)
    else:
        assert canonical(value) == line
        assert "\n" not in canonical(value)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"a": 1.0}, r"event\.a is a float"),
        ({"a": float("nan")}, "float"),
        ({"a": True}, "no booleans"),
        ({"a": None}, "NoneType"),
        ({"a": NOON}, r"datetime.*stamp\(\)"),
        ({"a": b"x"}, "bytes"),
        ({"a": {1: 2}}, "keys are text"),
        ({"a": [{"b": 0.5}]}, r"event\.a\[0\]\.b is a float"),
        ({"a": 2**53}, "beyond"),
        ({"a": "\x00"}, "NUL"),
        ({"a": "\ud800"}, "surrogate"),
        ({"a": [[[[[[[[[[]]]]]]]]]]}, "nested deeper"),
    ],
)
def test_a_value_with_two_spellings_is_refused_by_its_place(value: dict, why: str) -> None:
    with pytest.raises(InvalidDetail, match=why):
        canonical(value)


def test_a_body_may_have_64_kib_and_not_a_byte_more() -> None:
    room = MAX_BODY_BYTES - len('{"a":""}')
    assert len(canonical({"a": "x" * room}).encode()) == MAX_BODY_BYTES
    with pytest.raises(InvalidDetail, match="65537 bytes; the limit is 65536"):
        canonical({"a": "x" * (room + 1)})


def test_times_are_written_in_utc_with_six_digits() -> None:
    assert stamp(datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))) == "2026-01-02T03:04:05.000000Z"
    with pytest.raises(InvalidDetail, match="no zone"):
        stamp(datetime(2026, 1, 2))  # noqa: DTZ001


def test_ids_sort_by_time_and_by_order_within_one_microsecond() -> None:
    times = [NOON + timedelta(microseconds=step // 50) for step in range(5_000)]
    ids = [uuid7(at) for at in times]
    assert ids == sorted(ids) and len(set(ids)) == len(ids)
    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}
    assert int(ids[0].hex[:12], 16) == int(NOON.timestamp() * 1000)
    assert all(
        uuid7_floor(at) <= one < uuid7_floor(at + timedelta(microseconds=1)) for at, one in zip(times, ids, strict=True)
    )


def test_threads_do_not_disturb_each_others_order() -> None:
    made: dict[int, list] = {}

    def write(number: int) -> None:
        made[number] = [uuid7(NOON) for _ in range(300)]

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(ids == sorted(ids) for ids in made.values())
    assert len({one for ids in made.values() for one in ids}) == 1200


@pytest.mark.parametrize("arguments", [("robot", "x"), ("user", ""), ("user", "two words"), ("user", "x" * 80)])
def test_an_actor_that_is_none_is_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="actor"):
        Actor(*arguments)


def test_a_commitment_is_the_digest_of_salt_field_and_value() -> None:
    expected = hashlib.sha256(b"salt" + b"reason\x00because").hexdigest()
    assert commitment(b"salt", "reason", "because") == f"c:{expected}"
    assert commitment(b"salt", "a", "bc") != commitment(b"salt", "ab", "c")
