"""What is done to units and subscriptions outside a sync."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from migrator.gateway.protocol import GatewayError
from migrator.lifecycle import ALLOWED, State
from tests.tracker.inventory.azure import BY, NOON, Azure, Clock, builder
from tracker.accounts.models import User
from tracker.audit.models import Event, PrivateValue
from tracker.inventory import actions, queries
from tracker.inventory.models import RegistrationRequest, Subscription, Unit
from tracker.waves.models import Placement, Wave

pytestmark = pytest.mark.django_db
SUB = "0f6f7b6e-1111-4222-8333-944444444444"


def unit(name: str = "net", **fields) -> Unit:
    subscription, _ = Subscription.objects.get_or_create(id=SUB, defaults={"name": "Sub"})
    key = f"/subscriptions/{SUB}/resourcegroups/rg/providers/microsoft.classicnetwork/virtualnetworks/{name}"
    defaults = {"kind": "network", "first_seen_at": NOON, "changed_at": NOON, "azure_id": key}
    return Unit.objects.create(key=key, name=name, subscription=subscription, **{**defaults, **fields})


def told(kind: str) -> list[dict]:
    return [json.loads(event.body) for event in Event.objects.filter(type=kind).order_by("id")]


@pytest.mark.parametrize("start", list(State))
def test_a_unit_moves_only_as_the_table_allows(start: State) -> None:
    for number, end in enumerate(State):
        one = unit(f"{start}-{number}", progress=start)
        if end in ALLOWED[start]:
            actions.move(one, to=end, by=BY, now=NOON)
            assert (one.progress, Unit.objects.get(pk=one.pk).progress) == (end, end)
        else:
            with pytest.raises(actions.IllegalMove, match=f"is {start}; from there it goes to"):
                actions.move(one, to=end, by=BY, now=NOON)
            assert Unit.objects.get(pk=one.pk).progress == start
    assert len(told("inventory.unit_moved")) == len(ALLOWED[start])


def test_of_two_who_move_a_unit_the_second_is_told() -> None:
    one = unit(progress="assessed")
    other = Unit.objects.get(pk=one.pk)
    actions.move(one, to=State.PLANNED, by=BY, now=NOON)
    with pytest.raises(actions.Overtaken, match="was assessed when it was read and is planned now"):
        actions.move(other, to=State.EXCLUDED, by=BY, now=NOON)
    assert [e["detail"] for e in told("inventory.unit_moved")] == [{"name": "net", "from": "assessed", "to": "planned"}]


def test_excluding_needs_a_reason_and_keeps_it_out_of_the_public_body() -> None:
    one = unit(progress="assessed", assessed_at=NOON)
    actions.exclude(one, "  decommissioned with the Leeds office ", BY, NOON)
    assert Unit.objects.get(pk=one.pk).progress == "excluded"
    (event,) = told("inventory.unit_excluded")
    assert "Leeds" not in json.dumps(event)
    assert PrivateValue.objects.get(event_id=event["id"]).value == "decommissioned with the Leeds office"
    actions.include(one, BY, NOON)
    assert Unit.objects.get(pk=one.pk).progress == "assessed"
    fresh = unit("fresh")
    actions.exclude(fresh, "a test network", BY, NOON)
    actions.include(fresh, BY, NOON, reason="not a test after all")
    assert Unit.objects.get(pk=fresh.pk).progress == "discovered"


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [("", "is empty"), ("   ", "is empty"), ("x" * 301, "300 fit"), ("two\nlines", "one line"), ("a\x00b", "one line")],
)
def test_a_reason_that_is_no_line_is_refused_and_nothing_changes(reason: str, sentence: str) -> None:
    one = unit(progress="assessed")
    with pytest.raises(actions.InvalidText, match=sentence):
        actions.exclude(one, reason, BY, NOON)
    assert Unit.objects.get(pk=one.pk).progress == "assessed"
    assert not Event.objects.exists()


def test_a_unit_in_a_wave_or_under_way_cannot_be_excluded() -> None:
    one, other = unit(progress="planned"), unit("moving", progress="preparing")
    person = User.objects.create(username="maya", pseudonym="p-1")
    wave = Wave.objects.create(name="Wave 1", created_by=person, created_at=NOON, edited_by=person, edited_at=NOON)
    Placement.objects.create(wave=wave, unit=one, placed_by=person, placed_at=NOON)
    with pytest.raises(actions.StillPlaced, match="is in the wave Wave 1"):
        actions.exclude(one, "not needed", BY, NOON)
    with pytest.raises(actions.IllegalMove, match="is preparing"):
        actions.exclude(other, "not needed", BY, NOON)
    with pytest.raises(actions.IllegalMove, match="only an excluded unit"):
        actions.include(other, BY, NOON)
    assert set(Unit.objects.values_list("progress", flat=True)) == {"planned", "preparing"}


def test_owners_are_assigned_in_bulk_with_an_event_for_each_changed_unit() -> None:
    units = [unit(f"u{n}") for n in range(30)]
    with CaptureQueriesContext(connection) as captured:
        assert actions.assign_owner(units, "Aiko Tanaka", BY, NOON) == 30
    assert len(captured) <= 6
    assert actions.assign_owner(units[:5], "Aiko Tanaka", BY, NOON) == 0
    assert actions.assign_owner(units[:1], "", BY, NOON) == 1
    assert Unit.objects.filter(owner="Aiko Tanaka").count() == 29
    assert len(told("inventory.unit_owner_assigned")) == 31
    assert "Aiko" not in json.dumps(told("inventory.unit_owner_assigned"))


def test_health_and_lock_are_written_only_when_they_differ() -> None:
    one = unit()
    with CaptureQueriesContext(connection) as captured:
        actions.set_health(one, "at risk", "the window\ncloses soon", now=NOON)
        actions.set_health(one, "at risk", "the window closes soon", now=NOON)
        actions.set_lock(one, NOON, now=NOON)
    assert len([query for query in captured if query["sql"].startswith('UPDATE "tracker_unit"')]) == 2
    with CaptureQueriesContext(connection) as captured:
        actions.set_health(one, "at risk", "the window closes soon", now=NOON)
        actions.set_lock(one, NOON, now=NOON)
    assert not [query for query in captured if "SAVEPOINT" not in query["sql"]]
    one.refresh_from_db()
    assert (one.health, one.health_reason, one.locked_since) == ("at risk", "the window closes soon", NOON)
    with pytest.raises(ValueError, match="splendid"):
        actions.set_health(one, "splendid", "", now=NOON)


def judged(one: Unit, verdict: str, *rules: str) -> actions.Judgement:
    return actions.Judgement(
        unit_id=one.pk, verdict=verdict, score=40, blockers=len(rules), changes=2, unknowns=3, blocking_rules=rules
    )


def test_a_verdict_moves_a_discovered_unit_on_and_only_that() -> None:
    found, planned = unit("found"), unit("planned", progress="planned")
    later = NOON + timedelta(hours=1)
    assert actions.record_verdicts([judged(found, "ready"), judged(planned, "ready")], later) == 2
    found.refresh_from_db()
    planned.refresh_from_db()
    assert (found.progress, planned.progress) == ("assessed", "planned")
    assert (found.verdict, found.score, found.changes, found.unknowns, found.assessed_at) == ("ready", 40, 2, 3, later)


def test_health_follows_the_verdict_unless_something_graver_was_said() -> None:
    one, failed = unit("one"), unit("failed", health="failed", health_reason="Prepare failed")
    actions.record_verdicts(
        [judged(one, "blocked", "VNET-X", "VNET-Y", "VNET-X"), judged(failed, "blocked", "A")], NOON
    )
    one.refresh_from_db()
    failed.refresh_from_db()
    assert (one.health, one.health_reason) == ("blocked", "Blocked by VNET-X, VNET-Y")
    assert (failed.health, failed.health_reason) == ("failed", "Prepare failed")
    actions.record_verdicts([judged(one, "ready")], NOON)
    one.refresh_from_db()
    assert (one.health, one.health_reason) == ("on track", "")


# --- subscriptions ----------------------------------------------------------------------------------------------------


def test_discovery_adds_follows_names_and_forgets_nothing(azure: Azure, clock: Clock) -> None:
    first = azure.subscribe(clock)
    azure.subscribe(clock)
    assert len(told("subscription.added")) == 1
    azure.estate["subscriptions"][0]["displayName"] = "Renamed"
    azure.edit(lambda listed: None)
    azure.subscribe(clock)
    assert Subscription.objects.get(pk=first.pk).name == "Renamed"
    assert len(told("subscription.changed")) == 1
    other, _ = builder("Another")
    azure.begin(other.estate())
    azure.subscribe(clock)
    assert set(Subscription.objects.values_list("name", flat=True)) == {"Renamed", "Another"}


def test_discovery_with_a_refused_token_changes_nothing(azure: Azure, clock: Clock) -> None:
    with pytest.raises(GatewayError, match="does not accept the sign-in"):
        actions.discover_subscriptions(azure.gateway("expired-token"), clock(), BY)
    assert not Subscription.objects.exists()


def follow(azure: Azure, clock: Clock, token: str = "a-token") -> list[str]:
    """Follow every request that is due, once."""
    gateway = azure.gateway(token)
    return [
        actions.follow_registration(pk, gateway=lambda _: gateway, clock=clock)
        for pk in queries.due_registrations(clock())
    ]


def test_a_registration_is_sent_once_and_watched_until_azure_says_registered(azure: Azure, clock: Clock) -> None:
    name = "Microsoft.ClassicInfrastructureMigrate"
    estate, _ = builder("Unregistered", registered=False)
    azure.begin(estate.estate())
    subscription = azure.subscribe(clock)
    request = actions.want_registration(subscription, name, BY, clock())
    assert actions.want_registration(subscription, name, BY, clock()) is None, "noted already"
    assert [e["detail"]["provider"] for e in told("subscription.registration_requested")] == [name]
    assert follow(azure, clock) == ["Registering"]
    assert follow(azure, clock) == [], "not due again at once"
    clock.pass_(seconds=20)
    assert follow(azure, clock) == ["Registering"]
    azure.process.control("clock", {"advance": 600})
    clock.pass_(seconds=20)
    assert follow(azure, clock) == ["Registered"]
    request.refresh_from_db()
    assert (request.state, request.due_at) == ("Registered", None)
    assert request.ended_at == request.read_at > request.sent_at
    subscription.refresh_from_db()
    assert subscription.registrations[name] == "Registered"
    sent = [r for r in azure.process.control("log?after=0")["value"] if r["path"].endswith("/register")]
    assert len(sent[-1:]) == 1
    assert [e["detail"]["state"] for e in told("subscription.changed")] == ["Registering", "Registered"]


def test_after_a_feature_flips_its_provider_is_registered_again(azure: Azure, clock: Clock) -> None:
    estate, _ = builder("Unregistered", registered=False)
    azure.begin(estate.estate())
    subscription = azure.subscribe(clock)
    actions.want_registration(subscription, "Microsoft.Compute/CloudServices", BY, clock())
    follow(azure, clock)
    azure.process.control("clock", {"advance": 3600})
    clock.pass_(minutes=1)
    assert follow(azure, clock) == ["Registered"]
    (again,) = RegistrationRequest.objects.filter(ended_at__isnull=True)
    assert (again.name, again.asked_by) == ("Microsoft.Compute", "system:sync")


def test_a_registration_that_is_not_permitted_ends_with_the_missing_action(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    request = actions.want_registration(subscription, "Microsoft.ClassicInfrastructureMigrate", BY, clock())
    (said,) = follow(azure, clock, "reader-token")
    assert "it lacks Microsoft" in said
    request.refresh_from_db()
    assert (request.error, request.sent_at, request.due_at) == (said, None, None)
    assert [e["result"] for e in told("subscription.registration_requested")] == ["done", "failed"]
    subscription.refresh_from_db()
    assert subscription.registrations == {}


def test_a_registration_is_sent_by_one_worker_and_again_after_a_crash(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    request = actions.want_registration(subscription, "Microsoft.Quota", BY, clock())
    RegistrationRequest.objects.filter(pk=request.pk).update(lease_until=clock() + timedelta(minutes=2))
    assert queries.due_registrations(clock()) == []
    gateway = azure.gateway()
    assert actions.follow_registration(request.pk, gateway=lambda _: gateway, clock=clock) == "not due"
    clock.pass_(minutes=3)
    assert follow(azure, clock) in (["Registering"], ["Registered"])


def test_when_azure_cannot_be_reached_the_registration_waits(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    request = actions.want_registration(subscription, "Microsoft.Quota", BY, clock())
    gateway = azure.gateway(endpoint="http://127.0.0.1:9")
    actions.follow_registration(request.pk, gateway=lambda _: gateway, clock=clock)
    request.refresh_from_db()
    assert "gave no answer" in request.error
    assert request.ended_at is None
    assert request.due_at > clock()


@pytest.mark.parametrize(
    "name", ["", "Compute", "Microsoft.Compute/../x", "Microsoft.Compute?x=1", "a.b/c/d", "x" * 130]
)
def test_a_name_that_is_no_provider_is_never_sent(azure: Azure, clock: Clock, name: str) -> None:
    subscription = azure.subscribe(clock)
    with pytest.raises(actions.InvalidProvider, match="is no provider"):
        actions.want_registration(subscription, name, BY, clock())
    assert not RegistrationRequest.objects.exists()


def test_the_worker_looks_for_subscriptions_when_somebody_asks(azure: Azure, clock: Clock) -> None:
    assert actions.discover_wanted(azure.gateway(), clock, BY) == "nobody asked"
    assert actions.want_discovery(BY, clock())
    assert not actions.want_discovery(BY, clock())
    assert queries.discovery_wanted()
    assert actions.discover_wanted(azure.gateway(), clock, BY) == "1 subscriptions"
    assert not queries.discovery_wanted()
    assert queries.wanted_syncs(clock()) == list(Subscription.objects.values_list("pk", flat=True))
    assert actions.want_discovery(BY, clock())
    assert "does not accept the sign-in" in actions.discover_wanted(azure.gateway("expired-token"), clock, BY)
    assert "sign-in" in queries.last_discovery().error
