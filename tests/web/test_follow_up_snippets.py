"""The requests for those who send them by hand: on the page, as files, of a wave in one; taking them is history."""

import html
import io
import json
import re
import zipfile
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from migrator.followups import answered
from tests.migrator.followups.conftest import Shop
from tests.web.estate import Estate
from tests.web.test_follow_up_list import SECRET, owed, text
from tracker.accounts.models import User
from tracker.audit.models import Event
from tracker.followups import queries
from tracker.followups.actions import taking
from tracker.followups.models import FollowUp
from tracker.runs.queries import database_now
from tracker.waves.models import Wave

As = Callable[[User], Client]


@pytest.fixture
def rows(estate: Estate) -> dict[str, FollowUp]:
    """A lock, a question, a label, work of people, an alert whose secret was given, one closed; in a wave."""
    shop, now = Shop(), database_now()
    estate.wave("Pilot/../1", "shop-net")
    lock, question, hook = map(shop.one, ("lock on a deployment", "autoscale with questions", "alert rule on events"))
    secret = shop.one("alert rule with a secret webhook")
    for asked in secret.open_questions:
        secret = answered(secret, {asked.id: SECRET if asked.secret else asked.choices[0].value})
    (tags,) = shop.required(shop.setting("lock on a deployment"), tags=True)[:1]
    values = {"lock": lock, "question": question, "work": hook, "secret": secret, "tags": tags}
    unit = estate.unit("shop-net")
    made = {name: owed(estate, value, now, 1, unit=unit) for name, value in values.items()}
    closed = {"state": "closed", "closed_how": "seen", "closed_at": now}
    return made | {"closed": owed(estate, lock, now, 2, unit=unit, **closed)}


def events(kind: str) -> list[dict]:
    return [json.loads(body) for body in Event.objects.filter(type=kind).values_list("body", flat=True)]


def test_the_page_holds_both_texts_to_copy_and_a_file_of_each(
    rows: dict[str, FollowUp], estate: Estate, as_person: As
) -> None:
    client, row = as_person(estate.noor), rows["lock"]
    made = queries.snippets(row)
    shown = client.get(reverse("follow_up", args=[row.pk])).content.decode()
    copied = [html.unescape(one) for one in re.findall(r'data-copy="([^"]*)"', shown)]
    assert made.cli in copied
    assert made.bicep[0].text in copied
    for way, name, content in (("cli", made.cli_name, made.cli), ("bicep", made.bicep[0].name, made.bicep[0].text)):
        action = reverse("follow_up_by_hand", args=[row.pk, way] + ([1] if way == "bicep" else []))
        assert f'action="{action}"' in shown
        answer = client.post(action)
        assert answer.content.decode() == content
        assert f'filename="{name}"' in answer["Content-Disposition"]
        assert client.get(action).status_code == 405
    told = events("followup.taken_along")
    assert {one["detail"]["file"] for one in told} == {made.cli_name, made.bicep[0].name}
    assert len({one["detail"]["digest"] for one in told}) == 2
    row.refresh_from_db()
    assert row.state == "open", "taking it along changes nothing"


def test_each_is_written_down_in_a_transaction_of_its_own(
    rows: dict[str, FollowUp], estate: Estate, as_person: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    depths: list[int] = []  # outside of tests nothing is around a request, and the history refuses to be written so
    monkeypatch.setattr(taking, "record", lambda *_, **__: depths.append(len(connection.savepoint_ids)))
    client, around = as_person(estate.noor), len(connection.savepoint_ids)
    client.post(reverse("follow_up_by_hand", args=[rows["lock"].pk, "cli"]))
    client.post(reverse("follow_ups_by_hand"), {"wave": Wave.objects.get().pk})
    assert depths == [around + 1, around + 1]


def test_what_cannot_be_taken_is_said_and_is_no_history(
    rows: dict[str, FollowUp], estate: Estate, as_person: As
) -> None:
    client = as_person(estate.noor)
    for name, way, status in (
        ("question", "cli", 409), ("work", "cli", 409), ("tags", "bicep", 409), ("lock", "powershell", 404),
    ):  # fmt: skip
        answer = client.post(reverse("follow_up_by_hand", args=[rows[name].pk, way]))
        assert answer.status_code == status, name
    assert client.post(reverse("follow_up_by_hand", args=[rows["lock"].pk, "bicep", 2])).status_code == 409
    assert "answered first" in text(client.get(reverse("follow_up", args=[rows["question"].pk])))
    assert 'id="by-hand"' not in client.get(reverse("follow_up", args=[rows["work"].pk])).content.decode()
    assert 'id="by-hand"' not in client.get(reverse("follow_up", args=[rows["closed"].pk])).content.decode()
    assert events("followup.taken_along") == []
    assert Client().post(reverse("follow_up_by_hand", args=[rows["lock"].pk, "cli"])).status_code == 302


def test_a_wave_is_taken_along_in_one_archive_without_secrets(
    rows: dict[str, FollowUp], estate: Estate, as_person: As
) -> None:
    client, wave = as_person(estate.noor), Wave.objects.get()
    assert "To apply by hand (ZIP)" in text(client.get("/follow-ups/", {"wave": wave.pk}))
    answer = client.post(reverse("follow_ups_by_hand"), {"wave": wave.pk})
    assert f'filename="follow-ups-of-wave-{wave.pk}-Pilot-1.zip"' in answer["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        found = {name: archive.read(name).decode() for name in archive.namelist()}
    unit = rows["lock"].unit_id
    assert all(name == "README.txt" or re.fullmatch(rf"{unit}-shop-net/[\w-]+\.(sh|bicep)", name) for name in found)
    assert sum(name.endswith(".sh") for name in found) == 3
    assert sum(name.endswith(".bicep") for name in found) == 2
    said = found["README.txt"]
    for name in ("lock", "question", "work", "secret", "tags"):
        assert re.search(rf"^  {rows[name].pk}  ", said, re.M), name
    assert not re.search(rf"^  {rows['closed'].pk}  ", said, re.M)
    assert "answered first" in said
    whole = "\n".join(found.values())
    assert "told-to-nobody" not in whole
    assert queries.snippets(rows["secret"]).secrets[0].name in said
    (event,) = events("followup.wave_taken_along")
    assert (event["detail"]["count"], event["detail"]["files"]) == (5, 6)


def test_a_wave_with_nothing_open_gives_no_archive(rows: dict[str, FollowUp], estate: Estate, as_person: As) -> None:
    client, wave = as_person(estate.noor), Wave.objects.get()
    FollowUp.objects.exclude(state="closed").delete()
    for given in (str(wave.pk), "", "x", "\x00", "9" * 30, "123456"):
        assert client.post(reverse("follow_ups_by_hand"), {"wave": given}).status_code == 302, given
    assert events("followup.wave_taken_along") == []
