"""The engine with one rule broken. Each has to be caught, or it is written down why it does no harm."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from migrator import lifecycle
from migrator.lifecycle import ApprovalState, Move, OperationState, Question, Vote
from migrator.lifecycle import World as Shown
from migrator.resources import Verb
from tests.proof.simulation.world import Rules


@dataclass(frozen=True)
class Mutant:
    """`flags`: what of the glue is broken; `rules`: which judgement is replaced. `stale`: seconds a read may lie behind
    in this trial. `harmless`: why it is not caught; then it must not be."""

    name: str
    flags: frozenset[str] = frozenset()
    rules: Callable[[], Rules] = Rules
    stale: float = 45.0
    harmless: str = ""


def _flag(name: str, *more: str, harmless: str = "", stale: float = 45.0) -> Mutant:
    return Mutant(name, frozenset({name, *more}), harmless=harmless, stale=stale)


def _rule(name: str, stale: float = 45.0, **rules: Any) -> Mutant:
    return Mutant(name, rules=lambda: Rules(**rules), stale=stale)


def _hasty(verdict: str) -> Callable[..., Any]:
    """`decide` that takes one look for two."""

    def decide(doubt: lifecycle.Doubt, seen: lifecycle.Seen, timings: lifecycle.Timings, **more: Any) -> Any:
        found = lifecycle.decide(doubt, seen, timings, **more)
        if isinstance(found, lifecycle.Wait) and found.candidate == verdict:
            if verdict == "applied":
                return Move(OperationState.SUCCEEDED, "one look")
            return lifecycle.Submit("one look")
        return found

    return decide


def _without_quarantine(doubt: lifecycle.Doubt, seen: lifecycle.Seen, timings: lifecycle.Timings, **more: Any) -> Any:
    return lifecycle.decide(replace(doubt, armed_at=None) if doubt.armed_at else doubt, seen, timings, **more)


def _deaf_to_retry_after(*args: Any, **named: Any) -> Any:
    found = lifecycle.decide(*args, **named)
    return replace(found, seconds=1.0) if isinstance(found, lifecycle.Wait) else found


def _believes_failed(doubt: lifecycle.Doubt, seen: lifecycle.Seen, timings: lifecycle.Timings, **more: Any) -> Any:
    """What cannot be read is taken for failed (AWX 9594)."""
    found = lifecycle.decide(doubt, seen, timings, **more)
    return Move(OperationState.FAILED, "lost sight") if seen.world is Shown.MOVING and not doubt.tries else found


def _counts_anybody(question: Question, votes: Any, now: datetime) -> ApprovalState:
    free = replace(question, requester=None, editor=None)
    return lifecycle.approval_state(free, votes, now)


def _counts_revoked(question: Question, votes: Any, now: datetime) -> ApprovalState:
    kept: list[Vote] = [replace(vote, revoked=False) for vote in votes]
    return lifecycle.approval_state(question, kept, now)


def _window_forgotten(verb: Verb, *, commit_armed: bool) -> Any:
    return tuple(n for n in lifecycle.gates_of(verb, commit_armed=commit_armed) if n != "window")


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "approval asked only with the wish",
        frozenset({"approval asked only with the wish"}),
    ),
    _flag("seal not bound to content"),
    Mutant("self-approval", frozenset({"self-approval"}), lambda: Rules(approval_state=_counts_anybody)),
    _flag("role not asked again"),
    _rule("an agreement taken back still counts", approval_state=_counts_revoked),
    _flag("no fence"),
    _rule("no quarantine", decide=_without_quarantine),
    _flag("sent again when in doubt"),
    _flag("sent before it is written down"),
    _flag("HTTP client retries by itself"),
    _flag("no freeze"),
    _flag("freeze asked outside the transaction"),
    Mutant("no self-fence", rules=lambda: Rules(too_late=lambda armed, now, timings: False)),
    Mutant(
        "abort after commit",
        frozenset({"abort after commit"}),
        lambda: Rules(asked_verbs=lambda state, commit_armed: lifecycle.ASKABLE.get(state, frozenset()) | {Verb.ABORT}),
    ),
    _flag("cancel races with arming"),
    _flag("no ticker"),
    _rule("window forgotten", gates_of=_window_forgotten),
    _rule("Retry-After not heard", decide=_deaf_to_retry_after),
    _rule("lost sight is taken for failed", decide=_believes_failed),
    _rule("one look is enough for not applied", 600.0, decide=_hasty("not applied")),
    _rule("one look is enough for applied", 600.0, decide=_hasty("applied")),
    _flag("no epoch rule", "rewind"),
    Mutant("no epoch rule and no look before arming", frozenset({"no epoch rule", "no look before arming", "rewind"})),
    _flag("no lease", harmless="the fence and the state keep safe; the lease saves work"),
    _flag("no look before arming", harmless="a second net: the platform's own refusal and the reading after it"),
)
