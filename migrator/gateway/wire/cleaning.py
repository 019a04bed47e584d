"""Taking secrets out of a document before it leaves the gateway or is stored.

What stays: names, numbers, certificate thumbprints, and of a service configuration everything but the values of its
settings (the `.Enabled` values of plugins stay, rules read them). What goes is replaced by `REMOVED`, so that a
reader sees that something was there.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from typing import Any

from migrator.configuration.plugins import is_switch
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
    return _object(document, 0)


def clean_text(text: str) -> str:
    """Free text (an error message, an excerpt) without keys, signatures and tokens."""
    if "=" in text:
        text = _SECRET_TEXT.sub(lambda m: f"{m.group(1)}={REMOVED}", text)
    if len(text) < _SHORT:
        return text
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
    """A value under a name, or in a list under none. `depth`: how many objects and lists it lies in."""
    if depth > DEEPEST:
        return REMOVED  # nothing of Azure's is this deep; what cannot be looked through does not leave
    what = _KINDS[name] if name else _PLAIN
    if what is _SECRET and value not in (None, "", [], {}):
        return REMOVED
    if isinstance(value, str):
        return _configuration(value) if what is _CONFIGURATION and value.strip() else clean_text(value)
    if isinstance(value, Mapping):
        return _object(value, depth)
    if isinstance(value, list | tuple):
        return [_clean("", item, depth + 1) for item in value]
    return value


def _object(values: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """Field by field, as `_clean` does it. Every document of an estate goes through here: what nearly every field is
    (a text, an object, a list under a name that is no secret's) is told by its exact type, which takes a third."""
    kinds, deeper = _KINDS, depth + 1
    kept: dict[str, Any] = {}
    if deeper >= DEEPEST:
        return {key: _clean(str(key), item, deeper) for key, item in values.items()}
    for key, item in values.items():
        kind = type(item)
        if type(key) is not str or kinds[key] is not _PLAIN:
            kept[key] = _clean(str(key), item, deeper)
        elif kind is str:
            # nothing that is looked for fits into so few characters without an equals sign
            kept[key] = item if len(item) < _SHORT and "=" not in item else clean_text(item)
        elif kind is dict:
            kept[key] = _object(item, deeper)
        elif kind is list:
            kept[key] = [_object(one, deeper + 1) if type(one) is dict else _clean("", one, deeper + 1) for one in item]
        else:
            kept[key] = item if kind in _SCALARS else _clean(key, item, deeper)
    return kept


_SCALARS = frozenset({int, float, bool, type(None)})
_PLAIN, _SECRET, _CONFIGURATION = "plain", "secret", "configuration"
_SHORT = len("Bearer ") + 8
_MOST_NAMES = 4_096


class _Kinds(dict[str, str]):
    """What the value under a name is. Documents have few names, each many times; a flood of them is not kept."""

    def __missing__(self, name: str) -> str:
        lowered = name.lower()
        if lowered in _SECRET_NAMES or lowered.endswith(_SECRET_ENDINGS):
            kind = _SECRET
        else:
            kind = _CONFIGURATION if lowered == "configuration" else _PLAIN
        if len(self) < _MOST_NAMES:
            self[name] = kind
        return kind


_KINDS = _Kinds()


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
    return is_switch(setting.get("name") or "", setting.get("value") or "")
