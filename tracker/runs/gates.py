"""What stands between a run and Prepare or Commit: every gate with its state and sentence. The one source for the page,
the API and the engine (`queries.why_not` is the first gate that is not green).

The facts are read in one statement; judging them is arithmetic.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import connection

from migrator.lifecycle import State
from migrator.resources import Verb
from tracker.runs import seals
from tracker.runs.models import Run
from tracker.waves import queries as waves
from tracker.waves.models import Approval
from tracker.waves.queries import ApprovalState

# Rows of the usages lists without which nobody can say whether a unit fits; the spelling of the others is [K].
COUNTED = "cores"


class GateState(StrEnum):
    GREEN = "green"
    AMBER = "amber"  # waits for somebody or for a time
    RED = "red"  # stops here until the named cause is removed


@dataclass(frozen=True, slots=True)
class Gate:
    """`code`: machine-readable reason while it is not green (a run's `waiting_code`). `sentence`: what is, then what to
    do."""

    name: str
    state: GateState
    sentence: str
    code: str = ""

    @property
    def open(self) -> bool:
        return self.state is GateState.GREEN


@dataclass(frozen=True, slots=True)
class QuotaFact:
    """One reservation of the unit beside its usages row; None where that row was never read. `counted`: the reading is
    younger than the lock, so Azure counts the prepared copy already [I]."""

    region: str
    name: str
    amount: int
    limit: int | None
    current: int | None
    counted: bool

    @property
    def short(self) -> int | None:
        if self.limit is None or self.current is None:
            return None
        return max(0, self.current + (0 if self.counted else self.amount) - self.limit)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gates are judged by, as of one statement."""

    freezes: tuple[tuple[str, str], ...]  # scope, reason
    windows: tuple[tuple[datetime, datetime], ...]  # opens, closes; by opening
    quota: tuple[QuotaFact, ...]
    open_differences: int

    def frozen(self, subscription_id: str, verb: str) -> tuple[str, str] | None:
        scopes = ("all", f"subscription:{subscription_id}", f"verb:{verb}")
        return next((freeze for freeze in self.freezes if freeze[0] in scopes), None)

    def open_window(self, now: datetime) -> tuple[datetime, datetime] | None:
        return max((w for w in self.windows if w[0] <= now < w[1]), key=lambda w: w[1], default=None)

    def next_window(self, now: datetime) -> tuple[datetime, datetime] | None:
        return next((w for w in self.windows if w[0] > now), None)


_FACTS = """
SELECT 'freeze', scope, reason, NULL::timestamptz, NULL::timestamptz, 0::bigint, NULL::bigint, NULL::bigint, FALSE
  FROM tracker_freeze WHERE frozen
UNION ALL
SELECT 'window', '', '', opens_at, closes_at, 0, NULL, NULL, FALSE FROM tracker_window WHERE wave_id = %(wave)s
UNION ALL
SELECT 'quota', r.region, r.name, NULL, NULL, r.amount, q."limit", q.current,
       %(locked)s::timestamptz IS NOT NULL AND q.read_at > %(locked)s::timestamptz
  FROM tracker_reservation r
  LEFT JOIN tracker_usage q ON q.subscription_id = r.subscription_id AND lower(q.region) = lower(r.region)
       AND lower(q.provider) = lower(r.provider) AND lower(q.name) = lower(r.name)
 WHERE r.unit_id = %(unit)s
UNION ALL
SELECT 'differences', '', '', NULL, NULL, count(*), NULL, NULL, FALSE FROM tracker_difference
 WHERE run_id = %(run)s AND kind IN ('unexpected', 'unread') AND disposed_at IS NULL
"""


def facts(run: Run) -> Facts:
    """Freezes, windows, quota and open differences of a run (with its unit), in one query."""
    given = {"wave": run.wave_id, "unit": run.unit_id, "run": run.pk, "locked": run.unit.locked_since}
    found: dict[str, list[tuple]] = {"freeze": [], "window": [], "quota": [], "differences": []}
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, given)
        for kind, *row in cursor.fetchall():
            found[kind].append(tuple(row))
    return Facts(
        freezes=tuple(sorted(((r[0], r[1]) for r in found["freeze"]), key=lambda f: (f[0] != "all", f[0]))),
        windows=tuple(sorted((r[2], r[3]) for r in found["window"])),
        quota=tuple(sorted((QuotaFact(r[0], r[1], *r[4:]) for r in found["quota"]), key=lambda q: (q.region, q.name))),
        open_differences=found["differences"][0][4],
    )


def stopping(run: Run, verb: Verb, known: Facts) -> Gate:
    """Freeze, hold, stopped line: what stops every verb alike."""
    name = "Nothing stops it"
    freeze = known.frozen(run.unit.subscription_id, verb)
    if freeze is not None:
        return Gate(name, GateState.RED, f"Frozen ({freeze[0]}): {freeze[1]}", "frozen")
    if run.held_at is not None:
        return Gate(name, GateState.RED, "This run is on hold; resume it to go on.", "held")
    if run.wave.stopped_at is not None:
        said = f"The line of wave “{run.wave.name}” is stopped: {run.wave.stop_reason}"
        return Gate(name, GateState.RED, said, "stopped")
    return Gate(name, GateState.GREEN, "No freeze, no hold, and the line of the wave is not stopped.")


def window(run: Run, known: Facts, now: datetime) -> Gate:
    found = known.open_window(now)
    if found is not None:
        return Gate("Window open", GateState.GREEN, f"Open until {found[1]:%Y-%m-%d %H:%M} UTC.")
    coming = known.next_window(now)
    when = f"the next one opens {coming[0]:%Y-%m-%d %H:%M} UTC" if coming else "no window is planned"
    said = f"The window of wave “{run.wave.name}” is closed; {when}."
    return Gate("Window open", GateState.AMBER if coming else GateState.RED, said, "window-closed")


def quota(known: Facts) -> Gate:
    """The limits as last read still hold what the unit needs. The unread is never enough (as in reserve)."""
    name = "Quota verified"
    short = [q for q in known.quota if q.short]
    if short:
        said = "; ".join(
            f"{q.name} in {q.region}: {q.short:,} short (limit {q.limit:,}, in use {q.current:,})" for q in short[:3]
        )
        return Gate(name, GateState.RED, f"{said}. Ask for a larger limit on the quota page.", "quota-short")
    unread = [q for q in known.quota if q.short is None]
    if any(q.name == COUNTED for q in unread):
        regions = ", ".join(sorted({q.region for q in unread if q.name == COUNTED}))
        return Gate(name, GateState.RED, f"The limits of {regions} were never read; sync first.", "quota-unread")
    if not known.quota:
        return Gate(name, GateState.GREEN, "Nothing of this unit is counted against a quota.")
    said = f"{len(known.quota) - len(unread)} limits hold what the unit needs"
    if unread:
        said += f"; {len(unread)} that Azure does not list are unknown"
    return Gate(name, GateState.GREEN, f"{said}.")


def observed(run: Run) -> Gate:
    """The platform was seen to be prepared; the engine looks once more before it sends."""
    name = "Platform observed Prepared"
    if run.commit_armed_at is not None:
        return Gate(name, GateState.GREEN, f"It was, when Commit was sent {run.commit_armed_at:%Y-%m-%d %H:%M} UTC.")
    if run.state == State.PREPARED:
        return Gate(name, GateState.GREEN, "Seen on both sides. It is read once more right before Commit is sent.")
    said = f"The unit is {run.state}; Commit follows from prepared."
    return Gate(name, GateState.RED, said, "not-prepared")


def differences(known: Facts) -> Gate:
    name = "No unexpected difference"
    n = known.open_differences
    if n:
        said = "1 unexpected difference waits" if n == 1 else f"{n} unexpected differences wait"
        return Gate(name, GateState.RED, f"{said} for a disposition.", "differences-open")
    return Gate(name, GateState.GREEN, "Both sides were compared; nothing unexpected is open.")


def commit_approval(run: Run, approval: Approval | None, now: datetime) -> Gate:
    """Somebody else agreed, and to exactly what is so now."""
    name = "Approval matches"
    if approval is None:
        said = "Nobody has asked for the approval of this commit yet."
        return Gate(name, GateState.AMBER, said, "commit-not-asked")
    state = waves.approval_state(approval, now)
    if state is not ApprovalState.APPROVED:
        hue = GateState.AMBER if state is ApprovalState.PENDING else GateState.RED
        return Gate(name, hue, f"The approval of this commit is {state}.", "commit-not-approved")
    drift = seals.commit_drift(approval, run)
    if drift:
        said = f"The approval no longer matches: {'; '.join(drift[:3])}"
        return Gate(name, GateState.RED, said, "approval-stale")
    return Gate(name, GateState.GREEN, "Another person agreed to exactly what is so now; the digests are equal.")


def wave_approval(run: Run, approval: Approval | None, now: datetime) -> Gate:
    name = "Wave approved"
    state = waves.approval_state(approval, now) if approval else None
    if approval is None or state is not ApprovalState.APPROVED:
        said = f"Wave “{run.wave.name}” is {state or 'not submitted'}; it has to be approved."
        return Gate(name, GateState.AMBER, said, "wave-not-approved")
    drift = waves.wave_drift(approval, run.unit)
    if drift:
        said = f"The approval of the wave no longer matches: {'; '.join(drift[:3])}"
        return Gate(name, GateState.RED, said, "approval-stale")
    return Gate(name, GateState.GREEN, "Another person agreed to exactly this.")


def commit_gates(run: Run, known: Facts, approval: Approval | None, now: datetime) -> list[Gate]:
    """Everything that must be green at the second Commit is sent. `run` with unit, wave and comparison."""
    return [
        stopping(run, Verb.COMMIT, known),
        window(run, known, now),
        observed(run),
        differences(known),
        quota(known),
        commit_approval(run, approval, now),
    ]


def prepare_gates(run: Run, known: Facts, approval: Approval | None, now: datetime) -> list[Gate]:
    return [
        stopping(run, Verb.PREPARE, known),
        window(run, known, now),
        quota(known),
        wave_approval(run, approval, now),
    ]


def first_closed(gates: Iterable[Gate]) -> tuple[str, str] | None:
    """(code, sentence) of the first gate that is not green."""
    return next(((gate.code, gate.sentence) for gate in gates if not gate.open), None)
