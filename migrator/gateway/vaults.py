"""Reading one secret of a Key Vault (Key Vault REST, *Get Secret* [D]; version 7.4 [K]), at the moment it is sent.

The same conversation as with Resource Manager: only the vaults that were named are asked, each with a token made for
Key Vault; no redirect is followed, nothing is remembered, and a secret is in no error and in no record.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from migrator.gateway.calls import Calls, Wire
from migrator.gateway.clouds import CLOUDS
from migrator.gateway.endpoint import Endpoint
from migrator.gateway.protocol import HTTP_DEADLINE, ErrorClass, NotFound, NotPermitted, Refused
from migrator.vaults import Reference

VERSION = "7.4"
LONGEST = 25 * 1024  # bytes of a secret (Key Vault's own limit [K])
READ = "Key Vault Secrets User"  # the role that may read secrets [K]


class ClosableWire(Wire, Protocol):
    def close(self) -> None: ...


class _Calls(Calls):
    """A conversation of which nothing is kept, whatever was answered."""

    def decode(self, content: bytes) -> Any:
        try:
            return super().decode(content)
        except ValueError:
            raise ValueError("it is not JSON") from None

    def excerpt(self, content: bytes, parsed: Any, problem: str) -> str:
        return ""


class KeyVaults:
    """The vaults that may be read. `wire`: makes the wire to an endpoint, for an audience. Not for use by two threads
    at once."""

    def __init__(
        self,
        allowed: Iterable[str],
        wire: Callable[[Endpoint, str], ClosableWire],
        *,
        deadline: float = HTTP_DEADLINE,
    ) -> None:
        self._allowed = tuple(allowed)
        self._make, self._deadline = wire, deadline
        self._open: dict[str, tuple[ClosableWire, Calls]] = {}

    def close(self) -> None:
        for wire, _ in self._open.values():
            wire.close()
        self._open.clear()

    def secret(self, reference: Reference) -> str:
        """The secret, read now. Raises Refused when its vault is none that may be read (nothing is asked), when it is
        disabled, no text, or too long; NotFound and NotPermitted with what to do; and the rest of the family."""
        if reference.vault not in self._allowed:
            raise Refused(
                f"{reference.vault} is not one of the Key Vaults this product may read (TRACKER_KEY_VAULTS).",
                error_class=ErrorClass.FIX,
            )
        calls, path = self._calls(reference.vault)
        doing = f"read the secret {reference.name} of {reference.vault}"
        path += f"/secrets/{reference.name}" + (f"/{reference.version}" if reference.version else "")
        try:
            body: Any = calls.get(path, VERSION, doing=doing).body
        except NotFound as error:
            words = f"There is no secret {reference.url}. Make it, or give another address."
            raise NotFound(words, code=error.code, error_class=ErrorClass.FIX, exchange=error.exchange) from None
        except NotPermitted as error:
            words = (
                f"The secret {reference.url} may not be read: it is disabled, or the credential lacks the role {READ}."
            )
            raise NotPermitted(words, code=error.code, error_class=ErrorClass.FIX, exchange=error.exchange) from None
        value = body.get("value") if isinstance(body, dict) else None
        if not isinstance(value, str) or not value or len(value.encode()) > LONGEST:
            raise Refused(f"{reference.url} holds no text that could be sent.", error_class=ErrorClass.FIX)
        return value

    def _calls(self, vault: str) -> tuple[Calls, str]:
        """The conversation with a vault, and the path it is at."""
        scheme, _, rest = vault.partition("://")
        host, slash, path = rest.partition("/")
        endpoint = Endpoint.of(f"{scheme}://{host}")
        if endpoint.url not in self._open:
            wire = self._make(endpoint, audience(endpoint))
            self._open[endpoint.url] = wire, _Calls(endpoint, wire, deadline=self._deadline)
        return self._open[endpoint.url][1], slash + path


def audience(endpoint: Endpoint) -> str:
    """The scope of a token for a vault: that of its cloud's Key Vault; on loopback its own."""
    for cloud in CLOUDS.values():
        if endpoint.host.endswith(cloud.key_vault_suffix):
            return cloud.key_vault_audience
    return f"{endpoint.url}/.default"
