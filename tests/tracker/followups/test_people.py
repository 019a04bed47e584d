"""What people say of follow-ups: who and by when, done where no read tells, not done by two, again after all."""

import json
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from tests.tracker.followups.test_followups import answered, closed, committed
from tests.tracker.runs.programme import Programme
from tracker.accounts.actions import Denied
from tracker.audit.models import Event
from tracker.fixes.models import Fix
from tracker.followups import actions as followups
from tracker.followups.models import FollowUp
from tracker.runs.queries import database_now

DAY = date(2027, 2, 1)


def events(kind: str) -> list[dict]:
    return [json.loads(body) for body in Event.objects.filter(type=kind).order_by("at").values_list("body", flat=True)]


@pytest.fixture
def work(programme: Programme) -> FollowUp:
    run = committed(programme)
    return FollowUp.objects.get(unit=run.unit, title__startswith="Point scripts")


def refused(sentence: str):
    return pytest.raises(followups.FollowUpError, match=sentence)


def test_the_commit_leaves_work_to_people_with_owner_and_day(programme: Programme) -> None:
    unit = programme.unit("shop-net")
    unit.owner = "Priya Nair"
    unit.save(update_fields=["owner"])
    run = committed(programme)
    rows = FollowUp.objects.filter(unit=run.unit, kind="work of people")
    assert {row.state for row in rows} == {"to-do"} and not any(row.holds for row in rows)
    assert {row.owner for row in rows} == {"Priya Nair"}
    exits = rows.filter(title__contains="extended support")
    assert {(row.due_on, *row.rules) for row in exits} == {(date(2027, 3, 31), "CS-ES-RETIRING")}
    assert all(row.due_on and row.sources and row.notes for row in rows)
    # what Azure can be asked to make again is closed: the run is closed, and the work goes on
    for row in FollowUp.objects.filter(unit=run.unit, holds=True):
        row = answered(programme, row)
        followups.apply(row, by=programme.tomas, now=database_now())
        assert closed(programme, row).state == "closed"
    programme.until(run, lambda: run.state == "closed")
    assert rows.filter(state="to-do").count() == rows.count()


def test_who_and_by_when_is_said_by_a_manager_and_told_once(programme: Programme, work: FollowUp) -> None:
    now = database_now()
    row = followups.assign(work, owner="  Priya   Nair ", due_on=DAY, by=programme.maya, now=now)
    assert (row.owner, row.due_on) == ("Priya Nair", DAY)
    followups.assign(work, owner="Priya Nair", due_on=DAY, by=programme.tomas, now=now)
    (told,) = events("followup.assigned")
    assert told["detail"]["due"] == "2027-02-01" and "Priya" not in json.dumps(told), "a name is private"
    with pytest.raises(Denied):
        followups.assign(work, owner="x", due_on=None, by=programme.noor, now=now)
    with refused("at most 120"):
        followups.assign(work, owner="x" * 121, due_on=None, by=programme.maya, now=now)
    with refused("ten years"):
        followups.assign(work, owner="x", due_on=date(2726, 1, 1), by=programme.maya, now=now)


def test_a_named_person_closes_work_by_their_word_and_only_work(programme: Programme, work: FollowUp) -> None:
    now = database_now()
    with pytest.raises(Denied):
        followups.attest(work, said="Done.", by=programme.noor, now=now)
    with refused("Say what was done"):
        followups.attest(work, said="  ", by=programme.tomas, now=now)
    with refused("No request does this"):
        followups.apply(work, by=programme.tomas, now=now)
    with refused("No read of Azure"):
        followups.probe(work, by=programme.tomas, now=now)
    row = followups.attest(work, said="The release pipeline uses the new ids: run 4711.", by=programme.maya, now=now)
    assert (row.state, row.closed_how, row.attested_by) == ("closed", "attested", programme.maya.actor.key)
    assert [each["detail"]["how"] for each in events("followup.closed")] == ["attested"]
    with refused("closed already"):
        followups.attest(work, said="Again.", by=programme.tomas, now=now)
    sendable = FollowUp.objects.filter(unit=work.unit, holds=True).first()
    with refused("A probe closes"):
        followups.attest(sendable, said="I saw it.", by=programme.tomas, now=now)
    again = followups.reopen(work, why="One job still fails.", by=programme.tomas, now=now)
    assert (again.state, again.closed_how, again.closed_at) == ("to-do", "", None)
    assert followups.advance(work.pk, gateway=lambda _: programme.gateway, clock=database_now) == "not due"


def test_leaving_it_undone_takes_two(programme: Programme, work: FollowUp) -> None:
    now = database_now()
    with refused("Nobody asks"):
        followups.decide_wont_do(work, agree=True, by=programme.aiko, now=now)
    followups.ask_wont_do(work, why="It is switched off next week.", by=programme.tomas, now=now)
    with refused("already"):
        followups.ask_wont_do(work, why="Me too.", by=programme.aiko, now=now)
    with refused("You asked for it yourself"):
        followups.decide_wont_do(work, agree=True, by=programme.tomas, now=now)
    with pytest.raises(Denied):
        followups.decide_wont_do(work, agree=True, by=programme.maya, now=now)
    with refused("Say why it has to be done"):
        followups.decide_wont_do(work, agree=False, by=programme.aiko, now=now)
    followups.decide_wont_do(work, agree=False, reason="It runs until May.", by=programme.aiko, now=now)
    work.refresh_from_db()
    assert (work.state, work.wont_at) == ("to-do", None)
    followups.ask_wont_do(work, why="It was switched off.", by=programme.tomas, now=now)
    row = followups.decide_wont_do(work, agree=True, by=programme.aiko, now=now)
    assert (row.state, row.closed_how, row.agreed_by) == ("closed", "wont-do", programme.aiko.actor.key)
    assert [e["detail"]["how"] for e in events("followup.closed")] == ["wont-do"]
    assert len(events("followup.wont_do_asked")) == 2 and len(events("followup.wont_do_declined")) == 1


def test_what_is_to_be_left_undone_is_not_sent_meanwhile_and_lets_the_run_go(
    programme: Programme, work: FollowUp
) -> None:
    now = database_now()
    rows = list(FollowUp.objects.filter(unit=work.unit, holds=True))
    for row in rows:
        followups.ask_wont_do(row, why="The service goes next week.", by=programme.tomas, now=now)
    ready = [row for row in rows if row.state == "open"]
    with refused("another person decides"):
        followups.apply(ready[0], by=programme.tomas, now=now)
    with refused("nothing to apply"):
        followups.apply_many([row.pk for row in ready], by=programme.tomas, now=now)
    for row in rows:
        followups.decide_wont_do(row, agree=True, by=programme.aiko, now=now)
    run = work.unit.runs.get()
    programme.until(run, lambda: run.state == "closed")
    with refused("No read of Azure"):
        followups.probe(rows[0], by=programme.tomas, now=now)


@pytest.mark.parametrize(
    ("changes", "guard"),
    [
        ({"state": "closed"}, "how_it_closed"),
        ({"state": "closed", "closed_how": "attested", "closed_at": database_now}, "attested_by_somebody"),
        (
            {"state": "closed", "closed_how": "wont-do", "closed_at": database_now, "wont_by": "a", "agreed_by": "a"},
            "wont_do_takes_two",
        ),
    ],
)
def test_the_database_refuses(work: FollowUp, changes: dict, guard: str) -> None:
    said = {key: value() if callable(value) else value for key, value in changes.items()}
    with pytest.raises(IntegrityError, match=guard), transaction.atomic():
        FollowUp.objects.filter(pk=work.pk).update(**said)


def test_people_are_reminded_once_before_and_once_after_the_day(programme: Programme, work: FollowUp) -> None:
    now = database_now()
    FollowUp.objects.exclude(pk=work.pk).update(due_on=None)
    today = now.date()
    followups.assign(work, owner="", due_on=today + timedelta(days=20), by=programme.maya, now=now)
    assert followups.remind(now) == 0
    followups.assign(work, owner="", due_on=today + timedelta(days=5), by=programme.maya, now=now)
    assert [followups.remind(now), followups.remind(now)] == [1, 0]
    later = now + timedelta(days=6)
    assert [followups.remind(later), followups.remind(later)] == [1, 0]
    assert [e["detail"]["days"] for e in events("followup.reminded")] == [5, -1]
    followups.assign(work, owner="", due_on=today + timedelta(days=60), by=programme.maya, now=now)
    assert followups.remind(now + timedelta(days=61)) == 1, "another day, another reminder"
    followups.attest(work, said="Done.", by=programme.maya, now=now)
    assert followups.remind(now + timedelta(days=90)) == 0


def test_what_a_fix_took_away_is_owed_after_the_commit(programme: Programme) -> None:
    unit, now = programme.unit("shop-net"), database_now()
    Fix.objects.create(
        unit=unit, rule="VNET-PEERING", resource_key=unit.key, resource_name="hub",
        title="Delete the peering hub", touched=[unit.pk], body="{}", seal="0" * 64, reason="It blocks.",
        state="done", plan={"again": ["Make the peering with hub anew on both sides."]}, kept=[{"id": f"{unit.key}/p"}],
        asked_by=programme.tomas, asked_at=now, decided_by=programme.aiko, decided_at=now, ended_at=now,
    )  # fmt: skip
    run = committed(programme)
    row = FollowUp.objects.get(unit=run.unit, title__startswith="Make again")
    assert (row.state, row.rules, row.was) == ("to-do", ["VNET-PEERING"], [f"Kept: {unit.key}/p"])
    assert row.due_on == run.transitions.get(after="committed").at.date() + timedelta(days=1)
    assert row.notes[0] == "Make the peering with hub anew on both sides."
