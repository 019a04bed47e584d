"""A follow-up in a real browser: taken along by hand, answered with the address of a secret, applied, seen."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.tracker.followups.test_followups import with_a_secret
from tests.tracker.followups.test_vaulted import reader, vault
from tests.tracker.runs.programme import Programme
from tracker.followups import actions as followups
from tracker.followups import queries
from tracker.followups.models import FollowUp
from tracker.runs.queries import database_now

__all__ = ["vault"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_from_the_question_to_seen_by_clicks_and_without_reloading(
    open_page: Callable[..., Page],
    in_every_look: Callable[..., list[str]],
    programme: Programme,
    vault: str,
) -> None:
    address = f"{vault}/secrets/hook"
    row = with_a_secret(programme, address)
    FollowUp.objects.filter(pk=row.pk).update(answers={}, state="question")
    page = open_page(f"/follow-ups/{row.pk}/", user=programme.tomas)
    assert in_every_look(page, "follow-up-vault") == []

    by_hand = page.locator("#by-hand")
    by_hand.get_by_text("Azure CLI", exact=True).click()
    with page.expect_download() as taken:
        by_hand.get_by_role("button", name="Download").first.click()
    script = taken.value.path().read_text()
    assert taken.value.suggested_filename.endswith(".sh") and "az rest" in script and "hooks.example" not in script

    page.locator("#to-questions").click()
    asked = page.locator("#questions fieldset")
    for index, question in enumerate(queries.required(row).questions):
        field = asked.nth(index)
        if question.secret:
            expect(field).to_contain_text(f"The address of a secret in {vault}")
            field.get_by_role("textbox").fill("the secret itself")
        elif question.choices:
            field.get_by_role("radio").first.check()
        else:
            field.get_by_role("textbox").fill("ops@example.com")
    page.get_by_role("button", name="Keep answers").click()
    expect(page.locator(".refused")).to_contain_text("secrets are not kept here")
    page.get_by_placeholder(f"{vault}/secrets/…").fill(address)
    page.get_by_role("button", name="Keep answers").click()
    expect(page.locator("#follow-up-state")).to_contain_text("Open")
    expect(page.locator("#questions")).to_contain_text("Read from the Key Vault when it is sent, and kept nowhere.")

    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#follow-up-next")).to_contain_text("Being sent. Nothing to do.")
    until = time.monotonic() + 15
    while time.monotonic() < until and row.state != "closed":
        FollowUp.objects.filter(pk=row.pk).exclude(due_at=None).update(due_at=database_now(), lease_until=None)
        secret = reader(programme, vault)
        followups.advance(row.pk, gateway=lambda _: programme.gateway, clock=database_now, secret=secret)
        row.refresh_from_db()
    expect(page.locator("#follow-up-next")).to_contain_text("Closed: the probe saw it.", timeout=8000)
    (refused,) = page.complaints
    assert "409 (Conflict)" in refused, "of the secret itself, and nothing else"
