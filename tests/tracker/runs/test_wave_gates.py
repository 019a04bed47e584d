"""Where a wave stands: the gates, the next step, its state and health, out of counts alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from tracker.runs import wave_gates as gates
from tracker.runs.wave_gates import NAMES, Facts, Step
from tracker.waves.queries import QuotaLine
from tracker.web import charts, kinds, timeline
from tracker.web.forms_waves import WindowForm, read_local
from tracker.web.status import CHIPS

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
H = timedelta(hours=1)
CORES = QuotaLine(1, "s", "westeurope", "Microsoft.Compute", "cores", 40, 60, 350, 90)
BERLIN = ZoneInfo("Europe/Berlin")


def facts(**changes: Any) -> Facts:
    """An approved wave of six planned, ready units with an open window."""
    given: dict[str, Any] = {
        "now": NOW,
        "owner": "Maya",
        "progress": {"planned": 6},
        "ready": 6,
        "quota": (CORES,),
        "opens_at": NOW - H,
        "closes_at": NOW + 3 * H,
        "approval": "approved",
        "approval_by": "Tomás",
    }
    return Facts(**(given | changes))


def gate(name: str, **changes: Any) -> tuple[str, str]:
    found = {each.name: each for each in gates.gates(facts(**changes))}[name]
    return found.state, found.sentence


def step(**changes: Any) -> Step:
    return gates.next_step(facts(**changes))[0]


def test_there_are_nine_gates_in_their_order_each_with_a_sentence() -> None:
    found = gates.gates(facts())
    assert tuple(each.name for each in found) == NAMES
    for each in found:
        assert each.sentence.endswith((".", "!")) and not each.sentence[0].islower(), each
        assert each.state in CHIPS["gate"]


def test_an_empty_wave_asks_for_units_and_nothing_else() -> None:
    empty = facts(progress={}, ready=0, quota=(), approval="", opens_at=None, closes_at=None)
    states = [each.state for each in gates.gates(empty)]
    assert states == ["amber", "later", "later", "amber", "later", "later", "later", "later", "later"]
    assert gates.next_step(empty)[0] is Step.PLACE
    assert gates.state(empty) == "planning"
    assert empty.readiness is None


@pytest.mark.parametrize(
    ("changes", "state", "part"),
    [
        ({}, "green", "All 6 units are ready"),
        ({"blocked": 2}, "red", "2 of 6 units are blocked"),
        ({"progress": {"planned": 1}, "blocked": 1}, "red", "The unit is blocked"),
        ({"gone": 1}, "red", "no longer on the classic side"),
        ({"unknown": 3}, "amber", "open questions"),
        ({"progress": {"prepared": 6}}, "green", "went on"),
    ],
)
def test_units_ready(changes: dict[str, Any], state: str, part: str) -> None:
    said = gate("units", **changes)
    assert said[0] == state and part in said[1]


@pytest.mark.parametrize(
    ("lines", "state", "part"),
    [
        ((CORES,), "green", "40 cores are reserved in westeurope; 200 are left."),
        ((replace_line := QuotaLine(1, "s", "northeurope", "c", "cores", 12, 22, 10, 0),), "red", "Short by 12 cores"),
        ((CORES, replace_line), "red", "northeurope"),
        ((QuotaLine(1, "s", "eastus", "c", "cores", 4, 4, None, None),), "amber", "never read"),
        ((), "green", "need no quota"),
    ],
)
def test_quota(lines: tuple[QuotaLine, ...], state: str, part: str) -> None:
    said = gate("quota", quota=lines)
    assert said[0] == state and part in said[1], said


@pytest.mark.parametrize(
    ("changes", "state", "part"),
    [
        ({}, "green", "Approved by Tomás"),
        ({"drift": ("members: a → b",)}, "red", "members: a → b"),
        ({"approval": "pending", "approval_by": "Maya"}, "amber", "Asked for by Maya"),
        ({"approval": "pending", "drift": ("x",)}, "red", "Submit it again"),
        ({"approval": "rejected", "approval_reason": "wrong week"}, "red", "wrong week"),
        ({"approval": "expired"}, "red", "submit it again"),
        ({"approval": ""}, "amber", "Not submitted yet"),
        ({"approval": "", "owner": "", "opens_at": None}, "amber", "an owner and a window"),
    ],
)
def test_approval(changes: dict[str, Any], state: str, part: str) -> None:
    said = gate("approval", **changes)
    assert said[0] == state and part in said[1], said


@pytest.mark.parametrize(
    ("changes", "state", "part"),
    [
        ({}, "green", "Open until 23:00 UTC"),
        ({"zone": BERLIN}, "green", "Open until 23 Nov, 00:00 CET"),
        ({"opens_at": NOW + H}, "amber", "Opens 21:00 UTC"),
        ({"opens_at": NOW + H, "frozen": "payroll."}, "amber", "Frozen now: payroll."),
        ({"opens_at": NOW - 3 * H, "closes_at": NOW - H}, "red", "6 units not committed"),
        ({"opens_at": None, "closes_at": None}, "amber", "No window"),
        ({"frozen": "payroll."}, "red", "frozen: payroll."),
        ({"stopped": "incident."}, "red", "stopped: incident."),
        ({"progress": {"closed": 6}, "closes_at": NOW - H}, "green", "done"),
    ],
)
def test_window(changes: dict[str, Any], state: str, part: str) -> None:
    said = gate("window", **changes)
    assert said[0] == state and part in said[1], said


@pytest.mark.parametrize(
    ("name", "changes", "state", "part"),
    [
        ("prepare", {"approval": "pending"}, "later", "After the approval"),
        ("prepare", {}, "amber", "0 of 6 prepared, 6 not started"),
        ("prepare", {"started": 2}, "amber", "2 validating, 4 not started"),
        ("prepare", {"progress": {"prepared": 2, "preparing": 1, "validated": 3}}, "amber", "1 preparing, 3 validated"),
        ("prepare", {"troubled": {"planned": 1}, "attention_name": "shop"}, "red", "shop needs a person"),
        ("prepare", {"progress": {"prepared": 6}}, "green", "All 6 units are prepared"),
        ("compare", {}, "later", "After Prepare"),
        ("compare", {"progress": {"prepared": 2, "validated": 4}, "differences": 1}, "red", "1 unexpected difference "),
        ("compare", {"progress": {"prepared": 2, "validated": 4}, "compared": 1}, "amber", "1 of 2 prepared"),
        ("compare", {"progress": {"prepared": 6}, "compared": 6}, "green", "nothing unexpected"),
        ("commit-approval", {}, "later", "After the comparison"),
        ("commit-approval", {"progress": {"prepared": 6}, "commits_asked": 1}, "amber", "5 prepared and not asked for"),
        ("commit-approval", {"progress": {"prepared": 6}, "commits_rejected": 1}, "red", "rejected"),
        (
            "commit-approval",
            {"progress": {"prepared": 5, "closed": 1}, "commits_approved": 5},
            "green",
            "second person",
        ),
        ("commit", {"progress": {"prepared": 6}}, "later", "After its approval"),
        ("commit", {"progress": {"prepared": 6}, "commits_approved": 2}, "amber", "2 may be"),
        ("commit", {"progress": {"committing": 6}, "troubled": {"committing": 2}}, "red", "2 units need a person"),
        ("commit", {"progress": {"committing": 6}, "troubled": {"planned": 2}}, "amber", "6 committing"),
        ("commit", {"progress": {"verified": 6}}, "green", "All 6 units are committed"),
        ("follow-ups", {}, "later", "Opened when"),
        ("follow-ups", {"progress": {"verified": 6}, "follow_ups": 9, "follow_ups_open": 4}, "amber", "5 of 9"),
        ("follow-ups", {"progress": {"verified": 6}, "follow_ups": 9, "follow_ups_failed": 1}, "red", "1 of 9 failed"),
        ("follow-ups", {"progress": {"closed": 6}, "follow_ups": 9}, "green", "All 9 follow-ups are closed"),
    ],
)
def test_the_gates_of_the_run(name: str, changes: dict[str, Any], state: str, part: str) -> None:
    said = gate(name, **changes)
    assert said[0] == state and part in said[1], said


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"approval": "", "opens_at": None}, Step.WINDOW),
        ({"approval": "", "owner": ""}, Step.OWNER),
        ({"approval": "", "blocked": 1}, Step.CLEAR),
        ({"approval": ""}, Step.SUBMIT),
        ({"approval": "rejected"}, Step.SUBMIT),
        ({"approval": "pending"}, Step.DECIDE),
        ({"approval": "pending", "drift": ("x",)}, Step.SUBMIT),
        ({}, Step.START),
        ({"drift": ("x",)}, Step.SUBMIT),
        ({"stopped": "incident"}, Step.RESUME),
        ({"troubled": {"planned": 1}}, Step.LOOK),
        ({"progress": {"validated": 6}}, Step.PREPARE),
        ({"progress": {"validated": 6}, "opens_at": NOW + H}, Step.WAIT),
        ({"progress": {"validated": 6}, "frozen": "x"}, Step.WAIT),
        ({"progress": {"validated": 6}, "closes_at": NOW - H / 2}, Step.WINDOW),
        ({"progress": {"planned": 6}, "started": 6}, Step.WAIT),
        ({"progress": {"prepared": 2, "planned": 4}, "differences": 1}, Step.COMPARE),
        ({"progress": {"prepared": 2, "planned": 4}, "compared": 2}, Step.ASK_COMMIT),
        ({"progress": {"prepared": 2, "planned": 4}, "compared": 2, "commits_asked": 2}, Step.DECIDE_COMMIT),
        ({"progress": {"prepared": 2, "planned": 4}, "compared": 2, "commits_approved": 1}, Step.COMMIT),
        ({"progress": {"committing": 6}}, Step.WAIT),
        ({"progress": {"verified": 6}, "follow_ups": 3, "follow_ups_open": 1}, Step.FOLLOW_UPS),
        ({"progress": {"closed": 6}, "follow_ups": 3}, Step.DONE),
    ],
)
def test_the_next_step(changes: dict[str, Any], expected: Step) -> None:
    assert step(**changes) is expected


def test_what_waits_locked_comes_before_what_has_not_begun() -> None:
    mixed = {"progress": {"prepared": 1, "planned": 5}, "compared": 1, "commits_approved": 1}
    assert step(**mixed) is Step.COMMIT
    assert step(**mixed, frozen="payroll") is not Step.COMMIT


@pytest.mark.parametrize(
    ("changes", "state", "health"),
    [
        ({"approval": ""}, "planning", "on track"),
        ({"approval": "", "opens_at": NOW + 5 * H}, "planning", "at risk"),
        ({"approval": "pending"}, "waiting", "on track"),
        ({}, "approved", "on track"),
        ({"started": 1}, "running", "on track"),
        ({"troubled": {"planned": 1}, "started": 1}, "running", "failed"),
        ({"worst_health": "failed", "health_reason": "refused"}, "approved", "failed"),
        ({"blocked": 1}, "approved", "blocked"),
        ({"worst_health": "at risk", "health_reason": "late"}, "approved", "at risk"),
        ({"stopped": "incident"}, "stopped", "blocked"),
        ({"progress": {"closed": 6}}, "done", "on track"),
    ],
)
def test_state_and_health(changes: dict[str, Any], state: str, health: str) -> None:
    found = facts(**({"opens_at": NOW - H} | changes))
    if changes.get("approval") == "" and "opens_at" not in changes:
        found = replace(found, opens_at=NOW + 60 * H, closes_at=NOW + 64 * H)
    if changes.get("approval") == "pending":
        found = replace(found, opens_at=NOW + 60 * H, closes_at=NOW + 64 * H)
    word, reason = gates.health(found)
    assert (gates.state(found), word) == (state, health), reason
    assert reason.strip()
    assert str(gates.state(found)) in CHIPS["wave"]
    assert word in CHIPS["health"]


def test_every_state_of_a_wave_has_a_chip() -> None:
    assert set(CHIPS["wave"]) == {state.value for state in gates.WaveState}


# --- times people type --------------------------------------------------------------------------------
def test_a_local_time_becomes_utc() -> None:
    assert read_local("2026-12-01T22:00", BERLIN) == datetime(2026, 12, 1, 21, 0, tzinfo=UTC)
    assert read_local("2026-07-01 22:00", BERLIN) == datetime(2026, 7, 1, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("2027-03-28T02:30", "go forward"),
        ("2026-10-25T02:30", "comes twice"),
        ("2026-02-31T10:00", "not a date"),
        ("tomorrow", "not a date"),
        ("٢٠٢٦-12-01T22:00", "not a date"),
        ("0001-01-01T00:00", "year 1 "),
        ("9999-12-31T23:59", "year 9999"),
        ("1e309", "not a date"),
    ],
)
def test_a_time_that_cannot_be_is_refused_with_what_to_do(text: str, part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        read_local(text, BERLIN)


def test_a_zone_nobody_knows_is_named() -> None:
    for zone in ("Mars/Olympus", "../../etc/passwd", "", "x" * 200):
        form = WindowForm({"opens": "2026-12-01T22:00", "closes": "2026-12-02T02:00", "zone": zone})
        assert not form.is_valid()
        assert "zone" in form.errors


def test_the_same_wall_time_is_another_time_in_another_zone() -> None:
    said = {"opens": "2026-12-01T22:00", "closes": "2026-12-02T02:00"}
    form = WindowForm(said | {"zone": "Europe/Berlin"})
    assert form.is_valid()
    assert form.cleaned_data["opens_at"] == datetime(2026, 12, 1, 21, 0, tzinfo=UTC)


# --- the timeline --------------------------------------------------------------------------------
def test_windows_lie_inside_the_axis_in_their_order() -> None:
    rows = [
        ("B", "/b/", NOW + 50 * H, NOW + 54 * H),
        ("A", "/a/", NOW - H, NOW + H),
        ("A", "/a/", NOW + 60 * H, NOW + 61 * H),
        ("Year", "/y/", NOW - 400 * 24 * H, NOW - 400 * 24 * H + H),
    ]
    drawn = timeline.draw(rows, [("Frozen", NOW - 2 * H, None), ("Planned", NOW + H, NOW + 2 * H)], now=NOW, zone=UTC)
    assert [lane.name for lane in drawn.lanes] == ["Year", "A", "B"]
    assert [len(lane.bars) for lane in drawn.lanes] == [1, 2, 1]
    assert [bar.hue for lane in drawn.lanes for bar in lane.bars] == ["neutral", "good", "progress", "progress"]
    for bar in [bar for lane in drawn.lanes for bar in lane.bars]:
        assert float(bar.x) >= 0 and float(bar.x) + float(bar.width) <= 101
        assert float(bar.width) >= timeline.NARROWEST
    assert float(drawn.bands[0].width) > 1 > float(drawn.bands[1].width)
    assert 0 < float(drawn.now_x) < 100
    assert len(drawn.ticks) <= timeline.TICKS + 1
    assert float(drawn.bands[0].x) < float(drawn.now_x)
    assert timeline.draw([], [], now=NOW, zone=UTC) is None


@pytest.mark.parametrize("hours", [1, 5, 30, 24 * 9, 24 * 60, 24 * 900])
def test_ticks_are_few_and_labelled_whatever_the_span(hours: int) -> None:
    drawn = timeline.draw([("A", "/", NOW, NOW + hours * H)], [], now=NOW, zone=BERLIN)
    assert 1 <= len(drawn.ticks) <= timeline.TICKS + 1
    assert all(label for _, label in drawn.ticks)


# --- words of ids --------------------------------------------------------------------------------
def test_ids_say_their_type_and_name() -> None:
    slot = "/subscriptions/s/resourceGroups/g/providers/microsoft.classiccompute/domainnames/shop/slots/production"
    assert kinds.type_word(kinds.type_of(slot)) == "Deployment"
    assert kinds.name_of(slot) == "shop (production)"
    assert kinds.name_of(f"{slot}/roles/web") == "web (shop)"
    assert kinds.type_word(kinds.type_of(f"{slot}/roles/web")) == "Role"
    assert kinds.type_word("Some.Thing/else") == "Some.Thing/else"
    assert kinds.type_of("no id at all") == ""


def test_a_progress_bar_of_a_wave_leaves_empty_states_out() -> None:
    shown = [segment for segment in charts.by_progress({"planned": 2, "closed": 1}) if segment.count]
    assert [segment.count for segment in shown] == [1, 2]
