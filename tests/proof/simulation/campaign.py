"""Many seeds, and each mutant until it is caught."""

import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.proof.registry import Line, Wish
from tests.proof.simulation.checker import check
from tests.proof.simulation.mutants import MUTANTS, Mutant
from tests.proof.simulation.world import World

PROCESSES = 2


@dataclass
class Tally:
    seeds: int = 0
    bad: dict[int, list[str]] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    hours: float = 0.0

    def add(self, other: "Tally") -> None:
        self.seeds += other.seeds
        self.bad.update(other.bad)
        self.seen.update(other.seen)
        self.hours += other.hours


def lived(
    seed: int, mutant: Mutant | None = None, *, rewind: bool = False, stale: float = 45.0
) -> tuple[World, list[str]]:
    """One world from its seed to its end, and what of it must not be."""
    flags = (mutant.flags if mutant else frozenset()) | ({"rewind"} if rewind else frozenset())
    rules = mutant.rules() if mutant else None
    world = World(seed, rules=rules, broken=frozenset(flags), stale=mutant.stale if mutant else stale)
    world.run()
    return world, check(world)


def batch(first: int, count: int, name: str = "", rewind: bool = False) -> Tally:
    mutant = next((m for m in MUTANTS if m.name == name), None)
    tally = Tally()
    for seed in range(first, first + count):
        world, wrong = lived(seed, mutant, rewind=rewind)
        tally.seeds += 1
        if wrong:
            tally.bad[seed] = wrong
        tally.seen.update(world.seen)
        tally.seen["posts"] += len(world.azure.posts)
        tally.hours += world.t / 3600
    return tally


def caught_at(mutant: Mutant, first: int, most: int) -> tuple[int, list[str]] | None:
    """The first seed from `first` on that catches it, within `most` seeds."""
    for seed in range(first, first + most):
        if wrong := lived(seed, mutant)[1]:
            return seed, wrong
    return None


def prove(wish: Wish) -> Iterator[Line]:
    """A row for the engine as it is, one for a database that lost its last seconds, and one for each mutant."""
    seeds = 20_000 if wish.long else 1_000
    for what, rewind in (("the engine as it is", False), ("and the database loses its last seconds", True)):
        began = time.monotonic()
        tally = _shared(wish.seed, seeds, "", rewind)
        crashes = sum(n for what_, n in tally.seen.items() if what_.startswith("killed"))
        yield Line(
            what,
            tally.seeds,
            "seeds",
            time.monotonic() - began,
            [f"seed {seed}: {'; '.join(wrong)}" for seed, wrong in sorted(tally.bad.items())],
            f"{tally.seen['posts']:,} requests, {crashes:,} kills, {tally.seen['commit done']:,} commits, "
            f"{tally.hours:,.0f} hours",
        )
    for mutant in MUTANTS:
        began = time.monotonic()
        count = seeds // (4 if wish.long else 5)
        tally = _shared(wish.seed, count, mutant.name, False)
        rate = 100 * len(tally.bad) / tally.seeds
        most = Counter(sentence for wrong in tally.bad.values() for sentence in wrong).most_common(1)
        broken = []
        if mutant.harmless and tally.bad:
            broken = ["it does harm, though it is written down as harmless"]
        elif not mutant.harmless and not tally.bad and wish.long:
            broken = ["not caught"]
        note = f"caught by {rate:.1f} % of the seeds" + (f": {most[0][0]}" if most else "")
        yield Line(
            f"mutant: {mutant.name}", count, "seeds", time.monotonic() - began, broken,
            f"harmless: {mutant.harmless}" if mutant.harmless else note,
        )  # fmt: skip


def _shared(first: int, count: int, name: str, rewind: bool) -> Tally:
    whole, size = Tally(), max(1, count // (PROCESSES * 8))
    parts = [(at, min(size, first + count - at), name, rewind) for at in range(first, first + count, size)]
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        for part in pool.starmap(batch, parts):
            whole.add(part)
    return whole
