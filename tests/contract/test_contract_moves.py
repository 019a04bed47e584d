"""The contract when it changes something: the same calls the engine makes, on the journey estate, in process and over
HTTP."""

from typing import Any

import pytest

from migrator.gateway import wire
from migrator.gateway.arm import ArmGateway
from migrator.gateway.protocol import (
    Applied,
    ArmSide,
    ClassicSide,
    Document,
    ErrorClass,
    NotFound,
    OperationStatus,
    Polled,
    Refused,
    Submitted,
    Unreadable,
)
from migrator.resources import (
    UNKNOWN,
    ArmRequest,
    Category,
    CloudService,
    Dependent,
    Deployment,
    Estate,
    Network,
    Role,
    Setting,
    Slot,
    StorageAccount,
    Verb,
)
from tests.contract.places import OverHttp
from tests.contract.ways import SIMULATED

pytestmark = SIMULATED
DAY = 24 * 3600.0


def documents(gateway: ArmGateway, subscription: str) -> list[Document]:
    return [item for item in gateway.inventory(subscription) if not isinstance(item, Unreadable)]


def estate(gateway: ArmGateway, subscription: str) -> Estate:
    return wire.estate(
        documents(gateway, subscription),
        gateway.registrations(subscription),
        gateway.usages(subscription, "westeurope"),
    )


def shop(gateway: ArmGateway, subscription: str) -> tuple[str, tuple[str, ...]]:
    """The network that goes all the way, and what moves with it."""
    known = estate(gateway, subscription)
    network = next(n for n in known.all(Network) if n.name == "shop-net")
    inside = [d for d in known.all(Deployment) if d.virtual_network_id == network.id]
    return network.id, tuple(i for d in inside for i in (d.cloud_service_id, d.id))


def submit(gateway: ArmGateway, verb: Verb, unit: str) -> Submitted:
    return gateway.submit(verb, unit, client_request_id=f"contract-{verb.value}")


def finish(azure: OverHttp, gateway: ArmGateway, submitted: Submitted) -> Polled:
    """Look, let a day pass, look again."""
    assert submitted.status_url is not None and submitted.retry_after is not None
    assert gateway.poll(submitted.status_url).status is OperationStatus.IN_PROGRESS
    azure.control("clock", {"advance": DAY - 60})
    return gateway.poll(submitted.status_url)


def run(azure: OverHttp, gateway: ArmGateway, verb: Verb, unit: str) -> None:
    assert finish(azure, gateway, submit(gateway, verb, unit)).status is OperationStatus.SUCCEEDED


# Reading


def test_the_whole_estate_becomes_values(gateway: ArmGateway, subscription: str) -> None:
    found = documents(gateway, subscription)
    assembled = wire.assemble(found)
    assert assembled.problems == ()
    known = estate(gateway, subscription)
    assert {s.name for s in known.all(CloudService)} == {"shop-web", "shop-jobs", "legacy-erp", "pricing"}
    assert {n.name for n in known.all(Network)} == {"shop-net", "legacy-net"}
    assert [a.name for a in known.all(StorageAccount)] == ["shopfiles"]
    assert [d.name for d in known.all(Dependent)] == ["hub-net"]
    kinds = sorted(str(s.type).rsplit("/", 1)[1] for s in known.all(Setting))
    assert kinds == ["alertRules", "autoscaleSettings", "roleAssignments"]
    for kind in (CloudService, Deployment, Role, Network, StorageAccount):
        for value in known.all(kind):
            doubts = [name for name in kind.__dataclass_fields__ if getattr(value, name) is UNKNOWN]
            assert doubts == [], (value.name, doubts)


def test_what_the_values_say_is_what_the_estate_holds(gateway: ArmGateway, subscription: str) -> None:
    known = estate(gateway, subscription)
    (front,) = (r for r in known.all(Role) if r.name == "WebFront")
    assert (front.size, front.instance_count, front.subnets) == ("Standard_D2_v2", 3, ("web",))
    assert isinstance(front.input_endpoints, tuple)
    assert {e.public_port for e in front.input_endpoints} == {80, 443}
    deployment = known.get(front.deployment_id)
    assert isinstance(deployment, Deployment)
    assert (deployment.slot, deployment.label) == (Slot.PRODUCTION, "release 214")
    network = known.get(str(deployment.virtual_network_id))
    assert isinstance(network, Network) and network.location == "westeurope"
    (pricing,) = (d for d in known.all(Deployment) if "/domainnames/pricing/" in d.key)
    assert pricing.virtual_network_id is None
    (legacy,) = (n for n in known.all(Network) if n.name == "legacy-net")
    assert isinstance(legacy.peerings, tuple) and len(legacy.peerings) == 1


def test_small_pages_give_the_same_estate(azure: OverHttp, gateway: ArmGateway, subscription: str) -> None:
    whole = documents(gateway, subscription)
    azure.control("settings", {"page_size": 1})
    assert documents(gateway, subscription) == whole
    assert len(gateway.usages(subscription, "westeurope")) > 10


def test_the_state_of_a_subscription(gateway: ArmGateway, subscription: str) -> None:
    states = {found.name: found.state for found in gateway.registrations(subscription)}
    assert states["Microsoft.ClassicInfrastructureMigrate"] == "Registered"
    assert states["Microsoft.Compute/CloudServices"] == "Registered"
    rows = {(u.provider, u.name): u for u in gateway.usages(subscription, "North Europe")}
    assert rows["Microsoft.Compute", "cores"].limit == 10
    assert ("Microsoft.Network", "StaticPublicIPAddresses") in rows


def test_a_read_is_the_resource_or_nothing(gateway: ArmGateway, subscription: str) -> None:
    unit, _ = shop(gateway, subscription)
    found = gateway.read(unit.lower())
    assert found is not None and found["id"].lower() == unit.lower()
    assert gateway.read(unit + "-not") is None


def test_the_settings_on_a_unit_are_found(gateway: ArmGateway, subscription: str) -> None:
    unit, members = shop(gateway, subscription)
    found = [item for item in gateway.settings_on(unit, members) if not isinstance(item, Unreadable)]
    kinds = sorted(str(item["type"]).rsplit("/", 1)[1] for item in found)
    assert kinds == ["alertRules", "autoscaleSettings", "roleAssignments"]


# The four verbs


def test_validate_answers_at_once_and_changes_nothing(azure: OverHttp, gateway: ArmGateway, subscription: str) -> None:
    unit, members = shop(gateway, subscription)
    submitted = submit(gateway, Verb.VALIDATE, unit)
    assert submitted.status_url is None
    assert not [m for m in submitted.messages if m.category is Category.ERROR]
    assert submitted.exchange.request_id and submitted.exchange.client_request_id == "contract-validate"
    seen = gateway.observe(unit, members)
    assert (seen.classic, seen.arm, seen.unreadable) == (ClassicSide.PRESENT, ArmSide.ABSENT, ())
    assert azure.control("state")["operations"] == []


def test_validate_names_what_blocks(gateway: ArmGateway, subscription: str) -> None:
    unit = next(n.id for n in estate(gateway, subscription).all(Network) if n.name == "legacy-net")
    errors = [m for m in submit(gateway, Verb.VALIDATE, unit).messages if m.category is Category.ERROR]
    assert errors and all(message.message for message in errors)


def test_prepare_and_abort_and_prepare_and_commit(azure: OverHttp, gateway: ArmGateway, subscription: str) -> None:
    unit, members = shop(gateway, subscription)
    prepared = submit(gateway, Verb.PREPARE, unit)
    assert gateway.observe(unit, members).classic is ClassicSide.PREPARING
    assert finish(azure, gateway, prepared).status is OperationStatus.SUCCEEDED
    seen = gateway.observe(unit, members)
    assert (seen.classic, seen.arm, seen.unreadable) == (ClassicSide.PREPARED, ArmSide.PRESENT, ())
    kinds = {str(d["type"]).lower() for d in seen.arm_documents}
    assert kinds >= {"microsoft.network/virtualnetworks", "microsoft.compute/cloudservices"}
    services = [d for d in seen.arm_documents if str(d["type"]).lower() == "microsoft.compute/cloudservices"]
    assert sorted(str(d["name"]) for d in services) == ["shop-jobs", "shop-web"]
    assert all(isinstance(d.get("properties"), dict) for d in seen.arm_documents)

    run(azure, gateway, Verb.ABORT, unit)
    seen = gateway.observe(unit, members)
    assert (seen.classic, seen.arm) == (ClassicSide.PRESENT, ArmSide.ABSENT)

    run(azure, gateway, Verb.PREPARE, unit)
    run(azure, gateway, Verb.COMMIT, unit)
    seen = gateway.observe(unit, members)
    assert (seen.classic, seen.arm, seen.classic_documents) == (ClassicSide.ABSENT, ArmSide.PRESENT, ())
    state = azure.control("state")
    assert state["locks"] == {} and state["violations"] == 0
    assert unit.lower() not in state["classic"]


def test_a_deployment_in_the_default_network_moves_by_itself(
    azure: OverHttp, gateway: ArmGateway, subscription: str
) -> None:
    (pricing,) = (d for d in estate(gateway, subscription).all(Deployment) if "/domainnames/pricing/" in d.key)
    quota = [m for m in submit(gateway, Verb.VALIDATE, pricing.id).messages if m.category is Category.ERROR]
    asked = gateway.request_quota(subscription, "Microsoft.Compute", "northeurope", "standardDv2Family", 40)
    assert asked.request_id and asked.limit == 40
    gateway.request_quota(subscription, "Microsoft.Compute", "northeurope", "cores", 40)
    azure.control("clock", {"advance": DAY})
    told = gateway.quota_request(subscription, "Microsoft.Compute", "northeurope", asked.request_id)
    assert told.state == "Succeeded" and told.limit == 40
    limits = {u.name: u.limit for u in gateway.usages(subscription, "northeurope")}
    assert limits["standardDv2Family"] == 40
    run(azure, gateway, Verb.PREPARE, pricing.id)
    seen = gateway.observe(pricing.id, (pricing.cloud_service_id,))
    assert (seen.classic, seen.arm) == (ClassicSide.PREPARED, ArmSide.PRESENT)
    run(azure, gateway, Verb.COMMIT, pricing.id)
    seen = gateway.observe(pricing.id, (pricing.cloud_service_id,))
    assert (seen.classic, seen.arm) == (ClassicSide.ABSENT, ArmSide.PRESENT)
    assert quota == [] or any("quota" in m.message.lower() for m in quota)


def test_without_quota_prepare_says_what_is_missing(azure: OverHttp, gateway: ArmGateway, subscription: str) -> None:
    (pricing,) = (d for d in estate(gateway, subscription).all(Deployment) if "/domainnames/pricing/" in d.key)
    try:
        polled = finish(azure, gateway, submit(gateway, Verb.PREPARE, pricing.id))
        told = (polled.error_class, polled.catalogue_id)
        assert polled.status is OperationStatus.FAILED
    except Refused as refused:
        told = (refused.error_class, refused.catalogue_id)
    assert told == (ErrorClass.QUOTA, "E28")


def test_a_storage_account_moves_by_itself(azure: OverHttp, gateway: ArmGateway, subscription: str) -> None:
    (account,) = estate(gateway, subscription).all(StorageAccount)
    run(azure, gateway, Verb.PREPARE, account.id)
    seen = gateway.observe(account.id, ())
    assert (seen.classic, seen.arm) == (ClassicSide.PREPARED, ArmSide.PRESENT)
    run(azure, gateway, Verb.COMMIT, account.id)
    seen = gateway.observe(account.id, ())
    assert (seen.classic, seen.arm) == (ClassicSide.ABSENT, ArmSide.PRESENT)


@pytest.mark.parametrize("header", ["location", "azure-asyncoperation"])
def test_either_header_leads_to_the_end(azure: OverHttp, gateway: ArmGateway, subscription: str, header: str) -> None:
    azure.control("settings", {"operation_header": header})
    (account,) = estate(gateway, subscription).all(StorageAccount)
    run(azure, gateway, Verb.PREPARE, account.id)


def test_commit_before_prepare_is_refused(gateway: ArmGateway, subscription: str) -> None:
    unit, _ = shop(gateway, subscription)
    with pytest.raises(Refused) as raised:
        submit(gateway, Verb.COMMIT, unit)
    assert (raised.value.applied, raised.value.catalogue_id) == (Applied.NO, "E23")


def test_a_verb_for_something_absent_is_not_found(gateway: ArmGateway, subscription: str) -> None:
    unit, _ = shop(gateway, subscription)
    with pytest.raises(NotFound) as raised:
        submit(gateway, Verb.PREPARE, unit + "-not")
    assert raised.value.applied is Applied.NO


def test_a_deployment_inside_a_network_is_sent_to_the_network(gateway: ArmGateway, subscription: str) -> None:
    _, members = shop(gateway, subscription)
    slot = next(member for member in members if "/slots/" in member)
    with pytest.raises(Refused, match="the network is what has to be migrated") as raised:
        submit(gateway, Verb.VALIDATE, slot)
    assert raised.value.catalogue_id == "E27"


# Follow-ups


def test_a_follow_up_is_sent_and_proved_by_reading(azure: OverHttp, gateway: ArmGateway, subscription: str) -> None:
    unit, members = shop(gateway, subscription)
    captured = [item for item in gateway.settings_on(unit, members) if not isinstance(item, Unreadable)]
    autoscale = next(item for item in captured if str(item["type"]).endswith("autoscaleSettings"))
    for verb in (Verb.PREPARE, Verb.COMMIT):
        run(azure, gateway, verb, unit)
    found = gateway.observe(unit, members).arm_documents
    role = next(d for d in found if str(d["type"]).lower().endswith("/roles") and d["name"] == "WebFront")
    properties: dict[str, Any] = {**autoscale["properties"], "targetResourceUri": role["id"], "profiles": []}
    for profile in autoscale["properties"]["profiles"]:
        rules = [
            {
                **r,
                "metricTrigger": {
                    **r["metricTrigger"],
                    "metricResourceUri": role["id"],
                    "metricName": "Percentage CPU",
                },
            }
            for r in profile["rules"]
        ]
        properties["profiles"].append({**profile, "rules": rules})
    path = str(role["id"]).split("/providers/")[0] + "/providers/Microsoft.Insights/autoscaleSettings/shop-web-scale"
    body = {"location": "westeurope", "properties": properties}
    with pytest.raises(NotFound):
        gateway.send(ArmRequest(method="GET", path=path, api_version="2022-10-01"))
    sent = gateway.send(ArmRequest(method="PUT", path=path, api_version="2022-10-01", body=body))
    assert sent.status in (200, 201)
    probe = gateway.send(ArmRequest(method="GET", path=path, api_version="2022-10-01"))
    assert probe.body["properties"]["targetResourceUri"] == role["id"]
