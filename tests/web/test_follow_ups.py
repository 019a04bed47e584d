"""Follow-ups: the list, what will be sent, the answers, applying alone and together, and the probe."""

import re
from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.tracker.followups.test_followups import SECRET_ANSWER, with_a_secret
from tests.tracker.runs.conftest import programme, simulator
from tests.tracker.runs.programme import Programme
from tracker.accounts.models import User
from tracker.followups import queries
from tracker.followups.models import FollowUp
from tracker.runs.models import Run

__all__ = ["programme", "simulator"]
As = Callable[[User], Client]


def text(answer: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.fixture
def committed(programme: Programme) -> Run:
    run = programme.committing()
    return programme.until(run, lambda: run.state in ("committed", "verified"))


def url(name: str, row: FollowUp) -> str:
    return reverse(name, args=[row.pk])


def test_before_a_commit_the_list_says_what_opens_them(programme: Programme, as_person: As) -> None:
    assert "Nothing is owed" in text(as_person(programme.noor).get("/follow-ups/"))


def test_the_numbers_agree_with_the_lists_behind_them(programme: Programme, committed: Run, as_person: As) -> None:
    client = as_person(programme.noor)
    shown = client.get("/follow-ups/").content.decode()
    assert shown.count("row-link") == FollowUp.objects.count() > 3
    for href, n in re.findall(r'<a class="\w+" href="(\?[^"]*)" id="figure-\d+"[^>]*>.*?<b>(\d+)</b>', shown, re.S):
        rows = client.get("/follow-ups/rows/" + href.replace("&amp;", "&")).content.decode()
        assert rows.count("row-link") == int(n), href
    for kind in set(FollowUp.objects.values_list("kind", flat=True)):
        rows = client.get("/follow-ups/rows/", {"kind": kind}).content.decode()
        assert rows.count("row-link") == FollowUp.objects.filter(kind=kind).count()
    unit = client.get("/follow-ups/rows/", {"unit": committed.unit_id}).content.decode()
    assert unit.count("row-link") == FollowUp.objects.count()
    for odd in ("q=%00", "wave=x", "unit=%00", "state=nowhere", "kind=%00", "cursor=abc", "unit=" + "9" * 30):
        assert client.get(f"/follow-ups/?{odd}").status_code == 200, odd


def test_everything_is_answered_applied_and_closed_from_the_pages(
    programme: Programme, committed: Run, as_person: As
) -> None:
    client = as_person(programme.tomas)
    for row in FollowUp.objects.filter(state="question"):
        refused = client.post(url("follow_up_apply", row))
        assert refused.status_code == 409
        assert "waits for an answer" in text(refused)
        data = {}
        for index, question in enumerate(queries.required(row).questions):
            data[f"a{index}"] = question.choices[0].value if question.choices else "ops@example.com"
        assert client.post(url("follow_up_answer", row), data).status_code == 302
        assert "PUT" in text(client.get(url("follow_up", row)))
    wave = committed.wave_id
    n = FollowUp.objects.filter(state="open").count()
    assert f"{n} ready to apply" in text(client.get("/follow-ups/", {"wave": wave}))
    assert client.post(reverse("follow_up_apply_ready"), {"wave": wave}).status_code == 302
    assert FollowUp.objects.filter(state="wanted").count() == n
    programme.until(committed, lambda: committed.state == "closed", seconds=25)
    row = FollowUp.objects.first()
    said = text(client.get(url("follow_up", row)))
    assert "Closed: the probe saw it." in said
    assert client.post(url("follow_up_apply", row)).status_code == 409
    assert client.post(url("follow_up_probe", row)).status_code == 302  # looking again is always allowed
    assert client.post(reverse("follow_up_apply_ready"), {"wave": wave}).status_code == 302  # a sentence, no error


def test_a_page_says_what_was_why_and_what_will_be_sent(programme: Programme, committed: Run, as_person: As) -> None:
    row = FollowUp.objects.filter(kind="role assignment").first()
    answer = as_person(programme.noor).get(url("follow_up", row))
    shown, said = answer.content.decode(), text(answer)
    for line in row.was:
        assert line in said.replace("&#x27;", "'").replace("&quot;", '"')
    stage = queries.required(row).stages[0]
    assert f'data-copy="{stage.request.path}"' in shown
    assert reverse("rule", args=[row.rules[0]]) in shown
    assert "Not looked for yet." in said
    assert "To apply follow-ups takes the role engineer" in said


def test_a_secret_answer_never_comes_back_to_a_page(programme: Programme, as_person: As) -> None:
    row = with_a_secret(programme)
    client = as_person(programme.tomas)
    for address in (url("follow_up", row), "/follow-ups/", reverse("run_json", args=[Run.objects.get().pk])):
        assert SECRET_ANSWER[:40] not in client.get(address).content.decode(), address
    shown = client.get(url("follow_up", row)).content.decode()
    assert "(secret, kept out of sight)" in shown
    assert 'type="password"' in shown
    assert "Given, and not shown again." in text(client.get(url("follow_up", row)))


def test_bad_answers_are_refused_and_nothing_changes(programme: Programme, committed: Run, as_person: As) -> None:
    row = FollowUp.objects.filter(state="question").first()
    client = as_person(programme.tomas)
    for data in ({}, {"a0": ""}, {"a0": "nonsense"}, {"f0": "a\x00b", "a0": "a\x00b"}, {"a0": "x" * 5000}):
        answer = client.post(url("follow_up_answer", row), data)
        assert answer.status_code == 409, data
        assert "Nothing was changed" in text(answer)
        row.refresh_from_db()
        assert (row.state, row.answers) == ("question", {})
    assert client.get("/follow-ups/999999999/").status_code == 404
    assert client.get(reverse("follow_up", args=[10**30])).status_code == 404
    for wave in ("", "x", "\x00", "9" * 30, "123456"):
        assert client.post(reverse("follow_up_apply_ready"), {"wave": wave}).status_code == 302
    assert not FollowUp.objects.filter(state="wanted").exists()


def test_only_who_may_can_act(programme: Programme, committed: Run, as_person: As) -> None:
    row = FollowUp.objects.filter(state="open").first()
    for user in (programme.maya, programme.noor):
        client = as_person(user)
        for name in ("follow_up_apply", "follow_up_probe", "follow_up_answer"):
            assert client.post(url(name, row), {"a0": "x"}).status_code == 403, name
        assert client.post(reverse("follow_up_apply_ready"), {"wave": committed.wave_id}).status_code == 403
    assert not FollowUp.objects.filter(state="wanted").exists()


def test_pages_cost_the_same_and_live_parts_are_not_sent_twice(
    programme: Programme, committed: Run, as_person: As, django_assert_max_num_queries: Callable
) -> None:
    client, row = as_person(programme.tomas), FollowUp.objects.first()
    client.get("/follow-ups/")
    with django_assert_max_num_queries(6 + 4):
        client.get("/follow-ups/")
    with django_assert_max_num_queries(8 + 4):
        client.get(url("follow_up", row))
    part = reverse("follow_up_part", args=[row.pk, "next"])
    tag = client.get(part)["ETag"]
    assert client.get(part, headers={"If-None-Match": tag}).status_code == 304
    FollowUp.objects.filter(pk=row.pk).update(last_error="Denied", state="failed")
    assert client.get(part, headers={"If-None-Match": tag}).status_code == 200
    assert "Denied" in text(client.get(reverse("follow_up_part", args=[row.pk, "state"])))
