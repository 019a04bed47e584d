"""Approvals: what waits on whom, and the page on which a person decides; and the stop switch."""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.tracker.runs.programme import Programme
from tracker.accounts.models import User
from tracker.audit.models import Event
from tracker.inventory.models import Resource
from tracker.runs import actions as runs
from tracker.runs.models import Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves import queries
from tracker.waves.models import Approval, Freeze

As = Callable[[User], Client]


def text(answer: object) -> str:
    return unescape(answer.content.decode())  # type: ignore[attr-defined]


def said(answer: object) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))  # type: ignore[attr-defined]


def submitted(programme: Programme, *names: str) -> Approval:
    wave = programme.wave(*(names or ("shop-net",)))
    return waves.submit(wave, by=programme.maya, now=database_now())


def decide(client: Client, approval: Approval, decision: str = "approve", **more: object) -> object:
    given = {"decision": decision, "digest": approval.digest, "reason": ""} | more
    return client.post(f"/approvals/{approval.pk}/decide/", {k: v for k, v in given.items() if v is not None})


def tab_counts(page: str) -> dict[str, int]:
    found = re.findall(r'<a href="\?tab=(\w+)"[^>]*>[^<]+<span class="count \w+">(\d+)</span>', page)
    return {name: int(number) for name, number in found}


# --- the list -----------------------------------------------------------------------------------------------------
def test_the_tabs_count_what_they_list_and_agree_with_the_top_bar(programme: Programme, as_person: As) -> None:
    submitted(programme, "shop-net")
    second = submitted(programme, "shopfiles")
    client = as_person(programme.tomas)
    page = text(client.get("/approvals/"))
    assert tab_counts(page) == {"waiting": 2, "asked": 0, "decided": 0, "all": 2}
    assert re.search(r'<span class="count attention">2</span><span class="word">waiting on you', page)
    decide(client, second, "reject", reason="wrong week")
    for tab, number in {"waiting": 1, "asked": 0, "decided": 1, "all": 2}.items():
        page = text(client.get(f"/approvals/?tab={tab}"))
        assert tab_counts(page)[tab] == number
        assert page.count('class="row-link"') == number, tab
    assert tab_counts(text(as_person(programme.maya).get("/approvals/?tab=asked")))["asked"] == 2


def test_those_who_cannot_approve_are_told_whom_it_takes(programme: Programme, as_person: As) -> None:
    submitted(programme)
    page = text(as_person(programme.noor).get("/approvals/?tab=waiting"))
    assert "takes the role engineer: ask Aiko, Tomas" in page
    assert tab_counts(page)["waiting"] == 0
    assert 'class="row-link"' in text(as_person(programme.noor).get("/approvals/")), "an auditor begins with all"


def test_the_list_costs_the_same_for_one_and_for_many(programme: Programme, as_person: As) -> None:
    wave = programme.wave("shop-net")
    client = as_person(programme.tomas)

    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            client.get("/approvals/?tab=all")
        return len(seen)

    waves.submit(wave, by=programme.maya, now=database_now())
    client.get("/approvals/")
    one = cost()
    for _ in range(5):
        approval = queries.open_wave_approval(wave)
        waves.reject(approval, digest=approval.digest, reason="no", by=programme.tomas, now=database_now())
        waves.submit(wave, by=programme.maya, now=database_now())
    assert cost() == one
    assert one <= 6 + 4


@pytest.mark.parametrize("query", ["tab=nonsense", "tab=%00", "wave=%00", "wave=99999999999999999999", "cursor=x"])
def test_nonsense_in_the_address_is_answered(programme: Programme, as_person: As, query: str) -> None:
    submitted(programme)
    assert as_person(programme.tomas).get(f"/approvals/?{query}").status_code == 200


# --- the review of a wave -----------------------------------------------------------------------------------------
def test_the_page_shows_what_was_sealed_and_not_what_is_there_now(programme: Programme, as_person: As) -> None:
    approval = submitted(programme)
    waves.approve(approval, digest=approval.digest, by=programme.aiko, now=database_now())
    type(approval.wave).objects.filter(pk=approval.wave_id).update(name="Renamed in SQL", owner="Nobody")
    page = text(as_person(programme.tomas).get(f"/approvals/{approval.pk}/"))
    assert "Wave of shop-net" in page and "Renamed in SQL" not in page.partition("<h2>Gates")[0]
    for part in ("What will run", "Validate", "shop-jobs", "Cloud service", "cores", approval.digest, "Maya"):
        assert part in page, part


def test_the_seal_can_be_recomputed_from_the_download(programme: Programme, as_person: As) -> None:
    approval = submitted(programme)
    answer = as_person(programme.noor).get(f"/approvals/{approval.pk}/body/")
    assert hashlib.sha256(b"approval/1\n" + answer.content).hexdigest() == approval.digest
    assert answer["Content-Disposition"] == f'attachment; filename="approval-{approval.pk}.json"'


def test_looking_is_told_once_for_each_person(programme: Programme, as_person: As) -> None:
    approval = submitted(programme)
    for person in (programme.tomas, programme.tomas, programme.noor):
        as_person(person).get(f"/approvals/{approval.pk}/")
        as_person(person).get(f"/approvals/{approval.pk}/")
    told = Event.objects.filter(type="evidence.viewed").values_list("actor", flat=True)
    assert sorted(told) == sorted([programme.tomas.actor.key, programme.noor.actor.key])


def test_approving_needs_the_digest_that_was_shown(programme: Programme, as_person: As) -> None:
    approval = submitted(programme)
    client = as_person(programme.tomas)
    other = submitted(programme, "shopfiles")
    for digest in (other.digest, approval.digest.upper(), "0" * 64):
        answer = decide(client, approval, digest=digest, reason="my words")
        assert answer.status_code == 409, digest
        assert "another version" in text(answer) and "my words" in text(answer)
    for digest in (None, "", f" {approval.digest}", "x" * 1000, "\x00"):
        assert decide(client, approval, digest=digest).status_code == 422
    assert approval.decisions.count() == 0
    answer = decide(client, approval)
    assert answer.status_code == 302 and "approved" in said(answer)
    assert approval.decisions.get().approver == programme.tomas


def test_a_rejection_needs_a_reason_and_keeps_it(programme: Programme, as_person: As) -> None:
    approval = submitted(programme)
    client = as_person(programme.tomas)
    answer = decide(client, approval, "reject", reason="  ")
    assert answer.status_code == 409 and "needs a reason" in text(answer)
    assert decide(client, approval, "reject", reason="a\x00b").status_code == 422
    assert decide(client, approval, "reject", reason="x" * 100_000).status_code == 422
    assert approval.decisions.count() == 0
    decide(client, approval, "reject", reason="The shop is busy <b>all</b> week.")
    page = client.get(f"/approvals/{approval.pk}/").content.decode()
    assert "The shop is busy &lt;b&gt;all&lt;/b&gt; week." in page
    assert "It has to be asked for again" in page or "it has to be asked for again" in page


@pytest.mark.parametrize("decision", ["", "APPROVE", "yes", "approve\x00"])
def test_only_two_decisions_are_understood(programme: Programme, as_person: As, decision: str) -> None:
    approval = submitted(programme)
    assert decide(as_person(programme.tomas), approval, decision).status_code == 422
    assert approval.decisions.count() == 0


def test_a_double_press_and_the_back_button_decide_once(programme: Programme, as_person: As) -> None:
    approval = submitted(programme)
    client = as_person(programme.tomas)
    assert decide(client, approval).status_code == 302
    again = decide(client, approval)
    assert again.status_code == 409 and "approved" in text(again)
    other = decide(as_person(programme.aiko), approval, "reject", reason="too late")
    assert other.status_code == 409
    assert approval.decisions.count() == 1


def test_who_asked_or_may_not_or_has_decided_sees_buttons_off_with_the_reason(
    programme: Programme, as_person: As
) -> None:
    approval = submitted(programme)
    path = f"/approvals/{approval.pk}/"
    page = text(as_person(programme.maya).get(path))
    assert "You asked for this; another person decides. Ask Aiko or Tomas." in page
    assert "decide/" not in page
    page = text(as_person(programme.noor).get(path))
    assert "takes the role engineer: ask Aiko, Tomas" in page
    assert "decide/" not in page
    for person in (programme.maya, programme.noor):
        assert decide(as_person(person), approval).status_code == 403
    decide(as_person(programme.tomas), approval)
    assert "nothing left to decide" in text(as_person(programme.aiko).get(path))


def test_with_two_needed_the_first_waits_for_a_second(programme: Programme, as_person: As, settings) -> None:
    settings.APPROVALS_NEEDED = 2
    approval = submitted(programme)
    decide(as_person(programme.tomas), approval)
    assert "You have decided this already" in text(as_person(programme.tomas).get(f"/approvals/{approval.pk}/"))
    assert "1 agreed" in text(as_person(programme.aiko).get(f"/approvals/{approval.pk}/"))
    decide(as_person(programme.aiko), approval)
    assert queries.approvals(database_now()).get(pk=approval.pk).state == "approved"


def test_what_moved_is_named_in_red_and_the_buttons_are_off(programme: Programme, as_person: As) -> None:
    approval = submitted(programme)
    client = as_person(programme.tomas)
    Resource.objects.filter(unit=programme.unit("shop-net"), name="shop-web").update(digest="f" * 64)
    page = text(client.get(f"/approvals/{approval.pk}/"))
    assert "moved since this was asked for" in page and "members" in page
    assert "the requester has to ask again" in page and "decide/" not in page
    answer = decide(client, approval)
    assert answer.status_code == 409 and "Something moved" in text(answer)
    assert approval.decisions.count() == 0


def test_a_void_and_an_expired_one_say_so(programme: Programme, as_person: As) -> None:
    approval = submitted(programme)
    Approval.objects.filter(pk=approval.pk).update(expires_at=database_now() - timedelta(minutes=1))
    client = as_person(programme.tomas)
    assert "Nobody decided in time" in text(client.get(f"/approvals/{approval.pk}/"))
    assert decide(client, approval).status_code == 409
    waves.void(approval, reason="withdrawn", by=programme.maya, now=database_now())
    assert "This approval is void: withdrawn." in text(client.get(f"/approvals/{approval.pk}/"))
    assert decide(client, approval).status_code == 409


def test_an_approval_can_be_taken_back_by_who_gave_it(programme: Programme, as_person: As) -> None:
    approval = submitted(programme)
    client = as_person(programme.tomas)
    decide(client, approval)
    path = f"/approvals/{approval.pk}/revoke/"
    assert "Say why" in said(client.post(path, {"reason": " "}))
    assert "have not approved" in said(as_person(programme.aiko).post(path, {"reason": "x"}))
    assert "taken back" in said(client.post(path, {"reason": "Too early."}))
    assert "already taken back" in said(client.post(path, {"reason": "Again."}))
    assert queries.approvals(database_now()).get(pk=approval.pk).state == "pending"


def test_the_review_costs_the_same_whatever_it_holds(programme: Programme, as_person: As) -> None:
    first = submitted(programme, "shopfiles")
    second = submitted(programme, "shop-net")
    client = as_person(programme.tomas)
    costs = []
    for approval in (first, second):
        client.get(f"/approvals/{approval.pk}/")
        with CaptureQueriesContext(connection) as seen:
            client.get(f"/approvals/{approval.pk}/")
        costs.append(len(seen))
    assert costs[0] == costs[1] <= 8 + 4, "session, person, roles and the frame come on top"


# --- the review of a commit ---------------------------------------------------------------------------------------
def prepared(programme: Programme) -> tuple[Run, Approval]:
    run = programme.prepared()
    return run, runs.request_commit(run, by=programme.tomas, now=database_now())


def test_the_review_of_a_commit_shows_what_is_sealed(programme: Programme, as_person: As) -> None:
    run, approval = prepared(programme)
    page = text(as_person(programme.aiko).get(f"/approvals/{approval.pk}/"))
    for part in (
        "Commit of shop-net",
        "Commit cannot be undone",
        "Dropped as documented",
        "Captured settings",
        "shop-web-scale",
        "Autoscale setting",
        "shop-jobs",
        approval.digest,
        "No unexpected difference",
    ):
        assert part in page, part
    assert f"/runs/{run.pk}/" in page
    assert str(run.comparison.same) in page
    decide(as_person(programme.aiko), approval)
    assert queries.approvals(database_now()).get(pk=approval.pk).state == "approved"


def test_the_review_of_a_commit_costs_what_it_costs_and_names_a_freeze(programme: Programme, as_person: As) -> None:
    _, approval = prepared(programme)
    client = as_person(programme.aiko)
    assert "Open until" in text(client.get(f"/approvals/{approval.pk}/"))
    waves.freeze("verb:commit", reason="Incident 4711.", by=programme.maya, now=database_now())
    with CaptureQueriesContext(connection) as seen:
        page = text(client.get(f"/approvals/{approval.pk}/"))
    assert "Frozen (verb:commit): Incident 4711." in page
    assert len(seen) <= 8 + 4, "session, person, roles and the frame come on top"


def test_who_asked_for_the_commit_cannot_approve_it(programme: Programme, as_person: As) -> None:
    _, approval = prepared(programme)
    client = as_person(programme.tomas)
    page = text(client.get(f"/approvals/{approval.pk}/"))
    assert "You asked for this; another person decides. Ask Aiko." in page
    answer = decide(client, approval)
    assert answer.status_code == 409 and "another person has to decide" in text(answer)


def test_a_commit_that_moved_cannot_be_approved(programme: Programme, as_person: As) -> None:
    run, approval = prepared(programme)
    run.wave.windows.update(closes_at=database_now() + timedelta(hours=9))
    client = as_person(programme.aiko)
    page = text(client.get(f"/approvals/{approval.pk}/"))
    assert "moved since this was asked for" in page and "windows" in page and "decide/" not in page
    answer = decide(client, approval)
    assert answer.status_code == 409 and "Something moved" in text(answer)


def test_an_old_review_does_not_show_newer_evidence_as_its_own(programme: Programme, as_person: As) -> None:
    run, approval = prepared(programme)
    decide(as_person(programme.aiko), approval)
    type(run.comparison).objects.filter(run=run).update(digest="0" * 64)
    run.unit.captures.order_by("-at").update(digest="1" * 64)
    page = text(as_person(programme.noor).get(f"/approvals/{approval.pk}/"))
    assert "what is on file now is another reading" in page
    assert '<caption class="hush">Captured settings' not in page
    assert "the one on file now is another" in page


@pytest.mark.parametrize("path", ["/approvals/0/", "/approvals/99999999999999999999999/", "/approvals/0/body/"])
def test_an_approval_that_is_not_there_is_404(programme: Programme, as_person: As, path: str) -> None:
    assert as_person(programme.tomas).get(path).status_code == 404


def test_every_link_of_both_reviews_leads_somewhere(programme: Programme, as_person: As) -> None:
    _, commit = prepared(programme)
    wave = Approval.objects.get(kind="wave")
    client = as_person(programme.aiko)
    for approval in (wave, commit):
        page = text(client.get(f"/approvals/{approval.pk}/"))
        links = {link.split("#")[0] for link in re.findall(r'href="(/[^"]*)"', page)}
        for link in links:
            if not link.startswith("/static/"):
                assert client.get(link).status_code == 200, link


# --- the stop switch ----------------------------------------------------------------------------------------------
def test_freezing_and_lifting_by_two(programme: Programme, as_person: As) -> None:
    maya, tomas = as_person(programme.maya), as_person(programme.tomas)
    answer = maya.post("/freeze/", {"scope": "verb:commit", "reason": "Incident 4711."})
    assert "Frozen: every Commit" in said(answer)
    page = text(tomas.get("/freeze/"))
    assert "Every Commit" in page and "Incident 4711." in page and "Frozen by Maya" in page
    assert "Asked." in said(maya.post("/freeze/lift/", {"scope": "verb:commit"}))
    page = text(maya.get("/freeze/"))
    assert "You asked to lift it; another person has to confirm." in page
    assert "You already asked" in said(maya.post("/freeze/lift/", {"scope": "verb:commit"}))
    assert "is lifted" in said(tomas.post("/freeze/lift/", {"scope": "verb:commit"}))
    assert not Freeze.objects.filter(frozen=True).exists()
    assert "Nothing is frozen" in text(tomas.get("/freeze/"))


@pytest.mark.parametrize(
    "given",
    [
        {"scope": "all", "reason": ""},
        {"scope": "all", "reason": "a\x00b"},
        {"scope": "all", "reason": "x" * 301},
        {"scope": "verb:explode", "reason": "why"},
        {"scope": "subscription:nope", "reason": "why"},
        {"reason": "why"},
    ],
)
def test_a_freeze_that_cannot_be_is_told_and_freezes_nothing(
    programme: Programme, as_person: As, given: dict[str, str]
) -> None:
    answer = as_person(programme.maya).post("/freeze/", given)
    assert answer.status_code in (409, 422)
    assert "wrong" in text(answer)
    assert not Freeze.objects.filter(frozen=True).exists()


def test_lifting_what_is_not_frozen_is_told(programme: Programme, as_person: As) -> None:
    for scope in ("all", "", "\x00", "x" * 500):
        assert "already lifted" in said(as_person(programme.maya).post("/freeze/lift/", {"scope": scope}))


def test_an_auditor_reads_the_freezes_and_cannot_freeze(programme: Programme, as_person: As) -> None:
    waves.freeze("all", reason="payroll", by=programme.maya, now=database_now())
    client = as_person(programme.noor)
    page = text(client.get("/freeze/"))
    assert "payroll" in page and "ask" in page and 'name="reason"' not in page
    assert client.post("/freeze/", {"scope": "all", "reason": "x"}).status_code == 403
    assert client.post("/freeze/lift/", {"scope": "all"}).status_code == 403


def test_a_frozen_subscription_is_named_on_every_page(programme: Programme, as_person: As) -> None:
    waves.freeze(f"subscription:{programme.subscription.pk}", reason="audit", by=programme.maya, now=database_now())
    page = text(as_person(programme.noor).get("/waves/"))
    assert f"Frozen: subscription {programme.subscription.name}." in page
    assert 'href="/freeze/"' in page
