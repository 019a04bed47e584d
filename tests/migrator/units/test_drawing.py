"""Properties of `units.resolve` over made-up estates, complete and with holes."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from migrator import units
from migrator.resources import Dependent, Estate, Setting
from migrator.units import flatten
from tests.migrator.readiness.documents import (
    RG,
    Document,
    account,
    account_id,
    alert,
    assignment,
    autoscale,
    dependent,
    disk,
    estate,
    gateway,
    group,
    image,
    lock,
    machine,
    machine_id,
    machine_slot,
    network,
    network_id,
    peering,
    put,
    reserved,
    role,
    role_id,
    service,
    service_id,
    slot,
    slot_id,
    table,
    vip,
)

NETWORKS = st.sampled_from(["net", "hub", "unlisted", None])
HOLES = (
    "virtualNetwork",
    "configuration",
    "slotType",
    "domainName",
    "networkProfile",
    "attachedTo",
    "inUse",
    "subnets",
)


@st.composite
def documents(draw: st.DrawFn) -> list[Document]:
    made: list[Document] = []
    for name in draw(st.sets(st.sampled_from(["net", "hub"]))):
        guarded = put([network(name)], 0, "subnets.0.networkSecurityGroup", {"name": "nsg"})
        made += guarded if draw(st.booleans()) else [network(name)]
        made += [gateway(of=name)] if draw(st.booleans()) else []
        made += [peering(name)] if draw(st.booleans()) else []
    for name in draw(st.sets(st.sampled_from(["shop", "blog", "iaas"]))):
        made += [service(name)] if draw(st.booleans()) else []
        for where in draw(st.sets(st.sampled_from(["Production", "Staging"]))):
            if name == "iaas":
                made.append(machine_slot(name, network=draw(NETWORKS)))
            else:
                address = vip() if draw(st.booleans()) else vip(None)
                made += [slot(name, where, network=draw(NETWORKS), virtualIps=address), role(name, slot=where)]
    for name in draw(st.sets(st.sampled_from(["vm1", "vm2", "vm3"]))):
        made.append(machine(name, of=draw(st.sampled_from(["iaas", "ghost"])), network=draw(NETWORKS)))
    extras: list[Any] = [
        account(), disk(), image(), disk("d2", "lost"), group("nsg", "vm1"), group("spare"), table(), reserved(),
        reserved("r2", True, slot_id("shop")), autoscale(role_id("shop")), alert(machine_id("vm1")),
        assignment(service_id("blog")), assignment(RG), lock(account_id()), lock(network_id("hub"), name="hub"),
        dependent("Microsoft.Web/hostingEnvironments"),
    ]  # fmt: skip
    made += [one for one in extras if draw(st.booleans())]
    for one in made:
        if draw(st.integers(0, 5)) == 0:
            one["properties"].pop(draw(st.sampled_from(HOLES)), None)
    return list({one["id"]: one for one in made}.values())


def movable(known: Estate) -> set[str]:
    """Keys of all that has to be in a unit: everything classic that is not just set on something."""
    return {
        key
        for key, resource in flatten(known.resources).items()
        if not isinstance(resource, Setting | Dependent) and "/providers/microsoft.classic" in key
    }


@settings(max_examples=80, deadline=None)
@given(documents())
def test_every_classic_resource_is_in_exactly_one_unit(made: list[Document]) -> None:
    known = estate(made)
    count = Counter(member.resource_key for unit in units.resolve(known.resources) for member in unit.members)
    assert max(count.values(), default=1) == 1
    assert movable(known) <= set(count)
    assert set(count) <= set(flatten(known.resources))


@settings(max_examples=50, deadline=None)
@given(documents(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(made: list[Document], random: Any) -> None:
    known = list(estate(made).resources)
    first = units.resolve(known)
    random.shuffle(known)
    assert units.resolve(known) == first
    assert [unit.key for unit in first] == sorted({unit.key for unit in first})


@settings(max_examples=25, deadline=None)
@given(documents())
def test_a_unit_has_a_subscription_a_name_and_at_least_one_member(made: list[Document]) -> None:
    for unit in units.resolve(estate(made).resources):
        assert unit.subscription
        assert unit.name
        assert unit.members
        assert unit.key == unit.id.lower()
        assert all(member.reason for member in unit.members)
