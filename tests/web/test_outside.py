"""What Azure shows otherwise: the page, and what a person can do there; the part of a changed database on Settings."""

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from migrator.lifecycle.outside import Drift as Kind
from tests.tracker.runs.programme import QUICK, Programme
from tracker.accounts.models import User
from tracker.runs import actions as runs
from tracker.runs.actions import epoch, outside
from tracker.runs.models import Run
from tracker.runs.queries import database_now
from tracker.runs.watch_models import Drift, EndCheck

As = Callable[[User], Client]


def seen(programme: Programme, kind: Kind = Kind.LOCKED, side: str = "prepared") -> Drift:
    said, advice = outside._SAID[kind]
    unit = programme.unit("shop-net")
    return outside.tell(unit, None, kind, said, advice, database_now(), source="sync", world="prepared", side=side)


def test_a_person_reads_what_differs_and_takes_it_over(programme: Programme, as_person: As) -> None:
    programme.approved("shop-net")
    row = seen(programme)
    client = as_person(programme.tomas)
    assert "1 unit seen otherwise in Azure" in client.get("/runs/").content.decode()
    page = client.get(reverse("outside")).content.decode()
    assert "no run here prepared it" in page
    assert "Take over into a run" in page
    address = reverse("outside_act", args=[row.pk])
    refused = client.post(address, {"act": "take-over", "reason": ""})
    assert (refused.status_code, "Say why" in refused.content.decode()) == (409, True)
    assert client.post(address, {"act": "note", "reason": "the pilot"}).status_code == 302
    assert "Noted by Tomas" in client.get(reverse("outside")).content.decode()
    answer = client.post(address, {"act": "take-over", "reason": "ours"})
    assert answer["Location"] == reverse("run", args=[Run.objects.get().pk])
    assert Run.objects.get().operations.get().recovered
    assert "Azure shows what is held here" in client.get(reverse("outside")).content.decode()
    assert client.post(reverse("outside_act", args=[row.pk + 1])).status_code == 404


def test_who_may_only_read_is_told_so(programme: Programme, as_person: As) -> None:
    row = seen(programme, Kind.GONE, "absent")
    client = as_person(programme.noor)
    page = client.get(reverse("outside")).content.decode()
    assert "Find out who deleted it" in page
    assert '<form class="stack tight' not in page
    assert client.post(reverse("outside_act", args=[row.pk]), {"reason": "x"}).status_code == 403


def test_the_run_page_tells_its_checks_and_the_settings_page_a_changed_database(
    programme: Programme, as_person: As
) -> None:
    run = programme.started("shop-net")
    now = database_now()
    Run.objects.filter(pk=run.pk).update(ended_at=now, outcome="aborted", due_at=None)
    for number, world in ((1, "classic"), (2, "prepared"), (3, "")):
        EndCheck.objects.create(
            run=run, ended="aborted", number=number, due_at=now, at=now if world else None, world=world,
            said="prepared by somebody" if world == "prepared" else "",
        )  # fmt: skip
    page = as_person(programme.tomas).get(reverse("run", args=[run.pk])).content.decode()
    assert "2 of 3 checks done, the last" in page
    assert "Seen as prepared, <span" in page

    epoch._change(None, "a drill", epoch.witness.Told(), now, QUICK)
    page = as_person(programme.noor).get(reverse("settings")).content.decode()
    assert "The database changed" in page
    assert "a drill" in page
    home = as_person(programme.tomas).get("/runs/").content.decode()
    assert "Everything is frozen." in home
    assert "The database changed: a drill." in home
    assert "read back first" in as_person(programme.maya).get(reverse("freeze")).content.decode()
    assert not runs.read_back_wanted(now), "the quarantine comes first"
