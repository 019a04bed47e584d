"""People with tokens, a small estate made by hand, and the real one of the runs' tests."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from tests.tracker.runs.conftest import programme, simulator
from tests.web.conftest import person
from tracker.accounts import actions as accounts
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.inventory.models import Resource, Subscription, Unit

__all__ = ["programme", "simulator"]
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


class Api:
    """A client with a token: `api.get("units/", kind="network")` → response."""

    def __init__(self, user: User) -> None:
        self.user, self.client = user, Client()
        self.secret = accounts.issue_token(user, "tests", by=user, now=timezone.now())[1]
        self.headers = {"Authorization": f"Bearer {self.secret}"}

    def get(self, address: str = "", headers: dict | None = None, **query: object):
        return self.client.get(f"/api/v1/{address}", query, headers=self.headers | (headers or {}))

    def post(self, address: str, data: object = "", content_type: str = "application/json"):
        return self.client.post(f"/api/v1/{address}", data, content_type=content_type, headers=self.headers)


@pytest.fixture
def api(db: None) -> Callable[..., Api]:
    """`api(Role.ENGINEER)`: somebody new with that role."""
    return lambda *roles, name="": Api(person(name or f"{roles[0].value if roles else 'nobody'}-api", *roles))


@pytest.fixture
def auditor(api: Callable[..., Api]) -> Api:
    return api(Role.AUDITOR)


@pytest.fixture
def engineer(api: Callable[..., Api]) -> Api:
    return api(Role.ENGINEER)


def unit(number: int, subscription: Subscription, **more: object) -> Unit:
    network = f"providers/microsoft.classicnetwork/virtualnetworks/v{number:03}"
    key = f"/subscriptions/{subscription.pk}/resourcegroups/rg/{network}"
    said = {
        "key": key, "azure_id": key, "kind": "network", "name": f"v{number:03}", "subscription": subscription,
        "region": "westeurope", "verdict": "ready", "score": 100, "member_count": 1,
        "first_seen_at": NOON, "changed_at": NOON,
    }  # fmt: skip
    return Unit.objects.create(**said | more)


@pytest.fixture
def estate(db: None) -> list[Unit]:
    """Two subscriptions, seven units with one member each."""
    shop = Subscription.objects.create(id="11111111-1111-1111-1111-111111111111", name="Shop")
    bank = Subscription.objects.create(id="22222222-2222-2222-2222-222222222222", name="Bank")
    made = [unit(number, shop if number < 5 else bank, score=number * 10) for number in range(7)]
    made[3].verdict, made[3].region = "blocked", "eastus"
    made[3].save()
    for one in made:
        Resource.objects.create(
            key=one.key, azure_id=one.key, type="Microsoft.ClassicNetwork/virtualNetworks", name=one.name,
            subscription=one.subscription, region=one.region, unit=one, membership="The network itself",
            document={"id": one.key}, digest="0" * 64, first_seen_at=NOON, changed_at=NOON, seen_at=NOON,
        )  # fmt: skip
    return made
