"""The list of units: the URL is its state, many at once are changed whole or not at all, exports hold what is shown."""

import csv
import io
import json
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from django.test import Client

from migrator.lifecycle import State
from tests.web.estate import HOSTILE, Estate
from tracker.accounts.models import User
from tracker.audit.models import Event
from tracker.inventory.models import Discovery, RegistrationRequest, Subscription, Sync, Unit
from tracker.runs.queries import database_now
from tracker.waves.models import Placement
from tracker.web import readings

As = Callable[[User], Client]


def names(page: object) -> list[str]:
    return [unit.name for unit in page.context["page"].rows]


def body(answer: object) -> bytes:
    return b"".join(answer.streaming_content)


def test_every_unit_is_a_row_that_opens_its_page(estate: Estate, as_person: As) -> None:
    page = as_person(estate.noor).get("/inventory/")
    assert names(page) == ["legacy-net", "pricing", "shop-net", "shopfiles"]
    text = page.content.decode()
    for unit in Unit.objects.all():
        assert f'<a class="row-link" href="/units/{unit.pk}/">{unit.name}</a>' in text
    assert "4 units" in text


def test_facets_narrow_and_every_count_is_the_length_of_its_list(estate: Estate, as_person: As) -> None:
    client = as_person(estate.maya)
    page = client.get("/inventory/")
    checked = 0
    for facet in page.context["facets"]:
        for option in facet.options:
            if option.count is not None:
                assert client.get(f"/inventory/{option.url}").context["found"].total == option.count
                checked += 1
    assert checked >= 8


def test_text_finds_names_and_members(estate: Estate, as_person: As) -> None:
    client = as_person(estate.maya)
    assert names(client.get("/inventory/?q=WEBFRONT")) == ["shop-net"]
    page = client.get("/inventory/?q=nothing+like+it")
    assert "Nothing matches these filters" in page.content.decode()
    assert "Text: nothing like it" in page.content.decode()


def test_sorting_is_in_the_url_both_ways(estate: Estate, as_person: As) -> None:
    client = as_person(estate.maya)
    up = names(client.get("/inventory/?sort=score"))
    assert up == names(client.get("/inventory/?sort=-score"))[::-1]
    assert 'aria-sort="descending"' in client.get("/inventory/?sort=-score").content.decode()


def test_pages_walk_forward_and_back(estate: Estate, as_person: As, monkeypatch: pytest.MonkeyPatch) -> None:
    now = database_now()
    Unit.objects.bulk_create(
        Unit(key=f"/k/{n:03}", azure_id=f"/k/{n:03}", kind="storage-account", name=f"more{n:03}",
             subscription=estate.subscription, first_seen_at=now, changed_at=now)
        for n in range(60)
    )  # fmt: skip
    client = as_person(estate.maya)
    first = client.get("/inventory/?kind=storage-account")
    second = client.get(f"/inventory/{first.context['page'].next_url}")
    assert len(names(first)) == 50
    assert len(names(second)) == 11
    assert not set(names(first)) & set(names(second))
    assert names(client.get(f"/inventory/{second.context['page'].previous_url}")) == names(first)


@pytest.mark.parametrize(
    "query", ["cursor=xx", "cursor=%00", "sort=nothing", "gone=perhaps", "wave=99999999999999999999", "q=%00",
              "verdict=%00&region=%00", "rule=%00", "q=" + "a" * 5000, "subscription='--", "sort=-", "outcome=x&rule=X"]
)  # fmt: skip
def test_a_spoilt_address_still_answers(estate: Estate, as_person: As, query: str) -> None:
    assert as_person(estate.maya).get(f"/inventory/?{query}").status_code == 200


def test_a_lost_cursor_says_so(estate: Estate, as_person: As) -> None:
    assert "no longer fits the list" in as_person(estate.maya).get("/inventory/?cursor=xx").content.decode()


def test_what_azure_said_is_shown_harmlessly(estate: Estate, as_person: As) -> None:
    Unit.objects.filter(name="shopfiles").update(name=HOSTILE, owner=HOSTILE, region="<b>")
    text = as_person(estate.maya).get("/inventory/").content.decode()
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text


def test_it_takes_six_queries_beside_person_and_frame_whatever_it_holds(
    estate: Estate, as_person: As, django_assert_max_num_queries: Callable
) -> None:
    client = as_person(estate.maya)
    with django_assert_max_num_queries(6 + 4):
        client.get("/inventory/?verdict=blocked&verdict=unknown&sort=-score")


def test_a_row_opens_to_its_members(estate: Estate, as_person: As) -> None:
    unit = estate.unit("shop-net")
    text = as_person(estate.noor).get(f"/units/{unit.pk}/members-only/").content.decode()
    assert "WebFront" in text
    assert f'href="/units/{unit.pk}/members/"' in text
    assert as_person(estate.noor).get("/units/999999/members-only/").status_code == 404


def test_a_rules_link_lists_only_units_in_scope(estate: Estate, as_person: As) -> None:
    client = as_person(estate.maya)
    rule = (
        Unit.objects.filter(findings__effect="blocks", findings__outcome="yes").values_list("findings__rule").first()[0]
    )
    before = client.get(f"/inventory/?rule={rule}").context["found"].total
    assert before >= 1
    Unit.objects.filter(findings__rule=rule).update(progress=State.EXCLUDED)
    assert client.get(f"/inventory/?rule={rule}").context["found"].total == 0


# --- many at once -----------------------------------------------------------------------------------------------------
def post(client: Client, what: str, query: str = "", **data: object) -> object:
    return client.post(f"/inventory/{what}/?{query}", data)


def test_an_owner_is_given_to_the_selected_and_the_list_stays_as_filtered(estate: Estate, as_person: As) -> None:
    units = [estate.unit("shop-net").pk, estate.unit("pricing").pk]
    answer = post(as_person(estate.maya), "owner", "sort=-name", unit=units, owner=" Jonas Weber ")
    assert answer.status_code == 302
    assert answer["Location"] == "/inventory/?sort=-name"
    assert set(Unit.objects.filter(owner="Jonas Weber").values_list("name", flat=True)) == {"shop-net", "pricing"}
    assert Event.objects.filter(type="inventory.unit_owner_assigned").count() == 2


def test_excluding_wants_a_reason_and_keeps_what_was_typed_and_ticked(estate: Estate, as_person: As) -> None:
    unit = estate.unit("shopfiles")
    client = as_person(estate.maya)
    answer = post(client, "exclude", "sort=-name", unit=unit.pk, reason=" ", owner="half typed")
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "The reason is empty; write a few words." in text
    assert "Nothing was changed." in text
    assert f'value="{unit.pk}" aria-label="Select shopfiles" checked' in text
    assert 'value="half typed"' in text
    assert post(client, "exclude", unit=unit.pk, reason="Data went to a new account.").status_code == 302
    unit.refresh_from_db()
    assert unit.progress == State.EXCLUDED


def test_all_of_a_selection_is_excluded_or_none(estate: Estate, as_person: As) -> None:
    estate.wave("Wave 1", "shop-net")
    units = [estate.unit("pricing").pk, estate.unit("shop-net").pk]
    answer = post(as_person(estate.maya), "exclude", unit=units, reason="Not needed")
    assert answer.status_code == 409
    assert "shop-net is in the wave Wave 1; take it out of the wave first." in answer.content.decode()
    assert estate.unit("pricing").progress == State.ASSESSED


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Select at least one unit."),
        ({"unit": ["x"]}, "The selection cannot be read"),
        ({"unit": ["1\x00"]}, "The selection cannot be read"),
        ({"unit": ["99999999999999999999"]}, "The selection cannot be read"),
        ({"unit": ["987654321"]}, "are not here any more"),
        ({"unit": [str(n) for n in range(1, 600)]}, "at most 500"),
    ],
)
@pytest.mark.parametrize("what", ["owner", "exclude", "place"])
def test_a_spoilt_selection_changes_nothing(
    estate: Estate, as_person: As, what: str, given: dict[str, list[str]], said: str
) -> None:
    before = Event.objects.count()
    answer = post(as_person(estate.maya), what, owner="A", reason="B", wave="1", **given)
    assert answer.status_code == 409
    assert said in answer.content.decode()
    assert Event.objects.count() == before


@pytest.mark.parametrize("owner", ["a" * 121, "line\nbreak", "nul\x00", "\u202eabc"])
def test_an_owner_that_cannot_be_is_refused_in_words(estate: Estate, as_person: As, owner: str) -> None:
    answer = post(as_person(estate.maya), "owner", unit=estate.unit("pricing").pk, owner=owner)
    assert answer.status_code == 409
    assert "The owner h" in answer.content.decode()


def test_placing_first_shows_what_comes_along_and_then_places_all(estate: Estate, as_person: As) -> None:
    wave = estate.wave("Wave 1")
    client = as_person(estate.maya)
    unit = estate.unit("shop-net")
    asked = post(client, "place", unit=unit.pk, wave=wave.pk)
    assert asked.status_code == 200
    text = asked.content.decode()
    assert "Place 1 unit in “Wave 1”" in text
    assert f"{unit.member_count} resources" in text
    assert not Placement.objects.exists()
    done = post(client, "place", unit=unit.pk, wave=wave.pk, confirmed="yes")
    assert done.status_code == 302
    assert done["Location"] == f"/waves/{wave.pk}/"
    assert Placement.objects.get().unit == unit


def test_a_selection_with_a_blocked_unit_is_not_placed_at_all(estate: Estate, as_person: As) -> None:
    wave = estate.wave("Wave 1")
    units = [estate.unit("shop-net").pk, estate.unit("legacy-net").pk]
    client = as_person(estate.maya)
    text = post(client, "place", unit=units, wave=wave.pk).content.decode()
    assert "One unit cannot be placed now." in text
    assert "legacy-net is blocked by" in text
    answer = post(client, "place", unit=units, wave=wave.pk, confirmed="yes")
    assert answer.status_code == 409
    assert not Placement.objects.exists()


@pytest.mark.parametrize("wave", ["", "x", "0", "99999999999999999999", "\x00"])
def test_a_wave_that_is_not_there_is_named(estate: Estate, as_person: As, wave: str) -> None:
    answer = post(as_person(estate.maya), "place", unit=estate.unit("shop-net").pk, wave=wave, confirmed="yes")
    assert answer.status_code == 409
    assert "Choose a wave first" in answer.content.decode()


@pytest.mark.parametrize("what", ["owner", "exclude", "place"])
@pytest.mark.parametrize("who", ["tomas", "noor"])
def test_only_planners_change_units(estate: Estate, as_person: As, what: str, who: str) -> None:
    answer = post(as_person(getattr(estate, who)), what, unit=estate.unit("pricing").pk, owner="A", reason="B")
    assert answer.status_code == 403
    assert "It takes the role programme manager: ask Maya Lindqvist." in answer.content.decode()
    assert Event.objects.filter(type="access.denied", result="denied").exists()


def test_those_who_may_not_plan_get_no_boxes_to_tick(estate: Estate, as_person: As) -> None:
    assert 'type="checkbox"' not in as_person(estate.noor).get("/inventory/").content.decode()


# --- export -----------------------------------------------------------------------------------------------------------
def test_the_exports_hold_exactly_what_is_filtered(estate: Estate, as_person: As) -> None:
    client = as_person(estate.noor)
    query = urlencode({"verdict": "blocked"})
    wanted = names(client.get(f"/inventory/?{query}"))
    answer = client.get(f"/inventory/export/?{query}&format=json")
    assert answer["Content-Type"] == "application/json"
    assert 'filename="units.json"' in answer["Content-Disposition"]
    assert [row["name"] for row in json.loads(body(answer))] == wanted
    text = body(client.get(f"/inventory/export/?{query}&format=csv")).decode("utf-8-sig")
    assert [row["name"] for row in csv.DictReader(io.StringIO(text))] == wanted


def test_an_export_of_nothing_is_still_a_file(estate: Estate, as_person: As) -> None:
    client = as_person(estate.noor)
    assert json.loads(body(client.get("/inventory/export/?q=nothing-like-it&format=json"))) == []
    assert body(client.get("/inventory/export/?q=nothing-like-it")).decode().count("\n") == 1


def test_no_cell_of_the_csv_is_a_formula(estate: Estate, as_person: As) -> None:
    Unit.objects.filter(name="pricing").update(name="=cmd|' /C calc'!A0", owner="@SUM(1)", health_reason="+1;-1")
    text = body(as_person(estate.noor).get("/inventory/export/")).decode("utf-8-sig")
    row = next(row for row in csv.DictReader(io.StringIO(text)) if "calc" in row["name"])
    assert row["name"].startswith("'=")
    assert row["owner"].startswith("'@")
    assert row["health_reason"].startswith("'+")
    assert all(not cell.lstrip(' "').startswith(("=", "@")) for cell in row.values())


# --- readings ---------------------------------------------------------------------------------------------------------
def test_sync_now_notes_a_wish_once(estate: Estate, as_person: As) -> None:
    client = as_person(estate.tomas)
    answer = client.post("/sync/", {"next": "/inventory/?sort=name"})
    assert answer["Location"] == "/inventory/?sort=name"
    estate.subscription.refresh_from_db()
    assert estate.subscription.sync_wanted_at is not None
    client.post("/sync/", {"subscription": estate.subscription.pk})
    assert Event.objects.filter(type="inventory.sync_wanted").count() == 1
    assert "Asked for" in client.get("/sync/panel/").content.decode()


@pytest.mark.parametrize("wanted", ["nothing", "\x00", "a" * 3000])
def test_syncing_what_is_not_there_says_so(estate: Estate, as_person: As, wanted: str) -> None:
    answer = as_person(estate.tomas).post(
        "/sync/", {"subscription": wanted, "next": "https://evil.example/"}, follow=True
    )
    assert answer.redirect_chain[0][0] == "/"
    assert "There is no such subscription; nothing was asked for." in answer.content.decode()


def test_an_auditor_may_not_sync(estate: Estate, as_person: As) -> None:
    assert as_person(estate.noor).post("/sync/").status_code == 403


def test_a_partial_reading_lists_what_could_not_be_read(estate: Estate, as_person: As) -> None:
    now = database_now()
    parts = [
        {"resource": "/s", "action": "Microsoft.X/read", "sentence": f"Part {n} could not be read."} for n in range(14)
    ]
    Sync.objects.create(
        subscription=estate.subscription, started_at=now, ended_at=now, lease_until=now, outcome="partial",
        added=3, gone=1, changed=12, unreadable=parts, started_by="system:sync",
    )  # fmt: skip
    text = as_person(estate.maya).get("/sync/panel/").content.decode()
    assert "+3, −1, 12 changed" in text
    assert "14 parts could not be read" in text
    assert "Part 9 could not be read." in text
    assert "Part 10 could not be read." not in text


def test_a_failed_reading_is_said_above_the_list_with_the_age_of_the_facts(estate: Estate, as_person: As) -> None:
    now = database_now()
    Sync.objects.create(
        subscription=estate.subscription, started_at=now, ended_at=now, lease_until=now, outcome="failed",
        error="Azure refused the token (401).", started_by="system:sync",
    )  # fmt: skip
    text = as_person(estate.maya).get("/inventory/").content.decode()
    assert "Azure refused the token (401)." in text
    assert "Its units are shown as of" in text
    assert "1 of 1 readings failed" in text


def test_a_missing_registration_comes_with_its_command(estate: Estate, as_person: As) -> None:
    Subscription.objects.update(registrations={readings.MIGRATE: "NotRegistered", readings.FEATURE: None})
    text = as_person(estate.maya).get("/sync/panel/").content.decode()
    assert f"az provider register --namespace {readings.MIGRATE} --subscription {estate.subscription.pk}" in text
    assert "az feature register --namespace Microsoft.Compute --name CloudServices" in text
    assert f"{readings.FEATURE}: unknown" in text


def test_registering_asks_for_all_that_is_missing_once_and_shows_azures_word(estate: Estate, as_person: As) -> None:
    Subscription.objects.update(registrations={readings.MIGRATE: "NotRegistered", "Microsoft.Compute": "Registered"})
    wanted = {"subscription": estate.subscription.pk, "next": "/inventory/"}
    assert as_person(estate.maya).post("/sync/register/", wanted).status_code == 403, "a manager does not operate"
    client = as_person(estate.tomas)
    assert 'action="/sync/register/"' in client.get("/sync/panel/").content.decode()
    assert client.post("/sync/register/", wanted)["Location"] == "/inventory/"
    client.post("/sync/register/", wanted)
    asked = RegistrationRequest.objects.all()
    assert {one.name for one in asked} == {*readings.NEEDED} - {"Microsoft.Compute"}
    assert Event.objects.filter(type="subscription.registration_requested").count() == len(asked) == 4
    asked.filter(name=readings.MIGRATE).update(state="Registering", sent_at=database_now(), read_at=database_now())
    assert "Azure says Registering" in client.get("/sync/panel/").content.decode()
    unknown = client.post("/sync/register/", {"subscription": "nothing"}, follow=True)
    assert "There is no such subscription" in unknown.content.decode()


def test_looking_for_subscriptions_is_noted_once(estate: Estate, as_person: As) -> None:
    assert as_person(estate.noor).post("/sync/look/").status_code == 403
    client = as_person(estate.tomas)
    assert "Look for subscriptions" in client.get("/sync/panel/").content.decode()
    client.post("/sync/look/")
    client.post("/sync/look/")
    assert Discovery.objects.count() == 1


def test_the_panel_is_304_while_nothing_changed(estate: Estate, as_person: As) -> None:
    client = as_person(estate.tomas)
    tag = client.get("/sync/panel/")["ETag"]
    assert client.get("/sync/panel/", HTTP_IF_NONE_MATCH=tag).status_code == 304
    client.post("/sync/")
    assert client.get("/sync/panel/", HTTP_IF_NONE_MATCH=tag).status_code == 200


def test_nothing_read_yet_offers_the_command(ina: User, as_person: As) -> None:
    assert "python3 manage.py sync" in as_person(ina).get("/inventory/").content.decode()
