"""The one door to follow-ups. The engine: `capture`, `open_for`, `advance`, `remind`. People: the rest."""

from tracker.followups.actions.carrying import (
    FollowUpError,
    NotApplicable,
    WrongAnswer,
    advance,
    answer,
    apply,
    apply_many,
    capture,
    open_for,
    probe,
)
from tracker.followups.actions.gaps import accept_gap
from tracker.followups.actions.people import (
    BadWords,
    ask_wont_do,
    assign,
    attest,
    decide_wont_do,
    remind,
    reopen,
)
from tracker.followups.actions.taking import take_along, take_wave_along

__all__ = [
    "BadWords",
    "FollowUpError",
    "NotApplicable",
    "WrongAnswer",
    "accept_gap",
    "advance",
    "answer",
    "apply",
    "apply_many",
    "ask_wont_do",
    "assign",
    "attest",
    "capture",
    "decide_wont_do",
    "open_for",
    "probe",
    "remind",
    "reopen",
    "take_along",
    "take_wave_along",
]
