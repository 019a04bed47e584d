"""Choosing the network a deployment goes into, and letting an unattached unit go out of turn."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.quota.actions import QuotaError
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves.models import Placement
from tracker.web.views.units import page

NAMES = ("group", "network", "subnet", "reason")


def _act(request: HttpRequest, pk: int, form: str, act: Callable[[Placement], str]) -> HttpResponse:
    """Carry it out and go back to the runs of the unit; what is refused is said there, with what was typed."""
    placement = Placement.objects.select_related("wave", "unit").filter(unit=pk).first()
    if placement is None:
        raise Http404
    try:
        messages.success(request, act(placement))
    except (waves.WaveError, QuotaError) as error:
        typed = {name: request.POST.get(name, "")[:300] for name in NAMES}
        return page(request, pk, "runs", kept={"problem": str(error), "form": form, **typed}, code=409)
    return HttpResponseRedirect(reverse("unit_tab", args=[pk, "runs"]))


@require(Permission.PLAN)
@require_POST
def network(request: HttpRequest, pk: int) -> HttpResponse:
    """An existing network, or with `how=new` a new one."""

    def act(placement: Placement) -> str:
        if request.POST.get("how") == "new":
            waves.new_network(placement, by=request.user, now=database_now())  # type: ignore[arg-type]
            return f"{placement.unit.name} goes into a new network. The wave has to be approved as it is now."
        given = {name: request.POST.get(name, "") for name in ("group", "network", "subnet")}
        row = waves.choose_network(placement, **given, by=request.user, now=database_now())  # type: ignore[arg-type]
        return f"{placement.unit.name} goes into {row.wish.words}. It is read in Azure now."

    return _act(request, pk, "network", act)


@require(Permission.OPERATE)
@require_POST
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """Let it go before what might still use it."""

    def act(placement: Placement) -> str:
        reason = request.POST.get("reason", "")
        waves.set_order_aside(placement, reason=reason, by=request.user, now=database_now())  # type: ignore[arg-type]
        return f"{placement.unit.name} waits for no other unit any more."

    return _act(request, pk, "order", act)
