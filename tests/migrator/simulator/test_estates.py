"""Estate files and the named estates: what is in them, and what is said about a file that is wrong."""

import copy
import json
from collections import Counter

import pytest

from migrator.simulator import scenarios
from migrator.simulator.estate import LARGEST, EstateError
from migrator.simulator.estates.parts import ORIGIN
from migrator.simulator.translation import in_capitals


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_a_named_estate_survives_being_written_and_read(name, tmp_path):
    estate = scenarios.estate(name)
    file = tmp_path / "estate.json"
    file.write_text(scenarios.dump(estate))
    assert scenarios.load(file) == estate
    assert scenarios.find(str(file)) == estate


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_the_same_seed_gives_the_same_estate(name):
    assert scenarios.estate(name, seed=3) == scenarios.estate(name, seed=3)


def test_the_estate_on_the_way_can_be_taken_out_and_loaded_again(demo, serve):
    taken = demo.control("estate")
    again = serve(scenarios.checked(taken))
    assert again.control("state?documents=1")["documents"] == demo.control("state?documents=1")["documents"]


def test_the_demo_holds_every_kind_of_thing_the_catalogue_names(demo_estate):
    found = Counter(d["type"] for d in demo_estate["resources"])
    classic = "Microsoft.Classic"
    for kind, least in {
        f"{classic}Compute/domainNames": 40,
        f"{classic}Compute/domainNames/slots/roles": 40,
        f"{classic}Compute/domainNames/slots/roles/extensionReferences": 4,
        f"{classic}Compute/domainNames/serviceCertificates": 5,
        f"{classic}Compute/virtualMachines": 15,
        f"{classic}Network/virtualNetworks": 20,
        f"{classic}Network/virtualNetworks/gateways": 4,
        f"{classic}Network/virtualNetworks/virtualNetworkPeerings": 1,
        f"{classic}Network/networkSecurityGroups": 4,
        f"{classic}Network/reservedIps": 6,
        f"{classic}Storage/storageAccounts": 8,
        f"{classic}Storage/storageAccounts/disks": 20,
        f"{classic}Storage/storageAccounts/osImages": 1,
        f"{classic}Storage/storageAccounts/vmImages": 1,
        "Microsoft.Insights/autoscaleSettings": 4,
        "Microsoft.Insights/alertRules": 5,
        "Microsoft.Insights/activityLogAlerts": 1,
        "Microsoft.Authorization/roleAssignments": 6,
        "Microsoft.Authorization/locks": 2,
        "Microsoft.Web/hostingEnvironments": 1,
        "Microsoft.Network/virtualNetworks": 1,
    }.items():
        assert found[kind] >= least, kind
    assert len(demo_estate["subscriptions"]) == 3
    regions = {d["location"] for d in demo_estate["resources"] if d["type"].startswith(classic) and "location" in d}
    assert len(regions) == 4


def test_the_demo_has_the_facts_each_story_needs(demo_estate):
    by_name = {d["name"]: d for d in demo_estate["resources"] if d["type"].count("/") == 1}
    assert by_name["media-net"]["properties"]["siteName"].startswith("Group ")
    assert not [d for d in demo_estate["resources"] if "/old-blog/" in d["id"]]
    text = json.dumps(demo_estate)
    assert "AccountKey=" in text  # the gateway has to take it out
    assert "Microsoft.WindowsAzure.Plugins.RemoteAccess.Enabled" in text
    states = {(r["subscriptionId"], r["name"]): r["state"] for r in demo_estate["registrations"]}
    assert "NotRegistered" in states.values()
    assert any(u["limit"] - u["currentValue"] < 30 for u in demo_estate["usages"] if u["name"] == "standardDv2Family")
    services = [d["name"] for d in demo_estate["resources"] if d["type"].endswith("/domainNames")]
    assert any(in_capitals(1, name) for name in services)


def test_the_journey_is_what_the_browser_test_expects(journey):
    assert not any(in_capitals(1, name) for name in ("shop-web", "shop-jobs", "pricing", "legacy-erp"))
    role = journey.get(f"{journey.id('domainNames', 'shop-web')}/slots/Production/roles/WebFront").body["properties"]
    assert (role["instanceSize"], role["instanceCount"]) == ("Standard_D2_v2", 3)
    state = journey.control("state")
    assert [len(state[key]) for key in ("autoscale_settings", "alert_rules", "role_assignments")] == [1, 1, 1]


def test_small_holds_three_units_that_all_pass(small):
    units = [
        small.id("virtualNetworks", "small-net"),
        f"{small.id('domainNames', 'small-tool')}/slots/Production",
        small.id("storageAccounts", "smallstore"),
    ]
    assert {small.verb("validate", unit).body["status"] for unit in units} == {"Succeeded"}


def test_empty_is_empty():
    assert scenarios.estate("empty")["resources"] == []


@pytest.fixture
def good():
    return copy.deepcopy(scenarios.estate("small"))


def broken(good, tmp_path, text=None):
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(good) if text is None else text)
    with pytest.raises(EstateError) as caught:
        scenarios.load(file)
    assert str(caught.value).startswith(str(file))
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("", "the file is empty"),
        ("{", "not valid JSON at line 1, column 2"),
        ("[]", "expected one JSON object, found a list"),
        ("null", "expected one JSON object, found null"),
        ('{"format": "classic-estate/2"}', "format is 'classic-estate/2'; this reads 'classic-estate/1'"),
        ('{"format": "classic-estate/1", "resourses": []}', "unknown key 'resourses'"),
        ('{"format": "classic-estate/1", "resources": {}}', "resources must be a list, found an object"),
        ('{"format": "classic-estate/1", "format": 1}', "the key 'format' stands twice"),
        ('{"format": "classic-estate/1", "usages": [NaN]}', "NaN is not a JSON number"),
        ("[" * 200_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_estate_gets_its_own_sentence(tmp_path, text, fragment):
    assert fragment in broken(None, tmp_path, text)


def _slot(estate):
    return next(i for i, d in enumerate(estate["resources"]) if d["type"].endswith("/slots"))


@pytest.mark.parametrize(
    ("spoil", "fragments"),
    [
        (lambda e: e["resources"].append("x"), ["resources[15]", "must be an object, found text"]),
        (lambda e: e["resources"][0].pop("id"), ["resources[0]", "key 'id' must be text, found nothing"]),
        (lambda e: e["resources"][0].update(id=7), ["resources[0]", "key 'id' must be text, found a number"]),
        (lambda e: e["resources"][0].update(id="/x"), ["resources[0]", "starts with '/subscriptions/'"]),
        (lambda e: e["resources"][0].update(type="Microsoft.Web/sites"), ["key 'type' is 'Microsoft.Web/sites'"]),
        (lambda e: e["resources"][0].update(name="other"), ["key 'name' is 'other', but the id ends in 'small-net'"]),
        (lambda e: e["resources"][0].update(location=None), ["key 'location' must be text, found null"]),
        (lambda e: e["resources"][0].update(tags={"a": 1}), ["key 'tags' must be an object of texts"]),
        (lambda e: e["resources"][0].update(properties=[]), ["key 'properties' must be an object, found a list"]),
        (lambda e: e["resources"][0].pop("properties"), ["key 'properties' must be an object, found nothing"]),
        (lambda e: e["resources"].append(e["resources"][0]), ["resources[15]", "repeats the id of resources[0]"]),
        (lambda e: e["resources"].pop(_slot(e)), ["has no parent", "/slots/production is not in the file"]),
        (lambda e: e["resources"].append(e["resources"].pop(_slot(e))), ["comes before its parent"]),
        (lambda e: e["subscriptions"].clear(), ["resources[0]", "not among 'subscriptions'"]),
        (lambda e: e["subscriptions"].append(e["subscriptions"][0]), ["subscriptions[1]", "repeats the subscription"]),
        (lambda e: e["usages"][0].update(limit="9"), ["usages[0]", "key 'limit' must be a whole number", '"9"']),
        (lambda e: e["usages"][0].update(limit=True), ["usages[0]", "found true"]),
        (lambda e: e["usages"].append(e["usages"][0]), ["repeats cores in westeurope"]),
        (lambda e: e["registrations"][0].update(status="x"), ["registrations[0]", "unknown key 'status'"]),
        (lambda e: e["registrations"][0].pop("state"), ["registrations[0]", "key 'state' must be text"]),
    ],
)
def test_a_wrong_entry_is_named_with_its_key_and_what_is_expected(good, tmp_path, spoil, fragments):
    spoil(good)
    said = broken(good, tmp_path)
    for fragment in fragments:
        assert fragment in said


def test_a_resource_nested_without_end_is_refused(good, tmp_path):
    deep = {}
    for _ in range(80):
        deep = {"a": deep}
    good["resources"][0]["properties"] = deep
    assert "nested deeper than 60 levels" in broken(good, tmp_path)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    file = tmp_path / "large.json"
    with file.open("wb") as opened:
        opened.truncate(LARGEST + 1)
    with pytest.raises(EstateError, match="at most 64 MiB are read"):
        scenarios.load(file)


def test_a_file_that_is_not_there_a_directory_and_bytes_that_are_no_text(tmp_path):
    with pytest.raises(EstateError, match="cannot be read"):
        scenarios.load(tmp_path / "none.json")
    with pytest.raises(EstateError, match="this is a directory"):
        scenarios.load(tmp_path)
    file = tmp_path / "latin.json"
    file.write_bytes(b'{"format": "caf\xe9"}')
    with pytest.raises(EstateError, match="not UTF-8"):
        scenarios.load(file)


def test_an_unknown_scenario_names_the_known_ones():
    with pytest.raises(EstateError, match="demo, small, journey, empty"):
        scenarios.find("dmeo")


@pytest.mark.parametrize("name", ["demo", "journey", "small", "generated"])
def test_what_was_made_up_says_what_made_it(name):
    """On everything that can be tagged; what has no tags in Azure (slots, roles, links) lies inside such a thing."""
    made = scenarios.estate(name, seed=7)["resources"]
    told = {d["id"].lower() for d in made if d.get("tags", {}).get(ORIGIN) == f"estate {name}, generator 1, seed 7"}
    assert told
    outside = [d for d in made if d["id"].lower() not in told and not _inside(d["id"].lower(), told)]
    assert {d["type"].lower() for d in outside} <= {
        "microsoft.authorization/roleassignments",
        "microsoft.authorization/classicadministrators",
        "microsoft.authorization/locks",
        "microsoft.security/locations/jitnetworkaccesspolicies",
    }


def _inside(key, told):
    return any(key.startswith(f"{above}/") for above in _above(key) if above in told)


def _above(key):
    parts = key.split("/")
    return ["/".join(parts[:length]) for length in range(2, len(parts))]


def test_an_estate_from_a_file_is_served_as_it_is(serve):
    estate = scenarios.estate("small")
    for document in estate["resources"]:
        document.pop("tags", None)
    azure = serve(scenarios.checked(estate))
    kept = {d["id"]: d for d in azure.platform.store.all()}
    assert [kept[document["id"]] for document in estate["resources"]] == estate["resources"]
    assert ORIGIN not in str(azure.control("state?documents=1"))
