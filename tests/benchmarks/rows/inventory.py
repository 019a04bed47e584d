"""F10 and F11: a subscription read from a loopback stub into committed, assessed, audited rows."""

import http.client
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from tests.benchmarks.bench import Bench
from tests.benchmarks.data.databases import ROOT, named
from tests.benchmarks.registry import Figure, at_least, at_most, row
from tests.benchmarks.stub_azure import QUERIES, WINDOW

MANY, ALL = 10_000, 100_000
PACED, PACED_PAGE = 6_000, 100  # sixty queries
TABLES = ("tracker_resource", "tracker_snapshot", "tracker_unit", "tracker_finding", "tracker_assessment")


@contextmanager
def stub(count: int, *more: str) -> Iterator[int]:
    command = [sys.executable, "-m", "tests.benchmarks.stub_azure", str(count), *more]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def raw(port: int) -> float:
    """Seconds to fetch and parse every page with the standard library."""
    began = time.perf_counter()
    wire, token = http.client.HTTPConnection("127.0.0.1", port), ""
    while True:
        options = {"$skipToken": token} if token else {}
        asked = {"query": "startswith 'microsoft.classic'", "options": options}
        wire.request("POST", "/providers/Microsoft.ResourceGraph/resources", json.dumps(asked))
        token = json.loads(wire.getresponse().read()).get("$skipToken", "")
        if not token:
            wire.close()
            return time.perf_counter() - began


def read(database: str, port: int, *more: str) -> dict[str, Any]:
    """One sync by a process of its own."""
    environment = {**os.environ, "TRACKER_DATABASE_URL": named(os.environ["TRACKER_DATABASE_URL"], database)}
    command = [sys.executable, "-m", "tests.benchmarks.reading", str(port), *more]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(answer.stderr[-3_000:])
    told = json.loads(answer.stdout.splitlines()[-1])
    if told["outcome"] != "complete":
        raise RuntimeError(f"the sync ended {told['outcome']}: {told['error']}")
    return told


def written() -> int:
    """Rows ever written to the tables of inventory and readiness."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables"
            " WHERE relname = ANY(%s)",
            [list(TABLES)],
        )
        return int(cursor.fetchone()[0])


def fresh(bench: Bench, label: str) -> str:
    return bench.databases.have(label, lambda: None)


@row("F10", "sync of 10,000 resources from a loopback stub; again unchanged; at Azure's pace")
def ten_thousand(bench: Bench) -> Iterator[Figure]:
    database = fresh(bench, "sync_10k")
    with stub(MANY) as port:
        wire = min(raw(port) for _ in range(3))
        first = read(database, port, "--assess")
        if first["counts"][0] != MANY:
            raise RuntimeError(f"{first['counts'][0]} of {MANY} resources were added")
        seconds = first["sync"] + first["assess"]
        yield Figure(
            "F10",
            "first, to assessed and audited rows",
            f"{seconds:.2f} s (sync {first['sync']:.2f}, assess {first['assess']:.2f})",
            f"raw read {wire:.2f} s",
            f"{seconds / wire:.1f} x",
            "<= 2 s",
            at_most(seconds, 2.0),
        )
        before = written()
        again = read(database, port, "--assess")
        rows = written() - before
        if again["counts"] != [0, 0, 0, MANY]:
            raise RuntimeError(f"an unchanged sync counted {again['counts']}")
        yield Figure("F10", "again unchanged: rows written", str(rows), "", "", "0 rows", at_most(rows, 0))
        yield Figure(
            "F10",
            "again unchanged: the sync",
            f"{again['sync']:.2f} s (assess again {again['assess']:.2f})",
            f"raw read {wire:.2f} s",
            f"{again['sync'] / wire:.1f} x",
            "<= 3 x",
            at_most(again["sync"] / wire, 3.0),
        )
    yield from _at_pace(bench)


def _at_pace(bench: Bench) -> Iterator[Figure]:
    database = fresh(bench, "sync_paced")
    with stub(PACED, "--page", str(PACED_PAGE), "--pace") as port:
        read(database, port, "--patience", "600")
        wire = http.client.HTTPConnection("127.0.0.1", port)
        wire.request("GET", "/pace")
        pace = json.loads(wire.getresponse().read())
    least = (math.ceil(pace["asked"] / QUERIES) - 1) * WINDOW  # from the first query to the last, at Azure's pace
    used = least / pace["span"]
    yield Figure("F10", "queries before Retry-After", str(pace["early"]), "", "", "0", at_most(pace["early"], 0))
    yield Figure(
        "F10",
        "budget of queries used",
        f"{pace['asked']} queries in {pace['span']:.1f} s",
        f"{least:.0f} s at Azure's pace",
        f"{used:.0%}",
        ">= 85 %",
        at_least(used, 0.85),
    )


@row("F11", "first sync of 100,000 resources")
def hundred_thousand(bench: Bench) -> Iterator[Figure]:
    database = fresh(bench, "sync_100k")
    with stub(ALL) as port:
        wire = raw(port)
        told = read(database, port)
    rate = ALL / (told["sync"] - wire)
    yield Figure(
        "F11",
        "resources a second beyond wire time",
        f"{rate:,.0f}/s ({told['sync']:.1f} s)",
        f"raw read {wire:.1f} s",
        "",
        ">= 5,000/s",
        at_least(rate, 5_000),
    )
    peak = told["mebibytes"]
    yield Figure("F11", "memory of the reader", f"{peak:.0f} MiB", "", "", "<= 400 MiB", at_most(peak, 400))
