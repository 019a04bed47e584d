"""Validate of many units, and the ledger of locks, in a real browser: axe, both widths and themes, and by clicks."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.web.conftest import person
from tracker.accounts.permissions import Role
from tracker.inventory.lock_models import Lock
from tracker.inventory.models import Subscription, Unit
from tracker.runs.validation_models import ValidatedUnit, Validation

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
State = ValidatedUnit.State


@pytest.fixture
def units(transactional_db: None) -> list[Unit]:
    now = timezone.now()
    ours = Subscription.objects.create(id="0" * 36, name="Retail")
    return [
        Unit.objects.create(
            key=f"/subscriptions/0/{name}", azure_id=f"/subscriptions/0/{name}", kind="network", name=name,
            subscription=ours, first_seen_at=now, changed_at=now, progress="assessed",
        )
        for name in ("shop-net", "legacy-net", "web-prod-net", "booking-net")
    ]  # fmt: skip


def test_the_pages_are_accessible_and_fit(
    open_page: Callable[..., Page], in_every_look: Callable[..., list[str]], units: list[Unit]
) -> None:
    now, tomas = timezone.now(), person("tomas", Role.ENGINEER)
    row = Validation.objects.create(
        scope="estate", name="Whole estate", old_only=True, units=4, fresh=2, asked_by=tomas.actor.key, by_id=tomas.pk,
        asked_at=now,
    )  # fmt: skip
    for unit, state in zip(units, (State.PASSED, State.FOUND, State.SENT, State.WAITING), strict=True):
        over = state in ValidatedUnit.ENDS
        ValidatedUnit.objects.create(
            validation=row, unit=unit, subscription_id=unit.subscription_id, state=state, why="Azure says so.",
            due_at=None if over else now, ended_at=now if over else None, sent_at=now,
        )  # fmt: skip
    for unit, hours, closed in zip(units, (1, 60, 200, 3), (False, False, False, True), strict=True):
        Lock.objects.create(
            unit=unit, opened_at=now - timedelta(hours=hours), closed_at=now if closed else None, limit_hours=72,
            end="commit" if closed else "", opened_by=tomas.actor.key, told=80 if hours == 60 else 0,
        )  # fmt: skip
    for address in ("/validations/", "/validations/new/", f"/validations/{row.pk}/", "/locks/"):
        page = open_page(address, user=tomas)
        assert in_every_look(page, address.strip("/").replace("/", "-")) == [], address
        assert page.complaints == []  # type: ignore[attr-defined]


def test_it_is_asked_for_followed_and_stopped_by_clicks(open_page: Callable[..., Page], units: list[Unit]) -> None:
    page = open_page("/runs/", user=person("tomas", Role.ENGINEER))
    page.get_by_role("link", name="Validate many").click()
    page.locator(".acts .main").get_by_role("link", name="Validate").click()
    page.get_by_label("Of", exact=True).select_option(label="Retail")
    page.get_by_role("button", name="Show what it reaches").click()
    expect(page.get_by_role("heading", name="Retail")).to_be_visible()
    page.get_by_role("button", name="Validate").click()
    expect(page.get_by_role("heading", name="Validate: Retail")).to_be_visible()
    expect(page.locator("#validation tbody tr")).to_have_count(4)
    item = ValidatedUnit.objects.get(unit=units[0])
    ValidatedUnit.objects.filter(pk=item.pk).update(
        state=State.FOUND, why="It has an ExpressRoute gateway.", due_at=None, ended_at=timezone.now()
    )
    expect(page.get_by_text("It has an ExpressRoute gateway.")).to_be_visible()  # by itself
    page.get_by_role("link", name="Something blocks").click()
    expect(page.locator("#validation tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Stop", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("3 units are not asked for any more")).to_be_visible()
    assert Validation.objects.get().stopped_at is not None
    assert page.complaints == []  # type: ignore[attr-defined]
