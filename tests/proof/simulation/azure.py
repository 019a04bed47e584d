"""The platform of the simulation: what it holds, what it answers to a POST, and how late and stale it is.

States of a unit and what both sides show: azure.md 2.1, 2.7 and 2.9.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from migrator.lifecycle import Side, Status
from migrator.resources import Verb

SHOWN: dict[str, tuple[Side, Side]] = {  # state → classic, Resource Manager
    "classic": (Side.PRESENT, Side.ABSENT),
    "preparing": (Side.PREPARING, Side.ABSENT),
    "prepare failed": (Side.PREPARED, Side.ABSENT),  # left locked; what it shows is not documented [I]
    "prepared": (Side.PREPARED, Side.PRESENT),
    "aborting": (Side.ABORTING, Side.PRESENT),
    "committing": (Side.COMMITTING, Side.PRESENT),
    "commit failed": (Side.PREPARED, Side.PRESENT),
    "committed": (Side.ABSENT, Side.PRESENT),
}
AT_WORK = {Verb.PREPARE: "preparing", Verb.ABORT: "aborting", Verb.COMMIT: "committing"}
DONE = {Verb.PREPARE: "prepared", Verb.ABORT: "classic", Verb.COMMIT: "committed"}
FROM = {
    Verb.PREPARE: {"classic"},
    Verb.ABORT: {"prepared", "prepare failed"},
    Verb.COMMIT: {"prepared", "commit failed"},
}


@dataclass
class Answer:
    """What a POST brings back; `kind`: accepted, refused, conflict, throttled, error (5xx), silence."""

    kind: str
    url: str = ""
    retry_after: float | None = None


@dataclass
class Post:
    at: float
    unit: int
    verb: Verb
    attempt: int
    state: str  # as it was found


@dataclass
class Azure:
    dice: random.Random
    later: Callable[[float, Callable[[], None]], None]
    clock: Callable[[], float]
    stale: float = 45.0  # seconds a read may lie behind (assumption A1)
    faults: bool = True
    state: dict[int, str] = field(default_factory=dict)
    past: dict[int, list[tuple[float, str]]] = field(default_factory=dict)
    status: dict[str, Status] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    commits: dict[int, int] = field(default_factory=dict)  # unit → how often a commit began on something not begun

    def now(self, unit: int) -> str:
        return self.state.get(unit, "classic")

    def _become(self, unit: int, state: str) -> None:
        self.past.setdefault(unit, [(0.0, "classic")]).append((self.clock(), state))
        self.state[unit] = state

    def post(self, unit: int, verb: Verb, attempt: int) -> Answer:
        now = self.now(unit)
        self.posts.append(Post(self.clock(), unit, verb, attempt, now))
        if now in (AT_WORK[verb], DONE[verb]) and not (verb is Verb.ABORT and now == "classic"):
            self.wrong.append(f"{verb.value} was sent to a unit that is {now}")
        if now in AT_WORK.values():
            return Answer("conflict")
        if verb is Verb.ABORT and now in ("committed", "commit failed"):
            self.wrong.append(f"abort was sent to a unit that is {now}")
        url = f"op-{len(self.posts)}"
        asked = self.dice.choice([None, None, 5.0, 20.0, 90.0])
        if now == DONE[verb]:  # idempotent
            self.status[url] = Status.SUCCEEDED
            return Answer("accepted", url, asked)
        if now not in FROM[verb]:
            return Answer("refused")
        if verb is Verb.COMMIT and now == "prepared":
            self.commits[unit] = self.commits.get(unit, 0) + 1
        self._become(unit, AT_WORK[verb])
        self.status[url] = Status.IN_PROGRESS
        fails = self.faults and self.dice.random() < 0.08
        if verb is Verb.PREPARE:
            after = self.dice.choice(["prepare failed", "classic"]) if fails else "prepared"
        elif verb is Verb.ABORT:
            after = "prepared" if fails else "classic"
        else:
            after = "commit failed" if fails else "committed"

        def end() -> None:
            self._become(unit, after)
            self.status[url] = Status.FAILED if fails else Status.SUCCEEDED
            if self.faults and self.dice.random() < 0.1:
                self.status[url] = Status.GONE

        self.later(self.dice.uniform(20, 900), end)
        return Answer("accepted", url, asked)

    def read(self, unit: int) -> tuple[Side, Side]:
        """Both sides, at times as they were a moment ago."""
        state = self.now(unit)
        if self.faults and self.dice.random() < 0.15:
            then = max(0.0, self.clock() - self.dice.uniform(0, self.stale))
            state = [s for at, s in self.past.get(unit, [(0.0, "classic")]) if at <= then][-1]
        return SHOWN[state]
