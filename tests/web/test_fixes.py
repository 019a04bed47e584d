"""Fixes: the offer at a finding, what it will do, the rehearsal, the second person, how far it came."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from migrator import fixes as pure
from tests.tracker.runs.programme import Programme
from tracker.accounts.models import User
from tracker.fixes import actions as fixes
from tracker.fixes.models import Fix
from tracker.readiness.models import Finding
from tracker.runs.queries import database_now

As = Callable[[User], Client]
RULE = "VNET-PEERING"


def text(answer: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.fixture
def finding(programme: Programme) -> Finding:
    return Finding.objects.get(unit__name="legacy-net", rule=RULE)


def asked_for(finding: Finding, **more: Any) -> dict[str, Any]:
    return {"unit": finding.unit_id, "rule": finding.rule, "resource": finding.resource_key, **more}


def step(programme: Programme, fix: Fix) -> None:
    Fix.objects.filter(pk=fix.pk, due_at__isnull=False).update(due_at=database_now())
    fixes.advance(fix.pk, gateway=lambda _: programme.gateway, clock=database_now)
    fix.refresh_from_db()


def seal_in(answer: HttpResponse) -> str:
    return re.findall(r'name="seal" value="(\w{64})"', answer.content.decode())[0]


@pytest.fixture
def asked(programme: Programme, finding: Finding) -> Fix:
    return fixes.ask(
        finding.unit, rule=RULE, resource_key=finding.resource_key, reason="It <b>blocks</b> us.", by=programme.tomas,
        now=database_now(),
    )  # fmt: skip


def test_an_open_finding_offers_its_fix_and_only_such_a_one(
    programme: Programme, finding: Finding, as_person: As
) -> None:
    shown = as_person(programme.noor).get(f"/units/{finding.unit_id}/").content.decode()
    offers = re.findall(r'href="(/fixes/new/[^"]+)"', shown)
    here = Finding.objects.filter(unit=finding.unit, outcome="yes")
    wanted = [one for one in here if pure.offers(one.rule, one.outcome)]
    assert len(offers) == len(wanted) >= 1
    for offer in offers:
        assert as_person(programme.noor).get(offer.replace("&amp;", "&")).status_code == 200


def test_what_it_will_do_is_shown_before_anybody_is_asked(
    programme: Programme, finding: Finding, as_person: As
) -> None:
    shown = text(as_person(programme.noor).get("/fixes/new/", asked_for(finding)))
    for words in (
        "What it will do",
        "What is lost",
        "Who is cut off",
        "To be made again",
        "What will be sent",
        "DELETE",
    ):
        assert words in shown, words
    assert "takes the role engineer" in shown  # an auditor reads, and asks nobody
    assert not Fix.objects.exists()


def test_rehearsed_asked_and_approved_by_two_people(programme: Programme, finding: Finding, as_person: As) -> None:
    tomas, aiko = as_person(programme.tomas), as_person(programme.aiko)
    answer = tomas.post("/fixes/new/rehearse/", asked_for(finding))
    fix = Fix.objects.get()
    assert answer["Location"] == f"/fixes/{fix.pk}/"
    assert "being read" in text(tomas.get(f"/fixes/{fix.pk}/"))
    step(programme, fix)
    assert "Nothing stands against it" in text(tomas.get(f"/fixes/{fix.pk}/part/rehearsal/"))
    assert tomas.get("/fixes/new/", asked_for(finding))["Location"] == f"/fixes/{fix.pk}/"
    seal = seal_in(tomas.get(f"/fixes/{fix.pk}/"))
    assert tomas.post(f"/fixes/{fix.pk}/ask/", {"reason": "It blocks us.", "seal": seal}).status_code == 302
    own = text(tomas.get(f"/fixes/{fix.pk}/"))
    assert "You asked for this. Ask Aiko" in own
    assert tomas.post(f"/fixes/{fix.pk}/decide/", {"decision": "approve", "seal": seal}).status_code == 409
    assert aiko.post(f"/fixes/{fix.pk}/decide/", {"decision": "approve", "seal": seal}).status_code == 302
    tag = aiko.get(f"/fixes/{fix.pk}/part/state/")["ETag"]
    assert aiko.get(f"/fixes/{fix.pk}/part/state/", HTTP_IF_NONE_MATCH=tag).status_code == 304
    for _ in range(12):
        step(programme, fix)
    assert fix.state == "done", fix.last_error
    answer = aiko.get(f"/fixes/{fix.pk}/part/state/", HTTP_IF_NONE_MATCH=tag)
    assert "Seen to be done" in text(answer)
    kept = aiko.get(f"/fixes/{fix.pk}/kept/")
    assert "attachment" in kept["Content-Disposition"] and kept.json()["documents"]
    assert aiko.get(f"/fixes/{fix.pk}/body/").json()["plan"]["title"] == fix.title
    again = text(aiko.get(f"/units/{fix.unit_id}/follow-ups/"))
    assert "to be made again" in again and fix.title in again
    assert "asked for the fix" in text(aiko.get(f"/units/{fix.unit_id}/history/"))


def test_errors_stand_where_they_belong_and_what_was_typed_stays(
    programme: Programme, finding: Finding, as_person: As
) -> None:
    tomas = as_person(programme.tomas)
    answer = tomas.post("/fixes/new/", asked_for(finding, reason=" "))
    assert answer.status_code == 409 and 'aria-invalid="true"' in answer.content.decode()
    answer = tomas.post("/fixes/new/", asked_for(finding, reason="Because it blocks.", seal="0" * 64))
    assert answer.status_code == 409
    assert "not what is there now" in text(answer) and "Because it blocks." in text(answer)
    assert not Fix.objects.exists()


def test_a_no_needs_a_reason(programme: Programme, asked: Fix, as_person: As) -> None:
    aiko = as_person(programme.aiko)
    answer = aiko.post(f"/fixes/{asked.pk}/decide/", {"decision": "decline", "reason": ""})
    assert answer.status_code == 409 and "Say why not" in text(answer)
    assert aiko.post(f"/fixes/{asked.pk}/decide/", {"decision": "decline", "reason": "Not now."}).status_code == 302
    assert "Declined; nothing was sent." in text(aiko.get(f"/fixes/{asked.pk}/"))


def test_it_is_taken_back(programme: Programme, asked: Fix, as_person: As) -> None:
    assert as_person(programme.tomas).post(f"/fixes/{asked.pk}/withdraw/").status_code == 302
    asked.refresh_from_db()
    assert asked.state == "withdrawn"
    assert as_person(programme.tomas).post(f"/fixes/{asked.pk}/withdraw/").status_code == 409


def test_roles_are_enforced(programme: Programme, finding: Finding, asked: Fix, as_person: As) -> None:
    for who in (programme.noor, programme.maya):
        client = as_person(who)
        for path in ("rehearse", "ask", "decide", "withdraw"):
            answer = client.post(
                f"/fixes/{asked.pk}/{path}/", {"reason": "x", "decision": "approve", "seal": asked.seal}
            )
            assert answer.status_code == 403, (who, path)
        assert client.post("/fixes/new/rehearse/", asked_for(finding)).status_code == 403
        assert client.post("/fixes/new/", asked_for(finding, reason="x")).status_code == 403
        assert client.get(f"/fixes/{asked.pk}/").status_code == 200
    asked.refresh_from_db()
    assert asked.state == "asked"


def test_what_people_write_is_shown_as_text(programme: Programme, asked: Fix, as_person: As) -> None:
    shown = as_person(programme.noor).get(f"/fixes/{asked.pk}/").content.decode()
    assert "It &lt;b&gt;blocks&lt;/b&gt; us." in shown


def test_the_numbers_agree_with_the_lists_behind_them(programme: Programme, asked: Fix, as_person: As) -> None:
    client = as_person(programme.noor)
    shown = client.get("/fixes/").content.decode()
    assert shown.count("row-link") == 1
    for href, n in re.findall(r'<a class="\w+" href="(\?[^"]*)" id="figure-\d+"[^>]*>.*?<b>(\d+)</b>', shown, re.S):
        rows = client.get("/fixes/rows/" + href.replace("&amp;", "&")).content.decode()
        assert rows.count("row-link") == int(n), href
    assert client.get("/fixes/rows/", {"rule": RULE}).content.decode().count("row-link") == 1
    assert client.get("/fixes/rows/", {"unit": asked.unit_id}).content.decode().count("row-link") == 1
    assert client.get("/fixes/rows/", {"q": "legacy"}).content.decode().count("row-link") == 1
    for odd in ("q=%00", "unit=x", "unit=" + "9" * 30, "state=nowhere", "rule=%00", "cursor=abc", "sort=title"):
        assert client.get(f"/fixes/?{odd}").status_code == 200, odd


def test_before_the_first_the_list_says_where_one_begins(programme: Programme, as_person: As) -> None:
    assert "Nobody has asked for a fix" in text(as_person(programme.noor).get("/fixes/"))


def test_a_remedy_that_is_no_fix_says_where_it_is(programme: Programme, finding: Finding, as_person: As) -> None:
    client = as_person(programme.noor)
    gone = text(client.get("/fixes/new/", asked_for(finding) | {"rule": "CS-DNS"}))
    assert "No fix for this finding" in gone
    other = Finding.objects.filter(outcome__in=["yes", "unknown"], rule="CS-ALERTS").first()
    if other is not None:
        assert "owed as a follow-up" in text(client.get("/fixes/new/", asked_for(other)))


@pytest.mark.parametrize("path", ["/fixes/999999/", "/fixes/" + "9" * 30 + "/", "/fixes/new/?unit=0", "/fixes/new/"])
def test_what_is_not_there_is_404(programme: Programme, as_person: As, path: str) -> None:
    assert as_person(programme.noor).get(path).status_code == 404


def test_the_rail_counts_what_waits_for_somebody_else(programme: Programme, asked: Fix, as_person: As) -> None:
    def count(who: User) -> str:
        rail = re.search(r'href="/fixes/".*?</a>', as_person(who).get("/rules/").content.decode(), re.S)
        assert rail is not None
        return " ".join(re.sub(r"<[^>]+>", " ", rail[0].partition(">")[2]).split())

    assert count(programme.aiko) == "Fixes 1 waiting on you"
    assert count(programme.tomas) == count(programme.noor) == "Fixes"


def test_a_remedy_a_person_has_to_make_says_why_at_its_finding(
    programme: Programme, finding: Finding, as_person: As
) -> None:
    gateway = Finding.objects.filter(unit=finding.unit, rule="VNET-VPN-GW")
    assert gateway.update(outcome="yes", effect="blocks") == 1
    shown = text(as_person(programme.noor).get(f"/units/{finding.unit_id}/"))
    assert "By hand: Removing a gateway cuts off everybody" in shown
    files = Finding.objects.get(unit=finding.unit, rule="CS-CSCFG-VNET", outcome__in=["yes", "unknown"])
    page = as_person(programme.noor).get("/fixes/new/", asked_for(files))
    assert f"/units/{finding.unit_id}/configuration/" in page.content.decode()


def test_the_inbox_of_approvals_names_fixes_that_wait(programme: Programme, asked: Fix, as_person: As) -> None:
    assert "1 fix waits for you, too." in text(as_person(programme.aiko).get("/approvals/"))
    assert "fix waits" not in text(as_person(programme.tomas).get("/approvals/"))
