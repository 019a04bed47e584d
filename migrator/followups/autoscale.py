"""Autoscale settings of classic roles, made again for the new role (azure.md 6.1, 6.2)."""

from collections.abc import Mapping
from typing import Any, Final

from migrator.counterparts import group_of
from migrator.followups.draft import KEEP, Draft, addresses, number, on_or_off, plain_number
from migrator.followups.metrics import METRICS, NEW_NAMES, namespace, seconds
from migrator.followups.values import Choice, Kind, Probe, Question, RequiredFollowUp, Stage
from migrator.resources import ArmRequest

VERSION: Final = "2022-10-01"  # azure.md 6.2 [V]
_CLASSIC_COMPUTE: Final = "/providers/microsoft.classiccompute/"
_CLASSIC_STORAGE: Final = "microsoft.classicstorage/storageaccounts"


def build(draft: Draft) -> RequiredFollowUp:
    """Two stages: the setting is made switched off and looked at, then switched on (azure.md 6.2: autoscale works only
    when all roles are Ready). A setting that was off stays off: one stage."""
    old = draft.properties
    classic_target = str(old.get("targetResourceUri") or "")
    target = draft.new_id(classic_target) if classic_target else _ask_target(draft)
    properties = {key: value for key, value in old.items() if key not in ("enabled", "profiles", "notifications")}
    properties = draft.rewrite(properties, "properties")
    properties["targetResourceUri"] = target
    profiles = _list(old.get("profiles"))
    properties["profiles"] = [_profile(draft, p, f"profiles[{i}]") for i, p in enumerate(profiles)]
    properties["notifications"] = [
        _notification(draft, n, f"notifications[{i}]") for i, n in enumerate(_list(old.get("notifications")))
    ]
    on = _enabled(draft, old)
    stages = []
    if target:
        path = f"{group_of(target)}/providers/Microsoft.Insights/autoscalesettings/{draft.name}"
        body = {
            "location": draft.location(target, draft.document.get("location")),
            "tags": draft.rewrite(draft.document.get("tags") or {}, "tags"),
            "properties": properties,
        }
        stages = [_stage(path, body, on=False)] + ([_stage(path, body, on=True)] if on else [])
    draft.note("The new target is the role of the cloud service (extended support): inferred, azure.md 6.2 [I].")
    return draft.finished(
        kind=Kind.AUTOSCALE,
        title=f"Make autoscale setting {draft.name} again for the new role",
        new_target=target,
        rules=("CS-AUTOSCALE",),
        sources=("azure.md 6.1, 6.2", "seed0 row C1 (2020)", "cs-td", "cs-post"),
        what_was=_facts(classic_target, old, profiles),
        stages=stages,
    )


def _stage(path: str, body: Mapping[str, Any], *, on: bool) -> Stage:
    full = {**body, "properties": {**body["properties"], "enabled": on}}
    expect = {f"properties.{key}": full["properties"][key] for key in ("enabled", "targetResourceUri", "profiles")}
    if full["properties"]["notifications"]:
        expect["properties.notifications"] = full["properties"]["notifications"]
    read = ArmRequest(method="GET", path=path, api_version=VERSION)
    return Stage(
        request=ArmRequest(method="PUT", path=path, api_version=VERSION, body=full),
        probe=Probe(request=read, expect=expect),
    )


def _ask_target(draft: Draft) -> str | None:
    question = Question(
        id="target",
        text="The setting names no target resource. Which role should it scale?",
        free=True,
        hint="The full id of a role: …/Microsoft.Compute/cloudServices/{name}/roles/{role}.",
    )
    return draft.ask(question)


def _enabled(draft: Draft, old: Mapping[str, Any]) -> bool:
    if isinstance(old.get("enabled"), bool):
        return bool(old["enabled"])
    question = Question(
        id="enabled",
        text="Whether the setting was on is not told. Should the new one be switched on?",
        choices=(Choice("yes", "Switch it on after it was seen."), Choice("no", "Leave it switched off.")),
    )
    return draft.ask(question) == "yes"


def _profile(draft: Draft, profile: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Capacities stay the texts they are."""
    result = draft.rewrite({key: value for key, value in profile.items() if key != "rules"}, path)
    result["rules"] = [_rule(draft, r, f"{path}.rules[{i}]") for i, r in enumerate(_list(profile.get("rules")))]
    return dict(result)


def _rule(draft: Draft, rule: Mapping[str, Any], path: str) -> dict[str, Any]:
    old = rule.get("metricTrigger")
    result = draft.rewrite({key: value for key, value in rule.items() if key != "metricTrigger"}, path)
    if isinstance(old, Mapping):
        result["metricTrigger"] = _trigger(draft, old, f"{path}.metricTrigger")
    return dict(result)


def _trigger(draft: Draft, old: Mapping[str, Any], path: str) -> dict[str, Any]:
    uri = str(old.get("metricResourceUri") or "")
    trigger = dict(draft.rewrite({k: v for k, v in old.items() if k != "metricResourceUri"}, path))
    new = draft.new_id(uri, may_stay=True) if "/providers/microsoft.classic" in uri.lower() else uri
    if not new:
        return trigger
    trigger["metricResourceUri"] = new
    if new == uri:
        return trigger  # a resource that is not migrated, or one a person chose to keep
    if _CLASSIC_COMPUTE in uri.lower():
        _compute_metric(draft, trigger, new, path)
    elif _CLASSIC_STORAGE in str(trigger.get("metricNamespace", "")).lower():
        trigger["metricNamespace"] = "Microsoft.Storage/storageAccounts"
    return trigger


def _compute_metric(draft: Draft, trigger: dict[str, Any], target: str, path: str) -> None:
    metric = METRICS.get(str(trigger.get("metricName", "")).strip().lower())
    trigger["metricNamespace"] = namespace(target)
    if metric is None:
        if trigger.get("metricName") not in NEW_NAMES:
            trigger["metricName"] = ask_metric(draft, trigger.get("metricName"), path)
        return
    if metric.rate:
        each_window = str(trigger.get("timeAggregation", "")).lower() == "total"
        span = seconds(trigger.get("timeWindow" if each_window else "timeGrain"))
        threshold = ask_total(
            draft, metric.name, trigger.get("threshold"), span, "time window" if each_window else "time grain", path
        )
        trigger["statistic"] = "Sum"
        trigger["threshold"] = threshold
    trigger["metricName"] = metric.name


def ask_metric(draft: Draft, old: Any, path: str) -> str | None:
    """A metric the table does not know needs a person."""
    question = Question(
        id=f"metric:{path}",
        text=f"No table says what the metric {old!r} is called on the new resource. Which metric should be used?",
        choices=tuple(Choice(name, name) for name in NEW_NAMES),
        free=True,
        hint="A metric name of the new resource; its metricDefinitions list them.",
    )
    return draft.ask(question)


def ask_total(draft: Draft, name: str, old: Any, span: int | None, what: str, path: str) -> int | float | None:
    """A rate per second became a total: the threshold has to be multiplied by the seconds, and a person confirms it
    (azure.md 6.1)."""
    choices: tuple[Choice, ...] = ()
    if isinstance(old, int | float) and not isinstance(old, bool) and span:
        total = plain_number(old * span)
        choices = (Choice(str(total), f"{total} bytes: {plain_number(old)} bytes/s over the {what} of {span} seconds"),)
    question = Question(
        id=f"threshold:{path}",
        text=f"The classic metric was a rate ({old} bytes per second); {name} is a total. Which threshold, in bytes?",
        choices=choices,
        free=True,
        hint=f"A number of bytes within one {what}.",
    )
    answer = draft.ask(question, number)
    return None if answer is None else plain_number(answer)


def _notification(draft: Draft, old: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Mails to administrators lose their meaning: classic administrators are retired (azure.md 6.2)."""
    result = dict(draft.rewrite(old, path))
    email = result.get("email")
    flags = ("sendToSubscriptionAdministrator", "sendToSubscriptionCoAdministrators")
    if isinstance(email, Mapping) and any(email.get(flag) is True for flag in flags):
        question = Question(
            id=f"mail:{path}",
            text="Mails went to the subscription's classic administrators, who are retired. Who should get them?",
            choices=(
                Choice("nobody", "Nobody; other addresses of the setting stay."),
                Choice(KEEP, "Leave the flags on."),
            ),
            free=True,
            hint="Mail addresses with commas between.",
        )
        answer = draft.ask(question, addresses)
        if answer is not None and answer != KEEP:
            more = [] if answer == "nobody" else answer.split(",")
            known = [str(address) for address in email.get("customEmails") or ()]
            result["email"] = {
                **email,
                **dict.fromkeys(flags, False),
                "customEmails": list(dict.fromkeys([*known, *more])),
            }
    return result


def _facts(target: str, old: Mapping[str, Any], profiles: list[Mapping[str, Any]]) -> list[str]:
    facts = [f"Target: {target or 'not told'}", f"Switched on: {on_or_off(old.get('enabled'))}"]
    for profile in profiles:
        capacity = profile.get("capacity")
        limits = capacity if isinstance(capacity, Mapping) else {}
        facts.append(
            f"Profile {profile.get('name')}: {limits.get('minimum')} to {limits.get('maximum')} instances, "
            f"default {limits.get('default')}"
        )
        for rule in _list(profile.get("rules")):
            trigger, action = rule.get("metricTrigger") or {}, rule.get("scaleAction") or {}
            facts.append(
                f"{trigger.get('metricName')} {trigger.get('operator')} {trigger.get('threshold')} over "
                f"{trigger.get('timeWindow')}: {action.get('direction')} {action.get('value')}"
            )
    return facts


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []
