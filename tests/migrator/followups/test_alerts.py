"""Classic alert rules, metric alerts, activity log alerts (azure.md 6.3)."""

import pytest

from migrator.followups import AnswerRefused, Kind, answered, matches
from migrator.followups.metrics import duration, seconds


def test_a_classic_rule_becomes_an_action_group_and_a_metric_alert(shop) -> None:
    item = shop.one("alert rule")
    assert item.kind is Kind.ALERT_RULE
    group, alert = item.requests
    assert group.path.endswith("/SHOP-WEB-MIGRATED/providers/Microsoft.Insights/actionGroups/web-cpu-actions")
    receivers = group.body["properties"]["emailReceivers"]
    assert [receiver["emailAddress"] for receiver in receivers] == ["ops@bramble.example", "shop@bramble.example"]
    assert 1 <= len(group.body["properties"]["groupShortName"]) <= 12
    assert alert.path.endswith("/metricAlerts/web-cpu")
    assert alert.api_version == "2018-03-01"
    properties = alert.body["properties"]
    assert properties["actions"] == [{"actionGroupId": group.path}]
    assert properties["scopes"] == [item.new_target]
    assert (properties["windowSize"], properties["evaluationFrequency"]) == ("PT15M", "PT5M")
    assert (properties["enabled"], properties["severity"]) == (True, 3)
    (criterion,) = properties["criteria"]["allOf"]
    assert criterion["metricName"] == "Percentage CPU"
    assert criterion["metricNamespace"] == properties["targetResourceType"] == "Microsoft.Compute/cloudServices/roles"
    assert (criterion["operator"], criterion["threshold"], criterion["timeAggregation"]) == (
        "GreaterThan",
        80,
        "Average",
    )


def test_the_severity_may_be_chosen_but_need_not_be(shop) -> None:
    item = shop.one("alert rule")
    assert not item.needs_person
    assert answered(item, {"severity": "1"}).requests[1].body["properties"]["severity"] == 1
    with pytest.raises(AnswerRefused, match="none of 0, 1, 2, 3, 4"):
        answered(item, {"severity": "9"})


def test_ids_hidden_in_the_names_of_tags_and_in_prose_are_replaced(shop, bodies) -> None:
    assert "hidden-link:" in bodies(shop.one("alert rule"))
    assert "microsoft.classic" not in bodies(shop.one("alert rule"))


def test_a_rule_without_actions_needs_no_action_group(shop) -> None:
    (alert,) = shop.one("alert rule without actions").requests
    (criterion,) = alert.body["properties"]["criteria"]["allOf"]
    assert criterion["metricName"] == "Network Out Total"
    assert criterion["timeAggregation"] == "Total"  # not told: the metric's primary one
    assert criterion["threshold"] == 2_000_000_000
    assert alert.body["properties"]["actions"] == []


def test_a_rate_becomes_a_total_over_the_window(shop) -> None:
    item = shop.one("alert rule with a rate")
    (question,) = item.open_questions
    assert [choice.value for choice in question.choices] == ["600000000"]
    item = answered(item, {question.id: "600000000"})
    (criterion,) = item.requests[0].body["properties"]["criteria"]["allOf"]
    assert (criterion["metricName"], criterion["timeAggregation"]) == ("Disk Write Bytes", "Total")
    assert criterion["threshold"] == 600000000


def test_last_odd_windows_and_mails_to_owners_are_asked(shop) -> None:
    item = shop.one("alert rule that aggregates by last")
    assert {question.id for question in item.open_questions} == {"owners", "window", "aggregation:condition"}
    item = answered(item, {"owners": "owner-role", "window": "PT15M", "aggregation:condition": "Maximum"})
    group, alert = item.requests
    assert group.body["properties"]["armRoleReceivers"][0]["roleId"] == "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    assert alert.body["properties"]["windowSize"] == "PT15M"
    assert alert.body["properties"]["criteria"]["allOf"][0]["timeAggregation"] == "Maximum"
    assert len(answered(item, {"owners": "nobody"}).requests) == 1


def test_a_webhook_with_a_secret_is_asked_for_as_a_secret(shop) -> None:
    item = shop.one("alert rule with a secret webhook")
    (question,) = item.open_questions
    assert question.secret
    with pytest.raises(AnswerRefused, match="https://"):
        answered(item, {question.id: "http://hooks.bramble.example/x"})
    item = answered(item, {question.id: "https://hooks.bramble.example/x?sig=abc"})
    group, alert = item.stages
    assert group.request.body["properties"]["webhookReceivers"][0]["serviceUri"].endswith("sig=abc")
    hidden = {"enabled": True, "emailReceivers": [], "armRoleReceivers": []}
    hidden["webhookReceivers"] = [{"name": "hook-1", "serviceUri": "https://hooks.bramble.example/x?sig=***removed***"}]
    assert matches(group.probe, {"properties": hidden}) == []
    assert alert.request.body["properties"]["targetResourceType"] == "Microsoft.Compute/virtualMachines"


def test_a_rule_that_has_no_counterpart_is_left_to_a_person(shop) -> None:
    item = shop.one("alert rule on events")
    assert item.needs_person
    assert item.requests == ()
    assert "ManagementEventRuleCondition" in item.notes[0]


def test_a_metric_alert_gets_new_scopes_and_metric_names(shop) -> None:
    (request,) = shop.one("metric alert").requests
    (criterion,) = request.body["properties"]["criteria"]["allOf"]
    assert criterion["metricName"] == "Network In Total"
    assert request.body["properties"]["severity"] == 2


def test_an_activity_log_alert_watches_the_new_ids_types_and_operations(shop, bodies) -> None:
    item = shop.one("activity log alert")
    (request,) = item.requests
    _, operation, resource, either = request.body["properties"]["condition"]["allOf"]
    assert operation["equals"] == "Microsoft.Compute/cloudServices/write"
    assert resource["equals"] == request.body["properties"]["scopes"][0] == item.new_target
    assert either == {"anyOf": [{"field": "resourceType", "equals": "Microsoft.Compute/cloudServices"}]}
    assert "microsoft.classic" not in bodies(item)
    assert any("[K]" in note for note in item.notes)


def test_an_operation_nobody_knows_and_a_group_that_became_two_are_asked(shop) -> None:
    item = shop.one("activity log alert with an unknown operation")
    operation, group = item.open_questions
    assert [choice.value for choice in operation.choices] == ["Microsoft.Compute/virtualMachines/stop/action", "keep"]
    assert [choice.value for choice in group.choices] == ["erp-migrated", "group-erp-rg-erp-net-migrated"]
    deallocate = "Microsoft.Compute/virtualMachines/deallocate/action"
    item = answered(item, {operation.id: deallocate, group.id: "erp-migrated"})
    first, second = item.requests[0].body["properties"]["condition"]["allOf"]
    assert (first["equals"], second["equals"]) == (deallocate, "erp-migrated")
    assert len(item.requests[0].body["properties"]["scopes"]) == 2


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT5M", 300),
        ("PT1H30M", 5400),
        ("P1D", 86400),
        ("PT90S", 90),
        ("00:05:00", 300),
        ("1.00:00:00", 86400),
        ("PT", None),
        ("P", None),
        ("soon", None),
        (None, None),
        (300, None),
    ],
)
def test_durations_are_read_in_both_spellings(text: object, length: int | None) -> None:
    assert seconds(text) == length
    if length:
        assert seconds(duration(length)) == length
