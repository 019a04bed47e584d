"""The reads of the contract against a real subscription, by hand: nothing is written there, nothing is prepared.

    TRACKER_CONTRACT_SUBSCRIPTION=… python3 manage.py test tests/contract/test_real_azure.py -m azure

with the variables of azure-identity's DefaultAzureCredential. What stays unverified until somebody has run it with a
classic resource: azure.md 13.
"""

import os
from collections.abc import Iterator

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.mgmt.resource.resources import ResourceManagementClient

SUBSCRIPTION = os.environ.get("TRACKER_CONTRACT_SUBSCRIPTION", "")
pytestmark = [
    pytest.mark.azure,
    pytest.mark.skipif(
        not SUBSCRIPTION,
        reason="needs a real subscription: set TRACKER_CONTRACT_SUBSCRIPTION and sign in; nothing is written there",
    ),
]


@pytest.fixture
def client() -> Iterator[ResourceManagementClient]:
    with ResourceManagementClient(DefaultAzureCredential(), SUBSCRIPTION) as client:
        yield client


def test_lists_page_to_the_end(client: ResourceManagementClient) -> None:
    listed = [row.id.lower() for row in client.resources.list(top=5)]
    assert len(listed) == len(set(listed))


def test_groups_are_listed_read_and_known(client: ResourceManagementClient) -> None:
    for group in list(client.resource_groups.list())[:3]:
        assert client.resource_groups.get(group.name.upper()).id.lower() == group.id.lower()
        assert client.resource_groups.check_existence(group.name)
    assert not client.resource_groups.check_existence("no-such-group-7d1c")


def test_the_classic_providers_still_name_the_versions_we_send(client: ResourceManagementClient) -> None:
    for name, kind in (("Microsoft.ClassicCompute", "domainNames"), ("Microsoft.ClassicNetwork", "virtualNetworks")):
        kinds = {row.resource_type: row for row in client.providers.get(name).resource_types}
        assert "2016-11-01" in kinds[kind].api_versions


def test_refusals_have_the_shape_the_simulator_gives(client: ResourceManagementClient) -> None:
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/no-such-group-7d1c"
    network = f"{group}/providers/Microsoft.ClassicNetwork/virtualNetworks/none"
    with pytest.raises(ResourceNotFoundError) as missing:
        client.resources.get_by_id(network, api_version="2016-11-01")
    assert missing.value.error.code in ("ResourceNotFound", "ResourceGroupNotFound")
    with pytest.raises(HttpResponseError) as unknown:
        client.resources.get_by_id(network, api_version="2009-01-01")
    assert unknown.value.error.code in ("NoRegisteredProviderFound", "InvalidResourceType", "ResourceGroupNotFound")
