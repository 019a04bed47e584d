"""What Azure shows otherwise than it is held here: the list, and the two things a person can do about each."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from migrator.lifecycle import Side, State
from migrator.lifecycle import outside as rules
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.runs import actions, watching
from tracker.runs.queries import database_now
from tracker.runs.watch_models import Drift
from tracker.web.permits import Permits
from tracker.web.reviews import actor_names

LISTED = 200


@require(Permission.READ)
@require_safe
def outside(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(request: HttpRequest, *, kept: dict[str, object] | None = None, status: int = 200) -> HttpResponse:
    rows = list(watching.open_drifts().select_related("unit__subscription")[:LISTED])
    people = actor_names({row.noted_by for row in rows if row.noted_by})
    shown = [(row, people.get(row.noted_by, row.noted_by), _adoptable(row)) for row in rows]
    no_act = Permits(request.user).why_not(Permission.OPERATE)  # type: ignore[arg-type]
    context = {
        "shown": shown,
        "more": watching.open_drifts().count() - len(rows),
        "no_act": no_act,
        "kept": kept or {},
    }
    return render(request, "runs/outside.html", context, status=status)


def _adoptable(row: Drift) -> bool:
    live = row.run is not None and row.run.ended_at is None
    believed = State(row.run.state if live and row.run else row.unit.progress)
    side = Side(row.side) if row.side else Side.UNREADABLE
    return rules.adoption(believed, rules.Drift(row.kind), side) is not None


@require(Permission.OPERATE)
@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """`act` is take-over or note."""
    row = Drift.objects.select_related("unit", "run").filter(pk=pk).first()
    if row is None:
        raise Http404
    reason = request.POST.get("reason", "")
    try:
        if request.POST.get("act") == "take-over":
            run = actions.adopt(row, reason=reason, by=request.user, now=database_now())  # type: ignore[arg-type]
            messages.success(request, f"Taken over: {row.unit.name} is read twice now; nothing is sent.")
            return HttpResponseRedirect(reverse("run", args=[run.pk]))
        actions.note(row, reason=reason, by=request.user, now=database_now())  # type: ignore[arg-type]
    except actions.RunError as error:
        return _page(request, kept={"pk": pk, "reason": reason[:1000], "problem": str(error)}, status=409)
    messages.success(request, f"Noted; {row.unit.name} stays listed until Azure shows what is held here.")
    return HttpResponseRedirect(reverse("outside"))
