"""Every fact with its source and age: on the page of a resource, of a unit, and in the API."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from migrator.captures.reading import Hints
from tests.web.estate import HOSTILE, TEST, Estate, hours_ago
from tracker.accounts.models import User
from tracker.inventory import actions, queries
from tracker.inventory.models import Resource, Snapshot, Sync
from tracker.runs.queries import database_now
from tracker.web.provenance import field_words, source_words

As = Callable[[User], Client]


def page_of(client: Client, one: Resource) -> str:
    answer = client.get(f"/resources/{one.pk}/")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def role(estate: Estate) -> Resource:
    return Resource.objects.get(unit=estate.unit("shop-net"), type__endswith="/roles", name__icontains="web")


def read(estate: Estate, hours: float, **more: object) -> None:
    """The last reading was so long ago; every reading is moved, so that none is younger."""
    at = hours_ago(hours)
    Sync.objects.update(started_at=at, ended_at=at + timedelta(minutes=1), **more)


def test_a_resource_tells_who_said_it_and_when(estate: Estate, as_person: As) -> None:
    network = Resource.objects.get(key=estate.unit("shop-net").key)
    text = page_of(as_person(estate.noor), network)
    assert "Resource Graph" in text
    assert "All of it" in text
    assert f'href="/units/{network.unit_id}/"' in text
    assert ">Old<" not in text
    text = page_of(as_person(estate.noor), role(estate))
    assert "Resource Manager" in text


@pytest.mark.parametrize(("hours", "old"), [(23, False), (25, True)])
def test_facts_nobody_has_seen_for_a_day_are_old_in_words(
    estate: Estate, as_person: As, hours: float, old: bool
) -> None:
    read(estate, hours)
    client, unit = as_person(estate.noor), estate.unit("shop-net")
    assert ("</svg>Old</span>" in page_of(client, role(estate))) is old
    text = unescape(client.get(f"/units/{unit.pk}/").content.decode())
    assert ("not seen for more than 24 hours" in text) is old
    members = unescape(client.get(f"/units/{unit.pk}/members/").content.decode())
    assert members.count("</svg>Old</span>") == (unit.member_count if old else 0)


@override_settings(OLD_AFTER_HOURS=2)
def test_what_counts_as_old_is_a_setting(estate: Estate, as_person: As) -> None:
    read(estate, 3)
    text = page_of(as_person(estate.noor), role(estate))
    assert "for more than 2 hours" in text and "</svg>Old</span>" in text


def test_fields_of_another_source_stand_apart_with_their_own_last_change(estate: Estate, as_person: As) -> None:
    one = role(estate)
    Resource.objects.filter(pk=one.pk).update(sources={"": "arm", "properties.instanceCount": "service-management"})
    first = Snapshot.objects.get(resource_key=one.key)
    for days, count in ((1, 7), (2, 8)):
        paper = {**first.document, "properties": {**first.document["properties"], "instanceCount": count}}
        Snapshot.objects.create(
            resource_key=one.key, digest=str(days) * 64, document=paper, taken_at=first.taken_at + timedelta(days=days)
        )
    one.refresh_from_db()
    told = queries.of_resource(one, now=database_now())
    assert [(f.source, f.fields) for f in told.facts] == [
        ("arm", ()), ("service-management", ("properties.instanceCount",))
    ]  # fmt: skip
    assert [f.changed_at - first.taken_at for f in told.facts] == [timedelta(0), timedelta(days=2)]
    text = page_of(as_person(estate.noor), one)
    assert "Service management" in text and "Instance count" in text and "Everything else" in text


def test_what_could_not_be_read_is_named_with_the_missing_action(estate: Estate, as_person: As) -> None:
    one = role(estate)
    slot = one.azure_id.rpartition("/roles/")[0]
    action = "Microsoft.ClassicCompute/domainNames/slots/roles/read"
    service = slot.rpartition("/slots/")[0]
    elsewhere = {"resource": f"{service}x", "action": "Microsoft.Other/read", "sentence": "Not about this."}
    told = {"resource": slot, "action": action, "sentence": f"Roles may not be read. {HOSTILE}"}
    Sync.objects.update(outcome="partial", unreadable=[told, elsewhere])
    client = as_person(estate.noor)
    for address in (f"/resources/{one.pk}/", f"/units/{one.unit_id}/members/"):
        raw = client.get(address).content.decode()
        assert f"Missing action: <code>{action}</code>" in raw and HOSTILE not in raw
        assert "Not about this." not in raw
    assert "1 part could not be read" in client.get(f"/units/{one.unit_id}/").content.decode()
    other = client.get(f"/units/{estate.unit('shopfiles').pk}/members/").content.decode()
    assert action not in other


def test_a_fact_azure_left_out_is_not_known(estate: Estate, as_person: As) -> None:
    one = role(estate)
    assert "Size:" not in page_of(as_person(estate.noor), one)
    paper = {**one.document, "properties": {k: v for k, v in one.document["properties"].items() if "Size" not in k}}
    Resource.objects.filter(pk=one.pk).update(document=paper)
    assert "Size: Azure’s answer does not say." in page_of(as_person(estate.noor), one)


def test_a_failed_reading_is_told_and_the_facts_keep_their_age(estate: Estate, as_person: As) -> None:
    read(estate, 30)
    now = database_now()
    Sync.objects.create(
        subscription=estate.subscription, started_at=now, ended_at=now, lease_until=now, outcome="failed",
        error="Azure did not answer.", started_by="system:sync",
    )  # fmt: skip
    client, one = as_person(estate.noor), role(estate)
    text = page_of(client, one)
    assert "The last reading of Azure failed" in text and "Azure did not answer." in text
    assert "</svg>Old</span>" in text
    assert "The last reading failed" in client.get(f"/units/{one.unit_id}/").content.decode()


def test_what_the_last_reading_could_not_list_says_so(estate: Estate, as_person: As) -> None:
    one = role(estate)
    Resource.objects.filter(pk=one.pk).update(unseen_since=hours_ago(40))
    text = page_of(as_person(estate.noor), one)
    assert "could not be listed by the last reading" in text and "</svg>Old</span>" in text


def imported(estate: Estate, name: str, size: str, hours: float) -> None:
    """A file about one virtual machine, made so long ago."""
    row = actions.preview_import(
        f"vmname,csname,size\nvm1,machines,{size}\n".encode(), name, by=TEST, now=database_now(),
        as_of=hours_ago(hours), hints=Hints(subscription_id=estate.subscription.pk, network="net1"),
    )  # fmt: skip
    actions.import_estate(row.pk, seal=row.seal, by=TEST, now=database_now())


def test_what_a_file_said_is_told_with_the_name_of_the_file(estate: Estate, as_person: As) -> None:
    read(estate, 48)
    imported(estate, "audit-vmresults.csv", "Small", hours=30)
    client, one = as_person(estate.noor), Resource.objects.get(name="vm1")
    text = page_of(client, one)
    assert "Imported file" in text and "audit-vmresults.csv" in text and "Resource Graph" not in text
    assert "</svg>Old</span>" in text, "a file is as old as it says, whenever it was imported"
    assert "The file does not say." in text
    assert "audit-vmresults.csv" in client.get(f"/units/{one.unit_id}/").content.decode()
    Sync.objects.all().delete()
    assert ">never<" in page_of(client, one), "of a subscription nobody could ever read"


def test_fields_a_file_was_laid_over_with_are_told_apart(estate: Estate, as_person: As) -> None:
    read(estate, 48)
    imported(estate, "first.csv", "Small", hours=30)
    one = Resource.objects.get(name="vm1")
    said = {key: value for key, value in one.document.items() if key != "source"}
    Resource.objects.filter(pk=one.pk).update(document=said, sources={"": "graph"})  # as a reading would leave it
    imported(estate, "second.csv", "Large", hours=1)
    one.refresh_from_db()
    text = page_of(as_person(estate.noor), one)
    assert "Hardware profile, size" in text and "second.csv" in text and "first.csv" not in text
    told = {fact.source: fact for fact in queries.of_resource(one, now=database_now()).facts}
    assert told["graph"].old and not told["file"].old


def test_a_resource_opens_in_eight_queries(estate: Estate, as_person: As) -> None:
    client = as_person(estate.maya)
    for one in Resource.objects.filter(gone_at=None):
        with CaptureQueriesContext(connection) as caught:
            assert client.get(f"/resources/{one.pk}/").status_code == 200
        assert len(caught) <= 8, one.key


def test_a_resource_that_moves_with_nothing_or_is_gone_or_unknown(estate: Estate, as_person: As) -> None:
    client, one = as_person(estate.noor), role(estate)
    Resource.objects.filter(pk=one.pk).update(unit=None, gone_at=hours_ago(1), sources={})
    text = page_of(client, one)
    assert "No unit; it stays where it is." in text and "No longer listed" in text and "Not recorded" in text
    assert client.get("/resources/0/").status_code == 404
    assert client.get("/resources/99999999999999999999/").status_code == 404


def test_words_for_people() -> None:
    assert [source_words(one) for one in ("graph", "arm", "service-management", "file", "", "new")] == [
        "Resource Graph", "Resource Manager", "Service management", "Imported file", "Not recorded", "new",
    ]  # fmt: skip
    assert field_words("properties.hardwareProfile.size") == "hardware profile, size"
    assert field_words("tags") == "tags"
