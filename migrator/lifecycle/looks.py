"""What one look at the platform shows, and what it means for an operation that was sent: `decide`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from migrator.lifecycle.states import OperationState
from migrator.lifecycle.timings import Timings
from migrator.resources import Verb


class Status(StrEnum):
    """What the status URL said, if there was one (mirrors the gateway's words without knowing the gateway)."""

    NONE = "none"  # no status URL
    IN_PROGRESS = "in progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    GONE = "gone"
    UNREADABLE = "unreadable"


class Side(StrEnum):
    PRESENT = "present"
    PREPARING = "preparing"
    PREPARED = "prepared"
    ABORTING = "aborting"
    COMMITTING = "committing"
    ABSENT = "absent"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One look: the operation's status and both sides. `classic` PREPARED may also be concluded from both sides being
    present.
    """

    at: datetime
    status: Status
    classic: Side
    arm: Side  # PRESENT, ABSENT or UNREADABLE
    code: str = ""
    message: str = ""
    retry_after: float | None = None
    retriable: bool = False  # the error catalogue says: repeat later (R, W)
    parts_only: bool = False  # the unit itself is gone from the classic side, and a part of it is not

    @property
    def readable(self) -> bool:
        return Side.UNREADABLE not in (self.classic, self.arm)

    @property
    def world(self) -> "World":
        """Both sides as one word; the platform's migrationState is believed where it is shown."""
        if not self.readable:
            return World.UNSEEN
        if self.parts_only and self.classic in (Side.PREPARED, Side.PRESENT):
            return World.PARTLY
        match self.classic:
            case Side.PREPARING | Side.ABORTING | Side.COMMITTING:
                return World.MOVING
            case Side.ABSENT:
                return World.MIGRATED if self.arm is Side.PRESENT else World.NOWHERE
            case Side.PREPARED:
                return World.PREPARED if self.arm is Side.PRESENT else World.HALF
            case Side.PRESENT:
                return World.PREPARED if self.arm is Side.PRESENT else World.CLASSIC
            case _:
                return World.UNSEEN


class World(StrEnum):
    CLASSIC = "classic"  # unlocked, nothing on the Resource Manager side
    PREPARED = "prepared"  # on both sides
    HALF = "half prepared"  # marked as prepared, and nothing of it in Resource Manager: a Prepare that failed [I]
    MIGRATED = "migrated"  # gone from classic, present in Resource Manager
    MOVING = "moving"  # the platform itself says an operation is running
    NOWHERE = "nowhere"  # on neither side
    PARTLY = "gone in part"  # itself gone from classic, a part of it not: a Commit at work, or somebody's hand
    UNSEEN = "unseen"  # a side could not be read


EXPECTED_BEFORE: Mapping[Verb, World] = {
    Verb.VALIDATE: World.CLASSIC,
    Verb.PREPARE: World.CLASSIC,
    Verb.ABORT: World.PREPARED,
    Verb.COMMIT: World.PREPARED,
}
EXPECTED_AFTER: Mapping[Verb, World] = {
    Verb.VALIDATE: World.CLASSIC,
    Verb.PREPARE: World.PREPARED,
    Verb.ABORT: World.CLASSIC,
    Verb.COMMIT: World.MIGRATED,
}


def may_send(verb: Verb, world: World, *, sends: int) -> bool:
    """Whether a look allows arming (engine.md step 2). `sends`: earlier sends of the same operation.

    Abort is sent wherever a lock may be left, also to what a failed Prepare left half-way (azure.md 2.1); on an
    unlocked
    resource it is an idempotent success. A repeated Prepare or Commit may find the platform's own in-progress mark
    still set.
    """
    match verb:
        case Verb.VALIDATE:
            return world is World.CLASSIC
        case Verb.PREPARE:
            return world is World.CLASSIC or (sends > 0 and world is World.MOVING)
        case Verb.ABORT:
            return world in (World.PREPARED, World.HALF, World.MOVING, World.CLASSIC, World.PARTLY)
        case Verb.COMMIT:
            return world is World.PREPARED or (sends > 0 and world in (World.MOVING, World.PARTLY))
        case _:
            assert_never(verb)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What the operation remembers between looks."""

    state: OperationState
    verb: Verb
    armed_at: datetime | None  # of the last send
    tries: int  # looks that ended in nothing, or failed sends
    candidate: str = ""  # verdict a first look suggested: "applied", "not applied", "half prepared"
    candidate_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """The operation ended: succeeded or failed."""

    to: OperationState
    why: str


@dataclass(frozen=True, slots=True)
class Submit:
    """Send (again): the operation goes back to READY; the next step looks and arms as for the first send."""

    why: str
    after: float = 0.0  # seconds


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again in `seconds`. `state` is POLLING when the platform says it is at work, else UNKNOWN."""

    seconds: float
    state: OperationState
    why: str
    candidate: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """Only a person can go on: contradiction, too many tries, nothing readable."""

    what: str


Decision = Move | Submit | Wait | Need


def backoff(tries: int) -> float:
    """1, 2, 4 … 30 minutes: between sends of the same operation after the platform said it failed (reliability-notes
    4.7).
    """
    return float(min(30, 2 ** min(tries, 5)) * 60)


def decide(doubt: Doubt, seen: Seen, timings: Timings, *, in_flight: int = 1) -> Decision:
    """What one look means for a sent (POLLING) or doubtful (UNKNOWN) operation. Table: reliability-notes 4.7.

    Doubt ends only by reading. "Not applied" and "applied without the platform's own word" need two equal reads at
    least
    `confirm` seconds apart; "not applied" also needs the quarantine to be over. Nothing here sends an Abort by itself.
    Whatever is concluded, nobody looks or sends again before the platform's Retry-After is over.
    """
    decision = _decide(doubt, seen, timings, in_flight)
    asked = seen.retry_after or 0.0
    match decision:
        case Wait(seconds=seconds) if seconds < asked:
            return replace(decision, seconds=asked)
        case Submit(after=after) if after < asked:
            return replace(decision, after=asked)
    return decision


def _decide(doubt: Doubt, seen: Seen, timings: Timings, in_flight: int) -> Decision:
    match seen.status:
        case Status.IN_PROGRESS:
            return Wait(
                _poll_wait(seen, timings, in_flight),
                OperationState.POLLING,
                "the platform is at work",
            )
        case Status.SUCCEEDED:
            return _after_success(doubt, seen, timings)
        case Status.FAILED:
            return _after_failure(doubt, seen, timings)
        case Status.UNREADABLE:
            return _unreadable(doubt, timings, "the status of the operation cannot be read")
        case Status.NONE | Status.GONE:
            return _by_world(doubt, seen, timings)
        case _:
            assert_never(seen.status)


def _poll_wait(seen: Seen, timings: Timings, in_flight: int) -> float:
    asked = seen.retry_after if seen.retry_after and seen.retry_after > 0 else float(timings.poll)
    # 25 reads a second and subscription (azure.md 8.1), two reads a look, half of the budget left for others
    stretched = max(asked, in_flight * 2 / 12.5)
    return min(stretched, max(asked, float(timings.max_poll)))


def _after_success(doubt: Doubt, seen: Seen, timings: Timings) -> Decision:
    if doubt.verb is Verb.VALIDATE or seen.world is EXPECTED_AFTER[doubt.verb]:
        return Move(
            OperationState.SUCCEEDED,
            "the platform says succeeded, and both sides show it",
        )
    if seen.world is World.UNSEEN:
        return _unreadable(doubt, timings, "succeeded, but a side cannot be read")
    if doubt.tries >= timings.tries:
        return Need(f"the platform says succeeded, yet the unit is seen as {seen.world.value}")
    return Wait(
        timings.poll,
        OperationState.POLLING,
        f"succeeded, but still seen as {seen.world.value}: reading again",
    )


def _after_failure(doubt: Doubt, seen: Seen, timings: Timings) -> Decision:
    words = f"{seen.code}: {seen.message}".strip(": ") or "no reason given"
    match doubt.verb:
        case Verb.VALIDATE:
            return Move(OperationState.FAILED, words)
        case Verb.PREPARE:
            # what it left behind may be locked; Abort is a person's decision (azure.md 2.1)
            if seen.world is World.UNSEEN:
                return _unreadable(doubt, timings, "Prepare failed and a side cannot be read")
            return Move(OperationState.FAILED, words)
        case Verb.ABORT | Verb.COMMIT:
            if seen.world is EXPECTED_AFTER[doubt.verb]:
                return _confirm(doubt, seen, timings, "applied")
            if seen.world is World.UNSEEN:
                return _unreadable(
                    doubt,
                    timings,
                    f"{doubt.verb.value} failed and a side cannot be read",
                )
            if seen.world is World.NOWHERE:
                return Need(f"{doubt.verb.value} failed and the unit is on neither side")
            if doubt.tries + 1 >= timings.tries:
                return Need(f"{doubt.verb.value} failed {doubt.tries + 1} times: {words}")
            return Submit(
                f"retry after failure: {words}",
                after=min(backoff(doubt.tries), timings.quarantine * 6.0),
            )
        case _:
            assert_never(doubt.verb)


def _by_world(doubt: Doubt, seen: Seen, timings: Timings) -> Decision:
    world = seen.world
    if world is World.UNSEEN:
        return _unreadable(doubt, timings, "a side cannot be read")
    if world is World.MOVING:
        return Wait(
            _poll_wait(seen, timings, 1),
            OperationState.UNKNOWN,
            "the platform says an operation is running",
        )
    if doubt.verb is Verb.VALIDATE:
        # changes nothing: repeating it is the cheapest reading
        if doubt.tries >= timings.tries:
            return Need("Validate gave no answer after many tries")
        return Submit(
            "Validate changes nothing; asked again",
            after=min(timings.poll * (doubt.tries + 1.0), 300.0),
        )
    if doubt.verb is Verb.PREPARE and world is World.HALF:
        return _confirm(doubt, seen, timings, "half prepared")
    if world is EXPECTED_AFTER[doubt.verb]:
        return _confirm(doubt, seen, timings, "applied")
    if world is EXPECTED_BEFORE[doubt.verb] or (doubt.verb is Verb.ABORT and world is World.HALF):
        return _confirm(doubt, seen, timings, "not applied")
    if doubt.armed_at is None:
        return Need(f"before {doubt.verb.value} was sent the unit was seen as {world.value}; nothing was sent")
    if world is World.PARTLY and doubt.tries < timings.tries:  # as it looks while the platform is at it
        return Wait(float(timings.confirm), OperationState.UNKNOWN, f"the unit is seen as {world.value}")
    return Need(f"{doubt.verb.value} was sent, and the unit is seen as {world.value}")


def _confirm(doubt: Doubt, seen: Seen, timings: Timings, verdict: str) -> Decision:
    if verdict == "not applied" and doubt.armed_at is not None:
        left = (doubt.armed_at + timedelta(seconds=timings.quarantine) - seen.at).total_seconds()
        if left > 0:  # both deciding looks come after the quarantine
            return Wait(
                left,
                OperationState.UNKNOWN,
                "not applied so far; a late arrival is still possible",
            )
    if doubt.candidate != verdict or doubt.candidate_at is None:
        why = f"first look says {verdict}; a second one decides"
        return Wait(float(timings.confirm), OperationState.UNKNOWN, why, candidate=verdict)
    apart = (seen.at - doubt.candidate_at).total_seconds()
    if apart < timings.confirm:
        return Wait(
            timings.confirm - apart,
            OperationState.UNKNOWN,
            f"{verdict}; second look too early",
            candidate=verdict,
        )
    if verdict == "applied":
        return Move(OperationState.SUCCEEDED, "two equal looks show it applied")
    if verdict == "half prepared":
        what = "the unit is marked as prepared, and nothing of it is there in Resource Manager; Abort is the way back"
        return Need(what)
    if doubt.tries >= timings.tries:
        return Need(f"{doubt.verb.value} was sent {doubt.tries} times and never arrived")
    return Submit("two equal looks after the quarantine show it not applied")


def _unreadable(doubt: Doubt, timings: Timings, what: str) -> Decision:
    state = OperationState.POLLING if doubt.state is OperationState.POLLING else OperationState.UNKNOWN
    return Wait(
        float(min(timings.look_again * (1 + min(doubt.tries, 5)), 300)),
        state,
        f"{what}; reading again",
    )
