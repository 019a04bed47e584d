"""A plugin: each of the processes that share the suite (pytest-xdist) has a Redis database of its own, as pytest-django
gives each a PostgreSQL database. It has to act before the settings are read, which is before any conftest."""

import os

if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    url = os.environ.get("TRACKER_REDIS_URL", "")
    place, slash, number = url.rpartition("/")
    if slash and number.isdigit() and os.environ.get("TRACKER_TEST_SERVERS") == "yes":
        os.environ["TRACKER_REDIS_URL"] = f"{place}/{int(number) + int(worker.removeprefix('gw'))}"
