"""Who asks: sessions in the database and people with their roles, each read with one plain statement.

Django's own ways do the same through its query builder, which takes longer than PostgreSQL's answer; every page, every
live fragment and every 304 begins with them (figures.md F19).
"""

from types import SimpleNamespace
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends import db
from django.db import connection

from tracker.accounts import queries
from tracker.accounts.models import User


class SessionStore(db.SessionStore):
    """Django's sessions in the database."""

    def _get_session_from_db(self) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > now()",
                [self.session_key],
            )
            found = cursor.fetchone()
        if found:
            return SimpleNamespace(session_data=found[0])
        self._session_key = None  # as Django does: an unknown key is not taken over
        return None


class Backend(ModelBackend):
    """Django's own check of passwords; the person of a session comes with their roles."""

    def get_user(self, user_id: int) -> User | None:
        return queries.signed_in(user_id)
