"""What stands around every page."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.web.conftest import person
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.waves.models import Approval, Freeze, Wave
from tracker.web import context

As = Callable[[User], Client]


def ask_approval(requester: User) -> Approval:
    now = timezone.now()
    wave = Wave.objects.create(name="Wave 1", created_by=requester, created_at=now, edited_by=requester, edited_at=now)
    return Approval.objects.create(
        kind="wave", wave=wave, body="{}", digest="d", requester=requester, editor=requester, needed=1,
        requested_at=now, expires_at=now + timezone.timedelta(days=1),
    )  # fmt: skip


def frame_of(user: User) -> context.Frame:
    request = RequestFactory().get("/style/")
    request.user = user
    return context.build(request, timezone.now())


def test_the_frame_costs_one_query_beside_the_person(ada: User) -> None:
    ada.know_roles()
    with CaptureQueriesContext(connection) as queries:
        frame_of(ada)
    assert len(queries) == 1


def test_session_person_with_roles_and_frame_are_three_queries(ada: User, as_person: As) -> None:
    client = as_person(ada)
    with CaptureQueriesContext(connection) as queries:
        client.get("/nowhere/")
    assert len(queries) == 3, [query["sql"][:80] for query in queries]


def test_a_fragment_that_shows_no_frame_pays_for_none(ada: User, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = ada
    with CaptureQueriesContext(connection) as queries:
        context.frame(request)
    assert len(queries) == 0


def test_approvals_wait_on_those_who_may_decide_them_and_not_on_the_requester(ada: User) -> None:
    pia = person("pia", Role.PROGRAMME_MANAGER)
    ina = person("ina", Role.AUDITOR)
    ask_approval(pia)
    assert (frame_of(ada).waiting, frame_of(pia).waiting, frame_of(ina).waiting) == (1, 0, 0)


def test_a_freeze_is_on_every_page_with_its_reason(ada: User, as_person: As) -> None:
    Freeze.objects.filter(scope="all").update(frozen=True, reason="Payroll runs tonight.", changed_at=timezone.now())
    page = as_person(ada).get("/style/").content.decode()
    assert "Everything is frozen." in page
    assert "Payroll runs tonight." in page


def test_without_a_freeze_nothing_is_said_about_one(ada: User, as_person: As) -> None:
    assert "frozen" not in as_person(ada).get("/style/").content.decode()


def test_the_simulator_is_named_on_every_page(ada: User, as_person: As) -> None:
    assert settings.ENDPOINT_IS_SIMULATOR
    assert b"nothing here touches Azure" in as_person(ada).get("/style/").content
    assert b"nothing here touches Azure" in Client().get("/sign-in/").content


def test_against_the_real_platform_the_banner_is_gone(ada: User, as_person: As, settings) -> None:
    settings.ENDPOINT_IS_SIMULATOR = False
    assert b"nothing here touches Azure" not in as_person(ada).get("/style/").content


def test_the_rail_names_only_pages_that_exist(ada: User) -> None:
    for place in frame_of(ada).places:
        assert place.url.startswith("/")


def test_a_section_knows_the_pages_under_it() -> None:
    sections = {section.name: section for section in context.SECTIONS}
    assert "/units/7/".startswith(sections["inventory"].under)
    assert len({section.icon for section in context.SECTIONS}) == len(context.SECTIONS)


def test_a_stranger_has_no_frame(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = AnonymousUser()
    assert not context.frame(request)["frame"]


@pytest.mark.parametrize(("cookie", "theme"), [("dark", "dark"), ("light", "light"), ('"><b', "auto"), ("", "auto")])
def test_the_theme_comes_with_the_first_byte(cookie: str, theme: str, db: None) -> None:
    client = Client()
    client.cookies["theme"] = cookie
    assert (
        f'<html lang="en" data-theme="{theme}" data-density="comfortable">' in client.get("/sign-in/").content.decode()
    )
