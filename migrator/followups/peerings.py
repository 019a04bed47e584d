"""Peerings of a network, made again on both sides (azure.md 6.6).

A peering stands in the way of Prepare, so it was deleted before: by a fix of this product, or by somebody's hand. It
is Connected only when both sides name each other; a classic network has no side of its own [K].
"""

from collections.abc import Mapping
from typing import Any, Final

from migrator.counterparts import NETWORKS, Id
from migrator.followups.draft import Draft, on_or_off
from migrator.followups.values import AnswerRefused, Choice, Kind, Probe, Question, RequiredFollowUp, Stage
from migrator.resources import ArmRequest

VERSION: Final = "2026-03-01"  # azure.md 6.6 [V]
SWITCHES: Final = ("allowVirtualNetworkAccess", "allowForwardedTraffic", "allowGatewayTransit", "useRemoteGateways")
_PLAIN: Final = {name: name == "allowVirtualNetworkAccess" for name in SWITCHES}
_CLASSIC: Final = "/providers/microsoft.classicnetwork/"


def build(draft: Draft) -> RequiredFollowUp:
    """`basis` besides that of every draft: "network" and "remote" (ids as they were), "near" and "far" (the documents
    of both sides, or None)."""
    network, remote = str(draft.basis["network"]), str(draft.basis["remote"])
    near, far = draft.basis.get("near"), draft.basis.get("far")
    new = draft.new_id(network)
    other = draft.new_id(remote, may_stay=True) if _CLASSIC in remote.lower() else remote
    parsed = Id.parse(other) if other else None
    if other and _CLASSIC not in other.lower() and (parsed is None or parsed.type.lower() != NETWORKS):
        raise AnswerRefused(f"{other[:120]!r} is not the id of a virtual network (Microsoft.Network/virtualNetworks).")
    one_sided = other is not None and _CLASSIC in other.lower()
    here, there = _last(network), _last(remote)
    near_switches = _switches(draft, near, here)
    far_switches = {} if one_sided else _switches(draft, far, there)
    stages = []
    if new and other:
        if not one_sided:
            stages.append(_stage(other, _name(far, f"to-{_last(new)}"), new, far_switches))
        stages.append(_stage(new, _name(near, f"to-{_last(other)}"), other, near_switches, state="Connected"))
    if one_sided:
        draft.note(
            f"{there} is classic still: a peering with it has one side only, that of {here} [K]. When {there} moves, "
            "this peering has to be deleted first, and made anew."
        )
    if draft.basis.get("doubt"):
        draft.note(str(draft.basis["doubt"]))
    draft.note(f"Until both sides are made, nothing goes between {here} and {there}.")
    return draft.finished(
        kind=Kind.PEERING,
        title=f"Peer {here} with {there} again",
        new_target=new,
        rules=("VNET-PEERING",),
        sources=("azure.md 6.6", "seed0 row C8 (2020)", "cs-td", "vm-ov"),
        what_was=[*_facts(here, near), *_facts(there, far)],
        stages=stages,
    )


def _stage(network: str, name: str, remote: str, switches: Mapping[str, bool], *, state: str = "") -> Stage:
    path = f"{network}/virtualNetworkPeerings/{name}"
    properties = {"remoteVirtualNetwork": {"id": remote}, **switches}
    expect: dict[str, Any] = {"properties.remoteVirtualNetwork.id": remote}
    expect |= {f"properties.{name}": value for name, value in switches.items()}
    if state:
        expect["properties.peeringState"] = state
    return Stage(
        request=ArmRequest(method="PUT", path=path, api_version=VERSION, body={"properties": properties}),
        probe=Probe(request=ArmRequest(method="GET", path=path, api_version=VERSION), expect=expect),
    )


def _switches(draft: Draft, document: Any, network: str) -> dict[str, bool]:
    """As they were; asked for where this side was never read."""
    told = _properties(document)
    if any(isinstance(told.get(name), bool) for name in SWITCHES):
        return {name: bool(told.get(name, _PLAIN[name])) for name in SWITCHES}
    question = Question(
        id=f"switches:{network.lower()}",
        text=f"How the side of {network} was set is not known. What should it let through?",
        choices=(
            Choice("plain", "Traffic between the two networks only, as Azure does unless told otherwise"),
            Choice("forwarded", "Forwarded traffic too (from an appliance or a gateway behind the other network)"),
        ),
        default="plain",
    )
    return {**_PLAIN, "allowForwardedTraffic": draft.ask(question) == "forwarded"}


def _facts(network: str, document: Any) -> list[str]:
    told = _properties(document)
    if not told:
        return [f"The side of {network} was not read."]
    words = ("access", "forwarded traffic", "gateway transit", "remote gateways")
    said = ", ".join(f"{word} {on_or_off(told.get(name))}" for name, word in zip(SWITCHES, words, strict=True))
    return [f"{_name(document, 'peering')} of {network}: {said}"]


def _properties(document: Any) -> Mapping[str, Any]:
    found = document.get("properties") if isinstance(document, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _name(document: Any, otherwise: str) -> str:
    return str(document.get("name") or otherwise) if isinstance(document, Mapping) else otherwise


def _last(resource_id: str) -> str:
    return resource_id.rstrip("/").rsplit("/", 1)[-1]
