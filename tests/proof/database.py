"""Databases for proofs: one of its own for each, and a second connection beside Django's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection, connections
from django.test.utils import setup_databases, teardown_databases


@contextmanager
def test_database() -> Iterator[None]:
    """An empty database with the product's tables, removed afterwards; for `manage.py prove` (pytest has its own)."""
    made = setup_databases(verbosity=0, interactive=False)
    try:
        yield
    finally:
        connections.close_all()
        teardown_databases(made, verbosity=0)


test_database.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever its name


def own_connection() -> psycopg.Connection[Any]:
    """A connection to the same database in the same role as the product's, past Django."""
    given = connection.get_connection_params()
    plain = {key: given[key] for key in ("dbname", "user", "password", "host", "port") if given.get(key)}
    return psycopg.connect(**plain)
