"""Every race of races.py, a few rounds; `manage.py prove --only races [--long]` runs more."""

import pytest

from tests.proof import races

ROUNDS = 3  # one of each kind: together, a little apart, the first in the middle of the others


@pytest.mark.django_db(transaction=True)
def test_at_the_same_moment_nothing_is_lost_doubled_or_late() -> None:
    with races.laid_out(seed=1) as track:
        lines = [track.run(race, ROUNDS) for race in races.RACES]
    assert {line.what: line.violations for line in lines if line.violations} == {}
    assert sum(line.count for line in lines) == ROUNDS * len(races.RACES)
