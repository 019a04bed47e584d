"""The three steps after a Prepare refused for want of quota, and the ticket after a refused request."""

import json

import pytest

from migrator.messages import QuotaNumbers
from migrator.quota_ticket import Refused, family, ticket
from migrator.quota_way import Facts, Stand, steps, wanted

NUMBERS = QuotaNumbers("cores", 10, 6)
D, N, L, S = Stand.DONE, Stand.NOW, Stand.LATER, Stand.STUCK
CASES = [
    ("locked, nothing asked", {"locked": True}, (N, N, L), ("Abort unlocks", "ask for 16", "two before")),
    ("nothing locked", {}, (D, N, L), ("Nothing", "6 were missing", "")),
    ("aborting", {"locked": True, "aborting": True}, (N, N, L), ("taking back", "", "")),
    ("asked", {"request": "sent", "request_total": 16, "words": "InProgress"}, (D, N, L), ("", "Azure says InP", "")),
    ("refused", {"request": "refused", "request_total": 16, "words": "Ask support"}, (D, S, L), ("", "“Ask sup", "")),
    ("a ticket", {"request": "ticket", "request_total": 16}, (D, N, L), ("", "A support ticket", "")),
    ("granted", {"request": "granted", "request_total": 16}, (D, D, N), ("", "granted, and read", "ask for Prepare")),
    ("granted, but locked", {"locked": True, "request": "granted", "request_total": 16}, (N, D, L), ("", "", "")),
    ("raised by others", {"limit": 20, "fresh": True}, (D, D, N), ("", "read as 20", "")),
    ("read, not enough", {"limit": 15, "fresh": True}, (D, N, L), ("", "", "")),
    ("an old reading says nothing", {"limit": 20, "fresh": False}, (D, N, L), ("", "", "")),
    ("under way again", {"limit": 20, "fresh": True, "again": True}, (D, D, D), ("", "", "again")),
]


@pytest.mark.parametrize(("given", "stands", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_step_says_where_it_stands(given: dict, stands: tuple, words: tuple) -> None:
    found = steps(Facts(**{"numbers": NUMBERS, "locked": False, "aborting": False} | given))
    assert [step.name for step in found] == ["abort", "request", "prepare"]
    assert tuple(step.stand for step in found) == stands
    for step, part in zip(found, words, strict=True):
        assert part in step.sentence and step.sentence.rstrip("”").endswith((".", "support"))
    assert wanted(NUMBERS) == 16


def refused(**more: object) -> Refused:
    facts = {"request": 7,
             "subscription": "s", "subscription_name": "Shop", "region": "westeurope", "provider": "Microsoft.Compute",
             "name": "standardDSv3Family", "limit": 100, "in_use": 90, "wanted": 104, "words": "Contact “support”",
             "reason": "The tills", "waves": (("Wave 1", "2026-12-01"),)}  # fmt: skip
    return Refused(**facts | more)


def test_the_ticket_has_every_fact_and_signs_for_nobody() -> None:
    made = ticket(refused())
    for fact in ("100 to 104", "90 of 100", "The tills", "Wave 1, from 2026-12-01", "Contact “support”", "Shop (s)"):
        assert fact in made.description
    asked = made.body["properties"]["quotaTicketDetails"]["quotaChangeRequests"]
    assert [(one["region"], json.loads(one["payload"])) for one in asked] == [
        ("westeurope", {"VmFamily": "DSv3 Series", "NewLimit": 104})
    ]
    assert json.loads(made.as_json) == made.body
    assert all(value.startswith("{") for key, value in made.body["properties"]["contactDetails"].items()
               if key not in ("preferredContactMethod", "preferredSupportLanguage"))  # fmt: skip
    assert made.path.startswith("/subscriptions/s/providers/Microsoft.Support/supportTickets/quota-")
    assert ticket(refused(request=8)).path != made.path  # a second ticket for the same limit needs a name of its own


def test_what_is_not_known_is_said_and_the_network_is_told_in_words() -> None:
    made = ticket(
        refused(provider="Microsoft.Network", name="LoadBalancers", in_use=None, words="", reason="", waves=())
    )
    assert "In use: not read of 100" in made.description and "refused with" not in made.description
    assert "quotaTicketDetails" not in made.body["properties"]


@pytest.mark.parametrize(
    ("name", "said"), [("cores", "*"), ("standardDSv3Family", "DSv3 Series"), ("basicAFamily", "basicA Series")]
)
def test_families_are_called_as_tickets_call_them(name: str, said: str) -> None:
    assert family(name) == said
