"""Every switch does what it says, as often as it says (azure.md 12)."""

import pytest

from migrator.simulator import faults


def test_a_verb_can_be_made_to_fail_with_a_row_of_the_catalogue(journey, shop):
    journey.fault("fail", verb="prepare", code="E26", times=2)
    for _ in range(2):
        reply = journey.verb("prepare", shop)
        assert (reply.status, reply.code) == (500, "XrpVirtualNetworkMigrationError")
    assert journey.verb("prepare", shop).status == 202


def test_a_failure_may_carry_retry_after_and_a_status(journey, shop):
    journey.fault("fail", verb="commit", code="Odd", message="Odd thing.", status=503, retry_after=7)
    reply = journey.verb("commit", shop)
    assert (reply.status, reply.code, reply.message, reply.headers["retry-after"]) == (503, "Odd", "Odd thing.", "7")


def test_it_applies_only_to_the_unit_named(journey, shop):
    journey.fault("fail", verb="validate", unit="legacy-net")
    assert journey.verb("validate", shop).status == 200
    assert journey.verb("validate", journey.id("virtualNetworks", "legacy-net")).status == 500


@pytest.mark.parametrize("answer", [500, 504, "drop"])
def test_applied_and_then_badly_answered(journey, shop, answer):
    journey.fault("apply-then-fail", verb="prepare", answer=answer)
    reply = journey.verb("prepare", shop, x_ms_client_request_id="lost-1")
    assert reply.whole is (answer != "drop")
    assert journey.shown(shop) == "Preparing"
    assert [row["client_request_id"] for row in journey.control("state")["operations"]] == ["lost-1"]
    line = journey.control("log")["value"][-2]
    assert (line["verb"], line["dropped"]) == ("prepare", answer == "drop")


def test_applied_long_after_the_sender_gave_up(journey, shop):
    journey.fault("late-apply", verb="prepare", delay=120, answer="drop")
    assert not journey.verb("prepare", shop).whole
    assert journey.shown(shop) is None
    journey.pass_time(119)
    assert journey.shown(shop) is None
    journey.pass_time(2)
    assert journey.shown(shop) == "Preparing"


def test_an_operation_that_is_stuck_ends_after_a_day(journey, shop):
    journey.fault("stuck", verb="prepare")
    submitted = journey.verb("prepare", shop)
    journey.pass_time(23 * 3600)
    assert journey.poll(submitted).body["status"] == "InProgress"
    journey.pass_time(2 * 3600)
    assert journey.poll(submitted).body["error"]["code"] == "OperationTimedOut"


def test_prepare_that_fails_leaves_its_lock_or_not(journey, shop):
    journey.fault("operation-fails", verb="prepare", code="E24")
    assert journey.finish("prepare", shop)["error"]["code"] == "UnknownExceptionInEndExecute"
    assert shop in journey.control("state")["locks"]
    assert journey.ask("DELETE", f"{shop}?api-version=2016-11-01").status == 409
    assert journey.finish("abort", shop)["status"] == "Succeeded"
    journey.fault("operation-fails", verb="prepare", keeps_lock=False)
    assert journey.finish("prepare", shop)["status"] == "Failed"
    assert not journey.control("state")["locks"]


def test_a_commit_that_fails_after_part_of_its_work_can_be_finished(journey, shop):
    journey.finish("prepare", shop)
    before = len(journey.control("state")["classic"])
    journey.fault("operation-fails", verb="commit", partial=True)
    assert journey.finish("commit", shop)["status"] == "Failed"
    state = journey.control("state")
    assert 0 < len(state["classic"]) < before
    assert journey.get(shop).status == 200
    assert journey.finish("commit", shop)["status"] == "Succeeded"
    assert journey.get(shop).status == 404
    assert journey.control("state")["classic"] and not journey.control("state")["locks"]


@pytest.mark.parametrize("wait", [9, None])
def test_a_429_with_and_without_retry_after(journey, shop, wait):
    journey.fault("throttle", method="GET", retry_after=wait)
    reply = journey.get(shop)
    assert (reply.status, reply.headers.get("retry-after")) == (429, None if wait is None else str(wait))
    assert journey.get(shop).status == 200


def test_401_lasts_until_it_is_cleared(journey, shop):
    journey.fault("unauthorized")
    assert [journey.get(shop).status for _ in range(3)] == [401, 401, 401]
    journey.control("faults", method="DELETE")
    assert journey.get(shop).status == 200


def test_stale_reads_show_the_past(journey):
    legacy = journey.id("virtualNetworks", "legacy-net")
    journey.ask("PATCH", f"{legacy}?api-version=2016-11-01", {"tags": {"v": "2"}})
    journey.pass_time(20)
    assert journey.get(legacy).body["tags"] == {"v": "2"}
    journey.fault("stale-reads", seconds=60)
    assert journey.get(legacy).body["tags"]["owner"] == "ana.lima@bramble.example"
    journey.pass_time(60)
    assert journey.get(legacy).body["tags"] == {"v": "2"}


def test_stale_lists_miss_what_is_new_and_show_what_is_gone(journey, shop):
    journey.finish("prepare", shop)
    journey.verb("commit", shop)
    journey.pass_time(3600)
    journey.get(shop)
    journey.control("faults", {"kind": "stale-reads", "seconds": 3600})
    assert journey.shown(shop) == "Committing"
    journey.control("faults", method="DELETE")
    assert journey.get(shop).status == 404


@pytest.mark.parametrize(
    ("body", "shown"), [("html", b"<!DOCTYPE"), ("cut", b'{"id"'), ("empty", None), ("list", [1, 2, 3])]
)
def test_an_answer_can_be_made_unreadable(journey, shop, body, shown):
    journey.fault("malformed", method="GET", body=body)
    found = journey.get(shop).body
    assert found.startswith(shown) if isinstance(shown, bytes) else found == shown
    assert journey.get(shop).body["id"] == shop


def test_the_status_url_can_vanish(journey, shop):
    submitted = journey.verb("prepare", shop)
    journey.fault("poll-gone")
    assert journey.poll(submitted).status == 404
    assert journey.poll(submitted).status == 200


def test_only_one_of_the_two_headers_may_come(journey, shop):
    journey.control("settings", {"operation_header": "location"})
    submitted = journey.verb("prepare", shop)
    assert "azure-asyncoperation" not in submitted.headers
    assert journey.ask("GET", submitted.headers["location"]).status == 202
    journey.pass_time(7200)
    assert journey.ask("GET", submitted.headers["location"]).status == 200


@pytest.mark.parametrize(
    ("wish", "fragment"),
    [
        ([], "one JSON object"),
        ({"kind": "explode"}, "There is no fault 'explode'"),
        ({"kind": "fail", "verb": "destroy"}, "There is no verb 'destroy'"),
        ({"kind": "fail", "cod": "E03"}, "has no key 'cod'"),
        ({"kind": "fail", "times": 0}, "1 or more"),
        ({"kind": "late-apply", "delay": -1}, "0 or more"),
        ({"kind": "apply-then-fail", "answer": 200}, "400 to 599"),
        ({"kind": "retry-after", "value": 5}, "one line of ASCII text"),
        ({"kind": "retry-after", "value": "5\r\nX-Other: 1"}, "one line of ASCII text"),
    ],
)
def test_a_switch_that_makes_no_sense_is_refused_in_one_sentence(journey, wish, fragment):
    reply = journey.ask("POST", "/_simulator/faults", wish, token="")
    assert reply.status == 400 and fragment in reply.body["error"]
    assert journey.control("faults")["value"] == []


def test_every_kind_of_switch_has_its_defaults_documented():
    for kind in faults.DEFAULTS:
        assert kind in (faults.__doc__ or "")
        assert faults.parse({"kind": kind}).kind == kind


@pytest.mark.parametrize("value", ["-5", "604800", "soon", "Sun, 22 Nov 2026 12:00:30 GMT", None])
def test_an_answer_can_ask_to_wait_in_any_words(journey, shop, value):
    journey.fault("retry-after", verb="prepare", value=value)
    submitted = journey.verb("prepare", shop)
    assert submitted.headers.get("retry-after") == value
    assert int(journey.poll(submitted).headers["retry-after"]) >= 1
