"""The Configuration tab: files are read, shown without secrets, withdrawn, and rewritten in the answer only."""

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from migrator.simulator.running import Running
from tests.tracker.readiness.files import CANARY, cscfg, csdef
from tests.tracker.readiness.test_files import dump
from tests.tracker.runs.programme import Programme
from tests.web.estate import Estate
from tracker.accounts.models import User
from tracker.audit.models import Event
from tracker.inventory.models import Resource, Unit
from tracker.readiness.models import ConfigurationFile, Finding
from tracker.runs.models import Comparison

As = Callable[[User], Client]
OLD_SITE = cscfg("shop-web", "WebFront", count=3, plugin="RemoteAccess", site="shop-net")


@pytest.fixture
def unit(estate: Estate) -> Unit:
    return estate.unit("shop-net")


@pytest.fixture
def key(unit: Unit) -> str:
    return Resource.objects.get(unit=unit, key__endswith="/shop-web/slots/production").key


@pytest.fixture
def client(estate: Estate, as_person: As) -> Client:
    return as_person(estate.tomas)


def give(client: Client, unit: Unit, key: str, **files: bytes) -> Any:
    uploads = {kind: SimpleUploadedFile(f"Shop.{kind}", data) for kind, data in files.items()}
    return client.post(f"/units/{unit.pk}/configuration/give/", {"deployment": key, **uploads})


def page_of(client: Client, unit: Unit) -> str:
    answer = client.get(f"/units/{unit.pk}/configuration/")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def again(client: Client, unit: Unit, row: ConfigurationFile, data: bytes) -> Any:
    return client.post(
        f"/units/{unit.pk}/configuration/{row.pk}/rewrite/", {"file": SimpleUploadedFile("mine.xml", data)}
    )


def test_before_a_file_the_page_says_what_one_would_settle(client: Client, unit: Unit) -> None:
    page = page_of(client, unit)
    assert "What a file would settle" in page
    assert "Definition and configuration of different names" in page
    assert "shop-web, production" in page and "shop-jobs, production" in page


def test_both_files_are_read_at_once_and_the_page_tells_all(client: Client, unit: Unit, key: str) -> None:
    answer = give(client, unit, key, cscfg=OLD_SITE, csdef=csdef("shop-web", "WebFront"))
    assert answer.status_code == 302
    page = page_of(client, unit)
    assert "Shop.cscfg and Shop.csdef are read, without secrets. The findings changed with it." in page
    assert "Settled by files" in page and "given by Tomás Ferreira, 20" in page
    assert "Role WebFront: the file says size Small, Azure shows Standard_D2_v2." in page
    assert "Named the virtual network" in page and "/shop-net-migrated/providers/Microsoft.Network/virtual" in page
    assert "Gave role WebFront the size Standard_A1_v2 instead of Small" in page
    assert "Role WebFront has no subnet: give it an InstanceAddress. The network has the subnets web, jobs." in page
    assert "--- yours" in page and "+++ rewritten" in page
    assert "build the package (.cspkg) again" in page
    assert CANARY not in page
    readiness = unescape(client.get(f"/units/{unit.pk}/").content.decode())
    assert "given by Tomás Ferreira" in readiness and "user:p-tomas" not in readiness


def test_the_tab_asks_no_more_of_the_database_than_before(
    client: Client, unit: Unit, key: str, django_assert_max_num_queries: Any
) -> None:
    give(client, unit, key, cscfg=OLD_SITE, csdef=csdef("shop-web", "WebFront"))
    give(client, unit, key, cscfg=OLD_SITE)
    with django_assert_max_num_queries(12):
        client.get(f"/units/{unit.pk}/configuration/")


def test_the_rewritten_file_carries_the_owners_settings_and_is_kept_nowhere(
    client: Client, unit: Unit, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    give(client, unit, key, cscfg=OLD_SITE)
    answer = again(client, unit, ConfigurationFile.objects.get(), OLD_SITE)
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'attachment; filename="Shop.cscfg"'
    assert answer["Cache-Control"] == "no-store"
    assert f"AccountKey={CANARY}-key==".encode() in answer.content
    assert f"{CANARY}-comment".encode() in answer.content
    assert f"{CANARY}-password".encode() not in answer.content, "the plugin is gone"
    assert b'VirtualNetworkSite name="/subscriptions/' in answer.content
    (event,) = Event.objects.filter(type="readiness.file_rewritten")
    assert '"changes":3' in event.body.replace(" ", "")
    assert CANARY not in dump()
    assert CANARY not in caplog.text


def test_another_file_than_the_one_read_is_not_rewritten(client: Client, unit: Unit, key: str) -> None:
    give(client, unit, key, cscfg=OLD_SITE)
    row = ConfigurationFile.objects.get()
    for data, said in (
        (cscfg("shop-web", "WebFront", count=3), "This is not the service configuration that was read as Shop.cscfg."),
        (b"<x/>", "Line 1: The file begins with 'x'"),
        (csdef("shop-web", "WebFront"), "This is a service definition (.csdef)"),
    ):
        answer = again(client, unit, row, data)
        assert answer.status_code == 400
        assert said in unescape(answer.content.decode())
    assert client.post(f"/units/{unit.pk}/configuration/{row.pk}/rewrite/", {}).status_code == 400
    assert not Event.objects.filter(type="readiness.file_rewritten").exists()


def test_after_prepare_the_network_that_was_found_is_written(
    estate: Estate, client: Client, unit: Unit, key: str
) -> None:
    wave = estate.wave("One", "shop-net")
    assert wave
    run = estate.run("shop-net")
    head = f"/subscriptions/{unit.subscription_id}/resourceGroups/SHOP-NET-MIGRATED/providers"
    found = {"id": f"{head}/Microsoft.Network/virtualNetworks/shop-net", "name": "shop-net", "properties": {}}
    made = Comparison.objects.create(run=run, at=run.started_at, arm_documents=[found], digest="d" * 64)
    give(client, unit, key, cscfg=OLD_SITE)
    assert f"Named the virtual network {found['id']} instead of shop-net" in page_of(client, unit)
    assert "the documents lead to expect" not in page_of(client, unit)
    type(run).objects.filter(pk=run.pk).update(outcome="aborted", ended_at=made.at)
    assert "/shop-net-migrated/providers" in page_of(client, unit), "what was found is gone again"


def test_errors_stand_at_their_fields_and_nothing_is_kept(client: Client, unit: Unit, key: str) -> None:
    answer = give(client, unit, key, cscfg=b"<a>" + b" " * 2_000_000, csdef=b"PK\x03\x04")
    assert answer.status_code == 400
    page = unescape(answer.content.decode())
    assert 'id="cscfg-wrong"' in page and "The file is larger than 1024 KiB." in page
    assert 'id="csdef-wrong"' in page and "an archive, perhaps a package (.cspkg)" in page
    assert f'value="{key}" selected' in page
    assert not ConfigurationFile.objects.exists()
    assert "Choose a file first." in unescape(give(client, unit, key).content.decode())
    assert "no such deployment" in unescape(give(client, unit, "x", cscfg=OLD_SITE).content.decode())


def test_what_is_far_too_large_is_not_taken_in(client: Client, unit: Unit, key: str) -> None:
    answer = give(client, unit, key, cscfg=b"<a>" + b" " * 3_000_000)
    assert answer.status_code == 400
    assert "A configuration file has at most 1024 KiB." in unescape(answer.content.decode())


def test_no_byte_of_a_file_is_written_to_the_disk(
    client: Client, unit: Unit, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("a temporary file was asked for")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refused)
    monkeypatch.setattr("django.core.files.uploadhandler.TemporaryUploadedFile", refused)
    large = OLD_SITE.replace(b"</Service", b" " * 1_000_000 + b"</Service")
    assert give(client, unit, key, cscfg=large, csdef=csdef("shop-web", "WebFront")).status_code == 302
    row = ConfigurationFile.objects.get(kind="cscfg")
    assert again(client, unit, row, large).status_code == 200
    with pytest.raises(AssertionError, match="temporary file"):  # an import takes that way, so the guard holds
        client.post("/inventory/import/", {"file": SimpleUploadedFile("x.csv", b"x")})


def test_a_withdrawn_file_is_told_as_a_former_one(client: Client, unit: Unit, key: str) -> None:
    give(client, unit, key, cscfg=OLD_SITE)
    row = ConfigurationFile.objects.get()
    answer = client.post(f"/units/{unit.pk}/configuration/{row.pk}/withdraw/", follow=True)
    page = unescape(answer.content.decode())
    assert "Shop.cscfg is withdrawn" in page and "Former files" in page
    answer = client.post(f"/units/{unit.pk}/configuration/{row.pk}/withdraw/", follow=True)
    assert "This file was replaced or withdrawn meanwhile." in unescape(answer.content.decode())
    assert again(client, unit, row, OLD_SITE).status_code == 400


@pytest.mark.parametrize("who", ["maya", "noor"])
def test_who_may_not_import_may_read_only(estate: Estate, as_person: As, unit: Unit, key: str, who: str) -> None:
    other = as_person(getattr(estate, who))
    assert "import files" in page_of(other, unit)
    assert give(other, unit, key, cscfg=OLD_SITE).status_code == 403
    assert not ConfigurationFile.objects.exists()
    give(as_person(estate.tomas), unit, key, cscfg=OLD_SITE)
    row = ConfigurationFile.objects.get()
    assert again(other, unit, row, OLD_SITE).status_code == 403
    assert other.post(f"/units/{unit.pk}/configuration/{row.pk}/withdraw/").status_code == 403


def test_units_without_roles_have_no_such_tab(estate: Estate, client: Client) -> None:
    store = estate.unit("shopfiles")
    assert f'href="/units/{store.pk}/configuration/"' not in client.get(f"/units/{store.pk}/").content.decode()
    assert "No web or worker roles" in page_of(client, store)


def test_names_in_a_file_are_shown_as_text(client: Client, unit: Unit, key: str) -> None:
    odd = OLD_SITE.replace(b'serviceName="shop-web"', b'serviceName="&lt;script&gt;x"')
    assert give(client, unit, key, cscfg=odd).status_code == 400, "no name of Azure's holds these"
    give(client, unit, key, cscfg=OLD_SITE.replace(b'serviceName="shop-web"', 'serviceName="shop\u202eweb"'.encode()))
    assert "<script>x" not in client.get(f"/units/{unit.pk}/configuration/").content.decode()


def rows() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM tracker_configurationfile")
        yield from (row[0] for row in cursor)


def test_findings_follow_the_files(client: Client, unit: Unit, key: str) -> None:
    def outcome() -> list[str]:
        found = Finding.objects.filter(unit=unit, rule="CS-OK-STARTUP-TASKS")
        return list(found.values_list("outcome", flat=True))

    assert outcome() == ["unknown"]
    give(client, unit, key, csdef=csdef("shop-web", "WebFront"))
    assert outcome() == ["yes"]
    assert all(CANARY not in text for text in rows())


@pytest.mark.parametrize(
    ("scenario", "name", "service", "role", "site"),
    [("journey", "shop-net", "shop-web", "WebFront", "shop-net"), ("small", "small-tool", "small-tool", "Tool", "")],
    ids=["of a network", "of the default network"],
)
def test_after_a_real_prepare_the_rewritten_file_names_what_stands_in_resource_manager(
    db: None, simulator: Running, as_person: As, scenario: str, name: str, service: str, role: str, site: str
) -> None:
    programme = Programme(simulator)
    programme.begin(scenario)
    with closing(programme):
        programme.prepared(name)
    unit = programme.unit(name)
    client = as_person(programme.tomas)
    key = Resource.objects.get(unit=unit, key__endswith=f"/{service}/slots/production").key
    data = cscfg(service, role, site=site)
    assert give(client, unit, key, cscfg=data).status_code == 302
    answer = again(client, unit, ConfigurationFile.objects.get(), data)
    (network,) = [
        one["id"]
        for one in Comparison.objects.get(run__unit=unit).arm_documents
        if "/virtualnetworks/" in one["id"].lower() and one["id"].lower().count("/") == 8
    ]
    assert f'<VirtualNetworkSite name="{network}" />'.encode() in answer.content
    page = page_of(client, unit)
    assert f"Named the virtual network {network}" in page
    assert "documents lead to expect" not in page
