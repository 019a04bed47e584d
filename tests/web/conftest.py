"""People and a browserless client for the pages."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.utils import timezone

from tests.tracker.runs.conftest import programme, simulator  # noqa: F401 - pages over a real estate
from tracker.accounts.models import RoleGrant, User
from tracker.accounts.permissions import Role

if TYPE_CHECKING:
    from tests.web.estate import Estate, Replayed

PASSWORD = "correct horse battery staple"


def person(username: str, *roles: Role, name: str = "") -> User:
    user = User(username=username, display_name=name or username.capitalize(), pseudonym=f"p-{username}", email="")
    user.set_password(PASSWORD)
    user.save()
    for role in roles:
        RoleGrant.objects.create(user=user, role=role, granted_at=timezone.now())
    return user


@pytest.fixture
def ada(db: None) -> User:
    return person("ada", Role.ENGINEER, name="Ada Brandt")


@pytest.fixture
def ina(db: None) -> User:
    return person("ina", Role.AUDITOR, name="Ina Vogel")


@pytest.fixture
def as_person() -> Callable[[User], Client]:
    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture(scope="session")
def recording() -> "Replayed":
    """What the simulator answers of the journey estate, asked once."""
    from tests.web.estate import recorded

    return recorded()


@pytest.fixture
def estate(db: None, recording: "Replayed") -> "Estate":
    """People, and the journey estate read and assessed by the real actions; see tests/web/estate.py."""
    from tests.web.estate import Estate

    return Estate(recording)
