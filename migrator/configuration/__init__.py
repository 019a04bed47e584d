"""Service configurations (.cscfg) and definitions (.csdef): read, masked, and rewritten for what a unit becomes.

A file is hostile until it is read (`document`), holds secrets (`masking`), and belongs to somebody: what is not changed
comes back byte for byte (`editing`). Why no library: templates/docs/decisions/uploaded-files.md.
"""

from dataclasses import dataclass

from migrator.configuration import checks
from migrator.configuration.document import LARGEST, Document, FileRefused, parse
from migrator.configuration.masking import MASK, digest, masked
from migrator.configuration.reading import open_file, open_text, read
from migrator.configuration.rewriting import Change, Note, Rewritten, rewrite
from migrator.configuration.target import NewName, Target, target_of
from migrator.configuration.values import (
    Contents,
    Kind,
    Problem,
    ServiceConfiguration,
    ServiceDefinition,
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that may be kept: `text` without secrets, its SHA-256, and what it says."""

    kind: Kind
    text: str
    digest: str
    contents: Contents


def take(data: bytes, kind: Kind) -> Taken:
    """What may be kept of a file. Raises FileRefused."""
    document = open_file(data, kind)
    contents = read(document)
    text = masked(document)
    try:
        again = read_kept(text.decode(), kind)
    except FileRefused:
        again = None
    if again != contents:
        raise FileRefused("The file holds quotes or equals signs where Azure has a name or a number.")
    return Taken(kind, text.decode(), digest(document), contents)


def read_kept(text: str, kind: Kind) -> Contents:
    """What a kept text says: the same as the file it was made of."""
    return read(open_text(text.encode(), kind))


__all__ = [
    "LARGEST",
    "MASK",
    "Change",
    "Contents",
    "Document",
    "FileRefused",
    "Kind",
    "NewName",
    "Note",
    "Problem",
    "Rewritten",
    "ServiceConfiguration",
    "ServiceDefinition",
    "Taken",
    "Target",
    "checks",
    "digest",
    "masked",
    "open_file",
    "open_text",
    "parse",
    "read",
    "read_kept",
    "rewrite",
    "take",
    "target_of",
]
