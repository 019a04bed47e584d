"""Classic alert rules and metric alerts, made again as metric alerts (azure.md 6.1, 6.3)."""

from collections.abc import Mapping
from typing import Any, Final

from migrator.counterparts import group_of
from migrator.followups.autoscale import ask_metric, ask_total
from migrator.followups.draft import REMOVED, Draft, addresses, number, on_or_off, plain_number
from migrator.followups.metrics import METRICS, NEW_NAMES, Metric, duration, namespace, seconds
from migrator.followups.values import AnswerRefused, Choice, Kind, Probe, Question, RequiredFollowUp, Stage
from migrator.resources import ArmRequest

VERSION: Final = "2018-03-01"  # azure.md 6.3 [V]
GROUP_VERSION: Final = "2023-01-01"  # action groups [K]
OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"  # built-in role Owner
SOURCES: Final = ("azure.md 6.1, 6.3", "seed0 row C2 (2020)", "seed1 row V4 (2016)", "cs-td", "cs-post")
# Windows and frequencies metric alerts take [K].
WINDOWS: Final = (60, 300, 900, 1800, 3600, 21600, 43200, 86400)
OPERATORS: Final = ("GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual", "Equals")
AGGREGATIONS: Final = ("Average", "Minimum", "Maximum", "Total", "Count")


def build_rule(draft: Draft) -> RequiredFollowUp:
    """A classic alert rule becomes an action group (when it had actions) and a metric alert."""
    old = draft.properties
    condition = old.get("condition") if isinstance(old.get("condition"), Mapping) else {}
    source = condition.get("dataSource") if isinstance(condition.get("dataSource"), Mapping) else {}
    uri = str(source.get("resourceUri") or "")
    what_was = [
        f"Target: {uri or 'not told'}",
        f"{source.get('metricName')} {condition.get('operator')} {condition.get('threshold')} over "
        f"{condition.get('windowSize')}, aggregation {condition.get('timeAggregation', 'not told')}",
        f"Switched on: {on_or_off(old.get('isEnabled'))}",
        *_action_facts(old),
    ]
    kind = str(condition.get("odata.type") or "").rsplit(".", 1)[-1]
    if kind != "ThresholdRuleCondition" or not uri:
        return _by_hand(draft, what_was, kind)
    target = draft.new_id(uri)
    stages: list[Stage] = []
    if target:
        group_stage = _action_group(draft, old, target)
        properties = {
            "description": draft.rewrite(str(old.get("description") or ""), "properties.description"),
            "severity": _severity(draft),
            "enabled": _enabled(draft, old.get("isEnabled")),
            "scopes": [target],
            "targetResourceType": namespace(target),
            "autoMitigate": True,  # a classic rule was resolved on its own too [K]
            **_criteria(draft, condition, source, target),
            "actions": [{"actionGroupId": group_stage.request.path}] if group_stage else [],
        }
        region = draft.location(target)
        if region:
            properties["targetResourceRegion"] = region
        stages = ([group_stage] if group_stage else []) + [_alert_stage(draft, target, properties)]
    return draft.finished(
        kind=Kind.ALERT_RULE,
        title=f"Make alert rule {draft.name} again as a metric alert",
        new_target=target,
        rules=_rules(uri),
        sources=SOURCES,
        what_was=what_was,
        stages=stages,
    )


def build_metric_alert(draft: Draft) -> RequiredFollowUp:
    """A metric alert whose scopes name classic ids. Such alerts were never supported on classic compute and storage
    (azure.md 6.3 [D]); what there is gets its ids and metric names replaced."""
    old = draft.properties
    scopes = [str(scope) for scope in old.get("scopes") or () if isinstance(scope, str)]
    ours = [scope for scope in scopes if "/providers/microsoft.classic" in scope.lower()]
    new_scopes = [draft.new_id(scope) for scope in ours]
    target = new_scopes[0] if new_scopes else None
    properties = dict(draft.rewrite({k: v for k, v in old.items() if k not in ("scopes", "criteria")}, "properties"))
    properties["scopes"] = new_scopes
    criteria = dict(draft.rewrite(old.get("criteria") or {}, "properties.criteria"))
    criteria["allOf"] = [
        _criterion(draft, item, target or "", old, f"criteria.allOf[{index}]")
        for index, item in enumerate(criteria.get("allOf") or ())
        if isinstance(item, Mapping)
    ]
    properties["criteria"] = criteria
    if target:
        properties["targetResourceType"] = namespace(target)
    if len(ours) < len(scopes):
        draft.note(
            "Scopes which are not classic stay with the alert that exists; the new one watches only the new ids."
        )
    return draft.finished(
        kind=Kind.METRIC_ALERT,
        title=f"Make metric alert {draft.name} again for the new ids",
        new_target=target,
        rules=_rules(ours[0] if ours else ""),
        sources=SOURCES,
        what_was=[f"Scope: {scope}" for scope in scopes],
        stages=[_alert_stage(draft, target, properties)] if target else [],
    )


def _by_hand(draft: Draft, what_was: list[str], kind: str) -> RequiredFollowUp:
    draft.note(f"A rule with the condition {kind or 'not told'} has no counterpart; a person has to decide.")
    draft.unanswered = True
    return draft.finished(
        kind=Kind.ALERT_RULE,
        title=f"Decide what takes the place of alert rule {draft.name}",
        new_target=None,
        rules=("CS-ALERTS",),
        sources=SOURCES,
        what_was=what_was,
        stages=[],
    )


def _rules(uri: str) -> tuple[str, ...]:
    return ("VM-ALERTS",) if "/virtualmachines/" in uri.lower() else ("CS-ALERTS",)


def _alert_stage(draft: Draft, target: str, properties: Mapping[str, Any]) -> Stage:
    path = f"{group_of(target)}/providers/Microsoft.Insights/metricAlerts/{draft.name}"
    tags = draft.rewrite(draft.document.get("tags") or {}, "tags")
    body = {"location": "global", "tags": tags, "properties": properties}
    expect = {
        f"properties.{key}": properties[key]
        for key in ("enabled", "severity", "scopes", "windowSize", "evaluationFrequency", "criteria", "actions")
        if key in properties
    }
    return Stage(
        request=ArmRequest(method="PUT", path=path, api_version=VERSION, body=body),
        probe=Probe(request=ArmRequest(method="GET", path=path, api_version=VERSION), expect=expect),
    )


# Condition


def _criteria(draft: Draft, condition: Mapping[str, Any], source: Mapping[str, Any], target: str) -> dict[str, Any]:
    window = _window(draft, condition.get("windowSize"))
    name, aggregation, threshold = _measure(
        draft,
        source.get("metricName"),
        condition.get("timeAggregation"),
        condition.get("threshold"),
        seconds(window),
        "condition",
    )
    criterion = {
        "criterionType": "StaticThresholdCriterion",
        "name": "Metric1",
        "metricName": name,
        "metricNamespace": namespace(target),
        "operator": _operator(draft, condition.get("operator")),
        "threshold": threshold,
        "timeAggregation": aggregation,
        "dimensions": [],
    }
    odata = "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria"
    frequency = "PT5M" if (seconds(window) or 0) >= 300 else "PT1M"
    return {
        "windowSize": window,
        "evaluationFrequency": frequency,
        "criteria": {"odata.type": odata, "allOf": [criterion]},
    }


def _criterion(
    draft: Draft, item: Mapping[str, Any], target: str, alert: Mapping[str, Any], path: str
) -> dict[str, Any]:
    result = dict(item)
    if "microsoft.classic" in str(item.get("metricNamespace", "microsoft.classic")).lower():
        name, aggregation, threshold = _measure(
            draft,
            item.get("metricName"),
            item.get("timeAggregation"),
            item.get("threshold"),
            seconds(alert.get("windowSize")),
            path,
        )
        result |= {"metricName": name, "timeAggregation": aggregation, "threshold": threshold}
        result["metricNamespace"] = namespace(target)
    return result


def _measure(
    draft: Draft, metric_name: Any, aggregation: Any, threshold: Any, window: int | None, path: str
) -> tuple[str | None, str | None, int | float | None]:
    """New metric name, aggregation and threshold (azure.md 6.1, 6.3)."""
    metric = METRICS.get(str(metric_name or "").strip().lower())
    if metric is None:
        known = metric_name in NEW_NAMES
        name = str(metric_name) if known else ask_metric(draft, metric_name, path)
        return name, _aggregation(draft, aggregation, None, path), _threshold(draft, threshold, path)
    if metric.rate:
        return metric.name, "Total", ask_total(draft, metric.name, threshold, window, "window", path)
    return metric.name, _aggregation(draft, aggregation, metric, path), _threshold(draft, threshold, path)


def _aggregation(draft: Draft, old: Any, metric: Metric | None, path: str) -> str | None:
    """The same word; `Last` has no counterpart, so a person says (azure.md 6.3). Not told: the metric's primary one."""
    for word in AGGREGATIONS:
        if str(old).lower() == word.lower():
            return word
    if old is None and metric is not None:
        return metric.aggregation
    question = Question(
        id=f"aggregation:{path}",
        text=f"The rule aggregated by {old or 'nothing told'}, which metric alerts do not know. Which one instead?",
        choices=tuple(Choice(word, word) for word in AGGREGATIONS[:4]),
    )
    return draft.ask(question)


def _threshold(draft: Draft, old: Any, path: str) -> int | float | None:
    if isinstance(old, int | float) and not isinstance(old, bool):
        return plain_number(old)
    question = Question(
        id=f"threshold:{path}", text="The threshold was not told. Which number?", free=True, hint="A number."
    )
    answer = draft.ask(question, number)
    return None if answer is None else plain_number(answer)


def _operator(draft: Draft, old: Any) -> str | None:
    for word in OPERATORS:
        if str(old).lower() == word.lower():
            return word
    question = Question(
        id="operator",
        text=f"The operator {old!r} is not one of a metric alert. Which one?",
        choices=tuple(Choice(word, word) for word in OPERATORS[:4]),
    )
    return draft.ask(question)


def _window(draft: Draft, old: Any) -> str | None:
    """The same length where metric alerts take it; else the nearest ones are offered."""
    length = seconds(old)
    if length in WINDOWS:
        return duration(int(length))
    near = sorted(WINDOWS, key=lambda w: abs(w - length))[:2] if length else [300, 900]
    question = Question(
        id="window",
        text=f"A metric alert takes no window of {old or 'a length that was not told'}. Which one instead?",
        choices=tuple(Choice(duration(w), f"{duration(w)} ({w // 60} minutes)") for w in sorted(near)),
    )
    return draft.ask(question)


def _severity(draft: Draft) -> int:
    question = Question(
        id="severity",
        text="Classic rules had no severity. Which one should the alert have?",
        choices=tuple(Choice(str(n), f"{n}: {word}") for n, word in enumerate(_SEVERITIES)),
        default="3",
    )
    return int(draft.ask(question) or 3)


_SEVERITIES: Final = ("critical", "error", "warning", "informational", "verbose")


def _enabled(draft: Draft, old: Any) -> bool:
    if isinstance(old, bool):
        return old
    question = Question(
        id="enabled",
        text="Whether the rule was on is not told. Should the new alert be on?",
        choices=(Choice("yes", "On"), Choice("no", "Off")),
    )
    return draft.ask(question) == "yes"


# Actions


def _actions(old: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """`action` and `actions` say the same thing in different api-versions [K]; each action once."""
    found = (
        [old.get("action"), *(old.get("actions") or ())] if isinstance(old.get("actions") or (), list | tuple) else []
    )
    result: list[Mapping[str, Any]] = []
    for action in found or [old.get("action")]:
        if isinstance(action, Mapping) and action and action not in result:
            result.append(action)
    return result


def _action_facts(old: Mapping[str, Any]) -> list[str]:
    facts = []
    for action in _actions(old):
        if action.get("customEmails") or "sendToServiceOwners" in action:
            mails = ", ".join(str(a) for a in action.get("customEmails") or ()) or "nobody else"
            owners = "service owners and " if action.get("sendToServiceOwners") is True else ""
            facts.append(f"Mail to {owners}{mails}")
        else:
            facts.append("Calls a webhook")
    return facts


def _action_group(draft: Draft, old: Mapping[str, Any], target: str) -> Stage | None:
    mails: list[str] = []
    hooks: list[str] = []
    owner_role = False
    for index, action in enumerate(_actions(old)):
        mails += [str(address) for address in action.get("customEmails") or ()]
        if action.get("sendToServiceOwners") is True:
            more, owner_role = _owners(draft)
            mails += more
        if "serviceUri" in action or str(action.get("odata.type", "")).endswith("RuleWebhookAction"):
            hook = _webhook(draft, action.get("serviceUri"), index)
            hooks += [hook] if hook else []
            if action.get("properties"):
                draft.note(
                    "The webhook's own properties are not carried over: an action group sends the common schema."
                )
    mails = list(dict.fromkeys(mails))
    if not (mails or hooks or owner_role):
        return None
    path = f"{group_of(target)}/providers/Microsoft.Insights/actionGroups/{draft.name}-actions"
    properties = {
        "groupShortName": _short(draft.name),
        "enabled": True,
        "emailReceivers": [
            {"name": f"mail-{i}", "emailAddress": mail, "useCommonAlertSchema": True} for i, mail in enumerate(mails, 1)
        ],
        "webhookReceivers": [
            {"name": f"hook-{i}", "serviceUri": hook, "useCommonAlertSchema": True} for i, hook in enumerate(hooks, 1)
        ],
        "armRoleReceivers": [{"name": "owners", "roleId": OWNER, "useCommonAlertSchema": True}] if owner_role else [],
    }
    body = {"location": "Global", "properties": properties}
    expect = {f"properties.{key}": properties[key] for key in ("enabled", "emailReceivers", "armRoleReceivers")}
    expect["properties.webhookReceivers"] = [{"name": hook["name"]} for hook in properties["webhookReceivers"]]
    read = ArmRequest(method="GET", path=path, api_version=GROUP_VERSION)
    return Stage(
        request=ArmRequest(method="PUT", path=path, api_version=GROUP_VERSION, body=body),
        probe=Probe(request=read, expect=expect),
    )


def _owners(draft: Draft) -> tuple[list[str], bool]:
    """(addresses, whether the Owner role is written to)."""
    question = Question(
        id="owners",
        text="Mails went to the service administrator and co-administrators, who are retired. Who should get them?",
        choices=(
            Choice("owner-role", "Everybody with the role Owner on the subscription"),
            Choice("nobody", "Nobody; other addresses of the rule stay."),
        ),
        free=True,
        hint="Mail addresses with commas between.",
    )
    answer = draft.ask(question, addresses)
    if answer is None or answer == "nobody":
        return [], False
    return ([], True) if answer == "owner-role" else (answer.split(","), False)


def _webhook(draft: Draft, uri: Any, index: int) -> str | None:
    if isinstance(uri, str) and uri and REMOVED not in uri:
        return draft.text(uri, f"actions[{index}].serviceUri")
    question = Question(
        id=f"secret:actions[{index}].serviceUri",
        text="The address of the webhook holds a secret and was not stored. Where should the alert be sent?",
        free=True,
        hint="The whole https address.",
        secret=True,
    )
    return draft.ask(question, _https)


def _https(text: str) -> str:
    if not text.lower().startswith("https://") or any(c.isspace() for c in text):
        raise AnswerRefused("A webhook's address begins with https:// and has no spaces.")
    return text


def _short(name: str) -> str:
    """At most 12 characters, as an action group's short name has to be [K]."""
    return "".join(c for c in name if c.isalnum() or c in "-_")[:12] or "alert"
