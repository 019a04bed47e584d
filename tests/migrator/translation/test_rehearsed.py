"""What a comparison shows that the rehearsal showed already, what is new in it and what is gone."""

import itertools

import pytest

from migrator.translation.rehearsed import beside


def row(field: str = "size", before: object = "A", after: object = "B", kind: str = "unexpected", **more: str) -> dict:
    return {"classic_key": "/Net", "arm_key": "", "field": field, "before": before, "after": after, "kind": kind} | more


A, B, C = row("a"), row("b"), row("c")
CASES = [
    ("nothing", [], [], (), ()),
    ("all the same", [A, B], [B, A], (1, 0), ()),
    ("one is new", [A, B], [B], (None, 0), ()),
    ("one is gone", [A], [A, B], (0,), (1,)),
    ("another value", [row(after="C")], [row()], (None,), (0,)),
    ("another kind", [row(kind="dropped")], [row()], (None,), (0,)),
    ("spelled otherwise", [row(classic_key="/NET")], [row()], (0,), ()),
    ("on the new side only", [row(classic_key="", arm_key="/x")], [row(classic_key="", arm_key="/X")], (0,), ()),
    ("twice now, once then", [A, A], [A], (0, None), ()),
    ("once now, twice then", [A], [A, A], (0,), (1,)),
    ("documents", [row(before={"b": 1, "a": [2]})], [row(before={"a": [2], "b": 1})], (0,), ()),
]


@pytest.mark.parametrize(("now", "then", "same", "gone"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_alike_new_and_gone(now: list[dict], then: list[dict], same: tuple, gone: tuple) -> None:
    found = beside(now, then)
    assert (found.same, found.gone) == (same, gone)


def test_every_row_is_counted_once_whatever_the_order() -> None:
    then = [A, A, B]
    for now in itertools.permutations([A, B, C]):
        found = beside(now, then)
        matched = [place for place in found.same if place is not None]
        assert len(matched) == len(set(matched)) == 2
        assert sorted([*matched, *found.gone]) == [0, 1, 2]
        assert [now[index] for index, place in enumerate(found.same) if place is None] == [C]
