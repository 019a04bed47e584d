"""Measuring so that noise cancels: the contestants take turns, and what is told is the median with its spread."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Samples:
    """Seconds of each repetition."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def share(self, part: float) -> float:
        """The value below which `part` of the repetitions lie (nearest rank)."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]

    @property
    def p95(self) -> float:
        return self.share(0.95)

    def __str__(self) -> str:
        return f"{ms(self.median)} ({ms(self.share(0.25))}–{ms(self.share(0.75))})"


def ms(seconds: float) -> str:
    value = seconds * 1000
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 1 else f"{value:.2f} ms"


def interleaved(contestants: Mapping[str, Callable[[], object]], repetitions: int, warm: int = 3) -> dict[str, Samples]:
    """Each contestant `repetitions` times, taking turns; each turn in another order. `warm` rounds do not count."""
    names = list(contestants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    gc.collect()
    gc.disable()
    try:
        for turn in range(-warm, repetitions):
            start = turn % len(names)
            for name in names[start:] + names[:start]:
                began = time.perf_counter()
                contestants[name]()
                if turn >= 0:
                    seconds[name].append(time.perf_counter() - began)
    finally:
        gc.enable()
    return {name: Samples(tuple(values)) for name, values in seconds.items()}
