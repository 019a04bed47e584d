"""What was captured of a unit before its Prepare, and what became of each: a follow-up, or nothing and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from migrator import followups
from migrator.gateway import wire
from migrator.lifecycle import State
from tracker.followups.models import Capture, CapturedSetting, FollowUp
from tracker.inventory.models import Unit
from tracker.runs.models import Comparison
from tracker.web import kinds

SHOWN = 300
_OVER = frozenset({State.COMMITTED, State.VERIFIED, State.CLOSED})
_ELSEWHERE = "No follow-up of its own: what it says is part of another one, or owed with another unit."


@dataclass(slots=True)
class Line:
    """`why`: why nothing is owed; empty while nobody knows, and where there are follow-ups."""

    name: str
    kind: str
    id: str
    why: str = ""
    follow_ups: list[FollowUp] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Captured:
    at: datetime
    missing: Sequence[dict[str, Any]]  # {"resource", "sentence"} of what could not be read
    committed: bool
    lines: Sequence[Line]  # those with follow-ups first
    more: int  # not shown

    @property
    def kept(self) -> int:
        """For how many of those shown nothing is owed."""
        return sum(1 for line in self.lines if line.why)


def of(unit: Unit) -> Captured | None:
    """None when nothing was captured. Three queries, and one more once it is committed and something is not owed."""
    last = Capture.objects.filter(unit=unit).order_by("-at").first()
    if last is None:
        return None
    settings = list(CapturedSetting.objects.filter(unit=unit).order_by("kind", "name", "pk")[: SHOWN + 1])
    lines = {
        one.pk: Line(one.name, kinds.type_word(one.kind), str(one.document.get("id", one.source_key)))
        for one in settings[:SHOWN]
    }
    for row in FollowUp.objects.filter(unit=unit, captured__in=list(lines)).only("title", "state", "captured_id"):
        lines[row.captured_id].follow_ups.append(row)
    committed = unit.progress in _OVER
    unpaid = [one for one in settings[:SHOWN] if not lines[one.pk].follow_ups]
    if committed and unpaid:
        whys = _whys(unit, last, unpaid)
        for one in unpaid:
            lines[one.pk].why = whys.get(one.source_key, _ELSEWHERE)
    ordered = sorted(lines.values(), key=lambda line: not line.follow_ups)
    more = CapturedSetting.objects.filter(unit=unit).count() - SHOWN if len(settings) > SHOWN else 0
    return Captured(last.at, last.missing, committed, ordered, more)


def _whys(unit: Unit, last: Capture, unpaid: Sequence[CapturedSetting]) -> dict[str, str]:
    found = Comparison.objects.filter(run__unit=unit).order_by("-at").values_list("arm_documents", flat=True).first()
    told = followups.kept(
        unit.azure_id, [one.document for one in unpaid], wire.resources(last.before), list(found or ())
    )
    return {one.captured_id.lower(): one.why for one in told}
