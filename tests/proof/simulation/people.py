"""What people do all day: plan, start, ask, agree, take back, stop, edit. Never an illegal thing by force: they click
what the page offers, at times on a page that is minutes old."""

from dataclasses import replace
from datetime import timedelta

from migrator.lifecycle import ApprovalState, OperationState, Question, State, Vote
from migrator.resources import Verb
from tests.proof.simulation.world import PEOPLE, Ask, Run, Unit, World


def act(world: World) -> None:
    for unit in world.rows.units:
        _look_after(world, unit)
    dice = world.dice
    if world.faults:
        if dice.random() < 0.05:
            person = dice.randrange(1, 5)
            world.rows.active[person] = not world.rows.active[person]
        if dice.random() < 0.06:
            _stop_switch(world)
        if dice.random() < 0.03:
            world.rows.quota = not world.rows.quota
    world.at(dice.uniform(5, 120), lambda: act(world))


def _stop_switch(world: World) -> None:
    if not world.rows.frozen:
        world.freeze(True)
    elif world.rows.lift_asked:
        world.freeze(False)
    else:
        world.rows.lift_asked = True


def _look_after(world: World, unit: Unit) -> None:
    dice, run, chance = world.dice, unit.run, world.dice.random()
    if world.faults and dice.random() < 0.04:
        unit.plan, unit.editor = unit.plan + 1, dice.choice(PEOPLE)
    if unit.approved_plan != unit.plan and dice.random() < 0.5:
        unit.approved_plan = unit.plan
    if run is None:
        if unit.approved_plan == unit.plan and not world.rows.hold:
            unit.runs.append(Run(len(unit.runs) + 1))
        return
    if run.held and (dice.random() < 0.3 or not world.faults):
        run.held = False
    elif world.faults and dice.random() < 0.03:
        run.held = True
    if world.faults and dice.random() < 0.08:
        _cancel(world, run)
    if run.ended:
        return
    match run.state:
        case State.VALIDATED:
            _ask(world, unit, run, Verb.PREPARE)
        case State.PREPARING:
            _after_failure(world, unit, run, Verb.PREPARE)
        case State.ABORTING:
            _after_failure(world, unit, run, Verb.ABORT)
        case State.COMMITTING:
            _after_failure(world, unit, run, Verb.COMMIT)
            if "abort after commit" in world.broken and chance < 0.5:
                _ask(world, unit, run, Verb.ABORT)
        case State.PREPARED:
            _decide_on_commit(world, unit, run, chance)


def _after_failure(world: World, unit: Unit, run: Run, verb: Verb) -> None:
    """The last operation failed, or waits for a person: try again, or go back."""
    last = run.operations[-1] if run.operations else None
    if last is None or last.state not in (OperationState.FAILED, OperationState.OPERATOR):
        return
    back = verb is Verb.PREPARE and world.dice.random() < 0.6
    if _ask(world, unit, run, Verb.ABORT if back else verb) and last.state is OperationState.OPERATOR:
        last.state = OperationState.FAILED


def _decide_on_commit(world: World, unit: Unit, run: Run, chance: float) -> None:
    dice = world.dice
    _after_failure(world, unit, run, Verb.ABORT if run.operations[-1].verb is Verb.ABORT else Verb.COMMIT)
    if run.differences and dice.random() < 0.5:
        run.differences = 0
    if chance < 0.5:
        _agree(world, unit, run)
    elif chance < 0.62 and world.faults and run.votes:
        index = dice.randrange(len(run.votes))
        run.votes[index] = replace(run.votes[index], revoked=True)
    elif chance < 0.85:
        _ask(world, unit, run, Verb.COMMIT)
    elif chance < 0.93 and world.faults:
        _ask(world, unit, run, Verb.ABORT)


def _agree(world: World, unit: Unit, run: Run) -> None:
    """Ask for agreement where none is open that still serves; else somebody reads it now and clicks later."""
    dice, question = world.dice, run.question
    seal = world.seal(unit, run)
    fits = question is not None and question.digest == seal
    state = world.rules.approval_state(question, run.votes, world.now()) if question is not None else None
    withdrawn = state is ApprovalState.PENDING and dice.random() < 0.05  # nobody is left who could agree, or will
    if question is None or not fits or withdrawn or state not in (ApprovalState.PENDING, ApprovalState.APPROVED):
        if run.differences or world.rows.hold:
            return
        run.question = Question(
            digest=seal, requester=dice.choice(PEOPLE), editor=unit.editor, needed=world.rows.needed,
            expires_at=world.now() + timedelta(days=30),
        )  # fmt: skip
        run.votes = []
        world.told[id(run.question)] = f"{unit.id}/{run.number}/{unit.plan}/{world.rows.generation}"
        return
    person, rows = dice.choice(PEOPLE), world.rows

    def click() -> None:
        if world.rows is not rows or run.question is not question or run.ended or not rows.active[person]:
            return
        own = person in (question.requester, question.editor)
        if (own and "self-approval" not in world.broken) or any(vote.person == person for vote in run.votes):
            return
        if question.digest != world.seal(unit, run):  # 409: changed since you opened it
            return
        run.votes.append(Vote(person=person, approved=dice.random() > 0.03, digest=question.digest))

    world.at(dice.uniform(0, 240), click)


def _ask(world: World, unit: Unit, run: Run, verb: Verb) -> bool:
    live = run.live
    if "abort after commit" in world.broken and verb is Verb.ABORT and live and live.verb is Verb.COMMIT:
        live.state = OperationState.FAILED
    elif live is not None or run.waiting is not None or world.rows.hold:
        return False
    if verb not in world.rules.asked_verbs(run.state, commit_armed=run.commit_armed):
        return False
    if world.closed(verb, unit, run) is not None:
        return False
    seal = run.question.digest if verb is Verb.COMMIT and run.question else ""
    run.asks.append(Ask(verb, seal=seal))
    run.due_at = world.now()
    run.enqueued_at = -99.0
    world.ring(unit.id)
    return True


def _cancel(world: World, run: Run) -> None:
    live = run.live
    if live is None and run.waiting is None:
        return
    verb, state, sends = (live.verb, live.state, live.sends) if live else (None, None, 0)
    may = world.rules.cancellable(run.state, verb, state, sends=sends)
    if not may and "cancel races with arming" not in world.broken:
        return
    if live is not None:
        live.state, live.cancelled_at = OperationState.CANCELLED, world.t
    for ask in run.asks:
        ask.answered = True
    run.ended = True
