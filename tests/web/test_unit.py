"""One unit's page: every lost point, every finding with its evidence, members, snapshots, comparison, history."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client

from migrator.lifecycle import State
from tests.web.estate import HOSTILE, Estate, hours_ago
from tracker.accounts.models import User
from tracker.audit.models import Event
from tracker.followups.models import FollowUp
from tracker.inventory.models import Resource, Snapshot, Unit
from tracker.readiness.models import Assessment, Finding
from tracker.runs.queries import database_now

As = Callable[[User], Client]
TABS = ("", "members/", "snapshots/", "compare/", "runs/", "follow-ups/", "history/")


def text_of(client: Client, unit: Unit, tab: str = "") -> str:
    answer = client.get(f"/units/{unit.pk}/{tab}")
    assert answer.status_code == 200, tab
    return unescape(answer.content.decode())


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("name", ["shop-net", "legacy-net", "pricing", "shopfiles"])
def test_every_tab_of_every_unit_opens_in_a_handful_of_queries(
    estate: Estate, as_person: As, django_assert_max_num_queries: Callable, name: str, tab: str
) -> None:
    client = as_person(estate.maya)
    unit = estate.unit(name)
    most = 11 if tab == "runs/" else 9  # eight, and one where the platform has answered; its rehearsal, its locks
    with django_assert_max_num_queries(most):
        answer = client.get(f"/units/{unit.pk}/{tab}")
    assert answer.status_code == 200
    assert f"<h1>{name}</h1>" in answer.content.decode()


@pytest.mark.parametrize("path", ["/units/0/", "/units/99999999999999999999/", "/units/1/nothing/", "/units/x/"])
def test_what_is_not_there_is_not_found(estate: Estate, as_person: As, path: str) -> None:
    assert as_person(estate.maya).get(path).status_code == 404


def test_every_deducted_point_is_shown_and_they_add_up(estate: Estate, as_person: As) -> None:
    unit = estate.unit("legacy-net")
    assessment = Assessment.objects.filter(unit=unit).latest("at")
    page = as_person(estate.noor).get(f"/units/{unit.pk}/")
    score = page.context["score"]
    shown = [*score.first, *score.rest]
    assert [entry.points for entry in shown] == [entry["points"] for entry in assessment.deductions]
    assert 100 - sum(entry.points for entry in shown) == assessment.score == unit.score
    assert sum(part["count"] for part in score.parts) == 100
    text = unescape(page.content.decode())
    for entry in shown:
        assert entry.reason in text
        assert f'href="#rule-{entry.rule_id}"' in text
        assert f'id="rule-{entry.rule_id}"' in text


def test_each_finding_stands_with_its_evidence_remedy_and_sources(estate: Estate, as_person: As) -> None:
    unit = estate.unit("legacy-net")
    text = text_of(as_person(estate.noor), unit)
    found = Finding.objects.filter(unit=unit)
    assert found.filter(outcome="yes", effect="blocks").exists()
    for finding in found:
        assert finding.sentence in text, finding.rule
        for fact in finding.evidence:
            assert fact["field"] in text
        if finding.outcome == "unknown":
            assert finding.settles in text
    assert "What to do" in text
    assert "Sources:" in text


def test_an_anchor_stands_once(estate: Estate, as_person: As) -> None:
    page = as_person(estate.noor).get(f"/units/{estate.unit('shop-net').pk}/").content.decode()
    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert sorted(ids) == sorted(set(ids))


def test_the_counts_of_sections_are_those_of_the_findings(estate: Estate, as_person: As) -> None:
    unit = estate.unit("shop-net")
    sections = as_person(estate.noor).get(f"/units/{unit.pk}/").context["sections"]
    shown = sum(len(line.findings) for s in sections for line in (*s.yes, *s.unknown, *s.fine))
    assert shown == Finding.objects.filter(unit=unit).count()


def test_a_unit_before_its_assessment_says_so(estate: Estate, as_person: As) -> None:
    unit = estate.unit("pricing")
    Assessment.objects.filter(unit=unit).delete()
    Unit.objects.filter(pk=unit.pk).update(progress=State.DISCOVERED)
    text = text_of(as_person(estate.maya), unit)
    assert "Not assessed yet" in text
    assert "It waits for its assessment" in text


# --- next step --------------------------------------------------------------------------------------------------------
def test_a_blocked_unit_cannot_be_placed_and_says_why(estate: Estate, as_person: As) -> None:
    text = text_of(as_person(estate.maya), estate.unit("legacy-net"))
    assert "Place in wave. Not possible now: legacy-net is blocked" in text
    assert "Virtual network peering" in text or "peer" in text.lower()


def test_an_unblocked_unit_offers_the_waves_there_are(estate: Estate, as_person: As) -> None:
    wave = estate.wave("Wave 7")
    unit = estate.unit("shop-net")
    text = text_of(as_person(estate.maya), unit)
    assert f'href="/waves/{wave.pk}/plan/?unit={unit.pk}#units"' in text


def test_an_auditor_sees_the_step_off_with_whom_it_takes(estate: Estate, as_person: As) -> None:
    text = text_of(as_person(estate.noor), estate.unit("shop-net"))
    assert "Not possible now: Your role may not plan waves; it takes the role programme manager." in text
    assert "Change the owner" not in text


def test_a_planned_unit_leads_to_its_wave_and_a_live_run_to_the_run(estate: Estate, as_person: As) -> None:
    wave = estate.wave("Wave 7", "shop-net")
    unit = estate.unit("shop-net")
    client = as_person(estate.maya)
    assert f'href="/waves/{wave.pk}/"' in text_of(client, unit)
    run = estate.run("shop-net", "prepared", attention="The platform and the run disagree.")
    text = text_of(client, unit)
    assert f'href="/runs/{run.pk}/"' in text
    assert "The platform and the run disagree." in text
    assert "Locked" in text


def test_the_head_is_live_while_a_run_is(estate: Estate, as_person: As) -> None:
    estate.wave("Wave 7", "shop-net")
    unit = estate.unit("shop-net")
    client = as_person(estate.maya)
    assert "hx-get=" not in client.get(f"/units/{unit.pk}/").content.decode().split('id="unit-head"')[1][:200]
    run = estate.run("shop-net", "preparing")
    first = client.get(f"/units/{unit.pk}/head/", HTTP_HX_REQUEST="true")
    tag = first["ETag"]
    assert client.get(f"/units/{unit.pk}/head/", HTTP_IF_NONE_MATCH=tag).status_code == 304
    type(run).objects.filter(pk=run.pk).update(attention="Look.")
    assert client.get(f"/units/{unit.pk}/head/", HTTP_IF_NONE_MATCH=tag).status_code == 200
    type(run).objects.filter(pk=run.pk).update(ended_at=database_now(), outcome="aborted")
    assert client.get(f"/units/{unit.pk}/head/", HTTP_HX_REQUEST="true").status_code == 286


# --- members and snapshots --------------------------------------------------------------------------------------------
def test_picture_and_table_show_the_same_members(estate: Estate, as_person: As) -> None:
    unit = estate.unit("shop-net")
    page = as_person(estate.noor).get(f"/units/{unit.pk}/members/")
    table = {row.resource.key for _, rows in page.context["table"] for row in rows}

    def walk(nodes: list[dict]) -> list[str]:
        return [key for node in nodes for key in (node["resource"].key, *walk(node["children"]))]

    drawn = walk(page.context["tree"])
    assert len(drawn) == len(set(drawn)) == unit.member_count
    assert set(drawn) == table == set(Resource.objects.filter(unit=unit).values_list("key", flat=True))
    text = unescape(page.content.decode())
    assert "Standard_D2_v2 · 3 instances · ports 80, 443" in text
    assert "is the virtual network itself" in text
    assert [node["resource"].name for node in page.context["tree"]] == ["shop-net"]


def test_a_member_that_is_gone_is_listed_apart(estate: Estate, as_person: As) -> None:
    unit = estate.unit("shop-net")
    Resource.objects.filter(unit=unit, name="shop-jobs").update(gone_at=hours_ago(3))
    text = text_of(as_person(estate.noor), unit, "members/")
    assert "No longer listed" in text


def test_any_two_snapshots_are_compared_field_by_field(estate: Estate, as_person: As) -> None:
    unit = estate.unit("shop-net")
    resource = Resource.objects.get(unit=unit, key=unit.key)
    first = Snapshot.objects.get(resource_key=resource.key)
    changed = {**first.document, "tags": {"owner": HOSTILE}}
    second = Snapshot.objects.create(
        resource_key=resource.key, digest="e" * 64, document=changed, taken_at=first.taken_at + timedelta(hours=1)
    )
    client = as_person(estate.noor)
    base = f"/units/{unit.pk}/snapshots/?resource={resource.pk}"
    page = client.get(base)
    assert [change.path for change in page.context["changes"]].count("tags.owner") == 1
    assert HOSTILE not in page.content.decode()
    back = client.get(f"{base}&before={second.pk}&after={first.pk}")
    assert back.context["changes"][0].after != page.context["changes"][0].after
    same = client.get(f"{base}&before={second.pk}&after={second.pk}")
    assert "These two are the same content." in same.content.decode()


@pytest.mark.parametrize(
    "query", ["resource=x", "resource=%00", "before=%00&after=99999999999999999999", "resource=-1"]
)
def test_a_spoilt_choice_of_snapshots_still_answers(estate: Estate, as_person: As, query: str) -> None:
    unit = estate.unit("shop-net")
    assert as_person(estate.noor).get(f"/units/{unit.pk}/snapshots/?{query}").status_code == 200


def test_a_snapshot_of_another_unit_is_not_shown_here(estate: Estate, as_person: As) -> None:
    unit, other = estate.unit("shop-net"), Resource.objects.get(name="shopfiles")
    page = as_person(estate.noor).get(f"/units/{unit.pk}/snapshots/?resource={other.pk}")
    assert page.context["chosen"].unit_id == unit.pk


# --- comparison, runs, follow-ups, history ----------------------------------------------------------------------------
def test_the_comparison_puts_the_unexpected_first_and_counts_every_kind(estate: Estate, as_person: As) -> None:
    estate.wave("Wave 7", "shop-net")
    estate.compared(estate.run("shop-net", "prepared"))
    unit = estate.unit("shop-net")
    client = as_person(estate.noor)
    page = client.get(f"/units/{unit.pk}/compare/")
    assert [row.kind for row, _ in page.context["differences"]] == ["unexpected", "dropped", "renamed"]
    for option in page.context["kinds"]:
        only = client.get(f"/units/{unit.pk}/compare/{option.url}")
        assert len(only.context["differences"]) == option.count
    text = page.content.decode()
    assert "1 unexpected difference" in text
    assert HOSTILE not in text
    assert client.get(f"/units/{unit.pk}/compare/?kind=%00&kind=x").status_code == 200


def test_runs_name_people(estate: Estate, as_person: As) -> None:
    estate.wave("Wave 7", "shop-net")
    estate.run("shop-net", "prepared")
    text = text_of(as_person(estate.noor), estate.unit("shop-net"), "runs/")
    assert "user:p-tomas" not in text
    assert "Wave 7" in text


def test_follow_ups_are_listed_with_what_the_probe_saw(estate: Estate, as_person: As) -> None:
    unit = estate.unit("shop-net")
    FollowUp.objects.create(
        unit=unit, identity="i", kind="autoscale", title="Rebuild shop-web-scale", opened_at=database_now(),
        probed_at=database_now(), probe_says=["the second rule"], last_error=HOSTILE,
    )  # fmt: skip
    client = as_person(estate.noor)
    text = client.get(f"/units/{unit.pk}/follow-ups/").content.decode()
    assert "Rebuild shop-web-scale" in text
    assert "the second rule" in text
    assert HOSTILE not in text


def test_history_tells_what_was_done_to_the_unit_and_leads_to_the_proof(estate: Estate, as_person: As) -> None:
    estate.wave("Wave 7", "shop-net")
    unit = estate.unit("shop-net")
    client = as_person(estate.noor)
    text = text_of(client, unit, "history/")
    assert "The unit shop-net moved from assessed to planned." in text
    event = Event.objects.filter(type="inventory.unit_moved").latest("at")
    assert f'href="/audit/{event.pk}/"' in text
    assert client.get(f"/units/{unit.pk}/history/?before=nonsense").status_code == 200
    assert "Nothing happened yet" in text_of(client, estate.unit("shopfiles"), f"history/?before={event.pk}")


def test_the_history_of_verdicts_says_what_each_assessment_changed(estate: Estate, as_person: As) -> None:
    unit = estate.unit("legacy-net")
    first = Assessment.objects.filter(unit=unit).latest("pk")
    kept = first.deductions[1:]
    gone = first.deductions[0]
    left = 100 - sum(entry["points"] for entry in kept)
    second = Assessment.objects.create(
        unit=unit, at=database_now(), catalogue_version="another", verdict="unknown", score=left, deductions=kept,
        digest="0" * 64,
    )  # fmt: skip
    page = as_person(estate.noor).get(f"/units/{unit.pk}/history/")
    newest, oldest = page.context["turns"][:2]
    assert (newest.assessment.pk, newest.before.pk, oldest.assessment.pk) == (second.pk, first.pk, first.pk)
    moved = -sum(each.points for each in (*newest.taken, *newest.given_back))
    assert moved == left - first.score == gone["points"], "the points that moved are the change of the score"
    assert [(each.rule, each.points) for each in newest.given_back] == [(gone["rule"], -gone["points"])]
    text = " ".join(unescape(page.content.decode()).split())
    assert f"{gone['rule']} gave back {gone['points']}" in text
    assert f"was {first.verdict}" in text
    assert f"was {first.score}" in text
    assert "another than before" in text


def test_the_line_of_verdicts_is_drawn_told_and_followed_by_what_moved(estate: Estate, as_person: As) -> None:
    unit, client = estate.unit("legacy-net"), as_person(estate.noor)
    Assessment.objects.filter(unit=unit).exclude(pk=Assessment.objects.filter(unit=unit).latest("pk").pk).delete()
    first = Assessment.objects.get(unit=unit)
    assert "verdict-line" not in client.get(f"/units/{unit.pk}/history/").content.decode(), "one point is no line"
    listed = [{"rule": "VNET-PEERING", "resource": f"{unit.key}/peering-{HOSTILE}"}]
    said = {"unit": unit, "catalogue_version": "v", "deductions": [], "digest": "0" * 64}
    Assessment.objects.create(**said, at=database_now(), verdict="unknown", score=70, turned=None)
    Assessment.objects.create(
        **said, at=database_now(), verdict="ready", score=95,
        turned={"opened": {"count": 0, "listed": []}, "closed": {"count": 3, "listed": listed}},
    )  # fmt: skip
    text = client.get(f"/units/{unit.pk}/history/").content.decode()
    assert HOSTILE not in text
    picture = text.partition('id="verdict-line"')[2].partition("</figure>")[0]
    seen = unescape(picture)
    assert f"Score 95, ready: up from {first.score}, {first.verdict}" in seen
    assert 'role="img"' in picture and 'aria-label="Score 95, ready' in picture
    assert picture.count("<circle") == 3 and picture.count('class="level good"') == 1
    for word in ("Ready", "Unknown", "Blocked"):
        assert f"</i>{word}</span>" in picture
    table = " ".join(unescape(text.partition('id="verdicts"')[2]).split())
    assert "3 closed" in table and "VNET-PEERING" in table and "and 2 more" in table
    assert "not recorded then" in table and "first assessment" in table


def test_the_history_of_verdicts_is_paged_without_a_gap(estate: Estate, as_person: As) -> None:
    unit = estate.unit("pricing")
    for score in range(30):
        Assessment.objects.create(
            unit=unit, at=database_now(), catalogue_version="v", verdict="ready", score=score, deductions=[],
            digest="0" * 64,
        )  # fmt: skip
    client, seen, query = as_person(estate.noor), [], ""
    while True:
        context = client.get(f"/units/{unit.pk}/history/{query}").context
        seen += [one.assessment.pk for one in context["turns"]]
        if context["older_turns"] is None:
            break
        assert context["turns"][-1].before is not None, "the last of a page knows the first of the next"
        assert ("drawn" in context) == (not query), "the line stands above the newest only"
        query = f"?assessed_before={context['older_turns']}"
    assert seen == list(Assessment.objects.filter(unit=unit).order_by("-pk").values_list("pk", flat=True))
    for nonsense in ("x", "-1", "9" * 30, "²"):
        assert client.get(f"/units/{unit.pk}/history/", {"assessed_before": nonsense}).status_code == 200


# --- what can be changed ----------------------------------------------------------------------------------------------
def test_a_planner_gives_an_owner_excludes_and_takes_back_in(estate: Estate, as_person: As) -> None:
    unit = estate.unit("shopfiles")
    client = as_person(estate.maya)
    assert client.post(f"/units/{unit.pk}/owner/", {"owner": "Ana Lima"})["Location"] == f"/units/{unit.pk}/"
    client.post(f"/units/{unit.pk}/exclude/", {"reason": "Already empty"})
    unit.refresh_from_db()
    assert (unit.owner, unit.progress) == ("Ana Lima", State.EXCLUDED)
    text = text_of(client, unit)
    assert "Take back in" in text
    assert "Already empty" in text_of(client, unit, "history/")
    client.post(f"/units/{unit.pk}/include/")
    unit.refresh_from_db()
    assert unit.progress == State.ASSESSED


@pytest.mark.parametrize(
    ("what", "data", "said"),
    [
        ("owner", {"owner": "x" * 200}, "The owner has 200 characters; 120 fit."),
        ("owner", {"owner": "a\x00b"}, "The owner holds a line break or a control character"),
        ("exclude", {"reason": ""}, "The reason is empty"),
        ("exclude", {}, "The reason is empty"),
        ("include", {}, "only an excluded unit can be taken back in"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_changed(
    estate: Estate, as_person: As, what: str, data: dict[str, str], said: str
) -> None:
    unit = estate.unit("shopfiles")
    before = Event.objects.count()
    answer = as_person(estate.maya).post(f"/units/{unit.pk}/{what}/", data)
    assert answer.status_code == 409
    text = answer.content.decode()
    assert said in text
    assert "Nothing was changed." in text
    assert Event.objects.count() == before


def test_a_unit_in_a_wave_is_not_excluded(estate: Estate, as_person: As) -> None:
    estate.wave("Wave 7", "shop-net")
    unit = estate.unit("shop-net")
    answer = as_person(estate.maya).post(f"/units/{unit.pk}/exclude/", {"reason": "No"})
    assert answer.status_code == 409
    assert "take it out of the wave first" in answer.content.decode()


@pytest.mark.parametrize("what", ["owner", "exclude", "include"])
def test_only_planners_change_a_unit(estate: Estate, as_person: As, what: str) -> None:
    unit = estate.unit("shopfiles")
    for who in (estate.tomas, estate.noor):
        assert as_person(who).post(f"/units/{unit.pk}/{what}/", {"owner": "x", "reason": "y"}).status_code == 403
        assert as_person(who).get(f"/units/{unit.pk}/{what}/").status_code in (403, 405)
    assert as_person(estate.maya).post("/units/999999/owner/", {"owner": "x"}).status_code == 404
