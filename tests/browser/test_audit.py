"""An auditor finds an event, sees its place, exports a bundle with real clicks, and the file verifies."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.web.conftest import person
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.audit import verify_audit
from tracker.audit.actions import ENGINE, Actor, Fact, record, record_many, sign_checkpoint, vkey

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
KEY = "/subscriptions/6d1c0a52-8f0e-4a55-9a6b-1f2f0d9b7c11/resourceGroups/shop/providers/Microsoft.ClassicNetwork"


@pytest.fixture
def ina(transactional_db: None) -> User:
    """The auditor, with a history that looks like one."""
    ina = person("ina", Role.AUDITOR, name="Ina Vogel")
    person("ada", Role.ENGINEER, name="Ada Brandt")
    ada, now = Actor("user", "p-ada"), timezone.now() - timedelta(hours=3)
    unit = f"{KEY}/virtualNetworks/vnet-shop-eu".lower()
    with transaction.atomic():
        record(
            "account.created",
            by=Actor("command", "create_user"),
            object=("account", "p-ada"),
            now=now,
            detail={"roles": ["engineer"]},
            private={"display_name": "Ada Brandt", "email": "ada@example.com"},
        )
        record_many(
            [
                Fact(
                    "inventory.sync_finished",
                    ("subscription", "6d1c0a52-8f0e-4a55-9a6b-1f2f0d9b7c11"),
                    {"name": "Contoso Shop", "added": 61, "changed": 2},
                ),
                Fact("readiness.assessed", ("unit", unit), {"name": "vnet-shop-eu", "verdict": "ready", "score": 96}),
                Fact("operation.armed", ("operation", "018f"), {"unit": unit, "verb": "prepare", "attempt": 1}),
                Fact("run.moved", ("run", "018e"), {"unit": unit, "from": "preparing", "to": "prepared"}),
            ],
            by=ENGINE,
            now=now + timedelta(hours=1),
        )
        record_many(
            [
                Fact("wave.created", ("wave", 3), {"name": "Wave 3: shop front"}),
                Fact("wave.unit_placed", ("wave", 3), {"name": "Wave 3: shop front", "unit": "vnet-shop-eu"}),
                Fact(
                    "account.sign_in_failed",
                    ("account", "p-ada"),
                    {"cause": "wrong credentials"},
                    {"address": "192.0.2.9", "username": "ada"},
                    "failed",
                ),
                Fact(
                    "access.denied",
                    ("page", "/waves/3/submit/"),
                    {"permission": "plan", "wanted": "plan waves"},
                    result="denied",
                ),
            ],
            by=ada,
            now=now + timedelta(hours=2),
        )
        record_many(
            [Fact("run.asked", ("run", f"018e-{n}"), {"verb": "prepare"}) for n in range(50)],
            by=ada,
            now=now + timedelta(hours=1, minutes=30),
        )
    sign_checkpoint(timezone.now(), "minute")
    return ina  # fmt: skip


def test_the_pages_are_accessible_and_fit(
    open_page: Callable[..., Page], in_every_look: Callable[..., list[str]], ina: User
) -> None:
    page = open_page("/audit/", user=ina)
    for name in ("list", "event", "export", "nothing"):
        if name == "event":
            page.get_by_role("link", name="Sign-in failed").first.click()
            expect(page.get_by_role("heading", name="Place in the chain")).to_be_visible()
        elif name == "export":
            page.goto("/audit/export/?type=wave")
        elif name == "nothing":
            page.goto("/audit/?q=nothing-has-this")
        assert in_every_look(page, f"audit-{name}") == [], name
    assert page.complaints == []


def test_an_auditor_filters_exports_and_the_file_verifies(
    open_page: Callable[..., Page], ina: User, tmp_path: Path
) -> None:
    page = open_page("/audit/", user=ina)
    page.get_by_role("group", name="Filters").get_by_role("link", name="Waves").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Export what is filtered").click()
    expect(page.get_by_label("What", exact=True)).to_have_value("wave")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    path = tmp_path / "events.zip"
    download.value.save_as(path)
    assert verify_audit.main(vkey(), str(path)).startswith("2 of ")
    expect(page.locator("#exports tbody tr")).to_have_count(1, timeout=8_000)
    expect(page.locator("#exports .chip.good")).to_be_visible(timeout=8_000)
    with page.expect_download() as script:
        page.get_by_role("link", name="verify_audit.py").click()
    assert script.value.suggested_filename == "verify_audit.py"


def test_somebody_else_sees_the_export_off_with_whom_to_ask(open_page: Callable[..., Page], ina: User) -> None:
    page = open_page("/audit/export/", user=User.objects.get(username="ada"))
    expect(page.get_by_role("button", name="Export")).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_text("ask Ina Vogel")).to_be_visible()
