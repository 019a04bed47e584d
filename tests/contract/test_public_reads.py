"""What Microsoft's other clients read from Azure they read from the simulator: subscriptions, features, locks, monitor,
authorization, Resource Graph and quota, each as it comes. The first half also runs on a real subscription."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.monitor import MonitorManagementClient
from azure.mgmt.quota import QuotaMgmtClient
from azure.mgmt.resource.features import FeatureClient
from azure.mgmt.resource.locks import ManagementLockClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resource.subscriptions import SubscriptionClient
from azure.mgmt.resourcegraph import ResourceGraphClient
from azure.mgmt.resourcegraph.models import QueryRequest

from tests.contract.places import OverHttp
from tests.contract.ways import EVERYWHERE, SIMULATED

GROUP = "no-such-group-7d1c"


@EVERYWHERE
def test_subscriptions_tenants_and_locations(azure: OverHttp, subscription: str) -> None:
    with azure.client(SubscriptionClient) as client:
        assert subscription in {row.subscription_id.lower() for row in client.subscriptions.list()}
        one = client.subscriptions.get(subscription)
        assert one.display_name and one.state == "Enabled"
        assert "westeurope" in {row.name for row in client.subscriptions.list_locations(subscription)}
        assert all(row.tenant_id for row in client.tenants.list())


@EVERYWHERE
def test_features(azure: OverHttp, subscription: str) -> None:
    with azure.client(FeatureClient, subscription) as client:
        found = {row.name: row.properties.state for row in client.features.list("Microsoft.Compute")}
        one = client.features.get("Microsoft.Compute", "CloudServices")
        assert found["Microsoft.Compute/CloudServices"] == one.properties.state
        with pytest.raises(ResourceNotFoundError):
            client.features.get("Microsoft.Compute", "no-such-feature-7d1c")


@EVERYWHERE
def test_resources_are_filtered_as_asked(azure: OverHttp, subscription: str) -> None:
    with azure.client(ResourceManagementClient, subscription) as client:
        everything = {row.id.lower(): row for row in client.resources.list()}
        some = [row for row in everything.values() if row.tags][:1]
        for row in some:
            name, value = next(iter(row.tags.items()))
            tagged = {
                r.id.lower() for r in client.resources.list(filter=f"tagName eq '{name}' and tagValue eq '{value}'")
            }
            assert row.id.lower() in tagged
            assert tagged == {key for key, r in everything.items() if (r.tags or {}).get(name) == value}
        kinds = {row.type for row in everything.values()}
        for kind in list(kinds)[:1]:
            others = {r.type for r in client.resources.list(filter=f"resourceType ne '{kind}'")}
            assert others == kinds - {kind}
        assert list(client.resource_groups.list(filter="tagName eq 'no-such-tag-7d1c'")) == []
        with pytest.raises(HttpResponseError):
            list(client.resources.list(filter="colour eq 'blue'"))
        assert client.provider_resource_types.list("Microsoft.ClassicNetwork").value


@EVERYWHERE
def test_locks_of_every_level(azure: OverHttp, subscription: str) -> None:
    with azure.client(ManagementLockClient, subscription) as client:
        assert all(
            row.level in ("CanNotDelete", "ReadOnly") for row in client.management_locks.list_at_subscription_level()
        )
        with pytest.raises(HttpResponseError):
            client.management_locks.get_at_resource_group_level(GROUP, "none")


@EVERYWHERE
def test_monitor_lists(azure: OverHttp, subscription: str) -> None:
    with azure.client(MonitorManagementClient, subscription) as client:
        for listed in (
            client.autoscale_settings.list_by_subscription(),
            client.metric_alerts.list_by_subscription(),
            client.activity_log_alerts.list_by_subscription_id(),
            client.action_groups.list_by_subscription_id(),
        ):
            assert all(row.id and row.name for row in listed)


@EVERYWHERE
def test_grants_roles_and_administrators(azure: OverHttp, subscription: str) -> None:
    with azure.client(AuthorizationManagementClient, subscription) as client:
        grants = list(client.role_assignments.list_for_subscription())
        for grant in grants[:1]:
            assert client.role_assignments.get_by_id(grant.id).principal_id == grant.principal_id
            mine = client.role_assignments.list_for_subscription(filter=f"principalId eq '{grant.principal_id}'")
            assert grant.id in {row.id for row in mine}
        nobody = "principalId eq '00000000-0000-0000-0000-00000000abcd'"
        assert list(client.role_assignments.list_for_subscription(filter=nobody)) == []
        scope = f"/subscriptions/{subscription}"
        (reader,) = client.role_definitions.list(scope, filter="roleName eq 'Reader'")
        assert reader.role_name == "Reader"
        assert all(row.role for row in client.classic_administrators.list())
        assert all(row.id for row in client.deny_assignments.list())


@EVERYWHERE
def test_resource_graph(azure: OverHttp, subscription: str) -> None:
    with azure.client(ResourceGraphClient) as client:

        def ask(query: str, **options: Any) -> Any:
            return client.resources(QueryRequest(subscriptions=[subscription], query=query, options=options or None))

        whole = ask("resources | project id, type | order by id asc")
        assert whole.count == len(whole.data)
        counted = ask("resources | summarize count() by type").data
        assert sum(row["count_"] for row in counted) == whole.total_records
        assert len(ask("resources | limit 2").data) == min(2, whole.total_records)
        groups = ask("resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project id").data
        assert [row["id"].lower() for row in groups] == [f"/subscriptions/{subscription}"]
        if whole.total_records > 1:
            first = ask("resources | project id | order by id asc", **{"$top": 1})
            second = ask("resources | project id | order by id asc", **{"$top": 1, "$skipToken": first.skip_token})
            assert first.data != second.data
        with pytest.raises(HttpResponseError):
            ask("resources | frobnicate")


# What writes, or needs the estate


@SIMULATED
def test_locks_are_made_read_and_taken_away(azure: OverHttp, subscription: str) -> None:
    network = next(key for key in azure.control("state")["classic"] if key.endswith("/virtualnetworks/shop-net"))
    with azure.client(ManagementLockClient, subscription) as client:
        locks = client.management_locks
        made = locks.create_or_update_by_scope(network, "keep", {"level": "ReadOnly", "notes": "audit"})
        assert [row.id for row in locks.list_by_scope(network)] == [made.id]
        assert [row.id for row in locks.list_at_subscription_level()] == [made.id]
        assert locks.get_by_scope(network, "keep").notes == "audit"
        locks.delete_by_scope(network, "keep")
        assert list(locks.list_at_subscription_level()) == []


@SIMULATED
def test_an_autoscale_setting_survives_the_round_through_the_client(azure: OverHttp, subscription: str) -> None:
    with azure.client(MonitorManagementClient, subscription) as client:
        (setting,) = client.autoscale_settings.list_by_subscription()
        group = setting.id.split("/")[4]
        client.autoscale_settings.create_or_update(group, setting.name, setting)
        again = client.autoscale_settings.get(group, setting.name)
        assert again.as_dict() == setting.as_dict()
        names = {row.name.value for row in client.metric_definitions.list(setting.target_resource_uri)}
        assert setting.profiles[0].rules[0].metric_trigger.metric_name in names


@SIMULATED
@pytest.mark.parametrize(("token", "may"), [("anyone", ["*"]), ("reader-token", ["*/read"])])
def test_permissions_are_those_of_the_caller(azure: OverHttp, subscription: str, token: str, may: list[str]) -> None:
    with azure.client(AuthorizationManagementClient, subscription, token=token) as client:
        assert [row.actions for row in client.permissions.list_for_resource_group("shop")] == [may]


@SIMULATED
def test_a_quota_is_read_asked_for_and_raised_by_the_clients_own_polling(azure: OverHttp, subscription: str) -> None:
    with azure.client(ResourceManagementClient, subscription) as client:
        client.providers.register("Microsoft.Quota")
    azure.control("clock", {"advance": 3600})
    scope = f"subscriptions/{subscription}/providers/Microsoft.Compute/locations/westeurope"
    wish = {"properties": {"limit": {"limitObjectType": "LimitValue", "value": 900}, "name": {"value": "cores"}}}
    with azure.client(QuotaMgmtClient, subscription) as client:
        assert "cores" in {row.name for row in client.quota.list(scope)}
        assert client.usages.get("cores", scope).properties.usages.value == 0
        poller = client.quota.begin_create_or_update("cores", scope, wish, polling_interval=0.05)
        azure.control("clock", {"advance": 3600})
        assert poller.result(30).properties.limit.value == 900
        (asked,) = client.quota_request_status.list(scope)
        assert asked.properties.provisioning_state == "Succeeded"
        assert client.quota.get("cores", scope).properties.limit.value == 900


@SIMULATED
@pytest.mark.parametrize("size", [1, 2])
def test_small_pages_are_followed_by_every_client(azure: OverHttp, subscription: str, size: int) -> None:
    azure.control("reset", {"scenario": "demo", "seed": 1})
    with azure.client(SubscriptionClient) as client:
        owner = next(row.subscription_id for row in client.subscriptions.list() if row.display_name.endswith("Retail"))

    def everything() -> list[list[str]]:
        with azure.client(MonitorManagementClient, owner) as monitor:
            lists = [monitor.autoscale_settings.list_by_subscription(), monitor.metric_alerts.list_by_subscription()]
            found = [sorted(row.id for row in rows) for rows in lists]
        with azure.client(AuthorizationManagementClient, owner) as grants:
            found.append(sorted(row.id for row in grants.role_assignments.list_for_subscription()))
        with azure.client(ManagementLockClient, owner) as locks:
            return [*found, sorted(row.id for row in locks.management_locks.list_at_subscription_level())]

    whole = everything()
    assert sum(len(rows) for rows in whole) > 3
    azure.control("settings", {"page_size": size})
    assert everything() == whole
