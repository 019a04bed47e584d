"""The page of a follow-up that people close: who and by when, done, not done, again; and who may not."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from tests.tracker.followups.test_followups import committed
from tests.tracker.runs.programme import Programme
from tracker.accounts.models import User
from tracker.followups.models import FollowUp
from tracker.runs.queries import database_now

As = Callable[[User], Client]


@pytest.fixture
def work(programme: Programme) -> FollowUp:
    run = committed(programme)
    return FollowUp.objects.get(unit=run.unit, title__startswith="Point scripts")


def page(client: Client, row: FollowUp) -> str:
    answer = client.get(reverse("follow_up", args=[row.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def post(client: Client, name: str, row: FollowUp, **data: str) -> tuple[int, str]:
    answer = client.post(reverse(f"follow_up_{name}", args=[row.pk]), data, follow=True)
    return answer.status_code, answer.content.decode()


def test_work_is_assigned_done_and_opened_again_by_people(programme: Programme, as_person: As, work: FollowUp) -> None:
    maya, tomas = as_person(programme.maya), as_person(programme.tomas)
    said = page(maya, work)
    assert "What is to be done" in said and "No request to Azure does it" in said and "Probe now" not in said
    status, said = post(maya, "assign", work, owner="Priya Nair", due_on="2027-02-01")
    assert status == 200 and 'value="Priya Nair"' in said and 'value="2027-02-01"' in said
    for wrong in ("2027-02-31", "soon", "9999999"):
        status, said = post(maya, "assign", work, owner="Nobody", due_on=wrong)
        assert status == 409 and "could not be read" in said and 'value="Nobody"' in said
    status, said = post(maya, "attest", work, said=" ")
    assert status == 409 and "Say what was done" in said
    status, said = post(maya, "attest", work, said="Run 4711 <b>used</b> the new ids.")
    assert status == 200 and "Done, as attested" in said and "Run 4711 &lt;b&gt;used" in said and "Maya" in said
    status, said = post(tomas, "reopen", work, why="One job still fails.")
    assert status == 200 and "It is owed again" in said and "Say that it is done" in said


def test_leaving_it_undone_is_decided_by_another(programme: Programme, as_person: As, work: FollowUp) -> None:
    tomas, aiko = as_person(programme.tomas), as_person(programme.aiko)
    status, said = post(tomas, "wont_do", work, why="It goes next week.")
    assert status == 200 and "You asked for it yourself" in said
    assert "won't do asked" in tomas.get(reverse("follow_ups")).content.decode()
    assert post(tomas, "decide", work, decision="agree")[0] == 409
    assert "Agree: not done" in page(aiko, work)
    status, said = post(aiko, "decide", work, decision="decline")
    assert status == 409 and "Say why it has to be done" in said
    status, said = post(aiko, "decide", work, decision="agree")
    assert status == 200 and "Won't be done" in said and "agreed by Aiko" in said


def test_who_may_only_read_reads_whom_to_ask(programme: Programme, as_person: As, work: FollowUp) -> None:
    noor = as_person(programme.noor)
    said = page(noor, work)
    assert "ask " in said and "<form" not in said.partition('id="people"')[2].partition("</aside>")[0]
    for name in ("attest", "wont_do", "decide", "reopen", "assign"):
        assert noor.post(reverse(f"follow_up_{name}", args=[work.pk]), {"owner": "x"}).status_code == 403
    assert as_person(programme.tomas).post(reverse("follow_up_attest", args=[work.pk + 10**6])).status_code == 404


def test_the_list_tells_what_is_late_and_its_number_opens_it(
    programme: Programme, as_person: As, work: FollowUp
) -> None:
    FollowUp.objects.filter(pk=work.pk).update(due_on=database_now().date() - timedelta(days=2), owner="Priya Nair")
    client = as_person(programme.maya)
    said = client.get(reverse("follow_ups")).content.decode()
    assert "<b>1</b>Late" in said and "?only=late" in said and "was due" in said
    said = client.get(f"{reverse('follow_ups')}?only=late").content.decode()
    assert said.count('class="row-link wrap"') == 1 and work.title in said
