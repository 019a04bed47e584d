"""One whole product for each module of journeys."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from migrator.simulator import running
from tests.journeys.stack import Stack, database_of_its_own, url_of

PASSWORD = "correct horse battery staple"
PEOPLE = {
    "maya": ("Maya Lindqvist", "programme-manager"),
    "tomas": ("Tomás Ferreira", "engineer"),
    "aiko": ("Aiko Tanaka", "engineer"),
    "noor": ("Noor Haddad", "auditor"),
}


@pytest.fixture(scope="module")
def stack(django_db_blocker, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Simulator, database, four people, the journey estate read once; web, worker and beat running."""
    import redis

    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    folder: Path = tmp_path_factory.mktemp("stack")
    with running.simulator(scenario="journey", speed=300) as simulator, database_of_its_own(django_db_blocker) as name:
        from tracker.accounts.actions import create_user
        from tracker.accounts.permissions import Role
        from tracker.audit.values import Actor
        from tracker.runs.queries import database_now

        command = Actor("command", "test", "A test")
        for username, (shown, role) in PEOPLE.items():
            create_user(
                username=username,
                display_name=shown,
                email=f"{username}@example.com",
                password=PASSWORD,
                roles=[Role(role)],
                by=command,
                now=database_now(),
            )
        made = Stack(simulator, url_of(name), redis_url, folder)
        try:
            made.start("worker", "beat", "web")
            yield made
        finally:
            made.stop()
