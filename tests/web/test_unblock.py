"""What would unblock most: every number opens the list with exactly that many units, whatever narrows the page."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from tests.web.estate import Estate
from tracker.accounts.models import User
from tracker.inventory.models import Unit
from tracker.readiness.actions import open_rules

As = Callable[[User], Client]
PAGE = "/readiness/unblock/"
HELD = {
    "shop-net": (),
    "legacy-net": ("VNET-PEERING", "VNET-CIDR"),
    "pricing": ("VNET-CIDR",),
    "shopfiles": ("GONE-RULE",),
}


@pytest.fixture
def held(estate: Estate) -> Estate:
    for name, rules in HELD.items():
        said = open_rules((rule, "blocks", "yes") for rule in rules)
        Unit.objects.filter(name=name).update(open_rules=list(said), owner="Ana" if name == "pricing" else "")
    return estate


def numbers(text: str) -> list[tuple[str, int]]:
    """(address, number) of every number that opens the inventory."""
    found = re.findall(r'<a href="(/inventory/\?[^"]*)">(?:<strong>)?(\d+)', text)
    return [(unescape(address), int(number)) for address, number in found]


@pytest.mark.parametrize("query", ["", "?owner=Ana", "?owner=none", "?kind=network", "?wave=none&sort=rule"])
def test_every_number_is_the_length_of_the_list_it_opens(held: Estate, as_person: As, query: str) -> None:
    client = as_person(held.noor)
    linked = numbers(client.get(PAGE + query).content.decode())
    assert len(linked) >= 3
    for address, number in linked:
        listed = client.get(address).context
        assert listed["found"].total == len(listed["page"].rows) == number, address


def test_rules_by_what_they_free_and_the_order_to_lift_them(held: Estate, as_person: As) -> None:
    page = as_person(held.noor).get(PAGE)
    assert [(r.blocker.rule_id, r.blocker.frees, r.blocker.blocks) for r in page.context["rows"]] == [
        ("VNET-CIDR", 1, 2),
        ("GONE-RULE", 1, 1),
        ("VNET-PEERING", 0, 1),
    ]
    steps = [([rule for rule, _ in one.rules], one.frees, one.freed) for one in page.context["stages"]]
    assert steps == [(["GONE-RULE"], 1, 1), (["VNET-CIDR"], 1, 2), (["VNET-PEERING"], 1, 3)]
    text = " ".join(re.sub(r"<[^>]+>", "", unescape(page.content.decode())).split())
    assert "Lifting these 3 rules frees 3 of the 3 units that rules block: the first 3 steps below." in text
    assert "Delete the peering, move the network, make the peering anew." in text
    assert "a fix can be offered" in text and "can be waived" in text


def test_each_column_sorts(held: Estate, as_person: As) -> None:
    client = as_person(held.noor)
    for sort, first in (("-blocks", "VNET-CIDR"), ("frees", "VNET-PEERING"), ("rule", "VNET-CIDR"), ("x", "VNET-CIDR")):
        assert client.get(f"{PAGE}?sort={sort}").context["rows"][0].blocker.rule_id == first, sort


def test_a_choice_narrows_and_says_beforehand_how_far(held: Estate, as_person: As) -> None:
    client = as_person(held.noor)
    facets = client.get(PAGE).context["facets"]
    assert "Owner" in [facet.title for facet in facets]
    for facet in facets:
        for option in facet.options:
            assert client.get(PAGE + option.url).context["found"].blocked == option.count, (facet.title, option.label)
    narrowed = client.get(f"{PAGE}?owner=Ana").content.decode()
    assert "1 blocked unit<" in narrowed and "Remove filter: </span>Owner: Ana" in narrowed


def test_the_list_says_what_it_is_narrowed_to_and_lets_go_of_it(held: Estate, as_person: As) -> None:
    client = as_person(held.noor)
    page = client.get("/inventory/?frees=VNET-CIDR&frees=VNET-PEERING&owner=Ana").content.decode()
    assert "Blocked by nothing but: VNET-CIDR, VNET-PEERING" in page
    assert 'href="?owner=Ana"' in page
    many = "&".join(f"blocks=R{number}" for number in range(5))
    assert "Blocked by: R0, R1, R2 and 2 more" in client.get(f"/inventory/?{many}").content.decode()
    text = client.get("/inventory/export/?format=csv&blocks=VNET-PEERING")
    lines = b"".join(text.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 2 and "legacy-net" in lines[1]


def test_nothing_blocked_and_nothing_left_say_so(held: Estate, as_person: As) -> None:
    client = as_person(held.noor)
    assert "No rule blocks any of these units" in client.get(f"{PAGE}?owner=Nobody+of+this+name").content.decode()
    Unit.objects.update(open_rules=[])
    assert "No rule blocks any unit" in client.get(PAGE).content.decode()


def test_the_overview_and_the_rules_page_lead_there(held: Estate, as_person: As) -> None:
    client = as_person(held.noor)
    for path in ("/", "/rules/"):
        assert f'href="{PAGE}"' in client.get(path).content.decode(), path
    assert re.search(r'aria-current="page"[^>]*>(?:(?!</a>).)*Rules', client.get(PAGE).content.decode(), re.S)


@pytest.mark.parametrize(
    "query", ["?owner=%00", "?wave=abc", "?sort=%00", "?region=" + "a" * 5000, "?kind=<script>alert(1)"]
)
def test_a_spoilt_address_still_answers(held: Estate, as_person: As, query: str) -> None:
    answer = as_person(held.noor).get(PAGE + query)
    assert answer.status_code == 200 and b"<script>alert" not in answer.content


def test_it_stays_cheap(held: Estate, as_person: As, django_assert_max_num_queries: Callable) -> None:
    client = as_person(held.noor)
    with django_assert_max_num_queries(1 + 4):  # session, person, roles, frame
        client.get(f"{PAGE}?owner=Ana&kind=network")
