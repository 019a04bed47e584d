"""What is next for a unit and what stands in its way: one sentence, one action, and the list of causes. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from migrator.lifecycle import State
from tracker.inventory.models import Unit
from tracker.readiness.models import Finding
from tracker.readiness.queries import rule_or_none
from tracker.runs.models import Run
from tracker.web.programme import address

SHOWN = 8


@dataclass(frozen=True, slots=True)
class Step:
    """`label` empty: there is nothing to press. `url`: a page to open; `post`: an address to post to; `menu`: the page
    offers the choice of a wave itself. `why_not`: shown off, with this reason."""

    sentence: str
    label: str = ""
    icon: str = "arrow-right"
    url: str = ""
    post: str = ""
    menu: bool = False
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """What is known around a unit, read by the view."""

    unit: Unit
    run: Run | None  # the live one
    blockers: Sequence[Finding]
    open_follow_ups: int
    plan_why_not: str
    objections: Sequence[str] = field(default=())


def next_step(around: Around) -> Step:
    unit, run = around.unit, around.run
    state = State(unit.progress)
    settled = state in (State.COMMITTED, State.VERIFIED)
    if run is not None and not (settled and around.open_follow_ups and not run.attention):
        return _of_run(unit, run)
    if state is State.EXCLUDED:
        said = "It is excluded from the programme. Its history in Inventory says why."
        url = address("unit_include", unit.pk)
        return Step(said, "Take back in", "undo-2", post=url, why_not=around.plan_why_not)
    if settled:
        if around.open_follow_ups:
            number = around.open_follow_ups
            said = f"{number} follow-up{'s' * (number != 1)} still to be rebuilt and seen in Resource Manager."
            return Step(said, "Open follow-ups", "list-todo", url=address("unit_tab", unit.pk, "follow-ups"))
        return Step("Committed; it is read again to see that it stays as expected.")
    if state is State.CLOSED:
        return Step("Nothing: it is in Resource Manager, verified, and every follow-up was seen.")
    if unit.gone_at is not None:
        return Step("It is no longer listed in Azure; nothing of it can be moved. The history says when it went.")
    if state is State.DISCOVERED:
        return Step("It waits for its assessment, which follows every reading of its subscription.")
    if state in (State.PLANNED, State.VALIDATED):
        wave = unit.placement.wave
        url = address("wave", wave.pk)
        said = f"It stands in “{wave.name}”. Submit the wave, have it approved, then start the run there."
        return Step(said, "Open wave", "waves-horizontal", url=url)
    return _place(around)


def _of_run(unit: Unit, run: Run) -> Step:
    url = address("run", run.pk)
    if run.attention:
        return Step("Its run stands still and needs a person.", "Open run", "activity", url=url)
    said = run.waiting_for or f"Its run is {run.state}; the engine goes on by itself."
    return Step(said, "Open run", "activity", url=url)


def _place(around: Around) -> Step:
    number = len({finding.rule for finding in around.blockers})
    why_not = around.plan_why_not or (around.objections[0] if around.objections else "")
    if number:
        which = "the rule which blocks" if number == 1 else f"the {number} rules which block"
        said = f"Clear {which} it, then sync. After that it can be placed in a wave."
    else:
        said = "Place it in a wave. Everything the platform moves along comes with it."
    return Step(said, "Place in wave", "waves-horizontal", menu=not why_not, why_not=why_not)


def blocked_by(around: Around) -> list[dict[str, Any]]:
    """For `parts/blocked_by.html`: what stops the unit, the run first, then rules, each leading to its place."""
    unit, run = around.unit, around.run
    found: list[dict[str, Any]] = []
    if run is not None and run.attention:
        found.append({"text": run.attention, "url": address("run", run.pk), "icon": "hand"})
    elif run is not None and run.held_at is not None:
        text = "Its run is on hold; somebody has to resume it."
        found.append({"text": text, "url": address("run", run.pk), "hue": "attention", "icon": "circle-pause"})
    if run is not None and run.wave.stopped_at is not None:
        text = f"The line of “{run.wave.name}” is stopped: {run.wave.stop_reason}"
        found.append({"text": text, "url": address("wave", run.wave_id), "icon": "octagon-x"})
    seen = _by_rule(around.blockers)
    for rule, names in seen[:SHOWN]:
        known = rule_or_none(rule)
        where = "" if names == [unit.name] else f" ({', '.join(names[:3])}{' …' if len(names) > 3 else ''})"
        url = f"{address('unit', unit.pk)}#rule-{rule}"
        found.append({"text": f"{known.title if known else rule}{where}", "url": url})
    if (more := len(seen) - SHOWN) > 0:
        found.append({"text": f"and {more} more rules", "url": f"{address('unit', unit.pk)}#effect-blocks"})
    return found


def _by_rule(blockers: Iterable[Finding]) -> list[tuple[str, list[str]]]:
    rules: dict[str, list[str]] = {}
    for finding in blockers:
        rules.setdefault(finding.rule, []).append(finding.resource_name)
    return list(rules.items())
