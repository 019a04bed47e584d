"""The stop switch: what is frozen, freezing, and lifting by two people."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from migrator.lifecycle import OperationState
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.inventory.models import Subscription
from tracker.runs.models import Operation
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves import queries
from tracker.waves.models import Freeze
from tracker.web import words
from tracker.web.forms_waves import FreezeForm
from tracker.web.permits import Permits
from tracker.web.reviews import actor_names

IN_FLIGHT = (OperationState.SENDING, OperationState.POLLING, OperationState.UNKNOWN)
LISTED = 50


@require(Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def freeze(request: HttpRequest) -> HttpResponse:
    """/freeze/: GET shows, POST freezes."""
    subscriptions = list(Subscription.objects.order_by("name"))
    if request.method != "POST":
        return _page(request, FreezeForm(subscriptions=subscriptions), subscriptions)
    form = FreezeForm(request.POST, subscriptions=subscriptions)
    if not form.is_valid():
        return _page(request, form, subscriptions, status=422)
    try:
        row = waves.freeze(**form.cleaned_data, by=request.user, now=database_now())
    except waves.WaveError as error:
        form.add_error(None, str(error))
        return _page(request, form, subscriptions, status=409)
    messages.success(request, f"Frozen: {scope_words(row.scope, subscriptions)}. Nothing new is sent.")
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
            "The freeze is lifted; what waited goes on by itself."
            if lifted
            else "Asked. Another person has to confirm; until then it stays frozen.",
        )
    except waves.WaveError as error:
        messages.error(request, f"{error} Nothing was changed.")
    return HttpResponseRedirect(reverse("freeze"))


def scope_words(scope: str, subscriptions: list[Subscription]) -> str:
    return words.frozen(scope, next((each.name for each in subscriptions if scope.endswith(each.pk)), ""))


def _page(request: HttpRequest, form: FreezeForm, subscriptions: list[Subscription], status: int = 200) -> HttpResponse:
    permits = Permits(request.user)
    active = queries.freezes()
    names = actor_names({key for row in active for key in (row.changed_by, row.lift_asked_by) if key})
    in_flight = Operation.objects.filter(state__in=IN_FLIGHT).select_related("run__unit", "run__wave")
    return render(
        request,
        "waves/freeze.html",
        {
            "form": form,
            "active": [_shown(row, names, subscriptions, request.user.actor.key) for row in active],
            "no_freeze": permits.why_not(Permission.FREEZE),
            "in_flight": list(in_flight.order_by("armed_at")[:LISTED]),
        },
        status=status,
    )


def _shown(row: Freeze, names: dict[str, str], subscriptions: list[Subscription], me: str) -> dict[str, Any]:
    return {
        "scope": row.scope,
        "words": scope_words(row.scope, subscriptions),
        "reason": row.reason,
        "by": names.get(row.changed_by, row.changed_by),
        "at": row.changed_at,
        "asked_by": names.get(row.lift_asked_by, row.lift_asked_by),
        "why_not": "You asked to lift it; another person has to confirm." if row.lift_asked_by == me else "",
    }
