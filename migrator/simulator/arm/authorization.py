"""Role assignments and management locks (azure.md 6.5, 12)."""

import re
import uuid
from typing import Any

from migrator.simulator.arm.routing import SUBSCRIPTION, Answer, Call, Router, page
from migrator.simulator.errors import ArmError, resource_not_found
from migrator.simulator.scope import properties
from migrator.simulator.store import Document, parent_key, subscription_in

routes = Router()
ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
LOCK = "Microsoft.Authorization/locks"
_ASSIGNMENTS = r"(?P<scope>/subscriptions/.+?)/providers/microsoft\.authorization/roleassignments"


@routes.route("GET", SUBSCRIPTION + r"/providers/microsoft\.authorization/roleassignments")
def list_assignments(call: Call) -> Answer:
    """All of the subscription, or with `atScope()` those at the subscription itself."""
    call.check_version(ASSIGNMENT)
    found = call.view().of_type(call.subscription, ASSIGNMENT)
    at_scope, principal = _asked(call)
    if at_scope:
        found = [d for d in found if parent_key(d["id"]) == f"/subscriptions/{call.subscription}"]
    return page(call, [d for d in found if _is_of(d, principal)])


@routes.route("GET", _ASSIGNMENTS)
def list_at_scope(call: Call) -> Answer:
    """Those that hold at a scope: at it and above it; without `atScope()` also below it."""
    call.check_version(ASSIGNMENT)
    scope, (at_scope, principal), found = call.parts["scope"].lower(), _asked(call), []
    for document in call.view().of_type(subscription_in(scope), ASSIGNMENT):
        above = parent_key(document["id"])
        holds = scope == above or scope.startswith(above + "/")
        if (holds or (not at_scope and above.startswith(scope + "/"))) and _is_of(document, principal):
            found.append(document)
    return page(call, found)


_OF_PRINCIPAL = re.compile(r"(?:principalideq|assignedto\()'([0-9a-f-]{36})'\)?")


def _asked(call: Call) -> tuple[bool, str]:
    """The filter: `atScope()`, `principalId eq '…'`, `assignedTo('…')`, joined with `and`. No group here has members,
    so the last two say the same."""
    at_scope, principal = False, ""
    for part in re.split(r"\s+and\s+", call.query.get("$filter", "").strip().lower()):
        text = part.replace(" ", "")
        if named := _OF_PRINCIPAL.fullmatch(text):
            principal = named[1]
        elif text == "atscope()":
            at_scope = True
        elif text:
            raise ArmError(400, "InvalidFilter", f"The filter '{call.query['$filter']}' is not supported.")
    return at_scope, principal


def _is_of(document: Document, principal: str) -> bool:
    return not principal or str(properties(document).get("principalId", "")).lower() == principal


@routes.route("GET", _ASSIGNMENTS + r"/(?P<name>[^/]+)")
def get_assignment(call: Call) -> Answer:
    call.check_version(ASSIGNMENT)
    found = call.view().get(call.path)
    if found is None:
        raise ArmError(404, "RoleAssignmentNotFound", f"The role assignment '{call.parts['name']}' is not found.")
    return Answer(body=found)


@routes.route("PUT", _ASSIGNMENTS + r"/(?P<name>[^/]+)")
def put_assignment(call: Call) -> Answer:
    """Grant. 409 RoleAssignmentExists when the same grant stands at the same scope under another name."""
    call.check_version(ASSIGNMENT)
    platform, scope, name = call.platform, call.parts["scope"], call.parts["name"]
    platform.tick()
    facts = call.properties()
    role, principal = str(facts.get("roleDefinitionId") or ""), str(facts.get("principalId") or "")
    if (
        not re.search(r"/providers/microsoft\.authorization/roledefinitions/[^/]+$", role, re.IGNORECASE)
        or not principal
    ):
        raise ArmError(400, "BadRequest", "roleDefinitionId and principalId are required.")
    try:
        uuid.UUID(name)
    except ValueError:
        text = f"The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID."
        raise ArmError(400, "InvalidRoleAssignmentId", text) from None
    if scope.lower() != f"/subscriptions/{subscription_in(scope)}" and scope not in platform.store:
        raise resource_not_found(scope)
    for other in platform.store.children(scope, ASSIGNMENT):
        same = (properties(other).get("principalId"), _role(properties(other))) == (principal, _role(facts))
        if same and other["name"].lower() != name.lower():
            raise ArmError(409, "RoleAssignmentExists", "The role assignment already exists.")
        if not same and other["name"].lower() == name.lower():
            text = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
            raise ArmError(409, "RoleAssignmentUpdateNotPermitted", text)
    platform.check_management_lock(scope, "ReadOnly", "write")
    document: Document = {
        "id": f"{scope}/providers/{ASSIGNMENT}/{name}",
        "name": name,
        "type": ASSIGNMENT,
        "properties": {"principalType": "User", **dict(facts), "scope": scope},
    }
    known = document["id"] in platform.store
    platform.put(document)
    return Answer(status=200 if known else 201, body=document)


def _role(facts: Any) -> str:
    return str(facts.get("roleDefinitionId", "")).rpartition("/")[2].lower()


@routes.route("DELETE", _ASSIGNMENTS + r"/(?P<name>[^/]+)")
def delete_assignment(call: Call) -> Answer:
    call.check_version(ASSIGNMENT)
    call.platform.tick()
    removed = call.platform.store.remove(call.path, call.platform.moment)
    return Answer(status=200, body=removed) if removed else Answer(status=204)


@routes.route("GET", r"(?P<scope>/subscriptions/.+?)/providers/microsoft\.authorization/locks")
def list_locks(call: Call) -> Answer:
    """Locks at a scope, above it and below it."""
    call.check_version(LOCK)
    scope, found = call.parts["scope"].lower(), []
    for document in call.view().of_type(subscription_in(scope), LOCK):
        above = parent_key(document["id"])
        if above == scope or scope.startswith(above + "/") or above.startswith(scope + "/"):
            found.append(document)
    return page(call, found)


@routes.route(
    "GET PUT DELETE", r"(?P<scope>/subscriptions/.+?)/providers/microsoft\.authorization/locks/(?P<name>[^/]+)"
)
def one_lock(call: Call) -> Answer:
    call.check_version(LOCK)
    platform = call.platform
    platform.tick()
    known = platform.store.get(call.path)
    if call.method == "DELETE":
        platform.store.remove(call.path, platform.moment)
        return Answer(status=200 if known else 204)
    if call.method == "GET":
        if known is None:
            raise ArmError(404, "LockNotFound", f"The lock '{call.parts['name']}' could not be found.")
        return Answer(body=known)
    level = call.properties().get("level")
    if level not in ("CanNotDelete", "ReadOnly"):
        raise ArmError(400, "InvalidLockLevel", "level must be CanNotDelete or ReadOnly.")
    document = {"id": call.path, "name": call.parts["name"], "type": LOCK, "properties": dict(call.properties())}
    platform.put(document)
    return Answer(status=200 if known else 201, body=document)
