"""Runs: the list, the page of one run, what can be asked of it, the commit. Against the real engine and simulator."""

import json
import re
from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from migrator.resources import Verb
from tests.tracker.runs.conftest import programme, simulator
from tests.tracker.runs.programme import Programme
from tracker.accounts.models import User
from tracker.runs.models import Ask, Comparison, Difference, Run
from tracker.runs.queries import askable, commit_gates, database_now, why_not
from tracker.waves import actions as waves
from tracker.waves.models import Approval, Window

__all__ = ["programme", "simulator"]
As = Callable[[User], Client]


def text(answer: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def page(client: Client, run: Run, tail: str = "", **given: str) -> HttpResponse:
    return client.get(reverse("run", args=[run.pk]) + tail, given)


def ask(client: Client, run: Run, verb: str, **more: str) -> HttpResponse:
    return client.post(reverse("run_ask", args=[run.pk]), {"verb": verb, **more})


def unexpected(run: Run) -> Difference:
    Comparison.objects.filter(run=run).update(unexpected=1)
    return Difference.objects.create(
        run=run, classic_key=run.unit.key, field="address prefix", before="10.0.0.0/24", after=["10.0.0.0/23"],
        kind="unexpected", why="The prefix is wider than it was.",
    )  # fmt: skip


# --- the list ---------------------------------------------------------------------------------------------------------
def test_without_a_run_the_list_says_how_one_begins(programme: Programme, as_person: As) -> None:
    answer = as_person(programme.tomas).get("/runs/")
    assert "No run yet" in text(answer)
    assert reverse("waves") in answer.content.decode()


def test_what_needs_a_person_stands_first_and_the_numbers_agree_with_their_lists(
    programme: Programme, as_person: As
) -> None:
    first = programme.started("shop-net")
    programme.until(first, lambda: first.state == "validated")
    second = programme.started("shopfiles")
    Run.objects.filter(pk=second.pk).update(attention="Prepare was refused", attention_since=database_now())
    client = as_person(programme.noor)
    listed = client.get("/runs/").content.decode()
    assert listed.index(f"run-{second.pk}") < listed.index(f"run-{first.pk}")
    assert "Prepare was refused" in listed
    for standing in ("attention", "doubt", "waiting", "moving", "ended"):
        shown = re.search(rf'href="\?standing={standing}" id="[^>]*>.*?<b>(\d+)</b>', listed, re.S)
        assert shown, standing
        rows = client.get("/runs/rows/", {"standing": standing}).content.decode()
        assert rows.count("row-link") == int(shown[1]), standing
    for query, n in (("state=validated", 1), (f"wave={first.wave_id}", 1), ("q=shopf", 1), ("q=nothing", 0)):
        assert client.get(f"/runs/rows/?{query}").content.decode().count("row-link") == n, query


@pytest.mark.parametrize("query", ["q=%00", "state=nowhere", "wave=x", "wave=99999999999999999999", "standing=%00",
                                   "sort=nothing", "cursor=abc", "q=" + "x" * 5000])  # fmt: skip
def test_an_odd_address_is_no_error(programme: Programme, as_person: As, query: str) -> None:
    programme.started("shop-net")
    assert as_person(programme.noor).get(f"/runs/?{query}").status_code == 200


def test_the_list_costs_the_same_whatever_its_length(
    programme: Programme, as_person: As, django_assert_max_num_queries: Callable
) -> None:
    programme.started("shop-net")
    programme.started("shopfiles")
    client = as_person(programme.tomas)
    client.get("/runs/")
    with django_assert_max_num_queries(7 + 3):  # session, user, roles beside
        client.get("/runs/")


def test_the_live_part_is_not_sent_twice(programme: Programme, as_person: As) -> None:
    run = programme.started("shop-net")
    client = as_person(programme.tomas)
    for url in ("/runs/rows/", reverse("run_part", args=[run.pk, "top"])):
        tag = client.get(url)["ETag"]
        assert client.get(url, headers={"If-None-Match": tag}).status_code == 304
    Run.objects.filter(pk=run.pk).update(waiting_for="Another reason.")
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 200


# --- one run ----------------------------------------------------------------------------------------------------------
def test_a_planned_run_is_driven_from_its_page_to_prepared(programme: Programme, as_person: As) -> None:
    run = programme.validated()
    client = as_person(programme.tomas)
    said = text(page(client, run))
    assert "Prepare is next: it locks the unit until Commit or Abort." in said
    answer = ask(client, run, "prepare", reason="Agreed with the shop")
    assert answer.status_code == 302
    programme.until(run, lambda: run.state == "prepared")
    said = text(page(client, run, "?view=full"))
    assert "Prepared means locked, not finished." in said
    assert "Agreed with the shop" in said
    assert "Tomas asked for Prepare" in said
    assert "HTTP 202" in said
    attempt = run.operations.get(verb="prepare").attempts.get()
    for identity in (attempt.pk, attempt.request_id, attempt.correlation_id):
        assert f'data-copy="{identity}"' in page(client, run).content.decode()
    assert "Seen on both sides" in text(client.get(reverse("run_commit", args=[run.pk])))


def test_every_wish_is_there_with_the_engines_own_reason(programme: Programme, as_person: As) -> None:
    run = programme.prepared()
    said = text(page(as_person(programme.tomas), run))
    reasons = askable(run, database_now())
    assert reasons["abort"] == reasons["hold"] == ""
    assert reasons["commit"] == "Nobody has asked for the approval of this commit yet."
    for sentence in (reasons["commit"], reasons["cancel"]):
        assert sentence in said
    assert 'data-dialog="ask-abort"' in page(as_person(programme.tomas), run).content.decode()


def test_hold_resume_cancel_and_abort_are_asked_for(programme: Programme, as_person: As) -> None:
    run, client = programme.prepared(), as_person(programme.tomas)
    assert ask(client, run, "hold").status_code == 302
    said = text(page(client, run))
    assert "On hold: nothing is sent until somebody resumes it." in said
    twice = ask(client, run, "hold", reason="kept words")
    assert twice.status_code == 409
    assert "already on hold" in text(twice)
    assert "kept words" in twice.content.decode()
    assert ask(client, run, "resume").status_code == 302
    cancel = ask(client, run, "cancel")
    assert cancel.status_code == 409
    assert "can be cancelled only before Prepare" in text(cancel)
    assert ask(client, run, "abort", reason="Too late at night").status_code == 302
    programme.until(run, lambda: run.ended_at is not None)
    assert "The unit is classic and unlocked again." in text(page(client, run))


@pytest.mark.parametrize("data", [
    {"verb": "commit"}, {"verb": ""}, {"verb": "\x00"}, {}, {"verb": "prepare", "reason": "a\x00b"},
    {"verb": "prepare", "reason": "x" * 5000},
])  # fmt: skip
def test_bad_input_is_one_sentence_and_changes_nothing(programme: Programme, as_person: As, data: dict) -> None:
    run = programme.validated()
    before = Ask.objects.count()
    answer = as_person(programme.tomas).post(reverse("run_ask", args=[run.pk]), data)
    assert answer.status_code in (400, 409)
    assert "Nothing was changed" in text(answer)
    assert Ask.objects.count() == before


def test_people_without_the_role_read_and_cannot_ask(programme: Programme, as_person: As) -> None:
    run = programme.prepared()
    row = unexpected(run)
    for user in (programme.maya, programme.noor):
        client = as_person(user)
        said = text(page(client, run))
        assert "To operate runs takes the role engineer: ask" in said
        assert ask(client, run, "abort").status_code == 403
        for url in (
            reverse("run_dispose", args=[run.pk, row.pk]),
            reverse("run_commit", args=[run.pk]),
            reverse("run_request_commit", args=[run.pk]),
        ):
            assert client.post(url, {"disposition": "x", "typed": "shop-net"}).status_code == 403, url
    assert not Ask.objects.filter(verb="abort").exists()
    assert Client().get(reverse("run", args=[run.pk])).status_code == 302


def test_an_unknown_run_is_not_found(programme: Programme, as_person: As) -> None:
    client = as_person(programme.tomas)
    nowhere = "00000000-0000-4000-8000-000000000000"
    for url in (f"/runs/{nowhere}/", f"/runs/{nowhere}.json", f"/runs/{nowhere}/commit/", f"/runs/{nowhere}/part/top/"):
        assert client.get(url).status_code == 404, url
    run = programme.started()
    assert client.get(reverse("run_part", args=[run.pk, "nothing"])).status_code == 404


def test_a_failure_shows_the_platforms_words_the_remedy_and_whether_a_retry_helps(
    programme: Programme, as_person: As
) -> None:
    run = programme.validated()
    programme.fault("operation-fails", verb="prepare", code="E28", keeps_lock=True)
    programme.ask(run, "prepare")
    programme.until(run, lambda: bool(run.attention))
    answer = page(as_person(programme.tomas), run)
    said = text(answer)
    assert "QuotaExceeded" in said
    assert "Remedy." in said
    assert "(E28, " in said
    assert "A retry is safe, and fails the same way until the limit is raised." in said
    assert "The unit may be left locked. Abort it, remove the cause, then begin anew." in said
    assert reverse("rule", args=["SUB-QUOTA-CORES"]) in answer.content.decode()


def test_doubt_says_since_when_and_when_it_is_read_again(programme: Programme, as_person: As) -> None:
    run = programme.validated()
    programme.fault("apply-then-fail", verb="prepare", answer="drop")
    programme.ask(run, "prepare")
    programme.until(run, lambda: run.unknown_since is not None)
    Run.objects.filter(pk=run.pk).update(due_at=run.unknown_since.replace(hour=2, minute=19, second=0))
    said = text(page(as_person(programme.noor), run))
    assert re.search(r"Unknown since \d\d:\d\d UTC\s*, reading again at 02:19:00 UTC", said)
    assert "Nothing is sent and nothing is assumed" in said


def test_a_difference_is_accepted_by_a_named_person_and_then_the_approval_can_be_asked(
    programme: Programme, as_person: As
) -> None:
    run = programme.prepared()
    row, client = unexpected(run), as_person(programme.tomas)
    said = text(page(client, run))
    assert said.index("The prefix is wider") < said.index("Renamed as expected")  # what has to be decided first
    assert "1 unexpected difference has to be decided" in said
    url = reverse("run_dispose", args=[run.pk, row.pk])
    for words in ("", "  ", "a\x00b", "x" * 3000):
        refused = client.post(url, {"disposition": words})
        assert refused.status_code == 409
        assert "Nothing was changed" in text(refused)
    refused = client.post(reverse("run_request_commit", args=[run.pk]))
    assert refused.status_code == 409
    assert not Approval.objects.filter(kind="commit").exists()
    assert client.post(url, {"disposition": "Agreed with the network team"}).status_code == 302
    said = text(page(client, run))
    assert "“Agreed with the network team” — Tomas" in said
    assert client.post(url, {"disposition": "again"}).status_code == 409
    assert client.post(reverse("run_dispose", args=[run.pk, row.pk + 1]), {"disposition": "x"}).status_code == 409
    assert client.post(reverse("run_request_commit", args=[run.pk])).status_code == 302
    assert Approval.objects.get(kind="commit").requester == programme.tomas


def test_the_download_holds_the_whole_run(programme: Programme, as_person: As) -> None:
    run = programme.prepared()
    answer = as_person(programme.noor).get(reverse("run_json", args=[run.pk]))
    assert answer["Content-Disposition"] == f'attachment; filename="run-{run.pk}.json"'
    held = json.loads(answer.content)
    assert held["run"]["id"] == str(run.pk)
    assert [each["verb"] for each in held["operations"]] == ["validate", "prepare"]
    assert held["operations"][1]["attempts"][0]["http_status"] == 202
    assert [each["after"] for each in held["transitions"]] == ["validated", "preparing", "prepared"]
    assert len(held["differences"]) == run.differences.count()
    assert held["captured_settings"]


def test_a_run_costs_the_same_however_much_happened(
    programme: Programme, as_person: As, django_assert_max_num_queries: Callable
) -> None:
    run = programme.prepared()
    programme.sealed(run)
    for number in range(30):
        Ask.objects.create(run=run, verb="hold", by=programme.tomas.actor.key, at=database_now(), reason=str(number))
        unexpected(run)
    client = as_person(programme.tomas)
    page(client, run)
    beside = 3 + 1 + 1  # session, user, roles; the frame; the version of the live parts
    with django_assert_max_num_queries(9 + beside):  # one for what Azure shows otherwise
        page(client, run)
    with django_assert_max_num_queries(10 + beside):
        client.get(reverse("run_commit", args=[run.pk]))
    tag = client.get(reverse("run_part", args=[run.pk, "next"]))["ETag"]
    with django_assert_max_num_queries(1 + 3):
        client.get(reverse("run_part", args=[run.pk, "next"]), headers={"If-None-Match": tag})


def test_what_could_not_be_read_is_told_and_gone_on_without_in_somebodys_name(
    programme: Programme, as_person: As
) -> None:
    run = programme.validated()
    programme.fault("malformed", method="GET", unit="trafficManagerProfiles", times=None)
    programme.ask(run, "prepare")
    programme.until(run, lambda: run.waiting_code == "capture-incomplete")
    tomas, maya = as_person(programme.tomas), as_person(programme.maya)
    assert 'id="accept-gap-open"' not in page(maya, run).content.decode()
    shown = page(tomas, run, confirm="accept-gap").content.decode()
    assert 'id="accept-gap-open"' in shown and "Not read: Microsoft.Network/trafficManagerProfiles/read" in shown
    told = re.findall(r'name="told" value="([^"]+)"', shown)
    address = reverse("run_accept_gap", args=[run.pk])
    assert maya.post(address, {"told": told, "reason": "x"}).status_code == 403
    refused = tomas.post(address, {"told": told, "reason": " "})
    assert refused.status_code == 409 and "Say why" in text(refused)
    assert "more could not be read" in text(tomas.post(address, {"told": [], "reason": "We have none."}))
    assert tomas.post(address, {"told": told, "reason": "We have none."}).status_code == 302
    programme.until(run, lambda: run.state == "prepared")
    after = text(page(tomas, run))
    assert "Tomas goes on without 1 part" in after and "We have none." in after
    assert "accept-gap" not in page(tomas, run).content.decode()


# --- commit -----------------------------------------------------------------------------------------------------------
def commit(client: Client, run: Run, **data: str) -> HttpResponse:
    return client.post(reverse("run_commit", args=[run.pk]), data)


def test_commit_is_one_typed_name_away_when_every_lock_is_green(programme: Programme, as_person: As) -> None:
    run = programme.prepared()
    client = as_person(programme.tomas)
    said = text(client.get(reverse("run_commit", args=[run.pk])))
    assert "1 of 7 locks is not green" in said
    assert client.post(reverse("run_request_commit", args=[run.pk])).status_code == 302
    approval = Approval.objects.get(kind="commit")
    waiting = client.get(reverse("run_commit", args=[run.pk]))
    assert reverse("approval", args=[approval.pk]) in waiting.content.decode()
    assert "The approval of this commit is pending." in text(waiting)
    assert 'name="typed"' not in waiting.content.decode()
    waves.approve(approval, digest=approval.digest, by=programme.aiko, now=database_now())
    ready = client.get(reverse("run_commit", args=[run.pk]))
    assert "All 7 locks are green" in text(ready)
    assert f'name="seal" value="{approval.digest}"' in ready.content.decode()
    assert "captured settings that the platform drops become follow-ups" in text(ready)
    for typed in ("", "shop", "SHOP-NET", "shop-net2", "shop\x00-net"):
        wrong = commit(client, run, typed=typed, seal=approval.digest)
        assert wrong.status_code == 409
        assert "is not the name of this unit: shop-net." in text(wrong)
        assert "Nothing was sent." in text(wrong)
    for seal in ("", "0" * 64, "x" * 900, "\x00"):
        wrong = commit(client, run, typed="shop-net", seal=seal)
        assert wrong.status_code == 409
        assert "reload it and read again" in text(wrong)
        assert 'value="shop-net"' in wrong.content.decode()  # what was typed is kept
    assert not Ask.objects.filter(verb="commit").exists()
    assert programme.posts("commit") == []
    assert commit(client, run, typed="shop-net", seal=approval.digest, reason="Window of tonight").status_code == 302
    programme.until(run, lambda: run.state in ("committed", "verified"))
    assert len(programme.posts("commit")) == 1
    assert "Commit was sent" in text(client.get(reverse("run_commit", args=[run.pk])))
    assert commit(client, run, typed="shop-net", seal=approval.digest).status_code == 409
    assert "follow-ups open" in text(page(client, run))


def test_the_gates_are_green_exactly_when_nothing_stands_against_it(programme: Programme) -> None:
    run = programme.prepared()
    programme.sealed(run)
    run = Run.objects.select_related("unit", "wave", "comparison").get(pk=run.pk)

    def closed() -> dict[str, str]:
        now = database_now()
        fresh = Run.objects.select_related("unit", "wave", "comparison").get(pk=run.pk)
        gates = {gate.code: gate.sentence for gate in commit_gates(fresh, now) if not gate.open}
        assert bool(gates) == (why_not(fresh, Verb.COMMIT, now) is not None)
        return gates

    assert closed() == {}
    row = unexpected(run)
    assert set(closed()) == {"differences-open", "approval-stale"}
    row.delete()
    Comparison.objects.filter(run=run).update(unexpected=0)
    run.wave.stopped_at, run.wave.stop_reason = database_now(), "storm"
    run.wave.save()
    assert set(closed()) == {"stopped"}
    run.wave.stopped_at = None
    run.wave.save()
    usage = programme.subscription.usages.get(region=run.unit.region, name="cores")
    reserved = run.unit.reservations.get(name="cores")
    usage.limit = usage.current + reserved.amount - 1
    usage.read_at = run.started_at  # before the lock: the copy is not in it yet
    usage.save()
    assert "cores in westeurope: 1 short" in closed()["quota-short"]
    usage.read_at = database_now()  # after the lock: it is
    usage.save()
    assert closed() == {}
    usage.delete()
    assert set(closed()) == {"quota-unread"}
    window = Window.objects.get(wave=run.wave)
    window.closes_at = database_now()
    window.save()
    assert "window-closed" in closed()


def test_what_is_approved_is_not_asked_for_again_by_a_click(programme: Programme, as_person: As) -> None:
    run = programme.prepared()
    programme.sealed(run)
    shown = as_person(programme.tomas).get(reverse("run_commit", args=[run.pk])).content.decode()
    assert reverse("run_request_commit", args=[run.pk]) not in shown
