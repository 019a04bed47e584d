"""What would unblock most, and how verdicts changed, for programs: the numbers of the pages and of their lists."""

from datetime import timedelta

import pytest

from tests.api.conftest import NOON, Api, unit
from tests.api.test_api import problem
from tracker.api.pages import written
from tracker.inventory.models import Subscription, Unit
from tracker.readiness.actions import open_rules
from tracker.readiness.models import Assessment


@pytest.fixture
def held(auditor: Api) -> Subscription:
    made = Subscription.objects.create(pk="018f0000-0000-4000-8000-000000000001", name="One")
    for number, rules in enumerate(("A", "A", "AB", "ABC", "")):
        unit(
            number,
            made,
            open_rules=list(open_rules((rule, "blocks", "yes") for rule in rules)),
            owner="x" * (number == 0),
        )
    return made


def test_the_numbers_are_those_of_the_lists(held: Subscription, auditor: Api) -> None:
    body = auditor.get("readiness/unblock/").json()
    assert body["blocked"] == 4 and body["left"] == 0
    assert [(one["rule"], one["frees"], one["blocks"]) for one in body["blockers"]] == [
        ("A", 2, 4),
        ("B", 0, 2),
        ("C", 0, 1),
    ]
    assert [(one["rules"], one["frees"], one["freed"]) for one in body["steps"]] == [
        (["A"], 2, 2), (["B"], 1, 3), (["C"], 1, 4),
    ]  # fmt: skip
    for one in body["blockers"]:
        for word in ("frees", "blocks"):
            assert len(auditor.get("units/", **{word: one["rule"]}).json()["results"]) == one[word]
    for step in body["steps"]:
        assert len(auditor.get("units/", frees=step["lifted"]).json()["results"]) == step["freed"]


def test_it_narrows_as_the_page_does(held: Subscription, auditor: Api) -> None:
    assert auditor.get("readiness/unblock/", owner="x").json()["blocked"] == 1
    assert auditor.get("readiness/unblock/", owner=["x", "none"]).json()["blocked"] == 4
    assert auditor.get("readiness/unblock/", wave="1").json()["blocked"] == 0
    problem(auditor.get("readiness/unblock/", kind="ship"), 400)
    problem(auditor.get("readiness/unblock/", verdict="blocked"), 400)


def test_the_turns_of_a_unit_come_newest_first_in_pages(held: Subscription, auditor: Api) -> None:
    one = Unit.objects.first()
    listed = [{"rule": "A", "resource": "/r/a"}]
    for number in range(5):
        moved = {"opened": {"count": 60, "listed": listed}, "closed": {"count": 0, "listed": []}}
        points = [{"points": number, "rule": "A", "resource": "/r/a", "reason": "x"}]
        Assessment.objects.create(
            unit=one, at=NOON + timedelta(hours=number), catalogue_version="v", deductions=points, digest="0",
            verdict="ready" if number else "blocked", score=100 - number, turned=moved if number == 4 else None,
        )  # fmt: skip
    page, seen = auditor.get(f"units/{one.pk}/verdicts/", limit=2).json(), []
    newest = page["results"][0]
    assert newest["at"] == "2026-03-04T16:00:00.000000Z" and newest["before"] == {"verdict": "ready", "score": 97}
    assert newest["points"] == [{"rule": "A", "points": 1}]
    assert newest["opened"] == {"count": 60, "listed": listed} and newest["closed"] == {"count": 0, "listed": []}
    while True:
        seen += [row["score"] for row in page["results"]]
        if not page["next"]:
            break
        page = auditor.client.get(page["next"], headers=auditor.headers).json()
    assert seen == [96, 97, 98, 99, 100]
    first = page["results"][-1]
    assert (first["before"], first["opened"], first["points"], first["verdict"]) == (None, None, [], "blocked")


def test_a_spoilt_or_foreign_place_in_the_turns_is_refused(held: Subscription, auditor: Api) -> None:
    one = Unit.objects.first()
    foreign = written(["findings", 3])
    for cursor in ("x", foreign, written(["verdicts", "3"])):
        problem(auditor.get(f"units/{one.pk}/verdicts/", cursor=cursor), 400)
    problem(auditor.get("units/999999/verdicts/"), 404)
