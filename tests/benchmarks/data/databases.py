"""The databases of a run: one seeded by the product itself, copied and grown to the sizes the rows ask for."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql

PREFIX = "benchmark_"
MADE_FROM = ("tests/benchmarks/data", "tracker/migrations", "migrator/simulator/estates")
ROOT = Path(__file__).resolve().parents[3]


def fingerprint() -> str:
    """What the data is made from: with `--keep` a database of the same name is used again."""
    digest = hashlib.sha256()
    for source in MADE_FROM:
        for file in sorted((ROOT / source).rglob("*.*")):
            if file.suffix in (".py", ".sql"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:10]


def named(url: str, name: str) -> str:
    """The same server, another database."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{quote(name)}"))


class Databases:
    """On the server of TRACKER_DATABASE_URL, whose user may create databases."""

    def __init__(self, keep: bool) -> None:
        self.server = os.environ["TRACKER_DATABASE_URL"]
        self.keep = keep
        self.made: list[str] = []

    def have(self, label: str, fill: Callable[[], None], template: str | None = None) -> str:
        """The name of the database `label`, filled; Django is connected to it afterwards."""
        name = f"{PREFIX}{label}_{fingerprint()}"
        self.made.append(name)
        connection.close()
        if not self._exists(name):
            fresh = f"{name}_new"
            self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", fresh)
            self._run("CREATE DATABASE {} TEMPLATE {}", fresh, template or "template0")
            self.use(fresh)
            if template is None:
                call_command("migrate", verbosity=0)
            fill()
            connection.close()
            self._run("ALTER DATABASE {} RENAME TO {}", fresh, name)
        self.use(name)
        return name

    def use(self, name: str) -> None:
        connection.close()
        connection.settings_dict["NAME"] = name

    def drop(self) -> None:
        connection.close()
        if not self.keep:
            for name in self.made:
                self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _exists(self, name: str) -> bool:
        with psycopg.connect(self.server) as server:
            return bool(server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone())

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as server:
            server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
