"""Validate as a long-running operation (azure.md 2.3 [I]): 202, and the same answer at the status URL."""

import pytest

from migrator.simulator import scenarios


@pytest.fixture
def later(journey):
    journey.control("settings", {"validate_later": 1})
    return journey


def test_it_is_accepted_and_tells_at_its_end_what_it_would_have_told_at_once(journey):
    units = [journey.id("virtualNetworks", name) for name in ("shop-net", "legacy-net")]
    at_once = [journey.verb("validate", unit).body for unit in units]
    assert [body["status"] for body in at_once] == ["Succeeded", "Failed"]
    journey.control("settings", {"validate_later": 1})
    accepted = [journey.verb("validate", unit) for unit in units]
    for reply in accepted:
        assert (reply.status, reply.body) == (202, None)
        assert reply.headers["location"] == reply.headers["azure-asyncoperation"]
        running = journey.poll(reply)
        assert int(running.headers["retry-after"]) >= 1
        assert running.body["status"] == "InProgress" and "validationMessages" not in running.body
    journey.pass_time(600)
    for reply, told in zip(accepted, at_once, strict=True):
        body = journey.poll(reply).body
        assert {"validationMessages": body["validationMessages"], "status": body["status"]} == told
        assert "error" not in body
    state = journey.control("state")
    assert (state["locks"], state["violations"], state["committed"]) == ({}, 0, [])


def test_it_finds_what_is_there_at_its_end(later):
    network = later.id("virtualNetworks", "legacy-net")
    accepted = later.verb("validate", network)
    peering = f"{network}/virtualNetworkPeerings/to-hub-net"
    assert later.ask("DELETE", f"{peering}?api-version=2016-11-01").status == 200
    later.pass_time(600)
    texts = [message["message"] for message in later.poll(accepted).body["validationMessages"]]
    assert not any("peering" in text for text in texts)


def test_it_locks_nothing_and_stands_in_nobodys_way(later, shop):
    later.verb("validate", shop)
    assert later.verb("validate", shop).status == 202
    assert later.shown(shop) is None
    assert later.verb("prepare", shop).status == 202
    assert later.control("violations")["count"] == 0


def test_what_is_refused_is_refused_at_once(later, shop):
    assert later.verb("validate", f"{shop}-not").status == 404


def test_the_seed_says_which_units_take_their_time(serve):
    def asked(seed):
        azure = serve(scenarios.estate("demo"), seed=seed)
        azure.control("settings", {"validate_later": 0.5})
        nets = sorted(
            d["id"] for d in azure.platform.store.all() if d["type"].endswith("lassicNetwork/virtualNetworks")
        )
        return [azure.verb("validate", net).status for net in nets]

    first = asked(1)
    assert {200, 202} <= set(first)
    assert asked(1) == first
    assert asked(2) != first


@pytest.mark.parametrize(
    ("kind", "status", "messages"),
    [("operation-fails", "Failed", None), ("says-succeeded", "Succeeded", []), ("says-failed", "Failed", None)],
)
def test_the_switches_for_the_end_of_an_operation_hold_for_it(later, kind, status, messages):
    network = later.id("virtualNetworks", "legacy-net")
    later.fault(kind, verb="validate")
    body = later.finish("validate", network)
    assert (body["status"], body.get("validationMessages")) == (status, messages)
    assert ("error" in body) == (messages is None)


def test_one_that_is_stuck_ends_after_a_day(later, shop):
    later.fault("stuck", verb="validate")
    accepted = later.verb("validate", shop)
    later.pass_time(23 * 3600)
    assert later.poll(accepted).body["status"] == "InProgress"
    later.pass_time(2 * 3600)
    assert later.poll(accepted).body["error"]["code"] == "OperationTimedOut"


def test_a_unit_that_went_away_meanwhile_is_not_found(later, shop):
    accepted = later.verb("validate", shop)
    later.control("vanish", {"id": shop})
    later.pass_time(600)
    assert later.poll(accepted).body["error"]["code"] == "ResourceNotFound"


def test_its_answer_survives_a_restart(serve, tmp_path):
    azure = serve(scenarios.estate("journey"), scenario="journey", state=tmp_path)
    azure.control("settings", {"validate_later": 1})
    accepted = azure.verb("validate", azure.id("virtualNetworks", "legacy-net"))
    azure = serve({}, scenario="journey", state=tmp_path)
    azure.pass_time(600)
    told = azure.poll(accepted).body
    assert told["status"] == "Failed" and told["validationMessages"]
    assert serve({}, scenario="journey", state=tmp_path).poll(accepted).body == told


@pytest.mark.parametrize("value", [-0.1, 1.1, True, "often", None])
def test_a_share_that_is_none_is_refused(journey, value):
    reply = journey.ask("POST", "/_simulator/settings", {"validate_later": value}, token="")
    assert reply.status == 400 and "validate_later cannot be" in reply.body["error"]
