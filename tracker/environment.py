"""Typed reading of the environment. A wrong or missing value stops the start with a sentence naming the setting."""

import ipaddress
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


class SettingError(ImproperlyConfigured):
    """A setting is missing or wrong; the message names it, what is wrong with it and what it should look like."""


def text(name: str, default: str | None = None) -> str:
    """The value of `name`, or of the file that `name`_FILE points to (for secrets), or the default."""
    if (path := os.environ.get(f"{name}_FILE")) is not None:
        if name in os.environ:
            raise SettingError(f"{name} and {name}_FILE are both set; keep one of them.")
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(f"{name}_FILE points to {path}, which cannot be read: {error.strerror}.") from error
    else:
        value = os.environ.get(name, "")
    if value:
        return value
    if default is None:
        raise SettingError(f"{name} is not set. Its meaning is in compose/env.sample.")
    return default


def choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    value = text(name, default)
    if value not in allowed:
        raise SettingError(f"{name} is {value!r}; it must be one of: {', '.join(allowed)}.")
    return value


def number(name: str, default: int, *, least: int = 0) -> int:
    value = text(name, str(default))
    try:
        result = int(value)
    except ValueError as error:
        raise SettingError(f"{name} is {value!r}; it must be a whole number.") from error
    if result < least:
        raise SettingError(f"{name} is {result}; it must be at least {least}.")
    return result


def flag(name: str, default: bool = False) -> bool:
    return choice(name, ("yes", "no"), "yes" if default else "no") == "yes"


def words(name: str, default: str) -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    host = (urlsplit(url).hostname or "").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def endpoint(name: str, default: str) -> str:
    """An Azure endpoint: https, or http on loopback (a token would travel in clear otherwise)."""
    value = text(name, default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise SettingError(f"{name} is {value!r}; it must be a plain https address such as {default}.")
    if parts.scheme == "http" and not is_loopback(value):
        raise SettingError(
            f"{name} is {value!r}; plain http is accepted on loopback only, because the token would travel in clear."
        )
    return value


def optional_endpoint(name: str, default: str) -> str:
    """An Azure endpoint that may be switched off: empty when the value is "off", or neither it nor a default is
    given."""
    value = os.environ.get(name, "").strip() or default
    return "" if value.lower() in ("", "off") else endpoint(name, value)


def database(name: str) -> dict[str, object]:
    """`postgresql://user:password@host:port/name` or `postgresql:///name?host=/socket/folder&user=…` as Django
    settings.
    """
    value = text(name)
    parts = urlsplit(value)
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise SettingError(
            f"{name} must look like postgresql://user:password@host:5432/database (PostgreSQL 15 or newer)."
        )
    from urllib.parse import parse_qsl

    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or query.pop("user", "")),
        "PASSWORD": unquote(parts.password or query.pop("password", "")),
        "HOST": parts.hostname or query.pop("host", ""),
        "PORT": str(parts.port or query.pop("port", "")),
        "OPTIONS": {**query, "application_name": "tracker", "connect_timeout": 5},
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,  # a transaction belongs to an action, not to a page
    }
