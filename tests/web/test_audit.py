"""The audit pages: the table and its filters, one event, the proof, exports, and who may what."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from tests.web.conftest import person
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.audit import registry, verify_audit
from tracker.audit.actions import ENGINE, Fact, record, record_many, sequence, sign_checkpoint, vkey
from tracker.audit.export_parts import VERIFIER
from tracker.audit.models import Event, PrivateValue
from tracker.web.views import audit

As = Callable[[User], Client]


@pytest.fixture
def history(ada: User, ina: User) -> list[Event]:
    """Twelve waves made, one refusal, one failed sign-in, and a sync; all sequenced and signed."""
    now = timezone.now() - timedelta(hours=1)
    with transaction.atomic():
        made = record_many(
            [Fact("wave.created", ("wave", number), {"name": f"Wave {number}"}) for number in range(1, 13)],
            by=ada.actor,
            now=now,
        )
        made.append(
            record(
                "access.denied", by=ina.actor, object=("page", "/waves/"), now=now + timedelta(minutes=1),
                detail={"permission": "plan", "wanted": "plan waves"}, result="denied",
            )
        )  # fmt: skip
        made.append(
            record(
                "account.sign_in_failed", by=ada.actor, object=("account", "p-ada"), now=now + timedelta(minutes=2),
                detail={"cause": "wrong credentials"}, private={"address": "192.0.2.9", "username": "ada"},
                result="failed",
            )
        )  # fmt: skip
        made.append(record("inventory.sync_started", by=ENGINE, object=("subscription", "s-1"), now=now))
    sequence(timezone.now())
    sign_checkpoint(timezone.now(), "test")
    return made


def shown(client: Client, **query: object) -> str:
    answer = client.get("/audit/", query)
    assert answer.status_code == 200, answer.content.decode()[:2000]
    return answer.content.decode()


def rows(page: str) -> int:
    return page.count('class="row-link"')


def test_the_table_tells_time_actor_object_sentence_and_result(ada: User, history: list, as_person: As) -> None:
    page = shown(as_person(ada))
    for words in ("Wave created", "Wave 12", "Access denied", "Ada", "may not plan waves", "Denied", "Failed"):
        assert words in page
    assert f"/audit/{history[0].id}/" in page


def test_every_filter_of_the_url_narrows_the_table(ada: User, history: list, as_person: As) -> None:
    client = as_person(ada)
    assert rows(shown(client, type="wave.created")) == 12
    assert rows(shown(client, type="wave")) == 12
    assert rows(shown(client, type=["wave.created", "access"])) == 13
    assert rows(shown(client, result="denied")) == 1
    assert rows(shown(client, actor="user:p-ina")) == 1
    assert rows(shown(client, actor="system", type="inventory")) == 1
    assert rows(shown(client, kind="wave", object="7")) == 1
    assert rows(shown(client, q="/WAVES")) == 1
    since = history[12].at.isoformat()
    assert rows(shown(client, since=since, type=["wave", "access", "account"])) == 2
    assert rows(shown(client, until=since, type=["wave", "access", "account"])) == 12


def test_the_pager_walks_all_events_once_and_keeps_the_filters(ada: User, history: list, as_person: As) -> None:
    with transaction.atomic():
        record_many([Fact("wave.created", ("wave", n)) for n in range(120)], by=ada.actor, now=timezone.now())
    client, seen, address = as_person(ada), [], "/audit/?type=wave.created"
    while address:
        page = client.get(address).content.decode()
        seen += [part.split('"')[0] for part in page.split('<a class="row-link" href="')[1:]]
        following = page.split('rel="next" href="')
        address = "/audit/" + following[1].split('"')[0].replace("&amp;", "&") if len(following) > 1 else ""
        assert not address or "type=wave.created" in address
    assert len(seen) == len(set(seen)) == 132


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"type": "nonsense"}, "There is no event type"),
        ({"result": "perhaps"}, "it is done, denied or failed"),
        ({"since": "31 February"}, "which is no time"),
        ({"since": "0001-01-01T00:00"}, "which is no time"),
        ({"until": "9999-12-31T23:59:59+14:00"}, "which is no time"),
        ({"since": "2026-03-02T00:00", "until": "2026-03-01T00:00"}, "is not after"),
        ({"q": "a\x00b"}, "no NUL"),
        ({"object": "a\x00b"}, "no NUL"),
        ({"q": "x" * 300}, "at most 200 characters"),
    ],
)
def test_a_filter_that_cannot_be_understood_is_named(
    ada: User, history: list, as_person: As, query: dict, said: str
) -> None:
    answer = as_person(ada).get("/audit/", query)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert said in page.replace("&#x27;", "'")
    assert rows(page) == 0


def test_wild_words_are_shown_as_text_and_a_cut_cursor_gives_the_first_page(
    ada: User, history: list, as_person: As
) -> None:
    client = as_person(ada)
    page = shown(client, q="<script>alert(1)</script>{{7*7}}")
    assert "<script>alert" not in page and "&lt;script&gt;" in page
    assert "No event matches" in page and "Clear filters" in page
    page = shown(client, cursor="not-a-uuid")
    assert "no longer fits the list" in page and rows(page) > 10
    for unknown in ({"sort": "password"}, {"page": "-1"}, {"page": "1e9"}):
        assert rows(shown(client, **unknown)) > 10


def test_the_panel_tells_events_checkpoint_pending_and_key(ada: User, history: list, as_person: As) -> None:
    page = shown(as_person(ada))
    assert "Last checkpoint over" in page and f'<span class="value">{len(history)}</span>' in page
    assert "1 pending" in page  # the event of the signature itself
    assert vkey().replace("+", "&#x2B;") in page or vkey() in page


def test_the_panel_is_304_until_something_happens(ada: User, history: list, as_person: As) -> None:
    client = as_person(ada)
    first = client.get("/audit/integrity/")
    assert client.get("/audit/integrity/", headers={"If-None-Match": first["ETag"]}).status_code == 304
    with transaction.atomic():
        record("wave.created", by=ada.actor, object=("wave", 99), now=timezone.now())
    assert client.get("/audit/integrity/", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_damage_is_said_in_red(ada: User, history: list, as_person: As) -> None:
    with transaction.atomic():
        record(
            "audit.damage_found", by=ENGINE, object=("history", "x"), now=timezone.now(),
            detail={"cause": "The event at place 3 is no longer what was hashed."}, result="failed",
        )  # fmt: skip
    page = shown(as_person(ada))
    assert "The history does not check out" in page and "place 3" in page


def test_an_event_shows_its_detail_its_line_and_its_place(ada: User, history: list, as_person: As) -> None:
    page = as_person(ada).get(f"/audit/{history[0].id}/").content.decode()
    assert "Wave 1" in page and "Line <strong>" in page
    assert "Covered by the checkpoint over <strong>15</strong>" in page
    assert "Signed note" in page and "test" in page
    assert history[0].body.replace('"', "&quot;") in page


def test_an_event_not_yet_in_the_tree_says_so(ada: User, as_person: As) -> None:
    with transaction.atomic():
        made = record("wave.created", by=ada.actor, object=("wave", 1), now=timezone.now())
    page = as_person(ada).get(f"/audit/{made.id}/").content.decode()
    assert "waits to be put in the tree" in page


def test_addresses_are_for_auditors_and_administrators_only(ada: User, ina: User, history: list, as_person: As) -> None:
    failed = history[13]
    boss = person("boss", Role.ADMINISTRATOR)
    assert "192.0.2.9" not in as_person(ada).get(f"/audit/{failed.id}/").content.decode()
    assert "erased, or not for your role" in as_person(ada).get(f"/audit/{failed.id}/").content.decode()
    assert "192.0.2.9" not in shown(as_person(ada))
    for reader in (ina, boss):
        assert "192.0.2.9" in as_person(reader).get(f"/audit/{failed.id}/").content.decode()
        assert "192.0.2.9" in shown(as_person(reader))


def test_an_erased_value_is_told_and_the_page_still_opens(ina: User, history: list, as_person: As) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tracker_privatevalue")
    assert not PrivateValue.objects.exists()
    assert "erased, or not for your role" in as_person(ina).get(f"/audit/{history[13].id}/").content.decode()


@pytest.mark.parametrize("wrong", ["00000000-0000-0000-0000-000000000000", "12", "urn:uuid:1", "%00"])
def test_another_id_is_not_found(ada: User, as_person: As, wrong: str) -> None:
    assert as_person(ada).get(f"/audit/{wrong}/").status_code == 404


@pytest.mark.parametrize("role", list(Role))
def test_everybody_reads_and_only_auditors_export(role: Role, history: list, as_person: As) -> None:
    client = as_person(person(f"some-{role.value}", role))
    for address in ("", "integrity/", "export/", "export/list/", "verify_audit.py", "checkpoints.txt"):
        assert client.get(f"/audit/{address}").status_code == 200, address
    form = client.get("/audit/export/").content.decode()
    answer = client.post("/audit/export/download/", {"format": "jsonl"})
    if role is Role.AUDITOR:
        assert answer.status_code == 200 and b"".join(answer.streaming_content).count(b"\n") > 10
        assert "You may not" not in form
    else:
        assert answer.status_code == 403
        assert "You may not export the audit history." in form and "ask Ina Vogel" in form
        assert Event.objects.filter(type="access.denied", object_id="/audit/export/download/").count() == 1
        assert not Event.objects.filter(type="export.started").exists()


def test_nobody_without_an_account_sees_anything(db: None, client: Client) -> None:
    for address in ("", "integrity/", "export/", "verify_audit.py", "checkpoints.txt"):
        assert client.get(f"/audit/{address}").status_code == 302
    assert client.post("/audit/export/download/").status_code == 302


@pytest.fixture
def bundle(ina: User, history: list, as_person: As) -> bytes:
    answer = as_person(ina).post("/audit/export/download/", {"format": "bundle", "type": "wave"})
    assert answer["Content-Type"] == "application/zip" and "attachment" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content)


def test_a_filtered_bundle_verifies_with_the_downloaded_script_and_a_changed_byte_does_not(
    bundle: bytes, ada: User, as_person: As, tmp_path
) -> None:
    client = as_person(ada)
    script = client.get("/audit/verify_audit.py")
    assert script.content == VERIFIER.read_bytes() and 'filename="verify_audit.py"' in script["Content-Disposition"]
    page = client.get("/audit/export/").content.decode()
    assert vkey() in page and "python3 verify_audit.py" in page
    path = tmp_path / "events.zip"
    path.write_bytes(bundle)
    assert verify_audit.main(vkey(), str(path)).startswith("12 of ")
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(io.BytesIO(bundle)) as old, zipfile.ZipFile(bad, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"Wave 7", b"Wave 8") if name == "events.jsonl" else content)
    with pytest.raises(verify_audit.Failed, match="line 7"):
        verify_audit.main(vkey(), str(bad))


def test_a_csv_has_the_columns_that_were_ticked(ina: User, history: list, as_person: As) -> None:
    answer = as_person(ina).post(
        "/audit/export/download/", {"format": "csv", "columns": ["at", "sentence"], "result": "denied"}
    )
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert text.splitlines()[0] == '"at","sentence"'
    assert "may not plan waves" in text.splitlines()[1] and len(text.splitlines()) == 2


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"format": "pdf"}, "There is no export format"),
        ({}, "There is no export format"),
        ({"format": "csv"}, "Choose at least one column"),
        ({"format": "csv", "columns": "password"}, "There is no column"),
        ({"format": "jsonl", "since": "yesterday"}, "which is no time"),
        ({"format": "jsonl", "q": "\x00"}, "no NUL"),
        ({"format": "jsonl", "type": "nonsense"}, "There is no event type"),
    ],
)
def test_a_wrong_form_is_said_and_keeps_what_was_typed(
    ina: User, history: list, as_person: As, form: dict, said: str
) -> None:
    answer = as_person(ina).post("/audit/export/download/", {**form, "object": "kept-as-typed"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert said in page and "kept-as-typed" in page and "Nothing was exported" in page
    assert not Event.objects.filter(type="export.started").exists()


def test_a_second_export_at_once_is_refused_in_a_sentence(ina: User, history: list, as_person: As) -> None:
    client = as_person(ina)
    first = client.post("/audit/export/download/", {"format": "jsonl"})
    second = client.post("/audit/export/download/", {"format": "jsonl"})
    assert second.status_code == 409 and "still running" in second.content.decode()
    assert b"".join(first.streaming_content)
    assert client.post("/audit/export/download/", {"format": "jsonl"}).status_code == 200


def test_the_last_exports_are_listed_with_their_end(ina: User, history: list, bundle: bytes, as_person: As) -> None:
    page = as_person(ina).get("/audit/export/").content.decode()
    assert "Ina Vogel" in page and "filtered" in page
    assert '<td class="num" data-label="Events">12</td>' in page


def test_a_page_takes_the_same_few_queries_for_few_events_and_many(
    ada: User, history: list, as_person: As, django_assert_max_num_queries
) -> None:
    client = as_person(ada)
    session, frame = 3, 1  # session, user, grants; counts of the rail
    with django_assert_max_num_queries(6 - frame + session + frame):
        client.get("/audit/")
    with django_assert_max_num_queries(8 + session):
        client.get(f"/audit/{history[0].id}/")


def test_every_slice_of_the_registry_has_a_name_here() -> None:
    assert set(audit.SLICES) == {name.split(".")[0] for name in registry.TYPES}


def test_every_link_of_the_pages_leads_somewhere(ina: User, history: list, as_person: As) -> None:
    client = as_person(ina)
    for address in ("/audit/", f"/audit/{history[0].id}/", "/audit/export/"):
        page = client.get(address).content.decode()
        main = page.split('<main id="main"')[1].split("</main>")[0]
        for link in {part.split('"')[0].replace("&amp;", "&") for part in main.split('href="')[1:]}:
            if link.startswith(("/audit", "?")):
                target = address + link if link.startswith("?") else link
                assert client.get(target).status_code == 200, link


@pytest.fixture
def detail_of_all_kinds(ada: User) -> Iterator[Event]:
    with transaction.atomic():
        yield record(
            "wave.changed", by=ada.actor, object=("wave", 1), now=timezone.now(),
            detail={"before": {"name": "Old"}, "fields": ["name", "owner"], "count": 12345},
        )  # fmt: skip


def test_maps_lists_and_numbers_of_a_detail_are_readable(ada: User, detail_of_all_kinds: Event, as_person: As) -> None:
    page = as_person(ada).get(f"/audit/{detail_of_all_kinds.id}/").content.decode()
    assert "name, owner" in page and "12,345" in page
    assert json.dumps({"name": "Old"}, indent=2).replace('"', "&quot;") in page
