"""People for the tests of accounts."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Protocol

import pytest

from tests.live_database import emptied_for_real  # noqa: F401 - the tests of races commit
from tests.tracker.audit.conftest import committed as committed
from tracker.accounts.models import RoleGrant, User
from tracker.accounts.permissions import Role

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
SECRET = "a long enough secret"
_numbers = count(1)


class Make(Protocol):
    def __call__(self, *roles: Role | str, name: str = "") -> User: ...


def person(*roles: Role | str, name: str = "") -> User:
    number = next(_numbers)
    user = User(username=f"person-{number}", display_name=name or f"Person {number}", pseudonym=f"p-{number}")
    user.set_password(SECRET)
    user.save()
    RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role, granted_at=NOON) for role in roles)
    return user


@pytest.fixture
def make(db: None) -> Iterator[Make]:
    """A person with these roles, made without the action so that the history is empty."""
    yield person
