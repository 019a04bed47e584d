"""The engine's own rules through thousands of simulated hours; and every one of them broken once, to see that it would
be noticed. `manage.py prove --only simulation --long` does the same for as many seeds as wanted."""

import pytest

from migrator import lifecycle
from tests.proof.simulation.campaign import batch, caught_at, lived
from tests.proof.simulation.mutants import MUTANTS, Mutant

SEEDS = 320  # each 50 ms
# Seeds that catch a mutant, found by `manage.py prove --only simulation`: where to begin. After a change of the rules
# the dice fall otherwise; then the search goes on from there.
BEGIN = {
    "approval asked only with the wish": 9,
    "seal not bound to content": 4,
    "self-approval": 3,
    "role not asked again": 71,
    "an agreement taken back still counts": 8,
    "no fence": 2,
    "no quarantine": 263,
    "freeze asked outside the transaction": 146,
    "no self-fence": 19,
    "cancel races with arming": 1,
    "one look is enough for not applied": 9,
    "one look is enough for applied": 4,
    "no epoch rule": 15,
    "no epoch rule and no look before arming": 1,
}


@pytest.mark.parametrize("part", range(4))
def test_nothing_is_lost_doubled_or_guessed(part: int) -> None:
    tally = batch(part * SEEDS // 4, SEEDS // 4)
    assert tally.bad == {}
    assert tally.seen["commit done"] == 3 * SEEDS // 4  # every unit of every seed
    assert sum(n for what, n in tally.seen.items() if what.startswith("killed")) > 1000
    assert all(tally.seen[f"killed {place}"] for place in ("after claim", "gap", "post", "before recording"))


def test_nothing_is_doubled_when_the_database_loses_its_last_seconds() -> None:
    tally = batch(10_000, 60, rewind=True)
    assert tally.bad == {}
    assert tally.seen["database rewound"] > 30


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if not m.harmless], ids=lambda m: m.name)
def test_a_broken_rule_is_noticed(mutant: Mutant) -> None:
    found = caught_at(mutant, BEGIN.get(mutant.name, 0), 1500)
    assert found is not None, "1,500 seeds did not notice"
    seed, _ = found
    assert lived(seed, stale=mutant.stale, rewind="rewind" in mutant.flags)[1] == [], (
        "the engine as it is does not do it"
    )


def test_a_life_is_the_same_each_time() -> None:
    once, again = lived(7)[0], lived(7)[0]
    assert [(p.at, p.verb) for p in once.azure.posts] == [(p.at, p.verb) for p in again.azure.posts]
    assert once.azure.posts


def test_the_simulation_goes_by_the_rules_of_the_product() -> None:
    from tests.proof.simulation.world import Rules

    rules = Rules()
    for name in ("claimable", "gates_of", "asked_verbs", "cancellable", "too_late", "settle", "decide", "carried"):
        assert getattr(rules, name) is getattr(lifecycle, name)
