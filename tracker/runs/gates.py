"""What stands between a run and Prepare or Commit: every gate with its state and sentence. The one source for the page,
the API and the engine (`queries.why_not` is the first gate that is not green).

The facts are read in one statement; judging them is arithmetic.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import connection

from migrator import durations, windows
from migrator import order as ranks
from migrator.durations import Estimate
from migrator.lifecycle import State
from migrator.resources import Verb
from migrator.windows import Room, Span
from tracker.runs import fitting, seals
from tracker.runs.fitting import Allowed
from tracker.runs.models import Purpose, Run
from tracker.waves import order as orders
from tracker.waves import queries as waves
from tracker.waves.models import Approval
from tracker.waves.queries import ApprovalState

# Rows of the usages lists without which nobody can say whether a unit fits; the spelling of the others is [K].
COUNTED = "cores"
REHEARSAL = "This run is a rehearsal: it ends with Abort and is never committed. Start a migration from the wave."


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
class Planned:
    """A planned freeze that is not over."""

    scope: str
    begins: datetime
    ends: datetime
    zone: str
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gates are judged by, as of one statement."""

    freezes: tuple[tuple[str, str], ...]  # scope, reason
    windows: tuple[tuple[datetime, datetime, str], ...]  # opens, closes, zone it was said in; by opening
    quota: tuple[QuotaFact, ...]
    open_differences: int
    planned: tuple[Planned, ...] = ()  # not over; by begin
    allowed: tuple[Allowed, ...] = ()

    def frozen(self, run: Run, verb: str) -> tuple[str, str] | None:
        scopes = _scopes(run, verb)
        return next((freeze for freeze in self.freezes if freeze[0] in scopes), None)

    def planned_for(self, run: Run, verb: str) -> list[Planned]:
        """Planned freezes that stop this verb of this run, by their begin."""
        scopes = _scopes(run, verb)
        return [each for each in self.planned if each.scope in scopes]

    def open_window(self, now: datetime) -> tuple[datetime, datetime, str] | None:
        return max((w for w in self.windows if w[0] <= now < w[1]), key=lambda w: w[1], default=None)

    def next_window(self, now: datetime) -> tuple[datetime, datetime, str] | None:
        return next((w for w in self.windows if w[0] > now), None)

    def room(self, run: Run, verb: str, need: timedelta, now: datetime) -> Room:
        """What is left of the windows of the wave for this verb, planned freezes cut out."""
        gaps = [Span(each.begins, each.ends) for each in self.planned_for(run, verb)]
        return windows.room(need, [Span(opens, closes) for opens, closes, _ in self.windows], gaps, now)

    def zone_of(self, at: datetime) -> str:
        """The zone of the window that holds an instant."""
        return next((zone for opens, closes, zone in self.windows if opens <= at < closes), "UTC")


def _scopes(run: Run, verb: str) -> list[str]:
    return waves.scopes(run.unit.subscription_id, verb, region=run.unit.region, wave=run.wave_id)


_FACTS = """
SELECT 'freeze', scope, reason, NULL::timestamptz, NULL::timestamptz, 0::bigint, NULL::bigint, NULL::bigint, FALSE, ''
  FROM tracker_freeze WHERE frozen
UNION ALL
SELECT 'window', '', '', opens_at, closes_at, 0, NULL, NULL, FALSE, zone FROM tracker_window WHERE wave_id = %(wave)s
UNION ALL
SELECT 'planned', scope, reason, begins_at, ends_at, 0, NULL, NULL, FALSE, zone FROM tracker_plannedfreeze
 WHERE withdrawn_at IS NULL AND ends_at > clock_timestamp()
UNION ALL
SELECT 'allowed', verb, reason, at, NULL, 0, NULL, NULL, FALSE, by FROM tracker_overrun WHERE run_id = %(run)s
UNION ALL
SELECT 'quota', r.region, r.name, NULL, NULL, r.amount, q."limit", q.current,
       %(locked)s::timestamptz IS NOT NULL AND q.read_at > %(locked)s::timestamptz, ''
  FROM tracker_reservation r
  LEFT JOIN tracker_usage q ON q.subscription_id = r.subscription_id AND lower(q.region) = lower(r.region)
       AND lower(q.provider) = lower(r.provider) AND lower(q.name) = lower(r.name)
 WHERE r.unit_id = %(unit)s
UNION ALL
SELECT 'differences', '', '', NULL, NULL, count(*), NULL, NULL, FALSE, '' FROM tracker_difference
 WHERE run_id = %(run)s AND kind IN ('unexpected', 'unread') AND disposed_at IS NULL
"""


def facts(run: Run) -> Facts:
    """Freezes, windows, planned freezes, quota and open differences of a run (with its unit), in one query."""
    given = {"wave": run.wave_id, "unit": run.unit_id, "run": run.pk, "locked": run.unit.locked_since}
    found: dict[str, list[tuple]] = {
        kind: [] for kind in ("freeze", "window", "planned", "allowed", "quota", "differences")
    }
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, given)
        for kind, *row in cursor.fetchall():
            found[kind].append(tuple(row))
    return Facts(
        freezes=tuple(sorted(((r[0], r[1]) for r in found["freeze"]), key=lambda f: (f[0] != "all", f[0]))),
        windows=tuple(sorted((r[2], r[3], r[8]) for r in found["window"])),
        quota=tuple(sorted((QuotaFact(r[0], r[1], *r[4:8]) for r in found["quota"]), key=lambda q: (q.region, q.name))),
        open_differences=found["differences"][0][4],
        planned=tuple(
            sorted((Planned(r[0], r[2], r[3], r[8], r[1]) for r in found["planned"]), key=lambda p: (p.begins, p.scope))
        ),
        allowed=tuple(Allowed(r[0], r[8], r[2], r[1]) for r in found["allowed"]),
    )


def stopping(run: Run, verb: Verb, known: Facts) -> Gate:
    """Freeze, hold, stopped line: what stops every verb alike."""
    name = "Nothing stops it"
    freeze = known.frozen(run, verb)
    if freeze is not None:
        return Gate(name, GateState.RED, f"Frozen ({freeze[0]}): {freeze[1]}", "frozen")
    if run.held_at is not None:
        return Gate(name, GateState.RED, "This run is on hold; resume it to go on.", "held")
    if run.wave.stopped_at is not None:
        said = f"The line of wave “{run.wave.name}” is stopped: {run.wave.stop_reason}"
        return Gate(name, GateState.RED, said, "stopped")
    return Gate(name, GateState.GREEN, "No freeze, no hold, and the line of the wave is not stopped.")


def order(run: Run, verb: Verb) -> Gate:
    """What goes before the unit is through. Validate of a storage account waits too: Azure would only say the same."""
    name = "Its turn"
    if not ranks.rank(run.unit.kind) or (verb is Verb.VALIDATE and run.unit.kind in ranks.UNATTACHED):
        return Gate(name, GateState.GREEN, "Nothing has to go before it.")
    said, _ = orders.waits(run.unit)
    if said:
        return Gate(name, GateState.AMBER, said, "order")
    return Gate(name, GateState.GREEN, "Nothing that has to go before it is left.")


def window(run: Run, verb: Verb, known: Facts, now: datetime) -> Gate:
    """A window of the wave is open, and no planned freeze goes on."""
    name = "Window open"
    going = next((each for each in known.planned_for(run, verb) if each.begins <= now < each.ends), None)
    if going is not None:
        said = f"A planned freeze goes on until {_moment(going.ends, going.zone)}: {going.reason}"
        return Gate(name, GateState.RED, said, "planned-freeze")
    found = known.open_window(now)
    if found is not None:
        return Gate(name, GateState.GREEN, f"Open until {_moment(found[1], found[2])}.")
    coming = known.next_window(now)
    when = f"the next one opens {_moment(coming[0], coming[2])}" if coming else "no window is planned"
    said = f"The window of wave “{run.wave.name}” is closed; {when}."
    return Gate(name, GateState.AMBER if coming else GateState.RED, said, "window-closed")


def _moment(at: datetime, zone: str) -> str:
    """`2026-12-05 21:00 UTC`, and the local words before it where it was said in another zone."""
    plain = f"{at:%Y-%m-%d %H:%M} UTC"
    return plain if zone == "UTC" else f"{windows.words(at, windows.zone(zone))} ({plain})"


def fits(run: Run, verb: Verb, known: Facts, now: datetime) -> Gate:
    """Can be expected to end before the window closes and before a planned freeze begins, from what the verb took for
    other units. One query for the size of the unit and one for the measurements."""
    name = "Fits into the window"
    if verb is Verb.COMMIT and run.commit_armed_at is not None:
        return Gate(name, GateState.GREEN, "Commit was sent; it is brought to its end whatever the time.")
    allowed = next((each for each in known.allowed if each.verb == verb), None)
    if allowed is not None:
        said = f"It may start though it may end after the window; allowed {allowed.at:%Y-%m-%d %H:%M} UTC"
        return Gate(name, GateState.GREEN, f"{said}: {allowed.reason}")
    size = fitting.sizes([run.unit_id])[run.unit_id]
    found = fitting.estimate(verb.value, run.unit.kind, size)
    if found is None:
        return Gate(name, GateState.GREEN, durations.unmeasured(verb.value))
    return _fits(run, verb, known, now, found)


def _fits(run: Run, verb: Verb, known: Facts, now: datetime, found: Estimate) -> Gate:
    name = "Fits into the window"
    room = known.room(run, verb, found.need, now)
    needs = (
        f"{verb.value.capitalize()} needs about {durations.words(found.p90)} ({found.basis(verb.value)}) "
        f"and {durations.words(found.margin)} of margin"
    )
    left = room.left.closes - now if room.left is not None else None
    if left is not None and left >= found.need:
        return Gate(name, GateState.GREEN, f"{needs}; {durations.words(left)} are left.")
    if room.fits is None:
        said = f"{needs}; the longest time that is left in any window is {durations.words(room.longest)}"
        said = f"{said}. Plan a longer window, or let it start all the same."
        return Gate(name, GateState.RED, said, "fits-no-window")
    when = _moment(room.fits.opens, known.zone_of(room.fits.opens))
    if left is None or room.left is None:
        return Gate(name, GateState.GREEN, f"{needs}; it fits from {when}.")
    until = _moment(room.left.closes, known.zone_of(room.left.closes - timedelta(seconds=1)))
    said = f"{needs}; {durations.words(left)} are left until {until}. It starts by itself {when}, where it fits."
    return Gate(name, GateState.AMBER, said, "would-overrun")


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
    if run.purpose == Purpose.REHEARSAL:
        return Gate(name, GateState.RED, REHEARSAL, "rehearsal")
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
        window(run, Verb.COMMIT, known, now),
        observed(run),
        differences(known),
        quota(known),
        commit_approval(run, approval, now),
        fits(run, Verb.COMMIT, known, now),
    ]


def prepare_gates(run: Run, known: Facts, approval: Approval | None, now: datetime) -> list[Gate]:
    return [
        stopping(run, Verb.PREPARE, known),
        *([order(run, Verb.PREPARE)] if ranks.rank(run.unit.kind) else []),
        window(run, Verb.PREPARE, known, now),
        quota(known),
        wave_approval(run, approval, now),
        fits(run, Verb.PREPARE, known, now),
    ]


def first_closed(gates: Iterable[Gate]) -> tuple[str, str] | None:
    """(code, sentence) of the first gate that is not green."""
    return next(((gate.code, gate.sentence) for gate in gates if not gate.open), None)
