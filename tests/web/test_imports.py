"""The pages of an import: upload, preview, apply, discard; who may; what hostile uploads get."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.utils import timezone

from tests.web.conftest import person
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.audit.models import Event
from tracker.inventory.models import Import, Resource, Unit
from tracker.readiness.models import Assessment

pytestmark = pytest.mark.django_db
SUB = "11111111-2222-3333-4444-555555555555"
MADE = "2026-01-05T10:00"
CSV = b"vmname,csname,size,os,ip\nvm1,cs1,Small,Windows,10.0.0.4\nvm2,cs1,Large,Windows,10.0.0.5\n"


@pytest.fixture
def client(ada: User, as_person: Callable[[User], Client]) -> Client:
    return as_person(ada)


def give(client: Client, content: bytes = CSV, name: str = "net1-vmresults.csv", **fields: str) -> Any:
    told = {"subscription": SUB, "network": "net1", "region": "West Europe", "as_of": MADE, **fields}
    return client.post("/inventory/import/", {"file": SimpleUploadedFile(name, content), **told})


def previewed(client: Client, **options: Any) -> Import:
    answer = give(client, **options)
    assert answer.status_code == 302, answer.content.decode()
    return Import.objects.get(pk=answer["Location"].split("/")[-2])


def test_a_file_is_previewed_then_imported_and_assessed(client: Client) -> None:
    row = previewed(client)
    page = client.get(f"/inventory/import/{row.pk}/").content.decode()
    assert "net1-vmresults.csv" in page
    assert "vm2" in page
    assert "line 3" in page
    assert not Resource.objects.exists()
    answer = client.post(f"/inventory/import/{row.pk}/apply/", {"seal": row.seal}, follow=True)
    assert "is imported: 4 resources in 1 unit" in answer.content.decode()
    unit = Unit.objects.get(name="net1")
    assert Assessment.objects.filter(unit=unit).exists()
    assert unit.assessed_at is not None
    about = client.get(f"/units/{unit.pk}/").content.decode()
    assert "Imported file" in about
    assert "4 of 4 members" in about
    (event,) = Event.objects.filter(type="inventory.imported")
    assert "p-ada" in str(json.loads(event.body)["actor"])
    again = client.post(f"/inventory/import/{row.pk}/apply/", {"seal": row.seal}, follow=True)
    assert "was applied already" in again.content.decode()


def test_each_count_opens_its_rows(client: Client) -> None:
    row = previewed(client, content=CSV + b"vm3,c s,Small,Linux,1\n")
    page = client.get(f"/inventory/import/{row.pk}/").content.decode()
    assert 'href="?status=refused"' in page
    only = client.get(f"/inventory/import/{row.pk}/?status=refused").content.decode()
    assert "line 4" in only
    assert "line 3" not in only
    assert "no name of a cloud service" in only


def test_a_file_with_a_refused_row_is_not_imported(client: Client) -> None:
    row = previewed(client, content=CSV + b"vm3,c s,Small,Linux,1\n")
    page = client.get(f"/inventory/import/{row.pk}/").content.decode()
    assert "a file is imported whole or not at all" in page
    assert "/apply/" not in page
    assert f'action="/inventory/import/{row.pk}/discard/"' in page, "it can still be thrown away"
    answer = client.post(f"/inventory/import/{row.pk}/apply/", {"seal": row.seal}, follow=True)
    assert "1 row is refused" in answer.content.decode()
    assert not Resource.objects.exists()


@pytest.mark.parametrize("seal", ["", "0" * 64, "x" * 5_000])
def test_another_seal_imports_nothing(client: Client, seal: str) -> None:
    row = previewed(client)
    answer = client.post(f"/inventory/import/{row.pk}/apply/", {"seal": seal}, follow=True)
    assert "not what was shown" in answer.content.decode()
    assert not Resource.objects.exists()


def test_a_preview_can_be_thrown_away(client: Client) -> None:
    row = previewed(client)
    answer = client.post(f"/inventory/import/{row.pk}/discard/", follow=True)
    assert "thrown away" in answer.content.decode()
    assert not row.rows.exists()
    assert "was discarded already" in client.post(
        f"/inventory/import/{row.pk}/discard/", follow=True
    ).content.decode()  # fmt: skip


def test_an_auditor_reads_and_may_not_import(ina: User, client: Client, as_person: Callable[[User], Client]) -> None:
    row = previewed(client)
    auditor = as_person(ina)
    assert "Your role may not ask for a sync" in auditor.get("/inventory/import/").content.decode()
    assert auditor.get(f"/inventory/import/{row.pk}/").status_code == 200
    assert give(auditor).status_code == 403
    assert auditor.post(f"/inventory/import/{row.pk}/apply/", {"seal": row.seal}).status_code == 403
    assert auditor.post(f"/inventory/import/{row.pk}/discard/").status_code == 403
    assert Import.objects.get(pk=row.pk).state == Import.State.PREVIEWED


@pytest.mark.parametrize("role", [Role.PROGRAMME_MANAGER, Role.ENGINEER, Role.ADMINISTRATOR])
def test_whoever_may_sync_may_import(db: None, as_person: Callable[[User], Client], role: Role) -> None:
    assert give(as_person(person("bo", role))).status_code == 302


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"content": b""}, "the file is empty"),
        ({"content": b"PK\x03\x04"}, "ZIP archive"),
        ({"content": b"\xff\xfe"}, "the file is empty"),
        ({"content": b'{"a":'}, "not JSON"),
        ({"content": b"<a>"}, "not XML"),
        ({"subscription": "production"}, "no subscription id"),
        ({"subscription": ""}, "choose the subscription"),
        ({"network": "a/b"}, "no name of a virtual network"),
        ({"as_of": ""}, "when it was made"),
        ({"as_of": "2999-01-01T00:00"}, "cannot be meant"),
        ({"as_of": "2099-01-01T00:00"}, "still to come"),
        ({"as_of": "1e309"}, "not a date and time"),
        ({"subscription": "a\x00b"}, "Null characters are not allowed"),
        ({"name": "x" * 300 + ".csv", "content": b""}, "the file is empty"),
        ({"name": "<script>alert(1)</script>.csv", "content": b"{"}, "not JSON"),
    ],
)
def test_what_cannot_be_used_is_said_on_the_form(client: Client, fields: dict[str, Any], words: str) -> None:
    answer = give(client, **fields)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert "<script>alert" not in page
    assert not Resource.objects.exists()


def test_a_form_without_a_file_says_so(client: Client) -> None:
    answer = client.post("/inventory/import/", {"as_of": MADE})
    assert answer.status_code == 400
    assert "This field is required." in answer.content.decode()


@override_settings(IMPORT_MIB=1)
def test_an_upload_larger_than_the_site_takes_is_not_taken_in(client: Client) -> None:
    answer = give(client, content=b"x" * 2 * 1024 * 1024)
    assert answer.status_code == 400
    assert "larger than this site takes (1 MiB" in answer.content.decode()
    just = give(client, content=b"x" * (1024 * 1024 + 1))
    assert "at most 1 MiB are read" in just.content.decode()
    assert list(Import.objects.values_list("state", flat=True)) == ["refused"]


def test_ten_files_an_hour_are_taken(client: Client) -> None:
    for _ in range(10):
        previewed(client)
    answer = give(client)
    assert answer.status_code == 400
    assert "10 files within the hour" in answer.content.decode()


def test_names_and_reasons_are_shown_harmless(client: Client) -> None:
    row = previewed(client, content=CSV + b'"<img src=x>",cs1,Small,Windows,1\n', name='"><b>.csv')
    page = client.get(f"/inventory/import/{row.pk}/").content.decode()
    assert "<img src" not in page
    assert "&lt;img src" in page


def test_an_import_that_is_not_there_is_not_found(client: Client) -> None:
    assert client.get("/inventory/import/00000000-0000-0000-0000-000000000000/").status_code == 404
    assert client.get("/inventory/import/xyz/").status_code == 404


def test_a_refused_file_stays_in_the_list_with_its_reason(client: Client) -> None:
    give(client, content=b"PK\x03\x04", name="estate.zip")
    page = client.get("/inventory/import/").content.decode()
    assert "estate.zip" in page
    assert "Unpack it" in page
    assert Import.objects.get().closed_at <= timezone.now()
