"""What the simulated platform remembers besides documents: operations, migrations, violations; plain rows, kept in
tables.

Times are simulated seconds since the epoch (UTC): they compare, and they are JSON.
"""

from collections.abc import Iterator, MutableMapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from migrator.simulator.clock import stamp

R = TypeVar("R")


class Table(MutableMapping[str, R], Generic[R]):
    """Rows by key which remembers what changed. After changing a row in place, call `touch`."""

    def __init__(self, kind: type[R]) -> None:
        self.kind = kind
        self._rows: dict[str, R] = {}
        self._dirty: dict[str, None] = {}

    def __getitem__(self, key: str) -> R:
        return self._rows[key]

    def __setitem__(self, key: str, row: R) -> None:
        self._rows[key] = row
        self._dirty[key] = None

    def __delitem__(self, key: str) -> None:
        del self._rows[key]
        self._dirty[key] = None

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._rows))

    def __len__(self) -> int:
        return len(self._rows)

    def touch(self, key: str) -> None:
        self._dirty[key] = None

    def take_dirty(self) -> dict[str, dict[str, Any] | None]:
        changed = {key: asdict(self._rows[key]) if key in self._rows else None for key in self._dirty}  # type: ignore[call-overload]
        self._dirty.clear()
        return changed

    def rows(self) -> list[dict[str, Any]]:
        return [asdict(row) for row in self._rows.values()]  # type: ignore[call-overload]

    def fill(self, rows: dict[str, dict[str, Any]]) -> None:
        """Load what was stored; nothing is dirty afterwards."""
        self._rows = {key: self.kind(**row) for key, row in rows.items()}
        self._dirty.clear()


@dataclass
class Operation:
    """One accepted verb. `ends_at` None: it never ends by itself (a fault), until the platform gives up after 24
    hours."""

    operation_id: str
    verb: str
    unit: str  # id as written
    started_at: float
    ends_at: float | None
    status: str = "InProgress"  # InProgress, Succeeded, Failed
    ended_at: float | None = None
    code: str = ""
    message: str = ""
    client_request_id: str = ""
    plan: dict[str, Any] = field(default_factory=dict)  # a fault's wish: how it shall end
    messages: list[dict[str, Any]] | None = None  # what a Validate that took its time found; None: not yet, or no such
    repeats: bool = False  # a verb that had nothing to do

    @property
    def live(self) -> bool:
        return self.status == "InProgress"


@dataclass
class Migration:
    """One unit between Prepare and the end of Commit or Abort; while it exists both sides are locked."""

    unit: str
    phase: str  # preparing, prepared, prepare failed, aborting, abort failed, committing, commit failed
    locked: list[str]  # classic keys
    marked: list[str]  # classic keys which show migrationState
    arm: list[str] = field(default_factory=list)  # keys on the Resource Manager side
    need: list[list[Any]] = field(default_factory=list)  # [provider, row, amount] drawn
    location: str = ""
    commit_attempted: bool = False
    operation_id: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    since: float = 0.0


@dataclass
class Finished:
    """What became of a unit that was committed."""

    unit: str
    committed_at: float
    arm: list[str]
    dropped: list[str]  # settings that went with the classic side


@dataclass
class Breach:
    """Something a careful client never does."""

    at: float
    kind: str  # second submit, abort after commit, commit without prepare
    verb: str
    unit: str
    text: str
    client_request_id: str = ""


@dataclass
class Registration:
    subscription: str
    name: str
    state: str
    until: float | None = None  # when a running change ends


@dataclass
class Fault:
    """One switch. It applies to requests it matches, `times` times (None: until cleared)."""

    fault_id: str
    kind: str
    verb: str = ""
    unit: str = ""  # part of the path or id, without regard to case
    method: str = ""
    times: int | None = 1
    settings: dict[str, Any] = field(default_factory=dict)
    used: int = 0

    def matches(self, *, verb: str = "", path: str = "", method: str = "") -> bool:
        spent = self.times is not None and self.used >= self.times
        return (
            not spent
            and (not self.verb or self.verb == verb)
            and (not self.method or self.method == method)
            and self.unit.lower() in path.lower()
        )


@dataclass
class Late:
    """A verb that will only arrive at `at`, long after its sender had no answer."""

    at: float
    verb: str
    unit: str
    body: dict[str, Any]
    client_request_id: str


def when(seconds: float | None) -> str | None:
    """A stored time as Azure writes it."""
    return None if seconds is None else stamp(datetime.fromtimestamp(seconds, UTC))
