"""The field in the top bar."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone

from tracker.accounts.models import User
from tracker.audit.actions import record
from tracker.inventory.models import Resource, Subscription, Unit
from tracker.runs.models import Run
from tracker.urls import urlpatterns as real
from tracker.waves.models import Wave

As = Callable[[User], Client]
KEY = "/subscriptions/s1/resourcegroups/shop/providers/microsoft.classicnetwork/virtualnetworks/vnet-shop"


def opened(request: object, **named: object) -> HttpResponse:
    return HttpResponse("opened")


urlpatterns = [path("units/<int:pk>/", opened, name="unit"), path("runs/<uuid:pk>/", opened, name="run"), *real]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def shop(ada: User) -> Unit:
    now = timezone.now()
    subscription = Subscription.objects.create(id="s1", name="Contoso Shop")
    return Unit.objects.create(
        key=KEY, azure_id=KEY, kind="network", name="vnet-shop", subscription=subscription, region="westeurope",
        verdict="ready with change", first_seen_at=now, changed_at=now,
    )  # fmt: skip


def ask(client: Client, text: str) -> HttpResponse:
    return client.get("/search/", {"q": text})


def test_a_part_of_a_name_finds_the_unit(ada: User, shop: Unit, as_person: As) -> None:
    page = ask(as_person(ada), "shop").content.decode()
    assert f'<a class="row-link" href="/units/{shop.pk}/">vnet-shop</a>' in page
    assert "Ready with change" in page


def test_a_whole_azure_id_leads_to_its_page(ada: User, shop: Unit, as_person: As) -> None:
    assert (
        ask(as_person(ada), KEY.upper().replace("/SUBSCRIPTIONS", "/subscriptions"))["Location"] == f"/units/{shop.pk}/"
    )


def test_the_id_of_a_run_leads_to_its_page_and_its_wave_is_found_by_name(ada: User, shop: Unit, as_person: As) -> None:
    now = timezone.now()
    wave = Wave.objects.create(name="Shop front", created_by=ada, created_at=now, edited_by=ada, edited_at=now)
    run = Run.objects.create(id=uuid4(), unit=shop, wave=wave, started_by="user:p-ada", started_at=now)
    client = as_person(ada)
    assert ask(client, str(run.pk))["Location"] == f"/runs/{run.pk}/"
    page = ask(client, "shop").content.decode()
    assert "Shop front" in page
    assert f"/runs/{run.pk}/" in page


def test_rules_are_found_by_id_and_title(ada: User, as_person: As) -> None:
    assert '<h2 id="found-rule">Rules</h2>' in ask(as_person(ada), "expressroute").content.decode()


@pytest.mark.parametrize("text", ["", " ", "x", "\x00", "%"])
def test_too_little_is_asked_for_more(ada: User, as_person: As, text: str) -> None:
    assert b"Type at least two characters" in ask(as_person(ada), text).content


@pytest.mark.parametrize(
    "text", ["nothing-like-it", "<script>alert(1)</script>", "%%", "a" * 5000, "'; --", "ab\x00cd"]
)
def test_what_is_not_there_says_so_and_is_shown_harmlessly(ada: User, as_person: As, text: str) -> None:
    page = ask(as_person(ada), text).content.decode()
    assert "Nothing found" in page
    assert "<script>alert" not in page


def test_it_stays_cheap(ada: User, shop: Unit, as_person: As) -> None:
    client = as_person(ada)
    with CaptureQueriesContext(connection) as queries:
        ask(client, "shop")
    assert len(queries) <= 8, [query["sql"][:90] for query in queries]


def test_strangers_are_sent_to_sign_in(db: None) -> None:
    assert Client().get("/search/?q=shop").status_code == 302


def test_a_member_is_found_by_name_and_its_azure_id_leads_to_its_snapshots(
    ada: User, shop: Unit, as_person: As
) -> None:
    now, key = timezone.now(), f"{KEY}/gateways/uplink"
    member = Resource.objects.create(
        key=key, azure_id=key, type="Microsoft.ClassicNetwork/virtualNetworks/gateways", name="uplink", unit=shop,
        subscription=shop.subscription, document={}, digest="d", first_seen_at=now, changed_at=now, seen_at=now,
    )  # fmt: skip
    client = as_person(ada)
    page = ask(client, "uplin").content.decode()
    assert '<h2 id="found-resource">Resources</h2>' in page
    assert "in vnet-shop" in page
    assert ask(client, key + "/")["Location"] == f"/units/{shop.pk}/snapshots/?resource={member.pk}"


def test_the_id_of_an_event_leads_to_its_place_in_the_history(ada: User, shop: Unit, as_person: As) -> None:
    with transaction.atomic():
        event = record("inventory.sync_wanted", by=ada.actor, object=("subscription", "s1"), now=timezone.now())
    assert ask(as_person(ada), str(event.pk))["Location"] == f"/audit/{event.pk}/"
