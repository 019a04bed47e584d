"""The rows F1 to F20, and how a measured figure is said."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tests.benchmarks.bench import Bench

Verdict = Literal["met", "MISSED", "not measured yet", "no bar"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `ours`, `limit`: as said; `ratio`: ours against the limit, empty where there is none."""

    row: str
    what: str
    ours: str
    limit: str = ""
    ratio: str = ""
    bar: str = ""
    verdict: Verdict = "no bar"


@dataclass(frozen=True, slots=True)
class Row:
    """`needs`: data sets (`estate`, `history`) and helpers (`server`, `browser`); `measure` yields its figures."""

    name: str
    about: str
    measure: Callable[["Bench"], Iterator[Figure]] | None
    why_not: str = ""


ROWS: dict[str, Row] = {}


def row(name: str, about: str) -> Callable[[Callable[["Bench"], Iterator[Figure]]], Callable]:
    """Register a function as the row `name`."""

    def register(measure: Callable[["Bench"], Iterator[Figure]]) -> Callable:
        ROWS[name] = Row(name, about, measure)
        return measure

    return register


def later(name: str, about: str, why_not: str) -> None:
    """Register a row which cannot be measured yet, with the reason."""
    ROWS[name] = Row(name, about, None, why_not)


def number_of(name: str) -> int:
    return int(name[1:])


def at_most(value: float, bar: float) -> Verdict:
    return "met" if value <= bar else "MISSED"


def at_least(value: float, bar: float) -> Verdict:
    return "met" if value >= bar else "MISSED"
