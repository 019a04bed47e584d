"""What could not be read before Prepare, and who goes on without it. A missing part is known by its resource and right:
the sentence may word the same refusal in another way the next time. Reads only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q

from tracker.followups.models import AcceptedGap, Capture, CapturedSetting
from tracker.inventory.models import Unit

Missing = Mapping[str, str]  # {"resource", "action", "sentence"}


def part(missing: Missing) -> tuple[str, str]:
    return missing["resource"].lower(), missing["action"].lower()


def accepted(run: UUID) -> list[AcceptedGap]:
    """What was accepted for a run, the newest first."""
    return list(AcceptedGap.objects.filter(run=run).order_by("-at"))


def unaccepted(capture: Capture, run: UUID) -> list[Missing]:
    """The missing parts of a capture which nobody accepted for this run."""
    if not capture.missing:
        return []
    known = {part(each) for row in accepted(run) for each in row.missing}
    return [each for each in capture.missing if part(each) not in known]


def told(missing: Iterable[Missing]) -> list[Missing]:
    """Each missing part once, in the order read."""
    found: dict[tuple[str, str], Missing] = {}
    for each in missing:
        found.setdefault(part(each), each)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Captured:
    """The newest reading of a unit before Prepare with everything that belongs to it. `settings` have `.owed`, the ids
    of their follow-ups."""

    at: datetime | None
    complete: bool
    missing: list[Missing]
    accepted: list[AcceptedGap]
    settings: list[Any]


def captured(unit: Unit) -> Captured:
    """Three queries."""
    last = Capture.objects.filter(unit=unit).order_by("-at").first()
    owed = ArrayAgg("follow_ups", filter=Q(follow_ups__isnull=False), order_by="follow_ups", default=[])
    return Captured(
        at=last.at if last else None,
        complete=bool(last and last.complete),
        missing=list(last.missing) if last else [],
        accepted=list(AcceptedGap.objects.filter(unit=unit).order_by("-at")),
        settings=list(CapturedSetting.objects.filter(unit=unit).annotate(owed=owed).order_by("source_key")),
    )
