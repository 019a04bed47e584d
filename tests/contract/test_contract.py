"""The contract of `migrator/gateway/protocol.py`, method by method: what may be asked of a simulator and of a real
subscription alike, because it only reads. The verbs and what changes something are in test_contract_moves.py, errors
and odd answers in test_contract_errors.py.

By hand against Azure, with the variables of azure-identity's DefaultAzureCredential:

    TRACKER_CONTRACT_SUBSCRIPTION=… python3 manage.py test tests/contract -m azure

What stays unverified until somebody has run it with a classic resource: azure.md 13.
"""

import inspect
import re
from pathlib import Path

import pytest

from migrator.gateway import wire
from migrator.gateway.arm import ArmGateway
from migrator.gateway.protocol import (
    ArmSide,
    AzureGateway,
    ClassicSide,
    Document,
    GatewayError,
    NotFound,
    NotPermitted,
    OperationStatus,
    Reached,
    Refused,
    Unreadable,
)
from migrator.resources import UNKNOWN, ArmRequest, ResourceType
from tests.contract.places import OLDER, OverHttp
from tests.contract.ways import EVERYWHERE

pytestmark = EVERYWHERE
STATES = {"Registered", "Registering", "NotRegistered", "Unregistered", "Unregistering", "Pending"}
NOBODY = "00000000-0000-0000-0000-00000000abcd"


@pytest.fixture
def absent(subscription: str) -> str:
    """A network that is not there, in a group that is not there."""
    return f"/subscriptions/{subscription}/resourceGroups/no-such-group-7d1c/providers/{ResourceType.NETWORK}/none"


def listed(gateway: ArmGateway, subscription: str) -> list[Document]:
    return [item for item in gateway.inventory(subscription) if not isinstance(item, Unreadable | Reached)]


def test_every_method_of_the_contract_has_a_case(gateway: ArmGateway) -> None:
    methods = [n for n, m in vars(AzureGateway).items() if inspect.isfunction(m) and not n.startswith("_")]
    suite = "".join(path.read_text() for path in Path(__file__).parent.glob("test_contract*.py"))
    missing = [name for name in methods if not re.search(rf"\b(?:gateway|both|other|reader|stranger)\.{name}\b", suite)]
    assert methods and missing == []


def test_movable_names_the_three_types_without_asking(gateway: ArmGateway) -> None:
    assert gateway.movable() == {ResourceType.DEPLOYMENT, ResourceType.NETWORK, ResourceType.STORAGE_ACCOUNT}


def test_both_apis_move_what_only_the_older_moves_too(azure: OverHttp) -> None:
    with azure.gateway(both=True) as both:
        assert both.movable() > {ResourceType.DEPLOYMENT, ResourceType.NETWORK, ResourceType.STORAGE_ACCOUNT}
        assert {ResourceType.ROUTE_TABLE, ResourceType.RESERVED_ADDRESS} <= both.movable()


def test_subscriptions_are_named_and_have_a_state(gateway: ArmGateway, subscription: str) -> None:
    found = {row.subscription_id: row for row in gateway.subscriptions()}
    assert subscription in found
    for key, row in found.items():
        assert key == key.lower() and re.fullmatch(r"[0-9a-f-]{36}", key)
        assert row.display_name and row.state


def test_registrations_have_a_state_or_are_unknown(gateway: ArmGateway, subscription: str) -> None:
    found = {row.name: row.state for row in gateway.registrations(subscription)}
    assert {"Microsoft.ClassicInfrastructureMigrate", "Microsoft.Compute/CloudServices"} <= set(found)
    assert all(state is UNKNOWN or state in STATES for state in found.values())
    assert found["Microsoft.Compute"] in STATES


def test_versions_come_from_the_metadata_of_the_subscription(gateway: ArmGateway, subscription: str) -> None:
    found = {row.kind: row for row in gateway.api_versions(subscription)}
    for kind in (ResourceType.DEPLOYMENT, ResourceType.NETWORK, ResourceType.STORAGE_ACCOUNT):
        row = found[str(kind)]
        assert row.source == "provider metadata" and row.version in row.listed and row.read_at is not None
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d(-\w+)?", row.version) for row in found.values())


def test_an_inventory_is_flat_whole_and_in_order(gateway: ArmGateway, subscription: str) -> None:
    found = listed(gateway, subscription)
    keys = [str(document["id"]).lower() for document in found]
    assert len(keys) == len(set(keys))
    for number, document in enumerate(found):
        assert document["type"] and document["name"] and str(document["id"]).startswith("/")
        parent = keys[number].rpartition("/")[0].rpartition("/")[0]
        assert parent not in keys[number + 1 :], "parents come before their children"
    assert wire.assemble(found).problems == ()


def test_an_inventory_goes_on_from_every_place(gateway: ArmGateway, subscription: str) -> None:
    whole = {str(d["id"]).lower() for d in listed(gateway, subscription)}
    items = list(gateway.inventory(subscription, after=""))
    places = [n for n, item in enumerate(items) if isinstance(item, Reached)]
    assert places
    for place in {places[0], places[len(places) // 2], places[-1]}:
        rest = gateway.inventory(subscription, after=items[place].cursor)  # type: ignore[union-attr]
        both = [*items[:place], *rest]
        assert {str(d["id"]).lower() for d in both if not isinstance(d, Reached | Unreadable)} == whole


def test_a_read_is_the_resource_or_nothing(gateway: ArmGateway, subscription: str, absent: str) -> None:
    assert gateway.read(absent) is None
    for document in [d for d in listed(gateway, subscription) if str(d["type"]) == ResourceType.NETWORK][:2]:
        read = gateway.read(str(document["id"]).upper().replace("/SUBSCRIPTIONS/", "/subscriptions/"))
        assert read is not None and read["id"].lower() == str(document["id"]).lower()
        assert read["properties"]


def test_what_is_not_there_is_seen_to_be_absent_on_both_sides(gateway: ArmGateway, absent: str) -> None:
    seen = gateway.observe(absent, ())
    assert (seen.classic, seen.arm, seen.classic_documents) == (ClassicSide.ABSENT, ArmSide.ABSENT, ())


def test_nothing_hangs_on_what_is_not_there(gateway: ArmGateway, absent: str) -> None:
    assert [item for item in gateway.settings_on(absent, ()) if not isinstance(item, Unreadable)] == []


def test_what_is_there_is_seen_on_the_classic_side(gateway: ArmGateway, subscription: str) -> None:
    for document in [d for d in listed(gateway, subscription) if str(d["type"]) == ResourceType.NETWORK][:2]:
        seen = gateway.observe(str(document["id"]), ())
        assert seen.classic not in (ClassicSide.ABSENT, ClassicSide.UNREADABLE)
        assert seen.classic_documents[0]["id"].lower() == str(document["id"]).lower()


def test_sizes_of_a_region_say_cores_and_family(gateway: ArmGateway, subscription: str) -> None:
    found = {one.name.lower(): one for one in gateway.sizes(subscription, "West Europe")}
    assert (found["standard_d2_v2"].vcpus, found["standard_d2_v2"].family) == (2, "standardDv2Family")
    assert all(one.vcpus for one in found.values())


@pytest.mark.parametrize("spelling", ["westeurope", "West Europe"])
def test_usages_of_a_region(gateway: ArmGateway, subscription: str, spelling: str) -> None:
    rows = {(row.provider, row.name): row for row in gateway.usages(subscription, spelling)}
    cores = rows["Microsoft.Compute", "cores"]
    assert (cores.location, cores.subscription) == ("westeurope", subscription)
    assert cores.current >= 0 and cores.limit >= 0
    assert any(provider == "Microsoft.Network" for provider, _ in rows)


def test_a_region_that_does_not_exist_is_refused(gateway: ArmGateway, subscription: str) -> None:
    with pytest.raises(Refused) as raised:
        gateway.usages(subscription, "atlantis")
    assert raised.value.code in ("NoRegisteredProviderFound", "LocationNotAvailableForResourceType", "InvalidLocation")


def test_a_quota_request_that_was_never_made_is_an_error(gateway: ArmGateway, subscription: str) -> None:
    with pytest.raises(GatewayError) as raised:
        gateway.quota_request(subscription, "Microsoft.Compute", "westeurope", NOBODY)
    assert 400 <= raised.value.exchange.status < 500 and str(raised.value).endswith(".")


def test_a_look_at_an_operation_that_never_was_does_not_raise(
    azure: OverHttp, gateway: ArmGateway, subscription: str
) -> None:
    place = f"/subscriptions/{subscription}/providers/Microsoft.ClassicNetwork/virtualNetworks/operationStatuses"
    polled = gateway.poll(f"{azure.base_url}{place}/{NOBODY}?api-version=2016-11-01")
    assert polled.status in (OperationStatus.GONE, OperationStatus.UNREADABLE)


def test_a_status_url_elsewhere_is_never_followed(gateway: ArmGateway) -> None:
    assert gateway.poll("https://example.invalid/operation").status is OperationStatus.UNREADABLE


def test_a_ready_request_is_sent_and_answered(gateway: ArmGateway, subscription: str) -> None:
    answer = gateway.send(
        ArmRequest(method="GET", path=f"/subscriptions/{subscription}/resourceGroups", api_version="2025-04-01")
    )
    assert answer.status == 200 and isinstance(answer.body["value"], list)
    exchange = answer.exchange
    assert (exchange.status, exchange.api_version, exchange.attempts) == (200, "2025-04-01", 1)
    assert exchange.request_id and exchange.correlation_id and exchange.remaining_reads is not None


def test_a_request_for_something_absent_says_so(gateway: ArmGateway, absent: str) -> None:
    with pytest.raises(NotFound) as raised:
        gateway.send(ArmRequest(method="GET", path=absent, api_version="2016-11-01"))
    assert raised.value.code in ("ResourceNotFound", "ResourceGroupNotFound")


@pytest.mark.parametrize("version", ["2009-01-01", "not-a-version"])
def test_an_unknown_version_is_refused(gateway: ArmGateway, absent: str, version: str) -> None:
    with pytest.raises(Refused) as raised:
        gateway.send(ArmRequest(method="GET", path=absent, api_version=version))
    assert raised.value.code in (
        "NoRegisteredProviderFound", "InvalidResourceType", "ResourceGroupNotFound", "InvalidApiVersionParameter",
    )  # fmt: skip


@pytest.mark.parametrize(("method", "path"), [("BREW", ""), ("GET", "/providers/x"), ("GET", "/subscriptions/../x")])
def test_what_is_no_request_is_never_sent(gateway: ArmGateway, absent: str, method: str, path: str) -> None:
    with pytest.raises(Refused) as raised:
        gateway.send(ArmRequest(method=method, path=path or absent, api_version="2016-11-01"))
    assert raised.value.exchange.status == 0


def test_a_subscription_nobody_has_cannot_be_listed(gateway: ArmGateway) -> None:
    with pytest.raises((NotFound, NotPermitted)) as raised:
        list(gateway.inventory(NOBODY))
    assert raised.value.exchange.status in (403, 404)


def test_the_older_api_adds_and_takes_nothing_away(azure: OverHttp, gateway: ArmGateway, subscription: str) -> None:
    alone = {str(d["id"]).lower() for d in listed(gateway, subscription)}
    with azure.gateway(both=True) as both:
        together = {str(d["id"]).lower() for d in listed(both, subscription)}
        kinds = {row.kind for row in both.api_versions(subscription)}
    assert alone <= together
    assert any(kind.startswith("Service management/") for kind in kinds), OLDER
