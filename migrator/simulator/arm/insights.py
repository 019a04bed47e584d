"""Autoscale settings, alerts, action groups, metric definitions (azure.md 6.1 to 6.3).

A setting is refused unless its target exists and its metric is one the target's type has, so that a follow-up with
an old metric name cannot look applied.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from migrator.simulator import metrics
from migrator.simulator.arm.routing import GROUP, Answer, Call, Router
from migrator.simulator.errors import ArmError, resource_not_found
from migrator.simulator.store import Document, type_in_id

routes = Router()
INSIGHTS = "Microsoft.Insights"
_PLACE = GROUP + r"/providers/microsoft\.insights/"
_DURATION = re.compile(r"P(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+S)?)?")
_OPERATORS = ("Equals", "NotEquals", "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual")
_AGGREGATIONS = ("Average", "Minimum", "Maximum", "Total", "Count", "Last")


@routes.route("GET", r"(?P<target>/subscriptions/.+)/providers/microsoft\.insights/metricdefinitions")
def metric_definitions(call: Call) -> Answer:
    call.check_version("Microsoft.Insights/metricDefinitions")
    target = call.view().get(call.parts["target"])
    if target is None:
        raise resource_not_found(call.parts["target"])
    return Answer(body={"value": metrics.definitions(target["id"], target["type"])})


@routes.route(
    "PUT", _PLACE + r"(?P<kind>autoscalesettings|metricalerts|activitylogalerts|actiongroups)/(?P<name>[^/]+)"
)
def put(call: Call) -> Answer:
    kinds = {
        "autoscalesettings": ("autoscaleSettings", _check_autoscale),
        "metricalerts": ("metricAlerts", _check_metric_alert),
        "activitylogalerts": ("activityLogAlerts", _check_activity_log_alert),
        "actiongroups": ("actionGroups", _check_action_group),
    }
    kind, check = kinds[call.parts["kind"].lower()]
    return _put(call, f"{INSIGHTS}/{kind}", check)


def _put(call: Call, kind: str, check: Callable[[Call, Mapping[str, Any]], None]) -> Answer:
    call.check_version(kind)
    platform, subscription = call.platform, call.subscription
    platform.tick()
    platform.require_provider(subscription, INSIGHTS)
    group = f"/subscriptions/{subscription}/resourceGroups/{call.parts['group']}"
    if group not in platform.store:
        name = call.parts["group"]
        raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
    location = call.object().get("location")
    if not isinstance(location, str) or not location:
        raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
    check(call, call.properties())
    document_id = f"{platform.store.get(group)['id']}/providers/{kind}/{call.parts['name']}"  # type: ignore[index]
    platform.check_management_lock(document_id, "ReadOnly", "write")
    known = platform.store.get(document_id)
    document: Document = {
        "id": document_id,
        "name": call.parts["name"],
        "type": kind,
        "location": location,
        "tags": dict(call.object().get("tags") or {}),
        "properties": dict(call.properties()),
    }
    platform.put(document)
    created = known is None and kind.endswith(("autoscaleSettings", "activityLogAlerts", "actionGroups"))
    return Answer(status=201 if created else 200, body=document)


def _refuse(text: str, code: str = "BadRequest") -> ArmError:
    return ArmError(400, code, text)


def _target(call: Call, resource_id: object, what: str) -> Document:
    if not isinstance(resource_id, str) or not resource_id.startswith("/"):
        raise _refuse(f"{what} must be the id of a resource.")
    found = call.platform.store.get(resource_id)
    if found is None:
        raise resource_not_found(resource_id)
    return found


def _check_metric(call: Call, resource_id: object, name: object, what: str) -> None:
    """The metric's resource exists and has that metric. A queue lies below its storage account."""
    text = str(resource_id or "")
    kind = type_in_id(text).lower()
    if kind.startswith(metrics.STORAGE) and "/services/" in text.lower():
        account = text[: text.lower().index("/services/")]
        _target(call, account, what)
    else:
        kind = _target(call, resource_id, what)["type"].lower()
    if name not in metrics.names(kind):
        known = ", ".join(sorted(metrics.names(kind))) or "none"
        raise _refuse(f"The metric '{name}' is not one of '{text}'. Its metrics: {known}.", "UnsupportedMetric")


def _duration(value: object, what: str) -> None:
    if not isinstance(value, str) or len(value) < 3 or not _DURATION.fullmatch(value):
        raise _refuse(f"{what} must be an ISO 8601 duration, found {value!r}.")


def _check_autoscale(call: Call, facts: Mapping[str, Any]) -> None:
    target = _target(call, facts.get("targetResourceUri"), "targetResourceUri")
    if target["type"].lower() not in metrics.SCALABLE:
        raise _refuse(f"A resource of type {target['type']} cannot be scaled.", "UnsupportedResourceType")
    for other in call.platform.store.of_type(call.subscription, f"{INSIGHTS}/autoscaleSettings"):
        uri = str(other["properties"].get("targetResourceUri", "")).lower()
        same = other["name"].lower() == call.parts["name"].lower()
        if uri == target["id"].lower() and not same:
            text = f"The target '{target['id']}' already has the autoscale setting '{other['name']}'."
            raise ArmError(409, "Conflict", text)
    profiles = facts.get("profiles")
    if not isinstance(profiles, list) or not profiles:
        raise _refuse("An autoscale setting needs one profile or more.")
    for profile in profiles:
        _check_profile(call, profile)


def _check_profile(call: Call, profile: Mapping[str, Any]) -> None:
    capacity = profile.get("capacity") or {}
    values = [capacity.get(name) for name in ("minimum", "default", "maximum")]
    if not all(isinstance(value, str) and value.isdigit() for value in values):
        raise _refuse("capacity takes minimum, default and maximum as texts of whole numbers.")
    low, usual, high = (int(str(value)) for value in values)
    if not low <= usual <= high:
        raise _refuse(f"capacity must be ordered: minimum {low}, default {usual}, maximum {high}.")
    for rule in profile.get("rules") or ():
        trigger, action = rule.get("metricTrigger") or {}, rule.get("scaleAction") or {}
        _check_metric(call, trigger.get("metricResourceUri"), trigger.get("metricName"), "metricResourceUri")
        for name in ("timeGrain", "timeWindow"):
            _duration(trigger.get(name), name)
        if trigger.get("operator") not in _OPERATORS or trigger.get("timeAggregation") not in _AGGREGATIONS:
            raise _refuse("metricTrigger has an operator or timeAggregation that is not known.")
        if (
            action.get("direction") not in ("None", "Increase", "Decrease")
            or not str(action.get("value", "")).isdigit()
        ):
            raise _refuse("scaleAction needs a direction (Increase, Decrease) and a value.")
        _duration(action.get("cooldown"), "cooldown")


def _check_metric_alert(call: Call, facts: Mapping[str, Any]) -> None:
    scopes = facts.get("scopes")
    if not isinstance(scopes, list) or not scopes:
        raise _refuse("A metric alert needs one scope or more.")
    for scope in scopes:
        if type_in_id(str(scope)).lower().startswith("microsoft.classic"):
            raise _refuse(f"Metric alerts do not support the type {type_in_id(str(scope))}.", "UnsupportedResourceType")
    for name in ("evaluationFrequency", "windowSize"):
        _duration(facts.get(name), name)
    severity = facts.get("severity")
    if not isinstance(severity, int) or not 0 <= severity <= 4:
        raise _refuse("severity must be a number from 0 to 4.")
    criteria = (facts.get("criteria") or {}).get("allOf")
    if not isinstance(criteria, list) or not criteria:
        raise _refuse("criteria.allOf needs one criterion or more.")
    for criterion in criteria:
        if criterion.get("operator") not in _OPERATORS or criterion.get("timeAggregation") not in _AGGREGATIONS[:5]:
            raise _refuse("A criterion has an operator or timeAggregation that is not known.")
        for scope in scopes:
            _check_metric(call, scope, criterion.get("metricName"), "scopes")
    _check_actions(call, [action.get("actionGroupId") for action in facts.get("actions") or ()])


def _check_activity_log_alert(call: Call, facts: Mapping[str, Any]) -> None:
    if not facts.get("scopes") or not (facts.get("condition") or {}).get("allOf"):
        raise _refuse("An activity log alert needs scopes and condition.allOf.")
    for scope in facts["scopes"]:
        if "/providers/" in str(scope):
            _target(call, scope, "scopes")
    groups = (facts.get("actions") or {}).get("actionGroups") or ()
    _check_actions(call, [group.get("actionGroupId") for group in groups])


def _check_actions(call: Call, group_ids: list[Any]) -> None:
    for group_id in group_ids:
        _target(call, group_id, "actionGroupId")


def _check_action_group(call: Call, facts: Mapping[str, Any]) -> None:
    short = facts.get("groupShortName")
    if not isinstance(short, str) or not 1 <= len(short) <= 12:
        raise _refuse("groupShortName must be a text of 1 to 12 characters.")
