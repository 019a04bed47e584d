"""Signing in and out, and the look a person chose."""

from collections.abc import Callable

import pytest
from django.test import Client, RequestFactory

from tests.web.conftest import PASSWORD
from tracker.accounts import actions as accounts
from tracker.accounts.models import User
from tracker.audit.models import Event
from tracker.web.views import session

As = Callable[[User], Client]


def send(client: Client, username: str = "ada", password: str = PASSWORD, target: str = "/style/"):
    return client.post("/sign-in/", {"username": username, "password": password, "next": target})


def test_a_page_asks_for_sign_in_and_leads_back(ada: User) -> None:
    client = Client()
    asked = client.get("/style/?say=info")
    assert asked["Location"] == "/sign-in/?next=/style/%3Fsay%3Dinfo"
    form = client.get(asked["Location"]).content.decode()
    assert 'name="next" value="/style/?say=info"' in form
    assert send(client, target="/style/?say=info")["Location"] == "/style/?say=info"
    assert client.get("/style/").status_code == 200


def test_a_wrong_password_keeps_the_name_says_one_sentence_and_is_in_the_history(ada: User) -> None:
    answer = send(Client(), password="wrong")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "The user name or the password is wrong. Nobody was signed in." in page
    assert 'value="ada"' in page
    assert "wrong" not in page.replace("is wrong", "")
    assert Event.objects.filter(type="account.sign_in_failed").count() == 1


def test_a_wrong_name_is_answered_like_a_wrong_password(ada: User) -> None:
    by_name, by_password = send(Client(), username="adb"), send(Client(), password="wrong")
    strip = lambda answer: "".join(c for c in answer.content.decode().partition("<form")[2].partition("csrf")[0])  # noqa: E731
    assert strip(by_name) == strip(by_password)


def test_the_throttle_says_how_long_to_wait(ada: User) -> None:
    client = Client()
    for _ in range(accounts.ATTEMPTS_A_MINUTE):
        assert send(client, password="wrong").status_code == 422
    answer = send(client)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    assert b"Too many failed sign-ins" in answer.content
    assert client.get("/style/").status_code == 302


def test_signing_in_gives_a_new_session_and_is_in_the_history(ada: User) -> None:
    client = Client()
    client.get("/sign-in/")
    session_before = client.session.session_key
    send(client)
    assert client.session.session_key != session_before
    assert Event.objects.filter(type="account.signed_in", actor="user:p-ada").count() == 1


def test_signing_out_needs_a_post_and_ends_the_session(ada: User, as_person: As) -> None:
    client = as_person(ada)
    assert client.get("/sign-out/").status_code == 405
    assert client.get("/style/").status_code == 200
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/style/").status_code == 302
    assert Event.objects.filter(type="account.signed_out", actor="user:p-ada").count() == 1


@pytest.mark.parametrize(
    "evil", ["https://example.org/", "//example.org", "/\\example.org", "javascript:alert(1)", "http:///x"]
)
def test_it_leads_nowhere_else(ada: User, evil: str) -> None:
    assert send(Client(), target=evil)["Location"] == "/"


def test_the_form_is_never_cached_and_shows_no_password(ada: User) -> None:
    answer = send(Client(), password="my-wrong-secret")
    assert "no-store" in answer["Cache-Control"]
    assert b"my-wrong-secret" not in answer.content


@pytest.mark.parametrize("username", ["\x00", "a" * 5000, "ada\x00", "<script>", "ädä\u202e"])
def test_odd_names_are_refused_like_any_other(ada: User, username: str) -> None:
    answer = send(Client(), username=username)
    assert answer.status_code == 422
    assert b"<script>" not in answer.content


def test_the_look_is_kept_in_cookies_and_anything_else_is_ignored(db: None) -> None:
    answer = Client().post("/look/", {"theme": "dark", "density": "huge", "next": "/sign-in/"})
    assert answer["Location"] == "/sign-in/"
    assert answer.cookies["theme"].value == "dark"
    assert "density" not in answer.cookies


def test_a_proxy_is_believed_only_where_one_is_configured(rf: RequestFactory, settings) -> None:
    request = rf.get("/", headers={"x-forwarded-for": "6.6.6.6, 10.1.2.3"}, REMOTE_ADDR="10.0.0.1")
    assert session.client_address(request) == "10.0.0.1"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert session.client_address(request) == "10.1.2.3"
