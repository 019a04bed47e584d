"""Waves: the list with its timeline, one wave with its gates and grid, its plan, its history. POSTs: wave_acts.py."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from migrator import windows
from migrator.lifecycle import State
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.audit import queries as audit
from tracker.audit.models import Event
from tracker.inventory.models import Unit
from tracker.quota import queries as quota
from tracker.runs import forecast, rehearsals
from tracker.runs.models import Purpose, Run
from tracker.runs.queries import database_now
from tracker.times import short
from tracker.waves import actions as waves
from tracker.waves import order, queries
from tracker.waves.models import Approval, Wave, Window
from tracker.web import kinds, lists, live, timeline, wave_board, wave_grid, wave_steps, words
from tracker.web.forms_waves import ZONES, WaveForm, WeeklyForm, WindowForm
from tracker.web.lists import Sort
from tracker.web.permits import Permits

SORTS = {
    "name": Sort("name"),
    "opens": Sort("opens", nullable=True, decode=datetime.fromisoformat),
    "owner": Sort("owner"),
}
FOUND = 12  # units offered at a time
HISTORY = 100
# azure.md 2.1: the lock has no documented time limit [D] seed1, vm-dd (storage: 30 days [D] stg-mig); the data plane
# keeps running [D] cs-td, vm-faq; Abort is possible until Commit was attempted [D] vm-faq.
MEASURED = 500  # planned units of a wave that an expectation of their locks looks at
REHEARSAL = [("purpose", Purpose.REHEARSAL.value)]
PREPARE_POINTS = [
    {"text": "Each unit's management plane is locked from then on, until Commit or Abort.", "icon": "lock"},
    {"text": "What runs keeps running; nothing about it can be changed meanwhile.", "icon": "activity"},
    {"text": "Abort takes every unit back, as long as no Commit was attempted.", "icon": "undo-2"},
]
REHEARSE_POINTS = [
    {"text": "Validate, Prepare, comparison and Abort follow each other by themselves.", "icon": "undo-2"},
    {"text": "Each unit's management plane is locked from Prepare until Abort has ended.", "icon": "lock"},
    {
        "text": "Prepare obeys the window, the limits and the approval, as it does in a migration.",
        "icon": "calendar-clock",
    },
    {"text": "The Abort is part of what you ask for now; nobody is asked again.", "icon": "undo-2"},
    {"text": "A rehearsal is never committed. Durations and differences are kept.", "icon": "list-checks"},
]


def plain(text: str, longest: int = 200) -> str:
    """A text out of a URL without what no column can hold."""
    return "".join(c for c in text[:longest] if c.isprintable()).strip()


def wave_or_404(pk: int) -> Wave:
    found = wave_board.listed().select_related("created_by", "edited_by").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@require(Permission.READ)
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """/waves/"""
    now, zone = timezone.now(), timezone.get_current_timezone()
    text = plain(request.GET.get("filter", ""))
    rows = wave_board.listed()
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(owner__icontains=text))
    page = lists.page(request, rows, SORTS, default="opens")
    shown = wave_board.summaries(page.rows, now=now, zone=zone)
    permits = Permits(request.user)
    return render(
        request,
        "waves/list.html",
        {
            "page": page,
            "shown": shown,
            "filtered": bool(text),
            "timeline": _timeline(shown, now, zone),
            "no_plan": permits.why_not(Permission.PLAN),
        },
    )


def _timeline(shown: list[wave_board.Summary], now: datetime, zone: tzinfo) -> timeline.Timeline | None:
    spans = [
        (each.wave.name, reverse("wave", args=[each.wave.pk]), span.opens_at, span.closes_at)
        for each in shown
        for span in each.facts.windows
    ]
    freezes: list[tuple[str, datetime, datetime | None]] = [
        (f"Frozen since {short(row.changed_at, zone, now)}: {row.reason}", row.changed_at, None)
        for row in queries.freezes()
        if row.changed_at is not None
    ]
    for row in queries.planned_freezes(now):
        span = f"{short(row.begins_at, zone, now)} to {short(row.ends_at, zone, now)}"
        said = f"Planned freeze of {words.frozen(row.scope)}, {span}: {row.reason}"
        freezes.append((said, row.begins_at, row.ends_at))
    return timeline.draw(spans, freezes, now=now, zone=zone)


@require(Permission.PLAN)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """/waves/new/: name, owner and purpose; window and units follow on the plan of the wave."""
    form = WaveForm(request.POST or None, initial={"owner": str(request.user)})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                wave = waves.create(**form.cleaned_data, by=request.user, now=database_now())
                return HttpResponseRedirect(reverse("wave_plan", args=[wave.pk]))
            except waves.WaveError as error:
                form.add_error("name", str(error))
                status = 409
    return render(request, "waves/new.html", {"form": form}, status=status)


# --- one wave ---------------------------------------------------------------------------------------------------------
def gate_urls(summary: wave_board.Summary) -> dict[str, str]:
    """The list behind each gate."""
    wave, approval = summary.wave, summary.approval
    inventory, runs = f"{reverse('inventory')}?wave={wave.pk}", f"{reverse('runs')}?wave={wave.pk}"
    return {
        "units": inventory,
        "quota": summary.quota_url,
        "approval": reverse("approval", args=[approval.pk]) if approval else "",
        "window": f"{reverse('wave_plan', args=[wave.pk])}#window",
        "prepare": runs,
        "compare": runs,
        "commit-approval": f"{reverse('approvals')}?tab=all&wave={wave.pk}",
        "commit": runs,
        "follow-ups": f"{reverse('follow_ups')}?wave={wave.pk}",
    }


def shown_gates(summary: wave_board.Summary) -> list[dict[str, str]]:
    """The gates as parts/gates.html takes them."""
    urls = gate_urls(summary)
    return [
        {"name": gate.title, "state": gate.state, "sentence": gate.sentence, "url": urls[gate.name]}
        for gate in summary.gates
    ]


def tabs(wave: Wave, here: str) -> list[dict[str, Any]]:
    places = (("Progress", "wave"), ("Plan", "wave_plan"), ("History", "wave_history"))
    return [{"label": label, "url": reverse(name, args=[wave.pk]), "here": name == here} for label, name in places]


def _progress(request: HttpRequest, wave: Wave, now: datetime, tag: str) -> dict[str, Any]:
    """Everything of waves/_progress.html."""
    summary = wave_board.summary(wave, now=now, zone=timezone.get_current_timezone())
    permits = Permits(request.user)
    rows = wave_grid.rows(summary)
    sentence, main = wave_steps.primary(summary, permits, rows)
    facts = summary.facts
    return {
        "wave": wave,
        "summary": summary,
        "facts": facts,
        "gates": shown_gates(summary),
        "rows": rows,
        "window": _window(facts),
        "forecast": forecast.forecast(wave.pk, now),
        "next_sentence": sentence,
        "main_act": main,
        "beside": wave_steps.beside(summary, permits, main),
        "tabs": tabs(wave, "wave"),
        "head_chips": [("wave", summary.state), ("health", summary.health)],
        "bar": summary.segments,
        "live_etag": tag,
        "live_url": reverse("wave_live", args=[wave.pk]),
    }


def _window(facts: Any) -> dict[str, Any] | None:
    """The window that counts, in the words it was said in."""
    found = next(
        (each for each in facts.windows if (each.opens_at, each.closes_at) == (facts.opens_at, facts.closes_at)), None
    )
    if found is None:
        return None
    where = windows.zone(found.zone)
    return {
        "opens": windows.words(found.opens_at, where),
        "closes": windows.words(found.closes_at, where),
        "local": found.zone != "UTC",
    }


def _tag(request: HttpRequest, wave: Wave, now: datetime) -> str:
    roles = ",".join(sorted(request.user.roles))
    return live.etag(wave.pk, request.user.pk, roles, wave_grid.pulse(wave, now))


@require(Permission.READ)
@require_safe
def wave(request: HttpRequest, pk: int) -> HttpResponse:
    """/waves/<pk>/: gates, grid, the next step."""
    now = timezone.now()
    found = wave_or_404(pk)
    context = _progress(request, found, now, _tag(request, found, now))
    can_rehearse = any(act.dialog == wave_steps.REHEARSE and not act.why_not for act in context["beside"])
    return render(
        request,
        "waves/wave.html",
        context
        | {
            "prepare_points": PREPARE_POINTS,
            "rehearse_points": _rehearse_points(found) if can_rehearse else REHEARSE_POINTS,
            "rehearsal": REHEARSAL,
            "rehearsed": rehearsals.of_wave(found.pk),
        },
    )


def _rehearse_points(wave: Wave) -> list[dict[str, str]]:
    """With how long the planned units are expected to be locked."""
    planned = list(Unit.objects.filter(placement__wave=wave, progress=State.PLANNED)[:MEASURED])
    if not planned:
        return REHEARSE_POINTS
    return [*REHEARSE_POINTS[:2], {"text": rehearsals.expected_lock(planned), "icon": "timer"}, *REHEARSE_POINTS[2:]]


@require(Permission.READ)
@require_safe
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The live part of the same page."""
    now = timezone.now()
    found = wave_or_404(pk)
    tag = _tag(request, found, now)
    return live.unchanged(request, tag) or live.fragment(
        request, "waves/_progress.html", _progress(request, found, now, tag), tag
    )


@require(Permission.READ)
@require_safe
def history(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything that was done to the wave, its approvals and its runs, newest first."""
    found = wave_or_404(pk)
    approvals = [str(each) for each in Approval.objects.filter(wave=found).values_list("pk", flat=True)]
    runs = [str(each) for each in Run.objects.filter(wave=found).values_list("pk", flat=True)]
    told = (
        Event.objects.filter(
            Q(object_kind="wave", object_id=str(found.pk))
            | Q(object_kind="approval", object_id__in=approvals)
            | Q(object_kind="run", object_id__in=runs)
        )
        .order_by("-id")
        .values_list("id", flat=True)[: HISTORY + 1]
    )
    ids = list(told)
    entries = audit.entries(ids[:HISTORY])
    events = [entries[each] for each in ids[:HISTORY]]
    return render(
        request,
        "waves/history.html",
        {"wave": found, "events": [_told(entry) for entry in events], "more": len(ids) > HISTORY}
        | {"tabs": tabs(found, "wave_history")},
    )


_DRAWN = {
    "wave.created": ("waves-horizontal", "neutral"),
    "wave.unit_placed": ("boxes", "neutral"),
    "wave.unit_removed": ("circle-minus", "neutral"),
    "wave.window_set": ("calendar-clock", "neutral"),
    "wave.submitted": ("send", "progress"),
    "wave.stopped": ("octagon-x", "stop"),
    "wave.resumed": ("play", "progress"),
    "approval.approved": ("circle-check", "good"),
    "approval.rejected": ("circle-x", "stop"),
    "approval.voided": ("circle-slash", "attention"),
    "approval.revoked": ("undo-2", "attention"),
    "evidence.viewed": ("eye", "neutral"),
    "run.started": ("play", "progress"),
    "run.attention_raised": ("triangle-alert", "stop"),
    "run.ended": ("flag", "neutral"),
}


def _told(entry: audit.Entry) -> dict[str, Any]:
    drawn, hue = _DRAWN.get(entry.type, ("circle", "neutral"))
    if entry.result != "done":
        drawn, hue = "ban", "stop"
    return {
        "hue": hue,
        "icon": drawn,
        "text": entry.sentence,
        "at": entry.at,
        "url": reverse("audit_event", args=[entry.id]),
    }


def window_rows(found: Iterable[Window], now: datetime) -> list[dict[str, Any]]:
    """Windows as lists show them: in the words they were said in, and in UTC."""
    rows = []
    for each in found:
        where = windows.zone(each.zone)
        state = "open" if each.opens_at <= now < each.closes_at else "upcoming" if each.opens_at > now else "past"
        rows.append(
            {
                "window": each,
                "state": state,
                "opens": windows.words(each.opens_at, where),
                "closes": windows.words(each.closes_at, where),
                "local": each.zone != "UTC",
                # the rules of that country changed since it was said: what was approved is the instant
                "moved": bool(each.opens_said) and windows.said(each.opens_at, where) != each.opens_said,
            }
        )
    return rows


# --- the plan ---------------------------------------------------------------------------------------------------------
@require(Permission.READ)
@require_safe
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """/waves/<pk>/plan/: who and why, the window, the units; what a unit brings along before it is placed."""
    return plan_page(request, wave_or_404(pk))


def plan_page(
    request: HttpRequest,
    wave: Wave,
    *,
    details: WaveForm | None = None,
    window: WindowForm | None = None,
    weekly: WeeklyForm | None = None,
    refused: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The plan, with a form as it was typed and refused. `refused`: context of parts/error_box.html."""
    zone = timezone.get_current_timezone()
    approval = queries.open_wave_approval(wave)
    now = timezone.now()
    permits = Permits(request.user)
    why_not = permits.why_not(Permission.PLAN)
    asked = request.POST if request.method == "POST" else request.GET
    text = plain(request.GET.get("q", ""))
    chosen = _chosen(asked.get("unit", ""))
    return render(
        request,
        "waves/plan.html",
        {
            "wave": wave,
            "tabs": tabs(wave, "wave_plan"),
            "approval": approval,
            "approval_state": queries.approval_state(approval, now) if approval else "",
            "why_not": why_not,
            "details": details
            or WaveForm(initial={"name": wave.name, "owner": wave.owner, "purpose": wave.purpose}, prefix=None),
            "window_form": window or WindowForm.showing(wave, zone),
            "weekly_form": weekly or WeeklyForm(initial={"zone": str(zone)}),
            "windows": window_rows(wave.windows.order_by("opens_at", "pk"), now),
            "zones": ZONES,
            "placements": queries.placements(wave),
            "q": text,
            "found": _search(text),
            "found_most": FOUND,
            "chosen_unit": chosen,
            "along": _along(chosen, wave) if chosen else None,
            "order_steps": order.steps(wave.pk),
            "order_problems": order.wave_violations(wave.pk),
            "refused": refused,
        },
        status=status,
    )


def _chosen(text: str) -> Unit | None:
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        return None
    return Unit.objects.select_related("subscription").filter(pk=int(text)).first()


def _search(text: str) -> list[Unit]:
    """Units that are in no wave and could be: the ready ones first."""
    units = Unit.objects.filter(gone_at__isnull=True, placement__isnull=True, progress="assessed")
    if text:
        units = units.filter(Q(name__icontains=text) | Q(key__icontains=text) | Q(members__name__icontains=text))
    units = units.select_related("subscription").distinct()
    return list(units.order_by("blockers", "-score", "name")[:FOUND])


def _along(unit: Unit, wave: Wave) -> dict[str, Any]:
    """What comes along with a unit, what stands against placing it, and its quota."""
    members = [
        (kinds.name_of(key), kinds.type_word(kind), reason)
        for key, kind, reason in unit.members.filter(gone_at__isnull=True)
        .order_by("key")
        .values_list("azure_id", "type", "membership")
    ]
    needs, unknowns = quota.needs_of(unit)
    rows = [_balance(row) for row in quota.balance_of(unit)] if needs else []
    objections = [*queries.objections(unit), *order.violations(unit, wave.pk)]
    short = [row for row in rows if row["short"]]
    return {
        "members": members,
        "others": max(0, len(members) - 1),
        "objections": objections,
        "quota": rows,
        "short": short,
        "unknowns": [each.why for each in unknowns][:5],
        "possible": not objections and not short,
    }


def _balance(row: Any) -> dict[str, Any]:
    numbers = {name: getattr(row, name) for name in ("limit", "current", "available", "short_by")}
    known = {name: value if isinstance(value, int) else None for name, value in numbers.items()}
    return {
        "name": row.need.name,
        "region": row.need.location,
        "need": row.need.amount,
        "free": known["available"],
        "limit": known["limit"],
        "used": known["current"],
        "reserved": row.reserved,
        "short": known["short_by"],
        "state": "unknown" if known["short_by"] is None else "short" if known["short_by"] else "enough",
    }
