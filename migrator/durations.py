"""How long a verb will take for a unit, from how long it took for others: `estimate(samples, verb, kind, size)`.

Pure. Nothing is made up: where nothing was measured the answer is `None`, with the sentence that says so. What is known
without a measurement: Validate is quick, Prepare is the longest and grows with the number of role instances, Abort and
Commit are shorter, and Prepare, Abort and Commit give up after 24 hours [D] cs-td. No document gives a duration.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

ENOUGH = 5  # samples an estimate should rest on; with fewer it is said to be weak
GIVES_UP = timedelta(hours=24)  # [D] cs-td
MARGIN, LEAST_MARGIN = 0.10, timedelta(minutes=5)  # ours: measured times are of other units


@dataclass(frozen=True, slots=True)
class Sample:
    """One verb that was sent once and ended well. `size`: role instances and machines, None where not known."""

    verb: str
    kind: str
    size: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """`p50`, `p90`: half, and nine of ten, of the `count` samples took no longer (nearest rank). `smallest`, `largest`:
    their sizes, None where not known. `scaled`: by how much they were stretched for a larger unit, else 1.0 [I]."""

    p50: timedelta
    p90: timedelta
    count: int
    smallest: int | None
    largest: int | None
    scaled: float = 1.0

    @property
    def weak(self) -> bool:
        """Rests on few samples, or on smaller units."""
        return self.count < ENOUGH or self.scaled > 1

    @property
    def margin(self) -> timedelta:
        return max(LEAST_MARGIN, self.p90 * MARGIN)

    @property
    def need(self) -> timedelta:
        """What has to be left of a window for a start in it."""
        return self.p90 + self.margin

    def basis(self, verb: str) -> str:
        """`p90 of 12 prepares of 8 to 15 instances`."""
        many = f"{verb}s" if self.count != 1 else verb
        found = f"p90 of {self.count} {many}{_sizes(self.smallest, self.largest)}"
        return f"{found}, stretched for the larger unit" if self.scaled > 1 else found


def _sizes(smallest: int | None, largest: int | None) -> str:
    if smallest is None or largest is None or largest == 0:
        return ""
    if smallest == largest:
        return f" of {largest} instance{'s' if largest != 1 else ''}"
    return f" of {smallest} to {largest} instances"


def band(size: int) -> int:
    """Sizes that are compared: 0, 1, 2 to 3, 4 to 7, 8 to 15, …"""
    return size.bit_length()


def estimate(samples: Iterable[Sample], *, verb: str, kind: str, size: int | None) -> Estimate | None:
    """From samples of the same verb and kind: those of about the same size; too few, with larger ones (Prepare grows
    with the size [D], so they are an upper bound); only smaller ones, stretched in proportion [I]. None: nothing was
    measured."""
    same = [each for each in samples if each.verb == verb and each.kind == kind]
    if size is None:
        return _of(same)
    sized = [each for each in same if each.size is not None]
    alike = [each for each in sized if each.size is not None and band(each.size) == band(size)]
    if len(alike) >= ENOUGH:
        return _of(alike)
    upper = [each for each in sized if each.size is not None and band(each.size) >= band(size)]
    if upper:
        return _of(upper)
    if not sized:
        return _of(same)
    top = max(band(each.size or 0) for each in sized)
    nearest = [each for each in sized if band(each.size or 0) == top]
    return _of(nearest, scaled=size / max(1, max(each.size or 0 for each in nearest)))


def _of(samples: Sequence[Sample], scaled: float = 1.0) -> Estimate | None:
    if not samples:
        return None
    seconds = sorted(each.seconds for each in samples)
    sizes = [each.size for each in samples if each.size is not None]
    return Estimate(
        p50=timedelta(seconds=_rank(seconds, 0.5) * scaled),
        p90=timedelta(seconds=_rank(seconds, 0.9) * scaled),
        count=len(samples),
        smallest=min(sizes) if len(sizes) == len(samples) else None,
        largest=max(sizes) if len(sizes) == len(samples) else None,
        scaled=max(1.0, scaled),
    )


def _rank(ordered: Sequence[float], share: float) -> float:
    """The nearest rank: the smallest value that so many of all do not exceed."""
    return ordered[max(0, ceil(share * len(ordered) - 1e-9) - 1)]


def words(length: timedelta) -> str:
    """`1 h 40 min`, `12 min`, `40 s`: rounded up, since it is said how much is needed."""
    seconds = max(0, ceil(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = ceil(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def unmeasured(verb: str) -> str:
    """What is said where nothing was measured."""
    grows = " and grows with the number of instances" if verb == "prepare" else ""
    return (
        f"No measurement yet: no {verb} of this kind has ended here, so nobody can say how long it takes. "
        f"Azure documents that it gives up after 24 h{grows}."
    )
