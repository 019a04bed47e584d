"""The one door to runs. People: `start`, `ask`, `request_commit`, `dispose`. The engine: `ring_due`, `advance`."""

from tracker.runs.actions.overruns import allow_overrun
from tracker.runs.actions.people import (
    LONGEST_REASON,
    BadWords,
    Illegal,
    NotApproved,
    NotYet,
    RunError,
    TooLate,
    ask,
    dispose,
    request_commit,
    start,
)
from tracker.runs.actions.steps import advance, beat, ring_due
from tracker.runs.actions.together import Together, approve, ask_all, start_all

__all__ = [
    "LONGEST_REASON",
    "BadWords",
    "Illegal",
    "NotApproved",
    "NotYet",
    "RunError",
    "Together",
    "TooLate",
    "advance",
    "allow_overrun",
    "approve",
    "ask",
    "ask_all",
    "beat",
    "dispose",
    "request_commit",
    "ring_due",
    "start",
    "start_all",
]
