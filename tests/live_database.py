"""Emptying the database after tests that commit (`transaction=True`, `live_server`).

The append-only tables refuse TRUNCATE, to their owner too (audit.md 2), and Django empties with TRUNCATE. The owner may
switch the triggers off for one transaction, which is what happens here and nowhere in the product. Afterwards the
rows that must always exist are put back.

A conftest that needs it: `from tests.live_database import emptied_for_real  # noqa: F401`.
"""

import importlib
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations


@pytest.fixture(scope="session", autouse=True)
def emptied_for_real() -> Iterator[None]:
    original = BaseDatabaseOperations.execute_sql_flush

    def execute_sql_flush(self: BaseDatabaseOperations, sql_list: list[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
            guarded = [table for (table,) in cursor.fetchall()]
        off = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in guarded]
        on = [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in guarded]
        original(self, [*off, *sql_list, *on])
        importlib.import_module("tracker.migrations.0002_first_rows").first_rows(apps, None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", execute_sql_flush)
        yield
