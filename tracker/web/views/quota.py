"""Quota: what Azure allows and uses, what waves reserved, what is short, and the requests that raise it."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.contrib import messages
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from migrator import leads
from migrator import quota as sums
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.inventory.models import Subscription
from tracker.quota import actions, lead_times, queries
from tracker.quota.models import QuotaRequest, SizeList, Usage
from tracker.quota.queries import MatrixRow
from tracker.runs.queries import database_now
from tracker.web import lists, live
from tracker.web.permits import Permits
from tracker.web.reviews import actor_names

MOST = 1_000_000  # of anything one request may ask for
LONGEST_REASON = 1000
SHOWN = 100  # requests on the page
UNCOUNTED = 50
OPEN = (
    QuotaRequest.State.DRAFT,
    QuotaRequest.State.SENT,
    QuotaRequest.State.DOUBTFUL,
    QuotaRequest.State.TICKET,
)


@lru_cache(maxsize=4)
def _planned(version: str) -> sums.Needed:
    """Counting the needs of a whole estate reads every document of it: once per change, not once per poll."""
    return queries.planned()


@require(Permission.READ)
@require_safe
def quota(request: HttpRequest) -> HttpResponse:
    return render(request, "quota/page.html", _context(request, queries.version()))


@require(Permission.READ)
@require_safe
def part(request: HttpRequest) -> HttpResponse:
    """Everything below the head, live."""
    version = queries.version()
    tag = _tag(request, version)
    return live.unchanged(request, tag) or live.fragment(request, "quota/_body.html", _context(request, version), tag)


def _tag(request: HttpRequest, version: tuple[str, str]) -> str:
    return live.etag(version[1], lists.address(request.GET))


def status_of(row: MatrixRow) -> str:
    """Value of the chip `quota`."""
    if row.short is None:
        return "unknown"
    if row.short and row.request is not None and row.request.state in OPEN:
        return "requested"
    return "short" if row.short else "enough"


def _context(request: HttpRequest, version: tuple[str, str]) -> dict[str, Any]:
    needed, asked = _planned(version[0]), list(queries.requests())
    everything = queries.matrix(needed=needed, asked=asked)
    chosen = {name: set(request.GET.getlist(name)) for name in ("subscription", "region", "state")}

    def fits(row: MatrixRow, but: str = "") -> bool:
        values = {"subscription": row.subscription.pk, "region": row.region, "state": status_of(row)}
        return all(not chosen[name] or values[name] in chosen[name] for name in chosen if name != but)

    facets = _facets(request, everything, fits)
    rows = [row for row in everything if fits(row)]
    open_requests = sum(1 for row in asked if row.state in OPEN)
    if states := set(request.GET.getlist("request")) & set(QuotaRequest.State.values):
        asked = [row for row in asked if row.state in states]
    asked_more, asked = len(asked) - SHOWN, asked[:SHOWN]
    people = actor_names({row.requested_by for row in asked})
    seen = lead_times.granted() if any(row.state in OPEN for row in asked) else []
    now = database_now() if seen else None
    tables: dict[str, dict[str, Any]] = {}
    for row in rows:
        table = tables.setdefault(row.subscription.pk, {"subscription": row.subscription, "rows": [], "read": None})
        before = table["rows"][-1]["row"].region if table["rows"] else ""
        table["rows"].append(
            {"row": row, "state": status_of(row), "region": row.region if row.region != before else "",
             "ask": _ask_url(row), "network": row.provider != sums.COMPUTE}
        )  # fmt: skip
        if row.read_at is not None and (table["read"] is None or row.read_at < table["read"]):
            table["read"] = row.read_at
    unknowns = list({need.why: need for need in needed.unknowns}.values())
    counts = {state: sum(1 for row in everything if status_of(row) == state) for state in
              ("short", "requested", "unknown", "enough")}  # fmt: skip
    return {
        "live_etag": _tag(request, version),
        "part_url": reverse("quota_part") + lists.address(request.GET),
        "tables": list(tables.values()),
        "facets": facets,
        "applied": lists.applied(facets),
        "counts": counts,
        "any": bool(everything),
        "sizes_read": SizeList.objects.aggregate(oldest=Min("read_at"))["oldest"] if everything else None,
        "shown": len(rows),
        "requests": [(row, people.get(row.requested_by, row.requested_by), _lead(row, seen, now)) for row in asked],
        "request_states": sorted(states) if states else [],
        "open_requests": open_requests,
        "requests_more": max(0, asked_more),
        "uncounted": unknowns[:UNCOUNTED],
        "uncounted_more": max(0, len(unknowns) - UNCOUNTED),
        "why_not": Permits(request.user).why_not(Permission.REQUEST_QUOTA),  # type: ignore[arg-type]
    }


def _lead(row: QuotaRequest, seen: list[leads.Granted], now: datetime | None) -> dict[str, Any] | None:
    """What is usual for an open request, and whether this one takes longer than nine of ten; None: nothing is known."""
    usual = leads.usual(seen, row.region, row.name) if row.state in OPEN else None
    if usual is None or now is None:
        return None
    return {"usual": usual, "late": (now - (row.sent_at or row.requested_at)).total_seconds() > usual.late}


def _facets(request: HttpRequest, rows: list[MatrixRow], fits: Any) -> list[lists.Facet]:
    def number(name: str, value: str, of: Any) -> int:
        return sum(1 for row in rows if of(row) == value and fits(row, name))

    subscriptions = {row.subscription.pk: row.subscription.name for row in rows}
    return [
        lists.facet(request, "state", "Stands", [
            (state, state, number("state", state, status_of)) for state in ("short", "requested", "unknown", "enough")
        ], chip="quota"),
        lists.facet(request, "subscription", "Subscription", [
            (pk, name, number("subscription", pk, lambda row: row.subscription.pk))
            for pk, name in sorted(subscriptions.items(), key=lambda item: item[1])
        ]),
        lists.facet(request, "region", "Region", [
            (region, region, number("region", region, lambda row: row.region))
            for region in sorted({row.region for row in rows})
        ]),
    ]  # fmt: skip


def _ask_url(row: MatrixRow) -> str:
    query = lists.QueryDict(mutable=True)
    query.update({"subscription": row.subscription.pk, "region": row.region, "provider": row.provider,
                  "name": row.name})  # fmt: skip
    if row.short and row.wanted_total is not None:
        query["limit"] = str(row.wanted_total)
    return f"{reverse('quota_request')}?{query.urlencode()}"


# --- a request --------------------------------------------------------------------------------------------------------
FIELDS = ("subscription", "region", "provider", "name")


@require(Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def request_more(request: HttpRequest) -> HttpResponse:
    """The form, filled in from the address; the POST asks."""
    return _ask(request) if request.method == "POST" else _form(request, request.GET.dict())


def _usage(given: dict[str, str]) -> Usage | None:
    wanted = {name: given.get(name, "")[:200] for name in FIELDS}
    if any("\x00" in value for value in wanted.values()):
        return None
    return Usage.objects.select_related("subscription").filter(
        subscription_id=wanted["subscription"], region=wanted["region"],
        provider__iexact=wanted["provider"], name__iexact=wanted["name"],
    ).first()  # fmt: skip


def _form(request: HttpRequest, given: dict[str, str], *, status: int = 200, **more: Any) -> HttpResponse:
    usage = _usage(given)
    row = None
    if usage is not None:
        matched = queries.matrix(needed=_planned(queries.version()[0]))
        key = (usage.subscription_id, usage.region, usage.provider.lower(), usage.name.lower())
        row = next((each for each in matched if each.key == key), None)
    context = {
        "usage": usage,
        "row": row,
        "usual": leads.usual(lead_times.granted(), usage.region, usage.name) if usage else None,
        "given": {name: given.get(name, "")[:200] for name in FIELDS},
        "limit": given.get("limit", "")[:20],
        "reason": given.get("reason", "").replace("\x00", "")[:LONGEST_REASON],
        "why_not": Permits(request.user).why_not(Permission.REQUEST_QUOTA),  # type: ignore[arg-type]
    }
    return render(request, "quota/request.html", context | more, status=status)


def _total(text: str) -> int:
    """The number somebody typed. Raises ValueError with a sentence."""
    plain = text.strip().replace(",", "").replace(" ", "").replace("\u202f", "")
    if not plain.isascii() or not plain.isdigit() or len(plain) > 12:
        raise ValueError("The new total is a whole number, such as 350.")
    if not 0 < int(plain) <= MOST:
        raise ValueError(f"The new total is between 1 and {MOST:,}.")
    return int(plain)


@require(Permission.REQUEST_QUOTA)
def _ask(request: HttpRequest) -> HttpResponse:
    given, usage = request.POST.dict(), _usage(request.POST.dict())
    reason = given.get("reason", "")

    def refused(sentence: str, field: str = "") -> HttpResponse:
        return _form(request, given, status=409, wrong=sentence, wrong_field=field)

    if usage is None:
        return refused("There is no such limit: it was never read. Sync the subscription and start from the table.")
    try:
        total = _total(given.get("limit", ""))
    except ValueError as error:
        return refused(str(error), "limit")
    if "\x00" in reason or len(reason) > LONGEST_REASON:
        return refused(f"The reason has at most {LONGEST_REASON:,} characters and no NUL.", "reason")
    try:
        actions.request(
            Subscription.objects.get(pk=usage.subscription_id), region=usage.region, provider=usage.provider,
            name=usage.name, limit=total, reason=reason, by=request.user, now=database_now(),
        )  # fmt: skip
    except actions.BadLimit as error:
        return refused(str(error), "limit")
    except actions.QuotaError as error:
        return refused(str(error))
    messages.success(request, f"{total:,} {usage.name} in {usage.region} were asked for; the platform is asked next.")
    return HttpResponseRedirect(reverse("quota") + "#requests")
