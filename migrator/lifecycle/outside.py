"""What the platform shows against what we hold of a unit: how it differs when somebody else was at work, and which verb
would tell it. Pure; used after every sync, by the checks of end states and after a change of the database.

Rules: engine.md, reconcile; reliability-notes 4.7 and 4.9. Facts: azure.md 2.1 (Prepare locks until Abort or Commit; a
prepared storage account is committed by Microsoft after 30 days).
"""

from enum import StrEnum

from migrator.lifecycle.looks import Side, World
from migrator.lifecycle.states import State
from migrator.resources import Verb


class Drift(StrEnum):
    """How the platform differs from what we hold."""

    LOCKED = "locked outside"  # prepared, and no run of ours prepared it
    UNLOCKED = "unlocked outside"  # held as prepared, seen classic: somebody aborted it
    MIGRATED = "migrated outside"  # somebody, or Microsoft, committed it
    HALF = "half there"  # held as prepared, and nothing of it in Resource Manager
    MOVING = "at work outside"  # the platform is at work on something that was not sent from here
    RETURNED = "classic again"  # committed, and seen on the classic side
    GONE = "on neither side"
    CHANGED = "changed after approval"  # in an approved wave, and no longer what was approved


COMMITTED = frozenset({State.COMMITTED, State.VERIFIED, State.CLOSED})
_HELD_AS_PREPARED = {
    World.CLASSIC: Drift.UNLOCKED,
    World.MIGRATED: Drift.MIGRATED,
    World.PARTLY: Drift.MIGRATED,
    World.HALF: Drift.HALF,
    World.MOVING: Drift.MOVING,
    World.NOWHERE: Drift.GONE,
}
_HELD_AS_COMMITTED = {
    World.CLASSIC: Drift.RETURNED,
    World.PREPARED: Drift.RETURNED,
    World.HALF: Drift.RETURNED,
    World.PARTLY: Drift.RETURNED,
    World.MOVING: Drift.MOVING,
    World.NOWHERE: Drift.GONE,
}
_HELD_AS_CLASSIC = {
    World.PREPARED: Drift.LOCKED,
    World.HALF: Drift.LOCKED,
    World.MIGRATED: Drift.MIGRATED,
    World.PARTLY: Drift.MIGRATED,
    World.MOVING: Drift.MOVING,
}


def drift(believed: State, world: World, *, locked: bool) -> Drift | None:
    """How `world` differs from `believed`: the state of the live run, or of the unit where none lives. None: as it
    should be, or nobody could see. `locked`: we hold it as locked, which tells what a failed Prepare left behind."""
    if believed in COMMITTED:
        return _HELD_AS_COMMITTED.get(world)
    if believed is State.PREPARED:
        return _HELD_AS_PREPARED.get(world)
    if believed is State.PREPARING and locked:
        return None if world is World.HALF else _HELD_AS_PREPARED.get(world)
    if believed in (State.PLANNED, State.VALIDATED) and world is World.NOWHERE:
        return Drift.GONE
    return _HELD_AS_CLASSIC.get(world)


def adoption(believed: State, found: Drift, side: Side) -> Verb | None:
    """The verb that tells what was found, for an operation that is only read and never sent; None: there is none."""
    match found:
        case Drift.LOCKED:
            return Verb.PREPARE
        case Drift.MIGRATED:
            return Verb.COMMIT if believed not in COMMITTED else None
        case Drift.UNLOCKED:
            return Verb.ABORT
        case Drift.MOVING if believed not in COMMITTED:
            if side is Side.ABORTING:
                return Verb.ABORT if believed in (State.PREPARED, State.PREPARING) else None
            return {Side.PREPARING: Verb.PREPARE, Side.COMMITTING: Verb.COMMIT}.get(side)
        case _:
            return None
