"""Accounts, roles, tokens and sign-in."""

import json
import threading
from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import RequestFactory
from knox.auth import TokenAuthentication
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from tests.tracker.accounts.conftest import NOON, SECRET, Make, person
from tracker.accounts import actions, queries
from tracker.accounts.models import ApiToken, SignInAttempt, User
from tracker.accounts.permissions import Permission, Role
from tracker.audit.actions import ENGINE
from tracker.audit.models import Event, PrivateValue

HOME = "192.0.2.7"


def later(**time: float):
    return NOON + timedelta(**time)


def account(**change: object) -> User:
    asked: dict = {
        "username": "priya",
        "display_name": "Priya Rao",
        "email": "priya@example.com",
        "password": SECRET,
        "roles": [Role.ENGINEER, Role.AUDITOR, Role.ENGINEER],
    }
    return actions.create_user(**(asked | change), by=ENGINE, now=NOON)


def told(type: str) -> dict:
    return json.loads(Event.objects.filter(type=type).latest("id").body)


def test_an_account_is_made_whole_and_its_history_names_nobody(db: None) -> None:
    user = account()
    assert (
        user.roles == {Role.ENGINEER, Role.AUDITOR} and user.check_password(SECRET) and user.pseudonym.startswith("p-")
    )
    body = Event.objects.get(type="account.created").body
    assert json.loads(body)["detail"] == {"roles": ["auditor", "engineer"]}
    assert not any(word in body for word in ("priya", "Priya", SECRET))
    values = dict(PrivateValue.objects.values_list("field", "value"))
    assert values == {"display_name": "Priya Rao", "username": "priya", "email": "priya@example.com"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"username": ""}, "blank"),
        ({"username": "two words"}, "valid username"),
        ({"username": "x" * 151}, "150"),
        ({"username": "a\x00b"}, "cannot be made"),
        ({"display_name": " "}, "display name"),
        ({"display_name": "a\u202eb"}, "control"),
        ({"display_name": "x" * 121}, "120"),
        ({"email": "nobody"}, "email"),
        ({"email": ""}, "email"),
        ({"password": "short"}, "too weak"),
        ({"password": "priya rao priya"}, "too similar"),
        ({"password": "password1234"}, "too common"),
    ],
)
def test_an_account_asked_for_wrongly_gets_a_sentence_and_nothing_is_made(db: None, change: dict, why: str) -> None:
    with pytest.raises(actions.BadAccount, match=why):
        account(**change)
    assert not User.objects.exists() and not Event.objects.exists()


@pytest.mark.parametrize("name", ["priya", "PRIYA", " Priya "])
def test_a_user_name_is_taken_in_any_case(db: None, name: str) -> None:
    account()
    with pytest.raises(actions.UsernameTaken, match="choose another"):
        account(username=name)
    assert User.objects.count() == Event.objects.count() == 1


def test_one_name_asked_for_by_many_at_once_is_given_once(committed: None) -> None:
    outcomes: list[type] = []

    def ask(name: str) -> None:
        try:
            outcomes.append(type(account(username=name)))
        except actions.UsernameTaken as error:
            outcomes.append(type(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("priya", "Priya", "PRIYA", "priya")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(User) == 1 and outcomes.count(actions.UsernameTaken) == 3


def test_roles_are_given_and_taken_once_and_hold_at_once(make: Make) -> None:
    admin, user = make(Role.ADMINISTRATOR), make()
    prefetched = queries.people().get(pk=user.pk)
    assert actions.grant_role(prefetched, Role.ENGINEER, by=admin.actor, now=NOON) is True
    assert actions.grant_role(prefetched, Role.ENGINEER, by=admin.actor, now=NOON) is False
    assert prefetched.may(Permission.OPERATE)
    assert actions.revoke_role(prefetched, Role.ENGINEER, by=admin.actor, now=NOON) is True
    assert actions.revoke_role(prefetched, Role.ENGINEER, by=admin.actor, now=NOON) is False
    assert not prefetched.may(Permission.OPERATE)
    types = list(Event.objects.order_by("id").values_list("type", "actor", "object_id"))
    assert types == [
        ("account.role_granted", admin.actor.key, user.pseudonym),
        ("account.role_revoked", admin.actor.key, user.pseudonym),
    ]


def test_the_last_administrator_stays(make: Make) -> None:
    only = make(Role.ADMINISTRATOR)
    for leave in (
        lambda: actions.revoke_role(only, Role.ADMINISTRATOR, by=only.actor, now=NOON),
        lambda: actions.deactivate(only, by=only.actor, now=NOON, reason="leaves"),
    ):
        with pytest.raises(actions.LastAdministrator, match="Make another one first"):
            leave()
    assert only.may(Permission.ADMINISTER) and not Event.objects.exists()
    make(Role.ADMINISTRATOR)
    assert actions.revoke_role(only, Role.ADMINISTRATOR, by=only.actor, now=NOON)


def test_two_administrators_cannot_remove_each_other_at_once(committed: None) -> None:
    one, two = person(Role.ADMINISTRATOR), person(Role.ADMINISTRATOR)
    start, refused = threading.Barrier(2), []

    def remove(leaver: User, by: User) -> None:
        try:
            start.wait(timeout=10)
            actions.revoke_role(leaver, Role.ADMINISTRATOR, by=by.actor, now=NOON)
        except actions.LastAdministrator as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert sum(user.may(Permission.ADMINISTER) for user in User.objects.all()) == 1


def test_a_leaver_has_no_sign_in_no_token_and_no_session(make: Make) -> None:
    admin, leaver = make(Role.ADMINISTRATOR), make(Role.ENGINEER)
    for user in (admin, leaver):
        session = SessionStore()
        session["_auth_user_id"] = str(user.pk)
        session.create()
    _, secret = actions.issue_token(leaver, "script", by=admin, now=NOON)
    actions.deactivate(
        leaver, by=admin.actor, now=Session.objects.first().expire_date - timedelta(hours=1), reason="left"
    )
    assert [session.get_decoded()["_auth_user_id"] for session in Session.objects.all()] == [str(admin.pk)]
    assert not AuthToken.objects.exists() and not ApiToken.objects.exists() and secret
    with pytest.raises(actions.WrongCredentials):
        actions.sign_in(leaver.username, SECRET, HOME, now=NOON)
    assert PrivateValue.objects.get(field="reason").value == "left"


def test_a_token_opens_the_api_and_is_stored_nowhere(make: Make) -> None:
    user, admin = make(Role.AUDITOR), make(Role.ADMINISTRATOR)
    described, secret = actions.issue_token(user, " Nightly export ", by=admin, now=NOON)
    request = RequestFactory().get("/", headers={"Authorization": f"Bearer {secret}"})
    assert TokenAuthentication().authenticate(request)[0] == user
    assert secret.startswith("cmt_") and described.name == "Nightly export" and described.issued_by == admin
    assert [token.name for token in queries.tokens(user)] == ["Nightly export"]
    event = Event.objects.get(type="account.token_issued")
    assert secret not in event.body and "Nightly" not in event.body and described.token.token_key in event.body
    actions.revoke_token(described, by=admin, now=NOON)
    with pytest.raises(AuthenticationFailed):
        TokenAuthentication().authenticate(request)
    assert Event.objects.filter(type="account.token_revoked").exists() and not ApiToken.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\nb"])
def test_a_token_without_a_proper_name_is_refused(make: Make, name: str) -> None:
    user = make()
    with pytest.raises(actions.BadAccount, match="name"):
        actions.issue_token(user, name, by=user, now=NOON)
    assert not AuthToken.objects.exists()


def test_sign_in_and_out_are_history_with_the_address_beside_it(make: Make) -> None:
    user = make(Role.ENGINEER)
    assert actions.sign_in(f" {user.username} ", SECRET, HOME, now=NOON) == user
    actions.record_sign_out(user, now=NOON)
    assert told("account.signed_in")["actor"] == user.actor.key and HOME not in json.dumps(told("account.signed_in"))
    assert PrivateValue.objects.get(field="address").value == HOME
    assert told("account.signed_out")["object"] == {"kind": "account", "id": user.pseudonym}


@pytest.mark.parametrize("username", ["nobody", "", "x" * 5_000, "a\x00b", "\ud800"])
@pytest.mark.parametrize("password", ["wrong", "", "\x00", "x" * 10_000])
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(make: Make, username: str, password: str) -> None:
    user = make()
    sentences = set()
    for name in (username, user.username):
        with pytest.raises(actions.WrongCredentials) as caught:
            actions.sign_in(name, password, HOME, now=NOON)
        sentences.add(str(caught.value))
    assert sentences == {"The user name or the password is wrong. Nobody was signed in."}
    events = Event.objects.filter(type="account.sign_in_failed", result="failed").order_by("id")
    assert [event.object_id for event in events] == ["unknown", user.pseudonym]


def fail(username: str, address: str, at, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(actions.WrongCredentials):
            actions.sign_in(username, "wrong", address, now=at)


def test_the_sixth_failure_in_a_minute_is_not_looked_at(make: Make) -> None:
    user = make()
    fail(user.username, HOME, NOON, 5)
    for address in (HOME, "192.0.2.8"):  # the right password, from anywhere
        with pytest.raises(actions.TooManyAttempts, match="Try again in 50 seconds"):
            actions.sign_in(user.username.upper(), SECRET, address, now=later(seconds=10))
    assert actions.sign_in(user.username, SECRET, HOME, now=later(seconds=60)) == user


def test_an_address_that_tries_many_names_is_slowed(make: Make) -> None:
    user = make()
    for number in range(5):
        fail(f"name-{number}", HOME, NOON)
    with pytest.raises(actions.TooManyAttempts):
        actions.sign_in(user.username, SECRET, HOME, now=NOON)
    assert actions.sign_in(user.username, SECRET, "192.0.2.8", now=NOON) == user


def test_one_who_goes_on_failing_waits_longer(make: Make) -> None:
    user = make()
    for minute in range(4):
        fail(user.username, f"192.0.2.{minute}", later(minutes=2 * minute), 5)
    with pytest.raises(actions.TooManyAttempts, match="Try again in 3 minutes"):
        actions.sign_in(user.username, SECRET, HOME, now=later(minutes=8))
    assert actions.sign_in(user.username, SECRET, HOME, now=later(minutes=11)) == user


def test_signing_in_well_costs_nothing(make: Make) -> None:
    user = make()
    for _ in range(12):
        actions.sign_in(user.username, SECRET, HOME, now=NOON)
    assert SignInAttempt.objects.filter(succeeded=True).count() == 12


def test_a_flood_does_not_fill_the_history(make: Make) -> None:
    user = make()
    fail(user.username, HOME, NOON, 5)
    for second in range(30):
        with pytest.raises(actions.TooManyAttempts):
            actions.sign_in(user.username, "wrong", HOME, now=later(seconds=second))
    causes = [json.loads(event.body)["detail"]["cause"] for event in Event.objects.order_by("id")]
    assert causes == ["wrong credentials"] * 5 + ["too many attempts"]


def test_attempts_sent_at_once_are_counted_too(committed: None) -> None:
    user = person()
    outcomes: list[type] = []

    def attempt() -> None:
        try:
            actions.sign_in(user.username, "wrong", HOME, now=NOON)
        except ValueError as error:
            outcomes.append(type(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(actions.WrongCredentials) == 5 and outcomes.count(actions.TooManyAttempts) == 7


def test_old_attempts_are_forgotten(make: Make) -> None:
    fail("somebody", HOME, NOON, 3)
    fail("somebody", HOME, later(days=2))
    assert SignInAttempt.objects.count() == 1


def test_restricted_values_are_for_auditors_and_administrators(make: Make) -> None:
    sees = {role: queries.sees_restricted(make(role)) for role in Role}
    assert [role for role, seen in sees.items() if seen] == [Role.AUDITOR, Role.ADMINISTRATOR]
