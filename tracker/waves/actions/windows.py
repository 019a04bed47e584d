"""The windows of a wave: when Prepare and Commit may start. Times are instants; with each the words and the zone it was
said in are kept."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from migrator import windows
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.audit.values import stamp
from tracker.waves.actions import shared
from tracker.waves.actions.shared import BadWindow
from tracker.waves.models import Wave, Window

MOST_WINDOWS = 200  # of one wave
UTC = ZoneInfo("UTC")


def set_window(
    wave: Wave, *, opens_at: datetime, closes_at: datetime, zone: ZoneInfo = UTC, by: User, now: datetime
) -> Window:
    """Give the wave its one window (replacing earlier ones). Raises BadWindow. Voids approvals."""
    check(by, Permission.PLAN, ("wave", str(wave.pk)), now)
    _possible(opens_at, closes_at, now)
    with transaction.atomic():
        wave = shared.lock(wave)
        wave.windows.all().delete()
        return _stored(wave, [_made(wave, opens_at, closes_at, zone)], "the window was changed", by, now)[0]


def add_window(
    wave: Wave, *, opens_at: datetime, closes_at: datetime, zone: ZoneInfo = UTC, by: User, now: datetime
) -> Window:
    """One more window beside those there are. Raises BadWindow. Voids approvals."""
    check(by, Permission.PLAN, ("wave", str(wave.pk)), now)
    _possible(opens_at, closes_at, now)
    with transaction.atomic():
        wave = shared.lock(wave)
        _room(wave, 1)
        if wave.windows.filter(opens_at=opens_at, closes_at=closes_at).exists():
            raise BadWindow("The wave has exactly this window already.")
        return _stored(wave, [_made(wave, opens_at, closes_at, zone)], "a window was added", by, now)[0]


def add_weekly(wave: Wave, rule: windows.Weekly, *, by: User, now: datetime) -> list[Window]:
    """One window for each week of a rule that is not over yet. Raises BadWindow. Voids approvals.

    The weeks are stored as instants, so that what was approved is what the engine goes by, whatever becomes of the rule
    or of the clocks of that country."""
    check(by, Permission.PLAN, ("wave", str(wave.pk)), now)
    try:
        weeks = windows.occurrences(rule)
    except windows.BadRule as error:
        raise BadWindow(str(error)) from error
    coming = [(each, each.span) for each in weeks if each.span is not None and each.span.closes > now]
    if not coming:
        raise BadWindow("Every week of this rule is over already, or nothing is left of it when the clocks change.")
    with transaction.atomic():
        wave = shared.lock(wave)
        there = set(wave.windows.values_list("opens_at", "closes_at"))
        fresh = [(each, span) for each, span in coming if (span.opens, span.closes) not in there]
        if not fresh:
            raise BadWindow("The wave has every one of these windows already.")
        _room(wave, len(fresh))
        made = [
            _made(wave, span.opens, span.closes, rule.where, rule=str(rule), note=each.note[:160])
            for each, span in fresh
        ]
        return _stored(wave, made, "weekly windows were added", by, now)


def remove_window(window: Window, *, by: User, now: datetime) -> None:
    """Take one window away. Raises BadWindow when it is not there any more. Voids approvals."""
    check(by, Permission.PLAN, ("wave", str(window.wave_id)), now)
    with transaction.atomic():
        wave = shared.lock(window.wave)
        gone, _ = Window.objects.filter(pk=window.pk, wave=wave).delete()
        if not gone:
            raise BadWindow("This window was removed already.")
        shared.edited(wave, by, now, "a window was removed")
        record(
            "wave.window_removed",
            by=by.actor,
            object=("wave", str(wave.pk)),
            now=now,
            detail=_told(window) | {"name": wave.name},
        )


def _possible(opens_at: datetime, closes_at: datetime, now: datetime) -> None:
    if closes_at <= opens_at:
        raise BadWindow("The window closes before it opens; give a closing time after the opening time.")
    if closes_at <= now:
        raise BadWindow("The window is already over; give a closing time in the future.")


def _room(wave: Wave, more: int) -> None:
    if wave.windows.count() + more > MOST_WINDOWS:
        raise BadWindow(f"A wave has at most {MOST_WINDOWS} windows; remove some that are over.")


def _made(
    wave: Wave, opens_at: datetime, closes_at: datetime, zone: ZoneInfo, *, rule: str = "", note: str = ""
) -> Window:
    return Window(
        wave=wave,
        opens_at=opens_at,
        closes_at=closes_at,
        zone=str(zone),
        opens_said=windows.said(opens_at, zone),
        closes_said=windows.said(closes_at, zone),
        rule=rule,
        note=note,
    )


def _stored(wave: Wave, made: list[Window], what: str, by: User, now: datetime) -> list[Window]:
    for window in made:
        window.save(force_insert=True)
    shared.edited(wave, by, now, what)
    first, last = made[0], made[-1]
    told = _told(first) | {"closes": stamp(last.closes_at), "closes said": last.closes_said, "name": wave.name}
    if first.rule:
        told |= {"rule": first.rule, "windows": len(made)}
    record("wave.window_set", by=by.actor, object=("wave", str(wave.pk)), now=now, detail=told)
    return made


def _told(window: Window) -> dict[str, str]:
    return {
        "opens": stamp(window.opens_at),
        "closes": stamp(window.closes_at),
        "zone": window.zone,
        "opens said": window.opens_said,
        "closes said": window.closes_said,
    }
