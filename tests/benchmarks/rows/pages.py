"""F1, F2, F3, F5, F9: pages against the floor. One client; ours and the floor take turns."""

from collections.abc import Iterator
from urllib.parse import urlencode

from tests.benchmarks.bench import BEYOND, Bench
from tests.benchmarks.clock import Samples, interleaved, ms
from tests.benchmarks.registry import Figure, Verdict, at_most, row
from tests.benchmarks.serving import Visitor
from tracker.inventory import queries
from tracker.inventory.models import Unit

FLOOR = "/floor/"
LIST = "/inventory/"


def timed(visitor: Visitor, paths: dict[str, str], repetitions: int) -> dict[str, Samples]:
    return interleaved({name: (lambda path=path: visitor.get(path)) for name, path in paths.items()}, repetitions)


def against_floor(name: str, what: str, ours: Samples, floor: Samples, bar: float = 3.0) -> Figure:
    ratio = ours.median / floor.median
    return Figure(
        name, what, str(ours), f"floor {ms(floor.median)}", f"{ratio:.2f} ×", f"≤ {bar:g} ×", at_most(ratio, bar)
    )


def query_figure(bench: Bench, name: str, what: str, path: str, bar: int) -> Figure:
    """The page's own statements; session, person, roles and frame stand beside every page."""
    all_of_them = bench.queries(bench.full, path)
    own = all_of_them - BEYOND
    return Figure(name, f"{what}: queries", f"{own} and {BEYOND} of the frame", "", "", f"≤ {bar}", at_most(own, bar))


@row("F1", "inventory list, first 50, whole page")
def first_page(bench: Bench) -> Iterator[Figure]:
    few, full = bench.visitor(bench.few), bench.visitor(bench.full)
    found = interleaved(
        {
            "few": lambda: few.get(LIST),
            "floor of few": lambda: few.get(FLOOR),
            "full": lambda: full.get(LIST),
            "floor": lambda: full.get(FLOOR),
        },
        bench.size.repetitions,
    )
    yield against_floor("F1", f"first page of {bench.size.units:,} units", found["full"], found["floor"])
    yield query_figure(bench, "F1", "first page", LIST, 6)
    growth = found["full"].median / found["few"].median
    yield Figure(
        "F1", f"growth from {bench.size.few:,} units", ms(found["full"].median), ms(found["few"].median),
        f"{growth:.2f} ×", "≤ 1.1 ×", at_most(growth, 1.1),
    )  # fmt: skip


@row("F2", "filtered, sorted, searched, deepest page")
def other_pages(bench: Bench) -> Iterator[Figure]:
    visitor = bench.visitor(bench.full)
    member = Unit.objects.order_by("-id").values_list("members__name", flat=True).first()
    paths = {
        "first page": LIST,
        "filtered (verdict)": f"{LIST}?verdict=blocked",
        "filtered (verdict, region)": f"{LIST}?verdict=ready&region=westeurope",
        "sorted (score)": f"{LIST}?sort=-score",
        "sorted (verdict)": f"{LIST}?sort=verdict",
        "sorted (progress)": f"{LIST}?sort=-progress",
        "blocked by one rule": f"{LIST}?blocks={most_blocking()[0]}",
        "blocked by nothing but three": f"{LIST}?{urlencode([('frees', rule) for rule in most_blocking()[:3]])}",
        "searched (part of names)": f"{LIST}?q=lisbon-00",
        "searched (a member)": f"{LIST}?q={member}",
        "searched (nothing like it)": f"{LIST}?q=nowhere-at-all",
        "deepest page": deepest(),
    }
    found = timed(visitor, paths, bench.size.repetitions // 2)
    first = found.pop("first page")
    for what, samples in found.items():
        ratio = samples.median / first.median
        yield Figure(
            "F2",
            what,
            str(samples),
            f"our first page {ms(first.median)}",
            f"{ratio:.2f} ×",
            "≤ 1.2 ×",
            at_most(ratio, 1.2),
        )


def most_blocking() -> list[str]:
    """Blocking rules, of the most units first."""
    said = queries.units_by_rule()
    listed = [(-units, word.removeprefix("blocks ")) for word, units in said.items() if word.startswith("blocks ")]
    return [rule for _, rule in sorted(listed)]


def deepest() -> str:
    """The address of the last page, as a reader who walked there has it: after the 51st unit from the end."""
    place = queries.page(queries.Filters(), descending=True, size=51).after
    return f"{LIST}?cursor={place}"


@row("F3", "unit page with findings, runs, history")
def object_page(bench: Bench) -> Iterator[Figure]:
    visitor = bench.visitor(bench.full)
    typical = Unit.objects.filter(runs__isnull=False, kind="deployment", member_count=4).order_by("id").first()
    big = Unit.objects.order_by("-member_count", "id").first()
    assert typical and big
    for unit, size in ((typical, "typical"), (big, f"largest, {big.member_count} members")):
        paths = {"floor": FLOOR}
        paths |= {tab: f"/units/{unit.pk}/{tab}" for tab in ("", "members/", "runs/", "history/")}
        found = timed(visitor, paths, bench.size.repetitions // 2)
        floor = found.pop("floor")
        for tab, samples in found.items():
            yield against_floor("F3", f"{size}: {tab.strip('/') or 'readiness'}", samples, floor)
        yield query_figure(bench, "F3", size, f"/units/{unit.pk}/", 8)


@row("F5", "overview with all charts")
def overview(bench: Bench) -> Iterator[Figure]:
    visitor = bench.visitor(bench.full)
    unblock = "/readiness/unblock/"
    pages = {
        "overview": "/",
        "what would unblock most": unblock,
        "what would unblock most, filtered": f"{unblock}?region=westeurope&kind=network",
        "the rule that blocks most": f"/rules/{most_blocking()[0]}/",
    }
    found = timed(visitor, {"floor": FLOOR} | pages, bench.size.repetitions)
    for what in pages:
        yield against_floor("F5", what, found[what], found["floor"])
    yield query_figure(bench, "F5", "overview", "/", 8)
    yield query_figure(bench, "F5", "what would unblock most", unblock, 8)


@row("F9", "history page, filtered")
def history_page(bench: Bench) -> Iterator[Figure]:
    visitor = bench.visitor(bench.full)
    unit = Unit.objects.order_by("-id").values_list("key", flat=True)[7]
    paths = {
        "floor": FLOOR,
        f"newest of {bench.size.events:,} events": "/audit/",
        "one slice": "/audit/?type=readiness",
        "denied": "/audit/?result=denied",
        "one actor and type": "/audit/?actor=user&type=evidence.viewed",
        "one object": f"/audit/?kind=unit&object={unit}",
        "a day": "/audit/?since=2026-10-01T00:00&until=2026-10-02T00:00",
        "text": "/audit/?q=lisbon-0030",
        "deep": deep_history(),
    }
    found = timed(visitor, paths, bench.size.repetitions // 2)
    floor = found.pop("floor")
    for what, samples in found.items():
        yield against_floor("F9", what, samples, floor)


def deep_history() -> str:
    from tracker.audit.models import Event

    oldest = Event.objects.order_by("id").values_list("id", flat=True)[60]
    return f"/audit/?cursor={oldest}"


def none_missed(verdicts: list[Verdict]) -> bool:
    return all(verdict == "met" for verdict in verdicts)
