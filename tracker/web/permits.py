"""Why a person may not do something, and whom to ask: for buttons that are shown off. One query whatever is asked."""

from functools import cached_property

from tracker.accounts.models import RoleGrant, User
from tracker.accounts.permissions import PERMISSION_SENTENCES, ROLE_PERMISSIONS, Permission, Role

SHOWN = 3


class Permits:
    """The permissions of one person on one page."""

    def __init__(self, user: User) -> None:
        self.user = user

    def may(self, permission: Permission) -> bool:
        return self.user.may(permission)

    def why_not(self, permission: Permission) -> str:
        """Empty when the person may; else which role may, and who has it."""
        if self.user.may(permission):
            return ""
        roles = [role for role, permissions in ROLE_PERMISSIONS.items() if permission in permissions]
        allowed = " or ".join(role.label.lower() for role in roles)
        names = list(dict.fromkeys(name for role in roles for name in self._people.get(role, [])))
        whom = ", ".join(names[:SHOWN]) + (" and others" if len(names) > SHOWN else "")
        ask = f"ask {whom}" if names else "nobody has it yet; ask an administrator"
        return f"To {PERMISSION_SENTENCES[permission]} takes the role {allowed}: {ask}."

    @cached_property
    def _people(self) -> dict[Role, list[str]]:
        found: dict[Role, list[str]] = {}
        grants = RoleGrant.objects.filter(user__is_active=True).select_related("user")
        for grant in grants.order_by("user__display_name", "user__username")[:400]:
            found.setdefault(Role(grant.role), []).append(str(grant.user))
        return found

    def whom(self, permission: Permission, *, but: User) -> str:
        """`Ask Tomás Ferreira or Aiko Tanaka.`: who else may."""
        roles = [role for role, permissions in ROLE_PERMISSIONS.items() if permission in permissions]
        names = list(dict.fromkeys(name for role in roles for name in self._people.get(role, [])))
        others = [name for name in names if name != str(but)][:SHOWN]
        return f"Ask {' or '.join(others)}." if others else "Nobody else may yet; ask an administrator."
