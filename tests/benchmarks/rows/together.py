"""F7: how even the pages are. F8: eight people at once."""

import threading
import time
from collections.abc import Iterator

from tests.benchmarks.bench import Bench
from tests.benchmarks.clock import ms
from tests.benchmarks.registry import Figure, at_least, at_most, row
from tests.benchmarks.rows.pages import FLOOR, LIST, timed
from tests.benchmarks.serving import Visitor
from tracker.inventory.models import Unit
from tracker.runs.models import Run
from tracker.waves.models import Wave

PEERS = {"NetBox": 2.0, "Nautobot": 2.6}  # pages a second on two cores, figures.md F8
PEERS_FLOOR = 119.0  # of the same machine at that time


@row("F7", "p95 ÷ p50 of every page")
def evenness(bench: Bench) -> Iterator[Figure]:
    visitor = bench.visitor(bench.full)
    found = timed(visitor, every_page(), bench.size.repetitions * 2)
    worst = ("", 0.0)
    for name, samples in found.items():
        ratio = samples.p95 / samples.median
        worst = max(worst, (name, ratio), key=lambda one: one[1])
        yield Figure(
            "F7", name, ms(samples.p95), f"p50 {ms(samples.median)}", f"{ratio:.2f} ×", "≤ 1.5 ×", at_most(ratio, 1.5)
        )
    yield Figure("F7", f"the worst is {worst[0]}", f"{worst[1]:.2f} ×", "", "", "≤ 1.5 ×", at_most(worst[1], 1.5))


def every_page() -> dict[str, str]:
    """The pages of the rail, and one thing of each kind."""
    unit = Unit.objects.filter(runs__isnull=False, member_count=4).order_by("id").first()
    run, wave = Run.objects.order_by("-started_at").first(), Wave.objects.order_by("id")[22]
    assert unit and run
    return {
        "overview": "/",
        "inventory": LIST,
        "unit": f"/units/{unit.pk}/",
        "waves": "/waves/",
        "wave": f"/waves/{wave.pk}/",
        "approvals": "/approvals/",
        "runs": "/runs/",
        "run": f"/runs/{run.pk}/",
        "quota": "/quota/",
        "follow-ups": "/follow-ups/",
        "audit": "/audit/",
        "rules": "/rules/",
        "search": "/search/?q=lisbon-00",
    }


@row("F8", "eight clients on the list page")
def eight_clients(bench: Bench) -> Iterator[Figure]:
    visitors = [bench.visitor(bench.full) for _ in range(8)]
    counted: dict[str, list[float]] = {LIST: [], FLOOR: []}
    for _ in range(3):
        for path, rates in counted.items():
            rates.append(rate(visitors, path, 5.0))
    ours, floor = (sorted(counted[path])[1] for path in (LIST, FLOOR))
    for peer, pages in PEERS.items():
        yield Figure(
            "F8", f"pages a second, against {peer}", f"{ours:.0f}/s", f"{pages}/s there", f"{ours / pages:.0f} ×",
            "≥ 40 ×", at_least(ours / pages, 40),
        )  # fmt: skip
    then = max(PEERS.values()) / PEERS_FLOOR
    yield Figure(
        "F8", "the same as shares of the floor", f"{ours / floor:.2f}", f"floor {floor:.0f}/s; a peer {then:.3f}",
        f"{ours / floor / then:.0f} ×", "", "no bar",
    )  # fmt: skip


def rate(visitors: list[Visitor], path: str, seconds: float) -> float:
    """Pages a second while all of them ask without a pause."""
    for visitor in visitors:
        visitor.get(path)
    until = time.monotonic() + seconds
    counts = [0] * len(visitors)

    def ask(place: int) -> None:
        while time.monotonic() < until:
            visitors[place].get(path)
            counts[place] += 1

    began = time.monotonic()
    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(visitors))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - began)
