"""Addresses of secrets in Key Vaults this product may read. No sockets here.

An address is `https://{vault}.vault.azure.net/secrets/{name}`, with a version behind it or without (Key Vault REST,
*Get Secret* [D]).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from migrator.gateway.clouds import CLOUDS
from migrator.gateway.endpoint import Endpoint, EndpointRefused
from migrator.vaults import MARK, Reference

SUFFIXES: Final = tuple(cloud.key_vault_suffix for cloud in CLOUDS.values())
_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,127}")
_VERSION: Final = re.compile(r"[0-9A-Za-z]{1,64}")
_PATH: Final = re.compile(r"(/[0-9A-Za-z-]{1,80}){0,4}")


class BadVault(ValueError):
    """Not the address of a Key Vault; the text says what one looks like."""


class BadReference(ValueError):
    """Meant as the address of a secret, and none that may be read; the text says why and what to write instead."""


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
