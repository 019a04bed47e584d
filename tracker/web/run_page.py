"""What the pages of one run show: the next step, the wishes, the stream of what happened, the locks of a commit.

Everything is composed from `runs.story` and `runs.gates`; nothing is decided here that the engine decides otherwise.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from migrator.gateway.protocol import ErrorClass
from migrator.lifecycle import OperationState, State
from migrator.messages import CATALOGUE
from migrator.resources import Verb
from tracker.accounts.permissions import Permission
from tracker.readiness import queries as readiness
from tracker.runs import gates, queries, rehearsals, seals, story, waiting
from tracker.runs.models import Ask, Attempt, Difference, Operation, Run
from tracker.runs.rehearsals import Against
from tracker.runs.story import Effect, Story
from tracker.runs.waiting import PARKED
from tracker.waves import queries as waves
from tracker.waves.models import Approval
from tracker.web import gaps, kinds, quota_ways, status
from tracker.web.permits import Permits
from tracker.web.reviews import actor_names

LISTED = 300  # rows of a comparison on the page; the download has all
LONG = 400  # characters of a value
NO_USE = (ErrorClass.FIX, ErrorClass.QUOTA, ErrorClass.TICKET, ErrorClass.ABORT_FIRST)  # a retry alone does not help
ENTRIES = {entry.id: entry for entry in CATALOGUE}
moment = datetime.fromisoformat

# Whether to press Retry, by class of the error (azure.md 2.10). Every retry begins with a look at both sides, so it
# never sends twice what arrived; these say whether it can help.
RETRY: dict[str, tuple[str, str, str]] = {
    ErrorClass.RETRY: ("Passes by itself", "good", "A retry is safe and may help at once."),
    ErrorClass.WAIT: ("Wait", "attention", "A retry is safe, and helps only after some time."),
    ErrorClass.FIX: ("Fix first", "stop", "A retry is safe, and fails the same way until the cause is removed."),
    ErrorClass.QUOTA: ("Quota", "stop", "A retry is safe, and fails the same way until the limit is raised."),
    ErrorClass.TICKET: ("Support ticket", "stop", "Do not retry before Azure support answered; send it the ids."),
    ErrorClass.ABORT_FIRST: ("Abort first", "stop", "Do not retry: the unit may be locked. Abort, begin anew."),
    ErrorClass.PROGRAMMER: ("Error of the product", "stop", "A retry fails the same way; report it with the ids."),
    ErrorClass.INFORMATION: ("Information", "neutral", "Nothing stands against going on."),
    ErrorClass.UNKNOWN: ("Not in the catalogue", "attention", "A retry is safe: it looks before it sends."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing a person can want. `title` … `points` fill its dialog; `url` leads to a page instead."""

    verb: str
    label: str
    icon: str
    why_not: str
    title: str = ""
    text: str = ""
    points: tuple[dict[str, str], ...] = ()
    look: str = ""
    url: str = ""
    done: bool = False  # behind us: not worth a line


@dataclass(slots=True)
class Item:
    """One line of the stream."""

    at: datetime
    rank: int
    kind: str  # ask, operation, move, look
    icon: str
    hue: str
    text: str
    by: str = ""
    sub: str = ""
    operation: Operation | None = None
    attempts: list[Attempt] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)


def _approvals(run: Run, *people: str) -> tuple[Approval | None, Approval | None]:
    """The open approvals of the wave and of the commit, newest first; with decisions, two queries."""
    rows = Approval.objects.filter(wave=run.wave_id, voided_at__isnull=True).prefetch_related("decisions", *people)
    found = list(rows.order_by("-requested_at"))
    wave = next((row for row in found if row.kind == Approval.Kind.WAVE), None)
    commit = next((row for row in found if row.kind == Approval.Kind.COMMIT and row.run_id == run.pk), None)
    for row in (wave, commit):
        if row is not None:
            row.wave = run.wave  # one instance; saves a query
    return wave, commit


def context(request: HttpRequest, run: Run, tag: str) -> dict[str, Any]:
    """Of runs/run.html and its live parts."""
    now: datetime = run.now  # type: ignore[attr-defined]
    told, known, found = story.read(run), gates.facts(run), _approvals(run)
    compared = hasattr(run, "comparison")
    rows = story.differences(run) if compared else []
    earlier = rehearsals.against(run, rows) if compared else None
    people = told.people | _who_decided(earlier)
    live = told.live
    answers = queries.wishes(
        run,
        live=live,
        waiting=told.waiting,
        last=told.last,
        refused=lambda verb: queries.why_not(run, verb, now, known=known, approvals=found),
    )
    full = request.GET.get("view") == "full"
    permits = Permits(request.user)  # type: ignore[arg-type]
    wishes = _wishes(run, told, answers, permits)
    return {
        "run": run,
        "now": now,
        "told": told,
        "live_etag": tag,
        "starter": told.people.get(run.started_by, run.started_by),
        "window": known.open_window(now),
        "next_window": known.next_window(now),
        "step": _step(run, told, known.open_differences, answers),
        "wishes": [wish for wish in wishes if not wish.why_not],
        "not_now": [wish for wish in wishes if wish.why_not and not wish.done],
        "dialogs": [wish for wish in wishes if wish.title],
        "trouble": _trouble(run, told),
        "full": full,
        "view": "?view=full" if full else "",
        "stream": _stream(told, full=full),
        "rows": [_row(row, people, earlier) for row in rows[:LISTED]],
        "earlier": earlier,
        "earlier_gone": [_row(row, people, None) for row in earlier.gone[:LISTED]] if earlier else [],
        "row_count": len(rows),
        "open_differences": known.open_differences,
        "compared": compared,
        "may_operate": permits.may(Permission.OPERATE),
        "operate_why_not": permits.why_not(Permission.OPERATE),
        "captured": [(kinds.type_word(c.kind), c) for c in told.captured],
        "owed": sum(told.follow_ups.values()),
        "owed_left": sum(n for state, n in told.follow_ups.items() if state != "closed"),
        "why": waiting.CODES.get(run.waiting_code) if run.ended_at is None and told.waiting is None else None,
        "allowed": [
            {
                "verb": each.verb,
                "reason": each.reason,
                "at": each.at,
                "by": actor_names({each.by}).get(each.by, each.by),
            }
            for each in known.allowed
        ],
        "may_let": run.waiting_code in PARKED and run.ended_at is None and permits.may(Permission.OPERATE),
        "overrun_hidden": _overrun(run) if permits.may(Permission.OPERATE) else [],
        "moving": live is not None and live.state in ("sending", "polling"),
        "live_operation": live,
        **gaps.context(run, told, permits),
        **quota_ways.context(run, told, answers, permits),
    }


def _overrun(run: Run) -> list[tuple[str, str]]:
    """The verb of a run that can be let start though it may overrun, for its form; empty: none."""
    verb = {State.PLANNED: "prepare", State.VALIDATED: "prepare", State.PREPARED: "commit"}.get(State(run.state))
    return [("verb", verb)] if verb and run.ended_at is None else []


# --- wishes -----------------------------------------------------------------------------------------------------------
def _point(text: str, icon: str = "arrow-right", hue: str = "neutral") -> dict[str, str]:
    return {"text": text, "icon": icon, "hue": hue}


LOCKS = _point("The management plane of everything in the unit is locked, with no time limit.", "lock", "attention")
BEYOND = (State.COMMITTING, State.COMMITTED, State.VERIFIED, State.CLOSED)


def _wishes(run: Run, told: Story, answers: Mapping[str, str], permits: Permits) -> list[Wish]:
    name, n = run.unit.name, len(told.captured)
    denied = permits.why_not(Permission.OPERATE)
    last = told.last.verb.capitalize() if told.last else "the last verb"
    state = State(run.state)
    captured = f"{n} settings that do not move are captured; they become follow-ups." if n else (
        "Settings that do not move are captured first; without that it is not sent."
    )  # fmt: skip
    behind = state in (*BEYOND, State.ABORTING) or run.ended_at is not None
    rows = [
        Wish("validate", "Validate", "list-checks", answers["validate"], f"Validate {name}?",
             "Azure checks the unit and answers with messages. Validate does less than Prepare.",
             (_point("Changes nothing and locks nothing.", "check", "good"),), "primary",
             done=behind or state in (State.PREPARING, State.PREPARED)),
        Wish("prepare", "Prepare", "lock", answers["prepare"], f"Prepare {name}?",
             "Azure builds the Resource Manager side beside the classic one.",
             (LOCKS, _point("Abort takes it back; Commit makes it final.", "undo-2"), _point(captured, "list-checks")),
             "primary", done=behind or state is State.PREPARED),
        Wish("commit", "Commit…", "arrow-right-left", answers["commit"], look="primary",
             url=reverse("run_commit", args=[run.pk]), done=run.ended_at is not None or state in BEYOND[1:]),
        Wish("retry", "Try again", "rotate-cw", answers["retry"], f"Try {last} of {name} again?",
             "It begins with a look at both sides. While that is unclear, nothing is sent.", (), "primary",
             done=told.last is None or told.last.state not in ("failed", "operator")),
        Wish("hold", "Hold", "circle-pause", answers["hold"], f"Hold {name}?",
             "Nothing more is sent for this unit until somebody resumes it.",
             (_point("What Azure already works on goes on, and is watched.", "eye"),
              *([_point("It stays locked all the while.", "lock", "attention")] if run.unit.locked_since else [])),
             done=run.held_at is not None or run.ended_at is not None),
        Wish("resume", "Resume", "play", answers["resume"], f"Resume {name}?",
             "The run goes on where it was, once every gate is open.", (), "primary", done=run.held_at is None),
        Wish("abort", "Abort", "undo-2", answers["abort"], f"Abort the migration of {name}?",
             "Azure removes the Resource Manager side and unlocks the classic one.",
             (_point("The unit is classic again, and still in its wave.", "undo-2"),
              _point("The comparison and the approval of this commit count for nothing any more.", "circle-slash")),
             "danger", done=run.ended_at is not None or state in (State.PLANNED, State.VALIDATED)),
        Wish("cancel", "Cancel run", "circle-slash", answers["cancel"], f"Cancel this run of {name}?",
             "Nothing was changed on the platform; the unit is planned again.", (), "danger", done=behind),
    ]  # fmt: skip
    return [_denied(wish, denied) for wish in rows] if denied else rows


def _denied(wish: Wish, sentence: str) -> Wish:
    return Wish(wish.verb, wish.label, wish.icon, wish.why_not or sentence, done=wish.done, url=wish.url)


@dataclass(frozen=True, slots=True)
class Step:
    """The one thing to do now. `verb`: the wish that does it; or `url` with `label`."""

    sentence: str
    verb: str = ""
    url: str = ""
    label: str = ""
    quiet: bool = False  # nothing to do


def _step(run: Run, told: Story, open_differences: int, answers: Mapping[str, str]) -> Step:
    live, last, waiting = told.live, told.last, told.waiting
    if run.ended_at is not None:
        said = {
            "closed": "Committed, read again, and every follow-up was seen. Nothing is left to do.",
            "rehearsed": "The rehearsal is over: the unit is classic and unlocked again, and both sides were compared.",
            "aborted": "The unit is classic and unlocked again. Start a new run from its wave.",
            "cancelled": "Nothing was changed on the platform. Start a new run from its wave.",
        }.get(run.outcome, "This run is over.")
        there = run.outcome != "closed"
        return Step(said, "", reverse("wave", args=[run.wave_id]) if there else "", "Open wave", quiet=not there)
    if run.held_at is not None:
        return Step("On hold: nothing is sent until somebody resumes it.", "resume")
    if live is not None:
        return _step_live(run, live)
    if waiting is not None:
        by = told.people.get(waiting.by, waiting.by)
        return Step(f"{waiting.verb.capitalize()} was asked for by {by}; it starts within a second.", quiet=True)
    if last is not None and last.state in (OperationState.FAILED, OperationState.OPERATOR) and run.attention:
        helpless = last.error.get("class", "") in NO_USE
        if helpless and run.unit.locked_since is not None and not answers["abort"]:
            return Step("The unit may be left locked. Abort it, remove the cause, then begin anew.", "abort")
        return Step("Read the error, remove its cause, then try again.", "retry")
    return _step_state(run, told, open_differences, answers)


def _step_live(run: Run, live: Operation) -> Step:
    verb = live.verb.capitalize()
    if live.state == OperationState.UNKNOWN:
        return Step(
            f"Nothing to press: nobody knows yet whether {verb} arrived. Reading both sides decides.", quiet=True
        )
    if live.state in (OperationState.HELD, OperationState.READY):
        if live.state == OperationState.HELD:
            said = f"{verb} waits and starts by itself: {run.waiting_for or live.why}"
        else:
            said = run.waiting_for or f"{verb} is about to be sent."
        return Step(said, quiet=True)
    return Step(f"Azure is at work on {verb}. Nothing to do; this page follows it.", quiet=True)


def _step_state(run: Run, told: Story, open_differences: int, answers: Mapping[str, str]) -> Step:
    match State(run.state):
        case State.PLANNED | State.ASSESSED:
            return Step("Ask Azure to validate the unit: it changes nothing.", "validate")
        case State.VALIDATED:
            return Step("Validate passed. Prepare is next: it locks the unit until Commit or Abort.", "prepare")
        case State.PREPARED if open_differences:
            n = open_differences
            said = "1 unexpected difference has" if n == 1 else f"{n} unexpected differences have"
            return Step(f"{said} to be decided before the commit can be approved.", "", "#comparison", "Decide")
        case State.PREPARED:
            url = reverse("run_commit", args=[run.pk])
            if answers["commit"]:
                return Step(f"Prepared and compared. {answers['commit']}", "", url, "Go to commit")
            return Step("Every lock is green: the commit can be sent.", "", url, "Go to commit")
        case State.COMMITTED:
            return Step("Committed. It is read again before it counts as verified.", quiet=True)
        case State.VERIFIED:
            url = f"{reverse('follow_ups')}?unit={run.unit_id}"
            return Step("Verified. What the platform dropped has to be rebuilt.", "", url, "Open follow-ups")
    return Step(run.waiting_for or "The engine decides the next step.", quiet=True)


# --- trouble ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Trouble:
    """The last error with what the catalogue says about it; facts are tagged in its source."""

    sentence: str
    verb: str
    code: str
    message: str
    class_word: str
    hue: str
    retry: str
    action: str
    source: str
    entry: str
    rules: tuple[str, ...]
    attempt: Attempt | None


def _trouble(run: Run, told: Story) -> Trouble | None:
    """What a person has to look at; None when nothing."""
    if not run.attention:
        return None
    last = told.last
    failed = last if last is not None and last.error else None
    error: Mapping[str, str] = failed.error if failed else {}
    entry = ENTRIES.get(error.get("catalogue", ""))
    word, hue, retry = RETRY.get(error.get("class", ""), ("", "stop", "")) if error else ("", "stop", "")
    attempts = told.attempts.get(failed.pk, []) if failed else []
    return Trouble(
        sentence=run.attention,
        verb=failed.verb if failed else "",
        code=error.get("code", ""),
        message="" if error.get("message", "") in run.attention else error["message"],
        class_word=word,
        hue=hue,
        retry=retry,
        action=entry.action if entry else "",
        source=entry.source if entry else "",
        entry=entry.id if entry else "",
        rules=entry.rules if entry else (),
        attempt=attempts[-1] if attempts else None,
    )


# --- the stream -------------------------------------------------------------------------------------------------------
def _stream(told: Story, *, full: bool) -> list[Item]:
    """Newest first."""
    items = [_asked(ask, told.people) for ask in told.asks]
    for operation in told.operations:
        chip = status.chip("operation", operation.state)
        attempts = told.attempts.get(operation.pk, [])
        items.append(
            Item(
                at=operation.created_at,
                rank=1,
                kind="operation",
                icon=chip.icon,
                hue=chip.hue,
                text=operation.verb.capitalize(),
                sub=operation.why,
                operation=operation,
                attempts=attempts,
                seen=_seen(operation.seen),
            )
        )
    for move in told.transitions:
        chip = status.chip("progress", move.after)
        text = f"{status.chip('progress', move.before).word} → {chip.word}"
        items.append(Item(move.at, 2, "move", chip.icon, chip.hue, text, sub=move.because))
    if full:
        for look in told.looks:
            text = f"Looked at the unit for {look.verb}"
            items.append(Item(look.at, 3, "look", "eye", "neutral", text, sub=look.concluded, seen=_seen(look.seen)))
    return sorted(items, key=lambda item: (item.at, item.rank), reverse=True)


def _asked(ask: Ask, people: Mapping[str, str]) -> Item:
    chip = status.chip("ask", ask.verb)
    by = people.get(ask.by, ask.by)
    return Item(ask.at, 0, "ask", "user", "neutral", f"{by} asked for {chip.word}", sub=ask.reason)


SIDES = (("classic", "Classic"), ("resource manager", "Resource Manager"), ("world", "Together"), ("status", "Status"),
         ("code", "Code"), ("message", "Message"))  # fmt: skip


def _seen(seen: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(word, str(seen[key])) for key, word in SIDES if seen.get(key)]


# --- the comparison ---------------------------------------------------------------------------------------------------
def readable(value: object) -> str:
    """A value of a comparison for people."""
    match value:
        case None | []:
            return "none"
        case {"unknown": True}:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case str() if value.lower().startswith("/subscriptions/"):
            return _place(value)
        case str():
            text = value
        case list() if all(isinstance(item, (str, int, float)) for item in value):
            text = ", ".join(map(str, value))
        case _:
            text = json.dumps(value, ensure_ascii=False, indent=1)
    return text if len(text) <= LONG else f"{text[:LONG]}…"


def _place(identity: str) -> str:
    """An Azure id as a person says it: type, name, and the group it is in."""
    parts = identity.strip("/").split("/")
    group = parts[3] if len(parts) > 3 and parts[2].lower() == "resourcegroups" else ""
    kind = kinds.type_of(identity)
    if not kind:
        return f"resource group {group}" if len(parts) == 4 and group else identity
    said = f"{kinds.type_word(kind).rsplit('/', 1)[-1]} {kinds.name_of(identity)}"
    return f"{said} in {group}" if group else said


def _who_decided(earlier: Against | None) -> dict[str, str]:
    """Names of those who accepted differences at the rehearsal."""
    keys = {row.disposed_by for row in (*earlier.like.values(), *earlier.gone)} - {""} if earlier else set()
    return actor_names(keys) if keys else {}


def _row(row: Difference, people: Mapping[str, str], earlier: Against | None) -> dict[str, Any]:
    like = earlier.like.get(row.pk) if earlier else None
    return {
        "mark": "" if earlier is None else "as rehearsed" if like else "new since the rehearsal",
        "said_then": like.disposition if like else "",
        "said_then_by": people.get(like.disposed_by, like.disposed_by) if like else "",
        "said_then_at": like.disposed_at if like else None,
        "pk": row.pk,
        "kind": row.kind,
        "field": row.field,
        "resource": kinds.name_of(row.classic_key or row.arm_key),
        "key": row.classic_key or row.arm_key,
        "before": None if row.before is None else readable(row.before),
        "after": None if row.after is None else readable(row.after),
        "before_full": row.before if isinstance(row.before, str) and len(row.before) <= 2000 else "",
        "after_full": row.after if isinstance(row.after, str) and len(row.after) <= 2000 else "",
        "why": row.why,
        "disposition": row.disposition,
        "by": people.get(row.disposed_by, row.disposed_by),
        "at": row.disposed_at,
        "open": row.kind in ("unexpected", "unread") and row.disposed_at is None,
    }


# --- commit -----------------------------------------------------------------------------------------------------------
def commit_context(request: HttpRequest, run: Run, tag: str) -> dict[str, Any]:
    """Of runs/commit.html and its live parts."""
    now: datetime = run.now  # type: ignore[attr-defined]
    told, known = story.read(run), gates.facts(run)
    _, approval = _approvals(run, "decisions__approver", "requester")
    locks = gates.commit_gates(run, known, approval, now)
    state = waves.approval_state(approval, now) if approval else None
    moved = any(lock.code == "approval-stale" for lock in locks)
    if approval is not None and state is waves.ApprovalState.PENDING:
        moved = bool(seals.commit_drift(approval, run))
    closed = [lock for lock in locks if not lock.open]
    permits = Permits(request.user)  # type: ignore[arg-type]
    denied = permits.why_not(Permission.OPERATE)
    live, waiting = told.live, told.waiting
    wanted = [each.verb for each in (live, waiting) if each is not None]
    under_way = run.commit_armed_at is not None or "commit" in wanted
    why_not = denied or next((lock.sentence for lock in closed if lock.code not in PARKED), "")
    if not why_not and (live or waiting):
        why_not = queries.wishes(run, live=live, waiting=waiting, last=told.last, refused=lambda _: None)[Verb.COMMIT]
    return {
        "run": run,
        "now": now,
        "live_etag": tag,
        "locks": [
            {"name": lock.name, "state": lock.state.value, "sentence": lock.sentence, "url": _where(lock, run)}
            for lock in locks
        ],
        "closed": len(closed),
        "approval": approval,
        "approval_state": state.value if state else "none",
        "decisions": list(approval.decisions.all()) if approval else [],
        "ask_why_not": denied or _no_new_approval(run, known.open_differences, state, moved),
        "why_not": why_not,
        "under_way": under_way,
        "effects": _grouped(told.effects),
        "captured": len(told.captured),
        "members": len(run.members),
    }


def _where(gate: gates.Gate, run: Run) -> str:
    if gate.open:
        return ""
    match gate.code:
        case "differences-open" | "not-prepared" | "held":
            return reverse("run", args=[run.pk]) + "#comparison" * (gate.code == "differences-open")
        case "quota-short" | "quota-unread":
            return reverse("quota")
        case "planned-freeze":
            return reverse("freeze")
        case "window-closed" | "stopped" | "would-overrun" | "fits-no-window":
            return reverse("wave", args=[run.wave_id])
    return ""


def _no_new_approval(run: Run, open_differences: int, state: Any, moved: bool) -> str:
    """Why no approval can be asked for now; one that still serves is not thrown away by a click."""
    if run.state != State.PREPARED:
        return f"The unit is {run.state}; a commit is approved once it is prepared and compared."
    if not hasattr(run, "comparison"):
        return "The comparison of both sides is not there yet."
    if open_differences:
        return "Decide the unexpected differences first."
    return queries.commit_sent(run) or queries.standing_approval(state, moved)


def _grouped(effects: list[Effect]) -> list[dict[str, Any]]:
    """Known side effects, downtime first: one line for each rule, with how many resources it touches."""
    by_rule: dict[str, list[Effect]] = {}
    for each in effects:
        by_rule.setdefault(each.rule, []).append(each)
    rows = []
    for rule_id, found in by_rule.items():
        rule = readiness.rule_or_none(rule_id)
        rows.append(
            {
                "rule": rule_id,
                "effect": found[0].effect,
                "title": rule.title if rule else rule_id,
                "sentence": found[0].sentence,
                "names": [each.resource for each in found],
                "count": len(found),
            }
        )
    return sorted(rows, key=lambda row: (row["effect"] != "downtime", row["rule"]))
