"""Sizes are read from Azure once a day and counted with; where they cannot be read, the product's own table speaks."""

from datetime import timedelta

import pytest

from migrator.gateway.protocol import GatewayError
from tests.tracker.runs.programme import TEST, Programme
from tracker.audit.models import Event
from tracker.quota import actions, queries
from tracker.quota.models import SizeList
from tracker.runs.queries import database_now


def read(programme: Programme, **later: float) -> bool:
    now = database_now() + timedelta(**later)
    return actions.read_sizes(programme.subscription, "westeurope", gateway=programme.gateway, by=TEST, now=now)


def test_they_are_read_once_a_day_and_told_when_they_changed(programme: Programme) -> None:
    assert read(programme) and not read(programme, hours=23)
    assert read(programme, hours=25)
    row = SizeList.objects.get()
    assert row.sizes["standard_d2_v2"] == [2, "standardDv2Family"]
    assert Event.objects.filter(type="quota.sizes_read").count() == 1, "the same list a day later is no news"
    SizeList.objects.update(digest="other")
    read(programme, hours=60)
    assert Event.objects.filter(type="quota.sizes_read").count() == 2


def test_what_a_unit_needs_is_counted_with_what_azure_lists(programme: Programme) -> None:
    unit = programme.unit("shop-net")
    before = {one.name: one.amount for one in queries.needs_of(unit).needs}
    version = queries.version()
    read(programme)
    assert {one.name: one.amount for one in queries.needs_of(unit).needs} == before, "both tables agree here"
    assert queries.version()[0] != version[0], "what was summed up before is summed up again"
    row = SizeList.objects.get()
    row.sizes["standard_d2_v2"] = [200, "standardDv2Family"]
    row.save()
    counted = {one.name: one.amount for one in queries.needs_of(unit).needs}
    assert counted["cores"] == before["cores"] + 3 * 198
    assert any(row.need.name == "cores" and row.short_by for row in queries.shortfalls_of([unit])[unit.key])
    planned = {(one.location, one.name): one.amount for one in queries.planned(programme.subscription.pk).needs}
    assert planned["westeurope", "cores"] >= 600


def test_what_cannot_be_read_changes_nothing(programme: Programme) -> None:
    programme.fault("malformed", method="GET", unit="skus", times=None)
    with pytest.raises(GatewayError):
        read(programme)
    assert not SizeList.objects.exists()
