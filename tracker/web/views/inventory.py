"""The list of units: filters, pages, members on demand, what can be done to many at once, and its export."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.inventory import actions, queries
from tracker.inventory.models import Unit
from tracker.quota.actions import QuotaError
from tracker.runs.queries import database_now
from tracker.waves import actions as wave_actions
from tracker.waves import queries as waves
from tracker.waves.models import Wave
from tracker.web import lists, readings, status, unit_export, unit_rows
from tracker.web.views import sync

MOST = 500  # units of one bulk action
SHOWN_MEMBERS = 60
SHOWN_PLACING = 50  # units whose members are listed before they are placed
TITLES = {
    "subscription": "Subscription",
    "region": "Region",
    "kind": "Kind",
    "verdict": "Verdict",
    "progress": "Progress",
    "health": "Health",
    "wave": "Wave",
    "owner": "Owner",
}
CHIPS = ("verdict", "progress", "health")
NONE = {"owner": "Nobody", "wave": "No wave", "region": "No region"}
GONE = (("show", "Also those no longer listed"), ("only", "Only those no longer listed"))


class NothingChosen(ValueError):
    """A bulk action without units, or with some that are not here."""


@require(Permission.READ)
@require_safe
def inventory(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(request: HttpRequest, *, kept: dict[str, Any] | None = None, code: int = 200) -> HttpResponse:
    """The list as its URL says. `kept`: what a refused bulk form held, so that nothing typed is lost."""
    filters = filters_of(request.GET)
    sort, descending = _sort(request)
    lost, numbers = False, queries.numbers(filters)
    try:
        found = queries.page(filters, sort, descending=descending, cursor=request.GET.get("cursor", ""))
    except queries.BadCursor:
        lost, found = True, queries.page(filters, sort, descending=descending)
    facets = _facets(request, numbers.facets)
    applied = lists.applied(facets)
    applied += _further(request, filters)
    stands = readings.standing()
    page = lists.Page(found.units, _cursor(request, found.after), "", "", lost, _cursor(request, found.before))
    plan_why_not = readings.why_not(request.user, Permission.PLAN)  # type: ignore[arg-type]
    ticked = (kept or {}).get("units", ())
    return render(
        request,
        "inventory/list.html",
        {
            "page": page,
            "rows": unit_rows.rows(found.units, selectable=not plan_why_not, ticked=ticked),
            "facets": facets,
            "applied": applied,
            "filters": filters,
            "found": numbers,
            "any_units": numbers.total or filters.narrow or Unit.objects.exists(),
            "any_subscription": bool(stands.subscriptions),
            "stale": stands.failed,
            "open_waves": [] if plan_why_not else _open_waves(),
            "plan_why_not": plan_why_not,
            "kept": kept or {},
            "most": MOST,
            "reading_summary": sync.summary(stands),
        },
        status=code,
    )


def _open_waves() -> list[tuple[int, str]]:
    return list(Wave.objects.filter(stopped_at__isnull=True).values_list("pk", "name")[:100])


def filters_of(query: QueryDict) -> queries.Filters:
    return queries.Filters.read(dict(query.lists()))


def _sort(request: HttpRequest) -> tuple[queries.Sort, bool]:
    wanted = request.GET.get("sort", "")
    name = wanted.removeprefix("-")
    known = name in list(queries.Sort)
    return queries.Sort(name) if known else queries.Sort.NAME, known and wanted.startswith("-")


def _cursor(request: HttpRequest, cursor: str | None) -> str:
    if cursor is None:
        return ""
    here = lists.address(request.GET)
    return f"{here}{'&' if len(here) > 1 else ''}{urlencode({'cursor': cursor})}"


def _facets(request: HttpRequest, counted: dict[str, list[queries.Count]]) -> list[lists.Facet]:
    facets = []
    for name, title in TITLES.items():
        given = [(one.value, label_of(name, one), one.count) for one in counted.get(name, [])]
        if name in CHIPS:
            order = list(status.CHIPS[name])
            given = sorted((one for one in given if one[0] in order), key=lambda one: order.index(one[0]))
        facet = lists.facet(request, name, title, given, chip=name if name in CHIPS else "")
        if len(facet.options) > 1 or facet.chosen:
            facets.append(facet)
    listing = lists.facet(request, "gone", "Listing", [(value, label, None) for value, label in GONE])
    for option in listing.options:  # one or the other, never both
        if not option.chosen:
            facets_url = lists.address(request.GET, gone=option.value)
            listing.options[listing.options.index(option)] = lists.Option(option.label, facets_url, value=option.value)
    return [*facets, listing]


def label_of(name: str, one: queries.Count) -> str:
    """A value of a facet, for people."""
    if one.value == queries.NOBODY and name in NONE:
        return NONE[name]
    if name == "kind" and one.value in status.UNIT_KINDS:
        return status.UNIT_KINDS[one.value][0]
    return one.label or one.value


def _further(request: HttpRequest, filters: queries.Filters) -> list[tuple[str, lists.Option]]:
    """What is filtered by without having a facet: text and rules, so that it is seen and can be taken off."""
    found = []
    if filters.text:
        found.append(("Text", lists.Option(filters.text, lists.address(request.GET, q=None))))
    if filters.rule:
        said = {"yes": "applies", "no": "does not apply", "unknown": "is unknown"}.get(filters.outcome or "yes", "")
        url = lists.address(request.GET, rule=None, outcome=None)
        found.append(("Rule", lists.Option(f"{filters.rule} {said}", url)))
    for name, title in (("blocks", "Blocked by"), ("frees", "Blocked by nothing but")):
        if rules := getattr(filters, name):
            shown = ", ".join(rules[:3]) + (f" and {len(rules) - 3} more" if len(rules) > 3 else "")
            found.append((title, lists.Option(shown, lists.address(request.GET, **{name: None}))))
    return found


@require(Permission.READ)
@require_safe
def members(request: HttpRequest, pk: int) -> HttpResponse:
    """The members of one unit, for the row under it."""
    detail = queries.unit_page(pk)
    if detail is None:
        raise Http404
    listed = list(_flat(detail.members))
    return render(
        request,
        "inventory/_members.html",
        {"unit": detail.unit, "members": listed[:SHOWN_MEMBERS], "more": max(0, len(listed) - SHOWN_MEMBERS)},
    )


def _flat(nodes: Iterable[queries.Node], depth: int = 0) -> Iterable[tuple[int, Any]]:
    for node in nodes:
        yield min(depth, 5), node.resource
        yield from _flat(node.children, depth + 1)


# --- many at once -----------------------------------------------------------------------------------------------------
def _chosen(request: HttpRequest) -> list[Unit]:
    """The ticked units. Raises NothingChosen."""
    given = request.POST.getlist("unit")
    numbers = {int(text) for text in given if text.isascii() and text.isdigit() and len(text) < 18}
    if not numbers or len(numbers) != len(set(given)):
        raise NothingChosen("Select at least one unit." if not given else "The selection cannot be read; select again.")
    if len(numbers) > MOST:
        raise NothingChosen(f"{len(numbers)} units are selected; at most {MOST} can be changed at once.")
    units = list(Unit.objects.filter(pk__in=numbers).order_by("name", "pk"))
    if missing := len(numbers) - len(units):
        raise NothingChosen(f"{missing} of the selected units are not here any more; reload the list.")
    return units


def _back(request: HttpRequest) -> HttpResponseRedirect:
    query = lists.address(request.GET)
    return HttpResponseRedirect(reverse("inventory") + (query if len(query) > 1 else ""))


def _refused(request: HttpRequest, error: Exception, menu: str) -> HttpResponse:
    kept = {
        "problem": str(error),
        "menu": menu,
        "units": set(request.POST.getlist("unit")),
        "owner": request.POST.get("owner", "")[:500],
        "reason": request.POST.get("reason", "")[:1000],
    }
    return _page(request, kept=kept, code=409)


@require(Permission.PLAN)
@require_POST
def assign_owner(request: HttpRequest) -> HttpResponse:
    try:
        units = _chosen(request)
        owner = request.POST.get("owner", "")
        number = actions.assign_owner(units, owner, request.user.actor, database_now())  # type: ignore[union-attr]
    except (NothingChosen, actions.InvalidText) as error:
        return _refused(request, error, "owner")
    said = f"now belong to {owner.strip()}" if owner.strip() else "have no owner now"
    if number:
        messages.success(request, f"{number} unit{'s' * (number != 1)} {said}.")
    else:
        messages.info(request, "Nothing changed: the owner was already that.")
    return _back(request)


@require(Permission.PLAN)
@require_POST
def exclude(request: HttpRequest) -> HttpResponse:
    """All of the selected units, or none of them."""
    try:
        units = _chosen(request)
        now = database_now()
        with transaction.atomic():
            for unit in units:
                actions.exclude(unit, request.POST.get("reason", ""), request.user.actor, now)  # type: ignore[union-attr]
    except (NothingChosen, actions.InvalidText, actions.StillPlaced, actions.IllegalMove) as error:
        return _refused(request, error, "exclude")
    messages.success(request, f"{len(units)} unit{'s are' if len(units) != 1 else ' is'} excluded from the programme.")
    return _back(request)


@require(Permission.PLAN)
@require_POST
def place(request: HttpRequest) -> HttpResponse:
    """First shows what comes along; then, with `confirmed`, places all of the units or none of them."""
    try:
        units, wave = _chosen(request), _wave(request.POST.get("wave", ""))
        if not request.POST.get("confirmed"):
            return render(request, "inventory/place.html", _placing(units, wave))
        now = database_now()
        with transaction.atomic():
            for unit in units:
                wave_actions.place(wave, unit, by=request.user, now=now)  # type: ignore[arg-type]
    except (NothingChosen, wave_actions.WaveError, QuotaError, actions.IllegalMove) as error:
        return _refused(request, error, "place")
    messages.success(request, f"{len(units)} unit{'s' * (len(units) != 1)} placed in “{wave.name}”; quota is reserved.")
    return HttpResponseRedirect(reverse("wave", args=[wave.pk]))


def _wave(text: str) -> Wave:
    """Raises NothingChosen."""
    fits = text.isascii() and text.isdigit() and len(text) < 18
    wave = Wave.objects.filter(pk=text).first() if fits else None
    if wave is None:
        raise NothingChosen("Choose a wave first; if there is none, plan one.")
    return wave


def _placing(units: list[Unit], wave: Wave) -> dict[str, Any]:
    """What is about to be placed: each unit with what the platform moves along, and why it cannot be placed if so."""
    rows = [(unit, waves.forced_set(unit), waves.objections(unit)) for unit in units[:SHOWN_PLACING]]
    return {
        "wave": wave,
        "units": units,
        "rows": rows,
        "more": max(0, len(units) - SHOWN_PLACING),
        "refused": sum(1 for _, _, objections in rows if objections),
        "members": sum(unit.member_count for unit in units),
    }


@require(Permission.READ)
@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """Exactly what the list is narrowed to, all pages of it, as CSV or JSON; streamed."""
    units = queries.selection(filters_of(request.GET)).select_related("subscription", "placement__wave")
    return unit_export.stream(units.order_by("name", "pk"), request.GET.get("format", ""))
