"""The list of follow-ups: how old they are, how they go down, and the list as a file."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from migrator.followups import RequiredFollowUp, answered
from tests.migrator.followups.conftest import Shop
from tests.web.estate import Estate
from tracker.accounts.models import User
from tracker.followups import queries
from tracker.followups.models import FollowUp
from tracker.runs.queries import database_now
from tracker.waves.models import Wave

As = Callable[[User], Client]
SECRET = "https://hooks.bramble.example/x?sig=told-to-nobody"
AGES = {"day": (0.5,), "week": (1.5, 6), "month": (8, 20, 29), "older": (31, 300)}


def owed(estate: Estate, value: RequiredFollowUp, now: datetime, age: float, **more: Any) -> FollowUp:
    given = {
        "unit": estate.unit("pricing"), "identity": hashlib.sha256(f"{value.key} {age} {more}".encode()).hexdigest(),
        "kind": value.kind.value, "title": value.title, "state": queries.state_of(value), "was": list(value.what_was),
        "basis": dict(value.basis), "answers": dict(value.answers), "new_target": value.new_target,
        "opened_at": now - timedelta(days=age),
    }  # fmt: skip
    return FollowUp.objects.create(**given | more)


@pytest.fixture
def aged(estate: Estate) -> Estate:
    """Follow-ups of every age, two of them closed, one in a wave, one with a secret, one that a sheet would run."""
    shop, now = Shop(), database_now()
    lock, hook = shop.one("lock on a deployment"), shop.one("alert rule with a secret webhook")
    wave = estate.wave("Pilot", "shop-net")
    for ages in AGES.values():
        for age in ages:
            owed(estate, lock, now, age, unit=estate.unit("shop-net" if age == 20 else "pricing"))
    for age in (2, 40):
        owed(estate, lock, now, age, state="closed", closed_how="seen", closed_at=now - timedelta(days=1))
    for question in hook.open_questions:
        hook = answered(hook, {question.id: SECRET if question.secret else question.choices[0].value})
    owed(estate, hook, now, 3, title='=HYPERLINK("x")', probe_says=[f"it is {SECRET}"], last_error=f"{SECRET[:41]}…")
    assert wave
    return estate


def text(answer: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_each_age_opens_the_list_behind_it(aged: Estate, as_person: As) -> None:
    client = as_person(aged.noor)
    for query in ("", "?state=open", "?wave=" + str(Wave.objects.get().pk), "?q=lock", "?state=closed"):
        shown = client.get(f"/follow-ups/{query}").content.decode()
        links = re.findall(r'href="(\?[^"]*)" id="(?:age|figure)-\d+"[^>]*>.*?<b>(\d+)</b>', shown, re.S)
        assert len(links) >= 10
        for href, n in links:
            rows = client.get("/follow-ups/rows/" + href.replace("&amp;", "&")).content.decode()
            assert rows.count("row-link") == int(n), (query, href)
    numbers = re.findall(r'id="age-\d+"[^>]*><b>(\d+)</b>', client.get("/follow-ups/").content.decode())
    assert [int(n) for n in numbers] == [1, 3, 3, 2], "the one with a secret is three days old"
    assert "row-link" not in client.get("/follow-ups/?age=nonsense&age=%00").content.decode()


def test_the_burn_down_says_the_same_in_a_table_and_follows_the_wave(aged: Estate, as_person: As) -> None:
    client = as_person(aged.noor)
    page = client.get("/follow-ups/").content.decode()
    assert "9 of 11 follow-ups are not closed" in page
    table = page.partition("View as table")[2].partition("</table>")[0]
    rows = [re.findall(r"<td[^>]*>([^<]*)", row) for row in re.findall(r"<tr>(.*?)</tr>", table, re.S)][1:]
    spans = [(row.opened_at.date(), row.closed_at and row.closed_at.date()) for row in FollowUp.objects.all()]
    today = database_now().date()
    for back, (label, still, done) in enumerate(reversed(rows[-60:])):
        day = today - timedelta(days=back)
        closed = sum(1 for _, end in spans if end and end <= day)
        opened = sum(1 for begin, _ in spans if begin <= day)
        assert (label, still, done) == (f"{day.day} {day:%b}", str(opened - closed), str(closed))
    assert len(rows) == 120
    of_wave = text(client.get("/follow-ups/", {"wave": Wave.objects.get().pk}))
    assert "1 of 1 follow-ups of Pilot are not closed" in of_wave


def test_an_empty_estate_says_so(estate: Estate, as_person: As) -> None:
    shown = text(as_person(estate.noor).get("/follow-ups/"))
    assert "Nothing is owed" in shown
    assert "View as table" not in shown


def test_the_file_holds_what_is_filtered_runs_nothing_and_tells_no_secret(aged: Estate, as_person: As) -> None:
    client = as_person(aged.noor)
    lines = body(client.get("/follow-ups/export/?format=jsonl")).decode().splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == FollowUp.objects.count() == 11
    assert {row["id"] for row in rows} == set(FollowUp.objects.values_list("pk", flat=True))
    older = [json.loads(one) for one in body(client.get("/follow-ups/export/?format=jsonl&age=older")).splitlines()]
    assert [row["age"] for row in older] == ["older", "older"]
    (secret,) = [row for row in rows if row["title"].startswith("=")]
    assert queries.HIDDEN in secret["answers"].values()
    sheet = body(client.get("/follow-ups/export/?format=csv")).decode("utf-8-sig")
    for content in (sheet, "\n".join(lines)):
        assert "told-to-nobody" not in content
        assert SECRET[:40] not in content
    cells = list(csv.reader(io.StringIO(sheet)))
    assert len(cells) == 12
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for line in cells for cell in line)
    assert body(client.get("/follow-ups/export/?q=nothing-like-it&format=jsonl")) == b""
    assert Client().get("/follow-ups/export/").status_code == 302


def test_many_follow_ups_cost_no_more_queries_than_few(
    aged: Estate, as_person: As, django_assert_max_num_queries: Callable
) -> None:
    client, lock, now = as_person(aged.noor), Shop().one("lock on a deployment"), database_now()
    client.get("/follow-ups/")
    for size in range(2):
        with django_assert_max_num_queries(6 + 4):
            client.get("/follow-ups/")
        for n in range(60 * (1 - size)):
            owed(aged, lock, now, 1 + n, title=f"{size} {n}")
