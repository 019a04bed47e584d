"""The catalogue of rules in force and the one that waits: what switching it on would change, and doing it."""

from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.accounts.reasons import BadReason
from tracker.audit.registry import actor_words
from tracker.inventory.models import VERDICTS
from tracker.readiness import actions as readiness
from tracker.readiness import previews
from tracker.readiness.catalogue_models import CatalogueVersion
from tracker.runs.catalogue_effects import LISTED, Picture, picture
from tracker.runs.queries import database_now
from tracker.web import lists, live, reviews
from tracker.web.lists import Sort
from tracker.web.permits import Permits

HISTORY = 20
SORTS = {"name": Sort("unit__name"), "before": Sort("score_before"), "after": Sort("score_after")}


@require(Permission.READ)
@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """What is in force, what waits, and what switching it on would change."""
    return _page(request)


def _page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    history = list(CatalogueVersion.objects.defer("manifest").order_by("-pk")[:HISTORY])
    names = reviews.actor_names(row.switched_on_by for row in history if row.switched_on_by)
    context = _context(request, picture(database_now())) | {
        "history": [(row, names.get(row.switched_on_by, actor_words(row.switched_on_by))) for row in history],
    }
    return render(request, "rules/catalogue.html", context | more, status=status)


@require(Permission.READ)
@require_safe
def follow(request: HttpRequest) -> HttpResponse:
    """The part of the page that follows the worker."""
    found = picture(database_now())
    tag = _tag(found)
    return live.unchanged(request, tag) or live.fragment(
        request, "rules/_catalogue.html", _context(request, found), tag
    )


def _tag(found: Picture) -> str:
    walk, preview, touched = found.assessing, found.preview, found.touched
    return live.etag(
        found.in_force.pk if found.in_force else 0,
        found.waiting.pk if found.waiting else 0,
        (preview.pk, preview.state, preview.units, preview.ended_at) if preview else 0,
        found.stale,
        (walk.pk, walk.units) if walk else 0,
        touched.locked,
        *[(one.approval.pk, one.approval.state) for one in touched.approvals],  # type: ignore[attr-defined]
        *[(one.run.pk, one.run.state) for one in touched.runs],
        *[(one.pk, one.units) for one in touched.waves],
    )


def _context(request: HttpRequest, found: Picture) -> dict[str, Any]:
    denied = Permits(request.user).why_not(Permission.SWITCH_CATALOGUE)  # type: ignore[arg-type]
    summary = found.summary
    kinds = [one.kind for one in found.rules]
    return {
        "picture": found,
        "denied": denied,
        "switch_why_not": denied or _why_not(found),
        "matrix": [(str(verdict), summary.row(str(verdict))) for verdict in VERDICTS] if summary else [],
        "verdicts": [str(verdict) for verdict in VERDICTS],
        "counts": [(kinds.count(kind), kind) for kind in dict.fromkeys(kinds)],
        "listed": LISTED,
        "pace": "2s" if found.running or found.assessing else "10s",
        "switch_points": _points(found),
        "shown_version": [("version", found.waiting.version)] if found.waiting else [],
        "live_etag": _tag(found),
    }


def _why_not(found: Picture) -> str:
    if found.assessing is not None:
        return "Units are still being assessed with the catalogue switched on last."
    if found.preview is None:
        return "Preview first what it would change."
    if not found.done:
        return "The preview is still under way."
    return "Units changed since the preview; bring it up to date first." if found.stale else ""


def _points(found: Picture) -> list[dict[str, str]]:
    if found.summary is None:
        return []
    n, broken, locked = found.summary.moved, found.touched.approvals_count, found.touched.locked
    gets = "unit gets" if n == 1 else "units get"
    breaks = "approval no longer matches" if broken == 1 else "approvals no longer match"
    said = [
        (f"{n:,} {gets} another verdict.", "boxes"),
        (f"{broken:,} {breaks} and must be asked for again.", "clipboard-check"),
    ]
    if locked:
        are = "unit is" if locked == 1 else "units are"
        kept = "Nothing is aborted, and a Commit already sent goes on."
        said.append((f"{locked:,} {are} locked before Commit or Abort, and assessed at once. {kept}", "lock"))
    return [{"text": words, "icon": drawn} for words, drawn in said]


@require(Permission.READ)
@require_safe
def units(request: HttpRequest) -> HttpResponse:
    """The units behind a number of the preview. `?before=`, `?after=`: verdicts; `?moves=yes`: those whose moves."""
    found = picture(database_now())
    if found.preview is None or found.summary is None:
        raise Http404("There is no preview.")
    rows = previews.effects(found.preview).select_related("unit__subscription")
    known = {str(verdict) for verdict in VERDICTS}
    chosen = {name: request.GET.get(name, "") for name in ("before", "after")}
    for name, value in chosen.items():
        if value in known:
            rows = rows.filter(**{f"verdict_{name}": value})
    if request.GET.get("moves") == "yes":
        rows = rows.exclude(verdict_before=F("verdict_after"))
    context = {
        "picture": found,
        "page": lists.page(request, rows, SORTS, default="name"),
        "count": rows.count(),
        "chosen": {name: value for name, value in chosen.items() if value in known},
    }
    return render(request, "rules/catalogue_units.html", context)


@require(Permission.SWITCH_CATALOGUE)
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Look at what it would change; a finished look is brought up to date."""
    try:
        readiness.preview_catalogue(by=request.user, now=database_now())  # type: ignore[arg-type]
    except readiness.SwitchRefused as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse("catalogue"))


@require(Permission.SWITCH_CATALOGUE)
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Put the waiting catalogue in force."""
    given = request.POST
    try:
        readiness.switch_on(
            given.get("version", "")[:64],
            reason=given.get("reason", ""),
            by=request.user,  # type: ignore[arg-type]
            now=database_now(),
        )
    except (readiness.SwitchRefused, BadReason) as error:
        return _page(request, status=409, refused={"happened": str(error), "changed": "Nothing was switched on."})
    messages.success(request, "The catalogue is in force. Every unit is being assessed with it.")
    return HttpResponseRedirect(reverse("catalogue"))
