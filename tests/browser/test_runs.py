"""The pages of execution in a real browser: accessible in both themes and widths, live without losing what is typed,
and a commit by clicks alone."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from migrator.simulator import running
from tests.tracker.runs.programme import Programme
from tracker.followups.models import FollowUp
from tracker.runs.models import Comparison, Difference, Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves.models import Approval

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def simulator() -> Iterator[running.Running]:
    with running.simulator(scenario="journey", speed=600) as process:
        yield process


@pytest.fixture
def programme(simulator: running.Running, transactional_db: None) -> Iterator[Programme]:
    made = Programme(simulator)
    made.begin()
    yield made
    made.close()


def test_every_page_is_accessible_and_fits_in_every_look(
    open_page: Callable[..., Page], in_every_look: Callable[..., list[str]], programme: Programme
) -> None:
    run = programme.committing()
    programme.until(run, lambda: run.state in ("committed", "verified"))
    second = programme.started("shopfiles")
    programme.until(second, lambda: second.state == "validated")
    programme.ask(second, "prepare")
    programme.until(second, lambda: second.state == "prepared")
    Comparison.objects.filter(run=second).update(unexpected=1)
    Difference.objects.create(
        run=second, classic_key=second.unit.key, field="replication", before="LRS", after="GRS", kind="unexpected"
    )
    Run.objects.filter(pk=second.pk).update(attention="1 unexpected difference", attention_since=database_now())
    usage = programme.subscription.usages.get(name="cores", region="westeurope")
    usage.limit = 1
    usage.save()
    row = FollowUp.objects.filter(state="question").first()
    paths = {
        "runs": "/runs/",
        "run": reverse("run", args=[run.pk]) + "?view=full",
        "run-attention": reverse("run", args=[second.pk]),
        "commit": reverse("run_commit", args=[second.pk]),
        "quota": "/quota/",
        "follow-ups": "/follow-ups/",
        "follow-up": reverse("follow_up", args=[row.pk]),
        "follow-up-work": reverse("follow_up", args=[FollowUp.objects.filter(state="to-do").earliest("id").pk]),
    }
    page = open_page("/runs/", user=programme.tomas)
    for name, path in paths.items():
        page.goto(path)
        assert in_every_look(page, name) == [], name
    assert page.complaints == []


def test_a_live_page_keeps_what_is_typed_and_follows_the_engine(
    open_page: Callable[..., Page], programme: Programme
) -> None:
    run = programme.validated()
    page = open_page(reverse("run", args=[run.pk]), user=programme.tomas)
    page.click("#wish-prepare")
    page.fill("#ask-prepare-reason", "Agreed with the shop")
    Run.objects.filter(pk=run.pk).update(waiting_code="held", waiting_for="Something else moved.")
    expect(page.locator("#run-next")).to_contain_text("Something else moved.", timeout=6000)
    expect(page.locator("#ask-prepare-reason")).to_have_value("Agreed with the shop")
    expect(page.locator("#ask-prepare-reason")).to_be_focused()
    page.locator("#ask-prepare").get_by_role("button", name="Prepare").click()
    expect(page.locator(".toast")).to_contain_text("Prepare was asked for")
    programme.until(run, lambda: run.state == "prepared")
    expect(page.locator("#run-top")).to_contain_text("Prepared means locked, not finished", timeout=6000)
    expect(page.locator("#comparison")).to_be_visible(timeout=6000)
    assert page.complaints == []


def test_a_commit_by_clicks_with_a_second_person(open_page: Callable[..., Page], programme: Programme) -> None:
    run = programme.prepared()
    page = open_page(reverse("run", args=[run.pk]), user=programme.tomas)
    page.click("#step-link")
    page.get_by_role("button", name="Ask for approval").click()
    expect(page.locator("#approval-link")).to_be_visible()
    expect(page.locator("#typed")).to_have_count(0)
    approval = Approval.objects.get(kind="commit")
    waves.approve(approval, digest=approval.digest, by=programme.aiko, now=database_now())
    expect(page.locator("#run-locks")).to_contain_text("All 7 locks are green", timeout=6000)
    button = page.get_by_role("button", name="Commit shop-net")
    page.fill("#typed", "shop")
    expect(button).to_have_attribute("aria-disabled", "true")
    page.fill("#typed", "shop-net")
    expect(button).to_have_attribute("aria-disabled", "false")
    button.click()
    expect(page).to_have_url(re.compile(f"/runs/{run.pk}/$"))
    programme.until(run, lambda: run.state in ("committed", "verified"))
    expect(page.locator("#run-top")).to_contain_text(re.compile("Committed|Verified"), timeout=6000)
    assert len(programme.posts("commit")) == 1
    assert page.complaints == []


def test_without_javascript_a_wish_is_asked_for_too(open_page: Callable[..., Page], programme: Programme) -> None:
    run = programme.prepared()
    page = open_page(reverse("run", args=[run.pk]), user=programme.tomas, script=False)
    page.click("#wish-abort")
    page.locator("#ask-abort").get_by_role("button", name="Abort").click()
    expect(page.locator(".toast")).to_contain_text("Abort was asked for")
    programme.until(run, lambda: run.outcome == "aborted")
