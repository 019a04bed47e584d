"""What a file gives: entries, each a document or the reason why not; and the limits every file is held to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from migrator.gateway.protocol import SubscriptionInfo, Unreadable
from migrator.resources import Usage

SOURCE = "file"  # the value of the key "source" in every document that came from a file

MIB = 1024 * 1024
LONGEST_ID = 600
LONGEST_DIGITS = 20  # of a number (reliability-notes 3.3)


class Kind(StrEnum):
    """What a file is."""

    JSON = "json"  # an estate as `manage.py capture` writes it (migrator/simulator/FORMAT.md)
    XML = "xml"  # service management's own answers (azure.md 1.4)
    CSV = "csv"  # of AsmMetadataParser in Microsoft's field toolset


class FileRefused(ValueError):
    """The file cannot be used at all. The text says which file, where in it, what is wrong and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Reliability-notes 3.3, scaled by the size a site allows (`TRACKER_IMPORT_MIB`, 5 by default: 10,000 rows)."""

    mib: int = 5
    columns: int = 200
    cell: int = 32 * 1024  # characters
    depth: int = 60  # nesting, the same as an estate file's
    attributes: int = 100  # of one XML element

    @property
    def size(self) -> int:
        """Bytes."""
        return self.mib * MIB

    @property
    def rows(self) -> int:
        return self.mib * 2_000

    @property
    def elements(self) -> int:
        """XML elements: 50,000 in the first MiB (notes 3.3), 20,000 in each further one."""
        return 30_000 + self.mib * 20_000

    @property
    def tokens(self) -> int:
        """Commas and brackets of a JSON text: what memory is spent on."""
        return self.mib * 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What a person says because the file does not.

    `known`: (lower-case type, lower-case name) → id, of what the inventory holds once under that name: service
    management knows names, not resource groups. `region`: where the file's resources are, when it does not say.
    """

    subscription_id: str = ""
    network: str = ""  # name of the virtual network a CSV is about
    region: str = ""
    known: Mapping[tuple[str, str], str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the file as a document, or the reason why it is none.

    `place`: where in the file ("line 12", "resources[3]", "HostedService shop"). `partial`: the file says less than
    Azure would; what is known besides stays. `left_out`: a sentence when it is nothing the inventory keeps.
    """

    place: str
    document: Mapping[str, Any] | None = field(default=None, hash=False)
    name: str = ""
    refused: str = ""
    left_out: str = ""
    notes: tuple[str, ...] = ()
    partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A file as read. `whole`: the subscriptions it lists to the end, so that what it does not mention is gone."""

    kind: Kind
    entries: tuple[Entry, ...]
    subscriptions: tuple[SubscriptionInfo, ...]
    as_of: datetime | None = None  # when what it says was so, as it says itself
    whole: frozenset[str] = frozenset()
    registrations: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict, hash=False
    )  # subscription → name → state
    usages: tuple[Usage, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    notes: tuple[str, ...] = ()
