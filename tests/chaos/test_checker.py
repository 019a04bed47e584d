"""The checker is checked: an honest history passes, and for every rule histories that somebody doctored do not."""

import copy
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos import checker
from tests.chaos.history import History, shown

NIGHT = datetime(2026, 11, 22, 22, tzinfo=UTC)
GROUP = "/subscriptions/s-1/resourcegroups/chaos/providers/microsoft.classicnetwork/virtualnetworks"
MAYA, TOMAS, AIKO = 1, 2, 3


def at(minutes: float) -> datetime:
    return NIGHT + timedelta(minutes=minutes)


def seal(body: str) -> str:
    return hashlib.sha256(f"approval/1\n{body}".encode()).hexdigest()


class Scribe:
    """Writes an honest history: one unit committed with a setting dropped, one prepared and aborted."""

    def __init__(self) -> None:
        self.history = History(grants={MAYA: {"programme-manager"}, TOMAS: {"engineer"}, AIKO: {"engineer"}})
        self.history.windows.append({"wave": 7, "opens": at(-60), "closes": at(240)})
        self.approval(1, "wave", None, '{"kind": "wave"}', requester=MAYA, approver=AIKO, minute=1)
        self.unit(11, "one", minute=10, verbs=("validate", "prepare", "commit"), state="verified")
        self.unit(12, "two", minute=50, verbs=("validate", "prepare", "abort"), state="assessed")
        for kind, minute in (("engaged", 100), ("lifted", 110)):
            self.event(f"freeze.{kind}", ("freeze", "all"), minute, scope="all")
        for kind in ("started", "finished"):
            self.event(f"export.{kind}", ("export", "x-1"), 120)
        self.event("export.started", ("export", "x-2"), 130)
        self.history.stored = {event["id"]: True for event in self.history.events}
        self.history.verified = "VERIFIED: 30 of 30 events"

    def event(self, kind: str, of: tuple[str, str], minute: float, **detail: object) -> str:
        identity = f"e-{len(self.history.events):04d}"
        self.history.events.append(
            {"id": identity, "at": at(minute).isoformat(), "type": kind, "object": {"kind": of[0], "id": of[1]},
             "detail": detail}
        )  # fmt: skip
        return identity

    def approval(
        self, pk: int, kind: str, run: str | None, body: str, *, requester: int, approver: int, minute: float
    ) -> None:
        self.history.approvals.append(
            {"id": pk, "kind": kind, "wave": 7, "run": run, "body": body, "digest": seal(body), "requester": requester,
             "editor": MAYA, "needed": 1, "requested_at": at(minute), "expires_at": at(60 * 24), "voided_at": None}
        )  # fmt: skip
        self.history.decisions.append(
            {"approval": pk, "approver": approver, "approved": True, "digest": seal(body), "revoked_at": None,
             "decided_at": at(minute + 0.5)}
        )  # fmt: skip

    def unit(self, pk: int, name: str, *, minute: float, verbs: tuple[str, ...], state: str) -> None:
        history, azure_id, run = self.history, f"{GROUP}/{name}", f"r-{name}"
        over = state == "verified"
        paths = {"validate": ("validated",), "prepare": ("preparing", "prepared"), "abort": ("aborting", "assessed"),
                 "commit": ("committing", "committed", "verified")}  # fmt: skip
        before = "planned"
        for place, verb in enumerate(verbs):
            since, operation = minute + 5 * place, f"o-{name}-{verb}"
            if verb == "commit":
                body = json.dumps({"run": run, "unit": {"key": f"virtualnetworks/{name}"}})
                self.approval(pk, "commit", run, body, requester=TOMAS, approver=AIKO, minute=since - 2)
            approval = history.approvals[-1] if verb == "commit" else None
            history.operations.append(
                {"id": operation, "run": run, "verb": verb, "state": "succeeded",
                 "approval": approval["id"] if approval else None,
                 "approval_digest": approval["digest"] if approval else ""}
            )  # fmt: skip
            armed = self.event("operation.armed", ("operation", operation), since, verb=verb, attempt=1)
            history.attempts.append(
                {"id": f"a-{name}-{verb}", "operation": operation, "run": run, "verb": verb, "unit": azure_id,
                 "number": 1, "armed_at": at(since), "resolved_at": at(since + 0.2), "outcome": "accepted",
                 "event_id": armed, "committed_at": at(since + 0.01)}
            )  # fmt: skip
            history.posts.append(
                {"id": f"a-{name}-{verb}", "verb": verb, "unit": azure_id, "received": at(since + 0.02), "status": 202,
                 "code": "", "dropped": False}
            )  # fmt: skip
            self.event("operation.answered", ("operation", operation), since + 0.2, verb=verb, attempt=1)
            for after in paths[verb]:
                moved = self.event("run.moved", ("run", run), since + 1)
                history.transitions.append({"run": run, "before": before, "after": after, "event_id": moved})
                before = after
        history.runs.append(
            {"id": run, "unit": pk, "wave": 7, "state": before, "ended_at": None if over else at(minute + 20),
             "outcome": "" if over else "aborted", "attention": "", "started_at": at(minute),
             "commit_armed_at": at(minute + 10) if over else None}
        )  # fmt: skip
        progress = "verified" if over else "planned"
        dropped = f"{azure_id}/scale"
        history.units.append(
            {"id": pk, "azure_id": azure_id, "progress": progress, "later": progress, "locked_since": None,
             "gone_at": None, "follow_ups": int(over), "captured": [dropped]}
        )  # fmt: skip
        history.pages[pk] = {"progress": progress, "locked": False}
        if over:
            history.azure["committed"].append({"unit": azure_id, "dropped": [dropped.upper()]})
        else:
            history.azure["classic"].append(azure_id)


HONEST = Scribe().history


def test_an_honest_history_passes() -> None:
    assert checker.judge(HONEST) == []
    assert len(HONEST.posts) == len(HONEST.attempts) == 6


def attempt(history: History, name: str) -> dict:
    return next(row for row in history.attempts if row["id"] == name)


def post(history: History, name: str) -> dict:
    return next(row for row in history.posts if row["id"] == name)


def another(rows: list[dict], like: dict, **changes: object) -> None:
    rows.append({**like, **changes})


def unknown_request(h: History) -> None:
    another(h.posts, h.posts[0], id="somebody-else")


def sent_before_committed(h: History) -> None:
    post(h, "a-one-commit")["received"] = attempt(h, "a-one-commit")["committed_at"] - timedelta(milliseconds=5)


def sent_twice_by_one_attempt(h: History) -> None:
    another(h.posts, post(h, "a-one-validate"))


def other_verb_than_armed(h: History) -> None:
    post(h, "a-two-abort")["verb"] = "commit"


def sent_though_it_says_not(h: History) -> None:
    attempt(h, "a-one-prepare")["outcome"] = "not-sent"


def arming_without_event(h: History) -> None:
    gone = attempt(h, "a-one-prepare")["event_id"]
    h.events = [event for event in h.events if event["id"] != gone]


def event_of_something_else(h: History) -> None:
    attempt(h, "a-one-commit")["event_id"] = attempt(h, "a-one-prepare")["event_id"]


def nobody_told_the_answer(h: History) -> None:
    h.events = [
        e for e in h.events if (e["type"], e["object"]["id"]) != ("operation.answered", "o-one-commit")
    ]  # fmt: skip


def commit_of(h: History) -> tuple[dict, dict]:
    approval = next(row for row in h.approvals if row["kind"] == "commit")
    return approval, next(row for row in h.decisions if row["approval"] == approval["id"])


def nobody_agreed(h: History) -> None:
    h.decisions.remove(commit_of(h)[1])


def own_request(h: History) -> None:
    commit_of(h)[1]["approver"] = TOMAS


def editor_agreed(h: History) -> None:
    commit_of(h)[0]["editor"] = AIKO


def agreed_too_late(h: History) -> None:
    commit_of(h)[1]["decided_at"] = attempt(h, "a-one-commit")["armed_at"] + timedelta(seconds=1)


def taken_back_before(h: History) -> None:
    commit_of(h)[1]["revoked_at"] = attempt(h, "a-one-commit")["armed_at"] - timedelta(seconds=1)


def no_engineer_any_more(h: History) -> None:
    h.grants[AIKO] = {"auditor"}


def agreed_to_another_version(h: History) -> None:
    commit_of(h)[1]["digest"] = "0" * 64


def text_was_exchanged(h: History) -> None:
    approval = commit_of(h)[0]
    approval["body"] = approval["body"].replace("r-one", "r-one ")


def approval_of_another_run(h: History) -> None:
    commit_of(h)[0]["run"] = "r-two"


def void_before(h: History) -> None:
    commit_of(h)[0]["voided_at"] = attempt(h, "a-one-commit")["armed_at"] - timedelta(seconds=1)


def expired_before(h: History) -> None:
    commit_of(h)[0]["expires_at"] = attempt(h, "a-one-commit")["armed_at"] - timedelta(seconds=1)


def somebody_rejected(h: History) -> None:
    another(h.decisions, commit_of(h)[1], approver=9, approved=False)


def two_were_needed(h: History) -> None:
    commit_of(h)[0]["needed"] = 2


def commit_without_approval(h: History) -> None:
    next(row for row in h.operations if row["verb"] == "commit")["approval"] = None


def commit_with_another_seal(h: History) -> None:
    next(row for row in h.operations if row["verb"] == "commit")["approval_digest"] = "1" * 64


def wave_not_approved(h: History) -> None:
    h.decisions.remove(next(row for row in h.decisions if row["approval"] == 1))


def wave_void_before_prepare(h: History) -> None:
    h.approvals[0]["voided_at"] = at(12)


def outside_the_window(h: History) -> None:
    h.windows[0]["closes"] = at(18)


def armed_in_a_freeze(h: History) -> None:
    attempt(h, "a-two-abort")["armed_at"] = at(105)
    attempt(h, "a-two-abort")["resolved_at"] = at(106)


def sent_in_a_freeze(h: History) -> None:
    post(h, "a-two-abort")["received"] = at(101)


def two_open_attempts(h: History) -> None:
    attempt(h, "a-one-prepare")["resolved_at"] = at(30)


def open_for_ever(h: History) -> None:
    attempt(h, "a-one-commit")["resolved_at"] = None


def abort_after_commit(h: History) -> None:
    another(h.attempts, attempt(h, "a-one-commit"), id="a-x", verb="abort", armed_at=at(40), resolved_at=at(41))


def forgot_the_point_of_no_return(h: History) -> None:
    h.runs[0]["commit_armed_at"] = None


def misuse(h: History) -> None:
    h.breaches.append({"kind": "second submit", "text": "prepare while prepare runs", "unit": "one"})


def prepared_twice(h: History) -> None:
    another(h.posts, post(h, "a-one-prepare"), id="a-y", received=at(15.5))


def committed_twice_after_an_error(h: History) -> None:
    post(h, "a-one-commit")["status"] = 500
    another(h.posts, post(h, "a-one-commit"), id="a-z", status=202, received=at(22))


def committed_only_in_azure(h: History) -> None:
    h.units[0]["progress"] = "prepared"


def committed_only_here(h: History) -> None:
    h.azure["committed"].clear()
    h.azure["classic"].append(h.units[0]["azure_id"])


def locked_only_in_azure(h: History) -> None:
    h.azure["locks"][h.units[1]["azure_id"]] = "prepared"


def locked_only_here(h: History) -> None:
    h.units[1]["locked_since"] = at(60)


def dropped_and_not_captured(h: History) -> None:
    h.units[0]["captured"] = []


def no_follow_up(h: History) -> None:
    h.units[0]["follow_ups"] = 0


def hangs(h: History) -> None:
    h.operations[0]["state"] = "polling"


def before_nobody(h: History) -> None:
    h.operations[0]["state"] = "operator"


def left_out_a_step(h: History) -> None:
    h.transitions.pop(1)


def stands_elsewhere(h: History) -> None:
    h.runs[1]["state"] = "prepared"


def step_without_event(h: History) -> None:
    h.transitions[0]["event_id"] = "e-none"


def does_not_verify(h: History) -> None:
    h.verified = "FAILED: line 3 is not what was signed"


def event_not_exported(h: History) -> None:
    h.stored["e-9999"] = True


def event_from_nowhere(h: History) -> None:
    del h.stored["e-0003"]


def event_twice(h: History) -> None:
    h.events.append(dict(h.events[-1]))


def export_without_end(h: History) -> None:
    h.events = [event for event in h.events if event["type"] != "export.finished"]


def page_is_behind(h: History) -> None:
    h.pages[11]["progress"] = "prepared"


def page_hides_a_lock(h: History) -> None:
    h.azure["locks"][h.units[1]["azure_id"]] = "prepared"
    h.units[1]["locked_since"] = at(60)


def page_does_not_come(h: History) -> None:
    del h.pages[12]


DOCTORED: dict[Callable[[History], None], str] = {
    unknown_request: "every_request_had_a_committed_attempt",
    sent_before_committed: "every_request_had_a_committed_attempt",
    sent_twice_by_one_attempt: "every_request_had_a_committed_attempt",
    other_verb_than_armed: "every_request_had_a_committed_attempt",
    sent_though_it_says_not: "every_request_had_a_committed_attempt",
    arming_without_event: "every_attempt_has_its_event",
    event_of_something_else: "every_attempt_has_its_event",
    nobody_told_the_answer: "every_attempt_has_its_event",
    nobody_agreed: "commits_were_approved_when_armed",
    own_request: "commits_were_approved_when_armed",
    editor_agreed: "commits_were_approved_when_armed",
    agreed_too_late: "commits_were_approved_when_armed",
    taken_back_before: "commits_were_approved_when_armed",
    no_engineer_any_more: "commits_were_approved_when_armed",
    agreed_to_another_version: "commits_were_approved_when_armed",
    text_was_exchanged: "commits_were_approved_when_armed",
    approval_of_another_run: "commits_were_approved_when_armed",
    void_before: "commits_were_approved_when_armed",
    expired_before: "commits_were_approved_when_armed",
    somebody_rejected: "commits_were_approved_when_armed",
    two_were_needed: "commits_were_approved_when_armed",
    commit_without_approval: "commits_were_approved_when_armed",
    commit_with_another_seal: "commits_were_approved_when_armed",
    wave_not_approved: "prepares_were_approved_when_armed",
    wave_void_before_prepare: "prepares_were_approved_when_armed",
    outside_the_window: "nothing_was_armed_outside_its_window",
    armed_in_a_freeze: "nothing_was_armed_or_sent_in_a_freeze",
    sent_in_a_freeze: "nothing_was_armed_or_sent_in_a_freeze",
    two_open_attempts: "one_attempt_at_a_time",
    open_for_ever: "one_attempt_at_a_time",
    abort_after_commit: "no_abort_after_a_commit",
    forgot_the_point_of_no_return: "no_abort_after_a_commit",
    misuse: "azure_saw_no_misuse",
    prepared_twice: "nothing_was_sent_twice",
    committed_twice_after_an_error: "nothing_was_sent_twice",
    committed_only_in_azure: "both_sides_agree",
    committed_only_here: "both_sides_agree",
    locked_only_in_azure: "both_sides_agree",
    locked_only_here: "both_sides_agree",
    dropped_and_not_captured: "what_azure_migrated_is_committed_here",
    no_follow_up: "what_azure_migrated_is_committed_here",
    hangs: "nothing_hangs",
    before_nobody: "nothing_hangs",
    left_out_a_step: "states_follow_one_another",
    stands_elsewhere: "states_follow_one_another",
    step_without_event: "states_follow_one_another",
    does_not_verify: "no_event_is_lost",
    event_not_exported: "no_event_is_lost",
    event_from_nowhere: "no_event_is_lost",
    event_twice: "no_event_is_lost",
    export_without_end: "every_export_has_its_end",
    page_is_behind: "pages_tell_the_truth",
    page_hides_a_lock: "pages_tell_the_truth",
    page_does_not_come: "pages_tell_the_truth",
}


@pytest.mark.parametrize("doctor", DOCTORED, ids=lambda doctor: doctor.__name__)
def test_a_doctored_history_is_found_out(doctor: Callable[[History], None]) -> None:
    history = copy.deepcopy(HONEST)
    doctor(history)
    complaints = checker.judge(history)
    assert [line for line in complaints if line.startswith(f"{DOCTORED[doctor]}: ")], complaints


def test_every_rule_is_tried() -> None:
    assert {check.__name__ for check in checker.RULES} == set(DOCTORED.values())


def test_a_page_is_read_as_a_person_reads_it() -> None:
    page = (
        '<h1>shop-net</h1>\n<div class="facts"><span class="chip large progress"><svg><path d=""/></svg>Prepared</span>'
        '<span class="chip large good">On track</span>'
        '<span class="chip large"><svg></svg>Locked <time>3 h</time></span></div><div class="facts">Locked</div>'
    )
    assert shown(page) == {"progress": "prepared", "locked": True}
    assert shown(page.replace("Locked <time>", "Still <time>")) == {"progress": "prepared", "locked": False}
