"""What each fix would do, from wire-format estates: the same in which the rules say yes."""

import json

import pytest

from migrator import fixes
from migrator.fixes import BY_HAND, ELSEWHERE, PLANNED, NoFix, Plan, Wants
from migrator.readiness import CATALOGUE, Automatable, Outcome
from tests.migrator.readiness.cases import CASES, Case
from tests.migrator.readiness.documents import (
    Document,
    account,
    account_id,
    dependent,
    disk,
    document,
    estate,
    image,
    lock,
    network,
    network_id,
    peering,
    role,
    role_id,
    service,
    service_id,
    slot,
)
from tests.migrator.readiness.test_rules import evaluations


def planned(rule: str, key: str, documents: list[Document]) -> Plan | NoFix:
    return fixes.plan(rule, key.lower(), estate(documents), {str(d["id"]).lower(): d for d in documents})


def whole(rule: str, key: str, documents: list[Document]) -> Plan:
    found = planned(rule, key, documents)
    assert isinstance(found, Plan), found
    return found


def sent(plan: Plan) -> list[str]:
    return [step.shown for step in plan.steps]


def test_every_remedy_the_catalogue_calls_automatable_is_a_fix_or_says_where_else_it_is() -> None:
    wanted = {rule.id for rule in CATALOGUE if rule.automatable is not Automatable.NO}
    told = [*PLANNED, *ELSEWHERE, *BY_HAND]
    assert len(told) == len(set(told))  # once each
    assert wanted - set(told) == set()
    assert set(told) - {rule.id for rule in CATALOGUE} == set()


@pytest.mark.parametrize("case", [c for c in CASES if c.rule in PLANNED and c.outcome == "yes"], ids=lambda c: c.rule)
def test_every_yes_of_a_fixable_rule_has_a_plan_that_is_whole_or_a_sentence_why_not(case: Case) -> None:
    documents = {str(d["id"]).lower(): d for d in case.documents}
    found = [
        fixes.plan(f.rule_id, f.resource_key, estate(case.documents), documents)
        for evaluation in evaluations(case)
        for f in evaluation.findings
        if f.rule_id == case.rule and f.outcome is Outcome.YES
    ]
    assert found
    for plan in found:
        if isinstance(plan, NoFix):
            assert "sync" in plan.why or "other side" in plan.why, plan
            continue
        assert plan.title and plan.does and plan.loses and plan.cut_off is not None and plan.sources and plan.steps
        for step in plan.steps:
            assert step.title and step.after and (step.request is None) != (step.scale is None)
            assert not (step.request and step.request.method == "POST" and step.repeatable and not _register(step))
        assert Plan.from_json(json.loads(json.dumps(plan.as_json()))) == plan


def _register(step: fixes.Step) -> bool:
    return step.request is not None and step.request.path.endswith("/register")


@pytest.mark.parametrize("rule", sorted(PLANNED))
def test_every_fixable_rule_has_an_estate_in_which_its_fix_is_planned(rule: str) -> None:
    made = [
        fixes.plan(rule, f.resource_key, estate(case.documents), {str(d["id"]).lower(): d for d in case.documents})
        for case in CASES
        if case.rule == rule and case.outcome in ("yes", "unknown")
        for evaluation in evaluations(case)
        for f in evaluation.findings
        if f.rule_id == rule and f.outcome is not Outcome.NO
    ]
    assert any(isinstance(plan, Plan) for plan in made), made


def test_deleting_staging_names_the_slot_and_what_must_be_so_before() -> None:
    documents = [service(), slot(network=None), slot(slot="Staging", network=None), role(), role(slot="Staging")]
    plan = whole("CS-TWO-SLOTS-DYN", service_id("shop"), documents)
    assert sent(plan) == [f"DELETE {service_id('shop')}/slots/Staging"]
    (step,) = plan.steps
    assert {c.resource_id.rsplit("/", 1)[-1] for c in step.before} == {"Staging", "Production"}
    assert any(c.field == "created_at" and c.values for c in step.before)  # another deployment there is another matter
    assert step.repeatable
    assert "1 role" in plan.does[0]
    assert any("package" in line for line in plan.loses)


def test_a_swap_is_sent_once() -> None:
    plan = whole("CS-STAGING-ONLY", service_id("shop"), [service(), slot(slot="Staging", network=None)])
    (step,) = plan.steps
    assert step.shown == f"POST {service_id('shop')}/swap"
    assert not step.repeatable
    assert step.mark.startswith("[I]")


def test_scaling_is_one_number_of_one_role_and_reads_the_deployment_with_it() -> None:
    documents = [network(), service(), slot(), role(instanceCount=1)]
    plan = whole("CS-SINGLE-INSTANCE", role_id("shop"), documents)
    (step,) = plan.steps
    assert step.scale is not None and (step.scale.role, step.scale.instances) == ("web", 2)
    assert not step.repeatable
    assert slot()["id"] in plan.reads and plan.reads.index(slot()["id"]) < plan.reads.index(role()["id"])
    assert step.mark.startswith("[K]")
    assert isinstance(planned("CS-SINGLE-INSTANCE", role_id("shop"), [network(), service(), slot(), role()]), NoFix)


def test_peerings_are_deleted_on_both_sides() -> None:
    hub = dependent("Microsoft.Network/virtualNetworks", name="hub")
    link = {"name": "to-net", "properties": {"remoteVirtualNetwork": {"id": network_id()}}}
    hub["properties"]["virtualNetworkPeerings"] = [link]
    plan = whole("VNET-PEERING", network_id(), [network(), peering(), hub])
    assert sent(plan) == [f"DELETE {peering()['id']}", f"DELETE {hub['id']}/virtualNetworkPeerings/to-net"]
    assert "hub" in plan.cut_off[0]
    assert plan.again
    far = [network(), network("hub"), peering("hub", "net")]
    assert sent(whole("VNET-PEERING", network_id(), far)) == [f"DELETE {peering('hub', 'net')['id']}"]


def test_a_peering_of_which_only_the_far_side_knows_the_name_is_a_person_s_work() -> None:
    found = planned("VNET-PEERING", network_id(), [network(), dependent("Microsoft.Network/virtualNetworks")])
    assert isinstance(found, NoFix) and "other side" in found.why


def test_every_object_nothing_uses_is_deleted_and_only_those() -> None:
    documents = [account(), disk("loose"), disk("used", attached="vm1"), image()]
    plan = whole("STG-DISK-ARTIFACTS", account_id(), documents)
    assert [one.rsplit("/", 1)[-1] for one in sent(plan)] == ["loose", "golden"]
    assert any(c.field == "attached_to" and c.values == ("nothing",) for c in plan.steps[0].before)
    assert isinstance(planned("VM-DISK-UNATTACHED", disk("used")["id"], documents), NoFix)


def test_locks_on_a_resource_are_deleted_by_their_ids() -> None:
    held = lock(network_id())
    plan = whole("SUB-ARM-LOCK", network_id(), [network(), held])
    assert sent(plan) == [f"DELETE {held['id']}"]
    assert plan.steps[0].removes == (held["id"],)
    assert not plan.marks  # documented


def test_a_feature_is_registered_and_then_its_provider_again() -> None:
    plan = whole("SUB-REG-FEATURE", network_id(), [network()])
    assert [step.after[0].resource_id for step in plan.steps] == [
        "Microsoft.Compute/CloudServices",
        "Microsoft.Compute",
    ]
    assert all(step.after[0].wants is Wants.REGISTERED and step.repeatable for step in plan.steps)
    assert "/Microsoft.Features/providers/Microsoft.Compute/features/CloudServices/register" in sent(plan)[0]


def test_what_is_not_in_the_inventory_and_what_no_request_remedies_says_so() -> None:
    assert "not in the inventory" in planned("CS-EMPTY", service_id("gone"), [service()]).why  # type: ignore[union-attr]
    assert isinstance(planned("CS-DNS", service_id("shop"), [service()]), NoFix)
    assert planned("SUB-QUOTA-CORES", network_id(), [network()]).place is fixes.Place.QUOTA  # type: ignore[union-attr]
    assert isinstance(planned("VM-ENDPOINT-ACL", network_id(), [network()]), NoFix)


def test_a_peering_that_is_one_of_many_kinds_of_document_changes_no_plan() -> None:
    """What else lies in the estate does not change what is sent."""
    base = [service(), slot(network=None), slot(slot="Staging", network=None)]
    more = [*base, account(), disk(), document(f"{account_id('z')}/disks/d", {})]
    rule, key = "CS-TWO-SLOTS-DYN", service_id("shop")
    assert whole(rule, key, base) == whole(rule, key, more)
