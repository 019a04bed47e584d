"""What happens when the database is another one than a moment ago: nothing new until every unit was read twice and
what the platform shows was adopted (reliability-notes 4.9)."""

from datetime import timedelta

from migrator.lifecycle import LIVE_OPERATION, OperationState, Seen, State, Status
from migrator.lifecycle import World as Shown
from migrator.resources import Verb
from tests.proof.simulation.world import Operation, Run, Unit, World

BEFORE = (State.VALIDATED, State.PREPARING, State.ABORTING)


def changed(world: World) -> None:
    if "no epoch rule" in world.broken:
        return
    rows, timings = world.rows, world.rules.timings
    rows.hold, rows.generation = True, rows.generation + 1
    for unit in rows.units:
        if (run := unit.run) is None:
            continue
        run.fence, run.lease_until, run.not_before = run.fence + 1, None, 0.0
        for operation in run.operations:
            if operation.state in LIVE_OPERATION:
                _doubt(world, operation)
                run.due_at = world.now() + timedelta(seconds=timings.quarantine)
    first: dict[int, tuple[Shown, float]] = {}
    todo = {unit.id for unit in rows.units}

    def read() -> None:
        for number in sorted(todo):
            classic, arm = world.azure.read(number)
            shown = Seen(at=world.now(), status=Status.NONE, classic=classic, arm=arm).world
            before = first.get(number)
            if shown is Shown.MOVING or before is None or before[0] is not shown:
                first[number] = shown, world.t
            elif world.t - before[1] >= timings.confirm:
                todo.discard(number)
                _adopt(world, rows.units[number], shown)
        if todo:
            world.at(20, read)
        else:
            rows.hold = False  # two people release it; they know what they had frozen
            if world.freezes[-1][1] != rows.frozen:
                world.freeze(world.freezes[-1][1])

    world.at(timings.quarantine, read)


def _doubt(world: World, operation: Operation) -> None:
    operation.state, operation.armed_at, operation.url = OperationState.UNKNOWN, world.now(), ""
    operation.candidate, operation.candidate_at = "", None
    for attempt in operation.attempts:
        attempt.outcome = attempt.outcome or "unknown"


def _adopt(world: World, unit: Unit, shown: Shown) -> None:
    run = unit.run
    if run is not None and run.state is State.COMMITTED:
        return
    if run is None:
        if shown is Shown.CLASSIC:
            return
        run = Run(len(unit.runs) + 1)
        unit.runs.append(run)
    if shown is Shown.MIGRATED and not run.commit_armed:
        if run.live is not None:
            run.live.state = OperationState.CANCELLED
        run.asks.clear()
        run.operations.append(
            Operation(Verb.COMMIT, OperationState.UNKNOWN, armed_at=world.now() - timedelta(days=1), sends=1)
        )
        run.state, run.commit_armed, run.due_at = State.COMMITTING, True, world.now()
        world.seen["forgotten commit adopted"] += 1
    elif (
        run.live is None and shown is Shown.PREPARED and run.state in (State.VALIDATED, State.PREPARING, State.ABORTING)
    ):
        run.state, run.question, run.votes, run.differences = State.PREPARED, None, [], 0
        run.operations.append(Operation(Verb.PREPARE, OperationState.SUCCEEDED))
    elif run.live is None and shown is Shown.HALF and run.state in BEFORE:
        run.state = State.PREPARING
        run.operations.append(Operation(Verb.PREPARE, OperationState.FAILED))
    elif run.live is None and shown is Shown.CLASSIC and run.state is not State.VALIDATED:
        run.ended = True
