"""What Microsoft's own client reads from Azure it reads from the simulator: azure-mgmt-resource as it comes, with its
own retries and polling, and nothing of ours but the token."""

from collections.abc import Iterator

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.core.pipeline import PipelineResponse
from azure.core.polling import LROPoller
from azure.core.rest import HttpRequest
from azure.mgmt.core.polling.arm_polling import ARMPolling
from azure.mgmt.resource.resources import ResourceManagementClient

from migrator.gateway.arm import ArmGateway
from tests.contract.places import OverHttp
from tests.contract.ways import EVERYWHERE


@pytest.fixture
def client(azure: OverHttp, subscription: str) -> Iterator[ResourceManagementClient]:
    with azure.client(ResourceManagementClient, subscription) as client:
        yield client


@pytest.mark.parametrize("size", [1, 3, 100])
def test_lists_page_to_the_end_whatever_the_size(azure: OverHttp, client: ResourceManagementClient, size: int) -> None:
    azure.control("settings", {"page_size": size})
    listed = [row.id.lower() for row in client.resources.list()]
    top = [
        row
        for row in azure.control("state")["classic"]
        if row.partition("/providers/")[2].count("/") == 2  # the list names what stands directly in a group
    ]
    assert len(listed) == len(set(listed)) and set(top) <= set(listed)
    kinds = {
        row.type for row in client.resources.list(filter="resourceType eq 'Microsoft.ClassicNetwork/virtualNetworks'")
    }
    assert kinds == {"Microsoft.ClassicNetwork/virtualNetworks"}


def test_groups_are_listed_read_and_known(azure: OverHttp, client: ResourceManagementClient) -> None:
    names = [group.name for group in client.resource_groups.list()]
    assert sorted(names) == azure.control("state")["groups"]
    assert client.resource_groups.get(names[0].upper()).name == names[0]
    assert client.resource_groups.check_existence(names[0]) and not client.resource_groups.check_existence("nowhere")
    exported = client.resource_groups.begin_export_template(names[0], {"resources": ["*"]}).result()
    assert exported.template["contentVersion"] == "1.0.0.0"


def test_providers_are_read_and_registered(azure: OverHttp, client: ResourceManagementClient) -> None:
    network = client.providers.get("Microsoft.ClassicNetwork")
    kinds = {kind.resource_type: kind for kind in network.resource_types}
    assert "2016-11-01" in kinds["virtualNetworks"].api_versions
    assert client.providers.register("Microsoft.Batch").registration_state == "Registering"
    azure.control("clock", {"advance": 600})
    assert client.providers.get("Microsoft.Batch").registration_state == "Registered"


@EVERYWHERE
def test_lists_and_groups_anywhere(azure: OverHttp, client: ResourceManagementClient) -> None:
    listed = [row.id.lower() for row in client.resources.list(top=5)]
    assert len(listed) == len(set(listed))
    for group in list(client.resource_groups.list())[:3]:
        assert client.resource_groups.get(group.name.upper()).id.lower() == group.id.lower()
        assert client.resource_groups.check_existence(group.name)
    assert not client.resource_groups.check_existence("no-such-group-7d1c")


@EVERYWHERE
def test_the_classic_providers_name_the_versions_we_send(azure: OverHttp, client: ResourceManagementClient) -> None:
    for name, kind in (("Microsoft.ClassicCompute", "domainNames"), ("Microsoft.ClassicNetwork", "virtualNetworks")):
        kinds = {row.resource_type: row for row in client.providers.get(name).resource_types}
        assert "2016-11-01" in kinds[kind].api_versions


def test_a_document_is_read_by_its_id(azure: OverHttp, client: ResourceManagementClient) -> None:
    first = next(row for row in client.resources.list() if "ClassicNetwork/virtualNetworks" in row.type)
    read = client.resources.get_by_id(first.id, api_version="2016-11-01")
    assert read.name == first.name and read.properties["addressSpace"]
    assert client.resources.check_existence_by_id(first.id, api_version="2016-11-01")
    assert not client.resources.check_existence_by_id(first.id + "-not", api_version="2016-11-01")


def test_refusals_are_errors_the_sdk_understands(azure: OverHttp, client: ResourceManagementClient) -> None:
    some = next(row.id for row in client.resources.list() if row.name == "shop-net")
    with pytest.raises(ResourceNotFoundError) as missing:
        client.resources.get_by_id(some + "-not", api_version="2016-11-01")
    assert missing.value.error.code == "ResourceNotFound"
    with pytest.raises(HttpResponseError) as unknown:
        client.resources.get_by_id(some, api_version="2009-01-01")
    assert (unknown.value.status_code, unknown.value.error.code) == (400, "NoRegisteredProviderFound")
    with azure.client(ResourceManagementClient, client._config.subscription_id, token="expired-token") as late:
        with pytest.raises(ClientAuthenticationError) as refused:
            list(late.resource_groups.list())
        assert refused.value.status_code == 401


def test_the_sdk_waits_out_a_throttle_by_itself(azure: OverHttp, client: ResourceManagementClient) -> None:
    azure.control("faults", {"kind": "throttle", "retry_after": 1, "times": 1})
    assert list(client.resource_groups.list())
    assert [row["status"] for row in azure.control("log")["value"]][-2:] == [429, 200]


@pytest.mark.parametrize("header", ["both", "location", "azure-asyncoperation"])
def test_the_sdks_own_polling_follows_a_prepare_to_its_end(
    azure: OverHttp, client: ResourceManagementClient, gateway: ArmGateway, subscription: str, header: str
) -> None:
    azure.control("settings", {"operation_header": header})
    network = next(row.id for row in client.resources.list() if row.name == "shop-net")
    request = HttpRequest("POST", f"{azure.base_url}{network}/prepareMigration?api-version=2016-11-01")
    first: PipelineResponse = client._client._pipeline.run(request)
    assert first.http_response.status_code == 202
    azure.control("clock", {"advance": 86_000})
    poller = LROPoller(client._client, first, lambda answer: answer.http_response, ARMPolling(0.01))
    poller.wait(timeout=30)
    assert poller.status() == "Succeeded"
    phases = {unit.lower(): row["phase"] for unit, row in azure.control("state")["locks"].items()}
    assert phases == {network.lower(): "prepared"}
