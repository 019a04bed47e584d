"""The contract when Azure refuses, is silent, throttles or answers nonsense: which error of the family comes, and what
it says of the state the platform is left in. Run in process and over HTTP."""

from collections.abc import Callable

import pytest

from migrator.gateway.arm import ArmGateway
from migrator.gateway.protocol import (
    Applied,
    ArmSide,
    Busy,
    ClassicSide,
    CredentialRefused,
    ErrorClass,
    NotFound,
    NotPermitted,
    NotRegistered,
    OperationStatus,
    Refused,
    ServerFailed,
    Throttled,
    Unreachable,
)
from migrator.resources import ArmRequest, Verb
from tests.contract.places import OverHttp
from tests.contract.test_contract_moves import documents, finish, run, shop, submit
from tests.contract.ways import SIMULATED

pytestmark = SIMULATED


@pytest.mark.parametrize("call", ["subscriptions", "inventory", "submit"])
def test_an_expired_credential_is_named(azure: OverHttp, gateway: ArmGateway, subscription: str, call: str) -> None:
    unit, members = shop(gateway, subscription)

    with azure.gateway("expired-token") as other:
        with pytest.raises(CredentialRefused, match="Renew or correct the credential") as raised:
            {
                "subscriptions": other.subscriptions,
                "inventory": lambda: list(other.inventory(subscription)),
                "submit": lambda: submit(other, Verb.PREPARE, unit),
            }[call]()
        assert raised.value.applied is Applied.NO
        seen = other.observe(unit, members)
        assert (seen.classic, seen.arm) == (ClassicSide.UNREADABLE, ArmSide.UNREADABLE)


def test_a_reader_sees_everything_and_may_do_nothing(azure: OverHttp, gateway: ArmGateway, subscription: str) -> None:
    unit, _ = shop(gateway, subscription)
    with azure.gateway("reader-token") as reader:
        assert documents(reader, subscription) == documents(gateway, subscription)
        with pytest.raises(NotPermitted) as raised:
            submit(reader, Verb.PREPARE, unit)
    assert raised.value.action.lower() == "microsoft.classicnetwork/virtualnetworks/preparemigration/action"
    assert raised.value.scope.lower() == unit.lower() and raised.value.applied is Applied.NO
    assert azure.control("state")["locks"] == {}


def test_a_subscription_not_registered_is_named(azure: OverHttp, gateway: ArmGateway, subscription: str) -> None:
    unit, _ = shop(gateway, subscription)
    changed = azure.control("estate")
    for row in changed["registrations"]:
        if row["name"] == "Microsoft.ClassicInfrastructureMigrate":
            row["state"] = "NotRegistered"
    azure.control("reset", {"estate": changed})
    states = {found.name: found.state for found in gateway.registrations(subscription)}
    assert states["Microsoft.ClassicInfrastructureMigrate"] == "NotRegistered"
    with pytest.raises(NotRegistered, match=r"Microsoft\.ClassicInfrastructureMigrate is not registered") as raised:
        submit(gateway, Verb.PREPARE, unit)
    assert raised.value.applied is Applied.NO
    assert gateway.register(subscription, "Microsoft.ClassicInfrastructureMigrate").state == "Registering"
    azure.control("clock", {"advance": 3600})
    states = {found.name: found.state for found in gateway.registrations(subscription)}
    assert states["Microsoft.ClassicInfrastructureMigrate"] == "Registered"


# What goes wrong


def test_a_throttled_verb_was_not_processed(azure: OverHttp, gateway: ArmGateway, subscription: str) -> None:
    unit, members = shop(gateway, subscription)
    azure.control("faults", {"kind": "throttle", "method": "POST", "retry_after": 17})
    with pytest.raises(Throttled) as raised:
        submit(gateway, Verb.PREPARE, unit)
    assert (raised.value.retry_after, raised.value.applied) == (17.0, Applied.NO)
    assert gateway.observe(unit, members).classic is ClassicSide.PRESENT


@pytest.mark.parametrize(("answer", "kind"), [(500, ServerFailed), (503, ServerFailed), ("drop", Unreachable)])
def test_a_verb_applied_in_silence_is_doubt_that_reading_ends(
    azure: OverHttp, gateway: ArmGateway, subscription: str, answer: int | str, kind: type[Exception]
) -> None:
    unit, members = shop(gateway, subscription)
    before = len(azure.control("log")["value"])
    azure.control("faults", {"kind": "apply-then-fail", "verb": "prepare", "answer": answer})
    with pytest.raises(kind) as raised:
        submit(gateway, Verb.PREPARE, unit)
    assert raised.value.applied is Applied.UNKNOWN  # type: ignore[attr-defined]
    assert gateway.observe(unit, members).classic is ClassicSide.PREPARING
    log = azure.control("log")["value"][before:]
    submits = [line for line in log if str(line["path"]).lower().endswith("/preparemigration")]
    assert len(submits) == 1


@pytest.mark.parametrize("body", ["html", "cut", "empty", "list"])
def test_a_poll_that_cannot_be_understood_is_doubt(
    azure: OverHttp, gateway: ArmGateway, subscription: str, body: str
) -> None:
    unit, _ = shop(gateway, subscription)
    url = submit(gateway, Verb.PREPARE, unit).status_url
    assert url is not None
    azure.control("faults", {"kind": "malformed", "body": body, "method": "GET", "times": 3})
    assert gateway.poll(url).status is OperationStatus.UNREADABLE


def test_a_status_url_that_is_gone_is_gone(azure: OverHttp, gateway: ArmGateway, subscription: str) -> None:
    unit, _ = shop(gateway, subscription)
    url = submit(gateway, Verb.PREPARE, unit).status_url
    assert url is not None
    azure.control("faults", {"kind": "poll-gone"})
    assert gateway.poll(url).status is OperationStatus.GONE
    assert gateway.poll(url).status is OperationStatus.IN_PROGRESS


def test_a_failed_prepare_says_why_and_stays_locked(azure: OverHttp, gateway: ArmGateway, subscription: str) -> None:
    unit, members = shop(gateway, subscription)
    azure.control("faults", {"kind": "operation-fails", "verb": "prepare", "code": "E04"})
    polled = finish(azure, gateway, submit(gateway, Verb.PREPARE, unit))
    assert (polled.status, polled.catalogue_id, polled.error_class) == (OperationStatus.FAILED, "E04", ErrorClass.RETRY)
    assert polled.message
    assert gateway.observe(unit, members).classic is ClassicSide.PREPARED  # [I] what a failed Prepare leaves behind


def test_the_buckets_of_the_platform_are_told(azure: OverHttp, gateway: ArmGateway, subscription: str) -> None:
    azure.control("settings", {"throttle": 1})
    unit, _ = shop(gateway, subscription)
    exchange = submit(gateway, Verb.VALIDATE, unit).exchange
    assert exchange.remaining_writes is not None and 0 < exchange.remaining_writes <= 200


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_lists_of_any_size_are_read_to_their_end(
    azure: OverHttp, gateway: ArmGateway, subscription: str, size: int
) -> None:
    whole = (documents(gateway, subscription), gateway.usages(subscription, "westeurope"))
    azure.control("settings", {"page_size": size, "graph_page_size": size})
    assert (documents(gateway, subscription), gateway.usages(subscription, "westeurope")) == whole


CALLS: dict[str, Callable[[ArmGateway, str, str], object]] = {
    "inventory": lambda gateway, subscription, unit: list(gateway.inventory(subscription)),
    "read": lambda gateway, subscription, unit: gateway.read(unit),
    "submit": lambda gateway, subscription, unit: submit(gateway, Verb.PREPARE, unit),
    "usages": lambda gateway, subscription, unit: gateway.usages(subscription, "westeurope"),
    "registrations": lambda gateway, subscription, unit: gateway.registrations(subscription),
    "register": lambda gateway, subscription, unit: gateway.register(subscription, "Microsoft.Compute"),
    "request_quota": lambda gateway, subscription, unit: gateway.request_quota(
        subscription, "Microsoft.Compute", "westeurope", "cores", 900
    ),
    "send": lambda gateway, subscription, unit: gateway.send(
        ArmRequest(method="GET", path=unit, api_version="2016-11-01")
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_who_has_no_right_on_a_subscription_is_told_so_and_sees_nothing_empty(
    azure: OverHttp, gateway: ArmGateway, subscription: str, call: str
) -> None:
    unit, members = shop(gateway, subscription)
    with azure.gateway("stranger-token") as stranger:
        assert stranger.subscriptions() == []
        with pytest.raises(NotPermitted) as raised:
            CALLS[call](stranger, subscription, unit)
        assert raised.value.applied is Applied.NO and raised.value.action
        assert raised.value.scope.lower().startswith(f"/subscriptions/{subscription}")
        seen = stranger.observe(unit, members)
    assert (seen.classic, seen.arm) == (ClassicSide.UNREADABLE, ArmSide.UNREADABLE)
    assert azure.control("state")["locks"] == {}


@pytest.mark.parametrize("call", ["inventory", "read", "usages", "registrations", "send"])
def test_a_throttled_read_says_when_to_come_back(
    azure: OverHttp, gateway: ArmGateway, subscription: str, call: str
) -> None:
    unit, _ = shop(gateway, subscription)
    azure.control("faults", {"kind": "throttle", "retry_after": 23, "times": 50})
    with pytest.raises(Throttled) as raised:
        CALLS[call](gateway, subscription, unit)
    assert (raised.value.retry_after, raised.value.applied) == (23.0, Applied.NO)


def test_a_second_verb_while_one_runs_is_refused_and_recorded(
    azure: OverHttp, gateway: ArmGateway, subscription: str
) -> None:
    unit, _ = shop(gateway, subscription)
    first = submit(gateway, Verb.PREPARE, unit)
    with pytest.raises(Busy) as raised:
        submit(gateway, Verb.PREPARE, unit)
    assert raised.value.applied is Applied.UNKNOWN  # what runs may be our own
    assert azure.control("state")["violations"] == 1
    assert finish(azure, gateway, first).status is OperationStatus.SUCCEEDED


def test_an_abort_after_a_commit_is_refused_and_recorded(
    azure: OverHttp, gateway: ArmGateway, subscription: str
) -> None:
    unit, _ = shop(gateway, subscription)
    run(azure, gateway, Verb.PREPARE, unit)
    submit(gateway, Verb.COMMIT, unit)
    with pytest.raises((Busy, Refused)):
        submit(gateway, Verb.ABORT, unit)
    assert azure.control("state")["violations"] == 1


def test_an_operation_that_never_ends_is_timed_out_after_a_day(
    azure: OverHttp, gateway: ArmGateway, subscription: str
) -> None:
    unit, _ = shop(gateway, subscription)
    azure.control("faults", {"kind": "stuck", "verb": "prepare"})
    url = submit(gateway, Verb.PREPARE, unit).status_url
    assert url is not None
    azure.control("clock", {"advance": 23 * 3600})
    assert gateway.poll(url).status is OperationStatus.IN_PROGRESS
    azure.control("clock", {"advance": 3601})
    assert gateway.poll(url).status is OperationStatus.FAILED


def test_a_quota_request_that_does_not_exist_is_not_found(gateway: ArmGateway, subscription: str) -> None:
    with pytest.raises(NotFound):
        gateway.quota_request(subscription, "Microsoft.Compute", "westeurope", "no-such-request")
