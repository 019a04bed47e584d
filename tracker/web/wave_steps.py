"""What a person can do with a wave now: the one primary action and what stands beside it, each with why not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from migrator.lifecycle import State
from tracker.accounts.permissions import Permission
from tracker.runs import validations
from tracker.runs import wave_gates as gates
from tracker.runs.wave_gates import WAITING, Step
from tracker.web.permits import Permits
from tracker.web.wave_board import Summary
from tracker.web.wave_grid import Row

# ids of the dialogs
PREPARE, REHEARSE, STOP, RESUME, WITHDRAW = "prepare-all", "rehearse-all", "stop-line", "resume-line", "withdraw"


@dataclass(slots=True)
class Act:
    """One button. `url` with `post`: a form; without: a link; `dialog`: opens a parts/confirm.html."""

    label: str
    url: str = ""
    post: bool = False
    dialog: str = ""
    why_not: str = ""
    icon: str = ""
    look: str = ""
    hidden: list[tuple[str, Any]] = field(default_factory=list)


def primary(summary: Summary, permits: Permits, rows: Sequence[Row] = ()) -> tuple[str, Act | None]:
    """The sentence of the next step, and its button if a person does it. With `rows`, a step that concerns one unit
    leads to its run."""
    step, sentence = gates.next_step(summary.facts)
    act = _on_one_run(step, rows) or _act(step, summary, permits)
    if act is not None and not act.look:
        act.look = "primary"
    return sentence, act


def _on_one_run(step: Step, rows: Sequence[Row]) -> Act | None:
    runs = [row for row in rows if row.run is not None and row.run.ended_at is None]
    prepared = [row for row in runs if row.run.state == State.PREPARED]
    concerned = {
        Step.LOOK: [row for row in runs if row.run.attention],
        Step.COMPARE: [row for row in prepared if row.run.open_differences],
        Step.COMMIT: [row for row in prepared if row.run.commit_approval == "approved"],
        Step.ASK_COMMIT: [row for row in prepared if not row.run.commit_approval],
    }.get(step, [])
    if len(concerned) != 1:
        return None
    return Act(f"Open the run of {concerned[0].unit.name}", concerned[0].url, icon="activity")


def _act(step: Step, summary: Summary, permits: Permits) -> Act | None:
    wave, facts = summary.wave, summary.facts
    plan = reverse("wave_plan", args=[wave.pk])
    runs = f"{reverse('runs')}?wave={wave.pk}"
    match step:
        case Step.PLACE:
            return Act("Place units", f"{plan}#place", why_not=permits.why_not(Permission.PLAN), icon="boxes")
        case Step.WINDOW:
            return Act("Set window", f"{plan}#window", why_not=permits.why_not(Permission.PLAN), icon="calendar-clock")
        case Step.OWNER:
            return Act("Name an owner", f"{plan}#details", why_not=permits.why_not(Permission.PLAN), icon="pencil-line")
        case Step.CLEAR:
            blocked = f"{reverse('inventory')}?wave={wave.pk}&verdict=blocked"
            return Act("See what blocks", blocked if facts.blocked else f"{plan}#units", icon="ban")
        case Step.SUBMIT:
            return _submit(summary, permits, "Submit again" if facts.approval else "Submit wave")
        case Step.DECIDE:
            return _decide(summary, permits)
        case Step.RESUME:
            return Act("Resume…", dialog=RESUME, why_not=permits.why_not(Permission.OPERATE), icon="play")
        case Step.START:
            return start(summary, permits)
        case Step.PREPARE:
            return prepare(summary, permits)
        case Step.LOOK:
            return Act("Look at the run", f"{runs}&standing=attention", icon="activity")
        case Step.COMPARE | Step.ASK_COMMIT | Step.COMMIT:
            return Act("Open the runs", runs, icon="activity")
        case Step.DECIDE_COMMIT:
            url = f"{reverse('approvals')}?tab=all&wave={wave.pk}"
            return Act("Open approvals", url, icon="clipboard-check")
        case Step.FOLLOW_UPS:
            return Act("Open follow-ups", f"{reverse('follow_ups')}?wave={wave.pk}", icon="list-todo")
    return None


def _submit(summary: Summary, permits: Permits, label: str) -> Act:
    url = reverse("wave_submit", args=[summary.wave.pk])
    return Act(label, url, post=True, why_not=permits.why_not(Permission.PLAN), icon="send")


def _decide(summary: Summary, permits: Permits) -> Act | None:
    approval = summary.approval
    if approval is None:
        return None
    mine = permits.user.pk in (approval.requester_id, approval.editor_id)
    can = permits.may(Permission.APPROVE) and not mine
    label = "Review and decide" if can else "See what was submitted"
    url = reverse("approval", args=[approval.pk])
    return Act(label, url, icon="clipboard-check", look="primary" if can else "plain")


def start(summary: Summary, permits: Permits) -> Act:
    waiting = summary.facts.count(State.PLANNED) - summary.facts.started
    label = f"Start {waiting} units" if waiting > 1 else "Start the unit"
    url = reverse("wave_start", args=[summary.wave.pk])
    return Act(label, url, post=True, why_not=permits.why_not(Permission.OPERATE), icon="play")


def rehearse(summary: Summary, permits: Permits) -> Act:
    """Prepare, compare and abort every planned unit, or why not."""
    waiting = summary.facts.count(State.PLANNED) - summary.facts.started
    label = f"Rehearse {waiting} units…" if waiting > 1 else "Rehearse the unit…"
    return Act(label, dialog=REHEARSE, why_not=permits.why_not(Permission.OPERATE), icon="undo-2", look="quiet")


def prepare(summary: Summary, permits: Permits) -> Act:
    """Prepare every validated unit, or why not."""
    facts = summary.facts
    ready = facts.count(State.VALIDATED)
    label = f"Prepare {ready} validated units…" if ready > 1 else "Prepare the validated unit…"
    return Act(label, dialog=PREPARE, why_not=_no_prepare(summary) or permits.why_not(Permission.OPERATE), icon="lock")


def _no_prepare(summary: Summary) -> str:
    facts = summary.facts
    if facts.stopped:
        return f"The line is stopped: {facts.stopped}"
    if facts.frozen:
        return f"Frozen: {facts.frozen}"
    if facts.approval != "approved":
        return "The wave is not approved."
    if summary.moved and len(summary.moved) >= facts.count(*WAITING):
        return "What was approved no longer matches; submit the wave again."
    said = {gate.name: gate.sentence for gate in gates.gates(facts)}
    if facts.window != "open":
        return said["window"]
    if summary.short:
        return said["quota"]
    return ""


def beside(summary: Summary, permits: Permits, main: Act | None) -> list[Act]:
    """What else can be done now. Nothing that is the primary action already, nothing that makes no sense yet."""
    facts = summary.facts
    found = []
    approved = facts.approval == "approved"
    if approved and facts.drift:
        found.append(_submit(summary, permits, "Submit again"))
    if approved and facts.count(State.PLANNED) > facts.started:
        found.append(start(summary, permits))
        found.append(rehearse(summary, permits))
    if facts.count(State.VALIDATED):
        found.append(prepare(summary, permits))
    if facts.count(*validations.CLASSIC):
        url = f"{reverse('validation_new')}?scope=wave:{summary.wave.pk}"
        found.append(Act("Validate…", url, icon="list-checks", look="quiet"))  # the page says who may
    if facts.approval == "pending":
        found.append(
            Act("Withdraw…", dialog=WITHDRAW, why_not=permits.why_not(Permission.PLAN), icon="undo-2", look="quiet")
        )
    if facts.stopped:
        found.append(Act("Resume…", dialog=RESUME, why_not=permits.why_not(Permission.OPERATE), icon="play"))
    elif approved and not facts.done:
        found.append(Act("Stop the line…", dialog=STOP, why_not=permits.why_not(Permission.FREEZE), icon="octagon-x"))
    taken = (main.url, main.dialog) if main is not None else ("", "")
    return [act for act in found if (act.url, act.dialog) != taken]
