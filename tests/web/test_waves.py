"""The pages of waves in front of the real database and, where something was read or moved, the real simulator."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.tracker.runs.programme import Programme
from tracker.accounts.models import User
from tracker.audit.models import Event
from tracker.inventory.models import Resource, Unit
from tracker.quota.models import Reservation, Usage
from tracker.runs import actions as runs
from tracker.runs.models import Ask, Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves import queries
from tracker.waves.models import Wave
from tracker.web import wave_board

As = Callable[[User], Client]
BAD_NAMES = ["", "   ", "a\x00b", "x" * 1_000_000, "two\nlines", "left\u202eright", "twin\u200d"]


def text(answer: object) -> str:
    return unescape(answer.content.decode())  # type: ignore[attr-defined]


def said(answer: object) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))  # type: ignore[attr-defined]


def links(answer: object) -> set[str]:
    found = {link.split("#")[0] for link in re.findall(r'href="(/[^"]*)"', text(answer))}
    return {link for link in found if not link.startswith("/static/")}


def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(path).status_code == 200
    return len(seen)


# --- the list -----------------------------------------------------------------------------------------------------
def test_without_waves_the_page_says_how_to_begin_and_whom_to_ask(programme: Programme, as_person: As) -> None:
    assert "New wave" in text(as_person(programme.maya).get("/waves/"))
    page = text(as_person(programme.noor).get("/waves/"))
    assert "No waves yet" in page
    assert "ask Maya" in page
    assert 'href="/waves/new/"' not in page


def test_the_list_says_window_readiness_quota_approval_and_the_next_step(programme: Programme, as_person: As) -> None:
    wave = programme.wave("shop-net", "shopfiles")
    page = text(as_person(programme.noor).get("/waves/"))
    for part in (wave.name, "Maya", "Open", "Not asked", "cores", "Submit it for approval."):
        assert part in page, part
    assert f"/inventory/?wave={wave.pk}" in page


def test_the_number_of_units_is_the_number_in_the_list_behind_it(programme: Programme, as_person: As) -> None:
    wave = programme.wave("shop-net", "shopfiles")
    client = as_person(programme.noor)
    [shown] = wave_board.summaries(list(wave_board.listed()), now=timezone.now(), zone=timezone.get_current_timezone())
    assert shown.facts.units == 2
    behind = text(client.get(f"/inventory/?wave={wave.pk}"))
    assert "shop-net" in behind and "shopfiles" in behind and "legacy-net" not in behind


def test_the_list_costs_the_same_for_one_wave_and_for_twelve(programme: Programme, as_person: As) -> None:
    programme.approved("shop-net")
    client = as_person(programme.maya)
    client.get("/waves/")
    one = queries_of(client, "/waves/")
    now = database_now()
    for number in range(11):
        wave = waves.create(name=f"More {number}", owner="Maya", by=programme.maya, now=now)
        waves.set_window(wave, opens_at=now, closes_at=now + timedelta(hours=number + 1), by=programme.maya, now=now)
    waves.place(wave, programme.unit("shopfiles"), by=programme.maya, now=now)
    waves.submit(wave, by=programme.maya, now=now)
    assert queries_of(client, "/waves/") == one
    assert one <= 6 + 4, "session, person, roles and the frame come on top"


@pytest.mark.parametrize("query", ["filter=%00", "filter=" + "x" * 3000, "sort=password", "cursor=!!", "cursor=W10"])
def test_nonsense_in_the_address_of_the_list_is_answered(programme: Programme, as_person: As, query: str) -> None:
    programme.wave("shop-net")
    assert as_person(programme.maya).get(f"/waves/?{query}").status_code == 200


def test_filtered_to_nothing_is_not_the_same_as_nothing(programme: Programme, as_person: As) -> None:
    programme.wave("shop-net")
    page = text(as_person(programme.maya).get("/waves/?filter=nowhere"))
    assert "Clear filters" in page and "No waves yet" not in page


# --- a new wave ---------------------------------------------------------------------------------------------------
def test_a_new_wave_goes_on_to_its_plan(programme: Programme, as_person: As) -> None:
    answer = as_person(programme.maya).post("/waves/new/", {"name": " Night 1 ", "owner": "Maya", "purpose": "why"})
    wave = Wave.objects.get()
    assert answer.headers["Location"] == f"/waves/{wave.pk}/plan/"
    assert (wave.name, wave.owner, wave.created_by) == ("Night 1", "Maya", programme.maya)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_is_told_at_the_field_and_nothing_is_made(programme: Programme, as_person: As, name: str) -> None:
    answer = as_person(programme.maya).post("/waves/new/", {"name": name, "owner": "Kept Owner"})
    assert answer.status_code in (409, 422)
    assert 'aria-invalid="true"' in text(answer)
    assert "Kept Owner" in text(answer)
    assert Wave.objects.count() == 0


def test_a_taken_name_is_told_whatever_its_case(programme: Programme, as_person: As) -> None:
    programme.wave("shop-net")
    answer = as_person(programme.maya).post("/waves/new/", {"name": "WAVE of shop-net"})
    assert answer.status_code == 409
    assert "already a wave named" in text(answer)


def test_markup_in_a_name_is_shown_as_text(programme: Programme, as_person: As) -> None:
    client = as_person(programme.maya)
    client.post("/waves/new/", {"name": "<script>alert(1)</script> {{7*7}}"})
    page = client.get("/waves/").content.decode()
    assert "<script>alert" not in page and "{{7*7}}" in page


def test_only_those_who_plan_may_make_one_and_the_refusal_is_on_record(programme: Programme, as_person: As) -> None:
    for person in (programme.tomas, programme.noor):
        assert as_person(person).get("/waves/new/").status_code == 403
        assert as_person(person).post("/waves/new/", {"name": "Mine"}).status_code == 403
    assert Event.objects.filter(type="access.denied").count() == 4


# --- the wave page ------------------------------------------------------------------------------------------------
def test_everybody_reads_a_wave_and_every_link_on_its_pages_leads_somewhere(
    programme: Programme, as_person: As
) -> None:
    wave = programme.approved("shop-net", "shopfiles")
    runs.start_all(wave, by=programme.tomas, now=database_now())
    for person in (programme.maya, programme.tomas, programme.noor):
        client = as_person(person)
        for path in ("/waves/", f"/waves/{wave.pk}/", f"/waves/{wave.pk}/plan/", f"/waves/{wave.pk}/history/"):
            answer = client.get(path)
            assert answer.status_code == 200, path
            for link in links(answer):
                assert client.get(link).status_code == 200, f"{path} → {link}"


@pytest.mark.parametrize("path", ["/waves/0/", "/waves/99999999999999999999999/", "/waves/7/live/", "/waves/7/plan/"])
def test_a_wave_that_is_not_there_is_404(programme: Programme, as_person: As, path: str) -> None:
    assert as_person(programme.maya).get(path).status_code == 404


def test_the_gates_and_the_grid_tell_the_same_story(programme: Programme, as_person: As) -> None:
    wave = programme.approved("shop-net", "shopfiles")
    done = runs.start_all(wave, by=programme.tomas, now=database_now())
    for run in done.runs:
        programme.until(run, lambda run=run: run.state == "validated")
    page = text(as_person(programme.tomas).get(f"/waves/{wave.pk}/"))
    assert "0 of 2 prepared, 2 validated." in page
    assert page.count("Validate") >= 2
    assert "Prepare 2 validated units…" in page
    runs.ask_all(wave, "prepare", by=programme.tomas, now=database_now())
    for run in done.runs:
        programme.until(run, lambda run=run: run.state == "prepared")
    page = text(as_person(programme.tomas).get(f"/waves/{wave.pk}/"))
    assert "All 2 units are prepared." in page
    assert "data-clock" in page, "the lock clock"
    assert "Read the comparison and ask for the commit" in page


def test_a_unit_that_needs_a_person_comes_first_with_its_reason(programme: Programme, as_person: As) -> None:
    wave = programme.approved("shop-net", "shopfiles")
    runs.start_all(wave, by=programme.tomas, now=database_now())
    Run.objects.filter(unit__name="shopfiles").update(attention="The platform said no.", attention_since=database_now())
    page = text(as_person(programme.tomas).get(f"/waves/{wave.pk}/"))
    assert page.index("The platform said no.") < page.index(">shop-net</a>")
    assert "shopfiles needs a person" in page
    assert "Open the run of shopfiles" in page


def test_what_moved_since_the_approval_is_named_and_prepare_is_off(programme: Programme, as_person: As) -> None:
    wave = programme.approved("shop-net")
    [run] = runs.start_all(wave, by=programme.tomas, now=database_now()).runs
    programme.until(run, lambda: run.state == "validated")
    Resource.objects.filter(unit=run.unit).update(digest="f" * 64)
    Unit.objects.filter(pk=run.unit_id).update(changed_at=database_now())
    page = text(as_person(programme.tomas).get(f"/waves/{wave.pk}/"))
    assert "Approved, but something moved since" in page
    assert "What was approved no longer matches; submit the wave again." in page
    assert "Submit again" in page


def test_the_wave_page_costs_the_same_for_one_unit_and_for_two(programme: Programme, as_person: As) -> None:
    wave = programme.wave("shop-net")
    client = as_person(programme.maya)
    client.get("/waves/")
    one = queries_of(client, f"/waves/{wave.pk}/")
    waves.place(wave, programme.unit("shopfiles"), by=programme.maya, now=database_now())
    assert queries_of(client, f"/waves/{wave.pk}/") == one
    assert one <= 9 + 4, "session, person, roles and the frame come on top; one tells of rehearsals"


def test_an_unchanged_poll_is_304_and_cheap_and_a_change_is_sent(programme: Programme, as_person: As) -> None:
    wave = programme.approved("shop-net")
    client = as_person(programme.tomas)
    path = f"/waves/{wave.pk}/live/"
    first = client.get(path)
    tag = first.headers["ETag"]
    with CaptureQueriesContext(connection) as seen:
        again = client.get(path, headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert len(seen) <= 2 + 3
    runs.start_all(wave, by=programme.tomas, now=database_now())
    changed = client.get(path, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert "Validate is running" in text(changed)
    assert "<html" not in text(changed)
    waves.freeze("all", reason="payroll runs", by=programme.maya, now=database_now())
    assert client.get(path, headers={"if-none-match": changed.headers["ETag"]}).status_code == 200


def test_two_people_with_other_roles_do_not_share_an_etag(programme: Programme, as_person: As) -> None:
    wave = programme.approved("shop-net")
    tags = {
        as_person(person).get(f"/waves/{wave.pk}/live/").headers["ETag"] for person in (programme.tomas, programme.noor)
    }
    assert len(tags) == 2


# --- the plan -----------------------------------------------------------------------------------------------------
def test_what_comes_along_is_shown_with_reasons_before_anything_is_placed(programme: Programme, as_person: As) -> None:
    wave = waves.create(name="Plan", owner="Maya", by=programme.maya, now=database_now())
    unit = programme.unit("shop-net")
    page = text(as_person(programme.maya).get(f"/waves/{wave.pk}/plan/?unit={unit.pk}"))
    assert f"shop-net brings {unit.member_count - 1} things along" in page
    assert "shop-jobs" in page and "runs in virtual network shop-net" in page
    assert f"Place shop-net and {unit.member_count - 1} more" in page
    assert Reservation.objects.count() == 0


def test_placing_and_removing_a_unit(programme: Programme, as_person: As) -> None:
    wave = waves.create(name="Plan", owner="Maya", by=programme.maya, now=database_now())
    client, unit = as_person(programme.maya), programme.unit("shop-net")
    answer = client.post(f"/waves/{wave.pk}/place/", {"unit": unit.pk, "progress": "committed"})
    assert answer.status_code == 302 and "shop-net was placed" in said(answer)
    assert programme.unit("shop-net").progress == "planned", "an extra field changes nothing"
    assert Reservation.objects.filter(unit=unit).exists()
    again = client.post(f"/waves/{wave.pk}/place/", {"unit": unit.pk})
    assert again.status_code == 409 and "already in wave" in text(again)
    answer = client.post(f"/waves/{wave.pk}/remove/", {"unit": unit.pk})
    assert "was removed" in said(answer)
    assert programme.unit("shop-net").progress == "assessed"
    assert "is not in this wave" in said(client.post(f"/waves/{wave.pk}/remove/", {"unit": unit.pk}))


def test_violations_are_named_at_the_moment_of_placing(programme: Programme, as_person: As) -> None:
    wave = waves.create(name="Plan", owner="Maya", by=programme.maya, now=database_now())
    client = as_person(programme.maya)
    blocked, short = programme.unit("legacy-net"), programme.unit("pricing")
    for unit, part in ((blocked, "blocked by VNET-PEERING"), (short, "blocked by")):
        assert part in text(client.get(f"/waves/{wave.pk}/plan/?unit={unit.pk}"))
        answer = client.post(f"/waves/{wave.pk}/place/", {"unit": unit.pk})
        assert answer.status_code == 409 and part in text(answer)
    Unit.objects.filter(pk=short.pk).update(verdict="unknown")
    page = text(client.get(f"/waves/{wave.pk}/plan/?unit={short.pk}"))
    usage = Usage.objects.get(region="northeurope", name="cores")
    assert "Short of cores in northeurope" in page and f"limit {usage.limit}" in page
    answer = client.post(f"/waves/{wave.pk}/place/", {"unit": short.pk})
    assert answer.status_code == 409 and "short of quota" in text(answer)
    Unit.objects.filter(name="shopfiles").update(gone_at=database_now())
    answer = client.post(f"/waves/{wave.pk}/place/", {"unit": programme.unit("shopfiles").pk})
    assert "no longer on the classic side" in text(answer)
    assert wave.placements.count() == 0


@pytest.mark.parametrize("unit", ["", "abc", "-1", "0", "9223372036854775808", "1e309", "٣", "0x10"])
def test_a_unit_that_cannot_be_is_404_and_changes_nothing(programme: Programme, as_person: As, unit: str) -> None:
    wave = waves.create(name="Plan", by=programme.maya, now=database_now())
    client = as_person(programme.maya)
    assert client.post(f"/waves/{wave.pk}/place/", {"unit": unit}).status_code == 404
    assert client.get(f"/waves/{wave.pk}/plan/", {"unit": unit}).status_code == 200


def test_units_are_found_by_what_is_in_them(programme: Programme, as_person: As) -> None:
    wave = waves.create(name="Plan", by=programme.maya, now=database_now())
    client = as_person(programme.maya)
    page = text(client.get(f"/waves/{wave.pk}/plan/?q=shop-jobs"))
    assert "shop-net" in page.partition('id="place"')[2] and "shopfiles" not in page.partition('id="place"')[2]
    assert "No assessed unit" in text(client.get(f"/waves/{wave.pk}/plan/?q=%00nowhere"))


WINDOW = {"opens": "2027-03-01T22:00", "closes": "2027-03-02T02:00", "zone": "Europe/Berlin"}


def test_a_window_is_set_in_its_zone(programme: Programme, as_person: As) -> None:
    wave = waves.create(name="Plan", by=programme.maya, now=database_now())
    client = as_person(programme.maya)
    assert client.post(f"/waves/{wave.pk}/window/", WINDOW).status_code == 302
    window = wave.windows.get()
    assert (window.opens_at.isoformat(), window.closes_at.isoformat()) == (
        "2027-03-01T21:00:00+00:00",
        "2027-03-02T01:00:00+00:00",
    )
    page = text(client.get(f"/waves/{wave.pk}/plan/"))
    assert 'value="2027-03-01T22:00"' in page and 'value="Europe/Berlin"' in page, (
        "shown again in the words it was said in"
    )
    assert "Mon 1 Mar 2027 22:00 Europe/Berlin" in page and "2027-03-01 21:00 to 2027-03-02 01:00 UTC" in page


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"closes": "2027-03-01T20:00"}, "closes before it opens"),
        ({"opens": "2020-01-01T00:00", "closes": "2020-01-01T02:00"}, "already over"),
        ({"opens": "2027-03-28T02:30", "closes": "2027-03-28T05:00"}, "go forward"),
        ({"opens": "2026-10-25T02:30", "closes": "2026-10-25T05:00"}, "comes twice"),
        ({"closes": "2027-02-31T20:00"}, "not a date"),
        ({"opens": "0001-01-01T00:00"}, "cannot be meant"),
        ({"zone": "Mars/Olympus"}, "no such time zone"),
        ({"opens": "\x00"}, "Null characters"),
        ({"opens": ""}, "required"),
    ],
)
def test_a_window_that_cannot_be_is_told_at_its_field_and_what_was_typed_stays(
    programme: Programme, as_person: As, change: dict[str, str], part: str
) -> None:
    wave = waves.create(name="Plan", by=programme.maya, now=database_now())
    answer = as_person(programme.maya).post(f"/waves/{wave.pk}/window/", WINDOW | change)
    assert answer.status_code in (409, 422)
    assert part in text(answer)
    assert "Europe/Berlin" in text(answer) or "Mars/Olympus" in text(answer)
    assert not wave.windows.exists()


def test_a_change_warns_of_the_approval_and_voids_it(programme: Programme, as_person: As) -> None:
    wave = programme.approved("shop-net")
    client = as_person(programme.maya)
    assert "Any change voids that approval" in text(client.get(f"/waves/{wave.pk}/plan/"))
    client.post(f"/waves/{wave.pk}/change/", {"name": wave.name, "owner": "Somebody else"})
    assert queries.open_wave_approval(wave) is None
    programme.wave("shopfiles")
    answer = client.post(f"/waves/{wave.pk}/change/", {"name": "Wave of shopfiles", "owner": "x"})
    assert answer.status_code == 409 and "already a wave named" in text(answer)


def test_readers_see_the_plan_and_nothing_to_press(programme: Programme, as_person: As) -> None:
    wave = programme.wave("shop-net")
    page = text(as_person(programme.noor).get(f"/waves/{wave.pk}/plan/?unit={programme.unit('shopfiles').pk}"))
    assert "You can read this plan" in page and "ask Maya" in page
    assert f'action="/waves/{wave.pk}/remove/"' not in page
    assert f'action="/waves/{wave.pk}/place/"' not in page


# --- acting -------------------------------------------------------------------------------------------------------
def test_submitting_says_what_is_missing_then_asks_for_another_person(programme: Programme, as_person: As) -> None:
    client = as_person(programme.maya)
    empty = waves.create(name="Empty", by=programme.maya, now=database_now())
    answer = client.post(f"/waves/{empty.pk}/submit/")
    for part in ("no units", "no owner", "no window", "Nothing was changed."):
        assert part in said(answer)
    wave = programme.wave("shop-net")
    assert "1 other person has to approve it" in said(client.post(f"/waves/{wave.pk}/submit/"))
    assert "already been submitted" in said(client.post(f"/waves/{wave.pk}/submit/")), "a double press"
    page = text(client.get(f"/waves/{wave.pk}/"))
    assert "See what was submitted" in page and "Withdraw…" in page
    assert "withdrawn" in said(client.post(f"/waves/{wave.pk}/withdraw/"))
    assert "nothing to withdraw" in said(client.post(f"/waves/{wave.pk}/withdraw/"))


def test_starting_all_and_one_and_what_is_left_out(programme: Programme, as_person: As) -> None:
    wave = programme.approved("shop-net", "shopfiles")
    client = as_person(programme.tomas)
    assert "shopfiles was started" in said(
        client.post(f"/waves/{wave.pk}/start/", {"unit": programme.unit("shopfiles").pk})
    )
    assert "shop-net was started." in said(client.post(f"/waves/{wave.pk}/start/"))
    assert "Nothing was changed." in said(client.post(f"/waves/{wave.pk}/start/"))
    assert Run.objects.count() == 2


def test_preparing_all_validated_units(programme: Programme, as_person: As) -> None:
    wave = programme.approved("shop-net", "shopfiles")
    client = as_person(programme.tomas)
    assert "No unit of this wave is validated" in said(client.post(f"/waves/{wave.pk}/prepare/"))
    for run in runs.start_all(wave, by=programme.tomas, now=database_now()).runs:
        programme.until(run, lambda run=run: run.state == "validated")
    assert "2 units will be prepared." in said(client.post(f"/waves/{wave.pk}/prepare/"))
    assert Ask.objects.filter(verb="prepare").count() == 2


def test_the_line_stops_with_a_reason_and_goes_on(programme: Programme, as_person: As) -> None:
    wave = programme.approved("shop-net")
    client = as_person(programme.tomas)
    for reason in ("", "  ", "x" * 400, "a\x00b"):
        assert "Nothing was changed" in said(client.post(f"/waves/{wave.pk}/stop/", {"reason": reason}))
    client.post(f"/waves/{wave.pk}/stop/", {"reason": "Incident 4711."})
    page = text(client.get(f"/waves/{wave.pk}/"))
    assert "The line is stopped" in page and "Incident 4711." in page and "Resume…" in page
    client.post(f"/waves/{wave.pk}/resume/", {"reason": "Incident is over."})
    wave.refresh_from_db()
    assert wave.stopped_at is None
    history = text(client.get(f"/waves/{wave.pk}/history/"))
    assert "Incident 4711." in history and "Incident is over." in history


@pytest.mark.parametrize(
    ("act", "who"),
    [("change", "tomas"), ("window", "tomas"), ("place", "tomas"), ("remove", "tomas"), ("submit", "tomas"),
     ("withdraw", "tomas"), ("start", "maya"), ("prepare", "maya"), ("resume", "maya"), ("stop", "noor")],
)  # fmt: skip
def test_every_act_is_refused_to_the_wrong_role_and_to_get(
    programme: Programme, as_person: As, act: str, who: str
) -> None:
    wave = programme.approved("shop-net")
    wave.refresh_from_db()
    before = (wave.edited_at, Run.objects.count(), wave.placements.count())
    answer = as_person(getattr(programme, who)).post(f"/waves/{wave.pk}/{act}/", {"reason": "x", "unit": 1})
    assert answer.status_code == 403
    assert "ask" in text(answer).lower()
    wave.refresh_from_db()
    assert (wave.edited_at, Run.objects.count(), wave.placements.count()) == before
    allowed = {"tomas": programme.maya, "maya": programme.tomas, "noor": programme.tomas}[who]
    assert as_person(allowed).get(f"/waves/{wave.pk}/{act}/").status_code == 405


def test_nobody_who_is_not_signed_in_sees_anything(programme: Programme) -> None:
    wave = programme.wave("shop-net")
    for path in ("/waves/", f"/waves/{wave.pk}/", f"/waves/{wave.pk}/live/", f"/waves/{wave.pk}/plan/"):
        assert Client().get(path).status_code == 302
    assert Client().post(f"/waves/{wave.pk}/submit/").status_code == 302
    assert queries.open_wave_approval(wave) is None


def test_the_history_tells_of_the_wave_its_approvals_and_its_runs(programme: Programme, as_person: As) -> None:
    wave = programme.approved("shop-net")
    runs.start_all(wave, by=programme.tomas, now=database_now())
    page = text(as_person(programme.noor).get(f"/waves/{wave.pk}/history/"))
    for part in ("placed shop-net", "set the window of the wave Wave of shop-net", "approved Wave of shop-net",
                 "started the run of shop-net", "asked the run of shop-net to validate"):  # fmt: skip
        assert part in page, part
    assert "/audit/" in page


def test_a_rehearsal_is_asked_for_in_a_dialog_and_named_on_its_page(programme: Programme, as_person: As) -> None:
    wave = programme.approved("shop-net")
    client = as_person(programme.tomas)
    page = text(client.get(f"/waves/{wave.pk}/"))
    assert "Rehearse the unit…" in page and "locked from Prepare until Abort has ended" in page
    assert "shop-net is rehearsed" in said(client.post(f"/waves/{wave.pk}/start/", {"purpose": "rehearsal"}))
    run = Run.objects.get()
    assert run.purpose == "rehearsal"
    assert "It is never committed." in text(client.get(f"/runs/{run.pk}/"))
    assert "started the run of shop-net as a rehearsal" in text(client.get(f"/waves/{wave.pk}/history/"))
