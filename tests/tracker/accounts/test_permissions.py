"""Who may do what: the whole matrix, the decorators, and what a refusal leaves behind."""

import json

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from tests.tracker.accounts.conftest import NOON, Make
from tracker.accounts import actions, decorators, queries
from tracker.accounts.models import User
from tracker.accounts.permissions import PERMISSION_SENTENCES, ROLE_PERMISSIONS, Permission, Role
from tracker.audit.models import Event

# Written out once more on purpose: a change of the table in permissions.py has to be made here too, knowingly.
MATRIX = """
                 programme-manager  engineer  auditor  administrator
read             yes                yes       yes      yes
sync             yes                yes       no       yes
import           no                 yes       no       yes
plan             yes                no        no       no
approve          no                 yes       no       no
operate          no                 yes       no       no
freeze           yes                yes       no       yes
request-quota    yes                yes       no       no
apply-follow-up  no                 yes       no       no
attest           yes                yes       no       no
waive            yes                yes       no       no
switch-catalogue yes                no        no       yes
fix              no                 yes       no       no
export-audit     no                 no        yes      no
read-settings    no                 no        yes      yes
administer       no                 no        no       yes
"""
ROLES, *ROWS = [line.split() for line in MATRIX.strip().splitlines()]
CASES = [(role, row[0], said == "yes") for row in ROWS for role, said in zip(ROLES, row[1:], strict=True)]


def test_the_matrix_is_complete() -> None:
    assert set(ROLES) == {role.value for role in Role} == {role.value for role in ROLE_PERMISSIONS}
    assert [row[0] for row in ROWS] == [permission.value for permission in Permission]
    assert set(PERMISSION_SENTENCES) == set(Permission)


@pytest.mark.parametrize(("role", "permission", "allowed"), CASES)
def test_each_role_may_what_the_matrix_says(make: Make, role: str, permission: str, allowed: bool) -> None:
    user = make(role)
    assert user.may(Permission(permission)) is allowed
    if allowed:
        actions.check(user, Permission(permission), ("page", "/x"), NOON)
    else:
        with pytest.raises(actions.Denied):
            actions.check(user, Permission(permission), ("page", "/x"), NOON)
    assert Event.objects.filter(type="access.denied").count() == (not allowed)


def test_roles_add_up_and_nobody_without_one_may_anything(make: Make) -> None:
    both, nobody = make(Role.AUDITOR, Role.ENGINEER), make()
    union = ROLE_PERMISSIONS[Role.AUDITOR] | ROLE_PERMISSIONS[Role.ENGINEER]
    assert {permission for permission in Permission if both.may(permission)} == union
    assert not any(nobody.may(permission) for permission in Permission)
    both.is_active = False
    assert not any(both.may(permission) for permission in Permission)


def test_a_refusal_says_whom_to_ask_and_is_history(make: Make) -> None:
    ruth = make(Role.AUDITOR, name="Ruth")
    make(Role.PROGRAMME_MANAGER, name="Priya")
    with pytest.raises(actions.Denied) as caught:
        actions.check(ruth, Permission.PLAN, ("wave", 7), NOON, method="POST")
    assert (
        str(caught.value)
        == "You may not plan waves. Nothing was changed. It takes the role programme manager: ask Priya."
    )
    assert isinstance(caught.value, PermissionDenied)
    event = Event.objects.get(type="access.denied")
    assert (event.actor, event.object_kind, event.object_id, event.result) == (ruth.actor.key, "wave", "7", "denied")
    assert json.loads(event.body)["detail"] == {"permission": "plan", "wanted": "plan waves", "method": "POST"}


def test_whom_to_ask_names_a_few_and_says_when_there_is_nobody(make: Make) -> None:
    assert queries.whom_to_ask(Permission.ADMINISTER).endswith("which nobody has yet; ask an administrator.")
    for number in range(5):
        make(Role.ENGINEER, name=f"E{number}")
    assert queries.whom_to_ask(Permission.OPERATE) == "It takes the role engineer: ask E0, E1, E2 and others."


def answer(view, user: User | AnonymousUser, path: str = "/waves/?page=2", **headers: str) -> HttpResponse:
    request = RequestFactory().get(path, headers=headers)
    request.user = user
    return view(request)


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("the page")


def test_a_page_opens_only_for_those_who_may(make: Make) -> None:
    view = decorators.require(Permission.PLAN)(page)
    assert answer(view, make(Role.PROGRAMME_MANAGER)).content == b"the page"
    with pytest.raises(actions.Denied):
        answer(view, make(Role.AUDITOR))
    assert Event.objects.get(type="access.denied").object_id == "/waves/"


def test_strangers_are_led_to_the_sign_in_page_and_back(db: None) -> None:
    for view in (decorators.require(Permission.READ)(page), decorators.signed_in_only(page)):
        response = answer(view, AnonymousUser())
        assert (response.status_code, response["Location"]) == (302, "/sign-in/?next=/waves/%3Fpage%3D2")
        fragment = answer(
            view, AnonymousUser(), **{"HX-Request": "true", "HX-Current-URL": "http://testserver/waves/1/"}
        )
        assert fragment["HX-Redirect"] == "/sign-in/?next=/waves/1/"
    assert answer(decorators.public(page), AnonymousUser()).content == b"the page"
    assert not Event.objects.exists()


def test_those_without_a_role_may_still_sign_out(make: Make) -> None:
    assert answer(decorators.signed_in_only(page), make()).content == b"the page"


def test_every_decorator_leaves_its_policy_on_the_view() -> None:
    assert decorators.require(Permission.PLAN)(page).required_permission is Permission.PLAN
    assert decorators.signed_in_only(page).required_permission == decorators.SIGNED_IN
    assert decorators.require(Permission.PLAN)(page).__name__ == "page"
    assert decorators.public(lambda request: HttpResponse()).required_permission == decorators.PUBLIC
