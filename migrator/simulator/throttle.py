"""Token buckets as Resource Manager keeps them (azure.md 8.1): per subscription, principal and kind; and Resource
Graph's own (8.2).

They run in real time, whatever the simulated clock does, because it is real requests they count.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

SIZES = {"reads": (250.0, 25.0), "writes": (200.0, 10.0), "deletes": (200.0, 10.0)}
GRAPH = (15, 5.0)  # queries in a window of seconds


@dataclass
class _Bucket:
    left: float
    at: float
    closed_until: float = 0.0  # calling before Retry-After is over starts the wait again


class Throttle:
    """`factor` scales size and refill; 0 switches throttling off."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.factor = 1.0
        self.early = 0  # calls that did not wait for the end of Retry-After
        self._clock = clock
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}
        self._graph: dict[str, tuple[float, int]] = {}

    def take(self, subscription: str, principal: str, kind: str) -> tuple[int, int | None]:
        """Take one token: (what remains, None), or (0, seconds to wait) when the bucket is empty."""
        size, refill = (value * self.factor for value in SIZES[kind])
        if self.factor <= 0:
            return int(SIZES[kind][0]), None
        now = self._clock()
        bucket = self._buckets.setdefault((subscription, principal, kind), _Bucket(size, now))
        bucket.left = min(size, bucket.left + (now - bucket.at) * refill)
        bucket.at = now
        early = now < bucket.closed_until
        if early or bucket.left < 1:
            self.early += early
            wait = max(1, math.ceil((1 - min(bucket.left, 1.0)) / refill))
            bucket.closed_until = now + wait
            return 0, wait
        bucket.left -= 1
        return int(bucket.left), None

    def take_query(self, principal: str) -> tuple[int, float]:
        """One Resource Graph query: (what remains, seconds to the reset); -1 remains when refused."""
        limit, window = GRAPH
        if self.factor <= 0:
            return limit, window
        now = self._clock()
        began, used = self._graph.get(principal, (now, 0))
        if now - began >= window:
            began, used = now, 0
        if used >= max(1, int(limit * self.factor)):
            return -1, window - (now - began)
        self._graph[principal] = (began, used + 1)
        return max(1, int(limit * self.factor)) - used - 1, window - (now - began)
