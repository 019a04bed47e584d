"""People and what they may do."""

from django.contrib.auth.models import AbstractUser
from django.db import models

from tracker.accounts.permissions import ROLE_PERMISSIONS, Permission, Role
from tracker.audit.values import Actor


class User(AbstractUser):
    """A person. Roles are rows (`RoleGrant`); `pseudonym` is what the audit history says instead of the name."""

    display_name = models.CharField(max_length=120, blank=True)
    pseudonym = models.CharField(max_length=24, unique=True)
    is_superuser = None  # nobody is above the rules
    is_staff = None
    groups = None
    user_permissions = None

    REQUIRED_FIELDS = ["email"]

    def __str__(self) -> str:
        return self.display_name or self.username

    @property
    def actor(self) -> Actor:
        return Actor("user", self.pseudonym, str(self))

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(Role(grant.role) for grant in self.grants.all())

    def may(self, permission: Permission) -> bool:
        """Whether one of this person's roles carries the permission. An inactive person may nothing."""
        return self.is_active and any(permission in ROLE_PERMISSIONS[role] for role in self.roles)


class RoleGrant(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=30, choices=[(role.value, role.label) for role in Role])
    granted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "role"], name="one_grant_per_role")]
