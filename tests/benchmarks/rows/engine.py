"""F13: steps of the engine, and 2,000 operations in flight on one worker with two processes. F18: and 200 people."""

import statistics
import threading
import time
from collections.abc import Iterator

from django.db import connection

from tests.benchmarks.bench import Bench
from tests.benchmarks.flight import Flight, flight
from tests.benchmarks.registry import Figure, at_least, at_most, row
from tests.benchmarks.serving import NotAnswered
from tracker.runs.models import Attempt, Run
from tracker.runs.queries import database_now

IN_FLIGHT = {"small": 300, "full": 2_000}
WATCH = 120.0  # seconds
PEOPLE = 200
PAUSE = 10.0  # seconds a person reads a page, at the most


@row("F13", "engine steps against the simulator; thousands of operations in flight")
def steps(bench: Bench) -> Iterator[Figure]:
    with flight(_units(bench), bench.databases, bench.scratch, bench.say) as up:
        yield from _starts(up)
        up.all_in_flight()
        yield from _throughput(up)
        yield from _in_flight(up)


@row("F18", "200 people while 2,000 operations are polled")
def people(bench: Bench) -> Iterator[Figure]:
    with flight(_units(bench), bench.databases, bench.scratch, bench.say) as up:
        visitors = [bench.visitor(up.database, f"engineer{1 + number % 8}") for number in range(PEOPLE)]
        run = None
        pages = ["/", "/inventory/", "/waves/", "/runs/", "/approvals/", "/audit/"]
        idle = _visit(visitors[:1], pages, 20)
        up.all_in_flight()
        run = Run.objects.filter(ended_at=None).first()
        pages.append(f"/runs/{run.pk}/")
        lags: list[float] = []
        watcher = threading.Thread(target=lambda: lags.extend(_watched(up, 60)))
        watcher.start()
        busy = _visit(visitors, pages, 60)
        watcher.join()
        median, p95 = statistics.median(idle), _part(busy, 95)
        yield Figure(
            "F18", f"pages for {PEOPLE} people, {len(busy):,} in a minute: p95", f"{p95 * 1000:.0f} ms",
            f"idle median {median * 1000:.0f} ms", f"{p95 / median:.1f} ×", "≤ 4 ×", at_most(p95 / median, 4),
        )  # fmt: skip
        late = _part(lags, 99)
        yield Figure("F18", "due lag meanwhile, p99", f"{late:.1f} s", "", "", "≤ 5 s", at_most(late, 5))


def _units(bench: Bench) -> int:
    return IN_FLIGHT["full" if bench.size.units >= 100_000 else "small"]


def _part(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)] if values else 0.0


def _starts(up: Flight) -> Iterator[Figure]:
    """From the message to the claim, of a worker that waits for it."""
    from celery import current_app

    up.start("worker")
    up.until("the worker is there", lambda: bool(current_app.control.ping(timeout=1)), 60)
    run = Run.objects.first()
    if run is None:
        from tests.benchmarks.data.seed import person
        from tracker.inventory.models import Unit
        from tracker.runs import actions as runs

        run = runs.start(Unit.objects.filter(placement__isnull=False).first(), by=person("tomas"), now=database_now())
        current_app.send_task("tracker.tasks.advance", kwargs={"run_id": str(run.pk)})
    # it waits for a person: its step is short, and ends before the next message
    rests = Run.objects.filter(pk=run.pk, due_at=None, lease_until=None)
    up.until("the first run waits for a person", rests.exists, 60)
    samples = []
    for _ in range(45):
        up.until("the step ended", rests.exists, 60)
        Run.objects.filter(pk=run.pk).update(due_at=database_now())
        before = Run.objects.get(pk=run.pk).fence
        began = time.perf_counter()
        current_app.send_task("tracker.tasks.advance", kwargs={"run_id": str(run.pk)})
        while Run.objects.values_list("fence", flat=True).get(pk=run.pk) == before:
            if time.perf_counter() - began > 15:
                raise RuntimeError("a message was not taken within 15 seconds")
            time.sleep(0.0005)
        samples.append((time.perf_counter() - began) * 1000)
    samples = samples[5:]  # in which both processes made their connections
    up.stop("worker")
    found = statistics.median(samples)
    yield Figure("F13", "message to claim, median of 40", f"{found:.1f} ms", "", "", "≤ 10 ms", at_most(found, 10))


def _throughput(up: Flight) -> Iterator[Figure]:
    """All are due at once: claimed, looked at over HTTP, decided, recorded. The platform's buckets are off for that."""
    up.azure.control("settings", {"throttle": 0})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tracker_budget SET tokens = 100000, updated_at = clock_timestamp() + interval '1 day'")
        cursor.execute("SELECT sum(fence) FROM tracker_run")
        before = cursor.fetchone()[0]
        cursor.execute(
            "UPDATE tracker_run SET due_at = clock_timestamp(), enqueued_at = NULL WHERE ended_at IS NULL"
            " AND waiting_code = 'polling'"
        )
    began, goal = time.monotonic(), int(up.flying * 0.95)

    def taken() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT sum(fence) FROM tracker_run")
            return int(cursor.fetchone()[0] - before)

    up.until("a round of looks", lambda: taken() >= goal, 300)
    rate = taken() / (time.monotonic() - began)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tracker_budget SET tokens = 100, updated_at = clock_timestamp()")
    up.azure.control("settings", {"throttle": 1})
    yield Figure(
        "F13", f"steps of {up.flying:,} runs due at once, one worker of two processes", f"{rate:.0f}/s", "", "",
        "≥ 200/s", at_least(rate, 200),
    )  # fmt: skip


def _in_flight(up: Flight) -> Iterator[Figure]:
    time.sleep(30)  # what was due at once is spread again
    before = up.azure_state()
    log = up.azure.control("log")["value"]
    mark = log[-1]["number"] if log else 0
    lags = up.lags(WATCH)
    after = up.azure_state()
    rows = up.azure.control(f"log?after={mark}")["value"]
    polls = [row for row in rows if "operationstatuses" in row["path"].lower()]
    refused = [row for row in rows if row["status"] == 429]
    early = after["throttled_early"] - before["throttled_early"]
    late = _part(lags, 99)
    yield Figure(
        "F13", f"{up.flying:,} in flight: due lag p99 (the longest {max(lags, default=0):.1f} s)", f"{late:.1f} s",
        "", "", "≤ 5 s", at_most(late, 5),
    )  # fmt: skip
    starved = Run.objects.filter(ended_at=None, waiting_code="polling", due_at__lt=database_now()).count()
    seen = {row["path"] for row in polls}
    yield Figure(
        "F13", f"looked at in {WATCH:.0f} s, of {up.flying:,}", f"{len(seen):,}", f"{starved} overdue now", "",
        "all", at_least(len(seen), up.flying),
    )  # fmt: skip
    yield Figure("F13", "looks before Retry-After was over", f"{early}", "", "", "0", at_most(early, 0))
    yield Figure(
        "F13", f"requests refused for the budget, of {len(rows):,}", f"{len(refused)}", "", "", "0",
        at_most(len(refused), 0),
    )  # fmt: skip
    twice = Attempt.objects.filter(operation__verb="prepare", number__gt=1).count()
    yield Figure("F13", "sent more than once", f"{twice}", "", "", "0", at_most(twice, 0))
    memory = up.memory("worker") / 2**20
    yield Figure("F13", "memory of the worker, its two processes included", f"{memory:.0f} MiB")


def _watched(up: Flight, seconds: float) -> list[float]:
    try:
        return up.lags(seconds)
    finally:
        connection.close()  # of this thread


def _visit(visitors: list, pages: list[str], seconds: float) -> list[float]:
    """Everybody opens a page, reads it for a while, opens the next. Seconds of each answer. Raises NotAnswered."""
    import random

    samples: list[float] = []
    wrong: list[str] = []
    until = time.monotonic() + seconds

    def one(number: int, visitor) -> None:
        dice = random.Random(number)
        if len(visitors) > 1:
            time.sleep(dice.uniform(0, PAUSE))
        while time.monotonic() < until:
            began = time.perf_counter()
            try:
                visitor.get(dice.choice(pages))
            except NotAnswered as error:
                wrong.append(str(error))
                return
            samples.append(time.perf_counter() - began)
            if len(visitors) > 1:
                time.sleep(dice.uniform(0, PAUSE))

    threads = [threading.Thread(target=one, args=(n, visitor)) for n, visitor in enumerate(visitors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise NotAnswered(f"{len(wrong)} of the people got no page: {wrong[0]}")
    return samples
