"""One migrated database, copied wherever a test needs an empty one: copying takes a tenth of a second, migrating many.

Only on servers which `manage.py test` started for this run (TRACKER_TEST_TEMPLATE names it): on somebody's own server a
template could be of another day.
"""

import os
from typing import Any

NAME = os.environ.get("TRACKER_TEST_TEMPLATE", "")
_ONE_AT_A_TIME = 7_201_115  # of all processes of the suite, the first makes it


def made() -> str:
    """The name of the template, made by whoever comes first; empty where there is none. Django speaks to the usual
    database afterwards."""
    if not NAME:
        return ""
    from django.db import connection

    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_ONE_AT_A_TIME])  # ends with this connection
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME])
        if cursor.fetchone() is None:
            _make(connection, cursor)
    return NAME


def _make(connection: Any, cursor: Any) -> None:
    from django.core.management import call_command

    half = f"{NAME}_half"  # its real name is given to it when it is whole
    cursor.execute(f'DROP DATABASE IF EXISTS "{half}" WITH (FORCE)')
    cursor.execute(f'CREATE DATABASE "{half}"')
    usual = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = half
    try:
        call_command("migrate", interactive=False, verbosity=0)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual
    cursor.execute(f'ALTER DATABASE "{half}" RENAME TO "{NAME}"')
