"""What a deployment becomes: names expected before Prepare, found after it; and what does not fit together."""

from typing import Any

import pytest

from migrator.configuration import Kind, NewName, Target, checks, open_file, read, target_of
from migrator.resources import CloudService, Deployment, Network
from tests.migrator.configuration.files import SHOP, SHOP_DEFINITION
from tests.migrator.readiness.documents import (
    REGISTERED,
    S,
    drop,
    estate,
    lone_service,
    network,
    put,
    role,
    service,
    slot,
    web_network,
)

ARM = f"/subscriptions/{S}/resourceGroups/{{}}/providers/Microsoft.Network"


def parts(documents: list[dict[str, Any]]) -> tuple[Deployment, Network | None]:
    resources = estate(documents, REGISTERED).resources
    (holder,) = [one for one in resources if isinstance(one, CloudService)]
    (deployment,) = holder.deployments  # type: ignore[misc]
    return deployment, next((one for one in resources if isinstance(one, Network)), None)


def target(documents: list[dict[str, Any]], *found: dict[str, Any]) -> Target:
    deployment, near = parts(documents)
    return target_of("shop", deployment, near, (), found)


def arm_network(group: str, name: str, *subnets: str) -> dict[str, Any]:
    told = {"subnets": [{"name": subnet} for subnet in subnets]}
    return {"id": f"{ARM.format(group)}/virtualNetworks/{name}", "name": name, "properties": told}


def test_before_prepare_the_documented_id_is_expected() -> None:
    told = target(web_network())
    assert told.network == NewName(f"{ARM.format('net-migrated')}/virtualNetworks/net", False)
    assert (told.in_network, "net" in told.called) == (True, True)


def test_a_portal_made_network_is_expected_under_its_other_name() -> None:
    told = target(put(web_network(), 0, "siteName", "Group my rg net"))
    name = "group-my-rg-net"
    assert told.network == NewName(f"{ARM.format(f'{name}-migrated')}/virtualNetworks/{name}", False)
    assert "group my rg net" in told.called


def test_after_prepare_what_was_found_is_taken_as_it_is_written() -> None:
    found = arm_network("NET-MIGRATED", "Net")
    assert target(web_network(), found).network == NewName(found["id"], True)


def test_the_gateway_subnet_is_for_no_role() -> None:
    documents = put(web_network(), 0, "subnets", [{"name": "front"}, {"name": "GatewaySubnet"}])
    assert target(documents).subnets == ("front",)


def test_the_default_network_is_known_when_it_was_found() -> None:
    assert target(lone_service()) == Target(service="shop", in_network=False)
    found = arm_network("Shop-migrated", "VNet-shop", "WebTier")
    told = target(lone_service(), found, arm_network("other-migrated", "VNet-other"))
    assert (told.network, told.subnets) == (NewName(found["id"], True), ("WebTier",))
    assert target(lone_service(), found, arm_network("shop-migrated", "second")).network is None, "two: nobody knows"


def test_a_deployment_of_which_no_network_is_told_has_no_target() -> None:
    silent = drop(drop(lone_service(), 1, "virtualNetwork"), 1, "configuration")
    assert target(silent).in_network is None
    far = [service(), slot(network="elsewhere"), role()]
    assert target(far) == Target(service="shop")


def contents(data: bytes, kind: Kind) -> Any:
    return read(open_file(data, kind))


SHOP_FILE, SHOP_OTHER = contents(SHOP, Kind.CONFIGURATION), contents(SHOP_DEFINITION, Kind.DEFINITION)


def test_two_files_of_one_service_fit_together() -> None:
    assert checks.between(SHOP_FILE, SHOP_OTHER, "shop-web") == []
    assert checks.between(SHOP_FILE, None, "shop-web") == checks.between(None, SHOP_OTHER, "shop-web") == []


def test_what_does_not_fit_together_is_told_with_its_document() -> None:
    other = contents(
        SHOP_DEFINITION.replace(b'name="Shop"', b'name="Store"').replace(b'"worker"', b'"jobs"'), Kind.DEFINITION
    )
    notes = checks.between(SHOP_FILE, other, "Web")
    assert [note.sentence for note in notes] == [
        "The configuration is of 'Shop', the definition of 'Store'. They have to be the same: make them so, build and "
        "upgrade.",
        "The role jobs is in the definition only.",
        "The role worker is in the configuration only.",
        "The role web has the name of its cloud service; one has to change.",
        "The role web has the name of its cloud service; one has to change.",
    ]
    assert notes[0].documents == notes[-1].documents == ("cs-err",)


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        (
            [network(), service(), slot(roles=("web", "worker")), role(instanceCount=3), role(role="worker")],
            ["Role web: the file says 2 instances, Azure shows 3."],
        ),
        (
            [network(), service(), slot(roles=("web",), subnets={"web": "back"}), role()],
            ["Azure shows no role worker.", "Role web: the file says subnet front, Azure shows subnet back."],
        ),
    ],
)  # fmt: skip
def test_what_azure_shows_otherwise_is_told(documents: list[dict[str, Any]], said: list[str]) -> None:
    deployment, _ = parts(documents)
    told = checks.with_azure(SHOP_FILE, deployment)
    assert [one for one in told if "is of" not in one and "worker: " not in one] == said


def test_a_size_is_the_same_under_any_of_its_names() -> None:
    deployment, _ = parts([network(), service(), slot(), role(instanceSize="Standard_A2"), role(role="worker")])
    assert not any("size" in one for one in checks.with_azure(SHOP_OTHER, deployment) if "web" in one)
    deployment, _ = parts([network(), service(), slot(), role(instanceSize="Standard_D2_v2")])
    assert "Role web: the file says size Medium, Azure shows Standard_D2_v2." in checks.with_azure(
        SHOP_OTHER, deployment
    )


def test_roles_azure_did_not_list_contradict_nothing() -> None:
    documents = [one for one in drop(web_network(), 2, "read:roles") if "/roles/" not in one["id"]]
    assert checks.with_azure(SHOP_FILE, parts(documents)[0]) == []
