"""The one door to fixes. People: `rehearse`, `again`, `ask`, `approve`, `decline`, `withdraw`. The engine:
`advance`."""

from tracker.fixes.actions.advancing import advance
from tracker.fixes.actions.people import (
    BadReason,
    FixError,
    NotFixable,
    NotNow,
    NotOpen,
    Outdated,
    OwnRequest,
    again,
    approve,
    ask,
    decline,
    rehearse,
    withdraw,
)

__all__ = [
    "BadReason",
    "FixError",
    "NotFixable",
    "NotNow",
    "NotOpen",
    "Outdated",
    "OwnRequest",
    "advance",
    "again",
    "approve",
    "ask",
    "decline",
    "rehearse",
    "withdraw",
]
