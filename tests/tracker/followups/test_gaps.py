"""Prepare goes on without what could not be read only in somebody's name, and that is owed afterwards."""

import pytest
from django.db import DatabaseError, transaction

from tests.tracker.runs.programme import Programme
from tracker.accounts.actions import Denied
from tracker.audit.models import Event
from tracker.followups.models import AcceptedGap, Capture, FollowUp
from tracker.runs import actions as runs
from tracker.runs.models import Run
from tracker.runs.queries import database_now

PROFILES, LOCKS = "trafficManagerProfiles", "Microsoft.Authorization/locks"


@pytest.fixture
def waiting(programme: Programme) -> Run:
    """A run whose Prepare waits, because the profiles of Traffic Manager cannot be read."""
    run = programme.validated()
    programme.fault("malformed", method="GET", unit=PROFILES, times=None)
    programme.ask(run, "prepare")
    return programme.until(run, lambda: run.waiting_code == "capture-incomplete")


def missing(run: Run) -> list[str]:
    return [each["resource"] for each in Capture.objects.filter(unit=run.unit).latest("at").missing]


def accept(programme: Programme, run: Run, **more: object) -> AcceptedGap:
    told = {"told": missing(run), "reason": "We have no Traffic Manager.", "by": programme.tomas} | more
    return runs.accept_gap(run, now=database_now(), **told)


def test_somebody_goes_on_without_it_and_it_is_owed_after_the_commit(programme: Programme, waiting: Run) -> None:
    assert "Traffic" in waiting.waiting_for or "trafficManagerProfiles" in waiting.waiting_for
    assert programme.posts("prepare") == []
    row = accept(programme, waiting)
    assert (row.run, row.by, len(row.missing)) == (waiting.pk, programme.tomas.actor.key, 1)
    programme.until(waiting, lambda: waiting.state == "prepared")
    assert not Capture.objects.filter(unit=waiting.unit).latest("at").complete, "it is still said to be incomplete"
    told = Event.objects.get(type="settings.gap_accepted")
    assert told.actor == programme.tomas.actor.key and "no Traffic Manager" not in told.body

    approval = programme.sealed(waiting)
    programme.ask(waiting, "commit", seal=approval.digest)
    programme.until(waiting, lambda: waiting.state in ("committed", "verified"))
    owed = FollowUp.objects.get(unit=waiting.unit, title__startswith="Look for what was not read")
    assert (owed.state, owed.holds, owed.rules) == ("to-do", False, ["SUB-BACKUP-CONFIG"])
    assert PROFILES in owed.title and owed.was[0].startswith("Place: ")


def test_it_holds_for_what_was_told_and_for_this_run_only(programme: Programme, waiting: Run) -> None:
    accept(programme, waiting)
    programme.fault("malformed", method="GET", unit=LOCKS, times=None)
    programme.until(waiting, lambda: "locks" in waiting.waiting_for.lower())
    assert waiting.waiting_code == "capture-incomplete" and programme.posts("prepare") == []
    with pytest.raises(runs.Illegal, match="Meanwhile more could not be read"):
        accept(programme, waiting, told=["/something/else"])
    runs.ask(waiting, "cancel", by=programme.tomas, now=database_now())
    programme.simulator.control("faults", method="DELETE")
    programme.fault("malformed", method="GET", unit=PROFILES, times=None)
    again = runs.start(waiting.unit, by=programme.tomas, now=database_now())
    programme.until(again, lambda: again.state == "validated")
    programme.ask(again, "prepare")
    programme.until(again, lambda: again.waiting_code == "capture-incomplete")


def test_what_is_refused(programme: Programme, waiting: Run) -> None:
    with pytest.raises(Denied):
        accept(programme, waiting, by=programme.maya)
    for reason, words in (("  ", "Say why"), ("x" * 1001, "1,000"), ("a\x00b", "NUL")):
        with pytest.raises(runs.Illegal, match=words):
            accept(programme, waiting, reason=reason)
    assert not AcceptedGap.objects.exists()
    programme.simulator.control("faults", method="DELETE")
    programme.until(waiting, lambda: waiting.state == "prepared")
    with pytest.raises(runs.Illegal, match="Nothing is missing"):
        accept(programme, waiting, told=[])


def test_the_record_of_it_is_never_changed(programme: Programme, waiting: Run) -> None:
    row = accept(programme, waiting)
    for change in (lambda: AcceptedGap.objects.filter(pk=row.pk).update(by="user:somebody"), row.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
