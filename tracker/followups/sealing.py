"""Secret answers at rest: sealed with a key made of `TRACKER_SECRET_KEY`, so that a copy of the database does not hold
them; the address of a secret in a Key Vault is none. They are opened only to write a request. Where the key changed
they cannot be opened, and are asked again.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from migrator.vaults import referred

SEALED = "sealed"  # a kept answer that is an object with this key is a secret


def sealed(answers: Mapping[str, str], secret: Iterable[str]) -> dict[str, Any]:
    """Answers as they are kept; `secret`: ids of the questions whose answers nobody may read out of the database."""
    hidden, box = set(secret), _box()
    return {
        key: {SEALED: box.encrypt(text.encode()).decode()} if key in hidden and not referred(text) else text
        for key, text in answers.items()
    }


def opened(kept: Mapping[str, Any]) -> dict[str, str]:
    """Answers as they were given, without those that cannot be opened."""
    found = {}
    for key, value in kept.items():
        if not isinstance(value, Mapping):
            found[key] = value
            continue
        try:
            found[key] = _box().decrypt(str(value.get(SEALED, "")).encode()).decode()
        except InvalidToken:
            continue
    return found


def _box() -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    made = (hashlib.sha256(b"answers of follow-ups\0" + str(key).encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in made])
