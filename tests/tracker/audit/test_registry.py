"""Types and their sentences."""

from types import SimpleNamespace

import pytest

from tracker.audit import registry

NEEDED = """
account.signed_in account.sign_in_failed account.signed_out account.created account.role_granted account.role_revoked
access.denied evidence.viewed inventory.sync_started inventory.sync_finished inventory.sync_failed inventory.synced
inventory.resource_added inventory.resource_changed inventory.resource_gone inventory.unit_drawn inventory.unit_gone
inventory.unit_excluded inventory.unit_owner_assigned subscription.registration_requested readiness.assessed
readiness.platform_answered quota.usages_read quota.reserved quota.released quota.refused quota.requested
quota.request_followed wave.created wave.changed wave.unit_placed wave.unit_removed wave.submitted wave.window_set
approval.requested approval.approved approval.rejected approval.revoked approval.voided freeze.engaged freeze.lifted
run.started run.asked run.moved run.attention_raised run.attention_cleared run.ended operation.created
operation.looked operation.armed operation.not_sent operation.answered operation.decided operation.held
operation.cancelled settings.captured comparison.stored difference.disposed followup.opened followup.answered
followup.applied followup.probed followup.closed followup.failed followup.reopened export.started export.finished
export.aborted audit.checkpoint_signed command.run
"""
VALUES = {
    registry.Kind.TEXT: "Words",
    registry.Kind.NUMBER: 1234,
    registry.Kind.LIST: ["a"],
    registry.Kind.MAP: {"k": "v"},
}


def told(
    type: str, detail: dict | None = None, *, object_id: str = "N7", actor: str = "user:p-1", result: str = "done"
):
    kind = type.split(".")[0]
    return SimpleNamespace(
        type=type, actor=actor, object_kind=kind, object_id=object_id, detail=detail or {}, result=result
    )


@pytest.mark.parametrize("name", NEEDED.split())
def test_what_the_product_does_has_a_type(name: str) -> None:
    assert registry.get(name).label


@pytest.mark.parametrize("name", registry.TYPES)
@pytest.mark.parametrize("full", [False, True], ids=["required only", "everything"])
def test_every_type_makes_a_whole_sentence(name: str, full: bool) -> None:
    kind = registry.get(name)
    keys = kind.required | (kind.optional if full else {})
    sentence = registry.sentence(told(name, {key: VALUES[what] for key, what in keys.items()}), {"actor_name": "Priya"})
    assert not any(mark in sentence for mark in "?{}[]"), sentence
    assert sentence[0].isupper() and sentence.endswith("."), sentence
    assert "  " not in sentence and " ." not in sentence and " :" not in sentence, sentence


def test_sentences_use_names_texts_and_short_ids() -> None:
    arm = "/subscriptions/1/resourceGroups/g/providers/Microsoft.ClassicNetwork/virtualNetworks/net-1"
    placed = told("wave.unit_placed", {"unit": arm, "name": "Pilot"})
    assert registry.sentence(placed, {"actor_name": "Priya"}) == "Priya placed net-1 in the wave Pilot."
    assert registry.sentence(placed, {}) == "p-1 placed net-1 in the wave Pilot."
    synced = told("inventory.synced", {"added": 12345, "gone": 2}, actor="system:engine")
    assert registry.sentence(synced, {}) == "A sync of N7 changed the inventory: 12,345 added, 2 gone."
    frozen = told("freeze.engaged", {"scope": "everything"})
    assert registry.sentence(frozen, {"reason": "storm", "actor_name": "Priya"}) == "Priya froze everything: storm."
    created = told("account.created", {"roles": ["a", "b", "c", "d", "e"]}, actor="command:demo")
    assert registry.sentence(created, {}) == (
        "The command demo created the account of a person with the roles a, b, c and 2 more."
    )


def test_a_result_that_is_not_done_is_said_first() -> None:
    assert registry.sentence(told("approval.approved", result="denied"), {}).startswith("Denied: ")
    assert registry.sentence(told("followup.applied", result="failed"), {}).startswith("Failed: ")
    assert registry.sentence(told("inventory.sync_failed", result="failed"), {}).startswith("The sync")


def test_a_type_that_does_not_exist_is_refused_with_its_neighbours() -> None:
    with pytest.raises(registry.UnknownEventType, match=r"wave\.made.*wave\.created"):
        registry.get("wave.made")
    assert registry.sentence(told("old.gone", actor="system:engine"), {}) == "The engine: old.gone of N7."


def test_a_schema_names_everything_that_is_wrong_at_once() -> None:
    problems = registry.get("account.role_granted").problems({"rôle": "x", "name": 3})
    assert problems == [
        "detail.role is missing",
        "detail.rôle is not in its schema (keys: role, name)",
        "detail.name is a int, not a text",
    ]
    assert registry.get("run.moved").problems({"anything": "goes"}) == []
