"""Classic metrics and what they are called on the Resource Manager side; durations (azure.md 6.1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from migrator.counterparts import Id


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    aggregation: str  # the primary one
    rate: bool = False  # the classic metric was a rate per second, the new one is a total


# azure.md 6.1 [D] for cloud services; the names for virtual machines are [K] there.
METRICS: Final[Mapping[str, Metric]] = {
    "percentage cpu": Metric("Percentage CPU", "Average"),
    "network in": Metric("Network In Total", "Total"),
    "network out": Metric("Network Out Total", "Total"),
    "disk read bytes/sec": Metric("Disk Read Bytes", "Total", rate=True),
    "disk write bytes/sec": Metric("Disk Write Bytes", "Total", rate=True),
    "disk read operations/sec": Metric("Disk Read Operations/Sec", "Average"),
    "disk write operations/sec": Metric("Disk Write Operations/Sec", "Average"),
}
# The names of the new side stand for themselves, so that translating twice changes nothing.
NEW_NAMES: Final = (*dict.fromkeys(metric.name for metric in METRICS.values()), "Available Memory Bytes")

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.0+)?S)?)?")
_CLOCK = re.compile(r"(?:(\d+)\.)?(\d+):(\d\d):(\d\d)(?:\.0+)?")


def seconds(text: object) -> int | None:
    """Seconds of an ISO 8601 duration, or of `d.hh:mm:ss` as the older API writes it; None for anything else."""
    if not isinstance(text, str):
        return None
    found = _DURATION.fullmatch(text.strip().upper()) if len(text.strip()) > 2 else None
    found = found or _CLOCK.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def duration(total: int) -> str:
    """ISO 8601: 300 → PT5M."""
    if total and total % 86400 == 0:
        return f"P{total // 86400}D"
    hours, rest = divmod(total, 3600)
    minutes, left = divmod(rest, 60)
    parts = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + (f"{left}S" if left else "")
    return f"PT{parts or '0S'}"


def namespace(resource_id: str) -> str:
    """The metric namespace of a resource: its type. Of something inside a storage account, as written in the id."""
    parsed = Id.parse(resource_id)
    return parsed.type if parsed else ""
