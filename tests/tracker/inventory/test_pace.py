"""A long listing at Resource Graph's pace (azure.md 8.2): a stub that counts every query sent before it may be."""

import http.client
import json

import pytest

from migrator.gateway.arm import ArmGateway, StaticToken
from tests.benchmarks.rows.inventory import stub
from tests.benchmarks.stub_azure import SUBSCRIPTION
from tests.tracker.inventory.azure import BY
from tracker.inventory import actions
from tracker.inventory.models import Resource, Subscription
from tracker.runs.queries import database_now

pytestmark = pytest.mark.django_db
COUNT, ROWS = 800, 25  # thirty-two pages: more than two windows of fifteen queries


def test_nothing_is_asked_before_azure_allows_it_and_everything_is_read_once() -> None:
    subscription = Subscription.objects.create(pk=SUBSCRIPTION, name="Stub")
    with stub(COUNT, "--page", str(ROWS), "--pace") as port:
        with ArmGateway(f"http://127.0.0.1:{port}", StaticToken("a-token")) as gateway:
            row = actions.sync(subscription, gateway, database_now, BY, patience=120)
        wire = http.client.HTTPConnection("127.0.0.1", port)
        wire.request("GET", "/pace")
        pace = json.loads(wire.getresponse().read())
        wire.close()
    assert (row.outcome, row.added, Resource.objects.count()) == ("complete", COUNT, COUNT)
    assert pace["early"] == 0
    lists_beside = 2  # settings, dependents
    resumed = 4  # after a wait a page may be asked for once more
    assert COUNT / ROWS + lists_beside <= pace["asked"] <= COUNT / ROWS + lists_beside + resumed
