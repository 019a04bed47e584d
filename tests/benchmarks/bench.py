"""What the rows share: the two databases, the web servers over them, signed-in clients, the browser."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.benchmarks.data import estate, history, programme, seed
from tests.benchmarks.data.databases import Databases
from tests.benchmarks.serving import Server, Visitor, serve
from tracker.accounts import actions as accounts

BEYOND = 3  # queries beside a page's own: session, person with roles, frame


class NoData(RuntimeError):
    """The data could not be made: nothing can be measured."""


@dataclass(frozen=True, slots=True)
class Size:
    units: int
    few: int  # of the small database, for growth
    events: int
    repetitions: int


SIZES = {"small": Size(10_000, 1_000, 100_000, 30), "full": Size(100_000, 10_000, 1_000_000, 60)}


@dataclass
class Bench:
    size: Size
    keep: bool
    scratch: Path
    say: Callable[[str], None]
    _open: ExitStack = field(default_factory=ExitStack)
    _servers: dict[str, Server] = field(default_factory=dict)

    @cached_property
    def databases(self) -> Databases:
        return Databases(self.keep)

    # --- data ---------------------------------------------------------------------------------------------------------
    @cached_property
    def _seeded(self) -> str:
        self.say("Seeding: the demo's estate, read and assessed by the product …")
        return self.databases.have("seed", seed.seed)

    @cached_property
    def few(self) -> str:
        """The database with a tenth of the units."""
        return self._grown(f"units_{self.size.few}", self.size.few, self.size.events // 10)

    @cached_property
    def full(self) -> str:
        return self._grown(f"units_{self.size.units}", self.size.units, self.size.events)

    def _grown(self, label: str, units: int, events: int) -> str:
        def fill() -> None:
            self.say(f"Growing to {units:,} units …")
            estate.grow(units)
            programme.plan()
            self.say(f"Writing {events:,} events …")
            history.remember(events)
            history.settle()

        try:
            return self.databases.have(label, fill, self._seeded)
        except Exception as error:
            raise NoData(str(error)) from error

    def use(self, database: str) -> None:
        """Connect this process to a database."""
        self.databases.use(database)

    # --- servers and people -------------------------------------------------------------------------------------------
    def server(self, database: str) -> Server:
        if database not in self._servers:
            url = os.environ["TRACKER_DATABASE_URL"]
            self._servers[database] = self._open.enter_context(serve(database, url, self.scratch))
        return self._servers[database]

    def visitor(self, database: str, username: str = "maya") -> Visitor:
        """A signed-in person with a connection that stays open."""
        self.use(database)
        client = Client()
        client.force_login(seed.person(username))
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        return self._open.enter_context(Visitor(self.server(database), {"Cookie": cookie}))

    def program(self, database: str, username: str = "tomas") -> Visitor:
        """A program with an API token of this person."""
        self.use(database)
        user = seed.person(username)
        _, token = accounts.issue_token(user, "benchmark", by=user, now=timezone.now())
        return self._open.enter_context(Visitor(self.server(database), {"Authorization": f"Bearer {token}"}))

    def queries(self, database: str, path: str, username: str = "maya") -> int:
        """How many statements a page takes, all of them, in this process."""
        self.use(database)
        client = Client()
        client.force_login(seed.person(username))
        client.get(path)  # what is made once
        with CaptureQueriesContext(connection) as seen:
            answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        return len(seen)

    def close(self) -> None:
        self._open.close()
        if "databases" in self.__dict__:
            self.databases.drop()
