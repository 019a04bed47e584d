"""The three sentences on top of the overview: what changed, what is at risk, what to do next. Made of rows only.

Pure but for addresses: everything counted or read is an argument.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from migrator.lifecycle import Health, State
from migrator.readiness import Verdict
from tracker.accounts.models import User
from tracker.inventory import queries as inventory
from tracker.waves.models import Approval
from tracker.web.programme import NOT_BEGUN, READY, UNDER_WAY, Flow, Held, WaveRow, address, is_for, values

SOON = 48 * 3600  # seconds before a window opens in which a missing approval is a risk


@dataclass(slots=True)
class Sentence:
    """One of the three on top: pieces of text, some of which lead somewhere."""

    label: str
    icon: str
    hue: str
    pieces: list[tuple[str, str]] = field(default_factory=list)

    def say(self, text: str, url: str = "") -> "Sentence":
        self.pieces.append((text, url))
        return self


def many(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def joined(clauses: Sequence[tuple[str, str]], sentence: Sentence) -> Sentence:
    """Clauses as one sentence: a, b and c."""
    for place, (text, url) in enumerate(clauses):
        if place:
            sentence.say(" and " if place == len(clauses) - 1 else ", ")
        sentence.say(text[0].upper() + text[1:] if not place else text, url)
    return sentence.say(".")


def _ways(recent: Mapping[str, int]) -> list[tuple[str, str]]:
    """What moved lately, the weightiest first."""
    clauses = []
    for after, words in (("committed", "committed"), ("prepared", "prepared"), ("aborting", "taken back to classic")):
        if number := recent.get(f"moved.{after}", 0):
            clauses.append((f"{many(number, 'unit')} {words}", address("runs")))
    if number := recent.get("approval.approved", 0):
        clauses.append((f"{many(number, 'approval')} given", address("approvals")))
    if number := recent.get("approval.rejected", 0):
        clauses.append((f"{many(number, 'approval')} refused", address("approvals")))
    if number := recent.get("wave.unit_placed", 0):
        clauses.append((f"{many(number, 'unit')} placed in waves", address("waves")))
    if number := recent.get("unit.found", 0):
        clauses.append((f"{many(number, 'unit')} found", address("inventory", sort="-changed")))
    if number := recent.get("inventory.unit_gone", 0):
        clauses.append((f"{many(number, 'unit')} gone from Azure", address("inventory", gone="only")))
    if number := recent.get("followup.closed", 0):
        clauses.append((f"{many(number, 'follow-up')} closed", address("follow_ups")))
    return clauses


def changed(recent: Mapping[str, int]) -> Sentence:
    said = Sentence("What changed", "history", "neutral")
    if clauses := _ways(recent):
        lead = [("in the last 24 hours " + clauses[0][0], clauses[0][1]), *clauses[1:4]]
        return joined(lead, said)
    return said.say("Nothing changed in the last 24 hours.")


def at_risk(
    held: Held,
    rows: Sequence[WaveRow],
    failed_readings: Sequence[str],
    now: datetime,
    soon: float = 48 * 3600,
) -> Sentence:
    """The gravest first: runs that stand still, waves that are not ready for their window, readings that failed."""
    clauses: list[tuple[str, str]] = []
    standing = held.standing_count
    if standing == 1:
        [unit] = held.standing
        clauses.append((f"the run of {unit.name} needs a person", address("run", unit.run_id)))
    elif standing:
        clauses.append((f"{many(standing, 'run')} need a person", address("runs")))
    near = [row for row in rows if row.window in ("open", "upcoming") and row.units and not row.over and row.opens]
    for row in [row for row in near if row.approval != "approved" and (row.opens - now).total_seconds() < SOON][:1]:  # type: ignore[operator]
        what = "is open" if row.window == "open" else "opens within two days"
        clauses.append((f"the window of “{row.wave.name}” {what} without an approval", address("wave", row.wave.pk)))
    for row in [row for row in near if row.health in (Health.BLOCKED, Health.AT_RISK) and not standing][:1]:
        clauses.append((f"“{row.wave.name}” has units that are {row.health}", address("wave", row.wave.pk)))
    if failed_readings:
        more = f" and {len(failed_readings) - 1} more" if len(failed_readings) > 1 else ""
        clauses.append((f"{failed_readings[0]}{more} could not be read, so its facts are old", address("inventory")))
    if not clauses and held.locked_count:
        text = f"{many(held.locked_count, 'unit is', 'units are')} locked in Azure until Commit or Abort"
        clauses.append((text, address("inventory", progress=values(UNDER_WAY))))
    said = Sentence("At risk", "triangle-alert", "stop" if standing or failed_readings else "attention")
    if clauses:
        return joined(clauses[:3], said)
    said.icon, said.hue = "circle-check", "good"
    return said.say("Nothing stands still: no run needs a person, no lock is held, every reading succeeded.")


def next_step(
    user: User, numbers: Flow, decisions: Sequence[Approval], rows: Sequence[WaveRow], blockers: Sequence[Any]
) -> Sentence:
    """The one thing worth doing now, first of all for the person who looks."""
    said = Sentence("Do next", "arrow-right", "progress")
    mine = [row for row in decisions if is_for(row, user)]
    if mine:
        oldest = mine[0]
        what = oldest.unit.name if oldest.unit else f"“{oldest.wave.name}”"
        text = f"decide {'the commit of ' if oldest.unit else ''}{what}"
        joined([(text, address("approval", oldest.pk))], said)
        return said.say(f" {many(len(mine), 'approval waits', 'approvals wait')} for you." if len(mine) > 1 else "")
    unsubmitted = [row for row in rows if row.units and not row.over and row.approval == "none"]
    if numbers.scope == 0:
        return said.say("Sync a subscription: nothing is known of any estate yet.")
    if unsubmitted:
        row = unsubmitted[0]
        why = "give it a window and submit it" if row.window in ("none", "past") else "submit it for approval"
        return joined(
            [(f"“{row.wave.name}” holds {many(row.units, 'unit')}; {why}", address("wave", row.wave.pk))], said
        )
    if numbers.unplaced_ready:
        url = address("inventory", verdict=values(READY), progress=State.ASSESSED.value, wave=inventory.NOBODY)
        verb = "is" if numbers.unplaced_ready == 1 else "are"
        return joined([(f"{many(numbers.unplaced_ready, 'unit')} {verb} ready and in no wave; place them", url)], said)
    if blockers and blockers[0].frees:
        first = blockers[0]
        title = first.rule.title if first.rule else first.rule_id
        freed = many(first.frees, "unit that nothing else blocks", "units that nothing else blocks")
        return joined([(f"clear “{title}”, which frees {freed}", address("rule", first.rule_id))], said)
    if numbers.unknown:
        url = address("inventory", verdict=Verdict.UNKNOWN.value, progress=values(NOT_BEGUN))
        return joined(
            [(f"settle what is unknown of {many(numbers.unknown, 'unit')}; Validate answers most of it", url)], said
        )
    if numbers.done == numbers.scope:
        return said.say("Everything in scope is committed; close what is left of the follow-ups.")
    return said.say("Nothing waits for a decision.")
