"""Where a wave will stand when its window closes, from what verbs took for units of the size. Three queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from migrator import durations, windows
from migrator.durations import Estimate
from migrator.resources import Verb
from migrator.windows import Span
from tracker.runs import fitting
from tracker.waves import queries as waves

# The units of a wave that still have Prepare or Commit before them or under way. A run's live operation tells which is
# under way and since when it was armed: (unit, name, kind, subscription, region, progress, verb under way, armed at,
# -, let through). Windows and planned freezes come as rows of the same shape.
_UNITS = """
SELECT 'unit', u.id, u.name, u.kind, u.subscription_id, u.region, u.progress, o.verb, o.armed_at,
       NULL::timestamptz, (SELECT string_agg(v.verb, ' ') FROM tracker_overrun v WHERE v.run_id = r.id)
  FROM tracker_placement p JOIN tracker_unit u ON u.id = p.unit_id
  LEFT JOIN tracker_run r ON r.unit_id = u.id AND r.wave_id = p.wave_id AND r.ended_at IS NULL
  LEFT JOIN tracker_operation o ON o.run_id = r.id AND o.state IN ('sending', 'polling', 'unknown')
   AND o.verb IN ('prepare', 'commit')
 WHERE p.wave_id = %(wave)s AND u.progress IN ('planned', 'validated', 'preparing', 'prepared', 'committing')
UNION ALL
SELECT 'window', id, '', '', '', '', '', '', opens_at, closes_at, NULL FROM tracker_window
 WHERE wave_id = %(wave)s AND closes_at > %(now)s
UNION ALL
SELECT 'planned', id, scope, '', '', '', '', '', begins_at, ends_at, NULL FROM tracker_plannedfreeze
 WHERE withdrawn_at IS NULL AND ends_at > %(now)s
"""


@dataclass(frozen=True, slots=True)
class Expected:
    """One unit: the verb that is next or under way, and when it would end if it began as soon as it may. `ends_at`
    None: nobody can say. `fits`: before the window closes and a planned freeze begins."""

    unit: int
    name: str
    verb: str
    under_way: bool
    estimate: Estimate | None
    ends_at: datetime | None
    fits: bool
    allowed: bool = False

    @property
    def needs(self) -> str:
        """`1 h 50 min`, with the margin; empty where nothing was measured."""
        return durations.words(self.estimate.need) if self.estimate else ""

    @property
    def basis(self) -> str:
        return self.estimate.basis(self.verb) if self.estimate else ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """`window`: what is left of the open window, or of the next one; None where none is planned. `open`: it is open."""

    window: Span | None
    open: bool
    left: timedelta
    units: tuple[Expected, ...]

    @property
    def over(self) -> list[Expected]:
        return [each for each in self.units if each.ends_at is not None and not each.fits]

    @property
    def unmeasured(self) -> list[Expected]:
        return [each for each in self.units if each.ends_at is None]

    @property
    def fitting(self) -> list[Expected]:
        return [each for each in self.units if each.fits]

    @property
    def ends_at(self) -> datetime | None:
        """When the last of those that fit is expected to end its verb."""
        return max((each.ends_at for each in self.fitting if each.ends_at is not None), default=None)

    @property
    def sentence(self) -> str:
        """`7 of 9 units fit; 2 would overrun: shop-net, erp-net.`"""
        n = len(self.units)
        if not n:
            return "Nothing of this wave waits for Prepare or Commit."
        if self.window is None:
            return "No window is planned; nothing may start without one."
        if len(self.unmeasured) == n:
            return (
                f"Nobody can say yet: what {'these units' if n > 1 else 'this unit'} will take was never measured here."
            )
        told = [f"{len(self.fitting)} of {n} unit{'s' if n > 1 else ''} fit{'' if len(self.fitting) != 1 else 's'}"]
        if self.over:
            names = ", ".join(each.name for each in self.over[:5])
            more = f" and {len(self.over) - 5} more" if len(self.over) > 5 else ""
            told.append(f"{len(self.over)} would overrun: {names}{more}")
        if self.unmeasured:
            told.append(f"of {len(self.unmeasured)} nobody can say, it was never measured here")
        return f"{'; '.join(told)}."


def forecast(wave: int, now: datetime) -> Forecast:
    """As if everything that waits for Prepare or Commit began at once, or when the window opens; people's time between
    the two is nobody's to foretell. Writes go out at ten a second, so that a wave begins within its first minutes."""
    with connection.cursor() as cursor:
        cursor.execute(_UNITS, {"wave": wave, "now": now})
        rows = cursor.fetchall()
    units = [row[1:] for row in rows if row[0] == "unit"]
    spans = [Span(row[8], row[9]) for row in rows if row[0] == "window"]
    planned = [(row[2], Span(row[8], row[9])) for row in rows if row[0] == "planned"]
    verbs = {row[0]: _verb(row[5], row[6]) for row in units}
    sizes = fitting.sizes([row[0] for row in units]) if units else {}
    samples = fitting.measured((verbs[row[0]], row[2]) for row in units)
    general = [span for scope, span in planned if scope in ("all", f"wave:{wave}")]
    part = next(windows.remaining(spans, general, now), None)
    found = []
    for unit, name, kind, subscription, region, _progress, under_way, armed_at, _, allowed in units:
        verb = verbs[unit]
        scopes = waves.scopes(subscription, verb, region=region, wave=wave)
        gaps = [span for scope, span in planned if scope in scopes]
        estimate = durations.estimate(samples, verb=verb, kind=kind, size=sizes[unit])
        let = verb in (allowed or "").split()
        found.append(_expected(unit, name, verb, armed_at if under_way else None, estimate, spans, gaps, let, now))
    holds = part is not None and part.holds(now)
    return Forecast(part, holds, part.closes - now if part and holds else timedelta(), tuple(found))


def _verb(progress: str, under_way: str | None) -> str:
    return under_way or (Verb.COMMIT if progress in ("prepared", "committing") else Verb.PREPARE).value


def _expected(
    unit: int,
    name: str,
    verb: str,
    armed_at: datetime | None,
    estimate: Estimate | None,
    spans: Sequence[Span],
    gaps: Sequence[Span],
    allowed: bool,
    now: datetime,
) -> Expected:
    part = next(windows.remaining(list(spans), list(gaps), now), None)
    if estimate is None or (part is None and armed_at is None):
        return Expected(unit, name, verb, armed_at is not None, estimate, None, fits=False, allowed=allowed)
    if armed_at is not None:
        ends = max(now, armed_at + estimate.p90)
        return Expected(unit, name, verb, True, estimate, ends, fits=part is not None and ends <= part.closes)
    starts = max(now, part.opens)  # type: ignore[union-attr] - there is one, or it is under way
    fits = allowed or starts + estimate.need <= part.closes  # type: ignore[union-attr]
    return Expected(unit, name, verb, False, estimate, starts + estimate.p90, fits=fits, allowed=allowed)
