"""The simulator's clock: simulated now = start + real elapsed x factor. Everything time-bound in the simulator asks it.

The clock can be advanced and its speed changed while it runs, and it survives a restart: the real time between two
lives passes too.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

FASTEST = 1_000_000.0


class ClockError(ValueError):
    """A speed or a step the clock cannot take; the text says which and why."""


class Clock:
    """Simulated time. `real` returns real seconds since the epoch and exists for tests."""

    def __init__(
        self,
        *,
        start: datetime | None = None,
        factor: float = 1.0,
        real: Callable[[], float] = time.time,
    ) -> None:
        self._real = real
        self._anchor = real()
        self._start = start or datetime.fromtimestamp(self._anchor, UTC)
        self._factor = _checked_factor(factor)
        self._latest = self._start

    @property
    def factor(self) -> float:
        """Simulated seconds per real second; 0 stands still."""
        return self._factor

    def now(self) -> datetime:
        """The simulated moment. Never runs backwards, even when the machine's clock is set back."""
        elapsed = max(0.0, self._real() - self._anchor)
        self._latest = max(self._latest, self._start + timedelta(seconds=elapsed * self._factor))
        return self._latest

    def advance(self, seconds: float) -> datetime:
        """Jump ahead by simulated seconds. Raises ClockError for a step back."""
        if not 0 <= seconds <= 10 * 365 * 86400:
            raise ClockError(f"The clock cannot be advanced by {seconds} seconds: give 0 to ten years.")
        self._rebase(self.now() + timedelta(seconds=seconds))
        return self.now()

    def set_factor(self, factor: float) -> None:
        """Change the speed from this moment on. Raises ClockError."""
        checked = _checked_factor(factor)
        self._rebase(self.now())
        self._factor = checked

    def real_seconds(self, simulated: float) -> float:
        """How long a client has to wait for `simulated` seconds to pass."""
        return simulated / self._factor if self._factor > 0 else simulated

    def state(self) -> dict[str, Any]:
        """What has to be kept for `restore`."""
        return {"start": self._start.isoformat(), "anchor": self._anchor, "factor": self._factor}

    @classmethod
    def restore(cls, state: Mapping[str, Any], *, real: Callable[[], float] = time.time) -> "Clock":
        clock = cls(start=datetime.fromisoformat(state["start"]), factor=float(state["factor"]), real=real)
        clock._anchor = float(state["anchor"])
        return clock

    def _rebase(self, moment: datetime) -> None:
        self._start = self._latest = moment
        self._anchor = self._real()


def _checked_factor(factor: float) -> float:
    if not 0 <= factor <= FASTEST:
        raise ClockError(f"The clock's speed cannot be {factor}: give 0 (stands still) to {FASTEST:.0f}.")
    return float(factor)


def stamp(moment: datetime) -> str:
    """A moment as Azure writes it: UTC, seven digits, Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
