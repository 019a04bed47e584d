"""Lives of the suite: the same ones every time, so that a red suite is the fault of a change and not of the dice. Fresh
ones are lived by `manage.py prove --only machine [--long]`, which prints its seed."""

import pytest

from tests.proof import machine

HAPPENS = ("steps", "deaths", "pages", "validate armed", "prepare armed", "commit armed", "refused", "granted")


@pytest.mark.django_db
def test_no_life_breaks_a_promise() -> None:
    machine.Programme.tally.clear()
    with machine.ready() as world:
        machine.lives(world, examples=8, steps=40, seed=None)
    tally = machine.Programme.tally
    assert {what for what in HAPPENS if not tally[what]} == set(), "lives in which nothing happens prove nothing"
