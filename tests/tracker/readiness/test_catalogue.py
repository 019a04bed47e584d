"""A release with another catalogue: it waits, what is in force goes on, and nothing moves by itself."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from migrator import readiness
from migrator.readiness import Effect, Verdict
from migrator.resources import Category, PlatformMessage
from tests.live_database import emptied_for_real  # noqa: F401 - what a test commits is thrown away
from tests.tracker.inventory.azure import BY, Azure, Clock
from tests.tracker.readiness.catalogues import always, but, made, release, without
from tests.tracker.readiness.test_assess import enough, events, finding, read, validated, versions
from tracker.inventory.models import Unit
from tracker.readiness import catalogue
from tracker.readiness.actions import assess, know_catalogue
from tracker.readiness.catalogue_models import AnsweredAhead, CatalogueVersion
from tracker.readiness.models import Assessment, Finding

pytestmark = pytest.mark.django_db
RULE = "CS-AUTOSCALE"  # says yes of small-net


def assessed(azure: Azure, clock: Clock) -> dict[str, Unit]:
    read(azure, clock)
    assess(None, now=clock(), by=BY, shortfalls=enough())
    return {unit.name: unit for unit in Unit.objects.all()}


def findings(unit: Unit) -> set[tuple[str, ...]]:
    return set(Finding.objects.filter(unit=unit).values_list("rule", "resource_key", "effect", "outcome", "sentence"))


def test_the_first_catalogue_is_in_force_at_once_and_the_history_says_so(azure: Azure, clock: Clock) -> None:
    assert catalogue.in_force_version() == readiness.catalogue_version, "before anything was written"
    assessed(azure, clock)
    [row] = CatalogueVersion.objects.all()
    assert (row.version, row.manifest) == (readiness.catalogue_version, readiness.catalogue_manifest)
    assert row.switched_on_at == row.known_since
    [event] = events("readiness.catalogue_began")
    assert event["detail"]["version"] == row.version
    assert catalogue.waiting() is None
    know_catalogue(clock())
    assert CatalogueVersion.objects.count() == 1


def test_another_catalogue_waits_and_is_told_once(azure: Azure, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    first = readiness.catalogue_version
    assessed(azure, clock)
    other = release(monkeypatch, [*without("CS-EMPTY"), made("NEW-ONE")])
    for _ in range(3):
        know_catalogue(clock())
    assert catalogue.in_force_version() == first
    row = catalogue.waiting()
    assert row is not None and row.version == other
    [event] = events("readiness.catalogue_came")
    assert {k: event["detail"][k] for k in ("new", "changed", "removed", "in_force")} == {
        "new": 1, "changed": 0, "removed": 1, "in_force": first,
    }  # fmt: skip
    monkeypatch.undo()
    assert catalogue.waiting() is None, "the release was taken back"


@pytest.mark.parametrize(
    "rules",
    [
        lambda: but(RULE, revision=99, effect=Effect.BLOCKS),
        lambda: but(RULE, revision=99, check=lambda _v, _c: []),
        lambda: but("SUB-REG-MIGRATE", revision=99, check=always),
        lambda: without(RULE),
        lambda: [*readiness.CATALOGUE, made("NEW-ONE")],
        lambda: but(RULE, statement="In other words."),
        lambda: [made("ONLY-ONE")],
    ],
)
def test_while_it_waits_nothing_is_written_when_nothing_happened(
    azure: Azure, clock: Clock, monkeypatch: pytest.MonkeyPatch, rules
) -> None:
    units = assessed(azure, clock)
    validated(units["small-tool"], clock, PlatformMessage(category=Category.ERROR, message="The moon is wrong."))
    release(monkeypatch, rules())
    know_catalogue(clock())
    before = versions()
    done = assess(None, now=clock(), by=BY)
    assert (done.units, done.changed) == (3, 0)
    assert versions() == before
    assert not AnsweredAhead.objects.exists()


def test_changes_of_the_inventory_show_with_the_rules_in_force(
    azure: Azure, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = readiness.catalogue_version
    units = assessed(azure, clock)
    network = units["small-net"]
    before = findings(network)
    release(monkeypatch, [*but(RULE, revision=99, check=lambda _v, _c: []), made("NEW-ONE")])
    know_catalogue(clock())
    registered = network.subscription
    type(registered).objects.filter(pk=registered.pk).update(
        registrations={**registered.registrations, "Microsoft.ClassicInfrastructureMigrate": "NotRegistered"}
    )
    done = assess(None, now=clock(), by=BY)
    assert done.changed == 3
    after = findings(network)
    assert {row[0] for row in before ^ after} == {"SUB-REG-MIGRATE"}
    assert finding(network, RULE).outcome == "yes", "held, though the check in the code says otherwise"
    assert not Finding.objects.filter(rule="NEW-ONE").exists()
    assert set(Assessment.objects.values_list("catalogue_version", flat=True)) == {first}
    assert {unit.verdict for unit in Unit.objects.all()} == {Verdict.BLOCKED}


def test_a_unit_seen_first_while_it_waits_is_answered_by_the_check_there_is(
    azure: Azure, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = read(azure, clock)
    known = list(Unit.objects.exclude(name="small-net"))
    assess(known, now=clock(), by=BY, shortfalls=enough())
    other = release(monkeypatch, [*but("SUB-REG-MIGRATE", revision=99, check=always), made("NEW-ONE")])
    assess(None, now=clock(), by=BY, shortfalls=enough())
    network = Unit.objects.get(name="small-net")
    assert finding(network, "SUB-REG-MIGRATE").outcome == "yes"
    assert {finding(unit, "SUB-REG-MIGRATE").outcome for unit in known} == {"no"}
    [ahead] = AnsweredAhead.objects.all()
    assert (ahead.unit, ahead.version, ahead.rows) == (network, other, [["SUB-REG-MIGRATE", network.key]])
    before = versions()
    assert assess(None, now=clock(), by=BY).changed == 0
    assert versions() == before
    assert subscription.pk == network.subscription_id


def test_a_third_catalogue_asks_what_the_second_had_answered_ahead(
    azure: Azure, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(azure, clock)
    known = list(Unit.objects.exclude(name="small-net"))
    assess(known, now=clock(), by=BY, shortfalls=enough())
    original = readiness.CATALOGUE
    release(monkeypatch, but("SUB-REG-MIGRATE", revision=99, check=always))
    assess(None, now=clock(), by=BY, shortfalls=enough())
    monkeypatch.setattr(readiness, "CATALOGUE", original)
    release(monkeypatch, but("SUB-REG-MIGRATE", revision=100))
    assess(None, now=clock(), by=BY, shortfalls=enough())
    network = Unit.objects.get(name="small-net")
    assert finding(network, "SUB-REG-MIGRATE").outcome == "no"


def test_a_resource_that_is_gone_takes_what_is_held_of_it_along(
    azure: Azure, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = assessed(azure, clock)
    held = finding(units["small-net"], RULE)
    release(monkeypatch, without(RULE))
    know_catalogue(clock())
    azure.drop("autoscale")
    assert azure.sync(units["small-net"].subscription, clock).outcome == "complete"
    assess(None, now=clock(), by=BY)
    left = set(Finding.objects.filter(rule=RULE).values_list("resource_key", flat=True))
    live = Finding.objects.filter(rule=RULE, resource_key=held.resource_key).exists()
    assert live == (held.resource_key in left)
    from tracker.inventory.models import Resource

    gone = set(Resource.objects.filter(gone_at__isnull=False).values_list("key", flat=True))
    assert gone and not left & gone


def test_one_unit_alone_is_held_as_with_all_the_others(
    azure: Azure, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = assessed(azure, clock)
    release(monkeypatch, [made("ONLY-ONE")])
    before = versions()["finding"]
    for unit in units.values():
        assert assess([unit], now=clock(), by=BY).changed == 0
    assert versions()["finding"] == before


def test_an_evaluation_costs_nothing_more_while_none_waits(azure: Azure, clock: Clock) -> None:
    assessed(azure, clock)
    with CaptureQueriesContext(connection) as queries:
        assess(None, now=clock(), by=BY)
    about = [q["sql"] for q in queries if "catalogue" in q["sql"] and "tracker_assessment" not in q["sql"]]
    assert len(about) == 1, about
    assert not [q["sql"] for q in queries if 'FROM "tracker_finding"' in q["sql"]]


def test_which_catalogue_was_in_force_is_never_rewritten(azure: Azure, clock: Clock) -> None:
    assessed(azure, clock)
    rows = CatalogueVersion.objects.all()
    for change in (
        lambda: rows.update(version="0" * 64), lambda: rows.update(reason="another"),
        lambda: rows.update(switched_on_at=None, switched_on_by="", reason=""), rows.delete,
    ):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert rows.get().version == readiness.catalogue_version


@pytest.mark.django_db(transaction=True)
def test_many_processes_that_start_at_once_write_one_first_catalogue(clock: Clock) -> None:
    def begin(_number: int) -> str:
        try:
            return know_catalogue(clock()).version
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        told = set(pool.map(begin, range(8)))
    assert told == {readiness.catalogue_version}
    assert CatalogueVersion.objects.count() == 1
