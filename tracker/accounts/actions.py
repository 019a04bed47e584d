"""People: accounts and roles, sign-in and its throttle, tokens, and the one check of a permission."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from knox.models import AuthToken

from tracker.accounts import queries
from tracker.accounts.models import ApiToken, RoleGrant, SignInAttempt, User
from tracker.accounts.permissions import PERMISSION_SENTENCES, Permission, Role
from tracker.audit.actions import Actor, record

ANONYMOUS = Actor("user", "anonymous")
ATTEMPTS_A_MINUTE = 5  # failed ones, per account and per address (reliability-notes 3.3)
ATTEMPTS_AN_HOUR = 20  # failed ones for an account; beyond these, one attempt in five minutes
SLOW = timedelta(minutes=5)
TOKEN_LASTS = timedelta(days=90)


class BadAccount(ValueError):
    """An account cannot be made as asked; the message says which field is wrong and why."""


class UsernameTaken(BadAccount):
    """Somebody has this user name."""


class LastAdministrator(ValueError):
    """The change would leave nobody who can administer."""


class WrongCredentials(ValueError):
    """User name and password do not belong together; which of them is wrong is nobody's business."""

    def __init__(self) -> None:
        super().__init__("The user name or the password is wrong. Nobody was signed in.")


class TooManyAttempts(ValueError):
    """The throttle refuses to look at a password now; `wait` says for how long."""

    def __init__(self, wait: timedelta) -> None:
        self.wait = wait
        seconds = max(1, round(wait.total_seconds()))
        again = f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"
        super().__init__(f"Too many failed sign-ins for this account or from this address. Try again in {again}.")


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
    if method:
        detail["method"] = method
    with transaction.atomic():
        where = (object[0], str(object[1])[:400])
        record("access.denied", by=user.actor, object=where, now=now, detail=detail, result="denied")
    raise Denied(permission, queries.whom_to_ask(permission))


def create_user(
    username: str,
    display_name: str,
    email: str,
    password: str,
    roles: Iterable[Role],
    *,
    by: Actor,
    now: datetime,
) -> User:
    """A new account. Raises BadAccount, UsernameTaken."""
    roles = sorted(set(roles))
    user = User(username=username.strip(), display_name=display_name.strip(), email=email.strip())
    user.pseudonym = f"p-{secrets.token_hex(8)}"
    _validate(user, password)
    user.set_password(password)
    with transaction.atomic():
        with connection.cursor() as cursor:  # two people making the same account: one of them gets the sentence
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"account:{user.username.lower()}"])
        if User.objects.filter(username__iexact=user.username).exists():
            raise UsernameTaken(f"Somebody already has the user name {user.username!r}; choose another.")
        user.save()
        RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role, granted_at=now) for role in roles)
        record(
            "account.created",
            by=by,
            object=("account", user.pseudonym),
            now=now,
            detail={"roles": [role.value for role in roles]},
            private={"display_name": str(user), "username": user.username, "email": user.email},
        )
    return user


def grant_role(user: User, role: Role, *, by: Actor, now: datetime) -> bool:
    """Whether it was new to the person."""
    with transaction.atomic():
        _, new = RoleGrant.objects.get_or_create(user=user, role=role, defaults={"granted_at": now})
        if new:
            _tell("account.role_granted", user, by, now, {"role": role.value})
    _forget_grants(user)
    return new


def revoke_role(user: User, role: Role, *, by: Actor, now: datetime) -> bool:
    """Whether the person had it. Roles are read at every request, so it holds at once. Raises LastAdministrator."""
    with transaction.atomic():
        if role == Role.ADMINISTRATOR:
            _keep_an_administrator(user)
        gone, _ = RoleGrant.objects.filter(user=user, role=role).delete()
        if gone:
            _tell("account.role_revoked", user, by, now, {"role": role.value})
    _forget_grants(user)
    return bool(gone)


def deactivate(user: User, *, by: Actor, now: datetime, reason: str) -> None:
    """Ends an account: no sign-in, no token, no session; its history stays. Raises LastAdministrator."""
    with transaction.atomic():
        _keep_an_administrator(user)
        User.objects.filter(pk=user.pk).update(is_active=False)
        AuthToken.objects.filter(user=user).delete()
        _tell("account.deactivated", user, by, now, {}, {"reason": reason})
    user.is_active = False
    for session in Session.objects.filter(expire_date__gt=now).iterator():
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()


def sign_in(username: str, password: str, address: str, *, now: datetime) -> User:
    """The person, once name and password are right; the caller opens the session.

    An attempt is counted before the password is looked at, so attempts sent at once are counted too. A wrong name takes
    as long as a wrong password (Django hashes in both cases) and is answered alike. Raises WrongCredentials,
    TooManyAttempts.
    """
    username = _askable(username.strip()[:150])
    attempt = _admit(username, address, now)
    user = authenticate(request=None, username=username, password=_askable(password))
    if not isinstance(user, User):
        record_failed_sign_in(username, address, now=now)
        raise WrongCredentials
    SignInAttempt.objects.filter(pk=attempt.pk).update(succeeded=True)
    record_sign_in(user, address, now=now)
    return user


def record_sign_in(user: User, address: str, *, now: datetime, method: str = "password") -> None:
    with transaction.atomic():
        _tell("account.signed_in", user, user.actor, now, {"method": method}, {"address": address})


def record_failed_sign_in(username: str, address: str, *, now: datetime, cause: str = "wrong credentials") -> None:
    user = User.objects.filter(username=_askable(username)).first()
    with transaction.atomic():
        record(
            "account.sign_in_failed",
            by=ANONYMOUS,
            object=("account", user.pseudonym if user else "unknown"),
            now=now,
            detail={"cause": cause},
            private={"username": username, "address": address},
            result="failed",
        )


def record_sign_out(user: User, *, now: datetime) -> None:
    with transaction.atomic():
        _tell("account.signed_out", user, user.actor, now)


def issue_token(
    user: User, name: str, *, by: User, now: datetime, lasts: timedelta = TOKEN_LASTS
) -> tuple[ApiToken, str]:
    """A token for the API, and its secret, which is shown once and stored nowhere. Raises BadAccount."""
    name = name.strip()
    if not name or len(name) > 80 or not name.isprintable():
        raise BadAccount("A token needs a name of 1–80 characters, such as what will use it.")
    if not user.is_active:
        raise BadAccount("The account is not active, so it gets no token.")
    with transaction.atomic():
        token, secret = AuthToken.objects.create(user=user, expiry=lasts)
        described = ApiToken.objects.create(token=token, name=name, issued_by=by, issued_at=now)
        detail = {"token": token.token_key, "expires": (now + lasts).date().isoformat()}
        _tell("account.token_issued", user, by.actor, now, detail, {"token_name": name})
    return described, secret


def revoke_token(token: ApiToken, *, by: User, now: datetime) -> None:
    with transaction.atomic():
        _tell("account.token_revoked", token.token.user, by.actor, now, {"token": token.token.token_key})
        token.token.delete()


def _askable(text: str) -> str:
    """What PostgreSQL and the hasher can take: no NUL, no halves of surrogate pairs; no name or password has them."""
    return text.replace("\x00", "\u2400").encode("utf-8", "replace").decode()


def _validate(user: User, password: str) -> None:
    if not user.display_name or not user.display_name.isprintable():
        raise BadAccount("The display name is empty or holds control characters.")
    try:
        for name in ("username", "display_name", "email"):
            User._meta.get_field(name).clean(getattr(user, name), user)
        validate_email(user.email)
    except ValidationError as error:
        raise BadAccount(f"The account cannot be made: {' '.join(error.messages)}") from error
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise BadAccount(f"The password is too weak: {' '.join(error.messages)}") from error


def _tell(
    type: str, user: User, by: Actor, now: datetime, detail: dict | None = None, private: dict | None = None
) -> None:
    record(type, by=by, object=("account", user.pseudonym), now=now, detail=detail, private=private)


def _forget_grants(user: User) -> None:
    """`user.may` knows the roles as they were read once; after a change they are read again."""
    user.role_names = None
    getattr(user, "_prefetched_objects_cache", {}).pop("grants", None)


def _keep_an_administrator(leaving: User) -> None:
    """Under a lock on all administrators' grants, so that two administrators cannot remove each other at once."""
    grants = RoleGrant.objects.select_for_update().filter(role=Role.ADMINISTRATOR, user__is_active=True)
    holders = set(grants.values_list("user_id", flat=True))
    if holders == {leaving.pk}:
        raise LastAdministrator("This is the last administrator. Make another one first; nothing was changed.")


def _key(kind: str, value: str) -> str:
    secret = settings.SECRET_KEY.encode()
    return hmac.new(secret, f"{kind}:{value.lower()}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _admit(username: str, address: str, now: datetime) -> SignInAttempt:
    """Count the attempt, or refuse it. Refused ones do not count: nobody is locked out for ever by somebody else."""
    keys = {"account": _key("account", username), "address": _key("address", address)}
    wait = timedelta()
    with transaction.atomic():
        with connection.cursor() as cursor:
            for lock in sorted(keys.values()):  # always in this order, so two attempts never wait for each other
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [lock])
        SignInAttempt.objects.filter(at__lt=now - timedelta(days=1)).delete()
        for field, key in keys.items():
            wait = max(wait, _wait(field, key, now))
        if not wait:
            return SignInAttempt.objects.create(**keys, at=now)
    if not queries.refused_lately(username, now - timedelta(minutes=1)):  # a flood must not fill the history
        record_failed_sign_in(username, address, now=now, cause="too many attempts")
    raise TooManyAttempts(wait)


def _wait(field: str, key: str, now: datetime) -> timedelta:
    """How long until the next attempt of this account or address is looked at."""
    failed = SignInAttempt.objects.filter(**{field: key}, succeeded=False, at__gt=now - timedelta(hours=1))
    times = list(failed.order_by("-at").values_list("at", flat=True)[:ATTEMPTS_AN_HOUR])
    wait = timedelta()
    if len(times) >= ATTEMPTS_A_MINUTE:
        wait = max(wait, times[ATTEMPTS_A_MINUTE - 1] + timedelta(minutes=1) - now)
    if len(times) >= ATTEMPTS_AN_HOUR and field == "account":  # an address may be a whole office
        wait = max(wait, times[0] + SLOW - now)
    return wait
