"""Rehearsals on the pages: asked for of one unit, told of the unit and the wave, held beside the real run."""

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from tests.api.conftest import Api
from tests.tracker.runs.programme import Programme
from tracker.accounts.models import User
from tracker.runs import actions as runs
from tracker.runs.models import Difference, Run
from tracker.runs.queries import database_now

As = Callable[[User], Client]


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_one_unit_is_rehearsed_from_its_page_and_the_real_run_stands_beside_it(
    programme: Programme, as_person: As
) -> None:
    wave = programme.approved("shop-net")
    unit = programme.unit("shop-net")
    tab = reverse("unit_tab", args=[unit.pk, "runs"])
    assert "takes the role engineer" in text(as_person(programme.noor), tab)
    client = as_person(programme.tomas)
    said = text(client, tab)
    assert "It was not rehearsed yet" in said and "was not measured here yet" in said
    assert "None of its units was rehearsed" in text(client, reverse("wave", args=[wave.pk]))
    asked = client.post(reverse("wave_start", args=[wave.pk]), {"unit": unit.pk, "purpose": "rehearsal"})
    assert asked.status_code == 302
    first = Run.objects.get()
    assert "It has a live run" in text(client, tab) and first.purpose == "rehearsal"
    programme.until(first, lambda: first.ended_at is not None)
    Difference.objects.create(
        run=first, classic_key=unit.key, field="dhcp", before="A", after="B", kind="unexpected",
    )  # fmt: skip
    row = Difference.objects.get(run=first, field="dhcp")
    runs.dispose(row, disposition="It is set again by the <router>.", by=programme.aiko, now=database_now())

    said = text(client, tab)
    assert "Prepare took" in said and "Locked for" in said and "expected to be locked for about" in said
    assert 'id="locks"' in said and "aborted" in said
    page = text(client, reverse("wave", args=[wave.pk]))
    assert "<b>1</b> of 1 unit rehearsed" in page and str(first.pk) in page

    run = runs.start(programme.unit("shop-net"), by=programme.tomas, now=database_now())
    programme.until(run, lambda: run.state == "validated")
    programme.ask(run, "prepare")
    programme.until(run, lambda: run.state == "prepared")
    assert "<b>1</b> of then is gone" in text(client, reverse("run", args=[run.pk]))
    Difference.objects.create(run=run, classic_key=unit.key, field="dhcp", before="A", after="B", kind="unexpected")
    Difference.objects.create(run=run, classic_key=unit.key, field="dns", before="A", after="B", kind="unexpected")
    said = text(client, reverse("run", args=[run.pk]))
    assert "<b>1</b> of these rows is new since then" in said and "new since the rehearsal" in said
    assert "as rehearsed" in said and "is gone" not in said
    assert "It is set again by the &lt;router&gt;.</textarea>" in said and "Aiko wrote this at the rehearsal" in said
    assert not Difference.objects.filter(run=run).exclude(disposed_at=None).exists(), "nothing is taken over by itself"

    api = Api(programme.noor)
    listed = api.get(f"runs/{run.pk}/differences/", kind="unexpected").json()["results"]
    marks = {one["field"]: one["rehearsal"] for one in listed}
    assert (marks["dhcp"], marks["dns"]) == ("same", "new")
    alike = api.get(f"runs/{run.pk}/differences/", kind="same").json()["results"]
    assert {one["rehearsal"] for one in alike} == {None}
    found = api.get("runs/", purpose="rehearsal").json()["results"]
    assert [one["id"] for one in found] == [str(first.pk)]
