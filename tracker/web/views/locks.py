"""/locks/: whose management plane is locked, how long, for whom, and what locks there were."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from migrator import locks as sums
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
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
    sought = lists_text(request)
    found = ledger.locks()
    if sought:
        found = found.filter(Q(unit__name__icontains=sought) | Q(wave__icontains=sought))
    wave = said.number(request.GET.get("wave", ""))
    if wave is not None:
        found = found.filter(wave_id=wave)
    counts = found.order_by().aggregate(**{name: Count("pk", filter=stands[1]) for name, stands in STANDS.items()})
    total = counts["held"] + counts["ended"]
    chosen = [name for name in request.GET.getlist("state") if name in STANDS]
    if chosen:
        wanted = Q()
        for name in chosen:
            wanted |= STANDS[name][1]
        found = found.filter(wanted)
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
            "text_sought": sought, "count": total, "any": bool(total) or bool(sought) or wave is not None, "now": now,
            "hours": ledger.hours_of_waves([wave], now).get(wave, 0.0) if wave is not None else None,
        },
    )  # fmt: skip


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
