"""The proofs of `manage.py prove`, and how a result is said. One more row of the table is one more line of PROOFS."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. `count` of `unit`s were tried; `violations`: one sentence each, empty when it held."""

    what: str
    count: int
    unit: str
    seconds: float
    violations: list[str] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """How much is wanted. `seed`: of what is thrown by dice, printed with the table; `say`: progress, for people;
    `part`: (2, 8) is the second eighth of a long proof; `minutes`: after which a long one stops where it is."""

    long: bool
    seed: int
    say: Callable[[str], None]
    part: tuple[int, int] = (1, 1)
    minutes: float = 60.0


@dataclass(frozen=True, slots=True)
class Proof:
    """`function`: `package.module:name` of a function Wish → lines. `database`: an empty test database with the
    product's tables is wanted."""

    name: str
    about: str
    function: str
    database: bool = True

    def lines(self, wish: Wish) -> Iterator[Line]:
        module, _, name = self.function.partition(":")
        yield from getattr(importlib.import_module(module), name)(wish)


PROOFS: dict[str, Proof] = {
    proof.name: proof
    for proof in (
        Proof("guards", "orders in SQL that the database itself refuses", "tests.proof.guards:prove"),
        Proof("races", "people and workers at the same moment, on real connections", "tests.proof.races:prove"),
        Proof("machine", "random lives of a programme, held against a model", "tests.proof.machine:prove"),
        Proof(
            "simulation",
            "the engine's rules in a world that misbehaves, and each of them broken once",
            "tests.proof.simulation.campaign:prove",
            database=False,
        ),
    )
}


def table(lines: list[tuple[str, Line]]) -> str:
    """Markdown, so that it can be kept as it is."""
    rows = ["| proof | what | tried | violations | seconds | |", "|---|---|---|---|---|---|"]
    for name, line in lines:
        cells = name, line.what, f"{line.count:,} {line.unit}", len(line.violations), f"{line.seconds:.1f}", line.note
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(rows)
