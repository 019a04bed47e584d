"""The four verbs and their status URLs over real HTTP against a stub."""

from typing import Any

import pytest

from migrator.gateway.arm import ArmGateway, StaticToken
from migrator.gateway.operations import DEPLOYMENT_BODY
from migrator.gateway.protocol import ErrorClass, Malformed, OperationStatus, Refused
from migrator.resources import Category, Verb

SUB = "/subscriptions/11111111-2222-3333-4444-555555555555"
BASE = f"{SUB}/resourceGroups/rg/providers"
SLOT = f"{BASE}/Microsoft.ClassicCompute/domainNames/shop/slots/Production"
NETWORK = f"{BASE}/Microsoft.ClassicNetwork/virtualNetworks/vnet1"
STATUS = f"{SLOT}/operationStatuses/op-1"
MESSAGES = {"validationMessages": [{"category": "Warning", "message": "m"}], "status": "Succeeded"}


def submit(gateway: ArmGateway, verb: Verb, unit: str = SLOT, **more: Any) -> Any:
    return gateway.submit(verb, unit, client_request_id="c", **more)


@pytest.mark.parametrize(
    ("verb", "unit", "parameters", "sent"),
    [
        (Verb.VALIDATE, SLOT, None, dict(DEPLOYMENT_BODY)),
        (Verb.PREPARE, SLOT, None, dict(DEPLOYMENT_BODY)),
        (Verb.PREPARE, SLOT, {"destinationVirtualNetwork": "Existing"}, {"destinationVirtualNetwork": "Existing"}),
        (Verb.PREPARE, NETWORK, None, None),
        (Verb.ABORT, SLOT, None, None),
        (Verb.COMMIT, SLOT, {"destinationVirtualNetwork": "New"}, None),
    ],
)
def test_each_verb_sends_its_body(
    stub: Any, gateway: ArmGateway, verb: Verb, unit: str, parameters: Any, sent: Any
) -> None:
    stub.on("POST", f"{unit}/{verb.value}Migration", 200, MESSAGES)
    submitted = submit(gateway, verb, unit, parameters=parameters)
    (seen,) = stub.asked("POST", f"{unit}/{verb.value}Migration")
    assert seen.body == sent and submitted.status_url is None


def test_validate_answers_at_once_with_its_messages(stub: Any, gateway: ArmGateway) -> None:
    stub.on("POST", f"{SLOT}/validateMigration", 200, MESSAGES)
    submitted = submit(gateway, Verb.VALIDATE)
    assert [(m.category, m.message) for m in submitted.messages] == [(Category.WARNING, "m")]


@pytest.mark.parametrize("body", [None, {}, [1], b"<html>"])
def test_validate_that_says_nothing_has_not_passed(stub: Any, gateway: ArmGateway, body: Any) -> None:
    stub.on("POST", f"{SLOT}/validateMigration", 200, body)
    with pytest.raises(Malformed):
        submit(gateway, Verb.VALIDATE)


def test_the_operation_url_goes_before_the_location(stub: Any, gateway: ArmGateway) -> None:
    headers = {"Location": stub.url + "/result", "Azure_AsyncOperation": stub.url + STATUS, "Retry_After": "7"}
    stub.on("POST", f"{SLOT}/prepareMigration", 202, **headers)
    submitted = submit(gateway, Verb.PREPARE)
    assert (submitted.status_url, submitted.retry_after) == (stub.url + STATUS, 7.0)


def test_the_version_comes_from_the_metadata_of_the_provider_read_once(stub: Any, gateway: ArmGateway) -> None:
    kinds = [{"resourceType": "domainNames/slots", "apiVersions": ["2018-06-01", "2016-11-01", "2019-01-01-preview"]}]
    metadata = f"{SUB}/providers/Microsoft.ClassicCompute"
    stub.on("GET", metadata, 200, {"namespace": "Microsoft.ClassicCompute", "resourceTypes": kinds})
    stub.on("POST", f"{SLOT}/abortMigration", 200)
    for _ in range(2):
        submit(gateway, Verb.ABORT)
    assert [seen.query for seen in stub.asked("POST", f"{SLOT}/abortMigration")] == ["api-version=2018-06-01"] * 2
    assert len(stub.asked("GET", metadata)) == 1


def test_a_version_set_by_hand_is_used(stub: Any) -> None:
    stub.on("POST", f"{SLOT}/abortMigration", 200)
    chosen = {"Microsoft.ClassicCompute/domainNames/slots/abortMigration": "2015-06-01"}
    with ArmGateway(stub.url, StaticToken("t"), api_versions=chosen) as gateway:
        submit(gateway, Verb.ABORT)
    assert stub.asked("POST", f"{SLOT}/abortMigration")[0].query == "api-version=2015-06-01"


@pytest.mark.parametrize("kind", ["reservedIps", "networkSecurityGroups", "routeTables"])
def test_what_resource_manager_does_not_move_is_not_asked_for(stub: Any, gateway: ArmGateway, kind: str) -> None:
    with pytest.raises(Refused, match="service management"):
        submit(gateway, Verb.PREPARE, f"{BASE}/Microsoft.ClassicNetwork/{kind}/x")


def test_an_id_that_is_none_is_not_asked_for(stub: Any, gateway: ArmGateway) -> None:
    with pytest.raises(Refused, match="character"):
        submit(gateway, Verb.PREPARE, f"{SLOT}?api-version=1#")
    assert stub.requests == []


IN_PROGRESS, SUCCEEDED, FAILED = OperationStatus.IN_PROGRESS, OperationStatus.SUCCEEDED, OperationStatus.FAILED
GONE, UNREADABLE = OperationStatus.GONE, OperationStatus.UNREADABLE


@pytest.mark.parametrize(
    ("path", "status", "body", "state"),
    [
        (STATUS, 200, {"status": "InProgress"}, IN_PROGRESS),
        (STATUS, 202, {"status": "Running"}, IN_PROGRESS),
        (STATUS, 202, None, IN_PROGRESS),
        (STATUS, 200, {"status": "succeeded"}, SUCCEEDED),
        (STATUS, 202, {"status": "Succeeded"}, SUCCEEDED),
        (STATUS, 200, {"status": "FAILED"}, FAILED),
        (STATUS, 200, {"status": "Canceled"}, FAILED),
        (STATUS, 200, {"status": "Something new"}, IN_PROGRESS),
        (STATUS, 200, {}, UNREADABLE),
        (STATUS, 200, None, UNREADABLE),
        (STATUS, 200, {"status": 5}, UNREADABLE),
        (STATUS, 200, [], UNREADABLE),
        (STATUS, 200, b"<html>", UNREADABLE),
        (STATUS, 200, b'{"status": "Succ', UNREADABLE),
        (STATUS, 404, None, GONE),
        (STATUS, 410, None, GONE),
        (STATUS, 400, None, UNREADABLE),
        (STATUS, 401, None, UNREADABLE),
        (STATUS, 403, None, UNREADABLE),
        (STATUS, 409, None, UNREADABLE),
        (STATUS, 429, None, UNREADABLE),
        (STATUS, 500, None, UNREADABLE),
        (STATUS, 302, None, UNREADABLE),
        ("/subscriptions/s/operationResults/1", 202, None, IN_PROGRESS),
        ("/subscriptions/s/operationResults/1", 200, {"id": "x"}, SUCCEEDED),
        ("/subscriptions/s/operationResults/1", 204, None, SUCCEEDED),
    ],
)
def test_one_look_at_a_status_url(
    stub: Any, gateway: ArmGateway, path: str, status: int, body: Any, state: OperationStatus
) -> None:
    stub.on("GET", path, status, body, Retry_After="9")
    polled = gateway.poll(f"{stub.url}{path}?api-version=1")
    assert polled.status is state and polled.retry_after == 9.0
    assert len(stub.requests) == 1  # the look itself names a time to come back, so nothing was tried again
    assert stub.requests[0].query == "api-version=1"


def test_a_failed_operation_says_why_in_the_terms_of_the_catalogue(stub: Any, gateway: ArmGateway) -> None:
    text = (
        "The current quota for cores is insufficient to complete migration. Current quota is 1, additional needed is 2."
    )
    error = {"code": "BadRequest", "message": text, "details": [{"code": "D", "message": "d"}]}
    stub.on("GET", STATUS, 200, {"status": "Failed", "error": error})
    polled = gateway.poll(stub.url + STATUS)
    assert (polled.code, polled.message, polled.catalogue_id) == ("BadRequest", text, "E28")
    assert polled.error_class is ErrorClass.QUOTA and [m.code for m in polled.messages] == ["D"]


def test_the_final_body_of_validate_carries_its_messages(stub: Any, gateway: ArmGateway) -> None:
    stub.on("GET", STATUS, 200, MESSAGES)
    assert [m.message for m in gateway.poll(stub.url + STATUS).messages] == ["m"]
    stub.on("GET", STATUS, 200, {"status": "Failed", **{k: v for k, v in MESSAGES.items() if k != "status"}})
    gateway.poll(stub.url + STATUS)
    assert [m.message for m in gateway.poll(stub.url + STATUS).messages] == ["m"]


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/x", "https://management.azure.com/x", "/relative", "", "file:///etc"]
)
def test_a_status_url_at_another_host_is_never_asked(stub: Any, gateway: ArmGateway, url: str) -> None:
    polled = gateway.poll(url)
    assert polled.status is UNREADABLE and "not the configured endpoint" in polled.message
    assert stub.requests == []
