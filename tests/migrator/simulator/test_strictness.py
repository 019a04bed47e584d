"""What is refused is also written down, and every switch can be set from the start (azure.md 12, issue 3)."""

from urllib.error import HTTPError

import pytest

from migrator.simulator import faults, running


def logged(azure):
    return azure.control("log")["value"][-1]


def test_a_missing_registration_is_refused_and_written_down(demo):
    corporate = next(key for key, row in demo.platform.subscriptions.items() if row["displayName"].endswith("IT"))
    demo.subscription = corporate
    network = demo.id("virtualNetworks", "hr-net")
    demo.verb("prepare", network, x_ms_client_request_id="early-1")
    row = logged(demo)
    assert (row["verb"], row["status"], row["code"], row["client_request_id"]) == (
        "prepare",
        400,
        "BadRequest",
        "early-1",
    )
    assert not demo.control("state")["operations"] and not demo.control("state")["locks"]


def test_an_unknown_version_is_refused_and_written_down(journey, shop):
    journey.ask("POST", f"{shop}/prepareMigration?api-version=2009-01-01")
    row = logged(journey)
    assert (row["verb"], row["status"], row["code"]) == ("prepare", 400, "NoRegisteredProviderFound")
    assert row["query"] == {"api-version": "2009-01-01"}
    assert not journey.control("state")["operations"]


def test_a_shortage_of_quota_is_written_down_with_its_operation(journey):
    slot = f"{journey.id('domainNames', 'pricing')}/slots/Production"
    ended = journey.finish("prepare", slot)
    (operation,) = journey.control("state")["operations"]
    assert operation["status"] == "Failed" and operation["message"] == ended["error"]["message"]
    assert logged(journey)["code"] == ended["error"]["code"] == operation["code"]
    used = [row for row in journey.control("state")["usages"] if row["currentValue"] > row["limit"]]
    assert not used  # what did not fit was not drawn


def test_nothing_takes_a_line_out_of_the_request_log(small):
    small.get(small.id("domainNames", "small-web"))
    before = small.control("log")["value"]
    assert before
    for method in ("DELETE", "POST", "PUT"):
        assert small.ask(method, "/_simulator/log", {}, token="").status >= 400
    small.control("reset", {"scenario": "small"})
    assert small.control("log")["value"][: len(before)] == before


SETTINGS = {
    "page_size": 1,
    "graph_page_size": 2,
    "throttle": 0.5,
    "operation_header": "location",
    "after_failure": "Preparing",
    "registration_seconds": 3600.0,
    "upper_case_groups": True,
    "validate_later": 0.5,
}


@pytest.fixture(scope="module")
def switched():
    """Started with every switch on and every setting changed."""
    arguments = ["--scenario", "small", "--speed", "0"]
    for kind in faults.DEFAULTS:
        arguments += ["--fault", kind]
    for name, value in SETTINGS.items():
        arguments += ["--set", f"{name}={str(value).lower() if isinstance(value, bool) else value}"]
    azure = running.Running(arguments)
    try:
        azure.start()
        yield azure
    finally:
        azure.close()


def test_every_switch_can_be_on_from_the_start(switched):
    assert [row["kind"] for row in switched.control("faults")["value"]] == list(switched.control("faults")["kinds"])
    assert set(switched.control("faults")["kinds"]) == set(faults.DEFAULTS)


def test_every_setting_can_be_made_at_the_start(switched):
    assert switched.control("state")["settings"] == SETTINGS


@pytest.mark.parametrize("kind", faults.DEFAULTS)
def test_every_switch_can_be_thrown_while_it_runs_and_says_the_same(switched, kind):
    at_start = next(row for row in switched.control("faults")["value"] if row["kind"] == kind)
    thrown = switched.control("faults", {"kind": kind})
    same = ("kind", "verb", "unit", "method", "times", "settings")
    assert {name: thrown[name] for name in same} == {name: at_start[name] for name in same}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_can_be_made_while_it_runs(small, name):
    small.control("settings", {name: SETTINGS[name]})
    assert small.control("state")["settings"][name] == SETTINGS[name]


def test_a_switch_that_does_not_exist_changes_nothing_while_it_runs(switched):
    before = switched.control("faults")["value"]
    with pytest.raises(HTTPError) as refused:
        switched.control("faults", {"kind": "fire"})
    refused.value.close()
    assert refused.value.code == 400 and switched.control("faults")["value"] == before
