"""Endpoints of Traffic Manager that name a classic cloud service (azure.md 6.8 [D] for what they may name)."""

from collections.abc import Mapping
from typing import Any, Final

from migrator.counterparts import PUBLIC_ADDRESSES, Id
from migrator.followups.draft import Draft, new_resource_id
from migrator.followups.values import AnswerRefused, Kind, Probe, Question, RequiredFollowUp, Stage
from migrator.resources import ArmRequest

VERSION: Final = "2022-04-01"  # [K]
# What the platform alone writes, and what is written anew.
_NOT_SENT: Final = frozenset({"endpointmonitorstatus", "targetresourceid", "target"})


def build(draft: Draft) -> RequiredFollowUp:
    """`basis["endpoint"]`: the entry of the profile as it was; `basis["address"]`: the public IP found in the place of
    the cloud service, or ""."""
    old = draft.basis["endpoint"]
    facts = old.get("properties") if isinstance(old.get("properties"), Mapping) else {}
    classic = str(facts.get("targetResourceId") or "")
    target = str(draft.basis.get("address") or "") or _ask(draft, classic)
    name, profile = str(old.get("name") or ""), str(draft.document.get("id", "")).rstrip("/")
    kept = {key: value for key, value in facts.items() if key.lower() not in _NOT_SENT and value is not None}
    stages = []
    if target and name and profile:
        path = f"{profile}/azureEndpoints/{name}"
        properties = {**draft.rewrite(kept, "properties"), "targetResourceId": target}
        watched = ("targetResourceId", "endpointStatus", "weight", "priority")
        expect = {f"properties.{key}": properties[key] for key in watched if key in properties}
        read = ArmRequest(method="GET", path=path, api_version=VERSION)
        request = ArmRequest(method="PUT", path=path, api_version=VERSION, body={"properties": properties})
        stages = [Stage(request=request, probe=Probe(request=read, expect=expect))]
    draft.note(
        "Between Commit and this the endpoint names something that is gone; whether Traffic Manager goes on answering "
        "with the last address is documented nowhere [I]."
    )
    draft.note("The public IP needs a DNS name, or Azure refuses it as an endpoint [K].")
    return draft.finished(
        kind=Kind.TRAFFIC_MANAGER,
        title=f"Point endpoint {name} of Traffic Manager profile {draft.name} to the new public IP",
        new_target=target,
        rules=("SUB-TOOLING",),
        sources=("azure.md 6.8",),
        what_was=[f"Endpoint {name}: {classic.rsplit('/', 1)[-1]}", *_facts(facts)],
        stages=stages,
    )


def _facts(facts: Mapping[str, Any]) -> list[str]:
    said = [f"{word} {facts[key]}" for key, word in (
        ("endpointStatus", "status"), ("priority", "priority"), ("weight", "weight")
    ) if facts.get(key) is not None]  # fmt: skip
    return [", ".join(said).capitalize()] if said else []


def _ask(draft: Draft, classic: str) -> str | None:
    question = Question(
        id="address",
        text=f"Which public IP took the place of {classic.rsplit('/', 1)[-1]}? None, or more than one, was found.",
        free=True,
        hint="The full id of a public IP: …/Microsoft.Network/publicIPAddresses/{name}.",
    )
    return draft.ask(question, _public_address)


def _public_address(text: str) -> str:
    found = new_resource_id(text)
    parsed = Id.parse(found)
    if parsed is None or parsed.type.lower() != PUBLIC_ADDRESSES:
        raise AnswerRefused(f"{text[:120]!r} is not the id of a public IP (Microsoft.Network/publicIPAddresses).")
    return found
