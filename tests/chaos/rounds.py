"""One round: a plan, some units, the people; until it is quiet; then the checker. And what it says of each point."""

import contextlib
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import redis

from tests.chaos import checker, history
from tests.chaos.people import Crew, NoAnswer, answers, pause
from tests.chaos.plan import EVERY, EXPORT, OF_A_VERB, SEQUENCER, SERVERS, TICKER, WEB, Hit
from tests.chaos.world import World

QUIET_WITHIN = 150.0  # seconds after the last crash in which everything has to be through


@dataclass
class Wound:
    """One hit, and how long until what it hit was taken up again (None: never)."""

    hit: Hit
    healed: float | None = None


@dataclass
class Report:
    """What a round found. `planned`: point → action."""

    planned: dict[str, str]
    wounds: list[Wound] = field(default_factory=list)
    sends: int = 0
    doubled: int = 0
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0
    restarts: dict[str, int] = field(default_factory=dict)

    def unhit(self) -> list[str]:
        hit = {wound.hit.point.partition(".")[0] for wound in self.wounds}
        return sorted({point.partition(".")[0] for point in self.planned} - hit)


class Round:
    def __init__(self, world: World, dice: random.Random, say: Callable[[str], None]) -> None:
        self.world, self.dice, self.say = world, dice, say
        self.crew = Crew(world, dice)
        self.report = Report({})
        self.fences: dict[str, int] = {}
        self.exporters = ["ines", "kofi", "noor"]

    def run(self, plan: dict[str, str], units: list[int], *, aborts: Iterable[str] = ()) -> Report:
        """Carry it out. Raises nothing that a plan can cause."""
        began = time.monotonic()
        self.report = Report(dict(plan))
        self.crew.aborts = set(aborts)
        before = dict(self.world.restarts)
        sent = self._sends()
        self.crew.begin(units)
        for point, action in plan.items():
            if point in SERVERS:
                continue
            self.world.plan.arm(point, action)
        freeze = self.dice.uniform(2, 8)
        servers = [(point, action) for point, action in plan.items() if point in SERVERS]
        self.dice.shuffle(servers)
        deadline = time.monotonic() + QUIET_WITHIN
        while True:
            if self._look():
                deadline = time.monotonic() + QUIET_WITHIN
            left = self.crew.turn()
            if freeze and time.monotonic() - began > freeze:
                freeze = 0.0
                self.crew.freeze(1.5)
            if servers and self.dice.random() < 0.3:
                self._befall(*servers.pop())
                deadline = time.monotonic() + QUIET_WITHIN
            exports = [point for point in self.world.plan.armed() if point in EXPORT]
            if exports and self.dice.random() < 0.5:
                self._export()
            if not left and not servers and not exports and self._healed() and self._settled():
                break
            if time.monotonic() > deadline:
                waits = [f"{row['name']} {row['state']} ({row['operation']}; {row['waiting_code']})" for row in left]
                wounds = [wound.hit.point for wound in self.report.wounds if wound.healed is None]
                self.report.violations.append(
                    f"not quiet within {QUIET_WITHIN:.0f} s: {', '.join(waits) or 'no run'}; not healed: {wounds}"
                )
                break
            pause()
        self.world.plan.clear()
        self.world.wake_everybody()
        self._judge()
        self.report.sends = self._sends() - sent
        self.report.seconds = time.monotonic() - began
        self.report.restarts = {
            name: count - before.get(name, 0)
            for name, count in self.world.restarts.items()
            if count - before.get(name, 0)
        }
        return self.report

    # --- what happens ------------------------------------------------------------------------------------------------

    def _look(self) -> bool:
        """The supervisor's turn; whether something was hit."""
        fences = {row["id"]: row["fence"] for row in self.world.sql("SELECT id::text, fence FROM tracker_run")}
        hits = self.world.supervise()
        for hit in hits:
            self.say(f"  {hit.point}: {hit.action}")
            self.report.wounds.append(Wound(hit))
            if hit.of:  # the fence as it was in the hand of whoever was hit; a higher one means somebody else's
                self.fences[f"{hit.of} {hit.at}"] = fences.get(hit.of, 0)
        self._healed()
        return bool(hits)

    def _healed(self) -> bool:
        """Note what was taken up again; whether all is."""
        for wound in self.report.wounds:
            if wound.healed is None and self._is_healed(wound.hit):
                wound.healed = max(0.0, time.time() - wound.hit.at)
        return all(wound.healed is not None for wound in self.report.wounds)

    def _is_healed(self, hit: Hit) -> bool:
        point, at = hit.point.partition(".")[0], datetime.fromtimestamp(hit.at, UTC)
        sql = self.world.sql
        if point in WEB or point == "C30":
            return answers(self.world)
        if point in TICKER or point in ("R1", "R2", "R3"):
            return bool(sql("SELECT 1 FROM tracker_heartbeat WHERE name = 'worker' AND at > %s", at))
        if point in SEQUENCER:
            return not sql("SELECT 1 FROM tracker_pending WHERE at < %s LIMIT 1", at) and bool(
                sql("SELECT 1 FROM tracker_checkpoint WHERE at > %s LIMIT 1", at)
            )
        if point in EXPORT:
            return True  # nothing waits for it; that it got an end is the checker's
        if point == "C16":
            return not sql("SELECT 1 FROM tracker_attempt WHERE resolved_at IS NULL AND armed_at < %s", at)
        fence = self.fences.get(f"{hit.of} {hit.at}", 0)
        return bool(
            sql(
                "SELECT 1 FROM tracker_run WHERE id = %s::uuid AND (fence > %s OR ended_at IS NOT NULL"
                " OR (lease_until IS NULL AND (due_at IS NULL OR due_at > clock_timestamp())))",
                hit.of,
                fence,
            )
        )

    def _befall(self, point: str, action: str) -> None:
        """What a plan says of the servers happens now."""
        self.say(f"  {point}: {action}")
        at = time.time()
        match point:
            case "C16":
                verb, _, answer = action.partition(":")
                fault = {"kind": "apply-then-fail", "verb": verb, "answer": answer if answer == "drop" else 500}
                self.world.simulator.control("faults", fault)
            case "C30":
                self.world.servers.kill_database()
            case "R1":
                self.world.servers.redis.kill()
                time.sleep(float(action.partition(":")[2] or 2))
                self.world.servers.valkey.forget()
                self.world.servers.redis.start()
            case "R2":
                with redis.Redis.from_url(self.world.redis_url) as client:
                    client.flushall()
            case "R3":
                self.world.servers.redis.suspend(float(action.partition(":")[2] or 3))
        self.report.wounds.append(Wound(Hit(point, action, 0, "", at)))

    def _export(self) -> None:
        """Somebody asks for the history; it may break off under them."""
        who = self.exporters[0]
        self.exporters = [*self.exporters[1:], who]
        with contextlib.suppress(NoAnswer):
            self.crew.export(who)
        self._ten_minutes_later()

    def _ten_minutes_later(self) -> None:
        """The sweeper's turn, when it takes an export without an end for dead."""
        from django.db import connection

        from tracker.audit import export
        from tracker.runs.queries import database_now

        self._look()
        connection.close()
        export.sweep(database_now() + timedelta(minutes=11))
        connection.close()

    def _settled(self) -> bool:
        """Nobody holds a lease or an open attempt, and every event is in the tree."""
        return not self.world.sql(
            "SELECT 1 FROM tracker_attempt WHERE resolved_at IS NULL UNION ALL"
            " SELECT 1 FROM tracker_pending WHERE at < clock_timestamp() - interval '2 seconds' UNION ALL"
            " SELECT 1 FROM tracker_run WHERE lease_until > clock_timestamp() AND id = ANY(%s::uuid[])",
            self.crew.runs,
        )

    # --- and what is said of it --------------------------------------------------------------------------------------

    def _sends(self) -> int:
        return len(history.posts(self.world.simulator))

    def _judge(self) -> None:
        self._ten_minutes_later()
        found = history.collect(self.world)
        self.report.violations += checker.judge(found)
        self.report.doubled = len(checker.doubled(found))


def chosen(dice: random.Random, points: list[str], most: int) -> dict[str, str]:
    """A plan by dice: some points, each with something that can happen there."""
    return {
        name: action
        for point in dice.sample(points, min(most, len(points)))
        for name, action in [(_where(dice, point), _what(dice, point))]
    }


def _where(dice: random.Random, point: str) -> str:
    verbs = ("", "", "validate", "prepare", "commit", "commit")
    verb = dice.choice(verbs) if point in OF_A_VERB else ""
    if point in ("C20", "C21", "C22") and verb == "validate":
        verb = ""
    return f"{point}.{verb}" if verb else point


def _what(dice: random.Random, point: str) -> str:
    if point == "C16":
        return f"{dice.choice(('prepare', 'commit', 'validate'))}:{dice.choice(('drop', '500'))}"
    if point == "R1":
        return f"down:{dice.choice((1, 3, 8))}"
    if point == "R3":
        return f"asleep:{dice.choice((2, 7))}"
    if point in SERVERS:
        return "now"
    if point in EXPORT:
        return dice.choice(("kill", "raise", "lost"))
    asleep = f"stop:{dice.choice((3, 8, 20))}"
    action = dice.choices(("kill", "lost", asleep, "raise"), (5, 3, 3, 1))[0]
    return action if point in (*SEQUENCER, *WEB) or dice.random() < 0.6 else f"{action}@{dice.randint(1, 3)}"


def every() -> dict[str, str]:
    """Every point once."""
    verbs = {"C11": "prepare", "C12": "commit", "C13": "commit", "C15": "commit", "C17": "prepare", "C18": "commit"}
    verbs |= {"C14": "prepare", "C19": "prepare", "C20": "commit", "C21": "commit", "C22": "prepare"}
    other = {"C16": "prepare:drop", "C30": "now", "R1": "down:1", "R2": "now", "R3": "asleep:2"}
    other |= {"C02": "lost", "C13": "stop:5", "C28": "raise"}
    plan = {}
    for point in EVERY:
        name = f"{point}.{verbs[point]}" if point in verbs else point
        plan[name] = other.get(point, "kill")
    return plan
