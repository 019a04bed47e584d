"""Secrets that stay where they are: the address of one in the place of an answer. Pure.

It is written with `vault:` before it, so that nobody, and no request, takes the address for the secret. Which addresses
are taken: `gateway.vault_addresses`.
"""

from dataclasses import dataclass
from typing import Final

MARK: Final = "vault:"


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


def kept(answer: str) -> Reference:
    """The secret a kept answer stands for, whichever vaults may be read by now."""
    place, _, rest = answer.removeprefix(MARK).partition("/secrets/")
    name, _, version = rest.partition("/")
    return Reference(place, name, version)


def referred(answer: str) -> bool:
    """Whether a kept answer stands for a secret in a Key Vault."""
    return answer.startswith(MARK)
