"""Reading a subscription: the real client over HTTP from the real simulator, into the real database."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from migrator.gateway.arm import StaticToken
from migrator.gateway.azure import Azure as BothApis
from migrator.gateway.protocol import STANDING, Reached, Throttled
from tests.tracker.inventory.azure import BY, NOON, SMALL_UNITS, Azure, Clock, Wrapped, builder
from tracker.audit.models import Event
from tracker.inventory import actions, queries
from tracker.inventory.actions import syncing
from tracker.inventory.models import Resource, Snapshot, StagedResource, Sync, SyncPart, Unit

pytestmark = pytest.mark.django_db
TABLES = ("resource", "snapshot", "unit")


def versions() -> dict[str, set[tuple[int, str]]]:
    """Every row of the inventory with the transaction that wrote it last: an untouched row keeps its number."""
    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT id, xmin::text || ':' || ctid::text FROM tracker_{table}")
            found[table] = set(cursor.fetchall())
    return found


def events(kind: str) -> list[dict]:
    return [json.loads(event.body) for event in Event.objects.filter(type=kind).order_by("id")]


def test_the_first_sync_stores_resources_snapshots_and_units(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    row = azure.sync(subscription, clock)
    listed = {d["id"].lower() for d in azure.estate["resources"]}
    assert (row.error, row.outcome, row.unreadable) == ("", "complete", [])
    assert (row.added, row.changed, row.gone, row.unchanged) == (len(listed), 0, 0, 0)
    assert set(Resource.objects.values_list("key", flat=True)) == listed
    assert Snapshot.objects.count() == len(listed)
    assert set(Unit.objects.values_list("name", flat=True)) == SMALL_UNITS
    network = Unit.objects.get(name="small-net")
    assert (network.kind, network.region, network.progress) == ("network", "westeurope", "discovered")
    assert network.member_count == network.members.count() == 11
    assert network.members.get(name="Web").membership == "is a role of the Production deployment of small-web"
    assert network.members.get(name="Web").region == "westeurope"
    certificate = network.members.get(type__endswith="serviceCertificates")
    assert certificate.membership == "is part of small-web"
    subscription.refresh_from_db()
    assert subscription.synced_at == row.ended_at
    assert subscription.registrations["Microsoft.ClassicInfrastructureMigrate"] == "Registered"


def test_a_sync_that_changed_something_tells_it_with_counts_and_the_first_keys(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    row = azure.sync(subscription, clock)
    (event,) = events("inventory.synced")
    assert event["object"] == {"kind": "subscription", "id": subscription.pk}
    assert event["detail"]["added"] == row.added
    assert event["detail"]["units_added"] == 3
    assert len(event["detail"]["added_keys"]) <= 20
    assert [e["detail"]["sync"] for e in events("inventory.sync_started")] == [row.pk]


def test_an_unchanged_sync_writes_no_row_of_the_inventory(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    before = versions()
    assert all(before.values())
    with CaptureQueriesContext(
        connection,
    ) as captured:
        row = azure.sync(subscription, clock)
    assert (row.outcome, row.added, row.changed, row.gone) == ("complete", 0, 0, 0)
    assert row.unchanged == Resource.objects.count()
    assert versions() == before
    assert len(captured) <= 29
    assert len(events("inventory.sync_finished")) == 1
    assert len(events("inventory.synced")) == 1


def test_a_changed_resource_gets_a_second_snapshot_and_touches_only_its_unit(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    before, units = versions(), {u.name: u.changed_at for u in Unit.objects.all()}
    azure.document("/roles/Web")["properties"]["instanceCount"] = 5
    azure.edit(lambda listed: None)
    row = azure.sync(subscription, clock)
    assert (row.added, row.changed, row.gone) == (0, 1, 0)
    changed = Resource.objects.get(key__endswith="/roles/web")
    assert changed.document["properties"]["instanceCount"] == 5
    new, old = queries.snapshots(changed)
    assert new.digest == changed.digest != old.digest
    (difference,) = queries.diff(old, new)
    assert (difference.path, difference.before, difference.after) == ("properties.instanceCount", "2", "5")
    assert {u.name for u in Unit.objects.all() if u.changed_at != units[u.name]} == {"small-net"}
    after = versions()
    assert len(before["resource"] - after["resource"]) == 1
    assert len(before["unit"] - after["unit"]) == 1


def test_what_vanished_is_gone_and_what_returns_is_back(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    store = Unit.objects.get(name="smallstore")
    actions.assign_owner([store], "team storage", BY, clock())
    whole = azure.estate["resources"]
    azure.drop("smallstore")
    row = azure.sync(subscription, clock)
    assert (row.added, row.changed, row.gone) == (0, 0, 1)
    store.refresh_from_db()
    assert store.gone_at is not None
    assert store.members.get().gone_at == store.gone_at
    assert "smallstore" not in {u.name for u in queries.live_units(subscription)}
    assert [e["object"]["id"] for e in events("inventory.unit_gone")] == [store.key]
    azure.edit(lambda listed: whole)
    row = azure.sync(subscription, clock)
    assert (row.added, row.changed, row.gone) == (1, 0, 0)
    store.refresh_from_db()
    assert (store.gone_at, store.owner) == (None, "team storage")
    assert store.members.get().gone_at is None
    assert Snapshot.objects.filter(resource_key=store.key).count() == 1, "the same content is the same snapshot"
    assert Unit.objects.count() == 3


def test_a_unit_that_moved_on_keeps_its_progress_through_syncs(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    Unit.objects.filter(name="small-net").update(progress="committed")
    azure.drop("/web/")
    azure.sync(subscription, clock)
    network = Unit.objects.get(name="small-net")
    assert network.gone_at is not None
    assert network.progress == "committed"
    assert "small-net" in {u.name for u in queries.page(queries.Filters()).units}, "a moved unit stays in the list"


def test_a_member_that_leaves_a_network_moves_to_a_unit_of_its_own(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    slot = azure.document("small-worker/slots/Production")
    slot["properties"]["virtualNetwork"] = None
    slot["properties"]["configuration"] = slot["properties"]["configuration"].replace("small-net", "")
    azure.edit(lambda listed: None)
    azure.sync(subscription, clock)
    assert {u.name for u in queries.live_units(subscription)} == {*SMALL_UNITS, "small-worker"}
    moved = Unit.objects.get(name="small-worker")
    assert {r.name for r in moved.members.all()} == {"small-worker", "Production", "Worker"}
    (event,) = events("inventory.unit_redrawn")
    assert (event["detail"]["name"], event["detail"]["removed"]) == ("small-net", 3)


def test_guest_agents_reporting_the_time_change_nothing(azure: Azure, clock: Clock) -> None:
    estate, area = builder()
    group = area.id("vms", "Microsoft.ClassicCompute/virtualMachines", "vm1")
    agent = {"status": "Ready", "guestAgentVersion": "2.7", "timestamp": "2026-11-23T11:00:00Z"}
    estate.add(
        group,
        "Microsoft.ClassicCompute/virtualMachines",
        {"hardwareProfile": {"size": "Small"}, "instanceView": {"guestAgentStatus": agent}},
        location="westeurope",
    )
    azure.begin(estate.estate())
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    azure.document("/vm1")["properties"]["instanceView"]["guestAgentStatus"]["timestamp"] = "2026-11-23T11:15:00Z"
    azure.edit(lambda listed: None)
    assert azure.sync(subscription, clock).changed == 0
    azure.document("/vm1")["properties"]["instanceView"]["guestAgentStatus"]["status"] = "NotReady"
    azure.edit(lambda listed: None)
    assert azure.sync(subscription, clock).changed == 1


def test_no_secret_of_a_configuration_is_stored(azure: Azure, clock: Clock) -> None:
    slot = azure.document("small-tool/slots/Production")
    xml = slot["properties"]["configuration"]
    assert "<ConfigurationSettings" in xml
    slot["properties"]["configuration"] = xml.replace(
        "<ConfigurationSettings", '<ConfigurationSettings x="AccountKey=c2VjcmV0LWNhbmFyeQ=="', 1
    )
    azure.edit(lambda listed: None)
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    stored = [
        *Resource.objects.values_list("document", flat=True),
        *Snapshot.objects.values_list("document", flat=True),
    ]
    assert "c2VjcmV0" not in json.dumps(stored)


# --- ending badly -----------------------------------------------------------------------------------------------------


def stopping_after(count: int, error: BaseException):
    def through(items):
        for number, item in enumerate(items):
            if number == count:
                raise error
            yield item

    return through


def nothing_but(row: Sync) -> None:
    """The inventory is as it was, empty; the one row says so."""
    assert (Resource.objects.count(), Snapshot.objects.count(), Unit.objects.count()) == (0, 0, 0)
    assert row.ended_at is not None
    assert row.outcome == Sync.Outcome.FAILED


def test_a_reader_told_to_stop_writes_nothing_and_the_next_one_goes_on_at_once(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    gateway = Wrapped(azure.gateway(), stopping_after(5, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        actions.sync(subscription, gateway, clock, BY)
    row = Sync.objects.get()
    assert (Resource.objects.count(), Snapshot.objects.count(), Unit.objects.count()) == (0, 0, 0)
    assert (row.outcome, row.ended_at, row.holder) == ("running", None, "")
    assert azure.sync(subscription, clock).outcome == "complete"
    assert Sync.objects.count() == 1


def test_an_error_of_ours_fails_the_sync_and_says_so(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    with pytest.raises(ZeroDivisionError):
        actions.sync(subscription, Wrapped(azure.gateway(), stopping_after(5, ZeroDivisionError())), clock, BY)
    row = Sync.objects.get()
    nothing_but(row)
    assert "stopped before anything was written" in row.error
    assert azure.sync(subscription, clock).outcome == "complete"


def test_a_failure_while_applying_takes_everything_back(azure: Azure, clock: Clock, monkeypatch) -> None:
    subscription = azure.subscribe(clock)
    real = syncing.apply

    def apply_then_fail(*args, **kwargs):
        real(*args, **kwargs)
        assert Resource.objects.exists()
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(syncing, "apply", apply_then_fail)
    with pytest.raises(RuntimeError):
        azure.sync(subscription, clock)
    nothing_but(Sync.objects.get())
    assert len(events("inventory.sync_failed")) == 1
    assert events("inventory.synced") == []


def test_a_second_sync_at_once_is_refused_and_does_not_disturb_the_first(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    refused = []

    def through(items):
        for number, item in enumerate(items):
            if number == 3:
                with pytest.raises(actions.SyncRunning, match="is being read already since") as caught:
                    azure.sync(subscription, clock)
                refused.append(str(caught.value))
            yield item

    row = actions.sync(subscription, Wrapped(azure.gateway(), through), clock, BY)
    assert refused
    assert (row.outcome, Sync.objects.count()) == ("complete", 1)


def test_a_dead_readers_sync_is_gone_on_with_by_the_next_one(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    dead = Sync.objects.create(
        subscription=subscription,
        started_at=clock(),
        lease_until=clock() + syncing.LEASE,
        started_by=BY.key,
        holder="dead",
    )
    with pytest.raises(actions.SyncRunning):
        azure.sync(subscription, clock)
    clock.pass_(minutes=10)
    row = azure.sync(subscription, clock)
    assert (row.pk, row.outcome) == (dead.pk, "complete")
    (event,) = events("inventory.sync_started")
    assert event["detail"]["kind"] == "resumed after an interruption"


def test_a_reading_older_than_a_day_begins_anew(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    old = Sync.objects.create(
        subscription=subscription, started_at=clock(), lease_until=clock(), started_by=BY.key, parts=3, cursor="[9]"
    )
    clock.pass_(hours=25)
    assert azure.sync(subscription, clock).outcome == "complete"
    old.refresh_from_db()
    assert (old.outcome, "begins anew" in old.error) == ("failed", True)


def test_a_reader_that_was_taken_for_dead_writes_nothing(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)

    def through(items):
        for number, item in enumerate(items):
            if number == 3:
                clock.pass_(minutes=10)
                assert azure.sync(subscription, clock).outcome == "complete"
            yield item

    before = len(azure.estate["resources"])
    with pytest.raises(actions.SyncLost, match="wrote nothing"):
        actions.sync(subscription, Wrapped(azure.gateway(), through), clock, BY)
    assert Resource.objects.count() == before
    assert Sync.objects.get().outcome == "complete"


def test_a_long_reading_keeps_its_lease(azure: Azure, clock: Clock, monkeypatch) -> None:
    monkeypatch.setattr(syncing, "LOOK", 0)
    subscription = azure.subscribe(clock)

    def through(items):
        for item in items:
            clock.pass_(minutes=1)
            yield item

    row = actions.sync(subscription, Wrapped(azure.gateway(), through), clock, BY)
    assert row.outcome == "complete"
    assert row.lease_until - row.started_at > syncing.LEASE * 2


def stopping_at_places(azure: Azure, subscription, clock: Clock) -> int:
    """Reads with no time at all: every call ends at the first place. Returns how many calls it took."""
    for calls in range(1, 200):
        row = actions.sync(subscription, azure.gateway(), clock, BY, budget=0)
        if row.outcome != "running":
            assert row.outcome == "complete"
            return calls
        assert (row.holder, row.ended_at) == ("", None)
    raise AssertionError("it never ends")


def test_a_sync_in_many_short_calls_writes_what_one_long_call_writes(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    assert stopping_at_places(azure, subscription, clock) > 8
    listed = {d["id"].lower() for d in azure.estate["resources"]}
    assert set(Resource.objects.values_list("key", flat=True)) == listed
    assert set(Unit.objects.values_list("name", flat=True)) == SMALL_UNITS
    before = versions()
    row = azure.sync(subscription, clock)
    assert (row.added, row.changed, row.gone, row.unchanged) == (0, 0, 0, len(listed))
    assert versions() == before
    azure.drop("smallstore")
    stopping_at_places(azure, subscription, clock)
    assert Resource.objects.filter(gone_at__isnull=False).count() == 1
    assert not StagedResource.objects.exists()
    assert not SyncPart.objects.exists()


def test_one_call_that_stores_many_parts_keeps_them_all(azure: Azure, clock: Clock, monkeypatch) -> None:
    monkeypatch.setattr(syncing, "PART", 2)
    subscription = azure.subscribe(clock)
    row = azure.sync(subscription, clock)
    listed = {d["id"].lower() for d in azure.estate["resources"]}
    assert row.parts > 4
    assert (row.added, row.listed) == (len(listed), len(listed))
    assert set(Resource.objects.values_list("key", flat=True)) == listed


def test_nothing_is_called_gone_before_the_listing_is_complete(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    azure.drop("smallstore")
    before = versions()
    for _ in range(5):
        assert actions.sync(subscription, azure.gateway(), clock, BY, budget=0).outcome == "running"
    assert versions() == before


def test_a_throttled_reading_waits_as_long_as_azure_says_and_goes_on_where_it_was(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    for _ in range(5):
        actions.sync(subscription, azure.gateway(), clock, BY, budget=0)
    before = Sync.objects.get()
    azure.fault("throttle", unit="", method="POST", retry_after=120, times=1)
    azure.fault("throttle", unit="subscriptions", method="GET", retry_after=120, times=1)
    row = azure.sync(subscription, clock)
    assert row.outcome == "running"
    assert "Azure asks to come back after" in row.error
    assert row.listed >= before.listed > 0
    assert 100 < (row.resume_at - clock()).total_seconds() <= 120
    azure.clear()
    asked = len(azure.process.control("log?after=0")["value"])
    with pytest.raises(actions.SyncRunning, match="Azure asked to wait until"):
        azure.sync(subscription, clock)
    assert queries.due_syncs(clock()) == []
    assert len(azure.process.control("log?after=0")["value"]) == asked, "nothing is asked before that"
    clock.pass_(seconds=121)
    assert queries.due_syncs(clock()) == [subscription.pk]
    row = azure.sync(subscription, clock)
    assert (row.outcome, Sync.objects.count()) == ("complete", 1)


def test_a_reading_that_is_throttled_again_and_again_gets_further_each_time(azure: Azure, clock: Clock) -> None:
    subscription, calls = azure.subscribe(clock), []

    def through(items):
        calls.append(1)
        assert len(calls) < 50, "it asks for the same again and again"
        places = 0
        for item in items:
            yield item
            places += isinstance(item, Reached)
            if places == 2:
                raise Throttled("Azure takes no more requests for now.", retry_after=0.01)

    row = actions.sync(subscription, Wrapped(azure.gateway(), through), clock, BY, patience=30)
    assert row.outcome == "complete"
    assert set(Resource.objects.values_list("key", flat=True)) == {d["id"].lower() for d in azure.estate["resources"]}


def test_a_connection_that_breaks_in_the_middle_is_tried_again_later(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    for _ in range(5):
        actions.sync(subscription, azure.gateway(), clock, BY, budget=0)
    listed = Sync.objects.get().listed
    for attempt in range(1, syncing.MOST_ATTEMPTS):
        row = actions.sync(subscription, azure.gateway(endpoint="http://127.0.0.1:9"), clock, BY)
        assert (row.outcome, row.attempts, row.listed) == ("running", attempt, listed)
        clock.at = row.resume_at
    row = actions.sync(subscription, azure.gateway(endpoint="http://127.0.0.1:9"), clock, BY)
    assert (row.outcome, Resource.objects.count()) == ("failed", 0)


def test_fields_know_who_said_them_and_a_resource_that_could_not_be_listed_how_old_it_is(
    azure: Azure, clock: Clock
) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    sources = {r.type.rsplit("/", 1)[-1]: r.sources for r in Resource.objects.all()}
    assert sources["domainNames"] == {"": "graph"}
    assert sources["slots"] == sources["roles"] == {"": "arm"}
    subscription.refresh_from_db()
    read_at = subscription.synced_at
    azure.fault("malformed", unit="small-tool/slots", method="GET", times=None)
    azure.sync(subscription, clock)
    hidden = Resource.objects.filter(unseen_since__isnull=False)
    assert {(r.key.rsplit("/", 1)[-1], r.unseen_since) for r in hidden} == {("production", read_at), ("tool", read_at)}
    clock.pass_(hours=1)
    azure.sync(subscription, clock)
    assert {r.unseen_since for r in hidden.all()} == {read_at}, "the age is that of the last reading that saw it"
    azure.clear()
    azure.sync(subscription, clock)
    assert not hidden.all().exists()


# --- what Azure may answer --------------------------------------------------------------------------------------------


def test_what_may_not_be_read_is_unknown_and_nothing_behind_it_is_gone(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    azure.fault("malformed", unit="small-tool/slots", method="GET", times=None)
    azure.drop("smallstore")
    azure.fault("malformed", unit="small-tool/slots", method="GET", times=None)
    row = azure.sync(subscription, clock)
    assert row.outcome == "partial"
    (entry,) = row.unreadable
    assert entry["action"] == "Microsoft.ClassicCompute/domainNames/slots/read"
    assert "small-tool" in entry["resource"]
    assert row.gone == 1, "the account, whose listing was complete; not the slot and its role"
    assert Resource.objects.filter(key__contains="small-tool/slots", gone_at__isnull=True).count() == 2
    assert Unit.objects.get(name="small-tool").gone_at is None
    (event,) = [e for e in events("inventory.synced") if "missing_actions" in e["detail"]]
    assert event["detail"]["missing_actions"] == ["Microsoft.ClassicCompute/domainNames/slots/read"]


@pytest.mark.parametrize(
    ("older", "words"),
    [
        ("/service-management", "refuses this credential: it answers to an Owner or co-administrator only"),
        ("/retired", "does not answer for this subscription any more"),
    ],
)
def test_where_only_the_older_api_keeps_shut_the_reading_is_complete_and_says_what_it_misses(
    azure: Azure, clock: Clock, older: str, words: str
) -> None:
    subscription = azure.subscribe(clock)
    base = azure.process.base_url
    for _ in range(2):
        with BothApis(base, base + older, StaticToken("reader-token")) as reader:
            row = actions.sync(subscription, reader, clock, BY)
        (entry,) = row.unreadable
        assert row.outcome == "complete" and words in entry["sentence"] and "route tables" in entry["sentence"]
    assert row.unchanged and not row.changed + row.added + row.gone
    assert entry["action"] in STANDING
    azure.fault("malformed", unit="small-tool/slots", method="GET", times=None)
    with BothApis(base, base + older, StaticToken("reader-token")) as reader:
        row = actions.sync(subscription, reader, clock, BY)
    assert row.outcome == "partial" and len(row.unreadable) == 2


def test_a_reader_may_sync(azure: Azure, clock: Clock) -> None:
    """Least privilege for the inventory is Reader."""
    subscription = azure.subscribe(clock)
    assert actions.sync(subscription, azure.gateway("reader-token"), clock, BY).outcome == "complete"


@pytest.mark.parametrize(
    ("failing", "sentence"),
    [
        ("expired", "does not accept the sign-in"),
        ("unreachable", "gave no answer"),
        ("html", "cannot be read"),
        ("cut", "cannot be read"),
        ("empty", "cannot be read"),
        ("list", "cannot be read"),
    ],
)
def test_a_subscription_that_cannot_be_listed_fails_with_its_own_sentence(
    azure: Azure, clock: Clock, failing: str, sentence: str
) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    before = versions()
    gateway = azure.gateway()
    match failing:
        case "expired":
            gateway = azure.gateway("expired-token")
        case "unreachable":
            gateway = azure.gateway(endpoint="http://127.0.0.1:9")
        case body:
            azure.fault("malformed", unit="resourcegraph", body=body, times=None)
    row = actions.sync(subscription, gateway, clock, BY)
    assert row.outcome == "failed"
    assert sentence in row.error
    assert row.error.endswith((".", "UTC.")) and "\n" not in row.error
    assert versions() == before
    (event,) = events("inventory.sync_failed")
    assert (event["result"], event["detail"]["cause"]) == ("failed", row.error)
    azure.clear()
    assert azure.sync(subscription, clock).outcome == "complete"


def test_a_subscription_without_registration_is_read_and_the_fact_is_kept(azure: Azure, clock: Clock) -> None:
    estate, area = builder("Unregistered", registered=False)
    area.storage("data", "oldstore", "westeurope")
    azure.begin(estate.estate())
    subscription = azure.subscribe(clock)
    row = azure.sync(subscription, clock)
    assert (row.outcome, row.added) == ("complete", 1)
    subscription.refresh_from_db()
    assert subscription.registrations["Microsoft.ClassicInfrastructureMigrate"] == "NotRegistered"


def test_a_sync_needs_a_constant_number_of_statements_for_each_thousand_resources(azure: Azure, clock: Clock) -> None:
    def statements(count: int) -> int:
        estate, area = builder(f"Many {count}")
        for number in range(count):
            area.reserved("net", f"address-{number:05}", "westeurope")
        azure.begin(estate.estate())
        subscription = azure.subscribe(clock)
        with CaptureQueriesContext(connection) as captured:
            row = actions.sync(subscription, azure.gateway(), lambda: NOON, BY)  # at once: no lease to renew
        assert row.added == count
        return len(captured)

    few, many = statements(10), statements(1500)
    assert many - few <= 5, "one more batch each of resources and of units, with its savepoint"


def test_every_reading_clears_the_wish_and_an_unread_one_is_found(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    assert actions.want_sync(subscription, BY, clock())
    assert not actions.want_sync(subscription, BY, clock()), "already noted"
    assert queries.wanted_syncs(clock()) == [subscription.pk]
    azure.sync(subscription, clock)
    assert queries.wanted_syncs(clock()) == []
    assert len(events("inventory.sync_wanted")) == 1


def test_redrawing_without_reading_changes_nothing_when_the_drawing_is_the_same(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    before = versions()
    assert not actions.redraw_units(subscription, clock(), BY)
    assert versions() == before
