"""A unit's tab of follow-ups says of each captured setting what became of it."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from migrator.followups import kept, required
from migrator.gateway.wire import resources
from tests.migrator.followups.conftest import Shop
from tests.web.estate import Estate
from tracker.accounts.models import User
from tracker.audit.values import Actor
from tracker.followups import actions
from tracker.followups.models import FollowUp
from tracker.inventory.models import Unit
from tracker.runs.models import Comparison
from tracker.runs.queries import database_now

As = Callable[[User], Client]
SETTINGS = ("lock on a deployment", "grant on the subscription", "grant elsewhere", "plain autoscale")


@pytest.fixture
def captured(estate: Estate) -> Unit:
    """The unit with what was captured of the shop; the capture is the action's own."""
    estate.wave("Pilot", "shop-net")
    shop, by = Shop(), Actor("command", "test", "A test")
    unit = estate.unit("shop-net")
    actions.capture(
        unit, settings=[shop.setting(name) for name in SETTINGS], before=shop.sides["web_roles_in_a_network"]["before"],
        unreadable=[], by=by, now=database_now(),
    )  # fmt: skip
    run = estate.run("shop-net", "prepared")
    Comparison.objects.create(
        run=run, at=database_now(), arm_documents=shop.sides["web_roles_in_a_network"]["found"], digest="d" * 64
    )
    return Unit.objects.get(pk=unit.pk)


def shown(estate: Estate, as_person: As, unit: Unit) -> str:
    page = as_person(estate.noor).get(f"/units/{unit.pk}/follow-ups/").content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(page).partition('id="captured"')[2]).split())


def test_before_commit_it_says_what_was_read_and_promises_nothing(
    captured: Unit, estate: Estate, as_person: As
) -> None:
    said = shown(estate, as_person, captured)
    assert "4 settings. What becomes of each is decided at Commit." in said
    assert "Nothing is owed" not in said


def test_after_commit_each_is_a_follow_up_or_says_why_nothing_is_owed(
    captured: Unit, estate: Estate, as_person: As
) -> None:
    shop, now = Shop(), database_now()
    sides = shop.sides["web_roles_in_a_network"]
    actions.open_for(captured, arm_documents=sides["found"], by=Actor("command", "test", "A test"), now=now)
    Unit.objects.filter(pk=captured.pk).update(progress="committed")
    said = shown(estate, as_person, captured)
    documents = [shop.setting(name) for name in SETTINGS]
    before = resources(sides["before"])
    whys = [one.why for one in kept(captured.azure_id, documents, before, sides["found"])]
    titles = [one.title for one in required(captured.azure_id, documents, before, sides["found"]) if one.kind != "tags"]
    assert len(whys) == 2
    assert len(titles) == 2
    assert all(words in said for words in (*whys, *titles))
    assert said.count("Nothing is owed.") == 2
    assert "4 settings; for 2 nothing is owed." in said
    assert FollowUp.objects.filter(unit=captured, captured__isnull=False).count() == 2
