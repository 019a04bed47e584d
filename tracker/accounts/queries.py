"""Who there is, and who may do what."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from knox.models import AuthToken

from tracker.accounts.models import ApiToken, User
from tracker.accounts.permissions import ROLE_PERMISSIONS, Permission
from tracker.audit.models import Event, PrivateValue
from tracker.audit.values import uuid7_floor


def whom_to_ask(permission: Permission) -> str:
    """One sentence for somebody who may not: which roles may, and who has them."""
    roles = [role for role, permissions in ROLE_PERMISSIONS.items() if permission in permissions]
    people = (
        User.objects.filter(is_active=True, grants__role__in=roles).distinct().order_by("display_name", "username")[:4]
    )
    names = [str(person) for person in people]
    allowed = " or ".join(role.label.lower() for role in roles)
    if not names:
        return f"It takes the role {allowed}, which nobody has yet; ask an administrator."
    shown = ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
    return f"It takes the role {allowed}: ask {shown}."


# Every page begins with its reader, every call of the API with its token: one statement, roles and all.
_COLUMNS = tuple(field.attname for field in User._meta.concrete_fields)
_PERSON = f"""
SELECT {", ".join(f'u."{name}"' for name in _COLUMNS)},
       ARRAY(SELECT g.role FROM tracker_rolegrant g WHERE g.user_id = u.id ORDER BY g.role)
"""  # noqa: S608 - columns of the model


def signed_in(user_id: int) -> User | None:
    """A person by id, with their roles; None when there is no such person or the account is not active."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_PERSON} FROM tracker_user u WHERE u.id = %s AND u.is_active", [user_id])
        row = cursor.fetchone()
    return _person(row) if row else None


def tokens_of_key(key: str) -> list[tuple[AuthToken, User]]:
    """The tokens that begin so, with their owners and their roles. More than one is possible, not likely."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_PERSON}, t.digest, t.token_key, t.created, t.expiry FROM knox_authtoken t"
            " JOIN tracker_user u ON u.id = t.user_id WHERE t.token_key = %s",
            [key],
        )
        rows = cursor.fetchall()
    found = []
    for *person, digest, token_key, created, expiry in rows:
        owner = _person(person)
        found.append((AuthToken(digest=digest, token_key=token_key, user=owner, created=created, expiry=expiry), owner))
    return found


def _person(row: Sequence[Any]) -> User:
    person = User.from_db("default", _COLUMNS, row[: len(_COLUMNS)])
    person.role_names = row[len(_COLUMNS)]
    return person


def people() -> QuerySet[User]:
    """Everybody with their roles, in two queries."""
    return User.objects.prefetch_related("grants").order_by("display_name", "username")


def tokens(user: User) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(token__user=user).select_related("token", "issued_by").order_by("-issued_at")


def sees_restricted(user: User) -> bool:
    """Whether the history's addresses, user names and mails are shown to this person."""
    return user.may(Permission.EXPORT_AUDIT) or user.may(Permission.ADMINISTER)


def refused_lately(username: str, since: datetime) -> bool:
    """Whether the history already tells that sign-ins of this account were refused since then."""
    recent = Event.objects.filter(type="account.sign_in_failed", id__gte=uuid7_floor(since), body__contains="too many")
    return PrivateValue.objects.filter(event_id__in=recent.values("id"), field="username", value=username).exists()
