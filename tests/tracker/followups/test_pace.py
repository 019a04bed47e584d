"""A follow-up obeys freezes and budgets, is looked at again when closed, and finds what stands there already."""

import urllib.request
from datetime import timedelta
from itertools import pairwise

from tests.tracker.followups.test_followups import answered, committed
from tests.tracker.runs.programme import Programme
from tracker.followups import actions as followups
from tracker.followups import queries
from tracker.followups.actions.carrying import CHECKS
from tracker.followups.models import FollowUp
from tracker.runs import actions as runs
from tracker.runs.actions import budget
from tracker.runs.models import Budget
from tracker.runs.queries import database_now
from tracker.waves import actions as waves


def step(programme: Programme, row: FollowUp) -> str:
    FollowUp.objects.filter(pk=row.pk).exclude(due_at=None).update(due_at=database_now(), lease_until=None)
    said = followups.advance(row.pk, gateway=lambda _: programme.gateway, clock=database_now, pace=runs.PACE)
    row.refresh_from_db()
    return said


def applied(programme: Programme, kind: str) -> FollowUp:
    committed(programme)
    row = answered(programme, FollowUp.objects.filter(kind=kind).first())
    return followups.apply(row, by=programme.tomas, now=database_now())


def closed(programme: Programme, kind: str) -> FollowUp:
    row = applied(programme, kind)
    for _ in range(12):
        if row.state == "closed":
            return row
        step(programme, row)
    raise AssertionError((row.state, row.last_error, row.probe_says))


def writes(programme: Programme, row: FollowUp) -> int:
    request = queries.required(row).stages[0].request
    rows = programme.simulator.control(f"log?after={programme.mark}")["value"]
    return sum(1 for each in rows if each["method"] == "PUT" and each["path"].lower() == request.path.lower())


def test_a_freeze_holds_it_and_says_so_and_it_goes_on_by_itself(programme: Programme) -> None:
    row = applied(programme, "role assignment")
    waves.freeze("all", reason="Stocktaking", by=programme.tomas, now=database_now())
    assert "Frozen (all): Stocktaking" in step(programme, row)
    assert (row.state, row.last_error, row.tries) == ("wanted", "Frozen (all): Stocktaking", 0)
    assert writes(programme, row) == 0
    waves.lift("all", by=programme.tomas, now=database_now())
    waves.lift("all", by=programme.aiko, now=database_now())
    while row.state != "closed":
        step(programme, row)
    assert writes(programme, row) == 1 and row.last_error == ""


def test_every_write_takes_a_token_and_without_one_nothing_is_sent(programme: Programme) -> None:
    row = applied(programme, "role assignment")
    later = database_now() + timedelta(hours=1)  # it fills again from then on: not while the test runs
    Budget.objects.filter(kind="write").update(tokens=0.2, updated_at=later)
    assert "budget" in step(programme, row) and writes(programme, row) == 0 and row.tries == 0
    Budget.objects.filter(kind="write").update(tokens=5.0)
    step(programme, row)
    assert writes(programme, row) == 1
    assert Budget.objects.get(kind="write", subscription_id=row.unit.subscription_id).tokens == 4.0
    assert budget.SIZE["write"] > 5


def test_what_was_seen_is_looked_at_again_by_itself_ever_less_often(programme: Programme) -> None:
    row = closed(programme, "role assignment")
    at = row.closed_at
    assert row.due_at == at + CHECKS[0] and all(one < other for one, other in pairwise(CHECKS))
    for number, wait in enumerate(CHECKS[1:], 1):
        before = database_now()
        assert step(programme, row) == "seen, closed"
        assert (row.checks, row.closed_at) == (number, at)
        assert before + wait <= row.due_at <= database_now() + wait
    step(programme, row)
    assert (row.checks, row.due_at, row.state) == (len(CHECKS), None, "closed")


def test_what_somebody_deleted_is_owed_again_and_what_cannot_be_read_is_not(programme: Programme) -> None:
    row = closed(programme, "autoscale")
    programme.fault("malformed", method="GET", unit="autoscalesettings", times=None)
    step(programme, row)
    assert row.state == "closed" and row.due_at > database_now() + timedelta(minutes=50)
    programme.simulator.control("faults", method="DELETE")
    probe = queries.required(row).stages[-1].probe.request
    gone = urllib.request.Request(
        f"{programme.simulator.base_url}{probe.path}?api-version={probe.api_version}",
        method="DELETE",
        headers={"Authorization": "Bearer a-token"},
    )
    urllib.request.urlopen(gone).close()
    assert step(programme, row) == "no longer there, reopened"
    assert (row.state, row.closed_how, row.due_at) == ("open", "", None)


def test_a_grant_that_stands_there_already_is_found_and_not_made_twice(programme: Programme) -> None:
    row = applied(programme, "role assignment")
    request = queries.required(row).stages[0].request
    other = f"{request.path.rpartition('/')[0]}/00000000-0000-0000-0000-0000000000aa"
    programme.gateway.send(type(request)(method="PUT", path=other, api_version=request.api_version, body=request.body))
    grants = programme.state()["role_assignments"]
    said = step(programme, row)
    assert said == "stands there already, under another name"
    assert step(programme, row) == "seen, closed"
    assert row.basis["standing"].lower() == other.lower()
    assert "nothing was granted twice" in " ".join(queries.required(row).notes)
    assert programme.state()["role_assignments"] == grants
