"""Reads the stub's subscription once, in a process of its own, and tells how long each part took and how much memory.

`python -m tests.benchmarks.reading PORT [--assess] [--patience SECONDS]` prints one line of JSON.
"""

import argparse
import json
import os
import resource as system
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.benchmarks.settings")


def main() -> None:
    import django

    django.setup()
    from migrator.gateway.arm import ArmGateway, StaticToken
    from tests.benchmarks.stub_azure import SUBSCRIPTION
    from tracker.audit.values import Actor
    from tracker.inventory import actions as inventory
    from tracker.inventory import queries
    from tracker.inventory.models import Subscription
    from tracker.readiness import actions as readiness
    from tracker.runs.queries import database_now

    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--assess", action="store_true")
    parser.add_argument("--patience", type=float, default=0.0)
    given = parser.parse_args()
    by = Actor("command", "benchmark", "The benchmark")
    subscription, _ = Subscription.objects.get_or_create(pk=SUBSCRIPTION, defaults={"name": "Stub"})
    gateway = ArmGateway(f"http://127.0.0.1:{given.port}", StaticToken("a-token"))
    began = time.perf_counter()
    row = inventory.sync(subscription, gateway, database_now, by, patience=given.patience)
    synced = time.perf_counter()
    if given.assess:
        units = list(queries.live_units(subscription))
        readiness.assess(units, shortfalls={}, movable=gateway.movable(), now=database_now(), by=by)
    ended = time.perf_counter()
    told = {
        "outcome": str(row.outcome),
        "error": row.error,
        "counts": [row.added, row.changed, row.gone, row.unchanged],
        "sync": synced - began,
        "assess": ended - synced,
        "mebibytes": system.getrusage(system.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
