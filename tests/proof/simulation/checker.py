"""What must never have happened: judged from what was sent, what the platform saw and what the rows say, by no rule of
the engine."""

from migrator.lifecycle import State
from migrator.resources import Verb
from tests.proof.simulation.world import World

GRACE = 2.5  # seconds a request may leave after the arming that was still allowed: the self-fence and its network call


def check(world: World) -> list[str]:
    """One sentence for each promise that was broken, sorted."""
    wrong = {*world.wrong, *world.azure.wrong}
    if world.epoch:  # the platform knows of a Commit that the rewound rows have forgotten; it refuses this by itself
        wrong = {sentence for sentence in wrong if not sentence.startswith("abort was sent")}
    wrong |= _sent(world) | _platform(world) | _end(world)
    return sorted(wrong)


def _sent(world: World) -> set[str]:
    wrong: set[str] = set()
    used: set[int] = set()
    commit_sent: set[int] = set()
    written = {id(attempt): at for at, attempt in world.armed}
    for at, unit, verb, attempt, operation in world.sends:
        if id(attempt) in used:
            wrong.add("one attempt was sent twice")
        used.add(id(attempt))
        if written.get(id(attempt), at + 1) > at:
            wrong.add("something was sent that was never written down")
        if not attempt.entitled:
            wrong.add("a commit was sent without a valid approval")
        if attempt.frozen:
            wrong.add("something was armed during a freeze or a hold")
        if not attempt.open_window:
            wrong.add("something was armed outside its window")
        if _frozen_for(world, at) > GRACE:
            wrong.add("something was sent during a freeze")
        if verb is Verb.COMMIT:
            commit_sent.add(unit)
        if verb is Verb.ABORT and unit in commit_sent and not world.epoch:
            wrong.add("abort was sent after a commit")
        if operation.cancelled_at is not None and at > operation.cancelled_at:
            wrong.add("something was sent after it was cancelled")
    return wrong


def _frozen_for(world: World, at: float) -> float:
    """Seconds since the freeze that stood at that time, 0 when none did."""
    since, frozen = [change for change in world.freezes if change[0] <= at][-1]
    return at - since if frozen else 0.0


def _platform(world: World) -> set[str]:
    wrong = {"a commit began twice" for times in world.azure.commits.values() if times > 1}
    first = {}
    for at, _, _, attempt, _ in world.sends:
        first.setdefault(id(attempt), at)
    if any(post.at < first.get(post.attempt, float("inf")) for post in world.azure.posts):
        wrong.add("the platform saw a request that nobody sent")
    return wrong


def _end(world: World) -> set[str]:
    """Long after the last fault everything is where people wanted it, and the rows say so."""
    wrong: set[str] = set()
    for unit in world.rows.units:
        run, really = unit.run, world.azure.now(unit.id)
        committed = run is not None and run.state is State.COMMITTED
        if committed and really != "committed":
            wrong.add(f"the rows say committed, and the unit is {really}")
        elif not committed and really == "committed":
            wrong.add("the unit is committed, and the rows do not know")
        elif not committed:
            wrong.add("a unit did not get to its end")
    return wrong
