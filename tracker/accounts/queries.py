"""Who there is, and who may do what."""

from datetime import datetime

from django.db.models import QuerySet

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
