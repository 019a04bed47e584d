"""The pages of an import: upload, preview, apply, discard; who may; what hostile uploads get."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.utils import timezone

from tests.web.conftest import person
from tracker import tasks
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.audit.models import Event
from tracker.inventory import actions as inventory
from tracker.inventory import queries
from tracker.inventory.models import Import, ImportRow, Resource, Unit
from tracker.readiness.models import Assessment
from tracker.runs.queries import database_now

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


def apply(client: Client, row: Import) -> str:
    answer = client.post(f"/inventory/import/{row.pk}/apply/", {"seal": row.seal}, follow=True)
    return answer.content.decode()


def test_a_file_is_previewed_then_imported_and_assessed_behind_the_page(client: Client) -> None:
    row = previewed(client)
    page = client.get(f"/inventory/import/{row.pk}/").content.decode()
    assert "net1-vmresults.csv" in page
    assert "vm2" in page
    assert "line 3" in page
    assert not Resource.objects.exists()
    page = apply(client, row)
    assert "is imported: 4 resources in 1 unit" in page
    assert "readiness is not assessed yet" in page and "It waits for the worker since" in page
    unit = Unit.objects.get(name="net1")
    assert not Assessment.objects.exists(), "the request waits for nothing"
    fragment = client.get(f"/inventory/import/{row.pk}/following/", HTTP_HX_REQUEST="true")
    assert fragment.status_code == 200 and "hx-get" in fragment.content.decode()
    tag = fragment["ETag"]
    assert client.get(f"/inventory/import/{row.pk}/following/", HTTP_IF_NONE_MATCH=tag).status_code == 304

    assert queries.unfollowed_imports(database_now()) == [row.pk], "the ticker finds it"
    assert tasks.follow_import(import_id=str(row.pk)) == "followed"
    assert tasks.follow_import(import_id=str(row.pk)) == "already followed"
    assert queries.unfollowed_imports(database_now()) == []
    assert Assessment.objects.filter(unit=unit).exists()
    done = client.get(f"/inventory/import/{row.pk}/following/", HTTP_HX_REQUEST="true", HTTP_IF_NONE_MATCH=tag)
    assert done.status_code == 286 and "Imported, and assessed" in done.content.decode()
    about = client.get(f"/units/{unit.pk}/").content.decode()
    assert "Imported file" in about
    assert "4 of 4 members" in about
    (event,) = Event.objects.filter(type="inventory.imported")
    assert "p-ada" in str(json.loads(event.body)["actor"])
    assert "was applied already" in apply(client, row)


def test_one_worker_follows_an_import_and_another_takes_over_when_it_dies(client: Client) -> None:
    row = previewed(client)
    apply(client, row)
    now = database_now()
    assert inventory.claim_import(row.pk, now) is not None
    assert inventory.claim_import(row.pk, now) is None and queries.unfollowed_imports(now) == []
    assert "The worker is at it." in client.get(f"/inventory/import/{row.pk}/").content.decode()
    later = now + timedelta(minutes=31)
    assert queries.unfollowed_imports(later) == [row.pk]
    assert inventory.claim_import(row.pk, later) is not None
    assert inventory.claim_import(previewed(client).pk, later) is None, "what was not applied is not followed"


def test_younger_facts_stay_and_the_preview_says_so(client: Client) -> None:
    apply(client, previewed(client))
    older = previewed(client, content=CSV.replace(b"Small", b"Large"), as_of="2026-01-04T10:00")
    page = client.get(f"/inventory/import/{older.pk}/").content.decode()
    assert "1 row of the file says something older than what is known" in page
    assert 'href="?status=kept"' in page
    kept = client.get(f"/inventory/import/{older.pk}/?status=kept").content.decode()
    assert "What another file said at 2026-01-05 10:00 UTC is younger and stays." in kept
    younger = previewed(client, content=CSV.replace(b"Small", b"Large"), as_of="2026-01-06T10:00")
    page = client.get(f"/inventory/import/{younger.pk}/?status=changed").content.decode()
    assert "It takes the place of what another file said at 2026-01-05 10:00 UTC." in page


def test_every_step_of_an_import_is_history(client: Client) -> None:
    first, second = previewed(client), previewed(client)
    client.post(f"/inventory/import/{first.pk}/discard/")
    inventory.forget_previews(database_now() + timedelta(hours=25))
    assert not ImportRow.objects.exists()
    told = [
        (event.type, event.object_id, event.actor)
        for event in Event.objects.filter(type__startswith="inventory.import_").order_by("id")
    ]
    assert told == [
        ("inventory.import_previewed", str(first.pk), "user:p-ada"),
        ("inventory.import_previewed", str(second.pk), "user:p-ada"),
        ("inventory.import_discarded", str(first.pk), "user:p-ada"),
        ("inventory.import_discarded", str(second.pk), "system:sweep"),
    ]


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
    assert (
        "Your role may not import files; it takes the role engineer or administrator."
        in auditor.get("/inventory/import/").content.decode()
    )
    assert auditor.get(f"/inventory/import/{row.pk}/").status_code == 200
    assert give(auditor).status_code == 403
    assert auditor.post(f"/inventory/import/{row.pk}/apply/", {"seal": row.seal}).status_code == 403
    assert auditor.post(f"/inventory/import/{row.pk}/discard/").status_code == 403
    assert Import.objects.get(pk=row.pk).state == Import.State.PREVIEWED


@pytest.mark.parametrize("role", list(Role))
def test_engineers_and_administrators_import_and_others_are_told_whom_to_ask(
    ada: User, as_person: Callable[[User], Client], role: Role
) -> None:
    answer = give(as_person(person("bo", role)))
    if role in (Role.ENGINEER, Role.ADMINISTRATOR):
        assert answer.status_code == 302
        return
    assert answer.status_code == 403
    assert "You may not import files" in answer.content.decode()
    assert "ask Ada Brandt" in answer.content.decode()
    assert not Import.objects.exists()


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
