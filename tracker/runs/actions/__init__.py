"""The one door to runs. People: `start`, `ask`, `request_commit`, `dispose`. The engine: `ring_due`, `advance`."""

from tracker.runs.actions.asserting import assert_all
from tracker.runs.actions.epoch import beat as epoch_beat
from tracker.runs.actions.epoch import read_back
from tracker.runs.actions.epoch import wanted as read_back_wanted
from tracker.runs.actions.followups import PACE
from tracker.runs.actions.gaps import accept_gap
from tracker.runs.actions.locking import tell_long_locks
from tracker.runs.actions.outside import adopt, check, due_checks, note, reconcile
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
from tracker.runs.actions.quota_read import quota_read
from tracker.runs.actions.steps import advance, beat, ring_due
from tracker.runs.actions.together import Together, approve, ask_all, start_all
from tracker.runs.actions.validating import (
    advance_validation,
    close_validations,
    ring_validations,
    stop_validation,
    validate_many,
)

__all__ = [
    "LONGEST_REASON",
    "PACE",
    "BadWords",
    "Illegal",
    "NotApproved",
    "NotYet",
    "RunError",
    "Together",
    "TooLate",
    "accept_gap",
    "adopt",
    "advance",
    "advance_validation",
    "allow_overrun",
    "approve",
    "ask",
    "ask_all",
    "assert_all",
    "beat",
    "check",
    "close_validations",
    "dispose",
    "due_checks",
    "epoch_beat",
    "note",
    "quota_read",
    "read_back",
    "read_back_wanted",
    "reconcile",
    "request_commit",
    "ring_due",
    "ring_validations",
    "start",
    "start_all",
    "stop_validation",
    "tell_long_locks",
    "validate_many",
]
