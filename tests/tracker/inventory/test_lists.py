"""The list of units: order, pages, filters, facets; the page of one unit."""

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.tracker.inventory.azure import BY, NOON, Azure, Clock
from tracker.accounts.models import User
from tracker.inventory import queries
from tracker.inventory.models import Resource, Subscription, Unit
from tracker.inventory.queries import BadCursor, Filters, Gone, Sort
from tracker.readiness.models import Finding
from tracker.waves.models import Placement, Wave

pytestmark = pytest.mark.django_db
SUBS = ("0f6f7b6e-1111-4222-8333-944444444444", "1f6f7b6e-1111-4222-8333-944444444444")
REGIONS, KINDS = ("westeurope", "northeurope", ""), ("network", "deployment", "storage-account")
VERDICTS = ("ready", "ready with change", "blocked", "unknown")
PROGRESS = ("discovered", "assessed", "planned", "prepared", "committed", "excluded")


def fill(count: int, seed: int = 1) -> list[Unit]:
    """Units with many equal sort values, so that pages have to break ties."""
    dice = random.Random(seed)
    for number, pk in enumerate(SUBS):
        Subscription.objects.get_or_create(pk=pk, defaults={"name": f"Sub {number}"})
    made = Unit.objects.bulk_create(
        Unit(
            key=f"/subscriptions/{SUBS[n % 2]}/resourcegroups/rg/providers/x/y/unit{n}",
            azure_id=f"unit{n}",
            kind=dice.choice(KINDS),
            name=f"unit {dice.randrange(count // 3 + 1):04}",
            subscription_id=SUBS[n % 2],
            region=dice.choice(REGIONS),
            owner=dice.choice(("maya", "tomas", "")),
            progress=dice.choice(PROGRESS),
            verdict=dice.choice(VERDICTS),
            score=dice.randrange(0, 101, 10),
            first_seen_at=NOON,
            changed_at=NOON.replace(minute=dice.randrange(5)),
        )
        for n in range(count)
    )
    Resource.objects.bulk_create(
        Resource(
            key=unit.key,
            azure_id=unit.azure_id,
            type="t",
            name=f"member of {unit.pk}.",
            subscription_id=unit.subscription_id,
            unit=unit,
            document={},
            digest="",
            first_seen_at=NOON,
            changed_at=NOON,
            seen_at=NOON,
        )
        for unit in made
    )
    return made


def wave(units: list[Unit], name: str = "Wave 1") -> Wave:
    person, _ = User.objects.get_or_create(username="maya", defaults={"pseudonym": "p-1"})
    made = Wave.objects.create(name=name, created_by=person, created_at=NOON, edited_by=person, edited_at=NOON)
    Placement.objects.bulk_create(Placement(wave=made, unit=u, placed_by=person, placed_at=NOON) for u in units)
    return made


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", list(Sort))
def test_pages_hold_every_unit_once_forwards_and_backwards(sort: Sort, descending: bool) -> None:
    fill(57)
    there, cursor = [], ""
    while True:
        page = queries.page(Filters(), sort, descending=descending, cursor=cursor, size=10)
        there.append([u.pk for u in page.units])
        if page.after is None:
            break
        cursor = page.after
    assert sorted(pk for pks in there for pk in pks) == sorted(Unit.objects.values_list("pk", flat=True))
    back = [there[-1]]
    while page.before:
        page = queries.page(Filters(), sort, descending=descending, cursor=page.before, size=10)
        back.insert(0, [u.pk for u in page.units])
    assert [pk for pks in back for pk in pks] == [pk for pks in there for pk in pks]


def test_verdicts_and_progress_are_ordered_by_what_they_mean() -> None:
    fill(40)
    verdicts = [u.verdict for u in queries.page(Filters(), Sort.VERDICT, size=100).units]
    assert list(dict.fromkeys(verdicts)) == ["blocked", "unknown", "ready with change", "ready"]
    progress = [u.progress for u in queries.page(Filters(), Sort.PROGRESS, size=100).units]
    assert list(dict.fromkeys(progress)) == [p for p in PROGRESS if p != "excluded"] + ["excluded"]


def test_a_row_that_moves_while_somebody_pages_is_neither_doubled_nor_an_error() -> None:
    fill(30)
    page = queries.page(Filters(), Sort.SCORE, size=10)
    Unit.objects.filter(pk=page.units[-1].pk).update(score=100)
    rest = queries.page(Filters(), Sort.SCORE, cursor=page.after or "", size=100)
    assert len({u.pk for u in page.units} | {u.pk for u in rest.units}) == 30


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!!!",
        "WyJhIl0",
        "W10",
        "bnVsbA",
        "e30",
        "WyJjIiwgIngiLCAxXQ",
        "WyJhIiwgMSwgMV0",
        "A" * 3000,
        "WyJhIiwgIngiLCAxZTMwOV0",
    ],
)
def test_a_cursor_of_somebody_elses_making_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor, match="begin again at the first page"):
        queries.page(Filters(), Sort.NAME, cursor=cursor)


def test_a_cursor_of_another_order_is_refused() -> None:
    fill(5)
    cursor = queries.page(Filters(), Sort.SCORE, size=2).after or ""
    with pytest.raises(BadCursor):
        queries.page(Filters(), Sort.NAME, cursor=cursor)


@pytest.mark.parametrize("name", ["subscription", "region", "kind", "verdict", "progress", "owner"])
def test_a_filter_leaves_exactly_what_its_facet_counted(name: str) -> None:
    fill(60)
    counts = queries.numbers(Filters()).facets[name]
    assert sum(one.count for one in counts) == 60
    for one in counts:
        page = queries.page(Filters(**{name: (one.value,)}), size=500)
        numbers = queries.numbers(Filters(**{name: (one.value,)}))
        assert (numbers.total, len(page.units)) == (one.count, one.count)
        chosen = [c for c in numbers.facets[name] if c.chosen]
        assert [c.value for c in chosen] == [one.value]
        assert sum(c.count for c in numbers.facets[name]) == 60, "a facet's own choice does not narrow its counts"


def test_filters_narrow_each_other_and_facets_follow() -> None:
    fill(60)
    filters = Filters(kind=("network", "deployment"), verdict=("blocked",))
    expected = Unit.objects.filter(kind__in=["network", "deployment"], verdict="blocked")
    page = queries.page(filters, size=500)
    assert {u.pk for u in page.units} == set(expected.values_list("pk", flat=True))
    by_region = {c.value: c.count for c in queries.numbers(filters).facets["region"]}
    assert by_region.get("none", 0) == expected.filter(region="").count()
    assert set(queries.selection(filters)) == set(expected)


def test_units_are_found_by_wave_and_by_having_none() -> None:
    units = fill(9)
    first = wave(units[:4])
    filters = Filters(wave=(str(first.pk),))
    found, numbers = queries.page(filters).units, queries.numbers(filters)
    assert ({u.pk for u in found}, numbers.total) == ({u.pk for u in units[:4]}, 4)
    assert {u.wave_name for u in found} == {"Wave 1"}
    assert [(c.label, c.count) for c in numbers.facets["wave"]] == [("Wave 1", 4), ("", 5)]
    for chosen, total in ((("none",), 5), ((str(first.pk), "none"), 9), (("no number", "9" * 30), 0)):
        assert len(queries.page(Filters(wave=chosen)).units) == queries.numbers(Filters(wave=chosen)).total == total


def test_units_are_found_by_name_id_and_member() -> None:
    units = fill(12)
    Unit.objects.filter(pk=units[3].pk).update(name="100%_Sure")
    assert [u.pk for u in queries.page(Filters(text="0%_s")).units] == [units[3].pk]
    assert [u.pk for u in queries.page(Filters(text=f"member of {units[5].pk}.")).units] == [units[5].pk]
    assert [u.pk for u in queries.page(Filters(text=units[7].key.upper())).units] == [units[7].pk]
    assert [u.pk for u in queries.page(Filters(text="UNIT7")).units] == [units[7].pk], "by the name in its id"
    assert [u.pk for u in queries.page(Filters(text="x/y/Unit7")).units] == [units[7].pk], "by a part of its id"
    assert len(queries.page(Filters(text="rg")).units) == 12, "by its resource group; too short for the index"
    for nothing in ("' OR 1=1 --", "unit%7", "unit_7", "\\", "unit7\n", "/nowhere"):
        assert queries.numbers(Filters(text=nothing)).total == len(queries.page(Filters(text=nothing)).units) == 0


def test_a_search_is_counted_only_while_it_finds_few(monkeypatch: pytest.MonkeyPatch) -> None:
    units = fill(30)
    wave(units[:5])
    counted = queries.numbers(Filters(text="unit", kind=("network",)))
    everything = {
        name: [(c.value, c.label) for c in listed] for name, listed in queries.numbers(Filters()).facets.items()
    }
    assert counted.total == len(queries.page(Filters(text="unit", kind=("network",))).units)
    assert sum(c.count or 0 for c in counted.facets["kind"]) == 30
    monkeypatch.setitem(queries.numbers.__globals__, "FEW", 20)
    many = queries.numbers(Filters(text="unit"))
    assert (many.total, many.more) == (20, True)
    assert {name: [(c.value, c.label) for c in listed] for name, listed in many.facets.items()} == everything
    assert {c.count for listed in many.facets.values() for c in listed} == {None}
    narrow = queries.numbers(Filters(text="unit", wave=("none",), verdict=("ready",)))
    assert (narrow.total, narrow.more) == (len(queries.page(Filters(wave=("none",), verdict=("ready",))).units), False)


def test_every_filter_at_once_is_counted_too() -> None:
    unit = fill(6)[0]
    wave([unit])
    unit.refresh_from_db()
    every = {name: (str(getattr(unit, column)) or "none",) for name, column in (
        ("subscription", "subscription_id"), ("region", "region"), ("kind", "kind"), ("verdict", "verdict"),
        ("progress", "progress"), ("health", "health"), ("owner", "owner"),
    )}  # fmt: skip
    filters = Filters(**every, wave=(str(unit.placement.wave_id),))
    counted = queries.numbers(filters)
    assert counted.total == len(queries.page(filters).units) == 1
    assert all(sum(one.count or 0 for one in listed if one.chosen) == 1 for listed in counted.facets.values())


def test_units_are_found_by_rule_and_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    units = fill(6)
    for unit, outcome in zip(units[:4], ("yes", "yes", "unknown", "no"), strict=True):
        Unit.objects.filter(pk=unit.pk).update(open_rules=[f"{outcome} R-1"] if outcome != "no" else [])
        for resource in ("a", "b"):
            Finding.objects.create(
                unit=unit, rule="R-1", effect="blocks", outcome=outcome, resource_key=resource, since=NOON
            )
    for filters, total in (
        (Filters(rule="R-1"), 2),
        (Filters(rule="R-1", outcome="unknown"), 1),
        (Filters(rule="R-2"), 0),
    ):
        assert len(queries.page(filters).units) == queries.numbers(filters).total == total
    monkeypatch.setitem(queries.numbers.__globals__, "FEW", 1)
    many = queries.numbers(Filters(rule="R-1"))  # a number that is kept
    assert (many.total, many.more) == (2, False)
    chosen = queries.numbers(Filters(rule="R-1", gone=Gone.SHOW))
    assert (chosen.total, chosen.more) == (1, True)


def test_gone_units_are_hidden_unless_they_were_planned_or_moved() -> None:
    units = fill(4)
    for unit, progress in zip(units, ("discovered", "planned", "committed", "excluded"), strict=True):
        Unit.objects.filter(pk=unit.pk).update(gone_at=NOON, progress=progress)
    assert {u.progress for u in queries.page(Filters()).units} == {"planned", "committed"}
    assert queries.numbers(Filters()).total == 2
    assert queries.numbers(Filters(gone=Gone.SHOW)).total == 4
    Unit.objects.filter(pk=units[0].pk).update(gone_at=None)
    assert len(queries.page(Filters(gone=Gone.ONLY)).units) == queries.numbers(Filters(gone=Gone.ONLY)).total == 3


def test_filters_come_out_of_a_query_string_and_go_back_into_one() -> None:
    given = {
        "kind": ["network", "network", ""],
        "q": ["first", "  la\x00st\n "],
        "wave": ["3", "none"],
        "gone": ["only"],
        "strange": ["x"],
        "region": ["a" * 5000],
    }
    filters = Filters.read(given)
    assert (filters.kind, filters.text, filters.wave, filters.gone) == (("network",), "last", ("3", "none"), Gone.ONLY)
    assert len(filters.region[0]) == 200
    back: dict[str, list[str]] = {}
    for name, value in filters.pairs():
        back.setdefault(name, []).append(value)
    assert Filters.read(back) == filters
    assert filters.narrow
    assert not Filters.read({"gone": ["nonsense"]}).narrow


def test_a_page_needs_two_queries_however_many_units_there_are() -> None:
    def statements(filters: Filters) -> int:
        with CaptureQueriesContext(connection) as captured:
            queries.numbers(filters)
            page = queries.page(filters, Sort.VERDICT)
            for unit in page.units:
                assert unit.subscription_name
                assert (unit.wave_id is None) == (unit.wave_name is None)
        return len(captured)

    everything = Filters(kind=("network",), text="unit", rule="", wave=("none",))
    units = fill(20)
    wave(units[:10])
    few = (statements(Filters()), statements(everything))
    Resource.objects.all().delete()
    Placement.objects.all().delete()
    Unit.objects.all().delete()
    units = fill(1000)
    wave(units[:400], "Wave 2")
    assert (statements(Filters()), statements(everything)) == few == (2, 2)


def test_an_empty_programme_has_empty_lists_and_zeros() -> None:
    page = queries.page(Filters())
    assert (page.units, page.before, page.after) == ([], None, None)
    assert queries.numbers(Filters()) == queries.Numbers(0, False, {name: [] for name in queries.FACETS})


def test_the_page_of_a_unit_shows_its_members_as_a_tree_in_two_queries(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    unit = Unit.objects.get(name="small-net")
    with CaptureQueriesContext(connection) as captured:
        detail = queries.unit_page(unit.pk)
    assert detail is not None
    assert len(captured) == 2
    (service,) = [node for node in detail.members if node.resource.name == "small-web"]
    (slot,) = [node for node in service.children if node.resource.name == "Production"]
    assert [node.resource.name for node in slot.children] == ["Web"]
    azure.drop("small-worker/slots/Production/roles")
    azure.sync(subscription, clock)
    detail = queries.unit_page(unit.pk)
    assert detail is not None
    assert [r.name for r in detail.gone] == ["Worker"]
    assert queries.unit_page(10**9) is None
    assert queries.unit_by_key(unit.azure_id + "/") == unit


def test_estates_and_members_come_back_as_values(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    estate = queries.estate_of([subscription.pk])
    assert estate.registration(subscription.pk, "microsoft.compute") == "Registered"
    units = list(queries.live_units(subscription))
    assert queries.estate_around(units).resources == estate.resources
    web = estate.get(Unit.objects.get(name="small-net").members.get(name="Web").key)
    assert (web.size, web.instance_count) == ("Standard_D2_v2", 2)
    with CaptureQueriesContext(connection) as captured:
        many = dict(queries.members_of_many(units))
    assert len(captured) == 1
    assert {unit.name: {r.key for r in members} for unit, members in many.items()} == {
        unit.name: {r.key for r in queries.members_of(unit)} for unit in units
    }
    assert all(many.values())


def test_syncs_are_listed_newest_first_with_their_subscription(azure: Azure, clock: Clock) -> None:
    subscription = azure.subscribe(clock)
    azure.sync(subscription, clock)
    azure.fault("malformed", unit="resourcegraph", times=None)
    azure.sync(subscription, clock)
    assert [row.outcome for row in queries.syncs()] == ["failed", "complete"]
    assert [row.outcome for row in queries.syncs(1, subscription.pk)] == ["failed"]
    latest = queries.latest_reading(subscription.pk)
    assert latest is not None
    assert latest.outcome == "complete"
    assert BY.key == latest.started_by
