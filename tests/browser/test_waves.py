"""A wave from its name to Validate, by three people with real clicks; every page of waves and approvals under axe."""

import re
from collections.abc import Callable
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from migrator.windows import Weekly
from tests.tracker.runs.programme import Programme
from tracker.runs import actions as runs
from tracker.runs.models import Operation
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves.models import Approval, Wave

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]
Open = Callable[..., Page]


def test_a_wave_is_planned_submitted_approved_started_and_seen_live(open_page: Open, programme: Programme) -> None:
    maya = open_page("/waves/", user=programme.maya)
    maya.get_by_role("link", name="New wave").first.click()
    maya.get_by_label("Name").fill("Night one")
    maya.get_by_role("button", name="Create wave").click()

    maya.get_by_label("Opens").fill("2026-01-01T00:00")
    maya.get_by_label("Closes").fill("2025-01-01T00:00")
    maya.get_by_role("button", name="Set window").click()
    expect(maya.get_by_text("The window closes before it opens")).to_be_visible()
    maya.get_by_label("Closes").fill("2099-01-01T00:00")
    maya.get_by_role("button", name="Set window").click()
    expect(maya.get_by_text("The window was set.")).to_be_visible()

    maya.get_by_role("searchbox", name="Name of a unit").fill("legacy")
    maya.get_by_role("button", name="Find").click()
    maya.get_by_role("link", name="legacy-net").click()
    expect(maya.get_by_text("legacy-net is blocked by VNET-PEERING")).to_be_visible()
    expect(maya.get_by_role("button", name="Place it")).to_have_attribute("aria-disabled", "true")
    maya.get_by_role("searchbox", name="Name of a unit").fill("shop")
    maya.get_by_role("button", name="Find").click()
    maya.get_by_role("link", name="shop-net").click()
    expect(maya.get_by_text(re.compile(r"shop-net brings \d+ things along"))).to_be_visible()
    maya.get_by_role("button", name=re.compile("Place shop-net and")).click()

    maya.get_by_role("link", name="Progress").click()
    maya.get_by_role("button", name="Submit wave").click()
    expect(maya.get_by_text("1 other person has to approve it")).to_be_visible()
    expect(maya.locator("#wave-live")).to_contain_text("waits for another person")

    tomas = open_page("/approvals/", user=programme.tomas)
    tomas.get_by_role("link", name="Night one").click()
    tomas.get_by_role("button", name="Reject").click()
    expect(tomas.get_by_text("A rejection needs a reason")).to_be_visible()
    tomas.get_by_role("button", name="Approve").click()
    expect(tomas.locator(".head .chip", has_text="Approved")).to_be_visible()

    expect(maya.get_by_text("Approved by Tomas.")).to_be_visible()  # without a reload
    address = maya.url
    tomas.goto(address)
    tomas.get_by_role("button", name="Start the unit").click()
    expect(tomas.locator("#wave-live")).to_contain_text("Validate is running")
    programme.until(Wave.objects.get().runs.get(), lambda: Wave.objects.get().runs.get().state == "validated")
    expect(tomas.locator("#wave-live")).to_contain_text("0 of 1 prepared, 1 validated.")
    expect(tomas.locator("#dot")).to_have_attribute("data-state", "live")

    tomas.get_by_role("link", name="Stop the line…").click()
    tomas.get_by_role("dialog").get_by_label("Reason").fill("Incident 4711.")
    tomas.get_by_role("dialog").get_by_role("button", name="Stop the line").click()
    expect(maya.locator("#wave-live")).to_contain_text("Incident 4711.")
    assert maya.url == address
    refusals = "the server responded with a status of 4"  # the window and the rejection above, told on the page
    assert [said for page in (maya, tomas) for said in page.complaints if refusals not in said] == []  # type: ignore[attr-defined]


def test_every_page_is_accessible_and_fits_in_both_themes_and_both_widths(
    open_page: Open, in_every_look: Callable[..., list[str]], programme: Programme
) -> None:
    wave = programme.approved("shop-net")
    [run] = runs.start_all(wave, by=programme.tomas, now=database_now()).runs
    programme.until(run, lambda: run.state == "validated")
    runs.ask_all(wave, "prepare", by=programme.tomas, now=database_now())
    programme.until(run, lambda: run.state == "prepared")
    commit = runs.request_commit(run, by=programme.tomas, now=database_now())
    second = programme.wave("shopfiles", opens=30, closes=34)
    asked = waves.submit(second, by=programme.maya, now=database_now())
    waves.freeze("verb:commit", reason="Incident 4711.", by=programme.maya, now=database_now())
    now, berlin = database_now(), ZoneInfo("Europe/Berlin")
    spring = Weekly(5, time(22), time(4), berlin, date(now.year + 1, 3, 13), date(now.year + 1, 4, 11))
    waves.add_weekly(second, spring, by=programme.maya, now=now)
    planned = {"reason": "Year end: the books close.", "zone": berlin, "by": programme.maya}
    hour = timedelta(hours=1)
    waves.plan_freeze("region:westeurope", begins_at=now + 2 * hour, ends_at=now + 50 * hour, now=now, **planned)
    waves.plan_freeze("all", begins_at=now - hour, ends_at=now + hour, now=now - 2 * hour, **planned)
    Operation.objects.filter(verb="prepare").update(ended_at=now + 9 * hour)  # what was measured does not fit any more
    paths = {
        "list": "/waves/",
        "new": "/waves/new/",
        "wave": f"/waves/{wave.pk}/",
        "plan": f"/waves/{second.pk}/plan/?unit={programme.unit('legacy-net').pk}",
        "history": f"/waves/{wave.pk}/history/",
        "approvals": "/approvals/?tab=all",
        "review-wave": f"/approvals/{asked.pk}/",
        "review-commit": f"/approvals/{commit.pk}/",
        "freeze": "/freeze/",
        "run": f"/runs/{run.pk}/",
        "runs": "/runs/",
    }
    page = open_page("/freeze/", user=programme.maya)
    for name, path in paths.items():
        page.goto(path)
        assert in_every_look(page, f"waves-{name}") == [], name
    assert page.complaints == []  # type: ignore[attr-defined]


def test_a_freeze_is_planned_in_its_zone_and_a_time_that_comes_twice_is_asked_for(
    open_page: Open, programme: Programme
) -> None:
    wave = programme.approved("shop-net")
    page = open_page("/freeze/", user=programme.maya)
    form = page.locator("#plan")
    form.get_by_label("What").select_option(label=wave.name)
    form.get_by_label("Begins", exact=True).fill("2027-10-31T02:30")
    form.get_by_label("Ends", exact=True).fill("2027-11-02T06:00")
    form.get_by_label("Time zone").fill("Europe/Berlin")
    form.get_by_label("Reason").fill("Quarter end.")
    form.get_by_role("button", name="Plan freeze").click()
    expect(form.get_by_text("comes twice in Europe/Berlin")).to_be_visible()
    form.get_by_label(re.compile("^Which begins")).select_option("second")
    form.get_by_role("button", name="Plan freeze").click()
    expect(page.locator("#planned")).to_contain_text("Sun 31 Oct 2027 02:30 Europe/Berlin (+01:00)")
    expect(page.locator("#planned")).to_contain_text("2027-10-31 01:30 UTC")
    page.goto(f"/waves/{wave.pk}/")
    expect(page.locator("#planned-side")).to_contain_text("Quarter end.")
    page.goto("/freeze/")
    page.locator("#planned").get_by_text("Withdraw").first.click()
    page.get_by_label("Why it is not needed").fill("It was moved.")
    page.locator("#planned").get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("The planned freeze is withdrawn.")).to_be_visible()
    refusals = "the server responded with a status of 4"  # the question above
    assert [said for said in page.complaints if refusals not in said] == []  # type: ignore[attr-defined]


def test_a_printed_review_holds_everything_and_nothing_to_press(open_page: Open, programme: Programme) -> None:
    approval = waves.submit(programme.wave("shop-net"), by=programme.maya, now=database_now())
    page = open_page(f"/approvals/{approval.pk}/", user=programme.tomas)
    page.emulate_media(media="print")
    expect(page.locator("#decide")).to_be_hidden()
    expect(page.locator(".rail")).to_be_hidden()
    expect(page.get_by_text(approval.digest)).to_be_visible()
    assert Approval.objects.count() == 1


def test_without_javascript_a_wave_is_submitted_and_its_line_stopped(open_page: Open, programme: Programme) -> None:
    wave = programme.wave("shop-net")
    page = open_page(f"/waves/{wave.pk}/", user=programme.maya, script=False)
    page.get_by_role("button", name="Submit wave").click()
    expect(page.get_by_text("1 other person has to approve it")).to_be_visible()
    approval = Approval.objects.get()
    waves.approve(approval, digest=approval.digest, by=programme.tomas, now=database_now())
    page.reload()
    page.get_by_role("link", name="Stop the line…").click()
    page.get_by_role("textbox", name="Reason").fill("Incident 4711.")
    page.get_by_role("button", name="Stop the line").click()
    expect(page.get_by_text("The line is stopped", exact=True)).to_be_visible()
