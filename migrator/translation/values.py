"""The words of a comparison."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from migrator.resources import UNKNOWN


class Kind(StrEnum):
    """What became of one field. UNEXPECTED and UNREAD hold a commit; the others are shown."""

    SAME = "same"
    RENAMED = "renamed"  # changed exactly as a document says: a name, a group, a size, a public IP SKU
    DROPPED = "dropped"  # lost exactly as a document says
    UNEXPECTED = "unexpected"  # missing, different, or there although nobody expected it
    UNREAD = "unread"  # one of the two sides was not read: nobody can say


HOLDING = frozenset({Kind.UNEXPECTED, Kind.UNREAD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One row that should be found after Prepare. Values are JSON values or UNKNOWN; None: known to be absent; a tuple
    is compared without regard to order, text without regard to case."""

    classic_key: str
    field: str
    before: Any
    after: Any
    kind: Kind  # what the row is when it is found so
    why: str  # cites its source
    free: bool = False  # the documents promise no value: whatever is found is as documented


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One row of the comparison, same ones included: a reviewer wants to see that a thing was looked at.

    `classic_key` is empty for what only the Resource Manager side has, `arm_key` where nothing was found. `before` and
    `after` are JSON values or UNKNOWN (not read); None: known to be absent.
    """

    classic_key: str
    arm_key: str
    field: str
    before: Any
    after: Any
    kind: Kind
    why: str

    @property
    def holds(self) -> bool:
        """Whether this row stands in the way of a commit."""
        return self.kind in HOLDING

    def as_json(self) -> dict[str, Any]:
        """For storing and for the seal: UNKNOWN as `{"unknown": true}`, so that it is never taken for a value."""
        return {
            "classic_key": self.classic_key,
            "arm_key": self.arm_key,
            "field": self.field,
            "before": _plain(self.before),
            "after": _plain(self.after),
            "kind": self.kind.value,
            "why": self.why,
        }


def _plain(value: Any) -> Any:
    if value is UNKNOWN:
        return {"unknown": True}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
