"""Just-in-time policies of virtual machines, and labels that become tags (azure.md 6.4, 6.8)."""

from collections.abc import Mapping
from typing import Any, Final

from migrator.counterparts import group_of
from migrator.followups.draft import Draft
from migrator.followups.values import AnswerRefused, Kind, Probe, Question, RequiredFollowUp, Stage
from migrator.resources import ArmRequest

JIT_VERSION: Final = "2020-01-01"  # azure.md 6.4 [V]
TAGS_VERSION: Final = "2021-04-01"  # [K]
_FORBIDDEN: Final = frozenset("<>%&\\?/")  # in the name of a tag [K]


def build_jit(draft: Draft) -> RequiredFollowUp:
    """Only machines take such a policy: what it said of cloud service roles has no meaning any more (azure.md 6.4)."""
    machines = [m for m in draft.properties.get("virtualMachines") or () if isinstance(m, Mapping)]
    classic = [m for m in machines if "/providers/microsoft.classic" in str(m.get("id", "")).lower()]
    ours = [m for m in classic if "/domainnames/" not in str(m["id"]).lower()]
    if len(ours) < len(classic):
        draft.note("Just-in-time access does not exist for cloud service roles; those entries are not made again.")
    entries = []
    for index, machine in enumerate(ours):
        kept = {key: value for key, value in machine.items() if key in ("ports", "publicIpAddress")}
        new = draft.new_id(str(machine["id"]))
        entries.append({**draft.rewrite(kept, f"virtualMachines[{index}]"), "id": new})
    target = next((entry["id"] for entry in entries if entry["id"]), None)
    if not ours:
        draft.unanswered = True
        draft.note("The policy names no virtual machine that is migrated: somebody has to decide what takes its place.")
    stages = []
    if target:
        path = f"{group_of(target)}/providers/Microsoft.Security/locations/{_location(draft, target)}"
        path += f"/jitNetworkAccessPolicies/{draft.name}"
        kind = draft.document.get("kind") or "Basic"
        body = {"kind": kind, "properties": {"virtualMachines": entries}}
        read = ArmRequest(method="GET", path=path, api_version=JIT_VERSION)
        request = ArmRequest(method="PUT", path=path, api_version=JIT_VERSION, body=body)
        stages = [Stage(request=request, probe=Probe(request=read, expect={"properties.virtualMachines": entries}))]
    draft.note("Just-in-time access needs Defender for Servers plan 2 on the new machines (azure.md 6.4 [D]).")
    return draft.finished(
        kind=Kind.JIT,
        title=f"Make just-in-time policy {draft.name} again",
        new_target=target,
        rules=("CS-JIT",),
        sources=("azure.md 6.4", "seed0 row C5 (2020)"),
        what_was=[_ports(machine) for machine in machines],
        stages=stages,
    )


def _location(draft: Draft, target: str) -> Any:
    """The security location is part of the policy's own id."""
    parts = str(draft.document.get("id", "")).split("/")
    lowered = [part.lower() for part in parts]
    if "locations" in lowered[:-1]:
        return parts[lowered.index("locations") + 1]
    return draft.location(target, draft.document.get("location"))


def _ports(machine: Mapping[str, Any]) -> str:
    ports = ", ".join(str(p.get("number")) for p in machine.get("ports") or () if isinstance(p, Mapping))
    return f"{str(machine.get('id', '')).rsplit('/', 1)[-1]}: ports {ports or 'not told'}"


def build_tags(draft: Draft) -> RequiredFollowUp:
    """A label becomes a tag (rule CS-LABEL-TAGS). Tags are merged, so that those which are there stay."""
    label = draft.basis["label"]
    value = label["value"]
    if value is None:
        question = Question(
            id="value",
            text="The label was not read before Prepare. What was it? If it had none, nothing is owed.",
            free=True,
            hint="The label as it was.",
        )
        value = draft.ask(question)
    question = Question(
        id="tag",
        text="Under which name should the label be kept?",
        default=label["name"],
        free=True,
        hint="A tag name.",
    )
    name = draft.ask(question, _tag_name)
    target = draft.new_id(str(draft.document["id"]))
    stages = []
    if target and value and name:
        path = f"{target}/providers/Microsoft.Resources/tags/default"
        body = {"operation": "Merge", "properties": {"tags": {name: value[:256]}}}
        read = ArmRequest(method="GET", path=path, api_version=TAGS_VERSION)
        request = ArmRequest(method="PATCH", path=path, api_version=TAGS_VERSION, body=body)
        stages = [Stage(request=request, probe=Probe(request=read, expect={f"properties.tags.{name}": value[:256]}))]
    return draft.finished(
        kind=Kind.TAGS,
        title=f"Keep the label of {draft.name} as a tag",
        new_target=target,
        rules=("CS-LABEL-TAGS",),
        sources=("azure.md 6.8", "cs-err known issues"),
        what_was=[f"Label: {label['value'] if label['value'] is not None else 'not read'}"],
        stages=stages,
    )


def _tag_name(text: str) -> str:
    if len(text) > 512 or any(character in _FORBIDDEN for character in text):
        raise AnswerRefused(f"{text[:80]!r} is not the name of a tag: at most 512 characters, none of < > % & \\ ? /.")
    return text
