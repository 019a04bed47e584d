"""People and what they may do."""

from collections.abc import Sequence

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
    role_names: Sequence[str] | None = None  # as read with the person (queries.signed_in), or by `know_roles`

    def __str__(self) -> str:
        return self.display_name or self.username

    @property
    def actor(self) -> Actor:
        return Actor("user", self.pseudonym, str(self))

    @property
    def roles(self) -> frozenset[Role]:
        names = [grant.role for grant in self.grants.all()] if self.role_names is None else self.role_names
        return frozenset(map(Role, names))

    def know_roles(self) -> None:
        """Read the roles once, unless they were read with the person: every `may` after it is free."""
        if self.role_names is None:
            self.role_names = [grant.role for grant in self.grants.all()]

    def may(self, permission: Permission) -> bool:
        """Whether one of this person's roles carries the permission. An inactive person may nothing."""
        return self.is_active and any(permission in ROLE_PERMISSIONS[role] for role in self.roles)


class RoleGrant(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=30, choices=[(role.value, role.label) for role in Role])
    granted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "role"], name="one_grant_per_role")]


class SignInAttempt(models.Model):
    """One attempt to sign in, counted before the password is looked at, so that attempts sent at once are counted too.
    The keys are keyed digests of the account name and the address: this table tells nobody's name."""

    account = models.CharField(max_length=64)
    address = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)
    succeeded = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-at"], name="attempt_by_account"),
            models.Index(fields=["address", "-at"], name="attempt_by_address"),
        ]


class ApiToken(models.Model):
    """What a token is called and who issued it; the token itself (its digest) is knox's row, deleted to revoke."""

    token = models.OneToOneField("knox.AuthToken", on_delete=models.CASCADE, related_name="described")
    name = models.CharField(max_length=80)
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()
