import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from migrator.gateway import versions
from migrator.gateway.arm import ArmGateway, StaticToken
from migrator.gateway.calls import METADATA_AGE, METADATA_RETRY
from migrator.gateway.protocol import NotFound, OperationStatus
from migrator.gateway.shapes import Shapes
from migrator.resources import ArmRequest, Verb

SLOTS = "Microsoft.ClassicCompute/domainNames/slots"


@pytest.mark.parametrize(
    ("listed", "version"),
    [
        (["2014-01-01", "2016-11-01", "2016-04-01"], "2016-11-01"),
        (["2017-01-01-preview", "2016-11-01"], "2016-11-01"),
        (["2017-01-01-preview"], "2017-01-01-preview"),
        (["zzz", 5, None], None),
        ([], None),
    ],
)
def test_the_newest_version_that_is_no_preview_is_taken(listed: list[str], version: str | None) -> None:
    assert versions.newest(listed) == version


def test_metadata_goes_before_the_table_and_a_setting_before_both() -> None:
    listed = {SLOTS.lower(): ("2018-06-01", "2016-11-01")}
    assert versions.pick(SLOTS, {}, {}) == "2016-11-01"
    assert versions.pick(SLOTS, listed, {}) == "2018-06-01"
    assert versions.pick(SLOTS, listed, {SLOTS.lower(): "2014-01-01"}) == "2014-01-01"


def test_an_action_takes_the_version_of_its_type_unless_it_has_its_own() -> None:
    action = f"{SLOTS}/prepareMigration"
    assert versions.pick(action, {SLOTS.lower(): ("2018-06-01",)}, {}) == "2018-06-01"
    assert versions.pick(action, {}, {SLOTS.lower(): "2014-01-01"}) == "2014-01-01"
    assert versions.pick(action, {}, {action.lower(): "2015-01-01", SLOTS.lower(): "2014-01-01"}) == "2015-01-01"


def test_shapes_written_for_one_version_are_asked_for_in_that_version() -> None:
    autoscale = "Microsoft.Insights/autoscaleSettings"
    assert versions.pick(autoscale, {autoscale.lower(): ("2030-01-01",)}, {}) == "2022-10-01"
    assert versions.pick("Microsoft.Odd/things", {}, {}) == versions.LAST_RESORT


RECORDED = Path("/work/shared/domain/recorded/providers-classic.json")


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded answer is not on this machine")
def test_the_recorded_metadata_of_2018_is_understood() -> None:
    listed = versions.listed_in(json.loads(RECORDED.read_text())["value"])
    assert versions.pick(SLOTS, listed, {}) == "2016-11-01"
    assert versions.pick("Microsoft.ClassicNetwork/virtualNetworks/commitMigration", listed, {}) == "2017-11-15"


AUTOSCALE = "Microsoft.Insights/autoscaleSettings"


@pytest.mark.parametrize(
    ("kind", "listed", "chosen", "version", "source", "doubted"),
    [
        (SLOTS, [], {}, "2016-11-01", "table", False),
        (SLOTS, ["2018-06-01"], {}, "2018-06-01", "provider metadata", False),
        (SLOTS, ["2018-06-01"], {SLOTS.lower(): "2014-01-01"}, "2014-01-01", "setting", True),
        (SLOTS, ["2014-01-01"], {SLOTS.lower(): "2014-01-01"}, "2014-01-01", "setting", False),
        # what is read in a written-down shape: never newer than the shape, older when only that is offered
        (AUTOSCALE, ["2030-01-01", "2022-10-01", "2015-04-01"], {}, "2022-10-01", "provider metadata", False),
        (AUTOSCALE, ["2030-01-01", "2021-05-01", "2015-04-01"], {}, "2021-05-01", "provider metadata", False),
        (AUTOSCALE, ["2022-10-01-preview", "2021-05-01"], {}, "2021-05-01", "provider metadata", False),
        (AUTOSCALE, ["2030-01-01"], {}, "2022-10-01", "table", True),
        (AUTOSCALE, [], {}, "2022-10-01", "table", False),
    ],
)
def test_a_version_says_where_it_came_from_and_whether_it_may_be_refused(
    kind: str, listed: list[str], chosen: dict[str, str], version: str, source: str, doubted: bool
) -> None:
    found = versions.choose(kind, {kind.lower(): listed}, chosen)
    assert (found.version, found.source.value, bool(found.doubt)) == (version, source, doubted)


def test_one_setting_is_for_all_migration_actions_and_for_nothing_else() -> None:
    chosen = {"*migration": "2017-11-15"}
    for verb in ("validate", "prepare", "commit", "abort"):
        assert versions.pick(f"{SLOTS}/{verb}Migration", {SLOTS.lower(): ("2018-06-01",)}, chosen) == "2017-11-15"
    assert versions.pick(SLOTS, {SLOTS.lower(): ("2018-06-01",)}, chosen) == "2018-06-01"
    own = chosen | {f"{SLOTS}/prepareMigration".lower(): "2015-01-01"}
    assert versions.pick(f"{SLOTS}/prepareMigration", {}, own) == "2015-01-01"


SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
PROVIDERS = f"/subscriptions/{SUBSCRIPTION}/providers"
INSIGHTS = f"{PROVIDERS}/Microsoft.Insights"


def metadata(*listed: str) -> dict[str, Any]:
    kinds = [{"resourceType": "autoscaleSettings", "apiVersions": list(listed)}]
    return {"namespace": "Microsoft.Insights", "registrationState": "Registered", "resourceTypes": kinds}


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock(gateway: ArmGateway) -> Clock:
    gateway._calls.now = Clock()
    return gateway._calls.now  # type: ignore[return-value]


def test_metadata_is_kept_for_its_age_and_then_read_again(stub: Any, gateway: ArmGateway, clock: Clock) -> None:
    stub.on("GET", INSIGHTS, 200, metadata("2021-05-01"))
    stub.on("GET", INSIGHTS, 200, metadata("2022-10-01"))
    calls = gateway._calls
    assert [calls.version(AUTOSCALE, SUBSCRIPTION.upper()) for _ in range(3)] == ["2021-05-01"] * 3
    clock.at += METADATA_AGE
    assert calls.version(AUTOSCALE, SUBSCRIPTION) == "2021-05-01" and len(stub.requests) == 1
    clock.at += timedelta(seconds=1)
    assert calls.version(AUTOSCALE, SUBSCRIPTION) == "2022-10-01" and len(stub.requests) == 2


def test_metadata_that_cannot_be_read_is_asked_again_soon_and_what_was_read_stays(
    stub: Any, gateway: ArmGateway, clock: Clock
) -> None:
    stub.on("GET", INSIGHTS, 403)
    stub.on("GET", INSIGHTS, 200, metadata("2021-05-01"))
    stub.on("GET", INSIGHTS, 403)
    calls = gateway._calls
    assert calls.choice(AUTOSCALE, SUBSCRIPTION).source is versions.Source.TABLE
    assert calls.version(AUTOSCALE, SUBSCRIPTION) == "2022-10-01" and len(stub.requests) == 1
    clock.at += METADATA_RETRY + timedelta(seconds=1)
    assert calls.version(AUTOSCALE, SUBSCRIPTION) == "2021-05-01"
    clock.at += METADATA_AGE + timedelta(seconds=1)
    assert calls.version(AUTOSCALE, SUBSCRIPTION) == "2021-05-01" and len(stub.requests) == 3
    calls.version(AUTOSCALE, SUBSCRIPTION)
    assert len(stub.requests) == 3


def test_after_one_list_of_all_providers_nothing_is_asked(stub: Any, gateway: ArmGateway) -> None:
    stub.on("GET", PROVIDERS, 200, {"value": [metadata("2022-10-01")]})
    found = {one.kind: one for one in gateway.api_versions(SUBSCRIPTION)}
    again = gateway.api_versions(SUBSCRIPTION)
    assert [seen.path for seen in stub.requests] == [PROVIDERS] and len(again) == len(found)
    autoscale = next(one for kind, one in found.items() if kind.lower() == AUTOSCALE.lower())
    assert (autoscale.version, autoscale.source, autoscale.listed) == (
        "2022-10-01",
        "provider metadata",
        ("2022-10-01",),
    )
    slots = found[SLOTS]
    assert (slots.version, slots.source, slots.listed) == ("2016-11-01", "table", ()) and slots.read_at
    assert f"{SLOTS}/commitMigration" in found
    assert all(kind[0].isupper() for kind in found), "spelled as the documents do"


def test_without_the_list_each_provider_is_asked(stub: Any, gateway: ArmGateway) -> None:
    stub.on("GET", PROVIDERS, 403)
    stub.on("GET", INSIGHTS, 200, metadata("2021-05-01"))
    found = {one.kind.lower(): one for one in gateway.api_versions(SUBSCRIPTION)}
    assert found[AUTOSCALE.lower()].version == "2021-05-01"
    assert found[SLOTS.lower()].read_at is None


def test_what_was_asked_in_is_in_the_record(stub: Any, gateway: ArmGateway) -> None:
    network = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.ClassicNetwork/virtualNetworks/v"
    stub.on("POST", f"{network}/prepareMigration", 202, Location=f"{stub.url}/x")
    submitted = gateway.submit(Verb.PREPARE, network, client_request_id="one")
    assert submitted.exchange.api_version == "2016-11-01"
    with pytest.raises(NotFound) as raised:
        gateway.send(ArmRequest(method="GET", path=f"{network}/x", api_version="2014-01-01"))
    assert raised.value.exchange.api_version == "2014-01-01"


def test_shapes_set_by_hand_are_what_goes_out_and_is_read(stub: Any) -> None:
    shapes = Shapes(
        migrate_api_version="2017-11-15",
        deployment_body={"destinationVirtualNetwork": "Existing"},
        status_path="operationResults",
        validate_lists=("found.messages",),
    )
    slot = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/{SLOTS.replace('/slots', '/cs/slots/Production')}"
    row = {"category": "Error", "message": "no"}
    stub.on("POST", f"{slot}/validateMigration", 200, {"Found": {"Messages": [row]}})
    stub.on("GET", "/operationResults/1", 200, {})
    stub.on("GET", "/operationStatuses/1", 200, {})
    with ArmGateway(stub.url, StaticToken("t"), shapes=shapes) as gateway:
        answer = gateway.submit(Verb.VALIDATE, slot, client_request_id="one")
        assert gateway.poll(f"{stub.url}/operationResults/1").status is OperationStatus.UNREADABLE
        assert gateway.poll(f"{stub.url}/operationStatuses/1").status is OperationStatus.SUCCEEDED
    (asked,) = stub.asked("POST", f"{slot}/validateMigration")
    assert asked.body == {"destinationVirtualNetwork": "Existing"} and asked.query == "api-version=2017-11-15"
    assert [message.message for message in answer.messages] == ["no"]
