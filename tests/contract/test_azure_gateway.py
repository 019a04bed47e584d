"""What the gateway over both APIs promises, kept over HTTP against the simulator's two faces: what only service
management shows, and the whole way of what only it moves."""

from collections.abc import Iterator

import pytest

from migrator.gateway.arm import ArmGateway, StaticToken, credential
from migrator.gateway.azure import Azure
from migrator.gateway.protocol import (
    OLDER_API_GONE,
    OLDER_API_RIGHT,
    ArmSide,
    ClassicSide,
    Document,
    NotRegistered,
    OperationStatus,
    Reached,
    Refused,
    Unreadable,
)
from migrator.gateway.service_management import ServiceManagement
from migrator.gateway.wire import assemble, estate
from migrator.gateway.wire.service_management import Ids
from migrator.resources import (
    UNKNOWN,
    Deployment,
    Gateway,
    NetworkSecurityGroup,
    ReservedAddress,
    Resource,
    ResourceType,
    Role,
    RouteTable,
    Slot,
    Verb,
    VirtualMachine,
)
from migrator.simulator.running import Running
from migrator.units import UnitKind, resolve

DAY = 24 * 3600.0
OLDER = "/service-management"


@pytest.fixture
def both(azure: Running) -> Iterator[Azure]:
    azure.control("reset", {"scenario": "demo", "seed": 1})
    azure.control("settings", {"throttle": 0})
    with Azure(azure.base_url, azure.base_url + OLDER, credential("static", azure.base_url)) as gateway:
        yield gateway


@pytest.fixture
def service(azure: Running, both: Azure) -> Iterator[ServiceManagement]:
    with ServiceManagement(azure.base_url + OLDER, StaticToken("t")) as gateway:
        yield gateway


def subscription_of(gateway: ArmGateway, ending: str) -> str:
    return next(s.subscription_id for s in gateway.subscriptions() if s.display_name.endswith(ending))


def listed(gateway: ArmGateway, subscription: str) -> tuple[list[Document], list[Unreadable]]:
    found = list(gateway.inventory(subscription))
    return [d for d in found if not isinstance(d, Unreadable)], [d for d in found if isinstance(d, Unreadable)]


def test_the_older_api_adds_what_resource_manager_leaves_out(azure: Running, both: Azure) -> None:
    for subscription in (s.subscription_id for s in both.subscriptions()):
        with ArmGateway(azure.base_url, StaticToken("t")) as alone:
            before, _ = listed(alone, subscription)
        after, doubts = listed(both, subscription)
        assert doubts == []
        known, more = estate(before), estate(after)
        assert [r.key for r in more.resources if not isinstance(r, RouteTable)] == [r.key for r in known.resources]
        for value in known.resources:  # nothing that was known is changed; only unknowns are filled
            other = more.get(value.id)
            for name in (n for n in type(value).__dataclass_fields__ if isinstance(value, Resource)):
                said = getattr(value, name)
                if said is not UNKNOWN and not isinstance(said, tuple | dict):
                    assert getattr(other, name) == said, (value.key, name)
        assert not any(r.instance_count is UNKNOWN for r in more.all(Role))
        assert not any(g.connections is UNKNOWN for g in more.all(Gateway))


def test_route_tables_are_listed_with_who_uses_them(both: Azure) -> None:
    documents, _ = listed(both, subscription_of(both, "Retail"))
    tables = {t.name: t for t in estate(documents).all(RouteTable)}
    assert tables["rt-proxy-2015"].used_by == ()
    used = tables["rt-web-back"].used_by
    assert isinstance(used, tuple) and used and all(name.startswith("web-prod-net/") for name in used)


def test_groups_that_resource_manager_leaves_open_get_their_users(azure: Running, both: Azure) -> None:
    logistics, retail = (subscription_of(both, ending) for ending in ("Logistics", "Retail"))
    loose = {g.name: g.used_by for g in estate(listed(both, logistics)[0]).all(NetworkSecurityGroup)}
    assert loose["nsg-forklifts"] == ()
    made = azure.control("estate")
    for document in made["resources"]:
        if document["type"] == ResourceType.NETWORK_SECURITY_GROUP:
            document["properties"].pop("associations", None)
    azure.control("reset", {"estate": made, "seed": 1})
    azure.control("settings", {"throttle": 0})
    found = {g.name: g.used_by for g in estate(listed(both, retail)[0]).all(NetworkSecurityGroup)}
    assert found["nsg-web-front"] == ("web-prod-net/front",) and found["nsg-old-dmz"] == ()
    assert found["nsg-erp"] == ("erp-net/data", "erp-sql")


@pytest.mark.parametrize("stop", [1, 40, -1])
def test_a_listing_that_was_interrupted_goes_on_to_the_same_end(both: Azure, stop: int) -> None:
    subscription = subscription_of(both, "Retail")
    whole = {d["id"]: d for d in listed(both, subscription)[0]}
    items = list(both.inventory(subscription, after=""))
    place = [n for n, item in enumerate(items) if isinstance(item, Reached)][stop]
    rest = list(both.inventory(subscription, after=items[place].cursor))
    again = {d["id"]: d for d in [*items[:place], *rest] if not isinstance(d, Reached | Unreadable)}
    assert again == whole
    assert not [item for item in rest if isinstance(item, Unreadable)]


def test_both_apis_tell_the_same_of_the_same_things(both: Azure, service: ServiceManagement) -> None:
    subscription = subscription_of(both, "Retail")
    documents, _ = listed(both, subscription)
    known, ids = estate(documents), Ids(subscription)
    for document in documents:
        ids.remember(document)
    compared = 0
    for kind, older in (
        (ReservedAddress, service.reserved_addresses(ids)),
        (NetworkSecurityGroup, service.security_groups(ids)),
    ):
        values = assemble(older).resources
        assert {v.key for v in values} == {r.key for r in known.all(kind)}
        compared += len(values)
    for hosted in service.hosted_services(ids):
        whole = service.hosted_service(ids, hosted["name"])
        assembled = assemble([d for d in documents if d["type"] == ResourceType.NETWORK] + whole)
        for value in assembled.resources:
            other = known.get(value.id)
            if isinstance(value, Deployment | Role | VirtualMachine):
                assert type(other) is type(value), value.id
                for name in ("size", "instance_count", "slot_type", "deployment_name", "virtual_network_id", "status"):
                    one, two = getattr(value, name, UNKNOWN), getattr(other, name, UNKNOWN)
                    if one is not UNKNOWN and two is not UNKNOWN and one is not None and two is not None:
                        assert str(one).lower() == str(two).lower(), (value.id, name)
                        compared += 1
    assert compared > 50


@pytest.mark.parametrize(
    ("kind", "copy"),
    [
        (UnitKind.ROUTE_TABLE, "Microsoft.Network/routeTables"),
        (UnitKind.NETWORK_SECURITY_GROUP, "Microsoft.Network/networkSecurityGroups"),
        (UnitKind.RESERVED_ADDRESS, "Microsoft.Network/publicIPAddresses"),
    ],
)
def test_what_only_the_older_api_moves_goes_all_the_way(azure: Running, both: Azure, kind: UnitKind, copy: str) -> None:
    units = [
        unit
        for ending in ("Retail", "Logistics")
        for unit in resolve(estate(listed(both, subscription_of(both, ending))[0]).resources)
        if unit.kind is kind
    ]
    unit = units[0].key
    validated = both.submit(Verb.VALIDATE, unit, client_request_id="v")
    assert validated.status_url is None and validated.messages == ()

    def run(verb: Verb) -> None:
        submitted = both.submit(verb, unit, client_request_id=verb.value)
        assert submitted.status_url is not None and f"{OLDER}/" in submitted.status_url
        assert both.poll(submitted.status_url).status is OperationStatus.IN_PROGRESS
        azure.control("clock", {"advance": DAY - 60})
        assert both.poll(submitted.status_url).status is OperationStatus.SUCCEEDED

    run(Verb.PREPARE)
    seen = both.observe(unit, ())
    assert seen.classic in (ClassicSide.PREPARED, ClassicSide.PRESENT) and seen.arm is ArmSide.PRESENT
    run(Verb.ABORT)
    seen = both.observe(unit, ())
    assert (seen.classic, seen.arm) == (ClassicSide.PRESENT, ArmSide.ABSENT)
    run(Verb.PREPARE)
    run(Verb.COMMIT)
    seen = both.observe(unit, ())
    assert (seen.classic, seen.arm, seen.unreadable) == (ClassicSide.ABSENT, ArmSide.PRESENT, ())
    assert copy in {str(document["type"]) for document in seen.arm_documents}
    assert azure.control("state")["violations"] == 0


def test_the_other_scopes_can_be_validated_over_the_older_api(both: Azure, service: ServiceManagement) -> None:
    subscription = subscription_of(both, "Logistics")
    units = resolve(estate(listed(both, subscription)[0]).resources)
    for kind in (UnitKind.NETWORK, UnitKind.DEPLOYMENT, UnitKind.STORAGE_ACCOUNT):
        unit = next(u for u in units if u.kind is kind)
        older = service.submit(Verb.VALIDATE, unit.key, client_request_id="a")
        newer = both.submit(Verb.VALIDATE, unit.key, client_request_id="b")
        if newer.status_url is None:
            assert {m.message for m in older.messages} == {m.message for m in newer.messages}


def test_refusals_of_the_older_api_are_those_of_the_catalogue(both: Azure, service: ServiceManagement) -> None:
    table = next(
        d["id"] for d in listed(both, subscription_of(both, "Retail"))[0] if d["type"] == ResourceType.ROUTE_TABLE
    )
    with pytest.raises(Refused) as raised:
        both.submit(Verb.COMMIT, table, client_request_id="x")
    assert raised.value.catalogue_id == "E23"
    unregistered = f"/subscriptions/{subscription_of(both, 'IT')}"
    group = f"{unregistered}/resourceGroups/g/providers/{ResourceType.STORAGE_ACCOUNT}/itbackups"
    with pytest.raises(NotRegistered):
        service.submit(Verb.VALIDATE, group, client_request_id="x")


def test_a_reader_reads_with_resource_manager_alone_and_is_told_so(azure: Running, both: Azure) -> None:
    with Azure(azure.base_url, azure.base_url + OLDER, StaticToken("reader-token")) as reader:
        documents, doubts = listed(reader, subscription_of(both, "Retail"))
    assert len(documents) > 100 and not [d for d in documents if d["type"] == ResourceType.ROUTE_TABLE]
    (refused,) = doubts
    assert refused.action == OLDER_API_RIGHT and "Owner or co-administrator" in refused.sentence


def test_where_the_older_api_is_no_more_the_inventory_goes_on(azure: Running, both: Azure) -> None:
    with Azure(azure.base_url, f"{azure.base_url}/retired", StaticToken("t")) as late:
        documents, doubts = listed(late, subscription_of(both, "Retail"))
    assert len(documents) > 100
    assert [d.action for d in doubts] == [OLDER_API_GONE]


@pytest.mark.parametrize("body", ["html", "cut", "empty", "list"])
def test_unreadable_answers_of_the_older_api_do_not_stop_an_inventory(azure: Running, both: Azure, body: str) -> None:
    azure.control("faults", {"kind": "malformed", "body": body, "unit": OLDER, "times": 50})
    documents, doubts = listed(both, subscription_of(both, "Retail"))
    assert len(documents) > 100 and doubts
    assert all("Service management" in d.sentence or "cannot be read" in d.sentence for d in doubts)


def test_deployment_facts_match_the_slot(both: Azure, service: ServiceManagement) -> None:
    subscription = subscription_of(both, "Retail")
    roles = [r for r in estate(listed(both, subscription)[0]).all(Role) if "/production/" in r.key]
    for role in roles[:5]:
        name = role.deployment_id.split("/")[-3]
        facts = service.deployment_facts(subscription, name, Slot.PRODUCTION)
        assert facts.counts[role.name.lower()] == role.instance_count
