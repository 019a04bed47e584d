"""Waivers: a finding set aside by two people, for a time. Pages to ask, to decide, and to read."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tracker.accounts.decorators import require
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit import queries as audit
from tracker.inventory.models import Unit
from tracker.readiness import actions, people, trying
from tracker.readiness.models import Finding, Waiver
from tracker.readiness.queries import rule_or_none
from tracker.runs.queries import database_now
from tracker.web import lists, live, naming
from tracker.web.lists import Sort
from tracker.web.permits import Permits
from tracker.web.views import said
from tracker.web.views.runs import lists_text

State = Waiver.State
SORTS = {
    "asked": Sort("asked_at", decode=lambda text: text),
    "until": Sort("until", decode=lambda text: text),
    "unit": Sort("unit__name"),
}
FIGURES = (
    ("Wait for approval", (State.ASKED,), "attention", "hourglass"),
    ("Set aside now", (State.APPROVED,), "progress", "circle-slash"),
    ("Ended", (State.ENDED,), "neutral", "rotate-ccw"),
    ("Not set aside", (State.DECLINED, State.WITHDRAWN), "neutral", "ban"),
)
USUAL = timedelta(days=30)  # the end a new waiver begins with


@require(Permission.READ)
@require_safe
def waivers(request: HttpRequest) -> HttpResponse:
    """/waivers/?state=…&rule=…&q=…&unit=…"""
    sought = lists_text(request)
    found = people.waivers()
    if sought:
        found = found.filter(
            Q(rule__icontains=sought) | Q(resource_name__icontains=sought) | Q(unit__name__icontains=sought)
        )
    unit = said.number(request.GET.get("unit", ""))
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
        lists.facet(request, "state", "State", [(s, s, number("state", s)) for s in State.values], chip="waiver"),
        lists.facet(request, "rule", "Rule", [(rule, rule, number("rule", rule)) for rule in rules]),
    ]
    applied = lists.applied(facets)
    if unit is not None:
        name = Unit.objects.filter(pk=unit).values_list("name", flat=True).first() or "a unit"
        applied.append(("Unit", lists.Option(name, lists.address(request.GET, unit=None))))
    page = lists.page(request, found, SORTS, default="-asked")
    for row in page:
        row.title = _title(row.rule)
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
    return render(
        request,
        "waivers/list.html",
        {
            "page": page, "facets": facets, "applied": applied, "figures": figures, "text_sought": sought,
            "count": sum(row["n"] for row in counted), "any": bool(counted) or bool(sought) or unit is not None,
            "tabs": tabs("waivers"),
        },
    )  # fmt: skip


def tabs(here: str) -> list[dict[str, Any]]:
    """Waivers and attestations stand side by side: what people say of findings."""
    return [
        {"label": label, "url": reverse(name), "here": name == here}
        for name, label in (("waivers", "Waivers"), ("attestations", "Attestations"))
    ]


def _title(rule: str) -> str:
    known = rule_or_none(rule)
    return known.title if known else rule


# --- a new one --------------------------------------------------------------------------------------------------------
@require(Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Why a finding could be set aside, and until when. POST: ask a second person."""
    unit, rule, resource, finding = said.finding_asked_for(request)
    if request.method != "POST":
        existing = people.live_waivers([unit.pk]).get((unit.pk, rule, resource))
        if existing is not None:
            return HttpResponseRedirect(reverse("waiver", args=[existing.pk]))
        return _new(request, unit, rule, resource, finding)
    typed = {"reason": request.POST.get("reason", "")[:2000], "until": request.POST.get("until", "")[:40]}
    try:
        row = actions.ask_waiver(
            unit,
            rule=rule,
            resource_key=resource,
            reason=typed["reason"],
            until=said.end_of(typed["until"]),
            shown=request.POST.get("shown", "")[:64],
            by=request.user,  # type: ignore[arg-type]
            now=database_now(),
        )
    except said.BadDay as error:
        return _new(request, unit, rule, resource, finding, code=409, wrong={"until": str(error)}, typed=typed)
    except actions.WaiverRefused as error:
        wrong = {error.field: str(error)} if error.field else {}
        refused = {} if error.field else {"happened": str(error), "changed": "Nothing was asked for."}
        return _new(request, unit, rule, resource, finding, code=409, wrong=wrong, refused=refused, typed=typed)
    messages.success(request, "It was asked for; it counts on until another person agrees.")
    return HttpResponseRedirect(reverse("waiver", args=[row.pk]))


def _new(
    request: HttpRequest,
    unit: Unit,
    rule: str,
    resource: str,
    finding: Finding | None,
    *,
    code: int = 200,
    typed: dict[str, str] | None = None,
    **more: Any,
) -> HttpResponse:
    now = database_now()
    impossible = people.why_not_waive(finding) if finding else "the rule says nothing of this resource any more"
    shown = people.shown(finding) if finding else ""
    usual = timezone.localdate(now + USUAL).isoformat()
    if finding is not None:
        naming.name_people([finding])
    context = {
        "unit": unit,
        "rule_id": rule,
        "rule": rule_or_none(rule),
        "resource_key": resource,
        "finding": finding,
        "impossible": impossible,
        "shown": shown,
        "outlook": trying.waived(unit, rule, resource, shown, now) if finding and not impossible else None,
        "denied": Permits(request.user).why_not(Permission.WAIVE),  # type: ignore[arg-type]
        "typed": typed or {"reason": "", "until": usual},
        "wrong": {},
    }
    return render(request, "waivers/new.html", context | more, status=code)


# --- one --------------------------------------------------------------------------------------------------------------
def _row(pk: int) -> Waiver:
    row = people.waivers().select_related("unit__subscription").filter(pk=pk).first() if pk < 2**63 else None
    if row is None:
        raise Http404("There is no such waiver.")
    return row


def _tag(row: Waiver, finding: Finding | None) -> str:
    return live.etag(row.pk, row.state, row.end, row.ended_at, row.unit.verdict, row.unit.score, finding and finding.pk)


def _context(request: HttpRequest, row: Waiver) -> dict[str, Any]:
    user: User = request.user  # type: ignore[assignment]
    permits = Permits(user)
    finding = Finding.objects.filter(unit=row.unit, rule=row.rule, resource_key=row.resource_key).first()
    own = row.asked_by_id == user.pk
    no_approve, no_waive = permits.why_not(Permission.APPROVE), permits.why_not(Permission.WAIVE)
    changed = finding is not None and finding.outcome == "yes" and people.shown(finding) != row.shown
    outlook = None
    if row.state == State.ASKED and finding is not None and not changed and finding.outcome == "yes":
        outlook = trying.waived(row.unit, row.rule, row.resource_key, row.shown, database_now())
    ender = naming.names([row.ended_by]).get(row.ended_by, "") if row.ended_by.startswith("user:") else ""
    return {
        "row": row,
        "rule": rule_or_none(row.rule),
        "finding": finding,
        "changed": changed,
        "gone": finding is None or finding.outcome == "no",
        "outlook": outlook,
        "live_etag": _tag(row, finding),
        "decide_why_not": no_approve
        or (f"You asked for this. {permits.whom(Permission.APPROVE, but=user)}" if own else ""),
        "withdraw_why_not": no_waive,
        "revoke_why_not": "" if not no_approve or not no_waive else no_waive,
        "ended_by": ender,
        "history": audit.history_of("waiver", row.pk),
        "wrong": "",
    }


def _page(request: HttpRequest, pk: int, *, status: int = 200, **more: Any) -> HttpResponse:
    return render(request, "waivers/waiver.html", _context(request, _row(pk)) | more, status=status)


@require(Permission.READ)
@require_safe
def waiver(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, pk)


@require(Permission.READ)
@require_safe
def part(request: HttpRequest, pk: int) -> HttpResponse:
    """What is live of the page."""
    context = _context(request, _row(pk))
    tag = context["live_etag"]
    return live.unchanged(request, tag) or live.fragment(request, "waivers/_live.html", context, tag)


def _carry_out(request: HttpRequest, pk: int, act: Callable[[Waiver, str], Any], told: str) -> HttpResponse:
    row, reason = _row(pk), request.POST.get("reason", "")
    try:
        act(row, reason)
    except actions.WaiverRefused as error:
        if error.field:
            return _page(request, pk, status=409, wrong=str(error), reason=reason[:2000])
        refused = {"happened": str(error), "changed": "Nothing was set aside or reopened by this."}
        return _page(request, pk, status=409, refused=refused, reason=reason[:2000])
    messages.success(request, told)
    return HttpResponseRedirect(reverse("waiver", args=[pk]))


@require(Permission.APPROVE)
@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    if request.POST.get("decision") == "approve":
        shown = request.POST.get("shown", "")[:64]
        return _carry_out(
            request, pk,
            lambda row, reason: actions.approve_waiver(row, shown=shown, reason=reason, by=request.user,  # type: ignore[arg-type]
                                                       now=database_now()),
            "Agreed. The finding counts no more until the waiver ends.",
        )  # fmt: skip
    return _carry_out(
        request, pk,
        lambda row, reason: actions.decline_waiver(row, reason=reason, by=request.user, now=database_now()),  # type: ignore[arg-type]
        "Declined; the finding goes on to count.",
    )  # fmt: skip


@require(Permission.WAIVE)
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    return _carry_out(
        request, pk,
        lambda row, reason: actions.withdraw_waiver(row, reason=reason, by=request.user, now=database_now()),  # type: ignore[arg-type]
        "Taken back; the finding goes on to count.",
    )  # fmt: skip


@require(Permission.READ)
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    return _carry_out(
        request, pk,
        lambda row, reason: actions.revoke_waiver(row, reason=reason, by=request.user, now=database_now()),  # type: ignore[arg-type]
        "The waiver is over; the finding counts again.",
    )  # fmt: skip
