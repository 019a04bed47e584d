"""The catalogue in force and the one that waits: what the page says, its numbers, who may switch, what is refused."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from migrator import readiness as code
from migrator.units import UnitKind
from tests.tracker.readiness.catalogues import made, release, without
from tests.web.conftest import person
from tests.web.estate import Estate
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.audit.models import Event
from tracker.inventory.models import Unit
from tracker.readiness import catalogue
from tracker.readiness.actions import advance_catalogue, know_catalogue
from tracker.readiness.catalogue_models import CatalogueWork
from tracker.runs import seals as commit_seals
from tracker.runs.catalogue_effects import picture
from tracker.runs.models import Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves import queries
from tracker.waves.models import Approval

As = Callable[[User], Client]
GONE = "VNET-PEERING"  # all that blocks legacy-net


@pytest.fixture
def waiting(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> str:
    version = release(monkeypatch, [*without(GONE), made("NEW-ONE")])
    know_catalogue(database_now())
    return version


def walk() -> None:
    advance_catalogue(CatalogueWork.objects.get(state="running").pk, clock=database_now)


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def test_nothing_waits(estate: Estate, as_person: As) -> None:
    page = as_person(estate.noor).get("/rules/catalogue/")
    assert "Nothing waits" in text_of(page)
    assert code.catalogue_version[:12] in page.content.decode()
    assert "Another catalogue of rules waits" not in text_of(as_person(estate.maya).get("/"))
    assert "the catalogue that decides the verdicts" in text_of(as_person(estate.noor).get("/rules/manual/"))
    assert "These rules wait" not in text_of(as_person(estate.noor).get("/rules/"))


def test_before_anything_was_assessed_the_page_says_so(ina: User, as_person: As) -> None:
    assert "when the first unit is assessed" in text_of(as_person(ina).get("/rules/catalogue/"))


def test_a_banner_leads_those_who_may_switch_to_the_page(estate: Estate, as_person: As, waiting: str) -> None:
    for user, told in ((estate.maya, True), (person("root", Role.ADMINISTRATOR), True), (estate.tomas, False)):
        assert ("Another catalogue of rules waits" in text_of(as_person(user).get("/"))) is told
    rules = text_of(as_person(estate.tomas).get("/rules/"))
    assert "These rules wait" in rules
    assert f"{waiting[:16]} , which waits" in text_of(as_person(estate.tomas).get("/rules/manual/"))


def test_what_differs_is_named_and_what_it_would_do_is_counted(estate: Estate, as_person: As, waiting: str) -> None:
    client = as_person(estate.maya)
    page = text_of(client.get("/rules/catalogue/"))
    assert "waits since" in page and "Nobody has looked yet" in page
    assert "The rule NEW-ONE" in page and GONE in page
    assert client.post("/rules/catalogue/preview/").url == "/rules/catalogue/"
    assert "0 of 4 units looked at" in text_of(client.get("/rules/catalogue/"))
    walk()
    answer = client.get("/rules/catalogue/")
    found = answer.context["picture"]
    assert (found.summary.touched, found.summary.moved) == (4, 2), "two were blocked before, and are then"
    for before, cells in answer.context["matrix"]:
        for cell in cells:
            listed = client.get("/rules/catalogue/units/", {"before": before, "after": cell.after})
            assert listed.context["count"] == len(listed.context["page"].rows) == cell.units
    moving = client.get("/rules/catalogue/units/?moves=yes")
    assert moving.context["count"] == found.summary.moved
    assert "comes: NEW-ONE, blocks" in text_of(moving)
    assert f"goes: {GONE}, blocks" in text_of(client.get("/rules/catalogue/units/?before=blocked"))


def committing(estate: Estate, run: Run) -> Approval:
    """The approval of a commit, asked for and given."""
    body = commit_seals.commit_body(run)
    asked = waves.ask_commit_approval(run.wave, run.unit, run.pk, body, by=estate.tomas, now=database_now())
    waves.approve(asked, digest=asked.digest, by=person("aiko", Role.ENGINEER), now=database_now())
    return asked


def test_waves_approvals_and_runs_it_would_touch_are_named(estate: Estate, as_person: As, waiting: str) -> None:
    first = estate.submitted(estate.wave("Spring", "shop-net"))
    waves.approve(first, digest=first.digest, by=estate.tomas, now=database_now())
    estate.wave("Autumn", "shopfiles")
    run = estate.run("shopfiles", state="prepared")
    estate.compared(run)
    commit = committing(estate, run)
    client = as_person(estate.maya)
    client.post("/rules/catalogue/preview/")
    walk()
    answer = client.get("/rules/catalogue/")
    touched, page, html = answer.context["picture"].touched, text_of(answer), answer.content.decode()
    assert [(one.name, one.units, one.moved, one.blocked) for one in touched.waves] == [
        ("Autumn", 1, 1, 1),
        ("Spring", 1, 1, 1),
    ]
    assert [one.name for one in touched.approvals] == ["Wave “Spring”", "Commit of shopfiles"]
    assert f"/approvals/{first.pk}/" in html and f"/approvals/{commit.pk}/" in html
    assert "It names the catalogue that was in force; 1 of its units changes." in page
    assert [one.run.pk for one in touched.runs] == [run.pk]
    assert f"/runs/{run.pk}/" in html
    assert "1 unit is locked before Commit or Abort, and assessed at once." in page

    shop = estate.unit("shop-net")
    assert queries.unit_drifts(first, [shop])[shop.pk] == []
    assert commit_seals.commit_drift(commit, Run.objects.get(pk=run.pk)) == []
    client.post("/rules/catalogue/switch/", {"version": waiting, "reason": "Published."})
    assert estate.unit("shopfiles").verdict == "blocked", "locked: assessed at once"
    assert any(line.startswith("findings") for line in commit_seals.commit_drift(commit, Run.objects.get(pk=run.pk)))
    assert estate.unit("shop-net").verdict != "blocked"
    drift = queries.unit_drifts(first, [shop])[shop.pk]
    assert any(line.startswith("catalogue") for line in drift), "what was named did break"
    walk()
    assert estate.unit("shop-net").verdict == "blocked"


def test_it_is_switched_on_with_a_reason_and_the_page_follows(estate: Estate, as_person: As, waiting: str) -> None:
    client = as_person(estate.maya)
    client.post("/rules/catalogue/preview/")
    assert 'aria-disabled="true"' in client.get("/rules/catalogue/").content.decode()
    walk()
    page = client.get("/rules/catalogue/").content.decode()
    assert 'id="switch-on"' in page
    refused = client.post("/rules/catalogue/switch/", {"version": waiting, "reason": " "})
    assert refused.status_code == 409
    assert "Say why it is switched on" in text_of(refused) and "Nothing was switched on" in text_of(refused)
    done = client.post("/rules/catalogue/switch/", {"version": waiting, "reason": "It <b>was</b> published."})
    assert done.url == "/rules/catalogue/"
    after = client.get("/rules/catalogue/")
    assert "Units are being assessed with the catalogue switched on 0 of 4 so far" in text_of(after).replace(" .", ".")
    assert "It &lt;b&gt;was&lt;/b&gt; published." in after.content.decode()
    assert "Maya Lindqvist" in text_of(after)
    walk()
    assert "Nothing waits" in text_of(client.get("/rules/catalogue/"))
    again = client.post("/rules/catalogue/switch/", {"version": waiting, "reason": "Twice."})
    assert again.status_code == 409
    assert "is in force" in text_of(again)


def test_a_stale_preview_is_said_and_refused(estate: Estate, as_person: As, waiting: str) -> None:
    client = as_person(estate.maya)
    client.post("/rules/catalogue/preview/")
    walk()
    Unit.objects.filter(name="pricing").update(changed_at=database_now())
    page = text_of(client.get("/rules/catalogue/"))
    assert "The preview is older than the inventory" in page and "1 unit changed since" in page
    assert "Units changed since the preview" in page
    refused = client.post("/rules/catalogue/switch/", {"version": waiting, "reason": "Now."})
    assert "1 unit has changed since the preview" in text_of(refused)
    client.post("/rules/catalogue/preview/")
    assert "0 of 1 unit looked at" in text_of(client.get("/rules/catalogue/"))
    walk()
    assert "older than the inventory" not in text_of(client.get("/rules/catalogue/"))


@pytest.mark.parametrize("path", ["/rules/catalogue/preview/", "/rules/catalogue/switch/"])
def test_others_may_look_and_not_touch(estate: Estate, as_person: As, waiting: str, path: str) -> None:
    before = catalogue.in_force_version()
    for user in (estate.tomas, estate.noor):
        client = as_person(user)
        assert client.get("/rules/catalogue/").status_code == 200
        assert "takes the role programme manager or administrator" in text_of(client.get("/rules/catalogue/"))
        assert client.post(path, {"version": waiting, "reason": "Mine."}).status_code == 403
    assert Event.objects.filter(type="access.denied").count() == 2
    assert catalogue.in_force_version() == before
    assert as_person(estate.maya).get(path).status_code == 405


def test_the_part_that_follows_answers_only_when_something_changed(estate: Estate, as_person: As, waiting: str) -> None:
    client = as_person(estate.maya)
    client.post("/rules/catalogue/preview/")
    first = client.get("/rules/catalogue/follow/")
    assert "looked at" in text_of(first)
    tag = first["ETag"]
    assert client.get("/rules/catalogue/follow/", headers={"If-None-Match": tag}).status_code == 304
    walk()
    later = client.get("/rules/catalogue/follow/", headers={"If-None-Match": tag})
    assert later.status_code == 200 and "Other verdict" in text_of(later)


@pytest.mark.parametrize(
    "query", ["before=%00", "after=<script>alert(1)</script>", "cursor=%00", "sort=x", "moves=%00"]
)
def test_a_spoilt_address_still_answers(estate: Estate, as_person: As, waiting: str, query: str) -> None:
    client = as_person(estate.maya)
    assert client.get(f"/rules/catalogue/units/?{query}").status_code == 404, "no preview yet"
    client.post("/rules/catalogue/preview/")
    walk()
    answer = client.get(f"/rules/catalogue/units/?{query}")
    assert answer.status_code == 200
    assert b"<script>alert" not in answer.content


def test_an_approval_of_a_commit_breaks_only_where_findings_change(
    estate: Estate, as_person: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = estate.wave("Autumn", "shopfiles", "shop-net")
    runs = {name: estate.run(name, state="prepared") for name in ("shopfiles", "shop-net")}
    for run in runs.values():
        estate.compared(run)
    files = committing(estate, runs["shopfiles"])
    version = release(monkeypatch, [*code.CATALOGUE, made("NET-ONE", kinds=frozenset({UnitKind.NETWORK}))])
    client = as_person(estate.maya)
    client.post("/rules/catalogue/preview/")
    walk()
    touched = picture(database_now()).touched
    assert touched.approvals == [], "nothing of the account changes, and the wave was never submitted"
    assert [one.run.unit.name for one in touched.runs] == ["shop-net"]
    client.post("/rules/catalogue/switch/", {"version": version, "reason": "Published."})
    walk()
    assert commit_seals.commit_drift(files, Run.objects.get(pk=files.run_id)) == []
    assert first.approvals.count() == 1


def test_it_stays_cheap(estate: Estate, as_person: As, waiting: str, django_assert_max_num_queries: Callable) -> None:
    client = as_person(estate.maya)
    client.post("/rules/catalogue/preview/")
    walk()
    with django_assert_max_num_queries(20 + 4):  # session, person, roles, frame
        client.get("/rules/catalogue/")


def test_findings_of_rules_that_are_held_say_as_of_which_catalogue(estate: Estate, as_person: As, waiting: str) -> None:
    before = catalogue.in_force_version()
    page = as_person(estate.noor).get(f"/units/{estate.unit('legacy-net').pk}/").content.decode()
    assert page.count(f"as of catalogue {before[:12]}") == 1
    article = page.partition(f'id="rule-{GONE}"')[2].partition("</article>")[0]
    assert f"as of catalogue {before[:12]}" in article
    assert f"/rules/{GONE}/" not in article, "the rule has no page any more"
    other = as_person(estate.noor).get(f"/units/{estate.unit('shopfiles').pk}/").content.decode()
    assert "as of catalogue" not in other


def test_without_another_catalogue_no_finding_is_marked(estate: Estate, as_person: As) -> None:
    page = as_person(estate.noor).get(f"/units/{estate.unit('legacy-net').pk}/").content.decode()
    assert "as of catalogue" not in page
