"""Quota: what is short is named, asked for, followed in the platform's own words, and believed only when read."""

import time

import pytest

from migrator.gateway.arm import ArmGateway, StaticToken
from migrator.resources import UNKNOWN
from tests.tracker.runs.programme import Programme
from tracker.accounts.actions import Denied
from tracker.inventory.models import Unit
from tracker.quota import actions as quota
from tracker.quota import queries
from tracker.quota.models import QuotaRequest, Usage
from tracker.runs.queries import database_now


def short_unit(programme: Programme) -> Unit:
    return Unit.objects.get(name="pricing")


def ask(programme: Programme, limit: int, name: str = "cores") -> QuotaRequest:
    return quota.request(
        programme.subscription,
        region="northeurope",
        provider="Microsoft.Compute",
        name=name,
        limit=limit,
        reason="pricing moves in wave two",
        by=programme.maya,
        now=database_now(),
    )


def follow(programme: Programme, row: QuotaRequest, seconds: float = 10) -> QuotaRequest:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and row.state not in ("granted", "refused"):
        QuotaRequest.objects.filter(pk=row.pk).exclude(due_at=None).update(due_at=database_now())
        quota.follow(row.pk, gateway=lambda _: programme.gateway, clock=database_now)
        row.refresh_from_db()
        time.sleep(0.05)
    return row


def test_the_matrix_shows_the_shortage_and_the_total_to_ask_for(programme: Programme) -> None:
    rows = {(row.region, row.name): row for row in queries.matrix()}
    cores = rows[("northeurope", "cores")]
    assert cores.short is not None
    assert cores.short > 0
    assert cores.wanted_total == cores.limit + cores.short
    assert cores.planned - cores.free == cores.short
    assert {row.name for row in queries.matrix(short_only=True)} >= {"cores"}


def test_a_request_is_sent_followed_and_granted_only_when_the_limit_is_read(programme: Programme) -> None:
    row = follow(programme, ask(programme, 40))
    assert row.state == QuotaRequest.State.GRANTED
    assert row.azure_state == "Succeeded"
    assert Usage.objects.get(region="northeurope", name="cores").limit == 40
    assert programme.state()["quota_requests"]


def test_a_request_the_platform_refuses_keeps_its_words(programme: Programme) -> None:
    limit = Usage.objects.get(region="northeurope", name="cores").limit
    row = follow(programme, ask(programme, limit * 6))
    assert row.state == QuotaRequest.State.REFUSED
    assert "support" in row.azure_message.lower()


def test_one_open_request_for_a_family_and_region(programme: Programme) -> None:
    ask(programme, 40)
    with pytest.raises(quota.AlreadyAsked, match="wait for its decision"):
        ask(programme, 50)


def test_what_makes_no_sense_is_refused(programme: Programme) -> None:
    with pytest.raises(quota.BadLimit, match="already"):
        ask(programme, 1)
    with pytest.raises(quota.UsagesUnread, match="never read"):
        ask(programme, 40, name="standardNowhereFamily")
    with pytest.raises(Denied):
        quota.request(
            programme.subscription,
            region="northeurope",
            provider="Microsoft.Compute",
            name="cores",
            limit=40,
            reason="",
            by=programme.noor,
            now=database_now(),
        )
    assert QuotaRequest.objects.count() == 0


def test_a_request_lost_on_the_way_is_read_before_it_is_repeated(programme: Programme) -> None:
    row = ask(programme, 40)
    nowhere = ArmGateway("http://127.0.0.1:1", StaticToken("a-token"), deadline=1)
    quota.follow(row.pk, gateway=lambda _: nowhere, clock=database_now)
    nowhere.close()
    row.refresh_from_db()
    assert row.state == QuotaRequest.State.DOUBTFUL
    assert row.lease_until is None
    assert follow(programme, row).state == QuotaRequest.State.GRANTED


def test_two_units_cannot_spend_the_same_cores(programme: Programme) -> None:
    programme.wave("shop-net")
    unit = programme.unit("shop-net")
    reserved = {need.name: need.amount for need in queries.reserved(but=None) if need.location == unit.region}
    assert reserved["cores"] > 0
    for row in queries.balance_of(unit):
        assert row.reserved == 0, "a unit does not stand in its own way"
    elsewhere = [row for row in queries.matrix() if row.name == "cores" and row.region == unit.region]
    assert elsewhere[0].reserved == reserved["cores"]


def test_what_cannot_be_counted_is_never_taken_for_enough(programme: Programme) -> None:
    unit = programme.unit("shop-net")
    role = unit.members.filter(type__endswith="slots/roles").first()
    document = {**role.document, "properties": {k: v for k, v in role.document["properties"].items() if "ize" not in k}}
    type(role).objects.filter(pk=role.pk).update(document=document)
    rows = queries.shortfalls_of([unit])[unit.key]
    assert any(row.short_by is UNKNOWN for row in rows)
