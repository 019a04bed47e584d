"""What Azure shows otherwise, and a changed database on Settings, in a real browser: axe, both widths and themes."""

from collections.abc import Callable

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page

from migrator.lifecycle.outside import Drift
from tests.tracker.runs.programme import QUICK
from tests.web.conftest import person
from tracker.accounts.permissions import Role
from tracker.inventory.models import Subscription, Unit
from tracker.runs.actions import epoch, outside

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_what_differs_and_a_changed_database_are_accessible_and_fit(
    open_page: Callable[..., Page], in_every_look: Callable[..., list[str]], transactional_db: None
) -> None:
    now = timezone.now()
    ours = Subscription.objects.create(id="0" * 36, name="Retail")
    unit = Unit.objects.create(
        key="/subscriptions/0/shop-net", azure_id="/subscriptions/0/shop-net", kind="virtual-network", name="shop-net",
        subscription=ours, first_seen_at=now, changed_at=now,
    )  # fmt: skip
    for kind in (Drift.LOCKED, Drift.GONE):
        said, advice = outside._SAID[kind]
        with transaction.atomic():
            outside.tell(unit, None, kind, said, advice, now, source="sync", world="prepared", side="prepared")
    epoch._change(None, "it is a copy of the database it was", epoch.witness.Told(), now, QUICK)
    tomas, ina = person("tomas", Role.ENGINEER), person("ina", Role.AUDITOR)
    for address, who in (("/runs/outside/", tomas), ("/settings/", ina)):
        page = open_page(address, user=who)
        assert in_every_look(page, f"outside{address.replace('/', '-')}") == []
        assert page.complaints == []  # type: ignore[attr-defined]
