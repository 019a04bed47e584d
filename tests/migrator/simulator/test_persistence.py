"""Keeping the state without a process: half-written logs, damaged files, and what reset does."""

import json

import pytest

from migrator.simulator import scenarios
from migrator.simulator.persistence import Journal, Keeper, StateError


def test_everything_comes_back_as_it_was(serve, tmp_path):
    first = serve(scenarios.estate("journey"), scenario="journey", state=tmp_path)
    network = first.id("virtualNetworks", "shop-net")
    first.finish("prepare", network)
    first.verb("commit", network)
    first.verb("commit", network)
    first.fault("stale-reads", seconds=5, unit="nothing")
    first.fault("late-apply", verb="prepare", unit="pricing", delay=50)
    first.verb("prepare", f"{first.id('domainNames', 'pricing')}/slots/Production")
    first.control("settings", {"page_size": 7})
    second = serve({}, scenario="journey", state=tmp_path)
    assert second.control("state?documents=1") == first.control("state?documents=1")
    assert second.control("violations")["count"] == 1
    assert second.platform.settings.page_size == 7
    second.pass_time(7200)
    assert second.get(network).status == 404


def test_a_line_cut_by_a_kill_is_closed_off(tmp_path):
    journal = Journal(tmp_path)
    journal.append({"path": "/a"})
    journal.append({"path": "/b"})
    with (tmp_path / "requests.jsonl").open("ab") as file:
        file.write(b'{"number": 3, "pa')
    again = Journal(tmp_path)
    again.append({"path": "/c"})
    lines = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text().splitlines()]
    assert [(line["number"], line["path"]) for line in lines] == [(1, "/a"), (2, "/b"), (3, "/c")]


def test_a_file_that_is_no_state_is_named(tmp_path):
    (tmp_path / "state.sqlite3").write_text("this is no database, and long enough to be noticed as such" * 20)
    with pytest.raises(StateError, match="cannot be used"):
        Keeper(tmp_path)


def test_a_state_of_another_scenario_is_not_taken_over(serve, tmp_path):
    serve(scenarios.estate("small"), scenario="small", state=tmp_path)
    with pytest.raises(StateError, match="holds the scenario small, not journey"):
        serve(scenarios.estate("journey"), scenario="journey", state=tmp_path)


def test_a_place_that_is_no_directory_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be used"):
        Keeper(tmp_path / "file")


def test_reset_begins_again_and_keeps_the_log(serve, tmp_path):
    azure = serve(scenarios.estate("journey"), scenario="journey", state=tmp_path)
    fresh = azure.control("state?documents=1")["documents"]
    azure.finish("prepare", azure.id("virtualNetworks", "shop-net"))
    azure.control("reset", {})
    assert azure.control("state?documents=1")["documents"] == fresh
    assert azure.control("state")["operations"] == []
    assert azure.control("log")["value"]
    again = serve({}, scenario="journey", state=tmp_path)
    assert again.control("state?documents=1")["documents"] == fresh


def test_reset_takes_another_scenario_or_an_estate_sent_along(journey):
    assert journey.control("reset", {"scenario": "small"})["scenario"] == "small"
    assert journey.id("virtualNetworks", "small-net")
    journey.control("reset", {"estate": scenarios.estate("empty")})
    assert journey.control("state")["classic"] == []


@pytest.mark.parametrize(
    ("name", "body", "fragment"),
    [
        ("reset", {"scenario": "/etc/passwd"}, "There is no scenario '/etc/passwd'"),
        ("reset", {"seed": "x"}, "seed must be a whole number"),
        ("reset", {"estate": {"format": "x"}}, "format is 'x'"),
        ("clock", {"advance": -5}, "cannot be advanced by -5"),
        ("clock", {"speed": -5}, "speed cannot be -5"),
        ("clock", {"jump": 5}, "Unknown key 'jump'"),
        ("settings", {"page_size": 0}, "page_size cannot be 0"),
        ("settings", {"colour": "red"}, "Unknown key 'colour'"),
    ],
)
def test_a_wrong_wish_to_the_control_surface_gets_one_sentence_and_changes_nothing(journey, name, body, fragment):
    before = journey.control("state?documents=1")
    reply = journey.ask("POST", f"/_simulator/{name}", body, token="")
    assert reply.status == 400 and fragment in reply.body["error"]
    assert journey.control("state?documents=1") == before


def test_an_unknown_control_page_names_the_known_ones(journey):
    reply = journey.ask("GET", "/_simulator/nothing", token="")
    assert reply.status == 404 and "POST /_simulator/faults" in reply.body["error"]
