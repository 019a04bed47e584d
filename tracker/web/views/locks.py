"""/locks/: whose management plane is locked, how long, for whom, and what locks there were."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from migrator import locks as sums
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.audit import tables
from tracker.inventory import locks_export
from tracker.inventory.lock_models import Lock
from tracker.inventory.queries import ledger
from tracker.runs.queries import database_now
from tracker.waves.models import Wave
from tracker.web import lists, naming
from tracker.web.lists import Sort
from tracker.web.views import said
from tracker.web.views.runs import lists_text

SORTS = {
    "since": Sort("opened_at", decode=lambda text: text),
    "unit": Sort("unit__name"),
    "limit": Sort("limit_hours", decode=int),
}
STANDS = {
    "held": ("Held now", Q(closed_at__isnull=True), "progress", "lock"),
    "risky": ("Beyond 80 %", Q(closed_at__isnull=True, told__gte=80), "attention", "hourglass"),
    "over": ("Over the limit", Q(closed_at__isnull=True, told__gte=100), "stop", "octagon-alert"),
    "ended": ("Ended", Q(closed_at__isnull=False), "neutral", "lock-open"),
}


@require(Permission.READ)
@require_safe
def locks(request: HttpRequest) -> HttpResponse:
    """/locks/?state=held&wave=…&q=…"""
    now = database_now()
    sought, wave, chosen, found = _asked(request)
    counts = found.order_by().aggregate(**{name: Count("pk", filter=stands[1]) for name, stands in STANDS.items()})
    total = counts["held"] + counts["ended"]
    found = _standing(found, chosen)
    options = [(name, stands[0], counts[name]) for name, stands in STANDS.items()]
    facets = [lists.facet(request, "state", "State", options)]
    applied = lists.applied(facets)
    if wave is not None:
        name = Wave.objects.filter(pk=wave).values_list("name", flat=True).first() or "a wave"
        applied.append(("Wave", lists.Option(name, lists.address(request.GET, wave=None))))
    page = lists.page(request, found, SORTS, default="-since")
    rows = list(page)
    people = naming.names(row.opened_by for row in rows if row.opened_by)
    for row in rows:
        _tell(row, now, people)
    figures = [
        {
            "label": label,
            "value": counts[name],
            "hue": hue,
            "icon": icon,
            "url": lists.address(request.GET, state=[name]),
        }
        for name, (label, _, hue, icon) in STANDS.items()
    ]
    return render(
        request,
        "locks/list.html",
        {
            "page": page, "rows": rows, "facets": facets, "applied": applied, "figures": figures,
            "text_sought": sought, "count": total, "shown": found.count() if chosen else total,
            "any": bool(total) or bool(sought) or wave is not None, "now": now,
            "hours": ledger.hours_of_waves([wave], now).get(wave, 0.0) if wave is not None else None,
        },
    )  # fmt: skip


@require(Permission.READ)
@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """Exactly what the list is narrowed to, all pages of it, as CSV or JSON lines; streamed."""
    asked = request.GET.get("format", "")
    kind = asked if asked in tables.FORMATS else "csv"
    _, _, chosen, found = _asked(request)
    content = locks_export.stream(_standing(found, chosen), kind, database_now())
    answer = StreamingHttpResponse(content, content_type=tables.FORMATS[kind])
    answer["Content-Disposition"] = f'attachment; filename="locks.{kind}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _asked(request: HttpRequest) -> tuple[str, int | None, list[str], QuerySet[Lock]]:
    """The text sought, the wave, the chosen states, and the locks by text and wave."""
    sought, wave = lists_text(request), said.number(request.GET.get("wave", ""))
    found = ledger.locks()
    if sought:
        found = found.filter(Q(unit__name__icontains=sought) | Q(wave__icontains=sought))
    if wave is not None:
        found = found.filter(wave_id=wave)
    return sought, wave, [name for name in request.GET.getlist("state") if name in STANDS], found


def _standing(found: QuerySet[Lock], chosen: list[str]) -> QuerySet[Lock]:
    wanted = Q()
    for name in chosen:
        wanted |= STANDS[name][1]
    return found.filter(wanted)


def _tell(row: Lock, now: Any, people: dict[str, str]) -> None:
    """What the page shows beside the row itself."""
    limit = timedelta(hours=row.limit_hours)
    until = row.closed_at or now
    row.used = sums.share(row.opened_at, until, limit)  # type: ignore[attr-defined]
    row.bar = min(row.used, 100)  # type: ignore[attr-defined]
    row.hue = "stop" if row.used >= 100 else "attention" if row.used >= 80 else "progress"  # type: ignore[attr-defined]
    row.next = None if row.closed_at else sums.next_step(row.opened_at, now, limit)  # type: ignore[attr-defined]
    row.long = until - row.opened_at  # type: ignore[attr-defined]
    row.person = people.get(row.opened_by, row.opened_by.partition(":")[2])  # type: ignore[attr-defined]
    row.storage_end = (  # type: ignore[attr-defined]
        row.opened_at + sums.STORAGE_END if row.unit.kind == "storage-account" and not row.closed_at else None
    )
