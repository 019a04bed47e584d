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

from tests.kept_rows import may_switch_triggers_off

# Every row of every table but the list of migrations; without triggers, so that order and guards do not matter.
_EMPTY = """
DO $$ DECLARE t text; BEGIN
  SET LOCAL session_replication_role = replica;
  FOR t IN SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
            WHERE schemaname = 'public' AND tablename <> 'django_migrations' LOOP
    EXECUTE 'DELETE FROM ' || t;
  END LOOP;
END $$
"""


@pytest.fixture(scope="session", autouse=True)
def emptied_for_real() -> Iterator[None]:
    original = BaseDatabaseOperations.execute_sql_flush

    def execute_sql_flush(self: BaseDatabaseOperations, sql_list: list[str]) -> None:
        with connection.cursor() as cursor:
            if may_switch_triggers_off():  # thrice as quick as truncating a hundred tables, most of them empty
                cursor.execute(_EMPTY)
            else:
                cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
                guarded = [table for (table,) in cursor.fetchall()]
                off = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in guarded]
                on = [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in guarded]
                original(self, [*off, *sql_list, *on])
        importlib.import_module("tracker.migrations.0002_first_rows").first_rows(apps, None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", execute_sql_flush)
        yield
