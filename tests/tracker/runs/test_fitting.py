"""Windows as the engine obeys them: will it fit, planned freezes, and the pace after a freeze is lifted."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from migrator.resources import Verb
from tests.tracker.runs.programme import Programme, Stuck
from tracker.accounts.actions import Denied
from tracker.audit.models import Event
from tracker.runs import actions as runs
from tracker.runs import fitting, gates, queries
from tracker.runs.actions import budget
from tracker.runs.models import Budget, Operation, Overrun, Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves

BERLIN = ZoneInfo("Europe/Berlin")


def measured(programme: Programme, minutes: float, verb: str = "prepare") -> Run:
    """One Prepare of shop-net behind us, as if it had taken so long; a run of it validated again."""
    run = programme.prepared("shop-net")
    programme.ask(run, "abort")
    programme.until(run, lambda: run.outcome == "aborted")
    for operation in Operation.objects.filter(verb=verb, state="succeeded"):
        Operation.objects.filter(pk=operation.pk).update(ended_at=operation.armed_at + timedelta(minutes=minutes))
    again = runs.start(programme.unit("shop-net"), by=programme.tomas, now=database_now())
    return programme.until(again, lambda: again.state == "validated")


def windows(programme: Programme, run: Run, *spans: tuple[float, float]) -> None:
    """The wave's windows, in minutes from now, approved anew."""
    now = database_now()
    for index, (opens, closes) in enumerate(spans):
        give = waves.set_window if index == 0 else waves.add_window
        at = {"opens_at": now + timedelta(minutes=opens), "closes_at": now + timedelta(minutes=closes)}
        give(run.wave, **at, zone=BERLIN, by=programme.maya, now=now)
    approval = waves.submit(run.wave, by=programme.maya, now=database_now())
    waves.approve(approval, digest=approval.digest, by=programme.tomas, now=database_now())


def held(programme: Programme, run: Run, code: str) -> Run:
    programme.ask(run, "prepare")
    return programme.until(run, lambda: run.waiting_code == code)


def test_an_operation_keeps_the_size_of_its_unit_and_is_a_measurement_once_it_ended(programme: Programme) -> None:
    run = programme.prepared("shop-net")
    operation = Operation.objects.get(run=run, verb="prepare")
    assert operation.instances == fitting.sizes([run.unit_id])[run.unit_id] and operation.instances > 1
    [sample] = fitting.measured([("prepare", "network"), ("prepare", "storage-account"), ("commit", "network")])
    assert (sample.verb, sample.kind, sample.size) == ("prepare", "network", operation.instances)
    assert sample.seconds == pytest.approx((operation.ended_at - operation.armed_at).total_seconds())
    Operation.objects.filter(pk=operation.pk).update(sends=2)
    assert fitting.measured([("prepare", "network")]) == []  # sent twice: tells of a doubt, not of the platform


def test_without_a_measurement_it_starts_and_the_gate_says_that_nobody_knows(programme: Programme) -> None:
    run = programme.validated("shop-net")
    gate = gates.fits(run, Verb.PREPARE, gates.facts(run), database_now())
    assert gate.open and "No measurement yet" in gate.sentence and "24 h" in gate.sentence
    programme.ask(run, "prepare")
    programme.until(run, lambda: run.state == "prepared")


def test_what_would_overrun_is_parked_with_the_numbers_and_starts_by_itself_where_it_fits(programme: Programme) -> None:
    run = measured(programme, 100)
    windows(programme, run, (-60, 55), (24 * 60, 24 * 60 + 180))
    held(programme, run, "would-overrun")
    for words in ("Prepare needs about 1 h 40 min", "p90 of 1 prepare of", "10 min of margin", "55 min are left",
                  "starts by itself", "Europe/Berlin", "UTC"):  # fmt: skip
        assert words in run.waiting_for, words
    assert run.waiting_since is not None and run.due_at is not None and not run.attention
    since, told = run.waiting_since, Event.objects.filter(type="operation.held").count()
    for _ in range(3):
        programme.tick()
    run.refresh_from_db()
    assert run.waiting_since == since
    assert Event.objects.filter(type="operation.held").count() == told  # a minute less is no news
    assert programme.posts("prepare") == programme.posts("prepare")[:1]
    windows(programme, run, (-60, 180))
    programme.until(run, lambda: run.state == "prepared")
    assert len(programme.posts("prepare")) == 2


def test_what_fits_in_no_window_calls_a_person_until_there_is_one(programme: Programme) -> None:
    run = measured(programme, 100)
    windows(programme, run, (-60, 55), (24 * 60, 24 * 60 + 90))
    held(programme, run, "fits-no-window")
    assert run.attention.startswith("Prepare needs about 1 h 40 min") and "1 h 30 min" in run.attention
    raised = Event.objects.filter(type="run.attention_raised").count()
    programme.tick()
    assert Event.objects.filter(type="run.attention_raised").count() == raised
    windows(programme, run, (-60, 55), (24 * 60, 24 * 60 + 180))
    programme.until(run, lambda: run.waiting_code == "would-overrun")
    assert run.attention == ""


def test_a_person_lets_one_start_with_a_reason(programme: Programme) -> None:
    run = measured(programme, 100)
    windows(programme, run, (-60, 55))
    held(programme, run, "fits-no-window")
    for by, reason, error in ((programme.tomas, "  ", runs.NotYet), (programme.tomas, "x" * 301, runs.Illegal),
                              (programme.noor, "because", Denied)):  # fmt: skip
        with pytest.raises(error):
            runs.allow_overrun(run, Verb.PREPARE, reason=reason, by=by, now=database_now())
    with pytest.raises(runs.Illegal, match="Only Prepare and Commit"):
        runs.allow_overrun(run, Verb.ABORT, reason="x", by=programme.tomas, now=database_now())
    runs.allow_overrun(run, Verb.PREPARE, reason="the shop is closed", by=programme.tomas, now=database_now())
    with pytest.raises(runs.Illegal, match="already"):
        runs.allow_overrun(run, Verb.PREPARE, reason="again", by=programme.tomas, now=database_now())
    programme.until(run, lambda: run.state == "prepared")
    assert run.attention == "" and Overrun.objects.get().reason == "the shop is closed"
    assert Event.objects.get(type="run.overrun_allowed").actor == programme.tomas.actor.key
    gate = gates.fits(run, Verb.COMMIT, gates.facts(run), database_now())
    assert "allowed" not in gate.sentence  # Prepare alone was let through


def test_a_planned_freeze_cuts_the_window_short_and_stops_what_is_armed(programme: Programme) -> None:
    run = measured(programme, 100)
    windows(programme, run, (-60, 600))
    now = database_now()
    given: dict[str, Any] = {"zone": BERLIN, "reason": "quarter end", "by": programme.maya}
    soon = {"begins_at": now + timedelta(minutes=60), "ends_at": now + timedelta(minutes=120)}
    other = waves.create(name="Other", by=programme.maya, now=now)
    waves.plan_freeze(f"wave:{other.pk}", **soon, **given, now=now)
    known = gates.facts(run)
    assert gates.fits(run, Verb.PREPARE, known, now).open  # of another wave
    planned = waves.plan_freeze(f"region:{run.unit.region}", **soon, **given, now=now)
    known = gates.facts(run)
    assert gates.fits(run, Verb.PREPARE, known, now).code == "would-overrun"
    gate = gates.window(run, Verb.PREPARE, known, now + timedelta(minutes=61))
    assert (gate.code, gate.open) == ("planned-freeze", False) and "quarter end" in gate.sentence
    held(programme, run, "would-overrun")
    waves.withdraw_freeze(planned, reason="moved", by=programme.maya, now=database_now())
    programme.until(run, lambda: run.state == "prepared")


def test_inside_a_planned_freeze_prepare_waits_and_validate_and_abort_do_not(programme: Programme) -> None:
    run = programme.prepared("shop-net")
    past = database_now() - timedelta(minutes=90)
    waves.plan_freeze("all", begins_at=past + timedelta(minutes=1), ends_at=past + timedelta(hours=9), zone=BERLIN,
                      reason="quarter end", by=programme.maya, now=past)  # fmt: skip
    assert queries.why_not(run, Verb.COMMIT, database_now())[0] == "planned-freeze"
    assert queries.why_not(run, Verb.VALIDATE, database_now()) is None
    programme.ask(run, "abort")
    programme.until(run, lambda: run.outcome == "aborted")
    again = runs.start(programme.unit("shop-net"), by=programme.tomas, now=database_now())
    programme.until(again, lambda: again.state == "validated")
    with pytest.raises(runs.NotYet, match="quarter end"):
        programme.ask(again, "prepare")


# --- the pace after a freeze ------------------------------------------------------------------------------------------
def test_the_pace_rises_from_a_tenth_to_all_of_it_in_ten_minutes() -> None:
    now = database_now_fixed()
    shares = [budget.share(now + timedelta(seconds=s), now) for s in (-5, 0, 300, 600, 6000)]
    assert shares == pytest.approx([0.1, 0.1, 0.55, 1.0, 1.0])
    assert budget.share(now, None) == 1.0


def database_now_fixed() -> Any:
    from datetime import UTC, datetime

    return datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_so_many_writes_leave_in_each_minute_after_a_freeze() -> None:
    lifted = database_now_fixed()
    Budget.objects.create(subscription_id="s", kind="write", tokens=200, updated_at=lifted - timedelta(hours=1))
    sent = []
    for minute in range(3):
        at = lifted + timedelta(minutes=minute)
        n = 0
        while budget.take("s", "write", at, lifted_at=lifted) == 0.0 and n < 1000:
            n += 1
        sent.append(n)
    # at once a tenth of the bucket of 200; then no more than the bucket at its share of that minute
    assert sent == [20, 38, 56]
    assert "picks up slowly: 28%" in budget.spent(3, lifted, lifted + timedelta(minutes=2))


def test_what_a_lifted_freeze_was_of_sets_the_pace_of_its_runs_only(programme: Programme) -> None:
    run = programme.validated("shop-net")
    for scope in ("verb:commit", f"region:{run.unit.region}"):
        assert queries.lifted_at(run, Verb.PREPARE, database_now()) is None
        waves.freeze(scope, reason="incident", by=programme.maya, now=database_now())
        waves.lift(scope, by=programme.maya, now=database_now())
        waves.lift(scope, by=programme.tomas, now=database_now())
    assert queries.lifted_at(run, Verb.PREPARE, database_now()) is not None
    Budget.objects.filter(kind="write").update(tokens=0, updated_at=database_now())
    programme.ask(run, "prepare")
    try:
        programme.until(run, lambda: run.waiting_code == "budget", seconds=3)
        assert "picks up slowly" in run.waiting_for
    except Stuck:
        pytest.fail("it was sent at the full pace right after the freeze was lifted")
    programme.until(run, lambda: run.state == "prepared")
