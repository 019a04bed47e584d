"""Times as people say them, and the instants they mean: local times in a zone, and windows that come every week.

Pure. Zones are those of the tz database (zoneinfo). A local time is one instant on most days; when the clocks go
forward some times do not exist, when they go back some come twice. A person who names such a time is asked
(`NoSuchTime`, `ComesTwice`); a rule for many weeks cannot ask, so it takes what makes the window shorter, never longer
(`occurrences`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_WEEKS = 104  # of one rule: what is planned further ahead will be planned again
_SHAPES = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")


class TimeError(ValueError):
    """Base: `str(error)` is one sentence for a person."""


class NoZone(TimeError):
    """No zone of the tz database has this name."""


class Unreadable(TimeError):
    """This is no date and time, or one of a year that cannot be meant."""


class NoSuchTime(TimeError):
    """The clocks go forward over it. `before`, `after`: the local times right before and right after the gap."""

    def __init__(self, sentence: str, before: datetime, after: datetime) -> None:
        super().__init__(sentence)
        self.before, self.after = before, after


class ComesTwice(TimeError):
    """The clocks go back over it. `first`, `second`: the two instants, in UTC."""

    def __init__(self, sentence: str, first: datetime, second: datetime) -> None:
        super().__init__(sentence)
        self.first, self.second = first, second


class BadRule(TimeError):
    """A weekly window that cannot be: no week in it, or too many."""


def zone(name: str) -> ZoneInfo:
    """The zone of that name. Raises NoZone. Names are `Area/City` or UTC; the database's own file names are none."""
    try:
        if not name or not name.isascii() or not name.isprintable() or name != name.strip():
            raise ValueError(name)
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:
        raise NoZone("There is no such time zone; write it like Europe/Berlin, or UTC.") from error


def read(text: str) -> tuple[datetime, timedelta | None]:
    """A local time as typed, without a zone, and the offset from UTC if it was typed too (`2026-10-25 02:30+01:00`).

    Raises Unreadable. Seconds may be left out; `Z` is the offset of UTC."""
    text = text.strip()
    if text.isascii():
        plain, offset = _split_offset(text)
        for shape in _SHAPES:
            try:
                local = datetime.strptime(plain, shape)  # noqa: DTZ007 - its zone is given elsewhere
            except ValueError:
                continue
            if not 2000 <= local.year <= 2100:
                raise Unreadable(f"The year {local.year} cannot be meant; check the date.")
            return local, offset
    raise Unreadable("This is not a date and time; write it as 2026-12-01 22:00.")


def _split_offset(text: str) -> tuple[str, timedelta | None]:
    if text.endswith(("Z", "z")):
        return text[:-1].rstrip(), timedelta(0)
    head, sign, tail = text[:10], *_last_sign(text[10:])
    if not sign:
        return text, None
    words, _, offset = tail.partition("\0")
    hours, _, minutes = offset.partition(":")
    if not (hours.isdecimal() and len(hours) == 2 and minutes.isdecimal() and len(minutes) == 2 and int(minutes) < 60):
        raise Unreadable("An offset from UTC is written like +01:00 or -05:30.")
    found = timedelta(hours=int(hours), minutes=int(minutes))
    return (head + words).rstrip(), found if sign == "+" else -found


def _last_sign(text: str) -> tuple[str, str]:
    """The sign of an offset in the part behind the date, and that part with the sign as NUL; empty: there is none."""
    place = max(text.rfind("+"), text.rfind("-"))
    return ("", text) if place < 0 else (text[place], text[:place] + "\0" + text[place + 1 :])


def instant(local: datetime, where: ZoneInfo, offset: timedelta | None = None) -> datetime:
    """The instant of a local time (naive), in UTC. `offset`: from UTC, where the person said which of two is meant.

    Raises NoSuchTime (also for an offset the zone does not have then), ComesTwice.
    """
    first, second = (local.replace(tzinfo=where, fold=fold).astimezone(UTC) for fold in (0, 1))
    meant = [at for at in dict.fromkeys((first, second)) if at.astimezone(where).replace(tzinfo=None) == local]
    said = f"{local:%H:%M} on {local.day} {local:%b %Y}"
    if not meant:
        # of a gap the two readings lie on either side of it, crossed over
        before, after = (at.astimezone(where).replace(tzinfo=None) for at in (second, first))
        raise NoSuchTime(
            f"There is no {said} in {where}: the clocks go forward over it. "
            f"Choose a time before or after, for example {before:%H:%M} or {after:%H:%M}.",
            before,
            after,
        )
    if offset is not None:
        for at in meant:
            if at.astimezone(where).utcoffset() == offset:
                return at
        there = " or ".join(offset_of(at, where) for at in meant)
        raise NoSuchTime(f"{said} in {where} is {there} from UTC, not what was written.", local, local)
    if len(meant) > 1:
        one, two = (offset_of(at, where) for at in meant)
        raise ComesTwice(
            f"{said} comes twice in {where}: the clocks go back. Say which is meant by adding its offset from UTC: "
            f"{one} for the first, {two} for the second.",
            *meant,
        )
    return meant[0]


def offset_of(at: datetime, where: ZoneInfo) -> str:
    """`+01:00`: the offset from UTC of an instant in a zone."""
    text = f"{at.astimezone(where):%z}"
    return f"{text[:3]}:{text[3:5]}"


def said(at: datetime, where: ZoneInfo) -> str:
    """The local words of an instant with their offset, as they are kept: `2026-12-05T22:00+01:00`."""
    local = at.astimezone(where)
    return f"{local:%Y-%m-%dT%H:%M}{offset_of(at, where)}"


def words(at: datetime, where: ZoneInfo) -> str:
    """`Sat 5 Dec 2026 22:00 Europe/Berlin`: for people; with the offset where the time comes twice that day."""
    local = at.astimezone(where)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%a} {local.day} {local:%b %Y %H:%M} {where}{f' ({offset_of(at, where)})' if twice else ''}"


@dataclass(frozen=True, slots=True)
class Span:
    """From one instant to another, UTC, the end not included."""

    opens: datetime
    closes: datetime

    def holds(self, at: datetime) -> bool:
        return self.opens <= at < self.closes

    @property
    def length(self) -> timedelta:
        return self.closes - self.opens


@dataclass(frozen=True, slots=True)
class Weekly:
    """A window that comes every week: opens on a weekday (0: Monday) at a local time, closes at the next `closes` after
    it (on the next day where that is not later). `first` and `last` are dates of opening, both included."""

    weekday: int
    opens: time
    closes: time
    where: ZoneInfo
    first: date
    last: date

    def __str__(self) -> str:
        return (
            f"{DAYS[self.weekday]}s {self.opens:%H:%M}–{self.closes:%H:%M} {self.where}, "
            f"{self.first.isoformat()} to {self.last.isoformat()}"
        )


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One week of a rule. `note`: what the clocks do to it, if anything; `span` None: nothing is left of it."""

    day: date
    span: Span | None
    note: str = ""


def occurrences(rule: Weekly) -> list[Occurrence]:
    """Every week of a rule, in order. Raises BadRule.

    A time the clocks go forward over is the moment they do. A time that comes twice is taken so that the window is
    shorter: it opens at the second and closes at the first; where both ends come twice, both are the first.
    """
    if rule.last < rule.first:
        raise BadRule("The last week is before the first; give a later date.")
    day = rule.first + timedelta(days=(rule.weekday - rule.first.weekday()) % 7)
    if day > rule.last:
        raise BadRule(f"There is no {DAYS[rule.weekday]} from {rule.first.isoformat()} to {rule.last.isoformat()}.")
    weeks = (rule.last - day).days // 7 + 1
    if weeks > MOST_WEEKS:
        raise BadRule(f"That is {weeks} weeks; {MOST_WEEKS} at a time are the most.")
    return [_occurrence(rule, day + timedelta(weeks=week)) for week in range(weeks)]


def _occurrence(rule: Weekly, day: date) -> Occurrence:
    begin = datetime.combine(day, rule.opens)
    end = datetime.combine(day if rule.closes > rule.opens else day + timedelta(days=1), rule.closes)
    opens, closes = _either(begin, rule.where, fold=1), _either(end, rule.where, fold=0)
    if opens >= closes and _twice(begin, rule.where) and _twice(end, rule.where):
        opens = _either(begin, rule.where, fold=0)
    notes = [note for local in (begin, end) if (note := _note(local, rule.where))]
    if opens >= closes:
        return Occurrence(day, None, f"left out: {'; '.join(notes)}")
    changed = _change(opens, closes, rule.where)
    return Occurrence(day, Span(opens, closes), "; ".join(notes) or changed)


def _either(local: datetime, where: ZoneInfo, *, fold: int) -> datetime:
    """The instant of a local time: in a gap the moment of the change, of two the one asked for."""
    at = local.replace(tzinfo=where, fold=fold).astimezone(UTC)
    if at.astimezone(where).replace(tzinfo=None) == local:
        return at
    before, after = (local.replace(tzinfo=where, fold=f).astimezone(UTC) for f in (1, 0))
    return _moment_of_change(before, after, where)


def _moment_of_change(before: datetime, after: datetime, where: ZoneInfo) -> datetime:
    """The first whole second of the new offset between two instants that lie on either side of one change."""
    old = before.astimezone(where).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if middle.astimezone(where).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def _twice(local: datetime, where: ZoneInfo) -> bool:
    one, two = (local.replace(tzinfo=where, fold=fold) for fold in (0, 1))
    exists = one.astimezone(UTC).astimezone(where).replace(tzinfo=None) == local
    return exists and one.utcoffset() != two.utcoffset()


def _note(local: datetime, where: ZoneInfo) -> str:
    if _twice(local, where):
        return f"{local:%H:%M} comes twice that day"
    if local.replace(tzinfo=where).astimezone(UTC).astimezone(where).replace(tzinfo=None) != local:
        return f"there is no {local:%H:%M} that day, the clocks go forward"
    return ""


def _change(opens: datetime, closes: datetime, where: ZoneInfo) -> str:
    """What a change of the clocks inside a window does to its length."""
    gained = (opens.astimezone(where).utcoffset() or timedelta()) - (
        closes.astimezone(where).utcoffset() or timedelta()
    )
    if not gained:
        return ""
    minutes = int(abs(gained).total_seconds()) // 60
    return f"{minutes} min {'longer' if gained > timedelta() else 'shorter'} than usual: the clocks change in it"


def remaining(spans: list[Span], gaps: list[Span], since: datetime) -> Iterator[Span]:
    """What is left of spans from an instant on when the gaps are cut out of them, in order; parts shorter than a second
    are left out."""
    for span in sorted(spans, key=lambda each: (each.opens, each.closes)):
        parts = [Span(max(span.opens, since), span.closes)]
        for gap in gaps:
            parts = [
                piece
                for part in parts
                for piece in (
                    Span(part.opens, min(part.closes, gap.opens)),
                    Span(max(part.opens, gap.closes), part.closes),
                )
            ]
        yield from (part for part in sorted(parts, key=lambda each: each.opens) if part.length >= timedelta(seconds=1))


@dataclass(frozen=True, slots=True)
class Room:
    """`left`: until the window closes or a planned freeze begins, None while none is open. `fits`: the first time from
    now on that has the room which is needed. `longest`: the most room there will be."""

    left: Span | None
    fits: Span | None
    longest: timedelta


def room(need: timedelta, spans: list[Span], gaps: list[Span], now: datetime) -> Room:
    """What is left of windows when planned freezes are cut out of them, from now on."""
    parts = list(remaining(spans, gaps, now))
    return Room(
        left=max((part for part in parts if part.holds(now)), key=lambda part: part.closes, default=None),
        fits=next((part for part in parts if part.length >= need), None),
        longest=max((part.length for part in parts), default=timedelta()),
    )
