"""Why a run waits: every machine-readable reason (`Run.waiting_code`), for whom it waits, and what ends it. Pure.

The sentence with the facts of the one run is `Run.waiting_for`; since when it waits for this is `waiting_since`, and
when it is looked at again is `due_at`. A reason that is not in this table fails a test.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Whom(StrEnum):
    """Who or what ends the waiting."""

    PERSON = "a person"
    TIME = "a time"  # a window, a freeze that ends, a budget that fills up: it goes on by itself
    READING = "a reading"  # nobody can know; both sides are read again
    PLATFORM = "the platform"  # Azure is at work


@dataclass(frozen=True, slots=True)
class Waiting:
    """`ends`: what ends it. `calls`: the run needs a person's attention for it. `counts`: its sentence holds numbers
    that move by themselves, so another sentence is no news."""

    whom: Whom
    label: str
    ends: str
    calls: bool = False
    counts: bool = False


CODES: Mapping[str, Waiting] = {
    # stopped by people
    "frozen": Waiting(Whom.PERSON, "Frozen", "Two people lift the freeze; then it goes on by itself."),
    "held": Waiting(Whom.PERSON, "On hold", "Somebody resumes the run."),
    "stopped": Waiting(Whom.PERSON, "Line stopped", "Somebody resumes the line of the wave."),
    # times
    "window-closed": Waiting(Whom.TIME, "Window closed", "A window of the wave opens."),
    "planned-freeze": Waiting(Whom.TIME, "Planned freeze", "The planned freeze ends, or two people end it."),
    "would-overrun": Waiting(
        Whom.TIME, "Would overrun", "A window opens in which it fits, or somebody lets it start.", counts=True
    ),
    "fits-no-window": Waiting(
        Whom.PERSON,
        "Fits in no window",
        "A longer window is planned, or somebody lets it start.",
        calls=True,
        counts=True,
    ),
    "budget": Waiting(Whom.TIME, "Request budget", "The request budget of the subscription fills up.", counts=True),
    "throttled": Waiting(Whom.TIME, "Throttled", "The time passes that Azure asked to wait."),
    "refused-for-now": Waiting(Whom.TIME, "Refused for now", "It is tried again."),
    "retry": Waiting(Whom.TIME, "To be sent again", "It is looked at and sent again."),
    "destination-unread": Waiting(Whom.READING, "Network not read", "The network it goes into can be read."),
    # what people have to do first
    "order": Waiting(
        Whom.TIME, "Not its turn yet", "What goes before it is committed, or the order is set aside.", counts=True
    ),
    "destination-unfit": Waiting(
        Whom.PERSON,
        "Network does not fit",
        "The network is put right in Azure, or the run is cancelled and another network chosen.",
        calls=True,
    ),
    "wave-not-approved": Waiting(Whom.PERSON, "Wave not approved", "Another person approves the wave."),
    "approval-stale": Waiting(Whom.PERSON, "Approval no longer matches", "It is approved again, as it is now."),
    "prepare-not-asked": Waiting(Whom.PERSON, "Validated", "Somebody asks for Prepare."),
    "commit-not-asked": Waiting(Whom.PERSON, "Prepared", "Somebody asks for the commit approval, or for Abort."),
    "commit-not-approved": Waiting(Whom.PERSON, "Commit not approved", "Another person approves the commit."),
    "differences-open": Waiting(Whom.PERSON, "Differences open", "Somebody decides every unexpected difference."),
    "quota-short": Waiting(Whom.PERSON, "Quota short", "The limit is raised and read again."),
    "quota-unread": Waiting(Whom.PERSON, "Quota not read", "The subscription is synced."),
    "invariant": Waiting(Whom.PERSON, "Something impossible", "Somebody finds out how it came to be so.", calls=True),
    "recovered": Waiting(Whom.READING, "Taken over", "Both sides are read; it is never sent from here."),
    "not-prepared": Waiting(Whom.PERSON, "Not prepared", "The unit is seen to be prepared."),
    "follow-ups": Waiting(Whom.PERSON, "Follow-ups open", "Every follow-up that a request brings back is closed."),
    "validate-failed": Waiting(
        Whom.PERSON, "Validate found something", "The cause is removed and Validate asked again."
    ),
    "refused": Waiting(Whom.PERSON, "Refused", "The cause is removed and it is tried again."),
    "failed": Waiting(Whom.PERSON, "Failed", "Somebody aborts, or removes the cause and tries again."),
    "operator": Waiting(Whom.PERSON, "Needs a person", "Somebody looks at both sides and decides."),
    "rehearsal": Waiting(Whom.PERSON, "A rehearsal", "Abort ends it; a migration is started from its wave."),
    "abort-after-commit": Waiting(Whom.PERSON, "Abort refused", "Nothing: Commit was attempted; only forward."),
    # nobody can know
    "unknown": Waiting(Whom.READING, "Unknown", "Both sides are read until they tell."),
    "cannot-see": Waiting(Whom.READING, "Cannot see", "The platform can be read again."),
    "capture-incomplete": Waiting(Whom.READING, "Settings not read", "Everything that will be dropped can be read."),
    "world-changed": Waiting(Whom.READING, "Changed behind our back", "Both sides are read until they tell."),
    "internal-error": Waiting(Whom.READING, "Error of the product", "The step is tried again; the error is logged."),
    "lost": Waiting(Whom.READING, "Taken over", "The process that took it over goes on."),
    # the platform
    "polling": Waiting(Whom.PLATFORM, "Under way", "Azure finishes it."),
    "verifying": Waiting(Whom.PLATFORM, "Being verified", "The committed unit is read again."),
}
# Reasons that are not the platform's work, and not a doubt that the list shows by itself.
PAUSED = tuple(
    sorted(
        code
        for code, each in CODES.items()
        if (each.whom in (Whom.PERSON, Whom.TIME) and code != "retry") or code in ("cannot-see", "capture-incomplete")
    )
)
# What does not refuse a wish: it may be asked for now, is parked, and starts by itself.
PARKED = ("would-overrun", "fits-no-window", "order")


def calls(code: str) -> bool:
    """Whether a person has to look because of it."""
    return code in CODES and CODES[code].calls


def counts(code: str) -> bool:
    """Whether another sentence of the same reason is no news."""
    return code in CODES and CODES[code].counts
