"""What people do with a whole wave at once, and the approval of a commit.

Each unit is asked for itself: what cannot go is named, the others go.
"""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from migrator import order
from migrator.lifecycle import State
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.crash import crashpoint
from tracker.inventory.models import Unit
from tracker.runs import seals
from tracker.runs.actions.people import NotYet, RunError, ask, start
from tracker.runs.models import AskVerb, Purpose, Run
from tracker.waves import actions as waves
from tracker.waves import queries as wave_queries
from tracker.waves.models import Approval, Decision, Wave


@dataclass(slots=True)
class Together:
    """What became of a wish for many units: the runs it reached, and (unit name, sentence) for those it did not."""

    runs: list[Run] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)


def start_all(wave: Wave, *, by: User, now: datetime, purpose: Purpose = Purpose.MIGRATION) -> Together:
    """Start, or rehearse, every planned unit of a wave that has no live run. Raises NotYet when not one
    could be started."""
    check(by, Permission.OPERATE, ("wave", str(wave.pk)), now)
    done = Together()
    with transaction.atomic():
        live = Run.objects.filter(unit=OuterRef("pk"), ended_at__isnull=True)
        units = Unit.objects.filter(~Exists(live), placement__wave=wave, progress=State.PLANNED)
        for unit in sorted(units, key=_turn):
            try:
                done.runs.append(start(unit, by=by, now=now, purpose=purpose))
            except RunError as error:
                done.left_out.append((unit.name, str(error)))
        _someone(done, "No unit of this wave is planned and waits for its start.")
    return done


def ask_all(wave: Wave, verb: AskVerb, *, by: User, now: datetime, reason: str = "") -> Together:
    """The same wish for every live run of a wave whose state it follows from: Prepare for the validated ones. Commit is
    asked for one by one. Raises NotYet when not one run could be asked."""
    check(by, Permission.OPERATE, ("wave", str(wave.pk)), now)
    if verb != AskVerb.PREPARE:
        raise NotYet(f"{AskVerb(verb).label} is asked for unit by unit.")
    done = Together()
    with transaction.atomic():
        runs = Run.objects.filter(wave=wave, ended_at__isnull=True, state=State.VALIDATED).select_related(
            "unit", "wave"
        )
        for run in sorted(runs, key=lambda run: _turn(run.unit)):
            try:
                ask(run, verb, by=by, now=now, reason=reason)
                done.runs.append(run)
            except RunError as error:
                done.left_out.append((run.unit.name, str(error)))
        _someone(done, "No unit of this wave is validated and waits for Prepare.")
    return done


def _turn(unit: Unit) -> tuple[int, str]:
    """What goes first comes first; what waits for it is asked for too, and waits by itself."""
    return order.rank(unit.kind), unit.name


def _someone(done: Together, nobody: str) -> None:
    if not done.runs:
        raise NotYet(done.left_out[0][1] if done.left_out else nobody)


def approve(approval: Approval, *, digest: str, reason: str = "", by: User, now: datetime) -> Decision:
    """`waves.actions.approve`, and for a commit also: what the seal covers is still so now. Raises PlanChanged."""
    if approval.kind == Approval.Kind.COMMIT:
        check(by, Permission.APPROVE, ("approval", str(approval.pk)), now)
    with transaction.atomic():
        if approval.kind == Approval.Kind.COMMIT and wave_queries.approval_state(approval, now) == "pending":
            run = Run.objects.select_for_update(of=("self",)).select_related("unit", "wave").get(pk=approval.run_id)
            drift = seals.commit_drift(approval, run)
            if drift:
                raise waves.PlanChanged(
                    "Something moved since this approval was asked for; it has to be asked for again.", drift
                )
        decision = waves.approve(approval, digest=digest, reason=reason, by=by, now=now)
        crashpoint("C05", approval.kind)
    crashpoint("C06", approval.kind)
    return decision
