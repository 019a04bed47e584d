"""People: accounts, roles, tokens, sign-in and its throttle, and the one check of a permission."""

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction

from tracker.accounts import queries
from tracker.accounts.models import User
from tracker.accounts.permissions import PERMISSION_SENTENCES, Permission
from tracker.audit.actions import record


class Denied(PermissionDenied):
    """A person may not do something. Carries what they wanted and whom to ask, for the 403 page and the API."""

    def __init__(self, permission: Permission, whom: str) -> None:
        self.permission = permission
        self.wanted = PERMISSION_SENTENCES[permission]
        self.whom = whom
        super().__init__(f"You may not {self.wanted}. Nothing was changed. {whom}")


def check(user: User, permission: Permission, object: tuple[str, object], now: datetime, *, method: str = "") -> None:
    """Raises Denied, after recording `access.denied`, unless the person may.

    Call it before the transaction of the change: an outer transaction that is rolled back takes the event along.
    """
    if user.may(permission):
        return
    detail = {"permission": permission.value, "wanted": PERMISSION_SENTENCES[permission]}
    with transaction.atomic():
        record(
            "access.denied",
            by=user.actor,
            object=(object[0], str(object[1])[:400]),
            now=now,
            detail=detail | ({"method": method} if method else {}),
            result="denied",
        )
    raise Denied(permission, queries.whom_to_ask(permission))
