"""The pages of windows and planned freezes: typed times, weekly windows, the calendar of freezes, will it fit."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

from django.test import Client

from tests.tracker.runs.programme import Programme
from tracker.accounts.models import User
from tracker.runs import actions as runs
from tracker.runs.models import Operation, Overrun
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves.calendar_models import PlannedFreeze

As = Callable[[User], Client]
BERLIN = {"zone": "Europe/Berlin"}
GAP, TWICE = "2027-03-28T02:30", "2027-10-31T02:30"


def text(answer: object) -> str:
    return unescape(answer.content.decode())  # type: ignore[attr-defined]


def plain(answer: object) -> str:
    """What a reader sees, without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text(answer)))


def test_a_time_in_the_gap_is_refused_and_one_that_comes_twice_is_asked_for(
    programme: Programme, as_person: As
) -> None:
    wave = waves.create(name="Night", by=programme.maya, now=database_now())
    client, path = as_person(programme.maya), f"/waves/{wave.pk}/window/"
    refused = client.post(path, BERLIN | {"opens": GAP, "closes": "2027-03-28T06:00"})
    assert refused.status_code == 422 and "the clocks go forward over it" in text(refused)
    given = BERLIN | {"opens": TWICE, "closes": "2027-10-31T06:00"}
    asked = client.post(path, given)
    assert asked.status_code == 422 and "comes twice" in text(asked) and 'name="opens_which"' in text(asked)
    assert 'name="closes_which"' not in text(asked)
    assert client.post(path, given | {"opens_which": "second"}).status_code == 302
    window = wave.windows.get()
    assert window.opens_at.isoformat() == "2027-10-31T01:30:00+00:00"
    assert "02:30 Europe/Berlin (+01:00)" in text(client.get(f"/waves/{wave.pk}/plan/"))


def test_weekly_windows_are_added_listed_and_removed(programme: Programme, as_person: As) -> None:
    wave = programme.wave("shop-net")
    client = as_person(programme.maya)
    year = database_now().year + 1
    rule = {"weekday": "5", "opens": "22:00", "closes": "04:00", "first": f"{year}-03-15", "last": f"{year}-04-15"}
    given = {f"weekly-{name}": value for name, value in (rule | BERLIN).items()}
    assert client.post(f"/waves/{wave.pk}/windows/weekly/", given).status_code == 302
    page = text(client.get(f"/waves/{wave.pk}/plan/"))
    assert "Saturdays 22:00–04:00 Europe/Berlin" in page and "60 min shorter than usual" in page
    count = wave.windows.count()
    assert f"All {count} windows" in text(client.get(f"/waves/{wave.pk}/"))
    assert text(client.get("/waves/")).count('class="progress"') >= count - 1  # each is drawn
    again = client.post(f"/waves/{wave.pk}/windows/weekly/", given)
    assert again.status_code == 409 and "already" in text(again)
    bad = client.post(f"/waves/{wave.pk}/windows/weekly/", given | {"weekly-last": f"{year}-03-16"})
    assert bad.status_code == 422 and "There is no Saturday" in text(bad)
    last = wave.windows.last()
    client.post(f"/waves/{wave.pk}/windows/remove/", {"window": last.pk})
    client.post(f"/waves/{wave.pk}/windows/remove/", {"window": "x" * 30})
    assert wave.windows.count() == count - 1
    assert as_person(programme.noor).post(f"/waves/{wave.pk}/windows/weekly/", given).status_code == 403


def test_a_freeze_is_planned_seen_where_it_stops_something_and_withdrawn(programme: Programme, as_person: As) -> None:
    wave = programme.approved("shop-net", closes=24 * 400)
    client = as_person(programme.maya)
    year = database_now().year + 1
    given = {"scope": f"wave:{wave.pk}", "begins": f"{year}-01-04T00:00", "ends": f"{year}-01-06T00:00",
             "reason": "Quarter end"} | BERLIN  # fmt: skip
    typed = {f"plan-{name}": value for name, value in given.items()}
    refused = client.post("/freeze/plan/", typed | {"plan-ends": f"{year}-01-03T00:00"})
    assert refused.status_code == 409 and "before it begins" in text(refused) and not PlannedFreeze.objects.exists()
    assert client.post("/freeze/plan/", typed | {"plan-scope": "verb:abort"}).status_code == 422
    assert client.post("/freeze/plan/", typed).status_code == 302
    row = PlannedFreeze.objects.get()
    local = f"4 Jan {year} 00:00 Europe/Berlin ({year}-01-03 23:00 UTC)"
    for path in ("/freeze/", f"/waves/{wave.pk}/"):
        page = plain(as_person(programme.noor).get(path))
        assert "Quarter end" in page and local in page, path
    assert "Planned freeze of wave" in text(client.get("/waves/"))
    withdraw = f"/freeze/plan/{row.pk}/withdraw/"
    assert as_person(programme.noor).post(withdraw, {"reason": "x"}).status_code == 403
    assert "Say why" in text(client.post(withdraw, {"reason": ""}, follow=True))
    assert "withdrawn" in text(client.post(withdraw, {"reason": "moved"}, follow=True))
    assert "No freeze is planned" in text(client.get("/freeze/"))
    assert client.post(f"/freeze/plan/{10**30}/withdraw/", {"reason": "x"}).status_code == 404


def test_a_wave_is_frozen_by_its_name_everywhere(programme: Programme, as_person: As) -> None:
    wave = programme.approved("shop-net")
    client = as_person(programme.maya)
    client.post("/freeze/", {"scope": f"wave:{wave.pk}", "reason": "incident"})
    assert f"wave “{wave.name}”" in plain(client.get("/")).lower() or f"wave “{wave.name}”" in plain(client.get("/"))
    assert f"Wave “{wave.name}”" in text(client.get("/freeze/"))
    assert "incident" in text(client.get(f"/waves/{wave.pk}/"))


def overrunning(programme: Programme) -> object:
    run = programme.prepared("shop-net")
    programme.ask(run, "abort")
    programme.until(run, lambda: run.outcome == "aborted")
    for operation in Operation.objects.filter(verb="prepare", state="succeeded"):
        Operation.objects.filter(pk=operation.pk).update(ended_at=operation.armed_at + timedelta(minutes=300))
    again = runs.start(programme.unit("shop-net"), by=programme.tomas, now=database_now())
    programme.until(again, lambda: again.state == "validated")
    programme.ask(again, "prepare")
    return programme.until(again, lambda: again.waiting_code == "fits-no-window")


def test_a_unit_that_would_overrun_is_told_on_every_page_and_let_through_with_a_reason(
    programme: Programme, as_person: As
) -> None:
    run = overrunning(programme)
    tomas, noor = as_person(programme.tomas), as_person(programme.noor)
    wave = plain(noor.get(f"/waves/{run.wave_id}/"))
    assert "0 of 1 unit fit; 1 would overrun: shop-net." in wave and "Prepare needs about 5 h 30 min" in wave
    page = plain(noor.get(f"/runs/{run.pk}/"))
    assert "Fits in no window" in page and "Looked at again" in page and "Since" in page
    assert 'id="let-overrun-open"' not in text(noor.get(f"/runs/{run.pk}/"))
    assert 'id="let-overrun-open"' in text(tomas.get(f"/runs/{run.pk}/"))
    path = f"/runs/{run.pk}/overrun/"
    assert noor.post(path, {"verb": "prepare", "reason": "x"}).status_code == 403
    refused = tomas.post(path, {"verb": "prepare", "reason": " "})
    assert refused.status_code == 409 and "Say why" in text(refused) and not Overrun.objects.exists()
    assert tomas.post(path, {"verb": "prepare", "reason": "the shop is closed"}).status_code == 302
    page = plain(noor.get(f"/runs/{run.pk}/"))
    assert "the shop is closed" in page and "Tomas" in page
    assert "1 of 1 unit fits." in plain(noor.get(f"/waves/{run.wave_id}/"))
    programme.until(run, lambda: run.state == "prepared")


def test_every_waiting_run_says_since_when_and_when_it_is_looked_at_again(programme: Programme, as_person: As) -> None:
    run = programme.validated("shop-net")
    client = as_person(programme.noor)
    row = plain(client.get("/runs/"))
    assert "waiting for Prepare to be asked. since" in row and "waits for a person" in row
    said = client.get(f"/api/v1/runs/{run.pk}/").json()
    assert said["waiting_code"] == "prepare-not-asked" and said["waiting_since"] and said["due_at"] is None
    wave = client.get(f"/api/v1/waves/{run.wave_id}/").json()
    assert wave["forecast"]["units"][0]["fits"] is False and "Nobody can say" in wave["forecast"]["sentence"]
    assert wave["planned_freezes"] == [] and wave["windows"][0]["zone"] == "UTC"
    programme.ask(run, "prepare")
    waves.freeze("all", reason="incident", by=programme.maya, now=database_now())
    programme.until(run, lambda: run.waiting_code == "frozen")
    page = plain(client.get(f"/runs/{run.pk}/"))
    assert "Two people lift the freeze; then it goes on by itself." in page
    assert re.search(r"Looked at again \d\d:\d\d", page)
