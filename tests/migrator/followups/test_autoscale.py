"""Autoscale settings (azure.md 6.1, 6.2)."""

import pytest

from migrator.followups import AnswerRefused, Kind, answered, matches

NEW = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/SHOP-WEB-MIGRATED"
    "/providers/Microsoft.Compute/cloudServices/shop-web/roles/WebRole"
)
THRESHOLD = "threshold:profiles[0].rules[0].metricTrigger"
QUEUE = (
    "id:/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/shop-rg/providers/"
    "microsoft.classicstorage/storageaccounts/shopjobs/services/queue/queues/orders"
)


def test_it_is_made_switched_off_looked_at_and_then_switched_on(shop) -> None:
    item = shop.one("plain autoscale")
    assert item.kind is Kind.AUTOSCALE
    assert not item.needs_person
    first, second = item.requests
    assert (first.method, second.method) == ("PUT", "PUT")
    assert first.path == second.path
    assert first.path.endswith("/SHOP-WEB-MIGRATED/providers/Microsoft.Insights/autoscalesettings/web-scale")
    assert first.api_version == "2022-10-01"
    assert (first.body["properties"]["enabled"], second.body["properties"]["enabled"]) == (False, True)
    assert {k: v for k, v in first.body["properties"].items() if k != "enabled"} == {
        k: v for k, v in second.body["properties"].items() if k != "enabled"
    }
    assert item.probe.expect["properties.enabled"] is True


def test_target_metric_and_namespace_are_those_of_the_new_role(shop) -> None:
    body = shop.one("plain autoscale").requests[0].body
    assert body["location"] == "westeurope"
    assert body["tags"] == {"owner": "shop"}
    assert body["properties"]["targetResourceUri"] == NEW
    (profile,) = body["properties"]["profiles"]
    assert profile["capacity"] == {"minimum": "2", "maximum": "8", "default": "2"}  # texts stay texts
    for rule in profile["rules"]:
        assert rule["metricTrigger"]["metricResourceUri"] == NEW
        assert rule["metricTrigger"]["metricNamespace"] == "Microsoft.Compute/cloudServices/roles"
        assert rule["metricTrigger"]["metricName"] == "Percentage CPU"
    assert [rule["metricTrigger"]["threshold"] for rule in profile["rules"]] == [70, 30.5]


def test_a_setting_that_was_off_stays_off(shop) -> None:
    item = shop.one("switched-off autoscale")
    assert [request.body["properties"]["enabled"] for request in item.requests] == [False]
    assert item.probe.expect["properties.enabled"] is False


def test_what_needs_a_person_is_asked_precisely_and_nothing_goes_out_before(shop) -> None:
    item = shop.one("autoscale with questions")
    assert item.needs_person
    assert item.requests == ()
    assert item.probe is None
    asked = {question.id: question for question in item.open_questions}
    assert set(asked) == {THRESHOLD, QUEUE, "mail:notifications[0]"}
    # 1,000,000 bytes per second over a grain of five minutes
    assert [choice.value for choice in asked[THRESHOLD].choices] == ["300000000"]
    assert "1000000 bytes per second" in asked[THRESHOLD].text


def test_the_answers_complete_the_requests(shop) -> None:
    item = shop.one("autoscale with questions")
    item = answered(item, {THRESHOLD: "300000000", QUEUE: "keep"})
    assert [question.id for question in item.open_questions] == ["mail:notifications[0]"]
    assert item.requests == ()
    item = answered(item, {"mail:notifications[0]": "a@bramble.example, b@bramble.example"})
    assert not item.needs_person
    properties = item.requests[0].body["properties"]
    disk, network, queue = (rule["metricTrigger"] for rule in properties["profiles"][0]["rules"])
    assert (disk["metricName"], disk["threshold"], disk["statistic"]) == ("Disk Read Bytes", 300000000, "Sum")
    assert (network["metricName"], network["threshold"]) == ("Network In Total", 5000000)
    assert queue["metricResourceUri"].startswith("/subscriptions/")
    assert "Microsoft.ClassicStorage" in queue["metricResourceUri"]  # kept on purpose: that account moves later
    assert queue["timeAggregation"] == "Last"  # autoscale knows it
    email = properties["notifications"][0]["email"]
    assert email["sendToSubscriptionCoAdministrators"] is False
    assert email["customEmails"] == ["shop@bramble.example", "a@bramble.example", "b@bramble.example"]
    assert properties["notifications"][0]["webhooks"][0]["properties"] == {"target": NEW}
    assert properties["profiles"][0]["fixedDate"]["timeZone"] == "UTC"


def test_a_queue_whose_account_has_moved_is_found_in_the_new_account(shop) -> None:
    account = {
        "id": "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/shopjobs-Migrated"
        "/providers/Microsoft.Storage/storageAccounts/shopjobs",
        "type": "Microsoft.Storage/storageAccounts",
    }
    sides = shop.sides["web_roles_in_a_network"]
    sides["found"].append(account)
    try:
        item = shop.one("autoscale with questions")
    finally:
        sides["found"].remove(account)
    assert QUEUE not in {question.id for question in item.questions}
    item = answered(item, {THRESHOLD: "1", "mail:notifications[0]": "nobody"})
    queue = item.requests[0].body["properties"]["profiles"][0]["rules"][2]["metricTrigger"]
    assert queue["metricResourceUri"] == account["id"] + "/services/queue/queues/orders"


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ({THRESHOLD: "many"}, "not a number"),
        ({THRESHOLD: "nan"}, "not a number"),
        ({THRESHOLD: " "}, "empty"),
        ({QUEUE: "shopjobs"}, "not the id of a Resource Manager resource"),
        ({QUEUE: QUEUE.removeprefix("id:")}, "not the id of a Resource Manager resource"),
        ({"mail:notifications[0]": "somebody"}, "not a mail address"),
        ({"colour": "red"}, "was not asked"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_with_the_reason(shop, answer, complaint: str) -> None:
    with pytest.raises(AnswerRefused, match=complaint):
        answered(shop.one("autoscale with questions"), answer)


def test_a_role_that_was_not_found_is_asked_for(shop) -> None:
    document = shop.setting("plain autoscale")
    document["properties"]["targetResourceUri"] += "X"
    item = shop.one(document)
    (question,) = item.open_questions
    assert question.choices == ()  # a thing of the unit that is gone cannot be kept
    item = answered(item, {question.id: NEW})
    assert item.requests[0].body["properties"]["targetResourceUri"] == NEW


def test_the_probe_sees_the_result_in_azures_own_spelling(shop) -> None:
    item = shop.one("plain autoscale")
    off, on = item.stages
    seen = {**on.request.body, "id": on.request.path, "systemData": {}}
    seen = {**seen, "properties": {**seen["properties"], "targetResourceUri": NEW.lower(), "predictive": None}}
    assert matches(on.probe, seen) == []
    assert matches(off.probe, seen) == ["properties.enabled is True; expected False."]
    assert matches(on.probe, None) == [f"{on.request.path} does not exist."]
    profiles = [{**seen["properties"]["profiles"][0], "capacity": {"minimum": "1", "maximum": "8", "default": "2"}}]
    wrong = matches(on.probe, {**seen, "properties": {**seen["properties"], "profiles": profiles}})
    assert wrong == ["properties.profiles[0].capacity.minimum is 1; expected 2."]
