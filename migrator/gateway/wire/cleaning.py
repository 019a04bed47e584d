"""Taking secrets out of a document before it leaves the gateway or is stored.

What stays: names, numbers, certificate thumbprints, and of a service configuration everything but the values of its
settings (the `.Enabled` values of plugins stay, rules read them). What goes is replaced by `REMOVED`, so that a
reader sees that something was there.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from migrator.gateway.wire import cscfg

REMOVED = "***removed***"
DEEPEST = 64

# Names of properties whose value is a secret, lower case; a value under such a name goes whole.
# fmt: off
_SECRET_NAMES = frozenset((
    "key1", "key2", "keys", "sharedkey", "primarykey", "secondarykey", "accountkey", "primarymasterkey",
    "secondarymasterkey", "privatekey", "protectedsettings", "privateconfig", "privateconfiguration", "customdata",
    "sastoken", "sasuri", "clientsecret", "authorizationkey", "accountencryptedpassword",
))
# fmt: on
_SECRET_ENDINGS = ("password", "connectionstring", "accesskey", "secretvalue")
_SECRET_TEXT = re.compile(
    r"(?i)\b(AccountKey|SharedAccessKey|SharedAccessSignature|EncryptionKey|Password|Pwd|sig|client_secret"
    r"|client_assertion)=(?!\*\*\*removed)([^;&\"'\s<>]+)"
)
_BEARER = re.compile(r"(?i)\bBearer\s+[A-Za-z0-9._~+/=-]{8,}")


def clean(document: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the document without secrets. Cleaning twice changes nothing more."""
    return {key: _clean(str(key), item, 1) for key, item in document.items()}


def clean_text(text: str) -> str:
    """Free text (an error message, an excerpt) without keys, signatures and tokens."""
    if "=" in text:
        text = _SECRET_TEXT.sub(lambda m: f"{m.group(1)}={REMOVED}", text)
    if not text.isprintable() or " " in text or not text.isascii():  # nothing to part the word from the token: no token
        text = _BEARER.sub("Bearer " + REMOVED, text)
    return text


def clean_value(value: Any) -> Any:
    """Any JSON value without secrets: an object as a document, everything else by the same rules."""
    return _clean("", value, 0)


def holds_removed(value: Any) -> bool:
    """Whether something was taken out of this value: it must not be written back as it is."""
    if isinstance(value, str):
        return REMOVED in value
    if isinstance(value, Mapping):
        return any(holds_removed(item) for item in value.values())
    return isinstance(value, list | tuple) and any(holds_removed(item) for item in value)


def _clean(name: str, value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        return REMOVED  # nothing of Azure's is this deep; what cannot be looked through does not leave
    if name and _is_secret(name) and value not in (None, "", [], {}):
        return REMOVED
    if isinstance(value, str):
        return _configuration(value) if _is_configuration(name) and value.strip() else clean_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {key: _clean(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", item, depth + 1) for item in value]
    return value


@lru_cache(maxsize=4_096)  # documents have few names, each many times
def _is_configuration(name: str) -> bool:
    return name.lower() == "configuration"


@lru_cache(maxsize=4_096)
def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return lowered in _SECRET_NAMES or lowered.endswith(_SECRET_ENDINGS)


def _configuration(text: str) -> Any:
    """A service configuration without the values of its settings. One that cannot be read is taken out whole: its
    secrets cannot be found."""
    try:
        root = cscfg.tree(text)
    except cscfg.UnreadableConfiguration as error:
        return {"removed": clean_text(str(error))}
    for element in root.iter():
        if cscfg.local(element) == "Setting" and "value" in element.attrib and not _switch(element):
            element.set("value", REMOVED)
        for attribute, value in element.attrib.items():
            element.set(attribute, clean_text(value))
        element.text = clean_text(element.text) if element.text else element.text
        element.tail = clean_text(element.tail) if element.tail else element.tail
        if isinstance(element.tag, str) and element.tag.startswith("{"):
            element.tag = cscfg.local(element)  # one spelling, so that the same content gives the same digest
    return ElementTree.tostring(root, encoding="unicode")


def _switch(setting: ElementTree.Element) -> bool:
    name, value = (setting.get("name") or "").lower(), (setting.get("value") or "").strip().lower()
    return name.startswith(cscfg.PLUGIN_PREFIX) and name.endswith(".enabled") and value in ("true", "false")
