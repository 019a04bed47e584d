"""What the history slice does: record events; put them in the tree; sign checkpoints; verify; erase private values."""

from tracker.audit.actions.checkpoints import (
    KeyChanged,
    LogDamaged,
    NothingToSign,
    sequence,
    sign_checkpoint,
    tick,
    verify,
    vkey,
)
from tracker.audit.actions.events import Fact, NotInTransaction, record, record_many
from tracker.audit.registry import UnknownEventType
from tracker.audit.values import ENGINE, Actor, InvalidDetail

__all__ = [
    "ENGINE",
    "Actor",
    "Fact",
    "InvalidDetail",
    "KeyChanged",
    "LogDamaged",
    "NotInTransaction",
    "NothingToSign",
    "UnknownEventType",
    "record",
    "record_many",
    "sequence",
    "sign_checkpoint",
    "tick",
    "verify",
    "vkey",
]
