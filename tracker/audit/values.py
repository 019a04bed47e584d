"""What history is made of: who did it (`Actor`), ids that sort by time, canonical JSON, commitments. No database."""

import hashlib
import json
import os
import re
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

MAX_BODY_BYTES = 64 * 1024
MAX_INTEGER = 2**53 - 1  # every JSON reader can hold it exactly
MAX_DEPTH = 8

Detail: TypeAlias = "str | int | Sequence[Detail] | Mapping[str, Detail]"


class InvalidDetail(ValueError):
    """A value cannot be written into an event: it names the place, what was found there and what to write instead."""


@dataclass(frozen=True)
class Actor:
    """Who did something. `ref` goes into the history; `name` is for people and never does (names are private values).

    kind: `user` (ref: the person's pseudonym, "p-…"), `system` (ref: "engine", "sync") or `command` (ref: "demo").
    """

    kind: str
    ref: str
    name: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("user", "system", "command"):
            raise ValueError(f"An actor is a user, the system or a command, not {self.kind!r}.")
        if not self.ref or len(self.key) > 80 or any(character.isspace() for character in self.ref):
            raise ValueError(f"An actor's ref is 1–70 characters without spaces; it is {self.ref!r}.")

    @property
    def key(self) -> str:
        """As stored: "user:p-7f…", "system:engine", "command:demo"."""
        return f"{self.kind}:{self.ref}"

    def __str__(self) -> str:
        return self.name or self.ref


ENGINE = Actor("system", "engine", "The engine")

_last = threading.local()
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def uuid7(now: datetime) -> UUID:
    """A UUID version 7 (RFC 9562) of the time given: 48 bits of milliseconds, 12 of the rest of the millisecond, 14 of
    a counter which keeps the order of what one thread writes at the same microsecond, 48 random bits."""
    microseconds = int(now.timestamp()) * 1_000_000 + now.microsecond
    if getattr(_last, "at", None) == microseconds:
        _last.count = min(_last.count + 1, 0x3FFF)
    else:
        _last.at, _last.count = microseconds, 0
    milliseconds, rest = divmod(microseconds, 1000)
    value = (milliseconds & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | (rest * 4096 // 1000) << 64
    value |= 0b10 << 62 | _last.count << 48 | int.from_bytes(os.urandom(6), "big")
    return UUID(int=value)


def uuid7_floor(at: datetime) -> UUID:
    """The smallest uuid7 of a time: `id__gte=uuid7_floor(t)` finds what happened at `t` or later, by primary key."""
    microseconds = int(at.timestamp()) * 1_000_000 + at.microsecond
    milliseconds, rest = divmod(microseconds, 1000)
    return UUID(int=(milliseconds & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | (rest * 4096 // 1000) << 64 | 0b10 << 62)


def stamp(at: datetime) -> str:
    """A time as the history writes it: UTC, microseconds, "Z". Raises InvalidDetail for a time without a zone."""
    if at.tzinfo is None:
        raise InvalidDetail(f"The time {at.isoformat()} has no zone; give an aware datetime.")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def plain(value: object, where: str = "detail", depth: int = 0) -> str | int | list | dict:
    """The value with strings in NFC. Raises InvalidDetail, with the place, for anything but strings, integers, lists
    and maps (audit.md 1): floats, booleans, null and times could be spelled in more than one way."""
    if depth > MAX_DEPTH:
        raise InvalidDetail(f"{where} is nested deeper than {MAX_DEPTH} levels.")
    match value:
        case bool():
            raise InvalidDetail(
                f'{where} is {value}; an event holds no booleans, write a word such as "yes" or leave the key out.'
            )
        case str():
            text = str.__str__(value) if value.isascii() else unicodedata.normalize("NFC", value)
            if _UNSTORABLE.search(text):
                raise InvalidDetail(f"{where} holds a NUL or half a surrogate pair; clean the text where it enters.")
            return text
        case int():
            if abs(value) > MAX_INTEGER:
                raise InvalidDetail(f"{where} is {value}; integers beyond 2**53 - 1 are written as text.")
            return int(value)
        case Mapping():
            return {_key(key, where): plain(inner, f"{where}.{key}", depth + 1) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            items = sorted(value) if isinstance(value, (set, frozenset)) else value
            return [plain(inner, f"{where}[{index}]", depth + 1) for index, inner in enumerate(items)]
    raise InvalidDetail(
        f"{where} is a {type(value).__name__}; an event holds text, integers, lists and maps of them. "
        "Write a time with audit.values.stamp(), another value as text, and leave out a key that has none."
    )


def _key(key: object, where: str) -> str:
    if not isinstance(key, str) or not key:
        raise InvalidDetail(f"{where} has the key {key!r}; keys are text.")
    return str(plain(key, f"a key of {where}"))


def canonical(body: Mapping[str, object]) -> str:
    """One line of JSON: sorted keys, no spaces, UTF-8 as it is. Raises InvalidDetail beyond 64 KiB."""
    return written(plain(body, "event"))  # type: ignore[arg-type]


def written(body: Mapping[str, object]) -> str:
    """`canonical` for what is `plain` already."""
    line = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if (size := len(line.encode())) > MAX_BODY_BYTES:
        raise InvalidDetail(
            f"The event has {size} bytes; the limit is {MAX_BODY_BYTES}. Write counts and the first keys instead."
        )
    return line


def commitment(salt: bytes, field: str, value: str) -> str:
    """What the body says of a private value: sha256(salt, field, 0x00, value). Without the salt it tells nothing."""
    return "c:" + hashlib.sha256(salt + field.encode() + b"\x00" + value.encode()).hexdigest()
