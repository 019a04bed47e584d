"""The overview: its numbers are those of the lists, its sentences come from rows, it stays cheap."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from django.test import Client

from migrator.lifecycle import State
from tests.web.estate import Estate
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.inventory.models import Sync, Unit
from tracker.runs.queries import database_now
from tracker.web import deadlines, history, programme, sentences
from tracker.web.programme import Cell

As = Callable[[User], Client]


def units_in(client: Client, url: str) -> int:
    """How many units the list behind a link says it has."""
    page = client.get(url)
    assert page.status_code == 200, url
    return page.context["found"].total


def test_every_number_of_the_flow_opens_a_list_of_that_many_units(estate: Estate, as_person: As) -> None:
    estate.wave("Wave 1", "shop-net")
    estate.run("shop-net", "prepared")
    Unit.objects.filter(name="shopfiles").update(progress=State.EXCLUDED)
    client = as_person(estate.maya)
    steps = client.get("/").context["flow"]
    assert [step["label"] for step in steps] == [
        "Scope", "Unknown", "Blocked", "Ready", "In flight", "Committed", "Verified"
    ]  # fmt: skip
    for step in steps:
        assert units_in(client, step["url"]) == int(step["value"]), step["label"]
    assert steps[0]["value"] == "3"
    assert steps[0]["note"] == "1 excluded"
    assert sum(int(step["value"]) for step in steps[1:]) == int(steps[0]["value"])


def test_it_names_the_wave_the_lock_and_the_decision(estate: Estate, as_person: As) -> None:
    wave = estate.wave("Wave 1: shop", "shop-net")
    approval = estate.submitted(wave)
    estate.run("shop-net", "prepared")
    page = as_person(estate.tomas).get("/").content.decode()
    assert f'href="/waves/{wave.pk}/"' in page
    assert "Locks held now" in page
    assert "02:00:" in page  # the clock of the lock
    assert f'href="/approvals/{approval.pk}/"' in page
    assert "Yours to decide" in page


def test_what_is_held_is_counted_whole_and_shown_from_the_oldest_on(estate: Estate) -> None:
    now = database_now()
    estate.wave("Wave 1", "shop-net")
    run = estate.run("shop-net", "prepared", attention="Look.", attention_since=now)
    for hours, unit in enumerate(Unit.objects.order_by("name"), 1):
        Unit.objects.filter(pk=unit.pk).update(locked_since=now - timedelta(hours=hours))
    everything = Unit.objects.order_by("locked_since")
    held = programme.held(2)
    assert [unit.pk for unit in held.locked] == [unit.pk for unit in everything[:2]]
    assert held.locked_count == everything.count() > 2
    assert [(unit.name, unit.wave, unit.run_id) for unit in held.standing] == [("shop-net", "Wave 1", run.pk)]
    assert held.standing_count == 1


def test_the_requester_is_not_told_to_decide_their_own_request(estate: Estate, as_person: As) -> None:
    estate.submitted(estate.wave("Wave 1", "shop-net"))
    page = as_person(estate.maya).get("/").content.decode()
    assert "Decisions waiting" in page
    assert "Yours to decide" not in page


def test_what_needs_a_person_is_at_risk(estate: Estate, as_person: As) -> None:
    estate.wave("Wave 1", "shop-net")
    run = estate.run("shop-net", "validated", attention="Validate found 1 that block.", attention_since=database_now())
    page = as_person(estate.maya).get("/")
    said = page.context["sentences"][1]
    assert ("The run of shop-net needs a person", f"/runs/{run.pk}/") in said.pieces
    assert "Validate found 1 that block." in page.content.decode()


def test_a_failed_reading_is_at_risk_and_shows_how_old_the_facts_are(estate: Estate, as_person: As) -> None:
    now = database_now()
    Sync.objects.create(
        subscription=estate.subscription, started_at=now, ended_at=now, lease_until=now, outcome="failed",
        error="Azure did not answer within 30 s.", started_by="system:sync",
    )  # fmt: skip
    page = unescape(as_person(estate.maya).get("/").content.decode())
    assert "could not be read, so its facts are old" in page
    assert "Azure did not answer within 30 s." in page
    assert re.search(r"facts as of\s*<time", page)


def test_blockers_are_ranked_by_what_they_free_and_lead_to_their_units(estate: Estate, as_person: As) -> None:
    client = as_person(estate.maya)
    blockers = client.get("/").context["blockers"]
    assert blockers
    for one in blockers:
        rule = client.get(f"/rules/{one.rule_id}/?only=yes")
        assert len(rule.context["units"]) == one.frees
        assert rule.context["numbers"].yes == one.blocks


def test_it_takes_eight_queries_beside_person_and_frame(
    estate: Estate, as_person: As, django_assert_max_num_queries: Callable
) -> None:
    estate.submitted(estate.wave("Wave 1", "shop-net"))
    estate.run("shop-net")
    client = as_person(estate.tomas)
    with django_assert_max_num_queries(8 + 3):  # session, person with roles, frame
        client.get("/")


@pytest.mark.parametrize("part", ["top", "waves", "now"])
def test_a_live_part_is_304_until_something_happens(estate: Estate, as_person: As, part: str) -> None:
    client = as_person(estate.maya)
    first = client.get(f"/overview/{part}/", HTTP_HX_REQUEST="true")
    assert first.status_code == 200
    tag = first["ETag"]
    assert client.get(f"/overview/{part}/", HTTP_IF_NONE_MATCH=tag).status_code == 304
    estate.wave("Wave 9")
    second = client.get(f"/overview/{part}/", HTTP_IF_NONE_MATCH=tag)
    assert second.status_code == 200
    assert ("Wave 9" in second.content.decode()) == (part == "waves")


def test_a_live_part_that_does_not_exist_is_not_found(estate: Estate, as_person: As) -> None:
    assert as_person(estate.maya).get("/overview/everything/").status_code == 404


def test_an_empty_estate_says_how_to_fill_it(ina: User, as_person: As) -> None:
    page = as_person(ina).get("/").content.decode()
    assert "No estate is known yet" in page
    assert "python3 manage.py sync" in page


def test_an_auditor_sees_sync_off_with_the_reason(estate: Estate, as_person: As) -> None:
    page = as_person(estate.noor).get("/").content.decode()
    assert "Your role may not ask for a sync; it takes the role programme manager" in page


def test_somebody_without_a_role_is_refused_with_whom_to_ask(estate: Estate, as_person: As) -> None:
    stranger = User.objects.create(username="eve", display_name="Eve", pseudonym="p-eve")
    answer = as_person(stranger).get("/")
    assert answer.status_code == 403
    assert b"read the programme" in answer.content


def test_the_platforms_dates_carry_their_sources_and_count_down(estate: Estate, as_person: As) -> None:
    page = as_person(estate.maya).get("/").content.decode()
    for one in deadlines.DEADLINES:
        assert one.source in page
    assert deadlines.EXIT.days_left(date(2027, 3, 1)) == 30


# --- sums, without a database -----------------------------------------------------------------------------------------
def cell(progress: str, verdict: str, units: int, wave: int | None = None) -> Cell:
    return Cell(progress, verdict, "on track", wave, units)


def test_the_flow_adds_up_for_every_progress_and_verdict() -> None:
    verdicts = ("ready", "ready with change", "blocked", "unknown")
    found = [cell(state.value, verdict, 1) for state in State for verdict in verdicts]
    numbers = programme.flow(found)
    assert numbers.excluded == len(verdicts)
    parts = numbers.unknown + numbers.blocked + numbers.ready + numbers.under_way + numbers.done
    assert parts == numbers.scope == (len(State) - 1) * len(verdicts)


TODAY = date(2026, 11, 22)


def past(commits: dict[date, int], found: dict[date, int] | None = None) -> history.History:
    return history.History({"committed": commits, "found": found or {TODAY - timedelta(days=40): 60}}, {})


def test_without_commits_no_forecast_is_made_and_it_says_why() -> None:
    drawn = history.burn_up(past({}), [], scope=60, done=0, today=TODAY)
    assert drawn.finding == "No unit is committed yet"
    assert drawn.no_forecast == history.NO_FORECAST
    assert drawn.chart is not None
    assert drawn.chart.band == ""


def test_two_days_of_commits_are_too_few_for_a_forecast() -> None:
    commits = {TODAY: 6, TODAY - timedelta(days=1): 6}
    assert history.burn_up(past(commits), [], scope=60, done=12, today=TODAY).chart.band == ""


def test_a_forecast_begins_at_what_is_done_and_never_passes_the_scope() -> None:
    commits = {TODAY - timedelta(days=day): 3 for day in range(0, 20, 4)}
    drawn = history.burn_up(past(commits), [], scope=60, done=15, today=TODAY)
    assert drawn.chart.band
    assert "the last one follows between" in drawn.finding
    band, _ = history._forecast(commits, scope=60, done=15, today=TODAY)
    assert band[0] == (TODAY, 15, 15)
    assert all(low <= high <= 60 for _, low, high in band)


def test_the_lines_end_today_at_what_is_true_now() -> None:
    drawn = history.burn_up(past({TODAY - timedelta(days=3): 2}), [], scope=61, done=2, today=TODAY)
    assert [(line.name, line.last) for line in drawn.chart.lines] == [("Scope", 61), ("Done", 2)]


def test_everything_done_says_so() -> None:
    assert history.burn_up(past({TODAY: 3}), [], scope=3, done=3, today=TODAY).finding.startswith("All 3 units")


def test_nothing_moved_is_said_too() -> None:
    assert sentences.changed({}).pieces == [("Nothing changed in the last 24 hours.", "")]


def test_clauses_are_joined_with_commas_and_an_and() -> None:
    said = sentences.changed({"moved.committed": 1, "moved.prepared": 2, "unit.found": 3})
    text = "".join(piece for piece, _ in said.pieces)
    assert text == "In the last 24 hours 1 unit committed, 2 units prepared and 3 units found."


def test_nothing_at_risk_is_good_news() -> None:
    said = sentences.at_risk(programme.Held([], 0, [], 0), [], [], datetime(2026, 11, 22, tzinfo=UTC))
    assert said.hue == "good"
    assert "Nothing stands still" in said.pieces[0][0]


def test_an_empty_programme_is_told_to_sync(ada: User) -> None:
    assert Role.ENGINEER in ada.roles
    said = sentences.next_step(ada, programme.flow([]), [], [], [])
    assert said.pieces[0][0].startswith("Sync a subscription")
