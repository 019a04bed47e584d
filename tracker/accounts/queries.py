"""Who there is, and who may do what."""

from tracker.accounts.models import User
from tracker.accounts.permissions import ROLE_PERMISSIONS, Permission


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
