"""The generated estate: exact in size, the same again, well formed, flawed; and served fast when it is large."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from migrator import units
from migrator.gateway import wire
from migrator.readiness import Context, Outcome, evaluate
from migrator.simulator import scenarios
from migrator.simulator.estates import generated
from migrator.simulator.http import Simulator
from migrator.simulator.platform import Platform
from migrator.simulator.server import parser, switches


@pytest.mark.parametrize("size", [1, 130, 999, 1_000, 3_000])
def test_it_has_exactly_the_size_and_is_well_formed(size: int) -> None:
    estate = scenarios.checked(scenarios.find("generated", seed=7, resources=size))
    assert len(estate["resources"]) == size


def test_the_same_seed_gives_the_same_estate_and_another_seed_another() -> None:
    one, again, other = (json.dumps(generated.build(seed, resources=1_500)) for seed in (7, 7, 8))
    assert one == again
    assert one != other


def test_a_mix_leaves_the_other_kinds_out() -> None:
    made = generated.build(7, resources=900, mix=generated.mix_of("services=3,loose=1"))
    kinds = Counter(row["type"] for row in made["resources"])
    assert (
        not kinds["Microsoft.ClassicNetwork/virtualNetworks"] and not kinds["Microsoft.ClassicCompute/virtualMachines"]
    )
    assert kinds["Microsoft.ClassicCompute/domainNames"] > 100 and kinds["Microsoft.ClassicNetwork/reservedIps"] > 5


def test_it_goes_into_as_many_subscriptions_as_wished() -> None:
    made = generated.build(7, resources=1_500, subscriptions=3)
    held = Counter(row["id"].split("/")[2] for row in made["resources"])
    assert sorted(held.values()) == [500, 500, 500]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"resources": 0}, "--resources 0 cannot be made; give 1 to 500000."),
        ({"mix": "clouds=1"}, "--mix knows no 'clouds'"),
        ({"mix": "machines=many"}, "give a whole number"),
        ({"mix": "machines=0"}, "at least one share above 0"),
        ({"subscriptions": 0}, "--subscriptions 0 cannot be made"),
    ],
)
def test_a_wish_it_cannot_grant_is_answered_in_a_sentence(options, words: str) -> None:
    with pytest.raises(scenarios.EstateError, match=words):
        scenarios.find("generated", **options)


def test_size_and_mix_go_with_no_other_scenario() -> None:
    with pytest.raises(scenarios.EstateError, match="go with --scenario generated only"):
        scenarios.find("demo", resources=5)


def hits(estate: dict) -> set[str]:
    known = wire.estate(estate["resources"])
    context = Context(estate=known, now=datetime(2026, 11, 22, tzinfo=UTC))
    found = (evaluate(unit, context) for unit in units.resolve(known.resources))
    return {f.rule_id for evaluation in found for f in evaluation.findings if f.outcome is Outcome.YES}


@pytest.fixture(scope="module")
def flawed() -> set[str]:
    return hits(generated.build(7, resources=6_000, subscriptions=1))


def test_what_is_generated_has_flaws_of_many_rules_without_the_demo_company(flawed: set[str]) -> None:
    assert len(flawed) >= 40, sorted(flawed)


def test_every_rule_the_demo_shows_is_shown_by_a_large_generated_estate() -> None:
    assert hits(scenarios.estate("demo")) <= hits(generated.build(7, resources=1_500))


def test_pages_of_resource_graph_follow_each_other_to_the_last_row(serve) -> None:
    made = generated.build(7, resources=3_000, subscriptions=1)
    azure = serve(made)
    query = "resources | where type startswith 'microsoft.classic' | project id, name | order by id asc"
    seen, token = [], None
    while True:
        options = {"resultFormat": "objectArray", "$top": 200, **({"$skipToken": token} if token else {})}
        reply = azure.ask(
            "POST",
            "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01",
            {"query": query, "options": options},
        )
        seen += [row["id"].lower() for row in reply.body["data"]]
        token = reply.body.get("$skipToken")
        azure.control("settings", {"throttle": 0})
        if token is None:
            break
    assert seen == sorted(seen) and len(set(seen)) == len(seen) == reply.body["totalRecords"]
    azure.platform.remove(seen[0])  # what was worked out is forgotten with any change
    again = azure.ask(
        "POST",
        "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01",
        {"query": query, "options": {"resultFormat": "objectArray"}},
    )
    assert again.body["totalRecords"] < len(seen) and again.body["data"][0]["id"].lower() != seen[0]


def test_settings_and_switches_are_taken_at_the_start() -> None:
    options = parser().parse_args(["--set", "page_size=1", "--set", "operation_header=location", "--fault", "stuck"])
    settings, (fault,) = switches(options)
    assert settings == {"page_size": 1, "operation_header": "location"}
    assert fault.kind == "stuck"


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--set=page_size=0", "page_size cannot be 0"),
        ("--set=page", "give NAME=VALUE"),
        ("--set=colour=1", "Unknown key 'colour'"),
        ("--fault=fire", "There is no fault 'fire'"),
        ('--fault={"kind"', "--fault"),
    ],
)
def test_a_wrong_switch_at_the_start_is_named(argument: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        switches(parser().parse_args([argument]))


def test_capital_groups_are_a_switch(small) -> None:
    path = small.id("domainNames", "small-web")
    small.control("settings", {"upper_case_groups": True})
    assert "/resourceGroups/WEB/" in small.get(path).body["id"]
    assert small.get(small.get(path).body["id"]).status == 200


def test_how_long_a_registration_takes_is_a_switch() -> None:
    simulator = Simulator(Platform(scenarios.estate("empty")))
    platform, (subscription,) = simulator.platform, simulator.platform.subscriptions
    platform.settings.registration_seconds = 4_000
    platform.register(subscription, "Microsoft.Batch")
    platform.clock.advance(3_000)
    platform.tick()
    assert platform.registration(subscription, "Microsoft.Batch") == "Registering"
    platform.clock.advance(1_100)
    platform.tick()
    assert platform.registration(subscription, "Microsoft.Batch") == "Registered"
