"""What would unblock most, for programs: the numbers of the page, and of the lists of units."""

import pytest

from tests.api.conftest import Api, unit
from tests.api.test_api import problem
from tracker.inventory.models import Subscription
from tracker.readiness.actions import open_rules


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
