"""What takes its time: Validate as a long-running operation, and the Retry-After of every answer that carries one."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from migrator.gateway.arm import ArmGateway
from migrator.gateway.protocol import (
    Busy,
    GatewayError,
    OperationStatus,
    ServerFailed,
    Submitted,
    Throttled,
    Unreadable,
)
from migrator.gateway.retry_after import LONGEST
from migrator.resources import Category, Verb
from tests.contract.places import OverHttp
from tests.contract.ways import SIMULATED

pytestmark = SIMULATED


@pytest.fixture
def units(azure: OverHttp, gateway: ArmGateway, subscription: str) -> dict[str, str]:
    """Ids of the networks by name; read before any switch is thrown."""
    found = [item for item in gateway.inventory(subscription) if not isinstance(item, Unreadable)]
    return {str(d["name"]): str(d["id"]) for d in found if str(d["type"]).lower().endswith("/virtualnetworks")}


def submit(gateway: ArmGateway, verb: Verb, unit: str) -> Submitted:
    return gateway.submit(verb, unit, client_request_id=f"waiting-{verb.value}")


@pytest.mark.parametrize("header", ["both", "location", "azure-asyncoperation"])
@pytest.mark.parametrize(
    ("name", "end"), [("shop-net", OperationStatus.SUCCEEDED), ("legacy-net", OperationStatus.FAILED)]
)
def test_a_validate_that_takes_its_time_says_the_same_in_the_end(
    azure: OverHttp, gateway: ArmGateway, units: dict[str, str], header: str, name: str, end: OperationStatus
) -> None:
    azure.control("settings", {"operation_header": header, "validate_later": 0})
    at_once = submit(gateway, Verb.VALIDATE, units[name])
    assert at_once.status_url is None
    azure.control("settings", {"validate_later": 1})
    accepted = submit(gateway, Verb.VALIDATE, units[name])
    assert accepted.status_url is not None and accepted.messages == ()
    running = gateway.poll(accepted.status_url)
    assert (running.status, running.messages) == (OperationStatus.IN_PROGRESS, ())
    azure.control("clock", {"advance": 600})
    ended = gateway.poll(accepted.status_url)
    assert (ended.status, ended.messages) == (end, at_once.messages)
    blocks = [message.message for message in at_once.messages if message.category is Category.ERROR]
    assert ended.message == (blocks[0] if blocks else "")


NOW = datetime.now(UTC)
SAID = [
    ("7", 7.0),
    ("0", 0.0),
    (format_datetime(NOW + timedelta(days=7), usegmt=True), LONGEST),
    (format_datetime(NOW - timedelta(days=7), usegmt=True), 0.0),
    ("604800", LONGEST),  # a week: asked again after an hour
    ("-5", None),
    ("soon", None),
    (None, None),
]
# The dates are of this moment, and every process that shares the suite has to name the tests alike.
IDS = ["seconds", "none", "a date ahead", "a date behind", "a week", "negative", "words", "nothing"]


@pytest.mark.parametrize(("said", "seconds"), SAID, ids=IDS)
def test_retry_after_is_read_on_a_202_and_on_a_look(
    azure: OverHttp, gateway: ArmGateway, units: dict[str, str], said: str | None, seconds: float | None
) -> None:
    azure.control("faults", {"kind": "retry-after", "verb": "prepare", "value": said})
    submitted = submit(gateway, Verb.PREPARE, units["shop-net"])
    assert submitted.retry_after == seconds
    assert submitted.status_url is not None
    azure.control("faults", {"kind": "retry-after", "unit": "operationStatuses", "value": said})
    polled = gateway.poll(submitted.status_url)
    assert (polled.status, polled.retry_after) == (OperationStatus.IN_PROGRESS, seconds)
    own = gateway.poll(submitted.status_url).retry_after
    assert own is not None and 1 <= own <= 15  # the simulator's own


@pytest.mark.parametrize(("said", "seconds"), SAID, ids=IDS)
@pytest.mark.parametrize(("status", "kind"), [(429, Throttled), (503, ServerFailed)])
def test_retry_after_is_read_on_a_refusal(
    azure: OverHttp,
    gateway: ArmGateway,
    units: dict[str, str],
    status: int,
    kind: type[GatewayError],
    said: str | None,
    seconds: float | None,
) -> None:
    azure.control("faults", {"kind": "retry-after", "verb": "prepare", "value": said})
    azure.control("faults", {"kind": "throttle", "status": status, "method": "POST"})
    with pytest.raises(kind) as raised:
        submit(gateway, Verb.PREPARE, units["shop-net"])
    assert raised.value.retry_after == seconds
    assert azure.control("state")["operations"] == []


def test_a_date_is_counted_from_the_platforms_own_clock(
    azure: OverHttp, gateway: ArmGateway, units: dict[str, str]
) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    azure.control("faults", {"kind": "retry-after", "verb": "prepare", "value": until})
    wait = submit(gateway, Verb.PREPARE, units["shop-net"]).retry_after
    assert wait is not None and 50 <= wait <= 61  # `Date` has whole seconds, so a wait can be one longer, never shorter


def test_a_conflict_may_ask_to_wait_too(azure: OverHttp, gateway: ArmGateway, units: dict[str, str]) -> None:
    azure.control("faults", {"kind": "fail", "verb": "prepare", "code": "E14", "retry_after": 9})
    with pytest.raises(Busy) as raised:
        submit(gateway, Verb.PREPARE, units["shop-net"])
    assert raised.value.retry_after == 9.0


def test_a_read_and_a_look_that_are_throttled_say_how_long(
    azure: OverHttp, gateway: ArmGateway, units: dict[str, str]
) -> None:
    submitted = submit(gateway, Verb.PREPARE, units["shop-net"])
    azure.control("faults", {"kind": "throttle", "method": "GET", "retry_after": 40, "times": 9})
    with pytest.raises(Throttled) as raised:
        gateway.read(units["shop-net"])
    assert raised.value.retry_after == 40.0
    assert submitted.status_url is not None
    polled = gateway.poll(submitted.status_url)
    assert (polled.status, polled.retry_after) == (OperationStatus.UNREADABLE, 40.0)
