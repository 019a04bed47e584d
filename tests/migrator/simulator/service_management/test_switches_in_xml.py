"""The switches of the control page hold for service management, too; each is told by either face's name of a unit."""

import http.client
import time
from xml.etree.ElementTree import ParseError

import pytest
from defusedxml import ElementTree

from migrator.simulator.errors import CATALOGUE
from tests.migrator.simulator.service_management.asking import every, names, text

SPRING = "networking/reservedips/rip-spring-sale"
ALONE = "hostedservices/newsletter/deployments/newsletter-production"
LIST = "/services/networking/routetables"


def locks(azure):
    return azure.control("state")["locks"]


@pytest.mark.parametrize("row", sorted(CATALOGUE))
def test_a_verb_can_be_refused_with_every_row_of_the_catalogue(azure, row):
    status, code, message = CATALOGUE[row]
    azure.fault("fail", verb="prepare", code=row)
    reply = azure.verb("prepare", SPRING)
    assert (reply.status, reply.code, reply.message) == (status, code, message)
    assert locks(azure) == {}
    assert azure.verb("prepare", SPRING).status == 202


@pytest.mark.parametrize("row", ["E03", "E21", "E28", "E41"])
def test_an_operation_can_fail_with_a_row_of_the_catalogue(azure, row):
    status, code, message = CATALOGUE[row]
    azure.fault("operation-fails", verb="prepare", code=row)
    operation = azure.finish("prepare", ALONE)
    assert [text(operation, "Status"), text(operation, "HttpStatusCode")] == ["Failed", str(status)]
    assert (text(operation, "Error", "Code"), text(operation, "Error", "Message")) == (code, message)
    assert len(locks(azure)) == 1


def test_a_switch_may_name_a_unit_by_its_resource_manager_id(azure):
    slot = f"{azure.document('domainNames', 'newsletter')['id']}/slots/Production"
    azure.fault("throttle", unit=slot, retry_after=7)
    assert azure.sm(LIST).status == 200
    reply = azure.sm("/services/hostedservices/newsletter/deploymentslots/Production")
    assert (reply.status, reply.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize(
    ("settings", "status", "code", "wait"),
    [
        ({"retry_after": 3}, 429, "TooManyRequests", "3"),
        ({"retry_after": 4, "status": 503}, 503, "ServerBusy", "4"),
        ({"retry_after": None}, 429, "TooManyRequests", None),
    ],
)
def test_too_many_requests(azure, settings, status, code, wait):
    azure.fault("throttle", **settings)
    reply = azure.sm(LIST)
    assert (reply.status, reply.code, reply.headers.get("retry-after")) == (status, code, wait)
    assert azure.sm(LIST).status == 200


def test_the_status_of_a_throttle_switch_holds_for_resource_manager_and_is_checked(azure):
    azure.fault("throttle", status=503, retry_after=2)
    reply = azure.arm("GET", "/subscriptions?api-version=2022-12-01")
    assert (reply.status, reply.headers["retry-after"]) == (503, "2")
    wrong = azure.server  # the control surface says what is wrong
    with pytest.raises(Exception, match="400"):
        wrong.control("faults", {"kind": "throttle", "status": 200})


def test_the_buckets_run_dry_here_apart_from_those_of_resource_manager(azure):
    azure.control("settings", {"throttle": 0.02})
    replies = [azure.sm(LIST, token="a-busy-caller") for _ in range(12)]
    refused = [reply for reply in replies if reply.status != 200]
    assert refused
    assert refused[0].status == 429
    assert int(refused[0].headers["retry-after"]) >= 1
    assert azure.arm("GET", "/subscriptions?api-version=2022-12-01").status == 200


def test_a_slow_answer(azure):
    azure.fault("slow", seconds=0.4, unit="routetables", times=1)
    started = time.monotonic()
    assert azure.sm(LIST).status == 200
    assert time.monotonic() - started >= 0.4


def test_a_token_can_be_refused_for_a_while(azure):
    azure.fault("unauthorized", unit="routetables")
    reply = azure.sm(LIST)
    assert (reply.status, reply.code) == (401, "AuthenticationFailed")
    assert azure.sm("/services/disks").status == 200


def test_a_verb_may_be_applied_and_its_answer_lost(azure):
    azure.fault("apply-then-fail", verb="prepare", answer="drop")
    with pytest.raises((http.client.RemoteDisconnected, http.client.BadStatusLine, ConnectionResetError)):
        azure.verb("prepare", SPRING)
    assert [lock["phase"] for lock in locks(azure).values()] == ["preparing"]
    line = azure.control("log")["value"][-1]
    assert (line["dropped"], line["verb"]) == (True, "prepare")


def test_a_verb_may_be_applied_and_answered_with_an_error(azure):
    azure.fault("apply-then-fail", verb="prepare", answer=503)
    reply = azure.verb("prepare", SPRING)
    assert (reply.status, reply.code) == (503, "InternalError")
    assert [lock["phase"] for lock in locks(azure).values()] == ["preparing"]


def test_a_verb_may_arrive_long_after_its_answer(azure):
    azure.fault("late-apply", verb="prepare", answer=500, delay=300)
    assert azure.verb("prepare", SPRING).status == 500
    assert locks(azure) == {}
    azure.pass_time(310)
    assert [lock["phase"] for lock in locks(azure).values()] == ["preparing"]


def test_reads_may_show_the_platform_as_it_was(azure):
    azure.finish("prepare", "storageservices/bramblestatic")
    azure.verb("abort", "storageservices/bramblestatic")

    def shown():
        return text(azure.sm("/services/storageservices/bramblestatic").root, "MigrationState")

    assert shown() == "Aborting"
    azure.pass_time(600)
    assert shown() is None
    azure.fault("stale-reads", seconds=300, unit="storageservices")
    assert shown() == "Aborting"
    tables = names(every(azure.sm(LIST).root, "RouteTable"))
    assert tables == {"rt-web-back", "rt-proxy-2015"}


@pytest.mark.parametrize("body", ["cut", "empty"])
def test_an_answer_nobody_can_read(azure, body):
    azure.fault("malformed", body=body, unit="routetables")
    reply = azure.sm(LIST)
    assert reply.status == 200
    with pytest.raises(ParseError):
        ElementTree.fromstring(reply.raw)
    assert azure.sm(LIST).root.tag.endswith("}RouteTables")


def test_an_answer_of_another_shape(azure):
    azure.fault("malformed", body="list", unit="routetables")
    assert ElementTree.fromstring(azure.sm(LIST).raw).tag == "ArrayOfstring"
    azure.fault("malformed", body="html", unit="routetables")
    reply = azure.sm(LIST)
    assert (reply.headers["content-type"].partition(";")[0], b"Bad Gateway" in reply.raw) == ("text/html", True)


def test_the_status_of_an_operation_may_be_gone(azure):
    submitted = azure.verb("prepare", SPRING)
    azure.fault("poll-gone", unit="rip-spring-sale")
    assert azure.sm(f"/operations/{submitted.request_id}").status == 404
    assert azure.sm(f"/operations/{submitted.request_id}").status == 200


def test_reading_a_unit_does_not_use_up_a_switch_for_another(azure):
    azure.fault("malformed", body="html", unit="rip-kiosk")
    assert azure.sm(f"/services/{SPRING}").root is not None
    assert azure.sm("/services/networking/reservedips/rip-kiosk").headers["content-type"].startswith("text/html")
