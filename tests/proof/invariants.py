"""What has to be so after every step of a life, from the rows, the platform's log and the model alone."""

from collections import Counter
from typing import Any

from tests.proof.model import Model

LIVE = ("ready", "sending", "polling", "unknown", "held")
ENDED = ("succeeded", "failed", "cancelled")
Seen = dict[str, Any]


def check(
    model: Model, before: Seen, now: Seen, posts: list[dict[str, Any]], posted: Counter[str], tally: Counter[str]
) -> None:
    """`before`, `now`: two looks, one step apart. `posts`: what reached the platform meanwhile; `posted`: how often
    each attempt did, ever. Raises AssertionError."""
    _one_of_each(now)
    _only_forward(before, now)
    _evidence(now)
    _armed(model, before, now, tally)
    _posts(now, posts, posted)
    _told(before, now)


def _one_of_each(now: Seen) -> None:
    live = Counter(run["unit"] for run in now["runs"].values() if run["ended_at"] is None)
    assert max(live.values(), default=0) <= 1, f"two live runs: {live}"
    operations = Counter(o["run"] for o in now["operations"].values() if o["state"] in LIVE)
    assert max(operations.values(), default=0) <= 1, f"two live operations: {operations}"
    for operation in now["operations"].values():
        assert operation["open"] <= 1, f"two open attempts: {operation}"
        assert (operation["open"] == 1) == (operation["state"] == "sending"), (
            f"sending has the open attempt: {operation}"
        )
        assert operation["sends"] == operation["attempts"], f"every send has its attempt: {operation}"
    for run in now["runs"].values():
        if run["ended_at"] is None:
            assert run["progress"] == run["state"], f"run and unit disagree: {run}"
            stuck = run["due_at"] is None and any(
                o["state"] in LIVE for o in now["operations"].values() if o["run"] == run["id"]
            )
            assert not stuck, f"under way, and nobody will look again: {run}"


def _only_forward(before: Seen, now: Seen) -> None:
    for key, was in before["runs"].items():
        run = now["runs"][key]
        assert run["fence"] >= was["fence"], f"the fence fell: {was} → {run}"
        if was["commit_armed_at"]:
            assert run["commit_armed_at"] == was["commit_armed_at"], f"the point of no return moved: {run}"
            assert run["state"] != "aborting", f"aborting after a commit was armed: {run}"
        if was["ended_at"]:
            same = ("ended_at", "outcome", "state")
            assert [run[name] for name in same] == [was[name] for name in same], f"an ended run moved: {was} → {run}"
    for key, was in before["operations"].items():
        if was["state"] in ENDED:
            assert now["operations"][key]["state"] == was["state"], f"an ended operation moved: {was}"
    assert set(before["attempts"]) <= set(now["attempts"])


def _evidence(now: Seen) -> None:
    after = {"prepare": "prepared", "abort": "classic", "commit": "migrated"}
    for operation in now["operations"].values():
        if operation["state"] == "succeeded" and operation["verb"] in after:
            seen = operation["seen"].get("world")
            assert seen == after[operation["verb"]], f"succeeded without evidence: {operation}"


def _armed(model: Model, before: Seen, now: Seen, tally: Counter[str]) -> None:
    """Every arming of this step was allowed by what people had said before it."""
    for key in now["attempts"].keys() - before["attempts"].keys():
        attempt = now["attempts"][key]
        operation = now["operations"][attempt["operation"]]
        run, verb = before["runs"][operation["run"]], operation["verb"]
        tally[f"{verb} armed"] += 1
        assert attempt["event"] == "operation.armed", f"an attempt without its event: {attempt}"
        assert not model.stopped(run, verb), f"{verb} armed during a freeze, a hold or a stop: {attempt}"
        if verb == "abort":
            assert run["commit_armed_at"] is None, f"abort armed after a commit: {attempt}"
        if verb in ("prepare", "commit"):
            assert model.window_open(run["wave"]), f"{verb} armed outside the window: {attempt}"
        if verb == "prepare":
            paper = model.paper("wave", run["wave"])
            assert paper is not None and model.state(paper) == "approved", (
                f"prepare without an approved wave: {attempt}"
            )
        if verb == "commit" and run["commit_armed_at"] is None:
            paper = model.paper("commit", run["id"])
            assert paper is not None, f"commit without any approval: {attempt}"
            assert model.state(paper) == "approved", f"commit armed, and the approval is {model.state(paper)}"
            assert paper.content == run["content"], "commit armed, and what was approved is not so any more"
            assert paper.id == operation["approval"] and paper.digest == attempt["digest"], f"another paper: {attempt}"


def _posts(now: Seen, posts: list[dict[str, Any]], posted: Counter[str]) -> None:
    """Nothing reached the platform without an attempt, and no attempt reached it twice."""
    for line in posts:
        attempt = now["attempts"].get(line["client_request_id"])
        assert attempt is not None, f"a request without an attempt: {line}"
        assert now["operations"][attempt["operation"]]["verb"] == line["verb"], f"another verb was sent: {line}"
        posted[attempt["id"]] += 1
        assert posted[attempt["id"]] == 1, f"an attempt was sent twice: {line}"


def _told(before: Seen, now: Seen) -> None:
    """Whatever changed, the history has an event about it."""
    told = {(kind, about) for kind, about, _ in now["events"]}
    operations = {o["id"]: o["run"] for o in now["operations"].values()}
    of_run = {operations.get(about, about) for kind, about in told if kind in ("run", "operation")}
    assert now["unmoved"] == 0, "a transition without its event"
    for key, run in now["runs"].items():
        was = before["runs"].get(key, {})
        fields = ("state", "held_at", "ended_at", "outcome", "commit_armed_at")
        if any(run[name] != was.get(name) for name in fields):
            assert key in of_run, f"{was} → {run}: no event"
    for key, operation in now["operations"].items():
        was = before["operations"].get(key, {})
        if any(operation[name] != was.get(name) for name in ("state", "sends")):
            assert operation["run"] in of_run, f"{was} → {operation}: no event"
    for name, unit in now["units"].items():
        was = before["units"][name]
        if unit["progress"] != was["progress"]:
            assert ("unit", unit["key"]) in told or of_run, f"{name}: {was} → {unit}: no event"
