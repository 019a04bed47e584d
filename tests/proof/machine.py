"""Random lives of a programme: people, workers, faults and time against a dictionary model, on the real database,
through the real gateway, over HTTP, to the simulator (reliability-notes 6.3).

A worker dies by an exception that nothing of the product catches, at any statement it sends to the database, and before
or after any call to the platform; what its transaction wrote is gone, as after SIGKILL.
"""

import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from migrator.resources import Verb
from migrator.simulator import running
from tests.proof.invariants import check
from tests.proof.model import Model, Wish
from tests.proof.registry import Line
from tests.proof.registry import Wish as Wanted
from tests.proof.world import UNITS, World
from tracker.accounts import actions as accounts
from tracker.accounts.permissions import Permission, Role
from tracker.inventory.models import Unit
from tracker.quota.actions import QuotaError
from tracker.runs import actions as runs
from tracker.runs import queries
from tracker.runs.models import Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves.models import Approval, Decision

REFUSALS = (runs.RunError, waves.WaveError, accounts.Denied, QuotaError)
VERBS = ("validate", "prepare", "abort", "commit", "retry", "hold", "resume", "cancel")
# What brings a run on, the nearest to its end first: (kind, verb or "").
FORWARD = (
    ("ask", "commit"), ("approve", "current"), ("request", ""), ("ask", "prepare"), ("ask", "resume"), ("resume", ""),
    ("lift", ""), ("start", ""), ("submit", ""), ("ask", "retry"), ("ask", "validate"), ("place", "Files"),
)  # fmt: skip
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "apply-then-fail", "answer": 500},
    {"kind": "apply-then-fail", "answer": "drop"},
    {"kind": "late-apply", "delay": 60, "answer": "drop"},
    {"kind": "late-apply", "delay": 190, "answer": 500},
    {"kind": "fail", "code": "E03", "status": 500},
    {"kind": "fail", "code": "E03", "status": 409},
    {"kind": "fail", "code": "E03", "status": 400},
    {"kind": "operation-fails", "keeps_lock": True},
    {"kind": "operation-fails", "keeps_lock": False},
    {"kind": "says-succeeded"},
    {"kind": "says-failed"},
    {"kind": "throttle", "retry_after": 17, "method": "POST"},
    {"kind": "throttle", "retry_after": None, "method": "GET"},
    {"kind": "unauthorized", "times": 1},
    {"kind": "stale-reads", "seconds": 45, "times": 6},
    {"kind": "malformed", "body": "html"},
    {"kind": "poll-gone"},
    {"kind": "stuck"},
)


class Died(BaseException):
    """Stands for SIGKILL: nothing of the product catches it, nothing is written after it."""


class Dying:
    """A worker's last step: it dies at the nth thing it does."""

    def __init__(self, at: int, after: bool) -> None:
        self.left, self.after = at, after

    def _due(self) -> bool:
        self.left -= 1
        return self.left == 0

    def statement(self, execute: Callable[..., Any], sql: Any, *rest: Any) -> Any:
        """A wrapper around every statement to the database. Beginning and end of a transaction are no places of their
        own: to die there is to die at the statement beside."""
        due = not str(sql).startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")) and self._due()
        if due and not self.after:
            raise Died
        found = execute(sql, *rest)
        if due:
            raise Died
        return found

    def gateway(self, gateway: Any) -> Any:
        return _DyingGateway(gateway, self)


class _DyingGateway:
    def __init__(self, gateway: Any, dying: Dying) -> None:
        self._gateway, self._dying = gateway, dying

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._gateway, name)
        if not callable(call):
            return call

        def dying(*args: Any, **named: Any) -> Any:
            due = self._dying._due()
            if due and not self._dying.after:
                raise Died
            found = call(*args, **named)
            if due:
                raise Died
            return found

        return dying


class Programme(RuleBasedStateMachine):
    """One life. Every rule is one thing that happens; after each, the whole is looked at."""

    world: ClassVar[World]
    tally: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(self.world.life())
        self.model: Model = self.world.model()
        self.before = self.model.seen
        self.hints: list[str] = []
        self.posted: Counter[str] = Counter()
        self.left: set[str] = set()
        self.dirty = self.worked = False  # something was written; a worker was at work
        self.tally["lives"] += 1

    def teardown(self) -> None:
        self.stack.close()

    # --- wishes ----------------------------------------------------------------------------------------------------

    def wishes(self) -> list[Wish]:
        """Everything anybody could want now."""
        model, people = self.model, sorted(self.model.roles)
        found: list[Wish] = []
        for by in people:
            found += [Wish("start", by, unit) for unit in UNITS]
            found += [Wish("remove", by, unit) for unit in UNITS]
            found += [Wish("place", by, unit, wave) for unit in UNITS for wave in model.waves]
            for run in model.seen["runs"].values():
                if run["ended_at"] is None or run["id"] == max(model.seen["runs"]):
                    found += [Wish("ask", by, run["id"], verb) for verb in VERBS]
                    found.append(Wish("request", by, run["id"]))
                    found += [Wish("overrun", by, run["id"], verb) for verb in ("prepare", "commit")]
            for paper in model.papers.values():
                found += [Wish("approve", by, str(paper.id), page) for page in ("current", "old")]
                found += [Wish("reject", by, str(paper.id), "current"), Wish("revoke", by, str(paper.id))]
            for wave in model.waves:
                found += [Wish(kind, by, wave) for kind in ("submit", "window", "stop", "resume")]
            found += [Wish(kind, by, scope) for kind in ("freeze", "lift") for scope in self.scopes()]
        return found

    def scopes(self) -> list[str]:
        subscription, wave = self.world.programme.subscription.pk, self.world.first.pk
        return ["all", f"subscription:{subscription}", f"wave:{wave}", "region:westeurope", "verb:commit"]

    def forward(self, best: bool) -> list[Wish]:
        """The wishes that are granted now and bring a run on; `best`: only those nearest to its end."""
        ranked = {kind: rank for rank, kind in enumerate(FORWARD)}
        chosen = [w for w in self.wishes() if (w.kind, w.more) in ranked and self.model.allowed(w)]
        if best and chosen:
            first = min(ranked[w.kind, w.more] for w in chosen)
            return [w for w in chosen if ranked[w.kind, w.more] == first]
        return chosen

    def want(self, wish: Wish) -> None:
        """Ask the product, and hold its answer against the model."""
        self.model.now = database_now()
        self.dirty = True
        expected = self.model.allowed(wish)
        try:
            with transaction.atomic():
                self.perform(wish)
            granted, why = True, ""
        except REFUSALS as error:
            granted, why = False, f"{type(error).__name__}: {error}"
        assert granted == expected, (
            f"{wish} was {'granted' if granted else 'refused'} ({why}), the model says otherwise"
        )
        name = f"{wish.kind} {wish.more}" if wish.kind == "ask" else wish.kind
        for what in ("granted" if granted else "refused", f"{name} {'yes' if granted else 'no'}"):
            self.tally[what] += 1
        if granted:
            self.model.done(wish)
        self.holds()

    def perform(self, wish: Wish) -> None:
        by, now, what = self.world.user(wish.by), self.model.now, wish.what
        match wish.kind:
            case "start":
                runs.start(Unit.objects.get(name=what), by=by, now=now)
            case "ask":
                paper = self.model.paper("commit", what)
                runs.ask(
                    Run.objects.get(pk=what),
                    wish.more,
                    by=by,
                    now=now,
                    reason="because",
                    seal=paper.digest if paper and wish.more == "commit" else "",
                )
            case "overrun":
                runs.allow_overrun(Run.objects.get(pk=what), Verb(wish.more), reason="so be it", by=by, now=now)
            case "request":
                row = runs.request_commit(Run.objects.get(pk=what), by=by, now=now)
                self.model.new_paper("commit", wish.by, self.model.seen["runs"][what]["wave"], what, row)
            case "approve" | "reject":
                paper = self.model.papers[int(what)]
                approval = Approval.objects.get(pk=paper.id)
                digest = paper.digest if wish.more == "current" else "0" * 64
                if wish.kind == "approve":
                    runs.approve(approval, digest=digest, by=by, now=now)
                else:
                    waves.reject(approval, digest=digest, reason="not so", by=by, now=now)
            case "revoke":
                decision = Decision.objects.filter(approval_id=int(what), approver=by).first()
                if decision is None:
                    accounts.check(by, Permission.APPROVE, ("approval", what), now)
                    raise waves.NotOpen("There is nothing to take back.")  # no page and no API shows the button
                waves.revoke(decision, reason="second thoughts", by=by, now=now)
            case "submit":
                row = waves.submit(self.world.wave(what), by=by, now=now)
                self.model.new_paper("wave", wish.by, what, "", row)
            case "window":
                hours = 2 + len(self.model.papers) % 5
                opens, closes = now - timedelta(hours=1), now + timedelta(hours=hours)
                waves.set_window(self.world.wave(what), opens_at=opens, closes_at=closes, by=by, now=now)
                self.model.waves[what].opens, self.model.waves[what].closes = opens, closes
            case "place":
                waves.place(self.world.wave(wish.more), Unit.objects.get(name=what), by=by, now=now)
            case "remove":
                placement = getattr(Unit.objects.select_related("placement").get(name=what), "placement", None)
                if placement is None:
                    raise waves.NotRemovable("It is in no wave.")  # no page and no API shows the button
                waves.remove(placement, by=by, now=now)
            case "stop":
                waves.stop_line(self.world.wave(what), reason="incident", by=by, now=now)
            case "resume":
                waves.resume_line(self.world.wave(what), by=by, now=now)
            case "freeze":
                waves.freeze(what, reason="incident", by=by, now=now)
            case "lift":
                waves.lift(what, by=by, now=now)

    # --- people ----------------------------------------------------------------------------------------------------

    @rule(data=st.data(), seconds=st.sampled_from([80, 700]), rounds=st.integers(1, 3))
    def it_goes_on(self, data: st.DataObject, seconds: int, rounds: int) -> None:
        """What brings a run on is asked for, and done."""
        if chosen := self.forward(best=True):
            self.want(data.draw(st.sampled_from(chosen)))
        self._works(seconds, rounds)

    @rule(data=st.data(), seconds=st.sampled_from([80, 700]), rounds=st.integers(1, 3))
    def it_goes_on_and_on(self, data: st.DataObject, seconds: int, rounds: int) -> None:
        self.it_goes_on(data, seconds, rounds)

    @rule(data=st.data(), seconds=st.sampled_from([80, 700]), rounds=st.integers(1, 3))
    def it_still_goes_on(self, data: st.DataObject, seconds: int, rounds: int) -> None:
        self.it_goes_on(data, seconds, rounds)

    @rule(data=st.data())
    def somebody_goes_on(self, data: st.DataObject) -> None:
        if chosen := self.forward(best=False):
            self.want(data.draw(st.sampled_from(chosen)))

    @rule(data=st.data())
    def somebody_wants_anything(self, data: st.DataObject) -> None:
        self.draw(data, self.wishes())

    def draw(self, data: st.DataObject, chosen: list[Wish]) -> None:
        """One of them, every kind as likely as the others."""
        if chosen:
            kinds = sorted({(wish.kind, wish.more if wish.kind == "ask" else "") for wish in chosen})
            kind, verb = data.draw(st.sampled_from(kinds))
            of_kind = [wish for wish in chosen if wish.kind == kind and verb in ("", wish.more)]
            self.want(data.draw(st.sampled_from(of_kind)))

    @rule(data=st.data())
    def somebody_gets_in_the_way(self, data: st.DataObject) -> None:
        kinds = ("freeze", "stop", "revoke", "reject", "window", "remove")
        verbs = ("hold", "abort", "cancel")
        chosen = [w for w in self.wishes() if w.kind in kinds or (w.kind == "ask" and w.more in verbs)]
        self.draw(data, [wish for wish in chosen if self.model.allowed(wish)])

    @precondition(lambda self: self.model.seen["runs"])
    @rule()
    def every_page_tells_what_the_model_says(self) -> None:
        engineer = next((p for p in sorted(self.model.roles) if self.model.may(p, "operate")), None)
        if engineer is None:
            return
        self.model.now = database_now()
        for run in self.model.seen["runs"].values():
            said = queries.askable(Run.objects.select_related("unit", "wave").get(pk=run["id"]), self.model.now)
            told = {verb for verb, why in said.items() if not why}
            expected = {verb for verb in VERBS if self.model.allowed(Wish("ask", engineer, run["id"], verb))}
            assert told == expected, f"the page offers {told - expected}, withholds {expected - told}: {run}"
            self.tally["pages"] += 1

    @precondition(lambda self: not self.left)
    @rule(person=st.sampled_from(["aiko", "tomas", "vera"]), how=st.integers(0, 9))
    def somebody_leaves(self, person: str, how: int) -> None:
        now, user = database_now(), self.world.user(person)
        if how == 8:
            accounts.deactivate(user, by=self.world.programme.maya.actor, now=now, reason="left")
            self.model.roles[person] = set()
        elif how == 9:
            accounts.revoke_role(user, Role.ENGINEER, by=self.world.programme.maya.actor, now=now)
            self.model.roles[person] -= {"engineer"}
        else:
            return
        self.left.add(person)
        self.dirty = True
        self.tally["leaves" if how == 8 else "loses the role"] += 1

    # --- workers -----------------------------------------------------------------------------------------------------

    def step(self, run_id: str, dying: Dying | None = None) -> None:
        """What a worker does with one hint; every step is looked at by itself."""
        gateway = self.world.gateway if dying is None else dying.gateway(self.world.gateway)
        self.dirty = self.worked = True
        try:
            with ExitStack() as stack:
                if dying is not None:
                    stack.enter_context(connection.execute_wrapper(dying.statement))
                said = runs.advance(
                    run_id, gateway=lambda _: gateway, clock=database_now, timings=self.world.programme.timings
                )
            self.tally["steps" if said != "not due" else "hints for nothing"] += 1
        except Died:
            self.tally["deaths"] += 1
        self.holds()

    def _works(self, seconds: int, rounds: int = 1) -> None:
        """Time passes, and whatever is due is done."""
        for _ in range(rounds):
            self.world.jump(seconds)
            for run_id in runs.ring_due():
                self.step(run_id)

    @rule(keep=st.booleans(), which=st.integers(0, 7))
    def a_hint_is_delivered(self, keep: bool, which: int) -> None:
        """Or delivered twice: a kept hint comes again, perhaps much later."""
        self.hints += runs.ring_due()
        if self.hints:
            run_id = self.hints[which % len(self.hints)]
            if not keep:
                self.hints.remove(run_id)
            self.step(run_id)

    @rule()
    def the_hints_are_lost(self) -> None:
        self.hints += runs.ring_due()
        self.hints.clear()

    @rule(seconds=st.sampled_from([0, 16, 61, 200, 400]))
    def a_worker_works(self, seconds: int) -> None:
        self._works(seconds)

    @rule(at=st.integers(1, 90), after=st.booleans(), seconds=st.sampled_from([20, 90]))
    def a_worker_dies(self, at: int, after: bool, seconds: int) -> None:
        self.world.jump(seconds)
        for run_id in runs.ring_due()[:1]:
            self.step(run_id, Dying(at, after))

    @rule(data=st.data(), at=st.integers(1, 90), after=st.booleans())
    def a_worker_dies_at_what_was_asked_for(self, data: st.DataObject, at: int, after: bool) -> None:
        if chosen := self.forward(best=True):
            self.want(data.draw(st.sampled_from(chosen)))
        self.a_worker_dies(at, after, 20)

    # --- platform and time -------------------------------------------------------------------------------------------

    @rule(fault=st.sampled_from(FAULTS), verb=st.sampled_from(["", "prepare", "commit", "abort"]))
    def the_platform_misbehaves(self, fault: dict[str, Any], verb: str) -> None:
        takes_verb = fault["kind"] not in ("throttle", "unauthorized", "stale-reads", "malformed", "poll-gone")
        self.world.programme.fault(**{**fault, **({"verb": verb} if verb and takes_verb else {})})
        self.tally[f"fault {fault['kind']}"] += 1

    @rule()
    def the_platform_behaves_again(self) -> None:
        self.world.simulator.control("faults", method="DELETE")

    @rule(seconds=st.sampled_from([5, 120, 900]))
    def the_platform_goes_on(self, seconds: int) -> None:
        self.world.simulator.control("clock", {"advance": seconds})

    @rule(hours=st.sampled_from([1, 1, 1, 3, 30 * 24 + 1]))
    def time_passes(self, hours: int) -> None:
        self.world.jump(hours * 3600)

    # --- what has to be so after every step --------------------------------------------------------------------------

    @invariant()
    def holds(self) -> None:
        if not self.dirty:  # nothing was written since the last look
            return
        before, self.before = self.before, self.world.look(datetime.fromisoformat(self.before["now"]))
        self.model.seen = self.before
        self.model.now = datetime.fromisoformat(self.before["now"])
        posts = self.world.posts() if self.worked else []
        broken = self.world.violations() if posts else []
        assert broken == [], f"the platform was sent what a careful client never sends: {broken}"
        self.dirty = self.worked = False
        check(self.model, before, self.before, posts, self.posted, self.tally)


def lives(world: World, *, examples: int, steps: int, seed: int | None, shrink: bool = True) -> None:
    """Live `examples` lives of at most `steps` steps. `seed` None: the same lives every time. Raises AssertionError
    with the shortest life that breaks a promise. Inside a transaction."""
    Programme.world = world
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=seed is None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.normal,
        print_blob=False,
    )
    if seed is not None:
        Programme._hypothesis_internal_use_seed = seed
    run_state_machine_as_test(Programme, settings=profile)


@contextmanager
def ready() -> Iterator[World]:
    """A world inside a transaction that is rolled back; the database has to be empty."""
    with running.simulator(scenario="journey", speed=1) as simulator, transaction.atomic():
        world = World(simulator)
        world.begin()
        yield world
        world.programme.close()
        transaction.set_rollback(True)


def prove(wish: Wanted) -> Iterator[Line]:
    examples, chunk, steps = (2000, 25, 60) if wish.long else (30, 30, 40)
    began, violations = time.monotonic(), []
    Programme.tally.clear()
    for number in range(examples // chunk):
        if time.monotonic() - began > wish.minutes * 60:
            break
        try:
            with ready() as world:
                lives(world, examples=chunk, steps=steps, seed=wish.seed + number, shrink=False)
        except Exception as error:
            violations.append(f"seed {wish.seed + number}: {error}")
            wish.say("".join(traceback.format_exception(error)))
        wish.say(f"    {Programme.tally['lives']:,} lives, {time.monotonic() - began:.0f} s")
    counts = Programme.tally
    for name in sorted(counts):
        wish.say(f"    {counts[name]:7,} {name}")
    told = ("granted", "refused", "steps", "deaths", "prepare armed", "commit armed", "abort armed", "pages")
    note = ", ".join(f"{counts[name]:,} {name}" for name in told)
    yield Line(f"lives of at most {steps} steps", counts["lives"], "lives", time.monotonic() - began, violations, note)
