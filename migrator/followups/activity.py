"""Activity log alerts that name classic ids, made again for the new ones (azure.md 6.3)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from migrator.counterparts import group_of
from migrator.followups.draft import KEEP, Draft
from migrator.followups.values import Choice, Kind, Probe, Question, RequiredFollowUp, Stage
from migrator.resources import ArmRequest

VERSION: Final = "2020-10-01"  # azure.md 6.3 [V]
_CLASSIC: Final = "/providers/microsoft.classic"

# Types and operations change provider (azure.md 6.3); which operation became which is [K].
TYPES: Final = {
    "microsoft.classiccompute": "Microsoft.Compute",
    "microsoft.classicnetwork": "Microsoft.Network",
    "microsoft.classicstorage": "Microsoft.Storage",
    "microsoft.classiccompute/domainnames": "Microsoft.Compute/cloudServices",
    "microsoft.classiccompute/domainnames/slots": "Microsoft.Compute/cloudServices",
    "microsoft.classiccompute/domainnames/slots/roles": "Microsoft.Compute/cloudServices/roles",
    "microsoft.classiccompute/virtualmachines": "Microsoft.Compute/virtualMachines",
    "microsoft.classicnetwork/virtualnetworks": "Microsoft.Network/virtualNetworks",
    "microsoft.classicnetwork/networksecuritygroups": "Microsoft.Network/networkSecurityGroups",
    "microsoft.classicnetwork/reservedips": "Microsoft.Network/publicIPAddresses",
    "microsoft.classicstorage/storageaccounts": "Microsoft.Storage/storageAccounts",
}
_SAME_VERBS: Final = frozenset({"write", "delete", "start/action", "restart/action", "redeploy/action"})
_OPERATION: Final = re.compile(
    r"(microsoft\.classic[a-z]+(?:/[a-z]+)*?)/((?:write|delete|read)|[a-z]+/action)", re.IGNORECASE
)


def build(draft: Draft) -> RequiredFollowUp:
    """The new alert stands in the group of the first new target; the old one is left as it is."""
    old = draft.properties
    scopes = [scope for scope in old.get("scopes") or () if isinstance(scope, str)]
    new_scopes = _scopes(draft, scopes)
    condition = _condition(draft, old.get("condition") or {}, "condition")
    target = _target(draft, new_scopes)
    stages = []
    if target:
        properties = dict(
            draft.rewrite({k: v for k, v in old.items() if k not in ("scopes", "condition")}, "properties")
        )
        properties |= {"scopes": new_scopes, "condition": condition}
        path = f"{group_of(target)}/providers/Microsoft.Insights/activityLogAlerts/{draft.name}"
        tags = draft.rewrite(draft.document.get("tags") or {}, "tags")
        body = {"location": "Global", "tags": tags, "properties": properties}
        expect = {
            f"properties.{key}": properties[key] for key in ("enabled", "scopes", "condition") if key in properties
        }
        read = ArmRequest(method="GET", path=path, api_version=VERSION)
        request = ArmRequest(method="PUT", path=path, api_version=VERSION, body=body)
        stages = [Stage(request=request, probe=Probe(request=read, expect=expect))]
    return draft.finished(
        kind=Kind.ACTIVITY_LOG_ALERT,
        title=f"Make activity log alert {draft.name} again for the new ids",
        new_target=target,
        rules=("CS-ALERTS", "VM-ALERTS"),
        sources=("azure.md 6.3", "seed0 row C2 (2020)", "cs-td", "cs-post"),
        what_was=[f"Scope: {scope}" for scope in scopes] + _leaves(old.get("condition")),
        stages=stages,
    )


def _scopes(draft: Draft, scopes: list[str]) -> list[str]:
    """Classic ids become new ids, old groups become the new groups, a subscription stays; what the migration does not
    touch stays with the alert that exists."""
    result: list[str] = []
    for scope in scopes:
        groups = draft.basis["groups"].get(scope.rstrip("/").lower())
        if _CLASSIC in scope.lower():
            new = draft.new_id(scope)
            result += [new] if new else []
        elif groups:
            result += groups
        elif scope.strip("/").count("/") == 1:
            result.append(scope)
        else:
            draft.note(f"{scope} is not migrated with this unit; the alert that exists goes on watching it.")
    return list(dict.fromkeys(result))


def _target(draft: Draft, scopes: list[str]) -> str | None:
    """Where the alert is put: beside the first new thing it watches."""
    named = [new for new in draft.basis["ids"].values() if new]
    inside = [scope for scope in scopes if "/resourcegroups/" in scope.lower()]
    return next(iter(inside or named), None)


def _condition(draft: Draft, value: Any, path: str) -> Any:
    if isinstance(value, list | tuple):
        return [_condition(draft, item, f"{path}[{index}]") for index, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    if not isinstance(value.get("field"), str):
        return {key: _condition(draft, item, f"{path}.{key}") for key, item in value.items()}
    result = dict(value)
    for key in ("equals", "containsAny"):
        said = value.get(key)
        if isinstance(said, str):
            result[key] = _leaf(draft, value["field"].lower(), said, f"{path}.{key}")
        elif isinstance(said, list | tuple):
            result[key] = [
                _leaf(draft, value["field"].lower(), str(item), f"{path}.{key}[{i}]") for i, item in enumerate(said)
            ]
    return result


def _leaf(draft: Draft, field: str, said: str, path: str) -> Any:
    if field == "resourcegroup":
        return _group(draft, said, path)
    if "microsoft.classic" not in said.lower() or _CLASSIC in said.lower():
        return draft.text(said, path)
    known = TYPES.get(said.lower().rstrip("/"))
    return known or _operation(draft, said, path)


def _group(draft: Draft, said: str, path: str) -> str | None:
    """The old group's name, when exactly one new group took its place; else a person says."""
    for old, new in draft.basis["groups"].items():
        if old.rsplit("/", 1)[-1] == said.lower():
            if len(new) == 1:
                return str(new[0]).rsplit("/", 1)[-1]
            question = Question(
                id=f"group:{path}",
                text=f"What was in the group {said} is now in {len(new)} groups. Which one should be watched?",
                choices=tuple(Choice(g.rsplit("/", 1)[-1], g.rsplit("/", 1)[-1]) for g in new),
            )
            return draft.ask(question)
    return said


def _operation(draft: Draft, said: str, path: str) -> str | None:
    found = _OPERATION.fullmatch(said)
    proposal = ""
    if found and (kind := TYPES.get(found.group(1).lower())):
        proposal = f"{kind}/{found.group(2)}"
        if found.group(2).lower() in _SAME_VERBS:
            draft.note(f"{said} was taken to be {proposal} now: general knowledge [K].")
            return proposal
    question = Question(
        id=f"operation:{path}",
        text=f"No document says what {said} is called now. Which operation or type should be watched?",
        choices=((Choice(proposal, proposal),) if proposal else ()) + (Choice(KEEP, "Leave it as it is."),),
        free=True,
        hint="Of a Resource Manager provider, such as Microsoft.Compute/virtualMachines/deallocate/action.",
    )
    answer = draft.ask(question)
    return said if answer == KEEP else answer


def _leaves(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        if "field" in value:
            return [f"Condition: {value.get('field')} = {value.get('equals', value.get('containsAny'))}"]
        return [line for item in value.values() for line in _leaves(item)]
    return [line for item in value for line in _leaves(item)] if isinstance(value, list | tuple) else []
