"""The standing of waves (runs/wave_facts.py) as a page shows it: with bars and addresses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from urllib.parse import urlencode

from django.urls import reverse

from tracker.runs import wave_facts
from tracker.runs.wave_facts import Standing, listed
from tracker.waves import queries
from tracker.waves.models import Approval, Wave
from tracker.web import charts

__all__ = ["Summary", "listed", "summaries", "summary"]


@dataclass(slots=True)
class Summary(Standing):
    """One wave with everything its row says."""

    @property
    def segments(self) -> list[charts.Segment]:
        """Its units by progress, for a bar; each opens the list behind it."""
        return [
            segment
            for segment in charts.by_progress(self.facts.progress, f"{reverse('inventory')}?wave={self.wave.pk}")
            if segment.count
        ]

    @property
    def cores(self) -> int:
        return sum(line.amount for line in self.facts.quota if line.name.lower() == "cores")

    @property
    def quota_url(self) -> str:
        """The quota page, narrowed to the regions of the wave."""
        regions = sorted({line.region for line in self.facts.quota})
        return f"{reverse('quota')}?{urlencode([('region', region) for region in regions])}"

    @property
    def telling_lines(self) -> list[queries.QuotaLine]:
        """Quota worth a look on the page of the wave: cores, and what is short or was never read."""
        return [line for line in self.facts.quota if line.name.lower() == "cores" or line.free is None or line.short]

    @property
    def short(self) -> int:
        """How many usages rows are short."""
        return sum(1 for line in self.facts.quota if line.short)


def _shown(found: Standing) -> Summary:
    return Summary(found.wave, found.facts, found.approval, found.moved)


def summaries(
    waves: Sequence[Wave], *, now: datetime, zone: tzinfo, approvals: Iterable[Approval] | None = None
) -> list[Summary]:
    """As wave_facts.standings."""
    return [_shown(found) for found in wave_facts.standings(waves, now=now, zone=zone, approvals=approvals)]


def summary(wave: Wave, *, now: datetime, zone: tzinfo) -> Summary:
    """As wave_facts.standing."""
    return _shown(wave_facts.standing(wave, now=now, zone=zone))
