"""Reasons people type: cleaned, bounded, never silently changed."""

from unicodedata import normalize

LONGEST = 1000


class BadReason(ValueError):
    """No reason, or one that cannot be kept; the sentence says which."""


def clean(text: str, wanted: str = "") -> str:
    """The reason as kept. `wanted`: what to say where there is none; empty: there may be none. Raises BadReason."""
    found = normalize("NFC", text.replace("\r\n", "\n")).strip()
    if not found and wanted:
        raise BadReason(wanted)
    if len(found) > LONGEST:
        raise BadReason(f"The reason has {len(found):,} characters; {LONGEST:,} fit.")
    if not found.replace("\n", " ").replace("\t", " ").isprintable():
        raise BadReason("The reason holds an invisible or control character; write it again.")
    return found
