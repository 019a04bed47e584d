"""Where a wave stands: nine gates in order, each green, amber or red with one sentence, and the one next step.

Pure: `Facts` are counts out of rows (wave_facts.py), nothing here asks the database or the clock. The waves list, the
wave page, the review page, the overview and the API all show what these functions say, so they cannot disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Literal

from migrator.leads import Usual, expected
from migrator.lifecycle import State
from tracker.times import short
from tracker.waves.queries import QuotaLine

Colour = Literal["green", "amber", "red", "later"]

WAITING = (State.PLANNED, State.VALIDATED)  # nothing on the platform changed yet
PREPARED_OR_BEYOND = (State.PREPARED, State.COMMITTING, State.COMMITTED, State.VERIFIED, State.CLOSED)
COMMITTED_OR_BEYOND = (State.COMMITTED, State.VERIFIED, State.CLOSED)
WORKING = (State.PREPARING, State.PREPARED, State.COMMITTING, State.ABORTING)
NAMES = ("units", "quota", "approval", "window", "prepare", "compare", "commit-approval", "commit", "follow-ups")
TITLES = (
    "Units ready",
    "Quota",
    "Approval",
    "Window",
    "Prepare",
    "Compare",
    "Commit approval",
    "Commit",
    "Follow-ups",
)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """One window, with the zone it was said in."""

    opens_at: datetime
    closes_at: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A planned freeze that stops Prepare or Commit of something in the wave."""

    pk: int
    scope: str
    begins_at: datetime
    ends_at: datetime
    zone: str
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one wave. Counts are of its units unless said otherwise."""

    now: datetime
    zone: tzinfo = UTC  # in which times are said
    owner: str = ""
    progress: Mapping[str, int] = field(default_factory=dict)  # state of the unit -> how many
    ready: int = 0  # verdict ready or ready with change
    blocked: int = 0  # verdict blocked, not yet begun
    unknown: int = 0  # verdict unknown, not yet begun
    gone: int = 0  # not listed any more, not yet begun
    worst_health: str = "on track"
    health_reason: str = ""
    started: int = 0  # units planned with a live run
    troubled: Mapping[str, int] = field(default_factory=dict)  # state of live runs that need a person -> how many
    attention_name: str = ""  # one of them
    held: int = 0
    compared: int = 0  # live prepared runs with a comparison
    differences: int = 0  # unexpected or unread, without a disposition
    quota: Sequence[QuotaLine] = ()
    quota_usual: Usual | None = None  # how long a larger limit takes that is short here; None: not short, or not known
    opens_at: datetime | None = None  # of the window that is open, else of the next, else of the last
    closes_at: datetime | None = None
    windows: Sequence["Window"] = ()  # all, by opening
    planned: Sequence["Planned"] = ()  # freezes that are not over, by begin; one that goes on is in `frozen` too
    approval: str = ""  # ApprovalState, or empty: none asked for
    approval_by: str = ""  # who decided, or who asked while it waits
    approval_reason: str = ""  # of a rejection
    drift: Sequence[str] = ()  # what moved since the approval was asked for
    commits_asked: int = 0  # approvals of commits that wait for a person
    commits_approved: int = 0  # prepared units whose commit is approved
    commits_rejected: int = 0
    follow_ups: int = 0  # without those left to people
    follow_ups_open: int = 0
    follow_ups_people: int = 0  # work that no request does: it goes on when the wave is through
    follow_ups_failed: int = 0
    frozen: str = ""  # reason of a freeze that stops something of this wave
    stopped: str = ""  # reason of the stopped line

    @property
    def units(self) -> int:
        return sum(self.progress.values())

    def count(self, *states: State) -> int:
        return sum(self.progress.get(state.value, 0) for state in states)

    @property
    def attention(self) -> int:
        """How many need a person."""
        return sum(self.troubled.values())

    @property
    def done(self) -> bool:
        """Everything is committed and every follow-up was seen."""
        return self.units > 0 and self.count(*COMMITTED_OR_BEYOND) == self.units and not self.follow_ups_open

    @property
    def begun(self) -> bool:
        """Something was sent to the platform that changes it."""
        return self.count(*WORKING, *COMMITTED_OR_BEYOND) > 0

    @property
    def window(self) -> str:
        """none, upcoming, open or past."""
        if self.opens_at is None or self.closes_at is None:
            return "none"
        if self.now < self.opens_at:
            return "upcoming"
        return "open" if self.now < self.closes_at else "past"

    @property
    def readiness(self) -> int | None:
        """Per cent of the units that are ready, or ready with change; None without units."""
        return round(100 * self.ready / self.units) if self.units else None


@dataclass(frozen=True, slots=True)
class Gate:
    name: str  # of NAMES
    title: str
    state: Colour
    sentence: str


def gates(facts: Facts) -> list[Gate]:
    """The nine gates in order."""
    found = (
        _units(facts),
        _quota(facts),
        _approval(facts),
        _window(facts),
        _prepare(facts),
        _compare(facts),
        _commit_approval(facts),
        _commit(facts),
        _follow_ups(facts),
    )
    return [Gate(name, title, *said) for name, title, said in zip(NAMES, TITLES, found, strict=True)]


Said = tuple[Colour, str]


def _units(facts: Facts) -> Said:
    n = facts.units
    if not n:
        return "amber", "No units yet: place some."
    if facts.blocked:
        return "red", f"{_of(facts.blocked, n)} {_is(facts.blocked)} blocked: clear the blockers or remove them."
    if facts.gone:
        return "red", f"{_of(facts.gone, n)} {_is(facts.gone)} no longer on the classic side."
    if facts.unknown:
        return "amber", f"{_of(facts.unknown, n)} {_has(facts.unknown)} open questions; Validate settles most of them."
    before = facts.count(*WAITING)
    if not before:
        return "green", f"{_all(n)} went on from here."
    return "green", f"{_all(n)} {_is(n)} ready or ready with change."


def _quota(facts: Facts) -> Said:
    if not facts.units:
        return "later", "Counted when units are placed."
    short = [line for line in facts.quota if line.short]
    if short:
        line = short[0]
        more = f" and {len(short) - 1} more" if len(short) > 1 else ""
        return "red", f"Short by {line.short:,} {line.name} in {line.region}{more}.{_in_time(facts)}"
    unread = [line for line in facts.quota if line.free is None]
    if unread:
        line = unread[0]
        return "amber", f"The limit of {line.name} in {line.region} was never read: sync the subscription."
    cores = [line for line in facts.quota if line.name.lower() == "cores"]
    if cores:
        line = cores[0]
        more = f" (and in {_times(len(cores) - 1, 'more region')})" if len(cores) > 1 else ""
        return "green", f"{line.amount:,} cores are reserved in {line.region}{more}; {line.free:,} are left."
    if not facts.quota:
        used = facts.count(*COMMITTED_OR_BEYOND) == facts.units
        return "green", "Nothing is reserved any more." if used else "The units need no quota."
    return "green", "Enough of everything the units need is reserved."


def _in_time(facts: Facts) -> str:
    """Whether a larger limit can be expected before the window opens; nothing where nobody knows."""
    if facts.quota_usual is None or facts.opens_at is None:
        return ""
    by = expected(facts.quota_usual, facts.now)
    said = f" A larger limit takes {facts.quota_usual.sentence}: asked for now, it can be expected by {by:%Y-%m-%d}"
    if by > facts.opens_at.date():
        return f"{said}, after the window of {facts.opens_at.date():%Y-%m-%d} opens."
    return f"{said}."


def _approval(facts: Facts) -> Said:
    if not facts.units and not facts.approval:
        return "later", "After units and window are set."
    match facts.approval:
        case "approved" if facts.drift:
            return "red", f"Approved, but something moved since: {facts.drift[0]}."
        case "approved":
            return "green", f"Approved by {facts.approval_by or 'another person'}."
        case "pending" if facts.drift:
            return "red", f"Something moved since it was asked for: {facts.drift[0]}. Submit it again."
        case "pending":
            return "amber", f"Asked for by {facts.approval_by or 'somebody'}; waits for another person."
        case "rejected":
            why = f": {facts.approval_reason}" if facts.approval_reason else "."
            return "red", f"Rejected by {facts.approval_by or 'another person'}{why}"
        case "expired":
            return "red", "Nobody decided in time: submit it again."
    missing = [word for word, there in (("an owner", facts.owner), ("a window", facts.opens_at)) if not there]
    if missing:
        return "amber", f"Not submitted: it needs {' and '.join(missing)} first."
    return "amber", "Not submitted yet."


def _window(facts: Facts) -> Said:
    if facts.done:
        return "green", "Everything was done in it."
    if facts.stopped:
        return "red", f"The line is stopped: {facts.stopped}"
    if facts.frozen and facts.window == "open":
        return "red", f"Open, but frozen: {facts.frozen}"
    if facts.opens_at is not None and facts.closes_at is not None:
        match facts.window:
            case "open":
                return "green", f"Open until {_at(facts.closes_at, facts)}."
            case "upcoming":
                now = f" Frozen now: {facts.frozen}" if facts.frozen else ""
                return "amber", f"Opens {_at(facts.opens_at, facts)}.{now}"
        left = _times(facts.units - facts.count(*COMMITTED_OR_BEYOND), "unit")  # every window is over
        return "red", f"Closed {_at(facts.closes_at, facts)} with {left} not committed: set a new one."
    return "amber", "No window is set; nothing may start without one."


def _prepare(facts: Facts) -> Said:
    n, there = facts.units, facts.count(*PREPARED_OR_BEYOND)
    if n and there == n:
        return "green", f"{_all(n)} {_is(n)} prepared."
    if troubled := _troubled(facts, State.PLANNED, State.VALIDATED, State.PREPARING, State.ABORTING):
        return "red", f"{troubled}; {there} of {n} prepared."
    if not n or (facts.approval != "approved" and not facts.begun):
        return "later", "After the approval."
    parts = [f"{there} of {n} prepared"]
    for state in (State.PREPARING, State.ABORTING, State.VALIDATED):
        if facts.count(state):
            parts.append(f"{facts.count(state)} {state}")
    if facts.started:
        parts.append(f"{facts.started} validating")
    waiting = facts.count(State.PLANNED) - facts.started
    if waiting > 0:
        parts.append(f"{waiting} not started")
    return "amber", f"{', '.join(parts)}."


def _compare(facts: Facts) -> Said:
    n, there = facts.units, facts.count(*PREPARED_OR_BEYOND)
    if facts.differences:
        wait = "waits" if facts.differences == 1 else "wait"
        return "red", f"{_times(facts.differences, 'unexpected difference')} {wait} for a disposition."
    if not there:
        return "later", "After Prepare."
    compared = facts.compared + facts.count(State.COMMITTING, *COMMITTED_OR_BEYOND)
    if compared < there:
        return "amber", f"{compared} of {there} prepared units compared."
    if there == n:
        return "green", f"{_all(n)} {_is(n)} compared; nothing unexpected is open."
    return "amber", f"{there} of {n} compared; nothing unexpected is open."


def _commit_approval(facts: Facts) -> Said:
    n, prepared, beyond = facts.units, facts.count(State.PREPARED), facts.count(State.COMMITTING, *COMMITTED_OR_BEYOND)
    if not prepared and not beyond:
        return "later", "After the comparison."
    if facts.commits_rejected:
        return "red", f"{_times(facts.commits_rejected, 'commit')} rejected: read the reason."
    approved = facts.commits_approved + beyond
    if approved == n:
        return "green", f"{_all(n)} {_is(n)} approved by a second person."
    parts = [f"{approved} of {n} approved"]
    if facts.commits_asked:
        parts.append(f"{facts.commits_asked} {'waits' if facts.commits_asked == 1 else 'wait'} for a second person")
    unasked = prepared - facts.commits_approved - facts.commits_asked
    if unasked > 0:
        parts.append(f"{unasked} prepared and not asked for")
    return "amber", f"{', '.join(parts)}."


def _commit(facts: Facts) -> Said:
    n, there, moving = facts.units, facts.count(*COMMITTED_OR_BEYOND), facts.count(State.COMMITTING)
    if n and there == n:
        return "green", f"{_all(n)} {_is(n)} committed."
    if troubled := _troubled(facts, State.COMMITTING):
        return "red", f"{troubled}; {there} of {n} committed."
    if moving:
        return "amber", f"{there} of {n} committed, {moving} committing."
    if facts.commits_approved:
        return "amber", f"{there} of {n} committed; {facts.commits_approved} may be."
    if there:
        return "amber", f"{there} of {n} committed."
    return "later", "After its approval, unit by unit."


def _follow_ups(facts: Facts) -> Said:
    there = facts.count(*COMMITTED_OR_BEYOND)
    if not there and not facts.follow_ups:
        return "later", "Opened when a unit is committed."
    if facts.follow_ups_failed:
        return "red", f"{facts.follow_ups_failed} of {facts.follow_ups} failed."
    people = facts.follow_ups_people
    left = f" {people:,} left to people." if people else ""
    if facts.follow_ups_open:
        return "amber", f"{facts.follow_ups - facts.follow_ups_open} of {facts.follow_ups} closed.{left}"
    said = (
        f"{_all(facts.follow_ups, 'follow-up')} {_is(facts.follow_ups)} closed."
        if facts.follow_ups
        else "Nothing that a request brings back was owed so far."
    )
    said += left
    return ("green" if there == facts.units else "amber"), said


# --- the wave as a whole ---------------------------------------------------------------------------------------------
class Step(StrEnum):
    """What brings the wave on. Which of them is a button, a link or a matter of waiting is the page's business."""

    PLACE = "place"
    WINDOW = "window"
    OWNER = "owner"
    CLEAR = "clear"  # blockers, gone units
    SUBMIT = "submit"
    DECIDE = "decide"
    RESUME = "resume"
    START = "start"
    LOOK = "look"  # a run needs a person
    PREPARE = "prepare"
    COMPARE = "compare"
    ASK_COMMIT = "ask-commit"
    DECIDE_COMMIT = "decide-commit"
    COMMIT = "commit"
    FOLLOW_UPS = "follow-ups"
    WAIT = "wait"
    DONE = "done"


def next_step(facts: Facts) -> tuple[Step, str]:
    """The one thing to do now, and the sentence that says it. Trouble first, then what is furthest along: a unit that
    waits locked costs more than one that has not begun."""
    if not facts.units:
        return Step.PLACE, "Place units in the wave."
    if facts.done:
        return Step.DONE, "Everything is committed and seen."
    if facts.stopped:
        return Step.RESUME, "The line is stopped; resume it when the cause is gone."
    if facts.attention:
        return Step.LOOK, f"{_attention(facts)}: look at it first."
    if facts.begun and (ahead := _ahead(facts)):
        return ahead
    return _planning(facts) or _running(facts)


def _ahead(facts: Facts) -> tuple[Step, str] | None:
    """What units need that are prepared or beyond."""
    if facts.differences:
        return Step.COMPARE, f"Decide {_times(facts.differences, 'unexpected difference')}."
    if facts.commits_approved and facts.window == "open" and not facts.frozen:
        return Step.COMMIT, f"{_times(facts.commits_approved, 'unit')} may be committed."
    if facts.commits_asked:
        return Step.DECIDE_COMMIT, f"{_times(facts.commits_asked, 'commit')} to be approved by a second person."
    unasked = facts.count(State.PREPARED) - facts.commits_approved - facts.commits_asked - facts.commits_rejected
    if unasked > 0 and facts.compared:
        return Step.ASK_COMMIT, f"Read the comparison and ask for the commit of {_times(unasked, 'prepared unit')}."
    return None


def _planning(facts: Facts) -> tuple[Step, str] | None:
    if facts.count(*WAITING) == 0:
        return None
    if facts.approval == "approved" and not facts.drift:
        return None
    if facts.approval == "pending" and not facts.drift:
        return Step.DECIDE, "Another person has to decide."
    if facts.blocked or facts.gone:
        return Step.CLEAR, "Clear the blockers, or remove those units."
    if facts.window in ("none", "past"):
        return Step.WINDOW, "Set a window."
    if not facts.owner:
        return Step.OWNER, "Give the wave an owner."
    return Step.SUBMIT, "Submit it again." if facts.approval else "Submit it for approval."


def _running(facts: Facts) -> tuple[Step, str]:
    waiting = facts.count(State.PLANNED) - facts.started
    if waiting > 0:
        return Step.START, f"Start {_times(waiting, 'unit')}: Validate changes nothing."
    if facts.count(State.VALIDATED):
        said = f"Prepare {_times(facts.count(State.VALIDATED), 'validated unit')}"
        if facts.frozen:
            return Step.WAIT, f"{said} once the freeze is lifted."
        match facts.window:
            case "open":
                return Step.PREPARE, f"{said}; the management plane is locked from then on."
            case "upcoming":
                return Step.WAIT, f"{said} when the window opens."
            case _:
                return Step.WINDOW, "Set a window."
    if facts.commits_approved and facts.window in ("none", "past"):
        return Step.WINDOW, f"Set a window: {_times(facts.commits_approved, 'unit')} approved for commit."
    if facts.started or facts.count(State.PREPARING, State.COMMITTING, State.ABORTING):
        return Step.WAIT, "The platform is at work; it is being watched."
    if facts.follow_ups_open:
        return Step.FOLLOW_UPS, f"Close {_times(facts.follow_ups_open, 'follow-up')}."
    return Step.WAIT, "Waits for the platform or for a person on a run."


class WaveState(StrEnum):
    """Where the wave is, for its chip."""

    PLANNING = "planning"
    WAITING = "waiting"
    APPROVED = "approved"
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"


def state(facts: Facts) -> WaveState:
    if facts.done:
        return WaveState.DONE
    if facts.stopped:
        return WaveState.STOPPED
    if facts.begun or facts.started or facts.count(State.VALIDATED):
        return WaveState.RUNNING
    match facts.approval:
        case "approved":
            return WaveState.APPROVED
        case "pending":
            return WaveState.WAITING
    return WaveState.PLANNING


def health(facts: Facts) -> tuple[str, str]:
    """Health of the wave with its reason: of its units the worst, and of the wave itself what no unit can tell."""
    if facts.done:
        return "on track", "Everything is committed and seen."
    if facts.attention:
        return "failed", f"{_attention(facts)}."
    if facts.worst_health == "failed":
        return "failed", facts.health_reason
    red = next((gate for gate in gates(facts) if gate.state == "red"), None)
    if red is not None:
        return "blocked", red.sentence
    if facts.worst_health in ("blocked", "at risk", "stale"):
        return facts.worst_health, facts.health_reason
    if facts.opens_at and facts.approval != "approved" and (facts.opens_at - facts.now).total_seconds() < 86_400:
        return "at risk", "The window opens within a day and the wave is not approved."
    return "on track", "Nothing stands in the way."


# --- words -----------------------------------------------------------------------------------------------------------
def _attention(facts: Facts) -> str:
    return _people(facts, facts.attention)


def _troubled(facts: Facts, *states: State) -> str:
    """`3 units need a person`, of those in these states; empty when none does."""
    n = sum(facts.troubled.get(state.value, 0) for state in states)
    return _people(facts, n) if n else ""


def _people(facts: Facts, n: int) -> str:
    if n == 1:
        return f"{facts.attention_name if facts.attention == 1 else 'One unit'} needs a person"
    return f"{n} units need a person"


def _at(at: datetime, facts: Facts) -> str:
    return short(at, facts.zone, facts.now)


def _times(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _of(part: int, n: int) -> str:
    return "The unit" if n == 1 else f"{part} of {n} units"


def _all(n: int, what: str = "unit") -> str:
    return f"The {what}" if n == 1 else f"All {n} {what}s"


def _is(n: int) -> str:
    return "is" if n == 1 else "are"


def _has(n: int) -> str:
    return "has" if n == 1 else "have"
