"""What a message of the platform means: its row of the error catalogue, its class, and the numbers a quota error tells.

Both the gateway, which classes what Azure answers, and the rules, which read Validate's and Prepare's messages, use it.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from migrator.messages.catalogue import BY_ID, CATALOGUE, Entry
from migrator.messages.classes import ErrorClass

LONGEST_MESSAGE: Final = 4000  # characters of Azure's words that are kept
APOSTROPHES: Final = str.maketrans(dict.fromkeys('’‘ʼ`´′“”"', "'"))
_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
_QUOTA: Final = re.compile(
    r"current quota for\s+(?P<name>.{1,200}?)\s+(?:is\s+)?insufficient to complete migration.{0,200}?"
    r"current quota is\s+(?P<limit>\d{1,9}).{0,100}?additional needed is\s+(?P<additional>\d{1,9})",
    re.IGNORECASE | re.DOTALL,
)
# What Microsoft.Compute answers when a deployment would go over a quota [K]: not in azure.md 2.10, because it is no
# message of the migration itself.
_EXCEEDED: Final = re.compile(
    r"exceeding approved\s+(?P<name>.{1,200}?)\s+quota.{0,400}?current limit:\s*(?P<limit>\d{1,9})"
    r".{0,40}?current usage:\s*(?P<used>\d{1,9}).{0,40}?additional required:\s*(?P<additional>\d{1,9})",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class QuotaNumbers:
    """What a quota error says: the quota's name in the platform's words, its limit ("current quota"), how much more is
    needed, and how much is in use; None where the message does not tell that (E28)."""

    name: str
    current: int
    additional: int
    used: int | None = None

    @property
    def available(self) -> int | None:
        """What is left below the limit, where the message tells."""
        return None if self.used is None else max(0, self.current - self.used)


def normalise(text: str) -> str:
    """Lower case, one kind of quote, one kind of space, contractions of "not" written out."""
    plain = " ".join(text.translate(APOSTROPHES).lower().split())
    return plain.replace("can't", "cannot").replace("can not", "cannot").replace("n't", " not")


@lru_cache(maxsize=1)
def _normalised() -> tuple[tuple[Entry, tuple[tuple[str, ...], ...]], ...]:
    return tuple((row, tuple(tuple(map(normalise, one)) for one in row.alternatives)) for row in CATALOGUE)


def find(code: str, message: str, status: int = 0) -> Entry | None:
    """The row of the catalogue that fits best: the one with most matching text; a generic row only when no other
    fits."""
    text = normalise(f"{code[:500]} {message[: 4 * LONGEST_MESSAGE]}")
    best, weight = None, -1
    for row, alternatives in _normalised():
        if row.status and status and row.status != status:
            continue
        lengths = [sum(map(len, one)) for one in alternatives if all(fragment in text for fragment in one)]
        if lengths and (0 if row.generic else max(lengths)) > weight:
            best, weight = row, 0 if row.generic else max(lengths)
    return best


def classify(status: int, code: str, message: str) -> tuple[ErrorClass, str]:
    """(class, catalogue id) of an error. Outside the catalogue: QUOTA for one that tells how much quota is missing,
    RETRY for what passes by itself (408, 429, 5xx), else UNKNOWN; id empty."""
    row = find(code, message, status)
    if row is not None:
        return row.error_class, row.id
    if quota_numbers(message) is not None:
        return ErrorClass.QUOTA, ""
    return (ErrorClass.RETRY if status in _PASSING else ErrorClass.UNKNOWN), ""


def quota_numbers(message: str) -> QuotaNumbers | None:
    """The numbers of a quota error; None when the message is another one."""
    found = _QUOTA.search(message[:LONGEST_MESSAGE]) or _EXCEEDED.search(message[:LONGEST_MESSAGE])
    if found is None:
        return None
    used = found.groupdict().get("used")
    return QuotaNumbers(
        found["name"].strip(" '\""), int(found["limit"]), int(found["additional"]), None if used is None else int(used)
    )


__all__ = [
    "APOSTROPHES",
    "BY_ID",
    "CATALOGUE",
    "LONGEST_MESSAGE",
    "Entry",
    "ErrorClass",
    "QuotaNumbers",
    "classify",
    "find",
    "normalise",
    "quota_numbers",
]
