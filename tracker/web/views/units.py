"""One unit: what is found of it, what belongs to it, what became of it. Each tab is an address of its own."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from migrator.lifecycle import State
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.followups.models import FollowUp
from tracker.inventory import actions, queries
from tracker.inventory.models import Unit
from tracker.readiness import actions as readiness
from tracker.readiness.models import Finding, Recheck, Waiver
from tracker.runs.models import Difference, Run
from tracker.runs.queries import database_now
from tracker.waves import order
from tracker.waves.models import Wave
from tracker.web import configuration, live, readings, rechecks, status, unit_steps
from tracker.web.views import unit_tabs

TABS: dict[str, tuple[str, Callable[[HttpRequest, Unit], dict[str, Any]]]] = {
    "readiness": ("Readiness", unit_tabs.readiness_tab),
    "members": ("Members", unit_tabs.members_tab),
    "configuration": ("Configuration", unit_tabs.configuration_tab),
    "snapshots": ("Snapshots", unit_tabs.snapshots_tab),
    "compare": ("Compare", unit_tabs.compare_tab),
    "runs": ("Runs", unit_tabs.runs_tab),
    "follow-ups": ("Follow-ups", unit_tabs.follow_ups_tab),
    "history": ("History", unit_tabs.history_tab),
}
UNTAKEN = (State.DISCOVERED, State.ASSESSED)  # from where a unit can be excluded; in a wave it is taken out first


def _number(rows: QuerySet[Any], column: str = "unit") -> Coalesce:
    """How many rows belong to the unit, as a column of the unit."""
    counted = rows.filter(**{column: OuterRef("pk")}).order_by().values(column).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _unit(pk: int) -> Unit:
    """The unit with subscription, wave and the numbers of its tabs; one query. Raises Http404."""
    live_run = Run.objects.filter(unit=OuterRef("pk"), ended_at__isnull=True).order_by("pk")
    rows = Unit.objects.select_related("subscription", "placement__wave").annotate(
        run_count=_number(Run.objects.all()),
        live_run=Subquery(live_run.values("pk")[:1]),
        follow_up_count=_number(FollowUp.objects.all()),
        open_follow_ups=_number(FollowUp.objects.exclude(state=FollowUp.State.CLOSED)),
        live_waivers=_number(Waiver.objects.filter(state__in=Waiver.LIVE)),
        newest_recheck=Subquery(Recheck.objects.filter(unit=OuterRef("pk")).order_by("-asked_at").values("pk")[:1]),
        unexpected=_number(Difference.objects.filter(kind="unexpected", disposed_at=None), "run__unit"),
    )
    unit = rows.filter(pk=pk).first()
    if unit is None:
        raise Http404
    return unit


def _around(request: HttpRequest, unit: Any) -> tuple[unit_steps.Around, list[Wave]]:
    """What is known around a unit, and the waves it could be placed in; one query, two where a run is live and the unit
    blocked."""
    run = Run.objects.select_related("wave").get(pk=unit.live_run) if unit.live_run else None
    blocking = Finding.objects.filter(unit=unit, effect="blocks", outcome="yes", waived=False)
    blocking = blocking.order_by("rule", "resource_name")
    blockers = list(blocking) if unit.blockers else []
    plan_why_not = readings.why_not(request.user, Permission.PLAN)  # type: ignore[arg-type]
    placeable = unit.progress == State.ASSESSED and run is None and unit.gone_at is None
    around = unit_steps.Around(
        unit=unit,
        run=run,
        blockers=blockers,
        open_follow_ups=unit.open_follow_ups,
        plan_why_not=plan_why_not,
        objections=_objections(unit, blockers) if placeable else (),
    )
    open_to = placeable and not plan_why_not and not around.objections
    return around, list(Wave.objects.filter(stopped_at__isnull=True)[:50]) if open_to else []


def _objections(unit: Unit, blockers: list[Finding]) -> list[str]:
    """Those of `waves.queries.objections` without their queries: the unit and its blockers are at hand."""
    if (unit.verdict == "blocked" or blockers) and not order.blocked_by_order_alone(unit):
        return [f"{unit.name} is blocked; clear what stands under Blocked by first."]
    return []


def _frame(request: HttpRequest, unit: Unit, here: str) -> dict[str, Any]:
    around, open_waves = _around(request, unit)
    step = unit_steps.next_step(around)
    run = around.run
    etag = live.etag(
        unit.progress, unit.health, unit.health_reason, unit.locked_since, unit.owner, unit.verdict, unit.score,
        *((run.state, run.attention, run.waiting_for, run.held_at) if run else ()),
    )  # fmt: skip
    return {
        "unit": unit,
        "run": run,
        "step": step,
        "blocked_by": unit_steps.blocked_by(around),
        "open_waves": open_waves,
        "head_etag": etag,
        "plan_why_not": around.plan_why_not,
        "can_exclude": unit.progress in UNTAKEN and unit.gone_at is None,
        "tabs": _tabs(unit, here),
        "here": here,
        "health_hue": status.chip("health", unit.health).hue,
    }


def _tabs(unit: Any, here: str) -> list[dict[str, Any]]:
    counts = {
        "readiness": (unit.blockers or None, "stop"),
        "members": (unit.member_count, "neutral"),
        "compare": (unit.unexpected or None, "stop"),
        "runs": (unit.run_count or None, "neutral"),
        "follow-ups": (unit.open_follow_ups or None, "attention"),
    }
    listed = []
    for name, (label, _) in TABS.items():
        if name == "configuration" and unit.kind not in configuration.KINDS:
            continue
        count, hue = counts.get(name, (None, "neutral"))
        url = reverse("unit", args=[unit.pk]) if name == "readiness" else reverse("unit_tab", args=[unit.pk, name])
        listed.append({"label": label, "url": url, "here": name == here, "count": count, "hue": hue})
    return listed


@require(Permission.READ)
@require_safe
def unit(request: HttpRequest, pk: int, tab: str = "readiness") -> HttpResponse:
    if tab not in TABS:
        raise Http404
    return page(request, pk, tab)


def page(
    request: HttpRequest, pk: int, tab: str, *, kept: dict[str, Any] | None = None, code: int = 200
) -> HttpResponse:
    """One tab of a unit. `kept`: what was typed or is wrong, for the page to say (code 400, 409)."""
    found = _unit(pk)
    found.told = queries.of_unit(found, timezone.now())  # type: ignore[attr-defined]
    shown = _frame(request, found, tab) | TABS[tab][1](request, found)
    shown |= {"kept": kept or {}, "old_after": settings.OLD_AFTER_HOURS}
    return render(request, f"units/{tab}.html", shown, status=code)


@require(Permission.READ)
@require_safe
def head(request: HttpRequest, pk: int) -> HttpResponse:
    """The head of the page, live while a run of the unit is."""
    shown = _frame(request, _unit(pk), "")
    tag = shown["head_etag"]
    return live.unchanged(request, tag) or live.fragment(
        request, "units/_head.html", shown, tag, finished=shown["run"] is None
    )


def _changed(request: HttpRequest, pk: int, kept: str, change: Callable[[Unit], str]) -> HttpResponse:
    """Carry out one action and go back to the unit; what it refuses is said on the page, with what was typed."""
    found = Unit.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    try:
        messages.success(request, change(found))
    except (actions.InvalidText, actions.StillPlaced, actions.IllegalMove) as error:
        typed = {"problem": str(error), "form": kept}
        typed |= {name: request.POST.get(name, "")[:1000] for name in ("owner", "reason")}
        return page(request, pk, "readiness", kept=typed, code=409)
    return HttpResponseRedirect(reverse("unit", args=[pk]))


@require(Permission.PLAN)
@require_POST
def owner(request: HttpRequest, pk: int) -> HttpResponse:
    def change(found: Unit) -> str:
        name = request.POST.get("owner", "")
        actions.assign_owner([found], name, request.user.actor, database_now())  # type: ignore[union-attr]
        return f"{found.name} belongs to {name.strip()} now." if name.strip() else f"{found.name} has no owner now."

    return _changed(request, pk, "owner", change)


@require(Permission.PLAN)
@require_POST
def exclude(request: HttpRequest, pk: int) -> HttpResponse:
    def change(found: Unit) -> str:
        actions.exclude(found, request.POST.get("reason", ""), request.user.actor, database_now())  # type: ignore[union-attr]
        return f"{found.name} is excluded from the programme."

    return _changed(request, pk, "exclude", change)


@require(Permission.PLAN)
@require_POST
def include(request: HttpRequest, pk: int) -> HttpResponse:
    def change(found: Unit) -> str:
        actions.include(found, request.user.actor, database_now(), request.POST.get("reason", ""))  # type: ignore[union-attr]
        return f"{found.name} is back in the programme."

    return _changed(request, pk, "include", change)


@require(Permission.SYNC)
@require_POST
def recheck(request: HttpRequest, pk: int) -> HttpResponse:
    """Want the unit read and assessed now; the page follows."""
    found = Unit.objects.select_related("subscription").filter(pk=pk).first()
    if found is None:
        raise Http404
    if found.gone_at is not None:
        messages.error(request, f"{found.name} is no longer listed in Azure; there is nothing to look at again.")
    else:
        _, new = readiness.recheck_unit(found, by=request.user, now=database_now())  # type: ignore[arg-type]
        messages.success(request, "It is being looked at again." if new else "It is being looked at again already.")
    return HttpResponseRedirect(reverse("unit", args=[pk]))


@require(Permission.READ)
@require_safe
def recheck_part(request: HttpRequest, pk: int) -> HttpResponse:
    """How the newest re-check stands, live while one goes on."""
    found = Unit.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    shown = {"unit": found, **rechecks.shown(request.user, unit=found)}  # type: ignore[arg-type]
    tag = shown["recheck_etag"]
    return live.unchanged(request, tag) or live.fragment(
        request, "units/_recheck.html", shown, tag, finished=shown["recheck_over"]
    )
