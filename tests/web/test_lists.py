"""Keyset pages and facets, against the real database."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from tracker.inventory.models import Subscription
from tracker.web import lists
from tracker.web.lists import Sort

SORTS = {
    "name": Sort("name"),
    "synced": Sort("synced_at", nullable=True, decode=datetime.fromisoformat),
}
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def eleven(db: None) -> None:
    Subscription.objects.bulk_create(
        Subscription(
            id=f"00000000-0000-0000-0000-{n:012}",
            name=f"sub {n // 3}",  # names repeat: the key has to break the tie
            synced_at=None if n % 4 == 0 else START + timedelta(hours=n // 2),
        )
        for n in range(11)
    )


def ask(query: str) -> lists.Page:
    return lists.page(RequestFactory().get(f"/?{query}"), Subscription.objects.all(), SORTS, default="name", size=3)


def walk(query: str) -> list[str]:
    found: list[str] = []
    page = ask(query)
    while True:
        found += [row.pk for row in page]
        if not page.next_url:
            return found
        page = ask(page.next_url.removeprefix("?"))


@pytest.mark.parametrize("sort", ["name", "-name", "synced", "-synced"])
def test_walking_the_pages_shows_every_row_once(eleven: None, sort: str) -> None:
    found = walk(f"sort={sort}")
    assert len(found) == 11
    assert len(set(found)) == 11


def test_rows_without_a_value_come_last_both_ways(eleven: None) -> None:
    for sort in ("synced", "-synced"):
        empty = [Subscription.objects.get(pk=pk).synced_at is None for pk in walk(f"sort={sort}")]
        assert empty == [False] * 8 + [True] * 3


def test_a_page_is_one_query_and_reads_one_row_more_than_it_shows(eleven: None) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = ask("")
    assert len(page) == 3
    assert len(queries) == 1
    assert "LIMIT 4" in queries[0]["sql"]
    assert "OFFSET" not in queries[0]["sql"]


def test_the_next_page_keeps_the_filters_and_the_order(eleven: None) -> None:
    assert "region=x" in ask("region=x&sort=-name").next_url
    assert "sort=-name" in ask("region=x&sort=-name").next_url


@pytest.mark.parametrize("cursor", ["x", "%00", "bnVsbA", "WyJuYW1lIiwxXQ", "WyItbmFtZSIsInN1YiAwIiwiMSJd", "A" * 5000])
def test_a_cut_cursor_gives_the_first_page_and_says_so(eleven: None, cursor: str) -> None:
    page = ask(f"cursor={cursor}")
    assert page.lost
    assert [row.pk[-2:] for row in page] == ["00", "01", "02"]


def test_an_unknown_order_falls_back_to_the_default(eleven: None) -> None:
    assert ask("sort=password").sort == "name"


def test_a_facet_adds_and_takes_off_its_value_and_drops_the_cursor() -> None:
    request = RequestFactory().get("/?verdict=ready&region=x&cursor=abc")
    facet = lists.facet(request, "verdict", "Verdict", [("ready", "Ready", 3), ("blocked", "Blocked", 1)])
    assert [option.chosen for option in facet.options] == [True, False]
    assert facet.options[0].url == "?region=x"
    assert facet.options[1].url == "?region=x&verdict=ready&verdict=blocked"
    assert lists.applied([facet]) == [("Verdict", facet.options[0])]


def test_of_many_counted_options_the_most_frequent_are_shown_and_the_rest_is_one_click_away() -> None:
    many = [(f"r{n}", f"Region {n}", n) for n in range(20)]
    facet = lists.facet(RequestFactory().get("/?region=r2"), "region", "Region", many)
    assert [option.value for option in facet.options] == ["r2", *(f"r{n}" for n in range(12, 20))]
    assert facet.hidden == 11
    everything = lists.facet(RequestFactory().get(facet.all_url), "region", "Region", many)
    assert len(everything.options) == 20


def test_options_nobody_counted_are_all_shown() -> None:
    facet = lists.facet(RequestFactory().get("/"), "type", "What", [(f"t{n}", f"Type {n}", None) for n in range(14)])
    assert len(facet.options) == 14
    assert facet.hidden == 0
