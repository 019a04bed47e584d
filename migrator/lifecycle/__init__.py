"""What a run may do next: states, the table of legal moves, and `decide`, all pure.

`ALLOWED` is the one table: the engine, the database guard (a trigger generated from it), the run page and the manual
read it.
The decisions are used by the product and by the deterministic simulation of the test suite, so that what is proved is
what runs.

Words: engine.md and architecture.md 5. Facts: azure.md 2.1 and 2.7; reliability-notes 4.3 and 4.7.
"""

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
    "LIVE",
    "LIVE_OPERATION",
    "LOCKED",
    "OPERATION_ALLOWED",
    "PATH",
    "REHEARSAL",
    "Decision",
    "Doubt",
    "Health",
    "Move",
    "Need",
    "OperationState",
    "Seen",
    "Side",
    "State",
    "Status",
    "Submit",
    "Timings",
    "Wait",
    "World",
    "backoff",
    "decide",
    "may_send",
    "reachable",
]
