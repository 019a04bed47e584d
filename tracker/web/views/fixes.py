"""Fixes: what a remedy would do, its rehearsal, the second person, how far it came. Nothing here speaks to Azure."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from migrator.fixes import NoFix, Place, Plan
from tracker.accounts.decorators import require
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit import queries as audit
from tracker.fixes import actions, queries
from tracker.fixes.models import Fix
from tracker.inventory.models import Unit
from tracker.readiness.models import Finding
from tracker.runs.queries import database_now
from tracker.web import lists, live
from tracker.web.lists import Sort
from tracker.web.permits import Permits
from tracker.web.views.runs import lists_text

State = Fix.State
SORTS = {"asked": Sort("asked_at", decode=lambda text: text), "title": Sort("title"), "unit": Sort("unit__name")}
FIGURES = (
    ("Drafts", (State.DRAFT,), "neutral", "pencil-line"),
    ("Wait for approval", (State.ASKED,), "attention", "hourglass"),
    ("Under way", (State.APPROVED, State.SENT), "progress", "loader"),
    ("Done", (State.DONE,), "good", "check-check"),
    ("Failed", (State.FAILED,), "stop", "circle-x"),
    ("Not done", (State.DECLINED, State.WITHDRAWN, State.OUTDATED), "neutral", "circle-slash"),
)
# Where a remedy that is no fix is offered: (name of the address, words of the link).
PLACES: dict[Place, tuple[str, str]] = {
    Place.QUOTA: ("quota", "Open quota"),
    Place.FOLLOW_UPS: ("follow_ups", "Open follow-ups"),
    Place.WAVES: ("waves", "Open waves"),
    Place.RUNS: ("runs", "Open runs"),
    Place.SYNC: ("sync", "Open sync"),
}


# --- the list ---------------------------------------------------------------------------------------------------------
@require(Permission.READ)
@require_safe
def fixes(request: HttpRequest) -> HttpResponse:
    return render(request, "fixes/list.html", _list(request))


@require(Permission.READ)
@require_safe
def rows(request: HttpRequest) -> HttpResponse:
    context = _list(request)
    tag = context["live_etag"]
    return live.unchanged(request, tag) or live.fragment(request, "fixes/_rows.html", context, tag)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _list(request: HttpRequest) -> dict[str, Any]:
    sought = lists_text(request)
    found = queries.listed()
    if sought:
        found = found.filter(Q(title__icontains=sought) | Q(unit__name__icontains=sought))
    unit = _number(request.GET.get("unit", ""))
    if unit is not None:
        found = found.filter(unit_id=unit)
    counted = list(found.order_by().values("state", "rule").annotate(n=Count("pk")))
    chosen = {"state": set(request.GET.getlist("state")), "rule": set(request.GET.getlist("rule"))}
    if chosen["state"]:
        found = found.filter(state__in=chosen["state"] & set(State.values))
    if chosen["rule"]:
        found = found.filter(rule__in={row["rule"] for row in counted} & chosen["rule"])

    def number(name: str, value: str) -> int:
        other = "rule" if name == "state" else "state"
        fits = [row for row in counted if not chosen[other] or row[other] in chosen[other]]
        return sum(row["n"] for row in fits if row[name] == value)

    rules = sorted({row["rule"] for row in counted})
    facets = [
        lists.facet(request, "state", "State", [(s, s, number("state", s)) for s in State.values], chip="fix"),
        lists.facet(request, "rule", "Rule", [(rule, rule, number("rule", rule)) for rule in rules]),
    ]
    page = lists.page(request, found, SORTS, default="-asked")
    applied = lists.applied(facets)
    if unit is not None:
        name = Unit.objects.filter(pk=unit).values_list("name", flat=True).first() or "a unit"
        applied.append(("Unit", lists.Option(name, lists.address(request.GET, unit=None))))
    figures = [
        {
            "label": label,
            "value": sum(row["n"] for row in counted if row["state"] in states),
            "hue": hue,
            "icon": icon,
            "url": lists.address(request.GET, state=[str(state) for state in states]),
        }
        for label, states, hue, icon in FIGURES
    ]
    query = lists.address(request.GET)
    if cursor := request.GET.get("cursor", ""):
        query += f"{'&' if len(query) > 1 else ''}cursor={cursor[:2000]}"
    seen = [(row.pk, row.state, row.step, row.last_error) for row in page]
    return {
        "page": page, "facets": facets, "applied": applied, "figures": figures, "text_sought": sought,
        "count": sum(row["n"] for row in counted), "any": bool(counted) or bool(sought) or unit is not None,
        "rows_url": reverse("fixes_rows") + query,
        "live_etag": live.etag(*seen, *[each["value"] for each in figures], page.next_url),
    }  # fmt: skip


# --- a new one --------------------------------------------------------------------------------------------------------
def _asked_for(request: HttpRequest) -> tuple[Unit, str, str]:
    """Unit, rule and resource of the address or the form. Raises Http404 for a unit nobody knows."""
    given = request.POST if request.method == "POST" else request.GET
    pk = _number(given.get("unit", ""))
    unit = Unit.objects.select_related("subscription").filter(pk=pk).first() if pk is not None else None
    rule, resource = given.get("rule", "")[:40], given.get("resource", "")[:600]
    if unit is None or "\x00" in rule or "\x00" in resource:
        raise Http404("There is no such finding.")
    return unit, rule, resource


@require(Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """What a fix of one finding would do. POST: ask for it."""
    unit, rule, resource = _asked_for(request)
    if request.method != "POST":
        existing = queries.live(unit, rule, resource)
        return (
            HttpResponseRedirect(reverse("fix", args=[existing.pk]))
            if existing
            else _new(request, unit, rule, resource)
        )
    reason, seal = request.POST.get("reason", ""), request.POST.get("seal", "")
    try:
        fix = actions.ask(
            unit, rule=rule, resource_key=resource, reason=reason, seal=seal, by=request.user, now=database_now()
        )
    except actions.BadReason as error:
        return _new(request, unit, rule, resource, status=409, wrong=str(error), reason=reason)
    except actions.FixError as error:
        refused = {"happened": str(error), "changed": "Nothing was asked for, and nothing was sent."}
        return _new(request, unit, rule, resource, status=409, refused=refused, reason=reason)
    messages.success(request, "It was asked for; another person has to agree before anything is sent.")
    return HttpResponseRedirect(reverse("fix", args=[fix.pk]))


def _new(request: HttpRequest, unit: Unit, rule: str, resource: str, *, status: int = 200, **more: Any) -> HttpResponse:
    made = queries.made(unit, rule, resource, database_now())
    context: dict[str, Any] = {
        "unit": unit,
        "rule_id": rule,
        "resource_key": resource,
        "finding": Finding.objects.filter(unit=unit, rule=rule, resource_key=resource).first(),
        "denied": Permits(request.user).why_not(Permission.FIX),  # type: ignore[arg-type]
        "refusal": queries.refusal([unit]),
    }
    if isinstance(made, NoFix):
        place_url, words = _place(made.place, unit)
        context |= {"no_fix": made, "place_url": place_url, "place_words": words}
    else:
        context |= {"seal": made.seal} | shown(made.plan)
    return render(request, "fixes/new.html", context | more, status=status)


def _place(place: Place, unit: Unit) -> tuple[str, str]:
    """Address and words of the link to where a remedy is offered; empty where there is no such page."""
    if place in (Place.CONFIGURATION, Place.SNAPSHOTS):
        return reverse("unit_tab", args=[unit.pk, place.value]), f"Open {place.value}"
    name, words = PLACES.get(place, ("", ""))
    return (reverse(name) if name else ""), words


@require(Permission.FIX)
@require_POST
def rehearse_new(request: HttpRequest) -> HttpResponse:
    """A rehearsal before anybody is asked: kept as a draft."""
    unit, rule, resource = _asked_for(request)
    try:
        fix = actions.rehearse(unit, rule=rule, resource_key=resource, by=request.user, now=database_now())
    except actions.FixError as error:
        refused = {"happened": str(error), "changed": "Nothing was written, and nothing was sent."}
        return _new(request, unit, rule, resource, status=409, refused=refused)
    messages.success(request, "It is being rehearsed: everything is read, nothing is sent.")
    return HttpResponseRedirect(reverse("fix", args=[fix.pk]))


# --- one fix ----------------------------------------------------------------------------------------------------------
def shown(plan: Plan, fix: Fix | None = None) -> dict[str, Any]:
    """A plan as pages show it, each step with where it stands."""
    seen = fix.step if fix else 0
    return {
        "plan": plan,
        "steps": [
            {
                "number": place + 1,
                "step": step,
                "method": step.request.method if step.request else "POST",
                "path": step.touches,
                "older_api": step.scale is not None,
                "version": step.request.api_version if step.request else "",
                "seen": place < seen,
                "sent": bool(fix and place == seen and fix.sent_at and fix.state == State.SENT),
            }
            for place, step in enumerate(plan.steps)
        ],
    }


def _row(pk: int) -> Fix:
    row = queries.listed().select_related("unit__placement__wave").filter(pk=pk).first() if pk < 2**63 else None
    if row is None:
        raise Http404("There is no such fix.")
    return row


def _context(request: HttpRequest, row: Fix) -> dict[str, Any]:
    user: User = request.user  # type: ignore[assignment]
    permits = Permits(user)
    denied, no_approve = permits.why_not(Permission.FIX), permits.why_not(Permission.APPROVE)
    own = row.asked_by_id == user.pk
    decide_why_not = no_approve or (f"You asked for this. {permits.whom(Permission.APPROVE, but=user)}" if own else "")
    refusal = queries.refusal([row.unit]) if row.state in (State.DRAFT, State.ASKED) else ""
    return {
        "row": row,
        "live_etag": _tag(row),
        "over": row.state not in Fix.LIVE,
        "rehearsing": row.rehearsal_wanted_at is not None and row.state in (State.DRAFT, State.ASKED),
        "may_rehearse": row.state in (State.DRAFT, State.ASKED),
        "rehearse_why_not": denied if no_approve else "",
        "ask_why_not": denied or refusal,
        "decide_why_not": decide_why_not or refusal,
        "withdraw_why_not": denied,
        "may_withdraw": row.state in (State.DRAFT, State.ASKED, State.APPROVED),
        "finding": queries.finding_of(row),
        "wave": getattr(getattr(row.unit, "placement", None), "wave", None),
        "history": audit.history_of("fix", row.pk),
        **shown(queries.plan_of(row), row),
    }


def _tag(row: Fix) -> str:
    return live.etag(
        row.pk, row.state, row.step, row.sent_at, row.accepted, row.sends, row.last_error, row.probed_at,
        row.probe_says, row.rehearsal.get("at"), row.rehearsal_wanted_at, row.ended_at, row.decided_at,
    )  # fmt: skip


def _page(request: HttpRequest, pk: int, *, status: int = 200, **more: Any) -> HttpResponse:
    return render(request, "fixes/fix.html", _context(request, _row(pk)) | more, status=status)


@require(Permission.READ)
@require_safe
def fix(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, pk)


PARTS = {
    "state": "fixes/_state.html",
    "next": "fixes/_next.html",
    "rehearsal": "fixes/_rehearsal.html",
    "history": "fixes/_history.html",
}


@require(Permission.READ)
@require_safe
def part(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    if name not in PARTS:
        raise Http404("There is no such part of a fix.")
    row = _row(pk)
    tag = _tag(row)
    return live.unchanged(request, tag) or live.fragment(request, PARTS[name], _context(request, row), tag)


@require(Permission.READ)
@require_safe
def kept(request: HttpRequest, pk: int) -> HttpResponse:
    """The documents of what was removed, to make it again from."""
    row = _row(pk)
    answer = JsonResponse(
        {"fix": row.pk, "title": row.title, "unit": row.unit.key, "documents": row.kept},
        json_dumps_params={"indent": 2, "ensure_ascii": False},
    )
    answer["Content-Disposition"] = f'attachment; filename="fix-{row.pk}-removed.json"'
    return answer


@require(Permission.READ)
@require_safe
def body(request: HttpRequest, pk: int) -> HttpResponse:
    """Exactly what was sealed."""
    return JsonResponse(json.loads(_row(pk).body), json_dumps_params={"indent": 2, "ensure_ascii": False})


def _carry_out(request: HttpRequest, pk: int, act: Callable[[Fix], Any], said: str, **more: Any) -> HttpResponse:
    row = _row(pk)
    try:
        act(row)
    except actions.BadReason as error:
        return _page(request, pk, status=409, wrong=str(error), **more)
    except actions.Outdated as error:
        refused = {"happened": f"{error} Moved: {'; '.join(error.moved[:3])}", "changed": "Nothing was sent."}
        return _page(request, pk, status=409, refused=refused, **more)
    except actions.FixError as error:
        refused = {"happened": str(error), "changed": "Nothing was changed, and nothing was sent."}
        return _page(request, pk, status=409, refused=refused, **more)
    messages.success(request, said)
    return HttpResponseRedirect(reverse("fix", args=[pk]))


@require(Permission.READ)
@require_POST
def rehearse(request: HttpRequest, pk: int) -> HttpResponse:
    return _carry_out(
        request, pk, lambda row: actions.again(row, by=request.user, now=database_now()),
        "It is being rehearsed: everything is read, nothing is sent.",
    )  # fmt: skip


@require(Permission.FIX)
@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft becomes a question to somebody else."""
    reason, seal = request.POST.get("reason", ""), request.POST.get("seal", "")
    return _carry_out(
        request, pk,
        lambda row: actions.ask(row.unit, rule=row.rule, resource_key=row.resource_key, reason=reason, seal=seal,
                                by=request.user, now=database_now()),
        "It was asked for; another person has to agree before anything is sent.", reason=reason,
    )  # fmt: skip


@require(Permission.APPROVE)
@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    reason, seal = request.POST.get("reason", ""), request.POST.get("seal", "")
    if request.POST.get("decision") == "approve":
        return _carry_out(
            request, pk,
            lambda row: actions.approve(row, seal=seal, reason=reason, by=request.user, now=database_now()),
            "Approved. It is looked at once more and sent; this page tells how far it is.", reason=reason,
        )  # fmt: skip
    return _carry_out(
        request, pk, lambda row: actions.decline(row, reason=reason, by=request.user, now=database_now()),
        "Declined; nothing is sent.", reason=reason,
    )  # fmt: skip


@require(Permission.FIX)
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    reason = request.POST.get("reason", "")
    return _carry_out(
        request, pk, lambda row: actions.withdraw(row, reason=reason, by=request.user, now=database_now()),
        "Taken back; nothing is sent.",
    )  # fmt: skip
