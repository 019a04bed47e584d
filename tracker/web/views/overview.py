"""The programme in one look. Eight queries, whatever the size of the estate; what moves are live fragments."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tracker.accounts.decorators import require
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.readiness import queries as readiness
from tracker.readiness.queries import Unblock
from tracker.waves.models import Approval
from tracker.web import deadlines, history, live, programme, readings, sentences
from tracker.web.views import sync

SHOWN = 6  # rows of each card; its head leads to all of them
WAVES = 12


PARTS = ("top", "waves", "now")  # the live fragments: templates/overview/_<part>.html


@require(Permission.READ)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    moment = readings.moment()
    counted = programme.counted()
    numbers = programme.flow(counted.cells)
    approvals = programme.open_approvals(moment.now)
    waves = programme.wave_rows(counted.cells, approvals, moment.now, timezone.get_current_timezone(), full=WAVES)
    held = programme.held(SHOWN)
    blockers = readiness.unblock(said=counted.rules)
    rows = readings.readings()
    past = history.read(moment.now, timezone.get_current_timezone())
    today = moment.now.astimezone(timezone.get_current_timezone()).date()
    shown = {
        **_top(request, moment, counted.cells, approvals, waves, held, blockers, rows, past),
        **_waves(waves),
        **_now(request, approvals, held),
        **sync.context(request, rows),
        "now": moment.now,
        "burn": history.burn_up(past, waves, scope=numbers.scope, done=numbers.done, today=today),
        "blockers": blockers[:SHOWN],
        "deadlines": [(one, one.days_left(today)) for one in deadlines.DEADLINES],
        "exit": deadlines.EXIT,
        "exit_days": deadlines.EXIT.days_left(today),
        "overview_etag": live.etag(moment.version, request.user.pk),
    }
    return render(request, "overview/page.html", shown)


@require(Permission.READ)
@require_safe
def moving(request: HttpRequest, part: str) -> HttpResponse:
    """One live part; each reads only what it shows."""
    if part not in PARTS:
        raise Http404
    moment = readings.moment()
    tag = live.etag(moment.version, request.user.pk)
    if same := live.unchanged(request, tag):
        return same
    approvals = programme.open_approvals(moment.now)
    if part == "now":
        shown = _now(request, approvals, programme.held(SHOWN))
    else:
        counted = programme.counted()
        waves = programme.wave_rows(counted.cells, approvals, moment.now, timezone.get_current_timezone(), full=WAVES)
        shown = _waves(waves)
        if part == "top":
            rows, past = readings.readings(), history.read(moment.now, timezone.get_current_timezone())
            held, blockers = programme.held(SHOWN), readiness.unblock(said=counted.rules)
            shown = _top(request, moment, counted.cells, approvals, waves, held, blockers, rows, past)
    return live.fragment(request, f"overview/_{part}.html", shown | {"now": moment.now, "overview_etag": tag}, tag)


def _top(
    request: HttpRequest,
    moment: readings.Moment,
    cells: Sequence[programme.Cell],
    approvals: Sequence[Approval],
    waves: Sequence[programme.WaveRow],
    held: programme.Held,
    blockers: Sequence[Unblock],
    rows: Sequence[readings.Reading],
    past: history.History,
) -> dict[str, Any]:
    numbers, decisions = programme.flow(cells), programme.waiting(approvals)
    failed = [row.subscription.name for row in rows if row.stale]
    user: User = request.user  # type: ignore[assignment]
    return {
        "flow": programme.strip(numbers, len(blockers)),
        "sentences": [
            sentences.changed(past.recent),
            sentences.at_risk(held, waves, failed, moment.now),
            sentences.next_step(user, numbers, decisions, waves, blockers),
        ],
    }


def _waves(waves: Sequence[programme.WaveRow]) -> dict[str, Any]:
    return {"waves": waves[:WAVES], "all_waves": waves}


def _now(request: HttpRequest, approvals: Sequence[Approval], held: programme.Held) -> dict[str, Any]:
    user: User = request.user  # type: ignore[assignment]
    decisions = programme.waiting(approvals)
    return {
        "locked": held.locked,
        "locked_count": held.locked_count,
        "in_flight_url": programme.address("inventory", progress=programme.values(programme.UNDER_WAY)),
        "standing": held.standing,
        "standing_count": held.standing_count,
        "decisions": [(row, programme.is_for(row, user)) for row in decisions[:SHOWN]],
        "decision_count": len(decisions),
    }
