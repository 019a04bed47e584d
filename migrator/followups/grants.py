"""Role assignments and management locks whose scope goes away (azure.md 2.9, 6.5)."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from migrator.counterparts import CLOUD_SERVICES, Id
from migrator.followups.draft import KEEP, Draft
from migrator.followups.values import AnswerRefused, Choice, Kind, Probe, Question, RequiredFollowUp, Stage
from migrator.resources import ArmRequest

VERSION: Final = "2022-04-01"  # azure.md 6.5 [V]
_TYPE: Final = "Microsoft.Authorization/roleAssignments"
LOCK_VERSION: Final = "2020-05-01"  # azure.md 12

# Classic built-in roles → new ones, by name in azure.md 6.5 [K]; the guids are the published ones [K].
CLASSIC_ROLES: Final[Mapping[str, tuple[str, str, str]]] = {
    "d73bb868-a0df-4d4d-bd69-98a00b01fccb": (
        "Classic Virtual Machine Contributor", "9980e02c-c2be-4d73-94e8-173b1dc7cf3c", "Virtual Machine Contributor"),
    "b34d265f-36f7-4a0d-a4d4-e158ca92e90f": (
        "Classic Network Contributor", "4d97b98b-1d4f-4787-a291-c67834d212e7", "Network Contributor"),
    "86e8f5dc-a6e9-4c67-9d15-de283e8eac25": (
        "Classic Storage Account Contributor", "17d1049b-9a84-46fb-8f53-869881c3d3ab", "Storage Account Contributor"),
    "985d6b00-f706-48f5-a6fe-d0ca12fb668d": (
        "Classic Storage Account Key Operator Service Role", "81a9662b-bebf-436f-a333-f67b29880f12",
        "Storage Account Key Operator Service Role"),
}  # fmt: skip
# Built-in roles that mean the same on both sides.
PLAIN_ROLES: Final[Mapping[str, str]] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    **{new: name for _, new, name in CLASSIC_ROLES.values()},
}


def role_guid(properties: Mapping[str, Any]) -> str:
    return str(properties.get("roleDefinitionId") or "").rstrip("/").rsplit("/", 1)[-1].lower()


def assignment_name(scope: str, role_definition_id: str, principal: str) -> str:
    """The same grant gets the same name every time (azure.md 6.5), so that granting twice is granting once."""
    role = role_definition_id.rstrip("/").rsplit("/", 1)[-1]
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{scope}|{role}|{principal}".lower()))


def place(draft: Draft, scope: str, role: str, principal: str) -> str:
    """Where the grant stands: under a name made of what it says, or where the platform had it already."""
    own = f"{scope}/providers/{_TYPE}/{assignment_name(scope, role, principal)}"
    return str(draft.basis.get("standing") or own)


def standing(request: ArmRequest, listed: Iterable[Mapping[str, Any]]) -> str:
    """The id under which the same grant stands already, out of the assignments of its scope; "" when none does."""
    scope = request.path.partition(f"/providers/{_TYPE}/")[0].lower()
    wanted = (request.body or {}).get("properties") or {}
    for item in listed:
        facts = item.get("properties")
        if not isinstance(facts, Mapping) or not isinstance(item.get("id"), str):
            continue
        same = str(facts.get("principalId", "")).lower() == str(wanted.get("principalId", "")).lower()
        if same and role_guid(facts) == role_guid(wanted) and str(facts.get("scope", "")).lower() == scope:
            return str(item["id"])
    return ""


def build_assignment(draft: Draft) -> RequiredFollowUp:
    old = draft.properties
    scope, role, principal = _scope(draft), _role(draft), str(old.get("principalId") or "")
    stages = []
    if not principal:
        draft.note("The assignment names no principal; it cannot be made again.")
        draft.unanswered = True
    if scope and role and principal:
        path = place(draft, scope, role, principal)
        names = ("principalType", "condition", "conditionVersion", "description")
        kept = {name: draft.rewrite(old[name], name) for name in names if old.get(name) is not None}
        properties = {"roleDefinitionId": role, "principalId": principal, **kept}
        expect = {"properties.roleDefinitionId": role, "properties.principalId": principal, "properties.scope": scope}
        expect |= {f"properties.{name}": kept[name] for name in ("condition",) if name in kept}
        read = ArmRequest(method="GET", path=path, api_version=VERSION)
        request = ArmRequest(method="PUT", path=path, api_version=VERSION, body={"properties": properties})
        stages = [Stage(request=request, probe=Probe(request=read, expect=expect))]
    if draft.basis.get("standing"):
        draft.note("The same grant stood there already, under another name [K]; nothing was granted twice.")
    was = CLASSIC_ROLES.get(role_guid(old), (PLAIN_ROLES.get(role_guid(old), role_guid(old)),))[0]
    return draft.finished(
        kind=Kind.ROLE_ASSIGNMENT,
        title=f"Grant {was} again on the new scope",
        new_target=scope,
        rules=("SUB-RBAC", "CS-RBAC"),
        sources=("azure.md 6.5", "seed0 row C13 (2020)", "seed1 rows V1, F8, E7 (2016)", "cs-td", "vm-ov"),
        what_was=[
            f"Scope: {old.get('scope') or draft.basis['scope']}",
            f"Role: {was}",
            f"Principal: {old.get('principalType', 'type not told')} {principal}",
        ],
        stages=stages,
    )


def _scope(draft: Draft) -> str | None:
    """The new scope. A cloud service of virtual machines has no resource of its own, and its group holds more than it
    did: a person chooses, so that nobody is given more than before by accident."""
    classic = str(draft.basis["scope"])
    new = _new_scope(draft)
    if draft.basis.get("target") or "/providers/" not in classic.lower():
        return new
    parsed = Id.parse(new) if new else None
    machines = "/domainnames/" in classic.lower() and (
        parsed is None or not parsed.type.lower().startswith(CLOUD_SERVICES)
    )
    if new is None or not machines or f"id:{classic.lower()}" in draft.answers:
        return new
    group = "/".join(new.split("/")[:5])
    choices = [Choice(group, f"The whole group {group.rsplit('/', 1)[-1]}: reaches every machine in it")]
    if new != group:
        choices.append(Choice(new, f"Only the public IP {new.rsplit('/', 1)[-1]}"))
    question = Question(
        id="scope",
        text="A cloud service of virtual machines became a group. On what should the grant be made?",
        choices=tuple(choices),
        free=True,
        hint="The full id of the resource or group.",
    )
    return draft.ask(question, _any_scope)


def _new_scope(draft: Draft) -> str | None:
    """The new group or resource; asked for when nothing was found in the place of an old group."""
    if draft.basis.get("target"):
        return str(draft.basis["target"])
    old = str(draft.basis["scope"])
    if "/providers/" in old.lower():
        return draft.new_id(old)
    question = Question(
        id="scope",
        text=f"Nothing was found in the place of the resource group {old.rsplit('/', 1)[-1]}. Which scope takes it?",
        free=True,
        hint="The full id of the resource or group.",
    )
    return draft.ask(question, _any_scope)


def _any_scope(text: str) -> str:
    if not text.startswith("/subscriptions/") or "microsoft.classic" in text.lower() or any(c.isspace() for c in text):
        raise AnswerRefused(f"{text[:120]!r} is not the id of a Resource Manager resource or group.")
    return text.rstrip("/")


def _role(draft: Draft) -> str | None:
    said = str(draft.properties.get("roleDefinitionId") or "")
    guid = role_guid(draft.properties)
    if guid in CLASSIC_ROLES:
        was, new, name = CLASSIC_ROLES[guid]
        draft.note(f"{was} became {name}: general knowledge [K], azure.md 6.5.")
        return f"{said[: len(said.rstrip('/')) - len(guid)]}{new}"
    if guid in PLAIN_ROLES:
        return said
    question = Question(
        id="role",
        text=f"The role {guid or 'not told'} is no built-in one we know; a custom role may allow classic actions only. "
        "Which role should be granted?",
        choices=(Choice(KEEP, "The same role"),) if said else (),
        free=True,
        hint="The full id of a role definition: …/providers/Microsoft.Authorization/roleDefinitions/{guid}.",
    )
    answer = draft.ask(question, _role_id)
    return said if answer == KEEP else answer


def _role_id(text: str) -> str:
    head, _, guid = text.rstrip("/").rpartition("/")
    try:
        uuid.UUID(guid)
    except ValueError:
        head = ""
    if not head.lower().endswith("/providers/microsoft.authorization/roledefinitions"):
        raise AnswerRefused(f"{text[:120]!r} is not the id of a role definition.")
    return text.rstrip("/")


def build_lock(draft: Draft) -> RequiredFollowUp:
    """No document says what becomes of locks (azure.md 2.9); one on a classic id or on the old group cannot reach the
    new id [I]."""
    old = draft.properties
    scope = _new_scope(draft)
    level = old.get("level")
    if level not in ("CanNotDelete", "ReadOnly"):
        question = Question(
            id="level",
            text="The level of the lock was not told. Which one should be set?",
            choices=(Choice("CanNotDelete", "CanNotDelete"), Choice("ReadOnly", "ReadOnly")),
        )
        level = draft.ask(question)
    stages = []
    if scope:
        path = f"{scope}/providers/Microsoft.Authorization/locks/{draft.name}"
        properties = {"level": level}
        properties |= {key: draft.rewrite(old[key], key) for key in ("notes", "owners") if old.get(key)}
        read = ArmRequest(method="GET", path=path, api_version=LOCK_VERSION)
        request = ArmRequest(method="PUT", path=path, api_version=LOCK_VERSION, body={"properties": properties})
        stages = [Stage(request=request, probe=Probe(request=read, expect={"properties.level": level}))]
    if level == "ReadOnly":
        draft.note("Set a ReadOnly lock last: it refuses the other follow-ups on the same scope [K].")
    return draft.finished(
        kind=Kind.LOCK,
        title=f"Set lock {draft.name} again on the new scope",
        new_target=scope,
        rules=("SUB-ARM-LOCK",),
        sources=("azure.md 2.9 [K]",),
        what_was=[f"Scope: {draft.basis['scope']}", f"Level: {old.get('level', 'not told')}"],
        stages=stages,
    )
