"""Assesses every subscription as what follows a sync does, in a process of its own, and tells time and memory.

`python -m tests.benchmarks.assessing` prints one line of JSON.
"""

import json
import os
import resource as system
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.benchmarks.settings")


def main() -> None:
    import django

    django.setup()
    from migrator.gateway.arm import ArmGateway, StaticToken
    from tracker.audit.values import Actor
    from tracker.inventory import queries
    from tracker.inventory.models import Subscription
    from tracker.readiness import actions as readiness
    from tracker.runs.queries import database_now

    by = Actor("command", "benchmark", "The benchmark")
    gateway = ArmGateway("http://127.0.0.1:9", StaticToken("a-token"))  # asked only which verbs it has
    seconds, units, changed = 0.0, 0, 0
    for pk in Subscription.objects.order_by("name").values_list("pk", flat=True):
        listed = list(queries.live_units(pk))
        began = time.perf_counter()
        done = readiness.assess(listed, shortfalls={}, movable=gateway.movable(), now=database_now(), by=by)
        seconds += time.perf_counter() - began
        units, changed = units + done.units, changed + done.changed
    peak = system.getrusage(system.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "units": units, "changed": changed, "mebibytes": peak}))


if __name__ == "__main__":
    main()
