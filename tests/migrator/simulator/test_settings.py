"""Autoscale settings, alerts, grants: what a follow-up sends, and what must be refused (azure.md 6)."""

import copy
import uuid

import pytest

MONITOR = "2022-10-01"


@pytest.fixture
def migrated(journey, shop):
    """shop-net, committed; gives the id of the new role and of its group, and the setting as it was before."""
    classic = next(d for d in journey.platform.store.all() if d["name"] == "shop-web-scale")
    journey.finish("prepare", shop)
    journey.finish("commit", shop)
    group = f"/subscriptions/{journey.subscription}/resourceGroups/shop-web-migrated"
    return group, f"{group}/providers/Microsoft.Compute/cloudServices/shop-web/roles/WebFront", copy.deepcopy(classic)


def rewritten(setting, role):
    """The captured setting, as a follow-up would send it."""
    facts = setting["properties"]
    facts["targetResourceUri"] = role
    for rule in facts["profiles"][0]["rules"]:
        trigger = rule["metricTrigger"]
        trigger["metricResourceUri"] = role
        trigger["metricName"] = {"Network In": "Network In Total"}.get(trigger["metricName"], trigger["metricName"])
    return {"location": "westeurope", "properties": facts}


def test_a_rewritten_setting_is_taken_read_back_and_deleted(journey, migrated):
    group, role, setting = migrated
    path = f"{group}/providers/microsoft.insights/autoscalesettings/shop-web-scale?api-version={MONITOR}"
    body = rewritten(setting, role)
    assert journey.ask("GET", path).status == 404
    assert journey.ask("PUT", path, body).status == 201
    assert journey.ask("PUT", path, body).status == 200
    read = journey.ask("GET", path).body
    assert (read["type"], read["properties"]) == ("Microsoft.Insights/autoscaleSettings", body["properties"])
    listed = journey.get(
        f"/subscriptions/{journey.subscription}/providers/Microsoft.Insights/autoscaleSettings", MONITOR
    )
    assert [row["name"] for row in listed.body["value"]] == ["shop-web-scale"]
    assert list(journey.control("state")["autoscale_settings"].values()) == [role]
    assert journey.ask("DELETE", path).status == 200
    assert journey.ask("GET", path).status == 404


def change(body, **facts):
    body["properties"].update(facts)


@pytest.mark.parametrize(
    ("spoil", "status", "fragment"),
    [
        (lambda b, c: change(b, targetResourceUri=c), 404, "was not found"),
        (lambda b, c: b["properties"]["profiles"][0]["rules"][0]["metricTrigger"].update(metricResourceUri=c), 404, ""),
        (
            lambda b, c: b["properties"]["profiles"][0]["rules"][2]["metricTrigger"].update(metricName="Network In"),
            400,
            "The metric 'Network In' is not one of",
        ),
        (lambda b, c: b["properties"]["profiles"][0]["capacity"].update(minimum=2), 400, "as texts"),
        (lambda b, c: b["properties"]["profiles"][0]["capacity"].update(minimum="9"), 400, "must be ordered"),
        (lambda b, c: change(b, profiles=[]), 400, "one profile or more"),
        (lambda b, c: b.pop("location"), 400, "location"),
        (
            lambda b, c: b["properties"]["profiles"][0]["rules"][0]["metricTrigger"].update(timeWindow="10m"),
            400,
            "ISO 8601",
        ),
    ],
)
def test_a_setting_that_would_not_work_is_refused(journey, migrated, spoil, status, fragment):
    group, role, setting = migrated
    body, old = rewritten(copy.deepcopy(setting), role), setting["properties"]["targetResourceUri"]
    spoil(body, old)
    path = f"{group}/providers/Microsoft.Insights/autoscaleSettings/shop-web-scale?api-version={MONITOR}"
    reply = journey.ask("PUT", path, body)
    assert reply.status == status, reply.body
    assert fragment in reply.message
    assert journey.ask("GET", path).status == 404


def test_one_target_has_one_setting(journey, migrated):
    group, role, setting = migrated
    base, body = f"{group}/providers/Microsoft.Insights/autoscaleSettings", rewritten(setting, role)
    assert journey.ask("PUT", f"{base}/one?api-version={MONITOR}", body).status == 201
    assert journey.ask("PUT", f"{base}/two?api-version={MONITOR}", body).status == 409


def test_a_group_that_does_not_exist_is_named(journey, migrated):
    _, role, setting = migrated
    path = f"/subscriptions/{journey.subscription}/resourceGroups/none/providers/Microsoft.Insights/autoscaleSettings/a"
    assert journey.ask("PUT", f"{path}?api-version={MONITOR}", rewritten(setting, role)).code == "ResourceGroupNotFound"


def alert(role, metric="Percentage CPU", group=None):
    criterion = {
        "criterionType": "StaticThresholdCriterion",
        "name": "c1",
        "metricName": metric,
        "operator": "GreaterThan",
        "threshold": 85,
        "timeAggregation": "Average",
    }
    return {
        "location": "global",
        "properties": {
            "severity": 3,
            "enabled": True,
            "scopes": [role],
            "evaluationFrequency": "PT5M",
            "windowSize": "PT15M",
            "criteria": {"allOf": [criterion]},
            "actions": [{"actionGroupId": group}] if group else [],
        },
    }


def test_an_alert_comes_back_as_a_metric_alert_with_an_action_group(journey, migrated):
    group, role, _ = migrated
    actions = f"{group}/providers/Microsoft.Insights/actionGroups/shop-mail"
    path = f"{group}/providers/Microsoft.Insights/metricAlerts/cpu?api-version=2018-03-01"
    assert journey.ask("PUT", path, alert(role, group=actions)).status == 404  # the action group first
    body = {"location": "global", "properties": {"groupShortName": "shop", "enabled": True, "emailReceivers": []}}
    assert journey.ask("PUT", f"{actions}?api-version=2023-01-01", body).status == 201
    assert journey.ask("PUT", path, alert(role, group=actions)).status == 200
    assert journey.ask("GET", path).body["properties"]["scopes"] == [role]
    assert journey.ask("PUT", path, alert(role, metric="Network In")).code == "UnsupportedMetric"


def test_metric_alerts_never_took_classic_types(journey):
    role = f"{journey.id('domainNames', 'shop-web')}/slots/Production/roles/WebFront"
    group = f"/subscriptions/{journey.subscription}/resourceGroups/shop/providers/Microsoft.Insights/metricAlerts/a"
    assert journey.ask("PUT", f"{group}?api-version=2018-03-01", alert(role)).code == "UnsupportedResourceType"


def test_metric_definitions_differ_between_the_old_and_the_new_role(journey, migrated, small):
    def names(azure, resource):
        path = f"{resource}/providers/Microsoft.Insights/metricDefinitions"
        return {row["name"]["value"] for row in azure.get(path, "2024-02-01").body["value"]}

    assert "Network In Total" in names(journey, migrated[1])
    old = names(small, f"{small.id('domainNames', 'small-web')}/slots/Production/roles/Web")
    assert "Network In" in old and "Network In Total" not in old


def grant(azure, scope, role="b24988ac-6180-42a0-ab88-20f7382dd24c", principal="p-1", name=None):
    definition = f"/subscriptions/{azure.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name or uuid.uuid4()}?api-version=2022-04-01"
    return azure.ask("PUT", path, {"properties": {"roleDefinitionId": definition, "principalId": principal}})


def test_a_grant_is_made_once(journey, migrated):
    scope, name = migrated[1].partition("/roles/")[0], str(uuid.uuid4())
    assert grant(journey, scope, name=name).status == 201
    assert grant(journey, scope, name=name).status == 200
    again = grant(journey, scope)
    assert (again.status, again.code) == (409, "RoleAssignmentExists")
    assert grant(journey, scope, name=name, principal="p-2").code == "RoleAssignmentUpdateNotPermitted"
    assert grant(journey, scope, name="not-a-guid", principal="p-3").code == "InvalidRoleAssignmentId"
    assert grant(journey, scope + "x").status == 404


def test_grants_are_listed_for_the_subscription_and_for_a_scope(demo):
    whole = demo.get(
        f"/subscriptions/{demo.subscription}/providers/Microsoft.Authorization/roleAssignments", "2022-04-01"
    ).body["value"]
    assert len(whole) == 7
    web = demo.id("domainNames", "bramble-web")
    at = demo.ask(
        "GET", f"{web}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=atScope()"
    ).body["value"]
    scopes = {row["properties"]["scope"] for row in at}
    assert scopes == {web, web.partition("/providers/")[0], f"/subscriptions/{demo.subscription}"}


def test_locks_are_listed_with_an_encoded_scope_too(demo):
    everything = demo.get(f"/subscriptions/{demo.subscription}/providers/Microsoft.Authorization/locks", "2020-05-01")
    assert [row["properties"]["level"] for row in everything.body["value"]] == ["CanNotDelete"]
    machine = demo.id("ClassicCompute/virtualMachines", "erp-sql").replace("/", "%2F")
    own = demo.get(f"/{machine}/providers/Microsoft.Authorization/locks".replace("/%2F", "%2F"), "2020-05-01")
    assert [row["name"] for row in own.body["value"]] == ["keep-erp-sql"]


def test_a_provider_that_is_not_registered_refuses_writes(journey, migrated):
    group, role, _ = migrated
    journey.platform._register(journey.subscription, "Microsoft.Insights", "NotRegistered", None)
    path = f"{group}/providers/Microsoft.Insights/metricAlerts/cpu?api-version=2018-03-01"
    reply = journey.ask("PUT", path, alert(role))
    assert (reply.status, reply.code) == (409, "MissingSubscriptionRegistration")
    assert "'Microsoft.Insights'" in reply.message
