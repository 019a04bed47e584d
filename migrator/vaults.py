"""Secrets that stay where they are: addresses of secrets in Key Vaults this product may read. Pure.

An address is `https://{vault}.vault.azure.net/secrets/{name}`, with a version behind it or without (Key Vault REST,
*Get Secret* [D]). Where it stands in the place of an answer it is written with `vault:` before it, so that nobody, and
no request, takes the address for the secret.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from migrator.gateway.clouds import CLOUDS
from migrator.gateway.endpoint import Endpoint, EndpointRefused

MARK: Final = "vault:"
SUFFIXES: Final = tuple(cloud.key_vault_suffix for cloud in CLOUDS.values())
_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,127}")
_VERSION: Final = re.compile(r"[0-9A-Za-z]{1,64}")
_PATH: Final = re.compile(r"(/[0-9A-Za-z-]{1,80}){0,4}")


class BadVault(ValueError):
    """Not the address of a Key Vault; the text says what one looks like."""


class BadReference(ValueError):
    """Meant as the address of a secret, and none that may be read; the text says why and what to write instead."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One secret. `vault`: its address without a trailing slash. `version`: empty, the newest."""

    vault: str
    name: str
    version: str = ""

    @property
    def url(self) -> str:
        return f"{self.vault}/secrets/{self.name}" + (f"/{self.version}" if self.version else "")

    @property
    def answer(self) -> str:
        """As it stands in the place of an answer."""
        return MARK + self.url


def vault(text: str) -> str:
    """A vault's address as it is compared: no trailing slash, host in lower case. Raises BadVault. Beside Key Vaults of
    the known clouds only loopback is taken, with a path: the simulator's."""
    start, _, rest = text.strip().rstrip("/").partition("://")
    host, slash, path = rest.partition("/")
    try:
        place = Endpoint.of(f"{start}://{host}")
    except EndpointRefused as error:
        raise BadVault(str(error)) from None
    if place.loopback:
        if not _PATH.fullmatch(slash + path):
            raise BadVault(f"{text[:100]!r} is not the address of a Key Vault.")
        return place.url + slash + path
    if path or not place.host.endswith(SUFFIXES):
        raise BadVault(
            f"{text[:100]!r} is not the address of a Key Vault; it must look like https://name{SUFFIXES[0]}."
        )
    return place.url


def reference(text: str, vaults: Sequence[str]) -> Reference | None:
    """The secret an answer points to; None when it is no address of one, but the secret itself. `vaults`: those that
    may be read, as `vault` gives them. Raises BadReference."""
    bare = text.strip()
    marked = bare.startswith(MARK)
    bare = bare.removeprefix(MARK)
    start, found, rest = bare.partition("/secrets/")
    try:
        place = vault(start)
    except BadVault as error:
        if marked or _host(bare).endswith(SUFFIXES):
            raise BadReference(f"{_shown(bare)} is not the address of a secret: {error}") from None
        return None
    if place not in vaults:
        if not marked and place.startswith("http://"):
            return None  # some other address on this machine
        raise BadReference(f"{place} is not one of the Key Vaults this product may read{_of(vaults)}.")
    name, slash, version = rest.partition("/")
    if not found or not _NAME.fullmatch(name) or (slash and not _VERSION.fullmatch(version)):
        raise BadReference(
            f"{_shown(bare)} is not the address of a secret; it must look like {place}/secrets/name, with a version "
            "behind it or without."
        )
    return Reference(place, name, version)


def kept(answer: str) -> Reference:
    """The secret a kept answer stands for, whichever vaults may be read by now."""
    place, _, rest = answer.removeprefix(MARK).partition("/secrets/")
    name, _, version = rest.partition("/")
    return Reference(place, name, version)


def referred(answer: str) -> bool:
    """Whether a kept answer stands for a secret in a Key Vault."""
    return answer.startswith(MARK)


def _host(text: str) -> str:
    try:
        return (urlsplit(text).hostname or "").lower()
    except ValueError:
        return ""


def _of(vaults: Iterable[str]) -> str:
    known = ", ".join(vaults)
    return f" ({known})" if known else ": none is named in TRACKER_KEY_VAULTS"


def _shown(text: str) -> str:
    return repr(text[:120])
