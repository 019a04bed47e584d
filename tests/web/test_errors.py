"""What people see when something goes wrong: what happened, whether anything changed, what next."""

from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from tracker.accounts.decorators import require
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.urls import handler400, handler403, handler404, handler500
from tracker.urls import urlpatterns as real

As = Callable[[User], Client]
__all__ = ["handler400", "handler403", "handler404", "handler500"]


def breaks(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the secret cause")


def database_away(request: HttpRequest) -> HttpResponse:
    raise OperationalError("connection refused")


def refuses(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("The wave was approved; it can no longer be edited.")


@require(Permission.EXPORT_AUDIT)
def for_auditors(request: HttpRequest) -> HttpResponse:
    return HttpResponse("export")


urlpatterns = [
    *real,
    path("breaks/", breaks),
    path("away/", database_away),
    path("refuses/", refuses),
    path("export/", for_auditors),
]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def calm() -> Client:
    """A client that gets the page instead of the exception."""
    return Client(raise_request_exception=False)


def test_a_missing_page_stays_inside_the_frame(ada: User, as_person: As) -> None:
    answer = as_person(ada).get("/nowhere/")
    assert answer.status_code == 404
    assert b"There is no such page" in answer.content
    assert b'aria-label="Main"' in answer.content


def test_a_missing_page_tells_a_stranger_nothing_of_the_programme(db: None) -> None:
    answer = Client().get("/nowhere/")
    assert answer.status_code == 404
    assert b'aria-label="Main"' not in answer.content


def test_a_refusal_says_what_was_wanted_and_whom_to_ask(ada: User, ina: User, as_person: As) -> None:
    answer = as_person(ada).get("/export/")
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "You may not export the audit history." in page
    assert "Nothing was changed." in page
    assert "Ina Vogel" in page


def test_a_refusal_of_the_product_keeps_its_own_sentence(ada: User, as_person: As) -> None:
    assert "it can no longer be edited." in as_person(ada).get("/refuses/").content.decode()


def test_an_unexpected_error_needs_no_database_and_tells_no_cause(
    calm: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = calm.get("/breaks/")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert "the secret cause" not in page
    assert "Nothing was changed." in page
    reference = page.partition("reference ")[2][:8]
    assert f"reference {reference}" in caplog.text
    assert "the secret cause" in caplog.text


def test_after_a_failed_post_it_does_not_promise_that_nothing_changed(calm: Client) -> None:
    page = calm.post("/breaks/").content.decode()
    assert "Nothing was changed" not in page
    assert "Look at the page again before you repeat it." in page


def test_an_absent_database_is_503_and_says_when_to_come_back(calm: Client) -> None:
    answer = calm.get("/away/")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "10"
    assert b"The database cannot be reached" in answer.content


@pytest.mark.parametrize(("address", "status"), [("/nowhere/", 404), ("/breaks/", 500), ("/away/", 503)])
def test_a_fragment_gets_one_toast_instead_of_a_page(calm: Client, db: None, address: str, status: int) -> None:
    answer = calm.get(address, headers={"hx-request": "true"})
    assert answer.status_code == status
    assert answer.content.startswith(b'<div class="toast stop">')


def test_a_form_without_its_token_is_explained(ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/look/", {"theme": "dark"})
    assert answer.status_code == 403
    assert b"This form is no longer valid" in answer.content
