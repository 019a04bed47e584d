"""What people may do, told a second time: a short dictionary model without a line of the product's judgement.

It keeps by itself what people did (roles, windows, freezes, holds, approvals and votes) and is told what the engine
wrote (the state of runs and operations). `allowed(wish)` says which wishes are granted; the machine holds every answer
of the product against it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

OPERATE, APPROVE, PLAN, FREEZE = "operate", "approve", "plan", "freeze"
MAY = {"engineer": {OPERATE, APPROVE, FREEZE}, "programme-manager": {PLAN, FREEZE}, "auditor": set()}
FOLLOWS = {  # verb → states of a run it may be asked in
    "validate": {"planned", "validated"},
    "prepare": {"validated", "preparing"},
    "abort": {"preparing", "prepared", "aborting"},
    "commit": {"prepared", "committing"},
}
BAD = ("blocks yes", "downtime yes", "dropped yes")


@dataclass
class Paper:
    """An approval. `content`: what it seals, as the machine read it when it was asked for."""

    id: int
    kind: str
    wave: str
    run: str
    digest: str
    requester: str
    editor: str
    expires: datetime
    content: Any
    votes: dict[str, str] = field(default_factory=dict)  # person → yes | no | revoked
    voided: bool = False


@dataclass
class WaveFacts:
    opens: datetime
    closes: datetime
    editor: str
    stopped: bool = False
    units: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Wish:
    """`kind` and what it is about; `by` a person's name."""

    kind: str
    by: str
    what: str = ""  # unit, run, wave, scope; or the id of an approval
    more: str = ""  # verb, digest, wave


class Model:
    def __init__(self) -> None:
        self.now: datetime
        self.seen: dict[str, Any] = {}  # world.look()
        self.roles: dict[str, set[str]] = {}  # of those who are there
        self.waves: dict[str, WaveFacts] = {}
        self.frozen: dict[str, str] = {}  # scope → who asked to lift it
        self.held: set[str] = set()
        self.papers: dict[int, Paper] = {}

    # --- facts ---------------------------------------------------------------------------------------------------

    def may(self, person: str, permission: str) -> bool:
        return any(permission in MAY[role] for role in self.roles.get(person, ()))

    def paper(self, kind: str, of: str) -> Paper | None:
        """The open approval of a wave or a run."""
        found = [p for p in self.papers.values() if p.kind == kind and of in (p.wave, p.run) and not p.voided]
        return found[0] if found else None

    def state(self, paper: Paper) -> str:
        if paper.voided:
            return "voided"
        if "no" in paper.votes.values():
            return "rejected"
        if paper.expires <= self.now:
            return "expired"
        return "approved" if self.who_agrees(paper) else "pending"

    def who_agrees(self, paper: Paper) -> set[str]:
        """Who said yes, may still say it, and neither asked nor edited."""
        return {
            person
            for person, vote in paper.votes.items()
            if vote == "yes" and self.may(person, APPROVE) and person not in (paper.requester, paper.editor)
        }

    def run_of(self, unit: str) -> dict[str, Any] | None:
        return next((r for r in self.seen["runs"].values() if r["unit"] == unit and r["ended_at"] is None), None)

    def wave_of(self, unit: str) -> str | None:
        return next((name for name, wave in self.waves.items() if unit in wave.units), None)

    def live(self, run: str) -> dict[str, Any] | None:
        states = ("ready", "sending", "polling", "unknown", "held")
        return next((o for o in self.operations(run) if o["state"] in states), None)

    def operations(self, run: str) -> list[dict[str, Any]]:
        return [o for o in self.seen["operations"].values() if o["run"] == run]

    def last(self, run: str) -> dict[str, Any] | None:
        return max(self.operations(run), key=lambda o: o["created_at"], default=None)

    def stopped(self, run: dict[str, Any], verb: str) -> bool:
        scopes = {"all", f"verb:{verb}", *run["scopes"]}
        return bool(scopes & self.frozen.keys()) or run["id"] in self.held or self.waves[run["wave"]].stopped

    def window_open(self, wave: str) -> bool:
        return self.waves[wave].opens <= self.now < self.waves[wave].closes

    def fits(self, run: dict[str, Any], verb: str) -> bool:
        """What the verb took for this unit before, and five minutes or a tenth more, is left of the window. (Each unit
        of a life is the only one of its kind, and none goes the whole way ten times: nine of ten is the longest.)"""
        if verb in run["overruns"] or (verb == "commit" and run["commit_armed_at"] is not None):
            return True
        units = {r["id"]: r["unit"] for r in self.seen["runs"].values()}
        took = [
            o["took"]
            for o in self.seen["operations"].values()
            if units[o["run"]] == run["unit"] and o["verb"] == verb and o["state"] == "succeeded" and o["sends"] == 1
        ]
        need = max((seconds for seconds in took if seconds > 0), default=None)
        left = (self.waves[run["wave"]].closes - self.now).total_seconds()
        return need is None or left >= need + max(300, need / 10)

    def wave_content(self, wave: str) -> dict[str, Any]:
        return {unit: self.seen["units"][unit] for unit in sorted(self.waves[wave].units)}

    def moved(self, paper: Paper) -> bool:
        """Whether anything at all is not as it was shown."""
        if paper.kind == "commit":
            return self.seen["runs"][paper.run]["content"] != paper.content
        then, now = paper.content, self.wave_content(paper.wave)
        return {u: v["whole"] for u, v in then.items()} != {u: v["whole"] for u, v in now.items()}

    def worse(self, paper: Paper, unit: str) -> bool:
        """For a unit under way: its members changed, or a finding got worse."""
        then, now = paper.content.get(unit), self.seen["units"][unit]
        if then is None or then["base"] != now["base"]:
            return True
        return any(said in BAD and then["findings"].get(name) != said for name, said in now["findings"].items())

    def agreed(self, unit: str) -> bool:
        """The wave of a unit is approved, and what was approved is still so for this unit."""
        wave = self.wave_of(unit)
        paper = self.paper("wave", wave) if wave else None
        return paper is not None and self.state(paper) == "approved" and not self.worse(paper, unit)

    def commit_agreed(self, run: str) -> bool:
        paper = self.paper("commit", run)
        return paper is not None and self.state(paper) == "approved" and not self.moved(paper)

    def sendable(self, run: dict[str, Any], verb: str) -> bool:
        """What has to be so at the second a verb is armed."""
        if self.stopped(run, verb):
            return False
        if verb in ("validate", "abort"):
            return verb == "validate" or run["commit_armed_at"] is None
        if not self.window_open(run["wave"]) or not self.fits(run, verb):
            return False
        if verb == "prepare":
            return self.agreed(run["unit"])
        if run["commit_armed_at"] is not None:
            return True
        return run["state"] == "prepared" and not run["open_ends"] and self.commit_agreed(run["id"])

    # --- wishes ----------------------------------------------------------------------------------------------------

    def allowed(self, wish: Wish) -> bool:
        return getattr(self, f"_{wish.kind}")(wish)

    def _start(self, wish: Wish) -> bool:
        unit = wish.what
        return (
            self.may(wish.by, OPERATE)
            and self.wave_of(unit) is not None
            and self.seen["units"][unit]["progress"] == "planned"
            and self.run_of(unit) is None
            and self.agreed(unit)
        )

    def _ask(self, wish: Wish) -> bool:
        run, verb = self.seen["runs"][wish.what], wish.more
        if not self.may(wish.by, OPERATE) or run["ended_at"] is not None:
            return False
        live, last = self.live(run["id"]), self.last(run["id"])
        if verb in ("hold", "resume"):
            return (verb == "resume") == (run["id"] in self.held)
        if verb == "cancel":
            if run["state"] not in ("planned", "validated"):
                return False
            if live is None:
                return not (last and last["verb"] == "prepare" and last["state"] == "operator" and last["sends"])
            return live["state"] in ("ready", "held") and not (live["verb"] == "prepare" and live["sends"])
        if live is not None or run["waiting"]:
            return False
        if verb == "retry":
            return last is not None and last["state"] in ("failed", "operator")
        return run["state"] in FOLLOWS[verb] and self.sendable(run, verb)

    def _overrun(self, wish: Wish) -> bool:
        run = self.seen["runs"][wish.what]
        return self.may(wish.by, OPERATE) and run["ended_at"] is None and wish.more not in run["overruns"]

    def _request(self, wish: Wish) -> bool:
        run = self.seen["runs"][wish.what]
        if not self.may(wish.by, OPERATE) or run["state"] != "prepared" or not run["compared"] or run["open_ends"]:
            return False
        if run["commit_armed_at"] is not None:  # it was sent: nobody is asked whether it may be
            return False
        paper = self.paper("commit", run["id"])
        return paper is None or self.moved(paper) or self.state(paper) not in ("pending", "approved")

    def _approve(self, wish: Wish) -> bool:
        return self._decide(wish) and not self.moved(self.papers[int(wish.what)])

    def _reject(self, wish: Wish) -> bool:
        return self._decide(wish)

    def _decide(self, wish: Wish) -> bool:
        paper = self.papers[int(wish.what)]
        return (
            self.may(wish.by, APPROVE)
            and wish.by not in (paper.requester, paper.editor)
            and wish.by not in paper.votes
            and self.state(paper) == "pending"
            and wish.more == "current"
        )

    def _revoke(self, wish: Wish) -> bool:
        return self.may(wish.by, APPROVE) and self.papers[int(wish.what)].votes.get(wish.by) == "yes"

    def _window(self, wish: Wish) -> bool:
        return self.may(wish.by, PLAN)

    def _place(self, wish: Wish) -> bool:
        unit = self.seen["units"][wish.what]
        return (
            self.may(wish.by, PLAN)
            and self.wave_of(wish.what) is None
            and unit["progress"] == "assessed"
            and unit["verdict"] != "blocked"
        )

    def _remove(self, wish: Wish) -> bool:
        unit = self.seen["units"][wish.what]
        return (
            self.may(wish.by, PLAN)
            and self.wave_of(wish.what) is not None
            and unit["progress"] == "planned"
            and self.run_of(wish.what) is None
        )

    def _submit(self, wish: Wish) -> bool:
        wave = self.waves[wish.what]
        if not self.may(wish.by, PLAN) or not wave.units or wave.closes <= self.now:
            return False
        if any(self.seen["units"][unit]["verdict"] == "blocked" for unit in wave.units):
            return False
        paper = self.paper("wave", wish.what)
        if paper is None or self.state(paper) in ("rejected", "expired"):
            return True
        if self.state(paper) == "pending":
            return self.moved(paper)
        begun = {unit for unit in wave.units if self.seen["units"][unit]["progress"] not in ("planned", "validated")}
        return any(self.worse(paper, unit) for unit in wave.units - begun)

    def _stop(self, wish: Wish) -> bool:
        return self.may(wish.by, FREEZE) and not self.waves[wish.what].stopped

    def _resume(self, wish: Wish) -> bool:
        return self.may(wish.by, OPERATE) and self.waves[wish.what].stopped

    def _freeze(self, wish: Wish) -> bool:
        return self.may(wish.by, FREEZE)

    def _lift(self, wish: Wish) -> bool:
        return self.may(wish.by, FREEZE) and wish.what in self.frozen and self.frozen[wish.what] != wish.by

    # --- what a granted wish changes -------------------------------------------------------------------------------

    def edited(self, wave: str, by: str) -> None:
        self.waves[wave].editor = by
        if paper := self.paper("wave", wave):
            paper.voided = True

    def done(self, wish: Wish) -> None:
        """A wish was granted. Papers and windows are noted by the machine, which knows their ids and hours."""
        match wish.kind:
            case "ask" if wish.more == "hold":
                self.held.add(wish.what)
            case "ask" if wish.more == "resume":
                self.held.discard(wish.what)
            case "approve" | "reject":
                self.papers[int(wish.what)].votes[wish.by] = "yes" if wish.kind == "approve" else "no"
            case "revoke":
                self.papers[int(wish.what)].votes[wish.by] = "revoked"
            case "place":
                self.waves[wish.more].units.add(wish.what)
                self.edited(wish.more, wish.by)
            case "remove":
                wave = self.wave_of(wish.what)
                self.waves[wave].units.discard(wish.what)
                self.edited(wave, wish.by)
            case "window":
                self.edited(wish.what, wish.by)
            case "stop" | "resume":
                self.waves[wish.what].stopped = wish.kind == "stop"
            case "freeze":
                self.frozen[wish.what] = ""
            case "lift" if self.frozen[wish.what]:
                del self.frozen[wish.what]
            case "lift":
                self.frozen[wish.what] = wish.by

    def write(self, paper: Paper) -> None:
        """A new approval; it takes the place of the open one."""
        if earlier := self.paper(paper.kind, paper.run or paper.wave):
            earlier.voided = True
        self.papers[paper.id] = paper

    def new_paper(self, kind: str, by: str, wave: str, run: str, row: Any) -> None:
        content = self.seen["runs"][run]["content"] if kind == "commit" else self.wave_content(wave)
        self.write(
            Paper(
                id=row.pk,
                kind=kind,
                wave=wave if kind == "wave" else "",
                run=run,
                digest=row.digest,
                requester=by,
                editor=self.waves[wave].editor,
                expires=self.now + timedelta(days=30),
                content=content,
            )
        )
