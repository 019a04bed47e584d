"""What a run may do next: states, the table of legal moves, and `decide`, all pure.

`ALLOWED` is the one table: the engine, the database guard (a trigger generated from it), the run page and the manual
read it.
The decisions are used by the product and by the deterministic simulation of the test suite, so that what is proved is
what runs.

Words: engine.md and architecture.md 5. Facts: azure.md 2.1 and 2.7; reliability-notes 4.3 and 4.7.
"""

from migrator.lifecycle.approvals import (
    ApprovalState,
    Question,
    Vote,
    approval_state,
)
from migrator.lifecycle.looks import (
    EXPECTED_AFTER,
    EXPECTED_BEFORE,
    Decision,
    Doubt,
    Move,
    Need,
    Seen,
    Side,
    Status,
    Submit,
    Wait,
    World,
    backoff,
    decide,
    may_send,
)
from migrator.lifecycle.states import (
    ALLOWED,
    ASKABLE,
    LIVE_OPERATION,
    LOCKED,
    OPERATION_ALLOWED,
    PATH,
    Health,
    OperationState,
    State,
    reachable,
)
from migrator.lifecycle.steps import (
    GATES,
    GateName,
    Heard,
    Settled,
    Step,
    after_vanishing,
    asked_verbs,
    cancellable,
    carried,
    claimable,
    ended_on_paper,
    gates_of,
    settle,
    step,
    too_late,
    walk,
)
from migrator.lifecycle.timings import (
    LIVE,
    REHEARSAL,
    Timings,
)

__all__ = [
    "ALLOWED",
    "ASKABLE",
    "EXPECTED_AFTER",
    "EXPECTED_BEFORE",
    "GATES",
    "LIVE",
    "LIVE_OPERATION",
    "LOCKED",
    "OPERATION_ALLOWED",
    "PATH",
    "REHEARSAL",
    "ApprovalState",
    "Decision",
    "Doubt",
    "GateName",
    "Health",
    "Heard",
    "Move",
    "Need",
    "OperationState",
    "Question",
    "Seen",
    "Settled",
    "Side",
    "State",
    "Status",
    "Step",
    "Submit",
    "Timings",
    "Vote",
    "Wait",
    "World",
    "after_vanishing",
    "approval_state",
    "asked_verbs",
    "backoff",
    "cancellable",
    "carried",
    "claimable",
    "decide",
    "ended_on_paper",
    "gates_of",
    "may_send",
    "reachable",
    "settle",
    "step",
    "too_late",
    "walk",
]
