"""A fix in a real browser: rehearsed, asked for, agreed to by a second person, followed without reloading."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from migrator.simulator import running
from tests.tracker.runs.programme import Programme
from tracker.fixes import actions as fixes
from tracker.fixes.models import Fix
from tracker.readiness.models import Finding
from tracker.runs.queries import database_now

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


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


def worker(programme: Programme, times: int = 1) -> Fix:
    """What the worker does with a message, without the waits between two looks."""
    fix = Fix.objects.get()
    for _ in range(times):
        Fix.objects.filter(due_at__isnull=False).update(due_at=database_now())
        fixes.advance(fix.pk, gateway=lambda _: programme.gateway, clock=database_now)
    return Fix.objects.get()


def test_from_a_finding_to_done_by_clicks_and_without_reloading(
    open_page: Callable[..., Page], programme: Programme
) -> None:
    finding = Finding.objects.get(unit__name="legacy-net", rule="VNET-PEERING")
    page = open_page(f"/units/{finding.unit_id}/", user=programme.tomas)
    page.locator("#rule-VNET-PEERING").get_by_role("link", name="Fix…").click()
    expect(page.get_by_role("heading", name="Delete the peerings of legacy-net")).to_be_visible()
    page.get_by_role("button", name="Rehearse").click()
    expect(page.locator("#fix-rehearsal")).to_contain_text("being read")
    worker(programme)
    expect(page.locator("#fix-rehearsal")).to_contain_text("Nothing stands against it", timeout=6000)
    page.get_by_label("Reason").fill("It blocks the move of the network.")
    page.get_by_role("button", name="Ask for approval").click()
    expect(page.locator("#fix-next")).to_contain_text("You asked for this.")
    assert page.complaints == []
    fix = worker(programme)
    second = open_page(f"/fixes/{fix.pk}/", user=programme.aiko)
    second.get_by_role("button", name="Approve").click()
    expect(second.locator("#fix-state")).to_contain_text("Approved")
    worker(programme, 12)
    for each in (page, second):  # both pages follow by themselves
        expect(each.locator("#fix-state")).to_contain_text("Seen to be done", timeout=8000)
    expect(second.get_by_role("link", name="Documents of what was removed")).to_be_visible(timeout=6000)
    assert second.complaints == []


def test_fixes_are_asked_and_agreed_to_without_javascript(open_page: Callable[..., Page], programme: Programme) -> None:
    finding = Finding.objects.get(unit__name="legacy-net", rule="VNET-PEERING")
    page = open_page(f"/units/{finding.unit_id}/", user=programme.tomas, script=False)
    page.locator("#rule-VNET-PEERING").get_by_role("link", name="Fix…").click()
    page.get_by_role("button", name="Ask for approval").click()
    expect(page.locator("#reason-wrong")).to_contain_text("Say why")
    page.get_by_label("Reason").fill("It blocks the move of the network.")
    page.get_by_role("button", name="Ask for approval").click()
    second = open_page(f"/fixes/{Fix.objects.get().pk}/", user=programme.aiko, script=False)
    second.get_by_role("button", name="Approve").click()
    assert Fix.objects.get().state == "approved"


def test_every_page_of_fixes_in_every_look(
    open_page: Callable[..., Page], in_every_look: Callable[..., list[str]], programme: Programme
) -> None:
    finding = Finding.objects.get(unit__name="legacy-net", rule="VNET-PEERING")
    given = f"unit={finding.unit_id}&rule={finding.rule}&resource={finding.resource_key}"
    fix = fixes.ask(
        finding.unit, rule=finding.rule, resource_key=finding.resource_key, reason="It blocks the move.",
        by=programme.tomas, now=database_now(),
    )  # fmt: skip
    worker(programme)
    other = Finding.objects.filter(unit=finding.unit, outcome__in=["yes", "unknown"]).exclude(rule=finding.rule).first()
    assert other is not None
    paths = {
        "fixes": "/fixes/",
        "fix": f"/fixes/{fix.pk}/",
        "fix-none": f"/fixes/new/?unit={other.unit_id}&rule={other.rule}&resource={other.resource_key}",
    }
    page = open_page("/fixes/", user=programme.aiko)
    for name, path in paths.items():
        page.goto(path)
        assert in_every_look(page, name) == [], name
    assert page.complaints == []
    fixes.withdraw(fix, by=programme.tomas, now=database_now())
    page = open_page(f"/fixes/new/?{given}", user=programme.tomas)
    assert in_every_look(page, "fix-new") == []
