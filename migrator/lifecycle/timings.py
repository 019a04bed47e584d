"""The engine's waits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """The engine's waits, in seconds. `LIVE` holds the measured values of reliability-notes 4.4 and 4.6."""

    lease: int = 45
    self_fence: int = 2
    http_deadline: int = 30
    late_arrival: int = 200  # latest moment a request may still be applied after it was sent (assumption A1)
    margin: int = 30
    quarantine: int = 300  # at least http_deadline + late_arrival + margin
    confirm: int = 60  # between two equal reads that end a doubt
    poll: int = 15  # between looks when the platform names no Retry-After
    look_again: int = 20  # after a read that failed
    held: int = 30  # before a held operation is looked at again
    first_check: int = 300  # after Commit, the reading that makes a unit verified; every end state is read then
    second_check: int = 3600
    third_check: int = 86400
    max_poll: int = 120
    tries: int = 12

    def __post_init__(self) -> None:
        if self.quarantine < self.http_deadline + self.late_arrival + self.margin:
            raise ValueError("quarantine must be at least http_deadline + late_arrival + margin")


LIVE = Timings()
# Short waits for a simulator on loopback, where a late arrival is at most a few seconds. Refused against a real
# endpoint (settings.py).
REHEARSAL = Timings(
    lease=10,
    http_deadline=4,
    late_arrival=1,
    margin=1,
    quarantine=6,
    confirm=1,
    poll=1,
    look_again=1,
    held=2,
    first_check=3,
    second_check=6,
    third_check=12,
    max_poll=5,
)
