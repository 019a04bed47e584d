"""What must hold of a history, judged from the history alone. Each rule gives sentences, none when it holds.

The rules recompute: seals are hashed again here, votes are counted again, what a unit's state has to be follows from
what Azure's side did. test_checker.py doctors a history for each rule and expects the complaint.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from tests.chaos.history import History, Row

Rule = Callable[[History], Iterator[str]]
ENDED = ("succeeded", "failed", "cancelled")
OVER = ("committed", "verified", "closed")
APPROVERS = {"engineer"}
SEND_WITHIN = timedelta(seconds=4)  # after arming: the self-fence of two, and the way
RULES: list[Rule] = []


def rule(function: Rule) -> Rule:
    RULES.append(function)
    return function


def judge(history: History) -> list[str]:
    """Every complaint of every rule, with the rule's name before it."""
    return [f"{check.__name__}: {sentence}" for check in RULES for sentence in check(history)]


def doubled(history: History) -> list[Row]:
    """Requests that asked Azure for what it had already taken: the same verb of the same unit, again, with no end of
    the earlier one that calls for another. Validate changes nothing and may be asked twice."""
    found, taken = [], dict[str, str]()
    for post in sorted(history.posts, key=lambda row: row["received"]):
        if post["verb"] == "validate":
            continue
        applied = post["status"] < 400 or post["dropped"] or post["status"] >= 500
        if applied and taken.get(post["unit"]) == post["verb"]:
            found.append(post)
        if applied:
            taken[post["unit"]] = post["verb"]
    return found


# --- before a request ------------------------------------------------------------------------------------------------


@rule
def every_request_had_a_committed_attempt(history: History) -> Iterator[str]:
    """No request without an attempt of the same verb and unit, committed before Azure received it, and sent once."""
    attempts = {row["id"]: row for row in history.attempts}
    for post in history.posts:
        attempt = attempts.get(post["id"])
        if attempt is None:
            yield f"{post['verb']} of {post['unit']} came with the id {post['id']!r}, which no attempt has"
        elif (attempt["verb"], attempt["unit"]) != (post["verb"], post["unit"]):
            yield f"attempt {post['id']} is {attempt['verb']} of {attempt['unit']}; {post['verb']} was sent"
        elif attempt["committed_at"] is None or attempt["committed_at"] > post["received"]:
            yield f"{post['verb']} of {post['unit']} was received before its attempt was committed"
        elif attempt["outcome"] == "not-sent":
            yield f"attempt {post['id']} says that nothing was sent, and Azure received it"
    for identity, times in Counter(post["id"] for post in history.posts).items():
        if times > 1:
            yield f"attempt {identity} was sent {times} times"


@rule
def every_attempt_has_its_event(history: History) -> Iterator[str]:
    """The arming stands in the export, in the same words; and so does what became of it."""
    events = {row["id"]: row for row in history.events}
    ends: Counter[tuple[str, object]] = Counter()
    for event in history.events:
        if event["type"] in ("operation.answered", "operation.not_sent"):
            ends[event["object"]["id"], event["detail"].get("attempt")] += 1
        if event["type"] == "operation.decided" and event["detail"].get("state") == "unknown":
            ends[event["object"]["id"], "vanished"] += 1
    for attempt in history.attempts:
        event = events.get(attempt["event_id"])
        if event is None:
            yield f"the arming of attempt {attempt['id']} is not in the export"
            continue
        said = event["type"], event["object"]["id"], event["detail"].get("verb"), event["detail"].get("attempt")
        if said != ("operation.armed", attempt["operation"], attempt["verb"], attempt["number"]):
            yield f"the event of attempt {attempt['id']} tells something else: {said}"
        told = ends[attempt["operation"], attempt["number"]] + ends[attempt["operation"], "vanished"]
        if attempt["resolved_at"] is not None and not told:
            yield f"what became of attempt {attempt['id']} ({attempt['outcome']}) is not in the export"


@rule
def commits_were_approved_when_armed(history: History) -> Iterator[str]:
    """Votes counted again: enough other people, entitled, of exactly this version, not taken back, not void then."""
    operations = {row["id"]: row for row in history.operations}
    approvals = {row["id"]: row for row in history.approvals}
    first: dict[str, Row] = {}
    for attempt in history.attempts:
        if attempt["verb"] == "commit":
            first.setdefault(attempt["run"], attempt)
    for run, attempt in first.items():
        operation = operations[attempt["operation"]]
        approval = approvals.get(operation["approval"])
        if approval is None:
            yield f"the commit of run {run} was armed without an approval"
            continue
        yield from (f"the commit of run {run} was armed, but {why}" for why in _flaws(history, approval, attempt, run))
        if approval["digest"] != operation["approval_digest"]:
            yield f"the commit of run {run} was armed with the seal of another version"


def _flaws(history: History, approval: Row, attempt: Row, run: str) -> Iterator[str]:
    at: datetime = attempt["armed_at"]
    if hashlib.sha256(f"approval/1\n{approval['body']}".encode()).hexdigest() != approval["digest"]:
        yield "its approval's seal is not that of its text"
    body = json.loads(approval["body"])
    if approval["kind"] != "commit" or approval["run"] != run or body.get("run") != run:
        yield "its approval is of something else"
    if not attempt["unit"].endswith(body.get("unit", {}).get("key", "?").lower()):
        yield f"its approval is of the unit {body.get('unit', {}).get('key')}"
    if approval["voided_at"] is not None and approval["voided_at"] <= at:
        yield "its approval was void"
    if approval["expires_at"] <= at:
        yield "its approval had expired"
    yield from _votes(history, approval, at)


def _votes(history: History, approval: Row, at: datetime) -> Iterator[str]:
    votes = [row for row in history.decisions if row["approval"] == approval["id"] and row["decided_at"] <= at]
    if any(not vote["approved"] for vote in votes):
        yield "somebody had rejected it"
    given = {
        vote["approver"]
        for vote in votes
        if vote["approved"]
        and vote["digest"] == approval["digest"]
        and (vote["revoked_at"] is None or vote["revoked_at"] > at)
        and vote["approver"] not in (approval["requester"], approval["editor"])
        and history.grants.get(vote["approver"], set()) & APPROVERS
    }
    if len(given) < max(1, approval["needed"]):
        yield f"{len(given)} of {max(1, approval['needed'])} people had agreed"


@rule
def prepares_were_approved_when_armed(history: History) -> Iterator[str]:
    """The wave of the run stood approved at that second."""
    waves = {row["id"]: row["wave"] for row in history.runs}
    for attempt in history.attempts:
        if attempt["verb"] != "prepare":
            continue
        at = attempt["armed_at"]
        standing = [
            row
            for row in history.approvals
            if row["kind"] == "wave"
            and row["wave"] == waves[attempt["run"]]
            and row["expires_at"] > at
            and (row["voided_at"] is None or row["voided_at"] > at)
        ]
        if not any(not list(_votes(history, row, at)) for row in standing):
            yield f"the prepare of run {attempt['run']} was armed while its wave was not approved"


@rule
def nothing_was_armed_outside_its_window(history: History) -> Iterator[str]:
    waves = {row["id"]: row["wave"] for row in history.runs}
    for attempt in history.attempts:
        inside = any(
            window["wave"] == waves[attempt["run"]] and window["opens"] <= attempt["armed_at"] < window["closes"]
            for window in history.windows
        )
        if attempt["verb"] in ("prepare", "commit") and not inside:
            yield f"the {attempt['verb']} of run {attempt['run']} was armed outside every window"


@rule
def nothing_was_armed_or_sent_in_a_freeze(history: History) -> Iterator[str]:
    """From the second a freeze is told until it is lifted; what was armed before may be on its way for a moment."""
    for scope, since, until in _freezes(history):
        for attempt in history.attempts:
            if _within(scope, attempt) and since < attempt["armed_at"] < until:
                yield f"{attempt['verb']} of {attempt['unit']} was armed while {scope} was frozen"
        for post in history.posts:
            if _within(scope, post) and since + SEND_WITHIN < post["received"] < until:
                yield f"{post['verb']} of {post['unit']} was sent while {scope} was frozen"


def _freezes(history: History) -> Iterator[tuple[str, datetime, datetime]]:
    begun: dict[str, datetime] = {}
    for event in sorted(history.events, key=lambda row: row["id"]):
        at = datetime.fromisoformat(event["at"])
        if event["type"] == "freeze.engaged":
            begun.setdefault(event["object"]["id"], at)
        if event["type"] == "freeze.lifted" and (since := begun.pop(event["object"]["id"], None)):
            yield event["object"]["id"], since, at
    for scope, since in begun.items():
        yield scope, since, datetime.max.replace(tzinfo=since.tzinfo)


def _within(scope: str, row: Row) -> bool:
    kind, _, what = scope.partition(":")
    return (
        scope == "all"
        or (kind == "verb" and what == row["verb"])
        or (kind == "subscription" and f"/subscriptions/{what}/" in row["unit"])
    )


# --- between requests ------------------------------------------------------------------------------------------------


@rule
def one_attempt_at_a_time(history: History) -> Iterator[str]:
    """Of one unit, no attempt begins before the one before it is closed; and none is open at the end."""
    by_unit: dict[str, list[Row]] = {}
    for attempt in sorted(history.attempts, key=lambda row: row["armed_at"]):
        by_unit.setdefault(attempt["unit"], []).append(attempt)
    for unit, attempts in by_unit.items():
        for earlier, later in pairwise(attempts):
            if earlier["resolved_at"] is None or earlier["resolved_at"] > later["armed_at"]:
                yield f"{later['verb']} of {unit} was armed while its {earlier['verb']} was open"
        if attempts[-1]["resolved_at"] is None:
            yield f"the {attempts[-1]['verb']} of {unit} is open for ever"


@rule
def no_abort_after_a_commit(history: History) -> Iterator[str]:
    armed: dict[str, datetime] = {}
    for attempt in history.attempts:
        if attempt["verb"] == "commit":
            armed[attempt["unit"]] = min(armed.get(attempt["unit"], attempt["armed_at"]), attempt["armed_at"])
    for attempt in history.attempts:
        if attempt["verb"] == "abort" and attempt["armed_at"] > armed.get(attempt["unit"], attempt["armed_at"]):
            yield f"an abort of {attempt['unit']} was armed after its commit"
    for run in history.runs:
        commits = [row for row in history.attempts if row["run"] == run["id"] and row["verb"] == "commit"]
        if bool(commits) != (run["commit_armed_at"] is not None):
            yield f"run {run['id']} does not remember rightly whether a commit was armed"


@rule
def azure_saw_no_misuse(history: History) -> Iterator[str]:
    """The simulated platform is stricter than Azure: a second submit, an abort after a commit are errors there."""
    for breach in history.breaches:
        yield f"{breach['kind']}: {breach['text']} ({breach['unit']})"


@rule
def nothing_was_sent_twice(history: History) -> Iterator[str]:
    for post in doubled(history):
        yield f"{post['verb']} of {post['unit']} was sent again after Azure had taken it"


# --- at the end ------------------------------------------------------------------------------------------------------


@rule
def both_sides_agree(history: History) -> Iterator[str]:
    """What our rows say of a unit is what Azure shows: committed, locked, or as before."""
    committed = {row["unit"] for row in history.azure["committed"]}
    for unit in history.units:
        phase = history.azure["locks"].get(unit["azure_id"])
        classic = unit["azure_id"] in history.azure["classic"]
        if (unit["azure_id"] in committed) != (unit["progress"] in OVER):
            there = "committed" if unit["azure_id"] in committed else phase or "classic"
            yield f"{unit['azure_id']} is {there} in Azure and {unit['progress']} here"
        if bool(phase) != (unit["locked_since"] is not None):
            yield f"{unit['azure_id']} is {'locked' if phase else 'not locked'} in Azure, and here it is the other way"
        if phase == "prepared" and unit["progress"] not in ("prepared", "committing", "aborting"):
            yield f"{unit['azure_id']} is prepared in Azure and {unit['progress']} here"
        if unit["azure_id"] in committed and classic:
            yield f"{unit['azure_id']} is committed and still classic in Azure"


@rule
def what_azure_migrated_is_committed_here(history: History) -> Iterator[str]:
    """With a follow-up for everything the platform dropped."""
    units = {row["azure_id"]: row for row in history.units}
    for row in history.azure["committed"]:
        unit = units.get(row["unit"])
        if unit is None or unit["progress"] not in OVER:
            yield f"{row['unit']} was migrated, and here it is {unit['progress'] if unit else 'unknown'}"
            continue
        lost = {key.lower() for key in row["dropped"]} - set(unit["captured"])
        if lost:
            yield f"{row['unit']} lost {', '.join(sorted(lost))}, which nobody captured"
        if row["dropped"] and not unit["follow_ups"]:
            yield f"{row['unit']} lost {len(row['dropped'])} settings, and no follow-up is owed"


@rule
def nothing_hangs(history: History) -> Iterator[str]:
    """Every operation is over, or lies before a person who was told."""
    runs = {row["id"]: row for row in history.runs}
    for operation in history.operations:
        run = runs[operation["run"]]
        if operation["state"] in ENDED or (operation["state"] == "operator" and run["attention"]):
            continue
        yield f"{operation['verb']} of run {operation['run']} is {operation['state']} and nobody was called"


@rule
def states_follow_one_another(history: History) -> Iterator[str]:
    """The transitions of a run are one chain from planned to where it stands, each with its event."""
    events = {row["id"] for row in history.events}
    chain: dict[str, str] = {}
    for step in history.transitions:
        if chain.get(step["run"], "planned") != step["before"]:
            yield f"run {step['run']} went on from {step['before']}, where it was not"
        chain[step["run"]] = step["after"]
        if step["event_id"] not in events and history.stored.get(step["event_id"], True):
            yield f"the step of run {step['run']} to {step['after']} is not in the export"
    for run in history.runs:
        if chain.get(run["id"], "planned") != run["state"]:
            yield f"run {run['id']} is {run['state']}, and its last step led to {chain.get(run['id'], 'planned')}"


@rule
def no_event_is_lost(history: History) -> Iterator[str]:
    """The export verifies by itself, and holds every event that was committed before it was begun."""
    if not history.verified.startswith("VERIFIED"):
        yield f"the export does not verify: {history.verified[-400:]}"
    shown = [event["id"] for event in history.events]
    if missing := {identity for identity, older in history.stored.items() if older} - set(shown):
        yield f"{len(missing)} events are not in the export, such as {min(missing)}"
    if strange := set(shown) - set(history.stored):
        yield f"{len(strange)} events of the export are not in the database, such as {min(strange)}"
    if len(shown) != len(set(shown)):
        yield "an event is in the export twice"


@rule
def every_export_has_its_end(history: History) -> Iterator[str]:
    """One that was begun is finished or given up; the newest is the one we read."""
    begun = [event["object"]["id"] for event in history.events if event["type"] == "export.started"]
    ends = ("export.finished", "export.aborted")
    ended = {event["object"]["id"] for event in history.events if event["type"] in ends}
    for identity in begun[:-1]:
        if identity not in ended:
            yield f"the export {identity} has no end"


@rule
def pages_tell_the_truth(history: History) -> Iterator[str]:
    """The page of a unit shows the state Azure has it in."""
    committed = {row["unit"] for row in history.azure["committed"]}
    for unit in history.units:
        page = history.pages.get(unit["id"])
        if page is None:
            yield f"the page of {unit['azure_id']} does not come"
            continue
        locked = unit["azure_id"] in history.azure["locks"]
        now = page["progress"] in (unit["progress"], unit["later"])
        if (page["progress"] in OVER) != (unit["azure_id"] in committed) or not now:
            there = "committed" if unit["azure_id"] in committed else "not committed"
            yield f"the page of {unit['azure_id']} says {page['progress']!r}; in Azure it is {there}"
        if page["locked"] != locked:
            yield f"the page of {unit['azure_id']} {'shows a' if page['locked'] else 'hides the'} lock"
