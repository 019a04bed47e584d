"""What people do to a wave: each a POST to one action, then back to the page with one sentence."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.inventory.actions import IllegalMove
from tracker.inventory.models import Unit
from tracker.quota.actions import QuotaError
from tracker.runs import actions as runs
from tracker.runs.models import AskVerb, Purpose
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves import queries
from tracker.waves.models import Placement, Wave, Window
from tracker.web.forms_waves import ReasonForm, WaveForm, WeeklyForm, WindowForm
from tracker.web.views.waves import plan_page, wave_or_404

REFUSALS = (waves.WaveError, runs.RunError, QuotaError, IllegalMove)
NAMED = 3  # units left out that one sentence names


def back(request: HttpRequest, name: str, wave: Wave, fragment: str = "") -> HttpResponse:
    return HttpResponseRedirect(reverse(name, args=[wave.pk]) + fragment)


def carry_out(request: HttpRequest, act: Callable[[], Any], done: Callable[[Any], str]) -> bool:
    """Do it, and say what happened. Whether it was done."""
    try:
        result = act()
    except REFUSALS as error:
        messages.error(request, f"{error} Nothing was changed.")
        return False
    messages.success(request, done(result))
    return True


@require(Permission.PLAN)
@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    wave, form = wave_or_404(pk), WaveForm(request.POST)
    if not form.is_valid():
        return plan_page(request, wave, details=form, status=422)
    try:
        waves.change(wave, **form.cleaned_data, by=request.user, now=database_now())
    except waves.WaveError as error:
        form.add_error("name", str(error))
        return plan_page(request, wave, details=form, status=409)
    messages.success(request, "The wave was changed.")
    return back(request, "wave_plan", wave)


@require(Permission.PLAN)
@require_POST
def window(request: HttpRequest, pk: int) -> HttpResponse:
    wave, form = wave_or_404(pk), WindowForm(request.POST)
    if not form.is_valid():
        return plan_page(request, wave, window=form, status=422)
    given = {name: form.cleaned_data[name] for name in ("opens_at", "closes_at", "zone")}
    beside = request.POST.get("how") == "add"
    try:
        act = waves.add_window if beside else waves.set_window
        act(wave, **given, by=request.user, now=database_now())
    except waves.WaveError as error:
        form.add_error("closes", str(error))
        return plan_page(request, wave, window=form, status=409)
    messages.success(request, "The window was added." if beside else "The window was set.")
    return back(request, "wave_plan", wave, "#windows" if beside else "")


@require(Permission.PLAN)
@require_POST
def weekly(request: HttpRequest, pk: int) -> HttpResponse:
    """Windows that come every week, beside those there are."""
    wave, form = wave_or_404(pk), WeeklyForm(request.POST)
    if not form.is_valid():
        return plan_page(request, wave, weekly=form, status=422)
    try:
        made = waves.add_weekly(wave, form.cleaned_data["rule"], by=request.user, now=database_now())
    except waves.WaveError as error:
        form.add_error("last", str(error))
        return plan_page(request, wave, weekly=form, status=409)
    messages.success(request, f"{len(made)} window{'s were' if len(made) > 1 else ' was'} added.")
    return back(request, "wave_plan", wave, "#windows")


@require(Permission.PLAN)
@require_POST
def remove_window(request: HttpRequest, pk: int) -> HttpResponse:
    wave = wave_or_404(pk)
    text = request.POST.get("window", "")
    known = text.isascii() and text.isdigit() and len(text) < 18
    found = Window.objects.select_related("wave").filter(wave=wave, pk=int(text)).first() if known else None
    if found is None:
        messages.error(request, "This window was removed already. Nothing was changed.")
    else:
        carry_out(
            request,
            lambda: waves.remove_window(found, by=request.user, now=database_now()),
            lambda _: "The window was removed.",
        )
    return back(request, "wave_plan", wave, "#windows")


@require(Permission.PLAN)
@require_POST
def place(request: HttpRequest, pk: int) -> HttpResponse:
    wave, unit = wave_or_404(pk), _unit(request)
    try:
        waves.place(wave, unit, by=request.user, now=database_now())
    except REFUSALS as error:
        refused = {"happened": f"{unit.name} was not placed.", "changed": str(error), "next": "Nothing was changed."}
        return plan_page(request, wave_or_404(pk), refused=refused, status=409)
    more = f" with {unit.member_count - 1} more" if unit.member_count > 1 else ""
    messages.success(request, f"{unit.name} was placed{more}; its quota is reserved.")
    return back(request, "wave_plan", wave, "#units")


@require(Permission.PLAN)
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    wave, unit = wave_or_404(pk), _unit(request)
    placement = Placement.objects.select_related("wave").filter(wave=wave, unit=unit).first()
    if placement is None:
        messages.error(request, f"{unit.name} is not in this wave. Nothing was changed.")
    else:
        carry_out(
            request,
            lambda: waves.remove(placement, by=request.user, now=database_now()),
            lambda _: f"{unit.name} was removed; its quota is free again.",
        )
    return back(request, "wave_plan", wave, "#units")


@require(Permission.PLAN)
@require_POST
def submit(request: HttpRequest, pk: int) -> HttpResponse:
    wave = wave_or_404(pk)
    carry_out(
        request,
        lambda: waves.submit(wave, by=request.user, now=database_now()),
        lambda approval: (
            f"{wave.name} was submitted; {approval.needed} other "
            f"{'person has' if approval.needed == 1 else 'people have'} to approve it."
        ),
    )
    return back(request, "wave", wave)


@require(Permission.PLAN)
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    wave = wave_or_404(pk)
    approval = queries.open_wave_approval(wave)
    if approval is None:
        messages.error(request, "There is nothing to withdraw. Nothing was changed.")
        return back(request, "wave", wave)
    carry_out(
        request,
        lambda: waves.void(approval, reason="withdrawn", by=request.user, now=database_now()),
        lambda _: f"The submission of {wave.name} was withdrawn.",
    )
    return back(request, "wave", wave)


@require(Permission.OPERATE)
@require_POST
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """All planned units, or the one named; for good, or as a rehearsal."""
    wave = wave_or_404(pk)
    purpose = Purpose.REHEARSAL if request.POST.get("purpose") == Purpose.REHEARSAL else Purpose.MIGRATION
    if request.POST.get("unit"):
        unit = _unit(request)
        carry_out(
            request,
            lambda: runs.start(unit, by=request.user, now=database_now(), purpose=purpose),
            lambda _: f"{unit.name} was started; Validate is the first step.",
        )
    else:
        carry_out(
            request,
            lambda: runs.start_all(wave, by=request.user, now=database_now(), purpose=purpose),
            lambda done: (
                _together(done, "is rehearsed", "are rehearsed")
                if purpose == Purpose.REHEARSAL
                else _together(done, "was started", "were started")
            ),
        )
    return back(request, "wave", wave)


@require(Permission.OPERATE)
@require_POST
def prepare(request: HttpRequest, pk: int) -> HttpResponse:
    """Every validated unit."""
    wave = wave_or_404(pk)
    carry_out(
        request,
        lambda: runs.ask_all(wave, AskVerb.PREPARE, by=request.user, now=database_now()),
        lambda done: _together(done, "will be prepared", "will be prepared"),
    )
    return back(request, "wave", wave)


@require(Permission.FREEZE)
@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    wave, form = wave_or_404(pk), ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    carry_out(
        request,
        lambda: waves.stop_line(wave, reason=reason, by=request.user, now=database_now()),
        lambda _: f"The line of {wave.name} is stopped. What was already sent is still watched.",
    )
    return back(request, "wave", wave)


@require(Permission.OPERATE)
@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    wave, form = wave_or_404(pk), ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    carry_out(
        request,
        lambda: waves.resume_line(wave, reason=reason, by=request.user, now=database_now()),
        lambda _: f"The line of {wave.name} goes on.",
    )
    return back(request, "wave", wave)


def _unit(request: HttpRequest) -> Unit:
    text = request.POST.get("unit", "")
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise Http404
    return get_object_or_404(Unit, pk=int(text))


def _together(done: runs.Together, one: str, many: str) -> str:
    n = len(done.runs)
    said = f"{done.runs[0].unit.name} {one}." if n == 1 else f"{n} units {many}."
    if done.left_out:
        named = " ".join(f"{name}: {why}" for name, why in done.left_out[:NAMED])
        more = f" And {len(done.left_out) - NAMED} more." if len(done.left_out) > NAMED else ""
        said += f" Left out: {named}{more}"
    return said
