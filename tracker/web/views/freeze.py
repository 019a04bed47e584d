"""The stop switch and the calendar of freezes: what is frozen or planned, and lifting by two people."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from migrator.lifecycle import OperationState
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.inventory.models import Subscription
from tracker.runs.models import Operation
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves import queries
from tracker.waves.calendar_models import PlannedFreeze
from tracker.waves.models import Freeze, Wave
from tracker.web import words
from tracker.web.forms_waves import ZONES, FreezeForm, Places, PlanFreezeForm
from tracker.web.permits import Permits
from tracker.web.reviews import actor_names

IN_FLIGHT = (OperationState.SENDING, OperationState.POLLING, OperationState.UNKNOWN)
LISTED = 50


@require(Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def freeze(request: HttpRequest) -> HttpResponse:
    """/freeze/: GET shows, POST freezes."""
    places = _places()
    if request.method != "POST":
        return _page(request, places)
    form = FreezeForm(request.POST, places=places)
    if not form.is_valid():
        return _page(request, places, form=form, status=422)
    try:
        row = waves.freeze(**form.cleaned_data, by=request.user, now=database_now())
    except waves.WaveError as error:
        form.add_error(None, str(error))
        return _page(request, places, form=form, status=409)
    messages.success(
        request, f"Frozen: {words.frozen(row.scope, names(places).get(row.scope, ''))}. Nothing new is sent."
    )
    return HttpResponseRedirect(reverse("freeze"))


@require(Permission.FREEZE)
@require_POST
def lift(request: HttpRequest) -> HttpResponse:
    """Ask to lift a freeze, or confirm what another person asked."""
    scope = request.POST.get("scope", "").replace("\x00", "")[:80]
    try:
        lifted = waves.lift(scope, by=request.user, now=database_now())
        messages.success(
            request,
            "The freeze is lifted; what waited goes on by itself, slowly for the first ten minutes."
            if lifted
            else "Asked. Another person has to confirm; until then it stays frozen.",
        )
    except waves.WaveError as error:
        messages.error(request, f"{error} Nothing was changed.")
    return HttpResponseRedirect(reverse("freeze"))


@require(Permission.FREEZE)
@require_POST
def plan(request: HttpRequest) -> HttpResponse:
    """Plan a freeze ahead."""
    places = _places()
    form = PlanFreezeForm(request.POST, places=places)
    if not form.is_valid():
        return _page(request, places, plan_form=form, status=422)
    given = form.cleaned_data
    try:
        row = waves.plan_freeze(
            given["scope"],
            begins_at=given["begins_at"],
            ends_at=given["ends_at"],
            zone=given["zone"],
            reason=given["reason"],
            by=request.user,
            now=database_now(),
        )
    except waves.WaveError as error:
        form.add_error("ends", str(error))
        return _page(request, places, plan_form=form, status=409)
    messages.success(
        request, f"Planned: {words.frozen(row.scope, names(places).get(row.scope, ''))}. It begins by itself."
    )
    return HttpResponseRedirect(f"{reverse('freeze')}#planned")


@require(Permission.FREEZE)
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a planned freeze back; one that has begun takes two people."""
    if pk >= 2**63:
        raise Http404
    row = get_object_or_404(PlannedFreeze, pk=pk)
    try:
        done = waves.withdraw_freeze(row, reason=request.POST.get("reason", ""), by=request.user, now=database_now())
        messages.success(
            request,
            "The planned freeze is withdrawn."
            if done
            else "Asked. It has begun, so another person has to confirm; until then it goes on.",
        )
    except waves.WaveError as error:
        messages.error(request, f"{error} Nothing was changed.")
    return HttpResponseRedirect(f"{reverse('freeze')}#planned")


def _places() -> Places:
    return Places(
        list(Subscription.objects.order_by("name")),
        queries.regions(),
        list(Wave.objects.only("id", "name").order_by("name")),
    )


def names(places: Places) -> Mapping[str, str]:
    """Scope -> name, of what has one."""
    return {f"subscription:{each.pk}": each.name for each in places.subscriptions} | {
        f"wave:{each.pk}": each.name for each in places.waves
    }


def _page(
    request: HttpRequest,
    places: Places,
    *,
    form: FreezeForm | None = None,
    plan_form: PlanFreezeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    permits = Permits(request.user)
    now = timezone.now()
    active, planned = queries.freezes(), queries.planned_freezes(now)
    keys = {key for row in active for key in (row.changed_by, row.lift_asked_by) if key}
    keys |= {key for row in planned for key in (row.planned_by, row.withdrawal_asked_by) if key}
    people, named = actor_names(keys), names(places)
    me = request.user.actor.key
    in_flight = Operation.objects.filter(state__in=IN_FLIGHT).select_related("run__unit", "run__wave")
    return render(
        request,
        "waves/freeze.html",
        {
            "form": form or FreezeForm(places=places),
            "plan_form": plan_form
            or PlanFreezeForm(places=places, initial={"zone": str(timezone.get_current_timezone())}),
            "zones": ZONES,
            "active": [_shown(row, people, named, me) for row in active],
            "planned": [_planned(row, people, named, me, row.begins_at <= now) for row in planned],
            "no_freeze": permits.why_not(Permission.FREEZE),
            "in_flight": list(in_flight.order_by("armed_at")[:LISTED]),
        },
        status=status,
    )


def _shown(row: Freeze, people: Mapping[str, str], named: Mapping[str, str], me: str) -> dict[str, Any]:
    return {
        "scope": row.scope,
        "words": words.frozen(row.scope, named.get(row.scope, "")),
        "reason": row.reason,
        "by": people.get(row.changed_by, row.changed_by),
        "at": row.changed_at,
        "asked_by": people.get(row.lift_asked_by, row.lift_asked_by),
        "why_not": row.kept
        or ("You asked to lift it; another person has to confirm." if row.lift_asked_by == me else ""),
    }


def _planned(
    row: PlannedFreeze, people: Mapping[str, str], named: Mapping[str, str], me: str, begun: bool
) -> dict[str, Any]:
    asked = begun and row.withdrawal_asked_by
    return {
        "row": row,
        "words": words.frozen(row.scope, named.get(row.scope, "")),
        "by": people.get(row.planned_by, row.planned_by),
        "begun": begun,
        "asked_by": people.get(row.withdrawal_asked_by, row.withdrawal_asked_by) if asked else "",
        "why_not": "You asked to end it; another person has to confirm."
        if asked and row.withdrawal_asked_by == me
        else "",
        "label": "Confirm the end" if asked else "Ask to end it" if begun else "Withdraw",
    }
