"""Importing an estate file: previewed, sealed, applied whole or not at all; never over a younger reading of Azure."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from migrator.captures import writing
from migrator.captures.reading import FileRefused, Hints
from migrator.simulator import scenarios
from tests.tracker.inventory.azure import BY, NOON, Azure, Clock, builder
from tracker import imports
from tracker.audit.models import Event
from tracker.inventory import actions
from tracker.inventory.actions import syncing
from tracker.inventory.models import Import, ImportRow, Resource, Snapshot, Subscription, Sync, Unit
from tracker.quota import actions as quota
from tracker.quota import queries as quota_queries
from tracker.quota.models import Usage
from tracker.readiness import actions as readiness
from tracker.readiness.models import Finding

pytestmark = pytest.mark.django_db
EARLIER = NOON - timedelta(days=2)
LATER = NOON + timedelta(days=2)
SUB = "11111111-2222-3333-4444-555555555555"
CSV = "vmname,csname,size,availset,running,status,os,ip,subnet,secondarynics,extensions,endpoints\n"
ROW = "{vm},{cs},{size},,Started,ReadyRole,Windows,10.0.0.4,front,,,\n"


def captured(azure: Azure, at: datetime) -> dict[str, Any]:
    gateway = azure.gateway()
    return writing.capture(gateway, gateway.subscriptions(), endpoint=azure.process.base_url, at=at)


def raw(estate: dict[str, Any]) -> bytes:
    if "digest" in estate:
        estate = {**estate, "digest": writing.digest(estate)}
    return writing.text(estate).encode()


def preview(content: bytes, clock: Clock, **options: Any) -> Import:
    name = options.pop("name", "estate.json")
    return actions.preview_import(content, name, by=BY, now=clock(), **options)


def apply(row: Import, clock: Clock) -> actions.Changes:
    return actions.import_estate(row.pk, seal=row.seal, by=BY, now=clock())


def csv_of(*rows: tuple[str, str, str]) -> bytes:
    return (CSV + "".join(ROW.format(vm=vm, cs=cs, size=size) for vm, cs, size in rows)).encode()


def hints(**more: str) -> Hints:
    return Hints(subscription_id=SUB, network=more.get("network", "net1"), region="West Europe")


def events(kind: str) -> list[dict[str, Any]]:
    return [json.loads(event.body) for event in Event.objects.filter(type=kind).order_by("id")]


def picture() -> dict[str, Any]:
    """Units with members and verdicts, and every finding's answer."""
    return {
        "units": {
            u.key: (u.kind, u.name, u.region, u.verdict, u.score, u.blockers, u.changes, u.unknowns)
            for u in Unit.objects.filter(gone_at=None)
        },
        "members": set(Resource.objects.filter(gone_at=None).values_list("key", "unit__key", "membership", "region")),
        "findings": set(Finding.objects.values_list("unit__key", "rule", "resource_key", "outcome")),
    }


@pytest.mark.parametrize(("scenario", "units"), [("small", 3), ("journey", 4)])
def test_a_captured_estate_imported_gives_the_units_and_verdicts_of_a_sync(
    azure: Azure, clock: Clock, scenario: str, units: int
) -> None:
    azure.begin(scenarios.estate(scenario))
    estate = captured(azure, NOON)
    row = preview(raw(estate), clock)
    assert row.counts == {**dict.fromkeys(row.counts, 0), "added": len(estate["resources"])}
    assert not Resource.objects.exists(), "a preview changes nothing"
    apply(row, clock)
    assert imports.follow(row.pk, by=BY, clock=clock)
    assert Unit.objects.count() == units
    subscription = Subscription.objects.get()
    assert subscription.registrations["Microsoft.ClassicInfrastructureMigrate"] == "Registered"
    assert subscription.synced_at is None, "nobody read Azure"
    movable = azure.gateway().movable()
    assess(movable, clock)
    imported = picture()

    for model in (Finding, Unit):  # a sync's own picture, from nothing
        assert model.objects.exists()
    azure.sync(subscription, clock)
    assert not Resource.objects.filter(document__has_key="source").exists(), "what Azure said took the file's place"
    for region in quota_queries.regions(subscription):
        quota.read_usages(subscription, region, gateway=azure.gateway(), by=BY, now=clock())
    assess(movable, clock)
    assert picture() == imported


def assess(movable: Any, clock: Clock) -> None:
    units = list(Unit.objects.filter(gone_at=None))
    readiness.assess(units, shortfalls=quota_queries.shortfalls_of(units), movable=movable, now=clock(), by=BY)


def test_what_comes_from_a_file_says_so_and_is_as_old_as_the_file(azure: Azure, clock: Clock) -> None:
    row = preview(raw(captured(azure, EARLIER)), clock)
    apply(row, clock)
    stored = Resource.objects.first()
    assert stored is not None
    assert stored.document["source"] == "file"
    assert stored.seen_at == row.as_of == EARLIER
    assert Snapshot.objects.filter(document__source="file").count() == Resource.objects.count()
    imports._keep_usages(row, Subscription.objects.get(), BY, clock())
    assert set(Usage.objects.values_list("read_at", flat=True)) == {EARLIER}


def test_the_history_tells_what_was_imported_from_which_file(azure: Azure, clock: Clock) -> None:
    row = preview(raw(captured(azure, EARLIER)), clock)
    apply(row, clock)
    (event,) = events("inventory.imported")
    assert (event["object"], event["detail"]["file"]) == ({"kind": "import", "id": str(row.pk)}, row.file_digest)
    assert event["detail"]["added"] == row.counts["added"]
    assert [e["object"]["id"] for e in events("subscription.added")] == [Subscription.objects.get().pk]


def test_no_secret_of_a_file_is_stored(azure: Azure, clock: Clock) -> None:
    estate = captured(azure, EARLIER)
    slot = next(d for d in estate["resources"] if "configuration" in d["properties"])
    slot["properties"]["configuration"] = (
        '<ServiceConfiguration serviceName="small-web"><Role name="Web"><ConfigurationSettings>'
        '<Setting name="Db" value="AccountKey=canary-7f3a"/></ConfigurationSettings></Role></ServiceConfiguration>'
    )
    slot["properties"]["adminPassword"] = "canary-7f3a"
    row = preview(raw(estate), clock)
    assert "Secrets in it were taken out." in set(row.rows.values_list("reason", flat=True))
    apply(row, clock)
    for model in (Resource, Snapshot, ImportRow, Import, Event):
        assert "canary-7f3a" not in str(list(model.objects.values())), model.__name__


def test_a_file_never_overwrites_a_younger_reading_of_azure(azure: Azure, clock: Clock) -> None:
    estate = captured(azure, EARLIER)
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    before = dict(Resource.objects.values_list("key", "digest"))
    estate["resources"] = [
        {**d, "tags": {"from": "the file"}} if d["type"].endswith("/domainNames") else d
        for d in estate["resources"][:-1]
    ] + [renamed(estate["resources"][-1])]
    row = preview(raw(estate), clock)
    assert (row.counts["added"], row.counts["changed"], row.counts["gone"]) == (0, 0, 0)
    kept = list(row.rows.filter(status="kept").values_list("reason", flat=True))
    assert any("is younger and stays" in reason for reason in kept)
    assert any("younger and does not have it" in reason for reason in kept), "nor does it bring back what Azure lacks"
    apply(row, clock)
    assert dict(Resource.objects.values_list("key", "digest")) == before


def renamed(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "id": document["id"] + "x", "name": document["name"] + "x"}


def test_a_younger_file_changes_what_it_knows_better_and_the_next_sync_has_the_last_word(
    azure: Azure, clock: Clock
) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    clock.pass_(days=3)
    estate = captured(azure, LATER)
    for document in estate["resources"]:
        if document["name"] == "smallstore":
            document["properties"]["accountType"] = "Premium-LRS"
    row = preview(raw(estate), clock)
    assert (row.counts["changed"], row.counts["unchanged"]) == (1, len(estate["resources"]) - 1)
    apply(row, clock)
    store = Resource.objects.get(name="smallstore")
    assert (store.document["properties"]["accountType"], store.document["source"]) == ("Premium-LRS", "file")
    azure.sync(subscription, clock)
    store.refresh_from_db()
    assert store.document["properties"]["accountType"] != "Premium-LRS"
    assert "source" not in store.document


@pytest.mark.parametrize("whole", [True, False])
def test_what_a_file_does_not_mention_is_gone_only_when_it_lists_the_whole_subscription(
    azure: Azure, clock: Clock, whole: bool
) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    clock.pass_(days=3)
    estate = captured(azure, LATER)
    if not whole:
        estate["captured"]["whole"] = []
    estate["resources"] = [d for d in estate["resources"] if "smallstore" not in d["id"]]
    row = preview(raw(estate), clock)
    assert bool(row.counts["gone"]) is whole
    apply(row, clock)
    assert Resource.objects.filter(gone_at__isnull=False).count() == row.counts["gone"]
    assert (Unit.objects.get(name="smallstore").gone_at is not None) is whole


def test_what_the_file_could_not_read_is_not_gone(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    clock.pass_(days=3)
    estate = captured(azure, LATER)
    estate["resources"] = [d for d in estate["resources"] if "smallstore" not in d["id"]]
    action = "Microsoft.ClassicStorage/storageAccounts/read"
    estate["unreadable"] = [{"resource": f"/subscriptions/{subscription.pk}", "action": action, "sentence": "No."}]
    assert preview(raw(estate), clock).counts["gone"] == 0


def test_the_same_file_again_changes_nothing(azure: Azure, clock: Clock) -> None:
    content = raw(captured(azure, EARLIER))
    apply(preview(content, clock), clock)
    again = preview(content, clock)
    assert again.counts["unchanged"] == sum(again.counts.values())
    assert not apply(again, clock)


def test_a_refused_row_keeps_the_whole_file_out_and_the_refusal_is_recorded(azure: Azure, clock: Clock) -> None:
    estate = captured(azure, EARLIER)
    estate["resources"][1]["type"] = "Microsoft.ClassicStorage/storageAccounts"
    estate["resources"][2]["id"] = estate["resources"][2]["id"].replace("/subscriptions/", "/subscriptions/f")
    row = preview(raw(estate), clock)
    refused = list(row.rows.filter(status="refused").order_by("number"))
    assert [one.place for one in refused] == ["resources[1]", "resources[2]"]
    assert "its id spells" in refused[0].reason
    with pytest.raises(actions.ImportRefused, match="2 rows are refused"):
        apply(row, clock)
    assert not Resource.objects.exists()
    assert not Subscription.objects.exists()
    assert events("inventory.import_refused")[0]["result"] == "denied"


def test_an_import_is_refused_when_what_it_touches_moved_since_the_preview(azure: Azure, clock: Clock) -> None:
    row = preview(raw(captured(azure, NOON)), clock)
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    with pytest.raises(actions.ImportMoved, match="Give the file again"):
        apply(row, clock)
    assert not Resource.objects.filter(document__has_key="source").exists()
    assert "Azure was read again" in events("inventory.import_refused")[0]["detail"]["cause"]


def test_an_import_waits_for_a_running_sync(azure: Azure, clock: Clock) -> None:
    row = preview(raw(captured(azure, NOON)), clock)
    syncing._claim(azure.subscribe(clock), BY, clock())
    with pytest.raises(actions.ImportMoved, match="being read from Azure"):
        apply(row, clock)
    assert not Resource.objects.exists()
    assert Sync.objects.count() == 1


@pytest.mark.parametrize("how", ["another seal", "rows changed by hand", "upper case"])
def test_only_what_was_shown_is_applied(azure: Azure, clock: Clock, how: str) -> None:
    row = preview(raw(captured(azure, NOON)), clock)
    seal = {"another seal": "0" * 64, "upper case": row.seal.upper()}.get(how, row.seal)
    if how == "rows changed by hand":
        one = row.rows.filter(status="added").order_by("number")[0]
        ImportRow.objects.filter(pk=one.pk).update(digest="1" * 64)
    with pytest.raises(actions.ImportRefused, match="not what was shown"):
        actions.import_estate(row.pk, seal=seal, by=BY, now=clock())
    assert not Resource.objects.exists()


def test_a_preview_is_used_once_and_not_after_a_day(azure: Azure, clock: Clock) -> None:
    content = raw(captured(azure, NOON))
    first, second, old = (preview(content, clock) for _ in range(3))
    apply(first, clock)
    with pytest.raises(actions.ImportClosed):
        apply(first, clock)
    actions.discard_import(second.pk, by=BY, now=clock())
    assert not ImportRow.objects.filter(imported=second).exists()
    with pytest.raises(actions.ImportClosed):
        apply(second, clock)
    clock.pass_(hours=25)
    with pytest.raises(actions.ImportRefused, match="older than a day"):
        apply(old, clock)
    preview(content, clock)
    assert Import.objects.get(pk=old.pk).state == Import.State.DISCARDED


def test_a_crash_half_way_leaves_nothing(azure: Azure, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    row = preview(raw(captured(azure, NOON)), clock)
    monkeypatch.setattr(actions.importing, "record", broken)
    with pytest.raises(ZeroDivisionError):
        apply(row, clock)
    assert not Resource.objects.exists()
    assert not Snapshot.objects.exists()
    assert not Unit.objects.exists()
    assert Import.objects.get(pk=row.pk).state == Import.State.PREVIEWED


def broken(*_: Any, **__: Any) -> None:
    raise ZeroDivisionError


# What a person says beside an XML or a CSV


def test_a_csv_adds_machines_and_draws_their_network(clock: Clock) -> None:
    row = preview(csv_of(("vm1", "cs1", "Small"), ("vm2", "cs1", "Large")), clock, hints=hints(), as_of=EARLIER)
    assert row.counts["added"] == 4
    apply(row, clock)
    unit = Unit.objects.get()
    assert (unit.kind, unit.name, unit.region, unit.member_count) == ("network", "net1", "westeurope", 4)


def test_a_csv_finds_what_the_inventory_knows_by_name_and_leaves_the_rest_of_it(azure: Azure, clock: Clock) -> None:
    estate, area = builder("Machines")
    network = area.network("net", "net1", "westeurope", space="10.0.0.0/16", subnets={"front": "10.0.0.0/24"})
    service = area.service("apps", "machines", "westeurope")
    account = area.storage("apps", "vmdisks", "westeurope")
    area.machine(service, "vm1", "Standard_D2", account=account, network=network, subnets=["front"])
    azure.begin(estate.estate())
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    machine = Resource.objects.filter(type__endswith="/virtualMachines").first()
    assert machine is not None
    clock.pass_(days=3)
    told = Hints(subscription_id=subscription.pk)
    content = b"vmname,csname,size\nvm1,machines,Standard_D14\n"
    row = preview(content, clock, hints=told, as_of=LATER, name="net-vmresults.csv")
    changed = list(row.rows.filter(status="changed"))
    assert [one.key for one in changed] == [machine.key]
    apply(row, clock)
    after = Resource.objects.get(pk=machine.pk).document
    assert after["properties"]["hardwareProfile"]["size"] == "Standard_D14"
    assert after["fromFile"] == ["properties.hardwareProfile.size"]
    assert after["properties"]["storageProfile"] == machine.document["properties"]["storageProfile"]
    assert after["properties"]["networkProfile"] == machine.document["properties"]["networkProfile"]


def test_a_file_which_does_not_say_when_it_was_made_has_to_be_dated(clock: Clock) -> None:
    with pytest.raises(FileRefused, match="when it was made"):
        preview(csv_of(("vm1", "cs1", "Small")), clock, hints=hints())
    with pytest.raises(FileRefused, match="still to come"):
        preview(csv_of(("vm1", "cs1", "Small")), clock, hints=hints(), as_of=clock.at + timedelta(hours=1))
    with pytest.raises(FileRefused, match="no subscription id"):
        preview(csv_of(("vm1", "cs1", "Small")), clock, hints=Hints(subscription_id="production"), as_of=EARLIER)
    assert [row.state for row in Import.objects.all()] == ["refused"] * 3
    assert len(events("inventory.import_refused")) == 3


def test_a_person_gives_ten_files_an_hour(clock: Clock) -> None:
    for _ in range(10):
        preview(csv_of(("vm1", "cs1", "Small")), clock, hints=hints(), as_of=EARLIER)
    with pytest.raises(actions.TooManyImports, match="10 files within the hour"):
        preview(csv_of(("vm1", "cs1", "Small")), clock, hints=hints(), as_of=EARLIER)
    preview(csv_of(("vm1", "cs1", "Small")), clock, hints=hints(), as_of=EARLIER, most=None)
    clock.pass_(hours=2)
    preview(csv_of(("vm1", "cs1", "Small")), clock, hints=hints(), as_of=EARLIER)
