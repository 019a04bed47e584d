"""Rows, people, messages, processes and time. The rows have the names of tracker/runs/models.py; a transaction is what
happens between two `yield`s."""

import copy
import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from migrator import lifecycle
from migrator.lifecycle import LIVE, ApprovalState, GateName, OperationState, Question, State, Timings, Vote
from migrator.resources import Verb
from tests.proof.simulation.azure import Azure

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = range(5)
UNITS = 3
HOURS = 3600.0
Process = Generator[Any, Any, None]


@dataclass
class Rules:
    """The engine's judgements, each replaceable by a mutant."""

    claimable: Callable[..., bool] = lifecycle.claimable
    gates_of: Callable[..., tuple[GateName, ...]] = lifecycle.gates_of
    asked_verbs: Callable[..., frozenset[Verb]] = lifecycle.asked_verbs
    cancellable: Callable[..., bool] = lifecycle.cancellable
    too_late: Callable[..., bool] = lifecycle.too_late
    settle: Callable[..., Any] = lifecycle.settle
    decide: Callable[..., Any] = lifecycle.decide
    carried: Callable[..., Any] = lifecycle.carried
    may_send: Callable[..., bool] = lifecycle.may_send
    approval_state: Callable[..., ApprovalState] = lifecycle.approval_state
    timings: Timings = LIVE


@dataclass
class Attempt:
    number: int
    armed_at: float
    entitled: bool  # as the checker's own count finds at this second
    frozen: bool
    open_window: bool
    outcome: str = ""


@dataclass
class Operation:
    verb: Verb
    state: OperationState = OperationState.READY
    armed_at: datetime | None = None
    sends: int = 0
    tries: int = 0
    url: str = ""
    candidate: str = ""
    candidate_at: datetime | None = None
    seal: str = ""
    attempts: list[Attempt] = field(default_factory=list)
    cancelled_at: float | None = None


@dataclass
class Ask:
    verb: Verb
    answered: bool = False
    seal: str = ""


@dataclass
class Run:
    number: int
    state: State = State.VALIDATED
    due_at: datetime | None = None
    enqueued_at: float = -99.0
    lease_until: datetime | None = None
    fence: int = 0
    ended: bool = False
    commit_armed: bool = False
    held: bool = False
    differences: int = 0
    not_before: float = 0.0  # the platform asked to wait until then
    asks: list[Ask] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    question: Question | None = None
    votes: list[Vote] = field(default_factory=list)

    @property
    def live(self) -> Operation | None:
        return next((o for o in self.operations if o.state in lifecycle.LIVE_OPERATION), None)

    @property
    def waiting(self) -> Ask | None:
        return next((ask for ask in self.asks if not ask.answered), None)


@dataclass
class Unit:
    id: int
    plan: int = 1
    editor: int = 0
    approved_plan: int = 1
    runs: list[Run] = field(default_factory=list)

    @property
    def run(self) -> Run | None:
        return self.runs[-1] if self.runs and not self.runs[-1].ended else None


@dataclass
class Rows:
    """What the database holds."""

    units: list[Unit]
    active: dict[int, bool]
    needed: int
    frozen: bool = False
    lift_asked: bool = False
    quota: bool = True
    writes_after: float = 0.0
    generation: int = 0  # raised when the database changed: every approval has to be given again
    hold: bool = False  # after such a change: nothing new until everything was read again


class World:
    def __init__(
        self, seed: int, *, rules: Rules | None = None, broken: frozenset[str] = frozenset(), stale: float = 45.0
    ):
        self.dice = random.Random(seed)
        self.t, self._queue, self._count = 0.0, [], itertools.count()
        self.rules, self.broken = rules or Rules(), broken
        self.faults = True
        self.azure = Azure(self.dice, self.at, lambda: self.t, stale)
        self.rows = Rows([Unit(n) for n in range(UNITS)], dict.fromkeys(PEOPLE, True), self.dice.choice([1, 1, 2]))
        self.epoch = 0  # how often the database lost its last transactions
        self.saved: Rows | None = None
        self.wrong: list[str] = []
        self.seen: Counter[str] = Counter()  # what happened, for the table
        self.sends: list[tuple[float, int, Verb, Attempt, Operation]] = []
        self.freezes: list[tuple[float, bool]] = [(0.0, False)]
        self.armed: list[tuple[float, Attempt]] = []  # the checker's own memory: survives a rewind
        dice = self.dice
        self.chance = {
            "drop": dice.choice([0, 0.1, 0.4]), "double": 0.15, "lost": dice.choice([0, 0.05]), "reset": 0.05,
            "late": dice.choice([0, 0.04]), "throttle": 0.05, "error": 0.1, "error applied": 0.03,
            "crash": dice.choice([0.02, 0.06]), "pause": dice.choice([0, 0.02]),
        }  # fmt: skip

    # --- time ---------------------------------------------------------------------------------------------------------

    def at(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.t + seconds, next(self._count), what))

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.t)

    def window_open(self, unit: int) -> bool:
        return (self.t + unit * 900) % HOURS < 0.8 * HOURS or not self.faults

    def run(self, *, faults_for: float = 4 * HOURS, until: float = 60 * HOURS) -> None:
        from tests.proof.simulation import people

        self.at(0, lambda: people.act(self))
        self.at(0, self.tick)
        self.at(faults_for, self.heal)
        while self._queue:
            at, _, what = heapq.heappop(self._queue)
            if at > until:
                return
            self.t = at
            what()
            if not self.faults and not self.rows.hold and self.settled():
                return

    def settled(self) -> bool:
        return all(
            unit.run is not None and unit.run.state is State.COMMITTED and unit.run.live is None
            for unit in self.rows.units
        )

    def heal(self) -> None:
        self.faults = self.azure.faults = False
        self.rows.quota = True
        self.rows.active = dict.fromkeys(PEOPLE, True)
        if self.rows.frozen:
            self.freeze(False)

    def freeze(self, frozen: bool) -> None:
        self.rows.frozen, self.rows.lift_asked = frozen, False
        self.freezes.append((self.t, frozen))

    # --- what approvals are bound to ----------------------------------------------------------------------------------

    def seal(self, unit: Unit, run: Run) -> str:
        if "seal not bound to content" in self.broken:
            return f"{unit.id}"
        return f"{unit.id}/{run.number}/{unit.plan}/{self.rows.generation}"

    def entitled(self, unit: Unit, run: Run) -> bool:
        """The checker's own count, by no rule of the product: enough others agreed to exactly what is so now."""
        if run.question is None or any(not vote.approved for vote in run.votes):
            return False
        now = f"{unit.id}/{run.number}/{unit.plan}/{self.rows.generation}"
        people = {
            vote.person
            for vote in run.votes
            if not vote.revoked
            and self.rows.active[vote.person]
            and vote.person not in (run.question.requester, run.question.editor)
        }
        told = run.question.digest == now or (
            "seal not bound to content" in self.broken and self.told.get(id(run.question)) == now
        )
        return told and len(people) >= run.question.needed

    @property
    def told(self) -> dict[int, str]:
        """What the people of a question were really shown, where a mutant's seal does not say it."""
        return self.__dict__.setdefault("_told", {})

    def gate(self, name: GateName, unit: Unit, run: Run) -> bool:
        match name:
            case GateName.STOPPING:
                return not self.rows.frozen and not run.held and not self.rows.hold
            case GateName.WINDOW:
                return self.window_open(unit.id)
            case GateName.QUOTA:
                return self.rows.quota
            case GateName.WAVE_APPROVAL:
                return unit.approved_plan == unit.plan
            case GateName.OBSERVED:
                return run.state is State.PREPARED
            case GateName.DIFFERENCES:
                return run.differences == 0
            case GateName.COMMIT_APPROVAL:
                return self.approved(unit, run)
            case GateName.ORDER:
                return True  # as FITS: it delays a start; tests/tracker/runs/test_order.py holds it
            case GateName.FITS:
                return True  # it delays a start and decides nothing else; tests/tracker/runs/test_fitting.py holds it

    def approved(self, unit: Unit, run: Run) -> bool:
        if run.question is None or run.question.digest != self.seal(unit, run):
            return False
        votes = [
            Vote(
                person=vote.person,
                approved=vote.approved,
                digest=vote.digest,
                revoked=vote.revoked,
                entitled=self.rows.active[vote.person] or "role not asked again" in self.broken,
            )
            for vote in run.votes
        ]
        return self.rules.approval_state(run.question, votes, self.now()) is ApprovalState.APPROVED

    def closed(self, verb: Verb, unit: Unit, run: Run) -> GateName | None:
        """The first gate that is not open."""
        for name in self.rules.gates_of(verb, commit_armed=run.commit_armed):
            if not self.gate(name, unit, run):
                return name
        return None

    # --- messages and processes ---------------------------------------------------------------------------------------

    def ring(self, unit: int) -> None:
        """A message: it may be lost, doubled, late."""
        copies = 1
        if self.faults:
            if self.dice.random() < self.chance["drop"]:
                copies = 0
            elif self.dice.random() < self.chance["double"]:
                copies = 2
        for _ in range(copies):
            self.at(self.dice.uniform(0.01, 60 if self.faults else 3), lambda: self.start(unit))

    def tick(self) -> None:
        now = self.now()
        for unit in self.rows.units if "no ticker" not in self.broken else ():
            run = unit.run
            if run is None or run.due_at is None or run.due_at > now or self.t - run.enqueued_at < 15:
                continue
            if self.rules.claimable(ended=run.ended, due_at=run.due_at, lease_until=run.lease_until, now=now):
                run.enqueued_at = self.t
                self.ring(unit.id)
        self.at(5, self.tick)

    def start(self, unit: int) -> None:
        from tests.proof.simulation.worker import advance

        self._go(advance(self, unit))

    def _go(self, process: Process, value: Any = None) -> None:
        from tests.proof.simulation.worker import Lost

        try:
            event = process.send(value)
        except (StopIteration, Lost):
            return
        call = event if isinstance(event, tuple) else None
        name = call[0] if call else event
        if self.faults and self.dice.random() < self.chance["crash"]:
            self.seen[f"killed {name}"] += 1
            if call:
                self._net(call, lambda answer: None)  # the request is on the wire already
            process.close()
            return
        pause = self.dice.uniform(0.001, 0.05)
        if self.faults and self.dice.random() < self.chance["pause"]:
            pause = self.dice.uniform(1, 500)
        if call:
            self._net(call, lambda answer: self.at(pause, lambda: self._go(process, answer)))
        elif name == "gap":  # between the last check and the socket nothing can be promised
            self.at(self.dice.uniform(0.0001, 0.01), lambda: self._go(process))
        else:
            self.at(pause, lambda: self._go(process))

    def _net(self, call: tuple[Any, ...], back: Callable[[Any], None]) -> None:
        """The wire. A call is ("post", unit, verb, attempt) or ("look", unit, url)."""
        from tests.proof.simulation.azure import Answer

        dice, left = self.dice, self.dice.random()
        post = call[0] == "post"

        def reach() -> Any:
            return self.azure.post(*call[1:]) if post else (self.azure.read(call[1]), self.azure.status.get(call[2]))

        def hit(name: str) -> bool:
            nonlocal left
            left -= self.chance[name]
            return self.faults and -self.chance[name] <= left < 0

        deadline = float(self.rules.timings.http_deadline)
        silence = Answer("silence") if post else None
        wait = dice.uniform(0.05, 2)
        if hit("lost"):
            self.at(deadline, lambda: back(silence))
        elif hit("late"):
            self.at(dice.uniform(deadline, self.rules.timings.late_arrival), reach)
            self.at(deadline, lambda: back(silence))
        elif hit("reset"):
            self.at(wait, lambda: (reach(), back(silence)))
        elif hit("throttle"):
            asked = dice.choice([None, 15.0, 60.0])
            self.at(wait, lambda: back(Answer("throttled", retry_after=asked) if post else None))
        elif hit("error"):
            self.at(wait, lambda: back(Answer("error") if post else None))
        elif hit("error applied"):
            self.at(wait, lambda: (reach(), back(Answer("error") if post else None)))
        else:
            self.at(wait, lambda: back(reach()))

    # --- the database loses its last seconds (a lagging replica is promoted) ------------------------------------------

    def maybe_save(self) -> None:
        if (
            "rewind" in self.broken
            and self.faults
            and not self.epoch
            and self.saved is None
            and self.dice.random() < 0.25
        ):
            self.saved = copy.deepcopy(self.rows)
            self.at(self.dice.uniform(0.05, 25), self._rewind)

    def _rewind(self) -> None:
        from tests.proof.simulation import epoch

        assert self.saved is not None
        self.rows, self.epoch = self.saved, self.epoch + 1
        self.seen["database rewound"] += 1
        epoch.changed(self)
