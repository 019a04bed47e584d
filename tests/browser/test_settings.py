"""The page Settings in a real browser: axe, both widths and themes, nothing that runs off the side."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from migrator.gateway.arm import ArmGateway, StaticToken
from tests.web.conftest import person
from tracker.accounts.permissions import Role
from tracker.audit.values import Actor
from tracker.connections import actions
from tracker.connections.models import Check
from tracker.connections.probing import Seen
from tracker.inventory.models import Subscription

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SYNC = Actor("system", "sync", "Sync")


def test_settings_are_accessible_and_fit(
    open_page: Callable[..., Page],
    in_every_look: Callable[..., list[str]],
    transactional_db: None,
    simulator: Any,
) -> None:
    with ArmGateway(simulator.base_url, StaticToken("a-token")) as gateway:
        offered = gateway.subscriptions()[0]
        read = Subscription.objects.create(
            id=offered.subscription_id,
            name=offered.display_name,
            registrations={one.name: str(one.state) for one in gateway.registrations(offered.subscription_id)},
            registrations_read_at=timezone.now(),
        )
        actions.read_versions(read, gateway=gateway, by=SYNC, now=timezone.now())
    ina, now = person("ina", Role.AUDITOR, name="Ina Vogel"), timezone.now()
    actions.checked(
        [
            Seen(Check.Door.RESOURCE_MANAGER, True, "https://management.azure.com (the simulator) can be reached."),
            Seen(Check.Door.CREDENTIAL, False, "AZURE_TENANT_ID is not set, and TRACKER_AZURE_CREDENTIAL needs it."),
        ],
        by=SYNC,
        now=now,
    )
    page = open_page("/settings/", user=ina)
    assert in_every_look(page, "settings") == []
    assert page.complaints == []  # type: ignore[attr-defined]
