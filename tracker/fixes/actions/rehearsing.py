"""A rehearsal: everything a fix needs, read fresh; nothing is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from migrator import fixes
from migrator.fixes import OLDER_API, Plan, Step
from migrator.gateway import wire
from migrator.gateway.protocol import AzureGateway, GatewayError, NotFound, Throttled
from migrator.resources import ArmRequest, Resource, known

PERMISSIONS, LOCKS = "2022-04-01", "2020-05-01"  # api-versions (azure.md 12)
AUTHORIZATION = "/providers/Microsoft.Authorization"
MOST_STEPS = 25  # three requests each, within the lease of one worker
MET, UNMET, UNTOLD = "met", "unmet", "untold"


@dataclass(slots=True)
class Looked:
    """What a fresh read saw: documents by lower-case id (None: not there), values, registrations."""

    documents: dict[str, Any] = field(default_factory=dict)
    values: Mapping[str, Resource] = field(default_factory=dict)
    registrations: dict[str, str] = field(default_factory=dict)

    def missing(self, conditions: tuple[fixes.Condition, ...]) -> list[str]:
        said = (fixes.unmet(one, self.documents, self.values, self.registrations) for one in conditions)
        return [one for one in said if one]


def look(azure: AzureGateway, step: Step, subscription_id: str) -> Looked:
    """Read what a step names. Raises GatewayError: what cannot be read decides nothing."""
    seen = Looked(documents={one.lower(): azure.read(one) for one in step.reads})
    there = [document for document in seen.documents.values() if document is not None]
    seen.values = {value.key: value for value in wire.resources(there)}
    if step.registers:
        listed = azure.registrations(subscription_id)
        seen.registrations = {row.name.lower(): str(row.state) for row in listed if known(row.state)}
    return seen


def rehearsed(azure: AzureGateway, plan: Plan, subscription_id: str) -> list[dict[str, Any]]:
    """Each step with what must be so, as JSON. Raises Throttled; another refusal is what the rehearsal tells."""
    told = [_step(azure, step, subscription_id) for step in plan.steps[:MOST_STEPS]]
    later = "Not looked at in this rehearsal: it is looked at right before it is sent."
    rest = plan.steps[MOST_STEPS:]
    return told + [
        {"title": step.title, "shown": step.shown, "checks": [_check("It can be done.", UNTOLD, later)]}
        for step in rest
    ]


def _step(azure: AzureGateway, step: Step, subscription_id: str) -> dict[str, Any]:
    checks: list[dict[str, str]] = []
    try:
        seen = look(azure, step, subscription_id)
        for condition in step.before:
            says = fixes.unmet(condition, seen.documents, seen.values, seen.registrations)
            checks.append(_check(condition.sentence, UNMET if says else MET, says))
        if not seen.missing(step.after) and not step.always:
            checks.append(_check("There is something to do.", UNMET, "It is already done."))
    except Throttled:
        raise
    except GatewayError as error:
        checks.append(_check("What it goes to can be read.", UNTOLD, str(error)))
    checks.append(_right(azure, step))
    if step.request is not None and f"{AUTHORIZATION}/locks/".lower() not in step.request.path.lower():
        checks += _locks(azure, step)
    return {"title": step.title, "shown": step.shown, "checks": checks}


def _check(text: str, state: str, says: str = "") -> dict[str, str]:
    return {"text": text, "state": state, "says": says}


def _place(step: Step) -> str:
    """What the right has to be held on, and what a lock would protect."""
    path = step.touches.rstrip("/")
    if step.request is not None and step.request.method == "POST":
        path = path.rsplit("/", 1)[0]
    at = path.lower().rfind(f"{AUTHORIZATION}/".lower())
    return path if at < 0 else path[:at]


def _right(azure: AzureGateway, step: Step) -> dict[str, str]:
    action, place = fixes.action(step), _place(step)
    text = f"The credential of this product may: {action}."
    if action == OLDER_API or "/resourcegroups/" not in place.lower():
        return _check(text, UNTOLD, "Azure does not say this before; sending tells.")
    request = ArmRequest(method="GET", path=f"{place}{AUTHORIZATION}/permissions", api_version=PERMISSIONS)
    try:
        rows = (azure.send(request).body or {}).get("value") or []
    except Throttled:
        raise
    except NotFound:
        return _check(text, UNTOLD, "Azure does not tell permissions here; sending tells.")
    except GatewayError as error:
        return _check(text, UNTOLD, str(error))
    if fixes.allowed(action, rows):
        return _check(text, MET)
    return _check(text, UNMET, f"It lacks {action} on {place.rsplit('/', 1)[-1]}. Give it a role with this action.")


def _locks(azure: AzureGateway, step: Step) -> list[dict[str, str]]:
    place = _place(step)
    if "/resourcegroups/" not in place.lower():
        return []
    request = ArmRequest(method="GET", path=f"{place}{AUTHORIZATION}/locks", api_version=LOCKS)
    text = "No management lock forbids it."
    try:
        rows = (azure.send(request).body or {}).get("value") or []
    except Throttled:
        raise
    except GatewayError as error:
        return [_check(text, UNTOLD, str(error))]
    held = [row for row in rows if _above(str(row.get("id", "")), place)]
    if not held:
        return [_check(text, MET)]
    names = ", ".join(f"{row.get('name')} ({(row.get('properties') or {}).get('level')})" for row in held[:3])
    return [_check(text, UNMET, f"Locked by {names}: Azure will refuse. Delete the lock first, with a fix of its own.")]


def _above(lock_id: str, place: str) -> bool:
    scope = lock_id.lower().partition(f"{AUTHORIZATION}/locks/".lower())[0]
    return bool(scope) and (place.lower() == scope or place.lower().startswith(f"{scope}/"))
