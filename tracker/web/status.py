"""Every state a person can meet, as icon + word + hue: the one table behind `{% chip %}`.

Hues are the five of the look (screens.md, Look): neutral, progress, good, attention, stop. They say what a person
should feel, not which slice is speaking: *attention* means somebody will have to decide or do something, *stop* means
it does not go on by itself. Icons are lucide's names. A state without a row here fails `tests/web/test_status.py`.
"""

from dataclasses import dataclass
from typing import Literal

Hue = Literal["neutral", "progress", "good", "attention", "stop"]


@dataclass(frozen=True, slots=True)
class Chip:
    """`word` is what is read, `meaning` the sentence behind it (tooltip, legend of the style page and of the
    manual)."""

    word: str
    hue: Hue
    icon: str
    meaning: str


class UnknownStatus(KeyError):
    """A template asked for a chip that has no row; the message names both parts and where to add it."""

    def __str__(self) -> str:
        kind, value = self.args
        return f"No chip for {kind!r} {value!r}: add a row to tracker/web/status.py."


CHIPS: dict[str, dict[str, Chip]] = {
    "progress": {
        "discovered": Chip("Discovered", "neutral", "circle-dashed", "Seen in Azure, not yet held against the rules."),
        "assessed": Chip("Assessed", "neutral", "circle", "Every rule of the catalogue has been asked."),
        "planned": Chip("Planned", "neutral", "calendar", "Placed in a wave."),
        "validated": Chip("Validated", "progress", "circle-dot", "The platform's Validate passed."),
        "preparing": Chip("Preparing", "progress", "loader", "Prepare was sent; the management plane is locked."),
        "prepared": Chip("Prepared", "progress", "lock", "On both sides and locked until Commit or Abort."),
        "committing": Chip("Committing", "progress", "arrow-right-left", "Commit was sent; it cannot be undone."),
        "committed": Chip("Committed", "good", "circle-check", "Gone from classic, present in Resource Manager."),
        "verified": Chip("Verified", "good", "badge-check", "Read again after Commit and found as expected."),
        "closed": Chip("Closed", "good", "check-check", "Verified, and every follow-up a probe can see is closed."),
        "aborting": Chip("Aborting", "attention", "undo-2", "Abort was sent; the unit returns to classic."),
        "excluded": Chip("Excluded", "neutral", "circle-slash", "Set aside with a reason; will not be migrated here."),
    },
    "health": {
        "on track": Chip("On track", "good", "trending-up", "Nothing stands in the way."),
        "at risk": Chip("At risk", "attention", "triangle-alert", "Something will stand in the way if nobody acts."),
        "blocked": Chip("Blocked", "stop", "ban", "Cannot go on until the named cause is removed."),
        "failed": Chip("Failed", "stop", "circle-x", "The platform refused or an operation ended badly."),
        "stale": Chip("Stale", "neutral", "clock-alert", "Known only from an old reading; sync to be sure."),
    },
    "verdict": {
        "ready": Chip("Ready", "good", "check", "No rule stands against it."),
        "ready with change": Chip(
            "Ready with change", "attention", "pencil-line", "Will move, with downtime, dropped settings or changes."
        ),
        "blocked": Chip("Blocked", "stop", "ban", "At least one rule blocks it."),
        "unknown": Chip("Unknown", "neutral", "circle-question-mark", "A blocking rule could not be answered yet."),
    },
    "effect": {
        "blocks": Chip("Blocks", "stop", "ban", "The migration is refused or would do harm."),
        "downtime": Chip("Downtime", "attention", "clock-alert", "Works, with an interruption."),
        "dropped": Chip("Dropped", "attention", "unlink", "The setting does not move and has to be rebuilt."),
        "changes": Chip("Changes", "progress", "pencil-line", "Moves, but looks or behaves differently afterwards."),
        "info": Chip("Info", "neutral", "info", "Good to know; nothing to do."),
    },
    "outcome": {
        "yes": Chip("Yes", "attention", "circle-alert", "The rule applies to this resource."),
        "no": Chip("No", "good", "check", "Looked at; the rule does not apply."),
        "unknown": Chip(
            "Unknown", "neutral", "circle-question-mark", "The platform does not say; see what would settle it."
        ),
    },
    "follow-up": {
        "question": Chip("Question", "attention", "circle-question-mark", "A person has to answer first."),
        "to-do": Chip("To do", "attention", "hand", "No request does it; a person does, and says so."),
        "open": Chip("Open", "neutral", "circle", "Owed; nothing has been sent."),
        "wanted": Chip("Wanted", "progress", "send", "Somebody asked to apply it; it will be sent."),
        "applied": Chip("Applied", "progress", "loader", "Accepted by the platform, not yet seen by a probe."),
        "closed": Chip("Closed", "good", "check-check", "Seen by a probe, or an approved won't do."),
        "failed": Chip("Failed", "stop", "circle-x", "Refused by the platform, in its own words below."),
    },
    "approval": {
        "pending": Chip("Waiting", "attention", "hourglass", "Asked; other people have not decided yet."),
        "approved": Chip("Approved", "good", "circle-check", "Enough other people agreed to exactly this."),
        "rejected": Chip("Rejected", "stop", "circle-x", "Somebody said no, with a reason."),
        "voided": Chip("Void", "neutral", "circle-slash", "What was agreed to has changed; ask again."),
        "expired": Chip("Expired", "neutral", "clock-alert", "Nobody used it in time; ask again."),
        "none": Chip("Not asked", "neutral", "circle-dashed", "No approval has been asked for."),
    },
    "operation": {
        "ready": Chip("Ready", "neutral", "circle", "Will be sent at the next step."),
        "sending": Chip("Sending", "progress", "send", "On its way to the platform."),
        "polling": Chip("Running", "progress", "loader", "The platform is at work; it is being watched."),
        "unknown": Chip(
            "In doubt", "attention", "circle-question-mark", "No clear answer; only reading can tell, and is."
        ),
        "succeeded": Chip("Succeeded", "good", "circle-check", "The platform says so and both sides show it."),
        "failed": Chip("Failed", "stop", "circle-x", "Ended without effect, or refused."),
        "held": Chip("Held", "attention", "circle-pause", "Waits for a freeze, a window or a person."),
        "operator": Chip("Needs a person", "stop", "hand", "What was read contradicts itself; decide."),
        "cancelled": Chip("Cancelled", "neutral", "circle-slash", "Withdrawn before it was sent."),
    },
    "attempt": {
        "": Chip("Open", "progress", "loader", "Sent; no answer yet."),
        "accepted": Chip("Accepted", "good", "check", "The platform took the request."),
        "refused": Chip("Refused", "stop", "circle-x", "The platform answered no; nothing changed."),
        "throttled": Chip("Throttled", "attention", "timer", "Too many requests; sent again when allowed."),
        "unknown": Chip("No clear answer", "attention", "circle-question-mark", "May or may not have arrived."),
        "not-sent": Chip("Not sent", "neutral", "circle-slash", "Stopped before it left this machine."),
    },
    "purpose": {
        "rehearsal": Chip("Rehearsal", "progress", "undo-2", "Prepared, compared and aborted; never committed.")
    },
    "run": {
        "": Chip("Live", "progress", "play", "The engine is at work or waits for a person."),
        "closed": Chip("Closed", "good", "check-check", "Committed, verified and done."),
        "aborted": Chip("Aborted", "neutral", "undo-2", "Returned to classic; nothing was migrated."),
        "rehearsed": Chip("Rehearsed", "good", "undo-2", "Prepared, compared and returned to classic, as asked."),
        "cancelled": Chip("Cancelled", "neutral", "circle-slash", "Withdrawn before Prepare."),
    },
    "ask": {
        "validate": Chip("Validate", "progress", "list-checks", "Check without changing anything."),
        "prepare": Chip("Prepare", "progress", "lock", "Lock and build the Resource Manager side."),
        "commit": Chip("Commit", "attention", "arrow-right-left", "Make it final; cannot be undone."),
        "abort": Chip("Abort", "attention", "undo-2", "Return to classic and unlock."),
        "retry": Chip("Retry", "progress", "rotate-cw", "Try the failed step again."),
        "hold": Chip("Hold", "attention", "circle-pause", "Nothing more is sent until resumed."),
        "resume": Chip("Resume", "progress", "play", "Go on after a hold."),
        "cancel": Chip("Cancel", "neutral", "circle-slash", "Withdraw the run."),
    },
    "fix": {
        "draft": Chip("Draft", "neutral", "pencil-line", "Rehearsed only; nobody was asked."),
        "asked": Chip("Waits for approval", "attention", "hourglass", "Another person has to agree."),
        "approved": Chip("Approved", "progress", "circle-check", "It is looked at once more, then sent."),
        "sent": Chip("Under way", "progress", "loader", "Something was sent; not all of it is seen yet."),
        "done": Chip("Done", "good", "check-check", "Seen by reading Azure."),
        "failed": Chip("Failed", "stop", "circle-x", "Refused, or sent and never seen."),
        "declined": Chip("Declined", "neutral", "ban", "Another person said no."),
        "withdrawn": Chip("Taken back", "neutral", "undo-2", "Taken back before anything was sent."),
        "outdated": Chip("Outdated", "attention", "clock-alert", "No longer what was asked for; nothing was sent."),
    },
    "waiver": {
        "asked": Chip("Waits for approval", "attention", "hourglass", "Another person has to agree; it counts on."),
        "approved": Chip("Set aside", "progress", "circle-slash", "It counts in no verdict until the waiver ends."),
        "declined": Chip("Declined", "neutral", "ban", "Another person said no; it counts on."),
        "withdrawn": Chip("Taken back", "neutral", "undo-2", "Closed before anybody agreed."),
        "ended": Chip("Ended", "neutral", "rotate-ccw", "It was set aside; it is no more."),
    },
    "attestation": {
        "counts": Chip("Counts", "good", "circle-check", "The rule takes this answer."),
        "expired": Chip("Expired", "attention", "clock-alert", "Its end has come; the question is open again."),
        "withdrawn": Chip("Withdrawn", "neutral", "undo-2", "Somebody took it back; the question is open again."),
        "replaced": Chip("Replaced", "neutral", "rotate-ccw", "A later answer counts in its place."),
    },
    "connection": {
        "well": Chip("Well", "good", "check", "It answered as it should when it was last looked at."),
        "not well": Chip("Not well", "stop", "circle-x", "Something is wrong; the sentence beside it says what to do."),
        "unknown": Chip("Unknown", "neutral", "circle-question-mark", "Nobody has looked yet."),
    },
    "quota-request": {
        "draft": Chip("Draft", "neutral", "pencil-line", "Written, not sent."),
        "sent": Chip("Sent", "progress", "send", "With the platform; its own state is beside it."),
        "granted": Chip("Granted", "good", "circle-check", "Seen by reading the limit."),
        "refused": Chip("Refused", "stop", "circle-x", "The platform said no, in its own words."),
        "ticket": Chip("Ticket", "progress", "ticket", "Asked by a support ticket; the limit is read until it rises."),
        "doubtful": Chip(
            "In doubt", "attention", "circle-question-mark", "Sending gave no clear answer; it is being read."
        ),
    },
    "quota": {
        "enough": Chip("Enough", "good", "check", "Limit covers what is used, reserved and needed."),
        "short": Chip("Short", "stop", "circle-minus", "More is needed than the limit allows."),
        "requested": Chip("Requested", "progress", "send", "Short, and a request is on its way."),
        "unknown": Chip("Unknown", "neutral", "circle-question-mark", "Usage could not be read."),
    },
    "sync": {
        "running": Chip("Running", "progress", "loader", "Azure is being read."),
        "complete": Chip("Complete", "good", "circle-check", "Everything was read that this credential may see."),
        "partial": Chip(
            "Partial", "attention", "triangle-alert", "Some parts could not be read; their facts are unknown."
        ),
        "failed": Chip("Failed", "stop", "circle-x", "Nothing was taken over; the last good reading stands."),
    },
    "import": {
        "previewed": Chip("Previewed", "progress", "eye", "Shows what it would do; nothing was imported yet."),
        "applied": Chip("Imported", "good", "circle-check", "What the preview showed is in the inventory."),
        "discarded": Chip("Discarded", "neutral", "trash-2", "Thrown away; nothing was imported."),
        "refused": Chip("Refused", "stop", "ban", "The file cannot be used."),
    },
    "import-row": {
        "added": Chip("Added", "good", "plus", "New to the inventory, or back in it."),
        "changed": Chip("Changed", "progress", "pencil-line", "The file says something else and is younger."),
        "gone": Chip("Gone", "attention", "minus", "The file lists its whole subscription, and not this."),
        "unchanged": Chip("Unchanged", "neutral", "equal", "The inventory says the same."),
        "kept": Chip("Kept", "neutral", "shield", "A younger reading stands; the file does not overwrite it."),
        "left out": Chip("Left out", "neutral", "circle-slash", "Nothing the inventory keeps."),
        "refused": Chip("Refused", "stop", "ban", "This row cannot be used; correct the file."),
    },
    "difference": {
        "same": Chip("Same", "good", "check", "Equal on both sides."),
        "renamed": Chip("Renamed as expected", "neutral", "arrow-right-left", "The documented translation."),
        "dropped": Chip("Dropped as documented", "attention", "unlink", "Known not to move; a follow-up rebuilds it."),
        "unexpected": Chip("Unexpected", "stop", "octagon-alert", "Not documented; a person has to look."),
        "unread": Chip("Unread", "neutral", "circle-question-mark", "One side could not be read."),
    },
    "event": {
        "done": Chip("Done", "good", "check", "Carried out."),
        "denied": Chip("Denied", "stop", "ban", "Refused by the product; nothing changed."),
        "failed": Chip("Failed", "stop", "circle-x", "Tried and not carried out."),
    },
    "gate": {
        "green": Chip("Passed", "good", "circle-check", "This gate is open."),
        "amber": Chip("Waiting", "attention", "hourglass", "Not yet; somebody or something is awaited."),
        "red": Chip("Closed", "stop", "octagon-x", "Stops here until the named cause is removed."),
        "later": Chip("Later", "neutral", "circle-dashed", "Comes after the gates before it."),
    },
    "wave": {
        "planning": Chip("Being planned", "neutral", "pencil-line", "Units and window are being chosen."),
        "waiting": Chip("Submitted", "attention", "hourglass", "Another person has to approve it."),
        "approved": Chip("Approved", "good", "circle-check", "Another person agreed; its units may be started."),
        "running": Chip("In flight", "progress", "activity", "Units are on their way."),
        "stopped": Chip("Line stopped", "stop", "octagon-x", "Nothing new of this wave is sent until it is resumed."),
        "done": Chip("Done", "good", "check-check", "Everything is committed and every follow-up was seen."),
    },
    "window": {
        "open": Chip("Open", "good", "door-open", "Prepare and Commit may start."),
        "upcoming": Chip("Upcoming", "neutral", "calendar-clock", "Opens later."),
        "past": Chip("Past", "neutral", "history", "Closed; nothing new may start."),
        "none": Chip("No window", "attention", "calendar-x", "Nothing may start without one."),
    },
}

# Kinds of units: not a status, so without a hue.
UNIT_KINDS: dict[str, tuple[str, str]] = {
    "network": ("Virtual network", "network"),
    "deployment": ("Deployment", "server"),
    "storage-account": ("Storage account", "database"),
    "reserved-ip": ("Reserved IP", "map-pin"),
    "network-security-group": ("Network security group", "shield"),
    "route-table": ("Route table", "route"),
}


def chip(kind: str, value: object) -> Chip:
    """The row for a state; enum members and plain strings alike. Raises UnknownStatus."""
    text = str(getattr(value, "value", value) or "")
    try:
        return CHIPS[kind][text]
    except KeyError:
        raise UnknownStatus(kind, text) from None
