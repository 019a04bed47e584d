"""How long requests for quota usually take, from those that were granted here. Pure.

Azure promises no time; only what was seen counts. Where fewer than three like it were granted, the next wider group
speaks, and says so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

ENOUGH: Final = 3  # granted requests from which a group speaks for itself
NEWEST: Final = 50  # of a group, how many count


@dataclass(frozen=True, slots=True)
class Granted:
    """`took`: seconds from sending to reading the larger limit. Those by ticket are left out."""

    region: str
    name: str
    took: float


@dataclass(frozen=True, slots=True)
class Usual:
    """`median`, `late` (nine of ten took no longer): seconds. `of`: which requests these were."""

    median: float
    late: float
    requests: int
    of: str

    @property
    def sentence(self) -> str:
        many = "1 request" if self.requests == 1 else f"{self.requests} requests"
        return f"usually {_long(self.median)}, nine of ten within {_long(self.late)} ({many} {self.of})"


def usual(granted: Sequence[Granted], region: str, name: str) -> Usual | None:
    """What is usual for a limit; None when nothing was ever granted here. `granted`: the newest first."""
    place, row = region.replace(" ", "").lower(), name.lower()
    here = [one for one in granted if one.region.replace(" ", "").lower() == place]
    same = [one for one in here if one.name.lower() == row]
    groups = ((same, f"for {name} in {region}"), (here, f"in {region}"), (list(granted), "in all regions"))
    for rows, of in groups:
        if len(rows) >= ENOUGH or (rows and rows is groups[-1][0]):
            return _of([one.took for one in rows[:NEWEST]], of)
    return None


@dataclass(frozen=True, slots=True)
class Lead:
    """What is usual for one limit of one region."""

    region: str
    name: str
    usual: Usual


def table(granted: Sequence[Granted]) -> list[Lead]:
    """A row for each limit that was ever granted, by region and name. `granted`: the newest first."""
    limits = {(one.region.replace(" ", "").lower(), one.name.lower()): one for one in reversed(granted)}
    found = [(one, usual(granted, one.region, one.name)) for _, one in sorted(limits.items())]
    return [Lead(one.region, one.name, told) for one, told in found if told is not None]


def _of(took: Iterable[float], of: str) -> Usual:
    ordered = sorted(took)
    return Usual(_rank(ordered, 0.5), _rank(ordered, 0.9), len(ordered), of)


def _rank(ordered: Sequence[float], share: float) -> float:
    """The value at a share of the sorted values, the next one up: no time in between is made up."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def expected(usual: Usual, asked: datetime) -> date:
    """By when a larger limit can be expected, if it is asked for at `asked` and takes as long as nine of ten did."""
    return (asked + timedelta(seconds=usual.late)).date()


def _long(seconds: float) -> str:
    """In the largest unit that still says something: 40 s, 25 min, 3 h, 2 days."""
    for size, word in ((86400, "day"), (3600, "h"), (60, "min")):
        if seconds >= size:
            count = round(seconds / size)
            return f"{count} {word}{'s' if word == 'day' and count != 1 else ''}"
    return f"{round(seconds)} s"
